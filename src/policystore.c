/*
 * policystore.c
 *	  Policies: read, compiled, cached, written.
 *
 * Three tables have one row per policy: dynamo.identity_policy those of roles,
 * dynamo.access_key_policy those of access keys, dynamo.resource_policy those
 * of item tables and their streams.  They are read by systable scans, which
 * need no privilege and no plan, and written through SPI as the extension's
 * owner.  A row trigger refuses documents that do not compile and sends a
 * relation invalidation for every change, whoever makes it, and so the cache of
 * each backend is true at the beginning of a transaction.
 *
 * All that is cached is in one memory context, a generation.  Policies change
 * seldom, so a change of any ends the generation, and so does its growing too
 * large; what the transaction may still hold of one lives until its end.
 *
 * A row holds the oid of its role: a role that is dropped and created again
 * has another one.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "accesskey.h"
#include "catalog_rows.h"
#include "compat.h"
#include "policystore.h"

#define MAX_GENERATION	(16 * 1024 * 1024)	/* bytes */
#define MAX_LABEL		31		/* of a stream, in bytes; ours are shorter */

/* columns of dynamo.identity_policy and of dynamo.access_key_policy */
#define ATT_HOLDER			1
#define ATT_POLICY_NAME		2
#define ATT_DOCUMENT		3

/* columns of dynamo.resource_policy */
#define ATT_RELID			1
#define ATT_STREAM_LABEL	2
#define ATT_RESOURCE_DOCUMENT	3
#define ATT_REVISION_ID		4

/* queries of this file, see plancache.h */
enum
{
	QUERY_PUT_ROLE = DDB_QUERY_CATALOG + 700,
	QUERY_PUT_KEY,
	QUERY_DELETE_ROLE,
	QUERY_DELETE_KEY,
	QUERY_COPY_KEY,
	QUERY_KEY_POLICIES,
	QUERY_SWEEP_ROLES,
	QUERY_SWEEP_KEYS,
	QUERY_PUT_RESOURCE,
	QUERY_DELETE_RESOURCE
};

#define FIRST_QUERY	QUERY_PUT_ROLE

static const DdbFixedQuery queries[] = {
	[QUERY_PUT_ROLE - FIRST_QUERY] = {
		"INSERT INTO dynamo.identity_policy AS p (role, policy_name, document)"
		" VALUES ($1, $2, $3) ON CONFLICT (role, policy_name) DO UPDATE"
		" SET document = EXCLUDED.document, changed_at = now()"
		" WHERE p.document <> EXCLUDED.document",
		3, {REGROLEOID, TEXTOID, TEXTOID}
	},
	/* the lock keeps the key from going away meanwhile */
	[QUERY_PUT_KEY - FIRST_QUERY] = {
		"WITH k AS MATERIALIZED (SELECT access_key_id FROM dynamo.access_key"
		" WHERE access_key_id = $1 FOR KEY SHARE),"
		" put AS (INSERT INTO dynamo.access_key_policy AS p (access_key_id, policy_name, document)"
		" SELECT k.access_key_id, $2, $3 FROM k"
		" ON CONFLICT (access_key_id, policy_name) DO UPDATE"
		" SET document = EXCLUDED.document, changed_at = now()"
		" WHERE p.document <> EXCLUDED.document)"
		" SELECT FROM k",
		3, {TEXTOID, TEXTOID, TEXTOID}
	},
	[QUERY_DELETE_ROLE - FIRST_QUERY] = {
		"DELETE FROM dynamo.identity_policy WHERE role = $1 AND policy_name = $2",
		2, {REGROLEOID, TEXTOID}
	},
	[QUERY_DELETE_KEY - FIRST_QUERY] = {
		"DELETE FROM dynamo.access_key_policy WHERE access_key_id = $1 AND policy_name = $2",
		2, {TEXTOID, TEXTOID}
	},
	[QUERY_COPY_KEY - FIRST_QUERY] = {
		"INSERT INTO dynamo.access_key_policy (access_key_id, policy_name, document)"
		" SELECT $2, policy_name, document FROM dynamo.access_key_policy"
		" WHERE access_key_id = $1",
		2, {TEXTOID, TEXTOID}
	},
	[QUERY_KEY_POLICIES - FIRST_QUERY] = {
		"SELECT jsonb_object_agg(policy_name, document) FROM dynamo.access_key_policy"
		" WHERE access_key_id = $1",
		1, {TEXTOID}
	},
	[QUERY_SWEEP_ROLES - FIRST_QUERY] = {
		"DELETE FROM dynamo.identity_policy WHERE (role, policy_name) IN"
		" (SELECT p.role, p.policy_name FROM dynamo.identity_policy p"
		" WHERE p.role = ANY ($1) FOR UPDATE SKIP LOCKED)",
		1, {OIDARRAYOID}
	},
	[QUERY_SWEEP_KEYS - FIRST_QUERY] = {
		"DELETE FROM dynamo.access_key_policy p WHERE NOT EXISTS"
		" (SELECT FROM dynamo.access_key k WHERE k.access_key_id = p.access_key_id)",
		0
	},
	[QUERY_PUT_RESOURCE - FIRST_QUERY] = {
		"INSERT INTO dynamo.resource_policy (relid, stream_label, document, revision_id)"
		" VALUES ($1, $2, $3, $4) ON CONFLICT (relid, stream_label) DO UPDATE"
		" SET document = EXCLUDED.document, revision_id = EXCLUDED.revision_id,"
		" changed_at = now()",
		4, {REGCLASSOID, TEXTOID, TEXTOID, TEXTOID}
	},
	[QUERY_DELETE_RESOURCE - FIRST_QUERY] = {
		"DELETE FROM dynamo.resource_policy WHERE relid = $1 AND stream_label = $2"
		" RETURNING revision_id",
		2, {REGCLASSOID, TEXTOID}
	}
};

typedef enum Kind
{
	OF_ROLES,
	OF_KEYS,
	OF_RESOURCES,
	KINDS
} Kind;

static const char *const table_names[] = {
	"identity_policy", "access_key_policy", "resource_policy"
};

typedef enum Stored
{
	STORED_UNKNOWN,
	STORED_NONE,
	STORED_SOME
} Stored;

/* a role's own policies, and those that hold for it */
typedef struct RoleEntry
{
	Oid			role;			/* hash key, first */
	bool		has_own;
	bool		has_all;
	DdbPolicySet own;
	DdbPolicySet all;
} RoleEntry;

typedef struct KeyEntry
{
	char		id[DDB_ACCESSKEY_MAX_ID + 1];	/* hash key, first */
	DdbPolicySet set;
} KeyEntry;

typedef struct ResourceKey
{
	Oid			relid;
	char		label[MAX_LABEL + 1];	/* filled up with zeros; empty for the table */
} ResourceKey;

typedef struct ResourceEntry
{
	ResourceKey key;			/* hash key, first */
	bool		exists;
	DdbStoredPolicy stored;
} ResourceEntry;

typedef struct Generation
{
	MemoryContext context;		/* owns all of this */
	LocalTransactionId last_used;
	uint64		invalidations;	/* what it is true for */
	RoleEntry  *last_role;		/* asked for last, complete; NULL for none */
	HTAB	   *roles;
	HTAB	   *keys;
	HTAB	   *resources;
	struct Generation *next_retired;
} Generation;

static Generation *current = NULL;

/* generations that the transaction may still hold something of */
static Generation *retired = NULL;

/* counts invalidation messages, so that one that comes during a load is seen */
static uint64 invalidations = 0;

/* is anything stored, in all tables together and in each of them? */
static Stored stored_anything = STORED_UNKNOWN;
static Stored stored_of[KINDS];

/* the tables that this is known of; InvalidOid when they are to be looked up */
static Oid	relids[KINDS];

static const DdbPolicySet empty_set = {0, NULL};

/* ----------------------------------------------------------------
 * Invalidation
 * ----------------------------------------------------------------
 */

/* a table that is not known may be any */
static void
invalidate_relation(Datum arg, Oid relid)
{
	int			i;

	for (i = 0; i < KINDS; i++)
	{
		if (relid != InvalidOid && OidIsValid(relids[i]) && relid != relids[i])
			continue;
		relids[i] = InvalidOid;
		stored_of[i] = STORED_UNKNOWN;
		stored_anything = STORED_UNKNOWN;
		invalidations++;
	}
}

/* a membership, or a role, came or went */
static void
invalidate_roles(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidations++;
}

void
ddb_policystore_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, invalidate_roles, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMROLEMEM, invalidate_roles, (Datum) 0);
}

/* ----------------------------------------------------------------
 * Generations
 * ----------------------------------------------------------------
 */

static void
free_retired(void)
{
	Generation **link = &retired;

	while (*link != NULL)
	{
		Generation *generation = *link;

		if (generation->last_used == DDB_MY_LXID)
		{
			link = &generation->next_retired;
			continue;
		}
		*link = generation->next_retired;
		MemoryContextDelete(generation->context);
	}
}

static void
retire_current(void)
{
	Generation *generation = current;

	if (generation == NULL)
		return;
	current = NULL;
	generation->next_retired = retired;
	retired = generation;
	free_retired();
}

static HTAB *
create_hash(MemoryContext context, const char *name, Size key_size, Size entry_size, int flags)
{
	HASHCTL		ctl;

	ctl.keysize = key_size;
	ctl.entrysize = entry_size;
	ctl.hcxt = context;
	return hash_create(name, 32, &ctl, HASH_ELEM | HASH_CONTEXT | flags);
}

static Generation *
create_generation(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_dynamo policies",
												  ALLOCSET_DEFAULT_SIZES);
	Generation *generation = MemoryContextAllocZero(context, sizeof(Generation));

	generation->context = context;
	generation->invalidations = invalidations;
	generation->roles = create_hash(context, "pg_dynamo policies of roles",
									sizeof(Oid), sizeof(RoleEntry), HASH_BLOBS);
	generation->keys = create_hash(context, "pg_dynamo policies of access keys",
								   DDB_ACCESSKEY_MAX_ID + 1, sizeof(KeyEntry), HASH_STRINGS);
	generation->resources = create_hash(context, "pg_dynamo policies of resources",
										sizeof(ResourceKey), sizeof(ResourceEntry), HASH_BLOBS);
	MemoryContextSetParent(context, CacheMemoryContext);
	return generation;
}

/* the generation that is true now */
static Generation *
use_generation(void)
{
	if (current == NULL || current->invalidations != invalidations)
	{
		retire_current();
		current = create_generation();
	}
	current->last_used = DDB_MY_LXID;
	return current;
}

/* the same before something is loaded into it */
static Generation *
grow_generation(void)
{
	if (current != NULL && MemoryContextMemAllocated(current->context, true) > MAX_GENERATION)
		retire_current();
	if (retired != NULL)
		free_retired();
	return use_generation();
}

/* ----------------------------------------------------------------
 * Reading the tables
 * ----------------------------------------------------------------
 */

/* from here on changes of the table are noticed; NULL without the extension */
static Relation
open_table(Kind kind)
{
	Oid			relid = relids[kind];
	Relation	rel;

	if (!OidIsValid(relid))
		relid = ddb_catalog_relation(table_names[kind]);
	rel = OidIsValid(relid) ? try_table_open(relid, AccessShareLock) : NULL;
	relids[kind] = rel != NULL ? relid : InvalidOid;
	return rel;
}

static bool
has_rows(Relation rel)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	bool		result = HeapTupleIsValid(systable_getnext(scan));

	systable_endscan(scan);
	return result;
}

/* what is found is remembered unless it has changed meanwhile */
static Stored
look_for_rows(Kind kind)
{
	Relation	rel = open_table(kind);
	uint64		invalidations_before = invalidations;
	Stored		result = STORED_NONE;

	if (rel == NULL)
		return STORED_NONE;
	if (has_rows(rel))
		result = STORED_SOME;
	table_close(rel, AccessShareLock);
	if (invalidations == invalidations_before)
		stored_of[kind] = result;
	return result;
}

static bool
is_stored(Kind kind)
{
	return (stored_of[kind] != STORED_UNKNOWN ? stored_of[kind] : look_for_rows(kind)) == STORED_SOME;
}

/*
 * While a table cannot be opened nothing is known of it, so that this is asked
 * again.
 */
static bool
look_for_anything(void)
{
	bool		known = true;
	bool		result = false;
	int			i;

	for (i = 0; i < KINDS; i++)
	{
		result = is_stored(i) || result;
		known = known && stored_of[i] != STORED_UNKNOWN;
	}
	if (known)
		stored_anything = result ? STORED_SOME : STORED_NONE;
	return result;
}

bool
ddb_policystore_is_empty(void)
{
	if (likely(stored_anything != STORED_UNKNOWN))
		return stored_anything == STORED_NONE;
	return !look_for_anything();
}

uint64
ddb_policystore_version(void)
{
	return invalidations;
}

/* a policy from its row, in CurrentMemoryContext */
static void
read_policy(HeapTuple tuple, TupleDesc desc, int name_att, int document_att,
			DdbPolicyKind kind, DdbStoredPolicy *out)
{
	bool		isnull;
	char	   *problem;
	text	   *stored;
	DdbText		document;

	out->name = TextDatumGetCString(heap_getattr(tuple, name_att, desc, &isnull));
	stored = DatumGetTextPCopy(heap_getattr(tuple, document_att, desc, &isnull));
	document.str = VARDATA(stored);
	document.len = VARSIZE(stored) - VARHDRSZ;
	out->policy = ddb_policy_compile(document, kind, &problem);
}

/*
 * The policies of a holder, as the first column of rel has it, ordered by
 * name, in CurrentMemoryContext.
 */
static void
read_set(Relation rel, ScanKey key, DdbPolicySet *set)
{
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, NULL, 1, key);
	DdbStoredPolicy *policies = NULL;
	int			count = 0;
	HeapTuple	tuple;

	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		if (count == 0)
			policies = palloc(sizeof(DdbStoredPolicy));
		else if ((count & (count - 1)) == 0)
			policies = repalloc_huge(policies, sizeof(DdbStoredPolicy) * count * 2);
		read_policy(tuple, RelationGetDescr(rel), ATT_POLICY_NAME, ATT_DOCUMENT,
					DDB_POLICY_IDENTITY, &policies[count++]);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	set->count = count;
	set->policies = policies;
}

static void
read_own(Oid role, DdbPolicySet *set)
{
	Relation	rel = open_table(OF_ROLES);
	ScanKeyData key;

	*set = empty_set;
	if (rel == NULL)
		return;
	ScanKeyInit(&key, ATT_HOLDER, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(role));
	read_set(rel, &key, set);
	table_close(rel, AccessShareLock);
}

static void
read_of_key(const char *id, DdbPolicySet *set)
{
	Relation	rel = open_table(OF_KEYS);
	ScanKeyData key;

	*set = empty_set;
	if (rel == NULL)
		return;
	ScanKeyEntryInitialize(&key, 0, ATT_HOLDER, BTEqualStrategyNumber, InvalidOid,
						   C_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(id));
	read_set(rel, &key, set);
	table_close(rel, AccessShareLock);
}

/*
 * The row of a resource: a copy in CurrentMemoryContext, and in *desc one of
 * its descriptor; NULL when there is none.
 */
static HeapTuple
read_resource(Oid relid, const char *label, TupleDesc *desc)
{
	Relation	rel = open_table(OF_RESOURCES);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel == NULL)
		return NULL;
	ScanKeyInit(&keys[0], ATT_RELID, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyEntryInitialize(&keys[1], 0, ATT_STREAM_LABEL, BTEqualStrategyNumber, InvalidOid,
						   C_COLLATION_OID, F_TEXTEQ, CStringGetTextDatum(label));
	scan = systable_beginscan(rel, RelationGetPrimaryKeyIndex(rel), true, NULL, 2, keys);
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

/* ----------------------------------------------------------------
 * The cache
 * ----------------------------------------------------------------
 */

/*
 * role, and the roles that it is a member of, directly or not: what GRANT has
 * recorded, without what a superuser may do.
 */
static List *
memberships(Oid role)
{
	List	   *roles = list_make1_oid(role);
	int			i;

	for (i = 0; i < list_length(roles); i++)
	{
		CatCList   *granted = SearchSysCacheList1(AUTHMEMMEMROLE,
												  ObjectIdGetDatum(list_nth_oid(roles, i)));
		int			j;

		for (j = 0; j < granted->n_members; j++)
		{
			HeapTuple	tuple = &granted->members[j]->tuple;

			roles = list_append_unique_oid(roles,
										   ((Form_pg_auth_members) GETSTRUCT(tuple))->roleid);
		}
		ReleaseSysCacheList(granted);
	}
	return roles;
}

/* entries are made complete or not at all, since loading may fail */
static const DdbPolicySet *
own_policies(Generation *generation, Oid role)
{
	RoleEntry  *entry = hash_search(generation->roles, &role, HASH_FIND, NULL);
	DdbPolicySet own;
	bool		found;

	if (entry != NULL && entry->has_own)
		return &entry->own;
	read_own(role, &own);
	entry = hash_search(generation->roles, &role, HASH_ENTER, &found);
	if (!found)
		entry->has_all = false;
	entry->own = own;
	entry->has_own = true;
	return &entry->own;
}

/* in CurrentMemoryContext, which is the generation's */
static void
collect(Generation *generation, List *roles, DdbPolicySet *all)
{
	DdbStoredPolicy *policies;
	int			count = 0;
	ListCell   *lc;

	foreach(lc, roles)
		count += own_policies(generation, lfirst_oid(lc))->count;
	policies = palloc(sizeof(DdbStoredPolicy) * Max(count, 1));
	all->policies = policies;
	all->count = count;
	foreach(lc, roles)
	{
		const DdbPolicySet *own = own_policies(generation, lfirst_oid(lc));

		if (own->count > 0)
			memcpy(policies, own->policies, sizeof(DdbStoredPolicy) * own->count);
		policies += own->count;
	}
}

/*
 * While something is loaded, messages may come: what was loaded holds for now,
 * and the next look makes another generation.
 */
static const DdbPolicySet *
load_role(Oid role)
{
	Generation *generation = grow_generation();
	List	   *roles = memberships(role);
	MemoryContext old = MemoryContextSwitchTo(generation->context);
	RoleEntry  *entry;
	DdbPolicySet all;

	collect(generation, roles, &all);
	MemoryContextSwitchTo(old);
	list_free(roles);
	entry = hash_search(generation->roles, &role, HASH_FIND, NULL);
	entry->all = all;
	entry->has_all = true;
	return &entry->all;
}

const DdbPolicySet *
ddb_policystore_of_role(Oid role)
{
	Generation *generation;
	RoleEntry  *entry;

	if (!is_stored(OF_ROLES))
		return &empty_set;
	generation = use_generation();
	if (generation->last_role != NULL && generation->last_role->role == role)
		return &generation->last_role->all;
	entry = hash_search(generation->roles, &role, HASH_FIND, NULL);
	if (entry == NULL || !entry->has_all)
		return load_role(role);
	generation->last_role = entry;
	return &entry->all;
}

static const DdbPolicySet *
load_key(const char *id)
{
	Generation *generation = grow_generation();
	MemoryContext old = MemoryContextSwitchTo(generation->context);
	DdbPolicySet set;
	KeyEntry   *entry;

	read_of_key(id, &set);
	MemoryContextSwitchTo(old);
	entry = hash_search(generation->keys, id, HASH_ENTER, NULL);
	entry->set = set;
	return &entry->set;
}

const DdbPolicySet *
ddb_policystore_of_key(const char *access_key_id)
{
	KeyEntry   *entry;

	if (!is_stored(OF_KEYS) || strlen(access_key_id) > DDB_ACCESSKEY_MAX_ID)
		return &empty_set;
	entry = hash_search(use_generation()->keys, access_key_id, HASH_FIND, NULL);
	return entry != NULL ? &entry->set : load_key(access_key_id);
}

static ResourceEntry *
load_resource(const ResourceKey *key)
{
	Generation *generation = grow_generation();
	MemoryContext old = MemoryContextSwitchTo(generation->context);
	DdbStoredPolicy policy = {NULL, NULL};
	TupleDesc	desc;
	HeapTuple	tuple = read_resource(key->relid, key->label, &desc);
	ResourceEntry *entry;

	if (tuple != NULL)
		read_policy(tuple, desc, ATT_REVISION_ID, ATT_RESOURCE_DOCUMENT,
					DDB_POLICY_RESOURCE, &policy);
	MemoryContextSwitchTo(old);
	entry = hash_search(generation->resources, key, HASH_ENTER, NULL);
	entry->exists = tuple != NULL;
	entry->stored = policy;
	return entry;
}

const DdbStoredPolicy *
ddb_policystore_of_resource(Oid relid, const char *stream_label)
{
	ResourceKey key;
	ResourceEntry *entry;

	if (!is_stored(OF_RESOURCES))
		return NULL;
	if (stream_label != NULL && strlen(stream_label) > MAX_LABEL)
		return NULL;
	memset(&key, 0, sizeof(key));
	key.relid = relid;
	if (stream_label != NULL)
		strlcpy(key.label, stream_label, sizeof(key.label));
	entry = hash_search(use_generation()->resources, &key, HASH_FIND, NULL);
	if (entry == NULL)
		entry = load_resource(&key);
	return entry->exists ? &entry->stored : NULL;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &queries[query - FIRST_QUERY]);
}

static uint64
run(int query, Datum *values, DdbTakeRow take, void *arg)
{
	return ddb_catalog_run(query, build_query, values, NULL, take, arg);
}

static Datum
text_datum(DdbText text)
{
	return PointerGetDatum(cstring_to_text_with_len(text.str, text.len));
}

void
ddb_policystore_put_role(Oid role, const char *policy_name, DdbText document)
{
	Datum		values[3];

	/* from here to the end of the transaction nobody can drop the role */
	shdepLockAndCheckObject(AuthIdRelationId, role);
	ddb_policystore_sweep();
	values[0] = ObjectIdGetDatum(role);
	values[1] = CStringGetTextDatum(policy_name);
	values[2] = text_datum(document);
	(void) run(QUERY_PUT_ROLE, values, NULL, NULL);
}

bool
ddb_policystore_delete_role(Oid role, const char *policy_name)
{
	Datum		values[2];

	values[0] = ObjectIdGetDatum(role);
	values[1] = CStringGetTextDatum(policy_name);
	return run(QUERY_DELETE_ROLE, values, NULL, NULL) > 0;
}

bool
ddb_policystore_put_key(const char *access_key_id, const char *policy_name, DdbText document)
{
	Datum		values[3];

	values[0] = CStringGetTextDatum(access_key_id);
	values[1] = CStringGetTextDatum(policy_name);
	values[2] = text_datum(document);
	return run(QUERY_PUT_KEY, values, NULL, NULL) > 0;
}

bool
ddb_policystore_delete_key(const char *access_key_id, const char *policy_name)
{
	Datum		values[2];

	values[0] = CStringGetTextDatum(access_key_id);
	values[1] = CStringGetTextDatum(policy_name);
	return run(QUERY_DELETE_KEY, values, NULL, NULL) > 0;
}

void
ddb_policystore_copy_key(const char *from, const char *to)
{
	Datum		values[2];

	values[0] = CStringGetTextDatum(from);
	values[1] = CStringGetTextDatum(to);
	(void) run(QUERY_COPY_KEY, values, NULL, NULL);
}

static void
take_policies(Datum *values, bool *nulls, void *arg)
{
	if (!nulls[0])
		*(Jsonb **) arg = DatumGetJsonbPCopy(values[0]);
}

Jsonb *
ddb_policystore_read_key(const char *access_key_id)
{
	Datum		value = CStringGetTextDatum(access_key_id);
	Jsonb	   *result = NULL;

	(void) run(QUERY_KEY_POLICIES, &value, take_policies, &result);
	return result;
}

/*
 * The roles that policies have and the server has not, as oid[].  They are
 * looked up as of now, as in accesskey.c.
 */
static ArrayType *
dead_roles(Relation rel)
{
	SysScanDesc scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	List	   *dead = NIL;
	Datum	   *roles;
	HeapTuple	tuple;
	int			i;

	while ((tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		role = heap_getattr(tuple, ATT_HOLDER, RelationGetDescr(rel), &isnull);

		CHECK_FOR_INTERRUPTS();
		if (!SearchSysCacheExists1(AUTHOID, role))
			dead = list_append_unique_oid(dead, DatumGetObjectId(role));
	}
	systable_endscan(scan);
	roles = palloc(sizeof(Datum) * Max(list_length(dead), 1));
	for (i = 0; i < list_length(dead); i++)
		roles[i] = ObjectIdGetDatum(list_nth_oid(dead, i));
	return construct_array(roles, list_length(dead), OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

void
ddb_policystore_sweep(void)
{
	Relation	rel;
	ArrayType  *roles;
	Datum		value;

	if (RecoveryInProgress() || !is_stored(OF_ROLES))
		return;
	rel = open_table(OF_ROLES);
	if (rel == NULL)
		return;
	roles = dead_roles(rel);
	table_close(rel, AccessShareLock);
	if (ARR_NDIM(roles) == 0)
		return;

	value = PointerGetDatum(roles);
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) run(QUERY_SWEEP_ROLES, &value, NULL, NULL);
	PopActiveSnapshot();
}

void
ddb_policystore_sweep_keys(void)
{
	if (is_stored(OF_KEYS))
		(void) run(QUERY_SWEEP_KEYS, NULL, NULL, NULL);
}

/* ----------------------------------------------------------------
 * Resource policies
 * ----------------------------------------------------------------
 */

static const char *
label_or_empty(const char *stream_label)
{
	return stream_label != NULL ? stream_label : "";
}

bool
ddb_policystore_read(Oid relid, const char *stream_label, DdbResourcePolicy *out)
{
	TupleDesc	desc;
	HeapTuple	tuple = read_resource(relid, label_or_empty(stream_label), &desc);
	bool		isnull;

	if (tuple == NULL)
		return false;
	out->document = TextDatumGetCString(heap_getattr(tuple, ATT_RESOURCE_DOCUMENT, desc, &isnull));
	out->revision_id = TextDatumGetCString(heap_getattr(tuple, ATT_REVISION_ID, desc, &isnull));
	return true;
}

/*
 * A revision id is the time in milliseconds since 1970, later than that of
 * the revision before.
 */
static char *
next_revision(Oid relid, const char *stream_label)
{
	int64		ms = (GetCurrentTimestamp() / 1000) +
		(int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY * 1000;
	DdbResourcePolicy before;

	if (ddb_policystore_read(relid, stream_label, &before) &&
		strspn(before.revision_id, "0123456789") == strlen(before.revision_id) &&
		strlen(before.revision_id) < 18)
		ms = Max(ms, strtoll(before.revision_id, NULL, 10) + 1);
	return psprintf(INT64_FORMAT, ms);
}

char *
ddb_policystore_write(Oid relid, const char *stream_label, DdbText document)
{
	char	   *revision = next_revision(relid, stream_label);
	Datum		values[4];

	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(label_or_empty(stream_label));
	values[2] = text_datum(document);
	values[3] = CStringGetTextDatum(revision);
	(void) run(QUERY_PUT_RESOURCE, values, NULL, NULL);
	return revision;
}

static void
take_revision(Datum *values, bool *nulls, void *arg)
{
	*(char **) arg = TextDatumGetCString(values[0]);
}

char *
ddb_policystore_delete(Oid relid, const char *stream_label)
{
	Datum		values[2];
	char	   *revision = NULL;

	values[0] = ObjectIdGetDatum(relid);
	values[1] = CStringGetTextDatum(label_or_empty(stream_label));
	(void) run(QUERY_DELETE_RESOURCE, values, take_revision, &revision);
	return revision;
}
