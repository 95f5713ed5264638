/*
 * subscription_delivery.c
 *	  One batch of a shard: read, filtered, delivered, checkpointed.
 *
 * A function or a channel gets its batch in the transaction that moves the
 * position; so it gets each record exactly once.  For a URL the batch is read
 * in one transaction and the position moved in another, when the response has
 * come: at least once.
 *
 * A batch that fails stays where it is, with as many records, and is tried
 * again after a while that doubles; or is halved first.  Once its retries are
 * used up, or its records too old, they are given up: written to the table of
 * dead letters, if there is one, in the transaction that moves the position.
 *
 * A target that its owner may not use, or that is not there, puts the whole
 * subscription out of use, until somebody enables it again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "subscription_internal.h"
#include "wire.h"

#define MAX_BACKOFF			60.0	/* seconds, unless the first one is longer */
#define TROUBLE_MS			1000	/* after errors of our own */
#define ENOUGH_BYTES		(DDB_EVENT_MAX_BYTES / 2)
#define WINDOW_LOOKS		10		/* looks at a batch in its window */

/* whose errors they are */
typedef enum Phase
{
	PHASE_TARGET,				/* may it be used? */
	PHASE_OURS,
	PHASE_DELIVERY
} Phase;

typedef struct Batch
{
	int			count;			/* of records read */
	DdbStreamRecord *records;	/* NULL while a post is under way */
	DdbSequence *sequences;
	int			nselected;		/* of those that are delivered */
	int		   *selected;		/* their indexes */
	int64		filtered;
	const char *give_up;		/* why they are not delivered; NULL if they are */
} Batch;

/* a batch that a post carries */
typedef struct DdbPosted
{
	MemoryContext context;
	Batch		batch;
} DdbPosted;

static Phase phase;
static int32 current_subscription = 0;

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

/* when the change was made, in seconds since 1970 */
static double
creation_time(const DdbStreamRecord *record)
{
	JsonbValue	dynamodb;
	JsonbValue	time;

	if (!ddb_doc_get(ddb_doc_root(record->record), "dynamodb", 8, &dynamodb) ||
		dynamodb.type != jbvBinary ||
		!ddb_doc_get(ddb_doc_of(&dynamodb), "ApproximateCreationDateTime", 27, &time) ||
		time.type != jbvNumeric)
		return 0;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(time.val.numeric)));
}

static double
seconds_now(void)
{
	return GetCurrentTimestamp() / (double) USECS_PER_SEC +
		(double) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

static int
batch_limit(const DdbReader *reader)
{
	int			size = reader->subscription->options.batch_size;
	int			limit = reader->position.batch_limit;

	return limit > 0 ? Min(limit, size) : size;
}

/* how many records an event may hold; at least one */
static int
count_that_fit(const DdbStreamRecord *records, int count, int64 *bytes)
{
	int			i;

	*bytes = 0;
	for (i = 0; i < count; i++)
	{
		int64		size = VARSIZE(records[i].record);

		if (i > 0 && *bytes + size > DDB_EVENT_MAX_BYTES)
			break;
		*bytes += size;
	}
	return i;
}

/*
 * The records that follow the position; false if there are none.  Notes what
 * is known then of those behind them.
 */
static bool
read_batch(DdbReader *reader, Batch *batch)
{
	int			limit = batch_limit(reader);
	int64		bytes;
	int			found;
	int			i;

	memset(batch, 0, sizeof(*batch));
	batch->records = ddb_stream_read(&reader->shard, &reader->position.sequence, false, limit,
									 DDB_EVENT_MAX_BYTES, &found);
	batch->count = count_that_fit(batch->records, found, &bytes);
	if (found == 0)
		reader->finished = reader->shard.closed;
	reader->look = reader->shard.closed ? found > 0 : found == limit || bytes > ENOUGH_BYTES;
	batch->sequences = palloc(sizeof(DdbSequence) * Max(batch->count, 1));
	for (i = 0; i < batch->count; i++)
		batch->sequences[i] = batch->records[i].sequence;
	return batch->count > 0;
}

/* those that are too old come first: they make a batch of their own */
static void
cut_old_records(const DdbReader *reader, Batch *batch)
{
	int			max_age = reader->subscription->options.max_age;
	double		oldest = seconds_now() - max_age;
	int			i;

	if (max_age < 0)
		return;
	for (i = 0; i < batch->count && creation_time(&batch->records[i]) < oldest; i++)
		;
	if (i == 0)
		return;
	batch->count = i;
	batch->give_up = "the record is older than max_age";
}

static bool
is_out_of_retries(const DdbReader *reader)
{
	int			max_retries = reader->subscription->options.max_retries;

	return max_retries >= 0 && reader->position.retries > max_retries;
}

static void
select_records(const DdbReader *reader, Batch *batch)
{
	const DdbSubscriptionOptions *options = &reader->subscription->options;
	int			i;

	batch->selected = palloc(sizeof(int) * batch->count);
	for (i = 0; i < batch->count; i++)
	{
		const DdbStreamRecord *record = &batch->records[i];

		CHECK_FOR_INTERRUPTS();
		if (options->starting_timestamp > 0 && creation_time(record) < options->starting_timestamp)
			continue;
		if (options->filter == NULL ||
			ddb_filter_matches(ddb_doc_root(options->filter), ddb_doc_root(record->record)))
			batch->selected[batch->nselected++] = i;
		else
			batch->filtered++;
	}
}

/* is the batch to wait for more records? */
static bool
is_within_window(DdbReader *reader, const Batch *batch)
{
	int			window_ms = (int) (reader->subscription->options.batch_window * 1000);
	TimestampTz now = GetCurrentTimestamp();

	if (window_ms == 0 || reader->position.retries > 0 || reader->position.batch_limit > 0 ||
		batch->count == batch_limit(reader) || reader->shard.closed)
		return false;
	if (reader->window_end == 0)
		reader->window_end = TimestampTzPlusMilliseconds(now, window_ms);
	if (now >= reader->window_end)
		return false;
	reader->rest_until = Min(TimestampTzPlusMilliseconds(now, window_ms / WINDOW_LOOKS),
							 reader->window_end);
	reader->look = true;
	return true;
}

/* ----------------------------------------------------------------
 * Positions
 * ----------------------------------------------------------------
 */

/* the attempt that only gives up need not wait */
static TimestampTz
next_attempt(const DdbSubscriptionOptions *options, int retries)
{
	double		seconds = options->backoff;
	double		longest = Max(MAX_BACKOFF, options->backoff);
	int			i;

	if (options->max_retries >= 0 && retries == options->max_retries + 1)
		return 0;
	for (i = 1; i < retries && seconds < longest; i++)
		seconds *= 2;
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), (int64) (Min(seconds, longest) * 1000));
}

/* after a success a batch that was bounded may grow again */
static int
larger_limit(const DdbReader *reader)
{
	int			limit = reader->position.batch_limit;

	return limit > 0 && limit * 2 < reader->subscription->options.batch_size ? limit * 2 : 0;
}

static void
checkpoint(const DdbReader *reader, const DdbSubscriptionPosition *after,
		   const DdbSubscriptionCounts *counts, const char *error)
{
	ddb_subscription_checkpoint(&reader->position, after, counts, error);
}

/* after the first count records of the batch */
static void
move_behind(const Batch *batch, int count, DdbSubscriptionPosition *after)
{
	if (count > 0)
		after->sequence = batch->sequences[count - 1];
}

/* all of the batch is done with */
static void
pass(const DdbReader *reader, const Batch *batch, DdbSubscriptionPosition *after)
{
	DdbSubscriptionCounts counts = {0, 0, batch->filtered};

	*after = reader->position;
	move_behind(batch, batch->count, after);
	after->retries = 0;
	after->retry_at = 0;
	after->batch_limit = larger_limit(reader);
	if (batch->give_up != NULL)
		counts.failed = batch->nselected;
	else
		counts.delivered = batch->nselected;
	checkpoint(reader, after, &counts, batch->give_up);
}

/*
 * The batch is done with up to a record (an index of selected), which alone is
 * tried again.
 */
static void
pass_in_part(const DdbReader *reader, const Batch *batch, int failed,
			 DdbSubscriptionPosition *after)
{
	int			before = batch->selected[failed];
	DdbSubscriptionCounts counts = {failed, 0, 0};

	*after = reader->position;
	move_behind(batch, before, after);
	after->retries = failed > 0 || before > 0 ? 1 : reader->position.retries + 1;
	after->batch_limit = 1;
	after->retry_at = next_attempt(&reader->subscription->options, after->retries);
	counts.filtered = Min(before - failed, batch->filtered);
	checkpoint(reader, after, &counts, "the target reported the record as failed");
}

/* the batch of count records failed as a whole */
static void
stay(const DdbReader *reader, int count, bool may_bisect, const char *error,
	 DdbSubscriptionPosition *after)
{
	const DdbSubscriptionOptions *options = &reader->subscription->options;
	DdbSubscriptionCounts counts = {0, 0, 0};

	*after = reader->position;
	if (may_bisect && options->bisect_on_error && count > 1)
	{
		after->batch_limit = (count + 1) / 2;
		after->retry_at = 0;
	}
	else
	{
		after->batch_limit = count;
		after->retries++;
		after->retry_at = next_attempt(options, after->retries);
	}
	checkpoint(reader, after, &counts, error);
}

/* ----------------------------------------------------------------
 * Responses
 * ----------------------------------------------------------------
 */

static int
find_selected(const Batch *batch, const JsonbValue *identifier)
{
	DdbSequence sequence;
	int			i;

	if (identifier->type != jbvString ||
		!ddb_sequence_parse(identifier->val.string.val, identifier->val.string.len, &sequence))
		return -1;
	for (i = 0; i < batch->nselected; i++)
	{
		if (ddb_sequence_compare(&batch->sequences[batch->selected[i]], &sequence) == 0)
			return i;
	}
	return -1;
}

/*
 * The first failed record that {"batchItemFailures": [{"itemIdentifier":
 * "<SequenceNumber>"}, ...]} names, an index of selected; their number if there
 * is none.  Anything else raises an error: the whole batch has failed.
 */
static int
first_failure(const Batch *batch, const Jsonb *response)
{
	int			first = batch->nselected;
	JsonbValue	failures;
	JsonbValue	failure;
	DdbDocCursor cursor;
	DdbText		name;

	if (response == NULL || !ddb_doc_is_object(ddb_doc_root(response)) ||
		!ddb_doc_get(ddb_doc_root(response), "batchItemFailures", 17, &failures) ||
		failures.type == jbvNull)
		return first;
	if (failures.type != jbvBinary || !ddb_doc_is_array(ddb_doc_of(&failures)))
		elog(ERROR, "batchItemFailures of the response is no array");
	ddb_doc_begin(&cursor, ddb_doc_of(&failures));
	while (ddb_doc_next(&cursor, &name, &failure))
	{
		JsonbValue	identifier;
		int			found = -1;

		if (failure.type == jbvBinary &&
			ddb_doc_get(ddb_doc_of(&failure), "itemIdentifier", 14, &identifier))
			found = find_selected(batch, &identifier);
		if (found < 0)
			elog(ERROR, "batchItemFailures of the response names a record that is not in the batch");
		first = Min(first, found);
	}
	return first;
}

/* the position after a delivery that got a response */
static void
take_response(const DdbReader *reader, const Batch *batch, const Jsonb *response,
			  DdbSubscriptionPosition *after)
{
	int			failed = batch->nselected;

	if (reader->subscription->options.partial_batch_response)
		failed = first_failure(batch, response);
	phase = PHASE_OURS;
	if (failed < batch->nselected)
		pass_in_part(reader, batch, failed, after);
	else
		pass(reader, batch, after);
}

/* ----------------------------------------------------------------
 * Delivering
 * ----------------------------------------------------------------
 */

/* a record as an event shows it: with the stream's ARN */
static void
add_event_record(JsonbValue *records, const DdbStreamRecord *record, const char *arn)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;
	JsonbValue	copy;

	ddb_json_object(&copy, 8);
	ddb_doc_begin(&cursor, ddb_doc_root(record->record));
	while (ddb_doc_next(&cursor, &name, &value))
		ddb_json_add(&copy, name.str, name.len, &value);
	ddb_json_add_string(&copy, "eventSourceARN", arn);
	ddb_json_append(records, &copy);
}

static Jsonb *
make_event(const DdbReader *reader, const Batch *batch)
{
	JsonbValue	event;
	JsonbValue	records;
	int			i;

	ddb_json_array(&records, batch->nselected);
	for (i = 0; i < batch->nselected; i++)
		add_event_record(&records, &batch->records[batch->selected[i]], reader->arn);
	ddb_json_object(&event, 1);
	ddb_json_add_value(&event, "Records", &records);
	return ddb_json_encode(&event);
}

static void
deliver_to_channel(const DdbReader *reader, const Batch *batch, DdbSubscriptionPosition *after)
{
	int			i;

	for (i = 0; i < batch->nselected; i++)
		ddb_target_notify(reader->subscription, &batch->records[batch->selected[i]]);
	pass(reader, batch, after);
}

static void
begin_transaction(MemoryContext context)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
}

static void
end_transaction(MemoryContext context)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	ddb_target_done();
	MemoryContextSwitchTo(context);
}

static void
deliver_to_function(const DdbReader *reader, const Batch *batch, DdbSubscriptionPosition *after)
{
	Jsonb	   *event = make_event(reader, batch);
	Jsonb	   *response;

	phase = PHASE_DELIVERY;
	ddb_target_begin(reader->subscription->owner);
	response = ddb_target_call(reader->subscription, event);
	ddb_target_end();
	if (!reader->subscription->options.exactly_once)
	{
		end_transaction(CurrentMemoryContext);
		begin_transaction(CurrentMemoryContext);
	}
	take_response(reader, batch, response, after);
}

static void
give_up(const DdbReader *reader, const Batch *batch, DdbSubscriptionPosition *after)
{
	const DdbSubscription *subscription = reader->subscription;
	int			i;

	ereport(LOG,
			(errmsg("subscription \"%s\" gives up %d records: %s", subscription->name,
					batch->nselected, batch->give_up)));
	if (subscription->options.dead_letter_table != NULL && batch->nselected > 0)
	{
		phase = PHASE_DELIVERY;
		ddb_target_begin(subscription->owner);
		for (i = 0; i < batch->nselected; i++)
			ddb_dead_letter_put(subscription, &batch->records[batch->selected[i]],
								reader->position.retries, batch->give_up);
		ddb_target_end();
		phase = PHASE_OURS;
	}
	pass(reader, batch, after);
}

static void
start_post(DdbReader *reader, const Batch *batch)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo posted batch",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	DdbPosted  *posted = palloc0(sizeof(DdbPosted));
	StringInfoData body;

	posted->context = context;
	posted->batch = *batch;
	posted->batch.records = NULL;
	posted->batch.sequences = palloc(sizeof(DdbSequence) * batch->count);
	memcpy(posted->batch.sequences, batch->sequences, sizeof(DdbSequence) * batch->count);
	posted->batch.selected = palloc(sizeof(int) * batch->count);
	memcpy(posted->batch.selected, batch->selected, sizeof(int) * batch->nselected);
	MemoryContextSwitchTo(caller);
	reader->posted = posted;

	initStringInfo(&body);
	ddb_wire_print(&body, ddb_doc_root(make_event(reader, batch)));
	phase = PHASE_DELIVERY;
	reader->post = ddb_post_start(reader->subscription, &body);
}

void
ddb_reader_abandon(DdbReader *reader)
{
	if (reader->post != NULL)
		ddb_post_free(reader->post);
	if (reader->posted != NULL)
		MemoryContextDelete(reader->posted->context);
	reader->post = NULL;
	reader->posted = NULL;
}

/* ----------------------------------------------------------------
 * A turn
 * ----------------------------------------------------------------
 */

typedef struct Turn
{
	DdbReader  *reader;
	Batch		batch;
	bool		moved;			/* after is the position now */
	DdbSubscriptionPosition after;
} Turn;

/* raises where the subscription cannot be served */
static void
check_rights(const DdbSubscription *subscription)
{
	char	   *name = get_rel_name(subscription->relid);

	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(subscription->owner)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the owner of the subscription does not exist any more")));
	if (name != NULL &&
		!ddb_stream_may_read(subscription->relid, subscription->owner))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, name);
	ddb_target_check(subscription);
}

/* read and deliver the next batch, within a transaction */
static void
work_on_next(Turn *turn)
{
	DdbReader  *reader = turn->reader;
	Batch	   *batch = &turn->batch;

	phase = PHASE_TARGET;
	check_rights(reader->subscription);
	phase = PHASE_OURS;
	if (!read_batch(reader, batch) || is_within_window(reader, batch))
		return;
	reader->window_end = 0;
	cut_old_records(reader, batch);
	if (batch->give_up == NULL && is_out_of_retries(reader))
		batch->give_up = reader->position.error != NULL ? reader->position.error :
			"the delivery has failed too often";
	select_records(reader, batch);
	turn->moved = true;
	if (batch->nselected == 0)
		pass(reader, batch, &turn->after);
	else if (batch->give_up != NULL)
		give_up(reader, batch, &turn->after);
	else if (reader->subscription->kind == DDB_TARGET_FUNCTION)
		deliver_to_function(reader, batch, &turn->after);
	else if (reader->subscription->kind == DDB_TARGET_NOTIFY)
		deliver_to_channel(reader, batch, &turn->after);
	else
	{
		turn->moved = false;
		start_post(reader, batch);
	}
}

/* the response to a post has come, within a transaction */
static void
work_on_posted(Turn *turn)
{
	DdbReader  *reader = turn->reader;
	DdbText		response;
	char	   *error;
	Jsonb	   *document = NULL;

	turn->batch = reader->posted->batch;
	phase = PHASE_DELIVERY;
	if (!ddb_post_is_done(reader->post, &error, &response))
		elog(ERROR, "a post is not complete");
	if (error != NULL)
		ereport(ERROR, (errcode(ERRCODE_CONNECTION_FAILURE), errmsg_internal("%s", error)));
	if (reader->subscription->options.partial_batch_response && response.len > 0)
		document = ddb_wire_parse(response.str, response.len);
	turn->moved = true;
	take_response(reader, &turn->batch, document, &turn->after);
}

typedef void (*TurnWork) (Turn *turn);

/* a transaction of a turn; false, with the error, if it was rolled back */
static bool
run_transaction(TurnWork work, Turn *turn, ErrorData **error)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool done = false;

	phase = PHASE_OURS;
	current_subscription = turn->reader->subscription->id;
	PG_TRY();
	{
		begin_transaction(context);
		ddb_subscription_lock(turn->reader->subscription->id, ShareLock);
		if (!ddb_subscription_is_stale())
			work(turn);
		end_transaction(context);
		done = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		*error = CopyErrorData();
		HOLD_INTERRUPTS();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		ddb_target_done();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return done;
}

/* is it the kind of error that waiting does not heal? */
static bool
is_unusable(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_UNDEFINED_OBJECT:
		case ERRCODE_INVALID_SCHEMA_NAME:
		case ERRCODE_INVALID_FUNCTION_DEFINITION:
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return phase == PHASE_TARGET;
		default:
			return false;
	}
}

/* what a failure leads to, as transactions of their own */
typedef struct Failure
{
	Turn		turn;			/* first: it is handed to run_transaction */
	int			count;			/* records of the batch */
	const char *message;
} Failure;

static void
note_failure(Turn *turn)
{
	Failure    *failure = (Failure *) turn;

	turn->moved = true;
	stay(turn->reader, failure->count, turn->batch.give_up == NULL, failure->message, &turn->after);
}

static void
note_unusable(Turn *turn)
{
	Failure    *failure = (Failure *) turn;

	ddb_subscription_fail(turn->reader->subscription->id, failure->message);
}

static const char *
failure_message(const ErrorData *error)
{
	if (ddb_target_timed_out() && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		return "the delivery took longer than dynamo.subscription_timeout";
	return error->message != NULL ? error->message : "unknown error";
}

/* the position in memory follows what is committed */
static void
follow(Turn *turn)
{
	DdbReader  *reader = turn->reader;

	if (!turn->moved)
		return;
	turn->after.error = reader->position.error;
	reader->position = turn->after;
	if (reader->position.retry_at != 0 || reader->position.batch_limit != 0)
		reader->look = true;
}

static void
set_error(DdbReader *reader, const char *message)
{
	if (reader->position.error != NULL)
		pfree(reader->position.error);
	reader->position.error = MemoryContextStrdup(TopMemoryContext, message);
}

/* something of ours failed: nothing is written, it is tried again soon */
static void
rest(DdbReader *reader, const ErrorData *error)
{
	ereport(LOG,
			(errmsg("subscription \"%s\" could not be served: %s", reader->subscription->name,
					error->message)));
	reader->look = true;
	reader->rest_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), TROUBLE_MS);
}

static DdbTurn
handle_error(const Turn *turn, ErrorData *error)
{
	DdbReader  *reader = turn->reader;
	Failure		failure = {{reader}, turn->batch.count, failure_message(error)};
	bool		unusable = is_unusable(error);
	ErrorData  *further;

	failure.turn.batch.give_up = turn->batch.give_up;
	if (phase == PHASE_OURS || (phase == PHASE_TARGET && !unusable))
	{
		rest(reader, error);
		return DDB_TURN_NOTHING;
	}
	if (unusable || reader->position.retries == 0)
		ereport(LOG,
				(errmsg("delivery to subscription \"%s\" failed: %s",
						reader->subscription->name, failure.message)));
	reader->look = true;
	if (!run_transaction(unusable ? note_unusable : note_failure, &failure.turn, &further))
	{
		rest(reader, further);
		return DDB_TURN_NOTHING;
	}
	set_error(reader, failure.message);
	follow(&failure.turn);
	return unusable ? DDB_TURN_FAILED : DDB_TURN_DONE;
}

static bool
is_due(const DdbReader *reader)
{
	TimestampTz now = GetCurrentTimestamp();

	return reader->look && now >= reader->rest_until && now >= reader->position.retry_at;
}

static bool
post_is_done(const DdbReader *reader)
{
	DdbText		response;
	char	   *error;

	return ddb_post_is_done(reader->post, &error, &response);
}

static DdbTurn
run_turn(DdbReader *reader)
{
	bool		posted = reader->post != NULL;
	Turn		turn = {reader};
	ErrorData  *error = NULL;
	DdbTurn		result;

	if (!run_transaction(posted ? work_on_posted : work_on_next, &turn, &error))
		result = handle_error(&turn, error);
	else
	{
		follow(&turn);
		result = turn.moved ? DDB_TURN_DONE : DDB_TURN_NOTHING;
	}
	if (posted && !ddb_subscription_is_stale())
		ddb_reader_abandon(reader);
	else if (!posted && reader->post == NULL)
		ddb_reader_abandon(reader);
	return result;
}

DdbTurn
ddb_reader_turn(DdbReader *reader)
{
	MemoryContext context;
	MemoryContext caller;
	DdbTurn		result;

	if (reader->post != NULL ? !post_is_done(reader) : !is_due(reader))
		return DDB_TURN_NOTHING;
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_dynamo delivery",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	pgstat_report_activity(STATE_RUNNING, reader->subscription->name);
	result = run_turn(reader);
	pgstat_report_stat(false);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return result;
}

void
ddb_reader_exit(int code, Datum arg)
{
	if (!ddb_target_ran_away())
		return;
	AbortOutOfAnyTransaction();
	ddb_target_done();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	ddb_subscription_fail(current_subscription, "the delivery could not be cancelled");
	PopActiveSnapshot();
	CommitTransactionCommand();
}
