/*
 * index_write.c
 *	  Keeping index tables true.
 *
 * Index tables are written without SQL: rows go into the heap and its btree
 * directly, so that a write needs no plan, no executor state and no right on
 * the index table.  That is safe because whoever changes an entry holds the
 * row of the item table to which it belongs: all changes of one entry come
 * one after the other.  For the same reason the state to start from is what
 * is committed, and what this transaction has done itself, whatever the
 * snapshot of its statement (SnapshotSelf).
 *
 * The server does not promise triggers of one statement in the order in which
 * rows changed: a trigger or function of the user's may change a row again
 * before the first change is reported.  So an entry that should be there may
 * be missing, and where one shall go an older one may be.  The first is
 * passed over, the second replaced; the caller gives the row's latest state,
 * and after the last report the index holds that and nothing else.
 *
 * An index table with further indexes (a unique one of ours, or a DBA's) has
 * all of them kept by the executor's function for that.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "index.h"

/* an index table opened for writing */
typedef struct Target
{
	const DdbIndex *index;
	Relation	heap;
	Relation	btree;			/* of the primary key */
	bool		alone;			/* are there no other indexes? */
	TupleTableSlot *found;		/* the entry that find_entry found */
} Target;

/* a change of one row of the item table */
typedef struct Change
{
	const DdbTable *table;
	DdbDoc		old_item;		/* ptr is NULL for none */
	DdbDoc		new_item;
	DdbIndexBase old_base;
	DdbIndexBase new_base;
	bool		same_base;		/* both are there and have one key */
	Jsonb	   *whole;			/* datum of new_item, once it is needed */
} Change;

/* ----------------------------------------------------------------
 * Index tables
 * ----------------------------------------------------------------
 */

/*
 * An index table that was altered by hand so that it cannot hold entries.
 */
static void
raise_altered(Relation heap)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("index table \"%s\" has no longer the columns and the primary key it was made with",
					RelationGetRelationName(heap)),
			 errhint("Delete the index with UpdateTable and create it anew.")));
}

static void
check_btree(const Target *target)
{
	int			nkeys = ddb_index_key_columns(target->index);
	int			i;

	if (target->btree->rd_index->indnkeyatts != nkeys)
		raise_altered(target->heap);
	for (i = 0; i < nkeys; i++)
	{
		if (target->btree->rd_index->indkey.values[i] != i + 1)
			raise_altered(target->heap);
	}
}

static void
open_target(Target *target, const DdbIndex *index)
{
	Relation	heap = table_open(index->relid, RowExclusiveLock);

	if (!heap->rd_indexvalid)
		list_free(RelationGetIndexList(heap));
	if (!OidIsValid(heap->rd_pkindex) ||
		RelationGetNumberOfAttributes(heap) != ddb_index_columns(index))
		raise_altered(heap);
	target->index = index;
	target->heap = heap;
	target->btree = index_open(heap->rd_pkindex, RowExclusiveLock);
	target->alone = list_length(heap->rd_indexlist) == 1;
	target->found = table_slot_create(heap, NULL);
	check_btree(target);
}

/* locks stay until the transaction ends */
static void
close_target(Target *target)
{
	ExecDropSingleTupleTableSlot(target->found);
	index_close(target->btree, NoLock);
	table_close(target->heap, NoLock);
}

/* ----------------------------------------------------------------
 * Finding
 * ----------------------------------------------------------------
 */

int
ddb_index_key_datums(const DdbIndexPosition *position, Datum *values)
{
	int			count = 0;
	int			i;

	values[count++] = Int32GetDatum(position->hash);
	values[count++] = position->pk;
	for (i = 0; i < position->nsort; i++)
		values[count++] = position->sort[i];
	values[count++] = position->tie;
	return count;
}

static RegProcedure
equality_of(Oid type)
{
	switch (type)
	{
		case INT4OID:
			return F_INT4EQ;
		case TEXTOID:
			return F_TEXTEQ;
		case NUMERICOID:
			return F_NUMERIC_EQ;
		case BYTEAOID:
			return F_BYTEAEQ;
	}
	elog(ERROR, "type %u is not that of a key column", type);
	return InvalidOid;
}

bool
ddb_index_find_row(Relation heap, Relation btree, int nkeys, const Datum *values,
				   Snapshot snapshot, ItemPointer except, TupleTableSlot *slot)
{
	ScanKeyData keys[INDEX_MAX_KEYS];
	IndexScanDesc scan;
	bool		found = false;
	int			i;

	for (i = 0; i < nkeys; i++)
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, InvalidOid,
							   btree->rd_indcollation[i],
							   equality_of(TupleDescAttr(RelationGetDescr(btree), i)->atttypid),
							   values[i]);
	scan = ddb_index_beginscan(heap, btree, snapshot, nkeys);
	index_rescan(scan, keys, nkeys, NULL, 0);
	while (!found && index_getnext_slot(scan, ForwardScanDirection, slot))
		found = except == NULL || !ItemPointerEquals(except, &slot->tts_tid);
	index_endscan(scan);
	return found;
}

/* the entry at a position, into target->found; except: see above */
static bool
find_entry(Target *target, const DdbIndexPosition *position, ItemPointer except)
{
	Datum		values[DDB_MAX_KEY_PARTS + 3];
	int			nkeys = ddb_index_key_datums(position, values);

	return ddb_index_find_row(target->heap, target->btree, nkeys, values,
							  SnapshotSelf, except, target->found);
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

/*
 * Somebody else changed the entry: not by a write to the item table, for its
 * row is ours.
 */
static void
check_result(TM_Result result, Relation heap)
{
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent change of index table \"%s\"",
						RelationGetRelationName(heap))));
}

/*
 * The found entry is going to be changed: when it is of this transaction, it
 * must be of an earlier command.
 */
static CommandId
command_for_change(const Target *target)
{
	bool		isnull;
	Datum		xmin = slot_getsysattr(target->found, MinTransactionIdAttributeNumber, &isnull);

	if (TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin)))
		CommandCounterIncrement();
	return GetCurrentCommandId(true);
}

static void
delete_entry(Target *target)
{
	CommandId	command = command_for_change(target);
	TM_FailureData failure;

	check_result(table_tuple_delete(target->heap, &target->found->tts_tid, command,
									SnapshotSelf, InvalidSnapshot, true, &failure, false),
				 target->heap);
}

/* every index of the table; a unique one may raise unique_violation */
static void
add_to_all_indexes(Target *target, TupleTableSlot *slot, bool only_summarizing)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);

	InitResultRelInfo(result, target->heap, 0, NULL, 0);
	ExecOpenIndices(result, false);
	list_free(ddb_insert_index_tuples(result, slot, estate, only_summarizing));
	ExecCloseIndices(result);
	FreeExecutorState(estate);
}

/*
 * Point the btree to the row just written.  Where it has an entry at that
 * position already, the new one takes its place.  (A btree needs no
 * IndexInfo.)
 */
static void
add_to_btree(Target *target, const DdbIndexPosition *position, TupleTableSlot *slot,
			 bool unchanged)
{
	ItemPointerData tid = slot->tts_tid;

	if (index_insert(target->btree, slot->tts_values, slot->tts_isnull, &tid, target->heap,
					 UNIQUE_CHECK_PARTIAL, unchanged, NULL))
		return;
	while (find_entry(target, position, &tid))
		delete_entry(target);
}

/* an entry as a row of the index table */
static TupleTableSlot *
make_row(Target *target, const DdbIndexPosition *position, const Jsonb *item)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(target->heap),
													&TTSOpsVirtual);
	int			nkeys = ddb_index_key_datums(position, slot->tts_values);

	slot->tts_values[nkeys] = JsonbPGetDatum(item);
	memset(slot->tts_isnull, 0, (nkeys + 1) * sizeof(bool));
	return ExecStoreVirtualTuple(slot);
}

/* an older entry in the way is deleted before the executor complains of it */
static void
make_way(Target *target, const DdbIndexPosition *position)
{
	if (!target->alone && find_entry(target, position, NULL))
		delete_entry(target);
}

static void
insert_entry(Target *target, const DdbIndexPosition *position, const Jsonb *item)
{
	TupleTableSlot *slot = make_row(target, position, item);

	make_way(target, position);
	table_tuple_insert(target->heap, slot, GetCurrentCommandId(true), 0, NULL);
	if (target->alone)
		add_to_btree(target, position, slot, false);
	else
		add_to_all_indexes(target, slot, false);
	ExecDropSingleTupleTableSlot(slot);
}

/* the found entry becomes another, which lies at the same position unless it moves */
static void
update_entry(Target *target, const DdbIndexPosition *position, const Jsonb *item, bool moves)
{
	TupleTableSlot *slot = make_row(target, position, item);
	CommandId	command = command_for_change(target);
	DdbUpdateIndexes update_indexes;
	LockTupleMode mode;
	TM_FailureData failure;

	check_result(table_tuple_update(target->heap, &target->found->tts_tid, slot, command,
									SnapshotSelf, InvalidSnapshot, true, &failure,
									&mode, &update_indexes),
				 target->heap);
	if (ddb_updates_indexes(update_indexes))
	{
		if (target->alone)
			add_to_btree(target, position, slot, !moves);
		else
			add_to_all_indexes(target, slot, ddb_only_summarizing(update_indexes));
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* ----------------------------------------------------------------
 * Following a row
 * ----------------------------------------------------------------
 */

/* key values of one type are equal when their stored texts are */
static bool
same_values(const DdbValue *a, const DdbValue *b, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (!ddb_text_same(a[i].text, b[i].text))
			return false;
	}
	return true;
}

static bool
same_doc(DdbDoc a, DdbDoc b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool
same_attribute(DdbDoc a, DdbDoc b, DdbText name)
{
	JsonbValue	avalue;
	JsonbValue	bvalue;
	bool		in_a = ddb_doc_get(a, name.str, name.len, &avalue);
	bool		in_b = ddb_doc_get(b, name.str, name.len, &bvalue);

	if (!in_a || !in_b)
		return in_a == in_b;
	return avalue.type == jbvBinary && bvalue.type == jbvBinary &&
		same_doc(ddb_doc_of(&avalue), ddb_doc_of(&bvalue));
}

/* are the projections of two items at one position equal? */
static bool
same_projection(const DdbIndex *index, DdbDoc a, DdbDoc b)
{
	int			i;

	if (index->projection == DDB_PROJECT_ALL)
		return same_doc(a, b);
	for (i = 0; index->projection == DDB_PROJECT_INCLUDE && i < index->nattributes; i++)
	{
		if (!same_attribute(a, b, index->attributes[i]))
			return false;
	}
	return true;
}

/*
 * The new entry's item as a datum; one copy serves all indexes that hold the
 * whole item.
 */
static Jsonb *
projected_datum(Change *change, const DdbIndex *index)
{
	if (index->projection != DDB_PROJECT_ALL)
		return ddb_doc_copy(ddb_index_project(change->table, index, change->new_item));
	if (change->whole == NULL)
		change->whole = ddb_doc_copy(change->new_item);
	return change->whole;
}

/*
 * Bring an entry from its old position (NULL: none) to its new one, where it
 * holds item.
 */
static void
write_entry(const DdbIndex *index, const DdbIndexPosition *old_position,
			const DdbIndexPosition *new_position, bool moves, const Jsonb *item)
{
	Target		target;
	bool		found;

	open_target(&target, index);
	found = old_position != NULL && find_entry(&target, old_position, NULL);
	if (found && new_position != NULL && (target.alone || !moves))
		update_entry(&target, new_position, item, moves);
	else
	{
		if (found)
			delete_entry(&target);
		if (new_position != NULL)
			insert_entry(&target, new_position, item);
	}
	close_target(&target);
}

/*
 * One index follows a change.  What decides is cheap where nothing changes:
 * key values are compared as texts, projections attribute by attribute, and
 * positions are computed last.
 */
static void
follow(Change *change, const DdbIndex *index)
{
	const DdbTable *table = change->table;
	DdbValue	old_values[DDB_MAX_INDEX_KEY];
	DdbValue	new_values[DDB_MAX_INDEX_KEY];
	DdbIndexPosition old_position;
	DdbIndexPosition new_position;
	bool		had = change->old_item.ptr != NULL &&
	ddb_index_values(index, change->old_item, old_values);
	bool		has = change->new_item.ptr != NULL &&
	ddb_index_values(index, change->new_item, new_values);
	bool		moves = !(had && has && change->same_base &&
						  same_values(old_values, new_values,
									  index->npartition + index->nsort));

	if (!had && !has)
		return;
	if (!moves && same_projection(index, change->old_item, change->new_item))
		return;

	if (has)
		ddb_index_place(table, index, new_values, &change->new_base, &new_position);
	if (had && moves)
		ddb_index_place(table, index, old_values,
						change->same_base ? &change->new_base : &change->old_base,
						&old_position);
	write_entry(index, !had ? NULL : moves ? &old_position : &new_position,
				has ? &new_position : NULL, moves,
				has ? projected_datum(change, index) : NULL);
}

/* an item that lacks the table's key, which came past the table's own checks, has no entries */
static void
read_base(const DdbTable *table, DdbDoc *item, DdbIndexBase *base)
{
	if (item->ptr != NULL && !ddb_index_base(table, *item, base))
		item->ptr = NULL;
}

/*
 * ddb_index_maintain: see index.h.  Works in CurrentMemoryContext and leaves
 * its garbage there; raises unique_violation for a unique index, and
 * serialization_failure when an index table was changed by other means.
 */
void
ddb_index_maintain(const DdbTable *table, DdbDoc old_item, DdbDoc new_item)
{
	Change		change;
	int			i;

	change.table = table;
	change.old_item = old_item;
	change.new_item = new_item;
	change.whole = NULL;
	read_base(table, &change.old_item, &change.old_base);
	read_base(table, &change.new_item, &change.new_base);
	change.same_base = change.old_item.ptr != NULL && change.new_item.ptr != NULL &&
		same_values(change.old_base.key, change.new_base.key, table->keys.nattrs);
	for (i = 0; i < table->nkept; i++)
		follow(&change, &table->indexes[i]);
}

/*
 * ddb_index_fill: add an item's entry to one index unless it is there; the
 * caller holds the item's row and gives its latest state.
 */
void
ddb_index_fill(const DdbTable *table, const DdbIndex *index, DdbDoc item)
{
	DdbIndexPosition position;
	Target		target;

	if (!ddb_index_position(table, index, item, &position))
		return;
	open_target(&target, index);
	if (!find_entry(&target, &position, NULL))
		insert_entry(&target, &position,
					 ddb_doc_copy(ddb_index_project(table, index, item)));
	close_target(&target);
}

/*
 * ddb_index_truncate: TRUNCATE of each index table, as its owner.
 */
void
ddb_index_truncate(const DdbTable *table)
{
	int			i;

	for (i = 0; i < table->nkept; i++)
	{
		const DdbIndex *index = &table->indexes[i];
		char	   *sql = psprintf("TRUNCATE TABLE ONLY %s", index->qualified);
		DdbAsOwner	as_owner;
		int			rc;

		ddb_as_owner_begin(&as_owner, ddb_relation_owner(index->relid));
		SPI_connect();
		rc = SPI_execute(sql, false, 0);
		if (rc < 0)
			elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
		SPI_finish();
		ddb_as_owner_end(&as_owner);
	}
}
