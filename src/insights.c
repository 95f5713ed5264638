/*
 * insights.c
 *	  Contributor Insights: the keys that are accessed, or throttled, most.
 *
 * Shared memory holds a fixed number of resources, each of them a table or an
 * index in use; a resource has two windows of time, a window a sketch for each
 * rule, a sketch a fixed number of counters:
 *
 *		resource | window present   | PKC: 128 counters, hash table, heap
 *		         |                  | SKC, PKT, SKT
 *		         | window before it | ...
 *
 * A sketch is that of the Space-Saving algorithm: a key that has no counter
 * takes over the one with the least count, and inherits that count, which
 * from then on is the possible error.  The hash table finds the counter of a
 * key, the heap the one with the least count.
 *
 * Keys are kept as text, shortened to what fits a counter, and told apart by
 * hashes of the whole: a hash of 64 bits with a seed that nobody knows.
 *
 * One lock says which resources there are; each has a lock of its own for its
 * contents, held while a key is counted or the contents are copied.  Who holds
 * one of the latter takes no other lock.  A resource without counts in either
 * window may be taken over by any other relation.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "common/hashfn.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "attrval.h"
#include "guc.h"
#include "insights.h"

#define TRANCHE			"pg_dynamo insights"
#define COUNTERS		128		/* of a sketch */
#define SLOTS			256		/* of its hash table, a power of two */
#define KEY_BYTES		160		/* kept of a key */
#define KNOWN			64		/* relations whose resource a process remembers */
#define RETRY_US		USECS_PER_SEC

typedef struct Counter
{
	uint64		hash;			/* of the whole key */
	double		count;
	double		error;
	uint8		place;			/* in the heap */
	uint8		partition_len;	/* in bytes */
	uint8		sort_len;
	bool		partition_cut;
	bool		sort_cut;
	char		key[KEY_BYTES]; /* partition key, then sort key */
} Counter;

typedef struct Sketch
{
	double		total;			/* of all that was counted */
	int			used;			/* counters */
	uint8		slots[SLOTS];	/* number of a counter + 1, or 0 */
	uint8		heap[COUNTERS]; /* numbers of counters, the least count first */
	Counter		counters[COUNTERS];
} Sketch;

typedef struct Window
{
	TimestampTz start;
	Sketch		sketch[DDB_INSIGHTS_RULES];
} Window;

/* what a resource is used for */
typedef struct Owner
{
	Oid			database;
	Oid			relid;			/* InvalidOid: it is free */
} Owner;

typedef struct Resource
{
	Owner		owner;
	int			present;		/* of the two windows */
	Window		window[2];
} Resource;

typedef struct Shared
{
	uint64		seed;			/* of hashes */
	int			count;
	bool		warned;			/* that all resources are in use */
	Resource	resource[FLEXIBLE_ARRAY_MEMBER];
} Shared;

/* a key as it is counted */
typedef struct Key
{
	uint64		hash;
	int			partition_len;
	int			sort_len;
	bool		partition_cut;
	bool		sort_cut;
	char		text[KEY_BYTES];
} Key;

/* what a process remembers of a relation; the resource may be another's since */
typedef struct Known
{
	Oid			relid;
	int			number;			/* -1: there was no resource for it */
	TimestampTz retry_at;
} Known;

/* NULL without shared memory */
static Shared *shared = NULL;
static LWLockPadded *locks = NULL;
static Known known[KNOWN];

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

/* ----------------------------------------------------------------
 * Shared memory
 * ----------------------------------------------------------------
 */

static Size
shared_size(void)
{
	return add_size(offsetof(Shared, resource),
					mul_size(ddb_contributor_insights_max, sizeof(Resource)));
}

static void
request_memory(void)
{
	if (previous_request_hook != NULL)
		previous_request_hook();
	RequestAddinShmemSpace(shared_size());
	RequestNamedLWLockTranche(TRANCHE, 1 + ddb_contributor_insights_max);
}

static void
start_memory(void)
{
	bool		found;
	int			i;

	if (previous_startup_hook != NULL)
		previous_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_dynamo insights", shared_size(), &found);
	if (!found)
	{
		if (!pg_strong_random(&shared->seed, sizeof(shared->seed)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random number")));
		shared->count = ddb_contributor_insights_max;
		shared->warned = false;
		for (i = 0; i < shared->count; i++)
			shared->resource[i].owner.relid = InvalidOid;
	}
	locks = GetNamedLWLockTranche(TRANCHE);
	LWLockRelease(AddinShmemInitLock);
}

/*
 * ddb_insights_init asks for shared memory.  To be called from _PG_init while
 * libraries are preloaded, after the settings are defined.
 */
void
ddb_insights_init(void)
{
	if (ddb_contributor_insights_max == 0)
		return;
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

static LWLock *
registry_lock(void)
{
	return &locks[0].lock;
}

static LWLock *
resource_lock(int number)
{
	return &locks[1 + number].lock;
}

/* ----------------------------------------------------------------
 * Sketches
 * ----------------------------------------------------------------
 */

static void
place_counter(Sketch *sketch, int place, int number)
{
	sketch->heap[place] = number;
	sketch->counters[number].place = place;
}

static double
count_at(const Sketch *sketch, int place)
{
	return sketch->counters[sketch->heap[place]].count;
}

/* the count at this place has grown */
static void
sift_down(Sketch *sketch, int place)
{
	int			number = sketch->heap[place];
	double		count = sketch->counters[number].count;
	int			child;

	while ((child = 2 * place + 1) < sketch->used)
	{
		if (child + 1 < sketch->used && count_at(sketch, child + 1) < count_at(sketch, child))
			child++;
		if (count <= count_at(sketch, child))
			break;
		place_counter(sketch, place, sketch->heap[child]);
		place = child;
	}
	place_counter(sketch, place, number);
}

/* the count at this place, the last one, is new */
static void
sift_up(Sketch *sketch, int place)
{
	int			number = sketch->heap[place];
	double		count = sketch->counters[number].count;

	while (place > 0 && count < count_at(sketch, (place - 1) / 2))
	{
		place_counter(sketch, place, sketch->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	place_counter(sketch, place, number);
}

static bool
is_key_of(const Counter *counter, const Key *key)
{
	return counter->hash == key->hash &&
		counter->partition_len == key->partition_len &&
		counter->sort_len == key->sort_len &&
		memcmp(counter->key, key->text, key->partition_len + key->sort_len) == 0;
}

/* the slot of the key, or the free one where it belongs; there always is one */
static int
find_slot(const Sketch *sketch, const Key *key)
{
	int			slot = key->hash % SLOTS;

	while (sketch->slots[slot] != 0 &&
		   !is_key_of(&sketch->counters[sketch->slots[slot] - 1], key))
		slot = (slot + 1) % SLOTS;
	return slot;
}

/* those that come after it in its chain move up */
static void
free_slot_of(Sketch *sketch, int number)
{
	int			hole = sketch->counters[number].hash % SLOTS;
	int			slot;

	while (sketch->slots[hole] != number + 1)
		hole = (hole + 1) % SLOTS;
	for (slot = (hole + 1) % SLOTS; sketch->slots[slot] != 0; slot = (slot + 1) % SLOTS)
	{
		int			home = sketch->counters[sketch->slots[slot] - 1].hash % SLOTS;

		if ((slot - home + SLOTS) % SLOTS < (slot - hole + SLOTS) % SLOTS)
			continue;
		sketch->slots[hole] = sketch->slots[slot];
		hole = slot;
	}
	sketch->slots[hole] = 0;
}

/* the key into a counter, which has its counts already */
static void
set_key(Sketch *sketch, int number, const Key *key)
{
	Counter    *counter = &sketch->counters[number];

	counter->hash = key->hash;
	counter->partition_len = key->partition_len;
	counter->sort_len = key->sort_len;
	counter->partition_cut = key->partition_cut;
	counter->sort_cut = key->sort_cut;
	memcpy(counter->key, key->text, key->partition_len + key->sort_len);
	sketch->slots[find_slot(sketch, key)] = number + 1;
}

static void
add_counter(Sketch *sketch, const Key *key, double weight)
{
	int			number = sketch->used++;

	sketch->counters[number].count = weight;
	sketch->counters[number].error = 0;
	set_key(sketch, number, key);
	sketch->heap[number] = number;
	sift_up(sketch, number);
}

static void
take_over_least(Sketch *sketch, const Key *key, double weight)
{
	int			number = sketch->heap[0];
	Counter    *counter = &sketch->counters[number];

	free_slot_of(sketch, number);
	counter->error = counter->count;
	counter->count += weight;
	set_key(sketch, number, key);
	sift_down(sketch, 0);
}

static void
count_key(Sketch *sketch, const Key *key, double weight)
{
	int			number = sketch->slots[find_slot(sketch, key)] - 1;

	sketch->total += weight;
	if (number >= 0)
	{
		sketch->counters[number].count += weight;
		sift_down(sketch, sketch->counters[number].place);
	}
	else if (sketch->used < COUNTERS)
		add_counter(sketch, key, weight);
	else
		take_over_least(sketch, key, weight);
}

/* ----------------------------------------------------------------
 * Windows
 * ----------------------------------------------------------------
 */

static TimestampTz
window_of(TimestampTz now)
{
	return now - now % DDB_INSIGHTS_WINDOW;
}

static void
clear_window(Window *window, TimestampTz start)
{
	int			i;

	window->start = start;
	for (i = 0; i < DDB_INSIGHTS_RULES; i++)
	{
		window->sketch[i].total = 0;
		window->sketch[i].used = 0;
		memset(window->sketch[i].slots, 0, sizeof(window->sketch[i].slots));
	}
}

static void
clear_resource(Resource *resource, TimestampTz start)
{
	resource->present = 0;
	clear_window(&resource->window[0], start);
	clear_window(&resource->window[1], start - DDB_INSIGHTS_WINDOW);
}

/*
 * The window in which an event of now is counted.  Who read the clock just
 * before the hour, and comes after another who began the new window, counts
 * there; a clock that was set back further begins anew.
 */
static Window *
present_window(Resource *resource, TimestampTz now)
{
	TimestampTz start = window_of(now);
	Window	   *present = &resource->window[resource->present];

	if (start == present->start + DDB_INSIGHTS_WINDOW)
	{
		resource->present = 1 - resource->present;
		present = &resource->window[resource->present];
		clear_window(present, start);
	}
	else if (start != present->start && start != present->start - DDB_INSIGHTS_WINDOW)
	{
		clear_resource(resource, start);
		present = &resource->window[resource->present];
	}
	return present;
}

/* is a window that began at start the one of now, or the one before? */
static bool
is_shown(TimestampTz start, TimestampTz now)
{
	return start >= window_of(now) - DDB_INSIGHTS_WINDOW;
}

/* ----------------------------------------------------------------
 * Resources
 * ----------------------------------------------------------------
 */

static Owner
owner_of(Oid relid)
{
	Owner		owner = {MyDatabaseId, relid};

	return owner;
}

static bool
is_owner(const Resource *resource, Owner owner)
{
	return resource->owner.relid == owner.relid && resource->owner.database == owner.database;
}

/* under any lock of the registry; -1 if there is none */
static int
find_resource(Owner owner)
{
	int			i;

	for (i = 0; i < shared->count; i++)
	{
		if (is_owner(&shared->resource[i], owner))
			return i;
	}
	return -1;
}

static bool
is_idle(int number, TimestampTz now)
{
	Resource   *resource = &shared->resource[number];
	bool		idle;

	LWLockAcquire(resource_lock(number), LW_SHARED);
	idle = !OidIsValid(resource->owner.relid) ||
		!is_shown(resource->window[resource->present].start, now);
	LWLockRelease(resource_lock(number));
	return idle;
}

/* under the registry's exclusive lock */
static void
assign(int number, Owner owner, TimestampTz now)
{
	Resource   *resource = &shared->resource[number];

	LWLockAcquire(resource_lock(number), LW_EXCLUSIVE);
	resource->owner = owner;
	if (OidIsValid(owner.relid))
		clear_resource(resource, window_of(now));
	LWLockRelease(resource_lock(number));
}

/* -1 if all are in use; *warn: say so now */
static int
assign_resource(Owner owner, TimestampTz now, bool *warn)
{
	int			number;
	int			i;

	*warn = false;
	LWLockAcquire(registry_lock(), LW_EXCLUSIVE);
	number = find_resource(owner);
	for (i = 0; number < 0 && i < shared->count; i++)
	{
		if (!is_idle(i, now))
			continue;
		assign(i, owner, now);
		number = i;
	}
	if (number < 0)
	{
		*warn = !shared->warned;
		shared->warned = true;
	}
	LWLockRelease(registry_lock());
	return number;
}

/* as the process remembers, or as it is; -1 if there is none */
static int
resource_of(Oid relid, TimestampTz now)
{
	Known	   *entry = &known[relid % KNOWN];
	bool		warn = false;

	if (entry->relid == relid &&
		(entry->number >= 0 || (now < entry->retry_at && now > entry->retry_at - RETRY_US)))
		return entry->number;

	LWLockAcquire(registry_lock(), LW_SHARED);
	entry->number = find_resource(owner_of(relid));
	LWLockRelease(registry_lock());
	if (entry->number < 0)
		entry->number = assign_resource(owner_of(relid), now, &warn);
	entry->relid = relid;
	entry->retry_at = now + RETRY_US;
	if (warn)
		ereport(WARNING,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("Contributor Insights is enabled for more than %d tables and indexes in use",
						shared->count),
				 errdetail("No keys are counted for the others."),
				 errhint("Raise dynamo.contributor_insights_max and restart the server.")));
	return entry->number;
}

/* all that are in use, of this database or of all; palloc'd */
static Owner *
list_owners(bool all, int *count)
{
	Owner	   *owners = palloc(Max(shared->count, 1) * sizeof(Owner));
	int			i;

	*count = 0;
	LWLockAcquire(registry_lock(), LW_SHARED);
	for (i = 0; i < shared->count; i++)
	{
		Owner		owner = shared->resource[i].owner;

		if (OidIsValid(owner.relid) && (all || owner.database == MyDatabaseId))
			owners[(*count)++] = owner;
	}
	LWLockRelease(registry_lock());
	return owners;
}

Oid *
ddb_insights_relations(int *count)
{
	Owner	   *owners;
	Oid		   *relids;
	int			i;

	*count = 0;
	if (shared == NULL)
		return NULL;
	owners = list_owners(false, count);
	relids = palloc(Max(*count, 1) * sizeof(Oid));
	for (i = 0; i < *count; i++)
		relids[i] = owners[i].relid;
	return relids;
}

void
ddb_insights_resource(Oid relid, const DdbTable **table, const DdbIndex **index)
{
	Oid			table_relid;
	int			i;

	*index = NULL;
	*table = ddb_catalog_of_relation(relid);
	if (*table != NULL)
		return;
	table_relid = ddb_catalog_table_of_index(relid);
	if (OidIsValid(table_relid))
		*table = ddb_catalog_of_relation(table_relid);
	for (i = 0; *table != NULL && i < (*table)->nindexes; i++)
	{
		if ((*table)->indexes[i].relid == relid)
			*index = &(*table)->indexes[i];
	}
	if (*index == NULL)
		*table = NULL;
}

/* of other databases we know only whether they are there */
static bool
is_over(Owner owner)
{
	const DdbTable *table;
	const DdbIndex *index;

	if (owner.database != MyDatabaseId)
		return !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(owner.database));
	ddb_insights_resource(owner.relid, &table, &index);
	return table == NULL ||
		(index ? &index->capacity : &table->capacity)->insights == DDB_INSIGHTS_OFF;
}

static void
release(Owner owner)
{
	Owner		nobody = {InvalidOid, InvalidOid};
	int			number;

	LWLockAcquire(registry_lock(), LW_EXCLUSIVE);
	number = find_resource(owner);
	if (number >= 0)
		assign(number, nobody, 0);
	LWLockRelease(registry_lock());
}

/*
 * This looks at the catalog as the transaction sees it: one that disables and
 * is rolled back costs counts, one whose change another process has not seen
 * may leave some for the next sweep.
 */
void
ddb_insights_sweep(void)
{
	Owner	   *owners;
	int			count;
	int			i;

	if (shared == NULL)
		return;
	owners = list_owners(true, &count);
	for (i = 0; i < count; i++)
	{
		if (is_over(owners[i]))
			release(owners[i]);
	}
}

/* ----------------------------------------------------------------
 * Keys
 * ----------------------------------------------------------------
 */

/* one half of a key: its attributes, and the text they make */
typedef struct KeyPart
{
	int			count;			/* of attributes; 0 for none */
	DdbText		values[DDB_MAX_KEY_PARTS];
	bool		cut;
	int			len;
	char		text[KEY_BYTES];
} KeyPart;

static void
append(KeyPart *part, const char *str, int len)
{
	int			room = KEY_BYTES - part->len;

	part->cut = part->cut || len > room;
	memcpy(part->text + part->len, str, Min(len, room));
	part->len += Min(len, room);
}

/* as an element of a JSON array; control characters are left as they are */
static void
append_element(KeyPart *part, DdbText value)
{
	int			i;

	append(part, part->len == 0 ? "[\"" : ", \"", part->len == 0 ? 2 : 3);
	for (i = 0; i < value.len && !part->cut; i++)
	{
		if (value.str[i] == '"' || value.str[i] == '\\')
			append(part, "\\", 1);
		append(part, &value.str[i], 1);
	}
	append(part, "\"", 1);
}

/* the value itself; of keys that have several attributes an array of strings */
static void
write_text(KeyPart *part)
{
	int			i;

	part->len = 0;
	part->cut = false;
	if (part->count == 1)
		append(part, part->values[0].str, part->values[0].len);
	if (part->count <= 1)
		return;
	for (i = 0; i < part->count; i++)
		append_element(part, part->values[i]);
	append(part, "]", 1);
}

/* false, and a count of 0, unless doc has all of the attributes */
static bool
read_part(DdbDoc doc, const DdbKeyAttr *attrs, int count, KeyPart *part)
{
	int			i;

	part->count = 0;
	for (i = 0; i < count; i++)
	{
		DdbValue	value;

		if (!ddb_item_get(doc, attrs[i].name.str, attrs[i].name.len, &value) ||
			value.type != attrs[i].type)
			return false;
		part->values[i] = value.text;
	}
	part->count = count;
	write_text(part);
	return count > 0;
}

static uint64
hash_part(const KeyPart *part, uint64 hash)
{
	int			i;

	for (i = 0; i < part->count; i++)
		hash = hash_bytes_extended((const unsigned char *) part->values[i].str,
								   part->values[i].len, hash);
	return hash;
}

/* at most room bytes of it; returns their number */
static int
copy_part(const KeyPart *part, int room, char *out, bool *cut)
{
	int			len = part->len;

	*cut = part->cut || len > room;
	if (*cut)
		len = pg_mbcliplen(part->text, len, Min(room, len));
	memcpy(out, part->text, len);
	return len;
}

/* each half may have half of the room, and what the other leaves */
static void
make_key(const KeyPart *partition, const KeyPart *sort, Key *key)
{
	int			room = Max(KEY_BYTES / 2, KEY_BYTES - sort->len);

	key->partition_len = copy_part(partition, room, key->text, &key->partition_cut);
	room = KEY_BYTES - key->partition_len;
	key->sort_len = copy_part(sort, room, key->text + key->partition_len, &key->sort_cut);
	key->hash = hash_part(sort, hash_part(partition, shared->seed));
}

/* what is counted: the partition key, and the whole key where there is one */
typedef struct Event
{
	Oid			relid;
	Key			partition;
	Key			whole;
	bool		has_sort_key;
} Event;

static bool
read_event(const DdbTable *table, const DdbIndex *index, DdbDoc doc, Event *event)
{
	const DdbKeyAttr *sort_key = index ? index->sort : &table->keys.attr[1];
	int			nsort = index ? index->nsort : table->keys.nattrs - 1;
	KeyPart		partition;
	KeyPart		sort = {0};

	if (index != NULL ?
		!read_part(doc, index->partition, index->npartition, &partition) :
		!read_part(doc, table->keys.attr, 1, &partition))
		return false;
	event->relid = index ? index->relid : table->relid;
	make_key(&partition, &sort, &event->partition);
	event->has_sort_key = read_part(doc, sort_key, nsort, &sort);
	if (event->has_sort_key)
		make_key(&partition, &sort, &event->whole);
	return true;
}

/* ----------------------------------------------------------------
 * Counting
 * ----------------------------------------------------------------
 */

/* false if the resource is another's by now */
static bool
count_event(int number, const Event *event, DdbInsightsEvent kind, double weight,
			TimestampTz now)
{
	Resource   *resource = &shared->resource[number];
	bool		ours;

	LWLockAcquire(resource_lock(number), LW_EXCLUSIVE);
	ours = is_owner(resource, owner_of(event->relid));
	if (ours)
	{
		Sketch	   *sketch = present_window(resource, now)->sketch;

		if (kind == DDB_KEY_THROTTLED)
			sketch += DDB_RULE_PKT;
		count_key(&sketch[DDB_RULE_PKC], &event->partition, weight);
		if (event->has_sort_key)
			count_key(&sketch[DDB_RULE_SKC], &event->whole, weight);
	}
	LWLockRelease(resource_lock(number));
	return ours;
}

void
ddb_insights_count(const DdbTable *table, const DdbIndex *index, DdbDoc doc,
				   DdbInsightsEvent event, double weight)
{
	DdbInsights mode = (index ? &index->capacity : &table->capacity)->insights;
	TimestampTz now;
	Event		counted;
	int			number;

	if (mode == DDB_INSIGHTS_OFF || shared == NULL || doc.ptr == NULL ||
		(mode == DDB_INSIGHTS_THROTTLED && event != DDB_KEY_THROTTLED))
		return;
	if (!read_event(table, index, doc, &counted))
		return;
	now = GetCurrentTimestamp();
	number = resource_of(counted.relid, now);
	if (number < 0 || count_event(number, &counted, event, Max(weight, 1), now))
		return;
	known[counted.relid % KNOWN].relid = InvalidOid;
	number = resource_of(counted.relid, now);
	if (number >= 0)
		(void) count_event(number, &counted, event, Max(weight, 1), now);
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

const char *
ddb_insights_rule_name(DdbInsightsRule rule)
{
	static const char *const names[] = {"PKC", "SKC", "PKT", "SKT"};

	return names[rule];
}

bool
ddb_insights_has_rule(const DdbTable *table, const DdbIndex *index, DdbInsights mode,
					  DdbInsightsRule rule)
{
	bool		has_sort_key = index ? index->nsort > 0 : table->keys.nattrs > 1;

	if (mode == DDB_INSIGHTS_OFF ||
		(mode == DDB_INSIGHTS_THROTTLED && (rule == DDB_RULE_PKC || rule == DDB_RULE_SKC)))
		return false;
	return has_sort_key || rule == DDB_RULE_PKC || rule == DDB_RULE_PKT;
}

static int
compare_contributors(const void *a, const void *b)
{
	const DdbContributor *left = a;
	const DdbContributor *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	if (left->error != right->error)
		return left->error < right->error ? -1 : 1;
	return strcmp(left->partition_key, right->partition_key);
}

/* what was cut off is marked with three dots */
static char *
text_of_key(const char *text, int len, bool cut)
{
	return psprintf("%.*s%s", len, text, cut ? "..." : "");
}

static void
read_sketch(const Sketch *sketch, DdbInsightsCounts *out)
{
	bool		has_sort_key = out->rule == DDB_RULE_SKC || out->rule == DDB_RULE_SKT;
	int			i;

	out->total = sketch->total;
	out->count = sketch->used;
	out->contributors = palloc0(sketch->used * sizeof(DdbContributor));
	for (i = 0; i < sketch->used; i++)
	{
		const Counter *counter = &sketch->counters[i];
		DdbContributor *contributor = &out->contributors[i];

		contributor->partition_key = text_of_key(counter->key, counter->partition_len,
												 counter->partition_cut);
		if (has_sort_key)
			contributor->sort_key = text_of_key(counter->key + counter->partition_len,
												counter->sort_len, counter->sort_cut);
		contributor->count = counter->count;
		contributor->error = counter->error;
	}
	qsort(out->contributors, out->count, sizeof(DdbContributor), compare_contributors);
}

/* a copy of what has been counted for the relation; false if nothing has */
static bool
copy_resource(Oid relid, Resource *out)
{
	int			number;

	LWLockAcquire(registry_lock(), LW_SHARED);
	number = find_resource(owner_of(relid));
	if (number >= 0)
	{
		LWLockAcquire(resource_lock(number), LW_SHARED);
		memcpy(out, &shared->resource[number], sizeof(Resource));
		LWLockRelease(resource_lock(number));
	}
	LWLockRelease(registry_lock());
	return number >= 0;
}

DdbInsightsCounts *
ddb_insights_read(Oid relid, int *count)
{
	DdbInsightsCounts *list = palloc(2 * DDB_INSIGHTS_RULES * sizeof(DdbInsightsCounts));
	TimestampTz now = GetCurrentTimestamp();
	Resource   *copy = palloc(sizeof(Resource));
	int			i;
	int			rule;

	*count = 0;
	if (shared == NULL || !copy_resource(relid, copy))
		return list;
	for (i = 0; i < 2; i++)
	{
		const Window *window = &copy->window[i];

		for (rule = 0; is_shown(window->start, now) && rule < DDB_INSIGHTS_RULES; rule++)
		{
			if (window->sketch[rule].used == 0)
				continue;
			list[*count].rule = rule;
			list[*count].start = window->start;
			read_sketch(&window->sketch[rule], &list[(*count)++]);
		}
	}
	pfree(copy);
	return list;
}
