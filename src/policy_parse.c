/*
 * policy_parse.c
 *	  The grammar of policies: a document to compiled statements.
 *
 * Whatever is not understood is refused, since a statement that loses a part
 * means something else.  The first problem ends the compilation; it says in
 * which statement it is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "policy_internal.h"

#define QUOTED_MAX			128		/* bytes of user text in a message */
#define ACCOUNT_DIGITS		12
#define VERSION_WITH_VARIABLES	"2012-10-17"
#define VERSION_WITHOUT			"2008-10-17"

/* ---- problems ---- */

/*
 * ddb_policy_problem notes what is wrong, in words, and returns false.
 */
bool
ddb_policy_problem(PolicyCompilation *compilation, const char *fmt,...)
{
	StringInfoData text;

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&text, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	if (compilation->statement > 0)
		appendStringInfo(&text, " (statement %d)", compilation->statement);
	compilation->problem = text.data;
	return false;
}

/* ddb_policy_clip: the bytes of a text that a message shows */
int
ddb_policy_clip(DdbText text)
{
	return pg_mbcliplen(text.str, text.len, QUOTED_MAX);
}

/* ddb_policy_add_key notes a condition key that the policy looks at. */
void
ddb_policy_add_key(PolicyCompilation *compilation, DdbText key)
{
	DdbPolicy  *policy = compilation->policy;

	if (policy->nkeys == compilation->keys_size)
	{
		compilation->keys_size = Max(8, 2 * compilation->keys_size);
		policy->keys = policy->keys == NULL ?
			palloc(compilation->keys_size * sizeof(DdbText)) :
			repalloc(policy->keys, compilation->keys_size * sizeof(DdbText));
	}
	policy->keys[policy->nkeys++] = key;
}

/* ---- values of the document ---- */

static inline DdbText
text_of(const JsonbValue *value)
{
	DdbText		text = {value->val.string.val, value->val.string.len};

	return text;
}

/* A string; with any_scalar numbers and booleans too, as their JSON texts. */
static bool
read_text(const JsonbValue *value, bool any_scalar, DdbText *out)
{
	if (value->type == jbvString)
		*out = text_of(value);
	else if (any_scalar && value->type == jbvBool)
		out->str = value->val.boolean ? "true" : "false";
	else if (any_scalar && value->type == jbvNumeric)
		out->str = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
	else
		return false;
	if (value->type != jbvString)
		out->len = strlen(out->str);
	return true;
}

/*
 * A text or a list of at least one.  NULL, with a problem, for anything else.
 */
static DdbText *
read_texts(PolicyCompilation *compilation, DdbText field, const JsonbValue *value,
		   bool any_scalar, int *count)
{
	DdbDoc		list = ddb_doc_of(value);
	DdbText    *texts;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (list.ptr == NULL)
	{
		texts = palloc(sizeof(DdbText));
		*count = 1;
		if (read_text(value, any_scalar, texts))
			return texts;
	}
	else if (ddb_doc_is_array(list))
	{
		if (ddb_doc_count(list) == 0)
		{
			ddb_policy_problem(compilation, "The list of %.*s is empty", POLICY_QUOTED(field));
			return NULL;
		}
		texts = palloc(ddb_doc_count(list) * sizeof(DdbText));
		*count = 0;
		ddb_doc_begin(&cursor, list);
		while (ddb_doc_next(&cursor, &name, &element) &&
			   read_text(&element, any_scalar, &texts[*count]))
			(*count)++;
		if (*count == ddb_doc_count(list))
			return texts;
	}
	ddb_policy_problem(compilation, "%.*s must be a string or a list of strings",
					   POLICY_QUOTED(field));
	return NULL;
}

/* ---- elements of a statement ---- */

/* a member of a statement, being read */
typedef struct Element
{
	PolicyCompilation *compilation;
	PolicyStatement *statement;
	DdbText		name;
	const JsonbValue *value;
	bool		is_negated;		/* NotAction and so on */
} Element;

#define element_problem(element, ...)	ddb_policy_problem((element)->compilation, __VA_ARGS__)

static bool
read_sid(Element *element)
{
	DdbText		sid;
	int			i;

	if (!read_text(element->value, false, &sid))
		return element_problem(element, "Sid must be a string");
	for (i = 0; i < sid.len; i++)
	{
		if (!isascii((unsigned char) sid.str[i]) || !isalnum((unsigned char) sid.str[i]))
			return element_problem(element, "Statement IDs (SID) must be alpha-numeric. "
								   "Check that your input satisfies the regular expression [0-9A-Za-z]*");
	}
	if (sid.len > 0)
		element->statement->sid = sid;
	return true;
}

static bool
read_effect(Element *element)
{
	DdbText		effect;

	if (!read_text(element->value, false, &effect))
		return element_problem(element, "Effect must be a string");
	element->statement->is_allow = ddb_text_is(effect, "Allow");
	if (!element->statement->is_allow && !ddb_text_is(effect, "Deny"))
		return element_problem(element, "Invalid effect: %.*s", POLICY_QUOTED(effect));
	return true;
}

static bool
is_vendor(const char *vendor, int len)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		if (!isascii((unsigned char) vendor[i]) ||
			(!isalnum((unsigned char) vendor[i]) && vendor[i] != '-'))
			return false;
	}
	return len > 0;
}

/* "*", or a vendor, a colon, and letters, digits and wildcards */
static bool
check_action(PolicyCompilation *compilation, DdbText action)
{
	const char *colon = memchr(action.str, ':', action.len);
	const char *p;

	if (ddb_text_is(action, "*"))
		return true;
	if (colon == NULL || colon == action.str || colon == action.str + action.len - 1)
		return ddb_policy_problem(compilation, "Actions/Conditions must be prefaced by a vendor, e.g., dynamodb, aws, etc.: %.*s",
								  POLICY_QUOTED(action));
	if (!is_vendor(action.str, colon - action.str))
		return ddb_policy_problem(compilation, "Vendor %.*s is not valid",
								  (int) Min(colon - action.str, QUOTED_MAX), action.str);
	for (p = colon + 1; p < action.str + action.len; p++)
	{
		if (!isascii((unsigned char) *p) ||
			(!isalnum((unsigned char) *p) && *p != '*' && *p != '?'))
			return ddb_policy_problem(compilation, "Invalid Action: %.*s", POLICY_QUOTED(action));
	}
	return true;
}

static bool
read_actions(Element *element)
{
	PolicyStatement *statement = element->statement;
	DdbText    *texts;
	int			i;

	if (statement->actions != NULL)
		return element_problem(element, "Statement has both Action and NotAction");
	texts = read_texts(element->compilation, element->name, element->value, false,
					   &statement->nactions);
	if (texts == NULL)
		return false;
	statement->not_action = element->is_negated;
	statement->actions = palloc(statement->nactions * sizeof(PolicyPattern));
	for (i = 0; i < statement->nactions; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!check_action(element->compilation, texts[i]) ||
			!ddb_policy_compile_pattern(element->compilation, texts[i],
										POLICY_WILDCARDS | POLICY_LOWER,
										&statement->actions[i]))
			return false;
	}
	return true;
}

/* Variables are for the part behind the fifth colon. */
static bool
check_resource(PolicyCompilation *compilation, const PolicyArn *arn, DdbText text)
{
	int			part;

	for (part = 0; part < POLICY_ARN_PARTS - 1; part++)
	{
		if (ddb_policy_arn_uses_variables(arn, part))
			return ddb_policy_problem(compilation, "Resource %.*s may have policy variables after its fifth colon only",
									  POLICY_QUOTED(text));
	}
	return true;
}

static bool
read_resources(Element *element)
{
	PolicyStatement *statement = element->statement;
	DdbText    *texts;
	int			i;

	if (statement->resources != NULL)
		return element_problem(element, "Statement has both Resource and NotResource");
	texts = read_texts(element->compilation, element->name, element->value, false,
					   &statement->nresources);
	if (texts == NULL)
		return false;
	statement->not_resource = element->is_negated;
	statement->resources = palloc(statement->nresources * sizeof(PolicyArn));
	for (i = 0; i < statement->nresources; i++)
	{
		PolicyArn  *arn = &statement->resources[i];

		CHECK_FOR_INTERRUPTS();
		if (!ddb_policy_compile_arn(element->compilation, "Resource", texts[i], arn) ||
			!check_resource(element->compilation, arn, texts[i]))
			return false;
		statement->has_variables |= ddb_policy_arn_has_variables(arn);
	}
	return true;
}

static bool
is_account(DdbText text)
{
	int			i;

	for (i = 0; i < text.len; i++)
	{
		if (text.str[i] < '0' || text.str[i] > '9')
			return false;
	}
	return text.len == ACCOUNT_DIGITS;
}

static bool
begins_with(DdbText text, const char *prefix)
{
	int			len = strlen(prefix);

	return text.len > len && memcmp(text.str, prefix, len) == 0;
}

/* The ARN of an account's root, user, role or session; no wildcards. */
static bool
read_principal_arn(DdbText text, PolicyPrincipal *out)
{
	PolicyArnParts arn;
	const DdbText *last = &arn.parts[POLICY_ARN_PARTS - 1];
	bool		is_iam;

	ddb_policy_split_arn(text, &arn);
	if (arn.count < POLICY_ARN_PARTS || !ddb_text_is(arn.parts[0], "arn") ||
		(!ddb_text_is(arn.parts[1], "aws") && !begins_with(arn.parts[1], "aws-")) ||
		arn.parts[3].len > 0 || !is_account(arn.parts[4]) ||
		memchr(text.str, '*', text.len) != NULL || memchr(text.str, '?', text.len) != NULL)
		return false;

	is_iam = ddb_text_is(arn.parts[2], "iam");
	out->kind = POLICY_PRINCIPAL_ARN;
	out->text = text;
	if (is_iam && ddb_text_is(*last, "root"))
	{
		out->kind = POLICY_PRINCIPAL_ACCOUNT;
		out->text = arn.parts[4];
		return true;
	}
	if (is_iam)
		return begins_with(*last, "user/") || begins_with(*last, "role/");
	return ddb_text_is(arn.parts[2], "sts") &&
		(begins_with(*last, "assumed-role/") || begins_with(*last, "federated-user/"));
}

static bool
read_principal(PolicyCompilation *compilation, DdbText kind, DdbText text, PolicyPrincipal *out)
{
	out->text = text;
	if (!ddb_text_is(kind, "AWS"))
		out->kind = POLICY_PRINCIPAL_FOREIGN;
	else if (ddb_text_is(text, "*"))
		out->kind = POLICY_PRINCIPAL_ANYONE;
	else if (is_account(text))
		out->kind = POLICY_PRINCIPAL_ACCOUNT;
	else if (!read_principal_arn(text, out))
		return ddb_policy_problem(compilation, "Invalid principal in policy: \"AWS\":\"%.*s\"",
								  POLICY_QUOTED(text));
	return true;
}

static bool
is_principal_kind(DdbText kind)
{
	return ddb_text_is(kind, "AWS") || ddb_text_is(kind, "Service") ||
		ddb_text_is(kind, "Federated") || ddb_text_is(kind, "CanonicalUser");
}

/* Add the principals of one kind to a statement. */
static bool
add_principals(Element *element, DdbText kind, const JsonbValue *value)
{
	PolicyStatement *statement = element->statement;
	DdbText    *texts;
	int			count;
	int			i;

	if (!is_principal_kind(kind))
		return element_problem(element, "Invalid principal in policy: \"%.*s\"",
							   POLICY_QUOTED(kind));
	texts = read_texts(element->compilation, kind, value, false, &count);
	if (texts == NULL)
		return false;
	statement->principals = repalloc(statement->principals,
									 (statement->nprincipals + count) * sizeof(PolicyPrincipal));
	for (i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_principal(element->compilation, kind, texts[i],
							&statement->principals[statement->nprincipals++]))
			return false;
	}
	return true;
}

static bool
read_principals(Element *element)
{
	PolicyStatement *statement = element->statement;
	DdbDoc		kinds = ddb_doc_of(element->value);
	DdbDocCursor cursor;
	DdbText		kind;
	JsonbValue	value;

	if (element->compilation->policy->kind == DDB_POLICY_IDENTITY)
		return element_problem(element, "Policy document should not specify a principal.");
	if (statement->principals != NULL)
		return element_problem(element, "Statement has both Principal and NotPrincipal");
	statement->not_principal = element->is_negated;
	statement->principals = palloc(sizeof(PolicyPrincipal));

	if (element->value->type == jbvString && ddb_text_is(text_of(element->value), "*"))
	{
		statement->nprincipals = 1;
		statement->principals[0].kind = POLICY_PRINCIPAL_ANYONE;
		return true;
	}
	if (kinds.ptr == NULL || !ddb_doc_is_object(kinds) || ddb_doc_count(kinds) == 0)
		return element_problem(element, "%.*s must be \"*\" or an object of lists",
							   POLICY_QUOTED(element->name));
	ddb_doc_begin(&cursor, kinds);
	while (ddb_doc_next(&cursor, &kind, &value))
	{
		if (!add_principals(element, kind, &value))
			return false;
	}
	return true;
}

/* One key of an operator, with its values. */
static bool
add_condition(Element *element, DdbText operator, DdbText key, const JsonbValue *value)
{
	PolicyCompilation *compilation = element->compilation;
	PolicyCondition *condition = &element->statement->conditions[element->statement->nconditions++];
	DdbText    *texts;
	int			i;

	if (!ddb_policy_compile_condition(compilation, operator, key, condition))
		return false;
	texts = read_texts(compilation, key, value, true, &condition->nvalues);
	if (texts == NULL)
		return false;
	condition->values = palloc(condition->nvalues * sizeof(PolicyValue));
	for (i = 0; i < condition->nvalues; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!ddb_policy_compile_value(compilation, condition, texts[i], &condition->values[i]))
			return false;
	}
	return true;
}

/* The keys of one operator; conditions grow by as many. */
static bool
add_operator(Element *element, DdbText operator, const JsonbValue *value)
{
	PolicyStatement *statement = element->statement;
	DdbDoc		keys = ddb_doc_of(value);
	DdbDocCursor cursor;
	DdbText		key;
	JsonbValue	values;

	if (keys.ptr == NULL || !ddb_doc_is_object(keys))
		return element_problem(element, "Condition %.*s must be an object of condition keys",
							   POLICY_QUOTED(operator));
	statement->conditions = repalloc(statement->conditions,
									 (statement->nconditions + ddb_doc_count(keys) + 1) *
									 sizeof(PolicyCondition));
	ddb_doc_begin(&cursor, keys);
	while (ddb_doc_next(&cursor, &key, &values))
	{
		if (!add_condition(element, operator, key, &values))
			return false;
	}
	return true;
}

static bool
read_conditions(Element *element)
{
	DdbDoc		operators = ddb_doc_of(element->value);
	DdbDocCursor cursor;
	DdbText		operator;
	JsonbValue	value;

	if (operators.ptr == NULL || !ddb_doc_is_object(operators))
		return element_problem(element, "Condition must be an object of condition operators");
	element->statement->conditions = palloc(sizeof(PolicyCondition));
	ddb_doc_begin(&cursor, operators);
	while (ddb_doc_next(&cursor, &operator, &value))
	{
		if (!add_operator(element, operator, &value))
			return false;
	}
	return true;
}

/* ---- statements ---- */

typedef struct ElementInfo
{
	const char *name;
	bool		is_negated;
	bool		(*read) (Element *element);
} ElementInfo;

static const ElementInfo elements[] = {
	{"Sid", false, read_sid},
	{"Effect", false, read_effect},
	{"Principal", false, read_principals},
	{"NotPrincipal", true, read_principals},
	{"Action", false, read_actions},
	{"NotAction", true, read_actions},
	{"Resource", false, read_resources},
	{"NotResource", true, read_resources},
	{"Condition", false, read_conditions},
};

static const ElementInfo *
find_element(DdbText name)
{
	int			i;

	for (i = 0; i < lengthof(elements); i++)
	{
		if (ddb_text_is(name, elements[i].name))
			return &elements[i];
	}
	return NULL;
}

static bool
has_member(DdbDoc doc, const char *name)
{
	JsonbValue	value;

	return ddb_doc_get(doc, name, strlen(name), &value);
}

/* What a statement cannot do without, and what does not go together. */
static bool
check_statement(PolicyCompilation *compilation, DdbDoc doc, const PolicyStatement *statement)
{
	if (!has_member(doc, "Effect"))
		return ddb_policy_problem(compilation, "Missing required field Effect");
	if (compilation->policy->kind == DDB_POLICY_RESOURCE && statement->principals == NULL)
		return ddb_policy_problem(compilation, "Missing required field Principal");
	if (statement->actions == NULL)
		return ddb_policy_problem(compilation, "Policy statement must contain actions.");
	if (statement->resources == NULL)
		return ddb_policy_problem(compilation, "Policy statement must contain resources.");
	if (statement->not_principal && statement->is_allow)
		return ddb_policy_problem(compilation, "NotPrincipal cannot be used with the effect Allow");
	return true;
}

static bool
compile_statement(PolicyCompilation *compilation, const JsonbValue *value,
				  PolicyStatement *statement)
{
	DdbDoc		doc = ddb_doc_of(value);
	Element		element = {compilation, statement};
	JsonbValue	member;
	DdbDocCursor cursor;

	if (doc.ptr == NULL || !ddb_doc_is_object(doc))
		return ddb_policy_problem(compilation, "Statement must be an object or a list of objects");
	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &element.name, &member))
	{
		const ElementInfo *info = find_element(element.name);

		if (info == NULL)
			return ddb_policy_problem(compilation, "Unknown field %.*s",
									  POLICY_QUOTED(element.name));
		element.value = &member;
		element.is_negated = info->is_negated;
		if (!info->read(&element))
			return false;
	}
	return check_statement(compilation, doc, statement);
}

/* Statement: one, or a list of at least one. */
static bool
compile_statements(PolicyCompilation *compilation, const JsonbValue *value)
{
	DdbPolicy  *policy = compilation->policy;
	DdbDoc		list = ddb_doc_of(value);
	bool		is_list = list.ptr != NULL && ddb_doc_is_array(list);
	int			count = is_list ? ddb_doc_count(list) : 1;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (count == 0)
		return ddb_policy_problem(compilation, "The list of Statement is empty");
	policy->statements = palloc0(count * sizeof(PolicyStatement));
	if (is_list)
		ddb_doc_begin(&cursor, list);
	while (policy->nstatements < count)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_list && !ddb_doc_next(&cursor, &name, &element))
			elog(ERROR, "policy statement %d not found", policy->nstatements + 1);
		compilation->statement = policy->nstatements + 1;
		if (!compile_statement(compilation, is_list ? &element : value,
							   &policy->statements[policy->nstatements++]))
			return false;
	}
	compilation->statement = 0;
	return true;
}

static int
compare_sids(const void *a, const void *b)
{
	const DdbText *left = a;
	const DdbText *right = b;
	int			order = memcmp(left->str, right->str, Min(left->len, right->len));

	return order != 0 ? order : left->len - right->len;
}

static bool
check_sids(PolicyCompilation *compilation)
{
	DdbPolicy  *policy = compilation->policy;
	DdbText    *sids = palloc(policy->nstatements * sizeof(DdbText));
	int			count = 0;
	int			i;

	for (i = 0; i < policy->nstatements; i++)
	{
		if (policy->statements[i].sid.str != NULL)
			sids[count++] = policy->statements[i].sid;
	}
	qsort(sids, count, sizeof(DdbText), compare_sids);
	for (i = 1; i < count; i++)
	{
		if (ddb_text_same(sids[i - 1], sids[i]))
			return ddb_policy_problem(compilation, "Statement IDs (SID) in a single policy must be unique.");
	}
	pfree(sids);
	return true;
}

/* ---- the document ---- */

/* The version decides what else there is; without one there are no variables. */
static bool
read_version(PolicyCompilation *compilation, DdbDoc doc)
{
	JsonbValue	value;
	DdbText		version;

	if (!ddb_doc_get(doc, "Version", 7, &value))
		return true;
	if (!read_text(&value, false, &version))
		return ddb_policy_problem(compilation, "Version must be a string");
	compilation->has_variables = ddb_text_is(version, VERSION_WITH_VARIABLES);
	if (!compilation->has_variables && !ddb_text_is(version, VERSION_WITHOUT))
		return ddb_policy_problem(compilation, "Invalid policy version: %.*s", POLICY_QUOTED(version));
	return true;
}

static bool
check_members(PolicyCompilation *compilation, DdbDoc doc)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (ddb_text_is(name, "Id"))
		{
			if (value.type != jbvString)
				return ddb_policy_problem(compilation, "Id must be a string");
		}
		else if (!ddb_text_is(name, "Version") && !ddb_text_is(name, "Statement"))
			return ddb_policy_problem(compilation, "Unknown field %.*s", POLICY_QUOTED(name));
	}
	return true;
}

static bool
compile_document(PolicyCompilation *compilation, DdbDoc doc)
{
	JsonbValue	statement;

	if (!ddb_doc_is_object(doc))
		return ddb_policy_problem(compilation, "The policy must be an object");
	if (!check_members(compilation, doc) || !read_version(compilation, doc))
		return false;
	if (!ddb_doc_get(doc, "Statement", 9, &statement))
		return ddb_policy_problem(compilation, "Missing required field Statement");
	return compile_statements(compilation, &statement) && check_sids(compilation);
}

/*
 * ddb_policy_compile returns a policy in CurrentMemoryContext, or NULL with
 * *problem set there.  Raises nothing on account of the document.
 */
DdbPolicy *
ddb_policy_compile(DdbText document, DdbPolicyKind kind, char **problem)
{
	PolicyCompilation compilation = {0};
	Jsonb	   *parsed = ddb_policy_read(document, problem);

	if (parsed == NULL)
		return NULL;
	compilation.policy = palloc0(sizeof(DdbPolicy));
	compilation.policy->kind = kind;
	if (compile_document(&compilation, ddb_doc_root(parsed)))
		return compilation.policy;
	*problem = compilation.problem;
	return NULL;
}
