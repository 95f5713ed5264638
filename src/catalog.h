/*
 * catalog.h
 *	  Table definitions: which item tables exist, what their keys are.
 *
 * dynamo.table_definition holds one row per item table.  Each backend caches
 * rows by table name; relation invalidation messages drop them, so a cached
 * definition is true as long as a lock on its relation is held.
 */
#ifndef DDB_CATALOG_H
#define DDB_CATALOG_H

#include "keyenc.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/acl.h"

#define DDB_MAX_KEY_PARTS	4	/* attributes of an index partition or sort key */

typedef enum DdbProjection
{
	DDB_PROJECT_ALL,
	DDB_PROJECT_KEYS_ONLY,
	DDB_PROJECT_INCLUDE
} DdbProjection;

/*
 * From the first on, every writer keeps the index; it is complete, and may be
 * read, once it is active.
 */
typedef enum DdbIndexStatus
{
	DDB_INDEX_CREATING,			/* the backfill has not begun */
	DDB_INDEX_BACKFILLING,
	DDB_INDEX_ACTIVE
} DdbIndexStatus;

/*
 * Name of the index by which expired items are found; none of the API's names
 * has a tilde.  Its one partition key attribute is the table's TTL attribute,
 * and all of its entries have hash 0, so that they lie in the order of its value.
 */
#define DDB_EXPIRY_INDEX	"~ttl"

/* whose keys Contributor Insights counts */
typedef enum DdbInsights
{
	DDB_INSIGHTS_OFF,
	DDB_INSIGHTS_ACCESSED,		/* accessed and throttled ones */
	DDB_INSIGHTS_THROTTLED		/* throttled ones only */
} DdbInsights;

/* a choice for one table that has a setting as its default */
typedef enum DdbChoice
{
	DDB_CHOICE_DEFAULT,
	DDB_CHOICE_ON,
	DDB_CHOICE_OFF
} DdbChoice;

/*
 * What may be consumed of a table or of a global index in a second, and where
 * that is counted.  read and write are what is provisioned; of an on-demand
 * table the maxima that were asked for, 0 for none.
 */
typedef struct DdbCapacity
{
	int64		read;
	int64		write;
	DdbInsights insights;
	struct DdbMeter *meter;		/* throughput.h; NULL while not asked for */
} DdbCapacity;

/* a secondary index, one row of dynamo.index_definition */
typedef struct DdbIndex
{
	char	   *name;
	Oid			relid;			/* its index table, see index.h */
	char	   *qualified;		/* quoted "schema"."table" for statement texts */
	bool		global;
	bool		expiry;			/* ours: items in the order in which they expire */
	bool		is_unique;		/* an option of ours: one item per index key */
	DdbIndexStatus status;
	int			npartition;		/* attributes of the partition key */
	DdbKeyAttr	partition[DDB_MAX_KEY_PARTS];
	int			nsort;			/* attributes of the sort key, maybe none */
	DdbKeyAttr	sort[DDB_MAX_KEY_PARTS];
	DdbProjection projection;
	int			nattributes;	/* NonKeyAttributes */
	DdbText    *attributes;
	Jsonb	   *settings;		/* what DescribeTable shows beyond this */
	DdbCapacity capacity;		/* of a global index */
} DdbIndex;

typedef struct DdbTable
{
	char	   *name;			/* DynamoDB's table name */
	Oid			relid;			/* its item table */
	Oid			schema;			/* the item table's */
	bool		row_security;	/* are policies in force on it? */
	char	   *qualified;		/* quoted "schema"."table" for statement texts */
	DdbKeySchema keys;
	bool		on_demand;		/* BillingMode is PAY_PER_REQUEST */
	DdbChoice	throttling;
	DdbCapacity capacity;
	int			nindexes;		/* local ones first, each kind by creation */
	int			nkept;			/* these, and then those that the API does not show */
	DdbIndex   *indexes;
} DdbTable;

/*
 * ddb_catalog_table_name: the table name of a TableName member, which may be
 * a name or a table ARN.  Raises for ARNs of other accounts (AccessDenied for
 * action) and for malformed ones.
 */
extern DdbText ddb_catalog_table_name(DdbText name_or_arn, const char *action);

/*
 * ddb_catalog_open: find and lock the item table, until the transaction ends,
 * in lockmode; check that the current user has all of acl on it (for an acl
 * of ACL_NO_RIGHTS: any privilege; for DDB_ACL_OWNER: ownership).  action is
 * the IAM action without prefix, e.g. "PutItem", for AccessDeniedException.
 * Absent: ResourceNotFoundException, with the data plane's text, or the
 * control plane's if control_plane; AccessDeniedException instead for roles
 * that may not create tables, who shall not learn which names exist.
 * The result belongs to the cache and is valid in this transaction.
 */
#define DDB_ACL_OWNER	((AclMode) 1 << 31)

extern const DdbTable *ddb_catalog_open(DdbText table_name, LOCKMODE lockmode,
										AclMode acl, const char *action,
										bool control_plane);

/* the same without lock or rights: NULL when there is no such table */
extern const DdbTable *ddb_catalog_find(const char *name, int len);

/* the index of that name; NULL when there is none */
extern const DdbIndex *ddb_catalog_index(const DdbTable *table, DdbText name);

/* the same among all that are kept */
extern const DdbIndex *ddb_catalog_kept_index(const DdbTable *table, DdbText name);

/*
 * ddb_catalog_of_relation: the cached definition of an item table, given its
 * oid or that of one of its partitions; NULL for other relations.  Valid in
 * this transaction, and true as long as the relation is locked.
 */
extern const DdbTable *ddb_catalog_of_relation(Oid relid);

/* is relid an item table? */
extern bool ddb_catalog_is_item_table(Oid relid);

/* definition of an item table, in CurrentMemoryContext; NULL when relid is none */
extern DdbTable *ddb_catalog_definition(Oid relid);

/*
 * Everything DescribeTable shows that the engine does not need is one jsonb
 * document per table ("settings"), read and written whole.
 */
typedef struct DdbTableRow
{
	const DdbTable *table;
	char	   *table_id;		/* uuid */
	TimestampTz created;
	Jsonb	   *settings;
} DdbTableRow;

extern void ddb_catalog_read(const DdbTable *table, DdbTableRow *row);

/*
 * Writers run as the extension's owner; callers have checked that the current
 * user owns the item table.  Each invalidates the definition everywhere at
 * commit.
 */
extern void ddb_catalog_insert(const char *name, Oid relid, const DdbKeySchema *keys,
							   const Jsonb *settings, DdbTableRow *row);
extern void ddb_catalog_update_settings(const DdbTable *table, const Jsonb *settings);
extern void ddb_catalog_rename(Oid relid, const char *new_name);
extern void ddb_catalog_delete(Oid relid);

/*
 * The same for indexes.  index->relid names the row; insert takes everything
 * from the struct, update writes status and, unless NULL, settings; a build
 * may change the status of an index whose settings another session changes.
 * Deleting one that is not there is no error.
 */
extern void ddb_catalog_insert_index(const DdbTable *table, const DdbIndex *index);
extern void ddb_catalog_update_index(const DdbTable *table, const DdbIndex *index,
									 DdbIndexStatus status, const Jsonb *settings);
extern void ddb_catalog_update_index_settings(const DdbTable *table, const DdbIndex *index,
											  const Jsonb *settings);
extern void ddb_catalog_delete_index(Oid index_relid);

/* the item table of an index table; InvalidOid when relid is none */
extern Oid	ddb_catalog_table_of_index(Oid index_relid);

/* oids of a table's index tables, though the table itself may be gone; palloc'd */
extern List *ddb_catalog_index_relids(Oid relid);

/* the role that owns a relation; the one that owns the extension's tables */
extern Oid	ddb_relation_owner(Oid relid);
extern Oid	ddb_catalog_owner(void);

/* run a block as owner with a pinned search_path; an error ends it too */
typedef struct DdbAsOwner
{
	Oid			save_userid;
	int			save_sec_context;
	int			guc_nest_level;
} DdbAsOwner;

extern void ddb_as_owner_begin(DdbAsOwner *state, Oid owner);
extern void ddb_as_owner_end(DdbAsOwner *state);

/* arn:aws:dynamodb:<region>:<account>:table/<name>, palloc'd */
extern char *ddb_arn_of_table(const char *name, int len);

/* raise AccessDeniedException for action (e.g. "PutItem") on an ARN */
extern void ddb_access_denied(const char *action, const char *arn) pg_attribute_noreturn();

/* the same, with the server's reason as a hint */
extern void ddb_access_denied_because(const char *action, const char *arn,
									  const char *reason) pg_attribute_noreturn();

/* the same where a Deny of a policy applies: an identity policy's or the resource's */
extern void ddb_access_denied_explicitly(const char *action, const char *arn,
										 bool by_resource) pg_attribute_noreturn();

/* schema dynamo_tables; InvalidOid only while the extension is being made */
extern Oid	ddb_tables_schema(void);

extern void ddb_catalog_init(void); /* register callbacks; from _PG_init */

#endif							/* DDB_CATALOG_H */
