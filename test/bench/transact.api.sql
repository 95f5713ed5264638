\set p random(1001, 1000 + :partitions)
\set s random(101, 125)
\set r random(0, 9)
\set b random(0, 99)
SELECT dynamo.transact_write_items(format(:transact,
	format(:transact_put, :p::text, :s::text, :r::text, :b::text),
	format(:transact_put, :p::text, (:s + 25)::text, :r::text, :b::text),
	format(:transact_put, :p::text, (:s + 50)::text, :r::text, :b::text),
	format(:transact_put, :p::text, (:s + 75)::text, :r::text, :b::text))::jsonb);
