-- Index tables follow every kind of write to the item table.
\set VERBOSITY terse
\pset format unaligned

-- keys as "a S, b N": those of the partition, then those of the sort key
CREATE FUNCTION pg_temp.key_schema(hash text, range text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('AttributeName', split_part(a, ' ', 1), 'KeyType', k) ORDER BY o)
	FROM (SELECT a, 'HASH' AS k, o FROM regexp_split_to_table(hash, ', ') WITH ORDINALITY x(a, o)
		UNION ALL SELECT a, 'RANGE', o + 10 FROM regexp_split_to_table(range, ', ') WITH ORDINALITY y(a, o)) z
	WHERE a <> ''
$$;
CREATE FUNCTION pg_temp.index(name text, hash text, range text, projection text, VARIADIC included text[] DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('IndexName', name, 'KeySchema', pg_temp.key_schema(hash, range),
		'Projection', CASE projection WHEN 'INCLUDE'
			THEN jsonb_build_object('ProjectionType', projection, 'NonKeyAttributes', included)
			ELSE jsonb_build_object('ProjectionType', projection) END)
$$;
CREATE FUNCTION pg_temp.make(name text, attributes text, hash text, range text, globals jsonb, locals jsonb DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_strip_nulls(jsonb_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'KeySchema', pg_temp.key_schema(hash, range),
		'AttributeDefinitions', (SELECT jsonb_agg(jsonb_build_object(
			'AttributeName', split_part(a, ' ', 1), 'AttributeType', split_part(a, ' ', 2)))
			FROM regexp_split_to_table(attributes, ', ') a),
		'GlobalSecondaryIndexes', globals, 'LocalSecondaryIndexes', locals))) #>> '{TableDescription,TableName}'
$$;

-- what is wrong with the indexes of a table; and how many entries they have
CREATE FUNCTION pg_temp.wrong(name text) RETURNS TABLE (index text, problem text, key jsonb) LANGUAGE sql AS $$
	SELECT i.index_name, v.problem, v.key
	FROM dynamo.table_definition t JOIN dynamo.index_definition i USING (relid),
		dynamo.verify_index(name, i.index_name) v
	WHERE t.table_name = name ORDER BY 1, 2, 3
$$;
CREATE FUNCTION pg_temp.entries(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	index record;
	entries bigint;
	result text := '';
BEGIN
	FOR index IN SELECT i.index_name, i.index_relid FROM dynamo.table_definition t
		JOIN dynamo.index_definition i USING (relid) WHERE t.table_name = name ORDER BY 1
	LOOP
		EXECUTE format('SELECT count(*) FROM %s', index.index_relid) INTO entries;
		result := result || index.index_name || ' ' || entries || ' ';
	END LOOP;
	RETURN result || coalesce((SELECT string_agg(w::text, ' ') FROM pg_temp.wrong(name) w), 'true');
END
$$;
CREATE FUNCTION pg_temp.item(VARIADIC parts text[]) RETURNS dynamo.item LANGUAGE sql AS $$
	SELECT dynamo.json_to_item(jsonb_object_agg(parts[n], parts[n + 1]::jsonb))
	FROM generate_series(1, array_length(parts, 1), 2) n
$$;

SELECT pg_temp.make('iw_main', 'p S, r N, g S, h N, a S, b N, c S, d N, e B, l S', 'p S', 'r N',
	jsonb_build_array(
		pg_temp.index('all', 'g S', 'h N', 'ALL'),
		pg_temp.index('include', 'a S, b N', 'c S, d N, e B', 'INCLUDE', 'x', 'y'),
		pg_temp.index('keys', 'g S', '', 'KEYS_ONLY')),
	jsonb_build_array(pg_temp.index('local', 'p S', 'l S', 'ALL')));

--
-- the shape of index tables and what keeps them
--
SELECT c.relname, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || coalesce(' ' || l.collname, ''), ', ' ORDER BY a.attnum)
FROM dynamo.index_definition i JOIN pg_class c ON c.oid = i.index_relid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_collation l ON l.oid = a.attcollation AND l.collname <> 'default'
WHERE i.relid = 'dynamo_tables.iw_main'::regclass GROUP BY 1 ORDER BY 1;
SELECT tgname, tgenabled, tgfoid::regproc FROM pg_trigger
WHERE tgrelid = 'dynamo_tables.iw_main'::regclass AND tgname LIKE '%indexes' ORDER BY 1;

--
-- INSERT
--
INSERT INTO dynamo_tables.iw_main (item) SELECT dynamo.json_to_item(jsonb_build_object(
	'p', 'p' || n % 3, 'r', n, 'g', 'g' || n % 4, 'h', n % 5, 'a', 'a' || n % 2, 'b', n % 3, 'c', 'c' || n, 'd', n,
	'e', jsonb_build_object('$binary', 'AAEC'), 'l', 'l' || n % 2, 'x', n, 'y', repeat('y', n))) FROM generate_series(1, 20) n;
SELECT pg_temp.entries('iw_main');
-- what is in an entry
SELECT hash = dynamo.partition_hash(pk) AS hash, pk, length(tie) AS tie, dynamo.item_to_json(item) AS item
FROM dynamo_tables."iw_main:keys" WHERE item #>> '{r,N}' = '7';
SELECT hash = dynamo.partition_hash(pk) AS hash, sk1, sk2, sk3, length(tie) AS tie, dynamo.item_to_json(item) AS item
FROM dynamo_tables."iw_main:include" WHERE sk2 = 7;
-- in a local index items of one index key are in the order of the table's sort key
SELECT pk, sk1, string_agg(item #>> '{r,N}', ' ' ORDER BY tie) FROM dynamo_tables."iw_main:local" GROUP BY 1, 2 ORDER BY 1, 2;
-- sparse: missing, of another type, empty or too large index keys
INSERT INTO dynamo_tables.iw_main (item) VALUES
	(pg_temp.item('p', '"sparse"', 'r', '1')),
	(pg_temp.item('p', '"sparse"', 'r', '2', 'g', '"g"')),
	(pg_temp.item('p', '"sparse"', 'r', '3', 'g', '1', 'h', '1', 'l', 'null')),
	(pg_temp.item('p', '"sparse"', 'r', '4', 'g', '""', 'h', '1', 'l', '""')),
	(pg_temp.item('p', '"sparse"', 'r', '5', 'h', '1', 'l', to_jsonb(repeat('l', 1024))::text, 'g', to_jsonb(repeat('g', 2048))::text)),
	(pg_temp.item('p', '"sparse"', 'r', '6', 'h', '1', 'l', to_jsonb(repeat('l', 1025))::text, 'g', to_jsonb(repeat('g', 2049))::text)),
	(pg_temp.item('p', '"sparse"', 'r', '7', 'a', to_jsonb(repeat('a', 2048))::text, 'b', '1', 'c', to_jsonb(repeat('c', 1020))::text, 'd', '1', 'e', '{"$binary": "AAECAw=="}')),
	(pg_temp.item('p', '"sparse"', 'r', '8', 'a', to_jsonb(repeat('a', 2049))::text, 'b', '1', 'c', '"c"', 'd', '1', 'e', '{"$binary": "AAECAw=="}')),
	(pg_temp.item('p', '"sparse"', 'r', '9', 'a', '"a"', 'b', '1', 'c', to_jsonb(repeat('c', 1021))::text, 'd', '1', 'e', '{"$binary": "AAECAw=="}'));
SELECT pg_temp.entries('iw_main');
SELECT length(pk) FROM dynamo_tables."iw_main:include" WHERE length(pk) > 100;
SELECT length(pk) FROM dynamo_tables."iw_main:all" WHERE length(pk) > 100;

--
-- UPDATE
--
-- projected or not
UPDATE dynamo_tables.iw_main SET item = item || '{"z": {"S": "z"}}';
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || '{"x": {"S": "x"}}';
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item - 'y'::text WHERE sk > 10;
SELECT pg_temp.entries('iw_main');
-- entries that do not change are not written
CREATE TEMP VIEW versions AS SELECT tableoid AS rel, ctid AS tid, xmin AS xid FROM dynamo_tables."iw_main:keys"
	UNION ALL SELECT tableoid, ctid, xmin FROM dynamo_tables."iw_main:include";
CREATE TEMP TABLE before AS TABLE versions;
UPDATE dynamo_tables.iw_main SET item = item || '{"z": {"S": "zz"}}';
UPDATE dynamo_tables.iw_main SET item = item;
SELECT count(*) FROM (TABLE versions EXCEPT TABLE before) x;
DROP VIEW versions;
-- into, out of and within an index
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "moved"}}' WHERE sk < 10;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item - 'g'::text WHERE sk > 15;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"N": "1"}}' WHERE sk BETWEEN 11 AND 12;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "back"}, "h": {"N": "-0.5"}}' WHERE sk > 10;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || jsonb_build_object('d', jsonb_build_object('N', (21 - sk)::text)) WHERE sk BETWEEN 1 AND 20;
SELECT pg_temp.entries('iw_main');
-- items outside of the row
UPDATE dynamo_tables.iw_main SET item = item || jsonb_build_object('big', jsonb_build_object('S', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)));
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "8"}}' WHERE sk < 5;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item - 'big'::text;
SELECT pg_temp.entries('iw_main');

--
-- DELETE, COPY, ON CONFLICT, MERGE, one statement of several parts
--
DELETE FROM dynamo_tables.iw_main WHERE sk IN (1, 16) AND pk <> 'sparse';
SELECT pg_temp.entries('iw_main');
COPY dynamo_tables.iw_main (item) FROM stdin;
{"p": {"S": "copy"}, "r": {"N": "1"}, "g": {"S": "copy"}, "h": {"N": "1"}, "l": {"S": "a"}}
{"p": {"S": "copy"}, "r": {"N": "2"}, "g": {"S": "copy"}, "h": {"N": "1"}}
\.
SELECT pg_temp.entries('iw_main');
INSERT INTO dynamo_tables.iw_main (item) SELECT pg_temp.item('p', '"copy"', 'r', n::text, 'g', '"conflict"', 'h', n::text, 'l', '"b"') FROM generate_series(1, 4) n
ON CONFLICT (pk, sk) DO UPDATE SET item = EXCLUDED.item;
SELECT pg_temp.entries('iw_main');
INSERT INTO dynamo_tables.iw_main (item) SELECT pg_temp.item('p', '"copy"', 'r', n::text, 'g', '"nothing"', 'h', n::text) FROM generate_series(1, 5) n
ON CONFLICT DO NOTHING;
SELECT pg_temp.entries('iw_main');
MERGE INTO dynamo_tables.iw_main t USING generate_series(2, 7) n ON t.pk = 'copy' AND t.sk = n
WHEN MATCHED AND n % 2 = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET item = t.item || '{"g": {"S": "merged"}}'
WHEN NOT MATCHED THEN INSERT (item) VALUES (pg_temp.item('p', '"copy"', 'r', n::text, 'g', '"merged"', 'h', n::text));
SELECT pg_temp.entries('iw_main');
WITH gone AS (DELETE FROM dynamo_tables.iw_main WHERE pk = 'copy' RETURNING pk, sk, item)
INSERT INTO dynamo_tables.iw_main SELECT pk, sk, item || '{"h": {"N": "222"}}' FROM gone;
SELECT pg_temp.entries('iw_main');
WITH gone AS (DELETE FROM dynamo_tables.iw_main WHERE pk = 'copy' RETURNING pk, sk, item)
INSERT INTO dynamo_tables.iw_main SELECT pk, sk, item FROM gone;
SELECT pg_temp.entries('iw_main');

--
-- transactions and savepoints
--
BEGIN;
SAVEPOINT s;
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "undone"}}';
DELETE FROM dynamo_tables.iw_main WHERE sk < 5;
ROLLBACK TO s;
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "1"}}';
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "2"}}';
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "2"}, "z": {"N": "2"}}';
SELECT pg_temp.entries('iw_main');
DELETE FROM dynamo_tables.iw_main WHERE sk = 3;
SELECT pg_temp.entries('iw_main');
ROLLBACK;
SELECT pg_temp.entries('iw_main');

--
-- the API
--
SELECT dynamo.put_item('iw_main', '{"p": "api", "r": 1, "g": "api", "h": 1, "l": "x"}');
SELECT dynamo.put_item('iw_main', '{"p": "api", "r": 1, "g": "api", "h": 2, "l": "x"}');
SELECT dynamo.put_item('iw_main', '{"p": "api", "r": 2, "g": "api", "h": 2}');
SELECT pg_temp.entries('iw_main');
SELECT dynamo.update_item('{"TableName": "iw_main", "Key": {"p": {"S": "api"}, "r": {"N": "1"}}, "UpdateExpression": "SET h = h + :one REMOVE l", "ExpressionAttributeValues": {":one": {"N": "1"}}}');
SELECT dynamo.update_item('{"TableName": "iw_main", "Key": {"p": {"S": "api"}, "r": {"N": "3"}}, "UpdateExpression": "SET g = :g, h = :h", "ExpressionAttributeValues": {":h": {"N": "1"}, ":g": {"S": "api"}}}');
SELECT pg_temp.entries('iw_main');
SELECT sk1, dynamo.item_to_json(item) FROM dynamo_tables."iw_main:all" WHERE pk = 'api' ORDER BY sk1, tie;
SELECT dynamo.delete_item('iw_main', '{"p": "api", "r": 2}');
SELECT dynamo.delete_item('iw_main', '{"p": "api", "r": 2}');
SELECT pg_temp.entries('iw_main');

--
-- as replication applies changes
--
SET session_replication_role = replica;
INSERT INTO dynamo_tables.iw_main VALUES ('replica', 1, pg_temp.item('p', '"replica"', 'r', '1', 'g', '"replica"', 'h', '1'));
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "replica"}}' WHERE sk = 5;
DELETE FROM dynamo_tables.iw_main WHERE sk = 6;
RESET session_replication_role;
SELECT pg_temp.entries('iw_main');

--
-- triggers of the user's that change rows before or after ours see them
--
CREATE FUNCTION pg_temp.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 4 THEN
		UPDATE dynamo_tables.iw_main SET item = item || jsonb_build_object(TG_ARGV[0], jsonb_build_object('N', pg_trigger_depth()::text))
		WHERE sk BETWEEN new.sk - 1 AND new.sk + 1;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER a AFTER INSERT OR UPDATE ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION pg_temp.touch('h');
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "9"}}' WHERE sk < 6;
SELECT pg_temp.entries('iw_main');
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "9"}}' WHERE sk < 6;
SELECT pg_temp.entries('iw_main');
INSERT INTO dynamo_tables.iw_main (item) SELECT pg_temp.item('p', '"touched"', 'r', n::text, 'g', '"t"', 'h', '0') FROM generate_series(1, 3) n;
SELECT pg_temp.entries('iw_main');
SELECT dynamo.put_item('iw_main', '{"p": "touched", "r": 2, "g": "put", "h": 50}');
SELECT dynamo.put_item('iw_main', '{"p": "touched", "r": 30, "g": "put", "h": 50}');
SELECT pg_temp.entries('iw_main');
DROP TRIGGER a ON dynamo_tables.iw_main;
CREATE TRIGGER "~~" AFTER INSERT OR UPDATE ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION pg_temp.touch('g');
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "7"}}' WHERE sk < 6;
SELECT pg_temp.entries('iw_main');
DROP TRIGGER "~~" ON dynamo_tables.iw_main;
-- deleted and there again
CREATE FUNCTION pg_temp.back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 4 AND TG_OP = 'DELETE' THEN
		INSERT INTO dynamo_tables.iw_main VALUES (old.pk, old.sk, old.item || jsonb_build_object('h', jsonb_build_object('N', (pg_trigger_depth() % 2)::text)));
	ELSIF pg_trigger_depth() < 4 THEN
		DELETE FROM dynamo_tables.iw_main WHERE pk = new.pk AND sk = new.sk;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER a AFTER DELETE ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION pg_temp.back();
DELETE FROM dynamo_tables.iw_main WHERE sk IN (2, 3);
SELECT pg_temp.entries('iw_main');
CREATE TRIGGER b AFTER INSERT ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION pg_temp.back();
DELETE FROM dynamo_tables.iw_main WHERE sk IN (2, 3);
SELECT pg_temp.entries('iw_main');
INSERT INTO dynamo_tables.iw_main (item) VALUES (pg_temp.item('p', '"never"', 'r', '1', 'g', '"never"', 'h', '1'));
SELECT pg_temp.entries('iw_main');
DROP TRIGGER a ON dynamo_tables.iw_main;
INSERT INTO dynamo_tables.iw_main (item) VALUES (pg_temp.item('p', '"never"', 'r', '2', 'g', '"never"', 'h', '1'));
SELECT pg_temp.entries('iw_main');
DROP TRIGGER b ON dynamo_tables.iw_main;
-- triggers that change or suppress rows
CREATE FUNCTION pg_temp.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.item #>> '{g,S}' = 'suppressed' THEN
		RETURN NULL;
	END IF;
	new.item := new.item || '{"g": {"S": "stamped"}}';
	RETURN new;
END
$$;
CREATE TRIGGER a BEFORE INSERT OR UPDATE ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION pg_temp.stamp();
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "other"}}' WHERE sk < 4;
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "suppressed"}}' WHERE sk = 7;
SELECT dynamo.put_item('iw_main', '{"p": "stamp", "r": 1, "g": "other", "h": 50}');
SELECT pg_temp.entries('iw_main');
SELECT DISTINCT pk FROM dynamo_tables."iw_main:all" WHERE item #>> '{r,N}' IN ('2', '3') ORDER BY 1;
DROP TRIGGER a ON dynamo_tables.iw_main;

--
-- index tables that were written or altered by hand
--
SELECT pg_temp.entries('iw_main');
BEGIN;
DELETE FROM dynamo_tables."iw_main:keys" WHERE item #>> '{p,S}' = 'api';
UPDATE dynamo_tables."iw_main:all" SET item = item || '{"by": {"S": "hand"}}' WHERE item #>> '{p,S}' = 'api';
UPDATE dynamo_tables."iw_main:all" SET sk1 = -1 WHERE item #>> '{p,S}' = 'replica';
INSERT INTO dynamo_tables."iw_main:keys" SELECT 1, pk, tie, item FROM dynamo_tables."iw_main:keys" WHERE item #>> '{p,S}' = 'replica';
SELECT * FROM pg_temp.wrong('iw_main');
-- writes mend what they touch
UPDATE dynamo_tables.iw_main SET item = item || '{"h": {"N": "123"}}' WHERE pk IN ('api', 'replica');
SELECT * FROM pg_temp.wrong('iw_main');
ROLLBACK;
BEGIN;
CREATE INDEX ON dynamo_tables."iw_main:all" ((item #>> '{x,S}'));
INSERT INTO dynamo_tables.iw_main (item) SELECT pg_temp.item('p', '"more"', 'r', n::text, 'g', '"more"', 'h', n::text, 'x', '"x"') FROM generate_series(1, 3) n;
UPDATE dynamo_tables.iw_main SET item = item || '{"x": {"S": "more"}}' WHERE sk < 9;
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "more"}}' WHERE sk < 7;
DELETE FROM dynamo_tables.iw_main WHERE sk = 1;
SELECT pg_temp.entries('iw_main');
SET LOCAL enable_seqscan = off;
SELECT count(*) FROM dynamo_tables."iw_main:all" WHERE item #>> '{x,S}' = 'more';
ROLLBACK;

--
-- TRUNCATE
--
BEGIN;
TRUNCATE dynamo_tables.iw_main;
SELECT pg_temp.entries('iw_main');
INSERT INTO dynamo_tables.iw_main (item) VALUES (pg_temp.item('p', '"a"', 'r', '1', 'g', '"a"', 'h', '1'));
SELECT pg_temp.entries('iw_main');
ROLLBACK;
SELECT pg_temp.entries('iw_main');

--
-- whoever may write the table, and nobody else
--
CREATE ROLE regress_iw_writer;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON dynamo_tables.iw_main TO regress_iw_writer;
SET ROLE regress_iw_writer;
SELECT count(*) FROM dynamo_tables."iw_main:all";
TRUNCATE dynamo_tables."iw_main:all";
INSERT INTO dynamo_tables.iw_main (item) SELECT dynamo.json_to_item('{"p": "writer", "r": 1, "g": "w", "h": 1}');
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "x"}}' WHERE pk = 'writer';
SELECT * FROM dynamo.verify_index('iw_main', 'all');
SELECT * FROM dynamo.verify_index('iw_main', 'none');
SELECT * FROM dynamo.verify_index('iw_none', 'all');
RESET ROLE;
SELECT pg_temp.entries('iw_main');
REVOKE SELECT ON dynamo_tables.iw_main FROM regress_iw_writer;
SET ROLE regress_iw_writer;
SELECT * FROM dynamo.verify_index('iw_main', 'all');
RESET ROLE;
GRANT SELECT ON dynamo_tables.iw_main TO regress_iw_writer;
ALTER TABLE dynamo_tables.iw_main ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON dynamo_tables.iw_main USING (pk = 'writer');
SET ROLE regress_iw_writer;
SELECT * FROM dynamo.verify_index('iw_main', 'all');
UPDATE dynamo_tables.iw_main SET item = item || '{"g": {"S": "y"}}';
RESET ROLE;
SELECT pg_temp.entries('iw_main');
ALTER TABLE dynamo_tables.iw_main DISABLE ROW LEVEL SECURITY;
SET ROLE regress_iw_writer;
TRUNCATE dynamo_tables.iw_main;
RESET ROLE;
SELECT pg_temp.entries('iw_main');
DROP POLICY own ON dynamo_tables.iw_main;
-- the functions serve item tables only
CREATE TABLE not_items (pk text PRIMARY KEY, item jsonb);
CREATE TRIGGER t AFTER INSERT ON not_items FOR EACH ROW EXECUTE FUNCTION dynamo.item_maintain_indexes();
CREATE TRIGGER u AFTER TRUNCATE ON not_items FOR EACH STATEMENT EXECUTE FUNCTION dynamo.item_truncate_indexes();
INSERT INTO not_items VALUES ('a', '{}');
TRUNCATE not_items;
DROP TABLE not_items;
CREATE TRIGGER t BEFORE INSERT ON dynamo_tables.iw_main FOR EACH ROW EXECUTE FUNCTION dynamo.item_maintain_indexes();
INSERT INTO dynamo_tables.iw_main (item) VALUES (pg_temp.item('p', '"a"', 'r', '1', 'g', '"a"', 'h', '1'));
DROP TRIGGER t ON dynamo_tables.iw_main;

--
-- unique indexes
--
SET dynamo.strict = off;
SELECT pg_temp.make('iw_unique', 'p S, g S, h N', 'p S', '', jsonb_build_array(pg_temp.index('uni', 'g S', 'h N', 'ALL') || '{"Unique": true}'));
SET dynamo.strict = on;
INSERT INTO dynamo_tables.iw_unique (item) SELECT pg_temp.item('p', format('"%s"', n), 'g', '"g"', 'h', n::text) FROM generate_series(1, 5) n;
INSERT INTO dynamo_tables.iw_unique (item) VALUES (pg_temp.item('p', '"6"', 'g', '"g"', 'h', '5'));
UPDATE dynamo_tables.iw_unique SET item = item || '{"h": {"N": "5"}}' WHERE pk = '4';
UPDATE dynamo_tables.iw_unique SET item = item || '{"x": {"N": "5"}}';
UPDATE dynamo_tables.iw_unique SET item = item || '{"h": {"N": "6"}}' WHERE pk = '5';
UPDATE dynamo_tables.iw_unique SET item = item || '{"h": {"N": "5"}}' WHERE pk = '4';
DELETE FROM dynamo_tables.iw_unique WHERE pk = '3';
INSERT INTO dynamo_tables.iw_unique (item) VALUES (pg_temp.item('p', '"3a"', 'g', '"g"', 'h', '3'));
UPDATE dynamo_tables.iw_unique SET item = item - 'h'::text WHERE pk = '1';
SELECT pg_temp.entries('iw_unique');
SELECT sk1, dynamo.item_to_json(item) FROM dynamo_tables."iw_unique:uni" ORDER BY 1;

--
-- keys of all types, and the largest of them
--
SELECT pg_temp.make('iw_types', 'p B, r B, n N, b B', 'p B', 'r B',
	jsonb_build_array(pg_temp.index('number', 'n N', '', 'KEYS_ONLY'), pg_temp.index('binary', 'b B', '', 'ALL'), pg_temp.index('joined', 'n N, b B', '', 'ALL')),
	jsonb_build_array(pg_temp.index('local', 'p B', 'n N', 'KEYS_ONLY')));
INSERT INTO dynamo_tables.iw_types (item)
SELECT jsonb_build_object('p', jsonb_build_object('B', 'AA=='), 'r', jsonb_build_object('B', encode(r::bytea, 'base64')), 'n', jsonb_build_object('N', n), 'b', jsonb_build_object('B', encode(r::bytea, 'base64')))
FROM (VALUES ('\x00', '1'), ('\x0000', '1'), ('\x0001', '1'), ('\x01', '1'), ('\xff', '1'), ('\xff00', '1'), ('\x61', '-1.5'), ('\x62', '0'),
	('\x63', '12345678901234567890123456789012345678'), ('\x64', '0.0000000001')) v(r, n);
INSERT INTO dynamo_tables.iw_types (item)
SELECT jsonb_build_object('p', jsonb_build_object('B', translate(encode(p, 'base64'), E'\n', '')), 'r', jsonb_build_object('B', translate(encode(r, 'base64'), E'\n', '')),
	'n', jsonb_build_object('N', '1'), 'b', jsonb_build_object('B', translate(encode(p, 'base64'), E'\n', '')))
FROM (SELECT string_agg(decode(md5(i::text), 'hex'), '' ORDER BY i) AS p, string_agg(decode(md5(i::text), 'hex'), '' ORDER BY i) FILTER (WHERE i <= 64) AS r FROM generate_series(1, 128) i) x;
SELECT pg_temp.entries('iw_types');
SELECT sk1, string_agg(encode(decode(item #>> '{r,B}', 'base64'), 'hex'), ' ' ORDER BY tie) FROM dynamo_tables."iw_types:local"
WHERE pk = '\x00' GROUP BY 1 ORDER BY 1;
UPDATE dynamo_tables.iw_types SET item = item || '{"n": {"N": "1"}, "b": {"B": "AAA="}}';
SELECT pg_temp.entries('iw_types');
SELECT string_agg(left(encode(decode(item #>> '{r,B}', 'base64'), 'hex'), 4), ' ' ORDER BY tie) FROM dynamo_tables."iw_types:local" WHERE pk = '\x00';
SELECT pg_temp.make('iw_numbers', 'p S, r N, l S', 'p S', 'r N', NULL, jsonb_build_array(pg_temp.index('local', 'p S', 'l S', 'ALL')));
INSERT INTO dynamo_tables.iw_numbers (item) SELECT jsonb_build_object('p', '{"S": "p"}'::jsonb, 'l', '{"S": "l"}'::jsonb, 'r', jsonb_build_object('N', n))
FROM unnest('{0,1,-1,1.5,-1.5,10,100,-100,-99,-99.5,-100.01,0.001,-0.001,12.3,12.34,12.345,-12.34,-12.345,123456789012345678901234567890,-123456789012345678901234567890}'::text[]) n;
SELECT string_agg(item #>> '{r,N}', ' ' ORDER BY tie) = string_agg(item #>> '{r,N}', ' ' ORDER BY (item #>> '{r,N}')::numeric) AS ordered FROM dynamo_tables."iw_numbers:local";
SELECT pg_temp.entries('iw_numbers');
-- sort keys of strings, beyond the bytes that order them
SELECT pg_temp.make('iw_strings', 'p S, r S, l S', 'p S', 'r S', NULL, jsonb_build_array(pg_temp.index('local', 'p S', 'l S', 'ALL')));
INSERT INTO dynamo_tables.iw_strings (item) SELECT jsonb_build_object('p', '{"S": "p"}'::jsonb, 'l', '{"S": "l"}'::jsonb, 'r', jsonb_build_object('S', s))
FROM (SELECT repeat('s', n) AS s FROM generate_series(1, 64) n UNION ALL SELECT repeat('s', 64) || n FROM generate_series(1, 9) n) x;
SELECT string_agg(length(item #>> '{r,S}')::text, ' ' ORDER BY tie) FROM dynamo_tables."iw_strings:local";
SELECT pg_temp.entries('iw_strings');

--
-- partitioned item tables
--
SET dynamo.table_partitions = 3;
SELECT pg_temp.make('iw_parts', 'p S, r N, g S', 'p S', 'r N', jsonb_build_array(pg_temp.index('global', 'g S', 'r N', 'ALL')));
RESET dynamo.table_partitions;
INSERT INTO dynamo_tables.iw_parts (pk, item) SELECT 'p' || n % 7, pg_temp.item('p', format('"p%s"', n % 7), 'r', n::text, 'g', format('"g%s"', n % 2)) FROM generate_series(1, 30) n;
SELECT pg_temp.entries('iw_parts');
UPDATE dynamo_tables.iw_parts SET item = item || '{"g": {"S": "x"}}' WHERE sk < 10;
DELETE FROM dynamo_tables.iw_parts WHERE sk BETWEEN 5 AND 14;
SELECT dynamo.put_item('iw_parts', '{"p": "p1", "r": 1, "g": "put"}');
SELECT dynamo.put_item('iw_parts', '{"p": "p1", "r": 50, "g": "put"}');
SELECT dynamo.delete_item('iw_parts', '{"p": "p2", "r": 16}');
SELECT pg_temp.entries('iw_parts');
UPDATE dynamo_tables."iw_parts_:0" SET item = item || '{"g": {"S": "y"}}';
SET session_replication_role = replica;
UPDATE dynamo_tables.iw_parts SET item = item || '{"g": {"S": "z"}}' WHERE sk < 20;
RESET session_replication_role;
SELECT pg_temp.entries('iw_parts');
CREATE FUNCTION pg_temp.back_in_parts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() < 3 AND TG_OP = 'DELETE' THEN
		INSERT INTO dynamo_tables.iw_parts VALUES (old.pk, old.sk, old.item || '{"g": {"S": "again"}}');
	ELSIF pg_trigger_depth() < 3 THEN
		UPDATE dynamo_tables.iw_parts SET item = item || '{"g": {"S": "touched"}}' WHERE pk = new.pk AND sk = new.sk;
	END IF;
	RETURN NULL;
END
$$;
CREATE TRIGGER a AFTER INSERT OR UPDATE OR DELETE ON dynamo_tables.iw_parts FOR EACH ROW EXECUTE FUNCTION pg_temp.back_in_parts();
DELETE FROM dynamo_tables.iw_parts WHERE sk < 20;
UPDATE dynamo_tables.iw_parts SET item = item || '{"g": {"S": "u"}}' WHERE sk > 20;
SELECT pg_temp.entries('iw_parts');
DROP TRIGGER a ON dynamo_tables.iw_parts;
TRUNCATE dynamo_tables.iw_parts;
SELECT pg_temp.entries('iw_parts');

DROP TABLE dynamo_tables.iw_main, dynamo_tables.iw_unique, dynamo_tables.iw_types, dynamo_tables.iw_numbers, dynamo_tables.iw_strings, dynamo_tables.iw_parts;
DROP ROLE regress_iw_writer;
