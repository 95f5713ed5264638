# pg_dynamo: builds with PGXS against PostgreSQL 15.
#
#   make                build           make serve      a private server, ready to use
#   make install        (as root)       make check      every test
#   make bench          measure against plain SQL     make bench-http   over HTTP, against others
#   make bench-backfill an index added to a million items under load
#   make bench-streams  the cost and the speed of streams
#   make durability     kill the server KILLS times under load, and compare
#   make lint | fuzz | coverage | ubsan
#
# WERROR=1 turns warnings into errors; PG_CONFIG chooses the server.

PG_CONFIG ?= pg_config

MODULE_big = pg_dynamo
EXTENSION = pg_dynamo
EXTVERSION = 1.0

OBJS = \
	src/access.o \
	src/access_keys.o \
	src/accesskey.o \
	src/accesssim.o \
	src/attrval.o \
	src/attrval_check.o \
	src/attrval_stored.o \
	src/autoscaling.o \
	src/autoscaling_admin.o \
	src/catalog.o \
	src/catalog_index.o \
	src/ddl.o \
	src/decode.o \
	src/decode_options.o \
	src/domain.o \
	src/error.o \
	src/execute.o \
	src/expr_bind.o \
	src/expr_cache.o \
	src/expr_check.o \
	src/expr_eval.o \
	src/expr_key.o \
	src/expr_lex.o \
	src/expr_parse.o \
	src/expr_path.o \
	src/expr_update.o \
	src/expr_words.o \
	src/funcarg.o \
	src/guc.o \
	src/http_auth.o \
	src/http_commit.o \
	src/http_connection.o \
	src/http_encoding.o \
	src/http_error.o \
	src/http_execute.o \
	src/http_listen.o \
	src/http_request.o \
	src/http_server.o \
	src/index_entry.o \
	src/index_write.o \
	src/indexbuild.o \
	src/indextable.o \
	src/indexverify.o \
	src/insights.o \
	src/insightsview.o \
	src/itemtable.o \
	src/jsondoc.o \
	src/keyadmin.o \
	src/keyenc.o \
	src/keylock.o \
	src/metrics.o \
	src/metrics_view.o \
	src/metricstore.o \
	src/number.o \
	src/op.o \
	src/op_access.o \
	src/op_access_partiql.o \
	src/op_arn.o \
	src/op_attempt.o \
	src/op_autoscaling.o \
	src/op_batch.o \
	src/op_bulk.o \
	src/op_bulk_file.o \
	src/op_bulk_line.o \
	src/op_bulk_row.o \
	src/op_bulk_worker.o \
	src/op_capacity.o \
	src/op_common.o \
	src/op_index.o \
	src/op_insights.o \
	src/op_item.o \
	src/op_legacy.o \
	src/op_partiql.o \
	src/op_partiql_bind.o \
	src/op_partiql_select.o \
	src/op_partiql_token.o \
	src/op_partiql_write.o \
	src/op_policy.o \
	src/op_query.o \
	src/op_read.o \
	src/op_read_key.o \
	src/op_stream.o \
	src/op_table.o \
	src/op_table_index.o \
	src/op_table_parts.o \
	src/op_table_schema.o \
	src/op_table_update.o \
	src/op_tag.o \
	src/op_transact.o \
	src/op_transact_capacity.o \
	src/op_ttl.o \
	src/op_write.o \
	src/opstat.o \
	src/partiql_lex.o \
	src/partiql_parse.o \
	src/partiql_words.o \
	src/pg_dynamo.o \
	src/plainjson.o \
	src/plancache.o \
	src/policy.o \
	src/policy_condition.o \
	src/policy_json.o \
	src/policy_match.o \
	src/policy_parse.o \
	src/policyadmin.o \
	src/policysim.o \
	src/policystore.o \
	src/request.o \
	src/scalingstore.o \
	src/scan.o \
	src/scan_index.o \
	src/session.o \
	src/shape.o \
	src/shapes.o \
	src/sigv4.o \
	src/sqlapi.o \
	src/stepworker.o \
	src/store.o \
	src/store_batch.o \
	src/streamdef.o \
	src/streamdrain.o \
	src/streamdrain_slot.o \
	src/streamdrain_spool.o \
	src/streamdrain_store.o \
	src/streamlog.o \
	src/streamrecord.o \
	src/streamseq.o \
	src/subscription.o \
	src/subscription_admin.o \
	src/subscription_delivery.o \
	src/subscription_filter.o \
	src/subscription_http.o \
	src/subscription_options.o \
	src/subscription_store.o \
	src/subscription_target.o \
	src/tableinfo.o \
	src/throttlingadmin.o \
	src/throughput.o \
	src/transacttoken.o \
	src/trigger.o \
	src/ttlindex.o \
	src/ttlsweep.o \
	src/wire.o \
	src/worker.o

# regress inputs have no "--" in their names; extension scripts do
REGRESS = $(sort $(foreach f,$(wildcard sql/*.sql),$(if $(findstring --,$f),,$(f:sql/%.sql=%))))
ISOLATION = $(sort $(patsubst test/specs/%.spec,%,$(wildcard test/specs/*.spec)))

SERVER_OPTS = --temp-config=test/regress.conf --load-extension=pg_dynamo --no-locale --encoding=UTF8
REGRESS_OPTS = --temp-instance=tmp_check $(SERVER_OPTS)
ISOLATION_OPTS = --inputdir=test --temp-instance=tmp_check_iso $(SERVER_OPTS)
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

# Goals that bring their own set-up: they must work before PostgreSQL is
# installed, and PGXS has a "check" of its own.
DRIVERS = bench bench-backfill bench-http bench-streams check coverage durability fuzz lint serve ubsan

ifneq (,$(filter $(DRIVERS),$(MAKECMDGOALS)))

.PHONY: $(MAKECMDGOALS)

# of "make serve"; PGXS gives DATA another meaning
PORT ?= 8000
AUTH ?= sigv4
TLS_CERT ?=
TLS_KEY ?=
PGPORT ?= 54329
DATA ?= .serve

export PG_CONFIG WERROR EXTVERSION OBJS REGRESS REGRESS_OPTS ISOLATION ISOLATION_OPTS

serve:
	@env --default-signal=INT PORT='$(PORT)' AUTH='$(AUTH)' TLS_CERT='$(TLS_CERT)' \
		TLS_KEY='$(TLS_KEY)' PGPORT='$(PGPORT)' DATA='$(DATA)' test/serve

check:
	@test/check 2>&1

coverage ubsan:
	@VARIANT=$@ test/check 2>&1

bench:
	@test/bench/run

bench-backfill:
	@test/bench/backfill

bench-http:
	@test/bench/http

bench-streams:
	@test/bench/streams

durability:
	@test/durability/run

lint:
	@test/lint

fuzz:
	@$(MAKE) --no-print-directory -C test/fuzz run

# the other goals of a mixed command line
$(filter-out $(DRIVERS),$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

# One sentence for what is missing, instead of a page of errors.
INCLUDEDIR_SERVER := $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)
PG_MAJOR := $(or $(shell $(PG_CONFIG) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p'),15)

ifeq (,$(wildcard $(INCLUDEDIR_SERVER)/postgres.h))
$(error PostgreSQL's server headers were not found through PG_CONFIG=$(PG_CONFIG): install the Debian package postgresql-server-dev-$(PG_MAJOR), or set PG_CONFIG)
endif

DATA = $(sort $(wildcard sql/pg_dynamo--*.sql))
WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wmissing-prototypes \
	-Wdeclaration-after-statement -Wpointer-arith -Wvla

PG_CPPFLAGS = -Isrc
PG_CFLAGS = -fvisibility=hidden $(if $(filter 1 yes,$(WERROR)),$(WARNINGS) -Werror)

# The server exports functions of the same names as jansson's: keep ours.
SHLIB_LINK = -lmicrohttpd -lcurl -lcrypto -lz -Wl,--wrap=stdin -l:libjansson.a -Wl,-Bsymbolic -Wl,--exclude-libs,ALL

ifeq ($(VARIANT),coverage)
PG_CFLAGS += --coverage -O0 -fprofile-update=atomic
SHLIB_LINK += --coverage
else ifeq ($(VARIANT),ubsan)
PG_CFLAGS += -fsanitize=undefined -fno-sanitize-recover=undefined -DUSE_ASSERT_CHECKING
SHLIB_LINK += -fsanitize=undefined
endif

EXTRA_CLEAN = build $(wildcard src/*.gcno src/*.gcda) src/*.bc

# no bitcode: it needs clang and gains nothing here
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifeq (,$(filter clean distclean maintainer-clean uninstall,$(MAKECMDGOALS)))
ifeq (,$(findstring /,$(shell $(CC) -print-file-name=libjansson.a)))
$(error the JSON library jansson was not found: install the Debian package libjansson-dev)
endif
ifneq (0,$(shell echo '\#include <jansson.h>' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1; echo $$?))
$(error jansson's header was not found: install the Debian package libjansson-dev)
endif
ifneq (0,$(shell echo '\#include <openssl/evp.h>' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1; echo $$?))
$(error OpenSSL's header was not found: install the Debian package libssl-dev)
endif
ifneq (0,$(shell echo '\#include <microhttpd.h>' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1; echo $$?))
$(error the HTTP library's header was not found: install the Debian package libmicrohttpd-dev)
endif
ifneq (0,$(shell echo '\#include <curl/curl.h>' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1; echo $$?))
$(error the header of libcurl was not found: install the Debian package libcurl4-openssl-dev)
endif
ifneq (0,$(shell echo '\#include <zlib.h>' | $(CC) $(CPPFLAGS) -E -x c - >/dev/null 2>&1; echo $$?))
$(error zlib's header was not found: install the Debian package zlib1g-dev)
endif
endif

# Every object depends on every header, and on the flags it was built with.
$(OBJS): $(wildcard src/*.h) build/flags

build/flags: FORCE
	@mkdir -p build
	@echo '$(VERSION) $(CC) $(CPPFLAGS) $(CFLAGS) $(SHLIB_LINK)' | cmp -s - $@ || \
		echo '$(VERSION) $(CC) $(CPPFLAGS) $(CFLAGS) $(SHLIB_LINK)' > $@

.PHONY: FORCE

endif
