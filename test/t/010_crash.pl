# Crashes in the middle of writes: what was acknowledged is there afterwards,
# whole, and so are the indexes.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 3;
my $statements = 40000;		# more than a client gets to before the crash
my $node = start_node('main', conf => "synchronous_commit = on\nlog_statement = none\nmax_prepared_transactions = 2");

# The length varies, so that some items are compressed and some are TOASTed.
my $letters = join '', map { chr(97 + $_ * $_ * 7 % 26) } 1 .. 3000;

sub payload
{
	my ($n) = @_;

	return substr $letters, $n % 997, 20 + $n * 37 % 1900;
}

# Statement $n of a client, and what it does: [key, new content or undef].
sub statement
{
	my ($client, $n) = @_;
	my $table = "'Crash'";

	if ($n % 4 == 1)
	{
		my $text = payload($n);
		return ("SELECT FROM dynamo.put_item($table, '{\"pk\": \"c$client\", \"sk\": \"$n\", \"v\": \"$text\"}', 'attribute_not_exists(pk)')",
			$n, $text);
	}
	if ($n % 4 == 2)
	{
		my $key = $n - 1;
		my $text = payload($n);
		return ("SELECT FROM dynamo.update_item($table, '{\"pk\": \"c$client\", \"sk\": \"$key\"}', 'SET v = :v', '{\":v\": \"$text\"}')",
			$key, $text);
	}
	if ($n % 12 == 3)
	{
		my $key = $n - 2;
		return ("SELECT FROM dynamo.delete_item($table, '{\"pk\": \"c$client\", \"sk\": \"$key\"}')", $key, undef);
	}
	return ("SELECT FROM dynamo.update_item($table, '{\"pk\": \"all\", \"sk\": \"counter\"}', 'ADD n :one', '{\":one\": 1}')");
}

# One script for all rounds: each statement, then a line that acknowledges it.
sub write_script
{
	my ($client) = @_;
	my $file = "${PostgreSQL::Test::Utils::tmp_check}/crash_$client.sql";
	my $text = "\\set ON_ERROR_STOP on\n";

	for my $n (1 .. $statements)
	{
		my ($sql) = statement($client, $n);
		$text .= "$sql;\n\\echo $n\n";
	}
	unlink $file;
	append_to_file($file, $text);
	return $file;
}

# Items of a client after its first $acknowledged statements.
sub expected_items
{
	my ($client, $acknowledged) = @_;
	my %items;

	for my $n (1 .. $acknowledged)
	{
		my (undef, $key, $content) = statement($client, $n);
		next unless defined $key;
		defined $content ? ($items{$key} = $content) : delete $items{$key};
	}
	return \%items;
}

sub stored_items
{
	my ($client) = @_;
	my $rows = $node->safe_psql('postgres',
		"SELECT sk || ' ' || (item -> 'v' ->> 'S') FROM dynamo_tables.\"Crash\" WHERE pk = 'c$client'");

	return { map { split / /, $_, 2 } split /\n/, $rows };
}

sub same
{
	my ($a, $b) = @_;

	return keys %$a == keys %$b
	  && !grep { !exists $b->{$_} || $a->{$_} ne $b->{$_} } keys %$a;
}

sub is_alive
{
	my ($pid) = @_;

	open my $fh, '<', "/proc/$pid/stat" or return 0;
	return (<$fh> // ') Z') !~ /\) Z/;
}

# SIGKILL for the postmaster and its children.  The postmaster is stopped
# first, so that it cannot clean up after the others.  Where process 1 is slow
# to reap it, its number stays in use, and its lock files mislead the next.
sub kill_server
{
	my $file = $node->data_dir . '/postmaster.pid';
	my $postmaster = (split /\n/, slurp_file($file))[0];
	my @children;

	kill 'STOP', $postmaster;
	for my $stat (glob '/proc/[0-9]*/stat')
	{
		open my $fh, '<', $stat or next;
		my ($pid, $parent) = (<$fh> // '') =~ /^(\d+) .*\) \S (\d+) /;
		push @children, $pid if defined $parent && $parent == $postmaster;
	}
	kill 'KILL', @children;
	$node->kill9;
	for (1 .. 1000)
	{
		last unless grep { is_alive($_) } $postmaster, @children;
		select undef, undef, undef, 0.01;
	}
	unlink $file, $node->host . '/.s.PGSQL.' . $node->port . '.lock';
}

sub check_table
{
	my ($round) = @_;
	my $name = 'dynamo_tables."Crash"';

	is($node->safe_psql('postgres',
			"SELECT count(*) FROM $name WHERE NOT dynamo.item_is_valid(item)
			 OR (item -> 'pk' ->> 'S', item -> 'sk' ->> 'S') IS DISTINCT FROM (pk, sk)"),
		'0', "$round: every row is a valid item under its key");
	is($node->safe_psql('postgres',
			"SELECT count(*) FROM (SELECT pk, sk FROM $name GROUP BY pk, sk HAVING count(*) > 1) d"),
		'0', "$round: no key is there twice");

	SKIP:
	{
		skip 'amcheck is not installed', 1
		  unless $node->safe_psql('postgres',
			"SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
		my ($status, undef, $errors) = $node->psql('postgres',
			"CREATE EXTENSION IF NOT EXISTS amcheck;
			 SELECT bt_index_check(indexrelid, true) FROM pg_index
			 WHERE indrelid IN ('$name'::regclass, 'dynamo.table_definition'::regclass)");
		is($status, 0, "$round: indexes agree with the table") or diag $errors;
	}
	is($node->safe_psql('postgres',
			"SET enable_seqscan = off; SET enable_bitmapscan = off;
			 SELECT count(*) FROM $name WHERE dynamo.partition_hash(pk) BETWEEN -2147483648 AND 2147483647"),
		$node->safe_psql('postgres', "SET enable_indexscan = off; SET enable_indexonlyscan = off; SELECT count(*) FROM $name"),
		"$round: the index of Scan finds every row");
}

sub run_round
{
	my ($round, $scripts, $crash) = @_;
	my @runs;
	my @out;

	$node->safe_psql('postgres', 'TRUNCATE dynamo_tables."Crash"');
	for my $client (0 .. $clients - 1)
	{
		my ($stdout, $stderr) = ('', '');
		my $run = IPC::Run::start(
			[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', $scripts->[$client] ],
			'>', \$stdout, '2>', \$stderr);
		push @runs, [ $run, \$stdout ];
	}
	$node->poll_query_until('postgres', 'SELECT count(*) > 300 FROM dynamo_tables."Crash"');
	$node->safe_psql('postgres', 'CHECKPOINT');
	$node->poll_query_until('postgres', 'SELECT count(*) > 900 FROM dynamo_tables."Crash"');
	$crash->();
	$_->[0]->finish for @runs;
	$node->start;

	my @acknowledged = map { (split /\n/, ${ $_->[1] })[-1] // 0 } @runs;
	my $least = 0;
	for my $client (0 .. $clients - 1)
	{
		my $done = $acknowledged[$client];
		my $stored = stored_items($client);

		cmp_ok($done, '<', $statements, "$round: client $client was interrupted, after statement $done");
		ok(same($stored, expected_items($client, $done))
			  || same($stored, expected_items($client, $done + 1)),
			"$round: client $client finds what was acknowledged, at most one statement more");
		$least += grep { !defined((statement($client, $_))[1]) } 1 .. $done;
	}
	my $counter = $node->safe_psql('postgres',
		"SELECT dynamo.get_item('Crash', '{\"pk\": \"all\", \"sk\": \"counter\"}') -> 'n'");
	cmp_ok($counter, '>=', $least, "$round: no acknowledged addition is lost");
	cmp_ok($counter, '<=', $least + $clients, "$round: and none is there twice");
	check_table($round);
}

create_table($node, 'Crash');
my @scripts = map { write_script($_) } 0 .. $clients - 1;

run_round('SIGKILL', \@scripts, \&kill_server);
run_round('immediate shutdown', \@scripts, sub { $node->stop('immediate') });

# a table whose creation was not committed leaves nothing behind
my $session = open_session($node);
ask($session, 'BEGIN');
ask($session, q{SELECT dynamo.create_table('Unfinished', 'id S')});
ask($session, q{SELECT dynamo.put_item('Unfinished', '{"id": "a"}')});
kill_server();
$session->quit;
$node->start;
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ 'Unfinished'"),
	'0', 'an unfinished table is gone');
is_deeply(call($node, 'ListTables', {}), { TableNames => ['Crash'] },
	'and the catalog does not know it');
create_table($node, 'Unfinished', 0);
is(call_error($node, 'PutItem', { TableName => 'Unfinished', Item => { pk => { S => 'a' } } }),
	undef, 'its name is free');

# a prepared transaction keeps its items and their locks
$node->safe_psql('postgres', q{
	BEGIN;
	SELECT dynamo.put_item('Crash', '{"pk": "prepared", "sk": "1"}');
	SELECT dynamo.update_item('Crash', '{"pk": "all", "sk": "counter"}', 'SET n = :n', '{":n": -1}');
	PREPARE TRANSACTION 'p'});
kill_server();
$node->start;
for my $write (q{SELECT dynamo.put_item('Crash', '{"pk": "prepared", "sk": "1", "by": "other"}')},
	q{SELECT dynamo.delete_item('Crash', '{"pk": "all", "sk": "counter"}')})
{
	my (undef, undef, $error) = $node->psql('postgres', "SET lock_timeout = '100ms'; $write");
	like($error, qr/canceling statement due to lock timeout/, 'an item of a prepared transaction stays locked');
}
is($node->safe_psql('postgres', q{SELECT count(*) FROM dynamo_tables."Crash" WHERE pk = 'prepared'}),
	'0', 'and is not seen');
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is($node->safe_psql('postgres', q{SELECT dynamo.get_item('Crash', '{"pk": "all", "sk": "counter"}') -> 'n',
	dynamo.get_item('Crash', '{"pk": "prepared", "sk": "1"}')}), '-1|{"pk": "prepared", "sk": "1"}', 'until it is committed');

$node->stop;
done_testing();
