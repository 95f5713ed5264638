/*
 * op_bulk_row.c
 *	  Bulk operations in dynamo.bulk_operation.
 *
 * The table belongs to the extension's owner and is read and written as that
 * role; who may see a row is decided by callers.  Progress is written by the
 * transaction that made it, so that both are there or neither.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"

#include "op_bulk.h"

typedef struct BulkQuery
{
	const char *sql;
	int			nargs;
	Oid			types[14];
} BulkQuery;

#define COLUMNS \
	"SELECT o.operation_id, o.name, o.role, o.relid, o.table_name, o.table_arn, o.table_id," \
	" o.request, o.status, o.started_at, o.ended_at, o.total_bytes, o.failure_code," \
	" o.failure_message, o.object, o.object_position, o.object_line, o.processed_items," \
	" o.failed_items, o.refused_items, o.processed_bytes, o.write_units, o.error_bytes," \
	" o.refused_bytes FROM dynamo.bulk_operation AS o WHERE "

enum
{
	COLUMN_ID = 1,
	COLUMN_NAME,
	COLUMN_ROLE,
	COLUMN_RELID,
	COLUMN_TABLE_NAME,
	COLUMN_TABLE_ARN,
	COLUMN_TABLE_ID,
	COLUMN_REQUEST,
	COLUMN_STATUS,
	COLUMN_STARTED,
	COLUMN_ENDED,
	COLUMN_TOTAL_BYTES,
	COLUMN_FAILURE_CODE,
	COLUMN_FAILURE_MESSAGE,
	COLUMN_OBJECT,
	COLUMN_POSITION,
	COLUMN_LINE,
	COLUMN_PROCESSED,
	COLUMN_FAILED,
	COLUMN_REFUSED,
	COLUMN_BYTES,
	COLUMN_UNITS,
	COLUMN_ERROR_BYTES,
	COLUMN_REFUSED_BYTES
};

#define RUNNING		"o.status IN ('IN_PROGRESS', 'CANCELLING')"

static const BulkQuery query_by_id = {
	COLUMNS "o.operation_id = $1",
	1, {INT8OID}
};

static const BulkQuery query_by_name = {
	COLUMNS "o.name = $1 AND o.started_at > now() - " DDB_BULK_LISTED,
	1, {TEXTOID}
};

static const BulkQuery query_by_token = {
	COLUMNS "o.role = $1 AND o.client_token = $2 AND o.started_at > now() - interval '8 hours'"
	" ORDER BY o.operation_id DESC LIMIT 1",
	2, {OIDOID, TEXTOID}
};

static const BulkQuery query_list = {
	COLUMNS "o.operation_id < $1 AND o.started_at > now() - " DDB_BULK_LISTED
	" ORDER BY o.operation_id DESC LIMIT $2",
	2, {INT8OID, INT4OID}
};

static const BulkQuery query_waiting = {
	COLUMNS RUNNING " AND ($1 OR o.retry_at IS NULL OR o.retry_at <= now())"
	" ORDER BY o.operation_id",
	1, {BOOLOID}
};

static const BulkQuery query_count = {
	"SELECT 1 FROM dynamo.bulk_operation AS o WHERE " RUNNING,
	0, {InvalidOid}
};

static const BulkQuery query_insert = {
	"INSERT INTO dynamo.bulk_operation (name, role, relid, table_name, table_arn, table_id,"
	" client_token, request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING operation_id",
	8, {TEXTOID, OIDOID, OIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID}
};

static const BulkQuery query_purge = {
	"DELETE FROM dynamo.bulk_operation WHERE operation_id IN"
	" (SELECT o.operation_id FROM dynamo.bulk_operation AS o"
	" WHERE o.started_at < now() - " DDB_BULK_LISTED " AND NOT " RUNNING
	" LIMIT 100 FOR UPDATE SKIP LOCKED)",
	0, {InvalidOid}
};

static const BulkQuery query_total = {
	"UPDATE dynamo.bulk_operation SET total_bytes = $2, failure_message = NULL, retry_at = NULL"
	" WHERE operation_id = $1",
	2, {INT8OID, INT8OID}
};

static const BulkQuery query_progress = {
	"UPDATE dynamo.bulk_operation SET object = $2, object_position = $3, object_line = $4,"
	" processed_items = $5, failed_items = $6, refused_items = $7, processed_bytes = $8,"
	" write_units = $9, error_bytes = $10, refused_bytes = $11, failures = 0"
	" WHERE operation_id = $1 RETURNING status",
	11, {INT8OID, TEXTOID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, INT8OID, FLOAT8OID,
	INT8OID, INT8OID}
};

static const BulkQuery query_cancel = {
	"UPDATE dynamo.bulk_operation AS o SET status = 'CANCELLING', retry_at = NULL"
	" WHERE o.operation_id = $1 AND " RUNNING,
	1, {INT8OID}
};

static const BulkQuery query_end = {
	"UPDATE dynamo.bulk_operation SET status = $2, failure_code = $3, failure_message = $4,"
	" ended_at = clock_timestamp(), retry_at = NULL WHERE operation_id = $1",
	4, {INT8OID, TEXTOID, TEXTOID, TEXTOID}
};

/* what was interrupted waits for somebody to resume it */
static const BulkQuery query_put_off = {
	"UPDATE dynamo.bulk_operation SET failure_message = $2, failures = failures + 1,"
	" retry_at = CASE WHEN $3 THEN 'infinity'"
	"  ELSE now() + least(interval '10 s' * 2 ^ least(failures, 10), interval '1 h') END"
	" WHERE operation_id = $1",
	3, {INT8OID, TEXTOID, BOOLOID}
};

/* ----------------------------------------------------------------
 * Running
 * ----------------------------------------------------------------
 */

/*
 * Run a query as the extension's owner, connected to SPI; finish ends what
 * this begins.  Returns the number of rows.
 */
static uint64
run(DdbAsOwner *as_owner, const BulkQuery *query, Datum *values, const char *nulls)
{
	Oid			types[lengthof(query->types)];
	int			rc;

	memcpy(types, query->types, sizeof(types));
	ddb_as_owner_begin(as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_with_args(query->sql, query->nargs, types, values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not read or write a bulk operation: %s",
			 SPI_result_code_string(rc));
	return SPI_processed;
}

static void
finish(DdbAsOwner *as_owner)
{
	SPI_finish();
	ddb_as_owner_end(as_owner);
}

static uint64
run_and_finish(const BulkQuery *query, Datum *values, const char *nulls)
{
	DdbAsOwner	as_owner;
	uint64		rows = run(&as_owner, query, values, nulls);

	finish(&as_owner);
	return rows;
}

/* ----------------------------------------------------------------
 * Rows found, inside SPI, into the context at hand
 * ----------------------------------------------------------------
 */

static Datum
get(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

static char *
get_text(uint64 row, int column)
{
	bool		isnull;
	Datum		value = get(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static Oid
get_oid(uint64 row, int column)
{
	bool		isnull;

	return DatumGetObjectId(get(row, column, &isnull));
}

/* also of timestamps, which are integers inside */
static int64
get_int(uint64 row, int column, int64 dflt)
{
	bool		isnull;
	Datum		value = get(row, column, &isnull);

	return isnull ? dflt : DatumGetInt64(value);
}

static void
get_progress(uint64 row, DdbBulkProgress *progress)
{
	bool		isnull;

	progress->object = get_text(row, COLUMN_OBJECT);
	progress->position = get_int(row, COLUMN_POSITION, 0);
	progress->line = get_int(row, COLUMN_LINE, 0);
	progress->processed = get_int(row, COLUMN_PROCESSED, 0);
	progress->failed = get_int(row, COLUMN_FAILED, 0);
	progress->refused = get_int(row, COLUMN_REFUSED, 0);
	progress->bytes = get_int(row, COLUMN_BYTES, 0);
	progress->units = DatumGetFloat8(get(row, COLUMN_UNITS, &isnull));
	progress->output[DDB_BULK_ERROR] = get_int(row, COLUMN_ERROR_BYTES, 0);
	progress->output[DDB_BULK_CONDITION_CHECK_FAILURE] =
		get_int(row, COLUMN_REFUSED_BYTES, 0);
}

static void
get_bulk(uint64 row, DdbBulk *bulk)
{
	bool		isnull;

	memset(bulk, 0, sizeof(*bulk));
	bulk->id = get_int(row, COLUMN_ID, 0);
	bulk->name = get_text(row, COLUMN_NAME);
	bulk->role = get_oid(row, COLUMN_ROLE);
	bulk->relid = get_oid(row, COLUMN_RELID);
	bulk->table_name = get_text(row, COLUMN_TABLE_NAME);
	bulk->table_arn = get_text(row, COLUMN_TABLE_ARN);
	bulk->table_id = get_text(row, COLUMN_TABLE_ID);
	bulk->request = DatumGetJsonbPCopy(get(row, COLUMN_REQUEST, &isnull));
	bulk->status = get_text(row, COLUMN_STATUS);
	bulk->started = get_int(row, COLUMN_STARTED, 0);
	bulk->ended = get_int(row, COLUMN_ENDED, 0);
	bulk->total_bytes = get_int(row, COLUMN_TOTAL_BYTES, -1);
	bulk->failure_code = get_text(row, COLUMN_FAILURE_CODE);
	bulk->failure_message = get_text(row, COLUMN_FAILURE_MESSAGE);
	get_progress(row, &bulk->progress);
}

static List *
read_all(const BulkQuery *query, Datum *values)
{
	MemoryContext caller = CurrentMemoryContext;
	DdbAsOwner	as_owner;
	uint64		rows = run(&as_owner, query, values, NULL);
	MemoryContext spi = MemoryContextSwitchTo(caller);
	List	   *list = NIL;
	uint64		i;

	for (i = 0; i < rows; i++)
	{
		DdbBulk    *bulk = palloc(sizeof(DdbBulk));

		get_bulk(i, bulk);
		list = lappend(list, bulk);
	}
	MemoryContextSwitchTo(spi);
	finish(&as_owner);
	return list;
}

static bool
read_one(const BulkQuery *query, Datum *values, DdbBulk *bulk)
{
	List	   *list = read_all(query, values);

	if (list == NIL)
		return false;
	*bulk = *(DdbBulk *) linitial(list);
	return true;
}

bool
ddb_bulk_read(int64 id, DdbBulk *bulk)
{
	Datum		values[1] = {Int64GetDatum(id)};

	return read_one(&query_by_id, values, bulk);
}

bool
ddb_bulk_read_named(const char *name, DdbBulk *bulk)
{
	Datum		values[1] = {CStringGetTextDatum(name)};

	return read_one(&query_by_name, values, bulk);
}

bool
ddb_bulk_read_token(Oid role, DdbText token, DdbBulk *bulk)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(role);
	values[1] = PointerGetDatum(cstring_to_text_with_len(token.str, token.len));
	return read_one(&query_by_token, values, bulk);
}

List *
ddb_bulk_read_list(int64 before, int limit)
{
	Datum		values[2] = {Int64GetDatum(before), Int32GetDatum(limit)};

	return read_all(&query_list, values);
}

List *
ddb_bulk_read_waiting(bool all)
{
	Datum		values[1] = {BoolGetDatum(all)};

	return read_all(&query_waiting, values);
}

int
ddb_bulk_count_running(void)
{
	return (int) run_and_finish(&query_count, NULL, NULL);
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

/*
 * Of bulk only what is known at the start is read.  An empty token is none.
 * Returns the new id.
 */
int64
ddb_bulk_insert(const DdbBulk *bulk, DdbText token)
{
	DdbAsOwner	as_owner;
	Datum		values[8];
	char		nulls[9] = "        ";
	int64		id;

	values[0] = CStringGetTextDatum(bulk->name);
	values[1] = ObjectIdGetDatum(bulk->role);
	values[2] = ObjectIdGetDatum(bulk->relid);
	values[3] = CStringGetTextDatum(bulk->table_name);
	values[4] = CStringGetTextDatum(bulk->table_arn);
	values[5] = CStringGetTextDatum(bulk->table_id);
	values[6] = PointerGetDatum(cstring_to_text_with_len(token.str, token.len));
	values[7] = JsonbPGetDatum(bulk->request);
	if (token.len == 0)
		nulls[6] = 'n';
	(void) run(&as_owner, &query_insert, values, nulls);
	id = get_int(0, 1, 0);
	finish(&as_owner);
	return id;
}

void
ddb_bulk_purge(void)
{
	(void) run_and_finish(&query_purge, NULL, NULL);
}

void
ddb_bulk_save_total(int64 id, int64 bytes)
{
	Datum		values[2] = {Int64GetDatum(id), Int64GetDatum(bytes)};

	(void) run_and_finish(&query_total, values, NULL);
}

bool
ddb_bulk_save_progress(int64 id, const DdbBulkProgress *progress)
{
	DdbAsOwner	as_owner;
	Datum		values[11];
	char		nulls[12] = "           ";
	bool		goes_on;

	values[0] = Int64GetDatum(id);
	if (progress->object != NULL)
		values[1] = CStringGetTextDatum(progress->object);
	else
		nulls[1] = 'n';
	values[2] = Int64GetDatum(progress->position);
	values[3] = Int64GetDatum(progress->line);
	values[4] = Int64GetDatum(progress->processed);
	values[5] = Int64GetDatum(progress->failed);
	values[6] = Int64GetDatum(progress->refused);
	values[7] = Int64GetDatum(progress->bytes);
	values[8] = Float8GetDatum(progress->units);
	values[9] = Int64GetDatum(progress->output[DDB_BULK_ERROR]);
	values[10] = Int64GetDatum(progress->output[DDB_BULK_CONDITION_CHECK_FAILURE]);
	if (run(&as_owner, &query_progress, values, nulls) == 0)
		elog(ERROR, "bulk operation " INT64_FORMAT " is no more", id);
	goes_on = strcmp(get_text(0, 1), "IN_PROGRESS") == 0;
	finish(&as_owner);
	return goes_on;
}

bool
ddb_bulk_cancel(int64 id)
{
	Datum		values[1] = {Int64GetDatum(id)};

	return run_and_finish(&query_cancel, values, NULL) > 0;
}

void
ddb_bulk_end(int64 id, const char *status, const char *code, const char *message)
{
	Datum		values[4];
	char		nulls[5] = "    ";

	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(status);
	if (code != NULL)
	{
		values[2] = CStringGetTextDatum(code);
		values[3] = CStringGetTextDatum(message);
	}
	else
		nulls[2] = nulls[3] = 'n';
	(void) run_and_finish(&query_end, values, nulls);
}

void
ddb_bulk_put_off(int64 id, const char *message, bool interrupted)
{
	Datum		values[3];

	values[0] = Int64GetDatum(id);
	values[1] = CStringGetTextDatum(message);
	values[2] = BoolGetDatum(interrupted);
	(void) run_and_finish(&query_put_off, values, NULL);
}
