/*
 * wire.c
 *	  The door between JSON text and jsonb, in both directions.
 *
 * The server's own parser decides which texts are accepted, whatever they
 * hold; there is no second opinion to disagree with it.  What it cannot take
 * is U+0000, which jsonb has no place for.  Such a character can only come
 * as an escape sequence, so the text is rewritten before it is parsed:
 * \u0000 becomes \u0001\u0001, and \u0001 becomes \u0001\u0002 (the stored
 * form of attrval.h).  Nothing else in a text can spell these two.
 *
 * jansson only explains refusals: where a text goes wrong and why.  It
 * allocates outside of memory contexts, so nothing that can raise an error
 * happens while it holds memory.
 */
#include "postgres.h"

#include <jansson.h>

#include "common/jsonapi.h"
#include "error.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "wire.h"

/*
 * Not from utils/builtins.h: the server and jansson give json_object and
 * json_typeof different meanings, so their headers exclude each other.
 */
extern Datum jsonb_in(PG_FUNCTION_ARGS);
extern Datum numeric_out(PG_FUNCTION_ARGS);

#define ESCAPE_LENGTH	6		/* of \uXXXX, in bytes */

/* the limits of numeric, in decimal digits */
#define NUMBER_MAX_EXPONENT (PG_INT32_MAX / 2)
#define NUMBER_MAX_PLACES	16383	/* behind the point, written out or not */
#define NUMBER_MAX_WEIGHT	131071	/* of the first digit: it counts 10^this */

/* ---- text to jsonb ---- */

/* Does \u0000 or \u0001 begin at this backslash? */
static bool
is_reserved_escape(const char *p, const char *end)
{
	return end - p >= ESCAPE_LENGTH && memcmp(p, "\\u000", 5) == 0 &&
		(p[5] == '0' || p[5] == '1');
}

/*
 * The first reserved escape at or after p, or NULL.  Each backslash takes the
 * character after it along, so that \\u0000 is not mistaken for one.
 */
static const char *
find_reserved_escape(const char *p, const char *end)
{
	while (p < end && (p = memchr(p, '\\', end - p)) != NULL)
	{
		if (is_reserved_escape(p, end))
			return p;
		p += 2;
	}
	return NULL;
}

/*
 * A NUL-terminated copy of a text, reserved escapes rewritten.  Backslashes
 * outside of strings are rewritten too; such texts are refused either way.
 */
static char *
stored_text(const char *text, int len)
{
	const char *end = text + len;
	const char *escape = find_reserved_escape(text, end);
	StringInfoData out;

	if (escape == NULL)
		return pnstrdup(text, len);

	initStringInfo(&out);
	do
	{
		appendBinaryStringInfo(&out, text, escape - text);
		appendStringInfoString(&out, escape[5] == '0' ?
							   "\\u0001\\u0001" : "\\u0001\\u0002");
		text = escape + ESCAPE_LENGTH;
	} while ((escape = find_reserved_escape(text, end)) != NULL);
	appendBinaryStringInfo(&out, text, end - text);
	return out.data;
}

/* The end of the string whose opening quote stands before p. */
static const char *
skip_string(const char *p, const char *end)
{
	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return p + 1;
}

/* Are arrays and objects nested no deeper than they may be? */
static bool
depth_is_bounded(const char *text, int len)
{
	const char *p = text;
	const char *end = text + len;
	int			depth = 0;

	while (p < end)
	{
		char		c = *p++;

		if (c == '"')
			p = skip_string(p, end);
		else if (c == '[' || c == '{')
		{
			if (++depth > DDB_WIRE_MAX_DEPTH)
				return false;
		}
		else if (c == ']' || c == '}')
			depth--;
	}
	return true;
}

/*
 * Parse with the server's parser: NULL when it refuses the text.  Errors that
 * do not speak of the text (out of memory, a cancelled query) go on.
 */
static Jsonb *
parse_stored(char *text)
{
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *volatile result = NULL;

	PG_TRY();
	{
		result = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													CStringGetDatum(text)));
	}
	PG_CATCH();
	{
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_DATA_EXCEPTION &&
			category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	return result;
}

/* Error context callback; arg is the reason, NUL-terminated. */
static void
add_reason(void *arg)
{
	errcontext("JSON text, %s", (const char *) arg);
}

/*
 * Refuse a text.  SerializationException for it has no message by API rule;
 * what is wrong is told to whoever reads the server's log.
 */
static void
refuse(const char *reason)
{
	ErrorContextCallback callback;

	callback.callback = add_reason;
	callback.arg = unconstify(char *, reason);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	ddb_error(DDB_SERIALIZATION, "%s", "");
}

/*
 * What jansson says about a text that the server refused.  Its words may
 * quote the text and be cut in the middle of a character.
 */
static char *
diagnose(const char *text, int len)
{
	json_error_t error;
	json_t	   *tree;
	int			valid;

	tree = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (tree != NULL)
	{
		json_decref(tree);
		return pstrdup("not acceptable to the server");
	}
	valid = pg_encoding_verifymbstr(PG_UTF8, error.text, strlen(error.text));
	return psprintf("line %d, column %d: %.*s", error.line, error.column,
					valid, error.text);
}

/*
 * ddb_wire_parse returns the jsonb, in stored form and in
 * CurrentMemoryContext, of one JSON document of len bytes.  Anything else
 * raises SerializationException without a message, the diagnosis being the
 * error's context.
 */
Jsonb *
ddb_wire_parse(const char *text, int len)
{
	char	   *stored;
	Jsonb	   *result;

	if (!depth_is_bounded(text, len))
		refuse("nested too deeply");
	if (!pg_verify_mbstr(PG_UTF8, text, len, true))
		refuse(diagnose(text, len));

	stored = stored_text(text, len);
	result = parse_stored(stored);
	pfree(stored);
	if (result == NULL)
		refuse(diagnose(text, len));
	return result;
}

/* ---- is it JSON? ---- */

/* a valid exponent's value; what is beyond the limits comes out beyond them */
static int64
parse_exponent(const char *p)
{
	bool		negative = *p == '-';
	int64		value = 0;

	if (*p == '-' || *p == '+')
		p++;
	for (; *p != '\0' && value <= NUMBER_MAX_EXPONENT; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/*
 * Can numeric hold this number (valid JSON)?  Its limits are the decimal
 * places, and the place of the first digit that is not zero.
 */
static bool
number_is_in_range(const char *token)
{
	const char *point = strchr(token, '.');
	const char *end = token + strcspn(token, "eE");
	const char *integer_end = point != NULL ? point : end;
	const char *first = token + strspn(token, "-0.");
	int			places = point != NULL ? end - point - 1 : 0;
	int64		exponent = *end != '\0' ? parse_exponent(end + 1) : 0;

	if (exponent >= NUMBER_MAX_EXPONENT || exponent <= -NUMBER_MAX_EXPONENT ||
		places - exponent > NUMBER_MAX_PLACES)
		return false;
	/* zero, or a first digit behind the point, which the places have limited */
	if (first >= end)
		return true;
	if (first < integer_end)
		return integer_end - first - 1 + exponent <= NUMBER_MAX_WEIGHT;
	return exponent - (first - integer_end) <= NUMBER_MAX_WEIGHT;
}

/* The parser's callback for each scalar, whose token is ours to free. */
static void
check_scalar(void *state, char *token, JsonTokenType type)
{
	bool	   *in_range = state;

	CHECK_FOR_INTERRUPTS();
	if (type == JSON_TOKEN_NUMBER && !number_is_in_range(token))
		*in_range = false;
	pfree(token);
}

/*
 * Does the server's parser accept this text?  A copy is made only where escapes
 * must be rewritten first.  Leaves memory behind.
 */
static bool
check_stored(const char *text, int len)
{
	bool		in_range = true;
	JsonSemAction actions = {.semstate = &in_range, .scalar = check_scalar};
	JsonLexContext *lex;

	if (find_reserved_escape(text, text + len) != NULL)
	{
		text = stored_text(text, len);
		len = strlen(text);
	}
	lex = makeJsonLexContextCstringLen(unconstify(char *, text), len,
									   PG_UTF8, true);
	return pg_parse_json(lex, &actions) == JSON_SUCCESS && in_range;
}

/*
 * ddb_wire_is_json tells whether ddb_wire_parse would accept len bytes of
 * text.  The one difference: that a document is too large for jsonb (256 MB)
 * shows only when it is built.  What is wrong with a text raises no error, so
 * this may be asked while another error is being handled.  Leaves no memory
 * behind; what it needs meanwhile is one string of the text, and a copy of a
 * text that holds an escaped U+0000 or U+0001.
 */
bool
ddb_wire_is_json(const char *text, int len)
{
	MemoryContext scratch;
	MemoryContext caller;
	bool		result;

	if (!depth_is_bounded(text, len) ||
		!pg_verify_mbstr(PG_UTF8, text, len, true))
		return false;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "dynamo JSON check",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(scratch);
	result = check_stored(text, len);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return result;
}

/* ---- jsonb to text ---- */

static void print_container(StringInfo out, DdbDoc doc);
static void print_tree(StringInfo out, const JsonbValue *tree);

static inline bool
needs_escape(unsigned char c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/*
 * Print what stands for the character at p, which needs an escape; returns
 * where the next character begins.
 */
static const char *
print_escape(StringInfo out, const char *p, const char *end)
{
	char		c = *p++;

	switch (c)
	{
		case '"':
			appendBinaryStringInfo(out, "\\\"", 2);
			return p;
		case '\\':
			appendBinaryStringInfo(out, "\\\\", 2);
			return p;
		case '\n':
			appendBinaryStringInfo(out, "\\n", 2);
			return p;
		case '\r':
			appendBinaryStringInfo(out, "\\r", 2);
			return p;
		case '\t':
			appendBinaryStringInfo(out, "\\t", 2);
			return p;
		case '\b':
			appendBinaryStringInfo(out, "\\b", 2);
			return p;
		case '\f':
			appendBinaryStringInfo(out, "\\f", 2);
			return p;
		case '\001':
			if (p < end && (*p == '\001' || *p == '\002'))
				c = *p++ == '\001' ? '\0' : '\001';
			break;
	}
	appendStringInfo(out, "\\u%04x", (unsigned char) c);
	return p;
}

/* Print stored text as a JSON string: runs are copied whole. */
static void
print_string(StringInfo out, const char *str, int len)
{
	const char *p = str;
	const char *end = str + len;

	enlargeStringInfo(out, len + 2);
	appendStringInfoCharMacro(out, '"');
	while (p < end)
	{
		const char *run = p;

		while (p < end && !needs_escape((unsigned char) *p))
			p++;
		appendBinaryStringInfo(out, run, p - run);
		if (p < end)
			p = print_escape(out, p, end);
	}
	appendStringInfoCharMacro(out, '"');
}

static void
print_number(StringInfo out, Numeric number)
{
	Datum		text = DirectFunctionCall1(numeric_out,
										   NumericGetDatum(number));

	appendStringInfoString(out, DatumGetCString(text));
	pfree(DatumGetCString(text));
}

static void
print_value(StringInfo out, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			appendBinaryStringInfo(out, "null", 4);
			return;
		case jbvString:
			print_string(out, value->val.string.val, value->val.string.len);
			return;
		case jbvNumeric:
			print_number(out, value->val.numeric);
			return;
		case jbvBool:
			appendStringInfoString(out,
								   value->val.boolean ? "true" : "false");
			return;
		case jbvBinary:
			print_container(out, ddb_doc_of(value));
			return;
		case jbvArray:
		case jbvObject:
			print_tree(out, value);
			return;
		case jbvDatetime:
			break;
	}
	elog(ERROR, "unrecognized jsonb value type: %d", (int) value->type);
}

/* Print an object or array that is being built. */
static void
print_tree(StringInfo out, const JsonbValue *tree)
{
	bool		is_object = tree->type == jbvObject;
	int			count = is_object ? tree->val.object.nPairs : tree->val.array.nElems;
	int			i;

	check_stack_depth();
	appendStringInfoCharMacro(out, is_object ? '{' : '[');
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			appendStringInfoCharMacro(out, ',');
		if (is_object)
		{
			const JsonbValue *key = &tree->val.object.pairs[i].key;

			print_string(out, key->val.string.val, key->val.string.len);
			appendStringInfoCharMacro(out, ':');
			print_value(out, &tree->val.object.pairs[i].value);
		}
		else
			print_value(out, &tree->val.array.elems[i]);
	}
	appendStringInfoCharMacro(out, is_object ? '}' : ']');
}

static void
print_container(StringInfo out, DdbDoc doc)
{
	bool		is_object = ddb_doc_is_object(doc);
	bool		first = true;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	check_stack_depth();
	appendStringInfoCharMacro(out, is_object ? '{' : '[');
	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		CHECK_FOR_INTERRUPTS();
		if (!first)
			appendStringInfoCharMacro(out, ',');
		first = false;
		if (is_object)
		{
			print_string(out, name.str, name.len);
			appendStringInfoCharMacro(out, ':');
		}
		print_value(out, &value);
	}
	appendStringInfoCharMacro(out, is_object ? '}' : ']');
}

/*
 * ddb_wire_print appends the JSON text of a document in stored form: compact,
 * UTF-8, the escapes of stored text undone.
 */
void
ddb_wire_print(StringInfo out, DdbDoc doc)
{
	JsonbValue	scalar;

	if (JsonContainerIsScalar(doc.ptr))
	{
		if (!ddb_doc_element(doc, 0, &scalar))
			elog(ERROR, "scalar jsonb without a value");
		print_value(out, &scalar);
		return;
	}
	print_container(out, doc);
}

/*
 * ddb_wire_print_tree appends the JSON text of a tree in stored form, without
 * encoding it first: members come in the order in which they were added.
 */
void
ddb_wire_print_tree(StringInfo out, const JsonbValue *tree)
{
	print_value(out, tree);
}

/*
 * The static jansson is not position independent in the one place where it
 * compares a stream with stdin, in a function that is never called here; the
 * link (--wrap=stdin) lets that name mean this object.
 */
extern void *__wrap_stdin;
void	   *__wrap_stdin = NULL;
