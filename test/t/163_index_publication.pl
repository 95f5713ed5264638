# A publication of the whole schema also sends the index tables, which the
# subscriber's own triggers have filled already.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = start_node('publisher');
my $subscriber = start_node('subscriber');

sub string_attribute { return { AttributeName => $_[0], AttributeType => 'S' } }
sub hash_key { return [ { AttributeName => $_[0], KeyType => 'HASH' } ] }

sub put
{
	my ($group, @numbers) = @_;

	call($publisher, 'PutItem', {
		TableName => 'Things',
		Item => { id => { S => "i$_" }, g => { S => "$group" . $_ % 3 } } }) for @numbers;
	return;
}

sub on_subscriber { return $subscriber->safe_psql('postgres', $_[0]) }

sub agrees
{
	my ($items, $when) = @_;

	is(on_subscriber('SELECT count(*) FROM dynamo_tables."Things"'), $items, "items $when");
	is(on_subscriber(q{SELECT * FROM dynamo.verify_index('Things', 'ByG')}), '', "index $when");
	return;
}

for my $node ($publisher, $subscriber)
{
	call($node, 'CreateTable', {
		TableName => 'Things',
		BillingMode => 'PAY_PER_REQUEST',
		AttributeDefinitions => [ map { string_attribute($_) } 'id', 'g' ],
		KeySchema => hash_key('id'),
		GlobalSecondaryIndexes => [ {
			IndexName => 'ByG',
			KeySchema => hash_key('g'),
			Projection => { ProjectionType => 'ALL' } } ] });
}

put('g', 1 .. 10);
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLES IN SCHEMA dynamo_tables');
on_subscriber(sprintf q{CREATE SUBSCRIPTION everything CONNECTION '%s dbname=postgres' PUBLICATION everything},
	$publisher->connstr);
$subscriber->wait_for_subscription_sync($publisher, 'everything');
agrees(10, 'after the first copy');

put('h', 5 .. 15);
call($publisher, 'DeleteItem', { TableName => 'Things', Key => { id => { S => 'i1' } } });
$publisher->wait_for_catchup('everything');
agrees(14, 'after puts and a delete');

$publisher->safe_psql('postgres', 'TRUNCATE dynamo_tables."Things"');
$publisher->wait_for_catchup('everything');
agrees(0, 'after TRUNCATE');
unlike(slurp_file($subscriber->logfile), qr/ERROR/, 'the subscriber had no errors');

on_subscriber('DROP SUBSCRIPTION everything');
$subscriber->stop;
$publisher->stop;
done_testing();
