\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
SELECT item FROM bench_raw WHERE pk = format('part-%s', :p::text) AND sk = format('item-%s', :s::text);
