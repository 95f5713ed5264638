-- Reads the stream of table bench with GetRecords, as a consumer polls, for some
-- seconds; latencies in ms from the time that each item tells.
CREATE TEMP TABLE latency (ms double precision);
CREATE PROCEDURE pg_temp.consume(seconds int) LANGUAGE plpgsql AS $$
DECLARE
	arn text := dynamo.describe_table('{"TableName": "bench"}') #>> '{Table,LatestStreamArn}';
	shard text := dynamo.describe_stream(jsonb_build_object('StreamArn', arn)) #>> '{StreamDescription,Shards,-1,ShardId}';
	iterator text := dynamo.get_shard_iterator(jsonb_build_object('StreamArn', arn, 'ShardId', shard,
		'ShardIteratorType', 'LATEST')) ->> 'ShardIterator';
	until timestamptz := clock_timestamp() + seconds * interval '1 second';
	page jsonb;
BEGIN
	WHILE clock_timestamp() < until LOOP
		page := dynamo.get_records(jsonb_build_object('ShardIterator', iterator));
		INSERT INTO latency SELECT extract(epoch FROM clock_timestamp()) * 1000 - (r #>> '{dynamodb,NewImage,at,N}')::numeric
			FROM jsonb_array_elements(page -> 'Records') r;
		iterator := page ->> 'NextShardIterator';
		COMMIT;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
CALL pg_temp.consume(:seconds);
SELECT format('%s records: p50 %s, p99 %s, max %s ms', count(*),
	round(percentile_disc(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 1),
	round(percentile_disc(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 1), round(max(ms)::numeric, 1)) FROM latency;
