/*
 * op_read.c
 *	  A page of items read from a table or an index.
 *
 * A page ends after so many items or dynamo.page_size bytes, counted before
 * the filter.  A local index gives what it does not hold, too: the whole item
 * is fetched from the table, before the filter or after it, depending on which
 * of them names such attributes.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "error.h"
#include "expr_eval.h"
#include "guc.h"
#include "op.h"
#include "op_common.h"
#include "op_read.h"

/* ----------------------------------------------------------------
 * What is read
 * ----------------------------------------------------------------
 */

void
ddb_read_open(DdbRead *read, DdbText table_name, DdbText index_name, const char *action)
{
	DdbText		name = ddb_catalog_table_name(table_name, action);

	read->table = ddb_catalog_open(name, AccessShareLock, ACL_SELECT, action, false);
	if (index_name.str != NULL)
	{
		read->index = ddb_catalog_index(read->table, index_name);
		if (read->index == NULL || !ddb_scan_index_lock(read->index))
			ddb_validation_error("The table does not have the specified index: %.*s",
								 index_name.len, index_name.str);
		if (read->index->global && read->consistent && ddb_strict)
			ddb_validation_error("Consistent reads are not supported on global secondary indexes");
		if (read->index->status != DDB_INDEX_ACTIVE)
			ddb_validation_error("Cannot read from backfilling global secondary index: %.*s",
								 index_name.len, index_name.str);
	}
	ddb_read_key_init(&read->query.key, read->table, read->index);
}

/* does the node name an attribute that the index does not hold? */
static bool
uses_unprojected(const DdbRead *read, const ExprBinding *binding, const ExprNode *node)
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
unprojected_attributes(const DdbRead *read)
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

/*
 * What the request wants of items beyond what the index holds: a global index
 * refuses, save that its filters see such attributes as missing; for a local
 * one it is fetched.
 */
void
ddb_read_check_projection(DdbRead *read)
{
	const DdbIndex *index = read->index;
	char	   *missing;

	if (index == NULL || index->projection == DDB_PROJECT_ALL)
		return;
	missing = read->projection ? unprojected_attributes(read) : NULL;
	if (index->global)
	{
		if (read->all_attributes)
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
	read->output_fetches = read->all_attributes || missing != NULL;
}

/* ----------------------------------------------------------------
 * Capacity
 * ----------------------------------------------------------------
 */

/* what the conditions fix of the key */
static DdbDoc
fixed_key(const DdbKeyQuery *query)
{
	DdbDoc		none = {NULL, 0};
	JsonbValue	object;
	int			i;

	if (query->nconditions == 0)
		return none;
	ddb_json_object(&object, query->nconditions);
	for (i = 0; i < query->nconditions; i++)
	{
		const ExprKeyCondition *condition = &query->conditions[i];
		JsonbValue	value;

		if (condition->op != EXPR_KEY_EQ)
			continue;
		ddb_value_to_json(&condition->values[0], &value);
		ddb_json_add(&object, condition->name.str, condition->name.len, &value);
	}
	return ddb_doc_root(ddb_json_encode(&object));
}

void
ddb_read_use(const DdbRead *read, DdbUse *use)
{
	memset(use, 0, sizeof(DdbUse));
	use->table = read->table;
	use->index = read->index;
	if (ddb_capacity_wants_key(read->table, read->index))
		use->key = fixed_key(&read->query);
}

void
ddb_read_admit(const DdbRead *read)
{
	DdbUse		use;

	ddb_read_use(read, &use);
	ddb_capacity_admit(&use, DDB_UNITS_READ, 0);
}

/* ----------------------------------------------------------------
 * Pages
 * ----------------------------------------------------------------
 */

static void
add_item(DdbPage *page, DdbDoc item)
{
	MemoryContext old = MemoryContextSwitchTo(page->context);
	const DdbRead *read = page->read;
	JsonbValue	value;

	ddb_json_jsonb(&value, read->projection ? read->project(read->projection, item) :
				   ddb_doc_copy(item));
	ddb_json_append(&page->items, &value);
	MemoryContextSwitchTo(old);
}

/* the item of a local index's entry, charged to the table */
static DdbDoc
fetch_item(DdbPage *page, DdbDoc entry)
{
	const DdbRead *read = page->read;
	Jsonb	   *item = ddb_scan_index_fetch(read->table, entry);

	if (item == NULL)
		return entry;
	page->fetch_units += ddb_item_read_units(ddb_doc_root(item), read->consistent);
	return ddb_doc_root(item);
}

static void
set_last_key(DdbPage *page, DdbDoc entry)
{
	MemoryContext old = MemoryContextSwitchTo(page->context);
	const DdbRead *read = page->read;

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
	DdbPage   *page = arg;
	const DdbRead *read = page->read;
	DdbDoc		item = read->filter_fetches ? fetch_item(page, entry) : entry;

	page->scanned++;
	page->bytes += ddb_item_size(entry);
	if (read->filter == NULL || ddb_expr_matches(read->filter, item))
	{
		page->count++;
		if (read->output_fetches && !read->filter_fetches)
			item = fetch_item(page, entry);
		if (!read->count_only)
			add_item(page, read->output_fetches ? item : entry);
	}
	if (page->scanned != read->limit && page->bytes <= ddb_page_size)
		return true;
	set_last_key(page, entry);
	return false;
}

void
ddb_page_init(DdbPage *page, const DdbRead *read)
{
	memset(page, 0, sizeof(DdbPage));
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

void
ddb_read_index_capacity(JsonbValue *capacity, bool with_indexes, DdbText table_name,
						const DdbPage *page, double index_units)
{
	const DdbIndex *index = page->read->index;
	JsonbValue	value;

	ddb_json_object(capacity, 4);
	ddb_json_string(&value, table_name.str, table_name.len);
	ddb_json_add_value(capacity, "TableName", &value);
	ddb_json_add_double(capacity, "CapacityUnits", index_units + page->fetch_units);
	if (!with_indexes)
		return;
	if (!index->global)
		add_units(capacity, "Table", page->fetch_units);
	ddb_json_object(&value, 1);
	add_units(&value, index->name, index_units);
	ddb_json_add_value(capacity, index->global ? "GlobalSecondaryIndexes" :
					   "LocalSecondaryIndexes", &value);
}

double
ddb_page_units(const DdbPage *page)
{
	const DdbRead *read = page->read;
	double		units = ddb_read_units(page->bytes, read->consistent);
	DdbUse		use;

	ddb_read_use(read, &use);
	ddb_capacity_consume(&use, DDB_UNITS_READ, units + page->fetch_units);
	ddb_capacity_returned(read->table, read->count_only ? page->count :
						  page->items.val.array.nElems);
	return units;
}

void
ddb_read_partition(const DdbRead *read, bool forward, DdbPage *page)
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

void
ddb_read_part(const DdbRead *read, const DdbScanPart *part, DdbPage *page)
{
	bool		has_start = read->query.start.ptr != NULL;

	if (read->index != NULL)
	{
		DdbIndexSegment segment = {part->segment, part->total, NULL};

		segment.start = has_start ? &part->index_start : NULL;
		ddb_scan_index(read->table, read->index, &segment, consume, page);
	}
	else
	{
		DdbTableRange segment = {part->segment, part->total, NULL};

		segment.start = has_start ? &part->table_start : NULL;
		ddb_scan_table(read->table, &segment, consume, page);
	}
}

