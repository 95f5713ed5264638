/*
 * decode_options.c
 *	  What a reader of a slot may ask of the output plugin: one table.
 *
 * An option that is misspelt would silently show something else than what was
 * asked for, so nothing unknown is accepted.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "decode_options.h"

typedef struct OptionInfo
{
	const char *name;
	const char *values;			/* for the hint */
	bool		(*parse) (const char *value, void *field);	/* false: not a value */
	size_t		field;			/* offset in DdbDecodeOptions */
	const char *fallback;		/* value of an option without one; or NULL */
} OptionInfo;

static const char *const formats[] = {
	[DDB_FORMAT_RECORDS] = "records",
	[DDB_FORMAT_BATCHES] = "batches",
	[DDB_FORMAT_INTERNAL] = "internal",
};

static bool
parse_boolean(const char *value, void *field)
{
	return parse_bool(value, (bool *) field);
}

static bool
parse_format(const char *value, void *field)
{
	int			i;

	for (i = 0; i < lengthof(formats); i++)
	{
		if (strcmp(formats[i], value) == 0)
		{
			*(int *) field = i;
			return true;
		}
	}
	return false;
}

/* names separated by commas, in quotes if need be */
static bool
parse_tables(const char *value, void *field)
{
	List	  **names = field;
	ListCell   *lc;

	if (!SplitGUCList(pstrdup(value), ',', names) || *names == NIL)
		return false;
	foreach(lc, *names)
	{
		if (*(char *) lfirst(lc) == '\0')
			return false;
	}
	return true;
}

static const OptionInfo options[] = {
	{
		.name = "format",
		.values = "records, batches and internal",
		.parse = parse_format,
		.field = offsetof(DdbDecodeOptions, format)
	},
	{
		.name = "include_index_tables",
		.values = "on and off",
		.parse = parse_boolean,
		.field = offsetof(DdbDecodeOptions, include_index_tables),
		.fallback = "on"
	},
	{
		.name = "include_transactions",
		.values = "on and off",
		.parse = parse_boolean,
		.field = offsetof(DdbDecodeOptions, include_transactions),
		.fallback = "on"
	},
	{
		.name = "tables",
		.values = "lists of table names, separated by commas",
		.parse = parse_tables,
		.field = offsetof(DdbDecodeOptions, tables)
	},
};

static void refuse_name(const char *name) pg_attribute_noreturn();

static void
refuse_name(const char *name)
{
	StringInfoData known;
	int			i;

	initStringInfo(&known);
	for (i = 0; i < lengthof(options); i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", options[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("output plugin pg_dynamo has no option \"%s\"", name),
			 errhint("Options are: %s.", known.data)));
}

static int
find_option(const char *name)
{
	int			i;

	for (i = 0; i < lengthof(options); i++)
	{
		if (strcmp(options[i].name, name) == 0)
			return i;
	}
	refuse_name(name);
}

static void
parse_option(const OptionInfo *option, const char *value, DdbDecodeOptions *out)
{
	if (value != NULL && option->parse(value, (char *) out + option->field))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 value == NULL ?
			 errmsg("option \"%s\" of output plugin pg_dynamo needs a value", option->name) :
			 errmsg("option \"%s\" of output plugin pg_dynamo does not take \"%s\"",
					option->name, value),
			 errhint("Values are: %s.", option->values)));
}

void
ddb_decode_parse_options(List *given, DdbDecodeOptions *out)
{
	bool		seen[lengthof(options)] = {false};
	ListCell   *lc;

	memset(out, 0, sizeof(*out));
	foreach(lc, given)
	{
		DefElem    *elem = lfirst(lc);
		int			i = find_option(elem->defname);

		if (seen[i])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("option \"%s\" of output plugin pg_dynamo is given twice",
							elem->defname)));
		seen[i] = true;
		parse_option(&options[i], elem->arg != NULL ? strVal(elem->arg) : options[i].fallback,
					 out);
	}
}
