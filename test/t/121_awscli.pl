# The AWS command line against the HTTP endpoint.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my @client = ('bash', clients_dir() . '/awscli.sh');

my $server = start_http_node('main', conf => 'dynamo.lock_timeout = 300ms');
run_client($server, [ @client, 'all' ],
	lock => sub { lock_item($server, 'Music', "pk = 'a'", 2) });
$server->{node}->stop;

$server = start_http_node('tls', tls => 1);
run_client($server, [ @client, 'short' ], environment => { AWS_CA_BUNDLE => $server->{ca} });
$server->{node}->stop;

done_testing();
