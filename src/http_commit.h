/*
 * http_commit.h
 *	  What must be durable before a response may leave, and making it so.
 */
#ifndef DDB_HTTP_COMMIT_H
#define DDB_HTTP_COMMIT_H

#include "access/xlogdefs.h"

/*
 * ddb_http_commit: commit the current transaction.  With dynamo.group_commit
 * the log is not flushed for it alone; never waits for standbys.
 */
extern void ddb_http_commit(void);

/*
 * ddb_http_position: up to where the log must be durable for a response that
 * tells of what the database holds now.  Everything that a finished
 * transaction did, and everything that any transaction saw, lies before it.
 * InvalidXLogRecPtr on a standby, which only sees what is durable.
 */
extern XLogRecPtr ddb_http_position(void);

/* is the log durable up to there: flushed, and on synchronous standbys as configured? */
extern bool ddb_http_is_durable(XLogRecPtr position);

/* the first half of it, which nothing takes back: is it on this server's disk? */
extern bool ddb_http_is_flushed(XLogRecPtr position);

/* flush the log up to there; does not wait for standbys */
extern void ddb_http_flush(XLogRecPtr position);

#endif							/* DDB_HTTP_COMMIT_H */
