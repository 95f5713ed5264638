-- StartBulkPutItems and its like: what requests are refused, and who sees what;
-- what operations do is the affair of test/t/174_bulk.pl
\set VERBOSITY terse
\pset format unaligned

CREATE FUNCTION pg_temp.bulk(more jsonb, input jsonb DEFAULT '{}', output jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.start_bulk_put_items(jsonb_build_object('TableName', 'bulk_t',
		'InputS3Configuration', '{"S3Bucket": "in", "InputFormat": "DYNAMODB_JSON"}' || input,
		'OutputS3Configuration', '{"S3Bucket": "out", "OutputType": ["ERROR"]}' || output) || more)
$$;

SELECT dynamo.create_table('bulk_t', 'p S');

-- shapes
SELECT dynamo.start_bulk_put_items('{}');
SELECT dynamo.start_bulk_put_items('{"TableName": "bulk_t"}');
SELECT dynamo.start_bulk_put_items('{"TableName": "bulk_t", "InputS3Configuration": {}, "OutputS3Configuration": {}}');
SELECT pg_temp.bulk('{"TableName": "a"}');
SELECT pg_temp.bulk('{"MaxWriteRequestUnits": 1023}');
SELECT pg_temp.bulk('{"PerformanceTier": "FAST"}');
SELECT pg_temp.bulk('{"ClientToken": ""}');
SELECT pg_temp.bulk('{}', '{"InputFormat": "CSV"}');
SELECT pg_temp.bulk('{}', '{"InputCompressionType": "LZ4"}');
SELECT pg_temp.bulk('{}', '{}', '{"OutputType": ["NONE"]}');
SELECT pg_temp.bulk('{}', '{}', '{"OutputType": "ERROR"}');
SELECT dynamo.describe_bulk_operation('{}');
SELECT dynamo.cancel_bulk_operation('{}');
SELECT dynamo.list_bulk_operations('{"MaxResults": 0}');
SELECT dynamo.list_bulk_operations('{"MaxResults": 101}');

-- values
SELECT pg_temp.bulk('{}', '{"S3Bucket": "../in"}');
SELECT pg_temp.bulk('{}', '{"S3Bucket": ".."}');
SELECT pg_temp.bulk('{}', '{"S3Bucket": "a/b"}');
SELECT pg_temp.bulk('{}', '{"S3Bucket": ""}');
SELECT pg_temp.bulk('{}', '{}', '{"S3Bucket": "out."}');
SELECT pg_temp.bulk('{}', '{"S3BucketOwner": "123456789012"}');
SELECT pg_temp.bulk('{}', '{"S3KeyPrefix": "a\nb"}');
SELECT pg_temp.bulk('{}', '{}', '{"S3KeyPrefix": "a/../b"}');
SELECT pg_temp.bulk('{}', '{}', '{"S3KeyPrefix": "/a"}');
SELECT pg_temp.bulk('{}', '{}', jsonb_build_object('S3KeyPrefix', repeat('a/', 500)));
SELECT pg_temp.bulk('{}', '{}', '{"OutputType": []}');
SELECT pg_temp.bulk('{}', '{}', '{"S3SseAlgorithm": "AES256"}');
SELECT pg_temp.bulk('{}', '{"InputFormat": "ION"}');
SELECT pg_temp.bulk('{}', '{"InputCompressionType": "ZSTD"}');
SELECT dynamo.list_bulk_operations('{"NextToken": "x"}');
SELECT dynamo.list_bulk_operations('{"NextToken": ""}');
SELECT dynamo.list_bulk_operations('{"NextToken": "99999999999999999999"}');
SELECT dynamo.describe_bulk_operation('{"BulkOperationArn": "x"}');
SELECT dynamo.describe_bulk_operation('{"BulkOperationArn": "arn:aws:dynamodb:us-east-1:000000000000:table/bulk_t/bulk-operation/01700000000000-0123abcd"}');
SELECT dynamo.cancel_bulk_operation('{"BulkOperationArn": "/"}');
SELECT dynamo.list_bulk_operations('{}');

-- there are no buckets unless the server's configuration says where
SHOW dynamo.s3_directory;
SELECT pg_temp.bulk('{}');
SELECT pg_temp.bulk('{"TableName": "bulk_none"}');
SET dynamo.s3_directory = '/';
ALTER SYSTEM SET dynamo.s3_directory = 'relative';

-- with buckets
ALTER SYSTEM SET dynamo.s3_directory = '/nonexistent';
SELECT pg_reload_conf(), pg_sleep(0.5) IS NULL AS slept;
\c
\set VERBOSITY terse
\pset format unaligned
CREATE FUNCTION pg_temp.bulk(more jsonb, input jsonb DEFAULT '{}', output jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.start_bulk_put_items(jsonb_build_object('TableName', 'bulk_t',
		'InputS3Configuration', '{"S3Bucket": "in", "InputFormat": "DYNAMODB_JSON"}' || input,
		'OutputS3Configuration', '{"S3Bucket": "out", "OutputType": ["ERROR"]}' || output) || more)
$$;
SELECT pg_temp.bulk('{"TableName": "bulk_none"}');

-- what is rolled back was not started
BEGIN;
SELECT pg_temp.bulk('{"ClientToken": "t", "MaxWriteRequestUnits": 2000}') #- '{BulkOperationDescription,BulkOperationArn}'
	#- '{BulkOperationDescription,StartTime}' #- '{BulkOperationDescription,TableDetails,TableId}';
SELECT count(DISTINCT pg_temp.bulk('{"ClientToken": "t"}', '{"S3KeyPrefix": "x"}')) FROM generate_series(1, 2);
ROLLBACK;
BEGIN;
SELECT pg_temp.bulk('{"ClientToken": "t"}') #>> '{BulkOperationDescription,ClientToken}';
SELECT pg_temp.bulk('{"ClientToken": "t"}') #>> '{BulkOperationDescription,ClientToken}';
SELECT count(*) FROM dynamo.bulk_operations;
SELECT phase, processed_items FROM dynamo.stat_progress_bulk_put;
SELECT dynamo.cancel_bulk_operation(jsonb_build_object('BulkOperationArn', arn)) ->> 'BulkOperationStatus' FROM dynamo.bulk_operations;
SELECT jsonb_array_length(dynamo.list_bulk_operations('{}') -> 'BulkOperationsSummaryList');
ROLLBACK;
SELECT count(*) FROM dynamo.bulk_operations;

-- roles
CREATE ROLE regress_bulk_writer;
CREATE ROLE regress_bulk_reader;
GRANT SELECT, INSERT, UPDATE ON dynamo_tables.bulk_t TO regress_bulk_writer;
GRANT SELECT ON dynamo_tables.bulk_t TO regress_bulk_reader;
SET ROLE regress_bulk_writer;
SELECT pg_temp.bulk('{}');
SELECT * FROM dynamo.bulk_operation;
SELECT dynamo.resume_bulk_operations();
SET ROLE regress_bulk_reader;
SELECT pg_temp.bulk('{}');
SELECT pg_temp.bulk('{"TableName": "bulk_none"}');
RESET ROLE;

-- others' operations are invisible; the table's owner sees them
INSERT INTO dynamo.bulk_operation (name, role, relid, table_name, table_arn, table_id, request, status)
	SELECT '01700000000000-0123abcd', 'regress_bulk_writer'::regrole, 'dynamo_tables.bulk_t'::regclass, 'bulk_t',
		'arn:aws:dynamodb:us-east-1:000000000000:table/bulk_t', 'x', '{}', 'COMPLETED';
CREATE FUNCTION pg_temp.seen() RETURNS TABLE (view bigint, list int, described text) LANGUAGE plpgsql AS $$
BEGIN
	SELECT count(*), jsonb_array_length(dynamo.list_bulk_operations('{}') -> 'BulkOperationsSummaryList')
		INTO view, list FROM dynamo.bulk_operations;
	described := dynamo.describe_bulk_operation('{"BulkOperationArn": "arn:aws:dynamodb:us-east-1:000000000000:table/bulk_t/bulk-operation/01700000000000-0123abcd"}')
		#>> '{BulkOperationDescription,BulkOperationStatus}';
	RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
	described := SQLERRM;
	RETURN NEXT;
END $$;
SET ROLE regress_bulk_writer;
SELECT * FROM pg_temp.seen();
SELECT dynamo.cancel_bulk_operation('{"BulkOperationArn": "arn:aws:dynamodb:us-east-1:000000000000:table/bulk_t/bulk-operation/01700000000000-0123abcd"}');
SET ROLE regress_bulk_reader;
SELECT * FROM pg_temp.seen();
RESET ROLE;
ALTER TABLE dynamo_tables.bulk_t OWNER TO regress_bulk_reader;
SET ROLE regress_bulk_reader;
SELECT * FROM pg_temp.seen();
RESET ROLE;

-- those older than 90 days are forgotten
UPDATE dynamo.bulk_operation SET started_at = now() - interval '91 days';
SELECT dynamo.list_bulk_operations('{}');

DELETE FROM dynamo.bulk_operation;
ALTER SYSTEM RESET dynamo.s3_directory;
SELECT pg_reload_conf();
DROP TABLE dynamo_tables.bulk_t;
DROP ROLE regress_bulk_writer, regress_bulk_reader;
