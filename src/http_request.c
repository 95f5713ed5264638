/*
 * http_request.c
 *	  What kind of request this is, before any database work.
 *
 * The API is one method on one path: POST / with a JSON content type.  Beside
 * it there are health checks, metrics and CORS preflights.  Everything else is
 * answered with the same 404, bodies of protocols that are not spoken here
 * included, so that such clients fail at once and in the same way.
 *
 * The path is compared, never interpreted; requests are hostile and not
 * NUL-terminated.
 */
#include "postgres.h"

#include "guc.h"
#include "http_message.h"

#define CONTENT_TYPE_AMZ	"application/x-amz-json-1.0"
#define CONTENT_TYPE_JSON	"application/json"
#define CONTENT_TYPE_PLAIN	"text/plain"

#define NOT_FOUND_BODY		"<UnknownOperationException/>\n"

#define TARGET_DYNAMODB		"DynamoDB_20120810."
#define TARGET_STREAMS		"DynamoDBStreams_20120810."

static const DdbText no_text = {NULL, 0};

/* ---- texts ---- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static DdbText
trim(DdbText text)
{
	while (text.len > 0 && is_blank(text.str[0]))
	{
		text.str++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.str[text.len - 1]))
		text.len--;
	return text;
}

static bool
text_equals(DdbText text, const char *other)
{
	return text.len == strlen(other) && memcmp(text.str, other, text.len) == 0;
}

/* the same without regard to case; lower is in lower case */
static bool
text_equals_folded(DdbText text, const char *lower)
{
	int			i;

	if (text.len != strlen(lower))
		return false;
	for (i = 0; i < text.len; i++)
	{
		if (pg_ascii_tolower((unsigned char) text.str[i]) != (unsigned char) lower[i])
			return false;
	}
	return true;
}

/* what of text stands before the first such character */
static DdbText
text_before(DdbText text, char c)
{
	const char *found = text.len > 0 ? memchr(text.str, c, text.len) : NULL;

	if (found != NULL)
		text.len = found - text.str;
	return text;
}

/* ---- headers ---- */

/*
 * ddb_http_header returns the value of the first header of that name (given in
 * lower case), blanks around it trimmed, or a text whose str is NULL.  It
 * points into the request.
 */
DdbText
ddb_http_header(const HttpRequest *request, const char *name)
{
	int			i;

	for (i = 0; i < request->nheaders; i++)
	{
		if (text_equals_folded(request->headers[i].name, name))
			return trim(request->headers[i].value);
	}
	return no_text;
}

/*
 * A header's value to be sent back, palloc'd; NULL when there is none, or one
 * with control characters, which has no business in a response.
 */
static char *
echoed_header(const HttpRequest *request, const char *name)
{
	DdbText		value = ddb_http_header(request, name);
	int			i;

	if (value.len == 0)
		return NULL;
	for (i = 0; i < value.len; i++)
	{
		unsigned char c = (unsigned char) value.str[i];

		if (c < 0x20 || c == 0x7f)
			return NULL;
	}
	return pnstrdup(value.str, value.len);
}

/* the content type that answers the request's; NULL when it is not of the API */
static const char *
response_content_type(const HttpRequest *request)
{
	DdbText		type = trim(text_before(ddb_http_header(request, "content-type"), ';'));

	if (text_equals_folded(type, CONTENT_TYPE_AMZ))
		return CONTENT_TYPE_AMZ;
	if (text_equals_folded(type, CONTENT_TYPE_JSON))
		return CONTENT_TYPE_JSON;
	return NULL;
}

/* ---- answers without the database ---- */

static void
init_response(HttpResponse *response)
{
	memset(response, 0, sizeof(HttpResponse));
	response->status = 200;
	initStringInfo(&response->body);
}

/*
 * ddb_http_plain makes *response, whatever it held, a plain text of this
 * status; text is NULL or empty for none.  The body is in CurrentMemoryContext.
 */
void
ddb_http_plain(HttpResponse *response, int status, const char *text)
{
	init_response(response);
	response->status = status;
	if (text == NULL || text[0] == '\0')
		return;
	response->content_type = CONTENT_TYPE_PLAIN;
	appendStringInfoString(&response->body, text);
}

/* the words of the service, the blank at the end included */
static HttpRoute
answer_health(HttpResponse *response)
{
	appendStringInfo(&response->body, "healthy: dynamodb.%s.amazonaws.com ", ddb_region);
	return HTTP_ANSWERED;
}

static HttpRoute
answer_not_found(HttpResponse *response)
{
	response->status = 404;
	appendStringInfoString(&response->body, NOT_FOUND_BODY);
	return HTTP_ANSWERED;
}

/* a browser asks what it may send: anything */
static HttpRoute
answer_preflight(const HttpRequest *request, HttpResponse *response)
{
	response->preflight = true;
	response->allow_headers = echoed_header(request, "access-control-request-headers");
	response->allow_methods = echoed_header(request, "access-control-request-method");
	return HTTP_ANSWERED;
}

/* ---- routing ---- */

typedef HttpRoute (*Router) (const HttpRequest *request, HttpResponse *response);

static HttpRoute
route_get(const HttpRequest *request, HttpResponse *response)
{
	DdbText		path = text_before(request->uri, '?');

	if (text_equals(path, "/") || text_equals(path, "/health"))
		return answer_health(response);
	if (text_equals(path, "/health/ready"))
		return HTTP_READY;
	if (text_equals(path, "/metrics"))
		return HTTP_METRICS;
	return answer_not_found(response);
}

static HttpRoute
route_options(const HttpRequest *request, HttpResponse *response)
{
	if (!response->allow_origin)
		return answer_not_found(response);
	return answer_preflight(request, response);
}

/*
 * A call of the API.  The content type speaks of the body: without a body it
 * may be anything, and the answer is JSON all the same.
 */
static HttpRoute
route_post(const HttpRequest *request, HttpResponse *response)
{
	const char *content_type = response_content_type(request);

	if (!text_equals(text_before(request->uri, '?'), "/"))
		return answer_not_found(response);
	if (content_type == NULL && request->body.len > 0)
		return answer_not_found(response);
	response->content_type = content_type != NULL ? content_type : CONTENT_TYPE_JSON;
	return HTTP_API;
}

static const struct
{
	const char *method;
	Router		route;
}			routers[] = {
	{"POST", route_post},
	{"GET", route_get},
	{"OPTIONS", route_options}
};

/*
 * ddb_http_route initialises *response for this request and decides who
 * answers it; with HTTP_ANSWERED it is complete.  A request with an Origin
 * gets CORS headers on whatever answers it.  The query string is not part of
 * the path.  Memory is from CurrentMemoryContext; raises nothing.
 */
HttpRoute
ddb_http_route(const HttpRequest *request, HttpResponse *response)
{
	int			i;

	init_response(response);
	response->allow_origin = ddb_http_header(request, "origin").str != NULL;
	for (i = 0; i < lengthof(routers); i++)
	{
		if (strcmp(request->method, routers[i].method) == 0)
			return routers[i].route(request, response);
	}
	return answer_not_found(response);
}

/* ---- the target ---- */

/* the operations of the streams API; all others are of the main one */
static const char *const stream_operations[] = {
	"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"
};

static bool
is_stream_operation(DdbText operation)
{
	int			i;

	for (i = 0; i < lengthof(stream_operations); i++)
	{
		if (text_equals(operation, stream_operations[i]))
			return true;
	}
	return false;
}

/* what follows prefix in target; str is NULL when it begins otherwise */
static DdbText
text_after_prefix(DdbText target, const char *prefix)
{
	int			len = strlen(prefix);

	if (target.len < len || memcmp(target.str, prefix, len) != 0)
		return no_text;
	target.str += len;
	target.len -= len;
	return target;
}

/*
 * ddb_http_operation returns the operation that X-Amz-Target names, pointing
 * into the request; whether there is such an operation is not asked.  str is
 * NULL when the target is missing, of another API or version, or names an
 * operation of one of the two APIs by the prefix of the other.
 */
DdbText
ddb_http_operation(const HttpRequest *request)
{
	DdbText		target = ddb_http_header(request, "x-amz-target");
	DdbText		operation = text_after_prefix(target, TARGET_DYNAMODB);

	if (operation.str != NULL)
		return is_stream_operation(operation) ? no_text : operation;
	operation = text_after_prefix(target, TARGET_STREAMS);
	if (operation.str != NULL && is_stream_operation(operation))
		return operation;
	return no_text;
}
