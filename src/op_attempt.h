/*
 * op_attempt.h
 *	  One element of a batch, whose failure leaves the others alone.
 */
#ifndef DDB_OP_ATTEMPT_H
#define DDB_OP_ATTEMPT_H

typedef struct DdbFailure
{
	ErrorData  *error;			/* in the caller's context; NULL for success */
	bool		conflict;		/* the door gave up waiting: others were in the way,
								 * and the same may succeed later */
} DdbFailure;

/*
 * ddb_op_attempt: run work in a subtransaction.  False: it failed, is rolled
 * back, and *failure says why.  Rethrown is what concerns more than this
 * element: an interrupted call, trouble of the server, and conflicts as long
 * as the door repeats the call.  ddb_op_consumed is that of before when it
 * failed.
 */
extern bool ddb_op_attempt(void (*work) (void *arg), void *arg, DdbFailure *failure);

#endif							/* DDB_OP_ATTEMPT_H */
