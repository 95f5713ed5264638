/* pg_dynamo--1.0.sql */

-- complain if the script is sourced in psql, rather than by CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_dynamo" to load this file. \quit

DO $$
BEGIN
	IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'pg_dynamo needs a database with encoding UTF8';
	END IF;
END
$$;

-- The schemas are members of the extension: one that somebody else had made
-- before would be a place to plant functions in.
CREATE SCHEMA dynamo;
COMMENT ON SCHEMA dynamo IS 'Amazon DynamoDB''s API as SQL functions';

-- ----------------------------------------------------------------
-- Domains: items, attribute values and keys in DynamoDB JSON
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.item_is_valid(jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_item_is_valid'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.item_is_valid(jsonb) IS
	'true for an item in stored form: DynamoDB JSON, canonical numbers, within the limits; an error that says why otherwise';

CREATE FUNCTION dynamo.attribute_value_is_valid(jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_attribute_value_is_valid'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.attribute_value_is_valid(jsonb) IS
	'true for an attribute value in stored form; an error that says why otherwise';

CREATE FUNCTION dynamo.key_is_valid(jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_key_is_valid'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.key_is_valid(jsonb) IS
	'true for a key in stored form: one or two attributes of type S, N or B, not empty; an error that says why otherwise';

CREATE DOMAIN dynamo.item AS jsonb CHECK (dynamo.item_is_valid(VALUE));
COMMENT ON DOMAIN dynamo.item IS
	'a DynamoDB item: attribute names to attribute values, e.g. {"Artist": {"S": "x"}, "Year": {"N": "1999"}}';

CREATE DOMAIN dynamo.attribute_value AS jsonb CHECK (dynamo.attribute_value_is_valid(VALUE));
COMMENT ON DOMAIN dynamo.attribute_value IS
	'a DynamoDB attribute value: type tag to payload, e.g. {"N": "1999"}';

CREATE DOMAIN dynamo.key AS jsonb CHECK (dynamo.key_is_valid(VALUE));
COMMENT ON DOMAIN dynamo.key IS
	'the key attributes of a DynamoDB item, e.g. {"Artist": {"S": "x"}}';

-- ----------------------------------------------------------------
-- Plain JSON to DynamoDB JSON and back
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.json_to_item(plain jsonb) RETURNS dynamo.item
	AS 'MODULE_PATHNAME', 'ddb_json_to_item'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.json_to_item(jsonb) IS
	'item from a plain JSON object; sets as {"$stringSet": [...]}, {"$numberSet": [...]}, {"$binarySet": [...]}, binary as {"$binary": "<base64>"}';

CREATE FUNCTION dynamo.item_to_json(item jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_item_to_json'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.item_to_json(jsonb) IS
	'plain JSON of an item, with all digits of its numbers; the inverse of json_to_item';

CREATE FUNCTION dynamo.json_to_value(plain jsonb) RETURNS dynamo.attribute_value
	AS 'MODULE_PATHNAME', 'ddb_plain_to_value_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.json_to_value(jsonb) IS
	'attribute value from plain JSON, as json_to_item makes it';

CREATE FUNCTION dynamo.value_to_json(value jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_value_to_plain'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.value_to_json(jsonb) IS
	'plain JSON of an attribute value; the inverse of json_to_value';

CREATE FUNCTION dynamo.canonical_item(item jsonb) RETURNS dynamo.item
	AS 'MODULE_PATHNAME', 'ddb_item_in_json'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.canonical_item(jsonb) IS
	'item from DynamoDB JSON in any spelling that the API accepts, e.g. numbers like "1.0" or "1e3"';

CREATE FUNCTION dynamo.item_size(item jsonb) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ddb_item_size_sql'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.item_size(jsonb) IS
	'size of an item in bytes, as DynamoDB counts it for its limits and capacity units';

CREATE FUNCTION dynamo.item_matches(item jsonb, condition text,
	expression_values jsonb DEFAULT NULL, expression_names jsonb DEFAULT NULL)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_item_matches'
	LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.item_matches(jsonb, text, jsonb, jsonb) IS
	'does the item satisfy a condition expression? values and names in plain JSON, e.g. {":v": 5}; for WHERE clauses over item tables';

-- ----------------------------------------------------------------
-- Catalog
--
-- table_definition and index_definition are user catalog tables, so that
-- logical decoding can read them under the snapshot of a change.  Like the
-- server's own catalogs they are readable by everyone (pg_dump by an ordinary role needs that) and
-- written by the extension alone.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.table_definition (
	relid regclass PRIMARY KEY,
	table_name text COLLATE "C" NOT NULL UNIQUE,
	table_id uuid NOT NULL DEFAULT gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT now(),
	hash_attribute text COLLATE "C" NOT NULL,
	hash_type "char" NOT NULL CHECK (hash_type IN ('S', 'N', 'B')),
	range_attribute text COLLATE "C",
	range_type "char" CHECK (range_type IN ('S', 'N', 'B')),
	settings jsonb NOT NULL,
	CHECK ((range_attribute IS NULL) = (range_type IS NULL))
) WITH (user_catalog_table = true);
COMMENT ON TABLE dynamo.table_definition IS
	'one row per item table: its DynamoDB name, key schema and settings; written by the API and by event triggers';
COMMENT ON COLUMN dynamo.table_definition.relid IS 'the item table';
COMMENT ON COLUMN dynamo.table_definition.table_name IS 'TableName of the API';
COMMENT ON COLUMN dynamo.table_definition.table_id IS 'TableId of the API';
COMMENT ON COLUMN dynamo.table_definition.hash_attribute IS 'attribute name of the partition key, in column pk';
COMMENT ON COLUMN dynamo.table_definition.hash_type IS 'attribute type of the partition key: S, N or B';
COMMENT ON COLUMN dynamo.table_definition.range_attribute IS 'attribute name of the sort key, in column sk; NULL if there is none';
COMMENT ON COLUMN dynamo.table_definition.range_type IS 'attribute type of the sort key: S, N or B';
COMMENT ON COLUMN dynamo.table_definition.settings IS 'what DescribeTable shows beyond the key schema';

CREATE TABLE dynamo.table_tag (
	relid regclass NOT NULL REFERENCES dynamo.table_definition (relid) ON DELETE CASCADE,
	key text COLLATE "C" NOT NULL,
	value text NOT NULL,
	PRIMARY KEY (relid, key)
);
COMMENT ON TABLE dynamo.table_tag IS 'tags of item tables';

-- no foreign key: a parallel pg_restore fills the catalog in any order
CREATE TABLE dynamo.index_definition (
	index_relid regclass PRIMARY KEY,
	relid regclass NOT NULL,
	index_name text COLLATE "C" NOT NULL,
	is_global boolean NOT NULL,
	is_unique boolean NOT NULL DEFAULT false,
	status "char" NOT NULL CHECK (status IN ('C', 'B', 'A')),
	partition_attributes text[] COLLATE "C" NOT NULL,
	partition_types "char"[] NOT NULL,
	sort_attributes text[] COLLATE "C" NOT NULL,
	sort_types "char"[] NOT NULL,
	projection "char" NOT NULL CHECK (projection IN ('A', 'K', 'I')),
	non_key_attributes text[] COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	settings jsonb NOT NULL,
	UNIQUE (relid, index_name),
	CHECK (cardinality(partition_attributes) BETWEEN 1 AND 4
		AND cardinality(partition_types) = cardinality(partition_attributes)
		AND cardinality(sort_attributes) <= 4
		AND cardinality(sort_types) = cardinality(sort_attributes))
) WITH (user_catalog_table = true);
COMMENT ON TABLE dynamo.index_definition IS
	'one row per secondary index: its table, keys, projection and settings; written by the API and by event triggers';
COMMENT ON COLUMN dynamo.index_definition.index_relid IS 'the index table, which holds the projected items in the order of the index';
COMMENT ON COLUMN dynamo.index_definition.relid IS 'the item table';
COMMENT ON COLUMN dynamo.index_definition.index_name IS 'IndexName of the API';
COMMENT ON COLUMN dynamo.index_definition.is_global IS 'a global secondary index; else a local one';
COMMENT ON COLUMN dynamo.index_definition.is_unique IS 'an index key occurs in one item only';
COMMENT ON COLUMN dynamo.index_definition.status IS 'C: being created, B: being filled with the items that were there before, A: complete';
COMMENT ON COLUMN dynamo.index_definition.partition_attributes IS 'attribute names of the partition key';
COMMENT ON COLUMN dynamo.index_definition.partition_types IS 'their types: S, N or B';
COMMENT ON COLUMN dynamo.index_definition.sort_attributes IS 'attribute names of the sort key, in order';
COMMENT ON COLUMN dynamo.index_definition.sort_types IS 'their types: S, N or B';
COMMENT ON COLUMN dynamo.index_definition.projection IS 'A: all attributes, K: keys only, I: keys and non_key_attributes';
COMMENT ON COLUMN dynamo.index_definition.non_key_attributes IS 'NonKeyAttributes of the API';
COMMENT ON COLUMN dynamo.index_definition.created_at IS 'when the index was added';
COMMENT ON COLUMN dynamo.index_definition.settings IS 'what DescribeTable shows beyond the other columns';

GRANT SELECT ON dynamo.table_definition, dynamo.table_tag, dynamo.index_definition TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dynamo.table_definition', '');
SELECT pg_catalog.pg_extension_config_dump('dynamo.table_tag', '');
SELECT pg_catalog.pg_extension_config_dump('dynamo.index_definition', '');

CREATE VIEW dynamo.tables WITH (security_barrier) AS
	SELECT d.table_name, d.relid AS relation,
		pg_catalog.pg_get_userbyid(c.relowner) AS owner,
		d.hash_attribute AS partition_key, d.hash_type AS partition_key_type,
		d.range_attribute AS sort_key, d.range_type AS sort_key_type,
		d.table_id, d.created_at, d.settings
	FROM dynamo.table_definition d JOIN pg_catalog.pg_class c ON c.oid = d.relid
	WHERE pg_catalog.has_table_privilege(d.relid,
		'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
COMMENT ON VIEW dynamo.tables IS
	'the DynamoDB tables on which the current user has any privilege';

CREATE VIEW dynamo.tags WITH (security_barrier) AS
	SELECT t.table_name, g.key, g.value
	FROM dynamo.tables t JOIN dynamo.table_tag g ON g.relid = t.relation;
COMMENT ON VIEW dynamo.tags IS
	'tags of the DynamoDB tables on which the current user has any privilege';

CREATE VIEW dynamo.indexes WITH (security_barrier) AS
	SELECT t.table_name, i.index_name, i.index_relid AS relation,
		CASE WHEN i.is_global THEN 'global' ELSE 'local' END AS kind, i.is_unique,
		CASE i.status WHEN 'C' THEN 'creating' WHEN 'B' THEN 'backfilling' ELSE 'active' END AS status,
		i.partition_attributes AS partition_key, i.partition_types AS partition_key_types,
		i.sort_attributes AS sort_key, i.sort_types AS sort_key_types,
		CASE i.projection WHEN 'A' THEN 'ALL' WHEN 'K' THEN 'KEYS_ONLY' ELSE 'INCLUDE' END AS projection,
		i.non_key_attributes, i.created_at, i.settings
	FROM dynamo.tables t JOIN dynamo.index_definition i ON i.relid = t.relation;
COMMENT ON VIEW dynamo.indexes IS
	'secondary indexes of the DynamoDB tables on which the current user has any privilege';

GRANT SELECT ON dynamo.tables, dynamo.tags, dynamo.indexes TO PUBLIC;
GRANT USAGE ON SCHEMA dynamo TO PUBLIC;

CREATE SCHEMA dynamo_tables;
COMMENT ON SCHEMA dynamo_tables IS
	'item tables, one per DynamoDB table; CREATE on it is the right to CreateTable';
GRANT USAGE ON SCHEMA dynamo_tables TO PUBLIC;

CREATE FUNCTION dynamo.verify_index(table_name text, index_name text,
	OUT problem text, OUT key jsonb) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_verify_index'
	LANGUAGE C VOLATILE STRICT ROWS 10;
COMMENT ON FUNCTION dynamo.verify_index(text, text) IS
	'compares an index with what its table says it should hold: a row for each entry that is missing, extra or different; none for a true index';

-- ----------------------------------------------------------------
-- Index builds
--
-- Where the filling of an index is.  Not registered for pg_dump: after a
-- restore a build begins anew.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.index_build (
	index_relid regclass PRIMARY KEY
		REFERENCES dynamo.index_definition (index_relid) ON DELETE CASCADE,
	started_at timestamptz NOT NULL DEFAULT now(),
	items_total bigint,
	items_done bigint NOT NULL DEFAULT 0,
	part oid,
	last_key jsonb,
	failures integer NOT NULL DEFAULT 0,
	last_error text,
	retry_at timestamptz
) WITH (fillfactor = 10);
COMMENT ON TABLE dynamo.index_build IS
	'one row per index that is being filled: how far its worker has come; others see dynamo.stat_progress_index_build';
COMMENT ON COLUMN dynamo.index_build.index_relid IS 'the index table';
COMMENT ON COLUMN dynamo.index_build.started_at IS 'when the first worker began';
COMMENT ON COLUMN dynamo.index_build.items_total IS 'items to read, an estimate';
COMMENT ON COLUMN dynamo.index_build.items_done IS 'items read';
COMMENT ON COLUMN dynamo.index_build.part IS 'the relation being read: the item table, or one of its partitions';
COMMENT ON COLUMN dynamo.index_build.last_key IS 'key of the last item read there; NULL at the beginning';
COMMENT ON COLUMN dynamo.index_build.failures IS 'how often the build has stopped since its last progress';
COMMENT ON COLUMN dynamo.index_build.last_error IS 'why it stopped the last time';
COMMENT ON COLUMN dynamo.index_build.retry_at IS 'when it may go on by itself; infinity after a cancellation';
REVOKE ALL ON dynamo.index_build FROM PUBLIC;

-- the lock that a living build holds is described in indexbuild.c
CREATE VIEW dynamo.stat_progress_index_build WITH (security_barrier) AS
	SELECT l.pid, i.table_name, i.index_name,
		CASE WHEN l.pid IS NOT NULL AND i.status = 'creating' THEN 'initializing'
			WHEN l.pid IS NOT NULL THEN 'backfilling'
			WHEN b.last_error IS NOT NULL THEN 'stopped'
			ELSE 'waiting for a worker' END AS phase,
		greatest(b.items_total, b.items_done) AS items_total,
		coalesce(b.items_done, 0) AS items_done,
		b.started_at, b.last_error, b.retry_at
	FROM dynamo.indexes i
		LEFT JOIN dynamo.index_build b ON b.index_relid = i.relation
		LEFT JOIN pg_catalog.pg_locks l ON l.locktype = 'userlock'
			AND l.objsubid = 3548 AND l.classid = i.relation AND l.granted
			AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
				WHERE d.datname = pg_catalog.current_database())
	WHERE i.status <> 'active';
COMMENT ON VIEW dynamo.stat_progress_index_build IS
	'indexes that are being filled with the items of their tables, with the progress of their workers; of tables on which the current user has any privilege';
COMMENT ON COLUMN dynamo.stat_progress_index_build.pid IS 'process id of the background worker; NULL if none is at work';
COMMENT ON COLUMN dynamo.stat_progress_index_build.phase IS
	'initializing, backfilling, waiting for a worker, or stopped by what last_error says';
COMMENT ON COLUMN dynamo.stat_progress_index_build.items_total IS 'items to read, an estimate';
COMMENT ON COLUMN dynamo.stat_progress_index_build.items_done IS 'items read';
COMMENT ON COLUMN dynamo.stat_progress_index_build.retry_at IS
	'when a worker of the HTTP endpoint may resume the build; infinity: dynamo.resume_index_builds() does';
GRANT SELECT ON dynamo.stat_progress_index_build TO PUBLIC;

CREATE FUNCTION dynamo.cancel_index_build(table_name text, index_name text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_cancel_index_build'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.cancel_index_build(text, text) IS
	'gives up building an index: drops it, for the owner of its table';

CREATE FUNCTION dynamo.resume_index_builds() RETURNS integer
	AS 'MODULE_PATHNAME', 'ddb_resume_index_builds'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.resume_index_builds() IS
	'starts workers for index builds that have none, of tables of the current user; returns how many';

-- ----------------------------------------------------------------
-- What item tables call
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.partition_hash(text) RETURNS integer
	AS 'MODULE_PATHNAME', 'ddb_partition_hash_text'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION dynamo.partition_hash(numeric) RETURNS integer
	AS 'MODULE_PATHNAME', 'ddb_partition_hash_numeric'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION dynamo.partition_hash(bytea) RETURNS integer
	AS 'MODULE_PATHNAME', 'ddb_partition_hash_bytea'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.partition_hash(text) IS
	'place of a partition in the order of Scan, from column pk';
COMMENT ON FUNCTION dynamo.partition_hash(numeric) IS
	'place of a partition in the order of Scan, from column pk';
COMMENT ON FUNCTION dynamo.partition_hash(bytea) IS
	'place of a partition in the order of Scan, from column pk';

CREATE FUNCTION dynamo.item_before_insert() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_before_insert'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_before_insert() IS
	'trigger of item tables: fills key columns that are NULL from the item, refuses others that differ from it, and locks the key against transactions that rely on its absence';

CREATE FUNCTION dynamo.item_after_update() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_after_update'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_after_update() IS
	'trigger of item tables: refuses an item whose key attributes are not those in the key columns';

CREATE FUNCTION dynamo.item_before_key_update() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_before_key_update'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_before_key_update() IS
	'trigger of item tables: refuses to update key columns';

CREATE FUNCTION dynamo.item_maintain_indexes() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_maintain_indexes'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_maintain_indexes() IS
	'trigger of item tables with secondary indexes: makes the index tables follow every change of a row';

CREATE FUNCTION dynamo.item_truncate_indexes() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_truncate_indexes'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_truncate_indexes() IS
	'trigger of item tables with secondary indexes: empties the index tables with the item table';

CREATE FUNCTION dynamo.index_skip_replicated() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_index_skip_replicated'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.index_skip_replicated() IS
	'trigger of index tables, ENABLE REPLICA: passes over entries that logical replication brings, since the subscriber makes them from the items';

CREATE FUNCTION dynamo.store_write(item dynamo.item, serial bigint) RETURNS dynamo.item
	AS 'MODULE_PATHNAME', 'ddb_store_write'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.store_write(dynamo.item, bigint) IS
	'for statements of the extension: the next item of a row under a conditional write or an update';

CREATE FUNCTION dynamo.store_check(item dynamo.item, serial bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_store_check'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.store_check(dynamo.item, bigint) IS
	'for statements of the extension: the condition of a delete';

CREATE FUNCTION dynamo.scan_filter(item dynamo.item, serial bigint) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_scan_filter'
	LANGUAGE C STABLE STRICT COST 100;
COMMENT ON FUNCTION dynamo.scan_filter(dynamo.item, bigint) IS
	'for statements of the extension: the filter of a set-returning query or scan';

-- ----------------------------------------------------------------
-- Event triggers
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.on_sql_drop() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'ddb_on_sql_drop' LANGUAGE C;
COMMENT ON FUNCTION dynamo.on_sql_drop() IS
	'event trigger: a dropped item table loses its indexes, definition and tags; an index whose table is dropped is deleted';
CREATE EVENT TRIGGER pg_dynamo_sql_drop ON sql_drop
	EXECUTE FUNCTION dynamo.on_sql_drop();
COMMENT ON EVENT TRIGGER pg_dynamo_sql_drop IS 'keeps the catalog of pg_dynamo true when item tables are dropped by SQL';

CREATE FUNCTION dynamo.on_ddl_command_end() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'ddb_on_ddl_command_end' LANGUAGE C;
COMMENT ON FUNCTION dynamo.on_ddl_command_end() IS
	'event trigger: a renamed item table is the DynamoDB table of that name, and its index tables have its owner; key and item columns cannot be dropped, renamed, retyped or made nullable';
CREATE EVENT TRIGGER pg_dynamo_ddl_command_end ON ddl_command_end
	WHEN TAG IN ('ALTER TABLE', 'ALTER INDEX', 'ALTER VIEW')
	EXECUTE FUNCTION dynamo.on_ddl_command_end();
COMMENT ON EVENT TRIGGER pg_dynamo_ddl_command_end IS 'keeps the catalog of pg_dynamo true when item tables are altered by SQL';

CREATE FUNCTION dynamo.on_partition_change() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'ddb_on_partition_change' LANGUAGE C;
COMMENT ON FUNCTION dynamo.on_partition_change() IS
	'event trigger: refuses to attach, detach or drop a partition of an item table that has secondary indexes';
CREATE EVENT TRIGGER pg_dynamo_partition_change ON ddl_command_start
	WHEN TAG IN ('ALTER TABLE', 'DROP TABLE')
	EXECUTE FUNCTION dynamo.on_partition_change();
COMMENT ON EVENT TRIGGER pg_dynamo_partition_change IS 'keeps secondary indexes true when partitions of item tables are changed by SQL';

CREATE FUNCTION dynamo.on_drop_extension() RETURNS event_trigger
	AS 'MODULE_PATHNAME', 'ddb_on_drop_extension' LANGUAGE C;
COMMENT ON FUNCTION dynamo.on_drop_extension() IS
	'event trigger: refuses DROP EXTENSION pg_dynamo CASCADE while item tables exist, for it would drop their items';
CREATE EVENT TRIGGER pg_dynamo_drop_extension ON ddl_command_start
	WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
	EXECUTE FUNCTION dynamo.on_drop_extension();
COMMENT ON EVENT TRIGGER pg_dynamo_drop_extension IS 'protects item tables from DROP EXTENSION pg_dynamo CASCADE';

-- ----------------------------------------------------------------
-- Statistics
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.stat_get_operations(OUT operation text, OUT requests bigint,
	OUT errors bigint, OUT mean_ms double precision, OUT p50_ms double precision,
	OUT p99_ms double precision, OUT read_units double precision,
	OUT write_units double precision, OUT stats_reset timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_stat_get_operations'
	LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION dynamo.stat_get_operations() IS
	'for dynamo.stat_operations: counters per operation';

CREATE FUNCTION dynamo.stat_get_errors(OUT operation text, OUT exception text,
	OUT count bigint) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_stat_get_errors'
	LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 20;
COMMENT ON FUNCTION dynamo.stat_get_errors() IS
	'for dynamo.stat_errors: counters per operation and exception';

CREATE FUNCTION dynamo.stat_get_http(OUT worker integer, OUT connections bigint,
	OUT accepted bigint, OUT refused bigint, OUT parked bigint, OUT flushes bigint,
	OUT flushed_responses bigint, OUT mean_batch double precision,
	OUT stats_reset timestamptz) RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_stat_get_http'
	LANGUAGE C STABLE STRICT PARALLEL SAFE ROWS 4;
COMMENT ON FUNCTION dynamo.stat_get_http() IS
	'for dynamo.stat_http: counters per worker';

CREATE VIEW dynamo.stat_operations AS
	SELECT operation, requests, errors, mean_ms, p50_ms, p99_ms, read_units, write_units,
		stats_reset
	FROM dynamo.stat_get_operations();
COMMENT ON VIEW dynamo.stat_operations IS
	'API requests over HTTP, per operation';
COMMENT ON COLUMN dynamo.stat_operations.operation IS 'as in X-Amz-Target; unknown where a request named none';
COMMENT ON COLUMN dynamo.stat_operations.requests IS 'requests answered';
COMMENT ON COLUMN dynamo.stat_operations.errors IS 'those answered with an exception';
COMMENT ON COLUMN dynamo.stat_operations.mean_ms IS 'mean time from request to response, in milliseconds; NULL without requests';
COMMENT ON COLUMN dynamo.stat_operations.p50_ms IS 'estimate of the median, from a histogram with fixed bounds';
COMMENT ON COLUMN dynamo.stat_operations.p99_ms IS 'estimate of the time that one request in a hundred exceeds';
COMMENT ON COLUMN dynamo.stat_operations.read_units IS 'read capacity units consumed, as DynamoDB counts them';
COMMENT ON COLUMN dynamo.stat_operations.write_units IS 'write capacity units consumed, as DynamoDB counts them';
COMMENT ON COLUMN dynamo.stat_operations.stats_reset IS 'since when it is counted; NULL where nothing is';

CREATE VIEW dynamo.stat_errors AS
	SELECT operation, exception, count
	FROM dynamo.stat_get_errors();
COMMENT ON VIEW dynamo.stat_errors IS
	'exceptions that requests over HTTP were answered with, per operation';

CREATE VIEW dynamo.stat_http AS
	SELECT worker, connections, accepted, refused, parked, flushes, flushed_responses,
		mean_batch, stats_reset
	FROM dynamo.stat_get_http();
COMMENT ON VIEW dynamo.stat_http IS
	'connections and flushes of the log, per HTTP worker';
COMMENT ON COLUMN dynamo.stat_http.worker IS 'number of the worker, from 0';
COMMENT ON COLUMN dynamo.stat_http.connections IS 'open now';
COMMENT ON COLUMN dynamo.stat_http.accepted IS 'connections accepted';
COMMENT ON COLUMN dynamo.stat_http.refused IS 'connections beyond dynamo.worker_connections';
COMMENT ON COLUMN dynamo.stat_http.parked IS 'requests that wait for locks now';
COMMENT ON COLUMN dynamo.stat_http.flushes IS 'flushes of the log before responses';
COMMENT ON COLUMN dynamo.stat_http.flushed_responses IS 'responses that those flushes released';
COMMENT ON COLUMN dynamo.stat_http.mean_batch IS 'responses per flush; NULL without a flush';
COMMENT ON COLUMN dynamo.stat_http.stats_reset IS 'since when it is counted';

GRANT SELECT ON dynamo.stat_operations, dynamo.stat_errors, dynamo.stat_http TO PUBLIC;

CREATE FUNCTION dynamo.stat_reset() RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_stat_reset'
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.stat_reset() IS
	'starts all statistics of the HTTP endpoint again from zero';
REVOKE EXECUTE ON FUNCTION dynamo.stat_reset() FROM PUBLIC;

-- ----------------------------------------------------------------
-- Access keys
--
-- Not registered for pg_dump: an ordinary role's dump would fail at the
-- table, and secrets do not belong into dumps.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.access_key (
	access_key_id text COLLATE "C" PRIMARY KEY,
	role regrole NOT NULL,
	secret_access_key text NOT NULL,
	session_token text,
	expires_at timestamptz,
	status text NOT NULL DEFAULT 'Active' CHECK (status IN ('Active', 'Inactive')),
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dynamo.access_key IS
	'access keys of the HTTP endpoint, with their secrets: for the owner of the extension; others see dynamo.access_keys';
COMMENT ON COLUMN dynamo.access_key.access_key_id IS 'AWS_ACCESS_KEY_ID of a client';
COMMENT ON COLUMN dynamo.access_key.role IS 'whom requests signed with this key run as';
COMMENT ON COLUMN dynamo.access_key.secret_access_key IS 'AWS_SECRET_ACCESS_KEY of a client';
COMMENT ON COLUMN dynamo.access_key.session_token IS 'AWS_SESSION_TOKEN of a client; NULL for a key that does not expire';
COMMENT ON COLUMN dynamo.access_key.expires_at IS 'when the session token expires; NULL for a key that does not';
COMMENT ON COLUMN dynamo.access_key.status IS 'Active or Inactive';
REVOKE ALL ON dynamo.access_key FROM PUBLIC;

-- no copies of secrets in the planner's statistics
ALTER TABLE dynamo.access_key
	ALTER COLUMN secret_access_key SET STATISTICS 0,
	ALTER COLUMN session_token SET STATISTICS 0;

CREATE FUNCTION dynamo.access_key_row() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_access_key_row' LANGUAGE C;
COMMENT ON FUNCTION dynamo.access_key_row() IS
	'trigger of dynamo.access_key: skips what logical replication brings';
CREATE TRIGGER access_key_row BEFORE INSERT OR UPDATE OR DELETE ON dynamo.access_key
	FOR EACH ROW EXECUTE FUNCTION dynamo.access_key_row();
ALTER TABLE dynamo.access_key ENABLE ALWAYS TRIGGER access_key_row;
COMMENT ON TRIGGER access_key_row ON dynamo.access_key IS
	'keeps another cluster''s keys out: its roles are not ours';

CREATE FUNCTION dynamo.access_key_changed() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_access_key_changed' LANGUAGE C;
COMMENT ON FUNCTION dynamo.access_key_changed() IS
	'trigger of dynamo.access_key: tells every session that keys have changed';
CREATE TRIGGER access_key_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON dynamo.access_key
	FOR EACH STATEMENT EXECUTE FUNCTION dynamo.access_key_changed();
ALTER TABLE dynamo.access_key ENABLE ALWAYS TRIGGER access_key_changed;
COMMENT ON TRIGGER access_key_changed ON dynamo.access_key IS
	'makes changes take effect with the next request';

CREATE VIEW dynamo.access_keys WITH (security_barrier) AS
	SELECT k.access_key_id, r.rolname AS role, k.status,
		k.session_token IS NOT NULL AS temporary, k.expires_at, k.created_at
	FROM dynamo.access_key k JOIN pg_catalog.pg_roles r ON r.oid = k.role
	WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER') OR
		(SELECT pg_catalog.pg_has_role(c.relowner, 'MEMBER')
		 FROM pg_catalog.pg_class c WHERE c.oid = 'dynamo.access_key'::regclass);
COMMENT ON VIEW dynamo.access_keys IS
	'access keys of the roles that the current user is a member of, without secrets; all of them for the owner of the extension';
GRANT SELECT ON dynamo.access_keys TO PUBLIC;

CREATE FUNCTION dynamo.create_access_key(role regrole,
	OUT access_key_id text, OUT secret_access_key text)
	AS 'MODULE_PATHNAME', 'ddb_create_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_access_key(regrole) IS
	'makes an access key for a role; requests signed with it run as that role. The secret is shown this once';

CREATE FUNCTION dynamo.create_access_key(role regrole, access_key_id text, secret_access_key text)
	RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_create_access_key_given'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_access_key(regrole, text, text) IS
	'the same with an id and a secret made elsewhere; the statement''s text then holds the secret, see import_access_key';

CREATE FUNCTION dynamo.create_session_token(role regrole, duration interval DEFAULT '12 hours',
	OUT access_key_id text, OUT secret_access_key text, OUT session_token text,
	OUT expires_at timestamptz)
	AS 'MODULE_PATHNAME', 'ddb_create_session_token'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_session_token(regrole, interval) IS
	'makes an access key that expires, with the session token that its requests must carry; 15 minutes to 36 hours';

CREATE FUNCTION dynamo.disable_access_key(access_key_id text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_disable_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.disable_access_key(text) IS
	'makes an access key inactive: requests signed with it are refused';

CREATE FUNCTION dynamo.enable_access_key(access_key_id text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_enable_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.enable_access_key(text) IS
	'makes an access key active again';

CREATE FUNCTION dynamo.rotate_access_key(old_access_key_id text,
	OUT access_key_id text, OUT secret_access_key text)
	AS 'MODULE_PATHNAME', 'ddb_rotate_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.rotate_access_key(text) IS
	'makes another access key for the same role and the old one inactive';

CREATE FUNCTION dynamo.delete_access_key(access_key_id text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_delete_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_access_key(text) IS
	'deletes an access key';

CREATE FUNCTION dynamo.export_access_keys()
	RETURNS TABLE (access_key_id text, role text, secret_access_key text, session_token text,
		expires_at timestamptz, status text, created_at timestamptz)
	AS 'MODULE_PATHNAME', 'ddb_export_access_keys'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.export_access_keys() IS
	'all access keys with their secrets and the names of their roles, for the owner of the extension';

CREATE FUNCTION dynamo.import_access_key(access_key_id text, role text, secret_access_key text,
	session_token text DEFAULT NULL, expires_at timestamptz DEFAULT NULL,
	status text DEFAULT 'Active', created_at timestamptz DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_import_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.import_access_key(text, text, text, text, timestamptz, text, timestamptz) IS
	'creates an access key from a row of export_access_keys';

-- a DBA grants them
REVOKE EXECUTE ON FUNCTION
	dynamo.create_access_key(regrole),
	dynamo.create_access_key(regrole, text, text),
	dynamo.create_session_token(regrole, interval),
	dynamo.disable_access_key(text),
	dynamo.enable_access_key(text),
	dynamo.rotate_access_key(text),
	dynamo.delete_access_key(text),
	dynamo.export_access_keys(),
	dynamo.import_access_key(text, text, text, text, timestamptz, text, timestamptz)
	FROM PUBLIC;

-- ----------------------------------------------------------------
-- The API: one function per operation, and the dispatcher
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.execute(operation text, request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_execute'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.execute(text, jsonb) IS
	'runs an operation of the DynamoDB API by its name, e.g. PutItem; errors are SQLSTATE class DY';

CREATE FUNCTION dynamo.execute(operation text, request json) RETURNS json
	AS 'MODULE_PATHNAME', 'ddb_execute_text'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.execute(text, json) IS
	'the same, with the request''s text read exactly as over the wire (U+0000, repeated members, types) and the response''s text written likewise';

CREATE FUNCTION dynamo.execute(operation text, request text) RETURNS json
	AS 'MODULE_PATHNAME', 'ddb_execute_text'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.execute(text, text) IS
	'the same for text that need not be JSON: what is malformed gets the API''s SerializationException';

CREATE FUNCTION dynamo.create_table(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_create_table'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.create_table(jsonb) IS
	'CreateTable of the DynamoDB API: creates a DynamoDB table: an item table in schema dynamo_tables, owned by the current user';

CREATE FUNCTION dynamo.describe_table(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_table'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_table(jsonb) IS
	'DescribeTable of the DynamoDB API: describes a table';

CREATE FUNCTION dynamo.list_tables(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_list_tables'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.list_tables(jsonb) IS
	'ListTables of the DynamoDB API: lists the tables on which the current user has any privilege';

CREATE FUNCTION dynamo.update_table(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_table'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.update_table(jsonb) IS
	'UpdateTable of the DynamoDB API: changes the settings of a table, for its owner';

CREATE FUNCTION dynamo.delete_table(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_delete_table'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.delete_table(jsonb) IS
	'DeleteTable of the DynamoDB API: deletes a table with all its items, for its owner';

CREATE FUNCTION dynamo.tag_resource(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_tag_resource'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.tag_resource(jsonb) IS
	'TagResource of the DynamoDB API: sets tags of a table, for its owner';

CREATE FUNCTION dynamo.untag_resource(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_untag_resource'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.untag_resource(jsonb) IS
	'UntagResource of the DynamoDB API: removes tags of a table, for its owner';

CREATE FUNCTION dynamo.list_tags_of_resource(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_list_tags_of_resource'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.list_tags_of_resource(jsonb) IS
	'ListTagsOfResource of the DynamoDB API: lists the tags of a table';

CREATE FUNCTION dynamo.describe_limits(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_limits'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_limits(jsonb) IS
	'DescribeLimits of the DynamoDB API: tells the account''s capacity limits';

CREATE FUNCTION dynamo.describe_endpoints(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_endpoints'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_endpoints(jsonb) IS
	'DescribeEndpoints of the DynamoDB API: tells the endpoint''s address';

CREATE FUNCTION dynamo.put_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_put_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.put_item(jsonb) IS
	'PutItem of the DynamoDB API: creates or replaces an item';

CREATE FUNCTION dynamo.get_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_get_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.get_item(jsonb) IS
	'GetItem of the DynamoDB API: reads an item by its key';

CREATE FUNCTION dynamo.update_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.update_item(jsonb) IS
	'UpdateItem of the DynamoDB API: changes attributes of an item, or creates it';

CREATE FUNCTION dynamo.delete_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_delete_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.delete_item(jsonb) IS
	'DeleteItem of the DynamoDB API: deletes an item by its key';

CREATE FUNCTION dynamo.query(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_query'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.query(jsonb) IS
	'Query of the DynamoDB API: reads items of one partition in the order of the sort key';

CREATE FUNCTION dynamo.scan(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_scan'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.scan(jsonb) IS
	'Scan of the DynamoDB API: reads all items of a table, a page at a time';

-- ----------------------------------------------------------------
-- The same for people: plain JSON in, plain JSON out
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.create_table(table_name text, partition_key text, sort_key text DEFAULT NULL)
	RETURNS regclass
	AS 'MODULE_PATHNAME', 'ddb_create_table_plain'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_table(text, text, text) IS
	'creates an on-demand table; keys as attribute name and type, e.g. dynamo.create_table(''Music'', ''Artist S'', ''SongTitle S''); returns the item table';

CREATE FUNCTION dynamo.get_item(table_name text, key jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_get_item_plain'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.get_item(text, jsonb) IS
	'the item with this key, in plain JSON; NULL if there is none';

CREATE FUNCTION dynamo.put_item(table_name text, item jsonb, condition text DEFAULT NULL,
	expression_values jsonb DEFAULT NULL, expression_names jsonb DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_put_item_plain'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.put_item(text, jsonb, text, jsonb, jsonb) IS
	'creates or replaces an item given in plain JSON, under a condition expression if there is one';

CREATE FUNCTION dynamo.update_item(table_name text, key jsonb, update_expression text,
	expression_values jsonb DEFAULT NULL, expression_names jsonb DEFAULT NULL,
	condition text DEFAULT NULL) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_item_plain'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.update_item(text, jsonb, text, jsonb, jsonb, text) IS
	'applies an update expression to the item with this key; returns the new item in plain JSON';

CREATE FUNCTION dynamo.delete_item(table_name text, key jsonb, condition text DEFAULT NULL,
	expression_values jsonb DEFAULT NULL, expression_names jsonb DEFAULT NULL) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_delete_item_plain'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_item(text, jsonb, text, jsonb, jsonb) IS
	'deletes the item with this key; returns the old item in plain JSON, NULL if there was none';

CREATE FUNCTION dynamo.query(table_name text, key_condition text, expression_values jsonb,
	filter text DEFAULT NULL, expression_names jsonb DEFAULT NULL,
	forward boolean DEFAULT true, index_name text DEFAULT NULL) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'ddb_query_plain'
	LANGUAGE C VOLATILE ROWS 100;
COMMENT ON FUNCTION dynamo.query(text, text, jsonb, text, jsonb, boolean, text) IS
	'items of a partition of a table or index in plain JSON, in the order of the sort key, all of them: no page limit; e.g. dynamo.query(''Music'', ''Artist = :a'', ''{":a": "X"}'')';

CREATE FUNCTION dynamo.scan(table_name text, filter text DEFAULT NULL,
	expression_values jsonb DEFAULT NULL, expression_names jsonb DEFAULT NULL,
	index_name text DEFAULT NULL) RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'ddb_scan_plain'
	LANGUAGE C VOLATILE ROWS 10000;
COMMENT ON FUNCTION dynamo.scan(text, text, jsonb, jsonb, text) IS
	'items of a table or index in plain JSON, all of them that pass the filter, in no particular order: no page limit';
