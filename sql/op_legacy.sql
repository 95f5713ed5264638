-- The legacy parameters: Expected, AttributeUpdates, KeyConditions,
-- QueryFilter, ScanFilter, ConditionalOperator, AttributesToGet
\set VERBOSITY terse
\pset format unaligned
SET client_min_messages = warning;

SELECT dynamo.create_table('legacy_types', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('legacy', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('legacy_sn', 'p S', 'r N') IS NOT NULL AS made;
SELECT dynamo.create_table('legacy_ss', 'p S', 'r S') IS NOT NULL AS made;

-- the error of a call, or its answer
CREATE FUNCTION pg_temp.call(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
	message text;
BEGIN
	EXECUTE format('SELECT dynamo.%I($1)', operation) INTO answer USING request;
	RETURN answer::text;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
	RETURN message;
END $$;

--
-- every operator on an attribute of every type
--
INSERT INTO dynamo_tables.legacy_types (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', name)) ||
	CASE WHEN a IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('a', a) END
FROM (VALUES
	('none', NULL::jsonb),
	('s-a', '{"S": "a"}'), ('s-abc', '{"S": "abc"}'), ('s-b', '{"S": "b"}'), ('s-empty', '{"S": ""}'),
	('n-1', '{"N": "1"}'), ('n-2', '{"N": "2"}'), ('n-10', '{"N": "10"}'),
	('b-a', '{"B": "YQ=="}'), ('b-abc', '{"B": "YWJj"}'),
	('ss', '{"SS": ["a", "b"]}'), ('ns', '{"NS": ["1", "2"]}'), ('bs', '{"BS": ["YQ=="]}'),
	('bool', '{"BOOL": true}'), ('null', '{"NULL": true}'),
	('l', '{"L": [{"S": "a"}, {"N": "1"}, {"BOOL": true}, {"NULL": true}, {"B": "YQ=="}]}'),
	('m', '{"M": {"a": {"S": "a"}}}')) AS items (name, a);
-- names of the items that a condition on a lets pass, as a filter and as Expected
CREATE FUNCTION pg_temp.filtered(condition jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(i #>> '{p,S}', ' ' ORDER BY i #>> '{p,S}')
	FROM jsonb_array_elements(dynamo.scan(jsonb_build_object('TableName', 'legacy_types',
		'ScanFilter', jsonb_build_object('a', condition))) -> 'Items') i
$$;
CREATE FUNCTION pg_temp.expected(condition jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	name text;
	names text[];
BEGIN
	FOR name IN SELECT pk FROM dynamo_tables.legacy_types ORDER BY pk LOOP
		BEGIN
			PERFORM dynamo.update_item(jsonb_build_object('TableName', 'legacy_types',
				'Key', jsonb_build_object('p', jsonb_build_object('S', name)),
				'Expected', jsonb_build_object('a', condition)));
			names := names || name;
		EXCEPTION WHEN OTHERS THEN
			IF SQLERRM <> 'ConditionalCheckFailedException: The conditional request failed' THEN
				RAISE;
			END IF;
		END;
	END LOOP;
	RETURN array_to_string(names, ' ');
END $$;
-- the conditions
CREATE TEMP TABLE conditions (n serial, operator text, vals text);
INSERT INTO conditions (operator, vals) VALUES
	('EQ', '[{"S": "a"}]'), ('EQ', '[{"N": "01.0"}]'), ('EQ', '[{"B": "YQ=="}]'), ('EQ', '[{"SS": ["b", "a"]}]'),
	('EQ', '[{"NS": ["2", "1.0"]}]'), ('EQ', '[{"BS": ["YQ=="]}]'), ('EQ', '[{"BOOL": true}]'), ('EQ', '[{"BOOL": false}]'),
	('EQ', '[{"NULL": true}]'), ('EQ', '[{"L": [{"S": "a"}]}]'), ('EQ', '[{"M": {"a": {"S": "a"}}}]'),
	('EQ', '[{"L": [{"S": "a"}, {"N": "1.0"}, {"BOOL": true}, {"NULL": true}, {"B": "YQ=="}]}]'), ('EQ', '[{"SS": ["a"]}]'),
	('NE', '[{"S": "a"}]'), ('NE', '[{"SS": ["b", "a"]}]'), ('NE', '[{"M": {}}]'),
	('LE', '[{"S": "abc"}]'), ('LT', '[{"S": "abc"}]'), ('GE', '[{"S": "abc"}]'), ('GT', '[{"S": "abc"}]'),
	('LE', '[{"N": "2"}]'), ('LT', '[{"N": "2"}]'), ('GE', '[{"N": "2"}]'), ('GT', '[{"N": "2"}]'),
	('LE', '[{"B": "YWI="}]'), ('LT', '[{"B": "YQ=="}]'), ('GE', '[{"B": "YQ=="}]'), ('GT', '[{"B": "YQ=="}]'),
	('NOT_NULL', NULL), ('NOT_NULL', '[]'), ('NULL', NULL), ('NULL', '[]'),
	('CONTAINS', '[{"S": "a"}]'), ('CONTAINS', '[{"S": "bc"}]'), ('CONTAINS', '[{"N": "1.0"}]'), ('CONTAINS', '[{"B": "YQ=="}]'),
	('CONTAINS', '[{"BOOL": true}]'), ('CONTAINS', '[{"NULL": true}]'), ('CONTAINS', '[{"S": "zz"}]'),
	('NOT_CONTAINS', '[{"S": "a"}]'), ('NOT_CONTAINS', '[{"N": "1"}]'), ('NOT_CONTAINS', '[{"B": "YQ=="}]'),
	('BEGINS_WITH', '[{"S": "a"}]'), ('BEGINS_WITH', '[{"S": ""}]'), ('BEGINS_WITH', '[{"B": "YWI="}]'),
	('IN', '[{"S": "a"}]'), ('IN', '[{"S": "z"}, {"S": "abc"}, {"S": "a"}]'), ('IN', '[{"N": "10.0"}, {"N": "2"}]'),
	('IN', '[{"B": "YWJj"}]'), ('IN', '[{"S": "z"}]'),
	('BETWEEN', '[{"S": "a"}, {"S": "abc"}]'), ('BETWEEN', '[{"N": "2"}, {"N": "10"}]'), ('BETWEEN', '[{"N": "2"}, {"N": "2.0"}]'),
	('BETWEEN', '[{"B": "YQ=="}, {"B": "YWI="}]'), ('BETWEEN', '[{"S": ""}, {"S": ""}]');
CREATE FUNCTION pg_temp.condition(operator text, vals text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('ComparisonOperator', operator, 'AttributeValueList', vals::jsonb))
$$;
SELECT operator, vals, f AS passes, f IS NOT DISTINCT FROM e AS as_expected
FROM (SELECT n, operator, vals, pg_temp.filtered(pg_temp.condition(operator, vals)) AS f,
			pg_temp.expected(pg_temp.condition(operator, vals)) AS e
		FROM conditions) AS result
ORDER BY n;
-- QueryFilter is the same
SELECT operator, vals
FROM conditions, LATERAL pg_temp.filtered(pg_temp.condition(operator, vals)) AS passes
WHERE passes IS DISTINCT FROM (
	SELECT string_agg(pk, ' ' ORDER BY pk) FROM dynamo_tables.legacy_types
	WHERE dynamo.query(jsonb_build_object('TableName', 'legacy_types',
		'KeyConditions', jsonb_build_object('p', pg_temp.condition('EQ', format('[{"S": "%s"}]', pk))),
		'QueryFilter', jsonb_build_object('a', pg_temp.condition(operator, vals)))) ->> 'Count' = '1');
-- the old form of Expected; Value for AttributeValueList
SELECT pg_temp.expected('{"Value": {"S": "a"}}') AS equal, pg_temp.expected('{"Value": {"N": "2.0"}, "Exists": true}') AS equal,
	pg_temp.expected('{"Exists": false}') AS absent, pg_temp.expected('{"Value": {"M": {}}}') AS none,
	pg_temp.expected('{"Value": {"S": "a"}, "ComparisonOperator": "GT"}') AS greater,
	pg_temp.expected('{"Value": {"S": "a"}, "ComparisonOperator": "NOT_CONTAINS"}') AS not_contains,
	pg_temp.expected('{"Value": null, "AttributeValueList": null, "Exists": null, "ComparisonOperator": "NULL"}') AS nothing;

--
-- ConditionalOperator
--
SELECT dynamo.put_item('{"TableName": "legacy", "Item": {"p": {"S": "k"}, "a": {"N": "1"}, "b": {"N": "2"}, "a.b": {"N": "3"}}}');
CREATE FUNCTION pg_temp.expect(conditions jsonb, operator text DEFAULT NULL, k text DEFAULT 'k') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.call('update_item', jsonb_build_object('TableName', 'legacy',
		'Key', jsonb_build_object('p', jsonb_build_object('S', k)),
		'Expected', conditions, 'ConditionalOperator', operator))
$$;
SELECT yes_no, operator, pg_temp.expect(conditions, operator)
FROM (VALUES
	('1 1', '{"a": {"Value": {"N": "1"}}, "b": {"Value": {"N": "2"}}}'::jsonb),
	('1 0', '{"a": {"Value": {"N": "1"}}, "b": {"Value": {"N": "3"}}}'),
	('0 1', '{"a": {"Value": {"N": "2"}}, "b": {"Value": {"N": "2"}}}'),
	('0 0', '{"a": {"Value": {"N": "2"}}, "b": {"Value": {"N": "3"}}}')) AS c (yes_no, conditions),
	unnest('{NULL,AND,OR}'::text[]) AS operator
ORDER BY operator, yes_no DESC;
-- names are literal
SELECT pg_temp.expect('{"a.b": {"Value": {"N": "3"}}}'), pg_temp.expect('{"a[0]": {"Exists": false}}');
-- many conditions, one of which decides
SELECT conditions, operator, pg_temp.expect(jsonb_object_agg('x' || i,
	CASE WHEN i = 1777 AND conditions LIKE '%but one' THEN '{"Exists": false}'::jsonb
	WHEN conditions LIKE 'none%' THEN '{"Value": {"N": "1"}}' ELSE '{"Exists": false}' END), operator)
FROM generate_series(1, 3000) i, (VALUES ('all', 'AND'), ('none but one', 'OR'), ('none', 'OR'), ('none but one', 'AND')) AS c (conditions, operator)
GROUP BY conditions, operator ORDER BY conditions, operator;
SELECT dynamo.scan(jsonb_build_object('TableName', 'legacy', 'ConditionalOperator', 'OR', 'ScanFilter',
	jsonb_object_agg('x' || i, '{"ComparisonOperator": "NOT_NULL"}'::jsonb) || '{"b": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "2"}]}}')) -> 'Count' AS count
FROM generate_series(1, 3000) i;
-- IN has no limit of its own
SELECT dynamo.scan(jsonb_build_object('TableName', 'legacy', 'ScanFilter', jsonb_build_object('a', jsonb_build_object(
	'ComparisonOperator', 'IN', 'AttributeValueList', jsonb_agg(jsonb_build_object('N', i::text)))))) -> 'Count' AS count
FROM generate_series(-1000, 1) i;
-- absent items
SELECT pg_temp.expect('{"p": {"Exists": false}}', NULL, 'absent'), pg_temp.expect('{"p": {"Exists": false}}', NULL, 'absent');
SELECT pg_temp.expect('{"a": {"ComparisonOperator": "NE", "Value": {"S": "x"}}}', NULL, 'absent2'),
	pg_temp.expect('{"a": {"ComparisonOperator": "NOT_CONTAINS", "Value": {"S": "x"}}}', NULL, 'absent3');
-- without conditions; an empty map counts as none
SELECT pg_temp.expect('{}');
SELECT pg_temp.expect('{}', 'AND');
SELECT pg_temp.expect(NULL, 'OR');
SELECT pg_temp.expect('{"a": {"Exists": false}}', 'XOR');
SELECT pg_temp.call('put_item', '{"TableName": "legacy", "Item": {"p": {"S": "k"}}, "ConditionalOperator": "OR"}');
SELECT pg_temp.call('put_item', '{"TableName": "legacy", "Item": {"p": {"S": "k"}}, "ConditionalOperator": "OR", "ConditionExpression": "a ="}');
SELECT pg_temp.call('delete_item', '{"TableName": "legacy", "Key": {"p": {"S": "k"}}, "ConditionalOperator": "AND", "Expected": {}}');
SELECT pg_temp.call('scan', '{"TableName": "legacy", "ConditionalOperator": "AND"}');
SELECT pg_temp.call('scan', '{"TableName": "legacy", "ConditionalOperator": "AND", "ScanFilter": {}}');
SELECT pg_temp.call('query', '{"TableName": "legacy", "ConditionalOperator": "AND", "QueryFilter": {}}');

--
-- Expected of PutItem and DeleteItem
--
SELECT dynamo.put_item('{"TableName": "legacy", "Item": {"p": {"S": "new"}, "a": {"N": "1"}}, "Expected": {"p": {"Exists": false}}}');
SELECT dynamo.put_item('{"TableName": "legacy", "Item": {"p": {"S": "new"}, "a": {"N": "2"}}, "Expected": {"p": {"Exists": false}}}');
SELECT dynamo.put_item('{"TableName": "legacy", "Item": {"p": {"S": "new"}, "a": {"N": "2"}}, "Expected": {"a": {"Value": {"N": "1"}}}, "ReturnValues": "ALL_OLD"}');
SELECT dynamo.delete_item('{"TableName": "legacy", "Key": {"p": {"S": "new"}}, "Expected": {"a": {"Value": {"N": "1"}}}}');
DO $$
DECLARE
	detail text;
BEGIN
	PERFORM dynamo.delete_item('{"TableName": "legacy", "Key": {"p": {"S": "new"}}, "Expected": {"a": {"Exists": false}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RAISE WARNING '% %', SQLERRM, detail;
END $$;
SELECT dynamo.delete_item('{"TableName": "legacy", "Key": {"p": {"S": "new"}}, "Expected": {"a": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "2"}, {"N": "3"}]}}, "ReturnValues": "ALL_OLD"}');
SELECT dynamo.delete_item('{"TableName": "legacy", "Key": {"p": {"S": "new"}}, "Expected": {"a": {"Value": {"N": "2"}}}}');

--
-- what an entry of Expected may not be, and in which order
--
SELECT entry, pg_temp.expect(jsonb_build_object('a', entry::jsonb)) AS error FROM (VALUES
	(1, '{"Value": {}, "AttributeValueList": [{}], "Exists": true, "ComparisonOperator": "NULL"}'),
	(2, '{"Value": {"S": "a"}, "AttributeValueList": []}'),
	(3, '{"AttributeValueList": [{}], "Exists": false, "ComparisonOperator": "LT"}'),
	(4, '{"Exists": true, "ComparisonOperator": "LT"}'),
	(5, '{"ComparisonOperator": "LT"}'), (6, '{"ComparisonOperator": "IN"}'),
	(7, '{"ComparisonOperator": "EQ", "AttributeValueList": []}'),
	(8, '{"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}, {"S": "b"}]}'),
	(9, '{"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}, {"N": "b"}]}'),
	(10, '{"ComparisonOperator": "IN", "AttributeValueList": []}'),
	(11, '{"ComparisonOperator": "BETWEEN", "Value": {"S": "a"}}'),
	(12, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "a"}, {"S": "b"}, {"S": "c"}]}'),
	(13, '{"ComparisonOperator": "NULL", "Value": {"S": "a"}}'),
	(14, '{"ComparisonOperator": "NOT_NULL", "AttributeValueList": [{"S": "a"}]}'),
	(15, '{"ComparisonOperator": "NULL", "AttributeValueList": [{}]}'),
	(16, '{"ComparisonOperator": "IN", "AttributeValueList": [{"S": "a"}, {"N": "1"}]}'),
	(17, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "b"}, {"N": "1"}]}'),
	(18, '{"ComparisonOperator": "IN", "AttributeValueList": [{"SS": ["a"]}, {"N": "1"}]}'),
	(19, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "b"}, {"S": "a"}]}'),
	(20, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "10"}, {"N": "9"}]}'),
	(21, '{"ComparisonOperator": "LT", "Value": {"BOOL": true}}'),
	(22, '{"AttributeValueList": [{}]}'), (23, '{"AttributeValueList": [{"S": "a"}], "Exists": false}'),
	(24, '{}'), (25, '{"Exists": true}'), (26, '{"Exists": null}'), (27, '{"Exists": false, "Value": {}}'),
	(28, '{"Value": {}}'), (29, '{"Value": {"N": "x"}, "Exists": true}'),
	(30, '{"ComparisonOperator": "LIKE"}'), (31, '{"ComparisonOperator": "eq", "Value": {}}'),
	(32, '{"Value": "a"}'), (33, '{"Exists": "maybe"}'), (34, '{"AttributeValueList": {"S": "a"}}'), (35, 'null'), (36, '[]'),
	(37, '{"ComparisonOperator": "NULL", "AttributeValueList": [null]}')) AS e (n, entry)
ORDER BY n;
SELECT pg_temp.expect('{"": {"Exists": false}}'), pg_temp.expect(jsonb_build_object(repeat('x', 65536), '{"Exists": false}'::jsonb)),
	pg_temp.expect(jsonb_build_object(repeat('x', 65535), '{"Exists": false}'::jsonb)), pg_temp.expect(E'{"a\\u0001": {"Exists": false}}');

--
-- types of values, operator by operator: Expected, filters and keys
--
SELECT operator, string_agg(type, ' ' ORDER BY type) FILTER (WHERE f LIKE '{"Count"%') AS filter,
	string_agg(type, ' ' ORDER BY type) FILTER (WHERE e = '{}' OR e LIKE '%failed') AS expected,
	string_agg(type, ' ' ORDER BY type) FILTER (WHERE k LIKE '%Requested resource not found') AS key,
	string_agg(DISTINCT f, '; ') FILTER (WHERE f NOT LIKE '{%' AND type IN ('SS', 'N')) AS error
FROM unnest('{EQ,NE,LE,LT,GE,GT,CONTAINS,NOT_CONTAINS,BEGINS_WITH,IN,BETWEEN}'::text[]) WITH ORDINALITY AS o (operator, n),
	LATERAL (SELECT type, jsonb_build_object('a', jsonb_build_object('ComparisonOperator', operator, 'AttributeValueList',
			jsonb_build_array(value::jsonb) || CASE WHEN operator = 'BETWEEN' THEN jsonb_build_array(value::jsonb) ELSE '[]' END)) AS condition
		FROM (VALUES ('S', '{"S": "a"}'), ('N', '{"N": "1"}'), ('B', '{"B": "YQ=="}'), ('SS', '{"SS": ["a"]}'), ('NS', '{"NS": ["1"]}'),
			('BS', '{"BS": ["YQ=="]}'), ('BOOL', '{"BOOL": true}'), ('NULL', '{"NULL": true}'), ('L', '{"L": []}'), ('M', '{"M": {}}')) AS v (type, value)) AS v,
	LATERAL pg_temp.call('scan', jsonb_build_object('TableName', 'legacy', 'Limit', 1, 'ScanFilter', condition)) AS f,
	LATERAL pg_temp.expect(condition) AS e,
	LATERAL pg_temp.call('query', jsonb_build_object('TableName', 'legacy_none', 'KeyConditions', condition)) AS k
GROUP BY operator, o.n ORDER BY o.n;
-- filters: an operator is required; Value means nothing
SELECT entry, pg_temp.call('scan', jsonb_build_object('TableName', 'legacy', 'ScanFilter', jsonb_build_object('a', entry::jsonb))) AS error FROM (VALUES
	(1, '{}'), (2, '{"AttributeValueList": [{}]}'), (3, '{"ComparisonOperator": "EQ"}'), (4, '{"ComparisonOperator": "EQ", "AttributeValueList": [{}, {}]}'),
	(5, '{"ComparisonOperator": "NOT_NULL", "AttributeValueList": [{"S": "a"}]}'),
	(6, '{"ComparisonOperator": "IN", "AttributeValueList": [{"S": "a"}, {"N": "1"}]}'),
	(7, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"L": []}, {"L": []}]}'),
	(8, '{"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"B": "Yg=="}, {"B": "YQ=="}]}'),
	(9, '{"ComparisonOperator": "Q", "AttributeValueList": "a"}'), (10, '{"ComparisonOperator": "Q"}'),
	(11, '{"ComparisonOperator": "EQ", "AttributeValueList": [{"NULL": false}]}')) AS e (n, entry)
ORDER BY n;

--
-- AttributeUpdates
--
CREATE FUNCTION pg_temp.upd(k text, updates jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'legacy') RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.call('update_item', jsonb_build_object('TableName', name,
		'Key', jsonb_build_object('p', jsonb_build_object('S', k)), 'AttributeUpdates', updates) || more)
$$;
CREATE FUNCTION pg_temp.item(k text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT item FROM dynamo_tables.legacy WHERE pk = k
$$;
-- every action on what is there, what is not, and without an item: the new item or the error
CREATE FUNCTION pg_temp.action(item jsonb, action text, value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	DELETE FROM dynamo_tables.legacy WHERE pk = 'u';
	IF item IS NOT NULL THEN
		INSERT INTO dynamo_tables.legacy (item) VALUES ('{"p": {"S": "u"}}' || item);
	END IF;
	answer := pg_temp.upd('u', jsonb_build_object('a', jsonb_strip_nulls(jsonb_build_object('Action', action)) ||
		CASE WHEN value IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('Value', value) END));
	IF answer = '{}' THEN
		answer := coalesce((pg_temp.item('u') - 'p')::text, 'no item');
	END IF;
	RETURN regexp_replace(answer, '^ValidationException: One or more parameter values were invalid: ', '! ');
END $$;
SELECT action, value, pg_temp.action(old, action, value) AS on_old, pg_temp.action('{}', action, value) AS on_none,
	pg_temp.action(NULL, action, value) AS no_item
FROM (VALUES
	(1, '{"a": {"S": "x"}}'::jsonb, NULL, '{"S": "y"}'::jsonb), (2, '{"a": {"S": "x"}}', 'PUT', '{"M": {}}'), (3, '{}', 'PUT', NULL), (4, '{}', NULL, NULL),
	(5, '{"a": {"N": "1"}}', 'ADD', '{"N": "2.50"}'), (6, '{"a": {"N": "1"}}', 'ADD', '{"N": "-1"}'), (7, '{"a": {"S": "1"}}', 'ADD', '{"N": "1"}'),
	(8, '{"a": {"SS": ["a", "b"]}}', 'ADD', '{"SS": ["c", "b"]}'), (9, '{"a": {"NS": ["1"]}}', 'ADD', '{"NS": ["1.0", "2"]}'),
	(10, '{"a": {"BS": ["YQ=="]}}', 'ADD', '{"BS": ["Yg=="]}'), (11, '{"a": {"SS": ["1"]}}', 'ADD', '{"NS": ["1"]}'), (12, '{"a": {"N": "1"}}', 'ADD', '{"NS": ["1"]}'),
	(13, '{"a": {"L": [{"N": "1"}]}}', 'ADD', '{"L": [{"N": "1.0"}, {"L": []}]}'), (14, '{"a": {"L": []}}', 'ADD', '{"L": []}'),
	(15, '{"a": {"S": "x"}}', 'ADD', '{"L": []}'), (16, '{"a": {"L": []}}', 'ADD', '{"N": "1"}'),
	(17, '{}', 'ADD', '{"S": "a"}'), (18, '{}', 'ADD', '{"B": "YQ=="}'), (19, '{}', 'ADD', '{"BOOL": true}'), (20, '{}', 'ADD', '{"NULL": true}'), (21, '{}', 'ADD', '{"M": {}}'), (22, '{}', 'ADD', NULL),
	(23, '{"a": {"N": "99999999999999999999999999999999999999"}}', 'ADD', '{"N": "0.1"}'),
	(24, '{"a": {"S": "x"}}', 'DELETE', NULL), (25, '{"a": {"SS": ["a", "b"]}}', 'DELETE', '{"SS": ["b", "c"]}'), (26, '{"a": {"NS": ["1"]}}', 'DELETE', '{"NS": ["1.0"]}'),
	(27, '{"a": {"BS": ["YQ=="]}}', 'DELETE', '{"BS": ["Yg=="]}'), (28, '{"a": {"SS": ["1"]}}', 'DELETE', '{"NS": ["1"]}'), (29, '{"a": {"S": "x"}}', 'DELETE', '{"SS": ["x"]}'),
	(30, '{}', 'DELETE', '{"S": "a"}'), (31, '{}', 'DELETE', '{"N": "1"}'), (32, '{}', 'DELETE', '{"B": "YQ=="}'), (33, '{}', 'DELETE', '{"BOOL": true}'),
	(34, '{}', 'DELETE', '{"NULL": true}'), (35, '{}', 'DELETE', '{"L": []}'), (36, '{}', 'DELETE', '{"M": {}}'),
	(37, '{}', 'PUT', '{}'), (38, '{}', 'DELETE', '{}'), (39, '{}', 'ADD', '{"S": "a", "N": "b"}'), (40, '{}', 'SET', '{"S": "a"}'), (41, '{}', 'PUT', '{"SS": []}')) AS u (n, old, action, value)
ORDER BY n;
SELECT pg_temp.upd('u', '{"a": "x"}'), pg_temp.upd('u', '{"a": {"Value": "x"}}'), pg_temp.upd('u', '{"a": null}');
SELECT pg_temp.upd('u', '{"": {"Action": "DELETE"}}'), pg_temp.upd('u', jsonb_build_object(repeat('x', 65536), '{"Value": {}}'::jsonb)),
	pg_temp.upd('u', E'{"a\\u0001": {"Action": "DELETE"}}');
-- names are literal; several at once; nothing at all
SELECT pg_temp.upd('lit', '{"a.b": {"Value": {"N": "1"}}, "a[0]": {"Value": {"N": "2"}}, "#x": {"Value": {"N": "3"}}, ":x": {"Value": {"N": "4"}}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('lit', '{"a.b": {"Action": "DELETE"}, "a[0]": {"Action": "ADD", "Value": {"N": "2"}}, "z": {"Action": "DELETE"}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('bare', '{}', '{"ReturnValues": "ALL_NEW"}'), pg_temp.upd('bare2', '{}');
SELECT pg_temp.item('bare'), pg_temp.item('bare2');
SELECT pg_temp.upd('gone', '{"a": {"Action": "DELETE"}, "b": {"Action": "DELETE", "Value": {"SS": ["x"]}}}', '{"ReturnValues": "ALL_NEW"}'), pg_temp.item('gone') IS NULL AS absent;
SELECT pg_temp.upd('gone', '{"a": {"Action": "DELETE"}, "b": {"Action": "ADD", "Value": {"SS": ["x"]}}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('many', jsonb_object_agg('x' || i, '{"Value": {"N": "1"}}'::jsonb)),
	pg_temp.upd('many', jsonb_object_agg('x' || i, '{"Action": "ADD", "Value": {"N": "1"}}'::jsonb)) FROM generate_series(1, 2000) i;
SELECT count(*), min(v.value::text), max(v.value::text) FROM jsonb_each(pg_temp.item('many')) v WHERE key <> 'p';
-- ReturnValues
SELECT returns, pg_temp.upd('rv ' || returns, '{"a": {"Value": {"N": "1"}}, "s": {"Value": {"SS": ["a", "b"]}}, "l": {"Value": {"L": [{"N": "1"}]}}, "k": {"Value": {"S": "k"}}}') AS made,
	pg_temp.upd('rv ' || returns, '{"a": {"Action": "ADD", "Value": {"N": "1"}}, "s": {"Action": "DELETE", "Value": {"SS": ["a"]}}, "l": {"Action": "ADD", "Value": {"L": [{"N": "2"}]}},
		"x": {"Action": "DELETE"}, "y": {"Value": {"S": "y"}}}', jsonb_build_object('ReturnValues', returns)) AS updated
FROM unnest('{NONE,ALL_OLD,UPDATED_OLD,ALL_NEW,UPDATED_NEW}'::text[]) AS returns;
-- with Expected; a failing condition hides errors of the update
SELECT pg_temp.upd('rv NONE', '{"k": {"Action": "ADD", "Value": {"N": "1"}}}', '{"Expected": {"k": {"Exists": false}}}');
SELECT pg_temp.upd('rv NONE', '{"k": {"Action": "ADD", "Value": {"N": "1"}}}', '{"Expected": {"k": {"Value": {"S": "k"}}}}');
SELECT pg_temp.upd('rv NONE', '{"k": {"Action": "DELETE"}}', '{"Expected": {"k": {"Value": {"S": "k"}}, "a": {"Exists": false}}, "ConditionalOperator": "OR", "ReturnValues": "UPDATED_OLD"}');
-- an absent item that would not be created must satisfy its condition, too
SELECT pg_temp.upd('gone2', '{"k": {"Action": "DELETE"}}', '{"Expected": {"k": {"Value": {"S": "k"}}}}'), pg_temp.upd('gone2', '{"k": {"Action": "DELETE"}}', '{"Expected": {"k": {"Exists": false}}}');
-- size
SELECT pg_temp.upd('big', jsonb_build_object('a', jsonb_build_object('Value', jsonb_build_object('S', repeat('x', 409600)))));
SELECT pg_temp.upd('big', jsonb_build_object('a', jsonb_build_object('Value', jsonb_build_object('S', repeat('x', 409595)))));
SELECT pg_temp.upd('big', jsonb_build_object('b', jsonb_build_object('Value', jsonb_build_object('S', 'x'))));
-- key attributes, of the table and of indexes
SELECT dynamo.create_table('{"TableName": "legacy_idx", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}, {"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"GlobalSecondaryIndexes": [{"IndexName": "gsi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}},
		{"IndexName": "gsi2", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}],
	"LocalSecondaryIndexes": [{"IndexName": "lsi", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}') IS NOT NULL AS made;
SELECT pg_temp.upd('k', '{"p": {"Value": {"S": "k"}}}'), pg_temp.upd('k', '{"p": {"Action": "DELETE"}}'), pg_temp.upd('k', '{"p": {"Action": "ADD", "Value": {"N": "1"}}}');
SELECT pg_temp.upd('k', '{"g": {"Value": {"N": "1"}}}', '{"Key": {"p": {"S": "k"}, "r": {"N": "1"}}}', 'legacy_idx'),
	pg_temp.upd('k', '{"l": {"Action": "ADD", "Value": {"NS": ["1"]}}}', '{"Key": {"p": {"S": "k"}, "r": {"N": "1"}}}', 'legacy_idx'),
	pg_temp.upd('k', '{"g": {"Value": {"S": ""}}}', '{"Key": {"p": {"S": "k"}, "r": {"N": "1"}}}', 'legacy_idx'),
	pg_temp.upd('k', '{"l": {"Action": "ADD", "Value": {"N": "1"}}}', '{"Key": {"p": {"S": "k"}, "r": {"N": "1"}}, "ReturnValues": "ALL_NEW"}', 'legacy_idx');
-- the order of the checks
SELECT pg_temp.upd('k', '{"a": {}}', '{"Key": {"x": {}}, "Expected": {"a": {}}, "ConditionExpression": ""}', 'legacy_none') AS mixing;
SELECT pg_temp.upd('k', '{"a": {}}', '{"Key": {"x": {}}, "Expected": {"a": {}}, "ExpressionAttributeNames": {}}', 'legacy_none') AS names;
SELECT pg_temp.upd('k', '{"a": {}}', '{"Key": {"x": {}}, "Expected": {"a": {}}}', 'legacy_none') AS key;
SELECT pg_temp.upd('k', '{"a": {}}', '{"Expected": {"a": {}}}', 'legacy_none') AS updates;
SELECT pg_temp.upd('k', '{"p": {"Action": "DELETE"}}', '{"Expected": {"a": {}}}', 'legacy_none') AS expected;
SELECT pg_temp.upd('k', '{"p": {"Action": "DELETE"}}', '{"ConditionalOperator": "AND"}', 'legacy_none') AS operator;
SELECT pg_temp.upd('k', '{"p": {"Action": "DELETE"}}', '{}', 'legacy_none') AS no_table;
SELECT pg_temp.upd('k', '{"p": {"Action": "DELETE"}}', '{"Key": {"p": {"N": "1"}}}') AS key_schema;
SELECT pg_temp.upd('k', '{"p": {"Action": "DELETE"}}', '{"Expected": {"a": {"Value": {"S": "no"}}}}') AS key_update;
SELECT pg_temp.call('put_item', '{"TableName": "legacy_none", "Item": {"a": {}}, "Expected": {"a": {}}, "ReturnValues": "ALL_NEW"}') AS item,
	pg_temp.call('put_item', '{"TableName": "legacy_none", "Item": {}, "Expected": {"a": {}}, "ReturnValues": "ALL_NEW"}') AS returns,
	pg_temp.call('put_item', jsonb_build_object('TableName', 'legacy_none', 'Item', jsonb_build_object('a', jsonb_build_object('S', repeat('x', 409600))), 'Expected', '{"a": {}}'::jsonb)) AS size,
	pg_temp.call('put_item', '{"TableName": "legacy_none", "Item": {}, "Expected": {"a": {}}}') AS expected,
	pg_temp.call('put_item', '{"TableName": "legacy_none", "Item": {}, "Expected": {"a": {"Exists": false}}}') AS no_table,
	pg_temp.call('delete_item', '{"TableName": "legacy_none", "Key": {"a": {}}, "Expected": {"a": {}}, "ReturnValues": "ALL_NEW"}') AS key,
	pg_temp.call('delete_item', '{"TableName": "legacy_none", "Key": {}, "Expected": {"a": {}}, "ReturnValues": "ALL_NEW"}') AS returns,
	pg_temp.call('delete_item', '{"TableName": "legacy_none", "Key": {}, "Expected": {"a": {}}}') AS expected \gx

--
-- KeyConditions
--
INSERT INTO dynamo_tables.legacy_sn (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', p), 'r', jsonb_build_object('N', r::text), 'x', jsonb_build_object('N', (r % 3)::text), 'y', '{"S": "y"}'::jsonb)
FROM unnest('{a,b}'::text[]) p, generate_series(1, 12) r;
INSERT INTO dynamo_tables.legacy_ss (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('S', r)) FROM unnest('{a,ab,abc,b,ba}'::text[]) r;
CREATE FUNCTION pg_temp.kc(name text, p jsonb, r jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('TableName', name, 'KeyConditions', jsonb_strip_nulls(jsonb_build_object('p', p, 'r', r))) || more
$$;
CREATE FUNCTION pg_temp.is(operator text, VARIADIC vals text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('ComparisonOperator', operator, 'AttributeValueList', (SELECT coalesce(jsonb_agg(v::jsonb), '[]') FROM unnest(vals) v WHERE v IS NOT NULL))
$$;
-- sort keys found, and how many
CREATE FUNCTION pg_temp.found(request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text := pg_temp.call('query', request);
BEGIN
	IF answer NOT LIKE '{%' THEN
		RETURN answer;
	END IF;
	RETURN (SELECT string_agg(coalesce(i #>> '{r,N}', i #>> '{r,S}'), ' ' ORDER BY n) FROM jsonb_array_elements(answer::jsonb -> 'Items') WITH ORDINALITY AS x (i, n));
END $$;
SELECT operator, vals, pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is(operator, VARIADIC vals))) AS found,
	pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is(operator, VARIADIC vals), '{"ScanIndexForward": false}')) AS backward
FROM (VALUES ('EQ', ARRAY['{"N": "3.0"}']), ('LE', ARRAY['{"N": "3"}']), ('LT', ARRAY['{"N": "3"}']), ('GE', ARRAY['{"N": "10"}']), ('GT', ARRAY['{"N": "10"}']),
	('BETWEEN', ARRAY['{"N": "9"}', '{"N": "11"}']), ('EQ', ARRAY['{"N": "99"}']),
	('EQ', ARRAY['{"S": "3"}']), ('BEGINS_WITH', ARRAY['{"S": "3"}']), ('BEGINS_WITH', ARRAY['{"N": "3"}']),
	('NE', ARRAY['{"N": "3"}']), ('NE', ARRAY['{"M": {}}']), ('IN', ARRAY['{"N": "3"}', '{"N": "4"}']), ('CONTAINS', ARRAY['{"S": "3"}']), ('NOT_CONTAINS', ARRAY['{"S": "3"}']), ('NULL', '{}'), ('NOT_NULL', '{}'),
	('EQ', '{}'), ('EQ', ARRAY['{"N": "1"}', '{"N": "2"}']), ('BETWEEN', ARRAY['{"N": "1"}']), ('BETWEEN', ARRAY['{"N": "2"}', '{"N": "1"}']), ('BETWEEN', ARRAY['{"N": "1"}', '{"S": "2"}']),
	('IN', '{}'), ('NULL', ARRAY['{"N": "1"}']), ('EQ', ARRAY['{"N": "x"}']), ('EQ', ARRAY['{}']),
	('EQ', ARRAY['{"SS": ["a"]}']), ('EQ', ARRAY['{"L": []}']), ('EQ', ARRAY['{"BOOL": true}']), ('EQ', ARRAY['{"NULL": true}']), ('EQ', ARRAY['{"M": {}}']), ('GT', ARRAY['{"M": {}}']), ('GT', ARRAY['{"B": "YQ=="}'])) AS c (operator, vals);
SELECT pg_temp.found(pg_temp.kc('legacy_ss', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('BEGINS_WITH', '{"S": "a"}'))) AS a,
	pg_temp.found(pg_temp.kc('legacy_ss', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('BEGINS_WITH', '{"S": "ab"}'), '{"ScanIndexForward": false}')) AS ab,
	pg_temp.found(pg_temp.kc('legacy_ss', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('GT', '{"S": "abc"}'))) AS after,
	pg_temp.found(pg_temp.kc('legacy_ss', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('EQ', '{"S": ""}'))) AS empty;
-- the partition key takes EQ only
SELECT operator, pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is(operator, VARIADIC vals), NULL)) AS found
FROM (VALUES ('EQ', ARRAY['{"S": "b"}']), ('LE', ARRAY['{"S": "b"}']), ('BEGINS_WITH', ARRAY['{"S": "b"}']), ('BETWEEN', ARRAY['{"S": "a"}', '{"S": "b"}']), ('NE', ARRAY['{"S": "b"}']), ('IN', ARRAY['{"S": "b"}']), ('NULL', '{}'),
	('EQ', ARRAY['{"N": "1"}']), ('LE', ARRAY['{"N": "1"}']), ('NE', ARRAY['{"N": "1"}']), ('EQ', ARRAY['{"S": ""}'])) AS c (operator, vals);
-- which keys, and how many
SELECT pg_temp.found(pg_temp.kc('legacy_sn', NULL, pg_temp.is('EQ', '{"N": "1"}'))) AS no_partition,
	pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL, '{"KeyConditions": {}}')) AS none,
	pg_temp.found(jsonb_set(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL), '{KeyConditions,x}', pg_temp.is('EQ', '{"N": "1"}'))) AS not_a_key,
	pg_temp.found(jsonb_set(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('EQ', '{"N": "1"}')), '{KeyConditions,x}', pg_temp.is('EQ', '{"N": "1"}'))) AS three,
	pg_temp.found(jsonb_set(pg_temp.kc('legacy_none', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('EQ', '{"N": "1"}')), '{KeyConditions,x}', pg_temp.is('EQ', NULL))) AS values_first,
	pg_temp.found(pg_temp.kc('legacy', pg_temp.is('EQ', '{"S": "k"}'), pg_temp.is('EQ', '{"N": "1"}'))) AS hash_only,
	pg_temp.found('{"TableName": "legacy_sn", "KeyConditions": {"": {"ComparisonOperator": "NULL"}}}') AS no_name,
	pg_temp.found('{"TableName": "legacy_sn", "KeyConditions": {"p": {"ComparisonOperator": "X"}, "q": {}}}') LIKE '%2 validation errors%' AS shape \gx
-- pages
CREATE FUNCTION pg_temp.pages(request jsonb) RETURNS TABLE (page int, keys text, count int, scanned int) LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	page := 0;
	LOOP
		answer := dynamo.query(request);
		page := page + 1;
		keys := (SELECT string_agg(concat_ws('/', i #>> '{p,S}', i #>> '{r,N}'), ' ' ORDER BY n) FROM jsonb_array_elements(answer -> 'Items') WITH ORDINALITY AS x (i, n));
		count := answer -> 'Count';
		scanned := answer -> 'ScannedCount';
		RETURN NEXT;
		EXIT WHEN answer -> 'LastEvaluatedKey' IS NULL OR page > 20;
		request := request || jsonb_build_object('ExclusiveStartKey', answer -> 'LastEvaluatedKey');
	END LOOP;
END $$;
SELECT * FROM pg_temp.pages(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('BETWEEN', '{"N": "2"}', '{"N": "9"}'), '{"Limit": 3}'));
SELECT * FROM pg_temp.pages(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('BETWEEN', '{"N": "2"}', '{"N": "9"}'), '{"Limit": 4, "ScanIndexForward": false}'));
SELECT * FROM pg_temp.pages(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "b"}'), NULL, '{"Limit": 5, "QueryFilter": {"x": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "0"}]}}}'));
SELECT pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "b"}'), pg_temp.is('GT', '{"N": "5"}'), '{"ExclusiveStartKey": {"p": {"S": "b"}, "r": {"N": "5"}}}')) AS not_in_range,
	pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "b"}'), pg_temp.is('GT', '{"N": "5"}'), '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "6"}}}')) AS other_partition,
	pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "b"}'), NULL, '{"ExclusiveStartKey": {"p": {"S": "a"}, "r": {"N": "6"}}}')) AS outside,
	pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('NE', '{"S": "b"}'), NULL, '{"ExclusiveStartKey": {"p": {"N": "1"}, "r": {"N": "6"}}}')) AS start_first \gx
-- with expressions for the rest
SELECT pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL, '{"FilterExpression": "#x = :x", "ExpressionAttributeNames": {"#x": "x"}, "ExpressionAttributeValues": {":x": {"N": "2"}}, "ProjectionExpression": "r"}'));
SELECT dynamo.query(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('LT', '{"N": "3"}'), '{"ProjectionExpression": "x"}'));
SELECT pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL, '{"FilterExpression": "r > :r", "ExpressionAttributeValues": {":r": {"N": "2"}}}'));
-- filters: not on keys
SELECT pg_temp.found(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL, jsonb_build_object('QueryFilter', f::jsonb))) AS found
FROM unnest(ARRAY['{"x": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}}', '{}',
	'{"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}',
	'{"x": {"ComparisonOperator": "NULL"}, "r": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "a"}]}}']) AS f;
SELECT dynamo.query(pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), NULL, '{"Select": "COUNT", "ConditionalOperator": "OR",
	"QueryFilter": {"x": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}, "y": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "z"}]}}}'));
SELECT pg_temp.call('scan', '{"TableName": "legacy_sn", "Select": "COUNT", "ScanFilter": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}, "r": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "10"}]}}}') AS scan;

--
-- indexes
--
INSERT INTO dynamo_tables.legacy_idx (item)
SELECT jsonb_build_object('p', '{"S": "a"}'::jsonb, 'r', jsonb_build_object('N', r::text), 'g', jsonb_build_object('S', 'g' || r % 2), 'l', jsonb_build_object('N', (10 - r)::text), 'x', jsonb_build_object('N', r::text))
FROM generate_series(1, 6) r;
CREATE FUNCTION pg_temp.ix(index text, conditions jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('TableName', 'legacy_idx', 'IndexName', index, 'KeyConditions', conditions) || more
$$;
SELECT * FROM pg_temp.pages(pg_temp.ix('lsi', jsonb_build_object('p', pg_temp.is('EQ', '{"S": "a"}'), 'l', pg_temp.is('GE', '{"N": "5"}')), '{"Limit": 2}'));
SELECT * FROM pg_temp.pages(pg_temp.ix('gsi2', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}'), 'l', pg_temp.is('LT', '{"N": "9"}')), '{"Limit": 1, "ScanIndexForward": false}'));
SELECT page, count, scanned FROM pg_temp.pages(pg_temp.ix('gsi', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g0"}')), '{"Limit": 2}'));
-- filters and what is projected
SELECT pg_temp.found(pg_temp.ix('lsi', jsonb_build_object('p', pg_temp.is('EQ', '{"S": "a"}')), '{"QueryFilter": {"x": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "4"}]}}}')) AS fetched,
	pg_temp.found(pg_temp.ix('lsi', jsonb_build_object('p', pg_temp.is('EQ', '{"S": "a"}')), '{"QueryFilter": {"l": {"ComparisonOperator": "NULL"}}}')) AS index_key,
	pg_temp.found(pg_temp.ix('lsi', jsonb_build_object('p', pg_temp.is('EQ', '{"S": "a"}')), '{"QueryFilter": {"r": {"ComparisonOperator": "LT", "AttributeValueList": [{"N": "3"}]}}}')) AS table_key,
	pg_temp.found(pg_temp.ix('gsi', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}')), '{"QueryFilter": {"x": {"ComparisonOperator": "NOT_NULL"}}}')) AS missing,
	pg_temp.found(pg_temp.ix('gsi', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}')), '{"AttributesToGet": ["r", "x"]}')) AS not_projected,
	pg_temp.found(pg_temp.ix('gsi', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}'), 'r', pg_temp.is('EQ', '{"N": "1"}')))) AS hash_only,
	pg_temp.found(pg_temp.ix('gsi', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}'), 'r', pg_temp.is('EQ', '{"N": "1"}'), 'x', pg_temp.is('EQ', '{"N": "1"}')))) AS three,
	pg_temp.found(pg_temp.ix('none', jsonb_build_object('g', pg_temp.is('EQ', '{"S": "g1"}'), 'r', pg_temp.is('EQ', '{"N": "1"}'), 'x', pg_temp.is('EQ', '{"N": "1"}')))) AS no_index,
	pg_temp.found(pg_temp.ix('gsi2', jsonb_build_object('g', pg_temp.is('CONTAINS', '{"S": "g1"}')))) AS contains \gx
SELECT dynamo.query(pg_temp.ix('lsi', jsonb_build_object('p', pg_temp.is('EQ', '{"S": "a"}'), 'l', pg_temp.is('EQ', '{"N": "4"}')), '{"AttributesToGet": ["x", "r"], "ReturnConsumedCapacity": "INDEXES"}'));
-- an index whose key has several attributes
SELECT dynamo.create_table('{"TableName": "legacy_multi", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "a", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
	"GlobalSecondaryIndexes": [{"IndexName": "multi", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}]}') IS NOT NULL AS made;
INSERT INTO dynamo_tables.legacy_multi (item)
SELECT jsonb_build_object('p', jsonb_build_object('S', r::text), 'a', '{"S": "a"}'::jsonb, 'b', '{"S": "b"}'::jsonb, 'r', jsonb_build_object('N', r::text)) FROM generate_series(1, 4) r;
SELECT pg_temp.found(jsonb_build_object('TableName', 'legacy_multi', 'IndexName', 'multi', 'KeyConditions', c)) AS found
FROM unnest(ARRAY[jsonb_build_object('a', pg_temp.is('EQ', '{"S": "a"}'), 'b', pg_temp.is('EQ', '{"S": "b"}'), 'r', pg_temp.is('GE', '{"N": "3"}')),
	jsonb_build_object('a', pg_temp.is('EQ', '{"S": "a"}')), jsonb_build_object('a', pg_temp.is('EQ', '{"S": "a"}'), 'b', pg_temp.is('NE', '{"S": "b"}')),
	jsonb_build_object('a', pg_temp.is('EQ', '{"S": "a"}'), 'b', pg_temp.is('EQ', '{"S": "b"}'), 'x', pg_temp.is('NULL', NULL))]) AS c;

--
-- AttributesToGet
--
SELECT dynamo.put_item('{"TableName": "legacy", "Item": {"p": {"S": "k"}, "a": {"M": {"b": {"N": "1"}}}, "a.b": {"N": "2"}, "c": {"L": [{"N": "3"}]}}}');
SELECT names, pg_temp.call('get_item', jsonb_build_object('TableName', 'legacy', 'Key', '{"p": {"S": "k"}}'::jsonb, 'AttributesToGet', names::jsonb))
FROM unnest(ARRAY['["a"]', '["a.b"]', '["c[0]"]', '["p", "c", "nothing"]', '["nothing"]', '[]', '["a", "c", "a"]', '[""]', '[null]', '["a", 1]', '"a"', '{"a": "b"}']) AS names;
SELECT dynamo.get_item('{"TableName": "legacy", "Key": {"p": {"S": "nobody"}}, "AttributesToGet": ["a"]}');
SELECT replace(pg_temp.call('get_item', jsonb_build_object('TableName', 'legacy', 'Key', '{"p": {"S": "k"}}'::jsonb, 'AttributesToGet', jsonb_build_array(repeat('x', 65536)))), repeat('x', 65536), 'xx') AS long;
SELECT dynamo.get_item(jsonb_build_object('TableName', 'legacy', 'Key', '{"p": {"S": "k"}}'::jsonb, 'AttributesToGet', jsonb_agg('x' || i) || '["a.b"]')) FROM generate_series(1, 5000) i;
SELECT pg_temp.call('scan', '{"TableName": "legacy_sn", "AttributesToGet": ["r"], "ScanFilter": {"r": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "7"}]}}}') AS scan;
SELECT pg_temp.call('get_item', '{"TableName": "legacy_none", "Key": {"p": {}}, "AttributesToGet": ["a", "a"]}') AS key,
	pg_temp.call('get_item', '{"TableName": "legacy_none", "Key": {"p": {"S": "k"}}, "AttributesToGet": ["a", "a"]}') AS duplicate,
	pg_temp.call('get_item', '{"TableName": "legacy_none", "Key": {"p": {"S": "k"}}, "AttributesToGet": ["a"]}') AS no_table,
	pg_temp.call('get_item', '{"TableName": "legacy", "Key": {"q": {"S": "k"}}, "AttributesToGet": ["a"]}') AS key_schema \gx
-- Select
SELECT s AS select, pg_temp.call('query', pg_temp.kc('legacy_sn', pg_temp.is('EQ', '{"S": "a"}'), pg_temp.is('EQ', '{"N": "1"}'), jsonb_build_object('AttributesToGet', '["x"]'::jsonb, 'Select', s))) AS query,
	pg_temp.call('scan', jsonb_build_object('TableName', 'legacy_idx', 'IndexName', 'lsi', 'Limit', 1, 'AttributesToGet', '["p"]'::jsonb, 'Select', s)) LIKE 'ValidationException: Cannot specify the AttributesToGet when choosing to get %' AS scan_refused
FROM unnest('{NULL,ALL_ATTRIBUTES,ALL_PROJECTED_ATTRIBUTES,SPECIFIC_ATTRIBUTES,COUNT}'::text[]) s;

-- BatchGetItem
SELECT tables, pg_temp.call('batch_get_item', jsonb_build_object('RequestItems', tables::jsonb)) AS answer FROM unnest(ARRAY[
	'{"legacy": {"Keys": [{"p": {"S": "k"}}], "AttributesToGet": ["a.b", "nothing"]}, "legacy_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "1"}}], "AttributesToGet": ["x"]}}',
	'{"legacy": {"Keys": [{"p": {"S": "k"}}], "AttributesToGet": ["p"]}, "legacy_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "1"}}], "ProjectionExpression": "x"}}',
	'{"legacy": {"Keys": [{"p": {}}, {"p": {}}], "AttributesToGet": ["a"], "ProjectionExpression": "", "ExpressionAttributeNames": {}}}',
	'{"legacy": {"Keys": [{"p": {}}, {"p": {}}], "AttributesToGet": ["a", "a"], "ExpressionAttributeNames": {}}}',
	'{"legacy": {"Keys": [{"p": {}}, {"p": {}}], "AttributesToGet": ["a", "a"]}}',
	'{"legacy": {"Keys": [{"p": {}}, {"p": {}}], "AttributesToGet": []}}']) AS tables;

--
-- mixing
--
SELECT operation, parameters, pg_temp.call(operation, jsonb_build_object('TableName', 'legacy_none') || parameters::jsonb) AS answer
FROM (VALUES
	('put_item', '{"Item": {"a": {}}, "Expected": {}, "ConditionExpression": ""}'),
	('delete_item', '{"Key": {"a": {}}, "Expected": {}, "ConditionExpression": ""}'),
	('update_item', '{"Key": {"a": {}}, "Expected": {}, "UpdateExpression": ""}'),
	('update_item', '{"Key": {"a": {}}, "AttributeUpdates": {}, "ConditionExpression": ""}'),
	('update_item', '{"Key": {"a": {}}, "Expected": {}, "AttributeUpdates": {}, "ConditionExpression": "", "UpdateExpression": "", "ConditionalOperator": "OR"}'),
	('get_item', '{"Key": {"a": {}}, "AttributesToGet": ["a", "a"], "ProjectionExpression": ""}'),
	('scan', '{"AttributesToGet": ["a", "a"], "FilterExpression": ""}'),
	('scan', '{"ConditionalOperator": "OR", "AttributesToGet": ["a"], "ScanFilter": {}, "FilterExpression": "", "ProjectionExpression": ""}'),
	('query', '{"KeyConditions": {}, "KeyConditionExpression": ""}'),
	('query', '{"QueryFilter": {}, "KeyConditionExpression": ""}'),
	('query', '{"AttributesToGet": ["a"], "KeyConditions": {}, "FilterExpression": ""}'),
	('query', '{"ConditionalOperator": "OR", "KeyConditions": {}, "QueryFilter": {}, "AttributesToGet": ["a"], "KeyConditionExpression": "", "FilterExpression": "", "ProjectionExpression": ""}'),
	('query', '{"ConditionalOperator": "OR", "KeyConditions": {}, "FilterExpression": ""}'),
	('query', '{"KeyConditions": {}, "FilterExpression": ""}'),
	('put_item', '{"Item": {"a": {}}, "Expected": {"a": {}}, "ExpressionAttributeNames": {}}'),
	('put_item', '{"Item": {"a": {}}, "Expected": {"a": {}}, "ExpressionAttributeValues": {}}'),
	('delete_item', '{"Key": {"a": {}}, "Expected": {"a": {}}, "ExpressionAttributeValues": {}}'),
	('update_item', '{"Key": {"a": {}}, "AttributeUpdates": {"a": {}}, "ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}'),
	('update_item', '{"Key": {"a": {}}, "AttributeUpdates": {"a": {}}, "ExpressionAttributeValues": {}}'),
	('get_item', '{"Key": {"a": {}}, "AttributesToGet": ["a", "a"], "ExpressionAttributeNames": {}}'),
	('query', '{"KeyConditions": {}, "ExpressionAttributeNames": {}}'),
	('query', '{"KeyConditions": {}, "ProjectionExpression": "", "ExpressionAttributeValues": {}}'),
	('scan', '{"ScanFilter": {"a": {"ComparisonOperator": "EQ"}}, "ExpressionAttributeValues": {}}'),
	('scan', '{"ScanFilter": {"a": {"ComparisonOperator": "EQ"}}, "ExpressionAttributeNames": {}}')) AS c (operation, parameters);
-- the order of Query and Scan
SELECT pg_temp.call('query', '{"TableName": "legacy_none", "QueryFilter": {"a": {"ComparisonOperator": "EQ"}}, "AttributesToGet": ["a", "a"], "ExclusiveStartKey": {"p": {}}}') AS filter,
	pg_temp.call('query', '{"TableName": "legacy_none", "AttributesToGet": ["a", "a"], "ExclusiveStartKey": {"p": {}}}') AS duplicate,
	pg_temp.call('query', '{"TableName": "legacy_none", "QueryFilter": {}, "ExclusiveStartKey": {"p": {}}}') AS start,
	pg_temp.call('query', '{"TableName": "legacy_none", "QueryFilter": {}}') AS no_condition,
	pg_temp.call('query', '{"TableName": "legacy_none", "KeyConditions": {"a": {"ComparisonOperator": "EQ"}}, "FilterExpression": "a ="}') AS expression,
	pg_temp.call('query', '{"TableName": "legacy_none", "KeyConditions": {"a": {"ComparisonOperator": "EQ"}, "b": {"ComparisonOperator": "NULL"}, "c": {"ComparisonOperator": "NULL"}}}') AS vals,
	pg_temp.call('query', '{"TableName": "legacy_none", "KeyConditions": {"a": {"ComparisonOperator": "NULL"}, "b": {"ComparisonOperator": "NULL"}, "c": {"ComparisonOperator": "NULL"}}}') AS number,
	pg_temp.call('query', '{"TableName": "legacy_none", "KeyConditions": {"a": {"ComparisonOperator": "NULL"}}}') AS no_table,
	pg_temp.call('query', '{"TableName": "legacy_sn", "KeyConditions": {"p": {"ComparisonOperator": "NULL"}}, "QueryFilter": {"p": {"ComparisonOperator": "NULL"}}, "Select": "COUNT", "AttributesToGet": ["a"]}') AS condition,
	pg_temp.call('query', '{"TableName": "legacy_sn", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, "QueryFilter": {"p": {"ComparisonOperator": "NULL"}}, "Select": "COUNT", "AttributesToGet": ["a"]}') AS filter_on_key,
	pg_temp.call('query', '{"TableName": "legacy_sn", "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, "Select": "COUNT", "AttributesToGet": ["a"]}') AS select,
	pg_temp.call('scan', '{"TableName": "legacy_none", "ScanFilter": {"a": {"ComparisonOperator": "EQ"}}, "AttributesToGet": ["a", "a"], "ExclusiveStartKey": {"p": {}}}') AS scan_duplicate,
	pg_temp.call('scan', '{"TableName": "legacy_none", "ScanFilter": {"a": {"ComparisonOperator": "EQ"}}, "ExclusiveStartKey": {"p": {}}}') AS scan_filter,
	pg_temp.call('scan', '{"TableName": "legacy_none", "Segment": 1, "ScanFilter": {"a": {"ComparisonOperator": "NULL"}}, "ExclusiveStartKey": {"p": {}}}') AS scan_start \gx

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{legacy_types,legacy,legacy_sn,legacy_ss,legacy_idx,legacy_multi}'::text[]) name;
