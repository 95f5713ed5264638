/*
 * indexbuild.c
 *	  Filling an index that was added to a table with items, online.
 *
 * The transaction that creates the index keeps writers out of the item table
 * until it commits; from then on each writer keeps the index itself.  What is
 * left to do is to add the entries of the rows that were there before, and a
 * background worker of its own does that for each index, in batches, each a
 * transaction:
 *
 *		lock the item table as a writer does, which keeps its definition;
 *		read on in the order of the primary key after the last key done, lock
 *		each row, and add the entry of the row's newest version;
 *		write down the last key, in dynamo.index_build; commit.
 *
 * Keys do not change, so a row cannot move behind the cursor; one that is
 * inserted there is its writer's business.  A locked row has one version, and
 * who changes it next finds its entry in place.  So the index is exact when
 * the cursor has come to the end.
 *
 * Writers wait for a batch at most, and a batch for nobody while it holds a
 * row: one that meets a row locked by another ends before it, and the next one
 * begins with it.  A unique index can still make a batch wait for a writer, and
 * that one for the batch; the batch soon gives up, and is repeated, smaller.
 *
 * Rows are read by the table and index access methods: no policy of the
 * table's hides a row, and no function of its owner's runs in a plan.
 *
 * A build is alive while its worker holds a lock of its own.  Everything else
 * is in the catalog, so that any session may start a worker for a build that
 * has none, and it goes on where the last batch ended.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "error.h"
#include "index.h"
#include "indexbuild.h"
#include "indextable.h"
#include "stepworker.h"

/* a batch ends with the first of these */
#define BATCH_ITEMS		500
#define BATCH_BYTES		(1024 * 1024)
#define BATCH_MS		20

/* how long a batch waits for a lock once it has rows that others may want */
#define HOLDER_PATIENCE	"200ms"

#define SAMPLE_PAGES	1000	/* read of each relation to estimate its items */

/* field4 of the lock tag that a living build holds; the progress view knows it */
#define BUILD_LOCK_CLASS	0x0DDC

extern DDB_EXPORT void ddb_index_build_main(Datum arg);

DDB_FUNCTION(ddb_cancel_index_build);
DDB_FUNCTION(ddb_resume_index_builds);

/* a build as its catalog rows tell, with table and index locked */
typedef struct Build
{
	const DdbTable *table;
	const DdbIndex *index;
	Oid			part;			/* relation read last; InvalidOid: none yet */
	Jsonb	   *last_key;		/* of the last item done there; NULL: none */
	bool		is_measured;	/* the estimate of its items is written down */
} Build;

/* one turn of reading */
typedef struct Batch
{
	int			limit;			/* items */
	int			items;			/* done */
	int64		bytes;			/* of them */
	TimestampTz end;			/* when to stop */
	bool		is_locking;		/* does it hold a row? */
	bool		at_end;			/* no further rows in the relation */
	Jsonb	   *last_key;		/* of the last row done or gone; NULL: none */
} Batch;

/* a row that a scan found */
typedef enum RowState
{
	ROW_LOCKED,
	ROW_GONE,
	ROW_BUSY
} RowState;

/* ----------------------------------------------------------------
 * Workers
 * ----------------------------------------------------------------
 */

/* indexes that the present transaction has created; in its memory */
static List *pending = NIL;

static bool
start_worker(Oid index_relid)
{
	BackgroundWorker worker;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_index_build_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo index build of %u", index_relid);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo index build");
	worker.bgw_main_arg = ObjectIdGetDatum(index_relid);
	memcpy(worker.bgw_extra, &MyDatabaseId, sizeof(Oid));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* a rolled back subtransaction may have taken an index with it */
static void
forget_rolled_back(void)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			pending = foreach_delete_current(pending, lc);
	}
}

static void
start_pending(void)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		if (start_worker(lfirst_oid(lc)))
			continue;
		ereport(WARNING,
				(errmsg("could not start a background worker to build an index"),
				 errhint("Increase max_worker_processes. dynamo.resume_index_builds() starts what waits.")));
		return;
	}
}

/*
 * A prepared transaction is forgotten as well: who commits it may be another
 * session, and the build is resumed like any that has no worker.
 */
static void
at_transaction_event(XactEvent event, void *arg)
{
	if (pending == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			forget_rolled_back();
			return;
		case XACT_EVENT_COMMIT:
			start_pending();
			pending = NIL;
			return;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			pending = NIL;
			return;
		default:
			return;
	}
}

/*
 * ddb_index_build_at_commit: once this transaction commits, start a worker for
 * the index.  Nothing is raised when there is no free worker: the build is
 * there to be resumed.
 */
void
ddb_index_build_at_commit(Oid index_relid)
{
	static bool is_registered = false;
	MemoryContext caller;

	if (!is_registered)
		RegisterXactCallback(at_transaction_event, NULL);
	is_registered = true;
	caller = MemoryContextSwitchTo(TopTransactionContext);
	pending = list_append_unique_oid(pending, index_relid);
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------
 * The lock of a living build
 *
 * Of the users' lock method, whose session locks outlast a rolled back
 * transaction, in a tag that the users' own advisory locks do not have.
 * ----------------------------------------------------------------
 */

static void
set_build_tag(LOCKTAG *tag, Oid index_relid)
{
	tag->locktag_field1 = MyDatabaseId;
	tag->locktag_field2 = index_relid;
	tag->locktag_field3 = 0;
	tag->locktag_field4 = BUILD_LOCK_CLASS;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
}

/* for the rest of the session; false when another worker has it */
static bool
claim_build(Oid index_relid)
{
	LOCKTAG		tag;

	set_build_tag(&tag, index_relid);
	return LockAcquire(&tag, ExclusiveLock, true, true) != LOCKACQUIRE_NOT_AVAIL;
}

static bool
has_worker(Oid index_relid)
{
	LOCKTAG		tag;

	set_build_tag(&tag, index_relid);
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ExclusiveLock, false);
	return false;
}

/* ----------------------------------------------------------------
 * Catalog rows of a build
 * ----------------------------------------------------------------
 */

typedef struct BuildQuery
{
	const char *sql;
	int			nargs;
	Oid			types[4];
} BuildQuery;

static const BuildQuery query_waiting = {
	"SELECT d.index_relid, d.relid FROM dynamo.index_definition d"
	" LEFT JOIN dynamo.index_build b USING (index_relid)"
	" WHERE d.status <> 'A' AND ($1 OR b.retry_at IS NULL OR b.retry_at <= now())",
	1, {BOOLOID}
};

static const BuildQuery query_read = {
	"SELECT d.relid, b.part, b.last_key, b.items_total FROM dynamo.index_definition d"
	" LEFT JOIN dynamo.index_build b USING (index_relid)"
	" WHERE d.index_relid = $1",
	1, {REGCLASSOID}
};

static const BuildQuery query_begin = {
	"INSERT INTO dynamo.index_build AS b (index_relid, items_total) VALUES ($1, $2)"
	" ON CONFLICT (index_relid) DO UPDATE SET"
	" items_total = coalesce(EXCLUDED.items_total, b.items_total),"
	" last_error = NULL, retry_at = NULL",
	2, {REGCLASSOID, INT8OID}
};

static const BuildQuery query_proceed = {
	"UPDATE dynamo.index_build SET part = $2, last_key = $3,"
	" items_done = items_done + $4, failures = 0 WHERE index_relid = $1",
	4, {REGCLASSOID, OIDOID, JSONBOID, INT8OID}
};

static const BuildQuery query_end = {
	"DELETE FROM dynamo.index_build WHERE index_relid = $1",
	1, {REGCLASSOID}
};

/* what was cancelled waits for somebody to resume it */
static const BuildQuery query_fail = {
	"INSERT INTO dynamo.index_build AS b (index_relid, failures, last_error, retry_at)"
	" SELECT index_relid, 1, $2,"
	"  CASE WHEN $3 THEN 'infinity' ELSE now() + interval '10 s' END"
	" FROM dynamo.index_definition WHERE index_relid = $1"
	" ON CONFLICT (index_relid) DO UPDATE SET"
	" failures = b.failures + 1, last_error = EXCLUDED.last_error,"
	" retry_at = CASE WHEN $3 THEN 'infinity'"
	"  ELSE now() + least(interval '10 s' * 2 ^ least(b.failures, 10), interval '1 h') END",
	3, {REGCLASSOID, TEXTOID, BOOLOID}
};

/*
 * Run a query as the extension's owner, connected to SPI; finish ends what
 * this begins.  Returns the number of rows.
 */
static uint64
run(DdbAsOwner *as_owner, const BuildQuery *query, Datum *values, const char *nulls)
{
	Oid			types[lengthof(query->types)];
	int			rc;

	memcpy(types, query->types, sizeof(types));
	ddb_as_owner_begin(as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_with_args(query->sql, query->nargs, types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not read or write the progress of an index build: %s",
			 SPI_result_code_string(rc));
	return SPI_processed;
}

static void
finish(DdbAsOwner *as_owner)
{
	SPI_finish();
	ddb_as_owner_end(as_owner);
}

/* run a query that returns nothing; how many rows it wrote */
static uint64
run_and_finish(const BuildQuery *query, Datum *values, const char *nulls)
{
	DdbAsOwner	as_owner;
	uint64		rows = run(&as_owner, query, values, nulls);

	finish(&as_owner);
	return rows;
}

static Datum
result(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/*
 * Where the build is, and of which item table; false when the index is no
 * more.
 */
static bool
read_build(Oid index_relid, Oid *relid, Build *build)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {ObjectIdGetDatum(index_relid)};
	DdbAsOwner	as_owner;
	bool		exists = run(&as_owner, &query_read, values, NULL) > 0;

	memset(build, 0, sizeof(*build));
	if (exists)
	{
		bool		isnull;
		Datum		value;

		*relid = DatumGetObjectId(result(0, 1, &isnull));
		value = result(0, 2, &isnull);
		build->part = isnull ? InvalidOid : DatumGetObjectId(value);
		value = result(0, 3, &isnull);
		if (!isnull)
		{
			MemoryContext spi = MemoryContextSwitchTo(caller);

			build->last_key = DatumGetJsonbPCopy(value);
			MemoryContextSwitchTo(spi);
		}
		(void) result(0, 4, &isnull);
		build->is_measured = !isnull;
	}
	finish(&as_owner);
	return exists;
}

static const DdbIndex *
index_of_relation(const DdbTable *table, Oid index_relid)
{
	int			i;

	for (i = 0; i < table->nkept; i++)
	{
		if (table->indexes[i].relid == index_relid)
			return &table->indexes[i];
	}
	return NULL;
}

/*
 * Lock item table and index as a writer does, and find out where the build
 * is; false when there is nothing to build any more.
 */
static bool
open_build(Oid index_relid, Build *build)
{
	Oid			relid;

	if (!read_build(index_relid, &relid, build))
		return false;
	LockRelationOid(relid, RowExclusiveLock);
	LockRelationOid(index_relid, RowExclusiveLock);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ||
		!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(index_relid)))
		return false;
	build->table = ddb_catalog_of_relation(relid);
	if (build->table == NULL)
		return false;
	build->index = index_of_relation(build->table, index_relid);
	return build->index != NULL && build->index->status != DDB_INDEX_ACTIVE;
}

/* ----------------------------------------------------------------
 * Rows in the order of the primary key
 * ----------------------------------------------------------------
 */

static const char *const key_columns[2] = {"pk", "sk"};

/*
 * The relations that hold the rows of an item table, in the order of their
 * oids: itself, or its partitions, which are locked here.
 */
static List *
parts_of_table(Oid relid)
{
	List	   *parts;
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_RELATION)
		return list_make1_oid(relid);
	parts = find_all_inheritors(relid, RowExclusiveLock, NULL);
	foreach(lc, parts)
	{
		if (get_rel_relkind(lfirst_oid(lc)) != RELKIND_RELATION)
			parts = foreach_delete_current(parts, lc);
	}
	list_sort(parts, list_oid_cmp);
	return parts;
}

/* the first of them from least on; InvalidOid when there is none */
static Oid
first_part(const List *parts, Oid least)
{
	ListCell   *lc;

	foreach(lc, parts)
	{
		if (lfirst_oid(lc) >= least)
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

/* the index that orders the rows by key */
static Relation
open_key_index(Relation rel, const DdbKeySchema *keys)
{
	Relation	index;
	int			i;

	if (!rel->rd_indexvalid)
		list_free(RelationGetIndexList(rel));
	if (!OidIsValid(rel->rd_pkindex))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("item table \"%s\" has no primary key",
						RelationGetRelationName(rel))));
	index = index_open(rel->rd_pkindex, AccessShareLock);
	for (i = 0; i < keys->nattrs; i++)
	{
		if (IndexRelationGetNumberOfKeyAttributes(index) != keys->nattrs ||
			index->rd_index->indkey.values[i] != get_attnum(RelationGetRelid(rel), key_columns[i]))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("the primary key of item table \"%s\" is not that of its items",
							RelationGetRelationName(rel))));
	}
	return index;
}

/*
 * Scan key for rows after key: a comparison of one column, or of two as a row.
 * members has room for both.
 */
static void
set_scan_key(Relation index, const DdbKey *key, ScanKey scankey, ScanKey members)
{
	int			i;

	if (key->ncols == 1)
	{
		Oid			operator = get_opfamily_member(index->rd_opfamily[0], index->rd_opcintype[0],
												   index->rd_opcintype[0], BTGreaterStrategyNumber);

		ScanKeyEntryInitialize(scankey, 0, 1, BTGreaterStrategyNumber, InvalidOid,
							   index->rd_indcollation[0], get_opcode(operator), key->col[0]);
		return;
	}
	for (i = 0; i < key->ncols; i++)
		ScanKeyEntryInitialize(&members[i],
							   SK_ROW_MEMBER | (i == key->ncols - 1 ? SK_ROW_END : 0),
							   i + 1, BTGreaterStrategyNumber, InvalidOid,
							   index->rd_indcollation[i],
							   get_opfamily_proc(index->rd_opfamily[i], index->rd_opcintype[i],
												 index->rd_opcintype[i], BTORDER_PROC),
							   key->col[i]);
	MemSet(scankey, 0, sizeof(*scankey));
	scankey->sk_flags = SK_ROW_HEADER;
	scankey->sk_attno = 1;
	scankey->sk_strategy = BTGreaterStrategyNumber;
	scankey->sk_argument = PointerGetDatum(members);
}

/*
 * Lock the row that a scan found, as an UPDATE does, and put its newest
 * version into slot.
 */
static RowState
lock_row(Relation rel, TupleTableSlot *found, TupleTableSlot *slot, bool wait)
{
	ItemPointerData tid = found->tts_tid;
	TM_FailureData failure;
	TM_Result	outcome = table_tuple_lock(rel, &tid, GetActiveSnapshot(), slot,
										   GetCurrentCommandId(true), LockTupleNoKeyExclusive,
										   wait ? LockWaitBlock : LockWaitSkip,
										   TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
										   TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);

	switch (outcome)
	{
		case TM_Ok:
			return ROW_LOCKED;
		case TM_Deleted:
			return ROW_GONE;
		case TM_WouldBlock:
			return ROW_BUSY;
		default:
			elog(ERROR, "unexpected table_tuple_lock status: %u", outcome);
	}
}

/* the item of a row, decompressed into CurrentMemoryContext if need be */
static DdbDoc
slot_item(TupleTableSlot *slot, AttrNumber attnum)
{
	bool		isnull;
	Datum		item = slot_getattr(slot, attnum, &isnull);

	if (isnull)
		elog(ERROR, "item table has a row without item");
	return ddb_doc_root(DatumGetJsonbP(item));
}

static Jsonb *
key_of_row(const DdbTable *table, TupleTableSlot *slot, AttrNumber attnum)
{
	JsonbValue	key;

	ddb_key_to_json(&table->keys, slot_item(slot, attnum), &key);
	return ddb_json_encode(&key);
}

static bool
has_room(const Batch *batch)
{
	return batch->items < batch->limit && batch->bytes < BATCH_BYTES &&
		GetCurrentTimestamp() < batch->end;
}

/*
 * Lock the rows that the scan finds and add their entries until the batch is
 * full.  Slots are two for what is found, the present row and the one before,
 * which gives the last key, and one for the newest version of a row.
 */
static void
read_rows(const Build *build, Relation rel, IndexScanDesc scan,
		  TupleTableSlot **slots, Batch *batch)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext per_row = AllocSetContextCreate(caller, "pg_dynamo index build",
												  ALLOCSET_DEFAULT_SIZES);
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), "item");
	TupleTableSlot *last = NULL;
	int			i;

	for (i = 0; has_room(batch); i++)
	{
		TupleTableSlot *found = slots[i % 2];
		RowState	state;

		CHECK_FOR_INTERRUPTS();
		batch->at_end = !index_getnext_slot(scan, ForwardScanDirection, found);
		if (batch->at_end)
			break;
		state = lock_row(rel, found, slots[2], !batch->is_locking);
		if (state == ROW_BUSY)
			break;
		if (state == ROW_LOCKED)
		{
			DdbDoc		item;

			if (!batch->is_locking)
				ddb_stepworker_set_patience(HOLDER_PATIENCE);
			batch->is_locking = true;
			MemoryContextSwitchTo(per_row);
			item = slot_item(slots[2], attnum);
			ddb_index_fill(build->table, build->index, item);
			batch->items++;
			batch->bytes += item.len;
			MemoryContextSwitchTo(caller);
			MemoryContextReset(per_row);
		}
		last = found;
	}
	if (last != NULL)
		batch->last_key = key_of_row(build->table, last, attnum);
	MemoryContextDelete(per_row);
}

/* a batch of one relation's rows, those after last_key (NULL: from the first) */
static void
read_part(const Build *build, Oid part, const Jsonb *last_key, Batch *batch)
{
	Relation	rel = table_open(part, RowExclusiveLock);
	Relation	index = open_key_index(rel, &build->table->keys);
	TupleTableSlot *slots[3];
	ScanKeyData scankey;
	ScanKeyData members[2];
	IndexScanDesc scan;
	DdbAsOwner	as_owner;
	int			i;

	if (last_key != NULL)
	{
		DdbKey		key;

		ddb_key_of_argument(&build->table->keys, ddb_doc_root(last_key), &key);
		set_scan_key(index, &key, &scankey, members);
	}
	for (i = 0; i < lengthof(slots); i++)
		slots[i] = table_slot_create(rel, NULL);
	scan = ddb_index_beginscan(rel, index, GetActiveSnapshot(), last_key ? 1 : 0);
	index_rescan(scan, &scankey, last_key ? 1 : 0, NULL, 0);

	ddb_as_owner_begin(&as_owner, ddb_relation_owner(build->table->relid));
	read_rows(build, rel, scan, slots, batch);
	ddb_as_owner_end(&as_owner);

	index_endscan(scan);
	for (i = 0; i < lengthof(slots); i++)
		ExecDropSingleTupleTableSlot(slots[i]);
	index_close(index, AccessShareLock);
	table_close(rel, NoLock);
}

/*
 * About how many items a relation holds: counted in its first pages.
 */
static int64
count_items(Oid part)
{
	Relation	rel = table_open(part, RowExclusiveLock);
	BlockNumber pages = RelationGetNumberOfBlocks(rel);
	TableScanDesc scan = table_beginscan_strat(rel, GetActiveSnapshot(), 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	double		count = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot) &&
		   ItemPointerGetBlockNumber(&slot->tts_tid) < SAMPLE_PAGES)
	{
		CHECK_FOR_INTERRUPTS();
		count++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(rel, NoLock);
	return (int64) (pages > SAMPLE_PAGES ? count * pages / SAMPLE_PAGES : count);
}

/* ----------------------------------------------------------------
 * Steps of a build, each a transaction
 * ----------------------------------------------------------------
 */

static bool
begin_build(void *arg, int limit)
{
	Oid			index_relid = *(Oid *) arg;
	Datum		values[2];
	char		nulls[3] = " n";
	Build		build;

	if (!open_build(index_relid, &build))
		return false;
	if (build.index->status == DDB_INDEX_CREATING)
		ddb_catalog_update_index(build.table, build.index, DDB_INDEX_BACKFILLING,
								 build.index->settings);
	values[0] = ObjectIdGetDatum(index_relid);
	if (!build.is_measured)
	{
		List	   *parts = parts_of_table(build.table->relid);
		ListCell   *lc;
		int64		items = 0;

		foreach(lc, parts)
			items += count_items(lfirst_oid(lc));
		values[1] = Int64GetDatum(items);
		nulls[1] = ' ';
	}
	(void) run_and_finish(&query_begin, values, nulls);
	return true;
}

/* every row has its entry: readers may come */
static void
end_build(const Build *build)
{
	Datum		values[1] = {ObjectIdGetDatum(build->index->relid)};

	(void) run_and_finish(&query_end, values, NULL);
	ddb_catalog_update_index(build->table, build->index, DDB_INDEX_ACTIVE,
							 build->index->settings);
	ForceSyncCommit();
}

static void
save_progress(Oid index_relid, Oid part, const Jsonb *last_key, int items)
{
	Datum		values[4];
	char		nulls[5] = "    ";

	values[0] = ObjectIdGetDatum(index_relid);
	values[1] = ObjectIdGetDatum(part);
	values[2] = PointerGetDatum(last_key);
	values[3] = Int64GetDatum(items);
	if (last_key == NULL)
		nulls[2] = 'n';
	(void) run_and_finish(&query_proceed, values, nulls);
}

static bool
run_batch(void *arg, int limit)
{
	Oid			index_relid = *(Oid *) arg;
	Build		build;
	Batch		batch = {0};
	List	   *parts;
	Oid			part;

	if (!open_build(index_relid, &build))
		return false;
	parts = parts_of_table(build.table->relid);
	part = first_part(parts, build.part);
	if (!OidIsValid(part))
	{
		end_build(&build);
		return false;
	}

	batch.limit = limit;
	batch.end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BATCH_MS);
	batch.last_key = part == build.part ? build.last_key : NULL;
	read_part(&build, part, batch.last_key, &batch);
	if (batch.at_end)
	{
		part = first_part(parts, part + 1);
		if (!OidIsValid(part))
		{
			end_build(&build);
			return false;
		}
		batch.last_key = NULL;
	}
	save_progress(index_relid, part, batch.last_key, batch.items);
	return true;
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

/*
 * Write down and log why a build stopped, unless that is because its index is
 * no more.
 */
static void
record_failure(void *arg, const ErrorData *error)
{
	Oid			index_relid = *(Oid *) arg;
	Datum		values[3];
	bool		exists;

	values[0] = ObjectIdGetDatum(index_relid);
	values[1] = CStringGetTextDatum(error->message);
	values[2] = BoolGetDatum(error->sqlerrcode == ERRCODE_QUERY_CANCELED);
	exists = run_and_finish(&query_fail, values, NULL) > 0;
	if (exists)
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("the build of index \"%s\" stopped: %s",
						get_rel_name(index_relid), error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0));
}

/* bgw_main_arg is the oid of the index table, bgw_extra that of the database */
void
ddb_index_build_main(Datum arg)
{
	static const DdbStepWork build = {
		.begin = begin_build,
		.step = run_batch,
		.stop = record_failure,
		.limit = BATCH_ITEMS
	};
	Oid			index_relid = DatumGetObjectId(arg);
	Oid			database;

	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	ddb_stepworker_init(database, "pg_dynamo index build");
	if (claim_build(index_relid))
		ddb_stepworker_run(&build, &index_relid);
	proc_exit(0);
}

/* ----------------------------------------------------------------
 * Resuming and cancelling
 * ----------------------------------------------------------------
 */

/*
 * Start workers for builds that have none, of tables that the current user
 * owns: all of them, or those that have not been put off by an error.
 */
static int
resume_builds(bool all)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {BoolGetDatum(all)};
	DdbAsOwner	as_owner;
	List	   *indexes = NIL;
	List	   *tables = NIL;
	ListCell   *lc;
	ListCell   *lc2;
	uint64		rows;
	uint64		i;
	int			started = 0;

	rows = run(&as_owner, &query_waiting, values, NULL);
	MemoryContextSwitchTo(caller);
	for (i = 0; i < rows; i++)
	{
		bool		isnull;

		indexes = lappend_oid(indexes, DatumGetObjectId(result(i, 1, &isnull)));
		tables = lappend_oid(tables, DatumGetObjectId(result(i, 2, &isnull)));
	}
	finish(&as_owner);

	forboth(lc, indexes, lc2, tables)
	{
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc2))) ||
			!pg_class_ownercheck(lfirst_oid(lc2), GetUserId()) ||
			has_worker(lfirst_oid(lc)))
			continue;
		if (!start_worker(lfirst_oid(lc)))
			break;
		started++;
	}
	return started;
}

/*
 * ddb_index_build_resume: start workers for the builds of this database that
 * have none (after a crash or a restart, or when there was no free worker), of
 * tables that the current user owns.  Those that failed wait for a while that
 * doubles with each failure, up to an hour; those that were cancelled are left
 * to dynamo.resume_index_builds().  Needs a transaction and a snapshot; returns
 * how many were started.
 */
int
ddb_index_build_resume(void)
{
	return RecoveryInProgress() ? 0 : resume_builds(false);
}

Datum
ddb_resume_index_builds(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("dynamo.resume_index_builds()");
	PG_RETURN_INT32(resume_builds(true));
}

static DdbText
text_argument(text *argument)
{
	DdbText		result;

	result.str = VARDATA_ANY(argument);
	result.len = VARSIZE_ANY_EXHDR(argument);
	return result;
}

/*
 * Drop an index that is being built; its worker finds it gone with its next
 * batch.
 */
Datum
ddb_cancel_index_build(PG_FUNCTION_ARGS)
{
	DdbText		table_name = text_argument(PG_GETARG_TEXT_PP(0));
	DdbText		index_name = text_argument(PG_GETARG_TEXT_PP(1));
	const DdbTable *table;
	const DdbIndex *index;

	PreventCommandDuringRecovery("dynamo.cancel_index_build()");
	table = ddb_catalog_open(table_name, ShareRowExclusiveLock, DDB_ACL_OWNER,
							 "UpdateTable", true);
	index = ddb_catalog_index(table, index_name);
	if (index == NULL)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "Requested resource not found: Index: %.*s not found",
				  index_name.len, index_name.str);
	if (index->status == DDB_INDEX_ACTIVE)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of DynamoDB table \"%s\" is complete",
						index->name, table->name),
				 errhint("UpdateTable deletes it.")));
	ddb_index_table_drop(table, index);
	PG_RETURN_VOID();
}
