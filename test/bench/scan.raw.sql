SELECT item FROM bench_raw WHERE item->'shelf' = '{"N":"7"}';
