# Transactions and batches over HTTP among those who wish them ill: what one
# request leaves behind is not told to the next, what fails in a batch undoes
# nothing else, and an answer of success is given for what was committed only.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use PgDynamo;
use PgDynamoHttp;
use Test::More;

# One worker serves all, so that whatever it remembers would show.
my $server = start_http_node('main', workers => 1, conf => 'dynamo.lock_timeout = 500ms');
my $node = $server->{node};
my $client = http_client($server);
my $gave_up = '500 InternalServerError: The request waited too long for a lock that another session holds';

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub key { return { id => { S => $_[0] } } }

sub put { return { PutRequest => { Item => { id => { S => $_[0] }, why => { S => $_[1] // 'none' } } } } }

sub statements { return [ map { { Statement => $_ } } @_ ] }

sub ids { return sql(q{SELECT string_agg(pk, ' ' ORDER BY pk) FROM dynamo_tables."Things"}) }

sub set_up
{
	is(outcome(http_call($client, http_create_request('Things'))), 200, 'CreateTable');
	sql(q{
		CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				IF NEW.item #>> '{why,S}' = TG_ARGV[0] THEN
					RAISE EXCEPTION 'refused' USING ERRCODE = TG_ARGV[1];
				END IF;
				RETURN NEW;
			END $$;
		CREATE TRIGGER row BEFORE INSERT ON dynamo_tables."Things"
			FOR EACH ROW EXECUTE FUNCTION public.refuse('row', '23514');
		CREATE TRIGGER disk BEFORE INSERT ON dynamo_tables."Things"
			FOR EACH ROW EXECUTE FUNCTION public.refuse('disk', '53100');
		CREATE CONSTRAINT TRIGGER late AFTER INSERT ON dynamo_tables."Things" DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW EXECUTE FUNCTION public.refuse('late', '23514')});
}

# A transaction that has failed leaves the number of its elements in the
# worker; one that then cannot even open its table must not answer with it.
sub forgets_positions
{
	my $holder = open_session($node);
	my $answer = http_call($client, TransactWriteItems => {
		TransactItems => [ map { { ConditionCheck => {
			TableName => 'Things', Key => key($_), ConditionExpression => 'attribute_exists(id)' } } } 'x', 'y', 'z' ] });

	like(outcome($answer), qr/^400 TransactionCanceledException: /, 'a transaction of three fails');
	ask($holder, 'BEGIN; LOCK TABLE dynamo_tables."Things"');
	is(outcome(http_call($client, ExecuteTransaction => {
		TransactStatements => statements(q{DELETE FROM "Things" WHERE id = 'a'}) })), $gave_up,
		'one of one that cannot open its table does not tell of three');
	ask($holder, 'COMMIT');
	$holder->quit;
}

# Statements that are refused early do not make others run twice.
sub runs_once
{
	my @calls = (q{UPDATE "Things" SET n = 1 WHERE id = 5}, q{UPDATE "Things" SET n = n + 1 WHERE id = 'once'},
		q{INSERT INTO "Things" VALUE {'id': 5}}, q{INSERT INTO "Things" VALUE {'id': 'new'}});
	my $answer;

	http_call($client, PutItem => { TableName => 'Things', Item => { %{ key('once') }, n => { N => '0' } } });
	$answer = http_call($client, BatchExecuteStatement => { Statements => statements(@calls) });
	is(join(' ', map { $_->{Error}{Code} // 'ok' } @{ $answer->{document}{Responses} }),
		'ValidationError ok ValidationError ok', 'a batch of which half is refused');
	is(http_call($client, GetItem => { TableName => 'Things', Key => key('once') })->{document}{Item}{n}{N}, 1,
		'the rest runs once');
}

# What is refused, when, and what becomes of the other items of a batch.
sub batches_fail
{
	my $answer;

	sql(q{DELETE FROM dynamo_tables."Things"});
	$answer = http_call($client, BatchWriteItem => {
		RequestItems => { Things => [ put('a'), put('b', 'row'), put('c') ] } });
	is_deeply($answer->{document}{UnprocessedItems}, { Things => [ put('b', 'row') ] }, 'one item is left out');
	is(ids(), 'a c', 'the others are written');
	$answer = http_call($client, BatchExecuteStatement => {
		Statements => statements(map { qq{INSERT INTO "Things" VALUE {'id': '$_->[0]', 'why': '$_->[1]'}} } [ 'g', 'none' ], [ 'h', 'row' ]) });
	is_deeply([ map { $_->{Error} } @{ $answer->{document}{Responses} } ], [ undef, { Code => 'ValidationError', Message => 'refused' } ],
		'a statement that a trigger refuses is told so, as PutItem is');
	is(ids(), 'a c g', 'the other one is done');
	for my $why ([ disk => '500 InternalServerError: Internal server error' ], [ late => '400 ValidationException: refused' ])
	{
		is(outcome(http_call($client, BatchWriteItem => {
			RequestItems => { Things => [ put('d'), put('e', $why->[0]), put('f') ] } })), $why->[1],
			"$why->[0]: BatchWriteItem fails as a whole");
		is(outcome(http_call($client, BatchExecuteStatement => {
			Statements => statements(map { qq{INSERT INTO "Things" VALUE {'id': '$_', 'why': '$why->[0]'}} } 'd', 'e') })), $why->[1],
			"$why->[0]: BatchExecuteStatement too");
		is(outcome(http_call($client, TransactWriteItems => {
			ClientRequestToken => 'again', TransactItems => [ map { { Put => {
				TableName => 'Things', %{ put($_, $why->[0])->{PutRequest} } } } } 'd', 'e' ] })), $why->[1],
			"$why->[0]: TransactWriteItems too");
		is(ids(), 'a c g', "$why->[0]: nothing is written");
		is(sql('SELECT count(*) FROM dynamo.transaction_token'), 0, "$why->[0]: no token is remembered");
	}
}

set_up();
forgets_positions();
runs_once();
batches_fail();
$node->stop;
done_testing();
