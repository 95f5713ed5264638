# Cancelled, timed out, terminated and oversized requests: the session can go
# on, nothing is written by halves, nothing stays locked.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', conf => "log_statement = none\nlog_min_error_statement = panic");
my $holder = open_session($node);
my $waiter = open_session($node);
my $cancelled = 'ERROR: canceling statement due to user request';

sub works
{
	my ($how) = @_;

	is(ask($waiter, q{SELECT dynamo.update_item('Things', '{"id": "fine"}', 'ADD n :n', '{":n": 1}') ->> 'id'}),
		'fine', "$how: the session goes on");
}

# Statements that wait for the holder's transaction, each with what it would do.
my %waiting = (
	'a put' => q{SELECT FROM dynamo.put_item('Things', '{"id": "a", "by": "waiter"}')},
	'a conditional put' => q{SELECT FROM dynamo.put_item('Things', '{"id": "a", "by": "waiter"}', 'attribute_exists(id) OR attribute_not_exists(id)')},
	'an update' => q{SELECT dynamo.update_item('Things', '{"id": "a"}', 'SET #b = :b', '{":b": "waiter"}', '{"#b": "by"}')},
	'a deletion' => q{SELECT dynamo.delete_item('Things', '{"id": "a"}')},
	'a put of a new item' => q{SELECT FROM dynamo.put_item('Things', '{"id": "new", "by": "waiter"}')},
	'CreateTable' => q{SELECT dynamo.create_table('New', 'id N')},
	'DeleteTable' => q{SELECT dynamo.delete_table('{"TableName": "Things"}')});

ask($holder, q{SELECT dynamo.create_table('Things', 'id S')});
ask($holder, q{SELECT FROM dynamo.put_item('Things', '{"id": "a", "by": "holder"}')});
for my $what (sort keys %waiting)
{
	ask($holder, 'BEGIN');
	ask($holder, q{SELECT FROM dynamo.put_item('Things', '{"id": "a", "by": "holder"}')});
	ask($holder, q{SELECT FROM dynamo.put_item('Things', '{"id": "new", "by": "holder"}')});
	ask($holder, q{SELECT dynamo.create_table('New', 'id S')});

	my $pid = start_waiting($node, $waiter, $waiting{$what});
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
	is(ask($waiter), $cancelled, "$what is cancelled");
	works($what);

	ask($waiter, q{SET lock_timeout = '100ms'});
	is(ask($waiter, $waiting{$what}), 'ERROR: canceling statement due to lock timeout', "$what: lock_timeout");
	ask($waiter, 'RESET lock_timeout');
	ask($waiter, q{SET statement_timeout = '100ms'});
	is(ask($waiter, $waiting{$what}), 'ERROR: canceling statement due to statement timeout', "$what: statement_timeout");
	ask($waiter, 'RESET statement_timeout');

	# inside a transaction that goes on from a savepoint
	ask($waiter, q{BEGIN; SELECT FROM dynamo.put_item('Things', '{"id": "before"}'); SAVEPOINT s; SET LOCAL lock_timeout = '100ms'});
	is(ask($waiter, $waiting{$what}), 'ERROR: canceling statement due to lock timeout', "$what: inside a transaction");
	ask($waiter, 'ROLLBACK TO s');
	is(ask($waiter, 'COMMIT'), '', "$what: which commits");

	ask($holder, 'ROLLBACK');
	is(ask($waiter, q{SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock'}),
		'0', "$what: no lock on a key is left");
	is(ask($waiter, q{SELECT string_agg(pk, ' ' ORDER BY pk) FROM dynamo_tables."Things" WHERE pk <> 'fine'}),
		'a before', "$what: nothing is written");
	is(ask($waiter, q{SELECT count(*) FROM pg_class WHERE relname LIKE 'New%'}), '0', "$what: nothing is created");
	ask($waiter, q{SELECT dynamo.delete_item('Things', '{"id": "before"}')});
}
is(ask($waiter, $waiting{'CreateTable'}), 'dynamo_tables."New"', 'the table can be created then');

# ---- long reads ----

ask($holder, q{SELECT count(*) FROM (SELECT dynamo.put_item('Things', jsonb_build_object('id', 'i' || n, 'v', repeat('x', 500)))
	FROM generate_series(1, 5000) n) p});
my %long = (
	'the set-returning scan' => q{SELECT count(*) FROM generate_series(1, 100000) n, LATERAL dynamo.scan('Things', 'n = :n', jsonb_build_object(':n', n)) s},
	'a set-returning scan read by cursor' => q{DO $$ DECLARE c CURSOR FOR SELECT s FROM generate_series(1, 100000) n, dynamo.scan('Things') s;
		BEGIN FOR r IN c LOOP NULL; END LOOP; END $$},
	'Scan' => q{SELECT count(dynamo.scan('{"TableName": "Things", "FilterExpression": "contains(v, id)"}'::jsonb)) FROM generate_series(1, 100000)},
	'the query' => q{SELECT count(*) FROM generate_series(1, 10000000) n, LATERAL dynamo.query('Things', 'id = :k', jsonb_build_object(':k', n::text)) s},
	'a load' => q{SELECT count(dynamo.put_item('Things', jsonb_build_object('id', 'load' || n))) FROM generate_series(1, 10000000) n});
for my $what (sort keys %long)
{
	ask($waiter, q{SET statement_timeout = '300ms'});
	is(ask($waiter, $long{$what}), 'ERROR: canceling statement due to statement timeout', "$what ends in time");
	ask($waiter, 'RESET statement_timeout');
	works($what);
	is(ask($waiter, 'SELECT count(*) FROM pg_cursors'), '0', "$what: no cursor is left");
}
is(ask($waiter, q{SELECT count(*) FROM dynamo_tables."Things" WHERE pk LIKE 'load%'}), '0', 'nothing of the load is there');

# sets that are not read to their end
is(ask($waiter, q{SELECT count(*) FROM (SELECT dynamo.scan('Things') LIMIT 100) s}), '100', 'a scan with LIMIT');
is(ask($waiter, q{BEGIN; DECLARE c CURSOR FOR SELECT dynamo.scan('Things'); FETCH 1 FROM c; CLOSE c; SELECT count(*) FROM pg_cursors}) =~ /(\d+)$/ ? $1 : '',
	'0', 'a cursor closed early leaves none behind');
is(ask($waiter, 'COMMIT'), '', 'and its transaction commits');
is(ask($waiter, q{SELECT count(*) FROM dynamo.scan('Things') a, dynamo.scan('Things') b WHERE a = b AND a ->> 'id' = 'i7'}), '1', 'two scans at once');

# ---- a backend that is terminated in the middle of its transaction ----

ask($waiter, q{BEGIN; SELECT FROM dynamo.put_item('Things', '{"id": "half"}'); SELECT dynamo.create_table('Half', 'id S')});
my $pid = ask($waiter, 'SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)");
eval { $waiter->quit };
$waiter = open_session($node);
is(ask($waiter, q{SELECT dynamo.get_item('Things', '{"id": "half"}')}), '', 'its item is not there');
is(ask($waiter, q{SELECT count(*) FROM pg_class WHERE relname LIKE 'Half%'}), '0', 'nor its table');
works('after a termination');

# ---- requests that are too large or too deep ----

my %large = (
	'an item of 16 MB' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "big"}, "v": {"S": "' || repeat('x', 16777216) || '"}}}'},
		qr/^ERROR: ValidationException: Item size has exceeded/ ],
	'a list of a million elements' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "big"}, "v": {"L": [' || repeat('{"BOOL": true},', 999999) || '{"NULL": true}]}}}'},
		qr/^ERROR: ValidationException: / ],
	'a key of 10 MB' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "' || repeat('x', 10000000) || '"}}}'},
		qr/^ERROR: ValidationException: / ],
	'a number of 10 MB' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "big"}, "v": {"N": "' || repeat('1', 10000000) || '"}}}'},
		qr/^ERROR: ValidationException: / ],
	'a million levels' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "big"}, "v": ' || repeat('{"L": [', 1000000) || repeat(']}', 1000000) || '}}'},
		qr/^ERROR: \w+Exception/ ],
	'an expression of 10 MB' => [ q{'{"TableName": "Things", "Item": {"id": {"S": "big"}}, "ConditionExpression": "' || repeat('(', 10000000) || '"}'},
		qr/^ERROR: ValidationException: / ]);
for my $what (sort keys %large)
{
	my ($text, $error) = @{ $large{$what} };

	like(ask($waiter, "SELECT dynamo.execute('PutItem', ($text)::text)"), $error, "$what is refused");
	works($what);
}
is(ask($waiter, q{SELECT dynamo.get_item('Things', '{"id": "big"}')}), '', 'nothing of them is stored');
is(ask($waiter, q{SELECT length(dynamo.execute('PutItem', ('{"TableName": "Things", "Item": {"id": {"S": "full"}, "v": {"S": "'
	|| repeat('x', 409600 - 4 - 2 - 1) || '"}}}')::text)::text)}), '2', 'an item of 400 KB is stored');

$_->quit for $holder, $waiter;
$node->stop;
done_testing();
