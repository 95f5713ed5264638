/*
 * keylock.c
 *	  Locks on keys whether or not an item is there.
 *
 * Row locks cannot protect a row that does not exist, so a transaction that
 * depends on an item's absence until it commits needs something else to hold.
 * Keys are hashed into DDB_KEYLOCK_SLOTS slots per item table, each slot a
 * heavyweight lock, and so is the table as a whole:
 *
 *		inserter of a key			RowExclusiveLock on the slot
 *		who relies on absence		ShareLock on the slot and on the table tag
 *		who does both				ShareRowExclusiveLock on the slot, ShareLock
 *									on the table tag
 *		mass inserter				RowExclusiveLock on the table tag
 *
 * RowExclusiveLock and ShareLock conflict with each other and not with
 * themselves; ShareRowExclusiveLock conflicts with all three.  Who relies on
 * absence takes these locks before it looks, so that what it sees stays true.
 * A transaction that has used DDB_KEYLOCK_MAX slots goes on with the table tag
 * alone, so that a load of a hundred thousand items in one transaction holds
 * a bounded number of locks.
 *
 * Items that are there are protected by their row locks: who writes or checks
 * one locks its row, and holds that lock to its end.  Together with the slots
 * this is two-phase locking of all that a transaction saw or wrote.
 *
 * No deadlock among calls that write several items: each takes all its slots
 * first, by table, table tag before slots, slots by number, one acquisition of
 * a slot in its final strength; then the rows, by table, slot and key.  A call
 * that writes one item takes one slot, then one row.  SQL statements that
 * insert several rows, and transactions of several statements, choose their own
 * order, and may deadlock like any others.
 *
 * Who inserts takes the lock: the engine by itself, other writers (INSERT,
 * COPY, MERGE, logical replication) through the item table's row trigger
 * before INSERT (trigger.c), which fires on partitions and before ON CONFLICT
 * is decided; keys never change by UPDATE.
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
#include "utils/fmgrprotos.h"

#include "compat.h"
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

/* has ddb_keylock_acquire been called in it? */
static bool has_acquired = false;

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

/* the tag of a slot, or of the table: DDB_KEYLOCK_TABLE */
static void
set_tag(LOCKTAG *tag, Oid relid, uint32 slot)
{
	tag->locktag_field1 = MyDatabaseId;
	tag->locktag_field2 = relid;
	tag->locktag_field3 = slot;
	tag->locktag_field4 = DDB_KEYLOCK_CLASS;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = DEFAULT_LOCKMETHOD;
}

/* true when the lock is new to this transaction */
static bool
lock_slot(Oid relid, uint32 slot, LOCKMODE mode)
{
	LOCKTAG		tag;

	set_tag(&tag, relid, slot);
	return LockAcquire(&tag, mode, false, false) == LOCKACQUIRE_OK;
}

/*
 * Forget what an earlier transaction counted.
 */
static void
begin_counting(void)
{
	if (counted_lxid == DDB_MY_LXID)
		return;
	counted_lxid = DDB_MY_LXID;
	slots_taken = 0;
	has_acquired = false;
}

/* has ddb_keylock_acquire taken a lock that serves inserters of the slot? */
static bool
is_acquired(Oid relid, uint32 slot)
{
	LOCKTAG		tag;

	set_tag(&tag, relid, slot);
	return ddb_lock_is_held(&tag, RowExclusiveLock) ||
		ddb_lock_is_held(&tag, ShareRowExclusiveLock);
}

void
ddb_keylock_insert(Oid relid, const DdbKeySchema *schema, const DdbKey *key)
{
	uint32		slot = slot_of_key(schema, key);

	begin_counting();
	if (has_acquired && is_acquired(relid, slot))
		return;

	/*
	 * The table lock is asked for each time rather than remembered, because
	 * a rolled back subtransaction gives it back.
	 */
	if (slots_taken >= DDB_KEYLOCK_MAX)
		(void) lock_slot(relid, DDB_KEYLOCK_TABLE, RowExclusiveLock);
	else if (lock_slot(relid, slot, RowExclusiveLock))
		slots_taken++;
}

/* ----------------------------------------------------------------
 * Several keys
 * ----------------------------------------------------------------
 */

static int
compare_column(DdbType type, Datum a, Datum b)
{
	struct varlena *va;
	struct varlena *vb;
	int			order;

	if (type == DDB_N)
		return DatumGetInt32(DirectFunctionCall2(numeric_cmp, a, b));
	va = (struct varlena *) DatumGetPointer(a);
	vb = (struct varlena *) DatumGetPointer(b);
	order = memcmp(VARDATA_ANY(va), VARDATA_ANY(vb),
				   Min(VARSIZE_ANY_EXHDR(va), VARSIZE_ANY_EXHDR(vb)));
	if (order != 0)
		return order;
	return (int) VARSIZE_ANY_EXHDR(va) - (int) VARSIZE_ANY_EXHDR(vb);
}

/* by table, slot, key */
static int
compare_locks(const void *first, const void *second)
{
	const DdbKeyLock *a = first;
	const DdbKeyLock *b = second;
	int			order = 0;
	int			i;

	if (a->relid != b->relid)
		return a->relid < b->relid ? -1 : 1;
	if (a->slot != b->slot)
		return a->slot < b->slot ? -1 : 1;
	for (i = 0; i < a->schema->nattrs && order == 0; i++)
		order = compare_column(a->schema->attr[i].type, a->key->col[i], b->key->col[i]);
	return order;
}

void
ddb_keylock_sort(DdbKeyLock *locks, int count)
{
	int			i;

	for (i = 0; i < count; i++)
		locks[i].slot = slot_of_key(locks[i].schema, locks[i].key);
	if (count > 1)
		qsort(locks, count, sizeof(DdbKeyLock), compare_locks);
}

bool
ddb_keylock_is_same(const DdbKeyLock *a, const DdbKeyLock *b)
{
	return compare_locks(a, b) == 0;
}

/* both uses of a slot, or of a table, at once */
static DdbKeyUse
join_uses(DdbKeyUse a, DdbKeyUse b)
{
	if (a == DDB_KEY_NOT_INSERTED || a == b)
		return b;
	return b == DDB_KEY_NOT_INSERTED ? a : DDB_KEY_SEEN_AND_INSERTED;
}

/*
 * The lock on the table tag for the keys of one table, number first and up to
 * end: for those relied on as absent, and for insertions instead of their
 * slots when there are too many.
 */
static void
acquire_table(const DdbKeyLock *locks, int first, int end, bool mass, int *asked)
{
	bool		sees = false;
	bool		inserts = false;
	int			i;

	for (i = first; i < end; i++)
	{
		sees |= locks[i].use == DDB_KEY_SEEN || locks[i].use == DDB_KEY_SEEN_AND_INSERTED;
		inserts |= mass && locks[i].use == DDB_KEY_INSERTED;
	}
	if (!sees && !inserts)
		return;
	*asked = locks[first].index;
	(void) lock_slot(locks[first].relid, DDB_KEYLOCK_TABLE,
					 sees && inserts ? ShareRowExclusiveLock :
					 sees ? ShareLock : RowExclusiveLock);
}

/*
 * The lock on the slot that the keys from number first to end share.
 */
static void
acquire_slot(const DdbKeyLock *locks, int first, int end, bool mass, int *asked)
{
	static const LOCKMODE modes[] = {
		[DDB_KEY_INSERTED] = RowExclusiveLock,
		[DDB_KEY_SEEN] = ShareLock,
		[DDB_KEY_SEEN_AND_INSERTED] = ShareRowExclusiveLock
	};
	DdbKeyUse	use = DDB_KEY_NOT_INSERTED;
	int			i;

	for (i = first; i < end; i++)
	{
		if (!mass || locks[i].use != DDB_KEY_INSERTED)
			use = join_uses(use, locks[i].use);
	}
	if (use == DDB_KEY_NOT_INSERTED)
		return;
	*asked = locks[first].index;
	if (lock_slot(locks[first].relid, locks[first].slot, modes[use]) &&
		use != DDB_KEY_SEEN)
		slots_taken++;
}

/* the first lock after number first that is of another table, or slot */
static int
end_of_group(const DdbKeyLock *locks, int first, int count, bool of_table)
{
	int			i = first + 1;

	while (i < count && locks[i].relid == locks[first].relid &&
		   (of_table || locks[i].slot == locks[first].slot))
		i++;
	return i;
}

/*
 * One call may go beyond the number of slots, by as many as it has items, lest
 * a transaction of many items be in everybody's way.
 */
void
ddb_keylock_acquire(const DdbKeyLock *locks, int count, int *asked)
{
	int			ignored;
	int			table_end = 0;
	bool		mass;
	int			end;
	int			i;

	begin_counting();
	has_acquired = true;
	mass = slots_taken >= DDB_KEYLOCK_MAX;
	if (asked == NULL)
		asked = &ignored;
	for (i = 0; i < count; i = end)
	{
		if (i == table_end)
		{
			table_end = end_of_group(locks, i, count, true);
			acquire_table(locks, i, table_end, mass, asked);
		}
		end = end_of_group(locks, i, count, false);
		acquire_slot(locks, i, end, mass, asked);
	}
}
