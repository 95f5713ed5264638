/*
 * op_stream.h
 *	  Enabling and disabling the stream of an item table, for CreateTable and
 *	  UpdateTable.
 */
#ifndef DDB_OP_STREAM_H
#define DDB_OP_STREAM_H

#include "itemtable.h"
#include "shape.h"
#include "streamlog.h"

/*
 * The caller owns the table, holds AccessExclusiveLock on it, and before any
 * write of its transaction has called ddb_streamdrain_prepare.
 */
extern DdbStream *ddb_op_enable_stream(const DdbTable *table, DdbViewType view);
extern void ddb_op_disable_stream(const DdbTable *table, DdbStream *stream);

/*
 * After ALTER TABLE, or a new partition: what is missing in partitions of what
 * enabling did is done, as the current user.  Does nothing without an enabled
 * stream.
 */
extern void ddb_op_follow_alter_stream(const DdbTable *table);

#endif							/* DDB_OP_STREAM_H */
