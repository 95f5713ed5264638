/*
 * insights.h
 *	  Contributor Insights: the keys of a table or index that are accessed, or
 *	  throttled, most, counted in bounded shared memory.
 *
 * Counting is approximate in the way of the Space-Saving algorithm: a key that
 * is listed was counted at most "error" times too often, and a key with more
 * than the smallest listed count is always listed.
 */
#ifndef DDB_INSIGHTS_H
#define DDB_INSIGHTS_H

#include "catalog.h"
#include "datatype/timestamp.h"

/* counts are kept for this present window, in us, and for the one before */
#define DDB_INSIGHTS_WINDOW		USECS_PER_HOUR

typedef enum DdbInsightsEvent
{
	DDB_KEY_ACCESSED,
	DDB_KEY_THROTTLED
} DdbInsightsEvent;

/* what is counted, each by itself: events of partition keys, and of whole keys */
typedef enum DdbInsightsRule
{
	DDB_RULE_PKC,				/* partition keys accessed */
	DDB_RULE_SKC,				/* partition and sort keys accessed */
	DDB_RULE_PKT,				/* the same for throttled */
	DDB_RULE_SKT
} DdbInsightsRule;

#define DDB_INSIGHTS_RULES	(DDB_RULE_SKT + 1)

/* "PKC", ... */
extern const char *ddb_insights_rule_name(DdbInsightsRule rule);

/* does the mode count by this rule for the table or, unless NULL, its index? */
extern bool ddb_insights_has_rule(const DdbTable *table, const DdbIndex *index,
								  DdbInsights mode, DdbInsightsRule rule);

/*
 * ddb_insights_count: weight units (at least 1) for the key that doc holds, of
 * the table or, unless NULL, of its index.  Does nothing where Contributor
 * Insights is off for it, or where doc lacks a partition key.  Raises nothing.
 */
extern void ddb_insights_count(const DdbTable *table, const DdbIndex *index, DdbDoc doc,
							   DdbInsightsEvent event, double weight);

/* the relations of this database, tables and index tables, with counts; palloc'd */
extern Oid *ddb_insights_relations(int *count);

/* a key with its count, in units */
typedef struct DdbContributor
{
	char	   *partition_key;
	char	   *sort_key;		/* NULL for rules of partition keys */
	double		count;
	double		error;
} DdbContributor;

/* what one rule has counted in one window */
typedef struct DdbInsightsCounts
{
	DdbInsightsRule rule;
	TimestampTz start;
	double		total;			/* of all keys, also of those not listed */
	int			count;
	DdbContributor *contributors;	/* the largest count first */
} DdbInsightsCounts;

/* those of a relation in both windows that are not empty; palloc'd */
extern DdbInsightsCounts *ddb_insights_read(Oid relid, int *count);

/*
 * ddb_insights_sweep: counts of relations and databases that are gone, or of
 * relations of this one for which Contributor Insights is off, make room for
 * others.
 */
extern void ddb_insights_sweep(void);

/*
 * The table whose item table relid is, or the index whose index table it is,
 * with its table; what there is none of is NULL.
 */
extern void ddb_insights_resource(Oid relid, const DdbTable **table, const DdbIndex **index);

/* from _PG_init, while libraries are preloaded */
extern void ddb_insights_init(void);

#endif							/* DDB_INSIGHTS_H */
