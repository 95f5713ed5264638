-- resource policies, and the administration of identity policies
\set VERBOSITY terse
\pset format unaligned
\pset null NULL
\set arn 'arn:aws:dynamodb:us-east-1:000000000000:table/governed'

CREATE ROLE regress_policy_app;
CREATE ROLE regress_policy_other;
CREATE ROLE regress_policy_group;
CREATE ROLE regress_policy_admin;
CREATE ROLE regress_policy_boss SUPERUSER;
CREATE ROLE "regress_policy Odd-Name";
GRANT regress_policy_group TO regress_policy_app;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_policy_app;

CREATE FUNCTION policy_attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(regexp_replace(detail, '^Failing row .*', ''), ''));
END $$;
CREATE FUNCTION policy_make(name text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object(
		'TableName', name, 'BillingMode', 'PAY_PER_REQUEST',
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb) || more)
		#>> '{TableDescription,TableStatus}'
$$;
-- a resource policy of one statement, and an identity policy
CREATE FUNCTION policy_of(effect text, action text, principal text DEFAULT '*', resource text DEFAULT '*') RETURNS text LANGUAGE sql AS $$
	SELECT format('{"Version": "2012-10-17", "Statement": [{"Effect": "%s", "Principal": "%s", "Action": "dynamodb:%s", "Resource": "%s"}]}',
		effect, principal, action, resource)
$$;
CREATE FUNCTION policy_for(effect text, action text) RETURNS text LANGUAGE sql AS $$
	SELECT format('{"Version": "2012-10-17", "Statement": [{"Effect": "%s", "Action": "dynamodb:%s", "Resource": "*"}]}',
		effect, action)
$$;
-- the response, or the error; revision ids are times, shown as the order they have
CREATE FUNCTION policy_put(arn text, policy text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.put_resource_policy(jsonb_build_object('ResourceArn', arn, 'Policy', policy) || more) ->> 'RevisionId';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
CREATE FUNCTION policy_get(arn text) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.get_resource_policy(jsonb_build_object('ResourceArn', arn));
EXCEPTION WHEN OTHERS THEN
	RETURN to_jsonb(SQLERRM);
END $$;
CREATE FUNCTION policy_delete(arn text, more jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN dynamo.delete_resource_policy(jsonb_build_object('ResourceArn', arn) || more);
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;

SELECT policy_make('governed');

--
-- put, get, delete
--
SELECT policy_get(:'arn');
SELECT policy_delete(:'arn');
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem')) AS r1 \gset
SELECT :'r1' ~ '^[0-9]{13}$' AS milliseconds, abs(:'r1' - extract(epoch FROM now()) * 1000) < 60000 AS now;
SELECT policy_get(:'arn') = jsonb_build_object('Policy', policy_of('Allow', 'GetItem'), 'RevisionId', :'r1') AS same;
-- the same document keeps its revision, and nothing is written
SELECT xmin, ctid FROM dynamo.resource_policy \gset before_
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem')) = :'r1' AS same;
SELECT xmin = :'before_xmin' AND ctid = :'before_ctid' AS untouched FROM dynamo.resource_policy;
-- blanks make another
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem') || ' ') AS r2 \gset
SELECT :'r2'::bigint > :'r1'::bigint AS later;
SELECT policy_get(:'arn') ->> 'Policy' = policy_of('Allow', 'GetItem') || ' ' AS as_sent;
-- each of many has another revision
BEGIN;
SELECT count(DISTINCT policy_put(:'arn', policy_of('Allow', 'GetItem') || repeat(' ', 1 + g % 2))) FROM generate_series(1, 50) g;
ROLLBACK;
SELECT policy_get(:'arn') ->> 'RevisionId' = :'r2' AS rolled_back;
SELECT policy_delete(:'arn') = jsonb_build_object('RevisionId', :'r2')::text AS deleted;
SELECT policy_delete(:'arn');
SELECT policy_get(:'arn');
SELECT count(*) FROM dynamo.resource_policy;

-- with the revision that is expected
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem'), '{"ExpectedRevisionId": "1"}');
SELECT policy_delete(:'arn', '{"ExpectedRevisionId": "1"}');
SELECT policy_delete(:'arn', '{"ExpectedRevisionId": "NO_POLICY"}');
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem'), '{"ExpectedRevisionId": "NO_POLICY"}') AS r1 \gset
SELECT policy_put(:'arn', policy_of('Allow', 'PutItem'), '{"ExpectedRevisionId": "NO_POLICY"}');
SELECT policy_put(:'arn', policy_of('Allow', 'PutItem'), '{"ExpectedRevisionId": "1"}');
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem'), '{"ExpectedRevisionId": "1"}');
SELECT policy_delete(:'arn', '{"ExpectedRevisionId": "1"}');
SELECT policy_get(:'arn') ->> 'Policy' = policy_of('Allow', 'GetItem') AS unchanged;
SELECT policy_put(:'arn', policy_of('Allow', 'PutItem'), jsonb_build_object('ExpectedRevisionId', :'r1')) AS r2 \gset
SELECT :'r2'::bigint > :'r1'::bigint AS later;
SELECT policy_delete(:'arn', jsonb_build_object('ExpectedRevisionId', :'r2')) = jsonb_build_object('RevisionId', :'r2')::text AS deleted;

-- what is no policy of a resource
SELECT policy_put(:'arn', '');
SELECT policy_put(:'arn', 'x');
SELECT policy_put(:'arn', '{}');
SELECT policy_put(:'arn', policy_for('Allow', 'GetItem'));
SELECT policy_put(:'arn', policy_of('Perhaps', 'GetItem'));
SELECT policy_put(:'arn', rpad(policy_of('Allow', 'GetItem'), 20481));
SELECT policy_put(:'arn', rpad(policy_of('Allow', 'GetItem'), 20480)) ~ '^[0-9]+$' AS longest;
SELECT octet_length(policy_get(:'arn') ->> 'Policy');
SELECT policy_delete(:'arn') ~ 'RevisionId' AS deleted;

-- requests
SELECT policy_attempt($$SELECT dynamo.put_resource_policy('{}')$$);
SELECT policy_attempt($$SELECT dynamo.get_resource_policy('{}')$$);
SELECT policy_attempt($$SELECT dynamo.get_resource_policy('{"ResourceArn": ""}')$$);
SELECT policy_attempt($$SELECT dynamo.delete_resource_policy('{"ResourceArn": 1}')$$);
SELECT policy_delete(:'arn', '{"ExpectedRevisionId": ""}');

--
-- resources
--
SELECT arn, policy_get(arn)
FROM unnest(ARRAY['governed', 'arn:', 'arn:aws:s3:us-east-1:000000000000:table/governed',
	'arn:aws:dynamodb:us-east-1:000000000000:table/', 'arn:aws:dynamodb:us-east-1:000000000000:table/governed/',
	'arn:aws:dynamodb:us-east-1:000000000000:table/governed/index/i', 'arn:aws:dynamodb:us-east-1:000000000000:table/governed/stream/',
	'arn:aws:dynamodb:us-east-1:000000000000:table/governed/backup/b', 'arn:aws:dynamodb:us-east-1:000000000000:global-table/governed',
	'arn:aws:dynamodb:us-east-1:111111111111:table/governed', 'arn:aws:dynamodb:eu-west-1:000000000000:table/governed',
	'arn:aws:dynamodb:us-east-1:000000000000:table/missing', 'arn:aws:dynamodb:us-east-1:000000000000:table/governed/stream/2020-01-01T00:00:00.000']) arn;

--
-- who would lock himself out
--
SELECT policy_put(:'arn', policy_of('Deny', '*'));
SELECT policy_put(:'arn', policy_of('Deny', 'DeleteResourcePolicy'));
SELECT policy_put(:'arn', policy_of('Deny', 'PutResourcePolicy'), '{"ConfirmRemoveSelfResourceAccess": false}');
SELECT policy_put(:'arn', policy_of('Deny', 'PutResourcePolicy', resource => :'arn'));
-- for now, by its conditions
SELECT policy_put(:'arn', jsonb_set(policy_of('Deny', '*')::jsonb, '{Statement,0,Condition}', condition)::text) ~ '^[0-9]+$' AS put
FROM unnest(ARRAY['{"StringNotEquals": {"aws:username": "regress_policy_app"}}', '{"StringEquals": {"aws:username": "regress_policy_app"}}',
	'{"StringLike": {"aws:ResourceTag/team": "*"}}', '{"DateGreaterThan": {"aws:CurrentTime": "2020-01-01"}}']::jsonb[]) condition;
SELECT policy_put(:'arn', policy_of('Deny', 'PutResourcePolicy', resource => :'arn' || '/index/i')) ~ '^[0-9]+$' AS other_resource;
SELECT policy_put(:'arn', policy_of('Deny', 'GetResourcePolicy')) ~ '^[0-9]+$' AS other_action;
SELECT policy_delete(:'arn') ~ 'RevisionId' AS deleted;
SET ROLE regress_policy_app;
SELECT policy_make('closed');
SELECT policy_put(replace(:'arn', 'governed', 'closed'), policy_of('Deny', 'PutResourcePolicy'), '{"ConfirmRemoveSelfResourceAccess": true}') ~ '^[0-9]+$' AS confirmed;
SELECT policy_put(replace(:'arn', 'governed', 'closed'), policy_of('Allow', 'GetItem'));
SELECT policy_delete(replace(:'arn', 'governed', 'closed')) ~ 'RevisionId' AS deleted;
SELECT dynamo.delete_table('{"TableName": "closed"}') #>> '{TableDescription,TableStatus}';

--
-- whose resource it is
--
SELECT policy_put(:'arn', policy_of('Allow', 'GetItem'));
SELECT policy_get(:'arn');
SELECT policy_delete(:'arn');
SELECT policy_get(replace(:'arn', 'governed', 'missing'));
SELECT policy_make('owned');
SELECT policy_put(replace(:'arn', 'governed', 'owned'), policy_of('Allow', 'GetItem')) ~ '^[0-9]+$' AS owner;
SELECT policy_get(replace(:'arn', 'governed', 'owned')) ->> 'Policy' = policy_of('Allow', 'GetItem') AS owner;
SET ROLE regress_policy_other;
SELECT policy_get(replace(:'arn', 'governed', 'missing'));
SELECT policy_get(replace(:'arn', 'governed', 'owned'));
SELECT table_name FROM dynamo.resource_policies;
RESET ROLE;
GRANT ALL ON dynamo_tables.owned TO regress_policy_other;
SET ROLE regress_policy_other;
SELECT policy_get(replace(:'arn', 'governed', 'owned'));
RESET ROLE;
SET ROLE regress_policy_app;
SELECT table_name, stream_label, document = policy_of('Allow', 'GetItem') AS document, revision_id ~ '^[0-9]+$' AS revision FROM dynamo.resource_policies;
RESET ROLE;

-- a table's policy goes with the table, by both doors
SELECT dynamo.delete_table('{"TableName": "owned"}') #>> '{TableDescription,TableStatus}';
SELECT count(*) FROM dynamo.resource_policy;
SELECT policy_make('dropped');
SELECT policy_put(replace(:'arn', 'governed', 'dropped'), policy_of('Allow', 'GetItem')) ~ '^[0-9]+$' AS put;
ALTER TABLE dynamo_tables.dropped RENAME TO renamed;
SELECT policy_get(replace(:'arn', 'governed', 'renamed')) ->> 'Policy' = policy_of('Allow', 'GetItem') AS renamed;
DROP TABLE dynamo_tables.renamed;
SELECT count(*) FROM dynamo.resource_policy;

--
-- CreateTable
--
SELECT policy_make('made', jsonb_build_object('ResourcePolicy', policy_of('Allow', 'GetItem')));
SELECT policy_get(replace(:'arn', 'governed', 'made')) ->> 'Policy' = policy_of('Allow', 'GetItem') AS made;
SELECT policy_attempt($$SELECT policy_make('unmade', '{"ResourcePolicy": "{}"}')$$);
SELECT policy_attempt($$SELECT policy_make('unmade', '{"ResourcePolicy": 1}')$$);
SELECT policy_attempt($$SELECT policy_make('made', '{"ResourcePolicy": "{}"}')$$);
SELECT policy_attempt($$SELECT policy_make('made', jsonb_build_object('ResourcePolicy', policy_of('Allow', 'PutItem')))$$);
SELECT policy_get(replace(:'arn', 'governed', 'made')) ->> 'Policy' = policy_of('Allow', 'GetItem') AS made;
SELECT count(*) FROM dynamo.tables WHERE table_name = 'unmade';
SELECT dynamo.describe_table('{"TableName": "made"}') -> 'Table' ? 'ResourcePolicy' AS described;
DROP TABLE dynamo_tables.made;

--
-- identity policies
--
SELECT dynamo.put_role_policy('regress_policy_app', 'read', policy_for('Allow', 'GetItem'));
SELECT dynamo.put_role_policy('"regress_policy Odd-Name"', 'a_+=,.@-Z09', policy_for('Allow', 'GetItem'));
SELECT role, access_key_id, policy_name, document, changed_at >= created_at AS changed FROM dynamo.identity_policies ORDER BY 1, 3;
SELECT dynamo.put_role_policy('regress_policy_app', 'read', policy_for('Allow', 'Query'));
SELECT role, policy_name, document FROM dynamo.identity_policies WHERE role = 'regress_policy_app';
SELECT dynamo.delete_role_policy('"regress_policy Odd-Name"', 'a_+=,.@-Z09');
SELECT policy_attempt($$SELECT dynamo.delete_role_policy('"regress_policy Odd-Name"', 'a_+=,.@-Z09')$$);
SELECT policy_attempt($$SELECT dynamo.delete_role_policy('regress_policy_app', 'READ')$$);
SELECT name, policy_attempt(format('SELECT dynamo.put_role_policy(%L, %L, policy_for(%L, %L))', 'regress_policy_app', name, 'Allow', 'GetItem'))
FROM unnest(ARRAY['', 'a b', 'a/b', 'ä', E'a\n', 'a:b', '*', NULL]) name;
SELECT policy_attempt(format('SELECT dynamo.put_role_policy(%L, %L, policy_for(%L, %L))', 'regress_policy_app', repeat('n', 128), 'Allow', 'GetItem'));
SELECT policy_attempt(format('SELECT dynamo.put_role_policy(%L, %L, policy_for(%L, %L))', 'regress_policy_app', repeat('n', 129), 'Allow', 'GetItem'));
SELECT dynamo.delete_role_policy('regress_policy_app', repeat('n', 128));
SELECT policy, policy_attempt(format('SELECT dynamo.put_role_policy(%L, %L, %L)', 'regress_policy_app', 'p', policy))
FROM unnest(ARRAY['', '{', '{}', policy_for('Perhaps', 'GetItem'), policy_of('Allow', 'GetItem'), NULL]) policy;
SELECT policy_attempt($$SELECT dynamo.put_role_policy('regress_policy_none', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_role_policy(1, 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_role_policy('-', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_role_policy(NULL, 'p', policy_for('Allow', 'GetItem'))$$);

-- of access keys
SELECT dynamo.create_access_key('regress_policy_app', 'k1', 's1');
SELECT dynamo.put_access_key_policy('k1', 'read', policy_for('Allow', 'GetItem'));
SELECT dynamo.put_access_key_policy('k1', 'write', policy_for('Allow', 'PutItem'));
SELECT dynamo.put_access_key_policy('k1', 'write', policy_for('Deny', 'PutItem'));
SELECT role, access_key_id, policy_name, document FROM dynamo.identity_policies WHERE access_key_id IS NOT NULL ORDER BY 3;
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k0', 'read', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k1', 'a b', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k1', 'p', '{}')$$);
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k1', 'p', NULL)$$);
SELECT policy_attempt($$SELECT dynamo.delete_access_key_policy('k1', 'p')$$);
SELECT policy_attempt($$SELECT dynamo.delete_access_key_policy('k0', 'p')$$);
-- they follow rotation, export and import, and go with the key
SELECT access_key_id AS new_id FROM dynamo.rotate_access_key('k1') \gset
SELECT policy_name, document FROM dynamo.identity_policies WHERE access_key_id = :'new_id' ORDER BY 1;
CREATE TEMP TABLE carried AS SELECT * FROM dynamo.export_access_keys();
SELECT policies FROM carried ORDER BY access_key_id DESC;
SELECT dynamo.delete_access_key(:'new_id');
SELECT access_key_id, policy_name FROM dynamo.access_key_policy ORDER BY 2;
UPDATE dynamo.access_key SET access_key_id = 'k2';
SELECT count(*) FROM dynamo.access_key_policy;
DELETE FROM dynamo.access_key;
SELECT count(dynamo.import_access_key(access_key_id, role, secret_access_key, session_token, expires_at, status, created_at, claims, policies))
FROM carried;
SELECT replace(access_key_id, :'new_id', 'new') AS id, policy_name FROM dynamo.access_key_policy ORDER BY access_key_id DESC, 2;
SELECT policy_attempt($$SELECT dynamo.import_access_key('k3', 'regress_policy_app', 's', policies => '{"p": "{}"}')$$);
SELECT policy_attempt($$SELECT dynamo.import_access_key('k3', 'regress_policy_app', 's', policies => '{"p": 1}')$$);
SELECT policy_attempt($$SELECT dynamo.import_access_key('k3', 'regress_policy_app', 's', policies => '[]')$$);
SELECT policy_attempt($$SELECT dynamo.import_access_key('k3', 'regress_policy_app', 's', policies => jsonb_build_object('a b', policy_for('Allow', 'GetItem')))$$);
TRUNCATE dynamo.access_key;
SELECT count(*) FROM dynamo.access_key_policy;
DROP TABLE carried;

-- directly
SELECT policy_attempt($$INSERT INTO dynamo.identity_policy VALUES ('regress_policy_app', 'direct', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$INSERT INTO dynamo.identity_policy VALUES ('regress_policy_app', 'bad', '{}')$$);
SELECT policy_attempt($$INSERT INTO dynamo.identity_policy VALUES ('regress_policy_app', 'a b', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$INSERT INTO dynamo.identity_policy VALUES (1, 'bad', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$UPDATE dynamo.identity_policy SET document = policy_of('Allow', 'GetItem')$$);
SELECT policy_attempt($$INSERT INTO dynamo.access_key_policy VALUES ('k1', 'bad', '')$$);
SELECT policy_attempt($$INSERT INTO dynamo.resource_policy VALUES ('dynamo_tables.governed', '', policy_for('Allow', 'GetItem'), '1')$$);
SELECT policy_attempt($$INSERT INTO dynamo.resource_policy VALUES ('dynamo_tables.governed', '', policy_of('Allow', 'GetItem'), '99999999999999')$$);
SELECT policy_put(:'arn', policy_of('Allow', 'PutItem')) AS next_revision;
DELETE FROM dynamo.resource_policy;
TRUNCATE dynamo.identity_policy;

--
-- who may do that
--
SELECT proname, proacl FROM pg_proc WHERE proname ~ '_policy$' AND pronamespace = 'dynamo'::regnamespace AND proname ~ 'role|key' AND
	has_function_privilege('regress_policy_app', oid, 'EXECUTE');
SET ROLE regress_policy_admin;
SELECT policy_attempt($$SELECT dynamo.put_role_policy('regress_policy_app', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$INSERT INTO dynamo.identity_policy VALUES ('regress_policy_app', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT FROM dynamo.access_key_policy$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION dynamo.put_role_policy, dynamo.delete_role_policy,
	dynamo.put_access_key_policy, dynamo.delete_access_key_policy TO regress_policy_admin, regress_policy_app;
SET ROLE regress_policy_admin;
SELECT dynamo.put_role_policy('regress_policy_app', 'p', policy_for('Allow', 'GetItem'));
SELECT dynamo.put_role_policy('regress_policy_group', 'g', policy_for('Deny', 'PutItem'));
SELECT role, policy_name FROM dynamo.identity_policies ORDER BY 1, 2;
SELECT policy_attempt($$SELECT dynamo.put_role_policy('regress_policy_boss', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_role_policy('regress_policy_admin', 'p', policy_for('Allow', '*'))$$);
SET ROLE regress_policy_other;
SELECT role, policy_name FROM dynamo.identity_policies ORDER BY 1, 2;
-- not what holds for oneself, by a membership or by one's own name
SET ROLE regress_policy_app;
SELECT role, policy_name FROM dynamo.identity_policies ORDER BY 1, 2;
SELECT policy_attempt($$SELECT dynamo.delete_role_policy('regress_policy_app', 'p')$$);
SELECT policy_attempt($$SELECT dynamo.delete_role_policy('regress_policy_group', 'g')$$);
SELECT policy_attempt($$SELECT dynamo.put_role_policy('regress_policy_group', 'g', policy_for('Allow', '*'))$$);
-- nor by becoming another
RESET ROLE;
GRANT regress_policy_admin TO regress_policy_app;
SET SESSION AUTHORIZATION regress_policy_app;
SET ROLE regress_policy_admin;
SELECT policy_attempt($$SELECT dynamo.delete_role_policy('regress_policy_group', 'g')$$);
RESET ROLE;
RESET SESSION AUTHORIZATION;
REVOKE regress_policy_admin FROM regress_policy_app;
SET ROLE regress_policy_boss;
SELECT dynamo.delete_role_policy('regress_policy_group', 'g');
SELECT dynamo.put_role_policy('regress_policy_boss', 'p', policy_for('Allow', '*'));
SELECT dynamo.delete_role_policy('regress_policy_boss', 'p');
RESET ROLE;
-- keys: those of roles that one is a member of
SELECT dynamo.create_access_key('regress_policy_app', 'k1', 's1');
SELECT dynamo.create_access_key('regress_policy_boss', 'k2', 's2');
SET ROLE regress_policy_admin;
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k1', 'p', policy_for('Allow', 'GetItem'))$$);
SET ROLE regress_policy_app;
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k1', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k2', 'p', policy_for('Allow', 'GetItem'))$$);
SELECT access_key_id, policy_name FROM dynamo.identity_policies WHERE access_key_id IS NOT NULL;
SET ROLE regress_policy_other;
SELECT access_key_id, policy_name FROM dynamo.identity_policies WHERE access_key_id IS NOT NULL;
RESET ROLE;
GRANT regress_policy_boss TO regress_policy_app;
SET ROLE regress_policy_app;
SELECT policy_attempt($$SELECT dynamo.put_access_key_policy('k2', 'p', policy_for('Allow', 'GetItem'))$$);
RESET ROLE;
TRUNCATE dynamo.access_key;

--
-- claims of session tokens
--
SELECT claims, policy_attempt(format('SELECT dynamo.create_session_token(%L, %L, %L)', 'regress_policy_app', '1 hour', claims))
FROM unnest(ARRAY['{"www.amazon.com:user_id": "u1", "cognito-identity.amazonaws.com:sub": ["a", "b"]}',
	'{"aws:PrincipalTag/team": "x"}', '{"AWS:principaltag/team": []}', '{}', NULL,
	'[]', '"x"', '1', 'null', '{"a": "b"}', '{":a": "b"}', '{"a:": "b"}', '{"": "b"}', '{"a b:c": "d"}', '{"ä:c": "d"}',
	'{"aws:SourceIp": "1.2.3.4"}', '{"AWS:username": "x"}', '{"dynamodb:LeadingKeys": "x"}', '{"DynamoDB:Select": "x"}',
	'{"a:b": 1}', '{"a:b": null}', '{"a:b": {"c": "d"}}', '{"a:b": ["c", 1]}', '{"a:b": [["c"]]}', '{"a:b": "c", "A:b": "d"}']) claims;
SELECT claims FROM dynamo.access_key ORDER BY claims;
DELETE FROM dynamo.access_key;
SELECT policy_attempt(format('SELECT dynamo.create_session_token(%L, %L, %L)', 'regress_policy_app', '1 hour',
	(SELECT jsonb_object_agg('a:' || g, '') FROM generate_series(1, n) g)))
FROM unnest('{50,51}'::int[]) n;
SELECT policy_attempt(format('SELECT dynamo.create_session_token(%L, %L, %L)', 'regress_policy_app', '1 hour',
	jsonb_build_object('a:' || repeat('b', n), repeat('c', m))))
FROM (VALUES (126, 0), (127, 0), (1, 8000), (1, 8192)) v (n, m);
DELETE FROM dynamo.access_key;
SELECT policy_attempt($$SELECT dynamo.import_access_key('k1', 'regress_policy_app', 's', 'token', '2100-01-01', claims => '{"a:b": "c"}')$$);
SELECT policy_attempt($$SELECT dynamo.import_access_key('k2', 'regress_policy_app', 's', claims => '{"a:b": "c"}')$$);
SELECT access_key_id, claims FROM dynamo.export_access_keys();
DELETE FROM dynamo.access_key;

-- streams
SELECT dynamo.update_table('{"TableName": "governed", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}}')
	#>> '{TableDescription,LatestStreamArn}' AS stream \gset
SELECT replace(policy_get(:'stream')::text, :'stream', 'stream');
SELECT policy_put(:'stream', policy_of('Allow', 'GetRecords')) ~ '^[0-9]+$' AS put;
SELECT policy_get(:'stream') ->> 'Policy' = policy_of('Allow', 'GetRecords') AS of_stream;
SELECT policy_get(:'arn') AS of_table;
SELECT table_name, :'stream' LIKE '%/' || stream_label AS label FROM dynamo.resource_policies;
SET ROLE regress_policy_app;
SELECT replace(policy_get(:'stream')::text, :'stream', 'stream');
RESET ROLE;
DROP TABLE dynamo_tables.governed;
SELECT policy_get(:'stream') ->> 'Policy' = policy_of('Allow', 'GetRecords') AS of_dropped;
SELECT policy_delete(:'stream') ~ 'RevisionId' AS deleted;

DELETE FROM dynamo.identity_policy;
DROP FUNCTION policy_attempt, policy_make, policy_of, policy_for, policy_put, policy_get, policy_delete;
REVOKE ALL ON FUNCTION dynamo.put_role_policy, dynamo.delete_role_policy,
	dynamo.put_access_key_policy, dynamo.delete_access_key_policy FROM regress_policy_admin, regress_policy_app;
REVOKE CREATE ON SCHEMA dynamo_tables FROM regress_policy_app;
DROP ROLE regress_policy_app, regress_policy_other, regress_policy_group, regress_policy_admin, regress_policy_boss, "regress_policy Odd-Name";
