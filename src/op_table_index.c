/*
 * op_table_index.c
 *	  Secondary indexes in CreateTable, UpdateTable and DescribeTable.
 *
 * What a request says about indexes becomes structs here, after the rules of
 * op_table_schema.c have passed.  UpdateTable's part has three stages: rules
 * that need no table; a plan, with the rules that compare with the table as
 * it is; and its execution.  An index that is made for a table with items is
 * filled by a background worker once the transaction has committed.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "error.h"
#include "guc.h"
#include "indexbuild.h"
#include "op_table.h"

/* one of the table's indexes, in the order of table->indexes */
typedef struct IndexState
{
	DdbTableSettings before;
	DdbTableSettings after;
	bool		changed;		/* settings are to be written */
	bool		updated;		/* named by an Update */
	bool		deleted;
} IndexState;

struct DdbIndexChanges
{
	const DdbTable *table;
	DdbDoc		definitions;	/* of the request; ptr NULL where absent */
	bool		was_on_demand;
	bool		on_demand;
	int64		now;
	IndexState *states;
	bool		creates;
	DdbIndex	created;
	DdbTableSettings created_settings;
};

/* ---- reading indexes ---- */

static DdbText
index_name(DdbDoc index)
{
	DdbText		name = {"", 0};

	ddb_request_string(index, "IndexName", &name);
	return name;
}

/*
 * Unique, an option of ours for global indexes: not looked at while requests
 * mean what they mean to DynamoDB, which ignores members that it does not know.
 */
static bool
read_unique(DdbDoc index)
{
	JsonbValue	value;
	DdbText		name;

	if (ddb_strict || !ddb_doc_get(index, "Unique", strlen("Unique"), &value) ||
		value.type == jbvNull)
		return false;
	name = index_name(index);
	if (value.type != jbvBool)
		ddb_validation_error(INVALID_PARAMETERS "Unique must be true or false for index: %.*s",
							 name.len, name.str);
	return value.val.boolean;
}

/* settings of a new global index; its throughput has been checked */
static DdbTableSettings
read_settings(DdbDoc index, bool on_demand)
{
	DdbTableSettings settings;
	DdbThroughput throughput = ddb_op_read_throughput(index);

	memset(&settings, 0, sizeof(settings));
	settings.on_demand = on_demand;
	settings.read_units = throughput.read;
	settings.write_units = throughput.write;
	ddb_tableinfo_read_on_demand_throughput(index, &settings);
	ddb_tableinfo_read_warm_throughput(index, &settings);
	return settings;
}

/* an index has the billing mode of its table, which is not stored again */
static Jsonb *
encode_settings(const DdbTableSettings *settings)
{
	DdbTableSettings stored = *settings;

	stored.on_demand = false;
	return ddb_tableinfo_encode(&stored);
}

static void
read_index(DdbDoc index, DdbDoc definitions, bool global, bool on_demand, DdbIndex *out)
{
	DdbTableSettings settings;

	memset(out, 0, sizeof(*out));
	out->global = global;
	ddb_op_read_index_schema(index, definitions, out);
	memset(&settings, 0, sizeof(settings));
	if (global)
	{
		out->is_unique = read_unique(index);
		settings = read_settings(index, on_demand);
	}
	out->settings = encode_settings(&settings);
}

DdbIndex *
ddb_op_read_indexes(const DdbIndexRequest *request, int *count)
{
	int			nlocal = request->local_indexes.ptr ? ddb_doc_count(request->local_indexes) : 0;
	int			nglobal = request->global_indexes.ptr ? ddb_doc_count(request->global_indexes) : 0;
	DdbIndex   *indexes = palloc(sizeof(DdbIndex) * Max(nlocal + nglobal, 1));
	int			i;

	for (i = 0; i < nlocal; i++)
		read_index(ddb_tableinfo_member(request->local_indexes, i), request->definitions,
				   false, request->on_demand, &indexes[i]);
	for (i = 0; i < nglobal; i++)
		read_index(ddb_tableinfo_member(request->global_indexes, i), request->definitions,
				   true, request->on_demand, &indexes[nlocal + i]);
	*count = nlocal + nglobal;
	return indexes;
}

/* ---- describing indexes ---- */

static DdbTableSettings
index_settings(const DdbIndex *index, bool on_demand, int64 now)
{
	DdbTableSettings settings;

	ddb_tableinfo_decode(index->settings, now, &settings);
	settings.on_demand = on_demand;
	return settings;
}

/* IndexStatus as the index is; the catalog's states before ACTIVE are one here */
static void
view_status(DdbIndexView *view)
{
	bool		active = view->index->status == DDB_INDEX_ACTIVE;

	view->status = active ? "ACTIVE" : "CREATING";
	view->building = !active;
	view->backfilling = view->index->status == DDB_INDEX_BACKFILLING;
}

DdbIndexView *
ddb_op_view_indexes(const DdbTable *table, const DdbTableSettings *settings, bool creating)
{
	DdbIndexView *views = palloc0(sizeof(DdbIndexView) * Max(table->nindexes, 1));
	int64		now = ddb_tableinfo_now();
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		DdbIndexView *view = &views[i];

		view->index = &table->indexes[i];
		view->settings = index_settings(view->index, settings->on_demand, now);
		view_status(view);
		if (creating)
			view->status = "CREATING";
		else
			ddb_index_table_measure(table, view->index, &view->items, &view->bytes);
	}
	return views;
}

bool
ddb_op_has_index_in(const DdbTable *table, DdbIndexStatus status)
{
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		if (table->indexes[i].status == status)
			return true;
	}
	return false;
}

bool
ddb_op_has_building_index(const DdbTable *table)
{
	return ddb_op_has_index_in(table, DDB_INDEX_CREATING) ||
		ddb_op_has_index_in(table, DDB_INDEX_BACKFILLING);
}

void
ddb_op_refuse_busy_table(const DdbTable *table)
{
	ddb_error(DDB_RESOURCE_IN_USE,
			  "Attempt to change a resource which is still in use: Table is being updated: %s",
			  table->name);
}

/* ---- UpdateTable: what needs no table ---- */

/* name of the index that an element of GlobalSecondaryIndexUpdates is about */
static DdbText
check_index_update(DdbDoc element)
{
	static const char *const actions[] = {"Update", "Create", "Delete"};
	DdbDoc		action = {NULL, 0};
	DdbThroughput throughput;
	int			given = 0;
	int			i;

	for (i = 0; i < lengthof(actions); i++)
	{
		if (!ddb_request_has(element, actions[i]))
			continue;
		action = ddb_request_doc(element, actions[i]);
		given++;
	}
	if (given == 0)
		ddb_validation_error(INVALID_PARAMETERS "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null");
	if (given > 1)
		ddb_validation_error(INVALID_PARAMETERS "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete may be specified");
	throughput = ddb_op_read_throughput(action);
	if (throughput.read > DDB_MAX_THROUGHPUT || throughput.write > DDB_MAX_THROUGHPUT)
		ddb_validation_error("This operation cannot be performed with given input values. Please contact DynamoDB service team for more info: Action Blocked: IndexUpdate");
	return index_name(action);
}

static int
compare_texts(const void *a, const void *b)
{
	const DdbText *left = a;
	const DdbText *right = b;

	if (left->len != right->len)
		return left->len < right->len ? -1 : 1;
	return memcmp(left->str, right->str, left->len);
}

void
ddb_op_check_index_updates(DdbDoc updates)
{
	DdbText    *names;
	int			n;
	int			i;

	if (updates.ptr == NULL)
		return;
	n = ddb_doc_count(updates);
	names = palloc(sizeof(DdbText) * Max(n, 1));
	for (i = 0; i < n; i++)
		names[i] = check_index_update(ddb_tableinfo_member(updates, i));
	qsort(names, n, sizeof(DdbText), compare_texts);
	for (i = 1; i < n; i++)
	{
		if (compare_texts(&names[i - 1], &names[i]) == 0)
			ddb_validation_error(INVALID_PARAMETERS "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
								 names[i].len, names[i].str);
	}
}

/* number of indexes that the call creates or deletes */
static int
count_index_changes(DdbDoc request)
{
	DdbDoc		list = ddb_request_doc(request, "GlobalSecondaryIndexUpdates");
	int			n = list.ptr != NULL ? ddb_doc_count(list) : 0;
	int			changes = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!ddb_request_has(ddb_tableinfo_member(list, i), "Update"))
			changes++;
	}
	return changes;
}

bool
ddb_op_has_index_change(DdbDoc request)
{
	return count_index_changes(request) > 0;
}

/* ---- UpdateTable: the plan ---- */

static void
refuse_online_index(void)
{
	ddb_error(DDB_LIMIT_EXCEEDED,
			  "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
}

/* a global index of the table by its name, as a position in table->indexes */
static int
find_global_index(const DdbIndexChanges *changes, DdbText name)
{
	const DdbIndex *index = ddb_catalog_index(changes->table, name);

	if (index == NULL)
		ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
	if (!index->global)
		ddb_validation_error(INVALID_PARAMETERS "Index is not a global secondary index: %.*s",
							 name.len, name.str);
	return index - changes->table->indexes;
}

static void
append_schema_elements(StringInfo schema, const DdbKeyAttr *attrs, int n, const char *key_type)
{
	int			i;

	for (i = 0; i < n; i++)
		appendStringInfo(schema, "%sSchemaElement: key{%.*s:%s:%s}",
						 schema->len > 0 ? ", " : "",
						 attrs[i].name.len, attrs[i].name.str,
						 ddb_type_name(attrs[i].type), key_type);
}

/* the keys as messages print them */
static char *
print_index_schema(const DdbIndex *index)
{
	StringInfoData schema;

	initStringInfo(&schema);
	append_schema_elements(&schema, index->partition, index->npartition, "HASH");
	append_schema_elements(&schema, index->sort, index->nsort, "RANGE");
	return schema.data;
}

/* the table's own key, in the form of an index's */
static DdbIndex
table_schema(const DdbKeySchema *keys)
{
	DdbIndex	schema;

	memset(&schema, 0, sizeof(schema));
	schema.npartition = 1;
	schema.partition[0] = keys->attr[0];
	schema.nsort = keys->nattrs - 1;
	memcpy(schema.sort, keys->attr + 1, schema.nsort * sizeof(DdbKeyAttr));
	return schema;
}

/* does one of the attributes have another type in the index? */
static bool
differs_in(const DdbKeyAttr *attrs, int n, const DdbKeyAttr *others, int nothers)
{
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		for (j = 0; j < nothers; j++)
		{
			if (attrs[i].type != others[j].type &&
				ddb_text_same(attrs[i].name, others[j].name))
				return true;
		}
	}
	return false;
}

static bool
differs_from_index(const DdbKeyAttr *attrs, int n, const DdbIndex *index)
{
	return differs_in(attrs, n, index->partition, index->npartition) ||
		differs_in(attrs, n, index->sort, index->nsort);
}

static void
refuse_redefinition(const DdbIndex *existing, const DdbIndex *wanted)
{
	ddb_validation_error(INVALID_PARAMETERS "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: Schema:[%s] New schema: Schema:[%s]",
						 print_index_schema(existing), print_index_schema(wanted));
}

/* give the attributes the types of the definitions; is one of them another? */
static bool
redefine(DdbKeyAttr *attrs, int n, DdbDoc definitions)
{
	bool		differs = false;
	DdbType		type;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!ddb_op_find_definition(definitions, attrs[i].name, &type) ||
			type == attrs[i].type)
			continue;
		attrs[i].type = type;
		differs = true;
	}
	return differs;
}

/*
 * The new index and the definitions that come with it, used or not, give the
 * attributes of an existing key no other types.
 */
static void
check_schema_kept(const DdbIndex *existing, const DdbIndex *wanted, DdbDoc definitions)
{
	DdbIndex	redefined = *existing;
	bool		differs;

	if (differs_from_index(existing->partition, existing->npartition, wanted) ||
		differs_from_index(existing->sort, existing->nsort, wanted))
		refuse_redefinition(existing, wanted);
	differs = redefine(redefined.partition, redefined.npartition, definitions);
	if (redefine(redefined.sort, redefined.nsort, definitions) || differs)
		refuse_redefinition(existing, &redefined);
}

static void
check_not_redefined(const DdbTable *table, const DdbIndex *wanted, DdbDoc definitions)
{
	DdbIndex	keys = table_schema(&table->keys);
	int			i;

	check_schema_kept(&keys, wanted, definitions);
	for (i = 0; i < table->nindexes; i++)
		check_schema_kept(&table->indexes[i], wanted, definitions);
}

/* what a table's indexes may come to, with another one */
static void
check_totals(const DdbTable *table, const DdbIndex *wanted)
{
	int			globals = 1;
	int			non_key_attributes = wanted->nattributes;
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		if (table->indexes[i].global)
			globals++;
		non_key_attributes += table->indexes[i].nattributes;
	}
	if (globals > DDB_MAX_GLOBAL_INDEXES)
		ddb_validation_error(INVALID_PARAMETERS "GlobalSecondaryIndex count exceeds the per-table limit of %d",
							 DDB_MAX_GLOBAL_INDEXES);
	if (non_key_attributes > DDB_MAX_NON_KEY_ATTRIBUTES)
		ddb_validation_error(INVALID_PARAMETERS "Number of NonKeyAttributes over all indexes exceeds per-table limit of %d",
							 DDB_MAX_NON_KEY_ATTRIBUTES);
}

static void
plan_creation(DdbIndexChanges *changes, DdbDoc request)
{
	const DdbTable *table = changes->table;
	DdbIndex   *index = &changes->created;
	DdbText		name = index_name(request);

	ddb_op_check_new_index(request, changes->definitions);
	memset(index, 0, sizeof(*index));
	ddb_op_read_index_schema(request, changes->definitions, index);
	if (ddb_catalog_index(table, name) != NULL)
		ddb_validation_error(INVALID_PARAMETERS "Attempting to create an index which already exists: %.*s",
							 name.len, name.str);
	check_not_redefined(table, index, changes->definitions);
	ddb_op_check_index_throughput(request, changes->on_demand);
	check_totals(table, index);
	if (ddb_op_has_building_index(table))
		refuse_online_index();
	read_index(request, changes->definitions, true, changes->on_demand, index);
	changes->created_settings = index_settings(index, changes->on_demand, changes->now);
	changes->creates = true;
}

/* an index that is being filled may be deleted, one about to be filled not */
static void
plan_deletion(DdbIndexChanges *changes, DdbDoc request)
{
	const DdbTable *table = changes->table;
	int			number = find_global_index(changes, index_name(request));
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		if (i != number && table->indexes[i].status != DDB_INDEX_ACTIVE)
			refuse_online_index();
	}
	if (table->indexes[number].status == DDB_INDEX_CREATING)
		ddb_op_refuse_busy_table(table);
	changes->states[number].deleted = true;
}

static void
refuse_same_throughput(const DdbThroughput *throughput, DdbText name)
{
	int64		read = throughput->read;
	int64		write = throughput->write;

	ddb_validation_error("The provisioned throughput for the index %.*s will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the index: " INT64_FORMAT ". Requested ReadCapacityUnits: " INT64_FORMAT ". Current WriteCapacityUnits provisioned for the index: " INT64_FORMAT ". Requested WriteCapacityUnits: " INT64_FORMAT ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
						 name.len, name.str, read, read, write, write);
}

/* coming from on-demand, throughput neither rises nor falls */
static void
plan_throughput(DdbIndexChanges *changes, DdbDoc request, IndexState *state)
{
	DdbThroughput throughput = ddb_op_read_throughput(request);

	if (!throughput.given)
		return;
	if (changes->on_demand)
		ddb_op_refuse_throughput_on_demand();
	if (changes->was_on_demand)
	{
		state->after.read_units = throughput.read;
		state->after.write_units = throughput.write;
		return;
	}
	if (throughput.read == state->before.read_units &&
		throughput.write == state->before.write_units)
		refuse_same_throughput(&throughput, index_name(request));
	ddb_op_change_throughput(&throughput, &state->before, &state->after, changes->now);
}

/* what the index could serve before stays, as with tables */
static void
plan_update(DdbIndexChanges *changes, DdbDoc request)
{
	DdbText		name = index_name(request);
	IndexState *state = &changes->states[find_global_index(changes, name)];
	int64		read;
	int64		write;

	if (!ddb_request_has(request, "ProvisionedThroughput") &&
		!ddb_request_has(request, "OnDemandThroughput") &&
		!ddb_request_has(request, "WarmThroughput"))
		ddb_validation_error(INVALID_PARAMETERS "At least one of ProvisionedThroughput, OnDemandThroughput or WarmThroughput is required for index: %.*s",
							 name.len, name.str);
	plan_throughput(changes, request, state);
	ddb_tableinfo_warm(&state->before, &read, &write);
	state->after.warm_read = Max(state->after.warm_read, read);
	state->after.warm_write = Max(state->after.warm_write, write);
	ddb_tableinfo_read_on_demand_throughput(request, &state->after);
	ddb_tableinfo_read_warm_throughput(request, &state->after);
	state->changed = true;
	state->updated = true;
}

static void
plan_element(DdbIndexChanges *changes, DdbDoc element)
{
	DdbDoc		create = ddb_request_doc(element, "Create");
	DdbDoc		delete = ddb_request_doc(element, "Delete");

	if (create.ptr != NULL)
		plan_creation(changes, create);
	else if (delete.ptr != NULL)
		plan_deletion(changes, delete);
	else
		plan_update(changes, ddb_request_doc(element, "Update"));
}

/* settings of the indexes, under the billing mode that shall be */
static void
plan_billing(DdbIndexChanges *changes)
{
	const DdbTable *table = changes->table;
	int			i;

	changes->states = palloc0(sizeof(IndexState) * Max(table->nindexes, 1));
	for (i = 0; i < table->nindexes; i++)
	{
		IndexState *state = &changes->states[i];

		state->before = index_settings(&table->indexes[i], changes->was_on_demand,
									   changes->now);
		state->after = state->before;
		if (changes->on_demand == changes->was_on_demand || !table->indexes[i].global)
			continue;
		state->after.on_demand = changes->on_demand;
		state->after.read_units = 0;
		state->after.write_units = 0;
		state->after.max_read_requests = 0;
		state->after.max_write_requests = 0;
		ddb_tableinfo_warm(&state->before, &state->after.warm_read,
						   &state->after.warm_write);
		state->changed = true;
	}
}

/* a table that becomes provisioned needs throughput for every global index */
static void
check_all_provisioned(const DdbIndexChanges *changes)
{
	const DdbTable *table = changes->table;
	StringInfoData names;
	int			i;

	if (changes->on_demand || !changes->was_on_demand)
		return;
	initStringInfo(&names);
	for (i = 0; i < table->nindexes; i++)
	{
		if (!table->indexes[i].global || changes->states[i].deleted ||
			changes->states[i].after.read_units != 0)
			continue;
		appendStringInfo(&names, "%s%s", names.len > 0 ? "," : "", table->indexes[i].name);
	}
	if (names.len > 0)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput must be specified for index: %s",
							 names.data);
}

DdbIndexChanges *
ddb_op_plan_index_changes(const DdbTable *table, DdbDoc request,
						  const DdbTableSettings *before, const DdbTableSettings *after,
						  int64 now)
{
	DdbIndexChanges *changes = palloc0(sizeof(DdbIndexChanges));
	DdbDoc		list = ddb_request_doc(request, "GlobalSecondaryIndexUpdates");
	int			n = list.ptr != NULL ? ddb_doc_count(list) : 0;
	int			i;

	changes->table = table;
	changes->definitions = ddb_request_doc(request, "AttributeDefinitions");
	changes->was_on_demand = before->on_demand;
	changes->on_demand = after->on_demand;
	changes->now = now;
	plan_billing(changes);
	if (count_index_changes(request) > 1)
		refuse_online_index();
	for (i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		plan_element(changes, ddb_tableinfo_member(list, i));
	}
	check_all_provisioned(changes);
	return changes;
}

/* ---- UpdateTable: the answer, and the work ---- */

/*
 * ddb_op_view_index_changes: throughput is shown as it was, as that of the
 * table is; a new index comes last, empty.
 */
DdbIndexView *
ddb_op_view_index_changes(DdbIndexChanges *changes, int *count)
{
	const DdbTable *table = changes->table;
	DdbIndexView *views = palloc0(sizeof(DdbIndexView) * (table->nindexes + 1));
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		const IndexState *state = &changes->states[i];
		DdbIndexView *view = &views[i];

		view->index = &table->indexes[i];
		view->settings = ddb_op_shown_settings(&state->before, &state->after);
		view_status(view);
		if (state->updated)
			view->status = "UPDATING";
		if (state->deleted)
		{
			view->status = "DELETING";
			view->building = false;
		}
		ddb_index_table_measure(table, view->index, &view->items, &view->bytes);
	}
	if (changes->creates)
	{
		views[i].index = &changes->created;
		views[i].settings = changes->created_settings;
		views[i].status = "CREATING";
		views[i].building = true;
		i++;
	}
	*count = i;
	return views;
}

/* an index on a table without items is complete at once */
static void
create_index(DdbIndexChanges *changes)
{
	DdbIndex   *index = &changes->created;
	bool		empty;

	/* what keeps out those who write to a partition comes with the index table */
	index->status = DDB_INDEX_CREATING;
	ddb_index_table_create(changes->table, index);
	empty = ddb_item_table_is_empty(changes->table);
	if (empty)
		ddb_catalog_update_index(changes->table, index, DDB_INDEX_ACTIVE, NULL);
	else
		ddb_index_build_at_commit(index->relid);
}

const DdbTable *
ddb_op_apply_index_changes(DdbIndexChanges *changes)
{
	const DdbTable *table = changes->table;
	int			i;

	for (i = 0; i < table->nindexes; i++)
	{
		const IndexState *state = &changes->states[i];

		if (state->deleted)
			ddb_index_table_drop(table, &table->indexes[i]);
		else if (state->changed)
			ddb_catalog_update_index_settings(table, &table->indexes[i],
											  encode_settings(&state->after));
	}
	if (!changes->creates)
		return table;
	create_index(changes);
	return ddb_catalog_find(table->name, strlen(table->name));
}
