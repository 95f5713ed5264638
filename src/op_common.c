/*
 * op_common.c
 *	  What the item operations share: mixing rules, expressions of a request,
 *	  capacity units.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "error.h"
#include "op_common.h"

#define READ_UNIT_BYTES		4096

/* ----------------------------------------------------------------
 * Mixing rules
 * ----------------------------------------------------------------
 */

/*
 * Names of those parameters that the request has, joined by ", "; NULL when
 * it has none.
 */
static char *
present_parameters(DdbDoc request, const char *const *names)
{
	StringInfoData list;
	int			i;

	list.data = NULL;
	for (i = 0; names[i] != NULL; i++)
	{
		if (!ddb_request_has(request, names[i]))
			continue;
		if (list.data == NULL)
			initStringInfo(&list);
		else
			appendStringInfoString(&list, ", ");
		appendStringInfoString(&list, names[i]);
	}
	return list.data;
}

static bool
has_any(DdbDoc request, const char *const *names)
{
	int			i;

	for (i = 0; names[i] != NULL; i++)
	{
		if (ddb_request_has(request, names[i]))
			return true;
	}
	return false;
}

void
ddb_op_check_mixing(DdbDoc request, const DdbParameterSets *sets)
{
	char	   *legacy = present_parameters(request, sets->legacy);
	bool		has_expression = has_any(request, sets->expression);

	if (legacy != NULL && has_expression)
		ddb_validation_error("Can not use both expression and non-expression parameters in the same request: "
							 "Non-expression parameters: {%s} Expression parameters: {%s}",
							 legacy, present_parameters(request, sets->expression));
	if (!has_expression && ddb_request_has(request, "ExpressionAttributeNames"))
		ddb_validation_error("ExpressionAttributeNames can only be specified when using expressions");
	if (sets->needs_values != NULL &&
		ddb_request_has(request, "ExpressionAttributeValues") &&
		!has_any(request, sets->value_expressions))
		ddb_validation_error("ExpressionAttributeValues can only be specified when using expressions: %s",
							 sets->needs_values);
}

/* ----------------------------------------------------------------
 * Expressions
 * ----------------------------------------------------------------
 */

void
ddb_op_expressions(DdbDoc request, ExprRequest *context)
{
	ddb_expr_context_init(context,
						  ddb_request_doc(request, "ExpressionAttributeNames"),
						  ddb_request_doc(request, "ExpressionAttributeValues"));
}

ExprBinding *
ddb_op_expression(DdbDoc request, ExprRequest *context, ExprKind kind, const char *parameter)
{
	DdbText		text;

	if (!ddb_request_string(request, parameter, &text))
		return NULL;
	return ddb_expr_prepare(context, kind, text.str, text.len);
}

void
ddb_op_check_key_paths(const ExprBinding *binding, const DdbKeySchema *keys)
{
	int			i;

	if (binding == NULL)
		return;
	for (i = 0; i < keys->nattrs; i++)
	{
		if (ddb_expr_uses_attribute(binding, keys->attr[i].name, true))
			ddb_validation_error("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %.*s",
								 keys->attr[i].name.len, keys->attr[i].name.str);
	}
}

DdbText
ddb_op_table_name(DdbDoc request)
{
	DdbText		name = {NULL, 0};

	(void) ddb_request_string(request, "TableName", &name);
	return name;
}

const DdbTable *
ddb_op_open(DdbDoc request, LOCKMODE lockmode, AclMode acl, const char *action)
{
	DdbText		name = ddb_catalog_table_name(ddb_op_table_name(request), action);

	return ddb_catalog_open(name, lockmode, acl, action, false);
}

/* ----------------------------------------------------------------
 * Capacity
 * ----------------------------------------------------------------
 */

DdbCapacityDetail
ddb_op_capacity_detail(DdbDoc request)
{
	/* in the order of DdbCapacityDetail */
	static const char *const values[] = {"NONE", "TOTAL", "INDEXES", NULL};

	return (DdbCapacityDetail) ddb_request_enum(request, "ReturnConsumedCapacity",
												values, DDB_CAPACITY_NONE);
}

double
ddb_read_units(int64 bytes, bool consistent)
{
	int64		units = Max((bytes + READ_UNIT_BYTES - 1) / READ_UNIT_BYTES, 1);

	return consistent ? (double) units : units / 2.0;
}

/*
 * A size that costs as many units as the item.  Its jsonb is never smaller
 * than its size as DynamoDB counts, so that most items need no counting.
 */
static int64
charged_bytes(DdbDoc item, int unit_bytes)
{
	if (item.ptr == NULL || item.len <= unit_bytes)
		return unit_bytes;
	return ddb_item_size(item);
}

double
ddb_item_read_units(DdbDoc item, bool consistent)
{
	return ddb_read_units(charged_bytes(item, READ_UNIT_BYTES), consistent);
}

double
ddb_item_write_units(DdbDoc item)
{
	int64		bytes = charged_bytes(item, DDB_WRITE_UNIT_BYTES);

	return (double) Max((bytes + DDB_WRITE_UNIT_BYTES - 1) / DDB_WRITE_UNIT_BYTES, 1);
}

/* a member {"CapacityUnits": units} */
static void
add_units(JsonbValue *object, const char *name, int len, double units)
{
	JsonbValue	value;

	ddb_json_object(&value, 1);
	ddb_json_add_double(&value, "CapacityUnits", units);
	ddb_json_add(object, name, len, &value);
}

/* the indexes of one kind that have units, if there are any */
static void
add_index_units(JsonbValue *capacity, const char *member, const DdbTable *table,
				const double *units, bool global)
{
	JsonbValue	indexes;
	int			count = 0;
	int			i;

	ddb_json_object(&indexes, table->nindexes);
	for (i = 0; i < table->nindexes; i++)
	{
		const DdbIndex *index = &table->indexes[i];

		if (index->global != global || units[i] <= 0)
			continue;
		add_units(&indexes, index->name, strlen(index->name), units[i]);
		count++;
	}
	if (count > 0)
		ddb_json_add_value(capacity, member, &indexes);
}

/*
 * ddb_op_capacity: one ConsumedCapacity.  With INDEXES it shows the table's
 * part and each index that has units; CapacityUnits is the sum in either shape.
 */
void
ddb_op_capacity(JsonbValue *capacity, DdbCapacityDetail detail, DdbText table_name,
				const DdbTable *table, double table_units, const double *index_units)
{
	double		total = table_units;
	JsonbValue	value;
	int			i;

	for (i = 0; index_units != NULL && i < table->nindexes; i++)
		total += index_units[i];
	ddb_json_object(capacity, 5);
	ddb_json_string(&value, table_name.str, table_name.len);
	ddb_json_add_value(capacity, "TableName", &value);
	ddb_json_add_double(capacity, "CapacityUnits", total);
	if (detail != DDB_CAPACITY_INDEXES)
		return;
	add_units(capacity, "Table", strlen("Table"), table_units);
	if (index_units != NULL)
	{
		add_index_units(capacity, "LocalSecondaryIndexes", table, index_units, false);
		add_index_units(capacity, "GlobalSecondaryIndexes", table, index_units, true);
	}
}

/*
 * ddb_op_add_index_capacity: ConsumedCapacity of a request that reached
 * indexes.
 */
void
ddb_op_add_index_capacity(JsonbValue *response, DdbDoc request, const DdbTable *table,
						  double table_units, const double *index_units)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	JsonbValue	capacity;

	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_op_capacity(&capacity, detail, ddb_op_table_name(request), table, table_units,
					index_units);
	ddb_json_add_value(response, "ConsumedCapacity", &capacity);
}

void
ddb_op_add_capacity(JsonbValue *response, DdbDoc request, double units)
{
	ddb_op_add_index_capacity(response, request, NULL, units, NULL);
}
