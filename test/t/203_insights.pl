# Contributor Insights: what is counted under a skewed load of many keys by
# several sessions is within the bounds that it promises, in memory that does
# not grow; what happens when there are more tables than it has room for, and
# what a crash leaves.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $keys = 100_000;
my $clients = 4;
my $counters = 128;
my $node = start_node('main', conf => "log_statement = none\nrestart_after_crash = on\ndynamo.contributor_insights_max = 3");
my $memory = q{SELECT sum(allocated_size) FROM pg_shmem_allocations WHERE name = 'pg_dynamo insights'};

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub change
{
	my ($table, $action, %more) = @_;

	return call($node, 'UpdateContributorInsights',
		{ TableName => $table, ContributorInsightsAction => $action, %more });
}

sub get
{
	my ($table, $key) = @_;

	return call($node, 'GetItem', { TableName => $table, Key => { pk => { S => $key } } });
}

sub listed
{
	my ($table) = @_;

	return sql("SELECT string_agg(DISTINCT partition_key, ' ' ORDER BY partition_key) FROM dynamo.contributor_insights
		WHERE table_name = '$table' AND rule = 'PKC'");
}

# ----- a skewed load -----

# How often key $n is read: Zipf's law.  What was counted in this hour and in
# the last is added up, should one end meanwhile; then the bounds are those of
# two sketches.
create_table($node, 'Skewed', 0);
change('Skewed', 'ENABLE');
my $size = sql($memory);
cmp_ok($size, '>', 0, 'there is memory');
cmp_ok($size, '<', 3 * 512 * 1024, 'it is bounded');
sql(qq{CREATE TABLE reads AS SELECT n, i % $clients AS client
	FROM (SELECT n, generate_series(1, greatest(1, 20000 / n)) i FROM generate_series(1, $keys) n) x ORDER BY hashint8(n * 100000::bigint + i);
	CREATE VIEW truth AS SELECT 'key ' || n AS key, count(*) AS reads FROM reads GROUP BY n;
	CREATE VIEW counted AS SELECT partition_key, sum(count) AS count, sum(error) AS error FROM dynamo.contributor_insights
		WHERE table_name = 'Skewed' AND rule = 'PKC' GROUP BY 1});
append_to_file("${PostgreSQL::Test::Utils::tmp_check}/insights.sql", q{
	SELECT count(dynamo.get_item(jsonb_build_object('TableName', 'Skewed', 'Key',
		jsonb_build_object('pk', jsonb_build_object('S', 'key ' || n))))) FROM reads WHERE client = :client_id;
});
command_ok([ 'pgbench', '-n', '-c', $clients, '-j', 2, '-t', 1, '-f', "${PostgreSQL::Test::Utils::tmp_check}/insights.sql",
		$node->connstr('postgres') ], "$clients sessions read $keys keys");

my $windows = sql(q{SELECT count(DISTINCT window_start) FROM dynamo.contributor_insights WHERE table_name = 'Skewed'});
my $total = sql('SELECT count(*) FROM reads');
is(sql('SELECT count(*) FROM truth'), $keys, 'as many different keys');
is(sql('SELECT sum(count) FROM counted'), $total, 'nothing was lost between them');
is(sql('SELECT count(*) <= ' . $windows * $counters . ' FROM counted'), 't', 'a fixed number of keys is listed');
is(sql('SELECT count(*) FROM counted LEFT JOIN truth ON key = partition_key WHERE reads IS NULL OR count - error > reads'), '0',
	'no key was read less often than count and error say');
is(sql('SELECT count(*) FROM counted JOIN truth ON key = partition_key WHERE count < reads'), '0', 'or more often')
  if $windows == 1;
is(sql("SELECT max(error) <= ${total}::float8 / $counters FROM dynamo.contributor_insights WHERE table_name = 'Skewed'"), 't',
	'the error is at most its share of the total');
is(sql("SELECT count(*) FROM truth LEFT JOIN counted ON key = partition_key
	WHERE reads > $windows * ${total}::float8 / $counters AND partition_key IS NULL"), '0', 'every key with more than that is listed');
is(sql('SELECT string_agg(partition_key, \' \' ORDER BY count DESC) FROM (SELECT * FROM counted ORDER BY count DESC LIMIT 5) x'),
	'key 1 key 2 key 3 key 4 key 5', 'the five read most come first');
is(sql(q{SELECT max(abs(count - reads) / reads) < 0.05 FROM counted JOIN truth ON key = partition_key WHERE reads >= 5000}), 't',
	'those read most are counted almost exactly');
is(sql(q{SELECT round(sum(share)::numeric, 6) FROM dynamo.contributor_insights WHERE table_name = 'Skewed'}), sprintf('%.6f', $windows),
	'shares add up');
is(sql($memory), $size, 'the memory has not grown');

# ----- more tables than there is room for -----

for my $name (qw(First Second Third))
{
	create_table($node, $name, 0);
	change($name, 'ENABLE');
}
get($_, 'x') for qw(First Second Third Third);
is(listed($_), 'x', "$_ is counted") for qw(First Second);
is(listed('Third'), '', 'there is no room for a third one');
like(slurp_file($node->logfile), qr/WARNING:  Contributor Insights is enabled for more than 3 tables and indexes in use/,
	'the log says so');
is(scalar(() = slurp_file($node->logfile) =~ /WARNING:  Contributor Insights/g), 1, 'once');
is(call($node, 'DescribeContributorInsights', { TableName => 'Third' })->{ContributorInsightsStatus}, 'ENABLED',
	'it is enabled all the same');
change('First', 'DISABLE');
get('Third', 'y');
is(listed('Third'), 'y', 'disabling another makes room');
call($node, 'DeleteTable', { TableName => 'Second' });
change('First', 'ENABLE');
get('First', 'z');
is(listed('First'), 'z', 'and so does deleting one');
sql('CREATE DATABASE other');
create_extension($node, 'other');
create_table($node, 'Other', 0, database => 'other');
call($node, 'DeleteTable', { TableName => 'Third' });
call($node, 'UpdateContributorInsights', { TableName => 'Other', ContributorInsightsAction => 'ENABLE' }, database => 'other');
change('First', 'ENABLE');
call($node, 'GetItem', { TableName => 'Other', Key => { pk => { S => 'o' } } }, database => 'other');
is($node->safe_psql('other', 'SELECT partition_key, count FROM dynamo.contributor_insights'), 'o|1', 'another database has its own');
is(sql(q{SELECT count(*) FROM dynamo.contributor_insights WHERE partition_key = 'o'}), '0', 'which this one does not show');
sql('DROP DATABASE other');
create_table($node, 'Third', 0);
change('Third', 'ENABLE');
get('Third', 'w');
is(listed('Third'), 'w', 'dropping it makes room');

# ----- restarts -----

for my $mode (qw(fast immediate))
{
	my $before = call($node, 'DescribeContributorInsights', { TableName => 'Skewed' });

	$node->stop($mode);
	$node->start;
	is(sql('SELECT count(*) FROM dynamo.contributor_insights'), '0', "$mode shutdown: counts start anew");
	is_deeply(call($node, 'DescribeContributorInsights', { TableName => 'Skewed' }), $before, 'the status stays');
	get('Skewed', "after $mode");
	is(listed('Skewed'), "after $mode", 'and keys are counted');
}

# a process that dies takes the counts with it, and no lock
my $session = open_session($node);
ask($session, 'SET client_min_messages = error');
my $pid = ask($session, 'SELECT pg_backend_pid()');
kill 'KILL', $pid;
$session->{run}->kill_kill;
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM dynamo.contributor_insights');
get('Skewed', 'after kill');
is(listed('Skewed'), 'after kill', 'a crash of one process');

# ----- without room for any -----

$node->append_conf('postgresql.conf', 'dynamo.contributor_insights_max = 0');
$node->restart;
get('Skewed', 'nowhere');
is(sql('SELECT count(*) FROM dynamo.contributor_insights'), '0', 'with a maximum of 0 nothing is counted');
is(call($node, 'DescribeContributorInsights', { TableName => 'Skewed' })->{ContributorInsightsStatus}, 'ENABLED', 'the status stays');
is(change('Skewed', 'DISABLE')->{ContributorInsightsStatus}, 'DISABLING', 'and can be changed');

done_testing();
