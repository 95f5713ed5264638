/*
 * op_read_key.h
 *	  The key that Query and Scan read by, a table's or an index's: key
 *	  conditions and start keys checked against it, ranges made of them.
 */
#ifndef DDB_OP_READ_KEY_H
#define DDB_OP_READ_KEY_H

#include "expr_bind.h"
#include "scan.h"

typedef struct DdbReadKey
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table's own key */
	int			npartition;
	int			nattrs;			/* partition key attributes, then sort keys */
	DdbKeyAttr	attr[2 * DDB_MAX_KEY_PARTS];
} DdbReadKey;

/* what a Query says about the key */
typedef struct DdbKeyQuery
{
	DdbReadKey	key;
	int			nconditions;
	ExprKeyCondition *conditions;
	DdbDoc		start;			/* ExclusiveStartKey; ptr NULL if none */
} DdbKeyQuery;

extern void ddb_read_key_init(DdbReadKey *key, const DdbTable *table, const DdbIndex *index);

/* has it one partition key attribute and at most one sort key attribute? */
extern bool ddb_read_key_is_simple(const DdbReadKey *key);

/*
 * ddb_read_key_check_query: raises for a start key or conditions that do not
 * fit the key, element by element, then for a start key outside of the range
 * of the conditions.
 */
extern void ddb_read_key_check_query(const DdbKeyQuery *query);

/*
 * The range of a checked Query on a table, on an index.  start is where the
 * position of the start key is kept as long as the range is used.
 */
extern void ddb_read_key_table_range(const DdbKeyQuery *query, bool forward,
									 DdbPartitionRange *range);
extern void ddb_read_key_index_range(const DdbKeyQuery *query, bool forward,
									 DdbIndexRange *range, DdbIndexPosition *start);

/* a Scan's start key: its attributes and those of the key read by; then the others */
extern void ddb_read_key_check_scan_start(const DdbReadKey *key, DdbDoc start);
extern void ddb_read_key_check_scan_start_table(const DdbReadKey *key, DdbDoc start);

/* the place of a start key in an index; raises where it has none */
extern void ddb_read_key_index_position(const DdbReadKey *key, DdbDoc start,
										DdbIndexPosition *out);

/* raises when a path goes below a key attribute, the table's or the index's */
extern void ddb_read_key_check_paths(const DdbReadKey *key, const ExprBinding *binding);

/* raises when a Query's filter uses an attribute of the key read by */
extern void ddb_read_key_check_filter(const DdbReadKey *key, const ExprBinding *filter);

#endif							/* DDB_OP_READ_KEY_H */
