\set p random(0, 999999)
\set s random(0, 99)
\set r random(0, 9)
INSERT INTO bench_raw
SELECT format('part-%s', 1001 + (:p + i * 7) % :partitions), format('item-%s', 101 + (:s + i) % 100),
	format(:item, 1001 + (:p + i * 7) % :partitions, 101 + (:s + i) % 100, :r::text, i)::jsonb
FROM generate_series(1, 25) i
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
