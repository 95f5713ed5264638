/*
 * wire.h
 *	  The door between JSON text and jsonb, in both directions.
 *
 * Inside, U+0000 is escaped (attrval.h); outside it is an ordinary \u0000.
 * wire.c is the only file that includes jansson.h.
 */
#ifndef DDB_WIRE_H
#define DDB_WIRE_H

#include "jsondoc.h"
#include "lib/stringinfo.h"

#define DDB_WIRE_MAX_DEPTH	512		/* nested arrays and objects of a text */

/*
 * ddb_wire_parse: JSON text (UTF-8, not NUL-terminated) to jsonb in stored
 * form, in CurrentMemoryContext.  Anything that is not one JSON document
 * raises SerializationException without a message, with jansson's diagnosis
 * (line, column, reason) as the error's context.
 */
extern Jsonb *ddb_wire_parse(const char *text, int len);

/*
 * ddb_wire_is_json: would ddb_wire_parse accept this text?  Builds nothing, so
 * that a text can be refused before it is known who sent it.  Never raises for
 * what is wrong with the text.
 */
extern bool ddb_wire_is_json(const char *text, int len);

/* ddb_wire_print: append a document's JSON text, escapes undone */
extern void ddb_wire_print(StringInfo out, DdbDoc doc);

/* the same for a tree that has not been encoded, members in the tree's order */
extern void ddb_wire_print_tree(StringInfo out, const JsonbValue *tree);

#endif							/* DDB_WIRE_H */
