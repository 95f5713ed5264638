-- access keys: made, listed, changed, taken elsewhere, and who may do that
\set VERBOSITY terse
\pset format unaligned
\pset null NULL

CREATE ROLE regress_key_app;
CREATE ROLE regress_key_other;
CREATE ROLE regress_key_boss SUPERUSER;
CREATE ROLE regress_key_admin;
CREATE ROLE regress_key_nobody;
CREATE ROLE "regress_key Odd-Name";
GRANT regress_key_app TO regress_key_admin;

-- what a statement comes to, with every part of an error that a client sees
CREATE FUNCTION key_attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(detail, ''), nullif(hint, ''));
END $$;

--
-- random ids and secrets
--
SELECT access_key_id ~ '^AKIA[A-Z2-7]{16}$' AS id, secret_access_key ~ '^[A-Za-z0-9+/]{40}$' AS secret
FROM dynamo.create_access_key('regress_key_app');
SELECT access_key_id ~ '^ASIA[A-Z2-7]{16}$' AS id, secret_access_key ~ '^[A-Za-z0-9+/]{40}$' AS secret,
	session_token ~ '^[A-Za-z0-9+/]*$' AND length(session_token) = 256 AS token,
	expires_at BETWEEN now() + interval '12 hours' AND now() + interval '12 hours 5 minutes' AS expiry
FROM dynamo.create_session_token('regress_key_app');
CREATE TEMP TABLE made AS
	SELECT k.* FROM generate_series(1, 200) g,
		dynamo.create_access_key(('regress_key_other' || left(g::text, 0))::regrole) k;
SELECT count(DISTINCT access_key_id) AS ids, count(DISTINCT secret_access_key) AS secrets FROM made;
SELECT count(DISTINCT substr(access_key_id, i, 1)) AS id_letters FROM made, generate_series(5, 20) i;
SELECT count(DISTINCT substr(secret_access_key, i, 1)) AS secret_letters FROM made, generate_series(1, 40) i;
DROP TABLE made;
SELECT count(*) FROM dynamo.access_keys WHERE role = 'regress_key_other';
DELETE FROM dynamo.access_key WHERE role = 'regress_key_other'::regrole;
SELECT role, status, temporary, expires_at IS NULL AS lasts, created_at <= clock_timestamp() AS created
FROM dynamo.access_keys ORDER BY access_key_id;

-- a role that does not exist, or is none
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_none')$$);
SELECT key_attempt($$SELECT dynamo.create_access_key(1)$$);
SELECT key_attempt($$SELECT dynamo.create_access_key('-')$$);
SELECT key_attempt($$SELECT dynamo.create_access_key(NULL)$$);
SELECT key_attempt($$SELECT dynamo.create_session_token(NULL)$$);
SELECT access_key_id ~ '^AKIA' FROM dynamo.create_access_key('"regress_key Odd-Name"');

-- durations
SELECT d, key_attempt(format('SELECT dynamo.create_session_token(%L, %L)', 'regress_key_app', d))
FROM unnest('{15 minutes,36 hours,1 day,899.999999 seconds,36:00:00.000001,0,-1 hour,1 month,100000 years,NULL}'::text[]) d;
DELETE FROM dynamo.access_key;

--
-- given ids and secrets
--
SELECT id, key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', id, 'secret'))
FROM unnest('{a,test,fakeMyKeyId,local-key_1,AKIAIOSFODNN7EXAMPLE,a.b:c@d+e}'::text[]) id;
SELECT key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', repeat('i', 128), repeat('s', 128)));
SELECT access_key_id, secret_access_key FROM dynamo.access_key
WHERE length(access_key_id) < 128 ORDER BY 1;
SELECT id, key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', id, 'hidden'))
FROM unnest(ARRAY['', 'a/b', 'a,b', 'a=b', 'a b', E'a\tb', E'a\nb', E'a\x7f', 'ä']) id;
SELECT key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', repeat('i', 129), 'hidden'));
SELECT secret, key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', 's', secret))
FROM unnest(ARRAY['', 'hidden ', E'hidden\n', 'hiddän', E'hidden\x01']) secret;
SELECT key_attempt(format('SELECT dynamo.create_access_key(%L, %L, %L)', 'regress_key_app', 's', repeat('s', 129)));
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_app', NULL, 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_app', 'x', NULL)$$);
SELECT key_attempt($$SELECT dynamo.create_access_key(NULL, 'x', 'hidden')$$);

-- an id that is taken, whatever its role and status
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_app', 'test', 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_other', 'test', 'hidden')$$);
SELECT dynamo.disable_access_key('test');
SELECT key_attempt($$SELECT dynamo.create_access_key('regress_key_other', 'test', 'hidden')$$);
SELECT secret_access_key FROM dynamo.access_key WHERE access_key_id = 'test';
DELETE FROM dynamo.access_key;

--
-- disable, enable, rotate, delete
--
SELECT dynamo.create_access_key('regress_key_app', 'k1', 's1');
SELECT dynamo.disable_access_key('k1');
SELECT access_key_id, role, status FROM dynamo.access_keys;
SELECT dynamo.disable_access_key('k1');
SELECT access_key_id, role, status FROM dynamo.access_keys;
SELECT dynamo.enable_access_key('k1');
SELECT access_key_id, role, status FROM dynamo.access_keys;
SELECT access_key_id AS new_id, access_key_id ~ '^AKIA[A-Z2-7]{16}$' AS id,
	secret_access_key ~ '^[A-Za-z0-9+/]{40}$' AS secret
FROM dynamo.rotate_access_key('k1') \gset rotated_
SELECT :'rotated_id' AS id, :'rotated_secret' AS secret;
SELECT replace(access_key_id, :'rotated_new_id', 'new') AS id, role, status FROM dynamo.access_keys ORDER BY 1;
SELECT dynamo.delete_access_key('k1');
SELECT replace(access_key_id, :'rotated_new_id', 'new') AS id, role, status FROM dynamo.access_keys ORDER BY 1;
SELECT access_key_id AS session_id FROM dynamo.create_session_token('regress_key_app', '1 hour') \gset
SELECT replace(key_attempt(format('SELECT dynamo.rotate_access_key(%L)', :'session_id')), :'session_id', 'ASIA...');
SELECT dynamo.disable_access_key(:'session_id');
SELECT temporary, status FROM dynamo.access_keys WHERE access_key_id = :'session_id';
SELECT dynamo.enable_access_key(:'session_id');
SELECT dynamo.delete_access_key(:'session_id');

-- ids that are none
SELECT f, id, key_attempt(format('SELECT dynamo.%I(%L)', f, id))
FROM unnest('{disable_access_key,enable_access_key,rotate_access_key,delete_access_key}'::text[]) f,
	unnest('{k1,"",NULL}'::text[]) id;
SELECT key_attempt(format('SELECT dynamo.delete_access_key(%L)', repeat('k', 129))) = '42704 | access key "' || repeat('k', 129) || '" does not exist' AS too_long;

-- as part of transactions
BEGIN;
SELECT dynamo.create_access_key('regress_key_app', 'k2', 's2');
SELECT dynamo.disable_access_key('k2');
ROLLBACK;
SELECT count(*) FROM dynamo.access_keys WHERE access_key_id = 'k2';
BEGIN READ ONLY;
SELECT dynamo.create_access_key('regress_key_app', 'k2', 's2');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT dynamo.create_access_key('regress_key_app', 'k2', 's2');
SELECT dynamo.create_access_key('regress_key_app', 'k3', 's3');
COMMIT;
SELECT access_key_id FROM dynamo.access_keys WHERE access_key_id ~ '^k' ORDER BY 1;
DELETE FROM dynamo.access_key;

--
-- export and import
--
SELECT dynamo.create_access_key('regress_key_app', 'e1', 's1');
SELECT dynamo.create_access_key('"regress_key Odd-Name"', 'e2', 's2');
SELECT dynamo.disable_access_key('e2');
SELECT dynamo.import_access_key('e3', 'regress_key_other', 's3', 'token', '2100-01-01 00:00:00Z', 'Active', '2020-01-01 00:00:00Z');
SELECT dynamo.import_access_key('e4', 'regress_key_other', 's4');
SELECT access_key_id, role, secret_access_key, session_token, expires_at AT TIME ZONE 'UTC' AS expires_at, status
FROM dynamo.export_access_keys();
CREATE TEMP TABLE carried AS SELECT * FROM dynamo.export_access_keys();
DELETE FROM dynamo.access_key;
SELECT count(dynamo.import_access_key(access_key_id, role, secret_access_key, session_token, expires_at, status, created_at))
FROM carried;
SELECT * FROM dynamo.export_access_keys() EXCEPT SELECT * FROM carried;
SELECT count(*) FROM dynamo.access_key;
DROP TABLE carried;
SELECT key_attempt($$SELECT dynamo.import_access_key('e1', 'regress_key_app', 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_none', 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e/5', 'regress_key_app', 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', ' hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', NULL, '2100-01-01')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', 'hid den', '2100-01-01')$$);
SELECT key_attempt(format('SELECT dynamo.import_access_key(%L, %L, %L, %L, %L)', 'e5', 'regress_key_app', 'hidden', repeat('t', 1025), '2100-01-01'));
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', status => 'active')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', NULL, 'hidden')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', 'hidden', 'infinity')$$);
SELECT key_attempt($$SELECT dynamo.import_access_key('e5', 'regress_key_app', 'hidden', 'hidden', '-infinity')$$);
SELECT dynamo.import_access_key('e6', 'regress_key_app', 's6', repeat('t', 1024), '2100-01-01 00:00:00Z', NULL);
SELECT length(session_token), expires_at AT TIME ZONE 'UTC' AS expires_at, status FROM dynamo.access_key WHERE access_key_id = 'e6';
DELETE FROM dynamo.access_key;

--
-- rights: nobody without a grant
--
SELECT dynamo.create_access_key('regress_key_app', 'app', 'secret-of-app');
SELECT dynamo.create_access_key('regress_key_other', 'other', 'secret-of-other');
SELECT dynamo.create_access_key('regress_key_boss', 'boss', 'secret-of-boss');
SET ROLE regress_key_nobody;
SELECT key_attempt(s) FROM unnest(ARRAY[
	$$SELECT dynamo.create_access_key('regress_key_nobody')$$,
	$$SELECT dynamo.create_access_key('regress_key_nobody', 'x', 'y')$$,
	$$SELECT dynamo.create_session_token('regress_key_nobody')$$,
	$$SELECT dynamo.disable_access_key('app')$$,
	$$SELECT dynamo.enable_access_key('app')$$,
	$$SELECT dynamo.rotate_access_key('app')$$,
	$$SELECT dynamo.delete_access_key('app')$$,
	$$SELECT * FROM dynamo.export_access_keys()$$,
	$$SELECT dynamo.import_access_key('x', 'regress_key_nobody', 'y')$$,
	$$SELECT * FROM dynamo.access_key$$,
	$$SELECT access_key_id FROM dynamo.access_key$$,
	$$INSERT INTO dynamo.access_key (access_key_id, role, secret_access_key) VALUES ('x', 10, 'y')$$,
	$$UPDATE dynamo.access_key SET status = 'Inactive'$$,
	$$DELETE FROM dynamo.access_key$$,
	$$TRUNCATE dynamo.access_key$$,
	$$UPDATE dynamo.access_keys SET status = 'Inactive'$$,
	$$DELETE FROM dynamo.access_keys$$,
	$$COPY dynamo.access_key TO STDOUT$$,
	$$LOCK dynamo.access_key IN ACCESS SHARE MODE$$,
	$$CREATE TRIGGER t AFTER INSERT ON dynamo.access_key EXECUTE FUNCTION dynamo.access_key_changed()$$]) s;
SELECT * FROM dynamo.access_keys;
-- a function that looks at what the view hides
CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$
BEGIN
	RAISE NOTICE 'seen: %', $1;
	RETURN true;
END $$;
SELECT * FROM dynamo.access_keys WHERE pg_temp.tell(access_key_id);
SELECT count(*) FROM pg_stats WHERE tablename = 'access_key';
RESET ROLE;
ANALYZE dynamo.access_key;
SELECT attname FROM pg_stats WHERE tablename = 'access_key' AND attname IN ('access_key_id', 'secret_access_key', 'session_token');

-- a member of a role sees its keys, and with a grant manages them
SET ROLE regress_key_app;
SELECT access_key_id, role, status FROM dynamo.access_keys ORDER BY 1;
SET ROLE regress_key_admin;
SELECT access_key_id, role, status FROM dynamo.access_keys ORDER BY 1;
SELECT key_attempt($$SELECT dynamo.disable_access_key('app')$$);
RESET ROLE;
SELECT format('GRANT EXECUTE ON FUNCTION %s TO regress_key_admin, regress_key_app', oid::regprocedure)
FROM pg_proc WHERE pronamespace = 'dynamo'::regnamespace AND proname ~ 'access_key|session_token' AND prorettype <> 'trigger'::regtype
ORDER BY 1 \gexec
SET ROLE regress_key_admin;
SELECT dynamo.disable_access_key('app');
SELECT dynamo.enable_access_key('app');
SELECT count(*) FROM dynamo.rotate_access_key('app');
SELECT count(*) FROM dynamo.create_access_key('regress_key_app');
SELECT count(*) FROM dynamo.create_session_token('regress_key_app');
SELECT dynamo.create_access_key('regress_key_admin', 'admin', 'secret-of-admin');
SELECT dynamo.import_access_key('admin2', 'regress_key_admin', 'secret-of-admin');
SELECT role, status, temporary, count(*) FROM dynamo.access_keys GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- not the keys of others, not those of superusers, and no secrets
SELECT key_attempt(s) FROM unnest(ARRAY[
	$$SELECT dynamo.create_access_key('regress_key_other')$$,
	$$SELECT dynamo.create_access_key('regress_key_other', 'x', 'hidden')$$,
	$$SELECT dynamo.create_access_key('regress_key_other', 'other', 'hidden')$$,
	$$SELECT dynamo.create_session_token('regress_key_other')$$,
	$$SELECT dynamo.import_access_key('x', 'regress_key_other', 'hidden')$$,
	$$SELECT dynamo.create_access_key('regress_key_boss')$$,
	$$SELECT dynamo.disable_access_key('other')$$,
	$$SELECT dynamo.enable_access_key('other')$$,
	$$SELECT dynamo.rotate_access_key('other')$$,
	$$SELECT dynamo.delete_access_key('other')$$,
	$$SELECT dynamo.delete_access_key('boss')$$,
	$$SELECT dynamo.create_access_key('regress_key_app', 'other', 'hidden')$$,
	$$SELECT * FROM dynamo.export_access_keys()$$,
	$$SELECT secret_access_key FROM dynamo.access_key$$]) s;
RESET ROLE;
GRANT regress_key_boss TO regress_key_admin;
SET ROLE regress_key_admin;
SELECT key_attempt(s) FROM unnest(ARRAY[
	$$SELECT dynamo.create_access_key('regress_key_boss')$$,
	$$SELECT dynamo.create_access_key('regress_key_boss', 'x', 'hidden')$$,
	$$SELECT dynamo.create_session_token('regress_key_boss')$$,
	$$SELECT dynamo.import_access_key('x', 'regress_key_boss', 'hidden')$$,
	$$SELECT dynamo.disable_access_key('boss')$$,
	$$SELECT dynamo.rotate_access_key('boss')$$,
	$$SELECT dynamo.delete_access_key('boss')$$]) s;
SET ROLE regress_key_boss;
SELECT dynamo.disable_access_key('boss');
SELECT count(*) FROM dynamo.create_access_key('regress_key_boss');
SELECT count(*) > 4 AS all FROM dynamo.access_keys;
SELECT count(*) > 4 AS all FROM dynamo.export_access_keys();

-- what the caller has made of names and operators does not matter
SET ROLE regress_key_app;
SET search_path = pg_temp, pg_catalog;
CREATE FUNCTION pg_temp.never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.never);
SELECT dynamo.enable_access_key('app');
SELECT count(*) FROM dynamo.rotate_access_key('app');
SELECT dynamo.delete_access_key('app');
RESET search_path;
SELECT access_key_id FROM dynamo.access_keys WHERE access_key_id = 'app';
RESET ROLE;
REVOKE regress_key_boss FROM regress_key_admin;
DELETE FROM dynamo.access_key;

--
-- a dropped role ends its keys, and a new one of its name does not revive them
--
CREATE ROLE regress_key_gone;
SELECT dynamo.create_access_key('regress_key_gone', 'gone', 'secret');
SELECT dynamo.create_access_key('regress_key_app', 'stays', 'secret');
DROP ROLE regress_key_gone;
SELECT access_key_id, role FROM dynamo.access_keys;
SELECT access_key_id, role FROM dynamo.export_access_keys();
SELECT key_attempt($$SELECT dynamo.enable_access_key('gone')$$);
SELECT count(*) FROM dynamo.access_key WHERE access_key_id = 'gone';
CREATE ROLE regress_key_gone;
SELECT access_key_id, role FROM dynamo.access_keys;
-- the next key made takes what is left of them away, so that the id is free
SELECT dynamo.create_access_key('regress_key_gone', 'gone', 'new');
SELECT access_key_id, role FROM dynamo.export_access_keys();
SELECT count(*) FROM dynamo.access_key;

-- and what expired long ago
SELECT dynamo.import_access_key('old', 'regress_key_app', 's', 't', now() - interval '25 hours');
SELECT dynamo.import_access_key('young', 'regress_key_app', 's', 't', now() - interval '23 hours');
SELECT dynamo.create_access_key('regress_key_app', 'last', 's');
SELECT access_key_id FROM dynamo.access_keys ORDER BY 1;

-- keys of a role and its role in one transaction, under an old snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
CREATE ROLE regress_key_fresh;
SELECT dynamo.create_access_key('regress_key_fresh', 'f1', 's');
SELECT dynamo.create_access_key('regress_key_fresh', 'f2', 's');
SELECT access_key_id FROM dynamo.access_keys WHERE role = 'regress_key_fresh' ORDER BY 1;
ROLLBACK;

-- what owners of objects do to those leaves keys alone
REASSIGN OWNED BY regress_key_app TO regress_key_other;
DROP OWNED BY regress_key_app;
SELECT access_key_id, role FROM dynamo.access_keys WHERE role = 'regress_key_app' ORDER BY 1;
ALTER ROLE regress_key_gone RENAME TO regress_key_renamed;
SELECT access_key_id, role FROM dynamo.access_keys WHERE access_key_id = 'gone';

--
-- the table itself
--
SELECT key_attempt($$UPDATE dynamo.access_key SET status = 'active'$$) LIKE '23514 |%' AS checked;
SELECT key_attempt($$SELECT dynamo.access_key_row()$$);
SELECT key_attempt($$SELECT dynamo.access_key_changed()$$);
CREATE TEMP TABLE any_table (a int);
CREATE TRIGGER t AFTER INSERT ON any_table FOR EACH ROW EXECUTE FUNCTION dynamo.access_key_row();
INSERT INTO any_table VALUES (1);
DROP TABLE any_table;
TRUNCATE dynamo.access_key;
SELECT count(*) FROM dynamo.access_keys;

DROP FUNCTION key_attempt;
DROP OWNED BY regress_key_admin, regress_key_app, regress_key_other, regress_key_nobody;
DROP ROLE regress_key_app, regress_key_other, regress_key_boss, regress_key_admin, regress_key_nobody,
	"regress_key Odd-Name", regress_key_renamed;
