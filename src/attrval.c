/*
 * attrval.c
 *	  Attribute values in stored form: seeing, comparing, measuring.
 *
 * An attribute value is a jsonb object of one pair.  Everything here reads it
 * where it lies: the hot path of a scan takes sizes, compares and searches
 * without allocating.  In stored form numbers have one text, base64 has one
 * spelling and jsonb has one order of keys, so equality is equality of bytes
 * for everything except the sets, whose elements have no order.
 *
 * Values that come from a caller are the business of attrval_check.c; the
 * functions here may rely on stored form, but a damaged value raises an
 * internal error and never crashes.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "miscadmin.h"

#include "attrval.h"
#include "number.h"

/* bytes that a list or map costs, and each of its elements */
#define CONTAINER_OVERHEAD	3
#define ELEMENT_OVERHEAD	1

/* the lead bytes of the two escapes of stored text */
#define ESCAPE				'\001'
#define ESCAPED_NUL			'\001'	/* after ESCAPE: U+0000 */
#define ESCAPED_ESCAPE		'\002'	/* after ESCAPE: U+0001 */

typedef struct TypeNames
{
	const char *tag;
	const char *long_name;
} TypeNames;

static const TypeNames type_names[DDB_TYPES] = {
	[DDB_S] = {"S", "STRING"},
	[DDB_N] = {"N", "NUMBER"},
	[DDB_B] = {"B", "BINARY"},
	[DDB_SS] = {"SS", "STRING_SET"},
	[DDB_NS] = {"NS", "NUMBER_SET"},
	[DDB_BS] = {"BS", "BINARY_SET"},
	[DDB_BOOL] = {"BOOL", "BOOLEAN"},
	[DDB_NULL] = {"NULL", "NULL"},
	[DDB_L] = {"L", "LIST"},
	[DDB_M] = {"M", "MAP"},
};

static void
damaged(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("attribute value is not in stored form")));
}

/* ---- types ---- */

const char *
ddb_type_name(DdbType type)
{
	return type_names[type].tag;
}

const char *
ddb_type_long_name(DdbType type)
{
	return type_names[type].long_name;
}

static inline bool
parse_tag(const char *str, int len, DdbType *type)
{
	if (len == 1)
	{
		switch (str[0])
		{
			case 'S':
				*type = DDB_S;
				return true;
			case 'N':
				*type = DDB_N;
				return true;
			case 'B':
				*type = DDB_B;
				return true;
			case 'L':
				*type = DDB_L;
				return true;
			case 'M':
				*type = DDB_M;
				return true;
		}
		return false;
	}
	if (len == 2 && str[1] == 'S')
	{
		switch (str[0])
		{
			case 'S':
				*type = DDB_SS;
				return true;
			case 'N':
				*type = DDB_NS;
				return true;
			case 'B':
				*type = DDB_BS;
				return true;
		}
		return false;
	}
	if (len != 4)
		return false;
	if (memcmp(str, "BOOL", 4) == 0)
	{
		*type = DDB_BOOL;
		return true;
	}
	*type = DDB_NULL;
	return memcmp(str, "NULL", 4) == 0;
}

/*
 * ddb_type_parse: the type of a tag; false when it is none of the ten.
 */
bool
ddb_type_parse(const char *str, int len, DdbType *type)
{
	return parse_tag(str, len, type);
}

/* the type of the elements of a set */
static inline DdbType
element_type(DdbType set)
{
	return set == DDB_SS ? DDB_S : set == DDB_NS ? DDB_N : DDB_B;
}

static inline bool
is_set(DdbType type)
{
	return type == DDB_SS || type == DDB_NS || type == DDB_BS;
}

/* ---- seeing ---- */

/*
 * Fill out->doc from the second child of a one-pair object, which must be a
 * container of the given kind.
 */
static inline void
open_container(char *data, uint32 key_len, JEntry entry, uint32 kind,
			   DdbValue *out)
{
	uint32		start = INTALIGN(key_len);

	if (!JBE_ISCONTAINER(entry))
		damaged();
	out->doc.ptr = (JsonbContainer *) (data + start);
	out->doc.len = (int) (JBE_OFFLENFLD(entry) - (start - key_len));
	if ((out->doc.ptr->header & (JB_FOBJECT | JB_FARRAY)) != kind)
		damaged();
}

static inline void
open_value(DdbDoc doc, DdbValue *out)
{
	JsonbContainer *object = doc.ptr;
	char	   *data;
	uint32		key_len;
	JEntry		entry;

	if (object == NULL ||
		(object->header & (JB_FOBJECT | JB_CMASK)) != (JB_FOBJECT | 1))
		damaged();

	key_len = JBE_OFFLENFLD(object->children[0]);
	entry = object->children[1];
	data = (char *) &object->children[2];
	if (!parse_tag(data, (int) key_len, &out->type))
		damaged();

	out->text.str = NULL;
	out->text.len = 0;
	out->boolean = false;
	out->doc.ptr = NULL;
	out->doc.len = 0;
	out->whole = doc;

	switch (out->type)
	{
		case DDB_S:
		case DDB_N:
		case DDB_B:
			if (!JBE_ISSTRING(entry))
				damaged();
			out->text.str = data + key_len;
			out->text.len = (int) JBE_OFFLENFLD(entry);
			return;
		case DDB_BOOL:
			if (!JBE_ISBOOL(entry))
				damaged();
			out->boolean = JBE_ISBOOL_TRUE(entry);
			return;
		case DDB_NULL:
			return;
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
		case DDB_L:
			open_container(data, key_len, entry, JB_FARRAY, out);
			return;
		case DDB_M:
			open_container(data, key_len, entry, JB_FOBJECT, out);
			return;
	}
}

/*
 * ddb_value_open: see the attribute value doc, which is in stored form; an
 * internal error when it is not.
 */
void
ddb_value_open(DdbDoc doc, DdbValue *out)
{
	open_value(doc, out);
}

static inline void
open_child(const JsonbValue *child, DdbValue *out)
{
	if (child->type != jbvBinary)
		damaged();
	open_value(ddb_doc_of(child), out);
}

/*
 * ddb_item_get: attribute name of an item, or member name of the doc of an M;
 * false when it has none.
 */
bool
ddb_item_get(DdbDoc item, const char *name, int name_len, DdbValue *out)
{
	JsonbValue	child;

	if (!ddb_doc_get(item, name, name_len, &child))
		return false;
	open_child(&child, out);
	return true;
}

/*
 * ddb_list_get: element index (0-based) of the doc of an L; false outside it.
 */
bool
ddb_list_get(DdbDoc list, int index, DdbValue *out)
{
	JsonbValue	child;

	if (!ddb_doc_element(list, index, &child))
		return false;
	open_child(&child, out);
	return true;
}

static inline DdbText
element_text(const JsonbValue *element)
{
	DdbText		text;

	if (element->type != jbvString)
		damaged();
	text.str = element->val.string.val;
	text.len = element->val.string.len;
	return text;
}

static inline void
fill_scalar(DdbValue *out, DdbType type, DdbText text)
{
	memset(out, 0, sizeof(DdbValue));
	out->type = type;
	out->text = text;
}

/*
 * ddb_set_get: element index of a set, which must be within it, as a scalar
 * value without an object of its own.
 */
void
ddb_set_get(const DdbValue *set, int index, DdbValue *out)
{
	JsonbValue	child;

	if (!ddb_doc_element(set->doc, index, &child))
		elog(ERROR, "set has no element %d", index);
	fill_scalar(out, element_type(set->type), element_text(&child));
}

/* ---- sets of texts ---- */

/* hashing is seeded by chance, so that nobody can choose colliding texts */
static uint32
text_hash(DdbText text)
{
	static uint64 seed = 0;

	while (seed == 0)
		seed = pg_prng_uint64(&pg_global_prng_state);
	return (uint32) hash_bytes_extended((const unsigned char *) text.str,
										text.len, seed);
}

/*
 * ddb_textset_init: an empty set for at most expected texts.
 */
void
ddb_textset_init(DdbTextSet *set, int expected)
{
	uint32		slots;

	set->count = 0;
	set->mask = 0;
	set->slots = NULL;
	set->texts = set->few;
	if (expected <= lengthof(set->few))
		return;
	set->texts = palloc(sizeof(DdbText) * expected);
	for (slots = 32; slots < 2 * (uint32) expected;)
		slots *= 2;
	set->slots = palloc0(sizeof(uint32) * slots);
	set->mask = slots - 1;
}

/*
 * The slot of the hash table that holds text, or the empty one where it would
 * go.
 */
static uint32 *
text_slot(const DdbTextSet *set, DdbText text)
{
	uint32		at = text_hash(text) & set->mask;

	while (set->slots[at] != 0 &&
		   !ddb_text_same(set->texts[set->slots[at] - 1], text))
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

bool
ddb_textset_has(const DdbTextSet *set, DdbText text)
{
	int			i;

	if (set->slots != NULL)
		return *text_slot(set, text) != 0;
	for (i = 0; i < set->count; i++)
	{
		if (ddb_text_same(set->texts[i], text))
			return true;
	}
	return false;
}

/*
 * ddb_textset_add: false, and no change, when the set has text already.  No
 * more texts may be added than were announced.
 */
bool
ddb_textset_add(DdbTextSet *set, DdbText text)
{
	uint32	   *slot = NULL;

	if (set->slots == NULL)
	{
		if (ddb_textset_has(set, text))
			return false;
	}
	else
	{
		slot = text_slot(set, text);
		if (*slot != 0)
			return false;
	}
	set->texts[set->count++] = text;
	if (slot != NULL)
		*slot = (uint32) set->count;
	return true;
}

void
ddb_textset_free(DdbTextSet *set)
{
	if (set->slots == NULL)
		return;
	pfree(set->texts);
	pfree(set->slots);
}

/* ---- equality ---- */

static bool docs_equal(DdbDoc a, DdbDoc b);

static inline bool
set_has(DdbDoc set, DdbText text)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_doc_begin(&cursor, set);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (ddb_text_same(element_text(&element), text))
			return true;
	}
	return false;
}

/*
 * Equality of two sets of one type and count.  Neither has duplicates, so
 * that b holds all elements of a is enough.
 */
static bool
sets_equal(DdbDoc a, DdbDoc b)
{
	DdbTextSet	texts;
	int			count = ddb_doc_count(a);
	bool		small = count <= lengthof(texts.few);
	bool		equal = true;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (!small)
	{
		ddb_textset_init(&texts, count);
		ddb_doc_begin(&cursor, b);
		while (ddb_doc_next(&cursor, &name, &element))
			(void) ddb_textset_add(&texts, element_text(&element));
	}

	ddb_doc_begin(&cursor, a);
	while (equal && ddb_doc_next(&cursor, &name, &element))
	{
		DdbText		text = element_text(&element);

		equal = small ? set_has(b, text) : ddb_textset_has(&texts, text);
	}

	if (!small)
		ddb_textset_free(&texts);
	return equal;
}

/*
 * Equality of two lists or two maps of one count.  Maps have their names in
 * one order, so both walk in step.
 */
static bool
members_equal(DdbDoc a, DdbDoc b)
{
	DdbDocCursor acursor;
	DdbDocCursor bcursor;
	DdbText		aname;
	DdbText		bname;
	JsonbValue	achild;
	JsonbValue	bchild;

	check_stack_depth();
	ddb_doc_begin(&acursor, a);
	ddb_doc_begin(&bcursor, b);
	while (ddb_doc_next(&acursor, &aname, &achild) &&
		   ddb_doc_next(&bcursor, &bname, &bchild))
	{
		if (aname.str != NULL && !ddb_text_same(aname, bname))
			return false;
		if (achild.type != jbvBinary || bchild.type != jbvBinary)
			damaged();
		if (!docs_equal(ddb_doc_of(&achild), ddb_doc_of(&bchild)))
			return false;
	}
	return true;
}

static inline bool
same_bytes(DdbDoc a, DdbDoc b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/*
 * ddb_value_equal: equality as conditions, set operations and the test for
 * changed items know it: structural, sets without order at any depth, numbers
 * by value, values of different types never equal.
 */
bool
ddb_value_equal(const DdbValue *a, const DdbValue *b)
{
	if (a->type != b->type)
		return false;

	switch (a->type)
	{
		case DDB_S:
		case DDB_N:
		case DDB_B:
			return ddb_text_same(a->text, b->text);
		case DDB_BOOL:
			return a->boolean == b->boolean;
		case DDB_NULL:
			return true;
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
			return ddb_doc_count(a->doc) == ddb_doc_count(b->doc) &&
				(same_bytes(a->doc, b->doc) || sets_equal(a->doc, b->doc));
		case DDB_L:
		case DDB_M:
			return ddb_doc_count(a->doc) == ddb_doc_count(b->doc) &&
				(same_bytes(a->doc, b->doc) || members_equal(a->doc, b->doc));
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) a->type);
	return false;
}

/* ddb_value_equal for unopened values */
static bool
docs_equal(DdbDoc a, DdbDoc b)
{
	DdbValue	left;
	DdbValue	right;

	if (same_bytes(a, b))
		return true;
	open_value(a, &left);
	open_value(b, &right);
	return ddb_value_equal(&left, &right);
}

/* ---- order and search ---- */

static inline int
compare_bytes(DdbText a, DdbText b)
{
	int			result = memcmp(a.str, b.str, Min(a.len, b.len));

	return result != 0 ? result : (a.len > b.len) - (a.len < b.len);
}

/* sixty-four digits of base64, and what is none of them */
#define NO_DIGIT	0xFF

static const char base64_digits[] =
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define XX NO_DIGIT
static const uint8 base64_values[256] = {
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, 62, XX, XX, XX, 63,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
	XX, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX,
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
};
#undef XX

static inline uint8
digit_value(char c)
{
	return base64_values[(unsigned char) c];
}

/*
 * Order of the bytes behind two base64 texts.  Base64 keeps order once its
 * digits are ordered by value and padding comes before all of them, so the
 * first difference decides.
 */
static int
compare_base64(DdbText a, DdbText b)
{
	int			common = Min(a.len, b.len);
	int			i;

	for (i = 0; i < common; i++)
	{
		if (a.str[i] == b.str[i])
			continue;
		if (a.str[i] == '=')
			return -1;
		if (b.str[i] == '=')
			return 1;
		return (int) digit_value(a.str[i]) - (int) digit_value(b.str[i]);
	}
	return (a.len > b.len) - (a.len < b.len);
}

/*
 * ddb_value_compare: the order of two values of one type out of S (bytes of
 * UTF-8), N (by number) and B (unsigned bytes); a prefix comes before its
 * extension.  Negative, 0 or positive.
 */
int
ddb_value_compare(const DdbValue *a, const DdbValue *b)
{
	Assert(a->type == b->type);

	if (a->type == DDB_S)
		return compare_bytes(a->text, b->text);
	if (a->type == DDB_N)
		return ddb_number_compare_text(a->text.str, a->text.len,
									   b->text.str, b->text.len);
	if (a->type == DDB_B)
		return compare_base64(a->text, b->text);
	elog(ERROR, "attribute type %s has no order", ddb_type_name(a->type));
	return 0;
}

/*
 * Whether the bytes behind base64 text a begin with those behind b: all whole
 * groups of b must agree, and of a last padded group the bits it carries.
 */
static bool
base64_begins_with(DdbText a, DdbText b)
{
	int			padding;
	int			whole;
	int			shift;

	if (b.len < 4)
		return b.len == 0;
	if (ddb_base64_decoded_size(a.str, a.len) <
		ddb_base64_decoded_size(b.str, b.len))
		return false;

	padding = (b.str[b.len - 1] == '=') + (b.str[b.len - 2] == '=');
	if (padding == 0)
		return memcmp(a.str, b.str, b.len) == 0;
	whole = b.len - padding - 1;
	if (memcmp(a.str, b.str, whole) != 0)
		return false;
	shift = 2 * padding;
	return digit_value(a.str[whole]) >> shift ==
		digit_value(b.str[whole]) >> shift;
}

/*
 * ddb_value_begins_with: both S or both B, and a begins with b.
 */
bool
ddb_value_begins_with(const DdbValue *a, const DdbValue *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == DDB_S)
		return a->text.len >= b->text.len &&
			memcmp(a->text.str, b->text.str, b->text.len) == 0;
	if (a->type == DDB_B)
		return base64_begins_with(a->text, b->text);
	return false;
}

/*
 * Whether stored text b occurs in stored text a.  A match of the stored bytes
 * can be a false one only when it begins inside an escape of a, hence with
 * the byte of one: then the decoded texts are searched.
 */
static bool
text_contains(DdbText a, DdbText b)
{
	char	   *hay;
	char	   *needle;
	int			hay_len;
	int			needle_len;
	bool		found;

	if (b.len == 0)
		return true;
	if (b.str[0] != ESCAPE && b.str[0] != ESCAPED_ESCAPE)
		return memmem(a.str, a.len, b.str, b.len) != NULL;

	hay = ddb_text_decode(a.str, a.len, &hay_len);
	needle = ddb_text_decode(b.str, b.len, &needle_len);
	found = memmem(hay, hay_len, needle, needle_len) != NULL;
	pfree(hay);
	pfree(needle);
	return found;
}

static bool
binary_contains(DdbText a, DdbText b)
{
	bytea	   *hay;
	bytea	   *needle;
	bool		found;

	if (b.len == 0)
		return true;
	if (b.len > a.len)
		return false;
	hay = ddb_base64_decode(a.str, a.len);
	needle = ddb_base64_decode(b.str, b.len);
	found = memmem(VARDATA(hay), VARSIZE(hay) - VARHDRSZ,
				   VARDATA(needle), VARSIZE(needle) - VARHDRSZ) != NULL;
	pfree(hay);
	pfree(needle);
	return found;
}

static bool
list_contains(DdbDoc list, const DdbValue *b)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	DdbValue	element;

	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		open_child(&child, &element);
		if (ddb_value_equal(&element, b))
			return true;
	}
	return false;
}

/*
 * ddb_value_contains: the condition function contains(a, b).  A string or
 * binary contains its substrings, a set its members, a list whatever equals
 * one of its elements; all other pairs of types: false.
 */
bool
ddb_value_contains(const DdbValue *a, const DdbValue *b)
{
	switch (a->type)
	{
		case DDB_S:
			return b->type == DDB_S && text_contains(a->text, b->text);
		case DDB_B:
			return b->type == DDB_B && binary_contains(a->text, b->text);
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
			return b->type == element_type(a->type) &&
				set_has(a->doc, b->text);
		case DDB_L:
			return list_contains(a->doc, b);
		case DDB_N:
		case DDB_BOOL:
		case DDB_NULL:
		case DDB_M:
			return false;
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) a->type);
	return false;
}

/* ---- sizes ---- */

/* escapes in stored text; each is two bytes that stand for one */
static inline int
count_escapes(const char *str, int len)
{
	const char *end = str + len;
	int			count = 0;

	while (str < end && (str = memchr(str, ESCAPE, end - str)) != NULL)
	{
		count++;
		str += 2;
	}
	return count;
}

/* UTF-16 code units of decoded text: one a character, two beyond U+FFFF */
static int
utf16_length(DdbText text)
{
	int			units = 0;
	int			i;

	for (i = 0; i < text.len; i++)
	{
		unsigned char c = (unsigned char) text.str[i];

		units += ((c & 0xC0) != 0x80) + (c >= 0xF0);
	}
	return units - count_escapes(text.str, text.len);
}

/*
 * ddb_value_length: the condition function size(): code units of UTF-16 of a
 * string, bytes of a binary, elements of a set, list or map.  False where the
 * type has no size.
 */
bool
ddb_value_length(const DdbValue *value, int64 *length)
{
	switch (value->type)
	{
		case DDB_S:
			*length = utf16_length(value->text);
			return true;
		case DDB_B:
			*length = ddb_base64_decoded_size(value->text.str,
											  value->text.len);
			return true;
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
		case DDB_L:
		case DDB_M:
			*length = ddb_doc_count(value->doc);
			return true;
		case DDB_N:
		case DDB_BOOL:
		case DDB_NULL:
			return false;
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) value->type);
	return false;
}

static inline int
base64_size(const char *str, int len)
{
	if (len < 4)
		return 0;
	return len / 4 * 3 - (str[len - 1] == '=') - (str[len - 2] == '=');
}

static inline int
text_size(const char *str, int len)
{
	return len - count_escapes(str, len);
}

/* size of a scalar S, N or B */
static inline int
scalar_size(DdbType type, DdbText text)
{
	if (type == DDB_S)
		return text_size(text.str, text.len);
	if (type == DDB_N)
		return ddb_number_size(text.str, text.len);
	return base64_size(text.str, text.len);
}

static int64 members_size(DdbDoc doc, int per_member);

static int64
set_size(DdbDoc set, DdbType type)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	int64		size = 0;

	ddb_doc_begin(&cursor, set);
	while (ddb_doc_next(&cursor, &name, &element))
		size += scalar_size(type, element_text(&element));
	return size;
}

static inline int64
open_value_size(const DdbValue *value)
{
	switch (value->type)
	{
		case DDB_S:
		case DDB_N:
		case DDB_B:
			return scalar_size(value->type, value->text);
		case DDB_BOOL:
		case DDB_NULL:
			return 1;
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
			return set_size(value->doc, element_type(value->type));
		case DDB_L:
		case DDB_M:
			check_stack_depth();
			return CONTAINER_OVERHEAD +
				members_size(value->doc, ELEMENT_OVERHEAD);
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) value->type);
	return 0;
}

/* sum over the members of a list, map or item */
static int64
members_size(DdbDoc doc, int per_member)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	DdbValue	value;
	int64		size = 0;

	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		open_child(&child, &value);
		size += per_member + text_size(name.str, name.len) +
			open_value_size(&value);
	}
	return size;
}

/*
 * ddb_value_size: bytes of a value as DynamoDB counts them, without its name.
 */
int64
ddb_value_size(const DdbValue *value)
{
	return open_value_size(value);
}

/*
 * ddb_item_size: bytes of an item as DynamoDB counts them: names and values,
 * nothing for the item itself.
 */
int64
ddb_item_size(DdbDoc item)
{
	if (item.ptr == NULL || !ddb_doc_is_object(item))
		damaged();
	return members_size(item, 0);
}

/* ---- building ---- */

/*
 * ddb_json_scalar: an object of one pair, the tag of S, N or B and its text,
 * which is not copied.
 */
void
ddb_json_scalar(JsonbValue *out, DdbType type, const char *str, int len)
{
	JsonbValue	text;

	ddb_json_string(&text, str, len);
	ddb_json_object(out, 1);
	ddb_json_add(out, ddb_type_name(type), strlen(ddb_type_name(type)), &text);
}

/*
 * ddb_value_to_json: tree node for a value; its own object when it has one,
 * else one built from its type and payload.
 */
void
ddb_value_to_json(const DdbValue *value, JsonbValue *out)
{
	JsonbValue	payload;

	if (value->whole.ptr != NULL)
	{
		ddb_json_doc(out, value->whole);
		return;
	}
	if (value->type == DDB_BOOL || value->type == DDB_NULL)
		ddb_json_bool(&payload, value->boolean || value->type == DDB_NULL);
	else if (is_set(value->type) || value->type == DDB_L ||
			 value->type == DDB_M)
		ddb_json_doc(&payload, value->doc);
	else
		ddb_json_string(&payload, value->text.str, value->text.len);

	ddb_json_object(out, 1);
	ddb_json_add_value(out, ddb_type_name(value->type), &payload);
}

/* ---- stored text ---- */

/*
 * ddb_text_decoded_size: bytes of UTF-8 of stored text once decoded.
 */
int
ddb_text_decoded_size(const char *str, int len)
{
	return text_size(str, len);
}

/*
 * ddb_text_encode: stored form of UTF-8 text that may hold U+0000; palloc'd,
 * with a terminating NUL that *out_len does not count.
 */
char *
ddb_text_encode(const char *raw, int len, int *out_len)
{
	char	   *result;
	char	   *pos;
	Size		size = (Size) len + 1;
	int			i;

	for (i = 0; i < len; i++)
		size += raw[i] == '\0' || raw[i] == ESCAPE;
	pos = result = palloc(size);
	for (i = 0; i < len; i++)
	{
		if (raw[i] != '\0' && raw[i] != ESCAPE)
		{
			*pos++ = raw[i];
			continue;
		}
		*pos++ = ESCAPE;
		*pos++ = raw[i] == '\0' ? ESCAPED_NUL : ESCAPED_ESCAPE;
	}
	*pos = '\0';
	*out_len = (int) (pos - result);
	return result;
}

/*
 * ddb_text_decode: the inverse; palloc'd, with a terminating NUL that
 * *out_len does not count.  A malformed escape stands for itself.
 */
char *
ddb_text_decode(const char *str, int len, int *out_len)
{
	char	   *result = palloc((Size) len + 1);
	char	   *pos = result;
	int			i;

	for (i = 0; i < len; i++)
	{
		if (str[i] != ESCAPE || i + 1 >= len)
		{
			*pos++ = str[i];
			continue;
		}
		i++;
		*pos++ = str[i] == ESCAPED_NUL ? '\0' : ESCAPE;
	}
	*pos = '\0';
	*out_len = (int) (pos - result);
	return result;
}

/*
 * ddb_text_is_valid: every escape of stored text is one of the two.
 */
bool
ddb_text_is_valid(const char *str, int len)
{
	const char *end = str + len;

	while (str < end && (str = memchr(str, ESCAPE, end - str)) != NULL)
	{
		if (end - str < 2 ||
			(str[1] != ESCAPED_NUL && str[1] != ESCAPED_ESCAPE))
			return false;
		str += 2;
	}
	return true;
}

/* ---- base64 ---- */

/*
 * ddb_base64_decoded_size: bytes behind well-formed base64 text.
 */
int
ddb_base64_decoded_size(const char *str, int len)
{
	return base64_size(str, len);
}

/*
 * ddb_base64_is_canonical: whole groups of four, digits only, padding at the
 * end only, and no bits set that the padding leaves unused.
 */
bool
ddb_base64_is_canonical(const char *str, int len)
{
	uint8		seen = 0;
	int			padding;
	int			digits;
	int			i;

	if (len % 4 != 0)
		return false;
	if (len == 0)
		return true;
	padding = str[len - 1] != '=' ? 0 : str[len - 2] != '=' ? 1 : 2;
	digits = len - padding;
	for (i = 0; i < digits; i++)
		seen |= digit_value(str[i]);
	if (seen > 63)
		return false;
	return (digit_value(str[digits - 1]) & ((1 << (2 * padding)) - 1)) == 0;
}

/*
 * ddb_base64_decode: the bytes behind base64 text, palloc'd; an internal
 * error when the text is malformed.
 */
bytea *
ddb_base64_decode(const char *str, int len)
{
	bytea	   *result;
	uint8	   *pos;
	int			size;
	int			i;

	if (!ddb_base64_is_canonical(str, len))
		damaged();
	size = base64_size(str, len);

	/* whole groups are written, so up to two bytes beyond the end */
	result = palloc(VARHDRSZ + size + 2);
	pos = (uint8 *) VARDATA(result);
	for (i = 0; i < len; i += 4)
	{
		uint32		group = (uint32) digit_value(str[i]) << 18 |
		(uint32) digit_value(str[i + 1]) << 12 |
		(uint32) (digit_value(str[i + 2]) & 63) << 6 |
		(uint32) (digit_value(str[i + 3]) & 63);

		*pos++ = (uint8) (group >> 16);
		*pos++ = (uint8) (group >> 8);
		*pos++ = (uint8) group;
	}
	SET_VARSIZE(result, VARHDRSZ + size);
	return result;
}

/*
 * ddb_base64_encode: canonical base64 of len bytes, palloc'd, with a
 * terminating NUL that *out_len does not count.
 */
char *
ddb_base64_encode(const uint8 *raw, int len, int *out_len)
{
	char	   *result = palloc(((Size) len + 2) / 3 * 4 + 1);
	char	   *pos = result;
	int			i;

	for (i = 0; i < len; i += 3)
	{
		int			left = len - i;
		uint32		group = (uint32) raw[i] << 16 |
		(left > 1 ? (uint32) raw[i + 1] << 8 : 0) |
		(left > 2 ? (uint32) raw[i + 2] : 0);

		*pos++ = base64_digits[group >> 18];
		*pos++ = base64_digits[(group >> 12) & 63];
		*pos++ = left > 1 ? base64_digits[(group >> 6) & 63] : '=';
		*pos++ = left > 2 ? base64_digits[group & 63] : '=';
	}
	*pos = '\0';
	*out_len = (int) (pos - result);
	return result;
}
