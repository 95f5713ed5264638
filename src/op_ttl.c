/*
 * op_ttl.c
 *	  UpdateTimeToLive, DescribeTimeToLive.
 *
 * Time to live is enabled while the table has an expiry index (ttlindex.h),
 * and being enabled while that is filled with the items that were there
 * before.  Either way the sweep deletes what it finds in it.
 */
#include "postgres.h"

#include "error.h"
#include "guc.h"
#include "indexbuild.h"
#include "indextable.h"
#include "op.h"
#include "op_table.h"
#include "tableinfo.h"
#include "ttlindex.h"

static void
refuse_other_attribute(DdbText current)
{
	ddb_validation_error("TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
						 current.len, current.str);
}

/* the state decides first, then how long ago it was changed */
static void
check_change(const DdbIndex *index, const DdbTableSettings *settings, bool enable,
			 DdbText attribute, int64 now)
{
	bool		enabled = index != NULL;

	if (enabled && !ddb_text_same(index->partition[0].name, attribute))
		refuse_other_attribute(index->partition[0].name);
	if (enabled && enable)
		ddb_validation_error("TimeToLive is already enabled");
	if (!enabled && !enable)
		ddb_validation_error("TimeToLive is already disabled");
	if (now - settings->ttl_changed < (int64) ddb_ttl_change_interval * 1000)
		ddb_validation_error("Time to live has been modified multiple times within a fixed interval");
}

static void
change(const DdbTable *table, bool enable, DdbText attribute)
{
	const DdbIndex *index = ddb_ttl_index(table);
	Oid			to_build;

	if (index != NULL)
		ddb_index_table_drop(table, index);
	if (!enable)
		return;
	to_build = ddb_ttl_index_create(table, attribute);
	if (OidIsValid(to_build))
		ddb_index_build_at_commit(to_build);
}

/*
 * ddb_op_update_time_to_live: for the table's owner.  The attribute may be any,
 * also a key attribute of another type; items where it is no number never
 * expire.  Takes effect at once; keeps writers out for a moment.
 */
Jsonb *
ddb_op_update_time_to_live(DdbDoc request)
{
	DdbDoc		specification = ddb_request_doc(request, "TimeToLiveSpecification");
	int64		now = ddb_tableinfo_now();
	bool		enable = false;
	DdbText		attribute = {"", 0};
	const DdbTable *table;
	DdbTableRow row;
	DdbTableSettings settings;
	JsonbValue	response;
	JsonbValue	value;
	JsonbValue	name;

	ddb_request_bool(specification, "Enabled", &enable);
	ddb_request_string(specification, "AttributeName", &attribute);
	table = ddb_catalog_open(ddb_op_request_table_name(request, "UpdateTimeToLive"),
							 ShareRowExclusiveLock, DDB_ACL_OWNER, "UpdateTimeToLive", true);
	ddb_catalog_read(table, &row);
	ddb_tableinfo_decode(row.settings, now, &settings);
	check_change(ddb_ttl_index(table), &settings, enable, attribute, now);

	change(table, enable, attribute);
	settings.ttl_changed = now;
	ddb_catalog_update_settings(table, ddb_tableinfo_encode(&settings));

	ddb_json_object(&response, 1);
	ddb_json_object(&value, 2);
	ddb_json_add_bool(&value, "Enabled", enable);
	ddb_json_string(&name, attribute.str, attribute.len);
	ddb_json_add_value(&value, "AttributeName", &name);
	ddb_json_add_value(&response, "TimeToLiveSpecification", &value);
	return ddb_json_encode(&response);
}

/* ddb_op_describe_time_to_live: the attribute is shown unless it is disabled */
Jsonb *
ddb_op_describe_time_to_live(DdbDoc request)
{
	const DdbTable *table;
	const DdbIndex *index;
	JsonbValue	response;
	JsonbValue	value;
	JsonbValue	name;

	table = ddb_catalog_open(ddb_op_request_table_name(request, "DescribeTimeToLive"),
							 AccessShareLock, ACL_NO_RIGHTS, "DescribeTimeToLive", true);
	index = ddb_ttl_index(table);
	ddb_json_object(&response, 1);
	ddb_json_object(&value, 2);
	ddb_json_add_string(&value, "TimeToLiveStatus",
						index == NULL ? "DISABLED" :
						index->status == DDB_INDEX_ACTIVE ? "ENABLED" : "ENABLING");
	if (index != NULL)
	{
		DdbText		attribute = index->partition[0].name;

		ddb_json_string(&name, attribute.str, attribute.len);
		ddb_json_add_value(&value, "AttributeName", &name);
	}
	ddb_json_add_value(&response, "TimeToLiveDescription", &value);
	return ddb_json_encode(&response);
}
