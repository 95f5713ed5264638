/*
 * http_commit.c
 *	  What must be durable before a response may leave, and making it so.
 *
 * Group commit: each request is a transaction of its own that does not wait
 * for its commit record; one flush of the log then covers all requests of a
 * turn of the server's loop.  Until that flush another request can see what a
 * crash would still take away, so a response is tied not to its own commit but
 * to a position of the log: the end of what was written when the request had
 * finished.  No response leaves before the log is durable up to its position,
 * whether it tells of a write, of a read, or of a condition that failed.
 *
 * Synchronous standbys are not waited for, which would stop all connections;
 * their progress is looked at.  synchronous_commit says how far they must be:
 * off and local count as local, remote_apply counts as on, for a standby
 * reports what it applied only to commits that wait for it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "miscadmin.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"

#include "compat.h"
#include "guc.h"
#include "http_commit.h"

/*
 * The variable is set, not the setting: it is the server's own switch inside
 * CommitTransaction, and nothing else looks at it in between.
 */
void
ddb_http_commit(void)
{
	int			configured = synchronous_commit;

	synchronous_commit = ddb_group_commit ? SYNCHRONOUS_COMMIT_OFF :
		SYNCHRONOUS_COMMIT_LOCAL_FLUSH;
	PG_TRY();
	{
		CommitTransactionCommand();
	}
	PG_FINALLY();
	{
		synchronous_commit = configured;
	}
	PG_END_TRY();
}

XLogRecPtr
ddb_http_position(void)
{
	XLogRecPtr	position;
	uint32		in_page;

	if (RecoveryInProgress())
		return InvalidXLogRecPtr;
	position = GetXLogInsertRecPtr();

	/* right behind a page header nothing has been written yet to be flushed */
	in_page = position % XLOG_BLCKSZ;
	if (in_page == SizeOfXLogShortPHD ||
		(in_page == SizeOfXLogLongPHD && XLogSegmentOffset(position, wal_segment_size) == in_page))
		position -= in_page;
	return position;
}

/* is everything up to there where synchronous_commit wants it? */
static bool
is_replicated(XLogRecPtr position)
{
	int			mode;
	bool		replicated;

	if (!SyncRepRequested() || !ddb_sync_standbys_defined())
		return true;
	mode = synchronous_commit == SYNCHRONOUS_COMMIT_REMOTE_WRITE ?
		SYNC_REP_WAIT_WRITE : SYNC_REP_WAIT_FLUSH;
	LWLockAcquire(SyncRepLock, LW_SHARED);
	replicated = WalSndCtl->lsn[mode] >= position;
	LWLockRelease(SyncRepLock);
	return replicated;
}

bool
ddb_http_is_flushed(XLogRecPtr position)
{
	return XLogRecPtrIsInvalid(position) || RecoveryInProgress() ||
		GetFlushRecPtr(NULL) >= position;
}

bool
ddb_http_is_durable(XLogRecPtr position)
{
	if (XLogRecPtrIsInvalid(position) || RecoveryInProgress())
		return true;
	return ddb_http_is_flushed(position) && is_replicated(position);
}

void
ddb_http_flush(XLogRecPtr position)
{
	XLogFlush(position);
}
