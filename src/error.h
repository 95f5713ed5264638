/*
 * error.h
 *	  The API errors of DynamoDB as PostgreSQL errors.
 *
 * Every exception of the API is one row of a table in error.c: its name, its
 * SQLSTATE (class DY), its HTTP status, and how the wire spells it.  Code
 * raises them only through the helpers declared here.
 */
#ifndef DDB_ERROR_H
#define DDB_ERROR_H

typedef enum DdbErrorCode
{
	DDB_VALIDATION,
	DDB_SERIALIZATION,
	DDB_UNKNOWN_OPERATION,
	DDB_ACCESS_DENIED,
	DDB_CONDITIONAL_CHECK_FAILED,
	DDB_RESOURCE_NOT_FOUND,
	DDB_RESOURCE_IN_USE,
	DDB_LIMIT_EXCEEDED,
	DDB_ITEM_COLLECTION_SIZE_LIMIT_EXCEEDED,
	DDB_PROVISIONED_THROUGHPUT_EXCEEDED,
	DDB_REQUEST_LIMIT_EXCEEDED,
	DDB_THROTTLING,
	DDB_TRANSACTION_CANCELED,
	DDB_TRANSACTION_CONFLICT,
	DDB_TRANSACTION_IN_PROGRESS,
	DDB_IDEMPOTENT_PARAMETER_MISMATCH,
	DDB_DUPLICATE_ITEM,
	DDB_TABLE_NOT_FOUND,
	DDB_TABLE_IN_USE,
	DDB_TABLE_ALREADY_EXISTS,
	DDB_INDEX_NOT_FOUND,
	DDB_POLICY_NOT_FOUND,
	DDB_EXPIRED_ITERATOR,
	DDB_TRIMMED_DATA_ACCESS,
	DDB_MISSING_AUTHENTICATION_TOKEN,
	DDB_INCOMPLETE_SIGNATURE,
	DDB_INVALID_SIGNATURE,
	DDB_UNRECOGNIZED_CLIENT,
	DDB_INTERNAL_SERVER_ERROR,
	DDB_SERVICE_UNAVAILABLE,
	DDB_EXPIRED_TOKEN
} DdbErrorCode;

#define DDB_ERROR_CODES (DDB_EXPIRED_TOKEN + 1)

/*
 * One row of the table: what SQL and the wire call an exception.
 */
typedef struct DdbErrorInfo
{
	const char *name;			/* exception name, as SDKs see it */
	const char *sqlstate;		/* five characters, class DY */
	int			http_status;
	const char *type_prefix;	/* of __type, up to and including # */
	const char *message_key;	/* "message" or "Message" */
} DdbErrorInfo;

/*
 * Raise an API error: the message is "<ExceptionName>: <message>", or the
 * bare name where the formatted text is empty (some exceptions carry none).
 */
extern void ddb_error(DdbErrorCode code, const char *fmt,...)
			pg_attribute_printf(2, 3) pg_attribute_noreturn();

/*
 * The same with the exception's further members (cancellation reasons, the
 * old item) as JSON text, which becomes the DETAIL; NULL for none.
 */
extern void ddb_error_members(DdbErrorCode code, const char *members,
							  const char *fmt,...)
			pg_attribute_printf(3, 4) pg_attribute_noreturn();

/* the same with a hint for people in psql, which the wire does not carry */
extern void ddb_error_hint(DdbErrorCode code, const char *hint, const char *fmt,...)
			pg_attribute_printf(3, 4) pg_attribute_noreturn();

#define ddb_validation_error(...) ddb_error(DDB_VALIDATION, __VA_ARGS__)

extern const DdbErrorInfo *ddb_error_info(DdbErrorCode code);

/* The row whose SQLSTATE is sqlerrcode (MAKE_SQLSTATE form), or NULL. */
extern const DdbErrorInfo *ddb_error_by_sqlstate(int sqlerrcode);

/* the code of a row */
extern DdbErrorCode ddb_error_code(const DdbErrorInfo *info);

/*
 * The message of an API error without the exception's name before it; NULL
 * when there is no more than the name.  Points into message.
 */
extern const char *ddb_error_message(const DdbErrorInfo *info, const char *message);

/*
 * Does a key index that is being rebuilt refuse, for a moment, what is no
 * duplicate?
 */
struct ErrorData;
extern bool ddb_error_is_rebuilding(const struct ErrorData *error);

#endif							/* DDB_ERROR_H */
