/*
 * session.h
 *	  The sessions that the extension's own processes run in: their settings,
 *	  and what users' code leaves in them.
 */
#ifndef DDB_SESSION_H
#define DDB_SESSION_H

/*
 * ddb_session_init: what the engine relies on, whatever postgresql.conf, the
 * database or the role says; no timeouts but our own; application_name as
 * given.  To be called once the process is connected to its database.
 */
extern void ddb_session_init(const char *application_name);

/* settings as the files have them now, if the process has been told to reload */
extern void ddb_session_reload(void);

/*
 * ddb_session_transaction: work in a transaction of its own, with a snapshot and
 * the transaction's memory.  False when it was rolled back: the error has been
 * logged, unless it was that of being cancelled while the process is to stop.
 */
extern bool ddb_session_transaction(void (*work) (void *), void *arg);

/*
 * ddb_session_discard: drop what users' code has left in the session, whatever
 * DISCARD ALL would drop but settings and advisory locks; as the last step of
 * the transaction that ran it, when nothing of it is open any more.  Cursors
 * that are to outlive the transaction would run code of theirs in the commit.
 */
extern void ddb_session_discard(void);

/*
 * ddb_session_discard_rest: the same once the transaction has ended, however it
 * did: what needs none, and the session's advisory locks.
 */
extern void ddb_session_discard_rest(void);

#endif							/* DDB_SESSION_H */
