/*
 * subscription_admin.c
 *	  SQL functions that create, change and drop subscriptions.
 *
 * Whoever may read a table may subscribe to its stream; the subscription is
 * his, and delivers as him.  Members of the owner may change and drop it; to
 * others it looks as if it did not exist.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogutils.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "compat.h"
#include "subscription_internal.h"

#define MAX_NAME	255
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

DDB_FUNCTION(ddb_create_subscription);
DDB_FUNCTION(ddb_alter_subscription);
DDB_FUNCTION(ddb_drop_subscription);

static char *
text_arg(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

static void
check_name(const char *name)
{
	size_t		len = strspn(name, NAME_LETTERS);

	if (len == 0 || len > MAX_NAME || name[len] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("subscription name \"%s\" is not valid", name),
				 errdetail("It has 1 to %d characters out of a-z, A-Z, 0-9, underscore, hyphen and dot.",
						   MAX_NAME)));
}

/* where records begin that it gets */
static DdbSequence
starting_sequence(const DdbSubscriptionOptions *options)
{
	DdbSequence start = {0, InvalidXLogRecPtr, 0};

	if (options->starting_position == DDB_START_LATEST)
	{
		start.epoch = ddb_stream_epoch();
		start.commit = GetXLogInsertRecPtr();
	}
	return start;
}

/* the table, which must have a stream that the current user may read */
static const DdbTable *
open_table(char *name)
{
	DdbText		text = {name, strlen(name)};
	const DdbTable *table = ddb_catalog_open(text, AccessShareLock, ACL_SELECT, "GetRecords", true);
	const DdbStream *stream = ddb_stream_of_table(table);

	if (stream == NULL || stream->disabled != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" has no stream", table->name),
				 errhint("Enable one with UpdateTable and StreamSpecification.")));
	ddb_stream_check_access(stream, "GetRecords");
	return table;
}

static void
read_options(Jsonb *options, DdbSubscription *subscription, bool changing)
{
	ddb_subscription_options_read(ddb_doc_root(options), subscription->kind, changing,
								  &subscription->options);
	if (subscription->options.dead_letter_table != NULL)
		ddb_dead_letter_check(subscription->options.dead_letter_table, subscription->owner);
}

/*
 * create_subscription(name text, table_name text, target text, options jsonb)
 * returns void: deliver the records of a table's stream to a target.
 */
Datum
ddb_create_subscription(PG_FUNCTION_ARGS)
{
	DdbSubscription subscription;
	const DdbTable *table;

	PreventCommandDuringRecovery("dynamo.create_subscription()");
	memset(&subscription, 0, sizeof(subscription));
	subscription.name = text_arg(fcinfo, 0, "name");
	check_name(subscription.name);
	table = open_table(text_arg(fcinfo, 1, "table_name"));
	subscription.owner = GetUserId();
	subscription.relid = table->relid;
	ddb_target_parse(text_arg(fcinfo, 2, "target"), &subscription.kind, &subscription.target);
	ddb_subscription_options_default(&subscription.options);
	if (!PG_ARGISNULL(3))
		read_options(PG_GETARG_JSONB_P(3), &subscription, false);
	subscription.start = starting_sequence(&subscription.options);
	if (ddb_subscription_find(subscription.name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("subscription \"%s\" already exists", subscription.name)));
	ddb_subscription_insert(&subscription, table->name);
	PG_RETURN_VOID();
}

/* the subscription that the first argument names, locked, as one may change it */
static DdbSubscription *
open_subscription(FunctionCallInfo fcinfo)
{
	char	   *name = text_arg(fcinfo, 0, "name");
	DdbSubscription *subscription = ddb_subscription_find(name);

	if (subscription != NULL && has_privs_of_role(GetUserId(), subscription->owner))
	{
		ddb_subscription_lock(subscription->id, ExclusiveLock);
		subscription = ddb_subscription_find(name);
	}
	if (subscription == NULL || !has_privs_of_role(GetUserId(), subscription->owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("subscription \"%s\" does not exist", name)));
	return subscription;
}

/*
 * alter_subscription(name text, options jsonb, enabled boolean) returns void:
 * options that are named get other values, or with null their defaults; failed
 * batches are tried again at once.
 */
Datum
ddb_alter_subscription(PG_FUNCTION_ARGS)
{
	DdbSubscription *subscription;

	PreventCommandDuringRecovery("dynamo.alter_subscription()");
	subscription = open_subscription(fcinfo);
	if (!PG_ARGISNULL(1))
		read_options(PG_GETARG_JSONB_P(1), subscription, true);
	if (!PG_ARGISNULL(2))
	{
		subscription->active = PG_GETARG_BOOL(2);
		if (subscription->active)
			ddb_target_check(subscription);
	}
	ddb_subscription_update(subscription, !PG_ARGISNULL(2));
	ddb_subscription_retry(subscription->id);
	PG_RETURN_VOID();
}

/* drop_subscription(name text) returns void */
Datum
ddb_drop_subscription(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("dynamo.drop_subscription()");
	ddb_subscription_delete(open_subscription(fcinfo)->id);
	PG_RETURN_VOID();
}
