/*
 * keyenc.h
 *	  Keys: from the key attributes of an item to the columns of its table.
 *
 * pk and sk columns are text COLLATE "C" (S), numeric (N) or bytea (B).  A
 * partition key over DDB_KEY_COLUMN_MAX stored bytes is kept in the column as
 * a prefix and a digest, in a form longer than any raw key can be; the item
 * holds the true key.
 */
#ifndef DDB_KEYENC_H
#define DDB_KEYENC_H

#include "attrval.h"

#define DDB_MAX_PARTITION_KEY	2048	/* bytes, decoded */
#define DDB_MAX_SORT_KEY		1024	/* bytes, decoded */
#define DDB_KEY_COLUMN_MAX		512		/* stored bytes of pk kept raw */

typedef struct DdbKeyAttr
{
	DdbText		name;			/* stored form */
	DdbType		type;			/* DDB_S, DDB_N, DDB_B */
} DdbKeyAttr;

typedef struct DdbKeySchema
{
	int			nattrs;			/* 1 or 2: partition key, sort key */
	DdbKeyAttr	attr[2];
} DdbKeySchema;

/* the columns of one key; both Datums are palloc'd */
typedef struct DdbKey
{
	int			ncols;
	Datum		col[2];
} DdbKey;

/* type oid of a key column: TEXTOID, NUMERICOID, BYTEAOID */
extern Oid	ddb_key_column_type(DdbType type);

/* column value of a (valid, sized) key attribute; partition: digest rule applies */
extern Datum ddb_key_column(const DdbValue *value, bool partition);

/*
 * ddb_key_size_check: raises ValidationException for a partition key over
 * 2048 bytes or a sort key over 1024.  Empty values are the caller's business,
 * for their texts differ by operation.
 */
extern void ddb_key_size_check(const DdbValue *value, bool partition);

/*
 * ddb_key_of_item: key of an item being put (stored form): missing key, type
 * mismatch, empty value, oversize raise PutItem's texts (2.2).
 */
extern void ddb_key_of_item(const DdbKeySchema *schema, DdbDoc item, DdbKey *out);

/*
 * ddb_key_of_argument: key of a Key argument (stored form): wrong attribute
 * set or type "The provided key element does not match the schema"; empty and
 * oversize texts of 2.2.
 */
extern void ddb_key_of_argument(const DdbKeySchema *schema, DdbDoc key, DdbKey *out);

/* the key attributes of item as a JSON object (LastEvaluatedKey, Keys) */
extern void ddb_key_to_json(const DdbKeySchema *schema, DdbDoc item, JsonbValue *out);

/*
 * ddb_key_partition_hash: place of a partition in the order of Scan, from the
 * pk column's value; the same for equal keys on every machine.
 */
extern uint32 ddb_key_partition_hash(DdbType type, Datum column);

/*
 * ddb_key_md5_begin: OpenSSL's context of a new MD5 computation; there is one
 * at a time in a process.
 */
extern struct evp_md_ctx_st *ddb_key_md5_begin(void);

/* least text/bytea greater than everything that begins with prefix; false when none */
extern bool ddb_key_prefix_end(DdbType type, Datum prefix, Datum *end);

#endif							/* DDB_KEYENC_H */
