/*
 * plancache.h
 *	  Saved SPI plans, by item table and query.
 */
#ifndef DDB_PLANCACHE_H
#define DDB_PLANCACHE_H

#include "executor/spi.h"
#include "lib/stringinfo.h"

#include "catalog.h"

#define DDB_QUERY_MAX_ARGS	16

/* one statement: text with $n, and the parameters' types */
typedef struct DdbQueryText
{
	StringInfoData sql;
	int			nargs;
	Oid			argtypes[DDB_QUERY_MAX_ARGS];
	bool		any_plan;		/* leave the planner its usual choice */
} DdbQueryText;

/*
 * Query ids: unique over all users of the cache; ranges of them belong to the
 * file that builds their text.
 */
#define DDB_QUERY_STORE		0	/* store.c */
#define DDB_QUERY_SCAN		100 /* scan.c */
#define DDB_QUERY_INDEX		1000	/* scan_index.c; most belong to an index table */
#define DDB_QUERY_CATALOG	10000	/* catalog.c and itemtable.c, without a table */

/* the statement's next parameter is of this type */
extern void ddb_plan_add_arg(DdbQueryText *text, Oid type);

/* a statement that is the same for all tables; files have lists of them */
typedef struct DdbFixedQuery
{
	const char *sql;
	int			nargs;
	Oid			argtypes[DDB_QUERY_MAX_ARGS];
} DdbFixedQuery;

/* text is this statement, which the planner has its usual choice for */
extern void ddb_plan_set_query(DdbQueryText *text, const DdbFixedQuery *query);

/* writes the text of a query for table (NULL for catalog queries) */
typedef void (*DdbQueryBuilder) (const DdbTable *table, int query, DdbQueryText *text);

/*
 * ddb_plan_get: the saved plan, planned (unless any_plan) under settings that
 * leave it no choice but the key index.  For a table, the caller holds a lock on it.
 */
extern SPIPlanPtr ddb_plan_get(const DdbTable *table, int query, DdbQueryBuilder builder);

/*
 * ddb_plan_columns: what to select so that the item comes last: all columns in
 * the table's order, which spares the executor a projection of every row.
 */
extern const char *ddb_plan_columns(const DdbTable *table);

/* the one statement of a plan */
extern struct CachedPlanSource *ddb_plan_source(SPIPlanPtr plan);

/* type dynamo.item */
extern Oid	ddb_item_type(void);

#endif							/* DDB_PLANCACHE_H */
