# Who may do what: every operation of the API by callers who are not known, or
# may not, each told the same whatever there is, and by who may exactly this.
#
# Then what of a request policies look at: keys and attributes of items, in
# whichever operation they come.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use PgDynamo;
use PgDynamoHttp;
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $s3 = PostgreSQL::Test::Utils::tempdir();
my $server = start_http_node('main', workers => 1,
	conf => "dynamo.s3_directory = '$s3'\ndynamo.s3_role = 'owner'");
my $node = $server->{node};

sub sql { return $node->safe_psql('postgres', $_[0]) }

# ---- the callers ----

# Who owns the tables has no policy; the others act for the owner.
my $owner = add_caller($server, 'owner');
sql('GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO owner');
my $nobody = add_caller($server, 'nobody');
my ($explicit, $implicit, $conditional, $fenced, $permitted, $keyed) =
  map { add_caller($server, $_, 'IN ROLE owner') } qw(explicit implicit conditional fenced permitted keyed);

# never so, through either door
my %never = (Condition => { IpAddress => { 'aws:SourceIp' => '203.0.113.0/24' } });

# ---- the tables ----

my ($table, $absent) = ('Matrix', 'Absent');
my $index = 'ByOwner';
my %throughput = (ProvisionedThroughput => { ReadCapacityUnits => 100, WriteCapacityUnits => 100 });
my %schema = (BillingMode => 'PAY_PER_REQUEST',
	KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
	AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ]);

sub create_matrix
{
	http_call($owner->{client}, 'CreateTable', {
		TableName => $table, %throughput,
		KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
		AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => 'S' } } 'id', 'owner' ],
		GlobalSecondaryIndexes => [ { IndexName => $index, %throughput,
			KeySchema => [ { AttributeName => 'owner', KeyType => 'HASH' } ],
			Projection => { ProjectionType => 'ALL' } } ],
		StreamSpecification => { StreamEnabled => \1, StreamViewType => 'KEYS_ONLY' } });
	http_call($owner->{client}, 'CreateTable', { TableName => $_, %schema })
	  for map { "Doomed$_" } qw(Http Sql);
	return http_put($owner->{client}, $table, id => 'a', owner => 'o');
}

# An operation that has ended, of a file that is not there.
sub start_bulk
{
	mkdir "$s3/$_" for qw(in out);
	my $answer = http_call($owner->{client}, 'StartBulkPutItems', bulk_request($table));
	my $arn = $answer->{document}{BulkOperationDescription}{BulkOperationArn} // die outcome($answer);

	$node->poll_query_until('postgres', "SELECT ended_at IS NOT NULL FROM dynamo.bulk_operations WHERE arn = '$arn'");
	return $arn;
}

sub bulk_request
{
	return {
		TableName => $_[0],
		InputS3Configuration => { S3Bucket => 'in', S3KeyPrefix => 'a', InputFormat => 'DYNAMODB_JSON' },
		OutputS3Configuration => { S3Bucket => 'out', OutputType => ['ERROR'] } };
}

is(create_matrix(), 200, 'the tables');
my $bulk_arn = start_bulk();
my $stream_arn = http_call($owner->{client}, 'DescribeTable', { TableName => $table })->{document}{Table}{LatestStreamArn};

sub stream_of { return $_[0] eq $table ? $stream_arn : $stream_arn =~ s/$table/$_[0]/r }
sub bulk_of { return $_[0] eq $table ? $bulk_arn : $bulk_arn =~ s/$table/$_[0]/r }

sub shard_request
{
	my $shards = answer_over_http($owner, 'DescribeStream', { StreamArn => $stream_arn })->{document}{StreamDescription}{Shards};

	return { StreamArn => stream_of($_[0]), ShardId => $shards->[0]{ShardId}, ShardIteratorType => 'TRIM_HORIZON' };
}

sub iterator { return answer_over_http($owner, 'GetShardIterator', shard_request($table))->{document}{ShardIterator} }

# ---- the operations ----

my %key = (id => { S => 'a' });
my %item = (%key, owner => { S => 'o' });

sub named { my %more = @_; return sub { { TableName => $_[0], %more } } }
sub resource { my %more = @_; return sub { { ResourceArn => table_arn($_[0]), %more } } }

sub statements
{
	my ($member, @texts) = @_;

	return sub { my $name = $_[0]; return { $member => [ map { { Statement => s/TABLE/"$name"/r } } @texts ] } };
}

sub single { my ($text) = @_; return sub { my $name = $_[0]; return { Statement => $text =~ s/TABLE/"$name"/r } } }

my @by_owner = (IndexName => $index, KeyConditionExpression => '#o = :o', ExpressionAttributeNames => { '#o' => 'owner' },
	ExpressionAttributeValues => { ':o' => { S => 'o' } });
my @set_n = (UpdateExpression => 'SET n = :n', ExpressionAttributeValues => { ':n' => { N => '1' } });
my @scaling = (ProvisionedWriteCapacityAutoScalingUpdate => { MinimumUnits => 100, MaximumUnits => 200,
	ScalingPolicyUpdate => { TargetTrackingScalingPolicyConfiguration => { TargetValue => 70 } } });

sub bulk { return { BulkOperationArn => bulk_of($_[0]) } }
sub of_stream { return { StreamArn => stream_of($_[0]) } }
sub stream_policy { return { ResourceArn => stream_of($_[0]) } }

# a policy that says something of nobody here
sub harmless { my ($action, $arn) = @_; return policy_text(deny($action, $arn, Principal => { AWS => user_arn($nobody) })) }

sub keys_of { return { RequestItems => { $_[0] => { Keys => [ {%key} ] } } } }

sub writes_of
{
	return { RequestItems => { $_[0] => [ { PutRequest => { Item => {%item} } },
		{ DeleteRequest => { Key => { id => { S => 'none' } } } } ] } };
}

sub get_of { return { TransactItems => [ { Get => { TableName => $_[0], Key => {%key} } } ] } }

sub transaction_of
{
	my %in = (TableName => $_[0]);

	return { TransactItems => [
		{ Put => { %in, Item => {%item} } },
		{ Update => { %in, Key => { id => { S => 'b' } }, @set_n } },
		{ Delete => { %in, Key => { id => { S => 'none' } } } },
		{ ConditionCheck => { %in, Key => { id => { S => 'missing' } }, ConditionExpression => 'attribute_not_exists(id)' } } ] };
}

# what a case needs: actions on "table", "index", "stream", "bulk" or "*"
sub on { my ($kind, @actions) = @_; return (needs => [ map { [ $_ => $kind ] } @actions ]) }

my $done_before = qr/^(200|400 DuplicateItemException: .*)$/;
my $none_there = qr/^(200|400 PolicyNotFoundException: .*)$/;
my $no_such = qr/^400 ResourceNotFoundException/;
my $ended = qr/^400 ResourceInUseException/;
my $expires = qr/^(200|400 ValidationException: (Time to live has been modified|TimeToLive is already enabled).*)$/;

# Cases by operation: request, a function of a table's name; needs, by default
# the operation's name on the table; open, if no privilege is needed; anew, what
# the names of tables begin with that are there, or not, for this case; alone,
# if there is no such request of another table; answer, what who may is told if
# not 200; ungranted, what is said instead without privileges.
my %cases = (
	BatchExecuteStatement => [
		{ request => statements(Statements => q(SELECT * FROM TABLE WHERE id = 'a')), on(table => 'PartiQLSelect') },
		{ request => statements(Statements => q(INSERT INTO TABLE VALUE {'id': 'batch'})), on(table => 'PartiQLInsert'), answer => $done_before },
		{ request => statements(Statements => q(UPDATE TABLE SET n = 1 WHERE id = 'a')), on(table => 'PartiQLUpdate') },
		{ request => statements(Statements => q(DELETE FROM TABLE WHERE id = 'none')), on(table => 'PartiQLDelete') } ],
	BatchGetItem => [ { request => \&keys_of } ],
	BatchWriteItem => [ { request => \&writes_of } ],
	CancelBulkOperation => [ { request => \&bulk, on(bulk => 'CancelBulkOperation'), answer => $ended, ungranted => $no_such } ],
	CreateTable => [
		{ request => named(%schema), anew => 'Fresh' },
		{ request => named(%schema, Tags => [ { Key => 'k', Value => 'v' } ]), on(table => 'CreateTable', 'TagResource'), anew => 'Tagged' },
		{ request => named(%schema, ResourcePolicy => harmless('GetItem', '*')), on(table => 'CreateTable', 'PutResourcePolicy'), anew => 'Guarded' } ],
	DeleteItem => [ { request => named(Key => { id => { S => 'none' } }) } ],
	DeleteResourcePolicy => [ { request => resource() }, { request => \&stream_policy, on(stream => 'DeleteResourcePolicy') } ],
	DeleteTable => [ { request => named(), anew => 'Doomed' } ],
	DescribeBulkOperation => [ { request => \&bulk, on(bulk => 'DescribeBulkOperation'), ungranted => $no_such } ],
	DescribeContributorInsights => [
		{ request => named() },
		{ request => named(IndexName => $index), on(index => 'DescribeContributorInsights') } ],
	DescribeEndpoints => [ { request => sub { {} }, on('*' => 'DescribeEndpoints'), open => 1 } ],
	DescribeLimits => [ { request => sub { {} }, on('*' => 'DescribeLimits'), open => 1 } ],
	DescribeStream => [ { request => \&of_stream, on(stream => 'DescribeStream') } ],
	DescribeTable => [ { request => named() } ],
	DescribeTableReplicaAutoScaling => [ { request => named() } ],
	DescribeTimeToLive => [ { request => named() } ],
	ExecuteStatement => [
		{ request => single(q(SELECT * FROM TABLE WHERE id = 'a')), on(table => 'PartiQLSelect') },
		{ request => single(q(SELECT * FROM TABLE)), on(table => 'PartiQLSelect') },
		{ request => single(qq(SELECT * FROM TABLE."$index" WHERE owner = 'o')), on(index => 'PartiQLSelect') },
		{ request => single(q(INSERT INTO TABLE VALUE {'id': 'single'})), on(table => 'PartiQLInsert'), answer => $done_before },
		{ request => single(q(UPDATE TABLE SET n = 1 WHERE id = 'a')), on(table => 'PartiQLUpdate') },
		{ request => single(q(DELETE FROM TABLE WHERE id = 'none')), on(table => 'PartiQLDelete') } ],
	ExecuteTransaction => [
		{ request => statements(TransactStatements => q(SELECT * FROM TABLE WHERE id = 'a')), on(table => 'PartiQLSelect') },
		{ request => statements(TransactStatements => q(UPDATE TABLE SET n = 1 WHERE id = 'a'), q(DELETE FROM TABLE WHERE id = 'none')),
			on(table => 'PartiQLUpdate', 'PartiQLDelete') } ],
	GetItem => [ { request => named(Key => {%key}) } ],
	GetRecords => [ { request => sub { { ShardIterator => iterator() } }, on(stream => 'GetRecords'), alone => 1 } ],
	GetResourcePolicy => [
		{ request => resource(), answer => $none_there },
		{ request => \&stream_policy, on(stream => 'GetResourcePolicy'), answer => $none_there } ],
	GetShardIterator => [ { request => \&shard_request, on(stream => 'GetShardIterator') } ],
	ListBulkOperations => [ { request => sub { {} }, on('*' => 'ListBulkOperations'), open => 1 } ],
	ListContributorInsights => [ { request => sub { {} }, on('*' => 'ListContributorInsights'), open => 1 } ],
	ListStreams => [ { request => sub { {} }, on('*' => 'ListStreams'), open => 1 } ],
	ListTables => [ { request => sub { {} }, on('*' => 'ListTables'), open => 1 } ],
	ListTagsOfResource => [ { request => resource() } ],
	PutItem => [ { request => named(Item => {%item}) } ],
	PutResourcePolicy => [
		{ request => resource(Policy => harmless('GetItem', table_arn($table))) },
		{ request => sub { +{ %{ stream_policy($_[0]) }, Policy => harmless('GetRecords', $stream_arn) } }, on(stream => 'PutResourcePolicy') } ],
	Query => [
		{ request => named(KeyConditionExpression => 'id = :i', ExpressionAttributeValues => { ':i' => { S => 'a' } }) },
		{ request => named(@by_owner), on(index => 'Query') } ],
	Scan => [ { request => named() }, { request => named(IndexName => $index), on(index => 'Scan') } ],
	StartBulkPutItems => [ { request => \&bulk_request } ],
	TagResource => [ { request => resource(Tags => [ { Key => 'k', Value => 'v' } ]) } ],
	TransactGetItems => [ { request => \&get_of, on(table => 'GetItem') } ],
	TransactWriteItems => [ { request => \&transaction_of, on(table => 'PutItem', 'UpdateItem', 'DeleteItem', 'ConditionCheckItem') } ],
	UntagResource => [ { request => resource(TagKeys => ['k']) } ],
	UpdateContributorInsights => [
		{ request => named(ContributorInsightsAction => 'DISABLE') },
		{ request => named(ContributorInsightsAction => 'DISABLE', IndexName => $index), on(index => 'UpdateContributorInsights') } ],
	UpdateItem => [ { request => named(Key => {%key}, @set_n) } ],
	UpdateTable => [ { request => named(DeletionProtectionEnabled => \0) } ],
	UpdateTableReplicaAutoScaling => [ { request => named(@scaling) } ],
	UpdateTimeToLive => [ { request => named(TimeToLiveSpecification => { Enabled => \1, AttributeName => 'expires' }), answer => $expires } ]);

# ---- what is checked of each ----

sub arn_of
{
	my ($kind, $name) = @_;
	my %arn = (table => table_arn($name), index => index_arn($name, $index), stream => stream_of($name),
		bulk => bulk_of($name), '*' => '*');

	return $arn{$kind} // die $kind;
}

# statements of this effect for all that a case needs, of some tables
sub for_needs
{
	my ($make, $needs, $names, %more) = @_;

	return map {
		my ($action, $kind) = @$_;
		my %arns = map { arn_of($kind, $_) => 1 } @$names;
		$make->($action, [ sort keys %arns ], %more)
	} @$needs;
}

# All that a refused call could change, as a digest.
sql(q{
	CREATE FUNCTION public.state() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
	DECLARE
		relation regclass;
		digest text;
		digests text := '';
	BEGIN
		FOR relation IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p')
			AND relnamespace IN ('dynamo'::regnamespace, 'dynamo_tables'::regnamespace)
			AND relname !~ '^(metric|stream_|identity_policy)' ORDER BY oid
		LOOP
			EXECUTE format('SELECT md5(string_agg(r::text, chr(10) ORDER BY r::text)) FROM %s r', relation) INTO digest;
			digests := digests || relation || ' ' || coalesce(digest, '') || chr(10);
		END LOOP;
		RETURN digests || (SELECT count(*) FROM pg_class) || (SELECT count(*) FROM pg_depend);
	END $$});

# Both doors say this of the table and, "X" being the name, of one that is not
# there.
sub is_refused
{
	my ($caller, $operation, $case, $what, $expected, @doors) = @_;
	my @names = $case->{alone} ? ($table) : ($table, $absent);

	for my $door (@doors ? @doors : (\&over_http, \&over_sql))
	{
		for my $name (@names)
		{
			my $got = $door->($caller, $operation, $case->{request}->($name));
			my $wanted = $expected->($name);
			my $about = "$case->{name}, $what" . ($name eq $table ? '' : ', of no table')
			  . ($door == \&over_sql ? ', over SQL' : '');

			ref $wanted ? like($got, $wanted, $about) : is($got, $wanted, $about);
		}
	}
	return;
}

# What is said before anything of the request matters.
sub is_unknown
{
	my ($operation, $case) = @_;
	my %stranger = (%$owner, client => http_client($server, key_id => 'AKIAIOSFODNN7EXAMPLE'));
	my $request = $case->{request}->($table);

	is(over_http($owner, $operation, $request, unsigned => 1),
		'400 MissingAuthenticationTokenException: Request is missing Authentication Token', "$case->{name}, no key");
	like(over_http($owner, $operation, $request, signature => '0' x 64),
		qr/^400 InvalidSignatureException: The request signature we calculated does not match/, "$case->{name}, wrong signature");
	is(over_http(\%stranger, $operation, $request),
		'400 UnrecognizedClientException: The security token included in the request is invalid.', "$case->{name}, unknown key");
}

# The policies that the callers have while a case is looked at.
sub set_policies
{
	my ($case, @names) = @_;
	my $needs = $case->{needs};
	my @else = (NotAction => [ map { "dynamodb:$_->[0]" } @$needs ], Resource => '*');
	my $all = { Effect => 'Allow', Action => 'dynamodb:*', Resource => '*' };

	set_policy($explicit, $all, for_needs(\&deny, $needs, \@names));
	set_policy($implicit, { Effect => 'Allow', @else });
	set_policy($conditional, { Effect => 'Allow', @else }, for_needs(\&allow, $needs, \@names, %never));
	set_key_policy($keyed, $all, for_needs(\&deny, $needs, \@names));
	return;
}

sub resource_of
{
	my ($kind) = @_;

	return $kind eq 'stream' ? $stream_arn : $kind =~ /^(table|index)$/ ? table_arn($table) : undef;
}

# Denied by the policy of the table or stream.
sub is_fenced
{
	my ($operation, $case) = @_;
	my ($action, $kind) = @{ $case->{needs}[0] };
	my $arn = resource_of($kind) // return;

	set_resource_policy($server, $arn, deny($action, arn_of($kind, $table), Principal => { AWS => user_arn($fenced) }));
	is_refused($fenced, $operation, { %$case, alone => 1 }, 'denied by the resource',
		sub { denied_by_resource($fenced, $action, arn_of($kind, $_[0])) });
	drop_resource_policy($server, $arn);
	return;
}

# With all but one of several actions, that one is what is missing.
sub is_partly_refused
{
	my ($operation, $case) = @_;
	my $needs = $case->{needs};

	return if @$needs < 2;
	for my $missing (@$needs)
	{
		my ($action, $kind) = @$missing;

		set_policy($implicit, for_needs(\&allow, [ grep { $_ != $missing } @$needs ], [ $table, $absent ]));
		is_refused($implicit, $operation, $case, "without $action", sub { denied($implicit, $action, arn_of($kind, $_[0])) });
	}
	return;
}

sub is_denied
{
	my ($operation, $case) = @_;
	my ($action, $kind) = @{ $case->{needs}[0] };
	my $ungranted = $case->{ungranted};
	my $said = sub { my ($say, $caller) = @_; return sub { $say->($caller, $action, arn_of($kind, $_[0])) } };

	set_policies($case, $table, $absent);
	my $state = sql('SELECT public.state()');
	is_unknown($operation, $case);
	is_refused($nobody, $operation, $case, 'no grant',
		sub { $ungranted // denied($nobody, $action, $kind eq 'index' ? table_arn($_[0]) : arn_of($kind, $_[0])) })
	  unless $case->{open};
	is_refused($explicit, $operation, $case, 'denied', $said->(\&denied_explicitly, $explicit));
	is_refused($implicit, $operation, $case, 'not allowed', $said->(\&denied, $implicit));
	is_refused($conditional, $operation, $case, 'denied by condition', $said->(\&denied, $conditional));
	is_refused($keyed, $operation, $case, 'denied to the key', $said->(\&denied_explicitly, $keyed), \&over_http);
	is_partly_refused($operation, $case);
	is(sql('SELECT public.state()'), $state, "$case->{name}: nothing has changed");
	is_fenced($operation, $case);
	return;
}

sub is_allowed
{
	my ($operation, $case) = @_;
	my $answer = $case->{answer} // qr/^200$/;
	my ($first, $second) = $case->{anew} ? ("$case->{anew}Http", "$case->{anew}Sql") : ($table, $table);

	set_policy($permitted, for_needs(\&allow, $case->{needs}, [ $first, $second ]));
	like(over_http($permitted, $operation, $case->{request}->($first)), $answer, "$case->{name}, allowed");
	like(over_sql($permitted, $operation, $case->{request}->($second)), $answer, "$case->{name}, allowed, over SQL");
	is(over_http($nobody, $operation, $case->{request}->($table)), 200, "$case->{name} needs no privilege") if $case->{open};
	return;
}

sub look_at
{
	my ($operation) = @_;
	my $number = 0;

	for my $case (@{ $cases{$operation} })
	{
		$case->{name} = $operation . ($number++ ? " ($number)" : '');
		$case->{needs} //= [ [ $operation => 'table' ] ];
		is_denied($operation, $case);
		is_allowed($operation, $case);
	}
	return;
}

# ---- keys and attributes ----

my $fine = add_caller($server, 'fine', 'IN ROLE owner');
my @both = map { { AttributeName => $_->[0], AttributeType => $_->[1] } } [ id => 'S' ], [ sk => 'N' ];

sub create_fine
{
	my @requests = ({
		TableName => 'Fine', BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' }, { AttributeName => 'sk', KeyType => 'RANGE' } ],
		AttributeDefinitions => [ @both, { AttributeName => 'title', AttributeType => 'S' } ],
		GlobalSecondaryIndexes => [ { IndexName => 'ByTitle', Projection => { ProjectionType => 'ALL' },
			KeySchema => [ { AttributeName => 'title', KeyType => 'HASH' } ] } ] },
		{ TableName => 'Numbers', BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'n', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'n', AttributeType => 'N' } ] });

	is(outcome(http_call($owner->{client}, 'CreateTable', $_)), 200, "table $_->{TableName}") for @requests;
	for my $id (qw(own other))
	{
		http_call($owner->{client}, 'PutItem', { TableName => 'Fine', Item => { at($id), title => { S => $id }, secret => { S => 'x' } } });
	}
	return;
}

# a key of table Fine, and further attributes
sub at { my ($id, %more) = @_; return (id => { S => $id }, sk => { N => '1' }, map { $_ => typed($more{$_}) } keys %more) }

sub values_of { my %values = @_; return (ExpressionAttributeValues => { map { (":$_" => typed($values{$_})) } keys %values }) }

sub of_key { my ($id, %more) = @_; return { TableName => 'Fine', Key => { at($id) }, %more } }
sub put_of { return { TableName => 'Fine', Item => { at(@_) } } }
sub set_of { my ($id, $expression, %more) = @_; return of_key($id, UpdateExpression => $expression, %more) }
sub query_of { my ($id, %more) = @_; return { TableName => 'Fine', KeyConditionExpression => 'id = :i', values_of(i => $id), %more } }
sub by_title { return { TableName => 'Fine', IndexName => 'ByTitle', KeyConditionExpression => 'title = :t', values_of(t => $_[0]) } }
sub gets { my ($keys, %more) = @_; return { RequestItems => { Fine => { Keys => [ map { { at($_) } } @$keys ], %more } } } }
sub writes { return { RequestItems => { Fine => [@_] } } }
sub put_request { return { PutRequest => { Item => { at(@_) } } } }
sub delete_request { return { DeleteRequest => { Key => { at(@_) } } } }
sub transaction { return { TransactItems => [@_] } }
sub many { my $member = shift; return { $member => [ map { { Statement => $_ } } @_ ] } }
sub one { return { Statement => $_[0] } }
sub number { return { TableName => 'Numbers', Key => { n => { N => $_[0] } } } }

# Under a policy, are these calls refused?  Rows are operation, request, and
# the action that is refused ("Action index" if on the index; "Action Table" on
# another table); "" if none is.
sub under
{
	my ($what, $statements, @rows) = @_;
	my $number = 0;

	set_policy($fine, @$statements);
	while (my ($operation, $request, $refused) = splice @rows, 0, 3)
	{
		my ($action, $on) = split / /, $refused;
		my $arn = !$on ? table_arn('Fine') : $on eq 'index' ? index_arn('Fine', 'ByTitle') : table_arn($on);
		my $expected = $action ? denied($fine, $action, $arn) : 200;
		my $about = "$what: $operation " . ++$number;
		my $state = sql('SELECT public.state()');

		is(over_http($fine, $operation, $request), $expected, $about);
		is(over_sql($fine, $operation, $request), $expected, "$about, over SQL");
		is(sql('SELECT public.state()'), $state, "$about has changed nothing") if $action;
	}
	return;
}

my @item_actions = qw(GetItem BatchGetItem Query Scan PutItem UpdateItem DeleteItem BatchWriteItem ConditionCheckItem
  PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete);
my @fine_arns = map { table_arn($_) } 'Fine', 'Fine/index/*', 'Numbers';

sub leading_keys
{
	under('keys', [ allow(\@item_actions, \@fine_arns,
			Condition => { 'ForAllValues:StringEquals' => { 'dynamodb:LeadingKeys' => ['own'] } }) ],
		GetItem => of_key('own'), '',
		GetItem => of_key('other'), 'GetItem',
		PutItem => put_of('own', title => 'own', secret => 'x'), '',
		PutItem => put_of('other'), 'PutItem',
		UpdateItem => set_of('own', 'SET n = :n', values_of(n => 1)), '',
		UpdateItem => set_of('other', 'SET n = :n', values_of(n => 1)), 'UpdateItem',
		DeleteItem => of_key('other'), 'DeleteItem',
		Query => query_of('own'), '',
		Query => query_of('other'), 'Query',
		Query => { TableName => 'Fine', KeyConditions => { id => { ComparisonOperator => 'EQ', AttributeValueList => [ { S => 'own' } ] } } }, '',
		Query => { TableName => 'Fine', KeyConditions => { id => { ComparisonOperator => 'EQ', AttributeValueList => [ { S => 'other' } ] } } }, 'Query',
		Query => by_title('own'), '',
		Query => by_title('other'), 'Query index',
		BatchGetItem => gets(['own']), '',
		BatchGetItem => gets([ 'own', 'other' ]), 'BatchGetItem',
		BatchWriteItem => writes(put_request('own')), '',
		BatchWriteItem => writes(put_request('own', n => 2), delete_request('other')), 'BatchWriteItem',
		BatchWriteItem => writes(delete_request('own'), put_request('other')), 'BatchWriteItem',
		TransactGetItems => transaction({ Get => of_key('own') }), '',
		TransactGetItems => transaction({ Get => of_key('own') }, { Get => of_key('other') }), 'GetItem',
		TransactWriteItems => transaction({ Put => put_of('own', n => 3) }), '',
		TransactWriteItems => transaction({ Put => put_of('own', n => 4) }, { Delete => of_key('other') }), 'DeleteItem',
		TransactWriteItems => transaction({ Put => put_of('own', n => 4) }, { Update => set_of('other', 'REMOVE n') }), 'UpdateItem',
		TransactWriteItems => transaction({ Put => put_of('own', n => 4) },
			{ ConditionCheck => of_key('other', ConditionExpression => 'attribute_exists(id)') }), 'ConditionCheckItem',
		ExecuteStatement => one(q(SELECT * FROM "Fine" WHERE id = 'own')), '',
		ExecuteStatement => one(q(SELECT * FROM "Fine" WHERE id = 'other')), 'PartiQLSelect',
		ExecuteStatement => { Statement => q(SELECT * FROM "Fine" WHERE id = ?), Parameters => [ { S => 'other' } ] }, 'PartiQLSelect',
		ExecuteStatement => one(q(SELECT * FROM "Fine" WHERE id IN ['own', 'other'])), 'PartiQLSelect',
		ExecuteStatement => one(q(SELECT * FROM "Fine"."ByTitle" WHERE title = 'own')), '',
		ExecuteStatement => one(q(SELECT * FROM "Fine"."ByTitle" WHERE title = 'other')), 'PartiQLSelect index',
		ExecuteStatement => one(q(INSERT INTO "Fine" VALUE {'id': 'other', 'sk': 2})), 'PartiQLInsert',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 5 WHERE id = 'own' AND sk = 1)), '',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 5 WHERE id = 'other' AND sk = 1)), 'PartiQLUpdate',
		ExecuteStatement => one(q(DELETE FROM "Fine" WHERE id = 'other' AND sk = 1)), 'PartiQLDelete',
		BatchExecuteStatement => many(Statements => map { qq(SELECT * FROM "Fine" WHERE id = '$_' AND sk = 1) } qw(own other)), 'PartiQLSelect',
		BatchExecuteStatement => many(Statements => q(INSERT INTO "Fine" VALUE {'id': 'other', 'sk': 3})), 'PartiQLInsert',
		ExecuteTransaction => many(TransactStatements => map { qq(UPDATE "Fine" SET n = 6 WHERE id = '$_' AND sk = 1) } qw(own other)), 'PartiQLUpdate',
		ExecuteTransaction => many(TransactStatements => map { qq(SELECT * FROM "Fine" WHERE id = '$_' AND sk = 1) } qw(own other)), 'PartiQLSelect');
	under('any of the keys', [ allow(\@item_actions, \@fine_arns,
			Condition => { 'ForAnyValue:StringLike' => { 'dynamodb:LeadingKeys' => [ 'o?n' ] } }) ],
		GetItem => of_key('own'), '',
		GetItem => of_key('other'), 'GetItem',
		BatchGetItem => gets([ 'own', 'other' ]), '',
		Scan => { TableName => 'Fine' }, 'Scan');
	under('numbers', [ allow(\@item_actions, \@fine_arns,
			Condition => { 'ForAllValues:StringEquals' => { 'dynamodb:LeadingKeys' => [ '7', '0.5' ] } }) ],
		(map { ('GetItem', number($_), '') } '7', '7.0', '70e-1', '0.50'),
		GetItem => number('70'), 'GetItem Numbers');
	return;
}

sub statements_of_batch
{
	set_policy($fine, allow('PartiQLUpdate', table_arn('Fine'),
			Condition => { 'ForAllValues:StringEquals' => { 'dynamodb:LeadingKeys' => ['own'] } }));
	my $answer = answer_over_http($fine, 'BatchExecuteStatement',
		many(Statements => map { qq(UPDATE "Fine" SET n = 9 WHERE id = '$_' AND sk = 1) } qw(other own)));

	is(join(' ', map { $_->{Error}{Code} // 'done' } @{ $answer->{document}{Responses} }), 'AccessDenied done',
		'one statement of a batch is refused and the other is not');
	return;
}

# What one look has found does not hold for another action, key or spelling.
sub other_looks
{
	my %own = (Condition => { 'ForAllValues:StringEquals' => { 'DynamoDB:leadingkeys' => ['own'] } });
	my $put = { Put => put_of('mixed') };

	under('by action', [ allow('PutItem', table_arn('Fine')), allow([ 'DeleteItem', 'UpdateItem' ], table_arn('Fine'), %own) ],
		TransactWriteItems => transaction({ Delete => of_key('other') }, $put), 'DeleteItem',
		TransactWriteItems => transaction($put, { Update => set_of('other', 'REMOVE n') }), 'UpdateItem',
		TransactWriteItems => transaction($put, { Update => set_of('own', 'REMOVE n') }), '',
		PutItem => put_of('mixed'), '',
		DeleteItem => of_key('mixed'), 'DeleteItem',
		BatchWriteItem => writes(delete_request('mixed')), 'BatchWriteItem');

	# two keys of one role, in turn through one worker
	my ($id, $secret) = split /\|/, sql(q{SELECT * FROM dynamo.create_access_key('fine')});
	my $narrow = { %$fine, key_id => $id, client => http_client($server, key_id => $id, secret => $secret), connection => undef };

	set_policy($fine, allow('GetItem', table_arn('Fine')));
	set_key_policy($narrow, deny('GetItem', table_arn('Fine'),
			Condition => { 'ForAnyValue:StringEquals' => { 'dynamodb:LeadingKeys' => ['other'] } }));
	for (1 .. 2)
	{
		is(over_http($fine, GetItem => of_key('other')), 200, 'a key without a policy');
		is(over_http($narrow, GetItem => of_key('other')), denied_explicitly($narrow, 'GetItem', table_arn('Fine')), 'another key of the role');
		is(over_http($narrow, GetItem => of_key('own')), 200, 'and where its policy says nothing');
		is(over_sql($fine, GetItem => of_key('other')), 200, 'the role over SQL');
	}
	return;
}

# What was allowed before is looked at again: repetitions by a token, further
# pages, a statement's and a query's.
sub changed_minds
{
	my %transaction = (ClientRequestToken => 'again', %{ transaction({ Put => put_of('token') }) });
	my %statements = (ClientRequestToken => 'once more', %{ many(TransactStatements => q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1)) });
	my %select = (Statement => q(SELECT * FROM "Fine"), Limit => 1);

	set_policy($fine, allow('*', '*'));
	is(over_http($fine, TransactWriteItems => \%transaction), 200, 'a transaction with a token');
	is(over_http($fine, ExecuteTransaction => \%statements), 200, 'statements with a token');
	my $page = answer_over_http($fine, ExecuteStatement => \%select)->{document}{NextToken};
	ok($page, 'a page of a statement');
	set_policy($fine, allow('ListTables', '*'));
	is(over_http($fine, TransactWriteItems => \%transaction), denied($fine, 'PutItem', table_arn('Fine')), 'the token does not help');
	is(over_http($fine, ExecuteTransaction => \%statements), denied($fine, 'PartiQLUpdate', table_arn('Fine')), 'nor that of statements');
	is(over_http($fine, ExecuteStatement => { %select, NextToken => $page }), denied($fine, 'PartiQLSelect', table_arn('Fine')), 'nor that of a page');
	return;
}

# SQL's short forms of operations are the same operations.
sub short_forms
{
	my %calls = (
		GetItem => q{get_item('Fine', '{"id": "own", "sk": 1}')},
		PutItem => q{put_item('Fine', '{"id": "own", "sk": 2}')},
		UpdateItem => q{update_item('Fine', '{"id": "own", "sk": 1}', 'SET n = :n', '{":n": 1}')},
		DeleteItem => q{delete_item('Fine', '{"id": "own", "sk": 1}')},
		Query => q{query('Fine', 'id = :i', '{":i": "own"}')},
		Scan => q{scan('Fine')},
		PartiQLInsert => q{partiql('INSERT INTO "Fine" VALUE {''id'': ''own'', ''sk'': 3}')},
		PartiQLSelect => q{partiql('SELECT * FROM "Fine"')});

	set_policy($fine, allow('ListTables', '*'));
	for my $action (sort keys %calls)
	{
		my (undef, undef, $error) = $node->psql('postgres', "SET ROLE fine; SELECT * FROM dynamo.$calls{$action}");

		like($error, qr/\Q@{[ denied($fine, $action, table_arn('Fine')) =~ s{^400 }{}r ]}\E/, "$calls{$action} is denied");
	}
	return;
}

my @looks = (Condition => {
	'ForAllValues:StringEquals' => { 'dynamodb:Attributes' => [ 'id', 'sk', 'title', 'n' ] },
	StringEqualsIfExists => { 'dynamodb:Select' => 'SPECIFIC_ATTRIBUTES', 'dynamodb:ReturnValues' => [ 'NONE', 'UPDATED_OLD', 'UPDATED_NEW' ] } });

sub attributes
{
	my @names = (ExpressionAttributeNames => { '#s' => 'secret' });
	my @projection = (ProjectionExpression => 'title');
	my @tell = (ReturnValuesOnConditionCheckFailure => 'ALL_OLD');
	my %legacy = (TableName => 'Fine', KeyConditions => {
		id => { ComparisonOperator => 'EQ', AttributeValueList => [ { S => 'own' } ] } });

	under('attributes', [ allow(\@item_actions, \@fine_arns, @looks) ],
		GetItem => of_key('own', @projection), '',
		GetItem => of_key('own', ProjectionExpression => 'n.secret'), '',
		GetItem => of_key('own'), 'GetItem',
		GetItem => of_key('own', ProjectionExpression => 'title, secret'), 'GetItem',
		GetItem => of_key('own', ProjectionExpression => '#s.title', @names), 'GetItem',
		GetItem => of_key('own', AttributesToGet => ['title']), '',
		GetItem => of_key('own', AttributesToGet => [ 'title', 'secret' ]), 'GetItem',
		Query => query_of('own', @projection), '',
		Query => query_of('own'), 'Query',
		Query => query_of('own', Select => 'COUNT'), 'Query',
		Query => query_of('own', @projection, FilterExpression => 'attribute_exists(n)'), '',
		Query => query_of('own', @projection, FilterExpression => 'attribute_exists(#s)', @names), 'Query',
		Query => { %legacy, AttributesToGet => ['title'] }, '',
		Query => { %legacy, AttributesToGet => ['title'], QueryFilter => { secret => { ComparisonOperator => 'NOT_NULL' } } }, 'Query',
		Query => { %{ by_title('own') }, @projection }, '',
		Query => by_title('own'), 'Query index',
		Scan => { TableName => 'Fine', @projection }, '',
		Scan => { TableName => 'Fine', ProjectionExpression => 'secret' }, 'Scan',
		Scan => { TableName => 'Fine', AttributesToGet => ['title'], ScanFilter => { secret => { ComparisonOperator => 'NOT_NULL' } } }, 'Scan',
		PutItem => put_of('put', title => 'x'), '',
		PutItem => put_of('put', secret => 'x'), 'PutItem',
		PutItem => { %{ put_of('put', title => 'x') }, ConditionExpression => 'attribute_exists(secret)' }, 'PutItem',
		PutItem => { %{ put_of('put', title => 'x') }, Expected => { secret => { Exists => \0 } } }, 'PutItem',
		PutItem => { %{ put_of('put', title => 'x') }, ReturnValues => 'ALL_OLD' }, 'PutItem',
		UpdateItem => set_of('put', 'SET title = :t', values_of(t => 'y'), ReturnValues => 'UPDATED_NEW'), '',
		UpdateItem => set_of('put', 'SET title = :t', values_of(t => 'y'), ReturnValues => 'ALL_NEW'), 'UpdateItem',
		UpdateItem => set_of('put', 'SET secret = :t', values_of(t => 'y')), 'UpdateItem',
		UpdateItem => set_of('put', 'SET title = if_not_exists(secret, :t)', values_of(t => 'y')), 'UpdateItem',
		UpdateItem => set_of('put', 'REMOVE #s.x', @names), 'UpdateItem',
		UpdateItem => set_of('put', 'REMOVE n', ConditionExpression => 'attribute_not_exists(secret)'), 'UpdateItem',
		UpdateItem => of_key('put', AttributeUpdates => { title => { Action => 'PUT', Value => { S => 'z' } } }), '',
		UpdateItem => of_key('put', AttributeUpdates => { secret => { Action => 'DELETE' } }), 'UpdateItem',
		(map { ('UpdateItem', set_of('own', $_, values_of(t => 'y')), 'UpdateItem') }
			'SET title = secret, n = :t', 'SET n = list_append(n, secret), title = :t',
			'SET title = :t REMOVE secret[0]', 'SET n = :t, secret.a = :t'),
		(map { ('Scan', { TableName => 'Fine', @projection, FilterExpression => $_, values_of(t => 'y') }, 'Scan') } 'size(secret) > :t',
			'title = secret OR title = :t', 'contains(secret, :t)', 'NOT secret.x[1] = :t', 'title IN (:t, secret)', ':t BETWEEN title AND secret'),
		DeleteItem => of_key('put', ConditionExpression => 'attribute_not_exists(secret)'), 'DeleteItem',
		DeleteItem => of_key('put', ReturnValues => 'ALL_OLD'), 'DeleteItem',
		UpdateItem => set_of('own', 'REMOVE n', ConditionExpression => 'attribute_not_exists(title)', @tell), 'UpdateItem',
		TransactWriteItems => transaction({ ConditionCheck => of_key('own', ConditionExpression => 'attribute_not_exists(title)', @tell) }), 'ConditionCheckItem',
		ExecuteStatement => { Statement => q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1 AND title = 'none'), @tell }, 'PartiQLUpdate',
		DeleteItem => of_key('put'), '',
		BatchGetItem => gets(['own'], @projection), '',
		BatchGetItem => gets(['own']), 'BatchGetItem',
		BatchGetItem => gets(['own'], ProjectionExpression => 'title, #s', @names), 'BatchGetItem',
		BatchWriteItem => writes(put_request('put', title => 'x')), '',
		BatchWriteItem => writes(put_request('put', title => 'x'), put_request('more', secret => 'x')), 'BatchWriteItem',
		TransactGetItems => transaction({ Get => of_key('own', @projection) }), '',
		TransactGetItems => transaction({ Get => of_key('own', @projection) }, { Get => of_key('other') }), 'GetItem',
		TransactGetItems => transaction({ Get => of_key('own', ProjectionExpression => 'secret') }), 'GetItem',
		TransactWriteItems => transaction({ Put => put_of('put', n => 1) }), '',
		TransactWriteItems => transaction({ Put => put_of('put', n => 2) }, { Update => set_of('own', 'REMOVE secret') }), 'UpdateItem',
		TransactWriteItems => transaction({ Put => put_of('put', n => 2) },
			{ Delete => of_key('own', ConditionExpression => 'attribute_exists(secret)') }), 'DeleteItem',
		TransactWriteItems => transaction({ Put => put_of('put', n => 2) },
			{ ConditionCheck => of_key('own', ConditionExpression => 'attribute_exists(#s)', @names) }), 'ConditionCheckItem',
		ExecuteStatement => one(q(SELECT title FROM "Fine" WHERE id = 'own')), '',
		ExecuteStatement => one(q(SELECT * FROM "Fine" WHERE id = 'own')), 'PartiQLSelect',
		ExecuteStatement => one(q(SELECT title, secret FROM "Fine" WHERE id = 'own')), 'PartiQLSelect',
		ExecuteStatement => one(q(SELECT title FROM "Fine" WHERE id = 'own' AND secret = 'x')), 'PartiQLSelect',
		(map { ('ExecuteStatement', one(qq(SELECT title FROM "Fine" WHERE id = 'own' AND $_)), 'PartiQLSelect') } 'secret IS MISSING', 'size(secret) = 1',
			q(attribute_type(secret, 'S')), q("Fine".secret = 'x'), q(secret IN ['x'])),
		ExecuteStatement => one(q(UPDATE "Fine" SET n = secret WHERE id = 'own' AND sk = 1)), 'PartiQLUpdate',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1 RETURNING ALL OLD *)), 'PartiQLUpdate',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1 RETURNING MODIFIED NEW *)), '',
		ExecuteStatement => one(q(DELETE FROM "Fine" WHERE id = 'own' AND sk = 1 RETURNING ALL OLD *)), 'PartiQLDelete',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1)), '',
		ExecuteStatement => one(q(UPDATE "Fine" SET secret = 1 WHERE id = 'own' AND sk = 1)), 'PartiQLUpdate',
		ExecuteStatement => one(q(UPDATE "Fine" REMOVE secret WHERE id = 'own' AND sk = 1)), 'PartiQLUpdate',
		ExecuteStatement => one(q(UPDATE "Fine" SET n = 1 WHERE id = 'own' AND sk = 1 AND secret = 'x')), 'PartiQLUpdate',
		ExecuteStatement => one(q(INSERT INTO "Fine" VALUE {'id': 'inserted', 'sk': 1, 'secret': 'x'})), 'PartiQLInsert',
		ExecuteStatement => one(q(DELETE FROM "Fine" WHERE id = 'own' AND sk = 1 AND secret = 'x')), 'PartiQLDelete',
		BatchExecuteStatement => many(Statements => q(SELECT secret FROM "Fine" WHERE id = 'own' AND sk = 1)), 'PartiQLSelect',
		ExecuteTransaction => many(TransactStatements => q(UPDATE "Fine" SET n = 7 WHERE id = 'put' AND sk = 1),
			q(UPDATE "Fine" SET secret = 1 WHERE id = 'own' AND sk = 1)), 'PartiQLUpdate');
	return;
}

sub parameters
{
	under('within transactions', [ allow(\@item_actions, \@fine_arns,
			Condition => { StringEquals => { 'dynamodb:EnclosingOperation' => [ 'TransactWriteItems', 'TransactGetItems' ] } }) ],
		GetItem => of_key('own'), 'GetItem',
		PutItem => put_of('put'), 'PutItem',
		BatchWriteItem => writes(put_request('put')), 'BatchWriteItem',
		TransactWriteItems => transaction({ Put => put_of('put') }), '',
		TransactGetItems => transaction({ Get => of_key('own') }), '');
	under('capacity', [ allow(\@item_actions, \@fine_arns,
			Condition => { StringEqualsIfExists => { 'dynamodb:ReturnConsumedCapacity' => 'NONE' } }) ],
		GetItem => of_key('own'), '',
		GetItem => of_key('own', ReturnConsumedCapacity => 'NONE'), '',
		GetItem => of_key('own', ReturnConsumedCapacity => 'TOTAL'), 'GetItem',
		Query => query_of('own', ReturnConsumedCapacity => 'INDEXES'), 'Query',
		BatchGetItem => { %{ gets(['own']) }, ReturnConsumedCapacity => 'TOTAL' }, 'BatchGetItem',
		TransactWriteItems => { %{ transaction({ Put => put_of('put') }) }, ReturnConsumedCapacity => 'TOTAL' }, 'PutItem');
	return;
}

# Who may not do it at all learns nothing by asking wrongly; who may under
# conditions is told what is wrong with the question.
sub wrong_questions
{
	my @wrong = (
		[ GetItem => { TableName => 'Fine', Key => { id => { N => '1' } } } ],
		[ GetItem => { TableName => 'Fine', Key => { x => { S => 'own' } } } ],
		[ GetItem => of_key('own', ProjectionExpression => 'a b') ],
		[ PutItem => { TableName => 'Fine', Item => {} } ],
		[ Query => { TableName => 'Fine' } ],
		[ UpdateItem => set_of('own', 'SET') ],
		[ BatchGetItem => gets([ 'own', 'own' ]) ]);

	set_policy($fine, allow('ListTables', '*'));
	for my $call (@wrong)
	{
		is(over_http($fine, @$call), denied($fine, $call->[0], table_arn('Fine')), "a wrong $call->[0]");
		is(over_sql($fine, @$call), denied($fine, $call->[0], table_arn('Fine')), "a wrong $call->[0], over SQL");
	}
	is(over_http($fine, GetItem => { %{ of_key('own') }, TableName => table_arn('Fine') }),
		denied($fine, 'GetItem', table_arn('Fine')), 'a table by its ARN');
	is(over_http($fine, Query => { %{ by_title('own') }, IndexName => 'Nothing' }),
		denied($fine, 'Query', index_arn('Fine', 'Nothing')), 'an index that there is not');
	is(over_http($fine, GetItem => '{'), '400 SerializationException: ', 'what is not JSON');
	set_policy($fine, allow('GetItem', table_arn('Fine'), Condition => { 'ForAllValues:StringEquals' => { 'dynamodb:LeadingKeys' => ['own'] } }));
	like(over_http($fine, @{ $wrong[$_] }), qr/^400 ValidationException: /, "wrong question $_") for 0 .. 2;
	return;
}

my @offered = split /\n/, sql(q{SELECT operation FROM dynamo.stat_operations WHERE operation <> 'unknown' ORDER BY 1});
is_deeply([ grep { !$cases{$_} } @offered ], [], 'all operations that are offered are looked at');
my @only = split / /, $ENV{OPERATIONS} // '';
look_at($_) for grep { $cases{$_} } @only ? @only : @offered;
create_fine();
leading_keys();
statements_of_batch();
other_looks();
changed_minds();
short_forms();
attributes();
parameters();
wrong_questions();

$node->stop;
done_testing();
