# The processes of the HTTP endpoint: start, what they show, ports, crashes,
# reload, certificates, shutdown, and databases that cannot be served or not
# be written to.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use IO::Socket::IP;
use IPC::Run;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $server = start_http_node('main', conf => <<'END');
restart_after_crash = on
log_statement = none
dynamo.lock_timeout = 60s
dynamo.listen_addresses = '127.0.0.1, ::1'
END
my $node = $server->{node};
my $client = http_client($server);
my $shutting_down = '503 ServiceUnavailable: The server is shutting down';

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub put
{
	my ($id, %more) = @_;

	return (PutItem => { TableName => 'Music', Item => { id => { S => $id }, %more } });
}

sub get
{
	my ($id) = @_;

	return (GetItem => { TableName => 'Music', Key => { id => { S => $id } }, ConsistentRead => JSON::PP::true });
}

# A put that takes so many seconds to execute.
sub nap
{
	my ($id, $seconds) = @_;

	return put($id, nap => { N => "$seconds" });
}

# The table, with a trigger that sleeps for "nap" seconds, or tells which
# process runs it if there is "whom".
sub set_up
{
	is(outcome(http_call($client, http_create_request('Music'))), 200, 'CreateTable');
	sql(q{
		CREATE FUNCTION public.nap() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				PERFORM pg_catalog.pg_sleep((NEW.item #>> '{nap,N}')::float8);
				IF NEW.item ? 'whom' THEN
					RAISE EXCEPTION 'worker %', pg_backend_pid();
				END IF;
				RETURN NULL;
			END $$;
		CREATE TRIGGER nap AFTER INSERT OR UPDATE ON dynamo_tables."Music"
			FOR EACH ROW EXECUTE FUNCTION public.nap()});
}

# The process that serves a connection.
sub worker_of
{
	my ($connection) = @_;
	my $outcome = outcome(http_call($client, put('whom', whom => { S => '' }), $connection));

	return $outcome =~ /worker (\d+)/ ? $1 : $outcome;
}

# A connection that this worker serves; the server spreads them as it likes.
sub connection_to
{
	my ($pid) = @_;

	for (1 .. 200)
	{
		my $connection = $client->connect;

		return $connection if worker_of($connection) eq $pid;
	}
	die "worker $pid gets no connection";
}

sub log_has
{
	my ($of, $pattern) = @_;

	return wait_until(sub { slurp_file($of->logfile) =~ $pattern });
}

sub reload { sql("ALTER SYSTEM SET $_[0]"); sql('SELECT pg_reload_conf()'); return }

# The connection gets a whole response and is then closed, which the response
# announces if it was made after the server had begun to stop.
sub farewell
{
	my ($connection, $wanted, $what, %option) = @_;
	my $answer = http_answer($connection);

	like(outcome($answer), $wanted, "$what: the answer");
	is($answer && lc join(' ', @{ $answer->{headers}{connection} }), 'close', "$what: it says that it is the last")
	  if $option{announced};
	ok($connection->is_closed, "$what: its connection is closed");
}

# Terminate the worker of this connection while it executes a request.
sub terminate_in_request
{
	my ($connection) = @_;
	my $sleeper = q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'};

	# when we look too late, the request has ended
	for my $attempt (1 .. 10)
	{
		http_send($client, nap("terminated$attempt", 1.5), $connection);
		my $ended = qq{SELECT count(*) FROM dynamo_tables."Music" WHERE pk = 'terminated$attempt'};
		my $done;
		until ($done = sql($sleeper))
		{
			last if sql($ended);
		}
		return 1 if $done;
		http_answer($connection);
	}
	return 0;
}

set_up();

# ---- what they show ----

is(sql(q{SELECT count(*), string_agg(DISTINCT datname, ' '), string_agg(DISTINCT application_name, ' ')
	FROM pg_stat_activity WHERE backend_type = 'pg_dynamo http worker'}),
	'2|postgres|pg_dynamo', 'two workers are in pg_stat_activity');
{
	my $connection = http_send($client, nap('shown', 100));
	my $shown = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo http worker'
		AND state = 'active' AND query = 'PutItem Music' AND wait_event = 'PgSleep' AND xact_start IS NOT NULL};

	ok(wait_until(sub { sql($shown) == 1 }), 'one tells what it executes');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
	is(outcome(http_answer($connection)), '500 InternalServerError: The request was interrupted', 'which can be cancelled');
	ok(wait_until(sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo http worker'
			AND state = 'idle' AND xact_start IS NULL}) == 2 }), 'then both are idle');
}

# ---- addresses ----

is((http_get($server, '/health'))[0], 200, 'IPv4');
SKIP:
{
	skip 'the machine has no IPv6', 1 unless IO::Socket::IP->new(LocalHost => '::1', Listen => 1, Proto => 'tcp');
	is((http_get({ endpoint => "http://[::1]:$server->{port}" }, '/health'))[0], 200, 'IPv6');
}

# ---- a worker that is terminated ----

{
	my ($victim, $survivor) = worker_pids($node);
	my ($running, $idle, $staying) = map { connection_to($_) } $victim, $victim, $survivor;

	ok(terminate_in_request($running), 'a worker is terminated');
	is(worker_of($staying), $survivor, 'the other one serves its connections');
	farewell($running, qr/^200$/, 'a request of the terminated one', announced => 1);
	ok($idle->is_closed, 'its idle connection is closed');
	ok(wait_until(sub { my @pids = worker_pids($node); @pids == 2 && !grep { $_ == $victim } @pids }), 'a new worker comes');
	ok(wait_until(sub { worker_of($client->connect // return 0) ne $survivor }), 'and serves');
	is(worker_of($staying), $survivor, 'the other one still serves its connections');
}

# ---- a worker that is killed: all processes of the server start again ----

{
	my ($victim, $other) = worker_pids($node);
	my $connection = connection_to($other);

	is(outcome(http_call($client, put('kept'))), 200, 'a put before the crash');
	kill 'KILL', $victim;
	ok($connection->is_closed($PostgreSQL::Test::Utils::timeout_default), 'a crash closes the connections');
	wait_until_ready($server);
	is_deeply(http_call($client, get('kept'))->{document}, { Item => { id => { S => 'kept' } } },
		'the endpoint is back after a crash, with what it had acknowledged');
	$node->poll_query_until('postgres', 'SELECT true');
	ok(wait_until(sub { worker_pids($node) == 2 }), 'with both workers');
}

# ---- limits that a reload changes ----

is(outcome(http_call($client, put('long', v => { S => 'x' x 5000 }))), 200, 'a body within the limit');
reload('dynamo.max_body_size = 4096');
{
	my $refused = 0;
	ok(wait_until(sub {
		$refused = outcome(http_call($client, put('long', v => { S => 'x' x 5000 }))) eq '413' ? $refused + 1 : 0;
		$refused == 20;
	}), 'a body above the new limit is refused');
	is(outcome(http_call($client, put('short', v => { S => 'x' x 2000 }))), 200, 'one below is not');
}
reload('dynamo.max_body_size = DEFAULT');
ok(wait_until(sub { outcome(http_call($client, put('long', v => { S => 'x' x 5000 }))) eq '200' }), 'and back');

{
	my $before = $client->connect;
	worker_of($before);
	reload('dynamo.worker_connections = 2');
	ok(wait_until(sub {
		my @connections = grep { defined } map { $client->connect } 1 .. 12;
		http_send($client, get('kept'), $_) for @connections;
		my @refused = grep { outcome($_) eq '503' } map { http_answer($_) } @connections;
		@refused >= 8;
	}), 'more connections than dynamo.worker_connections are told so');
	reload('dynamo.worker_connections = DEFAULT');
	ok(wait_until(sub {
		my @connections = grep { defined } map { $client->connect } 1 .. 12;
		http_send($client, get('kept'), $_) for @connections;
		12 == grep { outcome($_) eq '200' } map { http_answer($_) } @connections;
	}), 'and back');
}

# ---- a physical standby ----

$node->backup('base');
{
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	my %copy = (%$server, node => $standby, port => PostgreSQL::Test::Cluster::get_free_port());
	my $reader = $client->with(port => $copy{port});
	my $read_only = '503 ServiceUnavailable: The server is a standby or in recovery: it serves reads only';

	$copy{endpoint} = "http://127.0.0.1:$copy{port}";
	$standby->init_from_backup($node, 'base', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "dynamo.port = $copy{port}");
	$standby->start;
	wait_until_ready(\%copy);
	is(outcome(http_call($client, put('streamed'))), 200, 'a put on the primary');
	$node->wait_for_catchup($standby, 'replay');
	is_deeply(http_call($reader, get('streamed'))->{document}, { Item => { id => { S => 'streamed' } } },
		'a standby reads what is replicated');
	is(outcome(http_call($reader, @$_)), 200, "a standby answers $_->[0]")
	  for [ ListTables => {} ], [ DescribeTable => { TableName => 'Music' } ], [ Scan => { TableName => 'Music' } ],
	  [ Query => { TableName => 'Music', KeyConditionExpression => 'id = :i', ExpressionAttributeValues => { ':i' => { S => 'kept' } } } ];
	is(outcome(http_call($reader, @$_)), $read_only, "but refuses $_->[0]")
	  for [ put('refused') ], [ http_create_request('Refused') ], [ DeleteTable => { TableName => 'Music' } ],
	  [ DeleteItem => { TableName => 'Music', Key => { id => { S => 'kept' } } } ],
	  [ UpdateItem => { TableName => 'Music', Key => { id => { S => 'kept' } } } ];
	my $connection = $reader->connect;
	is(outcome(http_call($reader, get('kept'), $connection)), 200, 'a connection before the promotion');
	$standby->promote;
	ok(wait_until(sub { outcome(http_call($reader, put('promoted'), $connection)) eq '200' }),
		'after the promotion it writes, on the same connection');
	is(outcome(http_call($reader, http_create_request('Promoted'))), 200, 'and creates tables');
	$standby->stop;
	unlike(slurp_file($standby->logfile), qr/terminated by signal|PANIC|TRAP/, 'nothing crashed there');
}

# ---- restarts under load ----

for (1 .. 3)
{
	my @connections = map { http_send($client, put("restart$_")) } 1 .. 12;
	http_answer($_) for @connections[0 .. 5];
	$_->close for @connections[0 .. 2];
	$node->restart;
	is((grep { outcome(http_answer($_)) =~ /^(200|no answer)$/ } @connections[6 .. 11]), 6, 'a restart under load');
	wait_until_ready($server);
}
unlike(slurp_file($node->logfile), qr/terminated by signal (?!9)|PANIC|TRAP/, 'nothing crashes at shutdown');

# ---- a database that is missing, and a port that another server holds ----

my $later = start_node('later', conf => <<"END");
log_statement = none
dynamo.http_workers = 2
dynamo.port = $server->{port}
dynamo.listen_addresses = '127.0.0.1'
dynamo.database = 'later'
dynamo.auth = none
END
my $taken = qr/the HTTP endpoint is not available: could not listen on 127\.0\.0\.1, port $server->{port}: Address already in use/;

ok(log_has($later, qr/FATAL:  database "later" does not exist/), 'the log tells of a missing database');
$later->safe_psql('postgres', 'CREATE DATABASE later');
ok(log_has($later, $taken), 'the log tells of a port that another server holds');
is((grep { outcome(http_call($client, get('kept'))) eq '200' } 1 .. 20), 20, 'which alone answers on it');

# ---- shutdown ----

{
	my ($quick, $stuck) = worker_pids($node);
	my @idle = map { connection_to($_) } $quick, $stuck;
	my ($running, $endless, $slow, @parked) = map { connection_to($_) } $quick, $stuck, $quick, $quick, $stuck;
	my $holder = open_session($node);
	my $begin;

	ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Music" WHERE pk = 'kept' FOR UPDATE});
	http_send($client, put('kept', v => { S => 'new' }), $_) for @parked;
	wait_until(sub { sql('SELECT sum(parked) FROM dynamo.stat_http') == 2 }) or die 'no request is parked';
	$slow->write("POST / HTTP/1.1\r\nHost: ");
	http_send($client, nap('endless', 100), $endless);
	wait_until(sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) == 1 });
	http_send($client, nap('drained', 1), $running);
	wait_until(sub { sql(q{SELECT (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep') = 2
		OR EXISTS (SELECT FROM dynamo_tables."Music" WHERE pk = 'drained')}) eq 't' });
	$begin = time;
	$node->stop('fast');
	cmp_ok(time - $begin, '<', 30, 'shutdown takes seconds') and note(time - $begin);
	ok($_->is_closed, 'an idle connection is closed') for @idle;
	farewell($running, qr/^200$/, 'a request under way');
	farewell($endless, qr/^500 InternalServerError: /, 'a request that takes too long', announced => 1);
	farewell($_, qr/^(200$|\Q$shutting_down\E)/, 'a parked request') for @parked;
	ok($slow->is_closed, 'a slow client is not waited for');
	eval { $holder->quit };
	unlike(slurp_file($node->logfile), qr/terminated by signal (?!9)|PANIC|TRAP/, 'nothing crashes at shutdown');
}

# ---- the port is free, but the extension is missing ----

my $heir = { %$server, node => $later };
my $missing = '503 ServiceUnavailable: The extension pg_dynamo is not installed in database later';

ok(wait_until(sub { (http_get($heir, '/health'))[0] == 200 }), 'the port is taken over once it is free');
cmp_ok(scalar(() = slurp_file($later->logfile) =~ /$taken/g), '<=', 2, 'the log told it once per worker');
for my $round (1 .. 2)
{
	# the second time, on a connection that was served before
	my $connection = $client->connect;
	ok(wait_until(sub { outcome(http_call($client, ListTables => {}, $connection)) eq $missing }), 'without the extension: ListTables');
	is(outcome(http_call($client, get('kept'), $connection)), $missing, 'without the extension: GetItem');
	is(outcome(http_call($client, http_create_request('Music'), $connection)), $missing, 'without the extension: CreateTable');
	my ($status, $body) = http_get($heir, '/health/ready');
	is($status, 503, 'without the extension: not ready');
	like($body, qr/The extension pg_dynamo is not installed in database later/, 'for that reason');
	is((http_get($heir, '/health'))[0], 200, 'but alive');

	create_extension($later, 'later');
	is(outcome(http_call($client, http_create_request('Music'), $connection)), 200, 'it serves when the extension is there');
	is(outcome(http_call($client, put('kept'), $connection)), 200, 'puts');
	is(outcome(http_call($client, get('kept'), $_)), 200, 'gets') for $connection, undef, undef, undef;
	wait_until_ready($heir);
	is(outcome(http_call($client, DeleteTable => { TableName => 'Music' }, $connection)), 200, 'deletes');
	$later->safe_psql('later', 'DROP EXTENSION pg_dynamo CASCADE');
	is(outcome(http_call($client, get('kept'), $connection)), $missing, 'until it is dropped');
}

# ---- no workers ----

$later->append_conf('postgresql.conf', 'dynamo.http_workers = 0');
$later->restart;
is(worker_pids($later), 0, 'dynamo.http_workers = 0: no workers');
ok(!$client->connect, 'and nobody listens');
$later->stop;

# ---- certificates ----

my $secure = start_http_node('secure', tls => 1, workers => 1);
my $secured = $secure->{node};
my ($crt, $key) = ($secure->{ca}, $secure->{ca} =~ s/crt$/key/r);

sub fingerprint
{
	my ($text) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'openssl', 'x509', '-noout', '-fingerprint', '-sha256' ], '<', \$text, '>', \$out, '2>', \$err);
	return $out;
}

# What a new connection sees.
sub served_fingerprint
{
	my ($in, $out, $err) = ('', '', '');

	IPC::Run::run([ 'openssl', 's_client', '-connect', "127.0.0.1:$secure->{port}" ], '<', \$in, '>', \$out, '2>', \$err);
	return fingerprint($out);
}

# A TLS connection that stays open.
sub open_tls
{
	my %tls = (in => '', out => '', err => '');

	$tls{run} = IPC::Run::start([ 'openssl', 's_client', '-quiet', '-connect', "127.0.0.1:$secure->{port}" ],
		'<', \$tls{in}, '>', \$tls{out}, '2>', \$tls{err},
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return \%tls;
}

sub tls_status
{
	my ($tls) = @_;

	$tls->{out} = '';
	$tls->{in} .= "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
	eval { $tls->{run}->pump until $tls->{out} =~ /healthy: .*com /; };
	return $tls->{out} =~ m{^HTTP/1\.1 (\d+)} ? $1 : $tls->{err};
}

# New files and a reload; old connections go on.
sub renew
{
	my ($files) = @_;

	$files->();
	$secured->reload;
	return fingerprint(slurp_file($crt));
}

{
	my $first = fingerprint(slurp_file($crt));
	my @old = map { open_tls() } 1 .. 4;

	is(served_fingerprint(), $first, 'TLS serves its certificate');
	is(tls_status($_), 200, 'over TLS') for @old;

	# reloads for other reasons, each with connections from before it
	for (1 .. 20)
	{
		push @old, open_tls();
		is(tls_status($old[-1]), 200, 'over TLS, between reloads');
		$secured->reload;
	}
	my $second = renew(sub { PgDynamoHttp::make_certificate('secure') });
	isnt($second, $first, 'another certificate');
	ok(wait_until(sub { 8 == grep { served_fingerprint() eq $second } 1 .. 8 }), 'new connections see it after a reload');
	is((grep { tls_status($_) eq '200' } @old), @old, 'connections with the old one go on');
	wait_until_ready($secure);

	my $complaint = qr/the HTTP endpoint could not use dynamo\.tls_cert_file "\Q$crt\E"/;
	my %broken = (
		'a broken certificate' => sub { unlink $crt; append_to_file($crt, "no certificate\n") },
		'a key of another certificate' => sub {
			my ($other_crt, $other_key) = PgDynamoHttp::make_certificate('stranger');
			rename $other_key, $key },
		'a missing file' => sub { unlink $crt });
	for my $what ('a key of another certificate', 'a broken certificate', 'a missing file')
	{
		my $told = $what eq 'a missing file' ? qr/could not open "\Q$crt\E"/ : $complaint;
		my $before = () = slurp_file($secured->logfile) =~ /$told/g;

		$broken{$what}->();
		$secured->reload;
		ok(wait_until(sub { my $n = () = slurp_file($secured->logfile) =~ /$told/g; $n > $before }), "$what: the log tells it");
		is((grep { served_fingerprint() eq $second } 1 .. 4), 4, "$what: the last good one is served");
		is((grep { tls_status($_) eq '200' } @old), @old, "$what: old connections go on");
	}

	my $third = renew(sub { PgDynamoHttp::make_certificate('secure') });
	ok(wait_until(sub { 8 == grep { served_fingerprint() eq $third } 1 .. 8 }), 'a good one is taken again');
	is((grep { tls_status($_) eq '200' } @old), @old, 'old connections go on');
	is((http_get($secure, '/health'))[0], 200, 'and a client that verifies it is content');
	my $begin = time;
	$secured->stop('fast');
	cmp_ok(time - $begin, '<', 30, 'shutdown with idle TLS connections takes seconds');

	# other ways to stop
	$secured->start;
	wait_until_ready($secure);
	$secured->stop('smart');
	ok(!(http_get($secure, '/health'))[0], 'a smart shutdown ends the workers');
	$secured->start;
	wait_until_ready($secure);
	$secured->stop('immediate');
	ok(!(http_get($secure, '/health'))[0], 'an immediate one too');
	$secured->start;
	wait_until_ready($secure);
	$secured->kill9;
	ok(wait_until(sub { !http_client($secure)->connect }), 'and the death of the postmaster');
	$_->{run}->kill_kill for @old;
	unlike(slurp_file($secured->logfile), qr/terminated by signal|PANIC|TRAP/, 'nothing crashed');
}

done_testing();
