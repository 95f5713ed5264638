-- BatchGetItem, BatchWriteItem
\set VERBOSITY terse
\pset format unaligned
\pset tuples_only on

SELECT dynamo.create_table('bat_s', 'p S') IS NOT NULL;
SELECT dynamo.create_table('bat_sn', 'p S', 'r N') IS NOT NULL;
SELECT dynamo.create_table('bat_b', 'p B') IS NOT NULL;

CREATE FUNCTION pg_temp.get(items jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.batch_get_item(jsonb_build_object('RequestItems', items) || more)
$$;
CREATE FUNCTION pg_temp.write(items jsonb, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.batch_write_item(jsonb_build_object('RequestItems', items) || more)
$$;
-- PutRequests and DeleteRequests
CREATE FUNCTION pg_temp.put(VARIADIC items jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('PutRequest', jsonb_build_object('Item', i)) ORDER BY n)
	FROM unnest(items) WITH ORDINALITY AS u(i, n)
$$;
CREATE FUNCTION pg_temp.del(VARIADIC keys jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('DeleteRequest', jsonb_build_object('Key', k)) ORDER BY n)
	FROM unnest(keys) WITH ORDINALITY AS u(k, n)
$$;
-- keys p1 .. pn
CREATE FUNCTION pg_temp.keys(count int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('p', jsonb_build_object('S', 'p' || n)) ORDER BY n)
	FROM generate_series(1, count) n
$$;
CREATE FUNCTION pg_temp.stored(name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT item::text FROM dynamo_tables.%I ORDER BY item::jsonb', name);
END $$;

--
-- writing and reading
--
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "a"}, "n": {"N": "1.0"}}', '{"p": {"S": "b"}}', '{"p": {"S": "c"}}')));
SELECT pg_temp.stored('bat_s');
-- put, replace and delete, in several tables
SELECT pg_temp.write(jsonb_build_object(
	'bat_s', pg_temp.put('{"p": {"S": "a"}, "m": {"M": {"x": {"L": []}}}}', '{"p": {"S": "d"}}') ||
		pg_temp.del('{"p": {"S": "b"}}', '{"p": {"S": "absent"}}'),
	'bat_sn', pg_temp.put('{"p": {"S": "a"}, "r": {"N": "1e3"}}', '{"p": {"S": "a"}, "r": {"N": "2"}, "v": {"S": "two"}}', '{"p": {"S": "b"}, "r": {"N": "2"}}'),
	'bat_b', pg_temp.put('{"p": {"B": "AP8="}}')));
SELECT pg_temp.stored('bat_s');
SELECT pg_temp.stored('bat_sn');
SELECT pg_temp.stored('bat_b');
-- the same once more, twenty-five at a time, and gone again
SELECT pg_temp.write(jsonb_build_object('bat_s', (SELECT pg_temp.put(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(25)) k)));
SELECT count(*) FROM dynamo_tables.bat_s;
SELECT pg_temp.write(jsonb_build_object('bat_s', (SELECT pg_temp.put(VARIADIC array_agg(k || '{"again": {"BOOL": true}}')) FROM jsonb_array_elements(pg_temp.keys(25)) k)));
SELECT count(*), count(*) FILTER (WHERE item ? 'again') FROM dynamo_tables.bat_s;
SELECT jsonb_array_length(pg_temp.get(jsonb_build_object('bat_s', jsonb_build_object('Keys', pg_temp.keys(100)))) #> '{Responses,bat_s}');
SELECT pg_temp.write(jsonb_build_object('bat_s', (SELECT pg_temp.del(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(25)) k)));
SELECT count(*) FROM dynamo_tables.bat_s;

-- an entry for each table, empty or not
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "nobody"}}, {"p": {"S": "d"}}]},
	"bat_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "1000.0"}}, {"r": {"N": "2"}, "p": {"S": "a"}}, {"p": {"S": "a"}, "r": {"N": "3"}}], "ConsistentRead": true},
	"bat_b": {"Keys": [{"p": {"B": "AAAA"}}]}}');
-- by ARN; keys of the maps are those sent
SELECT pg_temp.get('{"arn:aws:dynamodb:us-east-1:000000000000:table/bat_s": {"Keys": [{"p": {"S": "a"}}]}}', '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.write(jsonb_build_object('arn:aws:dynamodb:us-east-1:000000000000:table/bat_s', pg_temp.put('{"p": {"S": "c"}}')), '{"ReturnConsumedCapacity": "TOTAL"}');
-- unknown members are ignored, null ones absent
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "c"}}], "ConsistentRead": null, "ProjectionExpression": null, "Unknown": 7}}', '{"ReturnConsumedCapacity": null}');
SELECT pg_temp.write('{"bat_s": [{"PutRequest": null, "DeleteRequest": {"Key": {"p": {"S": "c"}}}}]}', '{"ReturnItemCollectionMetrics": null}');

--
-- projections, by table
--
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "d"}}], "ProjectionExpression": "m.x, #n", "ExpressionAttributeNames": {"#n": "none"}},
	"bat_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "2"}}], "ProjectionExpression": "v"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": ["p", "none"]},
	"bat_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "2"}}], "AttributesToGet": ["v", "p"]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": ["p"], "ProjectionExpression": "p"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": ["p", "m", "p"]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": []}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ExpressionAttributeNames": {"#n": "n"}}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ProjectionExpression": "p, #m"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ProjectionExpression": "p", "ExpressionAttributeNames": {"#n": "n"}}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ProjectionExpression": ""}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ProjectionExpression": "p.x"}}');

--
-- keys that occur twice
--
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "b"}}, {"p": {"S": "a"}}]}}');
SELECT pg_temp.get('{"bat_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "2"}}, {"r": {"N": "2"}, "p": {"S": "a"}}]}}');
-- not found when numbers are spelled differently; but the item comes once
SELECT pg_temp.get('{"bat_sn": {"Keys": [{"p": {"S": "a"}, "r": {"N": "1000"}}, {"p": {"S": "a"}, "r": {"N": "1e3"}}, {"p": {"S": "a"}, "r": {"N": "2"}}]}}', '{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "a"}}', '{"p": {"S": "b"}}', '{"p": {"S": "a"}, "x": {"S": ""}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "a"}}') || pg_temp.del('{"p": {"S": "a"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_sn', pg_temp.del('{"p": {"S": "a"}, "r": {"N": "1000"}}', '{"p": {"S": "a"}, "r": {"N": "10e2"}}')));
-- also where a table has two names; not in different tables
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "a"}}'), 'arn:aws:dynamodb:us-east-1:000000000000:table/bat_s', pg_temp.del('{"p": {"S": "a"}}')));
SELECT dynamo.create_table('bat_s2', 'p S') IS NOT NULL;
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "same"}}'), 'bat_s2', pg_temp.put('{"p": {"S": "same"}}')));

--
-- how many
--
SELECT pg_temp.get('{}');
SELECT pg_temp.write('{}');
SELECT dynamo.batch_get_item('{}');
SELECT dynamo.batch_write_item('{}');
SELECT dynamo.batch_get_item('{"RequestItems": null}');
SELECT pg_temp.get('{"bat_s": {}}');
SELECT pg_temp.get('{"bat_s": {"Keys": []}}');
SELECT pg_temp.get(jsonb_build_object('bat_s', jsonb_build_object('Keys', pg_temp.keys(101))));
SELECT pg_temp.get(jsonb_build_object('bat_s', jsonb_build_object('Keys', pg_temp.keys(60)), 'bat_s2', jsonb_build_object('Keys', pg_temp.keys(41))));
SELECT pg_temp.get(jsonb_build_object('bat_s', jsonb_build_object('Keys', pg_temp.keys(60)), 'bat_s2', jsonb_build_object('Keys', pg_temp.keys(40))));
CREATE FUNCTION pg_temp.failure(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
BEGIN
	EXECUTE statement;
	RETURN 'no failure';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
	RETURN code || ' ' || regexp_replace(message, '''[{\[].*[}\]]''', '<value>');
END $$;
SELECT pg_temp.failure($$SELECT pg_temp.write(jsonb_build_object('bat_s', (SELECT pg_temp.del(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(26)) k)))$$);
SELECT pg_temp.write(jsonb_build_object('bat_s', (SELECT pg_temp.del(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(20)) k),
	'bat_s2', (SELECT pg_temp.del(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(6)) k)));
SELECT pg_temp.write('{"bat_s": []}');
SELECT pg_temp.failure($$SELECT pg_temp.get((SELECT jsonb_object_agg('table' || n, '{"Keys": [{"p": {"S": "a"}}]}'::jsonb) FROM generate_series(1, 101) n))$$);
SELECT pg_temp.failure($$SELECT pg_temp.write((SELECT jsonb_object_agg('table' || n, pg_temp.del('{"p": {"S": "a"}}')) FROM generate_series(1, 26) n))$$);
SELECT pg_temp.failure($$SELECT pg_temp.get('{"ab": {"Keys": [{"p": {"S": "a"}}]}}')$$);
SELECT pg_temp.failure($$SELECT pg_temp.write('{"a;b": [{"PutRequest": {"Item": {}}}]}')$$);

--
-- shapes
--
SELECT pg_temp.get('[]');
SELECT pg_temp.get('"x"');
SELECT pg_temp.get('{"bat_s": []}');
SELECT pg_temp.get('{"bat_s": "x"}');
SELECT pg_temp.get('{"bat_s": {"Keys": {}}}');
SELECT pg_temp.get('{"bat_s": {"Keys": "x"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": ["x"]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [[]]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": "a"}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": 1}}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "ConsistentRead": "maybe"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}], "AttributesToGet": "p"}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}}]}}', '{"ReturnConsumedCapacity": "SOME"}');
SELECT pg_temp.write('[]');
SELECT pg_temp.write('{"bat_s": {}}');
SELECT pg_temp.write('{"bat_s": "x"}');
SELECT pg_temp.write('{"bat_s": ["x"]}');
SELECT pg_temp.write('{"bat_s": [[]]}');
SELECT pg_temp.write('{"bat_s": [{"PutRequest": []}]}');
SELECT pg_temp.write('{"bat_s": [{"PutRequest": {"Item": []}}]}');
SELECT pg_temp.write('{"bat_s": [{"PutRequest": {}}]}');
SELECT pg_temp.write('{"bat_s": [{"DeleteRequest": {}}]}');
SELECT pg_temp.failure($$SELECT pg_temp.write('{"bat_s": [{"DeleteRequest": {"Key": {"p": {"S": "a"}}}}]}', '{"ReturnConsumedCapacity": "SOME", "ReturnItemCollectionMetrics": "ALL"}')$$);

--
-- values, before tables are looked for
--
SELECT pg_temp.get('{"nowhere": {"Keys": [{"p": {}}]}}');
SELECT pg_temp.get('{"nowhere": {"Keys": [{"p": {"N": "one"}}]}}');
SELECT pg_temp.get('{"nowhere": {"Keys": [{"p": {"S": "a", "N": "1"}}]}}');
SELECT pg_temp.get('{"nowhere": {"Keys": [{"p": {"S": "a"}}, {"p": {"S": "a"}}]}}');
SELECT pg_temp.write('{"nowhere": [{}]}');
SELECT pg_temp.write('{"nowhere": [{"PutRequest": {"Item": {"p": {"S": "a"}}}, "DeleteRequest": {"Key": {"p": {"S": "a"}}}}]}');
SELECT pg_temp.write('{"nowhere": [{"PutRequest": {"Item": {"p": {"S": "a"}, "x": {}}}}]}');
SELECT pg_temp.write('{"nowhere": [{"PutRequest": {"Item": {"p": {"S": "a"}, "x": {"NS": ["1", "1.0"]}}}}]}');
SELECT pg_temp.write('{"nowhere": [{"DeleteRequest": {"Key": {"p": {"N": ""}}}}]}');
SELECT pg_temp.write(jsonb_build_object('nowhere', pg_temp.put(jsonb_build_object('p', '{"S": "a"}'::jsonb, 'x', jsonb_build_object('S', repeat('x', 409600))))));
-- then tables, all of them
SELECT pg_temp.get('{"bat_s": {"Keys": [{"q": {"S": "a"}}]}, "nowhere": {"Keys": [{"p": {"S": "a"}}]}}');
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"q": {"S": "a"}}'), 'nowhere', pg_temp.del('{"p": {"S": "a"}}', '{"p": {"S": "a"}}')));
SELECT pg_temp.get('{"arn:aws:dynamodb:us-east-1:111111111111:table/bat_s": {"Keys": [{"p": {"S": "a"}}]}}');
SELECT pg_temp.get('{"arn:nothing": {"Keys": [{"p": {"S": "a"}}]}}');

--
-- keys
--
SELECT pg_temp.get('{"bat_s": {"Keys": [{}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"q": {"S": "a"}}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"N": "1"}}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "a"}, "r": {"S": "b"}}]}}');
SELECT pg_temp.get('{"bat_sn": {"Keys": [{"p": {"S": "a"}}]}}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": ""}}]}}');
SELECT pg_temp.get('{"bat_b": {"Keys": [{"p": {"B": ""}}]}}');
SELECT pg_temp.get(jsonb_build_object('bat_s', jsonb_build_object('Keys', jsonb_build_array(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2049)))))));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}', '{"q": {"S": "a"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}', '{"p": {"N": "1"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_sn', pg_temp.put('{"p": {"S": "good"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}') || pg_temp.del('{"p": {"S": "a"}, "x": {"S": "b"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}', '{"p": {"S": ""}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}') || pg_temp.del('{"p": {"S": ""}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "good"}}', jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2049))))));
SELECT count(*) FROM dynamo_tables.bat_s WHERE pk = 'good';
-- long keys are kept in another form, and found
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2048))), jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2047))))));
SELECT length(r #>> '{p,S}') FROM jsonb_array_elements(pg_temp.get(jsonb_build_object('bat_s2', jsonb_build_object('Keys', jsonb_build_array(jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2047))), jsonb_build_object('p', jsonb_build_object('S', repeat('k', 2048))))))) #> '{Responses,bat_s2}') r ORDER BY 1;
DELETE FROM dynamo_tables.bat_s2;

--
-- capacity
--
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "small"}}', jsonb_build_object('p', '{"S": "large"}'::jsonb, 'x', jsonb_build_object('S', repeat('x', 9000))))),
	'{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "small"}}, {"p": {"S": "large"}}, {"p": {"S": "missing"}}], "ProjectionExpression": "p"},
	"bat_s2": {"Keys": [{"p": {"S": "missing"}}], "ConsistentRead": true}}', '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.get('{"bat_s": {"Keys": [{"p": {"S": "small"}}, {"p": {"S": "large"}}, {"p": {"S": "missing"}}], "ProjectionExpression": "p", "ConsistentRead": true}}', '{"ReturnConsumedCapacity": "TOTAL"}');
-- by the larger of old and new item
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "large"}}') || pg_temp.del('{"p": {"S": "small"}}', '{"p": {"S": "missing"}}'),
	'bat_s2', pg_temp.del('{"p": {"S": "missing"}}')), '{"ReturnConsumedCapacity": "INDEXES"}');
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.del('{"p": {"S": "large"}}')), '{"ReturnConsumedCapacity": "NONE"}');

--
-- indexes
--
SELECT dynamo.create_table('{"TableName": "bat_i", "BillingMode": "PAY_PER_REQUEST",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "S"},
		{"AttributeName": "g", "AttributeType": "S"}, {"AttributeName": "l", "AttributeType": "N"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"GlobalSecondaryIndexes": [{"IndexName": "global", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
	"LocalSecondaryIndexes": [{"IndexName": "local", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}]}') IS NOT NULL;
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.put('{"p": {"S": "a"}, "r": {"S": "1"}, "g": {"S": "x"}, "l": {"N": "1"}}',
	'{"p": {"S": "a"}, "r": {"S": "2"}, "g": {"S": "x"}}', '{"p": {"S": "b"}, "r": {"S": "1"}}')), '{"ReturnItemCollectionMetrics": "SIZE"}');
SELECT dynamo.query('{"TableName": "bat_i", "IndexName": "global", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": {"S": "x"}}, "Select": "COUNT"}');
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.put('{"p": {"S": "a"}, "r": {"S": "1"}, "g": {"S": "y"}, "l": {"N": "2"}}') || pg_temp.del('{"p": {"S": "a"}, "r": {"S": "2"}}'),
	'bat_s', pg_temp.put('{"p": {"S": "a"}}')), '{"ReturnItemCollectionMetrics": "SIZE", "ReturnConsumedCapacity": "INDEXES"}');
SELECT * FROM dynamo.verify_index('bat_i', 'global');
SELECT * FROM dynamo.verify_index('bat_i', 'local');
SELECT pg_temp.write(jsonb_build_object('bat_s', pg_temp.put('{"p": {"S": "a"}}')), '{"ReturnItemCollectionMetrics": "SIZE"}');
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.del('{"p": {"S": "b"}, "r": {"S": "1"}}')), '{"ReturnItemCollectionMetrics": "NONE"}');
-- index keys of another type or empty: nothing is written
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.put('{"p": {"S": "c"}, "r": {"S": "1"}}', '{"p": {"S": "c"}, "r": {"S": "2"}, "g": {"N": "1"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.put('{"p": {"S": "c"}, "r": {"S": "1"}}', '{"p": {"S": "c"}, "r": {"S": "2"}, "l": {"S": "1"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_i', pg_temp.put('{"p": {"S": "c"}, "r": {"S": "1"}}', '{"p": {"S": "c"}, "r": {"S": "2"}, "g": {"S": ""}}')));
SELECT pg_temp.get('{"bat_i": {"Keys": [{"p": {"S": "a"}, "r": {"S": "1"}}], "ProjectionExpression": "g.x"}}');
SELECT pg_temp.stored('bat_i');

--
-- what fails alone leaves the others alone
--
ALTER TABLE dynamo_tables.bat_s2 ADD CONSTRAINT short CHECK (length(pk) < 4);
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "one"}}', '{"p": {"S": "too long"}}', '{"p": {"S": "two"}}'), 'bat_s', pg_temp.put('{"p": {"S": "beside"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "too long"}}', '{"p": {"S": "three"}}') || pg_temp.del('{"p": {"S": "one"}}')),
	'{"ReturnConsumedCapacity": "TOTAL"}');
SELECT pg_temp.stored('bat_s2');
SELECT count(*) FROM dynamo_tables.bat_s WHERE pk = 'beside';
-- unless none is left
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "too long"}}', '{"p": {"S": "three"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "too long"}}')));
ALTER TABLE dynamo_tables.bat_s2 DROP CONSTRAINT short;
-- a trigger's error, and a trigger that prevents
CREATE FUNCTION bat_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.pk = 'raise' THEN
		RAISE EXCEPTION 'not this one';
	ELSIF NEW.pk = 'internal' THEN
		RAISE EXCEPTION 'broken' USING ERRCODE = 'internal_error';
	ELSIF NEW.pk = 'serialize' THEN
		RAISE EXCEPTION 'once more' USING ERRCODE = 'serialization_failure';
	ELSIF NEW.pk = 'prevent' THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER bat BEFORE INSERT ON dynamo_tables.bat_s2 FOR EACH ROW EXECUTE FUNCTION bat_trigger();
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "ok1"}}', '{"p": {"S": "raise"}}', '{"p": {"S": "prevent"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "prevent"}}')));
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "ok2"}}', '{"p": {"S": "serialize"}}')));
-- trouble of the server is for the whole call
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "ok3"}}', '{"p": {"S": "internal"}}')));
-- so is a transaction that cannot be serialized
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "ok4"}}', '{"p": {"S": "serialize"}}')));
ROLLBACK;
SELECT pg_temp.stored('bat_s2');
DROP TRIGGER bat ON dynamo_tables.bat_s2;
DROP FUNCTION bat_trigger;
-- in a transaction it is as durable as the transaction
BEGIN;
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "rolled back"}}')));
ROLLBACK;
SELECT count(*) FROM dynamo_tables.bat_s2 WHERE pk = 'rolled back';
BEGIN READ ONLY;
SELECT pg_temp.write(jsonb_build_object('bat_s2', pg_temp.put('{"p": {"S": "ro"}}')));
ROLLBACK;
BEGIN READ ONLY;
SELECT pg_temp.get('{"bat_s2": {"Keys": [{"p": {"S": "ok1"}}]}}');
ROLLBACK;

--
-- rights
--
CREATE ROLE regress_bat;
GRANT USAGE ON SCHEMA dynamo_tables TO regress_bat;
GRANT SELECT ON dynamo_tables.bat_s TO regress_bat;
SET ROLE regress_bat;
SELECT dynamo.batch_get_item('{"RequestItems": {"bat_s": {"Keys": [{"p": {"S": "a"}}]}}}');
SELECT dynamo.batch_get_item('{"RequestItems": {"bat_s": {"Keys": [{"p": {"S": "a"}}]}, "bat_s2": {"Keys": [{"p": {"S": "a"}}]}}}');
SELECT dynamo.batch_write_item('{"RequestItems": {"bat_s": [{"DeleteRequest": {"Key": {"p": {"S": "a"}}}}]}}');
RESET ROLE;
GRANT DELETE ON dynamo_tables.bat_s TO regress_bat;
SET ROLE regress_bat;
SELECT dynamo.batch_write_item('{"RequestItems": {"bat_s": [{"DeleteRequest": {"Key": {"p": {"S": "a"}}}}]}}');
SELECT dynamo.batch_write_item('{"RequestItems": {"bat_s": [{"DeleteRequest": {"Key": {"p": {"S": "a"}}}}, {"PutRequest": {"Item": {"p": {"S": "b"}}}}]}}');
RESET ROLE;
GRANT INSERT, UPDATE ON dynamo_tables.bat_s TO regress_bat;
ALTER TABLE dynamo_tables.bat_s ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON dynamo_tables.bat_s USING (pk LIKE 'mine%');
SET ROLE regress_bat;
SELECT dynamo.batch_write_item('{"RequestItems": {"bat_s": [{"PutRequest": {"Item": {"p": {"S": "mine1"}}}}, {"PutRequest": {"Item": {"p": {"S": "theirs"}}}}, {"PutRequest": {"Item": {"p": {"S": "mine2"}}}}]}}');
SELECT dynamo.batch_get_item('{"RequestItems": {"bat_s": {"Keys": [{"p": {"S": "beside"}}, {"p": {"S": "mine1"}}, {"p": {"S": "mine2"}}]}}}');
SELECT dynamo.batch_write_item('{"RequestItems": {"bat_s": [{"PutRequest": {"Item": {"p": {"S": "theirs"}}}}]}}');
RESET ROLE;
DROP POLICY mine ON dynamo_tables.bat_s;
ALTER TABLE dynamo_tables.bat_s DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON dynamo_tables.bat_s FROM regress_bat;
REVOKE ALL ON SCHEMA dynamo_tables FROM regress_bat;
DROP ROLE regress_bat;

--
-- partitioned tables
--
SET dynamo.table_partitions = 3;
SELECT dynamo.create_table('bat_p', 'p S') IS NOT NULL;
RESET dynamo.table_partitions;
SELECT pg_temp.write(jsonb_build_object('bat_p', (SELECT pg_temp.put(VARIADIC array_agg(k)) FROM jsonb_array_elements(pg_temp.keys(25)) k)));
SELECT pg_temp.write(jsonb_build_object('bat_p', (SELECT pg_temp.put(VARIADIC array_agg(k || '{"again": {"BOOL": true}}')) FROM jsonb_array_elements(pg_temp.keys(20)) k)));
SELECT count(*), count(*) FILTER (WHERE r ? 'again') FROM jsonb_array_elements(pg_temp.get(jsonb_build_object('bat_p', jsonb_build_object('Keys', pg_temp.keys(30)))) #> '{Responses,bat_p}') r;

--
-- sixteen megabytes; the rest is handed back with its options
--
TRUNCATE dynamo_tables.bat_s, dynamo_tables.bat_s2;
SELECT count(dynamo.put_item(jsonb_build_object('TableName', 'bat_s', 'Item',
	jsonb_build_object('p', jsonb_build_object('S', 'p' || n), 'x', jsonb_build_object('S', repeat('x', 409500)))))) FROM generate_series(1, 50) n;
CREATE TEMP TABLE large AS SELECT pg_temp.get(jsonb_build_object(
	'bat_s', jsonb_build_object('Keys', pg_temp.keys(60), 'ProjectionExpression', '#p', 'ExpressionAttributeNames', '{"#p": "p"}'::jsonb, 'ConsistentRead', true),
	'bat_sn', '{"Keys": [{"p": {"S": "a"}, "r": {"N": "1e0"}}], "AttributesToGet": ["p"]}'::jsonb), '{"ReturnConsumedCapacity": "TOTAL"}') AS r;
SELECT jsonb_array_length(r #> '{Responses,bat_s}') AS items, jsonb_array_length(r #> '{UnprocessedKeys,bat_s,Keys}') AS keys,
	(r #> '{UnprocessedKeys,bat_s}') - 'Keys' AS options, r #> '{UnprocessedKeys,bat_s,Keys,0}' AS first,
	r #> '{Responses,bat_sn}' AS other, r #> '{UnprocessedKeys,bat_sn}' AS other_keys, r -> 'ConsumedCapacity' AS capacity FROM large;
-- the unprocessed keys are the next request
SELECT jsonb_array_length(n #> '{Responses,bat_s}') AS items, n -> 'UnprocessedKeys' AS keys, n #> '{Responses,bat_s,0}' AS first
FROM (SELECT pg_temp.get(r -> 'UnprocessedKeys') AS n FROM large) s;

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) FROM unnest('{bat_s, bat_s2, bat_sn, bat_b, bat_i, bat_p}'::text[]) name;
