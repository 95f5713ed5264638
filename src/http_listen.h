/*
 * http_listen.h
 *	  Listening sockets that the workers of one server share.
 */
#ifndef DDB_HTTP_LISTEN_H
#define DDB_HTTP_LISTEN_H

#include "port.h"

#define HTTP_MAX_SOCKETS 64

typedef struct HttpListen
{
	int			nsockets;
	pgsocket	sockets[HTTP_MAX_SOCKETS];
} HttpListen;

/* a named LWLock tranche with one lock, to be requested with the memory */
#define HTTP_LISTEN_TRANCHE "pg_dynamo"

/* shared memory; hooks are http_server.c's */
extern Size ddb_http_listen_shmem_size(void);
extern void ddb_http_listen_shmem_init(void);

/*
 * ddb_http_listen: open a socket for every address of dynamo.listen_addresses.
 * False, with the reason in *reason (palloc'd), when an address cannot be had,
 * when another server holds the port, or when dynamo.auth = none would be
 * reachable from other machines; then nothing is open.
 */
extern bool ddb_http_listen(HttpListen *listen, char **reason);

extern void ddb_http_unlisten(HttpListen *listen);

/* the next connection, non-blocking; PGINVALID_SOCKET with errno when none */
extern pgsocket ddb_http_accept(pgsocket listener);

#endif							/* DDB_HTTP_LISTEN_H */
