/*
 * throughput.h
 *	  Capacity units by table and index, in shared memory: what is left of
 *	  them, and counters of what was consumed.
 *
 * A meter belongs to one relation, an item table or a global index's table, of
 * one database.  Its buckets hold unused seconds of the provisioned rate, at
 * most DDB_BURST_SECONDS of them, so that a change of the rate needs no change
 * here: whoever asks says what the rate is.  A bucket may go below zero, for
 * what an operation consumes is known when it has run; then it has nothing
 * left until the debt is paid, so that over time no more than the rate is
 * consumed.  Only of a debt the rate matters that it was made at.  A bucket that was never used has one second in it.
 *
 * Without shared_preload_libraries there is no shared memory, and no meter.
 */
#ifndef DDB_THROUGHPUT_H
#define DDB_THROUGHPUT_H

#include "port/atomics.h"

#define DDB_BURST_SECONDS	300

typedef enum DdbUnits
{
	DDB_UNITS_READ,
	DDB_UNITS_WRITE
} DdbUnits;

#define DDB_UNIT_KINDS	2

/* counters of units count parts of them */
#define DDB_UNIT_PARTS	1000

/* the operations that have metrics of their own */
typedef enum DdbMeteredOp
{
	DDB_METERED_NONE,
	DDB_METERED_BATCH_EXECUTE_STATEMENT,
	DDB_METERED_BATCH_GET_ITEM,
	DDB_METERED_BATCH_WRITE_ITEM,
	DDB_METERED_DELETE_ITEM,
	DDB_METERED_EXECUTE_STATEMENT,
	DDB_METERED_EXECUTE_TRANSACTION,
	DDB_METERED_GET_ITEM,
	DDB_METERED_GET_RECORDS,
	DDB_METERED_PUT_ITEM,
	DDB_METERED_QUERY,
	DDB_METERED_SCAN,
	DDB_METERED_TRANSACT_GET_ITEMS,
	DDB_METERED_TRANSACT_WRITE_ITEMS,
	DDB_METERED_UPDATE_ITEM
} DdbMeteredOp;

#define DDB_METERED_OPS	(DDB_METERED_UPDATE_ITEM + 1)

/* the name of the operation; NULL for DDB_METERED_NONE */
extern const char *ddb_throughput_op_name(DdbMeteredOp op);

/*
 * Counters of one operation on one table, since the server started.  They fill
 * a cache line, and a meter whole ones: what one request counts shall not lie
 * on more lines than it must, since other processes want them, too.
 */
typedef struct DdbOpMeter
{
	pg_atomic_uint64 requests;	/* answered without an error */
	pg_atomic_uint64 microseconds;	/* of those */
	pg_atomic_uint64 slowest;	/* of those; the reader that stores metrics sets it to 0 */
	pg_atomic_uint64 returned;	/* items */
	pg_atomic_uint64 throttled; /* requests answered with a throttling error */
	pg_atomic_uint64 failed;	/* requests answered with a server error */
	pg_atomic_uint64 unused[2];
} DdbOpMeter;

typedef struct DdbMeter
{
	DdbOpMeter	op[DDB_METERED_OPS];	/* of item tables */
	Oid			database;
	Oid			relid;			/* InvalidOid: the place is free */

	/*
	 * The moment, in ns of the monotonic clock, at which nothing is or will be
	 * left: unused seconds lie between it and now; 0 when never used.
	 */
	pg_atomic_uint64 empty_at[DDB_UNIT_KINDS];

	/* since the server started */
	pg_atomic_uint64 consumed[DDB_UNIT_KINDS];	/* in parts of units */
	pg_atomic_uint64 throttle_events[DDB_UNIT_KINDS];
	pg_atomic_uint64 conditional_failures;	/* ConditionalCheckFailedRequests */
	pg_atomic_uint64 transaction_conflicts;
	pg_atomic_uint64 unused[7];
} DdbMeter;

/*
 * ddb_throughput_meter: the meter of a relation of the present database, which
 * is made if need be; NULL without shared memory, or when dynamo.metrics_max
 * meters are in use (a WARNING is logged then, once).  Valid as long as the
 * relation exists.
 */
extern DdbMeter *ddb_throughput_meter(Oid relid);

/* all meters in use, one after the other: *place begins at 0; NULL after the last */
extern DdbMeter *ddb_throughput_next(int *place);

/*
 * Is the relation gone, or its database?  Of another database's relation that
 * is not known here.
 */
extern bool ddb_throughput_is_gone(const DdbMeter *meter);

/* the relation is gone: its meter is free for others */
extern void ddb_throughput_release(DdbMeter *meter);

/* the same for a relation that this transaction drops, when it commits */
extern void ddb_throughput_release_at_commit(Oid relid);

/*
 * Is nothing left, after planned further units?  rate: units a second, more
 * than 0.
 */
extern bool ddb_throughput_is_exhausted(DdbMeter *meter, DdbUnits kind, double rate,
										double planned);

/*
 * Unused seconds of the rate that are saved up, whatever the rate is; below 0 a
 * debt.
 */
extern double ddb_throughput_seconds_left(DdbMeter *meter, DdbUnits kind);

/* take units out of the bucket; the counters are another matter */
extern void ddb_throughput_charge(DdbMeter *meter, DdbUnits kind, double rate, double units);

/* the rate has risen: what the bucket owes is paid back sooner */
extern void ddb_throughput_raise(DdbMeter *meter, DdbUnits kind, double before, double after);

/*
 * The same for partitions: a bucket for each of a fixed number of slots, which
 * relation and hash of the partition key choose; NULL without shared memory.
 */
typedef struct DdbPartitionMeter
{
	pg_atomic_uint64 empty_at[DDB_UNIT_KINDS];
} DdbPartitionMeter;

#define DDB_PARTITION_READ_UNITS	3000	/* a second */
#define DDB_PARTITION_WRITE_UNITS	1000

extern DdbPartitionMeter *ddb_throughput_partition(Oid relid, uint64 hash);
extern bool ddb_throughput_partition_is_exhausted(DdbPartitionMeter *meter, DdbUnits kind,
												  double planned);
extern void ddb_throughput_partition_charge(DdbPartitionMeter *meter, DdbUnits kind,
											double units);

/* from _PG_init, while libraries are preloaded */
extern void ddb_throughput_init(void);

#endif							/* DDB_THROUGHPUT_H */
