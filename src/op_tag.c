/*
 * op_tag.c
 *	  TagResource, UntagResource, ListTagsOfResource.
 *
 * Tags belong to a table and are addressed by ARN.  The three calls have
 * their own texts for what is no ARN, no table's ARN, or nobody's table.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "op.h"
#include "op_arn.h"
#include "tableinfo.h"

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
	DdbResourceArn resource;

	if (!ddb_op_arn_read(arn, &resource))
		refuse_arn(arn);
	if (!resource.ours)
		ddb_access_denied(action, pnstrdup(arn.str, arn.len));
	*known = resource.known && resource.stream.str == NULL;
	return resource.table;
}

static void
refuse_unknown(DdbText arn, const char *action)
{
	ddb_op_arn_hide(arn, action);
	if (strcmp(action, "UntagResource") == 0)
		ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
	ddb_error(DDB_RESOURCE_NOT_FOUND,
			  "Requested resource not found: ResourcArn: %.*s not found",
			  arn.len, arn.str);
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
