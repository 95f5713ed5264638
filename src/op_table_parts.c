/*
 * op_table_parts.c
 *	  Members of requests that mean the same in CreateTable and UpdateTable,
 *	  and the form of the answer.
 */
#include "postgres.h"

#include "error.h"
#include "op_table.h"

#define FREE_DECREASES			4	/* in the first hour of a UTC day */
#define MAX_DECREASES			27	/* in a UTC day */

static const char *const billing_modes[] = {
	"PROVISIONED", "PAY_PER_REQUEST", NULL
};

const char *const ddb_op_table_classes[] = {
	"STANDARD", "STANDARD_INFREQUENT_ACCESS", NULL
};

bool
ddb_op_is_empty_list(DdbDoc object, const char *name)
{
	DdbDoc		list = ddb_request_doc(object, name);

	return list.ptr != NULL && ddb_doc_is_array(list) && ddb_doc_count(list) == 0;
}

DdbBillingMode
ddb_op_read_billing_mode(DdbDoc request)
{
	return (DdbBillingMode) ddb_request_enum(request, "BillingMode",
											 billing_modes, DDB_BILLING_ABSENT);
}

DdbThroughput
ddb_op_read_throughput(DdbDoc object)
{
	DdbDoc		doc = ddb_request_doc(object, "ProvisionedThroughput");
	DdbThroughput throughput = {false, 0, 0};

	if (doc.ptr == NULL)
		return throughput;
	throughput.given = true;
	ddb_request_int(doc, "ReadCapacityUnits", &throughput.read);
	ddb_request_int(doc, "WriteCapacityUnits", &throughput.write);
	return throughput;
}

void
ddb_op_check_throughput_bounds(const DdbThroughput *throughput)
{
	if (throughput->read > DDB_MAX_THROUGHPUT)
		ddb_validation_error("Given value " INT64_FORMAT " for ReadCapacityUnits is out of bounds",
							 throughput->read);
	if (throughput->write > DDB_MAX_THROUGHPUT)
		ddb_validation_error("Given value " INT64_FORMAT " for WriteCapacityUnits is out of bounds",
							 throughput->write);
}

void
ddb_op_refuse_throughput_on_demand(void)
{
	ddb_validation_error(INVALID_PARAMETERS "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST");
}

/*
 * A UTC day allows four decreases within an hour, then one for every hour
 * without one, 27 in all.
 */
static void
count_decrease(DdbTableSettings *after, int64 now)
{
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

void
ddb_op_change_throughput(const DdbThroughput *throughput, const DdbTableSettings *before,
						 DdbTableSettings *after, int64 now)
{
	if (throughput->read < before->read_units || throughput->write < before->write_units)
		count_decrease(after, now);
	if (throughput->read > before->read_units || throughput->write > before->write_units)
		after->last_increase = now;
	after->read_units = throughput->read;
	after->write_units = throughput->write;
}

DdbTableSettings
ddb_op_shown_settings(const DdbTableSettings *before, const DdbTableSettings *after)
{
	DdbTableSettings shown = *after;

	if (!shown.on_demand)
	{
		shown.read_units = before->read_units;
		shown.write_units = before->write_units;
	}
	shown.decreases = before->decreases;
	shown.on_demand_since[0] = before->on_demand_since[0];
	return shown;
}

void
ddb_op_refuse_unavailable(DdbDoc request, const DdbUnavailableMember *members, int n)
{
	int			i;

	for (i = 0; i < n; i++)
	{
		if (ddb_request_has(request, members[i].name) &&
			!ddb_op_is_empty_list(request, members[i].name))
			ddb_validation_error("%s: %s are not available in this version",
								 members[i].name, members[i].feature);
	}
}

bool
ddb_op_read_stream(DdbDoc specification, DdbViewType *view)
{
	/* in the order of DdbViewType */
	static const char *const views[] = {
		"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", NULL
	};
	bool		enabled = false;
	bool		has_view = ddb_request_has(specification, "StreamViewType");

	ddb_request_bool(specification, "StreamEnabled", &enabled);
	if (enabled && !has_view)
		ddb_validation_error(INVALID_PARAMETERS "StreamViewType must be specified when StreamEnabled is true");
	if (!enabled && has_view)
		ddb_validation_error(INVALID_PARAMETERS "StreamViewType cannot be specified when StreamEnabled is false");
	*view = ddb_request_enum(specification, "StreamViewType", views, DDB_VIEW_KEYS_ONLY);
	return enabled;
}

/* a response of one member, a TableDescription */
Jsonb *
ddb_op_description_response(const char *member, const DdbTableView *view)
{
	JsonbValue	response;
	JsonbValue	description;

	ddb_tableinfo_describe(view, &description);
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, member, &description);
	return ddb_json_encode(&response);
}

DdbText
ddb_op_request_table_name(DdbDoc request, const char *action)
{
	DdbText		name = {"", 0};

	ddb_request_string(request, "TableName", &name);
	return ddb_catalog_table_name(name, action);
}
