/*
 * accesssim.c
 *	  dynamo.simulate_policy and simulate_principal_policy: why may a role do
 *	  something, or not?
 *
 * A request is put through its operation as that role, in a subtransaction, up
 * to where reading or writing would begin: there the handler leaves by an error
 * (ddb_access_finish), and everything is rolled back.  Operations that are
 * decided by one look are not begun at all.  The dispatcher is gone around, so
 * that nothing is counted or throttled.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

#include "access.h"
#include "accesskey.h"
#include "compat.h"
#include "error.h"
#include "funcarg.h"
#include "op.h"
#include "shape.h"

#define COLUMNS				5
#define ACTION_PREFIX		"dynamodb:"

DDB_FUNCTION(ddb_simulate_policy);
DDB_FUNCTION(ddb_simulate_principal_policy);

/* what is asked */
typedef struct Question
{
	Oid			role;
	const DdbAccessKey *key;	/* NULL for none */
	const DdbOperation *op;		/* with its request, or */
	DdbDoc		request;
	const char *action;			/* an action, without prefix, and */
	DdbText		resource;		/* its resource */
} Question;

/* ----------------------------------------------------------------
 * Arguments
 * ----------------------------------------------------------------
 */

/* has the current user been given the administration of policies? */
static bool
manages_policies(void)
{
	static const char put_role_policy[] =
	"dynamo.put_role_policy(pg_catalog.regrole, pg_catalog.text, pg_catalog.text)";
	Datum		function = DirectFunctionCall1(regprocedurein,
											   CStringGetDatum(put_role_policy));

	return ddb_function_aclcheck(DatumGetObjectId(function), GetUserId(),
								 ACL_EXECUTE) == ACLCHECK_OK;
}

/*
 * A role of whose policies the current user may know.
 */
static Oid
role_arg(FunctionCallInfo fcinfo, int arg)
{
	Oid			role = PG_GETARG_OID(arg);
	char	   *name = GetUserNameFromId(role, true);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", role)));
	if (is_member_of_role(GetUserId(), role) || (!superuser_arg(role) && manages_policies()))
		return role;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to simulate policies of role \"%s\"", name)));
}

static const DdbAccessKey *
key_arg(FunctionCallInfo fcinfo, int arg, Oid role)
{
	DdbText		id;
	const DdbAccessKey *key;

	if (PG_ARGISNULL(arg))
		return NULL;
	id = ddb_funcarg_text(fcinfo, arg);
	key = ddb_accesskey_find(id);
	if (key == NULL || key->role != role)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" has no active access key \"%.*s\"",
						GetUserNameFromId(role, false), id.len, id.str)));
	return key;
}

/* condition keys and their values; ptr NULL for none */
static DdbDoc
context_arg(FunctionCallInfo fcinfo, int arg)
{
	DdbDoc		context = {NULL, 0};

	if (PG_ARGISNULL(arg))
		return context;
	context = ddb_doc_root(PG_GETARG_JSONB_P(arg));
	if (!ddb_doc_is_object(context))
		ddb_validation_error("context must be an object of condition keys and their values");
	return context;
}

static const DdbOperation *
operation_arg(FunctionCallInfo fcinfo, int arg)
{
	DdbText		name = ddb_funcarg_text(fcinfo, arg);
	const DdbOperation *op = ddb_op_find(name.str, name.len);

	if (op == NULL || op->handler == NULL)
		ddb_error(DDB_UNKNOWN_OPERATION, "%s", "");
	return op;
}

/* ----------------------------------------------------------------
 * Looking
 * ----------------------------------------------------------------
 */

/* is the operation to be begun, for its second looks? */
static bool
looks_twice(const DdbOperation *op)
{
	switch (op->resource)
	{
		case DDB_RESOURCE_ITEMS:
		case DDB_RESOURCE_PAGE:
		case DDB_RESOURCE_REQUEST_ITEMS:
		case DDB_RESOURCE_TRANSACT_ITEMS:
		case DDB_RESOURCE_STATEMENTS:
			return true;
		default:
			return false;
	}
}

/* the looks of an operation, as the current role; leaves by an error */
static void
look(const Question *question)
{
	const DdbOperation *op = question->op;

	if (op == NULL)
	{
		DdbFirstLook first = {question->action, true, {NULL, 0}, {NULL, 0}};

		ddb_access_check_action(&first, question->resource);
		ddb_access_finish();
	}
	if (!ddb_doc_is_object(question->request))
		ddb_error(DDB_SERIALIZATION, "%s", "");
	ddb_op_first_look(op, question->request);
	ddb_shape_check(op->shape, question->request, op->table_name_rule);
	if (looks_twice(op))
		(void) op->handler(question->request);
	else
		ddb_access_finish();
	elog(ERROR, "operation %s does not tell where its looks end", op->name);
}

/* who calls, as the role asked about would from here */
static DdbCaller
caller_of(const Question *question)
{
	DdbCaller	caller = ddb_access_caller;

	caller.role = question->role;
	caller.access_key_id = NULL;
	caller.claims = NULL;
	caller.token_issued = 0;
	if (question->key != NULL)
	{
		caller.access_key_id = question->key->id;
		caller.claims = question->key->claims;
		caller.token_issued = question->key->session_token != NULL ?
			question->key->created_at : 0;
	}
	return caller;
}

/*
 * Take all looks, and undo whatever came with them.  Returns the error that
 * ended them.
 */
static ErrorData *
simulate(const Question *question, DdbSimulation *simulation)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	DdbSimulation *outer = ddb_access_simulation;
	DdbCaller	outer_caller = ddb_access_caller;
	ErrorData  *volatile error = NULL;
	Oid			user;
	int			security;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		GetUserIdAndSecContext(&user, &security);
		SetUserIdAndSecContext(question->role, security | SECURITY_LOCAL_USERID_CHANGE);
		ddb_access_caller = caller_of(question);
		ddb_access_simulation = simulation;
		look(question);
	}
	PG_CATCH();
	{
		ddb_access_simulation = outer;
		ddb_access_caller = outer_caller;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/* ----------------------------------------------------------------
 * Answers
 * ----------------------------------------------------------------
 */

static Datum
text_array(const List *texts)
{
	Datum	   *elements = palloc((list_length(texts) + 1) * sizeof(Datum));
	int			count = 0;
	ListCell   *lc;

	foreach(lc, texts)
		elements[count++] = CStringGetTextDatum(lfirst(lc));
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false,
										   TYPALIGN_INT));
}

static void
put_note(ReturnSetInfo *result, const DdbLookNote *note)
{
	static const char *const decisions[] = {
		[DDB_ALLOWED] = "allowed",
		[DDB_DENIED_IMPLICITLY] = "implicitDeny",
		[DDB_DENIED_BY_IDENTITY] = "explicitDeny",
		[DDB_DENIED_BY_RESOURCE] = "explicitDeny"
	};
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[0] = CStringGetTextDatum(note->action);
	values[1] = CStringGetTextDatum(note->resource);
	values[2] = CStringGetTextDatum(decisions[note->decision]);
	values[3] = JsonbPGetDatum(note->statements);
	values[4] = text_array(note->missing);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* policies would allow it, privileges do not */
static void
put_missing_privilege(ReturnSetInfo *result, const Question *question)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false, true, false, true, true};

	values[0] = CStringGetTextDatum(psprintf(ACTION_PREFIX "%s", question->op->name));
	values[2] = CStringGetTextDatum("missingPrivilege");
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static bool
is_denied(const DdbSimulation *simulation)
{
	ListCell   *lc;

	foreach(lc, simulation->notes)
	{
		if (((const DdbLookNote *) lfirst(lc))->decision != DDB_ALLOWED)
			return true;
	}
	return false;
}

static bool
is_denial(const ErrorData *error)
{
	const DdbErrorInfo *info = ddb_error_by_sqlstate(error->sqlerrcode);

	return error->sqlerrcode == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		(info != NULL && ddb_error_code(info) == DDB_ACCESS_DENIED);
}

/*
 * One row for each look.  A request that policies allow and that is in error
 * raises that error, and so does being cancelled.
 */
static void
answer(FunctionCallInfo fcinfo, const Question *question, DdbDoc overrides)
{
	DdbSimulation simulation = {CurrentMemoryContext, overrides, NIL};
	ErrorData  *error = simulate(question, &simulation);
	ReturnSetInfo *result;
	ListCell   *lc;

	if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		(error->sqlerrcode != ERRCODE_DDB_SIMULATED && !is_denied(&simulation) &&
		 !is_denial(error)))
		ReThrowError(error);
	InitMaterializedSRF(fcinfo, 0);
	result = (ReturnSetInfo *) fcinfo->resultinfo;
	foreach(lc, simulation.notes)
		put_note(result, lfirst(lc));
	if (!is_denied(&simulation) && is_denial(error))
		put_missing_privilege(result, question);
}

/*
 * simulate_policy(principal, operation, request, access_key_id, context): the
 * looks that a request of the role, signed with the key, would be given.
 */
Datum
ddb_simulate_policy(PG_FUNCTION_ARGS)
{
	Question	question = {InvalidOid};

	ddb_funcarg_require(fcinfo, 3);
	question.role = role_arg(fcinfo, 0);
	question.op = operation_arg(fcinfo, 1);
	question.request = ddb_doc_root(PG_GETARG_JSONB_P(2));
	question.key = key_arg(fcinfo, 3, question.role);
	answer(fcinfo, &question, context_arg(fcinfo, 4));
	return (Datum) 0;
}

/*
 * simulate_principal_policy(principal, action, resource, context): one action
 * on one resource, whose condition keys are the principal's and those given.
 */
Datum
ddb_simulate_principal_policy(PG_FUNCTION_ARGS)
{
	Question	question = {InvalidOid};

	ddb_funcarg_require(fcinfo, 3);
	question.role = role_arg(fcinfo, 0);
	question.action = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (pg_strncasecmp(question.action, ACTION_PREFIX, strlen(ACTION_PREFIX)) != 0)
		ddb_validation_error("The action must be one of DynamoDB, e.g. dynamodb:GetItem");
	question.action += strlen(ACTION_PREFIX);
	question.resource = ddb_funcarg_text(fcinfo, 2);
	answer(fcinfo, &question, context_arg(fcinfo, 3));
	return (Datum) 0;
}
