/*
 * streamdrain.h
 *	  The background worker that moves stream records from the log into the
 *	  retention tables.
 */
#ifndef DDB_STREAMDRAIN_H
#define DDB_STREAMDRAIN_H

/* the worker for dynamo.database; from _PG_init, while libraries are preloaded */
extern void ddb_streamdrain_init(void);

/*
 * ddb_streamdrain_prepare: to be called before a stream is enabled: starts the
 * worker where none runs, and waits for its slot, unless this transaction has
 * written something already: then the slot cannot come to be before its end,
 * and the stream begins a little later.  Raises
 * object_not_in_prerequisite_state, with a hint, where wal_level is not logical,
 * no slot is free, or transactions that run for long keep the slot from being
 * made.  A call that is repeated when it loses against a lock does not wait: it
 * gets lock_not_available until the slot is there.
 */
extern void ddb_streamdrain_prepare(bool repeated);

/*
 * ddb_streamdrain_ensure: start the worker if there is a slot and none is at it,
 * in a database that the postmaster has none for.  Never fails; does nothing in
 * recovery.
 */
extern void ddb_streamdrain_ensure(void);

#endif							/* DDB_STREAMDRAIN_H */
