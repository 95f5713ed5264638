-- Nothing if both tables hold the same items and both ways of asking find the
-- same number of them.
SELECT 'different items: ' || count(*)
FROM bench_raw r FULL JOIN dynamo_tables.bench d USING (pk, sk)
WHERE r.item IS DISTINCT FROM d.item::jsonb
HAVING count(*) <> 0;

WITH found AS (
	SELECT (SELECT count(*) FROM bench_raw WHERE item->'shelf' = '{"N":"7"}') AS raw,
		(SELECT count(*) FROM dynamo.scan('bench', 'shelf = :b', '{":b": 7}')) AS api,
		bench_scan(:'scan') AS pages,
		(SELECT sum(bench_scan(:'scan' || jsonb_build_object('TotalSegments', 8, 'Segment', s)))
		 FROM generate_series(0, 7) s) AS segments
)
SELECT 'different scans: ' || found::text FROM found
WHERE raw <> api OR raw <> pages OR raw <> segments;
