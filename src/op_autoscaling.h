/*
 * op_autoscaling.h
 *	  The rules of auto scaling, for the operations and for the SQL functions
 *	  that go by the names of Application Auto Scaling.
 */
#ifndef DDB_OP_AUTOSCALING_H
#define DDB_OP_AUTOSCALING_H

#include "scalingstore.h"

/* one target, and the words of messages about it */
typedef struct DdbScalingResource
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table */
	DdbUnits	kind;
} DdbScalingResource;

/*
 * The global index of the table by its name; ResourceNotFoundException for
 * none, ValidationException for a local one.
 */
extern const DdbIndex *ddb_op_scaling_index(const DdbTable *table, DdbText name);

/*
 * The target as it is, palloc'd; where there is none, one to be filled in,
 * with a min and max of 0.
 */
extern DdbScalingTarget *ddb_op_read_scaling(const DdbScalingResource *resource);

/* the same, where there has to be one, else ResourceNotFoundException */
extern DdbScalingTarget *ddb_op_require_scaling(const DdbScalingResource *resource);

/* "table/<name>" or "table/<name>/index/<index>", palloc'd */
extern char *ddb_op_scaling_id(const DdbScalingResource *resource);

/* "dynamodb:table:ReadCapacityUnits" and so on */
extern const char *ddb_op_scaling_dimension(const DdbScalingResource *resource);

/* what a policy without a name is called, palloc'd */
extern char *ddb_op_scaling_policy_name(const DdbScalingResource *resource);

/*
 * Check the target as it shall be, and store it; ValidationException for what
 * it must not be, or for a table on demand.  The caller owns the table and holds
 * ShareUpdateExclusiveLock.
 */
extern void ddb_op_store_scaling(const DdbScalingResource *resource,
								 const DdbScalingTarget *target);

#endif							/* DDB_OP_AUTOSCALING_H */
