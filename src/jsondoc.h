/*
 * jsondoc.h
 *	  jsonb documents read and assembled without taking them apart.
 *
 * Reading: a JsonbContainer is searched in place.  Building: a tree of
 * JsonbValue whose leaves may be jbvBinary (finished containers), which are
 * copied as bytes.  The server's own builder unpacks such leaves and builds
 * them again, value by value; this one does not, and that is its reason.
 */
#ifndef DDB_JSONDOC_H
#define DDB_JSONDOC_H

#include "utils/jsonb.h"

/* a piece of text inside somebody's jsonb; not NUL-terminated */
typedef struct DdbText
{
	const char *str;
	int			len;			/* in bytes */
} DdbText;

static inline bool
ddb_text_same(DdbText a, DdbText b)
{
	return a.len == b.len && memcmp(a.str, b.str, a.len) == 0;
}

static inline bool
ddb_text_is(DdbText text, const char *str)
{
	return text.len == strlen(str) && memcmp(text.str, str, text.len) == 0;
}

/* letters of ASCII are compared without regard to case */
extern bool ddb_text_same_nocase(DdbText a, DdbText b);

/* does text begin with prefix?  Then it is cut off. */
static inline bool
ddb_text_skip(DdbText *text, const char *prefix)
{
	int			len = strlen(prefix);

	if (text->len < len || memcmp(text->str, prefix, len) != 0)
		return false;
	text->str += len;
	text->len -= len;
	return true;
}

/* a container inside somebody's jsonb; ptr is NULL where there is none */
typedef struct DdbDoc
{
	JsonbContainer *ptr;
	int			len;			/* in bytes, header included */
} DdbDoc;

/* ---- reading ---- */

/* the root of a jsonb datum (a scalar root is an array with JB_FSCALAR) */
extern DdbDoc ddb_doc_root(const Jsonb *jb);

/* a datum of its own, in CurrentMemoryContext, of what doc contains */
extern Jsonb *ddb_doc_copy(DdbDoc doc);

/* number of pairs or elements */
#define ddb_doc_count(doc)	((int) JsonContainerSize((doc).ptr))
#define ddb_doc_is_object(doc) JsonContainerIsObject((doc).ptr)
#define ddb_doc_is_array(doc) (JsonContainerIsArray((doc).ptr) && !JsonContainerIsScalar((doc).ptr))

/*
 * ddb_doc_get: the value of member name; false when absent.  *out points
 * into doc; containers come as jbvBinary.  JSON null is returned as jbvNull.
 */
extern bool ddb_doc_get(DdbDoc doc, const char *name, int name_len, JsonbValue *out);

/* the i-th element of an array (0-based); false beyond the end */
extern bool ddb_doc_element(DdbDoc doc, int i, JsonbValue *out);

/* the i-th pair of an object (0-based, in jsonb's order) */
extern void ddb_doc_pair(DdbDoc doc, int i, DdbText *name, JsonbValue *out);

/*
 * A cursor over all pairs or elements in order, O(1) a step.
 *		ddb_doc_begin(&c, doc);
 *		while (ddb_doc_next(&c, &name, &value)) ...
 * For arrays name is set to {NULL, 0}.
 */
typedef struct DdbDocCursor
{
	JsonbContainer *container;
	int			count;			/* of pairs or elements */
	int			index;			/* of the next one */
	uint32		key_offset;		/* of the next key, in the data area */
	uint32		value_offset;	/* of the next value, in the data area */
} DdbDocCursor;

extern void ddb_doc_begin(DdbDocCursor *cursor, DdbDoc doc);
extern bool ddb_doc_next(DdbDocCursor *cursor, DdbText *name, JsonbValue *value);

static inline DdbDoc
ddb_doc_of(const JsonbValue *value)
{
	DdbDoc		doc = {NULL, 0};

	if (value->type == jbvBinary)
	{
		doc.ptr = value->val.binary.data;
		doc.len = value->val.binary.len;
	}
	return doc;
}

/* ---- building: all memory from CurrentMemoryContext ---- */

extern void ddb_json_string(JsonbValue *out, const char *str, int len);
extern void ddb_json_int(JsonbValue *out, int64 value);
extern void ddb_json_double(JsonbValue *out, double value); /* shortest text that round-trips */
extern void ddb_json_bool(JsonbValue *out, bool value);
extern void ddb_json_doc(JsonbValue *out, DdbDoc doc);	/* jbvBinary leaf */
extern void ddb_json_jsonb(JsonbValue *out, const Jsonb *jb);	/* jbvBinary leaf */

extern void ddb_json_object(JsonbValue *out, int expected);
extern void ddb_json_array(JsonbValue *out, int expected);

/* value is copied shallowly; name must outlive the tree; later duplicates win */
extern void ddb_json_add(JsonbValue *object, const char *name, int name_len, const JsonbValue *value);
extern void ddb_json_append(JsonbValue *array, const JsonbValue *value);

/* convenience for fixed names */
extern void ddb_json_add_string(JsonbValue *object, const char *name, const char *value);
extern void ddb_json_add_int(JsonbValue *object, const char *name, int64 value);
extern void ddb_json_add_double(JsonbValue *object, const char *name, double value);
extern void ddb_json_add_bool(JsonbValue *object, const char *name, bool value);
extern void ddb_json_add_value(JsonbValue *object, const char *name, const JsonbValue *value);

/*
 * ddb_json_encode: the tree as a jsonb datum in CurrentMemoryContext.
 * Raises the server's program_limit_exceeded where jsonb's own size limits
 * are passed.
 */
extern Jsonb *ddb_json_encode(const JsonbValue *tree);

#endif							/* DDB_JSONDOC_H */
