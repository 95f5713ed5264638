/*
 * store.h
 *	  One item by key: read, put, update, delete.
 *
 * The order in which a transaction takes locks: the item table (by
 * ddb_catalog_open), then the key's slot (keylock.c), then the row.
 */
#ifndef DDB_STORE_H
#define DDB_STORE_H

#include "catalog.h"

/*
 * A write that depends on the item as it is.  apply is called with the item
 * that the statement sees and returns the new one (NULL: leave the item as it
 * is; ignored by a delete), or raises the error that refuses the write.  It is
 * called again, with the newest committed item, when a concurrent writer got
 * there first; the last call counts.
 */
typedef struct DdbWrite DdbWrite;
struct DdbWrite
{
	Jsonb	   *(*apply) (DdbWrite *write, DdbDoc old_item);
	MemoryContext context;		/* where apply keeps what outlives the call */
	int64		serial;			/* of store.c: names the write inside statements */
	DdbWrite   *outer;			/* of store.c: the write whose trigger made this one */
};

/* the item in CurrentMemoryContext, or NULL */
extern Jsonb *ddb_store_get(const DdbTable *table, const DdbKey *key);

/*
 * A write that row security or a trigger of the user's keeps from taking place
 * raises insufficient_privilege: what was not done is not acknowledged.
 */

/* replace or create without looking at what was there */
extern void ddb_store_put(const DdbTable *table, const DdbKey *key, const Jsonb *item);

/* create item_if_absent, or replace what is there by write's result */
extern void ddb_store_upsert(const DdbTable *table, const DdbKey *key,
							 const Jsonb *item_if_absent, DdbWrite *write);

/* replace what is there by write's result; false when there is nothing */
extern bool ddb_store_update(const DdbTable *table, const DdbKey *key, DdbWrite *write);

/* delete what is there, after write agreed; false when there is nothing */
extern bool ddb_store_delete(const DdbTable *table, const DdbKey *key, DdbWrite *write);

/*
 * ddb_store_lock: keep what is there from changing until the transaction ends,
 * and give it to write, whose result is ignored; false when there is nothing.
 */
extern bool ddb_store_lock(const DdbTable *table, const DdbKey *key, DdbWrite *write);

#endif							/* DDB_STORE_H */
