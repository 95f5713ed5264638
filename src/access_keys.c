/*
 * access_keys.c
 *	  Condition keys of a request, and their values, for policies that ask.
 *
 * A value is made when a policy asks for it, and lives as long as the look.
 * Keys are known without regard to case.  Those that come from the request's
 * content are unknown at the first of two looks.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/ip.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "access_internal.h"
#include "guc.h"
#include "itemtable.h"

/* texts that grow in number */
typedef struct TextList
{
	int			count;
	int			space;
	DdbText    *texts;
} TextList;

static void
add_text(TextList *list, DdbText text)
{
	if (list->count == list->space)
	{
		list->space = Max(16, 2 * list->space);
		list->texts = list->texts == NULL ?
			palloc(list->space * sizeof(DdbText)) :
			repalloc_huge(list->texts, list->space * sizeof(DdbText));
	}
	list->texts[list->count++] = text;
}

/* text in stored form, as callers know it */
static DdbText
decoded(DdbText text)
{
	if (text.len > 0 && memchr(text.str, '\001', text.len) != NULL)
		text.str = ddb_text_decode(text.str, text.len, &text.len);
	return text;
}

static DdbText
text_of(const char *str)
{
	DdbText		text = {str, strlen(str)};

	return text;
}

static bool
same_key(DdbText key, const char *name, int len)
{
	return key.len == len && (memcmp(key.str, name, len) == 0 ||
							  ddb_text_same_nocase(key, (DdbText) {name, len}));
}

/* ----------------------------------------------------------------
 * Leading keys
 * ----------------------------------------------------------------
 */

static void
add_key_value(TextList *list, const DdbValue *value)
{
	if (value->type == DDB_S)
		add_text(list, decoded(value->text));
	else if (value->type == DDB_N || value->type == DDB_B)
		add_text(list, value->text);
}

/* attributes of the partition key that is read or written by */
static int
partition_attributes(const DdbAccess *access)
{
	return access->index != NULL ? access->index->npartition : 1;
}

/*
 * Values of one attribute of the partition key.  A key that lacks it, or has
 * one of another type, is refused for that later.
 */
static void
list_leading(const DdbAccess *access, int position, TextList *list)
{
	int			parts = partition_attributes(access);
	int			i;

	for (i = position; i < access->nleading && position < parts; i += parts)
		add_key_value(list, &access->leading[i]);
	for (i = 0; i < access->nitems && position == 0; i++)
	{
		const DdbKeyAttr *attr = &access->table->keys.attr[0];
		DdbValue	value;

		if (ddb_item_get(access->items[i], attr->name.str, attr->name.len, &value))
			add_key_value(list, &value);
	}
}

/* ----------------------------------------------------------------
 * Attributes
 * ----------------------------------------------------------------
 */

static void
list_path(const ExprBinding *binding, const ExprPath *path, TextList *list)
{
	add_text(list, decoded(ddb_expr_step_name(binding, &path->steps[0])));
}

static void
list_node(const ExprBinding *binding, const ExprNode *node, TextList *list)
{
	int			i;

	check_stack_depth();
	if (node == NULL)
		return;
	if (node->kind == EXPR_PATH)
		list_path(binding, &node->path, list);
	for (i = 0; i < node->nargs; i++)
		list_node(binding, node->args[i], list);
}

static void
list_binding(const ExprBinding *binding, TextList *list)
{
	const ExprProgram *program = binding->program;
	int			i;

	list_node(binding, program->condition, list);
	for (i = 0; i < program->nactions; i++)
	{
		list_path(binding, &program->actions[i].path, list);
		list_node(binding, program->actions[i].value, list);
	}
	for (i = 0; i < program->npaths; i++)
		list_path(binding, &program->paths[i], list);
}

static void
list_members(DdbDoc item, TextList *list)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	ddb_doc_begin(&cursor, item);
	while (ddb_doc_next(&cursor, &name, &value))
		add_text(list, decoded(name));
}

/* top-level names, those of the key included; some may come several times */
static void
list_attributes(const DdbAccess *access, TextList *list)
{
	int			i;

	for (i = 0; i < access->nitems; i++)
	{
		CHECK_FOR_INTERRUPTS();
		list_members(access->items[i], list);
	}
	for (i = 0; i < DDB_ACCESS_BINDINGS; i++)
	{
		if (access->bindings[i] != NULL)
			list_binding(access->bindings[i], list);
	}
	for (i = 0; i < access->nattributes; i++)
		add_text(list, decoded(access->attributes[i]));
}

/* ----------------------------------------------------------------
 * Tags
 * ----------------------------------------------------------------
 */

/* member name of element, an object of strings in a request not yet checked */
static bool
string_member(const JsonbValue *element, const char *name, DdbText *out)
{
	DdbDoc		doc = ddb_doc_of(element);
	JsonbValue	value;

	if (doc.ptr == NULL || !ddb_doc_is_object(doc) ||
		!ddb_doc_get(doc, name, strlen(name), &value) || value.type != jbvString)
		return false;
	out->str = value.val.string.val;
	out->len = value.val.string.len;
	return true;
}

static void
list_tag_keys(const DdbFirstLook *first, TextList *list)
{
	DdbDocCursor cursor;
	DdbText		text;
	JsonbValue	value;

	if (first->tags.ptr != NULL)
	{
		ddb_doc_begin(&cursor, first->tags);
		while (ddb_doc_next(&cursor, &text, &value))
		{
			if (string_member(&value, "Key", &text))
				add_text(list, text);
		}
	}
	if (first->tag_keys.ptr != NULL)
	{
		ddb_doc_begin(&cursor, first->tag_keys);
		while (ddb_doc_next(&cursor, &text, &value))
		{
			text.str = value.val.string.val;
			text.len = value.val.string.len;
			if (value.type == jbvString)
				add_text(list, text);
		}
	}
}

static DdbContextState
one(DdbLook *look, DdbText value, DdbContextValues *values)
{
	look->single = value;
	values->count = 1;
	values->values = &look->single;
	return DDB_CONTEXT_PRESENT;
}

static DdbContextState
one_str(DdbLook *look, const char *value, DdbContextValues *values)
{
	return value != NULL ? one(look, text_of(value), values) : DDB_CONTEXT_ABSENT;
}

static DdbContextState
request_tag(DdbLook *look, DdbText tag, DdbContextValues *values)
{
	DdbDocCursor cursor;
	DdbText		key;
	DdbText		value;
	JsonbValue	element;

	if (look->first == NULL || look->first->tags.ptr == NULL)
		return DDB_CONTEXT_ABSENT;
	ddb_doc_begin(&cursor, look->first->tags);
	while (ddb_doc_next(&cursor, &key, &element))
	{
		if (string_member(&element, "Key", &key) && same_key(tag, key.str, key.len) &&
			string_member(&element, "Value", &value))
			return one(look, value, values);
	}
	return DDB_CONTEXT_ABSENT;
}

static DdbContextState
resource_tag(DdbLook *look, DdbText tag, DdbContextValues *values)
{
	int			i;

	if (look->table == NULL)
		return DDB_CONTEXT_ABSENT;
	if (!look->has_tags)
		look->tags = ddb_item_table_tags(look->table, &look->ntags);
	look->has_tags = true;
	for (i = 0; i < look->ntags; i++)
	{
		if (same_key(tag, look->tags[i].key, strlen(look->tags[i].key)))
			return one_str(look, look->tags[i].value, values);
	}
	return DDB_CONTEXT_ABSENT;
}

/* ----------------------------------------------------------------
 * Who calls, whence, and when
 * ----------------------------------------------------------------
 */

/* the client's address of an SQL session; NULL for a local socket and for none */
static const char *
session_address(void)
{
	static char address[NI_MAXHOST];
	static bool known = false;
	const SockAddr *client;

	if (MyProcPort == NULL || MyBEEntry == NULL)
		return NULL;
	client = &MyBEEntry->st_clientaddr;
	if (client->addr.ss_family != AF_INET && client->addr.ss_family != AF_INET6)
		return NULL;
	if (!known && pg_getnameinfo_all(&client->addr, client->salen, address,
									 sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
		return NULL;
	known = true;

	/* the zone of a link-local address is nobody's business */
	if (strchr(address, '%') != NULL)
		*strchr(address, '%') = '\0';
	return address;
}

/* a local socket is as good as an encrypted connection */
static bool
is_secure(void)
{
	if (ddb_access_caller.over_http)
		return ddb_access_caller.secure_transport;
	return session_address() == NULL || MyBEEntry->st_ssl || MyBEEntry->st_gss;
}

static DdbContextState
source_ip(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, ddb_access_caller.over_http ? ddb_access_caller.source_ip :
				   session_address(), values);
}

static DdbContextState
secure_transport(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, is_secure() ? "true" : "false", values);
}

static DdbContextState
user_agent(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, ddb_access_caller.user_agent, values);
}

static DdbContextState
user_name(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, look->role_name, values);
}

/* what stays the same when the role is renamed */
static DdbContextState
user_id(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, psprintf("%u", look->role), values);
}

static DdbContextState
principal_arn(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one(look, look->principal, values);
}

static DdbContextState
principal_account(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, ddb_account_id, values);
}

static DdbContextState
principal_type(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, "User", values);
}

static DdbContextState
constant_false(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, "false", values);
}

static const char *
iso_time(TimestampTz timestamp)
{
	pg_time_t	seconds = timestamptz_to_time_t(timestamp);
	char	   *text = palloc(32);

	pg_strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", pg_gmtime(&seconds));
	return text;
}

static DdbContextState
current_time_key(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, iso_time(GetCurrentStatementStartTimestamp()), values);
}

static DdbContextState
epoch_time(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	pg_time_t	seconds = timestamptz_to_time_t(GetCurrentStatementStartTimestamp());

	return one_str(look, psprintf(INT64_FORMAT, (int64) seconds), values);
}

static DdbContextState
token_issue_time(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	if (ddb_access_caller.token_issued == 0 || !ddb_access_caller_is(look->role))
		return DDB_CONTEXT_ABSENT;
	return one_str(look, iso_time(ddb_access_caller.token_issued), values);
}

static DdbContextState
requested_region(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, ddb_region, values);
}

/* the fifth part of an ARN; the caller's account where the resource is "*" */
static DdbContextState
resource_account(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	DdbText		text = look->resource;
	const char *end = NULL;
	int			i;

	for (i = 0; i < 5; i++)
	{
		end = memchr(text.str, ':', text.len);
		if (end == NULL)
			return one_str(look, ddb_account_id, values);
		if (i == 4)
			break;
		text.len -= end + 1 - text.str;
		text.str = end + 1;
	}
	text.len = end - text.str;
	return one(look, text, values);
}

/* ----------------------------------------------------------------
 * What the request says
 * ----------------------------------------------------------------
 */

/* a list of the request's content, made once; one without elements is absent */
static DdbContextState
list_of(DdbLook *look, DdbLookList which, DdbContextValues *values)
{
	TextList	list = {0, 0, NULL};

	if (!look->has_list[which])
	{
		if (which == DDB_LOOK_ATTRIBUTES)
			list_attributes(look->access, &list);
		else if (which == DDB_LOOK_TAG_KEYS)
			list_tag_keys(look->first, &list);
		else
			list_leading(look->access, which - DDB_LOOK_LEADING, &list);
		look->lists[which].count = list.count;
		look->lists[which].values = list.texts;
		look->has_list[which] = true;
	}
	*values = look->lists[which];
	return values->count > 0 ? DDB_CONTEXT_PRESENT : DDB_CONTEXT_ABSENT;
}

static DdbContextState
tag_keys(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	if (look->first == NULL)
		return DDB_CONTEXT_ABSENT;
	return list_of(look, DDB_LOOK_TAG_KEYS, values);
}

static DdbContextState
leading_keys(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return list_of(look, DDB_LOOK_LEADING, values);
}

static DdbContextState
second_values(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return list_of(look, DDB_LOOK_LEADING + 1, values);
}

static DdbContextState
third_values(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return list_of(look, DDB_LOOK_LEADING + 2, values);
}

static DdbContextState
fourth_values(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return list_of(look, DDB_LOOK_LEADING + 3, values);
}

static DdbContextState
attributes(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return list_of(look, DDB_LOOK_ATTRIBUTES, values);
}

static DdbContextState
select_key(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, look->access->select, values);
}

static DdbContextState
return_values(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, look->access->return_values, values);
}

static DdbContextState
return_capacity(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	DdbText		text = {"NONE", 4};
	JsonbValue	value;

	if (ddb_doc_get(look->access->request, "ReturnConsumedCapacity",
					strlen("ReturnConsumedCapacity"), &value) && value.type == jbvString)
	{
		text.str = value.val.string.val;
		text.len = value.val.string.len;
	}
	return one(look, text, values);
}

static DdbContextState
enclosing_operation(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	return one_str(look, look->access->enclosing, values);
}

static DdbContextState
full_table_scan(DdbLook *look, DdbText rest, DdbContextValues *values)
{
	if (!look->access->is_partiql_select)
		return DDB_CONTEXT_ABSENT;
	return one_str(look, look->access->full_table_scan ? "true" : "false", values);
}

/* ----------------------------------------------------------------
 * Looking up
 * ----------------------------------------------------------------
 */

typedef DdbContextState (*KeyFunction) (DdbLook *look, DdbText rest, DdbContextValues *values);

#define KEY(name)	name, sizeof(name) - 1

/* names that end in a slash are followed by something: rest */
static const struct
{
	const char *name;
	int			len;
	KeyFunction function;
	bool		content;		/* of the request; the second look only */
	bool		constant;		/* as long as role and resource are the same */
}			keys[] = {
	{KEY("dynamodb:LeadingKeys"), leading_keys, true},
	{KEY("dynamodb:Attributes"), attributes, true},
	{KEY("dynamodb:Select"), select_key, true},
	{KEY("dynamodb:ReturnValues"), return_values, true},
	{KEY("dynamodb:ReturnConsumedCapacity"), return_capacity, true},
	{KEY("dynamodb:EnclosingOperation"), enclosing_operation, true},
	{KEY("dynamodb:FullTableScan"), full_table_scan, true},
	{KEY("dynamodb:FirstPartitionKeyValues"), leading_keys, true},
	{KEY("dynamodb:SecondPartitionKeyValues"), second_values, true},
	{KEY("dynamodb:ThirdPartitionKeyValues"), third_values, true},
	{KEY("dynamodb:FourthPartitionKeyValues"), fourth_values, true},
	{KEY("aws:username"), user_name, false, true},
	{KEY("aws:userid"), user_id, false, true},
	{KEY("aws:PrincipalArn"), principal_arn, false, true},
	{KEY("aws:PrincipalAccount"), principal_account, false, true},
	{KEY("aws:PrincipalType"), principal_type, false, true},
	{KEY("aws:PrincipalIsAWSService"), constant_false, false, true},
	{KEY("aws:ViaAWSService"), constant_false, false, true},
	{KEY("aws:RequestedRegion"), requested_region, false, true},
	{KEY("aws:ResourceAccount"), resource_account, false, true},
	{KEY("aws:SourceIp"), source_ip, false},
	{KEY("aws:SecureTransport"), secure_transport, false},
	{KEY("aws:UserAgent"), user_agent, false},
	{KEY("aws:CurrentTime"), current_time_key, false},
	{KEY("aws:EpochTime"), epoch_time, false},
	{KEY("aws:TokenIssueTime"), token_issue_time, false},
	{KEY("aws:ResourceTag/"), resource_tag, false},
	{KEY("aws:RequestTag/"), request_tag, false},
	{KEY("aws:TagKeys"), tag_keys, false},
};

/* does the row name the key?  *rest is what follows a slash */
static bool
names_key(const char *name, int len, DdbText key, DdbText *rest)
{
	if (name[len - 1] != '/')
		return same_key(key, name, len);
	if (key.len <= len || !same_key((DdbText) {key.str, len}, name, len))
		return false;
	rest->str = key.str + len;
	rest->len = key.len - len;
	return true;
}

/* a value of a document, a string or a list of strings; others are as JSON shows them */
static void
add_json(TextList *list, const JsonbValue *value)
{
	DdbText		text;

	if (value->type == jbvString)
	{
		text.str = value->val.string.val;
		text.len = value->val.string.len;
	}
	else if (value->type == jbvBool)
		text = text_of(value->val.boolean ? "true" : "false");
	else if (value->type == jbvNumeric)
		text = text_of(DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(value->val.numeric))));
	else
		return;
	add_text(list, text);
}

/*
 * The key in a document of condition keys and values, where null says that the
 * key is absent.  False when the document does not have it.
 */
static bool
key_of_document(DdbDoc document, DdbText key, DdbContextValues *values)
{
	TextList	list = {0, 0, NULL};
	DdbDocCursor cursor;
	DdbDocCursor elements;
	DdbText		name;
	JsonbValue	value;
	JsonbValue	element;
	DdbDoc		array;

	ddb_doc_begin(&cursor, document);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (!same_key(key, name.str, name.len))
			continue;
		array = ddb_doc_of(&value);
		if (array.ptr != NULL && ddb_doc_is_array(array))
		{
			ddb_doc_begin(&elements, array);
			while (ddb_doc_next(&elements, &name, &element))
				add_json(&list, &element);
		}
		else
			add_json(&list, &value);
		values->count = list.count;
		values->values = list.texts;
		return true;
	}
	return false;
}

/* what the caller's session token says of itself */
static DdbContextState
claim(const DdbLook *look, DdbText key, DdbContextValues *values)
{
	if (ddb_access_caller.claims == NULL || !ddb_access_caller_is(look->role) ||
		!key_of_document(ddb_doc_root(ddb_access_caller.claims), key, values) ||
		values->count == 0)
		return DDB_CONTEXT_ABSENT;
	return DDB_CONTEXT_PRESENT;
}

static DdbContextState
find_key(DdbLook *look, DdbText key, DdbContextValues *values)
{
	DdbText		rest = {NULL, 0};
	int			i;

	for (i = 0; i < lengthof(keys); i++)
	{
		if (!names_key(keys[i].name, keys[i].len, key, &rest))
			continue;
		if (!keys[i].content && !keys[i].constant)
			look->changeable = true;
		if (!keys[i].content || look->access != NULL)
			return keys[i].function(look, rest, values);
		return look->first->whole ? DDB_CONTEXT_ABSENT : DDB_CONTEXT_UNKNOWN;
	}
	look->changeable = true;
	return claim(look, key, values);
}

static bool
is_noted(const List *texts, const char *text)
{
	ListCell   *lc;

	foreach(lc, texts)
	{
		if (strcmp(lfirst(lc), text) == 0)
			return true;
	}
	return false;
}

static void
note_missing(DdbLook *look, DdbText key)
{
	char	   *name = pnstrdup(key.str, key.len);

	if (!is_noted(look->missing, name))
		look->missing = lappend(look->missing, name);
}

DdbContextState
ddb_access_lookup(DdbText key, DdbContextValues *values, void *arg)
{
	DdbLook    *look = arg;
	DdbContextState state;

	values->count = 0;
	values->values = NULL;
	if (ddb_access_simulation == NULL)
		return find_key(look, key, values);
	if (ddb_access_simulation->overrides.ptr != NULL &&
		key_of_document(ddb_access_simulation->overrides, key, values))
		state = values->count > 0 ? DDB_CONTEXT_PRESENT : DDB_CONTEXT_ABSENT;
	else
		state = find_key(look, key, values);
	if (state != DDB_CONTEXT_PRESENT)
		note_missing(look, key);
	return state;
}
