/*
 * opstat.c
 *	  Counters of the HTTP door in shared memory, as SQL and as Prometheus
 *	  text.
 *
 * Each worker writes a slot of its own, so that counting takes no lock and
 * shares no cache line; readers add the slots up.  A slot is a flat array of
 * 64-bit counters, named by the enums below:
 *
 *		| of the worker | of operation 0 | of operation 1 | ... | unknown |
 *
 * A histogram's buckets are disjoint, and its total is their sum, so that the
 * two always agree.  Readers see counters one after the other: sums of
 * microseconds may be ahead of them by a request.
 *
 * This file knows nothing of sockets or of the wire.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "error.h"
#include "guc.h"
#include "metrics.h"
#include "op.h"
#include "opstat.h"

DDB_FUNCTION(ddb_stat_get_operations);
DDB_FUNCTION(ddb_stat_get_errors);
DDB_FUNCTION(ddb_stat_get_http);
DDB_FUNCTION(ddb_stat_reset);

/* capacity units are counted in thousandths, time in microseconds */
#define MICROSECONDS_PER_MS 1000
#define MICROSECONDS_PER_S	1000000

/* upper end of a bucket, and how Prometheus writes it */
typedef struct Bound
{
	uint64		value;
	const char *label;
} Bound;

/* of latencies, in microseconds and seconds; the last bucket has no end */
static const Bound latency_bounds[] = {
	{100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"},
	{1000, "0.001"}, {2500, "0.0025"}, {5000, "0.005"},
	{10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"},
	{100000, "0.1"}, {250000, "0.25"}, {500000, "0.5"},
	{1000000, "1"}, {2500000, "2.5"}, {5000000, "5"},
	{10000000, "10"}, {PG_UINT64_MAX, "+Inf"}
};

/* of responses that one flush of the log released */
static const Bound batch_bounds[] = {
	{1, "1"}, {2, "2"}, {4, "4"}, {8, "8"}, {16, "16"}, {32, "32"},
	{64, "64"}, {128, "128"}, {PG_UINT64_MAX, "+Inf"}
};

/* counters of a worker; those that a reset leaves alone come first */
enum
{
	WORKER_CONNECTIONS,
	WORKER_PARKED,
	WORKER_KEPT,
	WORKER_ACCEPTED = WORKER_KEPT,
	WORKER_REFUSED,
	WORKER_RESPONSES,
	WORKER_BATCHES,
	WORKER_COUNTERS = WORKER_BATCHES + lengthof(batch_bounds)
};

/* counters of one operation in one worker */
enum
{
	OP_MICROSECONDS,
	OP_READ_UNITS,
	OP_WRITE_UNITS,
	OP_LATENCIES,
	OP_ERRORS = OP_LATENCIES + lengthof(latency_bounds),
	OP_COUNTERS = OP_ERRORS + DDB_ERROR_CODES
};

/* at the beginning of shared memory; the slots follow, each at a cache line */
typedef struct OpstatShared
{
	int			workers;
	pg_atomic_uint64 reset_at;	/* a TimestampTz */
} OpstatShared;

/* NULL without shared memory */
static OpstatShared *shared = NULL;

/* the slot of this process, NULL if it is no worker */
static pg_atomic_uint64 *own = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* ----------------------------------------------------------------
 * Shared memory
 * ----------------------------------------------------------------
 */

/* where the counters of an operation begin; "unknown" is ddb_op_count() */
static int
position_of(int op)
{
	return WORKER_COUNTERS + op * OP_COUNTERS;
}

static int
counters_of_slot(void)
{
	return position_of(ddb_op_count() + 1);
}

static Size
slot_size(void)
{
	return CACHELINEALIGN(counters_of_slot() * sizeof(pg_atomic_uint64));
}

static pg_atomic_uint64 *
slot_of(int worker)
{
	return (pg_atomic_uint64 *) ((char *) shared + CACHELINEALIGN(sizeof(OpstatShared)) +
								 worker * slot_size());
}

static Size
shared_size(void)
{
	return CACHELINEALIGN(sizeof(OpstatShared)) + ddb_http_workers * slot_size();
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
}

static void
start_memory(void)
{
	bool		found;
	int			worker;
	int			i;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_dynamo statistics", shared_size(), &found);
	if (!found)
	{
		shared->workers = ddb_http_workers;
		pg_atomic_init_u64(&shared->reset_at, GetCurrentTimestamp());
		for (worker = 0; worker < shared->workers; worker++)
		{
			for (i = 0; i < counters_of_slot(); i++)
				pg_atomic_init_u64(&slot_of(worker)[i], 0);
		}
	}
	LWLockRelease(AddinShmemInitLock);
}

/*
 * ddb_opstat_init asks for shared memory, one slot per worker.  To be called
 * from _PG_init while libraries are preloaded, after the settings are defined.
 */
void
ddb_opstat_init(void)
{
	if (ddb_http_workers == 0)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

/* ----------------------------------------------------------------
 * Counting
 * ----------------------------------------------------------------
 */

/*
 * ddb_opstat_attach makes a slot this process's own.  What a predecessor that
 * crashed left in it goes on, except for what ended with that process.
 */
void
ddb_opstat_attach(int worker)
{
	int			i;

	if (shared == NULL)
		return;
	Assert(worker >= 0 && worker < shared->workers);
	own = slot_of(worker);
	for (i = 0; i < WORKER_KEPT; i++)
		pg_atomic_write_u64(&own[i], 0);
}

static void
add(pg_atomic_uint64 *counter, int64 change)
{
	pg_atomic_fetch_add_u64(counter, change);
}

/* number of the bucket; the last bound ends every search */
static int
bucket_of(const Bound *bounds, uint64 value)
{
	int			i = 0;

	while (value > bounds[i].value)
		i++;
	return i;
}

/*
 * ddb_opstat_count counts an answered request.  microseconds is the time that
 * the server had it; units are those of ddb_op_consumed.
 */
void
ddb_opstat_count(const DdbOperation *op, const DdbErrorInfo *error,
				 int64 microseconds, double read_units, double write_units)
{
	int64		elapsed = Max(microseconds, 0);	/* clocks are set back */
	pg_atomic_uint64 *counters;

	if (own == NULL)
		return;
	counters = own + position_of(op != NULL ? ddb_op_index(op) : ddb_op_count());
	add(&counters[OP_LATENCIES + bucket_of(latency_bounds, elapsed)], 1);
	add(&counters[OP_MICROSECONDS], elapsed);
	if (read_units > 0)
		add(&counters[OP_READ_UNITS], (int64) (read_units * DDB_UNIT_PARTS + 0.5));
	if (write_units > 0)
		add(&counters[OP_WRITE_UNITS], (int64) (write_units * DDB_UNIT_PARTS + 0.5));
	if (error != NULL)
		add(&counters[OP_ERRORS + (error - ddb_error_info(0))], 1);
}

void
ddb_opstat_connection(int change)
{
	if (own == NULL)
		return;
	add(&own[WORKER_CONNECTIONS], change);
	if (change > 0)
		add(&own[WORKER_ACCEPTED], change);
}

void
ddb_opstat_refused(void)
{
	if (own != NULL)
		add(&own[WORKER_REFUSED], 1);
}

void
ddb_opstat_parked(int change)
{
	if (own != NULL)
		add(&own[WORKER_PARKED], change);
}

void
ddb_opstat_flush(int responses)
{
	if (own == NULL)
		return;
	add(&own[WORKER_BATCHES + bucket_of(batch_bounds, responses)], 1);
	add(&own[WORKER_RESPONSES], responses);
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

/* adds the slot of a worker to counters */
static void
add_slot(int worker, uint64 *counters)
{
	pg_atomic_uint64 *slot = slot_of(worker);
	int			i;

	for (i = 0; i < counters_of_slot(); i++)
		counters[i] += pg_atomic_read_u64(&slot[i]);
}

static int
count_workers(void)
{
	return shared != NULL ? shared->workers : 0;
}

/* a slot's worth of sums over all workers, palloc'd */
static uint64 *
read_sums(void)
{
	uint64	   *sums = palloc0(counters_of_slot() * sizeof(uint64));
	int			worker;

	for (worker = 0; worker < count_workers(); worker++)
		add_slot(worker, sums);
	return sums;
}

static const char *
operation_name(int op)
{
	return op < ddb_op_count() ? ddb_op_at(op)->name : "unknown";
}

static uint64
sum_of(const uint64 *counters, int count)
{
	uint64		sum = 0;
	int			i;

	for (i = 0; i < count; i++)
		sum += counters[i];
	return sum;
}

static uint64
requests_of(const uint64 *op_counters)
{
	return sum_of(op_counters + OP_LATENCIES, lengthof(latency_bounds));
}

static uint64
flushes_of(const uint64 *worker_counters)
{
	return sum_of(worker_counters + WORKER_BATCHES, lengthof(batch_bounds));
}

/*
 * The latency in microseconds below which this share of the requests were
 * answered, taking those of a bucket as spread evenly over it.  There must be
 * a request.  The last bucket has no end: what lies in it counts as its
 * beginning.
 */
static double
latency_quantile(const uint64 *op_counters, double share)
{
	const uint64 *buckets = op_counters + OP_LATENCIES;
	double		rank = share * requests_of(op_counters);
	double		below = 0;
	double		lower = 0;
	int			i;

	for (i = 0; i < lengthof(latency_bounds) - 1; i++)
	{
		double		upper = latency_bounds[i].value;

		if (buckets[i] > 0 && below + buckets[i] >= rank)
			return lower + (upper - lower) * (rank - below) / buckets[i];
		below += buckets[i];
		lower = upper;
	}
	return lower;
}

/* ----------------------------------------------------------------
 * SQL
 * ----------------------------------------------------------------
 */

static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* since when the counters count; NULL without shared memory */
static void
put_reset_time(Datum *value, bool *null)
{
	*null = shared == NULL;
	if (shared != NULL)
		*value = TimestampTzGetDatum((TimestampTz) pg_atomic_read_u64(&shared->reset_at));
}

static void
put_mean(Datum *value, bool *null, double sum, uint64 count)
{
	*null = count == 0;
	if (count > 0)
		*value = Float8GetDatum(sum / count);
}

static void
put_quantile(Datum *value, bool *null, const uint64 *op_counters, double share)
{
	*null = requests_of(op_counters) == 0;
	if (!*null)
		*value = Float8GetDatum(latency_quantile(op_counters, share) / MICROSECONDS_PER_MS);
}

/*
 * stat_get_operations(): a row for each operation that is offered, and for any
 * other that was asked for.  Times are NULL where there was no request.
 */
Datum
ddb_stat_get_operations(PG_FUNCTION_ARGS)
{
	uint64	   *sums = read_sums();
	int			op;

	InitMaterializedSRF(fcinfo, 0);
	for (op = 0; op <= ddb_op_count(); op++)
	{
		const uint64 *counters = sums + position_of(op);
		uint64		requests = requests_of(counters);
		bool		offered = op < ddb_op_count() && ddb_op_at(op)->handler != NULL;
		Datum		values[9];
		bool		nulls[9] = {false};

		if (requests == 0 && !offered)
			continue;
		values[0] = CStringGetTextDatum(operation_name(op));
		values[1] = Int64GetDatum(requests);
		values[2] = Int64GetDatum(sum_of(counters + OP_ERRORS, DDB_ERROR_CODES));
		put_mean(&values[3], &nulls[3],
				 (double) counters[OP_MICROSECONDS] / MICROSECONDS_PER_MS, requests);
		put_quantile(&values[4], &nulls[4], counters, 0.5);
		put_quantile(&values[5], &nulls[5], counters, 0.99);
		values[6] = Float8GetDatum((double) counters[OP_READ_UNITS] / DDB_UNIT_PARTS);
		values[7] = Float8GetDatum((double) counters[OP_WRITE_UNITS] / DDB_UNIT_PARTS);
		put_reset_time(&values[8], &nulls[8]);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * stat_get_errors(): a row for each exception that an operation was answered
 * with.
 */
Datum
ddb_stat_get_errors(PG_FUNCTION_ARGS)
{
	uint64	   *sums = read_sums();
	int			op;
	int			code;

	InitMaterializedSRF(fcinfo, 0);
	for (op = 0; op <= ddb_op_count(); op++)
	{
		const uint64 *errors = sums + position_of(op) + OP_ERRORS;

		for (code = 0; code < DDB_ERROR_CODES; code++)
		{
			Datum		values[3];
			bool		nulls[3] = {false};

			if (errors[code] == 0)
				continue;
			values[0] = CStringGetTextDatum(operation_name(op));
			values[1] = CStringGetTextDatum(ddb_error_info(code)->name);
			values[2] = Int64GetDatum(errors[code]);
			put_row(fcinfo, values, nulls);
		}
	}
	return (Datum) 0;
}

/*
 * stat_get_http(): a row for each worker.
 */
Datum
ddb_stat_get_http(PG_FUNCTION_ARGS)
{
	uint64	   *counters = palloc(counters_of_slot() * sizeof(uint64));
	int			worker;

	InitMaterializedSRF(fcinfo, 0);
	for (worker = 0; worker < count_workers(); worker++)
	{
		Datum		values[9];
		bool		nulls[9] = {false};

		memset(counters, 0, counters_of_slot() * sizeof(uint64));
		add_slot(worker, counters);
		values[0] = Int32GetDatum(worker);
		values[1] = Int64GetDatum(counters[WORKER_CONNECTIONS]);
		values[2] = Int64GetDatum(counters[WORKER_ACCEPTED]);
		values[3] = Int64GetDatum(counters[WORKER_REFUSED]);
		values[4] = Int64GetDatum(counters[WORKER_PARKED]);
		values[5] = Int64GetDatum(flushes_of(counters));
		values[6] = Int64GetDatum(counters[WORKER_RESPONSES]);
		put_mean(&values[7], &nulls[7], counters[WORKER_RESPONSES], flushes_of(counters));
		put_reset_time(&values[8], &nulls[8]);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/*
 * stat_reset(): all counters start again from zero, those of connections and
 * parked requests excepted, which tell what there is now.
 */
Datum
ddb_stat_reset(PG_FUNCTION_ARGS)
{
	int			worker;
	int			i;

	for (worker = 0; worker < count_workers(); worker++)
	{
		pg_atomic_uint64 *slot = slot_of(worker);

		for (i = WORKER_KEPT; i < counters_of_slot(); i++)
			pg_atomic_write_u64(&slot[i], 0);
	}
	if (shared != NULL)
		pg_atomic_write_u64(&shared->reset_at, GetCurrentTimestamp());
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * Prometheus
 * ----------------------------------------------------------------
 */

static void
print_head(StringInfo out, const char *name, const char *type, const char *help)
{
	appendStringInfo(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* value in units of 1 / parts, a power of ten */
static void
print_fraction(StringInfo out, uint64 value, uint64 parts)
{
	int			digits = 0;
	uint64		power;

	for (power = 1; power < parts; power *= 10)
		digits++;
	appendStringInfo(out, UINT64_FORMAT, value / parts);
	if (digits > 0)
		appendStringInfo(out, ".%0*d", digits, (int) (value % parts));
	appendStringInfoChar(out, '\n');
}

/* a metric without labels */
static void
print_metric(StringInfo out, const char *name, const char *type, const char *help,
			 uint64 value)
{
	print_head(out, name, type, help);
	appendStringInfo(out, "%s " UINT64_FORMAT "\n", name, value);
}

/* buckets with all below them, sum and count; labels end in a comma, or are empty */
static void
print_histogram(StringInfo out, const char *name, const char *labels,
				const Bound *bounds, int nbounds, const uint64 *buckets,
				uint64 sum, uint64 sum_parts)
{
	int			labels_len = Max((int) strlen(labels) - 1, 0);
	char	   *whole = labels_len > 0 ? psprintf("{%.*s}", labels_len, labels) : "";
	int			i;

	for (i = 0; i < nbounds; i++)
		appendStringInfo(out, "%s_bucket{%sle=\"%s\"} " UINT64_FORMAT "\n",
						 name, labels, bounds[i].label, sum_of(buckets, i + 1));
	appendStringInfo(out, "%s_sum%s ", name, whole);
	print_fraction(out, sum, sum_parts);
	appendStringInfo(out, "%s_count%s " UINT64_FORMAT "\n",
					 name, whole, sum_of(buckets, nbounds));
}

/* the part of a family that belongs to one operation, which had requests */
typedef void (*PrintOperation) (StringInfo out, const char *family,
								const char *operation, const uint64 *op_counters);

static void
print_requests(StringInfo out, const char *family, const char *operation,
			   const uint64 *op_counters)
{
	appendStringInfo(out, "%s{operation=\"%s\"} " UINT64_FORMAT "\n",
					 family, operation, requests_of(op_counters));
}

static void
print_errors(StringInfo out, const char *family, const char *operation,
			 const uint64 *op_counters)
{
	int			code;

	for (code = 0; code < DDB_ERROR_CODES; code++)
	{
		if (op_counters[OP_ERRORS + code] > 0)
			appendStringInfo(out, "%s{operation=\"%s\",exception=\"%s\"} " UINT64_FORMAT "\n",
							 family, operation, ddb_error_info(code)->name,
							 op_counters[OP_ERRORS + code]);
	}
}

static void
print_latencies(StringInfo out, const char *family, const char *operation,
				const uint64 *op_counters)
{
	print_histogram(out, family, psprintf("operation=\"%s\",", operation),
					latency_bounds, lengthof(latency_bounds), op_counters + OP_LATENCIES,
					op_counters[OP_MICROSECONDS], MICROSECONDS_PER_S);
}

static void
print_units(StringInfo out, const char *family, const char *operation, uint64 units)
{
	appendStringInfo(out, "%s{operation=\"%s\"} ", family, operation);
	print_fraction(out, units, DDB_UNIT_PARTS);
}

static void
print_read_units(StringInfo out, const char *family, const char *operation,
				 const uint64 *op_counters)
{
	print_units(out, family, operation, op_counters[OP_READ_UNITS]);
}

static void
print_write_units(StringInfo out, const char *family, const char *operation,
				  const uint64 *op_counters)
{
	print_units(out, family, operation, op_counters[OP_WRITE_UNITS]);
}

static const struct
{
	const char *name;
	const char *type;
	const char *help;
	PrintOperation print;
}			operation_families[] = {
	{"dynamo_requests_total", "counter",
	"API requests answered.", print_requests},
	{"dynamo_errors_total", "counter",
	"API requests answered with an exception.", print_errors},
	{"dynamo_request_duration_seconds", "histogram",
	"Time from a request's arrival to its response.", print_latencies},
	{"dynamo_consumed_read_capacity_units_total", "counter",
	"Read capacity units consumed, as DynamoDB counts them.", print_read_units},
	{"dynamo_consumed_write_capacity_units_total", "counter",
	"Write capacity units consumed, as DynamoDB counts them.", print_write_units}
};

static void
print_operations(StringInfo out, const uint64 *sums)
{
	int			family;
	int			op;

	for (family = 0; family < lengthof(operation_families); family++)
	{
		const char *name = operation_families[family].name;

		print_head(out, name, operation_families[family].type,
				   operation_families[family].help);
		for (op = 0; op <= ddb_op_count(); op++)
		{
			const uint64 *counters = sums + position_of(op);

			if (requests_of(counters) > 0)
				operation_families[family].print(out, name, operation_name(op), counters);
		}
	}
}

/*
 * ddb_opstat_prometheus appends all counters in the text format, version
 * 0.0.4, with \n at the end of each line.  Families by operation list those
 * operations that had requests.  What tables and indexes consume follows.
 */
void
ddb_opstat_prometheus(StringInfo out)
{
	const uint64 *sums = read_sums();

	print_operations(out, sums);
	print_metric(out, "dynamo_workers", "gauge",
				 "Processes that serve HTTP.", count_workers());
	print_metric(out, "dynamo_connections", "gauge",
				 "Open HTTP connections.", sums[WORKER_CONNECTIONS]);
	print_metric(out, "dynamo_connections_accepted_total", "counter",
				 "HTTP connections accepted.", sums[WORKER_ACCEPTED]);
	print_metric(out, "dynamo_connections_refused_total", "counter",
				 "HTTP connections beyond the limit.", sums[WORKER_REFUSED]);
	print_metric(out, "dynamo_parked_requests", "gauge",
				 "Requests that wait for locks.", sums[WORKER_PARKED]);
	print_metric(out, "dynamo_log_flushes_total", "counter",
				 "Flushes of the log before responses.", flushes_of(sums));
	print_head(out, "dynamo_log_flush_responses", "histogram",
			   "Responses that one flush of the log released.");
	print_histogram(out, "dynamo_log_flush_responses", "",
					batch_bounds, lengthof(batch_bounds), sums + WORKER_BATCHES,
					sums[WORKER_RESPONSES], 1);
	ddb_metrics_prometheus(out);
}
