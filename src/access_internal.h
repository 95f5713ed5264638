/*
 * access_internal.h
 *	  What the files of access share: one look at a request, and the condition
 *	  keys that it has.
 */
#ifndef DDB_ACCESS_INTERNAL_H
#define DDB_ACCESS_INTERNAL_H

#include "access.h"
#include "policy.h"

/* lists of values that a look makes once, when they are first asked for */
typedef enum DdbLookList
{
	DDB_LOOK_LEADING,			/* four of them, by position in the partition key */
	DDB_LOOK_ATTRIBUTES = DDB_LOOK_LEADING + DDB_MAX_KEY_PARTS,
	DDB_LOOK_TAG_KEYS,
	DDB_LOOK_LISTS
} DdbLookList;

typedef struct DdbLook
{
	const char *action;			/* with prefix */
	DdbText		resource;
	Oid			role;
	const char *role_name;
	DdbText		principal;		/* ARN */
	const DdbFirstLook *first;	/* of the two, */
	const DdbAccess *access;	/* the one that it is */
	const DdbTable *table;		/* the resource is it, or part of it; NULL for
								 * none or an unknown one */

	/* made when asked for */
	bool		has_list[DDB_LOOK_LISTS];
	DdbContextValues lists[DDB_LOOK_LISTS];
	bool		has_tags;
	struct DdbTag *tags;
	int			ntags;
	DdbText		single;			/* value of a key that has one, being evaluated */

	bool		changeable;		/* a value was asked for that may be another at the
								 * next look at the same resource */

	/* of a simulation */
	List	   *missing;		/* char *: keys that had no value */
} DdbLook;

/* DdbPolicyRequest.lookup; arg is the look (access_keys.c) */
extern DdbContextState ddb_access_lookup(DdbText key, DdbContextValues *values, void *arg);

/* are the policies and claims of the caller's access key those of this role? */
extern bool ddb_access_caller_is(Oid role);

#endif							/* DDB_ACCESS_INTERNAL_H */
