/*
 * op_bulk.c
 *	  StartBulkPutItems, DescribeBulkOperation, CancelBulkOperation,
 *	  ListBulkOperations.
 *
 * An operation is a row; what it does is its worker's affair.  It is visible
 * to who may act for the role that started it and to the owner of its table;
 * to others it does not exist.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"

#include "error.h"
#include "guc.h"
#include "op.h"
#include "op_bulk.h"
#include "op_table.h"
#include "op_write.h"

#define MAX_RUNNING			50
#define MAX_OUTPUT_PREFIX	900		/* bytes: room for what is appended */
#define DEFAULT_RESULTS		10
#define LIST_ROWS			100		/* read at a time */
#define BUCKET_PATTERN		"^[a-z0-9A-Z]+[\\.\\-\\w]*[a-z0-9A-Z]+$"
#define ARN_PART			"/bulk-operation/"

/* field4 of the lock tag: a token being used */
#define TOKEN_LOCK_CLASS	0x0DDE

/* ----------------------------------------------------------------
 * Descriptions
 * ----------------------------------------------------------------
 */

static char *
arn_of(const DdbBulk *bulk)
{
	return psprintf("%s" ARN_PART "%s", bulk->table_arn, bulk->name);
}

static void
add_time(JsonbValue *object, const char *name, TimestampTz at)
{
	int64		epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;

	if (at != 0)
		ddb_json_add_double(object, name,
							(double) (at / 1000 + epoch * 1000) / 1000);
}

/* members of the request that the description repeats */
static void
add_request(JsonbValue *object, const Jsonb *request)
{
	static const char *const names[] = {
		"ClientToken", "InputS3Configuration", "OutputS3Configuration",
		"MaxWriteRequestUnits", "PerformanceTier"
	};
	int			i;

	for (i = 0; i < lengthof(names); i++)
	{
		JsonbValue	value;

		if (ddb_request_has(ddb_doc_root(request), names[i]) &&
			ddb_doc_get(ddb_doc_root(request), names[i], strlen(names[i]), &value))
			ddb_json_add_value(object, names[i], &value);
	}
}

static void
add_table(JsonbValue *object, const DdbBulk *bulk)
{
	JsonbValue	table;

	ddb_json_object(&table, 3);
	ddb_json_add_string(&table, "TableArn", bulk->table_arn);
	ddb_json_add_string(&table, "TableId", bulk->table_id);
	ddb_json_add_string(&table, "TableName", bulk->table_name);
	ddb_json_add_value(object, "TableDetails", &table);
}

static void
add_text(JsonbValue *object, const char *name, const char *text)
{
	JsonbValue	value;
	int			len;
	char	   *stored = ddb_text_encode(text, strlen(text), &len);

	ddb_json_string(&value, stored, len);
	ddb_json_add_value(object, name, &value);
}

static void
add_counts(JsonbValue *object, const DdbBulk *bulk)
{
	const DdbBulkProgress *progress = &bulk->progress;
	JsonbValue	usage;

	ddb_json_add_int(object, "ProcessedItemCount", progress->processed);
	ddb_json_add_int(object, "FailedItemCount", progress->failed);
	ddb_json_add_int(object, "ProcessedInputBytes", progress->bytes);
	if (bulk->total_bytes >= 0)
		ddb_json_add_int(object, "TotalInputBytes", bulk->total_bytes);
	ddb_json_object(&usage, 1);
	ddb_json_add_double(&usage, "WriteRequestUnits", progress->units);
	ddb_json_add_value(object, "BulkOperationUsage", &usage);
}

/* a response of one member, a BulkOperationDescription */
static Jsonb *
describe(const DdbBulk *bulk)
{
	JsonbValue	response;
	JsonbValue	description;

	ddb_json_object(&description, 18);
	ddb_json_add_string(&description, "BulkOperationArn", arn_of(bulk));
	ddb_json_add_string(&description, "BulkOperationStatus", bulk->status);
	add_table(&description, bulk);
	add_request(&description, bulk->request);
	add_time(&description, "StartTime", bulk->started);
	add_time(&description, "EndTime", bulk->ended);
	add_counts(&description, bulk);
	if (bulk->failure_code != NULL)
	{
		add_text(&description, "FailureCode", bulk->failure_code);
		add_text(&description, "FailureMessage", bulk->failure_message);
	}
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, "BulkOperationDescription", &description);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * StartBulkPutItems: the request
 * ----------------------------------------------------------------
 */

static void
check_bucket(DdbDoc places, const char *path)
{
	DdbText		bucket = {"", 0};
	DdbText		owner;

	(void) ddb_request_string(places, "S3Bucket", &bucket);
	if (!ddb_bulk_is_bucket(bucket))
		ddb_validation_error("1 validation error detected: Value '%.*s' at '%s.s3Bucket' "
							 "failed to satisfy constraint: Member must satisfy regular "
							 "expression pattern: " BUCKET_PATTERN,
							 bucket.len, bucket.str, path);
	if (ddb_request_string(places, "S3BucketOwner", &owner) &&
		(owner.len != strlen(ddb_account_id) ||
		 memcmp(owner.str, ddb_account_id, owner.len) != 0))
		ddb_validation_error("S3BucketOwner %.*s does not own the bucket",
							 owner.len, owner.str);
}

/* the text of a key prefix; without control characters */
static DdbText
check_prefix(DdbDoc places)
{
	DdbText		prefix = {"", 0};
	int			i;

	(void) ddb_request_string(places, "S3KeyPrefix", &prefix);
	for (i = 0; i < prefix.len; i++)
	{
		if ((unsigned char) prefix.str[i] < 0x20 || prefix.str[i] == 0x7f)
			ddb_validation_error("S3KeyPrefix must not contain control characters");
	}
	return prefix;
}

/* output goes where the prefix says and nowhere else */
static void
check_output_prefix(DdbText prefix)
{
	int			start = 0;
	int			i;

	while (prefix.len > 0 && prefix.str[prefix.len - 1] == '/')
		prefix.len--;
	if (prefix.len > MAX_OUTPUT_PREFIX)
		ddb_validation_error("S3KeyPrefix of OutputS3Configuration must not be longer than %d bytes",
							 MAX_OUTPUT_PREFIX);
	for (i = 0; prefix.len > 0 && i <= prefix.len; i++)
	{
		const char *part = prefix.str + start;
		int			len = i - start;

		if (i < prefix.len && prefix.str[i] != '/')
			continue;
		if (len == 0 || len > NAME_MAX || (len == 1 && part[0] == '.') ||
			(len == 2 && part[0] == '.' && part[1] == '.'))
			ddb_validation_error("S3KeyPrefix of OutputS3Configuration must not have parts "
								 "that are empty, too long, \".\" or \"..\"");
		start = i + 1;
	}
}

/* the types of output that are wanted: one or both */
static void
check_output_types(DdbDoc output)
{
	DdbDoc		types = ddb_request_doc(output, "OutputType");
	DdbDocCursor cursor;
	JsonbValue	value;
	DdbText		none;

	if (types.ptr == NULL || ddb_doc_count(types) == 0)
		ddb_validation_error("OutputType must not be empty");
	ddb_doc_begin(&cursor, types);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		const char *str = value.type == jbvString ? value.val.string.val : "null";
		int			len = value.type == jbvString ? value.val.string.len : strlen(str);
		int			i;

		for (i = 0; i < DDB_BULK_OUTPUTS; i++)
		{
			if (len == strlen(ddb_bulk_output_types[i]) &&
				memcmp(str, ddb_bulk_output_types[i], len) == 0)
				break;
		}
		if (i == DDB_BULK_OUTPUTS)
			ddb_validation_error("1 validation error detected: Value '[%.*s]' at "
								 "'outputS3Configuration.outputType' failed to satisfy "
								 "constraint: Member must satisfy constraint: [Member must "
								 "satisfy enum value set: [ERROR, CONDITION_CHECK_FAILURE]]",
								 len, str);
	}
}

static bool
is_value(DdbDoc object, const char *member, const char *value)
{
	const char *values[2] = {value, NULL};

	return ddb_request_enum(object, member, values, -1) == 0;
}

static void
check_places(DdbDoc request)
{
	DdbDoc		input = ddb_request_doc(request, "InputS3Configuration");
	DdbDoc		output = ddb_request_doc(request, "OutputS3Configuration");

	check_bucket(input, "inputS3Configuration");
	check_bucket(output, "outputS3Configuration");
	(void) check_prefix(input);
	check_output_prefix(check_prefix(output));
	check_output_types(output);
	if (is_value(input, "InputFormat", "ION"))
		ddb_validation_error("InputFormat ION is not supported; use DYNAMODB_JSON");
	if (is_value(input, "InputCompressionType", "ZSTD"))
		ddb_validation_error("InputCompressionType ZSTD is not supported; use GZIP or NONE");
	if (ddb_request_has(output, "S3SseAlgorithm") || ddb_request_has(output, "S3SseKmsKeyId"))
		ddb_validation_error("S3SseAlgorithm and S3SseKmsKeyId are not supported");
}

/* ----------------------------------------------------------------
 * StartBulkPutItems: tokens
 * ----------------------------------------------------------------
 */

/* until the transaction ends nobody else starts an operation with the token */
static void
lock_token(DdbText token)
{
	uint64		hash = hash_bytes_extended((const unsigned char *) token.str, token.len,
										   GetUserId());
	LOCKTAG		tag;

	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = (uint32) (hash >> 32);
	tag.locktag_field3 = (uint32) hash;
	tag.locktag_field4 = TOKEN_LOCK_CLASS;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = DEFAULT_LOCKMETHOD;
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

/* has the token started an operation?  Raises if that was another request */
static bool
find_token(DdbText token, DdbDoc request, DdbBulk *bulk)
{
	DdbDoc		before;

	if (token.len == 0)
		return false;
	lock_token(token);
	if (!ddb_bulk_read_token(GetUserId(), token, bulk))
		return false;
	before = ddb_doc_root(bulk->request);
	if (before.len != request.len || memcmp(before.ptr, request.ptr, request.len) != 0)
		ddb_error(DDB_IDEMPOTENT_PARAMETER_MISMATCH,
				  "The client token was already used with other parameters");
	return true;
}

/* ----------------------------------------------------------------
 * StartBulkPutItems
 * ----------------------------------------------------------------
 */

/* 14 digits of milliseconds and 8 random ones, as names of exports are */
static char *
new_name(void)
{
	uint32		random;

	if (!pg_strong_random(&random, sizeof(random)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random numbers")));
	return psprintf("%014lld-%08x", (long long) ddb_tableinfo_now(), random);
}

static int64
insert(const DdbTable *table, DdbDoc request, DdbText token)
{
	DdbBulk		bulk = {0};
	DdbTableRow row;

	ddb_catalog_read(table, &row);
	bulk.name = new_name();
	bulk.role = GetUserId();
	bulk.relid = table->relid;
	bulk.table_name = table->name;
	bulk.table_arn = ddb_arn_of_table(table->name, strlen(table->name));
	bulk.table_id = row.table_id;
	bulk.request = ddb_doc_copy(request);
	return ddb_bulk_insert(&bulk, token);
}

/*
 * ddb_op_start_bulk_put_items: for roles that may put items into the table and
 * use buckets.  The worker starts when the transaction commits.
 */
Jsonb *
ddb_op_start_bulk_put_items(DdbDoc request)
{
	DdbText		token = {"", 0};
	const DdbTable *table;
	DdbBulk		bulk;
	int64		id;

	check_places(request);
	ddb_bulk_check_directory();
	table = ddb_catalog_open(ddb_op_request_table_name(request, DDB_BULK_ACTION),
							 AccessShareLock, ddb_write_rights(DDB_WRITE_PUT),
							 DDB_BULK_ACTION, true);
	if (!ddb_bulk_may_use_files(GetUserId()))
		ddb_access_denied_because(DDB_BULK_ACTION,
								  ddb_arn_of_table(table->name, strlen(table->name)),
								  "Only superusers and members of the role that dynamo.s3_role names may use buckets.");
	(void) ddb_request_string(request, "ClientToken", &token);
	if (find_token(token, request, &bulk))
		return describe(&bulk);
	if (ddb_op_has_building_index(table))
		ddb_op_refuse_busy_table(table);
	if (ddb_bulk_count_running() >= MAX_RUNNING)
		ddb_error(DDB_LIMIT_EXCEEDED, "There are %d bulk operations under way", MAX_RUNNING);
	ddb_bulk_purge();
	id = insert(table, request, token);
	ddb_bulk_start_at_commit(id);
	(void) ddb_bulk_read(id, &bulk);
	return describe(&bulk);
}

/* ----------------------------------------------------------------
 * Operations by ARN
 * ----------------------------------------------------------------
 */

/* the operation of a request; as if it were not there to whom it is invisible */
static void
find(DdbDoc request, DdbBulk *bulk)
{
	DdbText		text = {"", 0};
	char	   *arn;
	char	   *slash;

	(void) ddb_request_string(request, "BulkOperationArn", &text);
	arn = pnstrdup(text.str, text.len);
	slash = strrchr(arn, '/');
	if (slash == NULL || !ddb_bulk_read_named(slash + 1, bulk) ||
		strcmp(arn, arn_of(bulk)) != 0 || !ddb_bulk_is_visible(bulk))
		ddb_error(DDB_RESOURCE_NOT_FOUND, "Bulk operation not found: %s", arn);
}

Jsonb *
ddb_op_describe_bulk_operation(DdbDoc request)
{
	DdbBulk		bulk;

	find(request, &bulk);
	return describe(&bulk);
}

/*
 * ddb_op_cancel_bulk_operation: what was put stays.  One that has ended is
 * ResourceInUseException; one that nobody runs gets a worker, to end it.
 */
Jsonb *
ddb_op_cancel_bulk_operation(DdbDoc request)
{
	DdbBulk		bulk;
	JsonbValue	response;

	find(request, &bulk);
	if (!ddb_bulk_cancel(bulk.id))
		ddb_error(DDB_RESOURCE_IN_USE, "Bulk operation has ended: %s", arn_of(&bulk));
	if (!ddb_bulk_has_worker(bulk.id))
		ddb_bulk_start_at_commit(bulk.id);
	ddb_json_object(&response, 2);
	ddb_json_add_string(&response, "BulkOperationArn", arn_of(&bulk));
	ddb_json_add_string(&response, "BulkOperationStatus", "CANCELLING");
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * ListBulkOperations
 * ----------------------------------------------------------------
 */

/* a token is the id of the operation listed last */
static int64
read_token(DdbDoc request)
{
	DdbText		token;
	int64		id = 0;
	int			i;

	if (!ddb_request_string(request, "NextToken", &token))
		return PG_INT64_MAX;
	for (i = 0; i < token.len && i < 18 && token.str[i] >= '0' && token.str[i] <= '9'; i++)
		id = id * 10 + (token.str[i] - '0');
	if (token.len == 0 || i < token.len)
		ddb_validation_error("Invalid NextToken");
	return id;
}

static void
append_summary(JsonbValue *list, const DdbBulk *bulk)
{
	JsonbValue	summary;

	ddb_json_object(&summary, 5);
	ddb_json_add_string(&summary, "BulkOperationArn", arn_of(bulk));
	ddb_json_add_string(&summary, "BulkOperationStatus", bulk->status);
	add_table(&summary, bulk);
	add_time(&summary, "StartTime", bulk->started);
	add_time(&summary, "EndTime", bulk->ended);
	ddb_json_append(list, &summary);
}

/*
 * Up to limit visible operations with an id less than before into list.
 * Returns the id of the last one, if there may be more, or else 0.
 */
static int64
list_operations(JsonbValue *list, int64 before, int limit)
{
	int			found = 0;

	for (;;)
	{
		List	   *rows = ddb_bulk_read_list(before, LIST_ROWS);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, rows)
		{
			const DdbBulk *bulk = lfirst(lc);

			if (!ddb_bulk_is_visible(bulk))
			{
				before = bulk->id;
				continue;
			}
			if (found == limit)
				return before;
			before = bulk->id;
			append_summary(list, bulk);
			found++;
		}
		if (list_length(rows) < LIST_ROWS)
			return 0;
	}
}

/* ddb_op_list_bulk_operations: of 90 days, newest first */
Jsonb *
ddb_op_list_bulk_operations(DdbDoc request)
{
	int64		limit = DEFAULT_RESULTS;
	JsonbValue	response;
	JsonbValue	list;
	int64		last;

	(void) ddb_request_int(request, "MaxResults", &limit);
	ddb_json_array(&list, limit);
	last = list_operations(&list, read_token(request), limit);
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "BulkOperationsSummaryList", &list);
	if (last > 0)
		ddb_json_add_string(&response, "NextToken", psprintf(INT64_FORMAT, last));
	return ddb_json_encode(&response);
}
