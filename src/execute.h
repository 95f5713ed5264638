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
 * transaction did, before it.
 */
extern uint64 ddb_execute_plan(const DdbTable *table, int query, DdbQueryBuilder builder,
							   const Datum *values, DestReceiver *dest);

/* what a destination does with a row; false ends the statement */
typedef bool (*DdbReceiveRow) (TupleTableSlot *slot, DestReceiver *self);

/* a destination that does nothing but take rows; a part of the caller's struct */
extern void ddb_receiver_init(DestReceiver *receiver, DdbReceiveRow receive);

#endif							/* DDB_EXECUTE_H */
