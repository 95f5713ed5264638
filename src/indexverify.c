/*
 * indexverify.c
 *	  verify_index: does an index hold what its table says it should?
 *
 * Both are read under one snapshot.  Each item's entry is looked up where it
 * belongs and compared with the item's projection, computed anew.  Entries
 * that no item accounts for are looked for only when there are more entries
 * than were found so: then the row numbers of those found are remembered in a
 * second pass.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "compat.h"
#include "error.h"
#include "index.h"

DDB_FUNCTION(ddb_verify_index);

typedef struct Verification
{
	const DdbTable *table;
	const DdbIndex *index;
	Relation	heap;			/* the index table */
	Relation	btree;
	TupleTableSlot *entry;
	Snapshot	snapshot;
	ReturnSetInfo *result;
	int64		found;			/* entries that belong to items */
	HTAB	   *tids;			/* of those; NULL in the first pass */
	MemoryContext row_context;	/* emptied after each row */
} Verification;

typedef void (*RowFunction) (Verification *state, TupleTableSlot *slot, DdbDoc item);

static void
report(Verification *state, const char *problem, DdbDoc item)
{
	Datum		values[2];
	bool		nulls[2] = {false, false};
	JsonbValue	key;

	ddb_index_key_to_json(state->table, state->index, item, &key);
	values[0] = CStringGetTextDatum(problem);
	values[1] = JsonbPGetDatum(ddb_json_encode(&key));
	tuplestore_putvalues(state->result->setResult, state->result->setDesc, values, nulls);
}

/* the item of a row: the column of that name */
static DdbDoc
item_of_row(Relation rel, TupleTableSlot *slot)
{
	AttrNumber	att = get_attnum(RelationGetRelid(rel), "item");
	bool		isnull;
	Datum		datum;

	if (att == InvalidAttrNumber)
		elog(ERROR, "relation \"%s\" has no column \"item\"", RelationGetRelationName(rel));
	datum = slot_getattr(slot, att, &isnull);
	if (isnull)
		elog(ERROR, "row of relation \"%s\" has no item", RelationGetRelationName(rel));
	return ddb_doc_root(DatumGetJsonbP(datum));
}

static void
scan_relation(Verification *state, Relation rel, RowFunction function)
{
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, state->snapshot, 0, NULL);
	MemoryContext old = MemoryContextSwitchTo(state->row_context);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		function(state, slot, item_of_row(rel, slot));
		MemoryContextReset(state->row_context);
	}
	MemoryContextSwitchTo(old);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
}

static void
scan_items(Verification *state, RowFunction function)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(state->table->relid, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
			scan_relation(state, rel, function);
		table_close(rel, NoLock);
	}
}

/* ----------------------------------------------------------------
 * The passes
 * ----------------------------------------------------------------
 */

static bool
find_entry(Verification *state, DdbDoc item)
{
	Datum		values[DDB_MAX_KEY_PARTS + 3];
	DdbIndexPosition position;
	int			nkeys;

	if (!ddb_index_position(state->table, state->index, item, &position))
		return false;
	nkeys = ddb_index_key_datums(&position, values);
	return ddb_index_find_row(state->heap, state->btree, nkeys, values,
							  state->snapshot, NULL, state->entry);
}

static void
compare_item(Verification *state, TupleTableSlot *slot, DdbDoc item)
{
	DdbValue	values[DDB_MAX_INDEX_KEY];
	DdbDoc		expected;
	DdbDoc		present;

	if (!ddb_index_values(state->index, item, values))
		return;
	if (!find_entry(state, item))
	{
		report(state, "missing", item);
		return;
	}
	state->found++;
	expected = ddb_index_project(state->table, state->index, item);
	present = item_of_row(state->heap, state->entry);
	if (expected.len != present.len || memcmp(expected.ptr, present.ptr, expected.len) != 0)
		report(state, "different", item);
}

static void
remember_entry(Verification *state, TupleTableSlot *slot, DdbDoc item)
{
	if (find_entry(state, item))
		(void) hash_search(state->tids, &state->entry->tts_tid, HASH_ENTER, NULL);
}

static void
count_entry(Verification *state, TupleTableSlot *slot, DdbDoc item)
{
	state->found--;
}

static void
check_entry(Verification *state, TupleTableSlot *slot, DdbDoc item)
{
	if (hash_search(state->tids, &slot->tts_tid, HASH_FIND, NULL) == NULL)
		report(state, "extra", item);
}

static void
find_extra_entries(Verification *state)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(ItemPointerData);
	ctl.entrysize = sizeof(ItemPointerData);
	ctl.hcxt = CurrentMemoryContext;
	state->tids = hash_create("verify_index", 1024, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	scan_items(state, remember_entry);
	scan_relation(state, state->heap, check_entry);
	hash_destroy(state->tids);
}

/* ----------------------------------------------------------------
 * The function
 * ----------------------------------------------------------------
 */

static void
open_index(Verification *state)
{
	state->heap = table_open(state->index->relid, AccessShareLock);
	list_free(RelationGetIndexList(state->heap));
	if (!OidIsValid(state->heap->rd_pkindex))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index table \"%s\" has no primary key",
						RelationGetRelationName(state->heap))));
	state->btree = index_open(state->heap->rd_pkindex, AccessShareLock);
	state->entry = table_slot_create(state->heap, NULL);
}

static void
verify(Verification *state)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	state->snapshot = GetActiveSnapshot();
	state->row_context = AllocSetContextCreate(CurrentMemoryContext, "verify_index row",
											   ALLOCSET_DEFAULT_SIZES);
	open_index(state);
	scan_items(state, compare_item);
	scan_relation(state, state->heap, count_entry);
	if (state->found != 0)
		find_extra_entries(state);

	ExecDropSingleTupleTableSlot(state->entry);
	index_close(state->btree, NoLock);
	table_close(state->heap, NoLock);
	MemoryContextDelete(state->row_context);
	PopActiveSnapshot();
}

/* keys of all items come out, so whoever asks must be able to see all */
static void
refuse_row_security(const DdbTable *table)
{
	if (check_enable_rls(table->relid, InvalidOid, true) == RLS_ENABLED)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("row security of item table \"%s\" hides items from the current user",
						table->name)));
}

/*
 * ddb_verify_index(table_name text, index_name text) returns setof (problem
 * text, key jsonb): an item whose entry is missing or different, an entry that
 * is extra.  Needs SELECT on the item table.
 */
Datum
ddb_verify_index(PG_FUNCTION_ARGS)
{
	text	   *table_name = PG_GETARG_TEXT_PP(0);
	text	   *index_name = PG_GETARG_TEXT_PP(1);
	DdbText		table_text = {VARDATA_ANY(table_name), VARSIZE_ANY_EXHDR(table_name)};
	DdbText		index_text = {VARDATA_ANY(index_name), VARSIZE_ANY_EXHDR(index_name)};
	Verification state;

	memset(&state, 0, sizeof(state));
	state.table = ddb_catalog_open(table_text, AccessShareLock, ACL_SELECT, "Scan", false);
	state.index = ddb_catalog_kept_index(state.table, index_text);
	if (state.index == NULL)
		ddb_validation_error("The table does not have the specified index: %.*s",
							 index_text.len, index_text.str);
	refuse_row_security(state.table);
	InitMaterializedSRF(fcinfo, 0);
	state.result = (ReturnSetInfo *) fcinfo->resultinfo;
	verify(&state);
	return (Datum) 0;
}
