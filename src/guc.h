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
