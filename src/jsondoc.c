/*
 * jsondoc.c
 *	  jsonb documents read in place and assembled from finished pieces.
 *
 * Reading works on the stored form itself.  A container is
 *
 *		header | JEntry of each child | data of each child
 *
 * where an object has its keys first and then its values, and where every
 * JB_OFFSET_STRIDE-th JEntry holds the end offset of its child and the others
 * the length.  Containers and numerics are aligned to four bytes within the
 * data; the padding counts as part of the child it precedes.
 *
 * Writing takes two passes over the tree: the first puts objects in order and
 * adds up an upper bound of the size, the second fills one allocation.  The
 * result is byte for byte what the server's own builder makes of the same
 * document.  Growing objects and arrays keep their capacity in one hidden
 * slot before the first pair or element.
 *
 * Nothing here knows attribute values.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "jsondoc.h"

#define MAX_ELEMS	Min(MaxAllocSize / sizeof(JsonbValue) - 1, JB_CMASK)
#define MAX_PAIRS	Min(MaxAllocSize / sizeof(JsonbPair) - 1, JB_CMASK)

/* objects up to this many pairs are searched from the front */
#define LINEAR_SEARCH_MAX	48

/* objects up to this many pairs are sorted by insertion */
#define INSERTION_SORT_MAX	16

/* integers below this are exact in a double */
#define EXACT_DOUBLE_LIMIT	9007199254740992.0

/* ---- texts ---- */

bool
ddb_text_same_nocase(DdbText a, DdbText b)
{
	int			i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
	{
		if (pg_ascii_tolower((unsigned char) a.str[i]) !=
			pg_ascii_tolower((unsigned char) b.str[i]))
			return false;
	}
	return true;
}

/* ---- reading ---- */

static inline int
children_of(const JsonbContainer *container)
{
	int			count = (int) JsonContainerSize(container);

	return JsonContainerIsObject(container) ? 2 * count : count;
}

static inline char *
data_area(JsonbContainer *container)
{
	return (char *) &container->children[children_of(container)];
}

/*
 * Where child index begins in the data area: the sum of the lengths before
 * it, back to the nearest absolute offset.
 */
static inline uint32
child_offset(const JsonbContainer *container, int index)
{
	uint32		offset = 0;
	int			i;

	for (i = index - 1; i >= 0; i--)
	{
		JEntry		entry = container->children[i];

		offset += JBE_OFFLENFLD(entry);
		if (JBE_HAS_OFF(entry))
			break;
	}
	return offset;
}

static inline uint32
child_end(JEntry entry, uint32 start)
{
	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) :
		start + JBE_OFFLENFLD(entry);
}

static inline void
fill_value(JsonbValue *out, JEntry entry, char *data, uint32 start, uint32 end)
{
	switch (entry & JENTRY_TYPEMASK)
	{
		case JENTRY_ISCONTAINER:
			start = INTALIGN(start);
			out->type = jbvBinary;
			out->val.binary.data = (JsonbContainer *) (data + start);
			out->val.binary.len = (int) (end - start);
			return;
		case JENTRY_ISSTRING:
			out->type = jbvString;
			out->val.string.val = data + start;
			out->val.string.len = (int) (end - start);
			return;
		case JENTRY_ISNUMERIC:
			out->type = jbvNumeric;
			out->val.numeric = (Numeric) (data + INTALIGN(start));
			return;
		case JENTRY_ISBOOL_TRUE:
			out->type = jbvBool;
			out->val.boolean = true;
			return;
		case JENTRY_ISBOOL_FALSE:
			out->type = jbvBool;
			out->val.boolean = false;
			return;
		case JENTRY_ISNULL:
			out->type = jbvNull;
			return;
	}
	elog(ERROR, "unrecognized jsonb entry: %08X", entry);
}

static inline void
fill_child(JsonbContainer *container, int index, JsonbValue *out)
{
	JEntry		entry = container->children[index];
	uint32		start = child_offset(container, index);

	fill_value(out, entry, data_area(container), start,
			   child_end(entry, start));
}

/*
 * ddb_doc_root: the root container of jb, which must not be toasted.
 */
DdbDoc
ddb_doc_root(const Jsonb *jb)
{
	DdbDoc		doc;

	doc.ptr = (JsonbContainer *) &jb->root;
	doc.len = (int) (VARSIZE(jb) - VARHDRSZ);
	return doc;
}

/*
 * ddb_doc_copy: doc as a datum of its own, palloc'd.
 */
Jsonb *
ddb_doc_copy(DdbDoc doc)
{
	Jsonb	   *copy = palloc(VARHDRSZ + doc.len);

	SET_VARSIZE(copy, VARHDRSZ + doc.len);
	memcpy(&copy->root, doc.ptr, doc.len);
	return copy;
}

/*
 * ddb_doc_get: value of member name of the object doc, pointing into doc.
 * False when there is none or doc is not an object.
 *
 * Keys are ordered by length first, and lengths stand in the entries: for the
 * usual sizes running along the entries touches less memory than bisection,
 * which looks at key texts.
 */
bool
ddb_doc_get(DdbDoc doc, const char *name, int name_len, JsonbValue *out)
{
	JsonbContainer *container = doc.ptr;
	char	   *data;
	uint32		offset = 0;
	int			count;
	int			i;

	if (container == NULL || !JsonContainerIsObject(container))
		return false;
	count = (int) JsonContainerSize(container);
	if (count > LINEAR_SEARCH_MAX)
		return getKeyJsonValueFromContainer(container, name, name_len,
											out) != NULL;

	data = (char *) &container->children[2 * count];
	for (i = 0; i < count; i++)
	{
		uint32		end = child_end(container->children[i], offset);
		int			len = (int) (end - offset);

		if (len > name_len)
			return false;
		if (len == name_len && memcmp(data + offset, name, name_len) == 0)
		{
			fill_child(container, count + i, out);
			return true;
		}
		offset = end;
	}
	return false;
}

/*
 * ddb_doc_element: element i of the array doc, pointing into doc; false when
 * i is outside it or doc is not an array.
 */
bool
ddb_doc_element(DdbDoc doc, int i, JsonbValue *out)
{
	if (doc.ptr == NULL || !JsonContainerIsArray(doc.ptr) ||
		i < 0 || i >= ddb_doc_count(doc))
		return false;
	fill_child(doc.ptr, i, out);
	return true;
}

/*
 * ddb_doc_pair: pair i of the object doc, in jsonb's order of keys.  i must
 * be within the object.
 */
void
ddb_doc_pair(DdbDoc doc, int i, DdbText *name, JsonbValue *out)
{
	JsonbContainer *container = doc.ptr;
	int			count = ddb_doc_count(doc);
	uint32		start;

	Assert(JsonContainerIsObject(container));
	Assert(i >= 0 && i < count);

	start = child_offset(container, i);
	name->str = data_area(container) + start;
	name->len = (int) (child_end(container->children[i], start) - start);
	fill_child(container, count + i, out);
}

/*
 * ddb_doc_begin: place a cursor before the first pair or element of doc.
 */
void
ddb_doc_begin(DdbDocCursor *cursor, DdbDoc doc)
{
	cursor->container = doc.ptr;
	cursor->count = ddb_doc_count(doc);
	cursor->index = 0;
	cursor->key_offset = 0;
	cursor->value_offset = JsonContainerIsObject(doc.ptr) ?
		child_offset(doc.ptr, cursor->count) : 0;
}

/*
 * ddb_doc_next: the next pair (name, value) or element (value; name is set to
 * {NULL, 0}), pointing into the document; false after the last.
 */
bool
ddb_doc_next(DdbDocCursor *cursor, DdbText *name, JsonbValue *value)
{
	JsonbContainer *container = cursor->container;
	bool		is_object;
	char	   *data;
	int			child = cursor->index;
	JEntry		entry;
	uint32		start;
	uint32		end;

	if (child >= cursor->count)
		return false;
	cursor->index++;

	is_object = JsonContainerIsObject(container);
	data = (char *) &container->children[is_object ? 2 * cursor->count :
										 cursor->count];
	if (is_object)
	{
		start = cursor->key_offset;
		end = child_end(container->children[child], start);
		name->str = data + start;
		name->len = (int) (end - start);
		cursor->key_offset = end;
		child += cursor->count;
	}
	else
	{
		name->str = NULL;
		name->len = 0;
	}

	entry = container->children[child];
	start = cursor->value_offset;
	end = child_end(entry, start);
	fill_value(value, entry, data, start, end);
	cursor->value_offset = end;
	return true;
}

/* ---- building: leaves ---- */

/*
 * ddb_json_string: a string leaf; the text is not copied and must outlive the
 * tree.
 */
void
ddb_json_string(JsonbValue *out, const char *str, int len)
{
	out->type = jbvString;
	out->val.string.val = (char *) str;
	out->val.string.len = len;
}

void
ddb_json_int(JsonbValue *out, int64 value)
{
	out->type = jbvNumeric;
	out->val.numeric = int64_to_numeric(value);
}

/*
 * ddb_json_double: a number leaf with the shortest text that reads back as
 * value; integral values have no fraction.  NaN and infinities have no JSON
 * form and are our own mistake.
 */
void
ddb_json_double(JsonbValue *out, double value)
{
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(value) || isinf(value))
		elog(ERROR, "number has no JSON form");

	if (fabs(value) < EXACT_DOUBLE_LIMIT && value == rint(value))
	{
		ddb_json_int(out, (int64) value);
		return;
	}
	double_to_shortest_decimal_buf(value, text);
	out->type = jbvNumeric;
	out->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in,
											CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
}

void
ddb_json_bool(JsonbValue *out, bool value)
{
	out->type = jbvBool;
	out->val.boolean = value;
}

/*
 * ddb_json_doc: a finished container as a leaf, not copied until the tree is
 * encoded.  The pseudo-array around a scalar root is taken off.
 */
void
ddb_json_doc(JsonbValue *out, DdbDoc doc)
{
	if (JsonContainerIsScalar(doc.ptr))
	{
		fill_child(doc.ptr, 0, out);
		return;
	}
	out->type = jbvBinary;
	out->val.binary.data = doc.ptr;
	out->val.binary.len = doc.len;
}

void
ddb_json_jsonb(JsonbValue *out, const Jsonb *jb)
{
	ddb_json_doc(out, ddb_doc_root(jb));
}

/* ---- building: containers ---- */

static void
too_many(const char *what, Size limit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("number of jsonb %s exceeds the maximum allowed (%zu)",
					what, limit)));
}

/*
 * Room for capacity pairs, the hidden slot before them included; old is the
 * present array or NULL.
 */
static JsonbPair *
pair_room(JsonbPair *old, Size capacity)
{
	Size		size;
	JsonbPair  *base;

	if (capacity > MAX_PAIRS)
		too_many("object pairs", MAX_PAIRS);
	size = (capacity + 1) * sizeof(JsonbPair);
	base = old == NULL ? palloc(size) : repalloc(old - 1, size);
	base->order = (uint32) capacity;
	return base + 1;
}

/* the same for elements */
static JsonbValue *
elem_room(JsonbValue *old, Size capacity)
{
	Size		size;
	JsonbValue *base;

	if (capacity > MAX_ELEMS)
		too_many("array elements", MAX_ELEMS);
	size = (capacity + 1) * sizeof(JsonbValue);
	base = old == NULL ? palloc(size) : repalloc(old - 1, size);
	base->val.array.nElems = (int) capacity;
	return base + 1;
}

/* the next capacity: twice the old one, but never skipping past the limit */
static Size
grown(Size capacity, Size limit)
{
	return capacity < limit ? Min(2 * capacity, limit) : limit + 1;
}

/*
 * ddb_json_object: an empty object with room for expected pairs; it grows.
 */
void
ddb_json_object(JsonbValue *out, int expected)
{
	out->type = jbvObject;
	out->val.object.nPairs = 0;
	out->val.object.pairs = pair_room(NULL, Max(expected, 1));
}

/*
 * ddb_json_array: an empty array with room for expected elements; it grows.
 */
void
ddb_json_array(JsonbValue *out, int expected)
{
	out->type = jbvArray;
	out->val.array.nElems = 0;
	out->val.array.rawScalar = false;
	out->val.array.elems = elem_room(NULL, Max(expected, 1));
}

void
ddb_json_add(JsonbValue *object, const char *name, int name_len,
			 const JsonbValue *value)
{
	JsonbPair  *pair;
	Size		capacity;

	Assert(object->type == jbvObject);

	capacity = object->val.object.pairs[-1].order;
	if (object->val.object.nPairs >= capacity)
		object->val.object.pairs =
			pair_room(object->val.object.pairs, grown(capacity, MAX_PAIRS));

	pair = &object->val.object.pairs[object->val.object.nPairs++];
	ddb_json_string(&pair->key, name, name_len);
	pair->value = *value;
}

void
ddb_json_append(JsonbValue *array, const JsonbValue *value)
{
	Size		capacity;

	Assert(array->type == jbvArray);

	capacity = array->val.array.elems[-1].val.array.nElems;
	if (array->val.array.nElems >= capacity)
		array->val.array.elems =
			elem_room(array->val.array.elems, grown(capacity, MAX_ELEMS));
	array->val.array.elems[array->val.array.nElems++] = *value;
}

void
ddb_json_add_value(JsonbValue *object, const char *name,
				   const JsonbValue *value)
{
	ddb_json_add(object, name, strlen(name), value);
}

void
ddb_json_add_string(JsonbValue *object, const char *name, const char *value)
{
	JsonbValue	leaf;

	ddb_json_string(&leaf, value, strlen(value));
	ddb_json_add_value(object, name, &leaf);
}

void
ddb_json_add_int(JsonbValue *object, const char *name, int64 value)
{
	JsonbValue	leaf;

	ddb_json_int(&leaf, value);
	ddb_json_add_value(object, name, &leaf);
}

void
ddb_json_add_double(JsonbValue *object, const char *name, double value)
{
	JsonbValue	leaf;

	ddb_json_double(&leaf, value);
	ddb_json_add_value(object, name, &leaf);
}

void
ddb_json_add_bool(JsonbValue *object, const char *name, bool value)
{
	JsonbValue	leaf;

	ddb_json_bool(&leaf, value);
	ddb_json_add_value(object, name, &leaf);
}

/* ---- encoding: order and size ---- */

/* jsonb's order of keys: by length, then by bytes */
static inline int
compare_keys(const JsonbPair *a, const JsonbPair *b)
{
	if (a->key.val.string.len != b->key.val.string.len)
		return a->key.val.string.len < b->key.val.string.len ? -1 : 1;
	return memcmp(a->key.val.string.val, b->key.val.string.val,
				  a->key.val.string.len);
}

static int
compare_keys_stably(const void *a, const void *b)
{
	const JsonbPair *left = a;
	const JsonbPair *right = b;
	int			result = compare_keys(left, right);

	if (result != 0)
		return result;
	return left->order < right->order ? -1 : left->order > right->order;
}

static void
sort_pairs(JsonbPair *pairs, int count)
{
	int			i;
	int			j;

	if (count > INSERTION_SORT_MAX)
	{
		for (i = 0; i < count; i++)
			pairs[i].order = i;
		qsort(pairs, count, sizeof(JsonbPair), compare_keys_stably);
		return;
	}
	for (i = 1; i < count; i++)
	{
		JsonbPair	moving = pairs[i];

		for (j = i; j > 0 && compare_keys(&pairs[j - 1], &moving) > 0; j--)
			pairs[j] = pairs[j - 1];
		pairs[j] = moving;
	}
}

/*
 * Replace the sorted pairs of object by a copy without the earlier ones of
 * equal keys.  A copy, for the pairs may be shared with another place of the
 * tree whose count this function cannot see.
 */
static void
drop_duplicates(JsonbValue *object)
{
	JsonbPair  *pairs = object->val.object.pairs;
	int			count = object->val.object.nPairs;
	JsonbPair  *unique = pair_room(NULL, count);
	int			kept = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		if (i + 1 < count && compare_keys(&pairs[i], &pairs[i + 1]) == 0)
			continue;
		unique[kept++] = pairs[i];
	}
	object->val.object.pairs = unique;
	object->val.object.nPairs = kept;
}

/*
 * Put the pairs of object in jsonb's order; of equal keys the last one stays.
 */
static void
order_pairs(JsonbValue *object)
{
	JsonbPair  *pairs = object->val.object.pairs;
	int			count = object->val.object.nPairs;
	bool		sorted = true;
	bool		unique = true;
	int			i;

	for (i = 1; i < count && sorted; i++)
	{
		int			order = compare_keys(&pairs[i - 1], &pairs[i]);

		sorted = order <= 0;
		unique = unique && order != 0;
	}
	if (!sorted)
	{
		sort_pairs(pairs, count);
		unique = true;
		for (i = 1; i < count && unique; i++)
			unique = compare_keys(&pairs[i - 1], &pairs[i]) != 0;
	}
	if (!unique)
		drop_duplicates(object);
}

/*
 * Upper bound of the bytes of value's encoding, paddings included; on the way
 * all objects are put in order.
 */
static Size
measure(JsonbValue *value)
{
	Size		size;
	int			i;

	switch (value->type)
	{
		case jbvNull:
		case jbvBool:
			return 0;
		case jbvString:
			return value->val.string.len;
		case jbvNumeric:
			return sizeof(uint32) + VARSIZE_ANY(value->val.numeric);
		case jbvBinary:
			return sizeof(uint32) + value->val.binary.len;
		case jbvArray:
			check_stack_depth();
			size = sizeof(uint32) * (2 + (Size) value->val.array.nElems);
			for (i = 0; i < value->val.array.nElems; i++)
				size += measure(&value->val.array.elems[i]);
			return size;
		case jbvObject:
			check_stack_depth();
			order_pairs(value);
			size = sizeof(uint32) * (2 + 2 * (Size) value->val.object.nPairs);
			for (i = 0; i < value->val.object.nPairs; i++)
				size += value->val.object.pairs[i].key.val.string.len +
					measure(&value->val.object.pairs[i].value);
			return size;
		case jbvDatetime:
			break;
	}
	elog(ERROR, "unrecognized jsonb value type: %d", (int) value->type);
	return 0;
}

/* ---- encoding: writing ---- */

typedef struct Writer
{
	char	   *start;			/* of the datum */
	char	   *pos;			/* where the next byte goes */
} Writer;

static inline void
pad_to_int(Writer *writer)
{
	while ((writer->pos - writer->start) % sizeof(uint32) != 0)
		*writer->pos++ = '\0';
}

static inline void
put_bytes(Writer *writer, const void *bytes, Size len)
{
	if (len == 0)
		return;
	memcpy(writer->pos, bytes, len);
	writer->pos += len;
}

/*
 * Store the entry of child index; *total is the end offset of the child
 * before and becomes that of this one.
 */
static inline void
put_entry(JEntry *entries, int index, JEntry entry, uint32 *total)
{
	*total += JBE_OFFLENFLD(entry);
	if (index % JB_OFFSET_STRIDE == 0)
		entry = (entry & JENTRY_TYPEMASK) | *total | JENTRY_HAS_OFF;
	entries[index] = entry;
}

static JEntry put_value(Writer *writer, const JsonbValue *value);

/* header and room for the entries of a container; returns the entries */
static JEntry *
put_header(Writer *writer, uint32 header, int children)
{
	JEntry	   *entries;

	put_bytes(writer, &header, sizeof(header));
	entries = (JEntry *) writer->pos;
	writer->pos += children * sizeof(JEntry);
	return entries;
}

static void
put_array(Writer *writer, const JsonbValue *array)
{
	int			count = array->val.array.nElems;
	JEntry	   *entries = put_header(writer, count | JB_FARRAY, count);
	uint32		total = 0;
	int			i;

	for (i = 0; i < count; i++)
		put_entry(entries, i, put_value(writer, &array->val.array.elems[i]),
				  &total);
}

static void
put_object(Writer *writer, const JsonbValue *object)
{
	int			count = object->val.object.nPairs;
	const JsonbPair *pairs = object->val.object.pairs;
	JEntry	   *entries = put_header(writer, count | JB_FOBJECT, 2 * count);
	uint32		total = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		put_bytes(writer, pairs[i].key.val.string.val,
				  pairs[i].key.val.string.len);
		put_entry(entries, i, JENTRY_ISSTRING | pairs[i].key.val.string.len,
				  &total);
	}
	for (i = 0; i < count; i++)
		put_entry(entries, count + i, put_value(writer, &pairs[i].value),
				  &total);
}

/*
 * Write one value and return its entry, with its length, padding included.
 */
static JEntry
put_value(Writer *writer, const JsonbValue *value)
{
	char	   *begin = writer->pos;
	uint32		kind = JENTRY_ISCONTAINER;

	switch (value->type)
	{
		case jbvNull:
			return JENTRY_ISNULL;
		case jbvBool:
			return value->val.boolean ? JENTRY_ISBOOL_TRUE :
				JENTRY_ISBOOL_FALSE;
		case jbvString:
			put_bytes(writer, value->val.string.val, value->val.string.len);
			return JENTRY_ISSTRING | value->val.string.len;
		case jbvNumeric:
			pad_to_int(writer);
			put_bytes(writer, value->val.numeric,
					  VARSIZE_ANY(value->val.numeric));
			kind = JENTRY_ISNUMERIC;
			break;
		case jbvBinary:
			pad_to_int(writer);
			put_bytes(writer, value->val.binary.data, value->val.binary.len);
			break;
		case jbvArray:
			check_stack_depth();
			pad_to_int(writer);
			put_array(writer, value);
			break;
		case jbvObject:
			check_stack_depth();
			pad_to_int(writer);
			put_object(writer, value);
			break;
		case jbvDatetime:
			elog(ERROR, "unrecognized jsonb value type: %d",
				 (int) value->type);
	}
	return kind | (uint32) (writer->pos - begin);
}

/*
 * ddb_json_encode: the tree, whose root is an array, an object or a finished
 * container, as a jsonb datum in CurrentMemoryContext.  Objects of the tree
 * are left in jsonb's order.  Raises program_limit_exceeded where the size is
 * beyond what jsonb's entries can express.
 */
Jsonb *
ddb_json_encode(const JsonbValue *tree)
{
	JsonbValue	root = *tree;
	Writer		writer;
	Size		size;
	Jsonb	   *result;

	if (root.type != jbvArray && root.type != jbvObject &&
		root.type != jbvBinary)
		elog(ERROR, "root of a JSON document must be an array or object");

	size = VARHDRSZ + measure(&root);
	if (size > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb document exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));

	result = palloc(size);
	writer.start = (char *) result;
	writer.pos = writer.start + VARHDRSZ;
	put_value(&writer, &root);
	Assert(writer.pos <= writer.start + size);
	SET_VARSIZE(result, writer.pos - writer.start);
	return result;
}
