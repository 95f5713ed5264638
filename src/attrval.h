/*
 * attrval.h
 *	  Attribute values: DynamoDB's ten types as they stand in jsonb.
 *
 * An attribute value is an object of one pair, type tag to payload, e.g.
 * {"N": "12"}; an item is an object of attribute name to attribute value.
 * In stored form numbers are canonical text, strings and names carry the
 * escape of U+0000 (below), and each value has exactly one known tag.
 *
 * Stored text: U+0000 is stored as U+0001 U+0001, U+0001 as U+0001 U+0002.
 * Byte order, prefixes and equality survive; lengths and substring search
 * need the functions declared here.
 */
#ifndef DDB_ATTRVAL_H
#define DDB_ATTRVAL_H

#include "jsondoc.h"

typedef enum DdbType
{
	DDB_S,
	DDB_N,
	DDB_B,
	DDB_SS,
	DDB_NS,
	DDB_BS,
	DDB_BOOL,
	DDB_NULL,
	DDB_L,
	DDB_M
} DdbType;

#define DDB_TYPES	(DDB_M + 1)
#define DDB_MAX_NESTING		32
#define DDB_MAX_ITEM_SIZE	409600
#define DDB_MAX_NAME_SIZE	65535

/*
 * A stored attribute value seen in place: nothing is copied, so it lives as
 * long as the jsonb it points into.
 */
typedef struct DdbValue
{
	DdbType		type;
	DdbText		text;			/* S: stored text; N: canonical; B: base64 */
	bool		boolean;		/* BOOL */
	DdbDoc		doc;			/* SS NS BS L: array; M: object */
	DdbDoc		whole;			/* the one-pair object itself */
} DdbValue;

extern const char *ddb_type_name(DdbType type); /* "S", "N", ... */
extern const char *ddb_type_long_name(DdbType type);	/* "STRING", "NUMBER", ... as messages print it */
extern bool ddb_type_parse(const char *str, int len, DdbType *type);	/* from the tag */

/* ---- seeing stored values ---- */

/*
 * ddb_value_open: doc is one attribute value in stored form; elog(ERROR) when
 * it is not (a damaged item), never a crash.
 */
extern void ddb_value_open(DdbDoc doc, DdbValue *out);

/* attribute of an item or member of an M's doc; false when absent */
extern bool ddb_item_get(DdbDoc item, const char *name, int name_len, DdbValue *out);

/* element of an L's doc; false beyond the end */
extern bool ddb_list_get(DdbDoc list, int index, DdbValue *out);

/* element i of SS, NS or BS as a scalar S, N, B value (whole is empty) */
extern void ddb_set_get(const DdbValue *set, int index, DdbValue *out);

/* ---- comparing: numbers by value, text and binary by bytes, sets in any order ---- */

extern bool ddb_value_equal(const DdbValue *a, const DdbValue *b);

/* for two values of one type out of S, N, B: <0, 0, >0 */
extern int	ddb_value_compare(const DdbValue *a, const DdbValue *b);

/* same type S or B, and a begins with b */
extern bool ddb_value_begins_with(const DdbValue *a, const DdbValue *b);

/* the function contains() of conditions, any types */
extern bool ddb_value_contains(const DdbValue *a, const DdbValue *b);

/* the function size(); false where the type has none (N, BOOL, NULL) */
extern bool ddb_value_length(const DdbValue *value, int64 *length);

/* ---- sizes in bytes, as the service counts them ---- */

extern int64 ddb_value_size(const DdbValue *value);
extern int64 ddb_item_size(DdbDoc item);

/* ---- building ---- */

/* a JSON tree node for a stored value: splices value->whole where it is set */
extern void ddb_value_to_json(const DdbValue *value, JsonbValue *out);

/* one-pair objects; text is not copied */
extern void ddb_json_scalar(JsonbValue *out, DdbType type, const char *str, int len);	/* S, N, B */

/* ---- validating what a caller sent ---- */

/*
 * Outcome of validation: message is NULL when the value is good.  bare marks
 * the messages that ExclusiveStartKey does not prefix.
 */
typedef struct DdbCheck
{
	const char *message;		/* palloc'd or static; NULL = good */
	bool		bare;
	bool		canonical;		/* already in stored form; else call the
								 * canonical function */
	const char *detail;			/* why not canonical, a sentence; only from
								 * the _stored checks, else NULL */
} DdbCheck;

/*
 * One value as sent (jbvBinary object; type checks of the wire have passed,
 * members that are JSON null or unknown may be present).  Nesting is limited
 * to DDB_MAX_NESTING levels.
 */
extern DdbCheck ddb_value_check(const JsonbValue *sent);

/* all values of a map as sent, e.g. Item or Key; first error wins */
extern DdbCheck ddb_item_check(DdbDoc sent);

/*
 * The same for what claims to be in stored form already (domains): detail
 * explains canonical = false.
 */
extern DdbCheck ddb_value_check_stored(DdbDoc value);
extern DdbCheck ddb_item_check_stored(DdbDoc item);

/*
 * ddb_item_is_stored: true only if doc is a map of values that every check of
 * types and values passes, in stored form; false says nothing
 * (attrval_stored.c).
 */
extern bool ddb_item_is_stored(DdbDoc doc);

/* a value/map that passed its check with canonical = false, in stored form */
extern Jsonb *ddb_value_canonical(const JsonbValue *sent);
extern Jsonb *ddb_item_canonical(DdbDoc sent);

/*
 * ddb_item_accept: check sent, raise ValidationException with the check's
 * message, or return the item in stored form (sent itself, copied into a
 * Jsonb, where it already is).
 */
extern Jsonb *ddb_item_accept(DdbDoc sent);

/* ---- stored text ---- */

extern int	ddb_text_decoded_size(const char *str, int len);	/* UTF-8 bytes once decoded */
extern char *ddb_text_encode(const char *raw, int len, int *out_len);	/* raw bytes, U+0000 allowed */
extern char *ddb_text_decode(const char *str, int len, int *out_len);
extern bool ddb_text_is_valid(const char *str, int len);	/* escapes well formed */

/*
 * A set of texts that live elsewhere; finding is by bytes and does not get
 * slow, whatever the texts.  Large ones take memory of CurrentMemoryContext.
 * Not to be copied or moved.
 */
typedef struct DdbTextSet
{
	int			count;
	DdbText    *texts;			/* in the order added */
	uint32	   *slots;			/* hash table of index + 1; NULL while small */
	uint32		mask;			/* slots - 1 */
	DdbText		few[8];			/* room for the texts of a small set */
} DdbTextSet;

extern void ddb_textset_init(DdbTextSet *set, int expected);	/* at most expected texts */
extern bool ddb_textset_add(DdbTextSet *set, DdbText text); /* false: was there */
extern bool ddb_textset_has(const DdbTextSet *set, DdbText text);
extern void ddb_textset_free(DdbTextSet *set);

/* ---- base64 of B values; strictness is checked by shape.c on the way in ---- */

extern int	ddb_base64_decoded_size(const char *str, int len);
extern bytea *ddb_base64_decode(const char *str, int len);	/* ERROR when malformed */
extern char *ddb_base64_encode(const uint8 *raw, int len, int *out_len);
extern bool ddb_base64_is_canonical(const char *str, int len);

#endif							/* DDB_ATTRVAL_H */
