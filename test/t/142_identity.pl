# A request runs as the role of its access key, whatever triggers and functions
# of others try; nothing that they leave behind reaches the next request; keys
# end when they should, and their secrets stay where they belong.
#
# One worker, so that all requests meet in one process.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RawHttp;
use Test::More;
use Time::HiRes qw(sleep time);

my $json = JSON::PP->new->canonical;
my $server = start_http_node('main', workers => 1, conf => 'log_statement = all');
my $node = $server->{node};
my @secrets;

sub sql { return $node->safe_psql('postgres', @_) }

sub sql_error
{
	my ($statement, $user) = @_;
	my (undef, undef, $err) = $node->psql('postgres', $statement,
		$user ? (extra_params => [ '-U', $user ]) : ());

	return $err =~ /ERROR:  (.*)/ ? $1 : '';
}

# A client for a key, with one connection that it keeps.
sub client
{
	my ($id, $secret, $token) = @_;
	my $http = RawHttp->new(port => $server->{port}, key_id => $id, secret => $secret, token => $token);

	push @secrets, $secret, $token // ();
	return { http => $http, connection => $http->connect };
}

sub client_of
{
	my ($role) = @_;

	return client(split /\|/, sql("SELECT * FROM dynamo.create_access_key('$role')"));
}

# "ok", or the exception's name; the response's document is put into the third
# argument.
sub api
{
	my ($client, $operation, $request, $document) = @_;
	my $bytes = $client->{http}->request(operation => $operation, body => $json->encode($request));

	$client->{connection}->write($bytes);
	my $response = $client->{connection}->read or return 'no answer';
	my $answer = $json->decode($response->{body});
	$$document = $answer if $document;
	return 'ok' if $response->{status} == 200;
	return $answer->{__type} =~ s/.*#//r;
}

sub item { return { pk => { S => $_[0] }, @_[ 1 .. $#_ ] } }
sub put { return api($_[0], 'PutItem', { TableName => $_[1], Item => item($_[2]) }) }

# "ok" and the item's key, or the exception's name
sub get
{
	my ($client, $table, $key) = @_;
	my $status = api($client, 'GetItem', { TableName => $table, Key => item($key) }, \my $document);

	return $status unless $status eq 'ok';
	return $document->{Item} ? $document->{Item}{pk}{S} : 'nothing';
}

sub create
{
	my ($client, $table) = @_;

	return api($client, 'CreateTable', {
		TableName => $table, BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'pk', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'pk', AttributeType => 'S' } ] });
}

sql(q{
	CREATE ROLE alice; CREATE ROLE bob; CREATE ROLE carol; CREATE ROLE readers;
	CREATE ROLE mallory LOGIN; CREATE ROLE plain LOGIN;
	GRANT CREATE ON SCHEMA public TO mallory});
my $app = client($server->{key_id}, $server->{secret});
my ($alice, $bob, $carol) = map { client_of($_) } qw(alice bob carol);
my $root = client_of($node->safe_psql('postgres', 'SELECT current_user'));

# ---- GRANT, REVOKE, row security ----

is(create($app, 'Shared'), 'ok', 'a role with CREATE makes a table');
is(sql(q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'Shared'}), 'app', 'and owns it');
is(create($alice, 'Mine'), 'AccessDeniedException', 'a role without CREATE does not');
is(put($app, 'Shared', $_), 'ok', 'the owner puts') for qw(a b);
is(get($alice, 'Shared', 'a'), 'AccessDeniedException', 'without SELECT no item');
sql('GRANT SELECT ON dynamo_tables."Shared" TO alice');
is(get($alice, 'Shared', 'a'), 'a', 'SELECT is enough for GetItem');
is(put($alice, 'Shared', 'c'), 'AccessDeniedException', 'and not for PutItem');
is(api($alice, 'DeleteItem', { TableName => 'Shared', Key => item('a') }), 'AccessDeniedException', 'nor for DeleteItem');
is(api($alice, 'UpdateItem', { TableName => 'Shared', Key => item('a') }), 'AccessDeniedException', 'nor for UpdateItem');
is(api($alice, 'DeleteTable', { TableName => 'Shared' }), 'AccessDeniedException', 'nor for DeleteTable');
is(get($app, 'Shared', 'a'), 'a', 'the owner reads with the same plan');
sql('REVOKE SELECT ON dynamo_tables."Shared" FROM alice');
is(get($alice, 'Shared', 'a'), 'AccessDeniedException', 'REVOKE holds for the next request');

sql(q{
	GRANT ALL ON dynamo_tables."Shared" TO alice, bob;
	ALTER TABLE dynamo_tables."Shared" ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own ON dynamo_tables."Shared" TO bob USING (pk = 'b');
	CREATE POLICY theirs ON dynamo_tables."Shared" TO readers USING (pk = 'a');
	GRANT readers TO alice});
is(join(' ', map { get($alice, 'Shared', $_) } qw(a b)), 'a nothing', 'row security shows alice hers');
is(join(' ', map { get($bob, 'Shared', $_) } qw(a b)), 'nothing b', 'and bob his');
is(join(' ', map { get($app, 'Shared', $_) } qw(a b)), 'a b', 'and the owner all');
isnt(put($bob, 'Shared', 'x'), 'ok', 'bob cannot write what he could not see');
sql('REVOKE readers FROM alice');
is(get($alice, 'Shared', 'a'), 'nothing', 'a membership revoked ends its policies for the next request');
sql('ALTER ROLE alice BYPASSRLS');
is(get($alice, 'Shared', 'b'), 'b', 'BYPASSRLS holds for the next request');
sql('ALTER ROLE alice NOBYPASSRLS');
is(get($alice, 'Shared', 'b'), 'nothing', 'and so does its end');

# ---- triggers that want to be somebody else ----

is(create($app, 'Trap'), 'ok', 'a table for traps');
sql(q{
	GRANT ALL ON dynamo_tables."Trap" TO alice, bob, carol;
	CREATE TABLE attempt (statement text);
	INSERT INTO attempt VALUES ('SELECT 1');
	CREATE TABLE seen (tg text, who text, failed text, state text);
	GRANT ALL ON attempt, seen TO PUBLIC});

# what a request finds in its session
my $state = q{concat_ws(' ', current_setting('search_path'), current_setting('statement_timeout'),
	current_setting('default_transaction_read_only'), current_setting('dynamo.page_size'),
	current_setting('synchronous_commit'), current_setting('session_replication_role'),
	current_setting('row_security'), nullif(current_setting('my.own', true), ''), session_user,
	(SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE is_holdable),
	(SELECT count(*) FROM pg_listening_channels()),
	(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 4711),
	(SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()))};
sql(qq{
	SET ROLE mallory;
	CREATE FUNCTION attack() RETURNS trigger LANGUAGE plpgsql AS \$\$
	DECLARE
		attempted text;
		failed text := '';
		state text;
	BEGIN
		state := $state;
		SELECT statement INTO attempted FROM public.attempt;
		BEGIN
			EXECUTE attempted;
		EXCEPTION WHEN OTHERS THEN
			failed := SQLERRM;
		END;
		BEGIN
			CREATE ROLE pwned SUPERUSER;
		EXCEPTION WHEN OTHERS THEN
			failed := failed || '; ' || SQLERRM;
		END;
		INSERT INTO public.seen VALUES (TG_NAME, current_user, failed, state);
		RETURN NEW;
	END \$\$;
	RESET ROLE;
	CREATE TRIGGER t_before BEFORE INSERT ON dynamo_tables."Trap" FOR EACH ROW EXECUTE FUNCTION attack();
	CREATE TRIGGER t_after AFTER INSERT ON dynamo_tables."Trap" FOR EACH ROW EXECUTE FUNCTION attack();
	CREATE CONSTRAINT TRIGGER t_deferred AFTER INSERT ON dynamo_tables."Trap"
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION attack();
	CREATE FUNCTION set_at_commit() RETURNS text LANGUAGE sql AS
		\$\$ SELECT set_config('search_path', 'evil', false) || set_config('statement_timeout', '1', false)
			|| set_config('synchronous_commit', 'remote_apply', false)
			|| set_config('my.own', 'x', false) \$\$});

my $puts = 0;

# What the triggers saw while a role put an item: their roles, and what they
# failed at; the state is returned.
sub attack_as
{
	my ($client, $role, $statement, $failure) = @_;
	my $quoted = $statement =~ s/'/''/gr;

	$failure //= qr/\A; must be superuser to create superusers\z/;
	sql("TRUNCATE seen; UPDATE attempt SET statement = '$quoted'");
	is(put($client, 'Trap', 'k' . $puts++), 'ok', "$role puts: $statement");
	is(sql('SELECT string_agg(DISTINCT who, $$,$$) || count(*) FROM seen'), "${role}3", 'all triggers ran as the role');
	my $failures = sql('SELECT string_agg(DISTINCT failed, $$|$$) FROM seen');
	like($failures, $failure, 'and failed at what they should');
	return sql(q{SELECT state FROM seen WHERE tg = 't_before'});
}

my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $forbidden = qr/\Acannot set parameter "(role|session_authorization)" within security-definer function; must be superuser to create superusers\z/;
my $clean = attack_as($carol, 'carol', 'SELECT 1');

for my $statement ('RESET ROLE', "SET ROLE $super", "SET LOCAL ROLE $super", 'SET ROLE NONE',
	"SET SESSION AUTHORIZATION $super", 'RESET SESSION AUTHORIZATION', "SET LOCAL SESSION AUTHORIZATION $super",
	"SELECT set_config('role', '$super', true)", "SELECT set_config('session_authorization', '$super', false)")
{
	attack_as($alice, 'alice', $statement, $forbidden);
}
attack_as($alice, 'alice', $_) for 'RESET ALL', 'SET CONSTRAINTS ALL IMMEDIATE';
attack_as($alice, 'alice', 'DISCARD ALL', qr/cannot run inside a transaction block/);
attack_as($alice, 'alice', 'SET session_replication_role = replica', qr/permission denied to set parameter/);
attack_as($alice, 'alice', 'LISTEN everything', qr/cannot execute LISTEN within a background process/);
attack_as($alice, 'alice', "LOAD '/tmp/evil'", qr/access to library "\/tmp\/evil" is not allowed/);
attack_as($alice, 'alice', 'COMMIT', qr/invalid transaction termination|EXECUTE of transaction commands/);
attack_as($alice, 'alice', "SELECT * FROM dynamo.access_key", qr/permission denied for table access_key/);
attack_as($alice, 'alice', "SELECT * FROM dynamo.export_access_keys()", qr/permission denied/);
attack_as($alice, 'alice', "SELECT dynamo.create_access_key('$super')", qr/permission denied/);
attack_as($alice, 'alice', "COPY public.seen TO PROGRAM 'true'", qr/must be superuser/);
is(sql(q{SELECT count(*) FROM pg_roles WHERE rolname = 'pwned'}), '0', 'nobody became superuser');

# the rights of a definer are his for that function, and no longer
sql(q{
	CREATE FUNCTION definer() RETURNS text SECURITY DEFINER LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO public.seen VALUES ('definer', current_user); RETURN current_user; END $$;
	ALTER FUNCTION definer() OWNER TO plain});
sql(q{UPDATE attempt SET statement = 'SELECT public.definer()'; TRUNCATE seen});
is(put($alice, 'Trap', 'definer'), 'ok', 'a trigger calls a function of its definer');
is(sql('SELECT string_agg(DISTINCT who, $$,$$ ORDER BY who) FROM seen'), 'alice,plain', 'which runs as that role');
is(sql(q{SELECT string_agg(DISTINCT who, $$,$$ ORDER BY who) FROM seen WHERE tg <> 'definer'}), 'alice', 'and the trigger as its own');

# ---- what a request leaves behind ----

# the second and third trigger may find that the first one was there
my $left = qr/\A; must be superuser to create superusers(\||\z)/;
for my $statement ('SET search_path = evil', "SELECT set_config('search_path', 'evil', false)",
	'SET statement_timeout = 1000', 'SET default_transaction_read_only = on', 'SET dynamo.page_size = 2000',
	"SET my.own = 'x'", 'SET row_security = off', 'SET synchronous_commit = remote_apply', 'RESET ALL',
	"PREPARE p AS SELECT 1", 'DECLARE c CURSOR WITH HOLD FOR SELECT 1',
	'SELECT pg_advisory_lock(4711)', 'CREATE TEMP TABLE IF NOT EXISTS left_behind (a int)',
	'DECLARE d CURSOR WITH HOLD FOR SELECT public.set_at_commit()')
{
	attack_as($alice, 'alice', $statement, $left);
	is(attack_as($bob, 'bob', 'SELECT 1'), $clean, "nothing is left of $statement");
}
attack_as($alice, 'alice', q{DO $$ BEGIN EXECUTE 'DECLARE e CURSOR WITH HOLD FOR SELECT public.set_at_commit()'; END $$}, $left);
my ($path) = attack_as($alice, 'alice', 'SELECT 1') =~ /^(\S+ \S+)/;
is($path, 'pg_catalog, pg_temp', 'settings do not outlive a request of the same role either');

is(sql(q{SELECT count(*) FROM pg_class WHERE relpersistence = 't'}), '0',
	'no temporary table is left, which another session could lock');

# the same when the request fails, after its triggers or at commit
sql(q{
	CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF NEW.pk = TG_ARGV[0] THEN RAISE EXCEPTION 'failed'; END IF; RETURN NEW; END $$;
	CREATE TRIGGER z_fail AFTER INSERT ON dynamo_tables."Trap" FOR EACH ROW EXECUTE FUNCTION fail('early');
	CREATE CONSTRAINT TRIGGER z_fail_late AFTER INSERT ON dynamo_tables."Trap"
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail('late')});
for my $key ('early', 'late')
{
	sql(q{UPDATE attempt SET statement = 'SET search_path = evil; PREPARE q AS SELECT 1;
		SELECT pg_advisory_lock(4711); CREATE TEMP TABLE w (a int); DECLARE f CURSOR WITH HOLD FOR SELECT public.set_at_commit()'});
	is(put($alice, 'Trap', $key), 'ValidationException', "a request fails: $key");
	is(attack_as($_->[0], $_->[1], 'SELECT 1'), $clean, "it leaves nothing to $_->[1]") for [ $alice, 'alice' ], [ $bob, 'bob' ];
}

# Temporary objects of one role do not meet another role's functions, even
# when that one's first requests fail.
sql(q{
	CREATE TABLE audit (who text);
	GRANT INSERT ON audit TO PUBLIC;
	CREATE FUNCTION unqualified() RETURNS trigger SET search_path = public LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO audit VALUES (current_user); RETURN NEW; END $$});
is(create($root, 'Audited'), 'ok', 'a superuser has a table');
sql('CREATE TRIGGER audit BEFORE INSERT ON dynamo_tables."Audited" FOR EACH ROW EXECUTE FUNCTION unqualified()');
attack_as($alice, 'alice', q{
	DO $$ BEGIN
	IF to_regclass('pg_temp.audit') IS NULL THEN
		CREATE TEMP TABLE audit (who text);
		GRANT ALL ON pg_temp.audit TO PUBLIC;
		CREATE FUNCTION pg_temp.planted() RETURNS trigger LANGUAGE plpgsql AS
			'BEGIN INSERT INTO public.seen VALUES (''planted'', current_user);
				CREATE ROLE pwned SUPERUSER; RETURN NEW; END';
		CREATE TRIGGER planted BEFORE INSERT ON pg_temp.audit FOR EACH ROW EXECUTE FUNCTION pg_temp.planted();
	END IF;
	END $$});
is(put($root, 'Absent', 'b'), 'ResourceNotFoundException', 'the superuser makes a mistake');
is(put($root, 'Audited', 'c'), 'ok', 'and then puts');
is(sql(q{SELECT count(*) FROM pg_roles WHERE rolname = 'pwned'}), '0', 'no planted trigger ran as superuser');
is(sql('SELECT count(*) FROM audit'), '1', 'the trigger wrote into its own table');
sql('DROP ROLE IF EXISTS pwned');

# ---- errors ----

sql(q{
	CREATE TABLE secret_of_plain (a int UNIQUE CHECK (a < 10));
	CREATE FUNCTION broken() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
	BEGIN
		CASE NEW.pk
			WHEN 'raise' THEN RAISE EXCEPTION 'told' USING DETAIL = 'hidden detail', HINT = 'hidden hint';
			WHEN 'unique' THEN INSERT INTO public.secret_of_plain VALUES (1), (1);
			WHEN 'absent' THEN EXECUTE 'SELECT * FROM hidden_table';
			WHEN 'internal' THEN RAISE EXCEPTION 'hidden message' USING ERRCODE = 'XX000', DETAIL = 'hidden detail';
			ELSE NULL;
		END CASE;
		RETURN NEW;
	END $$});
is(create($app, 'Broken'), 'ok', 'a table whose trigger fails');
sql('CREATE TRIGGER broken BEFORE INSERT ON dynamo_tables."Broken" FOR EACH ROW EXECUTE FUNCTION broken()');
for my $case ([ raise => 'ValidationException' ], [ unique => 'ValidationException' ],
	[ absent => 'InternalServerError' ], [ internal => 'InternalServerError' ])
{
	my ($key, $name) = @$case;

	is(api($app, 'PutItem', { TableName => 'Broken', Item => item($key) }, \my $document), $name, "trigger: $key");
	unlike($json->encode($document), qr/hidden|PL\/pgSQL|broken|Key \(|DETAIL|CONTEXT/, 'what it tells');
}

# ---- the life of keys ----

sub invalid { return is($_[0], 'UnrecognizedClientException', $_[1]) }

my ($id, $secret) = split /\|/, sql(q{SELECT * FROM dynamo.create_access_key('alice')});
my $client = client($id, $secret);
sql('ALTER TABLE dynamo_tables."Shared" DISABLE ROW LEVEL SECURITY');
is(get($client, 'Shared', 'a'), 'a', 'another key');
sql("SELECT dynamo.disable_access_key('$id')");
invalid(get($client, 'Shared', 'a'), 'disabled: the next request on the same connection is refused');
sql("SELECT dynamo.enable_access_key('$id')");
is(get($client, 'Shared', 'a'), 'a', 'enabled: and the next is not');
my $rotated = client(split /\|/, sql("SELECT * FROM dynamo.rotate_access_key('$id')"));
invalid(get($client, 'Shared', 'a'), 'rotated: the old key is refused');
is(get($rotated, 'Shared', 'a'), 'a', 'and the new one is not');
sql("SELECT dynamo.delete_access_key('$rotated->{http}{key_id}')");
invalid(get($rotated, 'Shared', 'a'), 'deleted: refused');
sql('BEGIN; DELETE FROM dynamo.access_key; ROLLBACK');
is(get($alice, 'Shared', 'a'), 'a', 'a deletion rolled back leaves keys as they are');
sql("UPDATE dynamo.access_key SET secret_access_key = 'changed' WHERE access_key_id = '$alice->{http}{key_id}'");
is(get($alice, 'Shared', 'a'), 'InvalidSignatureException', 'another secret holds for the next request');
sql("UPDATE dynamo.access_key SET secret_access_key = '$alice->{http}{secret}' WHERE access_key_id = '$alice->{http}{key_id}'");
@secrets = grep { $_ ne $alice->{http}{secret} } @secrets;	# which this wrote into the log

my $session = client(split /\|/, sql(q{
	SELECT access_key_id, secret_access_key, session_token FROM dynamo.create_session_token('alice', '15 min')}));
is(get($session, 'Shared', 'a'), 'a', 'a session token');
my $without = { %$session, http => $session->{http}->with(token => undef) };
invalid(get($without, 'Shared', 'a'), 'its key without it');
invalid(get({ %$session, http => $session->{http}->with(token => 'A' x 256) }, 'Shared', 'a'), 'and with another');
sql("UPDATE dynamo.access_key SET expires_at = now() - interval '1 s' WHERE access_key_id = '$session->{http}{key_id}'");
is(get($session, 'Shared', 'a'), 'ExpiredTokenException', 'expired');

sql('ALTER ROLE bob RENAME TO robert');
is(get($bob, 'Shared', 'a'), 'a', 'a role renamed keeps its key');
sql('ALTER ROLE robert RENAME TO bob; CREATE ROLE gone');
my $gone = client_of('gone');
is(get($gone, 'Shared', 'a'), 'AccessDeniedException', 'the key of a role without rights');
sql('DROP ROLE gone');
invalid(get($gone, 'Shared', 'a'), 'a role dropped takes its key along');
sql('CREATE ROLE gone; GRANT SELECT ON dynamo_tables."Shared" TO gone');
invalid(get($gone, 'Shared', 'a'), 'and created again does not revive it');

# ---- secrets ----

sql(q{CREATE ROLE administrator LOGIN IN ROLE alice;
	GRANT EXECUTE ON FUNCTION dynamo.create_access_key(regrole), dynamo.export_access_keys() TO administrator});
my $log = slurp_file($node->logfile);
my $activity = sql('SELECT string_agg(query, $$ $$) FROM pg_stat_activity');
is(scalar(grep { index($log, $_) >= 0 } @secrets), 0, 'no secret is in the log');
is(scalar(grep { index($activity, $_) >= 0 } @secrets), 0, 'nor in pg_stat_activity');
like(sql_error('SELECT secret_access_key FROM dynamo.access_key', 'administrator'), qr/permission denied/, 'others do not read the table');
like(sql_error('SELECT * FROM dynamo.export_access_keys()', 'administrator'), qr/permission denied/, 'and do not export');
like(sql_error("SELECT dynamo.create_access_key('bob')", 'administrator'), qr/permission denied/, 'keys are for one\'s own roles');
like(sql_error("SELECT dynamo.create_access_key('alice')", 'plain'), qr/permission denied/, 'and for whom it was granted to');
is(sql_error("SELECT dynamo.create_access_key('alice')", 'administrator'), '', 'a member makes one');
is(sql(q{SELECT count(*) FROM pg_stats WHERE tablename = 'access_key' AND attname ~ 'secret|token'}), '0', 'no statistics of secrets');
cmp_ok(sql('SELECT count(*) FROM dynamo.export_access_keys()'), '>', 5, 'the owner exports');

# dumps: an ordinary role's of what it may read, and everything
my $dumps = $PostgreSQL::Test::Utils::tmp_check;
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-U', 'app', '-n', 'dynamo', '-f', "$dumps/app.sql" ],
	'an ordinary role dumps the schema of the extension');
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', "$dumps/all.sql" ], 'a superuser dumps all');
for my $file ('app.sql', 'all.sql')
{
	my $dump = slurp_file("$dumps/$file");

	is(scalar(grep { index($dump, $_) >= 0 } @secrets, $alice->{http}{secret}), 0, "no secret is in $file");
}

# all of a database in which others have keys
$node->safe_psql('postgres', 'CREATE DATABASE other; ALTER ROLE app LOGIN');
$node->safe_psql('other', q{
	CREATE EXTENSION pg_dynamo;
	GRANT CREATE ON SCHEMA dynamo_tables TO app;
	SELECT dynamo.create_access_key('alice');
	SET ROLE app;
	SELECT dynamo.create_table('Mine', 'id S')});
$node->command_ok([ 'pg_dump', '-d', $node->connstr('other'), '-U', 'app', '-f', "$dumps/other.sql" ],
	'an ordinary role dumps a database with keys');
unlike(slurp_file("$dumps/other.sql"), qr/COPY dynamo\.access_key/, 'without them');

# ---- a request that does not want to end ----

sql(q{
	ALTER SYSTEM SET dynamo.statement_timeout = '1s';
	SELECT pg_reload_conf();
	CREATE FUNCTION stubborn() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(60);
			EXCEPTION WHEN query_canceled THEN
				IF clock_timestamp() > now() + interval '20 s' THEN
					RETURN NEW;
				END IF;
			END;
		END LOOP;
	END $$});
is(create($app, 'Stubborn'), 'ok', 'a table whose trigger catches cancels');
sql('CREATE TRIGGER stubborn BEFORE INSERT ON dynamo_tables."Stubborn" FOR EACH ROW EXECUTE FUNCTION stubborn()');
my $begun = time;
isnt(put($app, 'Stubborn', 'a'), 'no answer', 'it is cancelled again and again');
cmp_ok(time - $begun, '<', 40, 'until it ends');
is(get($app, 'Shared', 'a'), 'a', 'and the worker serves others');

$node->stop;

# ---- without authentication ----

# Only for addresses that nobody else can reach.
my $port = PostgreSQL::Test::Cluster::get_free_port();
for my $addresses ('*', '0.0.0.0', '::', '127.0.0.1, 0.0.0.0')
{
	my $open = PostgreSQL::Test::Cluster->new('open' . $port++);

	$open->init;
	$open->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_dynamo'\ndynamo.http_workers = 1\n"
		  . "dynamo.port = $port\ndynamo.auth = none\ndynamo.listen_addresses = '$addresses'");
	$open->start;
	my $said = 0;
	for (1 .. 600)
	{
		$said = slurp_file($open->logfile) =~ /dynamo\.auth = none needs a loopback address/ and last;
		sleep 0.1;
	}
	ok($said, "without authentication no server on $addresses");
	is((http_get({ endpoint => "http://127.0.0.1:$port" }, '/'))[0], 599, 'nobody listens');
	$open->stop;
}

done_testing();
