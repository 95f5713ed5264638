-- ExecuteStatement, BatchExecuteStatement, ExecuteTransaction
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('{"TableName": "pqt", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
		{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "n", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"LocalSecondaryIndexes": [
		{"IndexName": "l_keys", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "KEYS_ONLY"}}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "g_some", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]}},
		{"IndexName": "g.multi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "HASH"},
			{"AttributeName": "n", "KeyType": "RANGE"}, {"AttributeName": "r", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}}]}'::jsonb) IS NOT NULL AS made;
SELECT dynamo.create_table('pq-hash', 'id N') IS NOT NULL AS made;
SELECT dynamo.create_table('pq_bin', 'b B', 'r B') IS NOT NULL AS made;

-- one statement; parameters, and what else the request has
CREATE FUNCTION pg_temp.x(statement text, parameters jsonb DEFAULT NULL, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.execute_statement(jsonb_strip_nulls(jsonb_build_object('Statement', statement, 'Parameters', parameters)) || more)
$$;
-- p and r of the items of a response, in its order
CREATE FUNCTION pg_temp.keys(response jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(concat_ws('/', coalesce(e #>> '{p,S}', e #>> '{id,N}'), e #>> '{r,N}'), ' ' ORDER BY ord), '')
	FROM jsonb_array_elements(response -> 'Items') WITH ORDINALITY x(e, ord)
$$;
CREATE FUNCTION pg_temp.k(statement text, parameters jsonb DEFAULT NULL, more jsonb DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.keys(pg_temp.x(statement, parameters, more)) $$;
-- all pages; each row is one
CREATE FUNCTION pg_temp.pages(statement text, parameters jsonb, more jsonb) RETURNS TABLE (page int, keys text, last jsonb)
LANGUAGE plpgsql AS $$
DECLARE
	response jsonb;
	start jsonb := '{}';
BEGIN
	FOR i IN 1..100 LOOP
		page := i;
		response := pg_temp.x(statement, parameters, more || start);
		keys := pg_temp.keys(response);
		last := response -> 'LastEvaluatedKey';
		RETURN NEXT;
		EXIT WHEN NOT response ? 'NextToken';
		start := jsonb_build_object('NextToken', response -> 'NextToken');
	END LOOP;
END $$;
-- the error of a request, with its members
CREATE FUNCTION pg_temp.err(operation text, request jsonb) RETURNS TABLE (message text, members text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.execute(operation, request);
	message := 'no error';
	RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, members = PG_EXCEPTION_DETAIL;
	RETURN NEXT;
END $$;

--
-- INSERT
--
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'a', 'r': 1}$$);
SELECT pg_temp.x($$INSERT INTO "pqt" VALUE {'p': ?, 'r': ?, 'g': 'x', 'n': -1.50, 'l': [1, 'it''s', ?, {'k': null}], 'm': {'k': true, 'e': {}},
	's': <<'b', 'a', ?>>, 'ns': <<1, 2.0, 1e3>>, 'bs': <<?>>, 'f': false}$$,
	'[{"S": "a"}, {"N": "2.0"}, {"B": "AQI="}, {"S": "c"}, {"B": "AA=="}]');
SELECT item FROM dynamo_tables.pqt ORDER BY pk, sk;
SELECT pg_temp.x($$insert into pqt value ?$$, '[{"M": {"p": {"S": "a"}, "r": {"N": "03"}, "x": {"L": [{"N": "1.0"}]}}}]');
SELECT dynamo.get_item('pqt', '{"p": "a", "r": 3}');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'a', 'r': 1}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'a', 'r': 1.0}$$);
SELECT * FROM pg_temp.err('ExecuteStatement', $j${"Statement": "INSERT INTO pqt VALUE {'p': 'a', 'r': 1, 'x': 2}", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}$j$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b'}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 1, 'r': 1}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': '', 'r': 1}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 'n': 'x'}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 'p': 'c'}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, '': 1}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<>>}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<1, 'a'>>}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<1, ?>>}$$, '[{"S": "1"}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<?>>}$$, '[{"BOOL": true}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<1, 2, 1.0>>}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': <<'a', 'a'>>}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': 1e126}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 's': 0.00000000000000000000000000000000000001234567890123456789012345678901234567891}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE ?$$, '[{"S": "a"}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': ?}$$);
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': ?}$$, '[{"N": "1"}, {"N": "2"}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': ?}$$, '[{"N": "one"}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 'x': ?}$$, '[{"SS": []}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1, 'x': ?}$$, '[{}]');
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1}$$, '[]');
SELECT pg_temp.x($$INSERT INTO nope VALUE {'p': 'b', 'r': 1}$$);
SELECT pg_temp.x($$INSERT INTO "pqt"."g_some" VALUE {'p': 'b', 'r': 1}$$);
SELECT length(pg_temp.x($$INSERT INTO "pq-hash" VALUE {'id': 0, 'x': ?}$$, jsonb_build_array(jsonb_build_object('S', repeat('x', 409600))))::text);
SELECT count(*) FROM dynamo_tables.pqt;
DELETE FROM dynamo_tables.pqt;

INSERT INTO dynamo_tables.pqt (item)
SELECT jsonb_strip_nulls(jsonb_build_object('p', jsonb_build_object('S', p), 'r', jsonb_build_object('N', r::text),
	'n', CASE WHEN r % 3 <> 0 THEN jsonb_build_object('N', (10 - r)::text) END,
	'g', CASE WHEN r % 3 <> 0 THEN jsonb_build_object('S', 'g' || r % 2) END,
	'x', jsonb_build_object('S', 'x' || p || r), 'y', jsonb_build_object('N', (r % 2)::text),
	'm', jsonb_build_object('M', jsonb_build_object('k', jsonb_build_object('L', jsonb_build_array(jsonb_build_object('N', r::text)))))))
FROM unnest('{a,b,c}'::text[]) p, generate_series(1, 5) r;
INSERT INTO dynamo_tables."pq-hash" (item)
SELECT jsonb_build_object('id', jsonb_build_object('N', i::text), 'v', jsonb_build_object('S', 'v' || i)) FROM generate_series(1, 6) i;

--
-- SELECT: what is read
--
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$SELECT * FROM pqt WHERE 1 = r AND ? = p$$, '[{"S": "a"}]');
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = 'a' AND r = 99$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a'$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r > 2$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND 2 > r$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r >= 2$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r <= 2$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r BETWEEN 2 AND 4$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r > 1 AND r < 4$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r NOT BETWEEN 2 AND 4$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r <> 2$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r > 1 AND r = 3$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r IN [1, 3]$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN ['c', 'a', 'c', 'nope']$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN (?, 'a') AND r < 3$$, '[{"S": "b"}]');
SELECT pg_temp.k($$SELECT * FROM pqt WHERE (p = 'b' OR p = 'a' OR p IN ['a']) AND r < 3$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND p = 'b'$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND p IN ['a', 'b'] AND r = 1$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND y = 1$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND (r = 1 OR r = 5)$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r = 1 AND y = 0$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND NOT y = 1$$);
-- scans, whose order is of no matter here
SELECT count(*) FROM jsonb_array_elements(pg_temp.x('SELECT * FROM pqt') -> 'Items');
SELECT string_agg(k, ' ' ORDER BY k) FROM regexp_split_to_table(pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' OR y = 0$$), ' ') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM regexp_split_to_table(pg_temp.k($$SELECT * FROM pqt WHERE p > 'a' AND r = 5$$), ' ') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM regexp_split_to_table(pg_temp.k($$SELECT * FROM pqt WHERE r = 5$$), ' ') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM regexp_split_to_table(pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND r = 1 OR p = 'b' AND r = 2$$), ' ') k;
SELECT string_agg(k, ' ' ORDER BY k) FROM regexp_split_to_table(pg_temp.k($$SELECT * FROM "pq-hash" WHERE id > 4 AND begins_with(v, 'v')$$), ' ') k;
-- conditions
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND n IS MISSING$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND n IS NOT MISSING AND y IS N$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND n IS NULL$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND n IS NOT NULL$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND contains(x, '3')$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND size(x) = 3 AND begins_with(x, 'xa4')$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND attribute_type(m, 'M') AND m.k[0] = 2$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND m = {'k': [4.0]}$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND x < 5$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND begins_with(x, 5)$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND x BETWEEN 'b' AND 'a'$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND x = x$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND attribute_type(x, 'XX')$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' AND p.q = 1$$);
-- keys of the wrong kind
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = 1$$);
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p IN ['a', 1]$$);
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = 'a' AND r = 'x'$$);
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = ''$$);
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = ?$$, jsonb_build_array(jsonb_build_object('S', repeat('p', 2049))));
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = 'a' AND begins_with(r, 'x')$$);
SELECT pg_temp.k(format('SELECT * FROM pqt WHERE p IN [%s] AND r = 1', (SELECT string_agg(quote_literal(chr(96 + i)), ',') FROM generate_series(1, 50) i)));
SELECT pg_temp.k(format('SELECT * FROM pqt WHERE p IN [%s] AND r = 1', (SELECT string_agg(quote_literal(chr(96 + i)), ',') FROM generate_series(1, 51) i)));
SELECT pg_temp.k(format('SELECT * FROM pqt WHERE p = %L AND r IN [%s]', 'a', (SELECT string_agg(i::text, ',') FROM generate_series(1, 100) i)));
SELECT pg_temp.x('SELECT * FROM nope');
SELECT pg_temp.x('SELECT * FROM "pqt"."nope"');
SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = ?$$);
SELECT pg_temp.x('SELECT');
SELECT pg_temp.x('');
SELECT pg_temp.x('EXISTS(SELECT * FROM pqt WHERE p = ''a'' AND r = 1)');
-- the same text with other parameters and types: nothing of a call stays
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ? AND r = ?$$, '[{"S": "a"}, {"N": "1"}]'), pg_temp.k($$SELECT * FROM pqt WHERE p = ? AND r = ?$$, '[{"S": "b"}, {"N": "2"}]');
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ? AND r = ?$$, '[{"S": "b"}, {"S": "2"}]');

--
-- SELECT: attributes
--
SELECT pg_temp.x($$SELECT x, r FROM pqt WHERE p = 'a' AND r < 3$$);
SELECT pg_temp.x($$SELECT x, m.k, m.k[0], m.nope, "y" FROM pqt WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$SELECT nope FROM pqt WHERE p = 'a' AND r < 3$$);
SELECT pg_temp.x($$SELECT m, m.k FROM pqt WHERE p = 'a' AND r = 2$$);
SELECT pg_temp.x($$SELECT p.q FROM pqt WHERE p = 'a' AND r = 2$$);

--
-- SELECT: order
--
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' ORDER BY r DESC$$), pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' ORDER BY p DESC$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' ORDER BY p, r$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN ['b', 'a'] AND r < 3 ORDER BY p DESC$$), pg_temp.k($$SELECT * FROM pqt WHERE p IN ['b', 'a'] AND r < 3 ORDER BY p DESC, r DESC$$),
	pg_temp.k($$SELECT * FROM pqt WHERE p IN ['b', 'a'] AND r < 3 ORDER BY p ASC, r DESC$$);
SELECT pg_temp.k($$SELECT * FROM pqt ORDER BY p$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE r = 1 ORDER BY p$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a' ORDER BY x$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g_some" WHERE g = 'g1' ORDER BY p$$);

--
-- SELECT: indexes
--
SELECT pg_temp.x($$SELECT * FROM "pqt"."g_some" WHERE g = 'g1' AND n > 8$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g_some" WHERE g IN ['g0', 'g1'] ORDER BY g DESC, n DESC$$) ~ '^[abc]/1 [abc]/1 [abc]/1 [abc]/5 [abc]/5 [abc]/5 [abc]/2' AS ordered;
SELECT pg_temp.x($$SELECT x, n FROM "pqt"."g_some" WHERE g = 'g1' AND n = 5 AND p = 'a'$$);
SELECT pg_temp.x($$SELECT y FROM "pqt"."g_some" WHERE g = 'g1'$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g_some" WHERE g = 'g1' AND y = 1$$);
SELECT pg_temp.x($$SELECT * FROM "pqt"."g_some" WHERE g = 'g1'$$, NULL, '{"ConsistentRead": true}');
SELECT pg_temp.x($$SELECT * FROM pqt.l_keys WHERE p = 'a' AND n < 7$$);
SELECT pg_temp.x($$SELECT x FROM pqt.l_keys WHERE p = 'a' AND n < 7$$, NULL, '{"ConsistentRead": true, "ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.k($$SELECT * FROM pqt.l_keys WHERE p = 'a' AND y = 1 ORDER BY n DESC$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g.multi" WHERE g = 'g1' AND p = 'a'$$), pg_temp.k($$SELECT * FROM "pqt"."g.multi" WHERE g IN ['g0', 'g1'] AND p IN ['a', 'b'] AND n = 9 AND r = 1$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g.multi" WHERE g IN ['g0', 'g1'] AND p IN ['a', 'b'] ORDER BY p, g, n$$);
SELECT pg_temp.k($$SELECT * FROM "pqt"."g.multi" WHERE g = 'g1' AND p = 'a' ORDER BY n, r DESC$$);
SELECT count(*) FROM jsonb_array_elements(pg_temp.x($$SELECT * FROM "pqt"."g.multi" WHERE g = 'g1'$$) -> 'Items');

--
-- pages
--
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p = 'a'$$, NULL, '{"Limit": 2}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p = 'a' ORDER BY r DESC$$, NULL, '{"Limit": 5}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p IN ['a', 'b', 'c'] AND r > 3$$, NULL, '{"Limit": 3}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p IN ['a', 'b', ?] AND r = 3 ORDER BY p DESC$$, '[{"S": "c"}]', '{"Limit": 1}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p = 'a' AND y = 0$$, NULL, '{"Limit": 2}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p = 'a' AND r = 3$$, NULL, '{"Limit": 1}');
SELECT * FROM pg_temp.pages($$SELECT * FROM pqt WHERE p = 'a' AND r = 3$$, NULL, '{"Limit": 2}');
SELECT * FROM pg_temp.pages($$SELECT * FROM "pq-hash" WHERE id IN [4, 2, 77, 3]$$, NULL, '{"Limit": 1}');
SELECT * FROM pg_temp.pages($$SELECT * FROM "pq-hash" WHERE id = 4$$, NULL, '{"Limit": 1}');
SELECT * FROM pg_temp.pages($$SELECT * FROM "pqt"."g.multi" WHERE g IN ['g0', 'g1'] AND p IN ['a', 'b']$$, NULL, '{"Limit": 3}');
SELECT * FROM pg_temp.pages($$SELECT * FROM "pqt"."l_keys" WHERE p IN ['a', 'b'] ORDER BY p, n DESC$$, NULL, '{"Limit": 3}');
SELECT count(*), count(last), string_agg(keys, ' ') ~ 'a/1' AS has_a1, length(string_agg(keys, ' ')) FROM pg_temp.pages($$SELECT * FROM pqt$$, NULL, '{"Limit": 4}');
SELECT count(*), length(string_agg(keys, ' ')) FROM pg_temp.pages($$SELECT * FROM "pqt"."g_some"$$, NULL, '{"Limit": 4}');
SELECT count(*), length(string_agg(keys, ' ')) FROM pg_temp.pages($$SELECT * FROM "pq-hash"$$, NULL, '{"Limit": 4}');
SET dynamo.page_size = 1024;
INSERT INTO dynamo_tables.pqt (item) SELECT jsonb_build_object('p', jsonb_build_object('S', p), 'r', jsonb_build_object('N', r::text), 'x', jsonb_build_object('S', repeat('x', 400)))
FROM unnest('{big,bigger}'::text[]) p, generate_series(1, 4) r;
SELECT page, keys FROM pg_temp.pages($$SELECT r, p FROM pqt WHERE p IN ['big', 'bigger']$$, NULL, '{}');
SELECT page, keys FROM pg_temp.pages($$SELECT r, p FROM pqt WHERE p IN ['big', 'bigger'] AND r > 1 ORDER BY p DESC, r DESC$$, NULL, '{"Limit": 2}');
RESET dynamo.page_size;
DELETE FROM dynamo_tables.pqt WHERE pk LIKE 'big%';
SELECT pg_temp.x($$SELECT * FROM pqt$$, NULL, '{"Limit": 0}');
-- binary keys
SELECT pg_temp.x($$INSERT INTO pq_bin VALUE {'b': ?, 'r': ?}$$, '[{"B": "AAECAwQ="}, {"B": "/w=="}]');
SELECT pg_temp.x($$INSERT INTO pq_bin VALUE {'b': ?, 'r': ?}$$, '[{"B": "AAECAwQ="}, {"B": "/wA="}]');
SELECT page, last FROM pg_temp.pages($$SELECT * FROM pq_bin WHERE b = ?$$, '[{"B": "AAECAwQ="}]', '{"Limit": 1}');
SELECT page, last FROM pg_temp.pages($$SELECT * FROM pq_bin$$, NULL, '{"Limit": 1}');

-- tokens of others
CREATE TEMP TABLE token AS SELECT pg_temp.x($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', '{"Limit": 2}') ->> 'NextToken' AS t;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', jsonb_build_object('NextToken', t)) FROM token;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', jsonb_build_object('NextToken', t, 'Limit', 1)) FROM token;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "b"}]', jsonb_build_object('NextToken', t)) FROM token;
SELECT pg_temp.k($$SELECT  * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', jsonb_build_object('NextToken', t)) FROM token;
SELECT pg_temp.k($$SELECT * FROM pqt$$, NULL, jsonb_build_object('NextToken', t)) FROM token;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', '{"NextToken": "x"}');
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', '{"NextToken": "AAAA"}');
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', '{"NextToken": ""}');
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = ?$$, '[{"S": "a"}]', jsonb_build_object('NextToken', left(t, -4))) FROM token;
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = ? AND r = 1$$, '[{"S": "a"}]', jsonb_build_object('NextToken', t)) FROM token;
-- any bytes behind good digests: no more than an error of the API
CREATE FUNCTION pg_temp.forge(statement text, body bytea) RETURNS text LANGUAGE sql AS $$
	SELECT translate(encode(d || substr(sha256(d || body), 1, 8) || body, 'base64'), E'\n', '')
	FROM (SELECT substr(sha256(convert_to(statement, 'UTF8') || '\x00'), 1, 16)) x(d)
$$;
CREATE FUNCTION pg_temp.try(statement text, body bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN pg_temp.k(statement, NULL, jsonb_build_object('NextToken', pg_temp.forge(statement, body)));
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT body, pg_temp.try(s, body) FROM unnest(ARRAY[$$SELECT * FROM pqt WHERE p = 'a'$$, $$SELECT * FROM pqt WHERE y = 1 AND p = 'zz' OR p = 'zz'$$]) s,
	unnest(ARRAY['\x00', '\x0001', '\xffff70', '\x000170', '\x00017000', '\x000170000001ff', '\x00017000000161', '\x0001700000016100017201000133',
		'\x00017000000161000172010001ff', '\x0001700000016100017201000178', '\x0001700000016200017201000133', '\x0001700000016100017202000133',
		'\x000170000001000001720100013300', '\x000170030001610001720100013300', '\x00017000000161000172010001330001780000017a', '\x000170000000000172010001330001', '\x0001700000000001720100000133',
		'\x000170000001010001720100013300'::bytea]) WITH ORDINALITY b(body, ord) ORDER BY s, ord;

--
-- UPDATE
--
SELECT pg_temp.x($$UPDATE pqt SET y = 7 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = y + 1 SET z = ?, m.k[1] = 'new' REMOVE x, n WHERE r = 1 AND p = 'a' RETURNING ALL NEW *$$, '[{"L": [{"N": "1.0"}]}]');
SELECT pg_temp.x($$UPDATE pqt SET z = list_append(z, [2, ?]), m.k[0] = m.k[0] - 5 WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$, '[{"S": "x"}]');
SELECT pg_temp.x($$UPDATE pqt REMOVE z[0] WHERE p = 'a' AND r = 1 RETURNING MODIFIED OLD *$$);
SELECT pg_temp.x($$UPDATE pqt REMOVE z, nope WHERE p = 'a' AND r = 1 RETURNING ALL OLD *$$);
SELECT pg_temp.x($$UPDATE pqt REMOVE z WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$);
-- sets
SELECT pg_temp.x($$UPDATE pqt SET s = set_add(s, <<1>>) WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$);
SELECT pg_temp.x($$UPDATE pqt SET s = set_add(s, ?) WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$, '[{"NS": ["2", "3", "1.0"]}]');
SELECT pg_temp.x($$UPDATE pqt SET s = set_delete(s, <<2, 9>>), t = set_delete(s, <<1>>), u = set_add(nope, <<'x'>>), v = set_add(s, s2) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET s = set_delete(s, <<2, 9>>), t = set_delete(s, <<1>>), u = set_add(nope, <<'x'>>), v = set_add(s, s) WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_add(s, <<1, 7>>), u = set_add(u, <<'a'>>) WHERE p = 'a' AND r = 1 RETURNING MODIFIED NEW *$$);
SELECT pg_temp.x($$UPDATE pqt SET s = set_delete(s, <<1, 3>>) WHERE p = 'a' AND r = 1 RETURNING MODIFIED OLD *$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_delete(u, <<'a', 'x'>>) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_delete(nope, <<'a'>>) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_add(t, <<'a'>>) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_add(u, <<1>>) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET t = set_add(t, 1) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = set_add(y, ?) WHERE p = 'a' AND r = 1$$, '[{"N": "1"}]');
SELECT pg_temp.x($$UPDATE pqt SET y = set_delete(y, [1]) WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = set_add(y, <<>>) WHERE p = 'a' AND r = 1$$);
SELECT dynamo.get_item('pqt', '{"p": "a", "r": 1}');
-- conditions
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 1 AND y = 8$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 1 AND y = 8$$);
SELECT * FROM pg_temp.err('ExecuteStatement', $j${"Statement": "UPDATE pqt SET y = 1 WHERE p = 'c' AND r = 1 AND y = 8", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}$j$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 99$$);
SELECT pg_temp.x($$UPDATE pqt REMOVE y WHERE p = 'a' AND r = 99$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 99 AND nope IS MISSING$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a'$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r > 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r IN [1]$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 1 OR y = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1 WHERE p = 'a' AND r = 'x'$$);
SELECT pg_temp.x($$UPDATE pqt SET r = 1 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = 1, y = 2 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = x + 1 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET y = nope WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET nope.y = 1 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE pqt SET n = 'x' WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE "pqt"."g_some" SET y = 1 WHERE p = 'a' AND r = 1$$);
SELECT pg_temp.x($$UPDATE nope SET y = 1 WHERE p = 'a' AND r = 1$$);

--
-- DELETE
--
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a' AND r = 2$$);
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a' AND r = 2 RETURNING ALL OLD *$$);
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a' AND r = 2 AND y = 1$$);
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a' AND r = 3 AND y = 0$$);
SELECT * FROM pg_temp.err('ExecuteStatement', $j${"Statement": "DELETE FROM pqt WHERE p = 'a' AND r = 3 AND y = 0", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}$j$);
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a' AND r = 3 AND y = 1 RETURNING ALL OLD *$$);
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'a'$$);
SELECT pg_temp.x($$DELETE FROM pqt$$);
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'a'$$);

--
-- capacity
--
SELECT pg_temp.x($$SELECT r FROM pqt WHERE p = 'b' AND r = 1$$, NULL, '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.x($$SELECT r FROM pqt WHERE p = 'b' AND r = 1$$, NULL, '{"ReturnConsumedCapacity": "INDEXES", "ConsistentRead": true}');
SELECT pg_temp.x($$SELECT r FROM pqt WHERE p = 'nope'$$, NULL, '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.x($$SELECT r FROM pqt WHERE p = 'b' AND r < 3$$, NULL, '{"ReturnConsumedCapacity": "NONE"}');
SELECT pg_temp.x($$SELECT r FROM "pqt"."g_some" WHERE g = 'g1' AND n = 9$$, NULL, '{"ReturnConsumedCapacity": "INDEXES"}') -> 'ConsumedCapacity';
SELECT pg_temp.x($$INSERT INTO pqt VALUE {'p': 'z', 'r': 1, 'g': 'x', 'n': 1, 'x': ?}$$, jsonb_build_array(jsonb_build_object('S', repeat('x', 1500))), '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.x($$UPDATE pqt SET x = 'y' WHERE p = 'z' AND r = 1$$, NULL, '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'z' AND r = 1$$, NULL, '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.x($$SELECT id FROM "arn:aws:dynamodb:us-east-1:000000000000:table/pq-hash" WHERE id = 1$$, NULL, '{"ReturnConsumedCapacity": "TOTAL"}');

--
-- BatchExecuteStatement
--
CREATE FUNCTION pg_temp.b(more jsonb, VARIADIC statements jsonb[]) RETURNS SETOF jsonb LANGUAGE sql AS $$
	SELECT e FROM (SELECT dynamo.batch_execute_statement(jsonb_build_object('Statements', to_jsonb(statements)) || more)) x(r),
		LATERAL (SELECT jsonb_array_elements(r -> 'Responses') UNION ALL SELECT r -> 'ConsumedCapacity' WHERE r ? 'ConsumedCapacity') y(e)
$$;
CREATE FUNCTION pg_temp.s(statement text, VARIADIC parameters jsonb[] DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('Statement', statement) || CASE WHEN cardinality(parameters) > 0 THEN jsonb_build_object('Parameters', to_jsonb(parameters)) ELSE '{}' END
$$;
SELECT pg_temp.b('{"ReturnConsumedCapacity": "TOTAL"}',
	pg_temp.s($$SELECT x, y FROM pqt WHERE p = 'b' AND r = 1$$), pg_temp.s($$SELECT * FROM pqt WHERE p = ? AND r = 99$$, '{"S": "b"}'),
	pg_temp.s($$SELECT * FROM "pq-hash" WHERE id = 1$$) || '{"ConsistentRead": true}', pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r = 2 AND y = 1$$),
	pg_temp.s($$SELECT * FROM pqt WHERE p = 'b'$$), pg_temp.s($$SELECT * FROM nope WHERE p = 'b'$$), pg_temp.s($$SELECT$$),
	pg_temp.s($$SELECT * FROM pqt WHERE p = 1 AND r = 2$$), pg_temp.s($$SELECT * FROM pqt WHERE p = ? AND r = 2$$),
	pg_temp.s($$SELECT * FROM "pqt"."g_some" WHERE g = 'x' AND n = 1$$), pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r IN [1, 2]$$));
SELECT pg_temp.b('{"ReturnConsumedCapacity": "INDEXES"}',
	pg_temp.s($$INSERT INTO pqt VALUE {'p': 'd', 'r': 1, 'g': 'a', 'n': 1}$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1}$$) || '{"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}',
	pg_temp.s($$UPDATE pqt SET y = 9 WHERE p = 'b' AND r = 2$$), pg_temp.s($$UPDATE pqt SET y = 9 WHERE p = 'b' AND r = 3 AND y = 0$$) || '{"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}',
	pg_temp.s($$DELETE FROM pqt WHERE p = 'b' AND r = 4$$), pg_temp.s($$DELETE FROM pqt WHERE p = 'b' AND r = 44$$),
	pg_temp.s($$UPDATE pqt SET y = 1 WHERE p = 'b' AND r = 2$$), pg_temp.s($$DELETE FROM pqt WHERE p = 'b'$$), pg_temp.s($$UPDATE pqt SET r = 1 WHERE p = 'b' AND r = 5$$),
	pg_temp.s($$UPDATE pqt SET y = x + 1 WHERE p = 'b' AND r = 5$$), pg_temp.s($$EXISTS(SELECT * FROM pqt WHERE p = 'b' AND r = 1)$$),
	pg_temp.s($$INSERT INTO "pq-hash" VALUE {'id': 100}$$), pg_temp.s($$UPDATE "pq-hash" SET v = 'w' WHERE id = 1 RETURNING ALL OLD *$$), pg_temp.s('UPDATE'));
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN ['b', 'd']$$), pg_temp.x($$SELECT p, r, y FROM pqt WHERE p = 'b'$$);
-- all well
SELECT pg_temp.b('{}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 'e', 'r': 2}$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'e', 'r': 1}$$), pg_temp.s($$DELETE FROM pqt WHERE p = 'd' AND r = 1$$));
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN ['d', 'e']$$);
-- a trigger that refuses concerns one statement only
CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON dynamo_tables.pqt FOR EACH ROW WHEN (NEW.pk = 'no') EXECUTE FUNCTION pg_temp.refuse();
SELECT pg_temp.b('{}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 'e', 'r': 3}$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'no', 'r': 1}$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'e', 'r': 4}$$));
DROP TRIGGER refuse ON dynamo_tables.pqt;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'e'$$);
SELECT pg_temp.b('{}', pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r = 1$$), pg_temp.s($$DELETE FROM pqt WHERE p = 'b' AND r = 1$$));
-- a statement that is refused before it has a key leaves the others to run once
SELECT pg_temp.b('{}', pg_temp.s($$UPDATE pqt SET y = 1 WHERE p = 1 AND r = 1$$), pg_temp.s($$UPDATE pqt SET once = set_add(once, <<1>>) SET y = y + 1 WHERE p = 'b' AND r = 1$$),
	pg_temp.s($$INSERT INTO pqt VALUE {'p': 1, 'r': 1}$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'once', 'r': 1}$$));
SELECT pg_temp.x($$SELECT p, r, y FROM pqt WHERE p IN ['b', 'once'] AND r = 1$$);
SELECT dynamo.batch_execute_statement('{"Statements": []}');
SELECT dynamo.batch_execute_statement(jsonb_build_object('Statements', jsonb_agg(pg_temp.s('SELECT 1')))) IS NULL FROM generate_series(1, 26);

--
-- ExecuteTransaction
--
CREATE FUNCTION pg_temp.t(more jsonb, VARIADIC statements jsonb[]) RETURNS TABLE (result text, members text) LANGUAGE plpgsql AS $$
BEGIN
	result := dynamo.execute_transaction(jsonb_build_object('TransactStatements', to_jsonb(statements)) || more);
	RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS result = MESSAGE_TEXT, members = PG_EXCEPTION_DETAIL;
	RETURN NEXT;
END $$;
SELECT * FROM pg_temp.t('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.s($$SELECT x FROM pqt WHERE p = 'b' AND r = 1$$), pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r = 99$$),
	pg_temp.s($$SELECT * FROM "pq-hash" WHERE id = ? AND v = 'nope'$$, '{"N": "2"}'));
SELECT * FROM pg_temp.t('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 't', 'r': 1, 'y': 1}$$), pg_temp.s($$UPDATE pqt SET y = 5 WHERE p = 'b' AND r = 1$$),
	pg_temp.s($$DELETE FROM pqt WHERE p = 'b' AND r = 5$$), pg_temp.s($$EXISTS(SELECT * FROM "pq-hash" WHERE id = 2 AND v = 'v2')$$));
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p IN ['b', 't']$$);
SELECT * FROM pg_temp.t('{}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 't', 'r': 1}$$) || '{"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}', pg_temp.s($$UPDATE pqt SET y = 5 WHERE p = 'b' AND r = 77$$),
	pg_temp.s($$INSERT INTO pqt VALUE {'p': 't', 'r': 2}$$), pg_temp.s($$DELETE FROM pqt WHERE p = 't' AND r = 4 AND y = 1$$), pg_temp.s($$EXISTS(SELECT * FROM "pq-hash" WHERE id = 2 AND v = 'x')$$),
	pg_temp.s($$EXISTS(SELECT * FROM "pq-hash" WHERE id = 999 AND v IS MISSING)$$));
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 't'$$);
SELECT * FROM pg_temp.t('{}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 'b', 'r': 1}$$), pg_temp.s($$UPDATE pqt SET y = x WHERE p = 't' AND r = 1$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 't', 'r': 2}$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$INSERT INTO pqt VALUE {'p': 't', 'r': 2}$$), pg_temp.s($$UPDATE pqt SET y = 1 WHERE p = 't' AND r = 2.0$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r = 1$$), pg_temp.s($$DELETE FROM pqt WHERE p = 't' AND r = 1$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$SELECT * FROM pqt WHERE p = 'b' AND r = 1$$), pg_temp.s($$EXISTS(SELECT * FROM pqt WHERE p = 't' AND r = 1)$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$SELECT * FROM pqt WHERE p = 'b'$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$EXISTS(SELECT * FROM pqt WHERE p = 'b')$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$EXISTS(SELECT * FROM pqt WHERE p = 'b' AND r = 1)$$));
-- an item that is too large is a reason; values count for the size of a request; tables are called as in the statement
SELECT * FROM pg_temp.t('{}', pg_temp.s($$DELETE FROM pqt WHERE p = 'none' AND r = 1$$), pg_temp.s($$INSERT INTO pqt VALUE {'p': 'big', 'r': 1, 'b': ?}$$, jsonb_build_object('S', repeat('x', 409600))));
SELECT * FROM pg_temp.t('{}', VARIADIC (SELECT array_agg(pg_temp.s(format($$UPDATE pqt SET b = ? WHERE p = 'none' AND r = %s$$, i), jsonb_build_object('S', repeat('x', 400000)))) FROM generate_series(1, 11) i));
SELECT * FROM pg_temp.t('{"ReturnConsumedCapacity": "TOTAL"}', pg_temp.s($$SELECT p FROM "arn:aws:dynamodb:us-east-1:000000000000:table/pqt" WHERE p = 'none' AND r = 1$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$UPDATE pqt SET y = 1 WHERE p = 'b' AND r = 1 RETURNING ALL NEW *$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$UPDATE pqt SET y = 1 WHERE p = 'b' AND$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$DELETE FROM nope WHERE p = 't' AND r = 1$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$DELETE FROM pqt WHERE p = 't' AND r = 'x'$$), pg_temp.s($$DELETE FROM pqt WHERE p = 't' AND r = 1$$));
-- a token
SELECT * FROM pg_temp.t('{"ClientRequestToken": "one", "ReturnConsumedCapacity": "TOTAL"}', pg_temp.s($$UPDATE pqt SET y = y + 1 WHERE p = 't' AND r = 1$$));
SELECT * FROM pg_temp.t('{"ClientRequestToken": "one", "ReturnConsumedCapacity": "TOTAL"}', pg_temp.s($$UPDATE pqt SET y = y + 1 WHERE p = 't' AND r = 1$$));
SELECT * FROM pg_temp.t('{"ClientRequestToken": "one"}', pg_temp.s($$UPDATE pqt SET y = y + 2 WHERE p = 't' AND r = 1$$));
SELECT pg_temp.x($$SELECT y FROM pqt WHERE p = 't' AND r = 1$$);
DELETE FROM dynamo.transaction_token WHERE token = 'one';

--
-- read-only transactions, rights
--
BEGIN READ ONLY;
SELECT pg_temp.k($$SELECT * FROM pqt WHERE p = 'e'$$);
SAVEPOINT s;
SELECT pg_temp.x($$DELETE FROM pqt WHERE p = 'e' AND r = 1$$);
ROLLBACK TO s;
SELECT pg_temp.b('{}', pg_temp.s($$SELECT p FROM pqt WHERE p = 'e' AND r = 1$$));
SELECT pg_temp.b('{}', pg_temp.s($$DELETE FROM pqt WHERE p = 'e' AND r = 1$$));
ROLLBACK TO s;
SELECT * FROM pg_temp.t('{}', pg_temp.s($$SELECT p FROM pqt WHERE p = 'e' AND r = 1$$));
SELECT * FROM pg_temp.t('{}', pg_temp.s($$DELETE FROM pqt WHERE p = 'e' AND r = 1$$));
COMMIT;
CREATE ROLE regress_pq_reader;
GRANT USAGE ON SCHEMA dynamo, dynamo_tables TO regress_pq_reader;
GRANT SELECT ON dynamo_tables.pqt TO regress_pq_reader;
SET ROLE regress_pq_reader;
SELECT dynamo.execute_statement($j${"Statement": "SELECT p, r FROM pqt WHERE p = 'e' AND r = 1"}$j$);
SELECT dynamo.execute_statement($j${"Statement": "INSERT INTO pqt VALUE {'p': 'e', 'r': 9}"}$j$);
SELECT dynamo.execute_statement($j${"Statement": "UPDATE pqt SET y = 1 WHERE p = 'e' AND r = 1"}$j$);
SELECT dynamo.execute_statement($j${"Statement": "DELETE FROM pqt WHERE p = 'e' AND r = 1"}$j$);
SELECT dynamo.execute_statement($j${"Statement": "SELECT * FROM \"pq-hash\""}$j$);
SELECT dynamo.batch_execute_statement($j${"Statements": [{"Statement": "DELETE FROM pqt WHERE p = 'e' AND r = 1"}, {"Statement": "DELETE FROM \"pq-hash\" WHERE id = 1"}]}$j$);
RESET ROLE;
DROP OWNED BY regress_pq_reader;
DROP ROLE regress_pq_reader;

--
-- for people: plain JSON, all pages
--
SELECT * FROM dynamo.partiql('SELECT p, r, x, m FROM pqt WHERE p = ? AND r < ?', '"c"', '3');
SELECT * FROM dynamo.partiql('INSERT INTO pqt VALUE ?', '{"p": "plain", "r": 1, "l": [1.50, null, {"a": true}], "s": {"$stringSet": ["a"]}}');
SELECT * FROM dynamo.partiql($$UPDATE pqt SET n = ?, s = set_add(s, <<'b'>>) WHERE p = 'plain' AND r = 1 RETURNING ALL NEW *$$, to_jsonb(1));
SELECT dynamo.partiql($$SELECT n FROM pqt WHERE p = 'plain' OR p = ?$$, VARIADIC '{"\"nope\""}'::jsonb[]);
SELECT * FROM dynamo.partiql($$DELETE FROM pqt WHERE p = 'plain' AND r = 1 RETURNING ALL OLD *$$);
SELECT * FROM dynamo.partiql($$DELETE FROM pqt WHERE p = 'plain' AND r = 1$$);
SELECT * FROM dynamo.partiql('SELECT * FROM pqt WHERE p = ?', NULL);
SELECT * FROM dynamo.partiql(NULL);
SELECT * FROM dynamo.partiql('SELECT * FROM pqt WHERE p = ?');
INSERT INTO dynamo_tables."pq-hash" (item) SELECT jsonb_build_object('id', jsonb_build_object('N', i::text), 'x', jsonb_build_object('S', repeat('x', 300))) FROM generate_series(1000, 1099) i;
SET dynamo.page_size = 1024;
SELECT count(*), count(DISTINCT i -> 'id') FROM dynamo.partiql('SELECT id FROM "pq-hash" WHERE id >= 1000') i;
SELECT i FROM dynamo.partiql('SELECT id FROM "pq-hash" WHERE id IN [1004, 1003, 1002, 1001, 1000, 1005, 1006]') i LIMIT 5;
RESET dynamo.page_size;

SELECT dynamo.delete_table(jsonb_build_object('TableName', n)) IS NOT NULL AS gone FROM unnest('{pqt,pq-hash,pq_bin}'::text[]) n;
