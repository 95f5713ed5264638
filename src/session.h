/*
 * session.h
 *	  Settings of the sessions that the extension's own processes run in.
 */
#ifndef DDB_SESSION_H
#define DDB_SESSION_H

/*
 * ddb_session_init: what the engine relies on, whatever postgresql.conf, the
 * database or the role says; no timeouts but our own; application_name as
 * given.  To be called once the process is connected to its database.
 */
extern void ddb_session_init(const char *application_name);

#endif							/* DDB_SESSION_H */
