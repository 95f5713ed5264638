/*
 * op_index.c
 *	  What secondary indexes mean for the operations on items: index key
 *	  attributes in new items, capacity units of index writes, item collections.
 *
 * The trigger on the item table keeps the indexes, for every writer alike.
 * Here is what only requests know: refusals of items that an index could not
 * hold, and the accounts of what an index write costs.  Nothing here reads or
 * writes an index table.
 *
 * What is refused is what ddb_index_values finds no place for, except that an
 * attribute may be missing.
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "error.h"
#include "guc.h"
#include "index.h"
#include "op.h"
#include "op_index.h"
#include "scan.h"

#define MEGABYTE			(INT64CONST(1024) * 1024)
#define GIGABYTE			(1024 * MEGABYTE)

/* an estimate of an item collection reads this much of it at most */
#define ESTIMATE_ITEMS		10000
#define ESTIMATE_BYTES		(64 * MEGABYTE)

/* collections whose measure a session remembers, and for how long */
#define MEASURES			64
#define MEASURE_TRUST		100 /* times as long as measuring took */

/* the partition or the sort key of an index */
typedef struct IndexPart
{
	const DdbIndex *index;
	const DdbKeyAttr *attrs;
	int			nattrs;
	bool		partition;
} IndexPart;

/* ----------------------------------------------------------------
 * Parts of index keys
 * ----------------------------------------------------------------
 */

static IndexPart
index_part(const DdbIndex *index, bool partition)
{
	IndexPart	part;

	part.index = index;
	part.attrs = partition ? index->partition : index->sort;
	part.nattrs = partition ? index->npartition : index->nsort;
	part.partition = partition;
	return part;
}

/*
 * The n-th part of a table's index keys that refuse values: global indexes
 * first, each with its partition key first; false when there are no more.
 * *n is 0 to begin with.
 */
static bool
next_part(const DdbTable *table, int *n, IndexPart *part)
{
	while (*n < 4 * table->nindexes)
	{
		bool		global = *n < 2 * table->nindexes;
		const DdbIndex *index = &table->indexes[*n / 2 % table->nindexes];
		bool		partition = *n % 2 == 0;

		(*n)++;
		if (index->global != global || index->status != DDB_INDEX_ACTIVE)
			continue;
		*part = index_part(index, partition);
		return true;
	}
	return false;
}

static bool
is_empty(const DdbValue *value)
{
	return value->type != DDB_N && value->text.len == 0;
}

/* what a key attribute takes of the size of a key; numbers take nothing */
static int
key_bytes(const DdbValue *value)
{
	if (value->type == DDB_S)
		return ddb_text_decoded_size(value->text.str, value->text.len);
	if (value->type == DDB_B)
		return ddb_base64_decoded_size(value->text.str, value->text.len);
	return 0;
}

static int
max_key_bytes(const IndexPart *part)
{
	return part->partition ? DDB_MAX_PARTITION_KEY : DDB_MAX_SORT_KEY;
}

/* ----------------------------------------------------------------
 * Refusals
 * ----------------------------------------------------------------
 */

static void
check_not_empty(const IndexPart *part, const DdbKeyAttr *attr, const DdbValue *value)
{
	if (!is_empty(value))
		return;
	ddb_validation_error("One or more parameter values are not valid. "
						 "A value specified for a secondary index key is not supported. "
						 "The AttributeValue for a key attribute cannot contain an empty %s value. "
						 "IndexName: %s, IndexKey: %.*s",
						 value->type == DDB_S ? "string" : "binary",
						 part->index->name, attr->name.len, attr->name.str);
}

/* type and emptiness of a value that the request gives */
static void
check_given_value(const IndexPart *part, const DdbKeyAttr *attr, const DdbValue *value)
{
	if (value->type != attr->type)
		ddb_validation_error("One or more parameter values were invalid: "
							 "Type mismatch for Index Key %.*s Expected: %s Actual: %s IndexName: %s",
							 attr->name.len, attr->name.str,
							 ddb_type_name(attr->type), ddb_type_name(value->type),
							 part->index->name);
	check_not_empty(part, attr, value);
}

/*
 * One part of an index key in an item being put.  Attributes may be missing;
 * those that are there are good or the item is refused.
 */
static void
check_part(const IndexPart *part, DdbDoc item)
{
	int			bytes = 0;
	int			i;

	for (i = 0; i < part->nattrs; i++)
	{
		const DdbKeyAttr *attr = &part->attrs[i];
		DdbValue	value;

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &value))
			continue;
		check_given_value(part, attr, &value);
		bytes += key_bytes(&value);
	}
	if (bytes <= max_key_bytes(part))
		return;
	if (part->partition)
		ddb_validation_error("One or more parameter values were invalid: "
							 "Size of hashkey has exceeded the maximum size limit of%d bytes",
							 DDB_MAX_PARTITION_KEY);
	ddb_validation_error("One or more parameter values were invalid: "
						 "Aggregated size of all range keys has exceeded the size limit of %d bytes",
						 DDB_MAX_SORT_KEY);
}

void
ddb_op_check_index_keys(const DdbTable *table, DdbDoc item)
{
	IndexPart	part;
	int			n = 0;

	while (next_part(table, &n, &part))
		check_part(&part, item);
}

static void
raise_updated_too_large(void)
{
	ddb_validation_error("The update expression attempted to update the secondary index key "
						 "beyond allowed size limits");
}

/*
 * The value that an action gives to a whole attribute, whatever the item is:
 * SET a = :v, and ADD a :v in its type.  NULL for other actions.
 */
static const DdbValue *
given_value(const ExprBinding *update, const ExprAction *action)
{
	if (action->path.nsteps != 1 || action->value == NULL ||
		action->value->kind != EXPR_VALUE)
		return NULL;
	if (action->kind != EXPR_SET && action->kind != EXPR_ADD)
		return NULL;
	return &update->values[action->value->value_slot];
}

static void
check_action(const ExprBinding *update, const ExprAction *action, const IndexPart *part)
{
	const DdbValue *value = given_value(update, action);
	DdbText		name;
	int			i;

	if (value == NULL)
		return;
	name = ddb_expr_step_name(update, &action->path.steps[0]);
	for (i = 0; i < part->nattrs; i++)
	{
		if (!ddb_text_same(name, part->attrs[i].name))
			continue;
		check_given_value(part, &part->attrs[i], value);
		if (key_bytes(value) > max_key_bytes(part))
			raise_updated_too_large();
	}
}

void
ddb_op_check_index_key_values(const DdbTable *table, const ExprBinding *update)
{
	IndexPart	part;
	int			n = 0;
	int			i;

	if (update == NULL)
		return;
	while (next_part(table, &n, &part))
	{
		for (i = 0; i < update->program->nactions; i++)
			check_action(update, &update->program->actions[i], &part);
	}
}

static bool
is_target(const ExprBinding *update, DdbText name)
{
	const ExprProgram *program = update->program;
	int			i;

	for (i = 0; i < program->nactions; i++)
	{
		if (ddb_text_same(ddb_expr_step_name(update, &program->actions[i].path.steps[0]), name))
			return true;
	}
	return false;
}

/*
 * One part of an index key in an updated item: attributes that the update
 * names, and the size of the whole if there is one.
 */
static void
check_updated_part(const IndexPart *part, const ExprBinding *update, DdbDoc item)
{
	bool		touched = false;
	int			bytes = 0;
	int			i;

	for (i = 0; i < part->nattrs; i++)
	{
		const DdbKeyAttr *attr = &part->attrs[i];
		bool		target = is_target(update, attr->name);
		DdbValue	value;

		if (!ddb_item_get(item, attr->name.str, attr->name.len, &value))
			continue;
		if (target)
		{
			if (value.type != attr->type)
				ddb_validation_error("The update expression attempted to update the secondary index key "
									 "to unsupported type");
			check_not_empty(part, attr, &value);
			touched = true;
		}
		bytes += key_bytes(&value);
	}
	if (touched && bytes > max_key_bytes(part))
		raise_updated_too_large();
}

void
ddb_op_check_updated_index_keys(const DdbTable *table, const ExprBinding *update,
								DdbDoc old_item, DdbDoc new_item)
{
	IndexPart	part;
	int			n = 0;

	while (next_part(table, &n, &part))
	{
		if (update != NULL)
			check_updated_part(&part, update, new_item);
		if (old_item.ptr == NULL)
			check_part(&part, new_item);
	}
}

void
ddb_op_check_index_key_paths(const DdbTable *table, const ExprBinding *binding)
{
	IndexPart	part;
	int			n = 0;
	int			i;

	if (binding == NULL)
		return;
	while (next_part(table, &n, &part))
	{
		for (i = 0; i < part.nattrs; i++)
		{
			DdbText		name = part.attrs[i].name;

			if (ddb_expr_uses_attribute(binding, name, true))
				ddb_validation_error("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: %.*s",
									 name.len, name.str);
		}
	}
}

/* ----------------------------------------------------------------
 * Capacity units of index writes
 * ----------------------------------------------------------------
 */

static bool
attribute_differs(DdbText name, DdbDoc a, DdbDoc b)
{
	DdbValue	in_a;
	DdbValue	in_b;
	bool		has_a = ddb_item_get(a, name.str, name.len, &in_a);
	bool		has_b = ddb_item_get(b, name.str, name.len, &in_b);

	if (!has_a || !has_b)
		return has_a != has_b;
	return !ddb_value_equal(&in_a, &in_b);
}

/* values of index keys, as ddb_index_values gives them */
static bool
keys_differ(const DdbIndex *index, const DdbValue *a, const DdbValue *b)
{
	int			i;

	for (i = 0; i < index->npartition + index->nsort; i++)
	{
		if (!ddb_value_equal(&a[i], &b[i]))
			return true;
	}
	return false;
}

/* a change of an item, and what is found out about it for all indexes alike */
typedef struct ItemChange
{
	DdbDoc		items[2];		/* old and new; ptr NULL: not there */
	double		units[2];		/* of the whole item; 0: not counted yet */
	bool		compared;
	bool		differs;		/* if compared */
} ItemChange;

static bool
items_differ(ItemChange *change)
{
	DdbDoc		a = change->items[0];
	DdbDoc		b = change->items[1];
	DdbValue	maps[2] = {{.type = DDB_M, .doc = a}, {.type = DDB_M, .doc = b}};

	if (!change->compared)
		change->differs = (a.len != b.len || memcmp(a.ptr, b.ptr, a.len) != 0) &&
			!ddb_value_equal(&maps[0], &maps[1]);
	change->compared = true;
	return change->differs;
}

/* is what the index holds of the new item another than of the old one, keys being equal? */
static bool
projection_differs(const DdbIndex *index, ItemChange *change)
{
	int			i;

	switch (index->projection)
	{
		case DDB_PROJECT_ALL:
			return items_differ(change);
		case DDB_PROJECT_KEYS_ONLY:
			return false;
		case DDB_PROJECT_INCLUDE:
			for (i = 0; i < index->nattributes; i++)
			{
				if (attribute_differs(index->attributes[i], change->items[0], change->items[1]))
					return true;
			}
			return false;
	}
	elog(ERROR, "unrecognized projection %d", index->projection);
	return false;
}

/*
 * What writing the entry of the old (0) or new (1) item costs.  Its jsonb is
 * never smaller than the size of an entry, so that most need no counting.
 */
static double
entry_units(const DdbTable *table, const DdbIndex *index, ItemChange *change, int which)
{
	DdbDoc		item = change->items[which];
	int64		bytes;

	if (item.len <= DDB_WRITE_UNIT_BYTES)
		return 1;
	if (index->projection == DDB_PROJECT_ALL)
	{
		if (change->units[which] == 0)
			change->units[which] = ddb_item_write_units(item);
		return change->units[which];
	}
	bytes = ddb_index_entry_size(table, index, item);
	return (double) Max((bytes + DDB_WRITE_UNIT_BYTES - 1) / DDB_WRITE_UNIT_BYTES, 1);
}

/*
 * Units of one index: an entry that comes or goes costs its size, one whose
 * key changes both, one whose projection changes the larger one, and nothing
 * where it stays as it was.
 */
static double
units_of_index(const DdbTable *table, const DdbIndex *index, ItemChange *change)
{
	DdbValue	key[2][DDB_MAX_INDEX_KEY];
	double		units[2] = {0, 0};
	bool		there[2];
	int			i;

	for (i = 0; i < 2; i++)
		there[i] = change->items[i].ptr != NULL &&
			ddb_index_values(index, change->items[i], key[i]);

	if (there[0] && there[1] && !keys_differ(index, key[0], key[1]))
	{
		if (!projection_differs(index, change))
			return 0;
		units[0] = entry_units(table, index, change, 0);
		units[1] = entry_units(table, index, change, 1);
		return Max(units[0], units[1]);
	}
	for (i = 0; i < 2; i++)
	{
		if (there[i])
			units[i] = entry_units(table, index, change, i);
	}
	return units[0] + units[1];
}

void
ddb_op_index_units(const DdbTable *table, DdbDoc old_item, DdbDoc new_item,
				   DdbIndexUnits *out)
{
	ItemChange	change = {.items = {old_item, new_item}};
	int			i;

	out->total = 0;
	out->units = NULL;
	if (table->nindexes == 0)
		return;
	out->units = palloc(table->nindexes * sizeof(double));
	for (i = 0; i < table->nindexes; i++)
	{
		out->units[i] = units_of_index(table, &table->indexes[i], &change);
		out->total += out->units[i];
	}
}

void
ddb_op_add_write_capacity(JsonbValue *response, DdbDoc request, const DdbTable *table,
						  double table_units, const DdbIndexUnits *indexes)
{
	ddb_op_add_index_capacity(response, request, table, table_units, indexes->units);
}

/* ----------------------------------------------------------------
 * Item collections
 * ----------------------------------------------------------------
 */

static int
count_local_indexes(const DdbTable *table)
{
	int			count = 0;

	/* they come first */
	while (count < table->nindexes && !table->indexes[count].global)
		count++;
	return count;
}

int64
ddb_op_collected_size(const DdbTable *table, DdbDoc item)
{
	int			nlocal = count_local_indexes(table);
	int64		bytes;
	int			i;

	if (item.ptr == NULL)
		return 0;
	bytes = ddb_item_size(item);
	for (i = 0; i < nlocal; i++)
		bytes += ddb_index_entry_size(table, &table->indexes[i], item);
	return bytes;
}

bool
ddb_op_exceeds_with_projections(const DdbTable *table, DdbDoc item)
{
	int			nlocal = count_local_indexes(table);

	/* no projection is larger than the item's jsonb */
	if (nlocal == 0 || (int64) item.len * (nlocal + 1) <= ddb_max_item_size)
		return false;
	return ddb_op_collected_size(table, item) > ddb_max_item_size;
}

/* a collection being measured: reading ends when either maximum is reached */
typedef struct CollectionSize
{
	const DdbTable *table;
	int64		bytes;
	int64		items;
	int64		max_bytes;
	int64		max_items;
} CollectionSize;

static bool
is_measured(const CollectionSize *size)
{
	return size->bytes >= size->max_bytes || size->items >= size->max_items;
}

static bool
add_item(DdbDoc item, void *arg)
{
	CollectionSize *size = (CollectionSize *) arg;

	size->bytes += ddb_op_collected_size(size->table, item);
	size->items++;
	return !is_measured(size);
}

/*
 * Measure the key's item collection, whatever the caller may see of it.
 */
static void
measure_collection(const DdbKey *key, CollectionSize *size)
{
	DdbPartitionRange range;
	DdbAsOwner	as_owner;

	memset(&range, 0, sizeof(range));
	range.pk = key->col[0];
	range.forward = true;
	ddb_as_owner_begin(&as_owner, ddb_relation_owner(size->table->relid));
	ddb_scan_partition(size->table, &range, add_item, size);
	ddb_as_owner_end(&as_owner);
}

static int64
relation_bytes(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	Oid			toast = relation->rd_rel->reltoastrelid;
	int64		bytes = 0;

	if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind))
		bytes = (int64) RelationGetNumberOfBlocks(relation) * BLCKSZ;
	relation_close(relation, AccessShareLock);
	if (OidIsValid(toast))
		bytes += relation_bytes(toast);
	return bytes;
}

/* what the items and the local indexes of a table occupy, on disk */
static int64
stored_bytes(const DdbTable *table)
{
	int			nlocal = count_local_indexes(table);
	int64		bytes = 0;
	ListCell   *lc;
	int			i;

	if (has_subclass(table->relid))
	{
		foreach(lc, find_all_inheritors(table->relid, AccessShareLock, NULL))
			bytes += relation_bytes(lfirst_oid(lc));
	}
	else
		bytes = relation_bytes(table->relid);
	for (i = 0; i < nlocal; i++)
		bytes += relation_bytes(table->indexes[i].relid);
	return bytes;
}

/*
 * What a collection that is not full was measured to have.  In large tables
 * each write would measure; so a measure is trusted for a while, unless the
 * table has grown meanwhile by as much as the collection may grow.
 */
typedef struct CollectionMeasure
{
	Oid			relid;			/* of the item table; InvalidOid: free */
	uint32		hash;			/* of the partition key */
	int64		bytes;			/* of the collection */
	int64		stored;			/* stored_bytes() then */
	TimestampTz until;			/* trusted until */
} CollectionMeasure;

static CollectionMeasure measures[MEASURES];

static bool
is_trusted(const CollectionMeasure *measure, Oid relid, uint32 hash, int64 stored,
		   int64 limit)
{
	return measure->relid == relid && measure->hash == hash &&
		GetCurrentTimestamp() < measure->until &&
		stored >= measure->stored &&
		measure->bytes + (stored - measure->stored) < limit;
}

/*
 * A collection is looked at only where its table and the local indexes occupy
 * as much as one collection may have, so that the limit costs next to nothing
 * elsewhere.  (Items that compress well may thus grow beyond it.)
 */
bool
ddb_op_collection_is_full(const DdbTable *table, const DdbKey *key)
{
	int64		limit = ddb_max_item_collection_size * MEGABYTE;
	CollectionSize size = {.table = table, .max_bytes = limit, .max_items = PG_INT64_MAX};
	CollectionMeasure *measure;
	TimestampTz start;
	int64		stored;
	uint32		hash;

	if (count_local_indexes(table) == 0)
		return false;
	stored = stored_bytes(table);
	if (stored < limit)
		return false;
	hash = ddb_key_partition_hash(table->keys.attr[0].type, key->col[0]);
	measure = &measures[hash % MEASURES];
	if (is_trusted(measure, table->relid, hash, stored, limit))
		return false;

	measure->relid = InvalidOid;
	start = GetCurrentTimestamp();
	measure_collection(key, &size);
	if (is_measured(&size))
		return true;
	measure->relid = table->relid;
	measure->hash = hash;
	measure->bytes = size.bytes;
	measure->stored = stored;
	measure->until = GetCurrentTimestamp();
	measure->until += (measure->until - start) * MEASURE_TRUST;
	return false;
}

void
ddb_op_raise_collection_full(void)
{
	ddb_error(DDB_ITEM_COLLECTION_SIZE_LIMIT_EXCEEDED, "Collection size exceeded.");
}

/*
 * Lower and upper bound of the collection's size in gigabytes.  Of a large
 * one only a part is read; then what the table occupies is the upper bound.
 */
static void
add_size_estimate(JsonbValue *metrics, const DdbTable *table, const DdbKey *key)
{
	CollectionSize size = {
		.table = table, .max_bytes = ESTIMATE_BYTES, .max_items = ESTIMATE_ITEMS
	};
	JsonbValue	range;
	JsonbValue	bound;
	int64		lower;
	int64		upper;

	measure_collection(key, &size);
	lower = size.bytes / GIGABYTE;
	upper = lower + 1;
	if (is_measured(&size))
		upper = Max(upper, stored_bytes(table) / GIGABYTE + 1);
	ddb_json_array(&range, 2);
	ddb_json_int(&bound, lower);
	ddb_json_append(&range, &bound);
	ddb_json_int(&bound, upper);
	ddb_json_append(&range, &bound);
	ddb_json_add_value(metrics, "SizeEstimateRangeGB", &range);
}

void
ddb_op_add_collection_metrics(JsonbValue *response, DdbDoc request, const DdbTable *table,
							  DdbDoc item, const DdbKey *key)
{
	static const char *const values[] = {"NONE", "SIZE", NULL};
	DdbKeySchema partition = {.nattrs = 1, .attr = {table->keys.attr[0]}};
	JsonbValue	metrics;
	JsonbValue	partition_key;

	if (count_local_indexes(table) == 0 ||
		ddb_request_enum(request, "ReturnItemCollectionMetrics", values, 0) == 0)
		return;
	ddb_json_object(&metrics, 2);
	ddb_key_to_json(&partition, item, &partition_key);
	ddb_json_add_value(&metrics, "ItemCollectionKey", &partition_key);
	add_size_estimate(&metrics, table, key);
	ddb_json_add_value(response, "ItemCollectionMetrics", &metrics);
}
