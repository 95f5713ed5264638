\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
\set r random(0, 9)
UPDATE bench_raw
SET item = jsonb_set(jsonb_set(item,
		'{rating,N}', to_jsonb(:r::text)),
		'{votes,N}', to_jsonb(((item->'votes'->>'N')::numeric + 1)::text))
WHERE pk = format('part-%s', :p::text) AND sk = format('item-%s', :s::text)
	AND (item->'rating'->>'N')::numeric < 11;
