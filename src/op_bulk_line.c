/*
 * op_bulk_line.c
 *	  Lines of a bulk put become items.
 *
 * A line is a JSON object with an Item, as exports write it, and maybe the
 * condition of its own.  Items without condition go by many into one
 * statement.  The others, and those of a statement that failed, have each a
 * subtransaction, and what is refused there says why and leaves the rest
 * alone.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "execute.h"
#include "keylock.h"
#include "op_attempt.h"
#include "op_bulk.h"
#include "op_common.h"
#include "op_write.h"
#include "shapes.h"
#include "wire.h"

static const char *const legacy[] = {NULL};
static const char *const expressions[] = {"ConditionExpression", NULL};
static const DdbParameterSets parameters = {
	.legacy = legacy,
	.expression = expressions,
	.needs_values = "ConditionExpression is null",
	.value_expressions = expressions
};

/* a run of items with different keys, in the order of locks */
typedef struct Puts
{
	const DdbTable *table;
	DdbBulkItem **items;
	DdbItemWrite **writes;		/* of them, those that are one statement */
	int			count;
} Puts;

/* ----------------------------------------------------------------
 * Accepting
 * ----------------------------------------------------------------
 */

/* a misspelt condition must not be taken for none */
static void
check_members(DdbDoc sent)
{
	static const char *const known[] = {
		"Item", "ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"
	};
	int			found = 0;
	int			i;

	for (i = 0; i < lengthof(known); i++)
	{
		JsonbValue	value;

		if (ddb_doc_get(sent, known[i], strlen(known[i]), &value))
			found++;
	}
	if (found != ddb_doc_count(sent))
		ddb_validation_error("A line has the members Item, ConditionExpression, "
							 "ExpressionAttributeNames and ExpressionAttributeValues only");
}

static void
accept(DdbBulkItem *item, const DdbTable *table, DdbText text)
{
	DdbItemWrite *write = palloc(sizeof(DdbItemWrite));
	DdbDoc		root = ddb_doc_root(ddb_wire_parse(text.str, text.len));

	if (!ddb_doc_is_object(root))
		ddb_error(DDB_SERIALIZATION, "%s", "");
	item->sent = root;
	check_members(root);
	ddb_shape_check(&ddb_shape_bulk_put_line, root, DDB_TABLE_NAME_ORDINARY);
	ddb_op_check_mixing(root, &parameters);
	ddb_write_init(write, DDB_WRITE_PUT);
	ddb_write_values(write, root);
	ddb_write_expressions(write, root);
	ddb_write_check_size(write);
	ddb_write_accept(write, table);
	item->alone = !ddb_write_is_blind(write);
	item->write = write;
}

/*
 * Errors of the API, and what values can be too large or too odd for.
 */
static bool
is_of_item(int sqlerrcode)
{
	return ddb_error_by_sqlstate(sqlerrcode) != NULL ||
		ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_PROGRAM_LIMIT_EXCEEDED) ||
		ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION);
}

/*
 * Called inside PG_CATCH, while values and expressions are being worked on and
 * nothing else, so that there is nothing to clean up.
 */
static void
take_error(DdbBulkItem *item, MemoryContext caller)
{
	ErrorData  *error;

	if (!is_of_item(geterrcode()))
		PG_RE_THROW();
	MemoryContextSwitchTo(caller);
	error = CopyErrorData();
	FlushErrorState();
	item->write = NULL;
	item->message = error->message;
	item->output = DDB_BULK_ERROR;
}

void
ddb_bulk_accept(DdbBulkItem *item, const DdbTable *table, DdbText text)
{
	MemoryContext caller = CurrentMemoryContext;

	PG_TRY();
	{
		accept(item, table, text);
	}
	PG_CATCH();
	{
		take_error(item, caller);
	}
	PG_END_TRY();
}

/* ----------------------------------------------------------------
 * Putting
 * ----------------------------------------------------------------
 */

static void
put_together(void *arg)
{
	Puts	   *puts = arg;

	ddb_write_run_blind(puts->writes, puts->count);
}

static void
put_one(void *arg)
{
	DdbItemWrite *write = arg;

	write->old_units = write->new_units = 0;
	write->indexes_counted = false;
	memset(&write->index_units, 0, sizeof(write->index_units));
	ddb_write_run(write);
}

static void
try_one(DdbBulkItem *item)
{
	DdbFailure	failure;

	CHECK_FOR_INTERRUPTS();
	if (ddb_op_attempt(put_one, item->write, &failure))
		return;
	item->message = failure.error->message;
	item->output = DDB_BULK_ERROR;
	if (ddb_error_by_sqlstate(failure.error->sqlerrcode) ==
		ddb_error_info(DDB_CONDITIONAL_CHECK_FAILED))
		item->output = DDB_BULK_CONDITION_CHECK_FAILURE;
}

/* those that look at nothing, together if that goes, else one by one */
static void
put_blind(Puts *puts)
{
	DdbFailure	failure;
	int			i;

	if (ddb_execute_is_plain(puts->table))
	{
		put_together(puts);
		return;
	}
	if (ddb_op_attempt(put_together, puts, &failure))
		return;
	for (i = 0; i < puts->count; i++)
		try_one(puts->items[i]);
}

/* items with different keys */
static void
put_run(const DdbTable *table, DdbBulkItem **items, const DdbKeyLock *locks, int count)
{
	Puts		puts = {.table = table};
	int			i;

	puts.items = palloc(count * sizeof(DdbBulkItem *));
	puts.writes = palloc(count * sizeof(DdbItemWrite *));
	for (i = 0; i < count; i++)
	{
		DdbBulkItem *item = items[locks[i].index];

		if (item->alone)
			continue;
		puts.items[puts.count] = item;
		puts.writes[puts.count++] = item->write;
	}
	ddb_keylock_acquire(locks, count, NULL);
	if (puts.count > 0)
		put_blind(&puts);
	for (i = 0; i < count; i++)
	{
		if (items[locks[i].index]->alone)
			try_one(items[locks[i].index]);
	}
}

/*
 * Sorts locks of the items.  Returns count if all keys are different, or
 * else a smaller number of items to try.
 */
static int
sort_locks(const DdbTable *table, DdbBulkItem **items, DdbKeyLock *locks, int count)
{
	int			different = count;
	int			i;

	for (i = 0; i < count; i++)
	{
		locks[i].relid = table->relid;
		locks[i].schema = &table->keys;
		locks[i].key = &items[i]->write->columns;
		locks[i].use = DDB_KEY_INSERTED;
		locks[i].index = i;
	}
	ddb_keylock_sort(locks, count);
	for (i = 1; i < count; i++)
	{
		if (ddb_keylock_is_same(&locks[i - 1], &locks[i]))
			different = Min(different, Max(locks[i - 1].index, locks[i].index));
	}
	return different;
}

/*
 * Where a key comes again, the items from there on are a run of their own.
 */
void
ddb_bulk_put(const DdbTable *table, DdbBulkItem *items, int count)
{
	DdbBulkItem **good = palloc(count * sizeof(DdbBulkItem *));
	DdbKeyLock *locks = palloc(count * sizeof(DdbKeyLock));
	int			n = 0;
	int			i;

	for (i = 0; i < count; i++)
	{
		if (items[i].write != NULL)
			good[n++] = &items[i];
	}
	for (i = 0; i < n;)
	{
		int			run = n - i;
		int			different;

		CHECK_FOR_INTERRUPTS();
		while ((different = sort_locks(table, good + i, locks, run)) < run)
			run = different;
		put_run(table, good + i, locks, run);
		i += run;
	}
}

double
ddb_bulk_units(const DdbBulkItem *item)
{
	if (item->write == NULL || item->message != NULL)
		return 0;
	return ddb_write_units(item->write) + item->write->index_units.total;
}

/* ----------------------------------------------------------------
 * Reporting
 * ----------------------------------------------------------------
 */

static void
add_text(JsonbValue *object, const char *name, const char *text)
{
	JsonbValue	value;
	int			len;
	char	   *stored = ddb_text_encode(text, strlen(text), &len);

	ddb_json_string(&value, stored, len);
	ddb_json_add_value(object, name, &value);
}

void
ddb_bulk_report(StringInfo out, const DdbBulkItem *item)
{
	JsonbValue	report;
	JsonbValue	value;

	ddb_json_object(&report, 5);
	if (item->sent.ptr != NULL &&
		ddb_doc_get(item->sent, "Item", strlen("Item"), &value))
		ddb_json_add_value(&report, "Item", &value);
	ddb_json_add_string(&report, "Type", ddb_bulk_output_types[item->output]);
	add_text(&report, "Message", item->message);
	add_text(&report, "Object", item->object);
	ddb_json_add_int(&report, "Line", item->line);
	ddb_wire_print_tree(out, &report);
	appendStringInfoChar(out, '\n');
}
