-- Domains item, attribute_value and key: what they take and refuse; item_size
\set VERBOSITY terse
\pset format unaligned

-- the error of a cast, or ok
CREATE FUNCTION pg_temp.try(domain text, document jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT $1::dynamo.%I', domain) USING document;
	RETURN 'ok';
EXCEPTION WHEN check_violation THEN
	RETURN sqlerrm;
END $$;

--
-- good values
--
SELECT v, pg_temp.try('attribute_value', v::jsonb) FROM unnest(ARRAY[
	'{"S": ""}', '{"S": "x"}', '{"N": "0"}', '{"N": "-1.5"}', '{"B": ""}', '{"B": "AQID"}', '{"B": "AQI="}', '{"B": "AQ=="}',
	'{"BOOL": true}', '{"BOOL": false}', '{"NULL": true}', '{"SS": ["a"]}', '{"SS": ["a", "", "b"]}',
	'{"NS": ["1", "2"]}', '{"BS": ["AQ==", ""]}', '{"L": []}', '{"L": [{"S": "a"}, {"N": "1"}]}', '{"M": {}}',
	'{"M": {"a": {"L": [{"M": {"b": {"NULL": true}}}]}}}']) WITH ORDINALITY t(v, i) ORDER BY i;
SELECT '{"a": {"S": "x"}, "b": {"NS": ["1"]}}'::jsonb::dynamo.item;
SELECT '{}'::jsonb::dynamo.item;
SELECT NULL::dynamo.item IS NULL AS item, NULL::dynamo.attribute_value IS NULL AS value, NULL::dynamo.key IS NULL AS key;

--
-- bad values: every text, bare, and inside a list, a map and an item
--
CREATE TEMP TABLE bad (i serial, v jsonb);
INSERT INTO bad (v) VALUES
	('{}'), ('{"X": "a"}'), ('{"s": "a"}'), ('{"S": "a", "N": "1"}'), ('{"S": "a", "N": "b"}'),
	('{"N": "b", "NULL": false}'), ('{"N": "b", "SS": []}'), ('{"N": "b", "SS": ["a", "a"]}'), ('{"BS": [], "NS": []}'), ('{"SS": ["a"], "L": [{"N": "b"}]}'),
	('{"NULL": false}'), ('{"SS": []}'), ('{"NS": []}'), ('{"BS": []}'),
	('{"SS": ["a", "a"]}'), ('{"SS": ["", "b", ""]}'), ('{"NS": ["1", "1"]}'), ('{"NS": ["1", "1.0"]}'), ('{"BS": ["Yg==", "Yg=="]}'),
	('{"N": ""}'), ('{"N": "x"}'), ('{"N": "NaN"}'), ('{"N": " 1"}'), ('{"N": "1e126"}'), ('{"N": "1e-131"}'),
	('{"N": "123456789012345678901234567890123456789"}'), ('{"NS": ["1", ""]}'),
	('{"M": {"": {"S": "a"}}}'),
	('{"S": 1}'), ('{"S": null}'), ('{"S": true}'), ('{"S": ["a"]}'), ('{"S": {"S": "a"}}'), ('{"N": 1}'), ('{"B": 1}'), ('{"B": "A"}'), ('{"B": "AR=="}'), ('{"B": "A==="}'),
	('{"B": "AQ="}'), ('{"B": "AQ== "}'), ('{"B": "A Q="}'), ('{"B": "-_=="}'), ('{"BOOL": 1}'), ('{"BOOL": "maybe"}'), ('{"NULL": "no"}'), ('{"NULL": []}'),
	('{"SS": "a"}'), ('{"SS": [1]}'), ('{"SS": [null]}'), ('{"SS": {}}'), ('{"NS": [1]}'), ('{"BS": ["A"]}'), ('{"BS": [["AQ=="]]}'),
	('{"L": {}}'), ('{"L": "a"}'), ('{"L": ["a"]}'), ('{"L": [null]}'), ('{"L": [[]]}'), ('{"M": []}'), ('{"M": "a"}'), ('{"M": {"a": "b"}}'), ('{"M": {"a": null}}'), ('{"M": {"a": []}}'),
	('"x"'), ('[]'), ('null'), ('1');
SELECT v, pg_temp.try('attribute_value', v) FROM bad ORDER BY i;
-- the same words wherever the value stands
SELECT count(*) AS values,
	count(*) FILTER (WHERE pg_temp.try('item', jsonb_build_object('a', v))
		IS DISTINCT FROM replace(pg_temp.try('attribute_value', v), 'DynamoDB attribute value', 'DynamoDB item')) AS other_in_item,
	count(*) FILTER (WHERE pg_temp.try('attribute_value', jsonb_build_object('L', jsonb_build_array(v)))
		IS DISTINCT FROM pg_temp.try('attribute_value', v)) AS other_in_list,
	count(*) FILTER (WHERE pg_temp.try('attribute_value', jsonb_build_object('M', jsonb_build_object('a', v)))
		IS DISTINCT FROM pg_temp.try('attribute_value', v)) AS other_in_map
FROM bad WHERE jsonb_typeof(v) = 'object';
-- items that are no objects
SELECT v, pg_temp.try('item', v::jsonb) FROM unnest(ARRAY['1', 'null', 'true', '[]', '"x"'])
	WITH ORDINALITY t(v, i) ORDER BY i;
SELECT pg_temp.try('item', '{"a": "x"}'), pg_temp.try('item', '{"a": []}'), pg_temp.try('item', '{"a": 1}');

--
-- good values in another than the stored form: the detail says what is wrong
--
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT '{"N": "1.0"}'::jsonb::dynamo.attribute_value;
SELECT '{"NS": ["1", "02"]}'::jsonb::dynamo.attribute_value;
SELECT '{"L": [{"N": "+1"}]}'::jsonb::dynamo.attribute_value;
SELECT '{"BOOL": "true"}'::jsonb::dynamo.attribute_value;
SELECT '{"S": "a", "N": null}'::jsonb::dynamo.attribute_value;
SELECT '{"S": "a", "X": 1}'::jsonb::dynamo.attribute_value;
SELECT '{"a": {"S": "x"}, "b": null}'::jsonb::dynamo.item;
SELECT '{"a": {"N": "1e3"}}'::jsonb::dynamo.item;
\set VERBOSITY terse
-- canonical_item brings them there
SELECT dynamo.canonical_item('{"a": {"N": "1e3"}, "b": null, "c": {"S": "x", "N": null, "X": 1}, "d": {"BOOL": "TRUE"},
	"e": {"NULL": "yes"}, "f": {"L": [{"NS": ["+1", "02.50"]}, {"M": {"g": {"BOOL": "0"}}}]}}');
SELECT dynamo.canonical_item('{"a": {"S": "x"}}');
SELECT dynamo.canonical_item('{"a": {"N": "x"}}');
SELECT dynamo.canonical_item('[]');

--
-- escapes of U+0000: U+0001 stands before U+0001 or U+0002, nowhere else
--
SELECT pg_temp.try('attribute_value', '{"S": "a\u0001\u0001b"}'), pg_temp.try('attribute_value', '{"S": "\u0001\u0002"}'),
	pg_temp.try('attribute_value', '{"S": "\u0002"}'), pg_temp.try('item', '{"\u0001\u0001": {"SS": ["\u0001\u0002\u0001\u0001"]}}');
SELECT v, pg_temp.try('item', v::jsonb) FROM unnest(ARRAY[
	'{"a": {"S": "\u0001"}}', '{"a": {"S": "\u0001x"}}', '{"a": {"S": "x\u0001\u0001\u0001"}}', '{"a": {"SS": ["a", "\u0001\u0003"]}}',
	'{"\u0001": {"S": "x"}}', '{"a": {"M": {"b\u0001c": {"S": "x"}}}}', '{"a": {"L": [{"S": "\u0001"}]}}'])
	WITH ORDINALITY t(v, i) ORDER BY i;

--
-- nesting: 32 lists and maps, no more
--
CREATE FUNCTION pg_temp.nested(open text, close text, levels int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT (repeat(open, levels) || '{"S": "x"}' || repeat(close, levels))::jsonb
$$;
SELECT pg_temp.try('attribute_value', pg_temp.nested('{"L": [', ']}', 32)) AS lists_32,
	pg_temp.try('attribute_value', pg_temp.nested('{"L": [', ']}', 33)) AS lists_33;
SELECT pg_temp.try('attribute_value', pg_temp.nested('{"M": {"a": ', '}}', 32)) AS maps_32,
	pg_temp.try('attribute_value', pg_temp.nested('{"M": {"a": ', '}}', 33)) AS maps_33;
SELECT pg_temp.try('item', jsonb_build_object('a', pg_temp.nested('{"L": [{"M": {"a": ', '}}]}', 16))) AS item_32,
	pg_temp.try('item', jsonb_build_object('a', pg_temp.nested('{"L": [{"M": {"a": ', '}}]}', 17))) AS item_34;
SELECT pg_temp.try('attribute_value', (repeat('{"L": [', 32) || repeat(']}', 32))::jsonb) AS empty_32,
	pg_temp.try('attribute_value', (repeat('{"L": [', 33) || repeat(']}', 33))::jsonb) AS empty_33,
	pg_temp.try('attribute_value', pg_temp.nested('{"L": [', ']}', 1000)) AS lists_1000;

--
-- names: 1 to 65,535 bytes
--
SELECT pg_temp.try('item', '{"": {"S": "x"}}') AS empty,
	pg_temp.try('item', jsonb_build_object(repeat('a', 65535), '{"S": "x"}'::jsonb)) AS at_limit,
	pg_temp.try('item', jsonb_build_object(repeat('a', 65536), '{"S": "x"}'::jsonb)) AS beyond;
SELECT pg_temp.try('item', jsonb_build_object(repeat('é', 32767) || 'a', '{"S": "x"}'::jsonb)) AS at_limit,
	pg_temp.try('item', jsonb_build_object(repeat('é', 32768), '{"S": "x"}'::jsonb)) AS beyond,
	pg_temp.try('item', jsonb_build_object(repeat(E'\x01\x01', 65535), '{"S": "x"}'::jsonb)) AS zeros_at_limit,
	pg_temp.try('item', jsonb_build_object(repeat(E'\x01\x01', 65536), '{"S": "x"}'::jsonb)) AS zeros_beyond;
SELECT pg_temp.try('item', '{"a b": {"S": ""}, "a.b": {"S": ""}, "[0]": {"S": ""}, "#": {"S": ""}, ":": {"S": ""}, "\\\"": {"S": ""}, "é": {"S": ""}}');

--
-- size: 409,600 bytes, no more
--
SELECT pg_temp.try('item', jsonb_build_object('a', jsonb_build_object('S', repeat('x', 409599)))) AS at_limit,
	pg_temp.try('item', jsonb_build_object('a', jsonb_build_object('S', repeat('x', 409600)))) AS beyond;
SELECT pg_temp.try('item', jsonb_build_object('p', '{"S": "k"}'::jsonb, 'a', jsonb_build_object('S', repeat('é', 204798) || 'x'))) AS at_limit,
	pg_temp.try('item', jsonb_build_object('p', '{"S": "k"}'::jsonb, 'a', jsonb_build_object('S', repeat('é', 204799)))) AS beyond;
SELECT pg_temp.try('item', jsonb_build_object('b', jsonb_build_object('B', repeat('AAAA', 136533)))) AS at_limit,
	pg_temp.try('item', jsonb_build_object('b', jsonb_build_object('B', repeat('AAAA', 136533) || 'AA=='))) AS beyond;
SELECT pg_temp.try('item', jsonb_build_object('a', jsonb_build_object('S', repeat(E'\x01\x01', 409599)))) AS zeros_at_limit,
	pg_temp.try('item', jsonb_build_object('a', jsonb_build_object('S', repeat(E'\x01\x01', 409600)))) AS zeros_beyond;
-- a list of 204,798 booleans: two bytes each, three for the list and one for the name
SELECT pg_temp.try('item', jsonb_build_object('a', jsonb_build_object('L',
		(SELECT jsonb_agg('{"BOOL": true}'::jsonb) FROM generate_series(1, 204798))))) AS at_limit,
	pg_temp.try('item', jsonb_build_object('ab', jsonb_build_object('L',
		(SELECT jsonb_agg('{"BOOL": true}'::jsonb) FROM generate_series(1, 204798))))) AS beyond;
-- the same limit in the operations, for PutItem before the table is looked up
SELECT dynamo.create_table('domain_size', 'p S');
CREATE FUNCTION pg_temp.put(tab text, bytes int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.put_item(jsonb_build_object('TableName', tab, 'Item',
		jsonb_build_object('p', '{"S": "k"}'::jsonb, 'a', jsonb_build_object('S', repeat('x', bytes - 3)))));
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
SELECT pg_temp.put('domain_size', 409600) AS at_limit, pg_temp.put('domain_size', 409601) AS beyond,
	pg_temp.put('domain_none', 409601) AS no_table;
CREATE FUNCTION pg_temp.grow(bytes int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.update_item(jsonb_build_object('TableName', 'domain_size', 'Key', '{"p": {"S": "k"}}'::jsonb,
		'UpdateExpression', 'SET b = :b', 'ExpressionAttributeValues',
		jsonb_build_object(':b', jsonb_build_object('S', repeat('y', bytes)))));
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
SELECT pg_temp.put('domain_size', 400000), pg_temp.grow(9599) AS at_limit, pg_temp.grow(9600) AS beyond;
SELECT dynamo.item_size(item) FROM dynamo_tables.domain_size;
-- and in SQL
UPDATE dynamo_tables.domain_size SET item = item || '{"c": {"S": ""}}';
SELECT dynamo.delete_table('{"TableName": "domain_size"}') IS NOT NULL AS deleted;

--
-- keys: one or two attributes of type S, N or B, not empty
--
SELECT k, pg_temp.try('key', k::jsonb) FROM unnest(ARRAY[
	'{"a": {"S": "x"}}', '{"a": {"N": "1"}}', '{"a": {"B": "AQ=="}}', '{"a": {"S": "x"}, "b": {"N": "0"}}',
	'{}', '{"a": {"S": "x"}, "b": {"N": "0"}, "c": {"N": "0"}}', '{"a": {"S": ""}}', '{"a": {"B": ""}}', '{"a": {"N": ""}}', '{"a": {"N": "1.0"}}',
	'{"a": {"BOOL": true}}', '{"a": {"NULL": true}}', '{"a": {"SS": ["x"]}}', '{"a": {"NS": ["1"]}}', '{"a": {"BS": ["AQ=="]}}', '{"a": {"L": []}}', '{"a": {"M": {}}}',
	'{"a": {}}', '{"a": "x"}', '{"a": null}', '{"": {"S": "x"}}', '[]', '"x"'])
	WITH ORDINALITY t(k, i) ORDER BY i;

-- 2,048 bytes of a partition key, 1,024 of a sort key, for writes and reads
SELECT dynamo.create_table('domain_key_s', 'p S', 's S');
SELECT dynamo.create_table('domain_key_b', 'p B', 's B');
CREATE FUNCTION pg_temp.key_error(operation text, tab text, type text, p text, s text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.execute(operation, jsonb_build_object('TableName', tab,
		CASE operation WHEN 'PutItem' THEN 'Item' ELSE 'Key' END,
		jsonb_build_object('p', jsonb_build_object(type, p), 's', jsonb_build_object(type, s))));
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;
SELECT o AS operation, pg_temp.key_error(o, 'domain_key_s', 'S', repeat('x', 2048), repeat('y', 1024)) AS at_limit,
	pg_temp.key_error(o, 'domain_key_s', 'S', repeat('x', 2049), 'y') AS partition, pg_temp.key_error(o, 'domain_key_s', 'S', 'x', repeat('y', 1025)) AS sort
FROM unnest('{PutItem, GetItem, UpdateItem, DeleteItem}'::text[]) WITH ORDINALITY t(o, i) ORDER BY i;
SELECT pg_temp.key_error('PutItem', 'domain_key_s', 'S', repeat('é', 1024), repeat('é', 512)) AS at_limit,
	pg_temp.key_error('PutItem', 'domain_key_s', 'S', repeat('é', 1024) || 'x', 'y') AS partition,
	pg_temp.key_error('PutItem', 'domain_key_s', 'S', 'x', repeat('é', 512) || 'y') AS sort;
SELECT pg_temp.key_error('PutItem', 'domain_key_s', 'S', repeat(E'\x01\x01', 2048), repeat(E'\x01\x02', 1024)) AS zeros_at_limit,
	pg_temp.key_error('PutItem', 'domain_key_s', 'S', repeat(E'\x01\x01', 2049), 'y') AS partition,
	pg_temp.key_error('PutItem', 'domain_key_s', 'S', 'x', repeat(E'\x01\x01', 1025)) AS sort;
CREATE FUNCTION pg_temp.bytes(n int) RETURNS text LANGUAGE sql AS $$
	SELECT replace(encode(convert_to(repeat('z', n), 'UTF8'), 'base64'), E'\n', '')
$$;
SELECT pg_temp.key_error('PutItem', 'domain_key_b', 'B', pg_temp.bytes(2048), pg_temp.bytes(1024)) AS at_limit,
	pg_temp.key_error('PutItem', 'domain_key_b', 'B', pg_temp.bytes(2049), pg_temp.bytes(1)) AS partition,
	pg_temp.key_error('PutItem', 'domain_key_b', 'B', pg_temp.bytes(1), pg_temp.bytes(1025)) AS sort;
-- what was put with long keys is found
SELECT count(*) AS items, count(*) FILTER (WHERE dynamo.get_item(jsonb_build_object('TableName', 'domain_key_s', 'Key', item)) -> 'Item' = item) AS found
FROM (SELECT item::jsonb FROM dynamo_tables.domain_key_s) t(item);
SELECT count(*) AS items, count(*) FILTER (WHERE dynamo.get_item(jsonb_build_object('TableName', 'domain_key_b', 'Key', item)) -> 'Item' = item) AS found
FROM (SELECT item::jsonb FROM dynamo_tables.domain_key_b) t(item);
-- empty keys
SELECT o AS operation, pg_temp.key_error(o, 'domain_key_s', 'S', '', 'y') AS partition, pg_temp.key_error(o, 'domain_key_s', 'S', 'x', '') AS sort,
	pg_temp.key_error(o, 'domain_key_b', 'B', '', 'AQ==') AS binary_partition, pg_temp.key_error(o, 'domain_key_b', 'B', 'AQ==', '') AS binary_sort
FROM unnest('{PutItem, GetItem, UpdateItem, DeleteItem}'::text[]) WITH ORDINALITY t(o, i) ORDER BY i;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', t))) AS deleted
FROM unnest('{domain_key_s, domain_key_b}'::text[]) t;

--
-- sizes: the name, and what follows from the type
--
SELECT item, dynamo.item_size(item::jsonb) = size AS agrees, size FROM (VALUES
	(1, '{}', 0), (2, '{"a": {"S": ""}}', 1), (3, '{"abc": {"S": "hello"}}', 8), (4, '{"é": {"S": "ü€😀"}}', 11), (5, '{"a": {"S": "\u0001\u0001\u0001\u0002x"}}', 4),
	(6, '{"\u0001\u0001": {"S": "x"}}', 2), (7, '{"a": {"B": ""}}', 1), (8, '{"a": {"B": "AQ=="}}', 2), (9, '{"a": {"B": "AQI="}}', 3), (10, '{"a": {"B": "AQID"}}', 4), (11, '{"a": {"B": "AQIDBA=="}}', 5),
	(12, '{"a": {"N": "0"}}', 2), (13, '{"a": {"N": "-12.5"}}', 5), (14, '{"a": {"BOOL": true}}', 2), (15, '{"a": {"BOOL": false}}', 2), (16, '{"a": {"NULL": true}}', 2),
	(17, '{"a": {"SS": ["x", "yz", ""]}}', 4), (18, '{"a": {"NS": ["0", "1", "-1"]}}', 7), (19, '{"a": {"BS": ["AQ==", "AQID"]}}', 5),
	(20, '{"a": {"L": []}}', 4), (21, '{"a": {"L": [{"S": "xy"}, {"N": "1"}]}}', 10), (22, '{"a": {"M": {}}}', 4), (23, '{"a": {"M": {"bc": {"S": "xyz"}}}}', 10),
	(24, '{"a": {"M": {"b": {"L": [{"M": {"c": {"BOOL": true}}}]}}}}', 16),
	(25, '{"pk": {"S": "k"}, "n": {"N": "123456"}, "l": {"L": [{"NULL": true}]}}', 14)) v(i, item, size)
ORDER BY i;
SELECT dynamo.item_size('[]');
SELECT dynamo.item_size('{"a": {"X": 1}}');
SELECT dynamo.item_size(NULL) IS NULL AS is_null;
