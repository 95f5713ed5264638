/*
 * plainjson.c
 *	  Items as plain JSON, without type tags, and back.
 *
 * For people at a SQL prompt.  JSON has no binaries and no sets, so these are
 * objects of one member with a reserved name; a map that would look like one
 * of them is wrapped by another (plainjson.h has the table).
 *
 * What JSON gives is turned into stored form by these rules alone; validity
 * is judged by the same check as for values of a request.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "error.h"
#include "number.h"
#include "plainjson.h"

#define MAP_FORM	"$map"

typedef struct PlainForm
{
	const char *name;
	DdbType		type;
} PlainForm;

static const PlainForm forms[] = {
	{"$binary", DDB_B},
	{"$stringSet", DDB_SS},
	{"$numberSet", DDB_NS},
	{"$binarySet", DDB_BS},
	{MAP_FORM, DDB_M},
};

static const PlainForm *
form_of_type(DdbType type)
{
	int			i;

	for (i = 0; i < lengthof(forms); i++)
	{
		if (forms[i].type == type)
			return &forms[i];
	}
	elog(ERROR, "attribute type %s has no form", ddb_type_name(type));
	return NULL;
}

static const PlainForm *
form_of_name(DdbText name)
{
	int			i;

	for (i = 0; i < lengthof(forms); i++)
	{
		if (name.len == strlen(forms[i].name) &&
			memcmp(name.str, forms[i].name, name.len) == 0)
			return &forms[i];
	}
	return NULL;
}

/* an object of one member */
static void
wrap(const char *name, const JsonbValue *payload, JsonbValue *out)
{
	ddb_json_object(out, 1);
	ddb_json_add_value(out, name, payload);
}

/* ---- to plain ---- */

static void
number_to_plain(DdbText number, JsonbValue *out)
{
	char	   *text = pnstrdup(number.str, number.len);

	out->type = jbvNumeric;
	out->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											ObjectIdGetDatum(InvalidOid),
											Int32GetDatum(-1)));
	pfree(text);
}

static void
number_set_to_plain(const DdbValue *set, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_json_array(out, ddb_doc_count(set->doc));
	ddb_doc_begin(&cursor, set->doc);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		DdbText		text = {element.val.string.val, element.val.string.len};

		if (element.type != jbvString)
			elog(ERROR, "number set is not in stored form");
		number_to_plain(text, &element);
		ddb_json_append(out, &element);
	}
}

/* an attribute value that is a child of its item, map or list */
static void
child_to_plain(const JsonbValue *child, JsonbValue *out)
{
	DdbValue	value;

	ddb_value_open(ddb_doc_of(child), &value);
	ddb_value_to_plain_tree(&value, out);
}

static void
members_to_plain(DdbDoc members, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	JsonbValue	plain;

	ddb_json_object(out, ddb_doc_count(members));
	ddb_doc_begin(&cursor, members);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		child_to_plain(&child, &plain);
		ddb_json_add(out, name.str, name.len, &plain);
	}
}

static void
list_to_plain(DdbDoc list, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	JsonbValue	plain;

	ddb_json_array(out, ddb_doc_count(list));
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		child_to_plain(&child, &plain);
		ddb_json_append(out, &plain);
	}
}

/* whether a map could be taken for a form, now or in a later release */
static bool
looks_like_form(DdbDoc map)
{
	DdbText		name;
	JsonbValue	value;

	if (ddb_doc_count(map) != 1)
		return false;
	ddb_doc_pair(map, 0, &name, &value);
	return name.len > 0 && name.str[0] == '$';
}

static void
map_to_plain(DdbDoc map, JsonbValue *out)
{
	JsonbValue	members;

	members_to_plain(map, &members);
	if (looks_like_form(map))
		wrap(MAP_FORM, &members, out);
	else
		*out = members;
}

/*
 * ddb_value_to_plain_tree: the plain JSON of a stored value.
 */
void
ddb_value_to_plain_tree(const DdbValue *value, JsonbValue *out)
{
	JsonbValue	payload;

	check_stack_depth();
	switch (value->type)
	{
		case DDB_S:
			ddb_json_string(out, value->text.str, value->text.len);
			return;
		case DDB_N:
			number_to_plain(value->text, out);
			return;
		case DDB_B:
			ddb_json_string(&payload, value->text.str, value->text.len);
			break;
		case DDB_SS:
		case DDB_BS:
			ddb_json_doc(&payload, value->doc);
			break;
		case DDB_NS:
			number_set_to_plain(value, &payload);
			break;
		case DDB_BOOL:
			ddb_json_bool(out, value->boolean);
			return;
		case DDB_NULL:
			out->type = jbvNull;
			return;
		case DDB_L:
			list_to_plain(value->doc, out);
			return;
		case DDB_M:
			map_to_plain(value->doc, out);
			return;
	}
	wrap(form_of_type(value->type)->name, &payload, out);
}

/*
 * ddb_item_to_plain_tree: an item as an object of attribute name to plain
 * JSON.
 */
void
ddb_item_to_plain_tree(DdbDoc item, JsonbValue *out)
{
	members_to_plain(item, out);
}

/*
 * ddb_item_to_plain: the same as a palloc'd datum.
 */
Jsonb *
ddb_item_to_plain(DdbDoc item)
{
	JsonbValue	tree;

	members_to_plain(item, &tree);
	return ddb_json_encode(&tree);
}

/* ---- from plain ---- */

/*
 * Canonical text of a JSON number as a string leaf; ValidationException for a
 * number beyond DynamoDB's range or precision.
 */
static void
number_from_plain(Numeric numeric, JsonbValue *out)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out,
														   NumericGetDatum(numeric)));
	int			len = strlen(text);
	DdbNumber	number;
	DdbNumberStatus status;

	if (!ddb_number_is_canonical(text, len))
	{
		status = ddb_number_parse(text, len, &number);
		if (status != DDB_NUMBER_OK)
			ddb_validation_error("%s", ddb_number_message(status, text, len));
		text = palloc(DDB_NUMBER_TEXT_MAX);
		len = ddb_number_print(&number, text);
	}
	ddb_json_string(out, text, len);
}

static void
malformed_form(const PlainForm *form, const char *wanted)
{
	ddb_validation_error("Plain JSON member %s must be %s", form->name, wanted);
}

static void
set_from_plain(const PlainForm *form, DdbDoc set, JsonbValue *out)
{
	bool		numbers = form->type == DDB_NS;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_json_array(out, ddb_doc_count(set));
	ddb_doc_begin(&cursor, set);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (element.type != (numbers ? jbvNumeric : jbvString))
			malformed_form(form, numbers ? "an array of numbers" :
						   "an array of strings");
		if (numbers)
			number_from_plain(element.val.numeric, &element);
		ddb_json_append(out, &element);
	}
}

static void
members_from_plain(DdbDoc plain, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	JsonbValue	value;

	ddb_json_object(out, ddb_doc_count(plain));
	ddb_doc_begin(&cursor, plain);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		ddb_plain_to_value_tree(&child, &value);
		ddb_json_add(out, name.str, name.len, &value);
	}
}

static void
list_from_plain(DdbDoc plain, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	JsonbValue	value;

	ddb_json_array(out, ddb_doc_count(plain));
	ddb_doc_begin(&cursor, plain);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		ddb_plain_to_value_tree(&child, &value);
		ddb_json_append(out, &value);
	}
}

/* the payload of a form, from what its one member holds */
static void
form_from_plain(const PlainForm *form, const JsonbValue *member,
				JsonbValue *out)
{
	DdbDoc		doc = ddb_doc_of(member);

	if (form->type == DDB_B)
	{
		if (member->type != jbvString)
			malformed_form(form, "a string of base64");
		*out = *member;
		return;
	}
	if (form->type == DDB_M)
	{
		if (doc.ptr == NULL || !ddb_doc_is_object(doc))
			malformed_form(form, "an object");
		members_from_plain(doc, out);
		return;
	}
	if (doc.ptr == NULL || !ddb_doc_is_array(doc))
		malformed_form(form, "an array");
	set_from_plain(form, doc, out);
}

/* payload of an object or array; returns its type */
static DdbType
container_from_plain(DdbDoc plain, JsonbValue *out)
{
	const PlainForm *form = NULL;
	DdbText		name;
	JsonbValue	member;

	if (ddb_doc_is_array(plain))
	{
		list_from_plain(plain, out);
		return DDB_L;
	}
	if (ddb_doc_count(plain) == 1)
	{
		ddb_doc_pair(plain, 0, &name, &member);
		form = form_of_name(name);
	}
	if (form == NULL)
	{
		members_from_plain(plain, out);
		return DDB_M;
	}
	form_from_plain(form, &member, out);
	return form->type;
}

/*
 * ddb_plain_to_value_tree: the attribute value that plain JSON stands for.
 */
void
ddb_plain_to_value_tree(const JsonbValue *plain, JsonbValue *out)
{
	DdbType		type = DDB_NULL;
	JsonbValue	payload;

	check_stack_depth();
	switch (plain->type)
	{
		case jbvNull:
			ddb_json_bool(&payload, true);
			break;
		case jbvString:
			type = DDB_S;
			payload = *plain;
			break;
		case jbvNumeric:
			type = DDB_N;
			number_from_plain(plain->val.numeric, &payload);
			break;
		case jbvBool:
			type = DDB_BOOL;
			payload = *plain;
			break;
		case jbvBinary:
			type = container_from_plain(ddb_doc_of(plain), &payload);
			break;
		case jbvArray:
		case jbvObject:
		case jbvDatetime:
			elog(ERROR, "unrecognized jsonb value type: %d", (int) plain->type);
	}
	wrap(ddb_type_name(type), &payload, out);
}

/*
 * ddb_plain_to_item_tree: the item that an object of plain JSON stands for;
 * ValidationException when plain is no object.
 */
void
ddb_plain_to_item_tree(DdbDoc plain, JsonbValue *out)
{
	if (plain.ptr == NULL || !ddb_doc_is_object(plain))
		ddb_validation_error("An item must be a JSON object");
	members_from_plain(plain, out);
}

/*
 * ddb_plain_to_item: the same, validated, in stored form, palloc'd.
 */
Jsonb *
ddb_plain_to_item(DdbDoc plain)
{
	JsonbValue	tree;
	Jsonb	   *item;
	DdbCheck	check;

	ddb_plain_to_item_tree(plain, &tree);
	item = ddb_json_encode(&tree);
	check = ddb_item_check_stored(ddb_doc_root(item));
	if (check.message != NULL)
		ddb_validation_error("%s", check.message);
	return item;
}

/*
 * ddb_plain_to_value: the attribute value that plain JSON stands for,
 * validated, in stored form, palloc'd.
 */
Jsonb *
ddb_plain_to_value(const JsonbValue *plain)
{
	JsonbValue	tree;
	Jsonb	   *value;
	DdbCheck	check;

	ddb_plain_to_value_tree(plain, &tree);
	value = ddb_json_encode(&tree);
	check = ddb_value_check_stored(ddb_doc_root(value));
	if (check.message != NULL)
		ddb_validation_error("%s", check.message);
	return value;
}
