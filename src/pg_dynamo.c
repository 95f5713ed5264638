/*
 * pg_dynamo.c
 *	  Module magic and start-up, nothing else.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "accesskey.h"
#include "catalog.h"
#include "compat.h"
#include "guc.h"
#include "insights.h"
#include "opstat.h"
#include "policystore.h"
#include "streamdrain.h"
#include "subscription.h"
#include "throughput.h"
#include "worker.h"

/* hidden visibility would hide it up to release 15 */
extern DDB_EXPORT const Pg_magic_struct *PG_MAGIC_FUNCTION_NAME(void);

PG_MODULE_MAGIC;

extern DDB_EXPORT void _PG_init(void);

void
_PG_init(void)
{
	ddb_guc_define();
	ddb_catalog_init();
	ddb_accesskey_init();
	ddb_policystore_init();
	if (process_shared_preload_libraries_in_progress)
	{
		ddb_opstat_init();
		ddb_throughput_init();
		ddb_insights_init();
		ddb_worker_init();
		ddb_streamdrain_init();
		ddb_subscription_init();
	}
}
