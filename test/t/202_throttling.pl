# Throughput that is enforced for all processes together: sessions and HTTP
# workers share what a table has, over time no more than that is consumed, what
# was not used is saved up, calls that come to nothing cost nothing; restarts,
# servers without shared memory, and more tables than meters.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use IPC::Run;
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $rate = 100;				# units a second of tables under load
my $seconds = 6;			# of load
my $exceeded = 'ProvisionedThroughputExceededException';
my $patience = $PostgreSQL::Test::Utils::timeout_default;

my $server = start_http_node('main', workers => 3, conf => <<'END');
restart_after_crash = on
log_statement = none
dynamo.throttling = on
dynamo.metrics_max = 100
END
my $node = $server->{node};
my $client = http_client($server);

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub create
{
	my ($name, $reads, $writes) = @_;

	return outcome(http_call($client, CreateTable => {
		TableName => $name,
		KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ],
		ProvisionedThroughput => { ReadCapacityUnits => $reads, WriteCapacityUnits => $writes } }));
}

# "200", or the exception's name
sub put
{
	my ($table, $id, $size) = @_;
	my $answer = http_call($client, PutItem => {
		TableName => $table, Item => { id => { S => $id }, v => { S => 'x' x ($size // 0) } } });

	return $answer->{type} // $answer->{status};
}

# Perform the call until a moment, by the server's clock; tells how often it
# was admitted.  What is refused is tried again after a moment.
sub define_worker
{
	sql(<<'END');
		CREATE FUNCTION public.work(operation text, request jsonb, until timestamptz) RETURNS bigint
		LANGUAGE plpgsql AS $$
		DECLARE
			admitted bigint := 0;
		BEGIN
			WHILE clock_timestamp() < until LOOP
				BEGIN
					PERFORM dynamo.execute(operation, request);
					admitted := admitted + 1;
				EXCEPTION WHEN SQLSTATE 'DY010' THEN
					PERFORM pg_sleep(0.02);
				END;
			END LOOP;
			RETURN admitted;
		END $$;
END
	return;
}

sub json { return JSON::PP->new->canonical->encode($_[0]) }

# Sessions and HTTP clients that all call until the end of the load, with a
# request for an item; returns how often they were admitted, by kind, and the
# seconds from the first call on.  Each session keeps its items locked.
sub load
{
	my ($sessions, $operation, $request_for) = @_;
	my $begin = time;
	my $until = $begin + $seconds;
	my %admitted = (sql => 0, http => 0);
	my @runs;

	for my $i (1 .. $sessions)
	{
		my $request = json($request_for->("session $i"));
		my $out = '';

		push @runs, { out => \$out };
		$runs[-1]{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'),
				'-c', "SELECT public.work('$operation', '$request', to_timestamp($until))" ],
			'>', \$out, IPC::Run::timeout($patience));
	}
	my @connections = http_connections($client, 6);

	for (my $i = 0; time < $until; $i++)
	{
		my $answer = http_answer(http_send($client, $operation, $request_for->($i % 10),
				$connections[ $i % @connections ]));

		die 'no answer' unless $answer;
		die outcome($answer) unless $answer->{status} == 200 || $answer->{type} eq $exceeded;
		$admitted{http}++ if $answer->{status} == 200;
		sleep 0.002 if $answer->{status} != 200;
	}
	for (@runs)
	{
		$_->{run}->finish;
		$admitted{sql} += ${ $_->{out} };
	}
	return (\%admitted, time - $begin);
}

sub is_rate
{
	my ($admitted, $units, $expected, $name) = @_;
	my $total = ($admitted->{sql} + $admitted->{http}) * $units;

	note("$name: $total units where $expected are to be had; $admitted->{sql} calls by SQL, $admitted->{http} over HTTP");
	ok($total > 0.9 * $expected && $total < 1.1 * $expected, $name);
	ok($admitted->{sql} > 0 && $admitted->{http} > 0, "$name: both doors were admitted");
	return;
}

sub share
{
	my $put = sub { { TableName => 'Shared', Item => { id => { S => "$_[0]" }, v => { S => 'x' x 1500 } } } };
	my $get = sub { { TableName => 'Shared', Key => { id => { S => "$_[0]" } } } };
	my ($admitted, $took, $paid);

	is(create('Shared', $rate, $rate), 200, 'a table');
	define_worker();

	# a bucket that was never used has a second in it
	($admitted, $took) = load(3, PutItem => $put);
	is_rate($admitted, 2, $rate * ($took + 1), 'writes of two units');
	$paid = time;
	($admitted, $took) = load(3, GetItem => $get);
	is_rate($admitted, 0.5, $rate * ($took + 1), 'reads of half a unit');

	# more throughput takes effect in every process; what is saved up are seconds
	is(outcome(http_call($client, UpdateTable => { TableName => 'Shared',
				ProvisionedThroughput => { ReadCapacityUnits => $rate, WriteCapacityUnits => 3 * $rate } })),
		200, 'UpdateTable');
	($admitted, $took) = load(3, PutItem => $put);
	is_rate($admitted, 2, 3 * $rate * (time - $paid), 'three times as many writes');
	return;
}

# What is not used for a while can be used at once.
sub burst
{
	my $admitted = 0;
	my $begin = time;
	my ($status, $saved);

	is(create('Burst', $rate, $rate), 200, 'a table to be idle');
	is(put('Burst', 'a', 1000 * ($rate - 2)), 200, 'the first second is used up');
	sleep 4;
	$status = put('Burst', 'a', 0);
	$saved = $rate * (time - $begin);

	# an item that large takes as many units as its old version
	for (my $i = 0; $status eq '200'; $i++)
	{
		$admitted++;
		$status = put('Burst', "b$i", 9800);
	}
	is($status, $exceeded, 'a burst ends');
	$saved += $rate * 1.0;
	note("burst: $admitted puts");
	cmp_ok($rate + ($admitted - 2) * 10, '>', 0.9 * ($saved - $rate), 'what was saved up is there');
	cmp_ok($admitted * 10, '<', $saved + $rate * (time - $begin - 4), 'and no more than that');
	return;
}

# Calls that are repeated by a worker, cancelled, or meet an error of the server.
sub abandon
{
	my $blocker;
	my $connection;
	my $paid;

	is(create('Calls', 20, 20), 200, 'a table');
	sql(q{SELECT dynamo.set_throttling('Calls', false)});
	is(put('Calls', 'a', 60_000), 200, 'an item of 60 units');
	sql(q{SELECT dynamo.set_throttling('Calls', NULL)});

	# statement_timeout while it waits for a lock
	$blocker = open_session($node);
	ask($blocker, q{BEGIN; SELECT count(*) FROM (SELECT FROM dynamo_tables."Calls" FOR UPDATE) x});
	like(
		call_error_with($node, q{SET statement_timeout = '300ms'},
			DeleteItem => { TableName => 'Calls', Key => { id => { S => 'a' } } }),
		qr/canceling statement/,
		'a call is cancelled');

	# the worker tries again and again
	$connection = http_send($client, DeleteItem => { TableName => 'Calls', Key => { id => { S => 'a' } },
			ConditionExpression => 'attribute_exists(nothing) OR attribute_exists(v)' });
	ok(wait_until(sub { sql(q{SELECT coalesce(sum(parked), 0) FROM dynamo.stat_http}) > 0 }),
		'a call waits for a lock');
	sleep 1;
	ask($blocker, 'COMMIT');
	is(outcome(http_answer($connection)), 200, 'and is made');
	$paid = time;
	is(put('Calls', 'b'), $exceeded, 'it is paid');
	$blocker->quit;

	# 60 units less the first second's 20 are owed, not several times that
	ok(wait_until(sub { put('Calls', 'b') eq '200' }), 'for a while');
	note(sprintf('the debt was paid after %.1f s', time - $paid));
	cmp_ok(time - $paid, '<', 4.5, 'but once');
	return;
}

sub call_error_with
{
	my ($node, $setting, $operation, $request) = @_;
	my $text = json($request);
	my (undef, undef, $err) = $node->psql('postgres', "$setting; SELECT dynamo.execute('$operation', '$text')");

	return $err;
}

sub members
{
	my $answer;

	is(create('Large', 1, 1), 200, 'a table');
	is(put('Large', 'a', 300_000), 200, 'a large item');
	$answer = http_call($client, PutItem => { TableName => 'Large', Item => { id => { S => 'b' } } });
	is($answer->{status}, 400, 'status of a throttled call');
	is_deeply($answer->{document}, {
			__type => "com.amazonaws.dynamodb.v20120810#$exceeded",
			message => 'The level of configured provisioned throughput for the table was exceeded. '
			  . 'Consider increasing your provisioning level with the UpdateTable API.',
			ThrottlingReasons => [ {
					reason => 'TableWriteProvisionedThroughputExceeded',
					resource => 'arn:aws:dynamodb:us-east-1:000000000000:table/Large' } ] },
		'and its document');
	return;
}

sub restart
{
	is(put('Large', 'b'), $exceeded, 'a debt of minutes');
	$node->restart;
	wait_until_ready($server);
	is(put('Large', 'b'), 200, 'is forgotten when the server restarts');
	is(put('Large', 'b', 300_000), 200, 'a debt again');
	is(put('Large', 'b'), $exceeded, 'of minutes');
	sql(q{ALTER SYSTEM SET dynamo.throttling = off});
	$node->reload;
	ok(wait_until(sub { put('Large', 'b') eq '200' }), 'throttling is switched off for workers, too');
	sql(q{ALTER SYSTEM RESET dynamo.throttling});
	$node->reload;
	ok(wait_until(sub { put('Large', 'b') eq $exceeded }), 'and on again');
	return;
}

# More relations than dynamo.metrics_max.
sub fill
{
	my $log = -s $node->logfile;
	my $full = sub { scalar(() = slurp_file($node->logfile, $log) =~ /WARNING:.*is not counted/g) };

	sql(<<'END');
		DO $$ BEGIN
			FOR i IN 1..110 LOOP
				PERFORM dynamo.create_table(format('{"TableName": "fill-%s", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
					"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
					"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}}', i)::jsonb);
				PERFORM dynamo.put_item(format('fill-%s', i), '{"id": "a"}');
			END LOOP;
		END $$;
		GRANT ALL ON ALL TABLES IN SCHEMA dynamo_tables TO app;
END
	is($full->(), 1, 'a warning, once, that there are too many tables');
	is(put('fill-110', 'a', 300_000), 200, 'a table that is not counted');
	is(put('fill-110', 'a'), 200, 'is not throttled');
	is(put('fill-1', 'a', 300_000), 200, 'one that is counted');
	is(put('fill-1', 'a'), $exceeded, 'is');
	like(
		($node->psql('postgres', q{SELECT dynamo.set_throttling('fill-110', true)}))[2],
		qr/capacity of table "fill-110" is not counted/,
		'its owner is told so');

	# dropped tables make room; what they owed is nobody's
	sql(q{DO $$ BEGIN
		FOR i IN 1..50 LOOP PERFORM dynamo.delete_table(format('{"TableName": "fill-%s"}', i)::jsonb); END LOOP;
	END $$});
	is(create("more-$_", 1, 1), 200, 'another table') for 1 .. 3;
	for (1 .. 3)
	{
		is(put("more-$_", 'a', 300_000), 200, 'is counted from nothing');
		is(put("more-$_", 'a'), $exceeded, 'and throttled');
	}

	# so do those whose transaction is rolled back, in whatever database
	$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
	create_extension($node, 'elsewhere');
	$node->safe_psql('elsewhere', join(";\n", map { (
		'BEGIN', ($_ % 2 ? () : 'SAVEPOINT s'),
		qq{SELECT dynamo.create_table('{"TableName": "gone", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
			"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}')},
		q{SELECT dynamo.put_item('gone', '{"id": "a"}')},
		($_ % 2 ? 'ROLLBACK' : ('ROLLBACK TO s', 'COMMIT'))) } 1 .. 110));
	is(create('more-4', 1, 1), 200, 'another table');
	is(put('more-4', 'a', 300_000), 200, 'is counted');
	is(put('more-4', 'a'), $exceeded, 'and throttled');
	return;
}

# The library is loaded by the sessions that use it.
sub without_memory
{
	my $other = PostgreSQL::Test::Cluster->new('alone');

	$other->init;
	$other->start;
	create_extension($other);
	create_table($other, 'Alone', 0);
	is(call_error($other, PutItem => { TableName => 'Alone', Item => { pk => { S => 'a' } } }),
		undef, 'without shared memory tables work');
	like(($other->psql('postgres', q{SELECT dynamo.set_throttling('Alone', true)}))[2],
		qr/needs pg_dynamo in "shared_preload_libraries"/, 'throttling cannot be chosen');
	is($other->safe_psql('postgres', q{SELECT dynamo.set_throttling('Alone', false)}), '', 'that there is none can be');
	like(($other->psql('postgres', q{SELECT dynamo.get_item('Alone', '{"pk": "a"}'); SET dynamo.throttling = on}))[2],
		qr/invalid value for parameter "dynamo.throttling"/, 'nor set');
	$other->stop;
	return;
}

share();
burst();
abandon();
members();
restart();
fill();
without_memory();
$node->stop;
done_testing();
