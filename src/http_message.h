/*
 * http_message.h
 *	  A request and its response, as the parts of the HTTP door hand them on.
 *
 * Nothing here knows the HTTP library or a socket.
 */
#ifndef DDB_HTTP_MESSAGE_H
#define DDB_HTTP_MESSAGE_H

#include "accesskey.h"
#include "lib/stringinfo.h"
#include "sigv4.h"
#include "utils/elog.h"

typedef DdbSignedRequest HttpRequest;	/* body as on the wire, maybe compressed */

typedef struct HttpResponse
{
	int			status;
	const char *content_type;	/* NULL: none */
	const char *content_encoding;	/* NULL: identity */
	StringInfoData body;
	bool		allow_origin;	/* CORS: Access-Control-Allow-Origin: * */
	const char *allow_headers;	/* CORS preflight: the values, NULL otherwise */
	const char *allow_methods;
	bool		preflight;
	bool		close;			/* close the connection after it */
} HttpResponse;

/* ---- http_request.c: what kind of request, before any database work ---- */

typedef enum HttpRoute
{
	HTTP_ANSWERED,				/* the response is complete */
	HTTP_API,					/* a call of the API */
	HTTP_READY,					/* GET /health/ready */
	HTTP_METRICS				/* GET /metrics */
} HttpRoute;

/* value of the first header of that name (lower case), blanks trimmed; str is NULL if none */
extern DdbText ddb_http_header(const HttpRequest *request, const char *name);

/*
 * ddb_http_route: method, path, Content-Type; health checks, CORS preflight,
 * 404.  Initialises *response (body included) in CurrentMemoryContext, with
 * content type and CORS as this request wants them.
 */
extern HttpRoute ddb_http_route(const HttpRequest *request, HttpResponse *response);

/*
 * ddb_http_plain: a plain answer of this status without an API body: 400, 413,
 * 503 and the like.  Initialises *response anew, without CORS; text may be
 * NULL.
 */
extern void ddb_http_plain(HttpResponse *response, int status, const char *text);

/*
 * ddb_http_operation: the name of X-Amz-Target's operation when the target is
 * one of this API's (DynamoDB_20120810, DynamoDBStreams_20120810); str is NULL
 * otherwise.
 */
extern DdbText ddb_http_operation(const HttpRequest *request);

/* ---- http_encoding.c: gzip, deflate, CRC-32 ---- */

/*
 * ddb_http_decode: the request's body with its Content-Encoding undone, in
 * CurrentMemoryContext (the body itself when there is none).  Raises
 * InternalServerError for what is malformed or longer than max_size bytes.
 */
extern DdbText ddb_http_decode(const HttpRequest *request, int max_size);

/* compress the response's body if it is large and the client accepts that */
extern void ddb_http_encode(const HttpRequest *request, HttpResponse *response);

extern uint32 ddb_http_crc32(const char *data, int len);

/* ---- http_error.c: errors as responses ---- */

/*
 * ddb_http_error: an error of the API, or the API's error for one of the
 * server's, as the body and status of a response that ddb_http_route has
 * initialised.  Returns the exception's row for the statistics.
 */
extern const struct DdbErrorInfo *ddb_http_error(const ErrorData *error, HttpResponse *response);

/* may the same request succeed if it is simply repeated (deadlock, serialization)? */
extern bool ddb_http_error_is_transient(const ErrorData *error);

/* must it be told to the server's log (nothing the client did)? */
extern bool ddb_http_error_is_ours(const ErrorData *error);

/* ---- http_auth.c: who is asking ---- */

/*
 * ddb_http_authenticate: the role that a request runs as.  *key is set to the
 * access key that signed it, valid until the transaction ends, NULL with
 * dynamo.auth = none.  Needs a transaction.  Raises the errors of Signature
 * Version 4 in their order; with dynamo.auth = none only those of its form.
 */
extern Oid	ddb_http_authenticate(const HttpRequest *request, const DdbAccessKey **key);

#endif							/* DDB_HTTP_MESSAGE_H */
