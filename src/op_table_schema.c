/*
 * op_table_schema.c
 *	  The rules of key schemas, attribute definitions and secondary indexes.
 *
 * Everything here reads a request whose shape has been checked and raises the
 * first error in the service's order; nothing looks at a table.  At most one
 * index more than a table may have is looked at, so that the work is bounded
 * by the length of the definitions.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "error.h"
#include "op_table.h"

#define MAX_LOCAL_INDEXES		5
#define MAX_INDEX_ATTRIBUTES	(2 * DDB_MAX_KEY_PARTS)

/* names that are distinct; as many as the keys of a table's indexes have */
typedef struct NameSet
{
	int			count;
	DdbText		name[2 + MAX_INDEX_ATTRIBUTES * (MAX_LOCAL_INDEXES + DDB_MAX_GLOBAL_INDEXES + 2)];
} NameSet;

typedef struct IndexCheck
{
	const DdbIndexRequest *request;
	NameSet		index_names;
	NameSet		keys_used;
	int			non_key_attributes;
} IndexCheck;

DdbText
ddb_op_attribute_name(DdbDoc element)
{
	DdbText		name = {"", 0};

	ddb_request_string(element, "AttributeName", &name);
	return name;
}

static bool
is_key_type(DdbDoc key_schema, int i, const char *key_type)
{
	DdbText		type = {"", 0};

	ddb_request_string(ddb_tableinfo_member(key_schema, i), "KeyType", &type);
	return ddb_text_is(type, key_type);
}

static DdbText
index_name(DdbDoc index)
{
	DdbText		name = {"", 0};

	ddb_request_string(index, "IndexName", &name);
	return name;
}

static bool
has_name(const NameSet *set, DdbText name)
{
	int			i;

	for (i = 0; i < set->count; i++)
	{
		if (ddb_text_same(set->name[i], name))
			return true;
	}
	return false;
}

/* false where the set has the name already */
static bool
add_name(NameSet *set, DdbText name)
{
	if (has_name(set, name))
		return false;
	Assert(set->count < lengthof(set->name));
	set->name[set->count++] = name;
	return true;
}

bool
ddb_op_find_definition(DdbDoc definitions, DdbText name, DdbType *type)
{
	int			n = ddb_doc_count(definitions);
	int			i;

	for (i = 0; i < n; i++)
	{
		DdbDoc		element = ddb_tableinfo_member(definitions, i);
		DdbText		type_name = {"", 0};

		if (!ddb_text_same(ddb_op_attribute_name(element), name))
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
		DdbText		name = ddb_op_attribute_name(ddb_tableinfo_member(list, i));

		if (i > 0)
			appendStringInfoString(&names, ", ");
		appendBinaryStringInfo(&names, name.str, name.len);
	}
	return names.data;
}

/* ---- key schemas ---- */

static void
check_defined(DdbDoc key_schema, DdbDoc definitions)
{
	int			n = definitions.ptr != NULL ? ddb_doc_count(key_schema) : 0;
	DdbType		type;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!ddb_op_find_definition(definitions,
									ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i)),
									&type))
			break;
	}
	if (i < n || definitions.ptr == NULL)
		ddb_validation_error(INVALID_PARAMETERS "Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
							 list_names(key_schema),
							 definitions.ptr != NULL ? list_names(definitions) : "");
}

/* a partition key, then perhaps a sort key */
static void
check_simple_key(DdbDoc key_schema)
{
	static const char *const key_types[] = {"HASH", "RANGE"};
	static const char *const ordinals[] = {"first", "second"};
	int			n = ddb_doc_count(key_schema);
	int			i;

	if (n == 2 &&
		ddb_text_same(ddb_op_attribute_name(ddb_tableinfo_member(key_schema, 0)),
						  ddb_op_attribute_name(ddb_tableinfo_member(key_schema, 1))))
		ddb_validation_error("Both the Hash Key and the Range Key element in the KeySchema have the same name");
	for (i = 0; i < n; i++)
	{
		if (!is_key_type(key_schema, i, key_types[i]))
			ddb_validation_error("Invalid KeySchema: The %s KeySchemaElement is not a %s key type",
								 ordinals[i], key_types[i]);
	}
}

static void
check_names_differ(DdbDoc key_schema)
{
	int			n = ddb_doc_count(key_schema);
	int			i;
	int			j;

	for (i = 1; i < n; i++)
	{
		DdbText		name = ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i));

		for (j = 0; j < i; j++)
		{
			if (ddb_text_same(ddb_op_attribute_name(ddb_tableinfo_member(key_schema, j)), name))
				ddb_validation_error("Invalid KeySchema: Two KeySchemaElements have the same name: %.*s",
									 name.len, name.str);
		}
	}
}

/*
 * A global index has one to four HASH attributes, then up to four RANGE
 * attributes.  Schemas that a table could have too keep the texts of tables.
 */
static void
check_global_key(DdbDoc key_schema)
{
	int			n = ddb_doc_count(key_schema);
	int			hashes = 0;
	int			ranges = 0;
	int			i;

	if (n == 1 || (n == 2 && !(is_key_type(key_schema, 0, "HASH") &&
							   is_key_type(key_schema, 1, "HASH"))))
	{
		check_simple_key(key_schema);
		return;
	}
	check_names_differ(key_schema);
	for (i = 0; i < n; i++)
	{
		if (!is_key_type(key_schema, i, "HASH"))
			ranges++;
		else if (ranges > 0)
			ddb_validation_error("Invalid KeySchema: HASH key elements must precede RANGE key elements");
		else
			hashes++;
	}
	if (hashes == 0)
		ddb_validation_error("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	if (hashes > DDB_MAX_KEY_PARTS)
		ddb_validation_error("Invalid KeySchema: The number of HASH key elements exceeds the limit of %d",
							 DDB_MAX_KEY_PARTS);
	if (ranges > DDB_MAX_KEY_PARTS)
		ddb_validation_error("Invalid KeySchema: The number of RANGE key elements exceeds the limit of %d",
							 DDB_MAX_KEY_PARTS);
}

/*
 * ddb_op_read_key_schema: every attribute defined, names distinct, HASH
 * before RANGE.
 */
void
ddb_op_read_key_schema(DdbDoc key_schema, DdbDoc definitions, DdbKeySchema *keys)
{
	int			i;

	keys->nattrs = ddb_doc_count(key_schema);
	if (keys->nattrs > ddb_doc_count(definitions))
		ddb_validation_error("Invalid KeySchema: Some index key attribute have no definition");
	check_defined(key_schema, definitions);
	check_simple_key(key_schema);
	for (i = 0; i < keys->nattrs; i++)
	{
		keys->attr[i].name = ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i));
		if (!ddb_op_find_definition(definitions, keys->attr[i].name,
									&keys->attr[i].type))
			elog(ERROR, "attribute definition vanished");
	}
}

/* ---- indexes ---- */

/* element i of a list of strings */
static DdbText
string_element(DdbDoc list, int i)
{
	JsonbValue	value;
	DdbText		text = {"", 0};

	if (ddb_doc_element(list, i, &value) && value.type == jbvString)
	{
		text.str = value.val.string.val;
		text.len = value.val.string.len;
	}
	return text;
}

static void
check_non_key_attributes(DdbDoc names, DdbText index)
{
	NameSet		seen;
	int			n = ddb_doc_count(names);
	int			i;

	seen.count = 0;
	for (i = 0; i < n; i++)
	{
		DdbText		name = string_element(names, i);

		if (!add_name(&seen, name))
			ddb_validation_error(INVALID_PARAMETERS "Duplicate attribute name in NonKeyAttributes: %.*s for index: %.*s",
								 name.len, name.str, index.len, index.str);
	}
}

/* number of NonKeyAttributes, which belong to the type INCLUDE and only there */
static int
check_projection(DdbDoc index)
{
	DdbDoc		projection = ddb_request_doc(index, "Projection");
	DdbDoc		names = ddb_request_doc(projection, "NonKeyAttributes");
	DdbText		type;

	if (!ddb_request_string(projection, "ProjectionType", &type))
		ddb_validation_error(INVALID_PARAMETERS "Unknown ProjectionType: null");
	if (!ddb_text_is(type, "INCLUDE"))
	{
		if (names.ptr != NULL)
			ddb_validation_error(INVALID_PARAMETERS "ProjectionType is %.*s, but NonKeyAttributes is specified",
								 type.len, type.str);
		return 0;
	}
	if (names.ptr == NULL)
		ddb_validation_error(INVALID_PARAMETERS "ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
	check_non_key_attributes(names, index_name(index));
	return ddb_doc_count(names);
}

static void
read_projection(DdbDoc index, DdbIndex *out)
{
	DdbDoc		projection = ddb_request_doc(index, "Projection");
	DdbDoc		names = ddb_request_doc(projection, "NonKeyAttributes");
	DdbText		type = {"", 0};
	int			i;

	ddb_request_string(projection, "ProjectionType", &type);
	out->projection = ddb_text_is(type, "ALL") ? DDB_PROJECT_ALL :
		ddb_text_is(type, "INCLUDE") ? DDB_PROJECT_INCLUDE : DDB_PROJECT_KEYS_ONLY;
	if (names.ptr == NULL)
		return;
	out->nattributes = ddb_doc_count(names);
	out->attributes = palloc(sizeof(DdbText) * Max(out->nattributes, 1));
	for (i = 0; i < out->nattributes; i++)
		out->attributes[i] = string_element(names, i);
}

void
ddb_op_read_index_schema(DdbDoc index, DdbDoc definitions, DdbIndex *out)
{
	DdbDoc		key_schema = ddb_request_doc(index, "KeySchema");
	DdbText		name = index_name(index);
	int			n = ddb_doc_count(key_schema);
	int			i;

	out->name = pnstrdup(name.str, name.len);
	for (i = 0; i < n; i++)
	{
		DdbKeyAttr *attr = is_key_type(key_schema, i, "HASH") ?
			&out->partition[out->npartition++] : &out->sort[out->nsort++];

		attr->name = ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i));
		if (!ddb_op_find_definition(definitions, attr->name, &attr->type))
			elog(ERROR, "attribute definition vanished");
	}
	read_projection(index, out);
}

static void
check_local_key(const DdbIndexRequest *request, DdbDoc index)
{
	DdbDoc		key_schema = ddb_request_doc(index, "KeySchema");
	DdbText		name = index_name(index);
	DdbText		table_hash = request->keys->attr[0].name;
	DdbText		hash;

	check_defined(key_schema, request->definitions);
	check_simple_key(key_schema);
	if (ddb_doc_count(key_schema) < 2)
		ddb_validation_error(INVALID_PARAMETERS "Index KeySchema does not have a range key for index: %.*s",
							 name.len, name.str);
	hash = ddb_op_attribute_name(ddb_tableinfo_member(key_schema, 0));
	if (!ddb_text_same(hash, table_hash))
		ddb_validation_error(INVALID_PARAMETERS "Index KeySchema does not have the same leading hash key as table KeySchema for index: %.*s. index hash key: %.*s, table hash key: %.*s",
							 name.len, name.str, hash.len, hash.str,
							 table_hash.len, table_hash.str);
}

/* what comes after the key of an index, be it local or global */
static void
check_index(IndexCheck *check, DdbDoc index)
{
	DdbDoc		key_schema = ddb_request_doc(index, "KeySchema");
	DdbText		name = index_name(index);
	int			n = ddb_doc_count(key_schema);
	int			i;

	check->non_key_attributes += check_projection(index);
	if (!add_name(&check->index_names, name))
		ddb_validation_error(INVALID_PARAMETERS "Duplicate index name: %.*s",
							 name.len, name.str);
	for (i = 0; i < n; i++)
		(void) add_name(&check->keys_used,
						ddb_op_attribute_name(ddb_tableinfo_member(key_schema, i)));
}

void
ddb_op_check_index_throughput(DdbDoc index, bool on_demand)
{
	DdbText		name = index_name(index);
	bool		given = ddb_op_read_throughput(index).given;

	if (on_demand && given)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput should not be specified for index: %.*s when BillingMode is PAY_PER_REQUEST",
							 name.len, name.str);
	if (!on_demand && !given)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput must be specified for index: %.*s",
							 name.len, name.str);
}

/* number of indexes in a list; 0 when it is absent, an error when it is empty */
static int
index_count(DdbDoc list, const char *parameter)
{
	int			n = list.ptr ? ddb_doc_count(list) : 0;

	if (list.ptr != NULL && n == 0)
		ddb_validation_error(INVALID_PARAMETERS "List of %s is empty", parameter);
	return n;
}

static void
check_local_indexes(IndexCheck *check)
{
	const DdbIndexRequest *request = check->request;
	DdbDoc		list = request->local_indexes;
	int			n = index_count(list, "LocalSecondaryIndexes");
	int			i;

	if (n == 0)
		return;
	if (request->keys->nattrs < 2)
		ddb_validation_error(INVALID_PARAMETERS "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex");
	for (i = 0; i < n && i <= MAX_LOCAL_INDEXES; i++)
	{
		DdbDoc		index = ddb_tableinfo_member(list, i);

		CHECK_FOR_INTERRUPTS();
		check_local_key(request, index);
		check_index(check, index);
	}
	if (n > MAX_LOCAL_INDEXES)
		ddb_validation_error(INVALID_PARAMETERS "Number of LocalSecondaryIndexes exceeds per-table limit of %d",
							 MAX_LOCAL_INDEXES);
}

static void
check_global_indexes(IndexCheck *check)
{
	const DdbIndexRequest *request = check->request;
	DdbDoc		list = request->global_indexes;
	int			n = index_count(list, "GlobalSecondaryIndexes");
	int			i;

	if (n == 0)
		return;
	for (i = 0; i < n && i <= DDB_MAX_GLOBAL_INDEXES; i++)
	{
		DdbDoc		index = ddb_tableinfo_member(list, i);
		DdbDoc		key_schema = ddb_request_doc(index, "KeySchema");

		CHECK_FOR_INTERRUPTS();
		check_defined(key_schema, request->definitions);
		check_global_key(key_schema);
		check_index(check, index);
		ddb_op_check_index_throughput(index, request->on_demand);
	}
	if (n > DDB_MAX_GLOBAL_INDEXES)
		ddb_validation_error(INVALID_PARAMETERS "GlobalSecondaryIndex count exceeds the per-table limit of %d",
							 DDB_MAX_GLOBAL_INDEXES);
}

static char *
set_names(const NameSet *set)
{
	StringInfoData names;
	int			i;

	initStringInfo(&names);
	for (i = 0; i < set->count; i++)
	{
		if (i > 0)
			appendStringInfoString(&names, ", ");
		appendBinaryStringInfo(&names, set->name[i].str, set->name[i].len);
	}
	return names.data;
}

static void
check_all_used(const NameSet *used, DdbDoc definitions)
{
	int			n = ddb_doc_count(definitions);
	int			i;

	for (i = 0; i < n; i++)
	{
		if (!has_name(used, ddb_op_attribute_name(ddb_tableinfo_member(definitions, i))))
			ddb_validation_error(INVALID_PARAMETERS "Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
								 list_names(definitions), set_names(used));
	}
}

void
ddb_op_check_index_bounds(DdbDoc global_indexes)
{
	int			n = global_indexes.ptr != NULL ? ddb_doc_count(global_indexes) : 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		DdbDoc		index = ddb_tableinfo_member(global_indexes, i);
		DdbThroughput throughput = ddb_op_read_throughput(index);
		DdbText		name = index_name(index);

		if (throughput.read > DDB_MAX_THROUGHPUT)
			ddb_validation_error("Given value " INT64_FORMAT " for ReadCapacityUnits is out of bounds for index %.*s",
								 throughput.read, name.len, name.str);
		if (throughput.write > DDB_MAX_THROUGHPUT)
			ddb_validation_error("Given value " INT64_FORMAT " for WriteCapacityUnits is out of bounds for index %.*s",
								 throughput.write, name.len, name.str);
	}
}

void
ddb_op_check_indexes(const DdbIndexRequest *request)
{
	IndexCheck	check;
	int			i;

	if (request->local_indexes.ptr == NULL && request->global_indexes.ptr == NULL)
		return;
	check.request = request;
	check.index_names.count = 0;
	check.keys_used.count = 0;
	check.non_key_attributes = 0;
	for (i = 0; i < request->keys->nattrs; i++)
		(void) add_name(&check.keys_used, request->keys->attr[i].name);
	check_local_indexes(&check);
	check_global_indexes(&check);
	if (check.non_key_attributes > DDB_MAX_NON_KEY_ATTRIBUTES)
		ddb_validation_error(INVALID_PARAMETERS "Number of NonKeyAttributes over all indexes exceeds per-table limit of %d",
							 DDB_MAX_NON_KEY_ATTRIBUTES);
	check_all_used(&check.keys_used, request->definitions);
}

void
ddb_op_check_new_index(DdbDoc index, DdbDoc definitions)
{
	DdbDoc		key_schema = ddb_request_doc(index, "KeySchema");

	check_defined(key_schema, definitions);
	check_global_key(key_schema);
	(void) check_projection(index);
}
