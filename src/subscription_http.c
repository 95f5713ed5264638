/*
 * subscription_http.c
 *	  Deliveries to URLs: which ones are allowed, and POST requests through
 *	  libcurl that do not wait for one another.
 *
 * Nobody may use the server to reach what it should not: a URL must match the
 * allow-list dynamo.subscription_urls, and its owner must be a member of the
 * role dynamo.subscription_url_role.  Redirects are not followed, proxies and
 * credentials of the environment are not used.  Where the host's name leads is
 * for who writes the list to judge.
 *
 * libcurl's memory is its own; callbacks raise no errors.  Its resolver uses
 * a thread, which must not take the server's signals: they are blocked while
 * libcurl runs.
 */
#include "postgres.h"

#include <signal.h>
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

#include "guc.h"
#include "subscription_internal.h"

#define MAX_RESPONSE	(1024 * 1024)
#define MAX_URL			2048
#define USER_AGENT		"pg_dynamo"

/* ----------------------------------------------------------------
 * URLs
 * ----------------------------------------------------------------
 */

/* the parts that are compared; palloc'd */
typedef struct UrlParts
{
	char	   *scheme;
	char	   *host;
	char	   *port;
	char	   *path;
	char	   *whole;
} UrlParts;

/* a part as a palloc'd copy; NULL if there is none */
static char *
copy_part(CURLU *url, CURLUPart part, unsigned int flags)
{
	char	   *text = NULL;
	char	   *copy = NULL;

	if (curl_url_get(url, part, &text, flags) == CURLUE_OK && text != NULL)
		copy = MemoryContextAllocExtended(CurrentMemoryContext, strlen(text) + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
		strcpy(copy, text);
	curl_free(text);
	return copy;
}

/* what is wrong with it, or NULL */
static const char *
take_apart(const char *text, UrlParts *parts)
{
	CURLU	   *url = curl_url();
	char	   *user;
	char	   *password;
	char	   *fragment;

	if (url == NULL)
		return "There is no memory for it.";
	if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK)
	{
		curl_url_cleanup(url);
		return "It is no absolute URL.";
	}
	parts->scheme = copy_part(url, CURLUPART_SCHEME, 0);
	parts->host = copy_part(url, CURLUPART_HOST, 0);
	parts->port = copy_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	parts->path = copy_part(url, CURLUPART_PATH, 0);
	parts->whole = copy_part(url, CURLUPART_URL, 0);
	user = copy_part(url, CURLUPART_USER, 0);
	password = copy_part(url, CURLUPART_PASSWORD, 0);
	fragment = copy_part(url, CURLUPART_FRAGMENT, 0);
	curl_url_cleanup(url);

	if (parts->scheme == NULL || parts->host == NULL || parts->port == NULL ||
		parts->path == NULL || parts->whole == NULL)
		return "It is no absolute URL.";
	if (strcmp(parts->scheme, "http") != 0 && strcmp(parts->scheme, "https") != 0)
		return "Its scheme must be http or https.";
	if (user != NULL || password != NULL)
		return "It must not have a user name or a password.";
	if (fragment != NULL)
		return "It must not have a fragment.";
	return NULL;
}

/* does a path hold what some servers take for another path? */
static bool
is_tricky(const char *path)
{
	const char *p;

	for (p = path; *p != '\0'; p++)
	{
		if (*p == '\\' || (unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7F)
			return true;
		if (*p == '%' && (pg_strncasecmp(p, "%2e", 3) == 0 || pg_strncasecmp(p, "%2f", 3) == 0 ||
						  pg_strncasecmp(p, "%5c", 3) == 0))
			return true;
	}
	return false;
}

char *
ddb_url_parse(const char *url)
{
	UrlParts	parts;
	const char *wrong = strlen(url) > MAX_URL ? "It is too long." : take_apart(url, &parts);

	if (wrong == NULL && is_tricky(parts.path))
		wrong = "Its path holds characters that are not allowed.";
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target URL is not valid"),
				 errdetail_internal("%s", wrong)));
	return parts.whole;
}

static bool
host_matches(const char *host, const char *allowed, bool any_subdomain)
{
	size_t		host_len = strlen(host);
	size_t		allowed_len = strlen(allowed);

	if (!any_subdomain)
		return pg_strcasecmp(host, allowed) == 0;
	return host_len > allowed_len + 1 && host[host_len - allowed_len - 1] == '.' &&
		pg_strcasecmp(host + host_len - allowed_len, allowed) == 0;
}

/* below a path, at a border of its segments */
static bool
path_matches(const char *path, const char *allowed)
{
	size_t		len = strlen(allowed);

	return strncmp(path, allowed, len) == 0 &&
		(len == 0 || allowed[len - 1] == '/' || path[len] == '\0' || path[len] == '/');
}

/*
 * Does a URL match an entry of the list: scheme, host and port are equal, and
 * the path begins with the entry's?  A host may begin with "*.".
 */
static bool
entry_matches(const UrlParts *url, const char *entry)
{
	const char *authority = strstr(entry, "://");
	bool		any_subdomain = authority != NULL && strncmp(authority + 3, "*.", 2) == 0;
	UrlParts	allowed;
	char	   *text = pstrdup(entry);

	if (any_subdomain)
	{
		char	   *star = text + (authority - entry) + 3;

		memmove(star, star + 2, strlen(star + 2) + 1);
	}
	return take_apart(text, &allowed) == NULL &&
		strcmp(url->scheme, allowed.scheme) == 0 &&
		strcmp(url->port, allowed.port) == 0 &&
		host_matches(url->host, allowed.host, any_subdomain) &&
		path_matches(url->path, allowed.path);
}

static bool
is_listed(const UrlParts *url)
{
	char	   *list = pstrdup(ddb_subscription_urls ? ddb_subscription_urls : "");
	char	   *save = NULL;
	char	   *entry;

	for (entry = strtok_r(list, ", \t\n", &save); entry != NULL;
		 entry = strtok_r(NULL, ", \t\n", &save))
	{
		if (entry_matches(url, entry))
			return true;
	}
	return false;
}

static bool
has_url_role(Oid owner)
{
	Oid			role;

	if (superuser_arg(owner))
		return true;
	if (ddb_subscription_url_role == NULL || ddb_subscription_url_role[0] == '\0')
		return false;
	role = get_role_oid(ddb_subscription_url_role, true);
	return OidIsValid(role) && has_privs_of_role(owner, role);
}

void
ddb_url_check(const char *url, Oid owner)
{
	UrlParts	parts;
	const char *wrong = take_apart(url, &parts);

	if (!has_url_role(owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for subscriptions to URLs"),
				 errdetail("Only superusers and members of the role that dynamo.subscription_url_role names may have them.")));
	if (wrong != NULL || !is_listed(&parts))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("target URL is not allowed"),
				 errdetail("It matches no entry of dynamo.subscription_urls.")));
}

/* ----------------------------------------------------------------
 * Requests
 * ----------------------------------------------------------------
 */

struct DdbPost
{
	MemoryContext context;		/* of this and what it points to */
	CURL	   *easy;
	struct curl_slist *headers;
	StringInfoData body;
	char	   *response;		/* malloc'd, NUL-terminated; NULL if empty */
	size_t		response_len;
	bool		done;
	CURLcode	result;
	char		error[CURL_ERROR_SIZE];
};

static CURLM *multi = NULL;
static int	posts = 0;

/*
 * All signals are blocked while libcurl runs: threads it starts inherit that.
 */
static void
enter_curl(sigset_t *before)
{
	sigset_t	all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

static void
leave_curl(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* what libcurl hands over of a response; raises nothing */
static size_t
take_response(char *data, size_t size, size_t count, void *arg)
{
	DdbPost    *post = arg;
	size_t		len = size * count;
	char	   *larger;

	if (post->response_len + len > MAX_RESPONSE)
		return 0;
	larger = realloc(post->response, post->response_len + len + 1);
	if (larger == NULL)
		return 0;
	memcpy(larger + post->response_len, data, len);
	post->response = larger;
	post->response_len += len;
	larger[post->response_len] = '\0';
	return len;
}

static void
append_header(DdbPost *post, const char *line)
{
	struct curl_slist *longer = curl_slist_append(post->headers, line);

	if (longer == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	post->headers = longer;
}

/* X-Pg-Dynamo-Signature: sha256=<hex of the HMAC of the body> */
static void
append_signature(DdbPost *post, const char *secret)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	StringInfoData line;
	unsigned int i;

	if (HMAC(EVP_sha256(), secret, strlen(secret), (unsigned char *) post->body.data,
			 post->body.len, digest, &len) == NULL)
		elog(ERROR, "could not sign a request");
	initStringInfo(&line);
	appendStringInfoString(&line, "X-Pg-Dynamo-Signature: sha256=");
	for (i = 0; i < len; i++)
		appendStringInfo(&line, "%02x", digest[i]);
	append_header(post, line.data);
}

static void
set_options(DdbPost *post, const char *url)
{
	CURL	   *easy = post->easy;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body.data);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) post->body.len);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_response);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) ddb_subscription_timeout);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void
begin_curl(void)
{
	if (multi != NULL)
		return;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		elog(ERROR, "could not set up libcurl");
}

static DdbPost *
make_post(StringInfo body)
{
	MemoryContext context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo post",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	DdbPost    *post = palloc0(sizeof(DdbPost));

	post->context = context;
	initStringInfo(&post->body);
	appendBinaryStringInfo(&post->body, body->data, body->len);
	MemoryContextSwitchTo(caller);
	return post;
}

DdbPost *
ddb_post_start(const DdbSubscription *subscription, StringInfo body)
{
	DdbPost    *post;
	sigset_t	signals;
	CURLMcode	added;

	begin_curl();
	post = make_post(body);
	PG_TRY();
	{
		append_header(post, "Content-Type: application/json");
		append_header(post, "Expect:");
		if (subscription->options.secret != NULL)
			append_signature(post, subscription->options.secret);
		post->easy = curl_easy_init();
		if (post->easy == NULL)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		set_options(post, subscription->target);
		enter_curl(&signals);
		added = curl_multi_add_handle(multi, post->easy);
		leave_curl(&signals);
		if (added != CURLM_OK)
			elog(ERROR, "could not begin a request: %s", curl_multi_strerror(added));
		posts++;
	}
	PG_CATCH();
	{
		if (post->easy != NULL)
			curl_easy_cleanup(post->easy);
		curl_slist_free_all(post->headers);
		MemoryContextDelete(post->context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return post;
}

void
ddb_post_free(DdbPost *post)
{
	sigset_t	signals;

	enter_curl(&signals);
	curl_multi_remove_handle(multi, post->easy);
	curl_easy_cleanup(post->easy);
	leave_curl(&signals);
	curl_slist_free_all(post->headers);
	free(post->response);
	MemoryContextDelete(post->context);
	posts--;
}

bool
ddb_post_is_done(DdbPost *post, char **error, DdbText *response)
{
	long		status = 0;

	if (!post->done)
		return false;
	response->str = post->response != NULL ? post->response : "";
	response->len = (int) post->response_len;
	*error = NULL;
	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	if (post->result == CURLE_WRITE_ERROR)
		*error = pstrdup("the response is too large");
	else if (post->result != CURLE_OK)
		*error = pstrdup(post->error[0] != '\0' ? post->error : curl_easy_strerror(post->result));
	else if (status < 200 || status > 299)
		*error = psprintf("HTTP status %ld", status);
	return true;
}

int
ddb_post_count(void)
{
	return posts;
}

void
ddb_post_perform(int wait_ms)
{
	sigset_t	signals;
	CURLMsg    *message;
	int			count;

	if (posts == 0)
		return;
	enter_curl(&signals);
	curl_multi_perform(multi, &count);
	while ((message = curl_multi_info_read(multi, &count)) != NULL)
	{
		DdbPost    *post = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &post);
		post->done = true;
		post->result = message->data.result;
		wait_ms = 0;
	}
	if (wait_ms > 0)
		curl_multi_poll(multi, NULL, 0, wait_ms, &count);
	leave_curl(&signals);
}
