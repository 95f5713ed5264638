/*
 * policy_json.c
 *	  The text of a policy to a document.
 *
 * jsonb keeps the last of members with the same name, so that of two
 * StringEquals blocks one would be gone and the policy be wider than it reads.
 * A policy with such members is refused; that is why the text is gone through
 * once more here.
 */
#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "policy_internal.h"
#include "wire.h"

/* the names seen in the objects that are open, innermost last */
typedef struct NameScan
{
	int			depth;			/* of objects */
	int			first[DDB_WIRE_MAX_DEPTH + 1];	/* of an object's names */
	int			count;
	int			size;
	char	  **names;
	const char *repeated;		/* the first name found twice in an object */
} NameScan;

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
open_object(void *state)
{
	NameScan   *scan = state;

	Assert(scan->depth <= DDB_WIRE_MAX_DEPTH);
	scan->first[scan->depth++] = scan->count;
}

static void
add_name(void *state, char *name, bool isnull)
{
	NameScan   *scan = state;

	if (scan->count == scan->size)
	{
		scan->size *= 2;
		scan->names = repalloc(scan->names, scan->size * sizeof(char *));
	}
	scan->names[scan->count++] = name;
}

/* An object's names, sorted, show what is there twice. */
static void
close_object(void *state)
{
	NameScan   *scan = state;
	int			first = scan->first[--scan->depth];
	int			i;

	CHECK_FOR_INTERRUPTS();
	qsort(scan->names + first, scan->count - first, sizeof(char *), compare_names);
	for (i = first + 1; i < scan->count && scan->repeated == NULL; i++)
	{
		if (strcmp(scan->names[i - 1], scan->names[i]) == 0)
			scan->repeated = scan->names[i];
	}
	scan->count = first;
}

/*
 * A problem with the names of a text that is JSON, or NULL.  U+0000 is refused
 * along the way; the server's parser does not take it.
 */
static char *
check_names(DdbText document)
{
	NameScan	scan = {.size = 64};
	JsonSemAction actions = {
		.semstate = &scan,
		.object_start = open_object,
		.object_end = close_object,
		.object_field_start = add_name
	};
	JsonLexContext *lex;

	scan.names = palloc(scan.size * sizeof(char *));
	lex = makeJsonLexContextCstringLen(unconstify(char *, document.str), document.len,
									   PG_UTF8, true);
	if (pg_parse_json(lex, &actions) != JSON_SUCCESS)
		return "The policy contains characters that a policy cannot have";
	if (scan.repeated != NULL)
	{
		DdbText		name = {scan.repeated, strlen(scan.repeated)};

		return psprintf("The field %.*s is repeated", POLICY_QUOTED(name));
	}
	return NULL;
}

/*
 * ddb_policy_read returns the document of a policy's text, in
 * CurrentMemoryContext, where nothing else is left; or NULL with *problem set.
 */
Jsonb *
ddb_policy_read(DdbText document, char **problem)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	Jsonb	   *result = NULL;
	char	   *found;

	if (document.len > DDB_POLICY_MAX_SIZE)
	{
		*problem = psprintf("The policy exceeds the maximum size of %d bytes",
							DDB_POLICY_MAX_SIZE);
		return NULL;
	}
	if (!ddb_wire_is_json(document.str, document.len))
	{
		*problem = pstrdup("The policy is not in the valid JSON format");
		return NULL;
	}

	scratch = AllocSetContextCreate(caller, "dynamo policy text", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	found = check_names(document);
	if (found == NULL)
	{
		Jsonb	   *parsed = ddb_wire_parse(document.str, document.len);

		MemoryContextSwitchTo(caller);
		result = ddb_doc_copy(ddb_doc_root(parsed));
	}
	MemoryContextSwitchTo(caller);
	if (found != NULL)
		*problem = pstrdup(found);
	MemoryContextDelete(scratch);
	return result;
}
