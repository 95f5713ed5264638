-- The same 100,000 items twice: in a plain table with jsonb, and in an item
-- table, loaded through the API.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CREATE TABLE bench_raw (
	pk text COLLATE "C" NOT NULL,
	sk text COLLATE "C" NOT NULL,
	item jsonb NOT NULL,
	PRIMARY KEY (pk, sk)
);

INSERT INTO bench_raw
SELECT 'part-' || p, 'item-' || s,
	format(:'item', p, s, (p + s) % 10, (p * 31 + s) % 100)::jsonb
FROM generate_series(1001, 1000 + :partitions) p, generate_series(101, 200) s;

SELECT count(dynamo.create_table('{
	"TableName": "bench",
	"AttributeDefinitions": [
		{"AttributeName": "pk", "AttributeType": "S"},
		{"AttributeName": "sk", "AttributeType": "S"}],
	"KeySchema": [
		{"AttributeName": "pk", "KeyType": "HASH"},
		{"AttributeName": "sk", "KeyType": "RANGE"}],
	"ProvisionedThroughput": {
		"ReadCapacityUnits": 1000000000, "WriteCapacityUnits": 1000000000}}'));

SELECT format('SELECT count(dynamo.put_item(jsonb_build_object(''TableName'', ''bench'', ''Item'', item)))
	FROM bench_raw WHERE pk >= %L AND pk < %L', 'part-' || p, 'part-' || p + 50)
FROM generate_series(1001, 1000 + :partitions, 50) p
\gexec

-- all pages of a scan, as a client would read them
CREATE FUNCTION bench_scan(request jsonb) RETURNS bigint
LANGUAGE plpgsql AS
$$
DECLARE
	response jsonb;
	items bigint := 0;
BEGIN
	LOOP
		response := dynamo.scan(request);
		items := items + (response->>'Count')::bigint;
		EXIT WHEN response->'LastEvaluatedKey' IS NULL;
		request := request ||
			jsonb_build_object('ExclusiveStartKey', response->'LastEvaluatedKey');
	END LOOP;
	RETURN items;
END
$$;

-- a role that privileges alone permit to read, and one whose policies are asked
CREATE ROLE bench_free;
CREATE ROLE bench_governed;
GRANT SELECT ON dynamo_tables.bench TO bench_free, bench_governed;
SELECT dynamo.put_role_policy('bench_governed', 'partitions', '{
	"Version": "2012-10-17",
	"Statement": {
		"Effect": "Allow",
		"Action": ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"],
		"Resource": "arn:aws:dynamodb:*:*:table/bench",
		"Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "part-*"}}}}');
SELECT dynamo.put_role_policy('bench_governed', 'indexes', '{
	"Version": "2012-10-17",
	"Statement": [
		{"Effect": "Allow", "Action": "dynamodb:Query",
			"Resource": "arn:aws:dynamodb:*:*:table/bench/index/*"},
		{"Effect": "Allow", "Action": ["dynamodb:DescribeTable", "dynamodb:ListTables"],
			"Resource": "*"}]}');
SELECT dynamo.put_role_policy('bench_governed', 'no_writes', '{
	"Version": "2012-10-17",
	"Statement": {
		"Effect": "Deny",
		"Action": ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem",
			"dynamodb:BatchWriteItem", "dynamodb:PartiQL*"],
		"Resource": "*"}}');

VACUUM (ANALYZE) bench_raw;
VACUUM (ANALYZE) dynamo_tables.bench;
