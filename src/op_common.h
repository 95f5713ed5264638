/*
 * op_common.h
 *	  What the item operations share: mixing rules, expressions of a request,
 *	  capacity units.
 */
#ifndef DDB_OP_COMMON_H
#define DDB_OP_COMMON_H

#include "catalog.h"
#include "expr_bind.h"
#include "shape.h"

#define DDB_WRITE_UNIT_BYTES	1024

/* the parameters of an operation that the mixing rule names, in its order */
typedef struct DdbParameterSets
{
	const char *const *legacy;	/* NULL-terminated */
	const char *const *expression;	/* NULL-terminated */
	const char *needs_values;	/* end of the text "ExpressionAttributeValues can
								 * only be specified when using expressions: ..." */
	const char *const *value_expressions;	/* those that may take values */
} DdbParameterSets;

/*
 * ddb_op_check_mixing: raises when legacy and expression parameters are mixed,
 * empty ones included; then for names or values without an expression that
 * could use them.
 */
extern void ddb_op_check_mixing(DdbDoc request, const DdbParameterSets *sets);

/* names and values of the request, checked */
extern void ddb_op_expressions(DdbDoc request, ExprRequest *context);

/* one expression parameter, NULL when absent; empty text raises */
extern ExprBinding *ddb_op_expression(DdbDoc request, ExprRequest *context,
									  ExprKind kind, const char *parameter);

/* raises when a path of the binding goes below a key attribute */
extern void ddb_op_check_key_paths(const ExprBinding *binding, const DdbKeySchema *keys);

/* TableName as sent */
extern DdbText ddb_op_table_name(DdbDoc request);

/* the item table of a data plane request, locked; see ddb_catalog_open */
extern const DdbTable *ddb_op_open(DdbDoc request, LOCKMODE lockmode, AclMode acl,
								   const char *action);

/* ---- capacity units ---- */

typedef enum DdbCapacityDetail
{
	DDB_CAPACITY_NONE,
	DDB_CAPACITY_TOTAL,
	DDB_CAPACITY_INDEXES
} DdbCapacityDetail;

extern DdbCapacityDetail ddb_op_capacity_detail(DdbDoc request);

/*
 * What reading bytes, or an item, or writing an item costs; ptr is NULL for an
 * item that does not exist.  Whoever reads or writes also adds it to
 * ddb_op_consumed, whether the response tells it or not.
 */
extern double ddb_read_units(int64 bytes, bool consistent);
extern double ddb_item_read_units(DdbDoc item, bool consistent);
extern double ddb_item_write_units(DdbDoc item);

/*
 * One ConsumedCapacity, for the arrays of requests that name several tables:
 * of the table called table_name, as sent; index_units as below.  detail is
 * not NONE.
 */
extern void ddb_op_capacity(JsonbValue *capacity, DdbCapacityDetail detail, DdbText table_name,
							const DdbTable *table, double table_units,
							const double *index_units);

/* adds ConsumedCapacity to response, unless detail is NONE */
extern void ddb_op_add_capacity(JsonbValue *response, DdbDoc request, double units);

/*
 * The same for requests that reach indexes: index_units are in the order of
 * table->indexes, 0 for an index that was not touched; NULL for none at all.
 */
extern void ddb_op_add_index_capacity(JsonbValue *response, DdbDoc request,
									  const DdbTable *table, double table_units,
									  const double *index_units);

#endif							/* DDB_OP_COMMON_H */
