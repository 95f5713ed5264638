/*
 * access.h
 *	  May the caller do this?  Requests against identity policies and resource
 *	  policies, as IAM evaluates them.
 *
 * Policies narrow what privileges allow and never widen it: the server's own
 * checks come as well.  A caller with no identity policy is allowed what no
 * policy denies; one with identity policies only what one of them, or the
 * resource's, allows.
 *
 * A request is looked at twice: by action and resource before anything else is
 * said about it, and once it is parsed, with the values of its condition keys.
 */
#ifndef DDB_ACCESS_H
#define DDB_ACCESS_H

#include "catalog.h"
#include "datatype/timestamp.h"
#include "expr_bind.h"

#define DDB_ACCESS_BINDINGS	5

/*
 * One use of one resource; zero it, then fill in what the request has.  What
 * has no value in it is not in the request.
 */
typedef struct DdbAccess
{
	const char *action;			/* e.g. "PutItem" */
	const char *enclosing;		/* dynamodb:EnclosingOperation; NULL for none */
	const DdbTable *table;
	const DdbIndex *index;		/* the resource is this index of the table */

	/* dynamodb:LeadingKeys and dynamodb:Attributes */
	int			nitems;			/* documents of items or keys; one, or an array */
	const DdbDoc *items;
	int			nleading;		/* partition key values that are in no document */
	const DdbValue *leading;
	const ExprBinding *bindings[DDB_ACCESS_BINDINGS];	/* NULL for none */
	int			nattributes;	/* further names of attributes */
	const DdbText *attributes;

	const char *select;			/* dynamodb:Select */
	const char *return_values;	/* dynamodb:ReturnValues */
	DdbDoc		request;		/* has ReturnConsumedCapacity, or not */
	bool		is_partiql_select;	/* then there is dynamodb:FullTableScan */
	bool		full_table_scan;
} DdbAccess;

/* is any policy stored at all?  If not, nothing need be looked at. */
extern bool ddb_access_is_active(void);

/*
 * Is there a policy that asks for what is in requests?  If not, the first look
 * has decided, and nothing need be filled in.
 */
extern bool ddb_access_is_restricted(const DdbTable *table);

/* raises AccessDeniedException unless the use is allowed */
extern void ddb_access_check(const DdbAccess *access);

/*
 * The first look, at a request that nobody has checked yet.  Its tags, if it
 * brings any, are condition keys as well.
 */
typedef struct DdbFirstLook
{
	const char *action;
	bool		whole;			/* no second look: what is not in the request is absent */
	DdbDoc		tags;			/* list of tags; ptr NULL for none */
	DdbDoc		tag_keys;		/* list of names of tags; ptr NULL for none */
} DdbFirstLook;

/*
 * ddb_access_check_action: arn is of the resource, or "*".  Raises when no
 * values of condition keys that are yet to come could make it allowed.  Cheap
 * where no policy is stored.
 */
extern void ddb_access_check_action(const DdbFirstLook *look, DdbText arn);

/* the same for a table, or index of it, by its name as sent, a name or an ARN */
extern void ddb_access_check_table(const DdbFirstLook *look, DdbText table_name,
								   DdbText index_name);

struct DdbPolicy;

/*
 * Would a policy, if it were in force, deny the caller an action that has no
 * content, as it is called now?
 */
extern bool ddb_access_is_denied_by(const struct DdbPolicy *policy, const char *action,
									DdbText arn);

/*
 * Who calls, beyond the current role; the doors set it.  A call over SQL has
 * none of the first three.
 */
typedef struct DdbCaller
{
	Oid			role;			/* the access key's; its policies hold for this role */
	const char *access_key_id;	/* NULL for none */
	const Jsonb *claims;		/* of a session token: condition keys and their values;
								 * NULL for none */
	const char *source_ip;		/* NULL for a local socket */
	const char *user_agent;		/* NULL for none */
	TimestampTz token_issued;	/* of a session token; 0 for none */
	bool		is_service;		/* the server itself, for which no policy holds */
	bool		over_http;		/* otherwise the session's connection tells the
								 * rest */
	bool		secure_transport;
} DdbCaller;

extern DdbCaller ddb_access_caller;

/*
 * A simulation: requests are looked at and not carried out.  Each look is noted
 * and raises nothing.
 */
typedef enum DdbDecision
{
	DDB_ALLOWED,
	DDB_DENIED_IMPLICITLY,
	DDB_DENIED_BY_IDENTITY,		/* by a Deny of an identity policy */
	DDB_DENIED_BY_RESOURCE
} DdbDecision;

typedef struct DdbLookNote
{
	const char *action;			/* with prefix */
	const char *resource;
	DdbDecision decision;
	bool		first;			/* only the first look; more may be said by the second */
	Jsonb	   *statements;		/* list of those that decided */
	List	   *missing;		/* char *: condition keys without values */
} DdbLookNote;

typedef struct DdbSimulation
{
	MemoryContext context;		/* owns the notes */
	DdbDoc		overrides;		/* condition keys and their values; ptr NULL for none */
	List	   *notes;			/* of DdbLookNote */
} DdbSimulation;

extern DdbSimulation *ddb_access_simulation;	/* NULL: none */

#define ERRCODE_DDB_SIMULATED	MAKE_SQLSTATE('D', 'Y', 'Z', '0', '1')

extern void ddb_access_leave(void) pg_attribute_noreturn();

/*
 * All looks at a request have been taken, and nothing else has been done: here
 * a simulation ends, by an error of its own.
 */
static inline void
ddb_access_finish(void)
{
	if (ddb_access_simulation != NULL)
		ddb_access_leave();
}

#endif							/* DDB_ACCESS_H */
