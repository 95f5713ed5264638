/*
 * shape.c
 *	  Checks a request against its shape, as the service's front door does.
 *
 * Two passes walk the same tables.  The first looks at JSON types only and
 * raises SerializationException for the first member, in model order, that
 * has a wrong one.  The second collects violated constraints, ten at most,
 * into one ValidationException.  A request without faults costs neither
 * memory nor formatting: paths are nodes on the C stack, and are written out
 * only when there is something to report.
 *
 * JSON null stands for an absent member.  Members that a shape does not know
 * are ignored.  Attribute values get their types checked here (they can be
 * nested, and are the bulk of most requests); whether they are good values is
 * not this file's business, nor is anything that needs a table definition.
 *
 * After both passes handlers may rely on this: every known member has the
 * type of its shape, and no element of a list or map of the request is null,
 * except where attribute values stand.
 */
#include "postgres.h"

#include "attrval.h"
#include "error.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shape.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* deeper values are left to the check of values, which refuses them */
#define MAX_TYPED_NESTING	40

#define MAX_VIOLATIONS		10

#define MODEL_PACKAGE		"com.amazonaws.dynamodb.v20120810."
#define NOT_A_STRUCTURE		"Start of structure or map found where not expected"

/* where a value stands decides some of the texts */
typedef enum Position
{
	POSITION_MEMBER,			/* of a structure */
	POSITION_ELEMENT			/* of a list, or value of a map */
} Position;

static void check_type(const DdbShape *shape, const JsonbValue *value,
					   Position position, int nesting);

/* ---- the shapes of attribute values ---- */

static const DdbShape string_shape = {.kind = DDB_SHAPE_STRING};
static const DdbShape blob_shape = {.kind = DDB_SHAPE_BLOB};
static const DdbShape boolean_shape = {.kind = DDB_SHAPE_BOOLEAN};
static const DdbShape value_shape = {
	.kind = DDB_SHAPE_ATTRIBUTE_VALUE, .name = "AttributeValue"
};
static const DdbShape string_set_shape = {
	.kind = DDB_SHAPE_LIST, .element = &string_shape
};
static const DdbShape blob_set_shape = {
	.kind = DDB_SHAPE_LIST, .element = &blob_shape
};
static const DdbShape value_list_shape = {
	.kind = DDB_SHAPE_LIST, .element = &value_shape
};
static const DdbShape value_map_shape = {
	.kind = DDB_SHAPE_MAP, .element = &value_shape
};

static const DdbShape *const payload_shapes[DDB_TYPES] = {
	[DDB_S] = &string_shape,
	[DDB_N] = &string_shape,
	[DDB_B] = &blob_shape,
	[DDB_SS] = &string_set_shape,
	[DDB_NS] = &string_set_shape,
	[DDB_BS] = &blob_set_shape,
	[DDB_BOOL] = &boolean_shape,
	[DDB_NULL] = &boolean_shape,
	[DDB_L] = &value_list_shape,
	[DDB_M] = &value_map_shape,
};

/* order of the service model, in which the first type error is found */
static const DdbType model_order[DDB_TYPES] = {
	DDB_S, DDB_N, DDB_B, DDB_SS, DDB_NS, DDB_BS, DDB_M, DDB_L, DDB_NULL,
	DDB_BOOL
};

/* ---- first pass: types ---- */

/* The class name by which the service's messages call a kind of scalar. */
static const char *
scalar_class(DdbShapeKind kind)
{
	switch (kind)
	{
		case DDB_SHAPE_STRING:
			return "String";
		case DDB_SHAPE_BOOLEAN:
			return "Boolean";
		case DDB_SHAPE_INTEGER:
			return "Integer";
		case DDB_SHAPE_LONG:
			return "Long";
		case DDB_SHAPE_DOUBLE:
			return "Double";
		case DDB_SHAPE_TIMESTAMP:
			return "Date";
		case DDB_SHAPE_BLOB:
		case DDB_SHAPE_LIST:
		case DDB_SHAPE_MAP:
		case DDB_SHAPE_STRUCTURE:
		case DDB_SHAPE_ATTRIBUTE_VALUE:
			break;
	}
	elog(ERROR, "shape kind %d is not a scalar", (int) kind);
	return NULL;
}

/* The package and class of a kind of scalar. */
static const char *
qualified_scalar_class(DdbShapeKind kind)
{
	if (kind == DDB_SHAPE_BLOB)
		return "java.nio.ByteBuffer";
	if (kind == DDB_SHAPE_TIMESTAMP)
		return "java.util.Date";
	return psprintf("java.lang.%s", scalar_class(kind));
}

/* The service's name for the JSON token of a scalar. */
static const char *
token_name(const JsonbValue *value)
{
	Datum		scale;

	if (value->type == jbvString)
		return "STRING_VALUE";
	if (value->type == jbvBool)
		return value->val.boolean ? "TRUE_VALUE" : "FALSE_VALUE";

	Assert(value->type == jbvNumeric);
	scale = DirectFunctionCall1(numeric_scale,
								NumericGetDatum(value->val.numeric));
	return DatumGetInt32(scale) > 0 ? "DECIMAL_VALUE" : "NUMBER_VALUE";
}

/* value is not of the scalar kind expected: raise the text for that. */
static void
refuse_scalar(DdbShapeKind kind, const JsonbValue *value)
{
	if (value->type == jbvBinary)
	{
		if (ddb_doc_is_array(ddb_doc_of(value)))
			ddb_error(DDB_SERIALIZATION,
					  "Unrecognized collection type class %s",
					  qualified_scalar_class(kind));
		ddb_error(DDB_SERIALIZATION, NOT_A_STRUCTURE);
	}
	if (kind == DDB_SHAPE_BLOB)
		ddb_error(DDB_SERIALIZATION,
				  "only base-64-encoded strings are convertible to bytes");
	if (kind == DDB_SHAPE_BOOLEAN && value->type == jbvString)
		ddb_error(DDB_SERIALIZATION,
				  "Unexpected token received from parser");
	ddb_error(DDB_SERIALIZATION, "%s cannot be converted to %s",
			  token_name(value), scalar_class(kind));
}

/* Blobs are base64 whose length and padding bits are checked strictly. */
static void
check_blob(const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_scalar(DDB_SHAPE_BLOB, value);
	if (value->val.string.len % 4 != 0)
		ddb_error(DDB_SERIALIZATION,
				  "Base64 encoded length is expected a multiple of 4 bytes but found: %d",
				  value->val.string.len);
	if (!ddb_base64_is_canonical(value->val.string.val,
								 value->val.string.len))
		ddb_error(DDB_SERIALIZATION,
				  "Invalid last non-pad Base64 character dectected");
}

/* How the service prints the class of a map's values. */
static char *
map_value_class(const DdbShape *shape)
{
	switch (shape->kind)
	{
		case DDB_SHAPE_LIST:
			return psprintf("java.util.List<%s>",
							map_value_class(shape->element));
		case DDB_SHAPE_MAP:
			return psprintf("java.util.Map<java.lang.String, %s>",
							map_value_class(shape->element));
		case DDB_SHAPE_STRUCTURE:
		case DDB_SHAPE_ATTRIBUTE_VALUE:
			return psprintf(MODEL_PACKAGE "%s", shape->name);
		case DDB_SHAPE_STRING:
		case DDB_SHAPE_BOOLEAN:
		case DDB_SHAPE_INTEGER:
		case DDB_SHAPE_LONG:
		case DDB_SHAPE_DOUBLE:
		case DDB_SHAPE_TIMESTAMP:
		case DDB_SHAPE_BLOB:
			break;
	}
	return pstrdup(qualified_scalar_class(shape->kind));
}

/* A scalar stands where shape expects a container. */
static void
refuse_for_container(const DdbShape *shape, Position position)
{
	if (position == POSITION_MEMBER)
		ddb_error(DDB_SERIALIZATION, "Unexpected field type");
	if (shape->kind == DDB_SHAPE_STRUCTURE ||
		shape->kind == DDB_SHAPE_ATTRIBUTE_VALUE)
		ddb_error(DDB_SERIALIZATION, "Unexpected value type in payload");
	ddb_error(DDB_SERIALIZATION,
			  "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl"
			  " cannot be cast to class java.lang.Class"
			  " (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl"
			  " and java.lang.Class are in module java.base"
			  " of loader 'bootstrap')");
}

/* value must be an array; its elements are checked too. */
static void
check_list_type(const DdbShape *shape, const JsonbValue *value,
				Position position, int nesting)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (value->type != jbvBinary)
		refuse_for_container(shape, position);
	if (ddb_doc_is_object(ddb_doc_of(value)))
		ddb_error(DDB_SERIALIZATION, NOT_A_STRUCTURE);

	ddb_doc_begin(&cursor, ddb_doc_of(value));
	while (ddb_doc_next(&cursor, &name, &element))
	{
		CHECK_FOR_INTERRUPTS();
		check_type(shape->element, &element, POSITION_ELEMENT, nesting);
	}
}

/* value must be an object, any names; its values are checked too. */
static void
check_map_type(const DdbShape *shape, const JsonbValue *value,
			   Position position, int nesting)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	if (value->type != jbvBinary)
		refuse_for_container(shape, position);
	if (!ddb_doc_is_object(ddb_doc_of(value)))
		ddb_error(DDB_SERIALIZATION,
				  "Unrecognized collection type java.util.Map<java.lang.String, %s>",
				  map_value_class(shape->element));
	if (shape->element->kind == DDB_SHAPE_ATTRIBUTE_VALUE &&
		ddb_item_is_stored(ddb_doc_of(value)))
		return;

	ddb_doc_begin(&cursor, ddb_doc_of(value));
	while (ddb_doc_next(&cursor, &name, &element))
	{
		CHECK_FOR_INTERRUPTS();
		check_type(shape->element, &element, POSITION_ELEMENT, nesting);
	}
}

/* The object that a structure or attribute value must be. */
static DdbDoc
expect_object(const DdbShape *shape, const JsonbValue *value,
			  Position position)
{
	DdbDoc		doc = ddb_doc_of(value);

	if (doc.ptr == NULL)
		refuse_for_container(shape, position);
	if (!ddb_doc_is_object(doc))
		ddb_error(DDB_SERIALIZATION,
				  "Unrecognized collection type class " MODEL_PACKAGE "%s",
				  shape->name);
	return doc;
}

/* Members in model order, whatever their order in the document. */
static void
check_member_types(const DdbShape *shape, DdbDoc doc, int nesting)
{
	const DdbMember *member;

	for (member = shape->members; member->name != NULL; member++)
	{
		JsonbValue	value;

		if (ddb_doc_get(doc, member->name, strlen(member->name), &value))
			check_type(member->shape, &value, POSITION_MEMBER, nesting);
	}
}

/*
 * Nearly every value is an object of one pair with a known tag.  Others may
 * hold several or none; that is an error only of a later check.
 */
static void
check_value_type(const JsonbValue *value, Position position, int nesting)
{
	DdbDoc		doc = expect_object(&value_shape, value, position);
	DdbType		type;
	JsonbValue	payload;
	int			i;

	if (nesting >= MAX_TYPED_NESTING)
		return;
	check_stack_depth();

	if (ddb_doc_count(doc) == 1)
	{
		DdbText		tag;

		ddb_doc_pair(doc, 0, &tag, &payload);
		if (ddb_type_parse(tag.str, tag.len, &type))
			check_type(payload_shapes[type], &payload, POSITION_MEMBER,
					   nesting + 1);
		return;
	}

	for (i = 0; i < DDB_TYPES; i++)
	{
		const char *tag;

		type = model_order[i];
		tag = ddb_type_name(type);
		if (ddb_doc_get(doc, tag, strlen(tag), &payload))
			check_type(payload_shapes[type], &payload, POSITION_MEMBER,
					   nesting + 1);
	}
}

/*
 * check_type raises SerializationException unless value, and all inside it,
 * has the type that shape demands at this position.  nesting counts the
 * attribute values around it.
 */
static void
check_type(const DdbShape *shape, const JsonbValue *value,
		   Position position, int nesting)
{
	bool		ignored;

	if (value->type == jbvNull)
		return;

	switch (shape->kind)
	{
		case DDB_SHAPE_STRING:
			if (value->type != jbvString)
				refuse_scalar(shape->kind, value);
			return;
		case DDB_SHAPE_BOOLEAN:
			if (!ddb_request_boolean(value, &ignored))
				refuse_scalar(shape->kind, value);
			return;
		case DDB_SHAPE_INTEGER:
		case DDB_SHAPE_LONG:
		case DDB_SHAPE_DOUBLE:
		case DDB_SHAPE_TIMESTAMP:
			if (value->type != jbvNumeric)
				refuse_scalar(shape->kind, value);
			return;
		case DDB_SHAPE_BLOB:
			check_blob(value);
			return;
		case DDB_SHAPE_LIST:
			check_list_type(shape, value, position, nesting);
			return;
		case DDB_SHAPE_MAP:
			check_map_type(shape, value, position, nesting);
			return;
		case DDB_SHAPE_STRUCTURE:
			check_member_types(shape, expect_object(shape, value, position),
							   nesting);
			return;
		case DDB_SHAPE_ATTRIBUTE_VALUE:
			check_value_type(value, position, nesting);
			return;
	}
	elog(ERROR, "unrecognized shape kind: %d", (int) shape->kind);
}

/* ---- second pass: printing what is reported ---- */

/* One step of a path; nodes live on the stack of the walk. */
typedef struct PathNode
{
	const struct PathNode *parent;	/* NULL at a member of the request */
	const char *name;			/* member or map key; NULL for list elements */
	int			name_len;		/* in bytes */
	int			index;			/* of a list element, 1-based */
	bool		member;			/* of a structure, else of a list or map */
} PathNode;

/*
 * Append a path, e.g. "keySchema.1.member.attributeName".  Members begin with
 * a lower-case letter unless as_sent.
 */
static void
append_path(StringInfo out, const PathNode *node, bool as_sent)
{
	if (node->parent != NULL)
	{
		append_path(out, node->parent, as_sent);
		appendStringInfoChar(out, '.');
	}
	if (node->member)
	{
		appendStringInfoChar(out, as_sent ? node->name[0] :
							 pg_ascii_tolower((unsigned char) node->name[0]));
		appendBinaryStringInfo(out, node->name + 1, node->name_len - 1);
		return;
	}
	if (node->name != NULL)
		appendBinaryStringInfo(out, node->name, node->name_len);
	else
		appendStringInfo(out, "%d", node->index);
	appendStringInfoString(out, ".member");
}

static void append_value(StringInfo out, const DdbShape *shape,
						 const JsonbValue *value);

/* "[a, b]" */
static void
append_list(StringInfo out, const DdbShape *shape, DdbDoc doc)
{
	const char *separator = "";
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	appendStringInfoChar(out, '[');
	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, separator);
		append_value(out, shape->element, &element);
		separator = ", ";
	}
	appendStringInfoChar(out, ']');
}

/* "{k=a, l=b}" */
static void
append_map(StringInfo out, const DdbShape *shape, DdbDoc doc)
{
	const char *separator = "";
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	appendStringInfoChar(out, '{');
	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfoString(out, separator);
		appendBinaryStringInfo(out, name.str, name.len);
		appendStringInfoChar(out, '=');
		append_value(out, shape->element, &element);
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

/* "KeySchemaElement(attributeName=a, keyType=HASH)" */
static void
append_structure(StringInfo out, const DdbShape *shape, DdbDoc doc)
{
	const char *separator = "";
	const DdbMember *member;

	appendStringInfo(out, "%s(", shape->name);
	for (member = shape->members; member->name != NULL; member++)
	{
		JsonbValue	value;

		if (!ddb_doc_get(doc, member->name, strlen(member->name), &value) ||
			value.type == jbvNull)
			continue;
		appendStringInfo(out, "%s%c%s=", separator,
						 pg_ascii_tolower((unsigned char) member->name[0]),
						 member->name + 1);
		append_value(out, member->shape, &value);
		separator = ", ";
	}
	appendStringInfoChar(out, ')');
}

/* "AttributeValue: {S:a}" */
static void
append_attribute_value(StringInfo out, DdbDoc doc)
{
	const char *separator = "";
	int			i;

	appendStringInfoString(out, "AttributeValue: {");
	for (i = 0; i < DDB_TYPES; i++)
	{
		const char *tag = ddb_type_name(model_order[i]);
		JsonbValue	payload;

		if (!ddb_doc_get(doc, tag, strlen(tag), &payload) ||
			payload.type == jbvNull)
			continue;
		appendStringInfo(out, "%s%s:", separator, tag);
		append_value(out, payload_shapes[model_order[i]], &payload);
		separator = ", ";
	}
	appendStringInfoChar(out, '}');
}

/* A scalar as it stands in messages, without quotes. */
static void
append_scalar(StringInfo out, const DdbShape *shape, const JsonbValue *value)
{
	if (value->type == jbvString)
		appendBinaryStringInfo(out, value->val.string.val,
							   value->val.string.len);
	else if (value->type == jbvBool)
		appendStringInfoString(out, value->val.boolean ? "true" : "false");
	else if (value->type == jbvNumeric &&
			 (shape->kind == DDB_SHAPE_INTEGER ||
			  shape->kind == DDB_SHAPE_LONG))
		appendStringInfo(out, INT64_FORMAT, ddb_request_integer(value));
	else if (value->type == jbvNumeric)
	{
		Datum		text = DirectFunctionCall1(numeric_out,
											   NumericGetDatum(value->val.numeric));

		appendStringInfoString(out, DatumGetCString(text));
	}
	else
		appendStringInfoString(out, "null");
}

/* A value as it stands in messages, whole, without quotes. */
static void
append_value(StringInfo out, const DdbShape *shape, const JsonbValue *value)
{
	DdbDoc		doc = ddb_doc_of(value);

	check_stack_depth();
	if (doc.ptr == NULL)
		append_scalar(out, shape, value);
	else if (shape->kind == DDB_SHAPE_LIST)
		append_list(out, shape, doc);
	else if (shape->kind == DDB_SHAPE_MAP)
		append_map(out, shape, doc);
	else if (shape->kind == DDB_SHAPE_STRUCTURE)
		append_structure(out, shape, doc);
	else if (shape->kind == DDB_SHAPE_ATTRIBUTE_VALUE)
		append_attribute_value(out, doc);
	else
		elog(ERROR, "unrecognized shape kind: %d", (int) shape->kind);
}

/* ---- second pass: constraints ---- */

/* What has been found so far; text is made with the first violation. */
typedef struct Violations
{
	int			count;
	StringInfoData text;
} Violations;

/* What is being checked, and how it is to be reported. */
typedef struct Subject
{
	const DdbShape *shape;
	const JsonbValue *value;	/* NULL where a required value is absent */
	const PathNode *path;
	bool		bare;			/* see DdbMember */
} Subject;

/*
 * Add an entry up to the name of the constraint, which the caller appends.
 * False once there are enough.
 */
static bool
begin_violation(Violations *found, const Subject *subject, bool bare)
{
	StringInfo	text = &found->text;

	if (found->count >= MAX_VIOLATIONS)
		return false;
	if (found->count++ == 0)
		initStringInfo(text);
	else
		appendStringInfoString(text, "; ");

	appendStringInfoString(text, "Value ");
	if (subject->value == NULL)
		appendStringInfoString(text, "null ");
	else if (!bare)
	{
		appendStringInfoChar(text, '\'');
		append_value(text, subject->shape, subject->value);
		appendStringInfoString(text, "' ");
	}
	appendStringInfoString(text, "at '");
	append_path(text, subject->path, bare);
	appendStringInfoString(text, "' failed to satisfy constraint: ");
	return true;
}

static void
report_text(Violations *found, const Subject *subject, const char *constraint)
{
	if (begin_violation(found, subject, false))
		appendStringInfoString(&found->text, constraint);
}

/* measure is "length" or "value", order "greater" or "less" */
static void
report_bound(Violations *found, const Subject *subject, const char *measure,
			 const char *order, int64 bound)
{
	if (begin_violation(found, subject, subject->bare))
		appendStringInfo(&found->text,
						 "Member must have %s %s than or equal to "
						 INT64_FORMAT, measure, order, bound);
}

static void
check_bounds(Violations *found, const Subject *subject, const char *measure,
			 int64 actual)
{
	const DdbShape *shape = subject->shape;

	if (shape->has_min && actual < shape->min)
		report_bound(found, subject, measure, "greater", shape->min);
	if (shape->has_max && actual > shape->max)
		report_bound(found, subject, measure, "less", shape->max);
}

/* ---- patterns: only those that requests use ---- */

static bool
matches_name(const char *str, int len)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		char		c = str[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			  (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
			return false;
	}
	return len > 0;
}

static bool
matches_print(const char *str, int len)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		if (str[i] < 0x20 || str[i] > 0x7e)
			return false;
	}
	return len > 0;
}

/* everything but control characters; blank ones are allowed */
static bool
matches_role(const char *str, int len)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		unsigned char c = str[i];

		if (c < 0x20 && c != '\r' && c != '\n' && c != '\t')
			return false;
	}
	return true;
}

typedef struct Pattern
{
	const char *text;			/* as in the shape tables */
	bool		(*matches) (const char *str, int len);
} Pattern;

static const Pattern patterns[] = {
	{.text = "[a-zA-Z0-9_.-]+", .matches = matches_name},
	{.text = "\\p{Print}+", .matches = matches_print},
	{.text = "[\\u0020-\\uD7FF\\uE000-\\uFFFD\\uD800\\uDC00-\\uDBFF\\uDFFF\\r\\n\\t]*",
	.matches = matches_role},
};

static bool
matches_pattern(const char *pattern, const char *str, int len)
{
	int			i;

	for (i = 0; i < lengthof(patterns); i++)
	{
		if (strcmp(patterns[i].text, pattern) == 0)
			return patterns[i].matches(str, len);
	}
	elog(ERROR, "unrecognized pattern: %s", pattern);
	return false;
}

/* ---- strings ---- */

static bool
is_enum_value(const char *const *values, const char *str, int len)
{
	for (; *values != NULL; values++)
	{
		if (strncmp(*values, str, len) == 0 && (*values)[len] == '\0')
			return true;
	}
	return false;
}

static void
report_enum(Violations *found, const Subject *subject)
{
	const char *const *value = subject->shape->values;
	StringInfo	text = &found->text;

	if (!begin_violation(found, subject, false))
		return;
	appendStringInfo(text, "Member must satisfy enum value set: [%s", *value);
	while (*++value != NULL)
		appendStringInfo(text, ", %s", *value);
	appendStringInfoChar(text, ']');
}

/* Length limits of the API count characters. */
static int64
character_count(const char *str, int len)
{
	return pg_mbstrlen_with_len(str, len);
}

static bool
is_arn(const char *str, int len)
{
	return len >= 4 && memcmp(str, "arn:", 4) == 0;
}

/*
 * Table names, which may be ARNs instead.  An empty name breaks one
 * constraint only.  False when the ordinary checks are still to be made.
 */
static bool
check_name_or_arn(Violations *found, const Subject *subject)
{
	const DdbShape *shape = subject->shape;
	const char *str = subject->value->val.string.val;
	int			len = subject->value->val.string.len;

	if (len == 0)
	{
		report_bound(found, subject, "length", "greater", 1);
		return true;
	}
	if (!is_arn(str, len))
		return false;
	if (character_count(str, len) > shape->arn_max)
		report_bound(found, subject, "length", "less", shape->arn_max);
	return true;
}

static void
check_string(Violations *found, const Subject *subject)
{
	const DdbShape *shape = subject->shape;
	const char *str = subject->value->val.string.val;
	int			len = subject->value->val.string.len;

	if (shape->values != NULL)
	{
		if (!is_enum_value(shape->values, str, len))
			report_enum(found, subject);
		return;
	}
	if (shape->arn_max > 0 && check_name_or_arn(found, subject))
		return;
	if (shape->pattern != NULL && !matches_pattern(shape->pattern, str, len) &&
		begin_violation(found, subject, false))
		appendStringInfo(&found->text,
						 "Member must satisfy regular expression pattern: %s",
						 shape->pattern);
	if (shape->has_min || shape->has_max)
		check_bounds(found, subject, "length", character_count(str, len));
}

/* ---- elements: constraints on them are reported at their list or map ---- */

/* Does an element or map key break a constraint of its own? */
static bool
element_is_bad(const DdbShape *shape, const char *str, int len, int64 length)
{
	if (shape->arn_max > 0 && is_arn(str, len))
		return length > shape->arn_max;
	return (shape->has_min && length < shape->min) ||
		(shape->has_max && length > shape->max) ||
		(shape->pattern != NULL && !matches_pattern(shape->pattern, str, len));
}

static bool
value_is_bad(const DdbShape *shape, const JsonbValue *value)
{
	if (value->type == jbvString)
		return element_is_bad(shape, value->val.string.val,
							  value->val.string.len,
							  character_count(value->val.string.val,
											  value->val.string.len));
	if (value->type == jbvBinary)
		return element_is_bad(shape, "", 0,
							  ddb_doc_count(ddb_doc_of(value)));
	return false;
}

static bool
has_own_constraint(const DdbShape *shape)
{
	return shape->has_min || shape->has_max || shape->pattern != NULL;
}

/* whose is "Map keys", "Map value" or "Member" */
static void
report_elements(Violations *found, const Subject *subject, const char *whose,
				const DdbShape *shape)
{
	StringInfo	text = &found->text;
	const char *separator = "";

	if (!begin_violation(found, subject, false))
		return;
	appendStringInfo(text, "%s must satisfy constraint: [", whose);
	if (shape->has_max)
	{
		appendStringInfo(text, "Member must have length less than or equal to "
						 INT64_FORMAT, shape->max);
		separator = ", ";
	}
	if (shape->has_min)
	{
		appendStringInfo(text,
						 "%sMember must have length greater than or equal to "
						 INT64_FORMAT, separator, shape->min);
		separator = ", ";
	}
	if (shape->pattern != NULL)
		appendStringInfo(text,
						 "%sMember must satisfy regular expression pattern: %s",
						 separator, shape->pattern);
	appendStringInfoChar(text, ']');
}

static void
check_map_keys(Violations *found, const Subject *subject)
{
	const DdbShape *shape = subject->shape->map_key;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_doc_begin(&cursor, ddb_doc_of(subject->value));
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (element_is_bad(shape, name.str, name.len,
						   character_count(name.str, name.len)))
		{
			report_elements(found, subject, "Map keys", shape);
			return;
		}
	}
}

static void
check_element_constraints(Violations *found, const Subject *subject)
{
	const DdbShape *shape = subject->shape->element;
	bool		is_map = subject->shape->kind == DDB_SHAPE_MAP;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_doc_begin(&cursor, ddb_doc_of(subject->value));
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (value_is_bad(shape, &element))
		{
			report_elements(found, subject, is_map ? "Map value" : "Member",
							shape);
			return;
		}
	}
}

/* ---- the walk ---- */

static void check_inside(Violations *found, const Subject *subject);

/* The constraints that a member reports at its own path. */
static void
check_own(Violations *found, const Subject *subject)
{
	const JsonbValue *value = subject->value;

	switch (subject->shape->kind)
	{
		case DDB_SHAPE_STRING:
			check_string(found, subject);
			return;
		case DDB_SHAPE_INTEGER:
		case DDB_SHAPE_LONG:
			if (subject->shape->has_min || subject->shape->has_max)
				check_bounds(found, subject, "value",
							 ddb_request_integer(value));
			return;
		case DDB_SHAPE_LIST:
		case DDB_SHAPE_MAP:
			check_bounds(found, subject, "length",
						 ddb_doc_count(ddb_doc_of(value)));
			return;
		case DDB_SHAPE_BOOLEAN:
		case DDB_SHAPE_DOUBLE:
		case DDB_SHAPE_TIMESTAMP:
		case DDB_SHAPE_BLOB:
		case DDB_SHAPE_STRUCTURE:
		case DDB_SHAPE_ATTRIBUTE_VALUE:
			return;
	}
	elog(ERROR, "unrecognized shape kind: %d", (int) subject->shape->kind);
}

/*
 * The members of a structure, in model order; their types as well where those
 * have not been checked.
 */
static void
check_members(Violations *found, const DdbShape *shape, DdbDoc doc,
			  const PathNode *path, bool check_types)
{
	const DdbMember *member;

	for (member = shape->members; member->name != NULL; member++)
	{
		JsonbValue	value;
		PathNode	node = {.parent = path, .name = member->name,
		.name_len = strlen(member->name), .member = true};
		Subject		subject = {.shape = member->shape, .value = &value,
		.path = &node, .bare = member->bare};

		if (!ddb_doc_get(doc, node.name, node.name_len, &value) ||
			value.type == jbvNull)
		{
			subject.value = NULL;
			if (member->required &&
				!(member->unless && ddb_request_has(doc, member->unless)))
				report_text(found, &subject, "Member must not be null");
			continue;
		}
		if (check_types)
			check_type(member->shape, &value, POSITION_MEMBER, 0);
		check_own(found, &subject);
		check_inside(found, &subject);
	}
}

/* Each element of a list or map: not null, and whatever is inside it. */
static void
check_elements(Violations *found, const Subject *subject)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;
	PathNode	node = {.parent = subject->path};
	Subject		element = {.shape = subject->shape->element, .path = &node};

	ddb_doc_begin(&cursor, ddb_doc_of(subject->value));
	while (ddb_doc_next(&cursor, &name, &value))
	{
		CHECK_FOR_INTERRUPTS();
		if (found->count >= MAX_VIOLATIONS)
			return;
		node.name = name.str;
		node.name_len = name.len;
		node.index++;
		element.value = value.type == jbvNull ? NULL : &value;
		if (element.value == NULL)
			report_text(found, &element, "Member must not be null");
		else
			check_inside(found, &element);
	}
}

/*
 * check_inside checks everything below subject.  What is below attribute
 * values is not constrained by the model.
 */
static void
check_inside(Violations *found, const Subject *subject)
{
	const DdbShape *shape = subject->shape;

	if (shape->kind == DDB_SHAPE_STRUCTURE)
	{
		check_members(found, shape, ddb_doc_of(subject->value),
					  subject->path, false);
		return;
	}
	if (shape->kind != DDB_SHAPE_LIST && shape->kind != DDB_SHAPE_MAP)
		return;
	if (shape->map_key != NULL)
		check_map_keys(found, subject);
	if (shape->element->kind == DDB_SHAPE_ATTRIBUTE_VALUE)
		return;
	if (has_own_constraint(shape->element))
		check_element_constraints(found, subject);
	check_elements(found, subject);
}

/* Raise what has been found, if anything. */
static void
raise_violations(const Violations *found)
{
	if (found->count == 0)
		return;
	ddb_validation_error("%d validation error%s detected: %s", found->count,
						 found->count == 1 ? "" : "s", found->text.data);
}

/* ---- the table name of control plane operations ---- */

/*
 * Control plane operations look at the presence and the length of TableName
 * before everything else, and alone; its pattern is left to the ordinary
 * constraints.
 */
static void
check_table_name_first(DdbDoc request, DdbTableNameRule rule)
{
	static const DdbShape name_length = {
		.kind = DDB_SHAPE_STRING, .has_min = true, .min = 3,
		.has_max = true, .max = 255
	};
	PathNode	node = {.name = "TableName", .name_len = strlen("TableName"),
	.member = true};
	JsonbValue	value;
	Subject		subject = {.shape = &name_length, .value = &value,
	.path = &node};
	Violations	found = {.count = 0};

	if (!ddb_doc_get(request, node.name, node.name_len, &value) ||
		value.type == jbvNull)
		ddb_validation_error("The parameter 'TableName' is required but was not present in the request");
	if (is_arn(value.val.string.val, value.val.string.len))
		return;

	check_string(&found, &subject);
	if (found.count > 0 && rule == DDB_TABLE_NAME_CONTROL)
		ddb_validation_error("TableName must be at least 3 characters long and at most 255 characters long");
	raise_violations(&found);
}

/*
 * ddb_shape_check raises SerializationException for the first member, in
 * model order, of a wrong JSON type; else ValidationException with all
 * violated constraints (at most ten); else returns.  request must be an
 * object.  Control plane operations check their table name between the two.
 */
void
ddb_shape_check(const DdbShape *shape, DdbDoc request,
				DdbTableNameRule table_name_rule)
{
	Violations	found = {.count = 0};

	Assert(shape->kind == DDB_SHAPE_STRUCTURE);
	Assert(ddb_doc_is_object(request));

	/*
	 * Both passes over the request's own members are one: a type error is
	 * raised at once, violations wait until all types are known to be right.
	 */
	check_members(&found, shape, request, NULL, true);
	if (table_name_rule != DDB_TABLE_NAME_ORDINARY)
		check_table_name_first(request, table_name_rule);
	raise_violations(&found);
}
