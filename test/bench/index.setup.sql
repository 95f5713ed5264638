-- The items of table bench in two tables more, made anew: bench_plain, and
-- bench_indexed, which has the global indexes :indexes.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', table_name)))
FROM dynamo.tables WHERE table_name IN ('bench_plain', 'bench_indexed');

SELECT count(dynamo.create_table('{
	"AttributeDefinitions": [
		{"AttributeName": "pk", "AttributeType": "S"},
		{"AttributeName": "sk", "AttributeType": "S"}],
	"KeySchema": [
		{"AttributeName": "pk", "KeyType": "HASH"},
		{"AttributeName": "sk", "KeyType": "RANGE"}],
	"BillingMode": "PAY_PER_REQUEST"}'::jsonb || more))
FROM (VALUES
	('{"TableName": "bench_plain"}'::jsonb),
	(jsonb_build_object('TableName', 'bench_indexed',
		'GlobalSecondaryIndexes', :'indexes'::jsonb,
		'AttributeDefinitions', (
			SELECT jsonb_agg(DISTINCT jsonb_build_object('AttributeName', name, 'AttributeType',
				CASE WHEN name IN ('shelf', 'rating', 'year') THEN 'N' ELSE 'S' END))
			FROM (
				SELECT key->>'AttributeName' AS name
				FROM jsonb_path_query(:'indexes'::jsonb, '$[*].KeySchema[*]') AS key
				UNION ALL VALUES ('pk'), ('sk')
			) names)))
) AS tables (more);

INSERT INTO dynamo_tables.bench_plain (item) SELECT item FROM dynamo_tables.bench;
INSERT INTO dynamo_tables.bench_indexed (item) SELECT item FROM dynamo_tables.bench;

SELECT format('VACUUM (ANALYZE) %s', c.oid::regclass)
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'dynamo_tables'::regnamespace
	AND c.relname ~ '^bench_(plain|indexed)(:.*)?$'
\gexec
CHECKPOINT;
