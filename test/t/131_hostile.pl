# Clients that are slow, silent, broken, many or malicious: the others are
# served meanwhile, and no worker dies, leaks or keeps anything.

use strict;
use warnings;
use Compress::Zlib qw(memGzip);
use FindBin;
use lib "$FindBin::RealBin/lib";
use IO::Socket::INET;
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use POSIX ();
use PostgreSQL::Test::Utils;
use RawHttp;
use Socket qw(SOL_SOCKET SO_LINGER SHUT_WR);
use Test::More;
use Time::HiRes qw(time sleep);

my $megabyte = 1024 * 1024;
my $json = JSON::PP->new->canonical;
my $http = start_http_node('main', conf => "log_statement = none\nlog_min_error_statement = panic");
my $node = $http->{node};
my $client = RawHttp->new(port => $http->{port}, key_id => $http->{key_id}, secret => $http->{secret});

my $admin = open_session($node);

sub workers
{
	return ask($admin,
		q{SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE backend_type LIKE 'pg_dynamo%'});
}

my $workers = workers();
my $list = { operation => 'ListTables' };

# Seconds until the endpoint answered an ordinary request; undef if it did not.
sub answer_time
{
	my $begin = time;
	my $response = $client->exchange(%$list);

	return $response && $response->{status} == 200 ? time - $begin : undef;
}

# A worker that dies is started again, with another number.
sub stands
{
	my ($what) = @_;
	my @times = map { answer_time() } 1 .. 4;

	ok(@times == grep({ defined $_ && $_ < 5 } @times) && workers() eq $workers, "$what: the workers go on")
	  or diag join ' ', (map { $_ // 'no answer' } @times), "workers $workers, now ", workers();
	return;
}

sub set
{
	my (%settings) = @_;

	$node->append_conf('postgresql.conf', join "\n", map { "dynamo.$_ = $settings{$_}" } sort keys %settings);
	$node->reload;
	sleep 1;
	return;
}

# Open sockets of each worker.
sub sockets
{
	return join ' ', map { scalar grep { (readlink // '') =~ /^socket/ } glob "/proc/$_/fd/*" } split / /, $workers;
}

# Seconds of processor time that the workers have used.
sub cpu_time
{
	my $ticks = 0;

	for my $pid (split / /, $workers)
	{
		my @fields = split / /, slurp_file("/proc/$pid/stat") =~ s/^.*\) //sr;
		$ticks += $fields[11] + $fields[12];
	}
	return $ticks / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub is_quiet
{
	my ($what) = @_;
	my $begin = cpu_time();

	sleep 2;
	my $used = cpu_time() - $begin;
	return cmp_ok($used, '<', 0.5, "$what: the workers sleep");
}

sub call_http
{
	my ($operation, $request) = @_;

	return $client->exchange(operation => $operation, body => $json->encode($request));
}

is(call_http('CreateTable', { TableName => 'Things', BillingMode => 'PAY_PER_REQUEST',
	KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
	AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ] })->{status}, 200, 'a table');
is(call_http('PutItem', { TableName => 'Things', Item => { id => { S => "i$_" }, v => { S => 'x' x 300_000 } } })->{status},
	200, "item $_") for 1 .. 4;
stands('at first');

my $sockets = sockets();

# ---- bytes that are no request ----

my $request = $client->request(%$list);
my $hello = pack 'H*', '16030100a5010000a10303' . '11' x 32 . '20' . '22' x 32
  . '0006130113021303' . '0100' . '0052' . '0000000e000c0000096c6f63616c686f7374' . '00' x 64;
my %bytes = (
	'nothing' => '',
	'TLS' => $hello,
	'zeros' => "\0" x 5000,
	'high bytes' => "\xff" x 5000,
	'blank lines' => "\r\n" x 20_000,
	'line feeds' => "\n" x 20_000,
	'carriage returns' => "\r" x 20_000,
	'a line without end' => 'x' x 200_000,
	'blanks' => ' ' x 50_000,
	'HTTP/0.9' => "GET /\r\n\r\n",
	'HTTP/2 without TLS' => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . "\0" x 100,
	'HTTP/9.9' => "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
	'a version that is none' => "GET / HTTP/x.y\r\nHost: x\r\n\r\n",
	'no version' => "POST / \r\nHost: x\r\n\r\n",
	'only a version' => "HTTP/1.1\r\n\r\n",
	'a response' => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
	'no URI' => "POST  HTTP/1.1\r\nHost: x\r\n\r\n",
	'a method of 10,000 letters' => 'M' x 10_000 . " / HTTP/1.1\r\n\r\n",
	'a URI of 1 MB' => 'GET /' . 'x' x $megabyte . " HTTP/1.1\r\nHost: x\r\n\r\n",
	'a URI with zeros' => "GET /\0\0 HTTP/1.1\r\nHost: x\r\n\r\n",
	'a query of 100,000 parameters' => 'GET /?' . 'a&' x 100_000 . " HTTP/1.1\r\nHost: x\r\n\r\n",
	'percent signs' => 'GET /%%%2%0%zz?%=%&%2 HTTP/1.1' . "\r\nHost: x\r\n\r\n",
	'a path that climbs' => "GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
	'CONNECT' => "CONNECT localhost:22 HTTP/1.1\r\nHost: x\r\n\r\n",
	'a header with zeros' => $request =~ s/X-Amz-Target: /X-Amz-Target: \0\0/r,
	'a header name with zeros' => $request =~ s/X-Amz-Target/X-Amz\0Target/r,
	'a zero in a signed header' => $request =~ s/Host: /Host: \0/r,
	'a header without colon' => $request =~ s/X-Amz-Target: /X-Amz-Target /r,
	'a header without name' => $request =~ s/X-Amz-Target: /: /r,
	'a blank before the colon' => $request =~ s/X-Amz-Target:/X-Amz-Target :/r,
	'a folded header' => $request =~ s/X-Amz-Target: /X-Amz-Target:\r\n  /r,
	'a folded first header' => $request =~ s/\r\nHost: /\r\n Host: /r,
	'line feeds alone' => $request =~ s/\r\n/\n/gr,
	'carriage returns alone' => $request =~ s/\r\n/\r/gr,
	'10,000 headers' => $request =~ s/\r\n/"\r\n" . join '', map { "X-$_: x\r\n" } 1 .. 10_000/er,
	'10,000 headers of one name' => $request =~ s/\r\n/"\r\n" . "X: x\r\n" x 10_000/er,
	'10,000 cookies' => $request =~ s/\r\n/"\r\nCookie: " . join('; ', map { "c$_=1" } 1 .. 10_000) . "\r\n"/er,
	'1,000 Authorization headers' => $request =~ s/\r\n/"\r\n" . "Authorization: AWS4-HMAC-SHA256 x\r\n" x 300/er,
	'a header of 1 MB' => $request =~ s/\r\n/"\r\nX: " . 'x' x $megabyte . "\r\n"/er,
	'an Upgrade' => $request =~ s/\r\n/\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/r,
	'an odd expectation' => $request =~ s/\r\n/\r\nExpect: the-spanish-inquisition\r\n/r,
	'an odd transfer coding' => $request =~ s/Content-Length: 2/Transfer-Encoding: gzip, chunked/r,
	'a huge chunk' => $request =~ s/Content-Length: 2\r\n(.*)\{\}/Transfer-Encoding: chunked\r\n$1ffffffffffffffff\r\n{}/sr,
	'a chunk size without end' => ($request =~ s/Content-Length: 2\r\n(.*)\{\}/Transfer-Encoding: chunked\r\n$1/sr) . '0' x 200_000,
	'a chunk extension without end' => ($request =~ s/Content-Length: 2\r\n(.*)\{\}/Transfer-Encoding: chunked\r\n$1/sr) . '2;' . 'x' x 200_000,
	'trailers without end' => ($request =~ s/Content-Length: 2\r\n(.*)\{\}/Transfer-Encoding: chunked\r\n$1/sr) . "2\r\n{}\r\n0\r\n" . "X: x\r\n" x 50_000,
	'a form' => $request =~ s/application\/x-amz-json-1.0/multipart\/form-data; boundary=x/r,
	'an Authorization of 15,000 bytes' => $client->request(%$list, authorization => 'AWS4-HMAC-SHA256 ' . 'Credential=x,' x 1100),
	'an Authorization of separators' => $client->request(%$list, authorization => 'AWS4-HMAC-SHA256 ' . ', ' x 5000),
	'an Authorization of bytes' => $client->request(%$list, authorization => 'AWS4-HMAC-SHA256 ' . join '', map { chr } 128 .. 255),
	'5,000 signed headers' => $client->request(%$list, authorization =>
		  'AWS4-HMAC-SHA256 Credential=a/20200101/us-east-1/dynamodb/aws4_request, Signature=0, SignedHeaders=host' . ';a' x 5000),
	'a credential of slashes' => $client->request(%$list, authorization =>
		  'AWS4-HMAC-SHA256 Credential=' . '/' x 5000 . ', Signature=0, SignedHeaders=host'),
	'a key id of 5,000 letters' => $client->request(%$list, key_id => 'A' x 5000),
	'a key id with quotes' => $client->request(%$list, key_id => q{';DROP/**/TABLE--}),
	'a key id that is no UTF-8' => $client->request(%$list, key_id => "\xff\xfe\xc0"));
my @hanging;
for my $what (sort keys %bytes)
{
	my $connection = $client->connect;

	$connection->write($bytes{$what});
	my $response = $connection->read(timeout => 0.5);
	my $status = $response ? $response->{status} : 'no answer';
	like($status, qr/^(no answer|[245]\d\d)$/, "$what: $status");
	unlike($status, qr/^500$/, "$what is not the server's fault");
	stands($what);
	push @hanging, $connection;
}
is_quiet('connections with half a request');
@hanging = ();

# ---- one byte of a request changed, or the rest cut off ----

srand 42;
for my $round (1 .. 4)
{
	for (1 .. 50)
	{
		my $bytes = $request;
		my $connection = $client->connect or next;

		substr($bytes, int rand length $bytes, 1) = chr int rand 256 for 1 .. $round;
		substr($bytes, int rand length $bytes) = '' if rand() < 0.2;
		$connection->write($bytes);
		$connection->read(timeout => 0.02);
	}
	stands("changed requests, round $round");
}

# ---- bodies that cost ----

my $item = '{"TableName":"Things","Item":{"id":{"S":"big"},"v":?}}';
my $full = 16 * $megabyte;
my %bodies = (
	'16 MB of [' => '[' x $full,
	'16 MB of {' => '{' x $full,
	'objects in one another' => '{"a":' x 3_000_000,
	'8 MB of [ and of ]' => '{"x":' . '[' x 8_000_000 . ']' x 8_000_000 . '}',
	'lists in one another' => $item =~ s/\?/'{"L":[' x 1_000_000 . ']}' x 1_000_000/er,
	'1,000 lists in one another' => $item =~ s/\?/'{"L":[' x 1000 . ']}' x 1000/er,
	'maps in one another' => $item =~ s/\?/'{"M":{"a":' x 1_000_000 . '{"S":"x"}' . '}}' x 1_000_000/er,
	'a million members' => '{' . join(',', map { "\"m$_\":1" } 1 .. 1_000_000) . '}',
	'a million times one member' => '{' . join(',', ('"TableName":"Things"') x 500_000) . '}',
	'a million elements' => $item =~ s/\?/'{"L":[' . '{"NULL":true},' x 1_000_000 . '{"NULL":true}]}'/er,
	'a set of 2 million' => $item =~ s/\?/'{"SS":[' . join(',', map { "\"$_\"" } 1 .. 1_500_000) . ']}'/er,
	'a number of 16 million digits' => $item =~ s/\?/'{"N":"' . '1' x 16_000_000 . '"}'/er,
	'a JSON number of 16 million digits' => '{"Limit":' . '1' x 16_000_000 . '}',
	'a JSON number out of range' => '{"Limit":1e999999999}',
	'a JSON number with 16 million zeros' => '{"Limit":0.' . '0' x 16_000_000 . '1}',
	'2 million zeros in a string' => $item =~ s/\?/'{"S":"' . '\u0000' x 2_000_000 . '"}'/er,
	'a string without end' => '{"TableName":"' . 'x' x 16_000_000,
	'backslashes' => '{"TableName":"' . '\\\\' x 8_000_000 . '"}',
	'blanks' => ' ' x $full,
	'commas' => '[' . ',' x 16_000_000,
	'parentheses' => '{"TableName":"Things","Item":{"id":{"S":"big"}},"ConditionExpression":"' . '(' x 16_000_000 . '"}',
	'an expression of NOT' => '{"TableName":"Things","Item":{"id":{"S":"big"}},"ConditionExpression":"' . 'NOT ' x 4_000_000 . 'a=b"}',
	'base64 of 16 MB' => $item =~ s/\?/'{"B":"' . 'A' x 16_000_000 . '"}'/er,
	'zeros' => "\0" x $full);
for my $what (sort keys %bodies)
{
	my $begin = time;
	my $response = $client->exchange(operation => 'PutItem', body => $bodies{$what});

	is($response ? $response->{status} : 'no answer', 400, sprintf '%s: refused after %.1f s', $what, time - $begin);
	cmp_ok(time - $begin, '<', 30, "$what: in time");
	stands($what);
}
my $bomb = memGzip("\0" x (10 * $megabyte));
my %bombs = (
	'200 MB of zeros' => memGzip("\0" x (200 * $megabyte)),
	'1,000 members of 10 MB' => $bomb x 1000,
	'1,000,000 empty members' => memGzip('') x 500_000,
	'a bomb of brackets' => memGzip('[' x $full));
for my $what (sort keys %bombs)
{
	my $begin = time;
	my $response = $client->exchange(operation => 'PutItem', body => $bombs{$what}, headers => [ [ 'Content-Encoding', 'gzip' ] ]);

	like($response ? $response->{status} : 'no answer', qr/^(400|500)$/, sprintf '%s: refused after %.1f s', $what, time - $begin);
	cmp_ok(time - $begin, '<', 15, "$what: in time");
	stands($what);
}
is($client->exchange(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"big"}}}')->{body}, '{}',
	'nothing of them is stored');

# ---- memory goes back ----

SKIP:
{
	skip '/proc is not there', 1 unless -e '/proc/self/status';
	my @kilobytes = map { slurp_file("/proc/$_/status") =~ /^RssAnon:\s+(\d+)/m } split / /, $workers;

	ok(!grep({ $_ > 200 * 1024 } @kilobytes), "memory of the workers: @kilobytes KB");
}

# ---- clients that vanish ----

sub vanish
{
	my ($connection) = @_;

	setsockopt $connection->{socket}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
	$connection->close;
	return;
}

for my $length (0, 1, 100, length($request) - 1, length $request)
{
	for (1 .. 50)
	{
		my $connection = $client->connect;

		$connection->write(substr $request, 0, $length);
		vanish($connection);
	}
	stands("50 clients that vanish after $length bytes");
}
{
	my $session = open_session($node);
	my @clients;

	ask($session, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'i1' FOR UPDATE});
	for (1 .. 30)
	{
		my $connection = $client->connect;

		$connection->write($client->request(operation => 'UpdateItem',
			body => '{"TableName":"Things","Key":{"id":{"S":"i1"}},"UpdateExpression":"ADD n :n","ExpressionAttributeValues":{":n":{"N":"1"}}}'));
		push @clients, $connection;
	}
	sleep 0.5;
	stands('30 requests that wait for a lock');
	vanish($_) for @clients;
	stands('they vanish');
	ask($session, 'COMMIT');
	$session->quit;
	is(call_http('PutItem', { TableName => 'Things', Item => { id => { S => 'i1' }, v => { S => 'x' x 300_000 } } })->{status},
		200, 'the item can be written');
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE backend_type LIKE 'pg_dynamo%' AND locktype <> 'virtualxid'}), 'no lock is left');
}

# ---- half a connection ----

{
	my $connection = $client->connect;

	$connection->write($request);
	shutdown $connection->{socket}, SHUT_WR;
	my $response = $connection->read(timeout => 5);
	is($response ? $response->{status} : 'no answer', 200, 'a client that has ended its side gets its answer');
	ok($connection->is_closed, 'and then the connection ends');
	stands('half a connection');
}

# ---- clients that do not read ----

my $scan = $client->request(operation => 'Scan', body => '{"TableName":"Things"}');
my $size = length $client->exchange(operation => 'Scan', body => '{"TableName":"Things"}')->{body};
cmp_ok($size, '>', $megabyte, "a response of $size bytes");
{
	my @silent = map { $client->connect } 1 .. 8;

	$_->write($scan x 20) for @silent;
	sleep 0.5;
	is_quiet('160 large responses that nobody reads');
	stands('160 large responses that nobody reads');
	for my $connection (@silent)
	{
		my $complete = grep { my $r = $connection->read(timeout => 20); $r && length $r->{body} == $size } 1 .. 20;
		is($complete, 20, 'they are complete when they are read at last');
	}
}

# ---- many connections ----

my ($limit) = `sh -c 'ulimit -n'` =~ /(\d+)/ ? $1 : 1_000_000;
my $many = $limit > 1200 ? 1000 : $limit - 200;
{
	my @idle = grep { defined } map { $client->connect } 1 .. $many;
	is(@idle, $many, "$many idle connections");

	is_quiet("$many idle connections");
	my @times = map { answer_time() } 1 .. 20;
	is(scalar(grep { defined && $_ < 1 } @times), 20, 'others are answered at once');
	my @halves = splice @idle, 0, int $many / 2;
	$_->write(substr $request, 0, 20) for @halves;
	@times = map { answer_time() } 1 .. 20;
	is(scalar(grep { defined && $_ < 1 } @times), 20, 'and beside requests that have only begun');
	$_->write($request) for @idle;
	is(scalar(grep { my $r = $_->read(timeout => 30); $r && $r->{status} == 200 } @idle), scalar @idle,
		'all of them are answered in the end');
	$_->write(substr $request, 20) for @halves;
	is(scalar(grep { my $r = $_->read(timeout => 30); $r && $r->{status} == 200 } @halves), scalar @halves,
		'those that had begun, too');
	stands("$many connections");
}
stands("$many connections that are closed");

# Until the workers have noticed which connections are gone.
sub settle
{
	for (1 .. 100)
	{
		last if (grep { defined } map { answer_time() } 1 .. 8) == 8;
		sleep 0.1;
	}
	return;
}

set(worker_connections => 10);
settle();
{
	my (%count, @held);

	for (1 .. 80)
	{
		my $connection = $client->connect or next;

		push @held, $connection;
		$connection->write($request);
		my $response = $connection->read(timeout => 10);
		$count{ $response ? $response->{status} : 'silence' }++;
	}
	is($count{silence}, undef, 'more connections than allowed: no silence');
	cmp_ok($count{503} // 0, '>=', 60, "503 for those beyond the limit");
	cmp_ok($count{200} // 0, '>=', 10, 'the others are served');
	is(join(' ', sort keys %count), '200 503', 'nothing else is answered');
	$held[0]->write($request);
	my $response = $held[0]->read;
	is($response && $response->{status}, 200, 'and stay connected');
}
settle();
stands('a full server');
set(worker_connections => 1000);

# ---- slow clients ----

# All of them at a time: what it is, bytes to begin with, bytes to go on with.
sub end_in_time
{
	my ($client, @cases) = @_;
	@cases = map { { what => $_->[0], piece => $_->[2], connection => $client->connect, first => $_->[1] } } @cases;
	my $begin = time;

	$_->{connection}->write($_->{first}) for @cases;
	while (time - $begin < 15 && grep { !$_->{seconds} } @cases)
	{
		sleep 0.2;
		for my $case (grep { !$_->{seconds} } @cases)
		{
			my $connection = $case->{connection};
			my $alive = !defined $case->{piece} || $connection->write($case->{piece});

			$connection->read(timeout => 0.01);
			$case->{seconds} = time - $begin if !$alive || $connection->is_closed(0.01);
		}
	}
	for my $case (@cases)
	{
		my $seconds = $case->{seconds} // 99;

		ok($seconds > 1 && $seconds < 8, sprintf '%s: closed after %.1f s', $case->{what}, $seconds);
	}
	return;
}

set(idle_timeout => '2s', request_timeout => '3s');
end_in_time($client,
	[ 'an idle connection', '' ],
	[ 'idle after a request', $request ],
	[ 'a head that stops', "POST / HTTP/1.1\r\n" ],
	[ 'a head that trickles', "POST / HTTP/1.1\r\n", "X: x\r\n" ],
	[ 'a header that trickles', "POST / HTTP/1.1\r\nX: ", 'x' ],
	[ 'a request line that trickles', '', 'x' ],
	[ 'empty lines that trickle', '', "\r\n" ],
	[ 'a TLS hello', $hello ],
	[ 'a body shorter than its length', $client->request(%$list, length => 1000) ],
	[ 'a body that trickles', $client->request(%$list, length => 1000), 'x' ],
	[ 'chunks that trickle', $client->request(%$list, chunks => ['{}']) =~ s/0\r\n\r\n\z//r, "1\r\n \r\n" ],
	[ 'a chunk size that trickles', $client->request(%$list, chunks => ['{}']) =~ s/0\r\n\r\n\z//r, '0' ],
	[ 'a second request that trickles', $request . substr($request, 0, 30), '' ]);
{
	stands('slow clients');

	my @silent = map { $client->connect } 1 .. 4;
	$_->write($scan x 20) for @silent;
	sleep 8;
	my @received = map { my $n = 0; $n++ while $_->read(timeout => 2); $n } @silent;
	ok(!grep({ $_ >= 20 } @received), "clients that never read are given up: @received of 20 responses");

	my $connection = $client->connect;
	for (1 .. 5)
	{
		$connection->write($request);
		my $response = $connection->read;
		is($response && $response->{status}, 200, 'a connection in use stays open');
		sleep 1 unless $_ == 5;
	}
	stands('slow readers');
}

# ---- a request that waits for a lock is not slow ----

{
	my $session = open_session($node);
	my $connection = $client->connect;

	ask($session, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'i2' FOR UPDATE});
	$connection->write($client->request(operation => 'DeleteItem', body => '{"TableName":"Things","Key":{"id":{"S":"i2"}}}'));
	is($connection->read(timeout => 5), undef, 'a request waits longer than clients may');
	ask($session, 'COMMIT');
	my $response = $connection->read;
	is($response && $response->{status}, 200, 'and is answered');
	$session->quit;
}

# ---- afterwards ----

sleep 3;
is(sockets(), $sockets, 'no socket of a worker is left open');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_dynamo%' AND xact_start IS NOT NULL}),
	'0', 'no transaction is open');
ok(slurp_file($node->logfile) !~ /terminated by signal|PANIC|FATAL|TRAP|exit code/, 'the log tells of no death');
$admin->quit;

# the end does not wait for clients
my @open = map { $client->connect } 1 .. 20;
for my $n (0 .. $#open)
{
	$open[$n]->write(substr $request, 0, $n * 10) if $n % 2;
}
my $begin = time;
$node->stop;
cmp_ok(time - $begin, '<', 10, 'the server stops in time');
ok(!grep({ !$_->is_closed(1) } @open), 'and every connection with it');
ok(slurp_file($node->logfile) !~ /terminated by signal|PANIC|TRAP/, 'and none at the end');

# ---- the same at a port with TLS ----

my $https = start_http_node('tls', tls => 1, conf => "dynamo.idle_timeout = 2s\ndynamo.request_timeout = 3s");
end_in_time(RawHttp->new(port => $https->{port}),
	[ 'TLS: nothing', '' ],
	[ 'TLS: half a hello', substr $hello, 0, 50 ],
	[ 'TLS: a hello that trickles', substr($hello, 0, 20), "\x11" ]);
for my $what ('plain HTTP', 'zeros', 'high bytes')
{
	my $connection = RawHttp->new(port => $https->{port})->connect;

	$connection->write($bytes{$what} // $request);
	ok($connection->is_closed(6) || length $connection->{buffer}, "TLS: $what is refused");
	is((http_get($https, '/'))[0], 200, "TLS: $what: others are served");
}
$https->{node}->stop;
ok(slurp_file($https->{node}->logfile) !~ /terminated by signal|PANIC|TRAP/, 'TLS: nothing crashed');
done_testing();
