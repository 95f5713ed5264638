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

#include "compat.h"
#include "guc.h"
#include "http_server.h"
#include "metrics.h"
#include "session.h"
#include "ttlsweep.h"
#include "worker.h"

#define RESTART_SECONDS 1
#define PERMANENT_WORKERS 5		/* beside HTTP: expiry, metrics, streams, subscriptions,
								 * and the server's own for logical replication */
#define SPARE_WORKERS 2

extern DDB_EXPORT void ddb_http_worker_main(Datum arg);

void
ddb_http_worker_main(Datum arg)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(ddb_database, NULL, 0);
	ddb_session_init("pg_dynamo");
	ddb_http_serve(DatumGetInt32(arg));

	/* with status 0 a worker that pg_terminate_backend stopped would not come back */
	proc_exit(1);
}

/*
 * Index builds, bulk operations and streams of other databases need processes
 * beside those that always run.
 */
static void
check_room(void)
{
	int			permanent = ddb_http_workers + PERMANENT_WORKERS;

	if (max_worker_processes < permanent + SPARE_WORKERS)
		ereport(WARNING,
				(errmsg("max_worker_processes (%d) leaves little room beside the %d background workers of pg_dynamo",
						max_worker_processes, permanent),
				 errhint("Set it to at least %d, so that indexes can be built and streams begun.",
						 permanent + SPARE_WORKERS)));
}

void
ddb_worker_init(void)
{
	BackgroundWorker worker;
	int			i;

	check_room();
	ddb_http_init();
	ddb_ttl_sweep_init();
	ddb_metrics_init();
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
