# The library in the server: its symbols, and data across a crash and a restart.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub library_path
{
	my ($out) = run_command([ 'pg_config', '--pkglibdir' ]);
	return "$out/pg_dynamo.so";
}

# jansson shares names with the server: none of its symbols may be visible,
# and none may be left for the dynamic linker to find.
sub check_symbols
{
	my ($symbols, $stderr) = run_command([ 'nm', '-D', library_path() ]);
	my %type = map { / ([A-Za-z]) (\S+)$/ ? ($2 => $1) : () } split /\n/, $symbols;
	my @json = grep { /^(json_|jansson|hashtable_|strbuffer_|jsonp_)/ && $type{$_} ne 'U' }
	  sort keys %type;
	my @linked = grep { $type{$_} eq 'U' && /^(json_(object_set|array_append|loadb|dumpb|decref|delete)|jansson)/ }
	  sort keys %type;

	is($stderr, '', 'symbols of the library can be read');
	is("@json", '', 'no symbol of jansson is exported');
	is("@linked", '', 'no symbol of jansson is left to the dynamic linker');
	ok($type{Pg_magic_func}, 'the module magic is exported');
	ok($type{_PG_init}, 'the start-up function is exported');
}

my $node = start_node('main');
my $key = { pk => { S => 'a' }, sk => { S => 'b' } };
my $item = { %$key, n => { N => '12.50' } };
my $stored = { %$key, n => { N => '12.5' } };

check_symbols();

create_table($node, 'Things');
call($node, 'PutItem', { TableName => 'Things', Item => $item });
$node->stop('immediate');
$node->start;
is_deeply(call($node, 'GetItem', { TableName => 'Things', Key => $key }),
	{ Item => $stored }, 'an item survives a crash');

$node->restart;
is_deeply(call($node, 'GetItem', { TableName => 'Things', Key => $key }),
	{ Item => $stored }, 'and a restart');

like(call_error($node, 'GetItem', { TableName => 'Nothing', Key => $key }),
	qr/^ResourceNotFoundException: /, 'an API error has its exception name');

$node->stop;
done_testing();
