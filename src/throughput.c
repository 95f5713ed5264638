/*
 * throughput.c
 *	  Meters in shared memory: buckets of capacity units, and counters.
 *
 * A hash table leads from database and relation to a place in an array, under
 * a lock; who has a meter uses it without one.  A bucket is one moment in time,
 * as in the Generic Cell Rate Algorithm: consuming moves it ahead by what the
 * units last at the present rate, so that one compare-and-swap does it.
 *
 * A meter that was released may become another relation's.  Pointers to it
 * that processes still keep are told apart by the relation written in it.
 *
 * This file knows nothing of definitions, settings of tables, or operations.
 */
#include "postgres.h"

#include <time.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "guc.h"
#include "throughput.h"

#define NS_PER_S			INT64CONST(1000000000)

/* partitions have no unused seconds to save up, for their rate is a limit */
#define PARTITION_BURST_SECONDS	1
#define PARTITIONS			8192	/* a power of two */

/* what is consumed at once counts no longer than this, lest numbers overflow */
#define MAX_DEBT_SECONDS	INT64CONST(1000000000)

typedef struct MeterKey
{
	Oid			database;
	Oid			relid;
} MeterKey;

typedef struct MeterPlace
{
	MeterKey	key;			/* hash key, first */
	int			place;
} MeterPlace;

typedef struct ThroughputShared
{
	int			used;			/* places in use or free that were in use */
	int			nfree;
	bool		warned;			/* that there are too many relations */
	DdbPartitionMeter partitions[PARTITIONS];
} ThroughputShared;

/* NULL without shared memory */
static ThroughputShared *shared = NULL;
static DdbMeter *meters = NULL; /* ddb_metrics_max of them */
static int *free_places = NULL; /* as many; the first nfree are places */
static HTAB *places = NULL;
static LWLock *lock = NULL;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static const char *const op_names[DDB_METERED_OPS] = {
	[DDB_METERED_BATCH_EXECUTE_STATEMENT] = "BatchExecuteStatement",
	[DDB_METERED_BATCH_GET_ITEM] = "BatchGetItem",
	[DDB_METERED_BATCH_WRITE_ITEM] = "BatchWriteItem",
	[DDB_METERED_DELETE_ITEM] = "DeleteItem",
	[DDB_METERED_EXECUTE_STATEMENT] = "ExecuteStatement",
	[DDB_METERED_EXECUTE_TRANSACTION] = "ExecuteTransaction",
	[DDB_METERED_GET_ITEM] = "GetItem",
	[DDB_METERED_GET_RECORDS] = "GetRecords",
	[DDB_METERED_PUT_ITEM] = "PutItem",
	[DDB_METERED_QUERY] = "Query",
	[DDB_METERED_SCAN] = "Scan",
	[DDB_METERED_TRANSACT_GET_ITEMS] = "TransactGetItems",
	[DDB_METERED_TRANSACT_WRITE_ITEMS] = "TransactWriteItems",
	[DDB_METERED_UPDATE_ITEM] = "UpdateItem"
};

const char *
ddb_throughput_op_name(DdbMeteredOp op)
{
	Assert((int) op >= 0 && op < DDB_METERED_OPS);
	return op_names[op];
}

static int64
now_ns(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* ----------------------------------------------------------------
 * Shared memory
 * ----------------------------------------------------------------
 */

static Size
meters_size(void)
{
	StaticAssertStmt(sizeof(DdbOpMeter) == 64 && sizeof(DdbMeter) % 64 == 0,
					 "meters fill cache lines");
	return mul_size(ddb_metrics_max, sizeof(DdbMeter));
}

static Size
free_size(void)
{
	return mul_size(ddb_metrics_max, sizeof(int));
}

static void
request_memory(void)
{
	Size		size;

	if (previous_request_hook != NULL)
		previous_request_hook();
	size = add_size(CACHELINEALIGN(sizeof(ThroughputShared)), CACHELINEALIGN(meters_size()));
	size = add_size(size, CACHELINEALIGN(free_size()));
	size = add_size(size, hash_estimate_size(ddb_metrics_max, sizeof(MeterPlace)));
	RequestAddinShmemSpace(size);
	RequestNamedLWLockTranche("pg_dynamo throughput", 1);
}

static void
init_buckets(pg_atomic_uint64 *empty_at)
{
	int			kind;

	for (kind = 0; kind < DDB_UNIT_KINDS; kind++)
		pg_atomic_init_u64(&empty_at[kind], 0);
}

static void
init_partitions(void)
{
	int			i;

	for (i = 0; i < PARTITIONS; i++)
		init_buckets(shared->partitions[i].empty_at);
}

static void
start_memory(void)
{
	HASHCTL		ctl = {.keysize = sizeof(MeterKey), .entrysize = sizeof(MeterPlace)};
	bool		found;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_dynamo throughput", sizeof(ThroughputShared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(ThroughputShared));
		init_partitions();
	}
	meters = ShmemInitStruct("pg_dynamo meters", meters_size(), &found);
	if (!found)
		memset(meters, 0, meters_size());
	free_places = ShmemInitStruct("pg_dynamo free meters", free_size(), &found);
	places = ShmemInitHash("pg_dynamo meters by relation", ddb_metrics_max, ddb_metrics_max,
						   &ctl, HASH_ELEM | HASH_BLOBS | HASH_FIXED_SIZE);
	lock = &GetNamedLWLockTranche("pg_dynamo throughput")->lock;
	LWLockRelease(AddinShmemInitLock);
}

void
ddb_throughput_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

/* ----------------------------------------------------------------
 * Meters
 * ----------------------------------------------------------------
 */

static void
init_op(DdbOpMeter *op)
{
	pg_atomic_init_u64(&op->requests, 0);
	pg_atomic_init_u64(&op->microseconds, 0);
	pg_atomic_init_u64(&op->slowest, 0);
	pg_atomic_init_u64(&op->returned, 0);
	pg_atomic_init_u64(&op->throttled, 0);
	pg_atomic_init_u64(&op->failed, 0);
}

/* relid last: it makes the meter seen by readers, who take no lock */
static void
init_meter(DdbMeter *meter, const MeterKey *key)
{
	int			i;

	init_buckets(meter->empty_at);
	for (i = 0; i < DDB_UNIT_KINDS; i++)
	{
		pg_atomic_init_u64(&meter->consumed[i], 0);
		pg_atomic_init_u64(&meter->throttle_events[i], 0);
	}
	pg_atomic_init_u64(&meter->conditional_failures, 0);
	pg_atomic_init_u64(&meter->transaction_conflicts, 0);
	for (i = 0; i < DDB_METERED_OPS; i++)
		init_op(&meter->op[i]);
	meter->database = key->database;
	pg_write_barrier();
	meter->relid = key->relid;
}

/* -1: all are in use.  Called with the lock held. */
static int
take_place(void)
{
	if (shared->nfree > 0)
		return free_places[--shared->nfree];
	if (shared->used < ddb_metrics_max)
		return shared->used++;
	return -1;
}

static DdbMeter *
find_meter(const MeterKey *key)
{
	MeterPlace *found;

	LWLockAcquire(lock, LW_SHARED);
	found = hash_search(places, key, HASH_FIND, NULL);
	LWLockRelease(lock);
	return found ? &meters[found->place] : NULL;
}

/*
 * NULL, and *warn set for who is the first to see it, when all are in use.
 * *made tells whether it was not there before.
 */
static DdbMeter *
make_meter(const MeterKey *key, bool *made, bool *warn)
{
	MeterPlace *entry;
	bool		found;
	int			place;

	*made = false;
	*warn = false;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	entry = hash_search(places, key, HASH_FIND, &found);
	place = found ? entry->place : take_place();
	if (place < 0)
	{
		*warn = !shared->warned;
		shared->warned = true;
	}
	else if (!found)
	{
		/* there is room for as many entries as places */
		entry = hash_search(places, key, HASH_ENTER_NULL, &found);
		if (entry == NULL)
			free_places[shared->nfree++] = place;
		else
		{
			entry->place = place;
			init_meter(&meters[place], key);
			*made = true;
		}
	}
	LWLockRelease(lock);
	return entry ? &meters[place] : NULL;
}

static void note_made(Oid relid);
static bool make_room(void);

DdbMeter *
ddb_throughput_meter(Oid relid)
{
	MeterKey	key = {.database = MyDatabaseId, .relid = relid};
	DdbMeter   *meter;
	bool		made;
	bool		warn;

	if (shared == NULL || !OidIsValid(relid) || !OidIsValid(MyDatabaseId))
		return NULL;
	meter = find_meter(&key);
	if (meter != NULL)
		return meter;
	meter = make_meter(&key, &made, &warn);
	if (meter == NULL && make_room())
		meter = make_meter(&key, &made, &warn);
	if (made)
		note_made(relid);
	if (warn)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("the capacity of some tables and indexes is not counted, and throttling does not work for them"),
				 errdetail("Capacity is counted for %d of them at most.", ddb_metrics_max),
				 errhint("Raise dynamo.metrics_max and restart the server.")));
	return meter;
}

DdbMeter *
ddb_throughput_next(int *place)
{
	int			used;

	if (shared == NULL)
		return NULL;
	LWLockAcquire(lock, LW_SHARED);
	used = shared->used;
	LWLockRelease(lock);
	while (*place < used)
	{
		DdbMeter   *meter = &meters[(*place)++];

		if (OidIsValid(meter->relid))
		{
			pg_read_barrier();
			return meter;
		}
	}
	return NULL;
}

void
ddb_throughput_release(DdbMeter *meter)
{
	MeterKey	key;
	bool		found;

	if (meter == NULL || shared == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	key.database = meter->database;
	key.relid = meter->relid;
	(void) hash_search(places, &key, HASH_REMOVE, &found);
	if (found)
	{
		meter->relid = InvalidOid;
		free_places[shared->nfree++] = meter - meters;
		shared->warned = false;
	}
	LWLockRelease(lock);
}

/*
 * A relation that is being made is not to be seen either, but locked.
 */
bool
ddb_throughput_is_gone(const DdbMeter *meter)
{
	Oid			relid = meter->relid;
	bool		gone;

	if (meter->database != MyDatabaseId)
		return !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(meter->database));
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	gone = !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
	UnlockRelationOid(relid, AccessShareLock);
	return gone;
}

/*
 * All meters are in use.  Who drops a relation, or stores metrics, releases
 * meters; but on a standby nobody does, nor after a prepared transaction.
 * Returns whether some were released; a process tries once a second.
 */
static bool
make_room(void)
{
	static int64 last = 0;
	int64		now = now_ns();
	bool		released = false;
	DdbMeter   *meter;
	int			place = 0;

	if (last != 0 && now - last < NS_PER_S)
		return false;
	last = now;
	while ((meter = ddb_throughput_next(&place)) != NULL)
	{
		if (!ddb_throughput_is_gone(meter))
			continue;
		ddb_throughput_release(meter);
		released = true;
	}
	return released;
}

/* ----------------------------------------------------------------
 * Relations that are dropped, or whose transaction is rolled back
 * ----------------------------------------------------------------
 */

/* in TopTransactionContext; NIL outside of transactions that drop something */
static List *dropped = NIL;

/* relations of this transaction's, whose meters it made; the same */
static List *made_here = NIL;

/* a subtransaction that was rolled back has dropped nothing */
static void
keep_those_that_exist(void)
{
	ListCell   *lc;

	foreach(lc, dropped)
	{
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			dropped = foreach_delete_current(dropped, lc);
	}
}

static void
release_all(const List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		MeterKey	key = {.database = MyDatabaseId, .relid = lfirst_oid(lc)};

		ddb_throughput_release(find_meter(&key));
	}
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			dropped = list_concat(dropped, made_here);
			made_here = NIL;
			keep_those_that_exist();
			return;
		case XACT_EVENT_COMMIT:
			release_all(dropped);
			dropped = NIL;
			return;
		case XACT_EVENT_ABORT:
			release_all(made_here);
			made_here = dropped = NIL;
			return;
		case XACT_EVENT_PREPARE:
			made_here = dropped = NIL;
			return;
		default:
			return;
	}
}

static void
note_relation(List **list, Oid relid)
{
	static bool registered = false;
	MemoryContext old;

	if (!registered)
		RegisterXactCallback(at_transaction_event, NULL);
	registered = true;
	old = MemoryContextSwitchTo(TopTransactionContext);
	*list = lappend_oid(*list, relid);
	MemoryContextSwitchTo(old);
}

/*
 * A relation of which only this transaction knows (or which it changed: then
 * its meter, if released, begins anew): only here it is known to be gone when
 * that is rolled back, in a database whose metrics nobody stores.
 */
static void
note_made(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		return;
	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		note_relation(&made_here, relid);
	ReleaseSysCache(tuple);
}

void
ddb_throughput_release_at_commit(Oid relid)
{
	if (shared != NULL)
		note_relation(&dropped, relid);
}

/* ----------------------------------------------------------------
 * Buckets
 * ----------------------------------------------------------------
 */

/* when the bucket is empty, what is saved up beyond burst seconds left out */
static int64
empty_at(uint64 stored, int64 now, int burst)
{
	int64		at = stored == 0 ? now - NS_PER_S : (int64) stored;

	return Max(at, now - burst * NS_PER_S);
}

/* how long units last, in ns */
static int64
duration(double units, double rate)
{
	double		seconds = units / rate;

	return (int64) (Min(seconds, (double) MAX_DEBT_SECONDS) * NS_PER_S);
}

static bool
is_exhausted(pg_atomic_uint64 *bucket, double rate, int burst, double planned)
{
	int64		now = now_ns();

	return empty_at(pg_atomic_read_u64(bucket), now, burst) + duration(planned, rate) >= now;
}

static void
charge(pg_atomic_uint64 *bucket, double rate, int burst, double units)
{
	int64		now = now_ns();
	int64		lasts = duration(units, rate);
	uint64		before = pg_atomic_read_u64(bucket);
	uint64		after;

	do
	{
		/* 0 means that it was never used */
		after = (uint64) Max(empty_at(before, now, burst) + lasts, 1);
	} while (!pg_atomic_compare_exchange_u64(bucket, &before, after));
}

bool
ddb_throughput_is_exhausted(DdbMeter *meter, DdbUnits kind, double rate, double planned)
{
	return is_exhausted(&meter->empty_at[kind], rate, DDB_BURST_SECONDS, planned);
}

double
ddb_throughput_seconds_left(DdbMeter *meter, DdbUnits kind)
{
	int64		now = now_ns();
	int64		at = empty_at(pg_atomic_read_u64(&meter->empty_at[kind]), now,
							  DDB_BURST_SECONDS);

	return (double) (now - at) / NS_PER_S;
}

void
ddb_throughput_charge(DdbMeter *meter, DdbUnits kind, double rate, double units)
{
	charge(&meter->empty_at[kind], rate, DDB_BURST_SECONDS, units);
}

void
ddb_throughput_raise(DdbMeter *meter, DdbUnits kind, double before, double after)
{
	pg_atomic_uint64 *bucket = &meter->empty_at[kind];
	int64		now = now_ns();
	uint64		old = pg_atomic_read_u64(bucket);
	uint64		new;

	do
	{
		int64		debt = (int64) old - now;

		if (old == 0 || debt <= 0)
			return;
		new = now + (int64) (debt * (before / after));
	} while (!pg_atomic_compare_exchange_u64(bucket, &old, new));
}

/* ----------------------------------------------------------------
 * Partitions
 * ----------------------------------------------------------------
 */

static const double partition_rates[DDB_UNIT_KINDS] = {
	[DDB_UNITS_READ] = DDB_PARTITION_READ_UNITS,
	[DDB_UNITS_WRITE] = DDB_PARTITION_WRITE_UNITS
};

DdbPartitionMeter *
ddb_throughput_partition(Oid relid, uint64 hash)
{
	uint64		place;

	if (shared == NULL)
		return NULL;
	place = hash_combine64(hash_combine64(hash, MyDatabaseId), relid);
	return &shared->partitions[murmurhash32((uint32) (place ^ (place >> 32))) % PARTITIONS];
}

bool
ddb_throughput_partition_is_exhausted(DdbPartitionMeter *meter, DdbUnits kind, double planned)
{
	return is_exhausted(&meter->empty_at[kind], partition_rates[kind],
						PARTITION_BURST_SECONDS, planned);
}

void
ddb_throughput_partition_charge(DdbPartitionMeter *meter, DdbUnits kind, double units)
{
	charge(&meter->empty_at[kind], partition_rates[kind], PARTITION_BURST_SECONDS, units);
}
