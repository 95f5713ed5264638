/*
 * streamformat.h
 *	  What the output plugin hands to the drain in this process: option
 *	  format 'internal'.
 *
 * One output per record: this header, then the jsonb of the record in stored
 * form, as the Streams API shows it.  Outputs come in commit order; a
 * transaction's are complete when its last one (kind COMMIT) comes.  Also the
 * logical messages that the extension writes to the log.
 */
#ifndef DDB_STREAMFORMAT_H
#define DDB_STREAMFORMAT_H

#include "streamseq.h"
#include "utils/uuid.h"

/* prefix of logical messages; their content is one of the texts below */
#define DDB_MESSAGE_PREFIX		"pg_dynamo"
#define DDB_MESSAGE_EXPIRY		"expiry"	/* transactional, first of its transaction: its
											 * deletions are those of TTL */
#define DDB_MESSAGE_DISABLE		"disable"	/* transactional, followed by the 16 bytes of a
											 * stream's id: its last position */

typedef enum DdbOutputKind
{
	DDB_OUTPUT_RECORD,
	DDB_OUTPUT_DISABLE,			/* the stream ends here; no jsonb */
	DDB_OUTPUT_COMMIT			/* end of a transaction that had outputs; no jsonb */
} DdbOutputKind;

typedef struct DdbOutputHeader
{
	int32		kind;
	uint32		hash;			/* ddb_key_partition_hash of the partition key */
	DdbSequence sequence;
	pg_uuid_t	stream;
	int32		size_bytes;		/* SizeBytes of the record */
	int32		length;			/* of the jsonb that follows, MAXALIGNed */
} DdbOutputHeader;

#endif							/* DDB_STREAMFORMAT_H */
