SELECT item FROM bench_raw WHERE item->'bucket' = '{"N":"7"}';
