-- Subscriptions: what create, alter and drop accept and refuse, who may do
-- what, and event filter patterns.  Deliveries are tested with a worker, in
-- test/t/183_subscriptions.pl: in this database there is none.
\set VERBOSITY terse
SELECT dynamo.create_table('{"TableName": "SubOrders", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
	"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
	"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}') IS NOT NULL AS made;
SELECT dynamo.create_table('SubPlain', 'pk S') IS NOT NULL AS made;
SELECT dynamo.create_table('{"TableName": "SubNumbers", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
	"AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}]}') IS NOT NULL AS made;
CREATE SCHEMA sub_handlers;
CREATE FUNCTION sub_handlers.take(event jsonb) RETURNS void LANGUAGE sql AS 'SELECT';
CREATE FUNCTION sub_handlers.answer(event jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';
CREATE FUNCTION sub_handlers.count(event jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION sub_handlers.two(a jsonb, b jsonb) RETURNS void LANGUAGE sql AS 'SELECT';
CREATE FUNCTION sub_handlers.many(event jsonb) RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT NULL::jsonb';

-- created, shown, dropped
SELECT dynamo.create_subscription('orders', 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('orders-2', 'SubOrders', 'function:sub_handlers.answer(jsonb)',
	'{"batch_size": 10, "batch_window": 0.5, "filter": {"eventName": ["INSERT"]}, "max_retries": 3, "max_age": 60,
	  "backoff": 0.1, "bisect_on_error": true, "partial_batch_response": true, "dead_letter_table": "SubPlain",
	  "exactly_once": false, "starting_position": "TRIM_HORIZON"}');
SELECT dynamo.create_subscription('orders.3', 'SubOrders', 'notify:orders',
	'{"starting_position": "AT_TIMESTAMP", "starting_timestamp": 1700000000}');
SELECT name, table_name, target, options, signed, state, delivered, failed, filtered, retries, lag, last_error
	FROM dynamo.subscriptions ORDER BY name;
SELECT dynamo.drop_subscription('orders.3');

-- refused
SELECT dynamo.create_subscription('orders', 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription(NULL, 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('x', NULL, 'function:sub_handlers.take');
SELECT dynamo.create_subscription('x', 'SubOrders', NULL);
SELECT dynamo.create_subscription('', 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('a b', 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('x', 'SubNone', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('x', 'SubPlain', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('x', 'SubOrders', 'sub_handlers.take');
SELECT dynamo.create_subscription('x', 'SubOrders', 'function:sub_handlers.none');
SELECT dynamo.create_subscription('x', 'SubOrders', 'function:sub_handlers.none(jsonb)');
SELECT dynamo.create_subscription('x', 'SubOrders', 'function:sub_handlers.count');
SELECT dynamo.create_subscription('x', 'SubOrders', 'function:sub_handlers.two(jsonb,jsonb)');
SELECT dynamo.create_subscription('x', 'SubOrders', 'function:sub_handlers.many');
SELECT dynamo.create_subscription('x', 'SubOrders', 'notify:');
SELECT dynamo.create_subscription('x', 'SubOrders', 'notify:' || repeat('c', 64));
SELECT dynamo.create_subscription('x', 'SubOrders', 'ftp://example.com/');
SELECT dynamo.create_subscription('x', 'SubOrders', 'https://example.com/');
SELECT dynamo.create_subscription('x', 'SubOrders', 'https://user:secret@example.com/');
SELECT dynamo.create_subscription('x', 'SubOrders', 'https://example.com/#part');
SELECT dynamo.create_subscription('x', 'SubOrders', 'https://example.com/a/%2e%2e/b');
SELECT dynamo.create_subscription('x', 'SubOrders', 'https://');

-- options
CREATE FUNCTION sub_try(options jsonb, target text DEFAULT 'function:sub_handlers.take') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM dynamo.create_subscription('trial', 'SubOrders', target, options);
	PERFORM dynamo.drop_subscription('trial');
	RETURN 'good';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLERRM, nullif(detail, ''));
END $$;
SELECT o AS options, sub_try(o) FROM unnest(ARRAY[
	'[]', '{"nothing": 1}', '{"batch_size": 0}', '{"batch_size": 1}', '{"batch_size": 10000}', '{"batch_size": 10001}',
	'{"batch_size": 1.5}', '{"batch_size": "1"}', '{"batch_size": null}', '{"batch_window": -1}', '{"batch_window": 300}',
	'{"batch_window": 301}', '{"max_retries": -2}', '{"max_retries": -1}', '{"max_age": 86401}', '{"backoff": 0}',
	'{"bisect_on_error": 1}', '{"starting_position": "NOW"}', '{"starting_position": "AT_TIMESTAMP"}',
	'{"starting_timestamp": 5}', '{"secret": "s"}', '{"dead_letter_table": ""}', '{"dead_letter_table": "SubNone"}',
	'{"dead_letter_table": "SubNumbers"}', '{"filter": 1}', '{"filter": []}', '{"filter": {}}',
	'{"filter": {"eventName": "INSERT"}}', '{"filter": {"eventName": []}}'
	]::jsonb[]) WITH ORDINALITY u(o, i) ORDER BY i;
SELECT o AS options, sub_try(o, 'notify:c') FROM unnest(ARRAY[
	'{"exactly_once": true}', '{"partial_batch_response": true}', '{"bisect_on_error": true}', '{"batch_size": 5}'
	]::jsonb[]) WITH ORDINALITY u(o, i) ORDER BY i;

-- changed
SELECT dynamo.alter_subscription('orders', '{"batch_size": 7, "max_age": 5}');
SELECT dynamo.alter_subscription('orders', enabled => false);
SELECT name, options, state FROM dynamo.subscriptions WHERE name = 'orders';
SELECT dynamo.alter_subscription('orders', '{"batch_size": null}');
SELECT dynamo.alter_subscription('orders', enabled => true);
SELECT name, options, state FROM dynamo.subscriptions WHERE name = 'orders';
SELECT dynamo.alter_subscription('orders', '{"starting_position": "LATEST"}');
SELECT dynamo.alter_subscription('orders', '{"nothing": 1}');
SELECT dynamo.alter_subscription('none', '{}');
SELECT dynamo.drop_subscription('none');

-- rights
CREATE ROLE regress_sub_alice;
CREATE ROLE regress_sub_bob;
GRANT USAGE ON SCHEMA sub_handlers TO regress_sub_alice;
SET ROLE regress_sub_alice;
SELECT dynamo.create_subscription('alice', 'SubOrders', 'function:sub_handlers.take');
RESET ROLE;
GRANT SELECT ON dynamo_tables."SubOrders" TO regress_sub_alice;
REVOKE EXECUTE ON FUNCTION sub_handlers.take(jsonb) FROM PUBLIC;
SET ROLE regress_sub_alice;
SELECT dynamo.create_subscription('alice', 'SubOrders', 'function:sub_handlers.take');
SELECT dynamo.create_subscription('alice', 'SubOrders', 'https://example.com/hook');
SELECT dynamo.create_subscription('alice', 'SubOrders', 'function:sub_handlers.answer', '{"dead_letter_table": "SubPlain"}');
SELECT dynamo.create_subscription('alice', 'SubOrders', 'function:sub_handlers.answer');
SELECT name, owner, target, state FROM dynamo.subscriptions;
SELECT dynamo.drop_subscription('orders');
SELECT dynamo.alter_subscription('orders', enabled => false);
SELECT count(*) FROM dynamo.subscription;
SELECT count(*) FROM dynamo.subscription_position;
SET ROLE regress_sub_bob;
SELECT count(*) FROM dynamo.subscriptions;
SELECT dynamo.drop_subscription('alice');
RESET ROLE;
GRANT regress_sub_alice TO regress_sub_bob;
SET ROLE regress_sub_bob;
SELECT dynamo.alter_subscription('alice', '{"batch_size": 3}');
SELECT name, owner, options FROM dynamo.subscriptions;
SELECT dynamo.drop_subscription('alice');
RESET ROLE;

-- event filter patterns
CREATE FUNCTION sub_matches(pattern jsonb, record jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN dynamo.matches_event_filter(pattern, record);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail;
END $$;
CREATE TABLE sub_record AS SELECT '{"eventName": "MODIFY", "awsRegion": "us-east-1", "n": 10, "flag": true, "nothing": null,
	"list": ["a", "b"], "objects": [{"x": 1}, {"x": 2}],
	"dynamodb": {"Keys": {"pk": {"S": "user#1"}}, "NewImage": {"Age": {"N": "40"}, "Name": {"S": "Ann"}, "Empty": {"S": ""}}}}'::jsonb AS record;
SELECT p AS pattern, sub_matches(p, record) FROM sub_record, unnest(ARRAY[
	'{"eventName": ["MODIFY"]}',
	'{"eventName": ["INSERT", "MODIFY"]}',
	'{"eventName": ["INSERT"]}',
	'{"eventName": ["modify"]}',
	'{"eventName": [{"equals-ignore-case": "modify"}]}',
	'{"eventName": ["MODIFY"], "awsRegion": ["eu-west-1"]}',
	'{"eventName": ["MODIFY"], "awsRegion": ["us-east-1"]}',
	'{"missing": ["a"]}',
	'{"missing": [null]}',
	'{"nothing": [null]}',
	'{"nothing": [{"exists": true}]}',
	'{"missing": [{"exists": false}]}',
	'{"missing": [{"exists": true}]}',
	'{"missing": {"deeper": [{"exists": false}]}}',
	'{"missing": {"deeper": ["a"]}}',
	'{"missing": [{"anything-but": "a"}]}',
	'{"flag": [true]}',
	'{"flag": [false]}',
	'{"n": [10.0]}',
	'{"n": ["10"]}',
	'{"n": [{"numeric": ["=", 10]}]}',
	'{"n": [{"numeric": [">", 5, "<", 10]}]}',
	'{"n": [{"numeric": [">", 5, "<=", 10]}]}',
	'{"n": [{"numeric": ["<", 5]}, 10]}',
	'{"list": ["b"]}',
	'{"list": ["c"]}',
	'{"objects": {"x": [2]}}',
	'{"objects": {"x": [3]}}',
	'{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "user#"}]}}}}',
	'{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "order#"}]}}}}',
	'{"dynamodb": {"Keys": {"pk": {"S": [{"suffix": "#1"}]}}}}',
	'{"dynamodb": {"NewImage": {"Age": {"N": [{"numeric": [">=", 40]}]}}}}',
	'{"dynamodb": {"NewImage": {"Age": {"N": [{"numeric": [">", 40]}]}}}}',
	'{"dynamodb": {"NewImage": {"Age": {"N": ["40"]}}}}',
	'{"dynamodb": {"NewImage": {"Name": {"S": [{"numeric": ["=", 1]}]}}}}',
	'{"dynamodb": {"NewImage": {"Empty": {"S": [""]}}}}',
	'{"dynamodb": {"NewImage": {"Name": {"S": [{"anything-but": "Ann"}]}}}}',
	'{"dynamodb": {"NewImage": {"Name": {"S": [{"anything-but": ["Bob", "Eve"]}]}}}}',
	'{"dynamodb": {"NewImage": {"Name": {"S": [{"anything-but": {"prefix": "A"}}]}}}}',
	'{"dynamodb": {"OldImage": [{"exists": false}]}}',
	'{"dynamodb": {"NewImage": [{"exists": true}]}}',
	'{"$or": [{"eventName": ["INSERT"]}, {"n": [10]}]}',
	'{"$or": [{"eventName": ["INSERT"]}, {"n": [11]}]}',
	'{"awsRegion": ["us-east-1"], "$or": [{"eventName": ["INSERT"]}, {"n": [10]}]}',
	'[{"eventName": ["INSERT"]}, {"n": [10]}]',
	'[{"eventName": ["INSERT"]}]',
	'{}', '[]', '1', '[1]', '{"a": 1}', '{"a": []}', '{"a": [[1]]}', '{"a": [{}]}', '{"a": [{"b": 1}]}',
	'{"a": [{"prefix": 1}]}', '{"a": [{"prefix": "x", "suffix": "y"}]}', '{"a": [{"exists": 1}]}',
	'{"a": [{"numeric": [">"]}]}', '{"a": [{"numeric": ["<>", 1]}]}', '{"a": [{"numeric": [">", "1"]}]}',
	'{"a": [{"anything-but": []}]}', '{"a": [{"anything-but": [[1]]}]}',
	'{"a": [{"anything-but": {"numeric": ["=", 1]}}]}', '{"$or": []}', '{"$or": {"a": [1]}}', '{"$or": [1]}', '{"$or": [{}]}'
	]::jsonb[]) WITH ORDINALITY u(p, i) ORDER BY i;
SELECT sub_matches((SELECT jsonb_agg('{"a": [1]}'::jsonb) FROM generate_series(1, 10)), '{}') AS ten,
	sub_matches((SELECT jsonb_agg('{"a": [1]}'::jsonb) FROM generate_series(1, 11)), '{}') AS eleven;
SELECT sub_matches(jsonb_build_array(jsonb_build_object('a', jsonb_build_array(repeat('x', 5000)))), '{}');
SELECT sub_matches('{"a": [{"numeric": [">", 1e200]}]}', '{}');
SELECT dynamo.matches_event_filter('{"a": [1]}', '[1]') AS no_object, dynamo.matches_event_filter(NULL, '{}') IS NULL AS unknown;

-- the end
SELECT dynamo.drop_subscription('orders');
SELECT dynamo.drop_subscription('orders-2');
SELECT count(*) FROM dynamo.subscriptions;
DROP TABLE sub_record;
DROP FUNCTION sub_try(jsonb, text), sub_matches(jsonb, jsonb);
SELECT dynamo.delete_table(jsonb_build_object('TableName', t)) IS NOT NULL AS deleted
	FROM unnest(ARRAY['SubOrders', 'SubPlain', 'SubNumbers']) t;
DROP SCHEMA sub_handlers CASCADE;
DROP ROLE regress_sub_alice, regress_sub_bob;
