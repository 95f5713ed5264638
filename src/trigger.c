/*
 * trigger.c
 *	  What an item table itself does for every writer: API, SQL, COPY.
 *
 *		BEFORE INSERT, row			~item_before_insert: fills key columns that
 *									are NULL from the item, else compares them;
 *									takes the key's slot lock (keylock.c)
 *		AFTER UPDATE, row			~item_after_update: the item still has its key
 *		BEFORE UPDATE OF pk, sk,	~item_before_key_update: refuses
 *		statement
 *		AFTER any change, row		~item_maintain_indexes: secondary indexes
 *		AFTER TRUNCATE, statement	~item_truncate_indexes		follow
 *
 *		BEFORE TRUNCATE, statement	~item_refuse_truncate: while there is a stream
 *
 * Those of indexes are on tables that have or had one, and fire whatever
 * session_replication_role says.  Index tables have one of their own,
 * ~index_skip_replicated, which fires in replica role only.
 *
 * A CHECK constraint could say the same, but the server reads its expression
 * anew for every statement, which costs a fifth of a small write.  A row
 * trigger before UPDATE would lock each row, and log that lock, in addition.
 *
 * The first has a name that sorts last, so that it sees what other BEFORE
 * triggers have made of the row.  It fires for every writer, those in replica
 * role included: transactions rely on the slot locks of all who insert.
 *
 * All of them run inside anybody's statement.  Those that check keys read
 * their arguments only, and what these say of a table is kept until its
 * definition changes; those that keep indexes read the table's definition.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "compat.h"
#include "index.h"
#include "keyenc.h"
#include "keylock.h"
#include "streamlog.h"

DDB_FUNCTION(ddb_item_before_insert);
DDB_FUNCTION(ddb_item_before_key_update);
DDB_FUNCTION(ddb_item_after_update);
DDB_FUNCTION(ddb_item_maintain_indexes);
DDB_FUNCTION(ddb_item_truncate_indexes);
DDB_FUNCTION(ddb_item_refuse_truncate);
DDB_FUNCTION(ddb_index_skip_replicated);

/* what the row triggers know of a table */
typedef struct RowState
{
	Oid			relid;			/* hash key, first */
	bool		valid;
	Oid			lock_relid;		/* the item table, where relid is a partition */
	DdbKeySchema keys;
	int			item_att;
	int			key_att[2];
	char		names[2][256];	/* of the key attributes */
} RowState;

/* by relation, for the life of the backend; invalidated with the relation */
static HTAB *row_states = NULL;

static const char *const key_columns[2] = {"pk", "sk"};

/* ----------------------------------------------------------------
 * Rows and their keys
 * ----------------------------------------------------------------
 */

/*
 * Number of the column of that name and type; an error without one, for the
 * trigger may have been put on any table.
 */
static int
column_number(Relation rel, const char *name, Oid type)
{
	int			attnum = SPI_fnumber(RelationGetDescr(rel), name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("item table \"%s\" has no column \"%s\"",
						RelationGetRelationName(rel), name)));
	if (getBaseType(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of item table \"%s\" must be of type %s",
						name, RelationGetRelationName(rel), format_type_be(type))));
	return attnum;
}

static void
invalidate_row_states(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	RowState   *state;

	if (OidIsValid(relid))
	{
		state = hash_search(row_states, &relid, HASH_FIND, NULL);
		if (state != NULL)
			state->valid = false;
		return;
	}
	hash_seq_init(&status, row_states);
	while ((state = hash_seq_search(&status)) != NULL)
		state->valid = false;
}

static void
create_row_states(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RowState);
	ctl.hcxt = AllocSetContextCreate(CacheMemoryContext, "pg_dynamo item triggers",
									 ALLOCSET_SMALL_SIZES);
	row_states = hash_create("pg_dynamo item triggers", 32, &ctl,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(invalidate_row_states, (Datum) 0);
}

/*
 * Read the trigger's arguments, name and type of each key attribute, and
 * compare the table with them.
 */
static void
fill_row_state(RowState *state, const TriggerData *trigdata)
{
	Trigger    *trigger = trigdata->tg_trigger;
	Relation	rel = trigdata->tg_relation;
	int			i;

	if (trigger->tgnargs != 2 && trigger->tgnargs != 4)
		elog(ERROR, "trigger \"%s\" has %d arguments", trigger->tgname, trigger->tgnargs);

	state->lock_relid = RelationGetRelid(rel);
	if (rel->rd_rel->relispartition)
		state->lock_relid = llast_oid(get_partition_ancestors(RelationGetRelid(rel)));
	state->item_att = column_number(rel, "item", JSONBOID);
	for (i = 0; i < trigger->tgnargs / 2; i++)
	{
		DdbKeyAttr *attr = &state->keys.attr[i];

		strlcpy(state->names[i], trigger->tgargs[2 * i], sizeof(state->names[i]));
		attr->name.str = state->names[i];
		attr->name.len = strlen(state->names[i]);
		if (!ddb_type_parse(trigger->tgargs[2 * i + 1],
							strlen(trigger->tgargs[2 * i + 1]), &attr->type))
			elog(ERROR, "trigger \"%s\" names an unknown type", trigger->tgname);
		state->key_att[i] = column_number(rel, key_columns[i],
										  ddb_key_column_type(attr->type));
	}
	state->keys.nattrs = trigger->tgnargs / 2;
}

/*
 * One row trigger of each kind is on a table, and both have the same
 * arguments, so what is known of the table serves either.
 */
static const RowState *
row_state(const TriggerData *trigdata)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	RowState   *state;

	if (row_states == NULL)
		create_row_states();
	state = hash_search(row_states, &relid, HASH_FIND, NULL);
	if (state != NULL && state->valid)
		return state;

	/* valid only once all is filled in: an error may come before */
	state = hash_search(row_states, &relid, HASH_ENTER, NULL);
	state->valid = false;
	fill_row_state(state, trigdata);
	state->valid = true;
	return state;
}

/*
 * The key columns of a row; false when one is NULL.
 */
static bool
row_key(const RowState *state, TupleTableSlot *slot, DdbKey *key)
{
	int			i;

	key->ncols = state->keys.nattrs;
	for (i = 0; i < key->ncols; i++)
	{
		bool		isnull;

		key->col[i] = slot_getattr(slot, state->key_att[i], &isnull);
		if (isnull)
			return false;
	}
	return true;
}

static bool
same_column(DdbType type, Datum a, Datum b)
{
	struct varlena *va;
	struct varlena *vb;

	if (type == DDB_N)
		return DatumGetBool(DirectFunctionCall2(numeric_eq, a, b));
	va = PG_DETOAST_DATUM_PACKED(a);
	vb = PG_DETOAST_DATUM_PACKED(b);
	return VARSIZE_ANY_EXHDR(va) == VARSIZE_ANY_EXHDR(vb) &&
		memcmp(VARDATA_ANY(va), VARDATA_ANY(vb), VARSIZE_ANY_EXHDR(va)) == 0;
}

static bool
same_key(const RowState *state, const DdbKey *a, const DdbKey *b)
{
	int			i;

	for (i = 0; i < state->keys.nattrs; i++)
	{
		if (!same_column(state->keys.attr[i].type, a->col[i], b->col[i]))
			return false;
	}
	return true;
}

static void
refuse_key_update(Relation rel)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("cannot update the key columns of item table \"%s\"",
					RelationGetRelationName(rel)),
			 errhint("Delete the item and insert it with its new key.")));
}

static void
refuse_column(const DdbKeyAttr *attr, int i)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("column \"%s\" does not hold the item's key attribute \"%s\"",
					key_columns[i], attr->name.str),
			 errhint("INSERT fills key columns that are NULL. An item's key cannot be changed by UPDATE: delete the item and insert it with its new key.")));
}

/*
 * Raise check_violation unless the columns hold the item's key attributes.
 */
static void
check_key(const RowState *state, DdbDoc item, const DdbKey *key)
{
	int			i;

	for (i = 0; i < key->ncols; i++)
	{
		const DdbKeyAttr *attr = &state->keys.attr[i];
		DdbValue	value;

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &value) ||
			value.type != attr->type)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("item has no key attribute \"%s\" of type %s",
							attr->name.str, ddb_type_name(attr->type))));
		ddb_key_size_check(&value, i == 0);
		if (!same_column(attr->type, ddb_key_column(&value, i == 0), key->col[i]))
			refuse_column(attr, i);
	}
}

/* the same of a row to be filled: of those columns that are not NULL */
static void
check_given_columns(const RowState *state, TupleTableSlot *slot, const DdbKey *key)
{
	int			i;

	for (i = 0; i < key->ncols; i++)
	{
		bool		isnull;
		Datum		given = slot_getattr(slot, state->key_att[i], &isnull);

		if (!isnull && !same_column(state->keys.attr[i].type, given, key->col[i]))
			refuse_column(&state->keys.attr[i], i);
	}
}

/* the item of a row; false when it is NULL, of which the column's NOT NULL speaks */
static bool
row_item(const RowState *state, TupleTableSlot *slot, DdbDoc *item)
{
	bool		isnull;
	Datum		datum = slot_getattr(slot, state->item_att, &isnull);

	if (isnull)
		return false;
	*item = ddb_doc_root(DatumGetJsonbP(datum));
	return true;
}

/* ----------------------------------------------------------------
 * The triggers
 * ----------------------------------------------------------------
 */
Datum
ddb_item_before_insert(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const RowState *state;
	DdbKey		key;
	DdbDoc		item;
	bool		nulls[2] = {false, false};

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_before_insert must be called as a row trigger before INSERT")));

	state = row_state(trigdata);
	if (!row_item(state, trigdata->tg_trigslot, &item))
		return PointerGetDatum(trigdata->tg_trigtuple);
	if (row_key(state, trigdata->tg_trigslot, &key))
	{
		check_key(state, item, &key);
		ddb_keylock_insert(state->lock_relid, &state->keys, &key);
		return PointerGetDatum(trigdata->tg_trigtuple);
	}

	if (trigdata->tg_relation->rd_rel->relispartition &&
		slot_attisnull(trigdata->tg_trigslot, state->key_att[0]))
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("column \"pk\" of a partitioned item table must be given on INSERT"),
				 errhint("It decides the partition before it could be filled from the item.")));
	ddb_key_of_item(&state->keys, item, &key);
	check_given_columns(state, trigdata->tg_trigslot, &key);
	ddb_keylock_insert(state->lock_relid, &state->keys, &key);
	return PointerGetDatum(heap_modify_tuple_by_cols(trigdata->tg_trigtuple,
													 RelationGetDescr(trigdata->tg_relation),
													 key.ncols, (int *) state->key_att,
													 key.col, nulls));
}

Datum
ddb_item_after_update(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const RowState *state;
	DdbKey		key;
	DdbKey		old_key;
	DdbDoc		item;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_after_update must be called as a row trigger after UPDATE")));

	state = row_state(trigdata);
	if (!row_key(state, trigdata->tg_newslot, &key) ||
		!row_key(state, trigdata->tg_trigslot, &old_key) ||
		!row_item(state, trigdata->tg_newslot, &item))
		return PointerGetDatum(NULL);
	if (!same_key(state, &key, &old_key))
		refuse_key_update(trigdata->tg_relation);
	check_key(state, item, &key);
	return PointerGetDatum(NULL);
}

Datum
ddb_item_before_key_update(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_before_key_update must be called as a trigger before UPDATE")));
	refuse_key_update(trigdata->tg_relation);
	return PointerGetDatum(NULL);
}

/* ----------------------------------------------------------------
 * Secondary indexes
 * ----------------------------------------------------------------
 */

/*
 * The definition of the table that fired.  Anybody may put a trigger on a
 * table of his own; these functions serve item tables.
 */
static const DdbTable *
firing_table(const TriggerData *trigdata)
{
	const DdbTable *table = ddb_catalog_of_relation(RelationGetRelid(trigdata->tg_relation));

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an item table",
						RelationGetRelationName(trigdata->tg_relation))));
	return table;
}

static int
item_column(Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	for (i = desc->natts; i > 0; i--)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i - 1);

		if (strcmp(NameStr(attr->attname), "item") == 0 && !attr->attisdropped)
			return i;
	}
	return column_number(rel, "item", JSONBOID);
}

/* are the two the same where they lie, be that inside or outside of the row? */
static bool
same_stored(Datum a, Datum b)
{
	struct varlena *va = (struct varlena *) DatumGetPointer(a);
	struct varlena *vb = (struct varlena *) DatumGetPointer(b);

	return VARSIZE_ANY(va) == VARSIZE_ANY(vb) && memcmp(va, vb, VARSIZE_ANY(va)) == 0;
}

/*
 * The item that a row of rel with the key of slot has now; ptr is NULL when
 * there is no such row.
 */
static DdbDoc
present_item(Relation rel, const DdbTable *table, TupleTableSlot *slot)
{
	DdbDoc		item = {NULL, 0};
	Datum		key[2];
	Relation	btree;
	TupleTableSlot *present;
	bool		isnull;
	int			i;

	for (i = 0; i < table->keys.nattrs; i++)
		key[i] = slot_getattr(slot,
							  column_number(rel, key_columns[i],
											ddb_key_column_type(table->keys.attr[i].type)),
							  &isnull);
	list_free(RelationGetIndexList(rel));
	if (!OidIsValid(rel->rd_pkindex))
		elog(ERROR, "item table \"%s\" has no primary key", RelationGetRelationName(rel));

	btree = index_open(rel->rd_pkindex, AccessShareLock);
	present = table_slot_create(rel, NULL);
	if (ddb_index_find_row(rel, btree, table->keys.nattrs, key, SnapshotSelf, NULL, present))
		item = ddb_doc_root(DatumGetJsonbPCopy(slot_getattr(present, item_column(rel), &isnull)));
	ExecDropSingleTupleTableSlot(present);
	index_close(btree, AccessShareLock);
	return item;
}

/*
 * Has this transaction changed the row since?  Triggers and functions of the
 * user's can do so before the change at hand is reported to us, and then the
 * indexes must show what the row is now.  Others cannot: it is locked.
 */
static bool
is_outdated(HeapTuple tuple)
{
	HeapTupleHeader header = tuple->t_data;

	return (header->t_infomask & HEAP_XMAX_INVALID) == 0 &&
		!HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header));
}

/*
 * The same for a row deleted: may there be a new one by now?  Only when some
 * other command ran after the one that deleted it.
 */
static bool
may_be_back(HeapTuple tuple)
{
	return HeapTupleHeaderGetCmax(tuple->t_data) != GetCurrentCommandId(false);
}

static void
maintain_update(const TriggerData *trigdata, const DdbTable *table)
{
	Relation	rel = trigdata->tg_relation;
	int			att = item_column(rel);
	bool		isnull;
	Datum		old_datum = slot_getattr(trigdata->tg_trigslot, att, &isnull);
	Datum		new_datum = slot_getattr(trigdata->tg_newslot, att, &isnull);
	DdbDoc		new_item;

	if (same_stored(old_datum, new_datum))
		return;
	if (is_outdated(trigdata->tg_newtuple))
		new_item = present_item(rel, table, trigdata->tg_newslot);
	else
		new_item = ddb_doc_root(DatumGetJsonbP(new_datum));
	ddb_index_maintain(table, ddb_doc_root(DatumGetJsonbP(old_datum)), new_item);
}

/* an insert or a delete */
static void
maintain_row(const TriggerData *trigdata, const DdbTable *table)
{
	Relation	rel = trigdata->tg_relation;
	DdbDoc		none = {NULL, 0};
	bool		isnull;
	DdbDoc		item = ddb_doc_root(DatumGetJsonbP(slot_getattr(trigdata->tg_trigslot,
																item_column(rel), &isnull)));

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		if (is_outdated(trigdata->tg_trigtuple))
			item = present_item(rel, table, trigdata->tg_trigslot);
		ddb_index_maintain(table, none, item);
		return;
	}
	ddb_index_maintain(table, item,
					   may_be_back(trigdata->tg_trigtuple) ?
					   present_item(rel, table, trigdata->tg_trigslot) : none);
}

/*
 * item_maintain_indexes(): the table's indexes follow one row.  Columns pk, sk
 * and item are NOT NULL.
 */
Datum
ddb_item_maintain_indexes(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const DdbTable *table;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_maintain_indexes must be called as a row trigger after INSERT, UPDATE or DELETE")));

	table = firing_table(trigdata);
	if (table->nkept == 0)
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		maintain_update(trigdata, table);
	else
		maintain_row(trigdata, table);
	return PointerGetDatum(NULL);
}

/*
 * Was every partition emptied, with none left that has a page?  Keeps writers
 * out of all of them.
 */
static bool
is_emptied(const DdbTable *table)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table->relid, ShareRowExclusiveLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);
		BlockNumber pages = rel->rd_rel->relkind == RELKIND_RELATION ?
			RelationGetNumberOfBlocks(rel) : 0;

		table_close(rel, NoLock);
		if (pages > 0)
			return false;
	}
	return true;
}

/*
 * item_truncate_indexes(): the table's indexes are emptied with it, or with
 * all of its partitions, as which a TRUNCATE arrives by logical replication.
 * Some of them cannot be, for their entries lie among the others'.
 */
Datum
ddb_item_truncate_indexes(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const DdbTable *table;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_truncate_indexes must be called as a trigger after TRUNCATE")));

	table = firing_table(trigdata);
	if (table->nkept == 0)
		return PointerGetDatum(NULL);
	if (trigdata->tg_relation->rd_rel->relispartition && !is_emptied(table))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot truncate a single partition of an item table that has secondary indexes"),
				 errhint("Use DELETE, or TRUNCATE on the item table.")));
	ddb_index_truncate(table);
	return PointerGetDatum(NULL);
}

/* of the item table that this is, or is a partition of */
static bool
has_stream(Relation rel)
{
	Oid			relid = RelationGetRelid(rel);
	DdbStream  *stream;

	if (rel->rd_rel->relispartition)
		relid = llast_oid(get_partition_ancestors(relid));
	stream = ddb_stream_of_relation(relid);
	return stream != NULL && stream->disabled == 0;
}

/*
 * item_refuse_truncate(): a stream must tell of every item that goes, and
 * TRUNCATE does not name them.
 */
Datum
ddb_item_refuse_truncate(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_refuse_truncate must be called as a trigger before TRUNCATE")));
	if (!has_stream(trigdata->tg_relation))
		return PointerGetDatum(NULL);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("cannot truncate item table \"%s\" while its stream is enabled",
					RelationGetRelationName(trigdata->tg_relation)),
			 errhint("Use DELETE, or disable the stream with UpdateTable first.")));
}

/*
 * index_skip_replicated(): on index tables, for writers in replica role.  Index
 * tables in a publication of everything would be written twice on a
 * subscriber: by its own triggers, and by what arrives.
 */
Datum
ddb_index_skip_replicated(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("index_skip_replicated must be called as a row trigger before the change")));
	return PointerGetDatum(NULL);
}
