-- UpdateItem
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('upd_s', 'p S') IS NOT NULL AS made;
SELECT dynamo.create_table('upd_sn', 'p S', 'r N') IS NOT NULL AS made;
-- an UpdateItem of key p = k
CREATE FUNCTION pg_temp.upd(k text, update text, vals jsonb DEFAULT NULL, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_item(jsonb_strip_nulls(jsonb_build_object('TableName', 'upd_s',
		'Key', jsonb_build_object('p', jsonb_build_object('S', k)),
		'UpdateExpression', update, 'ExpressionAttributeValues', vals)) || more)
$$;
CREATE FUNCTION pg_temp.upd_key(key jsonb, more jsonb, name text DEFAULT 'upd_s') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_item(jsonb_build_object('TableName', name, 'Key', key) || more)
$$;
CREATE FUNCTION pg_temp.item(k text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT item FROM dynamo_tables.upd_s WHERE pk = k
$$;
-- the same update with each ReturnValues, on a fresh copy of an item
CREATE FUNCTION pg_temp.each_return(item jsonb, update text, vals jsonb DEFAULT NULL)
RETURNS TABLE (returns text, response jsonb) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH returns IN ARRAY '{NONE,ALL_OLD,UPDATED_OLD,ALL_NEW,UPDATED_NEW}'::text[] LOOP
		DELETE FROM dynamo_tables.upd_s WHERE pk = 'rv';
		IF item IS NOT NULL THEN
			INSERT INTO dynamo_tables.upd_s (item) VALUES ('{"p": {"S": "rv"}}' || item);
		END IF;
		response := pg_temp.upd('rv', update, vals, jsonb_build_object('ReturnValues', returns));
		RETURN NEXT;
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.failure(k text, update text, vals jsonb, more jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
BEGIN
	PERFORM pg_temp.upd(k, update, vals, more);
	RETURN 'no failure';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', code, message, detail);
END $$;

--
-- what creates an item and what does not
--
SELECT pg_temp.upd('bare', NULL);
SELECT pg_temp.item('bare');
SELECT pg_temp.upd('bare', NULL, NULL, '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('set', 'SET a = :v', '{":v": {"N": "1"}}');
SELECT pg_temp.item('set');
SELECT pg_temp.upd('add', 'ADD a :v', '{":v": {"N": "1"}}', '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('remove', 'REMOVE a', NULL, '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd('delete', 'DELETE a :v', '{":v": {"SS": ["x"]}}', '{"ReturnValues": "ALL_NEW", "ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.upd('remove2', 'REMOVE a DELETE b :v', '{":v": {"SS": ["x"]}}', '{"ReturnValues": "UPDATED_NEW"}');
SELECT pg_temp.upd('both', 'REMOVE a SET b = :v', '{":v": {"SS": ["x"]}}', '{"ReturnValues": "UPDATED_NEW"}');
SELECT string_agg(pk, ' ' ORDER BY pk) AS exist FROM dynamo_tables.upd_s;
SELECT pg_temp.upd_key('{"p": {"S": "a"}, "r": {"N": "1.0"}}', '{"UpdateExpression": "SET x = r", "ReturnValues": "ALL_NEW"}', 'upd_sn');
SELECT pg_temp.upd_key('{"p": {"S": "a"}, "r": {"N": "1.0"}}', '{"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"NULL": true}}}', 'upd_sn');
SELECT pg_temp.upd_key('{"p": {"S": "a"}, "r": {"N": "1"}}', '{"UpdateExpression": "SET x = r", "ReturnValues": "ALL_NEW"}', 'upd_sn');

--
-- ReturnValues
--
-- of a new item: keys in ALL_NEW only
SELECT * FROM pg_temp.each_return(NULL, 'SET a = :a', '{":a": {"N": "1"}}');
SELECT * FROM pg_temp.each_return(NULL, NULL);
SELECT * FROM pg_temp.each_return(NULL, 'REMOVE a');
-- of an item that stays
SELECT * FROM pg_temp.each_return('{"a": {"N": "1"}, "b": {"N": "2"}, "c": {"N": "3"}}', 'SET a = :a, d = :a REMOVE b', '{":a": {"N": "5"}}');
SELECT * FROM pg_temp.each_return('{"a": {"N": "1"}}', NULL);
-- an equal value is updated all the same
SELECT * FROM pg_temp.each_return('{"a": {"N": "1"}}', 'SET a = :a', '{":a": {"N": "1.0"}}');
-- paths keep their structure, lists are compacted
SELECT * FROM pg_temp.each_return('{"m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]}}',
	'SET m.x = :v, l[1] = :v, l[3] = :v', '{":v": {"S": "new"}}');
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"N": "0"}]}}', 'SET l[100] = :v', '{":v": {"S": "new"}}');
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}}', 'REMOVE l[1]');
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"N": "0"}]}}', 'REMOVE l[0]');
-- removals and appends in one list, below other paths and of set elements
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}]}}', 'REMOVE l[0] SET l[3] = :v', '{":v": {"S": "new"}}');
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"L": [{"N": "0"}, {"N": "1"}]}, {"N": "2"}]}}', 'REMOVE l[0][1], l[1]');
SELECT * FROM pg_temp.each_return('{"l": {"L": [{"SS": ["a"]}, {"N": "1"}, {"SS": ["b"]}]}}', 'DELETE l[0] :a, l[2] :b', '{":a": {"SS": ["a"]}, ":b": {"SS": ["b"]}}');
SELECT * FROM pg_temp.each_return('{"s": {"SS": ["a", "b"]}, "n": {"N": "1"}}', 'DELETE s :s ADD n :n', '{":s": {"SS": ["a", "b"]}, ":n": {"N": "-1"}}');
SELECT pg_temp.upd('rv', NULL, NULL, '{"ReturnValues": "all_new"}');

--
-- conditions
--
SELECT pg_temp.upd('c', 'SET v = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "attribute_exists(p)"}');
SELECT pg_temp.upd('c', 'SET v = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.upd('c', 'SET v = :v', '{":v": {"N": "2"}}', '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.upd('c', 'SET v = v + :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "v = :v", "ReturnValues": "UPDATED_NEW"}');
SELECT pg_temp.upd('c', 'SET v = v + :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "v = :v", "ReturnValues": "UPDATED_NEW"}');
SELECT pg_temp.upd('c', 'REMOVE v', NULL, '{"ConditionExpression": "attribute_not_exists(v)"}');
SELECT pg_temp.upd('c2', 'REMOVE v', NULL, '{"ConditionExpression": "attribute_exists(v)"}');
SELECT pg_temp.upd('c2', NULL, '{":v": {"N": "1"}}', '{"ConditionExpression": "v <> :v", "ReturnValues": "ALL_NEW"}');
SELECT pg_temp.failure('c', 'SET v = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "v = :v"}');
SELECT pg_temp.failure('c', 'SET v = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "v = :v", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
SELECT pg_temp.failure('none', 'SET v = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "v = :v", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
-- a failing condition hides errors of the update
SELECT pg_temp.upd('c', 'SET x = nope', NULL, '{"ConditionExpression": "attribute_not_exists(p)"}');
SELECT pg_temp.upd('c', 'SET x = nope');
SELECT pg_temp.upd('none', 'SET x = nope');
SELECT pg_temp.upd('none', 'SET x.y = :v', '{":v": {"N": "1"}}');
SELECT pg_temp.upd('c', 'ADD p2 :v, v :s', '{":v": {"N": "1"}, ":s": {"SS": ["a"]}}');
SELECT pg_temp.item('c');
SELECT pg_temp.item('none');

--
-- capacity: the larger of old and new item
--
SELECT bytes, pg_temp.upd('u', 'SET f = :f', jsonb_build_object(':f', jsonb_build_object('S', repeat('x', bytes - 3))),
	'{"ReturnConsumedCapacity": "TOTAL"}') #> '{ConsumedCapacity,CapacityUnits}' AS units
FROM unnest('{1024,1025,2048,2049,100}'::int[]) WITH ORDINALITY s(bytes, ord) ORDER BY ord;
SELECT pg_temp.upd('u', 'REMOVE f', NULL, '{"ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE"}');
SELECT pg_temp.upd('u2', NULL, NULL, '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.upd_key('{"p": {"S": "u"}}', '{"ReturnConsumedCapacity": "TOTAL"}', 'arn:aws:dynamodb:us-east-1:000000000000:table/upd_s');

--
-- item size after the update: 409,600 bytes
--
SELECT pg_temp.upd('z', 'SET f = :f', jsonb_build_object(':f', jsonb_build_object('S', repeat('x', 409600 - 3))), '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.upd('z', 'SET f = :f', jsonb_build_object(':f', jsonb_build_object('S', repeat('x', 409600 - 2))));
SELECT pg_temp.upd('z', 'SET g = :f', '{":f": {"S": ""}}');
SELECT pg_temp.upd('z2', 'SET f = :f', jsonb_build_object(':f', jsonb_build_object('S', repeat('x', 409600 - 3))));
SELECT pg_temp.upd('z', 'REMOVE f', NULL, '{"ReturnValues": "ALL_NEW", "ReturnConsumedCapacity": "TOTAL"}');

--
-- keys: no targets, but on right sides
--
SELECT pg_temp.upd('k', 'SET p = :v', '{":v": {"S": "k"}}');
SELECT pg_temp.upd('k', 'SET #p = :v', '{":v": {"S": "k"}}', '{"ExpressionAttributeNames": {"#p": "p"}}');
SELECT pg_temp.upd('k', 'SET p.x = :v', '{":v": {"S": "k"}}');
SELECT pg_temp.upd('k', 'REMOVE p');
SELECT pg_temp.upd('k', 'REMOVE p[0]');
SELECT pg_temp.upd('k', 'ADD p :v', '{":v": {"N": "1"}}');
SELECT pg_temp.upd('k', 'DELETE p :v', '{":v": {"SS": ["1"]}}');
SELECT pg_temp.upd_key('{"p": {"S": "a"}, "r": {"N": "1"}}', '{"UpdateExpression": "SET x = p, r = p"}', 'upd_sn');
SELECT pg_temp.upd('k', 'SET dup = p', NULL, '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.upd_key('{}', '{}');
SELECT pg_temp.upd_key('{"q": {"S": "a"}}', '{}');
SELECT pg_temp.upd_key('{"p": {"N": "1"}}', '{}');
SELECT pg_temp.upd_key('{"p": {"S": "a"}, "q": {"S": "a"}}', '{}');
SELECT pg_temp.upd_key('{"p": {"S": ""}}', '{}');
SELECT pg_temp.upd_key(jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2049))), '{}');
SELECT pg_temp.upd_key(jsonb_build_object('p', jsonb_build_object('S', repeat('x', 2048))), '{}');

--
-- constraints and the order of the checks
--
SELECT dynamo.update_item('{}');
SELECT dynamo.update_item('{"TableName": "ab", "ReturnValues": "x", "ReturnValuesOnConditionCheckFailure": "x"}');
-- mix, key value
SELECT pg_temp.upd_key('{"x": {}}', '{"UpdateExpression": "", "AttributeUpdates": {}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {}}', '{"UpdateExpression": "", "ConditionExpression": "", "AttributeUpdates": {}, "Expected": {}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {}}', '{"ExpressionAttributeNames": {}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {}}', '{"ExpressionAttributeValues": {}}', 'upd_none');
-- key value, expression
SELECT pg_temp.upd_key('{"x": {}}', '{"UpdateExpression": ""}', 'upd_none');
-- names, values, update, condition, unused
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "", "ExpressionAttributeNames": {}, "ExpressionAttributeValues": {}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "", "ExpressionAttributeValues": {}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "", "ConditionExpression": ""}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "REMOVE a", "ConditionExpression": "", "ExpressionAttributeNames": {"#a": "a"}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "REMOVE a", "ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": {":a": {"S": "a"}}}', 'upd_none');
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "REMOVE a, a.b"}', 'upd_none');
-- expression, table
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "SET a = :a"}', 'upd_none');
-- table, key
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "REMOVE p"}', 'upd_none');
-- key, key as target
SELECT pg_temp.upd_key('{"x": {"S": "a"}}', '{"UpdateExpression": "REMOVE p"}');
-- key as target, condition
SELECT pg_temp.upd_key('{"p": {"S": "none"}}', '{"UpdateExpression": "REMOVE p", "ConditionExpression": "attribute_exists(p)"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{upd_s,upd_sn}'::text[]) name;
