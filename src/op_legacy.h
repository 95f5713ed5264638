/*
 * op_legacy.h
 *	  The legacy parameters: conditions and updates written as maps, compiled
 *	  into the trees of the expression language.
 *
 * All return NULL where the parameter is absent or empty, and raise
 * ValidationException in the service's order.  Bindings live in
 * CurrentMemoryContext.
 */
#ifndef DDB_OP_LEGACY_H
#define DDB_OP_LEGACY_H

#include "expr_bind.h"
#include "shape.h"

/* Expected and ConditionalOperator, as a condition */
extern ExprBinding *ddb_legacy_expected(DdbDoc request);

/* QueryFilter or ScanFilter (the parameter's name) and ConditionalOperator, as a filter */
extern ExprBinding *ddb_legacy_filter(DdbDoc request, const char *parameter);

/* AttributeUpdates, as an update */
extern ExprBinding *ddb_legacy_updates(DdbDoc request);

/* AttributesToGet, as a projection */
extern ExprBinding *ddb_legacy_projection(DdbDoc request);

/* KeyConditions, as the list that ddb_expr_key_conditions makes of an expression */
extern ExprKeyCondition *ddb_legacy_key_conditions(DdbDoc request, int *count);

#endif							/* DDB_OP_LEGACY_H */
