-- Items of tables with secondary indexes: what writes refuse, what they cost,
-- item collections.
\set VERBOSITY terse
\pset format unaligned

-- attributes 'a S, b N'; indexes as {"name": ["g S, h N" keys, projection]}
CREATE FUNCTION pg_temp.schema(hash text[], range text[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce((SELECT jsonb_agg(jsonb_build_object('AttributeName', a, 'KeyType', 'HASH')) FROM unnest(hash) a), '[]')
		|| coalesce((SELECT jsonb_agg(jsonb_build_object('AttributeName', a, 'KeyType', 'RANGE')) FROM unnest(range) a), '[]')
$$;
CREATE FUNCTION pg_temp.index(name text, hash text[], range text[], VARIADIC include text[] DEFAULT '{ALL}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('IndexName', name, 'KeySchema', pg_temp.schema(hash, range),
		'Projection', CASE WHEN include[1] IN ('ALL', 'KEYS_ONLY')
			THEN jsonb_build_object('ProjectionType', include[1])
			ELSE jsonb_build_object('ProjectionType', 'INCLUDE', 'NonKeyAttributes', include) END)
$$;
CREATE FUNCTION pg_temp.make(name text, attributes text, more jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'KeySchema', pg_temp.schema('{p}', '{r}'),
		'AttributeDefinitions', (SELECT jsonb_agg(jsonb_build_object(
			'AttributeName', split_part(a, ' ', 1), 'AttributeType', split_part(a, ' ', 2)))
			FROM regexp_split_to_table(attributes, ', ') a)) || more) #>> '{TableDescription,TableStatus}'
$$;
CREATE FUNCTION pg_temp.put(item jsonb, more jsonb DEFAULT '{}', name text DEFAULT 'ix_item')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.put_item(jsonb_build_object('TableName', name, 'Item', item) || more)
$$;
CREATE FUNCTION pg_temp.key(p text, r text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('p', jsonb_build_object('S', p), 'r', jsonb_build_object('S', r))
$$;
CREATE FUNCTION pg_temp.update(r text, expression text, vals jsonb DEFAULT NULL,
	more jsonb DEFAULT '{}', name text DEFAULT 'ix_item') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_item(jsonb_build_object('TableName', name, 'Key', pg_temp.key('p', r),
		'UpdateExpression', expression)
		|| CASE WHEN vals IS NULL THEN '{}' ELSE jsonb_build_object('ExpressionAttributeValues', vals) END || more)
$$;
CREATE FUNCTION pg_temp.delete(r text, more jsonb DEFAULT '{}', name text DEFAULT 'ix_item') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.delete_item(jsonb_build_object('TableName', name, 'Key', pg_temp.key('p', r)) || more)
$$;
-- an item of partition "p"
CREATE FUNCTION pg_temp.item(r text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.key('p', r) || more
$$;
CREATE FUNCTION pg_temp.s(len int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('S', repeat('x', len))
$$;
CREATE FUNCTION pg_temp.b(len int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('B', translate(encode(decode(repeat('00', len), 'hex'), 'base64'), E'\n', ''))
$$;
-- "sum = table + index units, ..." of a response
CREATE FUNCTION pg_temp.units(response jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', c ->> 'CapacityUnits', '= table', c #>> '{Table,CapacityUnits}',
		(SELECT string_agg('+ ' || k || ' ' || (v ->> 'CapacityUnits'), ' ' ORDER BY k)
		FROM jsonb_each(coalesce(c -> 'LocalSecondaryIndexes', '{}') || coalesce(c -> 'GlobalSecondaryIndexes', '{}')) AS e(k, v)))
	FROM (SELECT response -> 'ConsumedCapacity' AS c) x
$$;
\set indexes '{"ReturnConsumedCapacity": "INDEXES"}'

SELECT pg_temp.make('ix_item', 'p S, r S, l N, g S, h N, b B, m1 S, m2 N, m3 S, m4 B', jsonb_build_object(
	'LocalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('lkeys', '{p}', '{l}', 'KEYS_ONLY')),
	'GlobalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('gall', '{g}', '{h}'),
		pg_temp.index('ginc', '{b}', '{}', 'x', 'y'),
		pg_temp.index('multi', '{m1,m2}', '{m3,m4}', 'KEYS_ONLY'))));
-- keys of the table the other way round, and one attribute as both kinds of key
SELECT pg_temp.make('ix_item_swap', 'p S, r S, a S', jsonb_build_object(
	'GlobalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('swap', '{r}', '{p}', 'KEYS_ONLY'),
		pg_temp.index('hash', '{a}', '{p}', 'KEYS_ONLY'),
		pg_temp.index('range', '{p}', '{a}', 'KEYS_ONLY'))));

--
-- PutItem: types
--
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"N": "1"}, "l": {"N": "1"}, "b": {"B": "AA=="}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"N": "1"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"NULL": true}, "h": {"N": "1"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"S": "1"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"l": {"SS": ["1"]}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"b": {"S": "AA=="}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"b": {"M": {}}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"m1": {"BOOL": true}}'));
-- the first global index, before local ones; parts count one by one, even when others are missing
SELECT pg_temp.put(pg_temp.item('1', '{"l": {"S": ""}, "h": {"S": "1"}, "m4": {"S": "a"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"l": {"S": ""}, "m4": {"S": "a"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"m2": {"N": "1"}, "m3": {"L": []}}'));
-- empty values
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": ""}, "h": {"N": "1"}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"b": {"B": ""}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"m3": {"S": ""}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"m4": {"B": ""}}'));
SELECT pg_temp.put(pg_temp.item('1', '{"x": {"S": ""}, "y": {"B": ""}}'));
-- the table's key first, then the index, then the condition
SELECT pg_temp.put('{"p": {"S": "p"}, "g": {"N": "1"}}');
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"N": "1"}}'), '{"ConditionExpression": "attribute_exists(nothing)"}');
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"N": "1"}}'), '{"ConditionExpression": "attribute_exists("}');
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"N": "1"}}'), name => 'ix_item_none');

--
-- PutItem: sizes
--
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('g', pg_temp.s(2048), 'h', '{"N": "1"}'::jsonb)));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('g', pg_temp.s(2049))));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('g', jsonb_build_object('S', repeat('ü', 1024)))));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('g', jsonb_build_object('S', repeat('ü', 1025)))));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('b', pg_temp.b(2048))));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('b', pg_temp.b(2049))));
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('a', pg_temp.s(1024))), name => 'ix_item_swap');
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('a', pg_temp.s(1025))), name => 'ix_item_swap');
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('a', pg_temp.s(2049))), name => 'ix_item_swap');
-- a legal key of the table may be too large for an index
SELECT pg_temp.put(pg_temp.key(repeat('p', 1024), repeat('r', 1024)), name => 'ix_item_swap');
SELECT pg_temp.put(pg_temp.key(repeat('p', 1025), 'r'), name => 'ix_item_swap');
SELECT dynamo.update_item(jsonb_build_object('TableName', 'ix_item_swap', 'Key', pg_temp.key(repeat('p', 1025), 'r')));
-- several attributes together; numbers do not count
SELECT pg_temp.units(pg_temp.put(pg_temp.item('m', jsonb_build_object('m1', pg_temp.s(2048), 'm2', '{"N": "1e100"}'::jsonb,
	'm3', pg_temp.s(24), 'm4', pg_temp.b(1000))), :'indexes'));
SELECT count(*) FROM dynamo_tables."ix_item:multi";
SELECT pg_temp.put(pg_temp.item('m', jsonb_build_object('m1', pg_temp.s(2049))));
SELECT pg_temp.put(pg_temp.item('m', jsonb_build_object('m3', pg_temp.s(25), 'm4', pg_temp.b(1000))));
SELECT pg_temp.delete('m');

--
-- UpdateItem: values of the request
--
SELECT pg_temp.put(pg_temp.item('u', '{"g": {"S": "g"}, "h": {"N": "1"}, "t": {"S": "text"}, "n": {"N": "7"}, "e": {"S": ""}}'));
SELECT pg_temp.update('u', 'SET g = :v', '{":v": {"N": "1"}}');
SELECT pg_temp.update('u', 'SET g = (:v)', '{":v": {"NULL": true}}');
SELECT pg_temp.update('u', 'SET t = :w, h = :v', '{":v": {"S": "1"}, ":w": {"S": "1"}}');
SELECT pg_temp.update('u', 'SET l = :v', '{":v": {"L": []}}');
SELECT pg_temp.update('u', 'ADD h :v', '{":v": {"NS": ["1"]}}');
SELECT pg_temp.update('u', 'ADD b :v', '{":v": {"N": "1"}}');
SELECT pg_temp.update('u', 'SET #m = :v', '{":v": {"N": "1"}}', '{"ExpressionAttributeNames": {"#m": "m4"}}');
SELECT pg_temp.update('u', 'SET g = :v', '{":v": {"S": ""}}');
SELECT pg_temp.update('u', 'SET b = :v', '{":v": {"B": ""}}');
SELECT pg_temp.update('u', 'SET g = :v', jsonb_build_object(':v', pg_temp.s(2049)));
SELECT pg_temp.update('u', 'SET m3 = :v', jsonb_build_object(':v', pg_temp.s(1025)));
-- they come before the condition, after the table's own keys
SELECT pg_temp.update('u', 'SET g = :v', '{":v": {"N": "1"}}', '{"ConditionExpression": "attribute_exists(nothing)"}');
SELECT pg_temp.update('u', 'SET g = :v, r = :v', '{":v": {"N": "1"}}');
-- paths below an index key; they may be read
SELECT pg_temp.update('u', 'SET g.a = :v', '{":v": {"N": "1"}}');
SELECT pg_temp.update('u', 'REMOVE l[0]');
SELECT pg_temp.update('u', 'SET m4.#a[1] = :v', '{":v": {"N": "1"}}', '{"ExpressionAttributeNames": {"#a": "a"}}');
SELECT pg_temp.update('u', 'SET z = if_not_exists(g.a, :v)', '{":v": {"N": "1"}}');
SELECT dynamo.get_item('{"TableName": "ix_item", "Key": {"p": {"S": "p"}, "r": {"S": "u"}}, "ProjectionExpression": "g.a"}');
SELECT dynamo.get_item('{"TableName": "ix_item", "Key": {"p": {"S": "p"}, "r": {"S": "u"}}, "ProjectionExpression": "r.a"}');
SELECT dynamo.get_item('{"TableName": "ix_item", "Key": {"p": {"S": "p"}, "r": {"S": "u"}}, "ProjectionExpression": "g"}');

--
-- UpdateItem: computed values
--
SELECT pg_temp.update('u', 'SET h = t');
SELECT pg_temp.update('u', 'SET g = n + :v', '{":v": {"N": "1"}}');
SELECT pg_temp.update('u', 'SET b = if_not_exists(b, :v)', '{":v": {"N": "1"}}');
SELECT pg_temp.update('u', 'SET g = e');
SELECT pg_temp.update('u', 'SET l = if_not_exists(l, :v)', '{":v": {"S": ""}}');
-- a condition that fails hides them, an error of the expression too
SELECT pg_temp.update('u', 'SET h = t', NULL, '{"ConditionExpression": "attribute_exists(nothing)"}');
SELECT pg_temp.update('u', 'SET h = t, g = nothing');
-- before the item's size
SELECT pg_temp.update('u', 'SET h = t, big = :big', jsonb_build_object(':big', pg_temp.s(409600)));
SELECT pg_temp.update('u', 'SET big = :big', jsonb_build_object(':big', pg_temp.s(409600)));
-- too large
SELECT pg_temp.update('u', 'SET t = :v', jsonb_build_object(':v', pg_temp.s(2049)));
SELECT pg_temp.update('u', 'SET g = t');
SELECT pg_temp.update('u', 'SET t = :v', jsonb_build_object(':v', pg_temp.s(2048)));
SELECT pg_temp.update('u', 'SET g = t');
SELECT pg_temp.update('u', 'SET m3 = :v', jsonb_build_object(':v', pg_temp.s(24)));
SELECT pg_temp.update('u', 'SET m4 = :v', jsonb_build_object(':v', pg_temp.b(1001)));
SELECT pg_temp.update('u', 'SET m4 = :v', jsonb_build_object(':v', pg_temp.b(1000)));
-- an update creates
SELECT pg_temp.update('v', 'SET g = if_not_exists(g, :v)', '{":v": {"N": "1"}}');
SELECT pg_temp.update('v', 'SET g = if_not_exists(g, :v)', '{":v": {"S": "1"}}', '{"ReturnValues": "ALL_NEW"}');
-- removing is always allowed
SELECT pg_temp.update('v', 'REMOVE g', NULL, '{"ReturnValues": "ALL_NEW"}');
SELECT pg_temp.delete('v');
-- plain SQL may store what an index does not take; who does not touch it is not refused
INSERT INTO dynamo_tables.ix_item (item) VALUES ('{"p": {"S": "p"}, "r": {"S": "sql"}, "g": {"N": "1"}, "h": {"N": "1"}}');
SELECT pg_temp.units(pg_temp.update('sql', 'SET t = :v', '{":v": {"S": "t"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('sql', 'SET h = :v', '{":v": {"N": "2"}}', :'indexes'));
SELECT pg_temp.update('sql', 'SET g = g');
SELECT pg_temp.units(pg_temp.update('sql', 'SET g = :v', '{":v": {"S": "2"}}', :'indexes'));
SELECT pg_temp.delete('sql');
SELECT pg_temp.delete('u');
SELECT pg_temp.delete('1');

--
-- capacity: shapes
--
SELECT jsonb_pretty(pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"N": "1"}, "l": {"N": "1"}}'), :'indexes'));
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"N": "1"}, "l": {"N": "2"}}'), '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"N": "1"}, "l": {"N": "2"}}'), '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.put(pg_temp.item('1', '{"g": {"S": "g"}, "h": {"N": "1"}, "l": {"N": "2"}}'), '{"ReturnConsumedCapacity": "NONE"}');
SELECT pg_temp.delete('1', :'indexes');
SELECT pg_temp.delete('1', :'indexes');

--
-- capacity: the ladder, index with all attributes
--
-- enters: of an entry's size
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', jsonb_build_object('g', '{"S": "g"}'::jsonb, 'h', '{"N": "1"}'::jsonb, 'x', pg_temp.s(1500))), :'indexes'));
-- nothing changes
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', jsonb_build_object('g', '{"S": "g"}'::jsonb, 'h', '{"N": "1.0"}'::jsonb, 'x', pg_temp.s(1500))), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET h = :v', '{":v": {"N": "1"}}', :'indexes'));
-- a projected attribute: the larger of old and new
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', jsonb_build_object('g', '{"S": "g"}'::jsonb, 'h', '{"N": "1"}'::jsonb, 'x', pg_temp.s(100))), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(3000)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET y = :v', jsonb_build_object(':v', pg_temp.s(1)), :'indexes'));
-- the order within a set is no change
SELECT pg_temp.units(pg_temp.update('1', 'SET s = :v', '{":v": {"SS": ["a", "b"]}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET s = :v', '{":v": {"SS": ["b", "a"]}}', :'indexes'));
-- a key changes: delete and put
SELECT pg_temp.units(pg_temp.update('1', 'SET h = :v REMOVE x', '{":v": {"N": "2"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET g = :v', '{":v": {"S": "G"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'ADD h :v', '{":v": {"N": "2"}}', :'indexes'));
-- leaves: of the old entry's size; is not there; comes back
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(1500)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'REMOVE h, x', NULL, :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(1500)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET h = :v', '{":v": {"N": "2"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.delete('1', :'indexes'));
SELECT pg_temp.units(pg_temp.delete('1', :'indexes'));

--
-- capacity: keys only, included attributes, several attributes
--
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'b', '{"B": "AA=="}'::jsonb,
	'x', pg_temp.s(1000), 'z', pg_temp.s(1500))), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET z = :v', jsonb_build_object(':v', pg_temp.s(1)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET y = :v', jsonb_build_object(':v', pg_temp.s(100)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'REMOVE y', NULL, :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET l = :v', '{":v": {"N": "2"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET b = :v', '{":v": {"B": "AQ=="}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET m1 = :m1, m2 = :m2, m3 = :m3',
	'{":m1": {"S": "1"}, ":m2": {"N": "2"}, ":m3": {"S": "3"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET m4 = :v', '{":v": {"B": "AA=="}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET m3 = :v', '{":v": {"S": "4"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET m2 = :v', '{":v": {"N": "4"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'REMOVE m1', NULL, :'indexes'));
-- exactly at a unit's end: the entry has 4 bytes of p and r, 2 of b, 1 of the name x
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(1017)), :'indexes'));
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(1018)), :'indexes'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1'), :'indexes'));
-- writes that create; a condition; the old item wanted
SELECT pg_temp.units(pg_temp.update('2', 'SET l = :v', '{":v": {"N": "1"}}', :'indexes'));
SELECT pg_temp.units(pg_temp.update('3', 'REMOVE l', NULL, :'indexes'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('2', '{"l": {"N": "2"}}'), :'indexes'::jsonb || '{"ConditionExpression": "attribute_exists(l)"}'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('3', '{"l": {"N": "2"}}'), :'indexes'::jsonb || '{"ConditionExpression": "attribute_not_exists(l)"}'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('3', '{"l": {"N": "3"}}'), :'indexes'::jsonb || '{"ReturnValues": "ALL_OLD"}'));
SELECT pg_temp.units(pg_temp.delete('3', :'indexes'::jsonb || '{"ReturnValues": "ALL_OLD"}'));

--
-- capacity: both kinds of index, each projection
--
SELECT pg_temp.make('ix_item_kinds', 'p S, r S, l N, g S', jsonb_build_object(
	'LocalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('lall', '{p}', '{l}'),
		pg_temp.index('lkeys', '{p}', '{l}', 'KEYS_ONLY'),
		pg_temp.index('linc', '{p}', '{l}', 'x')),
	'GlobalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('gall', '{g}', '{}'),
		pg_temp.index('gkeys', '{g}', '{}', 'KEYS_ONLY'),
		pg_temp.index('ginc', '{g}', '{}', 'x'))));
-- enters all, one projection changes, another does, nothing does
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'g', '{"S": "1"}'::jsonb,
	'x', pg_temp.s(1500))), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'SET y = :v', jsonb_build_object(':v', pg_temp.s(1500)), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(500)), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'SET x = :v', jsonb_build_object(':v', pg_temp.s(500)), :'indexes', 'ix_item_kinds'));
-- keys change, with a projected attribute and without; attributes appear and go
SELECT pg_temp.units(pg_temp.update('1', 'SET l = :l, g = :g', '{":l": {"N": "2"}, ":g": {"S": "2"}}', :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'SET l = :l, x = :v', jsonb_build_object(':l', '{"N": "3"}'::jsonb, ':v', pg_temp.s(3000)), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'REMOVE l', NULL, :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'REMOVE x', NULL, :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('1', 'SET l = :l', '{":l": {"N": "2"}}', :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', '{"l": {"N": "2"}, "g": {"S": "3"}}'), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('1', '{"l": {"N": "2"}, "g": {"S": "3"}, "a": {"N": "1"}}'), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.delete('1', :'indexes', 'ix_item_kinds'));

-- an index that is not active refuses nothing, but is written
BEGIN;
SELECT pg_temp.put(pg_temp.item('1', '{"n": {"BOOL": true}}'), name => 'ix_item_kinds');
SELECT dynamo.update_table('{"TableName": "ix_item_kinds",
	"AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "S"}],
	"GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "new", "Projection": {"ProjectionType": "ALL"},
	"KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}]}}]}') #>> '{TableDescription,TableStatus}';
SELECT pg_temp.units(pg_temp.put(pg_temp.item('2', '{"n": {"N": "1"}}'), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.put(pg_temp.item('3', '{"n": {"S": "1"}}'), :'indexes', 'ix_item_kinds'));
SELECT pg_temp.units(pg_temp.update('3', 'SET n = :v', '{":v": {"S": ""}}', :'indexes', 'ix_item_kinds'));
ROLLBACK;

-- all that is exact
SELECT index_name, count(problem) FROM dynamo.index_definition AS d
	JOIN dynamo.table_definition USING (relid)
	LEFT JOIN LATERAL dynamo.verify_index(table_name, index_name) ON true
	WHERE table_name IN ('ix_item', 'ix_item_kinds', 'ix_item_swap')
	GROUP BY d.index_relid, table_name, index_name ORDER BY table_name, index_name;

--
-- an item and its projections in local indexes: 400 KB together
--
SELECT pg_temp.make('ix_item_local', 'p S, r S, l N, k N', jsonb_build_object(
	'LocalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('lall', '{p}', '{l}'),
		pg_temp.index('lkeys', '{p}', '{k}', 'KEYS_ONLY'))));
-- p, r, l and x have 8 bytes beside the value of x; twice that is 409,600
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'x', pg_temp.s(204800 - 8))), name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'x', pg_temp.s(204800 - 7))), name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('2', jsonb_build_object('x', pg_temp.s(409600 - 5))), name => 'ix_item_local');
SELECT pg_temp.update('2', 'SET l = :v', '{":v": {"N": "1"}}', name => 'ix_item_local');
SELECT pg_temp.update('2', 'SET k = :v REMOVE x', '{":v": {"N": "1"}}', name => 'ix_item_local');
SELECT pg_temp.update('1', 'SET k = :v', '{":v": {"N": "1"}}', name => 'ix_item_local');
-- the key comes first
SELECT pg_temp.put(pg_temp.item('1', jsonb_build_object('l', '{"S": "1"}'::jsonb, 'x', pg_temp.s(300000))), name => 'ix_item_local');

--
-- item collections
--
SELECT pg_temp.put(pg_temp.item('3'), '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_local');
SELECT pg_temp.update('3', 'SET l = :v', '{":v": {"N": "1"}}', '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_local');
SELECT pg_temp.delete('3', '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_local');
SELECT pg_temp.delete('3', '{"ReturnItemCollectionMetrics": "NONE"}', 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('3'), '{"ReturnItemCollectionMetrics": "ALL"}', 'ix_item_local');
-- no local index, no metrics
SELECT pg_temp.put(pg_temp.item('3'), '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_swap');

-- text that does not compress
CREATE FUNCTION pg_temp.noise(seed text, blocks int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('S', string_agg(md5(seed || i), '' ORDER BY i)) FROM generate_series(1, blocks) i
$$;
-- 12 items of 100,000 bytes, each with a projection, in one collection, some of another
SELECT count(pg_temp.put(jsonb_build_object('p', jsonb_build_object('S', 'other'), 'r', jsonb_build_object('S', i::text),
	'l', jsonb_build_object('N', i::text), 'x', pg_temp.noise(i::text, 3125)), name => 'ix_item_local')) FROM generate_series(1, 12) i;
SELECT pg_temp.delete('1', name => 'ix_item_local'), pg_temp.delete('2', name => 'ix_item_local');
SELECT count(pg_temp.put(pg_temp.item(i::text, jsonb_build_object(
	'l', jsonb_build_object('N', i::text), 'x', pg_temp.noise(i::text, 3125))), name => 'ix_item_local')) FROM generate_series(1, 4) i;
SHOW dynamo.max_item_collection_size;
SET dynamo.max_item_collection_size = '0MB';
SET dynamo.max_item_collection_size = '1MB';
-- 800,000 bytes and room for more; the item that passes the limit is the last
SELECT pg_temp.put(pg_temp.item('5', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'x', pg_temp.noise('5', 3125))), name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('6', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'x', pg_temp.noise('6', 3125))), name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('7'), name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('7'), '{"ConditionExpression": "attribute_exists(p)"}', 'ix_item_local');
SELECT pg_temp.update('7', 'SET a = :v', '{":v": {"N": "1"}}', name => 'ix_item_local');
SELECT pg_temp.update('7', 'REMOVE a', name => 'ix_item_local');
SELECT pg_temp.update('6', 'SET a = :v', '{":v": {"N": "1"}}', name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('6', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'y', pg_temp.noise('6', 3126))), name => 'ix_item_local');
-- what does not grow may be written
SELECT pg_temp.update('6', 'SET l = :v', '{":v": {"N": "2"}}', name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('6', jsonb_build_object('l', '{"N": "1"}'::jsonb, 'y', pg_temp.noise('6', 3125))), name => 'ix_item_local');
SELECT pg_temp.update('6', 'REMOVE l', NULL, '{"ReturnItemCollectionMetrics": "SIZE"}', name => 'ix_item_local');
SELECT pg_temp.delete('5', name => 'ix_item_local');
SELECT pg_temp.put(pg_temp.item('7'), name => 'ix_item_local');
-- other collections, and tables without local indexes, are not concerned
SELECT pg_temp.put('{"p": {"S": "third"}, "r": {"S": "1"}}', name => 'ix_item_local');
SELECT pg_temp.put('{"p": {"S": "other"}, "r": {"S": "1"}, "l": {"S": "1"}}', name => 'ix_item_local');
SELECT pg_temp.put('{"p": {"S": "other"}, "r": {"S": "99"}}', name => 'ix_item_local');
RESET dynamo.max_item_collection_size;
SELECT pg_temp.put('{"p": {"S": "other"}, "r": {"S": "99"}}', name => 'ix_item_local');

-- who sees a part of a collection, in a table of several partitions
SET dynamo.table_partitions = 3;
SELECT pg_temp.make('ix_item_parts', 'p S, r S, l N', jsonb_build_object(
	'LocalSecondaryIndexes', jsonb_build_array(pg_temp.index('lall', '{p}', '{l}'))));
RESET dynamo.table_partitions;
SELECT count(pg_temp.put(pg_temp.item(i::text, jsonb_build_object(
	'l', jsonb_build_object('N', i::text), 'x', pg_temp.noise(i::text, 3125))), name => 'ix_item_parts')) FROM generate_series(1, 8) i;
SET dynamo.max_item_collection_size = '1MB';
CREATE ROLE regress_index_item;
GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables.ix_item_parts TO regress_index_item;
ALTER TABLE dynamo_tables.ix_item_parts ENABLE ROW LEVEL SECURITY;
CREATE POLICY last_ones ON dynamo_tables.ix_item_parts TO regress_index_item USING (sk >= '7');
SET ROLE regress_index_item;
SELECT count(*) FROM dynamo_tables.ix_item_parts;
SELECT pg_temp.put(pg_temp.item('9'), name => 'ix_item_parts');
SELECT pg_temp.put(pg_temp.item('7'), '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_parts');
SELECT pg_temp.put(pg_temp.key('q', '7'), '{"ReturnItemCollectionMetrics": "SIZE"}', 'ix_item_parts');
SET dynamo.max_item_collection_size = '2MB';
RESET ROLE;
RESET dynamo.max_item_collection_size;

SELECT dynamo.delete_table(jsonb_build_object('TableName', name)) IS NOT NULL FROM unnest('{ix_item,ix_item_swap,ix_item_local,ix_item_kinds,ix_item_parts}'::text[]) name;
DROP ROLE regress_index_item;
