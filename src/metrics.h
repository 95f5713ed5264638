/*
 * metrics.h
 *	  What tables and indexes consume, for those who watch: stored by period in
 *	  dynamo.metric, now in dynamo.stat_tables and for Prometheus.
 */
#ifndef DDB_METRICS_H
#define DDB_METRICS_H

#include "lib/stringinfo.h"

/*
 * ddb_metrics_prometheus: the counters of tables and global indexes of this
 * database, appended in the text format, version 0.0.4.  In a transaction, with
 * a snapshot; nothing but headings where the extension is not installed, and
 * nothing at all where dynamo.metrics_tables is off.
 */
extern void ddb_metrics_prometheus(StringInfo out);

/* memory, and the worker; from _PG_init, while libraries are preloaded */
extern void ddb_metrics_init(void);

#endif							/* DDB_METRICS_H */
