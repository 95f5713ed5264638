/*
 * op_access.h
 *	  What item operations tell of their requests before anything is read or
 *	  written: the second look (access.h).
 *
 * Each of these raises AccessDeniedException, and does nothing where no policy
 * asks for what is in requests.  Those for one item or one page are the last
 * look at the request; after the others the caller calls ddb_access_finish.
 */
#ifndef DDB_OP_ACCESS_H
#define DDB_OP_ACCESS_H

#include "access.h"
#include "op_partiql.h"
#include "op_read.h"
#include "op_transact.h"
#include "op_write.h"

/* GetItem; key in stored form */
extern void ddb_op_access_get(DdbDoc request, const DdbTable *table, const Jsonb *key,
							  const ExprBinding *projection);

/* PutItem, UpdateItem, DeleteItem */
extern void ddb_op_access_write(DdbDoc request, const DdbItemWrite *write);

/* Query and Scan, whose key conditions are checked */
extern void ddb_op_access_read(DdbDoc request, const DdbRead *read, const char *action);

/* one table of a batch: its keys, its items and keys */
extern void ddb_op_access_batch_get(DdbDoc request, const DdbTable *table, Jsonb *const *keys,
									int count, const ExprBinding *projection);
extern void ddb_op_access_batch_write(DdbDoc request, const DdbTable *table,
									  const DdbDoc *items, int count);

/* the elements of a transaction */
extern void ddb_op_access_transact_write(DdbDoc request, const DdbItemWrite *writes, int count);
extern void ddb_op_access_transact_get(DdbDoc request, const DdbItemRead *reads, int count);

/* ---- PartiQL (op_access_partiql.c) ---- */

/* the first look at a statement whose text is known */
extern void ddb_op_access_statement(const DdbStatementCall *call);

/* the second: of an item read by its key, of a write */
extern void ddb_op_access_point(const DdbStatementCall *call, const DdbPointRead *point);
extern void ddb_op_access_statement_write(const DdbStatementCall *call,
										  const DdbItemWrite *write);

/*
 * Of a SELECT, whose first look has been taken; partitions are the values of
 * the partition key, one for each of its attributes, then those of the next
 * partition; count 0 for a scan.
 */
extern void ddb_op_access_select(const DdbStatementCall *call, const DdbRead *read,
								 const DdbValue *partitions, int count);

#endif							/* DDB_OP_ACCESS_H */
