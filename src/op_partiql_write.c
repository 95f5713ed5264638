/*
 * op_partiql_write.c
 *	  INSERT, UPDATE, DELETE and EXISTS as writes of an item.
 *
 * INSERT is a put that an existing item refuses; UPDATE an update that an
 * absent item refuses; DELETE takes an absent item for done; EXISTS, which
 * only transactions have, is a condition check.  The WHERE clause fixes the
 * key by equalities; what else it says is the write's condition.
 */
#include "postgres.h"

#include "catalog.h"
#include "error.h"
#include "expr_eval.h"
#include "op.h"
#include "op_access.h"
#include "op_partiql.h"

/* by PartiqlKind */
static const struct
{
	DdbWriteKind kind;
	DdbPresence presence;
	const char *action;			/* of IAM */
}			writes[] = {
	[PARTIQL_INSERT] = {DDB_WRITE_PUT, DDB_PRESENCE_FORBIDDEN, "PartiQLInsert"},
	[PARTIQL_UPDATE] = {DDB_WRITE_UPDATE, DDB_PRESENCE_REQUIRED, "PartiQLUpdate"},
	[PARTIQL_DELETE] = {DDB_WRITE_DELETE, DDB_PRESENCE_OPTIONAL, "PartiQLDelete"},
	[PARTIQL_EXISTS] = {DDB_WRITE_CHECK, DDB_PRESENCE_REQUIRED, "PartiQLSelect"}
};

static const DdbTable *
open_table(const DdbStatementCall *call, const DdbItemWrite *write, const char *action)
{
	DdbText		name = ddb_catalog_table_name(ddb_statement_table(call), action);

	return ddb_catalog_open(name, RowExclusiveLock, ddb_write_rights(write->kind),
							action, false);
}

static bool
returns_item_on_failure(DdbDoc request)
{
	static const char *const values[] = {"NONE", "ALL_OLD", NULL};

	return ddb_request_enum(request, "ReturnValuesOnConditionCheckFailure", values, 0) == 1;
}

static void
fill_insert(DdbStatementCall *call, DdbItemWrite *write)
{
	write->put_item = call->item;
	write->key = ddb_doc_root(call->item);
}

/* what needs the key schema */
static void
fill_by_key(DdbStatementCall *call, DdbItemWrite *write)
{
	write->key = ddb_doc_root(ddb_statement_key(call, &write->table->keys));
	write->condition = ddb_statement_rest(call);
	if (write->kind == DDB_WRITE_CHECK && write->condition == NULL)
		ddb_validation_error("EXISTS() must specify a full primary key and one other condition");
	if (write->kind == DDB_WRITE_UPDATE)
		write->update = ddb_statement_program(call, &call->statement->changes);
}

void
ddb_statement_write(DdbStatementCall *call, DdbItemWrite *write)
{
	const PartiqlStatement *parsed = call->statement->parsed;

	if (parsed->index.str != NULL)
		ddb_validation_error("Statement wasn't well formed, can't be processed: Unexpected from source");
	ddb_write_init(write, writes[parsed->kind].kind);
	write->presence = writes[parsed->kind].presence;
	write->item_on_failure = returns_item_on_failure(call->request);
	if (parsed->kind == PARTIQL_INSERT)
		fill_insert(call, write);
	write->table = open_table(call, write, writes[parsed->kind].action);
	if (parsed->kind != PARTIQL_INSERT)
		fill_by_key(call, write);
	ddb_op_access_statement_write(call, write);
	write->keep_items = parsed->returning != PARTIQL_RETURNING_NOTHING;
}

static const Jsonb *
modified(const DdbItemWrite *write, const Jsonb *item)
{
	if (item == NULL || write->update == NULL)
		return NULL;
	return ddb_expr_updated_attributes(write->update, ddb_doc_root(item));
}

const Jsonb *
ddb_statement_returned(const DdbStatementCall *call, const DdbItemWrite *write)
{
	switch (call->statement->parsed->returning)
	{
		case PARTIQL_RETURNING_NOTHING:
			return NULL;
		case PARTIQL_RETURNING_ALL_OLD:
			return write->old_item;
		case PARTIQL_RETURNING_MODIFIED_OLD:
			return modified(write, write->old_item);
		case PARTIQL_RETURNING_ALL_NEW:
			return write->new_item;
		case PARTIQL_RETURNING_MODIFIED_NEW:
			return modified(write, write->new_item);
	}
	elog(ERROR, "unrecognized RETURNING %d", call->statement->parsed->returning);
}

static void
add_capacity(JsonbValue *response, const DdbStatementCall *call, const DdbItemWrite *write)
{
	DdbCapacityDetail detail = ddb_op_capacity_detail(call->request);
	double		units = ddb_write_units(write);
	JsonbValue	capacity;

	if (detail == DDB_CAPACITY_NONE)
		return;
	ddb_op_capacity(&capacity, detail, ddb_statement_table(call), write->table, units,
					write->index_units.units);
	ddb_json_add_value(response, "ConsumedCapacity", &capacity);
}

/*
 * Items has what RETURNING gives, and is there without it, too.
 */
Jsonb *
ddb_statement_run_write(DdbStatementCall *call)
{
	DdbItemWrite write;
	const Jsonb *returned;
	JsonbValue	response;
	JsonbValue	items;
	JsonbValue	item;

	ddb_statement_write(call, &write);
	ddb_write_check_size(&write);
	ddb_write_accept(&write, write.table);
	ddb_access_finish();
	ddb_write_admit(&write);
	ddb_write_run(&write);
	ddb_write_consume(&write, 1);

	ddb_json_array(&items, 1);
	returned = ddb_statement_returned(call, &write);
	if (returned != NULL)
	{
		ddb_json_jsonb(&item, returned);
		ddb_json_append(&items, &item);
	}
	ddb_json_object(&response, 2);
	ddb_json_add_value(&response, "Items", &items);
	add_capacity(&response, call, &write);
	return ddb_json_encode(&response);
}
