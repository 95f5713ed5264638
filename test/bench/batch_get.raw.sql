\set p random(0, 999999)
\set s random(0, 99)
SELECT t.item
FROM (SELECT '{' || string_agg(format('part-%s', 1001 + (:p + i * 7) % :partitions), ',') || '}' AS pk,
		'{' || string_agg(format('item-%s', 101 + (:s + i) % 100), ',') || '}' AS sk
	FROM generate_series(1, 100) i) AS keys,
	LATERAL unnest(keys.pk::text[], keys.sk::text[]) AS k(pk, sk)
	JOIN bench_raw t ON t.pk = k.pk AND t.sk = k.sk;
