/*
 * expr_cache.c
 *	  What this backend has parsed: expressions and PartiQL statements.
 *
 * A tree depends on its text alone, and clients send the same few texts over
 * and over, so each backend keeps what it has parsed, the latest used of it
 * within bounds of number and size.
 *
 * Callers point into the trees, so a tree must outlive the transaction that
 * uses it.  Each entry remembers the transaction of its last use as a number
 * that a reset callback of TopTransactionContext counts up; entries of the
 * current number are never dropped.  When they fill the cache, what the
 * transaction parses from then on is its caller's alone.
 *
 * Nothing here knows what a tree is.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "expr_cache.h"

#define MAX_ENTRIES		1024
#define MAX_SIZE		(16 * 1024 * 1024)	/* of all entries, in bytes */

typedef struct CacheKey
{
	const char *text;			/* in the entry's context once it is stored */
	int			len;
	int			space;
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;			/* first, as the hash table wants it */
	const void *tree;
	MemoryContext context;		/* of tree and key.text */
	Size		size;			/* of context */
	uint64		last_used;		/* number of a transaction */
	dlist_node	node;			/* in recency */
} CacheEntry;

static HTAB *cache = NULL;
static MemoryContext cache_context = NULL;
static dlist_head recency = DLIST_STATIC_INIT(recency);	/* latest use first */
static Size cache_size = 0;		/* of all entries */
static uint64 current_transaction = 1;
static bool transaction_watched = false;

static uint32
cache_key_hash(const void *key, Size keysize)
{
	const CacheKey *cache_key = key;

	return hash_combine(hash_bytes((const unsigned char *) cache_key->text,
								   cache_key->len),
						(uint32) cache_key->space);
}

/* as memcmp: 0 for equal keys */
static int
cache_key_compare(const void *a, const void *b, Size keysize)
{
	const CacheKey *x = a;
	const CacheKey *y = b;

	if (x->space != y->space || x->len != y->len)
		return 1;
	return memcmp(x->text, y->text, x->len);
}

static void
cache_create(void)
{
	HASHCTL		ctl = {0};

	if (cache_context == NULL)
		cache_context = AllocSetContextCreate(CacheMemoryContext,
											  "pg_dynamo expressions",
											  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(CacheKey);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hash = cache_key_hash;
	ctl.match = cache_key_compare;
	ctl.hcxt = cache_context;
	cache = hash_create("pg_dynamo expressions", 128, &ctl,
						HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

static void
transaction_ended(void *arg)
{
	current_transaction++;
	transaction_watched = false;
}

/* see to it that the number changes when this transaction ends */
static void
watch_transaction(void)
{
	MemoryContextCallback *callback;

	if (transaction_watched)
		return;
	callback = MemoryContextAllocZero(TopTransactionContext,
									  sizeof(MemoryContextCallback));
	callback->func = transaction_ended;
	MemoryContextRegisterResetCallback(TopTransactionContext, callback);
	transaction_watched = true;
}

static void
cache_remove(CacheEntry *entry)
{
	MemoryContext context = entry->context;

	cache_size -= entry->size;
	dlist_delete(&entry->node);
	hash_search(cache, &entry->key, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/*
 * Make room for one entry of this size.  If even the entry unused for longest
 * belongs to this transaction, so do all others, and there is none: false.
 */
static bool
cache_make_room(Size size)
{
	while (hash_get_num_entries(cache) >= MAX_ENTRIES ||
		   cache_size + size > MAX_SIZE)
	{
		CacheEntry *oldest;

		if (dlist_is_empty(&recency))
			return false;
		oldest = dlist_tail_element(CacheEntry, node, &recency);
		if (oldest->last_used == current_transaction)
			return false;
		cache_remove(oldest);
	}
	return true;
}

/*
 * Parse and, if there is room, store.  Everything that can fail happens while
 * the new context still belongs to the caller's, so an error leaves nothing
 * behind; a tree for which there is no room stays there.
 */
static const void *
cache_add(const CacheKey *wanted, ExprCacheParse parse)
{
	MemoryContext context;
	MemoryContext old_context;
	void	   *tree;
	CacheKey	key = *wanted;
	CacheEntry *entry;
	char	   *text;
	Size		size;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_dynamo expression",
									ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(context);
	tree = parse(key.space, key.text, key.len);
	text = palloc(key.len);
	memcpy(text, key.text, key.len);
	key.text = text;
	MemoryContextSwitchTo(old_context);

	size = MemoryContextMemAllocated(context, true);
	if (!cache_make_room(size))
		return tree;
	entry = hash_search(cache, &key, HASH_ENTER, NULL);
	entry->tree = tree;
	entry->context = context;
	entry->size = size;
	entry->last_used = current_transaction;
	cache_size += size;
	dlist_push_head(&recency, &entry->node);
	MemoryContextSetParent(context, cache_context);
	return tree;
}

const void *
ddb_expr_cache_get(int space, const char *text, int len, ExprCacheParse parse)
{
	CacheKey	key = {text, len, space};
	CacheEntry *entry;

	if (cache == NULL)
		cache_create();
	watch_transaction();
	entry = hash_search(cache, &key, HASH_FIND, NULL);
	if (entry == NULL)
		return cache_add(&key, parse);
	dlist_move_head(&recency, &entry->node);
	entry->last_used = current_transaction;
	return entry->tree;
}
