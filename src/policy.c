/*
 * policy.c
 *	  Evaluation of compiled policies.
 *
 * A statement applies when its action, resource, principal and every one of its
 * conditions match.  Values that are not known yet make a third truth value, so
 * that a request can be refused, or let pass, by what is known already.
 *
 * What a policy says is independent of the order of its statements; who
 * evaluates combines policies: an explicit deny before any allow.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "policy_internal.h"

#define USUAL_ACTION_SIZE	128

/* a request in the forms that statements compare */
typedef struct Question
{
	const DdbPolicyRequest *request;
	DdbText		action;			/* in lower case */
	PolicyArnParts resource;
	char		action_buffer[USUAL_ACTION_SIZE];
} Question;

static void
open_question(Question *question, const DdbPolicyRequest *request)
{
	int			len = strlen(request->action);
	char	   *action = len <= USUAL_ACTION_SIZE ? question->action_buffer : palloc(len);
	int			i;

	for (i = 0; i < len; i++)
		action[i] = pg_ascii_tolower((unsigned char) request->action[i]);
	question->request = request;
	question->action.str = action;
	question->action.len = len;
	ddb_policy_split_arn(request->resource, &question->resource);
}

static void
close_question(Question *question)
{
	if (question->action.str != question->action_buffer)
		pfree(unconstify(char *, question->action.str));
}

static bool
action_matches(const PolicyStatement *statement, const Question *question)
{
	int			i;

	for (i = 0; i < statement->nactions; i++)
	{
		const PolicyPattern *pattern = &statement->actions[i];

		if (ddb_policy_text_matches(pattern, pattern->text, question->action))
			return !statement->not_action;
	}
	return statement->not_action;
}

static PolicyTruth
resource_matches(const PolicyStatement *statement, const Question *question)
{
	PolicyTruth result = POLICY_FALSE;
	int			i;

	for (i = 0; i < statement->nresources && result != POLICY_TRUE; i++)
	{
		PolicyTruth matches = ddb_policy_arn_matches(&statement->resources[i],
													 question->request, &question->resource);

		CHECK_FOR_INTERRUPTS();
		result = Max(result, matches);
	}
	return statement->not_resource ? policy_not(result) : result;
}

static bool
principal_matches(const PolicyStatement *statement, const Question *question)
{
	int			i;

	for (i = 0; i < statement->nprincipals; i++)
	{
		if (ddb_policy_principal_matches(&statement->principals[i], question->request,
										 statement->not_principal))
			return !statement->not_principal;
	}
	return statement->not_principal;
}

/* what conditions leave of result */
static PolicyTruth
conditions_hold(const PolicyStatement *statement, const DdbPolicyRequest *request,
				PolicyTruth result)
{
	int			i;

	for (i = 0; i < statement->nconditions && result != POLICY_FALSE; i++)
	{
		PolicyTruth holds = ddb_policy_condition_holds(&statement->conditions[i],
													   statement->is_allow, request);

		result = Min(result, holds);
	}
	return result;
}

static PolicyTruth
statement_applies(const DdbPolicy *policy, const PolicyStatement *statement,
				  const Question *question)
{
	if (!action_matches(statement, question))
		return POLICY_FALSE;
	if (policy->kind == DDB_POLICY_RESOURCE && !principal_matches(statement, question))
		return POLICY_FALSE;
	return conditions_hold(statement, question->request, resource_matches(statement, question));
}

/* add the word of a statement, by its index */
static void
add_word(const DdbPolicy *policy, int index, PolicyTruth applies, DdbPolicyVerdict *verdict)
{
	bool		is_allow = policy->statements[index].is_allow;
	int			position = verdict->nstatements + index;

	switch (applies)
	{
		case POLICY_FALSE:
			break;
		case POLICY_UNKNOWN:
			*(is_allow ? &verdict->may_be_allowed : &verdict->may_be_denied) = true;
			if (position < DDB_POLICY_MAX_PENDING)
				verdict->pending |= UINT64CONST(1) << position;
			break;
		case POLICY_TRUE:
			*(is_allow ? &verdict->allowed : &verdict->denied) = true;
			break;
	}
}

/*
 * ddb_policy_evaluate adds what a policy says about a request to a verdict.
 * Statements that could not change it are not looked at.  Allocates nothing
 * lasting.
 */
void
ddb_policy_evaluate(const DdbPolicy *policy, const DdbPolicyRequest *request,
					DdbPolicyVerdict *verdict)
{
	Question	question;
	int			i;

	open_question(&question, request);
	for (i = 0; i < policy->nstatements; i++)
	{
		const PolicyStatement *statement = &policy->statements[i];

		CHECK_FOR_INTERRUPTS();
		if (!(statement->is_allow ? verdict->allowed : verdict->denied))
			add_word(policy, i, statement_applies(policy, statement, &question), verdict);
	}
	close_question(&question);
	verdict->nstatements += policy->nstatements;
}

/*
 * ddb_policy_evaluate_pending: action and principal of a pending statement are
 * those of the request, as is its resource where that has no variables.
 */
void
ddb_policy_evaluate_pending(const DdbPolicy *policy, const DdbPolicyRequest *request,
							uint64 pending, DdbPolicyVerdict *verdict)
{
	int			i;

	for (i = 0; i < policy->nstatements; i++)
	{
		const PolicyStatement *statement = &policy->statements[i];
		int			position = verdict->nstatements + i;
		PolicyTruth result = POLICY_TRUE;

		CHECK_FOR_INTERRUPTS();
		if (position >= DDB_POLICY_MAX_PENDING || !(pending >> position & 1))
			continue;
		if (statement->has_variables)
		{
			Question	question;

			open_question(&question, request);
			result = resource_matches(statement, &question);
			close_question(&question);
		}
		add_word(policy, i, conditions_hold(statement, request, result), verdict);
	}
	verdict->nstatements += policy->nstatements;
}

static void
append_statement(JsonbValue *list, const DdbPolicySource *source, int number, DdbText sid)
{
	JsonbValue	statement;
	JsonbValue	value;

	ddb_json_object(&statement, 4);
	ddb_json_add_string(&statement, "SourcePolicyId", source->id);
	ddb_json_add_string(&statement, "SourcePolicyType", source->type);
	ddb_json_add_int(&statement, "Statement", number);
	if (sid.str != NULL)
	{
		ddb_json_string(&value, sid.str, sid.len);
		ddb_json_add_value(&statement, "Sid", &value);
	}
	ddb_json_append(list, &statement);
}

void
ddb_policy_list_applying(const DdbPolicy *policy, const DdbPolicyRequest *request, bool allow,
						 const DdbPolicySource *source, JsonbValue *list)
{
	Question	question;
	int			i;

	open_question(&question, request);
	for (i = 0; i < policy->nstatements; i++)
	{
		const PolicyStatement *statement = &policy->statements[i];

		CHECK_FOR_INTERRUPTS();
		if (statement->is_allow == allow &&
			statement_applies(policy, statement, &question) == POLICY_TRUE)
			append_statement(list, source, i + 1, statement->sid);
	}
	close_question(&question);
}

/*
 * ddb_policy_uses_key: does a statement look at a key that begins with prefix,
 * in any case, or use it as a variable?
 */
bool
ddb_policy_uses_key(const DdbPolicy *policy, const char *prefix)
{
	DdbText		wanted = {prefix, strlen(prefix)};
	int			i;

	for (i = 0; i < policy->nkeys; i++)
	{
		DdbText		key = policy->keys[i];

		if (key.len < wanted.len)
			continue;
		key.len = wanted.len;
		if (ddb_text_same_nocase(key, wanted))
			return true;
	}
	return false;
}
