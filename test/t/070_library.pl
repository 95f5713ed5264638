# What the library shows to the server and to the dynamic linker, and that the
# files which carry the version agree.

use strict;
use warnings;
use version;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::RealBin/../..";

sub library_symbols
{
	my ($libdir) = run_command([ 'pg_config', '--pkglibdir' ]);
	my ($out, $err) = run_command([ 'nm', '-D', "$libdir/pg_dynamo.so" ]);

	is($err, '', 'symbols of the library can be read');
	return map { / ([A-Za-z]) (\S+)$/ ? [ $1, $2 ] : () } split /\n/, $out;
}

sub script_functions
{
	my ($script) = glob "$root/sql/pg_dynamo--*.sql";

	return slurp_file($script) =~ /'MODULE_PATHNAME', '(\w+)'/g;
}

my @symbols = library_symbols();
my %exported = map { $_->[1] => 1 } grep { $_->[0] =~ /[A-TV-Z]/ } @symbols;
my @undefined = map { $_->[1] } grep { $_->[0] eq 'U' } @symbols;
my %functions = map { $_ => 1 } script_functions();
my %allowed = map { $_ => 1 } qw(_PG_init _PG_output_plugin_init Pg_magic_func ddb_bulk_main ddb_http_worker_main
	ddb_index_build_main ddb_metrics_main ddb_streamdrain_main ddb_streamdrain_slot_main ddb_subscription_main ddb_ttl_sweep_main), %functions, map { "pg_finfo_$_" } keys %functions;

# Functions of jansson that the server does not have would be left undefined,
# those that it has would be taken from it.
is(join(' ', grep { /^(json_|jsonp_|jansson|hashtable_|strbuffer_|utf8_(check|encode|iterate)|jsonp|loop_check)/ } @undefined),
	'', 'no symbol of jansson is left to the dynamic linker');
is(join(' ', grep { !$allowed{$_} && !/^(_init|_fini|__gcov|mangle_path|__asan|__ubsan)/ } sort keys %exported),
	'', 'nothing is exported but what the server calls');
is(join(' ', grep { !$exported{$_} || !$exported{"pg_finfo_$_"} } sort keys %functions),
	'', 'every function of the script is in the library');
ok($exported{_PG_init} && $exported{Pg_magic_func}, 'so are the magic block and the start-up function');

# ---- versions ----

my ($control) = slurp_file("$root/pg_dynamo.control") =~ /^default_version\s*=\s*'([^']+)'/m;
my ($make) = slurp_file("$root/Makefile") =~ /^EXTVERSION\s*=\s*(\S+)/m;
my @scripts = map { /--([^\/]+)\.sql$/ ? $1 : () } glob "$root/sql/pg_dynamo--*.sql";
my ($newest) = sort { version->parse($b) <=> version->parse($a) } grep { !/--/ } @scripts;

is($make, $control, 'Makefile and control file have the same version');
is($newest, $control, 'and so has the newest script');
is(scalar(grep { slurp_file($_) !~ /^\\echo Use .*\\quit$/m } glob "$root/sql/pg_dynamo--*.sql"),
	0, 'scripts refuse to be run by psql');

# ---- the library at work ----

my $node = start_node('main');
is($node->safe_psql('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'pg_dynamo'"),
	$control, 'the version that is installed');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_dynamo'
	WHERE obj_description(p.oid, 'pg_proc') IS NULL}), '0', 'every function has a comment');

my $session = open_session($node);
my $pid = ask($session, 'SELECT pg_backend_pid()');
create_table($node, 'Things', 0);
for my $body ('', '{', '{"a":', '[', 'nul', '{"a": 1,}', '"\\ud800"', '{"TableName": "Things", "Item": {"pk": {"S": "a}}}',
	"\x01", '{"a": 1} x', '[' x 10000, '{"a":' x 10000, '1e999999999')
{
	my $text = $body =~ s/'/''/gr;

	like(ask($session, "SELECT dynamo.execute('PutItem', '$text'::text)"), qr/^ERROR: SerializationException/,
		'malformed JSON: ' . substr($body, 0, 20));
}
# U+0000 takes the way through jansson in both directions
my $item = '{"pk": {"S": "a\\u0000b"}, "m": {"M": {"\\u0000": {"L": [{"N": "1.0"}]}}}}';
is(ask($session, qq{SELECT dynamo.execute('PutItem', '{"TableName": "Things", "Item": $item, "ReturnValues": "ALL_OLD"}'::text)}),
	'{}', 'an item with U+0000 is stored');
like(ask($session, q{SELECT dynamo.execute('Scan', '{"TableName": "Things"}'::text)}),
	qr/"S":\s*"a\\u0000b"/, 'and read');
is(ask($session, "SELECT json_build_object('a', 1)"), '{"a" : 1}', 'the functions of the server are its own');
is(ask($session, 'SELECT pg_backend_pid()'), $pid, 'the session is still the same');
$session->quit;

# without preloading, the first function loads the library
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
is($node->safe_psql('postgres', q{SELECT dynamo.item_size('{"a": {"S": "b"}}')}), '2', 'the library loads on demand');
is($node->safe_psql('postgres', q{INSERT INTO dynamo_tables."Things" (item) VALUES ('{"pk": {"S": "x"}}') RETURNING pk}),
	'x', 'by a trigger too');

$node->stop;
done_testing();
