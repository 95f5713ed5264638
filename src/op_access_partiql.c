/*
 * op_access_partiql.c
 *	  What PartiQL statements tell of themselves to access.c.
 *
 * A statement has an action of its own, whatever the operation that brings it.
 */
#include "postgres.h"

#include "op_access.h"

static const char *
action_of(const DdbStatementCall *call)
{
	/* by PartiqlKind */
	static const char *const actions[] = {
		[PARTIQL_SELECT] = "PartiQLSelect",
		[PARTIQL_INSERT] = "PartiQLInsert",
		[PARTIQL_UPDATE] = "PartiQLUpdate",
		[PARTIQL_DELETE] = "PartiQLDelete",
		[PARTIQL_EXISTS] = "PartiQLSelect"
	};

	return actions[call->statement->parsed->kind];
}

void
ddb_op_access_statement(const DdbStatementCall *call)
{
	DdbFirstLook look = {NULL, false, {NULL, 0}, {NULL, 0}};

	if (!ddb_access_is_active())
		return;
	look.action = action_of(call);
	ddb_access_check_table(&look, ddb_statement_table(call),
						   ddb_partiql_text(call->statement->parsed->index));
}

static void
init_access(DdbAccess *access, const DdbStatementCall *call, const DdbTable *table)
{
	memset(access, 0, sizeof(DdbAccess));
	access->action = action_of(call);
	access->enclosing = call->enclosing;
	access->table = table;
	access->request = call->outer.ptr != NULL ? call->outer : call->request;
	access->bindings[0] = ddb_statement_program(call, &call->statement->where);
}

void
ddb_op_access_point(const DdbStatementCall *call, const DdbPointRead *point)
{
	DdbDoc		key = ddb_doc_root(point->key);
	DdbAccess	access;

	if (!ddb_access_is_restricted(point->table))
		return;
	init_access(&access, call, point->table);
	access.nitems = 1;
	access.items = &key;
	access.bindings[1] = point->projection;
	access.select = point->projection != NULL ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES";
	access.is_partiql_select = true;
	ddb_access_check(&access);
}

void
ddb_op_access_statement_write(const DdbStatementCall *call, const DdbItemWrite *write)
{
	/* by PartiqlReturning */
	static const char *const returns[] = {
		[PARTIQL_RETURNING_NOTHING] = "NONE",
		[PARTIQL_RETURNING_ALL_OLD] = "ALL_OLD",
		[PARTIQL_RETURNING_MODIFIED_OLD] = "UPDATED_OLD",
		[PARTIQL_RETURNING_ALL_NEW] = "ALL_NEW",
		[PARTIQL_RETURNING_MODIFIED_NEW] = "UPDATED_NEW"
	};
	const PartiqlStatement *parsed = call->statement->parsed;
	DdbAccess	access;

	if (!ddb_access_is_restricted(write->table))
		return;
	init_access(&access, call, write->table);
	access.nitems = 1;
	access.items = &write->key;
	access.bindings[1] = ddb_statement_program(call, &call->statement->update);
	access.return_values = write->item_on_failure ? "ALL_OLD" : returns[parsed->returning];
	access.is_partiql_select = parsed->kind == PARTIQL_EXISTS;
	ddb_access_check(&access);
}

void
ddb_op_access_select(const DdbStatementCall *call, const DdbRead *read,
					 const DdbValue *partitions, int count)
{
	DdbAccess	access;

	if (!ddb_access_is_restricted(read->table))
		return;
	init_access(&access, call, read->table);
	access.index = read->index;
	access.nleading = count;
	access.leading = partitions;
	access.bindings[1] = read->projection;
	if (read->projection != NULL)
		access.select = "SPECIFIC_ATTRIBUTES";
	else
		access.select = read->index != NULL ? "ALL_PROJECTED_ATTRIBUTES" : "ALL_ATTRIBUTES";
	access.is_partiql_select = true;
	access.full_table_scan = count == 0;
	ddb_access_check(&access);
	ddb_access_finish();
}
