\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
\set r random(0, 9)
\set b random(0, 99)
UPDATE bench_raw
SET item = format(:item, :p::text, :s::text, :r::text, :b::text)::jsonb
WHERE pk = format('part-%s', :p::text) AND sk = format('item-%s', :s::text)
	AND (item->'rating'->>'N')::numeric < 11;
