/*
 * indextable.c
 *	  Index tables as relations: create, drop, measure.
 *
 * An index table belongs to the owner of its item table, who may lack the
 * right to create tables: it is made by the extension's owner and given away.
 * Nobody else gets a right on it, for reads through the API go by the rights
 * on the item table.  Its access method is heap, whatever the default is,
 * because entries are written without the executor (index_write.c).
 *
 * ":" occurs in no name of the API, so that no table's name is taken away.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "commands/tablecmds.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "indextable.h"

#define MAINTAIN_TRIGGER	"~item_maintain_indexes"
#define TRUNCATE_TRIGGER	"~item_truncate_indexes"
#define REPLICATED_TRIGGER	"~index_skip_replicated"	/* of index tables */

/* ----------------------------------------------------------------
 * The index table
 * ----------------------------------------------------------------
 */

static char *
shortened_name(const char *full, uint64 seed)
{
	char		digest[18];

	snprintf(digest, sizeof(digest), "~%016llx",
			 (unsigned long long) hash_bytes_extended((const unsigned char *) full,
													  strlen(full), seed));
	return psprintf("%.*s%s", (int) (NAMEDATALEN - 1 - strlen(digest)), full, digest);
}

/*
 * A free name: <table>:<index>, with a digest where it is too long or taken
 * (":0" is a partition, say).
 */
static char *
free_relname(const DdbTable *table, const DdbIndex *index)
{
	Oid			schema = ddb_tables_schema();
	char	   *full = psprintf("%s:%s", table->name, index->name);
	char	   *relname = full;
	uint64		seed = 0;

	while (strlen(relname) >= NAMEDATALEN ||
		   OidIsValid(get_relname_relid(relname, schema)))
		relname = shortened_name(full, seed++);
	return relname;
}

/* see index.h */
static char *
create_table_sql(const DdbIndex *index, const char *relname, const char *qualified)
{
	StringInfoData sql;
	StringInfoData key;
	int			i;

	initStringInfo(&sql);
	initStringInfo(&key);
	appendStringInfoString(&key, "hash, pk");
	appendStringInfo(&sql, "CREATE TABLE %s (hash pg_catalog.int4 NOT NULL, pk %s NOT NULL, ",
					 qualified,
					 index->npartition > 1 ? "pg_catalog.bytea" :
					 ddb_item_table_column_type(index->partition[0].type));
	for (i = 0; i < index->nsort; i++)
	{
		appendStringInfo(&sql, "sk%d %s NOT NULL, ", i + 1,
						 ddb_item_table_column_type(index->sort[i].type));
		appendStringInfo(&key, ", sk%d", i + 1);
	}
	appendStringInfoString(&sql, "tie pg_catalog.bytea NOT NULL, item dynamo.item");
#ifdef USE_LZ4
	appendStringInfoString(&sql, " COMPRESSION lz4");
#endif
	appendStringInfo(&sql, " NOT NULL, CONSTRAINT %s PRIMARY KEY (%s, tie))"
					 " USING heap WITH (fillfactor = 90)",
					 quote_identifier(ddb_item_table_part_name(relname, "~key")),
					 key.data);
	appendStringInfo(&sql,
					 "; CREATE TRIGGER \"" REPLICATED_TRIGGER "\""
					 " BEFORE INSERT OR UPDATE OR DELETE ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION dynamo.index_skip_replicated();"
					 " ALTER TABLE %s ENABLE REPLICA TRIGGER \"" REPLICATED_TRIGGER "\"",
					 qualified, qualified);
	if (index->is_unique)
		appendStringInfo(&sql, "; CREATE UNIQUE INDEX %s ON %s (%s)",
						 quote_identifier(ddb_item_table_part_name(relname, "~unique")),
						 qualified, key.data);
	return sql.data;
}

/* what default privileges have granted */
static void
remove_grants(Oid relid, const char *qualified)
{
	Oid			owner = ddb_relation_owner(relid);
	Datum		datum;
	bool		isnull;
	HeapTuple	tuple;
	Acl		   *acl;
	StringInfoData sql;
	int			i;

	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	datum = SysCacheGetAttr(RELOID, tuple, Anum_pg_class_relacl, &isnull);
	acl = isnull ? NULL : DatumGetAclPCopy(datum);
	ReleaseSysCache(tuple);
	if (acl == NULL)
		return;

	initStringInfo(&sql);
	for (i = 0; i < ACL_NUM(acl); i++)
	{
		Oid			grantee = ACL_DAT(acl)[i].ai_grantee;

		if (grantee == owner)
			continue;
		appendStringInfo(&sql, "REVOKE ALL ON TABLE %s FROM %s CASCADE; ", qualified,
						 grantee == ACL_ID_PUBLIC ? "PUBLIC" :
						 quote_identifier(GetUserNameFromId(grantee, false)));
	}
	if (sql.len > 0)
		ddb_item_table_run(sql.data);
}

static void
create_relation(const DdbTable *table, DdbIndex *index)
{
	char	   *relname = free_relname(table, index);
	DdbAsOwner	as_owner;

	index->qualified = quote_qualified_identifier("dynamo_tables", relname);
	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	ddb_item_table_run(create_table_sql(index, relname, index->qualified));
	index->relid = get_relname_relid(relname, ddb_tables_schema());
	remove_grants(index->relid, index->qualified);
	CommandCounterIncrement();
	ATExecChangeOwner(index->relid, ddb_relation_owner(table->relid), true,
					  AccessExclusiveLock);
	ddb_as_owner_end(&as_owner);
	CommandCounterIncrement();
}

/* ----------------------------------------------------------------
 * The item table
 * ----------------------------------------------------------------
 */

/*
 * Writers may come by way of a partition alone: those have to have finished
 * before the index is there, as those of the whole table have.
 */
static void
lock_partitions(Oid relid)
{
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		(void) find_all_inheritors(relid, ShareRowExclusiveLock, NULL);
}

/*
 * Statement triggers are not the partitions' as row triggers are: each gets
 * its own.
 */
static void
append_truncate_trigger(StringInfo sql, const char *qualified)
{
	appendStringInfo(sql,
					 "CREATE TRIGGER \"" TRUNCATE_TRIGGER "\" AFTER TRUNCATE ON %s"
					 " FOR EACH STATEMENT EXECUTE FUNCTION dynamo.item_truncate_indexes();"
					 " ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER \"" TRUNCATE_TRIGGER "\";",
					 qualified, qualified);
}

/* the triggers stay when the last index goes, and then find nothing to do */
static void
create_triggers(const DdbTable *table)
{
	StringInfoData sql;
	DdbAsOwner	as_owner;
	ListCell   *lc;

	if (OidIsValid(get_trigger_oid(table->relid, MAINTAIN_TRIGGER, true)))
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "CREATE TRIGGER \"" MAINTAIN_TRIGGER "\" AFTER INSERT OR UPDATE OR DELETE ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION dynamo.item_maintain_indexes();"
					 " ALTER TABLE %s ENABLE ALWAYS TRIGGER \"" MAINTAIN_TRIGGER "\";",
					 table->qualified, table->qualified);
	foreach(lc, find_all_inheritors(table->relid, NoLock, NULL))
	{
		Oid			relid = lfirst_oid(lc);

		append_truncate_trigger(&sql,
								quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
														   get_rel_name(relid)));
	}
	ddb_as_owner_begin(&as_owner, ddb_relation_owner(table->relid));
	ddb_item_table_run(sql.data);
	ddb_as_owner_end(&as_owner);
}

/* ---------------------------------------------------------------- */

void
ddb_index_table_create(const DdbTable *table, DdbIndex *index)
{
	lock_partitions(table->relid);
	create_triggers(table);
	create_relation(table, index);
	ddb_catalog_insert_index(table, index);
}

/*
 * The event trigger that follows DROP TABLE removes the definition already,
 * unless event triggers are switched off.
 */
void
ddb_index_table_drop(const DdbTable *table, const DdbIndex *index)
{
	Oid			relid = index->relid;
	char	   *sql = psprintf("DROP TABLE %s", index->qualified);
	DdbAsOwner	as_owner;

	lock_partitions(table->relid);
	ddb_as_owner_begin(&as_owner, ddb_relation_owner(relid));
	ddb_item_table_run(sql);
	ddb_as_owner_end(&as_owner);
	ddb_catalog_delete_index(relid);
}

/* zeros for an index that another session has deleted meanwhile */
void
ddb_index_table_measure(const DdbTable *table, const DdbIndex *index,
						int64 *items, int64 *bytes)
{
	*items = 0;
	*bytes = 0;
	LockRelationOid(index->relid, AccessShareLock);
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(index->relid)))
		ddb_item_table_measure_relation(index->relid, index->qualified, items, bytes);
}
