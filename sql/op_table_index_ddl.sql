-- Index tables as relations: what they look like, who owns them, and what SQL's
-- own DDL does to them and to their item tables.
\set VERBOSITY terse
\pset format unaligned

CREATE ROLE regress_index_owner;
CREATE ROLE regress_index_heir;
CREATE ROLE regress_index_reader;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_index_owner, regress_index_heir;

CREATE FUNCTION pg_temp.make(name text, global_indexes jsonb DEFAULT NULL, local_indexes jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_strip_nulls(jsonb_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]'::jsonb,
		'GlobalSecondaryIndexes', global_indexes, 'LocalSecondaryIndexes', local_indexes))) #>> '{TableDescription,TableStatus}'
$$;
-- an index whose partition key is p, whose sort key is r
CREATE FUNCTION pg_temp.index(name text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('IndexName', name, 'Projection', '{"ProjectionType": "ALL"}'::jsonb, 'KeySchema',
		'[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]'::jsonb) || more
$$;
CREATE FUNCTION pg_temp.update(name text, updates jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.update_table(jsonb_build_object('TableName', name, 'GlobalSecondaryIndexUpdates', updates,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]'::jsonb))
		#>> '{TableDescription,TableStatus}'
$$;
CREATE VIEW pg_temp.relations AS
	SELECT relname, pg_get_userbyid(relowner) AS owner, relacl, amname, reloptions
	FROM pg_class c LEFT JOIN pg_am a ON a.oid = relam
	WHERE relnamespace = 'dynamo_tables'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname;
GRANT SELECT ON pg_temp.relations TO PUBLIC;

--
-- Form
--
ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables GRANT SELECT ON TABLES TO regress_index_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables GRANT ALL ON TABLES TO PUBLIC;
SET ROLE regress_index_owner;
SELECT pg_temp.make('Shop', jsonb_build_array(pg_temp.index('by.p'),
	pg_temp.index('all_types', '{"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "HASH"}]}'),
	pg_temp.index('of_number', '{"KeySchema": [{"AttributeName": "r", "KeyType": "HASH"}]}')),
	jsonb_build_array(pg_temp.index('local')));
SELECT * FROM pg_temp.relations;
RESET ROLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables REVOKE SELECT ON TABLES FROM regress_index_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables REVOKE ALL ON TABLES FROM PUBLIC;
SET ROLE regress_index_owner;
SELECT attrelid::regclass AS "table", attname, format_type(atttypid, atttypmod) AS type, attnotnull,
	nullif(attcollation, 0)::regcollation AS collation, attcompression AS compression
FROM pg_attribute WHERE attrelid IN (SELECT relation FROM dynamo.indexes) AND attnum > 0 ORDER BY attrelid, attnum;
SELECT indrelid::regclass AS "table", indexrelid::regclass AS index, indisunique, indisprimary, pg_get_indexdef(indexrelid) AS definition
FROM pg_index WHERE indrelid IN (SELECT relation FROM dynamo.indexes) ORDER BY indrelid;
SELECT tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'dynamo_tables."Shop"'::regclass AND tgname LIKE '%indexes' ORDER BY tgname;

-- long names, and a name that a partition has
SELECT pg_temp.make(repeat('n', 200), jsonb_build_array(pg_temp.index(repeat('i', 255)), pg_temp.index(repeat('i', 254))));
SELECT table_name = repeat('n', 200) AS same, length(index_name), relation FROM dynamo.indexes WHERE table_name LIKE 'nnn%' ORDER BY created_at;
SET dynamo.table_partitions = 2;
SELECT pg_temp.make('Parts', jsonb_build_array(pg_temp.index('by.p')));
RESET dynamo.table_partitions;
SELECT tgrelid::regclass AS "table", tgname, tgenabled FROM pg_trigger
WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('dynamo_tables."Parts"')) AND tgname LIKE '%indexes' ORDER BY 1, 2;
SELECT pg_temp.update('Parts', jsonb_build_array(jsonb_build_object('Create', pg_temp.index('by.p.r'))));
SELECT index_name, relation, status FROM dynamo.indexes WHERE table_name = 'Parts' ORDER BY created_at;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', t))) FROM unnest(ARRAY['Parts', repeat('n', 200)]) t;
-- the table is not listed by way of its indexes
SELECT dynamo.list_tables('{}');

--
-- Items and bytes
--
SELECT dynamo.put_item('{"TableName": "Shop", "Item": {"p": {"S": "a"}, "r": {"N": "1"}, "x": {"S": "12345"}}}');
SELECT dynamo.put_item('{"TableName": "Shop", "Item": {"p": {"S": "a"}, "r": {"N": "2"}, "x": {"S": "12345"}}}');
SELECT i ->> 'IndexName' AS name, i -> 'ItemCount' AS items, i -> 'IndexSizeBytes' AS bytes
FROM (SELECT dynamo.describe_table('{"TableName": "Shop"}') -> 'Table' AS d) t,
	jsonb_array_elements(d -> 'GlobalSecondaryIndexes' || (d -> 'LocalSecondaryIndexes')) i ORDER BY 1;

--
-- DDL of index tables
--
ALTER TABLE dynamo_tables."Shop:by.p" DROP COLUMN tie;
ALTER TABLE dynamo_tables."Shop:by.p" RENAME COLUMN sk1 TO sk;
ALTER TABLE dynamo_tables."Shop:by.p" ALTER COLUMN item DROP NOT NULL;
ALTER TABLE dynamo_tables."Shop:by.p" ALTER COLUMN hash TYPE bigint;
ALTER TABLE dynamo_tables."Shop:by.p" ADD COLUMN more int;
ALTER TABLE dynamo_tables."Shop:by.p" DROP CONSTRAINT "Shop:by.p_~key";
ALTER TABLE dynamo_tables."Shop:by.p" SET (fillfactor = 80);
RESET ROLE;
ALTER TABLE dynamo_tables."Shop:by.p" OWNER TO regress_index_heir;
SET ROLE regress_index_owner;
-- its name is free
ALTER TABLE dynamo_tables."Shop:by.p" RENAME TO "Shop:renamed";
SELECT dynamo.put_item('{"TableName": "Shop", "Item": {"p": {"S": "a"}, "r": {"N": "3"}}}');
SELECT index_name, relation FROM dynamo.indexes ORDER BY created_at;
SELECT count(*) FROM dynamo_tables."Shop:renamed";
-- dropped, it is an index deleted
DROP TABLE dynamo_tables."Shop:renamed";
SELECT dynamo.put_item('{"TableName": "Shop", "Item": {"p": {"S": "a"}, "r": {"N": "4"}}}');
SELECT index_name, relation FROM dynamo.indexes ORDER BY created_at;
BEGIN;
DROP TABLE dynamo_tables."Shop:local";
ROLLBACK;
SELECT count(*) FROM dynamo_tables."Shop:local";
-- a name used before
SELECT pg_temp.update('Shop', '[{"Delete": {"IndexName": "of_number"}}]');
SELECT pg_temp.make('Other');
SELECT pg_temp.update('Other', jsonb_build_array(jsonb_build_object('Create', pg_temp.index('of_number'))));
SELECT pg_temp.update('Other', '[{"Delete": {"IndexName": "of_number"}}]');
SELECT pg_temp.update('Other', jsonb_build_array(jsonb_build_object('Create', pg_temp.index('of_number'))));
SELECT table_name, index_name, relation FROM dynamo.indexes ORDER BY created_at;

--
-- DDL of item tables
--
RESET ROLE;
ALTER TABLE dynamo_tables."Shop" OWNER TO regress_index_heir;
SELECT relname, owner FROM pg_temp.relations;
SET ROLE regress_index_heir;
ALTER TABLE dynamo_tables."Shop" RENAME TO "Store";
SELECT dynamo.put_item('{"TableName": "Store", "Item": {"p": {"S": "a"}, "r": {"N": "5"}}}');
SELECT table_name, index_name, relation FROM dynamo.indexes ORDER BY created_at;
SELECT count(*) FROM dynamo_tables."Shop:local";
-- a row in a transaction that is rolled back leaves none in the index
BEGIN;
SELECT dynamo.put_item('{"TableName": "Store", "Item": {"p": {"S": "a"}, "r": {"N": "6"}}}');
ROLLBACK;
SELECT count(*) FROM dynamo_tables."Shop:local";
-- a definition that is rolled back
RESET ROLE;
BEGIN;
ALTER TABLE dynamo_tables."Store" OWNER TO regress_index_owner;
DROP TABLE dynamo_tables."Store";
SELECT relname, owner FROM pg_temp.relations;
ROLLBACK;
SELECT relname, owner FROM pg_temp.relations;
-- what depends on an index table holds the item table, too
CREATE VIEW pg_temp.of_index AS SELECT pk FROM dynamo_tables."Shop:local";
DROP TABLE dynamo_tables."Store";
SELECT relname FROM pg_temp.relations;
DROP TABLE dynamo_tables."Store" CASCADE;
SELECT relname FROM pg_temp.relations;
SELECT count(*) FROM dynamo.index_definition WHERE relid NOT IN (SELECT relid FROM dynamo.table_definition);
SELECT table_name, index_name FROM dynamo.indexes;
-- several at once
SET ROLE regress_index_owner;
SELECT pg_temp.make('Shop', jsonb_build_array(pg_temp.index('by.p')), jsonb_build_array(pg_temp.index('local')));
DROP TABLE dynamo_tables."Shop:local", dynamo_tables."Shop", dynamo_tables."Shop:by.p";
SELECT relname FROM pg_temp.relations;
SELECT table_name, index_name FROM dynamo.indexes;
SELECT pg_temp.make('Shop', jsonb_build_array(pg_temp.index('by.p')), jsonb_build_array(pg_temp.index('local')));
RESET ROLE;
REASSIGN OWNED BY regress_index_owner TO regress_index_heir;
SELECT relname, owner FROM pg_temp.relations;
DROP OWNED BY regress_index_heir;
SELECT relname FROM pg_temp.relations;
SELECT count(*) FROM dynamo.index_definition;

--
-- A role that owns a table but may create none can give it an index
--
GRANT CREATE ON SCHEMA dynamo_tables TO regress_index_owner;
SET ROLE regress_index_owner;
SELECT pg_temp.make('Shop');
RESET ROLE;
REVOKE CREATE ON SCHEMA dynamo_tables FROM regress_index_owner;
SET ROLE regress_index_reader;
SELECT pg_temp.update('Shop', jsonb_build_array(jsonb_build_object('Create', pg_temp.index('by.p'))));
SET ROLE regress_index_owner;
SELECT pg_temp.update('Shop', jsonb_build_array(jsonb_build_object('Create', pg_temp.index('by.p'))));
SELECT relname, owner FROM pg_temp.relations;
SELECT pg_temp.update('Shop', '[{"Delete": {"IndexName": "by.p"}}]');
DROP TABLE dynamo_tables."Shop";

RESET ROLE;
DROP OWNED BY regress_index_owner, regress_index_heir, regress_index_reader;
DROP ROLE regress_index_owner, regress_index_heir, regress_index_reader;
