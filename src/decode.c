/*
 * decode.c
 *	  The output plugin: changes of items in the log become stream records.
 *
 * The server reads the log and hands over one transaction after the other in
 * the order of their commits, each change with the relation as it was then.
 * What is written for a change is the record that the Streams API has for it:
 * event, keys, images, and a sequence number that says where it was committed.
 *
 * The number of a record does not depend on who reads: records of one
 * transaction are counted before the tables that a reader asked for are
 * selected, by what the change itself and the catalog at its time say.  Records
 * of index tables, which nobody gets unasked, are counted by themselves.  Epochs
 * are those that hold at the commit, also for changes made before one began, so
 * that numbers grow with commits.
 *
 * Nothing in an item may keep a slot from going on.  A change whose item is
 * damaged has a record without that image, and a change that shows no keys
 * has none; the server's log tells.
 *
 * There are no callbacks for streaming or two-phase commit, for the position
 * of the commit is not known before the commit.  TRUNCATE shows no items, and
 * tables with streams refuse it.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "access/htup_details.h"
#include "replication/logical.h"
#include "replication/origin.h"
#include "replication/output_plugin.h"
#include "replication/snapbuild.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "decode_options.h"
#include "guc.h"
#include "keyenc.h"
#include "streamdef.h"
#include "streamformat.h"
#include "wire.h"

#define EVENT_VERSION		"1.1"
#define EVENT_SOURCE		"aws:dynamodb"
#define EXPIRY_PRINCIPAL	"dynamodb.amazonaws.com"

#define DIGEST_BYTES		16
#define BATCH_BYTES			(16 * 1024 * 1024)	/* of text; then the next batch begins */
#define PROGRESS_INTERVAL	100 /* changes without output, until the reader hears of us */

/* what is known of a slot's reader, and of the transaction being read */
typedef struct DecodeState
{
	DdbDecodeOptions options;
	DdbStreamDefs *defs;
	MemoryContext change_context;	/* reset with every change */
	StringInfoData batch;		/* text of the batch so far; empty: none */

	int32		epoch;			/* 0: not asked for yet */
	int32		records;		/* of item tables */
	int32		index_records;
	bool		expiry;			/* its deletions are those of TTL */
	bool		has_output;
	int			quiet;			/* changes since the last output */
} DecodeState;

typedef enum EventName
{
	EVENT_INSERT,
	EVENT_MODIFY,
	EVENT_REMOVE
} EventName;

static const char *const event_names[] = {
	[EVENT_INSERT] = "INSERT",
	[EVENT_MODIFY] = "MODIFY",
	[EVENT_REMOVE] = "REMOVE",
};

/* an item before or after a change */
typedef struct Image
{
	bool		present;		/* is there a value at all? */
	Datum		value;			/* as it stands in the tuple */
	DdbDoc		doc;			/* once opened; ptr NULL: none, or damaged */
} Image;

typedef struct Event
{
	EventName	name;
	const DdbStreamDef *def;
	const ReorderBufferTXN *txn;
	Image		before;
	Image		after;
	bool		moved;			/* is it another key's item after the change? */
	DdbDoc		keys;			/* the image that shows them */
	int64		size;			/* SizeBytes */
	DdbSequence sequence;
	bool		expired;
} Event;

/* ----------------------------------------------------------------
 * Images
 * ----------------------------------------------------------------
 */

static Image
image_of(HeapTuple tuple, Relation relation, AttrNumber attno)
{
	Image		image;
	bool		isnull = true;

	memset(&image, 0, sizeof(image));
	if (tuple != NULL)
		image.value = heap_getattr(tuple, attno, RelationGetDescr(relation), &isnull);
	image.present = !isnull;
	return image;
}

/*
 * A large value that an update leaves alone is not in the log again: the new
 * tuple points to where it is stored.  The old tuple holds the value itself.
 */
static void
complete_image(Image *after, const Image *before)
{
	if (after->present && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(after->value)))
		*after = *before;
}

static void
open_image(Image *image)
{
	if (!image->present)
		return;
	image->doc = ddb_doc_root(DatumGetJsonbP(image->value));
	if (!ddb_doc_is_object(image->doc))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("item is not an object")));
}

/* bytes of the key attributes, all of which an item has */
static int64
keys_size(const DdbStreamDef *def, DdbDoc item)
{
	int64		size = 0;
	int			i;

	for (i = 0; i < def->nkeys; i++)
	{
		DdbValue	value;

		if (!ddb_item_get(item, def->key[i].str, def->key[i].len, &value))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("item is without its key attribute \"%s\"", def->key[i].str)));
		size += ddb_text_decoded_size(def->key[i].str, def->key[i].len) +
			ddb_value_size(&value);
	}
	return size;
}

static bool
same_keys(const DdbStreamDef *def, DdbDoc a, DdbDoc b)
{
	DdbValue	left;
	DdbValue	right;
	int			i;

	for (i = 0; i < def->nkeys; i++)
	{
		if (!ddb_item_get(a, def->key[i].str, def->key[i].len, &left) ||
			!ddb_item_get(b, def->key[i].str, def->key[i].len, &right) ||
			!ddb_value_equal(&left, &right))
			return false;
	}
	return true;
}

static bool
same_items(DdbDoc a, DdbDoc b)
{
	DdbValue	left = {.type = DDB_M, .doc = a};
	DdbValue	right = {.type = DDB_M, .doc = b};

	return ddb_value_equal(&left, &right);
}

/* sizes of what the record will show of the images that are open */
static void
measure(Event *event)
{
	const DdbStreamDef *def = event->def;

	event->keys = event->after.doc.ptr != NULL ? event->after.doc : event->before.doc;
	event->size = keys_size(def, event->keys);
	if (def->new_image && event->after.doc.ptr != NULL)
		event->size += ddb_item_size(event->after.doc);
	if (def->old_image && event->before.doc.ptr != NULL)
		event->size += ddb_item_size(event->before.doc);
}

/* is this an error that a damaged item causes, rather than the server's state? */
static bool
is_damage(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return sqlerrcode == ERRCODE_DATA_CORRUPTED || sqlerrcode == ERRCODE_INTERNAL_ERROR ||
		category == ERRCODE_DATA_EXCEPTION || category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/* after PG_CATCH: go on in context if the error came from an item */
static void
survive_damage(MemoryContext context)
{
	if (!is_damage(geterrcode()))
		PG_RE_THROW();
	MemoryContextSwitchTo(context);
	FlushErrorState();
}

/* open an image by itself; doc stays empty if it is damaged */
static void
open_if_sound(Image *image, const DdbStreamDef *def)
{
	MemoryContext context = CurrentMemoryContext;

	image->doc.ptr = NULL;
	PG_TRY();
	{
		open_image(image);
		if (image->present)
		{
			(void) keys_size(def, image->doc);
			(void) ddb_item_size(image->doc);
		}
	}
	PG_CATCH();
	{
		survive_damage(context);
		image->doc.ptr = NULL;
	}
	PG_END_TRY();
}

/* an event one of whose images is damaged, at least; false if all are */
static bool
examine_damaged(Event *event, Relation relation)
{
	open_if_sound(&event->before, event->def);
	open_if_sound(&event->after, event->def);
	if (event->before.doc.ptr == NULL && event->after.doc.ptr == NULL)
	{
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("change of table \"%s\" has no stream record, because its item is damaged",
						RelationGetRelationName(relation))));
		return false;
	}
	ereport(WARNING,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stream record of a change of table \"%s\" is incomplete, because an item is damaged",
					RelationGetRelationName(relation))));
	measure(event);
	return true;
}

/* open the images and measure them; false if the change changed nothing */
static bool
examine(Event *event)
{
	open_image(&event->before);
	open_image(&event->after);
	if (event->before.doc.ptr != NULL && event->after.doc.ptr != NULL)
	{
		if (same_items(event->before.doc, event->after.doc))
			return false;
		event->moved = !same_keys(event->def, event->before.doc, event->after.doc);
		if (event->moved)
			(void) keys_size(event->def, event->before.doc);
	}
	measure(event);
	return true;
}

/* is there a record for this change? */
static bool
has_record(Event *event, Relation relation)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool damaged = false;
	volatile bool result = false;

	if (!event->before.present && !event->after.present)
	{
		if (event->def->index_name == NULL)
			ereport(WARNING,
					(errmsg("change of table \"%s\" has no stream record, because the log does not hold the item",
							RelationGetRelationName(relation)),
					 errhint("A table with a stream needs REPLICA IDENTITY FULL.")));
		return false;
	}
	PG_TRY();
	{
		result = examine(event);
	}
	PG_CATCH();
	{
		survive_damage(context);
		damaged = true;
	}
	PG_END_TRY();
	return damaged ? examine_damaged(event, relation) : result;
}

/* ----------------------------------------------------------------
 * Records
 * ----------------------------------------------------------------
 */

/* globally unique, and the same whenever the record is read */
static char *
event_id(const DdbStreamDef *def, const char *sequence)
{
	EVP_MD_CTX *context = ddb_key_md5_begin();
	uint8		digest[EVP_MAX_MD_SIZE];
	char	   *hex = palloc(2 * DIGEST_BYTES + 1);

	if (!EVP_DigestUpdate(context, def->arn, strlen(def->arn)) ||
		!EVP_DigestUpdate(context, sequence, strlen(sequence)) ||
		!EVP_DigestFinal_ex(context, digest, NULL))
		elog(ERROR, "could not compute MD5 hash");
	hex[hex_encode((const char *) digest, DIGEST_BYTES, hex)] = '\0';
	return hex;
}

static void
add_keys(JsonbValue *object, const Event *event)
{
	JsonbValue	keys;
	int			i;

	ddb_json_object(&keys, event->def->nkeys);
	for (i = 0; i < event->def->nkeys; i++)
	{
		DdbText		name = event->def->key[i];
		JsonbValue	value;

		if (ddb_doc_get(event->keys, name.str, name.len, &value))
			ddb_json_add(&keys, name.str, name.len, &value);
	}
	ddb_json_add_value(object, "Keys", &keys);
}

static void
add_image(JsonbValue *object, const char *name, const Image *image)
{
	JsonbValue	value;

	if (image->doc.ptr == NULL)
		return;
	ddb_json_doc(&value, image->doc);
	ddb_json_add_value(object, name, &value);
}

static int64
commit_second(const ReorderBufferTXN *txn)
{
	return txn->xact_time.commit_time / USECS_PER_SEC +
		(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

static void
stream_record_tree(const Event *event, const char *sequence, JsonbValue *out)
{
	ddb_json_object(out, 7);
	ddb_json_add_int(out, "ApproximateCreationDateTime", commit_second(event->txn));
	add_keys(out, event);
	if (event->def->new_image)
		add_image(out, "NewImage", &event->after);
	if (event->def->old_image)
		add_image(out, "OldImage", &event->before);
	ddb_json_add_string(out, "SequenceNumber", sequence);
	ddb_json_add_int(out, "SizeBytes", event->size);
	ddb_json_add_string(out, "StreamViewType", event->def->view_type);
}

/*
 * The record as a tree whose leaves point into the images.  eventSourceARN is
 * for readers of a slot, who see many streams; the Streams API has no such
 * member.
 */
static void
record_tree(const Event *event, bool with_arn, JsonbValue *out)
{
	char	   *sequence = palloc(DDB_SEQUENCE_DIGITS + 1);
	JsonbValue	stream_record;

	(void) ddb_sequence_print(&event->sequence, sequence);
	ddb_json_object(out, 8);
	ddb_json_add_string(out, "eventID", event_id(event->def, sequence));
	ddb_json_add_string(out, "eventName", event_names[event->name]);
	ddb_json_add_string(out, "eventVersion", EVENT_VERSION);
	ddb_json_add_string(out, "eventSource", EVENT_SOURCE);
	ddb_json_add_string(out, "awsRegion", ddb_region);
	stream_record_tree(event, sequence, &stream_record);
	ddb_json_add_value(out, "dynamodb", &stream_record);
	if (event->expired)
	{
		JsonbValue	identity;

		ddb_json_object(&identity, 2);
		ddb_json_add_string(&identity, "PrincipalId", EXPIRY_PRINCIPAL);
		ddb_json_add_string(&identity, "Type", "Service");
		ddb_json_add_value(out, "userIdentity", &identity);
	}
	if (with_arn)
		ddb_json_add_string(out, "eventSourceARN", event->def->arn);
}

/* ----------------------------------------------------------------
 * Output
 * ----------------------------------------------------------------
 */

static DdbSequence
sequence_at(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, int32 ordinal)
{
	DecodeState *state = ctx->output_plugin_private;
	DdbSequence sequence;

	if (state->epoch == 0)
		state->epoch = ddb_streamdef_epoch(state->defs,
										   ddb_historic_snapshot(ctx->snapshot_builder, txn->xid));
	memset(&sequence, 0, sizeof(sequence));
	sequence.epoch = state->epoch;
	sequence.commit = txn->final_lsn;
	sequence.ordinal = ordinal;
	return sequence;
}

/* a line that says where a transaction begins or ends */
static void
write_boundary(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const char *which)
{
	OutputPluginPrepareWrite(ctx, true);
	appendStringInfo(ctx->out,
					 "{\"transaction\":\"%s\",\"xid\":%u,\"commitPosition\":\"%X/%X\",\"commitTime\":" INT64_FORMAT "}",
					 which, txn->xid, LSN_FORMAT_ARGS(txn->final_lsn), commit_second(txn));
	OutputPluginWrite(ctx, true);
}

/* before any output of a transaction */
static void
begin_output(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	DecodeState *state = ctx->output_plugin_private;

	state->quiet = 0;
	if (state->has_output)
		return;
	state->has_output = true;
	if (state->options.include_transactions && state->options.format != DDB_FORMAT_INTERNAL)
		write_boundary(ctx, txn, "BEGIN");
}

static void
write_internal(LogicalDecodingContext *ctx, const DdbOutputHeader *header, const Jsonb *record)
{
	OutputPluginPrepareWrite(ctx, true);
	appendBinaryStringInfo(ctx->out, (const char *) header, sizeof(*header));
	if (record != NULL)
		appendBinaryStringInfo(ctx->out, (const char *) record, VARSIZE(record));
	OutputPluginWrite(ctx, true);
}

static uint32
partition_hash(const Event *event)
{
	DdbText		name = event->def->key[0];
	DdbValue	value;

	if (!ddb_item_get(event->keys, name.str, name.len, &value))
		elog(ERROR, "item is without its partition key");
	return ddb_key_partition_hash(value.type, ddb_key_column(&value, true));
}

static void
output_internal(LogicalDecodingContext *ctx, const Event *event)
{
	DdbOutputHeader header;
	JsonbValue	tree;
	Jsonb	   *record;

	record_tree(event, false, &tree);
	record = ddb_json_encode(&tree);
	memset(&header, 0, sizeof(header));
	header.kind = DDB_OUTPUT_RECORD;
	header.hash = partition_hash(event);
	header.sequence = event->sequence;
	header.stream = event->def->id;
	header.size_bytes = (int32) Min(event->size, PG_INT32_MAX);
	header.length = VARSIZE(record);
	write_internal(ctx, &header, record);
}

static void
output_record(LogicalDecodingContext *ctx, const Event *event)
{
	JsonbValue	tree;

	record_tree(event, true, &tree);
	OutputPluginPrepareWrite(ctx, true);
	ddb_wire_print_tree(ctx->out, &tree);
	OutputPluginWrite(ctx, true);
}

static void
flush_batch(LogicalDecodingContext *ctx)
{
	StringInfo	batch = &((DecodeState *) ctx->output_plugin_private)->batch;

	if (batch->len == 0)
		return;
	appendStringInfoString(batch, "]}");
	OutputPluginPrepareWrite(ctx, true);
	appendBinaryStringInfo(ctx->out, batch->data, batch->len);
	OutputPluginWrite(ctx, true);
	resetStringInfo(batch);
}

/* a transaction's records together; those of a very large one in several parts */
static void
output_to_batch(LogicalDecodingContext *ctx, const Event *event)
{
	StringInfo	batch = &((DecodeState *) ctx->output_plugin_private)->batch;
	JsonbValue	tree;

	record_tree(event, true, &tree);
	appendStringInfoString(batch, batch->len == 0 ? "{\"Records\":[" : ",");
	ddb_wire_print_tree(batch, &tree);
	if (batch->len >= BATCH_BYTES)
		flush_batch(ctx);
}

static void
output(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const Event *event)
{
	DecodeState *state = ctx->output_plugin_private;

	begin_output(ctx, txn);
	switch ((DdbDecodeFormat) state->options.format)
	{
		case DDB_FORMAT_RECORDS:
			output_record(ctx, event);
			return;
		case DDB_FORMAT_BATCHES:
			output_to_batch(ctx, event);
			return;
		case DDB_FORMAT_INTERNAL:
			output_internal(ctx, event);
			return;
	}
}

/* ----------------------------------------------------------------
 * Callbacks
 * ----------------------------------------------------------------
 */

static void
decode_startup(LogicalDecodingContext *ctx, OutputPluginOptions *options, bool is_init)
{
	MemoryContext caller = MemoryContextSwitchTo(ctx->context);
	DecodeState *state = palloc0(sizeof(DecodeState));

	ddb_decode_parse_options(ctx->output_plugin_options, &state->options);
	state->defs = ddb_streamdef_create(state->options.tables,
									   state->options.include_index_tables);
	state->change_context = AllocSetContextCreate(ctx->context, "pg_dynamo change",
												  ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&state->batch);
	options->output_type = state->options.format == DDB_FORMAT_INTERNAL ?
		OUTPUT_PLUGIN_BINARY_OUTPUT : OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
	options->receive_rewrites = false;
	ctx->output_plugin_private = state;
	MemoryContextSwitchTo(caller);
}

static void
decode_begin(LogicalDecodingContext *ctx, ReorderBufferTXN *txn)
{
	DecodeState *state = ctx->output_plugin_private;

	resetStringInfo(&state->batch);
	state->epoch = 0;
	state->records = 0;
	state->index_records = 0;
	state->expiry = false;
	state->has_output = false;
	state->quiet = 0;
}

static EventName
event_of_action(ReorderBufferChangeType action)
{
	if (action == REORDER_BUFFER_CHANGE_INSERT)
		return EVENT_INSERT;
	if (action == REORDER_BUFFER_CHANGE_UPDATE)
		return EVENT_MODIFY;
	if (action == REORDER_BUFFER_CHANGE_DELETE)
		return EVENT_REMOVE;
	elog(ERROR, "unrecognized change of a row: %d", (int) action);
}

static int32
next_ordinal(int32 *records)
{
	if (*records > DDB_MAX_ORDINAL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("transaction has more than %d stream records", DDB_MAX_ORDINAL + 1)));
	return (*records)++;
}

/* number a record, and write it unless it is none of those asked for */
static void
emit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Event *event)
{
	DecodeState *state = ctx->output_plugin_private;
	bool		of_index = event->def->index_name != NULL;

	event->sequence = sequence_at(ctx, txn,
								  next_ordinal(of_index ? &state->index_records : &state->records));
	event->expired = state->expiry && event->name == EVENT_REMOVE;
	if (event->def->selected)
		output(ctx, txn, event);
}

/* an entry of an index that has moved: one goes, another comes */
static void
emit_moved(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const Event *event)
{
	Event		removed = *event;
	Event		inserted = *event;

	removed.name = EVENT_REMOVE;
	memset(&removed.after, 0, sizeof(removed.after));
	measure(&removed);
	emit(ctx, txn, &removed);

	inserted.name = EVENT_INSERT;
	memset(&inserted.before, 0, sizeof(inserted.before));
	measure(&inserted);
	emit(ctx, txn, &inserted);
}

/* the record of a change, if it has one; in the context of the change */
static void
decode_event(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
			 ReorderBufferChange *change)
{
	DecodeState *state = ctx->output_plugin_private;
	Event		event;

	memset(&event, 0, sizeof(event));
	event.def = ddb_streamdef_of_relation(state->defs, relation);
	if (event.def == NULL)
		return;
	event.name = event_of_action(change->action);
	event.txn = txn;
	if (event.name != EVENT_INSERT)
		event.before = image_of(ddb_change_tuple(change->data.tp.oldtuple), relation,
								event.def->item);
	if (event.name != EVENT_REMOVE)
		event.after = image_of(ddb_change_tuple(change->data.tp.newtuple), relation,
							   event.def->item);
	complete_image(&event.after, &event.before);
	if (!has_record(&event, relation))
		return;
	if (event.moved)
		emit_moved(ctx, txn, &event);
	else
		emit(ctx, txn, &event);
}

static void
decode_change(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, Relation relation,
			  ReorderBufferChange *change)
{
	DecodeState *state = ctx->output_plugin_private;
	MemoryContext caller = MemoryContextSwitchTo(state->change_context);

	state->quiet++;
	decode_event(ctx, txn, relation, change);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(state->change_context);
	if (state->quiet >= PROGRESS_INTERVAL)
	{
		state->quiet = 0;
		OutputPluginUpdateProgress(ctx, false);
	}
}

/*
 * The end of a stream, for the drain.  Anybody may write messages into the
 * log, so the catalog is asked whether it is true.
 */
static void
decode_disable(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, const char *id)
{
	DecodeState *state = ctx->output_plugin_private;
	DdbOutputHeader header;

	memset(&header, 0, sizeof(header));
	memcpy(&header.stream, id, sizeof(header.stream));
	if (state->options.format != DDB_FORMAT_INTERNAL ||
		!ddb_streamdef_is_over(&header.stream,
							   ddb_historic_snapshot(ctx->snapshot_builder, txn->xid)))
		return;
	begin_output(ctx, txn);
	header.kind = DDB_OUTPUT_DISABLE;
	header.sequence = sequence_at(ctx, txn, state->records);
	write_internal(ctx, &header, NULL);
}

static void
decode_message(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr position,
			   bool transactional, const char *prefix, Size size, const char *message)
{
	DecodeState *state = ctx->output_plugin_private;
	const Size	disable = strlen(DDB_MESSAGE_DISABLE);

	if (!transactional || strcmp(prefix, DDB_MESSAGE_PREFIX) != 0)
		return;
	if (size == strlen(DDB_MESSAGE_EXPIRY) && memcmp(message, DDB_MESSAGE_EXPIRY, size) == 0)
		state->expiry = true;
	else if (size == disable + sizeof(pg_uuid_t) &&
			 memcmp(message, DDB_MESSAGE_DISABLE, disable) == 0)
		decode_disable(ctx, txn, message + disable);
}

static void
decode_commit(LogicalDecodingContext *ctx, ReorderBufferTXN *txn, XLogRecPtr position)
{
	DecodeState *state = ctx->output_plugin_private;

	if (!state->has_output)
	{
		OutputPluginUpdateProgress(ctx, true);
		return;
	}
	flush_batch(ctx);
	if (state->options.format == DDB_FORMAT_INTERNAL)
	{
		DdbOutputHeader header;

		memset(&header, 0, sizeof(header));
		header.kind = DDB_OUTPUT_COMMIT;
		header.sequence = sequence_at(ctx, txn, state->records);
		write_internal(ctx, &header, NULL);
	}
	else if (state->options.include_transactions)
		write_boundary(ctx, txn, "COMMIT");
	OutputPluginUpdateProgress(ctx, false);
}

/*
 * What the drain writes is no change of items, and as much as all of them
 * together: it is passed over before it is kept.
 */
static bool
decode_filter_by_origin(LogicalDecodingContext *ctx, RepOriginId origin)
{
	return origin == DoNotReplicateId;
}

extern DDB_EXPORT void _PG_output_plugin_init(OutputPluginCallbacks *callbacks);

void
_PG_output_plugin_init(OutputPluginCallbacks *callbacks)
{
	callbacks->startup_cb = decode_startup;
	callbacks->begin_cb = decode_begin;
	callbacks->filter_by_origin_cb = decode_filter_by_origin;
	callbacks->change_cb = decode_change;
	callbacks->message_cb = decode_message;
	callbacks->commit_cb = decode_commit;
}
