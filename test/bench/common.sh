# common.sh
#	What the benchmarks share: the items and requests, a private server, and
#	sessions on it.
#
# Sourced after lib.sh.  The script sets work (made by make_work_dir), data (the
# server's data directory, below work) and port before it calls these.

items=${ITEMS:-100000}
partitions=$((items / 100))

key='{"pk":{"S":"part-%1$s"},"sk":{"S":"item-%2$s"}}'
item=$(cat test/bench/item.json)
condition='"ConditionExpression":"attribute_exists(pk) AND rating < :max"'
of_partition='"KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"part-%1$s"}}'
variables=(
	"partitions=$partitions"
	"key=$key"
	"item=$item"
	"get={\"TableName\":\"bench\",\"Key\":$key}"
	'partiql={"Statement":"SELECT * FROM bench WHERE pk = ? AND sk = ?","Parameters":[{"S":"part-%1$s"},{"S":"item-%2$s"}]}'
	"put={\"TableName\":\"bench\",\"Item\":$item}"
	"put_if={\"TableName\":\"bench\",\"Item\":$item,$condition,\"ExpressionAttributeValues\":{\":max\":{\"N\":\"11\"}}}"
	"update={\"TableName\":\"bench\",\"Key\":$key,\"UpdateExpression\":\"SET rating = :r ADD votes :one\",$condition,\"ExpressionAttributeValues\":{\":r\":{\"N\":\"%3\$s\"},\":one\":{\"N\":\"1\"},\":max\":{\"N\":\"11\"}}}"
	"query={\"TableName\":\"bench\",$of_partition}"
	"scan={\"TableName\":\"bench\",\"FilterExpression\":\"shelf = :b\",\"ExpressionAttributeValues\":{\":b\":{\"N\":\"7\"}}}"
	"filter=shelf = :b"
	'values={":b": 7}'
	'batch_get={"RequestItems":{"bench":{"Keys":[%s]}}}'
	'batch_write={"RequestItems":{"bench":[%s]}}'
	"batch_put={\"PutRequest\":{\"Item\":$item}}"
	'transact={"TransactItems":[%s,%s,%s,%s]}'
	"transact_put={\"Put\":{\"TableName\":\"bench\",\"Item\":$item}}"
	"put_plain={\"TableName\":\"bench_plain\",\"Item\":$item}"
	"put_indexed={\"TableName\":\"bench_indexed\",\"Item\":$item}"
	"query_plain={\"TableName\":\"bench_plain\",$of_partition}"
	"query_indexed={\"TableName\":\"bench_indexed\",\"IndexName\":\"in_order\",$of_partition}"
)

# The scripts, where run_user can read them.
copy_scripts()
{
	cp -R test/bench "$work/bench"
	[ "$(id -u)" != 0 ] || chown -R "$run_user" "$work/bench"
}

# A new server with the extension; further settings come from stdin.
start_server()
{
	as_user "$bindir/initdb" -D "$data" -U postgres --auth=trust \
		--encoding=UTF8 --no-locale >"$work/initdb.log" 2>&1 ||
		{ cat "$work/initdb.log"; die "initdb failed"; }
	{
		cat <<-END
			port = $port
			listen_addresses = ''
			unix_socket_directories = '$work'
			shared_preload_libraries = 'pg_dynamo'
			wal_level = logical
			$(output_plugin_conf)
			shared_buffers = 512MB
			max_wal_size = 16GB
			checkpoint_timeout = 1h
			autovacuum = off
			jit = off
			max_parallel_workers_per_gather = 0
		END
		cat
	} | as_user sh -c 'cat >>"$1"' sh "$data/postgresql.conf"
	as_user "$bindir/pg_ctl" start -w -s -D "$data" -l "$data.log" ||
		{ cat "$data.log"; die "the server did not start"; }
	sql "CREATE EXTENSION pg_dynamo" || die "no extension"
}

stop_server()
{
	if [ -e "$1/postmaster.pid" ]; then
		as_user "$bindir/pg_ctl" stop -s -m immediate -D "$1" >/dev/null 2>&1
	fi
}

# our variables, as options of psql or pgbench
options()
{
	local v

	args=()
	for v in "${variables[@]}"; do
		args+=("$1" "$v")
	done
}

# host and threads: a caller may choose TCP, and fewer threads of pgbench
client() { as_user "$bindir/$1" -h "${host:-$work}" -p "$port" -U postgres "${@:2}" postgres; }

sql() { client psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }

script()
{
	options -v
	client psql -X -q -A -t -v ON_ERROR_STOP=1 "${args[@]}" -f "$work/bench/$1"
}

# Transactions per second of one script: measure NAME CLIENTS SECONDS
measure()
{
	local threads=${threads:-2}

	[ "$2" = 1 ] && threads=1
	options -D
	client pgbench -n -M prepared -c "$2" -j $threads -T "$3" \
		"${args[@]}" -f "$work/bench/$1.sql" >"$work/pgbench.log" 2>&1 ||
		return 1
	sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.log"
}

median() { sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
