/*
 * expr_update.c
 *	  Update expressions: the item that comes out of an update.
 *
 * Two steps.  First every action is worked out against the item as it was
 * and becomes a change: put this value there, remove what is there, or leave
 * it.  Then the changes, sorted by path, are merged into the item:
 *
 *		item	 a    c              d    f
 *		changes	   b  c[1] c[4]      d
 *		result	 a b  c' (merged)    d'   f
 *
 * Names are sorted as jsonb sorts its keys, so one pass over a container and
 * its changes is enough at every level; list indexes come out ascending, so
 * that positions are the original ones and what lies beyond the end is
 * appended in index order, whichever section it stands in.  What no change
 * touches is copied as bytes.
 *
 * Targets neither overlap nor conflict; that has been checked when the
 * expression was bound.  Keys, index keys and sizes are the caller's affair.
 */
#include "postgres.h"

#include "error.h"
#include "expr_eval.h"
#include "miscadmin.h"
#include "number.h"

typedef enum ChangeKind
{
	CHANGE_PUT,					/* value takes the place, or is new there */
	CHANGE_REMOVE,
	CHANGE_KEEP					/* nothing happens, but the parent must exist */
} ChangeKind;

typedef struct Change
{
	const ExprPath *path;
	ChangeKind	kind;
	JsonbValue	value;			/* of CHANGE_PUT: an attribute value */
} Change;

/* neighbours among the sorted changes that agree in their first steps */
typedef struct ChangeRange
{
	const ExprBinding *binding;
	const Change *changes;
	int			count;
	int			depth;			/* number of the step to look at next */
} ChangeRange;

typedef struct UpdateContext
{
	const ExprBinding *binding;
	DdbDoc		item;			/* as it was; ptr NULL: absent */
	int			levels;			/* steps in the target of the current action */
} UpdateContext;

/* elements of a set, sorted by their text */
typedef struct SetMember
{
	DdbText		text;
	int			position;		/* in the set */
	bool		found;			/* in the other set, too */
} SetMember;

static void build_value(const UpdateContext *context, const ExprNode *node,
						JsonbValue *out);
static void build_set(const UpdateContext *context, const ExprNode *node,
					  JsonbValue *out);
static void merge_value(const ChangeRange *range, const JsonbValue *old,
						JsonbValue *out);

static void
raise_operand_type(void)
{
	ddb_validation_error("An operand in the update expression has an incorrect data type");
}

static void
raise_document_path(void)
{
	ddb_validation_error("The document path provided in the update expression is invalid for update");
}

/* ---- right-hand sides ---- */

/*
 * check_nesting raises when value, with levels lists and maps around it,
 * would nest deeper than items may: lists and maps count, scalars and sets
 * do not.
 */
static void
check_nesting(const DdbValue *value, int levels)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	member;
	DdbValue	child;

	check_stack_depth();

	if (value->type != DDB_L && value->type != DDB_M)
		return;
	if (levels >= DDB_MAX_NESTING)
		ddb_validation_error("Nesting Levels have exceeded supported limits: "
							 "Attributes in the item have nested levels beyond supported limit");

	ddb_doc_begin(&cursor, value->doc);
	while (ddb_doc_next(&cursor, &name, &member))
	{
		CHECK_FOR_INTERRUPTS();
		ddb_value_open(ddb_doc_of(&member), &child);
		check_nesting(&child, levels + 1);
	}
}

/*
 * eval_operand: an operand as a stored value.  What has to be computed is
 * built and encoded here, which only happens to the inner functions of
 * nested ones.  Raises when a path is missing.
 */
static void
eval_operand(const UpdateContext *context, const ExprNode *node,
			 DdbValue *out)
{
	JsonbValue	built;

	check_stack_depth();

	if (node->kind == EXPR_VALUE)
	{
		*out = context->binding->values[node->value_slot];
		return;
	}
	if (node->kind == EXPR_PATH)
	{
		if (!ddb_path_get(context->binding, &node->path, context->item, out))
			ddb_validation_error("The provided expression refers to an attribute that does not exist in the item");
		return;
	}
	if (node->kind == EXPR_FUNCTION &&
		node->function == EXPR_FN_IF_NOT_EXISTS)
	{
		if (!ddb_path_get(context->binding, &node->args[0]->path,
						  context->item, out))
			eval_operand(context, node->args[1], out);
		return;
	}

	build_value(context, node, &built);
	ddb_value_open(ddb_doc_root(ddb_json_encode(&built)), out);
}

/* the number that value is; raises when it is of another type */
static void
read_number(const DdbValue *value, DdbNumber *number)
{
	if (value->type != DDB_N)
		raise_operand_type();
	if (ddb_number_parse(value->text.str, value->text.len,
						 number) != DDB_NUMBER_OK)
		elog(ERROR, "stored number is malformed");
}

/*
 * build_sum: left + right, or left - right, as an attribute value.  A result
 * that does not fit in 38 digits is an error like one that is too large, and
 * never rounded.
 */
static void
build_sum(const DdbValue *left, const DdbValue *right, bool minus,
		  JsonbValue *out)
{
	DdbNumber	a;
	DdbNumber	b;
	DdbNumber	sum;
	DdbNumberStatus status;
	char	   *text;

	read_number(left, &a);
	read_number(right, &b);
	status = minus ? ddb_number_subtract(&a, &b, &sum) :
		ddb_number_add(&a, &b, &sum);
	if (status != DDB_NUMBER_OK)
		ddb_validation_error("%s", ddb_number_message(status, NULL, 0));

	text = palloc(DDB_NUMBER_TEXT_MAX);
	ddb_json_scalar(out, DDB_N, text, ddb_number_print(&sum, text));
}

static void
append_elements(JsonbValue *list, DdbDoc elements)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;

	ddb_doc_begin(&cursor, elements);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		CHECK_FOR_INTERRUPTS();
		ddb_json_append(list, &element);
	}
}

/* list_append(x, y): a list of x's elements, then y's */
static void
build_list(const UpdateContext *context, const DdbValue *left,
		   const DdbValue *right, JsonbValue *out)
{
	JsonbValue	list;

	if (left->type != DDB_L || right->type != DDB_L)
		raise_operand_type();
	if (context->levels > 1)
	{
		check_nesting(left, context->levels - 1);
		check_nesting(right, context->levels - 1);
	}

	ddb_json_array(&list, ddb_doc_count(left->doc) + ddb_doc_count(right->doc));
	append_elements(&list, left->doc);
	append_elements(&list, right->doc);
	ddb_path_wrap(out, DDB_L, &list);
}

/*
 * build_value: a right-hand side as an attribute value.  Only a target below
 * an attribute can push a value too deep: at the top, a constant, a piece of
 * the item or a list of such elements stands no deeper than where it has
 * already been accepted.
 */
static void
build_value(const UpdateContext *context, const ExprNode *node,
			JsonbValue *out)
{
	DdbValue	left;
	DdbValue	right;

	check_stack_depth();

	if (node->kind == EXPR_PLUS || node->kind == EXPR_MINUS)
	{
		eval_operand(context, node->args[0], &left);
		eval_operand(context, node->args[1], &right);
		build_sum(&left, &right, node->kind == EXPR_MINUS, out);
	}
	else if (node->kind == EXPR_FUNCTION &&
			 node->function == EXPR_FN_LIST_APPEND)
	{
		eval_operand(context, node->args[0], &left);
		eval_operand(context, node->args[1], &right);
		build_list(context, &left, &right, out);
	}
	else if (node->kind == EXPR_FUNCTION &&
			 (node->function == EXPR_FN_SET_ADD ||
			  node->function == EXPR_FN_SET_DELETE))
		build_set(context, node, out);
	else if (node->kind == EXPR_PATH || node->kind == EXPR_VALUE ||
			 (node->kind == EXPR_FUNCTION &&
			  node->function == EXPR_FN_IF_NOT_EXISTS))
	{
		eval_operand(context, node, &left);
		if (context->levels > 1)
			check_nesting(&left, context->levels - 1);
		ddb_value_to_json(&left, out);
	}
	else
		elog(ERROR, "unexpected node in update: kind %d", (int) node->kind);
}

/* ---- sets ---- */

static int
set_member_compare(const void *a, const void *b)
{
	const DdbText *x = &((const SetMember *) a)->text;
	const DdbText *y = &((const SetMember *) b)->text;

	if (x->len != y->len)
		return x->len > y->len ? 1 : -1;
	return memcmp(x->str, y->str, x->len);
}

static int
set_member_position_compare(const void *a, const void *b)
{
	int			x = ((const SetMember *) a)->position;
	int			y = ((const SetMember *) b)->position;

	return (x > y) - (x < y);
}

/*
 * set_members: the elements of a set, sorted, in a new array.  Equal members
 * have equal texts in stored form, in all three types.
 */
static SetMember *
set_members(const DdbValue *set, int *count)
{
	SetMember  *members = palloc_extended(ddb_doc_count(set->doc) * sizeof(SetMember),
										  MCXT_ALLOC_HUGE);
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	int			n = 0;

	ddb_doc_begin(&cursor, set->doc);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		if (element.type != jbvString)
			elog(ERROR, "stored set has an element that is not a string");
		members[n].text.str = element.val.string.val;
		members[n].text.len = element.val.string.len;
		members[n].position = n;
		members[n].found = false;
		n++;
	}
	qsort(members, n, sizeof(SetMember), set_member_compare);
	*count = n;
	return members;
}

/*
 * set_match marks which of members are elements of old, and appends to rest
 * the elements of old that are not among them.  Returns the number marked.
 */
static int
set_match(const DdbValue *old, SetMember *members, int count,
		  JsonbValue *rest)
{
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	element;
	int			matches = 0;

	ddb_doc_begin(&cursor, old->doc);
	while (ddb_doc_next(&cursor, &name, &element))
	{
		SetMember	key;
		SetMember  *member;

		CHECK_FOR_INTERRUPTS();
		if (element.type != jbvString)
			elog(ERROR, "stored set has an element that is not a string");
		key.text.str = element.val.string.val;
		key.text.len = element.val.string.len;
		member = bsearch(&key, members, count, sizeof(SetMember),
						 set_member_compare);
		if (member == NULL)
			ddb_json_append(rest, &element);
		else if (!member->found)
		{
			member->found = true;
			matches++;
		}
	}
	return matches;
}

/*
 * change_by_union: the elements of old in their order, then those of set
 * that are new.
 */
static void
change_by_union(Change *change, const DdbValue *old, const DdbValue *set)
{
	JsonbValue	rest;
	JsonbValue	elements;
	SetMember  *members;
	int			count;
	int			i;

	members = set_members(set, &count);
	ddb_json_array(&rest, ddb_doc_count(old->doc));
	if (set_match(old, members, count, &rest) == count)
	{
		change->kind = CHANGE_KEEP;
		return;
	}

	ddb_json_array(&elements, ddb_doc_count(old->doc) + count);
	append_elements(&elements, old->doc);
	qsort(members, count, sizeof(SetMember), set_member_position_compare);
	for (i = 0; i < count; i++)
	{
		JsonbValue	element;

		if (members[i].found)
			continue;
		ddb_json_string(&element, members[i].text.str, members[i].text.len);
		ddb_json_append(&elements, &element);
	}
	change->kind = CHANGE_PUT;
	ddb_path_wrap(&change->value, old->type, &elements);
}

/* change_by_difference: a set of which nothing remains is removed */
static void
change_by_difference(Change *change, const DdbValue *old, const DdbValue *set)
{
	JsonbValue	rest;
	SetMember  *members;
	int			matches;
	int			count;

	members = set_members(set, &count);
	ddb_json_array(&rest, ddb_doc_count(old->doc));
	matches = set_match(old, members, count, &rest);
	if (matches == 0)
		change->kind = CHANGE_KEEP;
	else if (rest.val.array.nElems == 0)
		change->kind = CHANGE_REMOVE;
	else
	{
		change->kind = CHANGE_PUT;
		ddb_path_wrap(&change->value, old->type, &rest);
	}
}

static bool
is_set(DdbType type)
{
	return type == DDB_SS || type == DDB_NS || type == DDB_BS;
}

/*
 * set_add(x, y), set_delete(x, y): x with the elements of y, or without them.
 * A missing x counts as an empty set that is added to; from none nothing can
 * be deleted, and nothing may remain of none.
 */
static void
build_set(const UpdateContext *context, const ExprNode *node, JsonbValue *out)
{
	bool		adds = node->function == EXPR_FN_SET_ADD;
	DdbValue	left;
	DdbValue	right;
	Change		change;

	eval_operand(context, node->args[1], &right);
	if (adds && node->args[0]->kind == EXPR_PATH &&
		!ddb_path_get(context->binding, &node->args[0]->path, context->item, &left))
		left = right;
	else
		eval_operand(context, node->args[0], &left);
	if (left.type != right.type || !is_set(left.type))
		raise_operand_type();
	if (adds)
		change_by_union(&change, &left, &right);
	else
		change_by_difference(&change, &left, &right);
	if (change.kind == CHANGE_REMOVE)
		ddb_validation_error("One or more parameter values were invalid: %s",
							 left.type == DDB_SS ? "An string set  may not be empty" :
							 left.type == DDB_NS ? "An number set  may not be empty" :
							 "Binary sets should not be empty");
	if (change.kind == CHANGE_PUT)
		*out = change.value;
	else
		ddb_value_to_json(&left, out);
}

/* ---- actions ---- */

/* the operand of ADD or DELETE does not go with what is there */
static void
raise_action_type(const UpdateContext *context)
{
	if (context->binding->program->legacy)
		ddb_validation_error("One or more parameter values were invalid: "
							 "Type mismatch for attribute to update");
	raise_operand_type();
}

/*
 * ADD path :value.  What is missing counts as zero or as an empty set;
 * otherwise both must be numbers, or sets of one type.  AttributeUpdates may
 * add lists as well, which appends.
 */
static void
change_by_add(const UpdateContext *context, const ExprAction *action,
			  Change *change)
{
	DdbValue	operand;
	DdbValue	old;

	eval_operand(context, action->value, &operand);
	change->kind = CHANGE_PUT;
	if (!ddb_path_get(context->binding, &action->path, context->item, &old))
		build_value(context, action->value, &change->value);
	else if (old.type != operand.type)
		raise_action_type(context);
	else if (is_set(operand.type))
		change_by_union(change, &old, &operand);
	else if (operand.type == DDB_L)
		build_list(context, &old, &operand, &change->value);
	else
		build_sum(&old, &operand, false, &change->value);
}

/* DELETE path :set.  From what is missing nothing can be deleted. */
static void
change_by_delete(const UpdateContext *context, const ExprAction *action,
				 Change *change)
{
	DdbValue	operand;
	DdbValue	old;

	eval_operand(context, action->value, &operand);
	change->kind = CHANGE_KEEP;
	if (!ddb_path_get(context->binding, &action->path, context->item, &old))
		return;
	if (old.type != operand.type || !is_set(operand.type))
		raise_action_type(context);
	change_by_difference(change, &old, &operand);
}

/* what action does to the item as it was */
static void
action_change(UpdateContext *context, const ExprAction *action,
			  Change *change)
{
	context->levels = action->path.nsteps;
	change->path = &action->path;

	switch (action->kind)
	{
		case EXPR_SET:
			change->kind = CHANGE_PUT;
			build_value(context, action->value, &change->value);
			return;
		case EXPR_REMOVE:
			change->kind = CHANGE_REMOVE;
			return;
		case EXPR_ADD:
			change_by_add(context, action, change);
			return;
		case EXPR_DELETE:
			change_by_delete(context, action, change);
			return;
	}
	elog(ERROR, "unrecognized update action: %d", (int) action->kind);
}

/* ---- merging changes into the item ---- */

/*
 * range_next splits the changes that share their next step off the front of
 * range, into group; false when range is used up.
 */
static bool
range_next(ChangeRange *range, ChangeRange *group)
{
	const ExprPath *first;
	int			depth = range->depth;
	int			n = 1;

	if (range->count == 0)
		return false;

	first = range->changes[0].path;
	while (n < range->count && range->changes[n].path->nsteps > depth &&
		   ddb_path_step_compare(range->binding, &first->steps[depth],
								 &range->changes[n].path->steps[depth]) == 0)
		n++;

	*group = *range;
	group->count = n;
	range->changes += n;
	range->count -= n;
	return true;
}

/* the step that the changes of a group share */
static const ExprStep *
group_step(const ChangeRange *group)
{
	return &group->changes[0].path->steps[group->depth];
}

/* <0, 0, >0: where a group stands relative to a key, in the order of jsonb */
static int
group_compare(const ChangeRange *group, DdbText key)
{
	DdbText		name = ddb_expr_step_name(group->binding, group_step(group));

	if (name.len != key.len)
		return name.len > key.len ? 1 : -1;
	return memcmp(name.str, key.str, name.len);
}

/*
 * merge_group: the value at the group's place after its changes; false when
 * there is none.  old is NULL where there was none before.
 */
static bool
merge_group(const ChangeRange *group, const JsonbValue *old, JsonbValue *out)
{
	const Change *change = group->changes;

	if (change->path->nsteps > group->depth + 1)
	{
		ChangeRange below = *group;

		below.depth++;
		merge_value(&below, old, out);
		return true;
	}

	switch (change->kind)
	{
		case CHANGE_PUT:
			*out = change->value;
			return true;
		case CHANGE_REMOVE:
			return false;
		case CHANGE_KEEP:
			if (old != NULL)
				*out = *old;
			return old != NULL;
	}
	elog(ERROR, "unrecognized change: %d", (int) change->kind);
	return false;				/* keep compiler quiet */
}

/* merge a group into an object under construction */
static void
merge_member(const ChangeRange *group, const JsonbValue *old,
			 JsonbValue *object)
{
	DdbText		name = ddb_expr_step_name(group->binding, group_step(group));
	JsonbValue	merged;

	if (merge_group(group, old, &merged))
		ddb_json_add(object, name.str, name.len, &merged);
}

/* an item's or a map's doc with the changes of range */
static void
merge_object(ChangeRange range, DdbDoc doc, JsonbValue *out)
{
	ChangeRange group;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	old;
	bool		more;

	ddb_json_object(out, ddb_doc_count(doc) + range.count);
	more = range_next(&range, &group);

	ddb_doc_begin(&cursor, doc);
	while (ddb_doc_next(&cursor, &name, &old))
	{
		CHECK_FOR_INTERRUPTS();
		while (more && group_compare(&group, name) < 0)
		{
			merge_member(&group, NULL, out);
			more = range_next(&range, &group);
		}
		if (more && group_compare(&group, name) == 0)
		{
			merge_member(&group, &old, out);
			more = range_next(&range, &group);
		}
		else
			ddb_json_add(out, name.str, name.len, &old);
	}
	while (more)
	{
		merge_member(&group, NULL, out);
		more = range_next(&range, &group);
	}
}

/*
 * A list's doc with the changes of range: indexes are positions in the list
 * as it was, those beyond its end append in their order.
 */
static void
merge_list(ChangeRange range, DdbDoc doc, JsonbValue *out)
{
	ChangeRange group;
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	old;
	JsonbValue	merged;
	bool		more;
	int			i;

	ddb_json_array(out, ddb_doc_count(doc) + range.count);
	more = range_next(&range, &group);

	ddb_doc_begin(&cursor, doc);
	for (i = 0; ddb_doc_next(&cursor, &name, &old); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!more || group_step(&group)->index != i)
		{
			ddb_json_append(out, &old);
			continue;
		}
		if (merge_group(&group, &old, &merged))
			ddb_json_append(out, &merged);
		more = range_next(&range, &group);
	}
	while (more)
	{
		if (merge_group(&group, NULL, &merged))
			ddb_json_append(out, &merged);
		more = range_next(&range, &group);
	}
}

/*
 * merge_value: old with changes somewhere below it.  A parent must exist and
 * be a map for names, a list for indexes.
 */
static void
merge_value(const ChangeRange *range, const JsonbValue *old, JsonbValue *out)
{
	bool		in_list = group_step(range)->is_index;
	DdbValue	value;
	JsonbValue	merged;

	check_stack_depth();

	if (old == NULL)
		raise_document_path();
	ddb_value_open(ddb_doc_of(old), &value);
	if (value.type != (in_list ? DDB_L : DDB_M))
		raise_document_path();

	if (in_list)
		merge_list(*range, value.doc, &merged);
	else
		merge_object(*range, value.doc, &merged);
	ddb_path_wrap(out, value.type, &merged);
}

/* ---- whole updates ---- */

static int
change_compare(const void *a, const void *b, void *binding)
{
	return ddb_path_compare((const ExprBinding *) binding,
							((const Change *) a)->path,
							((const Change *) b)->path);
}

/* an absent item comes into being through values, not through removals */
static bool
action_creates(const ExprAction *action)
{
	return action->kind == EXPR_SET || action->kind == EXPR_ADD;
}

/*
 * ddb_expr_update: all right-hand sides read the item as it was, so the
 * order of the actions cannot be observed.  On an absent item REMOVE and
 * DELETE do nothing at all, even where their parents are missing.
 */
Jsonb *
ddb_expr_update(const ExprBinding *binding, DdbDoc item, DdbDoc key)
{
	const ExprProgram *program = binding->program;
	bool		absent = item.ptr == NULL;
	UpdateContext context = {binding, item, 0};
	ChangeRange range;
	Change	   *changes;
	JsonbValue	result;
	int			n = 0;
	int			i;

	changes = palloc(program->nactions * sizeof(Change));
	for (i = 0; i < program->nactions; i++)
	{
		if (!absent || action_creates(&program->actions[i]))
			action_change(&context, &program->actions[i], &changes[n++]);
	}
	if (absent && n == 0)
		return NULL;
	qsort_arg(changes, n, sizeof(Change), change_compare,
			  unconstify(ExprBinding *, binding));

	range.binding = binding;
	range.changes = changes;
	range.count = n;
	range.depth = 0;
	merge_object(range, absent ? key : item, &result);
	return ddb_json_encode(&result);
}

/*
 * ddb_expr_updated_attributes: the targets are looked up in item as it is
 * given, so an index may show an element that has moved there.
 */
Jsonb *
ddb_expr_updated_attributes(const ExprBinding *binding, DdbDoc item)
{
	const ExprProgram *program = binding->program;
	ExprPath   *targets;
	Jsonb	   *result;
	int			i;

	if (item.ptr == NULL)
		return NULL;

	targets = palloc(program->nactions * sizeof(ExprPath));
	for (i = 0; i < program->nactions; i++)
		targets[i] = program->actions[i].path;
	result = ddb_path_project(binding, targets, program->nactions, item);
	return ddb_doc_count(ddb_doc_root(result)) > 0 ? result : NULL;
}
