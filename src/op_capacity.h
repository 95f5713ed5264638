/*
 * op_capacity.h
 *	  Capacity units of the operation under way: who may still consume, and
 *	  what was consumed.
 *
 * Whoever reads or writes items first asks for admission, then says what it
 * consumed.  What is consumed is kept here until the operation ends, counts
 * in its further admissions, is taken back with a subtransaction, and dropped
 * when the door repeats the call; then it is settled: charged to the buckets
 * where throttling is on, and counted in metrics and Contributor Insights.
 */
#ifndef DDB_OP_CAPACITY_H
#define DDB_OP_CAPACITY_H

#include "catalog.h"
#include "error.h"
#include "op.h"
#include "throughput.h"

/* whose units: a table's or a global index's, and of which item or collection */
typedef struct DdbUse
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table; so do local indexes */
	DdbDoc		key;			/* holds the key attributes of table or index (a
								 * partition key will do); ptr NULL for none, as in a Scan */
} DdbUse;

/* is throttling on for the table? */
extern bool ddb_capacity_is_enforced(const DdbTable *table);

/* has the key of a use of table or index (NULL: the table) to be filled in? */
extern bool ddb_capacity_wants_key(const DdbTable *table, const DdbIndex *index);

/*
 * ddb_capacity_allows: is anything left for this use, after what the operation
 * has consumed so far and planned further units?  Always true where throttling
 * is off, and outside of operations.  If not, the event is counted and *error,
 * unless NULL, filled in as ddb_capacity_raise wants it.
 */
typedef struct DdbThrottled
{
	DdbErrorCode code;
	const char *message;		/* static */
	char	   *members;		/* ThrottlingReasons; palloc'd JSON text */
} DdbThrottled;

extern bool ddb_capacity_allows(const DdbUse *use, DdbUnits kind, double planned,
								DdbThrottled *error);
extern void ddb_capacity_raise(const DdbThrottled *error) pg_attribute_noreturn();

/* the two together */
extern void ddb_capacity_admit(const DdbUse *use, DdbUnits kind, double planned);

/* counts the event for a use that was not even tried, after one that was not allowed */
extern void ddb_capacity_throttle(const DdbUse *use, DdbUnits kind);

/* adds to ddb_op_consumed, too */
extern void ddb_capacity_consume(const DdbUse *use, DdbUnits kind, double units);

/* index_units: in the order of table->indexes; NULL for none.  Those of local
 * indexes are the table's. */
extern void ddb_capacity_consume_indexes(const DdbTable *table, DdbDoc key,
										 const double *index_units);

/*
 * ddb_capacity_changed: the definition of a table is about to change.  Where
 * rates rise, debts are paid back at the new rate from now on, lest what was
 * raised against throttling be of use only when the old rate had paid them.
 * It takes effect before the transaction commits.
 */
extern void ddb_capacity_changed(const DdbTable *before, const DdbTable *after);

/* items of the table that the response returns */
extern void ddb_capacity_returned(const DdbTable *table, int64 items);

/* an element's condition has failed, which is no error of the operation itself */
extern void ddb_capacity_condition_failed(const DdbTable *table);

/* for subtransactions: back to where mark was taken; ddb_op_consumed is the caller's */
extern int	ddb_capacity_mark(void);
extern void ddb_capacity_rollback(int mark);

/* the dispatcher: around each outermost operation */
typedef enum DdbOutcome
{
	DDB_OUTCOME_SUCCESS,
	DDB_OUTCOME_REFUSED,		/* an error of the API, which may have consumed */
	DDB_OUTCOME_ABANDONED		/* any other: may be repeated, consumed nothing */
} DdbOutcome;

extern void ddb_capacity_begin(void);
extern bool ddb_capacity_is_under_way(void);

/*
 * op is NULL for what is none but consumes.  error is what the caller is
 * answered; NULL if that is no error of the API, or if he is answered nothing.
 */
extern void ddb_capacity_settle(const DdbOperation *op, DdbOutcome outcome,
								const DdbErrorInfo *error, int64 microseconds);

#endif							/* DDB_OP_CAPACITY_H */
