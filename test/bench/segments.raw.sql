SELECT bench_scan(:scan::jsonb);
