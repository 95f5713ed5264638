/*
 * op_query.c
 *	  Query and Scan.
 *
 * Both read a range of an item table, or of an index, item by item until a
 * page is full: a page ends after Limit items or dynamo.page_size bytes,
 * counted before the filter.  ReadRequest is what the request says once it is
 * checked; ReadPage is the page under way.
 *
 * A local index gives what it does not hold, too: the whole item is fetched
 * from the table, before the filter or after it, depending on which of them
 * names such attributes.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_common.h"
#include "op_query.h"
#include "op_read_key.h"
#include "scan.h"

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

typedef struct ReadRequest
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table itself */
	Select		select;
	ExprBinding *filter;		/* NULL if none */
	ExprBinding *projection;	/* NULL if none */
	DdbKeyQuery query;			/* its conditions are of Query only */
	int64		limit;			/* of evaluated items; 0 for none */
	bool		consistent;
	bool		filter_fetches; /* the filter needs the whole item */
	bool		output_fetches; /* what is returned does */
} ReadRequest;

typedef struct ReadPage
{
	const ReadRequest *read;
	MemoryContext context;		/* owns what the response needs */
	int64		scanned;		/* items before the filter */
	int64		bytes;			/* of those */
	double		fetch_units;	/* of items fetched for a local index */
	int64		count;			/* items after the filter */
	JsonbValue	items;			/* array, unless Select is COUNT */
	bool		more;			/* page ended before the range did */
	JsonbValue	last_key;
} ReadPage;

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
read_start_key(DdbDoc request, ReadRequest *read)
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

static void
read_members(DdbDoc request, ReadRequest *read)
{
	read->select = (Select) ddb_request_enum(request, "Select", select_values, SELECT_ABSENT);
	(void) ddb_request_bool(request, "ConsistentRead", &read->consistent);
	(void) ddb_request_int(request, "Limit", &read->limit);
}

/*
 * What is read: the table, or the index that IndexName names.  Checks that
 * index and request go together as far as the index itself decides.
 */
static void
open_source(DdbDoc request, ReadRequest *read, const char *action)
{
	DdbText		name;

	read->table = ddb_op_open(request, AccessShareLock, ACL_SELECT, action);
	if (ddb_request_string(request, "IndexName", &name))
	{
		read->index = ddb_catalog_index(read->table, name);
		if (read->index == NULL || !ddb_scan_index_lock(read->index))
			ddb_validation_error("The table does not have the specified index: %.*s",
								 name.len, name.str);
		if (read->index->global && read->consistent && ddb_strict)
			ddb_validation_error("Consistent reads are not supported on global secondary indexes");
		if (read->index->status != DDB_INDEX_ACTIVE)
			ddb_validation_error("Cannot read from backfilling global secondary index: %.*s",
								 name.len, name.str);
	}
	ddb_read_key_init(&read->query.key, read->table, read->index);
}

/* does the node name an attribute that the index does not hold? */
static bool
uses_unprojected(const ReadRequest *read, const ExprBinding *binding, const ExprNode *node)
{
	int			i;

	check_stack_depth();
	if (node->kind == EXPR_PATH)
		return !ddb_index_projects(read->table, read->index,
								   ddb_expr_step_name(binding, &node->path.steps[0]));
	for (i = 0; i < node->nargs; i++)
	{
		if (uses_unprojected(read, binding, node->args[i]))
			return true;
	}
	return false;
}

/*
 * Attributes of the projection that the index does not hold, joined by ", ";
 * NULL when it holds all.
 */
static char *
unprojected_attributes(const ReadRequest *read)
{
	const ExprProgram *program = read->projection->program;
	DdbTextSet	seen;
	StringInfoData list;
	int			i;

	list.data = NULL;
	ddb_textset_init(&seen, program->npaths);
	for (i = 0; i < program->npaths; i++)
	{
		DdbText		name = ddb_expr_step_name(read->projection, &program->paths[i].steps[0]);

		if (ddb_index_projects(read->table, read->index, name) ||
			!ddb_textset_add(&seen, name))
			continue;
		if (list.data == NULL)
			initStringInfo(&list);
		else
			appendStringInfoString(&list, ", ");
		appendBinaryStringInfo(&list, name.str, name.len);
	}
	ddb_textset_free(&seen);
	return list.data;
}

static void
check_select(const ReadRequest *read, const char *verb)
{
	static const char *const gets[] = {
		[SELECT_ALL_ATTRIBUTES] = "ALL_ATTRIBUTES",
		[SELECT_ALL_PROJECTED_ATTRIBUTES] = "ALL_PROJECTED_ATTRIBUTES",
		[SELECT_COUNT] = "only the Count"
	};

	if (read->select == SELECT_ALL_PROJECTED_ATTRIBUTES && read->index == NULL)
		ddb_validation_error("One or more parameter values were invalid: "
							 "ALL_PROJECTED_ATTRIBUTES can be used only when %s using an IndexName",
							 verb);
	if (read->select == SELECT_SPECIFIC_ATTRIBUTES && read->projection == NULL)
		ddb_validation_error("One or more parameter values were invalid: "
							 "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
	if (read->select != SELECT_ABSENT && read->select != SELECT_SPECIFIC_ATTRIBUTES &&
		read->projection != NULL)
		ddb_validation_error("Cannot specify the ProjectionExpression when choosing to get %s",
							 gets[read->select]);
}

/*
 * What the request wants of items beyond what the index holds: a global index
 * refuses, save that its filters see such attributes as missing; for a local
 * one it is fetched.
 */
static void
check_projection(ReadRequest *read)
{
	const DdbIndex *index = read->index;
	char	   *missing;

	if (index == NULL || index->projection == DDB_PROJECT_ALL)
		return;
	missing = read->projection ? unprojected_attributes(read) : NULL;
	if (index->global)
	{
		if (read->select == SELECT_ALL_ATTRIBUTES)
			ddb_validation_error("One or more parameter values were invalid: "
								 "Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL",
								 index->name);
		if (missing != NULL)
			ddb_validation_error("One or more parameter values were invalid: "
								 "Global secondary index %s does not project [%s]",
								 index->name, missing);
		return;
	}
	read->filter_fetches = read->filter != NULL &&
		uses_unprojected(read, read->filter, read->filter->program->condition);
	read->output_fetches = read->select == SELECT_ALL_ATTRIBUTES || missing != NULL;
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
check_number_of_conditions(const ReadRequest *read)
{
	if (read->query.nconditions > 2 &&
		(read->index == NULL || ddb_read_key_is_simple(&read->query.key)))
		ddb_validation_error("Conditions can be of length 1 or 2 only");
}

/*
 * Everything a Query request must satisfy, in the service's order.
 */
static void
prepare_query(DdbDoc request, ReadRequest *read)
{
	ExprRequest context;
	ExprBinding *key_condition;

	memset(read, 0, sizeof(ReadRequest));
	query_mixing(request);
	read_members(request, read);
	read_start_key(request, read);
	if (!ddb_request_has(request, "KeyConditionExpression") &&
		!ddb_request_has(request, "KeyConditions"))
		ddb_validation_error("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
	ddb_op_expressions(request, &context);
	key_condition = ddb_op_expression(request, &context, EXPR_KEY_CONDITION, "KeyConditionExpression");
	read->filter = ddb_op_expression(request, &context, EXPR_FILTER, "FilterExpression");
	read->projection = ddb_op_expression(request, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);
	if (key_condition == NULL &&
		ddb_doc_count(ddb_request_doc(request, "KeyConditions")) == 0)
		ddb_validation_error("Conditions can be of length 1 or 2 only");
	if (key_condition == NULL)
		ddb_validation_error("The legacy parameters (KeyConditions) are not available in this version; use expressions");
	read->query.conditions = ddb_expr_key_conditions(key_condition, &read->query.nconditions);
	if (!ddb_request_has(request, "IndexName"))
		check_number_of_conditions(read);

	open_source(request, read, "Query");
	check_number_of_conditions(read);
	ddb_read_key_check_query(&read->query);
	ddb_read_key_check_paths(&read->query.key, read->projection);
	ddb_read_key_check_filter(&read->query.key, read->filter);
	check_select(read, "Querying");
	check_projection(read);
	ddb_read_key_check_paths(&read->query.key, read->filter);
}

/* ----------------------------------------------------------------
 * Scan
 * ----------------------------------------------------------------
 */

/* a part of the table or of the index, whichever is read */
typedef struct ScanRange
{
	int			segment;
	int			total;
	DdbKey		table_start;	/* if there is a start key, one of these */
	DdbIndexPosition index_start;
} ScanRange;

static void
check_segments(DdbDoc request, ScanRange *range)
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
check_scan_start(const ReadRequest *read, ScanRange *range)
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
prepare_scan(DdbDoc request, ReadRequest *read, ScanRange *range)
{
	static const DdbParameterSets sets = {
		.legacy = scan_legacy,
		.expression = scan_expressions,
		.needs_values = "FilterExpression is null",
		.value_expressions = scan_value_expressions
	};
	ExprRequest context;

	memset(read, 0, sizeof(ReadRequest));
	memset(range, 0, sizeof(ScanRange));
	ddb_op_check_mixing(request, &sets);
	read_members(request, read);
	read_start_key(request, read);
	check_segments(request, range);
	ddb_op_expressions(request, &context);
	read->filter = ddb_op_expression(request, &context, EXPR_FILTER, "FilterExpression");
	read->projection = ddb_op_expression(request, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);

	open_source(request, read, "Scan");
	if (read->query.start.ptr != NULL)
		ddb_read_key_check_scan_start(&read->query.key, read->query.start);
	check_select(read, "Scanning");
	check_projection(read);
	if (read->query.start.ptr != NULL)
		check_scan_start(read, range);
	ddb_read_key_check_paths(&read->query.key, read->projection);
	ddb_read_key_check_paths(&read->query.key, read->filter);
}

/* ----------------------------------------------------------------
 * Pages
 * ----------------------------------------------------------------
 */

static void
add_item(ReadPage *page, DdbDoc item)
{
	MemoryContext old = MemoryContextSwitchTo(page->context);
	const ReadRequest *read = page->read;
	JsonbValue	value;

	ddb_json_jsonb(&value, read->projection ? ddb_expr_project(read->projection, item) :
				   ddb_doc_copy(item));
	ddb_json_append(&page->items, &value);
	MemoryContextSwitchTo(old);
}

/* the item of a local index's entry, charged to the table */
static DdbDoc
fetch_item(ReadPage *page, DdbDoc entry)
{
	const ReadRequest *read = page->read;
	Jsonb	   *item = ddb_scan_index_fetch(read->table, entry);

	if (item == NULL)
		return entry;
	page->fetch_units += ddb_item_read_units(ddb_doc_root(item), read->consistent);
	return ddb_doc_root(item);
}

static void
set_last_key(ReadPage *page, DdbDoc entry)
{
	MemoryContext old = MemoryContextSwitchTo(page->context);
	const ReadRequest *read = page->read;

	page->more = true;
	entry = ddb_doc_root(ddb_doc_copy(entry));
	if (read->index != NULL)
		ddb_index_key_to_json(read->table, read->index, entry, &page->last_key);
	else
		ddb_key_to_json(&read->table->keys, entry, &page->last_key);
	MemoryContextSwitchTo(old);
}

/* DdbScanItem: one evaluated item; false when it fills the page */
static bool
consume(DdbDoc entry, void *arg)
{
	ReadPage   *page = arg;
	const ReadRequest *read = page->read;
	DdbDoc		item = read->filter_fetches ? fetch_item(page, entry) : entry;

	page->scanned++;
	page->bytes += ddb_item_size(entry);
	if (read->filter == NULL || ddb_expr_matches(read->filter, item))
	{
		page->count++;
		if (read->output_fetches && !read->filter_fetches)
			item = fetch_item(page, entry);
		if (read->select != SELECT_COUNT)
			add_item(page, read->output_fetches ? item : entry);
	}
	if (page->scanned != read->limit && page->bytes <= ddb_page_size)
		return true;
	set_last_key(page, entry);
	return false;
}

static void
init_page(ReadPage *page, const ReadRequest *read)
{
	memset(page, 0, sizeof(ReadPage));
	page->read = read;
	page->context = CurrentMemoryContext;
	ddb_json_array(&page->items, 16);
}

static void
add_units(JsonbValue *object, const char *name, double units)
{
	JsonbValue	value;

	ddb_json_object(&value, 1);
	ddb_json_add_double(&value, "CapacityUnits", units);
	ddb_json_add_value(object, name, &value);
}

/*
 * ConsumedCapacity of an index read: a global index stands alone, a local one
 * beside the table that items were fetched from.
 */
static void
add_index_capacity(JsonbValue *response, DdbDoc request, const ReadPage *page,
				   double index_units)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(request);
	DdbText		table_name = ddb_op_table_name(request);
	const DdbIndex *index = page->read->index;
	JsonbValue	capacity;
	JsonbValue	value;

	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_json_object(&capacity, 4);
	ddb_json_string(&value, table_name.str, table_name.len);
	ddb_json_add_value(&capacity, "TableName", &value);
	ddb_json_add_double(&capacity, "CapacityUnits", index_units + page->fetch_units);
	if (detail == DDB_CAPACITY_INDEXES)
	{
		if (!index->global)
			add_units(&capacity, "Table", page->fetch_units);
		ddb_json_object(&value, 1);
		add_units(&value, index->name, index_units);
		ddb_json_add_value(&capacity, index->global ? "GlobalSecondaryIndexes" :
						   "LocalSecondaryIndexes", &value);
	}
	ddb_json_add_value(response, "ConsumedCapacity", &capacity);
}

static Jsonb *
page_response(DdbDoc request, ReadPage *page)
{
	double		units = ddb_read_units(page->bytes, page->read->consistent);
	JsonbValue	response;

	ddb_op_consumed.read_units += units + page->fetch_units;
	ddb_json_object(&response, 5);
	if (page->read->select != SELECT_COUNT)
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

static void
read_query(ReadRequest *read, bool forward, ReadPage *page)
{
	if (read->index != NULL)
	{
		DdbIndexRange range;
		DdbIndexPosition start;

		ddb_read_key_index_range(&read->query, forward, &range, &start);
		ddb_scan_index_partition(read->table, read->index, &range, consume, page);
	}
	else
	{
		DdbPartitionRange range;

		ddb_read_key_table_range(&read->query, forward, &range);
		ddb_scan_partition(read->table, &range, consume, page);
	}
}

static void
read_scan(ReadRequest *read, const ScanRange *range, ReadPage *page)
{
	bool		has_start = read->query.start.ptr != NULL;

	if (read->index != NULL)
	{
		DdbIndexSegment part = {range->segment, range->total, NULL};

		part.start = has_start ? &range->index_start : NULL;
		ddb_scan_index(read->table, read->index, &part, consume, page);
	}
	else
	{
		DdbTableRange part = {range->segment, range->total, NULL};

		part.start = has_start ? &range->table_start : NULL;
		ddb_scan_table(read->table, &part, consume, page);
	}
}

Jsonb *
ddb_op_query(DdbDoc request)
{
	ReadRequest read;
	ReadPage	page;
	bool		forward = true;

	prepare_query(request, &read);
	(void) ddb_request_bool(request, "ScanIndexForward", &forward);
	init_page(&page, &read);
	read_query(&read, forward, &page);
	return page_response(request, &page);
}

Jsonb *
ddb_op_scan(DdbDoc request)
{
	ReadRequest read;
	ReadPage	page;
	ScanRange	range;

	prepare_scan(request, &read, &range);
	init_page(&page, &read);
	read_scan(&read, &range, &page);
	return page_response(request, &page);
}

/* ----------------------------------------------------------------
 * Cursors
 * ----------------------------------------------------------------
 */

struct DdbItemCursor
{
	ReadRequest read;
	DdbScanFilter filter;
	char	   *name;			/* of the portal */
};

static bool
accepts(DdbDoc item, void *arg)
{
	const ReadRequest *read = arg;

	if (read->filter_fetches)
	{
		Jsonb	   *whole = ddb_scan_index_fetch(read->table, item);

		item = whole ? ddb_doc_root(whole) : item;
	}
	return read->filter == NULL || ddb_expr_matches(read->filter, item);
}

static char *
open_query(const ReadRequest *read, bool forward, DdbScanFilter *filter)
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
open_scan(const ReadRequest *read, DdbScanFilter *filter)
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
	cursor->filter.arg = &cursor->read;
	if (is_query)
	{
		bool		forward = true;

		prepare_query(request, &cursor->read);
		(void) ddb_request_bool(request, "ScanIndexForward", &forward);
		cursor->name = open_query(&cursor->read, forward, &cursor->filter);
	}
	else
	{
		ScanRange	range;

		prepare_scan(request, &cursor->read, &range);
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
}
