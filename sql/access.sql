-- Authorisation of every request by policies
\set VERBOSITY terse
\pset format unaligned
SET dynamo.region = 'us-east-1';

CREATE ROLE regress_access_app;
CREATE ROLE regress_access_group;
CREATE ROLE regress_access_other;
GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO regress_access_app, regress_access_other;

-- what comes of a request, which takes no effect
CREATE FUNCTION pg_temp.try(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	response jsonb;
	words text[];
BEGIN
	BEGIN
		response := dynamo.execute(operation, request);
		RAISE EXCEPTION '%', coalesce(response #>> '{Responses,0,Error,Message}', 'ok');
	EXCEPTION WHEN OTHERS THEN
		words := regexp_match(sqlerrm, 'perform: (\S+) on resource: (\S+) (because no identity|with an explicit deny in an identity|with an explicit deny in a resource)');
		IF words IS NULL THEN
			RETURN split_part(sqlerrm, ':', 1);
		END IF;
		RETURN format('%s of %s on %s', CASE split_part(words[3], ' ', 1) WHEN 'because' THEN 'no allow'
			ELSE split_part(words[3], ' ', 7) || ' deny' END,
			words[1], replace(words[2], 'arn:aws:dynamodb:us-east-1:000000000000:', ''));
	END;
END $$;
CREATE FUNCTION pg_temp.run(statement text, parameters jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.try('ExecuteStatement', jsonb_strip_nulls(jsonb_build_object('Statement', statement, 'Parameters', parameters)))
$$;
-- one statement: {"Effect": "Allow"} unless it says otherwise
CREATE FUNCTION pg_temp.policy(VARIADIC statements jsonb[]) RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_build_object('Version', '2012-10-17', 'Statement',
		jsonb_agg('{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}' || s ORDER BY i))::text
	FROM unnest(statements) WITH ORDINALITY AS u(s, i)
$$;
CREATE FUNCTION pg_temp.put(VARIADIC statements jsonb[]) RETURNS void LANGUAGE sql AS $$
	SELECT dynamo.put_role_policy('regress_access_app', 'p', pg_temp.policy(VARIADIC statements))
$$;
CREATE FUNCTION pg_temp.put_resource(document jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN dynamo.put_resource_policy(jsonb_build_object(
		'ResourceArn', 'arn:aws:dynamodb:us-east-1:000000000000:table/music',
		'Policy', jsonb_build_object('Version', '2012-10-17', 'Statement', document)::text,
		'ConfirmRemoveSelfResourceAccess', true)) ? 'RevisionId'
	THEN 'put' END
$$;

SET ROLE regress_access_app;
SELECT dynamo.create_table('{"TableName": "music", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "artist", "AttributeType": "S"}, {"AttributeName": "song", "AttributeType": "S"},
		{"AttributeName": "year", "AttributeType": "N"}, {"AttributeName": "label", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "song", "KeyType": "RANGE"}],
	"GlobalSecondaryIndexes": [
		{"IndexName": "by_year", "KeySchema": [{"AttributeName": "year", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}},
		{"IndexName": "by_label", "KeySchema": [{"AttributeName": "label", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "HASH"}],
			"Projection": {"ProjectionType": "ALL"}}],
	"Tags": [{"Key": "team", "Value": "blue"}]}') #>> '{TableDescription,TableName}' AS made;
SELECT dynamo.put_item('music', '{"artist": "regress_access_app", "song": "a", "year": 1, "label": "x", "price": 10}');
SELECT dynamo.put_item('music', '{"artist": "b", "song": "b", "year": 2, "label": "y", "price": 20}');
SELECT dynamo.create_table('numbers', 'n N');
RESET ROLE;

CREATE TEMP TABLE request (n serial, operation text, request jsonb);
GRANT SELECT ON request TO PUBLIC;
\set arn 'arn:aws:dynamodb:us-east-1:000000000000:table/music'
\set key '{"artist": {"S": "b"}, "song": {"S": "b"}}'
INSERT INTO request (operation, request) VALUES
	('BatchExecuteStatement', '{"Statements": [{"Statement": "SELECT * FROM music WHERE artist = ''b'' AND song = ''b''"}]}'),
	('BatchGetItem', '{"RequestItems": {"music": {"Keys": [{"artist": {"S": "b"}, "song": {"S": "b"}}]}}}'),
	('BatchWriteItem', '{"RequestItems": {"music": [{"PutRequest": {"Item": {"artist": {"S": "b"}, "song": {"S": "c"}}}}]}}'),
	('CancelBulkOperation', format('{"BulkOperationArn": "%s/bulk-operation/01700000000000-01234567"}', :'arn')::jsonb),
	('CreateTable', '{"TableName": "new", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
		"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}'),
	('DeleteItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb),
	('DeleteResourcePolicy', format('{"ResourceArn": "%s"}', :'arn')::jsonb),
	('DeleteTable', '{"TableName": "music"}'),
	('DescribeBulkOperation', format('{"BulkOperationArn": "%s/bulk-operation/01700000000000-01234567"}', :'arn')::jsonb),
	('DescribeContributorInsights', '{"TableName": "music"}'),
	('DescribeEndpoints', '{}'),
	('DescribeLimits', '{}'),
	('DescribeStream', format('{"StreamArn": "%s/stream/2020-01-01T00:00:00.000"}', :'arn')::jsonb),
	('DescribeTable', '{"TableName": "music"}'),
	('DescribeTableReplicaAutoScaling', '{"TableName": "music"}'),
	('DescribeTimeToLive', '{"TableName": "music"}'),
	('ExecuteStatement', '{"Statement": "SELECT * FROM music"}'),
	('ExecuteTransaction', '{"TransactStatements": [{"Statement": "DELETE FROM music WHERE artist = ''b'' AND song = ''b''"}]}'),
	('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb),
	('GetRecords', format('{"ShardIterator": "%s/stream/2020-01-01T00:00:00.000|1|abcd"}', :'arn')::jsonb),
	('GetResourcePolicy', format('{"ResourceArn": "%s"}', :'arn')::jsonb),
	('GetShardIterator', format('{"StreamArn": "%s/stream/2020-01-01T00:00:00.000", "ShardId": "shardId-00000001700000000000-01234567", "ShardIteratorType": "LATEST"}', :'arn')::jsonb),
	('ListBulkOperations', '{}'),
	('ListContributorInsights', '{}'),
	('ListStreams', '{}'),
	('ListTables', '{}'),
	('ListTagsOfResource', format('{"ResourceArn": "%s"}', :'arn')::jsonb),
	('PutItem', format('{"TableName": "music", "Item": %s}', :'key')::jsonb),
	('PutResourcePolicy', format('{"ResourceArn": "%s", "Policy": "{}"}', :'arn')::jsonb),
	('Query', '{"TableName": "music", "KeyConditionExpression": "artist = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}'),
	('Scan', '{"TableName": "music"}'),
	('StartBulkPutItems', '{"TableName": "music", "InputS3Configuration": {"S3Bucket": "b"}, "OutputS3Configuration": {"S3Bucket": "b"}}'),
	('TagResource', format('{"ResourceArn": "%s", "Tags": [{"Key": "k", "Value": "v"}]}', :'arn')::jsonb),
	('TransactGetItems', format('{"TransactItems": [{"Get": {"TableName": "music", "Key": %s}}]}', :'key')::jsonb),
	('TransactWriteItems', format('{"TransactItems": [{"Delete": {"TableName": "music", "Key": %s}}]}', :'key')::jsonb),
	('UntagResource', format('{"ResourceArn": "%s", "TagKeys": ["k"]}', :'arn')::jsonb),
	('UpdateContributorInsights', '{"TableName": "music", "ContributorInsightsAction": "ENABLE"}'),
	('UpdateItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb),
	('UpdateTable', '{"TableName": "music", "DeletionProtectionEnabled": true}'),
	('UpdateTableReplicaAutoScaling', '{"TableName": "music", "ProvisionedWriteCapacityAutoScalingUpdate": {"MinimumUnits": 1}}'),
	('UpdateTimeToLive', '{"TableName": "music", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "t"}}');
-- what is offered and not here
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'dynamo'::regnamespace AND p.proargnames[1] = 'request' AND p.pronargs - p.pronargdefaults <= 1
	AND p.proargtypes[0] = 'jsonb'::regtype AND NOT EXISTS (SELECT FROM request WHERE lower(operation) = replace(p.proname, '_', ''));

-- ---- every operation: without any policy, allowed, not allowed, denied ----
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request ORDER BY n;
RESET ROLE;
SELECT pg_temp.put('{}');
SET ROLE regress_access_app;
SELECT count(*) AS denied FROM request WHERE pg_temp.try(operation, request) LIKE '% of dynamodb:%';
RESET ROLE;
SELECT pg_temp.put('{"Action": "dynamodb:NoSuchAction"}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request ORDER BY n;
RESET ROLE;
SELECT pg_temp.put('{}', '{"Effect": "Deny", "Resource": "arn:aws:dynamodb:*:*:table/music*"}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request ORDER BY n;
RESET ROLE;

-- the resource's policy denies, and allows what no identity policy does
SELECT pg_temp.put('{}');
SELECT pg_temp.put_resource('{"Effect": "Deny", "Principal": "*", "Action": "dynamodb:*", "Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/music"}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request ORDER BY n;
RESET ROLE;
DELETE FROM dynamo.resource_policy;
SELECT pg_temp.put('{"Action": "dynamodb:ListTables"}');
SELECT pg_temp.put_resource('{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:user/regress_access_app"},
	"Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": ["arn:aws:dynamodb:us-east-1:000000000000:table/music", "arn:aws:dynamodb:us-east-1:000000000000:table/music/index/*"]}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request WHERE operation IN ('GetItem', 'PutItem', 'Query', 'TransactGetItems') ORDER BY n;
SELECT pg_temp.try('Query', '{"TableName": "music", "IndexName": "by_year", "KeyConditionExpression": "#y = :a",
	"ExpressionAttributeNames": {"#y": "year"}, "ExpressionAttributeValues": {":a": {"N": "2"}}}');
SELECT pg_temp.try('Scan', '{"TableName": "music", "IndexName": "by_year"}');
RESET ROLE;
DELETE FROM dynamo.resource_policy;

-- ---- the texts ----
SELECT pg_temp.put('{"Action": "dynamodb:ListTables"}');
SET ROLE regress_access_app;
SELECT dynamo.scan('{"TableName": "music"}'::jsonb);
RESET ROLE;
SELECT pg_temp.put('{}', '{"Effect": "Deny", "Action": "dynamodb:Sc?n"}');
SET ROLE regress_access_app;
SELECT dynamo.scan('{"TableName": "music"}'::jsonb);
SELECT dynamo.scan('{"TableName": "music", "IndexName": "by_year"}'::jsonb);
SELECT * FROM dynamo.scan('music');
SELECT * FROM dynamo.scan('music', index_name => 'by_year');
RESET ROLE;

-- ---- nothing is told about what is there ----
SET ROLE regress_access_app;
SELECT pg_temp.try('Scan', '{"TableName": "no_such_table"}');
SELECT pg_temp.try('Scan', '{"TableName": "music", "IndexName": "no_such_index"}');
SELECT pg_temp.try('Scan', '{"TableName": "music", "Limit": 0}');
SELECT pg_temp.try('Scan', '{"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/music"}');
-- no way around by another spelling of the ARN
SELECT pg_temp.try('Scan', '{"TableName": "arn:aws-cn:dynamodb:us-east-1:000000000000:table/music"}');
SELECT pg_temp.try('Scan', '{"TableName": "arn::dynamodb:us-east-1:000000000000:table/music"}');
SELECT pg_temp.try('Scan', '{"TableName": 1}');
SELECT pg_temp.try('Scan', '{"TableName": null}');
SELECT pg_temp.try('Scan', '{}');
SELECT pg_temp.try('Scan', '[]');
RESET ROLE;

-- members that the operation does not have say nothing
SELECT pg_temp.put('{"Resource": "arn:aws:dynamodb:us-east-1:000000000000:table/music/index/*"}', '{"Condition": {"StringEquals": {"aws:RequestTag/a": "b"}}}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request || '{"IndexName": "by_year", "Tags": [{"Key": "a", "Value": "b"}]}') FROM request
WHERE operation IN ('GetItem', 'DeleteTable', 'Scan', 'Query', 'TagResource', 'UntagResource', 'PutItem') ORDER BY n;
SELECT pg_temp.try('TransactGetItems', format('{"TransactItems": [{"Get": {"TableName": "music", "IndexName": "by_year", "Key": %s}}]}', :'key')::jsonb);
RESET ROLE;

-- what has been decided is decided anew when something changes
SELECT pg_temp.put('{"Action": "dynamodb:GetItem"}');
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
SELECT dynamo.put_role_policy('regress_access_app', 'q', pg_temp.policy('{"Effect": "Deny", "Action": "dynamodb:GetItem"}'));
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
BEGIN;
SELECT dynamo.delete_role_policy('regress_access_app', 'q');
SET LOCAL ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
ROLLBACK;
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
SELECT dynamo.delete_role_policy('regress_access_app', 'q');
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
SELECT pg_temp.put('{"Action": "dynamodb:GetItem", "Resource": "arn:aws:dynamodb:us-east-1:*"}');
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
SET dynamo.region = 'eu-west-1';
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb);
RESET ROLE;
SET dynamo.region = 'us-east-1';

-- ---- values of keys ----
SELECT pg_temp.put('{"Resource": "*", "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]},
	"Null": {"dynamodb:LeadingKeys": "false"}}}');
SET ROLE regress_access_app;
\set own '{"artist": {"S": "regress_access_app"}, "song": {"S": "a"}}'
SELECT operation, pg_temp.try(operation, request), pg_temp.try(operation, replace(request::text, '"S": "b"', '"S": "regress_access_app"')::jsonb) AS own
FROM request WHERE operation ~ 'Item|Query|Scan|Statement|ExecuteTransaction' ORDER BY n;
SELECT pg_temp.run('SELECT * FROM music WHERE artist = ''regress_access_app''');
SELECT pg_temp.run('SELECT * FROM music WHERE artist IN [''regress_access_app'', ''b'']');
SELECT pg_temp.run('SELECT * FROM music WHERE artist = ?', '[{"S": "regress_access_app"}]');
SELECT pg_temp.run('INSERT INTO music VALUE {''artist'': ''b'', ''song'': ''new''}');
SELECT pg_temp.run('INSERT INTO music VALUE {''artist'': ''regress_access_app'', ''song'': ''new''}');
SELECT pg_temp.run('UPDATE music SET x = 1 WHERE artist = ''b'' AND song = ''b''');
SELECT pg_temp.run('UPDATE music SET x = 1 WHERE artist = ''regress_access_app'' AND song = ''a''');
SELECT pg_temp.run('DELETE FROM music WHERE artist = ''b'' AND song = ''b''');
-- a batch is denied for any of its elements, and per statement
SELECT pg_temp.try('BatchGetItem', format('{"RequestItems": {"music": {"Keys": [%s, %s]}}}', :'own', :'key')::jsonb);
SELECT pg_temp.try('BatchGetItem', format('{"RequestItems": {"music": {"Keys": [%s]}}}', :'own')::jsonb);
SELECT pg_temp.try('BatchWriteItem', format('{"RequestItems": {"music": [{"PutRequest": {"Item": %s}}, {"DeleteRequest": {"Key": %s}}]}}', :'own', :'key')::jsonb);
SELECT pg_temp.try('TransactGetItems', format('{"TransactItems": [{"Get": {"TableName": "music", "Key": %s}}, {"Get": {"TableName": "music", "Key": %s}}]}', :'own', :'key')::jsonb);
SELECT pg_temp.try('TransactWriteItems', format('{"TransactItems": [{"Put": {"TableName": "music", "Item": %s}},
	{"ConditionCheck": {"TableName": "music", "Key": %s, "ConditionExpression": "attribute_exists(song)"}}]}', :'own', :'key')::jsonb);
SELECT jsonb_pretty(dynamo.batch_execute_statement('{"Statements": [
	{"Statement": "SELECT song FROM music WHERE artist = ''regress_access_app'' AND song = ''a''"},
	{"Statement": "SELECT song FROM music WHERE artist = ''b'' AND song = ''b''"}]}') -> 'Responses');
SELECT pg_temp.try('ExecuteTransaction', '{"TransactStatements": [
	{"Statement": "SELECT song FROM music WHERE artist = ''regress_access_app'' AND song = ''a''"},
	{"Statement": "SELECT song FROM music WHERE artist = ''b'' AND song = ''b''"}]}');
-- legacy parameters
SELECT pg_temp.try('Query', '{"TableName": "music", "KeyConditions": {"artist": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "b"}]}}}');
SELECT pg_temp.try('Query', '{"TableName": "music", "KeyConditions": {"artist": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "regress_access_app"}]}}}');
SELECT count(*) FROM dynamo.query('music', 'artist = :a', '{":a": "regress_access_app"}');
SELECT count(*) FROM dynamo.query('music', 'artist = :a', '{":a": "b"}');
SELECT count(*) FROM dynamo.partiql('SELECT * FROM music WHERE artist = ''b''');
-- a key that is no key does not get by
SELECT pg_temp.try('GetItem', '{"TableName": "music", "Key": {"song": {"S": "b"}}}');
SELECT pg_temp.try('GetItem', '{"TableName": "music", "Key": {"artist": {"N": "1"}, "song": {"S": "b"}}}');
RESET ROLE;
-- numbers and binaries as text
SELECT pg_temp.put('{"Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["15"]}}}');
SET ROLE regress_access_app;
SELECT pg_temp.try('PutItem', '{"TableName": "numbers", "Item": {"n": {"N": "1.50e1"}}}');
SELECT pg_temp.try('PutItem', '{"TableName": "numbers", "Item": {"n": {"N": "16"}}}');
RESET ROLE;
-- indexes have leading keys of their own
SELECT pg_temp.put('{"Condition": {"ForAllValues:StringEquals": {"dynamodb:FirstPartitionKeyValues": ["y"], "dynamodb:SecondPartitionKeyValues": ["2"]}}}');
SET ROLE regress_access_app;
SELECT label, year, pg_temp.try('Query', jsonb_build_object('TableName', 'music', 'IndexName', 'by_label',
	'KeyConditionExpression', '#l = :l AND #y = :y', 'ExpressionAttributeNames', '{"#l": "label", "#y": "year"}'::jsonb,
	'ExpressionAttributeValues', jsonb_build_object(':l', jsonb_build_object('S', label), ':y', jsonb_build_object('N', year))))
FROM (VALUES ('y', '2'), ('x', '2'), ('y', '1')) v(label, year);
SELECT pg_temp.run('SELECT * FROM music.by_label WHERE label = ''y'' AND "year" = 2');
SELECT pg_temp.run('SELECT * FROM music.by_label WHERE label = ''y'' AND "year" IN [1, 2]');
RESET ROLE;

-- ---- attributes ----
SELECT pg_temp.put('{"Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["artist", "song", "year"]},
	"StringEqualsIfExists": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES", "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]}}}');
SET ROLE regress_access_app;
SELECT pg_temp.try('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb || more::jsonb) AS result, more
FROM (VALUES ('{}'), ('{"ProjectionExpression": "artist, song"}'), ('{"ProjectionExpression": "price"}'),
	('{"ProjectionExpression": "#p", "ExpressionAttributeNames": {"#p": "price"}}'), ('{"ProjectionExpression": "song.price"}'),
	('{"AttributesToGet": ["song"]}'), ('{"AttributesToGet": ["price"]}')) v(more);
SELECT pg_temp.try('UpdateItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb || more::jsonb) AS result, more
FROM (VALUES ('{}'), ('{"ReturnValues": "ALL_NEW"}'),
	('{"UpdateExpression": "SET #y = :y", "ExpressionAttributeNames": {"#y": "genre"}, "ExpressionAttributeValues": {":y": {"N": "3"}}}'),
	('{"UpdateExpression": "SET #y = :y", "ExpressionAttributeNames": {"#y": "year"}, "ExpressionAttributeValues": {":y": {"N": "3"}}, "ReturnValues": "UPDATED_NEW"}'),
	('{"UpdateExpression": "SET #y = price", "ExpressionAttributeNames": {"#y": "year"}}'),
	('{"UpdateExpression": "REMOVE price"}'),
	('{"ConditionExpression": "size(price) > :y", "ExpressionAttributeValues": {":y": {"N": "3"}}}'),
	('{"AttributeUpdates": {"price": {"Action": "DELETE"}}}'),
	('{"Expected": {"price": {"Exists": false}}}')) v(more);
SELECT pg_temp.try('PutItem', '{"TableName": "music", "Item": {"artist": {"S": "x"}, "song": {"S": "x"}, "year": {"N": "1"}}}');
SELECT pg_temp.try('PutItem', '{"TableName": "music", "Item": {"artist": {"S": "x"}, "song": {"S": "x"}, "cost": {"N": "1"}}}');
SELECT pg_temp.try('Query', '{"TableName": "music", "KeyConditionExpression": "artist = :a", "ExpressionAttributeValues": {":a": {"S": "b"}}}' || more::jsonb) AS result, more
FROM (VALUES ('{}'), ('{"ProjectionExpression": "song"}'), ('{"Select": "COUNT"}'),
	('{"ProjectionExpression": "song", "FilterExpression": "attribute_exists(price)"}'),
	('{"Select": "SPECIFIC_ATTRIBUTES", "ProjectionExpression": "song"}')) v(more);
SELECT pg_temp.try('Scan', '{"TableName": "music"}' || more::jsonb) AS result, more
FROM (VALUES ('{}'), ('{"AttributesToGet": ["song"]}'), ('{"AttributesToGet": ["song"], "ScanFilter": {"price": {"ComparisonOperator": "NOT_NULL"}}}')) v(more);
SELECT pg_temp.try('BatchGetItem', format('{"RequestItems": {"music": {"Keys": [%s], "ProjectionExpression": "%s"}}}', :'key', attributes)::jsonb), attributes
FROM (VALUES ('song'), ('song, price')) v(attributes);
SELECT pg_temp.try('TransactGetItems', format('{"TransactItems": [{"Get": {"TableName": "music", "Key": %s, "ProjectionExpression": "%s"}}]}', :'key', attributes)::jsonb), attributes
FROM (VALUES ('song'), ('song, price')) v(attributes);
SELECT pg_temp.run(statement), statement
FROM (VALUES ('SELECT song FROM music WHERE artist = ''b'''), ('SELECT price FROM music WHERE artist = ''b'''),
	('SELECT song FROM music WHERE artist = ''b'' AND price > 1'), ('SELECT * FROM music WHERE artist = ''b'''),
	('UPDATE music SET price = 1 WHERE artist = ''b'' AND song = ''b'''), ('UPDATE music SET "year" = 1 WHERE artist = ''b'' AND song = ''b'''),
	('UPDATE music SET "year" = 1 WHERE artist = ''b'' AND song = ''b'' RETURNING ALL NEW *'),
	('DELETE FROM music WHERE artist = ''b'' AND song = ''b'' RETURNING ALL OLD *'),
	('INSERT INTO music VALUE {''artist'': ''b'', ''song'': ''new'', ''price'': 1}')) v(statement);
RESET ROLE;

-- ---- the other keys of the request ----
SELECT pg_temp.put('{}', '{"Effect": "Deny", "Condition": {"StringEquals": {"dynamodb:ReturnConsumedCapacity": ["TOTAL", "INDEXES"]}}}');
SET ROLE regress_access_app;
SELECT pg_temp.try('Scan', '{"TableName": "music"}'), pg_temp.try('Scan', '{"TableName": "music", "ReturnConsumedCapacity": "TOTAL"}'),
	pg_temp.try('Scan', '{"TableName": "music", "ReturnConsumedCapacity": "NONE"}'),
	pg_temp.try('TransactGetItems', format('{"TransactItems": [{"Get": {"TableName": "music", "Key": %s}}], "ReturnConsumedCapacity": "INDEXES"}', :'key')::jsonb);
RESET ROLE;
SELECT pg_temp.put('{"Condition": {"StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems", "ExecuteTransaction"]}}}');
SET ROLE regress_access_app;
SELECT operation, pg_temp.try(operation, request) FROM request
WHERE operation IN ('GetItem', 'DeleteItem', 'TransactGetItems', 'TransactWriteItems', 'ExecuteStatement', 'ExecuteTransaction', 'BatchGetItem', 'BatchExecuteStatement') ORDER BY n;
RESET ROLE;
SELECT pg_temp.put('{}', '{"Effect": "Deny", "Action": "dynamodb:PartiQLSelect", "Condition": {"Bool": {"dynamodb:FullTableScan": "true"}}}');
SET ROLE regress_access_app;
SELECT pg_temp.run(statement), statement
FROM (VALUES ('SELECT * FROM music'), ('SELECT * FROM music WHERE price = 1'), ('SELECT * FROM music WHERE artist = ''b'''),
	('SELECT * FROM music.by_year'), ('SELECT * FROM music.by_year WHERE "year" = 1'),
	('SELECT * FROM music WHERE artist = ''b'' AND song = ''b''')) v(statement);
SELECT pg_temp.try('Scan', '{"TableName": "music"}');
RESET ROLE;
SELECT pg_temp.put('{"Action": ["dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate"]}');
SET ROLE regress_access_app;
SELECT pg_temp.run('SELECT * FROM no_such_table'), pg_temp.run('DELETE FROM music WHERE artist = ''b'' AND song = ''b'''),
	pg_temp.run('INSERT INTO music VALUE {''artist'': ''b'', ''song'': ''new''}'), pg_temp.run('UPDATE music SET x = 1 WHERE artist = ''b'' AND song = ''b''');
SELECT pg_temp.run('SELECT * FROM "arn:aws:dynamodb:us-east-1:000000000000:table/music"');
SELECT pg_temp.try('ExecuteTransaction', '{"TransactStatements": [{"Statement": "EXISTS(SELECT * FROM music WHERE artist = ''b'' AND song = ''b'' AND price = 20)"},
	{"Statement": "UPDATE music SET x = 1 WHERE artist = ''b'' AND song = ''c''"}]}');
RESET ROLE;

-- ---- tags ----
SELECT pg_temp.put('{"Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}');
SET ROLE regress_access_app;
SELECT pg_temp.try('Scan', '{"TableName": "music"}'), pg_temp.try('Scan', '{"TableName": "numbers"}'), pg_temp.try('DescribeTable', '{"TableName": "music"}'),
	pg_temp.try('DescribeTable', '{"TableName": "numbers"}');
RESET ROLE;
SELECT pg_temp.put('{"Condition": {"StringEqualsIfExists": {"aws:RequestTag/team": ["blue", "red"]}, "ForAllValues:StringLike": {"aws:TagKeys": "te*"}}}');
SET ROLE regress_access_app;
SELECT pg_temp.try('TagResource', format('{"ResourceArn": "%s", "Tags": %s}', :'arn', tags)::jsonb), tags
FROM (VALUES ('[{"Key": "team", "Value": "red"}]'), ('[{"Key": "team", "Value": "green"}]'), ('[{"Key": "test", "Value": "1"}]'), ('[{"Key": "other", "Value": "1"}]'), ('[1, {"Key": 1}]')) v(tags);
SELECT pg_temp.try('UntagResource', format('{"ResourceArn": "%s", "TagKeys": ["test", "cost"]}', :'arn')::jsonb);
RESET ROLE;
SELECT pg_temp.put('{"Action": "dynamodb:CreateTable"}');
SET ROLE regress_access_app;
SELECT pg_temp.try(operation, request), pg_temp.try(operation, request || '{"Tags": [{"Key": "a", "Value": "b"}]}'), pg_temp.try(operation, request || '{"ResourcePolicy": "{}"}')
FROM request WHERE operation = 'CreateTable';
RESET ROLE;

-- ---- groups ----
SELECT dynamo.delete_role_policy('regress_access_app', 'p');
SELECT dynamo.put_role_policy('regress_access_group', 'p', pg_temp.policy('{"Action": "dynamodb:Scan"}'));
SET ROLE regress_access_app;
SELECT pg_temp.try('Scan', '{"TableName": "music"}'), pg_temp.try('DescribeTable', '{"TableName": "music"}');
RESET ROLE;
GRANT regress_access_group TO regress_access_app;
SET ROLE regress_access_app;
SELECT pg_temp.try('Scan', '{"TableName": "music"}'), pg_temp.try('DescribeTable', '{"TableName": "music"}');
RESET ROLE;
REVOKE regress_access_group FROM regress_access_app;
SET ROLE regress_access_app;
SELECT pg_temp.try('DescribeTable', '{"TableName": "music"}');
RESET ROLE;
SELECT dynamo.delete_role_policy('regress_access_group', 'p');

-- ---- policies narrow: privileges are asked as well ----
SELECT dynamo.put_role_policy('regress_access_other', 'p', pg_temp.policy('{}'));
SET ROLE regress_access_other;
SELECT pg_temp.try('Scan', '{"TableName": "music"}');
RESET ROLE;

-- ---- whoever's rights a call has, his policies hold ----
SELECT pg_temp.put('{"Effect": "Deny"}');
CREATE FUNCTION dynamo_tables.regress_access_count() RETURNS int SECURITY DEFINER LANGUAGE sql
	AS $$ SELECT (dynamo.scan('{"TableName": "music"}'::jsonb) ->> 'Count')::int $$;
SET ROLE regress_access_app;
SELECT dynamo_tables.regress_access_count();
RESET ROLE;
ALTER FUNCTION dynamo_tables.regress_access_count() OWNER TO regress_access_app;
SELECT dynamo_tables.regress_access_count();
DROP FUNCTION dynamo_tables.regress_access_count();
-- policies are about the API
SET ROLE regress_access_app;
SELECT count(*) FROM dynamo_tables.music;
RESET ROLE;

-- ---- simulations ----
CREATE FUNCTION pg_temp.sim(operation text, request jsonb, context jsonb DEFAULT NULL)
RETURNS TABLE (action text, resource text, decision text, matched text, missing text[]) LANGUAGE sql AS $$
	SELECT action, replace(resource, 'arn:aws:dynamodb:us-east-1:000000000000:', ''), decision,
		(SELECT string_agg(concat_ws(' ', s ->> 'SourcePolicyType', s ->> 'SourcePolicyId', s ->> 'Statement', s ->> 'Sid'), ', ') FROM jsonb_array_elements(matched_statements) s),
		missing_context_values
	FROM dynamo.simulate_policy('regress_access_app', operation, request, context => context)
$$;
SELECT pg_temp.put('{"Sid": "Own", "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:username}"}, "Null": {"dynamodb:LeadingKeys": "false"}}}',
	'{"Sid": "NoTransactions", "Effect": "Deny", "Condition": {"StringLike": {"dynamodb:EnclosingOperation": "*"}}}',
	'{"Action": "dynamodb:ListTables", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}',
	'{"Action": "dynamodb:*Table"}');
SELECT r.operation, s.* FROM request r, pg_temp.sim(operation, request) s ORDER BY r.n, s.resource;
SELECT r.operation, s.* FROM request r, pg_temp.sim(operation, replace(request::text, '"b"', '"regress_access_app"')::jsonb) s
WHERE operation ~ 'Item|Query|Scan' ORDER BY r.n;
SELECT * FROM pg_temp.sim('ListTables', '{}', '{"aws:SourceIp": "10.1.2.3"}');
SELECT * FROM pg_temp.sim('GetItem', format('{"TableName": "music", "Key": %s}', :'key')::jsonb, '{"aws:UserName": "b"}');
SELECT * FROM pg_temp.sim('TransactWriteItems', format('{"TransactItems": [{"Put": {"TableName": "music", "Item": %s}}, {"Update": {"TableName": "numbers", "Key": {"n": {"N": "1"}}, "UpdateExpression": "REMOVE x"}}]}', :'own')::jsonb,
	'{"dynamodb:EnclosingOperation": null}');
-- nothing has come of it
SELECT count(*) FROM dynamo_tables.music;
-- a request in error, and one that privileges forbid
SELECT * FROM pg_temp.sim('DescribeTable', '{"TableName": "x"}');
SELECT * FROM pg_temp.sim('Nonsense', '{}');
SELECT pg_temp.put('{}');
SELECT * FROM pg_temp.sim('Query', '{"TableName": "music"}');
SELECT * FROM pg_temp.sim('Scan', '{"TableName": "no_such_table"}');
SELECT action, decision FROM dynamo.simulate_policy('regress_access_other', 'Scan', '{"TableName": "music"}');
-- one action on one resource
SELECT pg_temp.put('{"Action": "dynamodb:GetItem", "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "x"}, "Null": {"dynamodb:LeadingKeys": "false"}}}');
SELECT decision, missing_context_values FROM dynamo.simulate_principal_policy('regress_access_app', 'dynamodb:GetItem', 'arn:aws:dynamodb:us-east-1:000000000000:table/music');
SELECT decision, missing_context_values FROM dynamo.simulate_principal_policy('regress_access_app', 'dynamodb:GetItem', 'arn:aws:dynamodb:us-east-1:000000000000:table/music', '{"dynamodb:LeadingKeys": ["x"]}');
SELECT decision, missing_context_values FROM dynamo.simulate_principal_policy('regress_access_app', 'dynamodb:GetItem', 'arn:aws:dynamodb:us-east-1:000000000000:table/music', '{"dynamodb:LeadingKeys": ["x", "y"]}');
SELECT * FROM dynamo.simulate_principal_policy('regress_access_app', 's3:GetObject', '*');
-- who may ask
SET ROLE regress_access_app;
SELECT decision FROM dynamo.simulate_policy('regress_access_app', 'ListTables', '{}');
SELECT decision FROM dynamo.simulate_policy('regress_access_other', 'ListTables', '{}');
SELECT decision FROM dynamo.simulate_principal_policy('regress_access_other', 'dynamodb:ListTables', '*');
SELECT decision FROM dynamo.simulate_policy('regress_access_app', 'ListTables', '{}', 'AKIANOSUCHKEY');
RESET ROLE;
-- access keys have policies of their own
SELECT access_key_id AS id FROM dynamo.create_access_key('regress_access_app') \gset
SELECT dynamo.delete_role_policy('regress_access_app', 'p');
SELECT dynamo.put_access_key_policy(:'id', 'readonly', pg_temp.policy('{"Action": ["dynamodb:Get*", "dynamodb:Query"]}'));
SELECT operation, a.decision, b.decision AS with_key
FROM request r, dynamo.simulate_policy('regress_access_app', operation, request) a,
	dynamo.simulate_policy('regress_access_app', operation, request, :'id') b
WHERE operation IN ('GetItem', 'PutItem', 'Query', 'Scan', 'ListTables') ORDER BY r.n;

-- a stored policy that is none denies everything
ALTER TABLE dynamo.identity_policy DISABLE TRIGGER policy_row;
INSERT INTO dynamo.identity_policy (role, policy_name, document) VALUES ('regress_access_app', 'bad', '{}');
ALTER TABLE dynamo.identity_policy ENABLE TRIGGER policy_row;
SELECT pg_temp.put('{}');
SET ROLE regress_access_app;
SELECT pg_temp.try('ListTables', '{}');
RESET ROLE;
SELECT * FROM pg_temp.sim('ListTables', '{}');

DELETE FROM dynamo.identity_policy;
DELETE FROM dynamo.access_key_policy;
SET ROLE regress_access_app;
SELECT dynamo.delete_table('{"TableName": "music"}') IS NOT NULL AND dynamo.delete_table('{"TableName": "numbers"}') IS NOT NULL AS deleted;
RESET ROLE;
DELETE FROM dynamo.access_key WHERE role = 'regress_access_app'::regrole;
DROP OWNED BY regress_access_app, regress_access_other;
DROP ROLE regress_access_app, regress_access_group, regress_access_other;
