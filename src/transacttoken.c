/*
 * transacttoken.c
 *	  Client request tokens of transactions: which requests have been done.
 *
 * dynamo.transaction_token has one row per role and token, written by the
 * transaction that the token belongs to, so that token and effect are
 * committed, rolled back, recovered and replicated together.  While that
 * transaction is open its row is invisible to others; what they meet is a lock
 * on the token, for which nobody waits: it says that the transaction is in
 * progress.
 *
 * Ten minutes are counted from the commit, as near as it can be known: rows
 * that were written more than a moment before it get a new time then.
 *
 * Rows that have expired are replaced when their token comes again, and swept
 * by the HTTP workers and, now and then, by who takes a token.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "plancache.h"
#include "transacttoken.h"

#define REMEMBERED			"interval '10 minutes'"
#define LATE_MS				1000	/* between writing a row and the commit */
#define SWEEP_BATCH			"1000"	/* rows */
#define SWEEP_EVERY			256 /* tokens taken in this process */

/* field4 of the lock tag: tells these locks from other users of userlock */
#define DDB_TOKENLOCK_CLASS	0x0DDC

/* queries of this file, see plancache.h */
enum
{
	QUERY_TAKE = DDB_QUERY_CATALOG + 300,
	QUERY_READ,
	QUERY_POSTPONE,
	QUERY_SWEEP
};

static const char *const queries[] = {
	[QUERY_TAKE - QUERY_TAKE] =
		"INSERT INTO dynamo.transaction_token AS t (role, token, digest, completed_at)"
		" VALUES ($1, $2, $3, clock_timestamp())"
		" ON CONFLICT (role, token) DO UPDATE"
		" SET digest = EXCLUDED.digest, completed_at = EXCLUDED.completed_at"
		" WHERE t.completed_at < EXCLUDED.completed_at - " REMEMBERED,
	[QUERY_READ - QUERY_TAKE] =
		"SELECT t.digest FROM dynamo.transaction_token AS t"
		" WHERE t.role = $1 AND t.token = $2",
	[QUERY_POSTPONE - QUERY_TAKE] =
		"UPDATE dynamo.transaction_token AS t SET completed_at = clock_timestamp()"
		" WHERE t.role = $1 AND t.token = $2",
	[QUERY_SWEEP - QUERY_TAKE] =
		"DELETE FROM dynamo.transaction_token WHERE (role, token) IN"
		" (SELECT t.role, t.token FROM dynamo.transaction_token AS t"
		" WHERE t.completed_at < now() - " REMEMBERED
		" ORDER BY t.completed_at LIMIT " SWEEP_BATCH " FOR UPDATE SKIP LOCKED)"
};

/* a token that the running transaction has taken */
typedef struct TakenToken
{
	Oid			role;
	text	   *token;
	TimestampTz at;
	struct TakenToken *next;
} TakenToken;

/* in TopTransactionContext; may hold some that a savepoint has given back */
static TakenToken *taken = NULL;

static int	taken_since_sweep = 0;

/* ----------------------------------------------------------------
 * Statements
 * ----------------------------------------------------------------
 */

static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	static const Oid argtypes[] = {OIDOID, TEXTOID, BYTEAOID};
	int			nargs = query == QUERY_SWEEP ? 0 : query == QUERY_TAKE ? 3 : 2;
	int			i;

	appendStringInfoString(&text->sql, queries[query - QUERY_TAKE]);
	for (i = 0; i < nargs; i++)
		ddb_plan_add_arg(text, argtypes[i]);
}

/*
 * Run a query as the owner of the table; returns the number of rows.  digest
 * (NULL: not wanted) is set to the first row's, in CurrentMemoryContext, if
 * there is one.
 */
static uint64
run(int query, Datum *values, bytea **digest)
{
	MemoryContext caller = CurrentMemoryContext;
	DdbAsOwner	as_owner;
	uint64		rows;
	int			rc;
	bool		isnull;

	ddb_as_owner_begin(&as_owner, ddb_catalog_owner());
	SPI_connect();
	rc = SPI_execute_plan(ddb_plan_get(NULL, query, build_query), values, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "could not use the tokens of transactions: %s",
			 SPI_result_code_string(rc));
	rows = SPI_processed;
	if (digest != NULL && rows > 0)
	{
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
										  1, &isnull);

		MemoryContextSwitchTo(caller);
		*digest = DatumGetByteaPCopy(value);
	}
	SPI_finish();
	ddb_as_owner_end(&as_owner);
	return rows;
}

/* ----------------------------------------------------------------
 * The end of the transaction
 * ----------------------------------------------------------------
 */

/*
 * Before the commit: those taken some time ago are completed now.  Not when
 * the same transaction has dropped the extension.
 */
static void
postpone(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TakenToken *item;

	if (!OidIsValid(get_extension_oid("pg_dynamo", true)))
		return;
	for (item = taken; item != NULL; item = item->next)
	{
		Datum		values[2] = {ObjectIdGetDatum(item->role), PointerGetDatum(item->token)};

		CHECK_FOR_INTERRUPTS();
		if (!TimestampDifferenceExceeds(item->at, now, LATE_MS))
			continue;
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		(void) run(QUERY_POSTPONE, values, NULL);
		PopActiveSnapshot();
	}
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (taken == NULL)
		return;
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PRE_PREPARE)
		postpone();
	else
		taken = NULL;
}

/* ----------------------------------------------------------------
 * Taking
 * ----------------------------------------------------------------
 */

/*
 * The lock on a token, without waiting; false when another transaction has it.
 * Tokens of equal hash, of which there should never be two at a time, share it.
 */
static bool
lock_token(Oid role, DdbText token)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) token.str, token.len, role);
	LOCKTAG		tag;

	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = (uint32) (hash >> 32);
	tag.locktag_field3 = (uint32) hash;
	tag.locktag_field4 = DDB_TOKENLOCK_CLASS;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = DEFAULT_LOCKMETHOD;
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

static void
remember_taken(Oid role, const text *token)
{
	static bool registered = false;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	TakenToken *item = palloc(sizeof(TakenToken));

	if (!registered)
		RegisterXactCallback(at_transaction_end, NULL);
	registered = true;
	item->role = role;
	item->token = (text *) PG_DETOAST_DATUM_COPY(PointerGetDatum(token));
	item->at = GetCurrentTimestamp();
	item->next = taken;
	taken = item;
	MemoryContextSwitchTo(old);
}

void
ddb_transacttoken_sweep(void)
{
	if (RecoveryInProgress())
		return;
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) run(QUERY_SWEEP, NULL, NULL);
	PopActiveSnapshot();
}

/*
 * A sweep under an older snapshot would fail where others have swept.
 */
static void
sweep_now_and_then(void)
{
	if (++taken_since_sweep < SWEEP_EVERY || IsolationUsesXactSnapshot())
		return;
	taken_since_sweep = 0;
	ddb_transacttoken_sweep();
}

/*
 * What became of a token that has a row already.  Where there is none after
 * all, a trigger or a rule has kept it out (that of writers in replica role),
 * and the request is done without being remembered.
 */
static DdbTokenState
compare(Datum *values, const uint8 *digest)
{
	bytea	   *stored = NULL;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	(void) run(QUERY_READ, values, &stored);
	PopActiveSnapshot();
	if (stored == NULL)
		return DDB_TOKEN_TAKEN;
	if (VARSIZE_ANY_EXHDR(stored) != DDB_TOKEN_DIGEST_LENGTH ||
		memcmp(VARDATA_ANY(stored), digest, DDB_TOKEN_DIGEST_LENGTH) != 0)
		return DDB_TOKEN_DIFFERS;
	return DDB_TOKEN_DONE;
}

DdbTokenState
ddb_transacttoken_take(DdbText token, const uint8 *digest)
{
	Oid			role = GetUserId();
	text	   *token_text = cstring_to_text_with_len(token.str, token.len);
	bytea	   *digest_bytea = palloc(VARHDRSZ + DDB_TOKEN_DIGEST_LENGTH);
	Datum		values[3];
	uint64		rows;

	if (!lock_token(role, token))
		return DDB_TOKEN_BUSY;
	SET_VARSIZE(digest_bytea, VARHDRSZ + DDB_TOKEN_DIGEST_LENGTH);
	memcpy(VARDATA(digest_bytea), digest, DDB_TOKEN_DIGEST_LENGTH);
	values[0] = ObjectIdGetDatum(role);
	values[1] = PointerGetDatum(token_text);
	values[2] = PointerGetDatum(digest_bytea);

	/* a snapshot taken after the lock: it shows what its last holder did */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	rows = run(QUERY_TAKE, values, NULL);
	PopActiveSnapshot();
	if (rows == 0)
		return compare(values, digest);
	remember_taken(role, token_text);
	sweep_now_and_then();
	return DDB_TOKEN_TAKEN;
}
