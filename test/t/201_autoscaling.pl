# Auto scaling: provisioned capacity follows what is consumed, up and down,
# within its bounds, by the rules of UpdateTable; what cannot be done is told and
# stops nobody.  A data point spans a second here.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run ();
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', conf => <<'END');
log_statement = none
max_worker_processes = 16
dynamo.metrics_period = 1s
END
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_dynamo metrics'};

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub eventually
{
	my ($query, $expected, $what) = @_;

	ok($node->poll_query_until('postgres', $query, $expected), $what);
	return;
}

# A table of the role scaler with so many units of both kinds, and an index by g
# with as many, if index is true.
sub provisioned
{
	my ($name, $units, $index) = @_;
	my $throughput = { ReadCapacityUnits => $units, WriteCapacityUnits => $units };
	my @names = $index ? qw(p g) : qw(p);

	return call($node, 'CreateTable', {
			TableName => $name,
			ProvisionedThroughput => $throughput,
			KeySchema => [ { AttributeName => 'p', KeyType => 'HASH' } ],
			AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => 'S' } } @names ],
			$index ? (GlobalSecondaryIndexes => [ {
					IndexName => 'by_g',
					KeySchema => [ { AttributeName => 'g', KeyType => 'HASH' } ],
					Projection => { ProjectionType => 'ALL' },
					ProvisionedThroughput => $throughput } ]) : () }, user => 'scaler');
}

# of writes; further: arguments of put_scaling_policy, without which there is no policy
sub scale
{
	my ($name, $min, $max, $policy, $index) = @_;
	my $of = $index ? ", index_name => '$index'" : '';

	sql("SELECT dynamo.register_scalable_target('$name', 'WriteCapacityUnits', $min, $max$of)");
	sql("SELECT dynamo.put_scaling_policy('$name', 'WriteCapacityUnits', $policy$of)") if defined $policy;
	return;
}

sub capacity_query
{
	my ($name, $index) = @_;

	return "SELECT capacity FROM dynamo.scalable_targets WHERE table_name = '$name'"
	  . " AND scalable_dimension LIKE '%Write%' AND index_name IS NOT DISTINCT FROM "
	  . ($index ? "'$index'" : 'NULL');
}

sub capacity { return sql(capacity_query(@_)) }

# poll until it is between two figures
sub reaches
{
	my ($name, $from, $to, $what, $index) = @_;

	eventually("SELECT capacity BETWEEN $from AND $to FROM (" . capacity_query($name, $index) . ') c', 't', $what);
	return;
}

# status, from and to of the activities of a table, oldest first
sub activities
{
	my ($name) = @_;

	return sql("SELECT status, from_capacity, to_capacity FROM dynamo.scaling_activities
		WHERE table_name = '$name' ORDER BY activity_id");
}

# so many units a second from now on, in steps of ten
sub load
{
	my ($units, @names) = @_;

	sql("INSERT INTO load VALUES ('$_', $units) ON CONFLICT (name) DO UPDATE SET units = EXCLUDED.units") for @names;
	return;
}

# A client that puts an item ten times a second into each table of such a load,
# until the table of loads is empty; or, with throttling, into the table
# Throttled as fast as it may.
sub drive
{
	my ($throttling) = @_;
	my $setting = $throttling ? 'on' : 'off';
	my $loop = $throttling ? <<'END' : <<'END';
DO $$
BEGIN
	WHILE EXISTS (SELECT FROM load) LOOP
		BEGIN
			PERFORM dynamo.put_item('{"TableName": "Throttled", "Item": {"p": {"S": "a"}}}'::jsonb);
		EXCEPTION WHEN SQLSTATE 'DY010' THEN
			PERFORM pg_sleep(0.02);
		END;
		COMMIT;
	END LOOP;
END $$
END
DO $$
DECLARE
	l load;
BEGIN
	WHILE EXISTS (SELECT FROM load) LOOP
		FOR l IN SELECT * FROM load WHERE units > 0 LOOP
			PERFORM dynamo.put_item(jsonb_build_object('TableName', l.name, 'Item', jsonb_build_object(
				'p', '{"S": "a"}'::jsonb, 'g', '{"S": "b"}'::jsonb,
				'x', jsonb_build_object('S', repeat('x', l.units / 10 * 1024 - 100)))));
			COMMIT;
		END LOOP;
		PERFORM pg_sleep(0.1);
		COMMIT;
	END LOOP;
END $$
END

	return IPC::Run::start([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'),
			'-c', "SET dynamo.throttling = $setting", '-c', $loop ]);
}

sql('CREATE ROLE scaler LOGIN; GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO scaler;
	CREATE TABLE load (name text PRIMARY KEY, units int)');

provisioned($_, 5) for qw(Follow Cool Bounds Suspended Free);
provisioned('Slow', 20);
provisioned('Stay', 20);
provisioned('Limited', 20);
provisioned('Locked', 20);
provisioned('Throttled', 5);
provisioned('Indexed', 10, 1);

# ----- bounds, without a policy -----

scale('Bounds', 10, 20);
reaches('Bounds', 10, 10, 'capacity below the minimum is raised');
scale('Bounds', 1, 7);
reaches('Bounds', 7, 7, 'capacity above the maximum is lowered');
is(activities('Bounds'), "Successful|5|10\nSuccessful|10|7", 'both are told');
is(sql(q{SELECT scalable_dimension, cause, message, end_time >= start_time FROM dynamo.scaling_activities
	WHERE table_name = 'Bounds' AND from_capacity = 5}),
	'dynamodb:table:WriteCapacityUnits|capacity was below the minimum of 10 units|Successfully set write capacity units to 10.|t',
	'with cause and message');
is(sql(q{SELECT settings ->> 'ReadCapacityUnits' FROM dynamo.tables WHERE table_name = 'Bounds'}), '5',
	'the other dimension is left alone');

# ----- load -----

scale('Follow', 5, 60, '50');
scale('Cool', 5, 60, '50, scale_out_cooldown => 3600');
scale('Slow', 10, 20, '50, scale_in_cooldown => 3600');
scale('Stay', 1, 30, '50, disable_scale_in => true');
scale('Suspended', 1, 60, '50');
sql(q{SELECT dynamo.register_scalable_target('Suspended', 'WriteCapacityUnits', NULL, NULL, suspended => true)});
scale('Indexed', 5, 50, '50', 'by_g');
scale('Throttled', 5, 40, '50');
load(10, qw(Follow Cool Suspended Slow Free));
load(20, 'Indexed');
my @drivers = (drive(0), drive(1));

# what cannot be done, meanwhile
for my $units (19, 18, 17, 16)
{
	call($node, 'UpdateTable', { TableName => 'Limited',
			ProvisionedThroughput => { ReadCapacityUnits => 20, WriteCapacityUnits => $units } });
}
scale('Limited', 1, 10);
scale('Locked', 1, 10);
my $blocker = open_session($node);
ask($blocker, q{BEGIN; LOCK TABLE dynamo_tables."Locked" IN ACCESS EXCLUSIVE MODE});

reaches('Follow', 12, 30, 'capacity follows load');
reaches('Cool', 12, 30, 'also where cool-downs will hold');
reaches('Indexed', 25, 50, 'an index has its own', 'by_g');
reaches('Slow', 20, 20, 'consumption at the target changes nothing');
my $cool = capacity('Cool');

load(30, qw(Follow Cool));
reaches('Follow', 40, 60, 'more load, more capacity');
load(80, 'Follow');
reaches('Follow', 60, 60, 'up to the maximum');
is(capacity('Cool'), $cool, 'not within the cool-down');
is(capacity('Suspended'), '5', 'not while suspended');
is(sql(q{SELECT settings ->> 'WriteCapacityUnits' FROM dynamo.tables WHERE table_name = 'Indexed'}), '10',
	'nor of the table for its index');
is(sql(q{SELECT settings ->> 'WriteCapacityUnits' FROM dynamo.tables WHERE table_name = 'Free'}), '5',
	'nor of a table that is not registered');
like(activities('Follow'), qr/\ASuccessful\|5\|(\d+)(\nSuccessful\|\d+\|\d+)*\nSuccessful\|\d+\|60\z/, 'the way up is told');
like(sql(q{SELECT cause FROM dynamo.scaling_activities WHERE table_name = 'Follow' ORDER BY activity_id LIMIT 1}),
	qr/\Apolicy DynamoDBWriteCapacityUtilization:table\/Follow: consumption was above 50 percent of 5 units for 2 periods, \d+\.\d\d units a second in the last\z/,
	'and why');
is(sql(q{SELECT settings ? 'LastIncrease' FROM dynamo.tables WHERE table_name = 'Follow'}), 't', 'it is an UpdateTable');

# ----- throttled demand -----

reaches('Throttled', 40, 40, 'under throttling capacity grows as well');
cmp_ok(sql(q{SELECT count(*) FROM dynamo.scaling_activities WHERE table_name = 'Throttled'}), '>=', 2, 'step by step');

# ----- failures -----

eventually(q{SELECT status FROM dynamo.scaling_activities WHERE table_name = 'Limited' ORDER BY activity_id LIMIT 1},
	'Failed', 'decreases are limited');
like(sql(q{SELECT message FROM dynamo.scaling_activities WHERE table_name = 'Limited' LIMIT 1}),
	qr/\AFailed to set write capacity units to 10\. Reason: LimitExceededException: Subscriber limit exceeded: /, 'for a reason');
is(capacity('Limited'), '16', 'nothing was changed');
is(activities('Locked'), '', 'a locked table waits');
ask($blocker, 'COMMIT');
$blocker->quit;
reaches('Locked', 10, 10, 'and its turn comes');

# ----- less load -----

load(0, qw(Follow Cool));
load(0, 'Indexed');
load(0, 'Throttled');
my $stay = capacity('Stay');
reaches('Follow', 5, 5, 'without load capacity falls to the minimum');
reaches('Cool', 5, 12, 'the cool-down of increases does not hold decreases');
reaches('Indexed', 5, 15, 'of an index too', 'by_g');
is(capacity('Stay'), $stay, 'but not where scale-in is disabled');
is($stay, '20', 'which has what it had');
# a data point on the way may make it two steps
cmp_ok(sql(q{SELECT count(*) FROM dynamo.scaling_activities WHERE table_name = 'Follow' AND to_capacity < from_capacity}), '<=', 2,
	'not step by step');
like(sql(q{SELECT settings ->> 'DecreasesOfDay' FROM dynamo.tables WHERE table_name = 'Follow'}), qr/\A[12]\z/,
	'which counts as decreases');

# from 20 units to fewer, and not again for an hour
sql(q{UPDATE load SET units = 0 WHERE name = 'Slow'});
reaches('Slow', 10, 12, 'a table without load falls');
load(20, 'Slow');
reaches('Slow', 20, 20, 'it rises');
load(0, 'Slow');

# ----- a new worker -----

my $pid = sql($worker);
sql("SELECT pg_terminate_backend($pid)");
eventually("SELECT count(*) = 1 AND bool_and(pid <> $pid) FROM ($worker) w", 't', 'a terminated worker comes back');
load(10, 'Follow');
reaches('Follow', 12, 30, 'and scales');

# ----- without metrics -----

load(0, 'Follow');
sql('ALTER SYSTEM SET dynamo.metrics = off');
sql('SELECT pg_reload_conf()');
my $follow = capacity('Follow');
sql(q{SELECT dynamo.put_role_policy('scaler', 'none',
	'{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}')});
scale('Bounds', 9, 20);
reaches('Bounds', 9, 9, 'without metrics bounds are kept, whatever the owner may do');
sql(q{SELECT dynamo.delete_role_policy('scaler', 'none')});
sleep(18);
is(capacity('Follow'), $follow, 'but nothing is known of load');
is(capacity('Slow'), '20', 'within the cool-down of decreases there is none');
sql('ALTER SYSTEM RESET dynamo.metrics');
sql('SELECT pg_reload_conf()');
reaches('Follow', 5, 5, 'until they are back');

sql('DELETE FROM load');
ok($_->finish, 'a client had no error') for @drivers;

# ----- on demand -----

call($node, 'UpdateTable', { TableName => 'Bounds', BillingMode => 'PAY_PER_REQUEST' });
sleep(2);
is(sql(q{SELECT count(*) FROM dynamo.scaling_activities WHERE table_name = 'Bounds' AND status = 'Failed'}), '0',
	'a table on demand is left alone');

# ----- dumped and restored -----

my $dump = "$PostgreSQL::Test::Utils::tmp_check/scaling.sql";
my $policies = q{SELECT * FROM dynamo.scalable_targets t LEFT JOIN dynamo.scaling_policies p
	USING (table_name, index_name, scalable_dimension) ORDER BY 1, 2 NULLS FIRST, 3};
$node->command_ok([ 'pg_dump', '-U', 'scaler', '-n', 'dynamo', '-f', $dump, '-d', 'postgres', '-h', $node->host, '-p', $node->port ],
	'the owner of the tables can dump their targets');
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'the database is dumped');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qXv', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', $policies), sql($policies), 'targets and policies come with it');

# ----- the history is bounded -----

sql(q{INSERT INTO dynamo.scaling_activity (resource, dimension, relid, start_time, from_capacity, to_capacity, successful, cause, message)
	SELECT 'dynamo_tables."Locked"', 'W', 'dynamo_tables."Locked"', now(), 1, 2, true, 'c', 'm' FROM generate_series(1, 500)});
scale('Locked', 30, 40);
reaches('Locked', 30, 30, 'a further change');
is(sql(q{SELECT count(*) FROM dynamo.scaling_activities WHERE table_name = 'Locked'}), '100', 'of many the newest are kept');

# ----- without the extension -----

call($node, 'DeleteTable', { TableName => $_ })
  for qw(Follow Cool Bounds Suspended Free Slow Stay Limited Locked Throttled Indexed);
is(sql('SELECT count(*) FROM dynamo.scalable_target'), '0', 'targets go with their tables');
is(sql('SELECT count(*) FROM dynamo.scaling_activity'), '0', 'and so does what is known of them');
sql('DROP EXTENSION pg_dynamo');
sleep(2);
is(sql("SELECT count(*) FROM ($worker) w"), '1', 'the worker is idle without the extension');
unlike(slurp_file($node->logfile), qr/LOG:  auto scaling:/, 'nothing went wrong');

$node->stop;
done_testing();
