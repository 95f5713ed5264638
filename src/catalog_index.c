/*
 * catalog_index.c
 *	  Definitions of secondary indexes: read and written.
 *
 * dynamo.index_definition has one row per index.  An index is a part of its
 * table's definition: it is loaded, cached and invalidated with that, so that
 * every writer below this layer finds the indexes that it has to keep in the
 * DdbTable it works with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog_rows.h"
#include "throughput.h"

/* columns of dynamo.index_definition */
#define ATT_INDEX_RELID		1
#define ATT_RELID			2
#define ATT_INDEX_NAME		3
#define ATT_IS_GLOBAL		4
#define ATT_IS_UNIQUE		5
#define ATT_STATUS			6
#define ATT_PARTITION_NAMES 7
#define ATT_PARTITION_TYPES 8
#define ATT_SORT_NAMES		9
#define ATT_SORT_TYPES		10
#define ATT_PROJECTION		11
#define ATT_NON_KEY			12
#define ATT_CREATED_AT		13
#define ATT_SETTINGS		14
#define NATTS				14

/* queries of this file, see plancache.h */
enum
{
	QUERY_INSERT = DDB_QUERY_CATALOG + 50,
	QUERY_UPDATE,
	QUERY_UPDATE_SETTINGS,
	QUERY_DELETE
};

/* letters of the catalog, by DdbIndexStatus and DdbProjection */
static const char status_letters[] = "CBA";
static const char projection_letters[] = "AKI";

typedef struct IndexRow
{
	DdbIndex	index;
	TimestampTz created;
} IndexRow;

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

static DdbText *
texts_of_array(Datum array, int *count)
{
	Datum	   *elements;
	DdbText    *texts;
	int			i;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, count);
	texts = palloc(sizeof(DdbText) * Max(*count, 1));
	for (i = 0; i < *count; i++)
	{
		texts[i].str = TextDatumGetCString(elements[i]);
		texts[i].len = strlen(texts[i].str);
	}
	return texts;
}

/* the attributes of a key, from columns of names and types; returns their number */
static int
read_key(Datum names_array, Datum types_array, DdbKeyAttr *attrs)
{
	DdbText    *names;
	Datum	   *types;
	int			n;
	int			ntypes;
	int			i;

	names = texts_of_array(names_array, &n);
	deconstruct_array(DatumGetArrayTypeP(types_array), CHAROID, 1, true, TYPALIGN_CHAR,
					  &types, NULL, &ntypes);
	if (n > DDB_MAX_KEY_PARTS || ntypes != n)
		elog(ERROR, "definition of an index has a malformed key");
	for (i = 0; i < n; i++)
	{
		char		letter = DatumGetChar(types[i]);

		attrs[i].name = names[i];
		if (!ddb_type_parse(&letter, 1, &attrs[i].type) || attrs[i].type > DDB_B)
			elog(ERROR, "definition of an index has a key attribute of unknown type");
	}
	return n;
}

static int
letter_position(const char *letters, char letter)
{
	const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

	if (found == NULL)
		elog(ERROR, "definition of an index has an unknown letter \"%c\"", letter);
	return found - letters;
}

/* quoted name of a relation; NULL when it is gone */
static char *
qualified_name(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;
	char	   *schema;
	char	   *result;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	schema = get_namespace_name(form->relnamespace);
	result = schema ? quote_qualified_identifier(schema, NameStr(form->relname)) : NULL;
	ReleaseSysCache(tuple);
	return result;
}

/* an index from its row; NULL when its table is gone */
static IndexRow *
index_of_tuple(HeapTuple tuple, TupleDesc desc)
{
	IndexRow   *row = palloc0(sizeof(IndexRow));
	DdbIndex   *index = &row->index;
	Datum		values[NATTS];
	bool		nulls[NATTS];

	if (desc->natts != NATTS)
		elog(ERROR, "dynamo.index_definition has %d columns", desc->natts);
	heap_deform_tuple(tuple, desc, values, nulls);
#define COLUMN(att) values[(att) - 1]
	index->relid = DatumGetObjectId(COLUMN(ATT_INDEX_RELID));
	index->qualified = qualified_name(index->relid);
	if (index->qualified == NULL)
		return NULL;
	index->name = TextDatumGetCString(COLUMN(ATT_INDEX_NAME));
	index->global = DatumGetBool(COLUMN(ATT_IS_GLOBAL));
	index->expiry = strcmp(index->name, DDB_EXPIRY_INDEX) == 0;
	index->is_unique = DatumGetBool(COLUMN(ATT_IS_UNIQUE));
	index->status = letter_position(status_letters, DatumGetChar(COLUMN(ATT_STATUS)));
	index->projection = letter_position(projection_letters, DatumGetChar(COLUMN(ATT_PROJECTION)));
	index->npartition = read_key(COLUMN(ATT_PARTITION_NAMES), COLUMN(ATT_PARTITION_TYPES),
								 index->partition);
	index->nsort = read_key(COLUMN(ATT_SORT_NAMES), COLUMN(ATT_SORT_TYPES), index->sort);
	index->attributes = texts_of_array(COLUMN(ATT_NON_KEY), &index->nattributes);
	index->settings = DatumGetJsonbPCopy(COLUMN(ATT_SETTINGS));
	row->created = DatumGetTimestampTz(COLUMN(ATT_CREATED_AT));
#undef COLUMN
	return row;
}

/* local ones first, each kind by creation; those not shown last */
static int
compare_rows(const ListCell *a, const ListCell *b)
{
	const IndexRow *left = lfirst(a);
	const IndexRow *right = lfirst(b);

	if (left->index.expiry != right->index.expiry)
		return left->index.expiry ? 1 : -1;
	if (left->index.global != right->index.global)
		return left->index.global ? 1 : -1;
	if (left->created != right->created)
		return left->created < right->created ? -1 : 1;
	return left->index.relid < right->index.relid ? -1 : 1;
}

/*
 * A systable scan of dynamo.index_definition by one of its oid columns;
 * *rel is NULL while the table does not exist.
 */
static SysScanDesc
begin_scan(const char *attname, int attnum, Oid value, Relation *rel, ScanKeyData *key)
{
	Oid			definition = ddb_catalog_relation("index_definition");

	*rel = NULL;
	if (!OidIsValid(definition))
		return NULL;
	*rel = table_open(definition, AccessShareLock);
	ScanKeyInit(key, attnum, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
	return systable_beginscan(*rel, ddb_catalog_relation_index(*rel, attname),
							  true, NULL, 1, key);
}

static void
end_scan(SysScanDesc scan, Relation rel)
{
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

void
ddb_catalog_load_indexes(DdbTable *table)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan = begin_scan("relid", ATT_RELID, table->relid, &rel, &key);
	HeapTuple	tuple;
	List	   *rows = NIL;
	ListCell   *lc;

	if (scan == NULL)
		return;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		IndexRow   *row = index_of_tuple(tuple, RelationGetDescr(rel));

		if (row != NULL)
			rows = lappend(rows, row);
	}
	end_scan(scan, rel);
	if (rows == NIL)
		return;

	list_sort(rows, compare_rows);
	table->indexes = palloc(sizeof(DdbIndex) * list_length(rows));
	foreach(lc, rows)
	{
		DdbIndex   *index = &table->indexes[table->nkept++];

		*index = ((IndexRow *) lfirst(lc))->index;
		ddb_catalog_read_capacity(index->settings, table->on_demand, &index->capacity);
		if (index->global)
			index->capacity.meter = ddb_throughput_meter(index->relid);
		if (!index->expiry)
			table->nindexes++;
	}
	list_free_deep(rows);
}

static const DdbIndex *
find_index(const DdbTable *table, int count, DdbText name)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		const char *candidate = table->indexes[i].name;

		if (strncmp(candidate, name.str, name.len) == 0 && candidate[name.len] == '\0')
			return &table->indexes[i];
	}
	return NULL;
}

const DdbIndex *
ddb_catalog_index(const DdbTable *table, DdbText name)
{
	return find_index(table, table->nindexes, name);
}

const DdbIndex *
ddb_catalog_kept_index(const DdbTable *table, DdbText name)
{
	return find_index(table, table->nkept, name);
}

Oid
ddb_catalog_table_of_index(Oid index_relid)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan = begin_scan("index_relid", ATT_INDEX_RELID, index_relid, &rel, &key);
	HeapTuple	tuple;
	bool		isnull;
	Oid			result = InvalidOid;

	if (scan == NULL)
		return InvalidOid;
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = DatumGetObjectId(heap_getattr(tuple, ATT_RELID, RelationGetDescr(rel), &isnull));
	end_scan(scan, rel);
	return result;
}

List *
ddb_catalog_index_relids(Oid relid)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan = begin_scan("relid", ATT_RELID, relid, &rel, &key);
	HeapTuple	tuple;
	bool		isnull;
	List	   *result = NIL;

	if (scan == NULL)
		return NIL;
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		result = lappend_oid(result,
							 DatumGetObjectId(heap_getattr(tuple, ATT_INDEX_RELID,
														   RelationGetDescr(rel), &isnull)));
	end_scan(scan, rel);
	return result;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static void
build_insert(DdbQueryText *text)
{
	static const Oid types[] = {
		REGCLASSOID, REGCLASSOID, TEXTOID, BOOLOID, BOOLOID, CHAROID, TEXTARRAYOID,
		CHARARRAYOID, TEXTARRAYOID, CHARARRAYOID, CHAROID, TEXTARRAYOID, JSONBOID
	};
	int			i;

	appendStringInfoString(&text->sql,
						   "INSERT INTO dynamo.index_definition (index_relid, relid, index_name,"
						   " is_global, is_unique, status, partition_attributes,"
						   " partition_types, sort_attributes, sort_types, projection,"
						   " non_key_attributes, settings)"
						   " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
	for (i = 0; i < lengthof(types); i++)
		ddb_plan_add_arg(text, types[i]);
}

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	switch (query)
	{
		case QUERY_INSERT:
			build_insert(text);
			return;
		case QUERY_UPDATE:
			appendStringInfoString(&text->sql,
								   "UPDATE dynamo.index_definition SET status = $2,"
								   " settings = coalesce($3, settings) WHERE index_relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, CHAROID);
			ddb_plan_add_arg(text, JSONBOID);
			return;
		case QUERY_UPDATE_SETTINGS:
			appendStringInfoString(&text->sql,
								   "UPDATE dynamo.index_definition SET settings = $2"
								   " WHERE index_relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, JSONBOID);
			return;
		case QUERY_DELETE:
			appendStringInfoString(&text->sql,
								   "DELETE FROM dynamo.index_definition WHERE index_relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			return;
	}
	elog(ERROR, "unrecognized index catalog query %d", query);
}

static Datum
array_of_texts(const DdbText *texts, int n)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(n, 1));
	int			i;

	for (i = 0; i < n; i++)
		elements[i] = PointerGetDatum(cstring_to_text_with_len(texts[i].str, texts[i].len));
	return PointerGetDatum(construct_array(elements, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* names and types of a key's attributes as two arrays */
static void
arrays_of_key(const DdbKeyAttr *attrs, int n, Datum *names, Datum *types)
{
	DdbText		texts[DDB_MAX_KEY_PARTS];
	Datum		letters[DDB_MAX_KEY_PARTS];
	int			i;

	for (i = 0; i < n; i++)
	{
		texts[i] = attrs[i].name;
		letters[i] = CharGetDatum(ddb_type_name(attrs[i].type)[0]);
	}
	*names = array_of_texts(texts, n);
	*types = PointerGetDatum(construct_array(letters, n, CHAROID, 1, true, TYPALIGN_CHAR));
}

/*
 * Make a change of an index known: to other sessions at commit, to this one
 * at once.  An index may outlive its table for a moment, while both are dropped.
 */
static void
invalidate_table(Oid relid)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

void
ddb_catalog_insert_index(const DdbTable *table, const DdbIndex *index)
{
	Datum		values[13];

	values[0] = ObjectIdGetDatum(index->relid);
	values[1] = ObjectIdGetDatum(table->relid);
	values[2] = CStringGetTextDatum(index->name);
	values[3] = BoolGetDatum(index->global);
	values[4] = BoolGetDatum(index->is_unique);
	values[5] = CharGetDatum(status_letters[index->status]);
	arrays_of_key(index->partition, index->npartition, &values[6], &values[7]);
	arrays_of_key(index->sort, index->nsort, &values[8], &values[9]);
	values[10] = CharGetDatum(projection_letters[index->projection]);
	values[11] = array_of_texts(index->attributes, index->nattributes);
	values[12] = JsonbPGetDatum(index->settings);
	ddb_catalog_write(QUERY_INSERT, build_query, values, NULL);
	invalidate_table(table->relid);
}

void
ddb_catalog_update_index(const DdbTable *table, const DdbIndex *index,
						 DdbIndexStatus status, const Jsonb *settings)
{
	Datum		values[3];

	values[0] = ObjectIdGetDatum(index->relid);
	values[1] = CharGetDatum(status_letters[status]);
	values[2] = settings ? JsonbPGetDatum(settings) : (Datum) 0;
	ddb_catalog_write(QUERY_UPDATE, build_query, values, settings ? NULL : "  n");
	invalidate_table(table->relid);
}

void
ddb_catalog_update_index_settings(const DdbTable *table, const DdbIndex *index,
								  const Jsonb *settings)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(index->relid);
	values[1] = JsonbPGetDatum(settings);
	ddb_catalog_write(QUERY_UPDATE_SETTINGS, build_query, values, NULL);
	invalidate_table(table->relid);
}

void
ddb_catalog_delete_index(Oid index_relid)
{
	Oid			relid = ddb_catalog_table_of_index(index_relid);
	Datum		values[1];

	if (!OidIsValid(relid))
		return;
	values[0] = ObjectIdGetDatum(index_relid);
	ddb_catalog_write(QUERY_DELETE, build_query, values, NULL);
	ddb_throughput_release_at_commit(index_relid);
	invalidate_table(relid);
}
