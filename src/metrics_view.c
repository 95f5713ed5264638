/*
 * metrics_view.c
 *	  Counters of tables and indexes as they are now, as SQL and as Prometheus
 *	  text.
 *
 * Both read the meters of this database, and the catalog for names; a meter
 * whose relation is not to be seen, since it is being made or was dropped, is
 * left out.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "compat.h"
#include "guc.h"
#include "metrics.h"
#include "metricstore.h"

DDB_FUNCTION(ddb_stat_get_tables);

#define MICROSECONDS_PER_S	1000000

/* a meter of this database, and what it tells */
typedef struct Reading
{
	DdbMetered	metered;
	DdbMeter   *meter;
	DdbCounters counters;
} Reading;

/* ----------------------------------------------------------------
 * Reading meters
 * ----------------------------------------------------------------
 */

/* the meters of this database, palloc'd; their relations in *relids */
static DdbMeter **
own_meters(Oid **relids, int *count)
{
	DdbMeter  **meters = NULL;
	DdbMeter   *meter;
	int			space = 0;
	int			n = 0;
	int			place = 0;

	*relids = NULL;
	while ((meter = ddb_throughput_next(&place)) != NULL)
	{
		if (meter->database != MyDatabaseId)
			continue;
		if (n == space)
		{
			space = Max(32, space * 2);
			meters = meters ? repalloc(meters, sizeof(DdbMeter *) * space) :
				palloc(sizeof(DdbMeter *) * space);
			*relids = *relids ? repalloc(*relids, sizeof(Oid) * space) :
				palloc(sizeof(Oid) * space);
		}
		meters[n] = meter;
		(*relids)[n++] = meter->relid;
	}
	*count = n;
	return meters;
}

static int
compare_readings(const void *a, const void *b)
{
	const DdbMetered *one = &((const Reading *) a)->metered;
	const DdbMetered *other = &((const Reading *) b)->metered;
	int			order = strcmp(one->table_name, other->table_name);

	if (order != 0)
		return order;
	return strcmp(one->index_name ? one->index_name : "", other->index_name ? other->index_name : "");
}

static int
compare_metered(const void *a, const void *b)
{
	Oid			one = ((const DdbMetered *) a)->relid;
	Oid			other = ((const DdbMetered *) b)->relid;

	return one < other ? -1 : one > other;
}

/* all readings, in the order of names; palloc'd */
static Reading *
read_meters(int *count)
{
	Oid		   *relids;
	int			nmeters;
	DdbMeter  **meters = own_meters(&relids, &nmeters);
	Reading    *readings = palloc(sizeof(Reading) * Max(nmeters, 1));
	DdbMetered *relations;
	int			nrelations;
	int			i;

	*count = 0;
	if (nmeters == 0 || !ddb_metricstore_available())
		return readings;
	relations = ddb_metricstore_relations(relids, nmeters, &nrelations);
	qsort(relations, nrelations, sizeof(DdbMetered), compare_metered);
	for (i = 0; i < nmeters; i++)
	{
		DdbMetered	key = {.relid = relids[i]};
		DdbMetered *found = bsearch(&key, relations, nrelations, sizeof(DdbMetered),
									compare_metered);
		Reading    *reading = &readings[*count];

		if (found == NULL)
			continue;
		reading->metered = *found;
		reading->meter = meters[i];
		ddb_metricstore_read(meters[i], &reading->counters);
		(*count)++;
	}
	qsort(readings, *count, sizeof(Reading), compare_readings);
	return readings;
}

/* ----------------------------------------------------------------
 * SQL
 * ----------------------------------------------------------------
 */

static bool
may_see(const DdbMetered *metered)
{
	Oid			relid = metered->index_name == NULL ? metered->relid :
		ddb_catalog_table_of_index(metered->relid);

	return OidIsValid(relid) &&
		pg_class_aclmask(relid, GetUserId(), ACL_ALL_RIGHTS_RELATION, ACLMASK_ANY) != 0;
}

/* sums over the operations */
static DdbOpCounters
sum_of_operations(const DdbCounters *counters)
{
	DdbOpCounters sum = {0};
	int			i;

	for (i = 0; i < DDB_METERED_OPS; i++)
	{
		sum.requests += counters->op[i].requests;
		sum.microseconds += counters->op[i].microseconds;
		sum.returned += counters->op[i].returned;
		sum.throttled += counters->op[i].throttled;
		sum.failed += counters->op[i].failed;
	}
	return sum;
}

static void
put_reading(FunctionCallInfo fcinfo, const Reading *reading)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const DdbMetered *metered = &reading->metered;
	const DdbCounters *counters = &reading->counters;
	DdbOpCounters sum = sum_of_operations(counters);
	Datum		values[17];
	bool		nulls[17] = {false};
	int			n = 0;
	int			kind;

	values[n++] = CStringGetTextDatum(metered->table_name);
	nulls[n] = metered->index_name == NULL;
	values[n++] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(metered->index_name);
	for (kind = 0; kind < DDB_UNIT_KINDS; kind++)
	{
		values[n++] = Float8GetDatum((double) counters->consumed[kind] / DDB_UNIT_PARTS);
		nulls[n] = metered->provisioned[kind] < 0;
		values[n++] = Int64GetDatum(metered->provisioned[kind]);
		values[n++] = Int64GetDatum(counters->throttle_events[kind]);
		values[n++] = Float8GetDatum(ddb_throughput_seconds_left(reading->meter, kind));
	}
	values[n++] = Int64GetDatum(sum.requests);
	values[n++] = Int64GetDatum(sum.throttled);
	values[n++] = Int64GetDatum(sum.failed);
	values[n++] = Int64GetDatum(sum.returned);
	nulls[n] = sum.requests == 0;
	values[n++] = Float8GetDatum(sum.requests == 0 ? 0 :
								 (double) sum.microseconds / 1000 / sum.requests);
	values[n++] = Int64GetDatum(counters->conditional_failures);
	values[n++] = Int64GetDatum(counters->transaction_conflicts);
	Assert(n == lengthof(values));
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * stat_get_tables(): a row for each meter of this database, if the current user
 * has any privilege on its table.
 */
Datum
ddb_stat_get_tables(PG_FUNCTION_ARGS)
{
	Reading    *readings;
	int			count;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	readings = read_meters(&count);
	for (i = 0; i < count; i++)
	{
		if (may_see(&readings[i].metered))
			put_reading(fcinfo, &readings[i]);
	}
	return (Datum) 0;
}

/* ----------------------------------------------------------------
 * Prometheus
 * ----------------------------------------------------------------
 */

/* what a counter counts */
typedef enum Scale
{
	SCALE_ONE,
	SCALE_UNITS,				/* parts of units */
	SCALE_SECONDS				/* microseconds */
} Scale;

/* a family with a sample for each table and index, or each table */
typedef struct Family
{
	const char *name;
	const char *type;
	const char *help;
	bool		of_tables;		/* only */
	Scale		scale;
	Size		offset;			/* of the counter in DdbCounters */
} Family;

/* a family with a sample for each operation of a table; offset in DdbOpCounters */
typedef struct OpFamily
{
	const char *name;
	const char *suffix;			/* of a sample */
	const char *type;			/* NULL: of the family before */
	const char *help;
	Scale		scale;
	Size		offset;
	bool		always;			/* though it is 0 */
} OpFamily;

#define COUNTER(name, help, of_tables, scale, field) \
	{"dynamo_table_" name "_total", "counter", help, of_tables, scale, offsetof(DdbCounters, field)}

static const Family families[] = {
	COUNTER("consumed_read_capacity_units", "Read capacity units consumed, by table and index.",
			false, SCALE_UNITS, consumed[DDB_UNITS_READ]),
	COUNTER("consumed_write_capacity_units", "Write capacity units consumed, by table and index.",
			false, SCALE_UNITS, consumed[DDB_UNITS_WRITE]),
	COUNTER("read_throttle_events", "Reads beyond the throughput of a table or index.",
			false, SCALE_ONE, throttle_events[DDB_UNITS_READ]),
	COUNTER("write_throttle_events", "Writes beyond the throughput of a table or index.",
			false, SCALE_ONE, throttle_events[DDB_UNITS_WRITE]),
	COUNTER("conditional_check_failed_requests", "Writes whose condition was false.",
			true, SCALE_ONE, conditional_failures),
	COUNTER("transaction_conflicts", "Writes that met a transaction in progress.",
			true, SCALE_ONE, transaction_conflicts)
};

static const char *const provisioned_families[DDB_UNIT_KINDS][2] = {
	[DDB_UNITS_READ] = {"dynamo_table_provisioned_read_capacity_units",
	"Read capacity units a second that a table or index may consume."},
	[DDB_UNITS_WRITE] = {"dynamo_table_provisioned_write_capacity_units",
	"Write capacity units a second that a table or index may consume."}
};

#define OP_OFFSET(field)	offsetof(DdbOpCounters, field)

static const OpFamily op_families[] = {
	{"dynamo_table_requests_total", "", "counter", "API requests answered without an error.",
	SCALE_ONE, OP_OFFSET(requests), true},
	{"dynamo_table_request_duration_seconds", "_sum", "summary", "Time that they took.",
	SCALE_SECONDS, OP_OFFSET(microseconds), true},
	{"dynamo_table_request_duration_seconds", "_count", NULL, NULL,
	SCALE_ONE, OP_OFFSET(requests), true},
	{"dynamo_table_returned_items_total", "", "counter", "Items returned.",
	SCALE_ONE, OP_OFFSET(returned), false},
	{"dynamo_table_throttled_requests_total", "", "counter",
	"API requests refused for being beyond the throughput.",
	SCALE_ONE, OP_OFFSET(throttled), false},
	{"dynamo_table_system_errors_total", "", "counter", "API requests answered with a server error.",
	SCALE_ONE, OP_OFFSET(failed), false}
};

static void
print_head(StringInfo out, const char *name, const char *type, const char *help)
{
	appendStringInfo(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* a label's value as the format wants it */
static void
print_escaped(StringInfo out, const char *value)
{
	const char *p;

	for (p = value; *p != '\0'; p++)
	{
		if (*p == '\n')
			appendStringInfoString(out, "\\n");
		else if (*p == '\\' || *p == '"')
			appendStringInfo(out, "\\%c", *p);
		else
			appendStringInfoChar(out, *p);
	}
}

/* a sample but for its value; operation may be NULL */
static void
print_labels(StringInfo out, const char *name, const char *suffix, const DdbMetered *metered,
			 const char *operation)
{
	appendStringInfo(out, "%s%s{table=\"", name, suffix);
	print_escaped(out, metered->table_name);
	if (metered->index_name != NULL)
	{
		appendStringInfoString(out, "\",index=\"");
		print_escaped(out, metered->index_name);
	}
	if (operation != NULL)
		appendStringInfo(out, "\",operation=\"%s", operation);
	appendStringInfoString(out, "\"} ");
}

static void
print_value(StringInfo out, uint64 value, Scale scale)
{
	switch (scale)
	{
		case SCALE_ONE:
			appendStringInfo(out, UINT64_FORMAT "\n", value);
			break;
		case SCALE_UNITS:
			appendStringInfo(out, UINT64_FORMAT ".%03d\n", value / DDB_UNIT_PARTS,
							 (int) (value % DDB_UNIT_PARTS));
			break;
		case SCALE_SECONDS:
			appendStringInfo(out, UINT64_FORMAT ".%06d\n", value / MICROSECONDS_PER_S,
							 (int) (value % MICROSECONDS_PER_S));
			break;
	}
}

static uint64
value_at(const void *counters, Size offset)
{
	return *(const uint64 *) ((const char *) counters + offset);
}

static void
print_family(StringInfo out, const Family *family, const Reading *readings, int count)
{
	int			i;

	print_head(out, family->name, family->type, family->help);
	for (i = 0; i < count; i++)
	{
		const Reading *reading = &readings[i];

		if (family->of_tables && reading->metered.index_name != NULL)
			continue;
		print_labels(out, family->name, "", &reading->metered, NULL);
		print_value(out, value_at(&reading->counters, family->offset), family->scale);
	}
}

static void
print_provisioned(StringInfo out, DdbUnits kind, const Reading *readings, int count)
{
	const char *name = provisioned_families[kind][0];
	int			i;

	print_head(out, name, "gauge", provisioned_families[kind][1]);
	for (i = 0; i < count; i++)
	{
		const DdbMetered *metered = &readings[i].metered;

		if (metered->provisioned[kind] < 0)
			continue;
		print_labels(out, name, "", metered, NULL);
		print_value(out, metered->provisioned[kind], SCALE_ONE);
	}
}

/* the operations of a table; those that were asked for, or have what is counted */
static void
print_op_samples(StringInfo out, const OpFamily *family, const Reading *reading)
{
	int			i;

	for (i = DDB_METERED_NONE + 1; i < DDB_METERED_OPS; i++)
	{
		const DdbOpCounters *op = &reading->counters.op[i];
		uint64		value = value_at(op, family->offset);

		if (value == 0 && !(family->always && op->requests > 0))
			continue;
		print_labels(out, family->name, family->suffix, &reading->metered,
					 ddb_throughput_op_name((DdbMeteredOp) i));
		print_value(out, value, family->scale);
	}
}

static void
print_op_family(StringInfo out, const OpFamily *family, const Reading *readings, int count)
{
	int			i;

	if (family->type != NULL)
		print_head(out, family->name, family->type, family->help);
	for (i = 0; i < count; i++)
	{
		if (readings[i].metered.index_name == NULL)
			print_op_samples(out, family, &readings[i]);
	}
}

void
ddb_metrics_prometheus(StringInfo out)
{
	int			count;
	Reading    *readings;
	int			i;

	if (!ddb_metrics_tables)
		return;
	readings = read_meters(&count);
	for (i = 0; i < lengthof(families); i++)
		print_family(out, &families[i], readings, count);
	for (i = 0; i < DDB_UNIT_KINDS; i++)
		print_provisioned(out, (DdbUnits) i, readings, count);
	for (i = 0; i < lengthof(op_families); i++)
		print_op_family(out, &op_families[i], readings, count);
}
