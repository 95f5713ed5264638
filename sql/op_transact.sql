-- TransactWriteItems and TransactGetItems
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('tx_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('tx_sn', 'p S', 'r N') IS NOT NULL AS made;

-- actions, and a transaction of them: its response, or its error
CREATE FUNCTION pg_temp.put(item jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'tx_s') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('Put', jsonb_build_object('TableName', name, 'Item', item) || more)
$$;
CREATE FUNCTION pg_temp.act(action text, key jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'tx_s') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object(action, jsonb_build_object('TableName', name, 'Key', key) || more)
$$;
CREATE FUNCTION pg_temp.attempt(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	RETURN dynamo.execute(operation, request);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''));
END $$;
CREATE FUNCTION pg_temp.tx(VARIADIC actions jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', to_jsonb(actions)))
$$;
CREATE FUNCTION pg_temp.txw(more jsonb, VARIADIC actions jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', to_jsonb(actions)) || more)
$$;
CREATE FUNCTION pg_temp.gets(more jsonb, VARIADIC gets jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.attempt('TransactGetItems', jsonb_build_object('TransactItems', to_jsonb(gets)) || more)
$$;
CREATE VIEW pg_temp.items AS
	SELECT 'tx_s' AS t, item FROM dynamo_tables.tx_s UNION ALL SELECT 'tx_sn', item FROM dynamo_tables.tx_sn;

--
-- all four actions, two tables
--
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1"}}'), pg_temp.put('{"p": {"S": "b"}, "n": {"N": "2"}}'),
	pg_temp.put('{"p": {"S": "x"}, "r": {"N": "1.0"}}', '{}', 'tx_sn'));
SELECT * FROM pg_temp.items ORDER BY 1, 2;
SELECT pg_temp.tx(
	pg_temp.act('ConditionCheck', '{"p": {"S": "a"}}', '{"ConditionExpression": "n = :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}'),
	pg_temp.act('Update', '{"p": {"S": "b"}}', '{"UpdateExpression": "ADD #n :d", "ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": {":d": {"N": "40"}}}'),
	pg_temp.act('Delete', '{"p": {"S": "x"}, "r": {"N": "1"}}', '{"ConditionExpression": "attribute_exists(p)"}', 'tx_sn'),
	pg_temp.put('{"p": {"S": "c"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'),
	pg_temp.act('Update', '{"p": {"S": "d"}}', '{"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "4"}}}'));
SELECT * FROM pg_temp.items ORDER BY 1, 2;
SELECT pg_temp.tx(pg_temp.act('Delete', '{"p": {"S": "nobody"}}'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "nowhere"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'));

--
-- conditions: all that fail are told, nothing is done
--
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "new"}}'),
	pg_temp.put('{"p": {"S": "a"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'),
	pg_temp.act('Delete', '{"p": {"S": "b"}}'),
	pg_temp.act('Update', '{"p": {"S": "c"}}', '{"UpdateExpression": "SET n = :n", "ConditionExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "1"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "zz"}}', '{"ConditionExpression": "attribute_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}'),
	pg_temp.act('Delete', '{"p": {"S": "d"}}', '{"ConditionExpression": "n <> :n", "ExpressionAttributeValues": {":n": {"N": "4.0"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}'));
SELECT pg_temp.tx(
	pg_temp.act('ConditionCheck', '{"p": {"S": "a"}}', '{"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "7"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "b"}}', '{"ConditionExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "7"}}, "ReturnValuesOnConditionCheckFailure": "NONE"}'));
SELECT * FROM pg_temp.items ORDER BY 1, 2;

-- the error itself: a savepoint survives it
BEGIN;
SELECT dynamo.put_item('tx_s', '{"p": "before"}');
SAVEPOINT s;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT dynamo.transact_write_items('{"TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "e"}}}}, {"Delete": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}, "ConditionExpression": "attribute_not_exists(p)"}}]}');
\set VERBOSITY terse
ROLLBACK TO s;
SELECT string_agg(pk, ' ' ORDER BY pk) FROM dynamo_tables.tx_s;
ROLLBACK;

--
-- what can be said without stored items: the first ValidationError, alone
--
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "a"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'),
	pg_temp.put('{"q": {"S": "a"}}'), pg_temp.put('{"p": {"N": "1"}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "f"}}'), pg_temp.put('{"p": {"N": "1"}}'));
SELECT pg_temp.tx(pg_temp.act('Delete', '{"p": {"S": "a"}, "r": {"N": "1"}}'));
SELECT pg_temp.tx(pg_temp.act('ConditionCheck', '{"p": {"S": "a"}}', '{"ConditionExpression": "attribute_exists(p)"}', 'tx_sn'));
SELECT pg_temp.tx(pg_temp.act('Update', '{"p": {"S": "a"}}', '{"UpdateExpression": "SET p = :v", "ExpressionAttributeValues": {":v": {"S": "z"}}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": ""}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "f"}}'), pg_temp.put(jsonb_build_object('p', '{"S": "g"}'::jsonb, 'b', jsonb_build_object('S', repeat('x', 410000)))));

-- and with them
SELECT pg_temp.tx(pg_temp.act('Update', '{"p": {"S": "a"}}', '{"UpdateExpression": "SET x = nothing"}'),
	pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'),
	pg_temp.act('Update', '{"p": {"S": "c"}}', '{"UpdateExpression": "SET x = p + :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'),
	pg_temp.act('Update', '{"p": {"S": "c"}}', '{"UpdateExpression": "SET x = p + :v", "ExpressionAttributeValues": {":v": {"N": "1"}}}'));
SELECT * FROM pg_temp.items ORDER BY 1, 2;

--
-- faults of the whole request
--
SELECT pg_temp.attempt('TransactWriteItems', '{}');
SELECT pg_temp.attempt('TransactWriteItems', '{"TransactItems": []}');
SELECT right(pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems',
	(SELECT jsonb_agg(pg_temp.act('Delete', jsonb_build_object('p', jsonb_build_object('S', n::text)))) FROM generate_series(1, 101) n))), 120);
SELECT left(pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems',
	(SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 101) n))), 80);
SELECT pg_temp.tx('{"Update": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}}}');
SELECT pg_temp.tx('{"Put": {"Item": {"p": {"S": "a"}}, "TableName": "tx_s"}}', '{"ConditionCheck": {"TableName": "x"}}');
SELECT pg_temp.tx('{"Put": {"Item": {"p": {"S": "a"}}, "TableName": "tx_s", "ReturnValuesOnConditionCheckFailure": "ALL_NEW"}}');
SELECT pg_temp.txw('{"ClientRequestToken": "", "ReturnConsumedCapacity": "SOME"}', pg_temp.put('{"p": {"S": "a"}}'));
SELECT pg_temp.txw(jsonb_build_object('ClientRequestToken', repeat('x', 37)), pg_temp.put('{"p": {"S": "a"}}'));
SELECT pg_temp.tx('{"Put": 1}');
SELECT pg_temp.attempt('TransactWriteItems', '{"TransactItems": {}}');
SELECT pg_temp.attempt('TransactWriteItems', '{"TransactItems": [1]}');
SELECT pg_temp.tx('null');
SELECT pg_temp.tx('{}');
SELECT pg_temp.tx('{"Put": null}');
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "a"}}'), pg_temp.put('{"p": {"S": "b"}}') || pg_temp.act('Delete', '{"p": {"S": "c"}}'));
SELECT pg_temp.tx(pg_temp.put('{"q": {"S": "a"}}'), pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": "attribute_exists("}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": ""}'));
SELECT pg_temp.tx(pg_temp.act('Update', '{"p": {"S": "b"}}', '{"UpdateExpression": ""}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": "p = :v"}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{"ConditionExpression": "attribute_exists(p)", "ExpressionAttributeValues": {":v": {"N": "1"}}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{"ExpressionAttributeNames": {"#v": "v"}}'));
SELECT pg_temp.tx(pg_temp.act('Delete', '{"p": {"S": "b"}}', '{"ExpressionAttributeValues": {":v": {"N": "1"}}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}, "n": {"N": "twelve"}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}, "n": {"SS": []}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}'), pg_temp.put('{"p": {"S": "b"}}', '{}', 'tx_none'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}', '{}', 'arn:aws:dynamodb:us-east-1:123:table/tx_s'));

-- two actions on one item
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}'), pg_temp.put('{"p": {"S": "c"}}'), pg_temp.act('Delete', '{"p": {"S": "b"}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}'), pg_temp.act('ConditionCheck', '{"p": {"S": "b"}}', '{"ConditionExpression": "attribute_exists(p)"}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}, "r": {"N": "1"}}', '{}', 'tx_sn'), pg_temp.act('Delete', '{"p": {"S": "b"}, "r": {"N": "1.00"}}', '{}', 'tx_sn'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}'), pg_temp.act('Delete', '{"p": {"S": "b"}}', '{}', 'arn:aws:dynamodb:us-east-1:000000000000:table/tx_s'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "a"}}'), pg_temp.act('Delete', '{"p": {"S": "b"}, "r": {"N": "1"}}', '{}', 'tx_sn'), pg_temp.put('{"p": {"S": "b"}, "r": {"N": "2"}}', '{}', 'tx_sn')) AS different;
-- a whole-request fault comes before those of elements
SELECT pg_temp.tx(pg_temp.put('{"q": {"S": "b"}}'), pg_temp.put('{"p": {"S": "c"}}'), pg_temp.act('Delete', '{"p": {"S": "c"}}'));

-- 4 MB: what is sent counts
SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.put(jsonb_build_object(
	'p', jsonb_build_object('S', 'big' || n), 'b', jsonb_build_object('S', repeat('x', 390000))))) FROM generate_series(1, 11) n)));
SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.act('Update', jsonb_build_object(
	'p', jsonb_build_object('S', 'big' || n)), jsonb_build_object('UpdateExpression', 'SET b = :b', 'ExpressionAttributeValues',
	jsonb_build_object(':b', jsonb_build_object('S', repeat('x', 390000)))))) FROM generate_series(1, 11) n)));
SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.put(jsonb_build_object(
	'p', jsonb_build_object('S', 'big' || n), 'b', jsonb_build_object('S', repeat('x', 390000))))) FROM generate_series(1, 10) n)));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "big11"}}'), pg_temp.put(jsonb_build_object('p', '{"S": "big12"}'::jsonb, 'b', jsonb_build_object('S', repeat('x', 390000)))));
SELECT left(pg_temp.attempt('TransactGetItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.act('Get', jsonb_build_object(
	'p', jsonb_build_object('S', 'big' || n)))) FROM generate_series(1, 12) n))), 100);
SELECT length(pg_temp.attempt('TransactGetItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.act('Get', jsonb_build_object(
	'p', jsonb_build_object('S', 'big' || n)))) FROM generate_series(1, 10) n)))) > 3900000 AS read;
DELETE FROM dynamo_tables.tx_s WHERE pk LIKE 'big%';

-- 100 actions
SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.put(jsonb_build_object(
	'p', jsonb_build_object('S', 'many'), 'r', jsonb_build_object('N', n::text)), CASE WHEN n % 2 = 0 THEN '{"ConditionExpression": "attribute_not_exists(p)"}' ELSE '{}' END::jsonb, 'tx_sn')) FROM generate_series(1, 100) n)));
SELECT count(*) FROM dynamo_tables.tx_sn WHERE pk = 'many';
DELETE FROM dynamo_tables.tx_sn;

--
-- TransactGetItems
--
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}'), pg_temp.act('Get', '{"p": {"S": "nobody"}}'), pg_temp.act('Get', '{"p": {"S": "a"}}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}', '{"ProjectionExpression": "#n, nothing", "ExpressionAttributeNames": {"#n": "n"}}'),
	pg_temp.act('Get', '{"p": {"S": "c"}}', '{"ProjectionExpression": "n"}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}'), pg_temp.act('Get', '{"p": {"S": "b"}}', '{}', 'arn:aws:dynamodb:us-east-1:000000000000:table/tx_s'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}'), pg_temp.act('Get', '{"p": {"N": "1"}}'), pg_temp.act('Get', '{"q": {"S": "b"}}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}', '{"ProjectionExpression": "p.x"}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}', '{"ProjectionExpression": "a, , b"}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}', '{"ExpressionAttributeNames": {"#n": "n"}}'));
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "b"}}'), pg_temp.act('Get', '{"p": {"S": "b"}}', '{}', 'tx_none'));
SELECT pg_temp.gets('{}', '{}');
SELECT pg_temp.attempt('TransactGetItems', '{"TransactItems": []}');
SELECT pg_temp.gets('{}', '{"Get": {"TableName": "tx_s"}}');
SELECT dynamo.transact_get_items('{"TransactItems": [{"Get": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}}}]}');
-- it sees what the transaction has written
BEGIN;
SELECT dynamo.put_item('tx_s', '{"p": "own"}');
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "own"}}'));
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "a"}}'));
COMMIT;

--
-- capacity
--
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1"}}'),
	pg_temp.put('{"p": {"S": "x"}, "r": {"N": "1"}}', '{}', 'tx_sn'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "zz"}}', '{"ConditionExpression": "attribute_not_exists(p)"}'));
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "INDEXES"}', pg_temp.put(jsonb_build_object('p', '{"S": "big"}'::jsonb, 'b', jsonb_build_object('S', repeat('x', 5000)))),
	pg_temp.act('Delete', '{"p": {"S": "x"}, "r": {"N": "1"}}', '{}', 'tx_sn'));
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.put('{"p": {"S": "big"}}'));
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.act('Delete', '{"p": {"S": "big"}}', '{}', 'arn:aws:dynamodb:us-east-1:000000000000:table/tx_s'));
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "NONE"}', pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1"}}'));
SELECT pg_temp.gets('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.act('Get', '{"p": {"S": "a"}}'), pg_temp.act('Get', '{"p": {"S": "nobody"}}'));
SELECT pg_temp.gets('{"ReturnConsumedCapacity": "INDEXES"}', pg_temp.act('Get', '{"p": {"S": "a"}}'), pg_temp.act('Get', '{"p": {"S": "x"}, "r": {"N": "1"}}', '{}', 'tx_sn'));
SELECT pg_temp.gets('{"ReturnConsumedCapacity": "ALL"}', pg_temp.act('Get', '{"p": {"S": "a"}}'));

-- secondary indexes, item collections
SELECT dynamo.create_table('{"TableName": "tx_index", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
		{"AttributeName": "l", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"LocalSecondaryIndexes": [{"IndexName": "local", "Projection": {"ProjectionType": "ALL"},
		"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}]}],
	"GlobalSecondaryIndexes": [{"IndexName": "global", "Projection": {"ProjectionType": "KEYS_ONLY"},
		"KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}]}]}') IS NOT NULL AS made;
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}',
	pg_temp.put('{"p": {"S": "a"}, "r": {"N": "1"}, "l": {"S": "l"}, "g": {"S": "g"}}', '{}', 'tx_index'),
	pg_temp.put('{"p": {"S": "a"}, "r": {"N": "2"}, "g": {"S": "g"}}', '{}', 'tx_index'),
	pg_temp.put('{"p": {"S": "b"}, "r": {"N": "2"}}', '{}', 'tx_index'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "c"}, "r": {"N": "2"}}', '{"ConditionExpression": "attribute_not_exists(p)"}', 'tx_index'),
	pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1"}}'));
SELECT pg_temp.txw('{"ReturnItemCollectionMetrics": "SIZE"}', pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1"}}'));
SELECT pg_temp.txw('{"ReturnItemCollectionMetrics": "NONE"}', pg_temp.act('Delete', '{"p": {"S": "b"}, "r": {"N": "2"}}', '{}', 'tx_index'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "a"}, "r": {"N": "3"}, "g": {"N": "1"}}', '{}', 'tx_index'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "z"}, "r": {"N": "1"}}', '{}', 'tx_index'),
	pg_temp.act('Update', '{"p": {"S": "a"}, "r": {"N": "2"}}', '{"UpdateExpression": "SET g = n"}', 'tx_index'),
	pg_temp.act('Update', '{"p": {"S": "a"}, "r": {"N": "1"}}', '{"UpdateExpression": "SET g = r"}', 'tx_index'));
SELECT item FROM dynamo_tables.tx_index ORDER BY pk, sk;
SELECT count(*) AS wrong FROM (SELECT dynamo.verify_index('tx_index', 'global') UNION ALL SELECT dynamo.verify_index('tx_index', 'local')) x;

--
-- tokens
--
SELECT pg_temp.txw('{"ClientRequestToken": "t1"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "1"}}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t1", "ReturnConsumedCapacity": "TOTAL"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "1"}}}'));
SELECT pg_temp.txw('{"ReturnConsumedCapacity": "INDEXES", "ClientRequestToken": "t1"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"ExpressionAttributeValues": {":d": {"N": "1"}}, "UpdateExpression": "ADD n :d"}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t1"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "2"}}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t1", "ReturnItemCollectionMetrics": "SIZE"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "1"}}}'));
SELECT item FROM dynamo_tables.tx_s WHERE pk = 'count';

-- a cancelled transaction leaves its token free
SELECT pg_temp.txw('{"ClientRequestToken": "t2"}', pg_temp.put('{"p": {"S": "late"}}', '{"ConditionExpression": "attribute_exists(p)"}'));
SELECT dynamo.put_item('tx_s', '{"p": "late"}');
SELECT pg_temp.txw('{"ClientRequestToken": "t2"}', pg_temp.put('{"p": {"S": "late"}}', '{"ConditionExpression": "attribute_exists(p)"}'));
SELECT dynamo.delete_item('tx_s', '{"p": "late"}');
SELECT pg_temp.txw('{"ClientRequestToken": "t2"}', pg_temp.put('{"p": {"S": "late"}}', '{"ConditionExpression": "attribute_exists(p)"}')) AS done_before;
SELECT count(*) FROM dynamo_tables.tx_s WHERE pk = 'late';

-- the same token twice in one SQL transaction; what is rolled back is forgotten
BEGIN;
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "10"}}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "10"}}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Delete', '{"p": {"S": "count"}}'));
SAVEPOINT s;
SELECT pg_temp.txw('{"ClientRequestToken": "t4"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "100"}}}'));
ROLLBACK TO s;
SELECT pg_temp.txw('{"ClientRequestToken": "t4"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "200"}}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t4"}', pg_temp.act('Update', '{"p": {"S": "count"}}', '{"UpdateExpression": "ADD n :d", "ExpressionAttributeValues": {":d": {"N": "200"}}}'));
COMMIT;
SELECT item FROM dynamo_tables.tx_s WHERE pk = 'count';
BEGIN;
SELECT pg_temp.txw('{"ClientRequestToken": "t5"}', pg_temp.act('Delete', '{"p": {"S": "count"}}'));
ROLLBACK;
SELECT token FROM dynamo.transaction_token ORDER BY 1;

-- the ten minutes begin with the commit
BEGIN;
SELECT pg_temp.txw('{"ClientRequestToken": "slow"}', pg_temp.put('{"p": {"S": "slow"}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "slow2"}', pg_temp.put('{"p": {"S": "slow2"}}'));
SELECT set_config('tx.written', max(completed_at)::text, false) IS NOT NULL AS noted FROM dynamo.transaction_token;
SELECT pg_sleep(1.1);
COMMIT;
SELECT token, completed_at >= current_setting('tx.written')::timestamptz + interval '1 s' AS moved
FROM dynamo.transaction_token WHERE token LIKE 'slow%' ORDER BY 1;

-- expired tokens: replaced when met, deleted by sweeps
UPDATE dynamo.transaction_token SET completed_at = completed_at - interval '590 s' WHERE token = 't3';
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Delete', '{"p": {"S": "count"}}')) LIKE '%IdempotentParameterMismatch%' AS remembered;
UPDATE dynamo.transaction_token SET completed_at = completed_at - interval '15 s' WHERE token = 't3';
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Delete', '{"p": {"S": "count"}}'));
SELECT pg_temp.txw('{"ClientRequestToken": "t3"}', pg_temp.act('Delete', '{"p": {"S": "count"}}', '{"ReturnValuesOnConditionCheckFailure": "NONE"}')) LIKE '%IdempotentParameterMismatch%' AS another;
UPDATE dynamo.transaction_token SET completed_at = completed_at - interval '11 min' WHERE token IN ('t1', 't2');
DO $$
BEGIN
	FOR i IN 1..256 LOOP
		PERFORM dynamo.transact_write_items(jsonb_build_object('ClientRequestToken', 'n' || i, 'TransactItems',
			jsonb_build_array(pg_temp.put('{"p": {"S": "many"}}'))));
	END LOOP;
END $$;
SELECT token FROM dynamo.transaction_token WHERE token NOT LIKE 'n%' ORDER BY 1;

-- each role has its own tokens; nobody else reads them
CREATE ROLE regress_tx_writer;
CREATE ROLE regress_tx_reader;
GRANT SELECT, INSERT, UPDATE ON dynamo_tables.tx_s TO regress_tx_writer;
GRANT SELECT, INSERT ON dynamo_tables.tx_s TO regress_tx_reader;
SET ROLE regress_tx_writer;
SELECT dynamo.transact_write_items('{"ClientRequestToken": "t4", "TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "role"}}}}]}');
SELECT dynamo.transact_write_items('{"ClientRequestToken": "t4", "TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "role"}}}}]}');
SELECT * FROM dynamo.transaction_token;
SELECT dynamo.transact_write_items('{"TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "role"}}}}, {"Delete": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}}}]}');
SET ROLE regress_tx_reader;
SELECT dynamo.transact_write_items('{"TransactItems": [{"ConditionCheck": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}, "ConditionExpression": "attribute_exists(p)"}}]}');
SELECT dynamo.transact_write_items('{"TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "role"}}}}]}');
SELECT dynamo.transact_get_items('{"TransactItems": [{"Get": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}}}]}');
SELECT dynamo.transact_get_items('{"TransactItems": [{"Get": {"TableName": "tx_sn", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}}}]}');
RESET ROLE;
SELECT count(*), count(DISTINCT role) FROM dynamo.transaction_token WHERE token = 't4';

-- row security that hides an item: it is absent to a check, and is not written
ALTER TABLE dynamo_tables.tx_s ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON dynamo_tables.tx_s USING (pk LIKE 'r%');
SET ROLE regress_tx_writer;
SELECT dynamo.transact_get_items('{"TransactItems": [{"Get": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}}}, {"Get": {"TableName": "tx_s", "Key": {"p": {"S": "role"}}}}]}');
SELECT dynamo.transact_write_items('{"TransactItems": [{"ConditionCheck": {"TableName": "tx_s", "Key": {"p": {"S": "a"}}, "ConditionExpression": "attribute_exists(p)"}}]}');
SELECT dynamo.transact_write_items('{"TransactItems": [{"Put": {"TableName": "tx_s", "Item": {"p": {"S": "a"}}}}, {"Put": {"TableName": "tx_s", "Item": {"p": {"S": "role"}, "n": {"N": "1"}}}}]}');
RESET ROLE;
ALTER TABLE dynamo_tables.tx_s DISABLE ROW LEVEL SECURITY;

-- ordinary tables, triggers and constraints are part of it
CREATE TABLE tx_log (p text REFERENCES dynamo_tables.tx_s (pk) DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION tx_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.item #>> '{forbidden,BOOL}' = 'true' THEN
		PERFORM dynamo.put_item('tx_s', '{"p": "a"}', 'attribute_not_exists(p)');
	END IF;
	INSERT INTO tx_log VALUES (new.pk);
	RETURN new;
END $$;
CREATE TRIGGER tx_note AFTER INSERT OR UPDATE ON dynamo_tables.tx_s FOR EACH ROW EXECUTE FUNCTION tx_note();
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "logged"}}'), pg_temp.act('Update', '{"p": {"S": "a"}}', '{"UpdateExpression": "SET n = :v", "ExpressionAttributeValues": {":v": {"N": "5"}}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "logged2"}}'), pg_temp.put('{"p": {"S": "logged3"}, "forbidden": {"BOOL": true}}'));
SELECT * FROM tx_log ORDER BY 1;
DROP TABLE tx_log;
DROP TRIGGER tx_note ON dynamo_tables.tx_s;
DROP FUNCTION tx_note();

-- partitioned item tables
SET dynamo.table_partitions = 3;
SELECT dynamo.create_table('tx_part', 'p S') IS NOT NULL AS made;
RESET dynamo.table_partitions;
SELECT pg_temp.attempt('TransactWriteItems', jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.put(jsonb_build_object(
	'p', jsonb_build_object('S', 'k' || n)), '{"ConditionExpression": "attribute_not_exists(p)"}', 'tx_part')) FROM generate_series(1, 9) n)));
SELECT pg_temp.tx(pg_temp.act('Delete', '{"p": {"S": "k1"}}', '{"ConditionExpression": "attribute_exists(p)"}', 'tx_part'),
	pg_temp.act('Update', '{"p": {"S": "k2"}}', '{"UpdateExpression": "SET n = p"}', 'tx_part'),
	pg_temp.act('ConditionCheck', '{"p": {"S": "k3"}}', '{"ConditionExpression": "attribute_exists(p)"}', 'tx_part'),
	pg_temp.put('{"p": {"S": "k4"}, "n": {"S": "k4"}}', '{}', 'tx_part'),
	pg_temp.act('Update', '{"p": {"S": "k0"}}', '{"UpdateExpression": "SET n = if_not_exists(n, :v)", "ExpressionAttributeValues": {":v": {"S": "new"}}}', 'tx_part'));
SELECT item FROM dynamo_tables.tx_part ORDER BY pk;
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "k2"}}', '{}', 'tx_part'), pg_temp.act('Get', '{"p": {"S": "k1"}}', '{}', 'tx_part'));
-- an INSERT into a partition takes the lock of the item table
BEGIN;
INSERT INTO dynamo_tables.tx_part (pk, item) VALUES ('k1', '{"p": {"S": "k1"}}');
SELECT classid::regclass AS locked, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
ROLLBACK;
SELECT tgrelid::regclass AS "table", tgenabled FROM pg_trigger WHERE tgname = '~item_before_insert'
	AND tgrelid::regclass::text LIKE '%tx_part%' ORDER BY tgrelid::regclass::text COLLATE "C";

-- read-only
BEGIN READ ONLY;
SELECT pg_temp.gets('{}', pg_temp.act('Get', '{"p": {"S": "role"}}'));
SELECT pg_temp.tx(pg_temp.put('{"p": {"S": "b"}}'));
ROLLBACK;

-- a bounded number of locks, however many transactions one SQL transaction makes
BEGIN;
DO $$
BEGIN
	FOR i IN 1..100 LOOP
		PERFORM dynamo.transact_write_items(jsonb_build_object('TransactItems', (SELECT jsonb_agg(pg_temp.put(jsonb_build_object(
			'p', jsonb_build_object('S', 'l' || i), 'r', jsonb_build_object('N', n::text)), '{}', 'tx_sn')) FROM generate_series(1, 20) n)));
	END LOOP;
END $$;
SELECT count(*) BETWEEN 60 AND 170 AS bounded FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
ROLLBACK;

-- not dumped
SELECT count(*) AS dumped FROM pg_extension, unnest(extconfig) c
WHERE extname = 'pg_dynamo' AND c = 'dynamo.transaction_token'::regclass;

DROP OWNED BY regress_tx_writer, regress_tx_reader;
DROP ROLE regress_tx_writer, regress_tx_reader;
DROP VIEW pg_temp.items;
DROP TABLE dynamo_tables.tx_s, dynamo_tables.tx_sn, dynamo_tables.tx_index, dynamo_tables.tx_part;
TRUNCATE dynamo.transaction_token;
