/*
 * guc.h
 *	  All settings of the extension (dynamo.*), defined in guc.c.
 */
#ifndef DDB_GUC_H
#define DDB_GUC_H

extern char *ddb_region;		/* dynamo.region: part of ARNs and endpoints */
extern char *ddb_account_id;	/* dynamo.account_id: twelve digits, part of ARNs */
extern int	ddb_max_item_size;	/* dynamo.max_item_size, in bytes */
extern int	ddb_page_size;		/* dynamo.page_size, in bytes, of Query and Scan */
extern int	ddb_table_partitions;	/* dynamo.table_partitions: hash partitions of
									 * a new item table, 0 for a plain one */

extern void ddb_guc_define(void);

#endif							/* DDB_GUC_H */
