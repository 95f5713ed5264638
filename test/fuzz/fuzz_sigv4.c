/*
 * fuzz_sigv4.c
 *	  Properties of sigv4.c over arbitrary requests.
 *
 * An input is a request as HTTP writes it: method and target, header lines, an
 * empty line, the body.  No input may pass as it is, since nobody knows the
 * key.  One whose claim is in order is then signed with sigv4.c's own means,
 * and must verify however proxies rewrite it, and never once its body changed.
 *
 * sigv4.c is included whole, for its means; it is written for the server, so
 * the few symbols it expects there are here.
 */
#undef FRONTEND
#include "../../src/sigv4.c"

#include "fuzz_support.h"

#define NOW				1700000000	/* 2023-11-14 22:13:20 UTC */
#define REGION			"us-east-1"
#define HEADERS_MAX		300

/* one input, and how far it got */
typedef struct Sample
{
	DdbHttpHeader headers[HEADERS_MAX];
	char		method[32];
	DdbSignedRequest request;
	DdbSigV4Claim claim;
	uint8		key[DDB_SIGV4_KEY_LENGTH];
	bool		in_order;		/* ddb_sigv4_check passed */
} Sample;

/* ---- the server's symbols ---- */

bool
errstart(int elevel, const char *domain)
{
	fuzz_fail("only API errors are raised", __FILE__, __LINE__);
}

bool
errstart_cold(int elevel, const char *domain)
{
	fuzz_fail("only API errors are raised", __FILE__, __LINE__);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	abort();
}

int
errmsg_internal(const char *fmt,...)
{
	abort();
}

void
ExceptionalCondition(const char *conditionName, const char *errorType,
					 const char *fileName, int lineNumber)
{
	fuzz_fail(conditionName, fileName, lineNumber);
}

/* ---- one input ---- */

static void
parse_input(Sample *sample, const char *data, int size)
{
	DdbText		rest = {data, size};
	DdbSignedRequest *request = &sample->request;
	DdbText		line;
	DdbText		method;

	(void) split_at(rest, '\n', &line, &rest);
	(void) split_at(line, ' ', &method, &request->uri);
	method.len = Min(method.len, sizeof(sample->method) - 1);
	memcpy(sample->method, method.str, method.len);
	request->method = sample->method;

	request->headers = sample->headers;
	while (split_at(rest, '\n', &line, &rest) && line.len > 0 &&
		   request->nheaders < HEADERS_MAX)
	{
		DdbHttpHeader *header = &sample->headers[request->nheaders++];

		(void) split_at(line, ':', &header->name, &header->value);
	}
	request->body = rest;
}

static void
run_request(void *arg)
{
	Sample	   *sample = arg;

	ddb_sigv4_read(&sample->request, &sample->claim);
	ddb_sigv4_check(&sample->request, &sample->claim, NOW, REGION);
	sample->in_order = true;
	ddb_sigv4_signing_key("secret", sample->claim.scope_date, sample->claim.region,
						  sample->claim.service, sample->key);
	ddb_sigv4_verify(&sample->request, &sample->claim, sample->key);
}

static void
verify_request(void *arg)
{
	Sample	   *sample = arg;

	ddb_sigv4_verify(&sample->request, &sample->claim, sample->key);
}

/* Sign as a client would; false if the request is beyond the bounds. */
static bool
sign_request(Sample *sample, char hex[HEX_LENGTH + 1])
{
	StringInfoData text;
	uint8		mac[DDB_SIGV4_KEY_LENGTH];

	initStringInfo(&text);
	if (!append_string_to_sign(&text, &sample->request, &sample->claim))
		return false;
	hmac(sample->key, DDB_SIGV4_KEY_LENGTH, text.data, text.len, mac);
	to_hex(mac, hex);
	sample->claim.signature.str = hex;
	sample->claim.signature.len = HEX_LENGTH;
	return true;
}

static int
compare_headers(const void *a, const void *b)
{
	const DdbHttpHeader *p = a;
	const DdbHttpHeader *q = b;
	int			cmp = pg_strncasecmp(p->name.str, q->name.str,
									 Min(p->name.len, q->name.len));

	if (cmp == 0)
		cmp = p->name.len - q->name.len;
	return cmp != 0 ? cmp : (p->value.str > q->value.str) - (p->value.str < q->value.str);
}

/* What proxies may do: other order, other case, blanks around values. */
static void
rewrite_headers(Sample *sample)
{
	int			i;
	int			j;

	qsort(sample->headers, sample->request.nheaders, sizeof(DdbHttpHeader),
		  compare_headers);
	for (i = 0; i < sample->request.nheaders; i++)
	{
		DdbHttpHeader *header = &sample->headers[i];
		char	   *name = palloc(header->name.len);
		char	   *value = palloc(header->value.len + 2);

		for (j = 0; j < header->name.len; j++)
			name[j] = pg_ascii_toupper((unsigned char) header->name.str[j]);
		value[0] = '\t';
		memcpy(value + 1, header->value.str, header->value.len);
		value[header->value.len + 1] = ' ';
		header->name.str = name;
		header->value.str = value;
		header->value.len += 2;
	}
}

static void
check_signed(Sample *sample)
{
	DdbText		body = sample->request.body;
	char	   *longer = palloc(body.len + 1);
	char		hex[HEX_LENGTH + 1];

	if (!sign_request(sample, hex))
		return;
	fuzz_check(fuzz_catch(verify_request, sample));
	rewrite_headers(sample);
	fuzz_check(fuzz_catch(verify_request, sample));

	memcpy(longer, body.str, body.len);
	longer[body.len] = '}';
	sample->request.body.str = longer;
	sample->request.body.len++;
	fuzz_check(!fuzz_catch(verify_request, sample));
	fuzz_check(fuzz_error_code == DDB_INVALID_SIGNATURE);

	sample->request.body = body;
	hex[0] ^= 1;
	fuzz_check(!fuzz_catch(verify_request, sample));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Sample sample;

	memset(&sample, 0, sizeof(sample));
	parse_input(&sample, (const char *) data, size);
	fuzz_check(!fuzz_catch(run_request, &sample));
	fuzz_check(fuzz_error_code == DDB_MISSING_AUTHENTICATION_TOKEN ||
			   fuzz_error_code == DDB_INCOMPLETE_SIGNATURE ||
			   fuzz_error_code == DDB_INVALID_SIGNATURE);
	fuzz_check(fuzz_error_message[0] != '\0');
	if (sample.in_order)
		check_signed(&sample);
	fuzz_release();
	return 0;
}

/* ---- generator ---- */

static const char *const targets[] = {
	"POST /\n", "POST /?\n", "GET /a//b/./../c%20d/?z=%7e&a&a=%2&%41=%C3%A9&&=\n",
	"POST /../..\n", "POST /..?x\n", "POST a\n", "\n", "POST /?X-Amz-Algorithm=x\n",
	"POST /?X-Amz-Algorithm=AWS4-HMAC-SHA256"
	"&X-Amz-Credential=AK%2F20231114%2Fus-east-1%2Fdynamodb%2Faws4_request"
	"&X-Amz-Date=20231114T221320Z&X-Amz-SignedHeaders=host%3Bx-a&X-Amz-Signature=0\n"
};

static const char *const authorizations[] = {
	"", "Authorization: AWS4-HMAC-SHA256\n", "authorization: Basic x\n",
	"Authorization: AWS4-HMAC-SHA256 Credential=AK/20231114/us-east-1/dynamodb/"
	"aws4_request, SignedHeaders=host;x-a;X-b;absent, Signature="
	"0000000000000000000000000000000000000000000000000000000000000000\n",
	"AUTHORIZATION:AWS4-HMAC-SHA256 Credential=AK/20231114/us-east-1/dynamodb/"
	"aws4_request,SignedHeaders=x-a;host;;host,Signature=0,,b=\n",
	"Authorization: AWS4-X Credential=a/b/c/d/e SignedHeaders=host Signature=1 x\n"
};

static const char *const header_lines[] = {
	"x-amz-date: 20231114T221320Z\n", "X-Amz-Date:20231114T221319Z\n",
	"Date: Tue, 14 Nov 2023 22:13:20 GMT\n", "X-Amz-Date: 20240230T000000Z\n",
	"Host: localhost:8000\n", "Host:\n", "x-a:  1 \t 2\n", "X-A:\n", "x-b: \xC3\n",
	"x-b\n", ":\n", "X-Amz-Security-Token: t\n", "X-Amz-Target: a.b\n"
};

static const char *const bodies[] = {"", "\n", "\n{}", "\n{\"TableName\":\"x\"}"};

size_t
fuzz_generate(uint8_t *buf, size_t capacity)
{
	int			lines = fuzz_random(12);
	size_t		size = 0;

	size = fuzz_pick(buf, size, capacity, targets, lengthof(targets));
	size = fuzz_pick(buf, size, capacity, authorizations, lengthof(authorizations));
	if (fuzz_random(4) > 0)
		size = fuzz_pick(buf, size, capacity, header_lines, 1);
	while (lines-- > 0)
		size = fuzz_pick(buf, size, capacity, header_lines, lengthof(header_lines));
	return fuzz_pick(buf, size, capacity, bodies, lengthof(bodies));
}
