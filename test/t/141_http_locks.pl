# Requests over HTTP that meet locks, errors and user code: nothing waits in
# the loop of a worker, nothing is left of a request that failed, and nothing
# passes from one request's session to the next.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# Whatever would wait for a lock, would wait for this long (seconds); what is
# expected "soon" must come in a small part of it.
my $lock_timeout = 60;
my $soon = 10;

my $ongoing = 'Transaction is ongoing for the item';
my $conflict = "400 TransactionConflictException: $ongoing";
my $lock_error = '500 InternalServerError: The request waited too long for a lock that another session holds';
my $interrupted = '500 InternalServerError: The request was interrupted';

my $server = start_http_node('main', conf => "dynamo.lock_timeout = ${lock_timeout}s\ndeadlock_timeout = 100ms\n");
my $node = $server->{node};
my $client = http_client($server);
my $holder = open_session($node);

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub update
{
	my ($table, $id, $expression) = @_;

	return (UpdateItem => {
		TableName => $table,
		Key => { id => { S => $id } },
		UpdateExpression => $expression // 'ADD n :one',
		ExpressionAttributeValues => { ':one' => { N => '1' } } });
}

sub get
{
	my ($table, $id) = @_;

	return (GetItem => { TableName => $table, Key => { id => { S => $id } }, ConsistentRead => JSON::PP::true });
}

sub wait_for_parked
{
	my ($count) = @_;

	wait_until(sub { sql('SELECT sum(parked) FROM dynamo.stat_http') == $count })
	  or die "not $count requests wait: " . sql('SELECT * FROM dynamo.stat_http');
	return;
}

# Connections of the traffic that nothing may disturb.
my @traffic;

# Others work at full speed, health checks too; without operation and request
# updates and reads.
sub undisturbed
{
	my ($what, @calls) = @_;
	my $seconds = @calls ? 1 : 2;

	@traffic = http_connections($client, 8) unless @traffic;
	@calls = (update('Things', 'free'), get('Things', 'free')) unless @calls;
	while (my ($operation, $request) = splice @calls, 0, 2)
	{
		my $count = count_calls($client, \@traffic, $seconds, $operation, $request);
		cmp_ok($count, '>', 50 * $seconds, "$what: $operation of others goes on") and note("$count in $seconds s");
	}
	my ($status) = http_get($server, '/health');
	is($status, 200, "$what: health checks are answered");
	($status) = http_get($server, '/health/ready');
	is($status, 200, "$what: and the endpoint is ready");
}

# The answers of these connections are like that, and come soon.
sub answers
{
	my ($connections, $wanted, $what) = @_;
	my $begin = time;
	my %outcomes;

	$outcomes{ outcome(http_answer($_, $lock_timeout / 2)) }++ for @$connections;
	is_deeply(\%outcomes, { $wanted => scalar @$connections }, "$what: the answers");
	cmp_ok(time - $begin, '<', $soon, "$what: soon");
}

# Nothing is left of requests in the workers' sessions.
sub nothing_is_left
{
	my ($what) = @_;

	is(sql(q{SELECT count(*) FROM pg_stat_activity
			WHERE backend_type = 'pg_dynamo http worker' AND xact_start IS NOT NULL}),
		0, "$what: no transaction is open");
	is(sql(q{SELECT string_agg(l.locktype || ' ' || l.mode, ', ') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
			WHERE a.backend_type = 'pg_dynamo http worker'}),
		'', "$what: no lock is held");
	is(sql('SELECT sum(parked) FROM dynamo.stat_http'), 0, "$what: no request is parked");
}

# Tables, and triggers that run what an item says: a statement ("run"), or a
# query whose result comes back as an error ("ask").
sub set_up
{
	for my $table ('Things', 'Other', 'Scripts', 'Deferred')
	{
		is(outcome(http_call($client, http_create_request($table))), 200, "CreateTable $table");
	}
	sql(q{
		CREATE FUNCTION public.run_script() RETURNS trigger LANGUAGE plpgsql AS $$
			DECLARE result text;
			BEGIN
				IF NEW.item ? 'run' THEN
					EXECUTE NEW.item #>> '{run,S}';
				END IF;
				IF NEW.item ? 'ask' THEN
					EXECUTE NEW.item #>> '{ask,S}' INTO result;
					RAISE EXCEPTION 'result: %', coalesce(result, 'null');
				END IF;
				RETURN NULL;
			END $$;
		CREATE TRIGGER runs AFTER INSERT OR UPDATE ON dynamo_tables."Scripts"
			FOR EACH ROW EXECUTE FUNCTION public.run_script();
		CREATE CONSTRAINT TRIGGER runs AFTER INSERT OR UPDATE ON dynamo_tables."Deferred"
			DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION public.run_script();
		ALTER TABLE dynamo_tables."Other" ADD CONSTRAINT not_too_long CHECK (length(pk) < 10);
		CREATE SEQUENCE public.attempts;
		GRANT USAGE ON SEQUENCE public.attempts TO PUBLIC});
}

sub run_item
{
	my ($run, $table) = @_;

	return (PutItem => { TableName => $table // 'Scripts', Item => { id => { S => 'run' }, run => { S => $run } } });
}

sub run { return outcome(http_call($client, run_item(@_))) }

sub ask_worker
{
	my ($query, $asker) = @_;
	my $outcome = http_put($asker // $client, 'Scripts', id => 'ask', ask => $query);

	return $outcome =~ /^400 ValidationException: result: (.*)/s ? $1 : $outcome;
}

# A setting that a reload changes, in force once this returns (with one worker).
sub reload_with
{
	my ($name, $value, $shown) = @_;

	sql("ALTER SYSTEM SET $name = '$value'");
	sql('SELECT pg_reload_conf()');
	wait_until(sub { ask_worker("SHOW $name") eq $shown }) or die "$name is not $shown";
	return;
}

set_up();

# ---- row locks on more keys than there are workers ----

my @locked = map { "locked$_" } 1 .. 5;

http_put($client, 'Things', id => $_) for 'free', @locked;
{
	ask($holder, 'BEGIN');
	ask($holder, q{UPDATE dynamo_tables."Things" SET item = item || '{"n": {"N": "100"}}' WHERE pk IN ('locked1', 'locked2')});
	ask($holder, q{SELECT FROM dynamo_tables."Things" WHERE pk LIKE 'locked%' FOR UPDATE});
	ask($holder, q{SELECT FROM dynamo.put_item('Things', '{"id": "new", "n": 100}')});

	my @blocked = map { http_send($client, update('Things', $_)) } (@locked, 'new') x 4;
	wait_for_parked(24);
	undisturbed('with rows locked');
	is(outcome(http_call($client, get('Things', 'locked1'))), 200, 'a locked item can be read');
	ask($holder, 'COMMIT');
	answers(\@blocked, 200, 'after row locks');
	is_deeply(http_call($client, get('Things', $_->[0]))->{document}{Item}{n}, { N => $_->[1] }, "$_->[0] has all updates")
	  for [ 'locked1', 104 ], [ 'locked2', 104 ], [ 'locked3', 4 ], [ 'new', 104 ];
	nothing_is_left('after row locks');
}

# one that is rolled back; conditions see what is committed in the end
{
	ask($holder, 'BEGIN');
	ask($holder, q{SELECT FROM dynamo.put_item('Things', '{"id": "rival"}')});
	my $condition = { TableName => 'Things', Item => { id => { S => 'rival' } }, ConditionExpression => 'attribute_not_exists(id)' };
	my @blocked = map { http_send($client, PutItem => $condition) } 1 .. 4;
	wait_for_parked(4);
	ask($holder, 'ROLLBACK');
	my %outcomes;
	$outcomes{ outcome(http_answer($_)) }++ for @blocked;
	is_deeply(\%outcomes, { 200 => 1, '400 ConditionalCheckFailedException: The conditional request failed' => 3 },
		'of conditional puts that waited, one wins');
}

# ---- table locks ----

{
	ask($holder, 'BEGIN; LOCK TABLE dynamo_tables."Other"');
	my @blocked = map { http_send($client, $_ % 2 ? update('Other', "o$_") : get('Other', "o$_")) } 1 .. 12;
	wait_for_parked(12);
	undisturbed('with a table locked', update('Things', 'free'));
	ask($holder, 'COMMIT');
	answers(\@blocked, 200, 'after a table lock');
}

# ---- CreateTable and DeleteTable ----

{
	ask($holder, q{BEGIN; LOCK TABLE dynamo.table_definition IN SHARE MODE});
	my @blocked = map { http_send($client, http_create_request("Created$_")) } 1 .. 4;
	wait_for_parked(4);
	undisturbed('with CreateTable blocked', update('Things', 'free'));
	ask($holder, 'ROLLBACK');
	answers(\@blocked, 200, 'CreateTable after a lock');
	is(sql(q{SELECT count(*) FROM dynamo.table_definition WHERE table_name LIKE 'Created%'}), 4, 'and all are created');
}
for my $end ('COMMIT', 'ROLLBACK')
{
	my $table = "Twice$end";
	ask($holder, "BEGIN; SELECT dynamo.create_table('$table', 'id S')");
	my @blocked = http_send($client, http_create_request($table));
	wait_for_parked(1);
	undisturbed('with a table of that name not yet committed', get('Things', 'free'));
	ask($holder, $end);
	answers(\@blocked, $end eq 'COMMIT' ? "400 ResourceInUseException: Table already exists: $table" : 200,
		"CreateTable after $end of another");
}
{
	ask($holder, q{BEGIN; LOCK TABLE dynamo_tables."TwiceROLLBACK" IN ACCESS SHARE MODE});
	my @blocked = http_send($client, DeleteTable => { TableName => 'TwiceROLLBACK' });
	wait_for_parked(1);
	undisturbed('with DeleteTable blocked', update('Things', 'free'));
	ask($holder, 'COMMIT');
	answers(\@blocked, 200, 'DeleteTable after a lock');
}

# every request needs the definitions: all wait, but the loop does not
{
	ask($holder, 'BEGIN; LOCK TABLE dynamo.table_definition');
	my @blocked = map { http_send($client, http_create_request("Late$_")) } 1 .. 4;
	wait_for_parked(4);
	my ($status) = http_get($server, '/health');
	is($status, 200, 'with the definitions locked: health checks are answered');
	ask($holder, 'COMMIT');
	answers(\@blocked, 200, 'after a lock on the definitions');
}

# ---- deadlocks and serialization failures ----

{
	ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'locked1' FOR UPDATE});
	my $statement = q{UPDATE dynamo_tables."Things" SET item = item || '{"met": {"BOOL": true}}' WHERE pk = 'locked1'};
	http_put($client, 'Scripts', id => 'other');
	my @blocked = http_send($client, run_item(qq{UPDATE dynamo_tables."Scripts" SET item = item || '{"by": {"S": "request"}}' WHERE pk = 'other'; $statement}));
	wait_for_parked(1);
	is(ask($holder, q{UPDATE dynamo_tables."Scripts" SET item = item || '{"by": {"S": "holder"}}' WHERE pk = 'other'; COMMIT}), '',
		'a session can lock what a request would hold that waits for it');
	answers(\@blocked, 200, 'a request that would be in a deadlock');
}
is(run(q{DO 'BEGIN
	IF nextval(''public.attempts'') < 4 THEN
		RAISE EXCEPTION ''once more'' USING ERRCODE = ''serialization_failure'';
	END IF; END'}), 200, 'after a serialization failure a request is repeated');
is(sql('SELECT last_value FROM public.attempts'), 4, 'until it succeeds');

# Transactions that lock the same two items in either order.
{
	my @script = map { qq{UPDATE dynamo_tables."Things" SET item = item || '{"met": {"BOOL": true}}' WHERE pk = 'locked$_'} } 1, 2;
	my @connections = map { http_send($client, run_item($_ % 2 ? "$script[0]; $script[1]" : "$script[1]; $script[0]")) } 1 .. 10;
	answers(\@connections, 200, 'requests that lock in opposite orders');
}
nothing_is_left('after deadlocks');

# ---- one worker: what becomes of its session ----

$_->close for @traffic;
$node->append_conf('postgresql.conf', 'dynamo.http_workers = 1');
$node->restart;
wait_until_ready($server);
$holder->quit;
$holder = open_session($node);
my ($worker) = worker_pids($node);
my $connection = $client->connect;

# The connection and the worker go on after what happened.
sub goes_on
{
	my ($what) = @_;

	is(outcome(http_call($client, get('Things', 'free'), $connection)), 200, "$what: the connection goes on");
	is(join(' ', worker_pids($node)), $worker, "$what: the worker lives");
	nothing_is_left($what);
	is_deeply(http_call($client, get('Scripts', 'half'))->{document}, {}, "$what: nothing is written");
}

# A put of item "half" whose trigger runs that, on the connection.
sub half
{
	my ($run, $table) = @_;

	return outcome(http_answer(http_send($client, PutItem => { TableName => $table // 'Scripts',
		Item => { id => { S => 'half' }, run => { S => $run } } }, $connection)));
}

# ---- requests of several items ----

sub put_request { return { PutRequest => { Item => { id => { S => $_[0] }, by => { S => 'batch' } } } } }

sub batch { return (BatchWriteItem => { RequestItems => { Things => [ map { put_request($_) } @_ ] } }) }

sub transact
{
	return (TransactWriteItems => { TransactItems => [ map { { Put => { TableName => 'Things',
		Item => { id => { S => $_ }, by => { S => 'transaction' } } } } } @_ ] });
}

# who has written an item last
sub writer_of { return http_call($client, get('Things', $_[0]))->{document}{Item}{by}{S} // 'nobody' }

# With items "locked..." locked for longer than dynamo.lock_timeout.
sub locked_elements
{
	my $answer = http_call($client, batch(qw(b1 locked1 b2 locked3 b3)));

	is($answer->{status}, 200, 'a batch of which two items are locked');
	my @unprocessed = sort map { $_->{PutRequest}{Item}{id}{S} } @{ $answer->{document}{UnprocessedItems}{Things} };
	is_deeply(\@unprocessed, [ 'locked1', 'locked3' ], 'they are not processed');
	is(writer_of($_), 'batch', "$_ is") for qw(b1 b2 b3);
	is(writer_of('locked1'), 'nobody', 'nor written');
	$answer = http_call($client, BatchWriteItem => { RequestItems => { Things =>
		[ { DeleteRequest => { Key => { id => { S => 'b1' } } } }, { DeleteRequest => { Key => { id => { S => 'locked2' } } } } ] } });
	is_deeply($answer->{document}, { UnprocessedItems => { Things => [ { DeleteRequest => { Key => { id => { S => 'locked2' } } } } ] } },
		'nor deleted');
	is(writer_of('b1'), 'nobody', 'but the other one is');
	$answer = http_call($client, batch(qw(locked1 locked2)));
	is(scalar @{ $answer->{document}{UnprocessedItems}{Things} }, 2, 'a batch may do nothing at all');
	$answer = http_call($client, BatchGetItem => { RequestItems => { Things => { Keys => [ map { { id => { S => $_ } } } qw(b2 locked1 none) ] } } });
	is(scalar @{ $answer->{document}{Responses}{Things} }, 2, 'locked items can be read in a batch');
	goes_on('after batches');

	$answer = http_call($client, transact(qw(b4 locked2 b5)));
	is(outcome($answer), '400 TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for specific reasons [None, TransactionConflict, None]',
		'a transaction of which one item is locked');
	is_deeply($answer->{document}{CancellationReasons}, [ { Code => 'None' }, { Code => 'TransactionConflict', Message => $ongoing }, { Code => 'None' } ],
		'it says which');
	is(writer_of('b4'), 'nobody', 'and nothing is written');
	goes_on('after a transaction');

	my $reader = open_session($node);
	ask($reader, 'BEGIN; LOCK TABLE dynamo_tables."Other"');
	is(outcome(http_call($client, get('Other', 'o1'))), $lock_error, 'a read of a locked table');
	is(outcome(http_call($client, update('Other', 'o1'))), $conflict, 'a write of one');
	ask($reader, 'ROLLBACK');
	$reader->quit;
	return;
}

# ---- many that wait ----

{
	@traffic = ();
	ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk LIKE 'locked%' FOR UPDATE});
	my @blocked = map { http_send($client, update('Things', $_)) } (@locked) x 80;
	wait_for_parked(400);
	undisturbed('with 400 requests parked in one worker');
	ask($holder, 'COMMIT');
	answers(\@blocked, 200, 'after they could go on');
	nothing_is_left('after that');
}

# ---- pg_cancel_backend ----

{
	http_send($client, PutItem => { TableName => 'Scripts',
		Item => { id => { S => 'half' }, run => { S => 'SELECT pg_sleep(100)' } } }, $connection);
	ok(wait_until(sub { sql("SELECT wait_event FROM pg_stat_activity WHERE pid = $worker") eq 'PgSleep' }), 'a request runs');
	is(sql("SELECT state || ' ' || query FROM pg_stat_activity WHERE pid = $worker"), 'active PutItem Scripts', 'as it says');
	sql("SELECT pg_cancel_backend($worker)");
	is(outcome(http_answer($connection)), $interrupted, 'it can be cancelled');
	goes_on('after a cancel');
}
for (1 .. 3)
{
	sql("SELECT pg_cancel_backend($worker)");
	is(outcome(http_call($client, get('Things', 'free'), $connection)), 200, 'a cancel of no request cancels none');
}

# ---- errors ----

is(half(q{DO 'BEGIN RAISE EXCEPTION ''no "such" thing: %'', 7; END'}), '400 ValidationException: no "such" thing: 7', "a trigger's own error");
goes_on('after that');
is(half('SELECT 1/0'), '400 ValidationException: division by zero', "an error of the trigger's data");
goes_on('after that');
is(half('SELECT nothing()'), '500 InternalServerError: Internal server error', 'an error in the trigger');
goes_on('after that');
like($node->logfile && slurp_file($node->logfile), qr/ERROR:  function nothing\(\) does not exist/, 'which the log tells');
is(half(q{DO 'BEGIN RAISE EXCEPTION ''full'' USING ERRCODE = ''out_of_memory''; END'}), '500 InternalServerError: Internal server error', 'out of memory');
goes_on('after that');
like(half(q{SELECT length(repeat('x', 1073741824))}), qr/^400 ValidationException: The request exceeds a limit of the server/, 'a value that is too long');
goes_on('after that');
like(half(q{SELECT length(repeat('x', 1073741820) || 'four')}), qr/^[45]00 \w+: /, 'an allocation that is too large');
goes_on('after that');
is(half(q{DO 'BEGIN RAISE EXCEPTION ''late''; END'}, 'Deferred'), '400 ValidationException: late', 'an error in a deferred trigger');
goes_on('after that');
is_deeply(http_call($client, get('Deferred', 'half'))->{document}, {}, 'and nothing is written');
like(http_put($client, 'Other', id => 'far too long'), qr/^400 ValidationException: .*violates check constraint "not_too_long"/, 'a CHECK constraint');
is_deeply(http_call($client, get('Other', 'far too long'))->{document}, {}, 'and nothing is written');
goes_on('after that');
is(half('COMMIT'), '500 InternalServerError: Internal server error', 'a trigger cannot commit');
goes_on('after that');

# ---- time limits ----

reload_with('dynamo.statement_timeout', '300ms', '300ms');
is(half('SELECT pg_sleep(100)'), $interrupted, 'dynamo.statement_timeout');
goes_on('after that');
is(half('SELECT pg_sleep(100)', 'Deferred'), $interrupted, 'dynamo.statement_timeout at commit');
is_deeply(http_call($client, get('Deferred', 'half'))->{document}, {}, 'and nothing is written');
goes_on('after that');
is(half(q{SET statement_timeout = 0; SELECT pg_sleep(100)}), $interrupted, 'which a trigger does not change');
reload_with('dynamo.statement_timeout', '100s', '100s');

reload_with('dynamo.lock_timeout', '1s', '1s');
ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk LIKE 'locked%' FOR UPDATE});
{
	my $begin = time;
	my @blocked = map { http_send($client, update('Things', $_)) } @locked;
	answers(\@blocked, $conflict, 'dynamo.lock_timeout');
	cmp_ok(time - $begin, '>=', 1, 'and not before');
	goes_on('after that');
}
is(half(q{DO 'BEGIN RAISE EXCEPTION ''again'' USING ERRCODE = ''serialization_failure''; END'}),
	$conflict, 'serialization failures without end');
goes_on('after that');
locked_elements();
ask($holder, 'ROLLBACK');
is(outcome(http_call($client, update('Things', 'locked1'))), 200, 'the item is free again');
reload_with('dynamo.lock_timeout', '60s', '1min');

{
	ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'locked1' FOR UPDATE});
	my @blocked = (http_send($client, batch('locked1', 'b6')), http_send($client, transact('b7', 'locked1')));
	wait_for_parked(2);
	ask($holder, 'COMMIT');
	is_deeply(http_answer($_)->{document}, {}, 'a transaction that waited') for pop @blocked;
	is_deeply(http_answer($_)->{document}, { UnprocessedItems => {} }, 'a batch that waited') for @blocked;
	nothing_is_left('after them');
}

# ---- what user code leaves in the session ----

sub create_other_role
{
	my $row = sql(q{
		CREATE ROLE other LOGIN;
		GRANT USAGE ON SCHEMA dynamo_tables TO other;
		GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables."Scripts" TO other;
		GRANT TEMPORARY ON DATABASE postgres TO PUBLIC;
		SELECT * FROM dynamo.create_access_key('other')});
	my ($key_id, $secret) = split /\|/, $row;

	return $client->with(key_id => $key_id, secret => $secret);
}

my $other = create_other_role();

is(ask_worker('SELECT current_user', $other), 'other', 'a request of another role');
is(ask_worker('SELECT current_user'), 'app', 'and of the first one');
is(run('SELECT pg_advisory_lock(42)'), 200, 'an advisory lock of the session');
nothing_is_left('after that');
is(half('SELECT pg_advisory_lock(42), 1/0'), '400 ValidationException: division by zero', 'and one before an error');
goes_on('after that');

my $work_mem = ask_worker('SHOW work_mem');
is(run(q{SET work_mem = '7777kB'}), 200, 'SET in a trigger');
is(ask_worker('SHOW work_mem'), $work_mem, 'does not last');
is(run(q{SELECT set_config('search_path', 'public', false), set_config('app.secret', 'x', false)}), 200, 'set_config in a trigger');
is(ask_worker('SHOW search_path'), 'pg_catalog, pg_temp', 'does not last');
is(ask_worker(q{SELECT current_setting('app.secret', true)}), '', 'nor does a setting of its own');
is(run(q{SET TRANSACTION READ ONLY}), 200, 'a transaction made read-only by a trigger');
is(ask_worker('SHOW transaction_read_only'), 'off', 'does not last');

# no role comes back after RESET ROLE, and none is left
like(half('RESET ROLE'), qr/^[45]00 /, 'RESET ROLE in a trigger');
like(half('SET SESSION AUTHORIZATION DEFAULT'), qr/^[45]00 /, 'SET SESSION AUTHORIZATION in a trigger');
is(ask_worker('SELECT current_user'), 'app', 'requests still run as their role');

is(run('CREATE TEMP TABLE secret AS SELECT 1 AS n'), 200, 'a temporary table');
is(ask_worker(q{SELECT to_regclass('pg_temp.secret')}, $other), 'null', 'is not there for another role');
is(run('CREATE TEMP TABLE secret AS SELECT 1 AS n'), 200, 'nor for its own after that');
is(run('PREPARE plan AS SELECT 1'), 200, 'a prepared statement');
is(ask_worker('SELECT count(*) FROM pg_prepared_statements', $other), 0, 'is not there for another role');
ask($holder, 'LISTEN news');
is(run(q{NOTIFY news, 'from a trigger'}), 200, 'NOTIFY');
ok(wait_until(sub { ask($holder, 'SELECT 1') =~ /"news" with payload "from a trigger"/ }), 'arrives');
is(run('DECLARE c CURSOR WITH HOLD FOR SELECT 1'), 200, 'a cursor WITH HOLD');
is(ask_worker('SELECT count(*) FROM pg_cursors WHERE is_holdable', $other), 0, 'is not there for another role');
is(run(q{SELECT nextval('public.attempts')}), 200, 'a sequence');
is(ask_worker('SELECT lastval()', $other), '500 InternalServerError: Internal server error', 'has no last value for another role');

is(join(' ', worker_pids($node)), $worker, 'all of it in one worker');
@traffic = ();
undisturbed('in the end');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|was terminated by signal/, 'nothing crashed');

$holder->quit;
$node->stop;
done_testing();
