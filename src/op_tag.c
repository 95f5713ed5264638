/*
 * op_tag.c
 *	  TagResource, UntagResource, ListTagsOfResource.
 *
 * Tags belong to a table and are addressed by ARN.  The three calls have
 * their own texts for what is no ARN, no table's ARN, or nobody's table, which
 * is why the ARN is taken apart here.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "guc.h"
#include "op.h"
#include "tableinfo.h"

/* arn:<partition>:<service>:<region>:<account>:<resource> */
enum ArnPart
{
	ARN_ARN,
	ARN_PARTITION,
	ARN_SERVICE,
	ARN_REGION,
	ARN_ACCOUNT,
	ARN_RESOURCE,
	ARN_PARTS
};

static bool
text_is(DdbText text, const char *str)
{
	return text.len == strlen(str) && memcmp(text.str, str, text.len) == 0;
}

/* the text before the first mark, which is removed from rest with it */
static DdbText
split(DdbText *rest, char mark)
{
	const char *end = rest->len > 0 ? memchr(rest->str, mark, rest->len) : NULL;
	DdbText		part = *rest;

	if (end == NULL)
	{
		rest->len = 0;
		return part;
	}
	part.len = end - rest->str;
	rest->str = end + 1;
	rest->len -= part.len + 1;
	return part;
}

/* the resource is what remains, so it may hold colons, as stream labels do */
static void
split_arn(DdbText arn, DdbText *parts)
{
	DdbText		rest = arn;
	int			i;

	for (i = 0; i < ARN_RESOURCE; i++)
		parts[i] = split(&rest, ':');
	parts[ARN_RESOURCE] = rest;
}

static void
refuse_arn(DdbText arn)
{
	ddb_validation_error("Invalid TableArn: Invalid ResourceArn provided as input %.*s",
						 arn.len, arn.str);
}

/*
 * table_of_arn: the table name in the ARN of a table.  *known tells whether a
 * table can have this ARN at all: ARNs of other regions and of streams are
 * well formed and belong to nothing here.  ARNs of other accounts raise
 * AccessDeniedException, whether or not the table exists.
 */
static DdbText
table_of_arn(DdbText arn, const char *action, bool *known)
{
	DdbText		parts[ARN_PARTS];
	DdbText		rest;
	DdbText		name;
	DdbText		kind;

	split_arn(arn, parts);
	rest = parts[ARN_RESOURCE];
	kind = split(&rest, '/');
	name = split(&rest, '/');
	if (!text_is(parts[ARN_SERVICE], "dynamodb") || !text_is(kind, "table") ||
		!ddb_tableinfo_name_is_valid(name) ||
		parts[ARN_REGION].len == 0 || parts[ARN_ACCOUNT].len == 0)
		refuse_arn(arn);
	kind = split(&rest, '/');
	if (name.str + name.len != arn.str + arn.len &&
		(!text_is(kind, "stream") || rest.len == 0))
		refuse_arn(arn);
	if (!text_is(parts[ARN_ACCOUNT], ddb_account_id))
		ddb_access_denied(action, pnstrdup(arn.str, arn.len));
	*known = rest.len == 0 && text_is(parts[ARN_PARTITION], "aws") &&
		text_is(parts[ARN_REGION], ddb_region);
	return name;
}

/* roles that may not create tables are not told which tables exist */
static void
refuse_unknown(DdbText arn, const char *action)
{
	char	   *text = pnstrdup(arn.str, arn.len);

	if (pg_namespace_aclcheck(ddb_tables_schema(), GetUserId(),
							  ACL_CREATE) != ACLCHECK_OK)
		ddb_access_denied(action, text);
	if (strcmp(action, "UntagResource") == 0)
		ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
	ddb_error(DDB_RESOURCE_NOT_FOUND,
			  "Requested resource not found: ResourcArn: %s not found", text);
}

/* what a call that changes tags says about its list */
typedef struct TagList
{
	const char *member;
	const char *path;			/* in constraint messages */
	const char *empty;
} TagList;

static const TagList tags_list = {
	"Tags", "tags", "Atleast one Tag needs to be provided as Input."
};
static const TagList tag_keys_list = {
	"TagKeys", "tagKeys", "Atleast one Tag Key needs to be provided as Input."
};

/*
 * open_resource: the table of member ResourceArn, locked.  list is NULL for
 * calls without one; its absence is reported once the ARN looks like an ARN,
 * its emptiness once it is a table's, before the table is looked up.
 */
static const DdbTable *
open_resource(DdbDoc request, const char *action, const TagList *list)
{
	DdbText		arn;
	DdbText		name;
	bool		known;

	if (!ddb_request_string(request, "ResourceArn", &arn))
		ddb_validation_error("Invalid TableArn");
	if (arn.len < 4 || memcmp(arn.str, "arn:", 4) != 0)
		ddb_validation_error("Invalid TableArn: ARNs must start with 'arn:': %.*s",
							 arn.len, arn.str);
	if (list != NULL && !ddb_request_has(request, list->member))
		ddb_validation_error("1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null",
							 list->path);
	name = table_of_arn(arn, action, &known);
	if (list != NULL && ddb_doc_count(ddb_request_doc(request, list->member)) == 0)
		ddb_validation_error("%s", list->empty);
	if (!known || ddb_catalog_find(name.str, name.len) == NULL)
		refuse_unknown(arn, action);
	if (list == NULL)
		return ddb_catalog_open(name, AccessShareLock, ACL_NO_RIGHTS,
								action, true);
	return ddb_catalog_open(name, ShareUpdateExclusiveLock, DDB_ACL_OWNER,
							action, true);
}

static Jsonb *
empty_response(void)
{
	JsonbValue	response;

	ddb_json_object(&response, 0);
	return ddb_json_encode(&response);
}

static bool
has_tag(const DdbTag *tags, int count, const char *key)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (strcmp(tags[i].key, key) == 0)
			return true;
	}
	return false;
}

/*
 * ddb_op_tag_resource: sets tags; a key that exists gets the new value.  The
 * limit is on the tags the table would have then.
 */
Jsonb *
ddb_op_tag_resource(DdbDoc request)
{
	const DdbTable *table;
	DdbTag	   *old;
	DdbTag	   *tags;
	int			nold;
	int			ntags;
	int			total;
	int			i;

	table = open_resource(request, "TagResource", &tags_list);
	tags = ddb_tableinfo_tags(ddb_request_doc(request, "Tags"), &ntags);
	old = ddb_item_table_tags(table, &nold);
	total = nold;
	for (i = 0; i < ntags; i++)
	{
		if (!has_tag(old, nold, tags[i].key))
			total++;
	}
	if (total > DDB_MAX_TAGS)
		ddb_tableinfo_too_many_tags();
	for (i = 0; i < ntags; i++)
		ddb_item_table_set_tag(table, tags[i].key, tags[i].value);
	return empty_response();
}

/* ddb_op_untag_resource: keys that the table does not have are ignored */
Jsonb *
ddb_op_untag_resource(DdbDoc request)
{
	const DdbTable *table;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	key;

	table = open_resource(request, "UntagResource", &tag_keys_list);
	ddb_doc_begin(&cursor, ddb_request_doc(request, "TagKeys"));
	while (ddb_doc_next(&cursor, &name, &key))
	{
		CHECK_FOR_INTERRUPTS();
		if (key.type == jbvString)
			ddb_item_table_remove_tag(table, pnstrdup(key.val.string.val,
													  key.val.string.len));
	}
	return empty_response();
}

/*
 * ddb_op_list_tags_of_resource: all tags fit one page, so NextToken is never
 * given out and none is valid.
 */
Jsonb *
ddb_op_list_tags_of_resource(DdbDoc request)
{
	const DdbTable *table;
	DdbTag	   *tags;
	JsonbValue	response;
	JsonbValue	list;
	int			count;
	int			i;

	table = open_resource(request, "ListTagsOfResource", NULL);
	if (ddb_request_has(request, "NextToken"))
		ddb_validation_error("Invalid NextToken");
	tags = ddb_item_table_tags(table, &count);
	ddb_json_array(&list, count);
	for (i = 0; i < count; i++)
	{
		JsonbValue	tag;

		ddb_json_object(&tag, 2);
		ddb_json_add_string(&tag, "Key", tags[i].key);
		ddb_json_add_string(&tag, "Value", tags[i].value);
		ddb_json_append(&list, &tag);
	}
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, "Tags", &list);
	return ddb_json_encode(&response);
}
