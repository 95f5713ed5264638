/*
 * streamdef.h
 *	  Which relations have streams, as it was when a change was made.
 *
 * The output plugin reads the log long after the fact: tables may have been
 * altered, renamed or dropped since, streams disabled.  What holds for a change
 * is what the catalog said then, and that is all this shows.
 */
#ifndef DDB_STREAMDEF_H
#define DDB_STREAMDEF_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "attrval.h"

/* attributes that identify an entry of an index: its keys and the table's */
#define DDB_STREAM_MAX_KEYS		10

/* the stream that changes of a relation belong to */
typedef struct DdbStreamDef
{
	pg_uuid_t	id;
	char	   *table_name;
	char	   *index_name;		/* of an index table's changes; else NULL */
	char	   *arn;			/* of the stream; with the index's name for an index table */
	const char *view_type;		/* StreamViewType */
	bool		new_image;
	bool		old_image;
	int			nkeys;			/* of Keys, the partition key first */
	DdbText		key[DDB_STREAM_MAX_KEYS];
	AttrNumber	item;			/* column of the relation that the change is in */
	bool		selected;		/* is the table one of those asked for? */
} DdbStreamDef;

typedef struct DdbStreamDefs DdbStreamDefs;

/*
 * ddb_streamdef_create: definitions are kept in a child of CurrentMemoryContext
 * as long as the catalog stays the same.  tables: names (char *) of the tables
 * asked for, NIL for all; not copied.  indexes: are changes of index tables asked
 * for?
 */
extern DdbStreamDefs *ddb_streamdef_create(List *tables, bool indexes);

/*
 * ddb_streamdef_of_relation: the stream of an item table, of a partition of
 * one, or of an index table, under the historic snapshot that is active; NULL
 * for none.  Valid until the next call.
 */
extern const DdbStreamDef *ddb_streamdef_of_relation(DdbStreamDefs *defs, Relation relation);

/*
 * ddb_streamdef_epoch: the epoch that holds at the commit of a transaction,
 * given the historic snapshot after that commit.
 */
extern int32 ddb_streamdef_epoch(DdbStreamDefs *defs, Snapshot commit);

/* is there no enabled stream of that id after the commit? */
extern bool ddb_streamdef_is_over(const pg_uuid_t *id, Snapshot commit);

#endif							/* DDB_STREAMDEF_H */
