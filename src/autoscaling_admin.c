/*
 * autoscaling_admin.c
 *	  SQL functions that register, change and end auto scaling.
 *
 * Names and parameters are those of Application Auto Scaling, which has an API
 * of its own; the rules are UpdateTableReplicaAutoScaling's.  For the owner of
 * the table.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "access.h"
#include "compat.h"
#include "error.h"
#include "funcarg.h"
#include "op_autoscaling.h"

#define INVALID_PARAMETERS	"One or more parameter values were invalid: "
#define MAX_POLICY_NAME		256		/* bytes */

DDB_FUNCTION(ddb_register_scalable_target);
DDB_FUNCTION(ddb_deregister_scalable_target);
DDB_FUNCTION(ddb_put_scaling_policy);
DDB_FUNCTION(ddb_delete_scaling_policy);

typedef enum DimensionOf
{
	OF_EITHER,
	OF_TABLE,
	OF_INDEX
} DimensionOf;

static const struct Dimension
{
	const char *name;
	DimensionOf of;
	DdbUnits	kind;
}			dimensions[] = {
	{"dynamodb:table:ReadCapacityUnits", OF_TABLE, DDB_UNITS_READ},
	{"dynamodb:table:WriteCapacityUnits", OF_TABLE, DDB_UNITS_WRITE},
	{"dynamodb:index:ReadCapacityUnits", OF_INDEX, DDB_UNITS_READ},
	{"dynamodb:index:WriteCapacityUnits", OF_INDEX, DDB_UNITS_WRITE},
	{"ReadCapacityUnits", OF_EITHER, DDB_UNITS_READ},
	{"WriteCapacityUnits", OF_EITHER, DDB_UNITS_WRITE},
};

/* NULL for SQL's */
static text *
text_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? NULL : PG_GETARG_TEXT_PP(arg);
}

static DdbText
required_text_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return ddb_funcarg_text(fcinfo, arg);
}

static DdbUnits
read_dimension(DdbText name, bool has_index)
{
	int			i;

	for (i = 0; i < lengthof(dimensions); i++)
	{
		const struct Dimension *dimension = &dimensions[i];

		if (!ddb_text_is(name, dimension->name))
			continue;
		if (has_index && dimension->of == OF_TABLE)
			ddb_validation_error(INVALID_PARAMETERS "index_name cannot be specified for scalable dimension %s",
								 dimension->name);
		if (!has_index && dimension->of == OF_INDEX)
			ddb_validation_error(INVALID_PARAMETERS "index_name must be specified for scalable dimension %s",
								 dimension->name);
		return dimension->kind;
	}
	ddb_validation_error("1 validation error detected: Value '%.*s' at 'scalableDimension' failed to satisfy constraint: Member must satisfy enum value set: [dynamodb:table:ReadCapacityUnits, dynamodb:table:WriteCapacityUnits, dynamodb:index:ReadCapacityUnits, dynamodb:index:WriteCapacityUnits, ReadCapacityUnits, WriteCapacityUnits]",
						 name.len, name.str);
}

/*
 * The resource that the first two arguments and index_name tell, its table
 * locked against other changes of its settings.  Policies allow the operation,
 * or not.
 */
static void
open_resource(FunctionCallInfo fcinfo, int index_arg, DdbScalingResource *resource)
{
	DdbText		table = required_text_arg(fcinfo, 0, "table_name");
	DdbText		dimension = required_text_arg(fcinfo, 1, "scalable_dimension");
	bool		has_index = !PG_ARGISNULL(index_arg);
	static const char *const action = "UpdateTableReplicaAutoScaling";
	DdbFirstLook look = {.action = action, .whole = true};
	DdbText		no_index = {NULL, 0};

	ddb_access_check_table(&look, table, no_index);
	PreventCommandIfReadOnly(action);
	resource->kind = read_dimension(dimension, has_index);
	resource->table = ddb_catalog_open(ddb_catalog_table_name(table, action),
									   ShareUpdateExclusiveLock, DDB_ACL_OWNER, action, true);
	resource->index = has_index ?
		ddb_op_scaling_index(resource->table, required_text_arg(fcinfo, index_arg, "index_name")) :
		NULL;
}

/* a capacity; what is NULL stays */
static void
read_capacity(FunctionCallInfo fcinfo, int arg, const char *name, int64 *capacity)
{
	if (PG_ARGISNULL(arg))
		return;
	*capacity = PG_GETARG_INT64(arg);
	if (*capacity < 1)
		ddb_validation_error(INVALID_PARAMETERS "%s must be at least 1", name);
}

/*
 * register_scalable_target(table_name text, scalable_dimension text,
 * min_capacity bigint, max_capacity bigint, index_name text, suspended boolean)
 * returns void
 */
Datum
ddb_register_scalable_target(PG_FUNCTION_ARGS)
{
	DdbScalingResource resource;
	DdbScalingTarget *target;

	open_resource(fcinfo, 4, &resource);
	target = ddb_op_read_scaling(&resource);
	read_capacity(fcinfo, 2, "min_capacity", &target->min);
	read_capacity(fcinfo, 3, "max_capacity", &target->max);
	if (!PG_ARGISNULL(5))
		target->suspended = PG_GETARG_BOOL(5);
	ddb_op_store_scaling(&resource, target);
	PG_RETURN_VOID();
}

/*
 * deregister_scalable_target(table_name text, scalable_dimension text,
 * index_name text) returns void
 */
Datum
ddb_deregister_scalable_target(PG_FUNCTION_ARGS)
{
	DdbScalingResource resource;
	DdbScalingTarget *target;

	open_resource(fcinfo, 2, &resource);
	target = ddb_op_require_scaling(&resource);
	(void) ddb_scaling_delete(target->resource, target->kind);
	PG_RETURN_VOID();
}

static int
int_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? 0 : PG_GETARG_INT32(arg);
}

/* a policy without a name keeps the one that it has */
static void
read_policy_name(FunctionCallInfo fcinfo, int arg, const DdbScalingResource *resource,
				 DdbScalingTarget *target)
{
	text	   *name = text_arg(fcinfo, arg);

	if (name == NULL)
	{
		if (target->policy_name == NULL)
			target->policy_name = ddb_op_scaling_policy_name(resource);
		return;
	}
	if (VARSIZE_ANY_EXHDR(name) < 1 || VARSIZE_ANY_EXHDR(name) > MAX_POLICY_NAME)
		ddb_validation_error(INVALID_PARAMETERS "policy_name must have 1 to %d characters",
							 MAX_POLICY_NAME);
	target->policy_name = text_to_cstring(name);
}

/*
 * put_scaling_policy(table_name text, scalable_dimension text, target_value
 * double precision, scale_in_cooldown integer, scale_out_cooldown integer,
 * disable_scale_in boolean, index_name text, policy_name text) returns void
 */
Datum
ddb_put_scaling_policy(PG_FUNCTION_ARGS)
{
	DdbScalingResource resource;
	DdbScalingTarget *target;

	open_resource(fcinfo, 6, &resource);
	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", "target_value")));
	target = ddb_op_require_scaling(&resource);
	target->target_value = PG_GETARG_FLOAT8(2);
	target->scale_in_cooldown = int_arg(fcinfo, 3);
	target->scale_out_cooldown = int_arg(fcinfo, 4);
	target->disable_scale_in = !PG_ARGISNULL(5) && PG_GETARG_BOOL(5);
	read_policy_name(fcinfo, 7, &resource, target);
	ddb_op_store_scaling(&resource, target);
	PG_RETURN_VOID();
}

/*
 * delete_scaling_policy(table_name text, scalable_dimension text, index_name
 * text, policy_name text) returns void
 */
Datum
ddb_delete_scaling_policy(PG_FUNCTION_ARGS)
{
	DdbScalingResource resource;
	DdbScalingTarget *target;
	text	   *name = text_arg(fcinfo, 3);

	open_resource(fcinfo, 2, &resource);
	target = ddb_op_require_scaling(&resource);
	if (target->policy_name == NULL ||
		(name != NULL && strcmp(text_to_cstring(name), target->policy_name) != 0))
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "No scaling policy found for service namespace: dynamodb, resource ID: %s, scalable dimension: %s",
				  ddb_op_scaling_id(&resource), ddb_op_scaling_dimension(&resource));
	target->policy_name = NULL;
	ddb_scaling_store(target);
	PG_RETURN_VOID();
}
