/*
 * op_bulk.h
 *	  Bulk puts: lines of files become items, by a background worker.
 *
 * op_bulk.c answers the API; op_bulk_row.c keeps the operations in
 * dynamo.bulk_operation; op_bulk_file.c reads and writes files below
 * dynamo.s3_directory; op_bulk_line.c puts a batch of lines;
 * op_bulk_worker.c goes from batch to batch.
 */
#ifndef DDB_OP_BULK_H
#define DDB_OP_BULK_H

#include "catalog.h"
#include "lib/stringinfo.h"
#include "utils/timestamp.h"

/*
 * ddb_bulk_resume: start workers for the operations of this database that have
 * none (after a crash or a restart, or when there was no free worker), of
 * roles that the current user may act for.  Those that stopped wait for a
 * while; those that were interrupted are left to
 * dynamo.resume_bulk_operations().  Needs a transaction and a snapshot;
 * returns how many were started.
 */
extern int	ddb_bulk_resume(void);

/* ---- the rest is private to op_bulk*.c ---- */

#define DDB_BULK_ACTION		"StartBulkPutItems"
#define DDB_BULK_LISTED		"interval '90 days'"	/* how long operations are known */

/* where an input line that was not put goes */
typedef enum DdbBulkOutput
{
	DDB_BULK_ERROR,
	DDB_BULK_CONDITION_CHECK_FAILURE
} DdbBulkOutput;

#define DDB_BULK_OUTPUTS	(DDB_BULK_CONDITION_CHECK_FAILURE + 1)

extern const char *const ddb_bulk_output_types[];	/* NULL-terminated */

/* how far an operation is, as of a commit */
typedef struct DdbBulkProgress
{
	char	   *object;			/* being read, or read last; NULL: none yet */
	int64		position;		/* of its next line, in its decompressed bytes */
	int64		line;			/* lines of it that are done */
	int64		processed;		/* items, whatever became of them */
	int64		failed;			/* of them, invalid ones */
	int64		refused;		/* of them, those whose condition was false */
	int64		bytes;			/* of files, as they lie there */
	double		units;			/* write capacity consumed */
	int64		output[DDB_BULK_OUTPUTS];	/* length of each output file */
} DdbBulkProgress;

/* one row of dynamo.bulk_operation; times are 0 where they have not come */
typedef struct DdbBulk
{
	int64		id;
	char	   *name;			/* last part of its ARN */
	Oid			role;			/* that started it, and puts the items */
	Oid			relid;			/* the item table, which may be gone */
	char	   *table_name;		/* as they were at the start */
	char	   *table_arn;
	char	   *table_id;
	Jsonb	   *request;
	char	   *status;			/* as the API spells it */
	TimestampTz started;
	TimestampTz ended;
	int64		total_bytes;	/* of the input; -1 where it has not been listed */
	char	   *failure_code;	/* NULL if there is none */
	char	   *failure_message;
	DdbBulkProgress progress;
} DdbBulk;

/* ---- op_bulk_row.c ---- */

/* false when there is no such row; it comes in CurrentMemoryContext */
extern bool ddb_bulk_read(int64 id, DdbBulk *bulk);
extern bool ddb_bulk_read_named(const char *name, DdbBulk *bulk);

/* that of a role's token, of the last eight hours */
extern bool ddb_bulk_read_token(Oid role, DdbText token, DdbBulk *bulk);

/* rows newest first, from the one with that id on downwards, of DdbBulk */
extern List *ddb_bulk_read_list(int64 before, int limit);

/* those under way, for resuming: all, or those that are not put off */
extern List *ddb_bulk_read_waiting(bool all);

extern int	ddb_bulk_count_running(void);
extern int64 ddb_bulk_insert(const DdbBulk *bulk, DdbText token);

/* forget operations that are listed no more */
extern void ddb_bulk_purge(void);

extern void ddb_bulk_save_total(int64 id, int64 bytes);

/* false when the operation is being cancelled */
extern bool ddb_bulk_save_progress(int64 id, const DdbBulkProgress *progress);

/* it shall end; false when it has */
extern bool ddb_bulk_cancel(int64 id);
extern void ddb_bulk_end(int64 id, const char *status, const char *code, const char *message);

/* it stopped and may go on: later, or, if interrupted, when it is resumed */
extern void ddb_bulk_put_off(int64 id, const char *message, bool interrupted);

/* ---- op_bulk_file.c ---- */

/* an input object that exists */
typedef struct DdbBulkObject
{
	char	   *key;
	int64		size;
} DdbBulkObject;

typedef struct DdbBulkReader DdbBulkReader;

typedef enum DdbBulkLine
{
	DDB_BULK_LINE,
	DDB_BULK_LINE_TOO_LONG,		/* and skipped */
	DDB_BULK_LINE_UNREADABLE,	/* and nothing more can be read */
	DDB_BULK_LINE_NONE			/* the end */
} DdbBulkLine;

/* is it the name of a bucket? */
extern bool ddb_bulk_is_bucket(DdbText name);

/* raises ValidationException when there are no buckets here */
extern void ddb_bulk_check_directory(void);

/*
 * ddb_bulk_objects: regular files of a bucket whose keys begin with prefix,
 * and not with except (NULL: none), in the order of their keys' bytes; array of
 * *count, in CurrentMemoryContext.  Raises errors of files.
 */
extern DdbBulkObject *ddb_bulk_objects(const char *bucket, const char *prefix,
									   const char *except, int *count);

/*
 * ddb_bulk_open: an object, to be read from a position on whose line is given;
 * NULL when it cannot be opened.  What is allocated is in CurrentMemoryContext
 * and closed by hand.
 */
extern DdbBulkReader *ddb_bulk_open(const char *bucket, const char *key, bool gzip,
									int64 position, int64 line);
extern void ddb_bulk_close(DdbBulkReader *reader);

/* the next line, without its end; valid until the next call */
extern DdbBulkLine ddb_bulk_next(DdbBulkReader *reader, DdbText *text);
extern int64 ddb_bulk_position(const DdbBulkReader *reader);
extern int64 ddb_bulk_line_number(const DdbBulkReader *reader);
extern int64 ddb_bulk_bytes(const DdbBulkReader *reader);	/* of the file that were read */

/*
 * ddb_bulk_write: make a file of a bucket hold its first length bytes and then
 * data, durably.  Without data, a file that is not there stays so.
 */
extern void ddb_bulk_write(const char *bucket, const char *directory, const char *name,
						   int64 length, StringInfo data);

/* ---- op_bulk_line.c ---- */

/* what becomes of one line of input */
typedef struct DdbBulkItem
{
	const char *object;
	int64		line;			/* from 1 */
	DdbDoc		sent;			/* ptr is NULL where it is no JSON object */
	struct DdbItemWrite *write; /* NULL where there is nothing to put */
	const char *message;		/* why it is not put; NULL if it is */
	DdbBulkOutput output;		/* then */
	bool		alone;			/* it looks at what is there: not one of many */
} DdbBulkItem;

/* take a line apart; what is wrong with it goes to the item */
extern void ddb_bulk_accept(DdbBulkItem *item, const DdbTable *table, DdbText text);

/* put the items that have a write, in this order where their keys are the same */
extern void ddb_bulk_put(const DdbTable *table, DdbBulkItem *items, int count);

extern double ddb_bulk_units(const DdbBulkItem *item);

/* append what the output file says of an item that was not put */
extern void ddb_bulk_report(StringInfo out, const DdbBulkItem *item);

/* ---- op_bulk_worker.c ---- */

/* once this transaction commits, start a worker for the operation */
extern void ddb_bulk_start_at_commit(int64 id);
extern bool ddb_bulk_has_worker(int64 id);

/* members of the input and output configuration that the worker needs */
typedef struct DdbBulkPlaces
{
	char	   *input_bucket;
	char	   *input_prefix;
	bool		gzip;
	char	   *output_bucket;
	char	   *output_directory;	/* key without slash at its end */
	bool		wanted[DDB_BULK_OUTPUTS];
} DdbBulkPlaces;

extern void ddb_bulk_places(const DdbBulk *bulk, DdbBulkPlaces *places);

/* may the current user see and end the operation? */
extern bool ddb_bulk_is_visible(const DdbBulk *bulk);

/* may the role use files below dynamo.s3_directory? */
extern bool ddb_bulk_may_use_files(Oid role);

#endif							/* DDB_OP_BULK_H */
