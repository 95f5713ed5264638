/*
 * itemtable.c
 *	  Item tables as relations: create, drop, measure, list, tag.
 *
 * An item table belongs to the role that created it and is changed by
 * ordinary DDL, run with that role's rights.  Tags live in dynamo.table_tag,
 * written as the extension's owner.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "error.h"
#include "guc.h"
#include "itemtable.h"
#include "plancache.h"

/* tables of up to this many bytes on disk are measured exactly */
#define MEASURE_EXACTLY		"2097152"

/* queries of this file, see plancache.h */
enum
{
	QUERY_NAMES = DDB_QUERY_CATALOG + 100,
	QUERY_TAGS,
	QUERY_SET_TAG,
	QUERY_REMOVE_TAG
};

/* ----------------------------------------------------------------
 * Create and drop
 * ----------------------------------------------------------------
 */

char *
ddb_item_table_relname(const char *name)
{
	int			len = strlen(name);
	char		digest[18];

	if (len < NAMEDATALEN)
		return pstrdup(name);

	/* "~" occurs in no table name of the API */
	snprintf(digest, sizeof(digest), "~%016llx",
			 (unsigned long long) hash_bytes_extended((const unsigned char *) name, len, 0));
	return psprintf("%.*s%s", (int) (NAMEDATALEN - 1 - strlen(digest)), name, digest);
}

char *
ddb_item_table_part_name(const char *relname, const char *label)
{
	return ChooseRelationName(relname, NULL, label, ddb_tables_schema(), true);
}

const char *
ddb_item_table_column_type(DdbType type)
{
	switch (ddb_key_column_type(type))
	{
		case NUMERICOID:
			return "pg_catalog.numeric";
		case BYTEAOID:
			return "pg_catalog.bytea";
		default:
			return "pg_catalog.text COLLATE pg_catalog.\"C\"";
	}
}

static char *
literal(const DdbText *text)
{
	return quote_literal_cstr(pnstrdup(text->str, text->len));
}

static void
append_create_table(StringInfo sql, const char *relname, const char *qualified,
					const DdbKeySchema *keys)
{
	bool		has_sk = keys->nattrs == 2;

	appendStringInfo(sql, "CREATE TABLE %s (pk %s NOT NULL, ", qualified,
					 ddb_item_table_column_type(keys->attr[0].type));
	if (has_sk)
		appendStringInfo(sql, "sk %s NOT NULL, ",
						 ddb_item_table_column_type(keys->attr[1].type));
	appendStringInfoString(sql, "item dynamo.item");
#ifdef USE_LZ4
	appendStringInfoString(sql, " COMPRESSION lz4");
#endif
	appendStringInfo(sql, " NOT NULL, CONSTRAINT %s PRIMARY KEY (pk%s))",
					 quote_identifier(ddb_item_table_part_name(relname, "~key")), has_sk ? ", sk" : "");
	if (ddb_table_partitions > 0)
		appendStringInfoString(sql, " PARTITION BY HASH (pk)");
	else
		appendStringInfoString(sql, " WITH (fillfactor = 90)");
}

/* names and types of the key attributes, as the row triggers take them */
static char *
trigger_arguments(const DdbKeySchema *keys)
{
	StringInfoData args;
	int			i;

	initStringInfo(&args);
	for (i = 0; i < keys->nattrs; i++)
		appendStringInfo(&args, "%s%s, '%s'", i > 0 ? ", " : "",
						 literal(&keys->attr[i].name),
						 ddb_type_name(keys->attr[i].type));
	return args.data;
}

static void
append_triggers(StringInfo sql, const char *qualified, const DdbKeySchema *keys)
{
	char	   *arguments = trigger_arguments(keys);

	appendStringInfo(sql,
					 "; CREATE TRIGGER \"~item_before_insert\" BEFORE INSERT ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION dynamo.item_before_insert(%s)"
					 "; ALTER TABLE %s ENABLE ALWAYS TRIGGER \"~item_before_insert\"",
					 qualified, arguments, qualified);
	appendStringInfo(sql,
					 "; CREATE TRIGGER \"~item_after_update\" AFTER UPDATE ON %s"
					 " FOR EACH ROW EXECUTE FUNCTION dynamo.item_after_update(%s)",
					 qualified, arguments);
	appendStringInfo(sql,
					 "; CREATE TRIGGER \"~item_before_key_update\" BEFORE UPDATE OF pk%s ON %s"
					 " FOR EACH STATEMENT EXECUTE FUNCTION dynamo.item_before_key_update()",
					 keys->nattrs == 2 ? ", sk" : "", qualified);
}

static void
append_partitions(StringInfo sql, const char *relname, const char *qualified)
{
	int			i;

	for (i = 0; i < ddb_table_partitions; i++)
	{
		const char *partition = ddb_item_table_part_name(relname, psprintf(":%d", i));

		appendStringInfo(sql,
						 "; CREATE TABLE %s PARTITION OF %s"
						 " FOR VALUES WITH (MODULUS %d, REMAINDER %d) WITH (fillfactor = 90)",
						 quote_qualified_identifier("dynamo_tables", partition),
						 qualified, ddb_table_partitions, i);
	}
}

void
ddb_item_table_run(const char *sql)
{
	int			rc;

	SPI_connect();
	rc = SPI_execute(sql, false, 0);
	if (rc < 0)
		elog(ERROR, "could not execute \"%s\": %s", sql, SPI_result_code_string(rc));
	SPI_finish();
}

static void
raise_table_exists(const char *name)
{
	ddb_error(DDB_RESOURCE_IN_USE, "Table already exists: %s", name);
}

Oid
ddb_item_table_create(const char *name, const DdbKeySchema *keys)
{
	Oid			schema = ddb_tables_schema();
	char	   *relname = ddb_item_table_relname(name);
	const char *qualified = quote_qualified_identifier("dynamo_tables", relname);
	MemoryContext caller = CurrentMemoryContext;
	StringInfoData sql;

	if (!OidIsValid(schema) ||
		pg_namespace_aclcheck(schema, GetUserId(), ACL_CREATE) != ACLCHECK_OK)
		ddb_access_denied("CreateTable", ddb_arn_of_table(name, strlen(name)));
	if (ddb_catalog_find(name, strlen(name)) != NULL ||
		OidIsValid(get_relname_relid(relname, schema)))
		raise_table_exists(name);

	initStringInfo(&sql);
	append_create_table(&sql, relname, qualified, keys);
	appendStringInfo(&sql, "; CREATE INDEX %s ON %s (dynamo.partition_hash(pk), pk%s)",
					 quote_identifier(ddb_item_table_part_name(relname, "~scan")),
					 qualified, keys->nattrs == 2 ? ", sk" : "");
	append_triggers(&sql, qualified, keys);
	append_partitions(&sql, relname, qualified);

	PG_TRY();
	{
		ddb_item_table_run(sql.data);
	}
	PG_CATCH();
	{
		int			code;

		MemoryContextSwitchTo(caller);
		code = geterrcode();
		if (code != ERRCODE_DUPLICATE_TABLE && code != ERRCODE_DUPLICATE_OBJECT &&
			code != ERRCODE_UNIQUE_VIOLATION)
			PG_RE_THROW();
		FlushErrorState();
		raise_table_exists(name);
	}
	PG_END_TRY();

	return get_relname_relid(relname, schema);
}

void
ddb_item_table_drop(const DdbTable *table)
{
	Oid			relid = table->relid;
	StringInfoData sql;
	int			i;

	initStringInfo(&sql);
	appendStringInfo(&sql, "DROP TABLE %s", table->qualified);
	for (i = 0; i < table->nkept; i++)
		appendStringInfo(&sql, ", %s", table->indexes[i].qualified);
	ddb_item_table_run(sql.data);
	ddb_catalog_delete(relid);
}

/* ----------------------------------------------------------------
 * Measure
 * ----------------------------------------------------------------
 */

void
ddb_item_table_measure(const DdbTable *table, int64 *items, int64 *bytes)
{
	ddb_item_table_measure_relation(table->relid, table->qualified, items, bytes);
}

void
ddb_item_table_measure_relation(Oid relid, const char *qualified,
								int64 *items, int64 *bytes)
{
	char	   *sql;
	DdbAsOwner	as_owner;
	bool		isnull;

	ddb_as_owner_begin(&as_owner, ddb_relation_owner(relid));

	/*
	 * Large tables: tuples by the density that VACUUM or ANALYZE last saw,
	 * bytes by a sample of about a hundred pages.
	 */
	sql = psprintf("WITH rel AS MATERIALIZED ("
				   " SELECT sum(pg_relation_size(c.oid)) AS size,"
				   "  sum(CASE WHEN c.relpages > 0 AND c.reltuples >= 0"
				   "   THEN c.reltuples::float8 / c.relpages * (pg_relation_size(c.oid) / 8192) END) AS tuples"
				   " FROM pg_class c WHERE c.oid = %u"
				   "  OR c.oid IN (SELECT relid FROM pg_partition_tree(%u)))"
				   " SELECT CASE WHEN size <= " MEASURE_EXACTLY " OR tuples IS NULL"
				   "   THEN (SELECT count(*) FROM %s)"
				   "   ELSE tuples::int8 END,"
				   "  CASE WHEN size <= " MEASURE_EXACTLY " OR tuples IS NULL"
				   "   THEN (SELECT coalesce(sum(dynamo.item_size(item)), 0)::int8 FROM %s)"
				   "   ELSE (tuples * coalesce((SELECT avg(dynamo.item_size(item)) FROM %s"
				   "     TABLESAMPLE SYSTEM (least(100, 100.0 * 819200 / size))), 0))::int8 END"
				   " FROM rel",
				   relid, relid, qualified, qualified, qualified);
	SPI_connect();
	if (SPI_execute(sql, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not measure %s", qualified);
	*items = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	*bytes = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
	SPI_finish();
	ddb_as_owner_end(&as_owner);
}

static bool
is_empty(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		result;

	if (!RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind))
	{
		result = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
		table_close(rel, AccessShareLock);
		return result;
	}
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(rel, NULL);
	scan = table_beginscan(rel, snapshot, 0, NULL);
	result = !table_scan_getnextslot(scan, ForwardScanDirection, slot);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return result;
}

/* past row security, which may hide items from the table's owner */
bool
ddb_item_table_is_empty(const DdbTable *table)
{
	ListCell   *lc;

	foreach(lc, find_all_inheritors(table->relid, AccessShareLock, NULL))
	{
		if (!is_empty(lfirst_oid(lc)))
			return false;
	}
	return true;
}

/* ----------------------------------------------------------------
 * Names and tags
 * ----------------------------------------------------------------
 */

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	switch (query)
	{
		case QUERY_NAMES:
			appendStringInfoString(&text->sql,
								   "SELECT table_name FROM dynamo.table_definition"
								   " WHERE table_name > $1 AND has_table_privilege($2, relid,"
								   " 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
								   " ORDER BY table_name LIMIT $3");
			ddb_plan_add_arg(text, TEXTOID);
			ddb_plan_add_arg(text, OIDOID);
			ddb_plan_add_arg(text, INT8OID);
			return;
		case QUERY_TAGS:
			appendStringInfoString(&text->sql,
								   "SELECT key, value FROM dynamo.table_tag"
								   " WHERE relid = $1 ORDER BY key");
			ddb_plan_add_arg(text, REGCLASSOID);
			return;
		case QUERY_SET_TAG:
			appendStringInfoString(&text->sql,
								   "INSERT INTO dynamo.table_tag (relid, key, value)"
								   " VALUES ($1, $2, $3)"
								   " ON CONFLICT (relid, key) DO UPDATE SET value = EXCLUDED.value");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, TEXTOID);
			ddb_plan_add_arg(text, TEXTOID);
			return;
		case QUERY_REMOVE_TAG:
			appendStringInfoString(&text->sql,
								   "DELETE FROM dynamo.table_tag WHERE relid = $1 AND key = $2");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, TEXTOID);
			return;
	}
	elog(ERROR, "unrecognized item table query %d", query);
}

/*
 * Run a query of this file as the extension's owner, connected to SPI;
 * finish_as_owner ends what this begins.
 */
static void
run_as_owner(DdbAsOwner *as_owner, int query, Datum *values)
{
	int			rc;

	ddb_as_owner_begin(as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_plan(ddb_plan_get(NULL, query, build_query), values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "could not read or write the catalog: %s", SPI_result_code_string(rc));
}

static void
finish_as_owner(DdbAsOwner *as_owner)
{
	SPI_finish();
	ddb_as_owner_end(as_owner);
}

/* a text column of the present result, in context */
static char *
result_text(MemoryContext context, uint64 row, int column)
{
	return MemoryContextStrdup(context, SPI_getvalue(SPI_tuptable->vals[row],
													 SPI_tuptable->tupdesc, column));
}

char **
ddb_item_table_names(const char *after, int limit, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	DdbAsOwner	as_owner;
	Datum		values[3];
	char	  **names;
	int			i;

	values[0] = CStringGetTextDatum(after ? after : "");
	values[1] = ObjectIdGetDatum(GetUserId());
	values[2] = Int64GetDatum(limit);
	run_as_owner(&as_owner, QUERY_NAMES, values);
	*count = (int) SPI_processed;
	names = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(char *));
	for (i = 0; i < *count; i++)
		names[i] = result_text(caller, i, 1);
	finish_as_owner(&as_owner);
	return names;
}

DdbTag *
ddb_item_table_tags(const DdbTable *table, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	DdbAsOwner	as_owner;
	Datum		values[1];
	DdbTag	   *tags;
	int			i;

	values[0] = ObjectIdGetDatum(table->relid);
	run_as_owner(&as_owner, QUERY_TAGS, values);
	*count = (int) SPI_processed;
	tags = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(DdbTag));
	for (i = 0; i < *count; i++)
	{
		tags[i].key = result_text(caller, i, 1);
		tags[i].value = result_text(caller, i, 2);
	}
	finish_as_owner(&as_owner);
	return tags;
}

void
ddb_item_table_set_tag(const DdbTable *table, const char *key, const char *value)
{
	DdbAsOwner	as_owner;
	Datum		values[3];

	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = CStringGetTextDatum(key);
	values[2] = CStringGetTextDatum(value);
	run_as_owner(&as_owner, QUERY_SET_TAG, values);
	finish_as_owner(&as_owner);
}

void
ddb_item_table_remove_tag(const DdbTable *table, const char *key)
{
	DdbAsOwner	as_owner;
	Datum		values[2];

	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = CStringGetTextDatum(key);
	run_as_owner(&as_owner, QUERY_REMOVE_TAG, values);
	finish_as_owner(&as_owner);
}
