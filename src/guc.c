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
#include "utils/guc.h"

#define REGION_MAX_LENGTH	63	/* a label of the endpoint's host name */
#define ACCOUNT_ID_LENGTH	12

#define KILOBYTE			1024
#define MEGABYTE			(1024 * KILOBYTE)

char	   *ddb_region = NULL;
char	   *ddb_account_id = NULL;
int			ddb_max_item_size = 400 * KILOBYTE;
int			ddb_page_size = MEGABYTE;
int			ddb_table_partitions = 0;

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

	DefineCustomIntVariable("dynamo.table_partitions",
							"Sets into how many hash partitions CreateTable divides an item table.",
							"Zero makes an ordinary table.",
							&ddb_table_partitions,
							0, 0, 1024,
							PGC_USERSET, 0,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("dynamo");
}
