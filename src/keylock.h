/*
 * keylock.h
 *	  Locks on keys whether or not an item is there.
 */
#ifndef DDB_KEYLOCK_H
#define DDB_KEYLOCK_H

#include "keyenc.h"

/*
 * ddb_keylock_insert: to be held by every transaction that inserts an item,
 * from before the insertion to its end.  Inserters do not conflict with one
 * another (the primary key decides between them); they conflict with
 * transactions that have seen the key absent.
 */
extern void ddb_keylock_insert(Oid relid, const DdbKeySchema *schema, const DdbKey *key);

/*
 * ddb_keylock_absent: to be held by a transaction that relies on a key's
 * absence, taken before it looks.
 */
extern void ddb_keylock_absent(Oid relid, const DdbKeySchema *schema, const DdbKey *key);

#endif							/* DDB_KEYLOCK_H */
