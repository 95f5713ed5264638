/*
 * streamdrain_store.c
 *	  What the drain writes: records, shards, hours, positions.
 *
 * Records and the position up to which the log is stored are written in one
 * transaction, so that each change is stored once whatever happens between
 * reading the log and confirming it.  Only the drain writes these tables, but
 * for the first shards of a stream.
 *
 * Records go into a ring of 26 partitions, by the hour in which they are
 * stored.  When an hour begins, before anything is stored in it, all partitions
 * but those of the last 25 hours are emptied, that of the next hour among
 * them.  After a long rest of the server this may be any of them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/origin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/snapmgr.h"

#include "catalog_rows.h"
#include "compat.h"
#include "guc.h"
#include "streamdrain_internal.h"

#define RING			26		/* partitions of stream_record */
#define BATCH			500		/* rows of one INSERT */
#define LOCK_ATTEMPTS	20		/* at a partition to be emptied, for its readers to end */
#define LOCK_PAUSE_US	5000

/* the shards of a stream that are open */
typedef struct OpenShards
{
	pg_uuid_t	stream;			/* hash key, first */
	int			count;
	int64	   *numbers;		/* by bucket */
} OpenShards;

static HTAB *open_shards = NULL;

/* the hour for which the ring has been turned; 0: not yet by this process */
static int64 ring_hour = 0;
static bool ring_is_behind = false; /* the next hour's partition is still full */

/* ----------------------------------------------------------------
 * Transactions and statements
 * ----------------------------------------------------------------
 */

/*
 * The drain's own changes are of no interest to it: by this origin the plugin
 * passes over them.
 */
static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	replorigin_session_origin = DoNotReplicateId;
	SPI_connect();
}

static void
commit(void)
{
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	replorigin_session_origin = InvalidRepOriginId;
	pgstat_report_stat(false);
}

/* run a statement with parameters; returns the number of rows */
static uint64
execute(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	int			rc = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);

	if (rc < 0)
		elog(ERROR, "could not store streams: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static Datum
column(uint64 row, int att, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, att, isnull);
}

/* is the extension in this database, with its streams? */
static bool
extension_exists(void)
{
	Oid			schema = get_namespace_oid("dynamo", true);

	return OidIsValid(schema) &&
		OidIsValid(get_relname_relid("stream_position", schema));
}

/* ----------------------------------------------------------------
 * Epochs and positions
 * ----------------------------------------------------------------
 */

bool
ddb_drain_extension_exists(void)
{
	bool		exists;

	begin();
	exists = extension_exists();
	commit();
	return exists;
}

bool
ddb_drain_has_epoch(void)
{
	bool		found;

	begin();
	found = ddb_stream_epoch() > 0;
	commit();
	return found;
}

bool
ddb_drain_is_needed(void)
{
	bool		needed;

	begin();
	needed = extension_exists() &&
		execute("SELECT FROM dynamo.stream_definition WHERE disabled_at IS NULL"
				" UNION ALL SELECT FROM dynamo.stream_shard WHERE closed_at IS NULL LIMIT 1",
				0, NULL, NULL, NULL) > 0;
	commit();
	return needed;
}

int32
ddb_drain_begin_epoch(void)
{
	Oid			types[2] = {LSNOID, INT8OID};
	Datum		values[2];
	int32		epoch;
	bool		isnull;

	begin();

	/* the plugin has to see this row */
	replorigin_session_origin = InvalidRepOriginId;
	values[0] = LSNGetDatum(GetXLogInsertRecPtr());
	values[1] = Int64GetDatum((int64) GetSystemIdentifier());
	(void) execute("INSERT INTO dynamo.stream_epoch (epoch, start_lsn, system_identifier)"
				   " SELECT coalesce(max(epoch), 0) + 1, $1, $2 FROM dynamo.stream_epoch"
				   " RETURNING epoch", 2, types, values, NULL);
	epoch = DatumGetInt32(column(0, 1, &isnull));
	commit();
	return epoch;
}

static bool
read_position(DdbSequence *out)
{
	Oid			types[1] = {NAMEOID};
	Datum		values[1];
	bool		isnull;

	values[0] = CStringGetDatum(ddb_drain_slot_name());
	if (execute("SELECT epoch, commit_lsn FROM dynamo.stream_position WHERE slot_name = $1",
				1, types, values, NULL) == 0)
		return false;
	out->epoch = DatumGetInt32(column(0, 1, &isnull));
	out->commit = DatumGetLSN(column(0, 2, &isnull));
	out->ordinal = 0;
	return true;
}

/* the last sequence number before a position */
static DdbSequence
last_before(const DdbSequence *position)
{
	DdbSequence last = {position->epoch, position->commit - 1, DDB_MAX_ORDINAL};

	return last;
}

bool
ddb_drain_position(DdbSequence *out)
{
	bool		found;

	begin();
	found = extension_exists() && read_position(out);
	commit();
	return found;
}

bool
ddb_drain_is_of_timeline(TimeLineID timeline)
{
	Oid			types[2] = {NAMEOID, INT8OID};
	Datum		values[2];
	bool		result;

	begin();
	values[0] = CStringGetDatum(ddb_drain_slot_name());
	values[1] = Int64GetDatum((int64) timeline);
	result = execute("SELECT FROM dynamo.stream_position WHERE slot_name = $1 AND timeline = $2",
					 2, types, values, NULL) > 0;
	commit();
	return result;
}

static void
write_position(int32 epoch, XLogRecPtr position, TimestampTz complete_to)
{
	Oid			types[5] = {NAMEOID, INT4OID, LSNOID, INT8OID, TIMESTAMPTZOID};
	Datum		values[5];
	char		nulls[6] = "     ";

	values[0] = CStringGetDatum(ddb_drain_slot_name());
	values[1] = Int32GetDatum(epoch);
	values[2] = LSNGetDatum(position);
	values[3] = Int64GetDatum((int64) GetWALInsertionTimeLine());
	values[4] = TimestampTzGetDatum(complete_to);
	if (complete_to == 0)
		nulls[4] = 'n';
	(void) execute("INSERT INTO dynamo.stream_position (slot_name, epoch, commit_lsn, timeline, complete_to, stored_at)"
				   " VALUES ($1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT (slot_name) DO UPDATE"
				   " SET epoch = EXCLUDED.epoch, commit_lsn = EXCLUDED.commit_lsn,"
				   " timeline = EXCLUDED.timeline,"
				   " complete_to = greatest(EXCLUDED.complete_to, stream_position.complete_to),"
				   " stored_at = EXCLUDED.stored_at", 5, types, values, nulls);
}

/* everything before the position is stored: say so, if that is news */
static void
advance(DdbSequence *stored, XLogRecPtr position, TimestampTz complete_to)
{
	if (position <= stored->commit)
		return;
	write_position(stored->epoch, position, complete_to);
	stored->commit = position;
}

/* ----------------------------------------------------------------
 * Shards
 * ----------------------------------------------------------------
 */

static void
forget_shards(void)
{
	if (open_shards != NULL)
		hash_destroy(open_shards);
	open_shards = NULL;
}

/*
 * Close shards: end is the last sequence number that they can have.  A shard
 * that began later, and so has no records, ends where it began.
 */
#define CLOSE_SHARDS \
	"UPDATE dynamo.stream_shard SET closed_at = clock_timestamp()," \
	" end_epoch = CASE WHEN (start_epoch, start_lsn) > ($2, $3) THEN start_epoch ELSE $2 END," \
	" end_lsn = CASE WHEN (start_epoch, start_lsn) > ($2, $3) THEN start_lsn ELSE $3 END," \
	" end_ordinal = CASE WHEN (start_epoch, start_lsn) > ($2, $3) THEN 0 ELSE $4 END" \
	" WHERE closed_at IS NULL AND "

static void
close_shards(const char *sql, Oid type, Datum which, const DdbSequence *end)
{
	Oid			types[4] = {type, INT4OID, LSNOID, INT4OID};
	Datum		values[4];

	values[0] = which;
	values[1] = Int32GetDatum(end->epoch);
	values[2] = LSNGetDatum(end->commit);
	values[3] = Int32GetDatum(end->ordinal);
	(void) execute(sql, 4, types, values, NULL);
}

/* open shards of earlier epochs whose streams are over */
static void
close_finished(int32 epoch, const DdbSequence *stored)
{
	DdbSequence end = last_before(stored);

	close_shards(CLOSE_SHARDS "start_epoch < $1 AND NOT EXISTS (SELECT FROM dynamo.stream_definition d"
				 " WHERE d.stream_id = stream_shard.stream_id AND d.disabled_at IS NULL)",
				 INT4OID, Int32GetDatum(epoch), &end);
}

/* an open shard of an enabled stream, to be followed by a child */
typedef struct OldShard
{
	DdbStream	stream;
	int64		number;
	int			bucket;
	char	   *id;				/* NULL where the stream has no shard for the bucket */
} OldShard;

/* in the memory of this transaction; rows of (stream, bucket, number, id) */
static List *
old_shards(const char *sql, int nargs, Oid *types, Datum *values)
{
	List	   *list = NIL;
	uint64		rows = execute(sql, nargs, types, values, NULL);
	uint64		i;

	for (i = 0; i < rows; i++)
	{
		OldShard   *shard = palloc0(sizeof(OldShard));
		bool		isnull;
		Datum		id;

		shard->stream.id = *DatumGetUUIDP(column(i, 1, &isnull));
		shard->bucket = DatumGetInt32(column(i, 2, &isnull));
		shard->number = DatumGetInt64(column(i, 3, &isnull));
		id = column(i, 4, &isnull);
		shard->id = isnull ? NULL : TextDatumGetCString(id);
		list = lappend(list, shard);
	}
	return list;
}

static void
replace_shards(List *shards, const DdbSequence *stored, const DdbSequence *start)
{
	DdbSequence end = last_before(stored);
	ListCell   *lc;

	foreach(lc, shards)
	{
		OldShard   *shard = lfirst(lc);

		if (shard->id != NULL)
			close_shards(CLOSE_SHARDS "shard_no = $1", INT8OID, Int64GetDatum(shard->number), &end);
		ddb_stream_add_shard(&shard->stream, shard->bucket, shard->id, start);
	}
	if (shards != NIL)
		forget_shards();
}

/* buckets of enabled streams without an open shard */
static List *
missing_shards(void)
{
	return old_shards("SELECT d.stream_id, b.bucket, 0::bigint, NULL::text"
					  " FROM dynamo.stream_definition d,"
					  " LATERAL generate_series(0, d.shards - 1) AS b (bucket)"
					  " WHERE d.disabled_at IS NULL AND NOT EXISTS (SELECT FROM dynamo.stream_shard s"
					  " WHERE s.stream_id = d.stream_id AND s.bucket = b.bucket AND s.closed_at IS NULL)",
					  0, NULL, NULL);
}

#define OPEN_SHARDS \
	"SELECT s.stream_id, s.bucket, s.shard_no, s.shard_id FROM dynamo.stream_shard s" \
	" JOIN dynamo.stream_definition d USING (stream_id)" \
	" WHERE s.closed_at IS NULL AND d.disabled_at IS NULL"

/* tell of changes that no stream will ever show; stored: the last ones that one does */
static void
report_gap(const DdbSequence *stored, const DdbSequence *from)
{
	Oid			types[4] = {INT4OID, LSNOID, INT4OID, LSNOID};
	Datum		values[4];

	values[0] = Int32GetDatum(from->epoch);
	values[1] = LSNGetDatum(from->commit);
	values[2] = Int32GetDatum(stored->epoch);
	values[3] = LSNGetDatum(stored->commit);
	(void) execute("INSERT INTO dynamo.stream_gap (epoch, start_lsn, stored_epoch, stored_lsn)"
				   " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", 4, types, values, NULL);
	ereport(WARNING,
			(errmsg("streams have a gap: changes after %X/%X of epoch %d were not read before their replication slot was lost",
					LSN_FORMAT_ARGS(stored->commit), stored->epoch),
			 errdetail("New shards begin at %X/%X of epoch %d.",
					   LSN_FORMAT_ARGS(from->commit), from->epoch)));
}

/* shards that were made while the slot was: what came before it has no records */
static void
begin_later(const DdbSequence *from)
{
	Oid			types[2] = {INT4OID, LSNOID};
	Datum		values[2];

	values[0] = Int32GetDatum(from->epoch);
	values[1] = LSNGetDatum(from->commit);
	(void) execute("UPDATE dynamo.stream_shard SET start_lsn = $2"
				   " WHERE closed_at IS NULL AND start_epoch = $1 AND start_lsn < $2",
				   2, types, values, NULL);
}

static void
begin_shards(const DdbSequence *from)
{
	DdbSequence stored = {1, 1, 0};
	List	   *shards = old_shards(OPEN_SHARDS " AND s.start_epoch < $1", 1,
									(Oid[]) {INT4OID}, (Datum[]) {Int32GetDatum(from->epoch)});

	if (read_position(&stored) && shards != NIL)
		report_gap(&stored, from);
	replace_shards(shards, &stored, from);
	close_finished(from->epoch, &stored);
	replace_shards(missing_shards(), &stored, from);
	begin_later(from);
}

bool
ddb_drain_begin_slot(XLogRecPtr start)
{
	DdbSequence from = {0, start, 0};

	begin();
	if (extension_exists())
		from.epoch = ddb_stream_epoch();
	if (from.epoch > 0)
	{
		begin_shards(&from);
		write_position(from.epoch, start, GetCurrentTimestamp());
	}
	commit();
	return from.epoch > 0;
}

/* the shards of a stream, from the table */
static OpenShards *
load_shards(const pg_uuid_t *stream)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1];
	OpenShards *entry;
	uint64		rows;
	uint64		i;
	bool		isnull;

	values[0] = UUIDPGetDatum(stream);
	rows = execute("SELECT shard_no FROM dynamo.stream_shard WHERE stream_id = $1"
				   " AND closed_at IS NULL ORDER BY bucket", 1, types, values, NULL);
	if (rows == 0)
		return NULL;
	entry = hash_search(open_shards, stream, HASH_ENTER, NULL);
	entry->count = (int) rows;
	entry->numbers = MemoryContextAlloc(TopMemoryContext, rows * sizeof(int64));
	for (i = 0; i < rows; i++)
		entry->numbers[i] = DatumGetInt64(column(i, 1, &isnull));
	return entry;
}

/*
 * First shards of a stream that was enabled before there was a slot, and that
 * has a record now.
 */
static bool
make_shards(const DdbOutputHeader *header)
{
	Oid			types[1] = {UUIDOID};
	Datum		values[1];
	DdbSequence start = {header->sequence.epoch, header->sequence.commit, 0};
	List	   *missing;

	values[0] = UUIDPGetDatum(&header->stream);
	missing = old_shards("SELECT d.stream_id, b.bucket, 0::bigint, NULL::text"
						 " FROM dynamo.stream_definition d,"
						 " LATERAL generate_series(0, d.shards - 1) AS b (bucket)"
						 " WHERE d.stream_id = $1 AND NOT EXISTS"
						 " (SELECT FROM dynamo.stream_shard s WHERE s.stream_id = d.stream_id)",
						 1, types, values);
	replace_shards(missing, &start, &start);
	return missing != NIL;
}

static void
make_shard_table(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(pg_uuid_t);
	ctl.entrysize = sizeof(OpenShards);
	ctl.hcxt = TopMemoryContext;
	open_shards = hash_create("pg_dynamo open shards", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* the open shards of a stream; NULL if it is over */
static OpenShards *
find_shards(const pg_uuid_t *stream)
{
	OpenShards *entry;

	if (open_shards == NULL)
		make_shard_table();
	entry = hash_search(open_shards, stream, HASH_FIND, NULL);
	return entry ? entry : load_shards(stream);
}

/*
 * The shard of a record; 0 for a stream that has none, since all traces of it
 * are gone.
 */
static int64
shard_of(const DdbOutputHeader *header)
{
	OpenShards *entry = find_shards(&header->stream);

	if (entry == NULL && make_shards(header))
		entry = find_shards(&header->stream);
	return entry ? entry->numbers[header->hash % entry->count] : 0;
}

static void
disable_stream(const DdbOutputHeader *header)
{
	DdbSequence end = {header->sequence.epoch, header->sequence.commit, DDB_MAX_ORDINAL};

	close_shards(CLOSE_SHARDS "stream_id = $1", UUIDOID, UUIDPGetDatum(&header->stream), &end);
	forget_shards();
}

/* ----------------------------------------------------------------
 * The ring
 * ----------------------------------------------------------------
 */

static int64
current_hour(void)
{
	return GetCurrentTimestamp() / USECS_PER_HOUR;
}

/*
 * Lock a partition against its readers without waiting in front of others.
 */
static bool
lock_partition(Oid relid)
{
	int			i;

	for (i = 0; i < LOCK_ATTEMPTS; i++)
	{
		if (ConditionalLockRelationOid(relid, AccessExclusiveLock))
			return true;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_PAUSE_US);
	}
	return false;
}

/*
 * Empty a partition that holds an earlier round's records; false if it is
 * being read.  must: then row by row.
 */
static bool
empty_partition(int ring, TimestampTz begin_of_round, bool must)
{
	char	   *name = psprintf("stream_record_%d", ring);
	bool		isnull;

	if (execute(psprintf("SELECT written_at FROM dynamo.%s LIMIT 1", name),
				0, NULL, NULL, NULL) == 0 ||
		DatumGetTimestampTz(column(0, 1, &isnull)) >= begin_of_round)
		return true;
	if (lock_partition(ddb_catalog_relation(name)))
	{
		(void) execute(psprintf("TRUNCATE dynamo.%s", name), 0, NULL, NULL, NULL);
		return true;
	}
	if (must)
		(void) execute(psprintf("DELETE FROM dynamo.%s", name), 0, NULL, NULL, NULL);
	return must;
}

/*
 * A new hour: what an earlier round has left in this and the last hours'
 * partitions goes, and the next one is made ready.
 */
static void
turn_ring(int64 hour)
{
	int			i;

	for (i = 0; i < RING - 1; i++)
		(void) empty_partition((int) ((hour - i) % RING), (hour - i) * USECS_PER_HOUR, true);
	ring_is_behind = !empty_partition((int) ((hour + 1) % RING), (hour + 1) * USECS_PER_HOUR, false);
	ring_hour = hour;
}

/* before anything is stored in a new hour */
static void
turn_ring_in_time(void)
{
	int64		hour = current_hour();

	if (ring_hour == hour)
		return;
	begin();
	turn_ring(hour);
	commit();
}

/* ----------------------------------------------------------------
 * Records
 * ----------------------------------------------------------------
 */

/* rows of one INSERT, as arrays; they live in a context of their own */
typedef struct Batch
{
	MemoryContext context;
	int			count;
	Datum		shards[BATCH];
	Datum		epochs[BATCH];
	Datum		commits[BATCH];
	Datum		ordinals[BATCH];
	Datum		sizes[BATCH];
	Datum		records[BATCH];
	int64		bytes;
} Batch;

#define BATCH_BYTES	(4 * 1024 * 1024)

static Datum
array_of(Datum *elements, int count, Oid type)
{
	int16		len;
	bool		by_value;
	char		align;

	get_typlenbyvalalign(type, &len, &by_value, &align);
	return PointerGetDatum(construct_array(elements, count, type, len, by_value, align));
}

static void
insert_batch(Batch *batch)
{
	static SPIPlanPtr plans[RING];
	int			ring = (int) (ring_hour % RING);
	Oid			types[7] = {INT2OID, INT8ARRAYOID, INT4ARRAYOID, PG_LSNARRAYOID,
	INT4ARRAYOID, INT4ARRAYOID, JSONBARRAYOID};
	Datum		values[7];
	MemoryContext old;
	int			rc;

	if (batch->count == 0)
		return;
	old = MemoryContextSwitchTo(batch->context);
	values[0] = Int16GetDatum(ring);
	values[1] = array_of(batch->shards, batch->count, INT8OID);
	values[2] = array_of(batch->epochs, batch->count, INT4OID);
	values[3] = array_of(batch->commits, batch->count, LSNOID);
	values[4] = array_of(batch->ordinals, batch->count, INT4OID);
	values[5] = array_of(batch->sizes, batch->count, INT4OID);
	values[6] = array_of(batch->records, batch->count, JSONBOID);
	MemoryContextSwitchTo(old);
	if (plans[ring] == NULL)
	{
		plans[ring] = SPI_prepare(psprintf("INSERT INTO dynamo.stream_record_%d (hour, shard_no,"
										   " epoch, commit_lsn, ordinal, written_at, size_bytes, record)"
										   " SELECT $1, a, b, c, d, clock_timestamp(), e, f"
										   " FROM unnest($2, $3, $4, $5, $6, $7) AS u (a, b, c, d, e, f)",
										   ring), 7, types);
		if (plans[ring] == NULL)
			elog(ERROR, "could not prepare to store stream records: %s",
				 SPI_result_code_string(SPI_result));
		SPI_keepplan(plans[ring]);
	}
	rc = SPI_execute_plan(plans[ring], values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "could not store stream records: %s", SPI_result_code_string(rc));
	batch->count = 0;
	batch->bytes = 0;
	MemoryContextReset(batch->context);
}

static void
add_record(Batch *batch, const DdbOutputHeader *header, const char *record)
{
	int64		shard = shard_of(header);
	MemoryContext old;
	int			i = batch->count;
	char	   *copy;

	if (shard == 0)
		return;
	old = MemoryContextSwitchTo(batch->context);
	copy = palloc(header->length);
	memcpy(copy, record, header->length);
	batch->shards[i] = Int64GetDatum(shard);
	batch->epochs[i] = Int32GetDatum(header->sequence.epoch);
	batch->commits[i] = LSNGetDatum(header->sequence.commit);
	batch->ordinals[i] = Int32GetDatum(header->sequence.ordinal);
	batch->sizes[i] = Int32GetDatum(header->size_bytes);
	batch->records[i] = PointerGetDatum(copy);
	batch->count++;
	batch->bytes += header->length;
	MemoryContextSwitchTo(old);
	if (batch->count == BATCH || batch->bytes > BATCH_BYTES)
		insert_batch(batch);
}

/*
 * Was this stored by an earlier life of the drain?  Positions of the log grow
 * as long as there is a slot, whatever epochs say.
 */
static bool
is_stored(const DdbOutputHeader *header, const DdbSequence *stored)
{
	return header->sequence.commit < stored->commit;
}

static void
store_outputs(DdbSpool *spool, const DdbSequence *stored)
{
	Batch	   *batch = palloc(sizeof(Batch));
	char	   *data;
	int			len;

	batch->context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo stream batch",
										   ALLOCSET_DEFAULT_SIZES);
	batch->count = 0;
	batch->bytes = 0;
	ddb_spool_rewind(spool);
	while (ddb_spool_next(spool, &data, &len))
	{
		const DdbOutputHeader *header = (const DdbOutputHeader *) data;

		CHECK_FOR_INTERRUPTS();
		if (is_stored(header, stored))
			continue;
		if (header->kind == DDB_OUTPUT_RECORD)
			add_record(batch, header, data + MAXALIGN(sizeof(DdbOutputHeader)));
		else if (header->kind == DDB_OUTPUT_DISABLE)
		{
			insert_batch(batch);
			disable_stream(header);
		}
	}
	insert_batch(batch);
}

void
ddb_drain_store(DdbSpool *spool, XLogRecPtr position, TimestampTz complete_to)
{
	DdbSequence stored;

	turn_ring_in_time();
	begin();
	if (!read_position(&stored))
		elog(ERROR, "the position of stream records is missing");
	store_outputs(spool, &stored);
	advance(&stored, position, complete_to);
	commit();
}

/* ----------------------------------------------------------------
 * Maintenance
 * ----------------------------------------------------------------
 */

static void
roll_shards(DdbSequence *stored, XLogRecPtr position)
{
	List	   *old = old_shards(OPEN_SHARDS " AND s.created_at < now() - $1 * interval '1 second'",
								 1, (Oid[]) {INT4OID},
								 (Datum[]) {Int32GetDatum(ddb_stream_shard_period)});
	List	   *missing = missing_shards();

	if (old == NIL && missing == NIL)
		return;
	advance(stored, position, 0);
	replace_shards(old, stored, stored);
	replace_shards(missing, stored, stored);
}

/*
 * The position at which an hour began: one day later all before it is over.
 */
static void
begin_hour(DdbSequence *stored, XLogRecPtr position, int64 hour)
{
	Oid			types[3] = {TIMESTAMPTZOID, INT4OID, LSNOID};
	Datum		values[3];

	advance(stored, position, 0);
	values[0] = TimestampTzGetDatum(hour * USECS_PER_HOUR);
	values[1] = Int32GetDatum(stored->epoch);
	values[2] = LSNGetDatum(stored->commit);
	(void) execute("INSERT INTO dynamo.stream_hour (started_at, epoch, commit_lsn)"
				   " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", 3, types, values, NULL);
}

static void
delete_old(void)
{
	static const char *const statements[] = {
		"DELETE FROM dynamo.stream_hour WHERE started_at < now() - interval '49 hours'",
		"DELETE FROM dynamo.stream_shard WHERE closed_at < now() - interval '26 hours'",
		"DELETE FROM dynamo.stream_definition d WHERE disabled_at < now() - interval '26 hours'"
		" AND (NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = d.relid)"
		" OR EXISTS (SELECT FROM dynamo.stream_definition n WHERE n.relid = d.relid AND n.label > d.label))",
		"DELETE FROM dynamo.resource_policy p WHERE stream_label <> '' AND NOT EXISTS"
		" (SELECT FROM dynamo.stream_definition d WHERE d.relid = p.relid AND d.label = p.stream_label)"
	};
	int			i;

	for (i = 0; i < lengthof(statements); i++)
		(void) execute(statements[i], 0, NULL, NULL, NULL);
}

void
ddb_drain_maintain(XLogRecPtr position)
{
	static int64 begun_hour = 0;
	int64		hour = current_hour();
	DdbSequence stored;

	begin();
	if (extension_exists())
	{
		if (ring_hour != hour || ring_is_behind)
			turn_ring(hour);
		if (read_position(&stored))
		{
			if (position != InvalidXLogRecPtr)
				roll_shards(&stored, position);
			if (begun_hour != hour)
			{
				begin_hour(&stored, position, hour);
				delete_old();
				begun_hour = hour;
			}
		}
	}
	commit();
}
