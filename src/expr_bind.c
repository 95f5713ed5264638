/*
 * expr_bind.c
 *	  From the text of an expression and a request's substitution maps to a
 *	  checked binding; the cache of parsed programs.
 *
 * A program depends on its text alone, and clients send the same few texts
 * over and over, so each backend keeps the programs it has parsed.  What a
 * request adds, names and values, is looked up anew: a binding is two small
 * arrays whose elements point into the request's documents.
 *
 * Bindings point into cached programs, so a program must outlive the
 * transaction that uses it.  Each entry remembers the transaction of its last
 * use as a number that a reset callback of TopTransactionContext counts up;
 * entries of the current number are never dropped.
 *
 * Nothing here knows items, tables or operations.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "error.h"
#include "expr_bind.h"

#define MAX_PLACEHOLDER_SIZE	255		/* of #n and :v, in bytes */
#define MAX_SUBSTITUTION_SIZE	(2 * 1024 * 1024)	/* all of a request, in bytes */
#define MAX_CACHED_PROGRAMS		1024

/* ---- the cache ---- */

typedef struct CacheKey
{
	const char *text;			/* in the entry's context once it is stored */
	int			len;
	ExprKind	kind;
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;			/* first, as the hash table wants it */
	const ExprProgram *program;
	MemoryContext context;		/* of program and key.text */
	uint64		last_used;		/* number of a transaction */
	dlist_node	node;			/* in recency */
} CacheEntry;

static HTAB *cache = NULL;
static MemoryContext cache_context = NULL;
static dlist_head recency = DLIST_STATIC_INIT(recency);	/* latest use first */
static uint64 current_transaction = 1;
static bool transaction_watched = false;

static uint32
cache_key_hash(const void *key, Size keysize)
{
	const CacheKey *cache_key = key;

	return hash_combine(hash_bytes((const unsigned char *) cache_key->text,
								   cache_key->len),
						(uint32) cache_key->kind);
}

/* as memcmp: 0 for equal keys */
static int
cache_key_compare(const void *a, const void *b, Size keysize)
{
	const CacheKey *x = a;
	const CacheKey *y = b;

	if (x->kind != y->kind || x->len != y->len)
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

	dlist_delete(&entry->node);
	hash_search(cache, &entry->key, HASH_REMOVE, NULL);
	MemoryContextDelete(context);
}

/*
 * Make room for one entry.  If even the entry unused for longest belongs to
 * this transaction, so do all others, and the cache grows for now.
 */
static void
cache_shrink(void)
{
	while (hash_get_num_entries(cache) >= MAX_CACHED_PROGRAMS)
	{
		CacheEntry *oldest = dlist_tail_element(CacheEntry, node, &recency);

		if (oldest->last_used == current_transaction)
			break;
		cache_remove(oldest);
	}
}

/*
 * Parse and store.  Everything that can fail happens while the new context
 * still belongs to the caller's, so an error leaves nothing behind.
 */
static CacheEntry *
cache_add(const CacheKey *wanted)
{
	MemoryContext context;
	MemoryContext old_context;
	ExprProgram *program;
	CacheKey	key = *wanted;
	CacheEntry *entry;
	char	   *text;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"pg_dynamo expression",
									ALLOCSET_SMALL_SIZES);
	old_context = MemoryContextSwitchTo(context);
	program = ddb_expr_parse(key.kind, key.text, key.len);
	text = palloc(key.len);
	memcpy(text, key.text, key.len);
	key.text = text;
	MemoryContextSwitchTo(old_context);

	cache_shrink();
	entry = hash_search(cache, &key, HASH_ENTER, NULL);
	entry->program = program;
	entry->context = context;
	dlist_push_head(&recency, &entry->node);
	MemoryContextSetParent(context, cache_context);
	return entry;
}

static const ExprProgram *
cache_get(ExprKind kind, const char *text, int len)
{
	CacheKey	key = {text, len, kind};
	CacheEntry *entry;

	if (cache == NULL)
		cache_create();
	watch_transaction();
	entry = hash_search(cache, &key, HASH_FIND, NULL);
	if (entry == NULL)
		entry = cache_add(&key);
	else
		dlist_move_head(&recency, &entry->node);
	entry->last_used = current_transaction;
	return entry->program;
}

void
ddb_expr_cache_reset(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &recency)
	{
		CacheEntry *entry = dlist_container(CacheEntry, node, iter.cur);

		if (!transaction_watched || entry->last_used != current_transaction)
			cache_remove(entry);
	}
}

/* ---- the substitution maps of a request ---- */

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_';
}

/* is key the sigil and at least one letter, digit or _ ? */
static bool
is_placeholder(DdbText key, char sigil)
{
	int			i;

	if (key.len < 2 || key.len > MAX_PLACEHOLDER_SIZE || key.str[0] != sigil)
		return false;
	for (i = 1; i < key.len; i++)
	{
		if (!is_word(key.str[i]))
			return false;
	}
	return true;
}

/* a map that is present has pairs, and keys of the right form */
static void
check_keys(DdbDoc map, char sigil, const char *parameter)
{
	DdbDocCursor cursor;
	DdbText		key;
	JsonbValue	value;

	if (ddb_doc_count(map) == 0)
		ddb_validation_error("%s must not be empty", parameter);
	ddb_doc_begin(&cursor, map);
	while (ddb_doc_next(&cursor, &key, &value))
	{
		if (!is_placeholder(key, sigil))
			ddb_validation_error("%s contains invalid key: Syntax error; key: \"%.*s\"",
								 parameter, key.len, key.str);
	}
}

static void
check_names(DdbDoc names)
{
	DdbDocCursor cursor;
	DdbText		key;
	JsonbValue	value;

	ddb_doc_begin(&cursor, names);
	while (ddb_doc_next(&cursor, &key, &value))
	{
		if (value.type != jbvString || value.val.string.len == 0)
			ddb_validation_error("ExpressionAttributeNames contains invalid value: Empty attribute name for key %.*s",
								 key.len, key.str);
		if (value.val.string.len > DDB_MAX_NAME_SIZE &&
			ddb_text_decoded_size(value.val.string.val,
								  value.val.string.len) > DDB_MAX_NAME_SIZE)
			ddb_validation_error("ExpressionAttributeNames contains invalid value: Attribute name is too large, must be less than %d bytes for key %.*s",
								 DDB_MAX_NAME_SIZE + 1, key.len, key.str);
		if (!ddb_text_is_valid(value.val.string.val, value.val.string.len))
			ddb_validation_error("ExpressionAttributeNames contains invalid value: malformed escape of U+0000 in a string for key %.*s",
								 key.len, key.str);
	}
}

/* the values in stored form: as sent, or rewritten where one was not */
static DdbDoc
accept_values(DdbDoc values)
{
	DdbDocCursor cursor;
	DdbText		key;
	JsonbValue	value;
	bool		canonical = true;

	ddb_doc_begin(&cursor, values);
	while (ddb_doc_next(&cursor, &key, &value))
	{
		DdbCheck	check = ddb_value_check(&value);

		if (check.message != NULL)
			ddb_validation_error("ExpressionAttributeValues contains invalid value: %s for key %.*s",
								 check.message, key.len, key.str);
		canonical = canonical && check.canonical;
	}
	return canonical ? values : ddb_doc_root(ddb_item_canonical(values));
}

/* bytes of one map: its keys and what they stand for */
static int64
substitution_size(DdbDoc map)
{
	DdbDocCursor cursor;
	DdbText		key;
	JsonbValue	value;
	DdbValue	opened;
	int64		size = 0;

	if (map.ptr == NULL)
		return 0;
	ddb_doc_begin(&cursor, map);
	while (ddb_doc_next(&cursor, &key, &value))
	{
		size += key.len;
		if (value.type == jbvString)
			size += ddb_text_decoded_size(value.val.string.val,
										  value.val.string.len);
		else
		{
			ddb_value_open(ddb_doc_of(&value), &opened);
			size += ddb_value_size(&opened);
		}
	}
	return size;
}

/* the documents themselves are a cheap upper bound of what is counted */
static void
check_substitution_size(const ExprRequest *context)
{
	int64		size;

	if ((int64) context->names.len + context->values.len <= MAX_SUBSTITUTION_SIZE)
		return;
	size = substitution_size(context->names) + substitution_size(context->values);
	if (size > MAX_SUBSTITUTION_SIZE)
		ddb_validation_error("The sum of the lengths of all ExpressionAttributeNames and ExpressionAttributeValues has exceeded the maximum allowed size; size: " INT64_FORMAT,
							 size);
}

/*
 * ddb_expr_context_init: take in a request's ExpressionAttributeNames and
 * ExpressionAttributeValues; ptr is NULL where one is absent.
 *
 * Names are checked before values, and in each map all keys before any value.
 * Raises ValidationException.  Values that are not in stored form are
 * rewritten, in CurrentMemoryContext; otherwise the context points into the
 * documents given.
 */
void
ddb_expr_context_init(ExprRequest *context, DdbDoc names, DdbDoc values)
{
	memset(context, 0, sizeof(ExprRequest));
	if (names.ptr != NULL)
	{
		check_keys(names, '#', "ExpressionAttributeNames");
		check_names(names);
		context->names = names;
		context->name_used = palloc0(ddb_doc_count(names) * sizeof(bool));
	}
	if (values.ptr != NULL)
	{
		check_keys(values, ':', "ExpressionAttributeValues");
		context->values = accept_values(values);
		context->value_used = palloc0(ddb_doc_count(context->values) * sizeof(bool));
	}
	check_substitution_size(context);
}

static int
compare_texts(const void *a, const void *b)
{
	const DdbText *x = a;
	const DdbText *y = b;
	int			result = memcmp(x->str, y->str, Min(x->len, y->len));

	return result != 0 ? result : x->len - y->len;
}

/* raise with the list of all keys of map that are not used, in byte order */
static void
check_all_used(DdbDoc map, const bool *used, const char *parameter)
{
	int			count = map.ptr != NULL ? ddb_doc_count(map) : 0;
	int			nunused = 0;
	DdbText    *unused;
	JsonbValue	value;
	StringInfoData list;
	int			i;

	for (i = 0; i < count && used[i]; i++)
		continue;
	if (i == count)
		return;

	unused = palloc((count - i) * sizeof(DdbText));
	for (; i < count; i++)
	{
		if (!used[i])
			ddb_doc_pair(map, i, &unused[nunused++], &value);
	}
	qsort(unused, nunused, sizeof(DdbText), compare_texts);
	initStringInfo(&list);
	for (i = 0; i < nunused; i++)
	{
		if (i > 0)
			appendStringInfoString(&list, ", ");
		appendBinaryStringInfo(&list, unused[i].str, unused[i].len);
	}
	ddb_validation_error("Value provided in %s unused in expressions: keys: {%s}",
						 parameter, list.data);
}

/*
 * ddb_expr_context_finish: call when all expressions of the request are
 * prepared.  A placeholder is used when it occurs in the text of any of them.
 */
void
ddb_expr_context_finish(ExprRequest *context)
{
	check_all_used(context->names, context->name_used,
				   "ExpressionAttributeNames");
	check_all_used(context->values, context->value_used,
				   "ExpressionAttributeValues");
}

/* ---- binding ---- */

/*
 * Index of a placeholder in a map, whose keys jsonb sorts by length and then
 * by bytes; -1 when absent.  Marks the pair as used.
 */
static int
find_pair(DdbDoc map, bool *used, const ExprPlaceholder *placeholder,
		  JsonbValue *value)
{
	int			low = 0;
	int			high = map.ptr != NULL ? ddb_doc_count(map) : 0;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		DdbText		key;
		int			order;

		ddb_doc_pair(map, middle, &key, value);
		order = placeholder->len - key.len;
		if (order == 0)
			order = memcmp(placeholder->str, key.str, key.len);
		if (order == 0)
		{
			used[middle] = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

static ExprBinding *
make_binding(const ExprProgram *program)
{
	ExprBinding *binding;
	char	   *memory;
	Size		names_size = MAXALIGN(program->nnames * sizeof(DdbText));
	Size		values_size = program->nvalues * sizeof(DdbValue);

	memory = palloc0(MAXALIGN(sizeof(ExprBinding)) + names_size + values_size);
	binding = (ExprBinding *) memory;
	memory += MAXALIGN(sizeof(ExprBinding));
	binding->program = program;
	binding->names = (DdbText *) memory;
	binding->values = (DdbValue *) (memory + names_size);
	return binding;
}

/*
 * ddb_expr_prepare: a checked binding of text (len bytes) in
 * CurrentMemoryContext.  It points into the context's documents, and into a
 * cached program that stays until the transaction ends.
 *
 * Raises ValidationException "Invalid <Kind>Expression: ...": for the text
 * first, then for what it says of the request's names and values.
 */
ExprBinding *
ddb_expr_prepare(ExprRequest *context, ExprKind kind, const char *text, int len)
{
	const ExprProgram *program = cache_get(kind, text, len);
	ExprBinding *binding = make_binding(program);
	JsonbValue	value;
	int			i;

	for (i = 0; i < program->nnames; i++)
	{
		if (find_pair(context->names, context->name_used,
					  &program->names[i], &value) < 0)
			continue;
		binding->names[i].str = value.val.string.val;
		binding->names[i].len = value.val.string.len;
	}
	for (i = 0; i < program->nvalues; i++)
	{
		if (find_pair(context->values, context->value_used,
					  &program->values[i], &value) >= 0)
			ddb_value_open(ddb_doc_of(&value), &binding->values[i]);
	}
	ddb_expr_check(binding);
	return binding;
}

/* ---- asking about paths ---- */

static bool
path_begins_with(const ExprBinding *binding, const ExprPath *path,
				 DdbText name, bool nested_only)
{
	DdbText		first = ddb_expr_step_name(binding, &path->steps[0]);

	return first.len == name.len &&
		memcmp(first.str, name.str, name.len) == 0 &&
		(!nested_only || path->nsteps > 1);
}

static bool
node_uses_attribute(const ExprBinding *binding, const ExprNode *node,
					DdbText name, bool nested_only)
{
	int			i;

	check_stack_depth();
	if (node->kind == EXPR_PATH)
		return path_begins_with(binding, &node->path, name, nested_only);
	for (i = 0; i < node->nargs; i++)
	{
		if (node_uses_attribute(binding, node->args[i], name, nested_only))
			return true;
	}
	return false;
}

/*
 * ddb_expr_uses_attribute: does any path of a condition or projection, or any
 * target of an update, begin with the top-level attribute name (stored form)?
 * With nested_only, only longer paths count: a key attribute is a scalar and
 * may be named, but not looked into.
 */
bool
ddb_expr_uses_attribute(const ExprBinding *binding, DdbText name, bool nested_only)
{
	const ExprProgram *program = binding->program;
	int			i;

	if (program->condition != NULL &&
		node_uses_attribute(binding, program->condition, name, nested_only))
		return true;
	for (i = 0; i < program->npaths; i++)
	{
		if (path_begins_with(binding, &program->paths[i], name, nested_only))
			return true;
	}
	for (i = 0; i < program->nactions; i++)
	{
		if (path_begins_with(binding, &program->actions[i].path, name, nested_only))
			return true;
	}
	return false;
}
