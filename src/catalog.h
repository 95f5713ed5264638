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
#include "storage/lockdefs.h"
#include "utils/acl.h"

typedef struct DdbTable
{
	char	   *name;			/* DynamoDB's table name */
	Oid			relid;			/* its item table */
	Oid			schema;			/* the item table's */
	bool		row_security;	/* are policies in force on it? */
	char	   *qualified;		/* quoted "schema"."table" for statement texts */
	DdbKeySchema keys;
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

/* schema dynamo_tables; InvalidOid only while the extension is being made */
extern Oid	ddb_tables_schema(void);

extern void ddb_catalog_init(void); /* register callbacks; from _PG_init */

#endif							/* DDB_CATALOG_H */
