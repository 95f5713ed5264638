-- Plain JSON to DynamoDB JSON and back
\set VERBOSITY terse
\pset format unaligned

-- an item of every type
SELECT jsonb_pretty(dynamo.json_to_item('{"s": "x", "n": 1.50, "t": true, "f": false, "z": null, "l": [1, "a", null, [], {}],
	"m": {"a": {"b": 2}}, "bin": {"$binary": "AQID"}, "ss": {"$stringSet": ["b", "a"]},
	"ns": {"$numberSet": [2, 1.0]}, "bs": {"$binarySet": ["AQ==", "Ag=="]}}'));
SELECT dynamo.item_to_json('{"s": {"S": "x"}, "n": {"N": "1.5"}, "t": {"BOOL": true}, "f": {"BOOL": false}, "z": {"NULL": true},
	"l": {"L": [{"N": "1"}, {"S": "a"}, {"NULL": true}, {"L": []}, {"M": {}}]}, "m": {"M": {"a": {"M": {"b": {"N": "2"}}}}},
	"bin": {"B": "AQID"}, "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["2", "1"]}, "bs": {"BS": ["AQ==", "Ag=="]}}');
SELECT dynamo.json_to_item('{}') AS item, dynamo.item_to_json('{}') AS plain;

-- values, one by one, there and back
SELECT plain, dynamo.json_to_value(plain::jsonb) AS value,
	dynamo.value_to_json(dynamo.json_to_value(plain::jsonb)) = plain::jsonb AS same
FROM unnest(ARRAY['"x"', '""', '"é\n\"\\\t😀"', '0', '1.50', '-0', '1e3', '1e-7', '12345678901234567890123456789012345678', '-0.5e-3', 'true', 'false', 'null', '[]', '{}',
	'[1, [2, [3]]]', '{"a": {"b": {}}}', '{"$binary": ""}', '{"$binary": "AQ=="}', '{"$stringSet": [""]}', '{"$stringSet": ["b", "a"]}', '{"$numberSet": [1e2, -5]}', '{"$binarySet": ["AQ==", ""]}',
	'{"$map": {"$binary": {"x": 1}}}', '{"$map": {"$map": 1}}', '{"$map": {"$other": null}}', '{"$map": {}}', '{"$map": {"a": 1}}', '{"$map": {"a": 1, "b": 2}}'])
	WITH ORDINALITY t(plain, i) ORDER BY i;

-- objects that only look like the forms are maps
SELECT plain, dynamo.json_to_value(plain::jsonb) AS value, dynamo.value_to_json(dynamo.json_to_value(plain::jsonb)) AS back
FROM unnest(ARRAY['{"$binary": "AQ==", "a": 1}', '{"$other": 1}', '{"$Binary": "AQ=="}', '{"binary": "AQ=="}', '{"$": 1}', '{"S": "x"}', '{"N": "1"}', '{"$stringSet": ["a"], "$numberSet": [1]}'])
	WITH ORDINALITY t(plain, i) ORDER BY i;
-- in DynamoDB JSON, maps that would look like a form are wrapped
SELECT value, dynamo.value_to_json(value::jsonb) AS plain, dynamo.json_to_value(dynamo.value_to_json(value::jsonb)) = value::jsonb AS same
FROM unnest(ARRAY['{"M": {"$binary": {"S": "AQ=="}}}', '{"M": {"$map": {"M": {}}}}', '{"M": {"$stringSet": {"L": []}}}', '{"M": {"$anything": {"N": "1"}}}',
	'{"M": {"$": {"NULL": true}}}', '{"M": {"$a": {"S": ""}, "$b": {"S": ""}}}', '{"M": {"a$": {"S": ""}}}', '{"L": [{"M": {"$map": {"B": "AQ=="}}}]}'])
	WITH ORDINALITY t(value, i) ORDER BY i;
-- but never the item itself: its attributes may have any name
SELECT dynamo.json_to_item('{"$binary": "AQ=="}') AS item, dynamo.item_to_json('{"$binary": {"S": "AQ=="}}') AS plain;
SELECT dynamo.json_to_item('{"$map": {"$map": {"$binary": 1}}}') AS item;

-- numbers keep all digits, and come back without exponent
SELECT dynamo.json_to_value('1e125') ->> 'N' = '1' || repeat('0', 125) AS largest,
	dynamo.json_to_value('1e-130') ->> 'N' = '0.' || repeat('0', 129) || '1' AS smallest,
	dynamo.value_to_json('{"N": "0.10000000000000000000000000000000000001"}') AS digits,
	dynamo.value_to_json(dynamo.json_to_value('1e-130')) = '1e-130'::jsonb AS same;

-- escapes of U+0000 pass as they are; malformed ones do not
SELECT dynamo.json_to_item('{"a\u0001\u0001": "\u0001\u0002"}') AS item,
	dynamo.item_to_json('{"a\u0001\u0001": {"S": "\u0001\u0002"}}') AS plain;
SELECT dynamo.json_to_item('{"a": "\u0001"}');
SELECT dynamo.json_to_item('{"\u0001x": "a"}');

-- what is refused
CREATE FUNCTION pg_temp.try(plain jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.json_to_value(plain);
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || sqlerrm;
END $$;
SELECT plain, pg_temp.try(plain::jsonb) FROM unnest(ARRAY[
	'{"$binary": 1}', '{"$binary": null}', '{"$binary": ["AQ=="]}', '{"$binary": "A"}', '{"$binary": "AR=="}',
	'{"$stringSet": "a"}', '{"$stringSet": {}}', '{"$stringSet": []}', '{"$stringSet": [1]}', '{"$stringSet": ["a", null]}', '{"$stringSet": ["a", "a"]}',
	'{"$numberSet": 1}', '{"$numberSet": []}', '{"$numberSet": ["1"]}', '{"$numberSet": [1, 1.0]}', '{"$numberSet": [1e126]}',
	'{"$binarySet": "AQ=="}', '{"$binarySet": []}', '{"$binarySet": [1]}', '{"$binarySet": ["A"]}', '{"$binarySet": ["AQ==", "AQ=="]}',
	'{"$map": 1}', '{"$map": []}', '{"$map": null}', '{"": 1}', '[{"a": {"": 1}}]',
	'1e126', '1e-131', '123456789012345678901234567890123456789', '[1, 1e126]', '{"a": 1e-131}'])
	WITH ORDINALITY t(plain, i) ORDER BY i;
SELECT dynamo.json_to_item('[]');
SELECT dynamo.json_to_item('"x"');
SELECT dynamo.json_to_item('1');
SELECT dynamo.json_to_item('null');
SELECT dynamo.item_to_json('[]');
SELECT dynamo.item_to_json('{"a": "x"}');
SELECT dynamo.item_to_json('{"a": {"N": "1.0"}}');
SELECT dynamo.value_to_json('{"N": "x"}');
SELECT dynamo.value_to_json('"x"');
SELECT dynamo.value_to_json('{}');
-- 32 levels, no more; and a hostile depth
SELECT pg_temp.try((repeat('[', 32) || repeat(']', 32))::jsonb) LIKE '{"L"%' AS levels_32,
	pg_temp.try((repeat('[', 33) || repeat(']', 33))::jsonb) AS levels_33;
SELECT left(pg_temp.try((repeat('{"a":', 3000) || '1' || repeat('}', 3000))::jsonb), 60) AS levels_3000;
SELECT dynamo.value_to_json((repeat('{"L": [', 32) || repeat(']}', 32))::jsonb) = (repeat('[', 32) || repeat(']', 32))::jsonb AS levels_32;
-- 400 KB
SELECT dynamo.item_size(dynamo.json_to_item(jsonb_build_object('a', repeat('x', 409599)))) AS at_limit;
SELECT dynamo.json_to_item(jsonb_build_object('a', repeat('x', 409600)));
SELECT dynamo.canonical_item(jsonb_build_object('a', jsonb_build_object('S', repeat('x', 409600))));

-- NULL
SELECT dynamo.json_to_item(NULL) IS NULL AS json_to_item, dynamo.item_to_json(NULL) IS NULL AS item_to_json,
	dynamo.json_to_value(NULL) IS NULL AS json_to_value, dynamo.value_to_json(NULL) IS NULL AS value_to_json;

-- through a table: the forms for people are the same conversion
SELECT dynamo.create_table('plainjson', 'p S');
SELECT dynamo.put_item('plainjson', '{"p": "x", "n": 1.0, "b": {"$binary": "AQ=="}, "s": {"$stringSet": ["a"]}, "m": {"$map": {"$x": null}}}');
SELECT item FROM dynamo_tables.plainjson;
SELECT dynamo.get_item('plainjson', '{"p": "x"}');
SELECT dynamo.item_to_json(item) = dynamo.get_item('plainjson', '{"p": "x"}') AS same FROM dynamo_tables.plainjson;
INSERT INTO dynamo_tables.plainjson (item) SELECT dynamo.json_to_item(jsonb_build_object('p', 'k' || i, 'n', i)) FROM generate_series(1, 3) i;
SELECT dynamo.item_to_json(item) FROM dynamo_tables.plainjson ORDER BY pk;
SELECT dynamo.delete_table('{"TableName": "plainjson"}') IS NOT NULL AS deleted;

-- round trips of a bundled corpus of shapes
SELECT count(*) AS items, count(*) FILTER (WHERE dynamo.json_to_item(dynamo.item_to_json(item)) IS DISTINCT FROM item) AS changed
FROM (SELECT jsonb_build_object('i', jsonb_build_object('N', i::text), 'v', v,
		'l', jsonb_build_object('L', jsonb_build_array(v, v)), 'm', jsonb_build_object('M', jsonb_build_object('$k', v)))
	FROM generate_series(1, 20) i, unnest('{"{\"S\": \"\"}", "{\"N\": \"-0.1\"}", "{\"B\": \"AA==\"}", "{\"SS\": [\"x\"]}", "{\"NS\": [\"7\"]}", "{\"BS\": [\"\"]}",
		"{\"BOOL\": true}", "{\"NULL\": true}", "{\"L\": []}", "{\"M\": {\"$map\": {\"NULL\": true}}}"}'::jsonb[]) v) t(item);
