/*
 * scalingstore.h
 *	  What auto scaling is to do, and what it did: the tables
 *	  dynamo.scalable_target and dynamo.scaling_activity.
 *
 * A target is one kind of provisioned capacity of an item table or a global
 * index.  Both tables belong to the extension's owner; functions here run as he
 * does, after their callers' checks.
 */
#ifndef DDB_SCALINGSTORE_H
#define DDB_SCALINGSTORE_H

#include "catalog.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "throughput.h"

typedef struct DdbScalingTarget
{
	Oid			resource;		/* the item table, or the table of the index */
	Oid			relid;			/* the item table */
	DdbUnits	kind;
	int64		min;			/* units a second */
	int64		max;
	bool		suspended;
	char	   *role_arn;		/* NULL for the service's own */
	char	   *policy_name;	/* NULL: without policy, only min and max are kept */
	double		target_value;	/* percent of what is provisioned */
	int			scale_in_cooldown;	/* seconds */
	int			scale_out_cooldown;
	bool		disable_scale_in;

	/* read only: when capacity was last changed so; 0 for never */
	TimestampTz last_scale_in;
	TimestampTz last_scale_out;
} DdbScalingTarget;

/*
 * Targets of a table and its indexes, or of all tables for InvalidOid, in the
 * order of their oids: a list of palloc'd DdbScalingTarget.
 */
extern List *ddb_scaling_targets(Oid relid);

/* the one of a resource; NULL for none */
extern DdbScalingTarget *ddb_scaling_target(Oid resource, DdbUnits kind);

/* insert, or replace */
extern void ddb_scaling_store(const DdbScalingTarget *target);

/* false when there is none */
extern bool ddb_scaling_delete(Oid resource, DdbUnits kind);

/* a table or an index is gone, and what is known of it */
extern void ddb_scaling_forget(Oid relation);

/* a change of capacity, or an attempt */
typedef struct DdbScalingActivity
{
	Oid			resource;
	Oid			relid;
	DdbUnits	kind;
	TimestampTz start;
	int64		from;
	int64		to;
	bool		successful;
	char	   *cause;
	char	   *message;
} DdbScalingActivity;

/* of each target only the newest are kept */
extern void ddb_scaling_add_activity(const DdbScalingActivity *activity);

#endif							/* DDB_SCALINGSTORE_H */
