-- statistics of the HTTP endpoint: nothing is counted where nobody connects
\set VERBOSITY terse

SELECT attname, atttypid::regtype
FROM pg_attribute WHERE attrelid = 'dynamo.stat_operations'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, atttypid::regtype
FROM pg_attribute WHERE attrelid = 'dynamo.stat_errors'::regclass AND attnum > 0 ORDER BY attnum;
SELECT attname, atttypid::regtype
FROM pg_attribute WHERE attrelid = 'dynamo.stat_http'::regclass AND attnum > 0 ORDER BY attnum;

-- operations that are offered have a row each, others none
SELECT operation, requests, errors, mean_ms, p50_ms, p99_ms, read_units, write_units
FROM dynamo.stat_operations WHERE operation IN ('GetItem', 'PutItem', 'CreateBackup', 'unknown')
ORDER BY operation;
SELECT sum(requests) AS requests, count(mean_ms) AS means FROM dynamo.stat_operations;
SELECT * FROM dynamo.stat_errors;
SELECT count(*) = current_setting('dynamo.http_workers')::int AS a_row_each,
	coalesce(sum(connections + accepted + refused + parked + flushes + flushed_responses), 0) AS total,
	count(mean_batch) AS means
FROM dynamo.stat_http;

-- SQL functions are not requests
SELECT dynamo.create_table('counted', 'p S');
SELECT dynamo.put_item('counted', '{"p": "1"}');
SELECT sum(requests), sum(write_units) FROM dynamo.stat_operations;
SELECT dynamo.delete_table('{"TableName": "counted"}') IS NOT NULL AS deleted;

-- a reset, and its time
SELECT coalesce(max(stats_reset), 'epoch') AS before FROM dynamo.stat_operations \gset
SELECT dynamo.stat_reset();
SELECT count(DISTINCT stats_reset) <= 1 AS one_time,
	max(stats_reset) IS NULL OR max(stats_reset) > :'before'::timestamptz AS later
FROM (SELECT stats_reset FROM dynamo.stat_operations
	UNION ALL SELECT stats_reset FROM dynamo.stat_http) AS times;

-- everybody may read, few may reset
CREATE ROLE opstat_reader;
SET ROLE opstat_reader;
SELECT count(*) > 0 AS readable FROM dynamo.stat_operations;
SELECT count(*) >= 0 AS readable FROM dynamo.stat_errors;
SELECT count(*) >= 0 AS readable FROM dynamo.stat_http;
SELECT dynamo.stat_reset();
RESET ROLE;
GRANT EXECUTE ON FUNCTION dynamo.stat_reset() TO opstat_reader;
SET ROLE opstat_reader;
SELECT dynamo.stat_reset();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION dynamo.stat_reset() FROM opstat_reader;
DROP ROLE opstat_reader;
