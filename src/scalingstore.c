/*
 * scalingstore.c
 *	  Targets of auto scaling, their policies, and its activities.
 *
 * A target has one policy at most, so that both are one row.  When capacity was
 * changed last, which cool-downs ask, is told by the activities.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "catalog_rows.h"
#include "scalingstore.h"

#define MAX_ACTIVITIES	"100"	/* of a target */

/* queries of this file, see plancache.h */
enum
{
	QUERY_TARGETS = DDB_QUERY_CATALOG + 800,
	QUERY_TARGET,
	QUERY_STORE,
	QUERY_DELETE,
	QUERY_FORGET,
	QUERY_FORGET_ACTIVITIES,
	QUERY_ADD_ACTIVITY,
	QUERY_TRIM_ACTIVITIES
};

#define FIRST_QUERY	QUERY_TARGETS

/* what read_target takes apart */
#define TARGET_QUERY \
	"SELECT resource, relid, dimension, min_capacity, max_capacity, suspended, role_arn," \
	" policy_name, target_value, scale_in_cooldown, scale_out_cooldown, disable_scale_in," \
	" (SELECT max(a.end_time) FROM dynamo.scaling_activity a WHERE a.resource = t.resource" \
	" AND a.dimension = t.dimension AND a.successful AND a.to_capacity < a.from_capacity)," \
	" (SELECT max(a.end_time) FROM dynamo.scaling_activity a WHERE a.resource = t.resource" \
	" AND a.dimension = t.dimension AND a.successful AND a.to_capacity > a.from_capacity)" \
	" FROM dynamo.scalable_target t"

#define OF_TARGET " WHERE resource = $1 AND dimension = $2"

/* letters of the catalog, by DdbUnits */
static const char dimension_letters[] = "RW";

static const DdbFixedQuery queries[] = {
	[QUERY_TARGETS - FIRST_QUERY] = {
		TARGET_QUERY " WHERE relid = $1 OR $1 = 0::oid ORDER BY relid, resource, dimension",
		1, {REGCLASSOID}
	},
	[QUERY_TARGET - FIRST_QUERY] = {
		TARGET_QUERY OF_TARGET,
		2, {REGCLASSOID, CHAROID}
	},
	[QUERY_STORE - FIRST_QUERY] = {
		"INSERT INTO dynamo.scalable_target (resource, dimension, relid,"
		" min_capacity, max_capacity, suspended, role_arn, policy_name, target_value,"
		" scale_in_cooldown, scale_out_cooldown, disable_scale_in)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
		" ON CONFLICT (resource, dimension) DO UPDATE SET"
		" min_capacity = EXCLUDED.min_capacity, max_capacity = EXCLUDED.max_capacity,"
		" suspended = EXCLUDED.suspended, role_arn = EXCLUDED.role_arn,"
		" policy_name = EXCLUDED.policy_name, target_value = EXCLUDED.target_value,"
		" scale_in_cooldown = EXCLUDED.scale_in_cooldown,"
		" scale_out_cooldown = EXCLUDED.scale_out_cooldown,"
		" disable_scale_in = EXCLUDED.disable_scale_in",
		12, {REGCLASSOID, CHAROID, REGCLASSOID, INT8OID, INT8OID, BOOLOID, TEXTOID, TEXTOID,
		FLOAT8OID, INT4OID, INT4OID, BOOLOID}
	},
	[QUERY_DELETE - FIRST_QUERY] = {
		"DELETE FROM dynamo.scalable_target" OF_TARGET,
		2, {REGCLASSOID, CHAROID}
	},
	[QUERY_FORGET - FIRST_QUERY] = {
		"DELETE FROM dynamo.scalable_target WHERE relid = $1 OR resource = $1",
		1, {REGCLASSOID}
	},
	[QUERY_FORGET_ACTIVITIES - FIRST_QUERY] = {
		"DELETE FROM dynamo.scaling_activity WHERE relid = $1 OR resource = $1",
		1, {REGCLASSOID}
	},
	[QUERY_ADD_ACTIVITY - FIRST_QUERY] = {
		"INSERT INTO dynamo.scaling_activity (resource, dimension, relid, start_time,"
		" from_capacity, to_capacity, successful, cause, message)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		9, {REGCLASSOID, CHAROID, REGCLASSOID, TIMESTAMPTZOID, INT8OID, INT8OID, BOOLOID,
		TEXTOID, TEXTOID}
	},
	[QUERY_TRIM_ACTIVITIES - FIRST_QUERY] = {
		"DELETE FROM dynamo.scaling_activity" OF_TARGET
		" AND activity_id <= (SELECT activity_id FROM dynamo.scaling_activity" OF_TARGET
		" ORDER BY activity_id DESC OFFSET " MAX_ACTIVITIES " LIMIT 1)",
		2, {REGCLASSOID, CHAROID}
	}
};

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &queries[query - FIRST_QUERY]);
}

/* ----------------------------------------------------------------
 * Targets
 * ----------------------------------------------------------------
 */

static char *
read_text(Datum value, bool isnull)
{
	return isnull ? NULL : TextDatumGetCString(value);
}

/* a row of TARGET_QUERY, appended to a list */
static void
read_target(Datum *values, bool *nulls, void *arg)
{
	DdbScalingTarget *target = palloc0(sizeof(DdbScalingTarget));
	List	  **list = arg;

	target->resource = DatumGetObjectId(values[0]);
	target->relid = DatumGetObjectId(values[1]);
	target->kind = DatumGetChar(values[2]) == dimension_letters[DDB_UNITS_READ] ?
		DDB_UNITS_READ : DDB_UNITS_WRITE;
	target->min = DatumGetInt64(values[3]);
	target->max = DatumGetInt64(values[4]);
	target->suspended = DatumGetBool(values[5]);
	target->role_arn = read_text(values[6], nulls[6]);
	target->policy_name = read_text(values[7], nulls[7]);
	if (target->policy_name != NULL)
	{
		target->target_value = DatumGetFloat8(values[8]);
		target->scale_in_cooldown = DatumGetInt32(values[9]);
		target->scale_out_cooldown = DatumGetInt32(values[10]);
		target->disable_scale_in = DatumGetBool(values[11]);
	}
	target->last_scale_in = nulls[12] ? 0 : DatumGetTimestampTz(values[12]);
	target->last_scale_out = nulls[13] ? 0 : DatumGetTimestampTz(values[13]);
	*list = lappend(*list, target);
}

List *
ddb_scaling_targets(Oid relid)
{
	Datum		values[1];
	List	   *targets = NIL;

	values[0] = ObjectIdGetDatum(relid);
	(void) ddb_catalog_run(QUERY_TARGETS, build_query, values, NULL, read_target, &targets);
	return targets;
}

static void
set_key(Datum *values, Oid resource, DdbUnits kind)
{
	values[0] = ObjectIdGetDatum(resource);
	values[1] = CharGetDatum(dimension_letters[kind]);
}

DdbScalingTarget *
ddb_scaling_target(Oid resource, DdbUnits kind)
{
	Datum		values[2];
	List	   *targets = NIL;

	set_key(values, resource, kind);
	(void) ddb_catalog_run(QUERY_TARGET, build_query, values, NULL, read_target, &targets);
	return targets == NIL ? NULL : linitial(targets);
}

void
ddb_scaling_store(const DdbScalingTarget *target)
{
	Datum		values[12];
	char		nulls[13] = "            ";

	set_key(values, target->resource, target->kind);
	values[2] = ObjectIdGetDatum(target->relid);
	values[3] = Int64GetDatum(target->min);
	values[4] = Int64GetDatum(target->max);
	values[5] = BoolGetDatum(target->suspended);
	if (target->role_arn != NULL)
		values[6] = CStringGetTextDatum(target->role_arn);
	else
		nulls[6] = 'n';
	if (target->policy_name != NULL)
	{
		values[7] = CStringGetTextDatum(target->policy_name);
		values[8] = Float8GetDatum(target->target_value);
		values[9] = Int32GetDatum(target->scale_in_cooldown);
		values[10] = Int32GetDatum(target->scale_out_cooldown);
		values[11] = BoolGetDatum(target->disable_scale_in);
	}
	else
		memset(nulls + 7, 'n', 5);
	ddb_catalog_write(QUERY_STORE, build_query, values, nulls);
}

bool
ddb_scaling_delete(Oid resource, DdbUnits kind)
{
	Datum		values[2];

	set_key(values, resource, kind);
	return ddb_catalog_run(QUERY_DELETE, build_query, values, NULL, NULL, NULL) > 0;
}

void
ddb_scaling_forget(Oid relation)
{
	Datum		values[1];

	values[0] = ObjectIdGetDatum(relation);
	ddb_catalog_write(QUERY_FORGET, build_query, values, NULL);
	ddb_catalog_write(QUERY_FORGET_ACTIVITIES, build_query, values, NULL);
}

/* ----------------------------------------------------------------
 * Activities
 * ----------------------------------------------------------------
 */

void
ddb_scaling_add_activity(const DdbScalingActivity *activity)
{
	Datum		values[9];

	set_key(values, activity->resource, activity->kind);
	values[2] = ObjectIdGetDatum(activity->relid);
	values[3] = TimestampTzGetDatum(activity->start);
	values[4] = Int64GetDatum(activity->from);
	values[5] = Int64GetDatum(activity->to);
	values[6] = BoolGetDatum(activity->successful);
	values[7] = CStringGetTextDatum(activity->cause);
	values[8] = CStringGetTextDatum(activity->message);
	ddb_catalog_write(QUERY_ADD_ACTIVITY, build_query, values, NULL);
	ddb_catalog_write(QUERY_TRIM_ACTIVITIES, build_query, values, NULL);
}
