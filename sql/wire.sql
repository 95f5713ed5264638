-- JSON as it comes over the wire: dynamo.execute(text, text) and (text, json)
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('wire', 'p S');
SELECT dynamo.create_table('wire_n', 'p N');

-- the response, or the error
CREATE FUNCTION pg_temp.send(operation text, request text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.execute(operation, request);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
-- a request about an item whose members, besides its key, are given as text
CREATE FUNCTION pg_temp.put(members text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.send('PutItem', '{"TableName": "wire", "Item": {"p": {"S": "x"}, ' || members || '}}')
$$;
CREATE FUNCTION pg_temp.got() RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}}')
$$;

--
-- the simplest
--
SELECT dynamo.execute('PutItem', '{"TableName": "wire", "Item": {"p": {"S": "x"}, "n": {"N": "1.0"}}}'::text);
SELECT dynamo.execute('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}}'::json);
SELECT dynamo.execute('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}}'::jsonb);
SELECT dynamo.execute('GetItem', E' \t\r\n{"TableName":"wire","Key":{"p":{"S":"x"}}} \n'::text);
SELECT dynamo.execute('NoSuchOperation', '{}'::text);
SELECT dynamo.execute('getItem', '{}'::text);
SELECT dynamo.execute('NoSuchOperation', '{'::text);
SELECT dynamo.execute('GetItem', NULL::text) IS NULL AS is_null;

--
-- U+0000 and U+0001, everywhere a string may stand
--
SELECT text, pg_temp.put('"s": {"S": "' || text || '"}') AS put, pg_temp.got()
FROM unnest(ARRAY['\u0000', 'a\u0000b', '\u0001', '\u0001x', '\u0001\u0001', '\u0001\u0002', '\u0000\u0001\u0000', '\u0002', '\\u0000', '\\\u0000', '\\\\u0001', '\u0000u0000'])
	WITH ORDINALITY t(text, i) ORDER BY i;
SELECT pg_temp.put('"a\u0000b": {"S": ""}, "\u0001": {"SS": ["\u0000", "\u0001", ""]}, "m": {"M": {"\u0000": {"L": [{"S": "\u0001"}]}}}') AS put, pg_temp.got();
-- what is stored: an escape that keeps the order; sizes and length are those of what was sent
SELECT pg_temp.put('"s": {"S": "a\u0000b\u0001"}');
SELECT item, dynamo.item_size(item) FROM dynamo_tables.wire;
SELECT pg_temp.send('Scan', '{"TableName": "wire", "FilterExpression": "size(s) = :n AND contains(s, :z) AND begins_with(s, :b) AND NOT contains(s, :no)",
	"ExpressionAttributeValues": {":n": {"N": "4"}, ":z": {"S": "\u0000b"}, ":b": {"S": "a\u0000"}, ":no": {"S": "\u0001b"}}}');
-- names and values of expressions
SELECT pg_temp.send('UpdateItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "UpdateExpression": "SET #a = :v REMOVE s",
	"ExpressionAttributeNames": {"#a": "n\u0000\u0001"}, "ExpressionAttributeValues": {":v": {"S": "\u0000"}}, "ReturnValues": "ALL_NEW"}');
SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "n\u0000\u0001"}}');
-- keys: different strings are different items, in the order of their bytes
SELECT pg_temp.send('PutItem', '{"TableName": "wire", "Item": {"p": {"S": "k' || k || '"}}}') FROM unnest(ARRAY['', '\u0000', '\u0000\u0000', '\u0001', '\u0002', ' ']) k;
SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "k' || k || '"}}}') FROM unnest(ARRAY['', '\u0000', '\u0000\u0000', '\u0001', '\u0002', ' ', '\u0003'])
	WITH ORDINALITY t(k, i) ORDER BY i;
SELECT string_agg(to_json(pk)::text, ' ' ORDER BY pk) FROM dynamo_tables.wire WHERE pk LIKE 'k%';
SELECT pg_temp.send('DeleteItem', '{"TableName": "wire", "Key": {"p": {"S": "k\u0000"}}, "ReturnValues": "ALL_OLD"}');
-- jsonb comes in stored form: an escape that is none is refused, in values, names, keys and expressions
SELECT dynamo.put_item('{"TableName": "wire", "Item": {"p": {"S": "x"}, "s": {"S": "\u0001x"}}}');
SELECT dynamo.put_item('{"TableName": "wire", "Item": {"p": {"S": "x"}, "\u0001": {"S": "x"}}}');
SELECT dynamo.put_item('{"TableName": "wire", "Item": {"p": {"S": "x\u0001"}}}');
SELECT dynamo.put_item('{"TableName": "wire", "Item": {"p": {"S": "x"}, "l": {"L": [{"M": {"a": {"SS": ["b", "\u0001\u0003"]}}}]}}}');
SELECT dynamo.get_item('{"TableName": "wire", "Key": {"p": {"S": "\u0001x"}}}');
SELECT dynamo.update_item('{"TableName": "wire", "Key": {"p": {"S": "x"}}, "UpdateExpression": "SET s = :v", "ExpressionAttributeValues": {":v": {"S": "\u0001"}}}');
SELECT dynamo.update_item('{"TableName": "wire", "Key": {"p": {"S": "x"}}, "UpdateExpression": "REMOVE #a", "ExpressionAttributeNames": {"#a": "\u0001x"}}');
SELECT dynamo.scan('{"TableName": "wire", "ExclusiveStartKey": {"p": {"S": "\u0001"}}}'::jsonb);
SELECT dynamo.put_item('wire', '{"p": "x", "s": "\u0001x"}');
SELECT dynamo.put_item('{"TableName": "wire", "Item": {"p": {"S": "x"}, "s": {"S": "\u0001\u0001\u0001\u0002"}}}');
SELECT pg_temp.got() AS wire, dynamo.get_item('{"TableName": "wire", "Key": {"p": {"S": "x"}}}') AS jsonb;

--
-- what is no JSON: SerializationException, without a message
--
SELECT request, pg_temp.send('GetItem', request) FROM unnest(ARRAY[
	'', ' ', '{', '}', '{"TableName"', '{"TableName":', '{"TableName": "wire"', '{"TableName": "wire",}', '{"TableName": "wire"}}', '{"TableName": "wire"} x', '{TableName: "wire"}', '{''TableName'': "wire"}',
	'[', '[]]', '"', '"x', 'tru', 'nul', '01', '+1', '1.', '.5', '1e', '-', 'NaN', 'Infinity', '{"a": "\x"}', '{"a": "\u12"}', '{"a": "\u00g0"}', '{"a" 1}', '{"a": 1 "b": 2}', '{1: 2}', '{"a": }', '{,}',
	E'{"a": "\n"}', E'{"a": "\x01"}', E'{"a": "\x1f"}', '// {}', '{/**/}', E'\uFEFF{}'])
	WITH ORDINALITY t(request, i) ORDER BY i;
-- surrogates: pairs are characters, lone ones are not
SELECT text, pg_temp.put('"s": {"S": "' || text || '"}') AS put, pg_temp.got()
FROM unnest(ARRAY['\ud83d\ude00', '\uD83D\uDE00', '\u00e9\u20AC', '\ud83d', '\ude00', '\ud83dx', '\ude00\ud83d', '\ud83d\u0041', '\ud83d\ud83d\ude00', '\/', '\b\f\n\r\t\"\\'])
	WITH ORDINALITY t(text, i) ORDER BY i;
-- JSON that is no object
SELECT request, pg_temp.send('GetItem', request) FROM unnest(ARRAY['[]', '"x"', '1', 'true', 'null', '[{"TableName": "wire"}]'])
	WITH ORDINALITY t(request, i) ORDER BY i;

--
-- depth: attribute values nest 32 levels; deeper ones are refused as values, absurd ones as JSON
--
CREATE FUNCTION pg_temp.nested(levels int) RETURNS text LANGUAGE sql AS $$
	SELECT '"l": ' || repeat('{"L": [', levels) || '{"N": "1"}' || repeat(']}', levels)
$$;
SELECT levels, pg_temp.put(pg_temp.nested(levels)) FROM unnest('{1, 32, 33, 34, 100}'::int[]) levels ORDER BY 1;
SELECT levels, pg_temp.put(pg_temp.nested(levels)) FROM unnest('{10000, 1000000}'::int[]) levels ORDER BY 1;
SELECT pg_temp.send('GetItem', repeat('[', 1000000)), pg_temp.send('GetItem', repeat('{"a":', 1000000)),
	pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "none"}}, "Unknown": ' || repeat('[', 200) || repeat(']', 200) || '}');

--
-- numbers in JSON: size does not matter, fractions are cut off
--
SELECT limits, pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "Limit": ' || limits || '}')::json -> 'Count' AS count
FROM unnest('{1.7, 1, 1e0, 10e-1, 2.999, 2147483647}'::text[]) WITH ORDINALITY t(limits, i) ORDER BY i;
SELECT limits, pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "Limit": ' || limits || '}')
FROM unnest('{0, 0.9, -1, -0.5, 1e400, 99999999999999999999}'::text[]) WITH ORDINALITY t(limits, i) ORDER BY i;
SELECT left(pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "Unknown": ' || repeat('9', 100000) || '}'), 10),
	left(pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "Unknown": 1e1000000}'), 80),
	left(pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "Unknown": 0.' || repeat('0', 20000) || '1}'), 80);

--
-- members: repeated ones, unknown ones, null ones
--
SELECT pg_temp.send('PutItem', '{"TableName": "none", "TableName": "wire", "Item": {"p": {"S": "x"}, "a": {"N": "1"}, "a": {"N": "2"}}}') AS put, pg_temp.got();
SELECT pg_temp.put('"a": {"S": "first", "S": "second"}') AS put, pg_temp.got();
SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "ProjectionExpression": "a", "Unknown": {"a": [1]}, "tablename": 5, "": null}');
SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "ProjectionExpression": null, "AttributesToGet": null, "ExpressionAttributeNames": null, "ConsistentRead": null, "ReturnConsumedCapacity": null}');
SELECT pg_temp.put('"a": {"S": "x", "N": null, "X": {"Y": 1}}, "b": null, "l": {"L": [{"N": "1", "SS": null}]}') AS put, pg_temp.got();
SELECT pg_temp.put('"a": {"S": null}');
SELECT pg_temp.put('"a": {}');
SELECT pg_temp.put('"l": {"L": [null]}');
SELECT pg_temp.put('"s": {"SS": [null]}');
SELECT pg_temp.send('PutItem', '{"TableName": null, "Item": null}');

--
-- types: every kind of member, every kind of JSON
--
CREATE TEMP TABLE given (i serial, json text);
INSERT INTO given (json) VALUES ('"text"'), ('1'), ('1.5'), ('1e2'), ('true'), ('false'), ('[]'), ('["x"]'), ('{}'), ('{"a": 1}');
SELECT json, pg_temp.send('GetItem', '{"TableName": ' || json || ', "Key": {"p": {"S": "x"}}}') AS string FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "none"}}, "ConsistentRead": ' || json || '}') AS boolean FROM given ORDER BY i;
SELECT json, pg_temp.send('Scan', '{"TableName": "wire", "Select": "COUNT", "FilterExpression": "attribute_exists(none)", "Limit": ' || json || '}') AS integer FROM given WHERE i > 4 OR i = 1 ORDER BY i;
SELECT json, pg_temp.send('CreateTable', '{"TableName": "w", "ProvisionedThroughput": {"ReadCapacityUnits": ' || json || '}}') AS long FROM given WHERE i > 4 OR i = 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"B": ' || json || '}') AS blob FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"S": ' || json || '}') AS s FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"N": ' || json || '}') AS n FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"BOOL": ' || json || '}') AS bool FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": {"SS": ' || json || '}') AS ss FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": {"SS": [' || json || ']}') AS ss_element FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"BS": [' || json || ']}') AS bs_element FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.put('"a": {"L": ' || json || '}') AS l FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": {"L": [' || json || ']}') AS l_element FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": {"M": ' || json || '}') AS m FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": {"M": {"b": ' || json || '}}') AS m_value FROM given ORDER BY i;
SELECT json, pg_temp.put('"a": ' || json) AS value FROM given ORDER BY i;
SELECT json, pg_temp.send('PutItem', '{"TableName": "wire", "Item": ' || json || '}') AS map FROM given ORDER BY i;
SELECT json, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "ExpressionAttributeNames": ' || json || '}') AS map_of_strings FROM given ORDER BY i;
SELECT json, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "ExpressionAttributeNames": {"#a": ' || json || '}}') AS string_in_map FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "AttributesToGet": ' || json || '}') AS list FROM given WHERE i NOT IN (7, 8) ORDER BY i;
SELECT json, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "x"}}, "AttributesToGet": [' || json || ']}') AS string_in_list FROM given WHERE i > 1 ORDER BY i;
SELECT json, pg_temp.send('CreateTable', '{"TableName": "w", "ProvisionedThroughput": ' || json || '}') AS structure FROM given ORDER BY i;
SELECT json, pg_temp.send('CreateTable', '{"TableName": "w", "KeySchema": [' || json || ']}') AS structure_in_list FROM given ORDER BY i;
SELECT json, pg_temp.send('Query', '{"TableName": "wire", "KeyConditions": ' || json || '}') AS conditions FROM given WHERE i NOT IN (9) ORDER BY i;
SELECT json, pg_temp.send('Query', '{"TableName": "wire", "KeyConditions": {"p": ' || json || '}}') AS condition_in_map FROM given WHERE i NOT IN (9, 10) ORDER BY i;
SELECT json, pg_temp.send('PutItem', '{"TableName": "wire", "Item": {}, "Expected": ' || json || '}') AS expected FROM given WHERE i NOT IN (9) ORDER BY i;
SELECT json, pg_temp.send('UpdateItem', '{"TableName": "wire", "Key": {}, "AttributeUpdates": ' || json || '}') AS updates FROM given WHERE i NOT IN (9) ORDER BY i;
-- booleans may be words
SELECT word, pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"S": "none"}}, "ConsistentRead": "' || word || '"}') AS request,
	pg_temp.put('"a": {"BOOL": "' || word || '"}') AS value, pg_temp.got()
FROM unnest('{true, TRUE, yes, Yes, 1, false, False, no, NO, 0, t, "", on, truex, 01}'::text[]) WITH ORDINALITY t(word, i) ORDER BY i;
-- types come first, in the order of the model, whatever else is wrong
SELECT pg_temp.send('PutItem', '{"ReturnValues": "WRONG", "Item": {"a": {"N": 1}}, "TableName": "x"}');
SELECT pg_temp.send('PutItem', '{"ConditionExpression": 1, "Item": {"a": {"S": true}}, "TableName": ["x"]}');
SELECT pg_temp.send('PutItem', '{"ConditionExpression": 1, "Item": {"a": {"S": true}}, "TableName": "no"}');
SELECT pg_temp.put('"a": {"BOOL": 5, "N": 1, "S": "x"}');

--
-- base64
--
SELECT text, pg_temp.put('"b": {"B": "' || text || '"}') AS put FROM unnest(ARRAY['', 'AQID', 'AQI=', 'AQ==', '+/+/', 'A', 'AQ', 'AQI', 'AQIDA', 'AQ=', 'AQID=', 'AQ==\n', 'AR==', 'AQJ=', 'A===', '====', '=AQI', 'AQ=I', '-_-_', 'AQ I', 'AQ==AQ==', 'é=='])
	WITH ORDINALITY t(text, i) ORDER BY i;
SELECT pg_temp.put('"b": {"BS": ["AQ==", "AR=="]}');
SELECT pg_temp.put('"b": {"L": [{"M": {"x": {"B": "A"}}}]}');
SELECT pg_temp.send('GetItem', '{"TableName": "wire", "Key": {"p": {"B": "AQ="}}}');
SELECT pg_temp.send('Scan', '{"TableName": "wire", "FilterExpression": "a = :b", "ExpressionAttributeValues": {":b": {"B": "AR=="}}}');

--
-- constraints: all that are violated, at most ten
--
CREATE FUNCTION pg_temp.violations(operation text, request text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	message text := pg_temp.send(operation, request);
	parts text[] := regexp_match(message, '^(ValidationException: \d+ validation errors? detected): (.*)$');
BEGIN
	IF parts IS NULL THEN
		RETURN NEXT message;
		RETURN;
	END IF;
	RETURN NEXT parts[1];
	RETURN QUERY SELECT x FROM regexp_split_to_table(parts[2], '; ') x ORDER BY x COLLATE "C";
END $$;
SELECT pg_temp.violations('PutItem', '{}');
SELECT pg_temp.violations('PutItem', '{"TableName": "", "Item": {}}');
SELECT pg_temp.violations('PutItem', '{"TableName": "a", "Item": {}}');
SELECT pg_temp.violations('PutItem', '{"TableName": "a;", "Item": {}}');
SELECT pg_temp.violations('PutItem', '{"TableName": "abc$"}');
SELECT pg_temp.violations('PutItem', '{"TableName": "' || repeat('a', 256) || '", "Item": {}}');
SELECT pg_temp.violations('PutItem', '{"TableName": "no", "ReturnValues": "x", "ReturnConsumedCapacity": "total", "ReturnItemCollectionMetrics": "y", "ConditionalOperator": "XOR", "ReturnValuesOnConditionCheckFailure": "z"}');
SELECT pg_temp.violations('GetItem', '{}');
SELECT pg_temp.violations('GetItem', '{"TableName": "wire", "Key": {}, "ReturnConsumedCapacity": "", "AttributesToGet": []}');
SELECT pg_temp.violations('UpdateItem', '{"TableName": "wire", "ReturnValues": "ALL", "ReturnItemCollectionMetrics": "SIZES"}');
SELECT pg_temp.violations('DeleteItem', '{"TableName": "w", "ReturnValues": "ALL"}');
SELECT pg_temp.violations('Query', '{}');
SELECT pg_temp.violations('Query', '{"TableName": "x", "IndexName": "a;", "Limit": 0, "Select": "ALL", "ReturnConsumedCapacity": "NO", "ConditionalOperator": "and", "AttributesToGet": []}');
SELECT pg_temp.violations('Query', '{"TableName": "wire", "KeyConditions": {"p": {"ComparisonOperator": "LIKE"}, "q": {}}, "QueryFilter": {"a": {"ComparisonOperator": "eq"}}}');
SELECT pg_temp.violations('Scan', '{}');
SELECT pg_temp.violations('Scan', '{"TableName": "x", "IndexName": "ab", "Limit": 0, "Select": "SOME", "Segment": -1, "TotalSegments": 0}');
SELECT pg_temp.violations('Scan', '{"TableName": "wire", "Segment": 1000000, "TotalSegments": 1000001, "Limit": -5}');
SELECT pg_temp.violations('CreateTable', '{}');
SELECT pg_temp.violations('CreateTable', '{"TableName": "ab"}');
SELECT pg_temp.violations('CreateTable', '{"TableName": "abc"}');
SELECT pg_temp.violations('CreateTable', '{"TableName": "a;c", "BillingMode": "FREE", "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "X"}, {}], "KeySchema": [{"AttributeName": "", "KeyType": "hash"}], "ProvisionedThroughput": {"ReadCapacityUnits": 0}}');
SELECT pg_temp.violations('CreateTable', '{"TableName": "abc", "AttributeDefinitions": [], "KeySchema": [], "LocalSecondaryIndexes": [{"IndexName": "h;", "KeySchema": [], "Projection": {"ProjectionType": "SOME", "NonKeyAttributes": []}}], "GlobalSecondaryIndexes": [{}]}');
-- ten and no more
SELECT pg_temp.violations('CreateTable', '{"TableName": "abc", "KeySchema": [{}, {}, {}], "AttributeDefinitions": [{}, {}, {}, {}]}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', t))) AS deleted
FROM unnest('{wire, wire_n}'::text[]) t;
