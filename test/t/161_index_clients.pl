# Python's SDK and secondary indexes, over the HTTP endpoint.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my $server = start_http_node('main', conf => "max_worker_processes = 16");
my $node = $server->{node};

run_client($server, [ '/usr/bin/python3', clients_dir() . '/indexes.py' ]);
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class c WHERE relnamespace = 'dynamo_tables'::regnamespace}),
	'0', 'nothing is left of the tables and their indexes');
$node->stop;

done_testing();
