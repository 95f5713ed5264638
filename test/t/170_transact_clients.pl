# Batches, transactions, PartiQL and the legacy parameters through the SDKs of
# Python and JavaScript, and a bank whose total never changes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my ($dir, $javascript) = install_clients();
my @clients = ([ '/usr/bin/python3', clients_dir() . '/transact.py' ], [ $javascript, "$dir/transact.mjs" ]);
my $server = start_http_node('main', conf => 'dynamo.lock_timeout = 300ms');
my $node = $server->{node};

for my $client (@clients)
{
	for my $part (split / /, $ENV{PARTS} || 'batches legacy transactions bank statements')
	{
		note "$client->[1] $part";
		run_client($server, [ @$client, $part ],
			lock => sub { lock_item($server, 'Retry', "pk = 'a'", 2) });
	}
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamo_tables'::regnamespace}),
	'0', 'nothing is left of the tables');
$node->stop;
done_testing();
