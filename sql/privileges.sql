-- who may do what, and who learns what
\set VERBOSITY terse
\pset format unaligned

CREATE ROLE regress_priv_owner;
CREATE ROLE regress_priv_reader;
CREATE ROLE regress_priv_writer;
CREATE ROLE regress_priv_nobody;
CREATE ROLE regress_priv_creator;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_priv_owner, regress_priv_creator;

-- each operation on a table, as the current role: the exception, or "done"
CREATE FUNCTION attempt(operation text, request jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.execute(operation, request);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION attempts(name text, key jsonb DEFAULT '{"p": {"S": "a"}, "r": {"N": "1"}}')
RETURNS TABLE (operation text, outcome text) LANGUAGE sql AS $$
	SELECT op, attempt(op, jsonb_build_object(CASE WHEN op LIKE '%Resource' THEN 'ResourceArn' ELSE 'TableName' END,
		CASE WHEN op LIKE '%Resource' THEN 'arn:aws:dynamodb:us-east-1:000000000000:table/' || name ELSE name END) || more)
	FROM (VALUES
		(1, 'DescribeTable', '{}'),
		(2, 'GetItem', jsonb_build_object('Key', key)),
		(3, 'Query', '{"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}'),
		(4, 'Scan', '{}'),
		(5, 'PutItem', jsonb_build_object('Item', key)),
		(6, 'UpdateItem', jsonb_build_object('Key', key)),
		(7, 'DeleteItem', jsonb_build_object('Key', key)),
		(8, 'ListTagsOfResource', '{}'),
		(9, 'TagResource', '{"Tags": [{"Key": "k", "Value": "v"}]}'),
		(10, 'UntagResource', '{"TagKeys": ["k"]}'),
		(11, 'UpdateTable', '{"DeletionProtectionEnabled": false}')) x(ord, op, more)
	ORDER BY ord
$$;

SET ROLE regress_priv_owner;
SELECT dynamo.create_table('priv_t', 'p S', 'r N');
SELECT dynamo.put_item('priv_t', '{"p": "a", "r": 1, "owner": "regress_priv_reader"}');
SELECT dynamo.put_item('priv_t', '{"p": "a", "r": 2, "owner": "regress_priv_writer"}');
SELECT * FROM attempts('priv_t', '{"p": {"S": "b"}, "r": {"N": "1"}}');

--
-- no rights: the same answer whether or not the table exists, and before any
-- look at keys
--
SET ROLE regress_priv_nobody;
SELECT * FROM attempts('priv_t');
SELECT a.operation, a.outcome = replace(b.outcome, 'priv_none', 'priv_t') AS same
FROM attempts('priv_t') a JOIN attempts('priv_none') b USING (operation) ORDER BY 1;
SELECT * FROM attempts('priv_t', '{"x": {"S": "a"}}') WHERE outcome NOT LIKE 'DY004 AccessDeniedException: %';
SELECT attempt('DeleteTable', '{"TableName": "priv_t"}');
SELECT attempt('DeleteTable', '{"TableName": "priv_none"}');
SELECT attempt('CreateTable', '{"TableName": "priv_t", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}');
SELECT attempt('CreateTable', '{"TableName": "priv_none", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}');
SELECT attempt('Query', '{"TableName": "priv_t", "IndexName": "none", "KeyConditionExpression": "x = :p", "ExpressionAttributeValues": {":p": {"N": "1"}}}');
SELECT attempt('GetItem', '{"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/priv_t", "Key": {"x": {"S": "a"}}}');
SELECT dynamo.list_tables('{}');
SELECT table_name FROM dynamo.tables;
SELECT * FROM dynamo.tags;
SELECT dynamo.get_item('priv_t', '{"p": "a", "r": 1}');
SELECT dynamo.put_item('priv_t', '{"p": "a", "r": 1}');
SELECT * FROM dynamo.query('priv_t', 'p = :p', '{":p": "a"}');
SELECT * FROM dynamo.scan('priv_t');
SELECT * FROM dynamo.scan('priv_none');
SELECT * FROM dynamo_tables.priv_t;

--
-- SELECT only: reads work, writes do not
--
SET ROLE regress_priv_owner;
GRANT SELECT ON dynamo_tables.priv_t TO regress_priv_reader;
SET ROLE regress_priv_reader;
SELECT operation, regexp_replace(outcome, ' is not authorized.*', ' ...') AS outcome FROM attempts('priv_t');
SELECT dynamo.list_tables('{}');
SELECT table_name, owner FROM dynamo.tables;
SELECT * FROM dynamo.scan('priv_t') ORDER BY 1;
SELECT attempt('DeleteTable', '{"TableName": "priv_t"}');
-- a name that does not exist: this role may not create it
SELECT attempt('GetItem', '{"TableName": "priv_none", "Key": {"p": {"S": "a"}}}');

--
-- writes need SELECT, too: they return what they find
--
SET ROLE regress_priv_owner;
GRANT INSERT, UPDATE, DELETE ON dynamo_tables.priv_t TO regress_priv_writer;
SET ROLE regress_priv_writer;
SELECT operation, regexp_replace(outcome, ' is not authorized.*', ' ...') AS outcome FROM attempts('priv_t', '{"p": {"S": "w"}, "r": {"N": "1"}}');
SET ROLE regress_priv_owner;
GRANT SELECT ON dynamo_tables.priv_t TO regress_priv_writer;
REVOKE DELETE ON dynamo_tables.priv_t FROM regress_priv_writer;
SET ROLE regress_priv_writer;
SELECT operation, regexp_replace(outcome, ' is not authorized.*', ' ...') AS outcome FROM attempts('priv_t', '{"p": {"S": "w"}, "r": {"N": "1"}}');
-- rights that go are gone at once, for cached statements, too
SET ROLE regress_priv_owner;
REVOKE ALL ON dynamo_tables.priv_t FROM regress_priv_writer;
SET ROLE regress_priv_writer;
SELECT operation, regexp_replace(outcome, ' is not authorized.*', ' ...') AS outcome FROM attempts('priv_t', '{"p": {"S": "w"}, "r": {"N": "1"}}');
-- who may create tables is told which do not exist
SET ROLE regress_priv_creator;
SELECT attempt('GetItem', '{"TableName": "priv_none", "Key": {"p": {"S": "a"}}}');
SELECT attempt('DescribeTable', '{"TableName": "priv_none"}');
SELECT regexp_replace(attempt('GetItem', '{"TableName": "priv_t", "Key": {"p": {"S": "a"}}}'), ' is not authorized.*', ' ...') AS existing;
SELECT attempt('CreateTable', '{"TableName": "priv_t", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]}');
-- column rights are not enough
SET ROLE regress_priv_owner;
GRANT SELECT (item) ON dynamo_tables.priv_t TO regress_priv_nobody;
SET ROLE regress_priv_nobody;
SELECT regexp_replace(attempt('Scan', '{"TableName": "priv_t"}'), ' is not authorized.*', ' ...') AS scan;
SET ROLE regress_priv_owner;
REVOKE SELECT (item) ON dynamo_tables.priv_t FROM regress_priv_nobody;

--
-- row security
--
SET ROLE regress_priv_owner;
SELECT dynamo.create_table('priv_rls', 'p S', 'r N');
ALTER TABLE dynamo_tables.priv_rls ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON dynamo_tables.priv_rls
	USING (dynamo.item_matches(item, '#o = :o', jsonb_build_object(':o', current_user), '{"#o": "owner"}'));
GRANT ALL ON dynamo_tables.priv_rls TO regress_priv_reader, regress_priv_writer;
SELECT dynamo.put_item('priv_rls', '{"p": "a", "r": 1, "owner": "regress_priv_reader", "n": 1}');
SELECT dynamo.put_item('priv_rls', '{"p": "a", "r": 2, "owner": "regress_priv_writer", "n": 2}');
SELECT dynamo.put_item('priv_rls', '{"p": "b", "r": 1, "owner": "regress_priv_writer", "n": 3}');
SELECT count(*) FROM dynamo.scan('priv_rls');
SET ROLE regress_priv_reader;
SELECT dynamo.get_item('priv_rls', '{"p": "a", "r": 1}');
SELECT dynamo.get_item('priv_rls', '{"p": "a", "r": 2}');
SELECT dynamo.query('{"TableName": "priv_rls", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}');
SELECT dynamo.scan('{"TableName": "priv_rls"}'::jsonb);
SELECT * FROM dynamo.query('priv_rls', 'p = :p', '{":p": "a"}');
SELECT * FROM dynamo.scan('priv_rls');
SELECT attempt('UpdateItem', '{"TableName": "priv_rls", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "10"}}}');
-- what is hidden can be neither read nor written nor deleted
SELECT attempt('UpdateItem', '{"TableName": "priv_rls", "Key": {"p": {"S": "a"}, "r": {"N": "2"}}, "UpdateExpression": "ADD n :n", "ExpressionAttributeValues": {":n": {"N": "10"}}}');
SELECT attempt('PutItem', '{"TableName": "priv_rls", "Item": {"p": {"S": "a"}, "r": {"N": "2"}, "owner": {"S": "regress_priv_reader"}}}');
SELECT attempt('PutItem', '{"TableName": "priv_rls", "Item": {"p": {"S": "a"}, "r": {"N": "2"}, "owner": {"S": "regress_priv_reader"}}, "ReturnValues": "ALL_OLD"}');
SELECT attempt('PutItem', '{"TableName": "priv_rls", "Item": {"p": {"S": "c"}, "r": {"N": "2"}, "owner": {"S": "regress_priv_writer"}}}');
SELECT attempt('PutItem', '{"TableName": "priv_rls", "Item": {"p": {"S": "a"}, "r": {"N": "1"}, "owner": {"S": "regress_priv_writer"}}}');
SELECT dynamo.delete_item('{"TableName": "priv_rls", "Key": {"p": {"S": "a"}, "r": {"N": "2"}}, "ReturnValues": "ALL_OLD"}');
SELECT attempt('DeleteItem', '{"TableName": "priv_rls", "Key": {"p": {"S": "a"}, "r": {"N": "2"}}, "ConditionExpression": "attribute_exists(p)"}');
SELECT dynamo.put_item('priv_rls', '{"p": "c", "r": 1, "owner": "regress_priv_reader"}');
SELECT dynamo.delete_item('priv_rls', '{"p": "c", "r": 1}');
-- the same session, another role: cached statements follow
SET ROLE regress_priv_writer;
SELECT * FROM dynamo.scan('priv_rls') ORDER BY 1;
SELECT dynamo.get_item('priv_rls', '{"p": "a", "r": 1}');
SET ROLE regress_priv_owner;
SELECT * FROM dynamo.scan('priv_rls') ORDER BY 1;

--
-- the catalog: read by everyone, written by nobody
--
SET ROLE regress_priv_owner;
INSERT INTO dynamo.table_definition (relid, table_name, hash_attribute, hash_type, settings) VALUES ('pg_class', 'evil', 'p', 'S', '{}');
UPDATE dynamo.table_definition SET table_name = 'evil';
DELETE FROM dynamo.table_definition;
TRUNCATE dynamo.table_definition CASCADE;
INSERT INTO dynamo.table_tag VALUES ('dynamo_tables.priv_t', 'a', 'b');
DELETE FROM dynamo.table_tag;
UPDATE dynamo.tables SET table_name = 'evil';
DELETE FROM dynamo.tags;
CREATE TABLE dynamo.evil ();
SET ROLE regress_priv_nobody;
CREATE TABLE dynamo_tables.evil ();

--
-- functions of the extension's own statements
--
SELECT dynamo.store_write('{"p": {"S": "a"}}', 1);
SELECT dynamo.store_check('{"p": {"S": "a"}}', 0);
SELECT dynamo.scan_filter('{"p": {"S": "a"}}', -1);
SELECT dynamo.scan_filter('{"p": {"S": "a"}}', 9223372036854775807);
SELECT dynamo.store_write(NULL, 1) IS NULL AS strict;
SELECT dynamo.item_before_insert();
SELECT dynamo.on_sql_drop();

--
-- hostile objects in front of the server's: nothing of them may run with
-- more rights than their owner's
--
RESET ROLE;
CREATE TABLE caught (who text, what text);
GRANT INSERT ON caught TO PUBLIC;
CREATE SCHEMA hostile AUTHORIZATION regress_priv_owner;
SET ROLE regress_priv_owner;
-- tells who runs it, if that is not the one who would do so anyway
CREATE FUNCTION hostile.tell(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'regress_priv_owner' THEN
		INSERT INTO public.caught VALUES (current_user, what);
	END IF;
END $$;
CREATE FUNCTION hostile.oid_eq(regclass, regclass) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('= regclass'); RETURN pg_catalog.oideq($1, $2); END $$;
CREATE FUNCTION hostile.oid_eq(oid, oid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('= oid'); RETURN pg_catalog.oideq($1, $2); END $$;
CREATE FUNCTION hostile.text_eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('= text'); RETURN pg_catalog.texteq($1, $2); END $$;
CREATE FUNCTION hostile.text_gt(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('> text'); RETURN pg_catalog.text_gt($1, $2); END $$;
CREATE FUNCTION hostile.num_eq(numeric, numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('= numeric'); RETURN pg_catalog.numeric_eq($1, $2); END $$;
CREATE FUNCTION hostile.num_gt(numeric, numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('> numeric'); RETURN pg_catalog.numeric_gt($1, $2); END $$;
CREATE FUNCTION hostile.int8_le(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('<= bigint'); RETURN pg_catalog.int8le($1, $2); END $$;
CREATE FUNCTION hostile.num_le(numeric, numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('<= numeric'); RETURN pg_catalog.numeric_le($1, $2); END $$;
CREATE OPERATOR hostile.= (LEFTARG = regclass, RIGHTARG = regclass, FUNCTION = hostile.oid_eq);
CREATE OPERATOR hostile.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = hostile.oid_eq);
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.text_eq);
CREATE OPERATOR hostile.> (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.text_gt);
CREATE OPERATOR hostile.= (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = hostile.num_eq);
CREATE OPERATOR hostile.> (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = hostile.num_gt);
CREATE OPERATOR hostile.<= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.int8_le);
CREATE OPERATOR hostile.<= (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = hostile.num_le);
CREATE FUNCTION hostile.has_table_privilege(oid, regclass, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('has_table_privilege'); RETURN true; END $$;
CREATE FUNCTION hostile.has_table_privilege(oid, oid, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('has_table_privilege'); RETURN true; END $$;
CREATE FUNCTION hostile.pg_relation_size(regclass) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('pg_relation_size'); RETURN 0; END $$;
CREATE FUNCTION hostile.pg_relation_size(oid) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('pg_relation_size'); RETURN 0; END $$;
CREATE FUNCTION hostile.tell_state(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('count'); RETURN $1 + 1; END $$;
CREATE AGGREGATE hostile.count(*) (SFUNC = hostile.tell_state, STYPE = bigint, INITCOND = '0');
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('gen_random_uuid'); RETURN '00000000-0000-0000-0000-000000000000'; END $$;
CREATE FUNCTION hostile.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('now'); RETURN '2000-01-01'; END $$;
CREATE FUNCTION hostile.pg_event_trigger_dropped_objects() RETURNS TABLE (objid oid) LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('dropped_objects'); END $$;
CREATE TABLE hostile.pg_class (LIKE pg_catalog.pg_class);
-- temporary objects come first where they may
CREATE TEMP TABLE pg_class (LIKE pg_catalog.pg_class);
CREATE TEMP TABLE table_definition (LIKE dynamo.table_definition);
CREATE FUNCTION pg_temp.partition_hash(text) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.tell('partition_hash'); RETURN 0; END $$;
SET search_path = hostile, pg_temp, pg_catalog, public;
CREATE FUNCTION hostile.everything(prefix text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	arn text := 'arn:aws:dynamodb:us-east-1:000000000000:table/' || prefix || '_h';
BEGIN
	RETURN NEXT public.attempt('CreateTable', jsonb_build_object('TableName', prefix || '_h', 'BillingMode', 'PAY_PER_REQUEST', 'Tags', '[{"Key": "a", "Value": "b"}]'::jsonb,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "N"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}]'::jsonb));
	RETURN NEXT public.attempt('TagResource', jsonb_build_object('ResourceArn', arn, 'Tags', '[{"Key": "c", "Value": "d"}]'::jsonb));
	RETURN NEXT public.attempt('UntagResource', jsonb_build_object('ResourceArn', arn, 'TagKeys', '["c"]'::jsonb));
	RETURN NEXT dynamo.list_tags_of_resource(jsonb_build_object('ResourceArn', arn));
	RETURN NEXT public.attempt('UpdateTable', jsonb_build_object('TableName', prefix || '_h', 'DeletionProtectionEnabled', false));
	PERFORM dynamo.put_item(prefix || '_h', '{"p": "a", "r": 1}');
	PERFORM dynamo.put_item(prefix || '_h', '{"p": "a", "r": 2}');
	RETURN NEXT dynamo.describe_table(jsonb_build_object('TableName', prefix || '_h')) #> '{Table,ItemCount}';
	RETURN NEXT dynamo.list_tables('{"ExclusiveStartTableName": "priv_"}');
	RETURN NEXT (dynamo.get_item(prefix || '_h', '{"p": "a", "r": 2}'));
	RETURN NEXT (dynamo.query(jsonb_build_object('TableName', prefix || '_h', 'KeyConditionExpression', 'p = :p AND r > :r', 'ExpressionAttributeValues', '{":p": {"S": "a"}, ":r": {"N": "1"}}'::jsonb)) -> 'Count');
	RETURN NEXT (dynamo.scan(jsonb_build_object('TableName', prefix || '_h', 'Limit', 1)) -> 'Count');
	RETURN NEXT (dynamo.scan(jsonb_build_object('TableName', prefix || '_h') || jsonb_build_object('ExclusiveStartKey',
		dynamo.scan(jsonb_build_object('TableName', prefix || '_h', 'Limit', 1)) -> 'LastEvaluatedKey')) -> 'Count');
	RETURN NEXT (dynamo.delete_item(prefix || '_h', '{"p": "a", "r": 2}'));
	RETURN NEXT public.attempt('DeleteTable', jsonb_build_object('TableName', prefix || '_h'));
END $$;
SELECT * FROM hostile.everything('priv_one');
-- statements cached in this session, then another search path; and the other way round
RESET search_path;
SELECT * FROM hostile.everything('priv_two');
SET search_path = hostile, pg_temp, pg_catalog, public;
SELECT * FROM hostile.everything('priv_two');
-- in a new session the first of all statements is under the hostile path
\c -
SET ROLE regress_priv_owner;
SET search_path = hostile, pg_catalog, public;
SELECT * FROM hostile.everything('priv_three');
RESET ROLE;
RESET search_path;
SELECT * FROM caught;
-- and as superuser, who calls by mistake with that path
SET search_path = hostile, public;
SELECT dynamo.list_tables('{"ExclusiveStartTableName": "priv_"}');
SELECT dynamo.list_tags_of_resource('{"ResourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/priv_t"}');
SELECT dynamo.describe_table('{"TableName": "priv_t"}') #> '{Table,ItemCount}' AS items;
SELECT count(*) > 0 AS some FROM dynamo.scan('priv_t');
SELECT dynamo.get_item('priv_t', '{"p": "a", "r": 2}');
SELECT (dynamo.query('{"TableName": "priv_t", "KeyConditionExpression": "p = :p AND r > :r", "ExpressionAttributeValues": {":p": {"S": "a"}, ":r": {"N": "1"}}}')) -> 'Count' AS n;
RESET search_path;
SELECT DISTINCT what FROM caught;

-- triggers of an item table run as whoever writes, not as the extension's owner
SET ROLE regress_priv_owner;
CREATE FUNCTION hostile.trigger_tells() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'as %', current_user; RETURN NEW; END $$;
CREATE TRIGGER tells BEFORE INSERT OR UPDATE ON dynamo_tables.priv_t FOR EACH ROW EXECUTE FUNCTION hostile.trigger_tells();
GRANT ALL ON dynamo_tables.priv_t TO regress_priv_reader;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
SET ROLE regress_priv_reader;
SELECT dynamo.put_item('priv_t', '{"p": "new", "r": 1}');
SELECT dynamo.update_item('priv_t', '{"p": "new", "r": 1}', 'SET x = :x', '{":x": 1}');
-- all rights do not make an owner
SELECT regexp_replace(attempt(op, '{"TableName": "priv_t"}'), ' is not authorized.*', ' ...') AS outcome FROM unnest('{DescribeTable,DeleteTable}'::text[]) op;
-- a SECURITY DEFINER function lends its owner's rights
SET ROLE regress_priv_owner;
CREATE FUNCTION hostile.lend(k jsonb) RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$ SELECT dynamo.get_item('priv_t', k) $$;
SET ROLE regress_priv_nobody;
SELECT hostile.lend('{"p": "a", "r": 1}');
SELECT regexp_replace(attempt('GetItem', '{"TableName": "priv_t", "Key": {"p": {"S": "a"}, "r": {"N": "1"}}}'), ' is not authorized.*', ' ...') AS own_rights;

RESET ROLE;
DROP SCHEMA hostile CASCADE;
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{priv_t,priv_rls}'::text[]) name;
DROP TABLE caught;
DROP FUNCTION attempts, attempt;
DROP OWNED BY regress_priv_owner, regress_priv_creator;
DROP ROLE regress_priv_owner, regress_priv_reader, regress_priv_writer, regress_priv_nobody, regress_priv_creator;
