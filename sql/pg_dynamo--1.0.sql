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

-- no foreign keys to it: a parallel pg_restore fills the catalog in any order
CREATE TABLE dynamo.table_tag (
	relid regclass NOT NULL,
	key text COLLATE "C" NOT NULL,
	value text NOT NULL,
	PRIMARY KEY (relid, key)
);
COMMENT ON TABLE dynamo.table_tag IS 'tags of item tables';

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
COMMENT ON COLUMN dynamo.index_definition.index_name IS 'IndexName of the API; ~ttl for the index by which expired items are found, which the API does not show';
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
	FROM dynamo.tables t JOIN dynamo.index_definition i ON i.relid = t.relation
	WHERE i.index_name <> '~ttl';
COMMENT ON VIEW dynamo.indexes IS
	'secondary indexes of the DynamoDB tables on which the current user has any privilege';

GRANT SELECT ON dynamo.tables, dynamo.tags, dynamo.indexes TO PUBLIC;
GRANT USAGE ON SCHEMA dynamo TO PUBLIC;

-- ----------------------------------------------------------------
-- Streams
--
-- stream_definition and stream_epoch are read by the output plugin under the
-- snapshot of a change, so they are user catalog tables as well.  Shards and
-- records live for a day and are not dumped: a restored database begins its
-- streams anew, in a new epoch.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.stream_definition (
	stream_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
	relid regclass NOT NULL,
	owner oid NOT NULL,
	table_name text COLLATE "C" NOT NULL,
	label text COLLATE "C" NOT NULL,
	view_type "char" NOT NULL CHECK (view_type IN ('K', 'N', 'O', 'B')),
	hash_attribute text COLLATE "C" NOT NULL,
	hash_type "char" NOT NULL CHECK (hash_type IN ('S', 'N', 'B')),
	range_attribute text COLLATE "C",
	range_type "char" CHECK (range_type IN ('S', 'N', 'B')),
	shards integer NOT NULL CHECK (shards > 0),
	created_at timestamptz NOT NULL,
	disabled_at timestamptz,
	UNIQUE (table_name, label)
) WITH (user_catalog_table = true);
CREATE UNIQUE INDEX stream_definition_enabled ON dynamo.stream_definition (relid) WHERE disabled_at IS NULL;
CREATE INDEX stream_definition_relid ON dynamo.stream_definition (relid);
COMMENT ON TABLE dynamo.stream_definition IS
	'one row per stream: each enabling of a stream on a table makes a new one; disabled ones stay for a day';
COMMENT ON COLUMN dynamo.stream_definition.relid IS 'the item table, which may have been dropped since';
COMMENT ON COLUMN dynamo.stream_definition.owner IS 'oid of the role that owned the item table, who may read the stream when it is gone';
COMMENT ON COLUMN dynamo.stream_definition.table_name IS 'TableName of the API, when the stream was enabled';
COMMENT ON COLUMN dynamo.stream_definition.label IS 'StreamLabel of the API';
COMMENT ON COLUMN dynamo.stream_definition.view_type IS 'K: KEYS_ONLY, N: NEW_IMAGE, O: OLD_IMAGE, B: NEW_AND_OLD_IMAGES';
COMMENT ON COLUMN dynamo.stream_definition.hash_attribute IS 'attribute name of the partition key';
COMMENT ON COLUMN dynamo.stream_definition.hash_type IS 'its type: S, N or B';
COMMENT ON COLUMN dynamo.stream_definition.range_attribute IS 'attribute name of the sort key; NULL if there is none';
COMMENT ON COLUMN dynamo.stream_definition.range_type IS 'its type: S, N or B';
COMMENT ON COLUMN dynamo.stream_definition.shards IS 'number of shards that are open at a time';
COMMENT ON COLUMN dynamo.stream_definition.disabled_at IS 'when the stream was disabled; NULL while it is enabled';

CREATE TABLE dynamo.stream_epoch (
	epoch integer PRIMARY KEY CHECK (epoch > 0),
	started_at timestamptz NOT NULL DEFAULT now(),
	start_lsn pg_lsn NOT NULL,
	system_identifier bigint NOT NULL
) WITH (user_catalog_table = true);
COMMENT ON TABLE dynamo.stream_epoch IS
	'log positions are compared within one epoch only; a new one begins where the replication slot of streams is made anew';

CREATE TABLE dynamo.stream_shard (
	shard_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	stream_id uuid NOT NULL,
	shard_id text COLLATE "C" NOT NULL UNIQUE,
	parent_shard_id text COLLATE "C",
	bucket integer NOT NULL,
	start_epoch integer NOT NULL,
	start_lsn pg_lsn NOT NULL,
	end_epoch integer,
	end_lsn pg_lsn,
	end_ordinal integer,
	created_at timestamptz NOT NULL DEFAULT now(),
	closed_at timestamptz
);
CREATE INDEX ON dynamo.stream_shard (stream_id, shard_id);
COMMENT ON SEQUENCE dynamo.stream_shard_shard_no_seq IS 'numbers of shards, by which records find them';
COMMENT ON TABLE dynamo.stream_shard IS 'shards of streams; a shard is closed after some hours and followed by a child';

-- a ring of hourly partitions: the oldest is emptied by TRUNCATE
CREATE TABLE dynamo.stream_record (
	hour smallint NOT NULL,
	shard_no bigint NOT NULL,
	epoch integer NOT NULL,
	commit_lsn pg_lsn NOT NULL,
	ordinal integer NOT NULL,
	written_at timestamptz NOT NULL,
	size_bytes integer NOT NULL,
	record jsonb NOT NULL
) PARTITION BY LIST (hour);
CREATE INDEX ON dynamo.stream_record (shard_no, epoch, commit_lsn, ordinal);
COMMENT ON TABLE dynamo.stream_record IS
	'stream records of the last 24 hours, in a ring of 26 hourly partitions';
DO $$
BEGIN
	FOR i IN 0 .. 25 LOOP
		EXECUTE pg_catalog.format('CREATE TABLE dynamo.stream_record_%s PARTITION OF dynamo.stream_record FOR VALUES IN (%s)', i, i);
		EXECUTE pg_catalog.format('COMMENT ON TABLE dynamo.stream_record_%s IS %L', i, 'stream records of one hour of the ring');
	END LOOP;
END $$;

CREATE TABLE dynamo.stream_position (
	slot_name name PRIMARY KEY,
	epoch integer NOT NULL,
	commit_lsn pg_lsn NOT NULL,
	timeline bigint NOT NULL,
	complete_to timestamptz,
	stored_at timestamptz NOT NULL
);
COMMENT ON TABLE dynamo.stream_position IS
	'changes committed before this position of the log are stored in stream_record; written in the same transaction as the records';

COMMENT ON COLUMN dynamo.stream_position.complete_to IS
	'what was in the log at this time has been stored, maybe more; NULL where that is not known yet';

CREATE TABLE dynamo.stream_hour (
	started_at timestamptz PRIMARY KEY,
	epoch integer NOT NULL,
	commit_lsn pg_lsn NOT NULL
);
COMMENT ON TABLE dynamo.stream_hour IS
	'for each hour of the ring, the position up to which the log had been stored when the hour began: with the hours, positions pass out of the 24 hours that are kept';

CREATE TABLE dynamo.stream_gap (
	epoch integer PRIMARY KEY,
	found_at timestamptz NOT NULL DEFAULT now(),
	start_lsn pg_lsn NOT NULL,
	stored_epoch integer NOT NULL,
	stored_lsn pg_lsn NOT NULL
);
COMMENT ON TABLE dynamo.stream_gap IS
	'one row per replication slot of streams that was lost: changes committed from stored_lsn to start_lsn, where the new slot begins, have no stream records';

CREATE VIEW dynamo.streams WITH (security_barrier) AS
	SELECT s.table_name, s.label, s.relid AS relation,
		CASE s.view_type WHEN 'K' THEN 'KEYS_ONLY' WHEN 'N' THEN 'NEW_IMAGE'
			WHEN 'O' THEN 'OLD_IMAGE' ELSE 'NEW_AND_OLD_IMAGES' END AS view_type,
		s.shards, s.created_at, s.disabled_at
	FROM dynamo.stream_definition s
	WHERE pg_catalog.has_table_privilege(s.relid, 'SELECT');
COMMENT ON VIEW dynamo.streams IS 'streams of the tables that the current user may read';

CREATE VIEW dynamo.stat_streams WITH (security_barrier) AS
	SELECT n.slot_name,
		CASE WHEN s.slot_name IS NULL THEN 'missing'
			WHEN s.wal_status = 'lost' THEN 'lost'
			WHEN s.active THEN 'active' ELSE 'inactive' END AS slot_state,
		s.active_pid AS pid,
		pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
			THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
			s.confirmed_flush_lsn)::bigint AS lag_bytes,
		CASE WHEN s.slot_name IS NOT NULL THEN greatest(0, extract(epoch FROM pg_catalog.clock_timestamp() -
			greatest(coalesce(a.state_change, p.stored_at), p.complete_to)))::double precision END AS lag_seconds,
		pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery()
			THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
			s.restart_lsn)::bigint AS retained_wal_bytes,
		p.stored_at,
		(SELECT max(e.epoch) FROM dynamo.stream_epoch e) AS epoch,
		(SELECT count(*) FROM dynamo.stream_definition d WHERE d.disabled_at IS NULL) AS streams,
		(SELECT count(*) FROM dynamo.stream_shard h WHERE h.closed_at IS NULL) AS open_shards,
		(SELECT count(*) FROM dynamo.stream_shard h) AS shards,
		(SELECT coalesce(sum(pg_catalog.pg_stat_get_live_tuples(i.inhrelid)), 0)::bigint FROM pg_catalog.pg_inherits i
			WHERE i.inhparent = 'dynamo.stream_record'::regclass) AS records,
		(SELECT coalesce(sum(pg_catalog.pg_total_relation_size(i.inhrelid)), 0)::bigint FROM pg_catalog.pg_inherits i
			WHERE i.inhparent = 'dynamo.stream_record'::regclass) AS record_bytes,
		(SELECT count(*) FROM dynamo.stream_gap) AS gaps,
		(SELECT max(g.found_at) FROM dynamo.stream_gap g) AS last_gap
	FROM (SELECT ('pg_dynamo_' || d.oid)::name AS slot_name FROM pg_catalog.pg_database d
			WHERE d.datname = pg_catalog.current_database()) n
		LEFT JOIN dynamo.stream_position p ON p.slot_name = n.slot_name
		LEFT JOIN pg_catalog.pg_replication_slots s ON s.slot_name = n.slot_name
		LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid;
COMMENT ON VIEW dynamo.stat_streams IS
	'the replication slot of this database''s streams and the worker that reads it: how far behind they are, and what is kept';
COMMENT ON COLUMN dynamo.stat_streams.slot_state IS
	'active: it is being read; inactive: no worker is at it; lost: the server has removed log that it needs; missing: no stream has needed it, or it is to be made anew';
COMMENT ON COLUMN dynamo.stat_streams.lag_bytes IS 'log that was written since the position up to which changes are stored';
COMMENT ON COLUMN dynamo.stat_streams.lag_seconds IS
	'what was in the log so many seconds ago is stored. Needs the rights of pg_read_all_stats';
COMMENT ON COLUMN dynamo.stat_streams.retained_wal_bytes IS 'log that the slot keeps; bounded by max_slot_wal_keep_size';
COMMENT ON COLUMN dynamo.stat_streams.records IS 'stream records that are kept, an estimate';
COMMENT ON COLUMN dynamo.stat_streams.gaps IS 'how often the slot was lost while streams were enabled; see stream_gap';

GRANT SELECT ON dynamo.stream_definition, dynamo.stream_epoch, dynamo.streams TO PUBLIC;
GRANT SELECT ON dynamo.stat_streams TO pg_monitor;
SELECT pg_catalog.pg_extension_config_dump('dynamo.stream_definition', 'WHERE disabled_at IS NULL');
SELECT pg_catalog.pg_extension_config_dump('dynamo.stream_epoch', '');

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
		CASE WHEN l.pid IS NOT NULL AND i.status = 'C' THEN 'initializing'
			WHEN l.pid IS NOT NULL THEN 'backfilling'
			WHEN b.last_error IS NOT NULL THEN 'stopped'
			ELSE 'waiting for a worker' END AS phase,
		greatest(b.items_total, b.items_done) AS items_total,
		coalesce(b.items_done, 0) AS items_done,
		b.started_at, b.last_error, b.retry_at
	FROM (SELECT t.table_name, d.index_name, d.status, d.index_relid AS relation
			FROM dynamo.tables t JOIN dynamo.index_definition d ON d.relid = t.relation) i
		LEFT JOIN dynamo.index_build b ON b.index_relid = i.relation
		LEFT JOIN pg_catalog.pg_locks l ON l.locktype = 'userlock'
			AND l.objsubid = 3548 AND l.classid = i.relation AND l.granted
			AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
				WHERE d.datname = pg_catalog.current_database())
	WHERE i.status <> 'A';
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
-- Time to live
--
-- What the sweep of expired items has done.  Not registered for pg_dump.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.ttl_sweep (
	index_relid regclass PRIMARY KEY
		REFERENCES dynamo.index_definition (index_relid) ON DELETE CASCADE,
	deleted bigint NOT NULL,
	passed_over bigint NOT NULL,
	last_error text,
	last_sweep timestamptz NOT NULL
) WITH (fillfactor = 10);
COMMENT ON TABLE dynamo.ttl_sweep IS
	'one row per table of which expired items were deleted; others see dynamo.stat_ttl';
COMMENT ON COLUMN dynamo.ttl_sweep.index_relid IS 'the index by which they are found';
COMMENT ON COLUMN dynamo.ttl_sweep.deleted IS 'items deleted';
COMMENT ON COLUMN dynamo.ttl_sweep.passed_over IS 'attempts that did not succeed';
COMMENT ON COLUMN dynamo.ttl_sweep.last_error IS 'why the last one of them did not';
COMMENT ON COLUMN dynamo.ttl_sweep.last_sweep IS 'when expired items were found the last time';
REVOKE ALL ON dynamo.ttl_sweep FROM PUBLIC;

CREATE FUNCTION dynamo.expired_items(relation regclass) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ddb_expired_items'
	LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION dynamo.expired_items(regclass) IS
	'how many items of an item table have expired and wait to be deleted; NULL if its time to live is disabled';

CREATE FUNCTION dynamo.expire_items(table_name text DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME', 'ddb_expire_items'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.expire_items(text) IS
	'deletes expired items now, of one table or of all tables that the current user owns, in a transaction of its own; returns how many. For databases other than dynamo.database, where no worker does';

CREATE VIEW dynamo.stat_ttl WITH (security_barrier) AS
	SELECT t.table_name, i.partition_attributes[1] AS attribute,
		CASE i.status WHEN 'A' THEN 'ENABLED' ELSE 'ENABLING' END AS status,
		dynamo.expired_items(t.relation) AS expired,
		coalesce(s.deleted, 0) AS deleted, coalesce(s.passed_over, 0) AS passed_over,
		s.last_error, s.last_sweep
	FROM dynamo.tables t
		JOIN dynamo.index_definition i ON i.relid = t.relation AND i.index_name = '~ttl'
		LEFT JOIN dynamo.ttl_sweep s ON s.index_relid = i.index_relid;
COMMENT ON VIEW dynamo.stat_ttl IS
	'the DynamoDB tables with time to live on which the current user has any privilege, and the deletion of their expired items';
COMMENT ON COLUMN dynamo.stat_ttl.attribute IS 'the attribute that holds the time at which an item expires';
COMMENT ON COLUMN dynamo.stat_ttl.status IS 'ENABLING while the items that were there before are looked through';
COMMENT ON COLUMN dynamo.stat_ttl.expired IS 'items that have expired and are not deleted yet';
COMMENT ON COLUMN dynamo.stat_ttl.deleted IS 'items deleted since time to live was enabled';
COMMENT ON COLUMN dynamo.stat_ttl.passed_over IS 'attempts to delete an item that did not succeed; they are repeated';
COMMENT ON COLUMN dynamo.stat_ttl.last_error IS 'why the last one of them did not';
COMMENT ON COLUMN dynamo.stat_ttl.last_sweep IS 'when expired items were found the last time';
GRANT SELECT ON dynamo.stat_ttl TO PUBLIC;

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

CREATE FUNCTION dynamo.item_refuse_truncate() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_item_refuse_truncate'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.item_refuse_truncate() IS
	'trigger of item tables with a stream: refuses TRUNCATE, which names no items';

CREATE FUNCTION dynamo.index_skip_replicated() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_index_skip_replicated'
	LANGUAGE C;
COMMENT ON FUNCTION dynamo.index_skip_replicated() IS
	'trigger of index tables, transaction_token and metrics, ENABLE REPLICA: passes over rows that logical replication brings, since the subscriber makes its own';

CREATE FUNCTION dynamo.store_write(item dynamo.item, serial bigint) RETURNS dynamo.item
	AS 'MODULE_PATHNAME', 'ddb_store_write'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.store_write(dynamo.item, bigint) IS
	'for statements of the extension: the next item of a row under a conditional write or an update';

CREATE FUNCTION dynamo.store_replace(old dynamo.item, new dynamo.item, serial bigint) RETURNS dynamo.item
	AS 'MODULE_PATHNAME', 'ddb_store_replace'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.store_replace(dynamo.item, dynamo.item, bigint) IS
	'for statements of the extension: the item of a batch that replaces another one';

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
-- Tokens of transactions
-- ----------------------------------------------------------------

-- not for pg_dump: what is remembered is ten minutes old at most
CREATE TABLE dynamo.transaction_token (
	role oid NOT NULL,
	token text COLLATE "C" NOT NULL,
	digest bytea NOT NULL,
	completed_at timestamptz NOT NULL,
	PRIMARY KEY (role, token)
);
CREATE INDEX ON dynamo.transaction_token (completed_at);
COMMENT ON TABLE dynamo.transaction_token IS
	'ClientRequestTokens of transactions done in the last ten minutes, which are not done again';
COMMENT ON COLUMN dynamo.transaction_token.role IS 'who did the transaction: another role''s token is another token';
COMMENT ON COLUMN dynamo.transaction_token.token IS 'ClientRequestToken';
COMMENT ON COLUMN dynamo.transaction_token.digest IS 'SHA-256 of the request, to tell a repetition from another request';
COMMENT ON COLUMN dynamo.transaction_token.completed_at IS 'when the ten minutes began';
REVOKE ALL ON dynamo.transaction_token FROM PUBLIC;

-- subscribers have roles, and transactions, of their own
CREATE TRIGGER transaction_token_replicated BEFORE INSERT OR UPDATE OR DELETE ON dynamo.transaction_token
	FOR EACH ROW EXECUTE FUNCTION dynamo.index_skip_replicated();
ALTER TABLE dynamo.transaction_token ENABLE REPLICA TRIGGER transaction_token_replicated;
COMMENT ON TRIGGER transaction_token_replicated ON dynamo.transaction_token IS
	'tokens are no business of replication';

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
-- Subscriptions
--
-- Not registered for pg_dump: secrets do not belong into dumps, and positions
-- mean nothing elsewhere.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.subscription (
	subscription_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	owner oid NOT NULL,
	relid regclass NOT NULL,
	table_name text COLLATE "C" NOT NULL,
	kind "char" NOT NULL CHECK (kind IN ('F', 'U', 'N')),
	target text NOT NULL,
	options jsonb NOT NULL,
	secret text,
	start_epoch integer NOT NULL,
	start_lsn pg_lsn NOT NULL,
	state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'failed')),
	last_error text,
	last_error_at timestamptz,
	delivered bigint NOT NULL DEFAULT 0,
	failed bigint NOT NULL DEFAULT 0,
	filtered bigint NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dynamo.subscription IS
	'subscriptions, with their secrets: for the owner of the extension; others see dynamo.subscriptions';
COMMENT ON SEQUENCE dynamo.subscription_subscription_id_seq IS 'numbers of subscriptions, by which positions find them';
COMMENT ON COLUMN dynamo.subscription.owner IS 'oid of the role that deliveries run as';
COMMENT ON COLUMN dynamo.subscription.relid IS 'the item table, which may have been dropped since';
COMMENT ON COLUMN dynamo.subscription.kind IS 'what target is: F: a function, U: a URL, N: a channel of NOTIFY';
COMMENT ON COLUMN dynamo.subscription.options IS 'options that differ from their defaults';
COMMENT ON COLUMN dynamo.subscription.secret IS 'with which requests are signed; NULL if they are not';
COMMENT ON COLUMN dynamo.subscription.start_epoch IS 'epoch of start_lsn';
COMMENT ON COLUMN dynamo.subscription.start_lsn IS 'records committed from here on are delivered';
COMMENT ON COLUMN dynamo.subscription.last_error IS 'why it failed';
COMMENT ON COLUMN dynamo.subscription.delivered IS 'records delivered, of shards that are gone';
COMMENT ON COLUMN dynamo.subscription.failed IS 'records given up, of shards that are gone';
COMMENT ON COLUMN dynamo.subscription.filtered IS 'records that no pattern matched, of shards that are gone';
ALTER TABLE dynamo.subscription ALTER COLUMN secret SET STATISTICS 0;

CREATE TABLE dynamo.subscription_position (
	subscription_id integer NOT NULL REFERENCES dynamo.subscription ON DELETE CASCADE,
	shard_no bigint NOT NULL,
	epoch integer NOT NULL,
	commit_lsn pg_lsn NOT NULL,
	ordinal integer NOT NULL,
	retries integer NOT NULL,
	batch_limit integer NOT NULL,
	retry_at timestamptz,
	delivered bigint NOT NULL,
	failed bigint NOT NULL,
	filtered bigint NOT NULL,
	last_error text,
	last_error_at timestamptz,
	PRIMARY KEY (subscription_id, shard_no)
) WITH (fillfactor = 10);
COMMENT ON TABLE dynamo.subscription_position IS
	'how far each shard has been delivered to a subscription; others see dynamo.subscriptions';
COMMENT ON COLUMN dynamo.subscription_position.epoch IS 'with commit_lsn and ordinal: the last record that is done with';
COMMENT ON COLUMN dynamo.subscription_position.retries IS 'failed attempts to deliver the next batch';
COMMENT ON COLUMN dynamo.subscription_position.batch_limit IS 'number of records of that batch; 0 where it is not bounded';
COMMENT ON COLUMN dynamo.subscription_position.retry_at IS 'when it is tried again; NULL: at once';
COMMENT ON COLUMN dynamo.subscription_position.delivered IS 'records delivered';
COMMENT ON COLUMN dynamo.subscription_position.failed IS 'records given up';
COMMENT ON COLUMN dynamo.subscription_position.filtered IS 'records that no pattern matched';
COMMENT ON COLUMN dynamo.subscription_position.last_error IS 'why the last attempt failed that did';
REVOKE ALL ON dynamo.subscription, dynamo.subscription_position FROM PUBLIC;

CREATE VIEW dynamo.subscriptions WITH (security_barrier) AS
	SELECT u.name, r.rolname AS owner, u.table_name,
		CASE u.kind WHEN 'F' THEN 'function:' WHEN 'N' THEN 'notify:' ELSE '' END || u.target AS target,
		u.options, u.secret IS NOT NULL AS signed, u.state,
		u.delivered + coalesce(p.delivered, 0) AS delivered,
		u.failed + coalesce(p.failed, 0) AS failed,
		u.filtered + coalesce(p.filtered, 0) AS filtered,
		coalesce(p.retries, 0) AS retries,
		coalesce(clock_timestamp() - w.since, interval '0') AS lag,
		CASE WHEN p.last_error_at > u.last_error_at OR u.last_error_at IS NULL
			THEN p.last_error ELSE u.last_error END AS last_error,
		greatest(p.last_error_at, u.last_error_at) AS last_error_at,
		u.created_at
	FROM dynamo.subscription u
		LEFT JOIN pg_catalog.pg_roles r ON r.oid = u.owner
		LEFT JOIN LATERAL (
			SELECT sum(p.delivered)::bigint AS delivered, sum(p.failed)::bigint AS failed,
				sum(p.filtered)::bigint AS filtered, max(p.retries) AS retries,
				(pg_catalog.array_agg(p.last_error ORDER BY p.last_error_at DESC NULLS LAST))[1] AS last_error,
				max(p.last_error_at) AS last_error_at
			FROM dynamo.subscription_position p WHERE p.subscription_id = u.subscription_id) p ON true
		LEFT JOIN LATERAL (
			SELECT min(n.written_at) AS since
			FROM dynamo.stream_definition d
				JOIN dynamo.stream_shard s ON s.stream_id = d.stream_id
				LEFT JOIN dynamo.subscription_position p
					ON p.subscription_id = u.subscription_id AND p.shard_no = s.shard_no,
				LATERAL (
					SELECT n.written_at FROM dynamo.stream_record n
					WHERE n.shard_no = s.shard_no AND (n.epoch, n.commit_lsn, n.ordinal) >
						(coalesce(p.epoch, u.start_epoch), coalesce(p.commit_lsn, u.start_lsn),
							coalesce(p.ordinal, -1))
					ORDER BY n.epoch, n.commit_lsn, n.ordinal LIMIT 1) n
			WHERE d.relid = u.relid) w ON true
	WHERE pg_catalog.pg_has_role(u.owner, 'MEMBER');
COMMENT ON VIEW dynamo.subscriptions IS
	'subscriptions of the roles that the current user is a member of';
COMMENT ON COLUMN dynamo.subscriptions.signed IS 'are requests signed with a secret?';
COMMENT ON COLUMN dynamo.subscriptions.state IS 'active; paused by alter_subscription; or failed, until it is enabled again';
COMMENT ON COLUMN dynamo.subscriptions.delivered IS 'records delivered';
COMMENT ON COLUMN dynamo.subscriptions.failed IS 'records given up';
COMMENT ON COLUMN dynamo.subscriptions.filtered IS 'records that no pattern matched';
COMMENT ON COLUMN dynamo.subscriptions.retries IS 'failed attempts to deliver the batch that is next';
COMMENT ON COLUMN dynamo.subscriptions.lag IS 'how long the oldest record has waited that is not done with';
COMMENT ON COLUMN dynamo.subscriptions.last_error IS 'why the last attempt failed that did';
GRANT SELECT ON dynamo.subscriptions TO PUBLIC;

CREATE FUNCTION dynamo.create_subscription(name text, table_name text, target text,
	options jsonb DEFAULT '{}') RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_create_subscription'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_subscription(text, text, text, jsonb) IS
	'delivers the records of a table''s stream to function:schema.name, to a URL, or to notify:channel; as the current user';

CREATE FUNCTION dynamo.alter_subscription(name text, options jsonb DEFAULT NULL,
	enabled boolean DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_alter_subscription'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.alter_subscription(text, jsonb, boolean) IS
	'changes the options of a subscription that are named, pauses it or enables it again';

CREATE FUNCTION dynamo.drop_subscription(name text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_drop_subscription'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.drop_subscription(text) IS
	'drops a subscription; once the transaction has committed nothing is delivered any more';

CREATE FUNCTION dynamo.matches_event_filter(pattern jsonb, record jsonb) RETURNS boolean
	AS 'MODULE_PATHNAME', 'ddb_matches_event_filter'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.matches_event_filter(jsonb, jsonb) IS
	'does a stream record match an event filter pattern, or one of an array of patterns?';

-- ----------------------------------------------------------------
-- Bulk operations
--
-- What bulk puts there are and how far their workers have come.  Not
-- registered for pg_dump: the files are another server's.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.bulk_operation (
	operation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text COLLATE "C" NOT NULL UNIQUE,
	role oid NOT NULL,
	relid oid NOT NULL,
	table_name text COLLATE "C" NOT NULL,
	table_arn text COLLATE "C" NOT NULL,
	table_id text NOT NULL,
	client_token text COLLATE "C",
	request jsonb NOT NULL,
	status text NOT NULL DEFAULT 'IN_PROGRESS' CHECK (status IN
		('IN_PROGRESS', 'COMPLETED', 'COMPLETED_WITH_ERRORS', 'CANCELLING', 'CANCELLED', 'FAILED')),
	started_at timestamptz NOT NULL DEFAULT now(),
	ended_at timestamptz,
	total_bytes bigint,
	processed_bytes bigint NOT NULL DEFAULT 0,
	processed_items bigint NOT NULL DEFAULT 0,
	failed_items bigint NOT NULL DEFAULT 0,
	refused_items bigint NOT NULL DEFAULT 0,
	write_units double precision NOT NULL DEFAULT 0,
	object text COLLATE "C",
	object_position bigint NOT NULL DEFAULT 0,
	object_line bigint NOT NULL DEFAULT 0,
	error_bytes bigint NOT NULL DEFAULT 0,
	refused_bytes bigint NOT NULL DEFAULT 0,
	failures integer NOT NULL DEFAULT 0,
	failure_code text,
	failure_message text,
	retry_at timestamptz
) WITH (fillfactor = 10);
COMMENT ON TABLE dynamo.bulk_operation IS
	'one row per bulk put of the last 90 days; others see dynamo.bulk_operations';
COMMENT ON SEQUENCE dynamo.bulk_operation_operation_id_seq IS 'numbers of bulk operations, in the order in which they were started';
COMMENT ON COLUMN dynamo.bulk_operation.name IS 'last part of its ARN';
COMMENT ON COLUMN dynamo.bulk_operation.role IS 'oid of the role that started it, as which items are put';
COMMENT ON COLUMN dynamo.bulk_operation.relid IS 'the item table, which may have been dropped since';
COMMENT ON COLUMN dynamo.bulk_operation.request IS 'the request that started it';
COMMENT ON COLUMN dynamo.bulk_operation.total_bytes IS 'of the input objects; NULL until they have been listed';
COMMENT ON COLUMN dynamo.bulk_operation.refused_items IS 'items whose condition was false';
COMMENT ON COLUMN dynamo.bulk_operation.object IS 'key of the object that is read, or was read last';
COMMENT ON COLUMN dynamo.bulk_operation.object_position IS 'where its next line begins, in its decompressed bytes';
COMMENT ON COLUMN dynamo.bulk_operation.object_line IS 'lines of it that are done';
COMMENT ON COLUMN dynamo.bulk_operation.error_bytes IS 'length of the output of invalid items';
COMMENT ON COLUMN dynamo.bulk_operation.refused_bytes IS 'length of the output of items whose condition was false';
COMMENT ON COLUMN dynamo.bulk_operation.failures IS 'how often the worker has stopped since its last progress';
COMMENT ON COLUMN dynamo.bulk_operation.failure_message IS 'why it failed, or stopped the last time';
COMMENT ON COLUMN dynamo.bulk_operation.retry_at IS 'when it may go on by itself; infinity after an interruption';
CREATE INDEX ON dynamo.bulk_operation (role, client_token) WHERE client_token IS NOT NULL;
CREATE INDEX ON dynamo.bulk_operation (operation_id) WHERE status IN ('IN_PROGRESS', 'CANCELLING');
REVOKE ALL ON dynamo.bulk_operation FROM PUBLIC;

CREATE VIEW dynamo.bulk_operations WITH (security_barrier) AS
	SELECT o.table_arn || '/bulk-operation/' || o.name AS arn, o.table_name, r.rolname AS role,
		o.status, o.started_at, o.ended_at, o.total_bytes, o.processed_bytes, o.processed_items,
		o.failed_items, o.refused_items, o.write_units, o.failure_code, o.failure_message, o.retry_at
	FROM dynamo.bulk_operation o
		LEFT JOIN pg_catalog.pg_roles r ON r.oid = o.role
		LEFT JOIN pg_catalog.pg_class c ON c.oid = o.relid
	WHERE (r.oid IS NOT NULL AND pg_catalog.pg_has_role(r.oid, 'USAGE'))
		OR (c.oid IS NOT NULL AND pg_catalog.pg_has_role(c.relowner, 'USAGE'));
COMMENT ON VIEW dynamo.bulk_operations IS
	'bulk puts of roles that the current user may act for, and of the tables of these roles';
COMMENT ON COLUMN dynamo.bulk_operations.role IS 'that started it, as which items are put';
COMMENT ON COLUMN dynamo.bulk_operations.total_bytes IS 'of the input objects; NULL until they have been listed';
COMMENT ON COLUMN dynamo.bulk_operations.processed_items IS 'items read, whatever became of them';
COMMENT ON COLUMN dynamo.bulk_operations.failed_items IS 'of them, invalid ones';
COMMENT ON COLUMN dynamo.bulk_operations.refused_items IS 'of them, those whose condition was false';
COMMENT ON COLUMN dynamo.bulk_operations.failure_message IS 'why it failed, or stopped the last time';
COMMENT ON COLUMN dynamo.bulk_operations.retry_at IS
	'when a worker of the HTTP endpoint may resume it; infinity: dynamo.resume_bulk_operations() does';
GRANT SELECT ON dynamo.bulk_operations TO PUBLIC;

-- the lock that a living operation holds is described in op_bulk_worker.c
CREATE VIEW dynamo.stat_progress_bulk_put WITH (security_barrier) AS
	SELECT l.pid, v.arn, v.table_name,
		CASE WHEN l.pid IS NOT NULL AND v.status = 'CANCELLING' THEN 'cancelling'
			WHEN l.pid IS NOT NULL AND v.total_bytes IS NULL THEN 'initializing'
			WHEN l.pid IS NOT NULL THEN 'putting'
			WHEN v.failure_message IS NOT NULL THEN 'stopped'
			ELSE 'waiting for a worker' END AS phase,
		v.total_bytes, v.processed_bytes, o.object, o.object_line, v.processed_items,
		v.failed_items, v.refused_items, v.started_at, v.failure_message AS last_error, v.retry_at
	FROM dynamo.bulk_operations v
		JOIN dynamo.bulk_operation o ON v.arn = o.table_arn || '/bulk-operation/' || o.name
		LEFT JOIN pg_catalog.pg_locks l ON l.locktype = 'userlock' AND l.objsubid = 3549
			AND l.classid::bigint = o.operation_id >> 32
			AND l.objid::bigint = o.operation_id & 4294967295 AND l.granted
			AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d
				WHERE d.datname = pg_catalog.current_database())
	WHERE o.status IN ('IN_PROGRESS', 'CANCELLING');
COMMENT ON VIEW dynamo.stat_progress_bulk_put IS
	'bulk puts under way, with the progress of their workers; those of dynamo.bulk_operations';
COMMENT ON COLUMN dynamo.stat_progress_bulk_put.pid IS 'process id of the background worker; NULL if none is at work';
COMMENT ON COLUMN dynamo.stat_progress_bulk_put.phase IS
	'initializing, putting, cancelling, waiting for a worker, or stopped by what last_error says';
COMMENT ON COLUMN dynamo.stat_progress_bulk_put.object IS 'key of the object that is read, or was read last';
COMMENT ON COLUMN dynamo.stat_progress_bulk_put.object_line IS 'lines of it that are done';
COMMENT ON COLUMN dynamo.stat_progress_bulk_put.retry_at IS
	'when a worker of the HTTP endpoint may resume it; infinity: dynamo.resume_bulk_operations() does';
GRANT SELECT ON dynamo.stat_progress_bulk_put TO PUBLIC;

CREATE FUNCTION dynamo.resume_bulk_operations() RETURNS integer
	AS 'MODULE_PATHNAME', 'ddb_resume_bulk_operations'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.resume_bulk_operations() IS
	'starts workers for bulk operations that have none, of those that the current user may see; returns how many';

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
	created_at timestamptz NOT NULL DEFAULT now(),
	claims jsonb CHECK (pg_catalog.jsonb_typeof(claims) = 'object')
);
COMMENT ON TABLE dynamo.access_key IS
	'access keys of the HTTP endpoint, with their secrets: for the owner of the extension; others see dynamo.access_keys';
COMMENT ON COLUMN dynamo.access_key.access_key_id IS 'AWS_ACCESS_KEY_ID of a client';
COMMENT ON COLUMN dynamo.access_key.role IS 'whom requests signed with this key run as';
COMMENT ON COLUMN dynamo.access_key.secret_access_key IS 'AWS_SECRET_ACCESS_KEY of a client';
COMMENT ON COLUMN dynamo.access_key.session_token IS 'AWS_SESSION_TOKEN of a client; NULL for a key that does not expire';
COMMENT ON COLUMN dynamo.access_key.expires_at IS 'when the session token expires; NULL for a key that does not';
COMMENT ON COLUMN dynamo.access_key.status IS 'Active or Inactive';
COMMENT ON COLUMN dynamo.access_key.claims IS 'what policies can ask about the holder of a session token: condition keys and their values; NULL for none';
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
	'trigger of dynamo.access_key: tells every session that keys have changed, and deletes the policies of those that are gone';
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
	claims jsonb DEFAULT NULL, OUT access_key_id text, OUT secret_access_key text, OUT session_token text,
	OUT expires_at timestamptz)
	AS 'MODULE_PATHNAME', 'ddb_create_session_token'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.create_session_token(regrole, interval, jsonb) IS
	'makes an access key that expires, with the session token that its requests must carry; 15 minutes to 36 hours. Claims are condition keys and their values, for policies to ask about and to use as variables';

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
	'makes another access key for the same role, with the same policies, and the old one inactive';

CREATE FUNCTION dynamo.delete_access_key(access_key_id text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_delete_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_access_key(text) IS
	'deletes an access key with its policies';

CREATE FUNCTION dynamo.export_access_keys()
	RETURNS TABLE (access_key_id text, role text, secret_access_key text, session_token text,
		expires_at timestamptz, status text, created_at timestamptz, claims jsonb, policies jsonb)
	AS 'MODULE_PATHNAME', 'ddb_export_access_keys'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.export_access_keys() IS
	'all access keys with their secrets, the names of their roles and their policies, for the owner of the extension';

CREATE FUNCTION dynamo.import_access_key(access_key_id text, role text, secret_access_key text,
	session_token text DEFAULT NULL, expires_at timestamptz DEFAULT NULL,
	status text DEFAULT 'Active', created_at timestamptz DEFAULT NULL,
	claims jsonb DEFAULT NULL, policies jsonb DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_import_access_key'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.import_access_key(text, text, text, text, timestamptz, text, timestamptz, jsonb, jsonb) IS
	'creates an access key from a row of export_access_keys';

-- a DBA grants them
REVOKE EXECUTE ON FUNCTION
	dynamo.create_access_key(regrole),
	dynamo.create_access_key(regrole, text, text),
	dynamo.create_session_token(regrole, interval, jsonb),
	dynamo.disable_access_key(text),
	dynamo.enable_access_key(text),
	dynamo.rotate_access_key(text),
	dynamo.delete_access_key(text),
	dynamo.export_access_keys(),
	dynamo.import_access_key(text, text, text, text, timestamptz, text, timestamptz, jsonb, jsonb)
	FROM PUBLIC;

-- ----------------------------------------------------------------
-- Throughput
-- ----------------------------------------------------------------

-- The owner of the table, nobody else, may call it for it.
CREATE FUNCTION dynamo.set_throttling(table_name text, throttling boolean) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_set_throttling'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.set_throttling(text, boolean) IS
	'whether requests beyond a table''s throughput are refused; null for what dynamo.throttling says';

-- ----------------------------------------------------------------
-- Metrics
--
-- What was counted in a period, as the worker of dynamo.database has read it
-- from shared memory.  Not registered for pg_dump: what was consumed here was
-- not consumed elsewhere.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.metric (
	relid regclass NOT NULL,
	period_start timestamptz NOT NULL,
	period integer NOT NULL,
	consumed_read double precision NOT NULL,
	consumed_write double precision NOT NULL,
	provisioned_read bigint,
	provisioned_write bigint,
	read_throttle_events bigint NOT NULL,
	write_throttle_events bigint NOT NULL,
	conditional_failures bigint NOT NULL,
	transaction_conflicts bigint NOT NULL,
	PRIMARY KEY (relid, period_start)
);
CREATE INDEX ON dynamo.metric (period_start);
COMMENT ON TABLE dynamo.metric IS
	'one row per period and item table or global index that was used in it, or whose throughput was changed; others see dynamo.metrics';
COMMENT ON COLUMN dynamo.metric.relid IS 'the item table or index table';
COMMENT ON COLUMN dynamo.metric.period_start IS 'when the period began';
COMMENT ON COLUMN dynamo.metric.period IS 'its length in seconds';
COMMENT ON COLUMN dynamo.metric.consumed_read IS 'read capacity units consumed';
COMMENT ON COLUMN dynamo.metric.consumed_write IS 'write capacity units consumed';
COMMENT ON COLUMN dynamo.metric.provisioned_read IS 'read capacity units a second at its end; NULL on demand';
COMMENT ON COLUMN dynamo.metric.provisioned_write IS 'write capacity units a second at its end; NULL on demand';
COMMENT ON COLUMN dynamo.metric.read_throttle_events IS 'reads that were throttled';
COMMENT ON COLUMN dynamo.metric.write_throttle_events IS 'writes that were throttled';
COMMENT ON COLUMN dynamo.metric.conditional_failures IS 'writes whose condition was false';
COMMENT ON COLUMN dynamo.metric.transaction_conflicts IS 'item requests that met a transaction in progress';

CREATE TABLE dynamo.metric_operation (
	relid regclass NOT NULL,
	period_start timestamptz NOT NULL,
	period integer NOT NULL,
	operation text COLLATE "C" NOT NULL,
	requests bigint NOT NULL,
	latency_sum bigint NOT NULL,
	latency_max bigint NOT NULL,
	returned bigint NOT NULL,
	throttled bigint NOT NULL,
	failed bigint NOT NULL,
	PRIMARY KEY (relid, period_start, operation)
);
CREATE INDEX ON dynamo.metric_operation (period_start);
COMMENT ON TABLE dynamo.metric_operation IS
	'one row per period, item table and operation that was asked for in it; others see dynamo.metrics';
COMMENT ON COLUMN dynamo.metric_operation.relid IS 'the item table';
COMMENT ON COLUMN dynamo.metric_operation.period_start IS 'when the period began';
COMMENT ON COLUMN dynamo.metric_operation.period IS 'its length in seconds';
COMMENT ON COLUMN dynamo.metric_operation.operation IS 'name of the operation';
COMMENT ON COLUMN dynamo.metric_operation.requests IS 'requests that succeeded';
COMMENT ON COLUMN dynamo.metric_operation.latency_sum IS 'microseconds that they took';
COMMENT ON COLUMN dynamo.metric_operation.latency_max IS 'microseconds that the slowest of them took';
COMMENT ON COLUMN dynamo.metric_operation.returned IS 'items returned';
COMMENT ON COLUMN dynamo.metric_operation.throttled IS 'requests answered with a throttling error';
COMMENT ON COLUMN dynamo.metric_operation.failed IS 'requests answered with a server error';
REVOKE ALL ON dynamo.metric, dynamo.metric_operation FROM PUBLIC;

-- subscribers have metrics of their own
CREATE TRIGGER metric_replicated BEFORE INSERT OR UPDATE OR DELETE ON dynamo.metric
	FOR EACH ROW EXECUTE FUNCTION dynamo.index_skip_replicated();
ALTER TABLE dynamo.metric ENABLE REPLICA TRIGGER metric_replicated;
COMMENT ON TRIGGER metric_replicated ON dynamo.metric IS
	'metrics are no business of replication';
CREATE TRIGGER metric_operation_replicated BEFORE INSERT OR UPDATE OR DELETE ON dynamo.metric_operation
	FOR EACH ROW EXECUTE FUNCTION dynamo.index_skip_replicated();
ALTER TABLE dynamo.metric_operation ENABLE REPLICA TRIGGER metric_operation_replicated;
COMMENT ON TRIGGER metric_operation_replicated ON dynamo.metric_operation IS
	'metrics are no business of replication';

CREATE VIEW dynamo.metrics WITH (security_barrier) AS
	SELECT p.metric_name, p."timestamp", p.period, t.table_name, r.index_name, p.operation,
		p.sample_count, p.sum, p.minimum, p.maximum, p.average, p.unit
	FROM dynamo.tables t
		CROSS JOIN LATERAL (
			SELECT t.relation AS relid, NULL AS index_name
			UNION ALL
			SELECT i.index_relid, i.index_name FROM dynamo.index_definition i
			WHERE i.relid = t.relation AND i.is_global) r
		CROSS JOIN LATERAL (
			SELECT v.metric_name, m.period_start AS "timestamp", m.period, NULL AS operation,
				v.sample_count, v.sum, v.value AS minimum, v.value AS maximum, v.value AS average,
				'Count' AS unit
			FROM dynamo.metric m CROSS JOIN LATERAL (VALUES
				('ConsumedReadCapacityUnits', NULL::bigint, m.consumed_read, NULL::double precision),
				('ConsumedWriteCapacityUnits', NULL, m.consumed_write, NULL),
				('ProvisionedReadCapacityUnits', 1, m.provisioned_read, m.provisioned_read),
				('ProvisionedWriteCapacityUnits', 1, m.provisioned_write, m.provisioned_write),
				('ReadThrottleEvents', m.read_throttle_events, nullif(m.read_throttle_events, 0), 1),
				('WriteThrottleEvents', m.write_throttle_events, nullif(m.write_throttle_events, 0), 1),
				('ConditionalCheckFailedRequests', m.conditional_failures, nullif(m.conditional_failures, 0), 1),
				('TransactionConflict', m.transaction_conflicts, nullif(m.transaction_conflicts, 0), 1)
			) v (metric_name, sample_count, sum, value)
			WHERE m.relid = r.relid AND v.sum IS NOT NULL
			UNION ALL
			SELECT v.metric_name, o.period_start, o.period, o.operation,
				v.sample_count, v.sum, v.minimum, v.maximum, v.sum / v.sample_count, v.unit
			FROM dynamo.metric_operation o CROSS JOIN LATERAL (VALUES
				('SuccessfulRequestLatency', nullif(o.requests, 0), o.latency_sum / 1000.0::double precision,
					NULL::double precision, o.latency_max / 1000.0::double precision, 'Milliseconds'),
				(CASE o.operation WHEN 'GetRecords' THEN 'ReturnedRecordsCount' ELSE 'ReturnedItemCount' END,
					CASE WHEN o.returned > 0 OR o.operation IN ('Query', 'Scan', 'GetRecords')
						THEN nullif(o.requests, 0) END, o.returned, NULL, NULL, 'Count'),
				('ThrottledRequests', nullif(o.throttled, 0), o.throttled, 1, 1, 'Count'),
				('SystemErrors', nullif(o.failed, 0), o.failed, 1, 1, 'Count')
			) v (metric_name, sample_count, sum, minimum, maximum, unit)
			WHERE o.relid = r.relid AND v.sample_count IS NOT NULL
		) p;
COMMENT ON VIEW dynamo.metrics IS
	'what was counted in each period, as CloudWatch shows it, for the DynamoDB tables on which the current user has any privilege; stored in dynamo.database';
COMMENT ON COLUMN dynamo.metrics.metric_name IS 'as in CloudWatch';
COMMENT ON COLUMN dynamo.metrics."timestamp" IS 'when the period began';
COMMENT ON COLUMN dynamo.metrics.period IS 'its length in seconds, see dynamo.metrics_period';
COMMENT ON COLUMN dynamo.metrics.index_name IS 'the global index; NULL for the table';
COMMENT ON COLUMN dynamo.metrics.operation IS 'the operation; NULL where a metric has none';
COMMENT ON COLUMN dynamo.metrics.sample_count IS 'requests or events that were counted; NULL for consumed units';
COMMENT ON COLUMN dynamo.metrics.sum IS 'their sum; a period without a row for a table had nothing to count';
COMMENT ON COLUMN dynamo.metrics.minimum IS 'NULL where it is not known';
COMMENT ON COLUMN dynamo.metrics.maximum IS 'NULL where it is not known';
COMMENT ON COLUMN dynamo.metrics.average IS 'NULL where it is not known';
COMMENT ON COLUMN dynamo.metrics.unit IS 'Count or Milliseconds';

CREATE FUNCTION dynamo.stat_get_tables(OUT table_name text, OUT index_name text,
	OUT consumed_read_units double precision, OUT provisioned_read_units bigint,
	OUT read_throttle_events bigint, OUT read_seconds_left double precision,
	OUT consumed_write_units double precision, OUT provisioned_write_units bigint,
	OUT write_throttle_events bigint, OUT write_seconds_left double precision,
	OUT requests bigint, OUT throttled_requests bigint, OUT system_errors bigint,
	OUT returned_items bigint, OUT mean_ms double precision,
	OUT conditional_check_failed_requests bigint, OUT transaction_conflicts bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_stat_get_tables'
	LANGUAGE C STABLE STRICT ROWS 20;
COMMENT ON FUNCTION dynamo.stat_get_tables() IS
	'for dynamo.stat_tables: counters per table and global index';

CREATE VIEW dynamo.stat_tables AS
	SELECT table_name, index_name, consumed_read_units, provisioned_read_units,
		read_throttle_events, read_seconds_left, consumed_write_units, provisioned_write_units,
		write_throttle_events, write_seconds_left, requests, throttled_requests, system_errors,
		returned_items, mean_ms, conditional_check_failed_requests, transaction_conflicts
	FROM dynamo.stat_get_tables();
COMMENT ON VIEW dynamo.stat_tables IS
	'what the API did since the server started, per table and global index that was used, where the current user has any privilege on the table';
COMMENT ON COLUMN dynamo.stat_tables.index_name IS 'the global index; NULL for the table';
COMMENT ON COLUMN dynamo.stat_tables.consumed_read_units IS 'read capacity units consumed';
COMMENT ON COLUMN dynamo.stat_tables.provisioned_read_units IS 'read capacity units a second; NULL on demand';
COMMENT ON COLUMN dynamo.stat_tables.read_throttle_events IS 'reads that were throttled';
COMMENT ON COLUMN dynamo.stat_tables.read_seconds_left IS 'unused seconds of the provisioned rate that are saved up, 300 at most, where throttling is on; below 0 reads are throttled until it is paid back';
COMMENT ON COLUMN dynamo.stat_tables.consumed_write_units IS 'write capacity units consumed';
COMMENT ON COLUMN dynamo.stat_tables.provisioned_write_units IS 'write capacity units a second; NULL on demand';
COMMENT ON COLUMN dynamo.stat_tables.write_throttle_events IS 'writes that were throttled';
COMMENT ON COLUMN dynamo.stat_tables.write_seconds_left IS 'the same for writes';
COMMENT ON COLUMN dynamo.stat_tables.requests IS 'requests answered without an error; of tables';
COMMENT ON COLUMN dynamo.stat_tables.throttled_requests IS 'requests answered with a throttling error; of tables';
COMMENT ON COLUMN dynamo.stat_tables.system_errors IS 'requests answered with a server error; of tables';
COMMENT ON COLUMN dynamo.stat_tables.returned_items IS 'items returned; of tables';
COMMENT ON COLUMN dynamo.stat_tables.mean_ms IS 'mean time of requests answered without an error, in milliseconds; NULL without any';
COMMENT ON COLUMN dynamo.stat_tables.conditional_check_failed_requests IS 'writes whose condition was false';
COMMENT ON COLUMN dynamo.stat_tables.transaction_conflicts IS 'item requests that met a transaction in progress';
GRANT SELECT ON dynamo.metrics, dynamo.stat_tables TO PUBLIC;

-- ----------------------------------------------------------------
-- Auto scaling
--
-- Registered for pg_dump, and therefore readable by everyone; what was done is
-- not.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.scalable_target (
	resource regclass NOT NULL,
	dimension "char" NOT NULL CHECK (dimension IN ('R', 'W')),
	relid regclass NOT NULL,
	min_capacity bigint NOT NULL CHECK (min_capacity >= 1),
	max_capacity bigint NOT NULL,
	suspended boolean NOT NULL,
	role_arn text,
	policy_name text,
	target_value double precision,
	scale_in_cooldown integer,
	scale_out_cooldown integer,
	disable_scale_in boolean,
	PRIMARY KEY (resource, dimension),
	CHECK (max_capacity >= min_capacity),
	CHECK (num_nulls(policy_name, target_value, scale_in_cooldown, scale_out_cooldown, disable_scale_in) IN (0, 5))
);
CREATE INDEX scalable_target_relid_idx ON dynamo.scalable_target (relid);
COMMENT ON TABLE dynamo.scalable_target IS
	'provisioned capacity that is scaled automatically, and how; written by the functions of auto scaling';
COMMENT ON COLUMN dynamo.scalable_target.resource IS 'the item table, or the index table of a global secondary index';
COMMENT ON COLUMN dynamo.scalable_target.dimension IS 'R: read capacity units, W: write capacity units';
COMMENT ON COLUMN dynamo.scalable_target.relid IS 'the item table';
COMMENT ON COLUMN dynamo.scalable_target.min_capacity IS 'at least so many units a second';
COMMENT ON COLUMN dynamo.scalable_target.max_capacity IS 'at most so many units a second';
COMMENT ON COLUMN dynamo.scalable_target.suspended IS 'capacity is left alone for now';
COMMENT ON COLUMN dynamo.scalable_target.role_arn IS 'AutoScalingRoleArn as given; it has no effect';
COMMENT ON COLUMN dynamo.scalable_target.policy_name IS 'name of the target tracking policy; NULL, as the columns after it, if there is none';
COMMENT ON COLUMN dynamo.scalable_target.target_value IS 'how much of the provisioned capacity shall be consumed, in percent';
COMMENT ON COLUMN dynamo.scalable_target.scale_in_cooldown IS 'seconds from a decrease to the next';
COMMENT ON COLUMN dynamo.scalable_target.scale_out_cooldown IS 'seconds from an increase to the next';
COMMENT ON COLUMN dynamo.scalable_target.disable_scale_in IS 'the policy only increases capacity';
GRANT SELECT ON dynamo.scalable_target TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dynamo.scalable_target', '');

CREATE TABLE dynamo.scaling_activity (
	activity_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	resource regclass NOT NULL,
	dimension "char" NOT NULL CHECK (dimension IN ('R', 'W')),
	relid regclass NOT NULL,
	start_time timestamptz NOT NULL,
	end_time timestamptz NOT NULL DEFAULT clock_timestamp(),
	from_capacity bigint NOT NULL,
	to_capacity bigint NOT NULL,
	successful boolean NOT NULL,
	cause text NOT NULL,
	message text NOT NULL
);
CREATE INDEX scaling_activity_resource_idx ON dynamo.scaling_activity (resource, dimension, activity_id);
COMMENT ON SEQUENCE dynamo.scaling_activity_activity_id_seq IS 'numbers of scaling activities, in the order in which they were noted';
COMMENT ON TABLE dynamo.scaling_activity IS
	'the last hundred changes of each scalable target, and attempts; others see dynamo.scaling_activities';
COMMENT ON COLUMN dynamo.scaling_activity.resource IS 'the item table, or the index table of a global secondary index';
COMMENT ON COLUMN dynamo.scaling_activity.dimension IS 'R: read capacity units, W: write capacity units';
COMMENT ON COLUMN dynamo.scaling_activity.relid IS 'the item table';
COMMENT ON COLUMN dynamo.scaling_activity.from_capacity IS 'units a second before';
COMMENT ON COLUMN dynamo.scaling_activity.to_capacity IS 'units a second wanted';
COMMENT ON COLUMN dynamo.scaling_activity.successful IS 'false: nothing was changed';
COMMENT ON COLUMN dynamo.scaling_activity.cause IS 'why';
COMMENT ON COLUMN dynamo.scaling_activity.message IS 'how it went';
REVOKE ALL ON dynamo.scaling_activity FROM PUBLIC;

CREATE VIEW dynamo.scalable_targets WITH (security_barrier) AS
	SELECT t.table_name, i.index_name,
		'dynamodb:' || CASE WHEN i.index_name IS NULL THEN 'table' ELSE 'index' END
			|| CASE s.dimension WHEN 'R' THEN ':ReadCapacityUnits' ELSE ':WriteCapacityUnits' END AS scalable_dimension,
		s.min_capacity, s.max_capacity, s.suspended,
		(coalesce(i.settings, t.settings)
			->> CASE s.dimension WHEN 'R' THEN 'ReadCapacityUnits' ELSE 'WriteCapacityUnits' END)::bigint AS capacity
	FROM dynamo.tables t JOIN dynamo.scalable_target s ON s.relid = t.relation
		LEFT JOIN dynamo.index_definition i ON i.index_relid = s.resource;
COMMENT ON VIEW dynamo.scalable_targets IS
	'capacity that is scaled automatically, of the DynamoDB tables on which the current user has any privilege';
COMMENT ON COLUMN dynamo.scalable_targets.index_name IS 'NULL for the table itself';
COMMENT ON COLUMN dynamo.scalable_targets.scalable_dimension IS 'as Application Auto Scaling names it, e.g. dynamodb:table:ReadCapacityUnits';
COMMENT ON COLUMN dynamo.scalable_targets.min_capacity IS 'at least so many units a second';
COMMENT ON COLUMN dynamo.scalable_targets.max_capacity IS 'at most so many units a second';
COMMENT ON COLUMN dynamo.scalable_targets.suspended IS 'capacity is left alone for now';
COMMENT ON COLUMN dynamo.scalable_targets.capacity IS 'what is provisioned now; NULL while the table is on demand, when nothing is scaled';

CREATE VIEW dynamo.scaling_policies WITH (security_barrier) AS
	SELECT t.table_name, i.index_name,
		'dynamodb:' || CASE WHEN i.index_name IS NULL THEN 'table' ELSE 'index' END
			|| CASE s.dimension WHEN 'R' THEN ':ReadCapacityUnits' ELSE ':WriteCapacityUnits' END AS scalable_dimension,
		s.policy_name, s.target_value, s.scale_in_cooldown, s.scale_out_cooldown, s.disable_scale_in
	FROM dynamo.tables t JOIN dynamo.scalable_target s ON s.relid = t.relation
		LEFT JOIN dynamo.index_definition i ON i.index_relid = s.resource
	WHERE s.policy_name IS NOT NULL;
COMMENT ON VIEW dynamo.scaling_policies IS
	'target tracking policies of the DynamoDB tables on which the current user has any privilege';
COMMENT ON COLUMN dynamo.scaling_policies.index_name IS 'NULL for the table itself';
COMMENT ON COLUMN dynamo.scaling_policies.scalable_dimension IS 'as Application Auto Scaling names it, e.g. dynamodb:table:ReadCapacityUnits';
COMMENT ON COLUMN dynamo.scaling_policies.target_value IS 'how much of the provisioned capacity shall be consumed, in percent';
COMMENT ON COLUMN dynamo.scaling_policies.scale_in_cooldown IS 'seconds from a decrease to the next';
COMMENT ON COLUMN dynamo.scaling_policies.scale_out_cooldown IS 'seconds from an increase to the next';
COMMENT ON COLUMN dynamo.scaling_policies.disable_scale_in IS 'the policy only increases capacity';

CREATE VIEW dynamo.scaling_activities WITH (security_barrier) AS
	SELECT a.activity_id, t.table_name, i.index_name,
		'dynamodb:' || CASE WHEN i.index_name IS NULL THEN 'table' ELSE 'index' END
			|| CASE a.dimension WHEN 'R' THEN ':ReadCapacityUnits' ELSE ':WriteCapacityUnits' END AS scalable_dimension,
		a.start_time, a.end_time, a.from_capacity, a.to_capacity, a.cause,
		CASE WHEN a.successful THEN 'Successful' ELSE 'Failed' END AS status, a.message
	FROM dynamo.tables t JOIN dynamo.scaling_activity a ON a.relid = t.relation
		LEFT JOIN dynamo.index_definition i ON i.index_relid = a.resource;
COMMENT ON VIEW dynamo.scaling_activities IS
	'what auto scaling did to the DynamoDB tables on which the current user has any privilege: the last hundred changes of each target, and attempts';
COMMENT ON COLUMN dynamo.scaling_activities.activity_id IS 'grows with time';
COMMENT ON COLUMN dynamo.scaling_activities.index_name IS 'NULL for the table itself';
COMMENT ON COLUMN dynamo.scaling_activities.scalable_dimension IS 'as Application Auto Scaling names it, e.g. dynamodb:table:ReadCapacityUnits';
COMMENT ON COLUMN dynamo.scaling_activities.from_capacity IS 'units a second before';
COMMENT ON COLUMN dynamo.scaling_activities.to_capacity IS 'units a second wanted';
COMMENT ON COLUMN dynamo.scaling_activities.cause IS 'why';
COMMENT ON COLUMN dynamo.scaling_activities.status IS 'Successful, or Failed: nothing was changed';
COMMENT ON COLUMN dynamo.scaling_activities.message IS 'how it went';

GRANT SELECT ON dynamo.scalable_targets, dynamo.scaling_policies, dynamo.scaling_activities TO PUBLIC;

CREATE FUNCTION dynamo.register_scalable_target(table_name text, scalable_dimension text,
	min_capacity bigint, max_capacity bigint, index_name text DEFAULT NULL,
	suspended boolean DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_register_scalable_target'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.register_scalable_target(text, text, bigint, bigint, text, boolean) IS
	'keeps the read or write capacity of a table, or of its global secondary index, between two bounds, for the table''s owner; of a target that is registered, what is NULL stays as it is';

CREATE FUNCTION dynamo.deregister_scalable_target(table_name text, scalable_dimension text,
	index_name text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_deregister_scalable_target'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.deregister_scalable_target(text, text, text) IS
	'ends the automatic scaling of a capacity, and its policy, for the table''s owner';

CREATE FUNCTION dynamo.put_scaling_policy(table_name text, scalable_dimension text,
	target_value double precision, scale_in_cooldown integer DEFAULT 0,
	scale_out_cooldown integer DEFAULT 0, disable_scale_in boolean DEFAULT false,
	index_name text DEFAULT NULL, policy_name text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_put_scaling_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.put_scaling_policy(text, text, double precision, integer, integer, boolean, text, text) IS
	'has a registered capacity follow what is consumed of it: target_value percent of it, 20 to 90; in place of the policy that was there; for the table''s owner';

CREATE FUNCTION dynamo.delete_scaling_policy(table_name text, scalable_dimension text,
	index_name text DEFAULT NULL, policy_name text DEFAULT NULL) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_delete_scaling_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_scaling_policy(text, text, text, text) IS
	'ends a policy; the capacity keeps its bounds; for the table''s owner';

-- ----------------------------------------------------------------
-- Contributor Insights
-- ----------------------------------------------------------------

CREATE FUNCTION dynamo.stat_get_contributor_insights(
		OUT table_name text, OUT index_name text, OUT rule text,
		OUT window_start timestamptz, OUT window_end timestamptz,
		OUT partition_key text, OUT sort_key text,
		OUT count double precision, OUT error double precision, OUT share double precision)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_stat_get_contributor_insights'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.stat_get_contributor_insights() IS
	'the keys that Contributor Insights has counted most, of the tables that the current user may read whole; see dynamo.contributor_insights';

CREATE VIEW dynamo.contributor_insights WITH (security_barrier) AS
	SELECT table_name, index_name, rule, window_start, window_end, partition_key, sort_key,
		count, error, share
	FROM dynamo.stat_get_contributor_insights();
COMMENT ON VIEW dynamo.contributor_insights IS
	'the keys that are accessed and throttled most in this hour and the last, by table and index for which Contributor Insights is enabled and whose table the current user may read, all of its rows; counted since the server started, in a bounded number of counters';
COMMENT ON COLUMN dynamo.contributor_insights.index_name IS 'NULL for keys of the table itself';
COMMENT ON COLUMN dynamo.contributor_insights.rule IS
	'PKC: partition keys accessed, SKC: partition and sort keys accessed, PKT and SKT: the same for throttled requests';
COMMENT ON COLUMN dynamo.contributor_insights.window_start IS 'keys are counted by the hour, in UTC';
COMMENT ON COLUMN dynamo.contributor_insights.partition_key IS
	'value of the key attribute, a JSON array of the values if it has several; what is too long ends in three dots';
COMMENT ON COLUMN dynamo.contributor_insights.sort_key IS 'the same; NULL for PKC and PKT';
COMMENT ON COLUMN dynamo.contributor_insights.count IS
	'capacity units consumed, for throttled keys requests; at most "error" too high, and never too low';
COMMENT ON COLUMN dynamo.contributor_insights.error IS 'what may have been counted for other keys';
COMMENT ON COLUMN dynamo.contributor_insights.share IS 'of all that the rule has counted in that hour';
GRANT SELECT ON dynamo.contributor_insights TO PUBLIC;

-- ----------------------------------------------------------------
-- Identity policies and resource policies
--
-- Policies of roles and of item tables are part of a dump: a restored database
-- without them would allow what is denied here.  A dump must be able to read
-- them, whoever makes it, so they are as public as the server's own rules of
-- access; they hold no secrets.  Policies of access keys travel with the keys
-- (export_access_keys); those of streams end with the streams, which begin anew
-- after a restore.
--
-- In a dump a role has its name.  A row whose role the restoring cluster does
-- not have is an error there, and never becomes another role's; therefore a
-- row whose role is gone already, which would come as a number, is not dumped.
-- ----------------------------------------------------------------

CREATE TABLE dynamo.identity_policy (
	role regrole NOT NULL,
	policy_name text COLLATE "C" NOT NULL CHECK (policy_name OPERATOR(pg_catalog.~) '^[A-Za-z0-9_+=,.@-]{1,128}$'),
	document text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (role, policy_name)
);
COMMENT ON TABLE dynamo.identity_policy IS
	'policies attached to roles: what their members may do through the API';
COMMENT ON COLUMN dynamo.identity_policy.role IS 'for whose calls, and those of its members, the policy holds';
COMMENT ON COLUMN dynamo.identity_policy.policy_name IS 'PolicyName of IAM';
COMMENT ON COLUMN dynamo.identity_policy.document IS 'policy document of IAM, without Principal';

CREATE TABLE dynamo.access_key_policy (
	access_key_id text COLLATE "C" NOT NULL,
	policy_name text COLLATE "C" NOT NULL CHECK (policy_name OPERATOR(pg_catalog.~) '^[A-Za-z0-9_+=,.@-]{1,128}$'),
	document text NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	changed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (access_key_id, policy_name)
);
COMMENT ON TABLE dynamo.access_key_policy IS
	'policies attached to access keys: what requests signed with them may do';
COMMENT ON COLUMN dynamo.access_key_policy.access_key_id IS 'for whose requests the policy holds';
COMMENT ON COLUMN dynamo.access_key_policy.policy_name IS 'PolicyName of IAM';
COMMENT ON COLUMN dynamo.access_key_policy.document IS 'policy document of IAM, without Principal';
REVOKE ALL ON dynamo.access_key_policy FROM PUBLIC;

CREATE TABLE dynamo.resource_policy (
	relid regclass NOT NULL,
	stream_label text COLLATE "C" NOT NULL DEFAULT '',
	document text NOT NULL,
	revision_id text COLLATE "C" NOT NULL,
	changed_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (relid, stream_label)
);
COMMENT ON TABLE dynamo.resource_policy IS
	'policies of item tables and their streams: who may do what with them through the API';
COMMENT ON COLUMN dynamo.resource_policy.relid IS 'the item table';
COMMENT ON COLUMN dynamo.resource_policy.stream_label IS 'StreamLabel of the stream that the policy is for; empty for the table';
COMMENT ON COLUMN dynamo.resource_policy.document IS 'policy document of IAM, with Principal';
COMMENT ON COLUMN dynamo.resource_policy.revision_id IS 'RevisionId of the API';

GRANT SELECT ON dynamo.identity_policy, dynamo.resource_policy TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('dynamo.identity_policy',
	'WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = role)');
SELECT pg_catalog.pg_extension_config_dump('dynamo.resource_policy',
	'WHERE stream_label = '''' AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relid)');

CREATE FUNCTION dynamo.policy_row() RETURNS trigger
	AS 'MODULE_PATHNAME', 'ddb_policy_row' LANGUAGE C;
COMMENT ON FUNCTION dynamo.policy_row() IS
	'trigger of the tables of policies: refuses what is no policy, skips what logical replication brings, tells every session that policies have changed';
CREATE TRIGGER policy_row BEFORE INSERT OR UPDATE OR DELETE ON dynamo.identity_policy
	FOR EACH ROW EXECUTE FUNCTION dynamo.policy_row();
CREATE TRIGGER policy_row BEFORE INSERT OR UPDATE OR DELETE ON dynamo.access_key_policy
	FOR EACH ROW EXECUTE FUNCTION dynamo.policy_row();
CREATE TRIGGER policy_row BEFORE INSERT OR UPDATE OR DELETE ON dynamo.resource_policy
	FOR EACH ROW EXECUTE FUNCTION dynamo.policy_row();
ALTER TABLE dynamo.identity_policy ENABLE ALWAYS TRIGGER policy_row;
ALTER TABLE dynamo.access_key_policy ENABLE ALWAYS TRIGGER policy_row;
ALTER TABLE dynamo.resource_policy ENABLE ALWAYS TRIGGER policy_row;
COMMENT ON TRIGGER policy_row ON dynamo.identity_policy IS
	'what is stored is a policy, and in force with the next request';
COMMENT ON TRIGGER policy_row ON dynamo.access_key_policy IS
	'what is stored is a policy, and in force with the next request';
COMMENT ON TRIGGER policy_row ON dynamo.resource_policy IS
	'what is stored is a policy, and in force with the next request';

CREATE FUNCTION dynamo.put_role_policy(role regrole, policy_name text, policy text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_put_role_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.put_role_policy(regrole, text, text) IS
	'attaches a policy to a role, in place of its policy of that name: it holds for the role and its members';

CREATE FUNCTION dynamo.delete_role_policy(role regrole, policy_name text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_delete_role_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_role_policy(regrole, text) IS
	'deletes a policy of a role';

CREATE FUNCTION dynamo.put_access_key_policy(access_key_id text, policy_name text, policy text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_put_access_key_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.put_access_key_policy(text, text, text) IS
	'attaches a policy to an access key, in place of its policy of that name';

CREATE FUNCTION dynamo.delete_access_key_policy(access_key_id text, policy_name text) RETURNS void
	AS 'MODULE_PATHNAME', 'ddb_delete_access_key_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.delete_access_key_policy(text, text) IS
	'deletes a policy of an access key';

-- a DBA grants them; nobody but a superuser manages what holds for himself
REVOKE EXECUTE ON FUNCTION
	dynamo.put_role_policy(regrole, text, text),
	dynamo.delete_role_policy(regrole, text),
	dynamo.put_access_key_policy(text, text, text),
	dynamo.delete_access_key_policy(text, text)
	FROM PUBLIC;

CREATE VIEW dynamo.identity_policies WITH (security_barrier) AS
	SELECT r.rolname AS role, NULL::text COLLATE "C" AS access_key_id,
		p.policy_name, p.document, p.created_at, p.changed_at
	FROM dynamo.identity_policy p JOIN pg_catalog.pg_roles r ON r.oid = p.role
	WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER') OR
		pg_catalog.has_function_privilege(
			'dynamo.put_role_policy(pg_catalog.regrole, pg_catalog.text, pg_catalog.text)', 'EXECUTE')
	UNION ALL
	SELECT NULL, p.access_key_id, p.policy_name, p.document, p.created_at, p.changed_at
	FROM dynamo.access_key_policy p JOIN dynamo.access_key k USING (access_key_id)
		JOIN pg_catalog.pg_roles r ON r.oid = k.role
	WHERE pg_catalog.pg_has_role(r.oid, 'MEMBER') OR
		(SELECT pg_catalog.pg_has_role(c.relowner, 'MEMBER')
		 FROM pg_catalog.pg_class c WHERE c.oid = 'dynamo.access_key'::regclass);
COMMENT ON VIEW dynamo.identity_policies IS
	'policies of roles, those that hold for the current user or that he may manage, and of the access keys that he sees';

CREATE VIEW dynamo.resource_policies WITH (security_barrier) AS
	SELECT d.table_name, nullif(p.stream_label, '') AS stream_label,
		p.document, p.revision_id, p.changed_at
	FROM dynamo.resource_policy p JOIN dynamo.table_definition d ON d.relid = p.relid
		JOIN pg_catalog.pg_class c ON c.oid = p.relid
	WHERE pg_catalog.pg_has_role(c.relowner, 'USAGE');
COMMENT ON VIEW dynamo.resource_policies IS
	'policies of the DynamoDB tables that the current user owns, and of their streams';

GRANT SELECT ON dynamo.identity_policies, dynamo.resource_policies TO PUBLIC;

CREATE FUNCTION dynamo.simulate_custom_policy(policies text[], action text, resource text,
	context jsonb DEFAULT '{}', resource_policy text DEFAULT NULL, principal text DEFAULT NULL,
	OUT decision text, OUT matched_statements jsonb, OUT missing_context_values text[])
	AS 'MODULE_PATHNAME', 'ddb_simulate_custom_policy'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dynamo.simulate_custom_policy(text[], text, text, jsonb, text, text) IS
	'SimulateCustomPolicy of IAM: what policy documents say about a request: allowed, explicitDeny, implicitDeny; undetermined where it depends on context keys whose value is given as null';

CREATE FUNCTION dynamo.simulate_policy(principal regrole, operation text, request jsonb,
	access_key_id text DEFAULT NULL, context jsonb DEFAULT NULL,
	OUT action text, OUT resource text, OUT decision text,
	OUT matched_statements jsonb, OUT missing_context_values text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_simulate_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.simulate_policy(regrole, text, jsonb, text, jsonb) IS
	'why a request of a role, maybe with an access key, is allowed or denied: each action and resource, the decision and the statements that made it; nothing is carried out. context overrides values of condition keys';

CREATE FUNCTION dynamo.simulate_principal_policy(principal regrole, action_name text, resource_arn text,
	context jsonb DEFAULT NULL,
	OUT action text, OUT resource text, OUT decision text,
	OUT matched_statements jsonb, OUT missing_context_values text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'ddb_simulate_principal_policy'
	LANGUAGE C VOLATILE;
COMMENT ON FUNCTION dynamo.simulate_principal_policy(regrole, text, text, jsonb) IS
	'SimulatePrincipalPolicy of IAM: what the policies of a role, and of the resource, say about an action; context has the values of condition keys that a request would have';

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

CREATE FUNCTION dynamo.put_resource_policy(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_put_resource_policy'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.put_resource_policy(jsonb) IS
	'PutResourcePolicy of the DynamoDB API: gives a table or a stream a policy, for its owner';

CREATE FUNCTION dynamo.get_resource_policy(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_get_resource_policy'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.get_resource_policy(jsonb) IS
	'GetResourcePolicy of the DynamoDB API: the policy of a table or a stream, for its owner';

CREATE FUNCTION dynamo.delete_resource_policy(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_delete_resource_policy'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.delete_resource_policy(jsonb) IS
	'DeleteResourcePolicy of the DynamoDB API: deletes the policy of a table or a stream, for its owner';

CREATE FUNCTION dynamo.update_time_to_live(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_time_to_live'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.update_time_to_live(jsonb) IS
	'UpdateTimeToLive of the DynamoDB API: enables or disables the expiry of a table''s items, for its owner';

CREATE FUNCTION dynamo.describe_time_to_live(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_time_to_live'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_time_to_live(jsonb) IS
	'DescribeTimeToLive of the DynamoDB API: tells by which attribute the items of a table expire';

CREATE FUNCTION dynamo.update_contributor_insights(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_contributor_insights'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.update_contributor_insights(jsonb) IS
	'UpdateContributorInsights of the DynamoDB API: enables or disables counting of the keys accessed most in a table or global index, for its owner; see dynamo.contributor_insights';

CREATE FUNCTION dynamo.describe_contributor_insights(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_contributor_insights'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_contributor_insights(jsonb) IS
	'DescribeContributorInsights of the DynamoDB API: tells whether the keys of a table or global index are counted';

CREATE FUNCTION dynamo.list_contributor_insights(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_list_contributor_insights'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.list_contributor_insights(jsonb) IS
	'ListContributorInsights of the DynamoDB API: lists the tables and indexes whose keys are, or were, counted';

CREATE FUNCTION dynamo.describe_table_replica_auto_scaling(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_table_replica_auto_scaling'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_table_replica_auto_scaling(jsonb) IS
	'DescribeTableReplicaAutoScaling of the DynamoDB API: tells how the capacity of a table is scaled automatically';

CREATE FUNCTION dynamo.update_table_replica_auto_scaling(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_update_table_replica_auto_scaling'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.update_table_replica_auto_scaling(jsonb) IS
	'UpdateTableReplicaAutoScaling of the DynamoDB API: sets how the capacity of a table is scaled automatically, for its owner';

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

CREATE FUNCTION dynamo.batch_get_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_batch_get_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.batch_get_item(jsonb) IS
	'BatchGetItem of the DynamoDB API: reads up to 100 items of several tables by their keys';

CREATE FUNCTION dynamo.batch_write_item(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_batch_write_item'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.batch_write_item(jsonb) IS
	'BatchWriteItem of the DynamoDB API: puts and deletes up to 25 items; they do not stand or fall together';

CREATE FUNCTION dynamo.transact_get_items(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_transact_get_items'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.transact_get_items(jsonb) IS
	'TransactGetItems of the DynamoDB API: reads up to 100 items as they were at one moment';

CREATE FUNCTION dynamo.transact_write_items(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_transact_write_items'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.transact_write_items(jsonb) IS
	'TransactWriteItems of the DynamoDB API: up to 100 writes and condition checks that stand or fall together';

CREATE FUNCTION dynamo.execute_statement(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_execute_statement'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.execute_statement(jsonb) IS
	'ExecuteStatement of the DynamoDB API: runs one PartiQL statement';

CREATE FUNCTION dynamo.batch_execute_statement(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_batch_execute_statement'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.batch_execute_statement(jsonb) IS
	'BatchExecuteStatement of the DynamoDB API: runs up to 25 PartiQL statements on single items, each for itself';

CREATE FUNCTION dynamo.execute_transaction(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_execute_transaction'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.execute_transaction(jsonb) IS
	'ExecuteTransaction of the DynamoDB API: runs up to 100 PartiQL statements that stand or fall together';

CREATE FUNCTION dynamo.start_bulk_put_items(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_start_bulk_put_items'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.start_bulk_put_items(jsonb) IS
	'StartBulkPutItems of the DynamoDB API: puts the items of files into a table; a background worker does it';

CREATE FUNCTION dynamo.describe_bulk_operation(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_bulk_operation'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_bulk_operation(jsonb) IS
	'DescribeBulkOperation of the DynamoDB API: what has become of a bulk operation';

CREATE FUNCTION dynamo.cancel_bulk_operation(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_cancel_bulk_operation'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.cancel_bulk_operation(jsonb) IS
	'CancelBulkOperation of the DynamoDB API: ends a bulk operation; what it has put stays';

CREATE FUNCTION dynamo.list_bulk_operations(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_list_bulk_operations'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.list_bulk_operations(jsonb) IS
	'ListBulkOperations of the DynamoDB API: bulk operations of the last 90 days, newest first';

CREATE FUNCTION dynamo.list_streams(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_list_streams'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.list_streams(jsonb) IS
	'ListStreams of the DynamoDB Streams API: the streams of one table or of all';

CREATE FUNCTION dynamo.describe_stream(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_describe_stream'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.describe_stream(jsonb) IS
	'DescribeStream of the DynamoDB Streams API: state, key schema and shards of a stream';

CREATE FUNCTION dynamo.get_shard_iterator(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_get_shard_iterator'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.get_shard_iterator(jsonb) IS
	'GetShardIterator of the DynamoDB Streams API: a position in a shard, to read from';

CREATE FUNCTION dynamo.get_records(request jsonb) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'ddb_get_records'
	LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION dynamo.get_records(jsonb) IS
	'GetRecords of the DynamoDB Streams API: stream records from a position on';

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

CREATE FUNCTION dynamo.partiql(statement text, VARIADIC parameters jsonb[] DEFAULT '{}') RETURNS SETOF jsonb
	AS 'MODULE_PATHNAME', 'ddb_partiql_plain'
	LANGUAGE C VOLATILE ROWS 100;
COMMENT ON FUNCTION dynamo.partiql(text, jsonb[]) IS
	'runs a PartiQL statement, with parameters in plain JSON; returns its items in plain JSON, all pages of them; e.g. dynamo.partiql(''SELECT * FROM Music WHERE Artist = ?'', ''"X"'')';
