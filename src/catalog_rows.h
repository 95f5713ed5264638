/*
 * catalog_rows.h
 *	  What the files of the catalog share: its tables, read and written.
 */
#ifndef DDB_CATALOG_ROWS_H
#define DDB_CATALOG_ROWS_H

#include "utils/relcache.h"

#include "catalog.h"
#include "plancache.h"

/* a table of schema dynamo; InvalidOid while the extension is not there */
extern Oid	ddb_catalog_relation(const char *name);

/* the index of one of them whose first column is attname */
extern Oid	ddb_catalog_relation_index(Relation rel, const char *attname);

#define DDB_CATALOG_COLUMNS	16	/* at most, of a row that ddb_catalog_run hands over */

/* what is done with a row, in the caller's memory context */
typedef void (*DdbTakeRow) (Datum *values, bool *nulls, void *arg);

/*
 * Run a query without table as the extension's owner; nulls as SPI takes them,
 * take may be NULL.  Returns the number of rows.
 */
extern uint64 ddb_catalog_run(int query, DdbQueryBuilder builder, Datum *values,
							  const char *nulls, DdbTakeRow take, void *arg);

/* the same for statements without rows to look at */
extern void ddb_catalog_write(int query, DdbQueryBuilder builder,
							  Datum *values, const char *nulls);

/* what a settings document, of a table or of an index, says of capacity */
extern void ddb_catalog_read_capacity(const Jsonb *settings, bool on_demand,
									  DdbCapacity *capacity);

/* the indexes of a definition, in CurrentMemoryContext (catalog_index.c) */
extern void ddb_catalog_load_indexes(DdbTable *table);

#endif							/* DDB_CATALOG_ROWS_H */
