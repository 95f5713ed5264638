/*
 * session.c
 *	  The sessions that the extension's own processes run in: their settings,
 *	  and what users' code leaves in them.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/portal.h"

#include "session.h"

void
ddb_session_init(const char *application_name)
{
	static const char *const settings[][2] = {
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"session_replication_role", "origin"},
		{"idle_in_transaction_session_timeout", "0"},
		{"lock_timeout", "0"},
		{"statement_timeout", "0"},
		{"search_path", "pg_catalog, pg_temp"},
		{"client_min_messages", "error"}
	};
	int			i;

	for (i = 0; i < lengthof(settings); i++)
		SetConfigOption(settings[i][0], settings[i][1], PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("application_name", application_name, PGC_USERSET, PGC_S_OVERRIDE);
}

void
ddb_session_discard(void)
{
	PortalHashTableDeleteAll();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	ResetSequenceCaches();
	ResetTempTableNamespace();
}

void
ddb_session_discard_rest(void)
{
	DropAllPreparedStatements();
	ResetSequenceCaches();
	LockReleaseAll(USER_LOCKMETHOD, true);
}
