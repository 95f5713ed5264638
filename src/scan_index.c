/*
 * scan_index.c
 *	  Many entries of a secondary index in order: a range of one partition, or
 *	  a whole index.
 *
 * An index table is read by its primary key: hash, partition key, sort keys,
 * tie.  No two entries are equal in all of them, so reading resumes after any
 * position, however many entries have the same index key, in either
 * direction.
 *
 * Index tables belong to the item table's owner and nobody else has rights on
 * them: who asks has been checked against the item table.  Statements start as
 * the owner; whatever is done with an entry is done as the caller.  Where row
 * security is in force for him, each entry's item is looked up in the item
 * table, under the same snapshot, and what he cannot see there does not exist.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "scan.h"
#include "scan_internal.h"

/*
 * Queries of this file.  A partition query's number says how many sort keys
 * are given, and in bits which bounds it has.
 */
#define QUERY_PARTITION		DDB_QUERY_INDEX
#define EQUAL_MASK			7
#define HAS_LOWER			8
#define LOWER_INCLUSIVE		16
#define HAS_UPPER			32
#define UPPER_INCLUSIVE		64
#define BACKWARD			128
#define HAS_START			256
#define QUERY_SEGMENT		(DDB_QUERY_INDEX + 512)
#define QUERY_UNORDERED		(DDB_QUERY_INDEX + 1024)
#define QUERY_ITEM			(DDB_QUERY_INDEX + 1025)	/* of the item table */
#define FILTERED			2048	/* added to a query: one more parameter */

/*
 * What plans of index tables belong to.  Of a DdbTable the plan cache wants
 * to know the relation and whether plans differ by role, which here they do
 * not; the statement's text is made from the index.
 */
typedef struct IndexTable
{
	DdbTable	pub;
	const DdbIndex *index;
} IndexTable;

static void
init_index_table(IndexTable *table, const DdbIndex *index)
{
	memset(table, 0, sizeof(IndexTable));
	table->pub.name = index->name;
	table->pub.relid = index->relid;
	table->pub.qualified = index->qualified;
	table->index = index;
}

/* ----------------------------------------------------------------
 * Statement texts
 * ----------------------------------------------------------------
 */

static Oid
pk_type(const DdbIndex *index)
{
	return index->npartition == 1 ? ddb_key_column_type(index->partition[0].type) : BYTEAOID;
}

/*
 * The columns that order entries, without the first so many sort keys, each
 * with these words before and after it.  with_partition: hash and pk as well.
 */
static void
append_columns(const DdbIndex *index, bool with_partition, int first_sort,
			   const char *after, StringInfo sql)
{
	int			i;

	if (with_partition)
		appendStringInfo(sql, "t.hash%s, t.pk%s, ", after, after);
	for (i = first_sort; i < index->nsort; i++)
		appendStringInfo(sql, "t.sk%d%s, ", i + 1, after);
	appendStringInfo(sql, "t.tie%s", after);
}

/* the same columns compared with as many new parameters */
static void
append_start(const DdbIndex *index, bool with_partition, int first_sort,
			 bool forward, DdbQueryText *text)
{
	int			i;

	appendStringInfoString(&text->sql, " AND ROW(");
	append_columns(index, with_partition, first_sort, "", &text->sql);
	appendStringInfo(&text->sql, ") OPERATOR(pg_catalog.%s) ROW(", forward ? ">" : "<");
	if (with_partition)
	{
		ddb_plan_add_arg(text, INT4OID);
		appendStringInfo(&text->sql, "$%d, ", text->nargs);
		ddb_plan_add_arg(text, pk_type(index));
		appendStringInfo(&text->sql, "$%d, ", text->nargs);
	}
	for (i = first_sort; i < index->nsort; i++)
	{
		ddb_plan_add_arg(text, ddb_key_column_type(index->sort[i].type));
		appendStringInfo(&text->sql, "$%d, ", text->nargs);
	}
	ddb_plan_add_arg(text, BYTEAOID);
	appendStringInfo(&text->sql, "$%d)", text->nargs);
}

/* a sort key column compared with a new parameter */
static void
append_comparison(const DdbIndex *index, int sort, const char *operator, DdbQueryText *text)
{
	ddb_plan_add_arg(text, ddb_key_column_type(index->sort[sort].type));
	appendStringInfo(&text->sql, " AND t.sk%d OPERATOR(pg_catalog.%s) $%d",
					 sort + 1, operator, text->nargs);
}

static void
build_partition_query(const DdbIndex *index, int bits, DdbQueryText *text)
{
	int			nequal = bits & EQUAL_MASK;
	int			i;

	appendStringInfoString(&text->sql,
						   " WHERE t.hash OPERATOR(pg_catalog.=) $1"
						   " AND t.pk OPERATOR(pg_catalog.=) $2");
	ddb_plan_add_arg(text, INT4OID);
	ddb_plan_add_arg(text, pk_type(index));
	for (i = 0; i < nequal; i++)
		append_comparison(index, i, "=", text);
	if (bits & HAS_LOWER)
		append_comparison(index, nequal, (bits & LOWER_INCLUSIVE) ? ">=" : ">", text);
	if (bits & HAS_UPPER)
		append_comparison(index, nequal, (bits & UPPER_INCLUSIVE) ? "<=" : "<", text);
	if (bits & HAS_START)
		append_start(index, false, nequal, !(bits & BACKWARD), text);
}

static void
build_segment_query(const DdbIndex *index, int bits, DdbQueryText *text)
{
	appendStringInfoString(&text->sql,
						   " WHERE t.hash OPERATOR(pg_catalog.>=) $1"
						   " AND t.hash OPERATOR(pg_catalog.<=) $2");
	ddb_plan_add_arg(text, INT4OID);
	ddb_plan_add_arg(text, INT4OID);
	if (bits & HAS_START)
		append_start(index, true, 0, true, text);
}

static void
append_order(const DdbIndex *index, bool backward, DdbQueryText *text)
{
	appendStringInfoString(&text->sql, " ORDER BY ");
	append_columns(index, true, 0, backward ? " DESC" : "", &text->sql);
}

/* all columns in the table's order, which spares the executor a projection */
static void
build_index_query(const DdbTable *table, int query, DdbQueryText *text)
{
	const DdbIndex *index = ((const IndexTable *) table)->index;
	bool		filtered = (query - DDB_QUERY_INDEX) >= FILTERED;

	query -= filtered ? FILTERED : 0;
	appendStringInfoString(&text->sql, "SELECT ");
	append_columns(index, true, 0, "", &text->sql);
	appendStringInfo(&text->sql, ", t.item FROM %s AS t", index->qualified);
	if (query == QUERY_UNORDERED)
	{
		appendStringInfoString(&text->sql, " WHERE true");
		text->any_plan = true;
	}
	else if (query >= QUERY_SEGMENT)
		build_segment_query(index, query - QUERY_SEGMENT, text);
	else
		build_partition_query(index, query - QUERY_PARTITION, text);
	if (filtered)
	{
		ddb_plan_add_arg(text, INT8OID);
		appendStringInfo(&text->sql, " AND dynamo.scan_filter(t.item, $%d)", text->nargs);
	}
	if (query != QUERY_UNORDERED)
		append_order(index, query < QUERY_SEGMENT && (query - QUERY_PARTITION) & BACKWARD, text);
}

static void
build_item_query(const DdbTable *table, int query, DdbQueryText *text)
{
	int			i;

	appendStringInfo(&text->sql, "SELECT %s FROM %s AS t WHERE t.pk OPERATOR(pg_catalog.=) $1%s",
					 ddb_plan_columns(table), table->qualified,
					 table->keys.nattrs == 2 ? " AND t.sk OPERATOR(pg_catalog.=) $2" : "");
	for (i = 0; i < table->keys.nattrs; i++)
		ddb_plan_add_arg(text, ddb_key_column_type(table->keys.attr[i].type));
}

/* ----------------------------------------------------------------
 * From ranges to queries and parameters
 * ----------------------------------------------------------------
 */

/* append what append_start asks for */
static int
start_values(const DdbIndexPosition *start, bool with_partition, int first_sort,
			 Datum *values, int n)
{
	int			i;

	if (with_partition)
	{
		values[n++] = Int32GetDatum(start->hash);
		values[n++] = start->pk;
	}
	for (i = first_sort; i < start->nsort; i++)
		values[n++] = start->sort[i];
	values[n++] = start->tie;
	return n;
}

static void
partition_statement(const DdbIndexRange *range, DdbScanStatement *statement)
{
	Datum	   *values = statement->values;
	int			bits = range->nequal | (range->forward ? 0 : BACKWARD);
	int			n = 0;
	int			i;

	values[n++] = Int32GetDatum(range->partition.hash);
	values[n++] = range->partition.pk;
	for (i = 0; i < range->nequal; i++)
		values[n++] = range->equal[i];
	if (range->lower.present)
	{
		bits |= HAS_LOWER | (range->lower.inclusive ? LOWER_INCLUSIVE : 0);
		values[n++] = range->lower.value;
	}
	if (range->upper.present)
	{
		bits |= HAS_UPPER | (range->upper.inclusive ? UPPER_INCLUSIVE : 0);
		values[n++] = range->upper.value;
	}
	if (range->start != NULL)
	{
		bits |= HAS_START;
		n = start_values(range->start, false, range->nequal, values, n);
	}
	Assert(n < DDB_QUERY_MAX_ARGS);
	statement->query = QUERY_PARTITION + bits;
}

int
ddb_scan_index_segment(const DdbIndexPosition *position, int total)
{
	return ddb_scan_segment_of_hash(ddb_scan_unsigned_hash(position->hash), total);
}

/* false when the segment holds no hash at all */
static bool
segment_statement(const DdbIndexSegment *range, DdbScanStatement *statement)
{
	uint64		first = ddb_scan_segment_start(range->segment, range->total);
	uint64		end = ddb_scan_segment_start(range->segment + 1, range->total);

	if (first >= end)
		return false;
	statement->query = QUERY_SEGMENT;
	statement->values[0] = Int32GetDatum(ddb_scan_signed_hash((uint32) first));
	statement->values[1] = Int32GetDatum(ddb_scan_signed_hash((uint32) (end - 1)));
	if (range->start != NULL)
	{
		statement->query += HAS_START;
		(void) start_values(range->start, true, 0, statement->values, 2);
	}
	return true;
}

/* ----------------------------------------------------------------
 * Reading as the owner, consuming as the caller
 * ----------------------------------------------------------------
 */

typedef struct Identity
{
	Oid			userid;
	int			context;
} Identity;

static void
become_owner(const DdbTable *table, Identity *caller, Identity *owner)
{
	GetUserIdAndSecContext(&caller->userid, &caller->context);
	owner->userid = ddb_relation_owner(table->relid);
	owner->context = caller->context | SECURITY_LOCAL_USERID_CHANGE |
		SECURITY_RESTRICTED_OPERATION;
	SetUserIdAndSecContext(owner->userid, owner->context);
}

/* is row security in force for the current user?  Raises as the server does
 * when he has turned row_security off */
static bool
checks_rows(const DdbTable *table)
{
	return table->row_security &&
		check_enable_rls(table->relid, InvalidOid, false) == RLS_ENABLED;
}

typedef struct Reader
{
	const DdbTable *table;
	bool		check_rows;
	Identity	caller;
	Identity	owner;
	DdbScanItem consume;
	void	   *arg;
} Reader;

/* DdbScanItem */
static bool
read_entry(DdbDoc entry, void *arg)
{
	Reader	   *reader = arg;
	bool		more = true;

	SetUserIdAndSecContext(reader->caller.userid, reader->caller.context);
	if (!reader->check_rows || ddb_scan_index_fetch(reader->table, entry) != NULL)
		more = reader->consume(entry, reader->arg);
	SetUserIdAndSecContext(reader->owner.userid, reader->owner.context);
	return more;
}

static void
run(const DdbTable *table, const DdbIndex *index, const DdbScanStatement *statement,
	DdbScanItem consume, void *arg)
{
	Reader		reader;
	IndexTable	index_table;

	init_index_table(&index_table, index);
	reader.table = table;
	reader.check_rows = checks_rows(table);
	reader.consume = consume;
	reader.arg = arg;
	become_owner(table, &reader.caller, &reader.owner);
	ddb_scan_run(&index_table.pub, statement, build_index_query, read_entry, &reader);
	SetUserIdAndSecContext(reader.caller.userid, reader.caller.context);
}

void
ddb_scan_index_partition(const DdbTable *table, const DdbIndex *index,
						 const DdbIndexRange *range, DdbScanItem consume, void *arg)
{
	DdbScanStatement statement;

	partition_statement(range, &statement);
	run(table, index, &statement, consume, arg);
}

void
ddb_scan_index(const DdbTable *table, const DdbIndex *index,
			   const DdbIndexSegment *range, DdbScanItem consume, void *arg)
{
	DdbScanStatement statement;

	if (segment_statement(range, &statement))
		run(table, index, &statement, consume, arg);
}

bool
ddb_scan_index_lock(const DdbIndex *index)
{
	LockRelationOid(index->relid, AccessShareLock);
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(index->relid)))
		return true;
	UnlockRelationOid(index->relid, AccessShareLock);
	return false;
}

Jsonb *
ddb_scan_index_fetch(const DdbTable *table, DdbDoc entry)
{
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *item = NULL;
	DdbKey		key;

	ddb_key_of_item(&table->keys, entry, &key);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
	if (SPI_execute_snapshot(ddb_plan_get(table, QUERY_ITEM, build_item_query), key.col, NULL,
							 GetActiveSnapshot(), InvalidSnapshot, true, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the item of an index entry");
	if (SPI_processed > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);
		bool		isnull;

		item = DatumGetJsonbPCopy(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
												SPI_tuptable->tupdesc->natts, &isnull));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return item;
}

/* ----------------------------------------------------------------
 * Cursors
 * ----------------------------------------------------------------
 */

/* in front of the caller's filter, where row security is in force for him */
typedef struct RowFilter
{
	const DdbTable *table;
	const DdbScanFilter *filter;
} RowFilter;

static bool
accepts_visible(DdbDoc entry, void *arg)
{
	const RowFilter *rows = arg;

	return ddb_scan_index_fetch(rows->table, entry) != NULL &&
		rows->filter->accepts(entry, rows->filter->arg);
}

static DdbScanFilter *
with_row_security(const DdbTable *table, DdbScanFilter *filter)
{
	DdbScanFilter *both;
	RowFilter  *rows;

	if (!checks_rows(table))
		return filter;
	rows = palloc(sizeof(RowFilter));
	rows->table = table;
	rows->filter = filter;
	both = palloc0(sizeof(DdbScanFilter));
	both->accepts = accepts_visible;
	both->arg = rows;
	return both;
}

static char *
open_cursor(const DdbTable *table, const DdbIndex *index, DdbScanStatement *statement,
			DdbScanFilter *filter)
{
	IndexTable	index_table;
	Identity	caller;
	Identity	owner;
	char	   *name;

	init_index_table(&index_table, index);
	filter = with_row_security(table, filter);
	statement->query += FILTERED;
	become_owner(table, &caller, &owner);
	name = ddb_scan_open_cursor(&index_table.pub, statement, build_index_query, filter);
	SetUserIdAndSecContext(caller.userid, caller.context);
	return name;
}

char *
ddb_scan_open_index_partition(const DdbTable *table, const DdbIndex *index,
							  const DdbIndexRange *range, DdbScanFilter *filter)
{
	DdbScanStatement statement;

	partition_statement(range, &statement);
	return open_cursor(table, index, &statement, filter);
}

char *
ddb_scan_open_index_unordered(const DdbTable *table, const DdbIndex *index,
							  DdbScanFilter *filter)
{
	DdbScanStatement statement;

	statement.query = QUERY_UNORDERED;
	return open_cursor(table, index, &statement, filter);
}
