/*
 * op_query.c
 *	  Query and Scan.
 *
 * Both read a range of an item table, or of an index, item by item until a
 * page is full: a page ends after Limit items or dynamo.page_size bytes,
 * counted before the filter.  DdbRead is what the request says once it is
 * checked; DdbPage is the page under way.
 *
 * A local index gives what it does not hold, too: the whole item is fetched
 * from the table, before the filter or after it, depending on which of them
 * names such attributes.
 */
#include "postgres.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_access.h"
#include "op_common.h"
#include "op_legacy.h"
#include "op_query.h"
#include "op_read.h"

#define MSG_NUMBER_OF_CONDITIONS	"Conditions can be of length 1 or 2 only"

typedef enum Select
{
	SELECT_ABSENT,
	SELECT_ALL_ATTRIBUTES,
	SELECT_ALL_PROJECTED_ATTRIBUTES,
	SELECT_SPECIFIC_ATTRIBUTES,
	SELECT_COUNT
} Select;

/* in the order of Select */
static const char *const select_values[] = {
	"", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", NULL
};

static const char *const query_legacy[] = {
	"AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions", NULL
};
static const char *const query_legacy_without_key_conditions[] = {
	"AttributesToGet", "QueryFilter", "ConditionalOperator", NULL
};
static const char *const query_expressions[] = {
	"ProjectionExpression", "FilterExpression", "KeyConditionExpression", NULL
};
static const char *const query_value_expressions[] = {
	"FilterExpression", "KeyConditionExpression", NULL
};
static const char *const scan_legacy[] = {
	"AttributesToGet", "ScanFilter", "ConditionalOperator", NULL
};
static const char *const scan_expressions[] = {
	"ProjectionExpression", "FilterExpression", NULL
};
static const char *const scan_value_expressions[] = {"FilterExpression", NULL};

/* ----------------------------------------------------------------
 * Checks that Query and Scan share
 * ----------------------------------------------------------------
 */

/* ExclusiveStartKey's values, before the table is known */
static void
read_start_key(DdbDoc request, DdbRead *read)
{
	DdbDoc		sent = ddb_request_doc(request, "ExclusiveStartKey");
	DdbCheck	check;

	if (sent.ptr == NULL)
		return;
	check = ddb_item_check(sent);
	if (check.message != NULL)
		ddb_validation_error("%s%s",
							 check.bare ? "" : "The provided starting key is invalid: ",
							 check.message);
	read->query.start = ddb_doc_root(ddb_item_accept(sent));
}

static Select
select_of(DdbDoc request)
{
	return (Select) ddb_request_enum(request, "Select", select_values, SELECT_ABSENT);
}

static void
read_members(DdbDoc request, DdbRead *read)
{
	Select		select = select_of(request);

	memset(read, 0, sizeof(DdbRead));
	read->project = ddb_expr_project;
	read->count_only = select == SELECT_COUNT;
	read->all_attributes = select == SELECT_ALL_ATTRIBUTES;
	(void) ddb_request_bool(request, "ConsistentRead", &read->consistent);
	(void) ddb_request_int(request, "Limit", &read->limit);
}

static void
check_select(DdbDoc request, const DdbRead *read, const char *verb)
{
	static const char *const gets[] = {
		[SELECT_ALL_ATTRIBUTES] = "ALL_ATTRIBUTES",
		[SELECT_ALL_PROJECTED_ATTRIBUTES] = "ALL_PROJECTED_ATTRIBUTES",
		[SELECT_COUNT] = "only the Count"
	};
	Select		select = select_of(request);

	if (select == SELECT_ALL_PROJECTED_ATTRIBUTES && read->index == NULL)
		ddb_validation_error("One or more parameter values were invalid: "
							 "ALL_PROJECTED_ATTRIBUTES can be used only when %s using an IndexName",
							 verb);
	if (select == SELECT_SPECIFIC_ATTRIBUTES && read->projection == NULL)
		ddb_validation_error("One or more parameter values were invalid: "
							 "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
	if (select != SELECT_ABSENT && select != SELECT_SPECIFIC_ATTRIBUTES &&
		read->projection != NULL)
		ddb_validation_error("Cannot specify the %s when choosing to get %s",
							 read->projection->program->legacy ? "AttributesToGet" : "ProjectionExpression",
							 gets[select]);
}

/* filter and projection, unless legacy parameters have given them */
static void
read_expressions(DdbDoc request, ExprRequest *context, DdbRead *read)
{
	if (read->filter == NULL)
		read->filter = ddb_op_expression(request, context, EXPR_FILTER, "FilterExpression");
	if (read->projection == NULL)
		read->projection = ddb_op_expression(request, context, EXPR_PROJECTION, "ProjectionExpression");
}

static void
open_source(DdbDoc request, DdbRead *read, const char *action)
{
	DdbText		index_name = {NULL, 0};

	(void) ddb_request_string(request, "IndexName", &index_name);
	ddb_read_open(read, ddb_op_table_name(request), index_name, action);
}

/* ----------------------------------------------------------------
 * Query
 * ----------------------------------------------------------------
 */

static void
query_mixing(DdbDoc request)
{
	DdbParameterSets sets;

	sets.legacy = ddb_request_has(request, "KeyConditionExpression") ?
		query_legacy : query_legacy_without_key_conditions;
	sets.expression = query_expressions;
	sets.needs_values = "FilterExpression and KeyConditionExpression are null";
	sets.value_expressions = query_value_expressions;
	ddb_op_check_mixing(request, &sets);
}

/*
 * The number of conditions is known before the table is; only an index can
 * have a key of more than two attributes.
 */
static void
check_number_of_conditions(const DdbRead *read)
{
	if (read->query.nconditions > 2 &&
		(read->index == NULL || ddb_read_key_is_simple(&read->query.key)))
		ddb_validation_error(MSG_NUMBER_OF_CONDITIONS);
}

/*
 * Conditions on the key, from either parameter.  An empty KeyConditions is
 * as good as too many.
 */
static void
read_key_conditions(DdbDoc request, const ExprBinding *expression, DdbKeyQuery *query)
{
	if (expression != NULL)
		query->conditions = ddb_expr_key_conditions(expression, &query->nconditions);
	else
		query->conditions = ddb_legacy_key_conditions(request, &query->nconditions);
	if (query->nconditions == 0)
		ddb_validation_error(MSG_NUMBER_OF_CONDITIONS);
}

/*
 * Everything a Query request must satisfy, in the service's order.
 */
static void
prepare_query(DdbDoc request, DdbRead *read)
{
	ExprRequest context;
	ExprBinding *key_condition;

	query_mixing(request);
	read_members(request, read);
	read->filter = ddb_legacy_filter(request, "QueryFilter");
	read->projection = ddb_legacy_projection(request);
	read_start_key(request, read);
	if (!ddb_request_has(request, "KeyConditionExpression") &&
		!ddb_request_has(request, "KeyConditions"))
		ddb_validation_error("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
	ddb_op_expressions(request, &context);
	key_condition = ddb_op_expression(request, &context, EXPR_KEY_CONDITION, "KeyConditionExpression");
	read_expressions(request, &context, read);
	ddb_expr_context_finish(&context);
	read_key_conditions(request, key_condition, &read->query);
	if (!ddb_request_has(request, "IndexName"))
		check_number_of_conditions(read);

	open_source(request, read, "Query");
	check_number_of_conditions(read);
	ddb_read_key_check_query(&read->query);
	ddb_read_key_check_paths(&read->query.key, read->projection);
	ddb_read_key_check_filter(&read->query.key, read->filter);
	check_select(request, read, "Querying");
	ddb_read_check_projection(read);
	ddb_read_key_check_paths(&read->query.key, read->filter);
	ddb_op_access_read(request, read, "Query");
}

/* ----------------------------------------------------------------
 * Scan
 * ----------------------------------------------------------------
 */

static void
check_segments(DdbDoc request, DdbScanPart *range)
{
	int64		segment = 0;
	int64		total = 1;
	bool		has_segment = ddb_request_int(request, "Segment", &segment);
	bool		has_total = ddb_request_int(request, "TotalSegments", &total);

	if (has_segment && !has_total)
		ddb_validation_error("The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
	if (has_total && !has_segment)
		ddb_validation_error("The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
	if (segment >= total)
		ddb_validation_error("The Segment parameter is zero-based and must be less than parameter TotalSegments: "
							 "Segment: " INT64_FORMAT " is not less than TotalSegments: " INT64_FORMAT,
							 segment, total);
	range->segment = (int) segment;
	range->total = (int) total;
}

/* the values of the start key, and the segment it lies in */
static void
check_scan_start(const DdbRead *read, DdbScanPart *range)
{
	const DdbReadKey *key = &read->query.key;
	int			segment;

	if (read->index != NULL)
	{
		ddb_read_key_check_scan_start_table(key, read->query.start);
		ddb_read_key_index_position(key, read->query.start, &range->index_start);
		segment = ddb_scan_index_segment(&range->index_start, range->total);
	}
	else
	{
		ddb_key_of_argument(&read->table->keys, read->query.start, &range->table_start);
		segment = ddb_scan_segment(read->table, &range->table_start, range->total);
	}
	if (segment != range->segment)
		ddb_validation_error("The provided starting key is invalid: Invalid ExclusiveStartKey. "
							 "Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
							 range->total, range->segment);
}

/*
 * Everything a Scan request must satisfy, in the service's order.
 */
static void
prepare_scan(DdbDoc request, DdbRead *read, DdbScanPart *range)
{
	static const DdbParameterSets sets = {
		.legacy = scan_legacy,
		.expression = scan_expressions,
		.needs_values = "FilterExpression is null",
		.value_expressions = scan_value_expressions
	};
	ExprRequest context;

	memset(range, 0, sizeof(DdbScanPart));
	ddb_op_check_mixing(request, &sets);
	read_members(request, read);
	read->projection = ddb_legacy_projection(request);
	read->filter = ddb_legacy_filter(request, "ScanFilter");
	read_start_key(request, read);
	check_segments(request, range);
	ddb_op_expressions(request, &context);
	read_expressions(request, &context, read);
	ddb_expr_context_finish(&context);

	open_source(request, read, "Scan");
	if (read->query.start.ptr != NULL)
		ddb_read_key_check_scan_start(&read->query.key, read->query.start);
	check_select(request, read, "Scanning");
	ddb_read_check_projection(read);
	if (read->query.start.ptr != NULL)
		check_scan_start(read, range);
	ddb_read_key_check_paths(&read->query.key, read->projection);
	ddb_read_key_check_paths(&read->query.key, read->filter);
	ddb_op_access_read(request, read, "Scan");
}

/* ----------------------------------------------------------------
 * Responses
 * ----------------------------------------------------------------
 */

static void
add_index_capacity(JsonbValue *response, DdbDoc request, const DdbPage *page, double units)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	JsonbValue	capacity;

	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_read_index_capacity(&capacity, detail == DDB_CAPACITY_INDEXES,
							ddb_op_table_name(request), page, units);
	ddb_json_add_value(response, "ConsumedCapacity", &capacity);
}

static Jsonb *
page_response(DdbDoc request, DdbPage *page)
{
	double		units = ddb_page_units(page);
	JsonbValue	response;

	ddb_json_object(&response, 5);
	if (!page->read->count_only)
		ddb_json_add_value(&response, "Items", &page->items);
	ddb_json_add_int(&response, "Count", page->count);
	ddb_json_add_int(&response, "ScannedCount", page->scanned);
	if (page->more)
		ddb_json_add_value(&response, "LastEvaluatedKey", &page->last_key);
	if (page->read->index != NULL)
		add_index_capacity(&response, request, page, units);
	else
		ddb_op_add_capacity(&response, request, units);
	return ddb_json_encode(&response);
}

Jsonb *
ddb_op_query(DdbDoc request)
{
	DdbRead		read;
	DdbPage		page;
	bool		forward = true;

	prepare_query(request, &read);
	(void) ddb_request_bool(request, "ScanIndexForward", &forward);
	ddb_read_admit(&read);
	ddb_page_init(&page, &read);
	ddb_read_partition(&read, forward, &page);
	return page_response(request, &page);
}

Jsonb *
ddb_op_scan(DdbDoc request)
{
	DdbRead		read;
	DdbPage		page;
	DdbScanPart	part;

	prepare_scan(request, &read, &part);
	ddb_read_admit(&read);
	ddb_page_init(&page, &read);
	ddb_read_part(&read, &part, &page);
	return page_response(request, &page);
}

/* ----------------------------------------------------------------
 * Cursors
 *
 * They are no operations.  What they read is consumed, and admitted, in
 * pages like those of Query and Scan, which nobody sees.
 * ----------------------------------------------------------------
 */

struct DdbItemCursor
{
	DdbRead		read;
	DdbUse		use;
	DdbScanFilter filter;
	char	   *name;			/* of the portal */
	bool		first_page;
	int64		bytes;			/* of items of the page under way, before the filter */
	double		fetch_units;
};

/*
 * Consume the page under way.  If there is another one, true unless *error
 * says that nothing is left for it.
 */
static bool
turn_page(DdbItemCursor *cursor, bool ends, DdbThrottled *error)
{
	bool		is_outermost = !ddb_capacity_is_under_way();
	DdbConsumed consumed = ddb_op_consumed;
	bool		allowed;

	if (is_outermost)
		ddb_capacity_begin();
	ddb_capacity_consume(&cursor->use, DDB_UNITS_READ,
						 ddb_read_units(cursor->bytes, cursor->read.consistent) +
						 cursor->fetch_units);
	allowed = ends || ddb_capacity_allows(&cursor->use, DDB_UNITS_READ, 0, error);
	if (is_outermost)
	{
		ddb_capacity_settle(NULL, allowed ? DDB_OUTCOME_SUCCESS : DDB_OUTCOME_REFUSED, NULL, 0);
		ddb_op_consumed = consumed;
	}
	cursor->first_page = false;
	cursor->bytes = 0;
	cursor->fetch_units = 0;
	return allowed;
}

/* nothing is consumed by being refused */
static void
admit_first_page(DdbItemCursor *cursor)
{
	bool		is_outermost = !ddb_capacity_is_under_way();
	DdbThrottled error;
	bool		allowed;

	ddb_read_use(&cursor->read, &cursor->use);
	cursor->first_page = true;
	if (is_outermost)
		ddb_capacity_begin();
	allowed = ddb_capacity_allows(&cursor->use, DDB_UNITS_READ, 0, &error);
	if (is_outermost)
		ddb_capacity_settle(NULL, DDB_OUTCOME_SUCCESS, NULL, 0);
	if (!allowed)
		ddb_capacity_raise(&error);
}

/* an item has been read */
static void
charge_item(DdbItemCursor *cursor, DdbDoc item)
{
	DdbThrottled error;

	cursor->bytes += ddb_item_size(item);
	if (cursor->bytes > ddb_page_size && !turn_page(cursor, false, &error))
		ddb_capacity_raise(&error);
}

static bool
accepts(DdbDoc item, void *arg)
{
	DdbItemCursor *cursor = arg;
	const DdbRead *read = &cursor->read;

	charge_item(cursor, item);
	if (read->filter_fetches)
	{
		Jsonb	   *whole = ddb_scan_index_fetch(read->table, item);

		item = whole ? ddb_doc_root(whole) : item;
		if (whole != NULL)
			cursor->fetch_units += ddb_item_read_units(item, read->consistent);
	}
	return read->filter == NULL || ddb_expr_matches(read->filter, item);
}

static char *
open_query(const DdbRead *read, bool forward, DdbScanFilter *filter)
{
	if (read->index != NULL)
	{
		DdbIndexRange range;
		DdbIndexPosition start;

		ddb_read_key_index_range(&read->query, forward, &range, &start);
		return ddb_scan_open_index_partition(read->table, read->index, &range, filter);
	}
	else
	{
		DdbPartitionRange range;

		ddb_read_key_table_range(&read->query, forward, &range);
		return ddb_scan_open_partition(read->table, &range, filter);
	}
}

static char *
open_scan(const DdbRead *read, DdbScanFilter *filter)
{
	if (read->index != NULL)
		return ddb_scan_open_index_unordered(read->table, read->index, filter);
	return ddb_scan_open_unordered(read->table, filter);
}

DdbItemCursor *
ddb_item_cursor_open(DdbDoc request, bool is_query)
{
	DdbItemCursor *cursor = palloc0(sizeof(DdbItemCursor));

	cursor->filter.accepts = accepts;
	cursor->filter.arg = cursor;
	if (is_query)
	{
		bool		forward = true;

		prepare_query(request, &cursor->read);
		(void) ddb_request_bool(request, "ScanIndexForward", &forward);
		admit_first_page(cursor);
		cursor->name = open_query(&cursor->read, forward, &cursor->filter);
	}
	else
	{
		DdbScanPart	part;

		prepare_scan(request, &cursor->read, &part);
		admit_first_page(cursor);
		cursor->name = open_scan(&cursor->read, &cursor->filter);
	}
	return cursor;
}

int
ddb_item_cursor_fetch(DdbItemCursor *cursor, int max, Jsonb **items)
{
	int			count = ddb_scan_fetch(cursor->name, max, items);
	int			i;

	for (i = 0; cursor->read.projection != NULL && i < count; i++)
		items[i] = ddb_expr_project(cursor->read.projection, ddb_doc_root(items[i]));
	return count;
}

void
ddb_item_cursor_close(DdbItemCursor *cursor)
{
	ddb_scan_close(cursor->name);
	if (cursor->first_page || cursor->bytes > 0)
		(void) turn_page(cursor, true, NULL);
}
