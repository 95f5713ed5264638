/*
 * plainjson.h
 *	  Items as plain JSON, without type tags, and back.
 *
 *		S					string
 *		N					number, all digits kept
 *		BOOL, NULL			true or false, null
 *		L, M				array, object
 *		B					{"$binary": "<base64>"}
 *		SS					{"$stringSet": ["a", "b"]}
 *		NS					{"$numberSet": [1, 2]}
 *		BS					{"$binarySet": ["<base64>"]}
 *		M of one member whose name begins with "$"
 *							{"$map": {"$...": ...}}
 *
 * On the way back an object of one member is one of the last five forms if
 * its name is one of these five; any other object is a map.  The attributes
 * of an item are never taken for a form, whatever their names.  Item to plain
 * to item is the identity (members of sets keep their order).
 */
#ifndef DDB_PLAINJSON_H
#define DDB_PLAINJSON_H

#include "attrval.h"

/*
 * Trees: leaves point into the source or are palloc'd.  Items and values to
 * be read must be in stored form.
 */
extern void ddb_item_to_plain_tree(DdbDoc item, JsonbValue *out);
extern void ddb_value_to_plain_tree(const DdbValue *value, JsonbValue *out);

/*
 * The inverse.  Numbers become canonical; a number that DynamoDB cannot hold
 * and a malformed form raise ValidationException.  The rest of validation
 * (names, nesting, sets, base64) is done by the Jsonb flavours only.
 */
extern void ddb_plain_to_item_tree(DdbDoc plain, JsonbValue *out);
extern void ddb_plain_to_value_tree(const JsonbValue *plain, JsonbValue *out);

extern Jsonb *ddb_item_to_plain(DdbDoc item);

/* stored form, validated as a request's values are: ValidationException */
extern Jsonb *ddb_plain_to_item(DdbDoc plain);
extern Jsonb *ddb_plain_to_value(const JsonbValue *plain);

#endif							/* DDB_PLAINJSON_H */
