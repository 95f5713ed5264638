# The Streams API with real clients: Python's and JavaScript's, through shards
# that roll.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my ($dir, $node) = install_clients();
my $server = start_http_node('main',
	conf => "dynamo.stream_shards = 3\ndynamo.stream_shard_period = 2s\nmax_worker_processes = 16");

run_client($server, [ '/usr/bin/python3', clients_dir() . '/streams.py', 'api' ]);
run_client($server, [ $node, "$dir/streams.mjs" ]);
$server->{node}->stop;

done_testing();
