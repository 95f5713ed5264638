/*
 * guc.h
 *	  All settings of the extension (dynamo.*), defined in guc.c.
 */
#ifndef DDB_GUC_H
#define DDB_GUC_H

extern char *ddb_region;		/* dynamo.region: part of ARNs and endpoints */
extern char *ddb_account_id;	/* dynamo.account_id: twelve digits, part of ARNs */
extern int	ddb_max_item_size;	/* dynamo.max_item_size, in bytes */
extern int	ddb_max_item_collection_size;	/* dynamo.max_item_collection_size, in
											 * MB, in tables with local indexes */
extern int	ddb_page_size;		/* dynamo.page_size, in bytes, of Query and Scan */
extern int	ddb_table_partitions;	/* dynamo.table_partitions: hash partitions of
									 * a new item table, 0 for a plain one */
extern bool ddb_strict;			/* dynamo.strict: refuse what DynamoDB refuses, even
								 * where we could do it */

/* ---- throughput and metrics ---- */

extern bool ddb_throttling;		/* dynamo.throttling: for tables that do not say themselves */
extern bool ddb_partition_throttling;	/* dynamo.partition_throttling: where throttling is on,
										 * limits of partitions as well */
extern bool ddb_metrics;		/* dynamo.metrics: count by table and index */
extern bool ddb_metrics_tables;	/* dynamo.metrics_tables: tell them in GET /metrics */
extern int	ddb_metrics_max;	/* dynamo.metrics_max: tables and indexes with meters */
extern int	ddb_metrics_period; /* dynamo.metrics_period, in seconds: of a data point */
extern int	ddb_metrics_retention;	/* dynamo.metrics_retention, in minutes; 0: nothing is stored */
extern int	ddb_contributor_insights_max;	/* dynamo.contributor_insights_max: tables and
											 * indexes whose keys are counted */

/* quotas that DescribeLimits tells, in units a second */
extern int	ddb_account_max_read_units; /* dynamo.account_max_read_capacity_units */
extern int	ddb_account_max_write_units;	/* dynamo.account_max_write_capacity_units */
extern int	ddb_table_max_read_units;	/* dynamo.table_max_read_capacity_units: of a table or
										 * global index; on-demand ones are throttled there */
extern int	ddb_table_max_write_units;	/* dynamo.table_max_write_capacity_units */

/* ---- expiry of items ---- */

extern int	ddb_ttl_interval;	/* dynamo.ttl_interval, in ms between two sweeps; 0 for none */
extern int	ddb_ttl_batch;		/* dynamo.ttl_batch: deletions in a transaction */
extern int	ddb_ttl_rate;		/* dynamo.ttl_rate: deletions in a second, 0 for no limit */
extern int	ddb_ttl_change_interval;	/* dynamo.ttl_change_interval, in seconds */

extern int	ddb_stream_shard_period;	/* dynamo.stream_shard_period, in seconds: until a
										 * shard is closed and gets a child */
extern int	ddb_stream_shard_count; /* dynamo.stream_shards: open shards of a new stream */

/* ---- subscriptions ---- */

extern char *ddb_subscription_urls; /* dynamo.subscription_urls: allowed targets,
									 * comma-separated */
extern char *ddb_subscription_url_role; /* dynamo.subscription_url_role: whose members may
										 * have such targets; empty: nobody but superusers */
extern int	ddb_subscription_timeout;	/* dynamo.subscription_timeout, in ms: of a delivery */

/* ---- bulk operations ---- */

extern char *ddb_s3_directory;	/* dynamo.s3_directory: whose subdirectories are buckets;
								 * empty: there are none */
extern char *ddb_s3_role;		/* dynamo.s3_role: whose members may use them; empty:
								 * nobody but superusers */

/* ---- the HTTP endpoint ---- */

typedef enum DdbAuth
{
	DDB_AUTH_SIGV4,
	DDB_AUTH_NONE
} DdbAuth;

extern int	ddb_http_workers;	/* dynamo.http_workers: 0 for no endpoint */
extern int	ddb_port;			/* dynamo.port */
extern char *ddb_listen_addresses;	/* dynamo.listen_addresses, comma-separated */
extern char *ddb_database;		/* dynamo.database: the one that is served */
extern int	ddb_auth;			/* dynamo.auth, a DdbAuth */
extern char *ddb_anonymous_role;	/* dynamo.anonymous_role: whom requests run as
									 * under auth none; empty: the extension's owner */
extern char *ddb_tls_cert_file; /* dynamo.tls_cert_file; empty: no TLS */
extern char *ddb_tls_key_file;	/* dynamo.tls_key_file */
extern bool ddb_group_commit;	/* dynamo.group_commit */
extern int	ddb_max_body_size;	/* dynamo.max_body_size, in bytes */
extern int	ddb_max_header_size;	/* dynamo.max_header_size, in bytes */
extern int	ddb_worker_connections; /* dynamo.worker_connections, per worker */
extern int	ddb_idle_timeout;	/* dynamo.idle_timeout, in seconds */
extern int	ddb_request_timeout;	/* dynamo.request_timeout, in seconds: to receive
									 * a request once it has begun */
extern int	ddb_statement_timeout;	/* dynamo.statement_timeout, in ms: to execute */
extern int	ddb_lock_timeout;	/* dynamo.lock_timeout, in ms: to wait for locks of
								 * other sessions, all attempts together */

extern void ddb_guc_define(void);

#endif							/* DDB_GUC_H */
