/*
 * op_write.h
 *	  One write of an item, as every operation that writes items makes it:
 *	  PutItem and its like, batches, transactions, PartiQL.
 *
 * The order is always the same: init, expressions (or a condition and an
 * update made otherwise), accept against the table, run.  What depends on the
 * stored item happens inside run, on the newest row: condition first, then
 * the new item.
 */
#ifndef DDB_OP_WRITE_H
#define DDB_OP_WRITE_H

#include "error.h"
#include "op_capacity.h"
#include "op_common.h"
#include "op_index.h"
#include "store.h"

typedef enum DdbWriteKind
{
	DDB_WRITE_PUT,
	DDB_WRITE_UPDATE,
	DDB_WRITE_DELETE,
	DDB_WRITE_CHECK				/* ConditionCheck of a transaction: locks, changes nothing */
} DdbWriteKind;

/* what a write asks of the item's presence, beside its condition */
typedef enum DdbPresence
{
	DDB_PRESENCE_ANY,
	DDB_PRESENCE_REQUIRED,		/* an absent item fails the condition */
	DDB_PRESENCE_FORBIDDEN,		/* an item that is there is DuplicateItemException */
	DDB_PRESENCE_OPTIONAL		/* an absent item passes the condition */
} DdbPresence;

/* why a write was refused; message is NULL when it was not */
typedef struct DdbRefusal
{
	DdbErrorCode code;
	const char *message;
	Jsonb	   *item;			/* the old item, if it is to be told */
} DdbRefusal;

/* one write under way; what it found and made lives in base.context */
typedef struct DdbItemWrite
{
	DdbWrite	base;
	DdbWriteKind kind;
	const DdbTable *table;
	DdbText		table_name;		/* as sent; for transactions */
	DdbKey		columns;		/* key of the item */
	DdbDoc		key;			/* key attributes, stored form; for a put the
								 * whole item */
	Jsonb	   *put_item;		/* of a put, stored form */
	ExprBinding *condition;		/* NULL if none */
	ExprBinding *update;		/* of an update; NULL if none */
	DdbPresence presence;
	bool		item_on_failure;	/* ReturnValuesOnConditionCheckFailure */
	bool		keep_items;		/* the response needs old and new item */
	bool		look;			/* a put must look at the old item although it has
								 * no condition: exact capacity units */
	bool		collects;		/* API errors found on the item go to refusal; the
								 * caller then rolls back what was written */
	DdbRefusal	refusal;
	DdbDoc		index_key;		/* holds the index keys of the new item, or of the
								 * old one, where DdbUse.key is wanted */

	/* what it found, after run */
	bool		collection_full;	/* the item must not grow */
	double		old_units;		/* what writing the old item costs; 0 if it was
								 * not looked at */
	double		new_units;		/* the same for the new item; 0 if there is none */
	bool		indexes_counted;
	DdbIndexUnits index_units;
	Jsonb	   *old_item;		/* if keep_items and it existed */
	Jsonb	   *new_item;		/* if keep_items */
} DdbItemWrite;

/* rights on the table that a write of this kind needs, and its IAM action */
extern AclMode ddb_write_rights(DdbWriteKind kind);
extern const char *ddb_write_action(DdbWriteKind kind);

/* zeroes *write; its context is CurrentMemoryContext */
extern void ddb_write_init(DdbItemWrite *write, DdbWriteKind kind);

/*
 * ddb_write_values: Item or Key of the request (an element of a transaction
 * has the same members), brought into stored form.
 */
extern void ddb_write_values(DdbItemWrite *write, DdbDoc request);

/* raises when the item of a put is larger than items may be */
extern void ddb_write_check_size(const DdbItemWrite *write);

/* condition and update from the request's expressions, with its names and values */
extern void ddb_write_expressions(DdbItemWrite *write, DdbDoc request);

/*
 * ddb_write_accept: what the table and its indexes say before the stored item
 * is looked at: key schema, index keys, targets of the update.  Sets table and
 * columns.
 */
extern void ddb_write_accept(DdbItemWrite *write, const DdbTable *table);

/*
 * ddb_write_allows: may a write that was accepted consume of its table, after
 * planned further units?  *error as ddb_capacity_allows has it.  Indexes that
 * the write changes are asked when it runs.
 */
extern bool ddb_write_allows(DdbItemWrite *write, double planned, DdbThrottled *error);
extern void ddb_write_admit(DdbItemWrite *write);	/* raises if it may not */

/* the units that a write takes at least, as far as is known before it runs */
extern double ddb_write_least_units(const DdbItemWrite *write);

/* makes the write; raises, or fills refusal, when it is refused */
extern void ddb_write_run(DdbItemWrite *write);

/*
 * ddb_write_is_blind: a put that looks at nothing that is stored.  Any number
 * of them, on different items of one table, may be run as one statement; the
 * caller holds ddb_keylock_insert of every key.
 */
extern bool ddb_write_is_blind(const DdbItemWrite *write);
extern void ddb_write_run_blind(DdbItemWrite *const *writes, int count);

/* units of the table itself: the larger of the old and the new item */
extern double ddb_write_units(const DdbItemWrite *write);

/*
 * ddb_write_consume: the write was made: its units, of table and indexes, so
 * many times, are consumed.  A failed condition has consumed already, unless
 * the write collects.
 */
extern void ddb_write_consume(const DdbItemWrite *write, double times);

/* raises what the refusal of a write says */
extern void ddb_write_raise(const DdbRefusal *refusal) pg_attribute_noreturn();

#endif							/* DDB_OP_WRITE_H */
