/*
 * op_legacy.c
 *	  The legacy parameters: conditions and updates written as maps, compiled
 *	  into the trees of the expression language.
 *
 * Before there were expressions, a request said what it wanted with one entry
 * per attribute: an operator and its values.  Each entry has a counterpart in
 * the language, so this file makes the program and the binding that a parser
 * would have made of an expression, and the ordinary engine does the rest.
 * What differs is when it is checked, and the messages: programs made here are
 * marked as legacy for those who have to tell.
 *
 * Names are literal names of top-level attributes.  A map may have any number
 * of entries; they are joined by a balanced tree, so that evaluation does not
 * recurse deeply.
 *
 * Nothing here knows tables or items.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "error.h"
#include "op_legacy.h"

#define MSG_INVALID		"One or more parameter values were invalid: "

typedef enum Comparison
{
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_LE,
	COMPARE_LT,
	COMPARE_GE,
	COMPARE_GT,
	COMPARE_NOT_NULL,
	COMPARE_NULL,
	COMPARE_CONTAINS,
	COMPARE_NOT_CONTAINS,
	COMPARE_BEGINS_WITH,
	COMPARE_IN,
	COMPARE_BETWEEN
} Comparison;

/* in the order of Comparison */
static const char *const comparison_names[] = {
	"EQ", "NE", "LE", "LT", "GE", "GT", "NOT_NULL", "NULL", "CONTAINS",
	"NOT_CONTAINS", "BEGINS_WITH", "IN", "BETWEEN", NULL
};

#define TYPE(t)			(1 << (t))
#define ANY_TYPE		(TYPE(DDB_TYPES) - 1)
#define ORDERED_TYPES	(TYPE(DDB_S) | TYPE(DDB_N) | TYPE(DDB_B))
#define MEMBER_TYPES	(ORDERED_TYPES | TYPE(DDB_BOOL) | TYPE(DDB_NULL))
#define SET_TYPES		(TYPE(DDB_SS) | TYPE(DDB_NS) | TYPE(DDB_BS))

/* what an operator takes, and its counterparts */
static const struct
{
	int			min_values;
	int			max_values;
	int			types;			/* of the values */
	ExprNodeKind node;
	ExprFunction function;		/* if node is a function */
	ExprKeyOp	key_op;
}			comparisons[] = {
	[COMPARE_EQ] = {1, 1, ANY_TYPE, EXPR_EQ, .key_op = EXPR_KEY_EQ},
	[COMPARE_NE] = {1, 1, ANY_TYPE, EXPR_NE, .key_op = EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_LE] = {1, 1, ORDERED_TYPES, EXPR_LE, .key_op = EXPR_KEY_LE},
	[COMPARE_LT] = {1, 1, ORDERED_TYPES, EXPR_LT, .key_op = EXPR_KEY_LT},
	[COMPARE_GE] = {1, 1, ORDERED_TYPES, EXPR_GE, .key_op = EXPR_KEY_GE},
	[COMPARE_GT] = {1, 1, ORDERED_TYPES, EXPR_GT, .key_op = EXPR_KEY_GT},
	[COMPARE_NOT_NULL] = {0, 0, 0, EXPR_FUNCTION, EXPR_FN_ATTRIBUTE_EXISTS,
	EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_NULL] = {0, 0, 0, EXPR_FUNCTION, EXPR_FN_ATTRIBUTE_NOT_EXISTS,
	EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_CONTAINS] = {1, 1, MEMBER_TYPES, EXPR_FUNCTION, EXPR_FN_CONTAINS,
	EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_NOT_CONTAINS] = {1, 1, ORDERED_TYPES, EXPR_FUNCTION, EXPR_FN_CONTAINS,
	EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_BEGINS_WITH] = {1, 1, TYPE(DDB_S) | TYPE(DDB_B), EXPR_FUNCTION, EXPR_FN_BEGINS_WITH,
	EXPR_KEY_BEGINS_WITH},
	[COMPARE_IN] = {1, PG_INT32_MAX, ORDERED_TYPES, EXPR_IN, .key_op = EXPR_KEY_NOT_INDEXABLE},
	[COMPARE_BETWEEN] = {2, 2, ORDERED_TYPES, EXPR_BETWEEN, .key_op = EXPR_KEY_BETWEEN}
};

/* one entry of a map of conditions */
typedef struct Entry
{
	DdbText		name;			/* of the attribute */
	DdbDoc		doc;			/* members of the entry */
	Comparison	comparison;
	int			count;			/* of values */
	DdbValue   *values;			/* stored form */
} Entry;

/* a program and its binding under construction */
typedef struct Builder
{
	ExprProgram *program;
	ExprBinding *binding;
	int			space;			/* in binding->values */
} Builder;

/* ----------------------------------------------------------------
 * Names and values of a request
 * ----------------------------------------------------------------
 */

static void
check_name(DdbText name)
{
	if (name.len == 0)
		ddb_validation_error(MSG_INVALID "Empty attribute name");
	if (name.len > DDB_MAX_NAME_SIZE &&
		ddb_text_decoded_size(name.str, name.len) > DDB_MAX_NAME_SIZE)
		ddb_validation_error(MSG_INVALID "Attribute name is too large, must be less than %d bytes",
							 DDB_MAX_NAME_SIZE + 1);
	if (!ddb_text_is_valid(name.str, name.len))
		ddb_validation_error(MSG_INVALID "malformed escape of U+0000 in a string");
}

/* a value as sent, checked and brought into stored form */
static void
accept_value(const JsonbValue *sent, DdbValue *out)
{
	DdbCheck	check = ddb_value_check(sent);

	if (check.message != NULL)
		ddb_validation_error("%s", check.message);
	if (check.canonical)
		ddb_value_open(ddb_doc_of(sent), out);
	else
		ddb_value_open(ddb_doc_root(ddb_value_canonical(sent)), out);
}

/* member Value of an entry; false when absent */
static bool
accept_single_value(DdbDoc entry, DdbValue *out)
{
	JsonbValue	sent;

	if (!ddb_doc_get(entry, "Value", strlen("Value"), &sent) || sent.type == jbvNull)
		return false;
	accept_value(&sent, out);
	return true;
}

/* the values of an entry, from AttributeValueList or else from Value */
static void
accept_values(Entry *entry)
{
	DdbDoc		list = ddb_request_doc(entry->doc, "AttributeValueList");
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	sent;

	if (list.ptr == NULL)
	{
		entry->values = palloc(sizeof(DdbValue));
		entry->count = accept_single_value(entry->doc, entry->values) ? 1 : 0;
		return;
	}
	entry->values = palloc_extended(ddb_doc_count(list) * sizeof(DdbValue),
									MCXT_ALLOC_HUGE);
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &sent))
	{
		CHECK_FOR_INTERRUPTS();
		accept_value(&sent, &entry->values[entry->count++]);
	}
}

/* number, types and order of the values, as the operator wants them */
static void
check_values(const Entry *entry, int types)
{
	const char *name = comparison_names[entry->comparison];
	int			i;

	if (entry->count < comparisons[entry->comparison].min_values ||
		entry->count > comparisons[entry->comparison].max_values)
		ddb_validation_error(MSG_INVALID "Invalid number of argument(s) for the %s ComparisonOperator",
							 name);
	for (i = 1; i < entry->count; i++)
	{
		if (entry->values[i].type != entry->values[0].type)
			ddb_validation_error(MSG_INVALID "AttributeValues inside AttributeValueList must be of same type");
	}
	if (entry->count > 0 && (types & TYPE(entry->values[0].type)) == 0)
		ddb_validation_error(MSG_INVALID "ComparisonOperator %s is not valid for %s AttributeValue type",
							 name, ddb_type_name(entry->values[0].type));
	if (entry->comparison == COMPARE_BETWEEN &&
		ddb_value_compare(&entry->values[0], &entry->values[1]) > 0)
		ddb_validation_error("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound");
}

static void
init_entry(Entry *entry, DdbText name, const JsonbValue *value)
{
	memset(entry, 0, sizeof(Entry));
	entry->name = name;
	entry->doc = ddb_doc_of(value);
	entry->comparison = (Comparison) ddb_request_enum(entry->doc, "ComparisonOperator",
													  comparison_names, COMPARE_EQ);
	check_name(name);
}

/* a member of the request that is a map or list; ptr NULL if absent or empty */
static DdbDoc
content_of(DdbDoc request, const char *parameter)
{
	static const DdbDoc nothing = {NULL, 0};
	DdbDoc		doc = ddb_request_doc(request, parameter);

	return doc.ptr != NULL && ddb_doc_count(doc) > 0 ? doc : nothing;
}

/* ----------------------------------------------------------------
 * Building programs
 * ----------------------------------------------------------------
 */

static void
builder_init(Builder *builder, ExprKind kind)
{
	builder->program = palloc0(sizeof(ExprProgram));
	builder->program->kind = kind;
	builder->program->legacy = true;
	builder->binding = palloc0(sizeof(ExprBinding));
	builder->binding->program = builder->program;
	builder->space = 8;
	builder->binding->values = palloc(builder->space * sizeof(DdbValue));
}

static ExprNode *
make_value(Builder *builder, const DdbValue *value)
{
	ExprBinding *binding = builder->binding;
	int			slot = builder->program->nvalues++;

	if (slot == builder->space)
	{
		builder->space *= 2;
		binding->values = repalloc_huge(binding->values,
										builder->space * sizeof(DdbValue));
	}
	binding->values[slot] = *value;
	return ddb_expr_make_value(slot);
}

static ExprStep
step_of(DdbText name)
{
	ExprStep	step = {0};

	step.name_slot = -1;
	step.name = name.str;
	step.name_len = name.len;
	return step;
}

static ExprNode *
make_attribute(DdbText name)
{
	ExprStep	step = step_of(name);

	return ddb_expr_make_path(1, &step);
}

/* for targets and projections, which have the path itself */
static ExprPath
make_path(DdbText name)
{
	return make_attribute(name)->path;
}

static ExprNode *
make_exists(DdbText name, bool exists)
{
	ExprNode   *node = ddb_expr_make_node(EXPR_FUNCTION, 1);

	node->function = exists ? EXPR_FN_ATTRIBUTE_EXISTS : EXPR_FN_ATTRIBUTE_NOT_EXISTS;
	node->args[0] = make_attribute(name);
	return node;
}

static ExprNode *
make_pair(ExprNodeKind kind, ExprNode *left, ExprNode *right)
{
	ExprNode   *node = ddb_expr_make_node(kind, 2);

	node->args[0] = left;
	node->args[1] = right;
	return node;
}

/* NOT_CONTAINS: contains() denied, but an attribute must be there */
static ExprNode *
make_contains_not(DdbText name, ExprNode *contains)
{
	ExprNode   *not = ddb_expr_make_node(EXPR_NOT, 1);

	not->args[0] = contains;
	return make_pair(EXPR_AND, make_exists(name, true), not);
}

static ExprNode *
make_comparison(Builder *builder, const Entry *entry)
{
	ExprNode   *node = ddb_expr_make_node(comparisons[entry->comparison].node,
										  1 + entry->count);
	int			i;

	node->function = comparisons[entry->comparison].function;
	node->args[0] = make_attribute(entry->name);
	for (i = 0; i < entry->count; i++)
		node->args[1 + i] = make_value(builder, &entry->values[i]);
	if (entry->comparison == COMPARE_NOT_CONTAINS)
		return make_contains_not(entry->name, node);
	return node;
}

/* the nodes in their order, joined by a balanced tree; at least one */
static ExprNode *
join_nodes(ExprNodeKind kind, ExprNode **nodes, int count)
{
	while (count > 1)
	{
		int			joined = 0;
		int			i;

		for (i = 0; i + 1 < count; i += 2)
			nodes[joined++] = make_pair(kind, nodes[i], nodes[i + 1]);
		if (i < count)
			nodes[joined++] = nodes[i];
		count = joined;
	}
	return nodes[0];
}

/* ----------------------------------------------------------------
 * Conditions
 * ----------------------------------------------------------------
 */

/* checks one entry and makes its condition */
typedef ExprNode *(*EntryCompiler) (Builder *builder, Entry *entry);

/* entries of a filter: an operator and its values */
static ExprNode *
compile_filter_entry(Builder *builder, Entry *entry)
{
	accept_values(entry);
	check_values(entry, comparisons[entry->comparison].types);
	return make_comparison(builder, entry);
}

/* entries of Expected that name an operator */
static ExprNode *
compile_comparing_entry(Builder *builder, Entry *entry)
{
	DdbText		name = entry->name;

	if (ddb_request_has(entry->doc, "Exists"))
		ddb_validation_error(MSG_INVALID "Exists and ComparisonOperator cannot be used together for Attribute: %.*s",
							 name.len, name.str);
	if (comparisons[entry->comparison].max_values > 0 &&
		!ddb_request_has(entry->doc, "Value") &&
		!ddb_request_has(entry->doc, "AttributeValueList"))
		ddb_validation_error(MSG_INVALID "Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %.*s",
							 comparison_names[entry->comparison], name.len, name.str);
	return compile_filter_entry(builder, entry);
}

/* entries of Expected without an operator: a value to be equal to, or absence */
static ExprNode *
compile_existing_entry(Builder *builder, Entry *entry)
{
	DdbText		name = entry->name;
	bool		has_value = ddb_request_has(entry->doc, "Value");
	bool		exists = true;
	bool		has_exists = ddb_request_bool(entry->doc, "Exists", &exists);

	if (ddb_request_has(entry->doc, "AttributeValueList"))
		ddb_validation_error(MSG_INVALID "AttributeValueList can only be used with a ComparisonOperator for Attribute: %.*s",
							 name.len, name.str);
	if (exists && !has_value)
		ddb_validation_error(MSG_INVALID "Value must be provided when Exists is %s for Attribute: %.*s",
							 has_exists ? "true" : "null", name.len, name.str);
	if (!exists && has_value)
		ddb_validation_error(MSG_INVALID "Value cannot be used when Exists is false for Attribute: %.*s",
							 name.len, name.str);
	if (!exists)
		return make_exists(name, false);
	accept_values(entry);
	return make_comparison(builder, entry);
}

static ExprNode *
compile_expected_entry(Builder *builder, Entry *entry)
{
	if (ddb_request_has(entry->doc, "Value") &&
		ddb_request_has(entry->doc, "AttributeValueList"))
		ddb_validation_error(MSG_INVALID "Value and AttributeValueList cannot be used together for Attribute: %.*s",
							 entry->name.len, entry->name.str);
	if (ddb_request_has(entry->doc, "ComparisonOperator"))
		return compile_comparing_entry(builder, entry);
	return compile_existing_entry(builder, entry);
}

/* AND unless the request says OR; without conditions it must not say anything */
static ExprNodeKind
joining_operator(DdbDoc request, bool has_conditions)
{
	static const char *const names[] = {"AND", "OR", NULL};

	if (!has_conditions && ddb_request_has(request, "ConditionalOperator"))
		ddb_validation_error("ConditionalOperator cannot be used without Filter or Expected");
	return ddb_request_enum(request, "ConditionalOperator", names, 0) == 1 ? EXPR_OR : EXPR_AND;
}

static ExprBinding *
compile_conditions(DdbDoc request, const char *parameter, ExprKind kind,
				   EntryCompiler compile)
{
	DdbDoc		map = content_of(request, parameter);
	ExprNodeKind joined_by = joining_operator(request, map.ptr != NULL);
	Builder		builder;
	ExprNode  **nodes;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;
	int			n = 0;

	if (map.ptr == NULL)
		return NULL;
	builder_init(&builder, kind);
	nodes = palloc(ddb_doc_count(map) * sizeof(ExprNode *));
	ddb_doc_begin(&cursor, map);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		Entry		entry;

		CHECK_FOR_INTERRUPTS();
		init_entry(&entry, name, &value);
		nodes[n++] = compile(&builder, &entry);
	}
	builder.program->condition = join_nodes(joined_by, nodes, n);
	return builder.binding;
}

/*
 * ddb_legacy_expected: all conditions must hold, or with ConditionalOperator
 * OR any of them.  Raises for entries whose members contradict each other or
 * do not suit the operator, entry by entry, and for a ConditionalOperator that
 * has nothing to join.
 */
ExprBinding *
ddb_legacy_expected(DdbDoc request)
{
	return compile_conditions(request, "Expected", EXPR_CONDITION,
							  compile_expected_entry);
}

/*
 * ddb_legacy_filter: as ddb_legacy_expected, for the entries of filters, which
 * always have an operator.
 */
ExprBinding *
ddb_legacy_filter(DdbDoc request, const char *parameter)
{
	return compile_conditions(request, parameter, EXPR_FILTER,
							  compile_filter_entry);
}

/* ----------------------------------------------------------------
 * Key conditions
 * ----------------------------------------------------------------
 */

/* keys are compared with strings, numbers and binaries only */
static void
compile_key_entry(ExprKeyCondition *condition, Entry *entry)
{
	int			types = comparisons[entry->comparison].types;

	accept_values(entry);
	condition->name = entry->name;
	condition->op = comparisons[entry->comparison].key_op;
	if (condition->op == EXPR_KEY_NOT_INDEXABLE)
	{
		check_values(entry, types);
		return;
	}
	check_values(entry, types & ORDERED_TYPES);
	memcpy(condition->values, entry->values, entry->count * sizeof(DdbValue));
}

/*
 * ddb_legacy_key_conditions: palloc'd array, NULL with *count 0 where
 * KeyConditions is absent or empty.  Raises for values that do not suit their
 * operators; an operator that no key can be read by is EXPR_KEY_NOT_INDEXABLE,
 * since the service refuses it only when it has looked at the table.
 */
ExprKeyCondition *
ddb_legacy_key_conditions(DdbDoc request, int *count)
{
	DdbDoc		map = content_of(request, "KeyConditions");
	ExprKeyCondition *conditions;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	*count = 0;
	if (map.ptr == NULL)
		return NULL;
	conditions = palloc_extended(ddb_doc_count(map) * sizeof(ExprKeyCondition),
								 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ddb_doc_begin(&cursor, map);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		Entry		entry;

		CHECK_FOR_INTERRUPTS();
		init_entry(&entry, name, &value);
		compile_key_entry(&conditions[(*count)++], &entry);
	}
	return conditions;
}

/* ----------------------------------------------------------------
 * Updates
 * ----------------------------------------------------------------
 */

typedef enum UpdateAction
{
	UPDATE_PUT,
	UPDATE_DELETE,
	UPDATE_ADD
} UpdateAction;

static UpdateAction
update_action(DdbDoc entry)
{
	/* in the order of UpdateAction */
	static const char *const names[] = {"PUT", "DELETE", "ADD", NULL};

	return (UpdateAction) ddb_request_enum(entry, "Action", names, UPDATE_PUT);
}

/* value is NULL where the entry has none */
static void
check_update(UpdateAction action, const DdbValue *value)
{
	if (value == NULL)
	{
		if (action != UPDATE_DELETE)
			ddb_validation_error(MSG_INVALID "Only DELETE action is allowed when no attribute value is specified");
		return;
	}
	if (action == UPDATE_DELETE && (SET_TYPES & TYPE(value->type)) == 0)
		ddb_validation_error(MSG_INVALID "DELETE action with value is not supported for the type %s",
							 ddb_type_name(value->type));
	if (action == UPDATE_ADD &&
		((SET_TYPES | TYPE(DDB_N) | TYPE(DDB_L)) & TYPE(value->type)) == 0)
		ddb_validation_error(MSG_INVALID "ADD action is not supported for the type %s",
							 ddb_type_name(value->type));
}

static void
compile_update(Builder *builder, ExprAction *out, DdbText name, DdbDoc entry)
{
	/* in the order of UpdateAction */
	static const ExprActionKind kinds[] = {EXPR_SET, EXPR_DELETE, EXPR_ADD};
	UpdateAction action = update_action(entry);
	DdbValue	value;
	bool		has_value;

	check_name(name);
	has_value = accept_single_value(entry, &value);
	check_update(action, has_value ? &value : NULL);
	out->kind = has_value ? kinds[action] : EXPR_REMOVE;
	out->path = make_path(name);
	out->value = has_value ? make_value(builder, &value) : NULL;
}

/*
 * ddb_legacy_updates: PUT sets, ADD adds (to lists, too), DELETE takes a
 * set's elements away or, without a value, removes the attribute.
 */
ExprBinding *
ddb_legacy_updates(DdbDoc request)
{
	DdbDoc		map = content_of(request, "AttributeUpdates");
	ExprProgram *program;
	Builder		builder;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	if (map.ptr == NULL)
		return NULL;
	builder_init(&builder, EXPR_UPDATE);
	program = builder.program;
	program->actions = palloc(ddb_doc_count(map) * sizeof(ExprAction));
	ddb_doc_begin(&cursor, map);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		CHECK_FOR_INTERRUPTS();
		compile_update(&builder, &program->actions[program->nactions++],
					   name, ddb_doc_of(&value));
	}
	return builder.binding;
}

/* ----------------------------------------------------------------
 * Projections
 * ----------------------------------------------------------------
 */

/*
 * ddb_legacy_projection: raises for names that occur twice.
 */
ExprBinding *
ddb_legacy_projection(DdbDoc request)
{
	DdbDoc		list = content_of(request, "AttributesToGet");
	ExprProgram *program;
	Builder		builder;
	DdbTextSet	seen;
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	value;

	if (list.ptr == NULL)
		return NULL;
	builder_init(&builder, EXPR_PROJECTION);
	program = builder.program;
	program->paths = palloc(ddb_doc_count(list) * sizeof(ExprPath));
	ddb_textset_init(&seen, ddb_doc_count(list));
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		DdbText		name = {value.val.string.val, value.val.string.len};

		CHECK_FOR_INTERRUPTS();
		check_name(name);
		if (!ddb_textset_add(&seen, name))
			ddb_validation_error(MSG_INVALID "Duplicate value in attribute name: %.*s",
								 name.len, name.str);
		program->paths[program->npaths++] = make_path(name);
	}
	ddb_textset_free(&seen);
	return builder.binding;
}
