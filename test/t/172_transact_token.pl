# A client request token makes a transaction take place once: whoever serves
# it, at the same time, after a crash and a restart, until it is forgotten.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Durability;
use HttpCall;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(sleep);

my $server = start_http_node('main', conf => "log_statement = none\n");
my $node = $server->{node};
my $client = http_client($server);
my $in_progress = qr/^400 TransactionInProgressException: /;
my $mismatch = qr/^400 IdempotentParameterMismatchException: /;

sub sql { return $node->safe_psql('postgres', @_) }

# A transaction that adds to a counter, in two tables.  Options: add, nap
# (seconds that it takes).
sub count_with
{
	my ($token, $counter, %option) = @_;
	my %update = (
		UpdateExpression => 'ADD n :n SET nap = :nap',
		ExpressionAttributeValues => { ':n' => { N => '' . ($option{add} // 1) }, ':nap' => { N => '' . ($option{nap} // 0) } });

	return (TransactWriteItems => {
		TransactItems => [ map { { Update => { TableName => $_, Key => { id => { S => $counter } }, %update } } } 'Here', 'There' ],
		defined $token ? (ClientRequestToken => $token) : () });
}

sub counted
{
	my ($counter) = @_;
	my $answer = http_call($client, TransactGetItems => {
		TransactItems => [ map { { Get => { TableName => $_, Key => { id => { S => $counter } } } } } 'Here', 'There' ] });

	return join ' ', map { $_->{Item}{n}{N} // 0 } @{ $answer->{document}{Responses} };
}

# The distinct answers to a call on each of these connections, at the same time
# or one after the other.
sub outcomes
{
	my ($connections, $at_once, @call) = @_;
	my %seen;

	http_send($client, @call, $_) for $at_once ? @$connections : ();
	for my $connection (@$connections)
	{
		http_send($client, @call, $connection) unless $at_once;
		$seen{ outcome(http_answer($connection)) }++;
	}
	return \%seen;
}

# Connections to each of the two workers; which one serves a write is seen in
# the log that the trigger keeps.
sub connect_to_both
{
	my %of_worker;

	for (1 .. 200)
	{
		my $connection = $client->connect;

		http_call($client, count_with(undef, 'worker'), $connection);
		push @{ $of_worker{ sql('SELECT pid FROM worker_log ORDER BY at DESC LIMIT 1') } }, $connection;
		last if keys %of_worker == 2 && !grep { @$_ < 3 } values %of_worker;
	}
	is(scalar keys %of_worker, 2, 'there are connections to both workers');
	return map { [ @$_[ 0 .. 2 ] ] } values %of_worker;
}

# ---- once, whoever serves it ----

is(outcome(http_call($client, http_create_request($_))), 200, "table $_") for 'Here', 'There';
sql(q{
	CREATE TABLE worker_log (pid int, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION nap() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO public.worker_log (pid) VALUES (pg_catalog.pg_backend_pid());
			PERFORM pg_catalog.pg_sleep((NEW.item #>> '{nap,N}')::float8);
			RETURN NULL;
		END $$;
	CREATE TRIGGER nap AFTER INSERT OR UPDATE ON dynamo_tables."There" FOR EACH ROW EXECUTE FUNCTION nap()});

my ($one, $other) = connect_to_both();
my @both = (@$one, @$other);

is_deeply(outcomes(\@both, 0, count_with('a', 'a')), { 200 => 6 }, 'one after the other: all succeed');
is(counted('a'), '1 1', 'once');
is_deeply(outcomes(\@both, 0, count_with(undef, 'none')), { 200 => 6 }, 'without a token');
is(counted('none'), '6 6', 'each time');
for my $call ([ count_with('a', 'a', add => 2) ], [ count_with('a', 'b') ],
	[ ExecuteTransaction => { ClientRequestToken => 'a', TransactStatements => [ { Statement => q{DELETE FROM "Here" WHERE id = 'a'} } ] } ])
{
	my ($got) = keys %{ outcomes([ $other->[0] ], 0, @$call) };

	like($got, $mismatch, "the token of another request, $call->[0]");
}
is(counted('a'), '1 1', 'changes nothing');

for my $round (1 .. 10)
{
	my $seen = outcomes(\@both, 1, count_with("race $round", 'race'));

	is_deeply([ grep { $_ ne '200' && $_ !~ $in_progress } keys %$seen ], [], "race $round: the others are told that it is in progress");
	ok($seen->{200}, "race $round: it is done");
}
is(counted('race'), '10 10', 'each race has one winner');

# ---- while it is in progress ----

sub is_napping { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'}) }

http_send($client, count_with('long', 'long', nap => 1.5), $one->[0]);
ok(wait_until(\&is_napping), 'a transaction that takes its time');
like(outcome(http_call($client, count_with('long', 'long', nap => 1.5), $other->[0])), $in_progress, 'the same elsewhere');
like(outcome(http_call($client, count_with('long', 'long', add => 7), $other->[1])), $in_progress,
	'another one with its token, before anything is known');
is(outcome(http_answer($one->[0])), 200, 'the first is done');
is(outcome(http_call($client, count_with('long', 'long', nap => 1.5), $other->[0])), 200, 'and again');
like(outcome(http_call($client, count_with('long', 'long', add => 7), $other->[1])), $mismatch, 'the other one');
is(counted('long'), '1 1', 'once');

# an SQL session of the same role
my ($operation, $request) = count_with('sql', 'sql');
my $text = JSON::PP->new->canonical->encode($request);
my $session = open_session($node);
is(ask($session, 'SET ROLE app; BEGIN'), '', 'an SQL session');
is(ask($session, qq{SELECT dynamo.execute('$operation', '$text')}), '{}', 'that has taken the token');
like(outcome(http_call($client, $operation, $request)), $in_progress, 'until it ends');
is(ask($session, 'ROLLBACK; BEGIN'), '', 'it rolls back');
is(outcome(http_call($client, $operation, $request)), 200, 'then the token is free');
is(ask($session, qq{SELECT dynamo.execute('$operation', '$text')}), '{}', 'the session again');
ask($session, 'COMMIT');
is(counted('sql'), '1 1', 'once');
like(ask($session, qq{RESET ROLE; SELECT dynamo.execute('$operation', '$text')}), qr/^\{\}$/, 'a token of another role');
is(counted('sql'), '2 2', 'is another token');
$session->quit;

# ---- what was cancelled ----

my %condition = (ConditionExpression => 'attribute_exists(id)');
my ($call, $cancelled) = count_with('cancelled', 'cancelled');
$cancelled->{TransactItems}[1]{Update} = { %{ $cancelled->{TransactItems}[1]{Update} }, %condition };
like(outcome(http_call($client, $call, $cancelled)), qr/^400 TransactionCanceledException: .*\[None, ConditionalCheckFailed\]/,
	'a transaction that is cancelled') for 1, 2;
is(http_put($client, 'There', id => 'cancelled'), 200, 'what it missed');
is_deeply(outcomes(\@both, 0, $call, $cancelled), { 200 => 6 }, 'its token is free until it succeeds');
is(counted('cancelled'), '1 1', 'once');

# ---- crash, restart ----

sub crash
{
	kill_server($node);
	$node->start;
	wait_until_ready($server);
	return;
}

is(outcome(http_call($client, count_with('kept', 'kept'))), 200, 'done before the crash');
my $lost = $client->connect;
http_send($client, count_with('lost', 'lost', nap => 20), $lost);
ok(wait_until(\&is_napping), 'in progress at the crash');
crash();
for my $when ('crash', 'restart')
{
	is(outcome(http_call($client, count_with('kept', 'kept'))), 200, "after the $when: the same token");
	is(counted('kept'), '1 1', "after the $when: not executed again");
	like(outcome(http_call($client, count_with('kept', 'kept', add => 2))), $mismatch, "after the $when: another request");
	$node->restart('fast') if $when eq 'crash';
	wait_until_ready($server);
}
is(counted('lost'), '0 0', 'what was in progress is not done');
is(outcome(http_call($client, count_with('lost', 'lost', nap => 0))), 200, 'its token is free') for 1, 2;
is(counted('lost'), '1 1', 'until it is done, once');

# a worker that is ended by its administrator, as good as a crash of it
my $waiting = $client->connect;
http_send($client, count_with('ended', 'ended', nap => 20), $waiting);
ok(wait_until(\&is_napping), 'in progress');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
unlike(outcome(http_answer($waiting)), qr/^200/, 'its worker is ended');
ok(wait_until(sub { outcome(http_call($client, count_with('ended', 'ended'))) eq '200' }), 'it is done by another');
is(counted('ended'), '1 1', 'once');

# ---- ten minutes later ----

sql(q{UPDATE dynamo.transaction_token SET completed_at = now() - interval '9 minutes' WHERE token = 'kept'});
is(outcome(http_call($client, count_with('kept', 'kept'))), 200, 'nearly ten minutes later');
is(counted('kept'), '1 1', 'it is not executed again');
sql(q{UPDATE dynamo.transaction_token SET completed_at = now() - interval '601 seconds' WHERE token = 'kept'});
is(outcome(http_call($client, count_with('kept', 'kept', add => 5))), 200, 'ten minutes later the token is as good as new');
is(counted('kept'), '6 6', 'for another request, too');
$node->stop;
done_testing();
