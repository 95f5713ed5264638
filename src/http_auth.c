/*
 * http_auth.c
 *	  Who is asking: from the signature of a request to a role.
 *
 * An access key belongs to a role of the database, and a request signed with
 * it runs as that role.  Whether the role may log in does not matter: the key
 * is its door.  With dynamo.auth = none the signature's form is still checked,
 * as clients' tests expect, and everything runs as one role.
 *
 * This file only finds the role; switching to it is its caller's.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "utils/acl.h"
#include "utils/timestamp.h"

#include "accesskey.h"
#include "catalog.h"
#include "error.h"
#include "guc.h"
#include "http_message.h"
#include "sigv4.h"

/* the role of dynamo.anonymous_role, looked up each time since roles go */
static Oid
anonymous_role(void)
{
	Oid			role;

	if (ddb_anonymous_role == NULL || ddb_anonymous_role[0] == '\0')
		return ddb_catalog_owner();

	role = get_role_oid(ddb_anonymous_role, true);
	if (!OidIsValid(role))
		ddb_error_hint(DDB_UNRECOGNIZED_CLIENT,
					   "dynamo.anonymous_role must name a role that exists.",
					   "The security token included in the request is invalid.");
	return role;
}

/* A session's token must come with each request, any other key's with none. */
static bool
is_token_of(DdbText token, const DdbAccessKey *key)
{
	if (key->session_token == NULL || token.str == NULL)
		return key->session_token == NULL && token.str == NULL;
	return token.len == strlen(key->session_token) &&
		CRYPTO_memcmp(token.str, key->session_token, token.len) == 0;
}

/*
 * The access key that the claim names.  Raises UnrecognizedClientException for
 * an unknown one and for a wrong session token, ExpiredTokenException for a
 * session that is over.
 */
static const DdbAccessKey *
claimed_key(const DdbSigV4Claim *claim, TimestampTz now)
{
	const DdbAccessKey *key = ddb_accesskey_find(claim->access_key_id);

	if (key == NULL)
		ddb_error(DDB_UNRECOGNIZED_CLIENT,
				  "The security token included in the request is invalid.");
	if (!is_token_of(claim->session_token, key))
		ddb_error(DDB_UNRECOGNIZED_CLIENT,
				  "The security token included in the request is invalid");
	if (key->expires_at <= now)
		ddb_error(DDB_EXPIRED_TOKEN,
				  "The security token included in the request is expired");
	return key;
}

/*
 * ddb_http_authenticate: the role that a request runs as.  *key is set to the
 * access key that signed it, NULL with dynamo.auth = none.  Needs a
 * transaction.  Checks in this order: presence and form of the signature,
 * its date and scope, the access key, its session token, the signature.
 * Raises MissingAuthenticationTokenException, IncompleteSignatureException,
 * InvalidSignatureException, UnrecognizedClientException and
 * ExpiredTokenException; with dynamo.auth = none only those of presence and
 * form, and UnrecognizedClientException if there is no role to run as.
 */
Oid
ddb_http_authenticate(const HttpRequest *request, const DdbAccessKey **key)
{
	TimestampTz now = GetCurrentTimestamp();
	DdbSigV4Claim claim;

	*key = NULL;
	ddb_sigv4_read(request, &claim);
	if (ddb_auth == DDB_AUTH_NONE)
		return anonymous_role();

	ddb_sigv4_check(request, &claim, timestamptz_to_time_t(now), ddb_region);
	*key = claimed_key(&claim, now);
	ddb_sigv4_verify(request, &claim,
					 ddb_accesskey_signing_key(*key, claim.scope_date, claim.region,
											   claim.service));
	return (*key)->role;
}
