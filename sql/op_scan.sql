-- Scan
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('scan_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('scan_nb', 'p N', 'r B') IS NOT NULL AS made;
SELECT dynamo.create_table('scan_bs', 'p B', 'r S') IS NOT NULL AS made;
SELECT dynamo.create_table('scan_big', 'p S') IS NOT NULL AS made;

CREATE FUNCTION pg_temp.scan(name text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.scan(jsonb_build_object('TableName', name) || more)
$$;
-- items of all pages, numbered in the order in which they came
CREATE FUNCTION pg_temp.everything(name text, more jsonb DEFAULT '{}')
RETURNS TABLE (n int, page int, item jsonb) LANGUAGE plpgsql AS $$
DECLARE
	response jsonb;
	start jsonb := '{}';
BEGIN
	n := 0;
	page := 0;
	LOOP
		page := page + 1;
		response := pg_temp.scan(name, more || start);
		FOR item IN SELECT jsonb_array_elements(response -> 'Items') LOOP
			n := n + 1;
			RETURN NEXT;
		END LOOP;
		EXIT WHEN NOT response ? 'LastEvaluatedKey';
		start := jsonb_build_object('ExclusiveStartKey', response -> 'LastEvaluatedKey');
	END LOOP;
END $$;

--
-- empty
--
SELECT pg_temp.scan('scan_s');
SELECT pg_temp.scan('scan_s', '{"Limit": 1, "ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.scan('scan_s', '{"Select": "COUNT", "ReturnConsumedCapacity": "TOTAL", "ConsistentRead": true}');

INSERT INTO dynamo_tables.scan_s (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', 'k' || n), 'x', jsonb_build_object('N', (n % 3)::text)) FROM generate_series(1, 200) n;
-- 40 partitions of 1 to 5 items
INSERT INTO dynamo_tables.scan_nb (item)
SELECT jsonb_build_object('p', jsonb_build_object('N', n::text), 'r', jsonb_build_object('B', encode(decode(lpad(to_hex(m * 50), 2, '0'), 'hex'), 'base64')))
FROM generate_series(-20, 19) n, LATERAL generate_series(1, 1 + abs(n) % 5) m;
INSERT INTO dynamo_tables.scan_bs (item)
SELECT jsonb_build_object('p', jsonb_build_object('B', encode(decode(lpad(to_hex(n), 2, '0'), 'hex'), 'base64')), 'r', jsonb_build_object('S', m::text))
FROM generate_series(0, 255, 5) n, generate_series(1, 3) m;
-- long keys with equal beginnings
INSERT INTO dynamo_tables.scan_s (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', repeat('l', 2000) || n)) FROM generate_series(1, 20) n;

--
-- everything exactly once, in any size of page, in the same order
--
SELECT name, (SELECT count(*) FROM pg_temp.everything(name) e) AS n,
	(SELECT count(DISTINCT item) FROM pg_temp.everything(name) e) AS different
FROM unnest('{scan_s,scan_nb,scan_bs}'::text[]) name;
SELECT name, page_size, (SELECT max(page) FROM pg_temp.everything(name, jsonb_build_object('Limit', page_size))) AS pages,
	(SELECT array_agg(item ORDER BY n) FROM pg_temp.everything(name, jsonb_build_object('Limit', page_size)))
	= (SELECT array_agg(item ORDER BY n) FROM pg_temp.everything(name)) AS same
FROM unnest('{scan_s,scan_nb,scan_bs}'::text[]) name, unnest('{1,2,7,100,2147483647}'::int[]) page_size ORDER BY 1, 2;
-- partitions are contiguous and sorted
SELECT count(*) AS breaks, count(DISTINCT p) AS partitions FROM (
	SELECT item -> 'p' AS p, lag(item -> 'p') OVER (ORDER BY n) AS before FROM pg_temp.everything('scan_nb', '{"Limit": 3}')) x
WHERE before IS DISTINCT FROM p;
SELECT count(*) AS unsorted FROM (
	SELECT item -> 'p' AS p, decode(item #>> '{r,B}', 'base64') AS r, lag(item -> 'p') OVER w AS p1, lag(decode(item #>> '{r,B}', 'base64')) OVER w AS r1
	FROM pg_temp.everything('scan_nb') WINDOW w AS (ORDER BY n)) x
WHERE p = p1 AND r <= r1;

--
-- Limit and LastEvaluatedKey
--
SELECT jsonb_array_length(r -> 'Items') AS items, r -> 'Count' AS count, r -> 'ScannedCount' AS scanned, r ? 'LastEvaluatedKey' AS more,
	(r -> 'LastEvaluatedKey') = ((r #> '{Items,-1}') - 'x'::text) AS key_of_last
FROM unnest('{1,219,220,221}'::int[]) WITH ORDINALITY s(size, ord), LATERAL (SELECT pg_temp.scan('scan_s', jsonb_build_object('Limit', size))) x(r) ORDER BY ord;
SELECT r #- '{LastEvaluatedKey,p}' #- '{LastEvaluatedKey,r}' AS response, jsonb_object_keys(r -> 'LastEvaluatedKey') AS key
FROM pg_temp.scan('scan_nb', '{"Limit": 1, "Select": "COUNT"}') r ORDER BY 2;
-- the key of an item that is gone by now
BEGIN;
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.everything('scan_nb');
SELECT count(dynamo.delete_item(jsonb_build_object('TableName', 'scan_nb', 'Key', item))) FROM before WHERE n BETWEEN 30 AND 40;
SELECT (SELECT array_agg(e.item ORDER BY e.n) FROM pg_temp.everything('scan_nb', jsonb_build_object('ExclusiveStartKey', b.item)) e)
	= (SELECT array_agg(item ORDER BY n) FROM before WHERE n > 40) AS goes_on
FROM before b WHERE n = 35;
DROP TABLE before;
ROLLBACK;
-- pages of 1 MB
INSERT INTO dynamo_tables.scan_big (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', n::text), 'f', jsonb_build_object('S', repeat('x', 300000)), 'x', jsonb_build_object('N', n::text))
FROM generate_series(1, 9) n;
SELECT page, count(*), count(item -> 'f') AS with_f FROM pg_temp.everything('scan_big') GROUP BY 1 ORDER BY 1;
SELECT page, count(*), count(item -> 'f') AS with_f FROM pg_temp.everything('scan_big', '{"ProjectionExpression": "p"}') GROUP BY 1 ORDER BY 1;
SELECT r -> 'Count' AS count, r -> 'ScannedCount' AS scanned, r ? 'LastEvaluatedKey' AS more, r #> '{ConsumedCapacity,CapacityUnits}' AS units
FROM pg_temp.scan('scan_big', '{"FilterExpression": "x > :x", "ExpressionAttributeValues": {":x": {"N": "100"}}, "ReturnConsumedCapacity": "TOTAL"}') r;
SET dynamo.page_size = '1kB';
SELECT max(page) AS pages, count(*) FROM pg_temp.everything('scan_big');
RESET dynamo.page_size;

--
-- segments: disjoint, together everything, a partition in one of them
--
CREATE FUNCTION pg_temp.segments(name text, total int) RETURNS TABLE (items bigint, different bigint, partitions bigint, split bigint) LANGUAGE sql AS $$
	SELECT count(*), count(DISTINCT e.item), count(DISTINCT e.item -> 'p'), count(DISTINCT (s, e.item -> 'p')) - count(DISTINCT e.item -> 'p')
	FROM generate_series(0, total - 1) s, pg_temp.everything(name, jsonb_build_object('Segment', s, 'TotalSegments', total)) e
$$;
SELECT name, total, s.* FROM unnest('{scan_s,scan_nb,scan_bs}'::text[]) name, unnest('{1,2,3,7,64,4096,5000}'::int[]) total, LATERAL pg_temp.segments(name, total) s ORDER BY 1, 2;
-- with pages inside the segments
SELECT count(*), count(DISTINCT item) FROM generate_series(0, 6) s, pg_temp.everything('scan_nb', jsonb_build_object('Segment', s, 'TotalSegments', 7, 'Limit', 2)) e;
-- one segment is the plain scan
SELECT (SELECT array_agg(item ORDER BY n) FROM pg_temp.everything('scan_s', '{"Segment": 0, "TotalSegments": 1}'))
	= (SELECT array_agg(item ORDER BY n) FROM pg_temp.everything('scan_s')) AS same;
-- a million: each item is in one segment, which its start key tells
CREATE FUNCTION pg_temp.segment_of(name text, key jsonb, total int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	hash bigint;
	found int;
BEGIN
	EXECUTE format('SELECT dynamo.partition_hash(pk)::bigint + 2147483648 FROM dynamo_tables.%I WHERE item @> $1', name) INTO hash USING key;
	-- near this one, for segments are ranges of hashes
	FOR s IN greatest(0, hash * total / 4294967296 - 2) .. least(total - 1, hash * total / 4294967296 + 2) LOOP
		IF pg_temp.scan(name, jsonb_build_object('Segment', s, 'TotalSegments', total)) @> jsonb_build_object('Items', jsonb_build_array(key)) THEN
			IF found IS NOT NULL THEN
				RAISE 'item in two segments';
			END IF;
			found := s;
		END IF;
	END LOOP;
	PERFORM pg_temp.scan(name, jsonb_build_object('Segment', found, 'TotalSegments', total, 'ExclusiveStartKey', key));
	RETURN found;
END $$;
SELECT total, count(pg_temp.segment_of('scan_nb', item - 'x', total)) FROM dynamo_tables.scan_nb, unnest('{4095,4097,999999,1000000}'::int[]) total GROUP BY 1 ORDER BY 1;
SELECT pg_temp.scan('scan_s', '{"Segment": 0, "TotalSegments": 1000000, "Select": "COUNT"}') ? 'Count' AS first,
	pg_temp.scan('scan_s', '{"Segment": 999999, "TotalSegments": 1000000, "Select": "COUNT"}') ? 'Count' AS last;

--
-- filter, projection, Select
--
SELECT count(*), count(DISTINCT item -> 'x') FROM pg_temp.everything('scan_s', '{"FilterExpression": "x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}, "Limit": 9}');
SELECT r - 'Items' AS response, jsonb_array_length(r -> 'Items') AS items
FROM pg_temp.scan('scan_s', '{"FilterExpression": "x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}, "ReturnConsumedCapacity": "TOTAL"}') r;
SELECT pg_temp.scan('scan_s', '{"FilterExpression": "x = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}, "Select": "COUNT"}');
-- keys are allowed in a filter of Scan
SELECT pg_temp.scan('scan_s', '{"FilterExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "k7"}}}');
SELECT pg_temp.scan('scan_s', '{"FilterExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "k7"}}, "ProjectionExpression": "#x", "ExpressionAttributeNames": {"#x": "x"}, "Select": "SPECIFIC_ATTRIBUTES"}');
SELECT jsonb_array_length(pg_temp.scan('scan_s', '{"Select": "ALL_ATTRIBUTES"}') -> 'Items') AS items;
SELECT pg_temp.scan('scan_s', '{"Select": "SPECIFIC_ATTRIBUTES"}');
SELECT pg_temp.scan('scan_s', '{"Select": "ALL_PROJECTED_ATTRIBUTES"}');
SELECT pg_temp.scan('scan_s', '{"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "x"}');
SELECT pg_temp.scan('scan_s', '{"Select": "COUNT", "ProjectionExpression": "x"}');
SELECT pg_temp.scan('arn:aws:dynamodb:us-east-1:000000000000:table/scan_nb', '{"Select": "COUNT", "ReturnConsumedCapacity": "INDEXES", "ConsistentRead": true}');

--
-- constraints
--
SELECT dynamo.scan('{}'::jsonb);
SELECT pg_temp.scan('scan_s', '{"Limit": 0}');
SELECT pg_temp.scan('scan_s', '{"Segment": -1, "TotalSegments": 0, "IndexName": "a"}');
SELECT pg_temp.scan('scan_s', '{"Segment": 1000000, "TotalSegments": 1000001}');
SELECT pg_temp.scan('scan_s', '{"Segment": 999999, "TotalSegments": 1000000}') -> 'Count' IS NOT NULL AS accepted;
SELECT pg_temp.scan('scan_s', '{"Select": "x", "ReturnConsumedCapacity": "x", "ConditionalOperator": "x", "AttributesToGet": [], "Limit": -5}');
SELECT pg_temp.scan('scan_s', '{"Limit": 2147483647}') -> 'Count' AS n;
SELECT pg_temp.scan('scan_s', '{"Limit": 1.5}') -> 'Count' AS n;
SELECT pg_temp.scan('scan_s', '{"IndexName": "index"}');

--
-- segment rules
--
SELECT pg_temp.scan('scan_none', '{"Segment": 0}');
SELECT pg_temp.scan('scan_none', '{"TotalSegments": 1}');
SELECT pg_temp.scan('scan_none', '{"Segment": 1, "TotalSegments": 1}');
SELECT pg_temp.scan('scan_none', '{"Segment": 7, "TotalSegments": 3}');
-- a start key in another segment; k1 is in one of the two
SELECT count(*) AS refused FROM generate_series(0, 1) s, LATERAL (
	SELECT r FROM jsonb_path_query(pg_temp.scan('scan_s', jsonb_build_object('Segment', s, 'TotalSegments', 2)), '$.Items[*] ? (@.p.S == "k1")') r) x;
CREATE FUNCTION pg_temp.in_segment(s int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.scan('scan_s', jsonb_build_object('Segment', s, 'TotalSegments', 2, 'ExclusiveStartKey', '{"p": {"S": "k1"}}'::jsonb));
	RETURN 'accepted';
EXCEPTION WHEN SQLSTATE 'DY001' THEN
	RETURN replace(SQLERRM, 'Segment: ' || s, 'Segment: <n>');
END $$;
SELECT pg_temp.in_segment(s) FROM generate_series(0, 1) s ORDER BY 1;

--
-- start keys
--
SELECT pg_temp.scan('scan_none', '{"ExclusiveStartKey": {"p": {}}}');
SELECT pg_temp.scan('scan_none', '{"ExclusiveStartKey": {"p": {"NS": []}}}');
SELECT pg_temp.scan('scan_none', '{"ExclusiveStartKey": {"p": {"BS": ["AA==", "AA=="]}}}');
SELECT pg_temp.scan('scan_none', '{"ExclusiveStartKey": {"p": {"N": "a"}}}');
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {}}');
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {"p": {"N": "1"}}}');
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {"x": {"S": "1"}}}');
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {"p": {"S": "1"}, "x": {"S": "1"}}}');
SELECT pg_temp.scan('scan_nb', '{"ExclusiveStartKey": {"p": {"N": "1"}}}');
SELECT pg_temp.scan('scan_nb', '{"ExclusiveStartKey": {"p": {"N": "1"}, "r": {"S": "1"}}}');
SELECT pg_temp.scan('scan_nb', '{"ExclusiveStartKey": {"p": {"N": "1"}, "r": {"B": ""}}}');
SELECT pg_temp.scan('scan_s', jsonb_build_object('ExclusiveStartKey', jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2049)))));

--
-- the order of the checks
--
-- constraint, mix
SELECT pg_temp.scan('scan_none', '{"Limit": 0, "AttributesToGet": ["a"], "ProjectionExpression": ""}');
-- mix, start key
SELECT pg_temp.scan('scan_none', '{"AttributesToGet": ["a"], "ScanFilter": {}, "ConditionalOperator": "AND", "ProjectionExpression": "", "FilterExpression": "", "ExclusiveStartKey": {"p": {}}}');
SELECT pg_temp.scan('scan_none', '{"ExpressionAttributeNames": {}, "ExclusiveStartKey": {"p": {}}}');
SELECT pg_temp.scan('scan_none', '{"ExpressionAttributeValues": {}, "ProjectionExpression": "", "ExclusiveStartKey": {"p": {}}}');
-- mix, legacy parameters; empty ones have no effect
SELECT pg_temp.scan('scan_none', '{"AttributesToGet": ["a"], "ExpressionAttributeNames": {}}');
SELECT pg_temp.scan('scan_none', '{"ConditionalOperator": "AND", "ScanFilter": {}}');
SELECT pg_temp.scan('scan_none', '{"AttributesToGet": ["a"], "ConditionalOperator": "AND", "ScanFilter": {"a": {"ComparisonOperator": "NULL"}}}');
SELECT pg_temp.scan('scan_none', '{"ScanFilter": {}}');
-- shape of the start key, Select, value of the start key
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {"x": {"S": "a"}}, "Select": "SPECIFIC_ATTRIBUTES"}');
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {"p": {"S": ""}}, "Select": "SPECIFIC_ATTRIBUTES"}');
-- start key, segments
SELECT pg_temp.scan('scan_none', '{"Segment": 0, "ExclusiveStartKey": {"p": {}}}');
-- segments, expressions
SELECT pg_temp.scan('scan_none', '{"Segment": 0, "FilterExpression": ""}');
-- names, values, filter, projection, unused
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "", "ProjectionExpression": "", "ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}');
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "", "ProjectionExpression": "", "ExpressionAttributeValues": {}}');
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "", "ProjectionExpression": "", "ExpressionAttributeNames": {"#a": "a"}}');
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "a = b", "ProjectionExpression": "", "ExpressionAttributeNames": {"#a": "a"}}');
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "a = b", "ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": {":a": {"S": "a"}}}');
-- expressions, table
SELECT pg_temp.scan('scan_none', '{"FilterExpression": "a ="}');
-- table, index
SELECT pg_temp.scan('scan_none', '{"IndexName": "index"}');
-- index, start key
SELECT pg_temp.scan('scan_s', '{"IndexName": "index", "ExclusiveStartKey": {}}');
-- shape of the start key, key paths; projection before filter
SELECT pg_temp.scan('scan_s', '{"ExclusiveStartKey": {}, "ProjectionExpression": "p.x"}');
SELECT pg_temp.scan('scan_nb', '{"FilterExpression": "attribute_exists(p[1])", "ProjectionExpression": "r.x"}');
SELECT pg_temp.scan('scan_nb', '{"FilterExpression": "attribute_exists(p[1])", "ProjectionExpression": "r"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{scan_s,scan_nb,scan_bs,scan_big}'::text[]) name;
