\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
\set r random(0, 9)
SELECT dynamo.update_item(format(:update, :p::text, :s::text, :r::text)::jsonb);
