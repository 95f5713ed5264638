-- Statements :first to :last of a mix of operations, one transaction each.
SELECT CASE n % 4
	WHEN 0 THEN format('SELECT dynamo.get_item(%L)', format(:'get', p, s))
	WHEN 1 THEN format('SELECT dynamo.put_item(%L)', format(:'put_if', p, s, n % 10, n % 100))
	WHEN 2 THEN format('SELECT dynamo.update_item(%L)', format(:'update', p, s, n % 10))
	ELSE format('SELECT dynamo.query(%L)', format(:'query', p))
	END
FROM (SELECT n, 1001 + n * 37 % :partitions AS p, 101 + n * 11 % 100 AS s
	FROM generate_series(:first, :last) n) AS op
\gexec
