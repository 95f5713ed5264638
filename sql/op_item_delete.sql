-- DeleteItem
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('del_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('del_sn', 'p S', 'r N') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.del(key jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'del_s')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.delete_item(jsonb_build_object('TableName', name, 'Key', key) || more)
$$;
CREATE FUNCTION pg_temp.failure(key jsonb, more jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	PERFORM pg_temp.del(key, more);
	RETURN 'no failure';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, detail);
END $$;
INSERT INTO dynamo_tables.del_s (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', chr(96 + n)), 'x', jsonb_build_object('N', n::text)) FROM generate_series(1, 9) n;

--
-- present and absent
--
SELECT pg_temp.del('{"p": {"S": "a"}}');
SELECT pg_temp.del('{"p": {"S": "a"}}');
SELECT pg_temp.del('{"p": {"S": "b"}}', '{"ReturnValues": "ALL_OLD"}');
SELECT pg_temp.del('{"p": {"S": "b"}}', '{"ReturnValues": "ALL_OLD"}');
SELECT pg_temp.del('{"p": {"S": "c"}}', '{"ReturnValues": "NONE"}');
SELECT string_agg(pk, '' ORDER BY pk) AS remain FROM dynamo_tables.del_s;
INSERT INTO dynamo_tables.del_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "10"}}'), ('{"p": {"S": "a"}, "r": {"N": "11"}}');
SELECT pg_temp.del('{"p": {"S": "a"}, "r": {"N": "1e1"}}', '{"ReturnValues": "ALL_OLD"}', 'del_sn');
SELECT item FROM dynamo_tables.del_sn;

--
-- ReturnValues
--
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ReturnValues": "UPDATED_OLD"}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ReturnValues": "UPDATED_NEW"}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ReturnValues": "none"}');

--
-- conditions
--
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ConditionExpression": "x = :v", "ExpressionAttributeValues": {":v": {"N": "5"}}}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ConditionExpression": "x = :v", "ExpressionAttributeValues": {":v": {"N": "4"}}, "ReturnValues": "ALL_OLD"}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ConditionExpression": "x = :v", "ExpressionAttributeValues": {":v": {"N": "4"}}}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ConditionExpression": "x <> :v", "ExpressionAttributeValues": {":v": {"N": "4"}}}');
SELECT pg_temp.del('{"p": {"S": "d"}}', '{"ConditionExpression": "attribute_exists(p)"}');
SELECT pg_temp.del('{"p": {"S": "e"}}', '{"ConditionExpression": "attribute_exists(p)"}');
SELECT pg_temp.failure('{"p": {"S": "f"}}', '{"ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
SELECT pg_temp.failure('{"p": {"S": "f"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.failure('{"p": {"S": "d"}}', '{"ConditionExpression": "attribute_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
SELECT string_agg(pk, '' ORDER BY pk) AS remain FROM dynamo_tables.del_s;

--
-- capacity: of the old item, at least one
--
SELECT count(dynamo.put_item('del_s', jsonb_build_object('p', lpad(bytes::text, 5, '0'), 'f', repeat('x', bytes - 7))))
FROM unnest('{1024,1025,2049}'::int[]) bytes;
SELECT bytes, pg_temp.del(jsonb_build_object('p', jsonb_build_object('S', lpad(bytes::text, 5, '0'))), '{"ReturnConsumedCapacity": "TOTAL"}') AS units
FROM unnest('{1024,1025,2049,2050}'::int[]) bytes ORDER BY bytes;
SELECT pg_temp.del('{"p": {"S": "f"}}', '{"ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}');
SELECT pg_temp.del('{"p": {"S": "g"}}', '{"ReturnConsumedCapacity": "TOTAL", "ReturnValues": "ALL_OLD"}', 'arn:aws:dynamodb:us-east-1:000000000000:table/del_s');

--
-- keys
--
SELECT pg_temp.del('{}');
SELECT pg_temp.del('{"q": {"S": "a"}}');
SELECT pg_temp.del('{"p": {"B": "AA=="}}');
SELECT pg_temp.del('{"p": {"S": "h"}, "x": {"N": "8"}}');
SELECT pg_temp.del('{"p": {"S": ""}}');
SELECT pg_temp.del(jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2049))));
SELECT pg_temp.del('{"p": {"S": "a"}}', name => 'del_sn');
SELECT pg_temp.del('{"p": {"S": "a"}, "r": {"S": "a"}}', name => 'del_sn');

--
-- constraints and the order of the checks
--
SELECT dynamo.delete_item('{}');
SELECT dynamo.delete_item('{"TableName": "del_s"}');
SELECT dynamo.delete_item('{"TableName": "", "Key": {"x": {}}, "ReturnValues": "x", "ReturnItemCollectionMetrics": "x", "ReturnConsumedCapacity": "x"}');
-- mix, key value
SELECT pg_temp.del('{"x": {}}', '{"Expected": {}, "ConditionExpression": ""}', 'del_none');
SELECT pg_temp.del('{"x": {}}', '{"ExpressionAttributeNames": {}}', 'del_none');
SELECT pg_temp.del('{"x": {}}', '{"ExpressionAttributeValues": {}}', 'del_none');
-- key value, ReturnValues
SELECT pg_temp.del('{"x": {}}', '{"ReturnValues": "ALL_NEW", "ConditionExpression": ""}', 'del_none');
-- ReturnValues, expression
SELECT pg_temp.del('{"x": {"S": "a"}}', '{"ReturnValues": "ALL_NEW", "ConditionExpression": ""}', 'del_none');
-- expression, table
SELECT pg_temp.del('{"x": {"S": "a"}}', '{"ConditionExpression": ""}', 'del_none');
SELECT pg_temp.del('{"x": {"S": "a"}}', '{"ConditionExpression": "a = b"}', 'del_none');
-- key, condition
SELECT pg_temp.del('{"x": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{del_s,del_sn}'::text[]) name;
