/*
 * access.c
 *	  May the caller do this?  Policies found, evaluated, and what follows.
 *
 * The principal of a request is the current role, under SQL as over HTTP; an
 * access key adds its own policies while its role is the current one.  The
 * first look decides whatever does not depend on the request's content; where
 * no policy asks for condition keys of that kind there is nothing left for the
 * second, and nothing is gathered for it.
 *
 * A resource is told by its ARN.  One that is sent as an ARN, with whatever
 * partition, of our region and account, is looked at as the table that it
 * leads to.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "access_internal.h"
#include "error.h"
#include "guc.h"
#include "policystore.h"
#include "streamlog.h"

#define CONTENT_KEYS		"dynamodb:" /* condition keys with values from the request */
#define ARN_OF_DYNAMODB		"arn:aws:dynamodb:"
#define MAX_ACTION			64
#define MAX_NAME			255		/* of a table or index, in bytes */
#define MAX_ACCESS_KEY		128
#define DECISIONS			64

/* the policies that a look asks */
typedef struct Policies
{
	const DdbPolicySet *of_role;	/* NULL or empty for none */
	const DdbPolicySet *of_key;
	const DdbStoredPolicy *of_resource; /* NULL for none */
} Policies;

/*
 * What the first look at a resource has allowed, which holds as long as the
 * same role asks for the same and nothing has changed.
 */
typedef struct Decision
{
	uint64		version;		/* of policies */
	const char *action;			/* a constant's address; NULL in an unused entry */
	Oid			role;
	Oid			relid;
	bool		whole;
	bool		has_index;
	bool		restricted;		/* does a policy ask for the request's content? */
	bool		allowed;		/* whatever the content, unless that is denied */
	uint64		pending_identity;	/* statements that depend on the content */
	uint64		pending_resource;
	char		table[MAX_NAME + 1];
	char		index[MAX_NAME + 1];
	char		access_key[MAX_ACCESS_KEY + 1];	/* empty for none */
} Decision;

/* what they say */
typedef struct Verdict
{
	bool		has_identity;	/* is there any identity policy? */
	DdbPolicyVerdict identity;
	DdbPolicyVerdict resource;
} Verdict;

DdbCaller	ddb_access_caller;
DdbSimulation *ddb_access_simulation = NULL;

static Decision *decisions = NULL;	/* by hash */
static Decision *last_decision = NULL;	/* of the last first look, if it is kept */

/* ----------------------------------------------------------------
 * The principal
 * ----------------------------------------------------------------
 */

/* the role asked for last */
static Oid	named_role = InvalidOid;
static char named_role_name[NAMEDATALEN];

static void
forget_name(Datum arg, int cacheid, uint32 hashvalue)
{
	named_role = InvalidOid;
}

static const char *
name_of_role(Oid role)
{
	static bool registered = false;

	if (named_role == role && OidIsValid(role))
		return named_role_name;
	if (!registered)
	{
		CacheRegisterSyscacheCallback(AUTHOID, forget_name, (Datum) 0);
		registered = true;
	}
	strlcpy(named_role_name, GetUserNameFromId(role, false), NAMEDATALEN);
	named_role = role;
	return named_role_name;
}

bool
ddb_access_caller_is(Oid role)
{
	return OidIsValid(ddb_access_caller.role) && ddb_access_caller.role == role;
}

/* ----------------------------------------------------------------
 * ARNs
 * ----------------------------------------------------------------
 */

/* cut off what begins an ARN of DynamoDB in our region and account */
static bool
skip_ours(DdbText *arn)
{
	return ddb_text_skip(arn, ":dynamodb:") && ddb_text_skip(arn, ddb_region) &&
		ddb_text_skip(arn, ":") && ddb_text_skip(arn, ddb_account_id) &&
		ddb_text_skip(arn, ":");
}

/*
 * An ARN with "aws" as its partition, if it is of our region and account; any
 * other as it is.
 */
static DdbText
with_own_partition(DdbText arn)
{
	DdbText		rest = arn;
	const char *end;
	StringInfoData own;

	if (!ddb_text_skip(&rest, "arn:"))
		return arn;
	end = memchr(rest.str, ':', rest.len);
	if (end == NULL || (end - rest.str == 3 && memcmp(rest.str, "aws", 3) == 0))
		return arn;
	rest.len -= end - rest.str;
	rest.str = end;
	initStringInfo(&own);
	appendStringInfoString(&own, "arn:aws");
	appendBinaryStringInfo(&own, rest.str, rest.len);
	if (!skip_ours(&rest))
		return arn;
	rest.str = own.data;
	rest.len = own.len;
	return rest;
}

static char *
append(char *end, const char *str, int len)
{
	memcpy(end, str, len);
	return end + len;
}

/* the ARN of a table, or of its index unless index.str is NULL */
static DdbText
arn_of(DdbText table, DdbText index)
{
	static const char prefix[] = ARN_OF_DYNAMODB;
	int			region = strlen(ddb_region);
	int			account = strlen(ddb_account_id);
	bool		is_arn = table.len >= 4 && memcmp(table.str, "arn:", 4) == 0;
	DdbText		arn;
	char	   *end;

	if (is_arn)
		table = with_own_partition(table);
	end = palloc(sizeof(prefix) + region + account + table.len + index.len + 32);
	arn.str = end;
	if (!is_arn)
	{
		end = append(end, prefix, sizeof(prefix) - 1);
		end = append(end, ddb_region, region);
		*end++ = ':';
		end = append(end, ddb_account_id, account);
		end = append(end, ":table/", 7);
	}
	end = append(end, table.str, table.len);
	if (index.str != NULL)
	{
		end = append(end, "/index/", 7);
		end = append(end, index.str, index.len);
	}
	*end = '\0';
	arn.len = end - arn.str;
	return arn;
}

/* what an ARN leads to */
typedef struct Resource
{
	const DdbTable *table;		/* itself, or what is part of it; NULL for none */
	Oid			relid;			/* that policies are stored for; InvalidOid for none */
	char	   *label;			/* of a stream; NULL for none */
} Resource;

/* a stream may outlive its table, and another may have its name now */
static void
find_stream(DdbText name, DdbText label, Resource *out)
{
	const DdbStream *stream = ddb_stream_find(name, label);

	if (stream == NULL)
		return;
	out->relid = stream->relid;
	out->label = stream->label;
	if (out->table != NULL && out->table->relid != stream->relid)
		out->table = NULL;
}

/*
 * The table that an ARN names, itself or by an index, a stream or whatever
 * else is below it.
 */
static void
find_resource(DdbText arn, Resource *out)
{
	const char *end;
	DdbText		name;

	memset(out, 0, sizeof(Resource));
	if (!ddb_text_skip(&arn, "arn:aws") || !skip_ours(&arn) || !ddb_text_skip(&arn, "table/"))
		return;
	name = arn;
	end = memchr(arn.str, '/', arn.len);
	if (end != NULL)
		name.len = end - arn.str;
	out->table = ddb_catalog_find(name.str, name.len);
	arn.str += name.len;
	arn.len -= name.len;
	if (ddb_text_skip(&arn, "/stream/"))
		find_stream(name, arn, out);
	else if (out->table != NULL)
		out->relid = out->table->relid;
}

/* ----------------------------------------------------------------
 * Policies
 * ----------------------------------------------------------------
 */

static void
find_policies(Oid role, Oid relid, const char *label, Policies *out)
{
	out->of_role = ddb_policystore_of_role(role);
	out->of_key = NULL;
	if (ddb_access_caller.access_key_id != NULL && ddb_access_caller_is(role))
		out->of_key = ddb_policystore_of_key(ddb_access_caller.access_key_id);
	out->of_resource = OidIsValid(relid) ? ddb_policystore_of_resource(relid, label) : NULL;
}

static bool
uses_content(const DdbStoredPolicy *stored)
{
	return stored->policy != NULL && ddb_policy_uses_key(stored->policy, CONTENT_KEYS);
}

static bool
set_uses_content(const DdbPolicySet *set)
{
	int			i;

	for (i = 0; set != NULL && i < set->count; i++)
	{
		if (uses_content(&set->policies[i]))
			return true;
	}
	return false;
}

/* one policy's word, added to those before it; pending: NULL to ask all of it */
static void
ask(const DdbStoredPolicy *stored, const DdbPolicyRequest *request, const uint64 *pending,
	DdbPolicyVerdict *verdict)
{
	if (stored->policy == NULL)
		verdict->denied = true;
	else if (pending == NULL)
		ddb_policy_evaluate(stored->policy, request, verdict);
	else
		ddb_policy_evaluate_pending(stored->policy, request, *pending, verdict);
}

static void
ask_set(const DdbPolicySet *set, const DdbPolicyRequest *request, const Decision *known,
		Verdict *verdict)
{
	int			i;

	if (set == NULL || set->count == 0)
		return;
	verdict->has_identity = true;
	for (i = 0; i < set->count; i++)
		ask(&set->policies[i], request, known != NULL ? &known->pending_identity : NULL,
			&verdict->identity);
}

static void
init_request(DdbPolicyRequest *request, DdbLook *look)
{
	request->action = look->action;
	request->resource = look->resource;
	request->principal = look->principal;
	request->account.str = ddb_account_id;
	request->account.len = strlen(ddb_account_id);
	request->lookup = ddb_access_lookup;
	request->arg = look;
}

static void
ask_all(const Policies *policies, const DdbPolicyRequest *request, const Decision *known,
		Verdict *verdict)
{
	memset(verdict, 0, sizeof(Verdict));
	ask_set(policies->of_role, request, known, verdict);
	ask_set(policies->of_key, request, known, verdict);
	if (policies->of_resource != NULL)
		ask(policies->of_resource, request, known != NULL ? &known->pending_resource : NULL,
			&verdict->resource);
	if (known != NULL && known->allowed)
		verdict->identity.allowed = true;
}

/*
 * At the first look what may be allowed is allowed so far.
 */
static DdbDecision
decide(const Verdict *verdict, bool first)
{
	if (verdict->identity.denied)
		return DDB_DENIED_BY_IDENTITY;
	if (verdict->resource.denied)
		return DDB_DENIED_BY_RESOURCE;
	if (!verdict->has_identity || verdict->identity.allowed || verdict->resource.allowed)
		return DDB_ALLOWED;
	if (first && (verdict->identity.may_be_allowed || verdict->resource.may_be_allowed))
		return DDB_ALLOWED;
	return DDB_DENIED_IMPLICITLY;
}

/* ----------------------------------------------------------------
 * Simulations
 * ----------------------------------------------------------------
 */

/* the statements of a policy that allow, or deny, as simulations tell of them */
static void
add_statements(JsonbValue *list, const DdbStoredPolicy *stored, const char *type,
			   const DdbPolicyRequest *request, bool allow)
{
	DdbPolicySource source = {stored->name, type};
	JsonbValue	problem;

	if (stored->policy != NULL)
	{
		ddb_policy_list_applying(stored->policy, request, allow, &source, list);
		return;
	}
	if (allow)
		return;
	ddb_json_object(&problem, 3);
	ddb_json_add_string(&problem, "SourcePolicyId", source.id);
	ddb_json_add_string(&problem, "SourcePolicyType", source.type);
	ddb_json_add_string(&problem, "Problem", "not a valid policy");
	ddb_json_append(list, &problem);
}

static void
add_statements_of_set(JsonbValue *list, const DdbPolicySet *set,
					  const DdbPolicyRequest *request, bool allow)
{
	int			i;

	for (i = 0; set != NULL && i < set->count; i++)
		add_statements(list, &set->policies[i], "IAM Policy", request, allow);
}

/* those that made the decision */
static Jsonb *
deciding_statements(const Policies *policies, const DdbPolicyRequest *request,
					DdbDecision decision)
{
	bool		allow = decision == DDB_ALLOWED;
	JsonbValue	list;

	ddb_json_array(&list, 4);
	if (decision != DDB_DENIED_IMPLICITLY)
	{
		add_statements_of_set(&list, policies->of_role, request, allow);
		add_statements_of_set(&list, policies->of_key, request, allow);
		if (policies->of_resource != NULL)
			add_statements(&list, policies->of_resource, "Resource Policy", request, allow);
	}
	return ddb_json_encode(&list);
}

/* the note of the first look that this second one completes */
static DdbLookNote *
note_of_first_look(const char *action, const char *resource)
{
	ListCell   *lc;

	foreach(lc, ddb_access_simulation->notes)
	{
		DdbLookNote *note = lfirst(lc);

		if (note->first && strcmp(note->action, action) == 0 &&
			strcmp(note->resource, resource) == 0)
			return note;
	}
	return NULL;
}

static DdbLookNote *
new_note(const char *action, const char *resource)
{
	DdbLookNote *note = palloc0(sizeof(DdbLookNote));

	note->action = pstrdup(action);
	note->resource = pstrdup(resource);
	ddb_access_simulation->notes = lappend(ddb_access_simulation->notes, note);
	return note;
}

static void
take_note(DdbLook *look, const Policies *policies, const DdbPolicyRequest *request)
{
	bool		first = look->first != NULL && !look->first->whole;
	DdbLookNote *note = NULL;
	DdbDecision decision;
	Jsonb	   *statements;
	MemoryContext old;
	Verdict		verdict;
	ListCell   *lc;
	char	   *resource = pnstrdup(look->resource.str, look->resource.len);

	ask_all(policies, request, NULL, &verdict);
	decision = decide(&verdict, first);
	statements = deciding_statements(policies, request, decision);

	old = MemoryContextSwitchTo(ddb_access_simulation->context);
	if (look->first == NULL)
		note = note_of_first_look(look->action, resource);
	if (note == NULL)
		note = new_note(look->action, resource);
	note->first = first;
	note->decision = decision;
	note->statements = ddb_doc_copy(ddb_doc_root(statements));
	note->missing = NIL;
	foreach(lc, look->missing)
		note->missing = lappend(note->missing, pstrdup(lfirst(lc)));
	MemoryContextSwitchTo(old);
}

void
ddb_access_leave(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DDB_SIMULATED),
			 errmsg("all looks at the request have been taken")));
}

/* ----------------------------------------------------------------
 * Looks
 * ----------------------------------------------------------------
 */

/* buffer has room for MAX_ACTION bytes */
static void
make_action(char *buffer, const char *action)
{
	static const char prefix[] = "dynamodb:";

	strlcpy(append(buffer, prefix, sizeof(prefix) - 1), action,
			MAX_ACTION - sizeof(prefix) + 1);
}

static DdbText
make_principal(const char *role_name)
{
	static const char prefix[] = "arn:aws:iam::";
	int			account = strlen(ddb_account_id);
	int			name = strlen(role_name);
	char	   *end = palloc(sizeof(prefix) + account + name + 8);
	DdbText		arn = {end, 0};

	end = append(end, prefix, sizeof(prefix) - 1);
	end = append(end, ddb_account_id, account);
	end = append(end, ":user/", 6);
	end = append(end, role_name, name);
	*end = '\0';
	arn.len = end - arn.str;
	return arn;
}

static void pg_attribute_noreturn()
refuse(DdbDecision decision, const char *action, DdbText resource)
{
	char	   *arn = pnstrdup(resource.str, resource.len);

	if (decision == DDB_DENIED_IMPLICITLY)
		ddb_access_denied(action, arn);
	ddb_access_denied_explicitly(action, arn, decision == DDB_DENIED_BY_RESOURCE);
}

/* fill in who asks, and what; full_action has room for MAX_ACTION bytes */
static void
init_look(DdbLook *look, DdbPolicyRequest *request, const char *action, char *full_action)
{
	make_action(full_action, action);
	look->action = full_action;
	look->role = GetUserId();
	look->role_name = name_of_role(look->role);
	look->principal = make_principal(look->role_name);
	init_request(request, look);
}

/*
 * One look: the fields of *look that tell the resource, and which look it is,
 * are set.  known: what the first look has decided, whose pending statements
 * are asked; NULL to ask all of them.
 * *verdict is what they say.
 */
static void
take_look(DdbLook *look, const char *action, Oid relid, const char *label,
		  const Decision *known, Verdict *verdict)
{
	char		full_action[MAX_ACTION];
	DdbPolicyRequest request;
	Policies	policies;
	DdbDecision decision;

	init_look(look, &request, action, full_action);
	find_policies(look->role, relid, label, &policies);
	if (known != NULL && known->version != ddb_policystore_version())
		known = NULL;			/* they have changed just now */
	if (ddb_access_simulation != NULL)
	{
		take_note(look, &policies, &request);
		return;
	}
	ask_all(&policies, &request, known, verdict);
	decision = decide(verdict, look->first != NULL && !look->first->whole);
	if (decision != DDB_ALLOWED)
		refuse(decision, action, look->resource);
}

bool
ddb_access_is_active(void)
{
	if (ddb_access_simulation != NULL)
		return true;
	return !ddb_policystore_is_empty() && !ddb_access_caller.is_service;
}

/* does any policy that holds for the table ask for the request's content? */
static bool
asks_for_content(const DdbTable *table)
{
	Policies	policies;

	find_policies(GetUserId(), table->relid, NULL, &policies);
	return set_uses_content(policies.of_role) || set_uses_content(policies.of_key) ||
		(policies.of_resource != NULL && uses_content(policies.of_resource));
}

static bool
is_text(const char *str, DdbText text)
{
	return memcmp(str, text.str, text.len) == 0 && str[text.len] == '\0';
}

/* the id of the access key whose policies hold for the current role; empty for none */
static DdbText
caller_access_key(void)
{
	DdbText		id = {"", 0};

	if (ddb_access_caller.access_key_id != NULL && ddb_access_caller_is(GetUserId()))
	{
		id.str = ddb_access_caller.access_key_id;
		id.len = strlen(id.str);
	}
	return id;
}

static bool
is_decision_on(const Decision *decision, const DdbTable *table)
{
	return decision->relid == table->relid && decision->role == GetUserId() &&
		decision->version == ddb_policystore_version() &&
		is_text(decision->access_key, caller_access_key());
}

/*
 * ddb_access_is_restricted: the first look has decided all that does not
 * depend on the request's content.
 */
bool
ddb_access_is_restricted(const DdbTable *table)
{
	if (ddb_access_simulation != NULL)
		return true;
	if (!ddb_access_is_active())
		return false;
	if (last_decision != NULL && is_decision_on(last_decision, table))
		return last_decision->restricted;
	return asks_for_content(table);
}

/* ----------------------------------------------------------------
 * Decisions that hold
 * ----------------------------------------------------------------
 */

/* what the key of a decision is made from, beside the current role and version */
typedef struct DecisionKey
{
	const DdbFirstLook *first;
	const DdbTable *table;
	DdbText		table_name;
	bool		has_index;
	DdbText		index_name;		/* empty for none */
	DdbText		access_key;		/* the same */
} DecisionKey;

static void
set_text(char *str, DdbText text)
{
	memcpy(str, text.str, text.len);
	str[text.len] = '\0';
}

/*
 * False for what is not kept: a table that does not exist, or is named by an
 * ARN, which has many spellings.
 */
static bool
make_decision_key(DecisionKey *key, const DdbFirstLook *first, DdbText table_name,
				  DdbText index_name)
{
	key->table = ddb_catalog_find(table_name.str, table_name.len);
	if (key->table == NULL || table_name.len > MAX_NAME || index_name.len > MAX_NAME)
		return false;
	key->first = first;
	key->table_name = table_name;
	key->has_index = index_name.str != NULL;
	key->index_name.str = key->has_index ? index_name.str : "";
	key->index_name.len = key->has_index ? index_name.len : 0;
	key->access_key = caller_access_key();
	return key->access_key.len <= MAX_ACCESS_KEY;
}

/* decisions are about ARNs, which have region and account in them */
static void
forget_other_region(void)
{
	static char *region = NULL;
	static char *account = NULL;

	if (region != NULL && strcmp(region, ddb_region) == 0 &&
		strcmp(account, ddb_account_id) == 0)
		return;
	if (decisions == NULL)
		decisions = MemoryContextAlloc(TopMemoryContext, DECISIONS * sizeof(Decision));
	memset(decisions, 0, DECISIONS * sizeof(Decision));
	if (region != NULL)
		pfree(region);
	if (account != NULL)
		pfree(account);
	region = account = NULL;
	region = MemoryContextStrdup(TopMemoryContext, ddb_region);
	account = MemoryContextStrdup(TopMemoryContext, ddb_account_id);
}

/* the place of the decision, which may be another's still */
static Decision *
place_of_decision(const DecisionKey *key)
{
	uint32		hash;

	forget_other_region();
	hash = hash_combine(key->table->relid, (uint32) ((uintptr_t) key->first->action));
	return &decisions[hash_combine(hash, GetUserId() + key->access_key.len +
								   key->index_name.len) % DECISIONS];
}

static bool
is_decision(const Decision *decision, const DecisionKey *key)
{
	return decision->version == ddb_policystore_version() &&
		decision->action == key->first->action &&
		decision->role == GetUserId() &&
		decision->relid == key->table->relid &&
		decision->whole == key->first->whole &&
		decision->has_index == key->has_index &&
		is_text(decision->table, key->table_name) &&
		is_text(decision->index, key->index_name) &&
		is_text(decision->access_key, key->access_key);
}

static void
keep_decision(Decision *decision, const DecisionKey *key, uint64 version,
			  const Verdict *verdict)
{
	decision->version = version;
	decision->role = GetUserId();
	decision->relid = key->table->relid;
	decision->whole = key->first->whole;
	decision->has_index = key->has_index;
	set_text(decision->table, key->table_name);
	set_text(decision->index, key->index_name);
	set_text(decision->access_key, key->access_key);
	decision->allowed = verdict->identity.allowed || verdict->resource.allowed;
	decision->pending_identity = verdict->identity.pending;
	decision->pending_resource = verdict->resource.pending;
	decision->restricted = asks_for_content(key->table);
	decision->action = key->first->action;
}

/* the first look at the same resource for the same action, if it is kept */
static const Decision *
decision_of(const DdbAccess *access)
{
	const Decision *decision = last_decision;

	if (ddb_access_simulation != NULL || decision == NULL || !is_decision_on(decision, access->table) ||
		strcmp(decision->action, access->action) != 0 ||
		decision->has_index != (access->index != NULL))
		return NULL;
	if (access->index != NULL && strcmp(decision->index, access->index->name) != 0)
		return NULL;
	return decision;
}

/* ----------------------------------------------------------------
 * The looks of callers
 * ----------------------------------------------------------------
 */

void
ddb_access_check(const DdbAccess *access)
{
	DdbText		table = {access->table->name, strlen(access->table->name)};
	DdbText		index = {NULL, 0};
	const Decision *known;
	Verdict		verdict;
	DdbLook		look;

	if (!ddb_access_is_active())
		return;
	known = decision_of(access);
	if (known != NULL && known->pending_identity == 0 && known->pending_resource == 0)
		return;
	if (access->index != NULL)
	{
		index.str = access->index->name;
		index.len = strlen(index.str);
	}
	memset(&look, 0, sizeof(look));
	look.access = access;
	look.table = access->table;
	look.resource = arn_of(table, index);
	take_look(&look, access->action, look.table->relid, NULL, known, &verdict);
}

/* true if it holds for the next look at the same resource, too */
static bool
take_first_look(const DdbFirstLook *first, DdbText arn, Verdict *verdict)
{
	Resource	resource;
	DdbLook		look;

	memset(&look, 0, sizeof(look));
	look.first = first;
	look.resource = arn;
	find_resource(arn, &resource);
	look.table = resource.table;
	last_decision = NULL;
	memset(verdict, 0, sizeof(Verdict));
	take_look(&look, first->action, resource.relid, resource.label, NULL, verdict);
	return !look.changeable && verdict->identity.nstatements <= DDB_POLICY_MAX_PENDING &&
		verdict->resource.nstatements <= DDB_POLICY_MAX_PENDING;
}

void
ddb_access_check_action(const DdbFirstLook *first, DdbText arn)
{
	Verdict		verdict;

	if (ddb_access_is_active())
		(void) take_first_look(first, with_own_partition(arn), &verdict);
}

bool
ddb_access_is_denied_by(const DdbPolicy *policy, const char *action, DdbText arn)
{
	DdbFirstLook first = {.action = action, .whole = true};
	char		full_action[MAX_ACTION];
	DdbPolicyRequest request;
	DdbPolicyVerdict verdict;
	Resource	resource;
	DdbLook		look;

	memset(&look, 0, sizeof(look));
	memset(&verdict, 0, sizeof(verdict));
	look.first = &first;
	look.resource = with_own_partition(arn);
	find_resource(look.resource, &resource);
	look.table = resource.table;
	init_look(&look, &request, action, full_action);
	ddb_policy_evaluate(policy, &request, &verdict);
	return verdict.denied;
}

void
ddb_access_check_table(const DdbFirstLook *first, DdbText table_name, DdbText index_name)
{
	Decision   *decision;
	DecisionKey key;
	uint64		version;
	Verdict		verdict;

	if (!ddb_access_is_active())
		return;
	if (ddb_access_simulation != NULL ||
		!make_decision_key(&key, first, table_name, index_name))
	{
		(void) take_first_look(first, arn_of(table_name, index_name), &verdict);
		return;
	}
	decision = place_of_decision(&key);
	if (!is_decision(decision, &key))
	{
		version = ddb_policystore_version();
		decision->action = NULL;
		if (!take_first_look(first, arn_of(table_name, index_name), &verdict))
			return;
		keep_decision(decision, &key, version, &verdict);
	}
	last_decision = decision;
}
