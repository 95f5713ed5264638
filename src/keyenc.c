/*
 * keyenc.c
 *	  Keys: from key attributes to the columns that order a table.
 *
 * Strings and binaries become columns as they are stored, numbers become
 * numeric, so the database's own comparison orders keys as DynamoDB does.  A
 * partition key beyond DDB_KEY_COLUMN_MAX becomes a prefix and a digest, for
 * an index entry could not hold it; such a column value is longer than any
 * key kept raw, so the two forms never meet.
 *
 * Nothing here knows tables; schemas are handed in.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "catalog/pg_type_d.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "error.h"
#include "keyenc.h"
#include "number.h"

#define MSG_INVALID "One or more parameter values were invalid: "

/* texts of this many bytes at most, sign included, surely fit an int64 */
#define SHORT_INTEGER_MAX	18

/* what partition hashes are taken over, before the key's bytes */
#define HASH_PREFIX			"Outliers"

#define LAST_CODE_POINT		0x10FFFF
#define FIRST_SURROGATE		0xD800
#define LAST_SURROGATE		0xDFFF

/* ---- columns ---- */

/*
 * ddb_key_column_type: type of the column that holds a key attribute of type
 * S, N or B.
 */
Oid
ddb_key_column_type(DdbType type)
{
	if (type == DDB_S)
		return TEXTOID;
	if (type == DDB_N)
		return NUMERICOID;
	if (type == DDB_B)
		return BYTEAOID;
	elog(ERROR, "attribute type %s cannot be a key", ddb_type_name(type));
	return InvalidOid;
}

static void
sha256(const void *bytes, int len, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL ||
		pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, bytes, len) < 0 ||
		pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0)
	{
		const char *reason = context == NULL ? "out of memory" :
		pg_cryptohash_error(context);

		pg_cryptohash_free(context);
		elog(ERROR, "could not compute SHA-256 hash: %s", reason);
	}
	pg_cryptohash_free(context);
}

/*
 * Prefix, cut back to a character, and digest of the whole in hexadecimal.
 */
static Datum
text_digest(DdbText key)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char		hex[2 * PG_SHA256_DIGEST_LENGTH];
	int			prefix = DDB_KEY_COLUMN_MAX;
	text	   *result;

	/* a continuation byte here means that the cut goes through a character */
	while (prefix > 0 && ((unsigned char) key.str[prefix] & 0xC0) == 0x80)
		prefix--;

	sha256(key.str, key.len, digest);
	hex_encode((const char *) digest, sizeof(digest), hex);

	result = palloc(VARHDRSZ + prefix + sizeof(hex));
	SET_VARSIZE(result, VARHDRSZ + prefix + sizeof(hex));
	memcpy(VARDATA(result), key.str, prefix);
	memcpy(VARDATA(result) + prefix, hex, sizeof(hex));
	return PointerGetDatum(result);
}

static Datum
binary_digest(const bytea *key)
{
	Size		size = VARHDRSZ + DDB_KEY_COLUMN_MAX + PG_SHA256_DIGEST_LENGTH;
	bytea	   *result = palloc(size);

	SET_VARSIZE(result, size);
	memcpy(VARDATA(result), VARDATA(key), DDB_KEY_COLUMN_MAX);
	sha256(VARDATA(key), VARSIZE(key) - VARHDRSZ,
		   (uint8 *) VARDATA(result) + DDB_KEY_COLUMN_MAX);
	return PointerGetDatum(result);
}

static Datum
text_column(DdbText key, bool partition)
{
	if (partition && key.len > DDB_KEY_COLUMN_MAX)
		return text_digest(key);
	return PointerGetDatum(cstring_to_text_with_len(key.str, key.len));
}

static Datum
binary_column(DdbText key, bool partition)
{
	bytea	   *raw = ddb_base64_decode(key.str, key.len);

	if (partition && VARSIZE(raw) - VARHDRSZ > DDB_KEY_COLUMN_MAX)
		return binary_digest(raw);
	return PointerGetDatum(raw);
}

/*
 * Most numeric keys are short integers, which need no parser.
 */
static Datum
number_column(DdbText key)
{
	bool		negative = key.len > 0 && key.str[0] == '-';
	int64		value = 0;
	char		text[DDB_NUMBER_TEXT_MAX];
	int			i;

	for (i = negative ? 1 : 0; i < key.len && i < SHORT_INTEGER_MAX; i++)
	{
		if (key.str[i] < '0' || key.str[i] > '9')
			break;
		value = value * 10 + (key.str[i] - '0');
	}
	if (i == key.len)
		return NumericGetDatum(int64_to_numeric(negative ? -value : value));

	if (key.len >= sizeof(text))
		elog(ERROR, "number is not in stored form");
	memcpy(text, key.str, key.len);
	text[key.len] = '\0';
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/*
 * ddb_key_column: the column value of a key attribute (S, N, B in stored
 * form), palloc'd.  partition: long keys become prefix and digest.
 */
Datum
ddb_key_column(const DdbValue *value, bool partition)
{
	if (value->type == DDB_S)
		return text_column(value->text, partition);
	if (value->type == DDB_N)
		return number_column(value->text);
	if (value->type == DDB_B)
		return binary_column(value->text, partition);
	elog(ERROR, "attribute type %s cannot be a key",
		 ddb_type_name(value->type));
	return (Datum) 0;
}

/* ---- checks ---- */

/*
 * ddb_key_size_check: ValidationException when a string or binary key is too
 * long: 2048 bytes as a partition key, 1024 as a sort key.  Numbers are never
 * too long.
 */
void
ddb_key_size_check(const DdbValue *value, bool partition)
{
	int			size;

	if (value->type == DDB_S)
		size = ddb_text_decoded_size(value->text.str, value->text.len);
	else if (value->type == DDB_B)
		size = ddb_base64_decoded_size(value->text.str, value->text.len);
	else
		return;

	if (partition && size > DDB_MAX_PARTITION_KEY)
		ddb_validation_error(MSG_INVALID
							 "Size of hashkey has exceeded the maximum size limit of%d bytes",
							 DDB_MAX_PARTITION_KEY);
	if (!partition && size > DDB_MAX_SORT_KEY)
		ddb_validation_error(MSG_INVALID
							 "Aggregated size of all range keys has exceeded the size limit of %d bytes",
							 DDB_MAX_SORT_KEY);
}

/*
 * Empty strings and binaries are values, but not keys.  The error begins
 * differently for items and for Key arguments.
 */
static void
check_not_empty(const DdbKeyAttr *attr, const DdbValue *value,
				const char *beginning)
{
	if (value->type == DDB_N || value->text.len > 0)
		return;
	ddb_validation_error("%sThe AttributeValue for a key attribute cannot contain an empty %s value. Key: %.*s",
						 beginning,
						 value->type == DDB_S ? "string" : "binary",
						 attr->name.len, attr->name.str);
}

static void
set_column(const DdbKeyAttr *attr, const DdbValue *value, DdbKey *out)
{
	bool		partition = out->ncols == 0;

	ddb_key_size_check(value, partition);
	out->col[out->ncols++] = ddb_key_column(value, partition);
}

/*
 * ddb_key_of_item: key of an item in stored form that is being put.
 * ValidationException for a missing, mistyped, empty or oversized key
 * attribute, in the order of the schema.
 */
void
ddb_key_of_item(const DdbKeySchema *schema, DdbDoc item, DdbKey *out)
{
	int			i;

	out->ncols = 0;
	for (i = 0; i < schema->nattrs; i++)
	{
		const DdbKeyAttr *attr = &schema->attr[i];
		DdbValue	value;

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &value))
			ddb_validation_error(MSG_INVALID
								 "Missing the key %.*s in the item",
								 attr->name.len, attr->name.str);
		if (value.type != attr->type)
			ddb_validation_error(MSG_INVALID
								 "Type mismatch for key %.*s expected: %s actual: %s",
								 attr->name.len, attr->name.str,
								 ddb_type_name(attr->type),
								 ddb_type_name(value.type));
		check_not_empty(attr, &value,
						"One or more parameter values are not valid. ");
		set_column(attr, &value, out);
	}
}

/*
 * ddb_key_of_argument: key of a Key argument in stored form, which must hold
 * the key attributes and nothing else.  ValidationException as above, with
 * one text for everything that does not fit the schema.
 */
void
ddb_key_of_argument(const DdbKeySchema *schema, DdbDoc key, DdbKey *out)
{
	int			i;

	out->ncols = 0;
	if (ddb_doc_count(key) != schema->nattrs)
		ddb_validation_error("The provided key element does not match the schema");
	for (i = 0; i < schema->nattrs; i++)
	{
		const DdbKeyAttr *attr = &schema->attr[i];
		DdbValue	value;

		if (!ddb_item_get(key, attr->name.str, attr->name.len, &value) ||
			value.type != attr->type)
			ddb_validation_error("The provided key element does not match the schema");
		check_not_empty(attr, &value, MSG_INVALID);
		set_column(attr, &value, out);
	}
}

/*
 * ddb_key_to_json: the key attributes of item as a tree whose leaves point
 * into item; absent ones are left out.
 */
void
ddb_key_to_json(const DdbKeySchema *schema, DdbDoc item, JsonbValue *out)
{
	int			i;

	ddb_json_object(out, schema->nattrs);
	for (i = 0; i < schema->nattrs; i++)
	{
		DdbText		name = schema->attr[i].name;
		JsonbValue	value;

		if (ddb_doc_get(item, name.str, name.len, &value))
			ddb_json_add(out, name.str, name.len, &value);
	}
}

/* ---- partitions ---- */

/*
 * MD5 with the algorithm looked up once: this runs for every inserted item
 * and for every row of a scan, where looking it up costs several times as much
 * as computing it.
 */
EVP_MD_CTX *
ddb_key_md5_begin(void)
{
	static EVP_MD_CTX *context = NULL;
	static EVP_MD *md5 = NULL;

	if (md5 == NULL)
		md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	if (md5 == NULL || context == NULL || !EVP_DigestInit_ex(context, md5, NULL))
		elog(ERROR, "could not compute MD5 hash");
	return context;
}

static uint32
partition_hash(const void *bytes, int len)
{
	EVP_MD_CTX *context = ddb_key_md5_begin();
	uint8		digest[EVP_MAX_MD_SIZE];

	if (!EVP_DigestUpdate(context, HASH_PREFIX, strlen(HASH_PREFIX)) ||
		!EVP_DigestUpdate(context, bytes, len) ||
		!EVP_DigestFinal_ex(context, digest, NULL))
		elog(ERROR, "could not compute MD5 hash");
	return (uint32) digest[0] << 24 | (uint32) digest[1] << 16 |
		(uint32) digest[2] << 8 | (uint32) digest[3];
}

static uint32
number_hash(Datum column)
{
	char	   *text = DatumGetCString(DirectFunctionCall1(numeric_out, column));
	DdbNumber	number;
	uint8		key[DDB_NUMBER_KEY_MAX];
	int			len;

	if (ddb_number_parse(text, strlen(text), &number) != DDB_NUMBER_OK)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number \"%s\" cannot be a key", text)));
	pfree(text);
	len = ddb_number_key_bytes(&number, key);
	return partition_hash(key, len);
}

/*
 * ddb_key_partition_hash: where a partition stands in the order of Scan, from
 * the value of its pk column: the first four bytes, as a big-endian number, of
 * an MD5 over a prefix and the key's bytes.
 */
uint32
ddb_key_partition_hash(DdbType type, Datum column)
{
	struct varlena *bytes;
	uint32		hash;

	if (type == DDB_N)
		return number_hash(column);

	bytes = PG_DETOAST_DATUM_PACKED(column);
	hash = partition_hash(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	if ((Pointer) bytes != DatumGetPointer(column))
		pfree(bytes);
	return hash;
}

/* ---- prefixes ---- */

/*
 * The text with its last character replaced by the next one; characters that
 * have no next one are dropped first.
 */
static bool
text_prefix_end(Datum prefix, Datum *end)
{
	text	   *source = DatumGetTextPP(prefix);
	const unsigned char *str = (unsigned char *) VARDATA_ANY(source);
	int			len = VARSIZE_ANY_EXHDR(source);

	while (len > 0)
	{
		int			start = len - 1;
		pg_wchar	code;
		text	   *result;
		int			last;

		while (start > 0 && (str[start] & 0xC0) == 0x80)
			start--;
		code = utf8_to_unicode(str + start);
		if (code >= LAST_CODE_POINT)
		{
			len = start;
			continue;
		}
		code++;
		if (code >= FIRST_SURROGATE && code <= LAST_SURROGATE)
			code = LAST_SURROGATE + 1;

		result = palloc(VARHDRSZ + start + MAX_MULTIBYTE_CHAR_LEN);
		memcpy(VARDATA(result), str, start);
		unicode_to_utf8(code, (unsigned char *) VARDATA(result) + start);
		last = pg_utf_mblen((unsigned char *) VARDATA(result) + start);
		SET_VARSIZE(result, VARHDRSZ + start + last);
		*end = PointerGetDatum(result);
		return true;
	}
	return false;
}

static bool
binary_prefix_end(Datum prefix, Datum *end)
{
	bytea	   *source = DatumGetByteaPP(prefix);
	const uint8 *bytes = (uint8 *) VARDATA_ANY(source);
	int			len = VARSIZE_ANY_EXHDR(source);
	bytea	   *result;

	while (len > 0 && bytes[len - 1] == 0xFF)
		len--;
	if (len == 0)
		return false;

	result = palloc(VARHDRSZ + len);
	SET_VARSIZE(result, VARHDRSZ + len);
	memcpy(VARDATA(result), bytes, len);
	((uint8 *) VARDATA(result))[len - 1]++;
	*end = PointerGetDatum(result);
	return true;
}

/*
 * ddb_key_prefix_end: the least text (S) or bytea (B) that is greater than
 * everything beginning with prefix, palloc'd; false when nothing is greater.
 */
bool
ddb_key_prefix_end(DdbType type, Datum prefix, Datum *end)
{
	Assert(type == DDB_S || type == DDB_B);
	return type == DDB_S ? text_prefix_end(prefix, end) :
		binary_prefix_end(prefix, end);
}
