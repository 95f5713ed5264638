/*
 * op.c
 *	  The registry of operations and the dispatcher.
 *
 * Both doors come through ddb_op_execute, so that SQL and HTTP give the same
 * answer.  Only this file knows the handlers.  Every operation of the API has
 * a row; those without a handler are known by name, so that callers can tell
 * them from misspellings, and are refused as the service refuses an operation
 * that it does not have.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "portability/instr_time.h"

#include "catalog.h"
#include "error.h"
#include "op.h"
#include "op_capacity.h"
#include "shapes.h"

/* sorted by name, by bytes */
static const DdbOperation operations[] = {
	{
		.name = "BatchExecuteStatement",
		.shape = &ddb_shape_batch_execute_statement,
		.handler = ddb_op_batch_execute_statement,
		.metered = DDB_METERED_BATCH_EXECUTE_STATEMENT,
		.read_only = true,
		.conflict = DDB_CONFLICT_BATCH,
		.resource = DDB_RESOURCE_STATEMENTS
	},
	{
		.name = "BatchGetItem",
		.shape = &ddb_shape_batch_get_item,
		.handler = ddb_op_batch_get_item,
		.metered = DDB_METERED_BATCH_GET_ITEM,
		.read_only = true,
		.resource = DDB_RESOURCE_REQUEST_ITEMS
	},
	{
		.name = "BatchWriteItem",
		.shape = &ddb_shape_batch_write_item,
		.handler = ddb_op_batch_write_item,
		.metered = DDB_METERED_BATCH_WRITE_ITEM,
		.conflict = DDB_CONFLICT_BATCH,
		.resource = DDB_RESOURCE_REQUEST_ITEMS
	},
	{
		.name = "CancelBulkOperation",
		.shape = &ddb_shape_cancel_bulk_operation,
		.handler = ddb_op_cancel_bulk_operation,
		.resource = DDB_RESOURCE_BULK
	},
	{.name = "CreateBackup", .table_name_rule = DDB_TABLE_NAME_CONTROL},
	{.name = "CreateGlobalTable"},
	{
		.name = "CreateTable",
		.shape = &ddb_shape_create_table,
		.handler = ddb_op_create_table,
		.resource = DDB_RESOURCE_NEW_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CREATE
	},
	{.name = "DeleteBackup"},
	{
		.name = "DeleteItem",
		.shape = &ddb_shape_delete_item,
		.handler = ddb_op_delete_item,
		.metered = DDB_METERED_DELETE_ITEM,
		.conflict = DDB_CONFLICT_ITEM,
		.resource = DDB_RESOURCE_ITEMS
	},
	{
		.name = "DeleteResourcePolicy",
		.shape = &ddb_shape_delete_resource_policy,
		.handler = ddb_op_delete_resource_policy,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "DeleteTable",
		.shape = &ddb_shape_delete_table,
		.handler = ddb_op_delete_table,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{.name = "DescribeBackup", .read_only = true},
	{
		.name = "DescribeBulkOperation",
		.shape = &ddb_shape_describe_bulk_operation,
		.handler = ddb_op_describe_bulk_operation,
		.read_only = true,
		.resource = DDB_RESOURCE_BULK
	},
	{
		.name = "DescribeContinuousBackups",
		.read_only = true,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DescribeContributorInsights",
		.shape = &ddb_shape_describe_contributor_insights,
		.handler = ddb_op_describe_contributor_insights,
		.read_only = true,
		.resource = DDB_RESOURCE_INDEX,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DescribeEndpoints",
		.shape = &ddb_shape_describe_endpoints,
		.handler = ddb_op_describe_endpoints,
		.read_only = true
	},
	{.name = "DescribeExport", .read_only = true},
	{.name = "DescribeGlobalTable", .read_only = true},
	{.name = "DescribeGlobalTableSettings", .read_only = true},
	{.name = "DescribeImport", .read_only = true},
	{
		.name = "DescribeKinesisStreamingDestination",
		.read_only = true,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DescribeLimits",
		.shape = &ddb_shape_describe_limits,
		.handler = ddb_op_describe_limits,
		.read_only = true
	},
	{
		.name = "DescribeStream",
		.shape = &ddb_shape_describe_stream,
		.handler = ddb_op_describe_stream,
		.read_only = true,
		.resource = DDB_RESOURCE_STREAM
	},
	{
		.name = "DescribeTable",
		.shape = &ddb_shape_describe_table,
		.handler = ddb_op_describe_table,
		.read_only = true,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DescribeTableReplicaAutoScaling",
		.shape = &ddb_shape_describe_table_replica_auto_scaling,
		.handler = ddb_op_describe_table_replica_auto_scaling,
		.read_only = true,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DescribeTimeToLive",
		.shape = &ddb_shape_describe_time_to_live,
		.handler = ddb_op_describe_time_to_live,
		.read_only = true,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "DisableKinesisStreamingDestination",
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "EnableKinesisStreamingDestination",
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "ExecuteStatement",
		.shape = &ddb_shape_execute_statement,
		.handler = ddb_op_execute_statement,
		.metered = DDB_METERED_EXECUTE_STATEMENT,
		.read_only = true,
		.conflict = DDB_CONFLICT_ITEM,
		.resource = DDB_RESOURCE_STATEMENTS
	},
	{
		.name = "ExecuteTransaction",
		.shape = &ddb_shape_execute_transaction,
		.handler = ddb_op_execute_transaction,
		.metered = DDB_METERED_EXECUTE_TRANSACTION,
		.read_only = true,
		.conflict = DDB_CONFLICT_TRANSACTION,
		.resource = DDB_RESOURCE_STATEMENTS
	},
	{.name = "ExportTableToPointInTime"},
	{
		.name = "GetItem",
		.shape = &ddb_shape_get_item,
		.handler = ddb_op_get_item,
		.metered = DDB_METERED_GET_ITEM,
		.read_only = true,
		.resource = DDB_RESOURCE_ITEMS
	},
	{
		.name = "GetRecords",
		.shape = &ddb_shape_get_records,
		.handler = ddb_op_get_records,
		.metered = DDB_METERED_GET_RECORDS,
		.read_only = true,
		.resource = DDB_RESOURCE_ITERATOR
	},
	{
		.name = "GetResourcePolicy",
		.shape = &ddb_shape_get_resource_policy,
		.handler = ddb_op_get_resource_policy,
		.read_only = true,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "GetShardIterator",
		.shape = &ddb_shape_get_shard_iterator,
		.handler = ddb_op_get_shard_iterator,
		.read_only = true,
		.resource = DDB_RESOURCE_STREAM
	},
	{.name = "ImportTable"},
	{.name = "ListBackups", .read_only = true},
	{
		.name = "ListBulkOperations",
		.shape = &ddb_shape_list_bulk_operations,
		.handler = ddb_op_list_bulk_operations,
		.read_only = true
	},
	{
		.name = "ListContributorInsights",
		.shape = &ddb_shape_list_contributor_insights,
		.handler = ddb_op_list_contributor_insights,
		.read_only = true
	},
	{.name = "ListExports", .read_only = true},
	{.name = "ListGlobalTables", .read_only = true},
	{.name = "ListImports", .read_only = true},
	{
		.name = "ListStreams",
		.shape = &ddb_shape_list_streams,
		.handler = ddb_op_list_streams,
		.read_only = true
	},
	{
		.name = "ListTables",
		.shape = &ddb_shape_list_tables,
		.handler = ddb_op_list_tables,
		.read_only = true
	},
	{
		.name = "ListTagsOfResource",
		.shape = &ddb_shape_list_tags_of_resource,
		.handler = ddb_op_list_tags_of_resource,
		.read_only = true,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "PutItem",
		.shape = &ddb_shape_put_item,
		.handler = ddb_op_put_item,
		.metered = DDB_METERED_PUT_ITEM,
		.conflict = DDB_CONFLICT_ITEM,
		.resource = DDB_RESOURCE_ITEMS
	},
	{
		.name = "PutResourcePolicy",
		.shape = &ddb_shape_put_resource_policy,
		.handler = ddb_op_put_resource_policy,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "Query",
		.shape = &ddb_shape_query,
		.handler = ddb_op_query,
		.metered = DDB_METERED_QUERY,
		.read_only = true,
		.resource = DDB_RESOURCE_PAGE
	},
	{.name = "RestoreTableFromBackup"},
	{.name = "RestoreTableToPointInTime"},
	{
		.name = "Scan",
		.shape = &ddb_shape_scan,
		.handler = ddb_op_scan,
		.metered = DDB_METERED_SCAN,
		.read_only = true,
		.resource = DDB_RESOURCE_PAGE
	},
	{.name = "SearchVectors", .read_only = true},
	{
		.name = "StartBulkPutItems",
		.shape = &ddb_shape_start_bulk_put_items,
		.handler = ddb_op_start_bulk_put_items,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "TagResource",
		.shape = &ddb_shape_tag_resource,
		.handler = ddb_op_tag_resource,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "TransactGetItems",
		.shape = &ddb_shape_transact_get_items,
		.handler = ddb_op_transact_get_items,
		.metered = DDB_METERED_TRANSACT_GET_ITEMS,
		.read_only = true,
		.resource = DDB_RESOURCE_TRANSACT_ITEMS
	},
	{
		.name = "TransactWriteItems",
		.shape = &ddb_shape_transact_write_items,
		.handler = ddb_op_transact_write_items,
		.metered = DDB_METERED_TRANSACT_WRITE_ITEMS,
		.conflict = DDB_CONFLICT_TRANSACTION,
		.resource = DDB_RESOURCE_TRANSACT_ITEMS
	},
	{
		.name = "UntagResource",
		.shape = &ddb_shape_untag_resource,
		.handler = ddb_op_untag_resource,
		.resource = DDB_RESOURCE_ARN
	},
	{
		.name = "UpdateContinuousBackups",
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "UpdateContributorInsights",
		.shape = &ddb_shape_update_contributor_insights,
		.handler = ddb_op_update_contributor_insights,
		.resource = DDB_RESOURCE_INDEX,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{.name = "UpdateGlobalTable"},
	{.name = "UpdateGlobalTableSettings"},
	{
		.name = "UpdateItem",
		.shape = &ddb_shape_update_item,
		.handler = ddb_op_update_item,
		.metered = DDB_METERED_UPDATE_ITEM,
		.conflict = DDB_CONFLICT_ITEM,
		.resource = DDB_RESOURCE_ITEMS
	},
	{
		.name = "UpdateKinesisStreamingDestination",
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "UpdateTable",
		.shape = &ddb_shape_update_table,
		.handler = ddb_op_update_table,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "UpdateTableReplicaAutoScaling",
		.shape = &ddb_shape_update_table_replica_auto_scaling,
		.handler = ddb_op_update_table_replica_auto_scaling,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
	{
		.name = "UpdateTimeToLive",
		.shape = &ddb_shape_update_time_to_live,
		.handler = ddb_op_update_time_to_live,
		.resource = DDB_RESOURCE_TABLE,
		.table_name_rule = DDB_TABLE_NAME_CONTROL
	},
};

DdbConsumed ddb_op_consumed = {0, 0};
DdbDoor		ddb_op_door = {false, NULL};

/* operations under way, one inside the other: more than one only by triggers */
static int	depth = 0;

/* the two sides of a look-up by name */
typedef struct NameKey
{
	const char *name;
	int			len;			/* in bytes */
} NameKey;

static int
compare_name(const void *key, const void *row)
{
	const NameKey *wanted = key;
	const char *name = ((const DdbOperation *) row)->name;
	int			len = strlen(name);
	int			order = memcmp(wanted->name, name, Min(wanted->len, len));

	return order != 0 ? order : wanted->len - len;
}

#ifdef USE_ASSERT_CHECKING
static bool
registry_is_sorted(void)
{
	int			i;

	for (i = 1; i < lengthof(operations); i++)
	{
		if (strcmp(operations[i - 1].name, operations[i].name) >= 0)
			return false;
	}
	return true;
}
#endif

/*
 * ddb_op_find returns the row of an operation, case sensitive, or NULL for a
 * name that the API does not have.
 */
const DdbOperation *
ddb_op_find(const char *name, int len)
{
	NameKey		key = {.name = name, .len = len};

	Assert(registry_is_sorted());
	return bsearch(&key, operations, lengthof(operations),
				   sizeof(DdbOperation), compare_name);
}

int
ddb_op_count(void)
{
	return lengthof(operations);
}

const DdbOperation *
ddb_op_at(int i)
{
	Assert(i >= 0 && i < lengthof(operations));
	return &operations[i];
}

int
ddb_op_index(const DdbOperation *op)
{
	Assert(op >= operations && op < operations + lengthof(operations));
	return op - operations;
}

/* The ARN of the table that a request names, or "*" where it names none. */
static char *
arn_of_request(DdbDoc request)
{
	DdbText		name;

	if (!ddb_request_string(request, "TableName", &name))
		return pstrdup("*");
	if (name.len >= 4 && memcmp(name.str, "arn:", 4) == 0)
		return pnstrdup(name.str, name.len);
	return ddb_arn_of_table(name.str, name.len);
}

/*
 * What row security, or a trigger of the table's owner, does not permit is
 * access denied; the server's own words go into the hint, for people in psql.
 * Called inside PG_CATCH.
 */
static void
translate_error(const DdbOperation *op, DdbDoc request, MemoryContext caller)
{
	ErrorData  *error;

	if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
		return;

	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	ddb_access_denied_because(op->name, arn_of_request(request), error->message);
}

/*
 * What the door answers to an error of the server that ends a call, which had
 * to do with tables; NULL when it repeats the call, or has nobody to answer to.
 */
static const DdbErrorInfo *
answer_to_error(const DdbOperation *op, int sqlerrcode)
{
	bool		conflicts = op->conflict != DDB_CONFLICT_RETRY;

	if (ddb_op_door.repeats)
		return NULL;
	switch (sqlerrcode)
	{
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return ddb_error_info(DDB_ACCESS_DENIED);
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return ddb_error_info(conflicts ? DDB_TRANSACTION_CONFLICT :
								  DDB_INTERNAL_SERVER_ERROR);
		case ERRCODE_QUERY_CANCELED:

			/* the last attempt of a door that gives up waiting for locks */
			return ddb_op_leaves_out_locked() ?
				ddb_error_info(conflicts ? DDB_TRANSACTION_CONFLICT :
							   DDB_INTERNAL_SERVER_ERROR) : NULL;
		case ERRCODE_RAISE_EXCEPTION:
			return ddb_error_info(DDB_VALIDATION);
	}
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_DATA_EXCEPTION:
		case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return ddb_error_info(DDB_VALIDATION);
		case ERRCODE_OPERATOR_INTERVENTION:
			return NULL;
	}
	return ddb_error_info(DDB_INTERNAL_SERVER_ERROR);
}

static int64
microseconds_since(const instr_time *start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, *start);
	return INSTR_TIME_GET_MICROSEC(now);
}

/* the outermost operation has ended with an error.  Called inside PG_CATCH. */
static void
settle_error(const DdbOperation *op)
{
	int			sqlerrcode = geterrcode();
	const DdbErrorInfo *error = ddb_error_by_sqlstate(sqlerrcode);

	if (error != NULL)
		ddb_capacity_settle(op, DDB_OUTCOME_REFUSED, error, 0);
	else
		ddb_capacity_settle(op, DDB_OUTCOME_ABANDONED, answer_to_error(op, sqlerrcode), 0);
}

/*
 * ddb_op_execute asks whether the caller may (access.h), checks the request,
 * runs the operation as the current user, and returns the response in
 * CurrentMemoryContext, or raises one error: of the API; or of the server,
 * where the API has none for it.  A request that is not an object raises
 * SerializationException; a write in a read-only transaction, or on a standby,
 * read_only_sql_transaction.  What it consumed is in ddb_op_consumed then, also
 * after an error.
 */
Jsonb *
ddb_op_execute(const DdbOperation *op, DdbDoc request)
{
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *volatile response = NULL;
	instr_time	start;

	if (depth == 0)
		memset(&ddb_op_consumed, 0, sizeof(ddb_op_consumed));
	if (op->handler == NULL)
		ddb_error(DDB_UNKNOWN_OPERATION, "%s", "");
	if (!ddb_doc_is_object(request))
		ddb_error(DDB_SERIALIZATION, "%s", "");
	ddb_op_first_look(op, request);
	ddb_shape_check(op->shape, request, op->table_name_rule);
	if (!op->read_only)
		PreventCommandIfReadOnly(op->name);

	if (depth == 0)
	{
		INSTR_TIME_SET_CURRENT(start);
		ddb_capacity_begin();
	}
	depth++;
	PG_TRY();
	{
		response = op->handler(request);
	}
	PG_CATCH();
	{
		if (--depth == 0)
			settle_error(op);
		translate_error(op, request, caller);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (--depth == 0)
		ddb_capacity_settle(op, DDB_OUTCOME_SUCCESS, NULL, microseconds_since(&start));
	return response;
}
