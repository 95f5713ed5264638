/*
 * streamrecord.c
 *	  Stream records as they are read: a shard's, in order.
 *
 * dynamo.stream_record is a ring of hourly partitions, each with an index in
 * the order of shards and sequence numbers; reading merges them.  A reader
 * stops at a number of records and of bytes, so rows come through a cursor.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/pg_lsn.h"

#include "catalog_rows.h"
#include "streamlog.h"

#define FETCH_RECORDS	50
#define HOURS_KEPT		24

/* queries of this file, see plancache.h */
enum
{
	QUERY_READ = DDB_QUERY_CATALOG + 450,
	QUERY_HOUR
};

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	if (query == QUERY_HOUR)
	{
		appendStringInfoString(&text->sql,
							   "SELECT epoch, commit_lsn, 0 FROM dynamo.stream_hour"
							   " WHERE started_at <= now() - $1 * interval '1 hour'"
							   " ORDER BY started_at DESC LIMIT 1");
		ddb_plan_add_arg(text, INT4OID);
		text->any_plan = true;
		return;
	}
	appendStringInfoString(&text->sql,
						   "SELECT r.epoch, r.commit_lsn, r.ordinal, r.record, r.size_bytes"
						   " FROM dynamo.stream_record r WHERE r.shard_no = $1"
						   " AND (r.epoch, r.commit_lsn, r.ordinal) >= ($2, $3, $4)"
						   " ORDER BY r.epoch, r.commit_lsn, r.ordinal");
	ddb_plan_add_arg(text, INT8OID);
	ddb_plan_add_arg(text, INT4OID);
	ddb_plan_add_arg(text, LSNOID);
	ddb_plan_add_arg(text, INT4OID);
}

static DdbSequence
sequence_of_row(HeapTuple tuple, TupleDesc desc)
{
	DdbSequence sequence;
	bool		isnull;

	sequence.epoch = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
	sequence.commit = DatumGetLSN(SPI_getbinval(tuple, desc, 2, &isnull));
	sequence.ordinal = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
	return sequence;
}

/* a page under way */
typedef struct RecordPage
{
	MemoryContext context;
	DdbSequence start;
	bool		inclusive;
	int			limit;
	int64		bytes_left;
	DdbStreamRecord *records;
	int			count;
} RecordPage;

/* one row; false when the page is full */
static bool
take_record(RecordPage *page, HeapTuple tuple, TupleDesc desc)
{
	DdbSequence sequence = sequence_of_row(tuple, desc);
	DdbStreamRecord *record;
	MemoryContext old;
	bool		isnull;

	if (!page->inclusive && ddb_sequence_compare(&sequence, &page->start) == 0)
		return true;
	page->bytes_left -= DatumGetInt32(SPI_getbinval(tuple, desc, 5, &isnull));
	if (page->bytes_left < 0 && page->count > 0)
		return false;
	old = MemoryContextSwitchTo(page->context);
	record = &page->records[page->count++];
	record->sequence = sequence;
	record->record = DatumGetJsonbPCopy(SPI_getbinval(tuple, desc, 4, &isnull));
	MemoryContextSwitchTo(old);
	return page->count < page->limit;
}

static void
read_page(Portal portal, RecordPage *page)
{
	bool		more = true;

	while (more)
	{
		uint64		i;

		SPI_cursor_fetch(portal, true, Min(FETCH_RECORDS, page->limit - page->count + 1));
		if (SPI_processed == 0)
			return;
		for (i = 0; more && i < SPI_processed; i++)
			more = take_record(page, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
}

DdbStreamRecord *
ddb_stream_read(const DdbShard *shard, const DdbSequence *start, bool inclusive,
				int limit, int64 max_bytes, int *count)
{
	RecordPage	page = {CurrentMemoryContext};
	DdbAsOwner	as_owner;
	Datum		values[4];
	Portal		portal;

	page.start = *start;
	page.inclusive = inclusive;
	page.limit = limit;
	page.bytes_left = max_bytes;
	page.records = palloc(limit * sizeof(DdbStreamRecord));
	values[0] = Int64GetDatum(shard->number);
	values[1] = Int32GetDatum(start->epoch);
	values[2] = LSNGetDatum(start->commit);
	values[3] = Int32GetDatum(start->ordinal);

	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	portal = SPI_cursor_open(NULL, ddb_plan_get(NULL, QUERY_READ, build_query),
							 values, NULL, true);
	read_page(portal, &page);
	SPI_cursor_close(portal);
	SPI_finish();
	ddb_as_owner_end(&as_owner);
	*count = page.count;
	return page.records;
}

DdbSequence
ddb_stream_hour(int hours_ago)
{
	DdbSequence position = {0, InvalidXLogRecPtr, 0};
	DdbAsOwner	as_owner;
	Datum		values[1];
	int			rc;

	values[0] = Int32GetDatum(hours_ago);
	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_plan(ddb_plan_get(NULL, QUERY_HOUR, build_query), values, NULL, true, 1);
	if (rc < 0)
		elog(ERROR, "could not read the hours of streams: %s", SPI_result_code_string(rc));
	if (SPI_processed > 0)
		position = sequence_of_row(SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
	SPI_finish();
	ddb_as_owner_end(&as_owner);
	return position;
}

DdbSequence
ddb_stream_horizon(void)
{
	return ddb_stream_hour(HOURS_KEPT);
}
