/*
 * policy_condition.c
 *	  The condition operators of policies.
 *
 * An operator is a row of a table: how values are read, how they are compared,
 * and whether the outcome is turned around.  A negated operator is true where
 * no value of the policy matches, and so when the key is absent.
 *
 * ForAllValues and ForAnyValue say how several values in a request combine.
 * Without either a condition is about single values; where there are several
 * all the same, an Allow holds if each of them satisfies the condition, and a
 * Deny if one does, so that neither reading lets more through than the other.
 */
#include "postgres.h"

#include "common/base64.h"
#include "datatype/timestamp.h"
#include "miscadmin.h"
#include "utils/datetime.h"

#include "number.h"
#include "policy_internal.h"

#define MAX_ADDRESS_BYTES	16
#define IPV4_BYTES			4
#define MAX_EPOCH_SECONDS	INT64CONST(253402300799)	/* the last of year 9999 */

/* an address and how many of its bits count */
typedef struct Network
{
	int			nbytes;			/* 4 or 16 */
	int			bits;
	uint8		bytes[MAX_ADDRESS_BYTES];
} Network;

typedef union PolicyConstant
{
	DdbNumber	number;
	int64		time;			/* microseconds since 1970 */
	bool		boolean;
	Network		network;
	PolicyArnParts arn;			/* of a request's value */
} PolicyConstant;

/* in byte order, for bisection */
static const PolicyOperator operators[] = {
	{"ArnEquals", POLICY_ARN, POLICY_EQ, false},
	{"ArnLike", POLICY_ARN, POLICY_EQ, false},
	{"ArnNotEquals", POLICY_ARN, POLICY_EQ, true},
	{"ArnNotLike", POLICY_ARN, POLICY_EQ, true},
	{"BinaryEquals", POLICY_BINARY, POLICY_EQ, false},
	{"Bool", POLICY_BOOL, POLICY_EQ, false},
	{"DateEquals", POLICY_DATE, POLICY_EQ, false},
	{"DateGreaterThan", POLICY_DATE, POLICY_GT, false},
	{"DateGreaterThanEquals", POLICY_DATE, POLICY_GE, false},
	{"DateLessThan", POLICY_DATE, POLICY_LT, false},
	{"DateLessThanEquals", POLICY_DATE, POLICY_LE, false},
	{"DateNotEquals", POLICY_DATE, POLICY_EQ, true},
	{"IpAddress", POLICY_IP, POLICY_EQ, false},
	{"NotIpAddress", POLICY_IP, POLICY_EQ, true},
	{"Null", POLICY_NULL, POLICY_EQ, false},
	{"NumericEquals", POLICY_NUMERIC, POLICY_EQ, false},
	{"NumericGreaterThan", POLICY_NUMERIC, POLICY_GT, false},
	{"NumericGreaterThanEquals", POLICY_NUMERIC, POLICY_GE, false},
	{"NumericLessThan", POLICY_NUMERIC, POLICY_LT, false},
	{"NumericLessThanEquals", POLICY_NUMERIC, POLICY_LE, false},
	{"NumericNotEquals", POLICY_NUMERIC, POLICY_EQ, true},
	{"StringEquals", POLICY_STRING, POLICY_EQ, false},
	{"StringEqualsIgnoreCase", POLICY_STRING_NOCASE, POLICY_EQ, false},
	{"StringLike", POLICY_LIKE, POLICY_EQ, false},
	{"StringNotEquals", POLICY_STRING, POLICY_EQ, true},
	{"StringNotEqualsIgnoreCase", POLICY_STRING_NOCASE, POLICY_EQ, true},
	{"StringNotLike", POLICY_LIKE, POLICY_EQ, true},
};

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- reading values ---- */

static bool
read_number(DdbText text, PolicyConstant *out)
{
	return ddb_number_parse(text.str, text.len, &out->number) == DDB_NUMBER_OK;
}

static bool
read_bool(DdbText text, PolicyConstant *out)
{
	static const DdbText yes = {"true", 4};
	static const DdbText no = {"false", 5};

	out->boolean = ddb_text_same_nocase(text, yes);
	return out->boolean || ddb_text_same_nocase(text, no);
}

/* Read exactly so many digits; the end moves on. */
static bool
read_digits(const char **p, const char *end, int count, int *out)
{
	*out = 0;
	for (; count > 0; count--)
	{
		if (*p == end || !is_digit(**p))
			return false;
		*out = *out * 10 + (*(*p)++ - '0');
	}
	return true;
}

static bool
read_mark(const char **p, const char *end, char mark)
{
	if (*p == end || **p != mark)
		return false;
	(*p)++;
	return true;
}

/* Seconds since 1970, all of the text, negative ones too. */
static bool
read_epoch(DdbText text, int64 *out)
{
	const char *p = text.str;
	const char *end = p + text.len;
	bool		negative = read_mark(&p, end, '-');
	int64		seconds = 0;

	if (p == end)
		return false;
	for (; p < end; p++)
	{
		if (!is_digit(*p) || seconds > MAX_EPOCH_SECONDS)
			return false;
		seconds = seconds * 10 + (*p - '0');
	}
	if (seconds > MAX_EPOCH_SECONDS)
		return false;
	*out = (negative ? -seconds : seconds) * USECS_PER_SEC;
	return true;
}

/* A fraction of a second; digits behind the sixth are dropped. */
static bool
read_fraction(const char **p, const char *end, int64 *out)
{
	int64		unit = USECS_PER_SEC;
	const char *start = *p;

	for (; *p < end && is_digit(**p); (*p)++)
	{
		unit /= 10;
		*out += unit * (**p - '0');
	}
	return *p > start;
}

/* Z, +hh:mm, -hh:mm or nothing, which is Z. */
static bool
read_zone(const char **p, const char *end, int64 *time)
{
	int			sign;
	int			hours;
	int			minutes;

	if (*p == end || read_mark(p, end, 'Z'))
		return true;
	if (**p != '+' && **p != '-')
		return false;
	sign = *(*p)++ == '+' ? 1 : -1;
	if (!read_digits(p, end, 2, &hours) || !read_mark(p, end, ':') ||
		!read_digits(p, end, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*time -= sign * (hours * USECS_PER_HOUR + minutes * USECS_PER_MINUTE);
	return true;
}

/* What stands behind the T of a date: hh:mm, hh:mm:ss or hh:mm:ss.f, and a zone. */
static bool
read_time_of_day(const char **p, const char *end, int64 *time)
{
	int			hours;
	int			minutes;
	int			seconds = 0;

	if (!read_digits(p, end, 2, &hours) || !read_mark(p, end, ':') ||
		!read_digits(p, end, 2, &minutes))
		return false;
	if (read_mark(p, end, ':'))
	{
		if (!read_digits(p, end, 2, &seconds))
			return false;
		if (read_mark(p, end, '.') && !read_fraction(p, end, time))
			return false;
	}
	if (hours > 23 || minutes > 59 || seconds > 59)
		return false;
	*time += hours * USECS_PER_HOUR + minutes * USECS_PER_MINUTE + seconds * USECS_PER_SEC;
	return read_zone(p, end, time);
}

/*
 * A date as ISO 8601 writes it: YYYY-MM, YYYY-MM-DD, or that with a time of
 * day.  Only digits are seconds since 1970.
 */
static bool
read_date(DdbText text, PolicyConstant *out)
{
	const char *p = text.str;
	const char *end = p + text.len;
	int			year;
	int			month;
	int			day = 1;

	if (read_epoch(text, &out->time))
		return true;
	if (!read_digits(&p, end, 4, &year) || !read_mark(&p, end, '-') ||
		!read_digits(&p, end, 2, &month) || month < 1 || month > MONTHS_PER_YEAR)
		return false;
	if (read_mark(&p, end, '-') && !read_digits(&p, end, 2, &day))
		return false;
	if (day < 1 || day > day_tab[isleap(year)][month - 1])
		return false;
	out->time = (int64) (date2j(year, month, day) - UNIX_EPOCH_JDATE) * USECS_PER_DAY;
	if (read_mark(&p, end, 'T') && !read_time_of_day(&p, end, &out->time))
		return false;
	return p == end;
}

/* Four decimal numbers with dots between them. */
static bool
read_ipv4(const char **p, const char *end, uint8 *bytes)
{
	int			i;

	for (i = 0; i < IPV4_BYTES; i++)
	{
		const char *start;
		int			value = 0;

		if (i > 0 && !read_mark(p, end, '.'))
			return false;
		start = *p;
		for (; *p < end && is_digit(**p) && *p - start < 3; (*p)++)
			value = value * 10 + (**p - '0');
		if (*p == start || value > 255)
			return false;
		bytes[i] = value;
	}
	return true;
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = pg_ascii_tolower((unsigned char) c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to four hexadecimal digits. */
static bool
read_group(const char **p, const char *end, uint8 *bytes)
{
	const char *start = *p;
	int			value = 0;

	while (*p < end && *p - start < 4 && hex_value(**p) >= 0)
		value = value * 16 + hex_value(*(*p)++);
	bytes[0] = value >> 8;
	bytes[1] = value & 0xFF;
	return *p > start;
}

/* Does an IPv4 address begin here, rather than a group? */
static bool
begins_ipv4(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p < end && *p == '.';
}

/* Eight groups, or fewer with "::" for those missing; the last two may be IPv4. */
static bool
read_ipv6(const char **p, const char *end, uint8 *bytes)
{
	int			used = 0;
	int			gap = -1;

	memset(bytes, 0, MAX_ADDRESS_BYTES);
	if (end - *p >= 2 && (*p)[0] == ':' && (*p)[1] == ':')
	{
		*p += 2;
		gap = 0;
	}
	while (used < MAX_ADDRESS_BYTES && *p < end && hex_value(**p) >= 0)
	{
		if (used <= MAX_ADDRESS_BYTES - IPV4_BYTES && begins_ipv4(*p, end))
		{
			if (!read_ipv4(p, end, bytes + used))
				return false;
			used += IPV4_BYTES;
			break;
		}
		if (!read_group(p, end, bytes + used))
			return false;
		used += 2;
		if (*p == end || **p != ':')
			break;
		(*p)++;
		if (*p < end && **p == ':')
		{
			if (gap >= 0)
				return false;
			(*p)++;
			gap = used;
		}
		else if (used == MAX_ADDRESS_BYTES || *p == end || hex_value(**p) < 0)
			return false;
	}
	if (gap < 0)
		return used == MAX_ADDRESS_BYTES;
	if (used == MAX_ADDRESS_BYTES)
		return false;
	memmove(bytes + MAX_ADDRESS_BYTES - (used - gap), bytes + gap, used - gap);
	memset(bytes + gap, 0, MAX_ADDRESS_BYTES - used);
	return true;
}

/* ::ffff:a.b.c.d is a.b.c.d */
static void
unmap_ipv4(Network *network)
{
	static const uint8 prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

	if (network->nbytes == IPV4_BYTES || network->bits < 8 * (int) sizeof(prefix) ||
		memcmp(network->bytes, prefix, sizeof(prefix)) != 0)
		return;
	memmove(network->bytes, network->bytes + sizeof(prefix), IPV4_BYTES);
	network->nbytes = IPV4_BYTES;
	network->bits -= 8 * sizeof(prefix);
}

/* An address, with or without the number of bits that count. */
static bool
read_network(DdbText text, PolicyConstant *out)
{
	Network    *network = &out->network;
	const char *p = text.str;
	const char *end = p + text.len;
	bool		is_ipv4 = begins_ipv4(p, end);

	network->nbytes = is_ipv4 ? IPV4_BYTES : MAX_ADDRESS_BYTES;
	if (!(is_ipv4 ? read_ipv4(&p, end, network->bytes) : read_ipv6(&p, end, network->bytes)))
		return false;
	network->bits = 8 * network->nbytes;
	if (read_mark(&p, end, '/'))
	{
		int			digits = end - p;

		if (digits < 1 || digits > 3 || !read_digits(&p, end, digits, &network->bits) ||
			network->bits > 8 * network->nbytes)
			return false;
	}
	unmap_ipv4(network);
	return p == end;
}

static bool
read_arn(DdbText text, PolicyConstant *out)
{
	ddb_policy_split_arn(text, &out->arn);
	return true;
}

/* ---- comparing ---- */

static bool
is_in_order(int order, PolicyComparison comparison)
{
	switch (comparison)
	{
		case POLICY_EQ:
			return order == 0;
		case POLICY_LT:
			return order < 0;
		case POLICY_LE:
			return order <= 0;
		case POLICY_GT:
			return order > 0;
		case POLICY_GE:
			return order >= 0;
	}
	elog(ERROR, "unrecognized comparison: %d", (int) comparison);
}

static bool
compare_numbers(const PolicyConstant *asked, const PolicyConstant *constant,
				PolicyComparison comparison)
{
	return is_in_order(ddb_number_compare(&asked->number, &constant->number), comparison);
}

static bool
compare_dates(const PolicyConstant *asked, const PolicyConstant *constant,
			  PolicyComparison comparison)
{
	return is_in_order((asked->time > constant->time) - (asked->time < constant->time),
					   comparison);
}

static bool
compare_bools(const PolicyConstant *asked, const PolicyConstant *constant,
			  PolicyComparison comparison)
{
	return asked->boolean == constant->boolean;
}

static bool
is_in_network(const PolicyConstant *asked, const PolicyConstant *constant,
			  PolicyComparison comparison)
{
	const Network *network = &constant->network;
	int			whole = network->bits / 8;
	int			rest = network->bits % 8;

	if (asked->network.nbytes != network->nbytes || asked->network.bits < network->bits ||
		memcmp(asked->network.bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 ||
		(asked->network.bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}

/*
 * What is done with the values of a type.  Types without "read" compare texts.
 */
typedef struct TypeInfo
{
	const char *name;			/* in messages */
	bool		(*read) (DdbText text, PolicyConstant *out);
	bool		(*compare) (const PolicyConstant *asked, const PolicyConstant *constant,
							PolicyComparison comparison);
	bool		has_constants;	/* those of the policy are read as well */
	int			flags;			/* of patterns */
} TypeInfo;

static const TypeInfo types[] = {
	[POLICY_STRING] = {.name = "string", .flags = POLICY_VARIABLES},
	[POLICY_STRING_NOCASE] = {.name = "string", .flags = POLICY_VARIABLES},
	[POLICY_LIKE] = {.name = "string", .flags = POLICY_VARIABLES | POLICY_WILDCARDS},
	[POLICY_NUMERIC] = {"number", read_number, compare_numbers, true, POLICY_VARIABLES},
	[POLICY_DATE] = {"date", read_date, compare_dates, true, POLICY_VARIABLES},
	[POLICY_BOOL] = {"boolean", read_bool, compare_bools, true, POLICY_VARIABLES},
	[POLICY_BINARY] = {.name = "base64 text", .flags = POLICY_VARIABLES},
	[POLICY_IP] = {"IP address or CIDR block", read_network, is_in_network, true, POLICY_VARIABLES},
	[POLICY_ARN] = {.name = "ARN", .read = read_arn},
	[POLICY_NULL] = {"boolean", read_bool, compare_bools, true, 0},
};

/* ---- compiling ---- */

static bool
take_suffix(DdbText *text, const char *suffix)
{
	int			len = strlen(suffix);

	if (text->len < len || memcmp(text->str + text->len - len, suffix, len) != 0)
		return false;
	text->len -= len;
	return true;
}

static const PolicyOperator *
find_operator(DdbText name)
{
	int			low = 0;
	int			high = lengthof(operators) - 1;

	while (low <= high)
	{
		int			middle = (low + high) / 2;
		const char *candidate = operators[middle].name;
		int			order = strncmp(name.str, candidate, name.len);

		if (order == 0 && candidate[name.len] == '\0')
			return &operators[middle];
		if (order > 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* A key has a vendor before its colon. */
static bool
is_key(DdbText key)
{
	const char *colon = memchr(key.str, ':', key.len);

	return colon != NULL && colon > key.str && colon < key.str + key.len - 1;
}

/*
 * ddb_policy_compile_condition fills in *out but for its values.  operator is
 * the name as in the policy, e.g. "ForAllValues:StringEqualsIfExists".
 */
bool
ddb_policy_compile_condition(PolicyCompilation *compilation, DdbText operator, DdbText key,
							 PolicyCondition *out)
{
	DdbText		name = operator;

	memset(out, 0, sizeof(*out));
	if (ddb_text_skip(&name, "ForAllValues:"))
		out->quantifier = POLICY_FOR_ALL_VALUES;
	else if (ddb_text_skip(&name, "ForAnyValue:"))
		out->quantifier = POLICY_FOR_ANY_VALUE;
	out->if_exists = take_suffix(&name, "IfExists");
	out->operator = find_operator(name);

	if (out->operator == NULL ||
		(out->operator->type == POLICY_NULL && name.len != operator.len))
		return ddb_policy_problem(compilation, "Invalid Condition type : %.*s",
								  POLICY_QUOTED(operator));
	if (!is_key(key))
		return ddb_policy_problem(compilation, "Actions/Conditions must be prefaced by a vendor, e.g., dynamodb, aws, etc.: %.*s",
								  POLICY_QUOTED(key));
	out->key = key;
	ddb_policy_add_key(compilation, key);
	return true;
}

/* The text that all spellings of the same bytes have in common; NULL: not base64. */
static char *
canonical_base64(DdbText text, int *len)
{
	int			size = pg_b64_dec_len(text.len);
	char	   *bytes = palloc(size + 1);
	int			nbytes = pg_b64_decode(text.str, text.len, bytes, size);
	char	   *result;

	if (nbytes < 0)
		return NULL;
	size = pg_b64_enc_len(nbytes);
	result = palloc(size + 1);
	*len = pg_b64_encode(bytes, nbytes, result, size);
	pfree(bytes);
	return result;
}

/* Read a value of the policy that does not depend on variables. */
static bool
compile_constant(const TypeInfo *type, PolicyType kind, PolicyValue *out)
{
	if (kind == POLICY_BINARY)
	{
		out->pattern.text.str = canonical_base64(out->pattern.text, &out->pattern.text.len);
		return out->pattern.text.str != NULL;
	}
	if (type->has_constants)
	{
		PolicyConstant *constant = palloc0(sizeof(PolicyConstant));

		out->constant = constant;
		return type->read(out->pattern.text, constant);
	}
	return true;
}

/*
 * ddb_policy_compile_value fills in *out, a value of a condition, from its
 * text, which must last as long as the policy.
 */
bool
ddb_policy_compile_value(PolicyCompilation *compilation, const PolicyCondition *condition,
						 DdbText text, PolicyValue *out)
{
	PolicyType	kind = condition->operator->type;
	const TypeInfo *type = &types[kind];

	memset(out, 0, sizeof(*out));
	if (kind == POLICY_ARN)
		return ddb_policy_compile_arn(compilation, "Value", text, &out->arn);
	if (!ddb_policy_compile_pattern(compilation, text, type->flags, &out->pattern))
		return false;
	if (out->pattern.nvariables == 0 && !compile_constant(type, kind, out))
		return ddb_policy_problem(compilation, "Value \"%.*s\" of %.*s is not a valid %s",
								  POLICY_QUOTED(text), POLICY_QUOTED(condition->key), type->name);
	return true;
}

/* ---- evaluating ---- */

/* a value of the request, as its condition reads it */
typedef struct Asked
{
	DdbText		text;
	bool		is_valid;
	PolicyConstant constant;
} Asked;

/* Compare with a value of the policy whose text is there. */
static bool
text_matches(const PolicyCondition *condition, const PolicyValue *value, DdbText text,
			 const Asked *asked)
{
	const TypeInfo *type = &types[condition->operator->type];
	PolicyConstant constant;

	if (type->compare == NULL)
	{
		if (condition->operator->type == POLICY_STRING_NOCASE)
			return ddb_text_same_nocase(text, asked->text);
		return ddb_policy_text_matches(&value->pattern, text, asked->text);
	}
	if (value->constant != NULL)
		return type->compare(&asked->constant, value->constant, condition->operator->comparison);
	return type->read(text, &constant) &&
		type->compare(&asked->constant, &constant, condition->operator->comparison);
}

static PolicyTruth
value_matches(const PolicyCondition *condition, const PolicyValue *value,
			  const DdbPolicyRequest *request, const Asked *asked)
{
	DdbText		text;
	PolicyTruth result;

	if (condition->operator->type == POLICY_ARN)
		return ddb_policy_arn_matches(&value->arn, request, &asked->constant.arn);
	if (value->pattern.nvariables == 0)
		return policy_truth(text_matches(condition, value, value->pattern.text, asked));

	result = ddb_policy_resolve(&value->pattern, request, &text);
	if (result == POLICY_TRUE)
		result = policy_truth(text_matches(condition, value, text, asked));
	ddb_policy_release(&value->pattern, text);
	return result;
}

/*
 * Does a value of the request satisfy the condition?  What cannot be read as
 * the operator's type matches nothing.
 */
static PolicyTruth
satisfies(const PolicyCondition *condition, const DdbPolicyRequest *request, DdbText text)
{
	const TypeInfo *type = &types[condition->operator->type];
	PolicyTruth result = POLICY_FALSE;
	Asked		asked;
	int			i;

	asked.text = text;
	asked.is_valid = type->read == NULL || type->read(text, &asked.constant);
	for (i = 0; asked.is_valid && i < condition->nvalues && result != POLICY_TRUE; i++)
	{
		PolicyTruth matches = value_matches(condition, &condition->values[i], request, &asked);

		CHECK_FOR_INTERRUPTS();
		result = Max(result, matches);
	}
	return condition->operator->negated ? policy_not(result) : result;
}

/* Null: one of its values says whether the key is absent. */
static PolicyTruth
null_holds(const PolicyCondition *condition, bool is_absent)
{
	int			i;

	for (i = 0; i < condition->nvalues; i++)
	{
		if (condition->values[i].constant->boolean == is_absent)
			return POLICY_TRUE;
	}
	return POLICY_FALSE;
}

/* What a condition says of a key that is not in the request. */
static PolicyTruth
absent_holds(const PolicyCondition *condition)
{
	if (condition->if_exists)
		return POLICY_TRUE;
	switch (condition->quantifier)
	{
		case POLICY_FOR_ALL_VALUES:
			return POLICY_TRUE;
		case POLICY_FOR_ANY_VALUE:
			return POLICY_FALSE;
		case POLICY_NO_QUANTIFIER:
			return policy_truth(condition->operator->negated);
	}
	elog(ERROR, "unrecognized quantifier: %d", (int) condition->quantifier);
}

/* To ForAllValues and ForAnyValue one empty text is an empty set. */
static bool
is_empty_set(const PolicyCondition *condition, const DdbContextValues *values)
{
	return values->count == 0 ||
		(condition->quantifier != POLICY_NO_QUANTIFIER &&
		 values->count == 1 && values->values[0].len == 0);
}

/*
 * ddb_policy_condition_holds for a statement that allows or denies.
 */
PolicyTruth
ddb_policy_condition_holds(const PolicyCondition *condition, bool is_allow,
						   const DdbPolicyRequest *request)
{
	DdbContextValues values = {0};
	DdbContextState state = request->lookup(condition->key, &values, request->arg);
	bool		for_all = condition->quantifier == POLICY_FOR_ALL_VALUES ||
		(condition->quantifier == POLICY_NO_QUANTIFIER && is_allow);
	PolicyTruth result = for_all ? POLICY_TRUE : POLICY_FALSE;
	int			i;

	if (state == DDB_CONTEXT_UNKNOWN)
		return POLICY_UNKNOWN;
	if (condition->operator->type == POLICY_NULL)
		return null_holds(condition, state == DDB_CONTEXT_ABSENT || values.count == 0);
	if (state == DDB_CONTEXT_ABSENT || is_empty_set(condition, &values))
		return absent_holds(condition);

	for (i = 0; i < values.count; i++)
	{
		PolicyTruth satisfied = satisfies(condition, request, values.values[i]);

		CHECK_FOR_INTERRUPTS();
		result = for_all ? Min(result, satisfied) : Max(result, satisfied);
		if (result == (for_all ? POLICY_FALSE : POLICY_TRUE))
			break;
	}
	return result;
}
