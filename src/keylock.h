/*
 * keylock.h
 *	  Locks on keys whether or not an item is there, and the order in which
 *	  calls that write several items take their locks.
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

/* what a call that writes several items is going to do with a key */
typedef enum DdbKeyUse
{
	DDB_KEY_NOT_INSERTED,		/* nothing to lock; has its place in the order */
	DDB_KEY_INSERTED,			/* may insert, whatever is there */
	DDB_KEY_SEEN,				/* relies on absence until the transaction ends */
	DDB_KEY_SEEN_AND_INSERTED	/* both */
} DdbKeyUse;

/*
 * One key of such a call.  The caller fills in all but slot; what is pointed
 * to belongs to it.
 */
typedef struct DdbKeyLock
{
	Oid			relid;			/* of the item table */
	const DdbKeySchema *schema;
	const DdbKey *key;
	DdbKeyUse	use;
	int			index;			/* of the caller: the element it belongs to */
	uint32		slot;			/* set by ddb_keylock_sort */
} DdbKeyLock;

/*
 * ddb_keylock_sort: bring the keys into the order in which all their locks are
 * to be taken: first the slots (ddb_keylock_acquire), then, with the first row
 * touched, the rows.
 */
extern void ddb_keylock_sort(DdbKeyLock *locks, int count);

/* after sorting equal keys are neighbours: are these two the same item? */
extern bool ddb_keylock_is_same(const DdbKeyLock *a, const DdbKeyLock *b);

/*
 * ddb_keylock_acquire: take the slot locks of sorted keys.  *asked (NULL: not
 * wanted) is the index of the key whose lock is being waited for, while it is.
 */
extern void ddb_keylock_acquire(const DdbKeyLock *locks, int count, int *asked);

#endif							/* DDB_KEYLOCK_H */
