\set p random(1001, 1000 + :partitions)
SELECT item FROM bench_raw WHERE pk = 'part-' || :p ORDER BY sk;
