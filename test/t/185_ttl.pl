# Time to live: the worker deletes what has expired and nothing else, beside
# writers, across crashes and restarts, on a primary only; what it cannot delete
# stops nobody.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', conf => <<'END');
log_statement = none
max_worker_processes = 16
max_prepared_transactions = 2
dynamo.ttl_interval = 200ms
dynamo.ttl_rate = 0
dynamo.ttl_batch = 50
END
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_dynamo expiry'};

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub eventually
{
	my ($query, $expected, $what) = @_;

	ok($node->poll_query_until('postgres', $query, $expected), $what);
	return;
}

sub enable
{
	my ($table, $attribute) = @_;

	return call($node, 'UpdateTimeToLive', { TableName => $table,
			TimeToLiveSpecification => { Enabled => JSON::PP::true, AttributeName => $attribute } });
}

# rows straight into the item table: numbers from .. to, as partition keys
# <prefix><number>, with exp so many seconds from now
sub fill
{
	my ($table, $prefix, $from, $to, $offset) = @_;

	sql(qq{INSERT INTO dynamo_tables."$table" (item)
		SELECT jsonb_build_object('pk', jsonb_build_object('S', '$prefix' || i),
			'exp', jsonb_build_object('N', (extract(epoch FROM now())::bigint + $offset)::text))
		FROM generate_series($from, $to) i});
	return;
}

sub items
{
	my ($table, $prefix) = @_;

	return sql(qq{SELECT count(*) FROM dynamo_tables."$table" WHERE pk LIKE '$prefix%'});
}

sub is_true
{
	my ($table, $what) = @_;

	is(sql("SELECT problem, key FROM dynamo.verify_index('$table', '~ttl') LIMIT 5"), '',
		"$what: the index of expiry is true");
	return;
}

# ----- a table with items -----

create_table($node, 'Small', 0);
fill('Small', 'past', 1, 300, -100);
fill('Small', 'future', 1, 300, 3600);
fill('Small', 'ancient', 1, 10, -6 * 366 * 86400);
sql(q{INSERT INTO dynamo_tables."Small" (item) VALUES
	('{"pk": {"S": "text"}, "exp": {"S": "1"}}'), ('{"pk": {"S": "none"}}')});
enable('Small', 'exp');
eventually(q{SELECT count(*) FROM dynamo_tables."Small"}, '312', 'expired items go');
is(items('Small', 'past'), '0', 'these are the ones');
eventually(q{SELECT deleted FROM dynamo.stat_ttl WHERE table_name = 'Small'}, '300', 'they are counted');
is_true('Small', 'after expiry');

# ----- a large one is looked through by a worker -----

create_table($node, 'Large', 0);
fill('Large', 'past', 1, 20000, -100);
fill('Large', 'future', 1, 20000, 3600);
enable('Large', 'exp');
eventually(q{SELECT status FROM dynamo.stat_ttl WHERE table_name = 'Large'}, 'ENABLED', 'the index is built');
eventually(q{SELECT count(*) FROM dynamo_tables."Large"}, '20000', 'expired items of a large table go');
is(call($node, 'DescribeTimeToLive', { TableName => 'Large' })->{TimeToLiveDescription}{TimeToLiveStatus},
	'ENABLED', 'and it is described as enabled');
is_true('Large', 'a large table');

# ----- renewed while the sweep waits for the row -----

my $session = open_session($node);
ask($session, q{BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0});
ask($session, q{INSERT INTO dynamo_tables."Small" (item) SELECT jsonb_build_object('pk', '{"S": "held"}'::jsonb,
	'exp', jsonb_build_object('N', (extract(epoch FROM now())::bigint - 10)::text))});
ask($session, q{COMMIT});
eventually(q{SELECT count(*) FROM dynamo_tables."Small" WHERE pk = 'held'}, '0', 'an item put as expired goes');

sql('ALTER SYSTEM SET dynamo.ttl_interval = 0');
sql('SELECT pg_reload_conf()');
fill('Small', 'due', 1, 120, -10);
ask($session, q{BEGIN; UPDATE dynamo_tables."Small" SET item = item || '{"exp": {"N": "9999999999"}}' WHERE pk = 'due60'});
sql('ALTER SYSTEM RESET dynamo.ttl_interval');
sql('SELECT pg_reload_conf()');
eventually(q{SELECT count(*) FROM dynamo_tables."Small" WHERE pk LIKE 'due%'}, '1', 'a locked item does not stop the others');
ask($session, 'COMMIT');
sleep(1);
is(items('Small', 'due60'), '1', 'an item renewed meanwhile stays');
eventually(q{SELECT passed_over > 0 FROM dynamo.stat_ttl WHERE table_name = 'Small'}, 't', 'it was passed over');
$session->quit;

# ----- renewed at any moment -----

# Each client owns a key.  What it has renewed while it was there stays.
my $script = "$PostgreSQL::Test::Utils::tmp_check/renew.sql";
append_to_file($script, <<'END');
DO $$
DECLARE
	key text := 'busy' || pg_backend_pid();
	seconds numeric;
	renewed bigint;
BEGIN
	FOR i IN 1 .. 100 LOOP
		seconds := trunc(extract(epoch FROM clock_timestamp()));
		INSERT INTO dynamo_tables."Busy" (item) VALUES (jsonb_build_object(
				'pk', jsonb_build_object('S', key), 'exp', jsonb_build_object('N', (seconds - 5)::text)))
			ON CONFLICT (pk) DO UPDATE SET item = EXCLUDED.item;
		COMMIT;
		PERFORM pg_sleep(random() * 0.004);
		UPDATE dynamo_tables."Busy" SET item = item || jsonb_build_object(
			'exp', jsonb_build_object('N', (seconds + 1000)::text)) WHERE pk = key;
		GET DIAGNOSTICS renewed = ROW_COUNT;
		PERFORM pg_sleep(random() * 0.002);
		COMMIT;
		PERFORM pg_sleep(random() * 0.004);
		IF renewed = 1 AND NOT EXISTS (SELECT FROM dynamo_tables."Busy" WHERE pk = key) THEN
			RAISE EXCEPTION 'a renewed item was deleted';
		END IF;
	END LOOP;
END $$
END
create_table($node, 'Busy', 0);
enable('Busy', 'exp');
sql('ALTER SYSTEM SET dynamo.ttl_interval = 1');
sql('SELECT pg_reload_conf()');
$node->command_ok([ 'pgbench', '-n', '-c', 6, '-t', 3, '-f', $script, $node->connstr('postgres') ],
	'items that were renewed are not deleted');
sql('ALTER SYSTEM RESET dynamo.ttl_interval');
sql('SELECT pg_reload_conf()');
eventually(q{SELECT deleted BETWEEN 50 AND 1799 FROM dynamo.stat_ttl WHERE table_name = 'Busy'}, 't',
	'though some were in time');
is_true('Busy', 'after the race');

# ----- what cannot be deleted -----

create_table($node, 'Parent', 0);
fill('Parent', 'p', 1, 200, 3600);
sql(q{CREATE TABLE child (p text COLLATE "C" REFERENCES dynamo_tables."Parent" (pk));
	INSERT INTO child SELECT 'p' || i FROM generate_series(10, 200, 10) i});
enable('Parent', 'exp');
sql(q{UPDATE dynamo_tables."Parent" SET item = item || jsonb_build_object('exp',
	jsonb_build_object('N', (extract(epoch FROM now())::bigint - 10)::text))});
eventually(q{SELECT count(*) FROM dynamo_tables."Parent"}, '20', 'items that others refer to stay, alone');
eventually(q{SELECT last_error ~ 'foreign key' FROM dynamo.stat_ttl WHERE table_name = 'Parent'}, 't', 'the reason is told');
fill('Parent', 'late', 1, 10, -1);
eventually(q{SELECT count(*) FROM dynamo_tables."Parent" WHERE pk LIKE 'late%'}, '0', 'later ones are not held up');
my $log = slurp_file($node->logfile);
my $lines = () = $log =~ /could not delete expired items of "Parent"/g;
cmp_ok($lines, '<=', 5, 'the log is not flooded');
cmp_ok($lines, '>=', 1, 'but told');
sql('DROP TABLE child');
eventually(q{SELECT count(*) FROM dynamo_tables."Parent"}, '0', 'they go once nothing keeps them');

# ----- the worker is killed, the server restarts -----

my $pid = sql($worker);
sql("SELECT pg_terminate_backend($pid)");
eventually("SELECT count(*) = 1 AND bool_and(pid <> $pid) FROM ($worker) w", 't', 'a terminated worker comes back');
fill('Small', 'after', 1, 10, -1);
eventually(q{SELECT count(*) FROM dynamo_tables."Small" WHERE pk LIKE 'after%'}, '0', 'and works');

fill('Large', 'crash', 1, 5000, 2);
$node->stop('immediate');
$node->start;
eventually(q{SELECT count(*) FROM dynamo_tables."Large"}, '20000', 'after a crash the rest goes');
is_true('Large', 'after a crash');

# ----- stream records name the service -----

SKIP:
{
	skip 'the server has no test_decoding', 2
	  unless $node->psql('postgres', q{SELECT pg_create_logical_replication_slot('s', 'test_decoding')}) == 0;
	fill('Small', 'logged', 1, 5, -1);
	eventually(q{SELECT count(*) FROM dynamo_tables."Small" WHERE pk LIKE 'logged%'}, '0', 'some items more go');
	my $changes = sql(q{SELECT data FROM pg_logical_slot_get_changes('s', NULL, NULL, 'include-xids', '0')});
	my ($transaction) = $changes =~ /BEGIN\n((?:(?!BEGIN\n).)*?DELETE.*?)COMMIT/s;
	like($transaction, qr/\Amessage: transactional: 1 prefix: pg_dynamo, sz: 6 content:expiry\n/,
		'their transaction begins with the message');
	sql(q{SELECT pg_drop_replication_slot('s')});
}

# ----- a standby does nothing until it is promoted -----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', "SELECT count(*) FROM ($worker) w"), '0', 'no worker on a standby');
$node->safe_psql('postgres', 'ALTER SYSTEM SET dynamo.ttl_interval = 0');
$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
sleep(1);
fill('Small', 'promoted', 1, 10, -1);
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT expired FROM dynamo.stat_ttl WHERE table_name = 'Small'}), '10',
	'a standby counts what waits');
my ($status, $out, $err) = $standby->psql('postgres', 'SELECT dynamo.expire_items()');
like($err, qr/cannot execute dynamo\.expire_items\(\) during recovery/, 'and refuses to delete');
$standby->promote;
ok($standby->poll_query_until('postgres', q{SELECT count(*) FROM dynamo_tables."Small" WHERE pk LIKE 'promoted%'}, '0'),
	'once promoted it deletes them');
$standby->stop;

# ----- dumped and restored -----

my $dump = "$PostgreSQL::Test::Utils::tmp_check/ttl.sql";
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'the database is dumped');
sql('CREATE DATABASE restored');
$node->command_ok([ 'psql', '-qXv', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', q{SELECT attribute, status, expired FROM dynamo.stat_ttl WHERE table_name = 'Small'}),
	'exp|ENABLED|10', 'time to live is still enabled');
is($node->safe_psql('restored', q{SELECT problem FROM dynamo.verify_index('Small', '~ttl')}), '', 'its index is true');
is($node->safe_psql('restored', q{SELECT dynamo.expire_items('Small')}), '10', 'and serves');

# ----- without the extension, and with it again -----

sql('ALTER SYSTEM RESET dynamo.ttl_interval');
sql('SELECT pg_reload_conf()');
call($node, 'DeleteTable', { TableName => $_ }) for qw(Small Large Busy Parent);
sql('DROP EXTENSION pg_dynamo');
sleep(1);
is(sql("SELECT count(*) FROM ($worker) w"), '1', 'the worker is idle without the extension');
create_extension($node);
create_table($node, 'Again', 0);
enable('Again', 'exp');
fill('Again', 'a', 1, 10, -1);
eventually(q{SELECT count(*) FROM dynamo_tables."Again"}, '0', 'and at work with it');

$node->stop;
done_testing();
