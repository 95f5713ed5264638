/*
 * op_query.c
 *	  Query and Scan.
 *
 * Both read a range of an item table item by item until a page is full: a
 * page ends after Limit items or dynamo.page_size bytes, counted before the
 * filter.  ReadRequest is what the request says once it is checked; ReadPage
 * is the page under way.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_common.h"
#include "op_query.h"
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
	Select		select;
	ExprBinding *filter;		/* NULL if none */
	ExprBinding *projection;	/* NULL if none */
	int			nconditions;	/* Query */
	ExprKeyCondition *conditions;
	Jsonb	   *start_doc;		/* ExclusiveStartKey; NULL if none */
	DdbKey		start;
	int64		limit;			/* of evaluated items; 0 for none */
	bool		consistent;
} ReadRequest;

typedef struct ReadPage
{
	const ReadRequest *read;
	MemoryContext context;		/* owns what the response needs */
	int64		scanned;		/* items before the filter */
	int64		bytes;			/* of those */
	int64		count;			/* items after it */
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
	read->start_doc = ddb_item_accept(sent);
}

static void
read_members(DdbDoc request, ReadRequest *read)
{
	read->select = (Select) ddb_request_enum(request, "Select", select_values, SELECT_ABSENT);
	(void) ddb_request_bool(request, "ConsistentRead", &read->consistent);
	(void) ddb_request_int(request, "Limit", &read->limit);
}

static void
check_index(DdbDoc request)
{
	DdbText		index;

	if (ddb_request_string(request, "IndexName", &index))
		ddb_validation_error("The table does not have the specified index: %.*s",
							 index.len, index.str);
}

static void
check_select(const ReadRequest *read, const char *verb)
{
	switch (read->select)
	{
		case SELECT_ALL_PROJECTED_ATTRIBUTES:
			ddb_validation_error("One or more parameter values were invalid: "
								 "ALL_PROJECTED_ATTRIBUTES can be used only when %s using an IndexName",
								 verb);
		case SELECT_SPECIFIC_ATTRIBUTES:
			if (read->projection == NULL)
				ddb_validation_error("One or more parameter values were invalid: "
									 "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
			return;
		case SELECT_ALL_ATTRIBUTES:
		case SELECT_COUNT:
			if (read->projection != NULL)
				ddb_validation_error("Cannot specify the ProjectionExpression when choosing to get %s",
									 read->select == SELECT_COUNT ? "only the Count" : "ALL_ATTRIBUTES");
			return;
		case SELECT_ABSENT:
			return;
	}
}

static bool
same_name(DdbText a, DdbText b)
{
	return a.len == b.len && memcmp(a.str, b.str, a.len) == 0;
}

static void
check_not_empty(const DdbKeyAttr *attr, const DdbValue *value)
{
	if (value->text.len == 0 && value->type != DDB_N)
		ddb_validation_error("One or more parameter values are not valid. "
							 "The AttributeValue for a key attribute cannot contain an empty %s value. Key: %.*s",
							 value->type == DDB_S ? "string" : "binary",
							 attr->name.len, attr->name.str);
}

/* ----------------------------------------------------------------
 * Query: key conditions and start key against the key schema
 * ----------------------------------------------------------------
 */

static ExprKeyCondition *
condition_on(const ReadRequest *read, const DdbKeyAttr *attr)
{
	int			i;

	for (i = 0; i < read->nconditions; i++)
	{
		if (same_name(read->conditions[i].name, attr->name))
			return &read->conditions[i];
	}
	return NULL;
}

static void
check_start_element(const ReadRequest *read, int position)
{
	const DdbKeyAttr *attr = &read->table->keys.attr[position];
	DdbValue	value;

	if (read->start_doc == NULL)
		return;
	if (!ddb_item_get(ddb_doc_root(read->start_doc), attr->name.str, attr->name.len, &value))
		ddb_validation_error("The provided starting key is invalid");
	if (value.type != attr->type)
		ddb_validation_error("The provided key element does not match the schema");
	check_not_empty(attr, &value);
	ddb_key_size_check(&value, position == 0);
}

/*
 * One element of the key: its start key attribute, then its condition.
 */
static void
check_key_element(const ReadRequest *read, int position)
{
	const DdbKeySchema *keys = &read->table->keys;
	const DdbKeyAttr *attr = &keys->attr[position];
	ExprKeyCondition *condition = condition_on(read, attr);
	int			nvalues;
	int			i;

	check_start_element(read, position);
	if (keys->nattrs == 1 && read->nconditions > 1)
		ddb_validation_error("Query key condition not supported");
	if (condition == NULL)
	{
		if (position == 0 || read->nconditions > 1)
			ddb_validation_error("Query condition missed key schema element: %.*s",
								 attr->name.len, attr->name.str);
		return;
	}
	nvalues = condition->op == EXPR_KEY_BETWEEN ? 2 : 1;
	for (i = 0; i < nvalues; i++)
	{
		if (condition->values[i].type != attr->type)
			ddb_validation_error("One or more parameter values were invalid: "
								 "Condition parameter type does not match schema type");
		check_not_empty(attr, &condition->values[i]);
		ddb_key_size_check(&condition->values[i], position == 0);
	}
	if (position == 0 && condition->op != EXPR_KEY_EQ)
		ddb_validation_error("Query key condition not supported");
}

static bool
satisfies(const ExprKeyCondition *condition, const DdbValue *value)
{
	int			order;

	if (condition->op == EXPR_KEY_BEGINS_WITH)
		return ddb_value_begins_with(value, &condition->values[0]);
	order = ddb_value_compare(value, &condition->values[0]);
	switch (condition->op)
	{
		case EXPR_KEY_EQ:
			return order == 0;
		case EXPR_KEY_LT:
			return order < 0;
		case EXPR_KEY_LE:
			return order <= 0;
		case EXPR_KEY_GT:
			return order > 0;
		case EXPR_KEY_GE:
			return order >= 0;
		case EXPR_KEY_BETWEEN:
			return order >= 0 && ddb_value_compare(value, &condition->values[1]) <= 0;
		case EXPR_KEY_BEGINS_WITH:
			break;
	}
	elog(ERROR, "unrecognized key condition operator %d", condition->op);
}

static void
check_query_start(ReadRequest *read)
{
	const DdbKeySchema *keys = &read->table->keys;
	DdbDoc		start;
	DdbValue	value;
	ExprKeyCondition *sort_condition;
	bool		same_partition;

	if (read->start_doc == NULL)
		return;
	start = ddb_doc_root(read->start_doc);
	ddb_item_get(start, keys->attr[0].name.str, keys->attr[0].name.len, &value);
	if (keys->nattrs == 1)
		ddb_validation_error("The provided exclusive start key is invalid: "
							 "ExclusiveStartKey: {%.*s=AttributeValue: {%s:%.*s}}",
							 keys->attr[0].name.len, keys->attr[0].name.str,
							 ddb_type_name(value.type), value.text.len, value.text.str);

	same_partition = ddb_value_equal(&value, &condition_on(read, &keys->attr[0])->values[0]);
	sort_condition = condition_on(read, &keys->attr[1]);
	if (sort_condition == NULL)
	{
		if (!same_partition)
			ddb_validation_error("The provided starting key is outside query boundaries based on provided conditions");
	}
	else
	{
		ddb_item_get(start, keys->attr[1].name.str, keys->attr[1].name.len, &value);
		if (!satisfies(sort_condition, &value))
			ddb_validation_error("The provided starting key does not match the range key predicate");
		if (!same_partition)
			ddb_validation_error("The query can return at most one row and cannot be restarted");
	}
	ddb_key_of_argument(keys, start, &read->start);
}

static void
check_filter_attributes(const ReadRequest *read)
{
	const DdbKeySchema *keys = &read->table->keys;
	int			i;

	if (read->filter == NULL)
		return;
	for (i = 0; i < keys->nattrs; i++)
	{
		if (ddb_expr_uses_attribute(read->filter, keys->attr[i].name, false))
			ddb_validation_error("Filter Expression can only contain non-primary key attributes: "
								 "Primary key attribute: %.*s",
								 keys->attr[i].name.len, keys->attr[i].name.str);
	}
}

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
	read->conditions = ddb_expr_key_conditions(key_condition, &read->nconditions);
	if (read->nconditions > 2)
		ddb_validation_error("Conditions can be of length 1 or 2 only");

	read->table = ddb_op_open(request, AccessShareLock, ACL_SELECT, "Query");
	check_index(request);
	if (read->start_doc != NULL &&
		ddb_doc_count(ddb_doc_root(read->start_doc)) != read->table->keys.nattrs)
		ddb_validation_error("The provided starting key is invalid");
	check_key_element(read, 0);
	if (read->table->keys.nattrs == 2)
		check_key_element(read, 1);
	check_query_start(read);
	ddb_op_check_key_paths(read->projection, &read->table->keys);
	check_filter_attributes(read);
	check_select(read, "Querying");
	ddb_op_check_key_paths(read->filter, &read->table->keys);
}

static void
set_bound(DdbBound *bound, const DdbValue *value, bool inclusive)
{
	bound->present = true;
	bound->inclusive = inclusive;
	bound->value = ddb_key_column(value, false);
}

static void
range_of_condition(const ExprKeyCondition *condition, DdbPartitionRange *range)
{
	const DdbValue *value = &condition->values[0];

	switch (condition->op)
	{
		case EXPR_KEY_EQ:
			set_bound(&range->lower, value, true);
			set_bound(&range->upper, value, true);
			return;
		case EXPR_KEY_LT:
		case EXPR_KEY_LE:
			set_bound(&range->upper, value, condition->op == EXPR_KEY_LE);
			return;
		case EXPR_KEY_GT:
		case EXPR_KEY_GE:
			set_bound(&range->lower, value, condition->op == EXPR_KEY_GE);
			return;
		case EXPR_KEY_BETWEEN:
			set_bound(&range->lower, value, true);
			set_bound(&range->upper, &condition->values[1], true);
			return;
		case EXPR_KEY_BEGINS_WITH:
			set_bound(&range->lower, value, true);
			range->upper.inclusive = false;
			range->upper.present = ddb_key_prefix_end(value->type, range->lower.value,
													  &range->upper.value);
			return;
	}
	elog(ERROR, "unrecognized key condition operator %d", condition->op);
}

/*
 * The range of a checked Query; a start key, which lies within, replaces the
 * bound on the side where reading begins.
 */
static void
query_range(const ReadRequest *read, bool forward, DdbPartitionRange *range)
{
	const DdbKeySchema *keys = &read->table->keys;
	ExprKeyCondition *sort_condition = NULL;

	memset(range, 0, sizeof(DdbPartitionRange));
	range->forward = forward;
	range->pk = ddb_key_column(&condition_on(read, &keys->attr[0])->values[0], true);
	if (keys->nattrs == 2)
		sort_condition = condition_on(read, &keys->attr[1]);
	if (sort_condition != NULL)
		range_of_condition(sort_condition, range);
	if (read->start_doc != NULL)
	{
		DdbBound   *bound = forward ? &range->lower : &range->upper;

		bound->present = true;
		bound->inclusive = false;
		bound->value = read->start.col[1];
	}
}

/* ----------------------------------------------------------------
 * Scan
 * ----------------------------------------------------------------
 */

static void
check_segments(DdbDoc request, DdbTableRange *range)
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

static void
check_scan_start_shape(const ReadRequest *read)
{
	const DdbKeySchema *keys = &read->table->keys;
	DdbDoc		start;
	int			i;

	if (read->start_doc == NULL)
		return;
	start = ddb_doc_root(read->start_doc);
	for (i = 0; i < keys->nattrs; i++)
	{
		DdbValue	value;

		if (ddb_doc_count(start) != keys->nattrs ||
			!ddb_item_get(start, keys->attr[i].name.str, keys->attr[i].name.len, &value) ||
			value.type != keys->attr[i].type)
			ddb_validation_error("The provided starting key is invalid: The provided key element does not match the schema");
	}
}

static void
check_scan_start(ReadRequest *read, DdbTableRange *range)
{
	if (read->start_doc == NULL)
		return;
	ddb_key_of_argument(&read->table->keys, ddb_doc_root(read->start_doc),
						&read->start);
	if (ddb_scan_segment(read->table, &read->start, range->total) != range->segment)
		ddb_validation_error("The provided starting key is invalid: Invalid ExclusiveStartKey. "
							 "Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d",
							 range->total, range->segment);
	range->start = &read->start;
}

/*
 * Everything a Scan request must satisfy, in the service's order.
 */
static void
prepare_scan(DdbDoc request, ReadRequest *read, DdbTableRange *range)
{
	static const DdbParameterSets sets = {
		.legacy = scan_legacy,
		.expression = scan_expressions,
		.needs_values = "FilterExpression is null",
		.value_expressions = scan_value_expressions
	};
	ExprRequest context;

	memset(read, 0, sizeof(ReadRequest));
	memset(range, 0, sizeof(DdbTableRange));
	ddb_op_check_mixing(request, &sets);
	read_members(request, read);
	read_start_key(request, read);
	check_segments(request, range);
	ddb_op_expressions(request, &context);
	read->filter = ddb_op_expression(request, &context, EXPR_FILTER, "FilterExpression");
	read->projection = ddb_op_expression(request, &context, EXPR_PROJECTION, "ProjectionExpression");
	ddb_expr_context_finish(&context);

	read->table = ddb_op_open(request, AccessShareLock, ACL_SELECT, "Scan");
	check_index(request);
	check_scan_start_shape(read);
	check_select(read, "Scanning");
	check_scan_start(read, range);
	ddb_op_check_key_paths(read->projection, &read->table->keys);
	ddb_op_check_key_paths(read->filter, &read->table->keys);
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

/* DdbScanItem: one evaluated item; false when it fills the page */
static bool
consume(DdbDoc item, void *arg)
{
	ReadPage   *page = arg;
	const ReadRequest *read = page->read;
	MemoryContext old;

	page->scanned++;
	page->bytes += ddb_item_size(item);
	if (read->filter == NULL || ddb_expr_matches(read->filter, item))
	{
		page->count++;
		if (read->select != SELECT_COUNT)
			add_item(page, item);
	}
	if (page->scanned != read->limit && page->bytes <= ddb_page_size)
		return true;

	old = MemoryContextSwitchTo(page->context);
	page->more = true;
	item = ddb_doc_root(ddb_doc_copy(item));
	ddb_key_to_json(&read->table->keys, item, &page->last_key);
	MemoryContextSwitchTo(old);
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

static Jsonb *
page_response(DdbDoc request, ReadPage *page)
{
	double		units = ddb_read_units(page->bytes, page->read->consistent);
	JsonbValue	response;

	ddb_op_consumed.read_units += units;
	ddb_json_object(&response, 5);
	if (page->read->select != SELECT_COUNT)
		ddb_json_add_value(&response, "Items", &page->items);
	ddb_json_add_int(&response, "Count", page->count);
	ddb_json_add_int(&response, "ScannedCount", page->scanned);
	if (page->more)
		ddb_json_add_value(&response, "LastEvaluatedKey", &page->last_key);
	ddb_op_add_capacity(&response, request, units);
	return ddb_json_encode(&response);
}

Jsonb *
ddb_op_query(DdbDoc request)
{
	ReadRequest read;
	ReadPage	page;
	DdbPartitionRange range;
	bool		forward = true;

	prepare_query(request, &read);
	(void) ddb_request_bool(request, "ScanIndexForward", &forward);
	query_range(&read, forward, &range);
	init_page(&page, &read);
	ddb_scan_partition(read.table, &range, consume, &page);
	return page_response(request, &page);
}

Jsonb *
ddb_op_scan(DdbDoc request)
{
	ReadRequest read;
	ReadPage	page;
	DdbTableRange range;

	prepare_scan(request, &read, &range);
	init_page(&page, &read);
	ddb_scan_table(read.table, &range, consume, &page);
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

	return read->filter == NULL || ddb_expr_matches(read->filter, item);
}

DdbItemCursor *
ddb_item_cursor_open(DdbDoc request, bool is_query)
{
	DdbItemCursor *cursor = palloc0(sizeof(DdbItemCursor));

	cursor->filter.accepts = accepts;
	cursor->filter.arg = &cursor->read;
	if (is_query)
	{
		DdbPartitionRange range;
		bool		forward = true;

		prepare_query(request, &cursor->read);
		(void) ddb_request_bool(request, "ScanIndexForward", &forward);
		query_range(&cursor->read, forward, &range);
		cursor->name = ddb_scan_open_partition(cursor->read.table, &range, &cursor->filter);
	}
	else
	{
		DdbTableRange range;

		prepare_scan(request, &cursor->read, &range);
		cursor->name = ddb_scan_open_unordered(cursor->read.table, &cursor->filter);
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
