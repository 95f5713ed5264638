-- PutItem
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('put_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('put_sn', 'p S', 'r N') IS NOT NULL AS made;
SELECT dynamo.create_table('put_bb', 'p B', 'r B') IS NOT NULL AS made;

-- PutItem with the members that differ from test to test
CREATE FUNCTION pg_temp.put(item jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'put_s')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.put_item(jsonb_build_object('TableName', name, 'Item', item) || more)
$$;
CREATE FUNCTION pg_temp.get(key jsonb, name text DEFAULT 'put_s') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.get_item(jsonb_build_object('TableName', name, 'Key', key)) -> 'Item'
$$;
-- SQLSTATE and DETAIL of a put that fails
CREATE FUNCTION pg_temp.failure(item jsonb, more jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	PERFORM pg_temp.put(item, more);
	RETURN 'no failure';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, detail);
END $$;

--
-- create, replace wholly
--
SELECT pg_temp.put('{"p": {"S": "a"}, "x": {"N": "1"}, "y": {"S": ""}}');
SELECT pg_temp.get('{"p": {"S": "a"}}');
SELECT pg_temp.put('{"p": {"S": "a"}, "z": {"BOOL": true}}');
SELECT pg_temp.get('{"p": {"S": "a"}}');
-- every type; numbers come back canonical
SELECT pg_temp.put('{"p": {"S": "types"}, "s": {"S": "ü"}, "n": {"N": "+01.50e1"}, "b": {"B": "AP8="},
	"bo": {"BOOL": false}, "nu": {"NULL": true}, "ss": {"SS": ["b", "a", ""]}, "ns": {"NS": ["1.0", "2"]},
	"bs": {"BS": ["", "AA=="]}, "l": {"L": [{"N": "1e2"}, {"L": []}]}, "m": {"M": {"": {"M": {}}}}}');
SELECT pg_temp.put('{"p": {"S": "types"}, "s": {"S": "ü"}, "n": {"N": "+01.50e1"}, "b": {"B": "AP8="},
	"bo": {"BOOL": false}, "nu": {"NULL": true}, "ss": {"SS": ["b", "a", ""]}, "ns": {"NS": ["1.0", "2"]},
	"bs": {"BS": ["", "AA=="]}, "l": {"L": [{"N": "1e2"}, {"L": []}]}, "m": {"M": {"a.b": {"M": {}}}}}');
SELECT pg_temp.get('{"p": {"S": "types"}}');
-- one number in two spellings is one key
SELECT pg_temp.put('{"p": {"S": "a"}, "r": {"N": "1.0"}, "v": {"N": "1"}}', name => 'put_sn');
SELECT pg_temp.put('{"p": {"S": "a"}, "r": {"N": "10e-1"}, "v": {"N": "2"}}', '{"ReturnValues": "ALL_OLD"}', 'put_sn');
SELECT item FROM dynamo_tables.put_sn;
SELECT pg_temp.put('{"p": {"B": "AA=="}, "r": {"B": "/w=="}}', name => 'put_bb');
SELECT pk, sk, item FROM dynamo_tables.put_bb;

--
-- ReturnValues
--
SELECT pg_temp.put('{"p": {"S": "rv"}, "x": {"N": "1"}}', '{"ReturnValues": "ALL_OLD"}');
SELECT pg_temp.put('{"p": {"S": "rv"}, "x": {"N": "2"}}', '{"ReturnValues": "ALL_OLD"}');
SELECT pg_temp.put('{"p": {"S": "rv"}, "x": {"N": "3"}}', '{"ReturnValues": "NONE"}');
SELECT pg_temp.put('{"p": {"S": "rv"}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.put('{"p": {"S": "rv"}}', '{"ReturnValues": "UPDATED_OLD"}');
SELECT pg_temp.put('{"p": {"S": "rv"}}', '{"ReturnValues": "UPDATED_NEW"}');
SELECT pg_temp.put('{"p": {"S": "rv"}}', '{"ReturnValues": "all_old"}');
SELECT pg_temp.get('{"p": {"S": "rv"}}');

--
-- conditions
--
SELECT pg_temp.put('{"p": {"S": "c"}, "v": {"N": "1"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.put('{"p": {"S": "c"}, "v": {"N": "2"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.put('{"p": {"S": "c"}, "v": {"N": "2"}}',
	'{"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "1.0"}}, "ReturnValues": "ALL_OLD"}');
SELECT pg_temp.put('{"p": {"S": "c"}, "v": {"N": "3"}}',
	'{"ConditionExpression": "#v = :v", "ExpressionAttributeNames": {"#v": "v"}, "ExpressionAttributeValues": {":v": {"N": "1"}}}');
SELECT pg_temp.get('{"p": {"S": "c"}}');
-- an absent item: all paths are missing
SELECT pg_temp.put('{"p": {"S": "absent"}}', '{"ConditionExpression": "attribute_exists(p)"}');
SELECT pg_temp.put('{"p": {"S": "absent"}}', '{"ConditionExpression": "v = :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}');
SELECT pg_temp.put('{"p": {"S": "absent"}}', '{"ConditionExpression": "v <> :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}');
SELECT pg_temp.get('{"p": {"S": "absent"}}');
-- the old item in the error
SELECT pg_temp.failure('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.failure('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "NONE"}');
SELECT pg_temp.failure('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
SELECT pg_temp.failure('{"p": {"S": "none"}}', '{"ConditionExpression": "attribute_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
SELECT pg_temp.failure('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_NEW"}');
SELECT pg_temp.failure('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)",
	"ReturnValuesOnConditionCheckFailure": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL"}');

--
-- capacity: the larger of old and new item, in steps of 1 KB
-- the item {"p": {"S": "u"}, "f": {"S": ...}} has 3 bytes and the text's
--
SELECT bytes, pg_temp.put(jsonb_build_object('p', '{"S": "u"}'::jsonb, 'f', jsonb_build_object('S', repeat('x', bytes - 3))),
	'{"ReturnConsumedCapacity": "TOTAL"}') #> '{ConsumedCapacity,CapacityUnits}' AS units
FROM unnest('{3,1023,1024,1025,2048,2049,100}'::int[]) WITH ORDINALITY s(bytes, ord) ORDER BY ord;
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnConsumedCapacity": "NONE"}');
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnConsumedCapacity": "total"}');
-- no table here has a local index
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnItemCollectionMetrics": "SIZE"}');
SELECT pg_temp.put('{"p": {"S": "u"}}', '{"ReturnItemCollectionMetrics": "ALL"}');
-- a table by its ARN, which the capacity echoes
SELECT pg_temp.put('{"p": {"S": "arn"}}', '{"ReturnConsumedCapacity": "TOTAL"}', 'arn:aws:dynamodb:us-east-1:000000000000:table/put_s');
SELECT pg_temp.get('{"p": {"S": "arn"}}', 'arn:aws:dynamodb:us-east-1:000000000000:table/put_s');
SELECT pg_temp.put('{"p": {"S": "arn"}}', '{}', 'arn:aws:dynamodb:us-east-1:000000000000:table/put_none');
SELECT pg_temp.put('{"p": {"S": "arn"}}', '{}', 'arn:aws:dynamodb:us-east-1:000000000000:table/put_s/index/i');
CREATE ROLE regress_op_put;
SET ROLE regress_op_put;
SELECT dynamo.put_item('{"TableName": "arn:aws:dynamodb:us-east-1:111111111111:table/put_s", "Item": {"p": {"S": "a"}}}');
RESET ROLE;
DROP ROLE regress_op_put;

--
-- item size: 409,600 bytes are accepted
--
SELECT pg_temp.put(jsonb_build_object('p', '{"S": "big"}'::jsonb, 'f', jsonb_build_object('S', repeat('x', 409600 - 5))),
	'{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.put(jsonb_build_object('p', '{"S": "big"}'::jsonb, 'f', jsonb_build_object('S', repeat('x', 409600 - 4))));
SELECT length(pg_temp.get('{"p": {"S": "big"}}') #>> '{f,S}') AS length;
SELECT pg_temp.put('{"p": {"S": "big"}}', '{"ReturnConsumedCapacity": "TOTAL"}');

--
-- keys
--
SELECT pg_temp.put('{"x": {"S": "a"}}');
SELECT pg_temp.put('{}');
SELECT pg_temp.put('{"p": {"N": "1"}}');
SELECT pg_temp.put('{"p": {"NULL": true}}');
SELECT pg_temp.put('{"p": {"S": ""}}');
SELECT pg_temp.put('{"p": {"B": ""}, "r": {"B": "AA=="}}', name => 'put_bb');
SELECT pg_temp.put('{"p": {"B": "AA=="}, "r": {"B": ""}}', name => 'put_bb');
SELECT pg_temp.put('{"p": {"S": "a"}}', name => 'put_sn');
SELECT pg_temp.put('{"r": {"N": "1"}}', name => 'put_sn');
SELECT pg_temp.put('{"p": {"S": "a"}, "r": {"S": "1"}}', name => 'put_sn');
SELECT pg_temp.put('{"p": {"S": "a"}, "r": {"NS": ["1"]}}', name => 'put_sn');
-- lengths: 2,048 and 1,024 bytes
SELECT pg_temp.put(jsonb_build_object('p', jsonb_build_object('S', repeat('ü', 1024))));
SELECT pg_temp.put(jsonb_build_object('p', jsonb_build_object('S', repeat('ü', 1024) || 'x')));
SELECT pg_temp.put(jsonb_build_object('p', jsonb_build_object('B', replace(encode(convert_to(repeat('x', 2048), 'UTF8'), 'base64'), E'\n', '')),
	'r', jsonb_build_object('B', replace(encode(convert_to(repeat('x', 1024), 'UTF8'), 'base64'), E'\n', ''))), name => 'put_bb');
SELECT pg_temp.put(jsonb_build_object('p', jsonb_build_object('B', replace(encode(convert_to(repeat('x', 2049), 'UTF8'), 'base64'), E'\n', '')),
	'r', '{"B": "AA=="}'::jsonb), name => 'put_bb');
SELECT pg_temp.put(jsonb_build_object('p', '{"B": "AA=="}'::jsonb,
	'r', jsonb_build_object('B', replace(encode(convert_to(repeat('x', 1025), 'UTF8'), 'base64'), E'\n', ''))), name => 'put_bb');
-- a number of 38 digits has no size limit as a key
SELECT pg_temp.put(jsonb_build_object('p', '{"S": "digits"}'::jsonb, 'r', jsonb_build_object('N', '1e125')), name => 'put_sn');
SELECT length(sk::text) FROM dynamo_tables.put_sn WHERE pk = 'digits';
-- long partition keys with equal beginnings are different keys
SELECT count(pg_temp.put(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 510) || repeat('x', n)), 'n', jsonb_build_object('N', n::text))))
FROM unnest('{0,1,2,3,4,100,1000,1537,1538}'::int[]) n;
SELECT n, (pg_temp.get(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 510) || repeat('x', n)))) #>> '{n,N}')::int = n AS found
FROM unnest('{0,1,2,3,4,100,1000,1537,1538}'::int[]) n;
SELECT pg_temp.get(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 510) || repeat('x', 5)))) AS nothing;
-- U+0000 in keys and values
SELECT dynamo.execute('PutItem', '{"TableName": "put_s", "Item": {"p": {"S": "nul\u0000"}, "v": {"S": "\u0000\u0001"}}}'::text);
SELECT dynamo.execute('PutItem', '{"TableName": "put_s", "Item": {"p": {"S": "nul\u0001\u0001"}, "v": {"S": "other"}}}'::text);
SELECT dynamo.execute('GetItem', '{"TableName": "put_s", "Key": {"p": {"S": "nul\u0000"}}}'::text);
SELECT dynamo.execute('GetItem', '{"TableName": "put_s", "Key": {"p": {"S": "nul\u0001\u0001"}}}'::text);
-- 2,048 of them
SELECT dynamo.execute('PutItem', '{"TableName": "put_s", "Item": {"p": {"S": "' || repeat('\u0000', 2048) || '"}}}');
SELECT dynamo.execute('PutItem', '{"TableName": "put_s", "Item": {"p": {"S": "' || repeat('\u0000', 2049) || '"}}}');

--
-- constraints: all violations at once
--
SELECT dynamo.put_item('{}');
SELECT dynamo.put_item('{"TableName": "put_s"}');
SELECT dynamo.put_item('{"Item": {"p": {"S": "a"}}}');
SELECT dynamo.put_item('{"TableName": "", "Item": {}}');
SELECT dynamo.put_item('{"TableName": "ab", "Item": {}}');
SELECT dynamo.put_item('{"TableName": "a;b", "Item": {}}');
SELECT dynamo.put_item('{"TableName": "a;", "Item": {}}');
SELECT dynamo.put_item(jsonb_build_object('TableName', repeat('a', 256), 'Item', '{}'::jsonb));
SELECT dynamo.put_item(jsonb_build_object('TableName', repeat('a', 255), 'Item', '{"p": {"S": "a"}}'::jsonb));
SELECT dynamo.put_item('{"TableName": "abc;", "ReturnValues": "x", "ReturnConsumedCapacity": "x", "ReturnItemCollectionMetrics": "x",
	"ReturnValuesOnConditionCheckFailure": "x", "ConditionalOperator": "x"}');
-- types come before constraints
SELECT dynamo.put_item('{"TableName": 1}');
SELECT dynamo.put_item('{"TableName": "put_s", "Item": []}');
SELECT dynamo.put_item('{"TableName": "put_s", "Item": {"p": {"S": 1}}}');
SELECT dynamo.put_item('{"TableName": "put_s", "Item": {"p": {"N": 1}}}');
SELECT dynamo.put_item('{"TableName": "put_s", "Item": {"p": "a"}}');
SELECT dynamo.put_item('{"TableName": "put_s", "ReturnValues": "x", "Item": {"p": {"BOOL": "true"}}}');
SELECT dynamo.put_item('[]');
SELECT dynamo.put_item('null');
SELECT dynamo.put_item(NULL::jsonb) IS NULL AS strict;

--
-- the order of the checks: of two faults the first one counts
--
-- constraint, mix
SELECT dynamo.put_item('{"TableName": "put_none", "Item": {"x": {}}, "ReturnValues": "x", "Expected": {}, "ConditionExpression": "p"}');
-- mix, value
SELECT pg_temp.put('{"x": {}}', '{"Expected": {"p": {"Exists": false}}, "ConditionExpression": "p ="}', 'put_none');
SELECT pg_temp.put('{"x": {}}', '{"ExpressionAttributeNames": {"#p": "p"}}', 'put_none');
SELECT pg_temp.put('{"x": {}}', '{"ExpressionAttributeValues": {":p": {"S": "p"}}}', 'put_none');
SELECT pg_temp.put('{"x": {}}', '{"ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}', 'put_none');
-- value, ReturnValues
SELECT pg_temp.put('{"x": {}}', '{"ReturnValues": "ALL_NEW"}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a", "N": "b"}}', '{"ReturnValues": "ALL_NEW"}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a", "N": "1"}}', '{"ReturnValues": "ALL_NEW"}', 'put_none');
-- ReturnValues, size
SELECT pg_temp.put(jsonb_build_object('f', jsonb_build_object('S', repeat('x', 409600))), '{"ReturnValues": "ALL_NEW"}', 'put_none');
-- size, expression
SELECT pg_temp.put(jsonb_build_object('f', jsonb_build_object('S', repeat('x', 409600))), '{"ConditionExpression": ""}', 'put_none');
-- names, values, parse, unused, in this order
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeNames": {"a": "b"}, "ExpressionAttributeValues": {}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeValues": {}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeValues": {":a": {}, "b": {"S": "a"}}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeValues": {":a": {"N": "b"}}}', 'put_none');
SELECT dynamo.execute('PutItem', '{"TableName": "put_none", "Item": {}, "ConditionExpression": "a = :a", "ExpressionAttributeValues": {":a": null}}'::text);
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "", "ExpressionAttributeValues": {":a": {"N": "1"}}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)", "ExpressionAttributeNames": {"#a": "b"}, "ExpressionAttributeValues": {":a": {"N": "1"}}}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)", "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "1"}}}', 'put_none');
-- expression, table
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "p = :p"}', 'put_none');
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)"}', 'put_none');
-- key, condition
SELECT pg_temp.put('{"x": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)"}');
SELECT pg_temp.put('{"p": {"S": "new"}}', '{"ConditionExpression": "attribute_exists(p)"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{put_s,put_sn,put_bb}'::text[]) name;
