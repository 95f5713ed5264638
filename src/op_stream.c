/*
 * op_stream.c
 *	  ListStreams, DescribeStream, GetShardIterator, GetRecords; and what
 *	  enabling and disabling a stream does to an item table.
 *
 * A shard iterator is a position: the stream's ARN, then shard, sequence
 * number and time of issue in base64.  It opens nothing by itself: whoever
 * brings one must be allowed to read the stream, so it needs no signature.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "attrval.h"
#include "error.h"
#include "guc.h"
#include "op.h"
#include "op_capacity.h"
#include "op_stream.h"
#include "streamdrain.h"
#include "streamlog.h"

#define MAX_LIST			100
#define MAX_RECORDS			1000
#define MAX_PAGE_BYTES		(1024 * 1024)
#define ITERATOR_LIFE_MS	(15 * 60 * 1000)
#define ITERATOR_VERSION	1
#define CALLS_PER_SECOND	5		/* of GetRecords, on one shard */
#define SHARD_HASHES		(UINT64CONST(1) << 32)	/* beyond those of partition keys */
#define TRUNCATE_TRIGGER_NAME	"~item_refuse_truncate"
#define TRUNCATE_TRIGGER	"\"" TRUNCATE_TRIGGER_NAME "\""

/* ----------------------------------------------------------------
 * ARNs
 * ----------------------------------------------------------------
 */

typedef struct StreamName
{
	DdbText		table;
	DdbText		label;
} StreamName;

/* cut off what stands before the first separator, which goes too */
static bool
split(DdbText *text, char separator, DdbText *part)
{
	const char *end = memchr(text->str, separator, text->len);

	if (end == NULL)
		return false;
	part->str = text->str;
	part->len = end - text->str;
	text->len -= part->len + 1;
	text->str = end + 1;
	return part->len > 0;
}

/*
 * The parts of arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>;
 * false where it is not of that form.  *known: can it be a stream of ours?
 */
static bool
parse_arn(DdbText arn, StreamName *name, bool *known)
{
	DdbText		region;
	DdbText		account;

	if (!ddb_text_skip(&arn, "arn:aws:dynamodb:") ||
		!split(&arn, ':', &region) || !split(&arn, ':', &account) ||
		!ddb_text_skip(&arn, "table/") || !split(&arn, '/', &name->table) ||
		!ddb_text_skip(&arn, "stream/") || arn.len == 0 ||
		memchr(arn.str, '/', arn.len) != NULL)
		return false;
	name->label = arn;
	*known = region.len == strlen(ddb_region) &&
		memcmp(region.str, ddb_region, region.len) == 0 &&
		account.len == strlen(ddb_account_id) &&
		memcmp(account.str, ddb_account_id, account.len) == 0;
	return true;
}

/* roles that may not create tables are not told which streams exist */
static void pg_attribute_noreturn()
refuse_unknown(DdbText arn, const char *action)
{
	if (pg_namespace_aclcheck(ddb_tables_schema(), GetUserId(), ACL_CREATE) != ACLCHECK_OK)
		ddb_access_denied(action, pnstrdup(arn.str, arn.len));
	ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found: Stream: %.*s not found",
			  arn.len, arn.str);
}

static DdbStream *
open_stream(DdbText arn, const char *action)
{
	StreamName	name;
	DdbStream  *stream;
	bool		known;

	if (!parse_arn(arn, &name, &known))
		ddb_validation_error("Invalid StreamArn: Invalid ResourceArn provided as input %.*s",
							 arn.len, arn.str);
	ddb_streamdrain_ensure();
	stream = known ? ddb_stream_find(name.table, name.label) : NULL;
	if (stream == NULL)
		refuse_unknown(arn, action);
	ddb_stream_check_access(stream, action);
	return stream;
}

static DdbStream *
open_requested(DdbDoc request, const char *action)
{
	DdbText		arn = {"", 0};

	(void) ddb_request_string(request, "StreamArn", &arn);
	return open_stream(arn, action);
}

/* ----------------------------------------------------------------
 * ListStreams
 * ----------------------------------------------------------------
 */

static void
add_stream(JsonbValue *list, const DdbStream *stream)
{
	JsonbValue	object;

	ddb_json_object(&object, 3);
	ddb_json_add_string(&object, "StreamArn", ddb_stream_arn(stream));
	ddb_json_add_string(&object, "TableName", stream->table_name);
	ddb_json_add_string(&object, "StreamLabel", stream->label);
	ddb_json_append(list, &object);
}

/*
 * LastEvaluatedStreamArn appears when the page is full, whether or not more
 * follow.
 */
Jsonb *
ddb_op_list_streams(DdbDoc request)
{
	DdbText		table_name = {NULL, 0};
	DdbText		arn;
	StreamName	after = {{NULL, 0}, {NULL, 0}};
	int64		limit = MAX_LIST;
	DdbStream **streams;
	JsonbValue	response;
	JsonbValue	list;
	bool		known;
	int			count;
	int			i;

	(void) ddb_request_string(request, "TableName", &table_name);
	(void) ddb_request_int(request, "Limit", &limit);
	if (ddb_request_string(request, "ExclusiveStartStreamArn", &arn) &&
		!parse_arn(arn, &after, &known))
		ddb_validation_error("Invalid StreamArn: Invalid ResourceArn provided as input %.*s",
							 arn.len, arn.str);
	streams = ddb_stream_list(table_name, after.table, after.label, (int) limit, &count);

	ddb_json_object(&response, 2);
	ddb_json_array(&list, count);
	for (i = 0; i < count; i++)
		add_stream(&list, streams[i]);
	ddb_json_add_value(&response, "Streams", &list);
	if (count == limit)
		ddb_json_add_string(&response, "LastEvaluatedStreamArn",
							ddb_stream_arn(streams[count - 1]));
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * DescribeStream
 * ----------------------------------------------------------------
 */

static const char *
stream_status(const DdbStream *stream, const DdbShard *shards, int count)
{
	bool		open = false;
	int			i;

	for (i = 0; i < count; i++)
		open = open || !shards[i].closed;
	if (stream->disabled != 0)
		return open ? "DISABLING" : "DISABLED";
	return open ? "ENABLED" : "ENABLING";
}

static void
add_sequence(JsonbValue *object, const char *name, const DdbSequence *sequence)
{
	char	   *text = palloc(DDB_SEQUENCE_DIGITS + 1);

	(void) ddb_sequence_print(sequence, text);
	ddb_json_add_string(object, name, text);
}

static void
add_shard(JsonbValue *list, const DdbShard *shard)
{
	JsonbValue	object;
	JsonbValue	range;

	ddb_json_object(&range, 2);
	add_sequence(&range, "StartingSequenceNumber", &shard->start);
	if (shard->closed)
		add_sequence(&range, "EndingSequenceNumber", &shard->end);
	ddb_json_object(&object, 3);
	ddb_json_add_string(&object, "ShardId", shard->id);
	ddb_json_add_value(&object, "SequenceNumberRange", &range);
	if (shard->parent != NULL)
		ddb_json_add_string(&object, "ParentShardId", shard->parent);
	ddb_json_append(list, &object);
}

static void
add_key_schema(JsonbValue *description, const DdbKeySchema *keys)
{
	static const char *const key_types[] = {"HASH", "RANGE"};
	JsonbValue	list;
	int			i;

	ddb_json_array(&list, keys->nattrs);
	for (i = 0; i < keys->nattrs; i++)
	{
		JsonbValue	element;
		JsonbValue	name;

		ddb_json_object(&element, 2);
		ddb_json_string(&name, keys->attr[i].name.str, keys->attr[i].name.len);
		ddb_json_add_value(&element, "AttributeName", &name);
		ddb_json_add_string(&element, "KeyType", key_types[i]);
		ddb_json_append(&list, &element);
	}
	ddb_json_add_value(description, "KeySchema", &list);
}

static bool
equals_text(const char *a, DdbText b)
{
	return strlen(a) == b.len && memcmp(a, b.str, b.len) == 0;
}

/* is the shard after the start and, with a filter, a child of its shard? */
static bool
is_wanted(const DdbShard *shard, DdbText after, DdbText parent)
{
	int			len = strlen(shard->id);
	int			order;

	if (parent.str != NULL && (shard->parent == NULL || !equals_text(shard->parent, parent)))
		return false;
	if (after.str == NULL)
		return true;
	order = memcmp(shard->id, after.str, Min(len, after.len));
	return order != 0 ? order > 0 : len > after.len;
}

/* ShardFilter's ShardId; str NULL without a filter */
static DdbText
filter_parent(DdbDoc request)
{
	DdbDoc		filter = ddb_request_doc(request, "ShardFilter");
	DdbText		parent = {NULL, 0};

	if (filter.ptr == NULL)
		return parent;
	if (!ddb_request_has(filter, "Type"))
		ddb_validation_error("ShardFilter Type must be specified");
	if (!ddb_request_string(filter, "ShardId", &parent))
		ddb_validation_error("ShardFilter ShardId must be specified when Type is CHILD_SHARDS");
	return parent;
}

static void
add_shards(JsonbValue *description, DdbDoc request, const DdbShard *shards, int count)
{
	DdbText		parent = filter_parent(request);
	DdbText		after = {NULL, 0};
	int64		limit = MAX_LIST;
	JsonbValue	list;
	const char *last = NULL;
	bool		more = false;
	int			taken = 0;
	int			i;

	(void) ddb_request_string(request, "ExclusiveStartShardId", &after);
	(void) ddb_request_int(request, "Limit", &limit);
	ddb_json_array(&list, count);
	for (i = 0; i < count && !more; i++)
	{
		if (!is_wanted(&shards[i], after, parent))
			continue;
		more = taken == limit;
		if (more)
			break;
		add_shard(&list, &shards[i]);
		last = shards[i].id;
		taken++;
	}
	ddb_json_add_value(description, "Shards", &list);
	if (more)
		ddb_json_add_string(description, "LastEvaluatedShardId", last);
}

Jsonb *
ddb_op_describe_stream(DdbDoc request)
{
	DdbStream  *stream;
	DdbShard   *shards;
	JsonbValue	response;
	JsonbValue	description;
	int			count;

	(void) filter_parent(request);
	stream = open_requested(request, "DescribeStream");
	shards = ddb_stream_shards(stream, &count);
	ddb_json_object(&description, 9);
	ddb_json_add_string(&description, "StreamArn", ddb_stream_arn(stream));
	ddb_json_add_string(&description, "StreamLabel", stream->label);
	ddb_json_add_string(&description, "StreamStatus", stream_status(stream, shards, count));
	ddb_json_add_string(&description, "StreamViewType", ddb_view_type_name(stream->view));
	ddb_json_add_double(&description, "CreationRequestDateTime",
						(double) (stream->created / 1000) / 1000 +
						(double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY);
	ddb_json_add_string(&description, "TableName", stream->table_name);
	add_key_schema(&description, &stream->keys);
	add_shards(&description, request, shards, count);
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, "StreamDescription", &description);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * Iterators
 * ----------------------------------------------------------------
 */

/* what stands behind the ARN, in base64; all of its bytes are written */
typedef struct IteratorBody
{
	int64		shard;
	int64		commit;
	int64		issued;			/* ms since 2000 */
	int32		epoch;
	int32		ordinal;
	int32		inclusive;		/* is the record at this position still to be read? */
	int32		version;
} IteratorBody;

static int64
now_ms(void)
{
	return GetCurrentTimestamp() / 1000;
}

static void
add_iterator(JsonbValue *response, const char *member, const DdbStream *stream,
			 const DdbShard *shard, const DdbSequence *position, bool inclusive)
{
	IteratorBody body;
	char	   *encoded;
	int			len;

	memset(&body, 0, sizeof(body));
	body.version = ITERATOR_VERSION;
	body.shard = shard->number;
	body.epoch = position->epoch;
	body.commit = (int64) position->commit;
	body.ordinal = position->ordinal;
	body.inclusive = inclusive;
	body.issued = now_ms();
	encoded = ddb_base64_encode((uint8 *) &body, sizeof(body), &len);
	ddb_json_add_string(response, member,
						psprintf("%s|%d|%.*s", ddb_stream_arn(stream), ITERATOR_VERSION,
								 len, encoded));
}

static bool
decode_iterator(DdbText text, DdbText *arn, IteratorBody *body)
{
	DdbText		version;
	bytea	   *bytes;

	if (!split(&text, '|', arn) || !split(&text, '|', &version) ||
		version.len != 1 || version.str[0] != '0' + ITERATOR_VERSION ||
		!ddb_base64_is_canonical(text.str, text.len) ||
		ddb_base64_decoded_size(text.str, text.len) != sizeof(IteratorBody))
		return false;
	bytes = ddb_base64_decode(text.str, text.len);
	memcpy(body, VARDATA_ANY(bytes), sizeof(IteratorBody));
	return body->version == ITERATOR_VERSION && body->epoch > 0;
}

static const DdbShard *
find_shard_by_id(const DdbShard *shards, int count, DdbText id)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (equals_text(shards[i].id, id))
			return &shards[i];
	}
	ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found: Shard does not exist");
}

/* ----------------------------------------------------------------
 * GetShardIterator
 * ----------------------------------------------------------------
 */

typedef enum IteratorType
{
	TRIM_HORIZON,
	LATEST,
	AT_SEQUENCE_NUMBER,
	AFTER_SEQUENCE_NUMBER
} IteratorType;

static void
check_not_trimmed(const DdbSequence *position)
{
	DdbSequence horizon = ddb_stream_horizon();

	if (horizon.epoch > 0 && ddb_sequence_compare(position, &horizon) < 0)
		ddb_error(DDB_TRIMMED_DATA_ACCESS,
				  "The operation attempted to read past the oldest stream record in a shard.");
}

/* AT and AFTER: a position in the shard that has not been trimmed */
static DdbSequence
requested_position(DdbText text, const DdbShard *shard)
{
	DdbSequence position;

	if (!ddb_sequence_parse(text.str, text.len, &position))
		ddb_validation_error("Invalid SequenceNumber in request: %.*s", text.len, text.str);
	check_not_trimmed(&position);
	if (ddb_sequence_compare(&position, &shard->start) < 0 ||
		(shard->closed && ddb_sequence_compare(&position, &shard->end) > 0))
		ddb_validation_error("Invalid SequenceNumber in request: %.*s is not in the range of shard %s",
							 text.len, text.str, shard->id);
	return position;
}

static DdbSequence
oldest_position(const DdbShard *shard)
{
	DdbSequence horizon = ddb_stream_horizon();

	return ddb_sequence_compare(&horizon, &shard->start) > 0 ? horizon : shard->start;
}

/* every commit from now on lies after it */
static DdbSequence
latest_position(void)
{
	DdbSequence position = {1, InvalidXLogRecPtr, 0};

	position.epoch = Max(ddb_stream_epoch(), 1);
	position.commit = RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetXLogInsertRecPtr();
	return position;
}

Jsonb *
ddb_op_get_shard_iterator(DdbDoc request)
{
	/* in the order of IteratorType */
	static const char *const types[] = {
		"TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", NULL
	};
	IteratorType type = ddb_request_enum(request, "ShardIteratorType", types, 0);
	DdbText		sequence = {NULL, 0};
	DdbText		id = {"", 0};
	DdbStream  *stream;
	DdbShard   *shards;
	const DdbShard *shard;
	DdbSequence position;
	JsonbValue	response;
	int			count;

	(void) ddb_request_string(request, "SequenceNumber", &sequence);
	(void) ddb_request_string(request, "ShardId", &id);
	if (type >= AT_SEQUENCE_NUMBER && sequence.str == NULL)
		ddb_validation_error("SequenceNumber must be specified when ShardIteratorType is %s", types[type]);
	if (type < AT_SEQUENCE_NUMBER && sequence.str != NULL)
		ddb_validation_error("SequenceNumber must not be specified when ShardIteratorType is %s", types[type]);
	stream = open_requested(request, "GetShardIterator");
	shards = ddb_stream_shards(stream, &count);
	shard = find_shard_by_id(shards, count, id);
	if (type == TRIM_HORIZON)
		position = oldest_position(shard);
	else if (type == LATEST)
		position = latest_position();
	else
		position = requested_position(sequence, shard);
	ddb_json_object(&response, 1);
	add_iterator(&response, "ShardIterator", stream, shard, &position,
				 type != AFTER_SEQUENCE_NUMBER);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * GetRecords
 * ----------------------------------------------------------------
 */

static void pg_attribute_noreturn()
refuse_iterator(void)
{
	ddb_validation_error("Invalid ShardIterator");
}

static const DdbShard *
find_shard_by_number(const DdbShard *shards, int count, int64 number)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (shards[i].number == number)
			return &shards[i];
	}
	ddb_error(DDB_TRIMMED_DATA_ACCESS,
			  "The operation attempted to read past the oldest stream record in a shard.");
}

/* has a closed shard nothing after this position? */
static bool
is_drained(const DdbShard *shard, const DdbSequence *position, bool inclusive)
{
	int			count;

	if (!shard->closed)
		return false;
	(void) ddb_stream_read(shard, position, inclusive, 1, 1, &count);
	return count == 0;
}

/*
 * A reader who finds nothing in a quiet shard, for a day, must not be told that
 * what comes after his position is trimmed.  hour: all before it was stored
 * before he looked.
 */
static void
skip_read_hours(DdbSequence *position, bool *inclusive, const DdbSequence *hour)
{
	if (ddb_sequence_compare(hour, position) <= 0)
		return;
	*position = *hour;
	*inclusive = true;
}

/*
 * Where throttling is on, a shard may be read CALLS_PER_SECOND times a second.
 * A partition's bucket, of a partition that no item has, keeps count.
 */
static void
admit_reader(const DdbTable *table, const DdbShard *shard)
{
	double		units = (double) DDB_PARTITION_READ_UNITS / CALLS_PER_SECOND;
	DdbPartitionMeter *meter;

	if (table == NULL || !ddb_capacity_is_enforced(table))
		return;
	meter = ddb_throughput_partition(table->relid, SHARD_HASHES + shard->number);
	if (meter == NULL)
		return;
	if (ddb_throughput_partition_is_exhausted(meter, DDB_UNITS_READ, units - 1))
		ddb_error(DDB_LIMIT_EXCEEDED, "Rate exceeded for shard %s", shard->id);
	ddb_throughput_partition_charge(meter, DDB_UNITS_READ, units);
}

Jsonb *
ddb_op_get_records(DdbDoc request)
{
	DdbText		text = {"", 0};
	DdbText		arn;
	IteratorBody body;
	DdbStream  *stream;
	DdbShard   *shards;
	const DdbShard *shard;
	const DdbTable *table;
	DdbStreamRecord *records;
	DdbSequence position;
	DdbSequence hour;
	bool		inclusive;
	int64		limit = MAX_RECORDS;
	JsonbValue	response;
	JsonbValue	list;
	int			count;
	int			i;

	(void) ddb_request_string(request, "ShardIterator", &text);
	(void) ddb_request_int(request, "Limit", &limit);
	if (!decode_iterator(text, &arn, &body))
		refuse_iterator();
	stream = open_stream(arn, "GetRecords");
	if (now_ms() - body.issued > ITERATOR_LIFE_MS)
		ddb_error(DDB_EXPIRED_ITERATOR,
				  "Iterator expired. The iterator was created more than 15 minutes ago.");
	shards = ddb_stream_shards(stream, &count);
	shard = find_shard_by_number(shards, count, body.shard);
	table = ddb_catalog_of_relation(stream->relid);
	admit_reader(table, shard);

	position.epoch = body.epoch;
	position.commit = (XLogRecPtr) body.commit;
	position.ordinal = body.ordinal;
	inclusive = body.inclusive != 0;
	check_not_trimmed(&position);
	hour = ddb_stream_hour(0);
	records = ddb_stream_read(shard, &position, inclusive, (int) limit, MAX_PAGE_BYTES, &count);
	ddb_json_array(&list, count);
	for (i = 0; i < count; i++)
	{
		JsonbValue	record;

		ddb_json_jsonb(&record, records[i].record);
		ddb_json_append(&list, &record);
		position = records[i].sequence;
		inclusive = false;
	}
	if (table != NULL)
		ddb_capacity_returned(table, count);
	if (count == 0)
		skip_read_hours(&position, &inclusive, &hour);
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Records", &list);
	if (!is_drained(shard, &position, inclusive))
		add_iterator(&response, "NextShardIterator", stream, shard, &position, inclusive);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * Item tables with and without a stream
 * ----------------------------------------------------------------
 */

static char *
qualified_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

/* neither replica identity nor statement triggers pass on to partitions */
static void
run_on_all(const DdbTable *table, const char *format)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table->relid, AccessExclusiveLock, NULL))
	{
		char	   *name = qualified_name(lfirst_oid(lc));
		StringInfoData sql;

		initStringInfo(&sql);
		appendStringInfo(&sql, format, name, name);
		ddb_item_table_run(sql.data);
	}
}

static bool
has_full_identity(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return true;
	result = ((Form_pg_class) GETSTRUCT(tuple))->relreplident == REPLICA_IDENTITY_FULL;
	ReleaseSysCache(tuple);
	return result;
}

DdbStream *
ddb_op_enable_stream(const DdbTable *table, DdbViewType view)
{
	run_on_all(table, "ALTER TABLE ONLY %s REPLICA IDENTITY FULL;"
			   " CREATE TRIGGER " TRUNCATE_TRIGGER " BEFORE TRUNCATE ON %s"
			   " FOR EACH STATEMENT EXECUTE FUNCTION dynamo.item_refuse_truncate()");
	return ddb_stream_enable(table, view);
}

void
ddb_op_disable_stream(const DdbTable *table, DdbStream *stream)
{
	ddb_stream_disable(stream);
	CommandCounterIncrement();
	run_on_all(table, "ALTER TABLE ONLY %s REPLICA IDENTITY DEFAULT;"
			   " DROP TRIGGER IF EXISTS " TRUNCATE_TRIGGER " ON %s");
}

void
ddb_op_follow_alter_stream(const DdbTable *table)
{
	DdbStream  *stream = ddb_stream_of_table(table);
	ListCell   *lc;

	if (stream == NULL || stream->disabled != 0)
		return;
	foreach(lc, find_all_inheritors(table->relid, AccessShareLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);
		char	   *name = qualified_name(relid);

		if (relid == table->relid)
			continue;
		if (!has_full_identity(relid))
			ddb_item_table_run(psprintf("ALTER TABLE ONLY %s REPLICA IDENTITY FULL", name));
		if (!OidIsValid(get_trigger_oid(relid, TRUNCATE_TRIGGER_NAME, true)))
			ddb_item_table_run(psprintf("CREATE TRIGGER " TRUNCATE_TRIGGER " BEFORE TRUNCATE ON %s"
										" FOR EACH STATEMENT EXECUTE FUNCTION dynamo.item_refuse_truncate()",
										name));
	}
}
