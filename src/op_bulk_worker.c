/*
 * op_bulk_worker.c
 *	  Bulk puts under way.
 *
 * A background worker of its own runs each operation, in batches of lines,
 * each a transaction:
 *
 *		as the role that started it: open the table with the rights of PutItem;
 *		read lines, and put their items;
 *		write what was refused to the output files, from where the last commit
 *		left them, and flush them;
 *		write down how far this is, in dynamo.bulk_operation; commit.
 *
 * So a crash, or an error, loses a batch and nothing else: who goes on reads
 * the same lines again, and cuts the output files to the length written down.
 *
 * An operation is alive while its worker holds a lock of its own, as a build of
 * an index is.  Cancelling changes the status in the row, which the worker sees
 * with its next batch.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "error.h"
#include "guc.h"
#include "op.h"
#include "op_bulk.h"
#include "op_write.h"
#include "shape.h"
#include "stepworker.h"

/* a batch ends with the first of these */
#define BATCH_LINES		500
#define BATCH_BYTES		(1024 * 1024)	/* of lines */
#define BATCH_ALONE		60		/* items with a subtransaction of their own */

#define PAUSE_MS		1000	/* the longest sleep at a time, for the rate */

#define OBJECT_DONE		PG_INT64_MAX	/* position in an object that is done */

/* field4 of the lock tag that a living operation holds; the view knows it */
#define BULK_LOCK_CLASS	0x0DDD

extern DDB_EXPORT void ddb_bulk_main(Datum arg);

DDB_FUNCTION(ddb_resume_bulk_operations);

/* a worker's operation; everything in its memory context */
typedef struct Run
{
	MemoryContext context;
	DdbBulk		bulk;
	DdbBulkPlaces places;
	DdbBulkObject *objects;
	int			nobjects;
	int			next;			/* object to be opened; the reader's if there is one */
	DdbBulkReader *reader;		/* NULL: to be opened where progress says */
	bool		clean;			/* output files are as long as progress says */
	DdbBulkProgress progress;	/* with what the present step has done */
	DdbBulkProgress committed;	/* without */
	int64		rate;			/* units a second; 0: no limit */
	double		debt;			/* units consumed beyond the rate */
	TimestampTz paid;			/* when the debt was true */
} Run;

typedef struct Batch
{
	int			limit;			/* lines */
	DdbBulkItem *items;
	int			count;
	int64		bytes;
	int			alone;
	bool		at_end;			/* nothing is left to read */
	DdbBulkProgress progress;	/* as it is to be committed */
	int64		started_bytes;	/* of the file, when the batch began with it */
} Batch;

/* ----------------------------------------------------------------
 * Starting workers
 * ----------------------------------------------------------------
 */

/* operations that the present transaction starts, of int64; in its memory */
static List *pending = NIL;

static bool
start_worker(int64 id)
{
	BackgroundWorker worker;

	MemSet(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, "pg_dynamo");
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "ddb_bulk_main");
	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_dynamo bulk put " INT64_FORMAT, id);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_dynamo bulk put");
	worker.bgw_main_arg = ObjectIdGetDatum(MyDatabaseId);
	memcpy(worker.bgw_extra, &id, sizeof(id));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

static void
start_pending(void)
{
	ListCell   *lc;

	foreach(lc, pending)
	{
		if (start_worker(*(int64 *) lfirst(lc)))
			continue;
		ereport(WARNING,
				(errmsg("could not start a background worker for a bulk operation"),
				 errhint("Increase max_worker_processes. dynamo.resume_bulk_operations() starts what waits.")));
		return;
	}
}

/*
 * One that a rolled back savepoint has taken away starts in vain.  A prepared
 * transaction is forgotten, and its operation resumed like any without worker.
 */
static void
at_transaction_event(XactEvent event, void *arg)
{
	if (pending == NIL)
		return;
	if (event == XACT_EVENT_COMMIT)
		start_pending();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		pending = NIL;
}

/*
 * ddb_bulk_start_at_commit: nothing is raised when there is no free worker: the
 * operation is there to be resumed.
 */
void
ddb_bulk_start_at_commit(int64 id)
{
	static bool is_registered = false;
	MemoryContext caller;
	int64	   *copy;

	if (!is_registered)
		RegisterXactCallback(at_transaction_event, NULL);
	is_registered = true;
	caller = MemoryContextSwitchTo(TopTransactionContext);
	copy = palloc(sizeof(int64));
	*copy = id;
	pending = lappend(pending, copy);
	MemoryContextSwitchTo(caller);
}

/* ----------------------------------------------------------------
 * The lock of a living operation, as in indexbuild.c
 * ----------------------------------------------------------------
 */

static bool
lock_operation(int64 id, bool session)
{
	LOCKTAG		tag;

	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = (uint32) (id >> 32);
	tag.locktag_field3 = (uint32) id;
	tag.locktag_field4 = BULK_LOCK_CLASS;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = USER_LOCKMETHOD;
	if (LockAcquire(&tag, ExclusiveLock, session, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	if (!session)
		LockRelease(&tag, ExclusiveLock, false);
	return true;
}

bool
ddb_bulk_has_worker(int64 id)
{
	return !lock_operation(id, false);
}

/* ----------------------------------------------------------------
 * What an operation says
 * ----------------------------------------------------------------
 */

static char *
member(DdbDoc object, const char *name)
{
	DdbText		text;

	if (!ddb_request_string(object, name, &text))
		return pstrdup("");
	return pnstrdup(text.str, text.len);
}

static bool
wants(DdbDoc output, const char *type)
{
	DdbDoc		types = ddb_request_doc(output, "OutputType");
	int			i;

	for (i = 0; types.ptr != NULL && i < ddb_doc_count(types); i++)
	{
		JsonbValue	value;

		if (ddb_doc_element(types, i, &value) && value.type == jbvString &&
			value.val.string.len == strlen(type) &&
			memcmp(value.val.string.val, type, strlen(type)) == 0)
			return true;
	}
	return false;
}

void
ddb_bulk_places(const DdbBulk *bulk, DdbBulkPlaces *places)
{
	DdbDoc		request = ddb_doc_root(bulk->request);
	DdbDoc		input = ddb_request_doc(request, "InputS3Configuration");
	DdbDoc		output = ddb_request_doc(request, "OutputS3Configuration");
	char	   *prefix = member(output, "S3KeyPrefix");
	int			len = strlen(prefix);
	int			i;

	while (len > 0 && prefix[len - 1] == '/')
		prefix[--len] = '\0';
	places->input_bucket = member(input, "S3Bucket");
	places->input_prefix = member(input, "S3KeyPrefix");
	places->gzip = strcmp(member(input, "InputCompressionType"), "GZIP") == 0;
	places->output_bucket = member(output, "S3Bucket");
	places->output_directory = psprintf("%s%sAWSDynamoDB/%s", prefix, len > 0 ? "/" : "",
										bulk->name);
	for (i = 0; i < DDB_BULK_OUTPUTS; i++)
		places->wanted[i] = wants(output, ddb_bulk_output_types[i]);
}

bool
ddb_bulk_is_visible(const DdbBulk *bulk)
{
	if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(bulk->role)) &&
		has_privs_of_role(GetUserId(), bulk->role))
		return true;
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(bulk->relid)) &&
		pg_class_ownercheck(bulk->relid, GetUserId());
}

bool
ddb_bulk_may_use_files(Oid role)
{
	Oid			allowed;

	if (superuser_arg(role))
		return true;
	if (ddb_s3_role == NULL || ddb_s3_role[0] == '\0')
		return false;
	allowed = get_role_oid(ddb_s3_role, true);
	return OidIsValid(allowed) && has_privs_of_role(role, allowed);
}

/* ----------------------------------------------------------------
 * Reading a batch
 * ----------------------------------------------------------------
 */

static void
close_reader(Run *run)
{
	if (run->reader != NULL)
		ddb_bulk_close(run->reader);
	run->reader = NULL;
}

static DdbBulkItem *
add_item(Batch *batch, const char *object, int64 line)
{
	DdbBulkItem *item = &batch->items[batch->count++];

	memset(item, 0, sizeof(*item));
	item->object = object;
	item->line = line;
	return item;
}

static void
add_error(Batch *batch, const char *object, int64 line, const char *message)
{
	DdbBulkItem *item = add_item(batch, object, line);

	item->message = message;
	item->output = DDB_BULK_ERROR;
}

/* the first object that is not done, from the one that progress names */
static void
find_object(Run *run)
{
	const char *object = run->progress.object;

	run->next = 0;
	while (object != NULL && run->next < run->nobjects &&
		   strcmp(run->objects[run->next].key, object) < 0)
		run->next++;
	if (object != NULL && run->next < run->nobjects &&
		run->progress.position == OBJECT_DONE &&
		strcmp(run->objects[run->next].key, object) == 0)
		run->next++;
}

/*
 * Open the next object, where progress is if it is that one; false when there
 * is none.  One that is gone, or shorter than it was, counts as one error.
 */
static bool
open_next(Run *run, Batch *batch)
{
	DdbBulkProgress *progress = &batch->progress;

	while (run->next < run->nobjects)
	{
		char	   *key = run->objects[run->next].key;
		MemoryContext caller = MemoryContextSwitchTo(run->context);
		bool		same = progress->object != NULL && strcmp(progress->object, key) == 0;

		if (!same)
		{
			progress->object = key;
			progress->position = progress->line = 0;
		}
		run->reader = ddb_bulk_open(run->places.input_bucket, key, run->places.gzip,
									progress->position, progress->line);
		MemoryContextSwitchTo(caller);
		if (run->reader != NULL)
		{
			batch->started_bytes = ddb_bulk_bytes(run->reader);
			return true;
		}
		add_error(batch, key, progress->line + 1, "The object cannot be read");
		run->next++;
		progress->position = OBJECT_DONE;
		if (batch->count >= batch->limit)
			return true;
	}
	return false;
}

/* the object at hand is done; the next one is not known yet */
static void
end_object(Run *run, Batch *batch)
{
	batch->progress.bytes += ddb_bulk_bytes(run->reader) - batch->started_bytes;
	batch->started_bytes = 0;
	batch->progress.position = OBJECT_DONE;
	close_reader(run);
	run->next++;
}

static bool
is_blank(DdbText text)
{
	int			i;

	for (i = 0; i < text.len; i++)
	{
		if (text.str[i] != ' ' && text.str[i] != '\t')
			return false;
	}
	return true;
}

/* one line, or the end of an object */
static void
read_line(Run *run, Batch *batch, const DdbTable *table)
{
	char	   *key = run->objects[run->next].key;
	DdbText		text;
	DdbBulkLine found = ddb_bulk_next(run->reader, &text);
	int64		line = ddb_bulk_line_number(run->reader);

	batch->progress.position = ddb_bulk_position(run->reader);
	batch->progress.line = line;
	switch (found)
	{
		case DDB_BULK_LINE:
			batch->bytes += text.len;
			if (!is_blank(text))
			{
				DdbBulkItem *item = add_item(batch, key, line);

				ddb_bulk_accept(item, table, text);
				batch->alone += item->write != NULL && item->alone ? 1 : 0;
			}
			return;
		case DDB_BULK_LINE_TOO_LONG:
			add_error(batch, key, line, "The line is longer than 16 MB");
			return;
		case DDB_BULK_LINE_UNREADABLE:
			add_error(batch, key, line + 1, "The rest of the object cannot be read or decompressed");
			end_object(run, batch);
			return;
		case DDB_BULK_LINE_NONE:
			end_object(run, batch);
			return;
	}
}

static void
read_batch(Run *run, Batch *batch, const DdbTable *table)
{
	while (batch->count < batch->limit && batch->bytes < BATCH_BYTES &&
		   batch->alone < BATCH_ALONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (run->reader == NULL && !open_next(run, batch))
		{
			batch->at_end = true;
			break;
		}
		if (run->reader != NULL)
			read_line(run, batch, table);
	}
	if (run->reader != NULL)
	{
		batch->progress.bytes += ddb_bulk_bytes(run->reader) - batch->started_bytes;
		batch->started_bytes = ddb_bulk_bytes(run->reader);
	}
}

/* ----------------------------------------------------------------
 * The output of a batch
 * ----------------------------------------------------------------
 */

static void
count_items(Batch *batch)
{
	DdbBulkProgress *progress = &batch->progress;
	int			i;

	for (i = 0; i < batch->count; i++)
	{
		const DdbBulkItem *item = &batch->items[i];

		progress->processed++;
		if (item->message != NULL && item->output == DDB_BULK_ERROR)
			progress->failed++;
		else if (item->message != NULL)
			progress->refused++;
		progress->units += ddb_bulk_units(item);
	}
}

static void
write_output(Run *run, Batch *batch)
{
	int			type;
	int			i;

	for (type = 0; type < DDB_BULK_OUTPUTS; type++)
	{
		StringInfoData data;

		initStringInfo(&data);
		for (i = 0; i < batch->count && run->places.wanted[type]; i++)
		{
			if (batch->items[i].message != NULL && batch->items[i].output == type)
				ddb_bulk_report(&data, &batch->items[i]);
		}
		if (data.len > 0 || !run->clean)
			ddb_bulk_write(run->places.output_bucket, run->places.output_directory,
						   type == DDB_BULK_ERROR ? "ERROR.json" : "CONDITION_CHECK_FAILURE.json",
						   batch->progress.output[type], &data);
		batch->progress.output[type] += data.len;
		pfree(data.data);
	}
	run->clean = true;
}

/* ----------------------------------------------------------------
 * Steps of an operation, each a transaction
 * ----------------------------------------------------------------
 */

static const DdbTable *
open_table(const Run *run)
{
	DdbText		name = {run->bulk.table_name, strlen(run->bulk.table_name)};
	const DdbTable *table;

	table = ddb_catalog_open(name, RowExclusiveLock, ddb_write_rights(DDB_WRITE_PUT),
							 DDB_BULK_ACTION, true);
	if (table->relid != run->bulk.relid)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "Requested resource not found: Table: %s not found", table->name);
	return table;
}

static void
fail_operation(Run *run, const char *code, const char *message)
{
	ddb_bulk_end(run->bulk.id, "FAILED", code, message);
	ForceSyncCommit();
}

static void
cancel_operation(Run *run)
{
	Batch		batch = {.progress = run->progress};

	if (!run->clean)
		write_output(run, &batch);
	ddb_bulk_end(run->bulk.id, "CANCELLED", NULL, NULL);
	ForceSyncCommit();
}

/*
 * Find the input, in the operation's memory, and where in it the operation is.
 */
static bool
begin_operation(void *arg, int limit)
{
	Run		   *run = arg;
	MemoryContext caller = MemoryContextSwitchTo(run->context);
	const char *except;
	int64		bytes = 0;
	int			i;

	if (!ddb_bulk_read(run->bulk.id, &run->bulk) ||
		(strcmp(run->bulk.status, "IN_PROGRESS") != 0 &&
		 strcmp(run->bulk.status, "CANCELLING") != 0))
		return false;
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(run->bulk.role)))
		ddb_error(DDB_ACCESS_DENIED, "The role that started the operation is no more");
	if (!ddb_bulk_may_use_files(run->bulk.role))
		ddb_error(DDB_ACCESS_DENIED, "The role that started the operation may not use buckets");
	ddb_bulk_places(&run->bulk, &run->places);
	run->progress = run->bulk.progress;
	(void) ddb_request_int(ddb_doc_root(run->bulk.request), "MaxWriteRequestUnits", &run->rate);
	except = strcmp(run->places.input_bucket, run->places.output_bucket) == 0 ?
		run->places.output_directory : NULL;
	(void) ddb_bulk_objects(run->places.output_bucket, run->places.output_directory, NULL,
							&run->nobjects);
	run->objects = ddb_bulk_objects(run->places.input_bucket, run->places.input_prefix,
									except, &run->nobjects);
	MemoryContextSwitchTo(caller);
	for (i = 0; i < run->nobjects; i++)
		bytes += run->objects[i].size;
	ddb_bulk_save_total(run->bulk.id, bytes);
	if (strcmp(run->bulk.status, "CANCELLING") == 0)
		cancel_operation(run);
	else if (run->nobjects > 0)
		return true;
	else
		fail_operation(run, "S3NoSuchKey", "There is no object with this prefix in the bucket");
	return false;
}

/* everything of a batch that is done with the rights of its role */
static void
run_as_role(Run *run, Batch *batch)
{
	Oid			save_userid;
	int			save_sec_context;
	int			guc_level = NewGUCNestLevel();
	const DdbTable *table;

	GetUserIdAndSecContext(&save_userid, &save_sec_context);
	SetUserIdAndSecContext(run->bulk.role, SECURITY_LOCAL_USERID_CHANGE);
	table = open_table(run);
	read_batch(run, batch, table);
	ddb_bulk_put(table, batch->items, batch->count);
	AfterTriggerFireDeferred();
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(save_userid, save_sec_context);
}

static void
end_operation(Run *run, const DdbBulkProgress *progress)
{
	ddb_bulk_end(run->bulk.id, progress->failed > 0 ? "COMPLETED_WITH_ERRORS" : "COMPLETED",
				 NULL, NULL);
	ForceSyncCommit();
}

static void
owe(Run *run, double units)
{
	TimestampTz now = GetCurrentTimestamp();

	run->debt = Max(run->debt - (double) run->rate * (now - run->paid) / USECS_PER_SEC, 0) + units;
	run->paid = now;
}

/*
 * Progress is the operation's only once it is committed; what is in the
 * transaction's memory is replaced by the keys in the operation's.
 */
static bool
run_batch(void *arg, int limit)
{
	Run		   *run = arg;
	Batch		batch = {.limit = limit, .progress = run->progress};
	bool		goes_on;

	run->committed = run->progress;
	if (run->reader == NULL)
		find_object(run);
	if (run->reader != NULL)
		batch.started_bytes = ddb_bulk_bytes(run->reader);
	batch.items = palloc((limit + 1) * sizeof(DdbBulkItem));
	run_as_role(run, &batch);
	write_output(run, &batch);
	count_items(&batch);
	goes_on = ddb_bulk_save_progress(run->bulk.id, &batch.progress);
	owe(run, batch.progress.units - run->progress.units);
	run->progress = batch.progress;
	if (batch.at_end)
		end_operation(run, &batch.progress);
	else if (!goes_on)
		cancel_operation(run);
	return goes_on && !batch.at_end;
}

/* ----------------------------------------------------------------
 * The worker
 * ----------------------------------------------------------------
 */

/* until what was consumed fits the rate; a moment of it may be owed */
static void
pay_debt(void *arg)
{
	Run		   *run = arg;

	while (run->rate > 0)
	{
		double		seconds;

		owe(run, 0);
		seconds = run->debt / run->rate;
		if (seconds < 0.01)
			return;
		ddb_stepworker_wait(Min((long) (seconds * 1000) + 1, PAUSE_MS));
	}
}

/* the next step begins where the last commit left the operation */
static void
forget_step(void *arg)
{
	Run		   *run = arg;

	close_reader(run);
	run->clean = false;
	run->progress = run->committed;
}

/* what the API calls an error that ends an operation; NULL: it may go on later */
static const char *
failure_code(const ErrorData *error)
{
	const DdbErrorInfo *info = ddb_error_by_sqlstate(error->sqlerrcode);

	if (info != NULL)
		return info->name;
	switch (error->sqlerrcode)
	{
		case ERRCODE_UNDEFINED_FILE:
			return "S3NoSuchBucket";
		case ERRCODE_INSUFFICIENT_PRIVILEGE:
			return "S3AccessDenied";
		case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
			return "S3TooManyObjects";
		case ERRCODE_DATA_CORRUPTED:
			return "S3OutputChanged";
		default:
			return NULL;
	}
}

/*
 * Write down and log why an operation stopped.
 */
static void
record_failure(void *arg, const ErrorData *error)
{
	Run		   *run = arg;
	const char *code = failure_code(error);

	if (code != NULL)
		fail_operation(run, code, error->message);
	else
		ddb_bulk_put_off(run->bulk.id, error->message,
						 error->sqlerrcode == ERRCODE_QUERY_CANCELED);
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("bulk operation " INT64_FORMAT " stopped: %s", run->bulk.id, error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0));
}

/* bgw_main_arg is the oid of the database, bgw_extra the id of the operation */
void
ddb_bulk_main(Datum arg)
{
	static const DdbStepWork operation = {
		.begin = begin_operation,
		.step = run_batch,
		.pause = pay_debt,
		.undo = forget_step,
		.stop = record_failure,
		.limit = BATCH_LINES
	};
	MemoryContext context;
	Run		   *run;

	ddb_stepworker_init(DatumGetObjectId(arg), "pg_dynamo bulk put");
	ddb_op_door.repeats = true;
	context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo bulk put",
									ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	run = palloc0(sizeof(Run));
	run->context = context;
	run->paid = GetCurrentTimestamp();
	memcpy(&run->bulk.id, MyBgworkerEntry->bgw_extra, sizeof(int64));
	if (lock_operation(run->bulk.id, true))
		ddb_stepworker_run(&operation, run);
	proc_exit(0);
}

/* ----------------------------------------------------------------
 * Resuming
 * ----------------------------------------------------------------
 */

static int
resume_operations(bool all)
{
	List	   *waiting = ddb_bulk_read_waiting(all);
	ListCell   *lc;
	int			started = 0;

	foreach(lc, waiting)
	{
		DdbBulk    *bulk = lfirst(lc);

		if (!ddb_bulk_is_visible(bulk) || ddb_bulk_has_worker(bulk->id))
			continue;
		if (!start_worker(bulk->id))
			break;
		started++;
	}
	return started;
}

int
ddb_bulk_resume(void)
{
	return RecoveryInProgress() ? 0 : resume_operations(false);
}

Datum
ddb_resume_bulk_operations(PG_FUNCTION_ARGS)
{
	PreventCommandDuringRecovery("dynamo.resume_bulk_operations()");
	PG_RETURN_INT32(resume_operations(true));
}
