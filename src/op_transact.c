/*
 * op_transact.c
 *	  TransactWriteItems and TransactGetItems, and the engine that PartiQL's
 *	  ExecuteTransaction shares with them.
 *
 * A transaction of writes takes the locks of all its keys, then runs its
 * elements one by one in the order of their locks (keylock.c).  An element
 * that is refused changes nothing and the others go on, because the answer
 * tells of all that fail; it is one error, which rolls everything back.  What
 * can be said against an element without looking at stored items is said
 * before any lock is taken.
 *
 * A transaction of reads needs no locks: it reads from one snapshot, and all
 * writers hold their locks until they are visible.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "execute.h"
#include "expr_eval.h"
#include "keylock.h"
#include "op.h"
#include "op_access.h"
#include "op_transact.h"
#include "transacttoken.h"
#include "wire.h"

/* the element under way, and of how many; for ddb_op_conflict_position */
static int	position = 0;
static int	position_count = 0;

void
ddb_op_conflict_position(int *element, int *count)
{
	*element = position;
	*count = position_count;
}

static void
set_position(int element, int count)
{
	position = element;
	position_count = count;
}

void
ddb_op_clear_conflict_position(void)
{
	set_position(0, 0);
}

/* ----------------------------------------------------------------
 * Cancellation
 * ----------------------------------------------------------------
 */

/* what a reason calls an exception */
static const struct
{
	DdbErrorCode code;
	const char *name;
}			reason_codes[] = {
	{DDB_CONDITIONAL_CHECK_FAILED, "ConditionalCheckFailed"},
	{DDB_VALIDATION, "ValidationError"},
	{DDB_ITEM_COLLECTION_SIZE_LIMIT_EXCEEDED, "ItemCollectionSizeLimitExceeded"},
	{DDB_TRANSACTION_CONFLICT, "TransactionConflict"},
	{DDB_DUPLICATE_ITEM, "DuplicateItem"},
	{DDB_PROVISIONED_THROUGHPUT_EXCEEDED, "ProvisionedThroughputExceeded"},
	{DDB_THROTTLING, "ThrottlingError"},
	{DDB_REQUEST_LIMIT_EXCEEDED, "ThrottlingError"},
	{DDB_ACCESS_DENIED, "AccessDenied"},
	{DDB_RESOURCE_NOT_FOUND, "ResourceNotFound"}
};

static const char *
reason_code(const DdbRefusal *refusal)
{
	int			i;

	if (refusal == NULL || refusal->message == NULL)
		return "None";
	for (i = 0; i < lengthof(reason_codes); i++)
	{
		if (reason_codes[i].code == refusal->code)
			return reason_codes[i].name;
	}
	return ddb_error_info(refusal->code)->name;
}

static void
append_reason(JsonbValue *reasons, const DdbRefusal *refusal)
{
	JsonbValue	reason;
	JsonbValue	item;

	ddb_json_object(&reason, 3);
	ddb_json_add_string(&reason, "Code", reason_code(refusal));
	if (refusal != NULL && refusal->message != NULL)
	{
		ddb_json_add_string(&reason, "Message", refusal->message);
		if (refusal->item != NULL)
		{
			ddb_json_jsonb(&item, refusal->item);
			ddb_json_add_value(&reason, "Item", &item);
		}
	}
	ddb_json_append(reasons, &reason);
}

/* the first one that is no matter of stored items; -1 when there is none */
static int
first_invalid(const DdbRefusal *const *refusals, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (refusals[i] != NULL && refusals[i]->message != NULL &&
			refusals[i]->code == DDB_VALIDATION)
			return i;
	}
	return -1;
}

/*
 * Where an element is invalid, the first such is told of, and nothing else.
 */
void
ddb_transact_cancel(const DdbRefusal *const *refusals, int count)
{
	int			invalid = first_invalid(refusals, count);
	StringInfoData codes;
	StringInfoData members;
	JsonbValue	object;
	JsonbValue	reasons;
	int			i;

	initStringInfo(&codes);
	ddb_json_array(&reasons, count);
	for (i = 0; i < count; i++)
	{
		const DdbRefusal *refusal = invalid < 0 || invalid == i ? refusals[i] : NULL;

		append_reason(&reasons, refusal);
		appendStringInfo(&codes, "%s%s", i > 0 ? ", " : "", reason_code(refusal));
	}
	ddb_json_object(&object, 1);
	ddb_json_add_value(&object, "CancellationReasons", &reasons);
	initStringInfo(&members);
	ddb_wire_print(&members, ddb_doc_root(ddb_json_encode(&object)));
	ddb_error_members(DDB_TRANSACTION_CANCELED, members.data,
					  "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]",
					  codes.data);
}

/* raise unless there is nothing to refuse */
static void
cancel_if_refused(const DdbRefusal *refusals, int count)
{
	const DdbRefusal **list = palloc(count * sizeof(DdbRefusal *));
	bool		any = false;
	int			i;

	for (i = 0; i < count; i++)
	{
		list[i] = &refusals[i];
		any |= refusals[i].message != NULL;
	}
	if (any)
		ddb_transact_cancel(list, count);
	pfree(list);
}

/* the same for writes */
static void
cancel_if_writes_refused(const DdbItemWrite *writes, int count)
{
	const DdbRefusal **list = palloc(count * sizeof(DdbRefusal *));
	bool		any = false;
	int			i;

	for (i = 0; i < count; i++)
	{
		list[i] = &writes[i].refusal;
		any |= list[i]->message != NULL;
	}
	if (any)
		ddb_transact_cancel(list, count);
	pfree(list);
}

/* ----------------------------------------------------------------
 * Elements against their tables
 * ----------------------------------------------------------------
 */

/*
 * Call accept on an element, and keep an API error that it raises as the
 * element's refusal.  False when there was one; then the transaction is going
 * to be cancelled, so that nothing need be cleaned up.
 */
static bool
is_accepted(void (*accept) (void *element), void *element, DdbRefusal *refusal)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile bool accepted = true;

	refusal->message = NULL;
	refusal->item = NULL;
	PG_TRY();
	{
		accept(element);
	}
	PG_CATCH();
	{
		const DdbErrorInfo *info = ddb_error_by_sqlstate(geterrcode());
		ErrorData  *error;

		if (info == NULL)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		refusal->code = ddb_error_code(info);
		refusal->message = ddb_error_message(info, error->message);
		if (refusal->message == NULL)
			refusal->message = "";
		accepted = false;
	}
	PG_END_TRY();
	return accepted;
}

static void
accept_write(void *element)
{
	DdbItemWrite *write = element;

	ddb_write_check_size(write);
	ddb_write_accept(write, write->table);
}

static void
accept_read(void *element)
{
	DdbItemRead *read = element;

	ddb_key_of_argument(&read->table->keys, read->key, &read->columns);
	ddb_op_check_key_paths(read->projection, &read->table->keys);
	ddb_op_check_index_key_paths(read->table, read->projection);
}

/* the same item in two elements is the whole request's fault */
static void
check_distinct(const DdbKeyLock *locks, int count)
{
	int			i;

	for (i = 1; i < count; i++)
	{
		if (ddb_keylock_is_same(&locks[i - 1], &locks[i]))
			ddb_validation_error("Transaction request cannot include multiple operations on one item");
	}
}

/* ----------------------------------------------------------------
 * Writes
 * ----------------------------------------------------------------
 */

/*
 * How a write uses its key: a put that asks for nothing inserts or replaces,
 * whatever is there; others rely on what they find until the end.
 */
static DdbKeyUse
use_of_key(const DdbItemWrite *write)
{
	switch (write->kind)
	{
		case DDB_WRITE_PUT:
			if (write->condition == NULL && write->presence == DDB_PRESENCE_ANY &&
				!write->collection_full)
				return DDB_KEY_INSERTED;
			return DDB_KEY_SEEN_AND_INSERTED;
		case DDB_WRITE_UPDATE:
			return DDB_KEY_SEEN_AND_INSERTED;
		case DDB_WRITE_DELETE:
		case DDB_WRITE_CHECK:
			return DDB_KEY_SEEN;
	}
	elog(ERROR, "unrecognized kind of write %d", write->kind);
}

static void
init_lock(DdbKeyLock *lock, const DdbTable *table, const DdbKey *key, DdbKeyUse use, int index)
{
	lock->relid = table->relid;
	lock->schema = &table->keys;
	lock->key = key;
	lock->use = use;
	lock->index = index;
	lock->slot = 0;
}

/* bytes of the items and keys of a request */
static int64
size_of_writes(const DdbItemWrite *writes, int count)
{
	int64		bytes = 0;
	int			i;

	for (i = 0; i < count; i++)
		bytes += writes[i].key.len;
	if (bytes <= DDB_TRANSACT_MAX_SIZE)
		return bytes;
	for (i = 0, bytes = 0; i < count; i++)
		bytes += ddb_item_size(writes[i].key);
	return bytes;
}

/*
 * All checks that need no stored items, whole-request errors first; fills in
 * the locks of the keys, sorted.  extra is what the request has beside items
 * and keys, in bytes.
 */
static void
accept_writes(DdbItemWrite *writes, int count, int64 extra, DdbKeyLock *locks)
{
	int			nlocks = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		DdbItemWrite *write = &writes[i];

		CHECK_FOR_INTERRUPTS();
		if (is_accepted(accept_write, write, &write->refusal))
			init_lock(&locks[nlocks++], write->table, &write->columns, use_of_key(write), i);
		write->collects = true;
	}
	ddb_keylock_sort(locks, nlocks);
	check_distinct(locks, nlocks);
	if (size_of_writes(writes, count) + extra > DDB_TRANSACT_MAX_SIZE)
		ddb_validation_error("Transaction request size cannot exceed 4 MB");
	cancel_if_writes_refused(writes, count);
}

static bool
is_throttled(const DdbItemWrite *writes, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (writes[i].refusal.message != NULL &&
			(writes[i].refusal.code == DDB_PROVISIONED_THROUGHPUT_EXCEEDED ||
			 writes[i].refusal.code == DDB_THROTTLING ||
			 writes[i].refusal.code == DDB_REQUEST_LIMIT_EXCEEDED))
			return true;
	}
	return false;
}

/*
 * All writes have run: what they cost, whatever becomes of the transaction; but
 * when an index has nothing left for it, repeating it must not cost more and more.
 */
static void
consume_writes(const DdbItemWrite *writes, int count)
{
	int			i;

	if (is_throttled(writes, count))
		return;
	for (i = 0; i < count; i++)
	{
		const DdbRefusal *refusal = &writes[i].refusal;

		ddb_write_consume(&writes[i], DDB_TRANSACT_UNITS);
		if (refusal->message != NULL && refusal->code == DDB_CONDITIONAL_CHECK_FAILED)
			ddb_capacity_condition_failed(writes[i].table);
	}
}

/*
 * Writes whose tables have nothing left are refused.  What one of them takes
 * does not count against the others: a transaction of more than a table can
 * save up would never be made.
 */
static void
admit_writes(DdbItemWrite *writes, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		DdbItemWrite *write = &writes[i];
		DdbThrottled error;

		if (ddb_write_allows(write, 0, &error))
			continue;
		write->refusal.code = error.code;
		write->refusal.message = error.message;
		write->refusal.item = NULL;
	}
	cancel_if_writes_refused(writes, count);
}

/*
 * What row security or a trigger of the table's owner does not permit: an error
 * of the action, not of the whole operation.  Called inside PG_CATCH.
 */
static void
translate_denial(const DdbTable *table, const char *action, MemoryContext caller)
{
	ErrorData  *error;

	if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
		return;
	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	ddb_access_denied_because(action, ddb_arn_of_table(table->name, strlen(table->name)),
							  error->message);
}

/*
 * In the order of their locks.  A trigger may make transactions of its own,
 * whose positions are nobody's business.
 */
static void
run_writes(DdbItemWrite *writes, const DdbKeyLock *locks, int count)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile int running = 0;
	int			i;

	PG_TRY();
	{
		for (i = 0; i < count; i++)
		{
			DdbItemWrite *write = &writes[locks[i].index];

			CHECK_FOR_INTERRUPTS();
			running = locks[i].index;
			set_position(running, count);
			ddb_write_run(write);
		}
	}
	PG_CATCH();
	{
		const DdbItemWrite *write = &writes[running];

		set_position(running, count);
		translate_denial(write->table, ddb_write_action(write->kind), caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
ddb_transact_write(DdbItemWrite *writes, int count, int64 extra)
{
	DdbKeyLock *locks = palloc(count * sizeof(DdbKeyLock));

	set_position(0, count);
	accept_writes(writes, count, extra, locks);
	admit_writes(writes, count);
	ddb_keylock_acquire(locks, count, &position);
	run_writes(writes, locks, count);
	consume_writes(writes, count);
	cancel_if_writes_refused(writes, count);
	set_position(0, 0);
	pfree(locks);
}

/* ----------------------------------------------------------------
 * Reads
 * ----------------------------------------------------------------
 */

static void
accept_reads(DdbItemRead *reads, int count)
{
	DdbKeyLock *locks = palloc(count * sizeof(DdbKeyLock));
	DdbRefusal *refusals = palloc(count * sizeof(DdbRefusal));
	int			nlocks = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_accepted(accept_read, &reads[i], &refusals[i]))
			init_lock(&locks[nlocks++], reads[i].table, &reads[i].columns,
					  DDB_KEY_NOT_INSERTED, i);
	}
	ddb_keylock_sort(locks, nlocks);
	check_distinct(locks, nlocks);
	cancel_if_refused(refusals, count);
	pfree(locks);
	pfree(refusals);
}

/* the same for reads */
static void
admit_reads(const DdbItemRead *reads, int count)
{
	DdbRefusal *refusals = palloc0(count * sizeof(DdbRefusal));
	int			i;

	for (i = 0; i < count; i++)
	{
		DdbUse		use = {.table = reads[i].table, .key = reads[i].key};
		DdbThrottled error;

		if (ddb_capacity_allows(&use, DDB_UNITS_READ, 0, &error))
			continue;
		refusals[i].code = error.code;
		refusals[i].message = error.message;
	}
	cancel_if_refused(refusals, count);
	pfree(refusals);
}

static void
read_series(DdbItemRead *reads, int count)
{
	int64		bytes = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		DdbUse		use = {.table = reads[i].table, .key = reads[i].key};

		CHECK_FOR_INTERRUPTS();
		position = i;
		reads[i].item = ddb_store_get(reads[i].table, &reads[i].columns);
		ddb_capacity_consume(&use, DDB_UNITS_READ, ddb_transact_read_units(reads[i].item));
		ddb_capacity_returned(use.table, reads[i].item != NULL);
		if (reads[i].item != NULL)
			bytes += ddb_item_size(ddb_doc_root(reads[i].item));
		if (bytes > DDB_TRANSACT_MAX_SIZE)
			ddb_validation_error("Transaction response size cannot exceed 4 MB");
	}
}

void
ddb_transact_read(DdbItemRead *reads, int count)
{
	set_position(0, count);
	accept_reads(reads, count);
	admit_reads(reads, count);
	ddb_execute_series_begin();
	PG_TRY();
	{
		read_series(reads, count);
	}
	PG_FINALLY();
	{
		ddb_execute_series_end();
	}
	PG_END_TRY();
	set_position(0, 0);
}

/* ----------------------------------------------------------------
 * Tokens
 * ----------------------------------------------------------------
 */

static void
digest_bytes(pg_cryptohash_ctx *digest, const void *bytes, int len)
{
	uint32		length = len;

	if (pg_cryptohash_update(digest, (const uint8 *) &length, sizeof(length)) < 0 ||
		pg_cryptohash_update(digest, bytes, len) < 0)
		elog(ERROR, "could not compute the digest of a request: %s",
			 pg_cryptohash_error(digest));
}

/*
 * A member of a request, null ones excepted.  Documents in jsonb have one form
 * for one content, whoever made them.
 */
static void
digest_member(pg_cryptohash_ctx *digest, DdbText name, const JsonbValue *value)
{
	char		boolean;
	char	   *number;

	if (value->type == jbvNull)
		return;
	digest_bytes(digest, name.str, name.len);
	switch (value->type)
	{
		case jbvString:
			digest_bytes(digest, value->val.string.val, value->val.string.len);
			return;
		case jbvBinary:
			digest_bytes(digest, value->val.binary.data, value->val.binary.len);
			return;
		case jbvBool:
			boolean = value->val.boolean ? 't' : 'f';
			digest_bytes(digest, &boolean, 1);
			return;
		case jbvNumeric:
			number = DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(value->val.numeric)));
			digest_bytes(digest, number, strlen(number));
			return;
		default:
			elog(ERROR, "unrecognized jsonb value type %d", (int) value->type);
	}
}

/* how the response is to look is not what the request is */
static bool
is_part_of_request(DdbText name)
{
	static const char capacity[] = "ReturnConsumedCapacity";

	return name.len != sizeof(capacity) - 1 || memcmp(name.str, capacity, name.len) != 0;
}

static void
compute_digest(const char *operation, DdbDoc request, uint8 *result)
{
	pg_cryptohash_ctx *digest = pg_cryptohash_create(PG_SHA256);
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	if (pg_cryptohash_init(digest) < 0)
		elog(ERROR, "could not compute the digest of a request: %s",
			 pg_cryptohash_error(digest));
	digest_bytes(digest, operation, strlen(operation));
	ddb_doc_begin(&cursor, request);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (is_part_of_request(name))
			digest_member(digest, name, &value);
	}
	if (pg_cryptohash_final(digest, result, DDB_TOKEN_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute the digest of a request: %s",
			 pg_cryptohash_error(digest));
	pg_cryptohash_free(digest);
}

bool
ddb_transact_token(DdbText token, const char *operation, DdbDoc request)
{
	uint8		digest[DDB_TOKEN_DIGEST_LENGTH];

	StaticAssertStmt(DDB_TOKEN_DIGEST_LENGTH == PG_SHA256_DIGEST_LENGTH,
					 "digests of requests are SHA-256");
	set_position(0, 0);
	if (token.str == NULL)
		return false;
	compute_digest(operation, request, digest);
	switch (ddb_transacttoken_take(token, digest))
	{
		case DDB_TOKEN_TAKEN:
			return false;
		case DDB_TOKEN_DONE:
			return true;
		case DDB_TOKEN_DIFFERS:
			ddb_error(DDB_IDEMPOTENT_PARAMETER_MISMATCH,
					  "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.");
		case DDB_TOKEN_BUSY:
			ddb_error(DDB_TRANSACTION_IN_PROGRESS,
					  "The transaction with the given request token is already in progress.");
	}
	elog(ERROR, "unrecognized state of a token");
}

/* ----------------------------------------------------------------
 * TransactWriteItems
 * ----------------------------------------------------------------
 */

static const char *const no_parameters[] = {NULL};
static const char *const condition_parameters[] = {"ConditionExpression", NULL};
static const char *const update_parameters[] = {"UpdateExpression", "ConditionExpression", NULL};
static const char *const projection_parameters[] = {"ProjectionExpression", NULL};

static const DdbParameterSets write_sets = {
	.legacy = no_parameters,
	.expression = condition_parameters,
	.needs_values = "ConditionExpression is null",
	.value_expressions = condition_parameters
};
static const DdbParameterSets update_sets = {
	.legacy = no_parameters,
	.expression = update_parameters,
	.needs_values = "UpdateExpression and ConditionExpression are null",
	.value_expressions = update_parameters
};
static const DdbParameterSets get_sets = {
	.legacy = no_parameters,
	.expression = projection_parameters
};

/* the action of an element of TransactItems; false for none or several */
static bool
action_of(DdbDoc element, DdbDoc *action, DdbWriteKind *kind)
{
	static const struct
	{
		const char *member;
		DdbWriteKind kind;
	}			actions[] = {
		{"ConditionCheck", DDB_WRITE_CHECK},
		{"Put", DDB_WRITE_PUT},
		{"Delete", DDB_WRITE_DELETE},
		{"Update", DDB_WRITE_UPDATE}
	};
	int			found = 0;
	int			i;

	for (i = 0; i < lengthof(actions); i++)
	{
		DdbDoc		doc = ddb_request_doc(element, actions[i].member);

		if (doc.ptr == NULL)
			continue;
		*action = doc;
		*kind = actions[i].kind;
		found++;
	}
	return found == 1;
}

/* a request under way: element i is actions[i], its write is writes[i] */
typedef struct WriteRequest
{
	int			count;
	DdbDoc	   *actions;
	DdbItemWrite *writes;
} WriteRequest;

/* the elements, each with its one action */
static void
read_actions(DdbDoc request, WriteRequest *out)
{
	DdbDoc		list = ddb_request_doc(request, "TransactItems");
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	element;
	DdbWriteKind kind = DDB_WRITE_CHECK;
	int			i = 0;

	out->count = ddb_doc_count(list);
	out->actions = palloc(out->count * sizeof(DdbDoc));
	out->writes = palloc(out->count * sizeof(DdbItemWrite));
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &element))
	{
		if (!action_of(ddb_doc_of(&element), &out->actions[i], &kind))
			ddb_validation_error("TransactItems can only contain one of Check, Put, Update or Delete");
		ddb_write_init(&out->writes[i], kind);
		i++;
	}
}

static void
read_expressions(WriteRequest *request)
{
	int			i;

	for (i = 0; i < request->count; i++)
	{
		DdbItemWrite *write = &request->writes[i];

		CHECK_FOR_INTERRUPTS();
		ddb_op_check_mixing(request->actions[i],
							write->kind == DDB_WRITE_UPDATE ? &update_sets : &write_sets);
		ddb_write_expressions(write, request->actions[i]);
	}
}

/*
 * The tables of all elements.  One that the element before has asked for, by
 * the same name and for the same rights, is open already.
 */
static void
open_tables(WriteRequest *request)
{
	int			i;

	for (i = 0; i < request->count; i++)
	{
		DdbItemWrite *write = &request->writes[i];
		DdbDoc		action = request->actions[i];

		write->table_name = ddb_op_table_name(action);
		set_position(i, request->count);
		if (i > 0 && write->kind == write[-1].kind &&
			ddb_text_same(write->table_name, write[-1].table_name))
			write->table = write[-1].table;
		else
			write->table = ddb_op_open(action, RowExclusiveLock, ddb_write_rights(write->kind),
									   ddb_write_action(write->kind));
	}
}

/* bytes of an element's expressions, names and values */
static int64
size_of_expressions(DdbDoc action)
{
	static const char *const texts[] = {"ConditionExpression", "UpdateExpression"};
	DdbDoc		names = ddb_request_doc(action, "ExpressionAttributeNames");
	DdbDoc		values = ddb_request_doc(action, "ExpressionAttributeValues");
	int64		bytes = 0;
	DdbDocCursor cursor;
	DdbText		text;
	JsonbValue	value;
	int			i;

	for (i = 0; i < lengthof(texts); i++)
	{
		if (ddb_request_string(action, texts[i], &text))
			bytes += text.len;
	}
	if (values.ptr != NULL)
		bytes += ddb_item_size(values);
	if (names.ptr == NULL)
		return bytes;
	ddb_doc_begin(&cursor, names);
	while (ddb_doc_next(&cursor, &text, &value))
		bytes += text.len + (value.type == jbvString ? value.val.string.len : 0);
	return bytes;
}

/*
 * Bytes beside items and keys.  A document is never smaller than its parts, so
 * that most requests need no counting.
 */
static int64
extra_size(const WriteRequest *request, DdbDoc doc)
{
	int64		bytes = 0;
	int			i;

	if (doc.len <= DDB_TRANSACT_MAX_SIZE)
		return 0;
	for (i = 0; i < request->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		bytes += size_of_expressions(request->actions[i]);
	}
	return bytes;
}

/* what ReturnItemCollectionMetrics says of one write is added to its table's list */
static void
append_metrics(JsonbValue *map, DdbText table_name, const JsonbValue *metrics)
{
	JsonbValue	list;
	int			i;

	for (i = 0; i < map->val.object.nPairs; i++)
	{
		JsonbPair  *pair = &map->val.object.pairs[i];

		if (pair->key.val.string.len == table_name.len &&
			memcmp(pair->key.val.string.val, table_name.str, table_name.len) == 0)
		{
			ddb_json_append(&pair->value, metrics);
			return;
		}
	}
	ddb_json_array(&list, 1);
	ddb_json_append(&list, metrics);
	ddb_json_add(map, table_name.str, table_name.len, &list);
}

/* has an earlier write changed the same item collection? */
static bool
is_reported(const DdbItemWrite *writes, int n)
{
	DdbKeySchema partition = {.nattrs = 1, .attr = {writes[n].table->keys.attr[0]}};
	DdbKeyLock	own;
	DdbKeyLock	other;
	int			i;

	init_lock(&own, writes[n].table, &writes[n].columns, DDB_KEY_NOT_INSERTED, n);
	own.schema = &partition;
	for (i = 0; i < n; i++)
	{
		init_lock(&other, writes[i].table, &writes[i].columns, DDB_KEY_NOT_INSERTED, i);
		other.schema = &partition;
		if (writes[i].kind != DDB_WRITE_CHECK && ddb_keylock_is_same(&own, &other))
			return true;
	}
	return false;
}

static void
add_collection_metrics(JsonbValue *response, DdbDoc request, const WriteRequest *done)
{
	JsonbValue	map;
	int			i;

	if (!ddb_request_has(request, "ReturnItemCollectionMetrics"))
		return;
	ddb_json_object(&map, 2);
	for (i = 0; i < done->count; i++)
	{
		const DdbItemWrite *write = &done->writes[i];
		JsonbValue	one;

		CHECK_FOR_INTERRUPTS();
		if (write->kind == DDB_WRITE_CHECK || is_reported(done->writes, i))
			continue;
		ddb_json_object(&one, 1);
		ddb_op_add_collection_metrics(&one, request, write->table, write->key,
									  &write->columns);
		if (one.val.object.nPairs > 0)
			append_metrics(&map, write->table_name, &one.val.object.pairs[0].value);
	}
	if (map.val.object.nPairs > 0)
		ddb_json_add_value(response, "ItemCollectionMetrics", &map);
}

Jsonb *
ddb_op_transact_write_items(DdbDoc request)
{
	bool		exact = ddb_op_capacity_detail(request) != DDB_CAPACITY_NONE;
	DdbText		token = {NULL, 0};
	WriteRequest parsed;
	JsonbValue	response;
	int			i;

	set_position(0, 0);
	read_actions(request, &parsed);
	read_expressions(&parsed);
	for (i = 0; i < parsed.count; i++)
	{
		ddb_write_values(&parsed.writes[i], parsed.actions[i]);
		parsed.writes[i].look = exact;
	}
	open_tables(&parsed);
	ddb_op_access_transact_write(request, parsed.writes, parsed.count);
	ddb_access_finish();

	(void) ddb_request_string(request, "ClientRequestToken", &token);
	ddb_json_object(&response, 2);
	if (ddb_transact_token(token, "TransactWriteItems", request))
	{
		ddb_transact_add_replay_capacity(&response, request, parsed.writes, parsed.count);
		return ddb_json_encode(&response);
	}
	ddb_transact_write(parsed.writes, parsed.count, extra_size(&parsed, request));
	ddb_transact_add_write_capacity(&response, request, parsed.writes, parsed.count);
	add_collection_metrics(&response, request, &parsed);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * TransactGetItems
 * ----------------------------------------------------------------
 */

/* the projection of one element, and its key */
static void
parse_get(DdbDoc get, DdbItemRead *read)
{
	ExprRequest context;

	ddb_op_check_mixing(get, &get_sets);
	ddb_op_expressions(get, &context);
	read->projection = ddb_op_expression(get, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);
	read->key = ddb_doc_root(ddb_item_accept(ddb_request_doc(get, "Key")));
}

static DdbItemRead *
parse_gets(DdbDoc list, DdbDoc *gets)
{
	DdbItemRead *reads = palloc0(ddb_doc_count(list) * sizeof(DdbItemRead));
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	element;
	int			i = 0;

	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &element))
	{
		CHECK_FOR_INTERRUPTS();
		gets[i] = ddb_request_doc(ddb_doc_of(&element), "Get");
		parse_get(gets[i], &reads[i]);
		i++;
	}
	return reads;
}

static void
append_response(JsonbValue *responses, const DdbItemRead *read)
{
	const Jsonb *item = read->item;
	JsonbValue	element;
	JsonbValue	value;

	ddb_json_object(&element, 1);
	if (item != NULL && read->projection != NULL)
		item = ddb_expr_project(read->projection, ddb_doc_root(item));
	if (item != NULL)
	{
		ddb_json_jsonb(&value, item);
		ddb_json_add_value(&element, "Item", &value);
	}
	ddb_json_append(responses, &element);
}

Jsonb *
ddb_op_transact_get_items(DdbDoc request)
{
	DdbDoc		list = ddb_request_doc(request, "TransactItems");
	int			count = ddb_doc_count(list);
	DdbDoc	   *gets = palloc(count * sizeof(DdbDoc));
	DdbItemRead *reads;
	JsonbValue	response;
	JsonbValue	responses;
	int			i;

	set_position(0, 0);
	reads = parse_gets(list, gets);
	for (i = 0; i < count; i++)
	{
		reads[i].table_name = ddb_op_table_name(gets[i]);
		if (i > 0 && ddb_text_same(reads[i].table_name, reads[i - 1].table_name))
			reads[i].table = reads[i - 1].table;
		else
			reads[i].table = ddb_op_open(gets[i], AccessShareLock, ACL_SELECT, "GetItem");
	}
	ddb_op_access_transact_get(request, reads, count);
	ddb_access_finish();
	ddb_transact_read(reads, count);

	ddb_json_array(&responses, count);
	for (i = 0; i < count; i++)
		append_response(&responses, &reads[i]);
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Responses", &responses);
	ddb_transact_add_read_capacity(&response, request, reads, count);
	return ddb_json_encode(&response);
}
