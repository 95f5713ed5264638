-- UpdateTimeToLive, DescribeTimeToLive, and dynamo.expire_items()
\set VERBOSITY terse
\pset format unaligned

CREATE FUNCTION pg_temp.ttl(name text, enabled boolean, attribute text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_time_to_live(jsonb_build_object('TableName', name,
		'TimeToLiveSpecification', jsonb_build_object('Enabled', enabled, 'AttributeName', attribute)))
$$;
CREATE FUNCTION pg_temp.described(name text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.describe_time_to_live(jsonb_build_object('TableName', name)) -> 'TimeToLiveDescription'
$$;
-- an item whose attribute exp is a value of any type, or an offset in seconds from now
CREATE FUNCTION pg_temp.put(name text, p text, exp jsonb) RETURNS void LANGUAGE sql AS $$
	SELECT dynamo.put_item(jsonb_build_object('TableName', name, 'Item',
		jsonb_build_object('p', jsonb_build_object('S', p), 'exp', exp)))
$$;
CREATE FUNCTION pg_temp.at(seconds numeric) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('N', (trunc(extract(epoch FROM clock_timestamp())) + seconds)::text)
$$;
-- the partition keys that are there; and what is wrong with the index of expiry
CREATE FUNCTION pg_temp.left_of(name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(i ->> 'p', ' ' ORDER BY i ->> 'p' COLLATE "C") FROM dynamo.scan(name) i
$$;
CREATE FUNCTION pg_temp.wrong(name text) RETURNS TABLE (problem text, key jsonb) LANGUAGE sql AS $$
	SELECT problem, key FROM dynamo.verify_index(name, '~ttl')
$$;

SELECT dynamo.create_table('ttl_main', 'p S');
SELECT pg_temp.described('ttl_main');

-- errors
SELECT dynamo.update_time_to_live('{}');
SELECT dynamo.update_time_to_live('{"TableName": "ttl_main"}');
SELECT dynamo.update_time_to_live('{"TableName": "ttl_main", "TimeToLiveSpecification": {}}');
SELECT dynamo.update_time_to_live('{"TableName": "ttl_main", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": ""}}');
SELECT pg_temp.ttl('ttl_main', true, repeat('a', 256));
SELECT pg_temp.ttl('ttl_none', true, 'exp');
SELECT pg_temp.described('ttl_none');
SELECT dynamo.describe_time_to_live('{}');
SELECT pg_temp.ttl('ttl_main', false, 'exp');

-- of items that were there before
SELECT pg_temp.put('ttl_main', p, v) FROM (VALUES
	('a past', pg_temp.at(-100)), ('b fraction', pg_temp.at(-100.5)), ('c future', pg_temp.at(100)),
	('d string', jsonb_build_object('S', pg_temp.at(-100) ->> 'N')),
	('e nested', jsonb_build_object('M', jsonb_build_object('exp', pg_temp.at(-100)))),
	('f set', jsonb_build_object('NS', jsonb_build_array(pg_temp.at(-100) -> 'N'))),
	('g six years', pg_temp.at(-6 * 365 * 86400)), ('h almost five years', pg_temp.at(-5 * 365 * 86400)),
	('i zero', '{"N": "0"}'), ('j negative', '{"N": "-1"}'), ('k huge', '{"N": "9E125"}'),
	('l exponent', jsonb_build_object('N', ((pg_temp.at(-5000) ->> 'N')::bigint / 1000) || 'E3')), ('m milliseconds', '{"N": "1700000000000"}'), ('n', '{"NULL": true}')) x(p, v);
SELECT pg_temp.ttl('ttl_main', true, 'exp');
SELECT pg_temp.described('ttl_main');
SELECT * FROM pg_temp.wrong('ttl_main');
SELECT dynamo.expired_items('dynamo_tables.ttl_main');
SELECT table_name, attribute, status, expired, deleted, passed_over, last_error, last_sweep IS NULL AS never FROM dynamo.stat_ttl;

-- the API does not know the index
SELECT count(*) FROM dynamo.indexes;
SELECT t #> '{Table,GlobalSecondaryIndexes}' AS indexes, t #> '{Table,AttributeDefinitions}' AS definitions
FROM dynamo.describe_table('{"TableName": "ttl_main"}') t;
SELECT dynamo.query('ttl_main', 'exp = :v', '{":v": 1}', index_name => '~ttl');
SELECT dynamo.cancel_index_build('ttl_main', '~ttl');

-- the state of time to live
SELECT pg_temp.ttl('ttl_main', true, 'exp');
SELECT pg_temp.ttl('ttl_main', true, 'other');
SELECT pg_temp.ttl('ttl_main', false, 'other');

SELECT dynamo.expire_items('ttl_main');
SELECT pg_temp.left_of('ttl_main');
SELECT * FROM pg_temp.wrong('ttl_main');
SELECT dynamo.expire_items('ttl_main');

-- entries follow the item
SELECT pg_temp.put('ttl_main', p, pg_temp.at(-10)) FROM unnest('{renewed,removed,retyped,deleted,rewritten}'::text[]) p;
SELECT dynamo.update_item('ttl_main', '{"p": "renewed"}', 'SET exp = exp + :n', '{":n": 1000}') IS NOT NULL AS done;
SELECT dynamo.update_item('ttl_main', '{"p": "removed"}', 'REMOVE exp');
SELECT pg_temp.put('ttl_main', 'retyped', '{"BOOL": true}');
SELECT dynamo.delete_item('ttl_main', '{"p": "deleted"}') IS NOT NULL AS done;
UPDATE dynamo_tables.ttl_main SET item = item || jsonb_build_object('exp', pg_temp.at(1000)) WHERE pk = 'rewritten';
SELECT pg_temp.put('ttl_main', 'c future', pg_temp.at(-1));
SELECT * FROM pg_temp.wrong('ttl_main');
SELECT dynamo.expire_items();
SELECT pg_temp.left_of('ttl_main');

-- no capacity is counted for it
SELECT dynamo.put_item(jsonb_build_object('TableName', 'ttl_main', 'ReturnConsumedCapacity', 'INDEXES',
	'Item', jsonb_build_object('p', '{"S": "cap"}'::jsonb, 'exp', pg_temp.at(1000))));

-- updates that leave the value alone are HOT
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset_single_table_counters('dynamo_tables.ttl_main'::regclass);
SELECT dynamo.update_item('ttl_main', '{"p": "cap"}', 'SET n = :n', '{":n": 1}') IS NOT NULL AS done;
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'dynamo_tables.ttl_main'::regclass;

-- disabled, and enabled on another attribute
SELECT pg_temp.ttl('ttl_main', false, 'exp');
SELECT pg_temp.described('ttl_main');
SELECT pg_temp.put('ttl_main', 'stays', pg_temp.at(-1));
SELECT dynamo.expire_items('ttl_main'), dynamo.expired_items('dynamo_tables.ttl_main');
SELECT pg_temp.ttl('ttl_main', true, 'other');
SELECT dynamo.expire_items('ttl_main');
SET dynamo.ttl_change_interval = '1h';
SELECT pg_temp.ttl('ttl_main', true, 'other');
SELECT pg_temp.ttl('ttl_main', false, 'other');
RESET dynamo.ttl_change_interval;
BEGIN;
SELECT pg_temp.ttl('ttl_main', false, 'other');
ROLLBACK;
SELECT pg_temp.described('ttl_main');

-- a key attribute, also one that is no number
SELECT dynamo.create_table('ttl_key', 'p S', 'exp N');
SELECT pg_temp.put('ttl_key', p, pg_temp.at(s)) FROM (VALUES ('a', -10), ('a', -20), ('a', 500), ('b', -10)) x(p, s);
SELECT pg_temp.ttl('ttl_key', true, 'exp');
SELECT dynamo.expire_items('ttl_key');
SELECT pg_temp.left_of('ttl_key');
SELECT pg_temp.ttl('ttl_key', false, 'exp');
SELECT pg_temp.ttl('ttl_key', true, 'p');
SELECT dynamo.expire_items('ttl_key');
SELECT pg_temp.left_of('ttl_key');

-- partitions, local and global indexes, many batches
SET dynamo.table_partitions = 4;
SELECT dynamo.create_table('{"TableName": "ttl_parts", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"},
		{"AttributeName": "exp", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"LocalSecondaryIndexes": [{"IndexName": "local", "Projection": {"ProjectionType": "ALL"},
		"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "exp", "KeyType": "RANGE"}]}],
	"GlobalSecondaryIndexes": [{"IndexName": "global", "Projection": {"ProjectionType": "KEYS_ONLY"},
		"KeySchema": [{"AttributeName": "exp", "KeyType": "HASH"}]}]}') #>> '{TableDescription,TableStatus}';
RESET dynamo.table_partitions;
SELECT pg_temp.ttl('ttl_parts', true, 'exp');
SELECT count(dynamo.put_item('ttl_parts', jsonb_build_object('p', 'p' || i % 7, 'r', i,
	'exp', (pg_temp.at(CASE i % 2 WHEN 0 THEN -10 ELSE 1000 END) ->> 'N')::numeric)))
FROM generate_series(1, 500) i;
SELECT table_name, expired FROM dynamo.stat_ttl ORDER BY 1;
SELECT dynamo.expire_items();
SELECT count(*), bool_and((i ->> 'r')::int % 2 = 1) AS odd FROM dynamo.scan('ttl_parts') i;
SELECT index, problem, key FROM unnest('{local,global,~ttl}'::text[]) index, dynamo.verify_index('ttl_parts', index);
SELECT count(*) FROM dynamo.scan('ttl_parts', index_name => 'global');
ALTER TABLE dynamo_tables.ttl_parts DETACH PARTITION dynamo_tables."ttl_parts_:0";
TRUNCATE dynamo_tables.ttl_parts;
SELECT * FROM pg_temp.wrong('ttl_parts');
SET dynamo.table_partitions = 2;
SELECT dynamo.create_table('ttl_halves', 'p S');
RESET dynamo.table_partitions;
SELECT pg_temp.ttl('ttl_halves', true, 'exp');
ALTER TABLE dynamo_tables.ttl_halves DETACH PARTITION dynamo_tables."ttl_halves_:0";
SELECT pg_temp.ttl('ttl_halves', false, 'exp');
ALTER TABLE dynamo_tables.ttl_halves DETACH PARTITION dynamo_tables."ttl_halves_:0";
DROP TABLE dynamo_tables.ttl_halves, dynamo_tables."ttl_halves_:0";

-- items that cannot be deleted are passed over
SELECT dynamo.create_table('ttl_held', 'p S');
SELECT pg_temp.ttl('ttl_held', true, 'exp');
SELECT pg_temp.put('ttl_held', 'p' || i, pg_temp.at(-1000 + i)) FROM generate_series(1, 9) i;
CREATE TABLE ttl_refers (p text COLLATE "C" REFERENCES dynamo_tables.ttl_held (pk));
INSERT INTO ttl_refers VALUES ('p3');
CREATE FUNCTION ttl_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF old.pk = 'p5' THEN RAISE EXCEPTION 'not this one'; END IF;
	IF old.pk = 'p7' THEN RETURN NULL; END IF;
	RETURN old;
END $$;
CREATE TRIGGER refuse BEFORE DELETE ON dynamo_tables.ttl_held FOR EACH ROW EXECUTE FUNCTION ttl_refuse();
SELECT dynamo.expire_items('ttl_held');
SELECT pg_temp.left_of('ttl_held');
SELECT * FROM pg_temp.wrong('ttl_held');
SELECT expired, deleted, passed_over, last_error FROM dynamo.stat_ttl WHERE table_name = 'ttl_held';
DROP TABLE ttl_refers;
DROP TRIGGER refuse ON dynamo_tables.ttl_held;
SELECT dynamo.expire_items('ttl_held');

-- a transaction of its own
BEGIN;
SELECT dynamo.expire_items();
ROLLBACK;
SELECT dynamo.expire_items('ttl_none');

-- whose tables
CREATE ROLE regress_ttl_other;
CREATE ROLE regress_ttl_reader;
GRANT SELECT ON dynamo_tables.ttl_held TO regress_ttl_reader;
SELECT pg_temp.put('ttl_held', 'again', pg_temp.at(-1));
SET ROLE regress_ttl_reader;
SELECT dynamo.update_time_to_live('{"TableName": "ttl_held", "TimeToLiveSpecification": {"Enabled": false, "AttributeName": "exp"}}');
SELECT dynamo.describe_time_to_live('{"TableName": "ttl_held"}');
SELECT dynamo.expire_items('ttl_held');
SELECT dynamo.expire_items();
SELECT table_name, expired FROM dynamo.stat_ttl;
SET ROLE regress_ttl_other;
SELECT dynamo.describe_time_to_live('{"TableName": "ttl_held"}');
SELECT dynamo.expired_items('dynamo_tables.ttl_held'::regclass);
SELECT table_name FROM dynamo.stat_ttl;
RESET ROLE;

-- everything goes with the table
DROP TABLE dynamo_tables.ttl_held;
SELECT dynamo.delete_table(jsonb_build_object('TableName', t)) #>> '{TableDescription,TableStatus}'
FROM unnest('{ttl_main,ttl_key,ttl_parts}'::text[]) t;
SELECT count(*) FROM dynamo.index_definition WHERE index_name = '~ttl';
SELECT count(*) FROM dynamo.ttl_sweep;
SELECT relname FROM pg_class WHERE relnamespace = 'dynamo_tables'::regnamespace AND relname LIKE 'ttl%';
DROP FUNCTION ttl_refuse();
DROP ROLE regress_ttl_other, regress_ttl_reader;
