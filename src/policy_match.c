/*
 * policy_match.c
 *	  Patterns of policies: wildcards, variables, ARNs, principals.
 *
 * A pattern is compiled to bytes in which a wildcard is one byte that no text
 * has, so that a value put in place of a variable is text whatever it holds.
 * Matching goes back to the last "*" only, since an earlier one could not do
 * better: time is bounded by the product of both lengths, and nothing recurses.
 *
 * An ARN is matched part by part: a wildcard does not reach over a colon into
 * another part, except in the last one.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "policy_internal.h"

/* ---- compiling ---- */

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}

/*
 * Read a variable that begins at p with "${".  Returns the byte after it, or
 * NULL when it is none.  ${*}, ${?} and ${$} stand for their character, which
 * is returned in *literal; otherwise that is NUL and *out is filled in.
 */
static const char *
read_variable(const char *p, const char *end, PolicyVariable *out, char *literal)
{
	const char *key;
	const char *key_end;

	memset(out, 0, sizeof(*out));
	*literal = '\0';
	p += 2;
	if (end - p >= 2 && p[1] == '}' && (*p == '*' || *p == '?' || *p == '$'))
	{
		*literal = *p;
		return p + 2;
	}

	p = key = skip_blanks(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != '{' && *p != '$')
		p++;
	key_end = p;
	while (key_end > key && is_blank(key_end[-1]))
		key_end--;
	if (memchr(key, ':', key_end - key) == NULL)
		return NULL;
	out->key.str = key;
	out->key.len = key_end - key;

	if (p < end && *p == ',')
	{
		p = skip_blanks(p + 1, end);
		if (p == end || *p != '\'')
			return NULL;
		out->fallback.str = ++p;
		p = memchr(p, '\'', end - p);
		if (p == NULL)
			return NULL;
		out->fallback.len = p - out->fallback.str;
		p = skip_blanks(p + 1, end);
	}
	return p < end && *p == '}' ? p + 1 : NULL;
}

static inline bool
begins_variable(const char *p, const char *end)
{
	return p[0] == '$' && end - p > 1 && p[1] == '{';
}

/* How many variables can there be at most?  0 where none are looked for. */
static int
count_variables(DdbText source, int flags)
{
	const char *end = source.str + source.len;
	const char *p;
	int			count = 0;

	if (!(flags & POLICY_VARIABLES))
		return 0;
	for (p = source.str; p < end; p++)
		count += begins_variable(p, end);
	return count;
}

static inline unsigned char
compiled_byte(char c, int flags)
{
	if (c == '*' && (flags & POLICY_WILDCARDS))
		return POLICY_ANY_SEQUENCE;
	if (c == '?' && (flags & POLICY_WILDCARDS))
		return POLICY_ANY_CHARACTER;
	return (flags & POLICY_LOWER) ? pg_ascii_tolower((unsigned char) c) : (unsigned char) c;
}

/* Add a variable whose value goes where the text ends now. */
static void
add_variable(PolicyCompilation *compilation, PolicyPattern *out, const PolicyVariable *variable)
{
	out->variables[out->nvariables] = *variable;
	out->variables[out->nvariables].position = out->text.len;
	out->nvariables++;
	ddb_policy_add_key(compilation, variable->key);
}

/*
 * ddb_policy_compile_pattern fills in *out from source, which must last as long
 * as the policy, since the names of variables stay there.  flags are
 * POLICY_WILDCARDS and so on.  A problem is a variable that is malformed.
 */
bool
ddb_policy_compile_pattern(PolicyCompilation *compilation, DdbText source, int flags,
						   PolicyPattern *out)
{
	const char *p = source.str;
	const char *end = p + source.len;
	unsigned char *bytes = palloc(source.len + 1);
	int			nvariables;

	if (!compilation->has_variables)
		flags &= ~POLICY_VARIABLES;
	memset(out, 0, sizeof(*out));
	out->text.str = (char *) bytes;
	nvariables = count_variables(source, flags);
	if (nvariables > 0)
		out->variables = palloc(nvariables * sizeof(PolicyVariable));

	while (p < end)
	{
		if ((flags & POLICY_VARIABLES) && begins_variable(p, end))
		{
			PolicyVariable variable;
			char		literal;

			p = read_variable(p, end, &variable, &literal);
			if (p == NULL)
				return ddb_policy_problem(compilation, "Policy variable in %.*s is not valid",
										  POLICY_QUOTED(source));
			if (literal != '\0')
				bytes[out->text.len++] = literal;
			else
				add_variable(compilation, out, &variable);
		}
		else
		{
			unsigned char c = compiled_byte(*p++, flags);

			if (c >= POLICY_ANY_CHARACTER)
				out->has_wildcards = true;
			bytes[out->text.len++] = c;
		}
	}
	return true;
}

/* The end of the part that begins at p: a colon outside of variables. */
static const char *
find_part_end(const char *p, const char *end, bool has_variables)
{
	while (p < end && *p != ':')
	{
		PolicyVariable variable;
		char		literal;
		const char *after = NULL;

		if (has_variables && begins_variable(p, end))
			after = read_variable(p, end, &variable, &literal);
		p = after != NULL ? after : p + 1;
	}
	return p;
}

/* Cut a pattern at its colons; the sixth part has what is left. */
static int
cut_pattern(DdbText source, bool has_variables, DdbText *parts)
{
	const char *p = source.str;
	const char *end = p + source.len;
	int			count = 0;

	while (count < POLICY_ARN_PARTS - 1)
	{
		const char *part_end = find_part_end(p, end, has_variables);

		parts[count].str = p;
		parts[count++].len = part_end - p;
		if (part_end == end)
			return count;
		p = part_end + 1;
	}
	parts[count].str = p;
	parts[count++].len = end - p;
	return count;
}

/* Is this cut text a pattern of ARNs? */
static bool
is_arn_pattern(const DdbText *parts, int count)
{
	const DdbText *last = &parts[count - 1];

	if (count < 2 || parts[0].len != 3 || memcmp(parts[0].str, "arn", 3) != 0)
		return false;
	if (parts[1].len == 0 || (count > 2 && parts[2].len == 0) || last->len == 0)
		return false;
	return count == POLICY_ARN_PARTS || last->str[last->len - 1] == '*';
}

/*
 * ddb_policy_compile_arn fills in *out from source, which must last as long as
 * the policy.  what names it in messages.  A problem is what is neither an ARN
 * nor "*", or has a malformed variable.
 */
bool
ddb_policy_compile_arn(PolicyCompilation *compilation, const char *what, DdbText source,
					   PolicyArn *out)
{
	DdbText		parts[POLICY_ARN_PARTS];
	int			count;
	int			i;

	memset(out, 0, sizeof(*out));
	if (source.len == 1 && source.str[0] == '*')
	{
		out->anything = true;
		return true;
	}

	count = cut_pattern(source, compilation->has_variables, parts);
	if (!is_arn_pattern(parts, count))
		return ddb_policy_problem(compilation, "%s \"%.*s\" must be in ARN format or \"*\".",
								  what, POLICY_QUOTED(source));
	out->parts = palloc(count * sizeof(PolicyPattern));
	for (i = 0; i < count; i++)
	{
		if (!ddb_policy_compile_pattern(compilation, parts[i],
										POLICY_WILDCARDS | POLICY_VARIABLES, &out->parts[i]))
			return false;
	}
	out->count = count;
	return true;
}

/* ddb_policy_arn_uses_variables: are there variables in a part (0-based)? */
bool
ddb_policy_arn_uses_variables(const PolicyArn *arn, int part)
{
	return part < arn->count && arn->parts[part].nvariables > 0;
}

bool
ddb_policy_arn_has_variables(const PolicyArn *arn)
{
	int			i;

	for (i = 0; i < arn->count; i++)
	{
		if (ddb_policy_arn_uses_variables(arn, i))
			return true;
	}
	return false;
}

/* ---- variables ---- */

/* Is this text free of the bytes that stand for wildcards? */
static bool
is_plain(DdbText text)
{
	int			i;

	for (i = 0; i < text.len; i++)
	{
		if ((unsigned char) text.str[i] >= POLICY_ANY_CHARACTER)
			return false;
	}
	return true;
}

/*
 * The value of a variable.  A key without exactly one value has none, and then
 * the fallback is taken.  POLICY_FALSE: there is no value.
 */
static PolicyTruth
variable_value(const PolicyVariable *variable, const DdbPolicyRequest *request, DdbText *out)
{
	DdbContextValues values = {0};

	switch (request->lookup(variable->key, &values, request->arg))
	{
		case DDB_CONTEXT_UNKNOWN:
			return POLICY_UNKNOWN;
		case DDB_CONTEXT_PRESENT:
			if (values.count == 1)
			{
				*out = values.values[0];
				return policy_truth(is_plain(*out));
			}
			if (values.count > 1)
				return POLICY_FALSE;
			break;
		case DDB_CONTEXT_ABSENT:
			break;
	}
	*out = variable->fallback;
	return policy_truth(variable->fallback.str != NULL);
}

/*
 * ddb_policy_resolve puts the values of variables into a pattern.  *out is in
 * CurrentMemoryContext if there are variables, else the pattern's own text, or
 * the value itself; ddb_policy_release frees it.
 * Other than POLICY_TRUE: a value is unknown, or there is none.
 */
PolicyTruth
ddb_policy_resolve(const PolicyPattern *pattern, const DdbPolicyRequest *request, DdbText *out)
{
	StringInfoData text;
	PolicyTruth result = POLICY_TRUE;
	int			done = 0;
	int			i;

	*out = pattern->text;
	if (pattern->nvariables == 0)
		return POLICY_TRUE;
	if (ddb_policy_is_variable(pattern))
		return variable_value(&pattern->variables[0], request, out);

	initStringInfo(&text);
	for (i = 0; i < pattern->nvariables && result != POLICY_FALSE; i++)
	{
		const PolicyVariable *variable = &pattern->variables[i];
		DdbText		value = {NULL, 0};
		PolicyTruth found = variable_value(variable, request, &value);

		CHECK_FOR_INTERRUPTS();
		result = Min(result, found);
		appendBinaryStringInfo(&text, pattern->text.str + done, variable->position - done);
		done = variable->position;
		if (found == POLICY_TRUE)
			appendBinaryStringInfo(&text, value.str, value.len);
	}
	appendBinaryStringInfo(&text, pattern->text.str + done, pattern->text.len - done);
	out->str = text.data;
	out->len = text.len;
	return result;
}

/* ---- matching ---- */

/* The character after the one at p. */
static inline const unsigned char *
next_character(const unsigned char *p, const unsigned char *end)
{
	do
		p++;
	while (p < end && (*p & 0xC0) == 0x80);
	return p;
}

static bool
matches_wildcards(DdbText pattern, DdbText text)
{
	const unsigned char *p = (const unsigned char *) pattern.str;
	const unsigned char *p_end = p + pattern.len;
	const unsigned char *t = (const unsigned char *) text.str;
	const unsigned char *t_end = t + text.len;
	const unsigned char *after_star = NULL;
	const unsigned char *retry = NULL;	/* where the text goes on after the star */

	while (t < t_end)
	{
		if (p < p_end && *p == POLICY_ANY_SEQUENCE)
		{
			after_star = ++p;
			retry = t;
			if (p == p_end)
				return true;
		}
		else if (p < p_end && *p == POLICY_ANY_CHARACTER)
		{
			p++;
			t = next_character(t, t_end);
		}
		else if (p < p_end && *p == *t)
		{
			p++;
			t++;
		}
		else
		{
			if (after_star == NULL)
				return false;
			CHECK_FOR_INTERRUPTS();
			p = after_star;
			t = retry = next_character(retry, t_end);
		}
	}
	while (p < p_end && *p == POLICY_ANY_SEQUENCE)
		p++;
	return p == p_end;
}

/*
 * ddb_policy_text_matches: resolved is the pattern's text with its variables
 * in place.
 */
bool
ddb_policy_text_matches(const PolicyPattern *pattern, DdbText resolved, DdbText text)
{
	if (!pattern->has_wildcards)
		return ddb_text_same(resolved, text);
	return matches_wildcards(resolved, text);
}

void
ddb_policy_release(const PolicyPattern *pattern, DdbText resolved)
{
	if (pattern->nvariables > 0 && !ddb_policy_is_variable(pattern))
		pfree(unconstify(char *, resolved.str));
}

/* Variables are resolved.  What has no value matches nothing. */
static PolicyTruth
pattern_matches(const PolicyPattern *pattern, const DdbPolicyRequest *request, DdbText text)
{
	DdbText		resolved;
	PolicyTruth result;

	if (pattern->nvariables == 0)
		return policy_truth(ddb_policy_text_matches(pattern, pattern->text, text));
	result = ddb_policy_resolve(pattern, request, &resolved);
	if (result == POLICY_TRUE)
		result = policy_truth(ddb_policy_text_matches(pattern, resolved, text));
	ddb_policy_release(pattern, resolved);
	return result;
}

/* ---- ARNs ---- */

/* ddb_policy_split_arn cuts any text at its first five colons. */
void
ddb_policy_split_arn(DdbText arn, PolicyArnParts *out)
{
	const char *p = arn.str;
	const char *end = p + arn.len;

	out->whole = arn;
	for (out->count = 0; out->count < POLICY_ARN_PARTS - 1;)
	{
		const char *colon = p < end ? memchr(p, ':', end - p) : NULL;

		out->parts[out->count].str = p;
		out->parts[out->count++].len = (colon != NULL ? colon : end) - p;
		if (colon == NULL)
			return;
		p = colon + 1;
	}
	out->parts[out->count].str = p;
	out->parts[out->count++].len = end - p;
}

/*
 * ddb_policy_arn_matches: does a pattern match an ARN?  A text that is no ARN
 * is matched by "*" alone.
 */
PolicyTruth
ddb_policy_arn_matches(const PolicyArn *arn, const DdbPolicyRequest *request,
					   const PolicyArnParts *parts)
{
	PolicyTruth result = POLICY_TRUE;
	int			i;

	if (arn->anything)
		return POLICY_TRUE;
	if (parts->count < POLICY_ARN_PARTS)
		return POLICY_FALSE;
	for (i = 0; i < arn->count && result != POLICY_FALSE; i++)
	{
		DdbText		text = parts->parts[i];
		PolicyTruth matches;

		if (i == arn->count - 1)
			text.len = parts->whole.str + parts->whole.len - text.str;
		matches = pattern_matches(&arn->parts[i], request, text);
		result = Min(result, matches);
	}
	return result;
}

/* ---- principals ---- */

/* Split the ARN of a user or role; false for any other text. */
static bool
split_user(DdbText arn, DdbText *account, DdbText *name)
{
	PolicyArnParts parts;
	DdbText    *last = &parts.parts[POLICY_ARN_PARTS - 1];

	ddb_policy_split_arn(arn, &parts);
	if (parts.count < POLICY_ARN_PARTS || last->len < 5 ||
		(memcmp(last->str, "user/", 5) != 0 && memcmp(last->str, "role/", 5) != 0))
		return false;
	*account = parts.parts[4];
	name->str = last->str + 5;
	name->len = last->len - 5;
	return true;
}

/* Here a user and a role of IAM are the same thing. */
static bool
is_same_user(DdbText a, DdbText b)
{
	DdbText		account_a;
	DdbText		account_b;
	DdbText		name_a;
	DdbText		name_b;

	return split_user(a, &account_a, &name_a) && split_user(b, &account_b, &name_b) &&
		ddb_text_same(account_a, account_b) && ddb_text_same(name_a, name_b);
}

static bool
is_root(DdbText arn)
{
	return arn.len >= 5 && memcmp(arn.str + arn.len - 5, ":root", 5) == 0;
}

/*
 * ddb_policy_principal_matches: is this who asks?  An account named in a
 * Principal stands for everyone in it; in a NotPrincipal (excepting) for its
 * root alone, so that naming the account does not except its users.
 */
bool
ddb_policy_principal_matches(const PolicyPrincipal *principal, const DdbPolicyRequest *request,
							 bool excepting)
{
	switch (principal->kind)
	{
		case POLICY_PRINCIPAL_ANYONE:
			return true;
		case POLICY_PRINCIPAL_ACCOUNT:
			return ddb_text_same(principal->text, request->account) &&
				(!excepting || is_root(request->principal));
		case POLICY_PRINCIPAL_ARN:
			return ddb_text_same(principal->text, request->principal) ||
				is_same_user(principal->text, request->principal);
		case POLICY_PRINCIPAL_FOREIGN:
			return false;
	}
	elog(ERROR, "unrecognized kind of principal: %d", (int) principal->kind);
}
