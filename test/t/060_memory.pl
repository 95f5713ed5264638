# A session that answers a hundred thousand mixed requests does not grow.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = 20;
my $per_round = 5000;		# requests
my $node = start_node('main', conf => "log_statement = none\nlog_min_messages = panic\nsynchronous_commit = off");
my $tables = 40;
my $script = "${PostgreSQL::Test::Utils::tmp_check}/requests.sql";

# Kinds of requests; $n varies keys, names, values and expressions.
my @kinds = (
	sub { my ($t, $n) = @_; "put_item('$t', '{\"id\": \"k$n\", \"n\": $n, \"l\": [1, {\"m\": \"$n\"}]}')" },
	sub { my ($t, $n) = @_; "put_item('$t', '{\"id\": \"k$n\", \"v\": \"" . 'x' x ($n % 3000) . "\"}', 'attribute_not_exists(a$n) OR n > :v', '{\":v\": $n}')" },
	sub { my ($t, $n) = @_; "put_item('$t', '{\"id\": \"k$n\"}', 'n = :v AND size(l) > :v', '{\":v\": -1}')" },
	sub { my ($t, $n) = @_; "get_item('$t', '{\"id\": \"k$n\"}')" },
	sub { my ($t, $n) = @_; "update_item('$t', '{\"id\": \"k$n\"}', 'SET a$n = if_not_exists(a$n, :v) + :v, #x = list_append(:l, :l) REMOVE b$n ADD c$n :v', '{\":v\": $n, \":l\": [$n]}', '{\"#x\": \"name $n\"}')" },
	sub { my ($t, $n) = @_; "update_item('$t', '{\"id\": \"k$n\"}', 'SET n = n + nothing')" },
	sub { my ($t, $n) = @_; "update_item('$t', '{\"id\": \"k$n\"}', 'SET n + ')" },
	sub { my ($t, $n) = @_; "delete_item('$t', '{\"id\": \"k$n\"}')" },
	sub { my ($t, $n) = @_; "delete_item('$t', '{\"id\": \"k$n\"}', 'attribute_type(n, :t) AND n BETWEEN :a AND :b', '{\":t\": \"S\", \":a\": 1, \":b\": $n}')" },
	sub { my ($t, $n) = @_; "query('$t', 'id = :k', '{\":k\": \"k$n\"}', 'attribute_exists(a$n) OR contains(v, :f)', NULL) LIMIT 1" =~ s/":k": "k$n"\}/":k": "k$n", ":f": "x"}/r },
	sub { my ($t, $n) = @_; "scan('$t', 'n > :v', '{\":v\": $n}') LIMIT 2" },
	sub { my ($t, $n) = @_; "execute('Scan', '{\"TableName\": \"$t\", \"Limit\": 3, \"ProjectionExpression\": \"id, l[1].m, a$n\"}'::text)" },
	sub { my ($t, $n) = @_; "execute('Query', '{\"TableName\": \"$t\", \"KeyConditionExpression\": \"id = :k\", \"ExpressionAttributeValues\": {\":k\": {\"S\": \"k$n\"}}}'::jsonb)" },
	sub { my ($t, $n) = @_; "execute('PutItem', '{\"TableName\": \"$t\", \"Item\": {\"id\": {\"S\": \"\\u0000$n\"}}}'::text)" },
	sub { my ($t, $n) = @_; "execute('PutItem', '{\"TableName\": \"$t\", \"Item\": {\"id\": [broken'::text)" },
	sub { my ($t, $n) = @_; "execute('PutItem', '{\"TableName\": \"$t\", \"Item\": {\"id\": {\"N\": \"$n\"}}}'::jsonb)" },
	sub { my ($t, $n) = @_; "execute('NoOperation$n', '{}'::jsonb)" },
	sub { my ($t, $n) = @_; "get_item('absent$n', '{\"id\": \"a\"}')" },
	sub { my ($t, $n) = @_; $n % 10 ? "json_to_item('{\"a\": {\"\$numberSet\": [$n, 1.50]}}')" : "describe_table('{\"TableName\": \"$t\"}')" },
	sub { my ($t, $n) = @_; $n % 10 ? "item_matches('{\"a\": {\"N\": \"$n\"}}', 'a < :v', '{\":v\": $n}')" : "list_tables('{\"Limit\": 7}')" });

my $text = '';
for my $n (0 .. $per_round - 1)
{
	my $table = sprintf 'T%02d', int($n / @kinds) % $tables;

	$text .= 'SELECT dynamo.' . $kinds[ $n % @kinds ]->($table, $n) . ";\n";
}
# DDL in each round, so that plans and definitions are made anew
$text .= "ALTER TABLE dynamo_tables.\"T00\" RENAME TO \"Past\";\n"
  . "SELECT dynamo.get_item('Past', '{\"id\": \"a\"}');\n"
  . "ALTER TABLE dynamo_tables.\"Past\" RENAME TO \"T00\";\n"
  . "SELECT dynamo.get_item('T00', '{\"id\": \"a\"}');\n"
  . join '', map { sprintf "ALTER TABLE dynamo_tables.\"T%02d\" SET (autovacuum_enabled = off);\n", $_ } 0 .. $tables - 1;
unlink $script;
append_to_file($script, $text);

$node->safe_psql('postgres',
	"SELECT dynamo.create_table('T' || lpad(n::text, 2, '0'), 'id S') FROM generate_series(0, $tables - 1) n");

my $measure = q{SELECT 'memory ' || (SELECT sum(total_bytes) FROM pg_backend_memory_contexts) / 1024 || ' '
	|| substring(pg_read_file('/proc/self/status') from 'RssAnon:\s+(\d+)') || ' '
	|| (SELECT count(*) FROM pg_backend_memory_contexts) || ' ' || (SELECT count(*) FROM pg_cursors)};
my $commands = '';
for my $round (1 .. $rounds)
{
	$commands .= "\\o /dev/null\n\\i $script\n\\o\n";
	$commands .= "$measure;\n" if $round >= $rounds / 5;
}
my $out = '';
my $run = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
	'<', \$commands, '>', \$out, '2>', '/dev/null');
$run->finish;
my @measured = map { [ (split / /)[ 1 .. 4 ] ] } grep { /^memory/ } split /\n/, $out;
note join ', ', map { "@$_" } @measured;

is(scalar @measured, $rounds - $rounds / 5 + 1, 'the session lived through all requests');
my ($first, $last) = @measured[ 0, -1 ];
cmp_ok($last->[0] - $first->[0], '<', 1024, 'memory contexts, in kB, have not grown');
cmp_ok($last->[1] - $first->[1], '<', 4096, 'nor has the private memory of the process');
cmp_ok($last->[2] - $first->[2], '<', 20, 'nor the number of memory contexts');
is($last->[3], '0', 'no cursor is left');

# the same within one transaction
my $session = open_session($node);
my $loop = sub {
	my ($from, $to) = @_;
	return "DO \$\$ BEGIN FOR n IN $from .. $to LOOP
		PERFORM dynamo.put_item('T00', jsonb_build_object('id', n::text, 'v', repeat('x', 200)));
		PERFORM dynamo.update_item('T00', jsonb_build_object('id', n::text), 'SET a = :v', jsonb_build_object(':v', n));
		PERFORM dynamo.get_item('T00', jsonb_build_object('id', n::text));
		PERFORM * FROM dynamo.query('T00', 'id = :k', jsonb_build_object(':k', n::text));
		PERFORM dynamo.delete_item('T00', jsonb_build_object('id', n::text));
	END LOOP; END \$\$";
};
ask($session, 'BEGIN');
ask($session, $loop->(1, 1000));
my $before = ask($session, 'SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts');
ask($session, $loop->(1001, 6000));
my $after = ask($session, 'SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts');
cmp_ok($after - $before, '<', 1024, 'nor does a transaction of many requests grow');

# one statement of many requests
is(ask($session, q{SELECT count(*) FROM (SELECT dynamo.get_item('T01', jsonb_build_object('id', n::text)) FROM generate_series(1, 50000) n) g}),
	'50000', 'one statement of many requests');
cmp_ok(ask($session, 'SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts') - $after, '<', 1024, 'neither');
ask($session, 'COMMIT');

# tables that come and go; their plans are kept for a while
my $passing = q{SELECT dynamo.create_table('Passing', 'id S');
	SELECT dynamo.put_item('Passing', '{"id": "a"}');
	SELECT dynamo.get_item('Passing', '{"id": "a"}');
	SELECT dynamo.delete_table('{"TableName": "Passing"}');
};
ask($session, $passing x 10);
$before = ask($session, 'SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts');
ask($session, $passing x 50);
$after = ask($session, 'SELECT sum(total_bytes) / 1024 FROM pg_backend_memory_contexts');
cmp_ok($after - $before, '<', 4096, 'nor do tables that come and go leave much');
$session->quit;

$node->stop;
done_testing();
