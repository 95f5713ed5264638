-- The service's own checks of secondary indexes, which come before the refusal
-- of what this version does not offer.
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
CREATE FUNCTION pg_temp.make(definitions text, more jsonb, schema text DEFAULT 'p H, r R',
	name text DEFAULT 'oti_table') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object('TableName', name,
		'AttributeDefinitions', pg_temp.definitions(definitions),
		'KeySchema', pg_temp.keys(schema))
		|| CASE WHEN more ? 'ProvisionedThroughput' THEN '{}'::jsonb
			ELSE '{"BillingMode": "PAY_PER_REQUEST"}' END || more)
		#> '{TableDescription,TableName}'
$$;
CREATE FUNCTION pg_temp.local(definitions text, VARIADIC indexes jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.make(definitions, jsonb_build_object('LocalSecondaryIndexes', to_jsonb(indexes)))
$$;
CREATE FUNCTION pg_temp.global(definitions text, VARIADIC indexes jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
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

--
-- UpdateTable
--
SELECT pg_temp.make('p, r', '{}');
SELECT pg_temp.make('p', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}', 'p H', 'oti_provisioned');
CREATE FUNCTION pg_temp.change(updates jsonb, definitions text DEFAULT NULL, name text DEFAULT 'oti_table')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_table(jsonb_build_object('TableName', name, 'GlobalSecondaryIndexUpdates', updates,
		'AttributeDefinitions', CASE WHEN definitions IS NOT NULL THEN pg_temp.definitions(definitions) END))
$$;
CREATE FUNCTION pg_temp.creation(index jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_array(jsonb_build_object('Create', index))
$$;
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b');
-- definitions may be more than those in use, but not fewer
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b, z');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('p H, b R')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('p H')));
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H, b R')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', '{}')), 'b');
SELECT dynamo.update_table(jsonb_build_object('TableName', 'oti_table',
	'GlobalSecondaryIndexUpdates', pg_temp.creation(pg_temp.index('b H, r R')),
	'AttributeDefinitions', '[{"AttributeName": "b", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]'::jsonb));
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H', more => '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}')), 'b');
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')), 'b', 'oti_provisioned');
-- one at a time; none there to change or remove
SELECT pg_temp.change(pg_temp.creation(pg_temp.index('b H')) || pg_temp.creation(pg_temp.index('b H', name => 'id2')), 'b');
SELECT pg_temp.change('[{"Delete": {"IndexName": "idx"}}, {"Delete": {"IndexName": "id2"}}]');
SELECT pg_temp.change('[{"Delete": {"IndexName": "idx"}}]');
SELECT pg_temp.change('[{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}}]', NULL, 'oti_provisioned');

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM jsonb_array_elements_text(dynamo.list_tables('{}') -> 'TableNames') name;
RESET ROLE;
DROP OWNED BY regress_op_table_index;
DROP ROLE regress_op_table_index;
