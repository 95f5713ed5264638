/*
 * op_partiql_bind.c
 *	  From the text of a statement and its parameters to bound expressions.
 *
 * What depends on the text alone (the programs of the expression engine,
 * constants in stored form) is made once and kept in the backend's cache; a
 * call adds its parameters, whose values then pass the checks of expressions.
 *
 * The WHERE clause is seen as conjuncts.  Who reads or writes takes those that
 * the key answers to; the rest is a condition on the item.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "error.h"
#include "expr_cache.h"
#include "expr_eval.h"
#include "op_partiql.h"

#define MSG_NO_KEY	"Where clause does not contain a mandatory equality on all key attributes"

/* ----------------------------------------------------------------
 * Literals as attribute values
 * ----------------------------------------------------------------
 */

/* parameters of a call in stored form; none while a statement is prepared */
typedef struct Parameters
{
	int			count;
	DdbValue   *values;
} Parameters;

static void literal_to_json(const PartiqlLiteral *literal, const Parameters *parameters,
							JsonbValue *out);

static bool
has_parameters(const PartiqlLiteral *literal)
{
	int			i;

	check_stack_depth();
	if (literal->kind == PARTIQL_PARAMETER)
		return true;
	for (i = 0; i < literal->nmembers; i++)
	{
		if (has_parameters(literal->members[i]))
			return true;
	}
	return false;
}

/* the type of a set's member, and its text */
static DdbType
set_member(const PartiqlLiteral *member, const Parameters *parameters, DdbText *text)
{
	const DdbValue *value;

	*text = ddb_partiql_text(member->text);
	if (member->kind == PARTIQL_STRING)
		return DDB_S;
	if (member->kind == PARTIQL_NUMBER)
		return DDB_N;
	if (member->kind == PARTIQL_PARAMETER)
	{
		value = &parameters->values[member->index];
		*text = value->text;
		if (value->type == DDB_S || value->type == DDB_N || value->type == DDB_B)
			return value->type;
	}
	ddb_validation_error("Members of a set must be of type STRING, NUMBER or BINARY");
}

static void
set_to_json(const PartiqlLiteral *literal, const Parameters *parameters, JsonbValue *out)
{
	DdbType		type = DDB_S;
	JsonbValue	elements;
	int			i;

	ddb_json_array(&elements, literal->nmembers);
	for (i = 0; i < literal->nmembers; i++)
	{
		JsonbValue	element;
		DdbText		text;
		DdbType		member_type = set_member(literal->members[i], parameters, &text);

		if (i > 0 && member_type != type)
			ddb_validation_error("All members of a set must be of the same type");
		type = member_type;
		ddb_json_string(&element, text.str, text.len);
		ddb_json_append(&elements, &element);
	}
	ddb_path_wrap(out, type == DDB_S ? DDB_SS : type == DDB_N ? DDB_NS : DDB_BS, &elements);
}

static void
list_to_json(const PartiqlLiteral *literal, const Parameters *parameters, JsonbValue *out)
{
	JsonbValue	elements;
	int			i;

	ddb_json_array(&elements, literal->nmembers);
	for (i = 0; i < literal->nmembers; i++)
	{
		JsonbValue	element;

		literal_to_json(literal->members[i], parameters, &element);
		ddb_json_append(&elements, &element);
	}
	ddb_path_wrap(out, DDB_L, &elements);
}

/* the members of a map, each under its key; no key may come twice */
static void
members_to_json(const PartiqlLiteral *literal, const Parameters *parameters, JsonbValue *out)
{
	DdbTextSet	seen;
	int			i;

	ddb_json_object(out, literal->nmembers);
	ddb_textset_init(&seen, literal->nmembers);
	for (i = 0; i < literal->nmembers; i++)
	{
		DdbText		key = ddb_partiql_text(literal->keys[i]);
		JsonbValue	member;

		if (!ddb_textset_add(&seen, key))
			ddb_validation_error("Statement wasn't well formed, can't be processed: "
								 "Duplicate key in tuple: %.*s", key.len, key.str);
		literal_to_json(literal->members[i], parameters, &member);
		ddb_json_add(out, key.str, key.len, &member);
	}
	ddb_textset_free(&seen);
}

static void
literal_to_json(const PartiqlLiteral *literal, const Parameters *parameters, JsonbValue *out)
{
	JsonbValue	payload;

	check_stack_depth();
	switch (literal->kind)
	{
		case PARTIQL_PARAMETER:
			ddb_value_to_json(&parameters->values[literal->index], out);
			return;
		case PARTIQL_STRING:
			ddb_json_scalar(out, DDB_S, literal->text.str, literal->text.len);
			return;
		case PARTIQL_NUMBER:
			ddb_json_scalar(out, DDB_N, literal->text.str, literal->text.len);
			return;
		case PARTIQL_TRUE:
		case PARTIQL_FALSE:
			ddb_json_bool(&payload, literal->kind == PARTIQL_TRUE);
			ddb_path_wrap(out, DDB_BOOL, &payload);
			return;
		case PARTIQL_NULL:
			ddb_json_bool(&payload, true);
			ddb_path_wrap(out, DDB_NULL, &payload);
			return;
		case PARTIQL_LIST:
			list_to_json(literal, parameters, out);
			return;
		case PARTIQL_MAP:
			members_to_json(literal, parameters, &payload);
			ddb_path_wrap(out, DDB_M, &payload);
			return;
		case PARTIQL_SET:
			set_to_json(literal, parameters, out);
			return;
	}
	elog(ERROR, "unrecognized literal %d", literal->kind);
}

/* a value as sent, checked, in stored form */
static void
accept_value(const JsonbValue *sent, DdbValue *out)
{
	DdbCheck	check = ddb_value_check(sent);

	if (check.message != NULL)
		ddb_validation_error("%s", check.message);
	ddb_value_open(check.canonical ? ddb_doc_of(sent) :
				   ddb_doc_root(ddb_value_canonical(sent)), out);
}

static void
literal_to_value(const PartiqlLiteral *literal, const Parameters *parameters, DdbValue *out)
{
	JsonbValue	tree;
	JsonbValue	sent;

	literal_to_json(literal, parameters, &tree);
	ddb_json_jsonb(&sent, ddb_json_encode(&tree));
	accept_value(&sent, out);
}

/* the item of an INSERT; ddb_item_accept says what is wrong with it */
static Jsonb *
tuple_to_item(const PartiqlLiteral *tuple, const Parameters *parameters)
{
	JsonbValue	item;

	if (tuple->kind == PARTIQL_PARAMETER)
	{
		const DdbValue *value = &parameters->values[tuple->index];

		if (value->type != DDB_M)
			ddb_validation_error("Statement wasn't well formed, can't be processed: "
								 "INSERT needs a tuple: VALUE {...}");
		return ddb_doc_copy(value->doc);
	}
	members_to_json(tuple, parameters, &item);
	return ddb_item_accept(ddb_doc_root(ddb_json_encode(&item)));
}

/* ----------------------------------------------------------------
 * What depends on the text of a statement alone
 * ----------------------------------------------------------------
 */

static void
init_program(ExprProgram *program, ExprKind kind, const PartiqlStatement *parsed)
{
	program->kind = kind;
	program->partiql = true;
	program->nvalues = parsed->nvalues;
}

static void
count_conjuncts(const ExprNode *node, int *count)
{
	check_stack_depth();
	if (node->kind != EXPR_AND)
	{
		(*count)++;
		return;
	}
	count_conjuncts(node->args[0], count);
	count_conjuncts(node->args[1], count);
}

static void
collect_conjuncts(DdbStatement *statement, ExprNode *node)
{
	if (node->kind != EXPR_AND)
	{
		statement->conjuncts[statement->nconjuncts++] = node;
		return;
	}
	collect_conjuncts(statement, node->args[0]);
	collect_conjuncts(statement, node->args[1]);
}

static void
prepare_where(DdbStatement *statement)
{
	const PartiqlStatement *parsed = statement->parsed;
	int			count = 0;

	init_program(&statement->where,
				 parsed->kind == PARTIQL_SELECT ? EXPR_FILTER : EXPR_CONDITION, parsed);
	if (parsed->where == NULL)
		return;
	statement->where.condition = parsed->where;
	count_conjuncts(parsed->where, &count);
	statement->conjuncts = palloc(count * sizeof(ExprNode *));
	collect_conjuncts(statement, parsed->where);
}

static bool
same_path(const ExprPath *a, const ExprPath *b)
{
	int			i;

	if (a->nsteps != b->nsteps)
		return false;
	for (i = 0; i < a->nsteps; i++)
	{
		const ExprStep *x = &a->steps[i];
		const ExprStep *y = &b->steps[i];

		if (x->is_index != y->is_index)
			return false;
		if (x->is_index ? x->index != y->index :
			(x->name_len != y->name_len || memcmp(x->name, y->name, x->name_len) != 0))
			return false;
	}
	return true;
}

/*
 * "SET s = set_add(s, value)" is what ADD does, and may remove a set that
 * set_delete has emptied, which no value could.
 */
static void
set_in_place(ExprAction *action)
{
	const ExprNode *value = action->value;

	if (action->kind != EXPR_SET || value->kind != EXPR_FUNCTION ||
		(value->function != EXPR_FN_SET_ADD && value->function != EXPR_FN_SET_DELETE) ||
		value->args[0]->kind != EXPR_PATH || value->args[1]->kind != EXPR_VALUE ||
		!same_path(&value->args[0]->path, &action->path))
		return;
	action->kind = value->function == EXPR_FN_SET_ADD ? EXPR_ADD : EXPR_DELETE;
	action->value = value->args[1];
}

static void
prepare_update(DdbStatement *statement)
{
	const PartiqlStatement *parsed = statement->parsed;
	int			i;

	init_program(&statement->update, EXPR_UPDATE, parsed);
	init_program(&statement->changes, EXPR_UPDATE, parsed);
	if (parsed->nactions == 0)
		return;
	statement->update.nactions = statement->changes.nactions = parsed->nactions;
	statement->update.actions = parsed->actions;
	statement->changes.actions = palloc(parsed->nactions * sizeof(ExprAction));
	for (i = 0; i < parsed->nactions; i++)
	{
		statement->changes.actions[i] = parsed->actions[i];
		set_in_place(&statement->changes.actions[i]);
	}
}

/* the last part of a path: its last name and the indexes behind it */
static DdbText
member_name(const ExprPath *path)
{
	StringInfoData name;
	DdbText		text;
	int			last = path->nsteps - 1;
	int			i;

	while (path->steps[last].is_index)
		last--;
	text.str = path->steps[last].name;
	text.len = path->steps[last].name_len;
	if (last == path->nsteps - 1)
		return text;
	initStringInfo(&name);
	appendBinaryStringInfo(&name, text.str, text.len);
	for (i = last + 1; i < path->nsteps; i++)
		appendStringInfo(&name, "[%d]", path->steps[i].index);
	text.str = name.data;
	text.len = name.len;
	return text;
}

static void
prepare_projection(DdbStatement *statement)
{
	const PartiqlStatement *parsed = statement->parsed;
	int			i;

	init_program(&statement->projection, EXPR_PROJECTION, parsed);
	statement->projection.npaths = parsed->npaths;
	statement->projection.paths = parsed->paths;
	statement->members = palloc(parsed->npaths * sizeof(DdbText));
	for (i = 0; i < parsed->npaths; i++)
		statement->members[i] = member_name(&parsed->paths[i]);
}

static void
prepare_constants(DdbStatement *statement)
{
	const PartiqlStatement *parsed = statement->parsed;
	int			i;

	statement->constants = palloc0(parsed->nvalues * sizeof(DdbValue));
	for (i = 0; i < parsed->nvalues; i++)
	{
		if (!has_parameters(parsed->values[i]))
			literal_to_value(parsed->values[i], NULL, &statement->constants[i]);
	}
	if (parsed->tuple != NULL && !has_parameters(parsed->tuple))
		statement->item = tuple_to_item(parsed->tuple, NULL);
}

/*
 * The statement of a text, in CurrentMemoryContext.  Names and strings keep
 * the form of the text, which is that of requests; an escape that no request
 * from outside can have would make others of them, and is refused.
 */
static void *
prepare_statement(int space, const char *text, int len)
{
	DdbStatement *statement = palloc0(sizeof(DdbStatement));

	if (!ddb_text_is_valid(text, len))
		ddb_validation_error("Statement wasn't well formed, can't be processed: "
							 "malformed escape of U+0000 in a string");
	statement->parsed = ddb_partiql_parse(text, len);
	prepare_where(statement);
	prepare_update(statement);
	prepare_projection(statement);
	prepare_constants(statement);
	return statement;
}

/* ----------------------------------------------------------------
 * Calls
 * ----------------------------------------------------------------
 */

static void
read_parameters(DdbDoc request, int expected, Parameters *parameters)
{
	DdbDoc		list = ddb_request_doc(request, "Parameters");
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	sent;
	int			count = list.ptr ? ddb_doc_count(list) : 0;
	int			i;

	if (count != expected)
		ddb_validation_error("Number of parameters in request and statement don't match.");
	parameters->count = count;
	parameters->values = NULL;
	if (count == 0)
		return;
	parameters->values = palloc(count * sizeof(DdbValue));
	ddb_doc_begin(&cursor, list);
	for (i = 0; ddb_doc_next(&cursor, &none, &sent); i++)
		accept_value(&sent, &parameters->values[i]);
}

static void
bind_values(DdbStatementCall *call, const Parameters *parameters)
{
	const DdbStatement *statement = call->statement;
	const PartiqlStatement *parsed = statement->parsed;
	int			i;

	call->values = palloc(parsed->nvalues * sizeof(DdbValue));
	for (i = 0; i < parsed->nvalues; i++)
	{
		if (statement->constants[i].whole.ptr != NULL)
			call->values[i] = statement->constants[i];
		else if (parsed->values[i]->kind == PARTIQL_PARAMETER)
			call->values[i] = parameters->values[parsed->values[i]->index];
		else
			literal_to_value(parsed->values[i], parameters, &call->values[i]);
	}
	call->item = statement->item;
	if (parsed->tuple != NULL && call->item == NULL)
		call->item = tuple_to_item(parsed->tuple, parameters);
}

void
ddb_statement_find(DdbStatementCall *call, DdbDoc request)
{
	DdbText		text;

	memset(call, 0, sizeof(DdbStatementCall));
	call->request = request;
	(void) ddb_request_string(request, "Statement", &text);
	call->statement = ddb_expr_cache_get(DDB_EXPR_CACHE_PARTIQL, text.str, text.len,
										 prepare_statement);
}

void
ddb_statement_bind(DdbStatementCall *call)
{
	const DdbStatement *statement = call->statement;
	ExprBinding *binding;
	Parameters	parameters;

	read_parameters(call->request, statement->parsed->nparameters, &parameters);
	bind_values(call, &parameters);
	call->used = palloc0(statement->nconjuncts * sizeof(bool));
	binding = ddb_statement_program(call, &statement->where);
	if (binding != NULL)
		ddb_expr_check(binding);
	binding = ddb_statement_program(call, &statement->update);
	if (binding != NULL)
		ddb_expr_check(binding);
}

ExprBinding *
ddb_statement_program(const DdbStatementCall *call, const ExprProgram *program)
{
	ExprBinding *binding;

	if (program->condition == NULL && program->nactions == 0 && program->npaths == 0)
		return NULL;
	binding = palloc0(sizeof(ExprBinding));
	binding->program = program;
	binding->values = call->values;
	return binding;
}

bool
ddb_statement_names(const ExprNode *node, DdbText name)
{
	const ExprStep *step;

	if (node->kind != EXPR_PATH || node->path.nsteps != 1)
		return false;
	step = &node->path.steps[0];
	return step->name_len == name.len && memcmp(step->name, name.str, name.len) == 0;
}

/* the operator with its sides exchanged */
static ExprNodeKind
swapped(ExprNodeKind kind)
{
	switch (kind)
	{
		case EXPR_LT:
			return EXPR_GT;
		case EXPR_LE:
			return EXPR_GE;
		case EXPR_GT:
			return EXPR_LT;
		case EXPR_GE:
			return EXPR_LE;
		default:
			return kind;
	}
}

bool
ddb_statement_comparison(const ExprNode *node, DdbText name, ExprNodeKind *kind, int *slot)
{
	if (node->kind < EXPR_EQ || node->kind > EXPR_GE)
		return false;
	if (ddb_statement_names(node->args[0], name) && node->args[1]->kind == EXPR_VALUE)
	{
		*kind = node->kind;
		*slot = node->args[1]->value_slot;
		return true;
	}
	if (ddb_statement_names(node->args[1], name) && node->args[0]->kind == EXPR_VALUE)
	{
		*kind = swapped(node->kind);
		*slot = node->args[0]->value_slot;
		return true;
	}
	return false;
}

const DdbValue *
ddb_statement_equality(DdbStatementCall *call, DdbText name)
{
	const DdbStatement *statement = call->statement;
	int			i;

	for (i = 0; i < statement->nconjuncts; i++)
	{
		ExprNodeKind kind;
		int			slot;

		if (call->used[i] ||
			!ddb_statement_comparison(statement->conjuncts[i], name, &kind, &slot) ||
			kind != EXPR_EQ)
			continue;
		call->used[i] = true;
		return &call->values[slot];
	}
	return NULL;
}

Jsonb *
ddb_statement_key(DdbStatementCall *call, const DdbKeySchema *keys)
{
	JsonbValue	key;
	int			i;

	ddb_json_object(&key, keys->nattrs);
	for (i = 0; i < keys->nattrs; i++)
	{
		const DdbValue *value = ddb_statement_equality(call, keys->attr[i].name);
		JsonbValue	member;

		if (value == NULL)
			ddb_validation_error(MSG_NO_KEY);
		ddb_value_to_json(value, &member);
		ddb_json_add(&key, keys->attr[i].name.str, keys->attr[i].name.len, &member);
	}
	return ddb_json_encode(&key);
}

ExprBinding *
ddb_statement_rest(const DdbStatementCall *call)
{
	const DdbStatement *statement = call->statement;
	ExprNode   *rest = NULL;
	ExprProgram *program;
	int			i;

	for (i = 0; i < statement->nconjuncts; i++)
	{
		ExprNode   *both;

		if (call->used[i])
			continue;
		if (rest == NULL)
		{
			rest = statement->conjuncts[i];
			continue;
		}
		both = ddb_expr_make_node(EXPR_AND, 2);
		both->args[0] = rest;
		both->args[1] = statement->conjuncts[i];
		rest = both;
	}
	if (rest == NULL)
		return NULL;
	program = palloc(sizeof(ExprProgram));
	*program = statement->where;
	program->condition = rest;
	return ddb_statement_program(call, program);
}
