/*
 * op_autoscaling.c
 *	  DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling.
 *
 * A table has one replica here, that of this region.  Writes are scaled alike in
 * all replicas, which is why the request has them beside the replicas and reads
 * within; the description has both within.  What is scaled when is
 * autoscaling.c's business.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "attrval.h"
#include "error.h"
#include "guc.h"
#include "op.h"
#include "op_autoscaling.h"
#include "op_table.h"

#define MIN_TARGET_VALUE	20.0	/* percent */
#define MAX_TARGET_VALUE	90.0

#define SERVICE_ROLE "role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"

/* ----------------------------------------------------------------
 * Targets
 * ----------------------------------------------------------------
 */

static Oid
resource_relid(const DdbScalingResource *resource)
{
	return resource->index != NULL ? resource->index->relid : resource->table->relid;
}

char *
ddb_op_scaling_id(const DdbScalingResource *resource)
{
	if (resource->index == NULL)
		return psprintf("table/%s", resource->table->name);
	return psprintf("table/%s/index/%s", resource->table->name, resource->index->name);
}

const char *
ddb_op_scaling_dimension(const DdbScalingResource *resource)
{
	if (resource->index == NULL)
		return resource->kind == DDB_UNITS_READ ? "dynamodb:table:ReadCapacityUnits" :
			"dynamodb:table:WriteCapacityUnits";
	return resource->kind == DDB_UNITS_READ ? "dynamodb:index:ReadCapacityUnits" :
		"dynamodb:index:WriteCapacityUnits";
}

char *
ddb_op_scaling_policy_name(const DdbScalingResource *resource)
{
	return psprintf("DynamoDB%sCapacityUtilization:%s",
					resource->kind == DDB_UNITS_READ ? "Read" : "Write",
					ddb_op_scaling_id(resource));
}

const DdbIndex *
ddb_op_scaling_index(const DdbTable *table, DdbText name)
{
	const DdbIndex *index = ddb_catalog_index(table, name);

	if (index == NULL)
		ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
	if (!index->global)
		ddb_validation_error(INVALID_PARAMETERS "Index is not a global secondary index: %.*s",
							 name.len, name.str);
	return index;
}

DdbScalingTarget *
ddb_op_read_scaling(const DdbScalingResource *resource)
{
	Oid			relid = resource_relid(resource);
	DdbScalingTarget *target = ddb_scaling_target(relid, resource->kind);

	if (target != NULL)
		return target;
	target = palloc0(sizeof(DdbScalingTarget));
	target->resource = relid;
	target->relid = resource->table->relid;
	target->kind = resource->kind;
	return target;
}

DdbScalingTarget *
ddb_op_require_scaling(const DdbScalingResource *resource)
{
	DdbScalingTarget *target = ddb_op_read_scaling(resource);

	if (target->max == 0)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "No scalable target registered for service namespace: dynamodb, resource ID: %s, scalable dimension: %s",
				  ddb_op_scaling_id(resource), ddb_op_scaling_dimension(resource));
	return target;
}

static void
check_capacity(const DdbScalingTarget *target)
{
	if (target->min == 0 || target->max == 0)
		ddb_validation_error(INVALID_PARAMETERS "MinimumUnits and MaximumUnits must both be specified when auto scaling is enabled");
	if (target->min < 1 || target->max < 1)
		ddb_validation_error(INVALID_PARAMETERS "MinimumUnits and MaximumUnits must be at least 1");
	if (target->max > DDB_MAX_THROUGHPUT)
		ddb_validation_error("Given value " INT64_FORMAT " for MaximumUnits is out of bounds",
							 target->max);
	if (target->min > target->max)
		ddb_validation_error(INVALID_PARAMETERS "Maximum capacity cannot be less than minimum capacity");
}

static void
check_policy(const DdbScalingTarget *target)
{
	if (target->policy_name == NULL)
		return;

	/* also refuses what is no number */
	if (!(target->target_value >= MIN_TARGET_VALUE && target->target_value <= MAX_TARGET_VALUE))
		ddb_validation_error(INVALID_PARAMETERS "TargetValue must be between %.0f and %.0f percent",
							 MIN_TARGET_VALUE, MAX_TARGET_VALUE);
	if (target->scale_in_cooldown < 0 || target->scale_out_cooldown < 0)
		ddb_validation_error(INVALID_PARAMETERS "ScaleInCooldown and ScaleOutCooldown must not be negative");
}

void
ddb_op_store_scaling(const DdbScalingResource *resource, const DdbScalingTarget *target)
{
	if (resource->table->on_demand)
		ddb_validation_error(INVALID_PARAMETERS "Auto scaling settings cannot be specified when BillingMode is PAY_PER_REQUEST");
	check_capacity(target);
	check_policy(target);
	ddb_scaling_store(target);
}

/* ----------------------------------------------------------------
 * The description
 * ----------------------------------------------------------------
 */

static void
add_policies(JsonbValue *settings, const DdbScalingTarget *target)
{
	JsonbValue	list;
	JsonbValue	policy;
	JsonbValue	tracking;

	ddb_json_array(&list, 1);
	if (target->policy_name != NULL)
	{
		ddb_json_object(&tracking, 4);
		ddb_json_add_bool(&tracking, "DisableScaleIn", target->disable_scale_in);
		ddb_json_add_int(&tracking, "ScaleInCooldown", target->scale_in_cooldown);
		ddb_json_add_int(&tracking, "ScaleOutCooldown", target->scale_out_cooldown);
		ddb_json_add_double(&tracking, "TargetValue", target->target_value);
		ddb_json_object(&policy, 2);
		ddb_json_add_string(&policy, "PolicyName", target->policy_name);
		ddb_json_add_value(&policy, "TargetTrackingScalingPolicyConfiguration", &tracking);
		ddb_json_append(&list, &policy);
	}
	ddb_json_add_value(settings, "ScalingPolicies", &list);
}

static const DdbScalingTarget *
find_target(List *targets, Oid relid, DdbUnits kind)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		const DdbScalingTarget *target = lfirst(lc);

		if (target->resource == relid && target->kind == kind)
			return target;
	}
	return NULL;
}

static void
add_settings(JsonbValue *object, const char *name, List *targets, Oid relid, DdbUnits kind)
{
	const DdbScalingTarget *target = find_target(targets, relid, kind);
	JsonbValue	settings;

	ddb_json_object(&settings, 4);
	if (target == NULL)
		ddb_json_add_bool(&settings, "AutoScalingDisabled", true);
	else
	{
		ddb_json_add_int(&settings, "MinimumUnits", target->min);
		ddb_json_add_int(&settings, "MaximumUnits", target->max);
		ddb_json_add_string(&settings, "AutoScalingRoleArn", target->role_arn != NULL ?
							target->role_arn : psprintf("arn:aws:iam::%s:" SERVICE_ROLE, ddb_account_id));
		add_policies(&settings, target);
	}
	ddb_json_add_value(object, name, &settings);
}

static void
add_indexes(JsonbValue *replica, const DdbTable *table, List *targets)
{
	JsonbValue	list;
	int			count = 0;
	int			i;

	ddb_json_array(&list, table->nindexes);
	for (i = 0; i < table->nindexes; i++)
	{
		const DdbIndex *index = &table->indexes[i];
		JsonbValue	description;

		if (!index->global)
			continue;
		ddb_json_object(&description, 4);
		ddb_json_add_string(&description, "IndexName", index->name);
		ddb_json_add_string(&description, "IndexStatus",
							index->status == DDB_INDEX_ACTIVE ? "ACTIVE" : "CREATING");
		add_settings(&description, "ProvisionedReadCapacityAutoScalingSettings",
					 targets, index->relid, DDB_UNITS_READ);
		add_settings(&description, "ProvisionedWriteCapacityAutoScalingSettings",
					 targets, index->relid, DDB_UNITS_WRITE);
		ddb_json_append(&list, &description);
		count++;
	}
	if (count > 0)
		ddb_json_add_value(replica, "GlobalSecondaryIndexes", &list);
}

/* the table with its one replica */
static Jsonb *
describe(const DdbTable *table)
{
	List	   *targets = ddb_scaling_targets(table->relid);
	JsonbValue	response;
	JsonbValue	description;
	JsonbValue	replicas;
	JsonbValue	replica;

	ddb_json_object(&replica, 5);
	ddb_json_add_string(&replica, "RegionName", ddb_region);
	ddb_json_add_string(&replica, "ReplicaStatus", "ACTIVE");
	add_settings(&replica, "ReplicaProvisionedReadCapacityAutoScalingSettings",
				 targets, table->relid, DDB_UNITS_READ);
	add_settings(&replica, "ReplicaProvisionedWriteCapacityAutoScalingSettings",
				 targets, table->relid, DDB_UNITS_WRITE);
	add_indexes(&replica, table, targets);
	ddb_json_array(&replicas, 1);
	ddb_json_append(&replicas, &replica);

	ddb_json_object(&description, 3);
	ddb_json_add_string(&description, "TableName", table->name);
	ddb_json_add_string(&description, "TableStatus",
						ddb_op_has_index_in(table, DDB_INDEX_CREATING) ? "UPDATING" : "ACTIVE");
	ddb_json_add_value(&description, "Replicas", &replicas);
	ddb_json_object(&response, 1);
	ddb_json_add_value(&response, "TableAutoScalingDescription", &description);
	return ddb_json_encode(&response);
}

/* ddb_op_describe_table_replica_auto_scaling: for who has any privilege */
Jsonb *
ddb_op_describe_table_replica_auto_scaling(DdbDoc request)
{
	static const char *const action = "DescribeTableReplicaAutoScaling";

	return describe(ddb_catalog_open(ddb_op_request_table_name(request, action),
									 AccessShareLock, ACL_NO_RIGHTS, action, true));
}

/* ----------------------------------------------------------------
 * The update
 * ----------------------------------------------------------------
 */

/* seconds as the catalog has them; what is longer is refused */
static int
read_cooldown(DdbDoc tracking, const char *name)
{
	int64		seconds = 0;

	ddb_request_int(tracking, name, &seconds);
	if (seconds < 0 || seconds > PG_INT32_MAX)
		ddb_validation_error(INVALID_PARAMETERS "%s must be between 0 and %d seconds",
							 name, PG_INT32_MAX);
	return (int) seconds;
}

/* the shape check has seen to it that it is a number */
static double
read_target_value(DdbDoc tracking)
{
	JsonbValue	value;

	if (!ddb_doc_get(tracking, "TargetValue", strlen("TargetValue"), &value) ||
		value.type != jbvNumeric)
		elog(ERROR, "TargetValue is no number");
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											  NumericGetDatum(value.val.numeric)));
}

/* the policy as a whole; without a name it keeps the one it has */
static void
read_policy(DdbDoc policy, const DdbScalingResource *resource, DdbScalingTarget *target)
{
	DdbDoc		tracking = ddb_request_doc(policy, "TargetTrackingScalingPolicyConfiguration");
	DdbText		name;

	if (ddb_request_string(policy, "PolicyName", &name))
		target->policy_name = pnstrdup(name.str, name.len);
	else if (target->policy_name == NULL)
		target->policy_name = ddb_op_scaling_policy_name(resource);
	target->target_value = read_target_value(tracking);
	target->scale_in_cooldown = read_cooldown(tracking, "ScaleInCooldown");
	target->scale_out_cooldown = read_cooldown(tracking, "ScaleOutCooldown");
	target->disable_scale_in = false;
	ddb_request_bool(tracking, "DisableScaleIn", &target->disable_scale_in);
}

/* an AutoScalingSettingsUpdate */
static void
update_settings(DdbDoc settings, const DdbScalingResource *resource)
{
	static const char *const others[] = {
		"MinimumUnits", "MaximumUnits", "AutoScalingRoleArn", "ScalingPolicyUpdate"
	};
	DdbScalingTarget *target = ddb_op_read_scaling(resource);
	DdbDoc		policy = ddb_request_doc(settings, "ScalingPolicyUpdate");
	bool		disabled = false;
	DdbText		role;
	int			i;

	ddb_request_bool(settings, "AutoScalingDisabled", &disabled);
	for (i = 0; disabled && i < lengthof(others); i++)
	{
		if (ddb_request_has(settings, others[i]))
			ddb_validation_error(INVALID_PARAMETERS "%s cannot be specified when AutoScalingDisabled is true",
								 others[i]);
	}
	if (disabled)
	{
		(void) ddb_scaling_delete(target->resource, target->kind);
		return;
	}
	ddb_request_int(settings, "MinimumUnits", &target->min);
	ddb_request_int(settings, "MaximumUnits", &target->max);
	if (ddb_request_string(settings, "AutoScalingRoleArn", &role))
		target->role_arn = pnstrdup(role.str, role.len);
	if (policy.ptr != NULL)
		read_policy(policy, resource, target);
	ddb_op_store_scaling(resource, target);
}

/* the member of object with the settings of one kind, of a table or an index */
static void
update_member(DdbDoc object, const char *name, const DdbTable *table, const DdbIndex *index,
			  DdbUnits kind)
{
	DdbScalingResource resource = {table, index, kind};
	DdbDoc		settings = ddb_request_doc(object, name);

	if (settings.ptr != NULL)
		update_settings(settings, &resource);
}

/* a list of index updates; each index once */
static void
update_indexes(DdbDoc list, const char *member, const DdbTable *table, DdbUnits kind)
{
	int			n = list.ptr != NULL ? ddb_doc_count(list) : 0;
	DdbTextSet	names;
	int			i;

	ddb_textset_init(&names, n);
	for (i = 0; i < n; i++)
	{
		DdbDoc		element = ddb_tableinfo_member(list, i);
		DdbText		name;

		CHECK_FOR_INTERRUPTS();
		if (!ddb_request_string(element, "IndexName", &name))
			ddb_validation_error(INVALID_PARAMETERS "IndexName must be specified");
		if (!ddb_textset_add(&names, name))
			ddb_validation_error(INVALID_PARAMETERS "Only one global secondary index update per index is allowed simultaneously. Index: %.*s",
								 name.len, name.str);
		update_member(element, member, table, ddb_op_scaling_index(table, name), kind);
	}
	ddb_textset_free(&names);
}

static void
check_replica(DdbDoc replica, const DdbTable *table)
{
	DdbText		region = {"", 0};

	ddb_request_string(replica, "RegionName", &region);
	if (!ddb_text_is(region, ddb_region))
		ddb_validation_error(INVALID_PARAMETERS "Table %s has no replica in the region: %.*s",
							 table->name, region.len, region.str);
}

static void
update_replicas(DdbDoc list, const DdbTable *table)
{
	int			n = list.ptr != NULL ? ddb_doc_count(list) : 0;
	int			i;

	for (i = 0; i < n; i++)
		check_replica(ddb_tableinfo_member(list, i), table);
	if (n > 1)
		ddb_validation_error(INVALID_PARAMETERS "Only one replica update per region is allowed simultaneously. Region: %s",
							 ddb_region);
	for (i = 0; i < n; i++)
	{
		DdbDoc		replica = ddb_tableinfo_member(list, i);

		update_member(replica, "ReplicaProvisionedReadCapacityAutoScalingUpdate", table, NULL,
					  DDB_UNITS_READ);
		update_indexes(ddb_request_doc(replica, "ReplicaGlobalSecondaryIndexUpdates"),
					   "ProvisionedReadCapacityAutoScalingUpdate", table, DDB_UNITS_READ);
	}
}

static void
check_something(DdbDoc request)
{
	if (!ddb_request_has(request, "GlobalSecondaryIndexUpdates") &&
		!ddb_request_has(request, "ProvisionedWriteCapacityAutoScalingUpdate") &&
		!ddb_request_has(request, "ReplicaUpdates"))
		ddb_validation_error("At least one of GlobalSecondaryIndexUpdates, ProvisionedWriteCapacityAutoScalingUpdate or ReplicaUpdates is required");
}

/*
 * ddb_op_update_table_replica_auto_scaling: for the table's owner.  Settings
 * that are not named stay; a policy is replaced as a whole.  The answer shows
 * the new settings, which the next evaluation follows.
 */
Jsonb *
ddb_op_update_table_replica_auto_scaling(DdbDoc request)
{
	static const char *const action = "UpdateTableReplicaAutoScaling";
	const DdbTable *table;

	check_something(request);
	table = ddb_catalog_open(ddb_op_request_table_name(request, action),
							 ShareUpdateExclusiveLock, DDB_ACL_OWNER, action, true);
	update_member(request, "ProvisionedWriteCapacityAutoScalingUpdate", table, NULL,
				  DDB_UNITS_WRITE);
	update_indexes(ddb_request_doc(request, "GlobalSecondaryIndexUpdates"),
				   "ProvisionedWriteCapacityAutoScalingUpdate", table, DDB_UNITS_WRITE);
	update_replicas(ddb_request_doc(request, "ReplicaUpdates"), table);
	return describe(table);
}
