/*
 * ttlindex.c
 *	  The index by which expired items are found.
 *
 * An expression index on the item column would make every update of an item a
 * non-HOT one.  An index table of our own is written only when the value of
 * the TTL attribute changes, and otherwise costs a comparison.
 *
 * Its btree is (hash, pk, tie), of which hash is always 0 and pk the value, so
 * that expired items are one range, and the oldest of them come first.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "index.h"
#include "indextable.h"
#include "ttlindex.h"

#define FILL_PAGES		128		/* of a table that is filled in at once */

/* five years, of which one may be a leap year or two */
#define OLDEST_SECONDS	(INT64CONST(1827) * SECS_PER_DAY)

/* columns of the index table */
#define ATT_HASH		1
#define ATT_VALUE		2
#define ATT_TIE			3
#define ATT_ITEM		4

/* ----------------------------------------------------------------
 * Making the index
 * ----------------------------------------------------------------
 */

const DdbIndex *
ddb_ttl_index(const DdbTable *table)
{
	int			i;

	for (i = table->nindexes; i < table->nkept; i++)
	{
		if (table->indexes[i].expiry)
			return &table->indexes[i];
	}
	return NULL;
}

static bool
is_small(const List *parts)
{
	BlockNumber pages = 0;
	ListCell   *lc;

	foreach(lc, parts)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
			pages += RelationGetNumberOfBlocks(rel);
		table_close(rel, NoLock);
		if (pages > FILL_PAGES)
			return false;
	}
	return true;
}

/* add the entries of one relation's rows, of which nobody changes any */
static void
fill_from(const DdbTable *table, const DdbIndex *index, Relation rel)
{
	AttrNumber	attnum = get_attnum(RelationGetRelid(rel), "item");
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, snapshot, 0, NULL);
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo expiry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(per_row);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		item = slot_getattr(slot, attnum, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!isnull)
			ddb_index_fill(table, index, ddb_doc_root(DatumGetJsonbP(item)));
		MemoryContextReset(per_row);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(per_row);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
}

static void
fill(const DdbTable *table, const DdbIndex *index, const List *parts)
{
	ListCell   *lc;

	CommandCounterIncrement();
	foreach(lc, parts)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
			fill_from(table, index, rel);
		table_close(rel, NoLock);
	}
	ddb_catalog_update_index(table, index, DDB_INDEX_ACTIVE, NULL);
}

Oid
ddb_ttl_index_create(const DdbTable *table, DdbText attribute)
{
	DdbIndex	index;
	JsonbValue	settings;
	List	   *parts;

	memset(&index, 0, sizeof(index));
	ddb_json_object(&settings, 0);
	index.name = DDB_EXPIRY_INDEX;
	index.global = true;
	index.expiry = true;
	index.status = DDB_INDEX_CREATING;
	index.npartition = 1;
	index.partition[0].name = attribute;
	index.partition[0].type = DDB_N;
	index.projection = DDB_PROJECT_KEYS_ONLY;
	index.settings = ddb_json_encode(&settings);
	ddb_index_table_create(table, &index);

	parts = find_all_inheritors(table->relid, NoLock, NULL);
	if (!is_small(parts))
		return index.relid;
	fill(table, &index, parts);
	return InvalidOid;
}

/* ----------------------------------------------------------------
 * Values
 * ----------------------------------------------------------------
 */

void
ddb_ttl_range(DdbExpiryRange *out)
{
	int64		epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	int64		now = GetCurrentTimestamp() + epoch;

	out->before = NumericGetDatum(int64_div_fast_to_numeric(now, 6));
	out->from = NumericGetDatum(int64_div_fast_to_numeric(now - OLDEST_SECONDS * USECS_PER_SEC, 6));
}

bool
ddb_ttl_is_expired(const DdbIndex *index, DdbDoc item, const DdbExpiryRange *range)
{
	const DdbKeyAttr *attr = &index->partition[0];
	DdbValue	value;
	Datum		number;

	if (!ddb_item_get(item, attr->name.str, attr->name.len, &value) || value.type != DDB_N)
		return false;
	number = ddb_key_column(&value, false);
	return DatumGetBool(DirectFunctionCall2(numeric_lt, number, range->before)) &&
		DatumGetBool(DirectFunctionCall2(numeric_ge, number, range->from));
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

typedef struct ExpiryScan
{
	Relation	heap;
	Relation	btree;
	TupleTableSlot *slot;
	IndexScanDesc scan;
	ScanKeyData keys[3];
	ScanKeyData members[2];		/* of a row comparison */
} ExpiryScan;

static void
set_key(ExpiryScan *scan, int number, AttrNumber attnum, StrategyNumber strategy,
		RegProcedure procedure, Datum value)
{
	ScanKeyEntryInitialize(&scan->keys[number], 0, attnum, strategy, InvalidOid,
						   scan->btree->rd_indcollation[attnum - 1], procedure, value);
}

/* (value, tie) > (those of the position) */
static void
set_key_after(ExpiryScan *scan, int number, const DdbExpiryPosition *after)
{
	ScanKey		header = &scan->keys[number];
	Datum		values[2];
	int			i;

	values[0] = after->value;
	values[1] = after->tie;
	for (i = 0; i < 2; i++)
	{
		int			column = ATT_VALUE - 1 + i;
		Oid			type = scan->btree->rd_opcintype[column];

		ScanKeyEntryInitialize(&scan->members[i], SK_ROW_MEMBER | (i == 1 ? SK_ROW_END : 0),
							   ATT_VALUE + i, BTGreaterStrategyNumber, InvalidOid,
							   scan->btree->rd_indcollation[column],
							   get_opfamily_proc(scan->btree->rd_opfamily[column], type, type,
												 BTORDER_PROC),
							   values[i]);
	}
	MemSet(header, 0, sizeof(*header));
	header->sk_flags = SK_ROW_HEADER;
	header->sk_attno = ATT_VALUE;
	header->sk_strategy = BTGreaterStrategyNumber;
	header->sk_argument = PointerGetDatum(scan->members);
}

/* the primary key, unless somebody altered the index table so that it is another */
static Relation
open_btree(Relation heap)
{
	Relation	btree = NULL;
	int			i;

	list_free(RelationGetIndexList(heap));
	if (OidIsValid(heap->rd_pkindex))
		btree = index_open(heap->rd_pkindex, AccessShareLock);
	for (i = 0; i < ATT_TIE; i++)
	{
		if (btree == NULL || btree->rd_index->indnkeyatts != ATT_TIE ||
			btree->rd_index->indkey.values[i] != i + 1)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("index table \"%s\" has no longer the primary key it was made with",
							RelationGetRelationName(heap)),
					 errhint("Disable time to live of the table, and enable it again.")));
	}
	return btree;
}

static void
begin_scan(ExpiryScan *scan, const DdbIndex *index, const DdbExpiryRange *range,
		   const DdbExpiryPosition *after)
{
	scan->heap = table_open(index->relid, AccessShareLock);
	scan->btree = open_btree(scan->heap);
	scan->slot = table_slot_create(scan->heap, NULL);
	set_key(scan, 0, ATT_HASH, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(0));
	if (after != NULL)
		set_key_after(scan, 1, after);
	else
		set_key(scan, 1, ATT_VALUE, BTGreaterEqualStrategyNumber, F_NUMERIC_GE, range->from);
	set_key(scan, 2, ATT_VALUE, BTLessStrategyNumber, F_NUMERIC_LT, range->before);
	scan->scan = ddb_index_beginscan(scan->heap, scan->btree, GetActiveSnapshot(), 3);
	index_rescan(scan->scan, scan->keys, 3, NULL, 0);
}

static bool
next_entry(ExpiryScan *scan)
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(scan->scan, ForwardScanDirection, scan->slot);
}

static void
end_scan(ExpiryScan *scan)
{
	index_endscan(scan->scan);
	ExecDropSingleTupleTableSlot(scan->slot);
	index_close(scan->btree, NoLock);
	table_close(scan->heap, NoLock);
}

static Datum
column(ExpiryScan *scan, AttrNumber attnum)
{
	bool		isnull;
	Datum		value = slot_getattr(scan->slot, attnum, &isnull);

	if (isnull)
		elog(ERROR, "index table \"%s\" has an entry without column %d",
			 RelationGetRelationName(scan->heap), attnum);
	return value;
}

int
ddb_ttl_index_read(const DdbIndex *index, const DdbExpiryRange *range,
				   const DdbExpiryPosition *after, int limit, DdbExpiryEntry *entries)
{
	ExpiryScan	scan;
	int			count = 0;

	begin_scan(&scan, index, range, after);
	while (count < limit && next_entry(&scan))
	{
		DdbExpiryEntry *entry = &entries[count++];

		entry->position.value = datumCopy(column(&scan, ATT_VALUE), false, -1);
		entry->position.tie = datumCopy(column(&scan, ATT_TIE), false, -1);
		entry->item = DatumGetJsonbPCopy(column(&scan, ATT_ITEM));
	}
	end_scan(&scan);
	return count;
}

int64
ddb_ttl_index_count(const DdbIndex *index, const DdbExpiryRange *range)
{
	ExpiryScan	scan;
	int64		count = 0;

	begin_scan(&scan, index, range, NULL);
	while (next_entry(&scan))
		count++;
	end_scan(&scan);
	return count;
}
