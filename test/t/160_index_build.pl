# Indexes added to tables that hold items: beside writers, across crashes,
# cancelled, failing, and dropped half way.  Whatever happens, an index that is
# active holds what its table says.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $items = 20000;
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = start_node('main', conf => <<"END");
log_statement = none
synchronous_commit = off
max_prepared_transactions = 2
max_worker_processes = 16
dynamo.port = $port
dynamo.listen_addresses = '127.0.0.1'
dynamo.auth = none
END
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo index build'};

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub global_index
{
	my ($index, $partition, $sort, %more) = @_;

	return {
		IndexName => $index,
		KeySchema => [
			{ AttributeName => $partition, KeyType => 'HASH' },
			$sort ? { AttributeName => $sort, KeyType => 'RANGE' } : () ],
		Projection => { ProjectionType => 'ALL' }, %more };
}

# UpdateTable that creates an index, on string attributes
sub add_index
{
	my ($table, $index, $partition, $sort, %more) = @_;

	return {
		TableName => $table,
		AttributeDefinitions =>
		  [ map { { AttributeName => $_, AttributeType => 'S' } } grep { $_ } $partition, $sort ],
		GlobalSecondaryIndexUpdates => [ { Create => global_index($index, $partition, $sort, %more) } ] };
}

sub create_index { return call($node, 'UpdateTable', add_index(@_)) }

sub drop_index
{
	my ($table, $index) = @_;

	return { TableName => $table, GlobalSecondaryIndexUpdates => [ { Delete => { IndexName => $index } } ] };
}

sub describe_index
{
	my ($table, $index) = @_;
	my $description = call($node, 'DescribeTable', { TableName => $table })->{Table};
	my ($found) = grep { $_->{IndexName} eq $index } @{ $description->{GlobalSecondaryIndexes} };

	return $found;
}

# A column of the progress view; a session that must not wait asks here.
sub progress
{
	my ($index, $columns) = @_;

	return sql("SELECT $columns FROM dynamo.stat_progress_index_build WHERE index_name = '$index'");
}

sub is_active
{
	my ($table, $index) = @_;

	return $node->poll_query_until('postgres', "SELECT status = 'active' FROM dynamo.indexes
		WHERE table_name = '$table' AND index_name = '$index'");
}

sub is_true
{
	my ($table, $index, $what) = @_;

	ok(is_active($table, $index), "$what: the index becomes active");
	is(sql("SELECT problem, key FROM dynamo.verify_index('$table', '$index') LIMIT 5"), '',
		"$what: it is true");
	is(sql("SELECT count(*) FROM dynamo.index_build b JOIN dynamo.index_definition d USING (index_relid)
		WHERE d.index_name = '$index'"), '0', "$what: its progress is forgotten");
	return;
}

sub no_workers
{
	my ($what) = @_;

	ok($node->poll_query_until('postgres', $workers, '0'), "$what: no worker is left");
	return;
}

# Hold a row in the middle, so that a build comes there and no further; it does
# not keep DDL out.
sub hold_middle
{
	my ($session) = @_;

	ask($session, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'p050' FOR UPDATE LIMIT 1});
	return;
}

# Until the build has come to the held row.
sub wait_for_middle
{
	my ($index) = @_;

	$node->poll_query_until('postgres', "SELECT items_done BETWEEN 5000 AND 15000 AND pid IS NOT NULL
		FROM dynamo.stat_progress_index_build WHERE index_name = '$index'")
	  or die 'the build did not come to the middle';
	return;
}

# ---- a table, and an index beside writers ----

create_table($node, 'Things');
sql(qq{INSERT INTO dynamo_tables."Things" (item) SELECT
	jsonb_build_object('pk', jsonb_build_object('S', 'p' || lpad((n % 100)::text, 3, '0')),
		'sk', jsonb_build_object('S', lpad(n::text, 6, '0')),
		'v', jsonb_build_object('S', repeat('x', n % 300 + 1)))
	|| CASE WHEN n % 10 = 0 THEN '{}' WHEN n % 17 = 0 THEN '{"g": {"N": "7"}}'
		ELSE jsonb_build_object('g', jsonb_build_object('S', 'g' || n % 50)) END
	FROM generate_series(1, $items) n});

my $response = create_index('Things', 'byG', 'g', 'sk')->{TableDescription}{GlobalSecondaryIndexes}[0];
is($response->{IndexStatus}, 'CREATING', 'UpdateTable answers at once');
is_true('Things', 'byG', 'a table without writers');
is(describe_index('Things', 'byG')->{IndexStatus}, 'ACTIVE', 'and so says DescribeTable');
ok(!exists describe_index('Things', 'byG')->{Backfilling}, 'without Backfilling');
is(sql(q{SELECT count(*) FROM dynamo_tables."Things:byG"}),
	sql(q{SELECT count(*) FROM dynamo_tables."Things" WHERE item -> 'g' ->> 'S' IS NOT NULL}),
	'items with the key are in it, and no others');
is(progress('byG', '*'), '', 'no progress is shown of it');

# items come, go and move between index keys while it is built
my %scripts = (
	move => q{
		\set p random(0, 99)
		\set n random(0, 199)
		\set g random(0, 60)
		SELECT dynamo.update_item('Things', jsonb_build_object('pk', 'p' || lpad(:p::text, 3, '0'), 'sk', lpad((:n * 100 + :p)::text, 6, '0')),
			'SET g = :key', jsonb_build_object(':key', 'g' || :g));
	},
	leave => q{
		\set p random(0, 99)
		\set n random(0, 199)
		SELECT dynamo.update_item('Things', jsonb_build_object('pk', 'p' || lpad(:p::text, 3, '0'), 'sk', lpad((:n * 100 + :p)::text, 6, '0')),
			'REMOVE g SET m = :m', '{":m": 1}');
	},
	delete => q{
		\set p random(0, 99)
		\set n random(0, 199)
		SELECT dynamo.delete_item('Things', jsonb_build_object('pk', 'p' || lpad(:p::text, 3, '0'), 'sk', lpad((:n * 100 + :p)::text, 6, '0')));
	},
	put => q{
		\set p random(0, 99)
		\set n random(0, 199)
		\set g random(0, 60)
		SELECT FROM dynamo.put_item('Things', jsonb_build_object('pk', 'p' || lpad(:p::text, 3, '0'), 'sk', lpad((:n * 100 + :p)::text, 6, '0'),
			'g', 'g' || :g, 'v', repeat('y', :g + 1)));
	},
	statement => q{
		\set g random(0, 60)
		\set n random(0, 199)
		BEGIN;
		UPDATE dynamo_tables."Things" t SET item = jsonb_set(item, '{g}', jsonb_build_object('S', 'g' || :g))
		FROM (SELECT pk, sk FROM dynamo_tables."Things" WHERE sk LIKE '00' || lpad(:n::text, 3, '0') || '%'
			ORDER BY pk, sk FOR UPDATE) l
		WHERE t.pk = l.pk AND t.sk = l.sk;
		COMMIT;
	});
my @files;
for my $script (sort keys %scripts)
{
	my $file = "$dir/build_$script.sql";

	unlink $file;
	append_to_file($file, $scripts{$script});
	push @files, '-f', "$file\@" . ($script eq 'statement' ? 1 : 4);
}

# Writers that run until they are finished or the server is gone.
sub start_writers
{
	my ($seconds) = @_;
	my ($out, $err) = ('', '');
	my $run = IPC::Run::start([ 'pgbench', '-n', '-c', 4, '-j', 2, '-T', $seconds, '--max-tries=10',
			'-l', "--log-prefix=$dir/build_writers", @files,
			'-h', $node->host, '-p', $node->port, 'postgres' ],
		'>', \$out, '2>', \$err);

	return { run => $run, out => \$out, err => \$err };
}

# the longest of their transactions, in seconds
sub longest
{
	my $longest = 0;

	for my $file (glob "$dir/build_writers.*")
	{
		for my $line (split /\n/, slurp_file($file))
		{
			my $latency = (split / /, $line)[2] / 1e6;
			$longest = $latency if $latency > $longest;
		}
		unlink $file;
	}
	return $longest;
}

my $writers = start_writers(6);
for my $n (1 .. 4)
{
	create_index('Things', "beside$n", 'g', $n % 2 ? 'v' : undef);
	ok(is_active('Things', "beside$n"), "index $n becomes active beside writers");
}
$writers->{run}->finish;
is($writers->{run}->result(0), 0, 'the writers went on') or diag ${ $writers->{err} };
like(${ $writers->{out} }, qr/^number of failed transactions: 0 /m, 'none of them failed');
my $wait = longest();
cmp_ok($wait, '<', 5, "none waited for long ($wait s)");
is_true('Things', "beside$_", "index $_ beside writers") for 1 .. 4;
is_true('Things', 'byG', 'the older index');
call($node, 'UpdateTable', drop_index('Things', "beside$_")) for 2 .. 4;

# ---- progress, and what stops a build ----

my $holder = open_session($node);

hold_middle($holder);
create_index('Things', 'held', 'g');
wait_for_middle('held');
is(progress('held', q{table_name, phase, items_total BETWEEN 15000 AND 25000, items_done < items_total, started_at IS NOT NULL, last_error}),
	'Things|backfilling|t|t|t|', 'progress');
is(progress('held', q{(SELECT backend_type FROM pg_stat_activity a WHERE a.pid = v.pid) FROM dynamo.stat_progress_index_build v WHERE v.index_name = 'held' --}),
	'pg_dynamo index build', 'of a worker');
my $held = describe_index('Things', 'held');
is("$held->{IndexStatus} $held->{Backfilling}", 'CREATING 1', 'DescribeTable shows it as backfilling');
is(sql('SELECT dynamo.resume_index_builds()'), '0', 'a build at work is not resumed');
sql(q{SELECT FROM dynamo.put_item('Things', '{"pk": "p000", "sk": "behind", "g": "g1"}');
	SELECT FROM dynamo.put_item('Things', '{"pk": "p099", "sk": "ahead", "g": "g1"}')});

my $pid = progress('held', 'pid');
sql("SELECT pg_terminate_backend($pid, 10000)");
is(progress('held', q{pid IS NULL, phase, items_done >= 5000}), 't|waiting for a worker|t', 'a worker that is terminated');
is(sql('SELECT dynamo.resume_index_builds()'), '1', 'is replaced');
wait_for_middle('held');

$pid = progress('held', 'pid');
sql("SELECT pg_cancel_backend($pid)");
no_workers('cancelled');
is(progress('held', q{phase, last_error, retry_at}),
	'stopped|canceling statement due to user request|infinity', 'a cancelled worker says so');
is(sql('SELECT dynamo.resume_index_builds()'), '1', 'and is resumed by hand');
wait_for_middle('held');

# rights: who may see, cancel, resume
sql(q{CREATE ROLE stranger LOGIN; CREATE ROLE reader LOGIN; GRANT SELECT ON dynamo_tables."Things" TO reader});
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo.stat_progress_index_build', extra_params => [ '-U', 'stranger' ]),
	'0', 'strangers see no progress');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo.stat_progress_index_build', extra_params => [ '-U', 'reader' ]),
	'1', 'readers of the table do');
is($node->safe_psql('postgres', 'SELECT dynamo.resume_index_builds()', extra_params => [ '-U', 'reader' ]),
	'0', 'but resume nothing');
for my $role ('stranger', 'reader')
{
	my ($status, $out, $err) = $node->psql('postgres', q{SELECT dynamo.cancel_index_build('Things', 'held')},
		extra_params => [ '-U', $role ]);
	like($err, qr/AccessDeniedException/, "$role cannot cancel");
	($status, $out, $err) = $node->psql('postgres', 'SELECT last_key FROM dynamo.index_build',
		extra_params => [ '-U', $role ]);
	like($err, qr/permission denied/, "$role does not see keys");
}

# the build goes on once it may
is(ask($holder, 'COMMIT'), '', 'the row is let go');
is_true('Things', 'held', 'a build that was stopped twice');
no_workers('complete');
my ($status, $out, $err) = $node->psql('postgres', q{SELECT dynamo.cancel_index_build('Things', 'held')});
like($err, qr/ERROR:  index "held" of DynamoDB table "Things" is complete/, 'a complete index is not cancelled');
call($node, 'UpdateTable', drop_index('Things', 'held'));

# ---- crashes ----

for my $round (1 .. 2)
{
	$writers = start_writers(60);
	hold_middle($holder);
	create_index('Things', 'crash', 'g', 'v');
	wait_for_middle('crash');
	$node->stop('immediate');
	eval { $holder->quit };
	$writers->{run}->finish;
	longest();

	# the second time, the endpoint's worker resumes the build
	$node->append_conf('postgresql.conf', 'dynamo.http_workers = 1') if $round == 2;
	$node->start;
	$holder = open_session($node);
	if ($round == 1)
	{
		is(progress('crash', 'pid, phase'), '|waiting for a worker', 'after a crash a build waits');
		is(sql('SELECT dynamo.resume_index_builds()'), '1', 'and is resumed');
	}
	$writers = start_writers(2);
	ok(is_active('Things', 'crash'), "round $round: the index becomes active");
	$writers->{run}->finish;
	is_true('Things', 'crash', "round $round: a build that survived a crash");
	is_true('Things', 'byG', "round $round: the older index");
	call($node, 'UpdateTable', drop_index('Things', 'crash'));
}
$node->append_conf('postgresql.conf', 'dynamo.http_workers = 0');
eval { $holder->quit };
$node->restart;
$holder = open_session($node);

# ---- dropped half way ----

my $log = -s $node->logfile;

hold_middle($holder);
create_index('Things', 'gone', 'g');
wait_for_middle('gone');
sql(q{SELECT dynamo.cancel_index_build('Things', 'gone')});
no_workers('cancel_index_build');
is(describe_index('Things', 'gone'), undef, 'a cancelled build leaves no index');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname LIKE '%gone%'}), '0', 'and no table');

create_index('Things', 'gone', 'g');
wait_for_middle('gone');
call($node, 'UpdateTable', drop_index('Things', 'gone'));
no_workers('UpdateTable');

# and made again under its name
create_index('Things', 'gone', 'v');
wait_for_middle('gone');
ask($holder, 'COMMIT');
is_true('Things', 'gone', 'an index of the name of a dropped one');

# the whole table: the deletion gets in between two batches
hold_middle($holder);
create_index('Things', 'last', 'g');
wait_for_middle('last');
my $deleter = open_session($node);
start_waiting($node, $deleter, q{DROP TABLE dynamo_tables."Things"});
ask($holder, 'COMMIT');
is(ask($deleter), '', 'DROP TABLE waits for no build');
no_workers('DROP TABLE');
is(sql('SELECT count(*) FROM dynamo.index_build'), '0', 'nothing is left of the build');
is(sql(q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'dynamo_tables'}),
	'0', 'nor of the table');
unlike(substr(slurp_file($node->logfile), $log), qr/(?:ERROR|FATAL|PANIC|stopped):?/, 'workers end without a word');

# ---- transactions that come to nothing ----

create_table($node, 'Things');
ask($holder, q{SELECT count(*) FROM (SELECT dynamo.put_item('Things', jsonb_build_object('pk', 'a', 'sk', 's' || n, 'g', 'g' || n % 5)) FROM generate_series(1, 100) n) p});

sub statement
{
	my $request = JSON::PP->new->encode($_[0]);

	return "SELECT FROM dynamo.update_table('$request')";
}
ask($holder, 'BEGIN; ' . statement(add_index('Things', 'never', 'g')) . '; ROLLBACK');
ask($holder, 'BEGIN; SAVEPOINT s; ' . statement(add_index('Things', 'never', 'g')) . '; ROLLBACK TO s; COMMIT');
is(sql(q{SELECT count(*) FROM dynamo.index_definition}), '0', 'rolled back indexes are not there');
is(sql($workers), '0', 'and no worker looks for them');
ask($holder, 'BEGIN; SAVEPOINT s; ' . statement(add_index('Things', 'kept', 'g')) . '; RELEASE s; COMMIT');
is_true('Things', 'kept', 'an index of a subtransaction');
ask($holder, 'BEGIN; ' . statement(add_index('Things', 'prepared', 'g')) . q{; PREPARE TRANSACTION 'p'});
is(ask($holder, q{COMMIT PREPARED 'p'}), '', 'an index of a prepared transaction');
is(progress('prepared', 'phase'), 'waiting for a worker', 'has no worker of its own');
is(sql('SELECT dynamo.resume_index_builds()'), '1', 'until it gets one');
is_true('Things', 'prepared', 'an index of a prepared transaction');

# ---- tables of other kinds ----

# partitions
sql('SET dynamo.table_partitions = 4; ' . q{SELECT dynamo.create_table('Parts', 'id N', 'at B');
	INSERT INTO dynamo_tables."Parts" (pk, item) SELECT n - 1000, jsonb_build_object('id', jsonb_build_object('N', (n - 1000)::text),
		'at', jsonb_build_object('B', encode(n::text::bytea, 'base64')), 'g', jsonb_build_object('S', 'g' || n % 3))
	FROM generate_series(1, 3000) n});
create_index('Parts', 'byG', 'g');
is_true('Parts', 'byG', 'a partitioned table');
is(sql('SELECT count(*) FROM dynamo_tables."Parts:byG"'), '3000', 'of all its partitions');

# partition keys longer than their column
sql(q{SELECT dynamo.create_table('Long', 'id S');
	INSERT INTO dynamo_tables."Long" (item) SELECT jsonb_build_object('id', jsonb_build_object('S', repeat('k', 600 + n % 3) || n),
		'g', jsonb_build_object('S', 'g' || n % 3))
	FROM generate_series(1, 2000) n});
create_index('Long', 'byG', 'g');
is_true('Long', 'byG', 'long keys');
is(sql('SELECT count(*) FROM dynamo_tables."Long:byG"'), '2000', 'all of them');

# row security that hides rows even from the owner, and an owner without more rights
sql(q{CREATE ROLE app LOGIN; GRANT USAGE, CREATE ON SCHEMA dynamo_tables TO app});
create_table($node, 'Hidden', 0, user => 'app');
$node->safe_psql('postgres', q{INSERT INTO dynamo_tables."Hidden" (item)
		SELECT jsonb_build_object('pk', jsonb_build_object('S', n::text), 'g', jsonb_build_object('S', 'x')) FROM generate_series(1, 1200) n;
	ALTER TABLE dynamo_tables."Hidden" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
	CREATE POLICY none ON dynamo_tables."Hidden" USING (false)}, extra_params => [ '-U', 'app' ]);
call($node, 'UpdateTable', add_index('Hidden', 'byG', 'g'), user => 'app');
ok(is_active('Hidden', 'byG'), 'a table with row security: the index becomes active');
is(sql('SELECT count(*) FROM dynamo_tables."Hidden:byG"'), '1200', 'with all rows');

# what its owner may do
ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Hidden" WHERE pk = '5' FOR UPDATE});
call($node, 'UpdateTable', add_index('Hidden', 'other', 'g'), user => 'app');
$node->poll_query_until('postgres', q{SELECT items_done > 0 AND pid IS NOT NULL FROM dynamo.stat_progress_index_build WHERE index_name = 'other'});
sql('SELECT pg_terminate_backend(' . progress('other', 'pid') . ', 10000)');
is($node->safe_psql('postgres', 'SELECT dynamo.resume_index_builds()', extra_params => [ '-U', 'app' ]), '1', 'an owner resumes');
$node->safe_psql('postgres', q{SELECT dynamo.cancel_index_build('Hidden', 'other')}, extra_params => [ '-U', 'app' ]);
is(describe_index('Hidden', 'other'), undef, 'and cancels');
ask($holder, 'COMMIT');
no_workers('cancelled by its owner');

# no items at all
sql(q{SELECT dynamo.create_table('Empty', 'id S')});
create_index('Empty', 'byG', 'g');
is_true('Empty', 'byG', 'an empty table');

# ---- a unique index, whose build and a writer want each other's locks ----

sql(q{SELECT dynamo.create_table('Unique', 'id S');
	INSERT INTO dynamo_tables."Unique" (item) SELECT jsonb_build_object('id', jsonb_build_object('S', lpad(n::text, 4, '0')),
		'u', jsonb_build_object('S', 'u' || lpad(n::text, 4, '0')))
	FROM generate_series(1, 2000) n});
ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Unique" WHERE pk = '1000' FOR UPDATE});
ask($deleter, 'SET dynamo.strict = off; ' . statement(add_index('Unique', 'byU', 'u', undef, Unique => JSON::PP::true)));
$node->poll_query_until('postgres', q{SELECT items_done = 999 AND pid IS NOT NULL FROM dynamo.stat_progress_index_build WHERE index_name = 'byU'});
ask($deleter, q{BEGIN; SELECT FROM dynamo.put_item('Unique', '{"id": "new", "u": "u1020"}')});
ask($holder, 'COMMIT');

# the build is soon at the item 1020, and holds those before it
for my $id (1000 .. 1019)
{
	is(ask($deleter, "SELECT FROM dynamo.update_item('Unique', '{\"id\": \"$id\"}', 'SET x = :x', '{\":x\": 1}')"), '',
		"a writer that holds the value of 1020 can update $id");
}
is(progress('byU', 'pid IS NOT NULL, last_error'), 't|', 'the build goes on');
is(ask($deleter, 'ROLLBACK'), '', 'when the value is free');
is_true('Unique', 'byU', 'a unique index');
is(sql('SELECT count(*) FROM dynamo_tables."Unique:byU"'), '2000', 'with all items');
($status, $out, $err) = $node->psql('postgres', q{SELECT dynamo.put_item('Unique', '{"id": "new", "u": "u1020"}')});
like($err, qr/duplicate key value violates unique constraint/, 'is unique');

# ---- a build that cannot succeed at first ----

ask($holder, q{BEGIN; SELECT FROM dynamo_tables."Long" FOR UPDATE});
create_index('Long', 'broken', 'g');
$node->poll_query_until('postgres', q{SELECT pid IS NOT NULL FROM dynamo.stat_progress_index_build WHERE index_name = 'broken'});
sql(q{CREATE UNIQUE INDEX hinders ON dynamo_tables."Long:broken" (pk)});
ask($holder, 'COMMIT');
no_workers('a failure');
is(progress('broken', q{phase, last_error, retry_at BETWEEN now() AND now() + interval '11 s'}),
	'stopped|duplicate key value violates unique constraint "hinders"|t', 'a build that fails tells why');
is(sql('SELECT dynamo.resume_index_builds()'), '1', 'is resumed');
$node->poll_query_until('postgres', q{SELECT failures = 2 FROM dynamo.index_build});
cmp_ok(sql('SELECT extract(epoch FROM retry_at - now()) FROM dynamo.index_build'), '>', 12, 'and waits longer the next time');
no_workers('another failure');
sql('DROP INDEX dynamo_tables.hinders');
is(sql('SELECT dynamo.resume_index_builds()'), '1', 'resumed once more');
is_true('Long', 'broken', 'a build that failed twice');

$_->quit for $holder, $deleter;
$node->stop;

done_testing();
