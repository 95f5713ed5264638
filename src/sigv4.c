/*
 * sigv4.c
 *	  AWS Signature Version 4: reading a request's claim, and verifying it.
 *
 * A signature is made over a canonical form of the request, so that proxies
 * may reorder headers and respell the query without breaking it.  The claim is
 * what the request says of itself, in the Authorization header or in the
 * query of a presigned URL; verifying means building the canonical form again
 * and signing it with the key that the claimed scope leads to.
 *
 *		canonical request -- SHA-256 --> string to sign -- HMAC --> signature
 *		secret -- HMAC: date, region, service, terminator --> signing key ---^
 *
 * A function of its inputs: no keys, no roles, no clock.  All texts come from
 * an unknown sender; numbers of parameters and signed headers are bounded, and
 * what is compared with a secret is compared in constant time.
 */
#include "postgres.h"

#include <time.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "error.h"
#include "sigv4.h"

#define ALGORITHM			"AWS4-HMAC-SHA256"
#define ALGORITHM_FAMILY	"AWS4-"
#define SERVICE				"dynamodb"
#define TERMINATOR			"aws4_request"
#define QUERY_PREFIX		"X-Amz-"

#define HEX_LENGTH			(2 * DDB_SIGV4_KEY_LENGTH)
#define MAX_CLOCK_SKEW		(15 * 60)	/* in seconds */

/* more than any client sends; beyond it no signature matches */
#define MAX_PARAMETERS		256
#define MAX_SIGNED_HEADERS	256

/* ---- texts ---- */

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
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
begins_with(DdbText text, const char *prefix)
{
	int			len = strlen(prefix);

	return text.len >= len && memcmp(text.str, prefix, len) == 0;
}

static bool
same_name(DdbText name, DdbText other)
{
	return name.len == other.len &&
		pg_strncasecmp(name.str, other.str, name.len) == 0;
}

static int
compare_texts(DdbText a, DdbText b)
{
	int			cmp = memcmp(a.str, b.str, Min(a.len, b.len));

	return cmp != 0 ? cmp : a.len - b.len;
}

/*
 * The text of bytes from outside, for a message: NUL-terminated, palloc'd, with
 * a question mark for each byte that is no text in UTF-8.
 */
static const char *
shown(DdbText text)
{
	char	   *copy = palloc(text.len + 1);
	int			i = 0;

	if (text.len > 0)
		memcpy(copy, text.str, text.len);
	copy[text.len] = '\0';
	while (i < text.len)
	{
		unsigned char *at = (unsigned char *) copy + i;
		int			len = pg_utf_mblen(at);

		if (*at == '\0' || len > text.len - i || !pg_utf8_islegal(at, len))
		{
			*at = '?';
			len = 1;
		}
		i += len;
	}
	return copy;
}

/* Cut at the first c: what precedes it, and in *rest what follows. */
static bool
split_at(DdbText text, char c, DdbText *first, DdbText *rest)
{
	const char *at = text.len > 0 ? memchr(text.str, c, text.len) : NULL;

	if (at == NULL)
	{
		*first = text;
		rest->str = text.str + text.len;
		rest->len = 0;
		return false;
	}
	first->str = text.str;
	first->len = at - text.str;
	rest->str = at + 1;
	rest->len = text.len - first->len - 1;
	return true;
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/*
 * Take the next piece off *rest; false at the end.  Pieces are separated by
 * any number of the given bytes, so they are never empty.
 */
static bool
next_piece(DdbText *rest, const char *separators, DdbText *piece)
{
	while (rest->len > 0 && is_one_of(rest->str[0], separators))
	{
		rest->str++;
		rest->len--;
	}
	piece->str = rest->str;
	while (rest->len > 0 && !is_one_of(rest->str[0], separators))
	{
		rest->str++;
		rest->len--;
	}
	piece->len = rest->str - piece->str;
	return piece->len > 0;
}

/* The value of the first header of that name, trimmed; str is NULL if none. */
static DdbText
find_header(const DdbSignedRequest *request, const char *name)
{
	DdbText		wanted = {name, strlen(name)};
	DdbText		none = {NULL, 0};
	int			i;

	for (i = 0; i < request->nheaders; i++)
	{
		if (same_name(request->headers[i].name, wanted))
			return trim(request->headers[i].value);
	}
	return none;
}

/* ---- percent encoding ---- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Undo percent encoding, palloc'd; a percent sign without two digits stays. */
static DdbText
percent_decode(DdbText text)
{
	char	   *out = palloc(text.len + 1);
	DdbText		result = {out, 0};
	int			i;

	for (i = 0; i < text.len; i++)
	{
		int			high = -1;
		int			low = -1;

		if (text.str[i] == '%' && text.len - i > 2)
		{
			high = hex_value(text.str[i + 1]);
			low = hex_value(text.str[i + 2]);
		}
		if (high >= 0 && low >= 0)
		{
			out[result.len++] = high << 4 | low;
			i += 2;
		}
		else
			out[result.len++] = text.str[i];
	}
	return result;
}

static bool
is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

static void
append_encoded(StringInfo out, DdbText text)
{
	static const char digits[] = "0123456789ABCDEF";
	int			i;

	for (i = 0; i < text.len; i++)
	{
		unsigned char c = text.str[i];

		if (is_unreserved(c))
		{
			appendStringInfoCharMacro(out, c);
			continue;
		}
		appendStringInfoCharMacro(out, '%');
		appendStringInfoCharMacro(out, digits[c >> 4]);
		appendStringInfoCharMacro(out, digits[c & 15]);
	}
}

static DdbText
percent_encode(DdbText text)
{
	StringInfoData buf;
	DdbText		result;

	initStringInfo(&buf);
	append_encoded(&buf, text);
	result.str = buf.data;
	result.len = buf.len;
	return result;
}

/* ---- reading a claim ---- */

/* what a claim consists of; in a query the names have QUERY_PREFIX */
typedef struct ClaimPart
{
	const char *name;
	size_t		offset;			/* of its DdbText in DdbSigV4Claim */
	bool		in_header;		/* part of an Authorization header? */
	bool		optional;
} ClaimPart;

static const ClaimPart claim_parts[] = {
	{"Algorithm", offsetof(DdbSigV4Claim, algorithm)},
	{"Credential", offsetof(DdbSigV4Claim, credential), .in_header = true},
	{"Signature", offsetof(DdbSigV4Claim, signature), .in_header = true},
	{"SignedHeaders", offsetof(DdbSigV4Claim, signed_headers), .in_header = true},
	{"Date", offsetof(DdbSigV4Claim, date)},
	{"Security-Token", offsetof(DdbSigV4Claim, session_token), .optional = true}
};

static DdbText *
claim_text(DdbSigV4Claim *claim, const ClaimPart *part)
{
	return (DdbText *) ((char *) claim + part->offset);
}

static void
set_header_part(DdbSigV4Claim *claim, DdbText name, DdbText value)
{
	int			i;

	for (i = 0; i < lengthof(claim_parts); i++)
	{
		if (claim_parts[i].in_header && ddb_text_is(name, claim_parts[i].name))
			*claim_text(claim, &claim_parts[i]) = value;
	}
}

static void
check_header_complete(DdbSigV4Claim *claim)
{
	StringInfoData missing;
	int			i;

	initStringInfo(&missing);
	for (i = 0; i < lengthof(claim_parts); i++)
	{
		if (claim_parts[i].in_header && claim_text(claim, &claim_parts[i])->len == 0)
			appendStringInfo(&missing, "Authorization header requires '%s' parameter. ",
							 claim_parts[i].name);
	}
	if (claim->date.len == 0)
		appendStringInfoString(&missing,
							   "Authorization header requires existence of either a"
							   " 'X-Amz-Date' or a 'Date' header. ");
	if (missing.len > 0)
		ddb_error(DDB_INCOMPLETE_SIGNATURE, "%sAuthorization=%s", missing.data,
				  shown(claim->authorization));
	pfree(missing.data);
}

static void
check_header_pairs(const DdbSigV4Claim *claim, DdbText components)
{
	DdbText		component;

	while (next_piece(&components, ", \t", &component))
	{
		if (memchr(component.str, '=', component.len) == NULL)
			ddb_error(DDB_INCOMPLETE_SIGNATURE,
					  "'%s' not a valid key=value pair (missing equal-sign) in"
					  " Authorization header: '%s'.",
					  shown(component), shown(claim->authorization));
	}
}

/*
 * The header's form: the algorithm, then name=value components separated by
 * commas, blanks, or both.
 */
static void
read_header(const DdbSignedRequest *request, DdbSigV4Claim *claim)
{
	DdbText		rest = claim->authorization;
	DdbText		components;
	DdbText		component;

	(void) next_piece(&rest, ", \t", &claim->algorithm);
	components = rest;
	while (next_piece(&rest, ", \t", &component))
	{
		DdbText		name;
		DdbText		value;

		if (split_at(component, '=', &name, &value))
			set_header_part(claim, name, value);
	}

	claim->date = find_header(request, "X-Amz-Date");
	if (claim->date.len == 0)
		claim->date = find_header(request, "Date");
	claim->session_token = find_header(request, "X-Amz-Security-Token");

	check_header_complete(claim);
	check_header_pairs(claim, components);
}

static DdbText
query_of(DdbText uri)
{
	DdbText		path;
	DdbText		query;

	(void) split_at(uri, '?', &path, &query);
	return query;
}

/* Set the parts of a claim that the query has; false if it names no algorithm. */
static bool
read_query(const DdbSignedRequest *request, DdbSigV4Claim *claim)
{
	DdbText		rest = query_of(request->uri);
	DdbText		parameter;
	int			i;

	while (next_piece(&rest, "&", &parameter))
	{
		DdbText		raw_name;
		DdbText		value;
		DdbText		name;

		(void) split_at(parameter, '=', &raw_name, &value);
		name = percent_decode(raw_name);
		if (!begins_with(name, QUERY_PREFIX))
			continue;
		name.str += strlen(QUERY_PREFIX);
		name.len -= strlen(QUERY_PREFIX);
		for (i = 0; i < lengthof(claim_parts); i++)
		{
			if (ddb_text_is(name, claim_parts[i].name))
				*claim_text(claim, &claim_parts[i]) = percent_decode(value);
		}
	}
	return claim->algorithm.str != NULL;
}

static void
check_query_complete(DdbSigV4Claim *claim)
{
	StringInfoData missing;
	int			i;

	initStringInfo(&missing);
	for (i = 0; i < lengthof(claim_parts); i++)
	{
		if (!claim_parts[i].optional && claim_text(claim, &claim_parts[i])->len == 0)
			appendStringInfo(&missing,
							 "AWS query-string parameters must include '"
							 QUERY_PREFIX "%s'. ", claim_parts[i].name);
	}
	if (missing.len > 0)
		ddb_error(DDB_INCOMPLETE_SIGNATURE, "%sRe-examine the query-string parameters.",
				  missing.data);
	pfree(missing.data);
}

/*
 * ddb_sigv4_read: find the claim of a request, in the Authorization header or
 * in the query, and take it apart.  *claim is set whole; its texts point into
 * the request or are palloc'd.  Raises, in this order,
 * InvalidSignatureException when there are both,
 * MissingAuthenticationTokenException when there is neither or the header is
 * of another scheme, IncompleteSignatureException when parts are missing
 * (all of them are named) or a component of the header is no name=value pair.
 */
void
ddb_sigv4_read(const DdbSignedRequest *request, DdbSigV4Claim *claim)
{
	DdbText		authorization = find_header(request, "Authorization");
	bool		in_query;

	memset(claim, 0, sizeof(DdbSigV4Claim));
	in_query = read_query(request, claim);
	if (in_query && authorization.len > 0)
		ddb_error(DDB_INVALID_SIGNATURE,
				  "Found both 'X-Amz-Algorithm' as a query-string param and"
				  " 'Authorization' as HTTP header.");
	if (!in_query && !begins_with(authorization, ALGORITHM_FAMILY))
		ddb_error(DDB_MISSING_AUTHENTICATION_TOKEN,
				  "Request is missing Authentication Token");
	if (in_query)
	{
		claim->in_query = true;
		check_query_complete(claim);
		return;
	}

	memset(claim, 0, sizeof(DdbSigV4Claim));
	claim->authorization = authorization;
	read_header(request, claim);
}

/* ---- dates ---- */

#define TIMESTAMP_SIZE	sizeof(((DdbSigV4Claim *) NULL)->timestamp)

/* yyyymmddThhmmssZ of seconds since 1970, years 0 to 9999 */
static void
format_time(int64 seconds, char buf[TIMESTAMP_SIZE])
{
	time_t		when = seconds;
	struct tm	tm;

	if (gmtime_r(&when, &tm) == NULL)
		elog(ERROR, "time is out of range");
	snprintf(buf, TIMESTAMP_SIZE, "%04d%02d%02dT%02d%02d%02dZ",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
 * Seconds since 1970 of a date and time, of which any field may be out of its
 * range; false if there is no such moment.
 */
static bool
moment(const struct tm *fields, int64 *seconds)
{
	struct tm	tm = *fields;

	*seconds = timegm(&tm);
	return fields->tm_year > -1900 &&
		tm.tm_year == fields->tm_year && tm.tm_mon == fields->tm_mon &&
		tm.tm_mday == fields->tm_mday && tm.tm_hour == fields->tm_hour &&
		tm.tm_min == fields->tm_min && tm.tm_sec == fields->tm_sec;
}

/* Read a fixed number of digits; -1 if there are others. */
static int
digits_at(const char *str, int count)
{
	int			value = 0;

	while (count-- > 0)
	{
		if (*str < '0' || *str > '9')
			return -1;
		value = value * 10 + (*str++ - '0');
	}
	return value;
}

static bool
parse_iso(DdbText date, int64 *seconds)
{
	struct tm	tm = {0};

	if (date.len != 16 || date.str[8] != 'T' || date.str[15] != 'Z')
		return false;
	tm.tm_year = digits_at(date.str, 4) - 1900;
	tm.tm_mon = digits_at(date.str + 4, 2) - 1;
	tm.tm_mday = digits_at(date.str + 6, 2);
	tm.tm_hour = digits_at(date.str + 9, 2);
	tm.tm_min = digits_at(date.str + 11, 2);
	tm.tm_sec = digits_at(date.str + 13, 2);
	return moment(&tm, seconds);
}

static int
month_index(const char *name)
{
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	int			i;

	for (i = 0; i < lengthof(months); i++)
	{
		if (memcmp(name, months[i], 3) == 0)
			return i;
	}
	return -1;
}

static bool
is_utc(DdbText zone)
{
	return ddb_text_is(zone, "GMT") || ddb_text_is(zone, "UTC") ||
		ddb_text_is(zone, "+0000") || ddb_text_is(zone, "-0000");
}

/* the date of RFC 1123: Sun, 06 Nov 1994 08:49:37 GMT */
static bool
parse_rfc1123(DdbText date, int64 *seconds)
{
	static const char pattern[] = "aaa, dd aaa dddd dd:dd:dd ";
	int			fixed = strlen(pattern);
	struct tm	tm = {0};
	DdbText		zone;
	int			i;

	if (date.len < fixed)
		return false;
	for (i = 0; i < fixed; i++)
	{
		if (pattern[i] != 'a' && pattern[i] != 'd' && pattern[i] != date.str[i])
			return false;
	}
	zone.str = date.str + fixed;
	zone.len = date.len - fixed;
	if (!is_utc(zone))
		return false;

	tm.tm_mday = digits_at(date.str + 5, 2);
	tm.tm_mon = month_index(date.str + 8);
	tm.tm_year = digits_at(date.str + 12, 4) - 1900;
	tm.tm_hour = digits_at(date.str + 17, 2);
	tm.tm_min = digits_at(date.str + 20, 2);
	tm.tm_sec = digits_at(date.str + 23, 2);
	return moment(&tm, seconds);
}

static void
check_date(const DdbSignedRequest *request, DdbSigV4Claim *claim, int64 now)
{
	bool		has_own = claim->in_query ||
	find_header(request, "X-Amz-Date").len > 0;
	int64		signed_at;
	char		current[TIMESTAMP_SIZE];
	char		limit[TIMESTAMP_SIZE];

	if (!parse_iso(claim->date, &signed_at) &&
		(has_own || !parse_rfc1123(claim->date, &signed_at)))
		ddb_error(DDB_INCOMPLETE_SIGNATURE,
				  "Date must be in ISO-8601 'basic format'. Got '%s'."
				  " See http://en.wikipedia.org/wiki/ISO_8601", shown(claim->date));

	format_time(signed_at, claim->timestamp);
	memcpy(claim->scope_date, claim->timestamp, 8);
	claim->scope_date[8] = '\0';
	if (signed_at >= now - MAX_CLOCK_SKEW && signed_at <= now + MAX_CLOCK_SKEW)
		return;

	format_time(now, current);
	if (signed_at < now)
	{
		format_time(now - MAX_CLOCK_SKEW, limit);
		ddb_error(DDB_INVALID_SIGNATURE,
				  "Signature expired: %s is now earlier than %s (%s - 15 min.)",
				  claim->timestamp, limit, current);
	}
	format_time(now + MAX_CLOCK_SKEW, limit);
	ddb_error(DDB_INVALID_SIGNATURE,
			  "Signature not yet current: %s is still later than %s (%s + 15 min.)",
			  claim->timestamp, limit, current);
}

/* ---- checking a claim ---- */

static void
check_host_signed(const DdbSigV4Claim *claim)
{
	DdbText		host = {"host", 4};
	DdbText		rest = claim->signed_headers;
	DdbText		name;

	while (next_piece(&rest, ";", &name))
	{
		if (same_name(name, host))
			return;
	}
	ddb_error(DDB_INVALID_SIGNATURE,
			  "'Host' must be a 'SignedHeader' in the AWS Authorization.");
}

/* the elements of a credential, in order */
enum
{
	CREDENTIAL_KEY_ID,
	CREDENTIAL_DATE,
	CREDENTIAL_REGION,
	CREDENTIAL_SERVICE,
	CREDENTIAL_TERMINATOR
};

#define CREDENTIAL_ELEMENTS (CREDENTIAL_TERMINATOR + 1)

static void
split_credential(DdbText credential, DdbText elements[CREDENTIAL_ELEMENTS])
{
	DdbText		rest = credential;
	int			n = 0;
	bool		more;

	do
	{
		DdbText		element;

		more = split_at(rest, '/', &element, &rest);
		if (n < CREDENTIAL_ELEMENTS)
			elements[n] = element;
		n++;
	} while (more && n <= CREDENTIAL_ELEMENTS);

	if (n != CREDENTIAL_ELEMENTS)
		ddb_error(DDB_INCOMPLETE_SIGNATURE,
				  "Credential must have exactly 5 slash-delimited elements, e.g."
				  " keyid/date/region/service/term, got '%s'", shown(credential));
}

static void
check_scope(const DdbSigV4Claim *claim, const DdbText *elements, const char *region)
{
	StringInfoData wrong;

	initStringInfo(&wrong);
	if (!ddb_text_is(elements[CREDENTIAL_REGION], region))
		appendStringInfo(&wrong,
						 "Credential should be scoped to a valid region, not '%s'. ",
						 shown(elements[CREDENTIAL_REGION]));
	if (!ddb_text_is(elements[CREDENTIAL_SERVICE], SERVICE))
		appendStringInfoString(&wrong, "Credential should be scoped to correct"
							   " service: '" SERVICE "'. ");
	if (!ddb_text_is(elements[CREDENTIAL_TERMINATOR], TERMINATOR))
		appendStringInfo(&wrong, "Credential should be scoped with a valid terminator: '"
						 TERMINATOR "', not '%s'. ",
						 shown(elements[CREDENTIAL_TERMINATOR]));
	if (!ddb_text_is(elements[CREDENTIAL_DATE], claim->scope_date))
		appendStringInfo(&wrong,
						 "Date in Credential scope does not match YYYYMMDD from"
						 " ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
						 shown(elements[CREDENTIAL_DATE]), claim->scope_date,
						 claim->timestamp);
	if (wrong.len > 0)
		ddb_error(DDB_INVALID_SIGNATURE, "%s", wrong.data);
	pfree(wrong.data);
}

/*
 * ddb_sigv4_check: is the claim one that this service, in this region, may
 * accept now (in seconds since 1970)?  Sets the rest of *claim.  Checks in
 * this order: the date's form, the clock (15 minutes either way; the validity
 * that a presigned URL asks for does not extend that), Host among the signed
 * headers, algorithm, credential, scope.  Raises
 * IncompleteSignatureException for what is malformed or unsupported,
 * InvalidSignatureException for what is wrong; all that is wrong with a scope
 * is told at once.
 */
void
ddb_sigv4_check(const DdbSignedRequest *request, DdbSigV4Claim *claim, int64 now,
				const char *region)
{
	DdbText		elements[CREDENTIAL_ELEMENTS] = {{NULL, 0}};

	check_date(request, claim, now);
	check_host_signed(claim);
	if (!ddb_text_is(claim->algorithm, ALGORITHM))
		ddb_error(DDB_INCOMPLETE_SIGNATURE,
				  "Unsupported AWS 'algorithm': '%s' (only " ALGORITHM " for now). ",
				  shown(claim->algorithm));
	split_credential(claim->credential, elements);
	check_scope(claim, elements, region);

	claim->access_key_id = elements[CREDENTIAL_KEY_ID];
	claim->region = elements[CREDENTIAL_REGION];
	claim->service = elements[CREDENTIAL_SERVICE];
}

/* ---- hashes ---- */

/*
 * Algorithms and contexts are made once for the process: looking an algorithm
 * up costs several times as much as running it over a request.
 */
static void
sha256(const void *data, int len, uint8 digest[DDB_SIGV4_KEY_LENGTH])
{
	static EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *context = NULL;

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	if (algorithm == NULL || context == NULL ||
		!EVP_DigestInit_ex(context, algorithm, NULL) ||
		!EVP_DigestUpdate(context, data, len) ||
		!EVP_DigestFinal_ex(context, digest, NULL))
		elog(ERROR, "could not compute SHA-256 hash");
}

static EVP_MAC_CTX *
hmac_context(void)
{
	static EVP_MAC *algorithm = NULL;
	static EVP_MAC_CTX *context = NULL;
	OSSL_PARAM	params[2];
	EVP_MAC_CTX *fresh;

	if (context != NULL)
		return context;
	if (algorithm == NULL)
		algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (algorithm == NULL)
		return NULL;

	fresh = EVP_MAC_CTX_new(algorithm);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "SHA256", 0);
	params[1] = OSSL_PARAM_construct_end();
	if (fresh == NULL || !EVP_MAC_CTX_set_params(fresh, params))
	{
		EVP_MAC_CTX_free(fresh);
		return NULL;
	}
	context = fresh;
	return context;
}

static void
hmac(const void *key, int key_len, const void *data, int len,
	 uint8 mac[DDB_SIGV4_KEY_LENGTH])
{
	EVP_MAC_CTX *context = hmac_context();
	size_t		mac_len;

	if (context == NULL ||
		!EVP_MAC_init(context, key, key_len, NULL) ||
		!EVP_MAC_update(context, data, len) ||
		!EVP_MAC_final(context, mac, &mac_len, DDB_SIGV4_KEY_LENGTH) ||
		mac_len != DDB_SIGV4_KEY_LENGTH)
		elog(ERROR, "could not compute HMAC");
}

static void
to_hex(const uint8 digest[DDB_SIGV4_KEY_LENGTH], char hex[HEX_LENGTH + 1])
{
	static const char digits[] = "0123456789abcdef";
	int			i;

	for (i = 0; i < DDB_SIGV4_KEY_LENGTH; i++)
	{
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[HEX_LENGTH] = '\0';
}

static void
append_hash(StringInfo out, const void *data, int len)
{
	uint8		digest[DDB_SIGV4_KEY_LENGTH];
	char		hex[HEX_LENGTH + 1];

	sha256(data, len, digest);
	to_hex(digest, hex);
	appendBinaryStringInfo(out, hex, HEX_LENGTH);
}

/* ---- the canonical request ---- */

static void
append_text(StringInfo out, DdbText text)
{
	if (text.len > 0)
		appendBinaryStringInfo(out, text.str, text.len);
}

/* Drop the last segment of the path that starts at start in out, and its slash. */
static void
drop_segment(StringInfo out, int start)
{
	while (out->len > start && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--;
	out->data[out->len] = '\0';
}

/*
 * The path: dot segments and empty ones resolved, then encoded a second time,
 * for it is the path as sent that is signed.
 */
static void
append_path(StringInfo out, DdbText uri)
{
	int			start = out->len;
	DdbText		rest;
	DdbText		query;
	DdbText		segment;
	bool		is_directory;

	(void) split_at(uri, '?', &rest, &query);
	is_directory = rest.len > 0 && rest.str[rest.len - 1] == '/';
	while (next_piece(&rest, "/", &segment))
	{
		if (ddb_text_is(segment, "."))
			continue;
		if (ddb_text_is(segment, ".."))
		{
			drop_segment(out, start);
			continue;
		}
		appendStringInfoChar(out, '/');
		append_encoded(out, segment);
	}
	if (is_directory || out->len == start)
		appendStringInfoChar(out, '/');
}

typedef struct QueryParameter
{
	DdbText		name;			/* both encoded */
	DdbText		value;
} QueryParameter;

static int
compare_parameters(const void *a, const void *b)
{
	const QueryParameter *p = a;
	const QueryParameter *q = b;
	int			cmp = compare_texts(p->name, q->name);

	return cmp != 0 ? cmp : compare_texts(p->value, q->value);
}

/*
 * The query: each name and value encoded in one way only, sorted, without the
 * signature itself.  False if there are too many parameters.
 */
static bool
append_query(StringInfo out, DdbText uri, bool in_query)
{
	DdbText		rest = query_of(uri);
	QueryParameter *parameters;
	DdbText		piece;
	int			n = 0;
	int			i;

	if (rest.len == 0)
		return true;

	parameters = palloc(MAX_PARAMETERS * sizeof(QueryParameter));
	while (next_piece(&rest, "&", &piece))
	{
		DdbText		name;
		DdbText		value;

		(void) split_at(piece, '=', &name, &value);
		name = percent_decode(name);
		if (in_query && ddb_text_is(name, QUERY_PREFIX "Signature"))
			continue;
		if (n == MAX_PARAMETERS)
			return false;
		parameters[n].name = percent_encode(name);
		parameters[n].value = percent_encode(percent_decode(value));
		n++;
	}

	qsort(parameters, n, sizeof(QueryParameter), compare_parameters);
	for (i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, '&');
		append_text(out, parameters[i].name);
		appendStringInfoChar(out, '=');
		append_text(out, parameters[i].value);
	}
	return true;
}

static int
compare_names(const void *a, const void *b)
{
	return compare_texts(*(const DdbText *) a, *(const DdbText *) b);
}

/*
 * The names of the signed headers in lower case, sorted, each once; names has
 * room for MAX_SIGNED_HEADERS.  Returns their number, or -1 for too many.
 */
static int
signed_names(DdbText list, DdbText *names)
{
	char	   *lower = palloc(list.len + 1);
	DdbText		rest = {lower, list.len};
	DdbText		name;
	int			n = 0;
	int			unique = 0;
	int			i;

	for (i = 0; i < list.len; i++)
		lower[i] = pg_ascii_tolower((unsigned char) list.str[i]);
	while (next_piece(&rest, ";", &name))
	{
		if (n == MAX_SIGNED_HEADERS)
			return -1;
		names[n++] = name;
	}

	qsort(names, n, sizeof(DdbText), compare_names);
	for (i = 0; i < n; i++)
	{
		if (unique == 0 || compare_texts(names[i], names[unique - 1]) != 0)
			names[unique++] = names[i];
	}
	return unique;
}

/* A header's value: trimmed, with one space for each run of blanks. */
static void
append_value(StringInfo out, DdbText value)
{
	int			i;

	value = trim(value);
	for (i = 0; i < value.len; i++)
	{
		if (!is_blank(value.str[i]))
			appendStringInfoCharMacro(out, value.str[i]);
		else if (!is_blank(value.str[i - 1]))
			appendStringInfoCharMacro(out, ' ');
	}
}

/* One signed header: all values of that name, in their order. */
static void
append_header(StringInfo out, const DdbSignedRequest *request, DdbText name)
{
	bool		first = true;
	int			i;

	append_text(out, name);
	appendStringInfoChar(out, ':');
	for (i = 0; i < request->nheaders; i++)
	{
		if (!same_name(request->headers[i].name, name))
			continue;
		if (!first)
			appendStringInfoChar(out, ',');
		append_value(out, request->headers[i].value);
		first = false;
	}
	appendStringInfoChar(out, '\n');
}

/* The signed headers and the list of their names.  False if there are too many. */
static bool
append_headers(StringInfo out, const DdbSignedRequest *request, DdbText list)
{
	DdbText		names[MAX_SIGNED_HEADERS];
	int			n = signed_names(list, names);
	int			i;

	if (n < 0)
		return false;
	for (i = 0; i < n; i++)
		append_header(out, request, names[i]);
	appendStringInfoChar(out, '\n');
	for (i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ';');
		append_text(out, names[i]);
	}
	return true;
}

/* Append the canonical request to out; false if it is beyond our bounds. */
static bool
append_canonical_request(StringInfo out, const DdbSignedRequest *request,
						 const DdbSigV4Claim *claim)
{
	appendStringInfoString(out, request->method);
	appendStringInfoChar(out, '\n');
	append_path(out, request->uri);
	appendStringInfoChar(out, '\n');
	if (!append_query(out, request->uri, claim->in_query))
		return false;
	appendStringInfoChar(out, '\n');
	if (!append_headers(out, request, claim->signed_headers))
		return false;
	appendStringInfoChar(out, '\n');
	append_hash(out, request->body.str, request->body.len);
	return true;
}

/* ---- signing ---- */

/*
 * ddb_sigv4_signing_key: the key that signs requests of one day (yyyymmdd) to
 * one service of one region, derived from a secret.
 */
void
ddb_sigv4_signing_key(const char *secret, const char *scope_date, DdbText region,
					  DdbText service, uint8 key[DDB_SIGV4_KEY_LENGTH])
{
	int			seed_len = strlen("AWS4") + strlen(secret);
	char	   *seed = psprintf("AWS4%s", secret);

	hmac(seed, seed_len, scope_date, strlen(scope_date), key);
	hmac(key, DDB_SIGV4_KEY_LENGTH, region.str, region.len, key);
	hmac(key, DDB_SIGV4_KEY_LENGTH, service.str, service.len, key);
	hmac(key, DDB_SIGV4_KEY_LENGTH, TERMINATOR, strlen(TERMINATOR), key);
	explicit_bzero(seed, seed_len);
	pfree(seed);
}

/* Append the string to sign; false if the request is beyond our bounds. */
static bool
append_string_to_sign(StringInfo out, const DdbSignedRequest *request,
					  const DdbSigV4Claim *claim)
{
	StringInfoData canonical;

	initStringInfo(&canonical);
	if (!append_canonical_request(&canonical, request, claim))
		return false;

	appendStringInfo(out, ALGORITHM "\n%s\n%s/", claim->timestamp, claim->scope_date);
	append_text(out, claim->region);
	appendStringInfoChar(out, '/');
	append_text(out, claim->service);
	appendStringInfoString(out, "/" TERMINATOR "\n");
	append_hash(out, canonical.data, canonical.len);
	pfree(canonical.data);
	return true;
}

static bool
signature_matches(const DdbSignedRequest *request, const DdbSigV4Claim *claim,
				  const uint8 key[DDB_SIGV4_KEY_LENGTH])
{
	StringInfoData text;
	uint8		mac[DDB_SIGV4_KEY_LENGTH];
	char		hex[HEX_LENGTH + 1];

	if (claim->signature.len != HEX_LENGTH)
		return false;
	initStringInfo(&text);
	if (!append_string_to_sign(&text, request, claim))
		return false;
	hmac(key, DDB_SIGV4_KEY_LENGTH, text.data, text.len, mac);
	pfree(text.data);
	to_hex(mac, hex);
	return CRYPTO_memcmp(hex, claim->signature.str, HEX_LENGTH) == 0;
}

/*
 * ddb_sigv4_verify: does the claim's signature come from this signing key?  It
 * covers method, path, query, the signed headers and the body as sent.  The
 * claim must have passed ddb_sigv4_check.  Raises InvalidSignatureException if
 * it does not match.
 */
void
ddb_sigv4_verify(const DdbSignedRequest *request, const DdbSigV4Claim *claim,
				 const uint8 key[DDB_SIGV4_KEY_LENGTH])
{
	if (!signature_matches(request, claim, key))
		ddb_error(DDB_INVALID_SIGNATURE,
				  "The request signature we calculated does not match the signature"
				  " you provided. Check your AWS Secret Access Key and signing method."
				  " Consult the service documentation for details.");
}
