/*
 * partiql_words.c
 *	  The words of PartiQL that mean something: keywords, and names of types.
 *
 * Words have no letter case.  A keyword is a name in double quotes only.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "partiql.h"

#define MAX_KEYWORD		32		/* longer than any keyword */

/* names of types after IS, for the type names of attribute_type */
static const struct
{
	const char *name;
	const char *type;
}			types[] = {
	{"NULL", "NULL"},
	{"S", "S"}, {"STRING", "S"}, {"VARCHAR", "S"}, {"CHAR", "S"},
	{"N", "N"}, {"NUMBER", "N"}, {"NUMERIC", "N"}, {"DECIMAL", "N"},
	{"INT", "N"}, {"INTEGER", "N"}, {"FLOAT", "N"},
	{"B", "B"}, {"BINARY", "B"}, {"BLOB", "B"},
	{"BOOL", "BOOL"}, {"BOOLEAN", "BOOL"},
	{"L", "L"}, {"LIST", "L"},
	{"M", "M"}, {"MAP", "M"}, {"STRUCT", "M"}, {"TUPLE", "M"},
	{"SS", "SS"}, {"STRING_SET", "SS"},
	{"NS", "NS"}, {"NUMBER_SET", "NS"},
	{"BS", "BS"}, {"BINARY_SET", "BS"}
};

/* words that are names in double quotes only; sorted */
static const char *const keywords[] = {
	"absolute", "action", "add", "all", "allocate", "alter", "and", "any",
	"are", "as", "asc", "assertion", "at", "authorization", "avg", "begin",
	"between", "bit", "bit_length", "by", "cascade", "cascaded", "case",
	"cast", "catalog", "char", "char_length", "character", "character_length",
	"check", "close", "coalesce", "collate", "collation", "column", "commit",
	"connect", "connection", "constraint", "constraints", "continue",
	"convert", "corresponding", "count", "create", "cross", "current",
	"current_date", "current_time", "current_timestamp", "current_user",
	"cursor", "date", "deallocate", "dec", "decimal", "declare", "default",
	"deferrable", "deferred", "delete", "desc", "describe", "descriptor",
	"diagnostics", "disconnect", "distinct", "domain", "double", "drop",
	"else", "end", "escape", "except", "exception", "exec", "execute",
	"exists", "external", "extract", "false", "fetch", "first", "float", "for",
	"foreign", "found", "from", "full", "get", "global", "go", "goto", "grant",
	"group", "having", "identity", "immediate", "in", "indicator", "initially",
	"inner", "input", "insensitive", "insert", "int", "integer", "intersect",
	"interval", "into", "is", "isolation", "join", "key", "language", "last",
	"left", "let", "level", "like", "limit", "local", "lower", "match", "max",
	"min", "missing", "module", "names", "national", "natural", "nchar",
	"next", "no", "not", "null", "nullif", "numeric", "octet_length", "of",
	"offset", "on", "only", "open", "option", "or", "order", "outer", "output",
	"overlaps", "pad", "partial", "pivot", "position", "precision", "prepare",
	"preserve", "primary", "prior", "privileges", "procedure", "public",
	"read", "real", "references", "relative", "remove", "restrict",
	"returning", "revoke", "right", "rollback", "rows", "schema", "scroll",
	"section", "select", "session", "session_user", "set", "size", "smallint",
	"some", "space", "sql", "sqlcode", "sqlerror", "sqlstate", "substring",
	"sum", "system_user", "table", "temporary", "then", "time", "timestamp",
	"to", "transaction", "translate", "translation", "trim", "true", "union",
	"unique", "unknown", "unpivot", "update", "upper", "usage", "user",
	"using", "value", "values", "varchar", "varying", "view", "when",
	"whenever", "where", "with", "work", "write", "zone"
};

/* as memcmp, of a word in any letter case with one in upper or lower case */
static int
compare_word(const char *str, int len, const char *word)
{
	int			i;

	for (i = 0; i < len; i++)
	{
		int			order = (int) pg_ascii_tolower((unsigned char) str[i]) -
			(int) pg_ascii_tolower((unsigned char) word[i]);

		if (order != 0)
			return order;
	}
	return word[len] == '\0' ? 0 : -1;
}

/* is the token this word, in any letter case? */
bool
ddb_partiql_is_word(const PartiqlToken *token, const char *word)
{
	return token->kind == PQL_WORD &&
		compare_word(token->str, token->len, word) == 0;
}

/* is the token a word that must be quoted to be a name? */
bool
ddb_partiql_is_keyword(const PartiqlToken *token)
{
	int			low = 0;
	int			high = lengthof(keywords);

	if (token->kind != PQL_WORD || token->len > MAX_KEYWORD)
		return false;
	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		int			order = compare_word(token->str, token->len, keywords[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* the type that attribute_type() calls so; NULL for no name of a type */
const char *
ddb_partiql_type(const PartiqlToken *token)
{
	int			i;

	for (i = 0; i < lengthof(types); i++)
	{
		if (ddb_partiql_is_word(token, types[i].name))
			return types[i].type;
	}
	return NULL;
}
