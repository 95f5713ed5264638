/*
 * scan_internal.h
 *	  What the files of the scan family share: statements that read in order,
 *	  segments of the hash space, cursors.
 */
#ifndef DDB_SCAN_INTERNAL_H
#define DDB_SCAN_INTERNAL_H

#include "plancache.h"
#include "scan.h"

/* a query and its parameters */
typedef struct DdbScanStatement
{
	int			query;
	Datum		values[DDB_QUERY_MAX_ARGS];
} DdbScanStatement;

/*
 * ddb_scan_run: run a statement whose last column is an item, and hand each
 * item to consume until that returns false.  table is what the plan belongs
 * to and what builder gets.
 */
extern void ddb_scan_run(const DdbTable *table, const DdbScanStatement *statement,
						 DdbQueryBuilder builder, DdbScanItem consume, void *arg);

/*
 * ddb_scan_open_cursor: a cursor over a statement whose last parameter, which
 * is set here, is the serial number of the filter.
 */
extern char *ddb_scan_open_cursor(const DdbTable *table, DdbScanStatement *statement,
								  DdbQueryBuilder builder, DdbScanFilter *filter);

/* first hash of a segment; that of segment == total is one past the last */
extern uint64 ddb_scan_segment_start(int segment, int total);

/* in which segment of total does this hash lie? */
extern int	ddb_scan_segment_of_hash(uint32 hash, int total);

/* the SQL function partition_hash: unsigned order as signed integers, and back */
static inline int32
ddb_scan_signed_hash(uint32 hash)
{
	return (int32) (hash ^ 0x80000000U);
}

static inline uint32
ddb_scan_unsigned_hash(int32 hash)
{
	return (uint32) hash ^ 0x80000000U;
}

#endif							/* DDB_SCAN_INTERNAL_H */
