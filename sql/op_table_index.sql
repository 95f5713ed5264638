-- Secondary indexes in CreateTable, UpdateTable, DescribeTable: the service's
-- rules, and what comes of requests that pass them.
\set VERBOSITY terse
\pset format unaligned

CREATE ROLE regress_op_table_index;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_op_table_index;
SET ROLE regress_op_table_index;

-- "p H, r R" as a key schema, "p, r" as definitions of strings
CREATE FUNCTION pg_temp.keys(schema text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('AttributeName', split_part(k, ' ', 1),
		'KeyType', CASE split_part(k, ' ', 2) WHEN 'H' THEN 'HASH' ELSE 'RANGE' END) ORDER BY n)
	FROM regexp_split_to_table(schema, ', ') WITH ORDINALITY t(k, n)
$$;
CREATE FUNCTION pg_temp.definitions(names text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('AttributeName', k, 'AttributeType', 'S') ORDER BY n)
	FROM regexp_split_to_table(names, ', ') WITH ORDINALITY t(k, n)
$$;
CREATE FUNCTION pg_temp.index(schema text, projection jsonb DEFAULT '{"ProjectionType": "ALL"}',
	name text DEFAULT 'idx', more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('IndexName', name, 'KeySchema', pg_temp.keys(schema),
		'Projection', projection) || more
$$;
-- an index in short: idx (p H, b R) INCLUDE [a, c] ACTIVE
CREATE FUNCTION pg_temp.brief(index jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s (%s) %s%s%s', index ->> 'IndexName',
		(SELECT string_agg((k ->> 'AttributeName') || ' ' || left(k ->> 'KeyType', 1), ', ' ORDER BY n)
		 FROM jsonb_array_elements(index -> 'KeySchema') WITH ORDINALITY t(k, n)),
		index #>> '{Projection,ProjectionType}',
		' ' || (index #>> '{Projection,NonKeyAttributes}'),
		' ' || (index ->> 'IndexStatus'))
$$;
CREATE FUNCTION pg_temp.brief_all(description jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(kind || ' ' || pg_temp.brief(i), '; ' ORDER BY kind DESC, n), 'none')
	FROM (VALUES ('LSI', description -> 'LocalSecondaryIndexes'), ('GSI', description -> 'GlobalSecondaryIndexes')) k(kind, list),
		jsonb_array_elements(list) WITH ORDINALITY t(i, n)
$$;
-- makes a table, and says which indexes it has; drops it again, unless it has a name
CREATE FUNCTION pg_temp.make(definitions text, more jsonb, schema text DEFAULT 'p H, r R',
	name text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	described jsonb;
BEGIN
	described := dynamo.create_table(jsonb_build_object('TableName', coalesce(name, 'oti_table'),
		'AttributeDefinitions', pg_temp.definitions(definitions),
		'KeySchema', pg_temp.keys(schema))
		|| CASE WHEN more ? 'ProvisionedThroughput' THEN '{}'::jsonb
			ELSE '{"BillingMode": "PAY_PER_REQUEST"}' END || more) -> 'TableDescription';
	IF name IS NULL THEN
		PERFORM dynamo.delete_table('{"TableName": "oti_table"}');
	END IF;
	RETURN pg_temp.brief_all(described);
END
$$;
CREATE FUNCTION pg_temp.local(definitions text, VARIADIC indexes jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.make(definitions, jsonb_build_object('LocalSecondaryIndexes', to_jsonb(indexes)))
$$;
CREATE FUNCTION pg_temp.global(definitions text, VARIADIC indexes jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.make(definitions, jsonb_build_object('GlobalSecondaryIndexes', to_jsonb(indexes)))
$$;

--
-- CreateTable: local indexes
--
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b R'));
SELECT pg_temp.make('p, r', '{"LocalSecondaryIndexes": []}');
SELECT pg_temp.make('p, b', jsonb_build_object('LocalSecondaryIndexes', jsonb_build_array(pg_temp.index('p H, b R'))), 'p H');
SELECT pg_temp.local('p, r', pg_temp.index('p H, b R'));
SELECT pg_temp.local('p, r', pg_temp.index('p H, p R'));
SELECT pg_temp.local('p, r, b', pg_temp.index('p R, b H'));
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b H'));
SELECT pg_temp.local('p, r', pg_temp.index('p H'));
SELECT pg_temp.local('p, r, b', pg_temp.index('b H, r R'));
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, r R, b R'));

-- projections, the same for both kinds
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b R', '{}'));
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b R', '{"NonKeyAttributes": ["a"]}'));
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b R', '{"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "KEYS_ONLY", "NonKeyAttributes": ["a"]}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "INCLUDE"}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "INCLUDE", "NonKeyAttributes": []}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "c", "a"]}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a", "b", "p"]}'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', '{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21"]}'));

-- names, which both kinds share, and counts
SELECT pg_temp.local('p, r, b', pg_temp.index('p H, b R'), pg_temp.index('p H, b R'));
SELECT pg_temp.make('p, r, b', jsonb_build_object('LocalSecondaryIndexes', jsonb_build_array(pg_temp.index('p H, b R')),
	'GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H'))));
SELECT pg_temp.local('p, r, b', VARIADIC array_agg(pg_temp.index('p H, b R', name => 'idx' || i))) FROM generate_series(1, 5) i;
SELECT pg_temp.local('p, r, b', VARIADIC array_agg(pg_temp.index('p H, b R', name => 'idx' || i))) FROM generate_series(1, 6) i;
SELECT pg_temp.global('p, r, b', VARIADIC array_agg(pg_temp.index('b H', name => 'idx' || i))) FROM generate_series(1, 20) i;
SELECT pg_temp.global('p, r, b', VARIADIC array_agg(pg_temp.index('b H', name => 'idx' || i))) FROM generate_series(1, 21) i;
SELECT pg_temp.global('p, r, b', VARIADIC array_agg(pg_temp.index('b H', jsonb_build_object('ProjectionType', 'INCLUDE',
	'NonKeyAttributes', (SELECT jsonb_agg('a' || j) FROM generate_series(1, 20) j)), 'idx' || i)))
FROM generate_series(1, 5) i;
SELECT pg_temp.global('p, r, b', VARIADIC array_agg(pg_temp.index('b H', jsonb_build_object('ProjectionType', 'INCLUDE',
	'NonKeyAttributes', (SELECT jsonb_agg('a' || j) FROM generate_series(1, 20) j)), 'idx' || i)))
FROM generate_series(1, 6) i;

--
-- CreateTable: global indexes
--
SELECT pg_temp.global('p, r, b', pg_temp.index('b H'));
SELECT pg_temp.make('p, r', '{"GlobalSecondaryIndexes": []}');
SELECT pg_temp.global('p, r', pg_temp.index('p H, b R'));
SELECT pg_temp.global('p, r', pg_temp.index('p H, p R'));
SELECT pg_temp.global('p, r, b', pg_temp.index('b R'));
SELECT pg_temp.global('p, r, b', pg_temp.index('p R, b H'));

-- several attributes in each part of the key
SELECT pg_temp.global('p, r, b', pg_temp.index('p H, b H'));
SELECT pg_temp.global('p, r, a, b, c, d, e, f', pg_temp.index('a H, b H, c H, d H, e R, f R, p R, r R'));
SELECT pg_temp.global('p, r', pg_temp.index('p H, p H'));
SELECT pg_temp.global('p, r', pg_temp.index('p H, r H, p R'));
SELECT pg_temp.global('p, r, b', pg_temp.index('p H, r R, b H'));
SELECT pg_temp.global('p, r, b', pg_temp.index('p R, r R, b R'));
SELECT pg_temp.global('p, r, a, b, c', pg_temp.index('p H, r H, a H, b H, c H'));
SELECT pg_temp.global('p, r, a, b, c, d', pg_temp.index('p H, r R, a R, b R, c R, d R'));

-- throughput
SELECT pg_temp.global('p, r, b', pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}'));
SELECT pg_temp.make('p, r, b', jsonb_build_object('ProvisionedThroughput', '{"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}'::jsonb,
	'GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H'))));
SELECT pg_temp.make('p, r, b', jsonb_build_object('ProvisionedThroughput', '{"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}'::jsonb,
	'GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1000000000001, "WriteCapacityUnits": 1}}'))));
SELECT pg_temp.make('p, r, b', jsonb_build_object('ProvisionedThroughput', '{"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}'::jsonb,
	'GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1000000000001}}'))));
SELECT pg_temp.make('p, r, b', jsonb_build_object('ProvisionedThroughput', '{"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}'::jsonb,
	'GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}'))));

-- definitions: used by the table or an index, and once; then the stream
SELECT pg_temp.local('p, r, b, z', pg_temp.index('p H, b R'));
SELECT pg_temp.local('p, r, b, b', pg_temp.index('p H, b R'));
SELECT pg_temp.make('p, r, b', jsonb_build_object('GlobalSecondaryIndexes', jsonb_build_array(pg_temp.index('b H')),
	'StreamSpecification', '{"StreamEnabled": true}'::jsonb));

-- vector indexes are refused before definitions are compared with keys
SELECT pg_temp.make('p, r, z', '{"VectorIndexes": [{"IndexName": "idx", "VectorAttribute": {"AttributeName": "v"},
	"Projection": {"ProjectionType": "ALL"}, "Dimensions": 3, "DistanceFunction": "COSINE"}]}');
SELECT pg_temp.make('p, r, z', '{"VectorIndexes": []}');

-- both kinds at once: everything that is described, in order
SELECT pg_temp.make('r, g1, p, l1, g2', jsonb_build_object('LocalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('p H, l1 R', name => 'zzz', projection => '{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["y", "x"]}'),
		pg_temp.index('p H, g1 R', name => 'aaa', projection => '{"ProjectionType": "KEYS_ONLY"}')),
	'GlobalSecondaryIndexes', jsonb_build_array(
		pg_temp.index('g1 H, g2 H, r R, p R', name => 'ggg', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
			"WarmThroughput": {"ReadUnitsPerSecond": 30, "WriteUnitsPerSecond": 40}}')),
	'ProvisionedThroughput', '{"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}'::jsonb), name => 'oti_both');
SELECT jsonb_pretty(dynamo.describe_table('{"TableName": "oti_both"}') -> 'Table' #- '{TableId}' #- '{CreationDateTime}');
SELECT table_name, index_name, relation, kind, is_unique, status, partition_key, partition_key_types,
	sort_key, sort_key_types, projection, non_key_attributes
FROM dynamo.indexes ORDER BY created_at;
SELECT dynamo.delete_table('{"TableName": "oti_both"}') -> 'TableDescription' ?| '{LocalSecondaryIndexes,GlobalSecondaryIndexes}' AS shows_indexes;
SELECT count(*) FROM dynamo.index_definition;
SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamo_tables'::regnamespace;

--
-- UpdateTable
--
SELECT pg_temp.make('p, r, l', jsonb_build_object('LocalSecondaryIndexes', jsonb_build_array(pg_temp.index('p H, l R', name => 'local'))), name => 'oti_table');
SELECT pg_temp.make('p', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}', 'p H', 'oti_provisioned');
CREATE FUNCTION pg_temp.change(updates jsonb, definitions text DEFAULT NULL, name text DEFAULT 'oti_table')
RETURNS text LANGUAGE sql AS $$
	SELECT (d ->> 'TableStatus') || ': ' || pg_temp.brief_all(d)
	FROM (SELECT dynamo.update_table(jsonb_build_object('TableName', name, 'GlobalSecondaryIndexUpdates', updates,
		'AttributeDefinitions', CASE WHEN definitions IS NOT NULL THEN pg_temp.definitions(definitions) END))
		-> 'TableDescription' AS d) u
$$;
CREATE FUNCTION pg_temp.show(name text DEFAULT 'oti_table') RETURNS text LANGUAGE sql AS $$
	SELECT (d ->> 'TableStatus') || ': ' || pg_temp.brief_all(d) || ', defined: '
		|| (SELECT string_agg(a ->> 'AttributeName', ', ' ORDER BY n)
			FROM jsonb_array_elements(d -> 'AttributeDefinitions') WITH ORDINALITY t(a, n))
	FROM (SELECT dynamo.describe_table(jsonb_build_object('TableName', name)) -> 'Table' AS d) u
$$;
CREATE FUNCTION pg_temp.creation(index jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_build_object('Create', index))
$$;
CREATE FUNCTION pg_temp.deletion(name text DEFAULT 'idx') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_build_object('Delete', jsonb_build_object('IndexName', name)))
$$;

SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b');
SELECT pg_temp.show();
SELECT pg_temp.change(pg_temp.deletion());
SELECT pg_temp.show();
SELECT pg_temp.change(pg_temp.deletion());
-- definitions may be more than those in use, but not fewer
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b, z');
SELECT pg_temp.show();
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('p H, b R', name => 'id2')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('p H', name => 'id2')));
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H, b R', name => 'id2')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', '{}', name => 'id2')), 'b');
-- names of both kinds are taken
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', name => 'local')), 'b');
-- types that the table and other indexes have given
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('b H, r R', name => 'id2')),
	'AttributeDefinitions', '[{"AttributeName": "b", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]'::jsonb));
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('b H', name => 'id2')),
	'AttributeDefinitions', '[{"AttributeName": "b", "AttributeType": "N"}]'::jsonb));
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('a H, l R', name => 'id2')),
	'AttributeDefinitions', '[{"AttributeName": "a", "AttributeType": "N"}, {"AttributeName": "l", "AttributeType": "B"}]'::jsonb));
-- definitions that the new index has no use for
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('a H', name => 'id2')),
	'AttributeDefinitions', '[{"AttributeName": "a", "AttributeType": "N"}, {"AttributeName": "p", "AttributeType": "N"}]'::jsonb));
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('a H', name => 'id2')),
	'AttributeDefinitions', '[{"AttributeName": "l", "AttributeType": "B"}, {"AttributeName": "a", "AttributeType": "N"}]'::jsonb));
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', name => 'id2', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b', 'oti_provisioned');
-- one at a time; none there to change or remove; a local one stays
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')) || pg_temp.creation(pg_temp.index('b H', name => 'id2')), 'b');
SELECT pg_temp.change(pg_temp.deletion() || pg_temp.deletion('id2'));
SELECT pg_temp.change(pg_temp.deletion('id2'));
SELECT pg_temp.change(pg_temp.deletion('local'));
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}}]', NULL, 'oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "local", "WarmThroughput": {"ReadUnitsPerSecond": 1}}}]');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx"}}]');
-- twenty of them
DO $$
BEGIN
	FOR i IN 1..19 LOOP
		PERFORM pg_temp.change(pg_temp.creation(pg_temp.index('b H', name => 'many' || i)), 'b');
	END LOOP;
END
$$;
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', name => 'many20')), 'b');
SELECT jsonb_array_length(dynamo.describe_table('{"TableName": "oti_table"}') #> '{Table,GlobalSecondaryIndexes}');

-- throughput of indexes
CREATE FUNCTION pg_temp.throughput(response jsonb) RETURNS TABLE (status text, "table" jsonb, indexes text) LANGUAGE sql AS $$
	SELECT d ->> 'TableStatus', (d -> 'ProvisionedThroughput') - 'LastIncreaseDateTime' - 'LastDecreaseDateTime',
		(SELECT string_agg(concat_ws(' ', i ->> 'IndexName', i ->> 'IndexStatus',
			((i -> 'ProvisionedThroughput') - 'LastIncreaseDateTime' - 'LastDecreaseDateTime')::text,
			CASE WHEN (i -> 'ProvisionedThroughput') ? 'LastIncreaseDateTime' THEN 'increased' END,
			CASE WHEN (i -> 'ProvisionedThroughput') ? 'LastDecreaseDateTime' THEN 'decreased' END,
			i -> 'OnDemandThroughput', i -> 'WarmThroughput'), E'\n' ORDER BY n)
		 FROM jsonb_array_elements(d -> 'GlobalSecondaryIndexes') WITH ORDINALITY t(i, n))
	FROM (SELECT coalesce(response -> 'TableDescription', response -> 'Table') AS d) r
$$;
CREATE FUNCTION pg_temp.throughput(name text) RETURNS TABLE (status text, "table" jsonb, indexes text) LANGUAGE sql AS $$
	SELECT * FROM pg_temp.throughput(dynamo.describe_table(jsonb_build_object('TableName', name)))
$$;
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}')), 'b', 'oti_provisioned');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', name => 'id2', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}}')), 'b', 'oti_provisioned');
SELECT * FROM pg_temp.throughput('oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}]', NULL, 'oti_provisioned');
SELECT * FROM pg_temp.throughput(dynamo.update_table('{"TableName": "oti_provisioned", "GlobalSecondaryIndexUpdates": [
	{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 3}}}]}'));
SELECT * FROM pg_temp.throughput('oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "OnDemandThroughput": {"MaxReadRequestUnits": 5}}}]', NULL, 'oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "WarmThroughput": {"ReadUnitsPerSecond": 1}}}]', NULL, 'oti_provisioned');
-- decreases of each index, and of the table, are counted apart
CREATE FUNCTION pg_temp.decreases(name text, units int, "table" boolean, indexes text[]) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat_ws(' ', d ->> 'IndexName', d #>> '{ProvisionedThroughput,NumberOfDecreasesToday}'), ', ')
	FROM (SELECT dynamo.update_table(jsonb_build_object('TableName', name)
			|| CASE WHEN "table" THEN jsonb_build_object('ProvisionedThroughput', jsonb_build_object('ReadCapacityUnits', units, 'WriteCapacityUnits', 100)) ELSE '{}' END
			|| CASE WHEN indexes <> '{}' THEN jsonb_build_object('GlobalSecondaryIndexUpdates', (SELECT jsonb_agg(jsonb_build_object('Update',
				jsonb_build_object('IndexName', i, 'ProvisionedThroughput', jsonb_build_object('ReadCapacityUnits', units, 'WriteCapacityUnits', 100))))
				FROM unnest(indexes) i)) ELSE '{}' END) -> 'TableDescription') r(t),
		jsonb_array_elements((t -> 'GlobalSecondaryIndexes') || t) d
$$;
SELECT dynamo.create_table(jsonb_build_object('TableName', 'oti_decreases', 'ProvisionedThroughput', u,
	'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb,
	'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}]'::jsonb,
	'GlobalSecondaryIndexes', (SELECT jsonb_agg(jsonb_build_object('IndexName', i, 'ProvisionedThroughput', u,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb, 'Projection', '{"ProjectionType": "ALL"}'::jsonb))
		FROM unnest('{one,two}'::text[]) i))) IS NOT NULL AS created
FROM (VALUES ('{"ReadCapacityUnits": 100, "WriteCapacityUnits": 100}'::jsonb)) x(u);
SELECT pg_temp.decreases('oti_decreases', 100 - i, i < 3, CASE WHEN i < 4 THEN '{one,two}' ELSE '{two}' END::text[]) FROM generate_series(1, 4) i;
SELECT pg_temp.decreases('oti_decreases', 90, true, '{two}');
SELECT pg_temp.decreases('oti_decreases', 90, true, '{one}');
SELECT pg_temp.decreases('oti_decreases', 89, true, '{one}');
SELECT pg_temp.decreases('oti_decreases', 89, true, '{}');
SELECT pg_temp.decreases('oti_decreases', 88, true, '{}');
SELECT pg_temp.decreases('oti_decreases', 120, true, '{one,two}');
-- to on-demand and back
SELECT * FROM pg_temp.throughput(dynamo.update_table('{"TableName": "oti_provisioned", "BillingMode": "PAY_PER_REQUEST"}'));
SELECT * FROM pg_temp.throughput('oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}]', NULL, 'oti_provisioned');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "OnDemandThroughput": {"MaxReadRequestUnits": 50}, "WarmThroughput": {"ReadUnitsPerSecond": 13000}}}]', NULL, 'oti_provisioned');
SELECT * FROM pg_temp.throughput('oti_provisioned');
SELECT dynamo.update_table('{"TableName": "oti_provisioned", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}');
SELECT dynamo.update_table('{"TableName": "oti_provisioned", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
	"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}]}');
SELECT * FROM pg_temp.throughput(dynamo.update_table('{"TableName": "oti_provisioned", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
	"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}, {"Delete": {"IndexName": "id2"}}]}'));
SELECT * FROM pg_temp.throughput('oti_provisioned');

-- a unique index, an option of ours
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('u H, v R', name => 'id3', more => '{"Unique": true, "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}')), 'u, v', 'oti_provisioned');
SELECT index_name, is_unique FROM dynamo.indexes WHERE table_name = 'oti_provisioned' ORDER BY created_at;
SELECT pg_temp.change(pg_temp.deletion('id3'), NULL, 'oti_provisioned');
SET dynamo.strict = off;
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('u H, v R', name => 'id3', more => '{"Unique": "x", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}')), 'u, v', 'oti_provisioned');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('u H, v R', name => 'id3', more => '{"Unique": true, "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}')), 'u, v', 'oti_provisioned');
SELECT index_name, is_unique FROM dynamo.indexes WHERE table_name = 'oti_provisioned' ORDER BY created_at;
SELECT i ->> 'IndexName' AS name, i -> 'Unique' AS "unique"
FROM jsonb_array_elements(dynamo.describe_table('{"TableName": "oti_provisioned"}') #> '{Table,GlobalSecondaryIndexes}') i;
RESET dynamo.strict;

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM jsonb_array_elements_text(dynamo.list_tables('{}') -> 'TableNames') name;
RESET ROLE;
DROP OWNED BY regress_op_table_index;
DROP ROLE regress_op_table_index;
