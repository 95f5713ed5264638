/*
 * op_index.h
 *	  What secondary indexes mean for the operations on items: index key
 *	  attributes in new items, capacity units of index writes, item collections.
 */
#ifndef DDB_OP_INDEX_H
#define DDB_OP_INDEX_H

#include "catalog.h"
#include "expr_bind.h"
#include "op_common.h"

/*
 * Raise ValidationException for an index key attribute of an item being put
 * that has another type than the index wants, is empty or too large.  Indexes
 * that are not active yet do not refuse.
 */
extern void ddb_op_check_index_keys(const DdbTable *table, DdbDoc item);

/*
 * The same for an update: first, before the item is looked at, for the values
 * that the request gives; then for the result of the update, whose texts
 * differ.  What the update does not touch is not judged, save in an item that
 * it creates (old_item.ptr NULL).  update may be NULL.
 */
extern void ddb_op_check_index_key_values(const DdbTable *table, const ExprBinding *update);
extern void ddb_op_check_updated_index_keys(const DdbTable *table, const ExprBinding *update,
											DdbDoc old_item, DdbDoc new_item);

/* raise when a path of the binding (NULL: none) goes below an index key attribute */
extern void ddb_op_check_index_key_paths(const DdbTable *table, const ExprBinding *binding);

/* is the item, with its projections in all local indexes, larger than items may be? */
extern bool ddb_op_exceeds_with_projections(const DdbTable *table, DdbDoc item);

/* write units of each index of a table, in the order of table->indexes */
typedef struct DdbIndexUnits
{
	double		total;
	double	   *units;			/* palloc'd, table->nindexes of them; NULL for none */
} DdbIndexUnits;

/* what a change from old to new costs (ptr NULL: not there) */
extern void ddb_op_index_units(const DdbTable *table, DdbDoc old_item, DdbDoc new_item,
							   DdbIndexUnits *out);

/* ConsumedCapacity with TOTAL and INDEXES shapes: table units plus index units */
extern void ddb_op_add_write_capacity(JsonbValue *response, DdbDoc request, const DdbTable *table,
									  double table_units, const DdbIndexUnits *indexes);

/*
 * ReturnItemCollectionMetrics: SIZE; nothing for tables without local indexes.
 * item: the item written, or its key attributes, of which key was made.
 */
extern void ddb_op_add_collection_metrics(JsonbValue *response, DdbDoc request,
										  const DdbTable *table, DdbDoc item,
										  const DdbKey *key);

/*
 * Has the key's item collection reached its limit?  Then what lets it grow is
 * to be refused by ddb_op_raise_collection_full, and the rest may go on.
 * Always false for tables without local indexes.
 */
extern bool ddb_op_collection_is_full(const DdbTable *table, const DdbKey *key);
extern void ddb_op_raise_collection_full(void) pg_attribute_noreturn();

/* bytes that an item takes of its collection: its own and those of its projections */
extern int64 ddb_op_collected_size(const DdbTable *table, DdbDoc item);

#endif							/* DDB_OP_INDEX_H */
