/*
 * plancache.c
 *	  Saved SPI plans, by item table and query.
 *
 * Statements on item tables are few and known, so each is prepared once per
 * backend and kept.  Plans are generic and are made while the planner may
 * consider nothing but index scans: which index serves a key is known, and a
 * plan that followed statistics would be wrong on the day the table grows.
 *
 * A plan is good as long as the server says so (SPI_plan_is_valid); when a
 * definition changes, the text is built anew, for names may have changed.
 * The server plans anew, too, when search_path is another one: that is done
 * here beforehand, under our planner settings.
 * Nothing is freed that the running transaction has used, because a trigger
 * may have brought us here in the middle of that very plan's execution.
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "compat.h"
#include "plancache.h"

#define DDB_PLANCACHE_MAX	2048	/* plans per backend, before eviction */

typedef struct PlanKey
{
	Oid			relid;			/* InvalidOid for catalog queries */
	int			query;
	Oid			userid;			/* where row security makes plans differ by role */
} PlanKey;

typedef struct PlanEntry
{
	PlanKey		key;			/* hash key, first */
	SPIPlanPtr	plan;			/* NULL while being made */
	bool		any_plan;		/* see DdbQueryText */
	LocalTransactionId last_used;
	dlist_node	lru;			/* most recently used at the head */
} PlanEntry;

/* a plan taken out of service that may still be executing */
typedef struct RetiredPlan
{
	SPIPlanPtr	plan;
	LocalTransactionId last_used;
	struct RetiredPlan *next;
} RetiredPlan;

static HTAB *plans = NULL;
static dlist_head lru_list = DLIST_STATIC_INIT(lru_list);
static RetiredPlan *retired = NULL;

/* settings under which plans are made; index scans are what remains */
static const char *const planner_settings[][2] = {
	{"enable_seqscan", "off"},
	{"enable_bitmapscan", "off"},
	{"enable_tidscan", "off"},
	{"enable_sort", "off"},
	{"enable_incremental_sort", "off"},
	{"enable_material", "off"},
	{"jit", "off"},
	{"constraint_exclusion", "off"}
};

Oid
ddb_item_type(void)
{
	Oid			schema = get_namespace_oid("dynamo", false);

	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("item"), ObjectIdGetDatum(schema));
}

void
ddb_plan_add_arg(DdbQueryText *text, Oid type)
{
	Assert(text->nargs < DDB_QUERY_MAX_ARGS);
	text->argtypes[text->nargs++] = type;
}

void
ddb_plan_set_query(DdbQueryText *text, const DdbFixedQuery *query)
{
	int			i;

	appendStringInfoString(&text->sql, query->sql);
	for (i = 0; i < query->nargs; i++)
		ddb_plan_add_arg(text, query->argtypes[i]);
	text->any_plan = true;
}

static void
create_cache(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(PlanKey);
	ctl.entrysize = sizeof(PlanEntry);
	ctl.hcxt = AllocSetContextCreate(CacheMemoryContext, "pg_dynamo plans",
									 ALLOCSET_DEFAULT_SIZES);
	plans = hash_create("pg_dynamo plans", 64, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* free what was retired by earlier transactions */
static void
free_retired(void)
{
	RetiredPlan **link = &retired;

	while (*link != NULL)
	{
		RetiredPlan *item = *link;

		if (item->last_used == DDB_MY_LXID)
		{
			link = &item->next;
			continue;
		}
		*link = item->next;
		SPI_freeplan(item->plan);
		pfree(item);
	}
}

static void
retire(PlanEntry *entry)
{
	if (entry->plan == NULL)
		return;
	if (entry->last_used == DDB_MY_LXID)
	{
		RetiredPlan *item = MemoryContextAlloc(CacheMemoryContext, sizeof(RetiredPlan));

		item->plan = entry->plan;
		item->last_used = entry->last_used;
		item->next = retired;
		retired = item;
	}
	else
		SPI_freeplan(entry->plan);
	entry->plan = NULL;
}

static void
evict_oldest(void)
{
	PlanEntry  *oldest = dlist_tail_element(PlanEntry, lru, &lru_list);

	if (oldest->last_used == DDB_MY_LXID)
		return;
	retire(oldest);
	dlist_delete(&oldest->lru);
	hash_search(plans, &oldest->key, HASH_REMOVE, NULL);
}

const char *
ddb_plan_columns(const DdbTable *table)
{
	return table->keys.nattrs == 2 ? "t.pk, t.sk, t.item" : "t.pk, t.item";
}

CachedPlanSource *
ddb_plan_source(SPIPlanPtr plan)
{
	return (CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan));
}

/*
 * Make the generic plan, while the planner settings are in force.
 */
static void
plan_under_settings(SPIPlanPtr plan, bool any_plan)
{
	CachedPlan *cached;
	int			nest_level = NewGUCNestLevel();
	int			i;

	for (i = 0; !any_plan && i < lengthof(planner_settings); i++)
		(void) set_config_option(planner_settings[i][0], planner_settings[i][1],
								 PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	cached = GetCachedPlan(ddb_plan_source(plan), NULL, CurrentResourceOwner, NULL);
	ReleaseCachedPlan(cached, CurrentResourceOwner);
	AtEOXact_GUC(true, nest_level);
}

static SPIPlanPtr
make_plan(const DdbTable *table, int query, DdbQueryBuilder builder, bool *any_plan)
{
	DdbQueryText text;
	SPIPlanPtr	plan;

	memset(&text, 0, sizeof(text));
	initStringInfo(&text.sql);
	builder(table, query, &text);

	SPI_connect();
	plan = SPI_prepare_cursor(text.sql.data, text.nargs, text.argtypes,
							  CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", text.sql.data,
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	SPI_finish();
	plan_under_settings(plan, text.any_plan);
	pfree(text.sql.data);
	*any_plan = text.any_plan;
	return plan;
}

/*
 * Will the server keep the generic plan as it is?  One made while an index
 * could not serve every snapshot has a saved_xmin and is soon made anew.
 */
static bool
is_current(SPIPlanPtr plan)
{
	CachedPlanSource *source = ddb_plan_source(plan);

	return source->gplan != NULL && source->gplan->is_valid &&
		!TransactionIdIsValid(source->gplan->saved_xmin) &&
		(source->search_path == NULL || ddb_search_path_matches(source->search_path));
}

SPIPlanPtr
ddb_plan_get(const DdbTable *table, int query, DdbQueryBuilder builder)
{
	PlanKey		key;
	PlanEntry  *entry;
	SPIPlanPtr	plan;
	bool		any_plan;
	bool		found;

	if (plans == NULL)
		create_cache();
	if (retired != NULL)
		free_retired();

	key.relid = table ? table->relid : InvalidOid;
	key.query = query;
	key.userid = table && table->row_security ? GetUserId() : InvalidOid;
	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->plan != NULL && SPI_plan_is_valid(entry->plan))
	{
		entry->last_used = DDB_MY_LXID;
		dlist_move_head(&lru_list, &entry->lru);
		if (!is_current(entry->plan))
			plan_under_settings(entry->plan, entry->any_plan);
		return entry->plan;
	}

	/* an error in here leaves the cache as it is */
	plan = make_plan(table, query, builder, &any_plan);

	if (hash_get_num_entries(plans) >= DDB_PLANCACHE_MAX)
		evict_oldest();
	entry = hash_search(plans, &key, HASH_ENTER, &found);
	if (found)
		retire(entry);
	else
		dlist_push_head(&lru_list, &entry->lru);
	entry->plan = plan;
	entry->any_plan = any_plan;
	entry->last_used = DDB_MY_LXID;
	dlist_move_head(&lru_list, &entry->lru);
	return plan;
}
