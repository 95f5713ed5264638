-- item tables as what they are: ordinary tables
\set VERBOSITY terse
\pset format unaligned

SELECT dynamo.create_table('it_sn', 'p S', 'r N');
SELECT dynamo.create_table('it_b', 'p B');
CREATE FUNCTION pg_temp.detail(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no failure';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, detail, hint);
END $$;

--
-- their shape
--
SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, attcompression,
	(SELECT collname FROM pg_collation c WHERE c.oid = attcollation) AS collation
FROM pg_attribute WHERE attrelid = 'dynamo_tables.it_sn'::regclass AND attnum > 0 ORDER BY attnum;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'dynamo_tables.it_sn'::regclass ORDER BY 1;
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'dynamo_tables.it_sn'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'dynamo_tables.it_sn'::regclass ORDER BY 1;
SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'dynamo_tables.it_b'::regclass AND attnum > 0 ORDER BY attnum;

--
-- INSERT fills the key columns
--
INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "1"}}') RETURNING *;
INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "2"}}'), ('{"p": {"S": "b"}, "r": {"N": "-1.5"}, "x": {"L": []}}') RETURNING pk, sk;
INSERT INTO dynamo_tables.it_sn (pk, sk, item) VALUES ('c', 1, '{"p": {"S": "c"}, "r": {"N": "1"}}') RETURNING *;
INSERT INTO dynamo_tables.it_sn (pk, item) VALUES ('d', '{"p": {"S": "d"}, "r": {"N": "1"}}') RETURNING *;
INSERT INTO dynamo_tables.it_sn VALUES (NULL, NULL, dynamo.json_to_item('{"p": "e", "r": 1, "list": [1, "x", null]}')) RETURNING *;
INSERT INTO dynamo_tables.it_b (item) VALUES ('{"p": {"B": "AP8="}}') RETURNING *;
SELECT dynamo.get_item('it_sn', '{"p": "e", "r": 1}');
-- from a query, and from other spellings
INSERT INTO dynamo_tables.it_sn (item)
SELECT dynamo.canonical_item(jsonb_build_object('p', jsonb_build_object('S', 'gen'), 'r', jsonb_build_object('N', n || '.0'))) FROM generate_series(1, 3) n RETURNING sk, item;
-- COPY
COPY dynamo_tables.it_sn (item) FROM stdin;
{"p": {"S": "copy"}, "r": {"N": "1"}}
{"p": {"S": "copy"}, "r": {"N": "2"}, "s": {"S": "tab \\\\t"}}
\.
COPY dynamo_tables.it_sn FROM stdin;
copy	3	{"p": {"S": "copy"}, "r": {"N": "3"}}
\N	\N	{"p": {"S": "copy"}, "r": {"N": "4"}}
\.
COPY (SELECT * FROM dynamo_tables.it_sn WHERE pk = 'copy' ORDER BY sk) TO stdout;
-- long keys
INSERT INTO dynamo_tables.it_sn (item) SELECT dynamo.json_to_item(jsonb_build_object('p', repeat('k', 512), 'r', 1)) RETURNING length(pk);
INSERT INTO dynamo_tables.it_sn (item) SELECT dynamo.json_to_item(jsonb_build_object('p', repeat('k', 513), 'r', 1)) RETURNING octet_length(pk) < 2048 AS shortened, left(pk, 3) AS begin, octet_length(item #>> '{p,S}') AS in_item;
DELETE FROM dynamo_tables.it_sn WHERE pk LIKE 'kkk%';

--
-- what is refused
--
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES (NULL)$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"N": "1"}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": ""}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "x"}, "r": {"N": "1.0"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": "x", "r": 1}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('[]')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "x"}, "r": {"N": "1"}, "y": {"NULL": false}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) SELECT dynamo.json_to_item(jsonb_build_object('p', repeat('k', 2049), 'r', 1))$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) SELECT dynamo.json_to_item(jsonb_build_object('p', 'big', 'r', 1, 'f', repeat('k', 409600)))$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (pk, sk, item) VALUES ('other', 1, '{"p": {"S": "x"}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (pk, sk, item) VALUES ('x', 2, '{"p": {"S": "x"}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (pk, item) VALUES ('other', '{"p": {"S": "x"}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (sk, item) VALUES (2, '{"p": {"S": "x"}, "r": {"N": "1"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (pk, sk, item) VALUES ('x', 2, '{"r": {"N": "2"}}')$$);
SELECT pg_temp.detail($$INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "1"}}')$$);
SELECT count(*) FROM dynamo_tables.it_sn WHERE pk IN ('x', 'other', 'big');

--
-- UPDATE: of attributes, not of keys
--
UPDATE dynamo_tables.it_sn SET item = item || '{"x": {"S": "new"}}' WHERE pk = 'a' AND sk = 1 RETURNING *;
UPDATE dynamo_tables.it_sn SET item = dynamo.json_to_item(dynamo.item_to_json(item) || '{"x": [1, 2]}') WHERE pk = 'a' AND sk = 1 RETURNING item;
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET item = item || '{"p": {"S": "z"}}' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET item = item || '{"r": {"N": "7"}}' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET item = item - 'r' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET pk = 'z' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET sk = 7, item = item || '{"r": {"N": "7"}}' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET item = '{"broken": 1}' WHERE pk = 'a' AND sk = 1$$);
SELECT pg_temp.detail($$UPDATE dynamo_tables.it_sn SET item = NULL WHERE pk = 'a' AND sk = 1$$);
DELETE FROM dynamo_tables.it_sn WHERE pk = 'b' RETURNING item;
SELECT dynamo.get_item('it_sn', '{"p": "b", "r": -1.5}');
-- ON CONFLICT
INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "1"}, "c": {"S": "nothing"}}') ON CONFLICT DO NOTHING RETURNING item;
INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "a"}, "r": {"N": "1"}, "c": {"S": "update"}}') ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item RETURNING item;
-- MERGE and TRUNCATE
MERGE INTO dynamo_tables.it_sn t USING (VALUES ('a', 1), ('m', 1)) v(p, r) ON t.pk = v.p AND t.sk = v.r
WHEN MATCHED THEN UPDATE SET item = t.item || '{"merged": {"BOOL": true}}'
WHEN NOT MATCHED THEN INSERT (item) VALUES (dynamo.json_to_item(jsonb_build_object('p', v.p, 'r', v.r)));
SELECT item FROM dynamo_tables.it_sn WHERE pk IN ('a', 'm') ORDER BY pk, sk;
TRUNCATE dynamo_tables.it_b;
SELECT count(*) FROM dynamo.scan('it_b');

--
-- indexes, views, foreign keys of a DBA
--
CREATE INDEX it_gin ON dynamo_tables.it_sn USING gin (item jsonb_path_ops);
CREATE INDEX it_expr ON dynamo_tables.it_sn ((item #>> '{x,S}'));
CREATE UNIQUE INDEX it_unique ON dynamo_tables.it_sn ((item #>> '{email,S}'));
SELECT dynamo.put_item('it_sn', '{"p": "i", "r": 1, "x": "findme", "email": "a@b"}');
BEGIN;
SET LOCAL enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT pk FROM dynamo_tables.it_sn WHERE item @> '{"x": {"S": "findme"}}';
EXPLAIN (COSTS OFF) SELECT pk FROM dynamo_tables.it_sn WHERE item #>> '{x,S}' = 'findme';
SELECT pk FROM dynamo_tables.it_sn WHERE item @> '{"x": {"S": "findme"}}';
SELECT pk FROM dynamo_tables.it_sn WHERE item #>> '{x,S}' = 'findme';
COMMIT;
-- an error of the user's own index is the server's
SELECT dynamo.put_item('it_sn', '{"p": "i", "r": 2, "email": "a@b"}');
SELECT dynamo.update_item('it_sn', '{"p": "i", "r": 1}', 'SET x = :x', '{":x": "changed"}');
CREATE VIEW it_view AS SELECT pk AS name, sk AS number, dynamo.item_to_json(item) AS item FROM dynamo_tables.it_sn;
SELECT * FROM it_view WHERE name = 'i';
CREATE TABLE it_referrer (id int, p text COLLATE "C", r numeric, FOREIGN KEY (p, r) REFERENCES dynamo_tables.it_sn (pk, sk));
INSERT INTO it_referrer VALUES (1, 'i', 1);
INSERT INTO it_referrer VALUES (2, 'i', 99);
SELECT dynamo.update_item('it_sn', '{"p": "i", "r": 1}', 'SET x = :x', '{":x": "again"}');
SELECT dynamo.put_item('it_sn', '{"p": "i", "r": 1, "x": "put"}');
SELECT dynamo.delete_item('it_sn', '{"p": "i", "r": 1}');
DROP TABLE it_referrer;
SELECT dynamo.delete_item('it_sn', '{"p": "i", "r": 1}');
DROP VIEW it_view;

--
-- triggers of users
--
SELECT dynamo.create_table('it_log', 'p S', 'r N');
CREATE SEQUENCE it_seq;
CREATE FUNCTION it_after() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- another item table, from inside a write of the engine
	PERFORM dynamo.put_item('it_log', jsonb_build_object('p', coalesce(NEW.pk, OLD.pk), 'r', nextval('it_seq'), 'op', TG_OP));
	RETURN NULL;
END $$;
CREATE TRIGGER after_it AFTER INSERT OR UPDATE OR DELETE ON dynamo_tables.it_sn FOR EACH ROW EXECUTE FUNCTION it_after();
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 1}');
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 1, "v": 1}');
SELECT dynamo.update_item('it_sn', '{"p": "t", "r": 1}', 'ADD v :v', '{":v": 1}', NULL, 'v = :v');
SELECT dynamo.update_item('it_sn', '{"p": "t", "r": 1}', 'ADD v :v', '{":v": 1}', NULL, 'v = :v');
SELECT dynamo.delete_item('it_sn', '{"p": "t", "r": 1}', 'v > :v', '{":v": 1}');
SELECT * FROM dynamo.query('it_log', 'p = :p', '{":p": "t"}');
DROP TRIGGER after_it ON dynamo_tables.it_sn;
-- a BEFORE trigger may change the item, but not its key; one that skips a write
-- of the API makes it fail, for what was not done is not acknowledged
CREATE FUNCTION it_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.item ? 'skip' THEN
		RETURN NULL;
	ELSIF NEW.item ? 'rekey' THEN
		NEW.item := NEW.item || '{"p": {"S": "other"}}';
	ELSIF NEW.item ? 'boom' THEN
		RAISE EXCEPTION 'refused by trigger';
	END IF;
	NEW.item := NEW.item || '{"seen": {"BOOL": true}}';
	RETURN NEW;
END $$;
CREATE TRIGGER before_it BEFORE INSERT OR UPDATE ON dynamo_tables.it_sn FOR EACH ROW EXECUTE FUNCTION it_before();
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 2}');
SELECT dynamo.get_item('it_sn', '{"p": "t", "r": 2}');
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 3, "skip": 1}');
SELECT dynamo.get_item('it_sn', '{"p": "t", "r": 3}');
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 4, "rekey": 1}');
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 5, "boom": 1}');
SELECT dynamo.update_item('it_sn', '{"p": "t", "r": 2}', 'SET boom = :v', '{":v": 1}');
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 6}');
DROP TRIGGER before_it ON dynamo_tables.it_sn;
-- whatever its name
CREATE TRIGGER zz BEFORE INSERT ON dynamo_tables.it_sn FOR EACH ROW EXECUTE FUNCTION it_before();
SELECT dynamo.put_item('it_sn', '{"p": "t", "r": 4, "rekey": 1}');
INSERT INTO dynamo_tables.it_sn (pk, sk, item) VALUES ('t', 4, '{"p": {"S": "t"}, "r": {"N": "4"}, "rekey": {"S": ""}}');
INSERT INTO dynamo_tables.it_sn (item) VALUES ('{"p": {"S": "t"}, "r": {"N": "4"}, "rekey": {"S": ""}}') RETURNING pk, item;
DROP TRIGGER zz ON dynamo_tables.it_sn;
-- recursion: an insert of n writes n - 1 into the same table by an update expression
CREATE FUNCTION it_recurse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.sk > 0 THEN
		PERFORM dynamo.update_item('it_sn', jsonb_build_object('p', NEW.pk, 'r', NEW.sk - 1), 'SET parent = :r', jsonb_build_object(':r', NEW.sk), NULL, 'attribute_not_exists(p)');
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER recurse AFTER INSERT ON dynamo_tables.it_sn FOR EACH ROW EXECUTE FUNCTION it_recurse();
SELECT dynamo.put_item('it_sn', '{"p": "rec", "r": 20}', 'attribute_not_exists(p)');
SELECT count(*), count(item -> 'parent') AS parents FROM dynamo_tables.it_sn WHERE pk = 'rec';
-- a failure at the bottom undoes all of it
SELECT dynamo.put_item('it_sn', '{"p": "rec", "r": 25}', 'attribute_not_exists(p)');
SELECT count(*), count(item -> 'parent') AS parents FROM dynamo_tables.it_sn WHERE pk = 'rec';
DROP TRIGGER recurse ON dynamo_tables.it_sn;
DROP FUNCTION it_after, it_before, it_recurse;
-- the extension's own trigger functions are for item tables
CREATE TABLE it_plain (pk text, item jsonb);
CREATE TRIGGER wrong BEFORE INSERT ON it_plain FOR EACH ROW EXECUTE FUNCTION dynamo.item_before_insert();
INSERT INTO it_plain VALUES ('a', '{}');
DROP TABLE it_plain;

--
-- partitioned item tables run the same statements
--
SET dynamo.table_partitions = 4;
SELECT dynamo.create_table('it_part', 'p S', 'r N');
SELECT dynamo.create_table('it_part.b', 'p B');
RESET dynamo.table_partitions;
SELECT level, count(*) FROM pg_partition_tree('dynamo_tables.it_part') GROUP BY 1 ORDER BY 1;
INSERT INTO dynamo_tables.it_part (pk, sk, item)
SELECT 'k' || p, r, dynamo.json_to_item(jsonb_build_object('p', 'k' || p, 'r', r)) FROM generate_series(1, 20) p, generate_series(1, 5) r;
SELECT count(DISTINCT tableoid) AS used, count(*) FROM dynamo_tables.it_part;
SELECT dynamo.put_item('it_part', '{"p": "a", "r": 1, "v": 1}');
SELECT dynamo.put_item('it_part', '{"p": "a", "r": 1, "v": 2}', 'v = :v', '{":v": 1}');
SELECT dynamo.put_item('it_part', '{"p": "a", "r": 1, "v": 2}', 'attribute_not_exists(p)');
SELECT dynamo.put_item('it_part', '{"p": "a", "r": 1, "v": 3}', 'v <> :v', '{":v": 1}');
SELECT dynamo.update_item('it_part', '{"p": "a", "r": 1}', 'ADD v :v', '{":v": 1}');
SELECT dynamo.update_item('it_part', '{"p": "a", "r": 2}', 'ADD v :v', '{":v": 1}');
SELECT dynamo.get_item('it_part', '{"p": "a", "r": 1}');
SELECT dynamo.delete_item('it_part', '{"p": "a", "r": 1}', 'v = :v', '{":v": 4}');
SELECT * FROM dynamo.query('it_part', 'p = :p AND r BETWEEN :a AND :b', '{":p": "k7", ":a": 2, ":b": 4}', forward => false);
SELECT count(*) FROM dynamo.scan('it_part');
SELECT dynamo.query('{"TableName": "it_part", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "k3"}}, "Limit": 2}');
CREATE FUNCTION pg_temp.scan_all(name text, page int) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
	request jsonb := jsonb_build_object('TableName', name, 'Limit', page);
	response jsonb;
BEGIN
	LOOP
		response := dynamo.scan(request);
		RETURN QUERY SELECT jsonb_array_elements(response -> 'Items');
		EXIT WHEN NOT response ? 'LastEvaluatedKey';
		request := request || jsonb_build_object('ExclusiveStartKey', response -> 'LastEvaluatedKey');
	END LOOP;
END $$;
SELECT count(*), count(DISTINCT i) AS different FROM pg_temp.scan_all('it_part', 7) i;
-- SQL writers give the key columns: they route the row
INSERT INTO dynamo_tables.it_part (pk, item) VALUES ('sql', '{"p": {"S": "sql"}, "r": {"N": "1"}}');
INSERT INTO dynamo_tables.it_part (item) VALUES ('{"p": {"S": "sql"}, "r": {"N": "2"}}');
INSERT INTO dynamo_tables.it_part (pk, sk, item) VALUES ('sql', 3, '{"p": {"S": "sql"}, "r": {"N": "3"}}');
SELECT count(*) FROM dynamo.query('it_part', 'p = :p', '{":p": "sql"}');
SELECT dynamo.describe_table('{"TableName": "it_part"}') #> '{Table,ItemCount}' AS items;
SELECT dynamo.put_item('it_part.b', '{"p": {"$binary": "AP8="}}');
SELECT count(*) FROM dynamo.scan('it_part.b');
-- the name is free after a rename, although partitions and indexes keep theirs
ALTER TABLE dynamo_tables.it_part RENAME TO "it_part-old";
SET dynamo.table_partitions = 2;
SELECT dynamo.create_table('it_part', 'p S');
RESET dynamo.table_partitions;
SELECT count(*) AS partitions FROM pg_inherits WHERE inhparent = 'dynamo_tables.it_part'::regclass;
SELECT dynamo.put_item('it_part', '{"p": "a"}');
SELECT count(*) FROM dynamo.scan('it_part-old');
DROP TABLE dynamo_tables."it_part-old";
DROP TABLE dynamo_tables.it_part;
SELECT dynamo.delete_table('{"TableName": "it_part.b"}') #>> '{TableDescription,TableStatus}' AS status;
SELECT relname FROM pg_class WHERE relname LIKE 'it_part%';

--
-- the engine's statements use the key index, whatever the planner believes
--
CREATE FUNCTION pg_temp.scans(rel regclass, OUT seq bigint, OUT idx bigint) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_stat_clear_snapshot();
	SELECT s.seq_scan, s.idx_scan INTO seq, idx FROM pg_stat_all_tables s WHERE s.relid = rel;
END $$;
-- reads, writes, queries, pages of scans; what it counts is seen after the transaction
SELECT dynamo.create_table('it_idx', 'p S', 'r N');
SELECT pg_stat_force_next_flush();
SELECT seq AS create_seq FROM pg_temp.scans('dynamo_tables.it_idx') \gset
CREATE PROCEDURE it_work() LANGUAGE plpgsql AS $$
DECLARE
	start jsonb;
BEGIN
	PERFORM pg_stat_force_next_flush();
	PERFORM dynamo.get_item('it_idx', '{"p": "k1", "r": 1}');
	PERFORM dynamo.put_item('it_idx', '{"p": "k1", "r": 1, "v": 1}');
	PERFORM dynamo.put_item('it_idx', '{"p": "k1", "r": 1, "v": 2}', 'v = :v', '{":v": 1}');
	PERFORM dynamo.put_item('it_idx', '{"p": "k1", "r": 1, "v": 2}', 'v <> :v', '{":v": 1}');
	PERFORM dynamo.update_item('it_idx', '{"p": "k1", "r": 1}', 'ADD v :v', '{":v": 1}');
	PERFORM dynamo.update_item('it_idx', '{"p": "k1", "r": 2}', 'ADD v :v', '{":v": 1}');
	PERFORM dynamo.delete_item('it_idx', '{"p": "k1", "r": 2}');
	PERFORM dynamo.execute('DeleteItem', '{"TableName": "it_idx", "Key": {"p": {"S": "k1"}, "r": {"N": "2"}}}'::jsonb);
	PERFORM dynamo.query('{"TableName": "it_idx", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "k1"}}}');
	PERFORM dynamo.query('{"TableName": "it_idx", "KeyConditionExpression": "p = :p AND r > :r", "ExpressionAttributeValues": {":p": {"S": "k1"}, ":r": {"N": "0"}}, "ScanIndexForward": false}');
	PERFORM * FROM dynamo.query('it_idx', 'p = :p', '{":p": "k1"}');
	start := dynamo.scan('{"TableName": "it_idx", "Limit": 1}'::jsonb) -> 'LastEvaluatedKey';
	PERFORM dynamo.scan(jsonb_build_object('TableName', 'it_idx', 'Limit', 1, 'ExclusiveStartKey', start));
	PERFORM dynamo.scan('{"TableName": "it_idx", "Limit": 1, "Segment": 1, "TotalSegments": 3}'::jsonb);
END $$;
CALL it_work();
SELECT seq - :create_seq AS empty_seq, idx > 0 AS idx FROM pg_temp.scans('dynamo_tables.it_idx');
-- tiny, and the planner knows
ANALYZE dynamo_tables.it_idx;
SELECT pg_stat_force_next_flush();
SELECT seq AS analyze_seq FROM pg_temp.scans('dynamo_tables.it_idx') \gset
CALL it_work();
SELECT seq - :analyze_seq AS tiny_seq FROM pg_temp.scans('dynamo_tables.it_idx');
-- the statements are planned again, under another search path and another role
SET search_path = pg_catalog;
CALL public.it_work();
RESET search_path;
SELECT seq - :analyze_seq AS other_path_seq FROM pg_temp.scans('dynamo_tables.it_idx');
CREATE ROLE regress_it;
GRANT ALL ON dynamo_tables.it_idx TO regress_it;
ALTER TABLE dynamo_tables.it_idx ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON dynamo_tables.it_idx USING (true);
SET ROLE regress_it;
CALL it_work();
RESET ROLE;
SELECT seq - :analyze_seq AS row_security_seq FROM pg_temp.scans('dynamo_tables.it_idx');
CALL it_work();
-- hostile settings of a session
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
CALL it_work();
SELECT seq - :analyze_seq AS settings_seq FROM pg_temp.scans('dynamo_tables.it_idx');
RESET enable_indexscan;
RESET enable_indexonlyscan;
ALTER TABLE dynamo_tables.it_idx DISABLE ROW LEVEL SECURITY;
-- large and never analysed, with one partition that has most of it
ALTER TABLE dynamo_tables.it_idx SET (autovacuum_enabled = off);
TRUNCATE dynamo_tables.it_idx;
SELECT pg_stat_force_next_flush();
SELECT seq AS truncate_seq FROM pg_temp.scans('dynamo_tables.it_idx') \gset
CALL it_work();
INSERT INTO dynamo_tables.it_idx (pk, sk, item)
SELECT 'k' || n % 10 / 9, n, jsonb_build_object('p', jsonb_build_object('S', 'k' || n % 10 / 9), 'r', jsonb_build_object('N', n::text)) FROM generate_series(10, 20000) n;
CALL it_work();
SELECT seq - :truncate_seq AS large_seq FROM pg_temp.scans('dynamo_tables.it_idx');
ANALYZE dynamo_tables.it_idx;
SELECT pg_stat_force_next_flush();
SELECT seq AS truncate_seq FROM pg_temp.scans('dynamo_tables.it_idx') \gset
CALL it_work();
SELECT seq - :truncate_seq AS large_analysed_seq FROM pg_temp.scans('dynamo_tables.it_idx');
DROP PROCEDURE it_work;

--
-- names
--
SELECT repeat('n', 250) || 'a' AS long_a, repeat('n', 250) || 'b' AS long_b, repeat('n', 63) AS exact, repeat('n', 64) AS over \gset
SELECT count(dynamo.create_table(n, 'p S')) FROM unnest(ARRAY[:'long_a', :'long_b', :'exact', :'over']) n;
SELECT length(relation::text) - length('dynamo_tables.') AS relation_length, length(table_name) AS length FROM dynamo.tables WHERE table_name LIKE 'nnn%' ORDER BY 2, 1;
SELECT count(dynamo.put_item(n, jsonb_build_object('p', right(n, 1)))) FROM unnest(ARRAY[:'long_a', :'long_b', :'exact', :'over']) n;
SELECT length(n), i FROM unnest(ARRAY[:'long_a', :'long_b', :'exact', :'over']) WITH ORDINALITY x(n, ord), LATERAL dynamo.scan(n) i ORDER BY ord;
SELECT count(dynamo.create_table(n, 'p S')) FROM unnest(ARRAY[:'long_a']) n;
-- "select", mixed case, dots, hyphens, names of system columns and of the columns here
SELECT n, dynamo.create_table(n, n || ' S', 'xmin N') FROM unnest('{select,MiXed,a.b-c_d,ctid,item}'::text[]) n;
SELECT n, dynamo.update_item(n, jsonb_build_object(n, 'a', 'xmin', 1), 'SET x = :x', '{":x": 1}') FROM unnest('{select,MiXed,a.b-c_d,ctid,item}'::text[]) n;
SELECT n, i FROM unnest('{select,MiXed,a.b-c_d,ctid,item}'::text[]) n, LATERAL dynamo.query(n, '#p = :p AND xmin > :r', '{":p": "a", ":r": 0}', NULL, jsonb_build_object('#p', n)) i;
-- key attributes with quotes, backslashes and other scripts
SELECT dynamo.create_table('it_quote', $$a'b\c"d$$ || ' S', 'ключ N');
SELECT dynamo.put_item('it_quote', jsonb_build_object($$a'b\c"d$$, 'v', 'ключ', 1));
INSERT INTO dynamo_tables.it_quote (item) VALUES ('{"a''b\\c\"d": {"S": "w"}, "ключ": {"N": "2"}}') RETURNING pk, sk;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', n))) FROM unnest(ARRAY[:'long_a', :'long_b', :'exact', :'over', 'select', 'MiXed', 'a.b-c_d', 'ctid', 'item', 'it_quote']) n;

--
-- DDL by SQL
--
SELECT dynamo.create_table('it_ddl', 'p S');
SELECT dynamo.put_item('it_ddl', '{"p": "a"}');
ALTER TABLE dynamo_tables.it_ddl RENAME TO it_renamed;
SELECT dynamo.get_item('it_renamed', '{"p": "a"}');
SELECT dynamo.get_item('it_ddl', '{"p": "a"}');
SELECT dynamo.describe_table('{"TableName": "it_renamed"}') #>> '{Table,TableName}' AS name;
ALTER TABLE dynamo_tables.it_renamed RENAME TO "no good";
ALTER TABLE dynamo_tables.it_renamed RENAME TO ab;
SELECT dynamo.create_table('it_ddl', 'p S');
-- another schema: the DynamoDB table is the same
CREATE SCHEMA it_schema;
ALTER TABLE dynamo_tables.it_renamed SET SCHEMA it_schema;
SELECT dynamo.update_item('it_renamed', '{"p": "a"}', 'SET x = :x', '{":x": 1}');
SELECT * FROM it_schema.it_renamed;
ALTER TABLE it_schema.it_renamed RENAME TO it_ddl;
SELECT dynamo.create_table('it_renamed', 'p S');
ALTER TABLE it_schema.it_renamed SET SCHEMA dynamo_tables;
-- owner
ALTER TABLE dynamo_tables.it_ddl OWNER TO regress_it;
SELECT table_name, owner FROM dynamo.tables WHERE table_name = 'it_ddl' AND owner = 'regress_it';
SET ROLE regress_it;
SELECT dynamo.put_item('it_ddl', '{"p": "mine"}');
ALTER TABLE dynamo_tables.it_ddl ADD COLUMN extra int DEFAULT 7;
SELECT dynamo.put_item('it_ddl', '{"p": "mine", "x": 1}');
SELECT * FROM dynamo_tables.it_ddl ORDER BY pk;
SELECT dynamo.scan('{"TableName": "it_ddl"}'::jsonb) -> 'Count' AS n;
ALTER TABLE dynamo_tables.it_ddl DROP COLUMN extra;
SELECT dynamo.get_item('it_ddl', '{"p": "mine"}');
RESET ROLE;
-- what would break a table is refused
ALTER TABLE dynamo_tables.it_ddl DROP COLUMN item;
ALTER TABLE dynamo_tables.it_ddl DROP COLUMN pk CASCADE;
ALTER TABLE dynamo_tables.it_ddl RENAME COLUMN pk TO key;
ALTER TABLE dynamo_tables.it_ddl ALTER COLUMN pk TYPE bytea USING pk::bytea;
ALTER TABLE dynamo_tables.it_ddl ALTER COLUMN item TYPE text;
ALTER TABLE dynamo_tables.it_ddl ALTER COLUMN item TYPE jsonb;
ALTER TABLE dynamo_tables.it_ddl ALTER COLUMN item DROP NOT NULL;
BEGIN;
DROP TRIGGER "~item_before_key_update" ON dynamo_tables.it_ddl;
ALTER TABLE dynamo_tables.it_ddl ALTER COLUMN pk TYPE text COLLATE "POSIX";
ROLLBACK;
-- a rolled back change leaves nothing behind
BEGIN;
ALTER TABLE dynamo_tables.it_ddl RENAME TO it_rolled;
SELECT dynamo.get_item('it_rolled', '{"p": "mine"}');
ROLLBACK;
SELECT dynamo.get_item('it_ddl', '{"p": "mine"}');
SELECT dynamo.get_item('it_rolled', '{"p": "mine"}');
BEGIN;
DROP TABLE dynamo_tables.it_ddl;
SELECT attempt FROM (SELECT pg_temp.detail($$SELECT dynamo.get_item('it_ddl', '{"p": "mine"}')$$)) x(attempt);
ROLLBACK;
SELECT dynamo.get_item('it_ddl', '{"p": "mine"}');
-- the DynamoDB name is free after DROP TABLE, with its tags gone
SELECT dynamo.tag_resource('{"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/it_ddl", "Tags": [{"Key": "a", "Value": "b"}]}') IS NULL AS no_response;
DROP TABLE dynamo_tables.it_ddl;
SELECT dynamo.describe_table('{"TableName": "it_ddl"}');
SELECT dynamo.create_table('it_ddl', 'p N');
SELECT * FROM dynamo.tags WHERE table_name = 'it_ddl';
SELECT dynamo.put_item('it_ddl', '{"p": 1}');
-- dropped with its schema
ALTER TABLE dynamo_tables.it_ddl SET SCHEMA it_schema;
DROP SCHEMA it_schema CASCADE;
SELECT dynamo.describe_table('{"TableName": "it_ddl"}');
SELECT count(*) FROM dynamo.table_definition WHERE table_name = 'it_ddl';

--
-- tables go with DROP OWNED
--
GRANT CREATE ON SCHEMA dynamo_tables TO regress_it;
SET ROLE regress_it;
SELECT dynamo.create_table('it_owned', 'p S');
RESET ROLE;
DROP OWNED BY regress_it;
SELECT dynamo.describe_table('{"TableName": "it_owned"}');

--
-- the extension cannot go with the items
--
BEGIN;
DROP EXTENSION pg_dynamo;
ROLLBACK;
BEGIN;
DROP EXTENSION pg_dynamo CASCADE;
ROLLBACK;
BEGIN;
DROP SCHEMA dynamo CASCADE;
ROLLBACK;
BEGIN;
DROP EXTENSION IF EXISTS plpgsql_none, pg_dynamo CASCADE;
ROLLBACK;
BEGIN;
DROP DOMAIN dynamo.item CASCADE;
ROLLBACK;
BEGIN;
DROP SCHEMA dynamo_tables CASCADE;
ROLLBACK;
SELECT count(*) > 0 AS still_there FROM dynamo_tables.it_sn;

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{it_sn,it_b,it_log,it_idx,it_renamed}'::text[]) name;
DROP SEQUENCE it_seq;
DROP ROLE regress_it;
