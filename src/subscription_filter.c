/*
 * subscription_filter.c
 *	  Event filter patterns, as those of AWS Lambda's event source mappings.
 *
 * A pattern has the form of the record.  Members of an object must all match;
 * an array holds alternatives for a value:
 *
 *		{"eventName": ["INSERT", "MODIFY"],
 *		 "dynamodb": {"NewImage": {"State": {"S": [{"anything-but": ["new"]}]},
 *								   "Total": {"N": [{"numeric": [">=", 100]}]}}}}
 *
 * Numbers of DynamoDB are strings in records; "numeric" takes both.  A value
 * that is an array matches if one of its elements does.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "compat.h"
#include "number.h"
#include "subscription_internal.h"

#define MAX_PATTERNS		10
#define MAX_PATTERN_BYTES	4096

DDB_FUNCTION(ddb_matches_event_filter);

/* what a member of a condition object does */
typedef struct Operator
{
	const char *name;
	void		(*check) (const JsonbValue *argument);
	bool		(*matches) (const JsonbValue *value, const JsonbValue *argument);
} Operator;

static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("event filter pattern is not valid"),
			 errdetail_internal("%s", what)));
}

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && ddb_doc_is_array(ddb_doc_of(value));
}

static bool
is_object(const JsonbValue *value)
{
	return value->type == jbvBinary && ddb_doc_is_object(ddb_doc_of(value));
}

/* ----------------------------------------------------------------
 * Scalars
 * ----------------------------------------------------------------
 */

static bool
parse_number(const JsonbValue *value, DdbNumber *out)
{
	char	   *text;

	if (value->type == jbvString)
		return ddb_number_parse(value->val.string.val, value->val.string.len, out) == DDB_NUMBER_OK;
	if (value->type != jbvNumeric)
		return false;
	text = numeric_normalize(value->val.numeric);
	return ddb_number_parse(text, strlen(text), out) == DDB_NUMBER_OK;
}

static bool
scalars_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val, a->val.string.len) == 0;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		default:
			return false;
	}
}

static void
check_string(const JsonbValue *argument)
{
	if (argument->type != jbvString)
		refuse("prefix, suffix and equals-ignore-case take a string.");
}

static bool
matches_prefix(const JsonbValue *value, const JsonbValue *argument)
{
	int			len = argument->val.string.len;

	return value->type == jbvString && value->val.string.len >= len &&
		memcmp(value->val.string.val, argument->val.string.val, len) == 0;
}

static bool
matches_suffix(const JsonbValue *value, const JsonbValue *argument)
{
	int			len = argument->val.string.len;

	return value->type == jbvString && value->val.string.len >= len &&
		memcmp(value->val.string.val + value->val.string.len - len,
			   argument->val.string.val, len) == 0;
}

static bool
matches_ignoring_case(const JsonbValue *value, const JsonbValue *argument)
{
	return value->type == jbvString && value->val.string.len == argument->val.string.len &&
		pg_strncasecmp(value->val.string.val, argument->val.string.val,
					   argument->val.string.len) == 0;
}

/* ----------------------------------------------------------------
 * numeric: pairs of comparison and number, all of which hold
 * ----------------------------------------------------------------
 */

static bool
compare(const JsonbValue *comparison, int order, bool *known)
{
	static const struct
	{
		const char *name;
		bool		less;
		bool		equal;
		bool		greater;
	}			comparisons[] = {
		{"=", false, true, false},
		{"<", true, false, false},
		{"<=", true, true, false},
		{">", false, false, true},
		{">=", false, true, true}
	};
	int			i;

	*known = true;
	for (i = 0; comparison->type == jbvString && i < lengthof(comparisons); i++)
	{
		if (comparison->val.string.len == strlen(comparisons[i].name) &&
			memcmp(comparison->val.string.val, comparisons[i].name, comparison->val.string.len) == 0)
			return order < 0 ? comparisons[i].less : order == 0 ? comparisons[i].equal :
				comparisons[i].greater;
	}
	*known = false;
	return false;
}

static void
check_numeric(const JsonbValue *argument)
{
	DdbDoc		pairs = ddb_doc_of(argument);
	int			count = is_array(argument) ? ddb_doc_count(pairs) : 0;
	int			i;

	if (count != 2 && count != 4)
		refuse("numeric takes an array of one or two pairs of a comparison and a number.");
	for (i = 0; i < count; i += 2)
	{
		JsonbValue	comparison;
		JsonbValue	number;
		DdbNumber	parsed;
		bool		known;

		(void) ddb_doc_element(pairs, i, &comparison);
		(void) ddb_doc_element(pairs, i + 1, &number);
		(void) compare(&comparison, 0, &known);
		if (!known)
			refuse("A comparison of numeric is one of =, <, <=, > and >=.");
		if (number.type != jbvNumeric || !parse_number(&number, &parsed))
			refuse("numeric compares with numbers of up to 38 digits.");
	}
}

static bool
matches_numeric(const JsonbValue *value, const JsonbValue *argument)
{
	DdbDoc		pairs = ddb_doc_of(argument);
	DdbNumber	number;
	int			i;

	if (!parse_number(value, &number))
		return false;
	for (i = 0; i < ddb_doc_count(pairs); i += 2)
	{
		JsonbValue	comparison;
		JsonbValue	bound;
		DdbNumber	parsed;
		bool		known;

		(void) ddb_doc_element(pairs, i, &comparison);
		(void) ddb_doc_element(pairs, i + 1, &bound);
		if (!parse_number(&bound, &parsed) ||
			!compare(&comparison, ddb_number_compare(&number, &parsed), &known))
			return false;
	}
	return true;
}

/* ----------------------------------------------------------------
 * anything-but
 * ----------------------------------------------------------------
 */

static const Operator *find_operator(const DdbText *name);

/* the operator of an object of one member; raises where it is none */
static const Operator *
open_condition(DdbDoc condition, JsonbValue *argument)
{
	DdbText		name;
	const Operator *operator = NULL;

	if (ddb_doc_count(condition) == 1)
	{
		ddb_doc_pair(condition, 0, &name, argument);
		operator = find_operator(&name);
	}
	if (operator == NULL)
		refuse("A condition is a string, a number, true, false, null, or an object of one member:"
			   " prefix, suffix, equals-ignore-case, anything-but, numeric or exists.");
	return operator;
}

static void
check_anything_but(const JsonbValue *argument)
{
	JsonbValue	inner;
	DdbDocCursor cursor;
	DdbText		name;

	if (is_object(argument))
	{
		const Operator *operator = open_condition(ddb_doc_of(argument), &inner);

		if (operator->check != check_string)
			refuse("anything-but takes a value, an array of values, or a condition with a string.");
		operator->check(&inner);
		return;
	}
	if (!is_array(argument))
		return;
	if (ddb_doc_count(ddb_doc_of(argument)) == 0)
		refuse("An array of values is empty.");
	ddb_doc_begin(&cursor, ddb_doc_of(argument));
	while (ddb_doc_next(&cursor, &name, &inner))
	{
		if (inner.type == jbvBinary)
			refuse("anything-but takes a value, an array of values, or a condition with a string.");
	}
}

static bool
matches_anything_but(const JsonbValue *value, const JsonbValue *argument)
{
	JsonbValue	inner;
	DdbDocCursor cursor;
	DdbText		name;

	if (is_object(argument))
		return !open_condition(ddb_doc_of(argument), &inner)->matches(value, &inner);
	if (!is_array(argument))
		return !scalars_equal(value, argument);
	ddb_doc_begin(&cursor, ddb_doc_of(argument));
	while (ddb_doc_next(&cursor, &name, &inner))
	{
		if (scalars_equal(value, &inner))
			return false;
	}
	return true;
}

static void
check_exists(const JsonbValue *argument)
{
	if (argument->type != jbvBool)
		refuse("exists takes true or false.");
}

static bool
matches_exists(const JsonbValue *value, const JsonbValue *argument)
{
	return argument->val.boolean;
}

static const Operator operators[] = {
	{"prefix", check_string, matches_prefix},
	{"suffix", check_string, matches_suffix},
	{"equals-ignore-case", check_string, matches_ignoring_case},
	{"anything-but", check_anything_but, matches_anything_but},
	{"numeric", check_numeric, matches_numeric},
	{"exists", check_exists, matches_exists}
};

static const Operator *
find_operator(const DdbText *name)
{
	int			i;

	for (i = 0; i < lengthof(operators); i++)
	{
		if (name->len == strlen(operators[i].name) &&
			memcmp(name->str, operators[i].name, name->len) == 0)
			return &operators[i];
	}
	return NULL;
}

/* ----------------------------------------------------------------
 * Patterns
 * ----------------------------------------------------------------
 */

static bool
is_or(const DdbText *name)
{
	return name->len == 3 && memcmp(name->str, "$or", 3) == 0;
}

static void check_pattern(DdbDoc pattern);

static void
check_conditions(DdbDoc conditions)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	condition;
	JsonbValue	argument;

	if (ddb_doc_count(conditions) == 0)
		refuse("An array of conditions is empty.");
	ddb_doc_begin(&cursor, conditions);
	while (ddb_doc_next(&cursor, &name, &condition))
	{
		if (is_array(&condition))
			refuse("A condition cannot be an array.");
		if (is_object(&condition))
			open_condition(ddb_doc_of(&condition), &argument)->check(&argument);
	}
}

static void
check_alternatives(const JsonbValue *alternatives)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	pattern;

	if (!is_array(alternatives) || ddb_doc_count(ddb_doc_of(alternatives)) == 0)
		refuse("$or takes an array of patterns.");
	ddb_doc_begin(&cursor, ddb_doc_of(alternatives));
	while (ddb_doc_next(&cursor, &name, &pattern))
	{
		if (!is_object(&pattern))
			refuse("$or takes an array of patterns.");
		check_pattern(ddb_doc_of(&pattern));
	}
}

static void
check_pattern(DdbDoc pattern)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	check_stack_depth();
	if (ddb_doc_count(pattern) == 0)
		refuse("A pattern has no members.");
	ddb_doc_begin(&cursor, pattern);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (is_or(&name))
			check_alternatives(&value);
		else if (is_object(&value))
			check_pattern(ddb_doc_of(&value));
		else if (is_array(&value))
			check_conditions(ddb_doc_of(&value));
		else
			refuse("A member of a pattern is a pattern, or an array of conditions.");
	}
}

void
ddb_filter_check(DdbDoc patterns)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	pattern;

	if (ddb_doc_is_object(patterns))
	{
		check_pattern(patterns);
		return;
	}
	if (!ddb_doc_is_array(patterns) || ddb_doc_count(patterns) == 0 ||
		ddb_doc_count(patterns) > MAX_PATTERNS)
		refuse("A filter is a pattern, or an array of 1 to 10 patterns.");
	ddb_doc_begin(&cursor, patterns);
	while (ddb_doc_next(&cursor, &name, &pattern))
	{
		if (!is_object(&pattern))
			refuse("A filter is a pattern, or an array of 1 to 10 patterns.");
		if (ddb_doc_of(&pattern).len > MAX_PATTERN_BYTES)
			refuse("A pattern has more than 4096 bytes.");
		check_pattern(ddb_doc_of(&pattern));
	}
}

/* value is NULL where the record has none */
static bool
matches_condition(const JsonbValue *value, const JsonbValue *condition)
{
	JsonbValue	argument;
	const Operator *operator;

	if (!is_object(condition))
		return value != NULL && scalars_equal(value, condition);
	operator = open_condition(ddb_doc_of(condition), &argument);
	if (operator->matches == matches_exists)
		return argument.val.boolean == (value != NULL);
	return value != NULL && value->type != jbvBinary && operator->matches(value, &argument);
}

static bool
matches_conditions(const JsonbValue *value, DdbDoc conditions)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	condition;

	ddb_doc_begin(&cursor, conditions);
	while (ddb_doc_next(&cursor, &name, &condition))
	{
		if (matches_condition(value, &condition))
			return true;
	}
	if (value != NULL && is_array(value))
	{
		ddb_doc_begin(&cursor, ddb_doc_of(value));
		while (ddb_doc_next(&cursor, &name, &condition))
		{
			if (!is_array(&condition) && matches_conditions(&condition, conditions))
				return true;
		}
	}
	return false;
}

static bool matches_pattern(DdbDoc pattern, DdbDoc doc);

/* an object under a name: the value there must match; of several, one */
static bool
matches_member(const JsonbValue *value, DdbDoc pattern)
{
	DdbDoc		nothing = {NULL, 0};
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (value == NULL || value->type != jbvBinary)
		return matches_pattern(pattern, nothing);
	if (is_object(value))
		return matches_pattern(pattern, ddb_doc_of(value));
	ddb_doc_begin(&cursor, ddb_doc_of(value));
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (is_object(&element) && matches_pattern(pattern, ddb_doc_of(&element)))
			return true;
	}
	return false;
}

static bool
matches_alternatives(DdbDoc alternatives, DdbDoc doc)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	pattern;

	ddb_doc_begin(&cursor, alternatives);
	while (ddb_doc_next(&cursor, &name, &pattern))
	{
		if (matches_pattern(ddb_doc_of(&pattern), doc))
			return true;
	}
	return false;
}

/* doc.ptr may be NULL: an object without members */
static bool
matches_pattern(DdbDoc pattern, DdbDoc doc)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	expected;

	check_stack_depth();
	ddb_doc_begin(&cursor, pattern);
	while (ddb_doc_next(&cursor, &name, &expected))
	{
		JsonbValue	found;
		JsonbValue *value;

		if (is_or(&name))
		{
			if (!matches_alternatives(ddb_doc_of(&expected), doc))
				return false;
			continue;
		}
		value = doc.ptr != NULL && ddb_doc_get(doc, name.str, name.len, &found) ? &found : NULL;
		if (is_array(&expected) ? !matches_conditions(value, ddb_doc_of(&expected)) :
			!matches_member(value, ddb_doc_of(&expected)))
			return false;
	}
	return true;
}

bool
ddb_filter_matches(DdbDoc patterns, DdbDoc record)
{
	if (ddb_doc_is_object(patterns))
		return matches_pattern(patterns, record);
	return matches_alternatives(patterns, record);
}

/*
 * matches_event_filter(pattern jsonb, record jsonb) returns boolean: for
 * trying patterns out; also an array of patterns, one of which must match.
 */
Datum
ddb_matches_event_filter(PG_FUNCTION_ARGS)
{
	DdbDoc		patterns = ddb_doc_root(PG_GETARG_JSONB_P(0));
	DdbDoc		record = ddb_doc_root(PG_GETARG_JSONB_P(1));

	ddb_filter_check(patterns);
	if (!ddb_doc_is_object(record))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(ddb_filter_matches(patterns, record));
}
