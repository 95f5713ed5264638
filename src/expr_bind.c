/*
 * expr_bind.c
 *	  From the text of an expression and a request's substitution maps to a
 *	  checked binding.
 *
 * A program depends on its text alone and comes from the backend's cache.
 * What a request adds, names and values, is looked up anew: a binding is two
 * small arrays whose elements point into the request's documents.
 *
 * Nothing here knows items, tables or operations.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "error.h"
#include "expr_bind.h"
#include "expr_cache.h"

#define MAX_PLACEHOLDER_SIZE	255		/* of #n and :v, in bytes */
#define MAX_SUBSTITUTION_SIZE	(2 * 1024 * 1024)	/* all of a request, in bytes */

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

static void *
parse_program(int space, const char *text, int len)
{
	return ddb_expr_parse((ExprKind) space, text, len);
}

/*
 * ddb_expr_prepare: a checked binding of text (len bytes) in
 * CurrentMemoryContext.  It points into the context's documents, and into a
 * program that lasts as long as CurrentMemoryContext and the transaction do.
 *
 * Raises ValidationException "Invalid <Kind>Expression: ...": for the text
 * first, then for what it says of the request's names and values.
 */
ExprBinding *
ddb_expr_prepare(ExprRequest *context, ExprKind kind, const char *text, int len)
{
	const ExprProgram *program = ddb_expr_cache_get(kind, text, len,
													parse_program);
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
