/*
 * error.c
 *	  The API errors: one table, and the helpers that raise its rows.
 *
 * An API error is an ordinary PostgreSQL error, so SQL can catch it and a
 * savepoint survives it.  Its SQLSTATE, class DY, names the row; the HTTP side
 * finds status, type prefix and message key by it.  The table is in the order
 * of DdbErrorCode, and SQLSTATEs follow that order from DY001: both are part
 * of what SQL users rely on, so rows are added at the end.
 *
 * This file knows nothing of requests or sockets.
 */
#include "postgres.h"

#include <ctype.h>

#include "error.h"
#include "lib/stringinfo.h"

#define PREFIX_MODELLED		"com.amazonaws.dynamodb.v20120810#"
#define PREFIX_VALIDATE		"com.amazon.coral.validate#"
#define PREFIX_SERVICE		"com.amazon.coral.service#"
#define PREFIX_AVAILABILITY "com.amazon.coral.availability#"

/* the last two columns of a row: the layer that answers decides them */
#define MODELLED(key)		.type_prefix = PREFIX_MODELLED, .message_key = (key)
#define VALIDATE(key)		.type_prefix = PREFIX_VALIDATE, .message_key = (key)
#define SERVICE(key)		.type_prefix = PREFIX_SERVICE, .message_key = (key)
#define AVAILABILITY(key)	.type_prefix = PREFIX_AVAILABILITY, .message_key = (key)

static const DdbErrorInfo error_table[] = {
	[DDB_VALIDATION] =
	{"ValidationException", "DY001", 400, VALIDATE("message")},
	[DDB_SERIALIZATION] =
	{"SerializationException", "DY002", 400, SERVICE("Message")},
	[DDB_UNKNOWN_OPERATION] =
	{"UnknownOperationException", "DY003", 400, SERVICE("message")},
	[DDB_ACCESS_DENIED] =
	{"AccessDeniedException", "DY004", 400, SERVICE("Message")},
	[DDB_CONDITIONAL_CHECK_FAILED] =
	{"ConditionalCheckFailedException", "DY005", 400, MODELLED("message")},
	[DDB_RESOURCE_NOT_FOUND] =
	{"ResourceNotFoundException", "DY006", 400, MODELLED("message")},
	[DDB_RESOURCE_IN_USE] =
	{"ResourceInUseException", "DY007", 400, MODELLED("message")},
	[DDB_LIMIT_EXCEEDED] =
	{"LimitExceededException", "DY008", 400, MODELLED("message")},
	[DDB_ITEM_COLLECTION_SIZE_LIMIT_EXCEEDED] =
	{"ItemCollectionSizeLimitExceededException", "DY009", 400, MODELLED("message")},
	[DDB_PROVISIONED_THROUGHPUT_EXCEEDED] =
	{"ProvisionedThroughputExceededException", "DY010", 400, MODELLED("message")},
	[DDB_REQUEST_LIMIT_EXCEEDED] =
	{"RequestLimitExceeded", "DY011", 400, MODELLED("message")},
	[DDB_THROTTLING] =
	{"ThrottlingException", "DY012", 400, AVAILABILITY("message")},
	[DDB_TRANSACTION_CANCELED] =
	{"TransactionCanceledException", "DY013", 400, MODELLED("Message")},
	[DDB_TRANSACTION_CONFLICT] =
	{"TransactionConflictException", "DY014", 400, MODELLED("message")},
	[DDB_TRANSACTION_IN_PROGRESS] =
	{"TransactionInProgressException", "DY015", 400, MODELLED("Message")},
	[DDB_IDEMPOTENT_PARAMETER_MISMATCH] =
	{"IdempotentParameterMismatchException", "DY016", 400, MODELLED("Message")},
	[DDB_DUPLICATE_ITEM] =
	{"DuplicateItemException", "DY017", 400, MODELLED("message")},
	[DDB_TABLE_NOT_FOUND] =
	{"TableNotFoundException", "DY018", 400, MODELLED("message")},
	[DDB_TABLE_IN_USE] =
	{"TableInUseException", "DY019", 400, MODELLED("message")},
	[DDB_TABLE_ALREADY_EXISTS] =
	{"TableAlreadyExistsException", "DY020", 400, MODELLED("message")},
	[DDB_INDEX_NOT_FOUND] =
	{"IndexNotFoundException", "DY021", 400, MODELLED("message")},
	[DDB_POLICY_NOT_FOUND] =
	{"PolicyNotFoundException", "DY022", 400, MODELLED("message")},
	[DDB_EXPIRED_ITERATOR] =
	{"ExpiredIteratorException", "DY023", 400, MODELLED("message")},
	[DDB_TRIMMED_DATA_ACCESS] =
	{"TrimmedDataAccessException", "DY024", 400, MODELLED("message")},
	[DDB_MISSING_AUTHENTICATION_TOKEN] =
	{"MissingAuthenticationTokenException", "DY025", 400, SERVICE("message")},
	[DDB_INCOMPLETE_SIGNATURE] =
	{"IncompleteSignatureException", "DY026", 400, SERVICE("message")},
	[DDB_INVALID_SIGNATURE] =
	{"InvalidSignatureException", "DY027", 400, SERVICE("message")},
	[DDB_UNRECOGNIZED_CLIENT] =
	{"UnrecognizedClientException", "DY028", 400, SERVICE("message")},
	[DDB_INTERNAL_SERVER_ERROR] =
	{"InternalServerError", "DY029", 500, MODELLED("message")},
	[DDB_SERVICE_UNAVAILABLE] =
	{"ServiceUnavailable", "DY030", 503, AVAILABILITY("message")},
	[DDB_EXPIRED_TOKEN] =
	{"ExpiredTokenException", "DY031", 400, SERVICE("message")}
};

StaticAssertDecl(lengthof(error_table) == DDB_ERROR_CODES,
				 "error_table must have a row for each DdbErrorCode");

static int
pack_sqlstate(const char *sqlstate)
{
	return MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3],
						 sqlstate[4]);
}

/*
 * ddb_error_info returns the row of an error code; it lives for ever.
 */
const DdbErrorInfo *
ddb_error_info(DdbErrorCode code)
{
	Assert((int) code >= 0 && code < DDB_ERROR_CODES);
	return &error_table[code];
}

/*
 * ddb_error_by_sqlstate finds the row of an error that was caught; NULL when
 * it is not an API error.
 */
const DdbErrorInfo *
ddb_error_by_sqlstate(int sqlerrcode)
{
	int			code;

	for (code = 0; code < DDB_ERROR_CODES; code++)
	{
		if (pack_sqlstate(error_table[code].sqlstate) == sqlerrcode)
			return &error_table[code];
	}
	return NULL;
}

DdbErrorCode
ddb_error_code(const DdbErrorInfo *info)
{
	Assert(info >= error_table && info < error_table + DDB_ERROR_CODES);
	return (DdbErrorCode) (info - error_table);
}

const char *
ddb_error_message(const DdbErrorInfo *info, const char *message)
{
	int			len = strlen(info->name);

	if (message == NULL)
		return NULL;
	if (strncmp(message, info->name, len) != 0)
		return message;
	if (message[len] == '\0')
		return NULL;
	return strncmp(message + len, ": ", 2) == 0 ? message + len + 2 : message;
}

/* Format into palloc'd memory of the current context. */
static char *format_text(const char *fmt, va_list args) pg_attribute_printf(1, 0);

static char *
format_text(const char *fmt, va_list args)
{
	StringInfoData buf;
	va_list		copy;
	int			needed;

	initStringInfo(&buf);
	for (;;)
	{
		va_copy(copy, args);
		needed = appendStringInfoVA(&buf, fmt, copy);
		va_end(copy);
		if (needed == 0)
			return buf.data;
		enlargeStringInfo(&buf, needed);
	}
}

/*
 * Raise the error; members and hint may be NULL.  The texts are final: they are never
 * translated.
 */
static void raise_error(DdbErrorCode code, const char *members, const char *hint,
						const char *text) pg_attribute_noreturn();

static void
raise_error(DdbErrorCode code, const char *members, const char *hint, const char *text)
{
	const DdbErrorInfo *info = ddb_error_info(code);

	ereport(ERROR,
			(errcode(pack_sqlstate(info->sqlstate)),
			 text[0] != '\0' ?
			 errmsg_internal("%s: %s", info->name, text) :
			 errmsg_internal("%s", info->name),
			 members != NULL ? errdetail_internal("%s", members) : 0,
			 hint != NULL ? errhint("%s", hint) : 0));
}

/*
 * ddb_error raises an API error.  fmt must be a constant: user data goes
 * through "%s" or "%.*s".
 */
void
ddb_error(DdbErrorCode code, const char *fmt,...)
{
	va_list		args;
	char	   *text;

	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	raise_error(code, NULL, NULL, text);
}

/*
 * ddb_error_members raises an API error whose exception has members of its own
 * (cancellation reasons, the old item).  members is their JSON text, which
 * becomes the DETAIL; NULL for none.
 */
void
ddb_error_members(DdbErrorCode code, const char *members, const char *fmt,...)
{
	va_list		args;
	char	   *text;

	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	raise_error(code, members, NULL, text);
}

/*
 * ddb_error_hint raises an API error with a hint.
 */
void
ddb_error_hint(DdbErrorCode code, const char *hint, const char *fmt,...)
{
	va_list		args;
	char	   *text;

	va_start(args, fmt);
	text = format_text(fmt, args);
	va_end(args);
	raise_error(code, NULL, hint, text);
}

/*
 * Is this the name of an index that REINDEX CONCURRENTLY builds, or has
 * replaced and not dropped yet?  A number follows where the name was taken.
 */
static bool
is_rebuilt_index(const char *name)
{
	int			len = strlen(name);

	while (len > 0 && isdigit((unsigned char) name[len - 1]))
		len--;
	return len >= 6 && (memcmp(name + len - 6, "_ccnew", 6) == 0 ||
						memcmp(name + len - 6, "_ccold", 6) == 0);
}

bool
ddb_error_is_rebuilding(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_UNIQUE_VIOLATION &&
		error->constraint_name != NULL && is_rebuilt_index(error->constraint_name);
}
