/*
 * op_partiql.c
 *	  ExecuteStatement, BatchExecuteStatement, ExecuteTransaction.
 *
 * How several statements go together is decided here; what one of them means
 * is op_partiql_bind.c's, what it reads and writes is op_partiql_select.c's
 * and op_partiql_write.c's.
 *
 * A batch goes through its steps first with all its statements in one
 * subtransaction.  If that fails, each has one of its own, so that every
 * statement succeeds or fails for itself.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "keylock.h"
#include "op.h"
#include "op_access.h"
#include "op_attempt.h"
#include "op_capacity.h"
#include "op_partiql.h"
#include "op_transact.h"
#include "store.h"
#include "wire.h"

#define MAX_BATCH	25

static bool
is_write(const DdbStatementCall *call)
{
	return call->statement->parsed->kind != PARTIQL_SELECT;
}

static void
refuse_exists(const DdbStatementCall *call)
{
	if (call->statement->parsed->kind == PARTIQL_EXISTS)
		ddb_validation_error("EXISTS() is only supported in transactions");
}

/* ----------------------------------------------------------------
 * ExecuteStatement
 * ----------------------------------------------------------------
 */
Jsonb *
ddb_op_execute_statement(DdbDoc request)
{
	DdbStatementCall call;

	ddb_statement_find(&call, request);
	refuse_exists(&call);
	ddb_op_access_statement(&call);
	ddb_statement_bind(&call);
	if (!is_write(&call))
		return ddb_statement_select(&call);
	PreventCommandIfReadOnly("ExecuteStatement");
	if (ddb_request_has(request, "NextToken"))
		ddb_statement_raise_token();
	return ddb_statement_run_write(&call);
}

/* ----------------------------------------------------------------
 * Elements of batches and transactions
 * ----------------------------------------------------------------
 */

/* what is consumed, by table, in order of first use */
typedef struct TableUnits
{
	DdbText		name;			/* as in the statement */
	const DdbTable *table;
	double		units;			/* of the table itself */
	double	   *index_units;	/* in the order of table->indexes */
} TableUnits;

static TableUnits *
units_of_table(TableUnits *units, int *count, DdbText name, const DdbTable *table)
{
	int			i;

	for (i = 0; i < *count; i++)
	{
		if (units[i].table == table)
			return &units[i];
	}
	(*count)++;
	units[i].name = name;
	units[i].table = table;
	units[i].units = 0;
	units[i].index_units = palloc0((table->nindexes + 1) * sizeof(double));
	return &units[i];
}

/* some statements read, others write */
static void pg_attribute_noreturn()
raise_mixture(const char *operation)
{
	ddb_validation_error("The entire %s must consist of either read statements or write statements, you cannot mix both in one %s",
						 operation, operation);
}

/* ----------------------------------------------------------------
 * BatchExecuteStatement: its statements
 * ----------------------------------------------------------------
 */

typedef struct Element
{
	DdbStatementCall call;		/* statement NULL when the text is none */
	DdbDoc		request;
	DdbDoc		batch;

	/* why it failed; code NULL if it did not */
	const char *code;
	double		failed_units;	/* that a false condition has cost */
	const char *message;
	Jsonb	   *failed_item;

	/* what it does; table NULL while that is not known */
	DdbPointRead point;			/* of a SELECT */
	DdbItemWrite write;			/* of the others */
	double		read_units;
	const Jsonb *item;			/* that the response shows; NULL for none */
} Element;

typedef struct Batch
{
	int			count;
	Element    *elements;		/* as in the request */
	int			nordered;
	int			order[MAX_BATCH];	/* those that run, and in which order */
	DdbKeyLock	locks[MAX_BATCH];	/* of the writes */
	int			nlocks;
	void		(*step) (Element *element); /* under way */
} Batch;

/* error codes as batches spell them; others are InternalServerError */
static const char *const codes[DDB_ERROR_CODES] = {
	[DDB_VALIDATION] = "ValidationError",
	[DDB_ACCESS_DENIED] = "AccessDenied",
	[DDB_CONDITIONAL_CHECK_FAILED] = "ConditionalCheckFailed",
	[DDB_RESOURCE_NOT_FOUND] = "ResourceNotFound",
	[DDB_ITEM_COLLECTION_SIZE_LIMIT_EXCEEDED] = "ItemCollectionSizeLimitExceeded",
	[DDB_PROVISIONED_THROUGHPUT_EXCEEDED] = "ProvisionedThroughputExceeded",
	[DDB_REQUEST_LIMIT_EXCEEDED] = "RequestLimitExceeded",
	[DDB_THROTTLING] = "ThrottlingError",
	[DDB_TRANSACTION_CONFLICT] = "TransactionConflict",
	[DDB_DUPLICATE_ITEM] = "DuplicateItem"
};

static void
fail(Element *element, const char *code, const char *message)
{
	element->code = code;
	element->message = message;
}

/* the item that the error of a failed condition carries; NULL for none */
static Jsonb *
item_of_detail(const char *detail)
{
	JsonbValue	item;

	if (detail == NULL ||
		!ddb_doc_get(ddb_doc_root(ddb_wire_parse(detail, strlen(detail))),
					 "Item", strlen("Item"), &item))
		return NULL;
	return ddb_doc_copy(ddb_doc_of(&item));
}

static bool
is_conflict(const DdbFailure *failure)
{
	switch (failure->error->sqlerrcode)
	{
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return true;
	}
	return failure->conflict;
}

/*
 * Have the statement's own data, or a constraint or trigger of SQL users,
 * refused it?  The same statement would be refused again.
 */
static bool
is_refused_by_table(const ErrorData *error)
{
	if (ddb_error_is_rebuilding(error))
		return false;
	return error->sqlerrcode == ERRCODE_RAISE_EXCEPTION ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_DATA_EXCEPTION ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION;
}

/* what its attempt has consumed was taken back with it */
static void
consume_failed_condition(Element *element, DdbErrorCode code)
{
	const DdbItemWrite *write = &element->write;
	DdbUse		use = {.table = write->table, .key = write->key};

	if (write->table == NULL ||
		(code != DDB_CONDITIONAL_CHECK_FAILED && code != DDB_DUPLICATE_ITEM))
		return;
	element->failed_units = write->old_units;
	ddb_capacity_consume(&use, DDB_UNITS_WRITE, write->old_units);
	if (code == DDB_CONDITIONAL_CHECK_FAILED)
		ddb_capacity_condition_failed(write->table);
}

static void
note_failure(Element *element, const DdbFailure *failure)
{
	const ErrorData *error = failure->error;
	const DdbErrorInfo *info = ddb_error_by_sqlstate(error->sqlerrcode);

	if (is_conflict(failure))
		fail(element, codes[DDB_TRANSACTION_CONFLICT], "Transaction is ongoing for the item");
	else if (error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE)
		fail(element, codes[DDB_ACCESS_DENIED], error->message);
	else if (is_refused_by_table(error))
		fail(element, codes[DDB_VALIDATION], error->message);
	else if (info == NULL || codes[ddb_error_code(info)] == NULL)
		fail(element, "InternalServerError", "Internal server error");
	else
	{
		fail(element, codes[ddb_error_code(info)], ddb_error_message(info, error->message));
		element->failed_item = item_of_detail(error->detail);
		consume_failed_condition(element, ddb_error_code(info));
	}
}

static void
step_all(void *arg)
{
	Batch	   *batch = arg;
	int			i;

	for (i = 0; i < batch->nordered; i++)
	{
		Element    *element = &batch->elements[batch->order[i]];

		CHECK_FOR_INTERRUPTS();
		if (element->code == NULL)
			batch->step(element);
	}
}

typedef struct ElementStep
{
	Element    *element;
	void		(*step) (Element *element);
} ElementStep;

static void
step_one(void *arg)
{
	const ElementStep *step = arg;

	step->step(step->element);
}

/*
 * Take all statements that have not failed one step further.  A step may be
 * repeated.
 */
static void
run_step(Batch *batch, void (*step) (Element *element))
{
	DdbFailure	failure;
	int			i;

	batch->step = step;
	if (ddb_op_attempt(step_all, batch, &failure))
		return;
	for (i = 0; i < batch->nordered; i++)
	{
		ElementStep one = {&batch->elements[batch->order[i]], step};

		CHECK_FOR_INTERRUPTS();
		if (one.element->code == NULL && !ddb_op_attempt(step_one, &one, &failure))
			note_failure(one.element, &failure);
	}
}

/* ---- the steps ---- */

static void
find_element(Element *element)
{
	ddb_statement_find(&element->call, element->request);
	element->call.outer = element->batch;
	element->call.enclosing = "BatchExecuteStatement";
}

static void
prepare_read(Element *element)
{
	ddb_op_access_statement(&element->call);
	ddb_statement_bind(&element->call);
	ddb_statement_point(&element->call, &element->point);
}

static void
read_element(Element *element)
{
	const DdbPointRead *point = &element->point;
	DdbUse		use = {.index = NULL};
	DdbDoc		root = {NULL, 0};
	bool		consistent = false;
	DdbKey		key;
	Jsonb	   *item;

	(void) ddb_request_bool(element->request, "ConsistentRead", &consistent);
	ddb_key_of_argument(&point->table->keys, ddb_doc_root(point->key), &key);
	item = ddb_store_get(point->table, &key);
	if (item != NULL)
		root = ddb_doc_root(item);
	element->read_units = ddb_item_read_units(root, consistent);
	use.table = point->table;
	use.key = ddb_doc_root(point->key);
	ddb_capacity_consume(&use, DDB_UNITS_READ, element->read_units);
	element->item = ddb_statement_point_item(point, item);
	ddb_capacity_returned(point->table, element->item != NULL);
}

static void
prepare_write(Element *element)
{
	refuse_exists(&element->call);
	ddb_op_access_statement(&element->call);
	ddb_statement_bind(&element->call);
	ddb_statement_write(&element->call, &element->write);
	ddb_write_check_size(&element->write);
	ddb_write_accept(&element->write, element->write.table);
}

/* forgets what an attempt that was rolled back has left */
static void
write_element(Element *element)
{
	DdbItemWrite *write = &element->write;

	write->old_units = write->new_units = 0;
	write->indexes_counted = false;
	memset(&write->index_units, 0, sizeof(write->index_units));
	write->old_item = write->new_item = NULL;
	ddb_write_run(write);
	ddb_write_consume(write, 1);
	element->item = ddb_statement_returned(&element->call, write);
}

/* ---- throughput ---- */

/* what a statement takes of its table, at least */
static double
least_units(const Element *element)
{
	return element->write.table != NULL ? ddb_write_least_units(&element->write) : 0.5;
}

static const DdbTable *
table_of(const Element *element)
{
	return element->write.table != NULL ? element->write.table : element->point.table;
}

static bool
is_allowed(Element *element, double planned, DdbThrottled *error)
{
	DdbUse		use = {.table = element->point.table};

	if (element->write.table != NULL)
		return ddb_write_allows(&element->write, planned, error);
	use.key = ddb_doc_root(element->point.key);
	return ddb_capacity_allows(&use, DDB_UNITS_READ, planned, error);
}

/*
 * Statements whose tables have nothing left fail.
 */
static void
admit_elements(Batch *batch)
{
	int			i;
	int			k;

	for (i = 0; i < batch->count; i++)
	{
		Element    *element = &batch->elements[i];
		double		planned = 0;
		DdbThrottled error;

		if (element->code != NULL || !ddb_capacity_is_enforced(table_of(element)))
			continue;
		for (k = 0; k < i; k++)
		{
			if (batch->elements[k].code == NULL &&
				table_of(&batch->elements[k]) == table_of(element))
				planned += least_units(&batch->elements[k]);
		}
		if (!is_allowed(element, planned, &error))
			fail(element, codes[error.code], error.message);
	}
}

/* ---- the order of writes ---- */

static void
add_lock(Batch *batch, int i)
{
	DdbItemWrite *write = &batch->elements[i].write;
	DdbKeyLock *lock = &batch->locks[batch->nlocks++];

	lock->relid = write->table->relid;
	lock->schema = &write->table->keys;
	lock->key = &write->columns;
	lock->use = write->kind == DDB_WRITE_PUT ? DDB_KEY_INSERTED : DDB_KEY_NOT_INSERTED;
	lock->index = i;
}

/* of several writes on one item the first one of the request stays */
static void
refuse_duplicates(Batch *batch)
{
	int			kept = 0;
	int			i;

	for (i = 1; i < batch->nlocks; i++)
	{
		int			refused = batch->locks[i].index;

		if (!ddb_keylock_is_same(&batch->locks[i - 1], &batch->locks[i]))
		{
			kept = i;
			continue;
		}
		if (refused < batch->locks[kept].index)
		{
			refused = batch->locks[kept].index;
			kept = i;
		}
		fail(&batch->elements[refused], codes[DDB_VALIDATION],
			 "Provided list of item keys contains duplicates");
	}
}

static void
order_writes(Batch *batch)
{
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		if (batch->elements[i].code == NULL)
			add_lock(batch, i);
	}
	ddb_keylock_sort(batch->locks, batch->nlocks);
	refuse_duplicates(batch);
	admit_elements(batch);
	batch->nordered = batch->nlocks;
	for (i = 0; i < batch->nlocks; i++)
		batch->order[i] = batch->locks[i].index;
}

static void
acquire_locks(void *arg)
{
	const Batch *batch = arg;

	ddb_keylock_acquire(batch->locks, batch->nlocks, NULL);
}

/*
 * Locks that are not to be had now are asked for once more by each write.
 */
static void
run_writes(Batch *batch)
{
	DdbFailure	failure;

	PreventCommandIfReadOnly("BatchExecuteStatement");
	run_step(batch, prepare_write);
	ddb_access_finish();
	order_writes(batch);
	(void) ddb_op_attempt(acquire_locks, batch, &failure);
	run_step(batch, write_element);
}

/* ----------------------------------------------------------------
 * BatchExecuteStatement: the response
 * ----------------------------------------------------------------
 */

static void
element_error(const Element *element, JsonbValue *out)
{
	JsonbValue	item;

	ddb_json_object(out, 3);
	ddb_json_add_string(out, "Code", element->code);
	ddb_json_add_string(out, "Message", element->message ? element->message : "");
	if (element->failed_item == NULL)
		return;
	ddb_json_jsonb(&item, element->failed_item);
	ddb_json_add_value(out, "Item", &item);
}

static void
element_response(const Element *element, JsonbValue *out)
{
	JsonbValue	value;
	DdbText		name;

	ddb_json_object(out, 2);
	if (element->code != NULL)
	{
		element_error(element, &value);
		ddb_json_add_value(out, "Error", &value);
	}
	else if (element->item != NULL)
	{
		ddb_json_jsonb(&value, element->item);
		ddb_json_add_value(out, "Item", &value);
	}
	if (element->call.statement == NULL)
		return;
	name = ddb_statement_table(&element->call);
	ddb_json_string(&value, name.str, name.len);
	ddb_json_add_value(out, "TableName", &value);
}

static void
add_element_units(TableUnits *list, int *count, const Element *element)
{
	DdbText		name = ddb_statement_table(&element->call);
	const DdbIndexUnits *indexes = &element->write.index_units;
	TableUnits *units;
	int			i;

	if (!is_write(&element->call))
	{
		units = units_of_table(list, count, name, element->point.table);
		units->units += element->read_units;
		return;
	}
	units = units_of_table(list, count, name, element->write.table);
	units->units += ddb_write_units(&element->write);
	for (i = 0; indexes->units != NULL && i < units->table->nindexes; i++)
		units->index_units[i] += indexes->units[i];
}

static void
add_batch_capacity(JsonbValue *response, DdbDoc request, const Batch *batch)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	TableUnits	units[MAX_BATCH];
	int			count = 0;
	JsonbValue	list;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		const Element *element = &batch->elements[i];

		if (element->code == NULL)
			add_element_units(units, &count, element);
		else if (element->failed_units > 0)
			units_of_table(units, &count, ddb_statement_table(&element->call),
						   element->write.table)->units += element->failed_units;
	}
	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_json_array(&list, count);
	for (i = 0; i < count; i++)
	{
		JsonbValue	capacity;

		ddb_op_capacity(&capacity, detail, units[i].name, units[i].table, units[i].units,
						units[i].index_units);
		ddb_json_append(&list, &capacity);
	}
	ddb_json_add_value(response, "ConsumedCapacity", &list);
}

static void
read_batch(DdbDoc request, Batch *batch)
{
	DdbDoc		list = ddb_request_doc(request, "Statements");
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	value;

	batch->elements = palloc0(ddb_doc_count(list) * sizeof(Element));
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		Assert(batch->count < MAX_BATCH);
		batch->elements[batch->count].request = ddb_doc_of(&value);
		batch->elements[batch->count].batch = request;
		batch->order[batch->count] = batch->count;
		batch->count++;
	}
	batch->nordered = batch->count;
}

/* does it write?  Raises for a mixture; statements that are none do not count */
static bool
batch_writes(const Batch *batch)
{
	bool		reads = false;
	bool		writes = false;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		if (batch->elements[i].code != NULL)
			continue;
		if (is_write(&batch->elements[i].call))
			writes = true;
		else
			reads = true;
	}
	if (reads && writes)
		raise_mixture("batch");
	return writes;
}

Jsonb *
ddb_op_batch_execute_statement(DdbDoc request)
{
	Batch	   *batch = palloc0(sizeof(Batch));
	JsonbValue	response;
	JsonbValue	responses;
	int			i;

	read_batch(request, batch);
	run_step(batch, find_element);
	if (batch_writes(batch))
		run_writes(batch);
	else
	{
		run_step(batch, prepare_read);
		ddb_access_finish();
		admit_elements(batch);
		run_step(batch, read_element);
	}

	ddb_json_array(&responses, batch->count);
	for (i = 0; i < batch->count; i++)
	{
		JsonbValue	value;

		element_response(&batch->elements[i], &value);
		ddb_json_append(&responses, &value);
	}
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Responses", &responses);
	add_batch_capacity(&response, request, batch);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * ExecuteTransaction
 * ----------------------------------------------------------------
 */

/* the calls of a transaction, as in the request; *writes: all but SELECT */
static DdbStatementCall *
read_transaction(DdbDoc request, int *count, bool *writes)
{
	DdbDoc		list = ddb_request_doc(request, "TransactStatements");
	DdbStatementCall *calls = palloc0(ddb_doc_count(list) * sizeof(DdbStatementCall));
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	value;
	int			n = 0;

	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		CHECK_FOR_INTERRUPTS();
		ddb_statement_find(&calls[n], ddb_doc_of(&value));
		calls[n].outer = request;
		calls[n].enclosing = "ExecuteTransaction";
		if (calls[n].statement->parsed->returning != PARTIQL_RETURNING_NOTHING)
			ddb_validation_error("RETURNING clause is not supported in transactions");
		n++;
	}
	*writes = is_write(&calls[0]);
	*count = n;
	while (n-- > 1)
	{
		if (is_write(&calls[n]) != *writes)
			raise_mixture("transaction");
	}
	for (n = 0; n < *count; n++)
		ddb_op_access_statement(&calls[n]);
	return calls;
}

static Jsonb *
read_in_transaction(DdbDoc request, DdbStatementCall *calls, int count)
{
	DdbItemRead *reads = palloc0(count * sizeof(DdbItemRead));
	DdbPointRead *points = palloc0(count * sizeof(DdbPointRead));
	JsonbValue	response;
	JsonbValue	responses;
	int			i;

	for (i = 0; i < count; i++)
	{
		ddb_statement_bind(&calls[i]);
		ddb_statement_point(&calls[i], &points[i]);
		reads[i].table = points[i].table;
		reads[i].table_name = ddb_statement_table(&calls[i]);
		reads[i].key = ddb_doc_root(points[i].key);
	}
	ddb_access_finish();
	ddb_transact_read(reads, count);

	ddb_json_array(&responses, count);
	for (i = 0; i < count; i++)
	{
		Jsonb	   *item = ddb_statement_point_item(&points[i], reads[i].item);
		JsonbValue	element;
		JsonbValue	value;

		ddb_json_object(&element, 1);
		if (item != NULL)
		{
			ddb_json_jsonb(&value, item);
			ddb_json_add_value(&element, "Item", &value);
		}
		ddb_json_append(&responses, &element);
	}
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Responses", &responses);
	ddb_transact_add_read_capacity(&response, request, reads, count);
	return ddb_json_encode(&response);
}

/* bytes of the values of what is no INSERT, whose item is counted as such */
static int64
size_of_values(const DdbStatementCall *calls, int count)
{
	int64		bytes = 0;
	int			i;
	int			k;

	for (i = 0; i < count; i++)
	{
		const PartiqlStatement *parsed = calls[i].statement->parsed;

		for (k = 0; parsed->kind != PARTIQL_INSERT && k < parsed->nvalues; k++)
			bytes += ddb_value_size(&calls[i].values[k]);
	}
	return bytes;
}

static Jsonb *
write_in_transaction(DdbDoc request, DdbStatementCall *calls, int count)
{
	DdbItemWrite *writes = palloc0(count * sizeof(DdbItemWrite));
	DdbText		token = {NULL, 0};
	JsonbValue	response;
	JsonbValue	responses;
	JsonbValue	element;
	bool		done;
	int			i;

	for (i = 0; i < count; i++)
	{
		ddb_statement_bind(&calls[i]);
		ddb_statement_write(&calls[i], &writes[i]);
		writes[i].table_name = ddb_statement_table(&calls[i]);
	}
	ddb_access_finish();
	(void) ddb_request_string(request, "ClientRequestToken", &token);
	done = ddb_transact_token(token, "ExecuteTransaction", request);
	if (!done)
		ddb_transact_write(writes, count, size_of_values(calls, count));

	ddb_json_array(&responses, count);
	ddb_json_object(&element, 0);
	for (i = 0; i < count; i++)
		ddb_json_append(&responses, &element);
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Responses", &responses);
	if (done)
		ddb_transact_add_replay_capacity(&response, request, writes, count);
	else
		ddb_transact_add_write_capacity(&response, request, writes, count);
	return ddb_json_encode(&response);
}

Jsonb *
ddb_op_execute_transaction(DdbDoc request)
{
	int			count;
	bool		writes;
	DdbStatementCall *calls = read_transaction(request, &count, &writes);

	if (!writes)
		return read_in_transaction(request, calls, count);
	PreventCommandIfReadOnly("ExecuteTransaction");
	return write_in_transaction(request, calls, count);
}
