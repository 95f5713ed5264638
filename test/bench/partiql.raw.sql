\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
SELECT dynamo.get_item(format(:get, :p::text, :s::text)::jsonb);
