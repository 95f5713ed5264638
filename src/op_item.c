/*
 * op_item.c
 *	  GetItem, PutItem, UpdateItem, DeleteItem.
 *
 * A handler goes through the checks in the service's order, then gives the
 * storage layer one write.  What depends on the stored item happens inside
 * that write (ItemWrite below), on the newest row: condition first, then the
 * new item.
 *
 * Where the key may be absent, conditions are decided before the statement is
 * chosen: a put whose condition an absent item fails can only replace, so it
 * is an UPDATE; one that an absent item satisfies is an upsert.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_common.h"
#include "op_index.h"
#include "store.h"
#include "wire.h"

typedef enum ReturnValues
{
	RETURN_NONE,
	RETURN_ALL_OLD,
	RETURN_UPDATED_OLD,
	RETURN_ALL_NEW,
	RETURN_UPDATED_NEW
} ReturnValues;

/* one write under way; what it found and made lives in base.context */
typedef struct ItemWrite
{
	DdbWrite	base;
	const DdbTable *table;
	DdbKey		columns;		/* key of the item */
	ExprBinding *condition;		/* NULL if none */
	ExprBinding *update;		/* UpdateItem; NULL if none */
	DdbDoc		key;			/* key attributes, stored form; in PutItem the
								 * whole item */
	Jsonb	   *put_item;		/* PutItem */
	bool		collection_full;	/* the item must not grow */
	bool		item_on_failure;	/* ReturnValuesOnConditionCheckFailure */
	bool		keep_items;		/* the response needs old and new item */
	double		old_units;		/* what writing the old item costs; 0 if it was
								 * not looked at */
	double		new_units;		/* the same for the new item; 0 if there is none */
	bool		indexes_counted;
	DdbIndexUnits index_units;	/* once they are counted */
	Jsonb	   *old_item;		/* if keep_items and it existed */
	Jsonb	   *new_item;		/* if keep_items */
} ItemWrite;

static const char *const put_legacy[] = {"Expected", NULL};
static const char *const put_expressions[] = {"ConditionExpression", NULL};
static const DdbParameterSets put_parameters = {
	.legacy = put_legacy,
	.expression = put_expressions,
	.needs_values = "ConditionExpression is null",
	.value_expressions = put_expressions
};

static const char *const update_legacy[] = {"AttributeUpdates", "Expected", NULL};
static const char *const update_expressions[] = {"UpdateExpression", "ConditionExpression", NULL};
static const DdbParameterSets update_parameters = {
	.legacy = update_legacy,
	.expression = update_expressions,
	.needs_values = "UpdateExpression and ConditionExpression are null",
	.value_expressions = update_expressions
};

static const char *const get_legacy[] = {"AttributesToGet", NULL};
static const char *const get_expressions[] = {"ProjectionExpression", NULL};
static const DdbParameterSets get_parameters = {
	.legacy = get_legacy,
	.expression = get_expressions
};

static const DdbDoc absent_item = {NULL, 0};

/* ----------------------------------------------------------------
 * Reading request members
 * ----------------------------------------------------------------
 */

static ReturnValues
return_values(DdbDoc request)
{
	/* in the order of ReturnValues */
	static const char *const values[] = {
		"NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", NULL
	};

	return (ReturnValues) ddb_request_enum(request, "ReturnValues", values, RETURN_NONE);
}

/* PutItem and DeleteItem know two of them */
static ReturnValues
return_values_old_only(DdbDoc request)
{
	ReturnValues result = return_values(request);

	if (result != RETURN_NONE && result != RETURN_ALL_OLD)
		ddb_validation_error("ReturnValues can only be ALL_OLD or NONE");
	return result;
}

static bool
returns_item_on_failure(DdbDoc request)
{
	static const char *const values[] = {"NONE", "ALL_OLD", NULL};

	return ddb_request_enum(request, "ReturnValuesOnConditionCheckFailure", values, 0) == 1;
}

static void
init_write(ItemWrite *write, DdbDoc request,
		   Jsonb *(*apply) (DdbWrite *write, DdbDoc old_item))
{
	memset(write, 0, sizeof(ItemWrite));
	write->base.apply = apply;
	write->base.context = CurrentMemoryContext;
	write->item_on_failure = returns_item_on_failure(request);
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

/* ----------------------------------------------------------------
 * The write on the newest row
 * ----------------------------------------------------------------
 */

/*
 * A write that its condition forbids costs as much as one of the old item.
 */
static void
check_condition(const ItemWrite *write, DdbDoc item)
{
	StringInfoData members;

	if (write->condition == NULL || ddb_expr_matches(write->condition, item))
		return;
	ddb_op_consumed.write_units += write->old_units;
	if (!write->item_on_failure || item.ptr == NULL)
		ddb_error(DDB_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
	initStringInfo(&members);
	appendStringInfoString(&members, "{\"Item\":");
	ddb_wire_print(&members, item);
	appendStringInfoChar(&members, '}');
	ddb_error_members(DDB_CONDITIONAL_CHECK_FAILED, members.data,
					  "The conditional request failed");
}

/* a copy for the response */
static Jsonb *
keep(const ItemWrite *write, DdbDoc item)
{
	MemoryContext old = MemoryContextSwitchTo(write->base.context);
	Jsonb	   *copy = ddb_doc_copy(item);

	MemoryContextSwitchTo(old);
	return copy;
}

/* cost and condition, and what the response wants of the old item */
static void
look_at_old(ItemWrite *write, DdbDoc old_item)
{
	write->old_units = ddb_item_write_units(old_item);
	check_condition(write, old_item);
	write->old_item = NULL;
	if (write->keep_items && old_item.ptr != NULL)
		write->old_item = keep(write, old_item);
}

/* in a full item collection no item may come or grow */
static void
check_growth(const ItemWrite *write, DdbDoc old_item, DdbDoc new_item)
{
	if (write->collection_full &&
		ddb_op_collected_size(write->table, new_item) >
		ddb_op_collected_size(write->table, old_item))
		ddb_op_raise_collection_full();
}

static void
count_indexes(ItemWrite *write, DdbDoc old_item, DdbDoc new_item)
{
	MemoryContext old = MemoryContextSwitchTo(write->base.context);

	ddb_op_index_units(write->table, old_item, new_item, &write->index_units);
	write->indexes_counted = true;
	MemoryContextSwitchTo(old);
}

static Jsonb *
apply_put(DdbWrite *base, DdbDoc old_item)
{
	ItemWrite  *write = (ItemWrite *) base;
	DdbDoc		new_item = ddb_doc_root(write->put_item);

	look_at_old(write, old_item);
	check_growth(write, old_item, new_item);
	count_indexes(write, old_item, new_item);
	return write->put_item;
}

static Jsonb *
apply_delete(DdbWrite *base, DdbDoc old_item)
{
	ItemWrite  *write = (ItemWrite *) base;

	look_at_old(write, old_item);
	count_indexes(write, old_item, absent_item);
	return NULL;
}

/* what the table, its indexes and their collection say to an updated item */
static void
check_updated(const ItemWrite *write, DdbDoc old_item, const Jsonb *new_item)
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
apply_update(DdbWrite *base, DdbDoc old_item)
{
	ItemWrite  *write = (ItemWrite *) base;
	Jsonb	   *new_item;

	look_at_old(write, old_item);
	if (write->update != NULL)
		new_item = ddb_expr_update(write->update, old_item, write->key);
	else
		new_item = ddb_doc_copy(old_item.ptr ? old_item : write->key);
	write->new_item = NULL;
	write->new_units = 0;
	count_indexes(write, old_item, new_item ? ddb_doc_root(new_item) : absent_item);
	if (new_item == NULL)
		return NULL;
	check_updated(write, old_item, new_item);
	write->new_units = ddb_item_write_units(ddb_doc_root(new_item));
	if (write->keep_items)
		write->new_item = keep(write, ddb_doc_root(new_item));
	return new_item;
}

/* ----------------------------------------------------------------
 * Responses
 * ----------------------------------------------------------------
 */

static void
add_jsonb(JsonbValue *response, const char *name, const Jsonb *jb)
{
	JsonbValue	value;

	if (jb == NULL)
		return;
	ddb_json_jsonb(&value, jb);
	ddb_json_add_value(response, name, &value);
}

static Jsonb *
write_response(DdbDoc request, const ItemWrite *write, const Jsonb *attributes)
{
	JsonbValue	response;

	ddb_json_object(&response, 3);
	add_jsonb(&response, "Attributes", attributes);
	ddb_op_add_write_capacity(&response, request, write->table,
							  Max(write->old_units, write->new_units),
							  &write->index_units);
	ddb_op_add_collection_metrics(&response, request, write->table, write->key,
								  &write->columns);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * GetItem
 * ----------------------------------------------------------------
 */
Jsonb *
ddb_op_get_item(DdbDoc request)
{
	Jsonb	   *key_doc;
	ExprRequest context;
	ExprBinding *projection;
	const DdbTable *table;
	DdbKey		key;
	Jsonb	   *item;
	JsonbValue	response;
	bool		consistent = false;
	double		units;

	ddb_op_check_mixing(request, &get_parameters);
	key_doc = ddb_item_accept(ddb_request_doc(request, "Key"));
	ddb_op_expressions(request, &context);
	projection = ddb_op_expression(request, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);

	table = ddb_op_open(request, AccessShareLock, ACL_SELECT, "GetItem");
	ddb_key_of_argument(&table->keys, ddb_doc_root(key_doc), &key);
	ddb_op_check_key_paths(projection, &table->keys);
	ddb_op_check_index_key_paths(table, projection);

	item = ddb_store_get(table, &key);
	ddb_json_object(&response, 2);
	if (item != NULL)
		add_jsonb(&response, "Item",
				  projection ? ddb_expr_project(projection, ddb_doc_root(item)) : item);
	(void) ddb_request_bool(request, "ConsistentRead", &consistent);
	units = ddb_item_read_units(item ? ddb_doc_root(item) : absent_item, consistent);
	ddb_op_consumed.read_units += units;
	ddb_op_add_capacity(&response, request, units);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * PutItem
 * ----------------------------------------------------------------
 */

/* what the table and its indexes say to an item to be put */
static void
accept_put(ItemWrite *write, const DdbTable *table)
{
	write->table = table;
	write->key = ddb_doc_root(write->put_item);
	ddb_key_of_item(&table->keys, write->key, &write->columns);
	ddb_op_check_index_keys(table, write->key);
	if (ddb_op_exceeds_with_projections(table, write->key))
		ddb_validation_error("Item size has exceeded the maximum allowed size");
	write->collection_full = ddb_op_collection_is_full(table, &write->columns);
}

/*
 * A put that wants to know nothing of the old item does not read it, and is
 * counted, with its index entries, by its new item alone: with large items the
 * reading would cost half as much again.
 */
static void
store_put(ItemWrite *write, bool look)
{
	bool		only_replaces = write->collection_full;

	if (write->condition != NULL && !ddb_expr_matches(write->condition, absent_item))
		only_replaces = true;
	if (only_replaces)
	{
		if (!ddb_store_update(write->table, &write->columns, &write->base))
			(void) apply_put(&write->base, absent_item);
	}
	else if (write->condition != NULL || look)
		ddb_store_upsert(write->table, &write->columns, write->put_item, &write->base);
	else
		ddb_store_put(write->table, &write->columns, write->put_item);
	if (!write->indexes_counted)
		count_indexes(write, absent_item, write->key);
}

Jsonb *
ddb_op_put_item(DdbDoc request)
{
	ItemWrite	write;
	ReturnValues returns;
	ExprRequest context;
	const DdbTable *table;

	ddb_op_check_mixing(request, &put_parameters);
	init_write(&write, request, apply_put);
	write.put_item = ddb_item_accept(ddb_request_doc(request, "Item"));
	returns = return_values_old_only(request);
	if (is_oversized(write.put_item))
		ddb_validation_error("Item size has exceeded the maximum allowed size");
	write.new_units = ddb_item_write_units(ddb_doc_root(write.put_item));
	ddb_op_expressions(request, &context);
	write.condition = ddb_op_expression(request, &context, EXPR_CONDITION, "ConditionExpression");
	ddb_expr_context_finish(&context);

	table = ddb_op_open(request, RowExclusiveLock, ACL_SELECT | ACL_INSERT | ACL_UPDATE, "PutItem");
	accept_put(&write, table);
	write.keep_items = returns == RETURN_ALL_OLD;
	store_put(&write, write.keep_items ||
			  ddb_op_capacity_detail(request) != DDB_CAPACITY_NONE);
	return write_response(request, &write, write.old_item);
}

/* ----------------------------------------------------------------
 * DeleteItem
 * ----------------------------------------------------------------
 */
Jsonb *
ddb_op_delete_item(DdbDoc request)
{
	ItemWrite	write;
	ReturnValues returns;
	Jsonb	   *key_doc;
	ExprRequest context;

	ddb_op_check_mixing(request, &put_parameters);
	init_write(&write, request, apply_delete);
	key_doc = ddb_item_accept(ddb_request_doc(request, "Key"));
	write.key = ddb_doc_root(key_doc);
	returns = return_values_old_only(request);
	ddb_op_expressions(request, &context);
	write.condition = ddb_op_expression(request, &context, EXPR_CONDITION, "ConditionExpression");
	ddb_expr_context_finish(&context);

	write.table = ddb_op_open(request, RowExclusiveLock, ACL_SELECT | ACL_DELETE, "DeleteItem");
	ddb_key_of_argument(&write.table->keys, write.key, &write.columns);
	write.keep_items = returns == RETURN_ALL_OLD;

	if (!ddb_store_delete(write.table, &write.columns, &write.base))
		(void) apply_delete(&write.base, absent_item);
	return write_response(request, &write, write.old_item);
}

/* ----------------------------------------------------------------
 * UpdateItem
 * ----------------------------------------------------------------
 */

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

static const Jsonb *
updated_attributes(const ItemWrite *write, ReturnValues returns)
{
	const Jsonb *item = returns == RETURN_UPDATED_OLD ? write->old_item : write->new_item;

	if (item == NULL || write->update == NULL)
		return NULL;
	return ddb_expr_updated_attributes(write->update, ddb_doc_root(item));
}

static const Jsonb *
update_attributes(const ItemWrite *write, ReturnValues returns)
{
	switch (returns)
	{
		case RETURN_NONE:
			return NULL;
		case RETURN_ALL_OLD:
			return write->old_item;
		case RETURN_ALL_NEW:
			return write->new_item;
		case RETURN_UPDATED_OLD:
		case RETURN_UPDATED_NEW:
			return updated_attributes(write, returns);
	}
	elog(ERROR, "unrecognized ReturnValues %d", returns);
}

Jsonb *
ddb_op_update_item(DdbDoc request)
{
	ItemWrite	write;
	ReturnValues returns;
	Jsonb	   *key_doc;
	ExprRequest context;
	const DdbTable *table;

	ddb_op_check_mixing(request, &update_parameters);
	init_write(&write, request, apply_update);
	key_doc = ddb_item_accept(ddb_request_doc(request, "Key"));
	write.key = ddb_doc_root(key_doc);
	returns = return_values(request);
	ddb_op_expressions(request, &context);
	write.update = ddb_op_expression(request, &context, EXPR_UPDATE, "UpdateExpression");
	write.condition = ddb_op_expression(request, &context, EXPR_CONDITION, "ConditionExpression");
	ddb_expr_context_finish(&context);

	table = ddb_op_open(request, RowExclusiveLock, ACL_SELECT | ACL_INSERT | ACL_UPDATE, "UpdateItem");
	ddb_key_of_argument(&table->keys, write.key, &write.columns);
	check_targets(write.update, &table->keys);
	ddb_op_check_index_key_paths(table, write.update);
	ddb_op_check_index_key_values(table, write.update);
	write.table = table;
	write.keep_items = returns != RETURN_NONE;
	write.collection_full = ddb_op_collection_is_full(table, &write.columns);

	if (!ddb_store_update(table, &write.columns, &write.base))
	{
		Jsonb	   *created = apply_update(&write.base, absent_item);

		if (created != NULL)
			ddb_store_upsert(table, &write.columns, created, &write.base);
	}
	return write_response(request, &write, update_attributes(&write, returns));
}
