/*
 * op_table_update.c
 *	  UpdateTable.
 *
 * Steps that need no table come first, then steps that compare with the table
 * as it is.  A change takes effect when its transaction commits, so the state
 * UPDATING is seen only in the response of the call itself.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "error.h"
#include "op.h"
#include "op_table.h"

#define FREE_DECREASES			4	/* in the first hour of a UTC day */
#define MAX_DECREASES			27	/* in a UTC day */
#define ON_DEMAND_SWITCH_PERIOD DDB_MS_PER_DAY
#define CLASS_CHANGE_PERIOD		(30 * DDB_MS_PER_DAY)

typedef struct UpdateRequest
{
	DdbDoc		request;
	const DdbTable *table;
	int64		now;			/* ms since 1970 */
	DdbTableSettings before;
	DdbTableSettings after;
	bool		updating;		/* a change that leaves ACTIVE for a while */
	bool		wants_stream;
} UpdateRequest;

static const DdbUnavailableMember update_unavailable[] = {
	{"GlobalSecondaryIndexUpdates", "secondary indexes"},
	{"ReplicaUpdates", "global tables"},
	{"MultiRegionConsistency", "global tables"},
	{"GlobalTableWitnessUpdates", "global tables"},
	{"GlobalTableSettingsReplicationMode", "global tables"},
	{"VectorIndexUpdates", "vector indexes"},
	{"DisassociationProtectionEnabled", "global tables"},
};

/* each of them is a change that UpdateTable can make; empty lists are none */
static const char *const update_changes[] = {
	"BillingMode",
	"ProvisionedThroughput",
	"GlobalSecondaryIndexUpdates",
	"StreamSpecification",
	"SSESpecification",
	"ReplicaUpdates",
	"TableClass",
	"DeletionProtectionEnabled",
	"MultiRegionConsistency",
	"GlobalTableWitnessUpdates",
	"OnDemandThroughput",
	"WarmThroughput",
	"GlobalTableSettingsReplicationMode",
	"VectorIndexUpdates",
	"DisassociationProtectionEnabled",
};

/* ---- UpdateTable: what needs no table ---- */

static void
update_check_something(UpdateRequest *update)
{
	int			i;

	for (i = 0; i < lengthof(update_changes); i++)
	{
		if (ddb_request_has(update->request, update_changes[i]) &&
			!ddb_op_is_empty_list(update->request, update_changes[i]))
			return;
	}
	ddb_validation_error("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
}

static void
update_check_throughput(UpdateRequest *update)
{
	DdbThroughput throughput = ddb_op_read_throughput(update->request);
	DdbBillingMode mode = ddb_op_read_billing_mode(update->request);

	if (mode == DDB_BILLING_PROVISIONED && !throughput.given)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	if (mode == DDB_BILLING_PAY_PER_REQUEST && throughput.given)
		ddb_op_refuse_throughput_on_demand();
	ddb_op_check_throughput_bounds(&throughput);
}

/* name of the index that an element of GlobalSecondaryIndexUpdates is about */
static DdbText
check_index_update(DdbDoc element)
{
	static const char *const actions[] = {"Update", "Create", "Delete"};
	DdbDoc		action = {NULL, 0};
	DdbText		name = {"", 0};
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
	ddb_request_string(action, "IndexName", &name);
	return name;
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

static void
update_check_indexes(UpdateRequest *update)
{
	DdbDoc		list = ddb_request_doc(update->request,
									   "GlobalSecondaryIndexUpdates");
	DdbText    *names;
	int			n;
	int			i;

	if (list.ptr == NULL)
		return;
	n = ddb_doc_count(list);
	names = palloc(sizeof(DdbText) * n);
	for (i = 0; i < n; i++)
		names[i] = check_index_update(ddb_tableinfo_member(list, i));
	qsort(names, n, sizeof(DdbText), compare_texts);
	for (i = 1; i < n; i++)
	{
		if (compare_texts(&names[i - 1], &names[i]) == 0)
			ddb_validation_error(INVALID_PARAMETERS "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
								 names[i].len, names[i].str);
	}
}

/* ---- UpdateTable: the changes ---- */

static void
update_stream(UpdateRequest *update)
{
	DdbDoc		specification = ddb_request_doc(update->request,
												"StreamSpecification");

	if (specification.ptr == NULL)
		return;
	update->wants_stream = ddb_op_read_stream_enabled(specification);
	if (!update->wants_stream)
		ddb_validation_error("Table has no stream to disable: TableName: %s",
							 update->table->name);
}

/* put now in front of a list of times, or false where all are in the period */
static bool
push_time(int64 *times, int count, int64 period, int64 now)
{
	if (times[count - 1] != 0 && now - times[count - 1] < period)
		return false;
	memmove(times + 1, times, sizeof(int64) * (count - 1));
	times[0] = now;
	return true;
}

/*
 * Switching to on-demand is limited, going back is not.  Maxima belong to the
 * on-demand mode and end with it.
 */
static void
update_billing(UpdateRequest *update)
{
	DdbBillingMode mode = ddb_op_read_billing_mode(update->request);
	DdbTableSettings *after = &update->after;

	if (mode == DDB_BILLING_ABSENT ||
		(mode == DDB_BILLING_PAY_PER_REQUEST) == after->on_demand)
		return;
	after->on_demand = mode == DDB_BILLING_PAY_PER_REQUEST;
	after->read_units = 0;
	after->write_units = 0;
	after->max_read_requests = 0;
	after->max_write_requests = 0;
	update->updating = true;
	if (after->on_demand &&
		!push_time(after->on_demand_since, DDB_ON_DEMAND_SWITCHES,
				   ON_DEMAND_SWITCH_PERIOD, update->now))
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Updates to PAY_PER_REQUEST mode are limited to %d in 24 hours",
				  DDB_ON_DEMAND_SWITCHES);
}

/*
 * A UTC day allows four decreases within an hour, then one for every hour
 * without one, 27 in all.
 */
static void
count_decrease(UpdateRequest *update)
{
	DdbTableSettings *after = &update->after;
	int64		now = update->now;
	bool		first_hour = after->decreases < FREE_DECREASES &&
	now - after->first_decrease < DDB_MS_PER_HOUR;
	bool		quiet_hour = now - after->last_decrease >= DDB_MS_PER_HOUR;

	if (after->decreases == 0)
		after->first_decrease = now;
	else if (after->decreases >= MAX_DECREASES || !(first_hour || quiet_hour))
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first %d decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: " INT64_FORMAT,
				  FREE_DECREASES, after->decreases);
	after->decreases++;
	after->last_decrease = now;
}

static void
refuse_same_throughput(const DdbThroughput *throughput)
{
	int64		read = throughput->read;
	int64		write = throughput->write;

	ddb_validation_error("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: " INT64_FORMAT ". Requested ReadCapacityUnits: " INT64_FORMAT ". Current WriteCapacityUnits provisioned for the table: " INT64_FORMAT ". Requested WriteCapacityUnits: " INT64_FORMAT ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
						 read, read, write, write);
}

/* coming from on-demand, throughput neither rises nor falls */
static void
update_throughput(UpdateRequest *update)
{
	DdbThroughput throughput = ddb_op_read_throughput(update->request);
	const DdbTableSettings *before = &update->before;
	DdbTableSettings *after = &update->after;

	if (!throughput.given)
		return;
	if (after->on_demand)
		ddb_op_refuse_throughput_on_demand();
	if (!before->on_demand)
	{
		if (throughput.read == before->read_units &&
			throughput.write == before->write_units)
			refuse_same_throughput(&throughput);
		if (throughput.read < before->read_units ||
			throughput.write < before->write_units)
			count_decrease(update);
		if (throughput.read > before->read_units ||
			throughput.write > before->write_units)
			after->last_increase = update->now;
	}
	after->read_units = throughput.read;
	after->write_units = throughput.write;
	update->updating = true;
}

/* what the table could serve before stays, whatever its throughput now is */
static void
update_capacity(UpdateRequest *update)
{
	DdbTableSettings *after = &update->after;
	int64		read;
	int64		write;

	ddb_tableinfo_warm(&update->before, &read, &write);
	after->warm_read = Max(after->warm_read, read);
	after->warm_write = Max(after->warm_write, write);
	ddb_tableinfo_read_on_demand_throughput(update->request, after);
	ddb_tableinfo_read_warm_throughput(update->request, after);
	if (ddb_request_has(update->request, "OnDemandThroughput") ||
		ddb_request_has(update->request, "WarmThroughput"))
		update->updating = true;
}

static void
update_table_class(UpdateRequest *update)
{
	DdbTableSettings *after = &update->after;
	int			table_class = ddb_request_enum(update->request, "TableClass",
											   ddb_op_table_classes, -1);

	if (table_class < 0 || (table_class == 1) == after->infrequent_access)
		return;
	after->infrequent_access = table_class == 1;
	update->updating = true;
	if (!push_time(after->class_changed, DDB_CLASS_CHANGES,
				   CLASS_CHANGE_PERIOD, update->now))
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Updates to TableClass are limited to %d in 30 days",
				  DDB_CLASS_CHANGES);
}

/* protection takes effect at once, without leaving ACTIVE */
static void
update_options(UpdateRequest *update)
{
	ddb_request_bool(update->request, "DeletionProtectionEnabled",
					 &update->after.deletion_protection);
	ddb_tableinfo_read_encryption(update->request, &update->after);
	if (ddb_request_has(update->request, "SSESpecification"))
		update->updating = true;
}

static void
append_schema_element(StringInfo schema, int i, DdbText name, DdbType type,
					  DdbText key_type)
{
	appendStringInfo(schema, "%sSchemaElement: key{%.*s:%s:%.*s}",
					 i > 0 ? ", " : "", name.len, name.str,
					 ddb_type_name(type), key_type.len, key_type.str);
}

static void
refuse_redefinition(const DdbKeySchema *keys, DdbDoc key_schema, DdbDoc definitions)
{
	static const DdbText key_types[] = {{"HASH", 4}, {"RANGE", 5}};
	StringInfoData existing;
	StringInfoData wanted;
	int			n = ddb_doc_count(key_schema);
	int			i;

	initStringInfo(&existing);
	initStringInfo(&wanted);
	for (i = 0; i < keys->nattrs; i++)
		append_schema_element(&existing, i, keys->attr[i].name,
							  keys->attr[i].type, key_types[i]);
	for (i = 0; i < n; i++)
	{
		DdbDoc		element = ddb_tableinfo_member(key_schema, i);
		DdbText		name = ddb_op_attribute_name(element);
		DdbText		key_type = {"", 0};
		DdbType		type = DDB_S;

		(void) ddb_op_find_definition(definitions, name, &type);
		(void) ddb_request_string(element, "KeyType", &key_type);
		append_schema_element(&wanted, i, name, type, key_type);
	}
	ddb_validation_error(INVALID_PARAMETERS "Attributes cannot be redefined. Please check that your attribute has the same type as previously defined. Existing schema: Schema:[%s] New schema: Schema:[%s]",
						 existing.data, wanted.data);
}

/* the keys of a new index have the types that the table's keys give them */
static void
check_not_redefined(const DdbKeySchema *keys, DdbDoc key_schema, DdbDoc definitions)
{
	int			n = ddb_doc_count(key_schema);
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		DdbText		name = ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i));
		DdbType		type;

		if (!ddb_op_find_definition(definitions, name, &type))
			continue;
		for (j = 0; j < keys->nattrs; j++)
		{
			if (ddb_op_text_equal(keys->attr[j].name, name) &&
				keys->attr[j].type != type)
				refuse_redefinition(keys, key_schema, definitions);
		}
	}
}

static void
check_index_creation(const UpdateRequest *update, DdbDoc index)
{
	DdbDoc		definitions = ddb_request_doc(update->request,
											  "AttributeDefinitions");

	ddb_op_check_new_index(index, definitions);
	check_not_redefined(&update->table->keys,
						ddb_request_doc(index, "KeySchema"), definitions);
	ddb_op_check_index_throughput(index, update->after.on_demand);
}

/*
 * One index may be made or removed at a time.  No table has an index to be
 * changed or removed.
 */
static void
update_indexes(UpdateRequest *update)
{
	DdbDoc		list = ddb_request_doc(update->request,
									   "GlobalSecondaryIndexUpdates");
	int			n = list.ptr != NULL ? ddb_doc_count(list) : 0;
	int			changes = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!ddb_request_has(ddb_tableinfo_member(list, i), "Update"))
			changes++;
	}
	if (changes > 1)
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
	for (i = 0; i < n; i++)
	{
		DdbDoc		create = ddb_request_doc(ddb_tableinfo_member(list, i), "Create");

		if (create.ptr == NULL)
			ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
		check_index_creation(update, create);
	}
}

/* after everything that the API itself has to say about the request */
static void
update_refuse_unavailable(UpdateRequest *update)
{
	ddb_op_refuse_unavailable(update->request, update_unavailable,
							  lengthof(update_unavailable));
	if (update->wants_stream)
		ddb_op_refuse_stream();
}

static void (*const update_checks[]) (UpdateRequest *) = {
	update_check_something,
	update_check_throughput,
	update_check_indexes,
};

static void (*const update_steps[]) (UpdateRequest *) = {
	update_stream,
	update_billing,
	update_throughput,
	update_indexes,
	update_capacity,
	update_table_class,
	update_options,
	update_refuse_unavailable,
};

/*
 * The answer shows what is known at once: the billing mode, the times of
 * throughput changes, protection; throughput, its count of decreases and the
 * time of a switch to on-demand are as before, until the table is active.
 */
static Jsonb *
update_response(const UpdateRequest *update, const DdbTableRow *row)
{
	DdbTableSettings shown = update->after;
	DdbTableView view = {row, &shown, "ACTIVE", "ACTIVE"};

	if (update->updating)
		view.status = "UPDATING";
	if (ddb_request_has(update->request, "WarmThroughput"))
		view.warm_status = "UPDATING";
	if (!shown.on_demand)
	{
		shown.read_units = update->before.read_units;
		shown.write_units = update->before.write_units;
	}
	shown.decreases = update->before.decreases;
	shown.on_demand_since[0] = update->before.on_demand_since[0];
	ddb_item_table_measure(update->table, &view.items, &view.bytes);
	return ddb_op_description_response("TableDescription", &view);
}

Jsonb *
ddb_op_update_table(DdbDoc request)
{
	UpdateRequest update;
	DdbTableRow row;
	int			i;

	memset(&update, 0, sizeof(update));
	update.request = request;
	update.now = ddb_tableinfo_now();
	for (i = 0; i < lengthof(update_checks); i++)
		update_checks[i] (&update);

	update.table = ddb_catalog_open(ddb_op_request_table_name(request, "UpdateTable"),
									ShareUpdateExclusiveLock, DDB_ACL_OWNER,
									"UpdateTable", true);
	ddb_catalog_read(update.table, &row);
	ddb_tableinfo_decode(row.settings, update.now, &update.before);
	update.after = update.before;
	for (i = 0; i < lengthof(update_steps); i++)
		update_steps[i] (&update);

	ddb_catalog_update_settings(update.table,
								ddb_tableinfo_encode(&update.after));
	return update_response(&update, &row);
}
