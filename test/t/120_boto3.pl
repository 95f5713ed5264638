# Python's SDK against the HTTP endpoint.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Test::More;

my @client = ('/usr/bin/python3', clients_dir() . '/clients.py');

my $server = start_http_node('main', conf => 'dynamo.lock_timeout = 300ms');
my $terminated = 0;

run_client($server, [ @client, 'all' ],
	lock => sub { lock_item($server, 'Retry', "pk = 'a'", 2) },
	terminate => sub { $terminated = terminate_workers($server, 3) },
	restart => sub { $server->{node}->restart('fast') });
is($terminated, 3, 'workers were ended under way');
$server->{node}->stop;

$server = start_http_node('tls', tls => 1);
run_client($server, [ @client, 'short' ], environment => { CA => $server->{ca} });
$server->{node}->stop;

$server = start_http_node('open', auth => 'none');
run_client($server, [ @client, 'short' ],
	environment => { AWS_ACCESS_KEY_ID => 'anybody', AWS_SECRET_ACCESS_KEY => 'anything' });
$server->{node}->stop;

done_testing();
