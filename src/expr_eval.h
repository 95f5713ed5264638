/*
 * expr_eval.h
 *	  Bound expressions at work: conditions, projections, updates.
 *
 * expr_eval.c evaluates conditions, expr_path.c reads and projects document
 * paths, expr_update.c applies updates.  Items are documents in stored form;
 * an absent item is a DdbDoc whose ptr is NULL.
 */
#ifndef DDB_EXPR_EVAL_H
#define DDB_EXPR_EVAL_H

#include "expr_bind.h"

/* value at path; false when any step is missing or of the wrong type */
extern bool ddb_path_get(const ExprBinding *binding, const ExprPath *path,
						 DdbDoc item, DdbValue *out);

/*
 * The parts of item that the paths select, nested as in the item, lists
 * compacted in index order.  Never NULL: {} when nothing
 * matches.  In CurrentMemoryContext.
 */
extern Jsonb *ddb_path_project(const ExprBinding *binding, const ExprPath *paths,
							   int npaths, DdbDoc item);

/*
 * The order of steps and of paths (step by step, a prefix first): names as
 * jsonb orders its keys, then indexes by number.  Paths with a common prefix
 * are neighbours in it.
 */
extern int	ddb_path_step_compare(const ExprBinding *binding, const ExprStep *a, const ExprStep *b);
extern int	ddb_path_compare(const ExprBinding *binding, const ExprPath *a, const ExprPath *b);

/* payload under its type tag: the one-pair object of an attribute value */
extern void ddb_path_wrap(JsonbValue *out, DdbType type, const JsonbValue *payload);

/* condition, filter: true or false, no errors */
extern bool ddb_expr_matches(const ExprBinding *binding, DdbDoc item);

/* a projection expression applied */
extern Jsonb *ddb_expr_project(const ExprBinding *binding, DdbDoc item);

/*
 * ddb_expr_update: the item after the update, in CurrentMemoryContext.
 * item: the stored one, or ptr NULL when absent; then key (an object of the
 * key attributes, stored form) is what the new item starts from, and NULL is
 * returned where the update creates nothing (only REMOVE or DELETE actions).
 * Raises the errors that only the item shows (operand types, paths that lead
 * nowhere) and nesting errors; the size of the result is the caller's to check.
 */
extern Jsonb *ddb_expr_update(const ExprBinding *binding, DdbDoc item, DdbDoc key);

/*
 * The parts of item named by the targets of an update, as UPDATED_OLD and
 * UPDATED_NEW return them; NULL when there are none.
 */
extern Jsonb *ddb_expr_updated_attributes(const ExprBinding *binding, DdbDoc item);

#endif							/* DDB_EXPR_EVAL_H */
