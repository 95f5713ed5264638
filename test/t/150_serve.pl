# What "make serve" prints works when it is pasted, and Ctrl-C ends it.

use strict;
use warnings;
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $script = "$FindBin::RealBin/../serve";
my $data = "$PostgreSQL::Test::Utils::tmp_check/serve";
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $pgport = PostgreSQL::Test::Cluster::get_free_port();
my @given = (AWS_ACCESS_KEY_ID => 'AKIAGIVEN', AWS_SECRET_ACCESS_KEY => q{it's/a+"secret"\\});

# The environment of a new terminal, and what is added to it.
sub terminal
{
	my (%more) = @_;
	my %env = %ENV;

	delete @env{ grep { /^AWS_|_proxy$/i } keys %env };
	return (%env, AWS_CONFIG_FILE => '/dev/null', AWS_SHARED_CREDENTIALS_FILE => '/dev/null',
		AWS_EC2_METADATA_DISABLED => 'true', %more);
}

# Run the script until it is ready; { run, out }, out being its lines.
sub serve
{
	my (%option) = @_;
	local %ENV = terminal(INSTALL => 'no', DATA => $data, PORT => $port, PGPORT => $pgport, %option);
	my ($out, $err) = ('', '');
	my $timer = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	my $run = IPC::Run::start([$script], '<', \undef, '>', \$out, '2>', \$err, $timer);

	$run->pump while $run->pumpable && $out !~ /^pg_dynamo ready.*\n/m;
	return { run => $run, lines => [ split /\n/, $out ] };
}

sub stop
{
	my ($server) = @_;

	$server->{run}->signal('INT');
	$server->{run}->finish;
	is($?, 0, 'Ctrl-C ends it');
	ok(!-e "$data/data/postmaster.pid", 'and the server');
	return;
}

# The lines that begin so.
sub lines
{
	my ($server, $begin) = @_;

	return grep { /^\Q$begin\E/ } @{ $server->{lines} };
}

# What a shell without any AWS settings answers to pasted lines.
sub paste
{
	my (@lines) = @_;
	local %ENV = terminal(PATH => "/usr/bin:/bin:$ENV{PATH}");
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'bash', '-e' ], '<', \join("\n", @lines, ''), '>', \$out, '2>', \$err);
	return $out . $err;
}

# What one cannot do is told in one sentence.
sub refused
{
	my ($message, $what, %option) = @_;
	local %ENV = terminal(INSTALL => 'no', DATA => "$data.refused", PORT => $port, PGPORT => $pgport, %option);
	my ($out, $err) = ('', '');

	IPC::Run::run([$script], '<', \undef, '>', \$out, '2>', \$err);
	isnt($?, 0, "$what: fails");
	return is($out . $err, "$message\n", "$what: the message");
}

sub ready_line
{
	my ($server, $what) = @_;

	return is($server->{lines}[-1], "pg_dynamo ready on http://127.0.0.1:$port", "$what: the last line");
}

my $get = "aws dynamodb get-item --endpoint-url http://127.0.0.1:$port --table-name hello "
  . q{--key '{"id": {"S": "1"}}' --query Item.greeting.S --output text};

# ---- the first time ----

my $server = serve();
ready_line($server, 'a new cluster');
my @exports = lines($server, 'export ');
my @commands = lines($server, 'aws dynamodb ');
is(@commands, 2, 'a table and an item to be put into it');
my $answer = paste(@exports, @commands, $get);
like($answer, qr{arn:aws:dynamodb:us-east-1:000000000000:table/hello}, 'the table is created');
like($answer, qr/"CapacityUnits": 1/, 'the item is put');
like($answer, qr/^Hello$/m, 'and there');
like(paste((map { s/SECRET_ACCESS_KEY=/SECRET_ACCESS_KEY=x/r } @exports), $get), qr/InvalidSignatureException/, 'a wrong secret is refused');

my ($psql) = lines($server, 'psql ');
is(paste("$psql -AtXc 'SELECT pk FROM dynamo_tables.hello'"), "1\n", 'psql sees it');
paste("$psql -qXc \"SELECT dynamo.create_table('made_by_sql', 'id S')\"");
like(paste(@exports, $get =~ s/hello/made_by_sql/r), qr/\A(None)?\s*\z/, 'clients may use tables that psql creates');

my ($key_id, $secret) = $exports[0] =~ /\Aexport AWS_ACCESS_KEY_ID=(AKIA[A-Z2-7]{16}) AWS_SECRET_ACCESS_KEY=(\S{40})\z/;
is((stat "$data/key")[2] & 07777, 0600, 'the file of the key is closed to others');
unlike(slurp_file("$data/log"), qr/\Q$secret\E/, 'the log does not have its secret');

# ---- what is refused ----

my $other = PostgreSQL::Test::Cluster::get_free_port();
refused("port $port is in use: choose another, for example make serve PORT=" . ($port + 1), 'the port is taken', PGPORT => $other);
refused("port $pgport is in use: choose another, for example make serve PGPORT=" . ($pgport + 1), "PostgreSQL's port is taken", PORT => $other);
refused("PORT and PGPORT are both $other: they must differ", 'one port for both', PORT => $other, PGPORT => $other);
refused('AUTH must be sigv4 or none, not "basic"', 'AUTH', AUTH => 'basic');
refused('PORT must be a port number from 1 to 65535, not "65536"', 'PORT', PORT => 65536);
refused('AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not: set both or neither', 'an id alone', AWS_ACCESS_KEY_ID => 'x');
stop($server);

# ---- the next time, with the same key ----

$server = serve();
ready_line($server, 'the same cluster');
is_deeply([ lines($server, 'export ') ], \@exports, 'the key is the same');
is(scalar(lines($server, 'aws dynamodb ')), 1, 'the table is there');
is(paste(@exports, $get), "Hello\n", 'and its item');
paste("$psql -qXc \"SELECT dynamo.disable_access_key('$key_id')\"");
stop($server);

# ---- a key that was disabled is replaced ----

$server = serve();
unlike((lines($server, 'export '))[0], qr/\Q$key_id\E/, 'a disabled key is not used again');
is(paste(lines($server, 'export '), $get), "Hello\n", 'the new one is good');
stop($server);

# ---- a key from the environment ----

$server = serve(@given, AWS_SESSION_TOKEN => 'x');
is((lines($server, 'unset '))[0], 'unset AWS_SESSION_TOKEN', 'a session token would be in the way');
@exports = lines($server, 'export ');
like($exports[0], qr/\Aexport AWS_ACCESS_KEY_ID=AKIAGIVEN /, 'the id is the one of the environment');
is(paste(@exports, $get), "Hello\n", 'a secret with quotes in it');
unlike(slurp_file("$data/log"), qr{a\+.?"secret}, 'the log does not have it');
stop($server);

# ---- another secret for it, and HTTPS ----

my @certificate = map { "$PostgreSQL::Test::Utils::tmp_check/serve.$_" } qw(crt key);
system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost',
	'-addext', 'subjectAltName=DNS:localhost', '-out', $certificate[0], '-keyout', $certificate[1]);
$server = serve(@given, AWS_SECRET_ACCESS_KEY => 'another', TLS_CERT => $certificate[0], TLS_KEY => $certificate[1]);
is($server->{lines}[-1], "pg_dynamo ready on https://localhost:$port", 'HTTPS: the last line');
my $get_tls = $get =~ s{http://127\.0\.0\.1}{https://localhost}r;
my @new_exports = lines($server, 'export ');
like(paste(@new_exports, @exports, $get_tls), qr/InvalidSignatureException/, 'the old secret is refused');
is(paste(@new_exports, $get_tls), "Hello\n", 'the new one is good');
stop($server);

# ---- without keys ----

$server = serve(AUTH => 'none');
ready_line($server, 'auth none');
is(paste(lines($server, 'export '), $get), "Hello\n", 'what is printed works');
is(paste(@exports, $get), "Hello\n", 'and so does any other key');
stop($server);

done_testing();
