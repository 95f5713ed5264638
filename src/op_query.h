/*
 * op_query.h
 *	  Query and Scan as cursors, for set-returning functions.
 */
#ifndef DDB_OP_QUERY_H
#define DDB_OP_QUERY_H

#include "shape.h"

/*
 * A Query (is_query) or Scan request whose shape has been checked, read to
 * its end without pages: Limit and ExclusiveStartKey are not looked at.  Of an
 * index come the attributes that it holds.
 * Everything lives in CurrentMemoryContext, which must outlive the cursor.
 */
typedef struct DdbItemCursor DdbItemCursor;

extern DdbItemCursor *ddb_item_cursor_open(DdbDoc request, bool is_query);

/* up to max further items, projected; 0 at the end */
extern int	ddb_item_cursor_fetch(DdbItemCursor *cursor, int max, Jsonb **items);
extern void ddb_item_cursor_close(DdbItemCursor *cursor);

#endif							/* DDB_OP_QUERY_H */
