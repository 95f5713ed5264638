\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
\set r random(0, 9)
\set b random(0, 99)
SELECT dynamo.put_item(format(:put_indexed, :p::text, :s::text, :r::text, :b::text)::jsonb);
