/*
 * expr_key.c
 *	  Key conditions: a bound KeyConditionExpression as a list of simple
 *	  conditions, one per key attribute.
 *
 * Key conditions are written in the condition language, of which they may use
 * very little: conjuncts that compare one top-level attribute with constants.
 * This file enforces that and turns :v < key into key > :v, so that readers
 * of the list need no knowledge of expressions.  Whether the attributes are
 * the keys of a table is for those to say who know the table.
 *
 * The messages here carry no "Invalid KeyConditionExpression:" prefix.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "expr_bind.h"

/* list being collected */
typedef struct KeyConditions
{
	const ExprBinding *binding;
	ExprKeyCondition *conditions;
	int			count;
	int			space;
} KeyConditions;

/* operators of the condition language in key conditions */
static const struct
{
	bool		allowed;
	const char *name;			/* as messages show it */
	ExprKeyOp	op;
	ExprKeyOp	swapped;		/* when the key stands at the right */
}			operators[] = {
	[EXPR_EQ] = {true, "=", EXPR_KEY_EQ, EXPR_KEY_EQ},
	[EXPR_NE] = {false, "<>"},
	[EXPR_LT] = {true, "<", EXPR_KEY_LT, EXPR_KEY_GT},
	[EXPR_LE] = {true, "<=", EXPR_KEY_LE, EXPR_KEY_GE},
	[EXPR_GT] = {true, ">", EXPR_KEY_GT, EXPR_KEY_LT},
	[EXPR_GE] = {true, ">=", EXPR_KEY_GE, EXPR_KEY_LE},
	[EXPR_BETWEEN] = {true, "BETWEEN", EXPR_KEY_BETWEEN, EXPR_KEY_BETWEEN},
	[EXPR_IN] = {false, "IN"},
	[EXPR_AND] = {true, "AND"},
	[EXPR_OR] = {false, "OR"},
	[EXPR_NOT] = {false, "NOT"}
};

static void pg_attribute_noreturn()
raise_nested_operation(void)
{
	ddb_validation_error("KeyConditionExpressions cannot contain nested operations");
}

/* may this operator or function stand in a key condition at all? */
static void
check_operator(const ExprNode *node)
{
	const char *name;
	bool		allowed;

	if (node->kind == EXPR_FUNCTION)
	{
		name = ddb_expr_function_name(node->function);
		allowed = node->function == EXPR_FN_BEGINS_WITH;
	}
	else
	{
		name = operators[node->kind].name;
		allowed = operators[node->kind].allowed;
	}
	if (!allowed)
		ddb_validation_error("Invalid operator used in KeyConditionExpression: %s",
							 name);
}

/* BETWEEN and begins_with cannot be turned round */
static void
check_first_operand(const ExprNode *node)
{
	if ((node->kind != EXPR_BETWEEN && node->kind != EXPR_FUNCTION) ||
		node->args[0]->kind == EXPR_PATH)
		return;
	if (node->args[0]->kind == EXPR_FUNCTION)
		raise_nested_operation();
	ddb_validation_error("Invalid condition in KeyConditionExpression: %s operator must have the key attribute as its first operand",
						 node->kind == EXPR_BETWEEN ? "BETWEEN" :
						 ddb_expr_function_name(node->function));
}

/* index of the one operand that is an attribute; the others are values */
static int
find_attribute(const ExprNode *node)
{
	int			found = -1;
	int			i;

	for (i = 0; i < node->nargs; i++)
	{
		if (node->args[i]->kind == EXPR_FUNCTION)
			raise_nested_operation();
		if (node->args[i]->kind != EXPR_PATH)
			continue;
		if (found >= 0)
			ddb_validation_error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition");
		if (node->args[i]->path.nsteps > 1)
			ddb_validation_error("KeyConditionExpressions cannot have conditions on nested attributes");
		found = i;
	}
	if (found < 0)
		ddb_validation_error("Invalid condition in KeyConditionExpression: No key attribute specified");
	return found;
}

static ExprKeyCondition *
new_condition(KeyConditions *list, DdbText name)
{
	ExprKeyCondition *condition;
	int			i;

	for (i = 0; i < list->count; i++)
	{
		if (list->conditions[i].name.len == name.len &&
			memcmp(list->conditions[i].name.str, name.str, name.len) == 0)
			ddb_validation_error("KeyConditionExpressions must only contain one condition per key");
	}
	if (list->count == list->space)
	{
		list->space *= 2;
		list->conditions = repalloc(list->conditions,
									list->space * sizeof(ExprKeyCondition));
	}
	condition = &list->conditions[list->count++];
	memset(condition, 0, sizeof(ExprKeyCondition));
	condition->name = name;
	return condition;
}

static void
add_condition(KeyConditions *list, const ExprNode *node)
{
	const ExprBinding *binding = list->binding;
	ExprKeyCondition *condition;
	int			attribute;
	int			nvalues = 0;
	int			i;

	check_first_operand(node);
	attribute = find_attribute(node);
	condition = new_condition(list, ddb_expr_step_name(binding,
													   &node->args[attribute]->path.steps[0]));
	if (node->kind == EXPR_FUNCTION)
		condition->op = EXPR_KEY_BEGINS_WITH;
	else
		condition->op = attribute == 0 ? operators[node->kind].op :
			operators[node->kind].swapped;
	for (i = 0; i < node->nargs; i++)
	{
		if (i != attribute)
			condition->values[nvalues++] = binding->values[node->args[i]->value_slot];
	}
}

static void
collect(KeyConditions *list, const ExprNode *node)
{
	int			i;

	check_stack_depth();
	check_operator(node);
	if (node->kind != EXPR_AND)
	{
		add_condition(list, node);
		return;
	}
	for (i = 0; i < node->nargs; i++)
		collect(list, node->args[i]);
}

/*
 * ddb_expr_key_conditions: the conditions of a bound KeyConditionExpression
 * in the order written, in CurrentMemoryContext; at least one.
 *
 * Raises ValidationException for what a key condition may not be whatever
 * the table: operators other than = < <= > >= BETWEEN begins_with AND,
 * functions as operands, no attribute or two in one condition, nested
 * attributes, two conditions on one attribute.
 */
ExprKeyCondition *
ddb_expr_key_conditions(const ExprBinding *binding, int *count)
{
	KeyConditions list;

	Assert(binding->program->kind == EXPR_KEY_CONDITION);
	list.binding = binding;
	list.count = 0;
	list.space = 2;
	list.conditions = palloc(list.space * sizeof(ExprKeyCondition));
	collect(&list, binding->program->condition);
	*count = list.count;
	return list.conditions;
}
