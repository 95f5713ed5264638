# SQL's own DDL on item tables that another session has used: it notices.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main');
my $user = open_session($node);		# uses the tables
my $admin = open_session($node);	# changes them
my $not_found = 'ERROR: ResourceNotFoundException: Requested resource not found';

sub get
{
	my ($table) = @_;

	return ask($user, "SELECT dynamo.get_item('$table', '{\"id\": \"a\"}')");
}

sub put
{
	my ($table, $more) = @_;

	return ask($user, "SELECT FROM dynamo.put_item('$table', '{\"id\": \"a\"" . ($more // '') . "}')");
}

sub change
{
	my ($statement, $name) = @_;

	is(ask($admin, $statement), '', $name // $statement);
}

# a new table that the user's session has read and written
sub make
{
	my ($table) = @_;

	ask($admin, "SELECT dynamo.create_table('$table', 'id S')");
	put($table);
	is(get($table), '{"id": "a"}', "$table is in use");
}

make('Renamed');
change('ALTER TABLE dynamo_tables."Renamed" RENAME TO "After"');
is(get('Renamed'), $not_found, 'the old name is gone');
is(put('Renamed'), $not_found, 'for writes too');
is(get('After'), '{"id": "a"}', 'the new name works');
make('Renamed');
put('Renamed', ', "other": true');
is(get('After'), '{"id": "a"}', 'and is another table than one of the old name');

# two tables swap their names in one transaction
change('BEGIN; ALTER TABLE dynamo_tables."Renamed" RENAME TO "swap-";
	ALTER TABLE dynamo_tables."After" RENAME TO "Renamed";
	ALTER TABLE dynamo_tables."swap-" RENAME TO "After"; COMMIT', 'names are swapped');
is(get('After'), '{"id": "a", "other": true}', 'one has the items of the other');
is(get('Renamed'), '{"id": "a"}', 'and vice versa');
put('After', ', "n": 1');
is(ask($admin, q{SELECT item FROM dynamo_tables."After"}),
	'{"n": {"N": "1"}, "id": {"S": "a"}}', 'writes go to the right one');

# the same with partitions, whose names are derived from the table's
change("SET dynamo.table_partitions = 2");
make('Parted');
change('ALTER TABLE dynamo_tables."Parted" RENAME TO "Parted-before"');
make('Parted');
change('RESET dynamo.table_partitions');
put('Parted', ', "new": true');
is(get('Parted-before'), '{"id": "a"}', 'partitions of the old name stay with their table');

# what is rolled back has not happened
change('BEGIN; ALTER TABLE dynamo_tables."After" RENAME TO "Never"; ROLLBACK', 'a rename is rolled back');
is(get('After'), '{"n": 1, "id": "a"}', 'the name stays');
is(get('Never'), $not_found, 'the other does not exist');

make('Moved');
change('CREATE SCHEMA elsewhere');
change('ALTER TABLE dynamo_tables."Moved" SET SCHEMA elsewhere');
is(get('Moved'), '{"id": "a"}', 'a table in another schema is read');
is(put('Moved', ', "n": 2'), '', 'and written');
change('ALTER SCHEMA elsewhere RENAME TO nowhere');
is(get('Moved'), '{"n": 2, "id": "a"}', 'a table in a renamed schema is read');
is(put('Moved', ', "n": 3'), '', 'and written');
is(ask($user, q{SELECT dynamo.update_item('Moved', '{"id": "a"}', 'ADD n :n', '{":n": 1}')}),
	'{"n": 4, "id": "a"}', 'by statements not used before the move');

make('Columns');
change('ALTER TABLE dynamo_tables."Columns" ADD COLUMN extra int DEFAULT 7');
is(get('Columns'), '{"id": "a"}', 'a column more does not matter');
is(put('Columns', ', "n": 1'), '', 'for puts');
is(ask($user, q{SELECT dynamo.scan('Columns')}), '{"n": 1, "id": "a"}', 'and scans');
change('ALTER TABLE dynamo_tables."Columns" DROP COLUMN extra');
is(put('Columns'), '', 'nor does one less');
like(ask($admin, 'ALTER TABLE dynamo_tables."Columns" DROP COLUMN pk CASCADE'),
	qr/^ERROR: column "pk" of item table "Columns" cannot be dropped/, 'a key column stays');
like(ask($admin, 'ALTER TABLE dynamo_tables."Columns" RENAME COLUMN item TO thing'),
	qr/^ERROR: column "item" of item table "Columns" cannot be dropped/, 'the item too');
is(put('Columns'), '', 'and the table works');

# privileges and owner
change('CREATE ROLE regress_owner; CREATE ROLE regress_user');
make('Owned');
ask($user, 'SET ROLE regress_user');
like(get('Owned'), qr/^ERROR: AccessDeniedException: /, 'another role may not read');
change('GRANT SELECT ON dynamo_tables."Owned" TO regress_user');
is(get('Owned'), '{"id": "a"}', 'a grant is noticed');
like(put('Owned'), qr/^ERROR: AccessDeniedException: /, 'writing is another right');
change('REVOKE SELECT ON dynamo_tables."Owned" FROM regress_user');
like(get('Owned'), qr/^ERROR: AccessDeniedException: /, 'so is its revocation');
change('ALTER TABLE dynamo_tables."Owned" OWNER TO regress_user');
is(put('Owned', ', "n": 1'), '', 'the owner may write');
is(ask($user, q{SELECT dynamo.update_table('{"TableName": "Owned", "DeletionProtectionEnabled": true}') -> 'TableDescription' ->> 'DeletionProtectionEnabled'}),
	'true', 'and change the settings');
change('ALTER TABLE dynamo_tables."Owned" OWNER TO regress_owner');
like(get('Owned'), qr/^ERROR: AccessDeniedException: /, 'the former owner may not');
like(ask($user, q{SELECT dynamo.delete_table('{"TableName": "Owned"}')}),
	qr/^ERROR: AccessDeniedException: /, 'nor delete it');
ask($user, 'RESET ROLE');

make('Dropped');
change('DROP TABLE dynamo_tables."Dropped"');
is(get('Dropped'), $not_found, 'a dropped table is not found');
is(put('Dropped'), $not_found, 'by writes either');
is(ask($user, q{SELECT dynamo.scan('Dropped')}), $not_found, 'nor by scans');
is(ask($admin, q{SELECT count(*) FROM dynamo.table_definition WHERE table_name = 'Dropped'}),
	'0', 'its definition is gone');
ask($admin, q{SELECT dynamo.create_table('Dropped', 'id N')});
like(get('Dropped'), qr/^ERROR: ValidationException: /, 'a new table of its name has its own key');
is(ask($user, q{SELECT dynamo.put_item('Dropped', '{"id": 1}')}), '', 'and works');
change('DROP SCHEMA nowhere CASCADE');
is(get('Moved'), $not_found, 'a table dropped with its schema is not found');
change('DROP OWNED BY regress_owner');
is(get('Owned'), $not_found, 'nor one dropped with its owner');

# in one transaction, by the session itself
make('Own');
is(ask($user, 'BEGIN; ALTER TABLE dynamo_tables."Own" RENAME TO "Mine"'), '', 'a session renames a table');
is(get('Mine'), '{"id": "a"}', 'and uses it at once');
ask($user, 'ROLLBACK');
is(get('Own'), '{"id": "a"}', 'rolled back, the old name works');
is(get('Mine'), $not_found, 'and the new one does not');

# the extension itself
like(ask($admin, 'DROP EXTENSION pg_dynamo CASCADE'),
	qr/^ERROR: cannot drop extension "pg_dynamo" while item tables exist/, 'the extension stays while there are tables');
like(ask($admin, 'DROP EXTENSION pg_dynamo'), qr/^ERROR: cannot drop/, 'without CASCADE too');
ask($admin, 'DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT relid FROM dynamo.table_definition LOOP
	EXECUTE format(\'DROP TABLE %s\', t); END LOOP; END $$');
change('DROP EXTENSION pg_dynamo');
change('CREATE EXTENSION pg_dynamo');
make('Again');
is(put('Again', ', "n": 5'), '', 'a session that used the former extension uses the new one');

$_->quit for $user, $admin;
$node->stop;
done_testing();
