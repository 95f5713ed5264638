/*
 * op_partiql_token.c
 *	  NextToken: where reading goes on.
 *
 * A token is the LastEvaluatedKey of the page, in a form of its own, with a
 * digest of the statement and its parameters.  There is no secret in it, so
 * that whoever reads on checks the key like an ExclusiveStartKey.
 *
 *		base64 of: digest of the request, digest of all that follows and the
 *		first digest, then for each attribute of the key: length of the name
 *		(2 bytes), name, type (1 byte), length of the text (2 bytes), text.
 */
#include "postgres.h"

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "error.h"
#include "op_partiql.h"
#include "wire.h"

#define TOKEN_DIGEST_SIZE	16	/* bytes, of the request */
#define TOKEN_CHECK_SIZE	8	/* bytes, of the token itself */
#define TOKEN_MAX_TEXT		PG_UINT16_MAX	/* of names and key values */

static void
hash_parts(const DdbText *parts, int count, uint8 *digest, int size)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	uint8		full[PG_SHA256_DIGEST_LENGTH];
	int			i;

	if (context == NULL || pg_cryptohash_init(context) < 0)
		elog(ERROR, "could not begin a digest");
	for (i = 0; i < count; i++)
	{
		if (pg_cryptohash_update(context, (const uint8 *) parts[i].str, parts[i].len) < 0)
			elog(ERROR, "could not update a digest");
	}
	if (pg_cryptohash_final(context, full, sizeof(full)) < 0)
		elog(ERROR, "could not finish a digest");
	pg_cryptohash_free(context);
	memcpy(digest, full, size);
}

/* of the statement and its parameters */
static void
digest_request(DdbDoc request, uint8 *digest)
{
	DdbDoc		parameters = ddb_request_doc(request, "Parameters");
	DdbText		parts[3];
	StringInfoData printed;

	(void) ddb_request_string(request, "Statement", &parts[0]);
	parts[1].str = "\0";
	parts[1].len = 1;
	initStringInfo(&printed);
	if (parameters.ptr != NULL)
		ddb_wire_print(&printed, parameters);
	parts[2].str = printed.data;
	parts[2].len = printed.len;
	hash_parts(parts, 3, digest, TOKEN_DIGEST_SIZE);
}

static void
digest_token(const uint8 *request_digest, DdbText body, uint8 *digest)
{
	DdbText		parts[2];

	parts[0].str = (const char *) request_digest;
	parts[0].len = TOKEN_DIGEST_SIZE;
	parts[1] = body;
	hash_parts(parts, 2, digest, TOKEN_CHECK_SIZE);
}

static void
put_text(StringInfo out, DdbText text)
{
	if (text.len > TOKEN_MAX_TEXT)
		elog(ERROR, "key attribute is too large for a token");
	appendStringInfoChar(out, (char) (text.len >> 8));
	appendStringInfoChar(out, (char) (text.len & 0xff));
	appendBinaryStringInfo(out, text.str, text.len);
}

static void
put_key(StringInfo out, DdbDoc key)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	member;
	DdbValue	value;

	ddb_doc_begin(&cursor, key);
	while (ddb_doc_next(&cursor, &name, &member))
	{
		ddb_value_open(ddb_doc_of(&member), &value);
		put_text(out, name);
		appendStringInfoChar(out, (char) value.type);
		put_text(out, value.text);
	}
}

void
ddb_statement_add_token(JsonbValue *response, DdbDoc request, const JsonbValue *last_key)
{
	uint8		request_digest[TOKEN_DIGEST_SIZE];
	uint8		check[TOKEN_CHECK_SIZE];
	StringInfoData body;
	StringInfoData token;
	DdbText		text;
	JsonbValue	value;
	char	   *encoded;
	int			len;

	initStringInfo(&body);
	put_key(&body, ddb_doc_root(ddb_json_encode(last_key)));
	text.str = body.data;
	text.len = body.len;
	digest_request(request, request_digest);
	digest_token(request_digest, text, check);
	initStringInfo(&token);
	appendBinaryStringInfo(&token, (char *) request_digest, TOKEN_DIGEST_SIZE);
	appendBinaryStringInfo(&token, (char *) check, TOKEN_CHECK_SIZE);
	appendBinaryStringInfo(&token, body.data, body.len);
	encoded = ddb_base64_encode((uint8 *) token.data, token.len, &len);
	ddb_json_string(&value, encoded, len);
	ddb_json_add_value(response, "NextToken", &value);
}

static void pg_attribute_noreturn()
raise_token(void)
{
	ddb_validation_error("Invalid NextToken");
}

void
ddb_statement_raise_token(void)
{
	ddb_validation_error("Given NextToken does not match the request");
}

/* split a text off the front of body */
static DdbText
take_text(DdbText *body)
{
	const uint8 *bytes = (const uint8 *) body->str;
	DdbText		text;

	if (body->len < 2)
		raise_token();
	text.len = bytes[0] << 8 | bytes[1];
	if (text.len > body->len - 2)
		raise_token();
	text.str = body->str + 2;
	body->str += 2 + text.len;
	body->len -= 2 + text.len;
	if (pg_verify_mbstr(PG_UTF8, text.str, text.len, true) == false)
		raise_token();
	return text;
}

static DdbType
take_type(DdbText *body)
{
	uint8		type;

	if (body->len < 1)
		raise_token();
	type = (uint8) body->str[0];
	if (type != DDB_S && type != DDB_N && type != DDB_B)
		raise_token();
	body->str++;
	body->len--;
	return (DdbType) type;
}

static Jsonb *
take_key(DdbText body)
{
	JsonbValue	key;
	Jsonb	   *sent;

	ddb_json_object(&key, 4);
	while (body.len > 0)
	{
		DdbText		name = take_text(&body);
		DdbType		type = take_type(&body);
		DdbText		text = take_text(&body);
		JsonbValue	value;

		CHECK_FOR_INTERRUPTS();
		if (type == DDB_B && !ddb_base64_is_canonical(text.str, text.len))
			raise_token();
		ddb_json_scalar(&value, type, text.str, text.len);
		ddb_json_add(&key, name.str, name.len, &value);
	}
	sent = ddb_json_encode(&key);
	if (ddb_item_check(ddb_doc_root(sent)).message != NULL)
		raise_token();
	return ddb_item_accept(ddb_doc_root(sent));
}

DdbDoc
ddb_statement_token_key(DdbDoc request)
{
	DdbDoc		none = {NULL, 0};
	uint8		digest[TOKEN_DIGEST_SIZE];
	uint8		check[TOKEN_CHECK_SIZE];
	DdbText		token;
	DdbText		body;
	bytea	   *raw;
	const uint8 *bytes;

	if (!ddb_request_string(request, "NextToken", &token))
		return none;
	if (!ddb_base64_is_canonical(token.str, token.len))
		raise_token();
	raw = ddb_base64_decode(token.str, token.len);
	bytes = (const uint8 *) VARDATA(raw);
	body.len = VARSIZE(raw) - VARHDRSZ - TOKEN_DIGEST_SIZE - TOKEN_CHECK_SIZE;
	if (body.len <= 0)
		raise_token();
	body.str = (const char *) bytes + TOKEN_DIGEST_SIZE + TOKEN_CHECK_SIZE;
	digest_token(bytes, body, check);
	if (memcmp(check, bytes + TOKEN_DIGEST_SIZE, TOKEN_CHECK_SIZE) != 0)
		raise_token();
	digest_request(request, digest);
	if (memcmp(digest, bytes, TOKEN_DIGEST_SIZE) != 0)
		ddb_statement_raise_token();
	return ddb_doc_root(take_key(body));
}
