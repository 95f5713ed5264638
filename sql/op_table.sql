-- CreateTable, DescribeTable, ListTables, UpdateTable, DeleteTable, and the
-- account's own operations
\set VERBOSITY terse
\pset format unaligned

-- a role that sees its own tables only
CREATE ROLE regress_op_table;
CREATE ROLE regress_op_reader;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_op_table;
SET ROLE regress_op_table;

-- a response without what differs from run to run
CREATE FUNCTION pg_temp.stable(response jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT response
		#- '{Table,CreationDateTime}' #- '{Table,TableId}'
		#- '{TableDescription,CreationDateTime}' #- '{TableDescription,TableId}'
$$;

-- a table that only differs from others by name and further members
CREATE FUNCTION pg_temp.make(name text, more jsonb DEFAULT '{"BillingMode": "PAY_PER_REQUEST"}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.stable(dynamo.create_table(jsonb_build_object(
		'TableName', name,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb) || more))
$$;

CREATE FUNCTION pg_temp.show(name text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.stable(dynamo.describe_table(jsonb_build_object('TableName', name))) -> 'Table'
$$;

CREATE FUNCTION pg_temp.change(name text, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.stable(dynamo.update_table(jsonb_build_object('TableName', name) || more))
		-> 'TableDescription'
$$;

--
-- CreateTable and DescribeTable
--
SELECT jsonb_pretty(pg_temp.stable(dynamo.create_table('{
	"TableName": "Music",
	"AttributeDefinitions": [{"AttributeName": "SongTitle", "AttributeType": "N"},
							 {"AttributeName": "Artist", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "Artist", "KeyType": "HASH"},
				  {"AttributeName": "SongTitle", "KeyType": "RANGE"}],
	"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}')));
SELECT jsonb_pretty(pg_temp.show('Music'));
SELECT jsonb_typeof(t -> 'CreationDateTime') AS created, length(t ->> 'TableId') AS id_length,
	abs((t ->> 'CreationDateTime')::numeric - extract(epoch FROM now())) < 3600 AS recent,
	(t ->> 'CreationDateTime') ~ '^\d{10}(\.\d{1,3})?$' AS milliseconds
FROM (SELECT dynamo.describe_table('{"TableName": "Music"}') -> 'Table') x(t);
INSERT INTO dynamo_tables."Music" (item) VALUES
	('{"Artist": {"S": "x"}, "SongTitle": {"N": "1"}}'),
	('{"Artist": {"S": "x"}, "SongTitle": {"N": "2"}, "a": {"BOOL": true}}');
SELECT t -> 'ItemCount' AS items, t -> 'TableSizeBytes' AS bytes FROM pg_temp.show('Music') t;
-- by ARN
SELECT dynamo.describe_table('{"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/Music"}')
	#>> '{Table,TableName}' AS name;

-- on demand: the time of the switch appears with the active table
SELECT pg_temp.make('ondemand');
SELECT t #>> '{BillingModeSummary,BillingMode}' AS mode,
	t #> '{BillingModeSummary,LastUpdateToPayPerRequestDateTime}' IS NOT NULL AS since,
	t -> 'ProvisionedThroughput' AS throughput, t -> 'WarmThroughput' AS warm
FROM pg_temp.show('ondemand') t;

-- every option
SELECT jsonb_pretty(pg_temp.make('options', '{
	"BillingMode": "PAY_PER_REQUEST",
	"TableClass": "STANDARD_INFREQUENT_ACCESS",
	"DeletionProtectionEnabled": true,
	"SSESpecification": {"Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "1234"},
	"OnDemandThroughput": {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": -1},
	"WarmThroughput": {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 4000},
	"StreamSpecification": {"StreamEnabled": false},
	"Tags": [{"Key": "a", "Value": "1"}]}'));
SELECT pg_temp.show('options') #- '{BillingModeSummary,LastUpdateToPayPerRequestDateTime}';
SELECT pg_temp.make('kms.default', '{"BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"Enabled": true}}')
	#> '{TableDescription,SSEDescription}';
SELECT pg_temp.make('kms.arn', '{"BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"Enabled": true, "KMSMasterKeyId": "arn:aws:kms:us-east-1:1:key/x"}}')
	#> '{TableDescription,SSEDescription}';
SELECT pg_temp.make('aes', '{"BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"Enabled": false}, "TableClass": "STANDARD"}')
	#> '{TableDescription}' ?| '{SSEDescription,TableClassSummary}' AS mentioned;

-- names of 3 and 255 characters, numbers as names
SELECT pg_temp.make('a.b') #>> '{TableDescription,TableArn}';
SELECT length(pg_temp.make(repeat('x', 255)) #>> '{TableDescription,TableName}');
SELECT pg_temp.show(repeat('x', 255)) ->> 'TableStatus' AS status;

-- the table name
SELECT dynamo.create_table('{}');
SELECT pg_temp.make('ab');
SELECT pg_temp.make(repeat('x', 256));
SELECT pg_temp.make('a b c');
SELECT pg_temp.make('arn:aws:dynamodb:us-east-1:000000000000:table/Some');
SELECT dynamo.create_table('{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST"}');
SELECT dynamo.create_table('{"TableName": "abc", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [], "AttributeDefinitions": []}');

-- billing
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}');
SELECT pg_temp.make('bad', '{}');
SELECT pg_temp.make('bad', '{"BillingMode": "PROVISIONED"}');
SELECT pg_temp.make('bad', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1000000000001, "WriteCapacityUnits": 1000000000001}}');
SELECT pg_temp.make('bad', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1000000000000, "WriteCapacityUnits": 1000000000001}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}}');

-- key schema and definitions
CREATE FUNCTION pg_temp.keys(definitions jsonb, key_schema jsonb, more jsonb DEFAULT '{}')
RETURNS jsonb LANGUAGE sql AS $$
	SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST"}'
		|| jsonb_build_object('AttributeDefinitions', definitions, 'KeySchema', key_schema) || more)
$$;
SELECT pg_temp.keys('[]', '[{"AttributeName": "p", "KeyType": "HASH"}]');
SELECT pg_temp.keys('[{"AttributeName": "a", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "a", "KeyType": "RANGE"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "p", "KeyType": "RANGE"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "RANGE"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "HASH"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "p", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "BOOL"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}]');
SELECT pg_temp.keys('[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "b", "AttributeType": "S"}, {"AttributeName": "c", "AttributeType": "S"}]',
	'[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "b", "KeyType": "RANGE"}, {"AttributeName": "c", "KeyType": "RANGE"}]');
SELECT pg_temp.keys(jsonb_build_array(jsonb_build_object('AttributeName', repeat('p', 256), 'AttributeType', 'S')), '[{"AttributeName": "q", "KeyType": "RANGE"}]');

-- options that do not fit
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": {"StreamEnabled": true}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": {"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"Enabled": false, "KMSMasterKeyId": "x"}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": {}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": {"MaxReadRequestUnits": 0}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "OnDemandThroughput": {"MaxWriteRequestUnits": -2}}');
SELECT pg_temp.make('bad', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "OnDemandThroughput": {"MaxReadRequestUnits": 1}}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "WarmThroughput": {"ReadUnitsPerSecond": 11999}}');
SELECT pg_temp.make('bad', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 3}, "WarmThroughput": {"WriteUnitsPerSecond": 2}}');

-- indexes, and what this version refuses
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "LocalSecondaryIndexes": []}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "GlobalSecondaryIndexes": []}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "LocalSecondaryIndexes": [{"IndexName": "idx",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]}');
SELECT pg_temp.make('bad', '{"BillingMode": "PAY_PER_REQUEST", "ResourcePolicy": "{}"}');
SELECT dynamo.create_table('{"TableName": "bad", "GlobalTableSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/Music"}');

-- a name that is taken
SELECT pg_temp.make('Music');

-- an absent table
SELECT dynamo.describe_table('{"TableName": "bad"}');
SELECT dynamo.describe_table('{}');
SELECT dynamo.describe_table('{"TableName": "ab"}');
SELECT dynamo.describe_table('{"TableName": "a b c"}');

--
-- ListTables
--
SELECT dynamo.list_tables('{}') #- '{TableNames,-1}' AS but_the_longest;
SELECT dynamo.list_tables('{"Limit": 2}');
SELECT dynamo.list_tables('{"Limit": 2, "ExclusiveStartTableName": "b00"}');
SELECT dynamo.list_tables('{"ExclusiveStartTableName": "options"}') ? 'LastEvaluatedTableName' AS more;
SELECT dynamo.list_tables('{"ExclusiveStartTableName": "zzz"}');
SELECT dynamo.list_tables('{"Limit": 0}');
SELECT dynamo.list_tables('{"Limit": 101}');
SELECT dynamo.list_tables('{"ExclusiveStartTableName": "ab"}');

--
-- UpdateTable
--
SELECT pg_temp.change('Music', '{}');
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": []}');
SELECT pg_temp.change('Music', '{"AttributeDefinitions": []}');
SELECT pg_temp.change('bad', '{"DeletionProtectionEnabled": true}');
SELECT pg_temp.change('Music', '{"BillingMode": "PROVISIONED"}');
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 1000000000001}}');
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}');
SELECT pg_temp.change('ondemand', '{"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}');
SELECT pg_temp.change('ondemand', '{"BillingMode": "PAY_PER_REQUEST", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}}');

-- throughput: the answer shows the old figures, but the new times
SELECT t ->> 'TableStatus' AS status, t -> 'WarmThroughput' AS warm,
	(t -> 'ProvisionedThroughput') - 'LastIncreaseDateTime' AS throughput,
	t -> 'ProvisionedThroughput' ? 'LastIncreaseDateTime' AS increased
FROM pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 10, "WriteCapacityUnits": 6}}') t;
SELECT t ->> 'TableStatus' AS status, t -> 'WarmThroughput' AS warm,
	(t -> 'ProvisionedThroughput') - 'LastIncreaseDateTime' AS throughput
FROM pg_temp.show('Music') t;
SELECT (t -> 'ProvisionedThroughput') - '{LastIncreaseDateTime,LastDecreaseDateTime}'::text[] AS throughput,
	t -> 'ProvisionedThroughput' ? 'LastDecreaseDateTime' AS decreased
FROM pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 9, "WriteCapacityUnits": 7}}') t;
SELECT (t -> 'ProvisionedThroughput') - '{LastIncreaseDateTime,LastDecreaseDateTime}'::text[] AS throughput,
	t -> 'WarmThroughput' AS warm
FROM pg_temp.show('Music') t;

-- four decreases at first, the fifth only after an hour
SELECT r, pg_temp.change('Music', jsonb_build_object('ProvisionedThroughput',
	jsonb_build_object('ReadCapacityUnits', r, 'WriteCapacityUnits', 7))) ->> 'TableStatus' AS status
FROM generate_series(8, 6, -1) r ORDER BY r DESC;
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 7}}');
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7}}') ->> 'TableStatus' AS status;

-- further ones within the hour of the first, or an hour after the last; never
-- more than 27 a day.  Early in a day of UTC, to which they belong, these would
-- be another day's.
CREATE FUNCTION pg_temp.may_decrease(decreases int, first interval, last interval) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	RESET ROLE;
	UPDATE dynamo.table_definition SET settings = settings || jsonb_build_object(
		'ReadCapacityUnits', 1000, 'DecreasesOfDay', decreases,
		'FirstDecreaseOfDay', trunc(extract(epoch FROM clock_timestamp() - first) * 1000),
		'LastDecrease', trunc(extract(epoch FROM clock_timestamp() - last) * 1000))
	WHERE table_name = 'Music';
	SET ROLE regress_op_table;
	PERFORM pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 999, "WriteCapacityUnits": 7}}');
	RETURN (pg_temp.show('Music') #>> '{ProvisionedThroughput,NumberOfDecreasesToday}')::int IN (decreases + 1, 1);
EXCEPTION WHEN SQLSTATE 'DY008' THEN
	SET ROLE regress_op_table;
	RETURN false;
END
$$;
SELECT decreases, first, last,
	CASE WHEN now() AT TIME ZONE 'UTC' - last > (now() AT TIME ZONE 'UTC')::date
		THEN pg_temp.may_decrease(decreases, first, last) ELSE expected END AS allowed
FROM (VALUES (3, interval '59 min', interval '1 min', true), (3, '61 min', '1 min', false),
	(3, '121 min', '61 min', true), (26, '3 hours', '59 min', false), (26, '3 hours', '61 min', true),
	(27, '3 hours', '61 min', false)) x(decreases, first, last, expected);
SELECT pg_temp.may_decrease(27, '25 hours', '24 hours') AS next_day;
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 7}}') ->> 'TableStatus' AS status;

-- the same an hour later, which may be another day
RESET ROLE;
UPDATE dynamo.table_definition SET settings = settings || jsonb_build_object(
	'FirstDecreaseOfDay', (settings ->> 'FirstDecreaseOfDay')::bigint - 3600000,
	'LastDecrease', (settings ->> 'LastDecrease')::bigint - 3600000)
WHERE table_name = 'Music';
SET ROLE regress_op_table;
SELECT pg_temp.change('Music', '{"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 7}}') ->> 'TableStatus' AS status;

-- billing mode
SELECT t -> 'BillingModeSummary' AS billing,
	(t -> 'ProvisionedThroughput') - '{LastIncreaseDateTime,LastDecreaseDateTime,NumberOfDecreasesToday}'::text[] AS throughput
FROM pg_temp.change('Music', '{"BillingMode": "PAY_PER_REQUEST"}') t;
SELECT t #>> '{BillingModeSummary,BillingMode}' AS mode,
	t -> 'BillingModeSummary' ? 'LastUpdateToPayPerRequestDateTime' AS since,
	t -> 'WarmThroughput' AS warm
FROM pg_temp.show('Music') t;
SELECT pg_temp.change('Music', '{"BillingMode": "PAY_PER_REQUEST"}') ->> 'TableStatus' AS status;
SELECT t ->> 'TableStatus' AS status, t #>> '{BillingModeSummary,BillingMode}' AS mode
FROM pg_temp.change('Music', '{"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}}') t;
SELECT (t -> 'ProvisionedThroughput') - '{LastIncreaseDateTime,LastDecreaseDateTime,NumberOfDecreasesToday}'::text[] AS throughput,
	t #>> '{BillingModeSummary,BillingMode}' AS mode, t -> 'WarmThroughput' AS warm
FROM pg_temp.show('Music') t;
DO $$
BEGIN
	FOR i IN 1 .. 4 LOOP
		PERFORM pg_temp.change('Music', '{"BillingMode": "PAY_PER_REQUEST"}');
		PERFORM pg_temp.change('Music', '{"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}}');
		RAISE NOTICE 'switch %', i + 1;
	END LOOP;
END
$$;

RESET ROLE;
UPDATE dynamo.table_definition SET settings = settings || jsonb_build_object('OnDemandSince',
	(SELECT jsonb_agg(t::bigint - 86400000) FROM jsonb_array_elements_text(settings -> 'OnDemandSince') t))
WHERE table_name = 'Music';
SET ROLE regress_op_table;
SELECT pg_temp.change('Music', '{"BillingMode": "PAY_PER_REQUEST"}') ->> 'TableStatus' AS status;
SELECT pg_temp.change('Music', '{"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}}') ->> 'TableStatus' AS status;

-- one that was created on demand was not switched to it
DO $$
BEGIN
	PERFORM pg_temp.make('created');
	FOR i IN 1 .. 5 LOOP
		PERFORM pg_temp.change('created', '{"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 3}}');
		PERFORM pg_temp.change('created', '{"BillingMode": "PAY_PER_REQUEST"}');
		RAISE NOTICE 'switch %', i;
	END LOOP;
END
$$;
SELECT t -> 'CreationDateTime' = t #> '{BillingModeSummary,LastUpdateToPayPerRequestDateTime}' AS same
FROM (SELECT dynamo.describe_table('{"TableName": "ondemand"}') -> 'Table') x(t);

-- table class: two changes in 30 days
SELECT t ->> 'TableStatus' AS status, (t -> 'TableClassSummary') - 'LastUpdateDateTime' AS class
FROM pg_temp.change('Music', '{"TableClass": "STANDARD_INFREQUENT_ACCESS"}') t;
SELECT pg_temp.change('Music', '{"TableClass": "STANDARD_INFREQUENT_ACCESS"}') ->> 'TableStatus' AS status;
SELECT (t -> 'TableClassSummary') - 'LastUpdateDateTime' AS class
FROM pg_temp.change('Music', '{"TableClass": "STANDARD"}') t;
SELECT pg_temp.change('Music', '{"TableClass": "STANDARD_INFREQUENT_ACCESS"}');
SELECT pg_temp.show('Music') #> '{TableClassSummary,TableClass}' AS class;

-- other settings
SELECT t ->> 'TableStatus' AS status, t -> 'DeletionProtectionEnabled' AS protected
FROM pg_temp.change('Music', '{"DeletionProtectionEnabled": true}') t;
SELECT t ->> 'TableStatus' AS status, t -> 'SSEDescription' AS encryption
FROM pg_temp.change('Music', '{"SSESpecification": {"Enabled": true, "KMSMasterKeyId": "alias/mine"}}') t;
SELECT pg_temp.change('Music', '{"SSESpecification": {"Enabled": false}}') -> 'SSEDescription' AS encryption;
SELECT pg_temp.change('Music', '{"OnDemandThroughput": {"MaxReadRequestUnits": 1}}');
SELECT pg_temp.change('ondemand', '{"OnDemandThroughput": {"MaxReadRequestUnits": 1}}') -> 'OnDemandThroughput' AS maxima;
SELECT pg_temp.change('ondemand', '{"OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 7}}') -> 'OnDemandThroughput' AS maxima;
SELECT pg_temp.change('ondemand', '{"WarmThroughput": {"ReadUnitsPerSecond": 11999, "WriteUnitsPerSecond": 4000}}');
SELECT pg_temp.change('ondemand', '{"WarmThroughput": {}}');
SELECT pg_temp.change('ondemand', '{"WarmThroughput": {"ReadUnitsPerSecond": 12001}}') -> 'WarmThroughput' AS warm;
SELECT pg_temp.show('ondemand') -> 'WarmThroughput' AS warm;

-- indexes, and what this version refuses
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": [{}]}');
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}, "Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}}]}');
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}, {"Delete": {"IndexName": "abc"}}, {"Delete": {"IndexName": "idx"}}]}');
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "idx", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1000000000001}}}]}');
SELECT pg_temp.change('Music', '{"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}]}');
SELECT pg_temp.change('bad', '{"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "idx"}}]}');
SELECT pg_temp.change('Music', '{"StreamSpecification": {"StreamEnabled": true}}');
SELECT pg_temp.change('Music', '{"StreamSpecification": {"StreamEnabled": false}}');
SELECT pg_temp.change('Music', '{"ReplicaUpdates": [{"Create": {"RegionName": "eu-west-1"}}]}');

--
-- DeleteTable
--
SELECT dynamo.delete_table('{"TableName": "bad"}');
SELECT dynamo.delete_table('{"TableName": "Music"}');
SELECT pg_temp.change('Music', '{"DeletionProtectionEnabled": false}') -> 'DeletionProtectionEnabled' AS protected;
SELECT pg_temp.stable(dynamo.delete_table('{"TableName": "Music"}'))
	#- '{TableDescription,ProvisionedThroughput,LastIncreaseDateTime}'
	#- '{TableDescription,ProvisionedThroughput,LastDecreaseDateTime}'
	#- '{TableDescription,ProvisionedThroughput,NumberOfDecreasesToday}'
	#- '{TableDescription,BillingModeSummary,LastUpdateToPayPerRequestDateTime}'
	#- '{TableDescription,TableClassSummary,LastUpdateDateTime}';
SELECT dynamo.describe_table('{"TableName": "Music"}');
SELECT dynamo.delete_table('{"TableName": "Music"}');
SELECT to_regclass('dynamo_tables."Music"') IS NULL AS gone;
-- the name can be used again
SELECT pg_temp.make('Music') #>> '{TableDescription,TableStatus}' AS status;

-- a table's life in one transaction
BEGIN;
SELECT pg_temp.make('short') #>> '{TableDescription,TableStatus}' AS status;
SELECT pg_temp.change('short', '{"TableClass": "STANDARD_INFREQUENT_ACCESS"}') ->> 'TableStatus' AS status;
SELECT t ->> 'TableStatus' AS status, t #>> '{TableClassSummary,TableClass}' AS class FROM pg_temp.show('short') t;
SELECT dynamo.delete_table('{"TableName": "short"}') #>> '{TableDescription,TableStatus}' AS status;
SELECT pg_temp.make('short') #>> '{TableDescription,TableStatus}' AS status;
ROLLBACK;
SELECT pg_temp.show('short');

--
-- rights
--
SET ROLE regress_op_reader;
SELECT pg_temp.make('theirs');
SELECT dynamo.list_tables('{}');
SELECT dynamo.describe_table('{"TableName": "Music"}');
SELECT dynamo.describe_table('{"TableName": "bad"}');
SELECT pg_temp.change('Music', '{"DeletionProtectionEnabled": true}');
SELECT dynamo.delete_table('{"TableName": "Music"}');
SET ROLE regress_op_table;
GRANT SELECT ON dynamo_tables."Music" TO regress_op_reader;
SET ROLE regress_op_reader;
SELECT dynamo.list_tables('{}');
SELECT pg_temp.show('Music') ->> 'TableStatus' AS status;
SELECT pg_temp.change('Music', '{"DeletionProtectionEnabled": true}');
SELECT dynamo.delete_table('{"TableName": "Music"}');
SET ROLE regress_op_table;

--
-- the account
--
SELECT dynamo.describe_limits('{}');
SELECT dynamo.describe_endpoints('{}');
RESET ROLE;
SET dynamo.account_max_read_capacity_units = 4;
SET dynamo.account_max_write_capacity_units = 3;
SET dynamo.table_max_read_capacity_units = 2;
SET dynamo.table_max_write_capacity_units = 1;
SELECT dynamo.describe_limits('{}');
RESET dynamo.account_max_read_capacity_units;
RESET dynamo.account_max_write_capacity_units;
RESET dynamo.table_max_read_capacity_units;
RESET dynamo.table_max_write_capacity_units;
SET ROLE regress_op_table;
SET dynamo.table_max_read_capacity_units = 2;

SELECT pg_temp.change('options', '{"DeletionProtectionEnabled": false}') ->> 'TableStatus' AS status;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM jsonb_array_elements_text(dynamo.list_tables('{}') -> 'TableNames') name;
RESET ROLE;
DROP OWNED BY regress_op_table, regress_op_reader;
DROP ROLE regress_op_table, regress_op_reader;
