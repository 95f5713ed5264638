-- Query and Scan of secondary indexes
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('{"TableName": "iqt", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
		{"AttributeName": "a", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "B"},
		{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"LocalSecondaryIndexes": [
		{"IndexName": "l_all", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "l_keys", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}},
		{"IndexName": "l_some", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "g_all", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "g_hash", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}},
		{"IndexName": "g_some", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}},
		{"IndexName": "g_multi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "HASH"},
			{"AttributeName": "n", "KeyType": "RANGE"}, {"AttributeName": "a", "KeyType": "RANGE"}, {"AttributeName": "b", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}}]}'::jsonb) IS NOT NULL AS made;

-- a request; vals and more are merged in
CREATE FUNCTION pg_temp.q(index text, cond text, vals jsonb, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.query(jsonb_strip_nulls(jsonb_build_object('TableName', 'iqt', 'IndexName', index,
		'KeyConditionExpression', cond, 'ExpressionAttributeValues', vals)) || more)
$$;
CREATE FUNCTION pg_temp.scan(index text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.scan(jsonb_build_object('TableName', 'iqt', 'IndexName', index) || more)
$$;
-- an attribute of the items of a response, in its order
CREATE FUNCTION pg_temp.list(response jsonb, attribute text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(coalesce((SELECT v FROM jsonb_each_text(e -> attribute) y(k, v)), '-'), ' ' ORDER BY ord)
	FROM jsonb_array_elements(response -> 'Items') WITH ORDINALITY x(e, ord)
$$;
-- items of all pages, numbered in the order in which they came
CREATE FUNCTION pg_temp.pages(operation text, request jsonb) RETURNS TABLE (n int, page int, item jsonb) LANGUAGE plpgsql AS $$
DECLARE
	response jsonb;
	start jsonb := '{}';
BEGIN
	n := 0;
	page := 0;
	WHILE page < 1000 LOOP
		page := page + 1;
		response := dynamo.execute(operation, '{"TableName": "iqt"}' || request || start);
		FOR item IN SELECT jsonb_array_elements(response -> 'Items') LOOP
			n := n + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN NOT response ? 'LastEvaluatedKey';
		start := jsonb_build_object('ExclusiveStartKey', response -> 'LastEvaluatedKey');
	END LOOP;
END $$;

-- 60 items of two partitions with few different index keys; a few are sparse
INSERT INTO dynamo_tables.iqt (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', 'p' || i % 2), 'r', jsonb_build_object('N', (i - 30)::text),
	'x', jsonb_build_object('N', (i % 7)::text), 'y', jsonb_build_object('S', 'y' || i))
	|| CASE WHEN i % 10 <> 3 THEN jsonb_build_object('a', jsonb_build_object('S', (ARRAY['a', 'ab', 'b'])[i % 3 + 1])) ELSE '{}' END
	|| CASE WHEN i % 10 <> 4 THEN jsonb_build_object('n', jsonb_build_object('N', (ARRAY['-1.5', '0', '10', '9'])[i % 4 + 1])) ELSE '{}' END
	|| jsonb_build_object('g', jsonb_build_object('S', 'g'), 'b', jsonb_build_object('B', (ARRAY['AA==', '/w==', '//8='])[i % 3 + 1]))
FROM generate_series(0, 59) i;
INSERT INTO dynamo_tables.iqt (item) VALUES ('{"p": {"S": "alone"}, "r": {"N": "1"}, "g": {"S": "h"}, "n": {"N": "5"}, "x": {"N": "1"}, "y": {"S": "y"}}');

--
-- what an index gives
--
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}');
SELECT pg_temp.q('g_hash', 'g = :g', '{":g": {"S": "h"}}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}}');
SELECT pg_temp.q('l_all', 'p = :p', '{":p": {"S": "alone"}}');
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "none"}}', '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.scan('g_hash', '{"FilterExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "h"}}}');

--
-- order, both directions, ties of a local index by the table's sort key
--
SELECT pg_temp.list(r, 'a') AS a, pg_temp.list(r, 'r') AS r FROM pg_temp.q('l_all', 'p = :p', '{":p": {"S": "p1"}}') r;
SELECT pg_temp.list(r, 'a') AS a, pg_temp.list(r, 'r') AS r FROM pg_temp.q('l_all', 'p = :p', '{":p": {"S": "p1"}}', '{"ScanIndexForward": false}') r;
SELECT pg_temp.list(pg_temp.q('g_all', 'g = :g', '{":g": {"S": "g"}}'), 'n') AS n;
SELECT pg_temp.list(pg_temp.q('g_all', 'g = :g', '{":g": {"S": "g"}}', '{"ScanIndexForward": false}'), 'n') AS n;
SELECT pg_temp.list(pg_temp.q('l_some', 'p = :p', '{":p": {"S": "p0"}}'), 'b') AS b;
SELECT pg_temp.list(r, 'n') AS n, pg_temp.list(r, 'a') AS a, pg_temp.list(r, 'b') AS b FROM pg_temp.q('g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}') r;

--
-- sort key conditions
--
SELECT cond, pg_temp.list(pg_temp.q('l_keys', 'p = :p AND ' || cond, '{":p": {"S": "p0"}, ":v": {"N": "10.0"}}'), 'n') AS n
FROM unnest('{n = :v,n < :v,n <= :v,n > :v,n >= :v,:v < n,(:v >= n)}'::text[]) WITH ORDINALITY s(cond, ord) ORDER BY ord;
SELECT pg_temp.list(pg_temp.q('l_keys', 'p = :p AND n BETWEEN :v AND :w', '{":p": {"S": "p1"}, ":v": {"N": "0"}, ":w": {"N": "9"}}'), 'n') AS n;
SELECT pg_temp.list(pg_temp.q('l_all', 'begins_with(a, :a) AND p = :p', '{":p": {"S": "p1"}, ":a": {"S": "a"}}', '{"ScanIndexForward": false}'), 'a') AS a;
SELECT pg_temp.list(pg_temp.q('l_some', 'begins_with(b, :b) AND p = :p', '{":p": {"S": "p1"}, ":b": {"B": "/w=="}}'), 'b') AS b;
-- keys of several attributes: left to right, the last as a range, in any order in the text
CREATE FUNCTION pg_temp.multi(cond text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	vals jsonb := '{":g": {"S": "g"}, ":p": {"S": "p1"}, ":n": {"N": "0"}, ":a": {"S": "ab"}, ":b": {"B": "/w=="}, ":c": {"B": "//8="}, ":x": {"S": "x"}}';
	response jsonb;
	name text;
BEGIN
	FOR name IN SELECT jsonb_object_keys(vals) LOOP
		IF position(name IN cond) = 0 THEN
			vals := vals - name;
		END IF;
	END LOOP;
	response := pg_temp.q('g_multi', cond, vals);
	RETURN (response ->> 'Count') || ': ' || pg_temp.list(response, 'n') || ' | ' || pg_temp.list(response, 'a') || ' | ' || pg_temp.list(response, 'b');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT cond, pg_temp.multi(cond) FROM unnest(ARRAY[
	'g = :g AND p = :p AND n = :n',
	'n = :n AND p = :p AND g = :g',
	'g = :g AND p = :p AND n > :n',
	'g = :g AND p = :p AND n <= :n',
	'g = :g AND p = :p AND n = :n AND a = :a',
	'g = :g AND p = :p AND n = :n AND a > :a',
	'g = :g AND p = :p AND n = :n AND begins_with(a, :a)',
	'(b BETWEEN :b AND :c) AND g = :g AND p = :p AND n = :n AND a = :a',
	'b = :b AND a = :a AND n = :n AND p = :p AND g = :g',
	'g = :g',
	'p = :p',
	'n = :n',
	'g = :g AND p > :p',
	'g = :g AND begins_with(p, :p)',
	'g = :g AND p = :n',
	'g = :g AND p = :p AND a = :a',
	'g = :g AND p = :p AND n = :n AND b = :b',
	'g = :g AND p = :p AND n > :n AND a = :a',
	'g = :g AND p = :p AND n > :n AND a > :a',
	'g = :g AND p = :p AND n = :n AND begins_with(a, :a) AND b = :b',
	'g = :g AND p = :p AND n = :a',
	'g = :g AND p = :p AND begins_with(n, :n)',
	'g = :g AND p = :p AND x = :x',
	'g = :g AND p = :p AND n = :n AND a = :a AND b = :b AND x = :x',
	'g = :g AND p = :p AND n = :n AND n = :n',
	'g = :g AND p = :p OR n = :n']) WITH ORDINALITY s(cond, ord) ORDER BY ord;

--
-- pages: nothing lost, nothing repeated, in the order of one large page
--
CREATE FUNCTION pg_temp.same_pages(operation text, request jsonb, size int)
RETURNS TABLE (items bigint, pages int, same boolean, different bigint) LANGUAGE sql AS $$
	SELECT count(*), max(page),
		array_agg(item ORDER BY n) = (SELECT array_agg(item ORDER BY n) FROM pg_temp.pages(operation, request)),
		count(DISTINCT (item -> 'p', item -> 'r'))
	FROM pg_temp.pages(operation, request || jsonb_build_object('Limit', size))
$$;
SELECT index, forward, size, w.*
FROM (VALUES ('l_all', 'p = :p', '{":p": {"S": "p1"}}'::jsonb), ('l_keys', 'p = :p', '{":p": {"S": "p0"}}'),
		('l_keys', 'p = :p AND n >= :n', '{":p": {"S": "p0"}, ":n": {"N": "0"}}'),
		('g_all', 'g = :g', '{":g": {"S": "g"}}'), ('g_all', 'g = :g AND n = :n', '{":g": {"S": "g"}, ":n": {"N": "10"}}'),
		('g_all', 'g = :g AND n < :n', '{":g": {"S": "g"}, ":n": {"N": "10"}}'),
		('g_hash', 'g = :g', '{":g": {"S": "g"}}'), ('g_some', 'n = :n', '{":n": {"N": "9"}}'),
		('g_some', 'n = :n AND begins_with(p, :p)', '{":n": {"N": "9"}, ":p": {"S": "p"}}'),
		('g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}'),
		('g_multi', 'g = :g AND p = :p AND n = :n', '{":g": {"S": "g"}, ":p": {"S": "p1"}, ":n": {"N": "0"}}'),
		('g_multi', 'g = :g AND p = :p AND n = :n AND a >= :a', '{":g": {"S": "g"}, ":p": {"S": "p1"}, ":n": {"N": "0"}, ":a": {"S": "ab"}}')) x(index, cond, vals),
	unnest('{1,2,3,30}'::int[]) size, unnest('{t,f}'::boolean[]) forward,
	LATERAL pg_temp.same_pages('Query', jsonb_build_object('IndexName', index, 'KeyConditionExpression', cond,
		'ExpressionAttributeValues', vals, 'ScanIndexForward', forward), size) w
ORDER BY index, cond, forward, size;
-- backwards is the reverse
SELECT index, (SELECT array_agg(item ORDER BY n) FROM pg_temp.pages('Query', r || '{"ScanIndexForward": false, "Limit": 2}'))
	= (SELECT array_agg(item ORDER BY n DESC) FROM pg_temp.pages('Query', r || '{"Limit": 3}')) AS reverse
FROM unnest('{g_all,g_hash}'::text[]) index, LATERAL (SELECT jsonb_build_object('IndexName', index, 'KeyConditionExpression', 'g = :g',
	'ExpressionAttributeValues', '{":g": {"S": "g"}}'::jsonb)) x(r);
-- the whole index
SELECT index, size, w.* FROM unnest('{l_all,l_keys,l_some,g_all,g_hash,g_some,g_multi}'::text[]) index, unnest('{1,3,100}'::int[]) size,
	LATERAL pg_temp.same_pages('Scan', jsonb_build_object('IndexName', index), size) w ORDER BY 1, 2;
-- segments
SELECT index, total, count(*), count(DISTINCT (item -> 'p', item -> 'r')) AS different
FROM unnest('{l_keys,g_all,g_some,g_multi}'::text[]) index, unnest('{1,2,7,5000}'::int[]) total, generate_series(0, total - 1) segment,
	LATERAL pg_temp.pages('Scan', jsonb_build_object('IndexName', index, 'TotalSegments', total, 'Segment', segment, 'Limit', 2))
GROUP BY 1, 2 ORDER BY 1, 2;
-- LastEvaluatedKey: index key and table key, each attribute once
SELECT index, (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(pg_temp.scan(index, '{"Limit": 1}') -> 'LastEvaluatedKey') k) AS last
FROM unnest('{l_all,l_keys,l_some,g_all,g_hash,g_some,g_multi}'::text[]) WITH ORDINALITY s(index, ord) ORDER BY ord;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}', '{"Limit": 1}') -> 'LastEvaluatedKey' AS last;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}', '{"Limit": 2}') ? 'LastEvaluatedKey' AS more;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}', '{"ExclusiveStartKey": {"g": {"S": "h"}, "n": {"N": "5"}, "p": {"S": "alone"}, "r": {"N": "1"}}}');
-- a start key whose item is gone, and one that never was
BEGIN;
SELECT count(*) AS rest FROM pg_temp.pages('Query', '{"IndexName": "l_all", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "p1"}},
	"ExclusiveStartKey": {"p": {"S": "p1"}, "a": {"S": "ab"}, "r": {"N": "-29"}}, "Limit": 1}');
SELECT dynamo.delete_item('iqt', '{"p": "p1", "r": -29}') ->> 'a' AS a;
SELECT pg_temp.list(r, 'a') AS a, pg_temp.list(r, 'r') AS r FROM pg_temp.q('l_all', 'p = :p', '{":p": {"S": "p1"}}',
	'{"ExclusiveStartKey": {"p": {"S": "p1"}, "a": {"S": "ab"}, "r": {"N": "-29"}}}') r;
SELECT pg_temp.list(r, 'a') AS a, pg_temp.list(r, 'r') AS r FROM pg_temp.q('l_all', 'p = :p', '{":p": {"S": "p1"}}',
	'{"ExclusiveStartKey": {"p": {"S": "p1"}, "a": {"S": "ab"}, "r": {"N": "-29"}}, "ScanIndexForward": false}') r;
ROLLBACK;
SELECT pg_temp.list(pg_temp.q('l_all', 'p = :p AND a = :a', '{":p": {"S": "p1"}, ":a": {"S": "b"}}',
	'{"ExclusiveStartKey": {"p": {"S": "p1"}, "a": {"S": "b"}, "r": {"N": "0.5"}}}'), 'r') AS r;
SELECT pg_temp.list(pg_temp.q('l_all', 'p = :p AND a = :a', '{":p": {"S": "p1"}, ":a": {"S": "b"}}',
	'{"ExclusiveStartKey": {"p": {"S": "p1"}, "a": {"S": "b"}, "r": {"N": "0.5"}}, "ScanIndexForward": false}'), 'r') AS r;
-- filters: Limit counts before them; the table's keys may be named, the index's not
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "g"}, ":x": {"N": "99"}}', '{"FilterExpression": "x = :x", "Limit": 5}') - 'LastEvaluatedKey' AS response;
SELECT pg_temp.list(pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "p1"}, ":r": {"N": "20"}}', '{"FilterExpression": "r > :r"}'), 'r') AS r;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "g"}}', '{"Select": "COUNT"}');
-- pages of bytes, of the entries and not of the items
SET dynamo.page_size = '1kB';
SELECT index, max(page) AS pages, count(*) FROM unnest('{g_all,g_hash}'::text[]) index,
	LATERAL pg_temp.pages('Query', jsonb_build_object('IndexName', index, 'KeyConditionExpression', 'g = :g', 'ExpressionAttributeValues', '{":g": {"S": "g"}}'::jsonb))
GROUP BY 1 ORDER BY 1;
RESET dynamo.page_size;

--
-- Select and projections
--
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}', '{"Select": "ALL_ATTRIBUTES"}') #> '{Items,0}' AS item;
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"Select": "ALL_PROJECTED_ATTRIBUTES"}') #> '{Items,0}' AS item;
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.scan('g_some', '{"Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "x, p"}') #> '{Items,0}' AS item;
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "x, y.b, g, #y.z", "ExpressionAttributeNames": {"#y": "y"}}');
SELECT pg_temp.scan('g_hash', '{"ProjectionExpression": "x"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}, ":y": {"S": "y"}}', '{"FilterExpression": "y = :y"}') -> 'Count' AS n;
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"Select": "ALL_PROJECTED_ATTRIBUTES", "ProjectionExpression": "x"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "x"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"Select": "SPECIFIC_ATTRIBUTES"}');
-- a local index fetches what it does not hold, and charges for it
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}}', '{"Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}}', '{"ProjectionExpression": "y, n", "ReturnConsumedCapacity": "INDEXES", "ConsistentRead": true}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}}', '{"ProjectionExpression": "n", "ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}, ":y": {"S": "y"}}', '{"FilterExpression": "y = :y", "ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "p1"}, ":y": {"S": "y1"}}', '{"FilterExpression": "y = :y", "ProjectionExpression": "y", "ReturnConsumedCapacity": "INDEXES"}');
-- only what passes the filter, when the filter can do without
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "p1"}, ":r": {"N": "25"}}', '{"FilterExpression": "r > :r", "ProjectionExpression": "y", "ReturnConsumedCapacity": "TOTAL"}');
SELECT r - 'Items' AS response, jsonb_array_length(r -> 'Items') AS items, r #> '{Items,0,y}' IS NOT NULL AS has_y
FROM pg_temp.scan('l_some', '{"Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity": "INDEXES"}') r;
SELECT pg_temp.q('l_some', 'p = :p', '{":p": {"S": "p1"}}', '{"Select": "COUNT", "ReturnConsumedCapacity": "INDEXES"}');

--
-- capacity: by the size of entries
--
INSERT INTO dynamo_tables.iqt (item) SELECT jsonb_build_object('p', '{"S": "big"}'::jsonb, 'r', jsonb_build_object('N', i::text), 'g', '{"S": "big"}'::jsonb,
	'n', jsonb_build_object('N', i::text), 'y', jsonb_build_object('S', repeat('y', 10000))) FROM generate_series(1, 3) i;
SELECT index, pg_temp.q(index, 'g = :g', '{":g": {"S": "big"}}', '{"ReturnConsumedCapacity": "INDEXES"}') -> 'ConsumedCapacity' AS capacity FROM unnest('{g_all,g_hash}'::text[]) index;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "big"}}', '{"ReturnConsumedCapacity": "TOTAL"}') -> 'ConsumedCapacity' AS capacity;
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "big"}}', '{"ReturnConsumedCapacity": "INDEXES", "Select": "ALL_ATTRIBUTES"}') -> 'ConsumedCapacity' AS capacity;
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "big"}}', '{"ReturnConsumedCapacity": "INDEXES", "Select": "ALL_ATTRIBUTES", "ConsistentRead": true, "Limit": 1}') -> 'ConsumedCapacity' AS capacity;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "big"}}', '{"ReturnConsumedCapacity": "NONE"}') ? 'ConsumedCapacity' AS has;

--
-- ConsistentRead
--
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "none"}}', '{"ConsistentRead": true}');
SELECT pg_temp.scan('g_all', '{"ConsistentRead": true}');
SELECT pg_temp.q('l_keys', 'p = :p', '{":p": {"S": "alone"}}', '{"ConsistentRead": true}') -> 'Count' AS n;
SET dynamo.strict = off;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "big"}}', '{"ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL"}') -> 'ConsumedCapacity' AS capacity;
SELECT pg_temp.scan('g_all', '{"ConsistentRead": true}') -> 'Count' AS n;
RESET dynamo.strict;

--
-- errors, in their order
--
SELECT pg_temp.q('none', 'g = :g', '{":g": {"S": "g"}}');
SELECT pg_temp.scan('none');
SELECT pg_temp.q('none', 'g = :g AND n = :g AND a = :g', '{":g": {"S": "g"}}', '{"ConsistentRead": true, "ExclusiveStartKey": {}}');
-- an index that is not there yet; before the start key
BEGIN;
SELECT dynamo.update_table('{"TableName": "iqt", "AttributeDefinitions": [{"AttributeName": "x", "AttributeType": "N"}], "GlobalSecondaryIndexUpdates": [
	{"Create": {"IndexName": "late", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}]}') IS NOT NULL AS updated;
SAVEPOINT s;
SELECT pg_temp.q('late', 'x = :x', '{":x": {"N": "1"}}', '{"ConsistentRead": true, "ExclusiveStartKey": {}}');
ROLLBACK TO s;
SELECT pg_temp.q('late', 'x = :x', '{":x": {"N": "1"}}', '{"ExclusiveStartKey": {}}');
ROLLBACK TO s;
SELECT pg_temp.scan('late');
ROLLBACK;
-- ConsistentRead, number of conditions, start key
SELECT pg_temp.q('g_all', 'g = :g AND n = :g AND a = :g', '{":g": {"S": "g"}}', '{"ConsistentRead": true, "ExclusiveStartKey": {}}');
SELECT pg_temp.q('g_all', 'g = :g AND n = :g AND a = :g', '{":g": {"S": "g"}}', '{"ExclusiveStartKey": {}}');
CREATE FUNCTION pg_temp.from_key(start jsonb, index text DEFAULT 'g_all', cond text DEFAULT 'g = :g', vals jsonb DEFAULT '{":g": {"S": "g"}}', more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.q(index, cond, vals, jsonb_build_object('ExclusiveStartKey', start) || more)
$$;
SELECT pg_temp.from_key('{}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"N": "1"}, "p": {"S": "p"}, "r": {"N": "1"}, "x": {"N": "1"}}');
SELECT pg_temp.from_key('{"x": {"S": "g"}, "n": {"N": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"N": "1"}, "n": {"S": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}', cond => 'x = :g');
SELECT pg_temp.from_key('{"g": {"S": ""}, "n": {"S": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}', cond => 'x = :g');
-- the conditions of the partition key before the sort key of the start key
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"S": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}', cond => 'x = :g');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"S": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}', vals => '{":g": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"S": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}', cond => 'g > :g');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"S": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"N": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}', cond => 'g = :g AND x = :g');
-- the table's key, then the place
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"N": "1"}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"S": "p"}, "x": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"S": ""}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}', cond => 'g = :g AND n > :n', vals => '{":g": {"S": "g"}, ":n": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "2"}, "p": {"S": "p"}, "r": {"N": "1"}}', cond => 'g = :g AND n > :n', vals => '{":g": {"S": "g"}, ":n": {"N": "1"}}');
SELECT pg_temp.from_key('{"g": {"S": "h"}, "p": {"S": "p"}, "r": {"N": "1"}}', 'g_hash');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "p"}, "r": {"N": "1"}}', 'g_hash') ->> 'Count' < '60' AS some;
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "p"}, "r": {"N": "1"}}', 'g_hash', 'g = :g AND p = :g');
-- of a key of several attributes
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "q"}, "n": {"N": "1"}, "a": {"S": "a"}, "b": {"B": "AA=="}, "r": {"N": "1"}}', 'g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "p1"}, "n": {"N": "1"}, "a": {"S": "a"}, "b": {"B": "AA=="}, "r": {"N": "1"}}', 'g_multi', 'g = :g AND p = :p AND n = :n AND a > :a', '{":g": {"S": "g"}, ":p": {"S": "p1"}, ":n": {"N": "1"}, ":a": {"S": "a"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "p1"}, "n": {"N": "1"}, "a": {"S": "a"}, "r": {"N": "1"}}', 'g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}');
SELECT pg_temp.from_key('{"g": {"S": "g"}, "p": {"S": "p1"}, "n": {"N": "1"}, "a": {"S": "a"}, "b": {"S": "a"}, "r": {"N": "1"}}', 'g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}');
-- place, key path of the projection, filter, Select, key path of the filter
SELECT pg_temp.from_key('{"g": {"S": "h"}, "n": {"N": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}', more => '{"ProjectionExpression": "g.x"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "n.x, y", "FilterExpression": "attribute_exists(p)"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "p.x, n.x, y", "FilterExpression": "attribute_exists(p)"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "y", "FilterExpression": "attribute_exists(p)"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "y", "FilterExpression": "size(#n) = :n", "ExpressionAttributeNames": {"#n": "n"}}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"ProjectionExpression": "y", "FilterExpression": "attribute_exists(r.x)"}');
SELECT pg_temp.q('g_some', 'n = :n', '{":n": {"N": "5"}}', '{"FilterExpression": "attribute_exists(r.x)"}');
SELECT pg_temp.q('g_multi', 'g = :g AND p = :p', '{":g": {"S": "g"}, ":p": {"S": "p1"}}', '{"FilterExpression": "attribute_exists(#b)", "ExpressionAttributeNames": {"#b": "b"}}');
-- scans: shape of the start key, Select, the rest of the key, segment, paths
SELECT pg_temp.scan('g_some', '{"ExclusiveStartKey": {"n": {"N": "1"}, "p": {"S": "p"}}, "Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.scan('g_some', '{"ExclusiveStartKey": {"n": {"S": "1"}, "p": {"S": "p"}, "r": {"N": "1"}}, "Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.scan('g_some', '{"ExclusiveStartKey": {"n": {"N": "1"}, "p": {"S": "p"}, "r": {"S": "1"}}, "Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.scan('g_some', '{"ExclusiveStartKey": {"n": {"N": "1"}, "p": {"S": "p"}, "r": {"S": "1"}}, "ProjectionExpression": "n.x"}');
SELECT pg_temp.scan('g_some', '{"ExclusiveStartKey": {"n": {"N": "1"}, "p": {"S": ""}, "r": {"N": "1"}}, "ProjectionExpression": "n.x"}');
DO $$
DECLARE
	segment int;
	refused int := 0;
BEGIN
	FOR segment IN 0..4 LOOP
		BEGIN
			PERFORM dynamo.scan(jsonb_build_object('TableName', 'iqt', 'IndexName', 'g_some', 'TotalSegments', 5, 'Segment', segment,
				'ExclusiveStartKey', '{"n": {"N": "9"}, "p": {"S": "p1"}, "r": {"N": "1"}}'::jsonb));
		EXCEPTION WHEN OTHERS THEN
			refused := refused + 1;
			IF SQLERRM NOT LIKE '%Please use ExclusiveStartKey with correct Segment. TotalSegments: 5 Segment: ' || segment THEN
				RAISE;
			END IF;
		END;
	END LOOP;
	RAISE NOTICE 'refused: %', refused;
END $$;
SELECT pg_temp.scan('g_some', '{"FilterExpression": "attribute_exists(n.x)"}');
SELECT pg_temp.scan('g_some', '{"FilterExpression": "attribute_exists(n) AND p = :p", "ExpressionAttributeValues": {":p": {"S": "alone"}}}') -> 'Count' AS n;

--
-- for people
--
SELECT * FROM dynamo.query('iqt', 'g = :g', '{":g": "h"}', index_name => 'g_all');
SELECT * FROM dynamo.query('iqt', 'g = :g', '{":g": "h"}', index_name => 'g_hash');
SELECT count(*), count(DISTINCT (i -> 'p', i -> 'r')), min((i ->> 'n')::numeric), max((i ->> 'n')::numeric) FROM dynamo.query('iqt', 'g = :g', '{":g": "g"}', index_name => 'g_all') i;
SELECT string_agg(i ->> 'n', ' ') FROM dynamo.query('iqt', 'g = :g AND n > :n', '{":g": "g", ":n": 9}', forward => false, index_name => 'g_all') i;
SELECT * FROM dynamo.query('iqt', 'p = :p', '{":p": "alone", ":y": "y"}', 'y = :y', index_name => 'l_keys');
SELECT count(*) FROM dynamo.scan('iqt', index_name => 'g_all');
SELECT count(*) FROM dynamo.scan('iqt', 'x = :x', '{":x": 3}', index_name => 'g_some');
SELECT count(*) FROM dynamo.scan('iqt', index_name => 'none');
SELECT * FROM dynamo.query('iqt', 'x = :g', '{":g": "h"}', index_name => 'g_all');

--
-- who may: grants and row security of the table
--
CREATE ROLE iq_reader;
CREATE ROLE iq_nobody;
GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO iq_reader, iq_nobody;
GRANT SELECT ON dynamo_tables.iqt TO iq_reader;
SET ROLE iq_nobody;
SELECT dynamo.query('{"TableName": "iqt", "IndexName": "g_all", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}}');
RESET ROLE;
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (what text, n text) LANGUAGE plpgsql AS $$
DECLARE
	request jsonb := '{"TableName": "iqt", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "g"}}}';
	index text;
BEGIN
	FOREACH index IN ARRAY '{g_all,g_hash}'::text[] LOOP
		what := 'query ' || index;
		n := dynamo.query(request || jsonb_build_object('IndexName', index)) - 'Items';
		RETURN NEXT;
		what := 'scan ' || index;
		n := dynamo.scan(jsonb_build_object('TableName', 'iqt', 'IndexName', index)) - 'Items';
		RETURN NEXT;
		what := 'pages ' || index;
		SELECT count(*) || ' on ' || max(page) INTO n FROM pg_temp.pages('Query', request || jsonb_build_object('IndexName', index, 'Limit', 4));
		RETURN NEXT;
		what := 'functions ' || index;
		n := (SELECT count(*) FROM dynamo.query('iqt', 'g = :g', '{":g": "g"}', index_name => index)) || ', ' || (SELECT count(*) FROM dynamo.scan('iqt', index_name => index));
		RETURN NEXT;
	END LOOP;
	what := 'fetched';
	n := dynamo.query('{"TableName": "iqt", "IndexName": "l_keys", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "p1"}}, "Select": "ALL_ATTRIBUTES",
		"ReturnConsumedCapacity": "TOTAL"}') - 'Items';
	RETURN NEXT;
END $$;
SET ROLE iq_reader;
SELECT * FROM pg_temp.seen();
SELECT count(*) FROM dynamo_tables."iqt:g_all";
RESET ROLE;
ALTER TABLE dynamo_tables.iqt ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON dynamo_tables.iqt TO iq_reader USING (current_user = 'iq_reader' AND (item #>> '{x,N}') = '3');
SELECT n FROM pg_temp.seen() WHERE what = 'query g_all';
SET ROLE iq_reader;
SELECT * FROM pg_temp.seen();
-- a cursor that outlives its transaction
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT i ->> 'r' AS r FROM dynamo.query('iqt', 'p = :p', '{":p": "p1"}', index_name => 'l_keys') i;
FETCH 2 FROM c;
COMMIT;
FETCH ALL FROM c;
CLOSE c;
SET row_security = off;
SELECT dynamo.scan('{"TableName": "iqt", "IndexName": "g_all"}'::jsonb);
RESET row_security;
RESET ROLE;
DROP POLICY few ON dynamo_tables.iqt;
ALTER TABLE dynamo_tables.iqt DISABLE ROW LEVEL SECURITY;
SET ROLE iq_reader;
SELECT n FROM pg_temp.seen() WHERE what = 'query g_all';
RESET ROLE;

--
-- plans: the primary key of the index table, in order, whatever statistics say
--
SELECT indexrelid::regclass AS key FROM pg_index WHERE indrelid = 'dynamo_tables."iqt:g_all"'::regclass;
CREATE FUNCTION pg_temp.numscans(OUT by_key bigint, OUT otherwise bigint) LANGUAGE sql AS $$
	SELECT sum(pg_stat_get_xact_numscans(indexrelid))::bigint, pg_stat_get_xact_numscans(indrelid) FROM pg_index
	WHERE indrelid = 'dynamo_tables."iqt:g_all"'::regclass GROUP BY indrelid
$$;
BEGIN;
SELECT * FROM pg_temp.numscans() \gset
SELECT pg_temp.scan('g_all', '{"Limit": 1}') -> 'Count' AS n;
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"N": "9.5"}, "p": {"S": "p"}, "r": {"N": "1"}}') -> 'Count' AS n;
SELECT pg_temp.from_key('{"g": {"S": "g"}, "n": {"N": "9.5"}, "p": {"S": "p"}, "r": {"N": "1"}}', more => '{"ScanIndexForward": false}') -> 'Count' AS n;
SELECT by_key - :by_key AS by_key, otherwise - :otherwise AS otherwise FROM pg_temp.numscans();
COMMIT;

--
-- the longest keys, and long ones with equal beginnings
--
SELECT dynamo.create_table('{"TableName": "iql", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "S"},
		{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "h", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"LocalSecondaryIndexes": [
		{"IndexName": "local", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "h", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "global", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "h", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}}]}'::jsonb) IS NOT NULL AS made;
INSERT INTO dynamo_tables.iql (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', repeat('p', 2047) || p), 'r', jsonb_build_object('S', repeat('r', 1023) || r),
	'g', jsonb_build_object('S', repeat('g', 2047) || r % 2 + 1), 'h', jsonb_build_object('S', repeat('h', 1023) || r / 4))
FROM unnest('{1,2}'::text[]) p, generate_series(1, 9) r;
CREATE FUNCTION pg_temp.long(index text, attribute text, value text, size int, forward boolean) RETURNS TABLE (n bigint, different bigint, pages int, ordered boolean) LANGUAGE sql AS $$
	SELECT count(*), count(DISTINCT item), max(page), array_agg(item #>> '{h,S}' ORDER BY n) =
		CASE WHEN forward THEN array_agg(item #>> '{h,S}' ORDER BY item #>> '{h,S}') ELSE array_agg(item #>> '{h,S}' ORDER BY item #>> '{h,S}' DESC) END
	FROM pg_temp.pages('Query', jsonb_build_object('TableName', 'iql', 'IndexName', index, 'KeyConditionExpression', attribute || ' = :v', 'ScanIndexForward', forward,
		'ExpressionAttributeValues', jsonb_build_object(':v', jsonb_build_object('S', repeat(attribute, 2047) || value)), 'Limit', size))
$$;
SELECT index, value, size, forward, l.* FROM (VALUES ('local', 'p'), ('global', 'g')) x(index, attribute), unnest('{1,2}'::text[]) value,
	unnest('{1,2,50}'::int[]) size, unnest('{t,f}'::boolean[]) forward, LATERAL pg_temp.long(index, attribute, value, size, forward) l ORDER BY 1, 2, 3, 4;
SELECT dynamo.delete_table('{"TableName": "iql"}') IS NOT NULL AS deleted;

--
-- a dropped index
--
BEGIN;
SELECT dynamo.update_table('{"TableName": "iqt", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "g_all"}}]}') IS NOT NULL AS dropped;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}');
ROLLBACK;
SELECT pg_temp.q('g_all', 'g = :g', '{":g": {"S": "h"}}') -> 'Count' AS n;

SELECT dynamo.delete_table('{"TableName": "iqt"}') IS NOT NULL AS deleted;
REVOKE ALL ON SCHEMA dynamo, dynamo_tables FROM iq_reader, iq_nobody;
DROP ROLE iq_reader;
DROP ROLE iq_nobody;
