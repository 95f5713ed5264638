/*
 * policy.h
 *	  Policy documents of IAM: parsed, checked, compiled, evaluated.
 *
 * A document is text in IAM's policy grammar (Version 2012-10-17 or
 * 2008-10-17).  Evaluation is a function of compiled policies and a request;
 * nothing here knows where policies are stored, who asks, or what a table is.
 *
 * The values of condition keys may be unknown when a request is first looked
 * at, before it is parsed; then the answer is what can be said already.
 */
#ifndef DDB_POLICY_H
#define DDB_POLICY_H

#include "jsondoc.h"

#define DDB_POLICY_MAX_SIZE		20480	/* bytes of a document, blanks included */

typedef enum DdbPolicyKind
{
	DDB_POLICY_IDENTITY,		/* without Principal */
	DDB_POLICY_RESOURCE			/* with Principal or NotPrincipal */
} DdbPolicyKind;

typedef struct DdbPolicy DdbPolicy;

/*
 * ddb_policy_compile: a document, compiled, in CurrentMemoryContext (which the
 * policy keeps nothing outside of).  NULL when it is not a valid policy; then
 * *problem says why, in words for a ValidationException.  Bounded in depth,
 * size and time whatever the document is.
 */
extern DdbPolicy *ddb_policy_compile(DdbText document, DdbPolicyKind kind, char **problem);

/* the values of a condition key in a request */
typedef enum DdbContextState
{
	DDB_CONTEXT_ABSENT,
	DDB_CONTEXT_PRESENT,
	DDB_CONTEXT_UNKNOWN			/* not yet */
} DdbContextState;

typedef struct DdbContextValues
{
	int			count;
	const DdbText *values;		/* valid until the evaluation ends */
} DdbContextValues;

typedef struct DdbPolicyRequest
{
	const char *action;			/* with prefix, e.g. "dynamodb:GetItem" */
	DdbText		resource;		/* an ARN, or "*" */
	DdbText		principal;		/* ARN of who asks */
	DdbText		account;		/* of the principal */

	/* key without regard to case, as sent or as in IAM, e.g. "dynamodb:LeadingKeys" */
	DdbContextState (*lookup) (DdbText key, DdbContextValues *values, void *arg);
	void	   *arg;
} DdbPolicyRequest;

/*
 * What the policies evaluated so far say.  Zero it first.  A statement applies,
 * or may apply when values that are unknown are known.
 */
typedef struct DdbPolicyVerdict
{
	bool		denied;			/* a Deny applies */
	bool		may_be_denied;
	bool		allowed;		/* an Allow applies */
	bool		may_be_allowed;
	int			nstatements;	/* of the policies so far */
	uint64		pending;		/* by bit, which of the first 64 of them may apply */
} DdbPolicyVerdict;

extern void ddb_policy_evaluate(const DdbPolicy *policy, const DdbPolicyRequest *request,
								DdbPolicyVerdict *verdict);

/* what a policy is called where statements are listed */
typedef struct DdbPolicySource
{
	const char *id;
	const char *type;
} DdbPolicySource;

#define DDB_POLICY_MAX_PENDING	64	/* statements that a verdict tells apart */

/*
 * The same of a request that has been evaluated before, while some of its
 * values were unknown: policies are given in the same order, and of their
 * statements only those are asked that were pending then.
 */
extern void ddb_policy_evaluate_pending(const DdbPolicy *policy,
										const DdbPolicyRequest *request,
										uint64 pending, DdbPolicyVerdict *verdict);

/*
 * For who wants to know why: the statements of one effect that apply, leaving
 * aside those that may, in order, appended to a list.  Each is an object of
 * SourcePolicyId, SourcePolicyType, Statement (its number in the document, from
 * 1) and, if it has one, Sid.
 */
extern void ddb_policy_list_applying(const DdbPolicy *policy, const DdbPolicyRequest *request,
									 bool allow, const DdbPolicySource *source,
									 JsonbValue *list);

/*
 * Does any statement of the policy look at a condition key that begins so, or
 * use it as a variable?  For callers to whom values are dear.
 */
extern bool ddb_policy_uses_key(const DdbPolicy *policy, const char *prefix);

#endif							/* DDB_POLICY_H */
