/*
 * sigv4.h
 *	  AWS Signature Version 4: reading a request's claim, and verifying it.
 *
 * A function of its inputs: it knows no keys, no roles, no clock of its own.
 */
#ifndef DDB_SIGV4_H
#define DDB_SIGV4_H

#include "jsondoc.h"

#define DDB_SIGV4_KEY_LENGTH	32	/* of a signing key and of a MAC, in bytes */

typedef struct DdbHttpHeader
{
	DdbText		name;			/* as sent */
	DdbText		value;			/* as sent; surrounding blanks may be there */
} DdbHttpHeader;

/* what of an HTTP request is signed */
typedef struct DdbSignedRequest
{
	const char *method;
	DdbText		uri;			/* the request target as sent: path and query */
	const DdbHttpHeader *headers;
	int			nheaders;
	DdbText		body;			/* the bytes on the wire */
} DdbSignedRequest;

/* what a request says of itself; texts point into the request or are palloc'd */
typedef struct DdbSigV4Claim
{
	bool		in_query;		/* a presigned URL, no Authorization header */
	DdbText		authorization;	/* the header's value; str is NULL if in_query */
	DdbText		algorithm;
	DdbText		credential;		/* whole: id/date/region/service/terminator */
	DdbText		signed_headers; /* as sent, separated by semicolons */
	DdbText		signature;		/* as sent */
	DdbText		date;			/* of X-Amz-Date or Date, as sent */
	DdbText		session_token;	/* str is NULL if none */

	/* set by ddb_sigv4_check */
	DdbText		access_key_id;
	char		timestamp[17];	/* yyyymmddThhmmssZ */
	char		scope_date[9];	/* yyyymmdd */
	DdbText		region;			/* of the scope */
	DdbText		service;		/* of the scope */
} DdbSigV4Claim;

/*
 * ddb_sigv4_read: find the claim and its parts.  Raises what is wrong with its
 * form: InvalidSignatureException (both header and query),
 * MissingAuthenticationTokenException, IncompleteSignatureException (missing
 * parts, parts that are no pairs).
 */
extern void ddb_sigv4_read(const DdbSignedRequest *request, DdbSigV4Claim *claim);

/*
 * ddb_sigv4_check: date and clock (now: seconds since 1970), signed Host,
 * algorithm, credential, scope (this region, service dynamodb), in this order.
 */
extern void ddb_sigv4_check(const DdbSignedRequest *request, DdbSigV4Claim *claim,
							int64 now, const char *region);

/* the key for one secret, day, region and service */
extern void ddb_sigv4_signing_key(const char *secret, const char *scope_date,
								  DdbText region, DdbText service,
								  uint8 key[DDB_SIGV4_KEY_LENGTH]);

/*
 * ddb_sigv4_verify: does the claim's signature come from this signing key?
 * Compares in constant time; raises InvalidSignatureException if not.
 */
extern void ddb_sigv4_verify(const DdbSignedRequest *request, const DdbSigV4Claim *claim,
							 const uint8 key[DDB_SIGV4_KEY_LENGTH]);

#endif							/* DDB_SIGV4_H */
