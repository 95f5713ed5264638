/*
 * metrics.c
 *	  The worker that stores metrics by period.
 *
 * At the end of each period it reads the meters of its database, stores by how
 * much they have grown since its last look (metricstore.h), deletes what is old,
 * frees the meters of relations that are gone, and has auto scaling evaluated.
 *
 * What it saw in its last look is in shared memory, beside the meters: both
 * begin at zero with the server, and a worker that restarts goes on from there,
 * so that nothing is counted twice or lost.  A look is remembered once its
 * transaction has committed; if that fails, the next look makes up for it.
 * When it is asked to stop it stores the period as far as it has come.  What a
 * crash loses is what was counted since the last look.
 *
 * The meters are in memory that all databases share, but this worker stores
 * those of dynamo.database only.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "autoscaling.h"
#include "compat.h"
#include "guc.h"
#include "metrics.h"
#include "metricstore.h"
#include "session.h"

#define RESTART_SECONDS		5
#define PATIENCE			"1s"	/* with locks of others */
#define METERS_AT_ONCE		200 /* in one transaction */
#define DELETE_AT_ONCE		1000	/* rows of each table, in one transaction */
#define LATE_MS				10000	/* after the server's start */

extern DDB_EXPORT void ddb_metrics_main(Datum arg);

typedef struct LookKey
{
	Oid			database;
	Oid			relid;
} LookKey;

/* what the worker knows of a meter; rounds are numbers of looks at all of them */
typedef struct Look
{
	LookKey		key;			/* hash key, first */
	uint32		met;			/* the round in which the meter was there */
	uint32		seen;			/* the round in which its relation was */
	DdbCounters stored;			/* what has been stored, since the server started */
	uint64		slowest[DDB_METERED_OPS];	/* to be stored */
	int64		provisioned[DDB_UNIT_KINDS];	/* as stored */
} Look;

typedef struct MetricsShared
{
	TimestampTz started;		/* the memory */
	bool		has_begun;		/* a worker */
	uint32		round;
} MetricsShared;

/* NULL without shared memory; only the worker uses them, and there is one */
static MetricsShared *shared = NULL;
static HTAB *looks = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* may what runs now be given up when the worker is to stop? */
static volatile sig_atomic_t gives_way = false;

/* meters that one transaction looks at */
typedef struct Batch
{
	TimestampTz start;			/* of the period */
	int			count;
	Look	   *looks[METERS_AT_ONCE];
	DdbCounters counters[METERS_AT_ONCE];	/* since the server started */
	bool		seen[METERS_AT_ONCE];	/* is the relation there? */
	int64		provisioned[METERS_AT_ONCE][DDB_UNIT_KINDS];
} Batch;

/* what one transaction deletes */
typedef struct Deletion
{
	TimestampTz before;
	bool		available;		/* are there tables to delete from? */
	uint64		deleted;
} Deletion;

/* ----------------------------------------------------------------
 * Shared memory
 * ----------------------------------------------------------------
 */

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(add_size(CACHELINEALIGN(sizeof(MetricsShared)),
									hash_estimate_size(ddb_metrics_max, sizeof(Look))));
}

static void
start_memory(void)
{
	HASHCTL		ctl = {.keysize = sizeof(LookKey), .entrysize = sizeof(Look)};
	bool		found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_dynamo metrics", sizeof(MetricsShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(MetricsShared));
		shared->started = GetCurrentTimestamp();
	}
	looks = ShmemInitHash("pg_dynamo stored metrics", ddb_metrics_max, ddb_metrics_max,
						  &ctl, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	LWLockRelease(AddinShmemInitLock);
}

/* ----------------------------------------------------------------
 * Looking at meters
 * ----------------------------------------------------------------
 */

#define COUNTERS	((int) (sizeof(DdbCounters) / sizeof(uint64)))

/* what is known of a meter; NULL when there is no room for more */
static Look *
find_look(const DdbMeter *meter)
{
	LookKey		key = {.database = meter->database, .relid = meter->relid};
	bool		found;
	Look	   *look = hash_search(looks, &key, HASH_ENTER_NULL, &found);

	if (look != NULL && !found)
	{
		memset(look, 0, sizeof(Look));
		look->key = key;
	}
	return look;
}

/* the meter was freed and made again meanwhile: it began at zero */
static bool
is_another_meter(const Look *look, const DdbCounters *counters)
{
	const uint64 *before = (const uint64 *) &look->stored;
	const uint64 *now = (const uint64 *) counters;
	int			i;

	for (i = 0; i < COUNTERS; i++)
	{
		if (now[i] < before[i])
			return true;
	}
	return false;
}

static void
take_slowest(Look *look, DdbMeter *meter)
{
	int			i;

	for (i = 0; i < DDB_METERED_OPS; i++)
	{
		uint64		slowest = 0;

		if (pg_atomic_read_u64(&meter->op[i].slowest) > 0)
			slowest = pg_atomic_exchange_u64(&meter->op[i].slowest, 0);
		look->slowest[i] = Max(look->slowest[i], slowest);
	}
}

static void
add_meter(Batch *batch, DdbMeter *meter)
{
	Look	   *look = find_look(meter);
	DdbCounters *counters = &batch->counters[batch->count];

	if (look == NULL)
		return;
	look->met = shared->round;
	take_slowest(look, meter);
	ddb_metricstore_read(meter, counters);
	if (is_another_meter(look, counters))
		memset(&look->stored, 0, sizeof(look->stored));
	batch->seen[batch->count] = false;
	batch->looks[batch->count++] = look;
}

/* the next meters of this database; false after the last */
static bool
fill_batch(Batch *batch, int *place)
{
	DdbMeter   *meter;

	batch->count = 0;
	while (batch->count < METERS_AT_ONCE && (meter = ddb_throughput_next(place)) != NULL)
	{
		if (meter->database == MyDatabaseId)
			add_meter(batch, meter);
	}
	return batch->count > 0;
}

/* by how much the counters have grown; false if not at all */
static bool
difference(const Look *look, const DdbCounters *counters, DdbCounters *result)
{
	const uint64 *before = (const uint64 *) &look->stored;
	const uint64 *now = (const uint64 *) counters;
	bool		grown = false;
	int			i;

	for (i = 0; i < COUNTERS; i++)
	{
		((uint64 *) result)[i] = now[i] - before[i];
		grown |= now[i] != before[i];
	}
	for (i = 0; i < DDB_METERED_OPS; i++)
		result->op[i].slowest = look->slowest[i];
	return grown;
}

static const DdbMetered *
find_metered(const DdbMetered *relations, int count, Oid relid)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (relations[i].relid == relid)
			return &relations[i];
	}
	return NULL;
}

/* the relations of a batch */
static DdbMetered *
find_relations(const Batch *batch, int *count)
{
	Oid			relids[METERS_AT_ONCE];
	int			i;

	for (i = 0; i < batch->count; i++)
		relids[i] = batch->looks[i]->key.relid;
	return ddb_metricstore_relations(relids, batch->count, count);
}

static void
store_batch(void *arg)
{
	Batch	   *batch = arg;
	DdbDataPoint *points = palloc(sizeof(DdbDataPoint) * batch->count);
	DdbMetered *relations;
	int			nrelations;
	int			npoints = 0;
	int			i;

	if (!ddb_metricstore_available())
		return;
	relations = find_relations(batch, &nrelations);
	for (i = 0; i < batch->count; i++)
	{
		const Look *look = batch->looks[i];
		const DdbMetered *metered = find_metered(relations, nrelations, look->key.relid);
		Size		size = sizeof(look->provisioned);

		if (metered == NULL)
			continue;
		batch->seen[i] = true;
		memcpy(batch->provisioned[i], metered->provisioned, size);
		points[npoints].metered = metered;
		if (difference(look, &batch->counters[i], &points[npoints].counters) ||
			memcmp(look->provisioned, metered->provisioned, size) != 0)
			npoints++;
	}
	if (npoints > 0 && ddb_metrics_retention > 0)
		ddb_metricstore_store(batch->start, ddb_metrics_period, points, npoints);
}

static void
remember_batch(const Batch *batch)
{
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		Look	   *look = batch->looks[i];

		if (!batch->seen[i])
			continue;
		look->seen = shared->round;
		look->stored = batch->counters[i];
		memset(look->slowest, 0, sizeof(look->slowest));
		memcpy(look->provisioned, batch->provisioned[i], sizeof(look->provisioned));
	}
}

/* is the meter of no use any more? */
static bool
is_unused(const DdbMeter *meter)
{
	LookKey		key = {.database = meter->database, .relid = meter->relid};
	const Look *look;

	look = hash_search(looks, &key, HASH_FIND, NULL);
	return (look == NULL || look->seen != shared->round) && ddb_throughput_is_gone(meter);
}

static void
release_meters(void *arg)
{
	DdbMeter   *meter;
	int			place = 0;

	while ((meter = ddb_throughput_next(&place)) != NULL)
	{
		if (is_unused(meter))
			ddb_throughput_release(meter);
	}
}

static void
forget_looks(void)
{
	HASH_SEQ_STATUS scan;
	Look	   *look;

	hash_seq_init(&scan, looks);
	while ((look = hash_seq_search(&scan)) != NULL)
	{
		if (look->met != shared->round)
			(void) hash_search(looks, &look->key, HASH_REMOVE, NULL);
	}
}

/* store what was counted since the last look as that of the period from start on */
static void
look_at_meters(TimestampTz start)
{
	Batch	   *batch = palloc(sizeof(Batch));
	int			place = 0;

	shared->round++;
	batch->start = start;
	while (fill_batch(batch, &place))
	{
		if (ddb_session_transaction(store_batch, batch))
			remember_batch(batch);
	}
	(void) ddb_session_transaction(release_meters, NULL);
	forget_looks();
	pfree(batch);
}

/*
 * The first worker since the server started.  What a standby has counted
 * before its promotion, or a server without dynamo.database, belongs to no
 * period.
 */
static void
begin_looks(void)
{
	TimestampTz now = GetCurrentTimestamp();
	DdbMeter   *meter;
	int			place = 0;

	if (shared->has_begun)
		return;
	shared->has_begun = true;
	if (!TimestampDifferenceExceeds(shared->started, now, LATE_MS))
		return;
	while ((meter = ddb_throughput_next(&place)) != NULL)
	{
		Look	   *look = meter->database == MyDatabaseId ? find_look(meter) : NULL;

		if (look != NULL)
			ddb_metricstore_read(meter, &look->stored);
	}
}

/* ----------------------------------------------------------------
 * The rest of a round
 * ----------------------------------------------------------------
 */

static bool
is_stopping(void)
{
	return ShutdownRequestPending;
}

static void
delete_old(void *arg)
{
	Deletion   *deletion = arg;

	deletion->available = ddb_metricstore_available();
	deletion->deleted = !deletion->available ? 0 :
		ddb_metricstore_delete_before(deletion->before, DELETE_AT_ONCE);
}

static void
delete_dropped(void *arg)
{
	Deletion   *deletion = arg;

	deletion->deleted = ddb_metricstore_delete_dropped(DELETE_AT_ONCE);
}

/* in small steps, until nothing is left or a time; are there tables at all? */
static bool
delete_metrics(TimestampTz until)
{
	Deletion	deletion = {.available = false};
	void		(*step) (void *) = delete_old;

	deletion.before = until - (int64) ddb_metrics_retention * SECS_PER_MINUTE * USECS_PER_SEC;
	while (ddb_session_transaction(step, &deletion) && deletion.available &&
		   GetCurrentTimestamp() < until && !is_stopping())
	{
		if (deletion.deleted >= DELETE_AT_ONCE)
			continue;
		if (step == delete_dropped)
			break;
		step = delete_dropped;
	}
	return deletion.available;
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

static void
handle_stop(SIGNAL_ARGS)
{
	int			save_errno = errno;

	ShutdownRequestPending = true;
	if (gives_way)
	{
		QueryCancelPending = true;
		InterruptPending = true;
	}
	SetLatch(MyLatch);
	errno = save_errno;
}

static int64
period_length(void)
{
	return ddb_metrics_period * USECS_PER_SEC;
}

/* when the present period began */
static TimestampTz
period_start(void)
{
	TimestampTz now = GetCurrentTimestamp();

	return now - now % period_length();
}

/* until the present period is over, or we are to stop */
static void
wait_for_period(void)
{
	TimestampTz end = period_start() + period_length();

	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	while (!is_stopping() && GetCurrentTimestamp() < end)
	{
		long		ms = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(ms, 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		ddb_session_reload();

		/* with a clock that is set back, or shorter periods */
		end = Min(end, period_start() + period_length());
	}
	pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
}

/* a period is over: if the worker was late, the last one that is */
static void
run_round(void)
{
	TimestampTz end = period_start();

	look_at_meters(end - period_length());
	gives_way = true;
	if (!is_stopping() && delete_metrics(end + period_length()) && !is_stopping())
		ddb_autoscaling_evaluate(end);
	gives_way = false;
}

void
ddb_metrics_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, handle_stop);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	ddb_session_init("pg_dynamo metrics");
	SetConfigOption("lock_timeout", PATIENCE, PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	begin_looks();
	context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo metrics", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	for (;;)
	{
		wait_for_period();
		if (is_stopping())
			break;
		run_round();
		MemoryContextReset(context);
	}

	/* a cancellation that came too late must not hit this */
	QueryCancelPending = false;
	look_at_meters(period_start());

	/* with status 0 a worker that pg_terminate_backend stopped would not come back */
	proc_exit(1);
}

/* the worker is not started on a standby until that is promoted */
void
ddb_metrics_init(void)
{
	BackgroundWorker worker;

	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_metrics_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo metrics");
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo metrics");
	RegisterBackgroundWorker(&worker);
}
