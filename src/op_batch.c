/*
 * op_batch.c
 *	  BatchGetItem and BatchWriteItem.
 *
 * Reads are one statement per table.  They end where the response has its full
 * size, or where the table has no capacity left; the keys from there on are
 * handed back.
 *
 * Writes are checked all before any is made, and those left out that their
 * tables have no capacity for.  Then they are made together, as one
 * subtransaction (none, where nothing could refuse a single one), in the order
 * in which everybody takes locks; puts that look at nothing stored go by many
 * into one statement.  If that fails, or what is locked shall be left out, each
 * write has a subtransaction of its own, and those that fail are handed back as
 * unprocessed.  When not even one could be made, the caller learns the first
 * reason, unless it is no more than others being in the way.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "execute.h"
#include "expr_eval.h"
#include "keylock.h"
#include "op.h"
#include "op_access.h"
#include "op_attempt.h"
#include "op_capacity.h"
#include "op_common.h"
#include "op_legacy.h"
#include "op_write.h"
#include "store.h"

#define MAX_KEYS			100
#define MAX_WRITES			25
#define MAX_RESPONSE_BYTES	(16 * 1024 * 1024)	/* of items, as DynamoDB counts them */
#define SMALL_ITEM_BYTES	4096

static const DdbDoc absent_item = {NULL, 0};

/* ----------------------------------------------------------------
 * Both
 * ----------------------------------------------------------------
 */

/* RequestItems, which must name a table */
static DdbDoc
request_items(DdbDoc request, const char *operation)
{
	DdbDoc		tables = ddb_request_doc(request, "RequestItems");

	if (ddb_doc_count(tables) == 0)
		ddb_validation_error("The requestItems parameter is required for %s", operation);
	return tables;
}

static const DdbTable *
open_table(DdbText name, LOCKMODE lockmode, AclMode rights, const char *action)
{
	return ddb_catalog_open(ddb_catalog_table_name(name, action), lockmode, rights, action,
							false);
}

static void
raise_duplicates(void)
{
	ddb_validation_error("Provided list of item keys contains duplicates");
}

/* ----------------------------------------------------------------
 * BatchGetItem: the request
 * ----------------------------------------------------------------
 */

static const char *const get_legacy[] = {"AttributesToGet", NULL};
static const char *const get_expressions[] = {"ProjectionExpression", NULL};
static const DdbParameterSets get_parameters = {
	.legacy = get_legacy,
	.expression = get_expressions
};

/* what keys that are handed back take with them */
static const char *const get_options[] = {
	"AttributesToGet", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"
};

/* one table of the request */
typedef struct TableGet
{
	DdbText		name;			/* as sent */
	DdbDoc		request;		/* its KeysAndAttributes */
	bool		consistent;
	ExprBinding *projection;	/* NULL if none */
	const DdbTable *table;
	int			count;			/* of keys, those by value equal to others left out */
	DdbDoc	   *sent;			/* the keys as they came */
	Jsonb	  **keys;			/* and in stored form */
	DdbKey	   *columns;

	/* what was found */
	int			done;			/* keys before this one are answered */
	int			found;
	int			counted;		/* keys before this one are consumed */
	JsonbValue	items;			/* array */
	double		units;
	DdbThrottled throttled;		/* message NULL if there was enough left for all */
} TableGet;

typedef struct BatchGet
{
	int			ntables;
	TableGet   *tables;
	int			nkeys;			/* of all tables */

	int64		bytes;			/* of items found */
	bool		full;			/* the response is */
} BatchGet;

static void
read_projection(TableGet *get)
{
	ExprRequest context;

	ddb_op_check_mixing(get->request, &get_parameters);
	get->projection = ddb_legacy_projection(get->request);
	ddb_op_expressions(get->request, &context);
	if (get->projection == NULL)
		get->projection = ddb_op_expression(get->request, &context, EXPR_PROJECTION,
											"ProjectionExpression");
	ddb_expr_context_finish(&context);
}

/*
 * Keys are duplicates when they are spelled alike.  Two spellings of a number
 * are not found here, as in the service.
 */
static void
read_keys(BatchGet *batch, TableGet *get)
{
	DdbDoc		list = ddb_request_doc(get->request, "Keys");
	DdbTextSet	seen;
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	value;

	get->sent = palloc(ddb_doc_count(list) * sizeof(DdbDoc));
	get->keys = palloc(ddb_doc_count(list) * sizeof(Jsonb *));
	ddb_textset_init(&seen, ddb_doc_count(list));
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		DdbDoc		key = ddb_doc_of(&value);
		DdbText		spelling = {(const char *) key.ptr, key.len};

		CHECK_FOR_INTERRUPTS();
		get->sent[get->count] = key;
		get->keys[get->count++] = ddb_item_accept(key);
		if (!ddb_textset_add(&seen, spelling))
			raise_duplicates();
		if (++batch->nkeys > MAX_KEYS)
			ddb_validation_error("Too many items requested for the BatchGetItem call");
	}
	ddb_textset_free(&seen);
}

static void
read_get_request(DdbDoc request, BatchGet *batch)
{
	DdbDoc		tables = request_items(request, "BatchGetItem");
	DdbDocCursor cursor;
	JsonbValue	value;
	TableGet   *get;

	memset(batch, 0, sizeof(BatchGet));
	batch->ntables = ddb_doc_count(tables);
	batch->tables = get = palloc0(batch->ntables * sizeof(TableGet));
	ddb_doc_begin(&cursor, tables);
	for (; ddb_doc_next(&cursor, &get->name, &value); get++)
	{
		get->request = ddb_doc_of(&value);
		(void) ddb_request_bool(get->request, "ConsistentRead", &get->consistent);
		read_projection(get);
		read_keys(batch, get);
	}
}

/*
 * The columns of the keys.  Of keys that are equal by value the first one
 * stays: an item comes once.
 */
static void
accept_keys(TableGet *get)
{
	DdbTextSet	seen;
	int			count = 0;
	int			i;

	get->columns = palloc(get->count * sizeof(DdbKey));
	ddb_textset_init(&seen, get->count);
	for (i = 0; i < get->count; i++)
	{
		DdbDoc		key = ddb_doc_root(get->keys[i]);
		DdbText		spelling = {(const char *) key.ptr, key.len};

		ddb_key_of_argument(&get->table->keys, key, &get->columns[count]);
		if (!ddb_textset_add(&seen, spelling))
			continue;
		get->keys[count] = get->keys[i];
		get->sent[count++] = get->sent[i];
	}
	ddb_textset_free(&seen);
	get->count = count;
}

static void
accept_get_request(DdbDoc request, BatchGet *batch)
{
	int			t;

	for (t = 0; t < batch->ntables; t++)
		batch->tables[t].table = open_table(batch->tables[t].name, AccessShareLock, ACL_SELECT,
											"BatchGetItem");
	for (t = 0; t < batch->ntables; t++)
	{
		TableGet   *get = &batch->tables[t];

		accept_keys(get);
		ddb_op_check_key_paths(get->projection, &get->table->keys);
		ddb_op_check_index_key_paths(get->table, get->projection);
		ddb_op_access_batch_get(request, get->table, get->keys, get->count, get->projection);
	}
	ddb_access_finish();
}

/* ----------------------------------------------------------------
 * BatchGetItem: reading
 * ----------------------------------------------------------------
 */

/* where the items of one table go */
typedef struct GetTarget
{
	BatchGet   *batch;
	TableGet   *get;
} GetTarget;

static DdbUse
use_of_key(const TableGet *get, int place)
{
	DdbUse		use = {.table = get->table, .key = ddb_doc_root(get->keys[place])};

	return use;
}

static void
consume_key(TableGet *get, DdbDoc item)
{
	DdbUse		use = use_of_key(get, get->counted++);
	double		units = ddb_item_read_units(item, get->consistent);

	ddb_capacity_consume(&use, DDB_UNITS_READ, units);
	get->units += units;
}

/* the keys up to this one have no items */
static void
consume_absent(TableGet *get, int place)
{
	while (get->counted < place)
		consume_key(get, absent_item);
}

/*
 * Has the table nothing left when it comes to this key?  Then it and those
 * after it are not read.
 */
static bool
is_throttled(TableGet *get, int place)
{
	DdbUse		use = use_of_key(get, place);

	if (ddb_capacity_allows(&use, DDB_UNITS_READ, 0, &get->throttled))
		return false;
	get->done = place;
	while (++place < get->count)
	{
		use = use_of_key(get, place);
		ddb_capacity_throttle(&use, DDB_UNITS_READ);
	}
	return true;
}

/*
 * Is there no room for the item?  Small ones are taken for as large as their
 * jsonb, which spares counting and makes no difference worth it.
 */
static bool
is_full(BatchGet *batch, const Jsonb *item)
{
	int64		size = VARSIZE(item);

	if (size > SMALL_ITEM_BYTES)
		size = ddb_item_size(ddb_doc_root(item));
	if (batch->bytes + size > MAX_RESPONSE_BYTES)
		return true;
	batch->bytes += size;
	return false;
}

static bool
receive_item(int place, Jsonb *item, void *arg)
{
	GetTarget  *target = arg;
	TableGet   *get = target->get;
	DdbDoc		doc = ddb_doc_root(item);
	JsonbValue	value;

	consume_absent(get, place);
	if (place > 0 && is_throttled(get, place))
		return false;
	if (is_full(target->batch, item))
	{
		target->batch->full = true;
		get->done = place;
		return false;
	}
	consume_key(get, doc);
	get->found++;
	if (get->projection == NULL)
		ddb_json_jsonb(&value, item);
	else
	{
		ddb_json_jsonb(&value, ddb_expr_project(get->projection, doc));
		pfree(item);
	}
	ddb_json_append(&get->items, &value);
	return true;
}

static void
read_items(BatchGet *batch)
{
	int			t;

	for (t = 0; t < batch->ntables; t++)
	{
		TableGet   *get = &batch->tables[t];
		GetTarget	target = {.batch = batch, .get = get};

		ddb_json_array(&get->items, get->count);
		if (batch->full || is_throttled(get, 0))
			continue;
		get->done = get->count;
		ddb_store_get_many(get->table, get->columns, get->count, receive_item, &target);
		consume_absent(get, get->done);
		ddb_capacity_returned(get->table, get->found);
	}
}

/* raises when not a single key could be read */
static void
refuse_if_all_throttled(const BatchGet *batch)
{
	int			t;

	for (t = 0; t < batch->ntables; t++)
	{
		if (batch->tables[t].throttled.message == NULL || batch->tables[t].done > 0)
			return;
	}
	ddb_capacity_raise(&batch->tables[0].throttled);
}

/* ----------------------------------------------------------------
 * BatchGetItem: the response
 * ----------------------------------------------------------------
 */

static void
add_unprocessed_keys(JsonbValue *unprocessed, const TableGet *get)
{
	JsonbValue	entry;
	JsonbValue	keys;
	JsonbValue	value;
	int			i;

	ddb_json_array(&keys, get->count - get->done);
	for (i = get->done; i < get->count; i++)
	{
		ddb_json_doc(&value, get->sent[i]);
		ddb_json_append(&keys, &value);
	}
	ddb_json_object(&entry, 1 + lengthof(get_options));
	ddb_json_add_value(&entry, "Keys", &keys);
	for (i = 0; i < lengthof(get_options); i++)
	{
		if (ddb_doc_get(get->request, get_options[i], strlen(get_options[i]), &value) &&
			value.type != jbvNull)
			ddb_json_add_value(&entry, get_options[i], &value);
	}
	ddb_json_add(unprocessed, get->name.str, get->name.len, &entry);
}

static void
add_read_capacity(JsonbValue *response, DdbDoc request, const BatchGet *batch)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	JsonbValue	list;
	JsonbValue	capacity;
	int			t;

	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_json_array(&list, batch->ntables);
	for (t = 0; t < batch->ntables; t++)
	{
		const TableGet *get = &batch->tables[t];

		ddb_op_capacity(&capacity, detail, get->name, get->table, get->units, NULL);
		ddb_json_append(&list, &capacity);
	}
	ddb_json_add_value(response, "ConsumedCapacity", &list);
}

Jsonb *
ddb_op_batch_get_item(DdbDoc request)
{
	BatchGet	batch;
	JsonbValue	response;
	JsonbValue	responses;
	JsonbValue	unprocessed;
	int			t;

	read_get_request(request, &batch);
	accept_get_request(request, &batch);
	read_items(&batch);
	refuse_if_all_throttled(&batch);

	ddb_json_object(&responses, batch.ntables);
	ddb_json_object(&unprocessed, batch.ntables);
	for (t = 0; t < batch.ntables; t++)
	{
		TableGet   *get = &batch.tables[t];

		ddb_json_add(&responses, get->name.str, get->name.len, &get->items);
		if (get->done < get->count)
			add_unprocessed_keys(&unprocessed, get);
	}
	ddb_json_object(&response, 3);
	ddb_json_add_value(&response, "Responses", &responses);
	ddb_json_add_value(&response, "UnprocessedKeys", &unprocessed);
	add_read_capacity(&response, request, &batch);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * BatchWriteItem: the request
 * ----------------------------------------------------------------
 */

/* one table of the request */
typedef struct TableWrites
{
	DdbText		name;			/* as sent */
	DdbDoc		requests;		/* list of WriteRequest */
	AclMode		rights;			/* that they need */
	const DdbTable *table;
} TableWrites;

typedef struct WriteRequest
{
	DdbItemWrite write;
	TableWrites *table;
	DdbDoc		sent;
	bool		done;
	DdbThrottled throttled;		/* message NULL if the table has enough left */
} WriteRequest;

typedef struct BatchWrite
{
	int			ntables;
	TableWrites *tables;
	int			count;
	WriteRequest requests[MAX_WRITES];	/* as in the request */
	int			nlocks;
	DdbKeyLock	locks[MAX_WRITES];	/* one for each that is made, in the order of locks */
	DdbItemWrite *writes[MAX_WRITES];	/* in that order */
} BatchWrite;

/* its only member says what it asks for */
static DdbWriteKind
write_kind(DdbDoc sent)
{
	bool		is_put = ddb_request_has(sent, "PutRequest");

	if (is_put == ddb_request_has(sent, "DeleteRequest"))
		ddb_validation_error("Supplied AttributeValue has more than one datatypes set, "
							 "must contain exactly one of the supported datatypes");
	return is_put ? DDB_WRITE_PUT : DDB_WRITE_DELETE;
}

static void
read_write(WriteRequest *request, bool look)
{
	DdbWriteKind kind = write_kind(request->sent);
	DdbItemWrite *write = &request->write;

	ddb_write_init(write, kind);
	ddb_write_values(write, ddb_request_doc(request->sent, kind == DDB_WRITE_PUT ?
											"PutRequest" : "DeleteRequest"));
	ddb_write_check_size(write);
	write->look = look;
	request->table->rights |= ddb_write_rights(kind);
}

static void
read_writes(DdbDoc request, BatchWrite *batch)
{
	bool		look = ddb_op_capacity_detail(request) != DDB_CAPACITY_NONE;
	DdbDoc		tables = request_items(request, "BatchWriteItem");
	DdbDocCursor cursor;
	JsonbValue	value;
	TableWrites *table;

	batch->ntables = ddb_doc_count(tables);
	batch->tables = table = palloc0(batch->ntables * sizeof(TableWrites));
	ddb_doc_begin(&cursor, tables);
	for (; ddb_doc_next(&cursor, &table->name, &value); table++)
	{
		DdbDocCursor elements;
		DdbText		none;

		table->requests = ddb_doc_of(&value);
		ddb_doc_begin(&elements, table->requests);
		while (ddb_doc_next(&elements, &none, &value))
		{
			WriteRequest *element = &batch->requests[batch->count];

			if (batch->count++ >= MAX_WRITES)
				ddb_validation_error("Too many items requested for the BatchWriteItem call");
			element->table = table;
			element->sent = ddb_doc_of(&value);
			read_write(element, look);
		}
	}
}

/*
 * The key of an item to put.  Alone among puts those of batches are told of a
 * missing or mistyped key as if it had come as a Key.
 */
static void
check_key_of_put(const DdbKeySchema *keys, DdbDoc item)
{
	int			i;

	for (i = 0; i < keys->nattrs; i++)
	{
		const DdbKeyAttr *attr = &keys->attr[i];
		DdbValue	value;

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &value) ||
			value.type != attr->type)
			ddb_validation_error("The provided key element does not match the schema");
	}
}

static void
accept_write(WriteRequest *request)
{
	const DdbTable *table = request->table->table;

	if (request->write.kind == DDB_WRITE_PUT)
		check_key_of_put(&table->keys, request->write.key);
	ddb_write_accept(&request->write, table);
}

/*
 * Brings the writes into the order of locks.  Two with one key would be
 * neighbours in it.
 */
static void
order_writes(BatchWrite *batch)
{
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		DdbItemWrite *write = &batch->requests[i].write;
		DdbKeyLock *lock = &batch->locks[i];

		lock->relid = write->table->relid;
		lock->schema = &write->table->keys;
		lock->key = &write->columns;
		lock->use = write->kind == DDB_WRITE_PUT ? DDB_KEY_INSERTED : DDB_KEY_NOT_INSERTED;
		lock->index = i;
	}
	ddb_keylock_sort(batch->locks, batch->count);
	batch->nlocks = batch->count;
	for (i = 0; i < batch->count; i++)
	{
		if (i > 0 && ddb_keylock_is_same(&batch->locks[i - 1], &batch->locks[i]))
			raise_duplicates();
		batch->writes[i] = &batch->requests[batch->locks[i].index].write;
	}
}

/* the second look at one table's part (op_access.h) */
static void
look_at_writes(DdbDoc request, const BatchWrite *batch, const TableWrites *table)
{
	DdbDoc		items[MAX_WRITES];
	int			count = 0;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		if (batch->requests[i].table == table)
			items[count++] = batch->requests[i].write.key;
	}
	ddb_op_access_batch_write(request, table->table, items, count);
}

static void
accept_writes(DdbDoc request, BatchWrite *batch)
{
	int			i;

	for (i = 0; i < batch->ntables; i++)
	{
		TableWrites *table = &batch->tables[i];

		table->table = open_table(table->name, RowExclusiveLock, table->rights,
								  "BatchWriteItem");
	}
	for (i = 0; i < batch->count; i++)
		accept_write(&batch->requests[i]);
	for (i = 0; i < batch->ntables; i++)
		look_at_writes(request, batch, &batch->tables[i]);
	ddb_access_finish();
	order_writes(batch);
}

/* ----------------------------------------------------------------
 * BatchWriteItem: writing
 * ----------------------------------------------------------------
 */

/* units that those before this one take of its table, at least */
static double
planned_units(const BatchWrite *batch, int place)
{
	double		units = 0;
	int			i;

	for (i = 0; i < place; i++)
	{
		const WriteRequest *earlier = &batch->requests[i];

		if (earlier->write.table == batch->requests[place].write.table &&
			earlier->throttled.message == NULL)
			units += ddb_write_least_units(&earlier->write);
	}
	return units;
}

/* leave out what its table has nothing left for */
static void
admit_writes(BatchWrite *batch)
{
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		WriteRequest *request = &batch->requests[i];

		if (ddb_capacity_is_enforced(request->write.table))
			(void) ddb_write_allows(&request->write, planned_units(batch, i),
									&request->throttled);
	}
	batch->nlocks = 0;
	for (i = 0; i < batch->count; i++)
	{
		if (batch->requests[batch->locks[i].index].throttled.message != NULL)
			continue;
		batch->locks[batch->nlocks] = batch->locks[i];
		batch->writes[batch->nlocks++] = batch->writes[i];
	}
}

/* how many writes from the first on can be one statement */
static int
count_blind(DdbItemWrite *const *writes, int count)
{
	int			n = 0;

	while (n < count && writes[n]->table == writes[0]->table && ddb_write_is_blind(writes[n]))
		n++;
	return n;
}

static void
write_all(void *arg)
{
	BatchWrite *batch = arg;
	int			i = 0;

	while (i < batch->nlocks)
	{
		DdbItemWrite *const *writes = &batch->writes[i];
		int			n = count_blind(writes, batch->nlocks - i);
		int			end = i + Max(n, 1);

		CHECK_FOR_INTERRUPTS();
		if (n > 1)
			ddb_write_run_blind(writes, n);
		else
			ddb_write_run(writes[0]);
		while (i < end)
			ddb_write_consume(batch->writes[i++], 1);
	}
}

/* what an attempt that was rolled back has left in the write */
static void
forget_attempt(DdbItemWrite *write)
{
	write->old_units = write->new_units = 0;
	write->indexes_counted = false;
	memset(&write->index_units, 0, sizeof(write->index_units));
}

static void
write_one(void *arg)
{
	DdbItemWrite *write = arg;

	forget_attempt(write);
	ddb_write_run(write);
	ddb_write_consume(write, 1);
}

/*
 * One by one, in the order of locks.
 */
static void
write_each(BatchWrite *batch)
{
	DdbFailure	first = {NULL, false};
	int			failed = 0;
	int			i;

	for (i = 0; i < batch->nlocks; i++)
	{
		WriteRequest *request = &batch->requests[batch->locks[i].index];
		DdbFailure	failure;

		CHECK_FOR_INTERRUPTS();
		request->done = ddb_op_attempt(write_one, &request->write, &failure);
		if (!request->done && failed++ == 0)
			first = failure;
	}
	if (failed == batch->nlocks && !first.conflict)
		ReThrowError(first.error);
}

/*
 * Then no write can fail for a reason of its own, and the subtransaction, which
 * is a tenth of a batch's cost, is spared.
 */
static bool
cannot_be_refused(const BatchWrite *batch)
{
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		const DdbItemWrite *write = &batch->requests[i].write;

		if (write->collection_full ||
			(write->table->nindexes > 0 && ddb_capacity_is_enforced(write->table)))
			return false;
	}
	for (i = 0; i < batch->ntables; i++)
	{
		if (!ddb_execute_is_plain(batch->tables[i].table))
			return false;
	}
	return true;
}

/*
 * All together, with all slots locked first.  False: nothing is written, and
 * some of it may be written without the rest.
 */
static bool
write_together(BatchWrite *batch)
{
	DdbFailure	failure;
	int			i;

	ddb_keylock_acquire(batch->locks, batch->nlocks, NULL);
	if (cannot_be_refused(batch))
		write_all(batch);
	else if (!ddb_op_attempt(write_all, batch, &failure))
		return false;
	for (i = 0; i < batch->nlocks; i++)
		batch->requests[batch->locks[i].index].done = true;
	return true;
}

static void
run_writes(BatchWrite *batch)
{
	admit_writes(batch);
	if (batch->nlocks == 0)
		ddb_capacity_raise(&batch->requests[0].throttled);
	if (ddb_op_leaves_out_locked() || !write_together(batch))
		write_each(batch);
}

/* ----------------------------------------------------------------
 * BatchWriteItem: the response
 * ----------------------------------------------------------------
 */

static void
add_unprocessed_items(JsonbValue *response, const BatchWrite *batch)
{
	JsonbValue	unprocessed;
	int			t;

	ddb_json_object(&unprocessed, batch->ntables);
	for (t = 0; t < batch->ntables; t++)
	{
		const TableWrites *table = &batch->tables[t];
		JsonbValue	list;
		JsonbValue	value;
		int			count = 0;
		int			i;

		ddb_json_array(&list, batch->count);
		for (i = 0; i < batch->count; i++)
		{
			const WriteRequest *request = &batch->requests[i];

			if (request->table != table || request->done)
				continue;
			ddb_json_doc(&value, request->sent);
			ddb_json_append(&list, &value);
			count++;
		}
		if (count > 0)
			ddb_json_add(&unprocessed, table->name.str, table->name.len, &list);
	}
	ddb_json_add_value(response, "UnprocessedItems", &unprocessed);
}

/* what the writes of a table consumed, the table's part and its indexes' */
static double
table_units(const BatchWrite *batch, const TableWrites *table, double *index_units)
{
	double		units = 0;
	int			i;
	int			x;

	for (i = 0; i < batch->count; i++)
	{
		const WriteRequest *request = &batch->requests[i];
		const DdbIndexUnits *indexes = &request->write.index_units;

		if (request->table != table || !request->done)
			continue;
		units += ddb_write_units(&request->write);
		for (x = 0; indexes->units != NULL && x < table->table->nindexes; x++)
			index_units[x] += indexes->units[x];
	}
	return units;
}

static void
add_write_capacity(JsonbValue *response, DdbDoc request, const BatchWrite *batch)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	JsonbValue	list;
	int			t;

	ddb_json_array(&list, batch->ntables);
	for (t = 0; t < batch->ntables; t++)
	{
		const TableWrites *table = &batch->tables[t];
		double	   *index_units = palloc0((table->table->nindexes + 1) * sizeof(double));
		double		units = table_units(batch, table, index_units);
		JsonbValue	capacity;

		if (detail == DDB_CAPACITY_NONE)
			continue;
		ddb_op_capacity(&capacity, detail, table->name, table->table, units, index_units);
		ddb_json_append(&list, &capacity);
	}
	if (detail != DDB_CAPACITY_NONE)
		ddb_json_add_value(response, "ConsumedCapacity", &list);
}

/* is an earlier write of the batch in the same item collection? */
static bool
is_measured(const BatchWrite *batch, int place)
{
	const WriteRequest *request = &batch->requests[place];
	const DdbKeyAttr *attr = &request->table->table->keys.attr[0];
	DdbValue	wanted;
	DdbValue	other;
	int			i;

	(void) ddb_item_get(request->write.key, attr->name.str, attr->name.len, &wanted);
	for (i = 0; i < place; i++)
	{
		const WriteRequest *earlier = &batch->requests[i];

		if (earlier->table == request->table && earlier->done &&
			ddb_item_get(earlier->write.key, attr->name.str, attr->name.len, &other) &&
			ddb_value_equal(&wanted, &other))
			return true;
	}
	return false;
}

/* ItemCollectionMetrics of a write, if there are any, into list */
static int
append_metrics(JsonbValue *list, DdbDoc request, const WriteRequest *element)
{
	JsonbValue	holder;

	ddb_json_object(&holder, 1);
	ddb_op_add_collection_metrics(&holder, request, element->table->table,
								  element->write.key, &element->write.columns);
	if (holder.val.object.nPairs == 0)
		return 0;
	ddb_json_append(list, &holder.val.object.pairs[0].value);
	return 1;
}

/*
 * Each item collection that was written to, by table.
 */
static void
add_metrics(JsonbValue *response, DdbDoc request, const BatchWrite *batch)
{
	JsonbValue	metrics;
	int			tables = 0;
	int			t;

	if (!ddb_request_has(request, "ReturnItemCollectionMetrics"))
		return;
	ddb_json_object(&metrics, batch->ntables);
	for (t = 0; t < batch->ntables; t++)
	{
		const TableWrites *table = &batch->tables[t];
		JsonbValue	list;
		int			count = 0;
		int			i;

		ddb_json_array(&list, batch->count);
		for (i = 0; i < batch->count; i++)
		{
			const WriteRequest *element = &batch->requests[i];

			if (element->table == table && element->done && !is_measured(batch, i))
				count += append_metrics(&list, request, element);
		}
		if (count == 0)
			continue;
		ddb_json_add(&metrics, table->name.str, table->name.len, &list);
		tables++;
	}
	if (tables > 0)
		ddb_json_add_value(response, "ItemCollectionMetrics", &metrics);
}

Jsonb *
ddb_op_batch_write_item(DdbDoc request)
{
	BatchWrite *batch = palloc0(sizeof(BatchWrite));
	JsonbValue	response;

	read_writes(request, batch);
	accept_writes(request, batch);
	run_writes(batch);

	ddb_json_object(&response, 3);
	add_unprocessed_items(&response, batch);
	add_metrics(&response, request, batch);
	add_write_capacity(&response, request, batch);
	return ddb_json_encode(&response);
}
