/*
 * scan.h
 *	  Many items in order: a partition by sort key, or a whole table.
 */
#ifndef DDB_SCAN_H
#define DDB_SCAN_H

#include "catalog.h"
#include "index.h"

/* one end of a range of sort keys */
typedef struct DdbBound
{
	bool		present;
	bool		inclusive;
	Datum		value;			/* of the sk column's type */
} DdbBound;

typedef struct DdbPartitionRange
{
	Datum		pk;
	DdbBound	lower;
	DdbBound	upper;
	bool		forward;		/* ascending sort keys */
} DdbPartitionRange;

/*
 * A part of a table: segment of total (0 of 1 for all of it), after start,
 * the key of an item, which need not exist (NULL: from the beginning).
 */
typedef struct DdbTableRange
{
	int			segment;
	int			total;
	const DdbKey *start;
} DdbTableRange;

/*
 * Called for each item; the document is valid during the call only, and the
 * current context is emptied after it.  False ends the reading.
 */
typedef bool (*DdbScanItem) (DdbDoc item, void *arg);

extern void ddb_scan_partition(const DdbTable *table, const DdbPartitionRange *range,
							   DdbScanItem consume, void *arg);
extern void ddb_scan_table(const DdbTable *table, const DdbTableRange *range,
						   DdbScanItem consume, void *arg);

/*
 * A part of one partition of an index: entries whose first nequal sort key
 * attributes have these values, and whose next one lies within the bounds;
 * after start (NULL: from the beginning, in the direction of reading), a
 * position in that partition which has those values too, whether or not there
 * is an entry.
 */
typedef struct DdbIndexRange
{
	DdbIndexPosition partition; /* hash and pk */
	int			nequal;
	Datum		equal[DDB_MAX_KEY_PARTS];
	DdbBound	lower;
	DdbBound	upper;
	const DdbIndexPosition *start;
	bool		forward;
} DdbIndexRange;

/* a part of a whole index, as DdbTableRange */
typedef struct DdbIndexSegment
{
	int			segment;
	int			total;
	const DdbIndexPosition *start;
} DdbIndexSegment;

/*
 * The documents are projected items.  Index tables carry no grants: what the
 * current user may read of the item table decides.  With row security in force
 * for him, he gets entries of rows that he sees in the table only.
 */
extern void ddb_scan_index_partition(const DdbTable *table, const DdbIndex *index,
									 const DdbIndexRange *range,
									 DdbScanItem consume, void *arg);
extern void ddb_scan_index(const DdbTable *table, const DdbIndex *index,
						   const DdbIndexSegment *range,
						   DdbScanItem consume, void *arg);

extern int	ddb_scan_index_segment(const DdbIndexPosition *position, int total);

/*
 * Lock the index table until the transaction ends, for definitions of indexes
 * may change while an item table is being read; false when it is gone.
 */
extern bool ddb_scan_index_lock(const DdbIndex *index);

/*
 * ddb_scan_index_fetch: the whole item of an entry that is being consumed or
 * filtered, in CurrentMemoryContext, as the current user sees it in the same
 * snapshot; NULL when he does not.
 */
extern Jsonb *ddb_scan_index_fetch(const DdbTable *table, DdbDoc entry);

/* in which segment of total does this partition key lie? */
extern int	ddb_scan_segment(const DdbTable *table, const DdbKey *key, int total);

/*
 * Cursors, for callers that take items over several calls of theirs: the name
 * of an open portal, to be closed by the caller or by the end of the
 * transaction.  Only items that filter accepts come out; it is allocated in
 * CurrentMemoryContext and lives, with its argument, as long as the cursor.
 * An unordered cursor reads a whole table in whatever order is fastest.
 */
typedef struct DdbScanFilter
{
	bool		(*accepts) (DdbDoc item, void *arg);
	void	   *arg;
	int64		serial;			/* of scan.c: names the filter inside statements */
	struct DdbScanFilter *next; /* of scan.c: other open filters */
} DdbScanFilter;

extern char *ddb_scan_open_partition(const DdbTable *table, const DdbPartitionRange *range,
									 DdbScanFilter *filter);
extern char *ddb_scan_open_unordered(const DdbTable *table, DdbScanFilter *filter);
extern char *ddb_scan_open_index_partition(const DdbTable *table, const DdbIndex *index,
										   const DdbIndexRange *range,
										   DdbScanFilter *filter);
extern char *ddb_scan_open_index_unordered(const DdbTable *table, const DdbIndex *index,
										   DdbScanFilter *filter);

/* up to max further items, copied into CurrentMemoryContext; 0 at the end */
extern int	ddb_scan_fetch(const char *cursor, int max, Jsonb **items);
extern void ddb_scan_close(const char *cursor);

#endif							/* DDB_SCAN_H */
