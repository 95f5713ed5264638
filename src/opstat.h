/*
 * opstat.h
 *	  Counters of the HTTP door in shared memory: requests, errors, latencies,
 *	  capacity, connections, flushes.
 *
 * Written by the HTTP workers, read by everyone.  Without
 * shared_preload_libraries there is no shared memory and everything is zero.
 */
#ifndef DDB_OPSTAT_H
#define DDB_OPSTAT_H

#include "error.h"
#include "lib/stringinfo.h"
#include "op.h"

/* worker: this process's slot, 0 .. dynamo.http_workers - 1 */
extern void ddb_opstat_attach(int worker);

/*
 * ddb_opstat_count: one request is answered.  op is NULL for requests without
 * a known operation; error is NULL for success.
 */
extern void ddb_opstat_count(const DdbOperation *op, const DdbErrorInfo *error,
							 int64 microseconds, double read_units, double write_units);

extern void ddb_opstat_connection(int change);	/* +1 opened, -1 closed */
extern void ddb_opstat_refused(void);	/* a connection beyond the limit */
extern void ddb_opstat_parked(int change);	/* requests that wait for locks */

/* one flush of the log released the responses of this many requests */
extern void ddb_opstat_flush(int responses);

/* all of it, and metrics.h's, in Prometheus's text format, version 0.0.4; in a transaction */
extern void ddb_opstat_prometheus(StringInfo out);

/* from _PG_init, while libraries are preloaded */
extern void ddb_opstat_init(void);

#endif							/* DDB_OPSTAT_H */
