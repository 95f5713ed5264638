/*
 * attrval_check.c
 *	  Attribute values as a caller sent them: validation and stored form.
 *
 * One walk checks a value and finds out whether it already is in stored form,
 * which it nearly always is; only then a second walk builds the stored form.
 * A document that was written by hand may also hold payloads of wrong JSON
 * types, malformed base64 and malformed escapes, so nothing is taken for
 * granted here.
 *
 * Each given type of a value is checked on its own before their number is.
 * The messages are DynamoDB's, without the prefixes that contexts add.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "attrval.h"
#include "error.h"
#include "number.h"

#define MSG_INVALID "One or more parameter values were invalid: "

#define MSG_EMPTY_VALUE \
	"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
#define MSG_MANY_TYPES \
	"Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
#define MSG_WRONG_TYPE \
	"Supplied AttributeValue has a member of the wrong type"
#define MSG_NULL_FALSE \
	MSG_INVALID "Null attribute value types must have the value of true"
#define MSG_EMPTY_SS	MSG_INVALID "An string set  may not be empty"
#define MSG_EMPTY_NS	MSG_INVALID "An number set  may not be empty"
#define MSG_EMPTY_BS	MSG_INVALID "Binary sets should not be empty"
#define MSG_DUPLICATE_NUMBERS	"Input collection contains duplicates"
#define MSG_NESTING \
	"Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
#define MSG_EMPTY_NAME	MSG_INVALID "Empty attribute name"
#define MSG_LONG_NAME \
	MSG_INVALID "Attribute name is too large, must be less than 65536 bytes"
#define MSG_BASE64_LENGTH \
	"Base64 encoded length is expected a multiple of 4 bytes but found: %d"
#define MSG_BASE64_DIGIT "Invalid last non-pad Base64 character dectected"
#define MSG_ESCAPE \
	MSG_INVALID "malformed escape of U+0000 in a string"

typedef struct CheckState
{
	DdbCheck	result;
	bool		stored;			/* explain what is not canonical */
} CheckState;

static bool check_value(CheckState *state, DdbDoc value, int depth);
static bool check_members(CheckState *state, DdbDoc members, int depth);

/* refuse: always returns false, so that checks can return its result */
static bool
refuse(CheckState *state, const char *message)
{
	state->result.message = message;
	return false;
}

/* refuse with one of the messages that ExclusiveStartKey does not prefix */
static bool
refuse_bare(CheckState *state, const char *message)
{
	state->result.bare = true;
	return refuse(state, message);
}

/*
 * The value is good but not in stored form; fmt, which takes text, says why.
 * Only the first reason is kept.
 */
static void
not_canonical(CheckState *state, const char *fmt, DdbText text)
{
	if (state->stored && state->result.canonical)
		state->result.detail = psprintf(fmt, text.len, text.str);
	state->result.canonical = false;
}

/* ---- payloads ---- */

static inline DdbText
string_of(const JsonbValue *value)
{
	DdbText		text;

	Assert(value->type == jbvString);
	text.str = value->val.string.val;
	text.len = value->val.string.len;
	return text;
}

/* text comes with its escapes; only jsonb from SQL can hold malformed ones */
static inline bool
check_text(CheckState *state, DdbText text)
{
	return ddb_text_is_valid(text.str, text.len) ||
		refuse(state, MSG_ESCAPE);
}

static bool
check_number(CheckState *state, DdbText text)
{
	DdbNumber	number;
	DdbNumberStatus status;

	if (ddb_number_is_canonical(text.str, text.len))
		return true;
	status = ddb_number_parse(text.str, text.len, &number);
	if (status != DDB_NUMBER_OK)
		return refuse_bare(state,
						   ddb_number_message(status, text.str, text.len));
	not_canonical(state, "The number \"%.*s\" is not in canonical form.", text);
	return true;
}

static inline bool
check_binary(CheckState *state, DdbText text)
{
	if (ddb_base64_is_canonical(text.str, text.len))
		return true;
	if (text.len % 4 != 0)
		return refuse(state, psprintf(MSG_BASE64_LENGTH, text.len));
	return refuse(state, MSG_BASE64_DIGIT);
}

/*
 * The boolean that JSON gives: itself, or one of the words that stand for it,
 * in any case; false when it is neither.
 */
static bool
coerce_boolean(const JsonbValue *payload, bool *out)
{
	static const struct
	{
		const char *word;
		bool		value;
	}			words[] = {
		{"true", true}, {"1", true}, {"yes", true},
		{"false", false}, {"0", false}, {"no", false},
	};
	DdbText		text;
	int			i;

	if (payload->type == jbvBool)
	{
		*out = payload->val.boolean;
		return true;
	}
	if (payload->type != jbvString)
		return false;
	text = string_of(payload);
	for (i = 0; i < lengthof(words); i++)
	{
		if (text.len == strlen(words[i].word) &&
			pg_strncasecmp(text.str, words[i].word, text.len) == 0)
		{
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

static bool
check_boolean(CheckState *state, DdbType type, const JsonbValue *payload)
{
	bool		value;

	if (!coerce_boolean(payload, &value))
		return refuse(state, MSG_WRONG_TYPE);
	if (type == DDB_NULL && !value)
		return refuse(state, MSG_NULL_FALSE);
	if (payload->type != jbvBool)
		not_canonical(state, "The string \"%.*s\" stands for a boolean.",
					  string_of(payload));
	return true;
}

/* ---- sets ---- */

static bool
refuse_empty_set(CheckState *state, DdbType type)
{
	if (type == DDB_NS)
		return refuse_bare(state, MSG_EMPTY_NS);
	return refuse(state, type == DDB_SS ? MSG_EMPTY_SS : MSG_EMPTY_BS);
}

/*
 * Refuse duplicates, for string and binary sets with all members printed in
 * the order sent.
 */
static bool
refuse_duplicates(CheckState *state, DdbType type, DdbDoc set)
{
	StringInfoData message;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	const char *separator = "";

	if (type == DDB_NS)
		return refuse_bare(state, MSG_DUPLICATE_NUMBERS);

	initStringInfo(&message);
	appendStringInfoString(&message, MSG_INVALID "Input collection [");
	ddb_doc_begin(&cursor, set);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		DdbText		text = string_of(&element);

		appendStringInfoString(&message, separator);
		appendBinaryStringInfo(&message, text.str, text.len);
		separator = ", ";
	}
	appendStringInfoString(&message, type == DDB_SS ? "] contains duplicates." :
						   "]of type BS contains duplicates.");
	return refuse_bare(state, message.data);
}

/* the one text of a number that passed its check */
static DdbText
canonical_number(DdbText text)
{
	DdbNumber	number;
	DdbText		result;
	char	   *buffer;

	if (ddb_number_is_canonical(text.str, text.len))
		return text;
	if (ddb_number_parse(text.str, text.len, &number) != DDB_NUMBER_OK)
		elog(ERROR, "number has not been checked");
	buffer = palloc(DDB_NUMBER_TEXT_MAX);
	result.len = ddb_number_print(&number, buffer);
	result.str = buffer;
	return result;
}

static inline bool
check_element(CheckState *state, DdbType type, const JsonbValue *element)
{
	if (element->type != jbvString)
		return refuse(state, MSG_WRONG_TYPE);
	if (type == DDB_SS)
		return check_text(state, string_of(element));
	if (type == DDB_NS)
		return check_number(state, string_of(element));
	return check_binary(state, string_of(element));
}

static bool
check_set(CheckState *state, DdbType type, DdbDoc set)
{
	DdbTextSet	seen;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	bool		unique = true;

	if (set.ptr == NULL || !ddb_doc_is_array(set))
		return refuse(state, MSG_WRONG_TYPE);
	if (ddb_doc_count(set) == 0)
		return refuse_empty_set(state, type);

	ddb_doc_begin(&cursor, set);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (!check_element(state, type, &element))
			return false;
	}

	if (ddb_doc_count(set) == 1)
		return true;
	ddb_textset_init(&seen, ddb_doc_count(set));
	ddb_doc_begin(&cursor, set);
	while (unique && ddb_doc_next(&cursor, &name, &element))
	{
		DdbText		text = string_of(&element);

		if (type == DDB_NS && !state->result.canonical)
			text = canonical_number(text);
		unique = ddb_textset_add(&seen, text);
	}
	ddb_textset_free(&seen);
	return unique || refuse_duplicates(state, type, set);
}

/* ---- values ---- */

static bool
check_list(CheckState *state, DdbDoc list, int depth)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (element.type == jbvNull)
			return refuse(state, MSG_EMPTY_VALUE);
		if (element.type != jbvBinary)
			return refuse(state, MSG_WRONG_TYPE);
		if (!check_value(state, ddb_doc_of(&element), depth))
			return false;
	}
	return true;
}

/* depth is the number of lists and maps around this one */
static bool
check_container(CheckState *state, DdbType type, DdbDoc container, int depth)
{
	check_stack_depth();

	if (container.ptr == NULL ||
		(type == DDB_L ? !ddb_doc_is_array(container) :
		 !ddb_doc_is_object(container)))
		return refuse(state, MSG_WRONG_TYPE);
	if (depth >= DDB_MAX_NESTING)
		return refuse(state, MSG_NESTING);
	return type == DDB_L ? check_list(state, container, depth + 1) :
		check_members(state, container, depth + 1);
}

static inline bool
check_payload(CheckState *state, DdbType type, const JsonbValue *payload,
			  int depth)
{
	switch (type)
	{
		case DDB_S:
			return payload->type == jbvString ?
				check_text(state, string_of(payload)) :
				refuse(state, MSG_WRONG_TYPE);
		case DDB_N:
			return payload->type == jbvString ?
				check_number(state, string_of(payload)) :
				refuse(state, MSG_WRONG_TYPE);
		case DDB_B:
			return payload->type == jbvString ?
				check_binary(state, string_of(payload)) :
				refuse(state, MSG_WRONG_TYPE);
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
			return check_set(state, type, ddb_doc_of(payload));
		case DDB_BOOL:
		case DDB_NULL:
			return check_boolean(state, type, payload);
		case DDB_L:
		case DDB_M:
			return check_container(state, type, ddb_doc_of(payload), depth);
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) type);
	return false;
}

/* whether a member of a sent value counts: a known tag that is not null */
static inline bool
is_type_member(DdbText tag, const JsonbValue *payload, DdbType *type)
{
	return payload->type != jbvNull &&
		ddb_type_parse(tag.str, tag.len, type);
}

/*
 * A value of several types is refused, but each of them is checked on its own
 * first, in this order.
 */
static bool
check_many_types(CheckState *state, DdbDoc value, int depth)
{
	static const DdbType order[] = {
		DDB_NULL, DDB_SS, DDB_NS, DDB_BS, DDB_N, DDB_S, DDB_B, DDB_BOOL,
		DDB_L, DDB_M
	};
	int			i;

	for (i = 0; i < lengthof(order); i++)
	{
		const char *tag = ddb_type_name(order[i]);
		JsonbValue	payload;

		if (!ddb_doc_get(value, tag, strlen(tag), &payload) ||
			payload.type == jbvNull)
			continue;
		if (!check_payload(state, order[i], &payload, depth))
			return false;
	}
	return refuse(state, MSG_MANY_TYPES);
}

static bool
check_value(CheckState *state, DdbDoc value, int depth)
{
	DdbType		type = DDB_NULL;
	JsonbValue	payload;
	int			types = 0;
	int			count;
	int			i;

	if (value.ptr == NULL || !ddb_doc_is_object(value))
		return refuse(state, MSG_WRONG_TYPE);

	count = ddb_doc_count(value);
	for (i = 0; i < count; i++)
	{
		DdbText		tag;
		JsonbValue	member;
		DdbType		member_type;

		ddb_doc_pair(value, i, &tag, &member);
		if (!is_type_member(tag, &member, &member_type))
		{
			not_canonical(state, "The member \"%.*s\" of a value is null or not a type.",
						  tag);
			continue;
		}
		types++;
		type = member_type;
		payload = member;
	}
	if (types == 1)
		return check_payload(state, type, &payload, depth);
	return types == 0 ? refuse(state, MSG_EMPTY_VALUE) :
		check_many_types(state, value, depth);
}

static inline bool
check_name(CheckState *state, DdbText name)
{
	if (name.len == 0)
		return refuse(state, MSG_EMPTY_NAME);
	if (name.len > DDB_MAX_NAME_SIZE &&
		ddb_text_decoded_size(name.str, name.len) > DDB_MAX_NAME_SIZE)
		return refuse(state, MSG_LONG_NAME);
	return check_text(state, name);
}

/* attributes of an item or members of a map */
static bool
check_members(CheckState *state, DdbDoc members, int depth)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	ddb_doc_begin(&cursor, members);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (value.type == jbvNull)
		{
			not_canonical(state, "The attribute \"%.*s\" is a JSON null.", name);
			continue;
		}
		if (!check_name(state, name))
			return false;
		if (!check_value(state, ddb_doc_of(&value), depth))
			return false;
	}
	return true;
}

static void
begin_check(CheckState *state, bool stored)
{
	memset(state, 0, sizeof(CheckState));
	state->result.canonical = true;
	state->stored = stored;
}

static DdbCheck
check_item(DdbDoc item, bool stored)
{
	CheckState	state;

	begin_check(&state, stored);
	if (ddb_item_is_stored(item))
		return state.result;
	if (item.ptr == NULL || !ddb_doc_is_object(item))
		refuse(&state, MSG_WRONG_TYPE);
	else
		check_members(&state, item, 0);
	return state.result;
}

/*
 * ddb_value_check: whether one value as sent is good, and whether it is in
 * stored form.  Members that are null or not a type are passed over; malformed
 * escapes of U+0000 are refused.
 */
DdbCheck
ddb_value_check(const JsonbValue *sent)
{
	CheckState	state;

	begin_check(&state, false);
	if (sent->type == jbvNull)
		refuse(&state, MSG_EMPTY_VALUE);
	else
		check_value(&state, ddb_doc_of(sent), 0);
	return state.result;
}

/*
 * ddb_item_check: the same for all values of a map, such as Item or Key, and
 * for their names; the first error wins.
 */
DdbCheck
ddb_item_check(DdbDoc sent)
{
	return check_item(sent, false);
}

/*
 * ddb_value_check_stored: ddb_value_check for a value that ought to be in
 * stored form: malformed escapes are refused, and detail tells what is not
 * canonical.
 */
DdbCheck
ddb_value_check_stored(DdbDoc value)
{
	CheckState	state;

	begin_check(&state, true);
	check_value(&state, value, 0);
	return state.result;
}

DdbCheck
ddb_item_check_stored(DdbDoc item)
{
	return check_item(item, true);
}

/* ---- stored form ---- */

static void stored_value(DdbDoc sent, JsonbValue *out);

static void
stored_number_set(DdbDoc sent, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_json_array(out, ddb_doc_count(sent));
	ddb_doc_begin(&cursor, sent);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		DdbText		text = canonical_number(string_of(&element));

		ddb_json_string(&element, text.str, text.len);
		ddb_json_append(out, &element);
	}
}

static void
stored_list(DdbDoc sent, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	JsonbValue	stored;

	ddb_json_array(out, ddb_doc_count(sent));
	ddb_doc_begin(&cursor, sent);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		stored_value(ddb_doc_of(&element), &stored);
		ddb_json_append(out, &stored);
	}
}

static void
stored_members(DdbDoc sent, JsonbValue *out)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;
	JsonbValue	stored;

	ddb_json_object(out, ddb_doc_count(sent));
	ddb_doc_begin(&cursor, sent);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		if (value.type == jbvNull)
			continue;
		stored_value(ddb_doc_of(&value), &stored);
		ddb_json_add(out, name.str, name.len, &stored);
	}
}

static void
stored_payload(DdbType type, const JsonbValue *sent, JsonbValue *out)
{
	bool		boolean;
	DdbText		text;

	switch (type)
	{
		case DDB_S:
		case DDB_B:
		case DDB_SS:
		case DDB_BS:
			*out = *sent;
			return;
		case DDB_N:
			text = canonical_number(string_of(sent));
			ddb_json_string(out, text.str, text.len);
			return;
		case DDB_NS:
			stored_number_set(ddb_doc_of(sent), out);
			return;
		case DDB_BOOL:
		case DDB_NULL:
			if (!coerce_boolean(sent, &boolean))
				elog(ERROR, "boolean has not been checked");
			ddb_json_bool(out, boolean);
			return;
		case DDB_L:
			stored_list(ddb_doc_of(sent), out);
			return;
		case DDB_M:
			stored_members(ddb_doc_of(sent), out);
			return;
	}
	elog(ERROR, "unrecognized attribute type: %d", (int) type);
}

/*
 * Tree of the stored form of a value that passed its check, so its depth is
 * bounded and exactly one member counts.
 */
static void
stored_value(DdbDoc sent, JsonbValue *out)
{
	int			count = ddb_doc_count(sent);
	int			i;

	check_stack_depth();
	for (i = 0; i < count; i++)
	{
		DdbText		tag;
		JsonbValue	payload;
		JsonbValue	stored;
		DdbType		type;

		ddb_doc_pair(sent, i, &tag, &payload);
		if (!is_type_member(tag, &payload, &type))
			continue;
		stored_payload(type, &payload, &stored);
		ddb_json_object(out, 1);
		ddb_json_add(out, tag.str, tag.len, &stored);
		return;
	}
	elog(ERROR, "attribute value has not been checked");
}

/*
 * ddb_value_canonical: stored form of a value that passed ddb_value_check,
 * palloc'd.
 */
Jsonb *
ddb_value_canonical(const JsonbValue *sent)
{
	JsonbValue	tree;

	stored_value(ddb_doc_of(sent), &tree);
	return ddb_json_encode(&tree);
}

/*
 * ddb_item_canonical: the same for a map that passed ddb_item_check.
 */
Jsonb *
ddb_item_canonical(DdbDoc sent)
{
	JsonbValue	tree;

	stored_members(sent, &tree);
	return ddb_json_encode(&tree);
}

/*
 * ddb_item_accept: stored form of a map as sent, palloc'd; ValidationException
 * with the message of its first error.
 */
Jsonb *
ddb_item_accept(DdbDoc sent)
{
	DdbCheck	check = ddb_item_check(sent);

	if (check.message != NULL)
		ddb_validation_error("%s", check.message);
	return check.canonical ? ddb_doc_copy(sent) : ddb_item_canonical(sent);
}
