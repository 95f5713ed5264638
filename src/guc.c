/*
 * guc.c
 *	  All settings of the extension.
 *
 * Defaults are DynamoDB's own limits.  Region and account id form the ARNs
 * that policies refer to, and the limits protect what other users read, so
 * those are for superusers to change; how much one page of a query reads is
 * each session's own affair.
 *
 * What a setting means is known where it is used, not here.
 */
#include "postgres.h"

#include "guc.h"
#include "miscadmin.h"
#include "utils/guc.h"

#define REGION_MAX_LENGTH	63	/* a label of the endpoint's host name */
#define ACCOUNT_ID_LENGTH	12

#define KILOBYTE			1024
#define MEGABYTE			(1024 * KILOBYTE)
#define MB_PER_GB			1024
#define SHARD_PERIOD		(4 * 60 * 60)	/* seconds */
#define MINUTES_PER_DAY		(24 * 60)

char	   *ddb_region = NULL;
char	   *ddb_account_id = NULL;
int			ddb_max_item_size = 400 * KILOBYTE;
int			ddb_max_item_collection_size = 10 * MB_PER_GB;
int			ddb_page_size = MEGABYTE;
int			ddb_table_partitions = 0;
bool		ddb_strict = true;
int			ddb_stream_shard_count = 1;
int			ddb_stream_shard_period = SHARD_PERIOD;

bool		ddb_throttling = false;
bool		ddb_partition_throttling = false;
bool		ddb_metrics = true;
bool		ddb_metrics_tables = true;
int			ddb_metrics_max = 1000;
int			ddb_metrics_period = 60;
int			ddb_metrics_retention = 15 * MINUTES_PER_DAY;
int			ddb_contributor_insights_max = 16;
int			ddb_account_max_read_units = 80000;
int			ddb_account_max_write_units = 80000;
int			ddb_table_max_read_units = 40000;
int			ddb_table_max_write_units = 40000;

int			ddb_ttl_interval = 1000;
int			ddb_ttl_batch = 100;
int			ddb_ttl_rate = 500;
int			ddb_ttl_change_interval = 0;

char	   *ddb_s3_directory = NULL;
char	   *ddb_s3_role = NULL;

char	   *ddb_subscription_urls = NULL;
char	   *ddb_subscription_url_role = NULL;
int			ddb_subscription_timeout = 30000;

int			ddb_http_workers = 4;
int			ddb_port = 8000;
char	   *ddb_listen_addresses = NULL;
char	   *ddb_database = NULL;
int			ddb_auth = DDB_AUTH_SIGV4;
char	   *ddb_anonymous_role = NULL;
char	   *ddb_tls_cert_file = NULL;
char	   *ddb_tls_key_file = NULL;
bool		ddb_group_commit = true;
int			ddb_max_body_size = 16 * MEGABYTE;
int			ddb_max_header_size = 16 * KILOBYTE;
int			ddb_worker_connections = 1000;
int			ddb_idle_timeout = 60;
int			ddb_request_timeout = 30;
int			ddb_statement_timeout = 30000;
int			ddb_lock_timeout = 10000;

/* is the library one of shared_preload_libraries? */
static bool is_preloaded = false;

static const struct config_enum_entry auth_options[] = {
	{"sigv4", DDB_AUTH_SIGV4, false},
	{"none", DDB_AUTH_NONE, false},
	{NULL, 0, false}
};

static bool
check_region(char **newval, void **extra, GucSource source)
{
	size_t		len = strspn(*newval, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (len > 0 && len <= REGION_MAX_LENGTH && (*newval)[len] == '\0')
		return true;
	GUC_check_errdetail("A region has 1 to %d characters out of a-z, 0-9 and the hyphen.",
						REGION_MAX_LENGTH);
	return false;
}

static bool
check_account_id(char **newval, void **extra, GucSource source)
{
	size_t		len = strspn(*newval, "0123456789");

	if (len == ACCOUNT_ID_LENGTH && (*newval)[len] == '\0')
		return true;
	GUC_check_errdetail("An account id has exactly %d digits.", ACCOUNT_ID_LENGTH);
	return false;
}

static void
define_string(const char *name, const char *what, const char *more, char **variable,
			  const char *value, GucContext context)
{
	DefineCustomStringVariable(name, what, more, variable, value, context, 0,
							   NULL, NULL, NULL);
}

static void
define_int(const char *name, const char *what, const char *more, int *variable,
		   int min, int max, GucContext context, int unit)
{
	DefineCustomIntVariable(name, what, more, variable, *variable, min, max,
							context, unit, NULL, NULL, NULL);
}

/*
 * The endpoint: what shapes its processes and sockets needs a restart, limits
 * and certificates a reload.  A session that loads the library later cannot
 * define settings of the first kind, and has no use for any.
 */
static void
define_endpoint(void)
{
	define_int("dynamo.http_workers", "Sets the number of processes that serve HTTP.",
			   "Zero means no HTTP endpoint.", &ddb_http_workers, 0, 64, PGC_POSTMASTER, 0);
	define_int("dynamo.port", "Sets the TCP port of the HTTP endpoint.", NULL,
			   &ddb_port, 1, 65535, PGC_POSTMASTER, 0);
	define_string("dynamo.listen_addresses",
				  "Sets the host names or addresses that the HTTP endpoint listens on.",
				  "A comma-separated list; * is all.",
				  &ddb_listen_addresses, "localhost", PGC_POSTMASTER);
	define_string("dynamo.database", "Sets the database that the HTTP endpoint serves.",
				  NULL, &ddb_database, "postgres", PGC_POSTMASTER);
	DefineCustomEnumVariable("dynamo.auth",
							 "Sets how HTTP requests are authenticated.",
							 "none is refused unless every listen address is a loopback address.",
							 &ddb_auth, DDB_AUTH_SIGV4, auth_options,
							 PGC_POSTMASTER, 0, NULL, NULL, NULL);
	define_string("dynamo.anonymous_role",
				  "Sets the role that requests run as when dynamo.auth is none.",
				  "Empty means the owner of the extension.",
				  &ddb_anonymous_role, "", PGC_SIGHUP);
	define_string("dynamo.tls_cert_file", "Sets the file of the endpoint's TLS certificate.",
				  "Empty means plain HTTP.", &ddb_tls_cert_file, "", PGC_SIGHUP);
	define_string("dynamo.tls_key_file", "Sets the file of the endpoint's TLS private key.",
				  NULL, &ddb_tls_key_file, "", PGC_SIGHUP);
	DefineCustomBoolVariable("dynamo.group_commit",
							 "Flushes the log once for all HTTP requests that end together.",
							 "Responses wait for their flush either way.",
							 &ddb_group_commit, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_int("dynamo.max_body_size", "Sets the largest body of a request.",
			   "It holds for the decompressed body as well.", &ddb_max_body_size,
			   KILOBYTE, 256 * MEGABYTE, PGC_SIGHUP, GUC_UNIT_BYTE);
	define_int("dynamo.max_header_size", "Sets the largest size of a request's headers.",
			   NULL, &ddb_max_header_size, KILOBYTE, 24 * KILOBYTE, PGC_SIGHUP, GUC_UNIT_BYTE);
	define_int("dynamo.worker_connections",
			   "Sets how many HTTP connections one worker serves at a time.",
			   "Further ones are answered 503 and closed.", &ddb_worker_connections,
			   1, 100000, PGC_SIGHUP, 0);
	define_int("dynamo.idle_timeout",
			   "Sets how long an HTTP connection may be without a request.",
			   NULL, &ddb_idle_timeout, 1, 86400, PGC_SIGHUP, GUC_UNIT_S);
	define_int("dynamo.request_timeout",
			   "Sets how long a client may take to send a request, or to take its response.",
			   NULL, &ddb_request_timeout, 1, 86400, PGC_SIGHUP, GUC_UNIT_S);
	define_int("dynamo.statement_timeout",
			   "Sets how long the execution of one HTTP request may take.",
			   NULL, &ddb_statement_timeout, 1, 86400000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("dynamo.lock_timeout",
			   "Sets how long an HTTP request waits for locks of other sessions.",
			   NULL, &ddb_lock_timeout, 1, 86400000, PGC_SIGHUP, GUC_UNIT_MS);
}

/* capacity is counted in shared memory, which only preloaded libraries have */
static bool
check_throttling(bool *newval, void **extra, GucSource source)
{
	if (!*newval || is_preloaded)
		return true;
	GUC_check_errdetail("It needs pg_dynamo in shared_preload_libraries.");
	return false;
}

static void
define_throughput(void)
{
	DefineCustomBoolVariable("dynamo.throttling",
							 "Refuses requests beyond the throughput of their table.",
							 "Tables may have a choice of their own, see dynamo.set_throttling.",
							 &ddb_throttling, false, PGC_SUSET, 0,
							 check_throttling, NULL, NULL);
	DefineCustomBoolVariable("dynamo.partition_throttling",
							 "Limits what one partition may consume, where throttling is on.",
							 NULL, &ddb_partition_throttling, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("dynamo.metrics",
							 "Counts requests and capacity units by table and index.",
							 NULL, &ddb_metrics, true, PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("dynamo.metrics_tables",
							 "Shows counters of tables and indexes in GET /metrics.",
							 "Whoever reaches the port may ask for them, and learns the names.",
							 &ddb_metrics_tables, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	define_int("dynamo.metrics_retention", "Sets how long metrics are kept.",
			   "Zero means that none are stored.", &ddb_metrics_retention,
			   0, 455 * MINUTES_PER_DAY, PGC_SIGHUP, GUC_UNIT_MIN);
	define_int("dynamo.metrics_period",
			   "Sets how much time a data point of metrics and of auto scaling spans.",
			   "CloudWatch has a minute.", &ddb_metrics_period, 1, 3600, PGC_SIGHUP, GUC_UNIT_S);
}

/* what DescribeLimits tells */
static void
define_quotas(void)
{
	define_int("dynamo.account_max_read_capacity_units",
			   "Sets the quota of read capacity units of all tables and indexes together.",
			   NULL, &ddb_account_max_read_units, 1, PG_INT32_MAX, PGC_SUSET, 0);
	define_int("dynamo.account_max_write_capacity_units",
			   "Sets the quota of write capacity units of all tables and indexes together.",
			   NULL, &ddb_account_max_write_units, 1, PG_INT32_MAX, PGC_SUSET, 0);
	define_int("dynamo.table_max_read_capacity_units",
			   "Sets the quota of read capacity units of a table or index.",
			   "On-demand tables are throttled there, where throttling is on.",
			   &ddb_table_max_read_units, 1, PG_INT32_MAX, PGC_SUSET, 0);
	define_int("dynamo.table_max_write_capacity_units",
			   "Sets the quota of write capacity units of a table or index.",
			   "On-demand tables are throttled there, where throttling is on.",
			   &ddb_table_max_write_units, 1, PG_INT32_MAX, PGC_SUSET, 0);
}

/* what sizes shared memory */
static void
define_throughput_memory(void)
{
	define_int("dynamo.metrics_max", "Sets for how many tables and indexes capacity is counted.",
			   NULL, &ddb_metrics_max, 100, 1000000, PGC_POSTMASTER, 0);
	define_int("dynamo.contributor_insights_max",
			   "Sets for how many tables and indexes keys are counted by Contributor Insights.",
			   NULL, &ddb_contributor_insights_max, 0, 10000, PGC_POSTMASTER, 0);
}

/* expiry of items */
static void
define_expiry(void)
{
	define_int("dynamo.ttl_batch", "Sets how many expired items one transaction deletes.",
			   NULL, &ddb_ttl_batch, 1, 10000, PGC_SIGHUP, 0);
	define_int("dynamo.ttl_change_interval",
			   "Sets how long after a change of a table's time to live the next one is refused.",
			   "DynamoDB refuses it for an hour.", &ddb_ttl_change_interval,
			   0, 86400, PGC_SUSET, GUC_UNIT_S);
	define_int("dynamo.ttl_interval", "Sets how often expired items are looked for.",
			   "Zero means never.", &ddb_ttl_interval, 0, 86400000, PGC_SIGHUP, GUC_UNIT_MS);
	define_int("dynamo.ttl_rate", "Sets how many expired items are deleted in a second.",
			   "Zero means as many as can be.", &ddb_ttl_rate, 0, 1000000, PGC_SIGHUP, 0);
}

static bool
check_directory(char **newval, void **extra, GucSource source)
{
	if ((*newval)[0] == '\0' || (*newval)[0] == '/')
		return true;
	GUC_check_errdetail("The directory must be given by an absolute path.");
	return false;
}

static void
define_bulk(void)
{
	DefineCustomStringVariable("dynamo.s3_directory",
							   "Sets the directory whose subdirectories are the buckets of bulk operations.",
							   "Empty means that there are none.",
							   &ddb_s3_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY,
							   check_directory, NULL, NULL);
	define_string("dynamo.s3_role", "Sets the role whose members may use buckets.",
				  "Empty means superusers only.", &ddb_s3_role, "", PGC_SIGHUP);
}

static void
define_subscriptions(void)
{
	define_int("dynamo.subscription_timeout",
			   "Sets how long one delivery to a subscription may take.",
			   NULL, &ddb_subscription_timeout, 1, 86400000, PGC_SIGHUP, GUC_UNIT_MS);
	define_string("dynamo.subscription_url_role",
				  "Sets the role whose members may have subscriptions that deliver to URLs.",
				  "Empty means superusers only.", &ddb_subscription_url_role, "", PGC_SIGHUP);
	define_string("dynamo.subscription_urls",
				  "Sets the URLs that subscriptions may deliver to.",
				  "A comma-separated list of scheme, host and beginning of the path; empty means none.",
				  &ddb_subscription_urls, "", PGC_SIGHUP);
}

/*
 * ddb_guc_define defines the settings and reserves their prefix.  To be called
 * once, when the library is loaded.
 */
void
ddb_guc_define(void)
{
	DefineCustomStringVariable("dynamo.account_id",
							   "Sets the account id that ARNs carry.",
							   NULL,
							   &ddb_account_id,
							   "000000000000",
							   PGC_SUSET, 0,
							   check_account_id, NULL, NULL);
	DefineCustomIntVariable("dynamo.max_item_collection_size",
							"Sets the largest size of an item collection.",
							"It holds for tables with local secondary indexes: all items"
							" of one partition key value, with their projections there.",
							&ddb_max_item_collection_size,
							10 * MB_PER_GB, 1, 1024 * 1024 * MB_PER_GB,
							PGC_SUSET, GUC_UNIT_MB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("dynamo.max_item_size",
							"Sets the largest size of an item.",
							"Sizes are counted as DynamoDB counts them.",
							&ddb_max_item_size,
							400 * KILOBYTE, 1, 100 * MEGABYTE,
							PGC_SUSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);
	DefineCustomIntVariable("dynamo.page_size",
							"Sets how much Query and Scan read before they end a page.",
							NULL,
							&ddb_page_size,
							MEGABYTE, KILOBYTE, 1024 * MEGABYTE,
							PGC_USERSET, GUC_UNIT_BYTE,
							NULL, NULL, NULL);
	DefineCustomStringVariable("dynamo.region",
							   "Sets the region that ARNs and endpoint names carry.",
							   NULL,
							   &ddb_region,
							   "us-east-1",
							   PGC_SUSET, 0,
							   check_region, NULL, NULL);

	DefineCustomBoolVariable("dynamo.strict",
							 "Refuses what DynamoDB refuses.",
							 "When off, requests that can be answered here are: ConsistentRead of a global secondary index.",
							 &ddb_strict,
							 true,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("dynamo.stream_shard_period",
							"Sets how long a shard of a stream is open.",
							"Then it is closed and has a child.",
							&ddb_stream_shard_period,
							SHARD_PERIOD, 1, 6 * SHARD_PERIOD,
							PGC_SIGHUP, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("dynamo.stream_shards",
							"Sets how many shards a new stream has open at a time.",
							"Partition keys are divided among them by hash.",
							&ddb_stream_shard_count,
							1, 1, 64,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("dynamo.table_partitions",
							"Sets into how many hash partitions CreateTable divides an item table.",
							"Zero makes an ordinary table.",
							&ddb_table_partitions,
							0, 0, 1024,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
	if (process_shared_preload_libraries_in_progress)
	{
		is_preloaded = true;
		define_endpoint();
		define_throughput_memory();
	}
	define_throughput();
	define_quotas();
	define_expiry();
	define_bulk();
	define_subscriptions();
	MarkGUCPrefixReserved("dynamo");
}
