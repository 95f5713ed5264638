# pg_dump and pg_restore: tables, keys, settings, tags and items come back as
# they were, in other clusters and databases, and work.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP ();
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $long_name = 'Long.name-' . 'x' x 245;
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $source = start_node('source');
my %keys = (
	Strings => { pk => 'S', sk => 'S' },
	Numbers => { id => 'N' },
	Bytes => { 'the key' => 'B', sk => 'B' },
	Parts => { pk => 'S', sk => 'N' },
	Moved => { id => 'S' },
	Renamed => { id => 'S' },
	$long_name => { id => 'S' });

sub create
{
	my ($name, %option) = @_;
	my $types = $keys{$name};
	my @names = sort { $a eq 'sk' ? 1 : $b eq 'sk' ? -1 : 0 } keys %$types;
	my %request = (
		TableName => $name,
		KeySchema => [ map { { AttributeName => $names[$_], KeyType => $_ ? 'RANGE' : 'HASH' } } 0 .. $#names ],
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => $types->{$_} } } @names ],
		BillingMode => 'PAY_PER_REQUEST', %option);

	return call($source, 'CreateTable', \%request, user => 'app');
}

sub put
{
	my ($node, $database, $table, @items) = @_;

	call($node, 'PutItem', { TableName => $table, Item => $_ }, database => $database) for @items;
}

sub arn
{
	return "arn:aws:dynamodb:us-east-1:000000000000:table/$_[0]";
}

# All that clients can see of a database.
sub picture
{
	my ($node, $database) = @_;
	my %option = (database => $database);
	my %picture = (tables => call($node, 'ListTables', {}, %option));

	for my $name (@{ $picture{tables}{TableNames} })
	{
		$picture{$name} = [
			call($node, 'DescribeTable', { TableName => $name }, %option),
			call($node, 'ListTagsOfResource', { ResourceArn => arn($name) }, %option),
			call($node, 'Scan', { TableName => $name }, %option)
		];
	}
	return \%picture;
}

sub check_works
{
	my ($node, $database, $how) = @_;
	my $key = { pk => { S => 'after' }, sk => { S => 'restore' } };

	put($node, $database, 'Strings', $key);
	is_deeply(call($node, 'GetItem', { TableName => 'Strings', Key => $key }, database => $database),
		{ Item => $key }, "$how: writes work");
	$node->safe_psql($database,
		q[INSERT INTO dynamo_tables."Parts" (pk, sk, item) VALUES ('sql', 7, '{"pk": {"S": "sql"}, "sk": {"N": "7"}}')]);
	is($node->safe_psql($database,
			q[SELECT sk FROM dynamo_tables."Parts" WHERE pk = 'sql']),
		'7', "$how: so does plain SQL");
	my (undef, undef, $error) = $node->psql($database,
		q[INSERT INTO dynamo_tables."Numbers" (pk, item) VALUES (1, '{}')]);
	like($error, qr/item has no key attribute/, "$how: and the constraint");
	is($node->safe_psql($database,
			q[SELECT count(DISTINCT tableoid) FROM dynamo_tables."Parts"]) > 1,
		1, "$how: partitions hold the items");
	$node->safe_psql($database, 'ALTER TABLE dynamo_tables."Numbers" RENAME TO "Figures"');
	ok((grep { $_ eq 'Figures' } @{ call($node, 'ListTables', {}, database => $database)->{TableNames} }),
		"$how: the catalog follows DDL");
	call($node, 'DeleteTable', { TableName => 'Figures' }, database => $database);
	create_table($node, 'Fresh', 1, database => $database);
	is($node->safe_psql($database, 'SELECT count(*) FROM dynamo.table_definition'),
		7, "$how: tables come and go");
}

# ---- what is to be dumped ----

$source->safe_psql('postgres',
	'CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN; GRANT CREATE ON SCHEMA dynamo_tables TO app;
	 CREATE SCHEMA elsewhere AUTHORIZATION app');
create('Strings', Tags => [ map { { Key => "k$_", Value => "v + - = . _ : / @ $_" } } 1 .. 3 ]);
create('Numbers', BillingMode => 'PROVISIONED',
	ProvisionedThroughput => { ReadCapacityUnits => 5, WriteCapacityUnits => 6 });
create('Bytes', TableClass => 'STANDARD_INFREQUENT_ACCESS');
$source->safe_psql('postgres', 'ALTER DATABASE postgres SET dynamo.table_partitions = 3');
create('Parts');
$source->safe_psql('postgres', 'ALTER DATABASE postgres RESET dynamo.table_partitions');
create($long_name, DeletionProtectionEnabled => JSON::PP::true);
create('Moved', Tags => [ { Key => 'moved', Value => '' } ]);
$keys{Before} = { id => 'S' };
create('Before');
delete $keys{Before};
$source->safe_psql('postgres',
	'ALTER TABLE dynamo_tables."Moved" SET SCHEMA elsewhere;
	 ALTER TABLE dynamo_tables."Before" RENAME TO "Renamed"');

put($source, 'postgres', 'Strings',
	{ pk => { S => "\0" }, sk => { S => "a\0b" }, v => { S => "\1\0\1" }, "\0name" => { NULL => JSON::PP::true } },
	{ pk => { S => 'p' x 2048 }, sk => { S => 's' x 1024 } },
	{ pk => { S => "\0" x 2048 }, sk => { S => "\0" x 1024 } },
	{ pk => { S => 'a' }, sk => { S => "\x{1F600}\\N\t" }, m => { M => { l => { L => [ { N => '1e3' }, { BOOL => JSON::PP::false } ] } } } },
	{ pk => { S => 'a' }, sk => { S => 'big' }, v => { S => 'x' x 300000 } });
put($source, 'postgres', 'Numbers', map { { id => { N => $_ }, s => { NS => [ '2', '10', '-1' ] } } }
	  qw(0 -1 1e-130 -9.9999999999999999999999999999999999999E+125 12345678901234567890123456789012345678 0.5));
put($source, 'postgres', 'Bytes',
	{ 'the key' => { B => 'AAEC' }, sk => { B => '/w==' }, v => { BS => [ 'AA==', 'AQ==' ] } });
put($source, 'postgres', 'Parts', map { { pk => { S => "p$_" }, sk => { N => "$_" } } } 1 .. 20);
put($source, 'postgres', $_, { id => { S => 'a' } }) for 'Moved', 'Renamed', $long_name;
my $before = picture($source, 'postgres');
is(scalar @{ $before->{tables}{TableNames} }, 7, 'there are tables to dump');

# ---- as superuser, into another cluster ----

my $target = PostgreSQL::Test::Cluster->new('target');
$target->init;
$target->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_dynamo'");
$target->start;
$target->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE reader LOGIN');
command_ok([ 'pg_dump', '-d', $source->connstr('postgres'), '-f', "$dir/plain.sql" ], 'pg_dump');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $target->connstr('postgres'), '-f', "$dir/plain.sql" ],
	'its script runs in a new cluster');
is_deeply(picture($target, 'postgres'), $before, 'and all is there');
is($target->safe_psql('postgres',
		"SELECT string_agg(DISTINCT owner, ',') FROM dynamo.tables"), 'app', 'owners too');
check_works($target, 'postgres', 'new cluster');

# ---- custom format, parallel ----

$source->safe_psql('postgres', 'CREATE DATABASE parallel');
command_ok([ 'pg_dump', '-Fc', '-d', $source->connstr('postgres'), '-f', "$dir/custom" ], 'pg_dump -Fc');
command_ok([ 'pg_restore', '-e', '-j2', '-d', $source->connstr('parallel'), "$dir/custom" ], 'pg_restore -j2');
is_deeply(picture($source, 'parallel'), $before, 'and all is there');
check_works($source, 'parallel', 'parallel restore');

# ---- by an ordinary role ----

$source->safe_psql('postgres',
	'GRANT SELECT ON ALL TABLES IN SCHEMA dynamo_tables, elsewhere TO reader; GRANT USAGE ON SCHEMA elsewhere TO reader;
	 CREATE DATABASE reader');
command_ok([ 'pg_dump', '-U', 'reader', '-d', $source->connstr('postgres'), '-f', "$dir/reader.sql" ],
	'pg_dump by a role that may only read');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $source->connstr('reader'), '-f', "$dir/reader.sql" ],
	'its script runs');
is_deeply(picture($source, 'reader'), $before, 'and all is there');

# ---- definitions of relations only: the API knows no tables ----

$source->safe_psql('postgres', 'CREATE DATABASE schema_only');
command_ok([ 'pg_dump', '--schema-only', '-d', $source->connstr('postgres'), '-f', "$dir/schema.sql" ],
	'pg_dump --schema-only');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $source->connstr('schema_only'), '-f', "$dir/schema.sql" ],
	'its script runs');
is_deeply(call($source, 'ListTables', {}, database => 'schema_only'), { TableNames => [] },
	'definitions are data, and not in it');
like(call_error($source, 'GetItem', { TableName => 'Renamed', Key => { id => { S => 'a' } } }, database => 'schema_only'),
	qr/^ResourceNotFoundException: /, 'so the API does not find the tables');
command_ok([ 'pg_restore', '-e', '--data-only', '-d', $source->connstr('schema_only'), "$dir/custom" ],
	'pg_restore --data-only completes it');
is_deeply(picture($source, 'schema_only'), $before, 'and all is there');

$_->stop for $source, $target;
done_testing();
