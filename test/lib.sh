# lib.sh
#	What serve, check and bench/run share: missing packages, the ordinary user
#	that runs the servers (PostgreSQL refuses root), build and install.
#
# Sourced by bash scripts, after which the working directory is the checkout.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$checkout" || exit 1

PG_CONFIG=${PG_CONFIG:-pg_config}

# What the caller's environment says about other servers or an outer make
# must not reach ours.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
unset PGHOST PGHOSTADDR PGUSER PGPASSWORD PGPASSFILE PGDATABASE PGDATA \
	PGOPTIONS PGSERVICE PGSERVICEFILE PGSSLMODE PGAPPNAME PGCLIENTENCODING \
	PGTZ PGDATESTYLE

# stdin may be closed
exec 0</dev/null

say() { printf '%s\n' "$*"; }

# Scripts that owe the reader a last line redefine this.
die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "this step needs root, and there is no sudo: $*"
	fi
}

has_header()
{
	have gcc && echo "#include <$1>" | gcc -E - >/dev/null 2>&1
}

# Names of the Debian packages without which we cannot go on; "more" are
# pairs package:test-command.
missing_packages()
{
	local bindir=/usr/lib/postgresql/15/bin pair

	have gcc || echo gcc
	have make || echo make
	[ -e /usr/include/stdio.h ] || echo libc6-dev
	if [ ! -e /usr/include/jansson.h ] || ! have gcc ||
		[ ! -e "$(gcc -print-file-name=libjansson.a)" ]; then
		echo libjansson-dev
	fi
	has_header openssl/evp.h || echo libssl-dev
	has_header microhttpd.h || echo libmicrohttpd-dev
	has_header curl/curl.h || echo libcurl4-openssl-dev
	has_header zlib.h || echo zlib1g-dev

	# a server chosen by the caller is the caller's to complete
	if [ "$PG_CONFIG" = pg_config ]; then
		if have pg_config; then
			bindir=$(pg_config --bindir)
		fi
		if ! have pg_config ||
			[ ! -e "$(pg_config --includedir-server)/postgres.h" ]; then
			echo postgresql-server-dev-15
		fi
		[ -x "$bindir/initdb" ] || echo postgresql-15
	fi

	for pair; do
		bash -c "${pair#*:}" >/dev/null 2>&1 || echo "${pair%%:*}"
	done
}

# Install what is missing.  Debian's server package would also create and
# start a cluster on port 5432, which nobody asked for here.
need_packages()
{
	local missing policy=/etc/postgresql-common/createcluster.d/pg_dynamo.conf log

	missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
	if [ -n "$missing" ]; then
		have apt-get ||
			die "missing, under their Debian names: $missing"
		say "installing packages: $missing"
		log=$(mktemp)
		case " $missing" in
			*" postgresql-15 "*)
				as_root mkdir -p "${policy%/*}"
				echo "create_main_cluster = false" | as_root tee "$policy" >/dev/null
				;;
		esac
		as_root apt-get -qq update >"$log" 2>&1
		# word splitting intended
		# shellcheck disable=SC2086
		if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
			--no-install-recommends install $missing >>"$log" 2>&1; then
			as_root rm -f "$policy"
			tail -n 20 "$log" >&2
			rm -f "$log"
			die "could not install: $missing"
		fi
		as_root rm -f "$policy"
		rm -f "$log"
		hash -r
	fi

	bindir=$("$PG_CONFIG" --bindir 2>/dev/null) ||
		die "PG_CONFIG=$PG_CONFIG does not run"
	[ -x "$bindir/initdb" ] ||
		die "there is no server beside PG_CONFIG=$PG_CONFIG: initdb is missing in $bindir"
	pgxs=$(dirname "$("$PG_CONFIG" --pgxs)")/../..
}

# Sets run_user: ourselves unless root; else who called sudo, the checkout's
# owner, postgres, or a system user made for this.
choose_user()
{
	local uid name

	if [ "$(id -u)" != 0 ]; then
		run_user=$(id -un)
		return
	fi
	for uid in "${SUDO_UID:-0}" "$(stat -c %u "$checkout")"; do
		if [ "$uid" != 0 ] && name=$(id -un -- "$uid" 2>/dev/null); then
			run_user=$name
			return
		fi
	done
	run_user=postgres
	if ! id "$run_user" >/dev/null 2>&1; then
		run_user=pg_dynamo
		id "$run_user" >/dev/null 2>&1 ||
			useradd --system --shell /usr/sbin/nologin "$run_user" ||
			die "could not create the user $run_user to run the server"
	fi
}

# Run a command as run_user.
as_user()
{
	if [ "$(id -u)" = 0 ]; then
		runuser -u "$run_user" -- "$@"
	else
		"$@"
	fi
}

# A new directory of run_user's that it can reach, mode 0700.
make_work_dir()
{
	local base=${TMPDIR:-/tmp}

	as_user test -x "$base" || base=/tmp
	work=$(mktemp -d "$base/pg_dynamo.XXXXXX") || die "no temporary directory"
	if [ "$(id -u)" = 0 ]; then
		chown "$run_user" "$work"
	fi
}

# The part of the checkout that is source, for run_user to write beside.
make_copy()
{
	copy=$work/checkout
	mkdir "$copy" &&
		tar -cf - --exclude='*.o' --exclude='*.so' --exclude='*.gcno' \
			--exclude='*.gcda' --exclude='test/results' \
			Makefile README.md pg_dynamo.control src sql expected test |
		tar -xf - -C "$copy" --no-same-owner || die "could not copy the checkout"
	if [ "$(id -u)" = 0 ]; then
		chown -R "$run_user" "$copy"
	fi
}

# May we write into the checkout?  Otherwise the copy is built.
can_build_here() { [ -w "$checkout" ] && [ -w "$checkout/src" ]; }

# Sets build, the directory to build in.
choose_build()
{
	build=$checkout
	if ! can_build_here; then
		make_copy
		build=$copy
	fi
}

run_make()
{
	make --no-print-directory -s -j"$(nproc)" PG_CONFIG="$PG_CONFIG" \
		${WERROR:+WERROR="$WERROR"} ${VARIANT:+VARIANT="$VARIANT"} "$@"
}

# Newer minor releases use an output plugin only if a setting lists its library;
# older ones would not start with that line.
output_plugin_conf()
{
	if "$bindir/postgres" --describe-config 2>/dev/null |
		grep '^output_plugin_libraries' >/dev/null; then
		echo "output_plugin_libraries = 'pgoutput, test_decoding, pg_dynamo'"
	fi
}

# Build in directory $1 and install.  Objects made as root in somebody's
# checkout are given to its owner, whose next "make" must be able to replace
# them.
build_and_install()
{
	local dir

	run_make -C "$1" all || return 1
	if [ "$(id -u)" = 0 ]; then
		find "$1/build" "$1/src" "$1/pg_dynamo.so" -user 0 \
			-exec chown --reference="$1" {} + 2>/dev/null
	fi
	for dir in --pkglibdir --sharedir; do
		dir=$("$PG_CONFIG" "$dir")
		if [ -d "$dir/extension" ]; then
			dir=$dir/extension
		fi
		if [ ! -w "$dir" ]; then
			as_root make --no-print-directory -s -C "$1" PG_CONFIG="$PG_CONFIG" \
				${WERROR:+WERROR="$WERROR"} ${VARIANT:+VARIANT="$VARIANT"} \
				install >/dev/null
			return
		fi
	done
	run_make -C "$1" install >/dev/null
}
