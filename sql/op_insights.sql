-- UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights,
-- and what view dynamo.contributor_insights shows
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on

-- times are left out
CREATE FUNCTION pg_temp.stable(response jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(response::text, '(DynamoDBContributorInsights-\w+-[^"]*-)\d{13}', '\1TIME', 'g'),
		'("LastUpdateDateTime": )\d{10}(\.\d{1,3})?', '\1TIME')
$$;
CREATE FUNCTION pg_temp.change(name text, action text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.update_contributor_insights(jsonb_build_object('TableName', name, 'ContributorInsightsAction', action) || more)::text
$$;
CREATE FUNCTION pg_temp.describe(name text, index_name text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.stable(dynamo.describe_contributor_insights(jsonb_strip_nulls(
		jsonb_build_object('TableName', name, 'IndexName', index_name))))
$$;
-- of this hour and the last together, should one end meanwhile
CREATE FUNCTION pg_temp.counted(name text) RETURNS TABLE (index_name text, rule text, partition_key text, sort_key text,
	count numeric, error numeric) LANGUAGE sql AS $$
	SELECT index_name, rule, partition_key, sort_key, sum(count)::numeric, sum(error)::numeric
	FROM dynamo.contributor_insights WHERE table_name = name
	GROUP BY 1, 2, 3, 4 ORDER BY index_name NULLS FIRST, rule, 5 DESC, partition_key COLLATE "C", sort_key COLLATE "C"
$$;

SELECT dynamo.create_table('{"TableName": "ins_main", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"},
		{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "S"}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "by_gs", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}}],
	"LocalSecondaryIndexes": [
		{"IndexName": "by_l", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
			"Projection": {"ProjectionType": "ALL"}}]}') IS NOT NULL;
SELECT dynamo.create_table('ins_plain', 'p S') IS NOT NULL;

-- errors
SELECT dynamo.update_contributor_insights('{}');
SELECT dynamo.update_contributor_insights('{"TableName": "ins_main"}');
SELECT pg_temp.change('ins_main', 'PAUSE');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"ContributorInsightsMode": "ALL"}');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"IndexName": "x"}');
SELECT pg_temp.change('ins_none', 'ENABLE');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"IndexName": "by_none"}');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"IndexName": "by_l"}');
SELECT dynamo.describe_contributor_insights('{}');
SELECT pg_temp.describe('ins_none');
SELECT pg_temp.describe('ins_main', 'by_none');
SELECT dynamo.list_contributor_insights('{"TableName": "ins_none"}');
SELECT dynamo.list_contributor_insights('{"MaxResults": 101}');
SELECT dynamo.list_contributor_insights('{"NextToken": "none"}');
SELECT dynamo.list_contributor_insights('{"NextToken": "AAAA"}');
SELECT dynamo.list_contributor_insights('{"NextToken": "YWJjLy8v"}');
SELECT dynamo.list_contributor_insights('{"NextToken": ""}');

-- never enabled
SELECT pg_temp.describe('ins_main');
SELECT pg_temp.describe('ins_main', 'by_g');
SELECT dynamo.list_contributor_insights('{}');
SELECT pg_temp.change('ins_main', 'DISABLE');
SELECT pg_temp.describe('ins_main');

-- enabled
SELECT pg_temp.change('ins_main', 'ENABLE');
SELECT pg_temp.describe('ins_main');
SELECT pg_temp.describe('arn:aws:dynamodb:us-east-1:000000000000:table/ins_main');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"IndexName": "by_g"}');
SELECT pg_temp.describe('ins_main', 'by_g');
SELECT pg_temp.change('ins_main', 'ENABLE', '{"IndexName": "by_gs", "ContributorInsightsMode": "THROTTLED_KEYS"}');
SELECT pg_temp.describe('ins_main', 'by_gs');
SELECT pg_temp.change('ins_plain', 'ENABLE');
SELECT pg_temp.describe('ins_plain');
SELECT pg_temp.describe('ins_main', 'by_l');

-- the rules of a second call are those of the first; other settings stay
SELECT dynamo.describe_contributor_insights('{"TableName": "ins_main"}') AS before \gset
SELECT pg_temp.change('ins_main', 'ENABLE');
SELECT dynamo.describe_contributor_insights('{"TableName": "ins_main"}') = :'before' AS same;
SELECT dynamo.update_table('{"TableName": "ins_main", "DeletionProtectionEnabled": true}') IS NOT NULL;
SELECT dynamo.describe_contributor_insights('{"TableName": "ins_main"}') = :'before' AS same;
SELECT dynamo.describe_table('{"TableName": "ins_main"}') #> '{Table,DeletionProtectionEnabled}';
SELECT dynamo.update_table('{"TableName": "ins_main", "DeletionProtectionEnabled": false}') IS NOT NULL;

-- an uncommitted change
BEGIN;
SELECT pg_temp.change('ins_plain', 'ENABLE', '{"ContributorInsightsMode": "THROTTLED_KEYS"}');
SELECT pg_temp.describe('ins_plain');
ROLLBACK;
SELECT pg_temp.describe('ins_plain');

-- pages
SELECT dynamo.list_contributor_insights('{}');
SELECT dynamo.list_contributor_insights('{"TableName": "ins_main"}');
SELECT dynamo.list_contributor_insights('{"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/ins_plain", "MaxResults": 0}');
SELECT dynamo.list_contributor_insights('{"MaxResults": 3}') AS page \gset
SELECT jsonb_path_query_array(:'page', '$.ContributorInsightsSummaries[*].IndexName');
SELECT dynamo.list_contributor_insights(jsonb_build_object('MaxResults', 3, 'NextToken', :'page'::jsonb -> 'NextToken'));
SELECT dynamo.list_contributor_insights('{"MaxResults": 1}') AS page \gset
SELECT jsonb_path_query_array(:'page', '$.ContributorInsightsSummaries[*].TableName');
SELECT dynamo.list_contributor_insights(jsonb_build_object('MaxResults', 1, 'NextToken', :'page'::jsonb -> 'NextToken')) AS page \gset
SELECT jsonb_path_query_array(:'page', '$.ContributorInsightsSummaries[*].IndexName');

-- keys that are accessed
SELECT dynamo.put_item('ins_main', '{"p": "a", "s": 1, "g": "x", "l": "m"}') IS NOT NULL;
SELECT dynamo.put_item('ins_main', '{"p": "a", "s": 2, "g": "x"}') IS NOT NULL;
SELECT dynamo.put_item('ins_main', '{"p": "b", "s": 1}') IS NOT NULL;
SELECT * FROM pg_temp.counted('ins_main');
SELECT dynamo.get_item('{"TableName": "ins_main", "Key": {"p": {"S": "a"}, "s": {"N": "1"}}, "ConsistentRead": true}') IS NOT NULL;
SELECT dynamo.get_item('{"TableName": "ins_main", "Key": {"p": {"S": "not there"}, "s": {"N": "-1.50"}}}');
SELECT dynamo.delete_item('{"TableName": "ins_main", "Key": {"p": {"S": "b"}, "s": {"N": "1.0"}}}');
SELECT dynamo.update_item('ins_main', '{"p": "c", "s": 1}', 'SET g = :g', '{":g": "y"}') IS NOT NULL;
SELECT * FROM pg_temp.counted('ins_main');

-- batches and transactions
SELECT dynamo.batch_write_item('{"RequestItems": {"ins_main": [
	{"PutRequest": {"Item": {"p": {"S": "batch"}, "s": {"N": "1"}, "g": {"S": "x"}}}},
	{"PutRequest": {"Item": {"p": {"S": "batch"}, "s": {"N": "2"}}}}]}}');
SELECT dynamo.batch_get_item('{"RequestItems": {"ins_main": {"ConsistentRead": true, "Keys": [
	{"p": {"S": "batch"}, "s": {"N": "1"}}, {"p": {"S": "batch"}, "s": {"N": "3"}}]}}}') IS NOT NULL;
SELECT dynamo.transact_write_items('{"TransactItems": [{"Put": {"TableName": "ins_main", "Item": {"p": {"S": "transact"}, "s": {"N": "1"}}}}]}');
SELECT dynamo.execute_statement('{"Statement": "INSERT INTO ins_main VALUE {''p'': ''partiql'', ''s'': 1}"}');
SELECT * FROM pg_temp.counted('ins_main') WHERE partition_key IN ('batch', 'transact', 'partiql');

-- through indexes: the local one's are the table's
SELECT dynamo.query('{"TableName": "ins_main", "IndexName": "by_g", "KeyConditionExpression": "g = :g",
	"ExpressionAttributeValues": {":g": {"S": "x"}}}') -> 'Count';
SELECT dynamo.query('{"TableName": "ins_main", "IndexName": "by_l", "KeyConditionExpression": "p = :p",
	"ExpressionAttributeValues": {":p": {"S": "a"}}}') -> 'Count';
SELECT dynamo.query('{"TableName": "ins_main", "KeyConditionExpression": "p = :p",
	"ExpressionAttributeValues": {":p": {"S": "a"}}}') -> 'Count';
SELECT * FROM pg_temp.counted('ins_main') WHERE index_name IS NOT NULL OR partition_key = 'a';

-- what is no access
SELECT dynamo.put_item('{"TableName": "ins_main", "Item": {"p": {"S": "refused"}, "s": {"S": "1"}}}');
SELECT dynamo.scan('{"TableName": "ins_main"}'::jsonb) -> 'Count';
INSERT INTO dynamo_tables.ins_main (item) VALUES ('{"p": {"S": "sql"}, "s": {"N": "1"}}');
SELECT * FROM pg_temp.counted('ins_main') WHERE partition_key IN ('refused', 'sql');

-- the columns
SELECT window_end - window_start AS window, now() - window_start < '2 hours' AS recent,
	abs(share - count / sum(count) OVER (PARTITION BY index_name, rule, window_start)) < 1e-9 AS share
FROM dynamo.contributor_insights WHERE table_name = 'ins_main' GROUP BY 1, 2, share, count, index_name, rule, window_start
LIMIT 1;

-- keys of other types, and long ones: beginnings are shown, the whole counts
SELECT dynamo.create_table('ins_n', 'p N', 's B') IS NOT NULL, pg_temp.change('ins_n', 'ENABLE') IS NOT NULL;
SELECT dynamo.put_item('{"TableName": "ins_n", "Item": {"p": {"N": "1.50E2"}, "s": {"B": "AAEC"}}}');
SELECT dynamo.put_item('{"TableName": "ins_n", "Item": {"p": {"N": "150"}, "s": {"B": "AAED"}}}');
SELECT * FROM pg_temp.counted('ins_n');
SELECT dynamo.create_table('ins_long', 'p S', 's S') IS NOT NULL, pg_temp.change('ins_long', 'ENABLE') IS NOT NULL;
CREATE FUNCTION pg_temp.put(p text, s text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.put_item(jsonb_build_object('TableName', 'ins_long', 'Item',
		jsonb_build_object('p', jsonb_build_object('S', p), 's', jsonb_build_object('S', s))))
$$;
SELECT pg_temp.put(repeat('p', 160), 's'), pg_temp.put(repeat('p', 161), 's'), pg_temp.put(repeat('p', 2048), 's');
SELECT pg_temp.put(repeat(U&'\20AC', 500) || i, repeat(U&'\20AC', 300)) FROM generate_series(1, 2) i;
SELECT pg_temp.put(repeat(U&'\20AC', 500) || 1, repeat(U&'\20AC', 300));
SELECT pg_temp.put('quote"', '\');
SELECT rule, regexp_replace(regexp_replace(partition_key, 'p{10,}', 'PS'), U&'\20AC+', 'EUROS') AS p, octet_length(partition_key) AS bytes,
	regexp_replace(sort_key, U&'\20AC+', 'EUROS') AS s, octet_length(sort_key) AS bytes, count, error
FROM dynamo.contributor_insights WHERE table_name = 'ins_long' ORDER BY 1, 2, 6, 3;

-- several attributes
SELECT dynamo.create_table('{"TableName": "ins_multi", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "a", "AttributeType": "S"},
		{"AttributeName": "b", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "N"}],
	"GlobalSecondaryIndexes": [{"IndexName": "by_ab", "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"},
		{"AttributeName": "b", "KeyType": "HASH"}, {"AttributeName": "c", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "ALL"}}]}') IS NOT NULL;
SELECT pg_temp.change('ins_multi', 'ENABLE', '{"IndexName": "by_ab"}');
SELECT dynamo.put_item('ins_multi', '{"p": "1", "a": "x\"y\\", "b": "z", "c": 1}') IS NOT NULL;
SELECT dynamo.put_item('ins_multi', '{"p": "2", "a": "x", "b": "yz", "c": 2}') IS NOT NULL;
SELECT dynamo.put_item('ins_multi', '{"p": "3", "a": "xy", "b": "z", "c": 2}') IS NOT NULL;
SELECT * FROM pg_temp.counted('ins_multi');

-- rights: who may use the table may see its state, who may read all of it the keys
CREATE ROLE regress_ins_reader;
CREATE ROLE regress_ins_writer;
CREATE ROLE regress_ins_nobody;
GRANT SELECT ON dynamo_tables.ins_main TO regress_ins_reader;
GRANT INSERT ON dynamo_tables.ins_main TO regress_ins_writer;
SET ROLE regress_ins_reader;
SELECT pg_temp.describe('ins_main', 'by_g');
SELECT pg_temp.change('ins_main', 'DISABLE');
SELECT pg_temp.change('ins_main', 'DISABLE', '{"IndexName": "by_g"}');
SELECT pg_temp.change('ins_none', 'DISABLE');
SELECT pg_temp.describe('ins_plain');
SELECT dynamo.list_contributor_insights('{"TableName": "ins_plain"}');
SELECT jsonb_path_query_array(dynamo.list_contributor_insights('{}'), '$.ContributorInsightsSummaries[*].TableName');
SELECT DISTINCT table_name, index_name FROM dynamo.contributor_insights ORDER BY 1, 2;
SET ROLE regress_ins_writer;
SELECT pg_temp.describe('ins_main', 'by_none');
SELECT jsonb_path_query_array(dynamo.list_contributor_insights('{}'), '$.ContributorInsightsSummaries[*].TableName');
SELECT count(*) FROM dynamo.contributor_insights;
SET ROLE regress_ins_nobody;
SELECT pg_temp.describe('ins_main');
SELECT dynamo.list_contributor_insights('{}');
SELECT count(*) FROM dynamo.contributor_insights;
SELECT count(*) FROM dynamo.stat_get_contributor_insights();
RESET ROLE;
ALTER TABLE dynamo_tables.ins_main ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_a ON dynamo_tables.ins_main FOR SELECT USING (pk = 'a');
SELECT count(*) > 0 FROM dynamo.contributor_insights WHERE table_name = 'ins_main';
SET ROLE regress_ins_reader;
SELECT count(*) FROM dynamo.contributor_insights WHERE table_name = 'ins_main';
RESET ROLE;
ALTER TABLE dynamo_tables.ins_main DISABLE ROW LEVEL SECURITY;

-- a mode without accesses, then none; what was counted before is forgotten
SELECT pg_temp.change('ins_main', 'ENABLE', '{"ContributorInsightsMode": "THROTTLED_KEYS"}');
SELECT pg_temp.describe('ins_main');
SELECT * FROM pg_temp.counted('ins_main') WHERE index_name IS NULL;
SELECT dynamo.put_item('ins_main', '{"p": "throttled only", "s": 1}') IS NOT NULL;
SELECT pg_temp.change('ins_main', 'ENABLE');
SELECT rule, count(*) > 1, count(*) FILTER (WHERE partition_key = 'throttled only') FROM pg_temp.counted('ins_main')
WHERE index_name IS NULL GROUP BY 1 ORDER BY 1;
SELECT pg_temp.change('ins_main', 'DISABLE');
SELECT pg_temp.change('ins_main', 'DISABLE', '{"ContributorInsightsMode": "THROTTLED_KEYS"}');
SELECT pg_temp.describe('ins_main');
SELECT DISTINCT index_name FROM pg_temp.counted('ins_main') ORDER BY 1;
SELECT dynamo.list_contributor_insights('{"TableName": "ins_main"}');
SELECT dynamo.put_item('ins_main', '{"p": "disabled", "s": 1}') IS NOT NULL;
SELECT pg_temp.change('ins_main', 'ENABLE');
SELECT count(*) FROM pg_temp.counted('ins_main') WHERE index_name IS NULL;
SELECT dynamo.put_item('ins_main', '{"p": "enabled", "s": 1}') IS NOT NULL;
SELECT * FROM pg_temp.counted('ins_main') WHERE index_name IS NULL;

-- throttled keys
SELECT dynamo.create_table('{"TableName": "ins_slow", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}]}') IS NOT NULL;
SELECT pg_temp.change('ins_slow', 'ENABLE', '{"ContributorInsightsMode": "THROTTLED_KEYS"}') IS NOT NULL;
SET dynamo.throttling = on;
SELECT dynamo.put_item(jsonb_build_object('TableName', 'ins_slow', 'Item', jsonb_build_object('p', '{"S": "large"}'::jsonb,
	'v', jsonb_build_object('S', repeat('x', 390 * 1024)))));
SELECT dynamo.put_item('{"TableName": "ins_slow", "Item": {"p": {"S": "hot"}}}');
SELECT dynamo.put_item('{"TableName": "ins_slow", "Item": {"p": {"S": "hot"}}}');
SELECT dynamo.put_item('{"TableName": "ins_slow", "Item": {"p": {"S": "warm"}}}');
RESET dynamo.throttling;
SELECT * FROM pg_temp.counted('ins_slow');

-- renamed, its index dropped, dropped
ALTER TABLE dynamo_tables.ins_multi RENAME TO ins_renamed;
SELECT count(*) FROM pg_temp.counted('ins_renamed');
SELECT dynamo.update_table('{"TableName": "ins_main", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_g"}}]}') IS NOT NULL;
SELECT DISTINCT index_name FROM pg_temp.counted('ins_main') ORDER BY 1;
SELECT jsonb_path_query_array(dynamo.list_contributor_insights('{"TableName": "ins_main"}'), '$.ContributorInsightsSummaries[*].IndexName');
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', table_name))) FROM dynamo.tables WHERE table_name LIKE 'ins\_%';
SELECT count(*) FROM dynamo.contributor_insights;
SELECT dynamo.list_contributor_insights('{}');
DROP ROLE regress_ins_reader, regress_ins_writer, regress_ins_nobody;
