# Transactions and single calls of many clients, on items that come and go, in
# two tables, are strictly serializable: what they did and saw, when, is
# recorded, and a checker of its own looks for a serial order of it.  The
# server is killed meanwhile and loses what it did not sync.
#
# First the checker shows that it finds what is wrong: in histories made by
# hand, and in those of clients that do without transactions.
#
# HISTORY_SECONDS is its length, HISTORY_CRASHES how often the server is killed.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Durability;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{HISTORY_SECONDS} || 14;
my $crashes = $ENV{HISTORY_CRASHES} // 2;
my @checker = ('/usr/bin/python3', clients_dir() . '/serializable.py');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = shimmed_node('main', conf => endpoint_conf($port) . "dynamo.http_workers = 6\ndynamo.lock_timeout = 2s\n");
my $server = { node => $node, port => $port, endpoint => "http://127.0.0.1:$port" };

start_shimmed($node);
create_extension($node);
wait_until_ready($server);

# A write may dawdle, so that it meets others.
sub create_slow_table
{
	my ($name, %keys) = @_;

	call($node, 'CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ map { { AttributeName => $_, KeyType => $_ eq 'pk' ? 'HASH' : 'RANGE' } } sort keys %keys ],
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => $keys{$_} } } sort keys %keys ] });
	$node->safe_psql('postgres', qq{CREATE TRIGGER dawdle AFTER INSERT OR UPDATE OR DELETE ON dynamo_tables."$name"
		FOR EACH ROW EXECUTE FUNCTION dawdle()});
	return;
}

$node->safe_psql('postgres', q{
	CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF random() < 0.2 THEN
				PERFORM pg_sleep(0.04 * random());
			END IF;
			RETURN NULL;
		END $$});
create_slow_table('Here', pk => 'S');
create_slow_table('There', pk => 'S', sk => 'N');

sub crash
{
	my $forgotten = kill_server($node, 1);

	start_shimmed($node);
	note "killed; $forgotten bytes of the log forgotten";
	return;
}

# Clients at work for some seconds; returns the directory with their records.
sub record_history
{
	my ($name, $time, $kills, @careless) = @_;
	my $dir = "${PostgreSQL::Test::Utils::tmp_check}/$name";

	mkdir $dir;
	run_client($server, [ '/usr/bin/python3', clients_dir() . '/history.py', $dir, $time, $kills, @careless ],
		crash => \&crash);
	return $dir;
}

# What the checker finds in the histories of a kind; '' is good.
sub anomalies
{
	my ($kind, $dir) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ @checker, $kind, glob "$dir/$kind.*" ], '>', \$out, '2>', \$err);
	die "the checker failed: $err" if $err;
	return $out;
}

# It need not go wrong at once.
sub find_careless
{
	my ($way, $anomaly) = @_;
	my %missed = (lists => qr/^(?:$anomaly): /m, registers => qr/^no order: /m);

	for my $round (1 .. 40)
	{
		my $dir = record_history("$way$round", 1, 0, $way);

		delete @missed{ grep { anomalies($_, $dir) =~ $missed{$_} } keys %missed };
		last unless %missed;
	}
	is(join(' ', sort keys %missed), '', "without transactional $way: the checker finds it");
	return;
}

run_client($server, [ @checker, 'test' ]);
find_careless(reads => 'G-single');
find_careless(writes => 'G1a|G-single');
find_careless(checks => 'G-single|G2');

my $dir = record_history('history', $seconds, $crashes);
for my $kind ('lists', 'registers')
{
	is(anomalies($kind, $dir), '', "$kind: strictly serializable");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM dynamo_tables."Here" WHERE NOT dynamo.item_is_valid(item)}), '0',
	'all items are valid');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP|deadlock detected/, 'no process failed, no deadlock');
done_testing();
