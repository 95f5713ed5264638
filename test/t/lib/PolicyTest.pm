# Callers and what their policies let them do, through both doors.
#
#	my $server = start_http_node('main');
#	my $alice = add_caller($server, 'alice', 'IN ROLE owner');
#	set_policy($alice, allow('GetItem', table_arn('Music')));
#	is(over_http($alice, 'GetItem', { ... }), '200');
#	is(over_sql($alice, 'PutItem', { ... }), denied($alice, 'PutItem', table_arn('Music')));
#
# A caller is a role with an access key, and a hash with role, client, key_id,
# server.

package PolicyTest;

use strict;
use warnings;
use Exporter 'import';
use HttpCall;
use JSON::PP;
use PgDynamo;
use PostgreSQL::Test::Utils;
use RawHttp;

our @EXPORT = qw(add_caller add_session_caller policy_text statement allow deny set_policy drop_policy
  set_key_policy set_resource_policy drop_resource_policy table_arn index_arn user_arn over_http over_sql
  answer_over_http is_stream_operation denied denied_explicitly denied_by_resource typed untyped);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;
my $account = '000000000000';
my $prefix = "arn:aws:dynamodb:us-east-1:$account";
my $policy_name = 'test';

sub table_arn { return "$prefix:table/$_[0]" }
sub index_arn { return "$prefix:table/$_[0]/index/$_[1]" }
sub user_arn { return "arn:aws:iam::${account}:user/$_[0]{role}" }

# ---- callers ----

sub administrator
{
	my ($server) = @_;

	return $server->{administrator} //= open_session($server->{node});
}

# What the superuser's statement answers; dies where it fails.
sub administer
{
	my ($server, $statement) = @_;
	my $answer = ask(administrator($server), $statement);

	die "$statement: $answer" if $answer =~ /^ERROR: /;
	return $answer;
}

# A new role, made with these options, and an access key for it.
sub add_caller
{
	my ($server, $role, $options) = @_;
	my $row = administer($server, "CREATE ROLE $role " . ($options // '')
		  . "; SELECT * FROM dynamo.create_access_key('$role')");
	my ($key_id, $secret) = split /\|/, $row;

	return { server => $server, role => $role, key_id => $key_id,
		client => http_client($server, key_id => $key_id, secret => $secret) };
}

# The same role with a session token that makes these claims.
sub add_session_caller
{
	my ($caller, %claims) = @_;
	my $server = $caller->{server};
	my $row = administer($server, "SELECT access_key_id, secret_access_key, session_token
		FROM dynamo.create_session_token('$caller->{role}', claims => " . quote(\%claims) . ')');
	my ($key_id, $secret, $token) = split /\|/, $row;

	return { %$caller, key_id => $key_id,
		client => http_client($server, key_id => $key_id, secret => $secret, token => $token) };
}

# ---- policies ----

sub quote { return "'" . $json->encode($_[0]) =~ s/'/''/gr . "'" }

sub list { return ref $_[0] eq 'ARRAY' ? @{ $_[0] } : ($_[0]) }

# Members beyond the first three as in the grammar, e.g. Condition.
sub statement
{
	my ($effect, $actions, $resources, %more) = @_;

	return {
		Effect => $effect,
		Action => [ map { "dynamodb:$_" } list($actions) ],
		Resource => [ list($resources) ], %more };
}

sub allow { return statement('Allow', @_) }
sub deny { return statement('Deny', @_) }

sub policy_document { return { Version => '2012-10-17', Statement => [@_] } }
sub policy_text { return $json->encode(policy_document(@_)) }

# The one policy of the caller's role.
sub set_policy
{
	my ($caller, @statements) = @_;

	administer($caller->{server}, "SELECT dynamo.put_role_policy('$caller->{role}', '$policy_name', "
		  . quote(policy_document(@statements)) . ')');
	return;
}

sub drop_policy
{
	my ($caller) = @_;

	administer($caller->{server}, "SELECT dynamo.delete_role_policy('$caller->{role}', '$policy_name')");
	return;
}

# The one policy of the caller's access key.
sub set_key_policy
{
	my ($caller, @statements) = @_;

	administer($caller->{server}, "SELECT dynamo.put_access_key_policy('$caller->{key_id}', '$policy_name', "
		  . quote(policy_document(@statements)) . ')');
	return;
}

# The policy of a table or stream; whose statements are for, is in them.
sub set_resource_policy
{
	my ($server, $arn, @statements) = @_;

	administer($server, q{SELECT dynamo.execute('PutResourcePolicy', }
		  . quote({ ResourceArn => $arn, Policy => policy_text(@statements) }) . ')');
	return;
}

sub drop_resource_policy
{
	my ($server, $arn) = @_;

	administer($server, q{SELECT dynamo.execute('DeleteResourcePolicy', } . quote({ ResourceArn => $arn }) . ')');
	return;
}

# ---- calls ----

# Attribute values of Perl's: numbers, strings, lists and maps.
sub typed
{
	my ($value) = @_;

	return { L => [ map { typed($_) } @$value ] } if ref $value eq 'ARRAY';
	return { M => { map { $_ => typed($value->{$_}) } keys %$value } } if ref $value;
	return $value =~ /^-?\d+(\.\d+)?$/ ? { N => "$value" } : { S => $value };
}

# The plain values of an item of strings and numbers.
sub untyped
{
	my ($item) = @_;

	return { map { $_ => (values %{ $item->{$_} })[0] } keys %{ $item // {} } };
}

sub is_stream_operation { return $_[0] =~ /^(ListStreams|DescribeStream|GetShardIterator|GetRecords)$/ }

sub answer_over_http
{
	my ($caller, $operation, $request, %option) = @_;
	my $api = is_stream_operation($operation) ? 'DynamoDBStreams_20120810' : 'DynamoDB_20120810';
	my $client = $caller->{client};
	my $connection = $caller->{connection} //= $client->connect;

	$connection->write($client->request(target => "$api.$operation", %option,
			body => ref $request ? $json->encode($request) : $request));
	my $answer = http_answer($connection);
	delete $caller->{connection} unless $answer;
	return $answer;
}

# The statements of a batch that were refused, each as if it were a call.
sub refusals
{
	my ($document) = @_;
	my @errors = map { $_->{Error} // () } list($document->{Responses} // []);

	return map { "400 $_->{Code}Exception: " . ($_->{Message} // '') } @errors;
}

# "200", or "400 ExceptionName: message".  Of a batch of statements what the
# first refused one says.
sub over_http
{
	my $answer = answer_over_http(@_);

	return outcome($answer) unless $_[1] eq 'BatchExecuteStatement' && $answer->{status} == 200;
	return (refusals($answer->{document}), outcome($answer))[0];
}

# The same over SQL, as the role.
sub over_sql
{
	my ($caller, $operation, $request) = @_;
	my $session = administrator($caller->{server});

	ask($session, "SET ROLE $caller->{role}");
	my $answer = ask($session, "SELECT dynamo.execute('$operation', " . quote($request) . ')');
	ask($session, 'RESET ROLE');
	return "400 $1" if $answer =~ /^ERROR: (.*)/;
	return 200 unless $operation eq 'BatchExecuteStatement';
	return (refusals($json->decode($answer)), 200)[0];
}

# ---- what the refused are told ----

sub refusal
{
	my ($caller, $action, $resource, $why) = @_;

	return "400 AccessDeniedException: User: " . user_arn($caller)
	  . " is not authorized to perform: dynamodb:$action on resource: $resource $why";
}

sub denied
{
	my ($caller, $action, $resource) = @_;

	return refusal($caller, $action, $resource, "because no identity-based policy allows the dynamodb:$action action");
}

sub denied_explicitly { return refusal(@_, 'with an explicit deny in an identity-based policy') }

sub denied_by_resource { return refusal(@_, 'with an explicit deny in a resource-based policy') }

1;
