/*
 * policystore.h
 *	  Where policies are stored: identity policies by role and access key,
 *	  resource policies by table and stream; compiled once per backend.
 *
 * dynamo.identity_policy (of roles), dynamo.access_key_policy and
 * dynamo.resource_policy hold them; every change sends a relation
 * invalidation, as do changes of roles and memberships.  A stored document
 * that does not compile denies everything.
 */
#ifndef DDB_POLICYSTORE_H
#define DDB_POLICYSTORE_H

#include "catalog.h"
#include "policy.h"

/* a stored policy */
typedef struct DdbStoredPolicy
{
	const char *name;			/* PolicyName; of a resource policy its revision id */
	const DdbPolicy *policy;	/* NULL: does not compile */
} DdbStoredPolicy;

typedef struct DdbPolicySet
{
	int			count;
	const DdbStoredPolicy *policies;
} DdbPolicySet;

/*
 * ddb_policystore_of_role: the policies attached to a role and to the roles it
 * is a member of (directly or not, whether it inherits or not; no role is taken
 * for a member merely because it is a superuser).  ddb_policystore_of_key:
 * those of an access key alone.  Both are valid until the transaction ends, and
 * cost a hash look-up, nothing where no policy is stored at all.
 */
extern const DdbPolicySet *ddb_policystore_of_role(Oid role);
extern const DdbPolicySet *ddb_policystore_of_key(const char *access_key_id);

/* the policy of a table, or of one of its streams (label NULL: of the table); NULL for none */
extern const DdbStoredPolicy *ddb_policystore_of_resource(Oid relid, const char *stream_label);

/* is any policy of either kind stored? what a process asks first */
extern bool ddb_policystore_is_empty(void);

/* changes whenever policies, roles or memberships do */
extern uint64 ddb_policystore_version(void);

/* a resource policy as it is stored, from the table and not from the cache */
typedef struct DdbResourcePolicy
{
	char	   *document;
	char	   *revision_id;
} DdbResourcePolicy;

/* false when there is none */
extern bool ddb_policystore_read(Oid relid, const char *stream_label, DdbResourcePolicy *out);

/* insert or replace; the document has been checked.  Returns the new revision id */
extern char *ddb_policystore_write(Oid relid, const char *stream_label, DdbText document);

/* its revision id, NULL when there was none */
extern char *ddb_policystore_delete(Oid relid, const char *stream_label);

/*
 * Identity policies, for functions that manage them.  None of these looks at
 * the current user's rights: their callers do, and they have checked name and
 * document.  Putting replaces a policy of that name.
 */
extern void ddb_policystore_put_role(Oid role, const char *policy_name, DdbText document);

/* false when there is no such key */
extern bool ddb_policystore_put_key(const char *access_key_id, const char *policy_name,
									DdbText document);

/* false when there is no such policy */
extern bool ddb_policystore_delete_role(Oid role, const char *policy_name);
extern bool ddb_policystore_delete_key(const char *access_key_id, const char *policy_name);

/* another key gets the policies of a key */
extern void ddb_policystore_copy_key(const char *from, const char *to);

/* an object of names and documents, in CurrentMemoryContext; NULL for none */
extern Jsonb *ddb_policystore_read_key(const char *access_key_id);

/*
 * ddb_policystore_sweep: delete the policies of roles that are gone, as
 * ddb_accesskey_sweep does for keys, and on the same conditions.
 * ddb_policystore_sweep_keys: those of keys that are gone, after a statement
 * that may have deleted some.
 */
extern void ddb_policystore_sweep(void);
extern void ddb_policystore_sweep_keys(void);

extern void ddb_policystore_init(void); /* register callbacks; from _PG_init */

#endif							/* DDB_POLICYSTORE_H */
