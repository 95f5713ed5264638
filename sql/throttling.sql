-- Throughput that is enforced.  Tables have one unit a second, and requests take
-- so many that minutes pass until the next one.
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION pg_temp.make(name text, reads int, writes int, more jsonb DEFAULT '{}') RETURNS boolean LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object('TableName', name,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]'::jsonb,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}]'::jsonb,
		'ProvisionedThroughput', jsonb_build_object('ReadCapacityUnits', reads, 'WriteCapacityUnits', writes)) || more) IS NOT NULL
$$;
-- what was answered, or the exception with its further members
CREATE FUNCTION pg_temp.call(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	message text;
	response jsonb;
BEGIN
	response := dynamo.execute(operation, request) - 'ConsumedCapacity';
	RETURN 'ok ' || CASE WHEN length(response::text) > 1000 THEN '...' ELSE response::text END;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN message || CASE WHEN detail <> '' THEN E'\n  ' || detail ELSE '' END;
END $$;
-- the same in short: ok, or the exception's name and its reasons
CREATE FUNCTION pg_temp.try(operation text, request jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN c LIKE 'ok%' THEN 'ok'
		ELSE concat_ws(' ', substring(c, '^\w+'), substring(c, '"reason":"(\w+)"'), substring(c, '\[[A-Za-z, ]*\]')) END
	FROM pg_temp.call(operation, request) c
$$;
CREATE FUNCTION pg_temp.item(p text, s int, size int DEFAULT 0, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('p', jsonb_build_object('S', p), 's', jsonb_build_object('N', s::text),
		'v', jsonb_build_object('S', repeat('x', size))) || more
$$;
CREATE FUNCTION pg_temp.key(p text, s int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.item(p, s) - 'v'
$$;
CREATE FUNCTION pg_temp.put(name text, p text, s int, size int DEFAULT 0, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('PutItem', jsonb_build_object('TableName', name, 'Item', pg_temp.item(p, s, size, more)))
$$;
CREATE FUNCTION pg_temp.get(name text, p text, s int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('GetItem', jsonb_build_object('TableName', name, 'Key', pg_temp.key(p, s), 'ConsistentRead', true))
$$;
CREATE FUNCTION pg_temp.update(name text, p text, s int, expression text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('UpdateItem', jsonb_build_object('TableName', name, 'Key', pg_temp.key(p, s),
		'UpdateExpression', expression, 'ExpressionAttributeValues', '{":n": {"N": "1"}}'::jsonb))
$$;
CREATE FUNCTION pg_temp.delete(name text, p text, s int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('DeleteItem', jsonb_build_object('TableName', name, 'Key', pg_temp.key(p, s)))
$$;
CREATE FUNCTION pg_temp.query(name text, p text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('Query', jsonb_build_object('TableName', name, 'KeyConditionExpression', 'p = :p',
		'ExpressionAttributeValues', jsonb_build_object(':p', jsonb_build_object('S', p))) || more)
$$;

-- off by default: nothing is refused, and nothing is owed later
SHOW dynamo.throttling;
SELECT pg_temp.make('thr_a', 1, 1);
SELECT pg_temp.put('thr_a', 'a', 1, 390000), pg_temp.put('thr_a', 'a', 2, 390000), pg_temp.get('thr_a', 'a', 1), pg_temp.get('thr_a', 'a', 2);
SET dynamo.throttling = on;

--
-- a table: reads and writes apart
--
SELECT pg_temp.put('thr_a', 'b', 1, 390000);
SELECT pg_temp.call('PutItem', '{"TableName": "thr_a", "Item": {"p": {"S": "b"}, "s": {"N": "2"}}}');
SELECT pg_temp.update('thr_a', 'a', 1, 'SET n = :n'), pg_temp.delete('thr_a', 'a', 1), pg_temp.delete('thr_a', 'nobody', 1);
SELECT pg_temp.get('thr_a', 'b', 1);
SELECT pg_temp.call('GetItem', '{"TableName": "thr_a", "Key": {"p": {"S": "b"}, "s": {"N": "1"}}}');
SELECT pg_temp.query('thr_a', 'b'), pg_temp.try('Scan', '{"TableName": "thr_a"}');
-- what is wrong with the request comes first
SELECT pg_temp.try('PutItem', '{"TableName": "thr_a", "Item": {"p": {"S": "b"}}}'), pg_temp.try('GetItem', '{"TableName": "thr_nowhere", "Key": {"p": {"S": "b"}}}'),
	pg_temp.try('GetItem', '{"TableName": "thr_a", "Key": {"p": {"S": "b"}}}'), pg_temp.try('Scan', '{"TableName": "thr_a", "FilterExpression": "p ="}');
-- SQL is not asked, and the control plane neither
SELECT count(*) FROM dynamo_tables.thr_a;
SELECT pg_temp.try('DescribeTable', '{"TableName": "thr_a"}');

-- a choice of the table's own
SELECT dynamo.set_throttling('thr_a', false);
SELECT pg_temp.put('thr_a', 'b', 2), pg_temp.get('thr_a', 'b', 2);
SELECT dynamo.set_throttling('thr_a', NULL);
SELECT pg_temp.put('thr_a', 'b', 2), pg_temp.get('thr_a', 'b', 2);
RESET dynamo.throttling;
SELECT pg_temp.put('thr_a', 'b', 2), pg_temp.get('thr_a', 'b', 2);
SELECT dynamo.set_throttling('arn:aws:dynamodb:us-east-1:000000000000:table/thr_a', true);
SELECT pg_temp.put('thr_a', 'b', 2), pg_temp.get('thr_a', 'b', 2);
-- it survives changes of other settings
SELECT pg_temp.try('UpdateTable', '{"TableName": "thr_a", "DeletionProtectionEnabled": true}');
SELECT pg_temp.try('UpdateTable', '{"TableName": "thr_a", "DeletionProtectionEnabled": false}');
SELECT pg_temp.put('thr_a', 'b', 2), pg_temp.get('thr_a', 'b', 2);
-- only the owner chooses
SELECT dynamo.set_throttling('thr_nowhere', true);
SELECT dynamo.set_throttling(NULL, true);
CREATE ROLE regress_thr_other;
GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO regress_thr_other;
GRANT ALL ON dynamo_tables.thr_a TO regress_thr_other;
SET ROLE regress_thr_other;
SELECT dynamo.set_throttling('thr_a', false);
RESET ROLE;

--
-- what is consumed is exact
--
SET dynamo.throttling = on;
-- the larger of the old and the new item
SELECT pg_temp.make('thr_old', 100, 100);
SELECT DISTINCT pg_temp.put('thr_old', 'a', n) FROM generate_series(11, 30) n;
SELECT DISTINCT pg_temp.put('thr_old', 'a', n) FROM generate_series(11, 30) n;
SELECT pg_temp.make('thr_old1', 1, 1);
SELECT dynamo.set_throttling('thr_old1', false);
SELECT pg_temp.put('thr_old1', 'a', 1, 390000);
SELECT dynamo.set_throttling('thr_old1', NULL);
SELECT pg_temp.put('thr_old1', 'a', 1);
SELECT pg_temp.put('thr_old1', 'a', 1);
-- a batch, whose puts are one statement
SELECT pg_temp.make('thr_old2', 1, 100);
SELECT dynamo.set_throttling('thr_old2', false);
SELECT count(pg_temp.put('thr_old2', 'a', n, 390000)) FROM generate_series(1, 4) n;
SELECT dynamo.set_throttling('thr_old2', NULL);
SELECT dynamo.batch_write_item(jsonb_build_object('ReturnConsumedCapacity', 'TOTAL', 'RequestItems', jsonb_build_object('thr_old2',
	(SELECT jsonb_agg(jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('a', n)))) FROM generate_series(1, 5) n))));
SELECT pg_temp.put('thr_old2', 'a', 1);
SELECT count(*) FROM dynamo_tables.thr_old2;
-- a failed condition costs what the item would
SELECT pg_temp.make('thr_if', 1, 1);
SELECT dynamo.set_throttling('thr_if', false);
SELECT pg_temp.put('thr_if', 'a', 1, 390000);
SELECT dynamo.set_throttling('thr_if', NULL);
SELECT pg_temp.try('PutItem', jsonb_build_object('TableName', 'thr_if', 'Item', pg_temp.item('a', 1), 'ConditionExpression', 'attribute_not_exists(p)'));
SELECT pg_temp.try('PutItem', jsonb_build_object('TableName', 'thr_if', 'Item', pg_temp.item('a', 1), 'ConditionExpression', 'attribute_not_exists(p)'));
-- a call that fails in the server costs nothing
CREATE FUNCTION pg_temp.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE division_by_zero; END $$;
SELECT pg_temp.make('thr_fail', 1, 1);
CREATE TRIGGER fail AFTER INSERT ON dynamo_tables.thr_fail FOR EACH ROW EXECUTE FUNCTION pg_temp.fail();
SELECT pg_temp.put('thr_fail', 'a', 1, 390000);
DROP TRIGGER fail ON dynamo_tables.thr_fail;
SELECT pg_temp.put('thr_fail', 'a', 1, 390000);
SELECT pg_temp.put('thr_fail', 'a', 1);
-- a rollback gives nothing back
SELECT pg_temp.make('thr_back', 1, 1);
BEGIN;
SELECT pg_temp.put('thr_back', 'a', 1, 390000);
ROLLBACK;
SELECT pg_temp.put('thr_back', 'a', 1);
-- more throughput pays back sooner what is owed
SELECT pg_temp.make('thr_more', 1, 1);
SELECT pg_temp.put('thr_more', 'a', 1, 390000);
SELECT pg_temp.put('thr_more', 'a', 1);
SELECT dynamo.update_table('{"TableName": "thr_more", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 39000}}') IS NOT NULL;
SELECT pg_sleep(0.05);
SELECT pg_temp.put('thr_more', 'a', 1, 10);
-- a table of the same name begins anew
SELECT pg_temp.try('DeleteTable', '{"TableName": "thr_back"}');
SELECT pg_temp.make('thr_back', 1, 1);
SELECT pg_temp.put('thr_back', 'a', 1);

--
-- set-returning functions
--
SELECT pg_temp.make('thr_set', 1, 40000);
SELECT pg_temp.put('thr_set', 'a', 1, 390000), pg_temp.put('thr_set', 'a', 2, 390000);
SELECT count(*) FROM dynamo.query('thr_set', 'p = :p', '{":p": "a"}');
SELECT pg_temp.get('thr_set', 'a', 1);
SELECT count(*) FROM dynamo.query('thr_set', 'p = :p', '{":p": "a"}');
SELECT count(*) FROM dynamo.scan('thr_set');
-- page by page
SELECT pg_temp.make('thr_pages', 1, 40000);
SELECT count(pg_temp.put('thr_pages', 'a', n, 390000)) FROM generate_series(1, 5) n;
SELECT count(*) FROM dynamo.scan('thr_pages');

--
-- operations inside of triggers
--
SELECT pg_temp.make('thr_outer', 1000, 1000), pg_temp.make('thr_inner', 1, 1);
CREATE FUNCTION pg_temp.copy_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.put_item(jsonb_build_object('TableName', 'thr_inner', 'Item', new.item::jsonb));
	RETURN NULL;
END $$;
CREATE TRIGGER copy_item AFTER INSERT ON dynamo_tables.thr_outer FOR EACH ROW EXECUTE FUNCTION pg_temp.copy_item();
SELECT pg_temp.put('thr_outer', 'a', 1, 390000);
SELECT pg_temp.put('thr_outer', 'a', 2), pg_temp.put('thr_inner', 'a', 2);
SELECT count(*) FROM dynamo_tables.thr_outer;

--
-- indexes
--
CREATE FUNCTION pg_temp.make_indexed(name text, writes int, index_writes int) RETURNS boolean LANGUAGE sql AS $$
	SELECT pg_temp.make(name, 1000, writes, jsonb_build_object(
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}, {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "S"}]'::jsonb,
		'LocalSecondaryIndexes', '[{"IndexName": "by_l", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}]'::jsonb,
		'GlobalSecondaryIndexes', jsonb_build_array(jsonb_build_object('IndexName', 'by_g', 'KeySchema', '[{"AttributeName": "g", "KeyType": "HASH"}]'::jsonb,
			'Projection', '{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["v"]}'::jsonb, 'ProvisionedThroughput', jsonb_build_object('ReadCapacityUnits', 1, 'WriteCapacityUnits', index_writes)))))
$$;
SELECT pg_temp.make_indexed('thr_gsi', 10000, 1);
-- writes that do not change the index go on
SELECT pg_temp.put('thr_gsi', 'a', 1, 300000);
SELECT pg_temp.put('thr_gsi', 'a', 2, 300000, '{"g": {"S": "x"}}');
SELECT pg_temp.put('thr_gsi', 'a', 3);
SELECT pg_temp.put('thr_gsi', 'a', 2, 300000, '{"g": {"S": "x"}, "other": {"S": "y"}}');
SELECT pg_temp.call('PutItem', jsonb_build_object('TableName', 'thr_gsi', 'Item', pg_temp.item('a', 4, 0, '{"g": {"S": "x"}}')));
SELECT pg_temp.put('thr_gsi', 'a', 2), pg_temp.update('thr_gsi', 'a', 2, 'REMOVE g SET n = :n'), pg_temp.delete('thr_gsi', 'a', 2), pg_temp.update('thr_gsi', 'a', 2, 'SET n = :n');
SELECT pg_temp.delete('thr_gsi', 'a', 3), pg_temp.delete('thr_gsi', 'a', 1);
SELECT item::jsonb - 'v' FROM dynamo_tables.thr_gsi;
-- reads of the index are its own
SELECT pg_temp.query('thr_gsi', 'x', '{"KeyConditionExpression": "g = :p", "IndexName": "by_g"}'), pg_temp.query('thr_gsi', 'x', '{"KeyConditionExpression": "g = :p", "IndexName": "by_g"}');
SELECT pg_temp.call('Scan', '{"TableName": "thr_gsi", "IndexName": "by_g"}');
SELECT pg_temp.query('thr_gsi', 'a'), pg_temp.get('thr_gsi', 'a', 2);
SELECT count(*) FROM dynamo.scan('thr_gsi', index_name => 'by_g');
-- what is locked out of a batch by an index
SELECT dynamo.batch_write_item(jsonb_build_object('RequestItems', jsonb_build_object('thr_gsi', jsonb_build_array(
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('b', 1))),
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('b', 2, 0, '{"g": {"S": "x"}}'))),
	jsonb_build_object('DeleteRequest', jsonb_build_object('Key', pg_temp.key('a', 2))),
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('b', 3)))))));
SELECT pg_temp.try('BatchWriteItem', jsonb_build_object('RequestItems', jsonb_build_object('thr_gsi', jsonb_build_array(
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('b', 2, 0, '{"g": {"S": "x"}}'))),
	jsonb_build_object('DeleteRequest', jsonb_build_object('Key', pg_temp.key('a', 2)))))));
SELECT pg_temp.call('TransactWriteItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_gsi', 'Item', pg_temp.item('c', 1))),
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_gsi', 'Item', pg_temp.item('c', 2, 0, '{"g": {"S": "x"}}'))),
	jsonb_build_object('Delete', jsonb_build_object('TableName', 'thr_gsi', 'Key', pg_temp.key('a', 2))))));
SELECT pg_temp.call('BatchExecuteStatement', '{"Statements": [{"Statement": "INSERT INTO thr_gsi VALUE {''p'': ''d'', ''s'': 1}"}, {"Statement": "INSERT INTO thr_gsi VALUE {''p'': ''d'', ''s'': 2, ''g'': ''x''}"}]}');
SELECT item ->> 'p', item ->> 's' FROM dynamo_tables.thr_gsi ORDER BY item::jsonb;
-- a local index takes from the table
SELECT pg_temp.make_indexed('thr_lsi', 1, 1);
SELECT pg_temp.put('thr_lsi', 'a', 1, 150000, '{"l": {"S": "x"}}');
SELECT pg_temp.put('thr_lsi', 'a', 2), pg_temp.put('thr_lsi', 'a', 1, 0, '{"l": {"S": "y"}}');

--
-- batches
--
SELECT pg_temp.make('thr_bat', 1, 1), pg_temp.make('thr_bat1', 1000, 1000);
-- the first write takes the table's units, the rest is handed back
SELECT jsonb_path_query_array(dynamo.batch_write_item(jsonb_build_object('RequestItems', jsonb_build_object(
	'thr_bat', (SELECT jsonb_agg(jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('a', n, 390000 / n)))) FROM generate_series(1, 4) n),
	'thr_bat1', (SELECT jsonb_agg(jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('a', n)))) FROM generate_series(1, 4) n)))),
	'$.UnprocessedItems.thr_bat[*].PutRequest.Item.s');
SELECT count(*) FROM dynamo_tables.thr_bat UNION ALL SELECT count(*) FROM dynamo_tables.thr_bat1;
SELECT dynamo.batch_write_item('{"RequestItems": {"thr_bat": [{"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"N": "1"}}}}], "thr_bat1": [{"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"N": "1"}}}}]}}');
SELECT pg_temp.call('BatchWriteItem', '{"RequestItems": {"thr_bat": [{"DeleteRequest": {"Key": {"p": {"S": "a"}, "s": {"N": "1"}}}}]}}');
SELECT pg_temp.try('BatchWriteItem', '{"RequestItems": {"thr_bat": [{"DeleteRequest": {"Key": {"p": {"S": "a"}}}}]}}');
-- reads
SELECT dynamo.set_throttling('thr_bat', false);
SELECT count(pg_temp.put('thr_bat', 'a', n, 390000)) FROM generate_series(1, 4) n;
SELECT dynamo.set_throttling('thr_bat', NULL);
CREATE FUNCTION pg_temp.keys(p text, first int, last int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('ConsistentRead', true, 'ProjectionExpression', 's', 'Keys', jsonb_agg(pg_temp.key(p, n) ORDER BY n)) FROM generate_series(first, last) n
$$;
SELECT dynamo.batch_get_item(jsonb_build_object('ReturnConsumedCapacity', 'TOTAL', 'RequestItems', jsonb_build_object('thr_bat', pg_temp.keys('a', 1, 4), 'thr_bat1', pg_temp.keys('a', 2, 6))));
SELECT dynamo.batch_get_item(jsonb_build_object('RequestItems', jsonb_build_object('thr_bat', pg_temp.keys('a', 1, 2), 'thr_bat1', pg_temp.keys('a', 2, 2))));
SELECT pg_temp.call('BatchGetItem', jsonb_build_object('RequestItems', jsonb_build_object('thr_bat', pg_temp.keys('a', 1, 2))));

--
-- transactions: as a whole they may take more than a table has
--
SELECT pg_temp.make('thr_trn', 1, 1);
SELECT pg_temp.call('TransactWriteItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_trn', 'Item', pg_temp.item('a', 1, 390000))),
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_bat1', 'Item', pg_temp.item('a', 1))),
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_trn', 'Item', pg_temp.item('a', 2))))));
SELECT pg_temp.call('TransactWriteItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Put', jsonb_build_object('TableName', 'thr_bat1', 'Item', pg_temp.item('a', 1))),
	jsonb_build_object('ConditionCheck', jsonb_build_object('TableName', 'thr_trn', 'Key', pg_temp.key('a', 1), 'ConditionExpression', 'attribute_exists(p)')))));
SELECT pg_temp.try('TransactGetItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Get', jsonb_build_object('TableName', 'thr_trn', 'Key', pg_temp.key('a', 1))))));
SELECT pg_temp.call('TransactGetItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Get', jsonb_build_object('TableName', 'thr_trn', 'Key', pg_temp.key('a', 1))),
	jsonb_build_object('Get', jsonb_build_object('TableName', 'thr_bat1', 'Key', pg_temp.key('a', 1))))));
-- conditions that fail are paid, too
SELECT pg_temp.make('thr_trnif', 1, 1);
SELECT dynamo.set_throttling('thr_trnif', false);
SELECT pg_temp.put('thr_trnif', 'a', 1, 390000);
SELECT dynamo.set_throttling('thr_trnif', NULL);
SELECT pg_temp.try('TransactWriteItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('ConditionCheck', jsonb_build_object('TableName', 'thr_trnif', 'Key', pg_temp.key('a', 1), 'ConditionExpression', 'attribute_not_exists(p)')))));
SELECT pg_temp.put('thr_trnif', 'a', 1);

--
-- PartiQL
--
SELECT pg_temp.make('thr_ql', 1, 1);
SELECT pg_temp.try('ExecuteStatement', jsonb_build_object('Statement', 'INSERT INTO thr_ql VALUE {''p'': ''a'', ''s'': 1, ''v'': ?}', 'Parameters', jsonb_build_array(jsonb_build_object('S', repeat('x', 390000)))));
SELECT pg_temp.call('ExecuteStatement', '{"Statement": "INSERT INTO thr_ql VALUE {''p'': ''a'', ''s'': 2}"}');
SELECT pg_temp.try('ExecuteStatement', '{"Statement": "UPDATE thr_ql SET n = 1 WHERE p = ''a'' AND s = 1"}'), pg_temp.try('ExecuteStatement', '{"Statement": "DELETE FROM thr_ql WHERE p = ''a'' AND s = 1"}');
SELECT pg_temp.call('BatchExecuteStatement', '{"Statements": [{"Statement": "INSERT INTO thr_ql VALUE {''p'': ''a'', ''s'': 2}"}, {"Statement": "INSERT INTO thr_bat1 VALUE {''p'': ''q'', ''s'': 2}"}]}');
SELECT pg_temp.call('ExecuteTransaction', '{"TransactStatements": [{"Statement": "INSERT INTO thr_bat1 VALUE {''p'': ''q'', ''s'': 3}"}, {"Statement": "UPDATE thr_ql SET n = 1 WHERE p = ''a'' AND s = 1"}]}');
SELECT pg_temp.try('ExecuteStatement', '{"Statement": "SELECT s FROM thr_ql WHERE p = ''a''", "ConsistentRead": true}');
SELECT pg_temp.try('ExecuteStatement', '{"Statement": "SELECT s FROM thr_ql WHERE p = ''a'' AND s = 1"}'), pg_temp.try('ExecuteStatement', '{"Statement": "SELECT s FROM thr_ql"}');
SELECT pg_temp.call('BatchExecuteStatement', '{"Statements": [{"Statement": "SELECT s FROM thr_ql WHERE p = ''a'' AND s = 1"}, {"Statement": "SELECT s FROM thr_bat1 WHERE p = ''q'' AND s = 2"}]}');
SELECT pg_temp.call('ExecuteTransaction', '{"TransactStatements": [{"Statement": "SELECT s FROM thr_bat1 WHERE p = ''q'' AND s = 2"}, {"Statement": "SELECT s FROM thr_ql WHERE p = ''a'' AND s = 1"}]}');
SELECT count(*) FROM dynamo.partiql('SELECT s FROM thr_ql');
-- a condition that fails inside of a batch
SELECT pg_temp.make('thr_qlif', 1, 1);
SELECT dynamo.set_throttling('thr_qlif', false);
SELECT pg_temp.put('thr_qlif', 'a', 1, 390000);
SELECT dynamo.set_throttling('thr_qlif', NULL);
SELECT dynamo.batch_execute_statement('{"ReturnConsumedCapacity": "TOTAL", "Statements": [{"Statement": "INSERT INTO thr_qlif VALUE {''p'': ''a'', ''s'': 1}"}]}');
SELECT pg_temp.put('thr_qlif', 'a', 2);

--
-- on-demand tables: their maxima
--
SELECT pg_temp.try('CreateTable', '{"TableName": "thr_max", "BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1},
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}, {"AttributeName": "g", "AttributeType": "S"}],
	"GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}, "OnDemandThroughput": {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1}}]}');
SELECT pg_temp.put('thr_max', 'a', 1, 300000);
SELECT pg_temp.call('PutItem', '{"TableName": "thr_max", "Item": {"p": {"S": "a"}, "s": {"N": "1"}}}');
SELECT pg_temp.get('thr_max', 'a', 1);
SELECT pg_temp.call('GetItem', '{"TableName": "thr_max", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}}');
SELECT pg_temp.try('BatchGetItem', jsonb_build_object('RequestItems', jsonb_build_object('thr_max', pg_temp.keys('a', 1, 2))));
SELECT pg_temp.try('TransactGetItems', jsonb_build_object('TransactItems', jsonb_build_array(
	jsonb_build_object('Get', jsonb_build_object('TableName', 'thr_max', 'Key', pg_temp.key('a', 1))))));
SELECT pg_temp.call('BatchExecuteStatement', '{"Statements": [{"Statement": "SELECT s FROM thr_max WHERE p = ''a'' AND s = 1"}]}');
-- the index's own
SELECT pg_temp.try('CreateTable', '{"TableName": "thr_max1", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}, {"AttributeName": "g", "AttributeType": "S"}],
	"GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}, "OnDemandThroughput": {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1}}]}');
SELECT pg_temp.put('thr_max1', 'a', 1, 300000, '{"g": {"S": "x"}}');
SELECT pg_temp.call('PutItem', '{"TableName": "thr_max1", "Item": {"p": {"S": "a"}, "s": {"N": "2"}, "g": {"S": "x"}}}');
SELECT pg_temp.put('thr_max1', 'a', 2);
SELECT pg_temp.query('thr_max1', 'x', '{"KeyConditionExpression": "g = :p", "IndexName": "by_g"}'), pg_temp.query('thr_max1', 'x', '{"KeyConditionExpression": "g = :p", "IndexName": "by_g"}');

--
-- on-demand tables: the quota of 40,000 units, which a page of a thousandth of
-- a second's work uses up a tenth of
--
SELECT dynamo.create_table('thr_quota', 'p S', 's N') IS NOT NULL;
SELECT count(pg_temp.put('thr_quota', 'a', n, 390000)) FROM generate_series(1, 40) n;
SET dynamo.page_size = '64MB';
CREATE FUNCTION pg_temp.scan_until_refused(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	outcome text;
BEGIN
	FOR i IN 1..1000 LOOP
		outcome := pg_temp.call('Scan', jsonb_build_object('TableName', name, 'ConsistentRead', true, 'Select', 'COUNT'));
		EXIT WHEN outcome NOT LIKE 'ok%';
	END LOOP;
	RETURN outcome;
END $$;
SELECT pg_temp.scan_until_refused('thr_quota');
RESET dynamo.page_size;
SELECT pg_temp.put('thr_quota', 'a', 1);

--
-- partitions
--
SELECT pg_temp.make('thr_part', 40000, 40000);
SET dynamo.partition_throttling = on;
SELECT pg_temp.try('BatchWriteItem', jsonb_build_object('RequestItems', jsonb_build_object('thr_part',
	(SELECT jsonb_agg(jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('a', n, 390000)))) FROM generate_series(1, 25) n))));
SELECT pg_temp.call('PutItem', jsonb_build_object('TableName', 'thr_part', 'Item', pg_temp.item('a', 1)));
SELECT pg_temp.put('thr_part', 'b', 1), pg_temp.get('thr_part', 'a', 1);
SELECT dynamo.batch_write_item(jsonb_build_object('RequestItems', jsonb_build_object('thr_part', jsonb_build_array(
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('a', 1))),
	jsonb_build_object('PutRequest', jsonb_build_object('Item', pg_temp.item('b', 1)))))));
SET dynamo.partition_throttling = off;
SELECT pg_temp.put('thr_part', 'a', 1);

--
-- streams: calls a second on a shard
--
SELECT pg_temp.make('thr_str', 1000, 1000, '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}}');
DO $$
DECLARE
	arn text := dynamo.describe_table('{"TableName": "thr_str"}') #>> '{Table,LatestStreamArn}';
	shard text := dynamo.describe_stream(jsonb_build_object('StreamArn', arn)) #>> '{StreamDescription,Shards,0,ShardId}';
	iterator text := dynamo.get_shard_iterator(jsonb_build_object('StreamArn', arn, 'ShardId', shard, 'ShardIteratorType', 'TRIM_HORIZON')) ->> 'ShardIterator';
BEGIN
	FOR i IN 1..1000 LOOP
		PERFORM dynamo.get_records(jsonb_build_object('ShardIterator', iterator));
	END LOOP;
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, 'shardId-[0-9a-f-]+', 'shardId');
END $$;

-- what statements call is for statements
SELECT dynamo.store_replace('{"p": {"S": "a"}}', '{"p": {"S": "b"}}', 1);

RESET dynamo.throttling;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', n))) FROM (SELECT table_name FROM dynamo.table_definition WHERE table_name LIKE 'thr\_%') t (n);
DROP OWNED BY regress_thr_other;
DROP ROLE regress_thr_other;
