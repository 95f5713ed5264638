/*
 * streamdef.c
 *	  Which relations have streams, as it was when a change was made.
 *
 * dynamo.stream_definition, stream_epoch and index_definition are user catalog
 * tables: their old rows stay as long as a logical slot may need them, and
 * systable scans see those that the historic snapshot shows.  Names, partitions
 * and columns are looked up in the server's catalogs under the same snapshot.
 *
 * What was read is kept until the catalog differs.  A historic snapshot
 * differs from another exactly when a transaction that changed a catalog, user
 * catalog tables included, has committed in between, or when the transaction
 * being read has changed one itself; so two of its numbers and the
 * transaction's own progress tell whether what is known still holds, and no
 * invalidation message is needed for it.
 *
 * The tables are read from the heap, without indexes: files change under
 * REINDEX and VACUUM FULL, and of user catalog tables the server follows only
 * the heap's to where it is today.  After DROP EXTENSION there is no file at
 * all, and no stream that anybody could read.
 *
 * Layer 3 does not work here: its caches and plans live in the present.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "guc.h"
#include "streamdef.h"

/* columns of dynamo.stream_definition */
#define STREAM_ID				1
#define STREAM_RELID			2
#define STREAM_TABLE_NAME		4
#define STREAM_LABEL			5
#define STREAM_VIEW_TYPE		6
#define STREAM_HASH_ATTRIBUTE	7
#define STREAM_RANGE_ATTRIBUTE	9
#define STREAM_DISABLED_AT		13

/* columns of dynamo.stream_epoch */
#define EPOCH_NUMBER			1
#define EPOCH_SYSTEM			4

/* columns of dynamo.index_definition */
#define INDEX_RELID				1
#define INDEX_TABLE_RELID		2
#define INDEX_NAME				3
#define INDEX_PARTITION_NAMES	7
#define INDEX_SORT_NAMES		9

#define MAX_COLUMNS				14
#define FIRST_EPOCH				1

/* a table of schema dynamo, and what its columns must be to be ours */
typedef struct CatalogTable
{
	const char *name;
	int			ncolumns;
	Oid			types[MAX_COLUMNS];
} CatalogTable;

static const CatalogTable stream_definition = {
	"stream_definition", 13,
	{
		UUIDOID, REGCLASSOID, OIDOID, TEXTOID, TEXTOID, CHAROID, TEXTOID, CHAROID,
		TEXTOID, CHAROID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID
	}
};

static const CatalogTable stream_epoch = {
	"stream_epoch", 4,
	{INT4OID, TIMESTAMPTZOID, PG_LSNOID, INT8OID}
};

static const CatalogTable index_definition = {
	"index_definition", 14,
	{
		REGCLASSOID, REGCLASSOID, TEXTOID, BOOLOID, BOOLOID, CHAROID, TEXTARRAYOID,
		CHARARRAYOID, TEXTARRAYOID, CHARARRAYOID, CHAROID, TEXTARRAYOID,
		TIMESTAMPTZOID, JSONBOID
	}
};

typedef struct ViewType
{
	char		letter;			/* of the catalog */
	const char *name;
	bool		new_image;
	bool		old_image;
} ViewType;

static const ViewType view_types[] = {
	{'K', "KEYS_ONLY", false, false},
	{'N', "NEW_IMAGE", true, false},
	{'O', "OLD_IMAGE", false, true},
	{'B', "NEW_AND_OLD_IMAGES", true, true},
};

/*
 * What tells one state of the catalog from another while a slot is read: the
 * oldest transaction that a snapshot does not take for granted grows, and while
 * it stays the list of those that committed after it grows.
 */
typedef struct CatalogState
{
	TransactionId xmin;
	uint32		committed;
	CommandId	command;		/* of the transaction being read */
	uint32		own;			/* its transaction ids, once it changed a catalog */
	TransactionId xid;			/* the first of them */
} CatalogState;

/* a table with an enabled stream, or an index table of one */
typedef struct TableEntry
{
	Oid			relid;			/* hash key, first */
	DdbStreamDef def;			/* column item is unknown */
} TableEntry;

/* a relation that was asked for */
typedef struct RelationEntry
{
	Oid			relid;			/* hash key, first */
	DdbStreamDef *def;			/* NULL for none */
} RelationEntry;

struct DdbStreamDefs
{
	List	   *tables;
	bool		indexes;
	MemoryContext context;		/* of all that follows but the epoch */
	bool		loaded;
	CatalogState state;
	HTAB	   *table_entries;
	HTAB	   *relation_entries;
	bool		epoch_known;
	CatalogState epoch_state;
	int32		epoch;
};

/* ----------------------------------------------------------------
 * Tables of schema dynamo
 * ----------------------------------------------------------------
 */

static bool
exists_today(Oid relid)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	bool		result;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true,
							  GetNonHistoricCatalogSnapshot(RelationRelationId), 1, &key);
	result = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	return result;
}

static bool
is_ours(Relation rel, const CatalogTable *catalog)
{
	TupleDesc	desc = RelationGetDescr(rel);
	int			i;

	if (!RelationIsUsedAsCatalogTable(rel) || desc->natts < catalog->ncolumns)
		return false;
	for (i = 0; i < catalog->ncolumns; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped ||
			TupleDescAttr(desc, i)->atttypid != catalog->types[i])
			return false;
	}
	return true;
}

/* NULL where the extension was not there, or is not there any more */
static Relation
open_catalog(const CatalogTable *catalog)
{
	Oid			schema = get_namespace_oid("dynamo", true);
	Oid			relid;
	Relation	rel;

	if (!OidIsValid(schema))
		return NULL;
	relid = get_relname_relid(catalog->name, schema);
	if (!OidIsValid(relid))
		return NULL;

	LockRelationOid(relid, AccessShareLock);
	if (!exists_today(relid))
	{
		UnlockRelationOid(relid, AccessShareLock);
		return NULL;
	}
	rel = table_open(relid, NoLock);
	if (is_ours(rel, catalog))
		return rel;
	table_close(rel, AccessShareLock);
	return NULL;
}

static Datum
column(HeapTuple tuple, Relation rel, int attno, bool *isnull)
{
	return heap_getattr(tuple, attno, RelationGetDescr(rel), isnull);
}

/* a copy of a text, or NULL */
static char *
text_column(HeapTuple tuple, Relation rel, int attno)
{
	bool		isnull;
	Datum		value = column(tuple, rel, attno, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static Oid
oid_column(HeapTuple tuple, Relation rel, int attno)
{
	bool		isnull;
	Datum		value = column(tuple, rel, attno, &isnull);

	return isnull ? InvalidOid : DatumGetObjectId(value);
}

/* ----------------------------------------------------------------
 * Definitions
 * ----------------------------------------------------------------
 */

static void
add_key(DdbStreamDef *def, char *name)
{
	int			i;
	int			len = name == NULL ? 0 : strlen(name);

	if (name == NULL || def->nkeys == DDB_STREAM_MAX_KEYS)
		return;
	for (i = 0; i < def->nkeys; i++)
	{
		if (def->key[i].len == len && memcmp(def->key[i].str, name, len) == 0)
			return;
	}
	def->key[def->nkeys].str = name;
	def->key[def->nkeys].len = len;
	def->nkeys++;
}

static void
add_keys_of_array(DdbStreamDef *def, HeapTuple tuple, Relation rel, int attno)
{
	bool		isnull;
	Datum		array = column(tuple, rel, attno, &isnull);
	Datum	   *names;
	bool	   *nulls;
	int			count;
	int			i;

	if (isnull)
		return;
	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &count);
	for (i = 0; i < count; i++)
		add_key(def, nulls[i] ? NULL : TextDatumGetCString(names[i]));
}

static bool
is_selected(const List *tables, const char *name)
{
	const ListCell *lc;

	foreach(lc, tables)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return tables == NIL;
}

static void
set_view(DdbStreamDef *def, char letter)
{
	int			i;

	for (i = 0; i < lengthof(view_types); i++)
	{
		if (view_types[i].letter != letter)
			continue;
		def->view_type = view_types[i].name;
		def->new_image = view_types[i].new_image;
		def->old_image = view_types[i].old_image;
		return;
	}
	elog(ERROR, "definition of a stream has an unknown view type \"%c\"", letter);
}

static char *
stream_arn(const DdbStreamDef *def, const char *label)
{
	return psprintf("arn:aws:dynamodb:%s:%s:table/%s%s%s/stream/%s",
					ddb_region, ddb_account_id, def->table_name,
					def->index_name != NULL ? "/index/" : "",
					def->index_name != NULL ? def->index_name : "", label);
}

static DdbStreamDef *
add_table(DdbStreamDefs *defs, Oid relid)
{
	TableEntry *entry = hash_search(defs->table_entries, &relid, HASH_ENTER, NULL);

	memset(&entry->def, 0, sizeof(entry->def));
	return &entry->def;
}

static void
load_stream(DdbStreamDefs *defs, HeapTuple tuple, Relation rel)
{
	DdbStreamDef *def;
	bool		isnull;
	Datum		id;

	(void) column(tuple, rel, STREAM_DISABLED_AT, &isnull);
	if (!isnull)
		return;
	def = add_table(defs, oid_column(tuple, rel, STREAM_RELID));
	id = column(tuple, rel, STREAM_ID, &isnull);
	memcpy(&def->id, DatumGetUUIDP(id), sizeof(def->id));
	def->table_name = text_column(tuple, rel, STREAM_TABLE_NAME);
	def->arn = stream_arn(def, text_column(tuple, rel, STREAM_LABEL));
	set_view(def, DatumGetChar(column(tuple, rel, STREAM_VIEW_TYPE, &isnull)));
	add_key(def, text_column(tuple, rel, STREAM_HASH_ATTRIBUTE));
	add_key(def, text_column(tuple, rel, STREAM_RANGE_ATTRIBUTE));
	def->selected = is_selected(defs->tables, def->table_name);
}

/* an index of a table that has a stream has one as well */
static void
load_index(DdbStreamDefs *defs, HeapTuple tuple, Relation rel)
{
	Oid			table_relid = oid_column(tuple, rel, INDEX_TABLE_RELID);
	TableEntry *table = hash_search(defs->table_entries, &table_relid, HASH_FIND, NULL);
	DdbStreamDef base;
	DdbStreamDef *def;
	int			i;

	if (table == NULL || table->def.index_name != NULL)
		return;
	base = table->def;
	def = add_table(defs, oid_column(tuple, rel, INDEX_RELID));
	*def = base;
	def->index_name = text_column(tuple, rel, INDEX_NAME);
	def->arn = stream_arn(def, strrchr(base.arn, '/') + 1);
	def->nkeys = 0;
	add_keys_of_array(def, tuple, rel, INDEX_PARTITION_NAMES);
	add_keys_of_array(def, tuple, rel, INDEX_SORT_NAMES);
	for (i = 0; i < base.nkeys; i++)
		add_key(def, unconstify(char *, base.key[i].str));
}

static void
load_table(DdbStreamDefs *defs, const CatalogTable *catalog,
		   void (*load_row) (DdbStreamDefs *, HeapTuple, Relation))
{
	Relation	rel = open_catalog(catalog);
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel == NULL)
		return;
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		load_row(defs, tuple, rel);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
}

/* ----------------------------------------------------------------
 * What is kept
 * ----------------------------------------------------------------
 */

static CatalogState
catalog_state(Snapshot snapshot)
{
	CatalogState state;

	memset(&state, 0, sizeof(state));
	state.xmin = snapshot->xmin;
	state.committed = snapshot->xcnt;
	state.command = snapshot->curcid;
	state.own = snapshot->subxcnt;
	state.xid = snapshot->subxcnt > 0 ? snapshot->subxip[0] : InvalidTransactionId;
	return state;
}

static bool
same_state(const CatalogState *a, const CatalogState *b)
{
	return a->xmin == b->xmin && a->committed == b->committed &&
		a->command == b->command && a->own == b->own && a->xid == b->xid;
}

static HTAB *
make_hash(DdbStreamDefs *defs, const char *name, Size entrysize)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = entrysize;
	ctl.hcxt = defs->context;
	return hash_create(name, 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* read all definitions again, unless those that are known hold still */
static void
refresh(DdbStreamDefs *defs)
{
	CatalogState state = catalog_state(GetCatalogSnapshot(InvalidOid));
	MemoryContext caller;

	if (defs->loaded && same_state(&state, &defs->state))
		return;
	defs->loaded = false;
	MemoryContextReset(defs->context);
	defs->table_entries = make_hash(defs, "pg_dynamo streams", sizeof(TableEntry));
	defs->relation_entries = make_hash(defs, "pg_dynamo relations", sizeof(RelationEntry));

	caller = MemoryContextSwitchTo(defs->context);
	load_table(defs, &stream_definition, load_stream);
	if (defs->indexes && hash_get_num_entries(defs->table_entries) > 0)
		load_table(defs, &index_definition, load_index);
	MemoryContextSwitchTo(caller);
	defs->state = state;
	defs->loaded = true;
}

/* the column that holds the item; InvalidAttrNumber where there is none */
static AttrNumber
item_column(Relation relation)
{
	TupleDesc	desc = RelationGetDescr(relation);
	int			i;

	for (i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), "item") == 0)
			return getBaseType(att->atttypid) == JSONBOID ? att->attnum : InvalidAttrNumber;
	}
	return InvalidAttrNumber;
}

/* the definition of a relation, in defs->context; NULL for none */
static DdbStreamDef *
find_definition(DdbStreamDefs *defs, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	TableEntry *table;
	DdbStreamDef *def;
	AttrNumber	item;

	if (hash_get_num_entries(defs->table_entries) == 0)
		return NULL;
	if (relation->rd_rel->relispartition)
	{
		List	   *ancestors = get_partition_ancestors(relid);

		if (ancestors != NIL)
			relid = llast_oid(ancestors);
		list_free(ancestors);
	}
	table = hash_search(defs->table_entries, &relid, HASH_FIND, NULL);
	item = table == NULL ? InvalidAttrNumber : item_column(relation);
	if (item == InvalidAttrNumber)
		return NULL;
	def = MemoryContextAlloc(defs->context, sizeof(DdbStreamDef));
	*def = table->def;
	def->item = item;
	return def;
}

DdbStreamDefs *
ddb_streamdef_create(List *tables, bool indexes)
{
	DdbStreamDefs *defs = palloc0(sizeof(DdbStreamDefs));

	defs->tables = tables;
	defs->indexes = indexes;
	defs->context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo stream definitions",
										  ALLOCSET_DEFAULT_SIZES);
	return defs;
}

const DdbStreamDef *
ddb_streamdef_of_relation(DdbStreamDefs *defs, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	RelationEntry *entry;
	DdbStreamDef *def;

	refresh(defs);
	entry = hash_search(defs->relation_entries, &relid, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->def;
	def = find_definition(defs, relation);
	entry = hash_search(defs->relation_entries, &relid, HASH_ENTER, NULL);
	entry->def = def;
	return def;
}

/* ----------------------------------------------------------------
 * What holds at a commit
 * ----------------------------------------------------------------
 */

/*
 * The newest epoch; one more where that is another cluster's, from whose dump
 * this one was made: its log has positions of its own.
 */
static int32
read_epoch(Snapshot commit)
{
	Relation	rel = open_catalog(&stream_epoch);
	int32		newest = 0;
	bool		is_here = false;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull;

	if (rel == NULL)
		return FIRST_EPOCH;
	scan = systable_beginscan(rel, InvalidOid, false, commit, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		int32		epoch = DatumGetInt32(column(tuple, rel, EPOCH_NUMBER, &isnull));
		int64		cluster = DatumGetInt64(column(tuple, rel, EPOCH_SYSTEM, &isnull));

		if (epoch <= newest)
			continue;
		newest = epoch;
		is_here = cluster == (int64) GetSystemIdentifier();
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return is_here || newest == PG_INT32_MAX ? newest : newest + 1;
}

int32
ddb_streamdef_epoch(DdbStreamDefs *defs, Snapshot commit)
{
	CatalogState state = catalog_state(commit);

	if (!defs->epoch_known || !same_state(&state, &defs->epoch_state))
	{
		defs->epoch = read_epoch(commit);
		defs->epoch_state = state;
		defs->epoch_known = true;
	}
	return defs->epoch;
}

bool
ddb_streamdef_is_over(const pg_uuid_t *id, Snapshot commit)
{
	Relation	rel = open_catalog(&stream_definition);
	bool		enabled = false;
	SysScanDesc scan;
	HeapTuple	tuple;
	ScanKeyData key;

	if (rel == NULL)
		return true;
	ScanKeyInit(&key, STREAM_ID, BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(id));
	scan = systable_beginscan(rel, InvalidOid, false, commit, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;

		(void) column(tuple, rel, STREAM_DISABLED_AT, &isnull);
		enabled |= isnull;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return !enabled;
}
