/*
 * trigger.c
 *	  What an item table itself does for every writer: API, SQL, COPY,
 *	  replication.
 *
 *		BEFORE INSERT				item_before_insert: fills key columns that
 *									are NULL from the item; takes the key's slot
 *									lock (keylock.c)
 *		BEFORE UPDATE OF pk, sk		item_before_key_update: refuses
 *		CHECK						item_has_key: the columns are the item's keys
 *
 * The engine supplies the columns and never updates them, so for its writes
 * the first costs a lock and the second nothing.  All three run inside
 * anybody's statement: they read their arguments only, no catalog, no SPI.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/rel.h"

#include "compat.h"
#include "keyenc.h"
#include "keylock.h"

DDB_FUNCTION(ddb_item_before_insert);
DDB_FUNCTION(ddb_item_before_key_update);
DDB_FUNCTION(ddb_item_has_key);

/* what item_before_insert remembers of its table for one statement */
typedef struct InsertState
{
	Oid			lock_relid;		/* the item table, where rel is a partition */
	DdbKeySchema keys;
	int			item_att;
	int			key_att[2];
} InsertState;

/* ----------------------------------------------------------------
 * BEFORE INSERT
 * ----------------------------------------------------------------
 */

static int
column_number(Relation rel, const char *name)
{
	int			attnum = SPI_fnumber(RelationGetDescr(rel), name);

	if (attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("item table \"%s\" has no column \"%s\"",
						RelationGetRelationName(rel), name)));
	return attnum;
}

/*
 * The trigger's arguments are name and type of each key attribute.
 */
static InsertState *
insert_state(FmgrInfo *flinfo, TriggerData *trigdata)
{
	static const char *const columns[2] = {"pk", "sk"};
	InsertState *state = flinfo->fn_extra;
	Trigger    *trigger = trigdata->tg_trigger;
	Relation	rel = trigdata->tg_relation;
	int			i;

	if (state != NULL)
		return state;
	if (trigger->tgnargs != 2 && trigger->tgnargs != 4)
		elog(ERROR, "trigger \"%s\" has %d arguments", trigger->tgname, trigger->tgnargs);

	state = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(InsertState));
	state->lock_relid = RelationGetRelid(rel);
	if (rel->rd_rel->relispartition)
		state->lock_relid = llast_oid(get_partition_ancestors(RelationGetRelid(rel)));
	state->item_att = column_number(rel, "item");
	for (i = 0; i < trigger->tgnargs / 2; i++)
	{
		DdbKeyAttr *attr = &state->keys.attr[i];

		attr->name.str = MemoryContextStrdup(flinfo->fn_mcxt, trigger->tgargs[2 * i]);
		attr->name.len = strlen(attr->name.str);
		if (!ddb_type_parse(trigger->tgargs[2 * i + 1],
							strlen(trigger->tgargs[2 * i + 1]), &attr->type))
			elog(ERROR, "trigger \"%s\" names an unknown type", trigger->tgname);
		state->key_att[i] = column_number(rel, columns[i]);
	}
	state->keys.nattrs = trigger->tgnargs / 2;
	flinfo->fn_extra = state;
	return state;
}

/*
 * Key columns as the new row gives them; false when one is NULL.
 */
static bool
given_key(const InsertState *state, TupleTableSlot *slot, DdbKey *key)
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

Datum
ddb_item_before_insert(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	InsertState *state;
	DdbKey		key;
	Datum		item;
	bool		isnull;
	bool		nulls[2] = {false, false};

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigdata->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_before_insert must be called as a row trigger before INSERT")));

	state = insert_state(fcinfo->flinfo, trigdata);
	if (given_key(state, trigdata->tg_trigslot, &key))
	{
		ddb_keylock_insert(state->lock_relid, &state->keys, &key);
		return PointerGetDatum(trigdata->tg_trigtuple);
	}

	item = slot_getattr(trigdata->tg_trigslot, state->item_att, &isnull);
	if (isnull)					/* the column's NOT NULL speaks */
		return PointerGetDatum(trigdata->tg_trigtuple);
	ddb_key_of_item(&state->keys, ddb_doc_root(DatumGetJsonbP(item)), &key);
	ddb_keylock_insert(state->lock_relid, &state->keys, &key);
	return PointerGetDatum(heap_modify_tuple_by_cols(trigdata->tg_trigtuple,
													 RelationGetDescr(trigdata->tg_relation),
													 key.ncols, state->key_att,
													 key.col, nulls));
}

/* ----------------------------------------------------------------
 * BEFORE UPDATE OF pk, sk
 * ----------------------------------------------------------------
 */
Datum
ddb_item_before_key_update(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("item_before_key_update must be called as a trigger before UPDATE")));
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("cannot update the key columns of item table \"%s\"",
					RelationGetRelationName(trigdata->tg_relation)),
			 errhint("Delete the item and insert it with its new key.")));
}

/* ----------------------------------------------------------------
 * CHECK
 * ----------------------------------------------------------------
 */

static DdbType
type_of_column(Oid typid)
{
	switch (typid)
	{
		case TEXTOID:
			return DDB_S;
		case NUMERICOID:
			return DDB_N;
		case BYTEAOID:
			return DDB_B;
	}
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("key columns of an item table must be of type text, numeric or bytea")));
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

/*
 * item_has_key(item, VARIADIC "any"): item, then for each key attribute its
 * name and the column.  True, or an error that says what is wrong.
 */
Datum
ddb_item_has_key(PG_FUNCTION_ARGS)
{
	DdbDoc		item = ddb_doc_root(PG_GETARG_JSONB_P(0));
	int			i;

	for (i = 1; i + 1 < PG_NARGS(); i += 2)
	{
		text	   *name = PG_GETARG_TEXT_PP(i);
		DdbType		type = type_of_column(get_fn_expr_argtype(fcinfo->flinfo, i + 1));
		DdbValue	value;

		if (!ddb_item_get(item, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &value) ||
			value.type != type)
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("item has no key attribute \"%s\" of type %s",
							text_to_cstring(name), ddb_type_name(type))));
		ddb_key_size_check(&value, i == 1);
		if (!same_column(type, ddb_key_column(&value, i == 1), PG_GETARG_DATUM(i + 1)))
			ereport(ERROR,
					(errcode(ERRCODE_CHECK_VIOLATION),
					 errmsg("column \"%s\" does not hold the item's key attribute \"%s\"",
							i == 1 ? "pk" : "sk", text_to_cstring(name)),
					 errhint("INSERT fills key columns that are NULL. An item's key cannot be changed by UPDATE: delete the item and insert it with its new key.")));
	}
	PG_RETURN_BOOL(true);
}
