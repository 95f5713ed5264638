-- The output plugin: changes of items in the log as stream records.
\set VERBOSITY terse
\pset format unaligned

-- newer servers use an output plugin only if a setting lists its library
DO $$
BEGIN
	IF current_setting('output_plugin_libraries', true) IS NOT NULL THEN
		PERFORM set_config('output_plugin_libraries', current_setting('output_plugin_libraries') || ', pg_dynamo', false);
	END IF;
END $$;

CREATE FUNCTION pg_temp.make(name text, VARIADIC keys text[]) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'KeySchema', (SELECT jsonb_agg(jsonb_build_object('AttributeName', split_part(k, ' ', 1),
			'KeyType', CASE n WHEN 1 THEN 'HASH' ELSE 'RANGE' END) ORDER BY n) FROM unnest(keys) WITH ORDINALITY u(k, n)),
		'AttributeDefinitions', (SELECT jsonb_agg(jsonb_build_object('AttributeName', split_part(k, ' ', 1),
			'AttributeType', split_part(k, ' ', 2)) ORDER BY n) FROM unnest(keys) WITH ORDINALITY u(k, n)))) #>> '{TableDescription,TableName}'
$$;

-- a stream as the plugin sees one
CREATE FUNCTION pg_temp.enable(name text, view "char" DEFAULT 'B') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	relation regclass;
BEGIN
	INSERT INTO dynamo.stream_definition (relid, owner, table_name, label, view_type,
			hash_attribute, hash_type, range_attribute, range_type, shards, created_at)
		SELECT relid, 10, table_name, clock_timestamp()::text, view, hash_attribute, hash_type,
			range_attribute, range_type, 1, now()
		FROM dynamo.table_definition WHERE table_name = name;
	FOR relation IN SELECT coalesce(p.relid, d.relid)
		FROM dynamo.table_definition d LEFT JOIN LATERAL pg_partition_tree(d.relid) p ON true
		WHERE table_name = name
	LOOP
		EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relation);
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.disable(name text) RETURNS void LANGUAGE sql AS $$
	UPDATE dynamo.stream_definition SET disabled_at = now() WHERE table_name = name AND disabled_at IS NULL
$$;

CREATE FUNCTION pg_temp.put(name text, item text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.execute('PutItem', format('{"TableName":"%s","Item":%s}', name, item))
$$;
CREATE FUNCTION pg_temp.delete(name text, key text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.execute('DeleteItem', format('{"TableName":"%s","Key":%s}', name, key))
$$;

-- what differs from run to run; of a sequence number the ordinal stays
CREATE FUNCTION pg_temp.mask(data text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(regexp_replace(regexp_replace(data,
		'"eventID":"[0-9a-f]{32}"', '"eventID":"#"', 'g'),
		'"ApproximateCreationDateTime":\d{10}([,}])', '"ApproximateCreationDateTime":"#"\1', 'g'),
		'"SequenceNumber":"\d{1,10}\d{20}(\d{9})"', '"SequenceNumber":"#\1"', 'g'),
		'/stream/[^"]*"', '/stream/#"', 'g')
$$;
CREATE FUNCTION pg_temp.boundary(data text) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(data, '"xid":\d+,"commitPosition":"[0-9A-F]+/[0-9A-F]+","commitTime":\d{10}}', '#}')
$$;

-- a record on one line: ordinal, event, table or index, keys, images
CREATE FUNCTION pg_temp.short(record jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', right(record #>> '{dynamodb,SequenceNumber}', 9)::int, record ->> 'eventName',
		regexp_replace(record ->> 'eventSourceARN', '^.*:table/(.*)/stream/.*$', '\1'),
		record #>> '{dynamodb,Keys}', 'new ' || (record #>> '{dynamodb,NewImage}'),
		'old ' || (record #>> '{dynamodb,OldImage}'))
$$;
CREATE FUNCTION pg_temp.changes(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT CASE WHEN data LIKE '{"eventID"%' THEN pg_temp.short(data::jsonb) ELSE pg_temp.boundary(data) END
	FROM pg_logical_slot_get_changes('decode', NULL, NULL, VARIADIC options)
$$;

SELECT pg_temp.make('Music', 'Artist S', 'Song S');
SELECT pg_temp.make('Numbers', 'id N');
SELECT pg_temp.make('Plain', 'id S');
SELECT slot_name FROM pg_create_logical_replication_slot('decode', 'pg_dynamo');

-- nothing without a stream
SELECT pg_temp.put('Plain', '{"id":{"S":"a"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"early"},"Song":{"S":"s"}}');
SELECT * FROM pg_temp.changes();

-- ----------------------------------------------------------------
-- Whole records
-- ----------------------------------------------------------------
SELECT pg_temp.enable('Music');
SELECT pg_temp.put('Music', '{"Artist":{"S":"a"},"Song":{"S":"s"},"n":{"N":"1"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"a"},"Song":{"S":"s"},"n":{"N":"2.50"},"list":{"L":[{"B":"AAE="},{"NULL":true}]}}');
SELECT pg_temp.delete('Music', '{"Artist":{"S":"a"},"Song":{"S":"s"}}');
SELECT pg_temp.mask(data) FROM pg_logical_slot_peek_changes('decode', NULL, NULL);
-- eventID, creation time and sequence number are what they should be
SELECT data::jsonb ->> 'eventID' = md5((data::jsonb ->> 'eventSourceARN') || (data::jsonb #>> '{dynamodb,SequenceNumber}')),
	to_timestamp((data::jsonb #>> '{dynamodb,ApproximateCreationDateTime}')::bigint) BETWEEN now() - interval '10 minutes' AND now(),
	length(data::jsonb #>> '{dynamodb,SequenceNumber}') BETWEEN 21 AND 40
FROM pg_logical_slot_peek_changes('decode', NULL, NULL);
SELECT * FROM pg_temp.changes();

-- view types
SELECT pg_temp.disable('Music');
SELECT pg_temp.enable('Music', 'K');
SELECT pg_temp.put('Music', '{"Artist":{"S":"k"},"Song":{"S":"s"},"n":{"N":"1"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"k"},"Song":{"S":"s"},"n":{"N":"2"}}');
SELECT pg_temp.delete('Music', '{"Artist":{"S":"k"},"Song":{"S":"s"}}');
SELECT pg_temp.disable('Music');
SELECT pg_temp.enable('Music', 'N');
SELECT pg_temp.put('Music', '{"Artist":{"S":"n"},"Song":{"S":"s"},"n":{"N":"1"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"n"},"Song":{"S":"s"},"n":{"N":"2"}}');
SELECT pg_temp.delete('Music', '{"Artist":{"S":"n"},"Song":{"S":"s"}}');
SELECT pg_temp.disable('Music');
SELECT pg_temp.enable('Music', 'O');
SELECT pg_temp.put('Music', '{"Artist":{"S":"o"},"Song":{"S":"s"},"n":{"N":"1"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"o"},"Song":{"S":"s"},"n":{"N":"2"}}');
SELECT pg_temp.delete('Music', '{"Artist":{"S":"o"},"Song":{"S":"s"}}');
SELECT pg_temp.disable('Music');
SELECT pg_temp.put('Music', '{"Artist":{"S":"none"},"Song":{"S":"s"}}');
SELECT pg_temp.enable('Music');
SELECT data::jsonb #>> '{dynamodb,StreamViewType}' AS view, data::jsonb #>> '{dynamodb,SizeBytes}' AS size,
	pg_temp.short(data::jsonb)
FROM pg_logical_slot_get_changes('decode', NULL, NULL);

-- ----------------------------------------------------------------
-- Writes that change nothing
-- ----------------------------------------------------------------
SELECT pg_temp.put('Music', '{"Artist":{"S":"same"},"Song":{"S":"s"},"n":{"N":"1.50"},"set":{"SS":["x","y"]},"deep":{"L":[{"M":{"ns":{"NS":["1","2","3"]}}}]}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"same"},"Song":{"S":"s"},"n":{"N":"15e-1"},"set":{"SS":["y","x"]},"deep":{"L":[{"M":{"ns":{"NS":["3","1.0","2"]}}}]}}');
UPDATE dynamo_tables."Music" SET item = item WHERE pk = 'same';
SELECT pg_temp.delete('Music', '{"Artist":{"S":"absent"},"Song":{"S":"s"}}');
SELECT dynamo.update_item('{"TableName":"Music","Key":{"Artist":{"S":"same"},"Song":{"S":"s"}},"UpdateExpression":"REMOVE nothing"}');
SELECT * FROM pg_temp.changes();
SELECT pg_temp.put('Music', '{"Artist":{"S":"same"},"Song":{"S":"s"},"n":{"N":"1.5"},"set":{"SS":["y","z"]},"deep":{"L":[{"M":{"ns":{"NS":["3","1","2"]}}}]}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"same"},"Song":{"S":"s"},"n":{"S":"1.5"}}');
SELECT * FROM pg_temp.changes();

-- ----------------------------------------------------------------
-- Ways to write
-- ----------------------------------------------------------------
SELECT dynamo.update_item('{"TableName":"Music","Key":{"Artist":{"S":"bare"},"Song":{"S":"s"}}}');
SELECT dynamo.update_item('{"TableName":"Music","Key":{"Artist":{"S":"bare"},"Song":{"S":"s"}},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}}}');
INSERT INTO dynamo_tables."Music" (item) VALUES ('{"Artist":{"S":"sql"},"Song":{"S":"1"}}'), ('{"Artist":{"S":"sql"},"Song":{"S":"2"}}');
INSERT INTO dynamo_tables."Music" (item) VALUES ('{"Artist":{"S":"sql"},"Song":{"S":"2"},"n":{"N":"2"}}'), ('{"Artist":{"S":"sql"},"Song":{"S":"3"}}')
	ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item;
INSERT INTO dynamo_tables."Music" (item) VALUES ('{"Artist":{"S":"sql"},"Song":{"S":"3"},"n":{"N":"3"}}')
	ON CONFLICT DO NOTHING;
UPDATE dynamo_tables."Music" SET item = jsonb_set(item, '{new}', '{"BOOL":true}') WHERE pk = 'sql' AND sk < '3';
DELETE FROM dynamo_tables."Music" WHERE pk = 'sql';
COPY dynamo_tables."Music" (item) FROM stdin;
{"Artist":{"S":"copy"},"Song":{"S":"1"}}
{"Artist":{"S":"copy"},"Song":{"S":"2"}}
\.
SELECT * FROM pg_temp.changes();

-- one transaction, several tables, one item several times
SELECT pg_temp.enable('Numbers', 'N');
BEGIN;
SELECT pg_temp.put('Music', '{"Artist":{"S":"tx"},"Song":{"S":"s"}}');
SELECT pg_temp.put('Numbers', '{"id":{"N":"12.50"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"tx"},"Song":{"S":"s"},"n":{"N":"1"}}');
SELECT pg_temp.put('Music', '{"Artist":{"S":"tx"},"Song":{"S":"s"},"n":{"N":"1.0"}}');
SELECT pg_temp.delete('Music', '{"Artist":{"S":"tx"},"Song":{"S":"s"}}');
SELECT pg_temp.put('Plain', '{"id":{"S":"b"}}');
SELECT pg_temp.put('Numbers', '{"id":{"N":"-1e5"}}');
COMMIT;
SELECT pg_temp.put('Numbers', '{"id":{"N":"3"}}');

-- ----------------------------------------------------------------
-- Options
-- ----------------------------------------------------------------
SELECT pg_temp.mask(data) FROM pg_logical_slot_peek_changes('decode', NULL, NULL, 'format', 'batches');
SELECT pg_temp.boundary(pg_temp.mask(data)) FROM pg_logical_slot_peek_changes('decode', NULL, NULL,
	'format', 'batches', 'include_transactions', 'on', 'tables', 'Plain, Numbers');
-- the same numbers whichever tables are asked for
SELECT data::jsonb ->> 'eventID' IN
	(SELECT data::jsonb ->> 'eventID' FROM pg_logical_slot_peek_changes('decode', NULL, NULL)) AS known, pg_temp.short(data::jsonb)
FROM pg_logical_slot_peek_changes('decode', NULL, NULL, 'tables', 'Numbers', 'include_index_tables', 'on');
-- kinds of outputs for the drain, and ordinals
SELECT get_byte(data, 0) AS kind, get_byte(data, 24) AS ordinal, length(data) > 56 AS has_record
FROM pg_logical_slot_peek_binary_changes('decode', NULL, NULL, 'format', 'internal', 'include_transactions', 'on');
SELECT get_byte(data, 4) + (get_byte(data, 5) << 8) + (get_byte(data, 6) << 16) + (get_byte(data, 7)::bigint << 24)
	= dynamo.partition_hash('tx'::text) + (1::bigint << 31) AS hash
FROM pg_logical_slot_peek_binary_changes('decode', NULL, NULL, 'format', 'internal', 'tables', 'Music') LIMIT 1;
SELECT * FROM pg_temp.changes('include_transactions', 'true', 'format', 'records', 'tables', '"Music"');

SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'table', 'Music');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'Format', 'records');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'format', 'json');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'format', '');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'format', 'internal');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'include_transactions', '2');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'include_index_tables', 'x');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'tables', '');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'tables', 'a,');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'tables', '"a');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'tables', 'a', 'tables', 'b');
\set VERBOSITY default
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'table', 'Music');
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'format', 'json');
\set VERBOSITY terse

-- ----------------------------------------------------------------
-- Large items, long keys, all characters
-- ----------------------------------------------------------------
CREATE FUNCTION pg_temp.noise(size int) RETURNS text LANGUAGE sql AS $$
	SELECT left(string_agg(md5(i::text), ''), size) FROM generate_series(1, size / 32 + 1) i
$$;
CREATE FUNCTION pg_temp.sizes() RETURNS TABLE (event text, size text, key_bytes int, new_bytes int, old_bytes int, n text, old_n text, intact boolean)
LANGUAGE sql AS $$
	SELECT data::jsonb ->> 'eventName', data::jsonb #>> '{dynamodb,SizeBytes}',
		length(data::jsonb #>> '{dynamodb,Keys,id,S}'),
		length(data::jsonb #>> '{dynamodb,NewImage,t,S}'), length(data::jsonb #>> '{dynamodb,OldImage,t,S}'),
		data::jsonb #>> '{dynamodb,NewImage,n,N}', data::jsonb #>> '{dynamodb,OldImage,n,N}',
		pg_temp.noise(409580) LIKE coalesce(data::jsonb #>> '{dynamodb,NewImage,t,S}', '') || '%'
		AND pg_temp.noise(409580) LIKE coalesce(data::jsonb #>> '{dynamodb,OldImage,t,S}', '') || '%'
	FROM pg_logical_slot_get_changes('decode', NULL, NULL)
$$;
SELECT pg_temp.enable('Plain');
ALTER TABLE dynamo_tables."Plain" ADD COLUMN extra int;
SELECT pg_temp.put('Plain', format('{"id":{"S":"big"},"n":{"N":"1"},"t":{"S":"%s"}}', pg_temp.noise(409580)));
-- the item stays where it is stored
UPDATE dynamo_tables."Plain" SET extra = 1 WHERE pk = 'big';
SELECT pg_temp.put('Plain', format('{"id":{"S":"big"},"n":{"N":"2"},"t":{"S":"%s"}}', pg_temp.noise(409580)));
SELECT pg_temp.put('Plain', format('{"id":{"S":"big"},"n":{"N":"3"},"t":{"S":"%s"}}', pg_temp.noise(5000)));
UPDATE dynamo_tables."Plain" SET extra = 2 WHERE pk = 'big';
SELECT pg_temp.delete('Plain', '{"id":{"S":"big"}}');
SELECT pg_temp.put('Plain', format('{"id":{"S":"%s"},"n":{"N":"1"},"t":{"S":"c4ca"}}', repeat('k', 2048))) = '{}';
UPDATE dynamo_tables."Plain" SET item = jsonb_set(item, '{n,N}', '"2"') WHERE item #>> '{n,N}' = '1' AND length(pk) > 100;
DELETE FROM dynamo_tables."Plain" WHERE length(pk) > 100;
SELECT * FROM pg_temp.sizes();
SELECT pg_temp.put('Plain', '{"id":{"S":"c\u0000d"},"\u0001\u0000":{"S":"\u0001 \u0000 \" \\ \n\u001f \u00e4 \ud83d\ude00 /"}}');
SELECT pg_temp.delete('Plain', '{"id":{"S":"c\u0000d"}}');
SELECT pg_temp.mask(data) FROM pg_logical_slot_get_changes('decode', NULL, NULL);

-- ----------------------------------------------------------------
-- Definitions that change while the slot lags
-- ----------------------------------------------------------------
SELECT pg_temp.make('Short', 'id S');
BEGIN;
SELECT pg_temp.put('Short', '{"id":{"S":"before"}}');
SELECT pg_temp.enable('Short');
SELECT pg_temp.put('Short', '{"id":{"S":"same transaction"}}');
COMMIT;
SELECT pg_temp.put('Short', '{"id":{"S":"1"}}');
ALTER TABLE dynamo_tables."Short" ADD COLUMN added text DEFAULT 'x';
SELECT pg_temp.put('Short', '{"id":{"S":"1"},"n":{"N":"1"}}');
VACUUM FULL dynamo_tables."Short";
SELECT pg_temp.put('Short', '{"id":{"S":"1"},"n":{"N":"2"}}');
ALTER TABLE dynamo_tables."Short" DROP COLUMN added;
ALTER TABLE dynamo_tables."Short" RENAME TO "Renamed";
SELECT pg_temp.put('Renamed', '{"id":{"S":"1"},"n":{"N":"3"}}');
BEGIN;
SELECT pg_temp.put('Renamed', '{"id":{"S":"1"},"n":{"N":"4"}}');
SELECT pg_temp.disable('Short');
SELECT pg_temp.put('Renamed', '{"id":{"S":"not seen"}}');
COMMIT;
BEGIN;
SELECT pg_temp.enable('Renamed', 'K');
SELECT pg_temp.put('Renamed', '{"id":{"S":"rolled back"}}');
ROLLBACK;
SELECT pg_temp.put('Renamed', '{"id":{"S":"not seen either"}}');
SELECT pg_temp.enable('Renamed', 'N');
SELECT pg_temp.delete('Renamed', '{"id":{"S":"1"}}');
DROP TABLE dynamo_tables."Renamed";
BEGIN;
SELECT pg_temp.make('Brief', 'id S');
SELECT pg_temp.enable('Brief');
SELECT pg_temp.put('Brief', '{"id":{"S":"1"}}');
DROP TABLE dynamo_tables."Brief";
COMMIT;
-- files of the catalog change
VACUUM FULL dynamo.stream_definition;
REINDEX TABLE dynamo.stream_definition;
VACUUM FULL dynamo.stream_epoch;
SELECT pg_temp.put('Plain', '{"id":{"S":"after"}}');
SELECT * FROM pg_temp.changes();

-- ----------------------------------------------------------------
-- Transactions
-- ----------------------------------------------------------------
BEGIN;
SELECT pg_temp.put('Plain', '{"id":{"S":"t1"}}');
SAVEPOINT a;
SELECT pg_temp.put('Plain', '{"id":{"S":"undone"}}');
ROLLBACK TO a;
SELECT pg_temp.put('Plain', '{"id":{"S":"t2"}}');
SAVEPOINT b;
SELECT pg_temp.put('Plain', '{"id":{"S":"t3"}}');
RELEASE b;
COMMIT;
BEGIN;
SELECT pg_temp.put('Plain', '{"id":{"S":"undone"}}');
ROLLBACK;
BEGIN;
SELECT pg_temp.put('Plain', '{"id":{"S":"prepared"}}');
PREPARE TRANSACTION 'decode_1';
BEGIN;
SELECT pg_temp.put('Plain', '{"id":{"S":"undone"}}');
PREPARE TRANSACTION 'decode_2';
SELECT pg_temp.put('Plain', '{"id":{"S":"between"}}');
SELECT * FROM pg_temp.changes('include_transactions', 'yes');
ROLLBACK PREPARED 'decode_2';
SELECT pg_temp.put('Plain', '{"id":{"S":"before the commit"}}');
COMMIT PREPARED 'decode_1';
SELECT * FROM pg_temp.changes();

-- a large one is read from where it was spilled to
SET logical_decoding_work_mem = '64kB';
INSERT INTO dynamo_tables."Plain" (item)
	SELECT jsonb_build_object('id', jsonb_build_object('S', 'many' || i), 'n', jsonb_build_object('N', i::text)) FROM generate_series(1, 20000) i;
UPDATE dynamo_tables."Plain" SET item = jsonb_set(item, '{n,N}', '"5"') WHERE pk LIKE 'many%';
DELETE FROM dynamo_tables."Plain" WHERE pk LIKE 'many%';
SELECT data::jsonb ->> 'eventName' AS event, count(*), count(DISTINCT data::jsonb #>> '{dynamodb,Keys,id,S}') AS keys,
	min(right(data::jsonb #>> '{dynamodb,SequenceNumber}', 9)::int), max(right(data::jsonb #>> '{dynamodb,SequenceNumber}', 9)::int),
	count(DISTINCT data::jsonb ->> 'eventID') AS ids
FROM pg_logical_slot_peek_changes('decode', NULL, NULL) GROUP BY 1 ORDER BY 1;
-- one after the other in the order of their numbers, every time
SELECT count(*), bool_and(a.data = b.data) AS same, bool_and(a.number > a.previous) AS ordered
FROM (SELECT data, n, number, lag(number, 1, 0) OVER (ORDER BY n) AS previous
	FROM (SELECT data, n, (data::jsonb #>> '{dynamodb,SequenceNumber}')::numeric AS number
		FROM pg_logical_slot_peek_changes('decode', NULL, NULL) WITH ORDINALITY x(lsn, xid, data, n)) y) a
	JOIN pg_logical_slot_peek_changes('decode', NULL, NULL, 'format', 'records') WITH ORDINALITY b(lsn, xid, data, n) USING (n);
RESET logical_decoding_work_mem;
SELECT count(*) FROM pg_logical_slot_get_changes('decode', NULL, NULL, 'tables', 'nothing');

-- ----------------------------------------------------------------
-- Partitions
-- ----------------------------------------------------------------
SET dynamo.table_partitions = 3;
SELECT pg_temp.make('Parts', 'id S');
RESET dynamo.table_partitions;
SELECT pg_temp.enable('Parts');
SELECT pg_temp.put('Parts', '{"id":{"S":"1"}}'), pg_temp.put('Parts', '{"id":{"S":"2"}}'), pg_temp.put('Parts', '{"id":{"S":"3"}}');
SELECT pg_temp.put('Parts', '{"id":{"S":"2"},"n":{"N":"1"}}');
SELECT pg_temp.delete('Parts', '{"id":{"S":"3"}}');
SELECT * FROM pg_temp.changes();

-- ----------------------------------------------------------------
-- Index tables
-- ----------------------------------------------------------------
SELECT dynamo.create_table('{"TableName":"Indexed","BillingMode":"PAY_PER_REQUEST",
	"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
	"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"},{"AttributeName":"g","AttributeType":"N"},{"AttributeName":"h","AttributeType":"S"}],
	"GlobalSecondaryIndexes":[{"IndexName":"ByG","KeySchema":[{"AttributeName":"g","KeyType":"HASH"},{"AttributeName":"h","KeyType":"RANGE"}],
		"Projection":{"ProjectionType":"KEYS_ONLY"}}]}') IS NOT NULL;
SELECT pg_temp.enable('Indexed');
DO $$
BEGIN
	EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL',
		(SELECT index_relid FROM dynamo.index_definition WHERE index_name = 'ByG' AND relid = 'dynamo_tables."Indexed"'::regclass));
END $$;
SELECT pg_temp.put('Indexed', '{"id":{"S":"1"},"g":{"N":"1"},"h":{"S":"x"},"more":{"S":"m"}}');
SELECT pg_temp.put('Indexed', '{"id":{"S":"1"},"g":{"N":"1"},"h":{"S":"x"},"more":{"S":"n"}}');
SELECT pg_temp.put('Indexed', '{"id":{"S":"1"},"g":{"N":"2"},"h":{"S":"x"}}');
SELECT pg_temp.put('Indexed', '{"id":{"S":"1"},"g":{"N":"2"},"more":{"S":"m"}}');
SELECT pg_temp.delete('Indexed', '{"id":{"S":"1"}}');
SELECT pg_temp.short(data::jsonb) FROM pg_logical_slot_peek_changes('decode', NULL, NULL);
SELECT * FROM pg_temp.changes('include_index_tables', 'on', 'include_transactions', 'on');

-- ----------------------------------------------------------------
-- Messages
-- ----------------------------------------------------------------
BEGIN;
SELECT pg_logical_emit_message(true, 'pg_dynamo', 'expiry') IS NOT NULL;
DELETE FROM dynamo_tables."Parts" WHERE pk = '1';
SELECT pg_temp.put('Parts', '{"id":{"S":"4"}}');
COMMIT;
DELETE FROM dynamo_tables."Parts" WHERE pk = '2';
SELECT pg_logical_emit_message(true, 'pg_dynamo', 'whatever') IS NOT NULL;
SELECT pg_logical_emit_message(true, 'somebody', 'expiry') IS NOT NULL;
SELECT pg_logical_emit_message(false, 'pg_dynamo', 'expiry') IS NOT NULL;
SELECT data::jsonb ->> 'eventName' AS event, data::jsonb ->> 'userIdentity' AS "user" FROM pg_logical_slot_get_changes('decode', NULL, NULL);
-- that a stream ends is believed only if it is true
SELECT pg_logical_emit_message(true, 'pg_dynamo', 'disable'::bytea || uuid_send(stream_id)) IS NOT NULL
FROM dynamo.stream_definition WHERE table_name = 'Parts';
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('decode', NULL, NULL, 'format', 'internal');
BEGIN;
SELECT pg_temp.put('Parts', '{"id":{"S":"5"}}');
SELECT pg_temp.disable('Parts');
SELECT pg_logical_emit_message(true, 'pg_dynamo', 'disable'::bytea || uuid_send(stream_id)) IS NOT NULL
FROM dynamo.stream_definition WHERE table_name = 'Parts';
SELECT pg_temp.put('Parts', '{"id":{"S":"6"}}');
COMMIT;
SELECT get_byte(data, 0) AS kind, get_byte(data, 24) AS ordinal, length(data) > 56 AS has_record,
	substr(data, 33, 16) = (SELECT uuid_send(stream_id) FROM dynamo.stream_definition WHERE table_name = 'Parts') AS of_parts
FROM pg_logical_slot_peek_binary_changes('decode', NULL, NULL, 'format', 'internal');
SELECT count(*) FROM pg_temp.changes();

-- ----------------------------------------------------------------
-- What the log does not hold, and what is damaged
-- ----------------------------------------------------------------
SELECT pg_temp.make('Odd', 'id S');
SELECT pg_temp.enable('Odd');
ALTER TABLE dynamo_tables."Odd" REPLICA IDENTITY DEFAULT;
SELECT pg_temp.put('Odd', '{"id":{"S":"1"}}');
SELECT pg_temp.put('Odd', '{"id":{"S":"1"}}');
SELECT pg_temp.delete('Odd', '{"id":{"S":"1"}}');
SELECT pg_temp.put('Odd', '{"id":{"S":"2"}}');
SELECT * FROM pg_temp.changes();
ALTER TABLE dynamo_tables."Odd" REPLICA IDENTITY FULL;
-- the checks look away for a moment
SELECT pg_get_functiondef('dynamo.item_is_valid(jsonb)'::regprocedure) AS definition \gset
BEGIN;
CREATE OR REPLACE FUNCTION dynamo.item_is_valid(jsonb) RETURNS boolean LANGUAGE sql AS 'SELECT true';
INSERT INTO dynamo_tables."Odd" (pk, item) VALUES ('3', '{"id":{"S":"3"},"bad":5}');
UPDATE dynamo_tables."Odd" SET item = '{"id":{"S":"2"},"bad":{"X":"y"}}' WHERE pk = '2';
UPDATE dynamo_tables."Odd" SET item = '{"id":{"S":"2"},"good":{"S":"y"}}' WHERE pk = '2';
UPDATE dynamo_tables."Odd" SET item = '{"id":{"S":"3"},"bad":6}' WHERE pk = '3';
UPDATE dynamo_tables."Odd" SET item = '{"id":{"S":"3"},"good":{"S":"z"}}' WHERE pk = '3';
:definition;
COMMIT;
SELECT * FROM pg_temp.changes();

SELECT pg_drop_replication_slot('decode');
DELETE FROM dynamo.stream_definition
WHERE table_name IN ('Music', 'Numbers', 'Plain', 'Short', 'Renamed', 'Brief', 'Parts', 'Indexed', 'Odd');
SELECT dynamo.delete_table(jsonb_build_object('TableName', t)) IS NOT NULL
FROM unnest('{Music,Numbers,Plain,Parts,Indexed,Odd}'::text[]) t;
-- ----------------------------------------------------------------
-- Streams of the API
-- ----------------------------------------------------------------
SELECT dynamo.create_table('{"TableName":"Api","BillingMode":"PAY_PER_REQUEST",
	"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
	"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],
	"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}}') #>> '{TableDescription,LatestStreamArn}' AS arn \gset
SELECT slot_name FROM pg_create_logical_replication_slot('decode', 'pg_dynamo');
SELECT pg_temp.put('Api', '{"id":{"S":"1"}}');
SELECT pg_temp.put('Api', '{"id":{"S":"1"},"n":{"N":"1"}}');
SELECT data::jsonb ->> 'eventSourceARN' = :'arn' AS same_stream, pg_temp.short(data::jsonb)
FROM pg_logical_slot_get_changes('decode', NULL, NULL);
SELECT dynamo.update_table('{"TableName":"Api","StreamSpecification":{"StreamEnabled":false}}') IS NOT NULL;
SELECT pg_temp.put('Api', '{"id":{"S":"1"},"n":{"N":"2"}}');
SELECT dynamo.update_table('{"TableName":"Api","StreamSpecification":{"StreamEnabled":true,"StreamViewType":"KEYS_ONLY"}}')
	#>> '{TableDescription,LatestStreamArn}' AS arn \gset
SELECT pg_temp.put('Api', '{"id":{"S":"1"},"n":{"N":"3"}}');
SELECT dynamo.delete_table('{"TableName":"Api"}') IS NOT NULL;
SELECT coalesce(data::jsonb ->> 'eventSourceARN' = :'arn', false) AS same_stream, pg_temp.short(data::jsonb)
FROM pg_logical_slot_peek_changes('decode', NULL, NULL);
SELECT get_byte(data, 0) AS kind, get_byte(data, 24) AS ordinal, length(data) > 56 AS has_record
FROM pg_logical_slot_get_binary_changes('decode', NULL, NULL, 'format', 'internal');
SELECT pg_drop_replication_slot('decode');

\c -
\set VERBOSITY terse
SELECT '{"bad":5}'::dynamo.item;
