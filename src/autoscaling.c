/*
 * autoscaling.c
 *	  Target tracking: provisioned capacity follows what is consumed.
 *
 * As DynamoDB does it, with CloudWatch's alarms on consumed capacity: when two
 * data points in a row are above the target, capacity rises to where the last
 * of them would be at the target; when fifteen in a row are more than twenty
 * points of percentage below it, or without any consumption, capacity falls to
 * where the highest of them would be.  What is throttled is not consumed, so
 * under throttling a data point is at about a hundred percent, and capacity
 * rises step by step.  Capacity that is out of its bounds is brought back at
 * once, without data points and cool-downs.
 *
 * Consumption is the difference of meters from one evaluation to the next.
 * What the process knows of earlier data points is lost with it: after a
 * restart they are counted anew.  Cool-downs are told by stored activities.
 * While dynamo.metrics is off there is no data point, and only bounds are kept.
 *
 * A change is a call of UpdateTable as the table's owner, in a transaction of
 * its own, under all rules of that operation, as the limit of decreases, but
 * no policy: it is the service that calls, as a role linked to it does.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "access.h"
#include "autoscaling.h"
#include "catalog.h"
#include "error.h"
#include "guc.h"
#include "op.h"
#include "scalingstore.h"
#include "throughput.h"

#define HIGH_POINTS			2	/* data points in a row before an increase */
#define LOW_POINTS			15	/* before a decrease */
#define LOW_DISTANCE		20.0	/* below the target, in percent of what is provisioned */
#define REST_POINTS			15	/* before bounds are tried again after a failure */
#define ROUNDING			1e-6	/* units */
#define PATIENCE			"5s"	/* with locks of others */
#define LITTLE_PATIENCE		"1500ms"	/* after one that was waited for in vain; longer
										 * than autovacuum takes to give way */

/* what is known of a target from earlier evaluations */
typedef struct WatchKey
{
	Oid			resource;
	DdbUnits	kind;
} WatchKey;

typedef struct Watch
{
	WatchKey	key;			/* hash key, first */
	bool		listed;
	bool		sampled;
	uint64		consumed;		/* what the meter said when last sampled */
	TimestampTz sampled_at;
	int			high;			/* data points in a row */
	int			low;
	double		low_points[LOW_POINTS]; /* units a second; the ring of the last of them */
	int			rest;			/* data points to let pass */
} Watch;

/* one target in one evaluation */
typedef struct Evaluation
{
	Oid			relid;
	const char *name;			/* of the table, once it was looked up */
	Watch	   *watch;
	const DdbScalingTarget *target;
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table */
	bool		has_point;
	double		rate;			/* consumed, units a second */
	int64		now_provisioned;
	int64		wanted;			/* the same for no change */
	const char *cause;
	bool		attempted;		/* a change, of which activity tells */
	DdbScalingActivity activity;
} Evaluation;

static HTAB *watches = NULL;
static TimestampTz last_period_end = 0;

/* has a lock been waited for in vain in this evaluation of all targets? */
static bool impatient = false;

/* ----------------------------------------------------------------
 * Transactions
 * ----------------------------------------------------------------
 */

/*
 * Work of a transaction of its own, in the caller's memory context; the error if
 * it was rolled back, else NULL.
 */
static ErrorData *
run(void (*work) (void *), void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	PG_TRY();
	{
		CHECK_FOR_INTERRUPTS();
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(caller);
		work(arg);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return error;
}

/* the process is told to stop, or somebody cancels what it does */
static bool
is_cancelled(const ErrorData *error)
{
	return error != NULL && error->sqlerrcode == ERRCODE_QUERY_CANCELED;
}

/* name of the table; NULL for none */
static void
log_error(const char *name, const ErrorData *error)
{
	if (is_cancelled(error))
		return;
	if (name != NULL)
		ereport(LOG,
				(errmsg("auto scaling of table \"%s\": %s", name, error->message)));
	else
		ereport(LOG,
				(errmsg("auto scaling: %s", error->message)));
}

/* ----------------------------------------------------------------
 * Data points
 * ----------------------------------------------------------------
 */

static void
create_watches(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(WatchKey);
	ctl.entrysize = sizeof(Watch);
	ctl.hcxt = TopMemoryContext;
	watches = hash_create("pg_dynamo scalable targets", 32, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static Watch *
find_watch(const DdbScalingTarget *target)
{
	WatchKey	key;
	Watch	   *watch;
	bool		found;

	memset(&key, 0, sizeof(key));
	key.resource = target->resource;
	key.kind = target->kind;
	watch = hash_search(watches, &key, HASH_ENTER, &found);
	if (!found)
		memset((char *) watch + sizeof(key), 0, sizeof(*watch) - sizeof(key));
	watch->listed = true;
	return watch;
}

static void
forget_unlisted(void)
{
	HASH_SEQ_STATUS status;
	Watch	   *watch;

	hash_seq_init(&status, watches);
	while ((watch = hash_seq_search(&status)) != NULL)
	{
		if (!watch->listed)
			hash_search(watches, &watch->key, HASH_REMOVE, NULL);
		else
			watch->listed = false;
	}
}

static void
forget_points(Watch *watch)
{
	watch->high = 0;
	watch->low = 0;
}

/*
 * What was consumed since the evaluation before.  No point where there was
 * none, and where the counter began anew.
 */
static void
sample(Evaluation *evaluation)
{
	Watch	   *watch = evaluation->watch;
	DdbMeter   *meter = ddb_metrics ? ddb_throughput_meter(watch->key.resource) : NULL;
	TimestampTz now = GetCurrentTimestamp();
	uint64		consumed;

	evaluation->has_point = false;
	if (meter == NULL)
	{
		watch->sampled = false;
		return;
	}
	consumed = pg_atomic_read_u64(&meter->consumed[watch->key.kind]);
	if (watch->sampled && now > watch->sampled_at && consumed >= watch->consumed)
	{
		evaluation->has_point = true;
		evaluation->rate = (double) (consumed - watch->consumed) * (USECS_PER_SEC / DDB_UNIT_PARTS) /
			(double) (now - watch->sampled_at);
	}
	watch->sampled = true;
	watch->consumed = consumed;
	watch->sampled_at = now;
}

/* the point as an alarm takes it */
static void
count_point(Evaluation *evaluation)
{
	Watch	   *watch = evaluation->watch;
	double		utilization = evaluation->rate * 100.0 / (double) evaluation->now_provisioned;
	double		target = evaluation->target->target_value;

	if (!evaluation->has_point)
	{
		forget_points(watch);
		return;
	}
	watch->high = utilization > target ? watch->high + 1 : 0;
	if (utilization < target - LOW_DISTANCE || evaluation->rate == 0)
		watch->low_points[watch->low++ % LOW_POINTS] = evaluation->rate;
	else
		watch->low = 0;
}

/* ----------------------------------------------------------------
 * Decisions
 * ----------------------------------------------------------------
 */

/* the capacity at which so much consumption is what the policy wants */
static int64
capacity_for(const DdbScalingTarget *target, double rate)
{
	double		capacity = ceil(rate * 100.0 / target->target_value - ROUNDING);

	if (capacity >= (double) target->max)
		return target->max;
	return Max((int64) capacity, target->min);
}

/* since is 0 for never */
static bool
has_passed(TimestampTz since, int seconds)
{
	return since == 0 || GetCurrentTimestamp() >= since + seconds * USECS_PER_SEC;
}

static void
scale_out(Evaluation *evaluation)
{
	const DdbScalingTarget *target = evaluation->target;
	int64		wanted = capacity_for(target, evaluation->rate);

	if (wanted <= evaluation->now_provisioned ||
		!has_passed(target->last_scale_out, target->scale_out_cooldown))
		return;
	evaluation->wanted = wanted;
	evaluation->cause = psprintf("policy %s: consumption was above %g percent of " INT64_FORMAT " units for %d periods, %.2f units a second in the last",
								 target->policy_name, target->target_value,
								 evaluation->now_provisioned, HIGH_POINTS, evaluation->rate);
}

static void
scale_in(Evaluation *evaluation)
{
	const DdbScalingTarget *target = evaluation->target;
	double		highest = 0;
	int64		wanted;
	int			i;

	for (i = 0; i < LOW_POINTS; i++)
		highest = Max(highest, evaluation->watch->low_points[i]);
	wanted = capacity_for(target, highest);
	if (wanted >= evaluation->now_provisioned || target->disable_scale_in ||
		!has_passed(target->last_scale_in, target->scale_in_cooldown))
		return;
	evaluation->wanted = wanted;
	evaluation->cause = psprintf("policy %s: consumption was below %g percent of " INT64_FORMAT " units for %d periods, %.2f units a second at most",
								 target->policy_name, Max(target->target_value - LOW_DISTANCE, 0),
								 evaluation->now_provisioned, LOW_POINTS, highest);
}

/* what the policy wants; leaves wanted alone for no change */
static void
follow_policy(Evaluation *evaluation)
{
	count_point(evaluation);
	if (evaluation->watch->high >= HIGH_POINTS)
		scale_out(evaluation);
	else if (evaluation->watch->low >= LOW_POINTS)
		scale_in(evaluation);
}

static void
decide(Evaluation *evaluation)
{
	const DdbScalingTarget *target = evaluation->target;
	Watch	   *watch = evaluation->watch;
	int64		current = evaluation->now_provisioned;

	evaluation->wanted = current;
	if (watch->rest > 0)
		watch->rest--;
	if (target->suspended)
	{
		forget_points(watch);
		return;
	}
	if (current >= target->min && current <= target->max)
	{
		if (target->policy_name != NULL)
			follow_policy(evaluation);
		return;
	}
	forget_points(watch);
	if (watch->rest > 0)
		return;
	evaluation->wanted = current < target->min ? target->min : target->max;
	evaluation->cause = psprintf(current < target->min ?
								 "capacity was below the minimum of " INT64_FORMAT " units" :
								 "capacity was above the maximum of " INT64_FORMAT " units",
								 evaluation->wanted);
}

/* ----------------------------------------------------------------
 * Changes
 * ----------------------------------------------------------------
 */

static const DdbCapacity *
capacity_of(const Evaluation *evaluation)
{
	return evaluation->index != NULL ? &evaluation->index->capacity :
		&evaluation->table->capacity;
}

/* a request of UpdateTable that changes nothing else */
static Jsonb *
build_request(const Evaluation *evaluation)
{
	const DdbCapacity *capacity = capacity_of(evaluation);
	bool		read = evaluation->target->kind == DDB_UNITS_READ;
	JsonbValue	request;
	JsonbValue	throughput;
	JsonbValue	updates;
	JsonbValue	element;
	JsonbValue	update;

	ddb_json_object(&throughput, 2);
	ddb_json_add_int(&throughput, "ReadCapacityUnits", read ? evaluation->wanted : capacity->read);
	ddb_json_add_int(&throughput, "WriteCapacityUnits", read ? capacity->write : evaluation->wanted);
	ddb_json_object(&request, 2);
	ddb_json_add_string(&request, "TableName", evaluation->table->name);
	if (evaluation->index == NULL)
	{
		ddb_json_add_value(&request, "ProvisionedThroughput", &throughput);
		return ddb_json_encode(&request);
	}
	ddb_json_object(&update, 2);
	ddb_json_add_string(&update, "IndexName", evaluation->index->name);
	ddb_json_add_value(&update, "ProvisionedThroughput", &throughput);
	ddb_json_object(&element, 1);
	ddb_json_add_value(&element, "Update", &update);
	ddb_json_array(&updates, 1);
	ddb_json_append(&updates, &element);
	ddb_json_add_value(&request, "GlobalSecondaryIndexUpdates", &updates);
	return ddb_json_encode(&request);
}

/*
 * The table and the index as they are now, under a lock that the caller has;
 * false when there is nothing to scale.
 */
static bool
look_up(Evaluation *evaluation)
{
	const DdbScalingTarget *target = evaluation->target;
	int			i;

	evaluation->table = NULL;
	evaluation->index = NULL;
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(evaluation->relid)))
		return false;
	evaluation->table = ddb_catalog_of_relation(evaluation->relid);
	if (evaluation->table == NULL || evaluation->table->on_demand)
		return false;
	for (i = 0; i < evaluation->table->nindexes; i++)
	{
		if (evaluation->table->indexes[i].relid == target->resource)
			evaluation->index = &evaluation->table->indexes[i];
		if (evaluation->table->indexes[i].status == DDB_INDEX_CREATING)
			return false;
	}
	if (evaluation->index == NULL && target->resource != evaluation->relid)
		return false;
	evaluation->now_provisioned = target->kind == DDB_UNITS_READ ?
		capacity_of(evaluation)->read : capacity_of(evaluation)->write;
	return evaluation->now_provisioned > 0;
}

/* is everything as it was when the change was decided? */
static bool
is_still_wanted(Evaluation *evaluation)
{
	const DdbScalingTarget *before = evaluation->target;
	const DdbScalingTarget *target = ddb_scaling_target(before->resource, before->kind);
	int64		provisioned = evaluation->now_provisioned;

	return target != NULL && !target->suspended && evaluation->wanted >= target->min &&
		evaluation->wanted <= target->max && look_up(evaluation) &&
		evaluation->now_provisioned == provisioned;
}

static void
begin_activity(Evaluation *evaluation)
{
	DdbScalingActivity *activity = &evaluation->activity;

	activity->resource = evaluation->target->resource;
	activity->relid = evaluation->relid;
	activity->kind = evaluation->target->kind;
	activity->start = GetCurrentTimestamp();
	activity->from = evaluation->now_provisioned;
	activity->to = evaluation->wanted;
	activity->cause = unconstify(char *, evaluation->cause);
	evaluation->attempted = true;
}

static const char *
kind_name(const Evaluation *evaluation)
{
	return evaluation->activity.kind == DDB_UNITS_READ ? "read" : "write";
}

/* what the owner himself may do through the API does not concern the service */
static void
update_table(const Evaluation *evaluation)
{
	ddb_access_caller.is_service = true;
	PG_TRY();
	{
		(void) ddb_op_execute(ddb_op_find("UpdateTable", strlen("UpdateTable")),
							  ddb_doc_root(build_request(evaluation)));
	}
	PG_FINALLY();
	{
		ddb_access_caller.is_service = false;
	}
	PG_END_TRY();
}

/*
 * In a transaction: change it, and tell.  The lock that was enough to look is
 * given up first, for two who both want more would wait for each other.
 */
static void
change(Evaluation *evaluation)
{
	Oid			owner = ddb_relation_owner(evaluation->relid);
	DdbAsOwner	as_owner;

	UnlockRelationOid(evaluation->relid, AccessShareLock);
	ddb_as_owner_begin(&as_owner, owner);
	(void) set_config_option("lock_timeout", impatient ? LITTLE_PATIENCE : PATIENCE,
							 PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	LockRelationOid(evaluation->relid, ShareUpdateExclusiveLock);
	if (is_still_wanted(evaluation))
	{
		begin_activity(evaluation);
		update_table(evaluation);
	}
	ddb_as_owner_end(&as_owner);
	if (!evaluation->attempted)
		return;
	evaluation->activity.successful = true;
	evaluation->activity.message = psprintf("Successfully set %s capacity units to " INT64_FORMAT ".",
											kind_name(evaluation), evaluation->wanted);
	ddb_scaling_add_activity(&evaluation->activity);
}

/* one target, in a transaction */
static void
evaluate(void *arg)
{
	Evaluation *evaluation = arg;

	sample(evaluation);
	if (!ConditionalLockRelationOid(evaluation->relid, AccessShareLock) ||
		!look_up(evaluation))
	{
		forget_points(evaluation->watch);
		return;
	}
	evaluation->name = pstrdup(evaluation->table->name);
	decide(evaluation);
	if (evaluation->wanted != evaluation->now_provisioned)
		change(evaluation);
}

static void
record_failure(void *arg)
{
	Evaluation *evaluation = arg;

	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(evaluation->activity.resource)))
		ddb_scaling_add_activity(&evaluation->activity);
}

/* the change was rolled back: it is for the table's owner to know why */
static void
tell_failure(Evaluation *evaluation, ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		impatient = true;
	if (ddb_error_by_sqlstate(error->sqlerrcode) == NULL)
		log_error(evaluation->name, error);
	if (!evaluation->attempted)
		return;
	evaluation->activity.successful = false;
	evaluation->activity.message = psprintf("Failed to set %s capacity units to " INT64_FORMAT ". Reason: %s",
											kind_name(evaluation), evaluation->activity.to,
											error->message);
	error = run(record_failure, evaluation);
	if (error != NULL)
		log_error(evaluation->name, error);
}

/* returns whether to go on with others */
static bool
evaluate_target(const DdbScalingTarget *target)
{
	Evaluation	evaluation;
	ErrorData  *error;

	memset(&evaluation, 0, sizeof(evaluation));
	evaluation.relid = target->relid;
	evaluation.target = target;
	evaluation.watch = find_watch(target);
	error = run(evaluate, &evaluation);
	if (is_cancelled(error))
		return false;
	if (error != NULL)
	{
		evaluation.watch->rest = REST_POINTS;
		tell_failure(&evaluation, error);
	}
	if (evaluation.attempted)
		forget_points(evaluation.watch);
	return true;
}

/* ----------------------------------------------------------------
 * All targets
 * ----------------------------------------------------------------
 */

static void
list_targets(void *arg)
{
	List	  **targets = arg;

	if (OidIsValid(get_extension_oid("pg_dynamo", true)))
		*targets = ddb_scaling_targets(InvalidOid);
}

static void
evaluate_targets(List *targets)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_dynamo scalable target",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool		goes_on = true;
	ListCell   *lc;

	impatient = false;
	foreach(lc, targets)
	{
		goes_on = evaluate_target(lfirst(lc));
		MemoryContextReset(context);
		if (!goes_on)
			break;
	}
	MemoryContextSwitchTo(caller);
	if (goes_on)
		forget_unlisted();
}

void
ddb_autoscaling_evaluate(TimestampTz period_end)
{
	MemoryContext context;
	MemoryContext caller;
	List	   *targets = NIL;
	ErrorData  *error;

	if (RecoveryInProgress() || period_end == last_period_end)
		return;
	last_period_end = period_end;
	if (watches == NULL)
		create_watches();
	context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo auto scaling",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	error = run(list_targets, &targets);
	if (error != NULL)
		log_error(NULL, error);
	else
		evaluate_targets(targets);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}
