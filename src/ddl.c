/*
 * ddl.c
 *	  Event triggers that keep the catalog true under SQL's own DDL.
 *
 * Item tables are ordinary tables of their owners, who may drop, rename, move
 * and re-own them by SQL.  A dropped table loses its index tables, definition
 * and tags; a renamed one is a DynamoDB table of the new name; index tables
 * follow to a new owner; owner and schema are read from the server's catalogs,
 * so nothing else follows from their change.  What would leave a DynamoDB
 * table that cannot work (a key column gone, a name that the API cannot
 * express) is refused.
 *
 * An index table dropped by itself is an index deleted.  A partition of an
 * indexed table cannot come or go: its items have entries among all others'.
 *
 * DROP EXTENSION ... CASCADE would take the item columns, whose type is the
 * extension's, and with them all data: it is refused while item tables exist.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/tablecmds.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog.h"
#include "compat.h"
#include "itemtable.h"
#include "plancache.h"
#include "op_stream.h"
#include "scalingstore.h"
#include "streamlog.h"

DDB_FUNCTION(ddb_on_sql_drop);
DDB_FUNCTION(ddb_on_ddl_command_end);
DDB_FUNCTION(ddb_on_partition_change);
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

/* ----------------------------------------------------------------
 * DROP
 * ----------------------------------------------------------------
 */

/* as the command drops what depends on its objects; more than one kind cascades */
static DropBehavior
drop_behavior(Node *parsetree)
{
	if (parsetree != NULL && IsA(parsetree, DropStmt))
		return ((DropStmt *) parsetree)->behavior;
	return DROP_CASCADE;
}

/*
 * Drop what is left of a table's index tables: whoever could drop the table
 * may.
 */
static void
drop_index_tables(Oid relid, DropBehavior behavior)
{
	ListCell   *lc;

	foreach(lc, ddb_catalog_index_relids(relid))
	{
		ObjectAddress object;

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
			continue;
		ObjectAddressSet(object, RelationRelationId, lfirst_oid(lc));
		performDeletion(&object, behavior, PERFORM_DELETION_INTERNAL);
		CommandCounterIncrement();
	}
}

/* records of a dropped table's stream can be read for another day */
static void
disable_stream(Oid relid)
{
	DdbStream  *stream = ddb_stream_of_relation(relid);

	if (stream != NULL && stream->disabled == 0)
		ddb_stream_disable(stream);
}

static void
follow_drop(Oid relid, DropBehavior behavior)
{
	if (ddb_catalog_is_item_table(relid))
	{
		disable_stream(relid);
		drop_index_tables(relid, behavior);
		ddb_catalog_delete(relid);
		ddb_scaling_forget(relid);
	}
	else if (OidIsValid(ddb_catalog_table_of_index(relid)))
	{
		ddb_catalog_delete_index(relid);
		ddb_scaling_forget(relid);
	}
}

Datum
ddb_on_sql_drop(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;
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
		follow_drop(lfirst_oid(lc), drop_behavior(trigdata->parsetree));
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
check_index_column(Oid relid, const char *name, Oid type)
{
	if (!is_unchanged(relid, name, type))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("column \"%s\" of index table \"%s\" cannot be dropped, renamed, retyped or made nullable",
						name, get_rel_name(relid))));
}

/* the columns of index.h and no others, for entries are written without SQL */
static void
check_index_columns(const DdbIndex *index)
{
	Relation	rel;
	int			i;

	check_index_column(index->relid, "hash", INT4OID);
	check_index_column(index->relid, "pk", index->npartition > 1 ? BYTEAOID :
					   ddb_key_column_type(index->partition[0].type));
	for (i = 0; i < index->nsort; i++)
		check_index_column(index->relid, psprintf("sk%d", i + 1),
						   ddb_key_column_type(index->sort[i].type));
	check_index_column(index->relid, "tie", BYTEAOID);
	check_index_column(index->relid, "item", ddb_item_type());

	rel = table_open(index->relid, AccessShareLock);
	if (RelationGetNumberOfAttributes(rel) != index->nsort + 4 ||
		!OidIsValid(RelationGetPrimaryKeyIndex(rel)))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("index table \"%s\" must keep its columns and its primary key",
						RelationGetRelationName(rel))));
	table_close(rel, AccessShareLock);
}

static void
check_index_owner(const DdbTable *table, const DdbIndex *index)
{
	if (ddb_relation_owner(index->relid) != ddb_relation_owner(table->relid))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot change owner of index table \"%s\"",
						get_rel_name(index->relid)),
				 errhint("It belongs to the owner of item table \"%s\".",
						 get_rel_name(table->relid))));
}

/* what may become of the index table relid of a table */
static void
check_index_table(const DdbTable *table, Oid relid)
{
	int			i;

	for (i = 0; i < table->nkept; i++)
	{
		if (table->indexes[i].relid != relid)
			continue;
		check_index_columns(&table->indexes[i]);
		check_index_owner(table, &table->indexes[i]);
	}
}

static void
follow_owner(const DdbTable *table)
{
	Oid			owner = ddb_relation_owner(table->relid);
	int			i;

	ddb_stream_follow_owner(table->relid, owner);
	for (i = 0; i < table->nkept; i++)
	{
		if (ddb_relation_owner(table->indexes[i].relid) != owner)
			ATExecChangeOwner(table->indexes[i].relid, owner, true, AccessExclusiveLock);
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

static void
follow_alter(Oid relid)
{
	DdbTable   *table = ddb_catalog_definition(relid);

	if (table != NULL)
	{
		check_columns(table);
		follow_rename(table);
		follow_owner(table);
		ddb_op_follow_alter_stream(table);
	}
	else if (get_rel_relispartition(relid))
	{
		table = ddb_catalog_definition(llast_oid(get_partition_ancestors(relid)));
		if (table != NULL)
			ddb_op_follow_alter_stream(table);
		return;
	}
	else
	{
		table = ddb_catalog_definition(ddb_catalog_table_of_index(relid));
		if (table == NULL)
			return;
		check_index_table(table, relid);
	}
	CacheInvalidateRelcacheByRelid(table->relid);
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
		follow_alter(lfirst_oid(lc));
	PG_RETURN_NULL();
}

/* ----------------------------------------------------------------
 * Partitions
 * ----------------------------------------------------------------
 */

/* an item table with indexes that holds this partition; NULL for others */
static DdbTable *
indexed_table_of_partition(Oid relid)
{
	DdbTable   *table;

	if (!OidIsValid(relid) || !get_rel_relispartition(relid))
		return NULL;
	table = ddb_catalog_definition(llast_oid(get_partition_ancestors(relid)));
	return table != NULL && table->nkept > 0 ? table : NULL;
}

/*
 * The items of a partition have entries among all others': it cannot come or
 * go alone.
 */
static void
refuse_partition_change(const DdbTable *table)
{
	if (table->nindexes > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot attach, detach or drop a partition of item table \"%s\" while it has secondary indexes",
						get_rel_name(table->relid)),
				 errhint("Delete the indexes with UpdateTable first.")));
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot attach, detach or drop a partition of item table \"%s\" while its time to live is enabled",
					get_rel_name(table->relid)),
			 errhint("Disable it with UpdateTimeToLive first.")));
}

static void
check_alter_partitions(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableType type = lfirst_node(AlterTableCmd, lc)->subtype;
		Oid			relid;
		DdbTable   *table;

		if (type != AT_AttachPartition && type != AT_DetachPartition)
			continue;
		relid = RangeVarGetRelid(stmt->relation, NoLock, true);
		table = OidIsValid(relid) ? ddb_catalog_definition(relid) : NULL;
		if (table == NULL)
			table = indexed_table_of_partition(relid);
		if (table != NULL && table->nkept > 0)
			refuse_partition_change(table);
	}
}

static void
check_drop_partitions(DropStmt *stmt)
{
	List	   *relids = NIL;
	ListCell   *lc;

	if (stmt->removeType != OBJECT_TABLE)
		return;
	foreach(lc, stmt->objects)
		relids = lappend_oid(relids,
							 RangeVarGetRelid(makeRangeVarFromNameList(lfirst_node(List, lc)),
											  NoLock, true));
	foreach(lc, relids)
	{
		DdbTable   *table = indexed_table_of_partition(lfirst_oid(lc));

		if (table != NULL && !list_member_oid(relids, table->relid))
			refuse_partition_change(table);
	}
}

Datum
ddb_on_partition_change(PG_FUNCTION_ARGS)
{
	EventTriggerData *trigdata = (EventTriggerData *) fcinfo->context;

	check_event(fcinfo);
	if (trigdata->parsetree == NULL || !catalog_exists())
		PG_RETURN_NULL();
	if (IsA(trigdata->parsetree, AlterTableStmt))
		check_alter_partitions((AlterTableStmt *) trigdata->parsetree);
	else if (IsA(trigdata->parsetree, DropStmt))
		check_drop_partitions((DropStmt *) trigdata->parsetree);
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
