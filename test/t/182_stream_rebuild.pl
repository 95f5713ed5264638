# Each change once: a table is written by HTTP and SQL, in transactions, some
# of which fail, while the server and the worker that reads the log are killed;
# then the table that its stream makes is the same.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my $server = start_http_node('main',
	conf => "dynamo.stream_shards = 3\ndynamo.stream_shard_period = 3s\nmax_worker_processes = 16\n"
	  . "restart_after_crash = on\nlogical_decoding_work_mem = '64kB'");
my $node = $server->{node};

sub kill_worker
{
	my $pid = $node->safe_psql('postgres', 'SELECT pid FROM dynamo.stat_streams');

	kill 'KILL', $pid if $pid;
	$node->poll_query_until('postgres', "SELECT slot_state = 'active' FROM dynamo.stat_streams")
	  or die 'the worker does not come back';
	wait_until_ready($server);
	return;
}

sub kill_server
{
	$node->stop('immediate');
	$node->start;
	wait_until_ready($server);
	return;
}

run_client($server, [ '/usr/bin/python3', clients_dir() . '/streams.py', 'rebuild' ],
	worker => \&kill_worker,
	server => \&kill_server,
	environment => { PGHOST => $node->host, PGPORT => $node->port, PGUSER => scalar getpwuid $< });
is($node->safe_psql('postgres', 'SELECT gaps FROM dynamo.stat_streams'), '0', 'nothing was lost');
$node->stop;

done_testing();
