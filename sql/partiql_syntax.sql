-- PartiQL: what the language takes, and what it says of all else
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on

SELECT dynamo.create_table('syntax', 'pk S', 'sk N') IS NOT NULL AS made;
SELECT dynamo.create_table('syntax-dash.d', 'pk S') IS NOT NULL AS made;
CREATE FUNCTION pg_temp.run(statement text, VARIADIC parameters jsonb[] DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.execute_statement(jsonb_build_object('Statement', statement) ||
		CASE WHEN cardinality(parameters) > 0 THEN jsonb_build_object('Parameters', parameters) ELSE '{}' END)
$$;
-- the keys of what a SELECT of whole items finds
CREATE FUNCTION pg_temp.find(condition text, VARIADIC parameters jsonb[] DEFAULT '{}')
RETURNS text LANGUAGE sql AS $$
	SELECT string_agg((item->'sk'->>'N'), ' ' ORDER BY (item->'sk'->>'N')::int)
	FROM jsonb_array_elements(pg_temp.run('SELECT * FROM syntax WHERE pk = ''a'' AND ' || condition, VARIADIC parameters)->'Items') item
$$;
CREATE FUNCTION pg_temp.find_all(VARIADIC conditions text[])
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT condition || ' : ' || coalesce(pg_temp.find(condition), '-')
	FROM unnest(conditions) WITH ORDINALITY AS c (condition, n) ORDER BY n
$$;
CREATE FUNCTION pg_temp.refuse(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.run(statement);
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(SQLERRM, '^ValidationException: ', '');
END
$$;
CREATE FUNCTION pg_temp.refuse_all(VARIADIC statements text[])
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT statement || E'\n    ' || pg_temp.refuse(statement)
	FROM unnest(statements) WITH ORDINALITY AS s (statement, n) ORDER BY n
$$;
CREATE FUNCTION pg_temp.refuse_conditions(VARIADIC conditions text[])
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT condition || E'\n    ' || pg_temp.refuse('SELECT * FROM syntax WHERE ' || condition)
	FROM unnest(conditions) WITH ORDINALITY AS c (condition, n) ORDER BY n
$$;

--
-- INSERT and the literals
--
SELECT pg_temp.run($$INSERT INTO syntax VALUE {'pk': 'a', 'sk': 1, 's': 'x', 'n': 5, 'l': [1, 'two', [3]], 'm': {'x': {'y': [7, 8]}}}$$);
SELECT pg_temp.run($$insert into "syntax" value {'pk':'a','sk':2,'s':'it''s','n':-2.5,'t':true,'f':False,'z':NULL,'ns':<<1,2.0,-3>>,'ss':<<'a','b'>>};$$);
SELECT pg_temp.run($$INSERT INTO syntax VALUE {'pk': ?, 'sk': ?, 'b': ?, 'bs': ?, 's': '?', 'l': [?], 'm': {'p': ?}, 'ns': <<?, 4>>}$$,
	'{"S": "a"}', '{"N": "3"}', '{"B": "AQI="}', '{"BS": ["AQ=="]}', '{"S": "deep"}', '{"BOOL": true}', '{"N": "9"}');
SELECT pg_temp.run($$INSERT INTO syntax VALUE {'pk': 'a', 'sk': 4, 'a b': '', '': 'empty name'}$$);
SELECT pg_temp.run($$INSERT INTO syntax VALUE {'pk': 'a', 'sk': 4, 'a b': '', 'é"': '€', 'select': 1, 'l': [], 'm': {}, 'n1': 1e3, 'n2': .5, 'n3': 5., 'n4': - 7, 'n5': +3, 'n6': 12E-1}$$);
SELECT pg_temp.run('SELECT * FROM syntax');
SELECT pg_temp.run($$INSERT INTO "syntax-dash.d" VALUE {'pk': 'k'}$$);
SELECT pg_temp.run($$SELECT * FROM "syntax-dash.d"$$);

--
-- SELECT lists, names and paths
--
SELECT pg_temp.run($$SELECT s, n FROM syntax WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.run($$select "s" from "syntax" where "pk" = 'a' and "sk" = 1$$);
SELECT pg_temp.run($$SELECT l[1], m.x.y[0] FROM syntax WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.run($$SELECT "m" . "x" . y [ 1 ] FROM syntax WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.run($$SELECT "a b", "é""", "select" FROM syntax WHERE pk = 'a' AND sk = 4$$);
SELECT pg_temp.run($$SELECT S, nope FROM syntax WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.run($$SELECT sk -- the key
FROM syntax /* of all
things */ WHERE pk = 'a'/**/AND sk=1;$$);
SELECT pg_temp.run(E'SELECT\tsk\nFROM\r\nsyntax WHERE pk=''a''AND sk=1');
SELECT pg_temp.run($$SELECT sk FROM syntax WHERE pk = 'a' ORDER BY sk DESC$$);
SELECT pg_temp.run($$SELECT sk FROM syntax WHERE pk = 'a' order by "sk" asc$$);

--
-- conditions
--
SELECT * FROM pg_temp.find_all('sk = 1', '1 = sk', 'sk <> 1', 'sk != 1', 'sk < 2', '2 > sk', 'sk <= 2', 'sk >= 3', 'sk > 3',
	'sk BETWEEN 2 AND 3', 'sk NOT BETWEEN 2 AND 3', 'NOT sk BETWEEN 2 AND 3', 'n between -3 and 0', '0 BETWEEN n AND 1',
	'sk IN [1, 3]', 'sk IN (1, 3)', 'sk not in (1, 3)', 's IN [''x'', 1, null]', '5 IN (n, sk)');
SELECT * FROM pg_temp.find_all('s = ''it''''s''', 's = ''?''', 't = true', 'f = FALSE', 'z = null', 'n = -2.5', 'n = -25e-1', 'n = - 2.50',
	'l = [1, ''two'', [3]]', 'm = {''x'': {''y'': [7, 8]}}', 'm = {}', 'ns = <<-3, 2, 1>>', 'ss = <<''b'', ''a''>>',
	'm.x.y[1] = 8', '"é""" = ''€''', '"a b" = ''''', 'l[2] = [3]', 'l[2][0] = 3');
SELECT * FROM pg_temp.find_all('s IS MISSING', 's IS NOT MISSING', 'm.x IS MISSING', 'z IS NULL', 'z IS NOT NULL', 'NOT z IS NULL', 'n IS NULL',
	's IS STRING', 'n is number', 't IS BOOLEAN', 't IS bool', 'l IS LIST', 'm IS MAP', 'm IS TUPLE', 'm IS STRUCT', 'b IS BINARY',
	'ns IS NS', 'ss IS SS', 'bs IS BS', 's IS S', 'n IS N', 'b IS B', 'l IS L', 'm IS M', 's IS NOT STRING', 'n IS INTEGER', 'n IS DECIMAL');
SELECT * FROM pg_temp.find_all('size(l) = 3', 'SIZE(s) > 2', '0 = size(m)', 'attribute_type(n, ''N'')', 'begins_with(s, ''it'')', 'Begins_With("s", ''it'')',
	'contains(ss, ''a'')', 'contains(s, ''t'')', 'CONTAINS(l, [3])', 'attribute_exists(l)', 'attribute_not_exists(l)', 'NOT attribute_exists(l[0])');
SELECT * FROM pg_temp.find_all('(s = ''x'' OR t = true)', 'NOT (s = ''x'' OR t = true)', '(((sk = 1)))', '(sk) = (1)', 'NOT NOT sk = 1',
	'n = 5 OR t = true AND f = true', '(n = 5 OR t = true) AND f = false', 'not n = 5 and not t = true', 'sk = n', 'size(l) = l[2][0]');
SELECT pg_temp.find('sk = ?', '{"N": "1"}');
SELECT pg_temp.find('s IN [?, ?]', '{"S": "x"}', '{"S": "y"}');
SELECT pg_temp.find('b = ? AND ? = ''?'' OR ? BETWEEN ? AND ?', '{"B": "AQI="}', '{"S": "?"}', '{"N": "1"}', '{"N": "2"}', '{"N": "3"}');
SELECT pg_temp.find('sk IN [' || repeat('?, ', 99) || '?]', VARIADIC (SELECT array_agg(jsonb_build_object('N', n::text)) FROM generate_series(1, 100) n));

--
-- UPDATE
--
SELECT pg_temp.run($$UPDATE syntax SET n = n + 1, s = 'y' SET l = list_append(l, [4, ?]) REMOVE m.x.y[0], m.nope REMOVE none WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *$$, '{"S": "five"}');
SELECT pg_temp.run($$UPDATE syntax SET n = n - 1 WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED OLD *$$);
SELECT pg_temp.run($$update syntax set n = -1 - n, "a b" = (n + 1), m.k = l[0] remove l[0] where sk = 1 and pk = 'a' and n = 5 returning modified new *$$);
SELECT pg_temp.run($$UPDATE syntax SET c = if_not_exists(c, 0) + 1, l2 = list_append(if_not_exists(l2, ?), [1]) WHERE pk = 'a' AND sk = 1 RETURNING MODIFIED NEW *$$, '{"L": []}');
SELECT pg_temp.run($$UPDATE syntax SET ns = set_add(ns, <<7, 8>>) SET ss = SET_DELETE(ss, <<'a'>>) WHERE pk = 'a' AND sk = 2 RETURNING MODIFIED NEW *$$);
SELECT pg_temp.run($$UPDATE syntax SET bs = set_add(bs, ?) WHERE pk = 'a' AND sk = 3 RETURNING ALL OLD *$$, '{"BS": ["Ag=="]}');
SELECT pg_temp.run($$UPDATE syntax REMOVE bs WHERE pk = 'a' AND sk = 3$$);
SELECT pg_temp.run($$UPDATE "syntax" SET "a b" = 'v'REMOVE s WHERE pk='a'AND sk=3 RETURNING ALL NEW *;$$);

--
-- DELETE
--
SELECT pg_temp.run($$DELETE FROM syntax WHERE pk = 'a' AND sk = 3$$);
SELECT pg_temp.run($$delete from "syntax" where sk = ? and pk = ? and "select" is not missing returning all old *;$$, '{"N": "4"}', '{"S": "a"}');
SELECT pg_temp.run($$SELECT sk FROM syntax$$);

--
-- what is no statement
--
SELECT * FROM pg_temp.refuse_all(' ', ';', 'FOO', '12', '''SELECT''', 'WITH x', 'CREATE TABLE t', 'DROP TABLE t', 'SELECT', 'SELECT *', 'SELECT * FROM',
	'SELECT FROM syntax', 'SELECT a b FROM syntax', 'SELECT a, FROM syntax', 'SELECT *, a FROM syntax', 'SELECT syntax.* FROM syntax',
	'SELECT ''a'' FROM syntax', 'SELECT 1 FROM syntax', 'SELECT ? FROM syntax', 'SELECT a AS b FROM syntax', 'SELECT a + 1 FROM syntax',
	'SELECT date FROM syntax', 'SELECT size(a) FROM syntax', 'SELECT COUNT(*) FROM syntax', 'SELECT DISTINCT a FROM syntax', 'SELECT VALUE a FROM syntax',
	'SELECT * FROM syntax; SELECT * FROM syntax', 'SELECT * FROM syntax;;', 'SELECT * FROM syntax )');
SELECT * FROM pg_temp.refuse_all('SELECT * FROM syntax, other', 'SELECT * FROM syntax JOIN other ON a = b', 'SELECT * FROM syntax LEFT JOIN other',
	'SELECT * FROM syntax AS s', 'SELECT * FROM syntax s', 'SELECT * FROM syntax-dash', 'SELECT * FROM ''syntax''', 'SELECT * FROM ?', 'SELECT * FROM (SELECT * FROM syntax)',
	'SELECT * FROM table', 'SELECT * FROM ""', 'SELECT * FROM "syntax', 'SELECT * FROM syntax.i.j', 'SELECT * FROM syntax[0]', 'SELECT * FROM syntax.',
	'SELECT * FROM syntax GROUP BY a', 'SELECT * FROM syntax HAVING a = 1', 'SELECT * FROM syntax WHERE a = 1 limit 1', 'SELECT * FROM syntax OFFSET 1',
	'SELECT * FROM syntax UNION SELECT * FROM syntax', 'SELECT * FROM syntax WHERE a = 1 UNION ALL SELECT * FROM syntax', 'SELECT * FROM syntax EXCEPT SELECT * FROM syntax',
	'SELECT * FROM syntax ORDER sk', 'SELECT * FROM syntax ORDER BY', 'SELECT * FROM syntax ORDER BY 1', 'SELECT * FROM syntax ORDER BY a.b', 'SELECT * FROM syntax ORDER BY sk UP',
	'SELECT * FROM syntax ORDER BY sk WHERE a = 1');
SELECT * FROM pg_temp.refuse_conditions('', 'a', '?', 'true', 'a AND b = 1', 'b = 1 AND', 'b = 1 AND AND c = 1', 'OR b = 1', 'NOT', 'NOT a', 'a =', '= 1', 'a = = 1', 'a == 1', 'a = 1 = 2', '(a = 1) = true',
	'(a = 1', 'a = 1)', '()', 'a = ()', 'a = (1, 2)', 'a = 1 b', 'a LIKE ''x%''', 'a NOT LIKE ''x''', 'a NOT = 1', 'a || ''x'' = ''y''', 'a + 1 = 2', 'a = 1 + 1', 'a * 2 = 4', 'a / 2 = 1', '-a = 1',
	'a = ''x', 'a = "x', 'a = `x`', 'a = 12abc', 'a = 1.2.3', 'a = 1e', 'a = - - 1', 'a = -?', 'a = @x', 'a = :x', 'a = #x', 'a /* open', 'a = MISSING',
	'a = CASE WHEN b THEN 1 END', 'a = (SELECT b FROM syntax)', 'EXISTS(SELECT * FROM syntax)', 'a = NOT (b = 1)', 'CAST(a AS INT) = 1');
SELECT * FROM pg_temp.refuse_conditions('date = 1', 'Value = 1', 'a.date = 1', 'a. = 1', '.a = 1', 'a..b = 1', 'a.1 = 1', 'a[] = 1', 'a[b] = 1', 'a[?] = 1', 'a[-1] = 1', 'a[1.5] = 1', 'a[''b''] = 1',
	'a[*] = 1', 'a.* = 1', 'a[0 = 1', 'a."" = 1', '"" = 1', 'a[99999999999] = 1', 'a[2147483647] = 1',
	repeat('a.', 31) || 'a = 1', repeat('a.', 32) || 'a = 1');
SELECT * FROM pg_temp.refuse_conditions('a IN', 'a IN 1', 'a IN ?', 'a IN []', 'a IN ()', 'a IN [1', 'a IN [1)', 'a IN (1]', 'a IN [1,]', 'a IN [b = 1]', 'IN [1]', 'a NOT IN', 'a IN <<1>>',
	'a BETWEEN', 'a BETWEEN 1', 'a BETWEEN 1 OR 2', 'a BETWEEN 1 AND', 'a NOT BETWEEN 1, 2', 'a BETWEEN b = 1 AND 2',
	'a IS', 'a IS NOT', 'a IS dog', 'a IS ''S''', 'a IS ?', '1 IS NULL', 'size(a) IS NUMBER', 'a IS NULL = true', 'a IS NOT NOT NULL');
SELECT * FROM pg_temp.refuse_conditions('dog(a)', 'size(a)', 'size() = 1', 'size(a, b) = 1', 'size(a', 'contains(a)', 'contains(a, 1, 2)', 'contains(a, 1) = true', 'begins_with(a, 1, )',
	'attribute_type(a)', 'attribute_exists(1)', 'attribute_not_exists(size(a))', 'size(contains(a, 1)) = 1', 'list_append(a, b) = [1]', 'if_not_exists(a, 1) = 1', 'set_add(a, <<1>>) = 1',
	'attribute_exists(a, b)', 'contains(a, b = 1)');
SELECT * FROM pg_temp.refuse_conditions('a = [', 'a = [1', 'a = [1,]', 'a = [1 2]', 'a = [b]', 'a = {', 'a = {''b''}', 'a = {''b'': }', 'a = {''b'': 1', 'a = {b: 1}', 'a = {"b": 1}', 'a = {?: 1}', 'a = {1: 1}', 'a = {''b'': c}',
	'a = <<>>', 'a = <<1, ''a''>>', 'a = <<true>>', 'a = <<[1]>>', 'a = <<<<1>>>>', 'a = <<1', 'a = [<<>>]', 'a = <<NULL>>',
	'a = ' || repeat('[', 33) || repeat(']', 33));
-- quotes that hide a parameter, and numbers that are none
SELECT * FROM pg_temp.refuse_all('SELECT * FROM syntax WHERE a = ?', 'SELECT * FROM syntax WHERE a = ''?''', 'SELECT * FROM syntax WHERE a = "?" -- ?');

SELECT * FROM pg_temp.refuse_all('INSERT', 'INSERT syntax VALUE {''pk'': 1}', 'INSERT INTO', 'INSERT INTO syntax', 'INSERT INTO syntax VALUE', 'INSERT INTO syntax {''pk'': 1}',
	'INSERT INTO syntax VALUES {''pk'': 1}', 'INSERT INTO syntax VALUES (1, 2)', 'INSERT INTO syntax <<{''pk'': 1}>>', 'INSERT INTO syntax VALUE <<{''pk'': 1}>>', 'INSERT INTO syntax (pk) VALUES (1)',
	'INSERT INTO syntax VALUE ''x''', 'INSERT INTO syntax VALUE [1]', 'INSERT INTO syntax VALUE {''pk'': 1}, {''pk'': 2}', 'INSERT INTO syntax VALUE {''pk'': 1} RETURNING ALL OLD *',
	'INSERT INTO syntax VALUE {''pk'': 1} ON CONFLICT DO NOTHING', 'INSERT INTO syntax VALUE {''pk'': 1} WHERE a = 1', 'INSERT INTO syntax.i VALUE {''pk'': 1}', 'INSERT INTO ''syntax'' VALUE {''pk'': 1}');
SELECT * FROM pg_temp.refuse_all('UPDATE', 'UPDATE syntax', 'UPDATE syntax WHERE pk = 1', 'UPDATE SET a = 1', 'UPDATE syntax SET', 'UPDATE syntax SET a', 'UPDATE syntax SET a =', 'UPDATE syntax SET a = 1,', 'UPDATE syntax SET a = 1 b = 2',
	'UPDATE syntax SET a == 1', 'UPDATE syntax SET a <> 1', 'UPDATE syntax SET ''a'' = 1', 'UPDATE syntax SET ? = 1', 'UPDATE syntax SET 1 = a', 'UPDATE syntax SET a[] = 1', 'UPDATE syntax SET date = 1', 'UPDATE syntax SET size(a) = 1',
	'UPDATE syntax SET a = b + c + d', 'UPDATE syntax SET a = (b + c) - d', 'UPDATE syntax SET a = b * 2', 'UPDATE syntax SET a = b / 2', 'UPDATE syntax SET a = b = c', 'UPDATE syntax SET a = (b = c)', 'UPDATE syntax SET a = b AND c',
	'UPDATE syntax SET a = NOT b', 'UPDATE syntax SET a = MISSING', 'UPDATE syntax SET a = size(b)', 'UPDATE syntax SET a = contains(b, 1)', 'UPDATE syntax SET a = dog(b)', 'UPDATE syntax SET a = list_append(b)',
	'UPDATE syntax SET a = list_append(b, list_append(c, d))', 'UPDATE syntax SET a = list_append(b + 1, c)', 'UPDATE syntax SET a = if_not_exists(1, 2)', 'UPDATE syntax SET a = set_add(<<1>>, <<2>>)', 'UPDATE syntax SET a = set_add(a, <<2>>) + 1',
	'UPDATE syntax SET a = 1 + set_delete(a, <<2>>)', 'UPDATE syntax SET a = list_append(a, set_add(b, <<1>>))', 'UPDATE syntax REMOVE', 'UPDATE syntax REMOVE a = 1', 'UPDATE syntax REMOVE ''a''', 'UPDATE syntax REMOVE a,',
	'UPDATE syntax ADD a 1', 'UPDATE syntax SET a = 1 ORDER BY a', 'UPDATE syntax SET a = 1 WHERE', 'UPDATE syntax.i SET a = 1', 'UPDATE syntax SET a = 1 WHERE pk = 1 SET b = 2',
	'UPDATE syntax SET a = 1 RETURNING', 'UPDATE syntax SET a = 1 RETURNING *', 'UPDATE syntax SET a = 1 RETURNING ALL', 'UPDATE syntax SET a = 1 RETURNING ALL OLD', 'UPDATE syntax SET a = 1 RETURNING ALL OLD a', 'UPDATE syntax SET a = 1 RETURNING ALL OLD *, ALL NEW *',
	'UPDATE syntax SET a = 1 RETURNING SOME OLD *', 'UPDATE syntax SET a = 1 RETURNING ALL NEW * WHERE pk = 1');
SELECT * FROM pg_temp.refuse_all('DELETE', 'DELETE syntax', 'DELETE FROM', 'DELETE * FROM syntax', 'DELETE FROM syntax.i WHERE pk = 1', 'DELETE FROM syntax, other', 'DELETE FROM syntax WHERE', 'DELETE FROM syntax SET a = 1',
	'DELETE FROM syntax WHERE pk = 1 RETURNING ALL NEW *', 'DELETE FROM syntax WHERE pk = 1 RETURNING MODIFIED OLD *', 'DELETE FROM syntax WHERE pk = 1 LIMIT 1');
SELECT * FROM pg_temp.refuse_all('EXISTS', 'EXISTS()', 'EXISTS SELECT * FROM syntax', 'EXISTS(DELETE FROM syntax)', 'EXISTS(SELECT * FROM syntax', 'EXISTS(SELECT * FROM syntax) AND a = 1', 'EXISTS(SELECT * FROM syntax WHERE pk = ''a'' AND sk = 1)',
	'EXISTS(SELECT * FROM syntax LIMIT 1)');

--
-- bounds
--
SELECT pg_temp.refuse('SELECT * FROM syntax WHERE ' || repeat('(', n) || 'pk = ''none''' || repeat(')', n)) FROM unnest('{128,129,4000}'::int[]) n;
SELECT pg_temp.refuse('SELECT * FROM syntax WHERE pk = ''none''' || repeat(' AND n = 1', n)) FROM unnest('{149,150}'::int[]) n;
SELECT pg_temp.refuse('SELECT * FROM syntax WHERE ' || repeat('NOT ', n) || 'n = 1') FROM unnest('{299,300,1500}'::int[]) n;
SELECT pg_temp.refuse('SELECT * FROM syntax WHERE n IN [' || repeat('1,', n - 1) || '1]') FROM unnest('{100,101}'::int[]) n;
SELECT regexp_replace(pg_temp.refuse(rpad('SELECT * FROM syntax WHERE n = 1', n)), ' {100,}', ' ... ') FROM unnest('{8192,8193}'::int[]) n;
SELECT pg_temp.refuse(rpad('SELECT * FROM syntax WHERE pk = ''none''', 8000) || repeat('é', n)) FROM unnest('{96,97}'::int[]) n;

--
-- what a backend remembers of statements stays within bounds, inside a transaction too
--
SELECT count(pg_temp.refuse('SELECT * FROM syntax WHERE pk = ''' || n || ''' AND n IN [' || repeat('[1, 1, 1, 1, 1],', 90) || '1]')) FROM generate_series(1, 120) n;
SELECT sum(total_bytes) < 17 * 1024 * 1024 FROM pg_backend_memory_contexts WHERE name = 'pg_dynamo expression';
SELECT count(pg_temp.refuse('SELECT * FROM syntax WHERE pk = ''' || n || '''')) FROM generate_series(1, 1500) n;
SELECT count(*) <= 1024 FROM pg_backend_memory_contexts WHERE name = 'pg_dynamo expression';
SELECT pg_temp.find('sk = 1');

SELECT dynamo.delete_table('{"TableName": "syntax"}') IS NOT NULL AS gone;
SELECT dynamo.delete_table('{"TableName": "syntax-dash.d"}') IS NOT NULL AS gone;
