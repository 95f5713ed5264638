/*
 * keyadmin.c
 *	  SQL functions that manage access keys.
 *
 * The right to call these functions is granted by a DBA; whoever has it
 * manages the keys of roles that he is a member of, since he can become those
 * anyway.  Keys of superusers are for superusers.  To others a key looks as
 * if it did not exist.
 *
 * A secret is returned once, by the function that makes it, and shown by
 * nothing afterwards but the export.  No message repeats an argument that may
 * be a secret.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "accesskey.h"
#include "compat.h"
#include "funcarg.h"
#include "policystore.h"

#define ID_PREFIX			"AKIA"
#define SESSION_ID_PREFIX	"ASIA"
#define ID_LETTERS			16	/* after the prefix */
#define SECRET_LETTERS		40
#define TOKEN_LETTERS		256

#define MIN_DURATION		(15 * USECS_PER_MINUTE)
#define MAX_DURATION		(36 * USECS_PER_HOUR)

#define MAX_CLAIMS			50
#define MAX_CLAIM_NAME		128
#define MAX_CLAIMS_SIZE		8192	/* bytes */

DDB_FUNCTION(ddb_create_access_key);
DDB_FUNCTION(ddb_create_access_key_given);
DDB_FUNCTION(ddb_create_session_token);
DDB_FUNCTION(ddb_disable_access_key);
DDB_FUNCTION(ddb_enable_access_key);
DDB_FUNCTION(ddb_rotate_access_key);
DDB_FUNCTION(ddb_delete_access_key);
DDB_FUNCTION(ddb_export_access_keys);
DDB_FUNCTION(ddb_import_access_key);
DDB_FUNCTION(ddb_access_key_row);
DDB_FUNCTION(ddb_access_key_changed);

/* ----------------------------------------------------------------
 * Random texts
 * ----------------------------------------------------------------
 */

/*
 * Alphabets have a power of two of letters, so that a random byte's low bits
 * choose each with the same probability.
 */
typedef struct Alphabet
{
	const char *letters;
	uint8		mask;			/* number of letters - 1 */
} Alphabet;

static const Alphabet id_alphabet = {"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 31};
static const Alphabet secret_alphabet = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 63
};

static char *
random_text(const char *prefix, const Alphabet *alphabet, int letters)
{
	int			prefix_len = strlen(prefix);
	char	   *result = palloc(prefix_len + letters + 1);
	char	   *p = result + prefix_len;
	int			i;

	memcpy(result, prefix, prefix_len);
	if (!pg_strong_random(p, letters))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	for (i = 0; i < letters; i++)
		p[i] = alphabet->letters[(uint8) p[i] & alphabet->mask];
	p[letters] = '\0';
	return result;
}

/* an active long-term key for role with random id and secret */
static DdbAccessKey *
make_key(Oid role)
{
	DdbAccessKey *key = palloc0(sizeof(DdbAccessKey));

	key->id = random_text(ID_PREFIX, &id_alphabet, ID_LETTERS);
	key->role = role;
	key->secret = random_text("", &secret_alphabet, SECRET_LETTERS);
	key->expires_at = DT_NOEND;
	key->active = true;
	key->created_at = GetCurrentTimestamp();
	return key;
}

/* ----------------------------------------------------------------
 * Arguments
 * ----------------------------------------------------------------
 */

/*
 * A text argument of 1 to max_len printable ASCII characters, none of them a
 * blank or in forbidden.  What it is, is told by name; the text itself may be
 * a secret.
 */
static char *
printable_arg(FunctionCallInfo fcinfo, int arg, const char *name, int max_len,
			  const char *forbidden)
{
	char	   *value = text_to_cstring(PG_GETARG_TEXT_PP(arg));
	int			len = strlen(value);
	bool		good = len > 0 && len <= max_len;
	int			i;

	for (i = 0; i < len && good; i++)
		good = value[i] > ' ' && value[i] <= '~' && strchr(forbidden, value[i]) == NULL;
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s is not valid", name),
				 *forbidden ?
				 errhint("It must have 1 to %d printable ASCII characters, none of them a blank or one of \"%s\".",
						 max_len, forbidden) :
				 errhint("It must have 1 to %d printable ASCII characters, none of them a blank.",
						 max_len)));
	return value;
}

/* an id must fit into the Credential of an Authorization header */
static char *
id_arg(FunctionCallInfo fcinfo, int arg)
{
	return printable_arg(fcinfo, arg, "access key id", DDB_ACCESSKEY_MAX_ID, "/,=");
}

static char *
secret_arg(FunctionCallInfo fcinfo, int arg)
{
	return printable_arg(fcinfo, arg, "secret access key", DDB_ACCESSKEY_MAX_SECRET, "");
}

/* ----------------------------------------------------------------
 * Claims
 * ----------------------------------------------------------------
 */

static void pg_attribute_noreturn()
raise_bad_claims(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid claims of a session token"),
			 errdetail("%s", detail)));
}

static bool
has_prefix(DdbText name, const char *prefix)
{
	int			len = strlen(prefix);

	return name.len >= len && pg_strncasecmp(name.str, prefix, len) == 0;
}

/*
 * The name of a condition key that a token may set: none of those that the
 * server knows the truth of, but tags of the principal.
 */
static void
check_claim_name(DdbText name)
{
	const char *colon = memchr(name.str, ':', name.len);
	int			i;

	if (name.len > MAX_CLAIM_NAME || colon == NULL || colon == name.str ||
		colon == name.str + name.len - 1)
		raise_bad_claims(psprintf("A claim must be named by a condition key of the form provider:name, of at most %d bytes.",
								  MAX_CLAIM_NAME));
	for (i = 0; i < name.len; i++)
	{
		if (name.str[i] <= ' ' || name.str[i] > '~')
			raise_bad_claims("Names of claims must have no blanks and no characters beyond ASCII.");
	}
	if (has_prefix(name, "dynamodb:") ||
		(has_prefix(name, "aws:") && !has_prefix(name, "aws:PrincipalTag/")))
		raise_bad_claims("A claim must not begin with \"dynamodb:\" or, unless with \"aws:PrincipalTag/\", with \"aws:\".");
}

static void
check_claim_value(const JsonbValue *value)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	bool		good = value->type == jbvString;

	if (value->type == jbvBinary && ddb_doc_is_array(ddb_doc_of(value)))
	{
		good = true;
		ddb_doc_begin(&cursor, ddb_doc_of(value));
		while (good && ddb_doc_next(&cursor, &name, &element))
			good = element.type == jbvString;
	}
	if (!good)
		raise_bad_claims("The value of a claim must be a string or a list of strings.");
}

/* condition keys are the same in upper and lower case */
static void
check_claim_is_first(DdbDoc claims, int i, DdbText name)
{
	int			j;

	for (j = 0; j < i; j++)
	{
		DdbText		other;
		JsonbValue	value;

		ddb_doc_pair(claims, j, &other, &value);
		if (ddb_text_same_nocase(other, name))
			raise_bad_claims(psprintf("Claim \"%.*s\" is given twice.", name.len, name.str));
	}
}

/* an argument that holds claims; NULL where it is absent or holds none */
static Jsonb *
claims_arg(FunctionCallInfo fcinfo, int arg)
{
	Jsonb	   *claims;
	DdbDoc		doc;
	int			i;

	if (PG_NARGS() <= arg || PG_ARGISNULL(arg))
		return NULL;
	claims = PG_GETARG_JSONB_P_COPY(arg);
	doc = ddb_doc_root(claims);
	if (!ddb_doc_is_object(doc))
		raise_bad_claims("Claims must be an object.");
	if (ddb_doc_count(doc) > MAX_CLAIMS || VARSIZE(claims) > MAX_CLAIMS_SIZE)
		raise_bad_claims(psprintf("Claims must be at most %d, of %d bytes together.",
								  MAX_CLAIMS, MAX_CLAIMS_SIZE));
	for (i = 0; i < ddb_doc_count(doc); i++)
	{
		DdbText		name;
		JsonbValue	value;

		ddb_doc_pair(doc, i, &name, &value);
		check_claim_name(name);
		check_claim_value(&value);
		check_claim_is_first(doc, i, name);
	}
	return ddb_doc_count(doc) > 0 ? claims : NULL;
}

/* ----------------------------------------------------------------
 * Rights
 * ----------------------------------------------------------------
 */

static void
check_superuser_role(Oid role)
{
	if (superuser_arg(role) && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to manage access keys of a superuser")));
}

/* may the current user make keys for role? */
static void
check_role(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role with OID %u does not exist", role)));
	if (!is_member_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for access keys of role \"%s\"", name),
				 errdetail("Only members of a role may manage its access keys.")));
	check_superuser_role(role);
}

static void
raise_no_key(const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("access key \"%s\" does not exist", id)));
}

/*
 * The key whose id is argument 0, if the current user may change it.
 */
static DdbAccessKey *
own_key(FunctionCallInfo fcinfo)
{
	char	   *id;
	DdbText		id_text;
	DdbAccessKey *key;

	ddb_funcarg_require(fcinfo, 1);
	id = text_to_cstring(PG_GETARG_TEXT_PP(0));
	id_text.str = id;
	id_text.len = strlen(id);
	key = ddb_accesskey_read(id_text);
	if (key == NULL || !is_member_of_role(GetUserId(), key->role))
		raise_no_key(id);
	check_superuser_role(key->role);
	return key;
}

/* ----------------------------------------------------------------
 * Creating
 * ----------------------------------------------------------------
 */

static void
insert_key(const DdbAccessKey *key)
{
	/* a role may have been given the oid of one that had keys */
	ddb_accesskey_sweep();
	if (!ddb_accesskey_insert(key))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("access key \"%s\" already exists", key->id)));
}

/* the function's row from the first values of id, secret, token, expiry */
static Datum
key_result(FunctionCallInfo fcinfo, const DdbAccessKey *key)
{
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts > 4)
		elog(ERROR, "function that returns an access key has another result type");
	values[0] = CStringGetTextDatum(key->id);
	values[1] = CStringGetTextDatum(key->secret);
	if (desc->natts > 2)
	{
		values[2] = CStringGetTextDatum(key->session_token);
		values[3] = TimestampTzGetDatum(key->expires_at);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * create_access_key(role): a new key with random id and secret.
 */
Datum
ddb_create_access_key(PG_FUNCTION_ARGS)
{
	DdbAccessKey *key;

	ddb_funcarg_require(fcinfo, 1);
	check_role(PG_GETARG_OID(0));
	key = make_key(PG_GETARG_OID(0));
	insert_key(key);
	return key_result(fcinfo, key);
}

/*
 * create_access_key(role, access_key_id, secret_access_key): one made elsewhere.
 */
Datum
ddb_create_access_key_given(PG_FUNCTION_ARGS)
{
	DdbAccessKey *key;

	ddb_funcarg_require(fcinfo, 3);
	check_role(PG_GETARG_OID(0));
	key = make_key(PG_GETARG_OID(0));
	key->id = id_arg(fcinfo, 1);
	key->secret = secret_arg(fcinfo, 2);
	insert_key(key);
	PG_RETURN_VOID();
}

/*
 * create_session_token(role, duration, claims): a key that expires; its
 * requests carry the token.  Durations are those of temporary credentials: 15
 * minutes to 36 hours.  Claims are condition keys with their values, by which
 * policies tell the holders of one role's tokens apart.
 */
Datum
ddb_create_session_token(PG_FUNCTION_ARGS)
{
	DdbAccessKey *key;
	TimestampTz duration;

	ddb_funcarg_require(fcinfo, 2);
	check_role(PG_GETARG_OID(0));
	key = make_key(PG_GETARG_OID(0));
	key->id = random_text(SESSION_ID_PREFIX, &id_alphabet, ID_LETTERS);
	key->session_token = random_text("", &secret_alphabet, TOKEN_LETTERS);
	key->expires_at = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
															  TimestampTzGetDatum(key->created_at),
															  PG_GETARG_DATUM(1)));
	duration = key->expires_at - key->created_at;
	if (duration < MIN_DURATION || duration > MAX_DURATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration of a session token must be from 15 minutes to 36 hours")));
	key->claims = claims_arg(fcinfo, 2);
	insert_key(key);
	return key_result(fcinfo, key);
}

/* ----------------------------------------------------------------
 * Changing
 * ----------------------------------------------------------------
 */

static void
set_active(const DdbAccessKey *key, bool active)
{
	if (!ddb_accesskey_set_active(key, active))
		raise_no_key(key->id);
}

Datum
ddb_disable_access_key(PG_FUNCTION_ARGS)
{
	set_active(own_key(fcinfo), false);
	PG_RETURN_VOID();
}

Datum
ddb_enable_access_key(PG_FUNCTION_ARGS)
{
	set_active(own_key(fcinfo), true);
	PG_RETURN_VOID();
}

/*
 * rotate_access_key(id): a new key for the same role, with the same policies;
 * the old one becomes inactive, so that it can be enabled again until all
 * clients have the new one.
 */
Datum
ddb_rotate_access_key(PG_FUNCTION_ARGS)
{
	DdbAccessKey *old = own_key(fcinfo);
	DdbAccessKey *key = make_key(old->role);

	if (old->session_token != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access key \"%s\" belongs to a session token", old->id),
				 errhint("Use dynamo.create_session_token to make another.")));
	insert_key(key);
	ddb_policystore_copy_key(old->id, key->id);
	set_active(old, false);
	return key_result(fcinfo, key);
}

Datum
ddb_delete_access_key(PG_FUNCTION_ARGS)
{
	DdbAccessKey *key = own_key(fcinfo);

	if (!ddb_accesskey_delete(key))
		raise_no_key(key->id);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * Taking keys to another cluster
 * ----------------------------------------------------------------
 */

/*
 * export_access_keys(): all keys with their secrets and policies, roles by
 * name, in the order of import_access_key's arguments.  For members of the role
 * that owns the table.
 */
Datum
ddb_export_access_keys(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	if (!is_member_of_role(GetUserId(), ddb_accesskey_owner()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to export access keys"),
				 errdetail("Only members of the role that owns the extension may export access keys.")));

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, ddb_accesskey_read_all())
	{
		DdbAccessKey *key = lfirst(lc);
		Jsonb	   *policies = ddb_policystore_read_key(key->id);
		Datum		values[9];
		bool		nulls[9] = {false};

		values[0] = CStringGetTextDatum(key->id);
		values[1] = CStringGetTextDatum(GetUserNameFromId(key->role, false));
		values[2] = CStringGetTextDatum(key->secret);
		nulls[3] = key->session_token == NULL;
		values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(key->session_token);
		nulls[4] = key->expires_at == DT_NOEND;
		values[4] = TimestampTzGetDatum(key->expires_at);
		values[5] = CStringGetTextDatum(key->active ? "Active" : "Inactive");
		values[6] = TimestampTzGetDatum(key->created_at);
		nulls[7] = key->claims == NULL;
		values[7] = JsonbPGetDatum(key->claims);
		nulls[8] = policies == NULL;
		values[8] = JsonbPGetDatum(policies);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

static bool
status_arg(FunctionCallInfo fcinfo, int arg)
{
	char	   *status = text_to_cstring(PG_GETARG_TEXT_PP(arg));

	if (strcmp(status, "Active") != 0 && strcmp(status, "Inactive") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("status of an access key must be Active or Inactive")));
	return strcmp(status, "Active") == 0;
}

/* the object of an argument: names of policies and their documents */
static void
import_policies(FunctionCallInfo fcinfo, int arg, const char *id)
{
	DdbDocCursor cursor;
	DdbDoc		policies;
	DdbText		name;
	JsonbValue	value;

	if (PG_NARGS() <= arg || PG_ARGISNULL(arg))
		return;
	policies = ddb_doc_root(PG_GETARG_JSONB_P(arg));
	if (!ddb_doc_is_object(policies))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("policies of an access key must be an object")));
	ddb_doc_begin(&cursor, policies);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		DdbText		document;

		if (value.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("policies of an access key must be strings")));
		document.str = value.val.string.val;
		document.len = value.val.string.len;
		(void) ddb_policystore_put_key(id, pnstrdup(name.str, name.len), document);
	}
}

/*
 * import_access_key(access_key_id, role, secret_access_key, session_token,
 * expires_at, status, created_at, claims, policies): a row of
 * export_access_keys, under the same rules as keys that are created.
 */
Datum
ddb_import_access_key(PG_FUNCTION_ARGS)
{
	DdbAccessKey *key;
	Oid			role;

	ddb_funcarg_require(fcinfo, 3);
	role = get_role_oid(text_to_cstring(PG_GETARG_TEXT_PP(1)), false);
	check_role(role);
	key = make_key(role);
	key->id = id_arg(fcinfo, 0);
	key->secret = secret_arg(fcinfo, 2);
	if (PG_ARGISNULL(3) != PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("session token and expiry of an access key must be given together")));
	if (!PG_ARGISNULL(3))
	{
		key->session_token = printable_arg(fcinfo, 3, "session token",
										   DDB_ACCESSKEY_MAX_TOKEN, "");
		key->expires_at = PG_GETARG_TIMESTAMPTZ(4);
		if (TIMESTAMP_NOT_FINITE(key->expires_at))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("expiry of a session token must be finite")));
	}
	if (!PG_ARGISNULL(5))
		key->active = status_arg(fcinfo, 5);
	if (!PG_ARGISNULL(6))
		key->created_at = PG_GETARG_TIMESTAMPTZ(6);
	key->claims = claims_arg(fcinfo, 7);
	if (key->claims != NULL && key->session_token == NULL)
		raise_bad_claims("An access key without a session token has no claims.");
	insert_key(key);
	import_policies(fcinfo, 8, key->id);
	PG_RETURN_VOID();
}

/* ----------------------------------------------------------------
 * Triggers of dynamo.access_key
 * ----------------------------------------------------------------
 */

/*
 * The row trigger's function, before INSERT, UPDATE and DELETE: what logical
 * replication brings is skipped, for the publisher's roles are not ours.
 */
Datum
ddb_access_key_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("access_key_row must be called as a row trigger before INSERT, UPDATE or DELETE")));
	if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}

/*
 * The statement trigger's function: caches of access keys are no longer true,
 * here after this command and elsewhere when the transaction commits.  The
 * policies of keys that are gone go with them.
 */
Datum
ddb_access_key_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("access_key_changed must be called as a trigger")));
	CacheInvalidateRelcache(((TriggerData *) fcinfo->context)->tg_relation);
	if (!TRIGGER_FIRED_BY_INSERT(((TriggerData *) fcinfo->context)->tg_event))
		ddb_policystore_sweep_keys();
	return PointerGetDatum(NULL);
}
