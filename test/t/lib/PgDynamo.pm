# What the TAP tests share: a server with the extension, API calls with decoded
# documents.
#
#	use FindBin;
#	use lib "$FindBin::RealBin/lib";
#	use PgDynamo;
#
#	my $node = start_node('main');
#	my $response = call($node, 'PutItem', { TableName => 'Music', ... });
#	my $error = call_error($node, 'GetItem', { ... });
#	my $session = open_session($node);
#	my $answer = ask($session, 'SELECT ...');

package PgDynamo;

use strict;
use warnings;
use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(start_node create_extension create_table call call_error
  open_session ask start_waiting);

my $json = JSON::PP->new->canonical->allow_nonref;

# Newer minor releases use an output plugin only if a setting lists its library;
# older ones would not start with that line.
sub output_plugin_conf
{
	my ($settings) = run_command([ 'postgres', '--describe-config' ]);

	return $settings =~ /^output_plugin_libraries\t/m
	  ? "output_plugin_libraries = 'pgoutput, test_decoding, pg_dynamo'" : '';
}

# A running server that preloads the library and has the extension in database
# "postgres".  Options: conf, lines for postgresql.conf.
sub start_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_dynamo'\ndynamo.http_workers = 0\nmax_worker_processes = 16");
	$node->append_conf('postgresql.conf', output_plugin_conf());
	$node->append_conf('postgresql.conf', $option{conf}) if $option{conf};
	$node->start;
	create_extension($node);
	return $node;
}

sub create_extension
{
	my ($node, $database) = @_;

	$node->safe_psql($database // 'postgres', 'CREATE EXTENSION pg_dynamo');
	return;
}

sub statement
{
	my ($operation, $request) = @_;
	my $text = $json->encode($request);

	die 'request contains the quote' if $text =~ /\$request\$/;
	return "SELECT dynamo.execute('$operation', \$request\$$text\$request\$)";
}

sub extra_params
{
	my (%option) = @_;

	return $option{user} ? (extra_params => [ '-U', $option{user} ]) : ();
}

# The operation's response as a Perl structure; dies on an API error.
# Options, here and below: database, user.
sub call
{
	my ($node, $operation, $request, %option) = @_;
	my $text = $node->safe_psql($option{database} // 'postgres',
		statement($operation, $request), extra_params(%option));

	return $json->decode($text);
}

# The operation's error, "ExceptionName: message"; undef if it succeeded.
sub call_error
{
	my ($node, $operation, $request, %option) = @_;
	my ($status, $out, $err) = $node->psql($option{database} // 'postgres',
		statement($operation, $request), extra_params(%option));

	return undef if $status == 0;
	return $err =~ /ERROR:  (.*)/ ? $1 : $err;
}

# An on-demand table with string keys: pk, and sk unless the third is false.
sub create_table
{
	my ($node, $name, $with_range, %option) = @_;
	my @keys = ([ 'pk', 'HASH' ]);

	push @keys, [ 'sk', 'RANGE' ] if $with_range // 1;
	return call($node, 'CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ map { { AttributeName => $_->[0], KeyType => $_->[1] } } @keys ],
		AttributeDefinitions =>
		  [ map { { AttributeName => $_->[0], AttributeType => 'S' } } @keys ] }, %option);
}

# A psql session that stays open; close it with $session->quit.
sub open_session
{
	my ($node, $database) = @_;

	return $node->background_psql($database // 'postgres', on_error_stop => 0);
}

# What a session answers: rows, or "ERROR: message".  Without a statement, the
# answer to the one that start_waiting began.
sub ask
{
	my ($session, $statement) = @_;
	my $rows = $session->query($statement // '');
	my $errors = $session->{stderr};

	$session->{stderr} = '';
	return $errors =~ /(?:ERROR|FATAL):  (.*)/ ? "ERROR: $1" : $rows;
}

# Begin a statement that has to wait for a lock; returns once it waits.
sub start_waiting
{
	my ($node, $session, $statement) = @_;
	my $pid = ask($session, 'SELECT pg_backend_pid()');

	$session->query_until(qr/begun/, "\\echo begun\n$statement;\n");
	$node->poll_query_until('postgres',
		"SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid")
	  or die 'the statement did not wait';
	return $pid;
}

1;
