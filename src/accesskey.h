/*
 * accesskey.h
 *	  Access keys: which role a key id stands for, and its secret.
 *
 * dynamo.access_key holds one row per key.  Each backend caches what it used;
 * every change of the table sends a relation invalidation for it.
 */
#ifndef DDB_ACCESSKEY_H
#define DDB_ACCESSKEY_H

#include "nodes/pg_list.h"
#include "utils/timestamp.h"

#include "jsondoc.h"
#include "sigv4.h"

typedef struct DdbAccessKey
{
	char	   *id;
	Oid			role;
	char	   *secret;
	char	   *session_token;	/* NULL for a long-term key */
	TimestampTz expires_at;		/* DT_NOEND for a long-term key */
	bool		active;			/* always true of what ddb_accesskey_find returns */
	TimestampTz created_at;
	Jsonb	   *claims;			/* of a session token: an object, condition keys of
								 * policies and their values; NULL for none */
} DdbAccessKey;

/* of ids, secrets and session tokens that are made here or accepted, in bytes */
#define DDB_ACCESSKEY_MAX_ID		128
#define DDB_ACCESSKEY_MAX_SECRET	128
#define DDB_ACCESSKEY_MAX_TOKEN		1024

/*
 * ddb_accesskey_find: an active key whose role exists; NULL for any other id.
 * Needs a transaction.  The result belongs to the cache and is valid until the
 * transaction ends.
 */
extern const DdbAccessKey *ddb_accesskey_find(DdbText id);

/*
 * ddb_accesskey_signing_key: the signing key of a scope, kept with the cached
 * access key.
 */
extern const uint8 *ddb_accesskey_signing_key(const DdbAccessKey *key, const char *scope_date,
											  DdbText region, DdbText service);

/*
 * The table itself, for functions that manage keys.  None of these looks at
 * the current user's rights: their callers do.  The writers run as the owner of
 * the table and raise the server's errors only, without any secret in them.
 */

/* the role that owns the table; an error without the extension */
extern Oid	ddb_accesskey_owner(void);

/*
 * a key, active or not, or all keys, from the table and not from the cache, in
 * CurrentMemoryContext; NULL when there is no such key, or no role behind it
 */
extern DdbAccessKey *ddb_accesskey_read(DdbText id);
extern List *ddb_accesskey_read_all(void);

/* false when the id is taken */
extern bool ddb_accesskey_insert(const DdbAccessKey *key);

/* false when the key is gone, or another role's meanwhile */
extern bool ddb_accesskey_set_active(const DdbAccessKey *key, bool active);
extern bool ddb_accesskey_delete(const DdbAccessKey *key);

/*
 * ddb_accesskey_sweep: delete the keys of roles that are gone, lest the oid of
 * one be given to another role some day, and session keys that expired
 * more than a day ago.  Needs a transaction that may write; does nothing in
 * recovery or without the extension.
 */
extern void ddb_accesskey_sweep(void);

extern void ddb_accesskey_init(void);	/* register callbacks; from _PG_init */

#endif							/* DDB_ACCESSKEY_H */
