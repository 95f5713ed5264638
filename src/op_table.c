/*
 * op_table.c
 *	  CreateTable, DescribeTable, ListTables, DeleteTable, and what the account
 *	  tells about itself.
 *
 * CreateTable is a row of steps over one struct, in the order in which
 * DynamoDB reports errors; each step checks, and fills in what it has read.
 * What this version does not offer is refused after all of them.  A definition
 * takes effect when its transaction commits, so the states CREATING and
 * DELETING of tables are seen only in the response of the call itself; UPDATING
 * lasts as long as an index of the table is about to be built.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"

#include "error.h"
#include "guc.h"
#include "op.h"
#include "op_policy.h"
#include "op_stream.h"
#include "op_table.h"
#include "policystore.h"
#include "streamdrain.h"

#define MAX_LIST_TABLES			100

typedef struct CreateRequest
{
	DdbDoc		request;
	DdbText		name;
	DdbDoc		key_schema;
	DdbDoc		definitions;
	DdbDoc		local_indexes;	/* ptr is NULL where absent */
	DdbDoc		global_indexes;
	DdbKeySchema keys;
	bool		wants_stream;
	DdbViewType stream_view;
	DdbTableSettings settings;
	DdbTag	   *tags;
	int			ntags;
	DdbIndex   *indexes;
	int			nindexes;
	DdbText		policy;			/* ResourcePolicy; str NULL for none */
} CreateRequest;

static const DdbUnavailableMember create_unavailable[] = {
	{"GlobalTableSourceArn", "global tables"},
	{"GlobalTableSettingsReplicationMode", "global tables"},
	{"VectorIndexes", "vector indexes"},
};

static const DdbUnavailableMember vector_unavailable[] = {
	{"VectorIndexes", "vector indexes"},
};

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

/* only tables made from others may leave out definitions and key schema */
static void
create_read_lists(CreateRequest *create)
{
	DdbDoc		request = create->request;

	if (ddb_request_has(request, "GlobalTableSourceArn"))
		ddb_op_refuse_unavailable(request, create_unavailable,
								  lengthof(create_unavailable));
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
	DdbThroughput throughput = ddb_op_read_throughput(create->request);

	settings->on_demand =
		ddb_op_read_billing_mode(create->request) == DDB_BILLING_PAY_PER_REQUEST;
	if (settings->on_demand && throughput.given)
		ddb_op_refuse_throughput_on_demand();
	if (!settings->on_demand && (throughput.read == 0 || throughput.write == 0))
		ddb_validation_error(INVALID_PARAMETERS "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED");
	ddb_op_check_throughput_bounds(&throughput);
	ddb_op_check_index_bounds(create->global_indexes);
	settings->read_units = throughput.read;
	settings->write_units = throughput.write;
}

static void
create_read_key_schema(CreateRequest *create)
{
	ddb_op_read_key_schema(create->key_schema, create->definitions, &create->keys);
}

/* index of an earlier element of the same name, or -1 */
static int
find_earlier(DdbDoc definitions, int i)
{
	DdbText		name = ddb_op_attribute_name(ddb_tableinfo_member(definitions, i));
	int			j;

	for (j = 0; j < i; j++)
	{
		if (ddb_text_same(ddb_op_attribute_name(ddb_tableinfo_member(definitions, j)), name))
			return j;
	}
	return -1;
}

/*
 * Without indexes exactly the key attributes are defined; repetitions apart.
 * Vector indexes may use further definitions and end here.
 */
static void
create_check_unused(CreateRequest *create)
{
	int			n = ddb_doc_count(create->definitions);
	int			distinct = 0;
	int			i;

	if (create->local_indexes.ptr != NULL || create->global_indexes.ptr != NULL)
		return;
	ddb_op_refuse_unavailable(create->request, vector_unavailable,
							  lengthof(vector_unavailable));
	for (i = 0; i < n && distinct <= create->keys.nattrs; i++)
	{
		if (find_earlier(create->definitions, i) < 0)
			distinct++;
	}
	if (distinct != create->keys.nattrs)
		ddb_validation_error(INVALID_PARAMETERS "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions");
}

static DdbIndexRequest
index_request(const CreateRequest *create)
{
	DdbIndexRequest indexes = {
		.definitions = create->definitions,
		.local_indexes = create->local_indexes,
		.global_indexes = create->global_indexes,
		.keys = &create->keys,
		.on_demand = create->settings.on_demand
	};

	return indexes;
}

static void
create_check_indexes(CreateRequest *create)
{
	DdbIndexRequest indexes = index_request(create);

	ddb_op_check_indexes(&indexes);
}

static void
create_read_indexes(CreateRequest *create)
{
	DdbIndexRequest indexes = index_request(create);

	create->indexes = ddb_op_read_indexes(&indexes, &create->nindexes);
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
		DdbText		name = ddb_op_attribute_name(ddb_tableinfo_member(create->definitions, i));
		DdbType		type;
		JsonbValue	element;
		JsonbValue	text;

		CHECK_FOR_INTERRUPTS();
		if (find_earlier(create->definitions, i) >= 0)
			ddb_validation_error(INVALID_PARAMETERS "Duplicate AttributeName in AttributeDefinitions: %.*s",
								 name.len, name.str);
		if (!ddb_op_find_definition(create->definitions, name, &type))
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

	create->wants_stream = specification.ptr != NULL &&
		ddb_op_read_stream(specification, &create->stream_view);
}

static void
create_read_options(CreateRequest *create)
{
	DdbTableSettings *settings = &create->settings;
	DdbDoc		request = create->request;

	ddb_tableinfo_read_encryption(request, settings);
	settings->infrequent_access =
		ddb_request_enum(request, "TableClass", ddb_op_table_classes, 0) == 1;
	ddb_request_bool(request, "DeletionProtectionEnabled",
					 &settings->deletion_protection);
	ddb_tableinfo_read_on_demand_throughput(request, settings);
	ddb_tableinfo_read_warm_throughput(request, settings);
	create->tags = ddb_tableinfo_tags(ddb_request_doc(request, "Tags"),
									  &create->ntags);
}

static void
create_read_policy(CreateRequest *create)
{
	if (ddb_request_string(create->request, "ResourcePolicy", &create->policy))
		ddb_op_check_resource_policy(create->policy);
}

static void
create_refuse_unavailable(CreateRequest *create)
{
	ddb_op_refuse_unavailable(create->request, create_unavailable,
							  lengthof(create_unavailable));
}

/* in the order in which errors are reported */
static void (*const create_steps[]) (CreateRequest *) = {
	create_read_name,
	create_read_lists,
	create_read_billing,
	create_read_key_schema,
	create_check_unused,
	create_check_indexes,
	create_read_definitions,
	create_read_stream,
	create_read_options,
	create_read_policy,
	create_read_indexes,
	create_refuse_unavailable,
};

/* indexes of a table that has no items are complete at once */
static void
create_insert_indexes(CreateRequest *create, const DdbTable *table)
{
	int			i;

	for (i = 0; i < create->nindexes; i++)
	{
		create->indexes[i].status = DDB_INDEX_ACTIVE;
		ddb_index_table_create(table, &create->indexes[i]);
	}
}

/*
 * create_insert: make the relations, their catalog rows, tags and policy.  The answer
 * describes the moment of creation: LastUpdateToPayPerRequestDateTime, which
 * equals CreationDateTime, is not known before the table is active.
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
		stored.on_demand_since[0] = ddb_tableinfo_time(GetCurrentTransactionStartTimestamp());
	if (create->wants_stream &&
		pg_namespace_aclcheck(ddb_tables_schema(), GetUserId(), ACL_CREATE) == ACLCHECK_OK)
		ddb_streamdrain_prepare(ddb_op_door.repeats);
	relid = ddb_item_table_create(name, &create->keys);
	ddb_catalog_insert(name, relid, &create->keys,
					   ddb_tableinfo_encode(&stored), &row);
	for (i = 0; i < create->ntags; i++)
		ddb_item_table_set_tag(row.table, create->tags[i].key,
							   create->tags[i].value);
	if (create->policy.str != NULL)
		(void) ddb_policystore_write(relid, NULL, create->policy);
	create_insert_indexes(create, row.table);
	row.table = ddb_catalog_find(name, strlen(name));
	if (create->wants_stream)
		view.stream = ddb_op_enable_stream(row.table, create->stream_view);
	view.nindexes = row.table->nindexes;
	view.indexes = ddb_op_view_indexes(row.table, &create->settings, true);
	return ddb_op_description_response("TableDescription", &view);
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

	table = ddb_catalog_open(ddb_op_request_table_name(request, "DescribeTable"), AccessShareLock,
							 ACL_NO_RIGHTS, "DescribeTable", true);
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, ddb_tableinfo_now(), &settings);
	ddb_item_table_measure(table, &view.items, &view.bytes);
	view.nindexes = table->nindexes;
	view.indexes = ddb_op_view_indexes(table, &settings, false);
	view.stream = ddb_stream_of_table(table);
	if (ddb_op_has_index_in(table, DDB_INDEX_CREATING))
		view.status = "UPDATING";
	return ddb_op_description_response("Table", &view);
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

	table = ddb_catalog_open(ddb_op_request_table_name(request, "DeleteTable"), AccessExclusiveLock,
							 DDB_ACL_OWNER, "DeleteTable", true);
	if (ddb_op_has_building_index(table))
		ddb_op_refuse_busy_table(table);
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, ddb_tableinfo_now(), &settings);
	if (settings.deletion_protection)
		ddb_validation_error("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.");
	ddb_item_table_measure(table, &view.items, &view.bytes);
	view.stream = ddb_stream_of_table(table);
	response = ddb_op_description_response("TableDescription", &view);
	ddb_item_table_drop(table);
	return response;
}

/* ---- the account ---- */

/* quotas of the account, which are settings; provisioned throughput is not held to them */
Jsonb *
ddb_op_describe_limits(DdbDoc request)
{
	JsonbValue	response;

	ddb_json_object(&response, 4);
	ddb_json_add_int(&response, "AccountMaxReadCapacityUnits", ddb_account_max_read_units);
	ddb_json_add_int(&response, "AccountMaxWriteCapacityUnits", ddb_account_max_write_units);
	ddb_json_add_int(&response, "TableMaxReadCapacityUnits", ddb_table_max_read_units);
	ddb_json_add_int(&response, "TableMaxWriteCapacityUnits", ddb_table_max_write_units);
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
