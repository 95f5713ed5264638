\set p random(1001, 1000 + :partitions)
SELECT dynamo.query(format(:query_plain, :p::text)::jsonb);
