/*
 * index_entry.c
 *	  Secondary indexes: the entry of an item, as a function of the item.
 *
 * An entry has a position and a projected item.  The position is, column by
 * column,
 *
 *		hash	of pk, which spreads partitions as in the item table
 *		pk		the index partition key
 *		sk1 ..	the index sort key
 *		tie		a digest of the table's key; in a local index, after the
 *				beginning of the table's sort key in a form that bytes order
 *
 * so that one unique btree orders the index, and who has an item knows where
 * its entry is without having seen it.
 *
 * Nothing here opens a relation.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "common/cryptohash.h"
#include "common/sha2.h"
#include "port/pg_bswap.h"

#include "index.h"
#include "number.h"

/* bytes of the table's sort key that order items of equal local index keys */
#define TIE_PREFIX		64

/* what ends a sort key in tie; a zero byte inside is followed by TIE_ZERO */
#define TIE_COMPLETE	0x01
#define TIE_CUT			0x02
#define TIE_ZERO		0xFF

/* ----------------------------------------------------------------
 * Digests
 * ----------------------------------------------------------------
 */

/* type and length of a value, before its bytes */
#define VALUE_HEADER	(1 + (int) sizeof(uint32))

static void
value_header(const DdbValue *value, uint8 *header)
{
	uint32		len = pg_hton32((uint32) value->text.len);

	header[0] = (uint8) value->type;
	memcpy(header + 1, &len, sizeof(len));
}

static void
compute_digest(const DdbTable *table, DdbIndexBase *base)
{
	EVP_MD_CTX *context = ddb_key_md5_begin();
	int			i;

	for (i = 0; i < table->keys.nattrs; i++)
	{
		uint8		header[VALUE_HEADER];

		value_header(&base->key[i], header);
		if (!EVP_DigestUpdate(context, header, sizeof(header)) ||
			!EVP_DigestUpdate(context, base->key[i].text.str, base->key[i].text.len))
			elog(ERROR, "could not compute MD5 hash");
	}
	if (!EVP_DigestFinal_ex(context, base->digest, NULL))
		elog(ERROR, "could not compute MD5 hash");
	base->has_digest = true;
}

static void
sha256(const void *bytes, int len, uint8 *digest)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

	if (context == NULL ||
		pg_cryptohash_init(context) < 0 ||
		pg_cryptohash_update(context, bytes, len) < 0 ||
		pg_cryptohash_final(context, digest, PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "could not compute SHA-256 hash");
	pg_cryptohash_free(context);
}

/* ----------------------------------------------------------------
 * Index keys
 * ----------------------------------------------------------------
 */

/* bytes of a key value as limits count them, which numbers never reach */
static int
key_size(const DdbValue *value)
{
	if (value->type == DDB_S)
		return ddb_text_decoded_size(value->text.str, value->text.len);
	if (value->type == DDB_B)
		return ddb_base64_decoded_size(value->text.str, value->text.len);
	return 0;
}

/*
 * The values of attributes that make one key together; false when one is
 * missing, of another type or empty, or when all are larger than limit bytes.
 */
static bool
key_values(DdbDoc item, const DdbKeyAttr *attrs, int nattrs, int limit, DdbValue *values)
{
	int			stored = 0;
	int			size = 0;
	int			i;

	for (i = 0; i < nattrs; i++)
	{
		if (!ddb_item_get(item, attrs[i].name.str, attrs[i].name.len, &values[i]) ||
			values[i].type != attrs[i].type ||
			values[i].text.len == 0)
			return false;
		if (values[i].type != DDB_N)
			stored += values[i].text.len;
	}
	if (stored <= limit)
		return true;
	for (i = 0; i < nattrs; i++)
		size += key_size(&values[i]);
	return size <= limit;
}

/*
 * ddb_index_values: values of the index key attributes, those of the partition
 * key first, pointing into item.  False when the item is not in the index.
 */
bool
ddb_index_values(const DdbIndex *index, DdbDoc item, DdbValue *values)
{
	return key_values(item, index->partition, index->npartition,
					  DDB_MAX_PARTITION_KEY, values) &&
		key_values(item, index->sort, index->nsort,
				   DDB_MAX_SORT_KEY, values + index->npartition);
}

/*
 * ddb_index_base: the table's own key attributes, pointing into item.  False
 * when one is missing or of another type, which no item in its table is.
 */
bool
ddb_index_base(const DdbTable *table, DdbDoc item, DdbIndexBase *out)
{
	int			i;

	out->has_digest = false;
	for (i = 0; i < table->keys.nattrs; i++)
	{
		const DdbKeyAttr *attr = &table->keys.attr[i];

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &out->key[i]) ||
			out->key[i].type != attr->type)
			return false;
	}
	return true;
}

/*
 * ddb_index_is_key: is the attribute part of the index's partition or sort key?
 */
bool
ddb_index_is_key(const DdbIndex *index, DdbText attribute)
{
	int			i;

	for (i = 0; i < index->npartition; i++)
	{
		if (ddb_text_same(index->partition[i].name, attribute))
			return true;
	}
	for (i = 0; i < index->nsort; i++)
	{
		if (ddb_text_same(index->sort[i].name, attribute))
			return true;
	}
	return false;
}

/* ----------------------------------------------------------------
 * Positions
 * ----------------------------------------------------------------
 */

/*
 * pk of several attributes: each with its type and length, so that different
 * keys differ; shortened as ddb_key_column does with one.
 */
static Datum
joined_column(const DdbValue *values, int nvalues)
{
	Size		size = 0;
	bytea	   *result;
	uint8	   *at;
	int			i;

	for (i = 0; i < nvalues; i++)
		size += VALUE_HEADER + values[i].text.len;
	result = palloc(VARHDRSZ + size + PG_SHA256_DIGEST_LENGTH);
	at = (uint8 *) VARDATA(result);
	for (i = 0; i < nvalues; i++)
	{
		value_header(&values[i], at);
		memcpy(at + VALUE_HEADER, values[i].text.str, values[i].text.len);
		at += VALUE_HEADER + values[i].text.len;
	}

	if (size > DDB_KEY_COLUMN_MAX)
	{
		uint8		digest[PG_SHA256_DIGEST_LENGTH];

		sha256(VARDATA(result), (int) size, digest);
		memcpy(VARDATA(result) + DDB_KEY_COLUMN_MAX, digest, sizeof(digest));
		size = DDB_KEY_COLUMN_MAX + sizeof(digest);
	}
	SET_VARSIZE(result, VARHDRSZ + size);
	return PointerGetDatum(result);
}

/*
 * ddb_index_partition: hash and pk of the partition with these values of the
 * index's partition key attributes, in order, of the right types.
 */
void
ddb_index_partition(const DdbIndex *index, const DdbValue *values, DdbIndexPosition *out)
{
	bool		joined = index->npartition > 1;
	uint32		hash;

	out->pk = joined ? joined_column(values, index->npartition) :
		ddb_key_column(values, true);
	hash = ddb_key_partition_hash(joined ? DDB_B : index->partition[0].type, out->pk);

	/* unsigned order in a signed column, as partition_hash() has it */
	out->hash = index->expiry ? 0 : (int32) (hash ^ 0x80000000);
}

/*
 * The bytes by which a key value is ordered among its type.  Points into the
 * value or to palloc'd memory.
 */
static const uint8 *
ordering_bytes(const DdbValue *value, int *len)
{
	DdbNumber	number;
	uint8	   *key;
	bytea	   *raw;

	switch (value->type)
	{
		case DDB_N:
			if (ddb_number_parse(value->text.str, value->text.len, &number) != DDB_NUMBER_OK)
				elog(ERROR, "number is not in stored form");
			key = palloc(DDB_NUMBER_KEY_MAX);
			*len = ddb_number_key_bytes(&number, key);
			return key;
		case DDB_B:
			raw = ddb_base64_decode(value->text.str, value->text.len);
			*len = (int) (VARSIZE(raw) - VARHDRSZ);
			return (const uint8 *) VARDATA(raw);
		default:
			*len = value->text.len;
			return (const uint8 *) value->text.str;
	}
}

/*
 * The beginning of a sort key in a form whose byte order is the key's and of
 * which none is a prefix of another.  buf has room for 2 * TIE_PREFIX + 2.
 */
static int
write_ordered(const DdbValue *value, uint8 *buf)
{
	int			len;
	const uint8 *bytes = ordering_bytes(value, &len);
	int			taken = Min(len, TIE_PREFIX);
	uint8	   *at = buf;
	int			i;

	for (i = 0; i < taken; i++)
	{
		*at++ = bytes[i];
		if (bytes[i] == 0)
			*at++ = TIE_ZERO;
	}
	*at++ = 0;
	*at++ = taken < len ? TIE_CUT : TIE_COMPLETE;
	return (int) (at - buf);
}

static Datum
tie_column(const DdbTable *table, const DdbIndex *index, DdbIndexBase *base)
{
	bytea	   *tie = palloc(VARHDRSZ + 2 * TIE_PREFIX + 2 + sizeof(base->digest));
	int			len = 0;

	if (!index->global && table->keys.nattrs == 2)
		len = write_ordered(&base->key[1], (uint8 *) VARDATA(tie));
	if (!base->has_digest)
		compute_digest(table, base);
	memcpy(VARDATA(tie) + len, base->digest, sizeof(base->digest));
	SET_VARSIZE(tie, VARHDRSZ + len + sizeof(base->digest));
	return PointerGetDatum(tie);
}

/*
 * ddb_index_place: the position from what ddb_index_values and ddb_index_base
 * found; palloc'd.
 */
void
ddb_index_place(const DdbTable *table, const DdbIndex *index, const DdbValue *values,
				DdbIndexBase *base, DdbIndexPosition *out)
{
	int			i;

	ddb_index_partition(index, values, out);
	out->nsort = index->nsort;
	for (i = 0; i < index->nsort; i++)
		out->sort[i] = ddb_key_column(&values[index->npartition + i], false);
	out->tie = tie_column(table, index, base);
}

/*
 * ddb_index_position: where an item in stored form is in the index, or would
 * be; false when the index does not hold it.
 */
bool
ddb_index_position(const DdbTable *table, const DdbIndex *index, DdbDoc item,
				   DdbIndexPosition *out)
{
	DdbValue	values[DDB_MAX_INDEX_KEY];
	DdbIndexBase base;

	if (!ddb_index_values(index, item, values) ||
		!ddb_index_base(table, item, &base))
		return false;
	ddb_index_place(table, index, values, &base, out);
	return true;
}

/* ----------------------------------------------------------------
 * Projections
 * ----------------------------------------------------------------
 */

static void
add_name(DdbText *names, int *count, DdbText name)
{
	int			i;

	for (i = 0; i < *count; i++)
	{
		if (ddb_text_same(names[i], name))
			return;
	}
	names[(*count)++] = name;
}

/*
 * Names of the key attributes of table and index, and with included of those
 * that the index includes, each once; palloc'd.
 */
static DdbText *
attribute_names(const DdbTable *table, const DdbIndex *index, bool included, int *count)
{
	DdbText    *names = palloc(sizeof(DdbText) *
							   (2 + DDB_MAX_INDEX_KEY + index->nattributes));
	int			i;

	*count = 0;
	for (i = 0; i < table->keys.nattrs; i++)
		add_name(names, count, table->keys.attr[i].name);
	for (i = 0; i < index->npartition; i++)
		add_name(names, count, index->partition[i].name);
	for (i = 0; i < index->nsort; i++)
		add_name(names, count, index->sort[i].name);
	for (i = 0; included && i < index->nattributes; i++)
		add_name(names, count, index->attributes[i]);
	return names;
}

static DdbText *
projected_names(const DdbTable *table, const DdbIndex *index, int *count)
{
	return attribute_names(table, index, index->projection == DDB_PROJECT_INCLUDE, count);
}

/* those of the attributes that item has, as an object that points into it */
static void
pick_attributes(DdbDoc item, const DdbText *names, int count, JsonbValue *out)
{
	int			i;

	ddb_json_object(out, count);
	for (i = 0; i < count; i++)
	{
		JsonbValue	value;

		if (ddb_doc_get(item, names[i].str, names[i].len, &value))
			ddb_json_add(out, names[i].str, names[i].len, &value);
	}
}

/*
 * ddb_index_project: what the index holds of the item: item itself under
 * projection ALL, else a palloc'd document.
 */
DdbDoc
ddb_index_project(const DdbTable *table, const DdbIndex *index, DdbDoc item)
{
	DdbText    *names;
	int			count;
	JsonbValue	tree;

	if (index->projection == DDB_PROJECT_ALL)
		return item;
	names = projected_names(table, index, &count);
	pick_attributes(item, names, count, &tree);
	return ddb_doc_root(ddb_json_encode(&tree));
}

/*
 * ddb_index_projects: does the index hold this attribute of items that have
 * it?
 */
bool
ddb_index_projects(const DdbTable *table, const DdbIndex *index, DdbText attribute)
{
	int			i;

	if (index->projection == DDB_PROJECT_ALL || ddb_index_is_key(index, attribute))
		return true;
	for (i = 0; i < table->keys.nattrs; i++)
	{
		if (ddb_text_same(table->keys.attr[i].name, attribute))
			return true;
	}
	for (i = 0; index->projection == DDB_PROJECT_INCLUDE && i < index->nattributes; i++)
	{
		if (ddb_text_same(index->attributes[i], attribute))
			return true;
	}
	return false;
}

/*
 * ddb_index_entry_size: bytes of the item's entry as DynamoDB counts items; 0
 * when the index does not hold it.
 */
int64
ddb_index_entry_size(const DdbTable *table, const DdbIndex *index, DdbDoc item)
{
	DdbValue	values[DDB_MAX_INDEX_KEY];
	DdbText    *names;
	int64		size = 0;
	int			count;
	int			i;

	if (!ddb_index_values(index, item, values))
		return 0;
	if (index->projection == DDB_PROJECT_ALL)
		return ddb_item_size(item);

	names = projected_names(table, index, &count);
	for (i = 0; i < count; i++)
	{
		DdbValue	value;

		if (ddb_item_get(item, names[i].str, names[i].len, &value))
			size += ddb_text_decoded_size(names[i].str, names[i].len) +
				ddb_value_size(&value);
	}
	pfree(names);
	return size;
}

/*
 * ddb_index_key_to_json: the key attributes of table and index that item has,
 * each once, as a tree whose leaves point into item.
 */
void
ddb_index_key_to_json(const DdbTable *table, const DdbIndex *index,
					  DdbDoc item, JsonbValue *out)
{
	int			count;
	DdbText    *names = attribute_names(table, index, false, &count);

	pick_attributes(item, names, count, out);
}
