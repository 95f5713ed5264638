/*
 * op_transact_capacity.c
 *	  ConsumedCapacity of transactions: units by table and index, for writes,
 *	  reads, and requests that are repeated.
 *
 * What an element costs is known once it has run; nothing here writes items.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "op.h"
#include "op_transact.h"

static const DdbDoc absent_item = {NULL, 0};

double
ddb_transact_read_units(const Jsonb *item)
{
	return DDB_TRANSACT_UNITS *
		ddb_item_read_units(item ? ddb_doc_root(item) : absent_item, true);
}

/* what one table's part of a transaction has cost */
typedef struct TableCost
{
	const DdbTable *table;
	DdbText		name;			/* as first sent */
	double		units;			/* of the table itself */
	double	   *index_units;	/* in the order of table->indexes */
} TableCost;

typedef struct Costs
{
	int			count;
	TableCost  *tables;			/* in the order of first use */
} Costs;

static void
init_costs(Costs *costs, int max)
{
	costs->count = 0;
	costs->tables = palloc0(max * sizeof(TableCost));
}

/* the row of a table, which the request calls name */
static TableCost *
cost_of_table(Costs *costs, DdbText name, const DdbTable *table)
{
	TableCost  *cost;
	int			t;

	for (t = 0; t < costs->count; t++)
	{
		if (costs->tables[t].table->relid == table->relid)
			return &costs->tables[t];
	}
	cost = &costs->tables[costs->count++];
	cost->table = table;
	cost->name = name;
	cost->index_units = palloc0(Max(table->nindexes, 1) * sizeof(double));
	return cost;
}

/* units, as such and as those of reads or writes: kind is that member's name */
static void
add_units(JsonbValue *object, const char *kind, double units)
{
	ddb_json_add_double(object, "CapacityUnits", units);
	ddb_json_add_double(object, kind, units);
}

/* the indexes of one sort that have units, if there are any */
static void
add_index_units(JsonbValue *capacity, const char *member, const TableCost *cost,
				const char *kind, bool global)
{
	JsonbValue	indexes;
	JsonbValue	units;
	int			count = 0;
	int			i;

	ddb_json_object(&indexes, cost->table->nindexes);
	for (i = 0; i < cost->table->nindexes; i++)
	{
		const DdbIndex *index = &cost->table->indexes[i];

		if (index->global != global || cost->index_units[i] <= 0)
			continue;
		ddb_json_object(&units, 2);
		add_units(&units, kind, cost->index_units[i]);
		ddb_json_add(&indexes, index->name, strlen(index->name), &units);
		count++;
	}
	if (count > 0)
		ddb_json_add_value(capacity, member, &indexes);
}

static void
append_capacity(JsonbValue *list, const TableCost *cost, const char *kind, bool with_indexes)
{
	double		total = cost->units;
	JsonbValue	capacity;
	JsonbValue	value;
	int			i;

	for (i = 0; i < cost->table->nindexes; i++)
		total += cost->index_units[i];
	ddb_json_object(&capacity, 6);
	ddb_json_string(&value, cost->name.str, cost->name.len);
	ddb_json_add_value(&capacity, "TableName", &value);
	add_units(&capacity, kind, total);
	if (with_indexes)
	{
		ddb_json_object(&value, 2);
		add_units(&value, kind, cost->units);
		ddb_json_add_value(&capacity, "Table", &value);
		add_index_units(&capacity, "LocalSecondaryIndexes", cost, kind, false);
		add_index_units(&capacity, "GlobalSecondaryIndexes", cost, kind, true);
	}
	ddb_json_append(list, &capacity);
}

static void
add_costs(JsonbValue *response, DdbDoc request, const Costs *costs, const char *kind)
{
	bool		with_indexes = ddb_op_capacity_detail(request) == DDB_CAPACITY_INDEXES;
	JsonbValue	list;
	int			t;

	ddb_json_array(&list, costs->count);
	for (t = 0; t < costs->count; t++)
		append_capacity(&list, &costs->tables[t], kind, with_indexes);
	ddb_json_add_value(response, "ConsumedCapacity", &list);
}

void
ddb_transact_add_write_capacity(JsonbValue *response, DdbDoc request,
								const DdbItemWrite *writes, int count)
{
	Costs		costs;
	int			i;
	int			k;

	if (ddb_op_capacity_detail(request) == DDB_CAPACITY_NONE)
		return;
	init_costs(&costs, count);
	for (i = 0; i < count; i++)
	{
		const DdbIndexUnits *indexes = &writes[i].index_units;
		TableCost  *cost = cost_of_table(&costs, writes[i].table_name, writes[i].table);

		cost->units += DDB_TRANSACT_UNITS * ddb_write_units(&writes[i]);
		for (k = 0; indexes->units != NULL && k < cost->table->nindexes; k++)
			cost->index_units[k] += DDB_TRANSACT_UNITS * indexes->units[k];
	}
	add_costs(response, request, &costs, "WriteCapacityUnits");
}

void
ddb_transact_add_read_capacity(JsonbValue *response, DdbDoc request,
							   const DdbItemRead *reads, int count)
{
	Costs		costs;
	int			i;

	if (ddb_op_capacity_detail(request) == DDB_CAPACITY_NONE)
		return;
	init_costs(&costs, count);
	for (i = 0; i < count; i++)
		cost_of_table(&costs, reads[i].table_name, reads[i].table)->units +=
			ddb_transact_read_units(reads[i].item);
	add_costs(response, request, &costs, "ReadCapacityUnits");
}

static Jsonb *
item_of_write(const DdbItemWrite *write)
{
	DdbKey		columns;

	if (write->kind == DDB_WRITE_PUT)
		ddb_key_of_item(&write->table->keys, write->key, &columns);
	else
		ddb_key_of_argument(&write->table->keys, write->key, &columns);
	return ddb_store_get(write->table, &columns);
}

void
ddb_transact_add_replay_capacity(JsonbValue *response, DdbDoc request,
								 const DdbItemWrite *writes, int count)
{
	Costs		costs;
	int			i;

	init_costs(&costs, count);
	for (i = 0; i < count; i++)
	{
		double		units = ddb_transact_read_units(item_of_write(&writes[i]));
		DdbUse		use = {.table = writes[i].table, .key = writes[i].key};

		CHECK_FOR_INTERRUPTS();
		ddb_capacity_consume(&use, DDB_UNITS_READ, units);
		cost_of_table(&costs, writes[i].table_name, writes[i].table)->units += units;
	}
	if (ddb_op_capacity_detail(request) != DDB_CAPACITY_NONE)
		add_costs(response, request, &costs, "ReadCapacityUnits");
}
