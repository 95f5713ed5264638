/*
 * store.h
 *	  Items by key: read, put, update, delete.
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
 * there first; the last call counts.  That of a delete may set keep instead:
 * then the item stays, and ddb_store_delete returns false.
 */
typedef struct DdbWrite DdbWrite;
struct DdbWrite
{
	Jsonb	   *(*apply) (DdbWrite *write, DdbDoc old_item);

	/*
	 * NULL, or asked before apply with the bytes of the old item's jsonb, which
	 * costs less than reading it: the new item, or NULL for apply to decide.
	 */
	Jsonb	   *(*replace_by_size) (DdbWrite *write, int64 bytes);
	MemoryContext context;		/* where apply keeps what outlives the call */
	bool		keep;			/* false when apply is called */
	int64		serial;			/* of store.c: names the write inside statements */
	DdbWrite   *outer;			/* of store.c: the write whose trigger made this one */
};

/* the item in CurrentMemoryContext, or NULL */
extern Jsonb *ddb_store_get(const DdbTable *table, const DdbKey *key);

/*
 * A write that row security or a trigger of the user's keeps from taking place
 * raises insufficient_privilege: what was not done is not acknowledged.
 */

extern void ddb_store_raise_prevented(const DdbTable *table);	/* that error */

/* replace or create without looking at what was there */
extern void ddb_store_put(const DdbTable *table, const DdbKey *key, const Jsonb *item);

/* create item_if_absent, or replace what is there by write's result */
extern void ddb_store_upsert(const DdbTable *table, const DdbKey *key,
							 const Jsonb *item_if_absent, DdbWrite *write);

/* replace what is there by write's result; false when there is nothing */
extern bool ddb_store_update(const DdbTable *table, const DdbKey *key, DdbWrite *write);

/* delete what is there, after write agreed; false when there is nothing */
extern bool ddb_store_delete(const DdbTable *table, const DdbKey *key, DdbWrite *write);

/* takes an item found, palloc'd, of the key at place; false: read no more */
typedef bool (*DdbReceiveItem) (int place, Jsonb *item, void *arg);

/*
 * ddb_store_get_many: the items of several different keys, in the order of the
 * keys, by one statement.  Absent ones are passed over.  Items are in
 * CurrentMemoryContext.
 */
extern void ddb_store_get_many(const DdbTable *table, const DdbKey *keys, int count,
							   DdbReceiveItem receive, void *arg);

/*
 * ddb_store_put_many: ddb_store_put of items with different keys, by one
 * statement that locks the rows in the order given.  The caller holds
 * ddb_keylock_insert of every key.  writes, unless NULL, are told of the items
 * that are replaced, each of its own; what they return is ignored.
 */
extern void ddb_store_put_many(const DdbTable *table, const DdbKey *keys,
							   Jsonb *const *items, DdbWrite *const *writes, int count);

/*
 * ddb_store_lock: keep what is there from changing until the transaction ends,
 * and give it to write, whose result is ignored; false when there is nothing.
 */
extern bool ddb_store_lock(const DdbTable *table, const DdbKey *key, DdbWrite *write);

#endif							/* DDB_STORE_H */
