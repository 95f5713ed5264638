-- the SQL door: plain JSON, sets, the dispatcher, errors as SQL sees them
\set VERBOSITY terse
\pset format unaligned

--
-- every object of the extension has a comment
--
SELECT pg_describe_object(d.classid, d.objid, 0) AS uncommented
FROM pg_depend d
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_dynamo')
	AND obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NULL
	-- row types and array types have none of their own
	AND NOT (d.classid = 'pg_type'::regclass AND (SELECT typtype = 'c' OR typelem <> 0 FROM pg_type WHERE oid = d.objid))
ORDER BY 1;

--
-- create_table
--
SELECT dynamo.create_table('api', 'p S', 'r N');
SELECT dynamo.create_table(table_name => 'api_hash', partition_key => 'a b S');
SELECT table_name, partition_key, partition_key_type, sort_key, sort_key_type FROM dynamo.tables WHERE table_name LIKE 'api%' ORDER BY 1;
SELECT dynamo.describe_table('{"TableName": "api"}') #>> '{Table,BillingModeSummary,BillingMode}' AS mode;
SELECT dynamo.create_table('api', 'p S');
SELECT dynamo.create_table('ap', 'p S');
SELECT dynamo.create_table('api_bad', 'p');
SELECT dynamo.create_table('api_bad', 'p X');
SELECT dynamo.create_table('api_bad', ' S');
SELECT dynamo.create_table('api_bad', 'p S', 'p S');
SELECT dynamo.create_table(NULL, 'p S');
SELECT dynamo.create_table('api_bad', NULL);
SELECT dynamo.create_table('api_bad', '');

--
-- put_item, get_item: every JSON type there and back
--
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "s": "", "n": 1.50, "big": 123456789012345678901234567890, "t": true, "f": false, "z": null,
	"l": [1, "x", [], {}], "m": {"k": {"j": []}}, "ss": {"$stringSet": ["a", "b"]}, "ns": {"$numberSet": [1, 2.0]}, "bs": {"$binarySet": ["AA=="]}, "b": {"$binary": "AP8="}}');
SELECT jsonb_pretty(dynamo.get_item('api', '{"p": "a", "r": 1}'));
SELECT item FROM dynamo_tables.api;
SELECT dynamo.get_item('api', '{"p": "a", "r": 2}') IS NULL AS none;
SELECT dynamo.get_item('api', NULL) IS NULL AS strict;
SELECT dynamo.get_item('api', '[]');
SELECT dynamo.get_item('api', '"a"');
SELECT dynamo.get_item('api', '{"p": "a"}');
SELECT dynamo.get_item('api', '{"p": "a", "r": "1"}');
SELECT dynamo.get_item('api_none', '{"p": "a"}');
SELECT dynamo.put_item('api', '{"p": "a"}');
SELECT dynamo.put_item('api', NULL);
SELECT dynamo.put_item('api', '1');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1e200}');
-- conditions
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 2}', 'attribute_not_exists(p)');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 2}', 'n = :n', '{":n": 1.5}');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 3}', condition => '#n = :n', expression_values => '{":n": 2}', expression_names => '{"#n": "n"}');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 3}', 'n = :n', '[]');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 3}', 'n = :n', '{}');
SELECT dynamo.put_item('api', '{"p": "a", "r": 1, "n": 3}', '');
SELECT dynamo.get_item('api', '{"p": "a", "r": 1}');

--
-- update_item, delete_item
--
SELECT dynamo.update_item('api', '{"p": "a", "r": 1}', 'SET x = :x, #l = :l ADD n :one', '{":x": {"k": [1]}, ":l": [], ":one": 1}', '{"#l": "list"}');
SELECT dynamo.update_item('api', '{"p": "a", "r": 1}', 'REMOVE x', condition => 'attribute_exists(x)');
SELECT dynamo.update_item('api', '{"p": "a", "r": 1}', 'REMOVE x', condition => 'attribute_exists(x)');
SELECT dynamo.update_item('api', '{"p": "a", "r": 9}', 'REMOVE x') IS NULL AS nothing;
SELECT dynamo.update_item('api', '{"p": "a", "r": 2}', 'SET x = :x', '{":x": null}');
SELECT dynamo.update_item('api', '{"p": "a", "r": 2}', 'ADD s :s', '{":s": {"$stringSet": ["q"]}}');
SELECT dynamo.update_item('api', '{"p": "a", "r": 2}', NULL);
SELECT dynamo.update_item('api', NULL, 'SET x = :x');
SELECT dynamo.update_item('api', '{"p": "a", "r": 2}', 'SET x');
SELECT dynamo.delete_item('api', '{"p": "a", "r": 2}', 'attribute_not_exists(x)');
SELECT dynamo.delete_item('api', '{"p": "a", "r": 2}', 'x = :x', '{":x": null}');
SELECT dynamo.delete_item('api', '{"p": "a", "r": 2}') IS NULL AS nothing;
SELECT dynamo.delete_item('api', NULL);

--
-- query and scan: sets without pages
--
INSERT INTO dynamo_tables.api (item)
SELECT dynamo.json_to_item(jsonb_build_object('p', 'q', 'r', n, 'x', n % 10)) FROM generate_series(1, 1000) n;
SELECT * FROM dynamo.query('api', 'p = :p AND r BETWEEN :a AND :b', '{":p": "q", ":a": 9, ":b": 11}');
SELECT * FROM dynamo.query('api', 'p = :p AND r < :a', '{":p": "q", ":a": 4}', forward => false);
SELECT * FROM dynamo.query('api', 'p = :p AND r < :a', '{":p": "q", ":a": 30, ":x": 2}', 'x = :x');
SELECT * FROM dynamo.query('api', '#p = :p AND r < :a', '{":p": "q", ":a": 30, ":x": 2}', '#x = :x', '{"#p": "p", "#x": "x"}', false);
SELECT count(*), min((q ->> 'r')::int), max((q ->> 'r')::int) FROM dynamo.query('api', 'p = :p', '{":p": "q"}') q;
SELECT * FROM dynamo.query('api', 'p = :p', '{":p": "none"}');
SELECT count(*) FROM dynamo.scan('api');
SELECT count(*), sum((s ->> 'x')::int) FROM dynamo.scan('api', 'x = :x', '{":x": 3}') s;
SELECT count(*) FROM dynamo.scan('api', '#x = :x', '{":x": 3}', '{"#x": "x"}');
SELECT * FROM dynamo.scan('api_hash');
-- more than a page of 1 MB
INSERT INTO dynamo_tables.api_hash (item)
SELECT dynamo.json_to_item(jsonb_build_object('a b', n::text, 'f', repeat('x', 200000))) FROM generate_series(1, 12) n;
SELECT count(*), sum(length(i ->> 'f')) FROM dynamo.scan('api_hash') i;
-- errors
SELECT * FROM dynamo.query('api', 'x = :p', '{":p": "q"}');
SELECT * FROM dynamo.query('api', 'p = :p', NULL);
SELECT * FROM dynamo.query('api', NULL, '{":p": "q"}');
SELECT * FROM dynamo.query(NULL, 'p = :p', '{":p": "q"}');
SELECT * FROM dynamo.query('api', 'p = :p', '{":p": "q"}', 'r = :p');
SELECT * FROM dynamo.query('api_none', 'p = :p', '{":p": "q"}');
SELECT * FROM dynamo.scan(NULL::text);
SELECT * FROM dynamo.scan('api', 'x = ');
SELECT * FROM dynamo.scan('api', NULL, '{":x": 1}');
SELECT * FROM dynamo.scan('api_none');
-- a request is no table name
SELECT dynamo.scan('{"TableName": "api"}');

--
-- where sets may stand
--
SELECT dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r' AS r LIMIT 3;
SELECT dynamo.query('api', 'p = :p', '{":p": "q"}', forward => false) AS q OFFSET 2 LIMIT 2;
SELECT * FROM dynamo.query('api', 'p = :p', '{":p": "q"}') LIMIT 1;
SELECT n, dynamo.query('api', 'p = :p AND r = :r', jsonb_build_object(':p', 'q', ':r', n)) ->> 'x' AS x FROM generate_series(9, 12) n;
-- two in step, and one inside the other
SELECT dynamo.query('api', 'p = :p AND r <= :r', '{":p": "q", ":r": 3}') ->> 'r' AS up, dynamo.query('api', 'p = :p AND r <= :r', '{":p": "q", ":r": 2}', forward => false) ->> 'r' AS down;
SELECT a ->> 'r' AS a, b ->> 'r' AS b
FROM dynamo.query('api', 'p = :p AND r <= :r', '{":p": "q", ":r": 2}') a, LATERAL dynamo.query('api', 'p = :p AND r BETWEEN :a AND :b', jsonb_build_object(':p', 'q', ':a', (a ->> 'r')::int * 10, ':b', (a ->> 'r')::int * 10 + 1)) b;
SELECT count(*) FROM dynamo.scan('api') a JOIN dynamo.scan('api') b ON a = b;
SELECT count(*) FROM (SELECT dynamo.scan('api'), dynamo.scan('api')) x;
SELECT EXISTS (SELECT dynamo.scan('api')) AS some, (SELECT dynamo.query('api', 'p = :p', '{":p": "q"}') LIMIT 1) AS first;
-- in a condition
SELECT r FROM generate_series(1, 5) r WHERE EXISTS (SELECT FROM dynamo.query('api', 'p = :p AND r = :r', jsonb_build_object(':p', 'q', ':r', r * 300)));
-- in a cursor, left open half way and closed
BEGIN;
DECLARE c CURSOR FOR SELECT dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r';
FETCH 2 FROM c;
FETCH 1 FROM c;
CLOSE c;
DECLARE d CURSOR FOR SELECT dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r';
FETCH 2 FROM d;
COMMIT;
-- WITH HOLD: read to its end at COMMIT
BEGIN;
DECLARE h CURSOR WITH HOLD FOR SELECT dynamo.query('api', 'p = :p AND r < :r', '{":p": "q", ":r": 5}') ->> 'r';
FETCH 1 FROM h;
COMMIT;
FETCH ALL FROM h;
CLOSE h;
-- several, so that the server comes upon them and the scans under them in some other order
BEGIN;
DECLARE h1 CURSOR WITH HOLD FOR SELECT dynamo.query('api', 'p = :p AND r < :r', '{":p": "q", ":r": 300}') ->> 'r';
DECLARE h2 SCROLL CURSOR WITH HOLD FOR SELECT dynamo.query('api', 'p = :p AND r < :r', '{":p": "q", ":r": 300, ":x": 3}', 'x = :x') ->> 'r';
DECLARE h3 CURSOR WITH HOLD FOR SELECT dynamo.scan('api', 'x = :x', '{":x": 3}') ->> 'x';
DECLARE n1 CURSOR FOR SELECT dynamo.scan('api');
FETCH 1 FROM h1;
FETCH 3 FROM h2;
MOVE 50 FROM h3;
MOVE 1 FROM n1;
COMMIT;
MOVE FORWARD ALL FROM h1;
\echo :ROW_COUNT
FETCH BACKWARD 2 FROM h2;
FETCH LAST FROM h2;
MOVE FORWARD ALL FROM h3;
\echo :ROW_COUNT
CLOSE ALL;
SELECT count(*) FROM pg_cursors;
-- an open set that nobody holds is not read to its end at COMMIT
BEGIN;
DECLARE n CURSOR FOR SELECT 1 / (700 - (dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r')::int);
FETCH 1 FROM n;
COMMIT;
BEGIN;
DECLARE n CURSOR WITH HOLD FOR SELECT 1 / (700 - (dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r')::int);
FETCH 1 FROM n;
COMMIT;
SELECT count(*) FROM pg_cursors;
-- a savepoint between opening and fetching
BEGIN;
DECLARE c CURSOR FOR SELECT dynamo.query('api', 'p = :p AND r < :r', '{":p": "q", ":r": 300}') ->> 'r';
FETCH 1 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
CLOSE c;
-- opened inside of what is rolled back
DECLARE c CURSOR FOR SELECT dynamo.query('api', 'p = :p AND r < :r', '{":p": "q", ":r": 300}') ->> 'r';
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
MOVE 290 FROM c;
ROLLBACK;
SELECT count(*) FROM pg_cursors;
-- loops in PL/pgSQL: with writes to the same table, an early exit, an error that is caught
DO $$
DECLARE
	i jsonb;
	n int := 0;
BEGIN
	FOR i IN SELECT * FROM dynamo.query('api', 'p = :p AND r <= :r', '{":p": "q", ":r": 50}') LOOP
		PERFORM dynamo.update_item('api', i - 'x', 'SET seen = :t', '{":t": true}');
		PERFORM dynamo.put_item('api', i || '{"p": "copy"}');
		n := n + 1;
	END LOOP;
	RAISE NOTICE 'updated %', n;
	n := 0;
	FOR i IN SELECT dynamo.query('api', 'p = :p', '{":p": "copy"}') LOOP
		n := n + 1;
		EXIT WHEN n = 7;
	END LOOP;
	RAISE NOTICE 'left after %', n;
	BEGIN
		FOR i IN SELECT dynamo.query('api', 'p = :p', '{":p": "copy"}') LOOP
			PERFORM 1 / (5 - (i ->> 'r')::int);
		END LOOP;
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'caught at %', i ->> 'r';
	END;
	SELECT count(*) INTO n FROM dynamo.scan('api', 'seen = :t', '{":t": true}');
	RAISE NOTICE 'seen %', n;
	SELECT count(*) INTO n FROM dynamo.query('api', 'p = :p', '{":p": "copy"}');
	RAISE NOTICE 'copied %', n;
END $$;
-- COMMIT inside a loop
DO $$
DECLARE
	i jsonb;
	n int := 0;
BEGIN
	FOR i IN SELECT dynamo.query('api', 'p = :p AND r <= :r', '{":p": "q", ":r": 100}') LOOP
		n := n + 1;
		COMMIT;
	END LOOP;
	RAISE NOTICE 'with commits %', n;
END $$;
-- an error in the middle of a set
SELECT 1 / (3 - (dynamo.query('api', 'p = :p', '{":p": "q"}') ->> 'r')::int);
SELECT count(*) FROM dynamo.query('api', 'p = :p', '{":p": "q"}');
-- a statement does not see what it writes, the next one does
SELECT count(dynamo.delete_item('api', c - 'x' - 'seen')) FROM dynamo.query('api', 'p = :p', '{":p": "copy"}') c;
SELECT count(*) FROM dynamo.query('api', 'p = :p', '{":p": "copy"}');
-- a table cannot go away while a set of it is open
BEGIN;
DECLARE c CURSOR FOR SELECT dynamo.scan('api_hash') ->> 'a b' IS NOT NULL;
FETCH 1 FROM c;
DROP TABLE dynamo_tables.api_hash;
ROLLBACK;
-- read only transactions read
BEGIN READ ONLY;
SELECT count(*) FROM dynamo.query('api', 'p = :p', '{":p": "q"}');
SELECT dynamo.get_item('api', '{"p": "q", "r": 1}');
SELECT dynamo.put_item('api', '{"p": "q", "r": 1}');
ROLLBACK;

--
-- item_matches in a WHERE clause
--
SELECT sk FROM dynamo_tables.api WHERE pk = 'q' AND dynamo.item_matches(item, 'x = :x AND r < :r', '{":x": 7, ":r": 40}') ORDER BY 1;
SELECT count(*) FROM dynamo_tables.api WHERE dynamo.item_matches(item, 'attribute_exists(#s)', expression_names => '{"#s": "seen"}');
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'a = :a', '{":a": 1.0}'), dynamo.item_matches('{}', 'a = :a', '{":a": 1}'), dynamo.item_matches(NULL, 'a = :a', '{":a": 1}'), dynamo.item_matches('{}', NULL);
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'a = ');
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'a = :a');
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'attribute_exists(a)', '{":a": 1}');
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'a = :a', '[]');
SELECT dynamo.item_matches('{"a": {"N": "1"}}', 'a = :a', '{":a": 1}', '1');

--
-- the dispatcher in its three forms
--
SELECT pg_typeof(r), r FROM dynamo.execute('GetItem', '{"TableName": "api", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}}'::jsonb) r;
SELECT pg_typeof(r), r FROM dynamo.execute('GetItem', '{"TableName": "api", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}}'::json) r;
SELECT pg_typeof(r), r FROM dynamo.execute('GetItem', '{"TableName": "api", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}}'::text) r;
SELECT pg_typeof(r) FROM dynamo.execute('ListTables', '{}') r;
SELECT dynamo.execute('getitem', '{}');
SELECT dynamo.execute('Nothing', '{}'::jsonb);
SELECT dynamo.execute('', '{}');
SELECT dynamo.execute('CreateBackup', '{}');
SELECT dynamo.execute('GetItem', '{');
SELECT dynamo.execute('GetItem', '');
SELECT dynamo.execute('GetItem', '[]'::json);
SELECT dynamo.execute('GetItem', 'null'::jsonb);
SELECT dynamo.execute('Nothing', '{');
SELECT dynamo.execute(NULL, '{}') IS NULL AS strict;
SELECT dynamo.execute('GetItem', '{"TableName": "api", "TableName": 1}');

--
-- errors: SQLSTATE, message, and further members as JSON in DETAIL
--
CREATE FUNCTION pg_temp.catch(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM dynamo.execute(operation, request);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, CASE WHEN detail <> '' THEN (detail::jsonb)::text END, nullif(hint, ''));
END $$;
SELECT pg_temp.catch('GetItem', '{}');
SELECT pg_temp.catch('GetItem', '{"TableName": 1}');
SELECT pg_temp.catch('Nothing', '{}');
SELECT pg_temp.catch('GetItem', '{"TableName": "api_none", "Key": {"p": {"S": "a"}}}');
SELECT pg_temp.catch('CreateTable', '{"TableName": "api", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}');
SELECT pg_temp.catch('DeleteItem', '{"TableName": "api", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(p)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}');
-- caught by code
DO $$
BEGIN
	PERFORM dynamo.put_item('api', '{"p": "a", "r": 1}', 'attribute_not_exists(p)');
EXCEPTION
	WHEN SQLSTATE 'DY001' THEN RAISE NOTICE 'wrong request';
	WHEN SQLSTATE 'DY005' THEN RAISE NOTICE 'exists: %', dynamo.get_item('api', '{"p": "a", "r": 1}');
END $$;
-- a savepoint survives; so does what was written before it
BEGIN;
SELECT dynamo.put_item('api', '{"p": "sp", "r": 1}');
SAVEPOINT s;
SELECT dynamo.put_item('api', '{"p": "sp", "r": 2}');
SELECT dynamo.put_item('api', '{"p": "sp", "r": 1}', 'attribute_not_exists(p)');
SELECT dynamo.put_item('api', '{"p": "sp", "r": 3}');
ROLLBACK TO s;
SELECT dynamo.put_item('api', '{"p": "sp", "r": 4}', 'attribute_not_exists(p)');
COMMIT;
SELECT q ->> 'r' AS r FROM dynamo.query('api', 'p = :p', '{":p": "sp"}') q;
-- a transaction of its own
BEGIN;
SELECT dynamo.delete_item('api', '{"p": "sp", "r": 1}');
SELECT dynamo.get_item('api', '{"p": "sp", "r": 1}');
ROLLBACK;
SELECT dynamo.get_item('api', '{"p": "sp", "r": 1}');
-- created and used in one transaction, then undone
BEGIN;
SELECT dynamo.create_table('api_tx', 'p S');
SELECT dynamo.put_item('api_tx', '{"p": "a"}');
SELECT * FROM dynamo.scan('api_tx');
ROLLBACK;
SELECT dynamo.get_item('api_tx', '{"p": "a"}');
SELECT dynamo.create_table('api_tx', 'p N');
SELECT dynamo.put_item('api_tx', '{"p": 1}');
SELECT * FROM dynamo.scan('api_tx');
-- prepared statements live through another definition of the table
PREPARE api_get AS SELECT dynamo.get_item('api_tx', $1);
EXECUTE api_get('{"p": 1}');
DROP TABLE dynamo_tables.api_tx;
EXECUTE api_get('{"p": 1}');
SELECT dynamo.create_table('api_tx', 'p S');
EXECUTE api_get('{"p": 1}');
EXECUTE api_get('{"p": "a"}');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{api,api_hash,api_tx}'::text[]) name;
