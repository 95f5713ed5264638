/*
 * tableinfo.c
 *	  What the API tells about a table beyond its keys.
 *
 * DynamoDB keeps a good deal about a table that no item operation reads:
 * billing, throughput and when it changed, table class, protection,
 * encryption.  The catalog stores it as one flat jsonb document per table,
 * whose members are the rows of setting_fields; members that have their
 * initial value are left out.  This file turns the document into a struct and
 * back, and the struct into the TableDescription of responses.  Which changes
 * are legal is the operations' business.
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "error.h"
#include "guc.h"
#include "shape.h"
#include "tableinfo.h"

#define INVALID_PARAMETERS	"One or more parameter values were invalid: "

#define WARM_READ_ON_DEMAND		12000
#define WARM_WRITE_ON_DEMAND	4000

typedef enum FieldKind
{
	FIELD_BOOL,
	FIELD_INT,					/* count > 1: an array */
	FIELD_TEXT,
	FIELD_DOC
} FieldKind;

typedef struct SettingField
{
	const char *name;			/* in the settings document */
	FieldKind	kind;
	int			count;
	size_t		offset;			/* in DdbTableSettings */
} SettingField;

#define FIELD(name, kind, count, member) \
	{name, kind, count, offsetof(DdbTableSettings, member)}

static const SettingField setting_fields[] = {
	FIELD("AttributeDefinitions", FIELD_DOC, 1, attributes),
	FIELD("OnDemand", FIELD_BOOL, 1, on_demand),
	FIELD("ReadCapacityUnits", FIELD_INT, 1, read_units),
	FIELD("WriteCapacityUnits", FIELD_INT, 1, write_units),
	FIELD("LastIncrease", FIELD_INT, 1, last_increase),
	FIELD("LastDecrease", FIELD_INT, 1, last_decrease),
	FIELD("FirstDecreaseOfDay", FIELD_INT, 1, first_decrease),
	FIELD("DecreasesOfDay", FIELD_INT, 1, decreases),
	FIELD("OnDemandSince", FIELD_INT, DDB_ON_DEMAND_SWITCHES, on_demand_since),
	FIELD("MaxReadRequestUnits", FIELD_INT, 1, max_read_requests),
	FIELD("MaxWriteRequestUnits", FIELD_INT, 1, max_write_requests),
	FIELD("WarmReadUnits", FIELD_INT, 1, warm_read),
	FIELD("WarmWriteUnits", FIELD_INT, 1, warm_write),
	FIELD("InfrequentAccess", FIELD_BOOL, 1, infrequent_access),
	FIELD("ClassChanged", FIELD_INT, DDB_CLASS_CHANGES, class_changed),
	FIELD("DeletionProtection", FIELD_BOOL, 1, deletion_protection),
	FIELD("KmsKeyArn", FIELD_TEXT, 1, kms_key_arn),
	FIELD("TimeToLiveChanged", FIELD_INT, 1, ttl_changed),
	FIELD("Throttling", FIELD_INT, 1, throttling),
	FIELD("ContributorInsights", FIELD_INT, 1, insights),
	FIELD("ContributorInsightsMode", FIELD_INT, 1, insights_mode),
	FIELD("ContributorInsightsChanged", FIELD_INT, 1, insights_changed),
	FIELD("ContributorInsightsEnabled", FIELD_INT, 1, insights_enabled),
};

int64
ddb_tableinfo_time(TimestampTz time)
{
	int64		epoch = (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE);

	return time / 1000 + epoch * DDB_MS_PER_DAY;
}

int64
ddb_tableinfo_now(void)
{
	return ddb_tableinfo_time(GetCurrentTimestamp());
}

/* ---- the settings document ---- */

/* 0 for anything but an integer that fits */
static int64
decode_int(const JsonbValue *value)
{
	if (value->type != jbvNumeric)
		return 0;
	return DatumGetInt64(DirectFunctionCall1(numeric_int8,
											 NumericGetDatum(value->val.numeric)));
}

static void
decode_ints(const JsonbValue *value, int64 *ints, int count)
{
	DdbDoc		list = ddb_doc_of(value);
	JsonbValue	element;
	int			i;

	if (list.ptr == NULL || !ddb_doc_is_array(list))
		return;
	for (i = 0; i < count && ddb_doc_element(list, i, &element); i++)
		ints[i] = decode_int(&element);
}

static void
decode_field(const SettingField *field, const JsonbValue *value, void *place)
{
	switch (field->kind)
	{
		case FIELD_BOOL:
			*(bool *) place = value->type == jbvBool && value->val.boolean;
			return;
		case FIELD_INT:
			if (field->count == 1)
				*(int64 *) place = decode_int(value);
			else
				decode_ints(value, place, field->count);
			return;
		case FIELD_TEXT:
			if (value->type == jbvString)
			{
				((DdbText *) place)->str = value->val.string.val;
				((DdbText *) place)->len = value->val.string.len;
			}
			return;
		case FIELD_DOC:
			*(DdbDoc *) place = ddb_doc_of(value);
			return;
	}
	elog(ERROR, "unrecognized settings field kind %d", (int) field->kind);
}

/*
 * ddb_tableinfo_decode: the settings document as a struct, as it stands at
 * now: the count of throughput decreases starts again with each UTC day.
 */
void
ddb_tableinfo_decode(const Jsonb *settings, int64 now, DdbTableSettings *out)
{
	DdbDoc		doc = ddb_doc_root(settings);
	int			i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < lengthof(setting_fields); i++)
	{
		const SettingField *field = &setting_fields[i];
		JsonbValue	value;

		if (ddb_doc_get(doc, field->name, strlen(field->name), &value))
			decode_field(field, &value, (char *) out + field->offset);
	}
	if (out->last_decrease / DDB_MS_PER_DAY != now / DDB_MS_PER_DAY)
		out->decreases = 0;
}

/* false where the field has its initial value, which is not stored */
static bool
encode_ints(const int64 *ints, int count, JsonbValue *out)
{
	int			i;

	while (count > 0 && ints[count - 1] == 0)
		count--;
	if (count == 0)
		return false;
	ddb_json_array(out, count);
	for (i = 0; i < count; i++)
	{
		JsonbValue	element;

		ddb_json_int(&element, ints[i]);
		ddb_json_append(out, &element);
	}
	return true;
}

static bool
encode_field(const SettingField *field, const void *place, JsonbValue *out)
{
	const DdbText *text = place;
	const DdbDoc *doc = place;

	switch (field->kind)
	{
		case FIELD_BOOL:
			ddb_json_bool(out, true);
			return *(const bool *) place;
		case FIELD_INT:
			if (field->count > 1)
				return encode_ints(place, field->count, out);
			ddb_json_int(out, *(const int64 *) place);
			return *(const int64 *) place != 0;
		case FIELD_TEXT:
			if (text->str == NULL)
				return false;
			ddb_json_string(out, text->str, text->len);
			return true;
		case FIELD_DOC:
			if (doc->ptr == NULL)
				return false;
			ddb_json_doc(out, *doc);
			return true;
	}
	elog(ERROR, "unrecognized settings field kind %d", (int) field->kind);
	return false;
}

Jsonb *
ddb_tableinfo_encode(const DdbTableSettings *settings)
{
	JsonbValue	document;
	int			i;

	ddb_json_object(&document, lengthof(setting_fields));
	for (i = 0; i < lengthof(setting_fields); i++)
	{
		const SettingField *field = &setting_fields[i];
		JsonbValue	value;

		if (encode_field(field, (const char *) settings + field->offset, &value))
			ddb_json_add_value(&document, field->name, &value);
	}
	return ddb_json_encode(&document);
}

/* ---- TableDescription ---- */

/*
 * ddb_tableinfo_warm: on-demand tables start with fixed figures, provisioned
 * ones with their throughput; both only ever rise.
 */
void
ddb_tableinfo_warm(const DdbTableSettings *settings, int64 *read, int64 *write)
{
	*read = Max(settings->warm_read,
				settings->on_demand ? WARM_READ_ON_DEMAND : settings->read_units);
	*write = Max(settings->warm_write,
				 settings->on_demand ? WARM_WRITE_ON_DEMAND : settings->write_units);
}

/* a timestamp member, in seconds with a fraction; absent where never (0) */
static void
add_time(JsonbValue *object, const char *name, int64 ms)
{
	if (ms != 0)
		ddb_json_add_double(object, name, (double) ms / 1000.0);
}

static void
add_text(JsonbValue *object, const char *name, DdbText text)
{
	JsonbValue	value;

	ddb_json_string(&value, text.str, text.len);
	ddb_json_add_value(object, name, &value);
}

static void
append_key_element(JsonbValue *list, const DdbKeyAttr *attr, const char *key_type)
{
	JsonbValue	element;

	ddb_json_object(&element, 2);
	add_text(&element, "AttributeName", attr->name);
	ddb_json_add_string(&element, "KeyType", key_type);
	ddb_json_append(list, &element);
}

static void
add_key_schema(JsonbValue *object, const DdbKeySchema *keys)
{
	JsonbValue	list;
	int			i;

	ddb_json_array(&list, keys->nattrs);
	for (i = 0; i < keys->nattrs; i++)
		append_key_element(&list, &keys->attr[i], i == 0 ? "HASH" : "RANGE");
	ddb_json_add_value(object, "KeySchema", &list);
}

static void
append_definition(JsonbValue *list, const DdbKeyAttr *attr, DdbTextSet *names)
{
	JsonbValue	element;

	if (!ddb_textset_add(names, attr->name))
		return;
	ddb_json_object(&element, 2);
	add_text(&element, "AttributeName", attr->name);
	ddb_json_add_string(&element, "AttributeType", ddb_type_name(attr->type));
	ddb_json_append(list, &element);
}

/* the key attributes of a table and its indexes, some of them repeatedly */
static DdbKeyAttr *
collect_key_attributes(const DdbTable *table, int *count)
{
	DdbKeyAttr *attrs = palloc(sizeof(DdbKeyAttr) *
							   (2 + table->nindexes * 2 * DDB_MAX_KEY_PARTS));
	int			n = 0;
	int			i;
	int			j;

	for (i = 0; i < table->keys.nattrs; i++)
		attrs[n++] = table->keys.attr[i];
	for (i = 0; i < table->nindexes; i++)
	{
		const DdbIndex *index = &table->indexes[i];

		for (j = 0; j < index->npartition; j++)
			attrs[n++] = index->partition[j];
		for (j = 0; j < index->nsort; j++)
			attrs[n++] = index->sort[j];
	}
	*count = n;
	return attrs;
}

static const DdbKeyAttr *
find_attribute(const DdbKeyAttr *attrs, int n, DdbText name)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		if (attrs[i].name.len == name.len &&
			memcmp(attrs[i].name.str, name.str, name.len) == 0)
			return &attrs[i];
	}
	return NULL;
}

/*
 * Definitions are shown of exactly the attributes in use: first those of the
 * call that made the table, in its order, then those of indexes added later.
 */
static void
add_definitions(JsonbValue *object, const DdbTableView *view)
{
	DdbDoc		stored = view->settings->attributes;
	DdbTextSet	names;
	JsonbValue	list;
	JsonbValue	value;
	DdbKeyAttr *attrs;
	int			n;
	int			i;

	attrs = collect_key_attributes(view->row->table, &n);
	ddb_json_array(&list, n);
	ddb_textset_init(&names, n);
	for (i = 0; stored.ptr != NULL && ddb_doc_element(stored, i, &value); i++)
	{
		DdbText		name = {"", 0};
		const DdbKeyAttr *attr;

		ddb_request_string(ddb_tableinfo_member(stored, i), "AttributeName", &name);
		attr = find_attribute(attrs, n, name);
		if (attr != NULL)
			append_definition(&list, attr, &names);
	}
	for (i = 0; i < n; i++)
		append_definition(&list, &attrs[i], &names);
	ddb_textset_free(&names);
	ddb_json_add_value(object, "AttributeDefinitions", &list);
}

static void
add_throughput(JsonbValue *object, const DdbTableSettings *settings)
{
	JsonbValue	throughput;

	ddb_json_object(&throughput, 5);
	add_time(&throughput, "LastIncreaseDateTime", settings->last_increase);
	add_time(&throughput, "LastDecreaseDateTime", settings->last_decrease);
	ddb_json_add_int(&throughput, "NumberOfDecreasesToday", settings->decreases);
	ddb_json_add_int(&throughput, "ReadCapacityUnits", settings->read_units);
	ddb_json_add_int(&throughput, "WriteCapacityUnits", settings->write_units);
	ddb_json_add_value(object, "ProvisionedThroughput", &throughput);
}

/* there for tables that are or were on demand */
static void
add_billing_mode(JsonbValue *object, const DdbTableSettings *settings)
{
	JsonbValue	summary;

	if (!settings->on_demand && settings->on_demand_since[0] == 0)
		return;
	ddb_json_object(&summary, 2);
	ddb_json_add_string(&summary, "BillingMode",
						settings->on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
	add_time(&summary, "LastUpdateToPayPerRequestDateTime",
			 settings->on_demand_since[0]);
	ddb_json_add_value(object, "BillingModeSummary", &summary);
}

static void
add_on_demand_throughput(JsonbValue *object, const DdbTableSettings *settings)
{
	JsonbValue	limits;

	if (settings->max_read_requests == 0 && settings->max_write_requests == 0)
		return;
	ddb_json_object(&limits, 2);
	if (settings->max_read_requests != 0)
		ddb_json_add_int(&limits, "MaxReadRequestUnits",
						 settings->max_read_requests);
	if (settings->max_write_requests != 0)
		ddb_json_add_int(&limits, "MaxWriteRequestUnits",
						 settings->max_write_requests);
	ddb_json_add_value(object, "OnDemandThroughput", &limits);
}

static void
add_warm_throughput(JsonbValue *object, const DdbTableSettings *settings,
					const char *status)
{
	JsonbValue	warm;
	int64		read;
	int64		write;

	ddb_tableinfo_warm(settings, &read, &write);
	ddb_json_object(&warm, 3);
	ddb_json_add_int(&warm, "ReadUnitsPerSecond", read);
	ddb_json_add_int(&warm, "WriteUnitsPerSecond", write);
	ddb_json_add_string(&warm, "Status", status);
	ddb_json_add_value(object, "WarmThroughput", &warm);
}

/* STANDARD is not mentioned until the class was changed */
static void
add_table_class(JsonbValue *object, const DdbTableSettings *settings)
{
	JsonbValue	summary;

	if (!settings->infrequent_access && settings->class_changed[0] == 0)
		return;
	ddb_json_object(&summary, 2);
	ddb_json_add_string(&summary, "TableClass",
						settings->infrequent_access ?
						"STANDARD_INFREQUENT_ACCESS" : "STANDARD");
	add_time(&summary, "LastUpdateDateTime", settings->class_changed[0]);
	ddb_json_add_value(object, "TableClassSummary", &summary);
}

/* encryption with an AWS owned key is not mentioned */
static void
add_encryption(JsonbValue *object, const DdbTableSettings *settings)
{
	JsonbValue	description;

	if (settings->kms_key_arn.str == NULL)
		return;
	ddb_json_object(&description, 3);
	ddb_json_add_string(&description, "Status", "ENABLED");
	ddb_json_add_string(&description, "SSEType", "KMS");
	add_text(&description, "KMSMasterKeyArn", settings->kms_key_arn);
	ddb_json_add_value(object, "SSEDescription", &description);
}

/* ---- indexes ---- */

static void
add_index_keys(JsonbValue *object, const DdbIndex *index)
{
	JsonbValue	list;
	int			i;

	ddb_json_array(&list, index->npartition + index->nsort);
	for (i = 0; i < index->npartition; i++)
		append_key_element(&list, &index->partition[i], "HASH");
	for (i = 0; i < index->nsort; i++)
		append_key_element(&list, &index->sort[i], "RANGE");
	ddb_json_add_value(object, "KeySchema", &list);
}

static void
add_projection(JsonbValue *object, const DdbIndex *index)
{
	static const char *const types[] = {
		[DDB_PROJECT_ALL] = "ALL",
		[DDB_PROJECT_KEYS_ONLY] = "KEYS_ONLY",
		[DDB_PROJECT_INCLUDE] = "INCLUDE"
	};
	JsonbValue	projection;
	JsonbValue	list;
	int			i;

	ddb_json_object(&projection, 2);
	ddb_json_add_string(&projection, "ProjectionType", types[index->projection]);
	if (index->projection == DDB_PROJECT_INCLUDE)
	{
		ddb_json_array(&list, index->nattributes);
		for (i = 0; i < index->nattributes; i++)
		{
			JsonbValue	name;

			ddb_json_string(&name, index->attributes[i].str, index->attributes[i].len);
			ddb_json_append(&list, &name);
		}
		ddb_json_add_value(&projection, "NonKeyAttributes", &list);
	}
	ddb_json_add_value(object, "Projection", &projection);
}

/* a local index has neither state nor throughput of its own */
static void
describe_index(const DdbTable *table, const DdbIndexView *view, JsonbValue *out)
{
	const DdbIndex *index = view->index;

	ddb_json_object(out, 10);
	ddb_json_add_string(out, "IndexName", index->name);
	add_index_keys(out, index);
	add_projection(out, index);
	ddb_json_add_int(out, "IndexSizeBytes", view->bytes);
	ddb_json_add_int(out, "ItemCount", view->items);
	ddb_json_add_string(out, "IndexArn",
						psprintf("%s/index/%s",
								 ddb_arn_of_table(table->name, strlen(table->name)),
								 index->name));
	if (!index->global)
		return;
	ddb_json_add_string(out, "IndexStatus", view->status);
	if (view->building)
		ddb_json_add_bool(out, "Backfilling", view->backfilling);
	add_throughput(out, &view->settings);
	add_on_demand_throughput(out, &view->settings);
	add_warm_throughput(out, &view->settings, view->status);
	if (index->is_unique)
		ddb_json_add_bool(out, "Unique", true);
}

static void
add_indexes(JsonbValue *object, const DdbTableView *view, bool global)
{
	JsonbValue	list;
	int			count = 0;
	int			i;

	ddb_json_array(&list, view->nindexes);
	for (i = 0; i < view->nindexes; i++)
	{
		JsonbValue	description;

		if (view->indexes[i].index->global != global)
			continue;
		describe_index(view->row->table, &view->indexes[i], &description);
		ddb_json_append(&list, &description);
		count++;
	}
	if (count > 0)
		ddb_json_add_value(object, global ? "GlobalSecondaryIndexes" : "LocalSecondaryIndexes",
						   &list);
}

/* the last stream's name stays when it is disabled */
static void
add_stream(JsonbValue *out, const DdbStream *stream)
{
	JsonbValue	specification;

	if (stream == NULL)
		return;
	if (stream->disabled == 0)
	{
		ddb_json_object(&specification, 2);
		ddb_json_add_bool(&specification, "StreamEnabled", true);
		ddb_json_add_string(&specification, "StreamViewType",
							ddb_view_type_name(stream->view));
		ddb_json_add_value(out, "StreamSpecification", &specification);
	}
	ddb_json_add_string(out, "LatestStreamLabel", stream->label);
	ddb_json_add_string(out, "LatestStreamArn", ddb_stream_arn(stream));
}

/*
 * ddb_tableinfo_describe: members that do not apply are absent, never empty;
 * ItemCount, TableSizeBytes, DeletionProtectionEnabled and throughput (zeros
 * on demand) are always there.
 */
void
ddb_tableinfo_describe(const DdbTableView *view, JsonbValue *out)
{
	const DdbTable *table = view->row->table;
	const DdbTableSettings *settings = view->settings;

	ddb_json_object(out, 23);
	ddb_json_add_string(out, "TableName", table->name);
	ddb_json_add_string(out, "TableStatus", view->status);
	ddb_json_add_string(out, "TableArn",
						ddb_arn_of_table(table->name, strlen(table->name)));
	ddb_json_add_string(out, "TableId", view->row->table_id);
	add_time(out, "CreationDateTime", ddb_tableinfo_time(view->row->created));
	ddb_json_add_int(out, "ItemCount", view->items);
	ddb_json_add_int(out, "TableSizeBytes", view->bytes);
	ddb_json_add_bool(out, "DeletionProtectionEnabled",
					  settings->deletion_protection);
	if (!view->outline)
	{
		add_key_schema(out, &table->keys);
		add_definitions(out, view);
		add_indexes(out, view, false);
		add_indexes(out, view, true);
	}
	add_throughput(out, settings);
	add_billing_mode(out, settings);
	add_on_demand_throughput(out, settings);
	add_warm_throughput(out, settings, view->warm_status);
	add_table_class(out, settings);
	add_encryption(out, settings);
	add_stream(out, view->stream);
}

/* ---- pieces of requests ---- */

bool
ddb_tableinfo_name_is_valid(DdbText name)
{
	int			i;

	if (name.len < 3 || name.len > 255)
		return false;
	for (i = 0; i < name.len; i++)
	{
		char		c = name.str[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
			return false;
	}
	return true;
}

DdbDoc
ddb_tableinfo_member(DdbDoc list, int i)
{
	DdbDoc		member = {NULL, 0};
	JsonbValue	value;

	if (ddb_doc_element(list, i, &value))
		member = ddb_doc_of(&value);
	if (member.ptr == NULL)
		elog(ERROR, "unexpected element %d of a list of structures", i);
	return member;
}

/* the ARN that a KMSMasterKeyId stands for: itself an ARN, an alias or an id */
static DdbText
kms_key_arn(DdbText id)
{
	DdbText		arn = id;

	if (id.len >= 4 && memcmp(id.str, "arn:", 4) == 0)
		return arn;
	arn.str = psprintf("arn:aws:kms:%s:%s:%s%.*s", ddb_region, ddb_account_id,
					   id.len >= 6 && memcmp(id.str, "alias/", 6) == 0 ? "" : "key/",
					   id.len, id.str);
	arn.len = strlen(arn.str);
	return arn;
}

/*
 * SSESpecification: Enabled means a KMS key, DynamoDB's own unless another is
 * named; disabled and AES256 mean an AWS owned key, of which nothing is shown.
 */
void
ddb_tableinfo_read_encryption(DdbDoc request, DdbTableSettings *settings)
{
	DdbDoc		specification = ddb_request_doc(request, "SSESpecification");
	DdbText		type = {"KMS", 3};
	DdbText		key = {"alias/aws/dynamodb", 18};
	bool		enabled = false;
	bool		has_key;

	if (specification.ptr == NULL)
		return;
	ddb_request_bool(specification, "Enabled", &enabled);
	ddb_request_string(specification, "SSEType", &type);
	has_key = ddb_request_string(specification, "KMSMasterKeyId", &key);
	settings->kms_key_arn.str = NULL;
	if (enabled && type.len == 3 && memcmp(type.str, "KMS", 3) == 0)
		settings->kms_key_arn = kms_key_arn(key);
	else if (has_key)
		ddb_validation_error(INVALID_PARAMETERS "KMSMasterKeyId can only be specified when SSE is enabled and SSEType is KMS");
}

/* a member of OnDemandThroughput: at least 1, or -1 for no maximum */
static void
read_maximum(DdbDoc limits, const char *name, int64 *maximum)
{
	int64		value;

	if (!ddb_request_int(limits, name, &value))
		return;
	if (value < 1 && value != -1)
		ddb_validation_error(INVALID_PARAMETERS "%s must be at least 1, or -1 for no maximum",
							 name);
	*maximum = value;
}

/* OnDemandThroughput, for settings whose billing mode has been read */
void
ddb_tableinfo_read_on_demand_throughput(DdbDoc request, DdbTableSettings *settings)
{
	DdbDoc		limits = ddb_request_doc(request, "OnDemandThroughput");

	if (limits.ptr == NULL)
		return;
	if (!settings->on_demand)
		ddb_validation_error(INVALID_PARAMETERS "OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST");
	if (!ddb_request_has(limits, "MaxReadRequestUnits") &&
		!ddb_request_has(limits, "MaxWriteRequestUnits"))
		ddb_validation_error(INVALID_PARAMETERS "At least one of MaxReadRequestUnits or MaxWriteRequestUnits must be specified in OnDemandThroughput");
	read_maximum(limits, "MaxReadRequestUnits", &settings->max_read_requests);
	read_maximum(limits, "MaxWriteRequestUnits", &settings->max_write_requests);
}

/* subject: the table or the index, in messages */
static void
read_warm(DdbDoc warm, const char *name, const char *subject, int64 current, int64 *units)
{
	int64		value;

	if (!ddb_request_int(warm, name, &value))
		return;
	if (value < current)
		ddb_validation_error(INVALID_PARAMETERS "Requested %s for WarmThroughput for %s is lower than current WarmThroughput, decreasing WarmThroughput is not supported",
							 name, subject);
	*units = value;
}

/* WarmThroughput only goes up from what the settings have without it */
void
ddb_tableinfo_read_warm_throughput(DdbDoc request, DdbTableSettings *settings)
{
	DdbDoc		warm = ddb_request_doc(request, "WarmThroughput");
	const char *subject = "table";
	DdbText		index;
	int64		read;
	int64		write;

	if (warm.ptr == NULL)
		return;
	if (!ddb_request_has(warm, "ReadUnitsPerSecond") &&
		!ddb_request_has(warm, "WriteUnitsPerSecond"))
		ddb_validation_error(INVALID_PARAMETERS "At least one of ReadUnitsPerSecond or WriteUnitsPerSecond must be specified in WarmThroughput");
	if (ddb_request_string(request, "IndexName", &index))
		subject = psprintf("index %.*s", index.len, index.str);
	ddb_tableinfo_warm(settings, &read, &write);
	read_warm(warm, "ReadUnitsPerSecond", subject, read, &settings->warm_read);
	read_warm(warm, "WriteUnitsPerSecond", subject, write, &settings->warm_write);
}

/* letters beyond ASCII are accepted with all other characters there */
static bool
tag_text_is_valid(DdbText text)
{
	int			i;

	for (i = 0; i < text.len; i++)
	{
		unsigned char c = (unsigned char) text.str[i];

		if (IS_HIGHBIT_SET(c) || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || strchr(" +-=._:/@", c) == NULL)
			return false;
	}
	return true;
}

/* keys that begin with aws: belong to the service */
static void
check_tag(DdbText key, DdbText value)
{
	if (key.len >= 4 && pg_strncasecmp(key.str, "aws:", 4) == 0)
		ddb_validation_error(INVALID_PARAMETERS "Tag keys that start with 'aws:' are reserved for system use: %.*s",
							 key.len, key.str);
	if (!tag_text_is_valid(key) || !tag_text_is_valid(value))
		ddb_validation_error(INVALID_PARAMETERS "Tags may only contain letters, digits, blanks and + - = . _ : / @");
}

static void
set_tag(DdbTag *tags, int *count, const DdbTag *tag)
{
	int			i;

	for (i = 0; i < *count; i++)
	{
		if (strcmp(tags[i].key, tag->key) == 0)
		{
			tags[i].value = tag->value;
			return;
		}
	}
	if (*count == DDB_MAX_TAGS)
		ddb_tableinfo_too_many_tags();
	tags[(*count)++] = *tag;
}

DdbTag *
ddb_tableinfo_tags(DdbDoc list, int *count)
{
	DdbTag	   *tags;
	int			n;
	int			i;

	*count = 0;
	if (list.ptr == NULL)
		return NULL;
	tags = palloc(sizeof(DdbTag) * DDB_MAX_TAGS);
	n = ddb_doc_count(list);
	for (i = 0; i < n; i++)
	{
		DdbDoc		member = ddb_tableinfo_member(list, i);
		DdbText		key = {"", 0};
		DdbText		value = {"", 0};
		DdbTag		tag;

		ddb_request_string(member, "Key", &key);
		ddb_request_string(member, "Value", &value);
		check_tag(key, value);
		tag.key = pnstrdup(key.str, key.len);
		tag.value = pnstrdup(value.str, value.len);
		set_tag(tags, count, &tag);
	}
	return tags;
}

void
ddb_tableinfo_too_many_tags(void)
{
	ddb_validation_error(INVALID_PARAMETERS "The number of tags exceeds the limit of %d per resource",
						 DDB_MAX_TAGS);
}
