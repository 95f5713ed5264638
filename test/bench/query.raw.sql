\set p random(1001, 1000 + :partitions)
SELECT item FROM bench_raw WHERE pk = format('part-%s', :p::text) ORDER BY sk;
