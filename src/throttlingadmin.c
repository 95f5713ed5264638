/*
 * throttlingadmin.c
 *	  The SQL function by which the owner of a table chooses whether its
 *	  throughput is enforced.
 */
#include "postgres.h"

#include "fmgr.h"

#include "catalog.h"
#include "compat.h"
#include "funcarg.h"
#include "tableinfo.h"

DDB_FUNCTION(ddb_set_throttling);

static const DdbTable *
open_owned(DdbText table_name)
{
	return ddb_catalog_open(ddb_catalog_table_name(table_name, "UpdateTable"),
							ShareUpdateExclusiveLock, DDB_ACL_OWNER, "UpdateTable", true);
}

static DdbChoice
choice_argument(FunctionCallInfo fcinfo, int arg)
{
	if (PG_ARGISNULL(arg))
		return DDB_CHOICE_DEFAULT;
	return PG_GETARG_BOOL(arg) ? DDB_CHOICE_ON : DDB_CHOICE_OFF;
}

/*
 * set_throttling(table_name, throttling): NULL for what dynamo.throttling says.
 */
Datum
ddb_set_throttling(PG_FUNCTION_ARGS)
{
	DdbChoice	choice = choice_argument(fcinfo, 1);
	const DdbTable *table;
	DdbTableRow row;
	DdbTableSettings settings;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", "table_name")));
	table = open_owned(ddb_funcarg_text(fcinfo, 0));
	if (choice == DDB_CHOICE_ON && table->capacity.meter == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the capacity of table \"%s\" is not counted", table->name),
				 errhint("Throttling needs pg_dynamo in \"shared_preload_libraries\", and \"dynamo.metrics_max\" must suffice for all tables and indexes.")));
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, ddb_tableinfo_now(), &settings);
	settings.throttling = choice;
	ddb_catalog_update_settings(table, ddb_tableinfo_encode(&settings));
	PG_RETURN_VOID();
}
