/*
 * op_item.c
 *	  GetItem, PutItem, UpdateItem, DeleteItem.
 *
 * A handler goes through the checks in the service's order; what is written,
 * and how it is refused, is op_write.c's.
 */
#include "postgres.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "op.h"
#include "op_access.h"
#include "op_capacity.h"
#include "op_common.h"
#include "op_legacy.h"
#include "op_write.h"
#include "store.h"

typedef enum ReturnValues
{
	RETURN_NONE,
	RETURN_ALL_OLD,
	RETURN_UPDATED_OLD,
	RETURN_ALL_NEW,
	RETURN_UPDATED_NEW
} ReturnValues;

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

/*
 * Condition and update, from legacy parameters or from expressions: a request
 * has but one kind of them.
 */
static void
read_conditions(DdbItemWrite *write, DdbDoc request)
{
	ExprBinding *updates = NULL;
	ExprBinding *expected;

	if (write->kind == DDB_WRITE_UPDATE)
		updates = ddb_legacy_updates(request);
	expected = ddb_legacy_expected(request);
	ddb_write_expressions(write, request);
	if (updates != NULL)
		write->update = updates;
	if (expected != NULL)
		write->condition = expected;
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
write_response(DdbDoc request, const DdbItemWrite *write, const Jsonb *attributes)
{
	JsonbValue	response;

	ddb_write_consume(write, 1);
	ddb_json_object(&response, 3);
	add_jsonb(&response, "Attributes", attributes);
	ddb_op_add_write_capacity(&response, request, write->table,
							  ddb_write_units(write),
							  &write->index_units);
	ddb_op_add_collection_metrics(&response, request, write->table, write->key,
								  &write->columns);
	return ddb_json_encode(&response);
}

static const DdbTable *
open_for(DdbDoc request, const DdbItemWrite *write)
{
	return ddb_op_open(request, RowExclusiveLock, ddb_write_rights(write->kind),
					   ddb_write_action(write->kind));
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
	DdbUse		use = {.index = NULL};
	Jsonb	   *item;
	JsonbValue	response;
	bool		consistent = false;
	double		units;

	ddb_op_check_mixing(request, &get_parameters);
	key_doc = ddb_item_accept(ddb_request_doc(request, "Key"));
	projection = ddb_legacy_projection(request);
	ddb_op_expressions(request, &context);
	if (projection == NULL)
		projection = ddb_op_expression(request, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);

	table = ddb_op_open(request, AccessShareLock, ACL_SELECT, "GetItem");
	ddb_key_of_argument(&table->keys, ddb_doc_root(key_doc), &key);
	ddb_op_check_key_paths(projection, &table->keys);
	ddb_op_check_index_key_paths(table, projection);
	ddb_op_access_get(request, table, key_doc, projection);
	use.table = table;
	use.key = ddb_doc_root(key_doc);
	ddb_capacity_admit(&use, DDB_UNITS_READ, 0);

	item = ddb_store_get(table, &key);
	ddb_json_object(&response, 2);
	if (item != NULL)
		add_jsonb(&response, "Item",
				  projection ? ddb_expr_project(projection, ddb_doc_root(item)) : item);
	(void) ddb_request_bool(request, "ConsistentRead", &consistent);
	units = ddb_item_read_units(item ? ddb_doc_root(item) : absent_item, consistent);
	ddb_capacity_consume(&use, DDB_UNITS_READ, units);
	ddb_capacity_returned(table, item != NULL);
	ddb_op_add_capacity(&response, request, units);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * PutItem
 * ----------------------------------------------------------------
 */

Jsonb *
ddb_op_put_item(DdbDoc request)
{
	DdbItemWrite write;
	ReturnValues returns;

	ddb_op_check_mixing(request, &put_parameters);
	ddb_write_init(&write, DDB_WRITE_PUT);
	ddb_write_values(&write, request);
	returns = return_values_old_only(request);
	ddb_write_check_size(&write);
	read_conditions(&write, request);

	ddb_write_accept(&write, open_for(request, &write));
	ddb_op_access_write(request, &write);
	ddb_write_admit(&write);
	write.keep_items = returns == RETURN_ALL_OLD;
	write.look |= ddb_op_capacity_detail(request) != DDB_CAPACITY_NONE;
	ddb_write_run(&write);
	return write_response(request, &write, write.old_item);
}

/* ----------------------------------------------------------------
 * DeleteItem
 * ----------------------------------------------------------------
 */
Jsonb *
ddb_op_delete_item(DdbDoc request)
{
	DdbItemWrite write;
	ReturnValues returns;

	ddb_op_check_mixing(request, &put_parameters);
	ddb_write_init(&write, DDB_WRITE_DELETE);
	ddb_write_values(&write, request);
	returns = return_values_old_only(request);
	read_conditions(&write, request);

	ddb_write_accept(&write, open_for(request, &write));
	ddb_op_access_write(request, &write);
	ddb_write_admit(&write);
	write.keep_items = returns == RETURN_ALL_OLD;
	ddb_write_run(&write);
	return write_response(request, &write, write.old_item);
}

/* ----------------------------------------------------------------
 * UpdateItem
 * ----------------------------------------------------------------
 */

static const Jsonb *
updated_attributes(const DdbItemWrite *write, const Jsonb *item)
{
	if (item == NULL || write->update == NULL)
		return NULL;
	return ddb_expr_updated_attributes(write->update, ddb_doc_root(item));
}

static const Jsonb *
update_attributes(const DdbItemWrite *write, ReturnValues returns)
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
			return updated_attributes(write, write->old_item);
		case RETURN_UPDATED_NEW:
			return updated_attributes(write, write->new_item);
	}
	elog(ERROR, "unrecognized ReturnValues %d", returns);
}

Jsonb *
ddb_op_update_item(DdbDoc request)
{
	DdbItemWrite write;
	ReturnValues returns;

	ddb_op_check_mixing(request, &update_parameters);
	ddb_write_init(&write, DDB_WRITE_UPDATE);
	ddb_write_values(&write, request);
	returns = return_values(request);
	read_conditions(&write, request);

	ddb_write_accept(&write, open_for(request, &write));
	ddb_op_access_write(request, &write);
	ddb_write_admit(&write);
	write.keep_items = returns != RETURN_NONE;
	ddb_write_run(&write);
	return write_response(request, &write, update_attributes(&write, returns));
}
