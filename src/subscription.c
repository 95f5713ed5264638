/*
 * subscription.c
 *	  The background worker that delivers stream records to subscriptions.
 *
 * A reader per subscription and shard takes turns; each turn is a batch
 * (subscription_delivery.c).  A shard is read once its parent, and the shards of
 * earlier streams of the table, have been read to their ends: so the records
 * of a partition key come in order.
 *
 * Between turns the worker looks at the position up to which records have been
 * stored, which costs one small query; only if that has moved readers read.
 * Definitions are read again when their table sends an invalidation, when a
 * shard was added, and now and then.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "guc.h"
#include "session.h"
#include "subscription.h"
#include "subscription_internal.h"

#define RESTART_SECONDS		1
#define BUSY_WAIT_MS		5		/* between looks at records that have just come */
#define IDLE_WAIT_MS		20
#define BUSY_MS				1000	/* after the last record */
#define UNUSED_WAIT_MS		100		/* while there is no subscription */
#define RELOAD_MS			1000
#define TRIM_MS				(10 * 60 * 1000)
#define TROUBLE_WAIT_MS		1000

extern DDB_EXPORT void ddb_subscription_main(Datum arg);

static MemoryContext definitions = NULL;	/* of what was loaded */
static List *readers = NIL;
static Oid	relation = InvalidOid;	/* dynamo.subscription */
static bool stale = true;
static TimestampTz loaded_at = 0;
static TimestampTz trimmed_at = 0;
static TimestampTz busy_until = 0;
static DdbStoredMark mark;

static void
invalidate(Datum arg, Oid relid)
{
	if (relid == relation || !OidIsValid(relid) || !OidIsValid(relation))
		stale = true;
}

bool
ddb_subscription_is_stale(void)
{
	return stale;
}

/* ----------------------------------------------------------------
 * Readers
 * ----------------------------------------------------------------
 */

static DdbReader *
find_reader(int32 subscription, int64 shard)
{
	ListCell   *lc;

	foreach(lc, readers)
	{
		DdbReader  *reader = lfirst(lc);

		if (reader->position.subscription == subscription && reader->position.shard == shard)
			return reader;
	}
	return NULL;
}

static DdbReader *
add_reader(const DdbSubscriptionShard *shard, const DdbSubscription *subscription)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	DdbReader  *reader = palloc0(sizeof(DdbReader));

	reader->position.subscription = shard->subscription;
	reader->position.shard = shard->shard.number;
	reader->position.sequence = subscription->start;
	reader->position.sequence.ordinal = -1;
	readers = lappend(readers, reader);
	MemoryContextSwitchTo(caller);
	return reader;
}

static DdbSubscription *
find_subscription(List *subscriptions, int32 id)
{
	ListCell   *lc;

	foreach(lc, subscriptions)
	{
		DdbSubscription *subscription = lfirst(lc);

		if (subscription->id == id)
			return subscription->active ? subscription : NULL;
	}
	return NULL;
}

static void
take_shards(List *subscriptions, List *shards)
{
	ListCell   *lc;

	foreach(lc, shards)
	{
		DdbSubscriptionShard *shard = lfirst(lc);
		DdbSubscription *subscription = find_subscription(subscriptions, shard->subscription);
		DdbReader  *reader;

		if (subscription == NULL)
			continue;
		reader = find_reader(shard->subscription, shard->shard.number);
		if (reader == NULL)
			reader = add_reader(shard, subscription);
		reader->subscription = subscription;
		reader->shard = shard->shard;
		reader->parent = shard->parent;
		reader->stream_created = shard->stream_created;
		reader->arn = shard->arn;
		reader->known = true;
		reader->look = true;
		reader->rest_until = Min(reader->rest_until, GetCurrentTimestamp());
	}
}

/* positions are written by this process only, but for the time of a retry */
static void
take_positions(List *positions)
{
	ListCell   *lc;

	foreach(lc, positions)
	{
		DdbSubscriptionPosition *position = lfirst(lc);
		DdbReader  *reader = find_reader(position->subscription, position->shard);
		char	   *error;

		if (reader == NULL)
			continue;
		error = reader->position.error;
		reader->position = *position;
		reader->position.error = position->error ?
			MemoryContextStrdup(TopMemoryContext, position->error) : NULL;
		if (error != NULL)
			pfree(error);
	}
}

static void
drop_unknown_readers(void)
{
	ListCell   *lc;

	foreach(lc, readers)
	{
		DdbReader  *reader = lfirst(lc);

		if (reader->known)
			continue;
		ddb_reader_abandon(reader);
		if (reader->position.error != NULL)
			pfree(reader->position.error);
		pfree(reader);
		readers = foreach_delete_current(readers, lc);
	}
}

static bool
has_to_wait(const DdbReader *reader)
{
	ListCell   *lc;

	foreach(lc, readers)
	{
		const DdbReader *other = lfirst(lc);

		if (!other->finished && other != reader && other->subscription == reader->subscription &&
			(other->position.shard == reader->parent ||
			 other->stream_created < reader->stream_created))
			return true;
	}
	return false;
}

static void
order_readers(void)
{
	ListCell   *lc;

	foreach(lc, readers)
	{
		DdbReader  *reader = lfirst(lc);

		reader->ready = !reader->finished && !has_to_wait(reader);
	}
}

/* ----------------------------------------------------------------
 * Loading
 * ----------------------------------------------------------------
 */

/* what can never be served again is taken out of use */
static void
fail_orphans(List *subscriptions)
{
	ListCell   *lc;

	foreach(lc, subscriptions)
	{
		const DdbSubscription *subscription = lfirst(lc);
		bool		reads = false;
		ListCell   *lr;

		foreach(lr, readers)
		{
			const DdbReader *reader = lfirst(lr);

			reads |= reader->subscription == subscription && !reader->finished;
		}
		if (!subscription->active || reads)
			continue;
		if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(subscription->owner)))
			ddb_subscription_fail(subscription->id,
								  "the owner of the subscription does not exist any more");
		else if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(subscription->relid)))
			ddb_subscription_fail(subscription->id, "the table does not exist any more");
	}
}

static void
load(void)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo subscriptions",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	List	   *subscriptions;
	List	   *shards;
	List	   *positions;
	ListCell   *lc;

	stale = false;
	subscriptions = ddb_subscription_load();
	shards = ddb_subscription_load_shards();
	positions = ddb_subscription_load_positions();
	foreach(lc, readers)
		((DdbReader *) lfirst(lc))->known = false;
	take_shards(subscriptions, shards);
	take_positions(positions);
	drop_unknown_readers();
	order_readers();
	MemoryContextSwitchTo(caller);
	if (definitions != NULL)
		MemoryContextDelete(definitions);
	definitions = context;
	loaded_at = GetCurrentTimestamp();
	fail_orphans(subscriptions);
}

static void
forget_all(void)
{
	ListCell   *lc;

	foreach(lc, readers)
		((DdbReader *) lfirst(lc))->known = false;
	drop_unknown_readers();
}

/* have records been stored, or shards made, since the last look? */
static bool
look_at_mark(void)
{
	DdbStoredMark now;

	if (!ddb_subscription_stored_mark(&now) || memcmp(&now, &mark, sizeof(mark)) == 0)
		return false;
	if (now.shard != mark.shard)
		stale = true;
	mark = now;
	return true;
}

static void
wake_readers(void)
{
	ListCell   *lc;

	foreach(lc, readers)
		((DdbReader *) lfirst(lc))->look = true;
	busy_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BUSY_MS);
}

static bool
is_due(TimestampTz since, int ms)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), ms);
}

/* what is to be found out before readers take their turns, in a transaction */
static void
look_around(void *arg)
{
	relation = ddb_subscription_relation();
	if (!OidIsValid(relation))
	{
		forget_all();
		return;
	}
	if (readers != NIL && look_at_mark())
		wake_readers();
	if (stale || is_due(loaded_at, RELOAD_MS))
		load();
	if (is_due(trimmed_at, TRIM_MS))
	{
		ddb_subscription_trim();
		trimmed_at = GetCurrentTimestamp();
	}
}

/* false, with the error logged, if it failed */
static bool
run_look_around(void)
{
	if (ddb_session_transaction(look_around, NULL))
		return true;
	stale = true;
	return false;
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

/* every reader once; true if one of them had something to do */
static bool
take_turns(void)
{
	bool		busy = false;
	bool		finished = false;
	ListCell   *lc;

	foreach(lc, readers)
	{
		DdbReader  *reader = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (!reader->ready || reader->finished)
			continue;
		if (stale)
			return true;
		busy |= ddb_reader_turn(reader) == DDB_TURN_DONE;
		finished |= reader->finished;
	}
	if (finished)
		order_readers();
	return busy || finished;
}

static long
pause_ms(void)
{
	if (readers == NIL)
		return UNUSED_WAIT_MS;
	return GetCurrentTimestamp() < busy_until ? BUSY_WAIT_MS : IDLE_WAIT_MS;
}

/* while posts are under way libcurl waits for them */
static void
wait_ms(long ms)
{
	pgstat_report_activity(STATE_IDLE, NULL);
	if (ddb_post_count() > 0)
	{
		ddb_post_perform(Min(ms, BUSY_WAIT_MS));
		ms = 0;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	ddb_session_reload();
}

void
ddb_subscription_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	ddb_session_init("pg_dynamo subscriptions");

	/* what a crash takes back, position included, is delivered again */
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	ddb_target_init();
	before_shmem_exit(ddb_reader_exit, (Datum) 0);
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo subscriptions worker",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	for (;;)
	{
		if (!run_look_around())
			wait_ms(TROUBLE_WAIT_MS);
		else if (!take_turns())
			wait_ms(pause_ms());
		else
			ddb_post_perform(0);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
	}
}

/* not started on a standby until that is promoted */
void
ddb_subscription_init(void)
{
	BackgroundWorker worker;

	if (wal_level < WAL_LEVEL_LOGICAL)
		return;
	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_subscription_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo subscriptions");
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo subscriptions");
	RegisterBackgroundWorker(&worker);
}
