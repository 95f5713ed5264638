-- Nothing if the indexes of bench_indexed hold what its items say, and a Query
-- through index in_order gives what the same gives through the table.
SELECT format('index %s of bench_indexed: %s entries wrong, the first: %s %s',
	index_name, count(*), min(problem), min(key::text))
FROM dynamo.indexes, dynamo.verify_index(table_name, index_name)
WHERE table_name = 'bench_indexed'
GROUP BY index_name;

SELECT 'different queries'
FROM (SELECT dynamo.query(format(:'query_plain', 1001)::jsonb) AS plain,
		dynamo.query(format(:'query_indexed', 1001)::jsonb) AS indexed) q
WHERE EXISTS (SELECT FROM dynamo.indexes
		WHERE table_name = 'bench_indexed' AND index_name = 'in_order')
	AND (plain <> indexed OR (plain->>'Count')::int <> 100);
