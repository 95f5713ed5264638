/*
 * op_partiql_select.c
 *	  SELECT: which reads a statement comes to.
 *
 * Where the WHERE clause says, among what AND joins, which partitions are
 * wanted ("pk = 1", "pk IN [1, 2]", "pk = 1 OR pk = 2"), those are read one
 * after the other, in order, each like a Query with the conditions on sort
 * keys; an item whose whole key is fixed is read like GetItem.  All other
 * statements scan.  What the key does not take of the WHERE clause filters.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "op.h"
#include "op_access.h"
#include "op_index.h"
#include "op_partiql.h"
#include "store.h"

#define ACTION				"PartiQLSelect"
#define MAX_PARTITIONS		50	/* partition key values of one statement */

/* a projection whose paths become attributes of their own */
typedef struct FlatProjection
{
	ExprBinding base;			/* first: this is what DdbRead knows */
	const DdbText *members;
} FlatProjection;

/* the values that the statement wants of one partition key attribute */
typedef struct PartitionValues
{
	int			count;
	DdbValue   *values;			/* sorted, distinct */
} PartitionValues;

typedef struct Selection
{
	DdbStatementCall *call;
	DdbRead		read;
	bool		by_partition;
	bool		whole_key;		/* one item, by the table's key */
	PartitionValues wanted[DDB_MAX_KEY_PARTS];	/* by partition key attribute */
	int			npartitions;	/* combinations of those */
	bool		partitions_forward;
	bool		sort_forward;
	DdbDoc		start;			/* of the NextToken; ptr NULL if none */
} Selection;

/* ----------------------------------------------------------------
 * The SELECT list
 * ----------------------------------------------------------------
 */

/*
 * One attribute for each path that leads to something, called by the last
 * part of the path.
 */
static Jsonb *
project(const ExprBinding *binding, DdbDoc item)
{
	const FlatProjection *flat = (const FlatProjection *) binding;
	const ExprProgram *program = binding->program;
	JsonbValue	result;
	int			i;

	ddb_json_object(&result, program->npaths);
	for (i = 0; i < program->npaths; i++)
	{
		DdbValue	value;
		JsonbValue	json;

		if (!ddb_path_get(binding, &program->paths[i], item, &value))
			continue;
		ddb_value_to_json(&value, &json);
		ddb_json_add(&result, flat->members[i].str, flat->members[i].len, &json);
	}
	return ddb_json_encode(&result);
}

static ExprBinding *
flat_projection(const DdbStatementCall *call)
{
	const DdbStatement *statement = call->statement;
	FlatProjection *flat;

	if (statement->projection.npaths == 0)
		return NULL;
	flat = palloc0(sizeof(FlatProjection));
	flat->base.program = &statement->projection;
	flat->base.values = call->values;
	flat->members = statement->members;
	return &flat->base;
}

/* ----------------------------------------------------------------
 * One item by its whole key
 * ----------------------------------------------------------------
 */

void
ddb_statement_point(DdbStatementCall *call, DdbPointRead *point)
{
	const PartiqlStatement *parsed = call->statement->parsed;
	DdbText		name = ddb_catalog_table_name(ddb_statement_table(call), ACTION);

	memset(point, 0, sizeof(DdbPointRead));
	if (parsed->index.str != NULL)
		ddb_validation_error("Only select from a single table is supported when reading by primary key: "
							 "an index has no primary key");
	point->table = ddb_catalog_open(name, AccessShareLock, ACL_SELECT, ACTION, false);
	point->key = ddb_statement_key(call, &point->table->keys);
	point->filter = ddb_statement_rest(call);
	point->projection = flat_projection(call);
	ddb_op_check_key_paths(point->projection, &point->table->keys);
	ddb_op_check_index_key_paths(point->table, point->projection);
	ddb_op_access_point(call, point);
}

Jsonb *
ddb_statement_point_item(const DdbPointRead *point, Jsonb *item)
{
	DdbDoc		root;

	if (item == NULL)
		return NULL;
	root = ddb_doc_root(item);
	if (point->filter != NULL && !ddb_expr_matches(point->filter, root))
		return NULL;
	return point->projection ? project(point->projection, root) : item;
}

/* ----------------------------------------------------------------
 * Partitions
 * ----------------------------------------------------------------
 */

/* are all operands from the second on constants? */
static bool
has_constants(const ExprNode *node)
{
	int			i;

	for (i = 1; i < node->nargs; i++)
	{
		if (node->args[i]->kind != EXPR_VALUE)
			return false;
	}
	return true;
}

/*
 * Collect the constants that node wants the attribute to be equal to any of;
 * false where it says something else.  slots has room for MAX_PARTITIONS; what
 * is beyond is counted only.
 */
static bool
collect_alternatives(const ExprNode *node, DdbText name, int *slots, int *count)
{
	ExprNodeKind kind;
	int			slot;
	int			i;

	check_stack_depth();
	if (node->kind == EXPR_OR)
		return collect_alternatives(node->args[0], name, slots, count) &&
			collect_alternatives(node->args[1], name, slots, count);
	if (node->kind == EXPR_IN)
	{
		if (!ddb_statement_names(node->args[0], name) || !has_constants(node))
			return false;
		for (i = 1; i < node->nargs; i++, (*count)++)
		{
			if (*count < MAX_PARTITIONS)
				slots[*count] = node->args[i]->value_slot;
		}
		return true;
	}
	if (!ddb_statement_comparison(node, name, &kind, &slot) || kind != EXPR_EQ)
		return false;
	if (*count < MAX_PARTITIONS)
		slots[*count] = slot;
	(*count)++;
	return true;
}

static int
compare_values(const void *a, const void *b)
{
	return ddb_value_compare(a, b);
}

static void pg_attribute_noreturn()
raise_too_many(void)
{
	ddb_validation_error("Number of partition key values in the WHERE clause exceeds the limit of %d",
						 MAX_PARTITIONS);
}

/* the values in order, each once; all of them must have the key's type */
static void
set_wanted(const DdbStatementCall *call, const DdbKeyAttr *attr, const int *slots,
		   int count, PartitionValues *wanted)
{
	int			kept = 0;
	int			i;

	if (count > MAX_PARTITIONS)
		raise_too_many();
	wanted->values = palloc(count * sizeof(DdbValue));
	for (i = 0; i < count; i++)
	{
		wanted->values[i] = call->values[slots[i]];
		if (wanted->values[i].type != attr->type)
			ddb_validation_error("One or more parameter values were invalid: "
								 "Condition parameter type does not match schema type");
	}
	if (count > 1)
		qsort(wanted->values, count, sizeof(DdbValue), compare_values);
	for (i = 0; i < count; i++)
	{
		if (i == 0 || ddb_value_compare(&wanted->values[kept - 1], &wanted->values[i]) != 0)
			wanted->values[kept++] = wanted->values[i];
	}
	wanted->count = kept;
}

/* an equality goes before a list of alternatives */
static bool
find_wanted(DdbStatementCall *call, const DdbKeyAttr *attr, PartitionValues *wanted)
{
	const DdbStatement *statement = call->statement;
	const DdbValue *value = ddb_statement_equality(call, attr->name);
	int			slots[MAX_PARTITIONS];
	int			i;

	if (value != NULL)
	{
		slots[0] = value - call->values;
		set_wanted(call, attr, slots, 1, wanted);
		return true;
	}
	for (i = 0; i < statement->nconjuncts; i++)
	{
		int			count = 0;

		if (call->used[i] ||
			!collect_alternatives(statement->conjuncts[i], attr->name, slots, &count))
			continue;
		call->used[i] = true;
		set_wanted(call, attr, slots, count, wanted);
		return true;
	}
	return false;
}

/*
 * Which partitions are wanted?  False: the statement does not say, and nothing
 * is taken of its WHERE clause.
 */
static bool
find_partitions(Selection *selection)
{
	DdbStatementCall *call = selection->call;
	const DdbReadKey *key = &selection->read.query.key;
	int			i;

	selection->npartitions = 1;
	for (i = 0; i < key->npartition; i++)
	{
		if (!find_wanted(call, &key->attr[i], &selection->wanted[i]))
		{
			memset(call->used, 0, call->statement->nconjuncts * sizeof(bool));
			return false;
		}
		selection->npartitions *= selection->wanted[i].count;
		if (selection->npartitions > MAX_PARTITIONS)
			raise_too_many();
	}
	return true;
}

/* make the key conditions those of the i-th combination of partition key values */
static void
choose_partition(Selection *selection, int i)
{
	DdbKeyQuery *query = &selection->read.query;
	int			a;

	for (a = query->key.npartition - 1; a >= 0; a--)
	{
		const PartitionValues *wanted = &selection->wanted[a];

		query->conditions[a].values[0] = wanted->values[i % wanted->count];
		i /= wanted->count;
	}
}

/* ----------------------------------------------------------------
 * Conditions on sort keys
 * ----------------------------------------------------------------
 */

static bool
key_operator(ExprNodeKind kind, ExprKeyOp *op)
{
	switch (kind)
	{
		case EXPR_EQ:
			*op = EXPR_KEY_EQ;
			return true;
		case EXPR_LT:
			*op = EXPR_KEY_LT;
			return true;
		case EXPR_LE:
			*op = EXPR_KEY_LE;
			return true;
		case EXPR_GT:
			*op = EXPR_KEY_GT;
			return true;
		case EXPR_GE:
			*op = EXPR_KEY_GE;
			return true;
		default:
			return false;
	}
}

/* node as a condition on the key attribute; false when it is none */
static bool
as_key_condition(const DdbStatementCall *call, const ExprNode *node, DdbText name,
				 ExprKeyCondition *condition)
{
	ExprNodeKind kind;
	int			slot;

	condition->name = name;
	if (ddb_statement_comparison(node, name, &kind, &slot))
	{
		condition->values[0] = call->values[slot];
		return key_operator(kind, &condition->op);
	}
	if (node->kind != EXPR_BETWEEN &&
		(node->kind != EXPR_FUNCTION || node->function != EXPR_FN_BEGINS_WITH))
		return false;
	if (!ddb_statement_names(node->args[0], name) || !has_constants(node))
		return false;
	condition->op = node->kind == EXPR_BETWEEN ? EXPR_KEY_BETWEEN : EXPR_KEY_BEGINS_WITH;
	condition->values[0] = call->values[node->args[1]->value_slot];
	if (condition->op == EXPR_KEY_BETWEEN)
		condition->values[1] = call->values[node->args[2]->value_slot];
	return true;
}

/* the condition on a sort key, an equality if there is one; takes it */
static bool
find_sort_condition(DdbStatementCall *call, DdbText name, ExprKeyCondition *condition)
{
	const DdbStatement *statement = call->statement;
	int			found = -1;
	int			i;

	for (i = 0; i < statement->nconjuncts; i++)
	{
		ExprKeyCondition candidate;

		memset(&candidate, 0, sizeof(candidate));
		if (call->used[i] ||
			!as_key_condition(call, statement->conjuncts[i], name, &candidate) ||
			(found >= 0 && candidate.op != EXPR_KEY_EQ))
			continue;
		*condition = candidate;
		found = i;
		if (candidate.op == EXPR_KEY_EQ)
			break;
	}
	if (found >= 0)
		call->used[found] = true;
	return found >= 0;
}

/*
 * The key conditions: equalities on the partition key, whose values are chosen
 * later, then sort keys from left to right as long as each has an equality.
 */
static void
set_conditions(Selection *selection)
{
	DdbKeyQuery *query = &selection->read.query;
	const DdbReadKey *key = &query->key;
	int			i;

	query->conditions = palloc0(key->nattrs * sizeof(ExprKeyCondition));
	for (i = 0; i < key->npartition; i++)
	{
		query->conditions[i].name = key->attr[i].name;
		query->conditions[i].op = EXPR_KEY_EQ;
	}
	while (i < key->nattrs &&
		   (i == key->npartition || query->conditions[i - 1].op == EXPR_KEY_EQ) &&
		   find_sort_condition(selection->call, key->attr[i].name, &query->conditions[i]))
		i++;
	query->nconditions = i;
	selection->whole_key = key->index == NULL && selection->npartitions == 1 &&
		i == key->nattrs && query->conditions[i - 1].op == EXPR_KEY_EQ;
}

/* the checks of a Query, for each partition */
static void
check_conditions(Selection *selection)
{
	int			i;

	for (i = 0; i < selection->npartitions; i++)
	{
		choose_partition(selection, i);
		ddb_read_key_check_query(&selection->read.query);
	}
}

/* ----------------------------------------------------------------
 * ORDER BY
 * ----------------------------------------------------------------
 */

static int
key_position(const DdbReadKey *key, DdbText name)
{
	int			i;

	for (i = 0; i < key->nattrs; i++)
	{
		if (ddb_text_same(key->attr[i].name, name))
			return i;
	}
	return -1;
}

/*
 * Items come partition by partition, and within each by sort key.  Where a key
 * has several attributes of a kind, they go in one direction.
 */
static void
set_order(Selection *selection)
{
	const PartiqlStatement *parsed = selection->call->statement->parsed;
	const DdbReadKey *key = &selection->read.query.key;
	bool		seen[2] = {false, false};
	bool		forward[2] = {true, true};	/* partitions, sort keys */
	int			i;

	if (parsed->norder > 0 && parsed->where == NULL)
		ddb_validation_error("Must have WHERE clause in the statement when using ORDER BY clause.");
	if (parsed->norder > 0 && !selection->by_partition)
		ddb_validation_error("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.");
	for (i = 0; i < parsed->norder; i++)
	{
		DdbText		name = ddb_partiql_text(parsed->order[i].name);
		int			position = key_position(key, name);
		int			part = position >= key->npartition;

		if (position < 0)
			ddb_validation_error("Variable reference %.*s in ORDER BY clause must be part of the primary key",
								 name.len, name.str);
		if (seen[part] && forward[part] == parsed->order[i].descending)
			ddb_validation_error("ORDER BY clause must have one direction for all attributes of a key: %.*s",
								 name.len, name.str);
		seen[part] = true;
		forward[part] = !parsed->order[i].descending;
	}
	selection->partitions_forward = forward[0];
	selection->sort_forward = forward[1];
}

/* ----------------------------------------------------------------
 * Preparing
 * ----------------------------------------------------------------
 */

/* the second look (op_access.h) */
static void
look_at_selection(Selection *selection)
{
	const DdbKeyQuery *query = &selection->read.query;
	int			parts = query->key.npartition;
	DdbValue   *values;
	int			count = 0;
	int			i;
	int			a;

	if (!ddb_access_is_restricted(selection->read.table))
		return;
	values = palloc(selection->npartitions * parts * sizeof(DdbValue));
	for (i = 0; selection->by_partition && i < selection->npartitions; i++)
	{
		choose_partition(selection, i);
		for (a = 0; a < parts; a++)
			values[count++] = query->conditions[a].values[0];
	}
	ddb_op_access_select(selection->call, &selection->read, values, count);
}

static void
prepare(DdbStatementCall *call, Selection *selection)
{
	const PartiqlStatement *parsed = call->statement->parsed;
	DdbRead    *read = &selection->read;

	memset(selection, 0, sizeof(Selection));
	selection->call = call;
	read->project = project;
	read->projection = flat_projection(call);
	(void) ddb_request_bool(call->request, "ConsistentRead", &read->consistent);
	(void) ddb_request_int(call->request, "Limit", &read->limit);
	selection->start = ddb_statement_token_key(call->request);

	ddb_read_open(read, ddb_statement_table(call), ddb_partiql_text(parsed->index), ACTION);
	selection->by_partition = find_partitions(selection);
	set_order(selection);
	if (selection->by_partition)
	{
		set_conditions(selection);
		check_conditions(selection);
	}
	read->filter = ddb_statement_rest(call);
	ddb_read_key_check_paths(&read->query.key, read->projection);
	ddb_read_key_check_paths(&read->query.key, read->filter);
	ddb_read_check_projection(read);
	look_at_selection(selection);
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

/*
 * Like GetItem, so that an item which is not there is one look-up, too.  A
 * page of one item ends with it, as every page ends after Limit items.
 */
static void
read_item(const Selection *selection, DdbPage *page)
{
	const DdbRead *read = &selection->read;
	const ExprKeyCondition *conditions = read->query.conditions;
	DdbKey		key;
	Jsonb	   *item;
	DdbDoc		root;
	JsonbValue	value;
	int			i;

	if (selection->start.ptr != NULL)
		return;
	key.ncols = read->table->keys.nattrs;
	for (i = 0; i < key.ncols; i++)
		key.col[i] = ddb_key_column(&conditions[i].values[0], i == 0);
	item = ddb_store_get(read->table, &key);
	if (item == NULL)
		return;
	root = ddb_doc_root(item);
	page->bytes = root.len <= 4096 ? root.len : ddb_item_size(root);
	if (read->filter == NULL || ddb_expr_matches(read->filter, root))
	{
		ddb_json_jsonb(&value, read->projection ? project(read->projection, root) : item);
		ddb_json_append(&page->items, &value);
	}
	page->more = read->limit == 1;
	if (page->more)
		ddb_key_to_json(&read->table->keys, root, &page->last_key);
}

/* does the i-th combination of partition key values hold for the start key? */
static bool
starts_in(Selection *selection, int i)
{
	const DdbKeyQuery *query = &selection->read.query;
	int			a;

	choose_partition(selection, i);
	for (a = 0; a < query->key.npartition; a++)
	{
		const DdbKeyAttr *attr = &query->key.attr[a];
		DdbValue	value;

		if (!ddb_item_get(selection->start, attr->name.str, attr->name.len, &value) ||
			value.type != attr->type ||
			ddb_value_compare(&value, &query->conditions[a].values[0]) != 0)
			return false;
	}
	return true;
}

/* where the token says that reading goes on, as a number of partitions done */
static int
partitions_done(Selection *selection)
{
	int			i;

	if (selection->start.ptr == NULL)
		return 0;
	for (i = 0; i < selection->npartitions; i++)
	{
		if (starts_in(selection, i))
			return selection->partitions_forward ? i : selection->npartitions - 1 - i;
	}
	ddb_statement_raise_token();
}

/*
 * Partition by partition.  One of a table without sort key has no more than
 * one item, after which reading goes on with the next.
 */
static void
read_partitions(Selection *selection, DdbPage *page)
{
	DdbKeyQuery *query = &selection->read.query;
	bool		single = query->key.index == NULL && query->key.nattrs == 1;
	bool		resumes = selection->start.ptr != NULL;
	int			done = partitions_done(selection);

	if (resumes && single)
	{
		resumes = false;
		done++;
	}
	for (; done < selection->npartitions && !page->more; done++)
	{
		CHECK_FOR_INTERRUPTS();
		choose_partition(selection, selection->partitions_forward ? done :
						 selection->npartitions - 1 - done);
		if (resumes)
		{
			query->start = selection->start;
			ddb_read_key_check_query(query);
		}
		ddb_read_partition(&selection->read, selection->sort_forward, page);
		resumes = false;
		query->start.ptr = NULL;
	}
}

static void
read_table(Selection *selection, DdbPage *page)
{
	DdbRead    *read = &selection->read;
	const DdbReadKey *key = &read->query.key;
	DdbScanPart part;

	memset(&part, 0, sizeof(part));
	part.total = 1;
	read->query.start = selection->start;
	if (selection->start.ptr != NULL)
	{
		ddb_read_key_check_scan_start(key, selection->start);
		if (read->index != NULL)
		{
			ddb_read_key_check_scan_start_table(key, selection->start);
			ddb_read_key_index_position(key, selection->start, &part.index_start);
		}
		else
			ddb_key_of_argument(&read->table->keys, selection->start, &part.table_start);
	}
	ddb_read_part(read, &part, page);
}

/* ----------------------------------------------------------------
 * The response
 * ----------------------------------------------------------------
 */

static void
add_capacity(JsonbValue *response, const DdbStatementCall *call, const DdbPage *page,
			 double units)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(call->request);
	DdbText		table = ddb_statement_table(call);
	JsonbValue	capacity;

	if (detail == DDB_CAPACITY_NONE)
		return;
	if (page->read->index == NULL)
		ddb_op_capacity(&capacity, detail, table, page->read->table, units, NULL);
	else
		ddb_read_index_capacity(&capacity, detail == DDB_CAPACITY_INDEXES, table, page, units);
	ddb_json_add_value(response, "ConsumedCapacity", &capacity);
}

Jsonb *
ddb_statement_select(DdbStatementCall *call)
{
	Selection	selection;
	DdbPage		page;
	JsonbValue	response;

	prepare(call, &selection);
	ddb_read_admit(&selection.read);
	ddb_page_init(&page, &selection.read);
	if (selection.whole_key)
		read_item(&selection, &page);
	else if (selection.by_partition)
		read_partitions(&selection, &page);
	else
		read_table(&selection, &page);

	ddb_json_object(&response, 4);
	ddb_json_add_value(&response, "Items", &page.items);
	if (page.more)
	{
		ddb_statement_add_token(&response, call->request, &page.last_key);
		ddb_json_add_value(&response, "LastEvaluatedKey", &page.last_key);
	}
	add_capacity(&response, call, &page, ddb_page_units(&page));
	return ddb_json_encode(&response);
}
