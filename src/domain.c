/*
 * domain.c
 *	  The value layer for SQL: domain checks, sizes, plain JSON.
 *
 * The domains of the extension are jsonb with a check.  The checks run on
 * every write by plain SQL, so they are one walk over the document; they
 * accept stored form only, because everything that reads items relies on it,
 * and say what is wrong instead of returning false.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "attrval.h"
#include "compat.h"
#include "error.h"
#include "guc.h"
#include "keyenc.h"
#include "plainjson.h"

#define MAX_KEY_ATTRIBUTES	2

#define MSG_ITEM_SIZE	"Item size has exceeded the maximum allowed size"

DDB_FUNCTION(ddb_item_is_valid);
DDB_FUNCTION(ddb_attribute_value_is_valid);
DDB_FUNCTION(ddb_key_is_valid);
DDB_FUNCTION(ddb_item_size_sql);
DDB_FUNCTION(ddb_item_to_json);
DDB_FUNCTION(ddb_json_to_item);
DDB_FUNCTION(ddb_value_to_plain);
DDB_FUNCTION(ddb_plain_to_value_sql);
DDB_FUNCTION(ddb_item_in_json);
DDB_FUNCTION(ddb_partition_hash_text);
DDB_FUNCTION(ddb_partition_hash_numeric);
DDB_FUNCTION(ddb_partition_hash_bytea);

/* check_violation; reason is an API message or a phrase of ours */
static void
refuse(const char *what, const char *reason, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg("invalid DynamoDB %s: %s", what, reason),
			 detail == NULL ? 0 : errdetail("%s", detail)));
}

static void
require_stored(const char *what, DdbCheck check)
{
	if (check.message != NULL)
		refuse(what, check.message, NULL);
	if (!check.canonical)
		refuse(what, "not in stored form", check.detail);
}

/* stored form of an item or a key; errors as above */
static void
require_stored_item(const char *what, DdbDoc item)
{
	if (!ddb_doc_is_object(item))
		refuse(what, "not a JSON object", NULL);
	require_stored(what, ddb_item_check_stored(item));
}

/*
 * An item never counts more bytes than its jsonb form takes, so most need not
 * be measured.
 */
static bool
is_too_large(DdbDoc item)
{
	return item.len > ddb_max_item_size &&
		ddb_item_size(item) > ddb_max_item_size;
}

/*
 * A result of the type of a domain is taken for checked, also where it is
 * stored; the functions that make items therefore mind their size.
 */
static Jsonb *
require_item_size(Jsonb *item)
{
	if (is_too_large(ddb_doc_root(item)))
		ddb_validation_error(MSG_ITEM_SIZE);
	return item;
}

/*
 * ddb_item_is_valid(jsonb) returns boolean: true, or check_violation when the
 * argument is not an item in stored form or is too large.
 */
Datum
ddb_item_is_valid(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	DdbDoc		item = ddb_doc_root(jb);

	require_stored_item("item", item);
	if (is_too_large(item))
		refuse("item", MSG_ITEM_SIZE, NULL);
	PG_FREE_IF_COPY(jb, 0);
	PG_RETURN_BOOL(true);
}

/*
 * ddb_attribute_value_is_valid(jsonb) returns boolean: the same for a single
 * attribute value.
 */
Datum
ddb_attribute_value_is_valid(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	DdbDoc		value = ddb_doc_root(jb);

	if (!ddb_doc_is_object(value))
		refuse("attribute value", "not a JSON object", NULL);
	require_stored("attribute value", ddb_value_check_stored(value));
	PG_FREE_IF_COPY(jb, 0);
	PG_RETURN_BOOL(true);
}

/*
 * ddb_key_is_valid(jsonb) returns boolean: the same for a key: one or two
 * attributes of type S, N or B that are not empty.
 */
Datum
ddb_key_is_valid(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	DdbDoc		key = ddb_doc_root(jb);
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	child;
	DdbValue	value;

	require_stored_item("key", key);
	if (ddb_doc_count(key) < 1 || ddb_doc_count(key) > MAX_KEY_ATTRIBUTES)
		refuse("key", "a key has one or two attributes", NULL);

	ddb_doc_begin(&cursor, key);
	while (ddb_doc_next(&cursor, &name, &child))
	{
		ddb_value_open(ddb_doc_of(&child), &value);
		if (value.type != DDB_S && value.type != DDB_N && value.type != DDB_B)
			refuse("key", "key attributes are of type S, N or B", NULL);
		if (value.text.len == 0)
			refuse("key", "key attributes cannot be empty", NULL);
	}
	PG_FREE_IF_COPY(jb, 0);
	PG_RETURN_BOOL(true);
}

/*
 * ddb_item_size_sql(jsonb) returns bigint: bytes of an item as DynamoDB
 * counts them.
 */
Datum
ddb_item_size_sql(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	int64		size = ddb_item_size(ddb_doc_root(jb));

	PG_FREE_IF_COPY(jb, 0);
	PG_RETURN_INT64(size);
}

/* ddb_item_to_json(jsonb) returns jsonb: an item as plain JSON */
Datum
ddb_item_to_json(PG_FUNCTION_ARGS)
{
	Jsonb	   *item = PG_GETARG_JSONB_P(0);

	require_stored_item("item", ddb_doc_root(item));
	PG_RETURN_JSONB_P(ddb_item_to_plain(ddb_doc_root(item)));
}

/*
 * ddb_json_to_item(jsonb) returns jsonb: the item in stored form that plain
 * JSON stands for; ValidationException when there is none, or it is too large.
 */
Datum
ddb_json_to_item(PG_FUNCTION_ARGS)
{
	Jsonb	   *plain = PG_GETARG_JSONB_P(0);

	PG_RETURN_JSONB_P(require_item_size(ddb_plain_to_item(ddb_doc_root(plain))));
}

/* the tree of a scalar or container as a datum */
static Jsonb *
tree_to_jsonb(JsonbValue *tree)
{
	if (IsAJsonbScalar(tree))
		return JsonbValueToJsonb(tree);
	return ddb_json_encode(tree);
}

/* ddb_value_to_plain(jsonb) returns jsonb: one attribute value as plain JSON */
Datum
ddb_value_to_plain(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	DdbDoc		doc = ddb_doc_root(jb);
	DdbValue	value;
	JsonbValue	plain;

	require_stored("attribute value", ddb_value_check_stored(doc));
	ddb_value_open(doc, &value);
	ddb_value_to_plain_tree(&value, &plain);
	PG_RETURN_JSONB_P(tree_to_jsonb(&plain));
}

/*
 * ddb_plain_to_value_sql(jsonb) returns jsonb: the attribute value in stored
 * form that plain JSON stands for; ValidationException when there is none.
 */
Datum
ddb_plain_to_value_sql(PG_FUNCTION_ARGS)
{
	Jsonb	   *jb = PG_GETARG_JSONB_P(0);
	JsonbValue	plain;

	ddb_json_jsonb(&plain, jb);
	PG_RETURN_JSONB_P(ddb_plain_to_value(&plain));
}

/*
 * ddb_item_in_json(jsonb) returns jsonb: stored form of an item in any
 * spelling that a request may use; ValidationException when it is not valid or
 * too large.
 */
Datum
ddb_item_in_json(PG_FUNCTION_ARGS)
{
	Jsonb	   *sent = PG_GETARG_JSONB_P(0);

	PG_RETURN_JSONB_P(require_item_size(ddb_item_accept(ddb_doc_root(sent))));
}

/*
 * The last hash that one call site has computed: in a scan by partition the
 * same key comes many times in a row.
 */
typedef struct HashMemo
{
	int32		hash;
	int			len;			/* of key; -1 while empty */
	char		key[1024];		/* the column's bytes */
} HashMemo;

static HashMemo *
hash_memo(FmgrInfo *flinfo)
{
	HashMemo   *memo = flinfo->fn_extra;

	if (memo == NULL)
	{
		memo = MemoryContextAlloc(flinfo->fn_mcxt, sizeof(HashMemo));
		memo->len = -1;
		flinfo->fn_extra = memo;
	}
	return memo;
}

/* signed, so that the order of the results is the order of the hashes */
static int32
signed_hash(FunctionCallInfo fcinfo, DdbType type)
{
	struct varlena *column = PG_GETARG_VARLENA_PP(0);
	int			len = VARSIZE_ANY_EXHDR(column);
	HashMemo   *memo = hash_memo(fcinfo->flinfo);
	int32		hash;

	if (memo->len == len && memcmp(memo->key, VARDATA_ANY(column), len) == 0)
		return memo->hash;
	hash = (int32) (ddb_key_partition_hash(type, PointerGetDatum(column)) ^ 0x80000000);
	if (len <= (int) sizeof(memo->key))
	{
		memcpy(memo->key, VARDATA_ANY(column), len);
		memo->len = len;
		memo->hash = hash;
	}
	return hash;
}

/*
 * ddb_partition_hash_text, _numeric, _bytea(pk) return integer: place of a
 * partition in the order of Scan, from the pk column's value.
 */
Datum
ddb_partition_hash_text(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(signed_hash(fcinfo, DDB_S));
}

Datum
ddb_partition_hash_numeric(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(signed_hash(fcinfo, DDB_N));
}

Datum
ddb_partition_hash_bytea(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(signed_hash(fcinfo, DDB_B));
}
