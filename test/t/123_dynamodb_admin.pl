# dynamodb-admin in a browser: a table and an item made in its forms are found
# in its lists.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use Test::More;

my ($dir, $node) = install_clients();

# dynamodb-admin listens on a port of ours.
sub start_admin
{
	my ($server, %more) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $log = '';
	local %ENV = client_environment($server, %more, DYNAMO_ENDPOINT => $server->{endpoint});
	my $run = IPC::Run::start(
		[ $node, "$dir/node_modules/dynamodb-admin/dist/dynamodb-admin.js",
			'--host', '127.0.0.1', '--port', $port ],
		'<', \undef, '>&', \$log);

	return { run => $run, log => \$log, address => "http://127.0.0.1:$port" };
}

# It is told the endpoint and, for lack of a token of ours, that there is none:
# otherwise it makes one up.
my $server = start_http_node('main');
my $admin = start_admin($server, AWS_SESSION_TOKEN => '');

run_client($server, [ $node, "$dir/browser.mjs" ], environment => { ADMIN => $admin->{address} });
$admin->{run}->kill_kill;
diag(${ $admin->{log} }) unless Test::More->builder->is_passing;
is($server->{node}->safe_psql('postgres', q{SELECT item #>> '{title,S}' FROM dynamo_tables."Books" WHERE pk = 'b1' AND sk = 2}),
	'Another book', 'what the browser saved is in the database');
$server->{node}->stop;

# where nobody signs, it is told nothing but the endpoint
$server = start_http_node('open', auth => 'none');
$admin = start_admin($server, AWS_ACCESS_KEY_ID => undef, AWS_SECRET_ACCESS_KEY => undef);
run_client($server, [ $node, "$dir/browser.mjs" ], environment => { ADMIN => $admin->{address} });
$admin->{run}->kill_kill;
$server->{node}->stop;

done_testing();
