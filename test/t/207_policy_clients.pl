# The operations of policies, Contributor Insights, limits and auto scaling
# through the SDKs of Python and JavaScript and the AWS command line.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my ($dir, $javascript) = install_clients();
my $server = start_http_node('main');
my $node = $server->{node};
my %environment = (environment => { AWS_DATA_PATH => clients_dir() . '/models' });

run_client($server, [ '/usr/bin/python3', clients_dir() . '/policies.py' ], %environment);
run_client($server, [ $javascript, "$dir/policies.mjs" ]);
run_client($server, [ 'bash', clients_dir() . '/awscli.sh', 'policies' ], %environment);
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamo_tables'::regnamespace)
	+ (SELECT count(*) FROM dynamo.resource_policy)}), 0, 'nothing is left of the tables and their policies');
$node->stop;
done_testing();
