/*
 * op_transact.h
 *	  The engine of transactions, for both syntaxes: TransactWriteItems and
 *	  ExecuteTransaction hand it writes; what it refuses it tells of in one
 *	  error for all.
 */
#ifndef DDB_OP_TRANSACT_H
#define DDB_OP_TRANSACT_H

#include "op_write.h"

#define DDB_TRANSACT_MAX_SIZE	(4 * 1024 * 1024)	/* bytes of items, of a request or a response */
#define DDB_TRANSACT_UNITS		2	/* capacity units of a transaction for one outside of it */

/*
 * ddb_transact_write: run the writes, whose expressions are bound and whose
 * tables are open (table set), as one serializable transaction: checks each
 * against its table (ddb_write_accept), refuses two on one item, takes all
 * locks in one order, runs them, and raises TransactionCanceledException with
 * a reason for each element, in their order, when any is refused.  The caller's
 * transaction must then be rolled back, which the error does.
 * writes[i].collects is set here.  extra is what the request has beside items
 * and keys, in bytes: it counts for the limit of a request's size.
 */
extern void ddb_transact_write(DdbItemWrite *writes, int count, int64 extra);

/* one read of a transaction */
typedef struct DdbItemRead
{
	const DdbTable *table;
	DdbText		table_name;		/* as sent, for the capacity */
	DdbDoc		key;			/* as given, stored form */
	DdbKey		columns;		/* set by ddb_transact_read */
	ExprBinding *projection;	/* NULL if none; checked against the table here,
								 * applied by the caller */
	Jsonb	   *item;			/* set by ddb_transact_read; NULL if absent */
} DdbItemRead;

/* the same for reads: all from one snapshot */
extern void ddb_transact_read(DdbItemRead *reads, int count);

/*
 * ddb_transact_token: the ClientRequestToken of a request (ptr of token NULL:
 * none).  Returns true when the same request has been done with it less than
 * ten minutes ago, so that nothing is to be done again.  Otherwise the token
 * is taken until the transaction ends, and remembered if that commits.
 * Raises IdempotentParameterMismatchException, TransactionInProgressException.
 */
extern bool ddb_transact_token(DdbText token, const char *operation, DdbDoc request);

/* raise TransactionCanceledException; one refusal for each element, message NULL for none */
extern void ddb_transact_cancel(const DdbRefusal *const *refusals, int count) pg_attribute_noreturn();

/* ---- op_transact_capacity.c ---- */

/* what reading one item costs; NULL for an absent one */
extern double ddb_transact_read_units(const Jsonb *item);

/* ConsumedCapacity arrays: per table, in order of first use */
extern void ddb_transact_add_write_capacity(JsonbValue *response, DdbDoc request,
											const DdbItemWrite *writes, int count);
extern void ddb_transact_add_read_capacity(JsonbValue *response, DdbDoc request,
										   const DdbItemRead *reads, int count);

/* what a repeated request costs: reading the items that it had written */
extern void ddb_transact_add_replay_capacity(JsonbValue *response, DdbDoc request,
											 const DdbItemWrite *writes, int count);

#endif							/* DDB_OP_TRANSACT_H */
