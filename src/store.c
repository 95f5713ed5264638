/*
 * store.c
 *	  One item by key: read, put, update, delete.
 *
 * Each is one SQL statement on the item table, run with the caller's rights.
 * Whatever may insert takes the key's slot lock first.
 * A write that depends on the present item gives the executor a C function to
 * call on it (store_write, store_check below): PostgreSQL locks the row, and
 * where a concurrent writer was first it calls the function again with the
 * newest row, so conditions and updates need no loop of ours.
 *
 * Statements never set the key columns in an UPDATE: updates stay HOT and
 * take the weak row lock, so foreign keys to an item table do not block them.
 *
 * Under a caller's REPEATABLE READ or SERIALIZABLE a lost race is
 * serialization_failure, as for any SQL statement.
 */
#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/memutils.h"

#include "compat.h"
#include "execute.h"
#include "keylock.h"
#include "store.h"
#include "store_internal.h"

DDB_FUNCTION(ddb_store_write);
DDB_FUNCTION(ddb_store_check);

/* queries of this file, see plancache.h */
enum
{
	QUERY_GET = DDB_QUERY_STORE,
	QUERY_VERSION,
	QUERY_PUT,
	QUERY_UPSERT,
	QUERY_UPDATE,
	QUERY_DELETE,
	QUERY_LOCK
};

/* ----------------------------------------------------------------
 * Statement texts
 * ----------------------------------------------------------------
 */

static void
add_key_args(const DdbTable *table, DdbQueryText *text)
{
	int			i;

	for (i = 0; i < table->keys.nattrs; i++)
		ddb_plan_add_arg(text, ddb_key_column_type(table->keys.attr[i].type));
}

static void
append_key_condition(const DdbTable *table, DdbQueryText *text)
{
	appendStringInfoString(&text->sql, " WHERE t.pk OPERATOR(pg_catalog.=) $1");
	if (table->keys.nattrs == 2)
		appendStringInfoString(&text->sql, " AND t.sk OPERATOR(pg_catalog.=) $2");
}

static void
append_insert(const DdbTable *table, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;

	appendStringInfo(&text->sql,
					 "INSERT INTO %s AS t (pk%s, item) VALUES ($1%s, $%d)"
					 " ON CONFLICT (pk%s) DO UPDATE SET item = ",
					 table->qualified, has_sk ? ", sk" : "",
					 has_sk ? ", $2" : "", has_sk ? 3 : 2,
					 has_sk ? ", sk" : "");
	add_key_args(table, text);
	ddb_plan_add_arg(text, ddb_item_type());
}

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	switch (query)
	{
		case QUERY_GET:
			appendStringInfo(&text->sql, "SELECT %s FROM %s AS t",
							 ddb_plan_columns(table), table->qualified);
			append_key_condition(table, text);
			add_key_args(table, text);
			return;
		case QUERY_VERSION:
			appendStringInfo(&text->sql, "SELECT t.tableoid, t.ctid, t.xmin FROM %s AS t",
							 table->qualified);
			append_key_condition(table, text);
			add_key_args(table, text);
			return;
		case QUERY_PUT:
			append_insert(table, text);
			appendStringInfoString(&text->sql, "EXCLUDED.item");
			return;
		case QUERY_UPSERT:
			append_insert(table, text);
			appendStringInfo(&text->sql, "dynamo.store_write(t.item, $%d)", text->nargs + 1);
			ddb_plan_add_arg(text, INT8OID);
			return;
		case QUERY_UPDATE:
			appendStringInfo(&text->sql,
							 "UPDATE %s AS t SET item = dynamo.store_write(t.item, $%d)",
							 table->qualified, table->keys.nattrs + 1);
			append_key_condition(table, text);
			add_key_args(table, text);
			ddb_plan_add_arg(text, INT8OID);
			return;
		case QUERY_DELETE:
			appendStringInfo(&text->sql, "DELETE FROM %s AS t", table->qualified);
			append_key_condition(table, text);
			appendStringInfo(&text->sql, " AND dynamo.store_check(t.item, $%d)",
							 table->keys.nattrs + 1);
			add_key_args(table, text);
			ddb_plan_add_arg(text, INT8OID);
			return;
		case QUERY_LOCK:
			appendStringInfo(&text->sql, "SELECT %s FROM %s AS t",
							 ddb_plan_columns(table), table->qualified);
			append_key_condition(table, text);
			appendStringInfoString(&text->sql, " FOR SHARE");
			add_key_args(table, text);
			return;
	}
	elog(ERROR, "unrecognized store query %d", query);
}

/* ----------------------------------------------------------------
 * Functions that the statements call
 * ----------------------------------------------------------------
 */

/*
 * Writes under way in this backend, innermost first.  A statement names its
 * write by serial number: a pointer in its place could be forged by whoever
 * calls the functions below from SQL.
 */
static DdbWrite *active_writes = NULL;
static int64 last_serial = 0;

static DdbWrite *
write_of_serial(int64 serial)
{
	DdbWrite   *write;

	for (write = active_writes; write != NULL; write = write->outer)
	{
		if (write->serial == serial)
			return write;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("this function is called by statements of the extension only")));
}

Jsonb *
ddb_store_replace_by_size(DdbWrite *write, Datum stored)
{
	if (write->replace_by_size == NULL)
		return NULL;
	return write->replace_by_size(write, toast_raw_datum_size(stored) - VARHDRSZ);
}

/*
 * store_write(item, serial): the row's next item, as the DdbWrite decides.
 */
Datum
ddb_store_write(PG_FUNCTION_ARGS)
{
	Datum		stored = PG_GETARG_DATUM(0);
	DdbWrite   *write = write_of_serial(PG_GETARG_INT64(1));
	Jsonb	   *new_item = ddb_store_replace_by_size(write, stored);
	Jsonb	   *old_item;

	if (new_item != NULL)
		PG_RETURN_JSONB_P(new_item);
	old_item = DatumGetJsonbP(stored);
	new_item = write->apply(write, ddb_doc_root(old_item));
	if (new_item == NULL)
		PG_RETURN_JSONB_P(old_item);
	PG_RETURN_JSONB_P(new_item);
}

/*
 * store_check(item, serial): whether the DdbWrite lets this row be deleted, or
 * the error by which it refuses.
 */
Datum
ddb_store_check(PG_FUNCTION_ARGS)
{
	Jsonb	   *old_item = PG_GETARG_JSONB_P(0);
	DdbWrite   *write = write_of_serial(PG_GETARG_INT64(1));

	write->keep = false;
	(void) write->apply(write, ddb_doc_root(old_item));
	PG_RETURN_BOOL(!write->keep);
}

/* ----------------------------------------------------------------
 * Running statements
 * ----------------------------------------------------------------
 */

/*
 * Run a statement whose parameters are the key columns and then those given.
 * Returns the number of rows.
 */
static uint64
run(const DdbTable *table, int query, const DdbKey *key, int nextra, const Datum *extra,
	DestReceiver *dest)
{
	Datum		values[DDB_QUERY_MAX_ARGS];
	int			i;

	for (i = 0; i < key->ncols; i++)
		values[i] = key->col[i];
	for (i = 0; i < nextra; i++)
		values[key->ncols + i] = extra[i];
	return ddb_execute_plan(table, query, build_query, values, dest);
}

/*
 * The same for a statement whose last parameter is the serial of write.
 */
static uint64
run_write(const DdbTable *table, int query, const DdbKey *key, int nextra,
		  Datum *extra, DdbWrite *write)
{
	uint64		rows = 0;

	write->serial = ++last_serial;
	write->keep = false;
	write->outer = active_writes;
	active_writes = write;
	extra[nextra] = Int64GetDatum(write->serial);
	PG_TRY();
	{
		rows = run(table, query, key, nextra + 1, extra, NULL);
	}
	PG_FINALLY();
	{
		active_writes = write->outer;
	}
	PG_END_TRY();
	return rows;
}

/* a destination that takes what it wants of one row */
typedef struct RowReceiver
{
	DestReceiver pub;
	MemoryContext context;		/* where an item goes */
	Jsonb	   *item;			/* NULL until a row comes */
	struct RowVersion *version;
} RowReceiver;

static void
init_receiver(RowReceiver *receiver, DdbReceiveRow receive)
{
	memset(receiver, 0, sizeof(RowReceiver));
	ddb_receiver_init(&receiver->pub, receive);
	receiver->context = CurrentMemoryContext;
}

static bool
receive_item(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);
	bool		isnull;
	Datum		item = slot_getattr(slot, slot->tts_tupleDescriptor->natts, &isnull);

	if (!isnull)
		receiver->item = DatumGetJsonbPCopy(item);
	MemoryContextSwitchTo(old);
	return false;
}

Jsonb *
ddb_store_get(const DdbTable *table, const DdbKey *key)
{
	RowReceiver receiver;

	init_receiver(&receiver, receive_item);
	(void) run(table, QUERY_GET, key, 0, NULL, &receiver.pub);
	return receiver.item;
}

/* a write that did nothing is never acknowledged */
void
ddb_store_raise_prevented(const DdbTable *table)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("row security or a trigger of item table \"%s\" prevented the write",
					table->name)));
}

void
ddb_store_put(const DdbTable *table, const DdbKey *key, const Jsonb *item)
{
	Datum		extra[1];

	extra[0] = JsonbPGetDatum(item);
	ddb_keylock_insert(table->relid, &table->keys, key);
	if (run(table, QUERY_PUT, key, 1, extra, NULL) == 0)
		ddb_store_raise_prevented(table);
}

void
ddb_store_upsert(const DdbTable *table, const DdbKey *key,
				 const Jsonb *item_if_absent, DdbWrite *write)
{
	Datum		extra[2];

	extra[0] = JsonbPGetDatum(item_if_absent);
	ddb_keylock_insert(table->relid, &table->keys, key);
	if (run_write(table, QUERY_UPSERT, key, 1, extra, write) == 0)
		ddb_store_raise_prevented(table);
}

/* which version of a row is there */
typedef struct RowVersion
{
	Oid			tableoid;
	ItemPointerData ctid;
	TransactionId xmin;
} RowVersion;

static bool
receive_version(TupleTableSlot *slot, DestReceiver *self)
{
	RowVersion *version = ((RowReceiver *) self)->version;
	bool		isnull;

	version->tableoid = DatumGetObjectId(slot_getattr(slot, 1, &isnull));
	version->ctid = *(ItemPointer) DatumGetPointer(slot_getattr(slot, 2, &isnull));
	version->xmin = DatumGetTransactionId(slot_getattr(slot, 3, &isnull));
	return false;
}

/* the version that a new snapshot shows; false when there is none */
static bool
row_version(const DdbTable *table, const DdbKey *key, RowVersion *version)
{
	RowReceiver receiver;

	init_receiver(&receiver, receive_version);
	receiver.version = version;
	version->tableoid = InvalidOid;
	(void) run(table, QUERY_VERSION, key, 0, NULL, &receiver.pub);
	return OidIsValid(version->tableoid);
}

/*
 * Run an UPDATE or DELETE by key; false when there is no item.
 *
 * A statement that waits for a transaction which deletes the row and inserts
 * its successor goes away empty, although at no time the item was absent.  So
 * when no row was hit, a new snapshot is asked; if it shows a row, the
 * statement is repeated.  If it shows the same one twice, this is no race:
 * row security or a trigger keeps the statement from it.
 */
static bool
run_on_item(const DdbTable *table, int query, const DdbKey *key, DdbWrite *write)
{
	RowVersion	seen[2];
	Datum		extra[1];
	int			turn;

	for (turn = 0;; turn++)
	{
		RowVersion *now = &seen[turn % 2];
		RowVersion *before = &seen[(turn + 1) % 2];
		uint64		rows;

		CHECK_FOR_INTERRUPTS();
		rows = run_write(table, query, key, 0, extra, write);
		if (rows > 0)
			return true;
		if (write->keep || !row_version(table, key, now))
			return false;
		if (turn > 0 && now->tableoid == before->tableoid &&
			ItemPointerEquals(&now->ctid, &before->ctid) && now->xmin == before->xmin)
			ddb_store_raise_prevented(table);
	}
}

bool
ddb_store_update(const DdbTable *table, const DdbKey *key, DdbWrite *write)
{
	return run_on_item(table, QUERY_UPDATE, key, write);
}

bool
ddb_store_delete(const DdbTable *table, const DdbKey *key, DdbWrite *write)
{
	return run_on_item(table, QUERY_DELETE, key, write);
}

bool
ddb_store_lock(const DdbTable *table, const DdbKey *key, DdbWrite *write)
{
	RowVersion	version;

	for (;;)
	{
		RowReceiver receiver;

		CHECK_FOR_INTERRUPTS();
		init_receiver(&receiver, receive_item);
		(void) run(table, QUERY_LOCK, key, 0, NULL, &receiver.pub);
		if (receiver.item != NULL)
		{
			(void) write->apply(write, ddb_doc_root(receiver.item));
			return true;
		}

		/* as in run_on_item: was it replaced while we waited for its lock? */
		if (!row_version(table, key, &version))
			return false;
	}
}
