/*
 * catalog.c
 *	  Table definitions: read, cached, written.
 *
 * dynamo.table_definition has one row per item table.  It is read by systable
 * scans, which need no privilege and no plan, and written through SPI as the
 * extension's owner.  Entries of the cache are dropped by relation
 * invalidation: every change of a definition, and every change that DDL makes
 * to an item table, sends one for the item table.  Secondary indexes are part
 * of a definition (catalog_index.c).
 *
 * Who may know what: a role without the right to create tables is told that
 * access is denied for names that do not exist, so that it learns no names.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "catalog_rows.h"
#include "compat.h"
#include "error.h"
#include "guc.h"
#include "throughput.h"

/* columns of dynamo.table_definition */
#define ATT_RELID			1
#define ATT_TABLE_NAME		2
#define ATT_TABLE_ID		3
#define ATT_CREATED_AT		4
#define ATT_HASH_ATTRIBUTE	5
#define ATT_HASH_TYPE		6
#define ATT_RANGE_ATTRIBUTE 7
#define ATT_RANGE_TYPE		8
#define ATT_SETTINGS		9
#define NATTS				9

#define MAX_TABLE_NAME		255
#define MAX_RELATIONS		4096	/* in the cache by relation, before it is emptied */

/* queries of this file, see plancache.h */
enum
{
	QUERY_INSERT = DDB_QUERY_CATALOG,
	QUERY_UPDATE_SETTINGS,
	QUERY_RENAME,
	QUERY_DELETE
};

typedef struct CacheEntry
{
	char		name[MAX_TABLE_NAME + 1];	/* hash key, first */
	bool		valid;
	LocalTransactionId last_used;
	MemoryContext context;		/* owns table; NULL when there is none */
	DdbTable   *table;
} CacheEntry;

/* a definition replaced while the transaction may still hold it */
typedef struct RetiredContext
{
	MemoryContext context;
	LocalTransactionId last_used;
	struct RetiredContext *next;
} RetiredContext;

/*
 * What row triggers ask for: the item table of a relation, which may be a
 * partition of it.  Other relations are remembered as such.
 */
typedef struct RelationEntry
{
	Oid			relid;			/* hash key, first */
	bool		valid;
	Oid			table_relid;	/* the item table; InvalidOid for none */
	char		name[MAX_TABLE_NAME + 1];	/* its DynamoDB name */
} RelationEntry;

static HTAB *cache = NULL;
static CacheEntry *last_entry = NULL;	/* found last; NULL when it may be gone */
static RetiredContext *retired = NULL;
static HTAB *relations = NULL;
static RelationEntry *last_relation = NULL; /* found last */

/* counts invalidation messages, so that one that comes during a load is seen */
static uint64 invalidations = 0;

/* ----------------------------------------------------------------
 * Names and ARNs
 * ----------------------------------------------------------------
 */
char *
ddb_arn_of_table(const char *name, int len)
{
	return psprintf("arn:aws:dynamodb:%s:%s:table/%.*s",
					ddb_region, ddb_account_id, len, name);
}

/* what the caller is told in all cases */
static char *
not_authorized(const char *action, const char *arn)
{
	return psprintf("User: arn:aws:iam::%s:user/%s is not authorized to perform: "
					"dynamodb:%s on resource: %s",
					ddb_account_id, GetUserNameFromId(GetUserId(), false),
					action, arn);
}

static char *
access_denied_message(const char *action, const char *arn)
{
	return psprintf("%s because no identity-based policy allows the dynamodb:%s action",
					not_authorized(action, arn), action);
}

void
ddb_access_denied(const char *action, const char *arn)
{
	ddb_error(DDB_ACCESS_DENIED, "%s", access_denied_message(action, arn));
}

void
ddb_access_denied_explicitly(const char *action, const char *arn, bool by_resource)
{
	ddb_error(DDB_ACCESS_DENIED, "%s with an explicit deny in %s policy",
			  not_authorized(action, arn),
			  by_resource ? "a resource-based" : "an identity-based");
}

void
ddb_access_denied_because(const char *action, const char *arn, const char *reason)
{
	ddb_error_hint(DDB_ACCESS_DENIED, reason, "%s", access_denied_message(action, arn));
}

/*
 * ddb_catalog_table_name: members of type TableArn hold a name or an ARN of
 * the form arn:<partition>:dynamodb:<region>:<account>:table/<name>.
 */
DdbText
ddb_catalog_table_name(DdbText name_or_arn, const char *action)
{
	const char *part[6];		/* begin of each colon-separated part */
	const char *end = name_or_arn.str + name_or_arn.len;
	const char *p = name_or_arn.str;
	DdbText		name;
	int			i;

	if (name_or_arn.len < 4 || memcmp(p, "arn:", 4) != 0)
		return name_or_arn;

	for (i = 0; i < 6; i++)
	{
		part[i] = p;
		if (i == 5)
			break;
		p = memchr(p, ':', end - p);
		if (p == NULL)
			break;
		p++;
	}
	if (i < 5 || end - part[5] <= 6 || memcmp(part[5], "table/", 6) != 0 ||
		part[3] - part[2] != 9 || memcmp(part[2], "dynamodb:", 9) != 0)
		ddb_validation_error("Invalid table ARN: %.*s", name_or_arn.len, name_or_arn.str);

	name.str = part[5] + 6;
	name.len = end - name.str;
	if (memchr(name.str, '/', name.len) != NULL || name.len > MAX_TABLE_NAME)
		ddb_validation_error("Invalid table ARN: %.*s", name_or_arn.len, name_or_arn.str);

	if (part[5] - part[4] - 1 != (int) strlen(ddb_account_id) ||
		memcmp(part[4], ddb_account_id, part[5] - part[4] - 1) != 0)
		ddb_access_denied(action,
						  pnstrdup(name_or_arn.str, name_or_arn.len));
	if (part[4] - part[3] - 1 != (int) strlen(ddb_region) ||
		memcmp(part[3], ddb_region, part[4] - part[3] - 1) != 0)
		ddb_validation_error("The region in the table ARN does not match the endpoint: %.*s",
							 name_or_arn.len, name_or_arn.str);
	return name;
}

Oid
ddb_tables_schema(void)
{
	return get_namespace_oid("dynamo_tables", true);
}

Oid
ddb_catalog_relation(const char *name)
{
	Oid			schema = get_namespace_oid("dynamo", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* ----------------------------------------------------------------
 * Reading definitions
 * ----------------------------------------------------------------
 */

Oid
ddb_catalog_relation_index(Relation rel, const char *attname)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		if (get_attnum(lfirst_oid(lc), attname) == 1)
			result = lfirst_oid(lc);
	}
	list_free(indexes);
	return result;
}

/*
 * Find the row of a table, by name or, where name is NULL, by relid.  Returns
 * a copy of the tuple in CurrentMemoryContext and sets *desc to a copy of its
 * descriptor, or NULL.
 */
static HeapTuple
read_definition(const char *name, int len, Oid relid, TupleDesc *desc)
{
	Oid			definition = ddb_catalog_relation("table_definition");
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (!OidIsValid(definition))
		return NULL;

	rel = table_open(definition, AccessShareLock);
	if (name != NULL)
		ScanKeyEntryInitialize(&key, 0, ATT_TABLE_NAME, BTEqualStrategyNumber,
							   InvalidOid, C_COLLATION_OID, F_TEXTEQ,
							   PointerGetDatum(cstring_to_text_with_len(name, len)));
	else
		ScanKeyInit(&key, ATT_RELID, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel,
							  ddb_catalog_relation_index(rel, name ? "table_name" : "relid"),
							  true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (tuple != NULL)
	{
		tuple = heap_copytuple(tuple);
		*desc = CreateTupleDescCopy(RelationGetDescr(rel));
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple;
}

static void
read_key_attr(HeapTuple tuple, TupleDesc desc, int name_att, int type_att,
			  DdbKeySchema *keys)
{
	DdbKeyAttr *attr = &keys->attr[keys->nattrs];
	Datum		name;
	char		type;
	bool		isnull;

	name = heap_getattr(tuple, name_att, desc, &isnull);
	if (isnull)
		return;
	attr->name.str = TextDatumGetCString(name);
	attr->name.len = strlen(attr->name.str);
	type = DatumGetChar(heap_getattr(tuple, type_att, desc, &isnull));
	if (isnull || !ddb_type_parse(&type, 1, &attr->type))
		elog(ERROR, "definition of an item table has a key attribute without type");
	keys->nattrs++;
}

/* a number of the settings document; 0 where it has none */
static int64
setting_int(const Jsonb *settings, const char *name)
{
	JsonbValue	value;

	if (!ddb_doc_get(ddb_doc_root(settings), name, strlen(name), &value) ||
		value.type != jbvNumeric)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(value.val.numeric)));
}

static bool
setting_bool(const Jsonb *settings, const char *name)
{
	JsonbValue	value;

	return ddb_doc_get(ddb_doc_root(settings), name, strlen(name), &value) &&
		value.type == jbvBool && value.val.boolean;
}

/*
 * The names are those of tableinfo.c, which writes the document.
 */
void
ddb_catalog_read_capacity(const Jsonb *settings, bool on_demand, DdbCapacity *capacity)
{
	capacity->read = setting_int(settings, on_demand ? "MaxReadRequestUnits" : "ReadCapacityUnits");
	capacity->write = setting_int(settings, on_demand ? "MaxWriteRequestUnits" : "WriteCapacityUnits");
	capacity->read = Max(capacity->read, 0);
	capacity->write = Max(capacity->write, 0);
	capacity->insights = (DdbInsights) setting_int(settings, "ContributorInsights");
}

static void
read_settings(HeapTuple tuple, TupleDesc desc, DdbTable *table)
{
	bool		isnull;
	Jsonb	   *settings = DatumGetJsonbPCopy(heap_getattr(tuple, ATT_SETTINGS, desc, &isnull));

	table->on_demand = setting_bool(settings, "OnDemand");
	table->throttling = (DdbChoice) setting_int(settings, "Throttling");
	ddb_catalog_read_capacity(settings, table->on_demand, &table->capacity);
	pfree(settings);
}

/*
 * A definition from its row, in CurrentMemoryContext; NULL when the item
 * table is gone.
 */
static DdbTable *
definition_of_tuple(HeapTuple tuple, TupleDesc desc)
{
	DdbTable   *table = palloc0(sizeof(DdbTable));
	HeapTuple	class_tuple;
	Form_pg_class class_form;
	char	   *schema;
	bool		isnull;

	table->relid = DatumGetObjectId(heap_getattr(tuple, ATT_RELID, desc, &isnull));
	class_tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(table->relid));
	if (!HeapTupleIsValid(class_tuple))
		return NULL;
	class_form = (Form_pg_class) GETSTRUCT(class_tuple);
	table->schema = class_form->relnamespace;
	table->row_security = class_form->relrowsecurity;
	schema = get_namespace_name(table->schema);
	if (schema == NULL)
		return NULL;
	table->name = TextDatumGetCString(heap_getattr(tuple, ATT_TABLE_NAME, desc, &isnull));
	table->qualified = quote_qualified_identifier(schema, NameStr(class_form->relname));
	read_key_attr(tuple, desc, ATT_HASH_ATTRIBUTE, ATT_HASH_TYPE, &table->keys);
	read_key_attr(tuple, desc, ATT_RANGE_ATTRIBUTE, ATT_RANGE_TYPE, &table->keys);
	read_settings(tuple, desc, table);
	table->capacity.meter = ddb_throughput_meter(table->relid);
	ddb_catalog_load_indexes(table);
	return table;
}

/* ----------------------------------------------------------------
 * The cache
 * ----------------------------------------------------------------
 */

static void
invalidate_relations(Oid relid)
{
	HASH_SEQ_STATUS status;
	RelationEntry *entry;

	if (relations == NULL)
		return;
	hash_seq_init(&status, relations);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relid == InvalidOid || entry->relid == relid || entry->table_relid == relid)
			entry->valid = false;
	}
}

static void
invalidate(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	invalidations++;
	invalidate_relations(relid);
	if (cache == NULL)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (relid == InvalidOid ||
			(entry->table != NULL && entry->table->relid == relid))
			entry->valid = false;
	}
}

/* a renamed schema changes the qualified names of its tables */
static void
invalidate_all(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate(arg, InvalidOid);
}

void
ddb_catalog_init(void)
{
	CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
}

static void
create_cache(void)
{
	HASHCTL		ctl;

	ctl.keysize = MAX_TABLE_NAME + 1;
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hcxt = AllocSetContextCreate(CacheMemoryContext, "pg_dynamo definitions",
									 ALLOCSET_DEFAULT_SIZES);
	cache = hash_create("pg_dynamo definitions", 32, &ctl,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
free_retired(void)
{
	RetiredContext **link = &retired;

	while (*link != NULL)
	{
		RetiredContext *item = *link;

		if (item->last_used == DDB_MY_LXID)
		{
			link = &item->next;
			continue;
		}
		*link = item->next;
		MemoryContextDelete(item->context);
		pfree(item);
	}
}

static void
retire(CacheEntry *entry)
{
	if (entry->context == NULL)
		return;
	if (entry->last_used == DDB_MY_LXID)
	{
		RetiredContext *item = MemoryContextAlloc(CacheMemoryContext, sizeof(*item));

		item->context = entry->context;
		item->last_used = entry->last_used;
		item->next = retired;
		retired = item;
	}
	else
		MemoryContextDelete(entry->context);
	entry->context = NULL;
	entry->table = NULL;
}

/*
 * Read a definition into a context of its own; NULL when there is none.
 */
static DdbTable *
load(const char *name, int len, MemoryContext *context)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "pg_dynamo definition",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	TupleDesc	desc;
	HeapTuple	tuple = read_definition(name, len, InvalidOid, &desc);
	DdbTable   *table = tuple ? definition_of_tuple(tuple, desc) : NULL;

	MemoryContextSwitchTo(old);
	if (table == NULL)
	{
		MemoryContextDelete(work);
		return NULL;
	}
	MemoryContextSetParent(work, CacheMemoryContext);
	*context = work;
	return table;
}

static CacheEntry *
find_entry(const char *name, int len)
{
	char		key[MAX_TABLE_NAME + 1];
	CacheEntry *entry;
	MemoryContext context;
	DdbTable   *table;
	uint64		invalidations_before;
	bool		found;

	if (len > MAX_TABLE_NAME || memchr(name, '\0', len) != NULL)
		return NULL;

	/* mostly it is the table of the request before */
	if (last_entry != NULL && last_entry->valid &&
		strncmp(last_entry->name, name, len) == 0 && last_entry->name[len] == '\0')
	{
		last_entry->last_used = DDB_MY_LXID;
		return last_entry;
	}
	memcpy(key, name, len);
	key[len] = '\0';

	if (cache == NULL)
		create_cache();
	if (retired != NULL)
		free_retired();

	entry = hash_search(cache, key, HASH_FIND, NULL);
	if (entry != NULL && entry->valid)
	{
		entry->last_used = DDB_MY_LXID;
		last_entry = entry;
		return entry;
	}
	last_entry = NULL;

	invalidations_before = invalidations;
	table = load(name, len, &context);
	entry = hash_search(cache, key, HASH_FIND, NULL);
	if (table == NULL)
	{
		if (entry != NULL)
		{
			retire(entry);
			hash_search(cache, key, HASH_REMOVE, NULL);
		}
		return NULL;
	}

	entry = hash_search(cache, key, HASH_ENTER, &found);
	if (found)
		retire(entry);
	entry->context = context;
	entry->table = table;
	entry->valid = invalidations == invalidations_before;
	entry->last_used = DDB_MY_LXID;
	return entry;
}

const DdbTable *
ddb_catalog_find(const char *name, int len)
{
	CacheEntry *entry = find_entry(name, len);

	return entry ? entry->table : NULL;
}

static void
create_relations(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(RelationEntry);
	ctl.hcxt = AllocSetContextCreate(CacheMemoryContext, "pg_dynamo relations",
									 ALLOCSET_DEFAULT_SIZES);
	relations = hash_create("pg_dynamo relations", 32, &ctl,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* all memory of the hash table is in a context of its own */
static void
forget_relations(void)
{
	last_relation = NULL;
	hash_destroy(relations);
	relations = NULL;
}

/*
 * Look up the item table of a relation; false where there is none.  name has
 * room for MAX_TABLE_NAME + 1 bytes.
 */
static bool
look_up_relation(Oid relid, Oid *table_relid, char *name)
{
	TupleDesc	desc;
	HeapTuple	tuple;
	bool		isnull;

	if (get_rel_relispartition(relid))
		relid = llast_oid(get_partition_ancestors(relid));
	*table_relid = relid;
	tuple = read_definition(NULL, 0, relid, &desc);
	if (tuple == NULL)
		return false;
	text_to_cstring_buffer(DatumGetTextPP(heap_getattr(tuple, ATT_TABLE_NAME, desc, &isnull)),
						   name, MAX_TABLE_NAME + 1);
	return true;
}

static RelationEntry *
find_relation(Oid relid)
{
	RelationEntry *entry;
	Oid			table_relid;
	char		name[MAX_TABLE_NAME + 1];
	uint64		invalidations_before;
	bool		found;

	if (last_relation != NULL && last_relation->relid == relid && last_relation->valid)
		return last_relation;
	if (relations != NULL && hash_get_num_entries(relations) >= MAX_RELATIONS)
		forget_relations();
	if (relations == NULL)
		create_relations();
	entry = hash_search(relations, &relid, HASH_FIND, NULL);
	if (entry == NULL || !entry->valid)
	{
		invalidations_before = invalidations;
		found = look_up_relation(relid, &table_relid, name);
		entry = hash_search(relations, &relid, HASH_ENTER, NULL);
		entry->table_relid = found ? table_relid : InvalidOid;
		strlcpy(entry->name, found ? name : "", sizeof(entry->name));
		entry->valid = invalidations == invalidations_before;
	}
	last_relation = entry;
	return entry;
}

const DdbTable *
ddb_catalog_of_relation(Oid relid)
{
	const RelationEntry *entry = find_relation(relid);

	if (!OidIsValid(entry->table_relid))
		return NULL;
	return ddb_catalog_find(entry->name, strlen(entry->name));
}

bool
ddb_catalog_is_item_table(Oid relid)
{
	TupleDesc	desc;

	return read_definition(NULL, 0, relid, &desc) != NULL;
}

DdbTable *
ddb_catalog_definition(Oid relid)
{
	TupleDesc	desc;
	HeapTuple	tuple = read_definition(NULL, 0, relid, &desc);

	return tuple ? definition_of_tuple(tuple, desc) : NULL;
}

/* ----------------------------------------------------------------
 * Opening
 * ----------------------------------------------------------------
 */

static bool
is_permitted(const DdbTable *table, AclMode acl)
{
	if (pg_namespace_aclcheck(table->schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		return false;
	if (acl == DDB_ACL_OWNER)
		return pg_class_ownercheck(table->relid, GetUserId());
	if (acl == ACL_NO_RIGHTS)
		return pg_class_aclmask(table->relid, GetUserId(), ACL_ALL_RIGHTS_RELATION,
								ACLMASK_ANY) != 0;
	return pg_class_aclmask(table->relid, GetUserId(), acl, ACLMASK_ALL) == acl;
}

/*
 * What a caller is told about a name that does not exist.
 */
static void
raise_not_found(DdbText name, const char *action, bool control_plane)
{
	Oid			schema = ddb_tables_schema();

	if (!OidIsValid(schema) ||
		pg_namespace_aclcheck(schema, GetUserId(), ACL_CREATE) != ACLCHECK_OK)
		ddb_access_denied(action, ddb_arn_of_table(name.str, name.len));
	if (control_plane)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "Requested resource not found: Table: %.*s not found",
				  name.len, name.str);
	ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
}

const DdbTable *
ddb_catalog_open(DdbText table_name, LOCKMODE lockmode, AclMode acl,
				 const char *action, bool control_plane)
{
	for (;;)
	{
		CacheEntry *entry;
		const DdbTable *table;

		CHECK_FOR_INTERRUPTS();
		entry = find_entry(table_name.str, table_name.len);
		if (entry == NULL)
			raise_not_found(table_name, action, control_plane);
		table = entry->table;
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table->relid)))
		{
			/* dropped, and its message not yet read */
			AcceptInvalidationMessages();
			entry->valid = false;
			continue;
		}

		/* before the lock, for who may not use a table may not block it */
		if (!is_permitted(table, acl))
			ddb_access_denied(action, ddb_arn_of_table(table_name.str, table_name.len));

		LockRelationOid(table->relid, lockmode);
		if (entry->valid)
			return table;
		UnlockRelationOid(table->relid, lockmode);
	}
}

void
ddb_catalog_read(const DdbTable *table, DdbTableRow *row)
{
	TupleDesc	desc;
	HeapTuple	tuple = read_definition(NULL, 0, table->relid, &desc);
	bool		isnull;

	if (tuple == NULL)
		elog(ERROR, "definition of item table \"%s\" is missing", table->name);
	row->table = table;
	row->table_id = DatumGetCString(DirectFunctionCall1(uuid_out,
														heap_getattr(tuple, ATT_TABLE_ID, desc, &isnull)));
	row->created = DatumGetTimestampTz(heap_getattr(tuple, ATT_CREATED_AT, desc, &isnull));
	row->settings = DatumGetJsonbPCopy(heap_getattr(tuple, ATT_SETTINGS, desc, &isnull));
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

Oid
ddb_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

Oid
ddb_catalog_owner(void)
{
	return ddb_relation_owner(ddb_catalog_relation("table_definition"));
}

void
ddb_as_owner_begin(DdbAsOwner *state, Oid owner)
{
	GetUserIdAndSecContext(&state->save_userid, &state->save_sec_context);
	SetUserIdAndSecContext(owner, state->save_sec_context |
						   SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	state->guc_nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
ddb_as_owner_end(DdbAsOwner *state)
{
	AtEOXact_GUC(false, state->guc_nest_level);
	SetUserIdAndSecContext(state->save_userid, state->save_sec_context);
}

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	switch (query)
	{
		case QUERY_INSERT:
			appendStringInfoString(&text->sql,
								   "INSERT INTO dynamo.table_definition (relid, table_name,"
								   " hash_attribute, hash_type, range_attribute, range_type, settings)"
								   " VALUES ($1, $2, $3, $4, $5, $6, $7)");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, TEXTOID);
			ddb_plan_add_arg(text, TEXTOID);
			ddb_plan_add_arg(text, CHAROID);
			ddb_plan_add_arg(text, TEXTOID);
			ddb_plan_add_arg(text, CHAROID);
			ddb_plan_add_arg(text, JSONBOID);
			return;
		case QUERY_UPDATE_SETTINGS:
			appendStringInfoString(&text->sql,
								   "UPDATE dynamo.table_definition SET settings = $2 WHERE relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, JSONBOID);
			return;
		case QUERY_RENAME:
			appendStringInfoString(&text->sql,
								   "UPDATE dynamo.table_definition SET table_name = $2 WHERE relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			ddb_plan_add_arg(text, TEXTOID);
			return;
		case QUERY_DELETE:
			appendStringInfoString(&text->sql,
								   "WITH tags AS (DELETE FROM dynamo.table_tag WHERE relid = $1),"
								   " indexes AS (DELETE FROM dynamo.index_definition WHERE relid = $1),"
								   " policy AS (DELETE FROM dynamo.resource_policy"
								   " WHERE relid = $1 AND stream_label = '')"
								   " DELETE FROM dynamo.table_definition WHERE relid = $1");
			ddb_plan_add_arg(text, REGCLASSOID);
			return;
	}
	elog(ERROR, "unrecognized catalog query %d", query);
}

static void
hand_over_row(HeapTuple tuple, TupleDesc desc, DdbTakeRow take, void *arg)
{
	Datum		values[DDB_CATALOG_COLUMNS];
	bool		nulls[DDB_CATALOG_COLUMNS];

	Assert(desc->natts <= DDB_CATALOG_COLUMNS);
	heap_deform_tuple(tuple, desc, values, nulls);
	take(values, nulls, arg);
}

uint64
ddb_catalog_run(int query, DdbQueryBuilder builder, Datum *values, const char *nulls,
				DdbTakeRow take, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	DdbAsOwner	as_owner;
	uint64		rows;
	uint64		i;
	int			rc;

	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_plan(ddb_plan_get(NULL, query, builder),
						  values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not read or write the catalog of the extension: %s",
			 SPI_result_code_string(rc));
	rows = SPI_processed;
	for (i = 0; take != NULL && i < rows; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		hand_over_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, take, arg);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	ddb_as_owner_end(&as_owner);
	return rows;
}

void
ddb_catalog_write(int query, DdbQueryBuilder builder, Datum *values, const char *nulls)
{
	(void) ddb_catalog_run(query, builder, values, nulls, NULL, NULL);
}

static void
write_definition(int query, Datum *values, const char *nulls)
{
	ddb_catalog_write(query, build_query, values, nulls);
}

void
ddb_catalog_insert(const char *name, Oid relid, const DdbKeySchema *keys,
				   const Jsonb *settings, DdbTableRow *row)
{
	Datum		values[7];
	char		nulls[8] = "       ";
	int			i;

	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(name);
	for (i = 0; i < 2; i++)
	{
		if (i < keys->nattrs)
		{
			values[2 + 2 * i] = PointerGetDatum(cstring_to_text_with_len(keys->attr[i].name.str,
																		 keys->attr[i].name.len));
			values[3 + 2 * i] = CharGetDatum(ddb_type_name(keys->attr[i].type)[0]);
		}
		else
			nulls[2 + 2 * i] = nulls[3 + 2 * i] = 'n';
	}
	values[6] = JsonbPGetDatum(settings);
	write_definition(QUERY_INSERT, values, nulls);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
	ddb_catalog_read(ddb_catalog_find(name, strlen(name)), row);
}

void
ddb_catalog_update_settings(const DdbTable *table, const Jsonb *settings)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(table->relid);
	values[1] = JsonbPGetDatum(settings);
	write_definition(QUERY_UPDATE_SETTINGS, values, NULL);
	CacheInvalidateRelcacheByRelid(table->relid);
}

void
ddb_catalog_rename(Oid relid, const char *new_name)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(new_name);
	write_definition(QUERY_RENAME, values, NULL);
	CacheInvalidateRelcacheByRelid(relid);
}

void
ddb_catalog_delete(Oid relid)
{
	Datum		values[1];

	values[0] = ObjectIdGetDatum(relid);
	write_definition(QUERY_DELETE, values, NULL);
	ddb_throughput_release_at_commit(relid);
}
