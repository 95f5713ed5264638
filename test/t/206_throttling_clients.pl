# Clients of a server that throttles: what their SDKs make of its refusals, and
# that they get exactly what is provisioned when they ask for twice as much.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use IPC::Run;
use PgDynamoHttp;
use Test::More;
use Time::HiRes qw(sleep time);

my ($dir, $javascript) = install_clients();
my $python = clients_dir() . '/throttling.py';
my $server = start_http_node('main', conf => 'dynamo.throttling = on');
my $node = $server->{node};

sub set
{
	my ($name, $value) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET $name = $value");
	$node->reload;
	return;
}

my %events = (
	environment => { AWS_DATA_PATH => clients_dir() . '/models' },
	exempt => sub { $node->safe_psql('postgres', q{SELECT dynamo.set_throttling('Small', false)}) },
	quota => sub { set('dynamo.table_max_write_capacity_units', 10) });

run_client($server, [ '/usr/bin/python3', $python, 'errors' ], %events);
set('dynamo.table_max_write_capacity_units', 'DEFAULT');
run_client($server, [ $javascript, "$dir/throttling.mjs", 'errors' ]);
run_client($server, [ 'bash', clients_dir() . '/awscli.sh', 'throttling' ]);
run_client($server, [ '/usr/bin/python3', $python, 'rates' ], environment => $events{environment});
run_client($server, [ $javascript, "$dir/throttling.mjs", 'rates' ]);

# HTTP workers and SQL sessions have one bucket.
my ($rate, $seconds) = (40, 10);
sub provision_request
{
	my ($name, $units) = @_;
	my %request = (http_create_request($name))[1]->%*;

	delete $request{BillingMode};
	return (CreateTable => { %request, ProvisionedThroughput => { ReadCapacityUnits => $units, WriteCapacityUnits => $units } });
}

my $client = http_client($server);
is(outcome(http_call($client, provision_request('Shared', $rate))), 200, 'a table for both doors');
$node->safe_psql('postgres', q{
	CREATE FUNCTION put_for(seconds int, name text) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		done int := 0;
	BEGIN
		WHILE clock_timestamp() < now() + seconds * interval '1 s' LOOP
			BEGIN
				PERFORM dynamo.put_item('Shared', jsonb_build_object('id', name || done));
				done := done + 1;
			EXCEPTION WHEN OTHERS THEN
				IF SQLERRM NOT LIKE 'ProvisionedThroughputExceededException: %' THEN
					RAISE;
				END IF;
				PERFORM pg_sleep(0.01);
			END;
		END LOOP;
		RETURN done;
	END $$});
my @counts = ('') x 2;
my @sessions = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT put_for($seconds, 'sql$_')" ],
		'>', \$counts[$_]) } 0, 1;
my @connections = http_connections($client, 4);
my ($deadline, $over_http) = (time + $seconds, 0);
while (time < $deadline)
{
	for my $connection (@connections)
	{
		my %request = (TableName => 'Shared', Item => { id => { S => "http$over_http" } });
		my $answer = outcome(http_answer(http_send($client, PutItem => \%request, $connection)));

		$over_http++ if $answer eq '200';
		$answer =~ /^200$|^400 ProvisionedThroughputExceededException: / or die $answer;
	}
	sleep 0.005;
}
$_->finish for @sessions;
chomp @counts;
my $sum = $over_http + $counts[0] + $counts[1];
note "over HTTP $over_http, over SQL $counts[0] and $counts[1]";
# a new table has what a second brings
cmp_ok($sum, '>=', 0.9 * $rate * ($seconds + 1), 'both doors together get what is provisioned');
cmp_ok($sum, '<=', 1.1 * $rate * ($seconds + 1), 'and no more');
cmp_ok($_, '>', 0, 'each gets some') for $over_http, @counts;
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo_tables."Shared"'), $sum, 'and that is written');

# and without the setting nobody is throttled
set('dynamo.throttling', 'off');
is(outcome(http_call($client, provision_request('Free', 1))), 200, 'a table of one unit');
is(scalar(grep { http_put($client, 'Free', id => "n$_") eq '200' } 1 .. 100), 100, 'nobody is throttled by default');
$node->stop;
done_testing();
