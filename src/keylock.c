/*
 * keylock.c
 *	  Locks on keys whether or not an item is there.
 *
 * Row locks cannot protect a row that does not exist, so a transaction that
 * depends on an item's absence until it commits needs something else to hold.
 * Keys are hashed into DDB_KEYLOCK_SLOTS slots per item table, each slot a
 * heavyweight lock:
 *
 *		inserter of a key			RowExclusiveLock on the slot
 *		who found the key absent	ShareLock on the slot and on the table tag
 *		mass inserter				RowExclusiveLock on the table tag
 *
 * The two modes conflict with each other and not with themselves.  A
 * transaction that has used DDB_KEYLOCK_MAX slots goes on with the table tag
 * alone, so that a load of a hundred thousand items in one transaction holds
 * a bounded number of locks.
 *
 * The tag is of type userlock, which the server itself does not use, so that
 * the users' advisory locks are not touched.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/numeric.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "keylock.h"

#define DDB_KEYLOCK_SLOTS	1024
#define DDB_KEYLOCK_MAX		64	/* slots one transaction takes for inserts */

/* field3 of the lock tag: slot number, or this for the whole table */
#define DDB_KEYLOCK_TABLE	DDB_KEYLOCK_SLOTS

/* field4 of the lock tag: tells these locks from other users of userlock */
#define DDB_KEYLOCK_CLASS	0x0DDB

/* slots taken for inserts so far in the transaction with this lxid */
static LocalTransactionId counted_lxid = InvalidLocalTransactionId;
static int	slots_taken = 0;

static uint32
column_hash(DdbType type, Datum column)
{
	struct varlena *value;

	if (type == DDB_N)
		return DatumGetUInt32(DirectFunctionCall1(hash_numeric, column));
	value = PG_DETOAST_DATUM_PACKED(column);	/* SQL may give it compressed */
	return hash_bytes((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

static uint32
slot_of_key(const DdbKeySchema *schema, const DdbKey *key)
{
	uint32		hash = column_hash(schema->attr[0].type, key->col[0]);

	if (key->ncols == 2)
		hash = hash_combine(hash, column_hash(schema->attr[1].type, key->col[1]));
	return hash % DDB_KEYLOCK_SLOTS;
}

/* true when the lock is new to this transaction */
static bool
lock_slot(Oid relid, uint32 slot, LOCKMODE mode)
{
	LOCKTAG		tag;

	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = relid;
	tag.locktag_field3 = slot;
	tag.locktag_field4 = DDB_KEYLOCK_CLASS;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = DEFAULT_LOCKMETHOD;
	return LockAcquire(&tag, mode, false, false) == LOCKACQUIRE_OK;
}

void
ddb_keylock_insert(Oid relid, const DdbKeySchema *schema, const DdbKey *key)
{
	if (counted_lxid != MyProc->lxid)
	{
		counted_lxid = MyProc->lxid;
		slots_taken = 0;
	}

	/*
	 * The table lock is asked for each time rather than remembered, because
	 * a rolled back subtransaction gives it back.
	 */
	if (slots_taken >= DDB_KEYLOCK_MAX)
		(void) lock_slot(relid, DDB_KEYLOCK_TABLE, RowExclusiveLock);
	else if (lock_slot(relid, slot_of_key(schema, key), RowExclusiveLock))
		slots_taken++;
}

void
ddb_keylock_absent(Oid relid, const DdbKeySchema *schema, const DdbKey *key)
{
	(void) lock_slot(relid, DDB_KEYLOCK_TABLE, ShareLock);
	(void) lock_slot(relid, slot_of_key(schema, key), ShareLock);
}
