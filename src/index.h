/*
 * index.h
 *	  Secondary indexes: the entry of an item, and keeping index tables true.
 *
 * An index table has the columns
 *		hash	int4	ddb_key_partition_hash of pk, as partition_hash() gives it;
 *				0 in an expiry index
 *		pk		text COLLATE "C" | numeric | bytea: the index partition key; of
 *				several attributes, one bytea made of them all
 *		sk1 ..	the index sort key attributes in order, none to four of them
 *		tie		bytea: tells items with equal index keys from one another and
 *				gives them an order (the table's sort key order in a local index)
 *		item	dynamo.item: the projected item, keys of index and table included
 * and one unique btree on all but the last: the primary key.
 */
#ifndef DDB_INDEX_H
#define DDB_INDEX_H

#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "catalog.h"

/* the columns of an entry; Datums are palloc'd */
typedef struct DdbIndexPosition
{
	int32		hash;
	Datum		pk;
	int			nsort;
	Datum		sort[DDB_MAX_KEY_PARTS];
	Datum		tie;
} DdbIndexPosition;

/* ---- index_entry.c: functions of an item ---- */

/*
 * ddb_index_position: where the item is in the index; false when it is not in
 * it: an index key attribute missing, of another type, empty or too large.
 * item may be a whole item or the key of one entry (LastEvaluatedKey).
 */
extern bool ddb_index_position(const DdbTable *table, const DdbIndex *index, DdbDoc item,
							   DdbIndexPosition *out);

/* hash and pk of an index partition, from the values of its key attributes in order */
extern void ddb_index_partition(const DdbIndex *index, const DdbValue *values,
								DdbIndexPosition *out);

/* the projected item, palloc'd; the item itself when everything is projected */
extern DdbDoc ddb_index_project(const DdbTable *table, const DdbIndex *index, DdbDoc item);

/* does the index hold this top-level attribute? */
extern bool ddb_index_projects(const DdbTable *table, const DdbIndex *index, DdbText attribute);

/* bytes of an entry as DynamoDB counts them; 0 when the item is not in the index */
extern int64 ddb_index_entry_size(const DdbTable *table, const DdbIndex *index, DdbDoc item);

/* index and table key attributes of an entry, each once, as a JSON object */
extern void ddb_index_key_to_json(const DdbTable *table, const DdbIndex *index,
								  DdbDoc item, JsonbValue *out);

/* is the attribute a key attribute of the index? */
extern bool ddb_index_is_key(const DdbIndex *index, DdbText attribute);

/*
 * The steps of ddb_index_position, for who takes several positions of one row:
 * the values of the index key attributes, partition key first (false when the
 * item is not in the index); the table's key (false when the item lacks it),
 * whose digest is taken when it is first needed; and the columns from both.
 */
#define DDB_MAX_INDEX_KEY	(2 * DDB_MAX_KEY_PARTS)

typedef struct DdbIndexBase
{
	DdbValue	key[2];
	bool		has_digest;
	uint8		digest[16];
} DdbIndexBase;

extern bool ddb_index_values(const DdbIndex *index, DdbDoc item, DdbValue *values);
extern bool ddb_index_base(const DdbTable *table, DdbDoc item, DdbIndexBase *out);
extern void ddb_index_place(const DdbTable *table, const DdbIndex *index,
							const DdbValue *values, DdbIndexBase *base,
							DdbIndexPosition *out);

/* ---- index_write.c: index tables ---- */

/*
 * ddb_index_maintain: make every index of the table follow a change of one
 * row, in the present transaction.  old or new has ptr NULL for an insert or a
 * delete.  The caller holds the row: nobody else changes its entries.  Entries
 * that do not change are not touched; an entry to remove that is not there
 * (yet to be filled in) is no error.  Works as the table's owner would,
 * whoever the caller is.
 */
extern void ddb_index_maintain(const DdbTable *table, DdbDoc old_item, DdbDoc new_item);

/* backfill: add the item's entry to one index unless it is there */
extern void ddb_index_fill(const DdbTable *table, const DdbIndex *index, DdbDoc item);

/* empty all index tables of the table (TRUNCATE) */
extern void ddb_index_truncate(const DdbTable *table);

/* columns of an index table: those of its primary key, which come first, and all */
#define ddb_index_key_columns(index)	((index)->nsort + 3)
#define ddb_index_columns(index)		((index)->nsort + 4)

/* the key columns of a position, in order */
extern int	ddb_index_key_datums(const DdbIndexPosition *position, Datum *values);

/*
 * ddb_index_find_row: the row of heap whose first nkeys columns in a btree have
 * these values, under snapshot, into a slot that table_slot_create made; that at
 * TID except (NULL: none) does not count.
 */
extern bool ddb_index_find_row(Relation heap, Relation btree, int nkeys, const Datum *values,
							   Snapshot snapshot, ItemPointer except, TupleTableSlot *slot);

#endif							/* DDB_INDEX_H */
