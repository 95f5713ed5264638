# Metrics: what is stored by period, and shown live and to Prometheus, agrees
# with what clients were told, over both doors, whatever happens to the worker.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->canonical->allow_nonref;
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_dynamo metrics'};
my $server = start_http_node('main', conf => <<'END');
log_statement = none
restart_after_crash = on
max_worker_processes = 24
dynamo.metrics_period = 1s
dynamo.metrics_max = 100
END
my $node = $server->{node};
my $client = http_client($server);
my %told;					# metric|table|index: what clients were told
my %requests;				# table|operation: requests that succeeded

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub configure
{
	sql("ALTER SYSTEM SET $_") for @_;
	sql('SELECT pg_reload_conf()');
	return;
}

sub eventually
{
	my ($query, $expected, $what) = @_;

	ok($node->poll_query_until('postgres', $query, $expected), $what)
	  or diag(sql($query));
	return;
}

# ----- what clients are told -----

sub note_units
{
	my ($kind, $of_table) = @_;
	my $table = $of_table->{TableName};
	my $indexes = $of_table->{GlobalSecondaryIndexes} // {};

	$told{"Consumed${kind}CapacityUnits|$table|"} += $of_table->{Table}{CapacityUnits} // 0;
	$told{"Consumed${kind}CapacityUnits|$table|$_"} += $indexes->{$_}{CapacityUnits} for keys %$indexes;
	return $table;
}

# count the answer of a request that succeeded
sub note_answer
{
	my ($operation, $answer) = @_;
	my $kind = $operation =~ /Get|Query|Scan/ ? 'Read' : 'Write';
	my $consumed = $answer->{ConsumedCapacity};

	for my $of_table (ref $consumed eq 'ARRAY' ? @$consumed : $consumed)
	{
		$requests{note_units($kind, $of_table) . "|$operation"}++;
	}
	return $answer;
}

sub over_http
{
	my ($operation, $request) = @_;
	my $answer = http_call($client, $operation, { %$request, ReturnConsumedCapacity => 'INDEXES' });

	die outcome($answer) if $answer->{status} != 200;
	return note_answer($operation, $answer->{document});
}

# the same in a session of SQL; the error if there is one
sub in_session
{
	my ($session, $operation, $request) = @_;
	my $text = $json->encode({ %$request, ReturnConsumedCapacity => 'INDEXES' });
	my $answer = ask($session, "SELECT dynamo.execute('$operation', \$request\$$text\$request\$)");

	return $answer if $answer =~ /^ERROR/;
	return note_answer($operation, $json->decode($answer));
}

sub key { return { pk => { S => "$_[0]" } } }

sub item
{
	my ($pk, $size) = @_;

	return { %{ key($pk) }, shelf => { S => 's' . $pk % 3 }, text => { S => 'x' x ($size // 10) } };
}

# requests of every kind on a table
sub use_table
{
	my ($call, $table, $from) = @_;
	my @of = (TableName => $table);

	for my $pk ($from .. $from + 4)
	{
		$call->('PutItem', { @of, Item => item($pk, 1000 * ($pk % 3)) });
		$call->('GetItem', { @of, Key => key($pk) });
		$call->('GetItem', { @of, Key => key($pk), ConsistentRead => JSON::PP::true });
	}
	$call->('UpdateItem', { @of, Key => key($from), UpdateExpression => 'SET shelf = :s',
			ExpressionAttributeValues => { ':s' => { S => 'other' } } });
	$call->('Query', { @of, IndexName => 'by_shelf', KeyConditionExpression => 'shelf = :s',
			ExpressionAttributeValues => { ':s' => { S => 's1' } } });
	$call->('Query', { @of, KeyConditionExpression => 'pk = :s', ExpressionAttributeValues => { ':s' => { S => "$from" } } });
	$call->('Scan', {@of});
	$call->('Scan', { @of, IndexName => 'by_shelf' });
	$call->('BatchGetItem', { RequestItems => { $table => { Keys => [ map { key($_) } $from .. $from + 4 ] } } });
	$call->('BatchWriteItem', { RequestItems => { $table => [
		map { { PutRequest => { Item => item($_) } } } $from .. $from + 4 ] } });
	$call->('TransactWriteItems', { TransactItems => [
		map { { Put => { @of, Item => item($_, 3000) } } } $from, $from + 1 ] });
	$call->('TransactGetItems', { TransactItems => [ map { { Get => { @of, Key => key($_) } } } $from, $from + 1 ] });
	$call->('DeleteItem', { @of, Key => key($from + 4) });
	return;
}

# ----- what is stored -----

sub as_lines
{
	my ($sums) = @_;

	return join "\n", map { "$_=" . ($sums->{$_} + 0) } sort grep { $sums->{$_} > 0 } keys %$sums;
}

my $stored_units = q{
	SELECT coalesce(string_agg(format('%s|%s|%s=%s', metric_name, table_name, index_name, sum), E'\n'
		ORDER BY format('%s|%s|%s', metric_name, table_name, index_name) COLLATE "C"), '')
	FROM (SELECT metric_name, table_name, index_name, sum(sum) AS sum FROM dynamo.metrics
		WHERE metric_name LIKE 'Consumed%' GROUP BY 1, 2, 3 HAVING sum(sum) > 0) s};
my $stored_requests = q{
	SELECT coalesce(string_agg(format('%s|%s=%s', table_name, operation, count), E'\n'
		ORDER BY format('%s|%s', table_name, operation) COLLATE "C"), '')
	FROM (SELECT table_name, operation, sum(sample_count) AS count FROM dynamo.metrics
		WHERE metric_name = 'SuccessfulRequestLatency' GROUP BY 1, 2) s};

sub agrees
{
	my ($what) = @_;

	eventually($stored_units, as_lines(\%told), "$what: units as clients were told");
	eventually($stored_requests, as_lines(\%requests), "$what: requests as clients made them");
	return;
}

sub forget { %told = (); %requests = (); return }

# ----- two doors, several sessions -----

sub create
{
	my ($table, %more) = @_;
	my $answer = http_call($client, 'CreateTable', {
			TableName => $table, BillingMode => 'PAY_PER_REQUEST',
			KeySchema => [ { AttributeName => 'pk', KeyType => 'HASH' } ],
			AttributeDefinitions => [ map { { AttributeName => $_, AttributeType => 'S' } } qw(pk shelf) ],
			GlobalSecondaryIndexes => [ { IndexName => 'by_shelf', Projection => { ProjectionType => 'ALL' },
				KeySchema => [ { AttributeName => 'shelf', KeyType => 'HASH' } ],
				%{ $more{index} // {} } } ], %{ $more{table} // {} } });

	is(outcome($answer), 200, "$table is created");
	return;
}

my @sessions = map { open_session($node) } 1 .. 3;
my @calls = (\&over_http, map { my $session = $_; sub { in_session($session, @_) } } @sessions);

create('Music');
create('Films');
eventually("SELECT count(*) FROM ($worker) w", '1', 'the worker is there');
for my $round (0 .. 7)
{
	use_table($calls[$round % @calls], $round % 3 ? 'Music' : 'Films', 10 * $round);
	sleep 0.3;
}
agrees('two doors');
is(sql(q{SELECT bool_and(extract(epoch FROM "timestamp") % 1 = 0 AND period = 1) FROM dynamo.metrics}), 't',
	'periods are aligned to the clock');
is(sql(q{SELECT count(*) > 1 FROM (SELECT DISTINCT "timestamp" FROM dynamo.metrics) t}), 't', 'there are several');
is(sql(q{SELECT bool_and(average <= maximum AND average * sample_count BETWEEN sum - 0.01 AND sum + 0.01 AND sum > 0
		AND unit = 'Milliseconds' AND index_name IS NULL)
	FROM dynamo.metrics WHERE metric_name = 'SuccessfulRequestLatency'}), 't', 'latencies make sense');
is(sql(q{SELECT sum(sum) FROM dynamo.metrics WHERE metric_name = 'ReturnedItemCount' AND operation = 'BatchGetItem'}),
	5 * 8, 'returned items are counted');
is(sql(q{SELECT count(*) FROM dynamo.metrics WHERE metric_name LIKE 'Provisioned%'}), '0',
	'nothing is provisioned on demand');
is(sql($stored_units =~ s/dynamo\.metrics\b.*?GROUP/(SELECT 'ConsumedReadCapacityUnits' AS metric_name,
		table_name, index_name, consumed_read_units AS sum FROM dynamo.stat_tables UNION ALL
		SELECT 'ConsumedWriteCapacityUnits', table_name, index_name, consumed_write_units FROM dynamo.stat_tables) m GROUP/sr),
	as_lines(\%told), 'live counters are the same');
is(sql(q{SELECT sum(requests) FROM dynamo.stat_tables}), eval { my $n = 0; $n += $_ for values %requests; $n },
	'requests too');

# ----- what fails -----

my $condition = { TableName => 'Music', Item => item(10), ConditionExpression => 'attribute_not_exists(pk)' };
like(in_session($sessions[0], 'PutItem', $condition), qr/^ERROR: ConditionalCheckFailed/, 'a condition is false')
  for 1 .. 3;
eventually(q{SELECT sum(sum) FROM dynamo.metrics WHERE metric_name = 'ConditionalCheckFailedRequests' AND table_name = 'Music'},
	'3', 'false conditions are counted');
is(sql(q{SELECT sum(conditional_check_failed_requests) FROM dynamo.stat_tables}), '3', 'live too');

my %one = (ProvisionedThroughput => { ReadCapacityUnits => 1, WriteCapacityUnits => 1 });
create('Slow', table => { BillingMode => 'PROVISIONED', %one }, index => {%one});
ask($sessions[0], 'SET dynamo.throttling = on');
my $refused = 0;
for my $i (1 .. 20)
{
	my $answer = in_session($sessions[0], 'PutItem', { TableName => 'Slow', Item => item(1, 5000) });

	$refused++ if !ref $answer && $answer =~ /ProvisionedThroughputExceeded/;
}
cmp_ok($refused, '>', 10, 'most of many writes are throttled');
eventually(q{SELECT sum(sum) FROM dynamo.metrics WHERE metric_name = 'ThrottledRequests' AND table_name = 'Slow' AND operation = 'PutItem'},
	$refused, 'throttled requests are counted');
eventually(q{SELECT sum(sum) FROM dynamo.metrics WHERE metric_name = 'WriteThrottleEvents' AND table_name = 'Slow'},
	$refused, 'so are events');
is(sql(q{SELECT write_seconds_left < 0, read_seconds_left > 0 FROM dynamo.stat_tables WHERE table_name = 'Slow' AND index_name IS NULL}),
	't|t', 'the bucket has debt');
ask($sessions[0], 'RESET dynamo.throttling');
is(sql(q{SELECT DISTINCT metric_name, sum, average FROM dynamo.metrics WHERE metric_name LIKE 'Provisioned%' ORDER BY 1}),
	"ProvisionedReadCapacityUnits|1|1\nProvisionedWriteCapacityUnits|1|1", 'provisioned units are stored');
is(outcome(http_call($client, 'UpdateTable', { TableName => 'Slow',
	ProvisionedThroughput => { ReadCapacityUnits => 5, WriteCapacityUnits => 7 } })), 200, 'they are changed');
eventually(q{SELECT sum FROM dynamo.metrics WHERE metric_name = 'ProvisionedWriteCapacityUnits' AND table_name = 'Slow'
	AND index_name IS NULL ORDER BY "timestamp" DESC LIMIT 1}, '7', 'the change is a data point, without requests');

# ----- Prometheus -----

my ($status, $body) = http_get($server, '/metrics');
my (%type, %samples, @odd);
for my $line (split /\n/, $body)
{
	my $value = qr/"(?:[^"\\\n]|\\[\\"n])*"/;
	my $label = qr/[a-zA-Z_]\w*=$value/;

	if ($line =~ /^# TYPE (\S+) (counter|gauge|histogram|summary)$/) { push @odd, $line if $type{$1}; $type{$1} = $2 }
	elsif ($line =~ /^# HELP \S+ \S/) { }
	elsif ($line =~ /^([a-zA-Z_:]\w*)((?:\{$label(?:,$label)*\})?) (\d+(?:\.\d+)?)$/)
	{
		my ($name, $labels, $number) = ($1, $2, $3);

		push @odd, "$line: no type" unless $type{ $name =~ s/_(bucket|sum|count)$//r } || $type{$name};
		push @odd, "$line: twice" if defined $samples{"$name$labels"};
		$samples{"$name$labels"} = $number;
	}
	else { push @odd, $line }
}
is($status, 200, '/metrics is served');
is(join("\n", @odd), '', 'every line is in the text format');
like($body, qr/\n\z/, 'and ends');
is($samples{'dynamo_table_consumed_read_capacity_units_total{table="Music"}'} + 0,
	$told{'ConsumedReadCapacityUnits|Music|'}, 'units of a table');
is($samples{'dynamo_table_consumed_write_capacity_units_total{table="Films",index="by_shelf"}'} + 0,
	$told{'ConsumedWriteCapacityUnits|Films|by_shelf'}, 'units of an index');
is($samples{'dynamo_table_provisioned_write_capacity_units{table="Slow"}'}, 7, 'provisioned units');
is($samples{'dynamo_table_throttled_requests_total{table="Slow",operation="PutItem"}'}, $refused, 'throttled requests');
is($samples{'dynamo_table_requests_total{table="Music",operation="Query"}'}, $requests{'Music|Query'}, 'requests');
is($samples{'dynamo_table_request_duration_seconds_count{table="Music",operation="Query"}'}, $requests{'Music|Query'}, 'their number again');
cmp_ok($samples{'dynamo_table_request_duration_seconds_sum{table="Music",operation="Query"}'}, '>', 0, 'and how long they took');
is($samples{'dynamo_table_returned_items_total{table="Films",operation="BatchGetItem"}'}, 15, 'returned items');

# ----- who may see what -----

sql(q{CREATE ROLE guest LOGIN; CREATE ROLE reader LOGIN; GRANT SELECT ON dynamo_tables."Films" TO reader});
sub as
{
	my ($user, $query) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $query, extra_params => [ '-U', $user ]);

	return $status ? $err =~ /ERROR:  (.*)/ ? $1 : $err : $out;
}
is(as('guest', "SELECT count(*) FROM dynamo.$_"), '0', "nobody's $_") for qw(metrics stat_tables stat_get_tables());
is(as('reader', "SELECT string_agg(DISTINCT table_name, ' ') FROM dynamo.$_"), 'Films', "a reader's $_")
  for qw(metrics stat_tables stat_get_tables());
is(as('reader', 'SELECT DISTINCT index_name FROM dynamo.stat_tables ORDER BY 1'), "by_shelf\n", 'indexes with their table');
is(as('reader', "SELECT * FROM dynamo.$_"), "permission denied for table $_", "$_ itself is nobody's")
  for qw(metric metric_operation);

# ----- the worker is terminated while requests come -----

http_call($client, 'DeleteTable', { TableName => $_ }) for qw(Music Films Slow);
forget();
create('Books');
for my $round (0 .. 5)
{
	use_table($calls[$round % @calls], 'Books', 10 * $round);
	sql("SELECT pg_terminate_backend(pid) FROM ($worker) w") if $round % 2;
	sleep 0.2;
}
agrees('a worker that was terminated');

# ----- the server stops within a period, and starts -----

configure(q{dynamo.metrics_period = '1h'});
sleep 1.5;
use_table($calls[$_], 'Books', 100 + 10 * $_) for 0 .. 1;
sleep 0.5;
$_->quit for @sessions;
$node->restart;
wait_until_ready($server);
agrees('a restart within an hour');
is(sql(q{SELECT count(*) FROM dynamo.metrics WHERE period = 3600 AND extract(epoch FROM "timestamp") % 3600 <> 0}), '0',
	'of which the part is stored as its hour');
is(sql('SELECT count(*) FROM dynamo.stat_tables'), '0', 'live counters began anew');
@sessions = map { open_session($node) } 1 .. 3;
@calls = (\&over_http, map { my $session = $_; sub { in_session($session, @_) } } @sessions);
use_table($calls[1], 'Books', 200);
sql("SELECT pg_terminate_backend(pid) FROM ($worker) w");
agrees('the same hour again');

# ----- a crash -----

configure(q{dynamo.metrics_period = '1s'});
eventually("SELECT count(*) FROM ($worker) w", '1', 'the worker is back');
use_table($calls[0], 'Books', 300);
agrees('before a crash');
$_->quit for @sessions;
my $pid = sql($worker);
kill 'KILL', $pid;
$node->poll_query_until('postgres', "SELECT count(*) = 1 AND bool_and(pid <> $pid) FROM ($worker) w")
  or die 'the server did not come back';
wait_until_ready($server);
agrees('after a crash');
@sessions = map { open_session($node) } 1 .. 3;
use_table(sub { in_session($sessions[0], @_) }, 'Books', 400);
agrees('after a crash, and more');

# ----- in a transaction that makes the table -----

ask($sessions[0], 'BEGIN');
ask($sessions[0], q{SELECT dynamo.execute('CreateTable', '{"TableName": "Young", "BillingMode": "PAY_PER_REQUEST",
	"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
	"AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}')});
in_session($sessions[0], 'PutItem', { TableName => 'Young', Item => item(1) });
sleep 2.5;
in_session($sessions[0], 'PutItem', { TableName => 'Young', Item => item(2) });
is(sql(q{SELECT count(*) FROM dynamo.stat_tables WHERE table_name = 'Young'}), '0', 'not to be seen before it is committed');
ask($sessions[0], 'COMMIT');
$_->quit for @sessions;
agrees('a table made and used in a transaction');

# ----- meters of dropped tables -----

sub churn
{
	my ($round) = @_;
	my @names = map { "Churn$round.$_" } 1 .. 30;

	for my $name (@names)
	{
		create_table($node, $name, 0);
		call($node, 'PutItem', { TableName => $name, Item => item(1) });
	}
	eventually(q{SELECT count(*) > 0 FROM dynamo.metric_operation o JOIN dynamo.table_definition d USING (relid)
		WHERE table_name LIKE 'Churn%'}, 't', "round $round: they are stored");
	call($node, 'DeleteTable', { TableName => $_ }) for @names;
	eventually(q{SELECT count(*) FROM dynamo.metric m WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = m.relid)},
		'0', "round $round: metrics of dropped tables go");
	sleep 1.2;
	return;
}

churn($_) for 1 .. 4;
create_table($node, 'Last', 0);
call($node, 'PutItem', { TableName => 'Last', Item => item(1), ReturnConsumedCapacity => 'INDEXES' });
$told{'ConsumedWriteCapacityUnits|Last|'} = 1;
$requests{'Last|PutItem'} = 1;
agrees('more tables than meters, one after the other');
unlike(slurp_file($node->logfile), qr/capacity of some tables/, 'there was always a meter');

# ----- retention -----

sql(q{INSERT INTO dynamo.metric SELECT relid, now() - i * interval '1 minute', 60, 1, 1, NULL, NULL, 0, 0, 0, 0
	FROM dynamo.table_definition, generate_series(10, 2509) i WHERE table_name = 'Last';
	INSERT INTO dynamo.metric_operation SELECT relid, period_start, period, 'PutItem', 1, 1, 1, 0, 0, 0
	FROM dynamo.metric WHERE period = 60});
sleep 1.5;
is(sql(q{SELECT count(*) FROM dynamo.metric WHERE period = 60}), '2500', 'metrics are kept');
configure(q{dynamo.metrics_retention = '1h'});
eventually(q{SELECT count(*) FROM dynamo.metric WHERE period = 60}, '50', 'until they are too old');
eventually(q{SELECT count(*) FROM dynamo.metric_operation WHERE period = 60}, '50', 'those by operation too');
configure('dynamo.metrics_retention = 0');
eventually('SELECT count(*) FROM dynamo.metrics', '0', 'with no retention nothing is kept');
use_table(\&over_http, 'Books', 500);
sleep 1.5;
configure(q{dynamo.metrics_retention = '1h'});
forget();
use_table(\&over_http, 'Books', 600);
agrees('what was not to be stored is not stored later');

# ----- without counting -----

configure('dynamo.metrics = off');
sleep 0.5;
call($node, 'PutItem', { TableName => 'Last', Item => item(1) });
sleep 1.5;
configure('dynamo.metrics = on');
sleep 0.5;
agrees('what was not counted');

# ----- another database -----

sql('CREATE DATABASE other');
create_extension($node, 'other');
create_table($node, 'Elsewhere', 0, database => 'other');
call($node, 'PutItem', { TableName => 'Elsewhere', Item => item(1) }, database => 'other');
is($node->safe_psql('other', 'SELECT table_name, consumed_write_units FROM dynamo.stat_tables'), 'Elsewhere|1',
	'another database has live counters');
sleep 1.5;
is($node->safe_psql('other', 'SELECT count(*) FROM dynamo.metric'), '0', 'but nothing stored');
agrees('nor is it stored here');
sql('DROP DATABASE other');

# ----- a standby -----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'dynamo.http_workers = 0');
$standby->start;
is($standby->safe_psql('postgres', "SELECT count(*) FROM ($worker) w"), '0', 'no worker on a standby');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $stored_units), as_lines(\%told), 'which shows what the primary stored');
call($standby, 'GetItem', { TableName => 'Last', Key => key(1) });
is($standby->safe_psql('postgres', q{SELECT requests FROM dynamo.stat_tables WHERE table_name = 'Last'}), '1',
	'and counts by itself');
$standby->promote;
ok($standby->poll_query_until('postgres', "SELECT count(*) FROM ($worker) w", '1'), 'once promoted it has one');
call($standby, 'PutItem', { TableName => 'Last', Item => item(77) });
ok($standby->poll_query_until('postgres', q{SELECT count(*) > 0 FROM dynamo.metrics WHERE table_name = 'Last'
	AND operation = 'PutItem'}), 'that stores');
$standby->stop;

# ----- a lock on the tables of metrics, and a cancelled worker -----

my $locker = open_session($node);
ask($locker, 'BEGIN');
ask($locker, 'LOCK TABLE dynamo.metric IN ACCESS EXCLUSIVE MODE');
use_table(\&over_http, 'Books', 700);
sleep 2.5;
ask($locker, 'COMMIT');
$locker->quit;
agrees('a locked table of metrics');
$pid = sql($worker);
sql("SELECT pg_cancel_backend($pid)");
use_table(\&over_http, 'Books', 800);
agrees('a worker that was cancelled');

# ----- without the extension, and with it again -----

call($node, 'DeleteTable', { TableName => $_ }) for qw(Books Young Last);
forget();
sql('DROP EXTENSION pg_dynamo');
sleep 1.5;
is(sql("SELECT count(*) FROM ($worker) w"), '1', 'the worker is idle without the extension');
($status, $body) = http_get($server, '/metrics');
is($status, 200, '/metrics is served');
unlike($body, qr/table="/, 'without tables');
create_extension($node);
create_table($node, 'Again', 0);
call($node, 'PutItem', { TableName => 'Again', Item => item(1) });
$told{'ConsumedWriteCapacityUnits|Again|'} = 1;
$requests{'Again|PutItem'} = 1;
agrees('with it again');

sql('ALTER SYSTEM SET dynamo.metrics_tables = off');
sql('SELECT pg_reload_conf()');
sleep 1;
(undef, $body) = http_get($server, '/metrics');
like($body, qr/^dynamo_workers /m, '/metrics without dynamo.metrics_tables');
unlike($body, qr/dynamo_table_/, 'does not tell of tables');

$node->stop;
done_testing();
