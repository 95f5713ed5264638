/*
 * http_execute.h
 *	  One API call as one transaction, never waiting long for a lock.
 */
#ifndef DDB_HTTP_EXECUTE_H
#define DDB_HTTP_EXECUTE_H

#include "access/xlogdefs.h"
#include "error.h"
#include "http_message.h"
#include "op.h"
#include "storage/lock.h"
#include "utils/timestamp.h"

typedef struct HttpCall
{
	const HttpRequest *request;
	HttpResponse *response;		/* its body is in context */
	MemoryContext context;		/* lives as long as the request */
	HttpRoute	route;
	TimestampTz started;
	const char *client_address; /* NULL if not known */
	bool		encrypted;

	/* results */
	const DdbOperation *op;		/* NULL when the target names none */
	const struct DdbErrorInfo *error;	/* NULL for success */
	DdbConsumed consumed;
	XLogRecPtr	position;		/* see ddb_http_position */

	/* between attempts */
	bool		is_last;		/* attempt of a batch, which leaves out what is locked */
	int			element;		/* of a transaction: the one that met a lock */
	int			elements;		/* how many it has; 0 if it had not come so far */

	/* what it waits for */
	bool		has_tag;
	LOCKTAG		tag;
	LOCKMODE	mode;
	TimestampTz retry_at;		/* not later than this */
} HttpCall;

/*
 * ddb_http_execute: run the call.  True: the response is complete, and may
 * leave once the log is durable up to call->position.  False: it met a lock
 * and was rolled back; to be repeated when ddb_http_may_run says so.  Never
 * raises an error.
 */
extern bool ddb_http_execute(HttpCall *call);

/* has what it waits for gone, or is it time to try anyway? */
extern bool ddb_http_may_run(HttpCall *call, TimestampTz now);

/* respond with an API error, outside of any transaction */
extern void ddb_http_refuse(HttpCall *call, DdbErrorCode code, const char *message);

/* once in each worker */
extern void ddb_http_execute_init(void);

/* shared memory; hooks are http_server.c's */
extern Size ddb_http_execute_shmem_size(void);
extern void ddb_http_execute_shmem_init(void);

/* there is nothing to do: let the timer of calls rest until the next one */
extern void ddb_http_timer_stop(void);

#endif							/* DDB_HTTP_EXECUTE_H */
