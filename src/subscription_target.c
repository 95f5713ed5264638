/*
 * subscription_target.c
 *	  Where records are delivered: functions, channels, and the table of dead
 *	  letters.
 *
 * A function, and triggers of a dead letter table, are code of users.  They run
 * as the subscription's owner, who is switched to inside the transaction with
 * SECURITY_LOCAL_USERID_CHANGE, so that nothing can reset it, and stays until
 * the commit has returned.  What such code leaves in the session is taken
 * back.  A timer cancels it when its time is over, and again, since it may
 * catch that; if that does not help the process ends itself.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/timeout.h"

#include "compat.h"
#include "guc.h"
#include "op.h"
#include "session.h"
#include "subscription_internal.h"
#include "wire.h"

#define FUNCTION_PREFIX		"function:"
#define NOTIFY_PREFIX		"notify:"
#define NOTIFY_MAX_PAYLOAD	7999	/* bytes */
#define DEAD_LETTER_RECORD	(300 * 1024)	/* bytes of a record's text that is kept */
#define CANCEL_AGAIN_MS		1000
#define MAX_CANCELS			5		/* of one delivery; then the process ends */

/* ----------------------------------------------------------------
 * Target texts
 * ----------------------------------------------------------------
 */

static Oid
find_function(const char *text)
{
	Oid			argtypes[1] = {JSONBOID};

	if (strchr(text, '(') != NULL)
		return DatumGetObjectId(DirectFunctionCall1(regprocedurein, CStringGetDatum(text)));
	return LookupFuncName(stringToQualifiedNameList(text), 1, argtypes, false);
}

static bool
has_right_signature(Form_pg_proc proc)
{
	return proc->prokind == PROKIND_FUNCTION && !proc->proretset && proc->pronargs == 1 &&
		proc->proargtypes.values[0] == JSONBOID &&
		(proc->prorettype == VOIDOID || proc->prorettype == JSONBOID);
}

/* raises where it is no target, or owner may not call it */
static void
check_function(Oid function, Oid owner)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc proc;
	Oid			schema;
	bool		good;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	proc = (Form_pg_proc) GETSTRUCT(tuple);
	good = has_right_signature(proc);
	schema = proc->pronamespace;
	ReleaseSysCache(tuple);
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s cannot be the target of a subscription",
						format_procedure(function)),
				 errdetail("It must take one argument of type jsonb, and return void or jsonb.")));
	if (ddb_schema_aclcheck(schema, owner, ACL_USAGE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, get_namespace_name(schema));
	if (ddb_function_aclcheck(function, owner, ACL_EXECUTE) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, get_func_name(function));
}

static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static char *
parse_channel(const char *name)
{
	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("channel name must have 1 to %d bytes", NAMEDATALEN - 1)));
	return pstrdup(name);
}

void
ddb_target_parse(const char *text, DdbTargetKind *kind, char **target)
{
	if (begins_with(text, FUNCTION_PREFIX))
	{
		Oid			function = find_function(text + strlen(FUNCTION_PREFIX));

		check_function(function, GetUserId());
		*kind = DDB_TARGET_FUNCTION;
		*target = format_procedure_qualified(function);
	}
	else if (begins_with(text, NOTIFY_PREFIX))
	{
		*kind = DDB_TARGET_NOTIFY;
		*target = parse_channel(text + strlen(NOTIFY_PREFIX));
	}
	else if (pg_strncasecmp(text, "http://", 7) == 0 || pg_strncasecmp(text, "https://", 8) == 0)
	{
		*kind = DDB_TARGET_URL;
		*target = ddb_url_parse(text);
		ddb_url_check(*target, GetUserId());
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target of a subscription is not valid"),
				 errhint("It is function:schema.name, a URL with http or https, or notify:channel.")));
}

void
ddb_target_check(const DdbSubscription *subscription)
{
	if (subscription->kind == DDB_TARGET_FUNCTION)
		check_function(find_function(subscription->target), subscription->owner);
	else if (subscription->kind == DDB_TARGET_URL)
		ddb_url_check(subscription->target, subscription->owner);
}

/* ----------------------------------------------------------------
 * Code of users
 * ----------------------------------------------------------------
 */

/* set by the timer's handler, which runs in a signal */
static volatile sig_atomic_t timed_out = false;
static volatile sig_atomic_t is_running = false;
static volatile sig_atomic_t cancels = 0;

static TimeoutId timer;
static Oid	ourselves = InvalidOid;
static int	guc_level;

static void
timer_handler(void)
{
	if (!is_running || MyProc == NULL)
		return;
	timed_out = true;
	kill(MyProcPid, ++cancels > MAX_CANCELS ? SIGTERM : SIGINT);
}

void
ddb_target_init(void)
{
	timer = RegisterTimeout(USER_TIMEOUT, timer_handler);
}

void
ddb_target_begin(Oid owner)
{
	int			sec_context;

	GetUserIdAndSecContext(&ourselves, &sec_context);
	guc_level = NewGUCNestLevel();
	timed_out = false;
	cancels = 0;
	is_running = true;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
															ddb_subscription_timeout),
						 CANCEL_AGAIN_MS);
	SetUserIdAndSecContext(owner, SECURITY_LOCAL_USERID_CHANGE);
}

/* what is still to run of the users' code runs here */
void
ddb_target_end(void)
{
	AfterTriggerFireDeferred();
	ddb_session_discard();
	AtEOXact_GUC(false, guc_level);
}

/* a cancel that came too late must not hit anybody else */
void
ddb_target_done(void)
{
	if (!is_running)
		return;
	is_running = false;
	disable_timeout(timer, false);
	QueryCancelPending = false;
	SetUserIdAndSecContext(ourselves, 0);
	ddb_session_discard_rest();
}

bool
ddb_target_ran_away(void)
{
	return is_running && cancels > MAX_CANCELS;
}

bool
ddb_target_timed_out(void)
{
	return timed_out;
}

Jsonb *
ddb_target_call(const DdbSubscription *subscription, Jsonb *event)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	function;
	Oid			oid = find_function(subscription->target);
	bool		returns = get_func_rettype(oid) == JSONBOID;
	Datum		result;

	InvokeFunctionExecuteHook(oid);
	fmgr_info(oid, &function);
	InitFunctionCallInfoData(*fcinfo, &function, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = JsonbPGetDatum(event);
	fcinfo->args[0].isnull = false;
	result = FunctionCallInvoke(fcinfo);
	return returns && !fcinfo->isnull ? DatumGetJsonbP(result) : NULL;
}

/* ----------------------------------------------------------------
 * Parts of records
 * ----------------------------------------------------------------
 */

/* a member of the record, or of its dynamodb; jbvNull if there is none */
static void
get_member(const DdbStreamRecord *record, bool inner, const char *name, JsonbValue *out)
{
	DdbDoc		doc = ddb_doc_root(record->record);
	JsonbValue	dynamodb;

	out->type = jbvNull;
	if (inner)
	{
		if (!ddb_doc_get(doc, "dynamodb", 8, &dynamodb))
			return;
		doc = ddb_doc_of(&dynamodb);
	}
	if (doc.ptr == NULL || !ddb_doc_get(doc, name, strlen(name), out))
		out->type = jbvNull;
}

static char *
sequence_text(const DdbStreamRecord *record)
{
	char	   *text = palloc(DDB_SEQUENCE_DIGITS + 1);

	(void) ddb_sequence_print(&record->sequence, text);
	return text;
}

void
ddb_target_notify(const DdbSubscription *subscription, const DdbStreamRecord *record)
{
	JsonbValue	tree;
	JsonbValue	part;
	StringInfoData payload;
	int			i;

	/* the second time without the keys */
	for (i = 0; i < 2; i++)
	{
		ddb_json_object(&tree, 5);
		ddb_json_add_string(&tree, "subscription", subscription->name);
		get_member(record, false, "eventName", &part);
		ddb_json_add_value(&tree, "eventName", &part);
		ddb_json_add_string(&tree, "sequenceNumber", sequence_text(record));
		get_member(record, true, "Keys", &part);
		if (i == 0)
			ddb_json_add_value(&tree, "keys", &part);
		else
			ddb_json_add_bool(&tree, "truncated", true);
		initStringInfo(&payload);
		ddb_wire_print_tree(&payload, &tree);
		if (payload.len <= NOTIFY_MAX_PAYLOAD)
			break;
	}
	Async_Notify(subscription->target, payload.data);
}

/* ----------------------------------------------------------------
 * Dead letters
 * ----------------------------------------------------------------
 */

static const DdbTable *
find_dead_letter_table(const char *name)
{
	const DdbTable *table = ddb_catalog_find(name, strlen(name));

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("dead letter table \"%s\" does not exist", name)));
	return table;
}

void
ddb_dead_letter_check(const char *table_name, Oid owner)
{
	const AclMode needed = ACL_SELECT | ACL_INSERT | ACL_UPDATE;
	const DdbTable *table = find_dead_letter_table(table_name);
	int			i;

	for (i = 0; i < table->keys.nattrs; i++)
	{
		if (table->keys.attr[i].type != DDB_S)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("keys of dead letter table \"%s\" must be of type S", table_name)));
	}
	if (pg_class_aclmask(table->relid, owner, needed, ACLMASK_ALL) != needed)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, table_name);
}

static void
add_attribute(JsonbValue *item, DdbText name, const char *tag, const char *text)
{
	JsonbValue	value;

	ddb_json_object(&value, 1);
	ddb_json_add_string(&value, tag, text);
	ddb_json_add(item, name.str, name.len, &value);
}

static void
add_named(JsonbValue *item, const char *name, const char *tag, const char *text)
{
	DdbText		attribute = {name, strlen(name)};

	add_attribute(item, attribute, tag, text);
}

/* no control characters, some of which have a meaning in stored strings */
static char *
plain_text(const char *text)
{
	char	   *copy = pstrdup(text);
	char	   *p;

	for (p = copy; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ')
			*p = ' ';
	}
	return copy;
}

static char *
record_text(const DdbStreamRecord *record, const char *member)
{
	StringInfoData text;
	JsonbValue	keys;

	initStringInfo(&text);
	if (member == NULL)
		ddb_wire_print(&text, ddb_doc_root(record->record));
	else
	{
		get_member(record, true, member, &keys);
		ddb_wire_print_tree(&text, &keys);
	}
	return text.data;
}

/*
 * The key is the subscription's name and the sequence number: in two
 * attributes, or joined in one.
 */
static void
add_keys(JsonbValue *item, const DdbTable *table, const DdbSubscription *subscription,
		 const DdbStreamRecord *record)
{
	if (table->keys.nattrs == 1)
		add_attribute(item, table->keys.attr[0].name, "S",
					  psprintf("%s#%s", subscription->name, sequence_text(record)));
	else
	{
		add_attribute(item, table->keys.attr[0].name, "S", subscription->name);
		add_attribute(item, table->keys.attr[1].name, "S", sequence_text(record));
	}
}

void
ddb_dead_letter_put(const DdbSubscription *subscription, const DdbStreamRecord *record,
					int attempts, const char *reason)
{
	const char *table_name = subscription->options.dead_letter_table;
	char	   *whole = record_text(record, NULL);
	JsonbValue	item;
	JsonbValue	request;

	ddb_json_object(&item, 9);
	add_named(&item, "subscription", "S", subscription->name);
	add_named(&item, "sequenceNumber", "S", sequence_text(record));
	add_named(&item, "attempts", "N", psprintf("%d", attempts));
	add_named(&item, "failedAt", "S",
			  plain_text(timestamptz_to_str(GetCurrentTimestamp())));
	add_named(&item, "error", "S", plain_text(reason));
	add_named(&item, "keys", "S", record_text(record, "Keys"));
	if (strlen(whole) <= DEAD_LETTER_RECORD)
		add_named(&item, "record", "S", whole);
	add_keys(&item, find_dead_letter_table(table_name), subscription, record);

	ddb_json_object(&request, 2);
	ddb_json_add_string(&request, "TableName", table_name);
	ddb_json_add_value(&request, "Item", &item);
	(void) ddb_op_execute(ddb_op_find("PutItem", 7), ddb_doc_root(ddb_json_encode(&request)));
}

char *
ddb_target_text(DdbTargetKind kind, const char *target)
{
	switch (kind)
	{
		case DDB_TARGET_FUNCTION:
			return psprintf(FUNCTION_PREFIX "%s", target);
		case DDB_TARGET_NOTIFY:
			return psprintf(NOTIFY_PREFIX "%s", target);
		case DDB_TARGET_URL:
			return pstrdup(target);
	}
	elog(ERROR, "unrecognized kind of target %d", (int) kind);
	return NULL;
}
