-- Query
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('q_ss', 'p S', 'r S') IS NOT NULL AS made;
SELECT dynamo.create_table('q_sn', 'p S', 'r N') IS NOT NULL AS made;
SELECT dynamo.create_table('q_nb', 'p N', 'r B') IS NOT NULL AS made;
SELECT dynamo.create_table('q_b', 'p B') IS NOT NULL AS made;
SELECT dynamo.create_table('q_big', 'p S', 'r N') IS NOT NULL AS made;

-- a request of a table with a key condition; vals and more are merged in
CREATE FUNCTION pg_temp.q(name text, cond text, vals jsonb, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.query(jsonb_strip_nulls(jsonb_build_object('TableName', name,
		'KeyConditionExpression', cond, 'ExpressionAttributeValues', vals)) || more)
$$;
-- sort keys of a response, in its order
CREATE FUNCTION pg_temp.keys(response jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg((e -> 'r' ->> k), ' ' ORDER BY ord)
	FROM jsonb_array_elements(response -> 'Items') WITH ORDINALITY x(e, ord),
		LATERAL jsonb_object_keys(e -> 'r') k
$$;
-- all pages of a query; each entry is a page's keys
CREATE FUNCTION pg_temp.pages(name text, cond text, vals jsonb, more jsonb) RETURNS TABLE (page int, keys text, last text)
LANGUAGE plpgsql AS $$
DECLARE
	response jsonb;
	start jsonb := '{}';
BEGIN
	FOR i IN 1..100 LOOP
		page := i;
		response := pg_temp.q(name, cond, vals, more || start);
		keys := pg_temp.keys(response);
		last := response #>> '{LastEvaluatedKey,r}';
		RETURN NEXT;
		EXIT WHEN NOT response ? 'LastEvaluatedKey';
		start := jsonb_build_object('ExclusiveStartKey', response -> 'LastEvaluatedKey');
	END LOOP;
END $$;

INSERT INTO dynamo_tables.q_ss (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('S', r), 'x', jsonb_build_object('N', (ord % 2)::text))
FROM unnest('{a,aa,ab,a!,b,B,ba,Z,ä,äz,é,c,𐀀,ｱ,"~"}'::text[]) WITH ORDINALITY s(r, ord);
INSERT INTO dynamo_tables.q_ss (item) VALUES ('{"p": {"S": "b"}, "r": {"S": "only"}, "y": {"S": "z"}}');
INSERT INTO dynamo_tables.q_sn (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('N', r))
FROM unnest('{0,-1,1,10,9,2,-10,0.5,-0.5,100000000000000000000000000000000000000,0.00000000000000000000000000000000001}'::text[]) r;
INSERT INTO dynamo_tables.q_nb (item)
SELECT jsonb_build_object('p', '{"N": "1"}'::jsonb, 'r', jsonb_build_object('B', encode(decode(r, 'hex'), 'base64')))
FROM unnest('{00,0000,01,7f,80,fe,feff,ff,ff00,ffff,ffffff,6100}'::text[]) r;
INSERT INTO dynamo_tables.q_b (item) VALUES ('{"p": {"B": "AA=="}, "v": {"S": "nul"}}'), ('{"p": {"B": "AAA="}, "v": {"S": "two"}}');

--
-- order: bytes, numbers, unsigned bytes; forwards and backwards
--
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}'));
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}', '{"ScanIndexForward": false}'));
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}', '{"ScanIndexForward": true}'))
	= pg_temp.keys(pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}')) AS same;
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}'));
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ScanIndexForward": false}'));
SELECT pg_temp.keys(pg_temp.q('q_nb', 'p = :p', '{":p": {"N": "1.0"}}'));
SELECT pg_temp.keys(pg_temp.q('q_nb', 'p = :p', '{":p": {"N": "1"}}', '{"ScanIndexForward": false}'));
SELECT pg_temp.q('q_b', 'p = :p', '{":p": {"B": "AA=="}}');
-- one item, none
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "none"}}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"ConsistentRead": true}') -> 'Count' AS n;

--
-- sort key conditions, each operator, swapped operands, aliases, parentheses
--
SELECT cond, pg_temp.keys(pg_temp.q('q_ss', 'p = :p AND ' || cond, '{":p": {"S": "a"}, ":v": {"S": "b"}}')) AS keys
FROM unnest('{r = :v,r < :v,r <= :v,r > :v,r >= :v,:v = r,:v < r,:v <= r,:v > r,:v >= r,(r = :v),"begins_with(r, :v)"}'::text[]) WITH ORDINALITY s(cond, ord) ORDER BY ord;
SELECT pg_temp.keys(pg_temp.q('q_ss', '(r > :v) AND (:p = p)', '{":p": {"S": "a"}, ":v": {"S": "b"}}'));
SELECT pg_temp.keys(pg_temp.q('q_ss', '(#r > :v AND #p = :p)', '{":p": {"S": "a"}, ":v": {"S": "b"}}', '{"ExpressionAttributeNames": {"#r": "r", "#p": "p"}}'));
SELECT cond, pg_temp.keys(pg_temp.q('q_sn', 'p = :p AND ' || cond, '{":p": {"S": "a"}, ":v": {"N": "1.00"}}')) AS keys
FROM unnest('{r = :v,r < :v,r <= :v,r > :v,r >= :v}'::text[]) WITH ORDINALITY s(cond, ord) ORDER BY ord;
SELECT cond, pg_temp.keys(pg_temp.q('q_nb', 'p = :p AND ' || cond, '{":p": {"N": "1"}, ":v": {"B": "gA=="}}')) AS keys
FROM unnest('{r = :v,r < :v,r <= :v,r > :v,r >= :v,"begins_with(r, :v)"}'::text[]) WITH ORDINALITY s(cond, ord) ORDER BY ord;
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p AND r BETWEEN :a AND :b', '{":p": {"S": "a"}, ":a": {"S": "a"}, ":b": {"S": "b"}}'));
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p AND r BETWEEN :a AND :b', '{":p": {"S": "a"}, ":a": {"S": "b"}, ":b": {"S": "b"}}'));
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p AND r BETWEEN :a AND :b', '{":p": {"S": "a"}, ":a": {"N": "-1"}, ":b": {"N": "9"}}', '{"ScanIndexForward": false}'));
SELECT pg_temp.q('q_ss', 'p = :p AND r BETWEEN :a AND :b', '{":p": {"S": "a"}, ":a": {"S": "b"}, ":b": {"S": "a"}}');
-- prefixes: multi-byte characters, bytes FF
SELECT v, pg_temp.keys(pg_temp.q('q_ss', 'p = :p AND begins_with(r, :v)', jsonb_build_object(':p', '{"S": "a"}'::jsonb, ':v', jsonb_build_object('S', v)))) AS keys
FROM unnest('{a,aa,ä,𐀀,~,zz}'::text[]) WITH ORDINALITY s(v, ord) ORDER BY ord;
SELECT v, pg_temp.keys(pg_temp.q('q_nb', 'p = :p AND begins_with(r, :v)', jsonb_build_object(':p', '{"N": "1"}'::jsonb, ':v', jsonb_build_object('B', encode(decode(v, 'hex'), 'base64'))))) AS keys
FROM unnest('{00,0000,61,fe,ff,ffff,ffffffff,feff}'::text[]) WITH ORDINALITY s(v, ord) ORDER BY ord;
SELECT pg_temp.keys(pg_temp.q('q_nb', 'p = :p AND begins_with(r, :v)', '{":p": {"N": "1"}, ":v": {"B": "/w=="}}', '{"ScanIndexForward": false}'));
-- U+0000 and its neighbours: order and prefixes
SELECT count(dynamo.execute('PutItem', ('{"TableName": "q_ss", "Item": {"p": {"S": "nul"}, "r": {"S": "' || r || '"}}}')::text))
FROM unnest(ARRAY['x', 'x\u0000', 'x\u0000\u0000', 'x\u0000y', 'x\u0001', 'x\u0001\u0000', 'x\u0002', 'xy']) r;
SELECT dynamo.execute('Query', '{"TableName": "q_ss", "KeyConditionExpression": "p = :p", "ProjectionExpression": "r",
	"ExpressionAttributeValues": {":p": {"S": "nul"}}}'::text);
SELECT dynamo.execute('Query', '{"TableName": "q_ss", "KeyConditionExpression": "p = :p AND begins_with(r, :r)", "ProjectionExpression": "r",
	"ExpressionAttributeValues": {":p": {"S": "nul"}, ":r": {"S": "x\u0000"}}}'::text);
SELECT dynamo.execute('Query', '{"TableName": "q_ss", "KeyConditionExpression": "p = :p AND begins_with(r, :r)", "ProjectionExpression": "r",
	"ExpressionAttributeValues": {":p": {"S": "nul"}, ":r": {"S": "x\u0001"}}}'::text);
SELECT dynamo.execute('Query', '{"TableName": "q_ss", "KeyConditionExpression": "p = :p AND r > :r", "ProjectionExpression": "r",
	"ExpressionAttributeValues": {":p": {"S": "nul"}, ":r": {"S": "x\u0000y"}}}'::text);
-- long partition keys with equal beginnings
INSERT INTO dynamo_tables.q_ss (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', repeat('k', 1500) || a), 'r', jsonb_build_object('S', a || b)) FROM unnest('{x,y}'::text[]) a, unnest('{1,2}'::text[]) b;
SELECT pg_temp.keys(pg_temp.q('q_ss', 'p = :p', jsonb_build_object(':p', jsonb_build_object('S', repeat('k', 1500) || 'y'))));
SELECT pg_temp.q('q_ss', 'p = :p', jsonb_build_object(':p', jsonb_build_object('S', repeat('k', 1500)))) -> 'Count' AS n;
-- longest keys
SELECT dynamo.put_item('q_ss', jsonb_build_object('p', repeat('p', 2048), 'r', repeat('r', 1024)));
SELECT pg_temp.q('q_ss', 'p = :p AND begins_with(r, :r)', jsonb_build_object(':p', jsonb_build_object('S', repeat('p', 2048)), ':r', jsonb_build_object('S', repeat('r', 1024)))) -> 'Count' AS n;
-- prefixes that end in the last character of each length
INSERT INTO dynamo_tables.q_ss (item)
SELECT jsonb_build_object('p', '{"S": "last"}'::jsonb, 'r', jsonb_build_object('S', r))
FROM unnest(ARRAY[U&'a\+10FFFF', U&'a\+10FFFFb', 'b', U&'\+10FFFF', U&'\+10FFFF\+10FFFF', U&'\D7FF', U&'\E000', U&'\007F', U&'\0080', U&'\07FF', U&'\0800']) r;
SELECT ord, pg_temp.q('q_ss', 'p = :p AND begins_with(r, :v)', jsonb_build_object(':p', '{"S": "last"}'::jsonb, ':v', jsonb_build_object('S', v))) -> 'Count' AS n
FROM unnest(ARRAY[U&'a\+10FFFF', U&'\+10FFFF', U&'\+10FFFF\+10FFFF', U&'\D7FF', U&'\007F', U&'\07FF', 'a', 'b']) WITH ORDINALITY s(v, ord) ORDER BY ord;

--
-- pages
--
SELECT * FROM pg_temp.pages('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"Limit": 4}');
SELECT * FROM pg_temp.pages('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"Limit": 4, "ScanIndexForward": false}');
-- Limit of the remaining count, and one more
SELECT * FROM pg_temp.pages('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"Limit": 11}');
SELECT * FROM pg_temp.pages('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"Limit": 12}');
SELECT * FROM pg_temp.pages('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"Limit": 2147483647}');
SELECT * FROM pg_temp.pages('q_ss', 'p = :p AND begins_with(r, :v)', '{":p": {"S": "a"}, ":v": {"S": "a"}}', '{"Limit": 1}');
SELECT * FROM pg_temp.pages('q_ss', 'p = :p AND r BETWEEN :a AND :b', '{":p": {"S": "a"}, ":a": {"S": "a!"}, ":b": {"S": "b"}}', '{"Limit": 2, "ScanIndexForward": false}');
SELECT * FROM pg_temp.pages('q_ss', 'p = :p AND r <= :v', '{":p": {"S": "a"}, ":v": {"S": "a"}}', '{"Limit": 2, "ScanIndexForward": false}');
SELECT * FROM pg_temp.pages('q_nb', 'p = :p', '{":p": {"N": "1"}}', '{"Limit": 5}');
SELECT * FROM pg_temp.pages('q_ss', 'p = :p AND r = :v', '{":p": {"S": "a"}, ":v": {"S": "a"}}', '{"Limit": 1}');
-- Limit counts before the filter; pages may be empty
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}, ":x": {"N": "7"}}', '{"FilterExpression": "x = :x", "Limit": 3}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}, ":x": {"N": "1"}}', '{"FilterExpression": "x = :x", "Limit": 3, "ProjectionExpression": "r"}');
-- a start key that is not there, or no longer
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "1.5"}}}'));
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "1.5"}}, "ScanIndexForward": false}'));
BEGIN;
SELECT count(dynamo.delete_item('q_sn', '{"p": "a", "r": 1}'));
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "1"}}}'));
SELECT pg_temp.keys(pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "1"}}, "ScanIndexForward": false}'));
ROLLBACK;
SELECT pg_temp.q('q_sn', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "1e100"}}}');
-- 1 MB pages: the item that crosses the limit is still returned
INSERT INTO dynamo_tables.q_big (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('N', n::text), 'f', jsonb_build_object('S', repeat('x', 300000)), 'o', jsonb_build_object('N', (n % 2)::text))
FROM generate_series(1, 9) n;
SELECT * FROM pg_temp.pages('q_big', 'p = :p', '{":p": {"S": "a"}}', '{}');
SELECT * FROM pg_temp.pages('q_big', 'p = :p', '{":p": {"S": "a"}}', '{"ScanIndexForward": false, "ProjectionExpression": "r"}');
SELECT * FROM pg_temp.pages('q_big', 'p = :p', '{":p": {"S": "a"}, ":o": {"N": "1"}}', '{"FilterExpression": "o = :o", "Limit": 6}');
-- exactly 1 MB: 4 items of 262,144 bytes
DELETE FROM dynamo_tables.q_big;
INSERT INTO dynamo_tables.q_big (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('N', n::text), 'f', jsonb_build_object('S', repeat('x', 262144 - 6)))
FROM generate_series(1, 5) n;
SELECT dynamo.item_size(item), count(*) FROM dynamo_tables.q_big GROUP BY 1;
SELECT * FROM pg_temp.pages('q_big', 'p = :p', '{":p": {"S": "a"}}', '{}');
DELETE FROM dynamo_tables.q_big WHERE sk = 5;
SELECT * FROM pg_temp.pages('q_big', 'p = :p', '{":p": {"S": "a"}}', '{}');

--
-- capacity: the sum rounded once
--
DELETE FROM dynamo_tables.q_big;
INSERT INTO dynamo_tables.q_big (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('N', n::text), 'f', jsonb_build_object('S', repeat('x', 1024 - 6)))
FROM generate_series(1, 9) n;
SELECT n, pg_temp.q('q_big', 'p = :p', '{":p": {"S": "a"}}', jsonb_build_object('Limit', n, 'ReturnConsumedCapacity', 'TOTAL')) #> '{ConsumedCapacity,CapacityUnits}' AS eventual,
	pg_temp.q('q_big', 'p = :p', '{":p": {"S": "a"}}', jsonb_build_object('Limit', n, 'ReturnConsumedCapacity', 'TOTAL', 'ConsistentRead', true)) #> '{ConsumedCapacity,CapacityUnits}' AS strong
FROM unnest('{1,4,5,8,9}'::int[]) n ORDER BY n;
SELECT pg_temp.q('q_big', 'p = :p', '{":p": {"S": "none"}}', '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.q('q_big', 'p = :p', '{":p": {"S": "none"}}', '{"ReturnConsumedCapacity": "INDEXES", "ConsistentRead": true}');
SELECT pg_temp.q('q_big', 'p = :p', '{":p": {"S": "a"}}', '{"Select": "COUNT", "ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.q('q_big', 'p = :p', '{":p": {"S": "a"}, ":v": {"N": "1"}}', '{"FilterExpression": "f = :v", "ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.q('arn:aws:dynamodb:us-east-1:000000000000:table/q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"ReturnConsumedCapacity": "TOTAL"}');

--
-- Select
--
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "ALL_ATTRIBUTES"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "COUNT"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "SPECIFIC_ATTRIBUTES", "ProjectionExpression": "y"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"ProjectionExpression": "y"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"ProjectionExpression": "nope"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "SPECIFIC_ATTRIBUTES"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "ALL_PROJECTED_ATTRIBUTES"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "y"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "COUNT", "ProjectionExpression": "y"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Select": "count"}');

--
-- filters
--
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}, ":y": {"S": "z"}}', '{"FilterExpression": "y = :y"}') -> 'Count' AS n;
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}, ":y": {"S": "z"}}', '{"FilterExpression": "y <> :y"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "attribute_exists(r)"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "y = p"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "attribute_exists(#x)", "ExpressionAttributeNames": {"#x": "r"}}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "attribute_exists(r.x)"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "attribute_exists(y.r)"}') -> 'Count' AS n;

--
-- key conditions: restrictions
--
SELECT pg_temp.q('q_none', 'p = :p OR r = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'NOT p = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p IN (:p)', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p <> :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND attribute_exists(r)', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND contains(r, :p)', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND size(r) = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND :p BETWEEN r AND :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND begins_with(:p, r)', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = r', NULL);
SELECT pg_temp.q('q_none', ':p = :q', '{":p": {"S": "b"}, ":q": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p.x = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND p = :q', '{":p": {"S": "b"}, ":q": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p AND r = :p AND s = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'r = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'x = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'p = :p AND x = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_b', 'p = :p AND r = :p', '{":p": {"B": "AA=="}}');
SELECT pg_temp.q('q_ss', 'p > :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'begins_with(p, :p)', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_ss', 'p BETWEEN :p AND :q', '{":p": {"S": "b"}, ":q": {"S": "c"}}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"N": "1"}}');
SELECT pg_temp.q('q_ss', 'p = :p AND r > :r', '{":p": {"S": "b"}, ":r": {"N": "1"}}');
SELECT pg_temp.q('q_ss', 'p = :p AND r BETWEEN :r AND :s', '{":p": {"S": "b"}, ":r": {"S": "1"}, ":s": {"N": "1"}}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": ""}}');
SELECT pg_temp.q('q_ss', 'p = :p AND r = :r', '{":p": {"S": "b"}, ":r": {"S": ""}}');
SELECT pg_temp.q('q_ss', 'p = :p AND begins_with(r, :r)', '{":p": {"S": "b"}, ":r": {"S": ""}}');
SELECT pg_temp.q('q_nb', 'p = :p AND r > :r', '{":p": {"N": "1"}, ":r": {"B": ""}}');
SELECT pg_temp.q('q_sn', 'p = :p AND begins_with(r, :r)', '{":p": {"S": "b"}, ":r": {"N": "1"}}');
SELECT pg_temp.q('q_ss', 'p = :p', jsonb_build_object(':p', jsonb_build_object('S', repeat('x', 2049))));
SELECT pg_temp.q('q_ss', 'p = :p AND r = :r', jsonb_build_object(':p', '{"S": "b"}'::jsonb, ':r', jsonb_build_object('S', repeat('x', 1025))));

--
-- start keys
--
CREATE FUNCTION pg_temp.from_key(start jsonb, cond text DEFAULT 'p = :p', vals jsonb DEFAULT '{":p": {"S": "a"}}', name text DEFAULT 'q_ss')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.q(name, cond, vals, jsonb_build_object('ExclusiveStartKey', start))
$$;
SELECT pg_temp.from_key('{"p": {}}', name => 'q_none');
SELECT pg_temp.from_key('{"p": {"N": "x"}}', name => 'q_none');
SELECT pg_temp.from_key('{"p": {"NS": []}}', name => 'q_none');
SELECT pg_temp.from_key('{"p": {"SS": []}}', name => 'q_none');
SELECT pg_temp.from_key('{"p": {"SS": ["a", "a"]}}', name => 'q_none');
SELECT pg_temp.from_key('{"p": {"N": "1e126"}}', name => 'q_none');
SELECT pg_temp.from_key('{}');
SELECT pg_temp.from_key('{"p": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"S": "a"}, "r": {"S": "a"}, "x": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"S": "a"}, "x": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"N": "1"}, "r": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"S": "a"}, "r": {"N": "1"}}');
SELECT pg_temp.from_key('{"p": {"S": ""}, "r": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"S": "a"}, "r": {"S": ""}}');
SELECT pg_temp.from_key(jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('S', repeat('x', 1025))));
SELECT pg_temp.from_key('{"p": {"S": "b"}, "r": {"S": "a"}}');
SELECT pg_temp.from_key('{"p": {"S": "a"}, "r": {"S": "a"}}', 'p = :p AND r > :r', '{":p": {"S": "a"}, ":r": {"S": "b"}}');
SELECT pg_temp.from_key('{"p": {"S": "b"}, "r": {"S": "a"}}', 'p = :p AND r > :r', '{":p": {"S": "a"}, ":r": {"S": "b"}}');
SELECT pg_temp.from_key('{"p": {"S": "b"}, "r": {"S": "c"}}', 'p = :p AND r > :r', '{":p": {"S": "a"}, ":r": {"S": "b"}}');
SELECT pg_temp.from_key('{"p": {"B": "AA=="}}', vals => '{":p": {"B": "AA=="}}', name => 'q_b');
SELECT pg_temp.from_key('{"p": {"B": "AA=="}}', vals => '{":p": {"B": "AAA="}}', name => 'q_b');

--
-- constraints
--
SELECT dynamo.query('{}');
SELECT dynamo.query('{"TableName": "q_ss"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Limit": 0}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Limit": -1, "Select": "x", "ReturnConsumedCapacity": "x", "ConditionalOperator": "x", "AttributesToGet": []}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"Limit": "1"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"IndexName": "ab"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"IndexName": "abc;"}');
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "b"}}', '{"IndexName": "index"}');

--
-- the order of the checks
--
-- constraint, mix
SELECT pg_temp.q('q_none', '', NULL, '{"Limit": 0, "AttributesToGet": ["a", "a"]}');
-- mix, start key
SELECT pg_temp.q('q_none', '', NULL, '{"KeyConditions": {}, "QueryFilter": {}, "ConditionalOperator": "OR", "AttributesToGet": ["a"],
	"ProjectionExpression": "", "FilterExpression": "", "ExclusiveStartKey": {"p": {}}}');
SELECT dynamo.query('{"TableName": "q_none", "ExpressionAttributeNames": {}, "ExclusiveStartKey": {"p": {}}}');
SELECT dynamo.query('{"TableName": "q_none", "ExpressionAttributeValues": {}, "ExclusiveStartKey": {"p": {}}}');
-- start key, no key condition
SELECT dynamo.query('{"TableName": "q_none", "ExclusiveStartKey": {"p": {}}}');
SELECT dynamo.query('{"TableName": "q_none", "KeyConditions": {}, "ExclusiveStartKey": {"p": {}}}');
-- mix, legacy parameters; empty ones have no effect
SELECT dynamo.query('{"TableName": "q_none", "AttributesToGet": ["a"], "ExpressionAttributeNames": {"#a": "a"}}');
SELECT dynamo.query('{"TableName": "q_none", "AttributesToGet": ["a"], "ExpressionAttributeValues": {":a": {"S": "a"}}}');
SELECT dynamo.query('{"TableName": "q_none", "AttributesToGet": ["a", "b", "a"], "ConditionalOperator": "OR"}');
SELECT dynamo.query('{"TableName": "q_none", "ConditionalOperator": "OR", "QueryFilter": {}, "KeyConditions": {}}');
SELECT dynamo.query('{"TableName": "q_none", "AttributesToGet": ["a"], "ConditionalOperator": "OR", "QueryFilter": {"a": {"ComparisonOperator": "NULL"}}}');
SELECT dynamo.query('{"TableName": "q_none", "QueryFilter": {}}');
-- expressions, number of conditions, legacy key conditions
SELECT dynamo.query('{"TableName": "q_none", "KeyConditions": {}, "FilterExpression": ""}');
SELECT dynamo.query('{"TableName": "q_none", "KeyConditions": {}}');
SELECT dynamo.query('{"TableName": "q_none", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}}');
-- no key condition, expressions
SELECT dynamo.query('{"TableName": "q_none", "FilterExpression": "", "ExpressionAttributeNames": {}}');
-- names, values, key condition, filter, projection, unused, restrictions
SELECT pg_temp.q('q_none', '', '{}', '{"ExpressionAttributeNames": {}, "FilterExpression": "", "ProjectionExpression": ""}');
SELECT pg_temp.q('q_none', '', '{}', '{"FilterExpression": "", "ProjectionExpression": ""}');
SELECT pg_temp.q('q_none', '', NULL, '{"FilterExpression": "", "ProjectionExpression": ""}');
SELECT pg_temp.q('q_none', 'p = :p', '{":p": {"S": "b"}}', '{"FilterExpression": "", "ProjectionExpression": ""}');
SELECT pg_temp.q('q_none', 'p = :p', '{":p": {"S": "b"}}', '{"ProjectionExpression": "", "ExpressionAttributeNames": {"#a": "a"}}');
SELECT pg_temp.q('q_none', 'p = :p', '{":p": {"S": "b"}, ":q": {"S": "b"}}', '{"ExpressionAttributeNames": {"#a": "a"}}');
SELECT pg_temp.q('q_none', 'p = :p', '{":p": {"S": "b"}, ":q": {"S": "b"}}');
-- expressions, table
SELECT pg_temp.q('q_none', 'p = :p AND r = :p AND s = :p', '{":p": {"S": "b"}}');
SELECT pg_temp.q('q_none', 'p = :p', '{":p": {"S": "b"}}', '{"IndexName": "index"}');
-- index, start key
SELECT pg_temp.q('q_ss', 'x = :p', '{":p": {"S": "b"}}', '{"IndexName": "index", "ExclusiveStartKey": {}}');
-- number of start key attributes, partition key's condition
SELECT pg_temp.from_key('{}', 'x = :p');
-- partition key of the start key, its condition, sort key of the start key, its condition
SELECT pg_temp.from_key('{"p": {"N": "1"}, "r": {"N": "1"}}', 'x = :p');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"N": "1"}}', 'x = :p');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"N": "1"}}', 'p > :p', '{":p": {"N": "1"}}');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"N": "1"}}', 'p > :p AND x = :p');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"N": "1"}}', 'p = :p AND x = :p');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"S": "1"}}', 'p = :p AND x = :p');
SELECT pg_temp.from_key('{"p": {"S": "1"}, "r": {"S": "1"}}', 'p = :p AND r = :r', '{":p": {"S": "a"}, ":r": {"N": "1"}}');
-- hash-only table with two conditions: before the condition's type
SELECT pg_temp.q('q_b', 'p = :p AND r = :p', '{":p": {"S": "b"}}');
-- start key's place, key path of the projection
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}', '{"ExclusiveStartKey": {"p": {"S": "b"}, "r": {"S": "a"}}, "ProjectionExpression": "p.x"}');
-- key path of the projection, filter on a key
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}', '{"ProjectionExpression": "p.x", "FilterExpression": "attribute_exists(r)"}');
-- filter on a key, Select
SELECT pg_temp.q('q_ss', 'p = :p', '{":p": {"S": "a"}}', '{"FilterExpression": "attribute_exists(r)", "Select": "SPECIFIC_ATTRIBUTES"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{q_ss,q_sn,q_nb,q_b,q_big}'::text[]) name;
