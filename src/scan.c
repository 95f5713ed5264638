/*
 * scan.c
 *	  Many items in order: a partition by sort key, or a whole table.
 *
 * Rows go from the executor straight to the caller's function, through a
 * DestReceiver: nothing is collected, and the caller ends the reading when
 * its page is full.
 *
 * A table is read in the order of (hash of the partition key, partition key,
 * sort key), by the index that CreateTable makes for it: a segment of a
 * parallel scan is a range of hashes, a partition is never split, and a page
 * resumes after any key, existing or not.
 */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "compat.h"
#include "execute.h"
#include "scan.h"
#include "scan_internal.h"

DDB_FUNCTION(ddb_scan_filter);

/*
 * Queries of this file: bits of the partition queries say which bounds they
 * have, those of the table queries whether they resume.
 */
#define QUERY_PARTITION		DDB_QUERY_SCAN
#define HAS_LOWER			1
#define LOWER_INCLUSIVE		2
#define HAS_UPPER			4
#define UPPER_INCLUSIVE		8
#define BACKWARD			16
#define QUERY_TABLE			(DDB_QUERY_SCAN + 32)
#define HAS_START			1
#define QUERY_UNORDERED		(DDB_QUERY_SCAN + 34)
#define FILTERED			64	/* added to a query: one more parameter */

/* segment boundaries lie on this many equal parts of the hash space */
#define HASH_PARTS			4096

/* ----------------------------------------------------------------
 * Statement texts
 * ----------------------------------------------------------------
 */

static void
build_partition_query(const DdbTable *table, int bits, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;
	Oid			sk_type = has_sk ? ddb_key_column_type(table->keys.attr[1].type) : InvalidOid;

	appendStringInfo(&text->sql,
					 "SELECT %s FROM %s AS t WHERE t.pk OPERATOR(pg_catalog.=) $1",
					 ddb_plan_columns(table), table->qualified);
	ddb_plan_add_arg(text, ddb_key_column_type(table->keys.attr[0].type));
	if (bits & HAS_LOWER)
	{
		ddb_plan_add_arg(text, sk_type);
		appendStringInfo(&text->sql, " AND t.sk OPERATOR(pg_catalog.>%s) $%d",
						 (bits & LOWER_INCLUSIVE) ? "=" : "", text->nargs);
	}
	if (bits & HAS_UPPER)
	{
		ddb_plan_add_arg(text, sk_type);
		appendStringInfo(&text->sql, " AND t.sk OPERATOR(pg_catalog.<%s) $%d",
						 (bits & UPPER_INCLUSIVE) ? "=" : "", text->nargs);
	}
}

static void
build_table_query(const DdbTable *table, int bits, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;

	appendStringInfo(&text->sql,
					 "SELECT %s FROM %s AS t"
					 " WHERE dynamo.partition_hash(t.pk) OPERATOR(pg_catalog.>=) $1"
					 " AND dynamo.partition_hash(t.pk) OPERATOR(pg_catalog.<=) $2",
					 ddb_plan_columns(table), table->qualified);
	ddb_plan_add_arg(text, INT4OID);
	ddb_plan_add_arg(text, INT4OID);
	if (bits & HAS_START)
	{
		appendStringInfo(&text->sql,
						 " AND ROW(dynamo.partition_hash(t.pk), t.pk%s)"
						 " OPERATOR(pg_catalog.>) ROW($3, $4%s)",
						 has_sk ? ", t.sk" : "", has_sk ? ", $5" : "");
		ddb_plan_add_arg(text, INT4OID);
		ddb_plan_add_arg(text, ddb_key_column_type(table->keys.attr[0].type));
		if (has_sk)
			ddb_plan_add_arg(text, ddb_key_column_type(table->keys.attr[1].type));
	}
}

static void
append_order(const DdbTable *table, int query, DdbQueryText *text)
{
	bool		has_sk = table->keys.nattrs == 2;

	if (query == QUERY_UNORDERED)
		return;
	if (query >= QUERY_TABLE)
		appendStringInfo(&text->sql, " ORDER BY dynamo.partition_hash(t.pk), t.pk%s",
						 has_sk ? ", t.sk" : "");
	else if (has_sk)
		appendStringInfoString(&text->sql, ((query - QUERY_PARTITION) & BACKWARD) ?
							   " ORDER BY t.pk DESC, t.sk DESC" : " ORDER BY t.pk, t.sk");
}

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	bool		filtered = ((query - DDB_QUERY_SCAN) & FILTERED) != 0;

	query -= filtered ? FILTERED : 0;
	if (query == QUERY_UNORDERED)
	{
		appendStringInfo(&text->sql, "SELECT %s FROM %s AS t WHERE true",
						 ddb_plan_columns(table), table->qualified);
		text->any_plan = true;
	}
	else if (query >= QUERY_TABLE)
		build_table_query(table, query - QUERY_TABLE, text);
	else
		build_partition_query(table, query - QUERY_PARTITION, text);
	if (filtered)
	{
		ddb_plan_add_arg(text, INT8OID);
		appendStringInfo(&text->sql, " AND dynamo.scan_filter(t.item, $%d)", text->nargs);
	}
	append_order(table, query, text);
}

/* ----------------------------------------------------------------
 * From ranges to queries and parameters
 * ----------------------------------------------------------------
 */

static void
partition_statement(const DdbPartitionRange *range, DdbScanStatement *statement)
{
	int			n = 0;
	int			bits = range->forward ? 0 : BACKWARD;

	statement->values[n++] = range->pk;
	if (range->lower.present)
	{
		bits |= HAS_LOWER | (range->lower.inclusive ? LOWER_INCLUSIVE : 0);
		statement->values[n++] = range->lower.value;
	}
	if (range->upper.present)
	{
		bits |= HAS_UPPER | (range->upper.inclusive ? UPPER_INCLUSIVE : 0);
		statement->values[n++] = range->upper.value;
	}
	statement->query = QUERY_PARTITION + bits;
}

/*
 * Up to HASH_PARTS segments lie on part boundaries.
 */
uint64
ddb_scan_segment_start(int segment, int total)
{
	uint64		parts = total <= HASH_PARTS ? HASH_PARTS : ((uint64) 1 << 32);

	return (parts * segment + total - 1) / total * (((uint64) 1 << 32) / parts);
}

int
ddb_scan_segment_of_hash(uint32 hash, int total)
{
	int			segment = (int) ((uint64) hash * total >> 32);

	while (segment > 0 && hash < ddb_scan_segment_start(segment, total))
		segment--;
	while (segment < total - 1 && hash >= ddb_scan_segment_start(segment + 1, total))
		segment++;
	return segment;
}

int
ddb_scan_segment(const DdbTable *table, const DdbKey *key, int total)
{
	return ddb_scan_segment_of_hash(ddb_key_partition_hash(table->keys.attr[0].type,
														   key->col[0]), total);
}

/* false when the segment holds no hash at all */
static bool
table_statement(const DdbTable *table, const DdbTableRange *range,
				DdbScanStatement *statement)
{
	uint64		first = ddb_scan_segment_start(range->segment, range->total);
	uint64		end = ddb_scan_segment_start(range->segment + 1, range->total);

	if (first >= end)
		return false;
	statement->query = QUERY_TABLE;
	statement->values[0] = Int32GetDatum(ddb_scan_signed_hash((uint32) first));
	statement->values[1] = Int32GetDatum(ddb_scan_signed_hash((uint32) (end - 1)));
	if (range->start != NULL)
	{
		uint32		hash = ddb_key_partition_hash(table->keys.attr[0].type,
												  range->start->col[0]);

		statement->query |= HAS_START;
		statement->values[0] = Int32GetDatum(ddb_scan_signed_hash(Max((uint32) first, hash)));
		statement->values[2] = Int32GetDatum(ddb_scan_signed_hash(hash));
		statement->values[3] = range->start->col[0];
		if (range->start->ncols == 2)
			statement->values[4] = range->start->col[1];
	}
	return true;
}

/* ----------------------------------------------------------------
 * Running
 * ----------------------------------------------------------------
 */

/* a destination that hands each row's item to a function */
typedef struct ItemReceiver
{
	DestReceiver pub;
	DdbScanItem consume;
	void	   *arg;
	MemoryContext row_context;
} ItemReceiver;

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	ItemReceiver *receiver = (ItemReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->row_context);
	bool		isnull;
	bool		more = true;
	Datum		datum;

	CHECK_FOR_INTERRUPTS();
	datum = slot_getattr(slot, slot->tts_tupleDescriptor->natts, &isnull);
	if (!isnull)
		more = receiver->consume(ddb_doc_root(DatumGetJsonbP(datum)), receiver->arg);
	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->row_context);
	return more;
}

void
ddb_scan_run(const DdbTable *table, const DdbScanStatement *statement,
			 DdbQueryBuilder builder, DdbScanItem consume, void *arg)
{
	ItemReceiver receiver;

	memset(&receiver, 0, sizeof(receiver));
	ddb_receiver_init(&receiver.pub, receive_row);
	receiver.consume = consume;
	receiver.arg = arg;
	receiver.row_context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo row",
												 ALLOCSET_DEFAULT_SIZES);
	(void) ddb_execute_plan(table, statement->query, builder, statement->values, &receiver.pub);
	MemoryContextDelete(receiver.row_context);
}

void
ddb_scan_partition(const DdbTable *table, const DdbPartitionRange *range,
				   DdbScanItem consume, void *arg)
{
	DdbScanStatement statement;

	partition_statement(range, &statement);
	ddb_scan_run(table, &statement, build_query, consume, arg);
}

void
ddb_scan_table(const DdbTable *table, const DdbTableRange *range,
			   DdbScanItem consume, void *arg)
{
	DdbScanStatement statement;

	if (table_statement(table, range, &statement))
		ddb_scan_run(table, &statement, build_query, consume, arg);
}

/* ----------------------------------------------------------------
 * Cursors
 * ----------------------------------------------------------------
 */

/*
 * Filters of open cursors.  A statement names its filter by serial number: a
 * pointer in its place could be forged by whoever calls scan_filter from SQL.
 */
static DdbScanFilter *open_filters = NULL;
static int64 last_serial = 0;

/* callback of the memory context that a filter lives in */
static void
forget_filter(void *arg)
{
	DdbScanFilter **link = &open_filters;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

static void
remember_filter(DdbScanFilter *filter)
{
	MemoryContextCallback *callback = palloc0(sizeof(MemoryContextCallback));

	filter->serial = ++last_serial;
	filter->next = open_filters;
	callback->func = forget_filter;
	callback->arg = filter;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	open_filters = filter;
}

/* scan_filter(item, serial): does the cursor's DdbScanFilter accept the item? */
Datum
ddb_scan_filter(PG_FUNCTION_ARGS)
{
	Jsonb	   *item = PG_GETARG_JSONB_P(0);
	int64		serial = PG_GETARG_INT64(1);
	DdbScanFilter *filter = open_filters;

	while (filter != NULL && filter->serial != serial)
		filter = filter->next;
	if (filter == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("this function is called by statements of the extension only")));
	PG_RETURN_BOOL(filter->accepts(ddb_doc_root(item), filter->arg));
}

char *
ddb_scan_open_cursor(const DdbTable *table, DdbScanStatement *statement,
					 DdbQueryBuilder builder, DdbScanFilter *filter)
{
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr	plan;
	Portal		portal;
	char	   *name;

	remember_filter(filter);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	plan = ddb_plan_get(table, statement->query, builder);
	statement->values[SPI_getargcount(plan) - 1] = Int64GetDatum(filter->serial);
	portal = SPI_cursor_open(NULL, plan, statement->values, NULL, false);

	/* a caller's cursor WITH HOLD reads its rest during commit */
	portal->cursorOptions |= CURSOR_OPT_HOLD;
	name = MemoryContextStrdup(caller, portal->name);
	SPI_finish();
	return name;
}

char *
ddb_scan_open_partition(const DdbTable *table, const DdbPartitionRange *range,
						DdbScanFilter *filter)
{
	DdbScanStatement statement;

	partition_statement(range, &statement);
	statement.query += FILTERED;
	return ddb_scan_open_cursor(table, &statement, build_query, filter);
}

char *
ddb_scan_open_unordered(const DdbTable *table, DdbScanFilter *filter)
{
	DdbScanStatement statement;

	statement.query = QUERY_UNORDERED + FILTERED;
	return ddb_scan_open_cursor(table, &statement, build_query, filter);
}

int
ddb_scan_fetch(const char *cursor, int max, Jsonb **items)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext old;
	Portal		portal;
	int			count;
	int			i;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	portal = SPI_cursor_find(cursor);
	if (portal == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("the scan of this set-returning function has been closed"),
				 errdetail("It ends with the transaction or savepoint in which it began.")));
	SPI_cursor_fetch(portal, true, max);
	count = (int) SPI_processed;

	old = MemoryContextSwitchTo(caller);
	for (i = 0; i < count; i++)
	{
		bool		isnull;

		items[i] = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[i],
													SPI_tuptable->tupdesc,
													SPI_tuptable->tupdesc->natts,
													&isnull));
	}
	MemoryContextSwitchTo(old);
	SPI_finish();
	return count;
}

void
ddb_scan_close(const char *cursor)
{
	Portal		portal = GetPortalByName(cursor);

	if (PortalIsValid(portal))
		PortalDrop(portal, false);
}
