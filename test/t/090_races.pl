# Many clients on few items, in every mixture: what each was told must add up.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', conf => "log_statement = none\nsynchronous_commit = off");

# Where a client is told something it writes that down in its own transaction.
my %scripts = (
	# adds to an item that always exists
	add => q{
		SELECT dynamo.update_item('Hot', '{"id": "a"}', 'ADD n :one', '{":one": 1}', NULL, 'attribute_exists(id)');
	},
	# replaces it by itself, so that nobody may see it absent
	replace => q{
		DO $$
		DECLARE
			item jsonb := dynamo.delete_item('Hot', '{"id": "a"}', 'attribute_exists(id)');
		BEGIN
			PERFORM dynamo.put_item('Hot', item, 'attribute_not_exists(id)');
		END $$;
	},
	# overwrites it under the condition that it is as it was read
	swap => q{
		DO $$
		DECLARE
			item jsonb := dynamo.get_item('Hot', '{"id": "a"}');
		BEGIN
			PERFORM dynamo.put_item('Hot', jsonb_set(item, '{n}', to_jsonb((item -> 'n')::int + 1)), 'n = :n',
				jsonb_build_object(':n', item -> 'n'));
			INSERT INTO told VALUES ('a', 1);
		EXCEPTION WHEN OTHERS THEN
			IF SQLERRM NOT LIKE 'ConditionalCheckFailedException: %' THEN RAISE; END IF;
		END $$;
	},
	# an item that may be there or not is created
	create => q{
		\set k random(1, 20)
		SELECT set_config('race.k', :k::text, false);
		DO $$
		DECLARE
			key text := current_setting('race.k');
		BEGIN
			PERFORM dynamo.put_item('Hot', jsonb_build_object('id', key), 'attribute_not_exists(id)');
			INSERT INTO told VALUES (key, 1);
		EXCEPTION WHEN OTHERS THEN
			IF SQLERRM NOT LIKE 'ConditionalCheckFailedException: %' THEN RAISE; END IF;
		END $$;
	},
	# and deleted
	delete => q{
		\set k random(1, 20)
		WITH gone AS (SELECT dynamo.delete_item('Hot', jsonb_build_object('id', :k::text)) AS item)
		INSERT INTO told SELECT :k::text, -1 FROM gone WHERE item IS NOT NULL;
	},
	# counters that come into being by the first addition
	count => q{
		\set k random(1, 5)
		SELECT dynamo.update_item('Hot', jsonb_build_object('id', 'count' || :k), 'ADD n :one', '{":one": 1}');
	},
	# readers: no page shows an item twice, and the replaced item is always there
	read => q{
		DO $$
		DECLARE
			items jsonb := dynamo.scan('{"TableName": "Hot"}'::jsonb) -> 'Items';
		BEGIN
			IF (SELECT count(*) <> count(DISTINCT i -> 'id') OR count(*) FILTER (WHERE i -> 'id' ->> 'S' = 'a') <> 1
				FROM jsonb_array_elements(items) i)
			THEN
				RAISE EXCEPTION 'a scan shows %', items;
			END IF;
		END $$;
	});

sub run_mix
{
	my ($table_partitions, $clients, $transactions) = @_;
	my $name = $table_partitions ? 'partitions' : 'one table';
	my @files;

	$node->safe_psql('postgres', qq{
		DROP TABLE IF EXISTS told, dynamo_tables."Hot";
		SET dynamo.table_partitions = $table_partitions;
		SELECT dynamo.create_table('Hot', 'id S');
		SELECT dynamo.put_item('Hot', '{"id": "a", "n": 0}');
		CREATE TABLE told (key text, change int)});
	for my $script (sort keys %scripts)
	{
		my $file = "${PostgreSQL::Test::Utils::tmp_check}/race_$script.sql";

		unlink $file;
		append_to_file($file, $scripts{$script});
		push @files, '-f', "$file\@" . ($script eq 'read' ? 1 : 3);
	}
	command_ok([ 'pgbench', '-n', '-c', $clients, '-j', 2, '-t', $transactions, @files,
			'-h', $node->host, '-p', $node->port, 'postgres' ],
		"$name: no client was told what cannot be");

	my $n = $node->safe_psql('postgres', q{SELECT dynamo.get_item('Hot', '{"id": "a"}') -> 'n'});
	my $swaps = $node->safe_psql('postgres', q{SELECT sum(change) FROM told WHERE key = 'a'});

	cmp_ok($n, '>', $swaps, "$name: additions count beside swaps");
	is($node->safe_psql('postgres', q{
		SELECT string_agg(key || ':' || told, ' ') FROM (SELECT key, sum(change) told FROM told WHERE key <> 'a' GROUP BY key) t
		WHERE told <> (SELECT count(*) FROM dynamo_tables."Hot" WHERE pk = key)}),
		'', "$name: creations and deletions add up");
	return;
}

run_mix(0, 6, 1000);
run_mix(3, 6, 500);

# exact numbers, where every client does the same
for my $script ('add', 'count')
{
	my $before = $node->safe_psql('postgres', q{SELECT sum((item -> 'n' ->> 'N')::int) FROM dynamo_tables."Hot"});

	command_ok([ 'pgbench', '-n', '-c', 6, '-j', 2, '-t', 300, '-f', "${PostgreSQL::Test::Utils::tmp_check}/race_$script.sql",
			'-h', $node->host, '-p', $node->port, 'postgres' ], "$script: clients");
	is($node->safe_psql('postgres', q{SELECT sum((item -> 'n' ->> 'N')::int) FROM dynamo_tables."Hot"}),
		$before + 1800, "$script: none is lost");
}

# additions beside replacements
my $before = $node->safe_psql('postgres', q{SELECT dynamo.get_item('Hot', '{"id": "a"}') -> 'n'});
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $rounds = 400;
unlink "$dir/race_both.sql";
append_to_file("$dir/race_both.sql", $scripts{add} . $scripts{replace});
command_ok([ 'pgbench', '-n', '-c', 6, '-j', 2, '-t', $rounds, '-f', "$dir/race_both.sql",
		'-h', $node->host, '-p', $node->port, 'postgres' ], 'additions and replacements');
is($node->safe_psql('postgres', q{SELECT dynamo.get_item('Hot', '{"id": "a"}') -> 'n'}),
	$before + 6 * $rounds, 'no addition is lost in a replacement');

$node->stop;
done_testing();
