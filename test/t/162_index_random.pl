# Many writers on few items whose index keys move, in SQL and over HTTP: each
# index then holds what its table says.  And so it does wherever else items
# come from, or go to: COPY, TRUNCATE, a dump, a publication.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = 4;
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $server = start_http_node('main', auth => 'none', conf => "log_statement = none\nsynchronous_commit = off");
my $node = $server->{node};
my @indexes = ('locals', 'localKeys', 'byG', 'byGH', 'multi', 'sparse');

sub sql
{
	my ($statement, %option) = @_;

	return ($option{node} // $node)->safe_psql($option{database} // 'postgres', $statement,
		$option{user} ? (extra_params => [ '-U', $option{user} ]) : ());
}

sub key_schema
{
	my ($partition, $sort) = @_;

	return [ (map { { AttributeName => $_, KeyType => 'HASH' } } @$partition),
		(map { { AttributeName => $_, KeyType => 'RANGE' } } @{ $sort // [] }) ];
}

sub index_of
{
	my ($name, $partition, $sort, $projection, @attributes) = @_;

	return {
		IndexName => $name,
		KeySchema => key_schema($partition, $sort),
		Projection => { ProjectionType => $projection, @attributes ? (NonKeyAttributes => \@attributes) : () } };
}

# A table with an index of every kind.
sub create_moves
{
	my ($name, %option) = @_;
	my %types = (pk => 'S', sk => 'N', g => 'S', h => 'N', c => 'B');

	return call($option{node} // $node, 'CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => $types{$_} } } sort keys %types ],
		KeySchema => key_schema([ 'pk' ], [ 'sk' ]),
		LocalSecondaryIndexes => [
			index_of('locals', [ 'pk' ], [ 'g' ], 'ALL'),
			index_of('localKeys', [ 'pk' ], [ 'h' ], 'KEYS_ONLY') ],
		GlobalSecondaryIndexes => [
			index_of('byG', [ 'g' ], undef, 'ALL'),
			index_of('byGH', [ 'g' ], [ 'h' ], 'INCLUDE', 'v'),
			index_of('multi', [ 'g', 'pk' ], [ 'h', 'c', 'sk' ], 'KEYS_ONLY'),
			index_of('sparse', [ 'c' ], [ 'g' ], 'ALL') ] }, %option);
}

# Is every index of the table what it should be?  Options: node, database.
sub are_true
{
	my ($table, $what, %option) = @_;

	is(sql("SELECT index_name, v.* FROM dynamo.indexes i, dynamo.verify_index('$table', i.index_name) v
			WHERE i.table_name = '$table' LIMIT 10", %option), '', "$what: the indexes are true");
	return;
}

# how many entries the indexes have
sub entries
{
	my ($table, %option) = @_;

	return join ' ', map { sql(qq{SELECT count(*) FROM dynamo_tables."$table:$_"}, %option) } @indexes;
}

# ---- writers of every kind ----

# items like those of movers.py; SQL may also give an index key another type
sql(q{
	CREATE FUNCTION random_item(pk int, sk int) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
		SELECT jsonb_build_object('pk', 'p' || pk, 'sk', sk, 'v', repeat('y', (random() * 2000)::int))
			|| CASE WHEN random() < 0.8 THEN jsonb_build_object('g', chr(97 + (random() * 2)::int)) ELSE '{}' END
			|| CASE WHEN random() < 0.7 THEN jsonb_build_object('h', (random() * 2)::int) ELSE '{}' END
			|| CASE WHEN random() < 0.5 THEN jsonb_build_object('c', jsonb_build_object('$binary', 'AA==')) ELSE '{}' END
	$$;
	CREATE FUNCTION random_row(pk int, sk int) RETURNS dynamo.item LANGUAGE sql VOLATILE AS $$
		SELECT dynamo.json_to_item(random_item(pk, sk)
			|| CASE WHEN random() < 0.1 THEN '{"h": "of another type"}'::jsonb ELSE '{}' END)
	$$;
	-- under one snapshot the table and its indexes tell the same
	CREATE FUNCTION compare(name text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		differences bigint;
	BEGIN
		SELECT count(*) INTO differences
		FROM (SELECT i FROM dynamo.scan(name) i WHERE i ? 'g') t
			FULL JOIN (SELECT i FROM dynamo.scan(name, index_name => 'byG') i) x ON t.i = x.i
		WHERE t.i IS NULL OR x.i IS NULL;
		IF differences > 0 THEN
			RAISE EXCEPTION '% items differ', differences;
		END IF;
	END
	$$});

my %scripts = (
	put => [ 4, q{SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));} ],
	create => [ 1, q{
		DO $$
		BEGIN
			PERFORM dynamo.put_item('Moves', random_item(0, 0), 'attribute_not_exists(pk)');
		EXCEPTION WHEN SQLSTATE 'DY005' THEN
			NULL;
		END $$;} ],
	move => [ 4, q{SELECT dynamo.update_item('Moves', jsonb_build_object('pk', 'p' || :p, 'sk', :s), 'SET g = :g, h = :h',
		jsonb_build_object(':g', chr(97 + :s), ':h', :p));} ],
	leave => [ 2, q{SELECT dynamo.update_item('Moves', jsonb_build_object('pk', 'p' || :p, 'sk', :s), 'REMOVE g, c SET v = :v', '{":v": 1}');} ],
	delete => [ 2, q{SELECT dynamo.delete_item('Moves', jsonb_build_object('pk', 'p' || :p, 'sk', :s));} ],
	statement => [ 3, q{UPDATE dynamo_tables."Moves" SET item = random_row(:p, :s) WHERE pk = 'p' || :p AND sk = :s;} ],
	conflict => [ 2, q{INSERT INTO dynamo_tables."Moves" (pk, sk, item) VALUES ('p' || :p, :s, random_row(:p, :s))
		ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item;} ],
	nothing => [ 1, q{INSERT INTO dynamo_tables."Moves" (pk, sk, item) VALUES ('p' || :p, :s, random_row(:p, :s)) ON CONFLICT DO NOTHING;} ],
	merge => [ 1, q{MERGE INTO dynamo_tables."Moves" t USING (VALUES ('p' || :p, :s)) m (pk, sk) ON t.pk = m.pk AND t.sk = m.sk
		WHEN MATCHED AND t.item ? 'g' THEN UPDATE SET item = random_row(:p, :s) WHEN MATCHED THEN DELETE;} ],
	partition => [ 1, q{
		UPDATE dynamo_tables."Moves" t SET item = jsonb_set(item, '{g}', '{"S": "c"}')
		FROM (SELECT pk, sk FROM dynamo_tables."Moves" WHERE pk = 'p' || :p ORDER BY pk, sk FOR UPDATE) l
		WHERE t.pk = l.pk AND t.sk = l.sk;} ],
	savepoint => [ 3, q{
		BEGIN;
		SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));
		SAVEPOINT s;
		SELECT dynamo.delete_item('Moves', jsonb_build_object('pk', 'p' || :p, 'sk', :s));
		SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));
		ROLLBACK TO s;
		UPDATE dynamo_tables."Moves" SET item = random_row(:p, :s) WHERE pk = 'p' || :p AND sk = :s;
		COMMIT;} ],
	rollback => [ 1, q{
		BEGIN;
		SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));
		DELETE FROM dynamo_tables."Moves" WHERE pk = 'p' || :p AND sk = :s;
		ROLLBACK;} ],
	again => [ 2, q{
		BEGIN;
		DELETE FROM dynamo_tables."Moves" WHERE pk = 'p' || :p AND sk = :s;
		SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));
		SELECT FROM dynamo.put_item('Moves', random_item(:p, :s));
		COMMIT;} ],
	read => [ 1, q{
		BEGIN ISOLATION LEVEL REPEATABLE READ;
		SELECT compare('Moves');
		COMMIT;} ]);
my @files;
for my $script (sort keys %scripts)
{
	my ($weight, $text) = @{ $scripts{$script} };
	my $file = "$dir/move_$script.sql";

	unlink $file;
	append_to_file($file, "\\set p random(0, 2)\n\\set s random(0, 3)\n$text\n");
	push @files, '-f', "$file\@$weight";
}

sub run_writers
{
	my ($what) = @_;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'pgbench', '-n', '-c', 6, '-j', 2, '-T', $seconds, '--max-tries=100', @files,
			'-h', $node->host, '-p', $node->port, 'postgres' ], '<', \undef, '>', \$out, '2>', \$err);

	run_client($server, [ '/usr/bin/python3', clients_dir() . '/movers.py', 'Moves', $seconds ]);
	$run->finish;
	is($run->result(0), 0, "$what: the sessions got on") or diag($err);
	like($out, qr/^number of failed transactions: 0 /m, "$what: no transaction failed");
	are_true('Moves', $what);
	return;
}

for my $partitions (0, 3)
{
	my $what = $partitions ? "$partitions partitions" : 'one table';

	sql(qq{DROP TABLE IF EXISTS dynamo_tables."Moves"; ALTER DATABASE postgres SET dynamo.table_partitions = $partitions});
	create_moves('Moves');
	run_writers($what);
}
sql('ALTER DATABASE postgres RESET dynamo.table_partitions');

# ---- COPY, TRUNCATE ----

my $copy = "$dir/moves.copy";
unlink $copy;
sql(q{TRUNCATE dynamo_tables."Moves"});
is(entries('Moves'), '0 0 0 0 0 0', 'TRUNCATE empties the indexes');
sql(q{INSERT INTO dynamo_tables."Moves" (pk, sk, item) SELECT 'p' || n % 7, n, random_row(n % 7, n) FROM generate_series(1, 3000) n});
are_true('Moves', 'INSERT of many');
my $before = entries('Moves');
sql(qq{COPY (SELECT * FROM dynamo_tables."Moves") TO '$copy'; BEGIN; TRUNCATE dynamo_tables."Moves"; ROLLBACK});
is(entries('Moves'), $before, 'TRUNCATE that is rolled back');
sql(qq{TRUNCATE dynamo_tables."Moves"; COPY dynamo_tables."Moves" FROM '$copy'});
is(entries('Moves'), $before, 'COPY fills them');
are_true('Moves', 'COPY');
sql(q{DELETE FROM dynamo_tables."Moves" WHERE sk % 3 = 0});
are_true('Moves', 'DELETE of many');

# what verify_index is worth: it finds what should not be
sql(q{ALTER TABLE dynamo_tables."Moves" DISABLE TRIGGER "~item_maintain_indexes"});
sql(q{DELETE FROM dynamo_tables."Moves" WHERE (pk, sk) = (SELECT pk, sk FROM dynamo_tables."Moves" WHERE item ? 'g' LIMIT 1);
	INSERT INTO dynamo_tables."Moves" (pk, sk, item) VALUES ('new', 0, '{"pk": {"S": "new"}, "sk": {"N": "0"}, "g": {"S": "a"}}')});
sql(q{ALTER TABLE dynamo_tables."Moves" ENABLE ALWAYS TRIGGER "~item_maintain_indexes"});
is(sql(q{SELECT string_agg(problem, ' ' ORDER BY problem) FROM dynamo.verify_index('Moves', 'byG')}), 'extra missing',
	'verify_index finds what is wrong');

# ---- dump and restore ----

sql(q{DROP TABLE dynamo_tables."Moves"});
create_moves('Moves');
sql(q{INSERT INTO dynamo_tables."Moves" (pk, sk, item) SELECT 'p' || n % 7, n, random_row(n % 7, n) FROM generate_series(1, 1000) n});
for my $format ('plain', 'custom')
{
	my $file = "$dir/moves.$format";

	command_ok([ 'pg_dump', '-F', $format, '-f', $file, $node->connstr('postgres') ], "pg_dump, $format");
	sql("CREATE DATABASE copy_$format");
	command_ok($format eq 'plain'
		? [ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, $node->connstr('copy_plain') ]
		: [ 'pg_restore', '-e', '-j', 2, '-d', $node->connstr('copy_custom'), $file ], 'and back');
	my %there = (database => "copy_$format");
	is(entries('Moves', %there), entries('Moves'), "$format: all entries are back");
	are_true('Moves', $format, %there);
	sql(q{SELECT FROM dynamo.put_item('Moves', '{"pk": "p1", "sk": 1, "g": "restored"}');
		UPDATE dynamo_tables."Moves" SET item = item - 'h' WHERE pk = 'p2'; DELETE FROM dynamo_tables."Moves" WHERE pk = 'p3'}, %there);
	are_true('Moves', "$format: after writes", %there);
	is(call($node, 'Query', { TableName => 'Moves', IndexName => 'byG', KeyConditionExpression => 'g = :g',
			ExpressionAttributeValues => { ':g' => { S => 'restored' } } }, %there)->{Count}, 1, "$format: Query finds what was put");
	is(sql(q{SELECT string_agg(index_name, ' ' ORDER BY index_name COLLATE "C") FROM dynamo.indexes}, %there),
		join(' ', sort @indexes), "$format: the catalog");
}

# ---- logical replication ----

my $subscriber = start_node('subscriber');
create_moves('Moves', node => $subscriber);
sql(q{CREATE PUBLICATION moves FOR TABLE dynamo_tables."Moves"});
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION moves CONNECTION '" . $node->connstr . " dbname=postgres' PUBLICATION moves");
$subscriber->wait_for_subscription_sync($node, 'moves');
is(entries('Moves', node => $subscriber), entries('Moves'), 'replication: the first copy');
are_true('Moves', 'replication: the first copy', node => $subscriber);
sql(q{UPDATE dynamo_tables."Moves" SET item = random_row(right(pk, 1)::int, sk::int) WHERE sk % 2 = 0;
	DELETE FROM dynamo_tables."Moves" WHERE sk % 5 = 0;
	SELECT FROM dynamo.put_item('Moves', '{"pk": "p1", "sk": 7, "g": "replicated", "h": 1}');
	SELECT dynamo.update_item('Moves', '{"pk": "p1", "sk": 8}', 'SET g = :g', '{":g": "replicated"}');
	SELECT dynamo.delete_item('Moves', '{"pk": "p1", "sk": 1}')});
$node->wait_for_catchup('moves');
is(entries('Moves', node => $subscriber), entries('Moves'), 'replication: changes');
are_true('Moves', 'replication: changes', node => $subscriber);
is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM dynamo.query('Moves', 'g = :g', '{":g": "replicated"}', index_name => 'byG')}),
	'2', 'replication: an index of the subscriber is read');
sql(q{TRUNCATE dynamo_tables."Moves"});
$node->wait_for_catchup('moves');
is(entries('Moves', node => $subscriber), '0 0 0 0 0 0', 'replication: TRUNCATE');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION moves');
$subscriber->stop;

# ---- privileges and row security ----

sql(q{
	CREATE ROLE reader LOGIN;
	CREATE ROLE stranger LOGIN;
	GRANT SELECT ON dynamo_tables."Moves" TO reader;
	INSERT INTO dynamo_tables."Moves" (pk, sk, item) SELECT 'p' || n % 3, n,
		dynamo.json_to_item(random_item(n % 3, n) || '{"g": "a"}' || CASE WHEN n % 2 = 0 THEN '{"secret": true}'::jsonb ELSE '{}' END)
	FROM generate_series(1, 100) n});
my %by_g = (TableName => 'Moves', IndexName => 'byG', KeyConditionExpression => 'g = :g',
	ExpressionAttributeValues => { ':g' => { S => 'a' } });

is(call($node, 'Query', \%by_g, user => 'reader')->{Count}, 100, 'SELECT on the table is the right to read its indexes');
like(call_error($node, 'Query', \%by_g, user => 'stranger'), qr/^AccessDeniedException: /, 'who has none may not');
my ($status, $out, $err) = $node->psql('postgres', q{SELECT count(*) FROM dynamo_tables."Moves:byG"}, extra_params => [ '-U', 'reader' ]);
like($err, qr/permission denied for table Moves:byG/, 'the index table itself is closed to him');

sql(q{ALTER TABLE dynamo_tables."Moves" ENABLE ROW LEVEL SECURITY;
	CREATE POLICY open_ones ON dynamo_tables."Moves" USING (NOT item ? 'secret')});
is(call($node, 'Query', \%by_g)->{Count}, 100, 'row security: a superuser sees all');
for my $index (@indexes)
{
	my $seen = sql("SELECT count(*), count(DISTINCT i -> 'sk'), bool_or((i ->> 'sk')::int % 2 = 0)
		FROM dynamo.scan('Moves', index_name => '$index') i", user => 'reader');
	my $there = sql(qq{SELECT count(*), count(*), false FROM dynamo_tables."Moves:$index" WHERE (item #>> '{sk,N}')::int % 2 = 1});

	is($seen, $there, "row security: $index shows what the table would");
}
my ($pages, $found, $start) = (0, 0);
do
{
	my $page = call($node, 'Query', { %by_g, Limit => 7, $start ? (ExclusiveStartKey => $start) : () }, user => 'reader');
	$found += $page->{Count};
	$pages++;
	$start = $page->{LastEvaluatedKey};
} while ($start && $pages < 100);
is($found, 50, "row security: $pages pages of what is visible");
is(call($node, 'Query', { %by_g, Select => 'COUNT', ReturnConsumedCapacity => 'INDEXES' }, user => 'reader')->{ScannedCount}, 50,
	'row security: counts do not tell of hidden items');
is(call($node, 'Query', { %by_g, FilterExpression => 'attribute_exists(secret)' }, user => 'reader')->{Count}, 0,
	'row security: nor do filters');

# a role that may write maintains indexes that it cannot see
sql(q{CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON dynamo_tables."Moves" TO writer});
sql(q{SELECT FROM dynamo.put_item('Moves', '{"pk": "p0", "sk": 3, "g": "by writer"}');
	SELECT FROM dynamo.put_item('Moves', '{"pk": "new", "sk": 3, "g": "by writer"}');
	UPDATE dynamo_tables."Moves" SET item = item || '{"h": {"N": "77"}}' WHERE pk = 'p1';
	SELECT dynamo.delete_item('Moves', '{"pk": "p0", "sk": 9}')}, user => 'writer');
are_true('Moves', 'writes of a restricted role');

# ---- names, and what else belongs to a table ----

sql(q{ALTER TABLE dynamo_tables."Moves" RENAME TO "Movers"; ALTER TABLE dynamo_tables."Movers" DISABLE ROW LEVEL SECURITY});
is(sql(q{SELECT count(*) FROM dynamo.query('Movers', 'g = :g', '{":g": "by writer"}', index_name => 'byG')}), '2', 'a renamed table has its indexes');
sql(q{SELECT FROM dynamo.put_item('Movers', '{"pk": "new", "sk": 4, "g": "by writer"}')});
are_true('Movers', 'a renamed table');
call($node, 'DeleteTable', { TableName => 'Movers' });
is(sql(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamo_tables'::regnamespace}), '0', 'DeleteTable leaves nothing');
is(sql('SELECT count(*) FROM dynamo.index_definition'), '0', 'nor in the catalog');
$node->stop;

done_testing();
