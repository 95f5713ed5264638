/*
 * accesskey.c
 *	  Access keys: read, cached, written.
 *
 * dynamo.access_key has one row per key.  It is read by systable scans, which
 * need no privilege and no plan, and written through SPI as its owner.  A
 * statement trigger on it sends a relation invalidation for every change,
 * whoever makes it, and so the cache of each backend is true at the beginning
 * of a transaction.  The cache knows found keys only, so that requests with
 * invented ids cannot fill it.
 *
 * A row holds the oid of its role: a role that is dropped and created again
 * has another one, and its old keys stay dead.
 *
 * Secrets leave this file in DdbAccessKey and as parameters of statements,
 * never as part of a statement's text or a message.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "accesskey.h"
#include "catalog.h"
#include "compat.h"
#include "plancache.h"

/* columns of dynamo.access_key */
#define ATT_ID				1
#define ATT_ROLE			2
#define ATT_SECRET			3
#define ATT_SESSION_TOKEN	4
#define ATT_EXPIRES_AT		5
#define ATT_STATUS			6
#define ATT_CREATED_AT		7
#define ATT_CLAIMS			8
#define NATTS				8

#define MAX_CACHED_KEYS		1024
#define SIGNING_KEYS		2	/* of a cached key: two days around midnight */
#define MAX_SCOPE			128

/* queries of this file, see plancache.h */
enum
{
	QUERY_INSERT = DDB_QUERY_CATALOG + 200,
	QUERY_SET_STATUS,
	QUERY_DELETE,
	QUERY_SWEEP
};

typedef struct SigningKey
{
	char		scope[MAX_SCOPE];	/* date/region/service; empty for none */
	uint8		key[DDB_SIGV4_KEY_LENGTH];
} SigningKey;

typedef struct CachedKey
{
	DdbAccessKey key;			/* what callers hold, first */
	MemoryContext context;		/* owns all of this */
	LocalTransactionId last_used;
	SigningKey	signing[SIGNING_KEYS];
	int			next_signing;	/* the one to be replaced next */
	struct CachedKey *next_retired;
} CachedKey;

typedef struct CacheEntry
{
	char		id[DDB_ACCESSKEY_MAX_ID + 1];	/* hash key, first */
	bool		valid;
	CachedKey  *cached;
} CacheEntry;

static HTAB *cache = NULL;

/* keys out of the cache that the transaction may still hold */
static CachedKey *retired = NULL;

/* the table that entries were read from; InvalidOid when it is to be looked up */
static Oid	cached_relid = InvalidOid;

/* counts invalidation messages, so that one that comes during a load is seen */
static uint64 invalidations = 0;

/* ----------------------------------------------------------------
 * Reading the table
 * ----------------------------------------------------------------
 */

/*
 * dynamo.access_key; InvalidOid where the extension is missing.  A table of
 * that name that is not the extension's would let its owner be any role.
 */
static Oid
access_key_relid(void)
{
	Oid			extension = get_extension_oid("pg_dynamo", true);
	Oid			schema = get_namespace_oid("dynamo", true);
	Oid			relid;

	if (!OidIsValid(extension) || !OidIsValid(schema))
		return InvalidOid;
	relid = get_relname_relid("access_key", schema);
	if (!OidIsValid(relid) ||
		getExtensionOfObject(RelationRelationId, relid) != extension)
		return InvalidOid;
	return relid;
}

Oid
ddb_accesskey_owner(void)
{
	Oid			relid = access_key_relid();

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" does not exist", "pg_dynamo")));
	return ddb_relation_owner(relid);
}

static bool
role_exists(Oid role)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/* a key from its row, in CurrentMemoryContext */
static void
key_of_tuple(HeapTuple tuple, TupleDesc desc, DdbAccessKey *key)
{
	Datum		values[NATTS];
	bool		nulls[NATTS];
	int			i;

	for (i = 0; i < NATTS; i++)
		values[i] = heap_getattr(tuple, i + 1, desc, &nulls[i]);
	key->id = TextDatumGetCString(values[ATT_ID - 1]);
	key->role = DatumGetObjectId(values[ATT_ROLE - 1]);
	key->secret = TextDatumGetCString(values[ATT_SECRET - 1]);
	key->session_token = nulls[ATT_SESSION_TOKEN - 1] ? NULL :
		TextDatumGetCString(values[ATT_SESSION_TOKEN - 1]);
	key->expires_at = nulls[ATT_EXPIRES_AT - 1] ? DT_NOEND :
		DatumGetTimestampTz(values[ATT_EXPIRES_AT - 1]);
	key->active = strcmp(TextDatumGetCString(values[ATT_STATUS - 1]), "Active") == 0;
	key->created_at = DatumGetTimestampTz(values[ATT_CREATED_AT - 1]);
	key->claims = nulls[ATT_CLAIMS - 1] ? NULL :
		DatumGetJsonbPCopy(values[ATT_CLAIMS - 1]);
}

/*
 * Fill key with the row of an id, in CurrentMemoryContext; false without one
 * or without its role.
 */
static bool
read_key(Oid relid, DdbText id, DdbAccessKey *key)
{
	Relation	rel = try_table_open(relid, AccessShareLock);
	Oid			index;
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (rel == NULL)
		return false;
	index = RelationGetPrimaryKeyIndex(rel);
	ScanKeyEntryInitialize(&scan_key, 0, ATT_ID, BTEqualStrategyNumber,
						   InvalidOid, C_COLLATION_OID, F_TEXTEQ,
						   PointerGetDatum(cstring_to_text_with_len(id.str, id.len)));
	scan = systable_beginscan(rel, index, OidIsValid(index), NULL, 1, &scan_key);
	tuple = systable_getnext(scan);
	if (tuple != NULL)
		key_of_tuple(tuple, RelationGetDescr(rel), key);
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return tuple != NULL && role_exists(key->role);
}

static bool
is_possible_id(DdbText id)
{
	return id.len > 0 && id.len <= DDB_ACCESSKEY_MAX_ID &&
		memchr(id.str, '\0', id.len) == NULL;
}

DdbAccessKey *
ddb_accesskey_read(DdbText id)
{
	Oid			relid = access_key_relid();
	DdbAccessKey *key = palloc0(sizeof(DdbAccessKey));

	if (OidIsValid(relid) && is_possible_id(id) && read_key(relid, id, key))
		return key;
	return NULL;
}

/*
 * All rows in the order of their ids, those of dropped roles included.
 */
static List *
read_rows(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);
	Relation	index = index_open(RelationGetPrimaryKeyIndex(rel), AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(rel, index, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *result = NIL;

	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)) != NULL)
	{
		DdbAccessKey *key = palloc0(sizeof(DdbAccessKey));

		CHECK_FOR_INTERRUPTS();
		key_of_tuple(tuple, RelationGetDescr(rel), key);
		result = lappend(result, key);
	}
	systable_endscan_ordered(scan);
	index_close(index, AccessShareLock);
	table_close(rel, AccessShareLock);
	return result;
}

List *
ddb_accesskey_read_all(void)
{
	Oid			relid = access_key_relid();
	List	   *rows = OidIsValid(relid) ? read_rows(relid) : NIL;
	ListCell   *lc;

	foreach(lc, rows)
	{
		if (!role_exists(((DdbAccessKey *) lfirst(lc))->role))
			rows = foreach_delete_current(rows, lc);
	}
	return rows;
}

/* ----------------------------------------------------------------
 * The cache
 * ----------------------------------------------------------------
 */

static void
invalidate_all(void)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	invalidations++;
	if (cache == NULL)
		return;
	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->valid = false;
}

static void
invalidate_relation(Datum arg, Oid relid)
{
	if (relid != InvalidOid && relid != cached_relid)
		return;
	cached_relid = InvalidOid;
	invalidate_all();
}

/* a dropped role ends its keys */
static void
invalidate_role(Datum arg, int cacheid, uint32 hashvalue)
{
	invalidate_all();
}

void
ddb_accesskey_init(void)
{
	CacheRegisterRelcacheCallback(invalidate_relation, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, invalidate_role, (Datum) 0);
}

static void
create_cache(void)
{
	HASHCTL		ctl;

	ctl.keysize = DDB_ACCESSKEY_MAX_ID + 1;
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hcxt = AllocSetContextCreate(CacheMemoryContext, "pg_dynamo access keys",
									 ALLOCSET_DEFAULT_SIZES);
	cache = hash_create("pg_dynamo access keys", 32, &ctl,
						HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
free_cached(CachedKey *cached)
{
	explicit_bzero(cached->key.secret, strlen(cached->key.secret));
	explicit_bzero(cached->signing, sizeof(cached->signing));
	MemoryContextDelete(cached->context);
}

static void
free_retired(void)
{
	CachedKey **link = &retired;

	while (*link != NULL)
	{
		CachedKey  *cached = *link;

		if (cached->last_used == DDB_MY_LXID)
		{
			link = &cached->next_retired;
			continue;
		}
		*link = cached->next_retired;
		free_cached(cached);
	}
}

static void
retire(CachedKey *cached)
{
	if (cached->last_used != DDB_MY_LXID)
	{
		free_cached(cached);
		return;
	}
	cached->next_retired = retired;
	retired = cached;
}

static void
empty_cache(void)
{
	HASH_SEQ_STATUS status;
	CacheEntry *entry;

	hash_seq_init(&status, cache);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		retire(entry->cached);
		hash_search(cache, entry->id, HASH_REMOVE, NULL);
	}
}

/*
 * Read an active key into a context of its own; NULL when there is none.
 */
static CachedKey *
load(DdbText id)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext,
											   "pg_dynamo access key",
											   ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	CachedKey  *cached = palloc0(sizeof(CachedKey));
	Oid			relid = OidIsValid(cached_relid) ? cached_relid : access_key_relid();
	bool		found;

	/* from here on its changes are noticed, those during the scan included */
	cached_relid = relid;
	found = OidIsValid(relid) && read_key(relid, id, &cached->key) && cached->key.active;
	MemoryContextSwitchTo(old);
	if (!found)
	{
		MemoryContextDelete(work);
		return NULL;
	}
	MemoryContextSetParent(work, CacheMemoryContext);
	cached->context = work;
	return cached;
}

/*
 * Load a key into the cache; NULL when there is none, and then no entry.
 */
static CachedKey *
load_entry(DdbText id, const char *name)
{
	uint64		invalidations_before = invalidations;
	CachedKey  *cached = load(id);
	CacheEntry *entry = hash_search(cache, name, HASH_FIND, NULL);

	if (entry != NULL)
	{
		retire(entry->cached);
		hash_search(cache, name, HASH_REMOVE, NULL);
	}
	if (cached == NULL)
		return NULL;
	if (hash_get_num_entries(cache) >= MAX_CACHED_KEYS)
		empty_cache();
	entry = hash_search(cache, name, HASH_ENTER, NULL);
	entry->cached = cached;
	entry->valid = invalidations == invalidations_before;
	return cached;
}

const DdbAccessKey *
ddb_accesskey_find(DdbText id)
{
	char		name[DDB_ACCESSKEY_MAX_ID + 1];
	CacheEntry *entry;
	CachedKey  *cached;

	if (!is_possible_id(id))
		return NULL;
	memcpy(name, id.str, id.len);
	name[id.len] = '\0';

	if (cache == NULL)
		create_cache();
	if (retired != NULL)
		free_retired();

	entry = hash_search(cache, name, HASH_FIND, NULL);
	cached = entry != NULL && entry->valid ? entry->cached : load_entry(id, name);
	if (cached == NULL)
		return NULL;
	cached->last_used = DDB_MY_LXID;
	return &cached->key;
}

const uint8 *
ddb_accesskey_signing_key(const DdbAccessKey *key, const char *scope_date,
						  DdbText region, DdbText service)
{
	CachedKey  *cached = (CachedKey *) key;
	SigningKey *slot;
	char		scope[MAX_SCOPE];
	int			len;
	int			i;

	len = snprintf(scope, sizeof(scope), "%s/%.*s/%.*s", scope_date,
				   region.len, region.str, service.len, service.str);
	for (i = 0; i < SIGNING_KEYS && len < MAX_SCOPE; i++)
	{
		if (strcmp(cached->signing[i].scope, scope) == 0)
			return cached->signing[i].key;
	}

	slot = &cached->signing[cached->next_signing];
	slot->scope[0] = '\0';
	ddb_sigv4_signing_key(key->secret, scope_date, region, service, slot->key);
	if (len < MAX_SCOPE)
		strlcpy(slot->scope, scope, sizeof(slot->scope));
	cached->next_signing = (cached->next_signing + 1) % SIGNING_KEYS;
	return slot->key;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static const DdbFixedQuery key_queries[] = {
	[QUERY_INSERT - QUERY_INSERT] = {
		"INSERT INTO dynamo.access_key (access_key_id, role, secret_access_key,"
		" session_token, expires_at, status, created_at, claims)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
		" ON CONFLICT DO NOTHING",
		NATTS, {TEXTOID, REGROLEOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID,
		JSONBOID}
	},
	[QUERY_SET_STATUS - QUERY_INSERT] = {
		"UPDATE dynamo.access_key SET status = $3"
		" WHERE access_key_id = $1 AND role = $2",
		3, {TEXTOID, REGROLEOID, TEXTOID}
	},
	[QUERY_DELETE - QUERY_INSERT] = {
		"DELETE FROM dynamo.access_key WHERE access_key_id = $1 AND role = $2",
		2, {TEXTOID, REGROLEOID}
	},
	[QUERY_SWEEP - QUERY_INSERT] = {
		"DELETE FROM dynamo.access_key WHERE access_key_id IN"
		" (SELECT k.access_key_id FROM dynamo.access_key k"
		" WHERE k.role = ANY ($1) OR k.expires_at < now() - interval '24 hours'"
		" FOR UPDATE SKIP LOCKED)",
		1, {OIDARRAYOID}
	}
};

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &key_queries[query - QUERY_INSERT]);
}

/*
 * Run one of the queries above as the owner of the table; returns the number
 * of rows written.
 */
static uint64
write_key(int query, Datum *values, const char *nulls)
{
	DdbAsOwner	as_owner;
	uint64		processed;
	int			rc;

	ddb_as_owner_begin(&as_owner, ddb_accesskey_owner());
	SPI_connect();
	rc = SPI_execute_plan(ddb_plan_get(NULL, query, build_query),
						  values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "could not write access keys: %s", SPI_result_code_string(rc));
	processed = SPI_processed;
	SPI_finish();
	ddb_as_owner_end(&as_owner);
	return processed;
}

static Datum
status_datum(bool active)
{
	return CStringGetTextDatum(active ? "Active" : "Inactive");
}

bool
ddb_accesskey_insert(const DdbAccessKey *key)
{
	Datum		values[NATTS];
	char		nulls[NATTS + 1] = "        ";

	/* from here to the end of the transaction nobody can drop the role */
	shdepLockAndCheckObject(AuthIdRelationId, key->role);

	values[ATT_ID - 1] = CStringGetTextDatum(key->id);
	values[ATT_ROLE - 1] = ObjectIdGetDatum(key->role);
	values[ATT_SECRET - 1] = CStringGetTextDatum(key->secret);
	if (key->session_token != NULL)
		values[ATT_SESSION_TOKEN - 1] = CStringGetTextDatum(key->session_token);
	else
		nulls[ATT_SESSION_TOKEN - 1] = 'n';
	if (key->expires_at != DT_NOEND)
		values[ATT_EXPIRES_AT - 1] = TimestampTzGetDatum(key->expires_at);
	else
		nulls[ATT_EXPIRES_AT - 1] = 'n';
	values[ATT_STATUS - 1] = status_datum(key->active);
	values[ATT_CREATED_AT - 1] = TimestampTzGetDatum(key->created_at);
	if (key->claims != NULL)
		values[ATT_CLAIMS - 1] = JsonbPGetDatum(key->claims);
	else
		nulls[ATT_CLAIMS - 1] = 'n';
	return write_key(QUERY_INSERT, values, nulls) > 0;
}

bool
ddb_accesskey_set_active(const DdbAccessKey *key, bool active)
{
	Datum		values[3];

	values[0] = CStringGetTextDatum(key->id);
	values[1] = ObjectIdGetDatum(key->role);
	values[2] = status_datum(active);
	return write_key(QUERY_SET_STATUS, values, NULL) > 0;
}

bool
ddb_accesskey_delete(const DdbAccessKey *key)
{
	Datum		values[2];

	values[0] = CStringGetTextDatum(key->id);
	values[1] = ObjectIdGetDatum(key->role);
	return write_key(QUERY_DELETE, values, NULL) > 0;
}

/*
 * The roles that keys have and the server has not, as oid[].  They are looked
 * up as of now, not in the transaction's snapshot, which may be older than a
 * role whose key it has just made.  *expired: is there anything else to delete?
 */
static ArrayType *
dead_roles(List *rows, bool *expired)
{
	Datum	   *roles = palloc(sizeof(Datum) * (list_length(rows) + 1));
	TimestampTz yesterday = GetCurrentTimestamp() - USECS_PER_DAY;
	int			nroles = 0;
	ListCell   *lc;

	*expired = false;
	foreach(lc, rows)
	{
		DdbAccessKey *key = lfirst(lc);

		if (!role_exists(key->role))
			roles[nroles++] = ObjectIdGetDatum(key->role);
		if (key->expires_at < yesterday)
			*expired = true;
	}
	return construct_array(roles, nroles, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
}

void
ddb_accesskey_sweep(void)
{
	Oid			relid = access_key_relid();
	ArrayType  *roles;
	Datum		value;
	bool		expired;

	if (!OidIsValid(relid) || RecoveryInProgress())
		return;
	roles = dead_roles(read_rows(relid), &expired);
	if (ARR_NDIM(roles) == 0 && !expired)
		return;

	value = PointerGetDatum(roles);
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) write_key(QUERY_SWEEP, &value, NULL);
	PopActiveSnapshot();
}
