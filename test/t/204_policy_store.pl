# Where policies are kept: a policy put in one session is in force in every
# other session's and worker's next request, and so is its end; roles are
# renamed and dropped; a dump carries policies, and never to another role; they
# stay out of logical replication.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use PolicyTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $workers = 3;
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $server = start_http_node('main', workers => $workers);
my $node = $server->{node};
my $arn = table_arn('Notes');
my $key = { TableName => 'Notes', Key => { pk => { S => 'a' } } };
my $item = { TableName => 'Notes', Item => { pk => { S => 'a' } } };
my @sessions = map { open_session($node) } 1 .. 2;

sub sql { return $node->safe_psql('postgres', @_) }

my $alice = add_caller($server, 'alice', 'LOGIN');
my $bob = add_caller($server, 'bob', 'LOGIN');
create_table($node, 'Notes', 0);
sql('GRANT ALL ON dynamo_tables."Notes" TO alice, bob; CREATE ROLE readers; CREATE ROLE writers');

# What GetItem answers in each of many connections, which all workers serve, and
# in sessions that have been there before: one answer, if they agree.
my @connections;

sub everywhere
{
	my ($caller, $operation, $request) = @_;
	my %seen;

	for my $number (1 .. 4 * $workers)
	{
		my $other = $connections[$number]{ $caller->{key_id} } //= { %$caller, connection => undef };
		$seen{ over_http($other, $operation, $request) }++;
	}
	for my $session (@sessions)
	{
		ask($session, "SET ROLE $caller->{role}");
		my $answer = ask($session, "SELECT dynamo.execute('$operation', '" . encode_json($request) . "')");
		ask($session, 'RESET ROLE');
		$seen{ $answer =~ /^ERROR: (.*)/ ? "400 $1" : 200 }++;
	}
	return join ' or ', sort keys %seen;
}

# the same over HTTP alone
sub in_all_workers
{
	my ($caller, $operation, $request) = @_;
	my %seen = map { over_http($_->{ $caller->{key_id} } //= { %$caller, connection => undef }, $operation, $request) => 1 }
	  @connections[ 1 .. 4 * $workers ];

	return join ' or ', sort keys %seen;
}

# ---- in force with the next request ----

is(everywhere($alice, 'GetItem', $key), '200', 'without policies everything is allowed');
set_policy($alice, allow('PutItem', $arn));
is(everywhere($alice, 'GetItem', $key), denied($alice, 'GetItem', $arn), 'a policy is in force everywhere');
is(everywhere($alice, 'PutItem', $item), '200', 'and allows what it says');
is(everywhere($bob, 'GetItem', $key), '200', 'another role is not concerned');
set_policy($alice, allow('GetItem', $arn));
is(everywhere($alice, 'GetItem', $key), '200', 'a policy that is replaced has no force');
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'the new one has');
sql(q{UPDATE dynamo.identity_policy SET document = replace(document, 'GetItem', 'PutItem')});
is(everywhere($alice, 'GetItem', $key), denied($alice, 'GetItem', $arn), 'so has what SQL has changed');
sql(q{BEGIN; TRUNCATE dynamo.identity_policy; ROLLBACK});
is(everywhere($alice, 'GetItem', $key), denied($alice, 'GetItem', $arn), 'and not what was rolled back');
sql(q{TRUNCATE dynamo.identity_policy});
is(everywhere($alice, 'GetItem', $key), '200', 'TRUNCATE ends policies');

# of a key alone
my $row = sql(q{SELECT * FROM dynamo.create_access_key('alice')});
my ($other_id, $other_secret) = split /\|/, $row;
my $other = { %$alice, key_id => $other_id, connection => undef,
	client => $alice->{client}->with(key_id => $other_id, secret => $other_secret) };
is(over_http($other, 'GetItem', $key), '200', 'another key of the role');
set_key_policy($other, deny('GetItem', $arn));
is(in_all_workers($other, 'GetItem', $key), denied_explicitly($other, 'GetItem', $arn), 'the policy of a key is in force everywhere');
is(everywhere($alice, 'GetItem', $key), '200', 'and holds for that key only');
my ($new_id, $new_secret) = split /\|/, sql("SELECT * FROM dynamo.rotate_access_key('$other_id')");
my $new = { %$other, key_id => $new_id, connection => undef,
	client => $alice->{client}->with(key_id => $new_id, secret => $new_secret) };
is(in_all_workers($new, 'GetItem', $key), denied_explicitly($new, 'GetItem', $arn), 'a key in place of another has its policies');
sql("SELECT dynamo.delete_access_key_policy('$new_id', 'test')");
is(in_all_workers($new, 'GetItem', $key), '200', 'until they are deleted');
sql("SELECT dynamo.delete_access_key('$other_id')");
is(sql('SELECT count(*) FROM dynamo.access_key_policy'), '0', 'a deleted key takes its policies along');

# of a table
set_resource_policy($server, $arn, { %{ deny('GetItem', $arn) }, Principal => { AWS => user_arn($alice) } });
is(everywhere($alice, 'GetItem', $key), denied_by_resource($alice, 'GetItem', $arn), 'the policy of a table is in force everywhere');
is(everywhere($bob, 'GetItem', $key), '200', 'for whom it concerns');
drop_resource_policy($server, $arn);
is(everywhere($alice, 'GetItem', $key), '200', 'and so is its end');

# who would lock himself out confirms it, in the body or by a header
sql('ALTER TABLE dynamo_tables."Notes" OWNER TO alice');
my $locking = { ResourceArn => $arn, Policy => policy_text({ %{ deny('PutResourcePolicy', $arn) }, Principal => '*' }) };
like(over_http($alice, 'PutResourcePolicy', $locking), qr/^400 ValidationException: .* in the future\.$/, 'unconfirmed');
like(over_http($alice, 'PutResourcePolicy', { %$locking, ConfirmRemoveSelfResourceAccess => JSON::PP::true }), qr/^200/, 'confirmed');
is(over_http($alice, 'PutResourcePolicy', $locking), denied_by_resource($alice, 'PutResourcePolicy', $arn), 'and locked out');
is(over_http($alice, 'DeleteResourcePolicy', { ResourceArn => $arn }), '200', 'deleted');
is(answer_over_http($alice, 'PutResourcePolicy', $locking,
		headers => [ [ 'x-amz-confirm-remove-self-resource-access', 'true' ] ])->{status}, 200, 'confirmed by a header');
is(over_http($alice, 'DeleteResourcePolicy', { ResourceArn => $arn }), '200', 'deleted');
like(over_http($alice, 'PutResourcePolicy', $locking), qr/^400 ValidationException/, 'the header was for one call');

# in the transaction that changes them
ask($sessions[0], 'BEGIN ISOLATION LEVEL REPEATABLE READ');
is(ask($sessions[0], 'SELECT count(*) FROM dynamo.identity_policy'), '0', 'a transaction with a snapshot');
set_policy($bob, deny('GetItem', $arn));
ask($sessions[0], $_) for 'SELECT count(*) FROM dynamo.resource_policy', 'SET LOCAL ROLE bob';
like(ask($sessions[0], "SELECT dynamo.execute('GetItem', '" . encode_json($key) . "')"), qr/^ERROR: AccessDenied/,
	'sees policies of now, not of its snapshot');
ask($sessions[0], 'ROLLBACK');
ask($sessions[0], $_) for 'BEGIN', q{SELECT dynamo.delete_role_policy('bob', 'test')}, 'SET LOCAL ROLE bob';
unlike(ask($sessions[0], "SELECT dynamo.execute('GetItem', '" . encode_json($key) . "')"), qr/^ERROR/,
	'a policy deleted here has no force here');
like(over_http($bob, 'GetItem', $key), qr/explicit deny/, 'but elsewhere');
ask($sessions[0], 'ROLLBACK');
is(everywhere($bob, 'GetItem', $key), denied_explicitly($bob, 'GetItem', $arn), 'and here again after a rollback');
drop_policy($bob);

# ---- memberships ----

sql(q{SELECT dynamo.put_role_policy('readers', 'p', '} . policy_text(allow('GetItem', $arn)) . q{')});
sql(q{SELECT dynamo.put_role_policy('writers', 'p', '} . policy_text(allow('PutItem', $arn)) . q{')});
is(everywhere($alice, 'PutItem', $item), '200', 'policies of roles that one is no member of');
sql('GRANT readers TO alice');
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'a membership is in force everywhere');
is(everywhere($alice, 'GetItem', $key), '200', 'with what it allows');
sql('ALTER ROLE alice NOINHERIT; GRANT writers TO readers');
is(everywhere($alice, 'PutItem', $item), '200', 'an indirect one too, inherited or not');
sql('REVOKE writers FROM readers');
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'until it is revoked');
sql('ALTER ROLE alice SUPERUSER');
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'a superuser is a member of what GRANT says');
is(everywhere($bob, 'PutItem', $item), '200', 'and nobody else is');
sql('ALTER ROLE alice NOSUPERUSER INHERIT');

# ---- roles come and go ----

sql('ALTER ROLE readers RENAME TO lectors');
is(sql('SELECT role FROM dynamo.identity_policies ORDER BY 1'), "lectors\nwriters", 'a renamed role keeps its policies');
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'which hold as before');
sql('DROP ROLE lectors');
is(everywhere($alice, 'PutItem', $item), '200', 'those of a dropped role do not');
sql('CREATE ROLE lectors; GRANT lectors TO alice');
is(everywhere($alice, 'PutItem', $item), '200', 'nor for another of its name');
is(sql('SELECT count(*) FROM dynamo.identity_policy'), '2', 'they wait to be swept');
sql(q{SELECT dynamo.put_role_policy('writers', 'q', '} . policy_text(allow('Query', $arn)) . q{')});
is(sql('SELECT string_agg(policy_name, \' \' ORDER BY policy_name) FROM dynamo.identity_policy'), 'p q',
	'and are when a policy is made');

# ---- many policies ----

sql(q{INSERT INTO dynamo.identity_policy (role, policy_name, document)
	SELECT 'alice', 'p' || g, '} . policy_text(allow('Query', $arn)) . q{' FROM generate_series(1, 300) g});
is(everywhere($alice, 'PutItem', $item), denied($alice, 'PutItem', $arn), 'hundreds of policies of one role');
sql(q{SELECT dynamo.put_role_policy('alice', 'p150', '} . policy_text(allow('PutItem', $arn)) . q{')});
is(everywhere($alice, 'PutItem', $item), '200', 'one of them decides');
sql('DELETE FROM dynamo.identity_policy');

# ---- dumps ----

sub policies
{
	my ($of, $database) = @_;

	return $of->safe_psql($database // 'postgres', q{
		SELECT coalesce(role::text, ''), policy_name, document, created_at FROM dynamo.identity_policy
		UNION ALL SELECT relid::text, revision_id, document, changed_at FROM dynamo.resource_policy
		ORDER BY 1, 2});
}

sql(q{CREATE ROLE "Odd role"; SELECT dynamo.put_role_policy('"Odd role"', 'o', '} . policy_text(deny('*', '*')) . q{')});
set_policy($alice, allow([qw(GetItem PutItem)], $arn));
set_key_policy($bob, allow('*', '*'));
set_resource_policy($server, $arn, { %{ deny('Scan', $arn) }, Principal => '*' });
my $before = policies($node);
is(scalar(split /\n/, $before), 3, 'there are policies to dump');
sql(q{CREATE ROLE gone; SELECT dynamo.put_role_policy('gone', 'p', '} . policy_text(deny('*', '*')) . q{'); DROP ROLE gone});
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', "$dir/policies.sql" ], 'pg_dump');
command_ok([ 'pg_dump', '-U', 'bob', '-d', $node->connstr('postgres'), '-f', "$dir/bob.sql" ], 'by an ordinary role, too');
unlike(slurp_file("$dir/policies.sql"), qr/\Q$bob->{key_id}\E/, 'no access key is in it');
for my $file (qw(policies bob))
{
	sql("CREATE DATABASE $file");
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($file), '-f', "$dir/$file.sql" ], "restored from $file");
	is(policies($node, $file), $before, 'with all policies, but those of dropped roles');
}
my $outcome = $node->safe_psql('policies', q{SET ROLE alice; SELECT dynamo.get_item('} . encode_json($key) . q{') ? 'Item'});
is($outcome, 't', 'what is allowed there is allowed');
my (undef, undef, $error) = $node->psql('policies', q{SET ROLE alice; SELECT dynamo.delete_item('} . encode_json($key) . q{')});
like($error, qr/AccessDeniedException/, 'and what is not is not');

# a cluster without one of the roles
my $target = PostgreSQL::Test::Cluster->new('target');
$target->init;
$target->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_dynamo'\ndynamo.http_workers = 0");
$target->start;
my $owner = sql('SELECT current_user');
$target->safe_psql('postgres', "CREATE ROLE app LOGIN; CREATE ROLE alice; CREATE ROLE bob");
my ($status, undef, $errors) = $target->psql('postgres', slurp_file("$dir/policies.sql"), on_error_stop => 0);
like($errors, qr/role ""Odd role"" does not exist|role "Odd role" does not exist/, 'a missing role is an error of the restore');
is($target->safe_psql('postgres', 'SELECT count(*) FROM dynamo.identity_policy'), '0', 'and no policy becomes another role\'s');
isnt($target->safe_psql('postgres', 'SELECT count(*) FROM dynamo.resource_policy'), '0', 'the others are there');
$target->psql('postgres', q{INSERT INTO dynamo.identity_policy SELECT oid, 'x', '{}' FROM pg_roles LIMIT 1}, on_error_stop => 0);
is($target->safe_psql('postgres', 'SELECT count(*) FROM dynamo.identity_policy'), '0', 'nor is a malformed one restored');
$target->stop;

# ---- logical replication ----

sql('DELETE FROM dynamo.identity_policy; DELETE FROM dynamo.resource_policy; DELETE FROM dynamo.access_key_policy');
$node->safe_psql('policies', 'DELETE FROM dynamo.identity_policy; DELETE FROM dynamo.resource_policy');
sql('CREATE PUBLICATION everything FOR TABLE dynamo.identity_policy, dynamo.resource_policy, dynamo.access_key_policy');
sql(q{SELECT pg_create_logical_replication_slot('policies', 'pgoutput')});
$node->safe_psql('policies', "CREATE SUBSCRIPTION policies CONNECTION '" . $node->connstr
	  . " dbname=postgres' PUBLICATION everything WITH (create_slot = false, slot_name = 'policies', copy_data = false)");
set_policy($alice, deny('GetItem', $arn));
set_resource_policy($server, $arn, { %{ deny('Scan', $arn) }, Principal => '*' });
$node->wait_for_catchup('policies');
is(policies($node, 'policies'), '', 'policies are no business of replication');
$node->safe_psql('policies', 'DROP SUBSCRIPTION policies');

$_->quit for @sessions;
$server->{administrator}->quit;
$node->stop;
done_testing();
