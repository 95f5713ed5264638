/*
 * indexbuild.h
 *	  Filling an index that was added to a table with items, online.
 *
 * A background worker per build.  Writers keep the index from its creation on;
 * the worker adds the entries of older items in batches, and then makes the
 * index active.
 */
#ifndef DDB_INDEXBUILD_H
#define DDB_INDEXBUILD_H

#include "catalog.h"

/* once this transaction commits, start a worker for the index */
extern void ddb_index_build_at_commit(Oid index_relid);

/*
 * Start workers for the builds of this database that have none (after a crash
 * or a restart, or when there was no free worker).  Needs a transaction;
 * returns how many were started.
 */
extern int	ddb_index_build_resume(void);

#endif							/* DDB_INDEXBUILD_H */
