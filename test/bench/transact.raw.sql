\set p random(1001, 1000 + :partitions)
\set s random(101, 125)
\set r random(0, 9)
\set b random(0, 99)
\set s2 :s + 25
\set s3 :s + 50
\set s4 :s + 75
\startpipeline
BEGIN;
INSERT INTO bench_raw
VALUES (format('part-%s', :p::text), format('item-%s', :s::text), format(:item, :p::text, :s::text, :r::text, :b::text)::jsonb)
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
INSERT INTO bench_raw
VALUES (format('part-%s', :p::text), format('item-%s', :s2::text), format(:item, :p::text, :s2::text, :r::text, :b::text)::jsonb)
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
INSERT INTO bench_raw
VALUES (format('part-%s', :p::text), format('item-%s', :s3::text), format(:item, :p::text, :s3::text, :r::text, :b::text)::jsonb)
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
INSERT INTO bench_raw
VALUES (format('part-%s', :p::text), format('item-%s', :s4::text), format(:item, :p::text, :s4::text, :r::text, :b::text)::jsonb)
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
COMMIT;
\endpipeline
