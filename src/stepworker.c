/*
 * stepworker.c
 *	  The long work of a background worker as a series of steps.
 *
 * Each step is a transaction.  A step that meets a lock which others hold is
 * rolled back and repeated after a moment with half as much to do, so that the
 * work gets on between writers and is not in their way.  What the steps do, and
 * how far they have come, is known to who gives them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "session.h"
#include "stepworker.h"

#define PATIENCE		"1s"	/* how long a step waits for a lock */
#define RETRY_MS		100		/* before a step that met a lock is repeated */

typedef enum Outcome
{
	STEPS_GO_ON,
	STEPS_END,
	STEP_RETRIES,				/* a lock was not to be had */
	STEP_FAILS
} Outcome;

void
ddb_stepworker_init(Oid database, const char *application_name)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	ddb_session_init(application_name);

	/* others win a deadlock; what a crash forgets is done again */
	SetConfigOption("deadlock_timeout", "100ms", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("synchronous_commit", "off", PGC_SUSET, PGC_S_OVERRIDE);
	pgstat_report_activity(STATE_RUNNING, MyBgworkerEntry->bgw_name);
}

void
ddb_stepworker_set_patience(const char *lock_timeout)
{
	SetConfigOption("lock_timeout", lock_timeout, PGC_SUSET, PGC_S_OVERRIDE);
}

void
ddb_stepworker_wait(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
begin_transaction(void)
{
	ddb_session_reload();
	ddb_stepworker_set_patience(PATIENCE);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
}

/* is it an error that another attempt may not meet? */
static bool
is_passing(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE ||
		sqlerrcode == ERRCODE_T_R_SERIALIZATION_FAILURE;
}

/*
 * Run a step in a transaction.  An error rolls it back, and is returned in
 * *error, in the caller's context.
 */
static Outcome
try_step(const DdbStepWork *work, bool first, void *arg, int limit, bool again,
		 ErrorData **error)
{
	MemoryContext caller = CurrentMemoryContext;
	volatile Outcome outcome = STEP_FAILS;

	PG_TRY();
	{
		bool		goes_on;

		if (again)
			ddb_stepworker_wait(RETRY_MS);
		if (work->pause != NULL)
			work->pause(arg);
		begin_transaction();
		goes_on = first ? work->begin(arg, limit) : work->step(arg, limit);
		commit_transaction();
		outcome = goes_on ? STEPS_GO_ON : STEPS_END;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		*error = CopyErrorData();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		if (work->undo != NULL)
			work->undo(arg);
		outcome = is_passing((*error)->sqlerrcode) ? STEP_RETRIES : STEP_FAILS;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return outcome;
}

void
ddb_stepworker_run(const DdbStepWork *work, void *arg)
{
	bool		first = true;
	int			limit = work->limit;
	Outcome		outcome = STEPS_GO_ON;

	while (outcome != STEPS_END)
	{
		ErrorData  *error = NULL;

		outcome = try_step(work, first, arg, limit, outcome == STEP_RETRIES, &error);
		if (outcome == STEPS_GO_ON)
		{
			first = false;
			limit = Min(2 * limit, work->limit);
		}
		else if (outcome == STEP_RETRIES)
		{
			limit = Max(limit / 2, 1);
			FreeErrorData(error);
		}
		else if (outcome == STEP_FAILS)
		{
			begin_transaction();
			work->stop(arg, error);
			commit_transaction();
			return;
		}
	}
}
