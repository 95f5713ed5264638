# The README's patterns of microservices, run as they stand there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Readme;
use Test::More;

my $server = start_http_node('main');
my $node = $server->{node};
my %patterns;

grant_tables($server);
push @{ $patterns{ $_->{heading} } }, $_ for readme_blocks('Patterns of microservices');

# what a block prints
sub run
{
	my ($block, $name) = @_;
	my ($out, $err) = run_block($server, $block, $name);

	unlike($err, qr/ERROR/, "$name: no errors");
	return $out;
}

is_deeply([ sort keys %patterns ],
	[ 'An upload event writes metadata', 'REST access straight to a table', 'Two services share an attribute' ],
	'the patterns of the README');

# REST
my ($table, $calls) = @{ $patterns{'REST access straight to a table'} };

run($table, 'a table, and a role that may read all and add to one page');
my @answers = split /\n/, run($calls, 'calls with curl');

is($answers[0], '{}', 'an entry is put');
like($answers[1], qr/"Count":1,.*"text":\{"S":"Hello"\}/, 'and queried');
like($answers[2], qr/AccessDeniedException/, 'but not on a page of others');
is($node->safe_psql('postgres', 'SELECT pk, sk FROM dynamo_tables."Guestbook"'), 'home|2026-01-01T10:00:00Z',
	'what the table has');
like(run($calls, 'the same once more'), qr/\A[^\n]*AccessDeniedException/, 'entries cannot be changed');

# uploads
my ($files, $handler, $report) = @{ $patterns{'An upload event writes metadata'} };

run($files, 'a table of files');
run($handler, 'events of uploads');
is(run($report, 'a report'), "jpg|1|48213\npng|1|9001\n", 'the newest metadata of each file');
is($node->safe_psql('postgres', q{SELECT item #>> '{version,S}' FROM dynamo_tables."Files" WHERE sk = 'ann/my cat.jpg'}),
	'0002', 'an event that comes late changes nothing');

# a shared attribute
my ($services, $changes, $copy) = @{ $patterns{'Two services share an attribute'} };

run($services, 'two tables and a subscription');
run($changes, 'changes of both');
$node->poll_query_until('postgres',
	q{SELECT item #>> '{address,S}' = 'Square 2, Gent' FROM dynamo_tables."Recipients" WHERE pk = 'ann'})
  or die 'the address does not arrive';
is(run($copy, 'the copy'), qq({"id": "ann", "address": "Square 2, Gent", "parcels": 1}\n),
	'has the address of the first service, and what is its own');
is($node->safe_psql('postgres', 'SELECT state, delivered, failed FROM dynamo.subscriptions'), 'active|2|0',
	'each change was delivered once');

$node->stop;
done_testing();
