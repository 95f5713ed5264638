/*
 * shapes.c
 *	  The requests of the API as tables of constants.
 *
 * Members stand in the order of the service model, because the first type
 * error in that order is the one reported.  Enum values stand in the order in
 * which the service prints them.  Constraints that the service checks in its
 * operations rather than in its model (an empty BatchGetItem, missing members
 * of the tagging calls) are absent here and belong to handlers.
 *
 * Nothing here is code: the walker in shape.c gives the tables their meaning.
 */
#include "postgres.h"

#include "shapes.h"

#define NAME_PATTERN	"[a-zA-Z0-9_.-]+"

#define ENUM_SHAPE(ident, ...) \
	static const char *const ident##_values[] = {__VA_ARGS__, NULL}; \
	static const DdbShape ident = { \
		.kind = DDB_SHAPE_STRING, .values = ident##_values}

#define LIST_SHAPE(ident, of, ...) \
	static const DdbShape ident = { \
		.kind = DDB_SHAPE_LIST, .element = &of, __VA_ARGS__}

#define MAP_SHAPE(ident, of, ...) \
	static const DdbShape ident = { \
		.kind = DDB_SHAPE_MAP, .element = &of, __VA_ARGS__}

#define STRUCTURE_SHAPE(ident, java_name, ...) \
	static const DdbMember ident##_members[] = {__VA_ARGS__, {.name = NULL}}; \
	static const DdbShape ident = { \
		.kind = DDB_SHAPE_STRUCTURE, .name = java_name, \
		.members = ident##_members}

#define REQUEST_SHAPE(ident, java_name, ...) \
	static const DdbMember ident##_members[] = {__VA_ARGS__, {.name = NULL}}; \
	const DdbShape ddb_shape_##ident = { \
		.kind = DDB_SHAPE_STRUCTURE, .name = java_name, \
		.members = ident##_members}

#define MIN(n)			.has_min = true, .min = (n)
#define MAX(n)			.has_max = true, .max = (n)
#define RANGE(lo, hi)	MIN(lo), MAX(hi)

#define MEMBER(member_name, of)		{.name = member_name, .shape = &of}
#define REQUIRED(member_name, of) \
	{.name = member_name, .shape = &of, .required = true}

/* ---- scalars ---- */

static const DdbShape string = {.kind = DDB_SHAPE_STRING};
static const DdbShape boolean = {.kind = DDB_SHAPE_BOOLEAN};
static const DdbShape integer = {.kind = DDB_SHAPE_INTEGER};
static const DdbShape long_any = {.kind = DDB_SHAPE_LONG};
static const DdbShape double_any = {.kind = DDB_SHAPE_DOUBLE};

static const DdbShape positive_integer = {.kind = DDB_SHAPE_INTEGER, MIN(1)};
static const DdbShape integer_to_100 = {
	.kind = DDB_SHAPE_INTEGER, RANGE(1, 100)
};
static const DdbShape integer_to_1000 = {
	.kind = DDB_SHAPE_INTEGER, RANGE(1, 1000)
};
static const DdbShape results_to_100 = {.kind = DDB_SHAPE_INTEGER, MAX(100)};
static const DdbShape segment_count = {
	.kind = DDB_SHAPE_INTEGER, RANGE(1, 1000000)
};
static const DdbShape segment_number = {
	.kind = DDB_SHAPE_INTEGER, RANGE(0, 999999)
};
static const DdbShape positive_long = {.kind = DDB_SHAPE_LONG, MIN(1)};

static const DdbShape entity_name = {
	.kind = DDB_SHAPE_STRING, RANGE(3, 255), .pattern = NAME_PATTERN
};
static const DdbShape table_name = {
	.kind = DDB_SHAPE_STRING, RANGE(3, 255), .pattern = NAME_PATTERN,
	.arn_max = 1024
};
static const DdbShape table_arn = {.kind = DDB_SHAPE_STRING, RANGE(1, 1024)};
static const DdbShape resource_arn = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 1283)
};
static const DdbShape tagged_arn = {.kind = DDB_SHAPE_STRING, MAX(1283)};
static const DdbShape stream_arn = {.kind = DDB_SHAPE_STRING, RANGE(37, 1024)};
static const DdbShape shard_id = {.kind = DDB_SHAPE_STRING, RANGE(28, 65)};
static const DdbShape sequence_number = {
	.kind = DDB_SHAPE_STRING, RANGE(21, 40)
};
static const DdbShape shard_iterator = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 2048)
};
static const DdbShape attribute_name = {
	.kind = DDB_SHAPE_STRING, RANGE(0, 65535)
};
static const DdbShape key_attribute_name = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 255)
};
static const DdbShape tag_key = {.kind = DDB_SHAPE_STRING, RANGE(1, 128)};
static const DdbShape tag_value = {.kind = DDB_SHAPE_STRING, RANGE(0, 256)};
static const DdbShape request_token = {.kind = DDB_SHAPE_STRING, RANGE(1, 36)};
static const DdbShape revision_id = {.kind = DDB_SHAPE_STRING, RANGE(1, 255)};
static const DdbShape statement = {.kind = DDB_SHAPE_STRING, RANGE(1, 8192)};
static const DdbShape partiql_token = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 32768)
};
static const DdbShape policy_name = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 256), .pattern = "\\p{Print}+"
};
static const DdbShape auto_scaling_role = {
	.kind = DDB_SHAPE_STRING, RANGE(1, 1600),
	.pattern = "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*"
};

/* ---- enums, in the order printed ---- */

ENUM_SHAPE(return_consumed_capacity, "INDEXES", "TOTAL", "NONE");
ENUM_SHAPE(return_values, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE",
		   "UPDATED_NEW");
ENUM_SHAPE(return_metrics, "SIZE", "NONE");
ENUM_SHAPE(return_old_on_failure, "ALL_OLD", "NONE");
ENUM_SHAPE(select_mode, "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES",
		   "ALL_PROJECTED_ATTRIBUTES");
ENUM_SHAPE(comparison_operator, "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS",
		   "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE",
		   "CONTAINS");
ENUM_SHAPE(conditional_operator, "OR", "AND");
ENUM_SHAPE(attribute_action, "ADD", "PUT", "DELETE");
ENUM_SHAPE(key_type, "HASH", "RANGE");
ENUM_SHAPE(attribute_type, "B", "N", "S");
ENUM_SHAPE(projection_type, "ALL", "INCLUDE", "KEYS_ONLY");
ENUM_SHAPE(billing_mode, "PROVISIONED", "PAY_PER_REQUEST");
ENUM_SHAPE(stream_view_type, "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES",
		   "KEYS_ONLY");
ENUM_SHAPE(sse_type, "AES256", "KMS");
ENUM_SHAPE(table_class, "STANDARD", "STANDARD_INFREQUENT_ACCESS");
ENUM_SHAPE(settings_replication_mode, "ENABLED", "DISABLED",
		   "ENABLED_WITH_OVERRIDES");
ENUM_SHAPE(region_consistency, "EVENTUAL", "STRONG");
ENUM_SHAPE(disassociation_mode, "WAIT_FOR_REPLICATION");
ENUM_SHAPE(search_element_type, "HASH", "INLINE_FILTER");
ENUM_SHAPE(distance_function, "COSINE", "DOT_PRODUCT", "EUCLIDEAN");
ENUM_SHAPE(insights_action, "ENABLE", "DISABLE");
ENUM_SHAPE(insights_mode, "ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS");
ENUM_SHAPE(shard_filter_type, "CHILD_SHARDS");
ENUM_SHAPE(shard_iterator_type, "TRIM_HORIZON", "LATEST",
		   "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER");

/* ---- attribute values and what is made of them ---- */

static const DdbShape attribute_value = {
	.kind = DDB_SHAPE_ATTRIBUTE_VALUE, .name = "AttributeValue"
};

LIST_SHAPE(value_list, attribute_value);
LIST_SHAPE(parameters, attribute_value, MIN(1));
LIST_SHAPE(attributes_to_get, attribute_name, MIN(1));
MAP_SHAPE(attribute_map, attribute_value);
MAP_SHAPE(placeholder_names, attribute_name);

STRUCTURE_SHAPE(condition, "Condition",
				MEMBER("AttributeValueList", value_list),
				REQUIRED("ComparisonOperator", comparison_operator));
MAP_SHAPE(condition_map, condition);

STRUCTURE_SHAPE(expected_value, "ExpectedAttributeValue",
				MEMBER("Value", attribute_value),
				MEMBER("Exists", boolean),
				MEMBER("ComparisonOperator", comparison_operator),
				MEMBER("AttributeValueList", value_list));
MAP_SHAPE(expected_map, expected_value);

STRUCTURE_SHAPE(value_update, "AttributeValueUpdate",
				MEMBER("Value", attribute_value),
				MEMBER("Action", attribute_action));
MAP_SHAPE(value_update_map, value_update);

/* ---- items ---- */

REQUEST_SHAPE(put_item, "PutItemInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("Item", attribute_map),
			  MEMBER("Expected", expected_map),
			  MEMBER("ReturnValues", return_values),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ReturnItemCollectionMetrics", return_metrics),
			  MEMBER("ConditionalOperator", conditional_operator),
			  MEMBER("ConditionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map),
			  MEMBER("ReturnValuesOnConditionCheckFailure",
					 return_old_on_failure));

REQUEST_SHAPE(get_item, "GetItemInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("Key", attribute_map),
			  MEMBER("AttributesToGet", attributes_to_get),
			  MEMBER("ConsistentRead", boolean),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ProjectionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names));

REQUEST_SHAPE(update_item, "UpdateItemInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("Key", attribute_map),
			  MEMBER("AttributeUpdates", value_update_map),
			  MEMBER("Expected", expected_map),
			  MEMBER("ConditionalOperator", conditional_operator),
			  MEMBER("ReturnValues", return_values),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ReturnItemCollectionMetrics", return_metrics),
			  MEMBER("UpdateExpression", string),
			  MEMBER("ConditionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map),
			  MEMBER("ReturnValuesOnConditionCheckFailure",
					 return_old_on_failure));

REQUEST_SHAPE(delete_item, "DeleteItemInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("Key", attribute_map),
			  MEMBER("Expected", expected_map),
			  MEMBER("ConditionalOperator", conditional_operator),
			  MEMBER("ReturnValues", return_values),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ReturnItemCollectionMetrics", return_metrics),
			  MEMBER("ConditionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map),
			  MEMBER("ReturnValuesOnConditionCheckFailure",
					 return_old_on_failure));

REQUEST_SHAPE(query, "QueryInput",
			  REQUIRED("TableName", table_name),
			  MEMBER("IndexName", entity_name),
			  MEMBER("Select", select_mode),
			  MEMBER("AttributesToGet", attributes_to_get),
			  {.name = "Limit", .shape = &positive_integer, .bare = true},
			  MEMBER("ConsistentRead", boolean),
			  MEMBER("KeyConditions", condition_map),
			  MEMBER("QueryFilter", condition_map),
			  MEMBER("ConditionalOperator", conditional_operator),
			  MEMBER("ScanIndexForward", boolean),
			  MEMBER("ExclusiveStartKey", attribute_map),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ProjectionExpression", string),
			  MEMBER("FilterExpression", string),
			  MEMBER("KeyConditionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map));

REQUEST_SHAPE(scan, "ScanInput",
			  REQUIRED("TableName", table_name),
			  MEMBER("IndexName", entity_name),
			  MEMBER("AttributesToGet", attributes_to_get),
			  MEMBER("Limit", positive_integer),
			  MEMBER("Select", select_mode),
			  MEMBER("ScanFilter", condition_map),
			  MEMBER("ConditionalOperator", conditional_operator),
			  MEMBER("ExclusiveStartKey", attribute_map),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("TotalSegments", segment_count),
			  MEMBER("Segment", segment_number),
			  MEMBER("ProjectionExpression", string),
			  MEMBER("FilterExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map),
			  MEMBER("ConsistentRead", boolean));

/* ---- batches ---- */

LIST_SHAPE(key_list, attribute_map, RANGE(1, 100));

STRUCTURE_SHAPE(keys_and_attributes, "KeysAndAttributes",
				{.name = "Keys", .shape = &key_list, .required = true,
				.bare = true},
				MEMBER("AttributesToGet", attributes_to_get),
				MEMBER("ConsistentRead", boolean),
				MEMBER("ProjectionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names));
MAP_SHAPE(batch_get_map, keys_and_attributes,
		  .map_key = &table_name, MAX(100));

REQUEST_SHAPE(batch_get_item, "BatchGetItemInput",
			  {.name = "RequestItems", .shape = &batch_get_map,
			  .required = true, .bare = true},
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity));

STRUCTURE_SHAPE(put_request, "PutRequest",
				REQUIRED("Item", attribute_map));
STRUCTURE_SHAPE(delete_request, "DeleteRequest",
				REQUIRED("Key", attribute_map));
STRUCTURE_SHAPE(write_request, "WriteRequest",
				MEMBER("PutRequest", put_request),
				MEMBER("DeleteRequest", delete_request));
LIST_SHAPE(write_request_list, write_request, RANGE(1, 25));
MAP_SHAPE(batch_write_map, write_request_list,
		  .map_key = &table_name, MAX(25));

REQUEST_SHAPE(batch_write_item, "BatchWriteItemInput",
			  REQUIRED("RequestItems", batch_write_map),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ReturnItemCollectionMetrics", return_metrics));

/* ---- transactions ---- */

STRUCTURE_SHAPE(transact_get, "Get",
				REQUIRED("Key", attribute_map),
				REQUIRED("TableName", table_name),
				MEMBER("ProjectionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names));
STRUCTURE_SHAPE(transact_get_item, "TransactGetItem",
				REQUIRED("Get", transact_get));
LIST_SHAPE(transact_get_list, transact_get_item, RANGE(1, 100));

REQUEST_SHAPE(transact_get_items, "TransactGetItemsInput",
			  REQUIRED("TransactItems", transact_get_list),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity));

STRUCTURE_SHAPE(condition_check, "ConditionCheck",
				REQUIRED("Key", attribute_map),
				REQUIRED("TableName", table_name),
				REQUIRED("ConditionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names),
				MEMBER("ExpressionAttributeValues", attribute_map),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
STRUCTURE_SHAPE(transact_put, "Put",
				REQUIRED("Item", attribute_map),
				REQUIRED("TableName", table_name),
				MEMBER("ConditionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names),
				MEMBER("ExpressionAttributeValues", attribute_map),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
STRUCTURE_SHAPE(transact_delete, "Delete",
				REQUIRED("Key", attribute_map),
				REQUIRED("TableName", table_name),
				MEMBER("ConditionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names),
				MEMBER("ExpressionAttributeValues", attribute_map),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
STRUCTURE_SHAPE(transact_update, "Update",
				REQUIRED("Key", attribute_map),
				REQUIRED("UpdateExpression", string),
				REQUIRED("TableName", table_name),
				MEMBER("ConditionExpression", string),
				MEMBER("ExpressionAttributeNames", placeholder_names),
				MEMBER("ExpressionAttributeValues", attribute_map),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
STRUCTURE_SHAPE(transact_write_item, "TransactWriteItem",
				MEMBER("ConditionCheck", condition_check),
				MEMBER("Put", transact_put),
				MEMBER("Delete", transact_delete),
				MEMBER("Update", transact_update));
LIST_SHAPE(transact_write_list, transact_write_item, RANGE(1, 100));

REQUEST_SHAPE(transact_write_items, "TransactWriteItemsInput",
			  REQUIRED("TransactItems", transact_write_list),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("ReturnItemCollectionMetrics", return_metrics),
			  MEMBER("ClientRequestToken", request_token));

/* ---- PartiQL ---- */

REQUEST_SHAPE(execute_statement, "ExecuteStatementInput",
			  REQUIRED("Statement", statement),
			  MEMBER("Parameters", parameters),
			  MEMBER("ConsistentRead", boolean),
			  MEMBER("NextToken", partiql_token),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity),
			  MEMBER("Limit", positive_integer),
			  MEMBER("ReturnValuesOnConditionCheckFailure",
					 return_old_on_failure));

STRUCTURE_SHAPE(batch_statement, "BatchStatementRequest",
				REQUIRED("Statement", statement),
				MEMBER("Parameters", parameters),
				MEMBER("ConsistentRead", boolean),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
LIST_SHAPE(batch_statement_list, batch_statement, RANGE(1, 25));

REQUEST_SHAPE(batch_execute_statement, "BatchExecuteStatementInput",
			  REQUIRED("Statements", batch_statement_list),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity));

STRUCTURE_SHAPE(parameterized_statement, "ParameterizedStatement",
				REQUIRED("Statement", statement),
				MEMBER("Parameters", parameters),
				MEMBER("ReturnValuesOnConditionCheckFailure",
					   return_old_on_failure));
LIST_SHAPE(transact_statement_list, parameterized_statement, RANGE(1, 100));

REQUEST_SHAPE(execute_transaction, "ExecuteTransactionInput",
			  REQUIRED("TransactStatements", transact_statement_list),
			  MEMBER("ClientRequestToken", request_token),
			  MEMBER("ReturnConsumedCapacity", return_consumed_capacity));

/* ---- what table definitions are made of ---- */

STRUCTURE_SHAPE(attribute_definition, "AttributeDefinition",
				REQUIRED("AttributeName", key_attribute_name),
				REQUIRED("AttributeType", attribute_type));
LIST_SHAPE(attribute_definitions, attribute_definition);

/*
 * The service model bounds key schemas only from below; the service refuses
 * more than two elements for tables and local indexes, and more than four
 * partition and four sort key attributes for global indexes.
 */
STRUCTURE_SHAPE(key_schema_element, "KeySchemaElement",
				REQUIRED("AttributeName", key_attribute_name),
				REQUIRED("KeyType", key_type));
LIST_SHAPE(key_schema, key_schema_element, RANGE(1, 2));
LIST_SHAPE(global_key_schema, key_schema_element, RANGE(1, 8));

LIST_SHAPE(non_key_attributes, key_attribute_name, RANGE(1, 20));
STRUCTURE_SHAPE(projection, "Projection",
				MEMBER("ProjectionType", projection_type),
				MEMBER("NonKeyAttributes", non_key_attributes));

STRUCTURE_SHAPE(provisioned_throughput, "ProvisionedThroughput",
				REQUIRED("ReadCapacityUnits", positive_long),
				REQUIRED("WriteCapacityUnits", positive_long));
STRUCTURE_SHAPE(provisioned_override, "ProvisionedThroughputOverride",
				MEMBER("ReadCapacityUnits", positive_long));
STRUCTURE_SHAPE(on_demand_throughput, "OnDemandThroughput",
				MEMBER("MaxReadRequestUnits", long_any),
				MEMBER("MaxWriteRequestUnits", long_any));
STRUCTURE_SHAPE(on_demand_override, "OnDemandThroughputOverride",
				MEMBER("MaxReadRequestUnits", long_any));
STRUCTURE_SHAPE(warm_throughput, "WarmThroughput",
				MEMBER("ReadUnitsPerSecond", long_any),
				MEMBER("WriteUnitsPerSecond", long_any));

STRUCTURE_SHAPE(local_index, "LocalSecondaryIndex",
				REQUIRED("IndexName", entity_name),
				REQUIRED("KeySchema", key_schema),
				REQUIRED("Projection", projection));
LIST_SHAPE(local_indexes, local_index);

STRUCTURE_SHAPE(global_index, "GlobalSecondaryIndex",
				REQUIRED("IndexName", entity_name),
				REQUIRED("KeySchema", global_key_schema),
				REQUIRED("Projection", projection),
				MEMBER("ProvisionedThroughput", provisioned_throughput),
				MEMBER("OnDemandThroughput", on_demand_throughput),
				MEMBER("WarmThroughput", warm_throughput));
LIST_SHAPE(global_indexes, global_index);

STRUCTURE_SHAPE(vector_attribute, "VectorAttributeDefinition",
				REQUIRED("AttributeName", key_attribute_name));
STRUCTURE_SHAPE(search_element, "SearchSchemaElement",
				REQUIRED("AttributeName", attribute_name),
				REQUIRED("SearchSchemaElementType", search_element_type));
LIST_SHAPE(search_schema, search_element, MIN(1));
STRUCTURE_SHAPE(vector_index, "VectorIndex",
				REQUIRED("IndexName", entity_name),
				REQUIRED("VectorAttribute", vector_attribute),
				MEMBER("SearchSchema", search_schema),
				REQUIRED("Projection", projection),
				REQUIRED("Dimensions", positive_long),
				REQUIRED("DistanceFunction", distance_function));
LIST_SHAPE(vector_indexes, vector_index);

STRUCTURE_SHAPE(stream_specification, "StreamSpecification",
				REQUIRED("StreamEnabled", boolean),
				MEMBER("StreamViewType", stream_view_type));
STRUCTURE_SHAPE(sse_specification, "SSESpecification",
				MEMBER("Enabled", boolean),
				MEMBER("SSEType", sse_type),
				MEMBER("KMSMasterKeyId", string));

STRUCTURE_SHAPE(tag, "Tag",
				REQUIRED("Key", tag_key),
				REQUIRED("Value", tag_value));
LIST_SHAPE(tags, tag);
LIST_SHAPE(tag_keys, tag_key);

/* ---- tables ---- */

REQUEST_SHAPE(create_table, "CreateTableInput",
			  {.name = "AttributeDefinitions",
			  .shape = &attribute_definitions, .required = true,
			  .unless = "GlobalTableSourceArn"},
			  REQUIRED("TableName", table_name),
			  {.name = "KeySchema", .shape = &key_schema, .required = true,
			  .unless = "GlobalTableSourceArn"},
			  MEMBER("LocalSecondaryIndexes", local_indexes),
			  MEMBER("GlobalSecondaryIndexes", global_indexes),
			  MEMBER("BillingMode", billing_mode),
			  MEMBER("ProvisionedThroughput", provisioned_throughput),
			  MEMBER("StreamSpecification", stream_specification),
			  MEMBER("SSESpecification", sse_specification),
			  MEMBER("Tags", tags),
			  MEMBER("TableClass", table_class),
			  MEMBER("DeletionProtectionEnabled", boolean),
			  MEMBER("WarmThroughput", warm_throughput),
			  MEMBER("ResourcePolicy", string),
			  MEMBER("OnDemandThroughput", on_demand_throughput),
			  MEMBER("GlobalTableSourceArn", table_arn),
			  MEMBER("GlobalTableSettingsReplicationMode",
					 settings_replication_mode),
			  MEMBER("VectorIndexes", vector_indexes));

REQUEST_SHAPE(describe_table, "DescribeTableInput",
			  REQUIRED("TableName", table_name));

REQUEST_SHAPE(delete_table, "DeleteTableInput",
			  REQUIRED("TableName", table_name));

REQUEST_SHAPE(list_tables, "ListTablesInput",
			  MEMBER("ExclusiveStartTableName", entity_name),
			  MEMBER("Limit", integer_to_100));

STRUCTURE_SHAPE(update_index, "UpdateGlobalSecondaryIndexAction",
				REQUIRED("IndexName", entity_name),
				MEMBER("ProvisionedThroughput", provisioned_throughput),
				MEMBER("OnDemandThroughput", on_demand_throughput),
				MEMBER("WarmThroughput", warm_throughput));
STRUCTURE_SHAPE(create_index, "CreateGlobalSecondaryIndexAction",
				REQUIRED("IndexName", entity_name),
				REQUIRED("KeySchema", global_key_schema),
				REQUIRED("Projection", projection),
				MEMBER("ProvisionedThroughput", provisioned_throughput),
				MEMBER("OnDemandThroughput", on_demand_throughput),
				MEMBER("WarmThroughput", warm_throughput));
STRUCTURE_SHAPE(delete_index, "DeleteGlobalSecondaryIndexAction",
				REQUIRED("IndexName", entity_name));
STRUCTURE_SHAPE(index_update, "GlobalSecondaryIndexUpdate",
				MEMBER("Update", update_index),
				MEMBER("Create", create_index),
				MEMBER("Delete", delete_index));
LIST_SHAPE(index_updates, index_update);

STRUCTURE_SHAPE(replica_index, "ReplicaGlobalSecondaryIndex",
				REQUIRED("IndexName", entity_name),
				MEMBER("ProvisionedThroughputOverride", provisioned_override),
				MEMBER("OnDemandThroughputOverride", on_demand_override));
LIST_SHAPE(replica_indexes, replica_index, MIN(1));
STRUCTURE_SHAPE(create_replica, "CreateReplicationGroupMemberAction",
				REQUIRED("RegionName", string),
				MEMBER("KMSMasterKeyId", string),
				MEMBER("ProvisionedThroughputOverride", provisioned_override),
				MEMBER("OnDemandThroughputOverride", on_demand_override),
				MEMBER("GlobalSecondaryIndexes", replica_indexes),
				MEMBER("TableClassOverride", table_class));
STRUCTURE_SHAPE(update_replica, "UpdateReplicationGroupMemberAction",
				REQUIRED("RegionName", string),
				MEMBER("KMSMasterKeyId", string),
				MEMBER("ProvisionedThroughputOverride", provisioned_override),
				MEMBER("OnDemandThroughputOverride", on_demand_override),
				MEMBER("GlobalSecondaryIndexes", replica_indexes),
				MEMBER("TableClassOverride", table_class));
STRUCTURE_SHAPE(delete_replica, "DeleteReplicationGroupMemberAction",
				REQUIRED("RegionName", string));
STRUCTURE_SHAPE(disassociate_replica,
				"DisassociateReplicationGroupMemberAction",
				REQUIRED("RegionName", string),
				REQUIRED("DisassociationMode", disassociation_mode));
STRUCTURE_SHAPE(replica_update, "ReplicationGroupUpdate",
				MEMBER("Create", create_replica),
				MEMBER("Update", update_replica),
				MEMBER("Delete", delete_replica),
				MEMBER("Disassociate", disassociate_replica));
LIST_SHAPE(replica_updates, replica_update, MIN(1));

STRUCTURE_SHAPE(create_witness, "CreateGlobalTableWitnessGroupMemberAction",
				REQUIRED("RegionName", string));
STRUCTURE_SHAPE(delete_witness, "DeleteGlobalTableWitnessGroupMemberAction",
				REQUIRED("RegionName", string));
STRUCTURE_SHAPE(witness_update, "GlobalTableWitnessGroupUpdate",
				MEMBER("Create", create_witness),
				MEMBER("Delete", delete_witness));
LIST_SHAPE(witness_updates, witness_update, RANGE(1, 1));

STRUCTURE_SHAPE(create_vector_index, "CreateVectorIndexAction",
				REQUIRED("IndexName", entity_name),
				REQUIRED("VectorAttribute", vector_attribute),
				MEMBER("SearchSchema", search_schema),
				REQUIRED("Projection", projection),
				REQUIRED("Dimensions", positive_long),
				REQUIRED("DistanceFunction", distance_function));
STRUCTURE_SHAPE(delete_vector_index, "DeleteVectorIndexAction",
				REQUIRED("IndexName", entity_name));
STRUCTURE_SHAPE(vector_index_update, "VectorIndexUpdate",
				MEMBER("Create", create_vector_index),
				MEMBER("Delete", delete_vector_index));
LIST_SHAPE(vector_index_updates, vector_index_update);

REQUEST_SHAPE(update_table, "UpdateTableInput",
			  MEMBER("AttributeDefinitions", attribute_definitions),
			  REQUIRED("TableName", table_name),
			  MEMBER("BillingMode", billing_mode),
			  MEMBER("ProvisionedThroughput", provisioned_throughput),
			  MEMBER("GlobalSecondaryIndexUpdates", index_updates),
			  MEMBER("StreamSpecification", stream_specification),
			  MEMBER("SSESpecification", sse_specification),
			  MEMBER("ReplicaUpdates", replica_updates),
			  MEMBER("TableClass", table_class),
			  MEMBER("DeletionProtectionEnabled", boolean),
			  MEMBER("MultiRegionConsistency", region_consistency),
			  MEMBER("GlobalTableWitnessUpdates", witness_updates),
			  MEMBER("OnDemandThroughput", on_demand_throughput),
			  MEMBER("WarmThroughput", warm_throughput),
			  MEMBER("GlobalTableSettingsReplicationMode",
					 settings_replication_mode),
			  MEMBER("VectorIndexUpdates", vector_index_updates),
			  MEMBER("DisassociationProtectionEnabled", boolean));

/* ---- account, expiry, tags, policies ---- */

static const DdbMember no_members[] = {{.name = NULL}};

const DdbShape ddb_shape_describe_limits = {
	.kind = DDB_SHAPE_STRUCTURE, .name = "DescribeLimitsInput",
	.members = no_members
};
const DdbShape ddb_shape_describe_endpoints = {
	.kind = DDB_SHAPE_STRUCTURE, .name = "DescribeEndpointsRequest",
	.members = no_members
};

STRUCTURE_SHAPE(ttl_specification, "TimeToLiveSpecification",
				REQUIRED("Enabled", boolean),
				REQUIRED("AttributeName", key_attribute_name));

REQUEST_SHAPE(update_time_to_live, "UpdateTimeToLiveInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("TimeToLiveSpecification", ttl_specification));

REQUEST_SHAPE(describe_time_to_live, "DescribeTimeToLiveInput",
			  REQUIRED("TableName", table_name));

/* a missing ResourceArn has a text of its own in these three */
REQUEST_SHAPE(tag_resource, "TagResourceInput",
			  MEMBER("ResourceArn", tagged_arn),
			  MEMBER("Tags", tags));

REQUEST_SHAPE(untag_resource, "UntagResourceInput",
			  MEMBER("ResourceArn", tagged_arn),
			  MEMBER("TagKeys", tag_keys));

REQUEST_SHAPE(list_tags_of_resource, "ListTagsOfResourceInput",
			  MEMBER("ResourceArn", tagged_arn),
			  MEMBER("NextToken", string));

REQUEST_SHAPE(put_resource_policy, "PutResourcePolicyInput",
			  REQUIRED("ResourceArn", resource_arn),
			  REQUIRED("Policy", string),
			  MEMBER("ExpectedRevisionId", revision_id),
			  MEMBER("ConfirmRemoveSelfResourceAccess", boolean));

REQUEST_SHAPE(get_resource_policy, "GetResourcePolicyInput",
			  REQUIRED("ResourceArn", resource_arn));

REQUEST_SHAPE(delete_resource_policy, "DeleteResourcePolicyInput",
			  REQUIRED("ResourceArn", resource_arn),
			  MEMBER("ExpectedRevisionId", revision_id));

/* ---- contributor insights, auto scaling ---- */

REQUEST_SHAPE(update_contributor_insights, "UpdateContributorInsightsInput",
			  REQUIRED("TableName", table_name),
			  MEMBER("IndexName", entity_name),
			  REQUIRED("ContributorInsightsAction", insights_action),
			  MEMBER("ContributorInsightsMode", insights_mode));

REQUEST_SHAPE(describe_contributor_insights,
			  "DescribeContributorInsightsInput",
			  REQUIRED("TableName", table_name),
			  MEMBER("IndexName", entity_name));

REQUEST_SHAPE(list_contributor_insights, "ListContributorInsightsInput",
			  MEMBER("TableName", table_name),
			  MEMBER("NextToken", string),
			  MEMBER("MaxResults", results_to_100));

REQUEST_SHAPE(describe_table_replica_auto_scaling,
			  "DescribeTableReplicaAutoScalingInput",
			  REQUIRED("TableName", table_name));

STRUCTURE_SHAPE(target_tracking,
				"AutoScalingTargetTrackingScalingPolicyConfigurationUpdate",
				MEMBER("DisableScaleIn", boolean),
				MEMBER("ScaleInCooldown", integer),
				MEMBER("ScaleOutCooldown", integer),
				REQUIRED("TargetValue", double_any));
STRUCTURE_SHAPE(scaling_policy, "AutoScalingPolicyUpdate",
				MEMBER("PolicyName", policy_name),
				REQUIRED("TargetTrackingScalingPolicyConfiguration",
						 target_tracking));
STRUCTURE_SHAPE(scaling_settings, "AutoScalingSettingsUpdate",
				MEMBER("MinimumUnits", positive_long),
				MEMBER("MaximumUnits", positive_long),
				MEMBER("AutoScalingDisabled", boolean),
				MEMBER("AutoScalingRoleArn", auto_scaling_role),
				MEMBER("ScalingPolicyUpdate", scaling_policy));
STRUCTURE_SHAPE(index_scaling, "GlobalSecondaryIndexAutoScalingUpdate",
				MEMBER("IndexName", entity_name),
				MEMBER("ProvisionedWriteCapacityAutoScalingUpdate",
					   scaling_settings));
LIST_SHAPE(index_scaling_list, index_scaling, MIN(1));
STRUCTURE_SHAPE(replica_index_scaling,
				"ReplicaGlobalSecondaryIndexAutoScalingUpdate",
				MEMBER("IndexName", entity_name),
				MEMBER("ProvisionedReadCapacityAutoScalingUpdate",
					   scaling_settings));
LIST_SHAPE(replica_index_scaling_list, replica_index_scaling);
STRUCTURE_SHAPE(replica_scaling, "ReplicaAutoScalingUpdate",
				REQUIRED("RegionName", string),
				MEMBER("ReplicaGlobalSecondaryIndexUpdates",
					   replica_index_scaling_list),
				MEMBER("ReplicaProvisionedReadCapacityAutoScalingUpdate",
					   scaling_settings));
LIST_SHAPE(replica_scaling_list, replica_scaling, MIN(1));

REQUEST_SHAPE(update_table_replica_auto_scaling,
			  "UpdateTableReplicaAutoScalingInput",
			  MEMBER("GlobalSecondaryIndexUpdates", index_scaling_list),
			  REQUIRED("TableName", table_name),
			  MEMBER("ProvisionedWriteCapacityAutoScalingUpdate",
					 scaling_settings),
			  MEMBER("ReplicaUpdates", replica_scaling_list));

/* ---- bulk puts ---- */

static const DdbShape s3_key_prefix = {.kind = DDB_SHAPE_STRING, RANGE(0, 1024)};
static const DdbShape s3_name = {.kind = DDB_SHAPE_STRING, RANGE(0, 255)};
static const DdbShape bulk_token = {.kind = DDB_SHAPE_STRING, RANGE(1, 255)};
static const DdbShape bulk_units = {.kind = DDB_SHAPE_LONG, MIN(1024)};
ENUM_SHAPE(bulk_format, "DYNAMODB_JSON", "ION");
ENUM_SHAPE(bulk_compression, "GZIP", "ZSTD", "NONE");
ENUM_SHAPE(bulk_output_type, "ERROR", "CONDITION_CHECK_FAILURE");
ENUM_SHAPE(s3_sse_algorithm, "AES256", "KMS");
ENUM_SHAPE(performance_tier, "STANDARD", "ACCELERATED");
LIST_SHAPE(bulk_output_types, bulk_output_type);
STRUCTURE_SHAPE(bulk_input, "InputS3Configuration",
				MEMBER("S3BucketOwner", string),
				REQUIRED("S3Bucket", s3_name),
				MEMBER("S3KeyPrefix", s3_key_prefix),
				REQUIRED("InputFormat", bulk_format),
				MEMBER("InputCompressionType", bulk_compression));
STRUCTURE_SHAPE(bulk_output, "OutputS3Configuration",
				MEMBER("S3BucketOwner", string),
				REQUIRED("S3Bucket", s3_name),
				MEMBER("S3KeyPrefix", s3_key_prefix),
				MEMBER("S3SseAlgorithm", s3_sse_algorithm),
				MEMBER("S3SseKmsKeyId", string),
				REQUIRED("OutputType", bulk_output_types));

REQUEST_SHAPE(start_bulk_put_items, "StartBulkPutItemsInput",
			  REQUIRED("TableName", table_name),
			  REQUIRED("InputS3Configuration", bulk_input),
			  REQUIRED("OutputS3Configuration", bulk_output),
			  MEMBER("ClientToken", bulk_token),
			  MEMBER("MaxWriteRequestUnits", bulk_units),
			  MEMBER("PerformanceTier", performance_tier));

REQUEST_SHAPE(describe_bulk_operation, "DescribeBulkOperationInput",
			  REQUIRED("BulkOperationArn", string));

REQUEST_SHAPE(cancel_bulk_operation, "CancelBulkOperationInput",
			  REQUIRED("BulkOperationArn", string));

REQUEST_SHAPE(list_bulk_operations, "ListBulkOperationsInput",
			  MEMBER("MaxResults", integer_to_100),
			  MEMBER("NextToken", string));

REQUEST_SHAPE(bulk_put_line, "BulkPutItem",
			  REQUIRED("Item", attribute_map),
			  MEMBER("ConditionExpression", string),
			  MEMBER("ExpressionAttributeNames", placeholder_names),
			  MEMBER("ExpressionAttributeValues", attribute_map));

/* ---- streams ---- */

REQUEST_SHAPE(list_streams, "ListStreamsInput",
			  MEMBER("TableName", entity_name),
			  MEMBER("Limit", integer_to_100),
			  MEMBER("ExclusiveStartStreamArn", stream_arn));

STRUCTURE_SHAPE(shard_filter, "ShardFilter",
				MEMBER("Type", shard_filter_type),
				MEMBER("ShardId", shard_id));

REQUEST_SHAPE(describe_stream, "DescribeStreamInput",
			  REQUIRED("StreamArn", stream_arn),
			  MEMBER("Limit", integer_to_100),
			  MEMBER("ExclusiveStartShardId", shard_id),
			  MEMBER("ShardFilter", shard_filter));

REQUEST_SHAPE(get_shard_iterator, "GetShardIteratorInput",
			  REQUIRED("StreamArn", stream_arn),
			  REQUIRED("ShardId", shard_id),
			  REQUIRED("ShardIteratorType", shard_iterator_type),
			  MEMBER("SequenceNumber", sequence_number));

REQUEST_SHAPE(get_records, "GetRecordsInput",
			  REQUIRED("ShardIterator", shard_iterator),
			  MEMBER("Limit", integer_to_1000));
