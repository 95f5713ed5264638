/*
 * worker.c
 *	  The background workers: registration and start.
 *
 * What a worker does is http_server.c's; here it becomes a process with a
 * database connection that restarts when it fails.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "compat.h"
#include "guc.h"
#include "http_server.h"
#include "worker.h"

#define RESTART_SECONDS 1

extern DDB_EXPORT void ddb_http_worker_main(Datum arg);

/*
 * Settings of the worker's own session, whatever postgresql.conf, the
 * database or the role says: what the engine relies on, and timeouts, which
 * are ours.
 */
static void
set_session(void)
{
	static const char *const settings[][2] = {
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"idle_in_transaction_session_timeout", "0"},
		{"lock_timeout", "0"},
		{"statement_timeout", "0"},
		{"search_path", "pg_catalog, pg_temp"},
		{"client_min_messages", "error"},
		{"application_name", "pg_dynamo"}
	};
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
}

void
ddb_http_worker_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	set_session();
	ddb_http_serve(DatumGetInt32(arg));

	/* with status 0 a worker that pg_terminate_backend stopped would not come back */
	proc_exit(1);
}

void
ddb_worker_init(void)
{
	BackgroundWorker worker;
	int			i;

	ddb_http_init();
	for (i = 0; i < ddb_http_workers; i++)
	{
		MemSet(&worker, 0, sizeof(worker));
		worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
		worker.bgw_start_time = BgWorkerStart_ConsistentState;
		worker.bgw_restart_time = RESTART_SECONDS;
		snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
		snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_http_worker_main");
		snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo http worker %d", i + 1);
		snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo http worker");
		worker.bgw_main_arg = Int32GetDatum(i);
		RegisterBackgroundWorker(&worker);
	}
}
