/*
 * execute.c
 *	  Saved plans run on item tables.
 *
 * The executor is called as SPI calls it, with two differences.  The generic
 * plan is used whatever plan_cache_mode says, for it was made under planner
 * settings of ours.  And the row triggers that every item table carries
 * (trigger.c) are left out where the table has no others: they guard it
 * against writers that may give a key which is not the item's, or take no
 * lock on it, and the engine does neither.  The one that keeps secondary
 * indexes stays where there are any.  On a partitioned item table the server
 * prepares partitions later than we can see, so that there all run; they find
 * nothing wrong.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "parser/parse_func.h"
#include "utils/inval.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "execute.h"

/* ----------------------------------------------------------------
 * The triggers of item tables
 * ----------------------------------------------------------------
 */

/* names of trigger.c's functions, and their oids while those are known */
static const char *const trigger_functions[] = {
	"item_maintain_indexes",	/* MAINTAINER */
	"item_before_insert", "item_after_update", "item_before_key_update",
	"item_truncate_indexes", "item_refuse_truncate"
};

#define MAINTAINER	0

static Oid	trigger_oids[lengthof(trigger_functions)];
static bool trigger_oids_known = false;

static void
forget_trigger_oids(Datum arg, int cacheid, uint32 hashvalue)
{
	trigger_oids_known = false;
}

static void
look_up_trigger_oids(void)
{
	static bool registered = false;
	int			i;

	if (!registered)
		CacheRegisterSyscacheCallback(PROCOID, forget_trigger_oids, (Datum) 0);
	registered = true;
	for (i = 0; i < lengthof(trigger_functions); i++)
		trigger_oids[i] = LookupFuncName(list_make2(makeString("dynamo"),
													makeString(pstrdup(trigger_functions[i]))),
										 0, NULL, true);
	trigger_oids_known = true;
}

static bool
is_item_trigger(const Trigger *trigger)
{
	int			i;

	for (i = 0; i < lengthof(trigger_functions); i++)
	{
		if (trigger->tgfoid == trigger_oids[i])
			return true;
	}
	return false;
}

/*
 * Leave one trigger, an AFTER ROW one for all events, in a description.  Room
 * for its state at run time was made along with the others'.
 */
static void
keep_only(TriggerDesc *desc, int which)
{
	Trigger    *triggers = desc->triggers;
	Trigger		kept = triggers[which];

	memset(desc, 0, sizeof(TriggerDesc));
	desc->triggers = triggers;
	desc->triggers[0] = kept;
	desc->numtriggers = 1;
	desc->trig_insert_after_row = TRIGGER_FOR_INSERT(kept.tgtype);
	desc->trig_update_after_row = TRIGGER_FOR_UPDATE(kept.tgtype);
	desc->trig_delete_after_row = TRIGGER_FOR_DELETE(kept.tgtype);
}

/*
 * Leave out the triggers of a result relation if they are the item table's
 * own and no others: a trigger of the user's may change the row, and then
 * ours shall see it.  The description is the executor's copy.
 */
static void
leave_out_item_triggers(const DdbTable *table, ResultRelInfo *result)
{
	TriggerDesc *desc = result->ri_TrigDesc;
	int			maintainer = -1;
	int			i;

	for (i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		if (!is_item_trigger(&desc->triggers[i]))
			return;
		if (desc->triggers[i].tgfoid == trigger_oids[MAINTAINER])
			maintainer = i;
	}
	if (maintainer >= 0 && table->nkept > 0)
		keep_only(desc, maintainer);
	else
		result->ri_TrigDesc = NULL;
}

static bool
has_only_item_triggers(const TriggerDesc *desc)
{
	int			i;

	if (!trigger_oids_known)
		look_up_trigger_oids();
	for (i = 0; desc != NULL && i < desc->numtriggers; i++)
	{
		if (!is_item_trigger(&desc->triggers[i]))
			return false;
	}
	return true;
}

static bool
has_unique_index(const DdbTable *table)
{
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		if (table->indexes[i].is_unique)
			return true;
	}
	return false;
}

/* what a table of ours has: key columns and item, one index */
static bool
is_as_created(const DdbTable *table, Relation relation)
{
	const TupleConstr *constraints = relation->rd_att->constr;
	List	   *indexes = RelationGetIndexList(relation);
	bool		only_key = list_length(indexes) == 1;

	list_free(indexes);
	return only_key && relation->rd_rel->relkind == RELKIND_RELATION &&
		relation->rd_att->natts == table->keys.nattrs + 1 &&
		(constraints == NULL || constraints->num_check == 0) &&
		!relation->rd_rel->relispartition && relation->rd_rules == NULL &&
		!relation->rd_rel->relrowsecurity &&
		has_only_item_triggers(relation->trigdesc);
}

bool
ddb_execute_is_plain(const DdbTable *table)
{
	Relation	relation;
	bool		result;

	if (has_unique_index(table))
		return false;
	relation = RelationIdGetRelation(table->relid);
	result = RelationIsValid(relation) && is_as_created(table, relation);
	if (RelationIsValid(relation))
		RelationClose(relation);
	return result;
}

/* ----------------------------------------------------------------
 * Destinations
 * ----------------------------------------------------------------
 */

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
receiver_nothing(DestReceiver *self)
{
}

void
ddb_receiver_init(DestReceiver *receiver, DdbReceiveRow receive)
{
	receiver->receiveSlot = receive;
	receiver->rStartup = receiver_startup;
	receiver->rShutdown = receiver_nothing;
	receiver->rDestroy = receiver_nothing;
	receiver->mydest = DestNone;
}

/* ----------------------------------------------------------------
 * Running
 * ----------------------------------------------------------------
 */

static ParamListInfo
make_params(const CachedPlanSource *source, const Datum *values)
{
	ParamListInfo params = makeParamList(source->num_params);
	int			i;

	for (i = 0; i < source->num_params; i++)
	{
		params->params[i].value = values[i];
		params->params[i].isnull = false;
		params->params[i].pflags = PARAM_FLAG_CONST;
		params->params[i].ptype = source->param_types[i];
	}
	return params;
}

static uint64
run_plan(const DdbTable *table, PlannedStmt *stmt, const char *text,
		 ParamListInfo params, DestReceiver *dest)
{
	QueryDesc  *desc = CreateQueryDesc(stmt, text, GetActiveSnapshot(), InvalidSnapshot,
									   dest, params, NULL, 0);
	uint64		rows;
	ListCell   *lc;

	ExecutorStart(desc, 0);
	foreach(lc, desc->estate->es_opened_result_relations)
		leave_out_item_triggers(table, lfirst(lc));
	ExecutorRun(desc, ForwardScanDirection, 0, true);
	rows = desc->estate->es_processed;
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	return rows;
}

/* what the statements of a series see; NULL outside of one */
static Snapshot series_snapshot = NULL;

void
ddb_execute_series_begin(void)
{
	Assert(series_snapshot == NULL);
	CommandCounterIncrement();
	series_snapshot = RegisterSnapshot(GetTransactionSnapshot());
}

void
ddb_execute_series_end(void)
{
	Snapshot	snapshot = series_snapshot;

	series_snapshot = NULL;
	if (snapshot != NULL)
		UnregisterSnapshot(snapshot);
}

static uint64
execute(const DdbTable *table, int query, DdbQueryBuilder builder,
		const Datum *values, DestReceiver *dest)
{
	CachedPlanSource *source = ddb_plan_source(ddb_plan_get(table, query, builder));
	CachedPlan *plan;
	uint64		rows;

	if (!trigger_oids_known)
		look_up_trigger_oids();

	/* without parameters here, the server makes no plan for their values */
	plan = GetCachedPlan(source, NULL, CurrentResourceOwner, NULL);
	rows = run_plan(table, linitial_node(PlannedStmt, plan->stmt_list), source->query_string,
					make_params(source, values), dest ? dest : None_Receiver);
	ReleaseCachedPlan(plan, CurrentResourceOwner);
	return rows;
}

/*
 * A statement of a series.  User code inside it may run statements that do not
 * belong to the series, or begin one of its own.
 */
static uint64
execute_in_series(const DdbTable *table, int query, DdbQueryBuilder builder,
				  const Datum *values, DestReceiver *dest)
{
	Snapshot	snapshot = series_snapshot;
	uint64		rows = 0;

	PushActiveSnapshot(snapshot);
	series_snapshot = NULL;
	PG_TRY();
	{
		rows = execute(table, query, builder, values, dest);
	}
	PG_FINALLY();
	{
		series_snapshot = snapshot;
	}
	PG_END_TRY();
	PopActiveSnapshot();
	return rows;
}

uint64
ddb_execute_plan(const DdbTable *table, int query, DdbQueryBuilder builder,
				 const Datum *values, DestReceiver *dest)
{
	uint64		rows;

	if (series_snapshot != NULL)
		return execute_in_series(table, query, builder, values, dest);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rows = execute(table, query, builder, values, dest);
	PopActiveSnapshot();
	CommandCounterIncrement();
	return rows;
}
