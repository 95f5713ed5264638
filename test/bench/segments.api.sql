SELECT sum(bench_scan(:scan::jsonb || jsonb_build_object('TotalSegments', 8, 'Segment', n)))
FROM generate_series(0, 7) n;
