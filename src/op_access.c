/*
 * op_access.c
 *	  What a request says of itself to access.c: its resource at the first
 *	  look, its keys, attributes and options at the second.
 *
 * At the first look nobody has checked the request, so that a member may have
 * any type.  What has the wrong one names no resource; the shape check, which
 * comes next, refuses it.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "op.h"
#include "op_access.h"

static const DdbDoc no_doc = {NULL, 0};
static const DdbText no_text = {NULL, 0};

/* ----------------------------------------------------------------
 * The first look
 * ----------------------------------------------------------------
 */

/* a string of a request not yet checked */
static bool
sent_string(DdbDoc request, const char *name, DdbText *out)
{
	JsonbValue	value;

	if (!ddb_doc_get(request, name, strlen(name), &value) || value.type != jbvString)
		return false;
	out->str = value.val.string.val;
	out->len = value.val.string.len;
	return true;
}

/* an object or an array; ptr NULL where there is none */
static DdbDoc
sent_doc(DdbDoc request, const char *name, bool array)
{
	JsonbValue	value;
	DdbDoc		doc;

	if (!ddb_doc_get(request, name, strlen(name), &value))
		return no_doc;
	doc = ddb_doc_of(&value);
	if (doc.ptr == NULL || (array ? !ddb_doc_is_array(doc) : !ddb_doc_is_object(doc)))
		return no_doc;
	return doc;
}

/* members of the shape only: what else a request has is nothing */
static DdbDoc
sent_list(const DdbOperation *op, DdbDoc request, const char *name)
{
	const DdbMember *member;

	for (member = op->shape->members; member->name != NULL; member++)
	{
		if (strcmp(member->name, name) == 0)
			return sent_doc(request, name, true);
	}
	return no_doc;
}

static void
look_at_table(const DdbFirstLook *look, DdbDoc request)
{
	DdbText		table;

	if (sent_string(request, "TableName", &table))
		ddb_access_check_table(look, table, no_text);
}

static void
look_at_index(const DdbFirstLook *look, DdbDoc request)
{
	DdbText		table;
	DdbText		index = no_text;

	if (!sent_string(request, "TableName", &table))
		return;
	(void) sent_string(request, "IndexName", &index);
	ddb_access_check_table(look, table, index);
}

/* what is made with a table needs the right to make it alone, too */
static void
look_at_creation(const DdbFirstLook *create, DdbDoc request)
{
	DdbFirstLook look = *create;
	DdbText		policy;

	look_at_table(create, request);
	if (look.tags.ptr != NULL && ddb_doc_count(look.tags) > 0)
	{
		look.action = "TagResource";
		look_at_table(&look, request);
	}
	if (sent_string(request, "ResourcePolicy", &policy))
	{
		look.action = "PutResourcePolicy";
		look_at_table(&look, request);
	}
}

static void
look_at_member(const DdbFirstLook *look, DdbDoc request, const char *member)
{
	DdbText		arn;

	if (sent_string(request, member, &arn))
		ddb_access_check_action(look, arn);
}

/* the stream of an iterator stands before its first bar */
static void
look_at_iterator(const DdbFirstLook *look, DdbDoc request)
{
	DdbText		iterator;
	const char *end;

	if (!sent_string(request, "ShardIterator", &iterator))
		return;
	end = memchr(iterator.str, '|', iterator.len);
	if (end == NULL)
		return;
	iterator.len = end - iterator.str;
	ddb_access_check_action(look, iterator);
}

static void
look_at_request_items(const DdbFirstLook *look, DdbDoc request)
{
	DdbDoc		tables = sent_doc(request, "RequestItems", false);
	DdbDocCursor cursor;
	DdbText		name;
	JsonbValue	value;

	if (tables.ptr == NULL)
		return;
	ddb_doc_begin(&cursor, tables);
	while (ddb_doc_next(&cursor, &name, &value))
	{
		CHECK_FOR_INTERRUPTS();
		ddb_access_check_table(look, name, no_text);
	}
}

/* the actions of elements of transactions, by their member */
static const struct
{
	const char *member;
	const char *action;
}			element_actions[] = {
	{"ConditionCheck", "ConditionCheckItem"},
	{"Put", "PutItem"},
	{"Delete", "DeleteItem"},
	{"Update", "UpdateItem"},
	{"Get", "GetItem"}
};

static void
look_at_element(DdbDoc element)
{
	DdbFirstLook look = {NULL, false, {NULL, 0}, {NULL, 0}};
	int			i;

	for (i = 0; i < lengthof(element_actions); i++)
	{
		DdbDoc		action = sent_doc(element, element_actions[i].member, false);

		look.action = element_actions[i].action;
		if (action.ptr != NULL)
			look_at_table(&look, action);
	}
}

static void
look_at_transact_items(DdbDoc request)
{
	DdbDoc		list = sent_doc(request, "TransactItems", true);
	DdbDocCursor cursor;
	DdbText		none;
	JsonbValue	value;

	if (list.ptr == NULL)
		return;
	ddb_doc_begin(&cursor, list);
	while (ddb_doc_next(&cursor, &none, &value))
	{
		DdbDoc		element = ddb_doc_of(&value);

		CHECK_FOR_INTERRUPTS();
		if (element.ptr != NULL && ddb_doc_is_object(element))
			look_at_element(element);
	}
}

void
ddb_op_first_look(const DdbOperation *op, DdbDoc request)
{
	static const DdbText any = {"*", 1};
	DdbFirstLook look;

	if (!ddb_access_is_active())
		return;
	look.action = op->name;
	look.whole = op->resource != DDB_RESOURCE_ITEMS && op->resource != DDB_RESOURCE_PAGE &&
		op->resource != DDB_RESOURCE_REQUEST_ITEMS;
	look.tags = look.whole ? sent_list(op, request, "Tags") : no_doc;
	look.tag_keys = look.whole ? sent_list(op, request, "TagKeys") : no_doc;
	switch (op->resource)
	{
		case DDB_RESOURCE_ANY:
			ddb_access_check_action(&look, any);
			break;
		case DDB_RESOURCE_TABLE:
		case DDB_RESOURCE_ITEMS:
			look_at_table(&look, request);
			break;
		case DDB_RESOURCE_INDEX:
		case DDB_RESOURCE_PAGE:
			look_at_index(&look, request);
			break;
		case DDB_RESOURCE_NEW_TABLE:
			look_at_creation(&look, request);
			break;
		case DDB_RESOURCE_ARN:
			look_at_member(&look, request, "ResourceArn");
			break;
		case DDB_RESOURCE_STREAM:
			look_at_member(&look, request, "StreamArn");
			break;
		case DDB_RESOURCE_BULK:
			look_at_member(&look, request, "BulkOperationArn");
			break;
		case DDB_RESOURCE_ITERATOR:
			look_at_iterator(&look, request);
			break;
		case DDB_RESOURCE_REQUEST_ITEMS:
			look_at_request_items(&look, request);
			break;
		case DDB_RESOURCE_TRANSACT_ITEMS:
			look_at_transact_items(request);
			break;
		case DDB_RESOURCE_STATEMENTS:
			break;
	}
}

/* ----------------------------------------------------------------
 * The second look
 * ----------------------------------------------------------------
 */

static void
init_access(DdbAccess *access, const char *action, DdbDoc request, const DdbTable *table)
{
	memset(access, 0, sizeof(DdbAccess));
	access->action = action;
	access->table = table;
	access->request = request;
}

/* the value of Select where a request has no such member */
static const char *
select_of_projection(const ExprBinding *projection)
{
	return projection != NULL ? "SPECIFIC_ATTRIBUTES" : "ALL_ATTRIBUTES";
}

void
ddb_op_access_get(DdbDoc request, const DdbTable *table, const Jsonb *key,
				  const ExprBinding *projection)
{
	DdbDoc		root = ddb_doc_root(key);
	DdbAccess	access;

	if (!ddb_access_is_restricted(table))
		return;
	init_access(&access, "GetItem", request, table);
	access.nitems = 1;
	access.items = &root;
	access.bindings[0] = projection;
	access.select = select_of_projection(projection);
	ddb_access_check(&access);
	ddb_access_finish();
}

static void
check_write(DdbDoc request, const DdbItemWrite *write, const char *enclosing)
{
	DdbText		returns;
	DdbAccess	access;

	init_access(&access, ddb_write_action(write->kind), request, write->table);
	access.enclosing = enclosing;
	access.nitems = 1;
	access.items = &write->key;
	access.bindings[0] = write->condition;
	access.bindings[1] = write->update;
	access.return_values = "NONE";
	if (enclosing == NULL && ddb_request_string(request, "ReturnValues", &returns))
		access.return_values = pnstrdup(returns.str, returns.len);
	if (write->item_on_failure && strcmp(access.return_values, "ALL_NEW") != 0)
		access.return_values = "ALL_OLD";	/* as much as ALL_NEW */
	ddb_access_check(&access);
}

void
ddb_op_access_write(DdbDoc request, const DdbItemWrite *write)
{
	if (!ddb_access_is_restricted(write->table))
		return;
	check_write(request, write, NULL);
	ddb_access_finish();
}

/* values of the partition key, and how many; 0 for a Scan */
static int
leading_of_query(const DdbKeyQuery *query, DdbValue *leading)
{
	int			i;
	int			k;

	if (query->nconditions == 0)
		return 0;
	memset(leading, 0, query->key.npartition * sizeof(DdbValue));
	for (i = 0; i < query->key.npartition; i++)
	{
		for (k = 0; k < query->nconditions; k++)
		{
			if (ddb_text_same(query->conditions[k].name, query->key.attr[i].name))
				leading[i] = query->conditions[k].values[0];
		}
	}
	return query->key.npartition;
}

void
ddb_op_access_read(DdbDoc request, const DdbRead *read, const char *action)
{
	const DdbKeyQuery *query = &read->query;
	DdbValue	leading[DDB_MAX_KEY_PARTS];
	DdbText		select;
	DdbText    *names;
	DdbAccess	access;
	int			i;

	if (!ddb_access_is_restricted(read->table))
		return;
	init_access(&access, action, request, read->table);
	access.index = read->index;
	access.nleading = leading_of_query(query, leading);
	access.leading = leading;
	access.bindings[0] = read->filter;
	access.bindings[1] = read->projection;
	names = palloc(query->nconditions * sizeof(DdbText));
	for (i = 0; i < query->nconditions; i++)
		names[i] = query->conditions[i].name;
	access.nattributes = query->nconditions;
	access.attributes = names;
	if (ddb_request_string(request, "Select", &select))
		access.select = pnstrdup(select.str, select.len);
	else if (read->index != NULL && read->projection == NULL)
		access.select = "ALL_PROJECTED_ATTRIBUTES";
	else
		access.select = select_of_projection(read->projection);
	ddb_access_check(&access);
	ddb_access_finish();
}

void
ddb_op_access_batch_get(DdbDoc request, const DdbTable *table, Jsonb *const *keys,
						int count, const ExprBinding *projection)
{
	DdbDoc	   *items;
	DdbAccess	access;
	int			i;

	if (!ddb_access_is_restricted(table))
		return;
	items = palloc(count * sizeof(DdbDoc));
	for (i = 0; i < count; i++)
		items[i] = ddb_doc_root(keys[i]);
	init_access(&access, "BatchGetItem", request, table);
	access.nitems = count;
	access.items = items;
	access.bindings[0] = projection;
	access.select = select_of_projection(projection);
	ddb_access_check(&access);
}

void
ddb_op_access_batch_write(DdbDoc request, const DdbTable *table, const DdbDoc *items,
						  int count)
{
	DdbAccess	access;

	if (!ddb_access_is_restricted(table))
		return;
	init_access(&access, "BatchWriteItem", request, table);
	access.nitems = count;
	access.items = items;
	ddb_access_check(&access);
}

void
ddb_op_access_transact_write(DdbDoc request, const DdbItemWrite *writes, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (ddb_access_is_restricted(writes[i].table))
			check_write(request, &writes[i], "TransactWriteItems");
	}
}

void
ddb_op_access_transact_get(DdbDoc request, const DdbItemRead *reads, int count)
{
	DdbAccess	access;
	int			i;

	for (i = 0; i < count; i++)
	{
		const DdbItemRead *read = &reads[i];

		CHECK_FOR_INTERRUPTS();
		if (!ddb_access_is_restricted(read->table))
			continue;
		init_access(&access, "GetItem", request, read->table);
		access.enclosing = "TransactGetItems";
		access.nitems = 1;
		access.items = &read->key;
		access.bindings[0] = read->projection;
		access.select = select_of_projection(read->projection);
		ddb_access_check(&access);
	}
}
