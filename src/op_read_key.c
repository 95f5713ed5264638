/*
 * op_read_key.c
 *	  The key that Query and Scan read by, a table's or an index's: key
 *	  conditions and start keys checked against it, ranges made of them.
 *
 * Tables, and indexes of the usual kind, have one partition key attribute and
 * at most one sort key attribute.  A global index may have up to four of each:
 * then every partition key attribute needs an equality, and sort key
 * attributes are given from left to right, the last of them as a range if
 * wanted.  Checks run attribute by attribute in the order of the schema: first
 * the start key's value, then the condition.
 */
#include "postgres.h"

#include "error.h"
#include "op_common.h"
#include "op_read_key.h"

#define MSG_START_INVALID	"The provided starting key is invalid"
#define MSG_START_MISMATCH	MSG_START_INVALID ": The provided key element does not match the schema"

static void
add_attributes(DdbReadKey *key, const DdbKeyAttr *attrs, int count)
{
	memcpy(&key->attr[key->nattrs], attrs, count * sizeof(DdbKeyAttr));
	key->nattrs += count;
}

void
ddb_read_key_init(DdbReadKey *key, const DdbTable *table, const DdbIndex *index)
{
	memset(key, 0, sizeof(DdbReadKey));
	key->table = table;
	key->index = index;
	key->npartition = index ? index->npartition : 1;
	if (index == NULL)
		add_attributes(key, table->keys.attr, table->keys.nattrs);
	else
	{
		add_attributes(key, index->partition, index->npartition);
		add_attributes(key, index->sort, index->nsort);
	}
}

bool
ddb_read_key_is_simple(const DdbReadKey *key)
{
	return key->npartition == 1 && key->nattrs <= 2;
}

static bool
has_attribute(const DdbReadKey *key, DdbText name)
{
	int			i;

	for (i = 0; i < key->nattrs; i++)
	{
		if (ddb_text_same(key->attr[i].name, name))
			return true;
	}
	return false;
}

/* attributes that a start key has: those of the key and of the table's */
static int
start_attributes(const DdbReadKey *key)
{
	int			count = key->nattrs;
	int			i;

	for (i = 0; i < key->table->keys.nattrs; i++)
	{
		if (!has_attribute(key, key->table->keys.attr[i].name))
			count++;
	}
	return count;
}

/* ----------------------------------------------------------------
 * Values
 * ----------------------------------------------------------------
 */

static void
check_value(const DdbKeyAttr *attr, const DdbValue *value, bool partition)
{
	if (value->text.len == 0 && value->type != DDB_N)
		ddb_validation_error("One or more parameter values are not valid. "
							 "The AttributeValue for a key attribute cannot contain an empty %s value. Key: %.*s",
							 value->type == DDB_S ? "string" : "binary",
							 attr->name.len, attr->name.str);
	ddb_key_size_check(value, partition);
}

static bool
get_of_type(DdbDoc start, const DdbKeyAttr *attr, DdbValue *value)
{
	return ddb_item_get(start, attr->name.str, attr->name.len, value) &&
		value->type == attr->type;
}

/* the table's key attributes in the start key of an index */
static void
check_table_part(const DdbReadKey *key, DdbDoc start)
{
	const DdbKeySchema *keys = &key->table->keys;
	int			i;

	for (i = 0; i < keys->nattrs; i++)
	{
		DdbValue	value;

		if (!get_of_type(start, &keys->attr[i], &value))
			ddb_validation_error(MSG_START_MISMATCH);
		check_value(&keys->attr[i], &value, i == 0);
	}
}

void
ddb_read_key_index_position(const DdbReadKey *key, DdbDoc start, DdbIndexPosition *out)
{
	if (!ddb_index_position(key->table, key->index, start, out))
		ddb_validation_error(MSG_START_INVALID);
}

/* ----------------------------------------------------------------
 * Query: conditions and start key, attribute by attribute
 * ----------------------------------------------------------------
 */

static const ExprKeyCondition *
condition_on(const DdbKeyQuery *query, int position)
{
	int			i;

	for (i = 0; i < query->nconditions; i++)
	{
		if (ddb_text_same(query->conditions[i].name, query->key.attr[position].name))
			return &query->conditions[i];
	}
	return NULL;
}

static void
check_start_element(const DdbKeyQuery *query, int position)
{
	const DdbKeyAttr *attr = &query->key.attr[position];
	DdbValue	value;

	if (query->start.ptr == NULL)
		return;
	if (!ddb_item_get(query->start, attr->name.str, attr->name.len, &value))
		ddb_validation_error(MSG_START_INVALID);
	if (value.type != attr->type)
		ddb_validation_error("The provided key element does not match the schema");
	check_value(attr, &value, position < query->key.npartition);
}

static void pg_attribute_noreturn()
raise_missed(const DdbKeyAttr *attr)
{
	ddb_validation_error("Query condition missed key schema element: %.*s",
						 attr->name.len, attr->name.str);
}

static void
check_condition_values(const DdbKeyQuery *query, int position,
					   const ExprKeyCondition *condition)
{
	const DdbKeyAttr *attr = &query->key.attr[position];
	int			nvalues = condition->op == EXPR_KEY_BETWEEN ? 2 : 1;
	int			i;

	if (condition->op == EXPR_KEY_NOT_INDEXABLE)
		ddb_validation_error("Attempted conditional constraint is not an indexable operation");
	for (i = 0; i < nvalues; i++)
	{
		if (condition->values[i].type != attr->type)
			ddb_validation_error("One or more parameter values were invalid: "
								 "Condition parameter type does not match schema type");
		check_value(attr, &condition->values[i], position < query->key.npartition);
	}
}

/* of a key with one partition and at most one sort key attribute */
static void
check_simple_element(const DdbKeyQuery *query, int position)
{
	const ExprKeyCondition *condition = condition_on(query, position);

	check_start_element(query, position);
	if (query->key.nattrs == 1 && query->nconditions > 1)
		ddb_validation_error("Query key condition not supported");
	if (condition == NULL)
	{
		if (position == 0 || query->nconditions > 1)
			raise_missed(&query->key.attr[position]);
		return;
	}
	check_condition_values(query, position, condition);
	if (position == 0 && condition->op != EXPR_KEY_EQ)
		ddb_validation_error("Query key condition not supported");
}

static void pg_attribute_noreturn()
raise_partition_part(const DdbKeyAttr *attr)
{
	ddb_validation_error("Query key condition not supported: "
						 "every HASH key attribute of the index needs an equality condition; Key: %.*s",
						 attr->name.len, attr->name.str);
}

/*
 * Of a key with more attributes.  *open: may this sort key attribute have a
 * condition, that is, have all before it an equality?
 */
static void
check_part_element(const DdbKeyQuery *query, int position, bool *open)
{
	const DdbKeyAttr *attr = &query->key.attr[position];
	const ExprKeyCondition *condition = condition_on(query, position);
	bool		partition = position < query->key.npartition;

	check_start_element(query, position);
	if (condition == NULL)
	{
		if (partition)
			raise_partition_part(attr);
		*open = false;
		return;
	}
	check_condition_values(query, position, condition);
	if (partition && condition->op != EXPR_KEY_EQ)
		raise_partition_part(attr);
	if (!*open)
		ddb_validation_error("Query key condition not supported: "
							 "a RANGE key attribute of the index may have a condition only if all before it have an equality condition; Key: %.*s",
							 attr->name.len, attr->name.str);
	*open = condition->op == EXPR_KEY_EQ;
}

/* conditions on attributes that are none of the key's */
static void
check_no_others(const DdbKeyQuery *query)
{
	int			i;

	for (i = 0; i < query->nconditions; i++)
	{
		if (!has_attribute(&query->key, query->conditions[i].name))
			ddb_validation_error("Query key condition not supported: %.*s is not a key attribute of the index",
								 query->conditions[i].name.len, query->conditions[i].name.str);
	}
}

static bool
satisfies(const ExprKeyCondition *condition, const DdbValue *value)
{
	int			order;

	if (condition->op == EXPR_KEY_BEGINS_WITH)
		return ddb_value_begins_with(value, &condition->values[0]);
	order = ddb_value_compare(value, &condition->values[0]);
	switch (condition->op)
	{
		case EXPR_KEY_EQ:
			return order == 0;
		case EXPR_KEY_LT:
			return order < 0;
		case EXPR_KEY_LE:
			return order <= 0;
		case EXPR_KEY_GT:
			return order > 0;
		case EXPR_KEY_GE:
			return order >= 0;
		case EXPR_KEY_BETWEEN:
			return order >= 0 && ddb_value_compare(value, &condition->values[1]) <= 0;
		case EXPR_KEY_BEGINS_WITH:
		case EXPR_KEY_NOT_INDEXABLE:
			break;
	}
	elog(ERROR, "unrecognized key condition operator %d", condition->op);
}

/* do all attributes of the start key in first .. end - 1 satisfy their conditions? */
static bool
start_satisfies(const DdbKeyQuery *query, int first, int end)
{
	int			i;

	for (i = first; i < end; i++)
	{
		const DdbKeyAttr *attr = &query->key.attr[i];
		const ExprKeyCondition *condition = condition_on(query, i);
		DdbValue	value;

		if (condition == NULL)
			continue;
		(void) ddb_item_get(query->start, attr->name.str, attr->name.len, &value);
		if (!satisfies(condition, &value))
			return false;
	}
	return true;
}

static void
check_start_place(const DdbKeyQuery *query)
{
	const DdbReadKey *key = &query->key;
	bool		same_partition = start_satisfies(query, 0, key->npartition);

	if (key->nattrs == key->npartition || condition_on(query, key->npartition) == NULL)
	{
		if (!same_partition)
			ddb_validation_error("The provided starting key is outside query boundaries based on provided conditions");
		return;
	}
	if (!start_satisfies(query, key->npartition, key->nattrs))
		ddb_validation_error("The provided starting key does not match the range key predicate");
	if (!same_partition)
		ddb_validation_error("The query can return at most one row and cannot be restarted");
}

/* no item comes after the one of a partition that can have but one */
static void
refuse_start(const DdbKeyQuery *query)
{
	const DdbKeyAttr *attr = &query->key.attr[0];
	DdbValue	value;

	ddb_item_get(query->start, attr->name.str, attr->name.len, &value);
	ddb_validation_error("The provided exclusive start key is invalid: "
						 "ExclusiveStartKey: {%.*s=AttributeValue: {%s:%.*s}}",
						 attr->name.len, attr->name.str,
						 ddb_type_name(value.type), value.text.len, value.text.str);
}

void
ddb_read_key_check_query(const DdbKeyQuery *query)
{
	const DdbReadKey *key = &query->key;
	bool		simple = ddb_read_key_is_simple(key);
	bool		open = true;
	int			i;

	if (query->start.ptr != NULL && ddb_doc_count(query->start) != start_attributes(key))
		ddb_validation_error(MSG_START_INVALID);
	for (i = 0; i < key->nattrs; i++)
	{
		if (simple)
			check_simple_element(query, i);
		else
			check_part_element(query, i, &open);
	}
	if (!simple)
		check_no_others(query);
	if (query->start.ptr == NULL)
		return;
	if (key->index != NULL)
		check_table_part(key, query->start);
	check_start_place(query);
	if (key->index == NULL && key->nattrs == 1)
		refuse_start(query);
}

/* ----------------------------------------------------------------
 * Query: ranges
 * ----------------------------------------------------------------
 */

static void
set_bound(DdbBound *bound, const DdbValue *value, bool inclusive)
{
	bound->present = true;
	bound->inclusive = inclusive;
	bound->value = ddb_key_column(value, false);
}

static void
set_bounds(const ExprKeyCondition *condition, DdbBound *lower, DdbBound *upper)
{
	const DdbValue *value = &condition->values[0];

	switch (condition->op)
	{
		case EXPR_KEY_EQ:
			set_bound(lower, value, true);
			set_bound(upper, value, true);
			return;
		case EXPR_KEY_LT:
		case EXPR_KEY_LE:
			set_bound(upper, value, condition->op == EXPR_KEY_LE);
			return;
		case EXPR_KEY_GT:
		case EXPR_KEY_GE:
			set_bound(lower, value, condition->op == EXPR_KEY_GE);
			return;
		case EXPR_KEY_BETWEEN:
			set_bound(lower, value, true);
			set_bound(upper, &condition->values[1], true);
			return;
		case EXPR_KEY_BEGINS_WITH:
			set_bound(lower, value, true);
			upper->inclusive = false;
			upper->present = ddb_key_prefix_end(value->type, lower->value, &upper->value);
			return;
		case EXPR_KEY_NOT_INDEXABLE:
			break;
	}
	elog(ERROR, "unrecognized key condition operator %d", condition->op);
}

/*
 * A start key, which lies within the range, replaces the bound on the side
 * where reading begins.
 */
void
ddb_read_key_table_range(const DdbKeyQuery *query, bool forward, DdbPartitionRange *range)
{
	const DdbReadKey *key = &query->key;
	const ExprKeyCondition *sort = key->nattrs == 2 ? condition_on(query, 1) : NULL;
	DdbBound   *bound = forward ? &range->lower : &range->upper;
	DdbKey		start;

	memset(range, 0, sizeof(DdbPartitionRange));
	range->forward = forward;
	range->pk = ddb_key_column(&condition_on(query, 0)->values[0], true);
	if (sort != NULL)
		set_bounds(sort, &range->lower, &range->upper);
	if (query->start.ptr == NULL)
		return;
	ddb_key_of_argument(&key->table->keys, query->start, &start);
	bound->present = true;
	bound->inclusive = false;
	bound->value = start.col[1];
}

void
ddb_read_key_index_range(const DdbKeyQuery *query, bool forward,
						 DdbIndexRange *range, DdbIndexPosition *start)
{
	const DdbReadKey *key = &query->key;
	const ExprKeyCondition *condition;
	DdbValue	partition[DDB_MAX_KEY_PARTS];
	int			i;

	memset(range, 0, sizeof(DdbIndexRange));
	range->forward = forward;
	for (i = 0; i < key->npartition; i++)
		partition[i] = condition_on(query, i)->values[0];
	ddb_index_partition(key->index, partition, &range->partition);

	for (; i < key->nattrs && (condition = condition_on(query, i)) != NULL; i++)
	{
		if (condition->op != EXPR_KEY_EQ)
		{
			set_bounds(condition, &range->lower, &range->upper);
			break;
		}
		range->equal[range->nequal++] = ddb_key_column(&condition->values[0], false);
	}
	if (query->start.ptr != NULL)
	{
		ddb_read_key_index_position(key, query->start, start);
		range->start = start;
	}
}

/* ----------------------------------------------------------------
 * Scan: start keys
 * ----------------------------------------------------------------
 */

void
ddb_read_key_check_scan_start(const DdbReadKey *key, DdbDoc start)
{
	int			i;

	if (ddb_doc_count(start) != start_attributes(key))
		ddb_validation_error("%s", key->index ? MSG_START_INVALID : MSG_START_MISMATCH);
	for (i = 0; i < key->nattrs; i++)
	{
		DdbValue	value;

		if (!get_of_type(start, &key->attr[i], &value))
			ddb_validation_error(MSG_START_MISMATCH);
	}
}

void
ddb_read_key_check_scan_start_table(const DdbReadKey *key, DdbDoc start)
{
	int			i;

	check_table_part(key, start);
	for (i = 0; i < key->nattrs; i++)
	{
		DdbValue	value;

		(void) get_of_type(start, &key->attr[i], &value);
		check_value(&key->attr[i], &value, i < key->npartition);
	}
}

/* ----------------------------------------------------------------
 * Expressions and key attributes
 * ----------------------------------------------------------------
 */

void
ddb_read_key_check_paths(const DdbReadKey *key, const ExprBinding *binding)
{
	int			i;

	ddb_op_check_key_paths(binding, &key->table->keys);
	if (binding == NULL || key->index == NULL)
		return;
	for (i = 0; i < key->nattrs; i++)
	{
		if (ddb_expr_uses_attribute(binding, key->attr[i].name, true))
			ddb_validation_error("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: %.*s",
								 key->attr[i].name.len, key->attr[i].name.str);
	}
}

void
ddb_read_key_check_filter(const DdbReadKey *key, const ExprBinding *filter)
{
	int			i;

	for (i = 0; filter != NULL && i < key->nattrs; i++)
	{
		if (ddb_expr_uses_attribute(filter, key->attr[i].name, false))
			ddb_validation_error("%s can only contain non-primary key attributes: "
								 "Primary key attribute: %.*s",
								 filter->program->legacy ? "QueryFilter" : "Filter Expression",
								 key->attr[i].name.len, key->attr[i].name.str);
	}
}
