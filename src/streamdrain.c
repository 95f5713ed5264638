/*
 * streamdrain.c
 *	  The background worker that moves stream records from the log into the
 *	  retention tables.
 *
 * One decoding context is kept over the worker's life, outside transactions,
 * as a walsender keeps it: a transaction that stays open is decoded once, not
 * again with each poll.  Outputs wait in a spool; between transactions of the
 * log they are stored together with the position reached, the log is flushed,
 * and only then the slot is told that it may forget.
 *
 *		log --decode--> spool --one transaction--> records, position
 *		 ^                                                  |
 *		 +------------- slot confirmed after the flush -----+
 *
 * Anything unexpected ends the process; the postmaster starts it anew, and
 * what it had stored is recognised by its position.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "access/xlogutils.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/decode.h"
#include "replication/logical.h"
#include "replication/slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/varlena.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "guc.h"
#include "session.h"
#include "streamdrain_internal.h"

#define RESTART_SECONDS		1
#define BUSY_WAIT_MS		5		/* between looks at a log that has just moved */
#define IDLE_WAIT_MS		50
#define IDLE_AFTER_MS		1000
#define UNUSED_WAIT_MS		200		/* while no table has a stream */
#define STORE_BYTES			(1024 * 1024)	/* of outputs, stored without waiting for more */
#define STORE_DELAY_MS		5
#define CONFIRM_MS			1000	/* how often a quiet log is confirmed */
#define CONFIRM_RECORDS		1024	/* of the log, between looks at the clock */
#define REPORT_MS			200
#define MAINTAIN_MS			1000
#define REST_MS				10000	/* between looks at tables while there is no slot */
#define PREPARE_MS			10000	/* how long enabling waits for a slot */
#define MAKER_LOCK_CLASS	0xDD13	/* of lock tags; users have classes 1 and 2 */
#define MAKER_WAIT_MS		5		/* between looks at what another maker does */
#define MAKER_MS			1000	/* how long a failed attempt at a slot is the answer */
#define ENSURE_MS			5000	/* between starts of workers by one session */
#define UNFINISHED_MS		5000	/* a slot without a position is then begun anew */
#define UNUSED_MS			(10 * 60 * 1000)	/* a slot that no stream needs is then dropped */

extern DDB_EXPORT void ddb_streamdrain_main(Datum arg);
extern DDB_EXPORT void ddb_streamdrain_slot_main(Datum arg);

typedef struct Drain
{
	MemoryContext context;
	MemoryContext round;		/* reset with every round of work */
	LogicalDecodingContext *decoding;
	DdbSpool   *spool;
	bool		in_transaction; /* outputs of a transaction are incomplete */
	TimestampTz first_output;	/* of those not stored; 0 for none */
	TimestampTz last_confirm;
	TimestampTz last_maintenance;
	TimestampTz last_progress;
	TimestampTz last_needed;
	bool		unneeded;		/* no stream has needed the slot for long */
	TimestampTz last_rest;
	TimestampTz complete_to;	/* what was in the log then has been read; 0: unknown */
	TimestampTz last_report;	/* of being up to date, for the activity view */
} Drain;

static Drain drain;

static bool
is_due(TimestampTz since, int ms)
{
	return TimestampDifferenceExceeds(since, GetCurrentTimestamp(), ms);
}

/* ----------------------------------------------------------------
 * Decoding
 * ----------------------------------------------------------------
 */

static void
prepare_write(LogicalDecodingContext *context, XLogRecPtr lsn, TransactionId xid, bool last_write)
{
	resetStringInfo(context->out);
}

static void
do_write(LogicalDecodingContext *context, XLogRecPtr lsn, TransactionId xid, bool last_write)
{
	const DdbOutputHeader *header = (const DdbOutputHeader *) context->out->data;

	if (context->out->len < (int) sizeof(DdbOutputHeader))
		elog(ERROR, "output of the plugin is too short");
	drain.in_transaction = header->kind != DDB_OUTPUT_COMMIT;
	if (header->kind == DDB_OUTPUT_COMMIT)
		return;
	if (drain.first_output == 0)
		drain.first_output = GetCurrentTimestamp();
	ddb_spool_append(drain.spool, context->out->data, context->out->len);
}

/*
 * Snapshots pass over a process that decodes outside of transactions, for it
 * does not write.  This one does: left out of snapshots, its transactions under
 * way would look to others as if they had been rolled back, and be marked so.
 */
static void
be_seen_by_snapshots(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->statusFlags &= ~PROC_IN_LOGICAL_DECODING;
	ProcGlobal->statusFlags[MyProc->pgxactoff] = MyProc->statusFlags;
	LWLockRelease(ProcArrayLock);
}

static void
begin_decoding(void)
{
	List	   *options = list_make1(makeDefElem("format", (Node *) makeString("internal"), -1));

	ReplicationSlotAcquire(ddb_drain_slot_name(), true);
	drain.decoding = CreateDecodingContext(InvalidXLogRecPtr, options, false,
										   XL_ROUTINE(.page_read = read_local_xlog_page,
													  .segment_open = wal_segment_open,
													  .segment_close = wal_segment_close),
										   prepare_write, do_write, NULL);
	be_seen_by_snapshots();
	drain.complete_to = 0;
	XLogBeginRead(drain.decoding->reader, MyReplicationSlot->data.restart_lsn);
	drain.in_transaction = false;
}

static void
end_decoding(void)
{
	FreeDecodingContext(drain.decoding);
	drain.decoding = NULL;
	ReplicationSlotRelease();
}

/*
 * Store what is spooled, then confirm.  The position is where reading goes on:
 * everything committed before it has been put out.
 */
static void
store(void)
{
	XLogRecPtr	position = drain.decoding->reader->EndRecPtr;

	if (ddb_spool_bytes(drain.spool) > 0)
	{
		ddb_drain_store(drain.spool, position, drain.complete_to);
		ddb_spool_reset(drain.spool);
		XLogFlush(XactLastCommitEnd);
	}
	drain.first_output = 0;
	drain.last_confirm = GetCurrentTimestamp();
	LogicalConfirmReceivedLocation(position);
}

/*
 * For dynamo.stat_streams: since when this process is as it is in the activity
 * view, idle as soon as it has stored everything, says how far behind it is.
 */
static void
report_idle(void)
{
	if (!is_due(drain.last_report, REPORT_MS))
		return;
	drain.last_report = GetCurrentTimestamp();
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* between transactions: is it time to store, though more can be read at once? */
static bool
store_is_due(int records)
{
	if (drain.in_transaction)
		return false;
	return ddb_spool_bytes(drain.spool) > STORE_BYTES ||
		(records % CONFIRM_RECORDS == 0 && is_due(drain.last_confirm, CONFIRM_MS));
}

/*
 * Read the log up to where it is flushed; true when there was something to
 * read.  What the reader allocates on its way has to last.
 */
static bool
read_log(void)
{
	XLogReaderState *reader = drain.decoding->reader;
	TimestampTz begin = GetCurrentTimestamp();
	XLogRecPtr	end = GetFlushRecPtr(NULL);
	bool		progress = false;
	int			records = 0;

	MemoryContextSwitchTo(drain.context);
	while (reader->EndRecPtr < end && !ShutdownRequestPending)
	{
		char	   *message = NULL;
		XLogRecord *record;

		CHECK_FOR_INTERRUPTS();
		record = XLogReadRecord(reader, &message);
		if (message != NULL)
			elog(ERROR, "could not read the log for streams: %s", message);
		if (record != NULL)
			LogicalDecodingProcessRecord(drain.decoding, reader);
		progress = true;
		if (store_is_due(++records))
		{
			store();
			MemoryContextSwitchTo(drain.context);
		}
	}
	if (reader->EndRecPtr >= end)
		drain.complete_to = begin;
	MemoryContextSwitchTo(drain.round);
	return progress;
}

/* ----------------------------------------------------------------
 * The slot
 * ----------------------------------------------------------------
 */

static ReplicationSlot *
find_slot(void)
{
	ReplicationSlot *slot = SearchNamedReplicationSlot(ddb_drain_slot_name(), true);

	if (slot == NULL)
		elog(ERROR, "replication slot \"%s\" has vanished", ddb_drain_slot_name());
	return slot;
}

/*
 * A new slot in a new epoch.  The plugin must see the epoch from the first
 * change on, so it is committed before the slot is made.
 */
static void
make_slot(void)
{
	if (ddb_drain_slot_state() != DDB_SLOT_MISSING)
		ddb_drain_slot_drop();
	(void) ddb_drain_begin_epoch();
	ddb_drain_slot_create();
	(void) ddb_drain_begin_slot(find_slot()->data.confirmed_flush);
}

/*
 * One process at a time makes this database's slot.  Locks of users' kind end
 * with the process.
 */
static bool
may_make_slot(LOCKTAG *tag)
{
	tag->locktag_field1 = MyDatabaseId;
	tag->locktag_field2 = 0;
	tag->locktag_field3 = 0;
	tag->locktag_field4 = MAKER_LOCK_CLASS;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
	return LockAcquire(tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

/* the drain's way: false if another process is at it, or has been */
static bool
make_slot_anew(DdbSlotState found)
{
	LOCKTAG		tag;
	bool		made = false;

	if (!may_make_slot(&tag))
		return false;
	if (ddb_drain_slot_state() == found)
	{
		make_slot();
		made = true;
	}
	LockRelease(&tag, ExclusiveLock, true);
	return made;
}

/*
 * May reading begin at the slot that is there?  While its first position is
 * missing, its maker is about to write it, or has died.  Without the extension
 * nobody needs the slot.  An extension that was dropped and made again knows no
 * epoch, and needs another slot: the server cannot decode changes of a user
 * catalog table that is gone.
 */
static bool
may_begin(void)
{
	static TimestampTz unfinished_since = 0;
	DdbSequence stored;

	if (find_slot()->active_pid != 0)
		return false;
	if (!ddb_drain_extension_exists())
	{
		ddb_drain_slot_drop();
		return false;
	}
	if (!ddb_drain_has_epoch())
		return make_slot_anew(DDB_SLOT_USABLE);
	if (ddb_drain_position(&stored))
	{
		unfinished_since = 0;
		if (ddb_drain_is_of_timeline(GetWALInsertionTimeLine()))
			return true;
		ereport(WARNING,
				(errmsg("replication slot \"%s\" is from before this server was promoted, and is made anew",
						ddb_drain_slot_name())));
		return make_slot_anew(DDB_SLOT_USABLE);
	}
	if (unfinished_since == 0)
		unfinished_since = GetCurrentTimestamp();
	else if (is_due(unfinished_since, UNFINISHED_MS))
	{
		unfinished_since = 0;
		if (!ddb_drain_begin_slot(find_slot()->data.confirmed_flush))
			ddb_drain_slot_drop();
	}
	return false;
}

static bool
can_decode(void)
{
	return !RecoveryInProgress() && XLogLogicalInfoActive();
}

/*
 * See to it that there is a slot if there are streams; false while there is
 * nothing to do.
 */
static bool
have_slot(void)
{
	DdbSlotState state = ddb_drain_slot_state();

	switch (state)
	{
		case DDB_SLOT_USABLE:
			return may_begin();
		case DDB_SLOT_BEGUN:
			return false;
		case DDB_SLOT_LOST:
		case DDB_SLOT_MISSING:
			break;
	}
	if (!is_due(drain.last_rest, REST_MS))
		return false;
	drain.last_rest = GetCurrentTimestamp();
	if (!ddb_drain_is_needed())
	{
		ddb_drain_maintain(InvalidXLogRecPtr);
		return false;
	}
	return make_slot_anew(state);
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

static void
wait_ms(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	ddb_session_reload();
}

static void
work_off(void)
{
	TimestampTz now;

	if (read_log())
		drain.last_progress = GetCurrentTimestamp();
	if (drain.first_output == 0)
		report_idle();
	if (!drain.in_transaction &&
		((drain.first_output != 0 && is_due(drain.first_output, STORE_DELAY_MS)) ||
		 is_due(drain.last_confirm, CONFIRM_MS)))
		store();
	now = GetCurrentTimestamp();
	if (TimestampDifferenceExceeds(drain.last_maintenance, now, MAINTAIN_MS) &&
		ddb_spool_bytes(drain.spool) == 0)
	{
		drain.last_maintenance = now;
		ddb_drain_maintain(drain.decoding->reader->EndRecPtr);
		if (ddb_drain_is_needed())
			drain.last_needed = now;
		drain.unneeded = TimestampDifferenceExceeds(drain.last_needed, now, UNUSED_MS);
	}
}

static long
pause_ms(void)
{
	if (drain.first_output != 0)
		return 1;
	return is_due(drain.last_progress, IDLE_AFTER_MS) ? IDLE_WAIT_MS : BUSY_WAIT_MS;
}

/* until the process ends, or no stream is left */
static void
run(void)
{
	MemoryContextSwitchTo(drain.context);
	begin_decoding();
	drain.last_maintenance = drain.last_confirm = drain.last_progress = 0;
	drain.last_needed = GetCurrentTimestamp();
	drain.unneeded = false;
	while (!ShutdownRequestPending && !drain.unneeded)
	{
		MemoryContextSwitchTo(drain.round);
		MemoryContextReset(drain.round);
		work_off();
		wait_ms(pause_ms());
	}
	end_decoding();
	if (drain.unneeded && !ShutdownRequestPending)
		ddb_drain_slot_drop();
	drain.last_rest = 0;
}

static void
start(const char *name, Oid database)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	if (OidIsValid(database))
		BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	else
		BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	ddb_session_init(name);
	drain.context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo stream drain",
										  ALLOCSET_DEFAULT_SIZES);
	drain.round = AllocSetContextCreate(drain.context, "pg_dynamo stream round",
										ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(drain.context);
}

/*
 * Somebody who ended the worker of a database that is to be dropped would not
 * like it to come back.  One whose slot was taken away does.
 */
static int
exit_status(Oid database)
{
	return OidIsValid(database) && ddb_drain_slot_state() != DDB_SLOT_LOST ? 0 : 1;
}

/* has another worker had the slot for some time? */
static bool
is_superfluous(void)
{
	static TimestampTz since = 0;
	ReplicationSlot *slot = SearchNamedReplicationSlot(ddb_drain_slot_name(), true);

	if (slot == NULL || slot->active_pid == 0)
		since = 0;
	else if (since == 0)
		since = GetCurrentTimestamp();
	return since != 0 && is_due(since, UNFINISHED_MS);
}

/* arg: the database, or InvalidOid for that of dynamo.database */
void
ddb_streamdrain_main(Datum arg)
{
	Oid			database = DatumGetObjectId(arg);

	start("pg_dynamo streams", database);
	drain.spool = ddb_spool_create(drain.context);
	while (!ShutdownRequestPending)
	{
		if (OidIsValid(database) && is_superfluous())
			proc_exit(0);
		if (can_decode() && have_slot())
			run();
		else
			wait_ms(UNUSED_WAIT_MS);
	}
	proc_exit(exit_status(database));
}

static bool
is_slot_wanted(void)
{
	DdbSlotState state = ddb_drain_slot_state();

	return state == DDB_SLOT_MISSING || state == DDB_SLOT_LOST;
}

/* the one-time worker that makes the slot for the first stream; arg: the database */
void
ddb_streamdrain_slot_main(Datum arg)
{
	LOCKTAG		tag;

	start("pg_dynamo stream slot", DatumGetObjectId(arg));
	while (is_slot_wanted() && !may_make_slot(&tag))
		wait_ms(MAKER_WAIT_MS);
	if (is_slot_wanted())
		make_slot();
	proc_exit(0);
}

/* ----------------------------------------------------------------
 * Registration
 * ----------------------------------------------------------------
 */

static void
describe_worker(BackgroundWorker *worker, const char *function, const char *name,
				int restart_seconds, Oid database)
{
	MemSet(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = restart_seconds;
	snprintf(worker->bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker->bgw_function_name, BGW_MAXLEN, "%s", function);
	snprintf(worker->bgw_name, BGW_MAXLEN, "%s", name);
	snprintf(worker->bgw_type, BGW_MAXLEN, "%s", name);
	worker->bgw_main_arg = ObjectIdGetDatum(database);
}

/* has the postmaster a worker for dynamo.database? */
static bool is_preloaded = false;

void
ddb_streamdrain_init(void)
{
	BackgroundWorker worker;

	if (wal_level < WAL_LEVEL_LOGICAL)
		return;
	is_preloaded = true;
	describe_worker(&worker, "ddb_streamdrain_main", "pg_dynamo streams",
					RESTART_SECONDS, InvalidOid);
	RegisterBackgroundWorker(&worker);
}

/*
 * Newer minor releases let only those libraries decode that a setting names.
 */
static void
check_plugin_is_allowed(void)
{
	const char *setting = GetConfigOption("output_plugin_libraries", true, false);
	List	   *names;
	ListCell   *lc;

	if (setting == NULL || !SplitGUCList(pstrdup(setting), ',', &names))
		return;
	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), "pg_dynamo") == 0)
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("streams need pg_dynamo as an output plugin"),
			 errhint("Add pg_dynamo to output_plugin_libraries in postgresql.conf and reload the server.")));
}

static void
check_requirements(void)
{
	if (!XLogLogicalInfoActive())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("streams need wal_level to be logical"),
				 errhint("Set wal_level = logical in postgresql.conf and restart the server.")));
	if (max_replication_slots == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("streams need a replication slot"),
				 errhint("Set max_replication_slots in postgresql.conf and restart the server.")));
	check_plugin_is_allowed();
}

/*
 * Is a worker of ours at this database's slot, or going to be?  Where the
 * library is preloaded, there is one for dynamo.database.
 */
static bool
is_served(void)
{
	ReplicationSlot *slot = SearchNamedReplicationSlot(ddb_drain_slot_name(), true);

	if (slot != NULL && slot->active_pid != 0 &&
		ddb_drain_slot_state() == DDB_SLOT_USABLE)
		return true;
	return is_preloaded && ddb_database != NULL &&
		strcmp(ddb_database, get_database_name(MyDatabaseId)) == 0;
}

void
ddb_streamdrain_ensure(void)
{
	static TimestampTz last_start = 0;
	BackgroundWorker worker;

	if (RecoveryInProgress() || is_served() ||
		ddb_drain_slot_state() == DDB_SLOT_MISSING || !is_due(last_start, ENSURE_MS))
		return;
	last_start = GetCurrentTimestamp();
	describe_worker(&worker, "ddb_streamdrain_main", "pg_dynamo streams",
					RESTART_SECONDS, MyDatabaseId);
	(void) RegisterDynamicBackgroundWorker(&worker, NULL);
}

static BackgroundWorkerHandle *
start_worker(const char *function, const char *name, int restart_seconds)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	describe_worker(&worker, function, name, restart_seconds, MyDatabaseId);
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("no background worker is free for streams"),
				 errhint("Increase max_worker_processes.")));
	return handle;
}

/*
 * The worker that makes the slot.  One call may come here many times before
 * there is a slot, and starts one only.
 */
static BackgroundWorkerHandle *
start_maker(void)
{
	static BackgroundWorkerHandle *maker = NULL;
	static TimestampTz since = 0;
	MemoryContext caller;
	pid_t		pid;

	if (maker != NULL && (GetBackgroundWorkerPid(maker, &pid) != BGWH_STOPPED || !is_due(since, MAKER_MS)))
		return maker;
	if (maker != NULL)
		pfree(maker);
	maker = NULL;
	caller = MemoryContextSwitchTo(TopMemoryContext);
	maker = start_worker("ddb_streamdrain_slot_main", "pg_dynamo stream slot", BGW_NEVER_RESTART);
	since = GetCurrentTimestamp();
	MemoryContextSwitchTo(caller);
	return maker;
}

/* repeated: somebody will repeat the call if it loses against a lock */
static void
wait_for_slot(BackgroundWorkerHandle *maker, bool repeated)
{
	TimestampTz begin = GetCurrentTimestamp();
	pid_t		pid;

	while (ddb_drain_slot_state() != DDB_SLOT_USABLE)
	{
		if (GetBackgroundWorkerPid(maker, &pid) == BGWH_STOPPED &&
			ddb_drain_slot_state() != DDB_SLOT_USABLE &&
			ddb_drain_slot_state() != DDB_SLOT_BEGUN)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the replication slot of streams could not be made"),
					 errhint("The server log tells why.")));
		if (repeated || is_due(begin, PREPARE_MS))
			ereport(ERROR,
					(errcode(repeated ? ERRCODE_LOCK_NOT_AVAILABLE :
							 ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the replication slot of streams is not ready yet"),
					 errhint("It waits for the transactions that are running to end. Try again then.")));
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
ddb_streamdrain_prepare(bool repeated)
{
	BackgroundWorkerHandle *maker;

	check_requirements();
	if (!is_served())
		(void) start_worker("ddb_streamdrain_main", "pg_dynamo streams", RESTART_SECONDS);
	if (ddb_drain_slot_state() == DDB_SLOT_USABLE)
		return;
	maker = start_maker();
	if (!TransactionIdIsValid(GetTopTransactionIdIfAny()))
		wait_for_slot(maker, repeated);
}
