/*
 * streamdrain_spool.c
 *	  Outputs of the plugin until they are stored.
 *
 * The plugin's callbacks run in a transaction of decoding, in which nothing
 * can be stored.  What they put out waits here, in memory up to a size and in
 * a temporary file beyond, for a single transaction may be of any size.
 */
#include "postgres.h"

#include "streamdrain_internal.h"
#include "utils/memutils.h"

#define MEMORY_LIMIT	(8 * 1024 * 1024)	/* bytes */

struct DdbSpool
{
	MemoryContext context;
	StringInfoData tail;		/* after what is in the file */
	BufFile    *file;			/* NULL while memory is enough */
	int64		file_bytes;
	int64		read_bytes;		/* of the file, so far */
	int			read_tail;
	StringInfoData current;		/* the output last read from the file */
};

DdbSpool *
ddb_spool_create(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "pg_dynamo stream spool",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	DdbSpool   *spool = palloc0(sizeof(DdbSpool));

	spool->context = context;
	initStringInfo(&spool->tail);
	initStringInfo(&spool->current);
	MemoryContextSwitchTo(old);
	return spool;
}

/* the file lives longer than the transaction in which it is made */
static void
move_tail_to_file(DdbSpool *spool)
{
	MemoryContext old = MemoryContextSwitchTo(spool->context);

	if (spool->file == NULL)
		spool->file = BufFileCreateTemp(true);
	BufFileWrite(spool->file, spool->tail.data, spool->tail.len);
	spool->file_bytes += spool->tail.len;
	resetStringInfo(&spool->tail);
	MemoryContextSwitchTo(old);
}

void
ddb_spool_append(DdbSpool *spool, const char *data, int len)
{
	if (spool->tail.len > 0 && spool->tail.len + len > MEMORY_LIMIT)
		move_tail_to_file(spool);
	appendBinaryStringInfo(&spool->tail, (char *) &len, sizeof(len));
	appendBinaryStringInfo(&spool->tail, data, len);
}

int64
ddb_spool_bytes(const DdbSpool *spool)
{
	return spool->file_bytes + spool->tail.len;
}

void
ddb_spool_rewind(DdbSpool *spool)
{
	spool->read_bytes = 0;
	spool->read_tail = 0;
	if (spool->file != NULL && BufFileSeek(spool->file, 0, 0L, SEEK_SET) != 0)
		elog(ERROR, "could not rewind a temporary file of stream records");
}

static void
read_file(DdbSpool *spool, void *data, int len)
{
	if (BufFileRead(spool->file, data, len) != len)
		elog(ERROR, "could not read a temporary file of stream records");
	spool->read_bytes += len;
}

bool
ddb_spool_next(DdbSpool *spool, char **data, int *len)
{
	if (spool->read_bytes < spool->file_bytes)
	{
		read_file(spool, len, sizeof(*len));
		resetStringInfo(&spool->current);
		enlargeStringInfo(&spool->current, *len);
		read_file(spool, spool->current.data, *len);
		*data = spool->current.data;
		return true;
	}
	if (spool->read_tail == spool->tail.len)
		return false;
	memcpy(len, spool->tail.data + spool->read_tail, sizeof(*len));

	/* a copy of its own is aligned */
	resetStringInfo(&spool->current);
	appendBinaryStringInfo(&spool->current, spool->tail.data + spool->read_tail + sizeof(*len), *len);
	spool->read_tail += sizeof(*len) + *len;
	*data = spool->current.data;
	return true;
}

void
ddb_spool_reset(DdbSpool *spool)
{
	if (spool->file != NULL)
		BufFileClose(spool->file);
	spool->file = NULL;
	spool->file_bytes = 0;
	resetStringInfo(&spool->tail);
}
