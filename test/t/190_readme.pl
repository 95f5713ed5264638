# What the README shows, run as it stands there: with the AWS CLI, with boto3,
# and in SQL, section by section.  "Quick start" and "An order in one
# transaction" are regress tests, and the patterns have a test of their own.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamoHttp;
use Readme;
use Test::More;

my $hooks = 'http://127.0.0.1:1/hooks/';	# where nobody listens
my $server = start_http_node('main',
	conf => "max_worker_processes = 16\ndynamo.subscription_urls = '$hooks'");
my $node = $server->{node};

# all blocks of some sections as one, as a reader's one session
sub joined
{
	my ($language, @sections) = @_;
	my @blocks = map { readme_blocks($_, $language) } @sections;

	return { language => $language, text => join("\n", map { $_->{text} } @blocks) };
}

# the AWS CLI; the server is there already
sub shell
{
	my ($section) = @_;
	my $block = joined('sh', $section);

	$block->{text} =~ s{^make serve$}{}mg;
	$block->{text} =~ s{^aws }{/usr/bin/aws }mg;
	$block->{text} =~ s{^pg_recvlogical .*$}{}mg;
	return run_block($server, $block, "$section: the AWS CLI");
}

grant_tables($server);
like((shell('Use with AWS SDKs'))[0], qr/"Awards": \{\s*"N": "10"/, 'the item is put and got');
is((run_block($server, joined('sql', 'Use with AWS SDKs'), 'Use with AWS SDKs: SQL'))[0],
	qq({"Artist": "Acme Band", "Awards": 10, "SongTitle": "Happy Day"}\nAcme Band|Happy Day|10\n), 'which SQL sees');
shell('Secondary indexes');
$node->poll_query_until('postgres', q{SELECT status = 'active' FROM dynamo.indexes WHERE index_name = 'byGenre'})
  or die 'the index is not filled';
shell('Streams');
my ($out) = run_block($server,
	joined('python', 'Use with AWS SDKs', 'Secondary indexes', 'Batches', 'Transactions', 'PartiQL', 'Streams'), 'boto3');
is((grep { /SongTitle/ } split /\n/, $out)[0], "{'Artist': 'Acme Band', 'Awards': Decimal('2'), 'SongTitle': 'Look Out'}",
	'boto3 gets an item');
like($out, qr/^\['ConditionalCheckFailed', 'None'\]$/m, 'reasons of a transaction that is cancelled');
like($out, qr/^INSERT .*'Encore'.*^INSERT .*'Live'/ms, 'records of the stream') or diag($out);

# SQL: what goes wrong is meant to
my @sections = ('Access keys', 'Getting started with SQL', 'Two forms of every operation', 'Storing', 'Reading', 'Querying',
	'Scanning', 'Secondary indexes', 'Updating', 'Deleting', 'Batches', 'Transactions', 'PartiQL', 'Legacy parameters',
	'Streams', 'Subscriptions', 'Time to live', 'Tables and tags', 'Throughput', 'SQL access', 'Errors', 'Plain JSON', 'Security',
	'Policies');
my $text = '';

for my $section (@sections)
{
	my $block = joined('sql', $section);

	ok($block->{text} ne '', "$section: has SQL");
	$text .= "\\warn == $section\n\\echo == $section\n$block->{text}";
}
# "app" of the section about security is there
$text =~ s/^CREATE ROLE app;$//m;
$text =~ s{https://example\.com/hooks/}{$hooks};
my ($results, $messages) = run_block($server, { language => 'sql', text => $text }, 'SQL');

is(join("\n", grep { /ERROR|^== Transactions/ } split /\n/, $messages) =~ s/^psql:<stdin>:\d+: //mgr,
	"== Transactions\nERROR:  TransactionCanceledException: Transaction cancelled, please refer cancellation reasons "
	  . 'for specific reasons [None, ConditionalCheckFailed]', 'no errors but that of a condition that fails');
for my $expected (
	[ 'Batches', qr/"UnprocessedItems": \{\}/ ],
	[ 'Transactions', qr/"balance": \{"N": "70"\}.*"balance": \{"N": "50"\}/ ],
	[ 'PartiQL', qr/"Plays": 1/ ],
	[ 'Streams', qr/^INSERT\|.*"Fog"/m ],
	[ 'Subscriptions', qr/^songs\|function:public\.count_songs\(pg_catalog\.jsonb\)\|active\|/m ],
	[ 'Time to live', qr/^Sessions\|expires\|ENABLED\|0\|1\|0\|/m ],
	[ 'Throughput', qr/^\[.*"cyd".*"dan".*\]\nVotes\|2\|2\|.*^PKC\|ann\|1\|0$/ms ],
	[ 'Policies', qr/^dynamodb:GetItem\|allowed\|.*OwnScores.*^dynamodb:DeleteItem\|implicitDeny$/ms ])
{
	my ($section, $pattern) = @$expected;
	my ($result) = $results =~ /^== \Q$section\E\n(.*?)(?=^== |\z)/ms;

	like($result, $pattern, "$section: its result");
}
$node->poll_query_until('postgres', q{SELECT songs = 2 FROM plays WHERE artist = 'Acme Band'})
  or die 'the subscription counts nothing';

$node->stop;
done_testing();
