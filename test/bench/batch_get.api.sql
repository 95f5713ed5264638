\set p random(0, 999999)
\set s random(0, 99)
SELECT dynamo.batch_get_item(format(:batch_get, string_agg(format(:key, 1001 + (:p + i * 7) % :partitions, 101 + (:s + i) % 100), ','))::jsonb)
FROM generate_series(1, 100) i;
