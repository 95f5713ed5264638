/*
 * subscription_internal.h
 *	  What the files of subscriptions share.
 *
 *		subscription.c			the worker: which shard is read when
 *		subscription_delivery.c	one batch: read, delivered, checkpointed
 *		subscription_admin.c	the SQL functions
 *		subscription_options.c	options and target texts
 *		subscription_filter.c	event filter patterns
 *		subscription_store.c	the tables
 *		subscription_target.c	functions, channels, dead letters
 *		subscription_http.c		URLs
 */
#ifndef DDB_SUBSCRIPTION_INTERNAL_H
#define DDB_SUBSCRIPTION_INTERNAL_H

#include "lib/stringinfo.h"
#include "storage/lockdefs.h"
#include "utils/timestamp.h"

#include "streamlog.h"

#define DDB_EVENT_MAX_BYTES		(6 * 1024 * 1024)	/* of a batch */

typedef enum DdbTargetKind
{
	DDB_TARGET_FUNCTION,		/* 'F' in the table */
	DDB_TARGET_URL,				/* 'U' */
	DDB_TARGET_NOTIFY			/* 'N' */
} DdbTargetKind;

typedef enum DdbStartingPosition
{
	DDB_START_TRIM_HORIZON,
	DDB_START_LATEST,
	DDB_START_AT_TIMESTAMP
} DdbStartingPosition;

typedef struct DdbSubscriptionOptions
{
	int			batch_size;		/* records */
	double		batch_window;	/* seconds, here and below */
	int			starting_position;	/* a DdbStartingPosition */
	double		starting_timestamp; /* seconds since 1970 */
	Jsonb	   *filter;			/* NULL: all records pass */
	int			max_retries;	/* -1: no limit */
	int			max_age;		/* -1: no limit */
	double		backoff;
	bool		bisect_on_error;
	bool		partial_batch_response;
	char	   *dead_letter_table;	/* NULL: what is given up is dropped */
	bool		exactly_once;
	char	   *secret;			/* NULL: requests are not signed */
} DdbSubscriptionOptions;

typedef struct DdbSubscription
{
	int32		id;
	char	   *name;
	Oid			owner;
	Oid			relid;			/* the item table, which may be gone */
	DdbTargetKind kind;
	char	   *target;			/* without what says its kind */
	DdbSubscriptionOptions options;
	DdbSequence start;			/* records from here on, inclusive */
	bool		active;
} DdbSubscription;

/* a shard of a subscribed table */
typedef struct DdbSubscriptionShard
{
	int32		subscription;
	DdbShard	shard;			/* number, id and closed only */
	int64		parent;			/* its number; 0 if none */
	TimestampTz stream_created;
	char	   *arn;			/* of the stream */
} DdbSubscriptionShard;

/* how far a shard has been delivered: one row of subscription_position */
typedef struct DdbSubscriptionPosition
{
	int32		subscription;
	int64		shard;
	DdbSequence sequence;		/* of the last record that is done with; ordinal -1:
								 * none of that commit */
	int			retries;		/* failures of the batch that follows */
	int			batch_limit;	/* records of that batch; 0 if not bounded */
	TimestampTz retry_at;		/* 0: at once */
	char	   *error;			/* the last one; NULL if there was none */
} DdbSubscriptionPosition;

/* what a checkpoint adds to the counts */
typedef struct DdbSubscriptionCounts
{
	int64		delivered;
	int64		failed;
	int64		filtered;
} DdbSubscriptionCounts;

/* ---- subscription_options.c ---- */

/*
 * Options by name over what is in *options; raises invalid_parameter_value for
 * unknown ones, wrong types and values, and those that the target has no use
 * for.  changing: starting positions are refused.
 */
extern void ddb_subscription_options_default(DdbSubscriptionOptions *options);
extern void ddb_subscription_options_read(DdbDoc doc, DdbTargetKind kind, bool changing,
										  DdbSubscriptionOptions *options);

/* all that differ from their defaults, except the secret */
extern Jsonb *ddb_subscription_options_write(const DdbSubscriptionOptions *options);

/* ---- subscription_filter.c ---- */

/* raises invalid_parameter_value where patterns (an object, or an array of them) are none */
extern void ddb_filter_check(DdbDoc patterns);

/* does one of the patterns match? */
extern bool ddb_filter_matches(DdbDoc patterns, DdbDoc record);

/* ---- subscription_store.c: all need a transaction with a snapshot ---- */

/* dynamo.subscription; InvalidOid while the extension is not there */
extern Oid	ddb_subscription_relation(void);

/*
 * Lock a subscription until the transaction ends: deliveries in ShareLock,
 * changes in ExclusiveLock.
 */
extern void ddb_subscription_lock(int32 id, LOCKMODE mode);

/* all of them, or one; palloc'd */
extern List *ddb_subscription_load(void);
extern DdbSubscription *ddb_subscription_find(const char *name);

/* shards of the tables of all subscriptions, by stream and number; positions */
extern List *ddb_subscription_load_shards(void);
extern List *ddb_subscription_load_positions(void);

extern void ddb_subscription_insert(const DdbSubscription *subscription, const char *table_name);

/* options; with_state: also whether it is active */
extern void ddb_subscription_update(const DdbSubscription *subscription, bool with_state);
extern void ddb_subscription_delete(int32 id);

/* it failed for good, until it is enabled again */
extern void ddb_subscription_fail(int32 id, const char *error);

/*
 * Move the position of a shard, which must still be what before says; error is
 * kept unless NULL.
 */
extern void ddb_subscription_checkpoint(const DdbSubscriptionPosition *before,
										const DdbSubscriptionPosition *after,
										const DdbSubscriptionCounts *counts,
										const char *error);

/*
 * A value that changes when records have been stored or shards made since;
 * false when no record was ever stored.
 */
typedef struct DdbStoredMark
{
	DdbSequence position;
	int64		shard;
} DdbStoredMark;

extern bool ddb_subscription_stored_mark(DdbStoredMark *out);

/* failed batches need not wait for their next attempt */
extern void ddb_subscription_retry(int32 id);

/* positions of shards that are gone, their counts kept */
extern void ddb_subscription_trim(void);

/* ---- subscription_target.c ---- */

/*
 * 'function:...', a URL or 'notify:...' to kind and canonical target, as the
 * current user may use them; raises what is wrong.
 */
extern void ddb_target_parse(const char *text, DdbTargetKind *kind, char **target);
extern char *ddb_target_text(DdbTargetKind kind, const char *target);

/* may its owner still use it?  raises why not */
extern void ddb_target_check(const DdbSubscription *subscription);

/* the table of dead letters: may owner write it, has it fitting keys? */
extern void ddb_dead_letter_check(const char *table_name, Oid owner);

/*
 * Code of users, within the present transaction: from begin on everything runs
 * as owner until the transaction is over, and is cancelled when its time is
 * over; end fires deferred triggers and drops what was left in the session.
 * After an error, or the end of the transaction, call done.
 */
extern void ddb_target_init(void);
extern void ddb_target_begin(Oid owner);
extern void ddb_target_end(void);
extern void ddb_target_done(void);

/* was it cancelled since its time was over? */
extern bool ddb_target_timed_out(void);

/* could it not be cancelled, so that the process ends? */
extern bool ddb_target_ran_away(void);

/* call the function; NULL if it returns nothing */
extern Jsonb *ddb_target_call(const DdbSubscription *subscription, Jsonb *event);

extern void ddb_target_notify(const DdbSubscription *subscription, const DdbStreamRecord *record);

/* an item for a record that is given up */
extern void ddb_dead_letter_put(const DdbSubscription *subscription, const DdbStreamRecord *record,
								int attempts, const char *reason);

/* ---- subscription_http.c ---- */

/* the URL in its canonical form; raises what is wrong with it */
extern char *ddb_url_parse(const char *url);

/* may owner have requests sent to it?  raises why not */
extern void ddb_url_check(const char *url, Oid owner);

/* one POST under way */
typedef struct DdbPost DdbPost;

/*
 * ddb_post_start: body is copied.  The post outlives transactions, until it is
 * freed.
 */
extern DdbPost *ddb_post_start(const DdbSubscription *subscription, StringInfo body);
extern void ddb_post_free(DdbPost *post);

/* is it complete?  error: NULL for a response of 2xx; else palloc'd */
extern bool ddb_post_is_done(DdbPost *post, char **error, DdbText *response);

/* let posts go on; wait up to ms for one of them, or the latch, if any is under way */
extern int	ddb_post_count(void);
extern void ddb_post_perform(int wait_ms);

/* ---- subscription_delivery.c ---- */

/* a shard being read for a subscription; lives as long as both */
typedef struct DdbReader
{
	DdbSubscription *subscription;
	DdbShard	shard;
	int64		parent;
	TimestampTz stream_created;
	const char *arn;			/* of the stream */
	DdbSubscriptionPosition position;
	bool		known;			/* still there when loaded last */
	bool		ready;			/* what comes before is finished */
	bool		look;			/* there may be records that were not read */
	bool		finished;		/* closed, and read to its end */
	TimestampTz window_end;		/* of a batch that is not full; 0 for none */
	TimestampTz rest_until;		/* not to be looked at before */
	DdbPost    *post;			/* of the batch under way; NULL for none */
	struct DdbPosted *posted;	/* that batch */
} DdbReader;

/* what a turn of a reader came to */
typedef enum DdbTurn
{
	DDB_TURN_NOTHING,
	DDB_TURN_DONE,
	DDB_TURN_FAILED				/* the subscription is out of use */
} DdbTurn;

/*
 * Deliver the next batch, or go on with the one under way.  Never raises an
 * error of a delivery; leaves no transaction.
 */
extern DdbTurn ddb_reader_turn(DdbReader *reader);

/* at the process's exit: a function that cannot be cancelled is not called again */
extern void ddb_reader_exit(int code, Datum arg);

/* the post under way is not to be waited for */
extern void ddb_reader_abandon(DdbReader *reader);

/* have definitions changed since they were loaded? (subscription.c) */
extern bool ddb_subscription_is_stale(void);

#endif							/* DDB_SUBSCRIPTION_INTERNAL_H */
