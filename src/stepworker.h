/*
 * stepworker.h
 *	  The long work of a background worker as a series of steps, each one a
 *	  transaction that also says how far the work has come: what a crash
 *	  interrupts goes on from there.
 */
#ifndef DDB_STEPWORKER_H
#define DDB_STEPWORKER_H

/*
 * One kind of work.  Steps run in a transaction with a snapshot, in memory that
 * is freed with it, and do not do more than limit things.  They return false
 * when there is nothing left to do, and may raise anything.  What has not met
 * a lock ends the work.
 */
typedef struct DdbStepWork
{
	bool		(*begin) (void *arg, int limit);	/* the first step */
	bool		(*step) (void *arg, int limit); /* all others */
	void		(*pause) (void *arg);	/* before each step, outside of transactions;
										 * NULL for none */
	void		(*undo) (void *arg);	/* a step was rolled back; NULL for none */
	void		(*stop) (void *arg, const ErrorData *error);	/* write down why the work
																 * ends here; in a transaction */
	int			limit;			/* of a step that meets no lock */
} DdbStepWork;

/*
 * ddb_stepworker_init: signals and session of a worker of database; the work
 * loses deadlocks, and its commits do not wait for the disk.
 */
extern void ddb_stepworker_init(Oid database, const char *application_name);

/*
 * ddb_stepworker_run: one step after the other until one says that it was the
 * last, or fails.  A step that meets a lock for too long is repeated with a
 * smaller limit.
 */
extern void ddb_stepworker_run(const DdbStepWork *work, void *arg);

/* sleep, at most ms; a signal ends it */
extern void ddb_stepworker_wait(long ms);

/* how long the present step waits for its next lock, e.g. "200ms" */
extern void ddb_stepworker_set_patience(const char *lock_timeout);

#endif							/* DDB_STEPWORKER_H */
