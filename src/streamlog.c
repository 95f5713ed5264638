/*
 * streamlog.c
 *	  Definitions of streams and their shards: read and written.
 *
 * dynamo.stream_definition has one row for each time a stream was enabled.
 * The output plugin reads it too, under the snapshot of a change, so a row
 * decides from its own commit on which changes make records.  Everything here
 * runs as the extension's owner, after the callers' checks.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "replication/message.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/pg_lsn.h"
#include "utils/rls.h"
#include "utils/syscache.h"

#include "catalog_rows.h"
#include "compat.h"
#include "guc.h"
#include "streamformat.h"
#include "streamlog.h"

#define LABEL_LENGTH	23			/* 2015-05-11T21:21:33.291 */
#define SHARD_PREFIX	"shardId-"
#define KEPT			"(s.disabled_at IS NULL OR s.disabled_at > now() - interval '24 hours')"

/* queries of this file, see plancache.h */
enum
{
	QUERY_OF_TABLE = DDB_QUERY_CATALOG + 400,
	QUERY_LAST_LABEL,
	QUERY_FIND,
	QUERY_LIST,
	QUERY_INSERT,
	QUERY_DISABLE,
	QUERY_FOLLOW_OWNER,
	QUERY_EPOCH,
	QUERY_SHARDS,
	QUERY_ADD_SHARD
};

#define FIRST_QUERY	QUERY_OF_TABLE

#define STREAM_COLUMNS \
	"SELECT s.stream_id, s.relid::oid, s.owner, s.table_name, s.label, s.view_type," \
	" s.hash_attribute, s.hash_type, s.range_attribute, s.range_type, s.shards," \
	" s.created_at, s.disabled_at FROM dynamo.stream_definition s "

static const DdbFixedQuery queries[] = {
	[QUERY_OF_TABLE - FIRST_QUERY] = {
		STREAM_COLUMNS "WHERE s.relid = $1 ORDER BY s.disabled_at DESC NULLS FIRST, s.label DESC LIMIT 1",
		1, {REGCLASSOID}
	},
	[QUERY_LAST_LABEL - FIRST_QUERY] = {
		STREAM_COLUMNS "WHERE s.relid = $1 OR s.table_name = $2 ORDER BY s.label DESC LIMIT 1",
		2, {REGCLASSOID, TEXTOID}
	},
	[QUERY_FIND - FIRST_QUERY] = {
		STREAM_COLUMNS "WHERE s.table_name = $1 AND s.label = $2 AND " KEPT,
		2, {TEXTOID, TEXTOID}
	},
	/* what a dropped table's owner could read he still can */
	[QUERY_LIST - FIRST_QUERY] = {
		STREAM_COLUMNS "WHERE " KEPT " AND ($2 IS NULL OR s.table_name = $2)"
		" AND ($3 IS NULL OR (s.table_name, s.label) > ($3, $4))"
		" AND CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = s.relid)"
		" THEN has_table_privilege($1, s.relid, 'SELECT') ELSE pg_has_role($1, s.owner, 'USAGE') END"
		" ORDER BY s.table_name, s.label LIMIT $5",
		5, {OIDOID, TEXTOID, TEXTOID, TEXTOID, INT8OID}
	},
	[QUERY_INSERT - FIRST_QUERY] = {
		"INSERT INTO dynamo.stream_definition (relid, owner, table_name, label, view_type,"
		" hash_attribute, hash_type, range_attribute, range_type, shards, created_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		11, {REGCLASSOID, OIDOID, TEXTOID, TEXTOID, CHAROID, TEXTOID, CHAROID, TEXTOID, CHAROID,
		INT4OID, TIMESTAMPTZOID}
	},
	[QUERY_DISABLE - FIRST_QUERY] = {
		"UPDATE dynamo.stream_definition SET disabled_at = clock_timestamp()"
		" WHERE stream_id = $1 AND disabled_at IS NULL",
		1, {UUIDOID}
	},
	[QUERY_FOLLOW_OWNER - FIRST_QUERY] = {
		"UPDATE dynamo.stream_definition SET owner = $2 WHERE relid = $1 AND owner <> $2",
		2, {REGCLASSOID, OIDOID}
	},
	[QUERY_EPOCH - FIRST_QUERY] = {
		"SELECT epoch FROM dynamo.stream_epoch ORDER BY epoch DESC LIMIT 1", 0
	},
	[QUERY_SHARDS - FIRST_QUERY] = {
		"SELECT shard_no, shard_id, parent_shard_id, bucket, start_epoch, start_lsn,"
		" end_epoch, end_lsn, end_ordinal FROM dynamo.stream_shard WHERE stream_id = $1"
		" AND (closed_at IS NULL OR closed_at > now() - interval '24 hours')"
		" ORDER BY shard_id",
		1, {UUIDOID}
	},
	[QUERY_ADD_SHARD - FIRST_QUERY] = {
		"INSERT INTO dynamo.stream_shard (stream_id, shard_id, parent_shard_id, bucket,"
		" start_epoch, start_lsn) VALUES ($1, $2, $3, $4, $5, $6)",
		6, {UUIDOID, TEXTOID, TEXTOID, INT4OID, INT4OID, LSNOID}
	}
};

/* letters of the catalog and names of the API, by DdbViewType */
static const char view_letters[] = "KNOB";
static const char *const view_names[] = {
	"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"
};

const char *
ddb_view_type_name(DdbViewType view)
{
	return view_names[view];
}

/* ----------------------------------------------------------------
 * Running queries
 * ----------------------------------------------------------------
 */

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &queries[query - FIRST_QUERY]);
}

static uint64
run(int query, Datum *values, const char *nulls, DdbTakeRow take, void *arg)
{
	return ddb_catalog_run(query, build_query, values, nulls, take, arg);
}

static Datum
text_datum(DdbText text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.str, text.len));
}

/* ----------------------------------------------------------------
 * Streams
 * ----------------------------------------------------------------
 */

static int
letter_position(const char *letters, char letter)
{
	const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

	if (found == NULL)
		elog(ERROR, "definition of a stream has an unknown letter \"%c\"", letter);
	return found - letters;
}

static void
read_key(DdbKeySchema *keys, Datum name, Datum type)
{
	DdbKeyAttr *attr = &keys->attr[keys->nattrs++];
	char		letter = DatumGetChar(type);

	attr->name.str = TextDatumGetCString(name);
	attr->name.len = strlen(attr->name.str);
	if (!ddb_type_parse(&letter, 1, &attr->type))
		elog(ERROR, "definition of a stream has a key attribute of unknown type");
}

/* rows with STREAM_COLUMNS, collected */
typedef struct StreamList
{
	DdbStream **streams;
	int			count;
	int			space;
} StreamList;

static void
take_stream(Datum *values, bool *nulls, void *arg)
{
	StreamList *list = arg;
	DdbStream  *stream = palloc0(sizeof(DdbStream));

	stream->id = *DatumGetUUIDP(values[0]);
	stream->relid = DatumGetObjectId(values[1]);
	stream->owner = DatumGetObjectId(values[2]);
	stream->table_name = TextDatumGetCString(values[3]);
	stream->label = TextDatumGetCString(values[4]);
	stream->view = letter_position(view_letters, DatumGetChar(values[5]));
	read_key(&stream->keys, values[6], values[7]);
	if (!nulls[8])
		read_key(&stream->keys, values[8], values[9]);
	stream->nshards = DatumGetInt32(values[10]);
	stream->created = DatumGetTimestampTz(values[11]);
	stream->disabled = nulls[12] ? 0 : DatumGetTimestampTz(values[12]);

	if (list->count == list->space)
	{
		list->space = Max(8, list->space * 2);
		list->streams = list->streams ?
			repalloc(list->streams, list->space * sizeof(DdbStream *)) :
			palloc(list->space * sizeof(DdbStream *));
	}
	list->streams[list->count++] = stream;
}

static DdbStream *
only_stream(int query, Datum *values)
{
	StreamList	list = {NULL, 0, 0};

	(void) run(query, values, NULL, take_stream, &list);
	return list.count > 0 ? list.streams[0] : NULL;
}

DdbStream *
ddb_stream_of_relation(Oid relid)
{
	Datum		values[1];

	values[0] = ObjectIdGetDatum(relid);
	return only_stream(QUERY_OF_TABLE, values);
}

DdbStream *
ddb_stream_of_table(const DdbTable *table)
{
	return ddb_stream_of_relation(table->relid);
}

DdbStream *
ddb_stream_find(DdbText table_name, DdbText label)
{
	Datum		values[2];

	values[0] = text_datum(table_name);
	values[1] = text_datum(label);
	return only_stream(QUERY_FIND, values);
}

char *
ddb_stream_arn(const DdbStream *stream)
{
	return psprintf("%s/stream/%s",
					ddb_arn_of_table(stream->table_name, strlen(stream->table_name)),
					stream->label);
}

DdbStream **
ddb_stream_list(DdbText table_name, DdbText after_table, DdbText after_label,
				int limit, int *count)
{
	StreamList	list = {NULL, 0, 0};
	Datum		values[5] = {0};
	char		nulls[6] = "     ";

	values[0] = ObjectIdGetDatum(GetUserId());
	if (table_name.str != NULL)
		values[1] = text_datum(table_name);
	else
		nulls[1] = 'n';
	if (after_table.str != NULL)
	{
		values[2] = text_datum(after_table);
		values[3] = text_datum(after_label);
	}
	else
		nulls[2] = nulls[3] = 'n';
	values[4] = Int64GetDatum(limit);
	(void) run(QUERY_LIST, values, nulls, take_stream, &list);
	*count = list.count;
	return list.streams;
}

static bool
relation_exists(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

bool
ddb_stream_may_read(Oid relid, Oid role)
{
	return pg_class_aclcheck(relid, role, ACL_SELECT) == ACLCHECK_OK &&
		check_enable_rls(relid, role, true) != RLS_ENABLED;
}

void
ddb_stream_check_access(const DdbStream *stream, const char *action)
{
	bool		allowed;

	if (relation_exists(stream->relid))
		allowed = ddb_stream_may_read(stream->relid, GetUserId());
	else
		allowed = has_privs_of_role(GetUserId(), stream->owner);
	if (!allowed)
		ddb_access_denied(action, ddb_stream_arn(stream));
}

/* ----------------------------------------------------------------
 * Enabling and disabling
 * ----------------------------------------------------------------
 */

/* the time, to the millisecond, as the API writes labels */
static char *
label_of_time(TimestampTz time)
{
	pg_time_t	seconds = timestamptz_to_time_t(time);
	struct pg_tm *tm = pg_gmtime(&seconds);

	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03d",
					tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,
					tm->tm_hour, tm->tm_min, tm->tm_sec,
					(int) (time % USECS_PER_SEC / 1000));
}

/*
 * A label after those of all streams of the table, and of dropped tables of its
 * name; time is moved to it.
 */
static char *
free_label(const DdbTable *table, TimestampTz *time)
{
	Datum		values[2];
	DdbStream  *last;
	char	   *label = label_of_time(*time);

	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = CStringGetTextDatum(table->name);
	last = only_stream(QUERY_LAST_LABEL, values);
	while (last != NULL && strcmp(label, last->label) <= 0)
	{
		*time = TimestampTzPlusMilliseconds(Max(*time, last->created), 1);
		label = label_of_time(*time);
	}
	return label;
}

static void
set_key(Datum *values, char *nulls, int at, const DdbKeySchema *keys, int i)
{
	if (i < keys->nattrs)
	{
		values[at] = text_datum(keys->attr[i].name);
		values[at + 1] = CharGetDatum(ddb_type_name(keys->attr[i].type)[0]);
	}
	else
		nulls[at] = nulls[at + 1] = 'n';
}

static void
take_epoch(Datum *values, bool *nulls, void *arg)
{
	*(int32 *) arg = DatumGetInt32(values[0]);
}

int32
ddb_stream_epoch(void)
{
	int32		epoch = 0;

	(void) run(QUERY_EPOCH, NULL, NULL, take_epoch, &epoch);
	return epoch;
}

/* sortable by age, whatever the clock does, and no two the same */
static char *
shard_id(const DdbStream *stream, int bucket, const char *parent, TimestampTz time)
{
	uint64		ms = (time / 1000) +
	(uint64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
	unsigned char seed[UUID_LEN + sizeof(int32) + sizeof(TimestampTz)];

	if (parent != NULL)
		ms = Max(ms, strtoull(parent + strlen(SHARD_PREFIX), NULL, 10) + 1);

	memcpy(seed, stream->id.data, UUID_LEN);
	memcpy(seed + UUID_LEN, &bucket, sizeof(int32));
	memcpy(seed + UUID_LEN + sizeof(int32), &time, sizeof(TimestampTz));
	return psprintf(SHARD_PREFIX "%020llu-%08x", (unsigned long long) ms,
					hash_bytes(seed, sizeof(seed)));
}

void
ddb_stream_add_shard(const DdbStream *stream, int bucket, const char *parent,
					 const DdbSequence *start)
{
	Datum		values[6];
	char		nulls[7] = "      ";

	values[0] = UUIDPGetDatum(&stream->id);
	values[1] = CStringGetTextDatum(shard_id(stream, bucket, parent, GetCurrentTimestamp()));
	if (parent != NULL)
		values[2] = CStringGetTextDatum(parent);
	else
		nulls[2] = 'n';
	values[3] = Int32GetDatum(bucket);
	values[4] = Int32GetDatum(start->epoch);
	values[5] = LSNGetDatum(start->commit);
	(void) run(QUERY_ADD_SHARD, values, nulls, NULL, NULL);
}

/*
 * The first shards of a stream.  Without an epoch there is no slot yet: the
 * drain makes them once there is.
 */
static void
add_first_shards(const DdbStream *stream)
{
	DdbSequence start = {ddb_stream_epoch(), GetXLogInsertRecPtr(), 0};
	int			i;

	for (i = 0; start.epoch > 0 && i < stream->nshards; i++)
		ddb_stream_add_shard(stream, i, NULL, &start);
}

DdbStream *
ddb_stream_enable(const DdbTable *table, DdbViewType view)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum		values[11];
	char		nulls[12] = "           ";
	DdbStream  *stream;

	values[3] = CStringGetTextDatum(free_label(table, &now));
	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = ObjectIdGetDatum(ddb_relation_owner(table->relid));
	values[2] = CStringGetTextDatum(table->name);
	values[4] = CharGetDatum(view_letters[view]);
	set_key(values, nulls, 5, &table->keys, 0);
	set_key(values, nulls, 7, &table->keys, 1);
	values[9] = Int32GetDatum(ddb_stream_shard_count);
	values[10] = TimestampTzGetDatum(now);
	(void) run(QUERY_INSERT, values, nulls, NULL, NULL);
	CommandCounterIncrement();

	stream = ddb_stream_of_table(table);
	add_first_shards(stream);
	return stream;
}

/*
 * The message stands in the log after the last change that makes a record, so
 * that the drain closes the shards when it has stored them all.
 */
static void
log_disable(const DdbStream *stream)
{
	char		message[sizeof(DDB_MESSAGE_DISABLE) - 1 + UUID_LEN];

	if (!XLogLogicalInfoActive())
		return;
	memcpy(message, DDB_MESSAGE_DISABLE, sizeof(DDB_MESSAGE_DISABLE) - 1);
	memcpy(message + sizeof(DDB_MESSAGE_DISABLE) - 1, stream->id.data, UUID_LEN);
	(void) ddb_log_logical_message(DDB_MESSAGE_PREFIX, message, sizeof(message), true);
}

void
ddb_stream_disable(DdbStream *stream)
{
	Datum		values[1];

	log_disable(stream);
	values[0] = UUIDPGetDatum(&stream->id);
	(void) run(QUERY_DISABLE, values, NULL, NULL, NULL);
	stream->disabled = GetCurrentTimestamp();
}

void
ddb_stream_follow_owner(Oid relid, Oid owner)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = ObjectIdGetDatum(owner);
	(void) run(QUERY_FOLLOW_OWNER, values, NULL, NULL, NULL);
}

/* ----------------------------------------------------------------
 * Shards
 * ----------------------------------------------------------------
 */

typedef struct ShardList
{
	DdbShard   *shards;
	int			count;
	int			space;
} ShardList;

static void
take_shard(Datum *values, bool *nulls, void *arg)
{
	ShardList  *list = arg;
	DdbShard   *shard;

	if (list->count == list->space)
	{
		list->space = Max(8, list->space * 2);
		list->shards = list->shards ?
			repalloc(list->shards, list->space * sizeof(DdbShard)) :
			palloc(list->space * sizeof(DdbShard));
	}
	shard = &list->shards[list->count++];
	memset(shard, 0, sizeof(DdbShard));
	shard->number = DatumGetInt64(values[0]);
	shard->id = TextDatumGetCString(values[1]);
	shard->parent = nulls[2] ? NULL : TextDatumGetCString(values[2]);
	shard->bucket = DatumGetInt32(values[3]);
	shard->start.epoch = DatumGetInt32(values[4]);
	shard->start.commit = DatumGetLSN(values[5]);
	shard->closed = !nulls[6];
	if (nulls[6])
		return;
	shard->end.epoch = DatumGetInt32(values[6]);
	shard->end.commit = DatumGetLSN(values[7]);
	shard->end.ordinal = DatumGetInt32(values[8]);
}

DdbShard *
ddb_stream_shards(const DdbStream *stream, int *count)
{
	ShardList	list = {NULL, 0, 0};
	Datum		values[1];

	values[0] = UUIDPGetDatum(&stream->id);
	(void) run(QUERY_SHARDS, values, NULL, take_shard, &list);
	*count = list.count;
	return list.shards;
}
