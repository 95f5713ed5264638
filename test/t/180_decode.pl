# The output plugin read by pg_recvlogical: records in the order of commits,
# the same after restarts and crashes, from which the table can be made again.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use Durability qw(kill_server);
use JSON::PP;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $timeout = $PostgreSQL::Test::Utils::timeout_default;
my $node = start_node('main');
my $canonical = JSON::PP->new->canonical;

# in database "postgres", or the one given
sub sql
{
	my ($statement, $database) = @_;

	return $node->safe_psql($database // 'postgres', $statement);
}

sub enable
{
	my ($table) = @_;

	return call($node, 'UpdateTable', {
		TableName => $table,
		StreamSpecification => { StreamEnabled => JSON::PP::true, StreamViewType => 'NEW_AND_OLD_IMAGES' } });
}

# The same as the plugin sees it, without the worker that stores records.
sub enable_by_hand
{
	my ($table, $database) = @_;

	return sql(qq{
		INSERT INTO dynamo.stream_definition (relid, owner, table_name, label, view_type,
				hash_attribute, hash_type, range_attribute, range_type, shards, created_at)
			SELECT relid, 10, table_name, clock_timestamp()::text, 'B', hash_attribute, hash_type,
				range_attribute, range_type, 1, now()
			FROM dynamo.table_definition WHERE table_name = '$table';
		ALTER TABLE dynamo_tables."$table" REPLICA IDENTITY FULL}, $database);
}

# the statement for it
sub put_item
{
	my ($table, $pk, $n) = @_;
	my $item = qq({"pk": {"S": "$pk"}, "sk": {"S": "s"}, "n": {"N": "$n"}});

	return qq(SELECT FROM dynamo.put_item('{"TableName": "$table", "Item": $item}'));
}

# What a consumer sees of the log as it is now, line by line; the slot goes on.
sub receive
{
	my ($slot, $database, %option) = @_;
	my $end = sql('SELECT pg_current_wal_flush_lsn()');
	my $text = $node->pg_recvlogical_upto($database // 'postgres', $slot, $end, $timeout, %option);

	return map { decode_json($_) } split /\n/, $text;
}

# the same without going on
sub peek
{
	my ($slot, $database) = @_;

	return map { decode_json($_) } split /\n/,
	  sql("SELECT data FROM pg_logical_slot_peek_changes('$slot', NULL, NULL)", $database);
}

sub count_records
{
	my ($slot, $database) = @_;

	return sql("SELECT count(*) FROM pg_logical_slot_peek_changes('$slot', NULL, NULL)", $database);
}

sub number { return $_[0]{dynamodb}{SequenceNumber} }

# decimal numbers without leading zeros
sub is_less
{
	my ($x, $y) = @_;

	return length $x < length $y || length $x == length $y && $x lt $y;
}

sub is_increasing
{
	my ($name, @records) = @_;
	my @wrong = grep { !is_less(number($records[ $_ - 1 ]), number($records[$_])) } 1 .. $#records;

	return is(scalar @wrong, 0, "$name: numbers increase");
}

sub short { return map { "$_->{eventName} $_->{dynamodb}{Keys}{pk}{S}" } @_ }

# ----------------------------------------------------------------
# A slot over the replication protocol
# ----------------------------------------------------------------

create_table($node, 'Things');
enable('Things');
$node->command_ok([ 'pg_recvlogical', '--create-slot', '-S', 'consumer', '-P', 'pg_dynamo',
	'-d', $node->connstr('postgres') ], 'pg_recvlogical makes a slot');
sql("SELECT pg_create_logical_replication_slot('second', 'pg_dynamo')");

sql(put_item('Things', "a$_", 1)) for 1 .. 3;
my @first = receive('consumer');
is_deeply([ short(@first) ], [ 'INSERT a1', 'INSERT a2', 'INSERT a3' ], 'records of single puts');
is_increasing('single puts', @first);
is_deeply([ receive('consumer') ], [], 'what was confirmed does not come again');

sql(join ';', 'BEGIN', (map { put_item('Things', "a$_", 2) } 3, 1, 2), 'COMMIT');
my ($batch, @more) = receive('consumer', undef, format => 'batches');
is_deeply([ short(@{ $batch->{Records} }) ], [ 'MODIFY a3', 'MODIFY a1', 'MODIFY a2' ], 'a batch');
is(scalar @more, 0, 'one transaction is one batch');

my ($status, $out, $err) = $node->psql('postgres',
	q{START_REPLICATION SLOT "consumer" LOGICAL 0/0 ("pretty" 'on')}, replication => 'database');
like($err, qr/output plugin pg_dynamo has no option "pretty"/, 'an unknown option is refused');

sql('CREATE ROLE reader LOGIN REPLICATION');
sql(put_item('Things', 'a4', 1));
my ($text) = run_command([ 'pg_recvlogical', '--start', '-S', 'consumer', '-f', '-', '--no-loop',
	'--endpos', sql('SELECT pg_current_wal_flush_lsn()'), '-d', $node->connstr('postgres') . ' user=reader' ]);
is_deeply([ map { short(decode_json($_)) } split /\n/, $text ], ['INSERT a4'],
	'a role that may replicate needs no rights on tables');

# ----------------------------------------------------------------
# Concurrent writers, rollbacks, restarts: the table made again
# ----------------------------------------------------------------

my $script = "${PostgreSQL::Test::Utils::tmp_check}/decode_writer.sql";
append_to_file($script, <<'SCRIPT');
\set low random(1, 30)
\set high random(31, 60)
\set n random(1, 4)
\set end random(1, 5)
BEGIN;
INSERT INTO dynamo_tables."Things" (item) VALUES (format('{"pk":{"S":"k%s"},"sk":{"S":"s"},"n":{"N":"%s"},"text":{"S":"%s"}}', :low, :n, repeat(:n::text, :low * 200))::jsonb)
	ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item;
SAVEPOINT x;
DELETE FROM dynamo_tables."Things" WHERE pk = 'k' || :low + 3 * :n OR pk = 'k' || :high;
INSERT INTO dynamo_tables."Things" (item) VALUES (format('{"pk":{"S":"k%s"},"sk":{"S":"s"},"n":{"N":"%s"}}', :high + 1, :n)::jsonb)
	ON CONFLICT (pk, sk) DO UPDATE SET item = excluded.item;
\if :end = 1
ROLLBACK TO x;
\endif
\if :end = 5
ROLLBACK;
\else
COMMIT;
\endif
SCRIPT

sub write_some
{
	$node->command_ok([ 'pgbench', '-n', '-c', 4, '-j', 2, '-t', 150, '-f', $script,
		'--max-tries=100', '-h', $node->host, '-p', $node->port, 'postgres' ], 'writers');
	return;
}

my %table;

# One more record of the table; is it what the ones before lead to?
sub apply
{
	my ($record) = @_;
	my $key = $record->{dynamodb}{Keys}{pk}{S};
	my ($new, $old) = @{ $record->{dynamodb} }{qw(NewImage OldImage)};
	my $had = $table{$key};

	if   ($new) { $table{$key} = $new }
	else        { delete $table{$key} }
	return $record->{eventName} eq ($had ? $new ? 'MODIFY' : 'REMOVE' : 'INSERT')
	  && $canonical->encode([$had]) eq $canonical->encode([$old]);
}

write_some();
my @before = peek('second');
$node->restart;
is_deeply([ peek('second') ], \@before, 'the same records after a restart');
write_some();
my @part = receive('second', undef, tables => 'Things');
is_deeply([ @part[ 0 .. $#before ] ], \@before, 'pg_recvlogical receives the same ones');

write_some();
@before = peek('second');
kill_server($node);
$node->start;
my %known = map { number($_) => $_ } @part;
my @again = peek('second');
my @repeated = grep { $known{ number($_) } } @again;
my @fresh = grep { !$known{ number($_) } } @again;
is_deeply(\@repeated, [ map { $known{ number($_) } } @repeated ],
	'records that come again after kill -9 have their old numbers');
@before = grep { !$known{ number($_) } } @before;
is_deeply([ @fresh[ 0 .. $#before ] ], \@before, 'and new ones theirs');
write_some();
@fresh = grep { !$known{ number($_) } } receive('second');

is_increasing('concurrent writers', @part, @fresh);
my @wrong = grep { !apply($_) } @part, @fresh;
is(scalar @wrong, 0, 'every record follows from those before it');
is_deeply(\%table,
	{ map { my ($pk, $item) = split /\|/, $_, 2; $pk => decode_json($item) }
		split /\n/, sql('SELECT pk, item FROM dynamo_tables."Things"') },
	'the table made from its stream');

# ----------------------------------------------------------------
# A stream enabled while transactions are open
# ----------------------------------------------------------------

receive('consumer');
create_table($node, 'Late');
my $session = open_session($node);
my $other = open_session($node);
ask($session, 'BEGIN; ' . put_item('Things', 'open', 3));
ask($other, 'BEGIN; ' . put_item('Things', 'other', 1));
enable('Late');
ask($session, put_item('Late', 'l1', 1) . '; COMMIT');
sql(put_item('Late', 'l2', 1));
ask($other, put_item('Late', 'l3', 1) . '; COMMIT');
$_->quit for $session, $other;
is_deeply([ short(receive('consumer')) ],
	[ 'INSERT open', 'INSERT l1', 'INSERT l2', 'INSERT other', 'INSERT l3' ],
	'a stream enabled while transactions are open');

# ----------------------------------------------------------------
# Epochs begin at a commit, for transactions that began before as well
# ----------------------------------------------------------------

sql('CREATE DATABASE epochs');
create_extension($node, 'epochs');
create_table($node, 'Things', 1, database => 'epochs');
sql("SELECT pg_create_logical_replication_slot('epochs', 'pg_dynamo')", 'epochs');
enable_by_hand('Things', 'epochs');
$session = open_session($node, 'epochs');
ask($session, 'BEGIN; ' . put_item('Things', 'open', 1));
sql(put_item('Things', 'old', 1), 'epochs');
sql(q{INSERT INTO dynamo.stream_epoch (epoch, start_lsn, system_identifier)
	SELECT 7, pg_current_wal_lsn(), system_identifier FROM pg_control_system()}, 'epochs');
sql(put_item('Things', 'new', 1), 'epochs');
ask($session, put_item('Things', 'open', 2) . '; COMMIT');
$session->quit;
# a row of the cluster that this one was restored from
sql(q{INSERT INTO dynamo.stream_epoch (epoch, start_lsn, system_identifier) VALUES (9, 'FFF/0', 1)}, 'epochs');
sql(put_item('Things', 'restored', 1), 'epochs');
my @records = peek('epochs', 'epochs');
is_deeply([ short(@records) ],
	[ 'INSERT old', 'INSERT new', 'INSERT open', 'MODIFY open', 'INSERT restored' ], 'in the order of commits');
is_deeply([ map { substr number($_), 0, -29 } @records ], [ 1, 7, 7, 7, 10 ], 'epochs');
is_increasing('epochs', @records);
is_deeply([ receive('epochs', 'epochs') ], \@records, 'the same again');

# ----------------------------------------------------------------
# The extension dropped while the slot lags
# ----------------------------------------------------------------

sql('CREATE DATABASE gone');
create_extension($node, 'gone');
create_table($node, 'Late', 1, database => 'gone');
sql("SELECT pg_create_logical_replication_slot('gone', 'pg_dynamo')", 'gone');
enable_by_hand('Late', 'gone');
sql(put_item('Late', 'x', 1), 'gone');
is(count_records('gone', 'gone'), 1, 'a record');
sql('DROP TABLE dynamo_tables."Late"', 'gone');
is(count_records('gone', 'gone'), 1, 'still there without the table');
sql("SELECT pg_replication_slot_advance('gone', pg_current_wal_lsn())", 'gone');
sql('CREATE TABLE ordinary AS SELECT 1; INSERT INTO ordinary VALUES (2); DROP EXTENSION pg_dynamo; CHECKPOINT', 'gone');
is(count_records('gone', 'gone'), 0, 'other tables are read without the extension');
create_extension($node, 'gone');
create_table($node, 'Late', 1, database => 'gone');
enable_by_hand('Late', 'gone');
sql(put_item('Late', 'y', 1), 'gone');
is(count_records('gone', 'gone'), 1, 'those of the next one are read');

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal [^9]/, 'no crash');
$node->stop;
done_testing();
