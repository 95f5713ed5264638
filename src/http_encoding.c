/*
 * http_encoding.c
 *	  gzip, deflate, CRC-32.
 *
 * Requests are decompressed piece by piece into memory that grows with what
 * comes out, and no further than the largest body: a small bomb is refused
 * when it passes that limit, not after it has burst.  zlib allocates with
 * palloc, so nothing is left behind wherever an error is raised; its own calls
 * never raise one, since an error must not jump over the library's frames.
 */
#include "postgres.h"

#include <zlib.h>

#include "error.h"
#include "http_message.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define WINDOW_BITS			15	/* the largest window: all senders may use it */
#define GZIP_FORMAT			16	/* added to them: gzip instead of zlib format */
#define MEMORY_LEVEL		8	/* zlib's default */
#define PIECE				8192	/* of decompressed data, in bytes, at least */
#define COMPRESS_MINIMUM	4096	/* larger bodies are compressed */

/*
 * The process that compresses serves its other connections only afterwards,
 * and JSON shrinks by most of what it can at the fastest level already.
 */
#define COMPRESS_LEVEL		Z_BEST_SPEED

#define QUALITY_ONE			1000	/* q=1, in thousandths */
#define QUALITY_ABSENT		(-1)

typedef enum Coding
{
	CODING_IDENTITY,
	CODING_DEFLATE,
	CODING_GZIP,
	CODING_ANY,					/* of Accept-Encoding: all that are not named */
	CODING_UNKNOWN
} Coding;

#define CODINGS (CODING_UNKNOWN + 1)

static const struct
{
	const char *name;
	Coding		coding;
}			coding_names[] = {
	{"gzip", CODING_GZIP},
	{"x-gzip", CODING_GZIP},
	{"deflate", CODING_DEFLATE},
	{"identity", CODING_IDENTITY},
	{"", CODING_IDENTITY},
	{"*", CODING_ANY}
};

/* ---- header values ---- */

/*
 * Take the next element off *rest, a list separated by that character; blanks
 * around it are trimmed.  False when nothing is left.
 */
static bool
next_element(DdbText *rest, char separator, DdbText *element)
{
	const char *end;

	if (rest->str == NULL)
		return false;
	element->str = rest->str;
	end = rest->len > 0 ? memchr(rest->str, separator, rest->len) : NULL;
	if (end == NULL)
	{
		element->len = rest->len;
		rest->str = NULL;
		rest->len = 0;
	}
	else
	{
		element->len = end - rest->str;
		rest->len -= element->len + 1;
		rest->str = end + 1;
	}
	while (element->len > 0 && strchr(" \t", element->str[0]) != NULL)
	{
		element->str++;
		element->len--;
	}
	while (element->len > 0 && strchr(" \t", element->str[element->len - 1]) != NULL)
		element->len--;
	return true;
}

static Coding
coding_by_name(DdbText name)
{
	int			i;

	for (i = 0; i < lengthof(coding_names); i++)
	{
		if (name.len == strlen(coding_names[i].name) &&
			pg_strncasecmp(name.str, coding_names[i].name, name.len) == 0)
			return coding_names[i].coding;
	}
	return CODING_UNKNOWN;
}

/*
 * The one coding of the request's body.  All headers of that name count as one
 * list; several codings on top of each other are as unknown as one that has no
 * name here.
 */
static Coding
request_coding(const HttpRequest *request)
{
	static const char name[] = "content-encoding";
	Coding		result = CODING_IDENTITY;
	int			i;

	for (i = 0; i < request->nheaders; i++)
	{
		const DdbHttpHeader *header = &request->headers[i];
		DdbText		rest = header->value;
		DdbText		element;

		if (header->name.len != sizeof(name) - 1 ||
			pg_strncasecmp(header->name.str, name, sizeof(name) - 1) != 0)
			continue;
		while (next_element(&rest, ',', &element))
		{
			Coding		coding = coding_by_name(element);

			if (coding == CODING_IDENTITY)
				continue;
			if (result != CODING_IDENTITY)
				return CODING_UNKNOWN;
			result = coding;
		}
	}
	return result;
}

/*
 * A quality value in thousandths: at most one digit, then a point and three
 * more; 0 for what is none.
 */
static int
parse_quality(DdbText text)
{
	int			unit = QUALITY_ONE;
	int			result = 0;
	int			i;

	for (i = 0; i < text.len && unit > 0; i++)
	{
		if (i == 1 && text.str[i] == '.')
			continue;
		if (text.str[i] < '0' || text.str[i] > '9')
			return 0;
		result += (text.str[i] - '0') * unit;
		unit /= 10;
	}
	return Min(result, QUALITY_ONE);
}

/* the quality among an element's parameters, 1 by default */
static int
element_quality(DdbText parameters)
{
	DdbText		parameter;

	while (next_element(&parameters, ';', &parameter))
	{
		if (parameter.len >= 2 && pg_strncasecmp(parameter.str, "q=", 2) == 0)
		{
			parameter.str += 2;
			parameter.len -= 2;
			return parse_quality(parameter);
		}
	}
	return QUALITY_ONE;
}

/*
 * The coding for a response: the one that the first Accept-Encoding header
 * likes best, gzip where it likes several alike, identity where it names no
 * other or likes that better.
 */
static Coding
accepted_coding(const HttpRequest *request)
{
	DdbText		rest = ddb_http_header(request, "accept-encoding");
	int			quality[CODINGS];
	DdbText		element;
	int			gzip;
	int			deflate;
	int			coding;

	for (coding = 0; coding < CODINGS; coding++)
		quality[coding] = QUALITY_ABSENT;
	while (next_element(&rest, ',', &element))
	{
		DdbText		name;

		if (element.len > 0 && next_element(&element, ';', &name))
			quality[coding_by_name(name)] = element_quality(element);
	}

	gzip = quality[CODING_GZIP] >= 0 ? quality[CODING_GZIP] : quality[CODING_ANY];
	deflate = quality[CODING_DEFLATE] >= 0 ? quality[CODING_DEFLATE] : quality[CODING_ANY];
	if (Max(gzip, deflate) <= 0 || quality[CODING_IDENTITY] > Max(gzip, deflate))
		return CODING_IDENTITY;
	return gzip >= deflate ? CODING_GZIP : CODING_DEFLATE;
}

/* ---- zlib ---- */

/* zlib's allocator: NULL, never an error, where there is no memory */
static voidpf
zlib_alloc(voidpf opaque, uInt items, uInt size)
{
	Size		bytes = (Size) items * size;

	if (!AllocSizeIsValid(bytes))
		return Z_NULL;
	return palloc_extended(bytes, MCXT_ALLOC_NO_OOM);
}

static void
zlib_free(voidpf opaque, voidpf pointer)
{
	pfree(pointer);
}

static void
init_stream(z_stream *stream, const char *data, int len)
{
	memset(stream, 0, sizeof(z_stream));
	stream->zalloc = zlib_alloc;
	stream->zfree = zlib_free;
	stream->next_in = (Bytef *) unconstify(char *, data);
	stream->avail_in = len;
}

static int
window_bits(Coding coding)
{
	return coding == CODING_GZIP ? WINDOW_BITS + GZIP_FORMAT : WINDOW_BITS;
}

/* zlib fails for want of memory only, where it is not the data's fault */
static void
raise_out_of_memory(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory"),
			 errdetail("zlib could not allocate its state.")));
}

/* ---- requests ---- */

/*
 * Decompress what fits into the next piece of out, no more than one byte
 * beyond max_size in all.  Returns zlib's status.
 */
static int
inflate_piece(z_stream *stream, StringInfo out, int max_size)
{
	int			room;
	int			status;

	CHECK_FOR_INTERRUPTS();
	enlargeStringInfo(out, PIECE);
	room = Min(out->maxlen - out->len - 1, max_size + 1 - out->len);
	stream->next_out = (Bytef *) out->data + out->len;
	stream->avail_out = room;
	status = inflate(stream, Z_NO_FLUSH);
	out->len += room - stream->avail_out;

	if (status == Z_MEM_ERROR)
		raise_out_of_memory();
	if (out->len > max_size)
		ddb_error(DDB_INTERNAL_SERVER_ERROR,
				  "The decompressed request body is larger than %d bytes", max_size);
	return status;
}

/*
 * Decompress the whole stream into out; false when it is malformed or ends
 * early.  A gzip stream may have several members, one after the other; after a
 * deflate stream nothing may follow.
 */
static bool
inflate_body(z_stream *stream, Coding coding, StringInfo out, int max_size)
{
	for (;;)
	{
		int			status = inflate_piece(stream, out, max_size);

		if (status == Z_STREAM_END)
		{
			if (stream->avail_in == 0)
				return true;
			if (coding != CODING_GZIP || inflateReset(stream) != Z_OK)
				return false;
		}
		else if (status != Z_OK ||
				 (stream->avail_in == 0 && stream->avail_out > 0))
			return false;
	}
}

/*
 * ddb_http_decode returns the request's body, decompressed if it came with
 * Content-Encoding gzip or deflate (zlib format): then in
 * CurrentMemoryContext, otherwise the body itself, whose length is checked
 * where it is received.  Raises InternalServerError, as the service answers
 * 500, for data that are malformed, truncated, empty, of another coding, or
 * longer than max_size bytes.
 */
DdbText
ddb_http_decode(const HttpRequest *request, int max_size)
{
	Coding		coding = request_coding(request);
	StringInfoData out;
	z_stream	stream;
	DdbText		result;
	bool		valid;

	if (coding == CODING_IDENTITY)
		return request->body;
	if (coding != CODING_GZIP && coding != CODING_DEFLATE)
		ddb_error(DDB_INTERNAL_SERVER_ERROR,
				  "The Content-Encoding of the request is not supported");

	init_stream(&stream, request->body.str, request->body.len);
	if (inflateInit2(&stream, window_bits(coding)) != Z_OK)
		raise_out_of_memory();
	initStringInfo(&out);
	valid = inflate_body(&stream, coding, &out, max_size);
	inflateEnd(&stream);
	if (!valid)
		ddb_error(DDB_INTERNAL_SERVER_ERROR,
				  "The request body is not valid for its Content-Encoding");

	out.data[out.len] = '\0';
	result.str = out.data;
	result.len = out.len;
	return result;
}

/* ---- responses ---- */

/*
 * Compress body, in one go, into out, which has room for all but the last of
 * its bytes.  Returns the compressed length; 0 when that is no shorter, or
 * there is no memory.
 */
static int
deflate_body(const StringInfo body, Coding coding, char *out)
{
	z_stream	stream;
	int			status;

	init_stream(&stream, body->data, body->len);
	if (deflateInit2(&stream, COMPRESS_LEVEL, Z_DEFLATED, window_bits(coding),
					 MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	stream.next_out = (Bytef *) out;
	stream.avail_out = body->len - 1;
	status = deflate(&stream, Z_FINISH);
	deflateEnd(&stream);
	return status == Z_STREAM_END ? body->len - 1 - stream.avail_out : 0;
}

/*
 * ddb_http_encode replaces the response's body, when it has more than 4 KB and
 * the client accepts that, by its compressed form in the same memory context,
 * and sets the content encoding.  A body that does not become shorter stays as
 * it is.  Raises nothing: for want of memory it stays as well.
 */
void
ddb_http_encode(const HttpRequest *request, HttpResponse *response)
{
	StringInfo	body = &response->body;
	Coding		coding;
	char	   *out;
	int			len;

	if (body->len <= COMPRESS_MINIMUM || response->content_encoding != NULL)
		return;
	coding = accepted_coding(request);
	if (coding == CODING_IDENTITY)
		return;
	out = MemoryContextAllocExtended(GetMemoryChunkContext(body->data), body->len,
									 MCXT_ALLOC_NO_OOM);
	if (out == NULL)
		return;
	len = deflate_body(body, coding, out);
	if (len == 0)
	{
		pfree(out);
		return;
	}
	pfree(body->data);
	out[len] = '\0';
	body->data = out;
	body->maxlen = body->len;
	body->len = len;
	response->content_encoding = coding == CODING_GZIP ? "gzip" : "deflate";
}

/*
 * ddb_http_crc32 returns the CRC-32 (that of gzip and Ethernet) of len bytes:
 * of x-amz-crc32, which covers the bytes as they are sent.
 */
uint32
ddb_http_crc32(const char *data, int len)
{
	return (uint32) crc32(0, (const Bytef *) data, len);
}
