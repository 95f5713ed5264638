/*
 * expr_eval.c
 *	  Conditions and filters: does an item satisfy a bound expression?
 *
 * This runs for every row of a filtered read, so operands are looked at
 * where they lie in the item and nothing is allocated.  There are two truth
 * values, not three: a comparison that cannot be made, since an operand is
 * missing or of the wrong type, is false (<> is true, unless a size() has no
 * value), and NOT inverts that result like any other.  Evaluation raises no
 * API error; what a request can get wrong has been refused when its
 * expressions were bound.
 */
#include "postgres.h"

#include "expr_eval.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* room for an operand that is not a constant of the request */
typedef struct OperandSpace
{
	DdbValue	value;
	char		digits[MAXINT8LEN + 1]; /* text of a size() */
} OperandSpace;

typedef struct EvalContext
{
	const ExprBinding *binding;
	DdbDoc		item;			/* ptr NULL: absent, every path is missing */
} EvalContext;

static const DdbValue *eval_operand(const EvalContext *context,
									const ExprNode *node,
									OperandSpace *space);

/*
 * size(x) as a number; NULL (missing) where x is missing or its type has no
 * size, so that every comparison with it is false.
 */
static const DdbValue *
eval_size(const EvalContext *context, const ExprNode *node,
		  OperandSpace *space)
{
	const DdbValue *value = eval_operand(context, node->args[0], space);
	int64		length;

	if (value == NULL || !ddb_value_length(value, &length))
		return NULL;

	memset(&space->value, 0, sizeof(space->value));
	space->value.type = DDB_N;
	space->value.text.len = pg_lltoa(length, space->digits);
	space->value.text.str = space->digits;
	return &space->value;
}

/*
 * eval_operand: NULL when missing; else the request's constant, or *space,
 * filled.
 */
static const DdbValue *
eval_operand(const EvalContext *context, const ExprNode *node,
			 OperandSpace *space)
{
	check_stack_depth();

	if (node->kind == EXPR_VALUE)
		return &context->binding->values[node->value_slot];
	if (node->kind == EXPR_PATH)
		return ddb_path_get(context->binding, &node->path, context->item,
							&space->value) ? &space->value : NULL;
	if (node->kind == EXPR_FUNCTION && node->function == EXPR_FN_SIZE)
		return eval_size(context, node, space);

	elog(ERROR, "unexpected operand in condition: node kind %d",
		 (int) node->kind);
	return NULL;				/* keep compiler quiet */
}

/*
 * Can a and b be put in order?  Only strings, numbers and binaries can, and
 * only with their own type.  On true *cmp is <0, 0, >0.
 */
static bool
values_order(const DdbValue *a, const DdbValue *b, int *cmp)
{
	if (a == NULL || b == NULL || a->type != b->type)
		return false;
	if (a->type != DDB_S && a->type != DDB_N && a->type != DDB_B)
		return false;

	*cmp = ddb_value_compare(a, b);
	return true;
}

static bool
values_equal(const DdbValue *a, const DdbValue *b)
{
	return a != NULL && b != NULL && ddb_value_equal(a, b);
}

/* is operand a size() that has no value? */
static inline bool
lacks_size(const ExprNode *operand, const DdbValue *value)
{
	return value == NULL && operand->kind == EXPR_FUNCTION;
}

/*
 * = <> < <= > >=.  A missing operand is unequal to everything, but with a
 * size() that has no value even <> is false.
 */
static bool
eval_comparison(const EvalContext *context, const ExprNode *node)
{
	OperandSpace left_space;
	OperandSpace right_space;
	const DdbValue *left = eval_operand(context, node->args[0], &left_space);
	const DdbValue *right = eval_operand(context, node->args[1], &right_space);
	int			cmp;

	if (node->kind == EXPR_EQ)
		return values_equal(left, right);
	if (node->kind == EXPR_NE)
		return !values_equal(left, right) &&
			!lacks_size(node->args[0], left) &&
			!lacks_size(node->args[1], right);

	if (!values_order(left, right, &cmp))
		return false;
	if (node->kind == EXPR_LT)
		return cmp < 0;
	if (node->kind == EXPR_LE)
		return cmp <= 0;
	if (node->kind == EXPR_GT)
		return cmp > 0;
	Assert(node->kind == EXPR_GE);
	return cmp >= 0;
}

/* x BETWEEN low AND high, both ends included */
static bool
eval_between(const EvalContext *context, const ExprNode *node)
{
	OperandSpace value_space;
	OperandSpace bound_space;
	const DdbValue *value = eval_operand(context, node->args[0], &value_space);
	int			cmp;

	if (value == NULL)
		return false;
	if (!values_order(value, eval_operand(context, node->args[1],
										  &bound_space), &cmp) || cmp < 0)
		return false;
	return values_order(value, eval_operand(context, node->args[2],
											&bound_space), &cmp) && cmp <= 0;
}

/* x IN (y, ...): equal to any; the types may be mixed */
static bool
eval_in(const EvalContext *context, const ExprNode *node)
{
	OperandSpace value_space;
	OperandSpace element_space;
	const DdbValue *value = eval_operand(context, node->args[0], &value_space);
	int			i;

	if (value == NULL)
		return false;
	for (i = 1; i < node->nargs; i++)
	{
		if (values_equal(value, eval_operand(context, node->args[i],
											 &element_space)))
			return true;
	}
	return false;
}

/* attribute_type(x, :t): x exists and its type is the one that :t names */
static bool
eval_attribute_type(const DdbValue *value, const DdbValue *name)
{
	DdbType		type;

	return name->type == DDB_S &&
		ddb_type_parse(name->text.str, name->text.len, &type) &&
		value->type == type;
}

static bool
eval_function(const EvalContext *context, const ExprNode *node)
{
	OperandSpace first_space;
	OperandSpace second_space;
	const DdbValue *first = eval_operand(context, node->args[0], &first_space);
	const DdbValue *second = NULL;

	if (node->function == EXPR_FN_ATTRIBUTE_EXISTS)
		return first != NULL;
	if (node->function == EXPR_FN_ATTRIBUTE_NOT_EXISTS)
		return first == NULL;

	if (node->nargs == 2)
		second = eval_operand(context, node->args[1], &second_space);
	if (first == NULL || second == NULL)
		return false;

	switch (node->function)
	{
		case EXPR_FN_ATTRIBUTE_TYPE:
			return eval_attribute_type(first, second);
		case EXPR_FN_BEGINS_WITH:
			return ddb_value_begins_with(first, second);
		case EXPR_FN_CONTAINS:
			return ddb_value_contains(first, second);
		case EXPR_FN_ATTRIBUTE_EXISTS:
		case EXPR_FN_ATTRIBUTE_NOT_EXISTS:
		case EXPR_FN_SIZE:
		case EXPR_FN_IF_NOT_EXISTS:
		case EXPR_FN_LIST_APPEND:
		case EXPR_FN_SET_ADD:
		case EXPR_FN_SET_DELETE:
			break;
	}
	elog(ERROR, "unexpected function in condition: %d", (int) node->function);
	return false;				/* keep compiler quiet */
}

static bool
eval_condition(const EvalContext *context, const ExprNode *node)
{
	check_stack_depth();

	switch (node->kind)
	{
		case EXPR_AND:
			return eval_condition(context, node->args[0]) &&
				eval_condition(context, node->args[1]);
		case EXPR_OR:
			return eval_condition(context, node->args[0]) ||
				eval_condition(context, node->args[1]);
		case EXPR_NOT:
			return !eval_condition(context, node->args[0]);
		case EXPR_EQ:
		case EXPR_NE:
		case EXPR_LT:
		case EXPR_LE:
		case EXPR_GT:
		case EXPR_GE:
			return eval_comparison(context, node);
		case EXPR_BETWEEN:
			return eval_between(context, node);
		case EXPR_IN:
			return eval_in(context, node);
		case EXPR_FUNCTION:
			return eval_function(context, node);
		case EXPR_PATH:
		case EXPR_VALUE:
		case EXPR_PLUS:
		case EXPR_MINUS:
			break;
	}
	elog(ERROR, "unexpected node in condition: kind %d", (int) node->kind);
	return false;				/* keep compiler quiet */
}

/*
 * ddb_expr_matches: the condition, filter or key condition of binding on an
 * item; on an absent one (ptr NULL) every path is missing.  Allocates nothing
 * that the value functions do not.
 */
bool
ddb_expr_matches(const ExprBinding *binding, DdbDoc item)
{
	EvalContext context;

	context.binding = binding;
	context.item = item;
	return eval_condition(&context, binding->program->condition);
}
