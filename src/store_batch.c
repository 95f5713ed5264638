/*
 * store_batch.c
 *	  Several items of one table by key, in one statement.
 *
 * Keys travel as one array for each key column, and items as one more.  Each
 * key is looked up in a subquery that the planner must not flatten (OFFSET 0),
 * so that the only plan there is goes through the key index, key by key, in
 * the order of the arrays.
 *
 * A statement of puts cannot hand its rows anything beside them, so that the
 * write of a row that is replaced is found by the new item, which is that of
 * no other row.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "compat.h"
#include "execute.h"
#include "store.h"
#include "store_internal.h"

DDB_FUNCTION(ddb_store_replace);

/* queries of this file, see plancache.h; store.c's begin at DDB_QUERY_STORE */
enum
{
	QUERY_GET_MANY = DDB_QUERY_STORE + 50,
	QUERY_PUT_MANY,
	QUERY_REPLACE_MANY
};

/* ----------------------------------------------------------------
 * Statement texts
 * ----------------------------------------------------------------
 */

/* the key columns as rows */
static void
append_keys(const DdbTable *table, DdbQueryText *text)
{
	int			i;

	appendStringInfoString(&text->sql, "ROWS FROM (");
	for (i = 0; i < table->keys.nattrs; i++)
	{
		appendStringInfo(&text->sql, "%spg_catalog.unnest($%d)", i > 0 ? ", " : "", i + 1);
		ddb_plan_add_arg(text, get_array_type(ddb_key_column_type(table->keys.attr[i].type)));
	}
	appendStringInfoChar(&text->sql, ')');
}

static void
build_get(const DdbTable *table, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;

	appendStringInfoString(&text->sql, "SELECT k.place, i.item FROM ");
	append_keys(table, text);
	appendStringInfo(&text->sql,
					 " WITH ORDINALITY AS k(pk%s, place), LATERAL"
					 " (SELECT t.item FROM %s AS t WHERE t.pk OPERATOR(pg_catalog.=) k.pk%s"
					 " OFFSET 0) AS i",
					 has_sk ? ", sk" : "", table->qualified,
					 has_sk ? " AND t.sk OPERATOR(pg_catalog.=) k.sk" : "");
}

/*
 * Set-returning functions in the select list give their rows one by one; as a
 * table they would be kept in a store first.
 */
static void
build_put(const DdbTable *table, bool replaces, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;
	int			nargs = table->keys.nattrs + 1;
	int			i;

	appendStringInfo(&text->sql, "INSERT INTO %s AS t (pk%s, item) SELECT ",
					 table->qualified, has_sk ? ", sk" : "");
	for (i = 0; i < table->keys.nattrs; i++)
	{
		appendStringInfo(&text->sql, "pg_catalog.unnest($%d), ", i + 1);
		ddb_plan_add_arg(text, get_array_type(ddb_key_column_type(table->keys.attr[i].type)));
	}
	appendStringInfo(&text->sql,
					 "pg_catalog.unnest($%d) ON CONFLICT (pk%s) DO UPDATE SET item = ",
					 nargs, has_sk ? ", sk" : "");
	ddb_plan_add_arg(text, get_array_type(ddb_item_type()));
	if (!replaces)
	{
		appendStringInfoString(&text->sql, "EXCLUDED.item");
		return;
	}
	appendStringInfo(&text->sql, "dynamo.store_replace(t.item, EXCLUDED.item, $%d)", nargs + 1);
	ddb_plan_add_arg(text, INT8OID);
}

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	switch (query)
	{
		case QUERY_GET_MANY:
			build_get(table, text);
			return;
		case QUERY_PUT_MANY:
			build_put(table, false, text);
			return;
		case QUERY_REPLACE_MANY:
			build_put(table, true, text);
			return;
	}
	elog(ERROR, "unrecognized store query %d", query);
}

/* ----------------------------------------------------------------
 * Running statements
 * ----------------------------------------------------------------
 */

/* all types of key columns, and jsonb, are varlena aligned to int */
static Datum
make_array(Datum *values, int count, Oid type)
{
	return PointerGetDatum(construct_array(values, count, type, -1, false, TYPALIGN_INT));
}

/* the key columns as arrays, into *arrays; returns how many */
static int
key_arrays(const DdbTable *table, const DdbKey *keys, int count, Datum *arrays)
{
	Datum	   *column = palloc(count * sizeof(Datum));
	int			c;
	int			i;

	for (c = 0; c < table->keys.nattrs; c++)
	{
		for (i = 0; i < count; i++)
			column[i] = keys[i].col[c];
		arrays[c] = make_array(column, count,
							   ddb_key_column_type(table->keys.attr[c].type));
	}
	pfree(column);
	return table->keys.nattrs;
}

/* hands rows of a place and an item to who asked for them */
typedef struct ManyReceiver
{
	DestReceiver pub;
	MemoryContext context;		/* where items go */
	DdbReceiveItem receive;
	void	   *arg;
} ManyReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	ManyReceiver *receiver = (ManyReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);
	bool		isnull;
	int64		place = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	Datum		item = slot_getattr(slot, 2, &isnull);
	bool		more = true;

	if (!isnull)
		more = receiver->receive((int) place - 1, DatumGetJsonbPCopy(item), receiver->arg);
	MemoryContextSwitchTo(old);
	return more;
}

void
ddb_store_get_many(const DdbTable *table, const DdbKey *keys, int count,
				   DdbReceiveItem receive, void *arg)
{
	ManyReceiver receiver = {
		.context = CurrentMemoryContext, .receive = receive, .arg = arg
	};
	Datum		values[2];

	ddb_receiver_init(&receiver.pub, receive_row);
	(void) key_arrays(table, keys, count, values);
	(void) ddb_execute_plan(table, QUERY_GET_MANY, build_query, values, &receiver.pub);
}

/* puts under way in this backend, innermost first; named by serial as in store.c */
typedef struct ReplaceMany
{
	int			count;
	Jsonb	   *const *items;
	DdbWrite   *const *writes;
	int			place;			/* of the row replaced last */
	int64		serial;
	struct ReplaceMany *outer;
} ReplaceMany;

static ReplaceMany *active_replaces = NULL;
static int64 last_serial = 0;

static ReplaceMany *
replace_of_serial(int64 serial)
{
	ReplaceMany *many;

	for (many = active_replaces; many != NULL; many = many->outer)
	{
		if (many->serial == serial)
			return many;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this function is called by statements of the extension only")));
}

/* rows come in order, so that it is mostly the next one */
static DdbWrite *
write_of_item(ReplaceMany *many, const Jsonb *item)
{
	int			i;

	for (i = 0; i < many->count; i++)
	{
		int			place = (many->place + i) % many->count;
		const Jsonb *candidate = many->items[place];

		if (VARSIZE(candidate) == VARSIZE(item) &&
			memcmp(candidate, item, VARSIZE(item)) == 0)
		{
			many->place = place;
			return many->writes[place];
		}
	}
	return NULL;
}

/*
 * store_replace(old, new, serial): new, and the write that replaces old learns
 * of it.
 */
Datum
ddb_store_replace(PG_FUNCTION_ARGS)
{
	Datum		stored = PG_GETARG_DATUM(0);
	Jsonb	   *item = PG_GETARG_JSONB_P(1);
	DdbWrite   *write = write_of_item(replace_of_serial(PG_GETARG_INT64(2)), item);

	/* a trigger of the table's may have made another item of it */
	if (write != NULL && ddb_store_replace_by_size(write, stored) == NULL)
		(void) write->apply(write, ddb_doc_root(DatumGetJsonbP(stored)));
	PG_RETURN_JSONB_P(item);
}

static uint64
replace_many(const DdbTable *table, Datum *values, int nvalues, ReplaceMany *many)
{
	uint64		rows = 0;

	many->serial = ++last_serial;
	many->outer = active_replaces;
	active_replaces = many;
	values[nvalues] = Int64GetDatum(many->serial);
	PG_TRY();
	{
		rows = ddb_execute_plan(table, QUERY_REPLACE_MANY, build_query, values, NULL);
	}
	PG_FINALLY();
	{
		active_replaces = many->outer;
	}
	PG_END_TRY();
	return rows;
}

void
ddb_store_put_many(const DdbTable *table, const DdbKey *keys, Jsonb *const *items,
				   DdbWrite *const *writes, int count)
{
	ReplaceMany many = {.count = count, .items = items, .writes = writes};
	Datum		values[4];
	Datum	   *column = palloc(count * sizeof(Datum));
	int			n = key_arrays(table, keys, count, values);
	uint64		rows;
	int			i;

	for (i = 0; i < count; i++)
		column[i] = JsonbPGetDatum(items[i]);
	values[n++] = make_array(column, count, ddb_item_type());
	if (writes != NULL)
		rows = replace_many(table, values, n, &many);
	else
		rows = ddb_execute_plan(table, QUERY_PUT_MANY, build_query, values, NULL);
	if (rows != count)
		ddb_store_raise_prevented(table);
}
