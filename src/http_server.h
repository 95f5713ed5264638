/*
 * http_server.h
 *	  The loop of an HTTP worker, and what the workers share.
 */
#ifndef DDB_HTTP_SERVER_H
#define DDB_HTTP_SERVER_H

/* shared memory of the endpoint; from _PG_init, while libraries are preloaded */
extern void ddb_http_init(void);

/* serve until shutdown is requested; worker: 0 .. dynamo.http_workers - 1 */
extern void ddb_http_serve(int worker);

#endif							/* DDB_HTTP_SERVER_H */
