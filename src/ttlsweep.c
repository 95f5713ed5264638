/*
 * ttlsweep.c
 *	  Deleting expired items.
 *
 * A background worker goes over the expiry index of each table of its database
 * (ttlindex.h), oldest values first, and deletes the items in batches, each a
 * transaction of some milliseconds, at a limited rate.  dynamo.expire_items()
 * does the same in the transaction of its caller, for databases that no worker
 * serves.
 *
 * An item is deleted by the statement that deletes items for the API, as the
 * owner of its table, with the user's triggers and foreign keys; whether it is
 * still expired is decided on the newest version of its row.
 *
 * A batch that fails is rolled back and repeated item by item.  An item that
 * cannot be deleted, because another row refers to it, say, or because somebody
 * holds it, is passed over: the sweep goes on behind it, and begins again at the
 * start of the index after a while that doubles with each pass that meets such
 * items.  So none of them stops the others, and none is tried all the time.
 *
 * The stream records of these deletions name the service.  What tells the
 * output plugin is a message in the log, first in the transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/message.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "compat.h"
#include "guc.h"
#include "session.h"
#include "store.h"
#include "streamformat.h"
#include "ttlindex.h"
#include "ttlsweep.h"

#define RESTART_SECONDS		5
#define RETRY_MIN_MS		10000	/* before passed over items are tried again */
#define RETRY_DOUBLINGS		6
#define SLICE_MS			1000	/* of one table, while others wait */
#define PATIENCE			"50ms"	/* with locks of others */

extern DDB_EXPORT void ddb_ttl_sweep_main(Datum arg);

DDB_FUNCTION(ddb_expire_items);
DDB_FUNCTION(ddb_expired_items);

/* where the sweep of a table is; the worker keeps it as long as the table */
typedef struct TableSweep
{
	Oid			index_relid;	/* of its expiry index */
	Oid			relid;
	bool		has_position;
	DdbExpiryPosition position; /* of the last entry done or passed over */
	int64		passed_over;	/* items, since the start of the index */
	int			failed_passes;	/* in a row */
	TimestampTz retry_at;		/* when to begin at the start again; 0: with the next sweep */
	TimestampTz rest_until;		/* the table was not to be had */
	bool		listed;
} TableSweep;

/* what one sweep of a table has done */
typedef struct SweepResult
{
	int64		deleted;
	int64		passed_over;
	char	   *error;			/* of the first item passed over; NULL for none */
	bool		at_end;
} SweepResult;

/* one transaction of it */
typedef struct Batch
{
	const TableSweep *sweep;
	int			limit;			/* entries */
	bool		marks;			/* write the message to the log? */
	MemoryContext context;		/* of last */
	int			found;			/* entries */
	int			deleted;		/* items */
	DdbExpiryPosition last;		/* of the last entry found */
} Batch;

/* run a batch; false, with the error in the caller's context, if it was rolled back */
typedef bool (*BatchRunner) (Batch *batch, ErrorData **error);

/* ----------------------------------------------------------------
 * One batch
 * ----------------------------------------------------------------
 */

/* a deletion that depends on the item being expired still */
typedef struct ExpiryWrite
{
	DdbWrite	write;
	const DdbIndex *index;
	const DdbExpiryRange *range;
} ExpiryWrite;

static Jsonb *
check_expired(DdbWrite *write, DdbDoc item)
{
	ExpiryWrite *expiry = (ExpiryWrite *) write;

	write->keep = !ddb_ttl_is_expired(expiry->index, item, expiry->range);
	return NULL;
}

static void
mark_transaction(void)
{
	if (XLogLogicalInfoActive())
		(void) ddb_log_logical_message(DDB_MESSAGE_PREFIX, DDB_MESSAGE_EXPIRY,
									   strlen(DDB_MESSAGE_EXPIRY), true);
}

static void
copy_position(DdbExpiryPosition *out, const DdbExpiryPosition *position, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);

	out->value = datumCopy(position->value, false, -1);
	out->tie = datumCopy(position->tie, false, -1);
	MemoryContextSwitchTo(caller);
}

/* the table as its writers lock it, and its expiry index; NULL when one is gone */
static const DdbTable *
open_table(const TableSweep *sweep, const DdbIndex **index)
{
	const DdbTable *table;

	LockRelationOid(sweep->relid, RowExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sweep->relid)))
		return NULL;
	table = ddb_catalog_of_relation(sweep->relid);
	*index = table ? ddb_ttl_index(table) : NULL;
	if (*index == NULL || (*index)->relid != sweep->index_relid)
		return NULL;
	return table;
}

/* the items of entries, as the table's owner; returns how many were deleted */
static int
delete_items(const DdbTable *table, const DdbIndex *index, const DdbExpiryRange *range,
			 const DdbExpiryEntry *entries, int count)
{
	ExpiryWrite expiry = {{.apply = check_expired}, .index = index, .range = range};
	DdbAsOwner	as_owner;
	int			deleted = 0;
	int			i;

	expiry.write.context = CurrentMemoryContext;
	ddb_as_owner_begin(&as_owner, ddb_relation_owner(table->relid));
	(void) set_config_option("lock_timeout", PATIENCE, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	for (i = 0; i < count; i++)
	{
		DdbKey		key;

		CHECK_FOR_INTERRUPTS();
		ddb_key_of_item(&table->keys, ddb_doc_root(entries[i].item), &key);
		if (ddb_store_delete(table, &key, &expiry.write))
			deleted++;
	}
	ddb_as_owner_end(&as_owner);
	return deleted;
}

/* in a transaction, with a snapshot of its own */
static void
run_batch(Batch *batch)
{
	const TableSweep *sweep = batch->sweep;
	const DdbIndex *index;
	const DdbTable *table = open_table(sweep, &index);
	DdbExpiryRange range;
	DdbExpiryEntry *entries;

	if (table == NULL)
		return;
	ddb_ttl_range(&range);
	entries = palloc(sizeof(DdbExpiryEntry) * batch->limit);
	PushActiveSnapshot(GetTransactionSnapshot());
	batch->found = ddb_ttl_index_read(index, &range,
									  sweep->has_position ? &sweep->position : NULL,
									  batch->limit, entries);
	PopActiveSnapshot();
	if (batch->found == 0)
		return;
	copy_position(&batch->last, &entries[batch->found - 1].position, batch->context);
	if (batch->marks)
		mark_transaction();
	batch->deleted = delete_items(table, index, &range, entries, batch->found);
}

/* a batch as a transaction */
static bool
run_as_transaction(Batch *batch, ErrorData **error)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		run_batch(batch);
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	pgstat_report_stat(false);
	return done;
}

/* a batch within the present transaction; a cancellation is not held up */
static bool
run_as_subtransaction(Batch *batch, ErrorData **error)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		run_batch(batch);
		ReleaseCurrentSubTransaction();
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (!done && (*error)->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(*error);
	return done;
}

/* ----------------------------------------------------------------
 * One table
 * ----------------------------------------------------------------
 */

static void
free_position(DdbExpiryPosition *position)
{
	pfree(DatumGetPointer(position->value));
	pfree(DatumGetPointer(position->tie));
}

static void
forget_position(TableSweep *sweep)
{
	if (sweep->has_position)
		free_position(&sweep->position);
	sweep->has_position = false;
	sweep->passed_over = 0;
	sweep->retry_at = 0;
}

static void
advance(TableSweep *sweep, const DdbExpiryPosition *last)
{
	if (sweep->has_position)
		free_position(&sweep->position);
	sweep->position = *last;
	sweep->has_position = true;
}

/* a table that is locked for long, or altered, is left alone for a while */
static void
note_failure(TableSweep *sweep, SweepResult *result, const Batch *batch, const ErrorData *error)
{
	if (result->error == NULL)
		result->error = pstrdup(error->message);
	if (batch->found == 0)
		sweep->rest_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_MIN_MS);
}

/* all entries have been met: the next sweep begins anew, or here if any was passed over */
static void
end_pass(TableSweep *sweep)
{
	int			doublings = Min(sweep->failed_passes, RETRY_DOUBLINGS);

	if (sweep->passed_over == 0)
	{
		forget_position(sweep);
		sweep->failed_passes = 0;
	}
	else if (sweep->retry_at == 0)
	{
		sweep->retry_at = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													  RETRY_MIN_MS << doublings);
		sweep->failed_passes++;
	}
}

/* wait so that n items more keep to the rate; *next is when they may be had */
static void
keep_rate(TimestampTz *next, int n)
{
	TimestampTz now = GetCurrentTimestamp();

	if (ddb_ttl_rate == 0 || n == 0)
		return;
	*next = Max(*next, now) + n * USECS_PER_SEC / ddb_ttl_rate;
	while (now < *next)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (*next - now + 999) / 1000, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		now = GetCurrentTimestamp();
	}
}

/* with a pace, no more than may be deleted in a second */
static int
batch_size(bool has_pace)
{
	return has_pace && ddb_ttl_rate > 0 ? Min(ddb_ttl_batch, ddb_ttl_rate) : ddb_ttl_batch;
}

/*
 * Sweep a table until there is nothing more or, with a pace (NULL: none), its
 * slice of time is over.  Positions are kept in the memory of sweeps.
 */
static void
sweep_table(TableSweep *sweep, BatchRunner runner, TimestampTz *pace,
			MemoryContext sweeps, SweepResult *result)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), SLICE_MS);
	int			single = 0;		/* entries to be done one at a time */

	memset(result, 0, sizeof(*result));
	result->at_end = sweep->rest_until > GetCurrentTimestamp();
	if (result->at_end)
		return;
	if (sweep->retry_at != 0 && sweep->retry_at <= GetCurrentTimestamp())
		forget_position(sweep);
	while (pace == NULL || GetCurrentTimestamp() < end)
	{
		Batch		batch = {.sweep = sweep, .marks = pace != NULL, .context = sweeps};
		ErrorData  *error = NULL;
		bool		done;

		CHECK_FOR_INTERRUPTS();
		batch.limit = single > 0 ? 1 : batch_size(pace != NULL);
		done = runner(&batch, &error);
		result->at_end = batch.found == 0;
		if (!done)
			note_failure(sweep, result, &batch, error);
		if (batch.found == 0)
			break;
		if (!done && batch.found > 1)
		{
			free_position(&batch.last);
			single = batch.found;
			continue;
		}
		advance(sweep, &batch.last);
		single = Max(single - 1, 0);
		if (done)
			result->deleted += batch.deleted;
		else
		{
			result->passed_over++;
			sweep->passed_over++;
		}
		if (pace != NULL)
			keep_rate(pace, batch.found);
	}
	if (result->at_end)
		end_pass(sweep);
}

/* ----------------------------------------------------------------
 * Statistics
 * ----------------------------------------------------------------
 */

/* as the extension's owner; the caller is in a transaction */
static void
save_result(const TableSweep *sweep, const SweepResult *result)
{
	static const char *const sql =
		"INSERT INTO dynamo.ttl_sweep AS s (index_relid, deleted, passed_over, last_error, last_sweep)"
		" SELECT index_relid, $2, $3, $4, pg_catalog.clock_timestamp()"
		" FROM dynamo.index_definition WHERE index_relid = $1"
		" ON CONFLICT (index_relid) DO UPDATE SET deleted = s.deleted + EXCLUDED.deleted,"
		" passed_over = s.passed_over + EXCLUDED.passed_over,"
		" last_error = coalesce(EXCLUDED.last_error, s.last_error), last_sweep = EXCLUDED.last_sweep";
	Oid			types[4] = {REGCLASSOID, INT8OID, INT8OID, TEXTOID};
	Datum		values[4];
	char		nulls[5] = "    ";
	DdbAsOwner	as_owner;
	int			rc;

	values[0] = ObjectIdGetDatum(sweep->index_relid);
	values[1] = Int64GetDatum(result->deleted);
	values[2] = Int64GetDatum(result->passed_over);
	values[3] = result->error ? CStringGetTextDatum(result->error) : (Datum) 0;
	nulls[3] = result->error ? ' ' : 'n';
	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_with_args(sql, lengthof(types), types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not write statistics of expiry: %s", SPI_result_code_string(rc));
	SPI_finish();
	ddb_as_owner_end(&as_owner);
}

static bool
is_worth_saving(const SweepResult *result)
{
	return result->deleted > 0 || result->error != NULL;
}

/*
 * Count items that have expired and are there, of the table with that oid, for
 * who has any privilege on it; NULL when its time to live is disabled.
 */
Datum
ddb_expired_items(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const DdbTable *table;
	const DdbIndex *index = NULL;
	DdbExpiryRange range;
	int64		count;

	LockRelationOid(relid, AccessShareLock);
	table = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ?
		ddb_catalog_of_relation(relid) : NULL;
	if (table != NULL)
		index = ddb_ttl_index(table);
	if (index == NULL)
		PG_RETURN_NULL();
	if (pg_class_aclmask(table->relid, GetUserId(), ACL_ALL_RIGHTS_RELATION, ACLMASK_ANY) == 0)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table->relid));
	ddb_ttl_range(&range);
	PushActiveSnapshot(GetTransactionSnapshot());
	count = ddb_ttl_index_count(index, &range);
	PopActiveSnapshot();
	PG_RETURN_INT64(count);
}

/* ----------------------------------------------------------------
 * Tables to sweep
 * ----------------------------------------------------------------
 */

static TableSweep *
find_sweep(List *sweeps, Oid index_relid)
{
	ListCell   *lc;

	foreach(lc, sweeps)
	{
		TableSweep *sweep = lfirst(lc);

		if (sweep->index_relid == index_relid)
			return sweep;
	}
	return NULL;
}

static List *
add_sweep(List *sweeps, Oid relid, Oid index_relid, MemoryContext context)
{
	MemoryContext caller = MemoryContextSwitchTo(context);
	TableSweep *sweep = palloc0(sizeof(TableSweep));

	sweep->relid = relid;
	sweep->index_relid = index_relid;
	sweep->listed = true;
	sweeps = lappend(sweeps, sweep);
	MemoryContextSwitchTo(caller);
	return sweeps;
}

/*
 * The tables whose time to live is enabled, with what is known of those that
 * were there before; in context.  Needs a transaction.
 */
static List *
list_sweeps(List *sweeps, MemoryContext context)
{
	DdbAsOwner	as_owner;
	ListCell   *lc;
	uint64		i;
	int			rc;

	foreach(lc, sweeps)
		((TableSweep *) lfirst(lc))->listed = false;
	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute("SELECT relid, index_relid FROM dynamo.index_definition"
					 " WHERE index_name = '" DDB_EXPIRY_INDEX "' ORDER BY index_relid", true, 0);
	if (rc < 0)
		elog(ERROR, "could not read definitions of indexes: %s", SPI_result_code_string(rc));
	for (i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
		Oid			index_relid = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));
		TableSweep *known = find_sweep(sweeps, index_relid);

		if (known != NULL)
			known->listed = true;
		else
			sweeps = add_sweep(sweeps, relid, index_relid, context);
	}
	SPI_finish();
	ddb_as_owner_end(&as_owner);

	foreach(lc, sweeps)
	{
		TableSweep *sweep = lfirst(lc);

		if (sweep->listed)
			continue;
		forget_position(sweep);
		pfree(sweep);
		sweeps = foreach_delete_current(sweeps, lc);
	}
	return sweeps;
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

static void
refresh_sweeps(void *arg)
{
	List	  **sweeps = arg;

	if (OidIsValid(get_extension_oid("pg_dynamo", true)))
		*sweeps = list_sweeps(*sweeps, TopMemoryContext);
}

typedef struct SavedResult
{
	const TableSweep *sweep;
	const SweepResult *result;
} SavedResult;

static void
save_aside(void *arg)
{
	const SavedResult *saved = arg;

	save_result(saved->sweep, saved->result);
	if (saved->result->error != NULL && get_rel_name(saved->sweep->relid) != NULL)
		ereport(LOG,
				(errmsg("could not delete expired items of \"%s\": %s",
						get_rel_name(saved->sweep->relid), saved->result->error),
				 errdetail("Items passed over: " INT64_FORMAT ".",
						   saved->result->passed_over)));
}

/* every table once; returns whether one of them has more to do */
static bool
sweep_all(List *sweeps, TimestampTz *pace)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo expiry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		more = false;
	ListCell   *lc;

	foreach(lc, sweeps)
	{
		SweepResult result;
		SavedResult saved = {lfirst(lc), &result};

		sweep_table(lfirst(lc), run_as_transaction, pace, TopMemoryContext, &result);
		if (is_worth_saving(&result))
			(void) ddb_session_transaction(save_aside, &saved);
		more |= !result.at_end;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return more;
}

/* one round is done: until the next */
static void
wait_for_round(bool more)
{
	if (!more)
	{
		pgstat_report_stat(true);
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_EXIT_ON_PM_DEATH |
						 (ddb_ttl_interval > 0 ? WL_TIMEOUT : 0),
						 ddb_ttl_interval, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	CHECK_FOR_INTERRUPTS();
	ddb_session_reload();
}

void
ddb_ttl_sweep_main(Datum arg)
{
	List	   *sweeps = NIL;
	TimestampTz pace = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	ddb_session_init("pg_dynamo expiry");

	/* writers win; what a crash brings back is deleted again */
	SetConfigOption("lock_timeout", PATIENCE, PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	for (;;)
	{
		bool		more = false;

		if (ddb_ttl_interval > 0)
		{
			pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
			if (ddb_session_transaction(refresh_sweeps, &sweeps))
				more = sweep_all(sweeps, &pace);
		}
		wait_for_round(more);
	}
}

/* not started on a standby until that is promoted */
void
ddb_ttl_sweep_init(void)
{
	BackgroundWorker worker;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_ttl_sweep_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo expiry");
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo expiry");
	RegisterBackgroundWorker(&worker);
}

/* ----------------------------------------------------------------
 * The function
 * ----------------------------------------------------------------
 */

/* sweep a table, as its owner asked for it; returns how many items were deleted */
static int64
expire_table(TableSweep *sweep)
{
	SweepResult result;

	sweep_table(sweep, run_as_subtransaction, NULL, CurrentMemoryContext, &result);
	if (is_worth_saving(&result))
		save_result(sweep, &result);
	if (result.passed_over > 0)
		ereport(WARNING,
				(errmsg("could not delete " INT64_FORMAT " expired items of \"%s\": %s",
						result.passed_over, get_rel_name(sweep->relid), result.error)));
	else if (result.error != NULL)
		ereport(WARNING,
				(errmsg("could not delete expired items of \"%s\": %s",
						get_rel_name(sweep->relid), result.error)));
	return result.deleted;
}

/* the tables of the current user; or one, of which that must be the owner */
static List *
sweeps_of_caller(FunctionCallInfo fcinfo)
{
	List	   *sweeps = NIL;
	ListCell   *lc;

	if (PG_ARGISNULL(0))
		sweeps = list_sweeps(NIL, CurrentMemoryContext);
	else
	{
		text	   *argument = PG_GETARG_TEXT_PP(0);
		DdbText		name = {VARDATA_ANY(argument), VARSIZE_ANY_EXHDR(argument)};
		const DdbTable *table = ddb_catalog_open(name, RowExclusiveLock, DDB_ACL_OWNER,
												 "UpdateTimeToLive", true);
		const DdbIndex *index = ddb_ttl_index(table);

		if (index != NULL)
			sweeps = add_sweep(NIL, table->relid, index->relid, CurrentMemoryContext);
	}
	foreach(lc, sweeps)
	{
		TableSweep *sweep = lfirst(lc);

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(sweep->relid)) ||
			!pg_class_ownercheck(sweep->relid, GetUserId()))
			sweeps = foreach_delete_current(sweeps, lc);
	}
	return sweeps;
}

/*
 * expire_items(table_name text) returns bigint: delete expired items now, of
 * one table (NULL: of all that the current user owns); returns how many.  All
 * deletions of its transaction count as expiry, so that it must have none of
 * its own.
 */
Datum
ddb_expire_items(PG_FUNCTION_ARGS)
{
	List	   *sweeps;
	ListCell   *lc;
	int64		deleted = 0;

	PreventCommandDuringRecovery("dynamo.expire_items()");
	PreventInTransactionBlock(true, "dynamo.expire_items()");
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("dynamo.expire_items() must be called before its transaction writes")));
	sweeps = sweeps_of_caller(fcinfo);
	if (sweeps != NIL)
		mark_transaction();
	foreach(lc, sweeps)
		deleted += expire_table(lfirst(lc));
	PG_RETURN_INT64(deleted);
}
