/*
 * expr_bind.h
 *	  Expressions of one request: names and values bound, statically checked.
 */
#ifndef DDB_EXPR_BIND_H
#define DDB_EXPR_BIND_H

#include "attrval.h"
#include "expr.h"

/* a program with a request's names and values in its slots */
typedef struct ExprBinding
{
	const ExprProgram *program;
	DdbText    *names;			/* by name_slot; stored form */
	DdbValue   *values;			/* by value_slot; stored form */
} ExprBinding;

/* the substitution maps of a request and what has been used of them */
typedef struct ExprRequest
{
	DdbDoc		names;			/* ExpressionAttributeNames; ptr NULL if absent */
	DdbDoc		values;			/* ExpressionAttributeValues, in stored form */
	bool	   *name_used;		/* by pair index */
	bool	   *value_used;
} ExprRequest;

/*
 * ddb_expr_context_init: check the form of both maps, names first, and
 * bring the values into stored form.  Absent maps: ptr NULL.
 */
extern void ddb_expr_context_init(ExprRequest *context, DdbDoc names, DdbDoc values);

/*
 * ddb_expr_prepare: parse (or find in the backend's cache), bind and check
 * one expression.  The result lives in CurrentMemoryContext, until the
 * transaction ends at most.  NULL-free: callers ask only for expressions that
 * are present.
 */
extern ExprBinding *ddb_expr_prepare(ExprRequest *context, ExprKind kind,
									 const char *text, int len);

/*
 * ddb_expr_check: the static checks that need the request's names and values
 * (expr_check.c); ddb_expr_prepare calls it.  In the binding's slots an
 * undefined name has a NULL str, an undefined value a NULL whole.ptr.
 */
extern void ddb_expr_check(const ExprBinding *binding);

/* raise for names, then values, that no expression of the request used */
extern void ddb_expr_context_finish(ExprRequest *context);

/* name of a step: literal or alias */
static inline DdbText
ddb_expr_step_name(const ExprBinding *binding, const ExprStep *step)
{
	DdbText		name;

	if (step->name_slot >= 0)
		return binding->names[step->name_slot];
	name.str = step->name;
	name.len = step->name_len;
	return name;
}

/*
 * Key conditions (expr_key.c): a bound KeyConditionExpression as a list of
 * simple conditions, one per key.  Raises what can be found
 * wrong before the table is looked up.
 */
typedef enum ExprKeyOp
{
	EXPR_KEY_EQ,
	EXPR_KEY_LT,
	EXPR_KEY_LE,
	EXPR_KEY_GT,
	EXPR_KEY_GE,
	EXPR_KEY_BETWEEN,
	EXPR_KEY_BEGINS_WITH,
	EXPR_KEY_NOT_INDEXABLE		/* of KeyConditions only: one that no key can
								 * be read by */
} ExprKeyOp;

typedef struct ExprKeyCondition
{
	DdbText		name;			/* attribute */
	ExprKeyOp	op;
	DdbValue	values[2];		/* second one for BETWEEN */
} ExprKeyCondition;

/* palloc'd array; *count is at least 1.  Order as written. */
extern ExprKeyCondition *ddb_expr_key_conditions(const ExprBinding *binding, int *count);

/*
 * ddb_expr_uses_attribute: does any path of a condition or projection, or any
 * target of an update, begin with this top-level attribute?  nested_only:
 * only paths that go below it.  (What the right sides of an update read is
 * not asked: they may name keys.)
 */
extern bool ddb_expr_uses_attribute(const ExprBinding *binding, DdbText name, bool nested_only);

#endif							/* DDB_EXPR_BIND_H */
