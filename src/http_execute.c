/*
 * http_execute.c
 *	  One API call as one transaction, never waiting long for a lock.
 *
 * A call runs to its end, fails, or meets a lock that somebody else holds.
 * Then it is rolled back and parked: nothing waits in the server's loop.  What
 * it waited for is kept, so that the loop can look whether it is gone without
 * trying again; the call is repeated as a whole.  A periodic timer finds out
 * that the process sits in a lock wait, or that the call takes too long, and
 * cancels it in the way of pg_cancel_backend.  When the time for locks is over
 * the answer is the one that the operation's row says (op.h).
 *
 * The call runs as its access key's role.  The role is switched inside the
 * transaction with SECURITY_LOCAL_USERID_CHANGE, so that no trigger can reset
 * it, and stays until the commit has returned, deferred triggers included.
 * What user code leaves in the session is taken back as the call's last step:
 * whatever DISCARD ALL would drop, settings, advisory locks.
 *
 * Errors of any kind end here, as responses.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlogutils.h"
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "access.h"
#include "catalog.h"
#include "error.h"
#include "guc.h"
#include "http_commit.h"
#include "http_execute.h"
#include "opstat.h"
#include "session.h"
#include "wire.h"

#define TIMER_PERIOD_MS		2
#define TIMER_LOST_MS		50
#define LOCK_WAIT_TICKS		2	/* ticks in one lock wait until it is given up */
#define RETRY_DELAY_MS		5	/* where nothing says what to wait for */
#define RETRY_ANYWAY_MS		1000	/* where the look at the lock says wait */
#define RETRY_SPACING_MS	50	/* between such retries of different calls, each
								 * of which may cost a moment of waiting */
#define SHUTDOWN_PATIENCE_MS 2000
#define MALFORMED_LIMIT		(1024 * 1024)	/* bytes, of bodies that are looked at
											 * for clients that are refused */
#define ACTIVITY_LENGTH		320
#define ONGOING				"Transaction is ongoing for the item"

/* ----------------------------------------------------------------
 * The request timer
 * ----------------------------------------------------------------
 */

/* set by the timer's handler, which runs in a signal */
static volatile sig_atomic_t lock_wait_ticks = 0;
static volatile sig_atomic_t gave_up_lock = false;
static volatile sig_atomic_t gave_up_time = false;
static LOCKTAG waited_tag;
static LOCKMODE waited_mode;

static volatile sig_atomic_t call_is_running = false;
static TimestampTz call_deadline;
static TimestampTz call_patience;	/* its deadline at shutdown */

static TimeoutId timer;
static bool timer_is_on = false;
static volatile TimestampTz last_tick;

static void
cancel_call(volatile sig_atomic_t *reason)
{
	*reason = true;
	kill(MyProcPid, SIGINT);
}

/*
 * While we wait for a lock its memory stays; in the moment of its being
 * granted the tag may be another's, which costs a useless attempt.  User code
 * may catch a cancel and go on: then it is cancelled again.
 */
static void
timer_handler(void)
{
	LOCK	   *lock;
	TimestampTz now;

	/* at exit the process loses its place in shared memory before its timers */
	now = last_tick = GetCurrentTimestamp();
	if (!call_is_running || MyProc == NULL)
		return;
	lock = MyProc->waitLock;
	if (lock == NULL)
		lock_wait_ticks = 0;
	else if (++lock_wait_ticks >= LOCK_WAIT_TICKS)
	{
		waited_tag = lock->tag;
		waited_mode = MyProc->waitLockMode;
		cancel_call(&gave_up_lock);
		return;
	}
	if (now >= call_deadline ||
		(ShutdownRequestPending && now >= call_patience))
		cancel_call(&gave_up_time);
}

/*
 * The timer goes on between calls, which is cheaper than setting it for each;
 * one that has missed many beats is set anew.
 */
static void
keep_timer_running(TimestampTz now)
{
	if (timer_is_on && !TimestampDifferenceExceeds(last_tick, now, TIMER_LOST_MS))
		return;
	disable_timeout(timer, false);
	last_tick = now;
	timer_is_on = true;
	enable_timeout_every(timer, TimestampTzPlusMilliseconds(now, TIMER_PERIOD_MS),
						 TIMER_PERIOD_MS);
}

void
ddb_http_timer_stop(void)
{
	if (!timer_is_on)
		return;
	disable_timeout(timer, false);
	timer_is_on = false;
}

static void
arm(void)
{
	TimestampTz now = GetCurrentTimestamp();

	keep_timer_running(now);
	lock_wait_ticks = 0;
	gave_up_lock = gave_up_time = false;
	call_deadline = TimestampTzPlusMilliseconds(now, ddb_statement_timeout);
	call_patience = TimestampTzPlusMilliseconds(now, SHUTDOWN_PATIENCE_MS);
	call_is_running = true;
}

/* a cancel that came too late must not hit the next call */
static void
disarm(void)
{
	call_is_running = false;
	QueryCancelPending = false;
}

/*
 * Was the present cancel the timer's, of a wait for a lock?  For DdbDoor: the
 * call goes on, and may meet further locks.
 */
static bool
take_lost_lock(void)
{
	bool		lost = gave_up_lock && !gave_up_time;

	if (lost)
	{
		gave_up_lock = false;
		lock_wait_ticks = 0;
	}
	return lost;
}

/* ----------------------------------------------------------------
 * Definition changes
 *
 * They may take long; one worker is always left for the others.
 * ----------------------------------------------------------------
 */
static pg_atomic_uint32 *definition_changes;	/* in shared memory: running now */
static bool changes_definition = false;

Size
ddb_http_execute_shmem_size(void)
{
	return sizeof(pg_atomic_uint32);
}

void
ddb_http_execute_shmem_init(void)
{
	bool		found;

	definition_changes = ShmemInitStruct("pg_dynamo definition changes",
										 ddb_http_execute_shmem_size(), &found);
	if (!found)
		pg_atomic_init_u32(definition_changes, 0);
}

static void
leave_definition_change(void)
{
	if (changes_definition)
		pg_atomic_fetch_sub_u32(definition_changes, 1);
	changes_definition = false;
}

static void
leave_at_exit(int code, Datum arg)
{
	ddb_http_timer_stop();
	leave_definition_change();
}

/* raises lock_not_available, which is repeated, when too many are running */
static void
enter_definition_change(const DdbOperation *op)
{
	if (op->read_only || op->table_name_rule == DDB_TABLE_NAME_ORDINARY)
		return;
	changes_definition = true;
	if (pg_atomic_fetch_add_u32(definition_changes, 1) >= Max(1, ddb_http_workers - 1))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("too many tables are being created, changed or deleted")));
}

/* ----------------------------------------------------------------
 * The call
 * ----------------------------------------------------------------
 */

/* for pg_stat_activity: operation and table */
static void
report_activity(const DdbOperation *op, DdbDoc request)
{
	static char text[ACTIVITY_LENGTH];
	DdbText		table = {"", 0};
	JsonbValue	value;

	if (ddb_doc_is_object(request) && ddb_doc_get(request, "TableName", 9, &value) &&
		value.type == jbvString)
	{
		table.str = value.val.string.val;
		table.len = Min(value.val.string.len, ACTIVITY_LENGTH / 2);
	}
	snprintf(text, sizeof(text), "%s%s%.*s", op->name, table.len > 0 ? " " : "",
			 table.len, table.str);
	debug_query_string = text;
	pgstat_report_activity(STATE_RUNNING, text);
}

/*
 * Is the body, as it came, malformed JSON?  Asked for clients that are refused
 * anyway, so that long and compressed bodies are not worth the work.
 */
static bool
is_malformed(const HttpRequest *request)
{
	DdbText		body = request->body;

	return body.len > 0 && body.len <= MALFORMED_LIMIT &&
		ddb_http_header(request, "content-encoding").str == NULL &&
		!ddb_wire_is_json(body.str, body.len);
}

static const DdbCaller nobody = {InvalidOid};

/* what policies may ask about the caller; valid in this transaction */
static void
set_caller(const HttpCall *call, Oid role, const DdbAccessKey *key)
{
	DdbText		agent = ddb_http_header(call->request, "user-agent");
	DdbCaller	caller = {role};

	caller.over_http = true;
	caller.source_ip = call->client_address;
	caller.secure_transport = call->encrypted;
	if (agent.str != NULL && ddb_access_is_active())
		caller.user_agent = pnstrdup(agent.str, agent.len);
	if (key != NULL)
	{
		caller.access_key_id = key->id;
		caller.claims = key->claims;
		caller.token_issued = key->session_token != NULL ? key->created_at : 0;
	}
	ddb_access_caller = caller;
}

/*
 * Who asks for what.  Malformed JSON is the error that comes first; but
 * decompressing and making a document is only for clients that may ask.
 */
static Oid
admit(HttpCall *call)
{
	volatile Oid role = InvalidOid;
	const DdbAccessKey *volatile key = NULL;

	PG_TRY();
	{
		if (call->op == NULL || call->op->handler == NULL)
			ddb_error(DDB_UNKNOWN_OPERATION, "%s", "");
		role = ddb_http_authenticate(call->request, (const DdbAccessKey **) &key);
	}
	PG_CATCH();
	{
		if (is_malformed(call->request))
		{
			MemoryContextSwitchTo(call->context);
			FlushErrorState();
			ddb_error(DDB_SERIALIZATION, "%s", "");
		}
		PG_RE_THROW();
	}
	PG_END_TRY();
	set_caller(call, role, key);
	return role;
}

static void
require_extension(void)
{
	if (!OidIsValid(ddb_tables_schema()))
		ddb_error(DDB_SERVICE_UNAVAILABLE,
				  "The extension pg_dynamo is not installed in database %s",
				  get_database_name(MyDatabaseId));
}

/* ConfirmRemoveSelfResourceAccess, which has a header, too */
static bool
is_confirmed(const HttpCall *call)
{
	DdbText		value;

	if (call->op->handler != ddb_op_put_resource_policy)
		return false;
	value = ddb_http_header(call->request, "x-amz-confirm-remove-self-resource-access");
	return value.len == 4 && pg_strncasecmp(value.str, "true", 4) == 0;
}

/*
 * The call as its role, inside a transaction.  Only the settings it leaves
 * changed are taken back; the role stays until the commit.
 */
static void
run_as(HttpCall *call, Oid role, DdbText body)
{
	int			guc_level = NewGUCNestLevel();
	DdbDoc		request;
	Jsonb	   *response;

	SetUserIdAndSecContext(role, SECURITY_LOCAL_USERID_CHANGE);
	request = ddb_doc_root(ddb_wire_parse(body.str, body.len));
	report_activity(call->op, request);
	ddb_op_door.confirms = is_confirmed(call);
	response = ddb_op_execute(call->op, request);
	ddb_wire_print(&call->response->body, ddb_doc_root(response));
	AfterTriggerFireDeferred();
	ddb_session_discard();
	PopActiveSnapshot();
	AtEOXact_GUC(false, guc_level);
}

static void
run_api(HttpCall *call)
{
	DdbText		name = ddb_http_operation(call->request);
	DdbText		body;
	Oid			role;

	call->op = name.str != NULL ? ddb_op_find(name.str, name.len) : NULL;
	role = admit(call);
	body = ddb_http_decode(call->request, ddb_max_body_size);
	if (body.len == 0)
		ddb_error(DDB_SERIALIZATION, "%s", "");
	enter_definition_change(call->op);
	run_as(call, role, body);
}

static void
run_ready(HttpCall *call)
{
	appendStringInfoString(&call->response->body, "ready\n");
	call->response->content_type = "text/plain; charset=utf-8";
	PopActiveSnapshot();
}

static void
run_metrics(HttpCall *call)
{
	ddb_opstat_prometheus(&call->response->body);
	call->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	PopActiveSnapshot();
}

/* the transaction of one attempt */
static void
attempt(HttpCall *call)
{
	Oid			ourselves = GetUserId();

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (call->route != HTTP_METRICS)
		require_extension();
	switch (call->route)
	{
		case HTTP_API:
			run_api(call);
			break;
		case HTTP_READY:
			run_ready(call);
			break;
		case HTTP_METRICS:
			run_metrics(call);
			break;
		case HTTP_ANSWERED:
			elog(ERROR, "a request that is answered has nothing to execute");
	}
	ddb_http_commit();
	ddb_access_caller = nobody;
	SetUserIdAndSecContext(ourselves, 0);
	MemoryContextSwitchTo(call->context);
	leave_definition_change();
	ddb_session_discard_rest();
}

/* ----------------------------------------------------------------
 * Failed attempts
 * ----------------------------------------------------------------
 */

/* members: as of ddb_error_members */
static void
refuse(HttpCall *call, DdbErrorCode code, const char *message, const char *members)
{
	const DdbErrorInfo *info = ddb_error_info(code);
	MemoryContext caller = MemoryContextSwitchTo(call->context);
	ErrorData	error;

	MemSet(&error, 0, sizeof(error));
	error.sqlerrcode = MAKE_SQLSTATE(info->sqlstate[0], info->sqlstate[1], info->sqlstate[2],
									 info->sqlstate[3], info->sqlstate[4]);
	error.message = psprintf("%s: %s", info->name, message);
	error.detail = unconstify(char *, members);
	resetStringInfo(&call->response->body);
	call->error = ddb_http_error(&error, call->response);
	MemoryContextSwitchTo(caller);
}

void
ddb_http_refuse(HttpCall *call, DdbErrorCode code, const char *message)
{
	refuse(call, code, message, NULL);
}

static bool
is_within_lock_timeout(const HttpCall *call)
{
	return GetCurrentTimestamp() <
		TimestampTzPlusMilliseconds(call->started, ddb_lock_timeout);
}

/* can one look whether such a lock is free, without taking part in a wait? */
static bool
can_be_watched(const LOCKTAG *tag)
{
	switch ((LockTagType) tag->locktag_type)
	{
		case LOCKTAG_TRANSACTION:
		case LOCKTAG_RELATION:
		case LOCKTAG_TUPLE:
		case LOCKTAG_OBJECT:
		case LOCKTAG_USERLOCK:
		case LOCKTAG_ADVISORY:
			return true;
		default:
			return false;
	}
}

/*
 * When to retry a call although its lock looks taken.  All parked calls share
 * the time that such retries take.
 */
static TimestampTz
next_retry_anyway(void)
{
	static TimestampTz last = 0;

	last = Max(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_ANYWAY_MS),
			   TimestampTzPlusMilliseconds(last, RETRY_SPACING_MS));
	return last;
}

static DdbConflictRule
conflict_rule(const HttpCall *call)
{
	return call->op != NULL ? call->op->conflict : DDB_CONFLICT_RETRY;
}

/*
 * Has a batch another attempt when the time for locks is over?  The last one
 * leaves out what is locked.
 */
static bool
begin_last_attempt(HttpCall *call)
{
	if (conflict_rule(call) != DDB_CONFLICT_BATCH || call->is_last)
		return false;
	call->is_last = true;
	call->has_tag = false;
	call->retry_at = 0;
	return true;
}

static bool
met_lock(const ErrorData *error)
{
	return gave_up_lock && error->sqlerrcode == ERRCODE_QUERY_CANCELED;
}

/* did the attempt lose against another transaction? */
static bool
is_conflict(const ErrorData *error)
{
	return met_lock(error) || ddb_http_error_is_transient(error);
}

/*
 * Is the attempt to be repeated?  If so, say in the call what it waits for.
 */
static bool
park(HttpCall *call, const ErrorData *error)
{
	if (!is_conflict(error))
		return false;
	if (conflict_rule(call) == DDB_CONFLICT_TRANSACTION)
		ddb_op_conflict_position(&call->element, &call->elements);
	if (!is_within_lock_timeout(call))
		return begin_last_attempt(call);
	call->has_tag = met_lock(error) && can_be_watched(&waited_tag);
	call->tag = waited_tag;
	call->mode = waited_mode;
	call->retry_at = call->has_tag ? next_retry_anyway() :
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_DELAY_MS);
	return true;
}

/*
 * A reason for each element of the transaction: the one that met a lock, and
 * none for the others.
 */
static void
refuse_transaction(HttpCall *call)
{
	StringInfoData message;
	StringInfoData members;
	int			i;

	initStringInfo(&message);
	initStringInfo(&members);
	appendStringInfoString(&message, "Transaction cancelled, please refer cancellation "
						   "reasons for specific reasons [");
	appendStringInfoString(&members, "{\"CancellationReasons\":[");
	for (i = 0; i < call->elements; i++)
	{
		bool		is_reason = i == call->element;

		appendStringInfo(&message, "%s%s", i > 0 ? ", " : "",
						 is_reason ? "TransactionConflict" : "None");
		appendStringInfo(&members, "%s{\"Code\":%s}", i > 0 ? "," : "",
						 is_reason ? "\"TransactionConflict\",\"Message\":\"" ONGOING "\"" :
						 "\"None\"");
	}
	appendStringInfoChar(&message, ']');
	appendStringInfoString(&members, "]}");
	refuse(call, DDB_TRANSACTION_CANCELED, message.data, members.data);
}

/* a call whose time for locks is over */
static void
refuse_conflict(HttpCall *call)
{
	DdbConflictRule rule = conflict_rule(call);

	if (rule == DDB_CONFLICT_ITEM)
		ddb_http_refuse(call, DDB_TRANSACTION_CONFLICT, ONGOING);
	else if (rule == DDB_CONFLICT_TRANSACTION && call->elements > 0)
		refuse_transaction(call);
	else
		ddb_http_refuse(call, DDB_INTERNAL_SERVER_ERROR,
						"The request waited too long for a lock that another session holds");
}

/* the response to an error that is not to be repeated */
static void
fail(HttpCall *call, const ErrorData *error)
{
	call->consumed = ddb_op_consumed;
	if (met_lock(error) ||
		(ddb_http_error_is_transient(error) && conflict_rule(call) != DDB_CONFLICT_RETRY))
		refuse_conflict(call);
	else
		call->error = ddb_http_error(error, call->response);
}

/* Called with the error still on its stack; leaves no transaction. */
static ErrorData *
recover(HttpCall *call)
{
	ErrorData  *error;

	MemoryContextSwitchTo(call->context);
	error = CopyErrorData();
	HOLD_INTERRUPTS();
	disarm();
	if (ddb_http_error_is_ours(error))
		EmitErrorReport();
	FlushErrorState();
	AbortOutOfAnyTransaction();
	ddb_access_caller = nobody;
	LWLockReleaseAll();
	leave_definition_change();
	ddb_session_discard_rest();
	MemoryContextSwitchTo(call->context);
	RESUME_INTERRUPTS();
	return error;
}

static bool
take_and_give_back(const LOCKTAG *tag, LOCKMODE mode)
{
	if (LockAcquire(tag, mode, true, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	LockRelease(tag, mode, true);
	return true;
}

static bool
has_no_holder(const LOCKTAG *tag, LOCKMODE mode)
{
	int			count;
	VirtualTransactionId *holders = GetLockConflicts(tag, mode, &count);

	if (!InHotStandby)
		pfree(holders);
	return count == 0;
}

/*
 * Could we have the lock now?  Asked without waiting, and given back.  The
 * strongest mode is not taken, since that is written to the log when it is a
 * relation's: whoever conflicts with it is looked for instead.
 */
static bool
lock_is_free(const HttpCall *call)
{
	volatile bool result = true;

	PG_TRY();
	{
		result = call->mode == AccessExclusiveLock ?
			has_no_holder(&call->tag, call->mode) :
			take_and_give_back(&call->tag, RecoveryInProgress() ?
							   Min(call->mode, RowExclusiveLock) : call->mode);
	}
	PG_CATCH();
	{
		/* no memory for locks: an attempt will tell */
		FlushErrorState();
		LWLockReleaseAll();
	}
	PG_END_TRY();
	return result;
}

/* is the lock gone that the call waits for, as far as one can see? */
static bool
looks_free(const HttpCall *call)
{
	if (!call->has_tag)
		return false;
	if (call->tag.locktag_type == LOCKTAG_TRANSACTION)
		return !TransactionIdIsInProgress(call->tag.locktag_field1);
	return lock_is_free(call);
}

bool
ddb_http_execute(HttpCall *call)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;
	volatile bool done = true;

	/* an attempt would only find out again, after a moment of waiting */
	if (call->has_tag && !is_within_lock_timeout(call) && !looks_free(call) &&
		!begin_last_attempt(call))
	{
		refuse_conflict(call);
		call->position = ddb_http_position();
		return true;
	}
	MemoryContextSwitchTo(call->context);
	resetStringInfo(&call->response->body);
	MemSet(&ddb_op_consumed, 0, sizeof(ddb_op_consumed));
	ddb_op_clear_conflict_position();
	ddb_op_door.repeats = !call->is_last;
	arm();
	PG_TRY();
	{
		attempt(call);
		call->consumed = ddb_op_consumed;
		call->error = NULL;
		disarm();
	}
	PG_CATCH();
	{
		error = recover(call);
	}
	PG_END_TRY();

	if (error != NULL)
	{
		done = !park(call, error);
		if (done)
			fail(call, error);
	}
	call->position = ddb_http_position();
	MemoryContextSwitchTo(caller);
	return done;
}

/* ----------------------------------------------------------------
 * Parked calls
 * ----------------------------------------------------------------
 */

bool
ddb_http_may_run(HttpCall *call, TimestampTz now)
{
	return now >= call->retry_at || !is_within_lock_timeout(call) || looks_free(call);
}

void
ddb_http_execute_init(void)
{
	timer = RegisterTimeout(USER_TIMEOUT, timer_handler);
	ddb_op_door.gave_up_lock = take_lost_lock;
	before_shmem_exit(leave_at_exit, (Datum) 0);
}
