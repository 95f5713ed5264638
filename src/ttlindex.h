/*
 * ttlindex.h
 *	  The index by which expired items are found.
 *
 * An index table like others (index.h), kept by the same triggers, under the
 * name DDB_EXPIRY_INDEX, which the API shows nowhere.  It holds the keys of
 * the items whose TTL attribute is a number, in the order of that number.
 */
#ifndef DDB_TTLINDEX_H
#define DDB_TTLINDEX_H

#include "catalog.h"

/* the table's expiry index; NULL while time to live is disabled */
extern const DdbIndex *ddb_ttl_index(const DdbTable *table);

/*
 * Create it, for the values of attribute.  A small table's is complete then,
 * and InvalidOid is returned; else the oid of the index table, which is to be
 * filled by a build.  The caller owns the item table and holds
 * ShareRowExclusiveLock on it.
 */
extern Oid	ddb_ttl_index_create(const DdbTable *table, DdbText attribute);

/*
 * The values that have expired, numbers of seconds since 1970: from the first
 * on, which is some five years ago, for older ones are taken for a mistake, and
 * less than the second, which is now.  Numerics, palloc'd.
 */
typedef struct DdbExpiryRange
{
	Datum		from;
	Datum		before;
} DdbExpiryRange;

extern void ddb_ttl_range(DdbExpiryRange *out);

/* has the item, in stored form, expired? */
extern bool ddb_ttl_is_expired(const DdbIndex *index, DdbDoc item, const DdbExpiryRange *range);

/* place of an entry in the index; Datums are palloc'd */
typedef struct DdbExpiryPosition
{
	Datum		value;
	Datum		tie;
} DdbExpiryPosition;

typedef struct DdbExpiryEntry
{
	DdbExpiryPosition position;
	Jsonb	   *item;			/* key attributes and TTL attribute */
} DdbExpiryEntry;

/*
 * The first expired entries after a position (NULL: from the first on) that
 * the active snapshot shows, at most limit of them.  The caller has locked the
 * item table.  Returns their number; palloc'd.
 */
extern int	ddb_ttl_index_read(const DdbIndex *index, const DdbExpiryRange *range,
							   const DdbExpiryPosition *after, int limit,
							   DdbExpiryEntry *entries);

/* how many there are */
extern int64 ddb_ttl_index_count(const DdbIndex *index, const DdbExpiryRange *range);

#endif							/* DDB_TTLINDEX_H */
