\set p random(0, 999999)
\set s random(0, 99)
\set r random(0, 9)
SELECT dynamo.batch_write_item(format(:batch_write, string_agg(format(:batch_put, 1001 + (:p + i * 7) % :partitions, 101 + (:s + i) % 100, :r::text, i), ','))::jsonb)
FROM generate_series(1, 25) i;
