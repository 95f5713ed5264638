/*
 * streamlog.h
 *	  Streams as they are kept: definitions, shards, and the records of the
 *	  last 24 hours.
 *
 * The tables belong to the extension's owner; functions here run as he does,
 * after their callers' checks.  Records are stored by the drain
 * (streamdrain.c) in commit order, read by GetRecords and by subscriptions.
 */
#ifndef DDB_STREAMLOG_H
#define DDB_STREAMLOG_H

#include "catalog.h"
#include "streamseq.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

typedef enum DdbViewType
{
	DDB_VIEW_KEYS_ONLY,			/* 'K' in the catalog */
	DDB_VIEW_NEW_IMAGE,			/* 'N' */
	DDB_VIEW_OLD_IMAGE,			/* 'O' */
	DDB_VIEW_NEW_AND_OLD_IMAGES /* 'B' */
} DdbViewType;

extern const char *ddb_view_type_name(DdbViewType view);

/* one row of dynamo.stream_definition: each enabling of a stream makes one */
typedef struct DdbStream
{
	pg_uuid_t	id;
	Oid			relid;			/* the item table, which may be gone */
	Oid			owner;			/* who owned it at last */
	char	   *table_name;
	char	   *label;			/* LatestStreamLabel */
	DdbViewType view;
	DdbKeySchema keys;
	int			nshards;		/* open at a time */
	TimestampTz created;
	TimestampTz disabled;		/* 0 while it is enabled */
} DdbStream;

typedef struct DdbShard
{
	int64		number;			/* of stream_record */
	char	   *id;				/* ShardId */
	char	   *parent;			/* NULL if none */
	int			bucket;			/* of partition keys, 0 .. nshards - 1 */
	DdbSequence start;
	bool		closed;
	DdbSequence end;			/* of the last record that is possible, once closed */
} DdbShard;

typedef struct DdbStreamRecord
{
	DdbSequence sequence;
	Jsonb	   *record;			/* whole record of the Streams API, stored form */
} DdbStreamRecord;

/* ---- definitions (streamlog.c) ---- */

/* the stream of a table: the enabled one, else the last one; NULL if none was */
extern DdbStream *ddb_stream_of_table(const DdbTable *table);

/* by the parts of an ARN; NULL when unknown or trimmed */
extern DdbStream *ddb_stream_find(DdbText table_name, DdbText label);

/* arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<label> */
extern char *ddb_stream_arn(const DdbStream *stream);

/*
 * Streams that the current user may see, by ARN, after (both str NULL: from
 * the start) the one named, at most limit; of one table if table_name.str is set.
 */
extern DdbStream **ddb_stream_list(DdbText table_name, DdbText after_table, DdbText after_label,
								   int limit, int *count);

/*
 * Enable (replica identity, refusal of TRUNCATE, first shards) and disable;
 * the caller owns the table and holds AccessExclusiveLock on it, and before
 * enabling has called ddb_streamdrain_prepare.  Disabling leaves a
 * transactional message in the log, at which the drain closes the shards.
 */
extern DdbStream *ddb_stream_enable(const DdbTable *table, DdbViewType view);
extern void ddb_stream_disable(DdbStream *stream);

/* the same as ddb_stream_of_table, also for a table that has just been dropped */
extern DdbStream *ddb_stream_of_relation(Oid relid);

/* an item table has another owner now */
extern void ddb_stream_follow_owner(Oid relid, Oid owner);

/* the newest epoch; 0 while no slot was ever made */
extern int32 ddb_stream_epoch(void);

/* a further shard of a stream; parent is NULL for a first one */
extern void ddb_stream_add_shard(const DdbStream *stream, int bucket, const char *parent,
								 const DdbSequence *start);

/*
 * May the role read the stream of a table?  A stream tells of all items, so the
 * privilege is not enough for whom row security holds.
 */
extern bool ddb_stream_may_read(Oid relid, Oid role);

/* may the current user read the stream?  else raises AccessDenied for action */
extern void ddb_stream_check_access(const DdbStream *stream, const char *action);

/* shards in the order of their ids; palloc'd */
extern DdbShard *ddb_stream_shards(const DdbStream *stream, int *count);

/* ---- records (streamrecord.c) ---- */

/*
 * Records of a shard in order, from start (inclusive or not), at most limit
 * and about max_bytes; those trimmed are not there.
 */
extern DdbStreamRecord *ddb_stream_read(const DdbShard *shard, const DdbSequence *start,
										bool inclusive, int limit, int64 max_bytes, int *count);

/*
 * The position that the drain had reached when the last hour began that is
 * hours_ago hours old, or this one for 0: what was committed before it had been
 * stored.  Epoch 0 if that is not known.
 */
extern DdbSequence ddb_stream_hour(int hours_ago);

/* records committed before this position may be trimmed; epoch 0: none */
extern DdbSequence ddb_stream_horizon(void);

#endif							/* DDB_STREAMLOG_H */
