# Item tables under replication: logical, to a server with tables of its own,
# and physical, to a standby that answers reads.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @tables = ('Strings', 'Numbers', 'Bytes', 'Full');
my %type = (Strings => 'S', Numbers => 'N', Bytes => 'B', Full => 'S');
my @keys = (
	[ { S => 'a' }, { S => "\0\1" }, { S => 'k' x 2048 }, { S => "\0" x 2048 } ],
	[ { N => '1' }, { N => '-1E-130' }, { N => '12345678901234567890123456789012345678' }, { N => '0' } ],
	[ { B => 'AA==' }, { B => '/w==' }, { B => 'AAAA' }, { B => 'AQID' } ],
	[ { S => 'a' }, { S => 'b' }, { S => 'c' }, { S => 'k' x 2000 } ]);

sub create_all
{
	my ($node) = @_;

	for my $name (@tables)
	{
		call($node, 'CreateTable', {
			TableName => $name,
			BillingMode => 'PAY_PER_REQUEST',
			KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
			AttributeDefinitions => [ { AttributeName => 'id', AttributeType => $type{$name} } ] });
	}
}

sub put
{
	my ($node, $table, $key, %more) = @_;

	call($node, 'PutItem', { TableName => $table, Item => { id => $key, %more } });
}

# rows as they are stored, keys and items
sub rows
{
	my ($node) = @_;

	return join "\n", map { "$_\n" . $node->safe_psql('postgres',
			"SELECT pk, item FROM dynamo_tables.\"$_\" ORDER BY pk") } @tables;
}

my $publisher = start_node('publisher', conf => 'max_wal_senders = 10');
my $subscriber = start_node('subscriber');
create_all($_) for $publisher, $subscriber;
$publisher->safe_psql('postgres', 'ALTER TABLE dynamo_tables."Full" REPLICA IDENTITY FULL');

for my $t (0 .. $#tables)
{
	put($publisher, $tables[$t], $keys[$t][0], v => { S => 'first' });
	put($publisher, $tables[$t], $keys[$t][1], big => { S => 'x' x 100000 }, n => { N => '1' });
}
my $list = join ', ', map { "dynamo_tables.\"$_\"" } @tables;
$publisher->safe_psql('postgres', "CREATE PUBLICATION items FOR TABLE $list");
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION items CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION items");
$subscriber->wait_for_subscription_sync($publisher, 'items');
is(rows($subscriber), rows($publisher), 'the first copy is complete');

for my $t (0 .. $#tables)
{
	put($publisher, $tables[$t], $keys[$t][2], v => { S => 'new' });
	put($publisher, $tables[$t], $keys[$t][3], v => { S => 'new' });
	put($publisher, $tables[$t], $keys[$t][0], v => { S => 'second' });
	call($publisher, 'UpdateItem', {
		TableName => $tables[$t], Key => { id => $keys[$t][1] },
		UpdateExpression => 'ADD n :one', ExpressionAttributeValues => { ':one' => { N => '1' } } });
	call($publisher, 'DeleteItem', { TableName => $tables[$t], Key => { id => $keys[$t][2] } });
}
$publisher->wait_for_catchup('items');
is(rows($subscriber), rows($publisher), 'inserts, updates and deletes arrive');
for my $t (0 .. $#tables)
{
	for my $k (0, 1, 3)
	{
		my $request = { TableName => $tables[$t], Key => { id => $keys[$t][$k] } };
		is_deeply(call($subscriber, 'GetItem', $request), call($publisher, 'GetItem', $request),
			"$tables[$t]: key $k is found on the subscriber");
	}
	is(call($subscriber, 'Scan', { TableName => $tables[$t] })->{Count}, 3, "$tables[$t]: a scan finds the items");
}

# many changes in one transaction, a truncation, and a write of SQL
$publisher->safe_psql('postgres',
	q{SELECT FROM generate_series(1, 2000) n, dynamo.put_item('Full', jsonb_build_object('id', 'n' || n, 'n', n));
	  TRUNCATE dynamo_tables."Bytes";
	  INSERT INTO dynamo_tables."Numbers" (item) VALUES ('{"id": {"N": "77"}}');
	  UPDATE dynamo_tables."Full" SET item = item || '{"by": {"S": "sql"}}' WHERE pk < 'n15'});
$publisher->wait_for_catchup('items');
is(rows($subscriber), rows($publisher), 'so do bulk changes, truncation and the writes of SQL');
put($subscriber, 'Strings', { S => 'local' });
is($subscriber->safe_psql('postgres', q{SELECT count(*) FROM dynamo_tables."Strings" WHERE pk = 'local'}),
	'1', 'the subscriber writes, too');
unlike(slurp_file($subscriber->logfile), qr/ERROR:.*(item|key)/, 'nothing failed to apply');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION items');
$subscriber->stop;

# ---- a standby ----

my $standby = PostgreSQL::Test::Cluster->new('standby');
call($publisher, 'TagResource', {
	ResourceArn => 'arn:aws:dynamodb:us-east-1:000000000000:table/Strings', Tags => [ { Key => 'k', Value => 'v' } ] });
$publisher->backup('base');
$standby->init_from_backup($publisher, 'base', has_streaming => 1);
$standby->start;
create_table($publisher, 'Later', 1);
call($publisher, 'PutItem', { TableName => 'Later', Item => { pk => { S => 'p' }, sk => { S => 's' } } });
$publisher->wait_for_catchup($standby, 'replay', $publisher->lsn('insert'));

my @reads = (
	[ 'GetItem', { TableName => 'Strings', Key => { id => { S => 'a' } } } ],
	[ 'Query', { TableName => 'Later', KeyConditionExpression => 'pk = :p', ExpressionAttributeValues => { ':p' => { S => 'p' } } } ],
	[ 'Scan', { TableName => 'Strings' } ],
	[ 'DescribeTable', { TableName => 'Full' } ],
	[ 'ListTables', {} ],
	[ 'ListTagsOfResource', { ResourceArn => 'arn:aws:dynamodb:us-east-1:000000000000:table/Strings' } ],
	[ 'DescribeLimits', {} ]);
for my $read (@reads)
{
	is_deeply(call($standby, @$read), call($publisher, @$read), "$read->[0] answers on the standby");
}
is($standby->safe_psql('postgres', q{SELECT dynamo.scan('Later')}), '{"pk": "p", "sk": "s"}',
	'so does the set-returning scan');
is($standby->safe_psql('postgres', q{SELECT dynamo.query('Later', 'pk = :p', '{":p": "p"}')}), '{"pk": "p", "sk": "s"}',
	'and the query');

my %key = (Key => { id => { S => 'a' } });
my @writes = (
	[ 'PutItem', { TableName => 'Strings', Item => { id => { S => 'a' } } } ],
	[ 'UpdateItem', { TableName => 'Strings', %key } ],
	[ 'DeleteItem', { TableName => 'Strings', %key } ],
	[ 'DeleteTable', { TableName => 'Strings' } ],
	[ 'UpdateTable', { TableName => 'Strings', DeletionProtectionEnabled => JSON::PP::true() } ],
	[ 'TagResource', { ResourceArn => 'arn:aws:dynamodb:us-east-1:000000000000:table/Strings', Tags => [ { Key => 'k', Value => 'w' } ] } ],
	[ 'UntagResource', { ResourceArn => 'arn:aws:dynamodb:us-east-1:000000000000:table/Strings', TagKeys => ['k'] } ]);
for my $write (@writes)
{
	is(call_error($standby, @$write), "cannot execute $write->[0] in a read-only transaction",
		"$write->[0] is refused on the standby");
}
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
	'1', 'the standby is well');

# the same on a primary, for a role that may only read
$publisher->safe_psql('postgres',
	'CREATE ROLE readonly SUPERUSER LOGIN; ALTER ROLE readonly SET default_transaction_read_only = on');
for my $write (@writes)
{
	is(call_error($publisher, @$write, user => 'readonly'),
		"cannot execute $write->[0] in a read-only transaction", "$write->[0] is refused in a read-only transaction");
}

$standby->promote;
put($standby, 'Strings', { S => 'promoted' });
is_deeply(call($standby, 'GetItem', { TableName => 'Strings', Key => { id => { S => 'promoted' } } }),
	{ Item => { id => { S => 'promoted' } } }, 'a promoted standby writes');

$_->stop for $standby, $publisher;
done_testing();
