/*
 * policyadmin.c
 *	  SQL functions that manage identity policies, and the trigger that keeps
 *	  stored policies well-formed.
 *
 * The right to call these functions is granted by a DBA, and with it the
 * administration of policies: whoever has it manages the policies of all roles
 * that are not superusers (those are for superusers), and the policies of the
 * access keys whose roles he is a member of.  But nobody manages what holds for
 * himself, or he could lift what restricts him: the policies of a role are not
 * for its members, be it the current user or the one who logged in and then
 * became another by SET ROLE, and those of an access key not for a call made
 * with it.  A superuser may do all of it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "access.h"
#include "accesskey.h"
#include "compat.h"
#include "error.h"
#include "funcarg.h"
#include "policystore.h"

#define MAX_POLICY_NAME	128
#define NAME_LETTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-"

DDB_FUNCTION(ddb_put_role_policy);
DDB_FUNCTION(ddb_delete_role_policy);
DDB_FUNCTION(ddb_put_access_key_policy);
DDB_FUNCTION(ddb_delete_access_key_policy);
DDB_FUNCTION(ddb_policy_row);

/* ----------------------------------------------------------------
 * Arguments
 * ----------------------------------------------------------------
 */

static char *
name_arg(FunctionCallInfo fcinfo, int arg)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	int			len = strlen(name);

	if (len < 1 || len > MAX_POLICY_NAME || strspn(name, NAME_LETTERS) != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of a policy must have 1 to %d characters out of a-z, A-Z, 0-9 and _+=,.@-",
						MAX_POLICY_NAME)));
	return name;
}

/* the document of an argument; ValidationException for one that is no policy */
static DdbText
document_arg(FunctionCallInfo fcinfo, int arg)
{
	DdbText		document = ddb_funcarg_text(fcinfo, arg);
	char	   *problem;

	if (ddb_policy_compile(document, DDB_POLICY_IDENTITY, &problem) == NULL)
		ddb_validation_error("Invalid policy document: %s", problem);
	return document;
}

static void
raise_no_policy(const char *name, const char *kind, const char *holder)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("%s \"%s\" has no policy \"%s\"", kind, holder, name)));
}

/* ----------------------------------------------------------------
 * Rights
 * ----------------------------------------------------------------
 */

static bool
holds_for_caller(Oid role)
{
	return is_member_of_role_nosuper(GetUserId(), role) ||
		is_member_of_role_nosuper(GetSessionUserId(), role);
}

/* argument 0, a role whose policies the current user may manage; its name in *name */
static Oid
role_arg(FunctionCallInfo fcinfo, char **name)
{
	Oid			role = PG_GETARG_OID(0);

	*name = GetUserNameFromId(role, true);
	if (*name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", role)));
	if (superuser())
		return role;
	if (superuser_arg(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to manage policies of a superuser")));
	if (holds_for_caller(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for policies of role \"%s\"", *name),
				 errdetail("The policies of a role hold for its members, who may not manage them.")));
	return role;
}

/*
 * Argument 0, the id of a key whose policies the current user may manage.
 * Others look as if they did not exist.
 */
static char *
key_arg(FunctionCallInfo fcinfo)
{
	char	   *id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	DdbText		id_text = {id, strlen(id)};
	DdbAccessKey *key = ddb_accesskey_read(id_text);

	if (key == NULL || !is_member_of_role(GetUserId(), key->role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("access key \"%s\" does not exist", id)));
	if (superuser())
		return id;
	if (superuser_arg(key->role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to manage policies of a superuser")));
	if (ddb_access_caller.access_key_id != NULL &&
		strcmp(ddb_access_caller.access_key_id, id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for policies of access key \"%s\"", id),
				 errdetail("The policies of an access key hold for the calls made with it, which may not manage them.")));
	return id;
}

/* ----------------------------------------------------------------
 * The functions
 * ----------------------------------------------------------------
 */

/* put_role_policy(role, policy_name, policy) */
Datum
ddb_put_role_policy(PG_FUNCTION_ARGS)
{
	char	   *role_name;
	char	   *name;
	Oid			role;

	ddb_funcarg_require(fcinfo, 3);
	role = role_arg(fcinfo, &role_name);
	name = name_arg(fcinfo, 1);
	ddb_policystore_put_role(role, name, document_arg(fcinfo, 2));
	PG_RETURN_VOID();
}

/* delete_role_policy(role, policy_name) */
Datum
ddb_delete_role_policy(PG_FUNCTION_ARGS)
{
	char	   *role_name;
	char	   *name;
	Oid			role;

	ddb_funcarg_require(fcinfo, 2);
	role = role_arg(fcinfo, &role_name);
	name = name_arg(fcinfo, 1);
	if (!ddb_policystore_delete_role(role, name))
		raise_no_policy(name, "role", role_name);
	PG_RETURN_VOID();
}

/* put_access_key_policy(access_key_id, policy_name, policy) */
Datum
ddb_put_access_key_policy(PG_FUNCTION_ARGS)
{
	char	   *id;
	char	   *name;

	ddb_funcarg_require(fcinfo, 3);
	id = key_arg(fcinfo);
	name = name_arg(fcinfo, 1);
	if (!ddb_policystore_put_key(id, name, document_arg(fcinfo, 2)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("access key \"%s\" does not exist", id)));
	PG_RETURN_VOID();
}

/* delete_access_key_policy(access_key_id, policy_name) */
Datum
ddb_delete_access_key_policy(PG_FUNCTION_ARGS)
{
	char	   *id;
	char	   *name;

	ddb_funcarg_require(fcinfo, 2);
	id = key_arg(fcinfo);
	name = name_arg(fcinfo, 1);
	if (!ddb_policystore_delete_key(id, name))
		raise_no_policy(name, "access key", id);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * The trigger of the tables of policies
 * ----------------------------------------------------------------
 */

/* a column of the row that is to be stored; false where it is NULL, or no column */
static bool
column(const TriggerData *trigger, HeapTuple row, const char *name, Datum *value)
{
	AttrNumber	number = get_attnum(RelationGetRelid(trigger->tg_relation), name);
	bool		isnull;

	if (number == InvalidAttrNumber)
		return false;
	*value = heap_getattr(row, number, RelationGetDescr(trigger->tg_relation), &isnull);
	return !isnull;
}

/* what a dump calls a role by may be the number of one that is gone */
static void
check_role(const TriggerData *trigger, HeapTuple row)
{
	Datum		role;

	if (column(trigger, row, "role", &role) && !SearchSysCacheExists1(AUTHOID, role))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", DatumGetObjectId(role))));
}

static void
check_document(const TriggerData *trigger, HeapTuple row)
{
	const char *table = RelationGetRelationName(trigger->tg_relation);
	DdbPolicyKind kind = strcmp(table, "resource_policy") == 0 ?
		DDB_POLICY_RESOURCE : DDB_POLICY_IDENTITY;
	DdbText		document;
	Datum		value;
	text	   *stored;
	char	   *problem;

	if (!column(trigger, row, "document", &value))
		return;
	stored = DatumGetTextPP(value);
	document.str = VARDATA_ANY(stored);
	document.len = VARSIZE_ANY_EXHDR(stored);
	if (ddb_policy_compile(document, kind, &problem) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHECK_VIOLATION),
				 errmsg("document is not a policy for table \"%s\"", table),
				 errdetail("%s", problem)));
}

/*
 * Before INSERT, UPDATE and DELETE of a row: what logical replication brings
 * is skipped, for the publisher's roles and tables are not ours; a document
 * that is no policy, or a role that is none, is refused; and caches of
 * policies are no longer true, here after this command and elsewhere when the
 * transaction commits.
 */
Datum
ddb_policy_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	row;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("policy_row must be called as a row trigger before INSERT, UPDATE or DELETE")));
	if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
		trigger->tg_newtuple : trigger->tg_trigtuple;
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
	{
		check_role(trigger, row);
		check_document(trigger, row);
	}
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(row);
}
