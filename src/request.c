/*
 * request.c
 *	  Typed access to the members of a checked request.
 *
 * The shape check has seen the request, so types are right and only absence
 * has to be told apart; JSON null is absence.  What is returned points into
 * the request.  This is the one place that knows how the service coerces
 * numbers and booleans.
 */
#include "postgres.h"

#include "shape.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* words that count as booleans, in any case */
static const struct
{
	const char *word;
	bool		value;
}			boolean_words[] = {
	{"true", true}, {"false", false},
	{"1", true}, {"0", false},
	{"yes", true}, {"no", false},
};

/* The member called name, unless absent or null. */
static bool
get_member(DdbDoc object, const char *name, JsonbValue *value)
{
	return ddb_doc_get(object, name, strlen(name), value) &&
		value->type != jbvNull;
}

/* ddb_request_has: is the member present and not null? */
bool
ddb_request_has(DdbDoc object, const char *name)
{
	JsonbValue	value;

	return get_member(object, name, &value);
}

/* ddb_request_string: *out points into object; false when absent. */
bool
ddb_request_string(DdbDoc object, const char *name, DdbText *out)
{
	JsonbValue	value;

	if (!get_member(object, name, &value))
		return false;
	Assert(value.type == jbvString);
	out->str = value.val.string.val;
	out->len = value.val.string.len;
	return true;
}

/*
 * ddb_request_integer: a JSON number as an integer.  The service truncates
 * fractions downwards rather than refuse them; numbers beyond int64 become
 * its ends.
 */
int64
ddb_request_integer(const JsonbValue *number)
{
	Numeric		num = number->val.numeric;
	bool		overflow = false;
	Datum		floored;
	char	   *text;
	int64		result;

	Assert(number->type == jbvNumeric);
	floored = DirectFunctionCall1(numeric_floor, NumericGetDatum(num));
	result = numeric_int4_opt_error(DatumGetNumeric(floored), &overflow);
	if (!overflow)
		return result;

	text = DatumGetCString(DirectFunctionCall1(numeric_out, floored));
	result = strtoll(text, NULL, 10);
	pfree(text);
	return result;
}

/* ddb_request_int: an integer member, see above; false when absent. */
bool
ddb_request_int(DdbDoc object, const char *name, int64 *out)
{
	JsonbValue	value;

	if (!get_member(object, name, &value))
		return false;
	*out = ddb_request_integer(&value);
	return true;
}

/*
 * ddb_request_boolean: a JSON boolean, or one of the strings that the service
 * takes for one; false for any other value.
 */
bool
ddb_request_boolean(const JsonbValue *value, bool *out)
{
	int			i;

	if (value->type == jbvBool)
	{
		*out = value->val.boolean;
		return true;
	}
	if (value->type != jbvString)
		return false;
	for (i = 0; i < lengthof(boolean_words); i++)
	{
		const char *word = boolean_words[i].word;

		if (value->val.string.len == strlen(word) &&
			pg_strncasecmp(value->val.string.val, word, strlen(word)) == 0)
		{
			*out = boolean_words[i].value;
			return true;
		}
	}
	return false;
}

/* ddb_request_bool: a boolean member, see above; false when absent. */
bool
ddb_request_bool(DdbDoc object, const char *name, bool *out)
{
	JsonbValue	value;

	return get_member(object, name, &value) &&
		ddb_request_boolean(&value, out);
}

/* ddb_request_doc: an object or array; its ptr is NULL when absent. */
DdbDoc
ddb_request_doc(DdbDoc object, const char *name)
{
	DdbDoc		none = {NULL, 0};
	JsonbValue	value;

	return get_member(object, name, &value) ? ddb_doc_of(&value) : none;
}

/*
 * ddb_request_enum: index of a string member in values (ended by NULL), or
 * dflt when it is absent or not among them.
 */
int
ddb_request_enum(DdbDoc object, const char *name, const char *const *values,
				 int dflt)
{
	DdbText		text;
	int			i;

	if (!ddb_request_string(object, name, &text))
		return dflt;
	for (i = 0; values[i] != NULL; i++)
	{
		if (text.len == strlen(values[i]) &&
			memcmp(text.str, values[i], text.len) == 0)
			return i;
	}
	return dflt;
}
