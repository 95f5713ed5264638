# Policies as applications write them: what each scenario's caller may and may
# not do, over HTTP.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use PgDynamo;
use PgDynamoHttp;
use PolicyTest;
use Test::More;

my $server = start_http_node('main');
my $node = $server->{node};
my $owner = add_caller($server, 'owner');
$node->safe_psql('postgres', 'GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO owner');

# scores of players in games, by game too
my ($table, $index) = ('GameScores', 'ByGame');
my $arn = table_arn($table);
my $index_arn = index_arn($table, $index);
my @attributes = ('UserId', 'GameTitle', 'TopScore', 'Wins', 'Email');

sub set_up
{
	is(outcome(http_call($owner->{client}, 'CreateTable', {
		TableName => $table, BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'UserId', KeyType => 'HASH' }, { AttributeName => 'GameTitle', KeyType => 'RANGE' } ],
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => 'S' } } 'UserId', 'GameTitle' ],
		GlobalSecondaryIndexes => [ { IndexName => $index, Projection => { ProjectionType => 'ALL' }, KeySchema => [
			{ AttributeName => 'GameTitle', KeyType => 'HASH' }, { AttributeName => 'UserId', KeyType => 'RANGE' } ] } ] })), 200, 'the table');
	for my $user (qw(alice bob carol))
	{
		is(over_http($owner, PutItem => { TableName => $table, Item => score($user, Email => "$user\@example.com") }), 200, "a score of $user");
	}
	return;
}

sub key_of { return { UserId => { S => $_[0] }, GameTitle => { S => 'Chess' } } }

sub score
{
	my ($user, %more) = @_;

	return { %{ key_of($user) }, TopScore => { N => '10' }, map { $_ => typed($more{$_}) } keys %more };
}

sub of_item { my ($user, %more) = @_; return { TableName => $table, Key => key_of($user), %more } }
sub put_of { return { TableName => $table, Item => score(@_) } }

sub query_of
{
	my ($user, %more) = @_;

	return { TableName => $table, KeyConditionExpression => 'UserId = :u',
		ExpressionAttributeValues => { ':u' => { S => $user } }, %more };
}

sub by_game
{
	return { TableName => $table, IndexName => $index, KeyConditionExpression => 'GameTitle = :g',
		ExpressionAttributeValues => { ':g' => { S => 'Chess' } }, @_ };
}

sub update_of { my ($user, $expression, %more) = @_; return of_item($user, UpdateExpression => $expression, %more) }
sub batch_of { return { RequestItems => { $table => { Keys => [ map { key_of($_) } @_ ] } } } }
sub statement_of { return { Statement => $_[0] } }

sub may
{
	my ($caller, $what, $operation, $request) = @_;

	is(over_http($caller, $operation, $request), 200, "$caller->{name} may $what");
	return;
}

# the action by default that of the operation, on the table
sub may_not
{
	my ($caller, $what, $operation, $request, %why) = @_;
	my $say = $why{say} // \&denied;

	is(over_http($caller, $operation, $request),
		$say->($caller, $why{action} // $operation, $why{on} // $arn), "$caller->{name} may not $what");
	return;
}

# A role that may use the table as far as privileges go.
sub player
{
	my ($role) = @_;
	my $caller = add_caller($server, $role, 'IN ROLE owner');

	$caller->{name} = $role;
	return $caller;
}

my @item_actions = qw(GetItem BatchGetItem Query PutItem UpdateItem DeleteItem BatchWriteItem);

# One policy for all players, attached to the role that they are members of:
# to each the items of the partition that bears the own name.
sub own_partition
{
	$node->safe_psql('postgres', 'CREATE ROLE players');
	set_policy({ server => $server, role => 'players' }, allow(\@item_actions, [$arn],
		Condition => { 'ForAllValues:StringEquals' => { 'dynamodb:LeadingKeys' => ['${aws:username}'] } }));
	my ($alice, $bob) = map { player($_) } qw(alice bob);
	$node->safe_psql('postgres', 'GRANT players TO alice, bob');

	for my $pair ([ $alice, 'alice', 'bob' ], [ $bob, 'bob', 'alice' ])
	{
		my ($caller, $own, $other) = @$pair;

		may($caller, 'read the own item', GetItem => of_item($own));
		may($caller, 'write it', PutItem => put_of($own, Email => "$own\@example.com"));
		may($caller, 'query the own partition', Query => query_of($own));
		may($caller, 'read the own items in a batch', BatchGetItem => batch_of($own));
		may_not($caller, "read one of $other", GetItem => of_item($other));
		may_not($caller, "write one of $other", PutItem => put_of($other));
		may_not($caller, "delete one of $other", DeleteItem => of_item($other));
		may_not($caller, "query the partition of $other", Query => query_of($other));
		may_not($caller, "read one of $other in a batch", BatchGetItem => batch_of($own, $other));
		may_not($caller, 'scan', Scan => { TableName => $table });
		may_not($caller, 'query the index', Query => by_game(), on => $index_arn);
		may_not($caller, 'know of the table', DescribeTable => { TableName => $table });
	}
	$node->safe_psql('postgres', 'REVOKE players FROM alice, bob');
	return;
}

# People who signed in with a web identity: a role for all, who they are in a
# claim of their session tokens.
sub web_identity
{
	my $app = player('webapp');
	my $claim = 'www.amazon.com:user_id';

	set_policy($app, allow(\@item_actions, $arn, Condition => { 'ForAllValues:StringEquals' => {
		'dynamodb:LeadingKeys' => ["\${$claim}"],
		'dynamodb:Attributes' => [ 'UserId', 'GameTitle', 'TopScore', 'Wins' ] },
		StringEqualsIfExists => { 'dynamodb:Select' => 'SPECIFIC_ATTRIBUTES', 'dynamodb:ReturnValues' => [ 'NONE', 'UPDATED_NEW' ] } }));
	my ($alice, $bob) = map { { %{ add_session_caller($app, $claim => $_) }, name => "session of $_" } } qw(alice bob);
	my @shown = (ProjectionExpression => 'GameTitle, TopScore');

	may($alice, 'read the own score', GetItem => of_item('alice', @shown));
	may($alice, 'set it', UpdateItem => update_of('alice', 'SET TopScore = :n',
		ExpressionAttributeValues => { ':n' => { N => '12' } }, ReturnValues => 'UPDATED_NEW'));
	may_not($alice, 'read the address', GetItem => of_item('alice', ProjectionExpression => 'Email'));
	may_not($alice, 'read all of the item', GetItem => of_item('alice'));
	may_not($alice, 'read the score of bob', GetItem => of_item('bob', @shown));
	may($bob, 'read the own score', GetItem => of_item('bob', @shown));
	may_not($bob, 'read that of alice', GetItem => of_item('alice', @shown));
	$app->{name} = 'key without a session';
	may_not($app, 'read any', GetItem => of_item('alice', @shown));
	my $empty = { %{ add_session_caller($app, 'www.amazon.com:app_id' => 'x') }, name => 'session without the claim' };
	may_not($empty, 'read any', GetItem => of_item('alice', @shown));
	may_not($empty, 'be what the variable is called', GetItem => of_item("\${$claim}", @shown));
	return;
}

# Some attributes: what is returned must be named.
sub some_attributes
{
	my $caller = player('scorer');
	my @named = (Select => 'SPECIFIC_ATTRIBUTES', ProjectionExpression => 'UserId, TopScore');

	set_policy($caller, allow([ 'GetItem', 'Query', 'BatchGetItem', 'Scan' ], [ $arn, "$arn/index/*" ], Condition => {
		'ForAllValues:StringEquals' => { 'dynamodb:Attributes' => [ 'UserId', 'GameTitle', 'TopScore' ] },
		StringEquals => { 'dynamodb:Select' => 'SPECIFIC_ATTRIBUTES' } }));
	may($caller, 'query scores', Query => query_of('alice', @named));
	may($caller, 'query them by game', Query => by_game(@named));
	may($caller, 'scan for them', Scan => { TableName => $table, @named });
	may_not($caller, 'query all attributes', Query => query_of('alice'));
	may_not($caller, 'ask for all attributes', Query => query_of('alice', Select => 'ALL_ATTRIBUTES'));
	may_not($caller, 'count', Query => query_of('alice', Select => 'COUNT'));
	may_not($caller, 'query addresses', Query => query_of('alice', Select => 'SPECIFIC_ATTRIBUTES', ProjectionExpression => 'Email'));
	may_not($caller, 'look for an address', Query => query_of('alice', @named, FilterExpression => 'Email = :e',
		ExpressionAttributeValues => { ':u' => { S => 'alice' }, ':e' => { S => 'alice@example.com' } }));
	may_not($caller, 'query all by game', Query => by_game(), on => $index_arn);
	may_not($caller, 'scan for all', Scan => { TableName => $table });
	return;
}

# Reading, and nothing that is not reading; narrowed further for one key.
sub read_only
{
	my $caller = player('reader');
	my %item = (TableName => $table, Item => score('dave'));

	set_policy($caller, allow([ 'GetItem', 'BatchGetItem', 'Query', 'Scan', 'Describe*', 'List*', 'PartiQLSelect', 'ConditionCheckItem' ], '*'));
	may($caller, 'get', GetItem => of_item('alice'));
	may($caller, 'scan', Scan => { TableName => $table });
	may($caller, 'query the index', Query => by_game());
	may($caller, 'describe', DescribeTable => { TableName => $table });
	may($caller, 'list', ListTables => {});
	may($caller, 'get in a transaction', TransactGetItems => { TransactItems => [ { Get => of_item('alice') } ] });
	may($caller, 'select', ExecuteStatement => statement_of(qq(SELECT * FROM "$table" WHERE UserId = 'alice')));
	may_not($caller, 'put', PutItem => \%item);
	may_not($caller, 'update', UpdateItem => update_of('alice', 'REMOVE Email'));
	may_not($caller, 'delete', DeleteItem => of_item('alice'));
	may_not($caller, 'put in a batch', BatchWriteItem => { RequestItems => { $table => [ { PutRequest => { Item => score('dave') } } ] } });
	may_not($caller, 'put in a transaction', TransactWriteItems => { TransactItems => [ { Put => \%item } ] }, action => 'PutItem');
	may_not($caller, 'delete by a statement', ExecuteStatement => statement_of(
			qq(DELETE FROM "$table" WHERE UserId = 'alice' AND GameTitle = 'Chess')), action => 'PartiQLDelete');
	may_not($caller, 'change the table', UpdateTable => { TableName => $table, DeletionProtectionEnabled => \1 });
	may_not($caller, 'drop it', DeleteTable => { TableName => $table });

	my $narrow = { %{ add_key($caller) }, name => 'another key of reader' };
	set_key_policy($narrow, deny('Scan', '*'));
	may($narrow, 'get', GetItem => of_item('alice'));
	may_not($narrow, 'scan', Scan => { TableName => $table }, say => \&denied_explicitly);
	may($caller, 'still scan', Scan => { TableName => $table });
	$node->safe_psql('postgres', "SELECT dynamo.delete_access_key_policy('$narrow->{key_id}', 'test')");
	may($narrow, 'scan again', Scan => { TableName => $table });
	return;
}

sub add_key
{
	my ($caller) = @_;
	my ($id, $secret) = split /\|/, $node->safe_psql('postgres', "SELECT * FROM dynamo.create_access_key('$caller->{role}')");

	return { %$caller, key_id => $id, client => http_client($server, key_id => $id, secret => $secret), connection => undef };
}

# The index, and the table not at all.
sub index_only
{
	my $caller = player('ranker');

	set_policy($caller, allow([ 'Query', 'Scan', 'PartiQLSelect' ], $index_arn));
	may($caller, 'query the index', Query => by_game());
	may($caller, 'scan it', Scan => { TableName => $table, IndexName => $index });
	may($caller, 'select from it', ExecuteStatement => statement_of(qq(SELECT * FROM "$table"."$index" WHERE GameTitle = 'Chess')));
	may_not($caller, 'query the table', Query => query_of('alice'));
	may_not($caller, 'scan it', Scan => { TableName => $table });
	may_not($caller, 'get from it', GetItem => of_item('alice'));
	may_not($caller, 'select from it', ExecuteStatement => statement_of(qq(SELECT * FROM "$table" WHERE UserId = 'alice')), action => 'PartiQLSelect');
	return;
}

# Statements that would read all of a table are refused, whatever they look like.
sub no_full_scans
{
	my $caller = player('analyst');
	my @scans = (
		qq(SELECT * FROM "$table"),
		qq(SELECT UserId FROM "$table" WHERE TopScore > 5),
		qq(SELECT * FROM "$table" WHERE GameTitle = 'Chess'),
		qq(SELECT * FROM "$table" WHERE begins_with(UserId, 'a')),
		qq(SELECT * FROM "$table" WHERE UserId > 'a'),
		qq(SELECT * FROM "$table" WHERE UserId = 'alice' OR TopScore = 1),
		qq(SELECT * FROM "$table" WHERE NOT UserId = 'alice'));
	my @reads = (
		qq(SELECT * FROM "$table" WHERE UserId = 'alice'),
		qq(SELECT * FROM "$table" WHERE UserId = 'alice' AND TopScore > 5),
		qq(SELECT * FROM "$table" WHERE UserId IN ['alice', 'bob']),
		qq(SELECT * FROM "$table"."$index" WHERE GameTitle = 'Chess'));

	set_policy($caller, allow('PartiQL*', [ $arn, "$arn/index/*" ]),
		deny('PartiQLSelect', [ $arn, "$arn/index/*" ], Condition => { Bool => { 'dynamodb:FullTableScan' => [ 'true' ] } }));
	may_not($caller, "run $_", ExecuteStatement => statement_of($_), action => 'PartiQLSelect', say => \&denied_explicitly) for @scans;
	may_not($caller, 'scan the index', ExecuteStatement => statement_of(qq(SELECT * FROM "$table"."$index")),
		action => 'PartiQLSelect', on => $index_arn, say => \&denied_explicitly);
	may($caller, "run $_", ExecuteStatement => statement_of($_)) for @reads;
	may($caller, 'update', ExecuteStatement => statement_of(qq(UPDATE "$table" SET Wins = 1 WHERE UserId = 'alice' AND GameTitle = 'Chess')));
	return;
}

# The table's own policy: refuses whoever comes from elsewhere, and says who
# may come at all where no identity policy does.
sub source_address
{
	my $caller = player('visitor');
	my @everybody = (Principal => '*');
	my $fence = sub {
		return deny([ @item_actions, 'Scan', 'DescribeTable' ], [ $arn, "$arn/*" ], @everybody,
			Condition => { NotIpAddress => { 'aws:SourceIp' => [@_] } });
	};

	set_resource_policy($server, $arn, $fence->('203.0.113.0/24', '2001:db8::/32'));
	may_not($caller, 'get from elsewhere', GetItem => of_item('alice'), say => \&denied_by_resource);
	may_not($caller, 'query the index from elsewhere', Query => by_game(), on => $index_arn, say => \&denied_by_resource);
	may_not($caller, 'describe from elsewhere', DescribeTable => { TableName => $table }, say => \&denied_by_resource);
	set_resource_policy($server, $arn, $fence->('203.0.113.0/24', '127.0.0.0/8'));
	may($caller, 'get from a permitted address', GetItem => of_item('alice'));
	may($caller, 'query from there', Query => by_game());

	# neither X-Forwarded-For nor anything else that is sent moves the caller
	set_resource_policy($server, $arn, $fence->('203.0.113.0/24'));
	my $forwarded = answer_over_http($caller, GetItem => of_item('alice'),
		headers => [ [ 'X-Forwarded-For', '203.0.113.7' ], [ 'Forwarded', 'for=203.0.113.7' ] ]);
	is(outcome($forwarded), denied_by_resource($caller, 'GetItem', $arn), 'what headers say of the address is not believed');

	set_resource_policy($server, $arn,
		{ Effect => 'Allow', Principal => { AWS => user_arn($caller) }, Action => 'dynamodb:GetItem', Resource => $arn });
	set_policy($caller, allow('ListTables', '*'));
	may($caller, 'get what the table alone allows', GetItem => of_item('alice'));
	may_not($caller, 'query', Query => query_of('alice'));
	my $other = player('other_visitor');
	set_policy($other, allow('ListTables', '*'));
	may_not($other, 'get', GetItem => of_item('alice'));
	my $stranger = add_caller($server, 'stranger');
	$stranger->{name} = 'one without privileges';
	set_resource_policy($server, $arn, { Effect => 'Allow', @everybody, Action => 'dynamodb:*', Resource => [ $arn, "$arn/*" ] });
	may_not($stranger, 'get, whatever the table allows', GetItem => of_item('alice'));
	drop_resource_policy($server, $arn);
	return;
}

# Who would lock himself out has to say so, and is let in again by who may
# write the table of policies.
sub locked_out
{
	my $caller = player('janitor');
	my %policy = (ResourceArn => $arn, Policy => policy_text(deny('*', [ $arn, "$arn/*" ], Principal => '*')));

	is(over_http($caller, PutResourcePolicy => \%policy),
		'400 ValidationException: The new resource policy will not allow you to update the resource policy in the future.',
		'a policy that locks out');
	may($caller, 'get what is not locked', GetItem => of_item('alice'));
	may($caller, 'lock everybody out', PutResourcePolicy => { %policy, ConfirmRemoveSelfResourceAccess => \1 });
	may_not($caller, 'get', GetItem => of_item('alice'), say => \&denied_by_resource);
	may_not($caller, 'delete the policy', DeleteResourcePolicy => { ResourceArn => $arn }, say => \&denied_by_resource);
	$node->safe_psql('postgres', 'DELETE FROM dynamo.resource_policy');
	may($caller, 'get again', GetItem => of_item('alice'));
	return;
}

# Policies that come and go hold from the next request on, on the same connection.
sub changes
{
	my $caller = player('newcomer');

	may($caller, 'get without any policy', GetItem => of_item('alice'));
	set_policy($caller, allow('Query', '*'));
	may_not($caller, 'get now', GetItem => of_item('alice'));
	set_policy($caller, allow('Get*', '*'));
	may($caller, 'get again', GetItem => of_item('alice'));
	$node->safe_psql('postgres', 'CREATE ROLE group_of_newcomers');
	set_policy({ server => $server, role => 'group_of_newcomers' }, deny('GetItem', '*'));
	$node->safe_psql('postgres', 'GRANT group_of_newcomers TO newcomer');
	may_not($caller, 'get as a member of a group', GetItem => of_item('alice'), say => \&denied_explicitly);
	$node->safe_psql('postgres', 'REVOKE group_of_newcomers FROM newcomer');
	may($caller, 'get after that', GetItem => of_item('alice'));
	$node->safe_psql('postgres', 'ALTER ROLE newcomer RENAME TO regular');
	$caller->{role} = 'regular';
	may_not($caller, 'query under another name either', Query => query_of('alice'));
	drop_policy($caller);
	may($caller, 'do anything without a policy', Query => query_of('alice'));
	return;
}

set_up();
own_partition();
web_identity();
some_attributes();
read_only();
index_only();
no_full_scans();
source_address();
locked_out();
changes();
$node->stop;
done_testing();
