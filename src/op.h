/*
 * op.h
 *	  The registry of operations and the dispatcher: both doors, SQL and HTTP,
 *	  come through ddb_op_execute and so give the same answer.
 */
#ifndef DDB_OP_H
#define DDB_OP_H

#include "shape.h"
#include "throughput.h"

/*
 * A handler takes a request whose shape has been checked and returns the
 * response as a jsonb object in CurrentMemoryContext, or raises one API error.
 */
typedef Jsonb *(*DdbHandler) (DdbDoc request);

/* what an operation says when a lock that others hold is not to be had */
typedef enum DdbConflictRule
{
	DDB_CONFLICT_RETRY,			/* InternalServerError, which clients repeat */
	DDB_CONFLICT_ITEM,			/* TransactionConflictException */
	DDB_CONFLICT_TRANSACTION,	/* TransactionCanceledException */
	DDB_CONFLICT_BATCH			/* the locked items stay unprocessed */
} DdbConflictRule;

/* where a request names the resource that it is about; for the first look (access.h) */
typedef enum DdbResource
{
	DDB_RESOURCE_ANY,			/* nothing in particular: "*" */
	DDB_RESOURCE_TABLE,			/* TableName */
	DDB_RESOURCE_INDEX,			/* TableName, with an IndexName the index */
	DDB_RESOURCE_NEW_TABLE,		/* TableName of a table to be made */
	DDB_RESOURCE_ITEMS,			/* as TABLE; a second look follows */
	DDB_RESOURCE_PAGE,			/* as INDEX; a second look follows */
	DDB_RESOURCE_REQUEST_ITEMS, /* names in RequestItems; a second look follows */
	DDB_RESOURCE_TRANSACT_ITEMS,	/* each element; a second look follows */
	DDB_RESOURCE_STATEMENTS,	/* each statement; both looks are the handler's */
	DDB_RESOURCE_ARN,			/* ResourceArn */
	DDB_RESOURCE_STREAM,		/* StreamArn */
	DDB_RESOURCE_ITERATOR,		/* the stream of ShardIterator */
	DDB_RESOURCE_BULK			/* BulkOperationArn */
} DdbResource;

typedef struct DdbOperation
{
	const char *name;			/* as in X-Amz-Target, e.g. "PutItem" */
	const DdbShape *shape;		/* of the request; NULL when not offered yet */
	DdbHandler	handler;		/* NULL when not offered yet */
	bool		read_only;		/* may run on a standby (PartiQL's refuse their
								 * writes themselves) */
	DdbConflictRule conflict;
	DdbMeteredOp metered;
	DdbResource resource;
	DdbTableNameRule table_name_rule;
} DdbOperation;

/* NULL for a name that DynamoDB does not have either */
extern const DdbOperation *ddb_op_find(const char *name, int len);

/* the rows by number, for who keeps something per operation: 0 .. count - 1 */
extern int	ddb_op_count(void);
extern const DdbOperation *ddb_op_at(int i);
extern int	ddb_op_index(const DdbOperation *op);

/*
 * Capacity units that the operation last executed in this process has
 * consumed, be they asked for or not, and also where it failed.  Operations
 * that triggers executed meanwhile are included.
 */
typedef struct DdbConsumed
{
	double		read_units;
	double		write_units;
} DdbConsumed;

extern DdbConsumed ddb_op_consumed;

/*
 * What the door through which calls come does about conflicts.  One that
 * repeats calls sets repeats while it would repeat this one: then a conflict
 * ends the call.  gave_up_lock says whether the query cancel being handled is
 * the door's giving up a wait for a lock, and makes ready for the next such
 * wait; NULL for doors that give up none.
 */
typedef struct DdbDoor
{
	bool		repeats;
	bool		(*gave_up_lock) (void);
	bool		confirms;		/* this call's ConfirmRemoveSelfResourceAccess, where
								 * it came beside the request */
} DdbDoor;

extern DdbDoor ddb_op_door;

/* is this the door's last attempt, in which a batch does without what is locked? */
static inline bool
ddb_op_leaves_out_locked(void)
{
	return ddb_op_door.gave_up_lock != NULL && !ddb_op_door.repeats;
}

/*
 * ddb_op_conflict_position: the element of a transaction that was under way
 * when the operation last executed in this process ended, from 0, and how many
 * it had; a count of 0 when it had not come so far (op_transact.c).
 */
extern void ddb_op_conflict_position(int *element, int *count);

/* nothing is under way; for doors that ask, before each execution */
extern void ddb_op_clear_conflict_position(void);

/*
 * ddb_op_first_look: the first look at a request whose shape has not been
 * checked (op_access.c); ddb_op_execute takes it.  Raises
 * AccessDeniedException.
 */
extern void ddb_op_first_look(const DdbOperation *op, DdbDoc request);

/*
 * ddb_op_execute: shape check, handler, response.  Permission errors of the
 * server come out as AccessDeniedException.
 */
extern Jsonb *ddb_op_execute(const DdbOperation *op, DdbDoc request);

/* the handlers, by file */
extern Jsonb *ddb_op_create_table(DdbDoc request);	/* op_table.c */
extern Jsonb *ddb_op_describe_table(DdbDoc request);
extern Jsonb *ddb_op_list_tables(DdbDoc request);
extern Jsonb *ddb_op_delete_table(DdbDoc request);
extern Jsonb *ddb_op_describe_limits(DdbDoc request);
extern Jsonb *ddb_op_describe_endpoints(DdbDoc request);
extern Jsonb *ddb_op_update_table(DdbDoc request);	/* op_table_update.c */
extern Jsonb *ddb_op_tag_resource(DdbDoc request);	/* op_tag.c */
extern Jsonb *ddb_op_untag_resource(DdbDoc request);
extern Jsonb *ddb_op_list_tags_of_resource(DdbDoc request);
extern Jsonb *ddb_op_describe_table_replica_auto_scaling(DdbDoc request);	/* op_autoscaling.c */
extern Jsonb *ddb_op_update_table_replica_auto_scaling(DdbDoc request);
extern Jsonb *ddb_op_put_resource_policy(DdbDoc request);	/* op_policy.c */
extern Jsonb *ddb_op_get_resource_policy(DdbDoc request);
extern Jsonb *ddb_op_delete_resource_policy(DdbDoc request);
extern Jsonb *ddb_op_update_time_to_live(DdbDoc request);	/* op_ttl.c */
extern Jsonb *ddb_op_describe_time_to_live(DdbDoc request);
extern Jsonb *ddb_op_update_contributor_insights(DdbDoc request);	/* op_insights.c */
extern Jsonb *ddb_op_describe_contributor_insights(DdbDoc request);
extern Jsonb *ddb_op_list_contributor_insights(DdbDoc request);
extern Jsonb *ddb_op_get_item(DdbDoc request);	/* op_item.c */
extern Jsonb *ddb_op_put_item(DdbDoc request);
extern Jsonb *ddb_op_update_item(DdbDoc request);
extern Jsonb *ddb_op_delete_item(DdbDoc request);
extern Jsonb *ddb_op_query(DdbDoc request);	/* op_query.c */
extern Jsonb *ddb_op_scan(DdbDoc request);
extern Jsonb *ddb_op_batch_get_item(DdbDoc request);	/* op_batch.c */
extern Jsonb *ddb_op_batch_write_item(DdbDoc request);
extern Jsonb *ddb_op_start_bulk_put_items(DdbDoc request);	/* op_bulk.c */
extern Jsonb *ddb_op_describe_bulk_operation(DdbDoc request);
extern Jsonb *ddb_op_cancel_bulk_operation(DdbDoc request);
extern Jsonb *ddb_op_list_bulk_operations(DdbDoc request);
extern Jsonb *ddb_op_transact_write_items(DdbDoc request);	/* op_transact.c */
extern Jsonb *ddb_op_transact_get_items(DdbDoc request);
extern Jsonb *ddb_op_execute_statement(DdbDoc request);	/* op_partiql.c */
extern Jsonb *ddb_op_batch_execute_statement(DdbDoc request);
extern Jsonb *ddb_op_execute_transaction(DdbDoc request);
extern Jsonb *ddb_op_list_streams(DdbDoc request);	/* op_stream.c */
extern Jsonb *ddb_op_describe_stream(DdbDoc request);
extern Jsonb *ddb_op_get_shard_iterator(DdbDoc request);
extern Jsonb *ddb_op_get_records(DdbDoc request);

#endif							/* DDB_OP_H */
