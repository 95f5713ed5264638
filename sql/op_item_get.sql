-- GetItem
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('get_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('get_nb', 'p N', 'r B') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.get(key jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'get_s')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.get_item(jsonb_build_object('TableName', name, 'Key', key) || more)
$$;
INSERT INTO dynamo_tables.get_s (item) VALUES
	('{"p": {"S": "a"}, "x": {"N": "1"}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"M": {"k": {"S": "v"}, "o": {"S": "w"}}}]}, "size": {"S": "s"}}');
INSERT INTO dynamo_tables.get_nb (item) VALUES ('{"p": {"N": "10"}, "r": {"B": "AP8="}, "x": {"S": "y"}}');

--
-- found and missing
--
SELECT pg_temp.get('{"p": {"S": "a"}}');
SELECT pg_temp.get('{"p": {"S": "b"}}');
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ConsistentRead": true}');
SELECT pg_temp.get('{"p": {"N": "1e1"}, "r": {"B": "AP8="}}', name => 'get_nb');
SELECT pg_temp.get('{"p": {"N": "10"}, "r": {"B": "AP4="}}', name => 'get_nb');

--
-- projection
--
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "x, p"}');
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "l[2].k, l[0]"}');
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "#s, #m", "ExpressionAttributeNames": {"#s": "size", "#m": "nope"}}');
-- nothing of an existing item, and a missing item
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "nope"}');
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ProjectionExpression": "nope"}');

--
-- capacity: steps of 4 KB, half of it unless consistent; projections do not count
-- the item has 4 bytes and the text's
--
SELECT count(dynamo.put_item(jsonb_build_object('TableName', 'get_s', 'Item',
	jsonb_build_object('p', jsonb_build_object('S', lpad(bytes::text, 5, '0')), 'f', jsonb_build_object('S', repeat('x', bytes - 7))))))
FROM unnest('{1024,4095,4096,4097,8192,8193}'::int[]) bytes;
SELECT bytes,
	pg_temp.get(key, '{"ReturnConsumedCapacity": "TOTAL"}') #> '{ConsumedCapacity,CapacityUnits}' AS eventual,
	pg_temp.get(key, '{"ReturnConsumedCapacity": "TOTAL", "ConsistentRead": true}') #> '{ConsumedCapacity,CapacityUnits}' AS strong,
	pg_temp.get(key, '{"ReturnConsumedCapacity": "TOTAL", "ProjectionExpression": "p"}') AS projected
FROM unnest('{1024,4095,4096,4097,8192,8193}'::int[]) bytes,
	LATERAL (SELECT jsonb_build_object('p', jsonb_build_object('S', lpad(bytes::text, 5, '0')))) k(key)
ORDER BY bytes;
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ReturnConsumedCapacity": "TOTAL", "ConsistentRead": true}');
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ReturnConsumedCapacity": "NONE"}');
SELECT pg_temp.get('{"p": {"S": "b"}}', '{"ReturnConsumedCapacity": ""}');
-- by ARN
SELECT pg_temp.get('{"p": {"N": "10"}, "r": {"B": "AP8="}}', '{"ReturnConsumedCapacity": "INDEXES"}', 'arn:aws:dynamodb:us-east-1:000000000000:table/get_nb');

--
-- keys
--
SELECT pg_temp.get('{}');
SELECT pg_temp.get('{"q": {"S": "a"}}');
SELECT pg_temp.get('{"p": {"N": "1"}}');
SELECT pg_temp.get('{"p": {"S": "a"}, "x": {"N": "1"}}');
SELECT pg_temp.get('{"p": {"S": ""}}');
SELECT pg_temp.get('{"p": {"NULL": true}}');
SELECT pg_temp.get('{"p": {"N": "1"}}', name => 'get_nb');
SELECT pg_temp.get('{"p": {"N": "1"}, "r": {"S": "a"}}', name => 'get_nb');
SELECT pg_temp.get('{"p": {"N": "1"}, "r": {"B": ""}}', name => 'get_nb');
SELECT pg_temp.get('{"p": {"N": "1"}, "r": {"B": "AA=="}, "x": {"B": "AA=="}}', name => 'get_nb');
SELECT pg_temp.get(jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2048))));
SELECT pg_temp.get(jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2049))));
SELECT pg_temp.get(jsonb_build_object('p', '{"N": "1"}'::jsonb, 'r', jsonb_build_object('B', rpad('', 1364, 'A') || 'AA==')), name => 'get_nb') AS at_most;
SELECT pg_temp.get(jsonb_build_object('p', '{"N": "1"}'::jsonb, 'r', jsonb_build_object('B', rpad('', 1368, 'A'))), name => 'get_nb') AS too_long;
-- a path below a key
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "p[0]"}');
SELECT pg_temp.get('{"p": {"S": "a"}}', '{"ProjectionExpression": "x, #p.y", "ExpressionAttributeNames": {"#p": "p"}}');
SELECT pg_temp.get('{"p": {"N": "1"}, "r": {"B": "AA=="}}', '{"ProjectionExpression": "r.x"}', 'get_nb');

--
-- constraints
--
SELECT dynamo.get_item('{}');
SELECT dynamo.get_item('{"TableName": "ab", "Key": {}, "ReturnConsumedCapacity": "x"}');
SELECT dynamo.get_item('{"TableName": "get_s", "Key": {"p": {"S": "a"}}, "AttributesToGet": []}');
SELECT dynamo.get_item('{"TableName": "get_s", "Key": {"p": {"S": "a"}}, "ConsistentRead": "x"}');
SELECT dynamo.get_item('{"TableName": "get_s", "Key": "p"}');

--
-- the order of the checks
--
-- mix, key value
SELECT pg_temp.get('{"x": {}}', '{"AttributesToGet": ["a", "a"], "ProjectionExpression": "a"}', 'get_none');
SELECT pg_temp.get('{"x": {}}', '{"AttributesToGet": ["a", "a"]}', 'get_none');
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"AttributesToGet": ["a", "a"]}', 'get_none');
SELECT pg_temp.get('{"x": {}}', '{"ExpressionAttributeNames": {}}', 'get_none');
-- key value, names
SELECT pg_temp.get('{"x": {}}', '{"ProjectionExpression": "", "ExpressionAttributeNames": {}}', 'get_none');
SELECT pg_temp.get('{"x": {"N": "x"}}', '{"ProjectionExpression": ""}', 'get_none');
-- names, projection, unused
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "", "ExpressionAttributeNames": {}}', 'get_none');
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "", "ExpressionAttributeNames": {"#a": "b"}}', 'get_none');
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "a", "ExpressionAttributeNames": {"#a": "b"}}', 'get_none');
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "a, a.b"}', 'get_none');
-- projection, table
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "#a"}', 'get_none');
-- table, key
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "p[0]"}', 'get_none');
-- key, key path
SELECT pg_temp.get('{"x": {"S": "a"}}', '{"ProjectionExpression": "p[0]"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{get_s,get_nb}'::text[]) name;
