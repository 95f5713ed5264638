/*
 * ddl.c
 *	  Event triggers that keep the catalog true under SQL's own DDL.
 *
 * Item tables are ordinary tables of their owners, who may drop, rename, move
 * and re-own them by SQL.  A dropped table loses its definition and tags; a
 * renamed one is a DynamoDB table of the new name; owner and schema are read
 * from the server's catalogs, so nothing follows from their change.  What
 * would leave a DynamoDB table that cannot work (a key column gone, a name
 * that the API cannot express) is refused.
 *
 * DROP EXTENSION ... CASCADE would take the item columns, whose type is the
 * extension's, and with them all data: it is refused while item tables exist.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "itemtable.h"
#include "plancache.h"

DDB_FUNCTION(ddb_on_sql_drop);
DDB_FUNCTION(ddb_on_ddl_command_end);
DDB_FUNCTION(ddb_on_drop_extension);

static void
check_event(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this function must be called by an event trigger")));
}

/*
 * Relations that the present command concerns, from one of the server's
 * event trigger functions; palloc'd list of oids.
 */
static List *
relations_of_command(const char *query)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *result = NIL;
	uint64		i;

	SPI_connect();
	if (SPI_execute(query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the objects of a DDL command");
	for (i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			relid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i],
														   SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(caller);

		result = lappend_oid(result, relid);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return result;
}

/*
 * The extension's own objects go away in these commands too; then there is
 * no catalog left to keep.
 */
static bool
catalog_exists(void)
{
	Oid			schema = get_namespace_oid("dynamo", true);

	return OidIsValid(schema) &&
		OidIsValid(get_relname_relid("table_definition", schema));
}

Datum
ddb_on_sql_drop(PG_FUNCTION_ARGS)
{
	List	   *relids;
	ListCell   *lc;

	check_event(fcinfo);
	if (!catalog_exists())
		PG_RETURN_NULL();
	relids = relations_of_command("SELECT objid FROM pg_catalog.pg_event_trigger_dropped_objects()"
								  " WHERE classid OPERATOR(pg_catalog.=) 1259"
								  " AND objsubid OPERATOR(pg_catalog.=) 0"
								  " AND object_type OPERATOR(pg_catalog.=) 'table'");
	foreach(lc, relids)
	{
		if (ddb_catalog_is_item_table(lfirst_oid(lc)))
			ddb_catalog_delete(lfirst_oid(lc));
	}
	PG_RETURN_NULL();
}

/* ----------------------------------------------------------------
 * ALTER TABLE
 * ----------------------------------------------------------------
 */

/*
 * Is the column as CreateTable made it?  Without NOT NULL there could be rows
 * without item; a length, scale or collation of its own would store another
 * key than the item's, or sort keys in another order.
 */
static bool
is_unchanged(Oid relid, const char *name, Oid type)
{
	HeapTuple	tuple = SearchSysCacheAttName(relid, name);
	Form_pg_attribute form;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	result = form->atttypid == type && form->atttypmod == -1 && form->attnotnull &&
		(type != TEXTOID || form->attcollation == C_COLLATION_OID);
	ReleaseSysCache(tuple);
	return result;
}

static void
check_columns(const DdbTable *table)
{
	static const char *const columns[] = {"item", "pk", "sk"};
	int			i;

	for (i = 0; i < table->keys.nattrs + 1; i++)
	{
		Oid			expected = i == 0 ? ddb_item_type() :
			ddb_key_column_type(table->keys.attr[i - 1].type);

		if (!is_unchanged(table->relid, columns[i], expected))
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("column \"%s\" of item table \"%s\" cannot be dropped, renamed, retyped or made nullable",
							columns[i], get_rel_name(table->relid))));
	}
}

static void
follow_rename(const DdbTable *table)
{
	char	   *relname = get_rel_name(table->relid);
	int			len = strlen(relname);

	if (strcmp(relname, ddb_item_table_relname(table->name)) == 0)
		return;
	if (len < 3 || strspn(relname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not a valid name for a DynamoDB table", relname),
				 errdetail("Table names have 3 to 255 characters out of a-z, A-Z, 0-9, \"_\", \"-\" and \".\".")));
	if (ddb_catalog_find(relname, len) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_TABLE),
				 errmsg("DynamoDB table \"%s\" already exists", relname)));
	ddb_catalog_rename(table->relid, relname);
}

Datum
ddb_on_ddl_command_end(PG_FUNCTION_ARGS)
{
	List	   *relids;
	ListCell   *lc;

	check_event(fcinfo);
	if (!catalog_exists())
		PG_RETURN_NULL();
	relids = relations_of_command("SELECT DISTINCT objid FROM pg_catalog.pg_event_trigger_ddl_commands()"
								  " WHERE classid OPERATOR(pg_catalog.=) 1259");
	foreach(lc, relids)
	{
		DdbTable   *table = ddb_catalog_definition(lfirst_oid(lc));

		if (table == NULL)
			continue;
		check_columns(table);
		follow_rename(table);
		CacheInvalidateRelcacheByRelid(table->relid);
	}
	PG_RETURN_NULL();
}

/* ----------------------------------------------------------------
 * DROP EXTENSION
 * ----------------------------------------------------------------
 */

/* DROP OWNED BY ... CASCADE, where one of the roles owns the extension's tables */
static bool
drops_the_owner(DropOwnedStmt *stmt)
{
	Oid			owner = ddb_catalog_owner();
	ListCell   *lc;

	if (stmt->behavior != DROP_CASCADE)
		return false;
	foreach(lc, stmt->roles)
	{
		if (get_rolespec_oid(lfirst_node(RoleSpec, lc), true) == owner)
			return true;
	}
	return false;
}

static bool
drops_the_extension(Node *parsetree)
{
	DropStmt   *stmt = (DropStmt *) parsetree;
	ListCell   *lc;

	if (parsetree != NULL && IsA(parsetree, DropOwnedStmt))
		return drops_the_owner((DropOwnedStmt *) parsetree);
	if (parsetree == NULL || !IsA(parsetree, DropStmt) || stmt->behavior != DROP_CASCADE)
		return false;
	if (stmt->removeType != OBJECT_EXTENSION && stmt->removeType != OBJECT_SCHEMA)
		return false;
	foreach(lc, stmt->objects)
	{
		const char *name = strVal(lfirst(lc));

		if (strcmp(name, stmt->removeType == OBJECT_EXTENSION ? "pg_dynamo" : "dynamo") == 0)
			return true;
	}
	return false;
}

Datum
ddb_on_drop_extension(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;

	check_event(fcinfo);
	if (!drops_the_extension(trigdata->parsetree) || !catalog_exists())
		PG_RETURN_NULL();

	SPI_connect();
	if (SPI_execute("SELECT FROM dynamo.table_definition LIMIT 1", true, 1) == SPI_OK_SELECT &&
		SPI_processed > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot drop extension \"pg_dynamo\" while item tables exist"),
				 errdetail("Dropping it drops the column \"item\" of every item table, and so all items."),
				 errhint("Drop the tables in schema \"dynamo_tables\" first.")));
	SPI_finish();
	PG_RETURN_NULL();
}
