/*
 * http_server.c
 *	  The loop of an HTTP worker.
 *
 * One thread serves many connections: latch, listening sockets and the epoll
 * descriptors of the HTTP library sit in one wait event set.  A turn of the
 * loop
 *		accepts connections,
 *		lets the library run, which executes complete requests,
 *		repeats parked requests whose locks are gone,
 *		flushes the log once for everything that is held, and
 *		lets the library send what has become durable.
 * Nothing in a turn waits for another session or for a client.
 *
 * A new certificate gets a new daemon of the library; the old one keeps its
 * connections until they end.
 */
#include "postgres.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "accesskey.h"
#include "catalog.h"
#include "guc.h"
#include "http_commit.h"
#include "http_connection.h"
#include "http_execute.h"
#include "http_listen.h"
#include "http_server.h"
#include "indexbuild.h"
#include "op_bulk.h"
#include "opstat.h"
#include "policystore.h"
#include "session.h"
#include "transacttoken.h"

#define LISTEN_RETRY_MS		2000
#define SWEEP_MS			1000	/* between looks at the connections' clocks */
#define PARKED_LOOK_MS		2	/* between looks at the locks of parked requests */
#define REPLICATION_LOOK_MS 1	/* between looks at the standbys' progress */
#define MAX_IDLE_TURNS		100		/* that the library wants without anything happening, */
#define IDLE_TURN_MS		10		/* until its wish is not believed at once any more */
#define PAUSE_MS			100	/* without accepting when descriptors run out */
#define DRAIN_MS			5000	/* for what is under way at shutdown */
#define ACCEPT_AT_ONCE		64
#define MAX_REFUSED			64	/* connections being told that we are full */
#define MAX_PEM_FILE		(1024 * 1024)
#define KEY_SWEEP_MS		(60 * 1000)
#define TOKEN_SWEEP_MS		(10 * 1000)
#define BUILD_SWEEP_MS		(10 * 1000)
#define MAX_DAEMONS			16	/* certificates with connections at a time */

static MemoryContext server_context;
static WaitEventSet *events = NULL;
static bool events_are_stale = true;

static HttpListen listener;
static bool accepting = true;
static TimestampTz paused_until;

static dlist_head daemons = DLIST_STATIC_INIT(daemons); /* the newest first */
static bool daemon_has_tls = false; /* the newest */
static uint64 daemon_files = 0; /* a hash of what it was made of */

/* connections beyond the limit: told so, and closed a moment later */
static pgsocket refused[MAX_REFUSED];
static int	nrefused = 0;

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* ----------------------------------------------------------------
 * Shared memory
 * ----------------------------------------------------------------
 */

static void
request_shmem(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(ddb_http_listen_shmem_size());
	RequestAddinShmemSpace(ddb_http_execute_shmem_size());
	RequestNamedLWLockTranche(HTTP_LISTEN_TRANCHE, 1);
}

static void
start_shmem(void)
{
	if (previous_startup_hook)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	ddb_http_listen_shmem_init();
	ddb_http_execute_shmem_init();
	LWLockRelease(AddinShmemInitLock);
}

void
ddb_http_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
}

/* ----------------------------------------------------------------
 * Certificates and daemons
 * ----------------------------------------------------------------
 */

static HttpDaemon *
newest_daemon(void)
{
	return dlist_head_element(HttpDaemon, node, &daemons);
}

/* a file's text, NUL-terminated, palloc'd; NULL after saying why in the log */
static char *
read_pem(const char *path)
{
	FILE	   *file = AllocateFile(path, "r");
	char	   *text;
	size_t		len;

	if (file == NULL)
	{
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not open \"%s\": %m", path)));
		return NULL;
	}
	text = palloc(MAX_PEM_FILE + 1);
	len = fread(text, 1, MAX_PEM_FILE, file);
	text[len] = '\0';
	FreeFile(file);
	return text;
}

static uint64
hash_files(const char *certificate, const char *key)
{
	return hash_bytes_extended((const unsigned char *) key, strlen(key),
							   hash_bytes_extended((const unsigned char *) certificate,
												   strlen(certificate), 0));
}

/*
 * A daemon for what the files hold now; NULL after saying why in the log, and
 * without a word when that is what the newest daemon was made of.
 */
static HttpDaemon *
start_daemon(void)
{
	char	   *certificate = NULL;
	char	   *key = NULL;
	uint64		files = 0;
	HttpDaemon *daemon = NULL;
	bool		is_news = true;

	if (ddb_tls_cert_file[0] != '\0')
	{
		certificate = read_pem(ddb_tls_cert_file);
		key = read_pem(ddb_tls_key_file[0] != '\0' ? ddb_tls_key_file : ddb_tls_cert_file);
		if (certificate == NULL || key == NULL)
			return NULL;
		files = hash_files(certificate, key);
		is_news = !daemon_has_tls || files != daemon_files;
	}
	if (is_news)
		daemon = ddb_http_daemon_start(certificate, key);
	if (certificate != NULL)
	{
		explicit_bzero(key, strlen(key));
		pfree(certificate);
		pfree(key);
	}
	if (daemon != NULL)
		daemon_files = files;
	else if (is_news)
		ereport(LOG,
				(errmsg("the HTTP endpoint could not use dynamo.tls_cert_file \"%s\" and dynamo.tls_key_file \"%s\"",
						ddb_tls_cert_file, ddb_tls_key_file)));
	return daemon;
}

/* daemons whose last connection has ended, but for the newest */
static void
stop_old_daemons(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &daemons)
	{
		HttpDaemon *daemon = dlist_container(HttpDaemon, node, iter.cur);

		if (daemon == newest_daemon() || daemon->connections > 0)
			continue;
		dlist_delete(&daemon->node);
		ddb_http_daemon_stop(daemon);
		events_are_stale = true;
	}
}

static int
count_daemons(void)
{
	dlist_iter	iter;
	int			count = 0;

	dlist_foreach(iter, &daemons)
		count++;
	return count;
}

/* new connections use what the files hold now; false when they cannot */
static bool
renew_daemon(void)
{
	MemoryContext caller = MemoryContextSwitchTo(server_context);
	HttpDaemon *daemon;

	if (count_daemons() == MAX_DAEMONS)
		ereport(LOG,
				(errmsg("connections use %d older TLS certificates: a newer one is used after the next reload",
						MAX_DAEMONS)));
	daemon = count_daemons() < MAX_DAEMONS ? start_daemon() : NULL;
	MemoryContextSwitchTo(caller);
	if (daemon == NULL)
		return false;
	dlist_push_head(&daemons, &daemon->node);
	daemon_has_tls = ddb_tls_cert_file[0] != '\0';
	events_are_stale = true;
	return true;
}

/* ----------------------------------------------------------------
 * Accepting
 * ----------------------------------------------------------------
 */

/*
 * Tell a client that we are full, without waiting for its request.  Closing
 * at once could take the answer away from a client that is still sending.
 */
static void
turn_away(pgsocket sock)
{
	static const char answer[] =
	"HTTP/1.1 503 Service Unavailable\r\n"
	"Content-Length: 0\r\n"
	"Connection: close\r\n"
	"\r\n";

	ddb_opstat_refused();
	if (!daemon_has_tls)
		(void) send(sock, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void) shutdown(sock, SHUT_WR);
	if (nrefused == MAX_REFUSED)
	{
		close(refused[0]);
		memmove(refused, refused + 1, --nrefused * sizeof(pgsocket));
	}
	refused[nrefused++] = sock;
}

static void
close_refused(void)
{
	while (nrefused > 0)
		close(refused[--nrefused]);
}

static void
pause_accepting(TimestampTz now)
{
	paused_until = TimestampTzPlusMilliseconds(now, PAUSE_MS);
	accepting = false;
	events_are_stale = true;
}

static void
accept_connections(pgsocket listening, TimestampTz now)
{
	int			i;

	for (i = 0; i < ACCEPT_AT_ONCE; i++)
	{
		pgsocket	sock = ddb_http_accept(listening);

		if (sock == PGINVALID_SOCKET)
		{
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(now);
			return;
		}
		if (ddb_http_connection_count >= ddb_worker_connections)
			turn_away(sock);
		else
			(void) ddb_http_daemon_add(newest_daemon(), sock);
	}
}

/*
 * Descriptors for the connections, beside those that the server's own files
 * may use.
 */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;
	rlim_t		wanted = max_files_per_process + ddb_worker_connections + MAX_REFUSED + 100;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = Min(wanted, limit.rlim_max);
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
		ereport(LOG,
				(errmsg("the limit of open files (%lu) is too low for dynamo.worker_connections = %d",
						(unsigned long) limit.rlim_cur, ddb_worker_connections)));
}

/* ----------------------------------------------------------------
 * Held and parked requests
 * ----------------------------------------------------------------
 */

/*
 * A synchronous standby does not answer: the client learns that it is not
 * known what became of its request, instead of anything that may be lost.
 */
static bool
lost_patience(HttpConnection *connection, TimestampTz now)
{
	if (!TimestampDifferenceExceeds(connection->call.started, now, ddb_statement_timeout))
		return false;
	ddb_http_refuse(&connection->call, DDB_INTERNAL_SERVER_ERROR,
					"The request is not yet on the synchronous standbys");
	connection->response.content_encoding = NULL;
	connection->call.position = InvalidXLogRecPtr;
	return true;
}

/*
 * Flush for everything that is held, and release what has become durable.
 * True if anything was released.
 */
static bool
release_held(TimestampTz now)
{
	XLogRecPtr	position = InvalidXLogRecPtr;
	dlist_mutable_iter iter;
	int			released = 0;

	if (dlist_is_empty(&ddb_http_held))
		return false;
	ddb_http_held_is_news = false;
	dlist_foreach_modify(iter, &ddb_http_held)
		position = Max(position, dlist_container(HttpConnection, waiting, iter.cur)->call.position);
	if (!XLogRecPtrIsInvalid(position) && !RecoveryInProgress())
		ddb_http_flush(position);
	dlist_foreach_modify(iter, &ddb_http_held)
	{
		HttpConnection *connection = dlist_container(HttpConnection, waiting, iter.cur);

		if (!ddb_http_is_durable(connection->call.position) &&
			!lost_patience(connection, now))
			continue;
		ddb_http_connection_release(connection);
		released++;
	}
	if (released > 0)
		ddb_opstat_flush(released);
	return released > 0;
}

static void
retry_parked(TimestampTz now)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &ddb_http_parked)
	{
		HttpConnection *connection = dlist_container(HttpConnection, waiting, iter.cur);

		if (ddb_http_may_run(&connection->call, now))
			ddb_http_connection_retry(connection);
	}
}

/* ----------------------------------------------------------------
 * Clocks
 * ----------------------------------------------------------------
 */

static int
phase_timeout(HttpPhase phase)
{
	switch (phase)
	{
		case HTTP_IDLE:
			return ddb_idle_timeout;
		case HTTP_RECEIVING:
		case HTTP_SENDING:
			return ddb_request_timeout;
		case HTTP_RUNNING:
			return 0;
	}
	return 0;
}

/*
 * Has the client ended its side?  The library watches edges, and misses one
 * that comes together with the last request.
 */
static bool
has_ended(const HttpConnection *connection)
{
	char		byte;

	return connection->phase == HTTP_IDLE &&
		recv(connection->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * Shut the sockets of clients that take too long or are gone; the library then
 * ends the connections.
 */
static void
sweep_connections(TimestampTz now)
{
	dlist_iter	iter;

	dlist_foreach(iter, &ddb_http_connections)
	{
		HttpConnection *connection = dlist_container(HttpConnection, node, iter.cur);
		int			seconds = phase_timeout(connection->phase);

		if ((seconds > 0 &&
			 TimestampDifferenceExceeds(connection->since, now, seconds * 1000)) ||
			has_ended(connection))
			(void) shutdown(connection->sock, SHUT_RDWR);
	}
}

/* idle connections get no farewell, which clients of keep-alive expect */
static void
close_idle(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &ddb_http_connections)
	{
		HttpConnection *connection = dlist_container(HttpConnection, node, iter.cur);

		if (connection->phase == HTTP_IDLE)
			(void) shutdown(connection->sock, SHUT_RDWR);
	}
}

/*
 * Work of the database as a whole, which one worker does beside its requests,
 * in a transaction.  An error is logged, and it is tried again the next time.
 */
static void
run_aside(void (*work) (void))
{
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (OidIsValid(ddb_tables_schema()))
			work();
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		EmitErrorReport();
		FlushErrorState();
		AbortOutOfAnyTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(server_context);
}

/* keys of roles that were dropped; a standby cannot write, and need not */
static void
sweep_keys(TimestampTz now)
{
	static TimestampTz last = 0;

	if (RecoveryInProgress() || !TimestampDifferenceExceeds(last, now, KEY_SWEEP_MS))
		return;
	last = now;
	run_aside(ddb_accesskey_sweep);
	run_aside(ddb_policystore_sweep);
}

/* tokens of transactions that are remembered no longer */
static void
sweep_tokens(TimestampTz now)
{
	static TimestampTz last = 0;

	if (RecoveryInProgress() || !TimestampDifferenceExceeds(last, now, TOKEN_SWEEP_MS))
		return;
	last = now;
	run_aside(ddb_transacttoken_sweep);
}

static void
resume_builds(void)
{
	(void) ddb_index_build_resume();
	(void) ddb_bulk_resume();
}

/* index builds and bulk operations that a crash or a restart has left without a worker */
static void
sweep_builds(TimestampTz now)
{
	static TimestampTz last = 0;

	if (RecoveryInProgress() || !TimestampDifferenceExceeds(last, now, BUILD_SWEEP_MS))
		return;
	last = now;
	run_aside(resume_builds);
}

static void
sweep(int worker, TimestampTz now)
{
	static TimestampTz last = 0;

	if (!TimestampDifferenceExceeds(last, now, SWEEP_MS))
		return;
	last = now;
	sweep_connections(now);
	close_refused();
	stop_old_daemons();
	if (worker == 0)
	{
		sweep_keys(now);
		sweep_tokens(now);
		sweep_builds(now);
	}
	pgstat_report_stat(false);
}

/* ----------------------------------------------------------------
 * Waiting
 * ----------------------------------------------------------------
 */

static void
build_events(void)
{
	dlist_iter	iter;
	int			i;

	if (events != NULL)
		FreeWaitEventSet(events);
	events = CreateWaitEventSet(server_context, 2 + HTTP_MAX_SOCKETS + MAX_DAEMONS);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (i = 0; accepting && i < listener.nsockets; i++)
		AddWaitEventToSet(events, WL_SOCKET_READABLE, listener.sockets[i], NULL, &listener);
	dlist_foreach(iter, &daemons)
		AddWaitEventToSet(events, WL_SOCKET_READABLE,
						  ddb_http_daemon_epoll(dlist_container(HttpDaemon, node, iter.cur)),
						  NULL, NULL);
	events_are_stale = false;
}

/* until something happens, or there is something to look at */
static void
wait_for_events(bool busy, TimestampTz now)
{
	static int	idle_turns = 0;
	static uint64 seen_activity = 0;
	WaitEvent	happened[2 + HTTP_MAX_SOCKETS + MAX_DAEMONS];
	long		timeout = SWEEP_MS;
	int			count;
	int			i;

	if (events_are_stale)
		build_events();
	if (!accepting)
		timeout = PAUSE_MS;
	if (!dlist_is_empty(&ddb_http_parked))
		timeout = Max(PARKED_LOOK_MS, ddb_http_parked_count / 50);
	if (!dlist_is_empty(&ddb_http_held))
		timeout = REPLICATION_LOOK_MS;
	idle_turns = seen_activity == ddb_http_activity ? idle_turns + 1 : 0;
	seen_activity = ddb_http_activity;
	if (busy)
		timeout = idle_turns < MAX_IDLE_TURNS ? 0 : Min(timeout, IDLE_TURN_MS);
	if (ddb_http_held_is_news)
		timeout = 0;
	if (timeout == SWEEP_MS)
	{
		ddb_http_timer_stop();
		pgstat_report_activity(STATE_IDLE, NULL);
	}
	count = WaitEventSetWait(events, timeout, happened, lengthof(happened), PG_WAIT_EXTENSION);
	for (i = 0; i < count; i++)
	{
		if (happened[i].user_data == &listener)
			accept_connections(happened[i].fd, now);
	}
}

/* ----------------------------------------------------------------
 * The loop
 * ----------------------------------------------------------------
 */

/* open the sockets, however long it takes; false when shutdown comes first */
static bool
start_listening(void)
{
	char	   *told = NULL;
	char	   *reason;

	while (!ShutdownRequestPending)
	{
		CHECK_FOR_INTERRUPTS();
		ddb_session_reload();
		if (dlist_is_empty(&daemons) && !renew_daemon())
			reason = "the TLS certificate or its key cannot be used";
		else if (ddb_http_listen(&listener, &reason))
			return true;
		if (told == NULL || strcmp(told, reason) != 0)
			ereport(LOG,
					(errmsg("the HTTP endpoint is not available: %s", reason)));
		told = reason;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LISTEN_RETRY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	return false;
}

static void
reload(void)
{
	ddb_session_reload();
	raise_descriptor_limit();
	if (daemon_has_tls || ddb_tls_cert_file[0] != '\0')
		(void) renew_daemon();
}

/* everything but waiting; true if there is more to do at once */
static bool
turn(int worker, TimestampTz now)
{
	dlist_mutable_iter iter;
	bool		busy = false;

	dlist_foreach_modify(iter, &daemons)
		busy |= ddb_http_daemon_run(dlist_container(HttpDaemon, node, iter.cur));
	if (!dlist_is_empty(&ddb_http_parked))
		retry_parked(now);
	if (release_held(now))
	{
		dlist_foreach_modify(iter, &daemons)
			busy |= ddb_http_daemon_run(dlist_container(HttpDaemon, node, iter.cur));
	}
	sweep(worker, now);
	if (!accepting && now >= paused_until)
	{
		accepting = true;
		events_are_stale = true;
	}
	return busy;
}

/* is a request under way, or a response not yet taken? */
static bool
is_at_work(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &ddb_http_connections)
	{
		if (dlist_container(HttpConnection, node, iter.cur)->phase != HTTP_IDLE)
			return true;
	}
	return false;
}

/* finish what is under way */
static void
drain(int worker)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), DRAIN_MS);
	dlist_mutable_iter iter;
	bool		busy = false;

	ddb_http_unlisten(&listener);
	ddb_http_connection_drain();
	dlist_foreach_modify(iter, &ddb_http_parked)
		ddb_http_connection_give_up(dlist_container(HttpConnection, waiting, iter.cur));
	events_are_stale = true;
	while (is_at_work() && GetCurrentTimestamp() < end)
	{
		ResetLatch(MyLatch);
		wait_for_events(busy, GetCurrentTimestamp());
		busy = turn(worker, GetCurrentTimestamp());
		close_idle();
	}
}

void
ddb_http_serve(int worker)
{
	bool		busy = false;

	server_context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo http server",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(server_context);
	ddb_opstat_attach(worker);
	ddb_http_execute_init();
	raise_descriptor_limit();
	if (!start_listening())
		return;
	ereport(LOG,
			(errmsg("HTTP worker %d listens on port %d", worker + 1, ddb_port)));
	while (!ShutdownRequestPending)
	{
		wait_for_events(busy, GetCurrentTimestamp());
		ResetLatch(MyLatch);
		QueryCancelPending = false; /* no call is running */
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
			reload();
		busy = turn(worker, GetCurrentTimestamp());
	}
	drain(worker);
}
