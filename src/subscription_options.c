/*
 * subscription_options.c
 *	  Options of subscriptions: one table says what there is.
 *
 * The same table reads, checks and writes them.  The secret is an option on
 * the way in and a column of its own afterwards, so that the options can be
 * shown.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "subscription_internal.h"

#define FUNCTION	(1 << DDB_TARGET_FUNCTION)
#define URL			(1 << DDB_TARGET_URL)
#define NOTIFY		(1 << DDB_TARGET_NOTIFY)
#define ANY			(FUNCTION | URL | NOTIFY)

typedef enum OptionType
{
	OPTION_INTEGER,
	OPTION_NUMBER,
	OPTION_BOOLEAN,
	OPTION_STRING,				/* 1 .. max bytes */
	OPTION_START,
	OPTION_FILTER
} OptionType;

typedef struct Option
{
	const char *name;
	OptionType	type;
	int			targets;		/* what it is for */
	size_t		offset;			/* in DdbSubscriptionOptions */
	double		value;			/* default, of numbers and booleans */
	double		min;
	double		max;
	bool		fixed;			/* once the subscription is there */
	bool		hidden;
} Option;

#define FIELD(name) offsetof(DdbSubscriptionOptions, name)

static const Option options_table[] = {
	{"backoff", OPTION_NUMBER, ANY, FIELD(backoff), 1, 0.01, 3600},
	{"batch_size", OPTION_INTEGER, ANY, FIELD(batch_size), 100, 1, 10000},
	{"batch_window", OPTION_NUMBER, ANY, FIELD(batch_window), 0, 0, 300},
	{"bisect_on_error", OPTION_BOOLEAN, FUNCTION | URL, FIELD(bisect_on_error), false},
	{"dead_letter_table", OPTION_STRING, ANY, FIELD(dead_letter_table), .max = 255},
	{"exactly_once", OPTION_BOOLEAN, FUNCTION, FIELD(exactly_once), true},
	{"filter", OPTION_FILTER, ANY, FIELD(filter)},
	{"max_age", OPTION_INTEGER, ANY, FIELD(max_age), -1, -1, 86400},
	{"max_retries", OPTION_INTEGER, ANY, FIELD(max_retries), -1, -1, 10000},
	{"partial_batch_response", OPTION_BOOLEAN, FUNCTION | URL, FIELD(partial_batch_response), false},
	{"secret", OPTION_STRING, URL, FIELD(secret), .max = 1024, .hidden = true},
	{"starting_position", OPTION_START, ANY, FIELD(starting_position), DDB_START_LATEST, .fixed = true},
	{"starting_timestamp", OPTION_NUMBER, ANY, FIELD(starting_timestamp), 0, 0, 1e11, .fixed = true}
};

static const char *const start_names[] = {"TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"};

static void
refuse(const Option *option, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("subscription option \"%s\" is not valid", option->name),
			 errdetail_internal("%s", what)));
}

static const Option *
find_option(const DdbText *name)
{
	int			i;

	for (i = 0; i < lengthof(options_table); i++)
	{
		if (name->len == strlen(options_table[i].name) &&
			memcmp(name->str, options_table[i].name, name->len) == 0)
			return &options_table[i];
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized subscription option \"%s\"", pnstrdup(name->str, name->len))));
	return NULL;
}

static void
set_default(const Option *option, DdbSubscriptionOptions *options)
{
	void	   *field = (char *) options + option->offset;

	switch (option->type)
	{
		case OPTION_INTEGER:
		case OPTION_START:
			*(int *) field = (int) option->value;
			break;
		case OPTION_NUMBER:
			*(double *) field = option->value;
			break;
		case OPTION_BOOLEAN:
			*(bool *) field = option->value != 0;
			break;
		case OPTION_STRING:
			*(char **) field = NULL;
			break;
		case OPTION_FILTER:
			*(Jsonb **) field = NULL;
			break;
	}
}

void
ddb_subscription_options_default(DdbSubscriptionOptions *options)
{
	int			i;

	memset(options, 0, sizeof(*options));
	for (i = 0; i < lengthof(options_table); i++)
		set_default(&options_table[i], options);
}

static double
read_number(const Option *option, const JsonbValue *value)
{
	double		number = 0;
	bool		good = value->type == jbvNumeric;

	if (good)
		number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
													NumericGetDatum(value->val.numeric)));
	good = good && number >= option->min && number <= option->max;
	if (good && option->type == OPTION_INTEGER)
		good = number == (int) number;
	if (!good)
		refuse(option, psprintf("It must be %s from %g to %.*g.",
								option->type == OPTION_INTEGER ? "an integer" : "a number",
								option->min, 12, option->max));
	return number;
}

static char *
read_string(const Option *option, const JsonbValue *value)
{
	if (value->type != jbvString || value->val.string.len == 0 ||
		value->val.string.len > option->max)
		refuse(option, psprintf("It must be a string of 1 to %d bytes.", (int) option->max));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static int
read_start(const Option *option, const JsonbValue *value)
{
	int			i;

	for (i = 0; value->type == jbvString && i < lengthof(start_names); i++)
	{
		if (value->val.string.len == strlen(start_names[i]) &&
			memcmp(value->val.string.val, start_names[i], value->val.string.len) == 0)
			return i;
	}
	refuse(option, "It must be TRIM_HORIZON, LATEST or AT_TIMESTAMP.");
	return 0;
}

static Jsonb *
read_filter(const Option *option, const JsonbValue *value)
{
	if (value->type != jbvBinary)
		refuse(option, "It must be a pattern, or an array of patterns.");
	ddb_filter_check(ddb_doc_of(value));
	return ddb_doc_copy(ddb_doc_of(value));
}

static void
set_option(const Option *option, const JsonbValue *value, DdbSubscriptionOptions *options)
{
	void	   *field = (char *) options + option->offset;

	switch (option->type)
	{
		case OPTION_INTEGER:
			*(int *) field = (int) read_number(option, value);
			break;
		case OPTION_NUMBER:
			*(double *) field = read_number(option, value);
			break;
		case OPTION_BOOLEAN:
			if (value->type != jbvBool)
				refuse(option, "It must be true or false.");
			*(bool *) field = value->val.boolean;
			break;
		case OPTION_STRING:
			*(char **) field = read_string(option, value);
			break;
		case OPTION_START:
			*(int *) field = read_start(option, value);
			break;
		case OPTION_FILTER:
			*(Jsonb **) field = read_filter(option, value);
			break;
	}
}

void
ddb_subscription_options_read(DdbDoc doc, DdbTargetKind kind, bool changing,
							  DdbSubscriptionOptions *options)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	if (!ddb_doc_is_object(doc))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("subscription options must be a JSON object")));
	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		const Option *option = find_option(&name);

		if ((option->targets & (1 << kind)) == 0)
			refuse(option, "Targets of this kind have no use for it.");
		if (changing && option->fixed)
			refuse(option, "It cannot be changed.");
		if (value.type == jbvNull)
			set_default(option, options);
		else
			set_option(option, &value, options);
	}
	if ((options->starting_position == DDB_START_AT_TIMESTAMP) != (options->starting_timestamp > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("subscription option \"starting_timestamp\" belongs to starting_position AT_TIMESTAMP")));
}

Jsonb *
ddb_subscription_options_write(const DdbSubscriptionOptions *options)
{
	JsonbValue	tree;
	int			i;

	ddb_json_object(&tree, lengthof(options_table));
	for (i = 0; i < lengthof(options_table); i++)
	{
		const Option *option = &options_table[i];
		const void *field = (const char *) options + option->offset;
		JsonbValue	value;

		if (option->hidden)
			continue;
		switch (option->type)
		{
			case OPTION_INTEGER:
				if (*(const int *) field != (int) option->value)
					ddb_json_add_int(&tree, option->name, *(const int *) field);
				break;
			case OPTION_NUMBER:
				if (*(const double *) field != option->value)
					ddb_json_add_double(&tree, option->name, *(const double *) field);
				break;
			case OPTION_BOOLEAN:
				if (*(const bool *) field != (option->value != 0))
					ddb_json_add_bool(&tree, option->name, *(const bool *) field);
				break;
			case OPTION_STRING:
				if (*(char *const *) field != NULL)
					ddb_json_add_string(&tree, option->name, *(char *const *) field);
				break;
			case OPTION_START:
				if (*(const int *) field != (int) option->value)
					ddb_json_add_string(&tree, option->name, start_names[*(const int *) field]);
				break;
			case OPTION_FILTER:
				if (*(Jsonb *const *) field != NULL)
				{
					ddb_json_jsonb(&value, *(Jsonb *const *) field);
					ddb_json_add_value(&tree, option->name, &value);
				}
				break;
		}
	}
	return ddb_json_encode(&tree);
}
