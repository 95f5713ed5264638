/*
 * http_error.c
 *	  Errors as responses.
 *
 * An error of the API finds its row by its SQLSTATE and is spelled as that row
 * says.  Errors of the server are translated by a table: what the request's
 * own data or the constraints and triggers of SQL users refused is told as it
 * is; of everything else the client learns no more than whether repeating the
 * request may help.  DETAIL, HINT and CONTEXT of such errors stay here.
 */
#include "postgres.h"

#include "error.h"
#include "http_message.h"
#include "mb/pg_wchar.h"
#include "wire.h"

#define REPLACEMENT_CHARACTER	"\xEF\xBF\xBD"	/* U+FFFD in UTF-8 */

/* ---- errors of the server ---- */

typedef struct Translation
{
	int			sqlstate;		/* of one error, or the first of a class */
	DdbErrorCode code;
	const char *message;		/* NULL: the server's own */
	bool		ours;			/* the administrator must hear of it */
} Translation;

/* the first match counts: single errors stand before their class */
static const Translation translations[] = {
	{ERRCODE_READ_ONLY_SQL_TRANSACTION, DDB_SERVICE_UNAVAILABLE,
	"The server is a standby or in recovery: it serves reads only", false},
	{ERRCODE_LOCK_NOT_AVAILABLE, DDB_INTERNAL_SERVER_ERROR,
	"The request waited too long for other transactions", false},
	{ERRCODE_QUERY_CANCELED, DDB_INTERNAL_SERVER_ERROR,
	"The request was interrupted", false},
	{ERRCODE_RAISE_EXCEPTION, DDB_VALIDATION, NULL, false},
	{ERRCODE_DATA_EXCEPTION, DDB_VALIDATION, NULL, false},
	{ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION, DDB_VALIDATION, NULL, false},
	{ERRCODE_TRANSACTION_ROLLBACK, DDB_INTERNAL_SERVER_ERROR,
	"The request was interrupted by another transaction", false},
	/* the same request would be too much again, so it must not be repeated */
	{ERRCODE_PROGRAM_LIMIT_EXCEEDED, DDB_VALIDATION,
	"The request exceeds a limit of the server", true}
};

static const Translation any_other =
{0, DDB_INTERNAL_SERVER_ERROR, "Internal server error", true};

/* a key index that is being rebuilt refuses for a moment what is no duplicate */
static const Translation rebuilding =
{ERRCODE_UNIQUE_VIOLATION, DDB_INTERNAL_SERVER_ERROR,
"The request was interrupted by another transaction", false};

static const Translation *
find_translation(const ErrorData *error)
{
	int			i;

	if (ddb_error_is_rebuilding(error))
		return &rebuilding;
	for (i = 0; i < lengthof(translations); i++)
	{
		int			sqlstate = translations[i].sqlstate;

		if (sqlstate == error->sqlerrcode)
			return &translations[i];
		if (ERRCODE_IS_CATEGORY(sqlstate) &&
			sqlstate == ERRCODE_TO_CATEGORY(error->sqlerrcode))
			return &translations[i];
	}
	return &any_other;
}

/* ---- JSON ---- */

/* one character of so many bytes, escaped where JSON demands it */
static void
append_character(StringInfo out, const char *p, int len)
{
	unsigned char c = (unsigned char) *p;

	if (c == '"' || c == '\\')
	{
		appendStringInfoCharMacro(out, '\\');
		appendStringInfoCharMacro(out, c);
	}
	else if (c == '\n')
		appendBinaryStringInfo(out, "\\n", 2);
	else if (c < 0x20)
		appendStringInfo(out, "\\u%04x", c);
	else
		appendBinaryStringInfo(out, p, len);
}

/*
 * A JSON string of NUL-terminated text.  Messages quote requests and may have
 * been cut anywhere: bytes that are no UTF-8 become replacement characters.
 */
static void
append_json_string(StringInfo out, const char *text)
{
	const char *p = text;
	const char *end = text + strlen(text);

	appendStringInfoCharMacro(out, '"');
	while (p < end)
	{
		int			len = pg_encoding_verifymbchar(PG_UTF8, p, end - p);

		if (len > 0)
			append_character(out, p, len);
		else
			appendStringInfoString(out, REPLACEMENT_CHARACTER);
		p += Max(len, 1);
	}
	appendStringInfoCharMacro(out, '"');
}

/*
 * Append the members of a JSON object, each with a comma before it.  A text
 * that is no object (anyone may raise an error of class DY) is left out.
 */
static void
append_members(StringInfo out, const char *object)
{
	static const char blanks[] = " \t\r\n";
	const char *begin = object + strspn(object, blanks);
	const char *end = object + strlen(object);

	if (*begin != '{' || !ddb_wire_is_json(object, end - object))
		return;
	end = strrchr(begin, '}');
	begin++;
	begin += strspn(begin, blanks);
	if (begin == end)
		return;
	appendStringInfoCharMacro(out, ',');
	appendBinaryStringInfo(out, begin, end - begin);
}

/* ---- responses ---- */

/* message and members are NULL where there are none */
static void
write_error(HttpResponse *response, const DdbErrorInfo *info, const char *message,
			const char *members)
{
	StringInfo	body = &response->body;

	response->status = info->http_status;
	response->content_encoding = NULL;
	resetStringInfo(body);
	appendStringInfo(body, "{\"__type\":\"%s%s\"", info->type_prefix, info->name);
	if (message != NULL)
	{
		appendStringInfo(body, ",\"%s\":", info->message_key);
		append_json_string(body, message);
	}
	if (members != NULL)
		append_members(body, members);
	appendStringInfoCharMacro(body, '}');
}

/*
 * ddb_http_error makes *response, which ddb_http_route has initialised, the
 * answer to an error: status and body; content type and CORS stay as they
 * are.  Returns the row of the exception that the client sees, which lives for
 * ever.
 */
const DdbErrorInfo *
ddb_http_error(const ErrorData *error, HttpResponse *response)
{
	const DdbErrorInfo *info = ddb_error_by_sqlstate(error->sqlerrcode);
	const Translation *translation;

	if (info != NULL)
	{
		write_error(response, info, ddb_error_message(info, error->message), error->detail);
		return info;
	}
	translation = find_translation(error);
	info = ddb_error_info(translation->code);
	write_error(response, info,
				translation->message != NULL ? translation->message : error->message,
				NULL);
	return info;
}

/*
 * ddb_http_error_is_transient: the request lost against another transaction,
 * changed nothing, and may succeed when it is executed again as it is.
 */
bool
ddb_http_error_is_transient(const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_LOCK_NOT_AVAILABLE:
			return true;
		default:
			return ddb_error_is_rebuilding(error);
	}
}

/*
 * ddb_http_error_is_ours: something is wrong with the server or this library,
 * or nobody foresaw it.  False for whatever clients, constraints and
 * concurrency can cause in good health.
 */
bool
ddb_http_error_is_ours(const ErrorData *error)
{
	if (ddb_error_by_sqlstate(error->sqlerrcode) != NULL)
		return false;
	return find_translation(error)->ours;
}
