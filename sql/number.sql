-- Numbers: canonical text, errors, arithmetic, keys, sizes
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('number_item', 'p S');
SELECT dynamo.create_table('number_key', 'p N', 's N');

-- what a number becomes by PutItem and GetItem, or the error
CREATE FUNCTION pg_temp.stored(number text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.put_item(jsonb_build_object('TableName', 'number_item', 'Item',
		'{"p": {"S": "x"}}' || jsonb_build_object('n', jsonb_build_object('N', number))));
	RETURN dynamo.get_item('{"TableName": "number_item", "Key": {"p": {"S": "x"}}}')
		#>> '{Item,n,N}';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

-- and by UpdateItem with an expression over :a, :b and the stored number n
CREATE FUNCTION pg_temp.computed(stored text, expression text, vals jsonb) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.put_item(jsonb_build_object('TableName', 'number_item', 'Item',
		'{"p": {"S": "x"}}' || jsonb_build_object('n', jsonb_build_object('N', stored))));
	RETURN dynamo.update_item(jsonb_build_object('TableName', 'number_item',
		'Key', '{"p": {"S": "x"}}'::jsonb, 'UpdateExpression', expression,
		'ExpressionAttributeValues', vals, 'ReturnValues', 'UPDATED_NEW'))
		#>> '{Attributes,n,N}';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

--
-- canonical text
--
SELECT number, pg_temp.stored(number) FROM unnest('{
	007, +1.5, 1.00, 100.000, -0, -0.0, +0, 0, 0.000, 0e5, 1e3, 1.5e2, 123e-2, 1.0e-1, .5,
	1e20, 1e-20, 3, -7.1234, +3, .123, 0001.23, 1e+5, -17.4E37, -.5, 5., 1E3, 1e03, 1e-0, 00, -00.00,
	0.10, 10, 1234567890, 12.50e1, 99999999999999999999999999999999999999,
	0.00000000000000000000000000000000000001, -1e-10}'::text[])
	WITH ORDINALITY t(number, i) ORDER BY i;
-- the largest and the smallest
SELECT pg_temp.stored('1e125') = '1' || repeat('0', 125) AS largest_power,
	pg_temp.stored('-1e125') = '-1' || repeat('0', 125) AS negative,
	pg_temp.stored('9.9999999999999999999999999999999999999e125') = repeat('9', 38) || repeat('0', 88) AS largest,
	pg_temp.stored('-9.9999999999999999999999999999999999999e125') = '-' || repeat('9', 38) || repeat('0', 88) AS lowest,
	pg_temp.stored('1e-130') = '0.' || repeat('0', 129) || '1' AS smallest,
	pg_temp.stored('-1e-130') = '-0.' || repeat('0', 129) || '1' AS negative_smallest,
	pg_temp.stored('1.2345678901234567890123456789012345678e-130')
		= '0.' || repeat('0', 129) || '12345678901234567890123456789012345678' AS longest;
-- the same from other spellings of them
SELECT pg_temp.stored(repeat('0', 1000) || '1' || repeat('0', 125)) = '1' || repeat('0', 125) AS zeros_before,
	pg_temp.stored('0.' || repeat('0', 500) || '1e501') = '1' AS zeros_and_exponent,
	pg_temp.stored('1' || repeat('0', 1000) || 'e-1000') = '1' AS zeros_after,
	pg_temp.stored('1.' || repeat('0', 5000)) = '1' AS zeros_in_fraction,
	pg_temp.stored('0.1e126') = '1' || repeat('0', 125) AS largest_power,
	pg_temp.stored('10e-131') = '0.' || repeat('0', 129) || '1' AS smallest,
	pg_temp.stored('1e0000000000000000000000125') = '1' || repeat('0', 125) AS exponent_zeros;
-- 38 digits after trimming zeros
SELECT pg_temp.stored('12345678901234567890123456789012345678'),
	pg_temp.stored('0.00012345678901234567890123456789012345678000'),
	pg_temp.stored('123456789012345678901234567890123456780000'),
	pg_temp.stored('1234567890123456789.0123456789012345678');
SELECT pg_temp.stored('123456789012345678901234567890123456789') AS whole,
	pg_temp.stored('1.23456789012345678901234567890123456789') AS fraction,
	pg_temp.stored('1' || repeat('0', 37) || '1') AS far_apart,
	pg_temp.stored(repeat('1', 100)) AS many;

--
-- what is refused
--
SELECT number, pg_temp.stored(number) FROM unnest(ARRAY[
	'', ' ', ' 1', '1 ', '1 2', E'1\n', 'abc', 'NaN', 'Infinity', '-Infinity', 'inf', '+', '-', '.', '-.',
	'e', 'e5', '.e5', '1e', '1e+', '1e-', '--1', '+-1', '1-', '1.2.3', '1e1.5', '1e5e5', '1,000', '0x10', '1_000', '１',
	'1d', '1f', '$1', '1%'])
	WITH ORDINALITY t(number, i) ORDER BY i;
SELECT number, pg_temp.stored(number) FROM unnest('{
	1e126, -1e126, 10e125, 0.1e127, 1e1000000, 1e99999999999999999999, -9.99e126,
	1e-131, -1e-131, 0.1e-130, 1e-1000000, 1e-99999999999999999999}'::text[])
	WITH ORDINALITY t(number, i) ORDER BY i;
SELECT left(pg_temp.stored('1' || repeat('0', 126)), 60) AS overflow,
	left(pg_temp.stored('0.' || repeat('0', 130) || '1'), 60) AS underflow;
-- zero with a large exponent: refused where zero is written as an integer
SELECT pg_temp.stored('0e125'), pg_temp.stored('0e126'), pg_temp.stored('0.0e126'),
	pg_temp.stored('-0e-130'), pg_temp.stored('0e-131');

--
-- everywhere a number may stand
--
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "all"}, "n": {"N": "+1.0"},
	"ns": {"NS": ["1.0", "2e1", "-0"]}, "l": {"L": [{"N": "1e3"}, {"M": {"x": {"N": "007"}}}]},
	"m": {"M": {"a": {"NS": ["0.50"]}, "b": {"L": [{"N": ".5"}]}}}}}');
SELECT jsonb_pretty(dynamo.get_item('{"TableName": "number_item", "Key": {"p": {"S": "all"}}}') -> 'Item');
SELECT dynamo.update_item('{"TableName": "number_item", "Key": {"p": {"S": "all"}},
	"UpdateExpression": "SET n = :a, l[0] = :b ADD ns :c",
	"ConditionExpression": "n = :one AND contains(ns, :one) AND l[0] IN (:b, :one)",
	"ExpressionAttributeValues": {":a": {"N": "2.50"}, ":b": {"N": "10e2"}, ":c": {"NS": ["1.00", "3.0"]},
		":one": {"N": "01"}}, "ReturnValues": "UPDATED_NEW"}') -> 'Attributes' AS attributes;
-- duplicates in a set are numbers, not spellings
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "x"}, "ns": {"NS": ["1", "2", "1.0"]}}}');
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "x"}, "ns": {"NS": ["0", "-0.0"]}}}');
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "x"}, "l": {"L": [{"NS": ["1", "1e126"]}]}}}');
-- a number is a string in JSON
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "x"}, "n": {"N": 1}}}');
SELECT dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "x"}, "ns": {"NS": [1.5]}}}');

--
-- arithmetic: exact, or refused
--
SELECT stored, a, pg_temp.computed(stored, 'SET n = n + :a', vals) AS plus,
	pg_temp.computed(stored, 'SET n = n - :a', vals) AS minus,
	pg_temp.computed(stored, 'SET n = :a - n', vals) AS from_constant,
	pg_temp.computed(stored, 'ADD n :a', vals) AS add
FROM (VALUES (1, '1', '1'), (2, '1', '-1'), (3, '0', '0'), (4, '0', '-5'), (5, '0.1', '0.2'), (6, '1', '1e-37'),
	(7, '99999999999999999999999999999999999999', '1'), (8, '99999999999999999999999999999999999998', '1'),
	(9, '1e37', '0.5'), (10, '12345678901234567890123456789012345678', '-12345678901234567890123456789012345677'),
	(11, '5e-130', '4e-130'), (12, '0.9', '0.1'), (13, '-2.5', '+002.50'), (14, '1e50', '1'), (15, '1e-130', '1'),
	(16, '1000000', '999999.999')) v(i, stored, a),
	jsonb_build_object(':a', jsonb_build_object('N', a)) vals
ORDER BY i;
-- more than 38 digits are refused with the text for overflow, as an overflow is
SELECT left(pg_temp.computed('9.9999999999999999999999999999999999999e125', 'ADD n :a', '{":a": {"N": "1e88"}}'), 120) AS overflow,
	left(pg_temp.computed('-9e125', 'SET n = n - :a', '{":a": {"N": "1e125"}}'), 120) AS negative;
SELECT pg_temp.computed('9e125', 'SET n = n + :a', '{":a": {"N": "9e124"}}') = '99' || repeat('0', 124) AS below_overflow,
	pg_temp.computed('9e125', 'SET n = n - :a', '{":a": {"N": "9e125"}}') AS zero;
-- below the smallest magnitude there is nothing but zero
SELECT pg_temp.computed('1.1e-130', 'SET n = n - :a', '{":a": {"N": "1e-130"}}') AS underflow;
-- two constants; a missing number counts as 0 for ADD alone
SELECT pg_temp.computed('0', 'SET n = :a + :b', '{":a": {"N": "1.50"}, ":b": {"N": "2e0"}}'),
	pg_temp.computed('0', 'SET n = :a - :b', '{":a": {"N": "1.50"}, ":b": {"N": "2e0"}}'),
	pg_temp.computed('0', 'REMOVE n ADD m :a', '{":a": {"N": "1.50"}}') AS removed;
-- many small steps stay exact
DO $$
BEGIN
	PERFORM dynamo.put_item('{"TableName": "number_item", "Item": {"p": {"S": "sum"}}}');
	FOR i IN 1..1000 LOOP
		PERFORM dynamo.update_item('{"TableName": "number_item", "Key": {"p": {"S": "sum"}},
			"UpdateExpression": "ADD n :a", "ExpressionAttributeValues": {":a": {"N": "0.001"}}}');
	END LOOP;
END $$;
SELECT dynamo.get_item('{"TableName": "number_item", "Key": {"p": {"S": "sum"}}}') -> 'Item' AS item;

--
-- keys: every spelling of a number is one key
--
SELECT dynamo.put_item('{"TableName": "number_key", "Item": {"p": {"N": "1"}, "s": {"N": "10"}, "v": {"S": "first"}}}');
SELECT dynamo.put_item(jsonb_build_object('TableName', 'number_key', 'ReturnValues', 'ALL_OLD', 'Item',
	jsonb_build_object('p', jsonb_build_object('N', p), 's', jsonb_build_object('N', s),
		'v', jsonb_build_object('S', p || ' ' || s)))) -> 'Attributes' AS replaced
FROM (VALUES (1, '1.0', '1e1'), (2, '1e0', '10.0'), (3, '+01', '0.1e2')) x(i, p, s) ORDER BY i;
SELECT pk, sk, item FROM dynamo_tables.number_key;
SELECT dynamo.get_item('{"TableName": "number_key", "Key": {"p": {"N": "0.1e1"}, "s": {"N": "1000e-2"}}}');
SELECT dynamo.update_item('{"TableName": "number_key", "Key": {"p": {"N": "1.00"}, "s": {"N": "10."}},
	"UpdateExpression": "SET v = :v", "ExpressionAttributeValues": {":v": {"N": "5e0"}}, "ReturnValues": "ALL_NEW"}')
	-> 'Attributes' AS updated;
SELECT dynamo.delete_item('{"TableName": "number_key", "Key": {"p": {"N": "100e-2"}, "s": {"N": "10"}},
	"ReturnValues": "ALL_OLD"}') -> 'Attributes' AS deleted;
-- zero has one key, whatever its sign
SELECT dynamo.put_item('{"TableName": "number_key", "Item": {"p": {"N": "-0"}, "s": {"N": "0"}}}');
SELECT dynamo.put_item('{"TableName": "number_key", "Item": {"p": {"N": "0.0"}, "s": {"N": "-0"}}, "ReturnValues": "ALL_OLD"}');
-- a malformed key is refused, in items and in keys
SELECT dynamo.put_item('{"TableName": "number_key", "Item": {"p": {"N": "x"}, "s": {"N": "0"}}}');
SELECT dynamo.get_item('{"TableName": "number_key", "Key": {"p": {"N": ""}, "s": {"N": "0"}}}');
SELECT dynamo.get_item('{"TableName": "number_key", "Key": {"p": {"N": "1e126"}, "s": {"N": "0"}}}');

-- sort keys are in the order of numbers, all of it
SELECT count(dynamo.put_item(jsonb_build_object('TableName', 'number_key', 'Item', jsonb_build_object(
	'p', '{"N": "7"}'::jsonb, 's', jsonb_build_object('N', s))))) AS items
FROM unnest('{-1e125, -1000, -999.5, -2, -1.5, -1, -0.5, -1e-130, 0, 1e-130, 0.1, 0.11, 0.9, 1, 1.01, 2, 9, 10, 11, 99, 100,
	1e20, 1.0000000000000000000000000000000000001e20, 9.9999999999999999999999999999999999999e125}'::text[]) s;
SELECT string_agg(CASE WHEN length(s) > 30 THEN left(s, 8) || '..' || right(s, 8) ELSE s END, ' ' ORDER BY i)
FROM jsonb_array_elements(dynamo.query('{"TableName": "number_key", "KeyConditionExpression": "p = :p",
	"ExpressionAttributeValues": {":p": {"N": "7"}}}') -> 'Items') WITH ORDINALITY x(item, i),
	LATERAL (SELECT item #>> '{s,N}') y(s);
SELECT dynamo.query('{"TableName": "number_key",
	"KeyConditionExpression": "p = :p AND s BETWEEN :a AND :b", "ProjectionExpression": "s",
	"ExpressionAttributeValues": {":p": {"N": "7e0"}, ":a": {"N": "0.90"}, ":b": {"N": "1.1e1"}}}') -> 'Items' AS between;

--
-- sizes: one byte for zero; else one, a byte for each group of two digits that
-- begins at an even power of ten, and one for a minus sign
--
SELECT n, dynamo.item_size(jsonb_build_object('a', jsonb_build_object('N', n))) - 1 AS size
FROM unnest('{0, 1, -1, 9, 10, 12, 99, 100, 101, 123, 1000, 1001, 1234, 12345, 123456, -123456, 0.1, 0.12, 0.01, 0.012, 1.5, 12.5,
	1.25, 100000000000000000000, 12345678901234567890123456789012345678, 1234567890123456789012345678901234567.8}'::text[])
	WITH ORDINALITY t(n, i) ORDER BY i;
SELECT dynamo.item_size('{"ab": {"NS": ["0", "1", "-1", "123"]}}') AS set_size;

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', t))) AS deleted
FROM unnest('{number_item, number_key}'::text[]) t;
