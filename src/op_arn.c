/*
 * op_arn.c
 *	  ARNs of tables and streams, taken apart.
 *
 * What is said about an ARN that is malformed or unknown is each operation's
 * own, so nothing is raised about it here.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "catalog.h"
#include "guc.h"
#include "op_arn.h"
#include "tableinfo.h"

/* arn:<partition>:<service>:<region>:<account>:<resource> */
enum ArnPart
{
	ARN_ARN,
	ARN_PARTITION,
	ARN_SERVICE,
	ARN_REGION,
	ARN_ACCOUNT,
	ARN_RESOURCE,
	ARN_PARTS
};

/* the text before the first mark, which is removed from rest with it */
static DdbText
split(DdbText *rest, char mark)
{
	const char *end = rest->len > 0 ? memchr(rest->str, mark, rest->len) : NULL;
	DdbText		part = *rest;

	if (end == NULL)
	{
		rest->len = 0;
		return part;
	}
	part.len = end - rest->str;
	rest->str = end + 1;
	rest->len -= part.len + 1;
	return part;
}

/* the resource is what remains, so it may hold colons, as stream labels do */
static void
split_arn(DdbText arn, DdbText *parts)
{
	DdbText		rest = arn;
	int			i;

	for (i = 0; i < ARN_RESOURCE; i++)
		parts[i] = split(&rest, ':');
	parts[ARN_RESOURCE] = rest;
}

bool
ddb_op_arn_read(DdbText arn, DdbResourceArn *out)
{
	DdbText		parts[ARN_PARTS];
	DdbText		rest;
	DdbText		kind;

	split_arn(arn, parts);
	rest = parts[ARN_RESOURCE];
	kind = split(&rest, '/');
	out->table = split(&rest, '/');
	out->stream.str = NULL;
	out->stream.len = 0;
	if (!ddb_text_is(parts[ARN_ARN], "arn") || !ddb_text_is(parts[ARN_SERVICE], "dynamodb") ||
		!ddb_text_is(kind, "table") || !ddb_tableinfo_name_is_valid(out->table) ||
		parts[ARN_REGION].len == 0 || parts[ARN_ACCOUNT].len == 0)
		return false;
	if (out->table.str + out->table.len != arn.str + arn.len)
	{
		kind = split(&rest, '/');
		if (!ddb_text_is(kind, "stream") || rest.len == 0)
			return false;
		out->stream = rest;
	}
	out->ours = ddb_text_is(parts[ARN_ACCOUNT], ddb_account_id);
	out->known = out->ours && ddb_text_is(parts[ARN_PARTITION], "aws") &&
		ddb_text_is(parts[ARN_REGION], ddb_region);
	return true;
}

void
ddb_op_arn_hide(DdbText arn, const char *action)
{
	if (pg_namespace_aclcheck(ddb_tables_schema(), GetUserId(),
							  ACL_CREATE) != ACLCHECK_OK)
		ddb_access_denied(action, pnstrdup(arn.str, arn.len));
}
