/*
 * session.c
 *	  Settings of the sessions that the extension's own processes run in.
 */
#include "postgres.h"

#include "session.h"
#include "utils/guc.h"

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
