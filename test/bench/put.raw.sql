\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
\set r random(0, 9)
\set b random(0, 99)
INSERT INTO bench_raw
VALUES (format('part-%s', :p::text), format('item-%s', :s::text), format(:item, :p::text, :s::text, :r::text, :b::text)::jsonb)
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
