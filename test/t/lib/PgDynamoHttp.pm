# A server with the HTTP endpoint, and clients that call it.
#
#	use FindBin;
#	use lib "$FindBin::RealBin/lib";
#	use PgDynamoHttp;
#
#	my $server = start_http_node('main', auth => 'sigv4');
#	my ($status, $body) = http_get($server, '/health/ready');
#	run_client($server, [ '/usr/bin/python3', 'clients.py' ], lock => sub { ... });
#
# A client reports on its standard output, a line at a time:
#
#	ok NAME				a test passed
#	not ok NAME			a test failed; its standard error says why
#	at EVENT			it waits for a line on its standard input
#	during EVENT		it goes on
#	end					it got to its end

package PgDynamoHttp;

use strict;
use warnings;
use Exporter 'import';
use File::Basename qw(basename);
use HTTP::Tiny;
use IPC::Run;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(start_http_node wait_until_ready http_get client_environment
  run_client lock_item terminate_workers install_clients clients_dir);

my $seconds = $PostgreSQL::Test::Utils::timeout_default;
my @running;				# clients that must not outlive the test

# Does the server answer that it is ready?
sub is_ready
{
	my ($server) = @_;
	my ($status) = http_get($server, '/health/ready');

	return $status == 200;
}

sub wait_until_ready
{
	my ($server) = @_;
	my $deadline = time + $seconds;

	until (is_ready($server))
	{
		die "the endpoint $server->{endpoint} is not ready" if time > $deadline;
		sleep 0.05;
	}
	return $server;
}

# A certificate for 127.0.0.1 that is its own authority.
sub make_certificate
{
	my ($name) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/$name";

	system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
		'-days', '2', '-subj', '/CN=127.0.0.1',
		'-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$file.key", '-out', "$file.crt");
	chmod 0600, "$file.key";
	return ("$file.crt", "$file.key");
}

# The role that requests run as, and an access key for it.
sub create_app
{
	my ($node) = @_;
	my $row = $node->safe_psql('postgres', q{
		CREATE ROLE app LOGIN;
		GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO app;
		SELECT * FROM dynamo.create_access_key('app')});

	return (split /\|/, $row)[0, 1];
}

# A running server that answers HTTP on a port of its own, with a role "app"
# that may create tables and an access key for it.  Options: auth, sigv4 or
# none; tls, true for HTTPS; workers; conf, lines for postgresql.conf.
#
# Returns node, port, endpoint, key_id, secret, and ca, the file that vouches
# for the server's certificate.
sub start_http_node
{
	my ($name, %option) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $scheme = $option{tls} ? 'https' : 'http';
	my %server = (port => $port, endpoint => "$scheme://127.0.0.1:$port");
	my %conf = (
		http_workers => $option{workers} // 2,
		port => $port,
		listen_addresses => "'127.0.0.1'",
		database => "'postgres'",
		auth => $option{auth} // 'sigv4');

	if ($option{tls})
	{
		my ($crt, $key) = make_certificate($name);

		@conf{qw(tls_cert_file tls_key_file)} = ("'$crt'", "'$key'");
		$server{ca} = $crt;
	}
	my $lines = join "\n", map { "dynamo.$_ = $conf{$_}" } sort keys %conf;

	$server{node} = start_node($name, conf => "$lines\n" . ($option{conf} // ''));
	@server{qw(key_id secret)} = create_app($server{node});
	return wait_until_ready(\%server);
}

# Perl alone has no TLS.
sub https_get
{
	my ($server, $path) = @_;
	my $request = "GET $path HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'openssl', 's_client', '-quiet', '-verify_return_error', '-CAfile', $server->{ca},
			'-connect', "127.0.0.1:$server->{port}" ], '<', \$request, '>', \$out, '2>', \$err);
	return $out =~ m{^HTTP/1\.1 (\d+) .*?\r\n\r\n(.*)}s ? ($1, $2) : (0, $err);
}

# Status and body that GET brings; status 0 or 599 if there is no answer.
sub http_get
{
	my ($server, $path) = @_;

	return https_get($server, $path) if $server->{ca};
	my $response = HTTP::Tiny->new(timeout => $seconds)->get("$server->{endpoint}$path");
	return @$response{qw(status content)};
}

# What a client finds in its environment: the endpoint, a key, and nothing of
# the caller's own set-up.  Further variables may be undef: not set.
sub client_environment
{
	my ($server, %more) = @_;
	my %env = %ENV;

	delete @env{ grep { /^AWS_|_proxy$/i } keys %env };
	%env = (
		%env,
		ENDPOINT => $server->{endpoint},
		AWS_ACCESS_KEY_ID => $server->{key_id},
		AWS_SECRET_ACCESS_KEY => $server->{secret},
		AWS_REGION => 'us-east-1',
		AWS_DEFAULT_REGION => 'us-east-1',
		AWS_CONFIG_FILE => '/dev/null',
		AWS_SHARED_CREDENTIALS_FILE => '/dev/null',
		AWS_EC2_METADATA_DISABLED => 'true',
		AWS_PAGER => '',
		MOVIES => "$FindBin::RealBin/../data/movies.jsonl",
		PYTHONUNBUFFERED => 1,
		%more);
	return map { $_ => $env{$_} } grep { defined $env{$_} } keys %env;
}

# Deal with one line of a client; true if it was the last.
sub heed
{
	my ($line, $in, $events) = @_;

	return 1 if $line eq 'end';
	if ($line =~ /^(not )?ok (.*)/)
	{
		ok(!$1, $2);
	}
	elsif ($line =~ /^(at|during) (\w+)/)
	{
		($events->{$2} // die "a client announces $2")->();
		$$in .= "\n" if $1 eq 'at';
	}
	else
	{
		diag($line);
	}
	return 0;
}

# Run a client; its tests are ours.  Events are code by name; "environment" is
# a hash of further variables.
sub run_client
{
	my ($server, $command, %events) = @_;
	my ($in, $out, $ended) = ('', '', 0);
	local %ENV = client_environment($server, %{ delete $events{environment} // {} });
	my $run = IPC::Run::start($command, '<', \$in, '>', \$out, '2>', sub { note($_[0]) });

	push @running, $run;
	while ($run->pumpable)
	{
		$run->pump;
		$ended = heed($1, \$in, \%events) while $out =~ s/^(.*)\n//;
	}
	$run->finish;
	my $status = $?;
	@running = grep { $_ != $run } @running;
	$_->finish for @{ delete $server->{sessions} // [] };
	ok($status == 0 && $ended, basename($command->[1]) . ' came to its end') or diag("status $status");
	return;
}

# Another session holds the row lock of an item for some seconds from now.
# "row" is a condition on the columns of the table.
sub lock_item
{
	my ($server, $table, $row, $time) = @_;
	my $node = $server->{node};
	my $err = '';
	my $run = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'BEGIN',
			'-c', "SELECT FROM dynamo_tables.\"$table\" WHERE $row FOR UPDATE",
			'-c', "SELECT pg_sleep($time)", '-c', 'COMMIT' ],
		'<', \undef, '>', \my $out, '2>', \$err);

	$node->poll_query_until('postgres',
		"SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
	  or die "the lock was not taken: $err";
	push @{ $server->{sessions} }, $run;
	return;
}

# End one of the endpoint's two processes, as the administrator can, some times;
# returns how many.
sub terminate_workers
{
	my ($server, $times) = @_;
	my $node = $server->{node};
	my $workers = "FROM pg_stat_activity WHERE backend_type = 'pg_dynamo http worker'";
	my $count = 0;

	for (1 .. $times)
	{
		$node->poll_query_until('postgres', "SELECT count(*) = 2 $workers")
		  or die 'a worker did not come back';
		sleep 0.3;
		$count += $node->safe_psql('postgres', "SELECT count(pg_terminate_backend(pid))
			FROM (SELECT pid $workers ORDER BY backend_start LIMIT 1) w");
	}
	return $count;
}

sub clients_dir { return "$FindBin::RealBin/../clients" }

# The npm packages; returns their directory and the node to run them with.
sub install_clients
{
	my $dir = "${PostgreSQL::Test::Utils::tmp_check}/clients";
	my ($out, $err) = ('', '');

	IPC::Run::run([ clients_dir() . '/install', $dir ], '>', \$out, '2>', \$err)
	  or BAIL_OUT("the npm packages could not be installed: $err");
	chomp $out;
	return ($dir, $out);
}

END
{
	my $status = $?;

	$_->kill_kill for @running;
	$? = $status;
}

1;
