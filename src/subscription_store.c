/*
 * subscription_store.c
 *	  The tables of subscriptions.
 *
 * They belong to the extension's owner, who everything here runs as, after
 * the callers' checks.  Each change of dynamo.subscription sends a relation
 * invalidation for it, by which the worker notices.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/pg_lsn.h"

#include "catalog_rows.h"
#include "subscription_internal.h"

/* queries of this file, see plancache.h */
enum
{
	QUERY_LOAD = DDB_QUERY_CATALOG + 600,
	QUERY_FIND,
	QUERY_SHARDS,
	QUERY_POSITIONS,
	QUERY_INSERT,
	QUERY_UPDATE,
	QUERY_DELETE,
	QUERY_FAIL,
	QUERY_CHECKPOINT,
	QUERY_MARK,
	QUERY_TRIM,
	QUERY_RETRY
};

#define FIRST_QUERY	QUERY_LOAD

#define SUBSCRIPTION_COLUMNS \
	"SELECT subscription_id, name, owner, relid::oid, kind, target, options, secret," \
	" start_epoch, start_lsn, state = 'active' FROM dynamo.subscription "

static const DdbFixedQuery queries[] = {
	[QUERY_LOAD - FIRST_QUERY] = {SUBSCRIPTION_COLUMNS "ORDER BY subscription_id", 0},
	[QUERY_FIND - FIRST_QUERY] = {SUBSCRIPTION_COLUMNS "WHERE name = $1", 1, {TEXTOID}},
	[QUERY_SHARDS - FIRST_QUERY] = {
		"SELECT u.subscription_id, s.shard_no, s.shard_id, coalesce(p.shard_no, 0),"
		" s.closed_at IS NOT NULL, d.created_at, d.table_name, d.label"
		" FROM dynamo.subscription u JOIN dynamo.stream_definition d ON d.relid = u.relid"
		" JOIN dynamo.stream_shard s ON s.stream_id = d.stream_id"
		" LEFT JOIN dynamo.stream_shard p ON p.shard_id = s.parent_shard_id"
		" WHERE u.state = 'active'"
		" ORDER BY u.subscription_id, d.created_at, s.shard_no",
		0
	},
	[QUERY_POSITIONS - FIRST_QUERY] = {
		"SELECT subscription_id, shard_no, epoch, commit_lsn, ordinal, retries, batch_limit, retry_at,"
		" last_error FROM dynamo.subscription_position",
		0
	},
	[QUERY_INSERT - FIRST_QUERY] = {
		"INSERT INTO dynamo.subscription (name, owner, relid, table_name, kind, target, options,"
		" secret, start_epoch, start_lsn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		10, {TEXTOID, OIDOID, REGCLASSOID, TEXTOID, CHAROID, TEXTOID, JSONBOID, TEXTOID, INT4OID,
		LSNOID}
	},
	[QUERY_UPDATE - FIRST_QUERY] = {
		"UPDATE dynamo.subscription SET options = $2, secret = $3,"
		" state = CASE $4 WHEN true THEN 'active' WHEN false THEN 'paused' ELSE state END"
		" WHERE subscription_id = $1",
		4, {INT4OID, JSONBOID, TEXTOID, BOOLOID}
	},
	[QUERY_DELETE - FIRST_QUERY] = {
		"DELETE FROM dynamo.subscription WHERE subscription_id = $1", 1, {INT4OID}
	},
	[QUERY_FAIL - FIRST_QUERY] = {
		"UPDATE dynamo.subscription SET state = 'failed', last_error = $2,"
		" last_error_at = clock_timestamp() WHERE subscription_id = $1",
		2, {INT4OID, TEXTOID}
	},
	[QUERY_CHECKPOINT - FIRST_QUERY] = {
		"INSERT INTO dynamo.subscription_position AS p (subscription_id, shard_no, epoch, commit_lsn,"
		" ordinal, retries, batch_limit, retry_at, delivered, failed, filtered, last_error, last_error_at)"
		" SELECT subscription_id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
		" CASE WHEN $12 IS NOT NULL THEN clock_timestamp() END"
		" FROM dynamo.subscription WHERE subscription_id = $1"
		" ON CONFLICT (subscription_id, shard_no) DO UPDATE SET epoch = EXCLUDED.epoch,"
		" commit_lsn = EXCLUDED.commit_lsn, ordinal = EXCLUDED.ordinal, retries = EXCLUDED.retries,"
		" batch_limit = EXCLUDED.batch_limit, retry_at = EXCLUDED.retry_at,"
		" delivered = p.delivered + EXCLUDED.delivered, failed = p.failed + EXCLUDED.failed,"
		" filtered = p.filtered + EXCLUDED.filtered,"
		" last_error = coalesce(EXCLUDED.last_error, p.last_error),"
		" last_error_at = coalesce(EXCLUDED.last_error_at, p.last_error_at)"
		" WHERE p.epoch = $13 AND p.commit_lsn = $14 AND p.ordinal = $15",
		15, {INT4OID, INT8OID, INT4OID, LSNOID, INT4OID, INT4OID, INT4OID, TIMESTAMPTZOID,
		INT8OID, INT8OID, INT8OID, TEXTOID, INT4OID, LSNOID, INT4OID}
	},
	[QUERY_MARK - FIRST_QUERY] = {
		"SELECT epoch, commit_lsn, (SELECT coalesce(max(shard_no), 0) FROM dynamo.stream_shard)"
		" FROM dynamo.stream_position ORDER BY epoch DESC, commit_lsn DESC LIMIT 1",
		0
	},
	/* a shard goes a day after it was closed */
	[QUERY_TRIM - FIRST_QUERY] = {
		"WITH gone AS (DELETE FROM dynamo.subscription_position p"
		" WHERE NOT EXISTS (SELECT FROM dynamo.stream_shard s WHERE s.shard_no = p.shard_no)"
		" RETURNING p.*),"
		" total AS (SELECT subscription_id, sum(delivered)::bigint AS delivered,"
		" sum(failed)::bigint AS failed, sum(filtered)::bigint AS filtered FROM gone GROUP BY 1)"
		" UPDATE dynamo.subscription u SET delivered = u.delivered + t.delivered,"
		" failed = u.failed + t.failed, filtered = u.filtered + t.filtered"
		" FROM total t WHERE t.subscription_id = u.subscription_id",
		0
	},
	[QUERY_RETRY - FIRST_QUERY] = {
		"UPDATE dynamo.subscription_position SET retry_at = NULL"
		" WHERE subscription_id = $1 AND retry_at IS NOT NULL",
		1, {INT4OID}
	}
};

/* letters of the catalog, by DdbTargetKind */
static const char kind_letters[] = "FUN";

/* ----------------------------------------------------------------
 * Running queries
 * ----------------------------------------------------------------
 */

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	ddb_plan_set_query(text, &queries[query - FIRST_QUERY]);
}

static uint64
run(int query, Datum *values, const char *nulls, DdbTakeRow take, void *arg)
{
	return ddb_catalog_run(query, build_query, values, nulls, take, arg);
}

Oid
ddb_subscription_relation(void)
{
	return ddb_catalog_relation("subscription");
}

void
ddb_subscription_lock(int32 id, LOCKMODE mode)
{
	LockDatabaseObject(ddb_subscription_relation(), (Oid) id, 0, mode);
}

static void
tell_worker(void)
{
	CacheInvalidateRelcacheByRelid(ddb_subscription_relation());
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

static void
take_subscription(Datum *values, bool *nulls, void *arg)
{
	List	  **list = arg;
	DdbSubscription *subscription = palloc0(sizeof(DdbSubscription));
	char		letter = DatumGetChar(values[4]);
	const char *kind = letter != '\0' ? strchr(kind_letters, letter) : NULL;

	if (kind == NULL)
		elog(ERROR, "subscription has an unknown kind \"%c\"", letter);
	subscription->id = DatumGetInt32(values[0]);
	subscription->name = TextDatumGetCString(values[1]);
	subscription->owner = DatumGetObjectId(values[2]);
	subscription->relid = DatumGetObjectId(values[3]);
	subscription->kind = kind - kind_letters;
	subscription->target = TextDatumGetCString(values[5]);
	ddb_subscription_options_default(&subscription->options);
	ddb_subscription_options_read(ddb_doc_root(DatumGetJsonbP(values[6])), subscription->kind,
								  false, &subscription->options);
	subscription->options.secret = nulls[7] ? NULL : TextDatumGetCString(values[7]);
	subscription->start.epoch = DatumGetInt32(values[8]);
	subscription->start.commit = DatumGetLSN(values[9]);
	subscription->active = DatumGetBool(values[10]);
	*list = lappend(*list, subscription);
}

List *
ddb_subscription_load(void)
{
	List	   *list = NIL;

	(void) run(QUERY_LOAD, NULL, NULL, take_subscription, &list);
	return list;
}

DdbSubscription *
ddb_subscription_find(const char *name)
{
	List	   *list = NIL;
	Datum		values[1];

	values[0] = CStringGetTextDatum(name);
	(void) run(QUERY_FIND, values, NULL, take_subscription, &list);
	return list != NIL ? linitial(list) : NULL;
}

static void
take_shard(Datum *values, bool *nulls, void *arg)
{
	List	  **list = arg;
	DdbSubscriptionShard *shard = palloc0(sizeof(DdbSubscriptionShard));
	DdbStream	stream;

	shard->subscription = DatumGetInt32(values[0]);
	shard->shard.number = DatumGetInt64(values[1]);
	shard->shard.id = TextDatumGetCString(values[2]);
	shard->parent = DatumGetInt64(values[3]);
	shard->shard.closed = DatumGetBool(values[4]);
	shard->stream_created = DatumGetTimestampTz(values[5]);
	stream.table_name = TextDatumGetCString(values[6]);
	stream.label = TextDatumGetCString(values[7]);
	shard->arn = ddb_stream_arn(&stream);
	*list = lappend(*list, shard);
}

List *
ddb_subscription_load_shards(void)
{
	List	   *list = NIL;

	(void) run(QUERY_SHARDS, NULL, NULL, take_shard, &list);
	return list;
}

static void
take_position(Datum *values, bool *nulls, void *arg)
{
	List	  **list = arg;
	DdbSubscriptionPosition *position = palloc0(sizeof(DdbSubscriptionPosition));

	position->subscription = DatumGetInt32(values[0]);
	position->shard = DatumGetInt64(values[1]);
	position->sequence.epoch = DatumGetInt32(values[2]);
	position->sequence.commit = DatumGetLSN(values[3]);
	position->sequence.ordinal = DatumGetInt32(values[4]);
	position->retries = DatumGetInt32(values[5]);
	position->batch_limit = DatumGetInt32(values[6]);
	position->retry_at = nulls[7] ? 0 : DatumGetTimestampTz(values[7]);
	position->error = nulls[8] ? NULL : TextDatumGetCString(values[8]);
	*list = lappend(*list, position);
}

List *
ddb_subscription_load_positions(void)
{
	List	   *list = NIL;

	(void) run(QUERY_POSITIONS, NULL, NULL, take_position, &list);
	return list;
}

static void
take_mark(Datum *values, bool *nulls, void *arg)
{
	DdbStoredMark *mark = arg;

	mark->position.epoch = DatumGetInt32(values[0]);
	mark->position.commit = DatumGetLSN(values[1]);
	mark->shard = DatumGetInt64(values[2]);
}

bool
ddb_subscription_stored_mark(DdbStoredMark *out)
{
	memset(out, 0, sizeof(*out));
	return run(QUERY_MARK, NULL, NULL, take_mark, out) > 0;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static Datum
optional_text(const char *text, char *null)
{
	*null = text != NULL ? ' ' : 'n';
	return text != NULL ? CStringGetTextDatum(text) : (Datum) 0;
}

void
ddb_subscription_insert(const DdbSubscription *subscription, const char *table_name)
{
	Datum		values[10];
	char		nulls[11] = "          ";

	values[0] = CStringGetTextDatum(subscription->name);
	values[1] = ObjectIdGetDatum(subscription->owner);
	values[2] = ObjectIdGetDatum(subscription->relid);
	values[3] = CStringGetTextDatum(table_name);
	values[4] = CharGetDatum(kind_letters[subscription->kind]);
	values[5] = CStringGetTextDatum(subscription->target);
	values[6] = JsonbPGetDatum(ddb_subscription_options_write(&subscription->options));
	values[7] = optional_text(subscription->options.secret, &nulls[7]);
	values[8] = Int32GetDatum(subscription->start.epoch);
	values[9] = LSNGetDatum(subscription->start.commit);
	(void) run(QUERY_INSERT, values, nulls, NULL, NULL);
	tell_worker();
}

void
ddb_subscription_update(const DdbSubscription *subscription, bool with_state)
{
	Datum		values[4];
	char		nulls[5] = "    ";

	values[0] = Int32GetDatum(subscription->id);
	values[1] = JsonbPGetDatum(ddb_subscription_options_write(&subscription->options));
	values[2] = optional_text(subscription->options.secret, &nulls[2]);
	values[3] = BoolGetDatum(subscription->active);
	nulls[3] = with_state ? ' ' : 'n';
	(void) run(QUERY_UPDATE, values, nulls, NULL, NULL);
	tell_worker();
}

void
ddb_subscription_delete(int32 id)
{
	Datum		values[1];

	values[0] = Int32GetDatum(id);
	(void) run(QUERY_DELETE, values, NULL, NULL, NULL);
	tell_worker();
}

void
ddb_subscription_fail(int32 id, const char *error)
{
	Datum		values[2];

	values[0] = Int32GetDatum(id);
	values[1] = CStringGetTextDatum(error);
	(void) run(QUERY_FAIL, values, NULL, NULL, NULL);
	tell_worker();
}

void
ddb_subscription_checkpoint(const DdbSubscriptionPosition *before,
							const DdbSubscriptionPosition *after,
							const DdbSubscriptionCounts *counts, const char *error)
{
	Datum		values[15];
	char		nulls[16] = "               ";

	values[0] = Int32GetDatum(before->subscription);
	values[1] = Int64GetDatum(before->shard);
	values[2] = Int32GetDatum(after->sequence.epoch);
	values[3] = LSNGetDatum(after->sequence.commit);
	values[4] = Int32GetDatum(after->sequence.ordinal);
	values[5] = Int32GetDatum(after->retries);
	values[6] = Int32GetDatum(after->batch_limit);
	values[7] = TimestampTzGetDatum(after->retry_at);
	nulls[7] = after->retry_at != 0 ? ' ' : 'n';
	values[8] = Int64GetDatum(counts->delivered);
	values[9] = Int64GetDatum(counts->failed);
	values[10] = Int64GetDatum(counts->filtered);
	values[11] = optional_text(error, &nulls[11]);
	values[12] = Int32GetDatum(before->sequence.epoch);
	values[13] = LSNGetDatum(before->sequence.commit);
	values[14] = Int32GetDatum(before->sequence.ordinal);
	if (run(QUERY_CHECKPOINT, values, nulls, NULL, NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the position of a subscription has changed meanwhile")));
}

void
ddb_subscription_trim(void)
{
	(void) run(QUERY_TRIM, NULL, NULL, NULL, NULL);
}

void
ddb_subscription_retry(int32 id)
{
	Datum		values[1];

	values[0] = Int32GetDatum(id);
	(void) run(QUERY_RETRY, values, NULL, NULL, NULL);
}
