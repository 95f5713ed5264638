/*
 * expr_path.c
 *	  Document paths: reading one, and cutting an item down to several.
 *
 * A projection sorts its paths, so that those with a common prefix stand
 * together, and walks the sorted range and the item side by side: every
 * container on the way is looked at once, list elements come out in index
 * order, and each selected value is copied as the bytes it is stored as.
 * Projections of top-level attributes alone need no order and skip all that.
 *
 * Nothing here knows what a path is wanted for.  That paths neither overlap
 * nor conflict has been checked when they were bound.
 */
#include "postgres.h"

#include "expr_eval.h"
#include "miscadmin.h"

/* neighbours in the order of paths that agree in their first depth steps */
typedef struct PathRange
{
	const ExprBinding *binding;
	const ExprPath **paths;		/* sorted */
	int			count;
	int			depth;			/* number of the step to look at next */
} PathRange;

/*
 * The order of names is jsonb's own for keys: shorter ones first, then by
 * bytes.
 */
int
ddb_path_step_compare(const ExprBinding *binding, const ExprStep *a,
					  const ExprStep *b)
{
	DdbText		x;
	DdbText		y;

	if (a->is_index != b->is_index)
		return a->is_index ? 1 : -1;
	if (a->is_index)
		return (a->index > b->index) - (a->index < b->index);

	x = ddb_expr_step_name(binding, a);
	y = ddb_expr_step_name(binding, b);
	if (x.len != y.len)
		return x.len > y.len ? 1 : -1;
	return memcmp(x.str, y.str, x.len);
}

int
ddb_path_compare(const ExprBinding *binding, const ExprPath *a,
				 const ExprPath *b)
{
	int			nsteps = Min(a->nsteps, b->nsteps);
	int			i;

	for (i = 0; i < nsteps; i++)
	{
		int			cmp = ddb_path_step_compare(binding, &a->steps[i],
												&b->steps[i]);

		if (cmp != 0)
			return cmp;
	}
	return (a->nsteps > b->nsteps) - (a->nsteps < b->nsteps);
}

/*
 * ddb_path_wrap makes the attribute value {"<tag>": payload}; payload is
 * copied shallowly.
 */
void
ddb_path_wrap(JsonbValue *out, DdbType type, const JsonbValue *payload)
{
	const char *tag = ddb_type_name(type);

	ddb_json_object(out, 1);
	ddb_json_add(out, tag, strlen(tag), payload);
}

/*
 * step_get: the value one step below container, which may be *out itself;
 * false when there is none.  Only maps have names and only lists have
 * indexes: a set's elements cannot be addressed.
 */
static bool
step_get(const ExprBinding *binding, const ExprStep *step,
		 const DdbValue *container, DdbValue *out)
{
	DdbText		name;

	if (step->is_index)
		return container->type == DDB_L &&
			ddb_list_get(container->doc, step->index, out);

	if (container->type != DDB_M)
		return false;
	name = ddb_expr_step_name(binding, step);
	return ddb_item_get(container->doc, name.str, name.len, out);
}

/*
 * ddb_path_get: *out points into item.  An absent item (ptr NULL) has no
 * attributes.
 */
bool
ddb_path_get(const ExprBinding *binding, const ExprPath *path, DdbDoc item,
			 DdbValue *out)
{
	DdbText		name;
	int			i;

	Assert(path->nsteps > 0 && !path->steps[0].is_index);

	if (item.ptr == NULL)
		return false;

	name = ddb_expr_step_name(binding, &path->steps[0]);
	if (!ddb_item_get(item, name.str, name.len, out))
		return false;

	for (i = 1; i < path->nsteps; i++)
	{
		if (!step_get(binding, &path->steps[i], out, out))
			return false;
	}
	return true;
}

/*
 * range_next splits the paths that share their next step off the front of
 * range, into group; false when range is used up.
 */
static bool
range_next(PathRange *range, PathRange *group)
{
	const ExprPath *first;
	int			depth = range->depth;
	int			n = 1;

	if (range->count == 0)
		return false;

	first = range->paths[0];
	while (n < range->count && range->paths[n]->nsteps > depth &&
		   ddb_path_step_compare(range->binding, &first->steps[depth],
								 &range->paths[n]->steps[depth]) == 0)
		n++;

	*group = *range;
	group->count = n;
	range->paths += n;
	range->count -= n;
	return true;
}

/*
 * project_value: what the paths of range select below value, as an attribute
 * value of value's type; false when that is nothing.
 */
static bool
project_value(PathRange range, const DdbValue *value, JsonbValue *out)
{
	JsonbValue	payload;
	PathRange	group;
	bool		found = false;

	check_stack_depth();

	if (value->type == DDB_L)
		ddb_json_array(&payload, range.count);
	else
		ddb_json_object(&payload, range.count);

	while (range_next(&range, &group))
	{
		const ExprPath *path = group.paths[0];
		const ExprStep *step = &path->steps[group.depth++];
		JsonbValue	selected;
		DdbValue	child;

		if (!step_get(range.binding, step, value, &child))
			continue;
		if (path->nsteps == group.depth)
			ddb_value_to_json(&child, &selected);
		else if (!project_value(group, &child, &selected))
			continue;

		found = true;
		if (step->is_index)
			ddb_json_append(&payload, &selected);
		else
		{
			DdbText		name = ddb_expr_step_name(range.binding, step);

			ddb_json_add(&payload, name.str, name.len, &selected);
		}
	}

	if (found)
		ddb_path_wrap(out, value->type, &payload);
	return found;
}

/* all paths are names of attributes */
static void
project_attributes(const ExprBinding *binding, const ExprPath *paths,
				   int npaths, DdbDoc item, JsonbValue *out)
{
	int			i;

	ddb_json_object(out, npaths);
	for (i = 0; i < npaths; i++)
	{
		DdbText		name = ddb_expr_step_name(binding, &paths[i].steps[0]);
		JsonbValue	value;

		if (ddb_doc_get(item, name.str, name.len, &value))
			ddb_json_add(out, name.str, name.len, &value);
	}
}

static int
path_pointer_compare(const void *a, const void *b, void *binding)
{
	return ddb_path_compare((const ExprBinding *) binding,
							*(const ExprPath *const *) a,
							*(const ExprPath *const *) b);
}

/* some paths go below an attribute */
static void
project_nested(const ExprBinding *binding, const ExprPath *paths, int npaths,
			   DdbDoc item, JsonbValue *out)
{
	PathRange	range;
	PathRange	group;
	int			i;

	range.binding = binding;
	range.paths = palloc(npaths * sizeof(ExprPath *));
	range.count = npaths;
	range.depth = 0;
	for (i = 0; i < npaths; i++)
		range.paths[i] = &paths[i];
	qsort_arg(range.paths, npaths, sizeof(ExprPath *), path_pointer_compare,
			  unconstify(ExprBinding *, binding));

	ddb_json_object(out, npaths);
	while (range_next(&range, &group))
	{
		const ExprPath *path = group.paths[0];
		DdbText		name = ddb_expr_step_name(binding, &path->steps[0]);
		JsonbValue	selected;
		DdbValue	value;

		group.depth = 1;
		if (!ddb_item_get(item, name.str, name.len, &value))
			continue;
		if (path->nsteps == 1)
			ddb_value_to_json(&value, &selected);
		else if (!project_value(group, &value, &selected))
			continue;
		ddb_json_add(out, name.str, name.len, &selected);
	}
}

/*
 * ddb_path_project: a container on the way to a path appears only when
 * something below it was found; elements selected out of a list close up.
 * An absent item (ptr NULL) gives {}.
 */
Jsonb *
ddb_path_project(const ExprBinding *binding, const ExprPath *paths,
				 int npaths, DdbDoc item)
{
	JsonbValue	result;
	bool		nested = false;
	int			i;

	for (i = 0; i < npaths; i++)
		nested |= paths[i].nsteps > 1;

	if (item.ptr == NULL)
		ddb_json_object(&result, 0);
	else if (nested)
		project_nested(binding, paths, npaths, item, &result);
	else
		project_attributes(binding, paths, npaths, item, &result);
	return ddb_json_encode(&result);
}

Jsonb *
ddb_expr_project(const ExprBinding *binding, DdbDoc item)
{
	return ddb_path_project(binding, binding->program->paths,
							binding->program->npaths, item);
}
