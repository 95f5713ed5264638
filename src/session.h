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
