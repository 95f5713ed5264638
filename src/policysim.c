/*
 * policysim.c
 *	  dynamo.simulate_custom_policy: what policies that are given, rather than
 *	  attached, say about a request that is given too.
 *
 * Nothing stored is looked at, so anyone may ask.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "compat.h"
#include "error.h"
#include "policy.h"

DDB_FUNCTION(ddb_simulate_custom_policy);

#define RESOURCE_POLICY_NAME	"ResourcePolicy"

/* a policy that is given */
typedef struct GivenPolicy
{
	DdbPolicySource source;
	const DdbPolicy *policy;
} GivenPolicy;

/* condition keys and their values, as given; what was asked for in vain */
typedef struct Context
{
	DdbDoc		doc;
	int			nmissing;
	int			size;
	Datum	   *missing;		/* text */
} Context;

/* ---- the context ---- */

/* A value of a condition key; false for what cannot be one. */
static bool
read_value(const JsonbValue *value, DdbText *out)
{
	switch (value->type)
	{
		case jbvString:
			out->str = value->val.string.val;
			out->len = value->val.string.len;
			return true;
		case jbvNumeric:
			out->str = DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(value->val.numeric)));
			break;
		case jbvBool:
			out->str = value->val.boolean ? "true" : "false";
			break;
		default:
			return false;
	}
	out->len = strlen(out->str);
	return true;
}

static void
read_values(const JsonbValue *given, DdbText key, DdbContextValues *out)
{
	DdbDoc		list = ddb_doc_of(given);
	bool		is_list = list.ptr != NULL && ddb_doc_is_array(list);
	int			count = is_list ? ddb_doc_count(list) : 1;
	DdbText    *values = palloc(Max(count, 1) * sizeof(DdbText));
	int			i;

	for (i = 0; i < count; i++)
	{
		JsonbValue	element = *given;

		if (is_list)
			ddb_doc_element(list, i, &element);
		if (!read_value(&element, &values[i]))
			ddb_validation_error("The value of context key %.*s must be a string, a number, a boolean or a list of these",
								 key.len, key.str);
	}
	out->count = count;
	out->values = values;
}

static void
note_missing(Context *context, DdbText key)
{
	int			i;

	for (i = 0; i < context->nmissing; i++)
	{
		text	   *seen = DatumGetTextPP(context->missing[i]);
		DdbText		other = {VARDATA_ANY(seen), VARSIZE_ANY_EXHDR(seen)};

		if (ddb_text_same_nocase(key, other))
			return;
	}
	if (context->nmissing == context->size)
	{
		context->size *= 2;
		context->missing = repalloc(context->missing, context->size * sizeof(Datum));
	}
	context->missing[context->nmissing++] =
		PointerGetDatum(cstring_to_text_with_len(key.str, key.len));
}

/* Of a request (policy.h): null stands for values that are not known yet. */
static DdbContextState
lookup(DdbText key, DdbContextValues *values, void *arg)
{
	Context    *context = arg;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	ddb_doc_begin(&cursor, context->doc);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (!ddb_text_same_nocase(key, name))
			continue;
		if (value.type == jbvNull)
			return DDB_CONTEXT_UNKNOWN;
		read_values(&value, name, values);
		return DDB_CONTEXT_PRESENT;
	}
	note_missing(context, key);
	return DDB_CONTEXT_ABSENT;
}

/* ---- the policies ---- */

static DdbText
text_argument(Datum datum)
{
	text	   *value = DatumGetTextPP(datum);
	DdbText		result = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	return result;
}

static void
add_policy(GivenPolicy *out, const char *name, DdbPolicyKind kind, DdbText document)
{
	char	   *problem = NULL;

	out->source.id = name;
	out->source.type = kind == DDB_POLICY_IDENTITY ? "IAM Policy" : "Resource Policy";
	out->policy = ddb_policy_compile(document, kind, &problem);
	if (out->policy == NULL)
		ddb_validation_error("%s: %s", name, problem);
}

/* The given policies, the resource's last; resource_policy is 0 for none. */
static GivenPolicy *
read_policies(ArrayType *documents, const Datum *resource_policy, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	GivenPolicy *policies;
	int			i;

	deconstruct_array(documents, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	policies = palloc((*count + 1) * sizeof(GivenPolicy));
	for (i = 0; i < *count; i++)
	{
		if (nulls[i])
			ddb_validation_error("%s", "A policy must not be null");
		add_policy(&policies[i], psprintf("PolicyInputList.%d", i + 1), DDB_POLICY_IDENTITY,
				   text_argument(elements[i]));
	}
	if (resource_policy != NULL)
		add_policy(&policies[(*count)++], RESOURCE_POLICY_NAME, DDB_POLICY_RESOURCE,
				   text_argument(*resource_policy));
	return policies;
}

/* ---- the request ---- */

/* The fifth part of an ARN; empty where there is none. */
static DdbText
account_of(DdbText arn)
{
	const char *p = arn.str;
	const char *end = p + arn.len;
	DdbText		result = {"", 0};
	int			colons = 0;

	for (; p < end && colons < 5; p++)
	{
		if (*p != ':')
			continue;
		colons++;
		if (colons == 4)
			result.str = p + 1;
		else if (colons == 5)
			result.len = p - result.str;
	}
	return result;
}

/* ---- the answer ---- */

static const char *
decision_of(const DdbPolicyVerdict *verdict)
{
	if (verdict->denied)
		return "explicitDeny";
	if (verdict->may_be_denied || (verdict->may_be_allowed && !verdict->allowed))
		return "undetermined";
	return verdict->allowed ? "allowed" : "implicitDeny";
}

/* The statements that made the decision. */
static Jsonb *
matched_statements(const GivenPolicy *policies, int count, const DdbPolicyRequest *request,
				   const DdbPolicyVerdict *verdict)
{
	JsonbValue	list;
	int			i;

	ddb_json_array(&list, 4);
	for (i = 0; i < count && (verdict->denied || verdict->allowed); i++)
		ddb_policy_list_applying(policies[i].policy, request, !verdict->denied,
								 &policies[i].source, &list);
	return ddb_json_encode(&list);
}

/*
 * simulate_custom_policy(policies, action, resource, context, resource_policy,
 * principal): the decision ("undetermined" where it depends on keys whose value
 * is null), the statements that made it, and the condition keys that were
 * looked at and not there.  resource_policy and principal may be NULL.
 */
Datum
ddb_simulate_custom_policy(PG_FUNCTION_ARGS)
{
	Context		context = {.size = 8};
	DdbPolicyRequest request = {0};
	DdbPolicyVerdict verdict = {0};
	GivenPolicy *policies;
	Datum		resource_policy = PG_GETARG_DATUM(4);
	int			count;
	int			i;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {false};

	for (i = 0; i < 4; i++)
	{
		if (PG_ARGISNULL(i))
			ddb_validation_error("%s", "policies, action, resource and context must not be null");
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 3)
		elog(ERROR, "simulate_custom_policy has another result type");

	policies = read_policies(PG_GETARG_ARRAYTYPE_P(0),
							 PG_ARGISNULL(4) ? NULL : &resource_policy, &count);
	context.doc = ddb_doc_root(PG_GETARG_JSONB_P(3));
	if (!ddb_doc_is_object(context.doc))
		ddb_validation_error("%s", "context must be an object of condition keys and their values");
	context.missing = palloc(context.size * sizeof(Datum));
	request.action = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (strchr(request.action, ':') == NULL)
		ddb_validation_error("%s", "The action must have a vendor, e.g. dynamodb:GetItem");
	request.resource = text_argument(PG_GETARG_DATUM(2));
	request.principal = PG_ARGISNULL(5) ? (DdbText) {"", 0} : text_argument(PG_GETARG_DATUM(5));
	request.account = account_of(request.principal);
	request.lookup = lookup;
	request.arg = &context;

	for (i = 0; i < count; i++)
		ddb_policy_evaluate(policies[i].policy, &request, &verdict);
	values[0] = CStringGetTextDatum(decision_of(&verdict));
	values[1] = JsonbPGetDatum(matched_statements(policies, count, &request, &verdict));
	values[2] = PointerGetDatum(construct_array(context.missing, context.nmissing, TEXTOID,
												-1, false, TYPALIGN_INT));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
