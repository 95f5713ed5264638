/*
 * op_attempt.c
 *	  One element of a batch, whose failure leaves the others alone.
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "op.h"
#include "op_attempt.h"
#include "op_capacity.h"

typedef enum Concern
{
	CONCERNS_CALL,
	CONCERNS_ELEMENT,
	CONCERNS_OTHERS				/* the element meets other transactions */
} Concern;

/*
 * A conflict is for the door to repeat, if it does that.  Under REPEATABLE
 * READ and above no statement of the transaction would fare better than the
 * one that could not be serialized.
 */
static Concern
concern_of_conflict(int sqlerrcode)
{
	if (ddb_op_door.repeats)
		return CONCERNS_CALL;
	if (sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE && IsolationUsesXactSnapshot())
		return CONCERNS_CALL;
	return ddb_op_door.gave_up_lock != NULL ? CONCERNS_OTHERS : CONCERNS_ELEMENT;
}

static Concern
concern_of_cancel(void)
{
	if (ddb_op_leaves_out_locked() && ddb_op_door.gave_up_lock())
		return CONCERNS_OTHERS;
	return CONCERNS_CALL;
}

/* whom does an error of an element concern? */
static Concern
concern_of_error(int sqlerrcode)
{
	static const int of_call[] = {
		ERRCODE_INVALID_TRANSACTION_STATE, ERRCODE_INSUFFICIENT_RESOURCES,
		ERRCODE_OPERATOR_INTERVENTION, ERRCODE_SYSTEM_ERROR, ERRCODE_INTERNAL_ERROR
	};
	int			i;

	switch (sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
			return concern_of_cancel();
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
			return concern_of_conflict(sqlerrcode);
	}
	for (i = 0; i < lengthof(of_call); i++)
	{
		if (ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(of_call[i]))
			return CONCERNS_CALL;
	}
	return CONCERNS_ELEMENT;
}

/*
 * Called inside PG_CATCH: take the error and undo what failed.  What is raised
 * on is raised outside of the subtransaction, for the server would take an open
 * one for a savepoint of the user's.
 */
static void
take_failure(MemoryContext caller, ResourceOwner owner, DdbFailure *failure)
{
	Concern		concern = concern_of_error(geterrcode());

	MemoryContextSwitchTo(caller);
	failure->error = CopyErrorData();
	failure->conflict = concern == CONCERNS_OTHERS;
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (concern == CONCERNS_CALL)
		ReThrowError(failure->error);
}

bool
ddb_op_attempt(void (*work) (void *arg), void *arg, DdbFailure *failure)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	DdbConsumed consumed = ddb_op_consumed;
	int			mark = ddb_capacity_mark();

	failure->error = NULL;
	failure->conflict = false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		take_failure(caller, owner, failure);
		ddb_op_consumed = consumed;
		ddb_capacity_rollback(mark);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	return failure->error == NULL;
}
