/*
 * metricstore.c
 *	  Metrics of tables and global indexes, stored by period.
 *
 * A period of a relation is a row of dynamo.metric, and one of
 * dynamo.metric_operation for each operation that was asked for.  What comes
 * later in the same period is added: a worker that restarts goes on in the
 * period in which it stopped.
 *
 * Statements take arrays, so that a look at hundreds of meters is a few
 * statements.  Everything runs as the extension's owner.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "catalog_rows.h"
#include "metricstore.h"

/* queries of this file, see plancache.h */
enum
{
	QUERY_RELATIONS = DDB_QUERY_CATALOG + 900,
	QUERY_STORE,
	QUERY_STORE_OPERATIONS,
	QUERY_DELETE_BEFORE,
	QUERY_DELETE_OPERATIONS_BEFORE,
	QUERY_DELETE_DROPPED,
	QUERY_DELETE_OPERATIONS_DROPPED
};

#define FIRST_QUERY	QUERY_RELATIONS

#define DELETE_BEFORE(table) \
	"DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT m.ctid FROM " table " m" \
	" WHERE m.period_start < $1 ORDER BY m.period_start LIMIT $2))"

/* the relations that have rows, each found by the index; then those that are gone */
#define DELETE_DROPPED(table) \
	"WITH RECURSIVE stored AS (" \
	"(SELECT relid::oid AS relid FROM " table " ORDER BY relid LIMIT 1) UNION ALL" \
	" SELECT (SELECT m.relid::oid FROM " table " m WHERE m.relid > s.relid ORDER BY m.relid LIMIT 1)" \
	" FROM stored s WHERE s.relid IS NOT NULL)" \
	" DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT m.ctid FROM stored s" \
	" JOIN " table " m ON m.relid = s.relid" \
	" WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = s.relid) LIMIT $1))"

static const DdbFixedQuery queries[] = {
	[QUERY_RELATIONS - FIRST_QUERY] = {
		"SELECT d.relid::oid, d.table_name, NULL, d.settings -> 'OnDemand' = 'true', d.settings"
		" FROM dynamo.table_definition d WHERE d.relid = ANY ($1)"
		" UNION ALL"
		" SELECT i.index_relid::oid, d.table_name, i.index_name, d.settings -> 'OnDemand' = 'true', i.settings"
		" FROM dynamo.index_definition i JOIN dynamo.table_definition d ON d.relid = i.relid"
		" WHERE i.index_relid = ANY ($1) AND i.is_global",
		1, {OIDARRAYOID}
	},
	[QUERY_STORE - FIRST_QUERY] = {
		"INSERT INTO dynamo.metric AS m (period_start, period, relid, consumed_read, consumed_write,"
		" provisioned_read, provisioned_write, read_throttle_events, write_throttle_events,"
		" conditional_failures, transaction_conflicts)"
		" SELECT $1, $2, u.relid, u.r, u.w, nullif(u.pr, -1), nullif(u.pw, -1), u.tr, u.tw, u.c, u.t"
		" FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) u (relid, r, w, pr, pw, tr, tw, c, t)"
		" ON CONFLICT (relid, period_start) DO UPDATE SET period = EXCLUDED.period,"
		" consumed_read = m.consumed_read + EXCLUDED.consumed_read,"
		" consumed_write = m.consumed_write + EXCLUDED.consumed_write,"
		" provisioned_read = EXCLUDED.provisioned_read,"
		" provisioned_write = EXCLUDED.provisioned_write,"
		" read_throttle_events = m.read_throttle_events + EXCLUDED.read_throttle_events,"
		" write_throttle_events = m.write_throttle_events + EXCLUDED.write_throttle_events,"
		" conditional_failures = m.conditional_failures + EXCLUDED.conditional_failures,"
		" transaction_conflicts = m.transaction_conflicts + EXCLUDED.transaction_conflicts",
		11, {TIMESTAMPTZOID, INT4OID, OIDARRAYOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}
	},
	[QUERY_STORE_OPERATIONS - FIRST_QUERY] = {
		"INSERT INTO dynamo.metric_operation AS m (period_start, period, relid, operation, requests,"
		" latency_sum, latency_max, returned, throttled, failed)"
		" SELECT $1, $2, u.relid, u.operation, u.requests, u.sum, u.max, u.returned, u.throttled, u.failed"
		" FROM unnest($3, $4, $5, $6, $7, $8, $9, $10)"
		" u (relid, operation, requests, sum, max, returned, throttled, failed)"
		" ON CONFLICT (relid, period_start, operation) DO UPDATE SET period = EXCLUDED.period,"
		" requests = m.requests + EXCLUDED.requests,"
		" latency_sum = m.latency_sum + EXCLUDED.latency_sum,"
		" latency_max = greatest(m.latency_max, EXCLUDED.latency_max),"
		" returned = m.returned + EXCLUDED.returned,"
		" throttled = m.throttled + EXCLUDED.throttled,"
		" failed = m.failed + EXCLUDED.failed",
		10, {TIMESTAMPTZOID, INT4OID, OIDARRAYOID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID, INT8ARRAYOID}
	},
	[QUERY_DELETE_BEFORE - FIRST_QUERY] = {
		DELETE_BEFORE("dynamo.metric"), 2, {TIMESTAMPTZOID, INT4OID}
	},
	[QUERY_DELETE_OPERATIONS_BEFORE - FIRST_QUERY] = {
		DELETE_BEFORE("dynamo.metric_operation"), 2, {TIMESTAMPTZOID, INT4OID}
	},
	[QUERY_DELETE_DROPPED - FIRST_QUERY] = {
		DELETE_DROPPED("dynamo.metric"), 1, {INT4OID}
	},
	[QUERY_DELETE_OPERATIONS_DROPPED - FIRST_QUERY] = {
		DELETE_DROPPED("dynamo.metric_operation"), 1, {INT4OID}
	}
};

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &queries[query - FIRST_QUERY]);
}

bool
ddb_metricstore_available(void)
{
	return OidIsValid(ddb_catalog_relation("metric")) &&
		OidIsValid(ddb_catalog_relation("metric_operation"));
}

/* ----------------------------------------------------------------
 * Meters and their relations
 * ----------------------------------------------------------------
 */

void
ddb_metricstore_read(DdbMeter *meter, DdbCounters *counters)
{
	int			i;

	for (i = 0; i < DDB_UNIT_KINDS; i++)
	{
		counters->consumed[i] = pg_atomic_read_u64(&meter->consumed[i]);
		counters->throttle_events[i] = pg_atomic_read_u64(&meter->throttle_events[i]);
	}
	counters->conditional_failures = pg_atomic_read_u64(&meter->conditional_failures);
	counters->transaction_conflicts = pg_atomic_read_u64(&meter->transaction_conflicts);
	for (i = 0; i < DDB_METERED_OPS; i++)
	{
		DdbOpCounters *op = &counters->op[i];

		op->requests = pg_atomic_read_u64(&meter->op[i].requests);
		op->microseconds = pg_atomic_read_u64(&meter->op[i].microseconds);
		op->slowest = 0;
		op->returned = pg_atomic_read_u64(&meter->op[i].returned);
		op->throttled = pg_atomic_read_u64(&meter->op[i].throttled);
		op->failed = pg_atomic_read_u64(&meter->op[i].failed);
	}
}

typedef struct MeteredList
{
	DdbMetered *relations;
	int			count;
} MeteredList;

static void
take_relation(Datum *values, bool *nulls, void *arg)
{
	MeteredList *list = arg;
	DdbMetered *metered = &list->relations[list->count++];
	bool		on_demand = !nulls[3] && DatumGetBool(values[3]);
	DdbCapacity capacity = {0};

	ddb_catalog_read_capacity(DatumGetJsonbP(values[4]), on_demand, &capacity);
	metered->relid = DatumGetObjectId(values[0]);
	metered->table_name = TextDatumGetCString(values[1]);
	metered->index_name = nulls[2] ? NULL : TextDatumGetCString(values[2]);
	metered->provisioned[DDB_UNITS_READ] = on_demand ? -1 : capacity.read;
	metered->provisioned[DDB_UNITS_WRITE] = on_demand ? -1 : capacity.write;
}

static Datum
array_datum(Datum *elements, int count, Oid type)
{
	bool		by_value = type != TEXTOID;
	int			length = by_value ? (type == OIDOID ? sizeof(Oid) : sizeof(int64)) : -1;
	char		align = by_value && type != OIDOID ? TYPALIGN_DOUBLE : TYPALIGN_INT;

	return PointerGetDatum(construct_array(elements, count, type, length, by_value, align));
}

DdbMetered *
ddb_metricstore_relations(const Oid *relids, int nrelids, int *count)
{
	MeteredList list = {palloc(sizeof(DdbMetered) * Max(nrelids, 1)), 0};
	Datum	   *elements = palloc(sizeof(Datum) * Max(nrelids, 1));
	Datum		values[1];
	int			i;

	for (i = 0; i < nrelids; i++)
		elements[i] = ObjectIdGetDatum(relids[i]);
	values[0] = array_datum(elements, nrelids, OIDOID);
	if (nrelids > 0)
		(void) ddb_catalog_run(QUERY_RELATIONS, build_query, values, NULL, take_relation, &list);
	*count = list.count;
	return list.relations;
}

/* ----------------------------------------------------------------
 * Storing
 * ----------------------------------------------------------------
 */

/* the columns of rows to be stored, each an array */
typedef struct Columns
{
	int			ncolumns;
	int			nrows;
	Datum	   *elements[DDB_QUERY_MAX_ARGS];
	Oid			types[DDB_QUERY_MAX_ARGS];
} Columns;

/* begin with the parameters from first on, which are arrays, with space for rows */
static void
begin_columns(Columns *columns, int query, int first, int space)
{
	const Oid  *types = queries[query - FIRST_QUERY].argtypes;
	int			i;

	columns->ncolumns = queries[query - FIRST_QUERY].nargs - first;
	columns->nrows = 0;
	for (i = 0; i < columns->ncolumns; i++)
	{
		Oid			type = types[first + i];

		columns->elements[i] = palloc(sizeof(Datum) * space);
		columns->types[i] = type == OIDARRAYOID ? OIDOID : type == TEXTARRAYOID ? TEXTOID :
			type == FLOAT8ARRAYOID ? FLOAT8OID : INT8OID;
	}
}

static void
add_row(Columns *columns, const Datum *row)
{
	int			i;

	for (i = 0; i < columns->ncolumns; i++)
		columns->elements[i][columns->nrows] = row[i];
	columns->nrows++;
}

static void
write_columns(const Columns *columns, int query, TimestampTz start, int seconds)
{
	Datum		values[DDB_QUERY_MAX_ARGS];
	int			i;

	if (columns->nrows == 0)
		return;
	values[0] = TimestampTzGetDatum(start);
	values[1] = Int32GetDatum(seconds);
	for (i = 0; i < columns->ncolumns; i++)
		values[2 + i] = array_datum(columns->elements[i], columns->nrows, columns->types[i]);
	ddb_catalog_write(query, build_query, values, NULL);
}

static void
add_relation(Columns *columns, const DdbDataPoint *point)
{
	const DdbCounters *counters = &point->counters;
	Datum		row[DDB_QUERY_MAX_ARGS];
	int			n = 0;

	row[n++] = ObjectIdGetDatum(point->metered->relid);
	row[n++] = Float8GetDatum((double) counters->consumed[DDB_UNITS_READ] / DDB_UNIT_PARTS);
	row[n++] = Float8GetDatum((double) counters->consumed[DDB_UNITS_WRITE] / DDB_UNIT_PARTS);
	row[n++] = Int64GetDatum(point->metered->provisioned[DDB_UNITS_READ]);
	row[n++] = Int64GetDatum(point->metered->provisioned[DDB_UNITS_WRITE]);
	row[n++] = Int64GetDatum(counters->throttle_events[DDB_UNITS_READ]);
	row[n++] = Int64GetDatum(counters->throttle_events[DDB_UNITS_WRITE]);
	row[n++] = Int64GetDatum(counters->conditional_failures);
	row[n++] = Int64GetDatum(counters->transaction_conflicts);
	Assert(n == columns->ncolumns);
	add_row(columns, row);
}

static void
add_operations(Columns *columns, const DdbDataPoint *point)
{
	int			i;

	for (i = DDB_METERED_NONE + 1; i < DDB_METERED_OPS; i++)
	{
		const DdbOpCounters *op = &point->counters.op[i];
		Datum		row[DDB_QUERY_MAX_ARGS];
		int			n = 0;

		if ((op->requests | op->returned | op->throttled | op->failed) == 0)
			continue;
		row[n++] = ObjectIdGetDatum(point->metered->relid);
		row[n++] = CStringGetTextDatum(ddb_throughput_op_name((DdbMeteredOp) i));
		row[n++] = Int64GetDatum(op->requests);
		row[n++] = Int64GetDatum(op->microseconds);
		row[n++] = Int64GetDatum(op->slowest);
		row[n++] = Int64GetDatum(op->returned);
		row[n++] = Int64GetDatum(op->throttled);
		row[n++] = Int64GetDatum(op->failed);
		Assert(n == columns->ncolumns);
		add_row(columns, row);
	}
}

void
ddb_metricstore_store(TimestampTz start, int seconds, const DdbDataPoint *points, int count)
{
	Columns		relations;
	Columns		operations;
	int			i;

	begin_columns(&relations, QUERY_STORE, 2, count);
	begin_columns(&operations, QUERY_STORE_OPERATIONS, 2, count * DDB_METERED_OPS);
	for (i = 0; i < count; i++)
	{
		add_relation(&relations, &points[i]);
		add_operations(&operations, &points[i]);
	}
	write_columns(&relations, QUERY_STORE, start, seconds);
	write_columns(&operations, QUERY_STORE_OPERATIONS, start, seconds);
}

/* ----------------------------------------------------------------
 * Deleting
 * ----------------------------------------------------------------
 */

uint64
ddb_metricstore_delete_before(TimestampTz time, int limit)
{
	Datum		values[2];

	values[0] = TimestampTzGetDatum(time);
	values[1] = Int32GetDatum(limit);
	return ddb_catalog_run(QUERY_DELETE_BEFORE, build_query, values, NULL, NULL, NULL) +
		ddb_catalog_run(QUERY_DELETE_OPERATIONS_BEFORE, build_query, values, NULL, NULL, NULL);
}

uint64
ddb_metricstore_delete_dropped(int limit)
{
	Datum		values[1];

	values[0] = Int32GetDatum(limit);
	return ddb_catalog_run(QUERY_DELETE_DROPPED, build_query, values, NULL, NULL, NULL) +
		ddb_catalog_run(QUERY_DELETE_OPERATIONS_DROPPED, build_query, values, NULL, NULL, NULL);
}
