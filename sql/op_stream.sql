-- streams: StreamSpecification, ListStreams, DescribeStream, GetShardIterator,
-- GetRecords; what DDL does to a stream
\set VERBOSITY terse
\pset format unaligned

CREATE FUNCTION pg_temp.make(name text, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object('TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]'::jsonb,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}]'::jsonb)
		|| more) -> 'TableDescription'
$$;
CREATE FUNCTION pg_temp.change(name text, enabled boolean, view text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_table(jsonb_build_object('TableName', name, 'StreamSpecification',
		jsonb_strip_nulls(jsonb_build_object('StreamEnabled', enabled, 'StreamViewType', view)))) -> 'TableDescription'
$$;
CREATE FUNCTION pg_temp.put(name text, p text, s int, v text) RETURNS void LANGUAGE sql AS $$
	SELECT dynamo.put_item(jsonb_build_object('TableName', name, 'Item', jsonb_build_object(
		'p', jsonb_build_object('S', p), 's', jsonb_build_object('N', s::text), 'v', jsonb_build_object('S', v))))
$$;
CREATE FUNCTION pg_temp.arn(name text) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.describe_table(jsonb_build_object('TableName', name)) #>> '{Table,LatestStreamArn}'
$$;
CREATE FUNCTION pg_temp.describe(arn text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.describe_stream(jsonb_build_object('StreamArn', arn) || more) -> 'StreamDescription'
$$;
CREATE FUNCTION pg_temp.shard(arn text, i int DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.describe(arn) #>> ARRAY['Shards', i::text, 'ShardId']
$$;
CREATE FUNCTION pg_temp.iterator(arn text, type text, number text DEFAULT NULL, i int DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.get_shard_iterator(jsonb_strip_nulls(jsonb_build_object('StreamArn', arn, 'ShardId', pg_temp.shard(arn, i),
		'ShardIteratorType', type, 'SequenceNumber', number))) ->> 'ShardIterator'
$$;
CREATE FUNCTION pg_temp.read(iterator text, n int DEFAULT 1000) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.get_records(jsonb_build_object('ShardIterator', iterator, 'Limit', n))
$$;
CREATE FUNCTION pg_temp.brief(page jsonb) RETURNS TABLE (record text) LANGUAGE sql AS $$
	SELECT concat_ws(' ', r ->> 'eventName', r #>> '{dynamodb,Keys,p,S}', r #>> '{dynamodb,Keys,s,N}',
		'old ' || (r #>> '{dynamodb,OldImage,v,S}'), 'new ' || (r #>> '{dynamodb,NewImage,v,S}'))
	FROM jsonb_array_elements(page -> 'Records') WITH ORDINALITY AS t (r, i) ORDER BY i
$$;
-- until everything that is committed has been stored
CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
DECLARE
	position pg_lsn := pg_current_wal_insert_lsn();
BEGIN
	FOR i IN 1 .. 3000 LOOP
		COMMIT;
		EXIT WHEN (SELECT confirmed_flush_lsn >= position FROM pg_replication_slots
			WHERE slot_name = (SELECT slot_name FROM dynamo.stat_streams));
		PERFORM pg_sleep(0.02);
	END LOOP;
END $$;
-- with the text that changes from run to run left out
CREATE FUNCTION pg_temp.stable(response jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT regexp_replace(regexp_replace(regexp_replace(response::text, '\d{4}-\d\d-\d\dT[0-9:.]{12}', 'LABEL', 'g'),
		'shardId-\d{20}-[0-9a-f]{8}', 'SHARD', 'g'), '"\d{21,40}"', 'NUMBER', 'g')
$$;
CREATE FUNCTION pg_temp.fails(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(pg_temp.stable(to_jsonb(SQLERRM)), '^"|"$', '', 'g');
END $$;

-- StreamSpecification of CreateTable
SELECT pg_temp.make('stream_bad', '{"StreamSpecification": {}}');
SELECT pg_temp.make('stream_bad', '{"StreamSpecification": {"StreamEnabled": true}}');
SELECT pg_temp.make('stream_bad', '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "ALL"}}');
SELECT pg_temp.make('stream_bad', '{"StreamSpecification": {"StreamEnabled": false, "StreamViewType": "KEYS_ONLY"}}');
SELECT pg_temp.stable(pg_temp.make('stream_none', '{"StreamSpecification": {"StreamEnabled": false}}') -> 'StreamSpecification');
SELECT pg_temp.stable(jsonb_build_object('d', pg_temp.make('stream_main',
	'{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"}}')) #- '{d,CreationDateTime}' #- '{d,TableId}');
SELECT relreplident FROM pg_class WHERE oid = 'dynamo_tables.stream_main'::regclass;

-- of UpdateTable
SELECT pg_temp.change('stream_none', true);
SELECT pg_temp.change('stream_none', false, 'KEYS_ONLY');
SELECT pg_temp.change('stream_none', false);
SELECT pg_temp.change('stream_main', true, 'NEW_AND_OLD_IMAGES');
SELECT pg_temp.change('stream_main', true, 'KEYS_ONLY');
SELECT pg_temp.change('stream_gone', true, 'KEYS_ONLY');
SELECT dynamo.update_table('{"TableName": "stream_none", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}, "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}}') IS NOT NULL;
SELECT pg_temp.stable(dynamo.describe_table('{"TableName": "stream_none"}') #> '{Table,StreamSpecification}'),
	dynamo.describe_table('{"TableName": "stream_none"}') #>> '{Table,TableStatus}';

-- DescribeStream
SELECT pg_temp.arn('stream_main') AS arn, pg_temp.arn('stream_none') AS keys_arn \gset
SELECT pg_temp.stable(pg_temp.describe(:'arn') - 'CreationRequestDateTime');
SELECT abs((pg_temp.describe(:'arn') ->> 'CreationRequestDateTime')::numeric - extract(epoch FROM now())) < 60;
SELECT dynamo.describe_stream('{}');
SELECT dynamo.describe_stream('{"StreamArn": "short"}');
SELECT dynamo.describe_stream('{"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/stream_main"}');
SELECT dynamo.describe_stream('{"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/stream_main/stream/"}');
SELECT dynamo.describe_stream('{"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/stream_main/stream/2015-05-11T21:21:33.291"}');
SELECT pg_temp.fails(format('SELECT pg_temp.describe(%L)', replace(:'arn', 'us-east-1', 'eu-west-1')));
SELECT pg_temp.fails(format('SELECT pg_temp.describe(%L, %L)', :'arn', more)) FROM (VALUES
	('{"Limit": 0}'), ('{"Limit": 101}'), ('{"ExclusiveStartShardId": "short"}'),
	('{"ShardFilter": {}}'), ('{"ShardFilter": {"Type": "CHILD_SHARDS"}}'),
	('{"ShardFilter": {"ShardId": "shardId-00000000000000000001-00000001"}}'),
	('{"ShardFilter": {"Type": "ALL", "ShardId": "shardId-00000000000000000001-00000001"}}')) AS v (more);
SELECT pg_temp.describe(:'arn', '{"ShardFilter": {"Type": "CHILD_SHARDS", "ShardId": "shardId-00000000000000000001-00000001"}}') -> 'Shards';
SELECT jsonb_array_length(pg_temp.describe(:'arn', '{"ExclusiveStartShardId": "shardId-00000000000000000001-00000001"}') -> 'Shards'),
	jsonb_array_length(pg_temp.describe(:'arn', '{"ExclusiveStartShardId": "shardId-99999999999999999999-00000001"}') -> 'Shards');

-- records
SELECT pg_temp.iterator(:'arn', 'LATEST') AS latest \gset
SELECT pg_temp.put('stream_main', 'a', 1, 'x');
SELECT pg_temp.put('stream_main', 'a', 1, 'y');
SELECT pg_temp.put('stream_main', 'a', 1, 'y');
SELECT pg_temp.put('stream_main', 'b', 2, 'z');
SELECT dynamo.update_item('{"TableName": "stream_main", "Key": {"p": {"S": "c"}, "s": {"N": "3"}}}');
SELECT dynamo.delete_item('{"TableName": "stream_main", "Key": {"p": {"S": "a"}, "s": {"N": "1.0"}}}');
SELECT dynamo.delete_item('{"TableName": "stream_main", "Key": {"p": {"S": "none"}, "s": {"N": "1"}}}');
BEGIN;
SELECT pg_temp.put('stream_main', 'rolled back', 1, 'x');
ROLLBACK;
SELECT pg_temp.put('stream_none', 'k', 1, 'x');
CALL pg_temp.settle();
SELECT pg_temp.iterator(:'arn', 'TRIM_HORIZON') AS oldest \gset
SELECT * FROM pg_temp.brief(pg_temp.read(:'oldest'));
SELECT * FROM pg_temp.brief(pg_temp.read(:'latest'));
SELECT pg_temp.read(:'oldest', 2) AS page \gset
SELECT * FROM pg_temp.brief(:'page');
SELECT * FROM pg_temp.brief(pg_temp.read(:'page'::jsonb ->> 'NextShardIterator', 2));
SELECT * FROM pg_temp.brief(pg_temp.read(:'oldest', 1));
SELECT pg_temp.stable(r #- '{dynamodb,ApproximateCreationDateTime}' #- '{eventID}')
	FROM jsonb_array_elements(pg_temp.read(:'oldest') -> 'Records') r WHERE r ->> 'eventName' = 'MODIFY';
SELECT pg_temp.stable(r #- '{dynamodb,ApproximateCreationDateTime}' #- '{eventID}')
	FROM jsonb_array_elements(pg_temp.read(pg_temp.iterator(:'keys_arn', 'TRIM_HORIZON')) -> 'Records') r;
SELECT count(DISTINCT r ->> 'eventID'), bool_and(r ->> 'eventID' ~ '^[0-9a-f]{32}$'),
	bool_and(abs((r #>> '{dynamodb,ApproximateCreationDateTime}')::numeric - extract(epoch FROM now())) < 60),
	array_agg((r #>> '{dynamodb,SequenceNumber}')::numeric ORDER BY i) = array_agg((r #>> '{dynamodb,SequenceNumber}')::numeric ORDER BY (r #>> '{dynamodb,SequenceNumber}')::numeric)
	FROM jsonb_array_elements(pg_temp.read(:'oldest') -> 'Records') WITH ORDINALITY AS t (r, i);
-- at the end of an open shard: nothing, and an iterator
SELECT pg_temp.read(pg_temp.iterator(:'arn', 'LATEST')) - 'NextShardIterator',
	pg_temp.read(pg_temp.iterator(:'arn', 'LATEST')) ? 'NextShardIterator';

-- positions
SELECT pg_temp.read(:'oldest') #>> '{Records,1,dynamodb,SequenceNumber}' AS second \gset
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'AT_SEQUENCE_NUMBER', :'second'), 1));
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'AFTER_SEQUENCE_NUMBER', :'second'), 1));
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'AT_SEQUENCE_NUMBER', (:'second'::numeric + 1)::text), 1));
SELECT pg_temp.iterator(:'arn', 'AT_SEQUENCE_NUMBER');
SELECT pg_temp.iterator(:'arn', 'AFTER_SEQUENCE_NUMBER');
SELECT pg_temp.iterator(:'arn', 'LATEST', :'second') IS NULL;
SELECT pg_temp.iterator(:'arn', 'TRIM_HORIZON', :'second') IS NULL;
SELECT pg_temp.iterator(:'arn', 'OLDEST');
SELECT pg_temp.iterator(:'arn', 'AT_SEQUENCE_NUMBER', '123');
SELECT pg_temp.iterator(:'arn', 'AT_SEQUENCE_NUMBER', '12345678901234567890x');
SELECT pg_temp.fails(format('SELECT pg_temp.iterator(%L, %L, %L)', :'arn', 'AT_SEQUENCE_NUMBER', '100000000000000000000000000001'));
SELECT dynamo.get_shard_iterator('{}');
SELECT pg_temp.fails(format('SELECT dynamo.get_shard_iterator(%L)', jsonb_build_object('StreamArn', :'arn', 'ShardId', shard, 'ShardIteratorType', 'LATEST')))
	FROM (VALUES ('short'), ('shardId-00000000000000000001-00000001'), (pg_temp.shard(:'keys_arn'))) AS v (shard);
SELECT dynamo.get_shard_iterator('{"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/stream_gone/stream/2015-05-11T21:21:33.291", "ShardId": "shardId-00000000000000000001-00000001", "ShardIteratorType": "LATEST"}');

-- iterators
SELECT dynamo.get_records('{}');
SELECT dynamo.get_records('{"ShardIterator": ""}');
SELECT dynamo.get_records('{"ShardIterator": "garbage"}');
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L)', it)) FROM (VALUES
	(:'oldest' || 'AAAA'), (left(:'oldest', -4)), (replace(:'oldest', '|1|', '|2|')), (replace(:'oldest', '|', '')),
	(split_part(:'oldest', '|', 1) || '|1|' || encode('\x00'::bytea || repeat('x', 39)::bytea, 'base64')),
	(replace(:'oldest', 'stream_main', 'stream_none')), (replace(:'oldest', 'stream_main', 'no'))) AS v (it);
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L, %s)', :'oldest', n)) FROM (VALUES (0), (1001)) AS v (n);
-- one that was issued 16 minutes ago
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L)', a[1] || '|' || a[2] || '|' || encode(
	substr(b, 1, 16) || (SELECT string_agg(substr(t, i, 1), '' ORDER BY i DESC) FROM generate_series(1, 8) i,
		int8send((extract(epoch FROM now() - timestamptz '2000-01-01 00:00:00+00') * 1000)::bigint - 16 * 60000) t) || substr(b, 25), 'base64')))
	FROM string_to_array(:'oldest', '|') a, decode(a[3], 'base64') b;

-- pages of 1 MB, with large items
SELECT pg_temp.put('stream_main', 'big', i, repeat(md5(i::text), 9000)) FROM generate_series(1, 6) i;
CALL pg_temp.settle();
SELECT jsonb_array_length(pg_temp.read(pg_temp.iterator(:'arn', 'AFTER_SEQUENCE_NUMBER',
	(SELECT r #>> '{dynamodb,SequenceNumber}' FROM jsonb_array_elements(pg_temp.read(:'oldest') -> 'Records') r WHERE r ->> 'eventName' = 'REMOVE'))) -> 'Records');

-- ListStreams
SELECT pg_temp.stable(dynamo.list_streams('{"TableName": "stream_main"}'));
SELECT pg_temp.stable(dynamo.list_streams('{"TableName": "stream_gone"}'));
SELECT pg_temp.stable(dynamo.list_streams('{"TableName": "stream_main", "Limit": 1}'));
SELECT pg_temp.stable(dynamo.list_streams(jsonb_build_object('TableName', 'stream_main', 'ExclusiveStartStreamArn', :'arn')));
SELECT jsonb_array_length(dynamo.list_streams(jsonb_build_object('ExclusiveStartStreamArn', :'arn')) -> 'Streams') >= 1;
SELECT dynamo.list_streams('{"Limit": 0}');
SELECT dynamo.list_streams('{"Limit": 101}');
SELECT dynamo.list_streams('{"TableName": "x"}');
SELECT dynamo.list_streams('{"ExclusiveStartStreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/garbage"}');

-- rights
CREATE ROLE regress_stream_reader;
CREATE ROLE regress_stream_none;
GRANT SELECT ON dynamo_tables.stream_main TO regress_stream_reader;
SET ROLE regress_stream_reader;
SELECT pg_temp.stable(dynamo.list_streams('{}') -> 'Streams' -> 0 -> 'TableName');
SELECT count(*) FROM pg_temp.brief(pg_temp.read(:'oldest', 5));
SELECT pg_temp.fails(format('SELECT pg_temp.describe(%L)', :'keys_arn'));
RESET ROLE;
ALTER TABLE dynamo_tables.stream_main ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stream_reader;
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L)', :'oldest'));
RESET ROLE;
ALTER TABLE dynamo_tables.stream_main DISABLE ROW LEVEL SECURITY;
SET ROLE regress_stream_none;
SELECT pg_temp.stable(dynamo.list_streams('{}'));
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L)', :'oldest'));
SELECT dynamo.describe_stream('{"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/stream_gone/stream/2015-05-11T21:21:33.291"}');
RESET ROLE;

-- TRUNCATE names no items
TRUNCATE dynamo_tables.stream_main;

-- disabled, the stream has an end; enabled again, it is another one
SELECT pg_temp.stable(pg_temp.change('stream_main', false) -> 'StreamSpecification') IS NULL;
SELECT pg_temp.arn('stream_main') = :'arn';
SELECT pg_temp.change('stream_main', false);
SELECT pg_temp.put('stream_main', 'unseen', 1, 'x');
CALL pg_temp.settle();
SELECT pg_temp.stable(pg_temp.describe(:'arn') - 'CreationRequestDateTime');
SELECT count(*) FROM pg_temp.brief(pg_temp.read(:'oldest', 5));
SELECT pg_temp.read(pg_temp.iterator(:'arn', 'LATEST'));
SELECT pg_temp.read(pg_temp.iterator(:'arn', 'AFTER_SEQUENCE_NUMBER',
	pg_temp.describe(:'arn') #>> '{Shards,0,SequenceNumberRange,EndingSequenceNumber}'));
SELECT pg_temp.fails(format('SELECT pg_temp.iterator(%L, %L, %L)', :'arn', 'AT_SEQUENCE_NUMBER', '900000000000000000000000000001'));
TRUNCATE dynamo_tables.stream_main;
SELECT relreplident FROM pg_class WHERE oid = 'dynamo_tables.stream_main'::regclass;
SELECT pg_temp.change('stream_main', true, 'OLD_IMAGE') -> 'StreamSpecification';
SELECT pg_temp.arn('stream_main') > :'arn';
SELECT pg_temp.stable(dynamo.list_streams('{"TableName": "stream_main"}'));

-- dropped, a table leaves its stream; one of the same name has its own
SELECT pg_temp.arn('stream_main') AS arn \gset
SELECT pg_temp.put('stream_main', 'last', 1, 'x');
DROP TABLE dynamo_tables.stream_main;
SELECT pg_temp.make('stream_main', '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}}') ->> 'LatestStreamArn' > :'arn';
CALL pg_temp.settle();
SELECT pg_temp.describe(:'arn') ->> 'StreamStatus';
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON')));
SET ROLE regress_stream_none;
SELECT pg_temp.fails(format('SELECT pg_temp.describe(%L)', :'arn'));
RESET ROLE;
SELECT jsonb_array_length(dynamo.list_streams('{"TableName": "stream_main"}') -> 'Streams');
SELECT dynamo.delete_table('{"TableName": "stream_main"}') #> '{TableDescription,StreamSpecification}';

-- in one transaction
BEGIN;
SELECT pg_temp.make('stream_tx', '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}}') ->> 'TableStatus';
SELECT pg_temp.put('stream_tx', 'same', 1, 'transaction');
COMMIT;
CALL pg_temp.settle();
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(pg_temp.arn('stream_tx'), 'TRIM_HORIZON')));
BEGIN;
SELECT pg_temp.put('stream_tx', 'before', 1, 'disabling');
SELECT pg_temp.change('stream_tx', false) ->> 'TableStatus';
ROLLBACK;
SELECT pg_temp.put('stream_tx', 'still', 1, 'there');
CALL pg_temp.settle();
SELECT pg_temp.describe(pg_temp.arn('stream_tx')) ->> 'StreamStatus';
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(pg_temp.arn('stream_tx'), 'TRIM_HORIZON')));

-- several shards, partitions that come later, another owner and another name
SET dynamo.table_partitions = 2;
SET dynamo.stream_shards = 4;
SELECT pg_temp.make('stream_parts', '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}}') ->> 'TableStatus';
RESET dynamo.table_partitions;
RESET dynamo.stream_shards;
SELECT pg_temp.arn('stream_parts') AS arn \gset
SELECT jsonb_array_length(pg_temp.describe(:'arn') -> 'Shards');
SELECT pg_temp.put('stream_parts', 'p' || i, i, 'x') FROM generate_series(1, 40) i;
CALL pg_temp.settle();
SELECT sum(jsonb_array_length(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, i)) -> 'Records')),
	min(jsonb_array_length(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, i)) -> 'Records')) > 0
	FROM generate_series(0, 3) i;
SELECT jsonb_array_length(pg_temp.describe(:'arn', '{"Limit": 3}') -> 'Shards'),
	pg_temp.describe(:'arn', '{"Limit": 3}') ->> 'LastEvaluatedShardId' = pg_temp.shard(:'arn', 2),
	pg_temp.describe(:'arn', '{"Limit": 4}') ->> 'LastEvaluatedShardId' IS NULL,
	jsonb_array_length(pg_temp.describe(:'arn', jsonb_build_object('ExclusiveStartShardId', pg_temp.shard(:'arn', 2))) -> 'Shards');
TRUNCATE dynamo_tables."stream_parts_:0";
ALTER TABLE dynamo_tables.stream_parts DETACH PARTITION dynamo_tables."stream_parts_:1";
ALTER TABLE dynamo_tables.stream_parts ATTACH PARTITION dynamo_tables."stream_parts_:1" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT c.relname, c.relreplident, count(*) FILTER (WHERE t.tgname = '~item_refuse_truncate') FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
	WHERE c.relname LIKE 'stream\_parts%' AND c.relkind IN ('r', 'p') GROUP BY 1, 2 ORDER BY c.relname COLLATE "C";
ALTER TABLE dynamo_tables.stream_parts OWNER TO regress_stream_reader;
SELECT owner::regrole FROM dynamo.stream_definition WHERE table_name = 'stream_parts';
ALTER TABLE dynamo_tables.stream_parts RENAME TO stream_named;
SELECT pg_temp.arn('stream_named') = :'arn';
SELECT pg_temp.put('stream_named', 'renamed', 1, 'x');
CALL pg_temp.settle();
SELECT count(*) FROM generate_series(0, 3) i, pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, i))) WHERE record LIKE '%renamed%';
DROP TABLE dynamo_tables.stream_named;
SET ROLE regress_stream_reader;
SELECT pg_temp.describe(:'arn') ->> 'StreamStatus' IN ('DISABLING', 'DISABLED');
RESET ROLE;

-- shards have children
SELECT pg_temp.make('stream_roll', '{"StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"}}') ->> 'TableStatus';
SELECT pg_temp.arn('stream_roll') AS arn \gset
SELECT pg_temp.put('stream_roll', 'a', 1, 'parent');
CALL pg_temp.settle();
UPDATE dynamo.stream_shard SET created_at = created_at - interval '5 hours' WHERE shard_id = pg_temp.shard(:'arn');
CREATE PROCEDURE pg_temp.roll(arn text, n int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		COMMIT;
		EXIT WHEN jsonb_array_length(pg_temp.describe(arn) -> 'Shards') >= n;
		PERFORM pg_sleep(0.02);
	END LOOP;
END $$;
CALL pg_temp.roll(:'arn', 2);
SELECT pg_temp.put('stream_roll', 'a', 2, 'child');
CALL pg_temp.settle();
SELECT pg_temp.stable(pg_temp.describe(:'arn') -> 'Shards');
SELECT a #>> '{1,ParentShardId}' = a #>> '{0,ShardId}',
	(a #>> '{0,SequenceNumberRange,EndingSequenceNumber}')::numeric < (a #>> '{1,SequenceNumberRange,StartingSequenceNumber}')::numeric,
	(a #>> '{0,SequenceNumberRange,EndingSequenceNumber}')::numeric >= (a #>> '{0,SequenceNumberRange,StartingSequenceNumber}')::numeric
	FROM (SELECT pg_temp.describe(:'arn') -> 'Shards' AS a) d;
SELECT pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON')) ? 'NextShardIterator';
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON')));
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, 1)));
SELECT jsonb_array_length(pg_temp.describe(:'arn', jsonb_build_object('ShardFilter',
	jsonb_build_object('Type', 'CHILD_SHARDS', 'ShardId', pg_temp.shard(:'arn')))) -> 'Shards');

-- what is older than a day is over
SELECT pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, 1)) #>> '{Records,0,dynamodb,SequenceNumber}' AS number \gset
SELECT pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, 1) AS old \gset
BEGIN;
INSERT INTO dynamo.stream_hour (started_at, epoch, commit_lsn) SELECT now() - interval '25 hours', epoch, pg_current_wal_insert_lsn() FROM dynamo.stream_position ORDER BY stored_at DESC LIMIT 1;
SELECT pg_temp.fails(format('SELECT pg_temp.iterator(%L, %L, %L, 1)', :'arn', 'AT_SEQUENCE_NUMBER', :'number'));
SELECT pg_temp.fails(format('SELECT pg_temp.read(%L)', :'old'));
SELECT * FROM pg_temp.brief(pg_temp.read(pg_temp.iterator(:'arn', 'TRIM_HORIZON', NULL, 1)));
ROLLBACK;

-- the state of the slot
SELECT slot_state, lag_bytes >= 0, streams > 0, open_shards > 0, records >= 0, gaps FROM dynamo.stat_streams;

SELECT dynamo.delete_table(jsonb_build_object('TableName', t)) IS NOT NULL FROM unnest(ARRAY['stream_none', 'stream_tx', 'stream_roll']) t;
DROP ROLE regress_stream_reader, regress_stream_none;
