/*
 * op_table.c
 *	  CreateTable, DescribeTable, ListTables, UpdateTable, DeleteTable, and
 *	  what the account tells about itself.
 *
 * CreateTable is a row of steps over one struct, in the order in which
 * DynamoDB reports errors; each step checks, and fills in what it has read.
 * UpdateTable likewise has steps that need no table and steps that compare
 * with the table as it is.  A definition takes effect when its transaction
 * commits, so the states CREATING, UPDATING and DELETING are seen only in the
 * response of the call itself.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "guc.h"
#include "op.h"
#include "tableinfo.h"

#define INVALID_PARAMETERS	"One or more parameter values were invalid: "

#define MAX_THROUGHPUT			INT64CONST(1000000000000)
#define MAX_LIST_TABLES			100
#define FREE_DECREASES			4	/* in the first hour of a UTC day */
#define MAX_DECREASES			27	/* in a UTC day */
#define ON_DEMAND_SWITCH_PERIOD DDB_MS_PER_DAY
#define CLASS_CHANGE_PERIOD		(30 * DDB_MS_PER_DAY)

typedef struct CreateRequest
{
	DdbDoc		request;
	DdbText		name;
	DdbDoc		key_schema;
	DdbDoc		definitions;
	DdbDoc		local_indexes;	/* ptr is NULL where absent */
	DdbDoc		global_indexes;
	DdbKeySchema keys;
	DdbTableSettings settings;
	DdbTag	   *tags;
	int			ntags;
} CreateRequest;

typedef struct UpdateRequest
{
	DdbDoc		request;
	const DdbTable *table;
	int64		now;			/* ms since 1970 */
	DdbTableSettings before;
	DdbTableSettings after;
	bool		updating;		/* a change that leaves ACTIVE for a while */
} UpdateRequest;

typedef struct Throughput
{
	bool		given;
	int64		read;			/* 0 where absent */
	int64		write;
} Throughput;

/* a member of a request that this version refuses */
typedef struct UnavailableMember
{
	const char *name;
	const char *feature;
} UnavailableMember;

static const UnavailableMember create_unavailable[] = {
	{"GlobalTableSourceArn", "global tables"},
	{"LocalSecondaryIndexes", "secondary indexes"},
	{"GlobalSecondaryIndexes", "secondary indexes"},
	{"ResourcePolicy", "resource-based policies"},
	{"GlobalTableSettingsReplicationMode", "global tables"},
	{"VectorIndexes", "vector indexes"},
};

static const UnavailableMember update_unavailable[] = {
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

typedef enum BillingMode
{
	BILLING_PROVISIONED,
	BILLING_PAY_PER_REQUEST,
	BILLING_ABSENT
} BillingMode;

static const char *const billing_modes[] = {
	"PROVISIONED", "PAY_PER_REQUEST", NULL
};

static const char *const table_classes[] = {
	"STANDARD", "STANDARD_INFREQUENT_ACCESS", NULL
};

/* ---- pieces of requests that CreateTable and UpdateTable share ---- */

static bool
text_equal(DdbText a, DdbText b)
{
	return a.len == b.len && memcmp(a.str, b.str, a.len) == 0;
}

static bool
text_is(DdbText text, const char *str)
{
	return text.len == strlen(str) && memcmp(text.str, str, text.len) == 0;
}

static bool
is_empty_list(DdbDoc object, const char *name)
{
	DdbDoc		list = ddb_request_doc(object, name);

	return list.ptr != NULL && ddb_doc_is_array(list) && ddb_doc_count(list) == 0;
}

static DdbText
attribute_name(DdbDoc element)
{
	DdbText		name = {"", 0};

	ddb_request_string(element, "AttributeName", &name);
	return name;
}

static BillingMode
read_billing_mode(DdbDoc request)
{
	return (BillingMode) ddb_request_enum(request, "BillingMode",
										  billing_modes, BILLING_ABSENT);
}

static Throughput
read_throughput(DdbDoc object)
{
	DdbDoc		doc = ddb_request_doc(object, "ProvisionedThroughput");
	Throughput	throughput = {false, 0, 0};

	if (doc.ptr == NULL)
		return throughput;
	throughput.given = true;
	ddb_request_int(doc, "ReadCapacityUnits", &throughput.read);
	ddb_request_int(doc, "WriteCapacityUnits", &throughput.write);
	return throughput;
}

static void
check_throughput_bounds(const Throughput *throughput)
{
	if (throughput->read > MAX_THROUGHPUT)
		ddb_validation_error("Given value " INT64_FORMAT " for ReadCapacityUnits is out of bounds",
							 throughput->read);
	if (throughput->write > MAX_THROUGHPUT)
		ddb_validation_error("Given value " INT64_FORMAT " for WriteCapacityUnits is out of bounds",
							 throughput->write);
}

static void
refuse_throughput_on_demand(void)
{
	ddb_validation_error(INVALID_PARAMETERS "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
}

static void
refuse_unavailable(DdbDoc request, const UnavailableMember *members, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		if (ddb_request_has(request, members[i].name) &&
			!is_empty_list(request, members[i].name))
			ddb_validation_error("%s: %s are not available in this version",
								 members[i].name, members[i].feature);
	}
}

/* whether a StreamSpecification asks for a stream; its own rules */
static bool
read_stream_enabled(DdbDoc specification)
{
	bool		enabled = false;
	bool		has_view = ddb_request_has(specification, "StreamViewType");

	ddb_request_bool(specification, "StreamEnabled", &enabled);
	if (enabled && !has_view)
		ddb_validation_error(INVALID_PARAMETERS "StreamViewType must be specified when StreamEnabled is true");
	if (!enabled && has_view)
		ddb_validation_error(INVALID_PARAMETERS "StreamViewType cannot be specified when StreamEnabled is false");
	return enabled;
}

static void
refuse_stream(void)
{
	ddb_validation_error("StreamSpecification: streams are not available in this version");
}

/* a response of one member, a TableDescription */
static Jsonb *
description_response(const char *member, const DdbTableView *view)
{
	JsonbValue	response;
	JsonbValue	description;

	ddb_tableinfo_describe(view, &description);
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, member, &description);
	return ddb_json_encode(&response);
}

static DdbText
request_table_name(DdbDoc request, const char *action)
{
	DdbText		name = {"", 0};

	ddb_request_string(request, "TableName", &name);
	return ddb_catalog_table_name(name, action);
}

/* ---- CreateTable ---- */

/* here a table has no ARN yet, so a plain name is the only form */
static void
create_read_name(CreateRequest *create)
{
	ddb_request_string(create->request, "TableName", &create->name);
	if (!ddb_tableinfo_name_is_valid(create->name))
		ddb_validation_error("1 validation error detected: Value '%.*s' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
							 create->name.len, create->name.str);
}

static void
create_refuse_unavailable(CreateRequest *create)
{
	refuse_unavailable(create->request, create_unavailable,
					   lengthof(create_unavailable));
}

/* only tables made from others may leave out definitions and key schema */
static void
create_read_lists(CreateRequest *create)
{
	DdbDoc		request = create->request;

	if (ddb_request_has(request, "GlobalTableSourceArn"))
		create_refuse_unavailable(create);
	create->definitions = ddb_request_doc(request, "AttributeDefinitions");
	create->key_schema = ddb_request_doc(request, "KeySchema");
	create->local_indexes = ddb_request_doc(request, "LocalSecondaryIndexes");
	create->global_indexes = ddb_request_doc(request, "GlobalSecondaryIndexes");
	if (ddb_doc_count(create->key_schema) < 1 ||
		ddb_doc_count(create->key_schema) > lengthof(create->keys.attr))
		elog(ERROR, "unexpected length of KeySchema: %d",
			 ddb_doc_count(create->key_schema));
}

static void
create_read_billing(CreateRequest *create)
{
	DdbTableSettings *settings = &create->settings;
	Throughput	throughput = read_throughput(create->request);

	settings->on_demand =
		read_billing_mode(create->request) == BILLING_PAY_PER_REQUEST;
	if (settings->on_demand && throughput.given)
		refuse_throughput_on_demand();
	if (!settings->on_demand && (throughput.read == 0 || throughput.write == 0))
		ddb_validation_error(INVALID_PARAMETERS "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
	check_throughput_bounds(&throughput);
	settings->read_units = throughput.read;
	settings->write_units = throughput.write;
}

/* false where no definition has the name */
static bool
find_definition(DdbDoc definitions, DdbText name, DdbType *type)
{
	int			n = ddb_doc_count(definitions);
	int			i;

	for (i = 0; i < n; i++)
	{
		DdbDoc		element = ddb_tableinfo_member(definitions, i);
		DdbText		type_name = {"", 0};

		if (!text_equal(attribute_name(element), name))
			continue;
		ddb_request_string(element, "AttributeType", &type_name);
		if (!ddb_type_parse(type_name.str, type_name.len, type))
			elog(ERROR, "unrecognized attribute type \"%.*s\"",
				 type_name.len, type_name.str);
		return true;
	}
	return false;
}

/* the AttributeNames of a list, as messages print them: a, b */
static char *
list_names(DdbDoc list)
{
	StringInfoData names;
	int			n = ddb_doc_count(list);
	int			i;

	initStringInfo(&names);
	for (i = 0; i < n; i++)
	{
		DdbText		name = attribute_name(ddb_tableinfo_member(list, i));

		if (i > 0)
			appendStringInfoString(&names, ", ");
		appendBinaryStringInfo(&names, name.str, name.len);
	}
	return names.data;
}

/*
 * A key schema against the definitions: every attribute defined, names
 * distinct, HASH before RANGE.  keys receives its attributes; their names
 * point into the request.
 */
static void
read_key_schema(DdbDoc key_schema, DdbDoc definitions, DdbKeySchema *keys)
{
	static const char *const key_types[] = {"HASH", "RANGE"};
	static const char *const ordinals[] = {"first", "second"};
	int			i;

	keys->nattrs = ddb_doc_count(key_schema);
	if (keys->nattrs > ddb_doc_count(definitions))
		ddb_validation_error("Invalid KeySchema: Some index key attribute have no definition");
	for (i = 0; i < keys->nattrs; i++)
	{
		keys->attr[i].name = attribute_name(ddb_tableinfo_member(key_schema, i));
		if (!find_definition(definitions, keys->attr[i].name,
							 &keys->attr[i].type))
			ddb_validation_error(INVALID_PARAMETERS "Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
								 list_names(key_schema), list_names(definitions));
	}
	if (keys->nattrs == 2 && text_equal(keys->attr[0].name, keys->attr[1].name))
		ddb_validation_error("Both the Hash Key and the Range Key element in the KeySchema have the same name");
	for (i = 0; i < keys->nattrs; i++)
	{
		DdbText		type = {"", 0};

		ddb_request_string(ddb_tableinfo_member(key_schema, i), "KeyType", &type);
		if (!text_is(type, key_types[i]))
			ddb_validation_error("Invalid KeySchema: The %s KeySchemaElement is not a %s key type",
								 ordinals[i], key_types[i]);
	}
}

static void
create_read_key_schema(CreateRequest *create)
{
	read_key_schema(create->key_schema, create->definitions, &create->keys);
}

/* index of an earlier element of the same name, or -1 */
static int
find_earlier(DdbDoc definitions, int i)
{
	DdbText		name = attribute_name(ddb_tableinfo_member(definitions, i));
	int			j;

	for (j = 0; j < i; j++)
	{
		if (text_equal(attribute_name(ddb_tableinfo_member(definitions, j)), name))
			return j;
	}
	return -1;
}

/* without indexes exactly the key attributes are defined; repetitions apart */
static void
create_check_unused(CreateRequest *create)
{
	int			n = ddb_doc_count(create->definitions);
	int			distinct = 0;
	int			i;

	if (create->local_indexes.ptr != NULL || create->global_indexes.ptr != NULL)
		return;
	for (i = 0; i < n && distinct <= create->keys.nattrs; i++)
	{
		if (find_earlier(create->definitions, i) < 0)
			distinct++;
	}
	if (distinct != create->keys.nattrs)
		ddb_validation_error(INVALID_PARAMETERS "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
}

static void
create_read_local_indexes(CreateRequest *create)
{
	if (create->local_indexes.ptr == NULL)
		return;
	if (ddb_doc_count(create->local_indexes) == 0)
		ddb_validation_error(INVALID_PARAMETERS "List of LocalSecondaryIndexes is empty");
	if (create->keys.nattrs < 2)
		ddb_validation_error(INVALID_PARAMETERS "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
}

static void
create_read_global_indexes(CreateRequest *create)
{
	if (create->global_indexes.ptr == NULL)
		return;
	if (ddb_doc_count(create->global_indexes) == 0)
		ddb_validation_error(INVALID_PARAMETERS "List of GlobalSecondaryIndexes is empty");
}

/*
 * Definitions without repetitions, kept in the caller's order; without the
 * members that the API does not know.
 */
static void
create_read_definitions(CreateRequest *create)
{
	JsonbValue	list;
	int			n = ddb_doc_count(create->definitions);
	int			i;

	ddb_json_array(&list, n);
	for (i = 0; i < n; i++)
	{
		DdbText		name = attribute_name(ddb_tableinfo_member(create->definitions, i));
		DdbType		type;
		JsonbValue	element;
		JsonbValue	text;

		CHECK_FOR_INTERRUPTS();
		if (find_earlier(create->definitions, i) >= 0)
			ddb_validation_error(INVALID_PARAMETERS "Duplicate AttributeName in AttributeDefinitions: %.*s",
								 name.len, name.str);
		if (!find_definition(create->definitions, name, &type))
			elog(ERROR, "attribute definition vanished");
		ddb_json_object(&element, 2);
		ddb_json_string(&text, name.str, name.len);
		ddb_json_add_value(&element, "AttributeName", &text);
		ddb_json_add_string(&element, "AttributeType", ddb_type_name(type));
		ddb_json_append(&list, &element);
	}
	create->settings.attributes = ddb_doc_root(ddb_json_encode(&list));
}

static void
create_read_stream(CreateRequest *create)
{
	DdbDoc		specification = ddb_request_doc(create->request,
												"StreamSpecification");

	if (specification.ptr != NULL && read_stream_enabled(specification))
		refuse_stream();
}

static void
create_read_options(CreateRequest *create)
{
	DdbTableSettings *settings = &create->settings;
	DdbDoc		request = create->request;

	ddb_tableinfo_read_encryption(request, settings);
	settings->infrequent_access =
		ddb_request_enum(request, "TableClass", table_classes, 0) == 1;
	ddb_request_bool(request, "DeletionProtectionEnabled",
					 &settings->deletion_protection);
	ddb_tableinfo_read_on_demand_throughput(request, settings);
	ddb_tableinfo_read_warm_throughput(request, settings);
	create->tags = ddb_tableinfo_tags(ddb_request_doc(request, "Tags"),
									  &create->ntags);
}

/* in the order in which errors are reported */
static void (*const create_steps[]) (CreateRequest *) = {
	create_read_name,
	create_read_lists,
	create_read_billing,
	create_read_key_schema,
	create_check_unused,
	create_read_local_indexes,
	create_read_global_indexes,
	create_refuse_unavailable,
	create_read_definitions,
	create_read_stream,
	create_read_options,
};

/*
 * create_insert: make the relation and its catalog row and tags.  The answer
 * describes the moment of creation: LastUpdateToPayPerRequestDateTime is not
 * known before the table is active.
 */
static Jsonb *
create_insert(CreateRequest *create)
{
	char	   *name = pnstrdup(create->name.str, create->name.len);
	DdbTableSettings stored = create->settings;
	DdbTableRow row;
	DdbTableView view = {&row, &create->settings, "CREATING", "CREATING"};
	Oid			relid;
	int			i;

	if (stored.on_demand)
		stored.on_demand_since[0] = ddb_tableinfo_now();
	relid = ddb_item_table_create(name, &create->keys);
	ddb_catalog_insert(name, relid, &create->keys,
					   ddb_tableinfo_encode(&stored), &row);
	for (i = 0; i < create->ntags; i++)
		ddb_item_table_set_tag(row.table, create->tags[i].key,
							   create->tags[i].value);
	return description_response("TableDescription", &view);
}

/*
 * ddb_op_create_table: errors in DynamoDB's order; a name that is taken comes
 * last, as ResourceInUseException.
 */
Jsonb *
ddb_op_create_table(DdbDoc request)
{
	CreateRequest create;
	int			i;

	memset(&create, 0, sizeof(create));
	create.request = request;
	for (i = 0; i < lengthof(create_steps); i++)
		create_steps[i] (&create);
	return create_insert(&create);
}

/* ---- DescribeTable, ListTables ---- */

Jsonb *
ddb_op_describe_table(DdbDoc request)
{
	const DdbTable *table;
	DdbTableRow row;
	DdbTableSettings settings;
	DdbTableView view = {&row, &settings, "ACTIVE", "ACTIVE"};

	table = ddb_catalog_open(request_table_name(request, "DescribeTable"), AccessShareLock,
							 ACL_NO_RIGHTS, "DescribeTable", true);
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, ddb_tableinfo_now(), &settings);
	ddb_item_table_measure(table, &view.items, &view.bytes);
	return description_response("Table", &view);
}

/*
 * ddb_op_list_tables: names in byte order, strictly after
 * ExclusiveStartTableName, which need not exist.  LastEvaluatedTableName
 * appears only where more follow, for which one more name is fetched.
 */
Jsonb *
ddb_op_list_tables(DdbDoc request)
{
	JsonbValue	response;
	JsonbValue	list;
	DdbText		start;
	int64		limit = MAX_LIST_TABLES;
	char	   *after = NULL;
	char	  **names;
	int			count;
	int			i;

	ddb_request_int(request, "Limit", &limit);
	limit = Max(1, Min(limit, MAX_LIST_TABLES));
	if (ddb_request_string(request, "ExclusiveStartTableName", &start))
		after = pnstrdup(start.str, start.len);
	names = ddb_item_table_names(after, (int) limit + 1, &count);

	ddb_json_object(&response, 2);
	ddb_json_array(&list, count);
	for (i = 0; i < count && i < limit; i++)
	{
		JsonbValue	name;

		ddb_json_string(&name, names[i], strlen(names[i]));
		ddb_json_append(&list, &name);
	}
	ddb_json_add_value(&response, "TableNames", &list);
	if (count > limit)
		ddb_json_add_string(&response, "LastEvaluatedTableName",
							names[limit - 1]);
	return ddb_json_encode(&response);
}

/* ---- UpdateTable: what needs no table ---- */

static void
update_check_something(UpdateRequest *update)
{
	int			i;

	for (i = 0; i < lengthof(update_changes); i++)
	{
		if (ddb_request_has(update->request, update_changes[i]) &&
			!is_empty_list(update->request, update_changes[i]))
			return;
	}
	ddb_validation_error("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
}

static void
update_check_throughput(UpdateRequest *update)
{
	Throughput	throughput = read_throughput(update->request);
	BillingMode mode = read_billing_mode(update->request);

	if (mode == BILLING_PROVISIONED && !throughput.given)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	if (mode == BILLING_PAY_PER_REQUEST && throughput.given)
		refuse_throughput_on_demand();
	check_throughput_bounds(&throughput);
}

/* name of the index that an element of GlobalSecondaryIndexUpdates is about */
static DdbText
check_index_update(DdbDoc element)
{
	static const char *const actions[] = {"Update", "Create", "Delete"};
	DdbDoc		action = {NULL, 0};
	DdbText		name = {"", 0};
	Throughput	throughput;
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
	throughput = read_throughput(action);
	if (throughput.read > MAX_THROUGHPUT || throughput.write > MAX_THROUGHPUT)
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
update_refuse_unavailable(UpdateRequest *update)
{
	refuse_unavailable(update->request, update_unavailable,
					   lengthof(update_unavailable));
}

static void
update_stream(UpdateRequest *update)
{
	DdbDoc		specification = ddb_request_doc(update->request,
												"StreamSpecification");

	if (specification.ptr == NULL)
		return;
	if (read_stream_enabled(specification))
		refuse_stream();
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
	BillingMode mode = read_billing_mode(update->request);
	DdbTableSettings *after = &update->after;

	if (mode == BILLING_ABSENT ||
		(mode == BILLING_PAY_PER_REQUEST) == after->on_demand)
		return;
	after->on_demand = mode == BILLING_PAY_PER_REQUEST;
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
refuse_same_throughput(const Throughput *throughput)
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
	Throughput	throughput = read_throughput(update->request);
	const DdbTableSettings *before = &update->before;
	DdbTableSettings *after = &update->after;

	if (!throughput.given)
		return;
	if (after->on_demand)
		refuse_throughput_on_demand();
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
											   table_classes, -1);

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

static void (*const update_checks[]) (UpdateRequest *) = {
	update_check_something,
	update_check_throughput,
	update_check_indexes,
};

static void (*const update_steps[]) (UpdateRequest *) = {
	update_refuse_unavailable,
	update_stream,
	update_billing,
	update_throughput,
	update_capacity,
	update_table_class,
	update_options,
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
	return description_response("TableDescription", &view);
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

	update.table = ddb_catalog_open(request_table_name(request, "UpdateTable"),
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

/* ---- DeleteTable ---- */

/*
 * ddb_op_delete_table: the answer, made before the definition goes, leaves
 * out key schema and attribute definitions.
 */
Jsonb *
ddb_op_delete_table(DdbDoc request)
{
	const DdbTable *table;
	DdbTableRow row;
	DdbTableSettings settings;
	DdbTableView view = {&row, &settings, "DELETING", "DELETING", true};
	Jsonb	   *response;

	table = ddb_catalog_open(request_table_name(request, "DeleteTable"), AccessExclusiveLock,
							 DDB_ACL_OWNER, "DeleteTable", true);
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, ddb_tableinfo_now(), &settings);
	if (settings.deletion_protection)
		ddb_validation_error("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
	ddb_item_table_measure(table, &view.items, &view.bytes);
	response = description_response("TableDescription", &view);
	ddb_item_table_drop(table);
	return response;
}

/* ---- the account ---- */

/* quotas of an account that has never asked for others; none is enforced */
Jsonb *
ddb_op_describe_limits(DdbDoc request)
{
	JsonbValue	response;

	ddb_json_object(&response, 4);
	ddb_json_add_int(&response, "AccountMaxReadCapacityUnits", 80000);
	ddb_json_add_int(&response, "AccountMaxWriteCapacityUnits", 80000);
	ddb_json_add_int(&response, "TableMaxReadCapacityUnits", 40000);
	ddb_json_add_int(&response, "TableMaxWriteCapacityUnits", 40000);
	return ddb_json_encode(&response);
}

Jsonb *
ddb_op_describe_endpoints(DdbDoc request)
{
	JsonbValue	response;
	JsonbValue	list;
	JsonbValue	endpoint;

	ddb_json_object(&endpoint, 2);
	ddb_json_add_string(&endpoint, "Address",
						psprintf("dynamodb.%s.amazonaws.com", ddb_region));
	ddb_json_add_int(&endpoint, "CachePeriodInMinutes", 1440);
	ddb_json_array(&list, 1);
	ddb_json_append(&list, &endpoint);
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, "Endpoints", &list);
	return ddb_json_encode(&response);
}
