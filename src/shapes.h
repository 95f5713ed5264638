/*
 * shapes.h
 *	  The request shapes, one per operation that the registry (op.c) offers or
 *	  will offer.
 *
 * The structures that requests share are private to shapes.c.
 */
#ifndef DDB_SHAPES_H
#define DDB_SHAPES_H

#include "shape.h"

/* items */
extern const DdbShape ddb_shape_put_item;
extern const DdbShape ddb_shape_get_item;
extern const DdbShape ddb_shape_update_item;
extern const DdbShape ddb_shape_delete_item;
extern const DdbShape ddb_shape_query;
extern const DdbShape ddb_shape_scan;

/* batches, transactions, PartiQL */
extern const DdbShape ddb_shape_batch_get_item;
extern const DdbShape ddb_shape_batch_write_item;
extern const DdbShape ddb_shape_transact_get_items;
extern const DdbShape ddb_shape_transact_write_items;
extern const DdbShape ddb_shape_execute_statement;
extern const DdbShape ddb_shape_batch_execute_statement;
extern const DdbShape ddb_shape_execute_transaction;

/* bulk puts; the last is of a line of input */
extern const DdbShape ddb_shape_start_bulk_put_items;
extern const DdbShape ddb_shape_describe_bulk_operation;
extern const DdbShape ddb_shape_cancel_bulk_operation;
extern const DdbShape ddb_shape_list_bulk_operations;
extern const DdbShape ddb_shape_bulk_put_line;

/* tables and account */
extern const DdbShape ddb_shape_create_table;
extern const DdbShape ddb_shape_describe_table;
extern const DdbShape ddb_shape_list_tables;
extern const DdbShape ddb_shape_update_table;
extern const DdbShape ddb_shape_delete_table;
extern const DdbShape ddb_shape_describe_limits;
extern const DdbShape ddb_shape_describe_endpoints;
extern const DdbShape ddb_shape_update_time_to_live;
extern const DdbShape ddb_shape_describe_time_to_live;
extern const DdbShape ddb_shape_tag_resource;
extern const DdbShape ddb_shape_untag_resource;
extern const DdbShape ddb_shape_list_tags_of_resource;
extern const DdbShape ddb_shape_put_resource_policy;
extern const DdbShape ddb_shape_get_resource_policy;
extern const DdbShape ddb_shape_delete_resource_policy;
extern const DdbShape ddb_shape_update_contributor_insights;
extern const DdbShape ddb_shape_describe_contributor_insights;
extern const DdbShape ddb_shape_list_contributor_insights;
extern const DdbShape ddb_shape_describe_table_replica_auto_scaling;
extern const DdbShape ddb_shape_update_table_replica_auto_scaling;

/* streams */
extern const DdbShape ddb_shape_list_streams;
extern const DdbShape ddb_shape_describe_stream;
extern const DdbShape ddb_shape_get_shard_iterator;
extern const DdbShape ddb_shape_get_records;

#endif							/* DDB_SHAPES_H */
