/*
 * expr_cache.h
 *	  What this backend has parsed, by text.
 */
#ifndef DDB_EXPR_CACHE_H
#define DDB_EXPR_CACHE_H

#include "expr.h"

/*
 * Which language a text is in: the kinds of expressions are spaces of their
 * own, and so are PartiQL statements.
 */
#define DDB_EXPR_CACHE_PARTIQL	(EXPR_UPDATE + 1)

/*
 * Makes the tree of a text, all of it in CurrentMemoryContext and independent
 * of the text's memory.  May raise.
 */
typedef void *(*ExprCacheParse) (int space, const char *text, int len);

/*
 * ddb_expr_cache_get: the tree of a text (len bytes), found or parsed.  It is
 * immutable and stays as long as both CurrentMemoryContext and the current
 * transaction.  Raises what parse raises, and then remembers nothing.
 */
extern const void *ddb_expr_cache_get(int space, const char *text, int len,
									  ExprCacheParse parse);

#endif							/* DDB_EXPR_CACHE_H */
