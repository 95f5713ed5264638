# API calls over HTTP with decoded documents, and answers in one line.
#
#	my $client = http_client($server);			# of start_http_node
#	my $answer = http_call($client, 'PutItem', { TableName => 'Music', ... });
#	is(outcome($answer), '200');
#
#	my $connection = http_send($client, 'PutItem', { ... });	# does not wait
#	is(outcome(http_answer($connection)), '400 ValidationException: ...');
#
# An answer has status, body and document, and for errors type (the
# exception's name) and message; it is undef when there was none.

package HttpCall;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use PgDynamo;
use PostgreSQL::Test::Utils;
use RawHttp;
use Time::HiRes qw(sleep time);

our @EXPORT = qw(http_client http_send http_answer http_call outcome http_create_request
  http_put http_connections count_calls wait_until worker_pids);

my $json = JSON::PP->new->canonical->utf8->allow_nonref;

# A client of the server; settings are those of RawHttp.
sub http_client
{
	my ($server, %settings) = @_;

	return RawHttp->new(port => $server->{port}, key_id => $server->{key_id},
		secret => $server->{secret}, %settings);
}

# Begin a call, on a connection of its own unless one is given; returns the
# connection, undef if it was refused.
sub http_send
{
	my ($client, $operation, $request, $connection) = @_;

	$connection //= $client->connect or return undef;
	$connection->write($client->request(operation => $operation, body => $json->encode($request)));
	return $connection;
}

sub http_answer
{
	my ($connection, $timeout) = @_;
	my $answer = $connection
	  && $connection->read(timeout => $timeout // $PostgreSQL::Test::Utils::timeout_default)
	  or return undef;
	my $document = eval { $json->decode($answer->{body}) };

	return { %$answer, document => $document } unless ref $document eq 'HASH';
	my ($type) = ($document->{__type} // '') =~ /([^#]+)$/;
	return { %$answer, document => $document, type => $type,
		message => $document->{message} // $document->{Message} };
}

sub http_call { return http_answer(http_send(@_)) }

# "200", or "400 ValidationException: why"
sub outcome
{
	my ($answer) = @_;

	return 'no answer' unless $answer;
	return $answer->{status} unless $answer->{type};
	return "$answer->{status} $answer->{type}: " . ($answer->{message} // '');
}

# Operation and request for a table with a string key, "id".
sub http_create_request
{
	my ($name) = @_;

	return ('CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ] });
}

# Put an item of strings; the answer's outcome.
sub http_put
{
	my ($client, $table, %item) = @_;
	my %typed = map { $_ => { S => $item{$_} } } keys %item;

	return outcome(http_call($client, 'PutItem', { TableName => $table, Item => \%typed }));
}

# So many connections, which the server spreads over its workers.
sub http_connections
{
	my ($client, $count) = @_;

	return map { $client->connect // die 'the connection was refused' } 1 .. $count;
}

# How many calls, one after the other on each of the connections in turn, get
# the status 200 within so many seconds?  Ends at the first that does not.
sub count_calls
{
	my ($client, $connections, $seconds, $operation, $request) = @_;
	my $deadline = time + $seconds;
	my $count = 0;

	while (time < $deadline)
	{
		my $connection = $connections->[$count % @$connections];
		my $answer = http_answer(http_send($client, $operation, $request, $connection), 2 * $seconds);

		last if !$answer || $answer->{status} != 200;
		$count++;
	}
	return $count;
}

# Does it become true?  Asked again and again, for as long as a slow machine
# may take.
sub wait_until
{
	my ($condition) = @_;
	my $deadline = time + $PostgreSQL::Test::Utils::timeout_default;

	until ($condition->())
	{
		return 0 if time > $deadline;
		sleep 0.05;
	}
	return 1;
}

sub worker_pids
{
	my ($node) = @_;

	return split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'pg_dynamo http worker' ORDER BY pid});
}

1;
