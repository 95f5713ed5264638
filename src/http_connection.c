/*
 * http_connection.c
 *	  Connections and their requests, as the HTTP library reports them.
 *
 * GNU libmicrohttpd parses requests, formats responses and does TLS; it calls
 * us back with the parts of a request.  Once a request is complete it is
 * executed inside the last of these calls.  Its response leaves at once if the
 * log is durable already; otherwise the connection is suspended and held until
 * a flush, or parked until a lock is gone (http_server.c decides when).
 *
 * No error may unwind through a frame of the library: every callback catches.
 *
 *		IDLE --request line--> RECEIVING --last byte--> RUNNING
 *		  ^                                               |
 *		  +--------- sent -------- SENDING <--- durable --+
 */
#include "postgres.h"

#include <microhttpd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/xlog.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "postmaster/interrupt.h"
#include "utils/memutils.h"

#include "error.h"
#include "guc.h"
#include "http_commit.h"
#include "http_connection.h"
#include "opstat.h"

#define POOL_SIZE			(32 * 1024)	/* of the library, per connection: headers and parts of bodies */
#define MAX_CONNECTIONS		1000000	/* ours is dynamo.worker_connections */
#define MAX_HEADERS			1000
#define REQUEST_ID_LENGTH	52

dlist_head	ddb_http_connections = DLIST_STATIC_INIT(ddb_http_connections);
dlist_head	ddb_http_held = DLIST_STATIC_INIT(ddb_http_held);
dlist_head	ddb_http_parked = DLIST_STATIC_INIT(ddb_http_parked);
bool		ddb_http_held_is_news = false;
uint64		ddb_http_activity = 0;
int			ddb_http_connection_count = 0;
int			ddb_http_parked_count = 0;

static bool draining = false;

static void
enter_phase(HttpConnection *connection, HttpPhase phase)
{
	connection->phase = phase;
	connection->since = GetCurrentTimestamp();
}

/* ----------------------------------------------------------------
 * Responses
 * ----------------------------------------------------------------
 */

/* REQUEST_ID_LENGTH characters and a NUL */
static void
make_request_id(char *id)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint64		random = 0;
	int			i;

	for (i = 0; i < REQUEST_ID_LENGTH; i++)
	{
		if (i % 12 == 0)
			random = pg_prng_uint64(&pg_global_prng_state);
		id[i] = digits[random % 36];
		random /= 36;
	}
	id[REQUEST_ID_LENGTH] = '\0';
}

static void
add_header(struct MHD_Response *message, const char *name, const char *value)
{
	if (value != NULL)
		(void) MHD_add_response_header(message, name, value);
}

static void
add_headers(struct MHD_Response *message, const HttpResponse *response)
{
	char		id[REQUEST_ID_LENGTH + 1];
	char		crc[12];

	make_request_id(id);
	snprintf(crc, sizeof(crc), "%u", ddb_http_crc32(response->body.data, response->body.len));
	add_header(message, "Server", "Server");
	add_header(message, "Content-Type", response->content_type);
	add_header(message, "x-amzn-RequestId", id);
	add_header(message, "x-amz-crc32", crc);
	add_header(message, "Content-Encoding", response->content_encoding);
	if (response->allow_origin)
		add_header(message, "Access-Control-Allow-Origin", "*");
	if (response->preflight)
	{
		add_header(message, "Access-Control-Allow-Headers", response->allow_headers);
		add_header(message, "Access-Control-Allow-Methods", response->allow_methods);
		add_header(message, "Access-Control-Max-Age", "172800");
	}
	if (response->close || draining || ShutdownRequestPending)
		add_header(message, "Connection", "close");
}

/*
 * Hand the response to the library.  The last look at what a response may
 * say: with the log not flushed to its position it would be a lie, and a
 * worker that tells lies must end.  (Standbys have been asked before; whether
 * there are any can change in between.)
 */
static enum MHD_Result
send_response(HttpConnection *connection)
{
	HttpResponse *response = &connection->response;
	struct MHD_Response *message;
	enum MHD_Result result;

	if (!ddb_http_is_flushed(connection->call.position))
		elog(FATAL, "a response was about to leave before the log was flushed up to %X/%X",
			 LSN_FORMAT_ARGS(connection->call.position));
	message = MHD_create_response_from_buffer(response->body.len, response->body.data,
											  MHD_RESPMEM_PERSISTENT);
	if (message == NULL)
		return MHD_NO;
	(void) MHD_set_response_options(message, MHD_RF_SEND_KEEP_ALIVE_HEADER, MHD_RO_END);
	add_headers(message, response);
	enter_phase(connection, HTTP_SENDING);
	result = MHD_queue_response(connection->mhd, response->status, message);
	MHD_destroy_response(message);
	return result;
}

/* the response of an API call, or of a route of ours, is final */
static void
finish_response(HttpConnection *connection)
{
	HttpCall   *call = &connection->call;

	ddb_http_encode(&connection->request, &connection->response);
	if (call->route == HTTP_API)
		ddb_opstat_count(call->op, call->error, GetCurrentTimestamp() - call->started,
						 call->consumed.read_units, call->consumed.write_units);
	connection->answered = true;
}

/* ----------------------------------------------------------------
 * Complete requests
 * ----------------------------------------------------------------
 */

static enum MHD_Result
collect_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
			   const char *value, size_t value_len)
{
	HttpConnection *connection = cls;
	DdbHttpHeader *header;

	if (connection->request.nheaders == MAX_HEADERS)
		return MHD_NO;
	header = unconstify(DdbHttpHeader *, &connection->request.headers[connection->request.nheaders++]);
	header->name.str = name;
	header->name.len = name_len;
	header->value.str = value ? value : "";
	header->value.len = value_len;
	return MHD_YES;
}

/* false: more headers than anybody needs */
static bool
collect_headers(HttpConnection *connection)
{
	int			count = MHD_get_connection_values(connection->mhd, MHD_HEADER_KIND, NULL, NULL);

	if (count > MAX_HEADERS)
		return false;
	connection->request.headers = palloc(Max(count, 1) * sizeof(DdbHttpHeader));
	connection->request.nheaders = 0;
	(void) MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, collect_header,
									   connection);
	return true;
}

static void
suspend(HttpConnection *connection, dlist_head *list)
{
	dlist_push_tail(list, &connection->waiting);
	if (list == &ddb_http_held)
		ddb_http_held_is_news = true;
	if (!connection->suspended)
		MHD_suspend_connection(connection->mhd);
	connection->suspended = true;
}

/* execute; what cannot leave yet is held or parked */
static void
execute(HttpConnection *connection)
{
	HttpCall   *call = &connection->call;

	if (!ddb_http_execute(call))
	{
		if (!connection->suspended)
		{
			ddb_http_parked_count++;
			ddb_opstat_parked(1);
		}
		suspend(connection, &ddb_http_parked);
		return;
	}
	finish_response(connection);
	if (connection->suspended || !ddb_http_is_durable(call->position))
		suspend(connection, &ddb_http_held);
}

/* an answer without an API body, after which the connection ends */
static void
refuse(HttpConnection *connection, int status)
{
	ddb_http_plain(&connection->response, status, "");
	connection->response.allow_origin =
		MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_ORIGIN) != NULL;
	connection->response.close = true;
	connection->answered = true;
}

static void
process(HttpConnection *connection)
{
	HttpCall   *call = &connection->call;

	enter_phase(connection, HTTP_RUNNING);
	MemSet(call, 0, sizeof(*call));
	call->request = &connection->request;
	call->response = &connection->response;
	call->context = connection->context;
	call->started = connection->since;
	call->client_address = connection->address[0] != '\0' ? connection->address : NULL;
	call->encrypted = MHD_get_connection_info(connection->mhd,
											  MHD_CONNECTION_INFO_PROTOCOL) != NULL;
	if (!collect_headers(connection))
	{
		refuse(connection, 400);
		return;
	}
	connection->request.body.str = connection->body.data ? connection->body.data : "";
	connection->request.body.len = connection->body.len;
	call->route = ddb_http_route(&connection->request, &connection->response);
	if (call->route == HTTP_ANSWERED)
		finish_response(connection);
	else
		execute(connection);
}

/* ----------------------------------------------------------------
 * Parts of requests
 * ----------------------------------------------------------------
 */

/* headers are there: refuse what need not be received */
static void
begin_body(HttpConnection *connection)
{
	const union MHD_ConnectionInfo *info =
	MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	const char *length = MHD_lookup_connection_value(connection->mhd, MHD_HEADER_KIND,
													 MHD_HTTP_HEADER_CONTENT_LENGTH);

	initStringInfo(&connection->response.body);
	initStringInfo(&connection->body);
	if (connection->request.uri.str == NULL)
		refuse(connection, 503);
	else if (info != NULL && info->header_size > ddb_max_header_size)
		refuse(connection, 400);
	else if (ddb_http_connection_count > ddb_worker_connections)
		refuse(connection, 503);
	else if (length != NULL && strtoull(length, NULL, 10) > ddb_max_body_size)
		refuse(connection, 413);
}

static void
add_to_body(HttpConnection *connection, const char *data, size_t len)
{
	if (connection->too_large)
		return;
	if (connection->body.len + len > ddb_max_body_size)
	{
		connection->too_large = true;
		pfree(connection->body.data);
		connection->body.data = NULL;
		connection->body.len = 0;
		return;
	}
	appendBinaryStringInfo(&connection->body, data, len);
}

typedef enum HttpEvent
{
	EVENT_HEADERS,
	EVENT_BODY,
	EVENT_END,
	EVENT_RETRY
} HttpEvent;

static void
handle(HttpConnection *connection, HttpEvent event, const char *data, size_t len)
{
	switch (event)
	{
		case EVENT_HEADERS:
			begin_body(connection);
			return;
		case EVENT_BODY:
			add_to_body(connection, data, len);
			return;
		case EVENT_END:
			if (connection->too_large)
				refuse(connection, 413);
			else
				process(connection);
			return;
		case EVENT_RETRY:
			execute(connection);
			return;
	}
}

/*
 * What fails here is not a request's own (those are caught in http_execute.c):
 * no memory for a body, for instance.  False: close the connection.
 */
static bool
handle_safely(HttpConnection *connection, HttpEvent event, const char *data, size_t len)
{
	MemoryContext caller = MemoryContextSwitchTo(connection->context);
	volatile bool ok = true;

	PG_TRY();
	{
		handle(connection, event, data, len);
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
		ok = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	return ok;
}

static HttpConnection *
connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
	MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

/* the request line is there; what is returned comes back in *request_context */
static void *
on_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	HttpConnection *connection = connection_of(mhd);
	size_t		len = strlen(uri);
	char	   *copy;

	if (connection == NULL)
		return NULL;
	enter_phase(connection, HTTP_RECEIVING);
	MemSet(&connection->request, 0, sizeof(connection->request));
	MemSet(&connection->response, 0, sizeof(connection->response));
	MemSet(&connection->call, 0, sizeof(connection->call));
	MemSet(&connection->body, 0, sizeof(connection->body));
	connection->too_large = connection->suspended = connection->answered = false;

	/* the library takes its own text apart */
	copy = MemoryContextAllocExtended(connection->context, len + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
		memcpy(copy, uri, len + 1);
	connection->request.uri.str = copy;
	connection->request.uri.len = len;
	return NULL;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
		   const char *version, const char *data, size_t *data_size, void **request_context)
{
	HttpConnection *connection = connection_of(mhd);
	HttpEvent	event;

	ddb_http_activity++;
	if (connection == NULL)
		return MHD_NO;
	if (connection->answered)
		return send_response(connection);
	if (*request_context == NULL)
		event = EVENT_HEADERS;
	else
		event = *data_size > 0 ? EVENT_BODY : EVENT_END;
	*request_context = connection;
	connection->request.method = method;
	if (!handle_safely(connection, event, data, *data_size))
		return MHD_NO;
	if (event == EVENT_BODY)
		*data_size = 0;
	return connection->answered && !connection->suspended ?
		send_response(connection) : MHD_YES;
}

static void
on_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
			 enum MHD_RequestTerminationCode how)
{
	HttpConnection *connection = connection_of(mhd);

	if (connection == NULL)
		return;
	MemoryContextReset(connection->context);
	connection->body.data = NULL;
	enter_phase(connection, HTTP_IDLE);
}

/* ----------------------------------------------------------------
 * Connections
 * ----------------------------------------------------------------
 */

/* as policies know it: an IPv4 address as such, though it came over IPv6 */
static void
set_address(HttpConnection *connection)
{
	const union MHD_ConnectionInfo *info =
	MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
	const void *bytes = NULL;
	int			family = AF_INET;

	if (address != NULL && address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *) address)->sin_addr;
	else if (address != NULL && address->sa_family == AF_INET6)
	{
		const struct in6_addr *in6 = &((const struct sockaddr_in6 *) address)->sin6_addr;

		bytes = IN6_IS_ADDR_V4MAPPED(in6) ? &in6->s6_addr[12] : in6->s6_addr;
		family = IN6_IS_ADDR_V4MAPPED(in6) ? AF_INET : AF_INET6;
	}
	if (bytes == NULL ||
		inet_ntop(family, bytes, connection->address, sizeof(connection->address)) == NULL)
		connection->address[0] = '\0';
}

static HttpConnection *
open_connection(struct MHD_Connection *mhd)
{
	HttpConnection *connection = MemoryContextAllocExtended(TopMemoryContext, sizeof(*connection),
															MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO);
	const union MHD_ConnectionInfo *info =
	MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (connection == NULL)
		return NULL;
	connection->mhd = mhd;
	connection->sock = info->connect_fd;
	set_address(connection);
	connection->context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo request",
												ALLOCSET_DEFAULT_SIZES);
	enter_phase(connection, HTTP_IDLE);
	dlist_push_tail(&ddb_http_connections, &connection->node);
	ddb_http_connection_count++;
	ddb_opstat_connection(1);
	return connection;
}

static void
close_connection(HttpConnection *connection)
{
	dlist_delete(&connection->node);
	ddb_http_connection_count--;
	ddb_opstat_connection(-1);
	MemoryContextDelete(connection->context);
	pfree(connection);
}

static void
on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	HttpDaemon *daemon = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
	{
		PG_TRY();
		{
			*socket_context = open_connection(mhd);
		}
		PG_CATCH();
		{
			EmitErrorReport();
			FlushErrorState();
			*socket_context = NULL;
		}
		PG_END_TRY();
		daemon->connections++;
		return;
	}
	daemon->connections--;
	if (*socket_context != NULL)
		close_connection(*socket_context);
	*socket_context = NULL;
}

void
ddb_http_connection_retry(HttpConnection *connection)
{
	dlist_delete(&connection->waiting);
	if (!handle_safely(connection, EVENT_RETRY, NULL, 0))
	{
		connection->response.status = 500;
		connection->response.body.len = 0;
		connection->answered = true;
		suspend(connection, &ddb_http_held);
	}
	if (connection->answered)
	{
		ddb_http_parked_count--;
		ddb_opstat_parked(-1);
	}
}

void
ddb_http_connection_give_up(HttpConnection *connection)
{
	dlist_delete(&connection->waiting);
	ddb_http_refuse(&connection->call, DDB_SERVICE_UNAVAILABLE, "The server is shutting down");
	finish_response(connection);
	suspend(connection, &ddb_http_held);
	ddb_http_parked_count--;
	ddb_opstat_parked(-1);
}

void
ddb_http_connection_release(HttpConnection *connection)
{
	dlist_delete(&connection->waiting);
	connection->suspended = false;
	MHD_resume_connection(connection->mhd);
}

void
ddb_http_connection_drain(void)
{
	draining = true;
}

/* ----------------------------------------------------------------
 * Daemons
 * ----------------------------------------------------------------
 */

static void
log_message(void *cls, const char *format, va_list args) pg_attribute_printf(2, 0);

static void
log_message(void *cls, const char *format, va_list args)
{
	char		text[512];

	vsnprintf(text, sizeof(text), format, args);
	elog(DEBUG2, "libmicrohttpd: %s", text);
}

static void
on_panic(void *cls, const char *file, unsigned int line, const char *reason)
{
	elog(FATAL, "libmicrohttpd failed at %s:%u: %s", file, line, reason ? reason : "");
}

HttpDaemon *
ddb_http_daemon_start(const char *certificate, const char *key)
{
	HttpDaemon *daemon = palloc0(sizeof(HttpDaemon));
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
	MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, unconstify(char *, certificate)},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, unconstify(char *, key)},
		{MHD_OPTION_END, 0, NULL}
	};

	if (certificate != NULL)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	MHD_set_panic_func(on_panic, NULL);
	daemon->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, NULL,
								   MHD_OPTION_EXTERNAL_LOGGER, log_message, NULL,
								   MHD_OPTION_CONNECTION_LIMIT, (unsigned int) MAX_CONNECTIONS,
								   MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) POOL_SIZE,
								   MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int) 0,
								   MHD_OPTION_STRICT_FOR_CLIENT, 1,
								   MHD_OPTION_URI_LOG_CALLBACK, on_request_line, NULL,
								   MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
								   MHD_OPTION_NOTIFY_CONNECTION, on_connection, daemon,
								   MHD_OPTION_ARRAY, tls,
								   MHD_OPTION_END);
	if (daemon->mhd == NULL)
	{
		pfree(daemon);
		return NULL;
	}
	return daemon;
}

void
ddb_http_daemon_stop(HttpDaemon *daemon)
{
	MHD_stop_daemon(daemon->mhd);
	pfree(daemon);
}

int
ddb_http_daemon_epoll(const HttpDaemon *daemon)
{
	return MHD_get_daemon_info(daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

bool
ddb_http_daemon_add(HttpDaemon *daemon, pgsocket sock)
{
	struct sockaddr_storage address;
	socklen_t	len = sizeof(address);

	if (getpeername(sock, (struct sockaddr *) &address, &len) != 0)
	{
		close(sock);
		return false;
	}
	return MHD_add_connection(daemon->mhd, sock, (struct sockaddr *) &address, len) == MHD_YES;
}

bool
ddb_http_daemon_run(HttpDaemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	(void) MHD_run(daemon->mhd);
	return MHD_get_timeout(daemon->mhd, &timeout) == MHD_YES && timeout == 0;
}
