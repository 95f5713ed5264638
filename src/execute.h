/*
 * execute.h
 *	  Saved plans run on item tables.
 */
#ifndef DDB_EXECUTE_H
#define DDB_EXECUTE_H

#include "tcop/dest.h"

#include "plancache.h"

/*
 * ddb_execute_plan: run the saved plan of a query on an item table with these
 * values as its parameters; rows go to dest (NULL: nowhere).  Returns the
 * number of rows that an INSERT, UPDATE or DELETE changed.
 *
 * Each call is a command of its own: it sees what was committed, and what the
 * transaction did, before it; see series for the exception.
 */
extern uint64 ddb_execute_plan(const DdbTable *table, int query, DdbQueryBuilder builder,
							   const Datum *values, DestReceiver *dest);

/*
 * ddb_execute_is_plain: has the item table nothing that might refuse a valid
 * item: no constraint, trigger, rule, column, index or policy that a user has
 * added, no partitions, no unique secondary index?  The caller holds a lock on it.
 */
extern bool ddb_execute_is_plain(const DdbTable *table);

/*
 * ddb_execute_series_begin: from here to ddb_execute_series_end, statements
 * that this caller runs see one state: what is committed now, and what the
 * transaction itself did.  Under REPEATABLE READ or SERIALIZABLE that is the
 * transaction's.  For reads; what user code runs inside them (policies) sees
 * what it always sees.  The end is to be called after an error, too.
 */
extern void ddb_execute_series_begin(void);
extern void ddb_execute_series_end(void);

/* what a destination does with a row; false ends the statement */
typedef bool (*DdbReceiveRow) (TupleTableSlot *slot, DestReceiver *self);

/* a destination that does nothing but take rows; a part of the caller's struct */
extern void ddb_receiver_init(DestReceiver *receiver, DdbReceiveRow receive);

#endif							/* DDB_EXECUTE_H */
