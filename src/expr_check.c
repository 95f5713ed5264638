/*
 * expr_check.c
 *	  The static checks of expressions that depend on a request's names and
 *	  values.
 *
 * They find what no item can make right: undefined placeholders, constants of
 * a type that an operator never takes, paths that meet.  All are raised
 * before any item is looked at, even where evaluation would never come by.
 *
 * In conditions the checks go clause by clause (a comparison or a function,
 * as AND, OR and NOT join them), left to right; each clause passes all its
 * checks before the next one is looked at.  In projections and updates each
 * check goes over the whole expression before the next check begins.
 *
 * A check is a visitor of one node.  Walks are post-order: arguments before
 * the function that takes them.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "error.h"
#include "expr_bind.h"

typedef void (*NodeCheck) (const ExprBinding *binding, const ExprNode *node);

/* relation of two document paths */
typedef enum PathRelation
{
	PATHS_APART,
	PATHS_OVERLAP,				/* equal, or one begins with the other */
	PATHS_CONFLICT				/* name here, index there, at one place */
} PathRelation;

/* ---- sets of types ---- */

#define TYPE(t)			(1 << (t))
#define ANY_TYPE		(TYPE(DDB_TYPES) - 1)
#define SET_TYPES		(TYPE(DDB_SS) | TYPE(DDB_NS) | TYPE(DDB_BS))
#define ORDERED_TYPES	(TYPE(DDB_S) | TYPE(DDB_N) | TYPE(DDB_B))
#define SIZED_TYPES		(TYPE(DDB_S) | TYPE(DDB_B) | SET_TYPES | TYPE(DDB_L) | TYPE(DDB_M))

/* operators as messages show them, and the types their constants may have */
static const struct
{
	const char *name;
	int			types;
}			operators[] = {
	[EXPR_EQ] = {"=", ANY_TYPE},
	[EXPR_NE] = {"<>", ANY_TYPE},
	[EXPR_LT] = {"<", ORDERED_TYPES},
	[EXPR_LE] = {"<=", ORDERED_TYPES},
	[EXPR_GT] = {">", ORDERED_TYPES},
	[EXPR_GE] = {">=", ORDERED_TYPES},
	[EXPR_BETWEEN] = {"BETWEEN", ORDERED_TYPES},
	[EXPR_IN] = {"IN", ANY_TYPE},
	[EXPR_AND] = {"AND", ANY_TYPE},
	[EXPR_OR] = {"OR", ANY_TYPE},
	[EXPR_NOT] = {"NOT", ANY_TYPE},
	[EXPR_PLUS] = {"+", TYPE(DDB_N)},
	[EXPR_MINUS] = {"-", TYPE(DDB_N)}
};

/* the same for functions, whose names the parser knows */
static const int function_types[] = {
	[EXPR_FN_ATTRIBUTE_EXISTS] = ANY_TYPE,
	[EXPR_FN_ATTRIBUTE_NOT_EXISTS] = ANY_TYPE,
	[EXPR_FN_ATTRIBUTE_TYPE] = ANY_TYPE,
	[EXPR_FN_BEGINS_WITH] = TYPE(DDB_S) | TYPE(DDB_B),
	[EXPR_FN_CONTAINS] = ANY_TYPE,
	[EXPR_FN_SIZE] = SIZED_TYPES,
	[EXPR_FN_IF_NOT_EXISTS] = ANY_TYPE,
	[EXPR_FN_LIST_APPEND] = TYPE(DDB_L),
	[EXPR_FN_SET_ADD] = SET_TYPES,
	[EXPR_FN_SET_DELETE] = SET_TYPES
};

/*
 * raise "Invalid <Kind>Expression: ..."; a PartiQL statement has no such
 * expressions to blame
 */
#define invalid_expression(binding, fmt, ...) \
	ddb_validation_error("%s%s%s" fmt, \
						 (binding)->program->partiql ? "" : "Invalid ", \
						 (binding)->program->partiql ? "" : \
						 ddb_expr_kind_name((binding)->program->kind), \
						 (binding)->program->partiql ? "" : "Expression: ", \
						 __VA_ARGS__)

static const char *
node_name(const ExprNode *node)
{
	if (node->kind == EXPR_FUNCTION)
		return ddb_expr_function_name(node->function);
	return operators[node->kind].name;
}

static int
node_types(const ExprNode *node)
{
	if (node->kind == EXPR_FUNCTION)
		return function_types[node->function];
	return operators[node->kind].types;
}

/* a path as messages show it: [a, b, [1]] */
static char *
path_text(const ExprBinding *binding, const ExprPath *path)
{
	StringInfoData text;
	int			i;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (i = 0; i < path->nsteps; i++)
	{
		const ExprStep *step = &path->steps[i];
		DdbText		name;

		if (i > 0)
			appendStringInfoString(&text, ", ");
		if (step->is_index)
		{
			appendStringInfo(&text, "[%d]", step->index);
			continue;
		}
		name = ddb_expr_step_name(binding, step);
		appendBinaryStringInfo(&text, name.str, name.len);
	}
	appendStringInfoChar(&text, ']');
	return text.data;
}

/* ---- undefined placeholders ---- */

static void
check_name_slot(const ExprBinding *binding, int slot)
{
	const ExprPlaceholder *name = &binding->program->names[slot];

	if (binding->names[slot].str == NULL)
		invalid_expression(binding,
						   "An expression attribute name used in the document path is not defined; attribute name: %.*s",
						   name->len, name->str);
}

static void
check_value_slot(const ExprBinding *binding, int slot)
{
	const ExprPlaceholder *value = &binding->program->values[slot];

	if (binding->values[slot].whole.ptr == NULL)
		invalid_expression(binding,
						   "An expression attribute value used in expression is not defined; attribute value: %.*s",
						   value->len, value->str);
}

static void
check_defined(const ExprBinding *binding, const ExprNode *node)
{
	int			i;

	if (node->kind == EXPR_VALUE)
		check_value_slot(binding, node->value_slot);
	if (node->kind != EXPR_PATH)
		return;
	for (i = 0; i < node->path.nsteps; i++)
	{
		if (node->path.steps[i].name_slot >= 0)
			check_name_slot(binding, node->path.steps[i].name_slot);
	}
}

/* all names of the program before its values, each in order of appearance */
static void
check_all_defined(const ExprBinding *binding)
{
	int			i;

	for (i = 0; i < binding->program->nnames; i++)
		check_name_slot(binding, i);
	for (i = 0; i < binding->program->nvalues; i++)
		check_value_slot(binding, i);
}

/* ---- numbers of operands ---- */

static void
check_operand_count(const ExprBinding *binding, const ExprNode *node)
{
	if (node->kind == EXPR_IN && node->nargs - 1 > DDB_EXPR_MAX_IN)
		invalid_expression(binding,
						   "The IN operator is provided with too many operands; number of operands: %d",
						   node->nargs - 1);
	if (node->kind == EXPR_FUNCTION &&
		node->nargs != ddb_expr_function_operands(node->function))
		invalid_expression(binding,
						   "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d",
						   node_name(node), node->nargs);
}

/* ---- paths that meet ---- */

static bool
steps_equal(const ExprBinding *binding, const ExprStep *a, const ExprStep *b)
{
	DdbText		x;
	DdbText		y;

	if (a->is_index)
		return a->index == b->index;
	if (a->name_slot >= 0 && a->name_slot == b->name_slot)
		return true;
	x = ddb_expr_step_name(binding, a);
	y = ddb_expr_step_name(binding, b);
	return x.len == y.len && memcmp(x.str, y.str, x.len) == 0;
}

static PathRelation
path_relation(const ExprBinding *binding, const ExprPath *a, const ExprPath *b)
{
	int			nsteps = Min(a->nsteps, b->nsteps);
	int			i;

	for (i = 0; i < nsteps; i++)
	{
		if (a->steps[i].is_index != b->steps[i].is_index)
			return PATHS_CONFLICT;
		if (!steps_equal(binding, &a->steps[i], &b->steps[i]))
			return PATHS_APART;
	}
	return PATHS_OVERLAP;
}

/*
 * A comparator or a function of two operands must not be given one path
 * twice, whatever aliases spell it.
 */
static void
check_distinct(const ExprBinding *binding, const ExprNode *node)
{
	const ExprPath *first;
	const ExprPath *second;

	if (node->nargs != 2 || node->kind == EXPR_IN ||
		node->args[0]->kind != EXPR_PATH || node->args[1]->kind != EXPR_PATH)
		return;
	first = &node->args[0]->path;
	second = &node->args[1]->path;
	if (first->nsteps == second->nsteps &&
		path_relation(binding, first, second) == PATHS_OVERLAP)
		invalid_expression(binding,
						   "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
						   node_name(node), path_text(binding, first));
}

static void pg_attribute_noreturn()
raise_paths(const ExprBinding *binding, const char *relation,
			const ExprPath *one, const ExprPath *two)
{
	invalid_expression(binding,
					   "Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s",
					   relation, path_text(binding, one), path_text(binding, two));
}

/*
 * No two of a projection's paths or an update's targets may meet.  Any
 * overlap is reported before any conflict.
 */
static void
check_paths_apart(const ExprBinding *binding, const ExprPath *const *paths,
				  int npaths)
{
	const ExprPath *one = NULL;
	const ExprPath *two = NULL;
	int			i;
	int			j;

	for (i = 1; i < npaths; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < i; j++)
		{
			PathRelation relation = path_relation(binding, paths[j], paths[i]);

			if (relation == PATHS_OVERLAP)
				raise_paths(binding, "overlap", paths[j], paths[i]);
			if (relation == PATHS_CONFLICT && one == NULL)
			{
				one = paths[j];
				two = paths[i];
			}
		}
	}
	if (one != NULL)
		raise_paths(binding, "conflict", one, two);
}

/* ---- types of operands ---- */

/* the type that an operand has whatever the item; false if it depends on it */
static bool
constant_type(const ExprBinding *binding, const ExprNode *node, DdbType *type)
{
	if (node->kind == EXPR_VALUE)
	{
		*type = binding->values[node->value_slot].type;
		return true;
	}
	if (node->kind != EXPR_FUNCTION)
		return false;
	*type = node->function == EXPR_FN_SIZE ? DDB_N : DDB_L;
	return node->function == EXPR_FN_SIZE ||
		node->function == EXPR_FN_LIST_APPEND;
}

static void pg_attribute_noreturn()
raise_operand_type(const ExprBinding *binding, const ExprNode *node,
				   const char *type_name)
{
	invalid_expression(binding,
					   "Incorrect operand type for operator or function; operator or function: %s, operand type: %s",
					   node_name(node), type_name);
}

static void
require_path(const ExprBinding *binding, const ExprNode *node)
{
	if (node->args[0]->kind != EXPR_PATH)
		invalid_expression(binding,
						   "Operator or function requires a document path; operator or function: %s",
						   node_name(node));
}

/* the second operand of attribute_type: a constant that names a type */
static void
check_type_name(const ExprBinding *binding, const ExprNode *node)
{
	const ExprNode *operand = node->args[1];
	const DdbValue *value;
	DdbType		type;

	if (!constant_type(binding, operand, &type))
		raise_operand_type(binding, node, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
	if (type != DDB_S)
		raise_operand_type(binding, node, ddb_type_name(type));
	value = &binding->values[operand->value_slot];
	if (!ddb_type_parse(value->text.str, value->text.len, &type))
		invalid_expression(binding,
						   "Invalid attribute type name found; type: %.*s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
						   value->text.len, value->text.str);
}

/* bounds that are both constants must be of one type and in order */
static void
check_bounds(const ExprBinding *binding, const ExprNode *node)
{
	const DdbValue *lower;
	const DdbValue *upper;
	const char *rule;

	if (node->args[1]->kind != EXPR_VALUE || node->args[2]->kind != EXPR_VALUE)
		return;
	lower = &binding->values[node->args[1]->value_slot];
	upper = &binding->values[node->args[2]->value_slot];
	if (lower->type != upper->type)
		rule = "same data type for lower and upper bounds";
	else if (ddb_value_compare(lower, upper) > 0)
		rule = "upper bound to be greater than or equal to lower bound";
	else
		return;
	invalid_expression(binding,
					   "The BETWEEN operator requires %s; lower bound operand: AttributeValue: {%s:%.*s}, upper bound operand: AttributeValue: {%s:%.*s}",
					   rule,
					   ddb_type_name(lower->type), lower->text.len, lower->text.str,
					   ddb_type_name(upper->type), upper->text.len, upper->text.str);
}

static void
check_operand_types(const ExprBinding *binding, const ExprNode *node)
{
	DdbType		type;
	int			i;

	for (i = 0; i < node->nargs; i++)
	{
		if (constant_type(binding, node->args[i], &type) &&
			(node_types(node) & TYPE(type)) == 0)
			raise_operand_type(binding, node, ddb_type_name(type));
	}
	if (node->kind == EXPR_BETWEEN)
		check_bounds(binding, node);
	if (node->kind != EXPR_FUNCTION)
		return;
	if (node->function == EXPR_FN_ATTRIBUTE_EXISTS ||
		node->function == EXPR_FN_ATTRIBUTE_NOT_EXISTS ||
		node->function == EXPR_FN_IF_NOT_EXISTS)
		require_path(binding, node);
	if (node->function == EXPR_FN_ATTRIBUTE_TYPE)
		check_type_name(binding, node);
}

/* ADD takes numbers and sets, DELETE sets; types have their long names here */
static void
check_action_operand(const ExprBinding *binding, const ExprAction *action)
{
	bool		is_add = action->kind == EXPR_ADD;
	int			types = SET_TYPES;
	DdbType		type;

	if (!is_add && action->kind != EXPR_DELETE)
		return;
	if (is_add)
		types |= TYPE(DDB_N);
	type = binding->values[action->value->value_slot].type;
	if ((types & TYPE(type)) == 0)
		invalid_expression(binding,
						   "Incorrect operand type for operator or function; operator: %s, operand type: %s",
						   is_add ? "ADD" : "DELETE", ddb_type_long_name(type));
}

/* ---- the kinds ---- */

static void
walk(const ExprBinding *binding, const ExprNode *node, NodeCheck check)
{
	int			i;

	check_stack_depth();
	for (i = 0; i < node->nargs; i++)
		walk(binding, node->args[i], check);
	check(binding, node);
}

static void
check_condition(const ExprBinding *binding, const ExprNode *node)
{
	static const NodeCheck checks[] = {
		check_defined, check_operand_count, check_distinct, check_operand_types
	};
	int			i;

	check_stack_depth();
	if (node->kind == EXPR_AND || node->kind == EXPR_OR || node->kind == EXPR_NOT)
	{
		for (i = 0; i < node->nargs; i++)
			check_condition(binding, node->args[i]);
		return;
	}
	for (i = 0; i < lengthof(checks); i++)
		walk(binding, node, checks[i]);
}

static void
check_projection(const ExprBinding *binding)
{
	const ExprProgram *program = binding->program;
	const ExprPath **paths = palloc(program->npaths * sizeof(ExprPath *));
	int			i;

	check_all_defined(binding);
	for (i = 0; i < program->npaths; i++)
		paths[i] = &program->paths[i];
	check_paths_apart(binding, paths, program->npaths);
	pfree(paths);
}

static void
check_right_side(const ExprBinding *binding, const ExprNode *node)
{
	check_operand_count(binding, node);
	check_operand_types(binding, node);
}

static void
check_update(const ExprBinding *binding)
{
	const ExprProgram *program = binding->program;
	const ExprPath **targets = palloc(program->nactions * sizeof(ExprPath *));
	int			i;

	check_all_defined(binding);
	for (i = 0; i < program->nactions; i++)
		targets[i] = &program->actions[i].path;
	check_paths_apart(binding, targets, program->nactions);
	pfree(targets);
	for (i = 0; i < program->nactions; i++)
		check_action_operand(binding, &program->actions[i]);
	for (i = 0; i < program->nactions; i++)
	{
		if (program->actions[i].kind == EXPR_SET)
			walk(binding, program->actions[i].value, check_right_side);
	}
}

/*
 * ddb_expr_check: raise ValidationException "Invalid <Kind>Expression: ..."
 * for the first mistake of a binding, in the order that belongs to its kind:
 *
 *	conditions: for each clause undefined placeholders, numbers of operands,
 *	one path twice, types of operands;
 *	projections: undefined names, overlapping paths, conflicting paths;
 *	updates: undefined names, undefined values, overlapping targets,
 *	conflicting targets, operands of ADD and DELETE, operands of functions.
 */
void
ddb_expr_check(const ExprBinding *binding)
{
	switch (binding->program->kind)
	{
		case EXPR_CONDITION:
		case EXPR_FILTER:
		case EXPR_KEY_CONDITION:
			check_condition(binding, binding->program->condition);
			break;
		case EXPR_PROJECTION:
			check_projection(binding);
			break;
		case EXPR_UPDATE:
			check_update(binding);
			break;
	}
}
