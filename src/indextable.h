/*
 * indextable.h
 *	  Index tables as relations: create, drop, measure.
 */
#ifndef DDB_INDEXTABLE_H
#define DDB_INDEXTABLE_H

#include "itemtable.h"

/*
 * ddb_index_table_create: create the table of an index (all of *index but relid
 * and qualified is set) in schema dynamo_tables, owned by the item table's
 * owner, with its definition, and see to it that the item table has the
 * triggers which keep it.  The caller owns the item table and holds
 * ShareRowExclusiveLock on it or has just created it.  Sets relid, qualified.
 */
extern void ddb_index_table_create(const DdbTable *table, DdbIndex *index);

/* drop it with its definition; the caller holds ShareRowExclusiveLock on the item table */
extern void ddb_index_table_drop(const DdbTable *table, const DdbIndex *index);

/* items and bytes, as ddb_item_table_measure does */
extern void ddb_index_table_measure(const DdbTable *table, const DdbIndex *index,
									int64 *items, int64 *bytes);

#endif							/* DDB_INDEXTABLE_H */
