/*
 * op_write.c
 *	  One write of an item: the checks against its table, and what happens to
 *	  the newest row.
 *
 * Where the key may be absent, conditions are decided before the statement is
 * chosen: a put whose condition an absent item fails can only replace, so it
 * is an UPDATE; one that an absent item satisfies is an upsert.
 *
 * A transaction has to tell of every element that fails, so there a refused
 * write is noted and goes on as one that changes nothing; the transaction
 * rolls all of it back.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_write.h"
#include "wire.h"

static const DdbDoc absent_item = {NULL, 0};

static const struct
{
	AclMode		rights;
	const char *action;
}			kinds[] = {
	[DDB_WRITE_PUT] = {ACL_SELECT | ACL_INSERT | ACL_UPDATE, "PutItem"},
	[DDB_WRITE_UPDATE] = {ACL_SELECT | ACL_INSERT | ACL_UPDATE, "UpdateItem"},
	[DDB_WRITE_DELETE] = {ACL_SELECT | ACL_DELETE, "DeleteItem"},
	[DDB_WRITE_CHECK] = {ACL_SELECT | ACL_UPDATE, "ConditionCheckItem"}
};

AclMode
ddb_write_rights(DdbWriteKind kind)
{
	return kinds[kind].rights;
}

const char *
ddb_write_action(DdbWriteKind kind)
{
	return kinds[kind].action;
}

/* ----------------------------------------------------------------
 * Before the table is known
 * ----------------------------------------------------------------
 */

static Jsonb *apply(DdbWrite *base, DdbDoc old_item);
static Jsonb *replace_by_size(DdbWrite *base, int64 bytes);

void
ddb_write_init(DdbItemWrite *write, DdbWriteKind kind)
{
	memset(write, 0, sizeof(DdbItemWrite));
	write->kind = kind;
	write->base.apply = apply;
	write->base.context = CurrentMemoryContext;
}

static bool
returns_item_on_failure(DdbDoc request)
{
	static const char *const values[] = {"NONE", "ALL_OLD", NULL};

	return ddb_request_enum(request, "ReturnValuesOnConditionCheckFailure", values, 0) == 1;
}

void
ddb_write_values(DdbItemWrite *write, DdbDoc request)
{
	bool		is_put = write->kind == DDB_WRITE_PUT;
	Jsonb	   *values = ddb_item_accept(ddb_request_doc(request, is_put ? "Item" : "Key"));

	write->key = ddb_doc_root(values);
	if (is_put)
		write->put_item = values;
}

/*
 * Is the item larger than items may be?  Its jsonb is never smaller than its
 * size as DynamoDB counts, so that most items need no counting.
 */
static bool
is_oversized(const Jsonb *item)
{
	return VARSIZE(item) > ddb_max_item_size &&
		ddb_item_size(ddb_doc_root(item)) > ddb_max_item_size;
}

void
ddb_write_check_size(const DdbItemWrite *write)
{
	if (write->put_item != NULL && is_oversized(write->put_item))
		ddb_validation_error("Item size has exceeded the maximum allowed size");
}

void
ddb_write_expressions(DdbItemWrite *write, DdbDoc request)
{
	ExprRequest context;

	write->item_on_failure = returns_item_on_failure(request);
	ddb_op_expressions(request, &context);
	if (write->kind == DDB_WRITE_UPDATE)
		write->update = ddb_op_expression(request, &context, EXPR_UPDATE, "UpdateExpression");
	write->condition = ddb_op_expression(request, &context, EXPR_CONDITION, "ConditionExpression");
	ddb_expr_context_finish(&context);
}

/* ----------------------------------------------------------------
 * Against the table
 * ----------------------------------------------------------------
 */

/*
 * Where units are enforced they are counted exactly: with indexes that takes
 * the old item, without any its size will mostly do.
 */
static void
look_for_capacity(DdbItemWrite *write)
{
	if (!ddb_capacity_is_under_way() || !ddb_capacity_is_enforced(write->table))
		return;
	if (write->table->nindexes > 0)
		write->look = true;
	else if (!write->look)
		write->base.replace_by_size = replace_by_size;
}

static void
accept_put(DdbItemWrite *write)
{
	look_for_capacity(write);
	ddb_key_of_item(&write->table->keys, write->key, &write->columns);
	ddb_op_check_index_keys(write->table, write->key);
	if (ddb_op_exceeds_with_projections(write->table, write->key))
		ddb_validation_error("Item size has exceeded the maximum allowed size");
}

static void
check_targets(const ExprBinding *update, const DdbKeySchema *keys)
{
	const ExprProgram *program;
	int			a;
	int			k;

	if (update == NULL)
		return;
	program = update->program;
	for (a = 0; a < program->nactions; a++)
	{
		DdbText		name = ddb_expr_step_name(update, &program->actions[a].path.steps[0]);

		for (k = 0; k < keys->nattrs; k++)
		{
			if (name.len == keys->attr[k].name.len &&
				memcmp(name.str, keys->attr[k].name.str, name.len) == 0)
				ddb_validation_error("One or more parameter values were invalid: "
									 "Cannot update attribute %.*s. This attribute is part of the key",
									 name.len, name.str);
		}
	}
}

static void
accept_update(DdbItemWrite *write)
{
	check_targets(write->update, &write->table->keys);
	ddb_op_check_index_key_paths(write->table, write->update);
	ddb_op_check_index_key_values(write->table, write->update);
}

void
ddb_write_accept(DdbItemWrite *write, const DdbTable *table)
{
	write->table = table;
	if (write->kind == DDB_WRITE_PUT)
		accept_put(write);
	else
		ddb_key_of_argument(&table->keys, write->key, &write->columns);
	if (write->kind == DDB_WRITE_UPDATE)
		accept_update(write);
	if (write->kind == DDB_WRITE_PUT || write->kind == DDB_WRITE_UPDATE)
		write->collection_full = ddb_op_collection_is_full(table, &write->columns);
}

/* ----------------------------------------------------------------
 * The write on the newest row
 * ----------------------------------------------------------------
 */

/* a copy for the response */
static Jsonb *
keep(const DdbItemWrite *write, DdbDoc item)
{
	MemoryContext old = MemoryContextSwitchTo(write->base.context);
	Jsonb	   *copy = ddb_doc_copy(item);

	MemoryContextSwitchTo(old);
	return copy;
}

void
ddb_write_raise(const DdbRefusal *refusal)
{
	StringInfoData members;

	if (refusal->item == NULL)
		ddb_error(refusal->code, "%s", refusal->message);
	initStringInfo(&members);
	appendStringInfoString(&members, "{\"Item\":");
	ddb_wire_print(&members, ddb_doc_root(refusal->item));
	appendStringInfoChar(&members, '}');
	ddb_error_members(refusal->code, members.data, "%s", refusal->message);
}

static void
refuse(DdbItemWrite *write, DdbErrorCode code, const char *message, DdbDoc old_item)
{
	DdbRefusal *refusal = &write->refusal;

	refusal->code = code;
	refusal->message = message;
	refusal->item = NULL;
	if (write->item_on_failure && old_item.ptr != NULL)
		refusal->item = keep(write, old_item);
	if (!write->collects)
		ddb_write_raise(refusal);
}

static DdbUse
use_of_table(const DdbItemWrite *write)
{
	DdbUse		use = {.table = write->table, .key = write->key};

	return use;
}

/*
 * A condition failed, which costs as much as a write of the old item.
 */
static void
refuse_condition(DdbItemWrite *write, DdbErrorCode code, const char *message, DdbDoc old_item)
{
	DdbUse		use = use_of_table(write);

	if (!write->collects)
		ddb_capacity_consume(&use, DDB_UNITS_WRITE, write->old_units);
	refuse(write, code, message, old_item);
}

/* presence and condition */
static bool
is_permitted(DdbItemWrite *write, DdbDoc old_item)
{
	bool		exists = old_item.ptr != NULL;

	if (write->presence == DDB_PRESENCE_FORBIDDEN && exists)
	{
		refuse_condition(write, DDB_DUPLICATE_ITEM, "Duplicate primary key exists in table",
						 old_item);
		return false;
	}
	if (write->presence == DDB_PRESENCE_OPTIONAL && !exists)
		return true;
	if ((write->presence != DDB_PRESENCE_REQUIRED || exists) &&
		(write->condition == NULL || ddb_expr_matches(write->condition, old_item)))
		return true;
	refuse_condition(write, DDB_CONDITIONAL_CHECK_FAILED, "The conditional request failed",
					 old_item);
	return false;
}

/* cost and condition, and what the response wants of the old item */
static bool
look_at_old(DdbItemWrite *write, DdbDoc old_item)
{
	write->refusal.message = NULL;
	write->old_units = ddb_item_write_units(old_item);
	if (!is_permitted(write, old_item))
		return false;
	write->old_item = NULL;
	if (write->keep_items && old_item.ptr != NULL)
		write->old_item = keep(write, old_item);
	return true;
}

/* in a full item collection no item may come or grow */
static void
check_growth(const DdbItemWrite *write, DdbDoc old_item, DdbDoc new_item)
{
	if (write->collection_full &&
		ddb_op_collected_size(write->table, new_item) >
		ddb_op_collected_size(write->table, old_item))
		ddb_op_raise_collection_full();
}

static bool
wants_index_keys(const DdbTable *table)
{
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		if (ddb_capacity_wants_key(table, &table->indexes[i]))
			return true;
	}
	return false;
}

static void
count_indexes(DdbItemWrite *write, DdbDoc old_item, DdbDoc new_item)
{
	MemoryContext old = MemoryContextSwitchTo(write->base.context);

	ddb_op_index_units(write->table, old_item, new_item, &write->index_units);
	write->indexes_counted = true;
	write->index_key = write->key;
	if (write->index_units.total > 0 && wants_index_keys(write->table))
		write->index_key = ddb_doc_root(ddb_doc_copy(new_item.ptr ? new_item : old_item));
	MemoryContextSwitchTo(old);
}

/* a global index that the write changes has nothing left */
static void
refuse_throttled(DdbItemWrite *write, const DdbThrottled *error)
{
	if (!write->collects)
		ddb_capacity_raise(error);
	write->refusal.code = error->code;
	write->refusal.message = error->message;
	write->refusal.item = NULL;
}

/*
 * Counts what the indexes cost.  False: one of them has nothing left, and the
 * write, which collects, is refused.
 */
static bool
is_allowed_by_indexes(DdbItemWrite *write, DdbDoc old_item, DdbDoc new_item)
{
	const DdbTable *table = write->table;
	int			i;

	count_indexes(write, old_item, new_item);
	if (write->index_units.total <= 0 || !ddb_capacity_is_enforced(table))
		return true;
	for (i = 0; i < table->nindexes; i++)
	{
		DdbUse		use = {.table = table, .index = &table->indexes[i], .key = write->index_key};
		DdbThrottled error;

		if (!table->indexes[i].global || write->index_units.units[i] <= 0 ||
			ddb_capacity_allows(&use, DDB_UNITS_WRITE, 0, &error))
			continue;
		refuse_throttled(write, &error);
		return false;
	}
	return true;
}

static Jsonb *
apply_put(DdbItemWrite *write, DdbDoc old_item)
{
	DdbDoc		new_item = ddb_doc_root(write->put_item);

	check_growth(write, old_item, new_item);
	return is_allowed_by_indexes(write, old_item, new_item) ? write->put_item : NULL;
}

/* what the table, its indexes and their collection say to an updated item */
static void
check_updated(const DdbItemWrite *write, DdbDoc old_item, const Jsonb *new_item)
{
	DdbDoc		root = ddb_doc_root(new_item);

	ddb_op_check_updated_index_keys(write->table, write->update, old_item, root);
	if (is_oversized(new_item) || ddb_op_exceeds_with_projections(write->table, root))
		ddb_validation_error("Item size to update has exceeded the maximum allowed size");
	check_growth(write, old_item, root);
}

/*
 * NULL where the item is absent and the update would not create it.
 */
static Jsonb *
apply_update(DdbItemWrite *write, DdbDoc old_item)
{
	Jsonb	   *new_item;

	if (write->update != NULL)
		new_item = ddb_expr_update(write->update, old_item, write->key);
	else
		new_item = ddb_doc_copy(old_item.ptr ? old_item : write->key);
	write->new_item = NULL;
	write->new_units = 0;
	if (new_item != NULL)
		check_updated(write, old_item, new_item);
	if (!is_allowed_by_indexes(write, old_item,
							   new_item ? ddb_doc_root(new_item) : absent_item) ||
		new_item == NULL)
		return NULL;
	write->new_units = ddb_item_write_units(ddb_doc_root(new_item));
	if (write->keep_items)
		write->new_item = keep(write, ddb_doc_root(new_item));
	return new_item;
}

static Jsonb *
apply_permitted(DdbItemWrite *write, DdbDoc old_item)
{
	switch (write->kind)
	{
		case DDB_WRITE_PUT:
			return apply_put(write, old_item);
		case DDB_WRITE_UPDATE:
			return apply_update(write, old_item);
		case DDB_WRITE_DELETE:
			(void) is_allowed_by_indexes(write, old_item, absent_item);
			return NULL;
		case DDB_WRITE_CHECK:
			return NULL;
	}
	elog(ERROR, "unrecognized kind of write %d", write->kind);
}

/*
 * Note an API error as a refusal; others go on.  Called inside PG_CATCH; what
 * was running evaluates expressions and nothing else, so that there is nothing
 * to clean up.
 */
static void
note_error(DdbItemWrite *write)
{
	const DdbErrorInfo *info = ddb_error_by_sqlstate(geterrcode());
	MemoryContext old;
	ErrorData  *error;

	if (info == NULL)
		PG_RE_THROW();
	old = MemoryContextSwitchTo(write->base.context);
	error = CopyErrorData();
	FlushErrorState();
	write->refusal.code = ddb_error_code(info);
	write->refusal.message = ddb_error_message(info, error->message);
	write->refusal.item = NULL;
	MemoryContextSwitchTo(old);
}

/*
 * DdbWrite.apply.  A refused write that collects leaves the item as it is.
 */
static Jsonb *
apply(DdbWrite *base, DdbDoc old_item)
{
	DdbItemWrite *write = (DdbItemWrite *) base;
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *volatile new_item = NULL;

	if (!look_at_old(write, old_item))
		return NULL;
	if (!write->collects)
		return apply_permitted(write, old_item);
	PG_TRY();
	{
		new_item = apply_permitted(write, old_item);
	}
	PG_CATCH();
	{
		note_error(write);
		MemoryContextSwitchTo(caller);
	}
	PG_END_TRY();
	return new_item;
}

/* ----------------------------------------------------------------
 * Running
 * ----------------------------------------------------------------
 */

/* would the write go through if there were no item? */
static bool
permits_absence(const DdbItemWrite *write)
{
	if (write->presence == DDB_PRESENCE_REQUIRED)
		return false;
	return write->condition == NULL || write->presence == DDB_PRESENCE_OPTIONAL ||
		ddb_expr_matches(write->condition, absent_item);
}

/*
 * DdbWrite.replace_by_size: an item whose jsonb is no larger than what the new
 * item's units pay for costs no more than that.
 */
static Jsonb *
replace_by_size(DdbWrite *base, int64 bytes)
{
	DdbItemWrite *write = (DdbItemWrite *) base;

	if (!ddb_write_is_blind(write) || bytes > write->new_units * DDB_WRITE_UNIT_BYTES)
		return NULL;
	write->old_units = 0;
	return write->put_item;
}

/*
 * A put whose old item nobody asks for, its size excepted.
 */
bool
ddb_write_is_blind(const DdbItemWrite *write)
{
	return write->kind == DDB_WRITE_PUT && write->condition == NULL &&
		write->presence == DDB_PRESENCE_ANY && !write->collection_full &&
		!write->look && !write->keep_items;
}

void
ddb_write_run_blind(DdbItemWrite *const *writes, int count)
{
	DdbKey	   *keys = palloc(count * sizeof(DdbKey));
	Jsonb	  **items = palloc(count * sizeof(Jsonb *));
	DdbWrite  **bases = NULL;
	int			i;

	if (writes[0]->base.replace_by_size != NULL)
		bases = palloc(count * sizeof(DdbWrite *));
	for (i = 0; i < count; i++)
	{
		Assert(ddb_write_is_blind(writes[i]));
		keys[i] = writes[i]->columns;
		items[i] = writes[i]->put_item;
		writes[i]->new_units = ddb_item_write_units(writes[i]->key);
		count_indexes(writes[i], absent_item, writes[i]->key);
		if (bases != NULL)
			bases[i] = &writes[i]->base;
	}
	ddb_store_put_many(writes[0]->table, keys, items, bases, count);
}

/*
 * A put that wants to know nothing of the old item does not read it, and is
 * counted, with its index entries, by its new item alone: with large items the
 * reading would cost half as much again.
 */
static void
run_put(DdbItemWrite *write)
{
	write->new_units = ddb_item_write_units(write->key);
	if (ddb_write_is_blind(write) && write->base.replace_by_size == NULL)
		ddb_store_put(write->table, &write->columns, write->put_item);
	else if (write->collection_full || !permits_absence(write))
	{
		if (!ddb_store_update(write->table, &write->columns, &write->base))
			(void) apply(&write->base, absent_item);
	}
	else
		ddb_store_upsert(write->table, &write->columns, write->put_item, &write->base);
	if (!write->indexes_counted)
		(void) is_allowed_by_indexes(write, absent_item, write->key);
}

static void
run_update(DdbItemWrite *write)
{
	Jsonb	   *created;

	if (ddb_store_update(write->table, &write->columns, &write->base))
		return;
	created = apply(&write->base, absent_item);
	if (created != NULL)
		ddb_store_upsert(write->table, &write->columns, created, &write->base);
}

void
ddb_write_run(DdbItemWrite *write)
{
	switch (write->kind)
	{
		case DDB_WRITE_PUT:
			run_put(write);
			return;
		case DDB_WRITE_UPDATE:
			run_update(write);
			return;
		case DDB_WRITE_DELETE:
			if (!ddb_store_delete(write->table, &write->columns, &write->base))
				(void) apply(&write->base, absent_item);
			return;
		case DDB_WRITE_CHECK:
			if (!ddb_store_lock(write->table, &write->columns, &write->base))
				(void) apply(&write->base, absent_item);
			return;
	}
}

/* ----------------------------------------------------------------
 * Capacity
 * ----------------------------------------------------------------
 */

bool
ddb_write_allows(DdbItemWrite *write, double planned, DdbThrottled *error)
{
	DdbUse		use = use_of_table(write);

	return ddb_capacity_allows(&use, DDB_UNITS_WRITE, planned, error);
}

void
ddb_write_admit(DdbItemWrite *write)
{
	DdbThrottled error;

	if (!ddb_write_allows(write, 0, &error))
		ddb_capacity_raise(&error);
}

double
ddb_write_least_units(const DdbItemWrite *write)
{
	return write->kind == DDB_WRITE_PUT ? ddb_item_write_units(write->key) : 1;
}

double
ddb_write_units(const DdbItemWrite *write)
{
	return Max(write->old_units, write->new_units);
}

void
ddb_write_consume(const DdbItemWrite *write, double times)
{
	const DdbTable *table = write->table;
	const DdbIndexUnits *indexes = &write->index_units;
	DdbUse		use = use_of_table(write);
	double	   *units;
	int			i;

	ddb_capacity_consume(&use, DDB_UNITS_WRITE, times * ddb_write_units(write));
	if (indexes->total <= 0)
		return;
	units = palloc(table->nindexes * sizeof(double));
	for (i = 0; i < table->nindexes; i++)
		units[i] = times * indexes->units[i];
	ddb_capacity_consume_indexes(table, write->index_key, units);
	pfree(units);
}
