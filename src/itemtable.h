/*
 * itemtable.h
 *	  Item tables as relations: create, drop, measure.
 */
#ifndef DDB_ITEMTABLE_H
#define DDB_ITEMTABLE_H

#include "catalog.h"

/*
 * ddb_item_table_create: create the relation for a DynamoDB table in schema
 * dynamo_tables as the current user, who needs CREATE there (else
 * AccessDeniedException for CreateTable).  Raises ResourceInUseException
 * "Table already exists: <name>" where the name is taken.  Returns its oid.
 */
extern Oid	ddb_item_table_create(const char *name, const DdbKeySchema *keys);

/*
 * ddb_item_table_relname: name of the relation of a DynamoDB table; the same,
 * but shortened, with a digest after "~", when longer than an identifier.
 */
extern char *ddb_item_table_relname(const char *name);

/*
 * ddb_item_table_drop: drop the relation (the caller has checked ownership
 * and holds AccessExclusiveLock) and its index tables.  The catalog rows go
 * with them.
 */
extern void ddb_item_table_drop(const DdbTable *table);

/*
 * ddb_item_table_measure: items and bytes (DynamoDB's measure: sum of item
 * sizes).  Exact for small tables, from statistics for large ones, as the
 * service refreshes its own figures every few hours.  Runs as the table's
 * owner, whatever the caller may read.
 */
extern void ddb_item_table_measure(const DdbTable *table, int64 *items, int64 *bytes);

/*
 * ddb_item_table_is_empty: no item is visible to a new snapshot; for a caller
 * whose lock on the table and its partitions keeps writers out.
 */
extern bool ddb_item_table_is_empty(const DdbTable *table);

/* ---- pieces that index tables are made with as well ---- */

/*
 * A free name for a part of a relation in schema dynamo_tables, palloc'd.
 * label holds "~" or ":", which occur in no table name of the API, so that
 * none is taken away.
 */
extern char *ddb_item_table_part_name(const char *relname, const char *label);

/* SQL type of a key column, with its collation */
extern const char *ddb_item_table_column_type(DdbType type);

/* run DDL as the current user */
extern void ddb_item_table_run(const char *sql);

/* ddb_item_table_measure of any relation with a column "item" */
extern void ddb_item_table_measure_relation(Oid relid, const char *qualified,
											int64 *items, int64 *bytes);

/*
 * ddb_item_table_names: names of the tables on which the current user has any
 * privilege, in byte order, those greater than after (NULL: from the start),
 * at most limit of them.  palloc'd array; *count receives its length.
 */
extern char **ddb_item_table_names(const char *after, int limit, int *count);

/*
 * Tags of a table.  Readers return palloc'd arrays ordered by key; writers
 * run as the extension's owner after the caller's ownership check.
 */
typedef struct DdbTag
{
	char	   *key;
	char	   *value;
} DdbTag;

extern DdbTag *ddb_item_table_tags(const DdbTable *table, int *count);
extern void ddb_item_table_set_tag(const DdbTable *table, const char *key, const char *value);
extern void ddb_item_table_remove_tag(const DdbTable *table, const char *key);

#endif							/* DDB_ITEMTABLE_H */
