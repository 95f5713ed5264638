/*
 * op.h
 *	  The registry of operations and the dispatcher: both doors, SQL and HTTP,
 *	  come through ddb_op_execute and so give the same answer.
 */
#ifndef DDB_OP_H
#define DDB_OP_H

#include "shape.h"

/*
 * A handler takes a request whose shape has been checked and returns the
 * response as a jsonb object in CurrentMemoryContext, or raises one API error.
 */
typedef Jsonb *(*DdbHandler) (DdbDoc request);

typedef struct DdbOperation
{
	const char *name;			/* as in X-Amz-Target, e.g. "PutItem" */
	const DdbShape *shape;		/* of the request; NULL when not offered yet */
	DdbHandler	handler;		/* NULL when not offered yet */
	bool		read_only;		/* may run on a standby */
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
extern Jsonb *ddb_op_get_item(DdbDoc request);	/* op_item.c */
extern Jsonb *ddb_op_put_item(DdbDoc request);
extern Jsonb *ddb_op_update_item(DdbDoc request);
extern Jsonb *ddb_op_delete_item(DdbDoc request);
extern Jsonb *ddb_op_query(DdbDoc request);	/* op_query.c */
extern Jsonb *ddb_op_scan(DdbDoc request);

#endif							/* DDB_OP_H */
