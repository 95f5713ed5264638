/*
 * tableinfo.h
 *	  What the API tells about a table beyond its keys: the settings document
 *	  of the catalog, table descriptions, tag lists.
 */
#ifndef DDB_TABLEINFO_H
#define DDB_TABLEINFO_H

#include "itemtable.h"
#include "streamlog.h"

#define DDB_MAX_TAGS			50		/* of a resource */
#define DDB_ON_DEMAND_SWITCHES	4		/* in ON_DEMAND_SWITCH_PERIOD */
#define DDB_CLASS_CHANGES		2		/* in CLASS_CHANGE_PERIOD */

#define DDB_MS_PER_HOUR		INT64CONST(3600000)
#define DDB_MS_PER_DAY		(24 * DDB_MS_PER_HOUR)

/*
 * The settings document taken apart.  Times are in ms since 1970 and 0 where
 * the event never happened; lists of times are newest first.  That of a global
 * index has throughput only; its billing mode is the table's.
 */
typedef struct DdbTableSettings
{
	DdbDoc		attributes;		/* AttributeDefinitions, in the caller's order */
	bool		on_demand;		/* BillingMode is PAY_PER_REQUEST */
	int64		read_units;		/* provisioned; 0 while on demand */
	int64		write_units;
	int64		last_increase;
	int64		last_decrease;
	int64		first_decrease; /* of the UTC day of last_decrease */
	int64		decreases;		/* on the current UTC day */
	int64		on_demand_since[DDB_ON_DEMAND_SWITCHES];
	int64		max_read_requests;	/* of OnDemandThroughput; 0 if never set */
	int64		max_write_requests;
	int64		warm_read;		/* as asked for or reached; see the getter */
	int64		warm_write;
	bool		infrequent_access;	/* TableClass */
	int64		class_changed[DDB_CLASS_CHANGES];
	bool		deletion_protection;
	DdbText		kms_key_arn;	/* str is NULL for an AWS owned key */
	int64		ttl_changed;	/* when it was enabled or disabled last */
	int64		throttling;		/* a DdbChoice */
	int64		insights;		/* a DdbInsights */
	int64		insights_mode;	/* the DdbInsights that was asked for last; 0 if none was */
	int64		insights_changed;	/* when it was enabled or disabled last */
	int64		insights_enabled;	/* when it was enabled last; in names of rules */
} DdbTableSettings;

/* what the description of an index is made from */
typedef struct DdbIndexView
{
	const DdbIndex *index;
	DdbTableSettings settings;
	const char *status;			/* IndexStatus */
	bool		building;		/* Backfilling is shown */
	bool		backfilling;
	int64		items;
	int64		bytes;
} DdbIndexView;

/* what a TableDescription is made from */
typedef struct DdbTableView
{
	const DdbTableRow *row;
	const DdbTableSettings *settings;
	const char *status;			/* TableStatus */
	const char *warm_status;	/* WarmThroughput.Status */
	bool		outline;		/* without key schema and definitions */
	int64		items;
	int64		bytes;
	int			nindexes;
	const DdbIndexView *indexes;	/* in the order of row->table->indexes */
	const DdbStream *stream;	/* the enabled one, or the last; NULL if none was */
} DdbTableView;

/* times of settings: ms since 1970 */
extern int64 ddb_tableinfo_time(TimestampTz time);
extern int64 ddb_tableinfo_now(void);

/* a damaged or older document leaves zeros; out points into settings */
extern void ddb_tableinfo_decode(const Jsonb *settings, int64 now,
								 DdbTableSettings *out);
extern Jsonb *ddb_tableinfo_encode(const DdbTableSettings *settings);

/* units the table can serve at once */
extern void ddb_tableinfo_warm(const DdbTableSettings *settings,
							   int64 *read, int64 *write);

/* a TableDescription as a tree; it points into the view */
extern void ddb_tableinfo_describe(const DdbTableView *view, JsonbValue *out);

/* 3 to 255 characters of a-z A-Z 0-9 _ . - */
extern bool ddb_tableinfo_name_is_valid(DdbText name);

/* element i, an object, of a list of structures in a checked request */
extern DdbDoc ddb_tableinfo_member(DdbDoc list, int i);

/*
 * Members of CreateTable and UpdateTable, where present, into settings whose
 * billing mode and throughput are those that shall be; ValidationException
 * for what does not fit them.
 */
extern void ddb_tableinfo_read_encryption(DdbDoc request,
										  DdbTableSettings *settings);
extern void ddb_tableinfo_read_on_demand_throughput(DdbDoc request,
													DdbTableSettings *settings);
extern void ddb_tableinfo_read_warm_throughput(DdbDoc request,
											   DdbTableSettings *settings);

/*
 * The Tags member of a request, checked; a palloc'd array, or NULL and 0 for
 * an absent list (ptr NULL).  Where a key occurs twice the later one wins.
 */
extern DdbTag *ddb_tableinfo_tags(DdbDoc list, int *count);

extern void ddb_tableinfo_too_many_tags(void) pg_attribute_noreturn();

#endif							/* DDB_TABLEINFO_H */
