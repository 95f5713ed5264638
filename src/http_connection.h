/*
 * http_connection.h
 *	  Connections and their requests, as the HTTP library reports them.
 *
 * The only part that speaks to libmicrohttpd.  A daemon of the library, here,
 * is what holds connections; it opens no sockets, reads no clock, and runs
 * only when told.
 */
#ifndef DDB_HTTP_CONNECTION_H
#define DDB_HTTP_CONNECTION_H

#include "port.h"

#include "http_execute.h"
#include "lib/ilist.h"

struct MHD_Daemon;
struct MHD_Connection;

#define HTTP_ADDRESS_LENGTH	46	/* of an IP address as text */

/* where a connection is; the clock of a phase begins with it */
typedef enum HttpPhase
{
	HTTP_IDLE,					/* no request has begun */
	HTTP_RECEIVING,				/* a request has begun */
	HTTP_RUNNING,				/* complete: held or parked */
	HTTP_SENDING				/* the response goes out */
} HttpPhase;

typedef struct HttpConnection
{
	dlist_node	node;			/* in connections */
	dlist_node	waiting;		/* in held or parked while HTTP_RUNNING */
	struct MHD_Connection *mhd;
	pgsocket	sock;
	char		address[HTTP_ADDRESS_LENGTH];	/* the client's; empty if not known */
	HttpPhase	phase;
	TimestampTz since;			/* begin of the phase */

	/* of one request; reset after it */
	MemoryContext context;
	HttpRequest request;
	HttpResponse response;
	HttpCall	call;
	StringInfoData body;
	bool		too_large;		/* the body, which is not kept then */
	bool		suspended;
	bool		answered;		/* response is complete and may leave */
} HttpConnection;

typedef struct HttpDaemon
{
	dlist_node	node;			/* in a list of the caller's */
	struct MHD_Daemon *mhd;
	int			connections;
} HttpDaemon;

/* all connections of this worker, and those that wait */
extern dlist_head ddb_http_connections;
extern dlist_head ddb_http_held;	/* for the log; oldest first */
extern dlist_head ddb_http_parked;	/* for a lock */
extern bool ddb_http_held_is_news;	/* held has grown since its owner looked */
extern uint64 ddb_http_activity;	/* grows with every sign of a client */
extern int	ddb_http_connection_count;
extern int	ddb_http_parked_count;

/*
 * ddb_http_daemon_start: a daemon in CurrentMemoryContext, with TLS when a
 * certificate and a key are given (PEM texts, NUL-terminated); NULL when the
 * library does not take them.
 */
extern HttpDaemon *ddb_http_daemon_start(const char *certificate, const char *key);

extern void ddb_http_daemon_stop(HttpDaemon *daemon);	/* it has no connections */
extern int	ddb_http_daemon_epoll(const HttpDaemon *daemon);

/* give it a socket; false when it cannot take it (the socket is closed) */
extern bool ddb_http_daemon_add(HttpDaemon *daemon, pgsocket sock);

/* do what can be done without waiting; true if there is more to do at once */
extern bool ddb_http_daemon_run(HttpDaemon *daemon);

/* run a parked call again */
extern void ddb_http_connection_retry(HttpConnection *connection);

/* answer a parked call that it will not be run any more */
extern void ddb_http_connection_give_up(HttpConnection *connection);

/* what waits in held may leave: the library sends it when it runs next */
extern void ddb_http_connection_release(HttpConnection *connection);

/* from here on every response closes its connection */
extern void ddb_http_connection_drain(void);

#endif							/* DDB_HTTP_CONNECTION_H */
