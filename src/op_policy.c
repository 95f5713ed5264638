/*
 * op_policy.c
 *	  PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy.
 *
 * A table has at most one policy, each of its streams another; the policy of a
 * table covers its indexes, which have none.  Who owns the table manages them.
 * A policy is in force for whatever begins after its transaction has committed.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "access.h"
#include "error.h"
#include "op.h"
#include "op_arn.h"
#include "op_policy.h"
#include "policystore.h"
#include "streamlog.h"

#define NO_POLICY	"NO_POLICY" /* as ExpectedRevisionId: only if there is none */

/* what a policy is of */
typedef struct Resource
{
	DdbText		arn;
	Oid			relid;			/* the item table */
	const char *label;			/* of its stream; NULL for the table */
} Resource;

/* ----------------------------------------------------------------
 * Resources
 * ----------------------------------------------------------------
 */

static void
refuse_unknown(DdbText arn, const DdbResourceArn *parts, const char *action)
{
	bool		is_stream = parts->stream.str != NULL;

	ddb_op_arn_hide(arn, action);
	if (is_stream)
		ddb_error(DDB_RESOURCE_NOT_FOUND,
				  "Requested resource not found: Stream: %.*s not found",
				  arn.len, arn.str);
	ddb_error(DDB_RESOURCE_NOT_FOUND, "Requested resource not found: Table: %.*s not found",
			  parts->table.len, parts->table.str);
}

static bool
owns_stream(const DdbStream *stream)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(stream->relid)))
		return pg_class_ownercheck(stream->relid, GetUserId());
	return has_privs_of_role(GetUserId(), stream->owner);
}

/* the table, which may have been dropped, is locked as that of a table's policy */
static void
open_stream(Resource *resource, const DdbResourceArn *parts, LOCKMODE lockmode,
			const char *action)
{
	DdbStream  *stream = ddb_stream_find(parts->table, parts->stream);

	if (stream == NULL)
		refuse_unknown(resource->arn, parts, action);
	if (!owns_stream(stream))
		ddb_access_denied(action, pnstrdup(resource->arn.str, resource->arn.len));
	LockRelationOid(stream->relid, lockmode);
	resource->relid = stream->relid;
	resource->label = stream->label;
}

/*
 * The resource of member ResourceArn, whose owner the current user is, and its
 * table locked in lockmode.
 */
static void
open_resource(DdbDoc request, const char *action, LOCKMODE lockmode, Resource *resource)
{
	DdbResourceArn parts;

	(void) ddb_request_string(request, "ResourceArn", &resource->arn);
	if (!ddb_op_arn_read(resource->arn, &parts))
		ddb_validation_error("Invalid ResourceArn: Invalid ResourceArn provided as input %.*s",
							 resource->arn.len, resource->arn.str);
	if (!parts.ours)
		ddb_access_denied(action, pnstrdup(resource->arn.str, resource->arn.len));
	if (!parts.known)
		refuse_unknown(resource->arn, &parts, action);
	if (parts.stream.str != NULL)
	{
		open_stream(resource, &parts, lockmode, action);
		return;
	}
	resource->relid = ddb_catalog_open(parts.table, lockmode, DDB_ACL_OWNER, action, true)->relid;
	resource->label = NULL;
}

/* ----------------------------------------------------------------
 * Revisions
 * ----------------------------------------------------------------
 */

static void pg_attribute_noreturn()
raise_no_policy(const Resource *resource)
{
	ddb_error(DDB_POLICY_NOT_FOUND,
			  "Resource-based policy not found for the provided ResourceArn: %.*s",
			  resource->arn.len, resource->arn.str);
}

/*
 * Member ExpectedRevisionId against the policy that there is (NULL: none).
 * Only a call that makes a policy knows NO_POLICY.
 */
static void
check_revision(DdbDoc request, const Resource *resource, const DdbResourcePolicy *policy,
			   bool puts)
{
	DdbText		expected;

	if (!ddb_request_string(request, "ExpectedRevisionId", &expected))
		return;
	if (policy == NULL)
	{
		if (!puts || !ddb_text_is(expected, NO_POLICY))
			raise_no_policy(resource);
		return;
	}
	if (!ddb_text_is(expected, policy->revision_id))
		ddb_error(DDB_POLICY_NOT_FOUND,
				  "Resource-based policy not found for the provided ResourceArn and ExpectedRevisionId: %.*s, %.*s",
				  resource->arn.len, resource->arn.str, expected.len, expected.str);
}

static Jsonb *
revision_response(const char *revision_id)
{
	JsonbValue	response;

	ddb_json_object(&response, 1);
	if (revision_id != NULL)
		ddb_json_add_string(&response, "RevisionId", revision_id);
	return ddb_json_encode(&response);
}

/* ----------------------------------------------------------------
 * Documents
 * ----------------------------------------------------------------
 */

static DdbPolicy *
compile(DdbText document)
{
	DdbPolicy  *policy;
	char	   *problem;

	if (memchr(document.str, '\0', document.len) != NULL)
		ddb_validation_error("Invalid policy document: it must not hold NUL characters");
	policy = ddb_policy_compile(document, DDB_POLICY_RESOURCE, &problem);
	if (policy == NULL)
		ddb_validation_error("Invalid policy document: %s", problem);
	return policy;
}

void
ddb_op_check_resource_policy(DdbText document)
{
	(void) compile(document);
}

/*
 * Who would lock himself out, as he calls now, says so, in ConfirmRemoveSelfResourceAccess.
 */
static void
check_self(DdbDoc request, const Resource *resource, const DdbPolicy *policy)
{
	bool		confirmed = ddb_op_door.confirms;

	(void) ddb_request_bool(request, "ConfirmRemoveSelfResourceAccess", &confirmed);
	if (confirmed)
		return;
	if (ddb_access_is_denied_by(policy, "PutResourcePolicy", resource->arn) ||
		ddb_access_is_denied_by(policy, "DeleteResourcePolicy", resource->arn))
		ddb_validation_error("The new resource policy will not allow you to update the resource policy in the future.");
}

/* ----------------------------------------------------------------
 * The operations
 * ----------------------------------------------------------------
 */

/*
 * ddb_op_put_resource_policy: the document that is there already keeps its
 * revision.
 */
Jsonb *
ddb_op_put_resource_policy(DdbDoc request)
{
	Resource	resource;
	DdbResourcePolicy old;
	DdbPolicy  *policy;
	DdbText		document;
	bool		exists;

	(void) ddb_request_string(request, "Policy", &document);
	policy = compile(document);
	open_resource(request, "PutResourcePolicy", ShareUpdateExclusiveLock, &resource);
	exists = ddb_policystore_read(resource.relid, resource.label, &old);
	check_revision(request, &resource, exists ? &old : NULL, true);
	check_self(request, &resource, policy);
	if (exists && ddb_text_is(document, old.document))
		return revision_response(old.revision_id);
	return revision_response(ddb_policystore_write(resource.relid, resource.label, document));
}

Jsonb *
ddb_op_get_resource_policy(DdbDoc request)
{
	Resource	resource;
	DdbResourcePolicy policy;
	JsonbValue	response;

	open_resource(request, "GetResourcePolicy", AccessShareLock, &resource);
	if (!ddb_policystore_read(resource.relid, resource.label, &policy))
		raise_no_policy(&resource);
	ddb_json_object(&response, 2);
	ddb_json_add_string(&response, "Policy", policy.document);
	ddb_json_add_string(&response, "RevisionId", policy.revision_id);
	return ddb_json_encode(&response);
}

/*
 * ddb_op_delete_resource_policy: without a policy there is nothing to do,
 * unless a certain one was expected.
 */
Jsonb *
ddb_op_delete_resource_policy(DdbDoc request)
{
	Resource	resource;
	DdbResourcePolicy old;
	bool		exists;

	open_resource(request, "DeleteResourcePolicy", ShareUpdateExclusiveLock, &resource);
	exists = ddb_policystore_read(resource.relid, resource.label, &old);
	check_revision(request, &resource, exists ? &old : NULL, false);
	if (!exists)
		return revision_response(NULL);
	return revision_response(ddb_policystore_delete(resource.relid, resource.label));
}
