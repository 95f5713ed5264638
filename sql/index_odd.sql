-- Secondary indexes and what SQL can do to the tables under them: partitions
-- that come and go, names at their limits.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_dynamo;

CREATE FUNCTION pg_temp.make(name text) RETURNS boolean LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object(
		'TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb,
		'GlobalSecondaryIndexes', '[{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]'::jsonb
		)) IS NOT NULL
$$;

-- a partition cannot come or go without its entries
SET dynamo.table_partitions = 2;
SELECT pg_temp.make('io_parts');
RESET dynamo.table_partitions;
SELECT count(dynamo.put_item('io_parts', jsonb_build_object('p', i::text, 'g', (i % 3)::text))) FROM generate_series(1, 50) i;
TRUNCATE dynamo_tables."io_parts_:0";
ALTER TABLE dynamo_tables.io_parts DETACH PARTITION dynamo_tables."io_parts_:0";
ALTER TABLE dynamo_tables.io_parts DETACH PARTITION dynamo_tables."io_parts_:0" CONCURRENTLY;
CREATE TABLE dynamo_tables.io_stranger (LIKE dynamo_tables.io_parts);
ALTER TABLE dynamo_tables.io_parts ATTACH PARTITION dynamo_tables.io_stranger FOR VALUES WITH (MODULUS 4, REMAINDER 3);
DROP TABLE dynamo_tables.io_stranger;
DROP TABLE dynamo_tables."io_parts_:0";
SELECT * FROM dynamo.verify_index('io_parts', 'by_g');
SELECT count(*) FROM dynamo_tables."io_parts:by_g";

-- with the whole table it may
BEGIN;
TRUNCATE ONLY dynamo_tables."io_parts_:0", dynamo_tables."io_parts_:1";
SELECT count(*) FROM dynamo_tables."io_parts:by_g";
ROLLBACK;
BEGIN;
TRUNCATE dynamo_tables.io_parts;
SELECT count(*) FROM dynamo_tables."io_parts:by_g";
TRUNCATE dynamo_tables."io_parts_:0";
ROLLBACK;
BEGIN;
DROP TABLE dynamo_tables."io_parts_:0", dynamo_tables.io_parts;
SELECT to_regclass('dynamo_tables."io_parts:by_g"');
ROLLBACK;
SELECT count(*) FROM dynamo_tables."io_parts:by_g";

-- and without indexes
SELECT dynamo.update_table('{"TableName": "io_parts", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_g"}}]}') IS NOT NULL;
BEGIN;
TRUNCATE dynamo_tables."io_parts_:0";
ALTER TABLE dynamo_tables.io_parts DETACH PARTITION dynamo_tables."io_parts_:0";
DROP TABLE dynamo_tables."io_parts_:1";
ROLLBACK;
DROP TABLE dynamo_tables.io_parts;

-- partitioned tables of others are not concerned
CREATE TABLE io_foreign (a int) PARTITION BY LIST (a);
CREATE TABLE io_foreign_1 PARTITION OF io_foreign FOR VALUES IN (1);
ALTER TABLE io_foreign DETACH PARTITION io_foreign_1;
DROP TABLE io_foreign_1, io_foreign;
DROP TABLE IF EXISTS io_foreign, no_such_schema.io_foreign;

-- names at their limits
SELECT pg_temp.make(repeat('n', 254) || i) FROM generate_series(1, 2) i;
SELECT count(dynamo.put_item(table_name, '{"p": "1", "g": "x"}')) FROM dynamo.tables WHERE table_name LIKE 'nnn%';
SELECT count(*), count(DISTINCT relation) FROM dynamo.indexes WHERE table_name LIKE 'nnn%';
SELECT v.* FROM dynamo.indexes i, dynamo.verify_index(i.table_name, i.index_name) v WHERE table_name LIKE 'nnn%';
SELECT dynamo.delete_table(jsonb_build_object('TableName', table_name)) IS NOT NULL
	FROM dynamo.tables WHERE table_name LIKE 'nnn%';
SELECT count(*) FROM dynamo.index_definition WHERE index_name = 'by_g';
