/*
 * transacttoken.h
 *	  Client request tokens of transactions: which requests have been done.
 */
#ifndef DDB_TRANSACTTOKEN_H
#define DDB_TRANSACTTOKEN_H

#include "jsondoc.h"

#define DDB_TOKEN_DIGEST_LENGTH	32

/* what a token says about a request */
typedef enum DdbTokenState
{
	DDB_TOKEN_TAKEN,			/* new: the request is to be done now */
	DDB_TOKEN_DONE,				/* the same request has been done */
	DDB_TOKEN_DIFFERS,			/* another request has been done with it */
	DDB_TOKEN_BUSY				/* another transaction is at it */
} DdbTokenState;

/*
 * ddb_transacttoken_take: take a token of the current user for the request of
 * that digest.  A token taken belongs to the transaction until its end, and if
 * that commits, it is remembered for ten minutes from then; what is rolled
 * back, be it to a savepoint, leaves nothing.  Waits for nobody but a sweep.
 */
extern DdbTokenState ddb_transacttoken_take(DdbText token, const uint8 *digest);

/* ddb_transacttoken_sweep: delete some of what is remembered no longer */
extern void ddb_transacttoken_sweep(void);

#endif							/* DDB_TRANSACTTOKEN_H */
