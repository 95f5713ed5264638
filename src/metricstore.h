/*
 * metricstore.h
 *	  Metrics of tables and global indexes: counters read from their meters,
 *	  and dynamo.metric, where they are kept by period.
 */
#ifndef DDB_METRICSTORE_H
#define DDB_METRICSTORE_H

#include "catalog.h"
#include "throughput.h"
#include "utils/timestamp.h"

typedef struct DdbOpCounters
{
	uint64		requests;
	uint64		microseconds;
	uint64		slowest;		/* not a sum */
	uint64		returned;
	uint64		throttled;
	uint64		failed;
} DdbOpCounters;

/* what a meter counts, see there; nothing but uint64 */
typedef struct DdbCounters
{
	uint64		consumed[DDB_UNIT_KINDS];
	uint64		throttle_events[DDB_UNIT_KINDS];
	uint64		conditional_failures;
	uint64		transaction_conflicts;
	DdbOpCounters op[DDB_METERED_OPS];
} DdbCounters;

/* a relation that may have a meter */
typedef struct DdbMetered
{
	Oid			relid;
	char	   *table_name;
	char	   *index_name;		/* NULL for an item table */
	int64		provisioned[DDB_UNIT_KINDS];	/* units a second; -1 on demand */
} DdbMetered;

/* what was counted in a period */
typedef struct DdbDataPoint
{
	const DdbMetered *metered;
	DdbCounters counters;
} DdbDataPoint;

/* the counters since the server started; slowest is left 0 */
extern void ddb_metricstore_read(DdbMeter *meter, DdbCounters *counters);

/* are the tables there? */
extern bool ddb_metricstore_available(void);

/*
 * ddb_metricstore_relations: item tables and global indexes among relids; palloc'd,
 * the number of them in *count.  Whoever calls it says who may see them.
 */
extern DdbMetered *ddb_metricstore_relations(const Oid *relids, int nrelids, int *count);

/*
 * Add data points to what is stored of the period that begins at start, seconds
 * long.
 */
extern void ddb_metricstore_store(TimestampTz start, int seconds, const DdbDataPoint *points,
							  int count);

/* delete up to limit rows of periods before a time; returns how many */
extern uint64 ddb_metricstore_delete_before(TimestampTz time, int limit);

/* the same for those of relations that are gone */
extern uint64 ddb_metricstore_delete_dropped(int limit);

#endif							/* DDB_METRICSTORE_H */
