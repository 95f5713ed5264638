/*
 * shape.h
 *	  Request shapes: what members an operation has, of which type, under
 *	  which constraints; and the errors for requests that differ.
 *
 * Shapes are tables of constants (shapes.c), checked by one walker (shape.c)
 * for all operations alike: first every type, in model order, then every
 * constraint, collected.
 */
#ifndef DDB_SHAPE_H
#define DDB_SHAPE_H

#include "jsondoc.h"

typedef enum DdbShapeKind
{
	DDB_SHAPE_STRING,
	DDB_SHAPE_BOOLEAN,
	DDB_SHAPE_INTEGER,
	DDB_SHAPE_LONG,
	DDB_SHAPE_DOUBLE,
	DDB_SHAPE_TIMESTAMP,
	DDB_SHAPE_LIST,
	DDB_SHAPE_MAP,
	DDB_SHAPE_STRUCTURE,
	DDB_SHAPE_BLOB,				/* base64 text, strictly */
	DDB_SHAPE_ATTRIBUTE_VALUE	/* a structure, recursive, checked by its own walker */
} DdbShapeKind;

#define DDB_SHAPE_UNBOUNDED		PG_INT64_MAX

typedef struct DdbMember DdbMember;

typedef struct DdbShape
{
	DdbShapeKind kind;
	const char *name;			/* Java class part of type errors, e.g. "KeySchemaElement" */
	int64		min;			/* length or value, inclusive; see has_min */
	int64		max;
	bool		has_min;
	bool		has_max;
	const char *pattern;		/* as printed; NULL if none */
	int64		arn_max;		/* names only, else 0: strings that begin with
								 * "arn:" have this limit in place of max and
								 * pattern */
	const char *const *values;	/* enum in the order printed, NULL-terminated */
	const struct DdbShape *element; /* of LIST and of MAP values */
	const struct DdbShape *map_key; /* constraints of MAP keys; NULL if none */
	const DdbMember *members;	/* of STRUCTURE, in model order; ended by name NULL */
} DdbShape;

struct DdbMember
{
	const char *name;			/* as in the request */
	const DdbShape *shape;
	bool		required;
	const char *unless;			/* required only in absence of this sibling;
								 * NULL for always */
	bool		bare;			/* min and max are reported without the value,
								 * with the request's spelling as path */
};

/*
 * ddb_shape_check: raise SerializationException for the first type error,
 * else ValidationException for all constraint violations (at most ten), else
 * return.  request must be the root object of the request; table_name_rule
 * says whether the table name is checked first and separately, as control
 * plane operations do.
 */
typedef enum DdbTableNameRule
{
	DDB_TABLE_NAME_ORDINARY,	/* collected with the others */
	DDB_TABLE_NAME_CREATE,		/* CreateTable's separate texts */
	DDB_TABLE_NAME_CONTROL		/* the other control plane operations' texts */
} DdbTableNameRule;

extern void ddb_shape_check(const DdbShape *shape, DdbDoc request,
							DdbTableNameRule table_name_rule);

/* ---- typed access to a checked request (request.c) ----
 *
 * The shape check has passed, so types are right; JSON null counts as absent.
 * All return false (or a doc whose ptr is NULL, or the default) when absent.
 */
extern bool ddb_request_string(DdbDoc object, const char *name, DdbText *out);
extern bool ddb_request_int(DdbDoc object, const char *name, int64 *out);	/* fractions floored */
extern bool ddb_request_bool(DdbDoc object, const char *name, bool *out);	/* "yes", "1" ... coerced */
extern DdbDoc ddb_request_doc(DdbDoc object, const char *name);	/* object or array */
extern bool ddb_request_has(DdbDoc object, const char *name);	/* present and not null */

/* single values: a number floored, kept within int64; words as booleans */
extern int64 ddb_request_integer(const JsonbValue *number);
extern bool ddb_request_boolean(const JsonbValue *value, bool *out);

/* string member as an index into values (NULL-terminated); otherwise dflt */
extern int	ddb_request_enum(DdbDoc object, const char *name,
							 const char *const *values, int dflt);

#endif							/* DDB_SHAPE_H */
