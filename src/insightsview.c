/*
 * insightsview.c
 *	  What Contributor Insights has counted, as rows: the function behind the
 *	  view dynamo.contributor_insights.
 *
 * Keys are data, so they are shown to who may read the whole table, as its
 * stream is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "compat.h"
#include "insights.h"
#include "streamlog.h"

DDB_FUNCTION(ddb_stat_get_contributor_insights);

/* whose rows these are */
typedef struct Resource
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL for the table itself */
} Resource;

static void
put_rows(FunctionCallInfo fcinfo, const Resource *resource, const DdbInsightsCounts *counts)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			i;

	for (i = 0; i < counts->count; i++)
	{
		const DdbContributor *contributor = &counts->contributors[i];
		Datum		values[10];
		bool		nulls[10] = {false};

		values[0] = CStringGetTextDatum(resource->table->name);
		nulls[1] = resource->index == NULL;
		if (!nulls[1])
			values[1] = CStringGetTextDatum(resource->index->name);
		values[2] = CStringGetTextDatum(ddb_insights_rule_name(counts->rule));
		values[3] = TimestampTzGetDatum(counts->start);
		values[4] = TimestampTzGetDatum(counts->start + DDB_INSIGHTS_WINDOW);
		values[5] = CStringGetTextDatum(contributor->partition_key);
		nulls[6] = contributor->sort_key == NULL;
		if (!nulls[6])
			values[6] = CStringGetTextDatum(contributor->sort_key);
		values[7] = Float8GetDatum(contributor->count);
		values[8] = Float8GetDatum(contributor->error);
		values[9] = Float8GetDatum(contributor->count / counts->total);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

static void
put_resource(FunctionCallInfo fcinfo, Oid relid)
{
	Resource	resource;
	DdbInsights mode;
	DdbInsightsCounts *list;
	int			count;
	int			i;

	ddb_insights_resource(relid, &resource.table, &resource.index);
	if (resource.table == NULL || !ddb_stream_may_read(resource.table->relid, GetUserId()))
		return;
	mode = (resource.index ? &resource.index->capacity : &resource.table->capacity)->insights;
	list = ddb_insights_read(relid, &count);
	for (i = 0; i < count; i++)
	{
		if (ddb_insights_has_rule(resource.table, resource.index, mode, list[i].rule))
			put_rows(fcinfo, &resource, &list[i]);
	}
}

/*
 * stat_get_contributor_insights(): a row for each key with a counter, for the
 * tables that the current user may read whole and their indexes, as far as
 * Contributor Insights is enabled.
 */
Datum
ddb_stat_get_contributor_insights(PG_FUNCTION_ARGS)
{
	Oid		   *relids;
	int			count;
	int			i;

	InitMaterializedSRF(fcinfo, 0);
	relids = ddb_insights_relations(&count);
	for (i = 0; i < count; i++)
		put_resource(fcinfo, relids[i]);
	return (Datum) 0;
}
