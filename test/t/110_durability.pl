# What the endpoint acknowledged, and what it let a client read, survives a
# power failure, and the loss of the server where a standby is synchronous.
#
# A kill alone would show little, since the system still writes what was not
# synced; so the servers run with a shim that forgets that (see
# test/durability/walshim.c).  First the test shows that it can fail.
#
# KILLS sets the number of kills under load, STANDBY_ROUNDS that of failovers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Durability;
use PgDynamo;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $kills = $ENV{KILLS} || 100;
my $failovers = $ENV{STANDBY_ROUNDS} || 5;
my ($acknowledged, $read, $forgotten) = (0, 0, 0);
my $tries = 0;

# Additions of an SQL session that does not wait for its commits: clients of
# the endpoint may read them, but not before they are durable.
sub start_sql_writer
{
	my ($node) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/sql_writer.sql";

	unlink $file;
	append_to_file($file, <<'END');
SET synchronous_commit = off;
SELECT dynamo.execute('UpdateItem', '{"TableName": "Durable", "Key": {"pk": {"S": "sql"}, "sk": {"S": "c0"}}, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}');
\sleep 1 ms
END
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	exec 'pgbench', '-n', '-T', 600, '-h', $node->host, '-p', $node->port, '-f', $file, 'postgres'
	  or POSIX::_exit(1);
}

# Load for a moment, then the kill.  $kill does it and returns how many bytes
# are forgotten; $during, if any, is called while the load runs.
sub crash_under_load
{
	my ($node, $load, $round, $port, %do) = @_;
	my $title = $do{title};
	my $writer;

	ask_load($load, 'begin', $round, $port);
	$writer = start_sql_writer($node);
	select undef, undef, undef, 0.1 + rand 0.25;
	$do{during}->() if $do{during};
	is(ask_load($load, 'expect'), 'early 0 ', "$title: no connection broke before");
	$forgotten += $do{kill}->();
	waitpid $writer, 0;
	my ($acks, $reads, $unexpected) = ask_load($load, 'end') =~ /^ended (\d+) (\d+) (.*)/;
	is($unexpected, '0 ', "$title: no unexpected answer");
	$acknowledged += $acks;
	$read += $reads;
	return;
}

# Everything that was promised is there; the name of the test is $title.
sub verify
{
	my ($load, $port, $title) = @_;
	my @answer = ask_all($load, 'verify', $port);
	my $losses = @answer - 1;

	splice @answer, 10;
	is($losses, 0, "$title: nothing that was reported is lost") or diag join "\n", @answer;
	return;
}

# One hundred commits of SQL, a kill, with or without what was not synced
# forgotten, and how many of them are there afterwards.
sub rows_after_kill
{
	my ($node, $setting, $forget) = @_;
	my $mark = $tries++;

	$node->safe_psql('postgres', "SET synchronous_commit = $setting;"
		. "INSERT INTO numbers VALUES ($mark);" x 100);
	kill_server($node, $forget);
	start_shimmed($node);
	return $node->safe_psql('postgres', "SELECT count(*) FROM numbers WHERE n = $mark");
}

sub configure
{
	my ($node, %setting) = @_;

	for my $name (sort keys %setting)
	{
		$node->adjust_conf('postgresql.conf', $name, undef);
		$node->append_conf('postgresql.conf', "$name = $setting{$name}");
	}
	return;
}

# What the tests do to a server, it does not notice itself.
sub stop_quietly
{
	my ($node) = @_;

	$node->stop;
	unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP|walshim:|before the log was (durable|flushed)/,
		$node->name . ': no process failed');
	return;
}

sub start_endpoint_node
{
	my ($name, $port) = @_;
	my $node = shimmed_node($name, conf => endpoint_conf($port));

	start_shimmed($node);
	create_extension($node);
	return $node;
}

# ---- the shim forgets what was not synced, and only that ----

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = start_endpoint_node('careless', $port);
my $load = start_load();

ask_load($load, 'setup', $port);
$node->safe_psql('postgres', 'CREATE TABLE numbers (n integer)');
is(rows_after_kill($node, 'on', 1), 100, 'the shim keeps commits that were synced');
is(rows_after_kill($node, 'off', 1), 0, 'it forgets commits that were not');

# nothing may be written ahead of a log that will be forgotten, hence clean
# starts, which make no checkpoint
configure($node, fsync => 'off', bgwriter_lru_maxpages => 0);
restart_shimmed($node);
is(rows_after_kill($node, 'on', 0), 100, 'a kill alone does not tell that nothing is synced');
restart_shimmed($node);
is(rows_after_kill($node, 'on', 1), 0, 'the shim does');

# ---- and the client notices ----

restart_shimmed($node);
crash_under_load($node, $load, 0, $port, title => 'without fsync',
	kill => sub { kill_server($node, 1) });
start_shimmed($node);
my @answer = ask_all($load, 'verify', $port);
for my $what ('counter', 'item')
{
	cmp_ok(scalar(grep { /^lost $what/ } @answer), '>', 0, "without fsync the client misses a $what");
}
is(stop_load($load), 0, 'the client ends');
$node->stop('immediate');
($acknowledged, $read, $forgotten) = (0, 0, 0);

# ---- kills under load ----

my @delays = (0, 1000, 2000, 4000);		# microseconds
$node = start_endpoint_node('main', $port);
$load = start_load();
ask_load($load, 'setup', $port);
for my $round (1 .. $kills)
{
	my $title = "kill $round";

	crash_under_load($node, $load, $round, $port, title => $title,
		during => $round % 5 == 3 ? sub { $node->safe_psql('postgres', 'CHECKPOINT') } : undef,
		kill => sub { kill_server($node, 1) });
	configure($node, 'dynamo.group_commit' => $round % 4 == 3 ? 'off' : 'on');
	start_shimmed($node, $delays[$round % @delays]);
	verify($load, $port, $title);
}
note "$kills kills: $acknowledged writes acknowledged, $read reads, $forgotten bytes of the log forgotten";
cmp_ok($acknowledged, '>', 20 * $kills, 'there were writes');
cmp_ok($read, '>', 20 * $kills, 'there were reads');
cmp_ok($forgotten, '>', 0, 'there was something to forget');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo_tables."Durable" WHERE NOT dynamo.item_is_valid(item)'),
	'0', 'all items are valid');
is(stop_load($load), 0, 'the client ends');
stop_quietly($node);

# ---- a synchronous standby ----

sub set_synchronous
{
	my ($node, $names) = @_;

	configure($node, synchronous_standby_names => "'$names'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('synchronous_standby_names') = '$names'");
	return;
}

# A standby of this node that it waits for.
sub add_standby
{
	my ($primary, $name, $port) = @_;
	my $standby = PostgreSQL::Test::Cluster->new($name);

	$primary->backup($name, backup_options => [ '--checkpoint=fast' ]);
	$standby->init_from_backup($primary, $name, has_streaming => 1);
	configure($standby, 'dynamo.port' => $port, synchronous_standby_names => "''");
	start_shimmed($standby, 1000);
	set_synchronous($primary, '*');
	await_synchronous($primary);
	return $standby;
}

sub await_synchronous
{
	my ($primary) = @_;

	$primary->poll_query_until('postgres',
		"SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'")
	  or die 'the standby does not come';
	return;
}

# The standby goes first; what the primary does without it must not count.
sub lose_both
{
	my ($primary, $standby) = @_;
	my $forgotten = kill_server($standby, 1);

	select undef, undef, undef, 0.05;
	kill_server($primary);
	return $forgotten;
}

my @ports = map { PostgreSQL::Test::Cluster::get_free_port() } 0, 1;
my $primary = start_endpoint_node('primary', $ports[0]);
my $standby;

$load = start_load();
ask_load($load, 'setup', $ports[0]);
for my $round (1 .. $failovers)
{
	my $title = "failover $round";

	$standby = add_standby($primary, "standby$round", $ports[ $round % 2 ]);
	crash_under_load($primary, $load, $round, $ports[ ($round - 1) % 2 ], title => $title,
		kill => sub { return lose_both($primary, $standby) });
	start_shimmed($standby);
	$standby->promote;
	verify($load, $ports[ $round % 2 ], $title);
	$primary = $standby;
}

# without its standby the primary acknowledges nothing
$port = $ports[ $failovers % 2 ];
$standby = add_standby($primary, 'last', $ports[ ($failovers + 1) % 2 ]);
like(ask_load($load, 'put', $port, 30, 'before'), qr/^200 /, 'a write is acknowledged when the standby has it');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
like(ask_load($load, 'get', $ports[ ($failovers + 1) % 2 ], 30, 'before'), qr/^200 .*before/, 'and the standby tells of it');
$standby->stop;
like(ask_load($load, 'put', $port, 1, 'without'), qr/^none: timeout/, 'without the standby it is not acknowledged');
is(ask_load($load, 'health', $port, 30), '200', 'the endpoint is healthy meanwhile');
unlike(ask_load($load, 'get', $port, 1, 'without'), qr/^200 .*without/, 'and does not tell of the write');

my $waiting = start_load();
ask_later($waiting, 'put', $port, 100, 'waiting');
select undef, undef, undef, 0.5;
start_shimmed($standby);
like(hear($waiting), qr/^200 /, 'a write that waited is acknowledged when the standby is back');
like(ask_load($load, 'get', $port, 30, 'without'), qr/^200 .*without/, 'the earlier one is there too');
kill_server($primary);
kill_server($standby, 1);
start_shimmed($standby);
$standby->promote;
like(ask_load($load, 'get', $ports[ ($failovers + 1) % 2 ], 30, 'waiting'), qr/^200 .*waiting/, 'and survives the primary');

is(stop_load($_), 0, 'the client ends') for $load, $waiting;
stop_quietly($standby);
done_testing();
