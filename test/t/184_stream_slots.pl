# The replication slot of streams: lost, dropped, left behind by a failover, in
# several databases; and the ring of a day's records.

use strict;
use warnings;
use File::Spec;
use FindBin;
use IPC::Run ();
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', conf => "max_worker_processes = 20\nmax_wal_senders = 10\ndynamo.stream_shard_period = 1h");

sub create_streamed
{
	my ($on, $name, %option) = @_;

	return call($on, 'CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'pk', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'pk', AttributeType => 'S' } ],
		StreamSpecification => { StreamEnabled => JSON::PP::true(), StreamViewType => 'NEW_IMAGE' } },
		%option)->{TableDescription}{LatestStreamArn};
}

sub put
{
	my ($on, $name, $key, %option) = @_;

	call($on, 'PutItem', { TableName => $name, Item => { pk => { S => $key } } }, %option);
	return;
}

sub settle
{
	my ($on, $database) = @_;
	my $position = $on->safe_psql('postgres', 'SELECT pg_current_wal_insert_lsn()');

	$on->poll_query_until($database // 'postgres', qq{
		SELECT slot_state = 'active' AND (SELECT confirmed_flush_lsn >= '$position' FROM pg_replication_slots s
			WHERE s.slot_name = t.slot_name) FROM dynamo.stat_streams t})
	  or die 'the worker does not keep up';
	return;
}

# keys of the records of all shards, in the order of shards
sub records
{
	my ($on, $arn, %option) = @_;
	my $shards = call($on, 'DescribeStream', { StreamArn => $arn }, %option)->{StreamDescription}{Shards};
	my @keys;

	for my $shard (@$shards)
	{
		my $iterator = call($on, 'GetShardIterator', { StreamArn => $arn, ShardId => $shard->{ShardId},
			ShardIteratorType => 'TRIM_HORIZON' }, %option)->{ShardIterator};

		push @keys, map { $_->{dynamodb}{Keys}{pk}{S} }
		  @{ call($on, 'GetRecords', { ShardIterator => $iterator }, %option)->{Records} };
	}
	return "@keys";
}

sub state_of
{
	my ($on, $columns, $database) = @_;

	return $on->safe_psql($database // 'postgres', "SELECT $columns FROM dynamo.stat_streams");
}

is(state_of($node, 'slot_state, streams, records'), 'missing|0|0', 'no slot without a stream');
my $arn = create_streamed($node, 'Main');
put($node, 'Main', 'first');
settle($node);
is(records($node, $arn), 'first', 'a record');
is(state_of($node, 'slot_state, epoch, streams, open_shards, gaps'), 'active|1|1|1|0', 'the slot is read');

# a transaction that stays open holds up nothing
my $session = open_session($node);
ask($session, 'BEGIN');
ask($session, q{SELECT dynamo.put_item('{"TableName":"Main","Item":{"pk":{"S":"late"}}}')});
put($node, 'Main', 'early');
settle($node);
is(records($node, $arn), 'first early', 'beside an open transaction');
ask($session, 'COMMIT');
$session->quit;
settle($node);
is(records($node, $arn), 'first early late', 'in the order of commits');

# the server restarts
$node->restart;
put($node, 'Main', 'restarted');
settle($node);
is(records($node, $arn), 'first early late restarted', 'after a restart');

# the slot is dropped by hand
$node->psql('postgres', q{DO $$
BEGIN
	LOOP
		BEGIN
			PERFORM pg_terminate_backend(pid) FROM dynamo.stat_streams;
			PERFORM pg_sleep(0.01);
			PERFORM pg_drop_replication_slot(slot_name) FROM dynamo.stat_streams;
			EXIT;
		EXCEPTION WHEN object_in_use THEN NULL;
		END;
	END LOOP;
END $$});
$node->poll_query_until('postgres', "SELECT slot_state = 'active' AND epoch = 2 FROM dynamo.stat_streams")
  or die 'the slot is not made anew';
put($node, 'Main', 'again');
settle($node);
is(records($node, $arn), 'first early late restarted again', 'a new slot goes on in shards of its own');
is(state_of($node, 'gaps, last_gap IS NOT NULL'), '1|t', 'the gap is counted');
my $shards = call($node, 'DescribeStream', { StreamArn => $arn })->{StreamDescription}{Shards};
is($shards->[1]{ParentShardId}, $shards->[0]{ShardId}, 'which are children of the last ones');
like(slurp_file($node->logfile), qr/streams have a gap: changes after/, 'and logged');

# the server removes log that the slot needs
$node->append_conf('postgresql.conf', "max_slot_wal_keep_size = '1MB'\nmin_wal_size = '32MB'\nmax_wal_size = '32MB'");
$node->reload;
my $pid = state_of($node, 'pid');
kill 'STOP', $pid;
for (1 .. 4)
{
	$node->safe_psql('postgres', 'CREATE TABLE t (i int); DROP TABLE t; SELECT pg_switch_wal()');
}
my $checkpoint = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', 'CHECKPOINT' ]);
$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'checkpointer'
	AND wait_event = 'ReplicationSlotDrop'");
kill 'CONT', $pid;
$checkpoint->finish;
$node->poll_query_until('postgres', "SELECT slot_state = 'active' AND epoch = 3 FROM dynamo.stat_streams")
  or die 'the slot is not made anew';
put($node, 'Main', 'after');
settle($node);
is(records($node, $arn), 'first early late restarted again after', 'after the slot was lost');
is(state_of($node, 'gaps'), '2', 'which is another gap');
$node->append_conf('postgresql.conf', "max_slot_wal_keep_size = -1");
$node->reload;

# a day passes: the ring turns, shards and streams go
$node->safe_psql('postgres', q{
	UPDATE dynamo.stream_record SET written_at = written_at - interval '26 hours';
	UPDATE dynamo.stream_hour SET started_at = started_at - interval '26 hours';
	UPDATE dynamo.stream_shard SET created_at = created_at - interval '26 hours', closed_at = closed_at - interval '26 hours'});
my $reader = open_session($node);
ask($reader, 'BEGIN');
ask($reader, 'SELECT count(*) FROM dynamo.stream_record');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($_)") for state_of($node, 'pid');
put($node, 'Main', 'tomorrow');
settle($node);
is(records($node, $arn), 'tomorrow', 'records of yesterday are gone, though somebody reads them');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo.stream_record'), '1', 'from the table');
ask($reader, 'COMMIT');
$reader->quit;
$node->poll_query_until('postgres', q{SELECT count(*) <= 2 FROM dynamo.stream_shard})
  or fail('shards of yesterday go');

# another database: its worker is not the postmaster's
$node->safe_psql('postgres', 'CREATE DATABASE other');
create_extension($node, 'other');
my $other = create_streamed($node, 'Main', database => 'other');
put($node, 'Main', 'elsewhere', database => 'other');
settle($node, 'other');
is(records($node, $other, database => 'other'), 'elsewhere', 'a second database');
is(records($node, $arn), 'tomorrow', 'and the first');
$node->restart;
put($node, 'Main', 'more', database => 'other');
records($node, $other, database => 'other');
settle($node, 'other');
is(records($node, $other, database => 'other'), 'elsewhere more', 'its worker comes back with a reader');
$node->safe_psql('other', 'SELECT pg_terminate_backend(pid) FROM dynamo.stat_streams');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'other'")
  or die 'the worker does not end';
$node->safe_psql('postgres', 'DROP DATABASE other');
is($node->safe_psql('postgres', 'SELECT count(*) FROM pg_replication_slots'), '1', 'its slot goes with it');

# a standby answers, and takes over
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
put($node, 'Main', 'replicated');
settle($node);
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(records($standby, $arn), 'tomorrow replicated', 'a standby answers');
is(state_of($standby, 'slot_state'), 'missing', 'without a slot');
$node->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', "SELECT slot_state = 'active' FROM dynamo.stat_streams")
  or die 'no slot after the failover';
put($standby, 'Main', 'promoted');
settle($standby);
is(records($standby, $arn), 'tomorrow replicated promoted', 'records go on after a failover');
is(state_of($standby, 'epoch, gaps'), '4|3', 'in another epoch, with a gap') or diag(state_of($standby, '*'));

# without the extension the worker rests
call($standby, 'DeleteTable', { TableName => 'Main' });
settle($standby);
$standby->safe_psql('postgres', 'DROP EXTENSION pg_dynamo');
sleep 2;
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo streams'}),
	'1', 'DROP EXTENSION');
$standby->restart;
$standby->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_replication_slots')
  or fail('the slot goes after a restart');
create_extension($standby);
$arn = create_streamed($standby, 'Main');
put($standby, 'Main', 'anew');
settle($standby);
is(records($standby, $arn), 'anew', 'and CREATE EXTENSION');
# a worker that was just looking at its tables may say once that they are gone
my $log = slurp_file($standby->logfile) =~ s/ERROR:  relation "dynamo\.\w+" does not exist//gr;
unlike($log, qr/does not exist|terminated by signal|PANIC/, 'no errors in the log');
cmp_ok(() = slurp_file($standby->logfile) =~ /ERROR:  relation "dynamo\./g, '<=', 4, 'but those of DROP EXTENSION, once a worker');
$standby->stop;

# the extension is dropped and made again while its last changes are not read:
# the slot cannot go on, and a new one is made
$node = start_node('anew', conf => "max_worker_processes = 20");
$arn = create_streamed($node, 'Main');
put($node, 'Main', 'old');
settle($node);
my $drain_pid = state_of($node, 'pid');
kill 'STOP', $drain_pid;
call($node, 'DeleteTable', { TableName => 'Main' });
$node->safe_psql('postgres', 'DROP EXTENSION pg_dynamo');
create_extension($node);
kill 'CONT', $drain_pid;
$arn = create_streamed($node, 'Main');
$node->poll_query_until('postgres', q{SELECT epoch = 1 AND slot_state = 'active' AND open_shards = 1 FROM dynamo.stat_streams})
  or fail('a new slot for the new extension');
put($node, 'Main', 'new');
settle($node);
is(records($node, $arn), 'new', 'DROP EXTENSION and CREATE EXTENSION beside a slow worker');
$node->stop;

# several sessions enable the first streams at once: one slot, one epoch
$node = start_node('several', conf => "max_worker_processes = 20");
my @sessions = map {
	my $request = JSON::PP->new->encode({ TableName => "Table$_", BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'pk', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'pk', AttributeType => 'S' } ],
		StreamSpecification => { StreamEnabled => JSON::PP::true(), StreamViewType => 'KEYS_ONLY' } });

	IPC::Run::start([ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', "SELECT dynamo.create_table('$request')" ],
		'>', File::Spec->devnull, '2>', File::Spec->devnull)
} 1 .. 6;
is(scalar(grep { $_->finish } @sessions), 6, 'several sessions enable the first streams at once');
$node->poll_query_until('postgres', q{SELECT streams = 6 AND open_shards = 6 AND slot_state = 'active' AND epoch = 1 FROM dynamo.stat_streams})
  or fail('one slot for all of them');
is($node->safe_psql('postgres', q{SET dynamo.stream_shards = 64;
	SELECT count(dynamo.create_table(jsonb_build_object('TableName', 'Wide' || i, 'BillingMode', 'PAY_PER_REQUEST',
		'KeySchema', '[{"AttributeName": "pk", "KeyType": "HASH"}]'::jsonb,
		'AttributeDefinitions', '[{"AttributeName": "pk", "AttributeType": "S"}]'::jsonb,
		'StreamSpecification', '{"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}'::jsonb)))
	FROM generate_series(1, 8) AS i}), '8', 'the ids of many shards made at once differ');
unlike(slurp_file($node->logfile), qr/ERROR/, 'none of them fails');
$node->stop;

# what has to be set
$node = PostgreSQL::Test::Cluster->new('replica');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_dynamo'\ndynamo.http_workers = 0\nwal_level = replica");
$node->start;
create_extension($node);
my ($status, $out, $err) = $node->psql('postgres', q{SELECT dynamo.create_table('{"TableName": "Main",
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
	"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}}')});
like($err, qr/streams need wal_level to be logical.*Set wal_level = logical/s, 'wal_level');
$node->stop;

done_testing();
