/*
 * sqlapi.c
 *	  The SQL door: functions of schema dynamo that run operations.
 *
 * Each function makes a request document and gives it to the dispatcher; what
 * an operation does is not known here.  The forms for people translate plain
 * JSON into such documents and responses back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "compat.h"
#include "error.h"
#include "expr_eval.h"
#include "funcarg.h"
#include "op.h"
#include "op_query.h"
#include "plainjson.h"
#include "wire.h"

/* items that a set-returning function takes from its cursor at once */
#define FETCH_ITEMS 64

/* ----------------------------------------------------------------
 * One function per operation
 * ----------------------------------------------------------------
 */

static const DdbOperation *
operation(const char *name)
{
	const DdbOperation *op = ddb_op_find(name, strlen(name));

	Assert(op != NULL);
	return op;
}

/* ends in a declaration, so that a semicolon may follow its use */
#define OPERATION_FUNCTION(function, name) \
DDB_FUNCTION(function); \
Datum \
function(PG_FUNCTION_ARGS) \
{ \
	static const DdbOperation *op = NULL; \
\
	if (op == NULL) \
		op = operation(name); \
	PG_RETURN_JSONB_P(ddb_op_execute(op, ddb_doc_root(PG_GETARG_JSONB_P(0)))); \
} \
extern int	ddb_no_such_object_

OPERATION_FUNCTION(ddb_create_table, "CreateTable");
OPERATION_FUNCTION(ddb_describe_table, "DescribeTable");
OPERATION_FUNCTION(ddb_list_tables, "ListTables");
OPERATION_FUNCTION(ddb_update_table, "UpdateTable");
OPERATION_FUNCTION(ddb_delete_table, "DeleteTable");
OPERATION_FUNCTION(ddb_tag_resource, "TagResource");
OPERATION_FUNCTION(ddb_untag_resource, "UntagResource");
OPERATION_FUNCTION(ddb_list_tags_of_resource, "ListTagsOfResource");
OPERATION_FUNCTION(ddb_put_resource_policy, "PutResourcePolicy");
OPERATION_FUNCTION(ddb_get_resource_policy, "GetResourcePolicy");
OPERATION_FUNCTION(ddb_delete_resource_policy, "DeleteResourcePolicy");
OPERATION_FUNCTION(ddb_update_time_to_live, "UpdateTimeToLive");
OPERATION_FUNCTION(ddb_describe_time_to_live, "DescribeTimeToLive");
OPERATION_FUNCTION(ddb_update_contributor_insights, "UpdateContributorInsights");
OPERATION_FUNCTION(ddb_describe_contributor_insights, "DescribeContributorInsights");
OPERATION_FUNCTION(ddb_list_contributor_insights, "ListContributorInsights");
OPERATION_FUNCTION(ddb_describe_table_replica_auto_scaling, "DescribeTableReplicaAutoScaling");
OPERATION_FUNCTION(ddb_update_table_replica_auto_scaling, "UpdateTableReplicaAutoScaling");
OPERATION_FUNCTION(ddb_describe_limits, "DescribeLimits");
OPERATION_FUNCTION(ddb_describe_endpoints, "DescribeEndpoints");
OPERATION_FUNCTION(ddb_put_item, "PutItem");
OPERATION_FUNCTION(ddb_get_item, "GetItem");
OPERATION_FUNCTION(ddb_update_item, "UpdateItem");
OPERATION_FUNCTION(ddb_delete_item, "DeleteItem");
OPERATION_FUNCTION(ddb_query, "Query");
OPERATION_FUNCTION(ddb_scan, "Scan");
OPERATION_FUNCTION(ddb_batch_get_item, "BatchGetItem");
OPERATION_FUNCTION(ddb_batch_write_item, "BatchWriteItem");
OPERATION_FUNCTION(ddb_start_bulk_put_items, "StartBulkPutItems");
OPERATION_FUNCTION(ddb_describe_bulk_operation, "DescribeBulkOperation");
OPERATION_FUNCTION(ddb_cancel_bulk_operation, "CancelBulkOperation");
OPERATION_FUNCTION(ddb_list_bulk_operations, "ListBulkOperations");
OPERATION_FUNCTION(ddb_transact_get_items, "TransactGetItems");
OPERATION_FUNCTION(ddb_transact_write_items, "TransactWriteItems");
OPERATION_FUNCTION(ddb_execute_statement, "ExecuteStatement");
OPERATION_FUNCTION(ddb_batch_execute_statement, "BatchExecuteStatement");
OPERATION_FUNCTION(ddb_execute_transaction, "ExecuteTransaction");
OPERATION_FUNCTION(ddb_list_streams, "ListStreams");
OPERATION_FUNCTION(ddb_describe_stream, "DescribeStream");
OPERATION_FUNCTION(ddb_get_shard_iterator, "GetShardIterator");
OPERATION_FUNCTION(ddb_get_records, "GetRecords");

/* ----------------------------------------------------------------
 * The dispatcher
 * ----------------------------------------------------------------
 */
DDB_FUNCTION(ddb_execute);
DDB_FUNCTION(ddb_execute_text);

static const DdbOperation *
operation_argument(text *name)
{
	const DdbOperation *op = ddb_op_find(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (op == NULL)
		ddb_error(DDB_UNKNOWN_OPERATION, "%s", "");
	return op;
}

Datum
ddb_execute(PG_FUNCTION_ARGS)
{
	const DdbOperation *op = operation_argument(PG_GETARG_TEXT_PP(0));

	PG_RETURN_JSONB_P(ddb_op_execute(op, ddb_doc_root(PG_GETARG_JSONB_P(1))));
}

Datum
ddb_execute_text(PG_FUNCTION_ARGS)
{
	text	   *body = PG_GETARG_TEXT_PP(1);
	Jsonb	   *request = ddb_wire_parse(VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body));
	const DdbOperation *op = operation_argument(PG_GETARG_TEXT_PP(0));
	Jsonb	   *response = ddb_op_execute(op, ddb_doc_root(request));
	StringInfoData out;

	initStringInfo(&out);
	ddb_wire_print(&out, ddb_doc_root(response));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* ----------------------------------------------------------------
 * Requests made from plain JSON
 * ----------------------------------------------------------------
 */

static void
add_text(JsonbValue *request, const char *name, FunctionCallInfo fcinfo, int arg)
{
	JsonbValue	value;
	text	   *txt;

	if (PG_ARGISNULL(arg))
		return;
	txt = PG_GETARG_TEXT_P(arg);
	ddb_json_string(&value, VARDATA(txt), VARSIZE(txt) - VARHDRSZ);
	ddb_json_add_value(request, name, &value);
}

static DdbDoc
plain_object(FunctionCallInfo fcinfo, int arg)
{
	DdbDoc		doc = ddb_doc_root(PG_GETARG_JSONB_P(arg));

	if (!ddb_doc_is_object(doc))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument %d must be a JSON object", arg + 1)));
	return doc;
}

/* a plain object as a map of attribute values: Key, Item, expression values */
static void
add_plain(JsonbValue *request, const char *name, FunctionCallInfo fcinfo, int arg)
{
	JsonbValue	value;

	if (PG_ARGISNULL(arg))
		return;
	ddb_plain_to_item_tree(plain_object(fcinfo, arg), &value);
	ddb_json_add_value(request, name, &value);
}

/* a plain object as it is: expression names */
static void
add_object(JsonbValue *request, const char *name, FunctionCallInfo fcinfo, int arg)
{
	JsonbValue	value;

	if (PG_ARGISNULL(arg))
		return;
	ddb_json_doc(&value, plain_object(fcinfo, arg));
	ddb_json_add_value(request, name, &value);
}

static Jsonb *
run(const char *name, const JsonbValue *request)
{
	return ddb_op_execute(operation(name), ddb_doc_root(ddb_json_encode(request)));
}

/* member of a response, an item, in plain JSON; NULL when absent */
static Jsonb *
plain_member(const Jsonb *response, const char *name)
{
	DdbDoc		item = ddb_request_doc(ddb_doc_root(response), name);

	return item.ptr ? ddb_item_to_plain(item) : NULL;
}

#define RETURN_PLAIN_MEMBER(response, name) \
	do { \
		Jsonb	   *plain_ = plain_member(response, name); \
		if (plain_ == NULL) \
			PG_RETURN_NULL(); \
		PG_RETURN_JSONB_P(plain_); \
	} while (0)

/* ----------------------------------------------------------------
 * The forms for people
 * ----------------------------------------------------------------
 */
DDB_FUNCTION(ddb_create_table_plain);
DDB_FUNCTION(ddb_get_item_plain);
DDB_FUNCTION(ddb_put_item_plain);
DDB_FUNCTION(ddb_update_item_plain);
DDB_FUNCTION(ddb_delete_item_plain);
DDB_FUNCTION(ddb_query_plain);
DDB_FUNCTION(ddb_scan_plain);
DDB_FUNCTION(ddb_item_matches);
DDB_FUNCTION(ddb_partiql_plain);

/* "Artist S": appends the key schema element and the attribute definition */
static void
add_key_attribute(FunctionCallInfo fcinfo, int arg, const char *key_type,
				  JsonbValue *schema, JsonbValue *definitions)
{
	char	   *definition;
	char	   *type;
	JsonbValue	element;

	if (PG_ARGISNULL(arg))
		return;
	definition = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	type = strrchr(definition, ' ');
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("key attribute \"%s\" has no type", definition),
				 errhint("Write attribute name, blank, and S, N or B.")));
	*type++ = '\0';

	ddb_json_object(&element, 2);
	ddb_json_add_string(&element, "AttributeName", definition);
	ddb_json_add_string(&element, "KeyType", key_type);
	ddb_json_append(schema, &element);
	ddb_json_object(&element, 2);
	ddb_json_add_string(&element, "AttributeName", definition);
	ddb_json_add_string(&element, "AttributeType", type);
	ddb_json_append(definitions, &element);
}

Datum
ddb_create_table_plain(PG_FUNCTION_ARGS)
{
	JsonbValue	request;
	JsonbValue	schema;
	JsonbValue	definitions;
	text	   *name;

	ddb_funcarg_require(fcinfo, 2);
	ddb_json_object(&request, 4);
	add_text(&request, "TableName", fcinfo, 0);
	ddb_json_add_string(&request, "BillingMode", "PAY_PER_REQUEST");
	ddb_json_array(&schema, 2);
	ddb_json_array(&definitions, 2);
	add_key_attribute(fcinfo, 1, "HASH", &schema, &definitions);
	add_key_attribute(fcinfo, 2, "RANGE", &schema, &definitions);
	ddb_json_add_value(&request, "KeySchema", &schema);
	ddb_json_add_value(&request, "AttributeDefinitions", &definitions);
	(void) run("CreateTable", &request);

	name = PG_GETARG_TEXT_PP(0);
	PG_RETURN_OID(ddb_catalog_find(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name))->relid);
}

Datum
ddb_get_item_plain(PG_FUNCTION_ARGS)
{
	JsonbValue	request;

	ddb_json_object(&request, 2);
	add_text(&request, "TableName", fcinfo, 0);
	add_plain(&request, "Key", fcinfo, 1);
	RETURN_PLAIN_MEMBER(run("GetItem", &request), "Item");
}

Datum
ddb_put_item_plain(PG_FUNCTION_ARGS)
{
	JsonbValue	request;

	ddb_funcarg_require(fcinfo, 2);
	ddb_json_object(&request, 5);
	add_text(&request, "TableName", fcinfo, 0);
	add_plain(&request, "Item", fcinfo, 1);
	add_text(&request, "ConditionExpression", fcinfo, 2);
	add_plain(&request, "ExpressionAttributeValues", fcinfo, 3);
	add_object(&request, "ExpressionAttributeNames", fcinfo, 4);
	(void) run("PutItem", &request);
	PG_RETURN_VOID();
}

Datum
ddb_update_item_plain(PG_FUNCTION_ARGS)
{
	JsonbValue	request;

	ddb_funcarg_require(fcinfo, 3);
	ddb_json_object(&request, 7);
	add_text(&request, "TableName", fcinfo, 0);
	add_plain(&request, "Key", fcinfo, 1);
	add_text(&request, "UpdateExpression", fcinfo, 2);
	add_plain(&request, "ExpressionAttributeValues", fcinfo, 3);
	add_object(&request, "ExpressionAttributeNames", fcinfo, 4);
	add_text(&request, "ConditionExpression", fcinfo, 5);
	ddb_json_add_string(&request, "ReturnValues", "ALL_NEW");
	RETURN_PLAIN_MEMBER(run("UpdateItem", &request), "Attributes");
}

Datum
ddb_delete_item_plain(PG_FUNCTION_ARGS)
{
	JsonbValue	request;

	ddb_funcarg_require(fcinfo, 2);
	ddb_json_object(&request, 6);
	add_text(&request, "TableName", fcinfo, 0);
	add_plain(&request, "Key", fcinfo, 1);
	add_text(&request, "ConditionExpression", fcinfo, 2);
	add_plain(&request, "ExpressionAttributeValues", fcinfo, 3);
	add_object(&request, "ExpressionAttributeNames", fcinfo, 4);
	ddb_json_add_string(&request, "ReturnValues", "ALL_OLD");
	RETURN_PLAIN_MEMBER(run("DeleteItem", &request), "Attributes");
}

/*
 * item_matches(item, condition, values, names): values in plain JSON.
 */
Datum
ddb_item_matches(PG_FUNCTION_ARGS)
{
	ExprRequest context;
	ExprBinding *condition;
	DdbDoc		names = {NULL, 0};
	DdbDoc		values = {NULL, 0};
	text	   *expression;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(2))
		values = ddb_doc_root(ddb_plain_to_item(plain_object(fcinfo, 2)));
	if (!PG_ARGISNULL(3))
		names = plain_object(fcinfo, 3);
	expression = PG_GETARG_TEXT_PP(1);
	ddb_expr_context_init(&context, names, values);
	condition = ddb_expr_prepare(&context, EXPR_CONDITION, VARDATA_ANY(expression),
								 VARSIZE_ANY_EXHDR(expression));
	ddb_expr_context_finish(&context);
	PG_RETURN_BOOL(ddb_expr_matches(condition, ddb_doc_root(PG_GETARG_JSONB_P(0))));
}

/* ----------------------------------------------------------------
 * Set-returning query and scan
 * ----------------------------------------------------------------
 */

typedef struct SetState
{
	DdbItemCursor *cursor;
	Jsonb	   *items[FETCH_ITEMS];
	int			count;			/* of items fetched */
	int			next;			/* of them to be returned */
} SetState;

/* the query that calls us ended before our set did */
static void
close_early(Datum arg)
{
	SetState   *state = (SetState *) DatumGetPointer(arg);

	ddb_item_cursor_close(state->cursor);
}

static SetState *
open_set(FunctionCallInfo fcinfo, const char *name, const JsonbValue *request, bool is_query)
{
	const DdbOperation *op = operation(name);
	DdbDoc		doc = ddb_doc_root(ddb_json_encode(request));
	SetState   *state = palloc0(sizeof(SetState));

	ddb_op_first_look(op, doc);
	ddb_shape_check(op->shape, doc, op->table_name_rule);
	state->cursor = ddb_item_cursor_open(doc, is_query);
	RegisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext,
								close_early, PointerGetDatum(state));
	return state;
}

static Datum
next_of_set(FunctionCallInfo fcinfo)
{
	FuncCallContext *funcctx = SRF_PERCALL_SETUP();
	SetState   *state = funcctx->user_fctx;
	Jsonb	   *plain;

	if (state->next == state->count)
	{
		MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		int			i;

		for (i = 0; i < state->count; i++)
			pfree(state->items[i]);
		state->count = ddb_item_cursor_fetch(state->cursor, FETCH_ITEMS, state->items);
		state->next = 0;
		MemoryContextSwitchTo(old);
	}
	if (state->count == 0)
	{
		UnregisterExprContextCallback(((ReturnSetInfo *) fcinfo->resultinfo)->econtext,
									  close_early, PointerGetDatum(state));
		ddb_item_cursor_close(state->cursor);
		SRF_RETURN_DONE(funcctx);
	}
	plain = ddb_item_to_plain(ddb_doc_root(state->items[state->next++]));
	SRF_RETURN_NEXT(funcctx, JsonbPGetDatum(plain));
}

Datum
ddb_query_plain(PG_FUNCTION_ARGS)
{
	if (SRF_IS_FIRSTCALL())
	{
		FuncCallContext *funcctx = SRF_FIRSTCALL_INIT();
		MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		JsonbValue	request;

		ddb_funcarg_require(fcinfo, 2);
		ddb_json_object(&request, 7);
		add_text(&request, "TableName", fcinfo, 0);
		add_text(&request, "KeyConditionExpression", fcinfo, 1);
		add_plain(&request, "ExpressionAttributeValues", fcinfo, 2);
		add_text(&request, "FilterExpression", fcinfo, 3);
		add_object(&request, "ExpressionAttributeNames", fcinfo, 4);
		ddb_json_add_bool(&request, "ScanIndexForward",
						  PG_ARGISNULL(5) || PG_GETARG_BOOL(5));
		add_text(&request, "IndexName", fcinfo, 6);
		funcctx->user_fctx = open_set(fcinfo, "Query", &request, true);
		MemoryContextSwitchTo(old);
	}
	return next_of_set(fcinfo);
}

/* an untyped literal resolves to scan(text), even when it is a request */
static void
refuse_document(text *table_name)
{
	if (VARSIZE_ANY_EXHDR(table_name) > 0 && *VARDATA_ANY(table_name) == '{')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table name is expected, not a request"),
				 errhint("To pass a request of the API, cast it to jsonb.")));
}

Datum
ddb_scan_plain(PG_FUNCTION_ARGS)
{
	if (SRF_IS_FIRSTCALL())
	{
		FuncCallContext *funcctx = SRF_FIRSTCALL_INIT();
		MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		JsonbValue	request;

		ddb_funcarg_require(fcinfo, 1);
		refuse_document(PG_GETARG_TEXT_PP(0));
		ddb_json_object(&request, 5);
		add_text(&request, "TableName", fcinfo, 0);
		add_text(&request, "FilterExpression", fcinfo, 1);
		add_plain(&request, "ExpressionAttributeValues", fcinfo, 2);
		add_object(&request, "ExpressionAttributeNames", fcinfo, 3);
		add_text(&request, "IndexName", fcinfo, 4);
		funcctx->user_fctx = open_set(fcinfo, "Scan", &request, false);
		MemoryContextSwitchTo(old);
	}
	return next_of_set(fcinfo);
}

/* ----------------------------------------------------------------
 * PartiQL
 * ----------------------------------------------------------------
 */

/* the items of a statement, page by page */
typedef struct StatementSet
{
	MemoryContext context;		/* of the statement */
	MemoryContext page_context; /* of the page at hand */
	JsonbValue	statement;
	JsonbValue	parameters;		/* array */
	int			nparameters;
	JsonbValue	token;			/* of the page after this one, */
	bool		more;			/* if there is one */
	DdbDoc		items;
	int			next;			/* item to be returned */
} StatementSet;

/* parameters in plain JSON as attribute values */
static void
add_parameters(StatementSet *set, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			i;

	deconstruct_array(array, JSONBOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &set->nparameters);
	ddb_json_array(&set->parameters, set->nparameters);
	for (i = 0; i < set->nparameters; i++)
	{
		JsonbValue	plain;
		JsonbValue	value;
		DdbDoc		root;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter %d must not be null", i + 1),
					 errhint("Null in DynamoDB's sense is 'null'::jsonb.")));
		root = ddb_doc_root(DatumGetJsonbP(elements[i]));
		if (JsonContainerIsScalar(root.ptr))
			(void) ddb_doc_element(root, 0, &plain);
		else
			ddb_json_doc(&plain, root);
		ddb_json_jsonb(&value, ddb_plain_to_value(&plain));
		ddb_json_append(&set->parameters, &value);
	}
}

static StatementSet *
open_statement(FunctionCallInfo fcinfo)
{
	StatementSet *set = palloc0(sizeof(StatementSet));
	text	   *statement;

	ddb_funcarg_require(fcinfo, 2);
	statement = PG_GETARG_TEXT_P_COPY(0);
	set->context = CurrentMemoryContext;
	set->page_context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo page",
											  ALLOCSET_DEFAULT_SIZES);
	ddb_json_string(&set->statement, VARDATA(statement), VARSIZE(statement) - VARHDRSZ);
	add_parameters(set, PG_GETARG_ARRAYTYPE_P_COPY(1));
	return set;
}

static void
take_token(StatementSet *set, DdbDoc response)
{
	MemoryContext old = MemoryContextSwitchTo(set->context);
	DdbText		token;

	set->more = ddb_request_string(response, "NextToken", &token);
	if (set->more)
		ddb_json_string(&set->token, pnstrdup(token.str, token.len), token.len);
	MemoryContextSwitchTo(old);
}

/* the next page takes the place of the one at hand */
static void
read_page(StatementSet *set)
{
	MemoryContext old;
	JsonbValue	request;
	DdbDoc		response;

	MemoryContextReset(set->page_context);
	old = MemoryContextSwitchTo(set->page_context);
	ddb_json_object(&request, 3);
	ddb_json_add_value(&request, "Statement", &set->statement);
	if (set->nparameters > 0)
		ddb_json_add_value(&request, "Parameters", &set->parameters);
	if (set->more)
		ddb_json_add_value(&request, "NextToken", &set->token);
	response = ddb_doc_root(run("ExecuteStatement", &request));
	if (set->more)
		pfree(set->token.val.string.val);
	take_token(set, response);
	set->items = ddb_request_doc(response, "Items");
	set->next = 0;
	MemoryContextSwitchTo(old);
}

Datum
ddb_partiql_plain(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	StatementSet *set;
	JsonbValue	item;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		funcctx->user_fctx = open_statement(fcinfo);
		MemoryContextSwitchTo(old);
		read_page(funcctx->user_fctx);
	}
	funcctx = SRF_PERCALL_SETUP();
	set = funcctx->user_fctx;
	while (!ddb_doc_element(set->items, set->next, &item))
	{
		if (!set->more)
			SRF_RETURN_DONE(funcctx);
		CHECK_FOR_INTERRUPTS();
		read_page(set);
	}
	set->next++;
	SRF_RETURN_NEXT(funcctx, JsonbPGetDatum(ddb_item_to_plain(ddb_doc_of(&item))));
}
