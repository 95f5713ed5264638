# Bulk writes: a hundred thousand items in one transaction hold a bounded number
# of locks and a bounded amount of memory, beside other writers and loaders.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $items = 100000;
my $node = start_node('main', conf => "log_statement = none\nmax_wal_size = 4GB\nsynchronous_commit = off");
my $locks = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()";
# private memory of the backend in kB
my $memory = q{SELECT substring(pg_read_file('/proc/self/status') from 'RssAnon:\s+(\d+)')::int};

sub load
{
	my ($partition, $count) = @_;

	return "SELECT count(*) FROM (SELECT dynamo.put_item('Load',
		jsonb_build_object('pk', '$partition', 'sk', lpad(n::text, 6, '0'), 'v', repeat('x', 100)))
		FROM generate_series(1, $count) n) p";
}

sub start_script
{
	my ($script) = @_;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ],
		'<', \$script, '>', \$out, '2>', \$err);

	return { run => $run, out => \$out, err => \$err };
}

create_table($node, 'Load');
is($node->safe_psql('postgres', 'SHOW max_locks_per_transaction'), '64', 'the lock table has its default size');

my $loader = open_session($node);
ask($loader, load('warm', 1000));
my $at_start = ask($loader, $memory);
ask($loader, 'BEGIN');
is(ask($loader, load('half', $items / 2)), $items / 2, 'half of the items');

# others write in the middle of the open transaction: new items, old items
my $others = join '', map {
	"SELECT FROM dynamo.put_item('Load', '{\"pk\": \"other\", \"sk\": \"$_\"}', 'attribute_not_exists(pk)');\n"
	  . "SELECT FROM dynamo.update_item('Load', '{\"pk\": \"warm\", \"sk\": \"000001\"}', 'ADD n :n', '{\":n\": 1}');\n"
} 1 .. 300;
my $other = start_script($others);
is(ask($loader, load('load', $items / 2)), $items / 2, 'the other half');
cmp_ok(ask($loader, $locks), '<', 100, 'the transaction holds few locks');
$other->{run}->finish;
is(${ $other->{err} }, '', 'others wrote meanwhile');
is(ask($loader, load('load', 20000)), 20000, 'some of the items again');
cmp_ok(ask($loader, $locks), '<', 100, 'still few locks');
cmp_ok(ask($loader, $memory) - $at_start, '<', 30000, 'and little memory');
is(ask($loader, 'COMMIT'), '', 'it commits');
is(ask($loader, $locks . " AND locktype = 'userlock'"), '0', 'and gives the locks back');
is($node->safe_psql('postgres',
		"SELECT count(*) FROM dynamo_tables.\"Load\" WHERE pk IN ('half', 'load')"),
	$items, 'all items are there');
is($node->safe_psql('postgres',
		q{SELECT dynamo.get_item('Load', '{"pk": "warm", "sk": "000001"}') -> 'n'}),
	'300', 'so are the writes of the others');

# as one statement of SQL, with subtransactions, and rolled back
ask($loader, 'BEGIN');
is(ask($loader, q{INSERT INTO dynamo_tables."Load" (item) SELECT
	jsonb_build_object('pk', jsonb_build_object('S', 'sql'), 'sk', jsonb_build_object('S', n::text)) FROM generate_series(1, 20000) n;
	SELECT count(*) FROM dynamo_tables."Load" WHERE pk = 'sql'}), '20000', 'INSERT ... SELECT');
cmp_ok(ask($loader, $locks), '<', 100, 'holds few locks');
is(ask($loader, q{DO $$ BEGIN FOR n IN 1 .. 3000 LOOP
	BEGIN
		PERFORM dynamo.put_item('Load', jsonb_build_object('pk', 'sub', 'sk', n::text));
		IF n % 2 = 0 THEN RAISE EXCEPTION 'no'; END IF;
	EXCEPTION WHEN raise_exception THEN NULL; END;
	END LOOP; END $$; SELECT count(*) FROM dynamo_tables."Load" WHERE pk = 'sub'}), '1500', 'subtransactions');
cmp_ok(ask($loader, $locks . " AND locktype = 'userlock'"), '<', 100, 'hold few locks on keys');
ask($loader, 'ROLLBACK');
is($node->safe_psql('postgres', q{SELECT count(*) FROM dynamo_tables."Load" WHERE pk IN ('sql', 'sub')}), '0', 'rolled back');
$loader->quit;

# several loaders at once, each in one transaction
my @loaders = map { start_script("BEGIN;\n" . load("loader $_", 15000) . ";\n$locks;\nCOMMIT;\n") } 1 .. 4;
$_->{run}->finish for @loaders;
for my $n (0 .. 3)
{
	my ($count, $held) = split /\n/, ${ $loaders[$n]{out} };

	is(${ $loaders[$n]{err} }, '', "loader $n has no error");
	is($count, '15000', "loader $n loads");
	cmp_ok($held // 1e9, '<', 100, "loader $n holds few locks");
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM dynamo_tables."Load" WHERE pk LIKE 'loader %'}), '60000', 'all items are there');

# many tables in one transaction
is($node->safe_psql('postgres', q{
	SELECT FROM generate_series(1, 40) t, dynamo.create_table('T' || lpad(t::text, 3, '0'), 'id N');
	BEGIN;
	SELECT FROM generate_series(1, 100) n, generate_series(1, 40) t,
		dynamo.put_item('T' || lpad(t::text, 3, '0'), jsonb_build_object('id', n));
	SELECT count(*) < 400 FROM pg_locks WHERE pid = pg_backend_pid();
	COMMIT;}), 't', 'forty tables in one transaction');

$node->stop;
done_testing();
