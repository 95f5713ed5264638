# Subscriptions: stream records delivered to functions, URLs and channels, in
# order, each at least once, and to functions exactly once whatever is killed;
# what fails is tried again, halved, given up; what is not allowed is not done.

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run ();
use JSON::PP ();
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $tmp = $PostgreSQL::Test::Utils::tmp_check;
my $port_file = "$tmp/subscriber.port";
my $request_log = "$tmp/subscriber.log";
my $json = JSON::PP->new;
my $true = JSON::PP::true;

unlink $port_file, $request_log;
my $receiver = IPC::Run::start([ '/usr/bin/python3', "$FindBin::RealBin/../data/subscriber.py",
		$port_file, $request_log ]);
for (1 .. 200) { last if -e $port_file; sleep 0.05 }
my $url = 'http://127.0.0.1:' . slurp_file($port_file);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'pg_dynamo'
dynamo.http_workers = 0
max_worker_processes = 20
max_prepared_transactions = 4
restart_after_crash = on
dynamo.subscription_urls = '$url/hook, http://*.example.invalid/'
dynamo.subscription_url_role = 'url_users'
dynamo.subscription_timeout = 2s
END

# newer minor releases only load output plugins that are listed
$node->append_conf('postgresql.conf', "output_plugin_libraries = 'pgoutput, test_decoding, pg_dynamo'")
  if allows_plugins_by_setting();
$node->start;
create_extension($node);

sub allows_plugins_by_setting
{
	my ($out, $err) = ('', '');

	return IPC::Run::run([ 'postgres', '-D', $node->data_dir, '-C', 'output_plugin_libraries' ],
		'>', \$out, '2>', \$err);
}

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub eventually
{
	my ($query, $expected, $what) = @_;

	ok($node->poll_query_until('postgres', $query, $expected), $what)
	  or diag(sql('SELECT * FROM dynamo.subscriptions'));
	return;
}

sub stream_table
{
	my ($name, $shards) = @_;

	sql("ALTER ROLE CURRENT_USER SET dynamo.stream_shards = " . ($shards // 1));
	call($node, 'CreateTable', {
		TableName => $name,
		BillingMode => 'PAY_PER_REQUEST',
		KeySchema => [ { AttributeName => 'pk', KeyType => 'HASH' } ],
		AttributeDefinitions => [ { AttributeName => 'pk', AttributeType => 'S' } ],
		StreamSpecification => { StreamEnabled => $true, StreamViewType => 'NEW_AND_OLD_IMAGES' } });
	return;
}

sub put { my ($table, $pk, $v) = @_; return sql("SELECT dynamo.put_item('$table', '{\"pk\": \"$pk\", \"v\": " . ($v // 0) . "}')") }

# items k<from> .. k<to> in one transaction
sub fill
{
	my ($table, $from, $to, $prefix) = @_;

	$prefix //= 'k';
	return sql(qq{INSERT INTO dynamo_tables."$table" (item)
		SELECT jsonb_build_object('pk', jsonb_build_object('S', '$prefix' || i)) FROM generate_series($from, $to) i});
}

sub subscribe
{
	my ($name, $table, $target, $options) = @_;

	return sql("SELECT dynamo.create_subscription('$name', '$table', '$target', '" . $json->encode($options // {}) . "')");
}

sub drop { return sql("SELECT dynamo.drop_subscription('$_[0]')") }

sub requests
{
	my ($path) = @_;

	return () unless -e $request_log;
	return grep { $_->{path} eq $path } map { $json->decode($_) } split /\n/, slurp_file($request_log);
}

# wait until the receiver has had so many requests, or a condition holds
sub await_requests
{
	my ($path, $enough) = @_;
	my $end = time + 60;

	while (time < $end)
	{
		my @requests = requests($path);

		return @requests if ref $enough ? $enough->(@requests) : @requests >= $enough;
		sleep 0.05;
	}
	return requests($path);
}

sub shown { my ($name, $columns) = @_; return sql("SELECT $columns FROM dynamo.subscriptions WHERE name = '$name'") }

# ----- a function gets what is written, in order -----

sql(q{CREATE TABLE got (id bigserial, name text, pk text, v int, n int, event text, who text, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION keep(name text, event jsonb) RETURNS void LANGUAGE sql AS $$
		INSERT INTO public.got (name, pk, v, n, event, who)
		SELECT name, r->'dynamodb'->'Keys'->'pk'->>'S', (r->'dynamodb'->'NewImage'->'v'->>'N')::int,
			jsonb_array_length(event->'Records'), r->>'eventName', current_user
		FROM jsonb_array_elements(event->'Records') WITH ORDINALITY AS u (r, i) ORDER BY i $$;
	CREATE FUNCTION keep_first(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT public.keep('first', event)$$});
stream_table('Orders');
put('Orders', 'before');
subscribe('first', 'Orders', 'function:keep_first');
put('Orders', 'a', 1);
put('Orders', 'a', 2);
sql(q{SELECT dynamo.delete_item('Orders', '{"pk": "a"}')});
put('Orders', 'b', 3);
eventually(q{SELECT count(*) FROM got WHERE name = 'first'}, '4', 'a function gets the records');
is(sql(q{SELECT string_agg(concat_ws(':', pk, event, v), ' ' ORDER BY id) FROM got WHERE name = 'first'}),
	'a:INSERT:1 a:MODIFY:2 a:REMOVE b:INSERT:3', 'in order, and none from before');
is(shown('first', 'state, delivered, failed, filtered, retries, lag'), 'active|4|0|0|0|00:00:00', 'it is shown');
drop('first');
put('Orders', 'c', 4);
sleep 0.3;
is(sql(q{SELECT count(*) FROM got WHERE name = 'first'}), '4', 'none comes after it was dropped');

# ----- starting positions, batches, filters -----

sql(q{CREATE FUNCTION keep_all(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT public.keep('all', event)$$;
	CREATE FUNCTION keep_some(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT public.keep('some', event)$$;
	CREATE FUNCTION keep_late(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT public.keep('late', event)$$;
	CREATE FUNCTION keep_window(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT public.keep('window', event)$$});
subscribe('all', 'Orders', 'function:keep_all', { starting_position => 'TRIM_HORIZON', batch_size => 2 });
eventually(q{SELECT count(*) FROM got WHERE name = 'all'}, '6', 'all that is kept, from TRIM_HORIZON');
is(sql(q{SELECT max(n) FROM got WHERE name = 'all'}), '2', 'in batches as large as asked for');
subscribe('late', 'Orders', 'function:keep_late',
	{ starting_position => 'AT_TIMESTAMP', starting_timestamp => time + 3600 });
subscribe('some', 'Orders', 'function:keep_some', { starting_position => 'TRIM_HORIZON',
		filter => [ { eventName => ['REMOVE'] }, { dynamodb => { NewImage => { v => { N => [ { numeric => [ '>=', 4 ] } ] } } } } ] });
eventually(q{SELECT string_agg(concat_ws(':', pk, event), ' ' ORDER BY id) FROM got WHERE name = 'some'},
	'a:REMOVE c:INSERT', 'a filter lets some pass');
is(shown('some', 'delivered, filtered'), '2|4', 'the others are counted');
subscribe('window', 'Orders', 'function:keep_window', { batch_window => 1, batch_size => 4 });
put('Orders', "w$_") for 1 .. 3;
sleep 0.3;
is(sql(q{SELECT count(*) FROM got WHERE name = 'window'}), '0', 'a window is waited for');
eventually(q{SELECT string_agg(DISTINCT n::text, ' ') FROM got WHERE name = 'window'}, '3', 'then the batch comes as one');
put('Orders', "w$_") for 4 .. 7;
eventually(q{SELECT string_agg(DISTINCT n::text, ' ' ORDER BY n::text) FROM got WHERE name = 'window'}, '3 4', 'a full batch does not wait');
is(sql(q{SELECT count(*) FROM got WHERE name = 'late'}), '0', 'none before AT_TIMESTAMP');
drop($_) for qw(all late some window);

# ----- as the owner, and nothing else -----

sql(q{CREATE ROLE alice LOGIN; CREATE ROLE bob;
	GRANT SELECT ON dynamo_tables."Orders" TO alice;
	GRANT INSERT ON got TO alice; GRANT USAGE ON got_id_seq TO alice;
	CREATE SCHEMA alice AUTHORIZATION alice;
	SET ROLE alice;
	CREATE FUNCTION alice.mine(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM pg_advisory_lock(4711);
		PERFORM set_config('work_mem', '1MB', false);
		CREATE TEMP TABLE left_behind (a int);
		PERFORM public.keep('mine', event);
		INSERT INTO public.got (name, who) VALUES ('mine role', session_user || ' ' || current_user || ' ' || current_setting('search_path'));
	END $$;
	CREATE FUNCTION alice.escape(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		SET LOCAL ROLE NONE;
		INSERT INTO public.got (name, who) VALUES ('escaped', current_user);
	END $$;
	SELECT dynamo.create_subscription('mine', 'Orders', 'function:alice.mine');
	SELECT dynamo.create_subscription('escape', 'Orders', 'function:alice.escape')});
put('Orders', 'role1');
put('Orders', 'role2');
eventually(q{SELECT string_agg(DISTINCT who, ' ') FROM got WHERE name = 'mine' HAVING count(*) = 2}, 'alice', 'a function runs as the owner');
like(sql(q{SELECT DISTINCT who FROM got WHERE name = 'mine role'}), qr/ alice pg_catalog, pg_temp$/, 'with a pinned search path');
eventually(q{SELECT last_error ~ 'cannot set parameter "role"' FROM dynamo.subscriptions WHERE name = 'escape'}, 't', 'it cannot become another');
is(sql(q{SELECT count(*) FROM got WHERE name = 'escaped'}), '0', 'nor writes as another');
is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), '0', 'its locks are gone');
sql(q{REVOKE SELECT ON dynamo_tables."Orders" FROM alice});
put('Orders', 'role3');
eventually(q{SELECT state FROM dynamo.subscriptions WHERE name = 'mine'}, 'failed', 'without SELECT it fails');
like(shown('mine', 'last_error'), qr/permission denied for table Orders/, 'and says why');
sql(q{GRANT SELECT ON dynamo_tables."Orders" TO alice; SELECT dynamo.alter_subscription('mine', enabled => true)});
eventually(q{SELECT count(*) FROM got WHERE name = 'mine'}, '3', 'enabled again it goes on where it was');
sql(q{DROP FUNCTION alice.mine(jsonb)});
put('Orders', 'role4');
eventually(q{SELECT state FROM dynamo.subscriptions WHERE name = 'mine'}, 'failed', 'without its function it fails');
drop($_) for qw(mine escape);

# ----- failing: others are not disturbed -----

sql(q{CREATE FUNCTION fail(event jsonb) RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE 'no good'; END $$;
	CREATE FUNCTION hang(event jsonb) RETURNS void LANGUAGE sql AS $$SELECT pg_sleep(60)$$;
	CREATE FUNCTION run_away(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
	END $$;
	CREATE FUNCTION poison(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		IF event @> '{"Records": [{"dynamodb": {"Keys": {"pk": {"S": "bad"}}}}]}' THEN RAISE 'poisoned'; END IF;
		PERFORM public.keep('poison', event);
	END $$;
	CREATE FUNCTION partial(event jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	DECLARE
		failures jsonb := '[]';
		r jsonb;
	BEGIN
		FOR r IN SELECT * FROM jsonb_array_elements(event->'Records') LOOP
			IF r->'dynamodb'->'Keys'->'pk'->>'S' = 'bad' THEN
				failures := failures || jsonb_build_object('itemIdentifier', r->'dynamodb'->>'SequenceNumber');
			ELSIF failures = '[]' THEN
				PERFORM public.keep('partial', jsonb_build_object('Records', jsonb_build_array(r)));
			END IF;
		END LOOP;
		RETURN jsonb_build_object('batchItemFailures', failures);
	END $$});
create_table($node, 'Dead', 1);
create_table($node, 'Dead1', 0);
stream_table('Work');
subscribe('good', 'Work', 'function:keep_first');
subscribe('fail', 'Work', 'function:fail', { backoff => 0.05, max_retries => 2, dead_letter_table => 'Dead' });
subscribe('poison', 'Work', 'function:poison',
	{ backoff => 0.05, max_retries => 1, bisect_on_error => $true, dead_letter_table => 'Dead1' });
subscribe('partial', 'Work', 'function:partial',
	{ backoff => 0.05, max_retries => 1, partial_batch_response => $true, dead_letter_table => 'Dead1' });
sql(q{TRUNCATE got});
sql(q{INSERT INTO dynamo_tables."Work" (item) SELECT jsonb_build_object('pk', jsonb_build_object('S', k))
	FROM unnest(ARRAY['1', '2', '3', '4', 'bad', '5', '6', '7', '8']) WITH ORDINALITY u (k, i) ORDER BY i});
eventually(q{SELECT count(*) FROM got WHERE name = 'first'}, '9', 'one that works gets all');
eventually(q{SELECT failed FROM dynamo.subscriptions WHERE name = 'fail'}, '9', 'one that fails gives up after its retries');
is(sql(q{SELECT count(*), min(item->'attempts'->>'N'), min(item->'error'->>'S'), max(length(item->'record'->>'S')) > 100
	FROM dynamo_tables."Dead" WHERE pk = 'fail'}), '9|3|no good|t', 'and writes dead letters');
eventually(q{SELECT string_agg(pk, '' ORDER BY id) FROM got WHERE name = 'poison'}, '12345678', 'halving finds the bad record');
eventually(q{SELECT delivered || '/' || failed FROM dynamo.subscriptions WHERE name = 'poison'}, '8/1', 'the others are delivered, once');
eventually(q{SELECT string_agg(pk, '' ORDER BY id) FROM got WHERE name = 'partial'}, '12345678', 'so does a response that names it');
is(sql(q{SELECT string_agg(item->'subscription'->>'S', ' ' ORDER BY pk) FROM dynamo_tables."Dead1"}), 'partial poison', 'both are dead letters');
drop($_) for qw(fail poison partial);

subscribe('hang', 'Work', 'function:hang', { backoff => 60 });
fill('Work', 100, 100);
eventually(q{SELECT last_error FROM dynamo.subscriptions WHERE name = 'hang'},
	'the delivery took longer than dynamo.subscription_timeout', 'a function that hangs is cancelled');
drop('hang');
subscribe('away', 'Work', 'function:run_away');
fill('Work', 101, 101);
eventually(q{SELECT concat_ws(': ', state, last_error) FROM dynamo.subscriptions WHERE name = 'away'},
	'failed: the delivery could not be cancelled', 'one that catches that is not called again');
drop('away');
subscribe('old', 'Work', 'function:keep_late', { max_age => 0, starting_position => 'TRIM_HORIZON', dead_letter_table => 'Dead' });
eventually(q{SELECT count(*) > 0 FROM dynamo_tables."Dead" WHERE pk = 'old' AND item->'error'->>'S' = 'the record is older than max_age'},
	't', 'records that are too old are given up');
drop($_) for qw(old good);

# ----- paused -----

subscribe('paused', 'Work', 'function:keep_late');
sql(q{TRUNCATE got; SELECT dynamo.alter_subscription('paused', enabled => false)});
fill('Work', 200, 210);
sleep 0.5;
is(sql(q{SELECT count(*) FROM got}), '0', 'a paused one gets nothing');
sql(q{SELECT dynamo.alter_subscription('paused', '{"batch_size": 3}', true)});
eventually(q{SELECT count(*) || '/' || max(n) FROM got}, '11/3', 'enabled it gets what waited, with its new options');
drop('paused');

# ----- URLs -----

sql(q{CREATE ROLE url_users; CREATE ROLE carol; GRANT SELECT ON dynamo_tables."Work" TO carol; GRANT url_users TO carol});
sub refused
{
	my ($role, $target, $pattern, $what) = @_;
	my ($status, $out, $err) = $node->psql('postgres',
		"SET ROLE $role; SELECT dynamo.create_subscription('refused', 'Work', '$target')");

	like($err, $pattern, $what);
	return;
}
my $host = $url =~ s{^http://}{}r;
refused('alice', "$url/hook", qr/AccessDeniedException/, 'no URL without the right to the table');
sql(q{GRANT SELECT ON dynamo_tables."Work" TO alice});
refused('alice', "$url/hook", qr/permission denied for subscriptions to URLs/, 'nor outside of the role');
refused('carol', $_, qr/target URL is not (?:allowed|valid)/, "nor $_")
  for "$url/", "$url/hooks", "$url/hook/../x", "$url/hook/%2e%2e/x", "https://$host/hook", "http://user\@$host/hook",
  'http://127.0.0.1/hook', 'http://localhost/hook', 'http://example.invalid/', 'http://xexample.invalid/', 'http://[::1]/hook';
sql(qq{SET ROLE carol; SELECT dynamo.create_subscription('allowed', 'Work', '$_'); SELECT dynamo.drop_subscription('allowed')})
  for "$url/hook", "$url/hook/x?y=z", 'http://a.b.example.invalid/x';

my $secret = 'it is a secret';
sql(qq{SET ROLE carol; SELECT dynamo.create_subscription('url', 'Work', '$url/hook/fine', '{"secret": "$secret"}')});
fill('Work', 300, 304);
my @fine = await_requests('/hook/fine', 1);
is(scalar @fine, 1, 'a URL gets one request');
is("@{ $fine[0]{keys} }", 'k300 k301 k302 k303 k304', 'with the records');
is($fine[0]{type}, 'application/json', 'as JSON');
is($fine[0]{signature}, 'sha256=' . hmac_sha256_hex($fine[0]{body}, $secret), 'signed');
like($fine[0]{arn}, qr{^arn:aws:dynamodb:us-east-1:000000000000:table/Work/stream/}, 'with the ARN of the stream');
is(sql(q{SELECT count(*) FROM dynamo.subscriptions s WHERE s::text LIKE '%it is a secret%'}), '0', 'the secret is not shown');
is(shown('url', 'signed, options'), 't|{}', 'but that there is one');
command_fails_like([ 'psql', '-XAtc', 'SET ROLE alice; SELECT secret FROM dynamo.subscription', $node->connstr('postgres') ],
	qr/permission denied/, 'nobody else reads it');
command_ok([ 'pg_dump', '-f', "$tmp/subscriptions.sql", $node->connstr('postgres') ], 'the database is dumped');
unlike(slurp_file("$tmp/subscriptions.sql"), qr/it is a secret/, 'without it');

subscribe('slow', 'Work', "$url/hook/slow");
subscribe('flaky', 'Work', "$url/hook/flaky", { backoff => 0.1 });
subscribe('bad-url', 'Work', "$url/hook/fail", { backoff => 0.05, max_retries => 2, dead_letter_table => 'Dead' });
subscribe('poison-url', 'Work', "$url/hook/poison",
	{ backoff => 0.05, max_retries => 1, bisect_on_error => $true, dead_letter_table => 'Dead1' });
subscribe('partial-url', 'Work', "$url/hook/partial", { backoff => 0.05, partial_batch_response => $true });
subscribe('nonsense', 'Work', "$url/hook/nonsense", { backoff => 0.05, max_retries => 1, partial_batch_response => $true });
subscribe('endless', 'Work', "$url/hook/endless", { backoff => 60 });
subscribe('redirect', 'Work', "$url/hook/redirect", { backoff => 60 });
sql(q{SELECT dynamo.delete_item('Work', '{"pk": "bad"}')});
sleep 1;
my $began = time;
sql(q{INSERT INTO dynamo_tables."Work" (item) SELECT jsonb_build_object('pk', jsonb_build_object('S', k))
	FROM unnest(ARRAY['u1', 'u2', 'bad', 'u3', 'u4']) WITH ORDINALITY u (k, i) ORDER BY i});
my @requests = await_requests('/hook/fine', 3);
cmp_ok($requests[-1]{time} - $began, '<', 2, 'a slow URL does not hold up others');
sub has_key
{
	my ($key) = @_;

	return sub { grep { $_->{status} == 200 && grep { $_ eq $key } @{ $_->{keys} } } @_ };
}
@requests = await_requests('/hook/flaky', has_key('u4'));
is(scalar(grep { $_->{status} == 503 } @requests), 3, 'after errors a request is repeated');
cmp_ok($requests[2]{time} - $requests[1]{time}, '>', 0.15, 'after a while that grows');
eventually(q{SELECT failed FROM dynamo.subscriptions WHERE name = 'bad-url'}, '6', 'and given up');
is(sql(q{SELECT max(item->'error'->>'S') FROM dynamo_tables."Dead" WHERE pk = 'bad-url'}), 'HTTP status 500', 'the reason is in the dead letter');
eventually(q{SELECT failed FROM dynamo.subscriptions WHERE name = 'poison-url'}, '2', 'halving finds the bad records');
@requests = await_requests('/hook/poison', has_key('u4'));
is(join(' ', grep { /^u/ } map { @{ $_->{keys} } } grep { $_->{status} == 200 } @requests), 'u1 u2 u3 u4', 'the others come in order');
@requests = await_requests('/hook/partial', has_key('u4'));
like(join('|', map { "@{ $_->{keys} }" } @requests), qr/^bad\|bad\|bad(?:\|.*)?u1.*u4$/, 'a response that names records is heeded');
eventually(q{SELECT failed > 0 FROM dynamo.subscriptions WHERE name = 'nonsense'}, 't', 'one that names others is a failure');
eventually(q{SELECT last_error FROM dynamo.subscriptions WHERE name = 'endless'}, 'the response is too large', 'a response has a limit');
eventually(q{SELECT last_error FROM dynamo.subscriptions WHERE name = 'redirect'}, 'HTTP status 302', 'a redirect is a failure');
is(scalar requests('/hook/target'), 0, 'and is not followed');
eventually(q{SELECT last_error ~* 'time' FROM dynamo.subscriptions WHERE name = 'slow'}, 't', 'a slow one is given up after a while');
sql(q{ALTER SYSTEM SET dynamo.subscription_urls = ''});
sql(q{SELECT pg_reload_conf()});
fill('Work', 400, 400);
eventually(q{SELECT state FROM dynamo.subscriptions WHERE name = 'url'}, 'failed', 'a URL that is taken off the list gets nothing');
ok(!grep({ grep { $_ eq 'k400' } @{ $_->{keys} } } requests('/hook/fine')), 'indeed nothing');
sql(q{ALTER SYSTEM RESET dynamo.subscription_urls});
sql(q{SELECT pg_reload_conf()});
sql(q{SELECT dynamo.drop_subscription(name) FROM dynamo.subscriptions});

# ----- NOTIFY -----

my $listener = open_session($node);
ask($listener, 'LISTEN news');
subscribe('news', 'Work', 'notify:news', { filter => { eventName => ['INSERT'] } });
fill('Work', 500, 501);
sql(qq{INSERT INTO dynamo_tables."Work" (item) VALUES ('{"pk": {"S": "\\u0001\\u0002$_"}}')}) for 'tricky';
eventually(q{SELECT delivered FROM dynamo.subscriptions WHERE name = 'news'}, '3', 'a channel is notified');
my $heard = $listener->query('SELECT 1');
like($heard, qr/"news" with payload "\{"subscription":"news","eventName":"INSERT","sequenceNumber":"\d+","keys":\{"pk":\{"S":"k500"\}\}\}"/,
	'of each record');
like($heard, qr/k501/, 'with its keys');
$listener->quit;
drop('news');

# ----- exactly once, in order per key, whatever is killed -----

sql(q{CREATE TABLE once (id bigserial, pk text, v int, sequence numeric, shard int);
	CREATE FUNCTION once(event jsonb) RETURNS void LANGUAGE sql AS $$
		INSERT INTO public.once (pk, v, sequence)
		SELECT r->'dynamodb'->'Keys'->'pk'->>'S', (r->'dynamodb'->'NewImage'->'v'->>'N')::int, (r->'dynamodb'->>'SequenceNumber')::numeric
		FROM jsonb_array_elements(event->'Records') WITH ORDINALITY AS u (r, i) ORDER BY i $$});
stream_table('Counters', 4);
subscribe('once', 'Counters', 'function:once', { batch_size => 20 });
subscribe('once-url', 'Counters', "$url/hook/once", { batch_size => 20, backoff => 0.05 });
my $load = <<'END';
SELECT dynamo.put_item('Counters', jsonb_build_object('pk', 'p' || (:client_id * 10 + :r), 'v', nextval('versions')));
END
sql('CREATE SEQUENCE versions');
append_to_file("$tmp/load.sql", "\\set r random(0, 9)\n$load");
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_dynamo subscriptions'};
for my $round (1 .. 3)
{
	my ($out, $err) = ('', '');
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 2, '-T', 2, '-f', "$tmp/load.sql", $node->connstr('postgres') ],
		'>', \$out, '2>', \$err);

	sleep 1;
	if ($round == 3)
	{
		$node->stop('immediate');
	}
	else
	{
		my $pid = sql($worker);

		kill($round == 1 ? 'KILL' : 'TERM', $pid);
	}
	$bench->finish;
	if ($round == 3)
	{
		$node->start;
	}
	else
	{
		$node->poll_query_until('postgres', 'SELECT 1', '1');
	}
}
eventually(q{SELECT count(*) > 0 AND (SELECT count(*) FROM once) = (SELECT delivered FROM dynamo.subscriptions WHERE name = 'once')
	FROM once}, 't', 'what was delivered is what arrived');
eventually(q{SELECT string_agg(lag::text, ' ') FROM dynamo.subscriptions WHERE name LIKE 'once%'}, '00:00:00 00:00:00', 'all has been delivered');
my $records = sql(q{SELECT count(*) FROM dynamo.stream_record n JOIN dynamo.stream_shard s USING (shard_no)
	JOIN dynamo.stream_definition d USING (stream_id) WHERE d.table_name = 'Counters'});
cmp_ok($records, '>', 100, "there were $records records");
is(sql(q{SELECT count(*) FROM once}), $records, 'each exactly once');
is(sql(q{SELECT count(DISTINCT sequence) FROM once}), $records, 'none twice');
is(sql(q{SELECT count(*) FROM (SELECT v, lag(v) OVER (PARTITION BY pk ORDER BY id) AS before FROM once) o WHERE v <= before}),
	'0', 'in order for each key');
is(sql(q{SELECT count(*) FROM dynamo_tables."Counters" i WHERE (item->'v'->>'N')::int <>
	(SELECT v FROM once WHERE once.pk = i.pk ORDER BY id DESC LIMIT 1)}), '0', 'the last one of each key is its item');
my %at_url;
$at_url{ $_->{dynamodb}{SequenceNumber} }++ for map { @{ $json->decode($_->{body})->{Records} } } requests('/hook/once');
is(scalar keys %at_url, $records, 'a URL gets each at least once');

is(sql(q{SELECT count(*) FROM dynamo.stream_position}), '1', 'there is one position');
sql('CREATE EXTENSION amcheck');
is(sql(q{SELECT count(*) FROM (SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
	WHERE c.relkind = 'r' AND c.relname ~ '^(?:stream|subscription)') AS checked WHERE checked IS NOT NULL}) > 0, 1,
	'the indexes of streams and subscriptions hold all rows');

# ----- a stream that is disabled and enabled again; a table that goes -----

sub set_stream
{
	my ($enabled) = @_;

	call($node, 'UpdateTable', { TableName => 'Counters', StreamSpecification => { StreamEnabled => $enabled ? $true : JSON::PP::false,
				$enabled ? (StreamViewType => 'NEW_AND_OLD_IMAGES') : () } });
	return;
}
put('Counters', 'last', 1);
set_stream(0);
set_stream(1);
put('Counters', 'first', 2);
eventually(q{SELECT string_agg(pk, ' ' ORDER BY id) FROM once WHERE pk IN ('first', 'last')}, 'last first',
	'the next stream of a table is followed');
call($node, 'DeleteTable', { TableName => 'Counters' });
eventually(q{SELECT state FROM dynamo.subscriptions WHERE name = 'once'}, 'failed', 'without its table it fails');
drop($_) for qw(once once-url);

# ----- an owner that goes -----

sql(q{CREATE ROLE dave; GRANT SELECT ON dynamo_tables."Work" TO dave; SET ROLE dave;
	SELECT dynamo.create_subscription('orphan', 'Work', 'notify:x'); RESET ROLE; DROP OWNED BY dave; DROP ROLE dave});
put('Work', 'orphan');
eventually(q{SELECT state FROM dynamo.subscriptions WHERE name = 'orphan'}, 'failed', 'without its owner it fails');

is(sql("SELECT count(*) FROM ($worker) w"), '1', 'one worker');
$node->stop;
$receiver->kill_kill;
done_testing();
