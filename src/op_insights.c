/*
 * op_insights.c
 *	  UpdateContributorInsights, DescribeContributorInsights,
 *	  ListContributorInsights.
 *
 * Whether the keys of a table or of a global index are counted is a part of
 * its settings document, and holds from the commit on: only the answer to the
 * change itself says that the state is changing.  What has been counted is
 * none of the API's business: it names rules of another service.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "catalog_rows.h"
#include "error.h"
#include "insights.h"
#include "op.h"
#include "op_table.h"
#include "tableinfo.h"

#define MAX_LIST			100
#define MAX_RULE_NAME		128
#define MAX_TOKEN			2048	/* of NextToken, in bytes */

enum
{
	QUERY_LIST = DDB_QUERY_CATALOG + 950
};

/* by DdbInsights, after the first */
static const char *const mode_names[] = {
	"ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS", NULL
};

/* a table, or an index of it, and its settings */
typedef struct Resource
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL for the table itself */
	DdbTableSettings settings;
} Resource;

/*
 * Local indexes have no counts of their own: what is read through them is
 * read from the table's partitions.
 */
static const DdbIndex *
find_index(const DdbTable *table, DdbText name)
{
	const DdbIndex *index = ddb_catalog_index(table, name);

	if (index == NULL || !index->global)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "Requested resource not found: Index: %.*s not found", name.len, name.str);
	return index;
}

static void
open_resource(DdbDoc request, LOCKMODE lockmode, AclMode acl, const char *action,
			  Resource *resource)
{
	DdbTableRow row;
	DdbText		name;
	const Jsonb *settings;

	resource->table = ddb_catalog_open(ddb_op_request_table_name(request, action),
									   lockmode, acl, action, true);
	resource->index = NULL;
	if (ddb_request_string(request, "IndexName", &name))
	{
		resource->index = find_index(resource->table, name);
		settings = resource->index->settings;
	}
	else
	{
		ddb_catalog_read(resource->table, &row);
		settings = row.settings;
	}
	ddb_tableinfo_decode(settings, ddb_tableinfo_now(), &resource->settings);
}

static void
add_name(JsonbValue *response, const Resource *resource)
{
	ddb_json_add_string(response, "TableName", resource->table->name);
	if (resource->index != NULL)
		ddb_json_add_string(response, "IndexName", resource->index->name);
}

/* a mode is known once it was enabled */
static void
add_mode(JsonbValue *object, int64 mode)
{
	if (mode >= DDB_INSIGHTS_ACCESSED && mode <= DDB_INSIGHTS_THROTTLED)
		ddb_json_add_string(object, "ContributorInsightsMode",
							mode_names[mode - DDB_INSIGHTS_ACCESSED]);
}

static const char *
status_name(int64 insights)
{
	return insights == DDB_INSIGHTS_OFF ? "DISABLED" : "ENABLED";
}

/* ----------------------------------------------------------------
 * UpdateContributorInsights
 * ----------------------------------------------------------------
 */

/* false where the settings are so already */
static bool
change_settings(DdbTableSettings *settings, DdbInsights insights)
{
	int64		now = ddb_tableinfo_now();

	if (settings->insights == insights)
		return false;
	if (settings->insights == DDB_INSIGHTS_OFF)
		settings->insights_enabled = now;
	if (insights != DDB_INSIGHTS_OFF)
		settings->insights_mode = insights;
	settings->insights = insights;
	settings->insights_changed = now;
	return true;
}

/* the sweep that follows shall see them */
static void
store_settings(const Resource *resource)
{
	Jsonb	   *settings = ddb_tableinfo_encode(&resource->settings);

	if (resource->index != NULL)
		ddb_catalog_update_index_settings(resource->table, resource->index, settings);
	else
		ddb_catalog_update_settings(resource->table, settings);
	CommandCounterIncrement();
}

/*
 * ddb_op_update_contributor_insights: for the table's owner.  What is so
 * already is no error and changes nothing; enabling it in another mode keeps
 * what has been counted.  Counts of before it was disabled are forgotten.
 */
Jsonb *
ddb_op_update_contributor_insights(DdbDoc request)
{
	static const char *const actions[] = {"ENABLE", "DISABLE", NULL};
	bool		enable = ddb_request_enum(request, "ContributorInsightsAction", actions, 0) == 0;
	int			mode = DDB_INSIGHTS_ACCESSED +
	ddb_request_enum(request, "ContributorInsightsMode", mode_names, 0);
	Resource	resource;
	JsonbValue	response;

	open_resource(request, ShareUpdateExclusiveLock, DDB_ACL_OWNER,
				  "UpdateContributorInsights", &resource);
	if (enable)
		ddb_insights_sweep();
	if (change_settings(&resource.settings, enable ? mode : DDB_INSIGHTS_OFF))
		store_settings(&resource);
	if (!enable)
		ddb_insights_sweep();

	ddb_json_object(&response, 4);
	add_name(&response, &resource);
	ddb_json_add_string(&response, "ContributorInsightsStatus", enable ? "ENABLING" : "DISABLING");
	add_mode(&response, resource.settings.insights_mode);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * DescribeContributorInsights
 * ----------------------------------------------------------------
 */

/* names of tables that would make the rule's too long are cut */
static char *
rule_name(const Resource *resource, DdbInsightsRule rule)
{
	char	   *begin = psprintf("DynamoDBContributorInsights-%s-", ddb_insights_rule_name(rule));
	char	   *end = psprintf("-" INT64_FORMAT, resource->settings.insights_enabled);
	int			room = MAX_RULE_NAME - strlen(begin) - strlen(end);

	return psprintf("%s%.*s%s", begin, room, resource->table->name, end);
}

static void
add_rules(JsonbValue *response, const Resource *resource)
{
	DdbInsights mode = (DdbInsights) resource->settings.insights;
	JsonbValue	list;
	int			rule;

	if (mode == DDB_INSIGHTS_OFF)
		return;
	ddb_json_array(&list, DDB_INSIGHTS_RULES);
	for (rule = 0; rule < DDB_INSIGHTS_RULES; rule++)
	{
		JsonbValue	name;
		char	   *text;

		if (!ddb_insights_has_rule(resource->table, resource->index, mode, rule))
			continue;
		text = rule_name(resource, rule);
		ddb_json_string(&name, text, strlen(text));
		ddb_json_append(&list, &name);
	}
	ddb_json_add_value(response, "ContributorInsightsRuleList", &list);
}

/*
 * ddb_op_describe_contributor_insights: rules are listed while it is enabled,
 * mode and time of the last change once it was.
 */
Jsonb *
ddb_op_describe_contributor_insights(DdbDoc request)
{
	Resource	resource;
	JsonbValue	response;

	open_resource(request, AccessShareLock, ACL_NO_RIGHTS, "DescribeContributorInsights",
				  &resource);
	ddb_json_object(&response, 6);
	add_name(&response, &resource);
	add_rules(&response, &resource);
	ddb_json_add_string(&response, "ContributorInsightsStatus",
						status_name(resource.settings.insights));
	if (resource.settings.insights_changed != 0)
		ddb_json_add_double(&response, "LastUpdateDateTime",
							(double) resource.settings.insights_changed / 1000.0);
	add_mode(&response, resource.settings.insights_mode);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * ListContributorInsights
 * ----------------------------------------------------------------
 */

/* tables and indexes for which it was ever enabled, of those one may know */
static void
build_query(const DdbTable *table, int query, DdbQueryText *text)
{
	if (query != QUERY_LIST)
		elog(ERROR, "unrecognized query %d of Contributor Insights", query);
	appendStringInfoString(&text->sql,
						   "SELECT r.table_name, r.index_name, r.settings"
						   " FROM (SELECT t.table_name, '' COLLATE \"C\" AS index_name, t.relid, t.settings"
						   " FROM dynamo.table_definition t"
						   " UNION ALL SELECT t.table_name, i.index_name, t.relid, i.settings"
						   " FROM dynamo.table_definition t"
						   " JOIN dynamo.index_definition i ON i.relid = t.relid) r"
						   " WHERE r.settings ? 'ContributorInsightsMode'"
						   " AND ($2 IS NULL OR r.table_name = $2)"
						   " AND ($3 IS NULL OR (r.table_name, r.index_name) > ($3, $4))"
						   " AND has_table_privilege($1, r.relid,"
						   " 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
						   " ORDER BY r.table_name, r.index_name LIMIT $5");
	ddb_plan_add_arg(text, OIDOID);
	ddb_plan_add_arg(text, TEXTOID);
	ddb_plan_add_arg(text, TEXTOID);
	ddb_plan_add_arg(text, TEXTOID);
	ddb_plan_add_arg(text, INT8OID);
}

/* one page, and whether more follow */
typedef struct ListPage
{
	int64		limit;
	int			count;
	bool		more;
	char	   *table_name;		/* of the last element */
	char	   *index_name;
	JsonbValue	list;
} ListPage;

static void
take_row(Datum *values, bool *nulls, void *arg)
{
	ListPage   *page = arg;
	DdbTableSettings settings;
	JsonbValue	summary;

	page->more = page->count == page->limit;
	if (page->more)
		return;
	page->count++;
	page->table_name = TextDatumGetCString(values[0]);
	page->index_name = TextDatumGetCString(values[1]);
	ddb_tableinfo_decode(DatumGetJsonbPCopy(values[2]), 0, &settings);

	ddb_json_object(&summary, 4);
	ddb_json_add_string(&summary, "TableName", page->table_name);
	if (page->index_name[0] != '\0')
		ddb_json_add_string(&summary, "IndexName", page->index_name);
	ddb_json_add_string(&summary, "ContributorInsightsStatus", status_name(settings.insights));
	add_mode(&summary, settings.insights_mode);
	ddb_json_append(&page->list, &summary);
}

/* NextToken: names of table and index, which have no "/", in base64 */
static char *
make_token(const ListPage *page)
{
	char	   *text = psprintf("%s/%s", page->table_name, page->index_name);
	int			len;
	char	   *token = ddb_base64_encode((uint8 *) text, strlen(text), &len);

	return pnstrdup(token, len);
}

static void
read_token(DdbText token, Datum *table_name, Datum *index_name)
{
	bytea	   *bytes;
	char	   *begin;
	char	   *end;
	char	   *mark = NULL;

	if (token.len <= MAX_TOKEN && ddb_base64_is_canonical(token.str, token.len))
	{
		bytes = ddb_base64_decode(token.str, token.len);
		begin = VARDATA_ANY(bytes);
		end = begin + VARSIZE_ANY_EXHDR(bytes);
		mark = memchr(begin, '/', end - begin);
	}
	if (mark == NULL ||
		!ddb_tableinfo_name_is_valid((DdbText) {begin, mark - begin}) ||
		(mark + 1 != end && !ddb_tableinfo_name_is_valid((DdbText) {mark + 1, end - mark - 1})))
		ddb_validation_error("Invalid NextToken");
	*table_name = PointerGetDatum(cstring_to_text_with_len(begin, mark - begin));
	*index_name = PointerGetDatum(cstring_to_text_with_len(mark + 1, end - mark - 1));
}

/*
 * ddb_op_list_contributor_insights: by name, a table before its indexes.
 * Without MaxResults, or where it asks for none, a page has the most it may.
 */
Jsonb *
ddb_op_list_contributor_insights(DdbDoc request)
{
	ListPage	page = {MAX_LIST};
	Datum		values[5] = {0};
	char		nulls[6] = " nnn ";
	DdbText		text;
	JsonbValue	response;

	(void) ddb_request_int(request, "MaxResults", &page.limit);
	if (page.limit < 1)
		page.limit = MAX_LIST;
	if (ddb_request_string(request, "NextToken", &text))
	{
		read_token(text, &values[2], &values[3]);
		nulls[2] = nulls[3] = ' ';
	}
	if (ddb_request_has(request, "TableName"))
	{
		const DdbTable *table;

		table = ddb_catalog_open(ddb_op_request_table_name(request, "ListContributorInsights"),
								 AccessShareLock, ACL_NO_RIGHTS, "ListContributorInsights", true);
		values[1] = CStringGetTextDatum(table->name);
		nulls[1] = ' ';
	}
	values[0] = ObjectIdGetDatum(GetUserId());
	values[4] = Int64GetDatum(page.limit + 1);
	ddb_json_array(&page.list, 8);
	(void) ddb_catalog_run(QUERY_LIST, build_query, values, nulls, take_row, &page);

	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "ContributorInsightsSummaries", &page.list);
	if (page.more)
		ddb_json_add_string(&response, "NextToken", make_token(&page));
	return ddb_json_encode(&response);
}
