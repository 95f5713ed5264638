/*
 * partiql.h
 *	  PartiQL for DynamoDB: a statement's text as a tree.
 *
 * The tree is made of the expression language's own nodes, so that what binds,
 * checks, evaluates and updates is one engine with two syntaxes.  It depends on
 * the text alone: values, literals and parameters alike, are numbered slots,
 * which the binder (op_partiql) fills.
 *
 * This header and partiql_lex.c, partiql_parse.c, partiql_words.c build without
 * the server.
 */
#ifndef DDB_PARTIQL_H
#define DDB_PARTIQL_H

#include "expr.h"

#define DDB_PARTIQL_MAX_SIZE	8192	/* bytes */
#define DDB_PARTIQL_MAX_IN		100		/* values of IN */
#define DDB_PARTIQL_MAX_DEPTH	32		/* nesting of literals */

typedef enum PartiqlKind
{
	PARTIQL_SELECT,
	PARTIQL_INSERT,
	PARTIQL_UPDATE,
	PARTIQL_DELETE,
	PARTIQL_EXISTS				/* EXISTS(SELECT ...): the statement of the SELECT */
} PartiqlKind;

typedef enum PartiqlReturning
{
	PARTIQL_RETURNING_NOTHING,
	PARTIQL_RETURNING_ALL_OLD,
	PARTIQL_RETURNING_MODIFIED_OLD,
	PARTIQL_RETURNING_ALL_NEW,
	PARTIQL_RETURNING_MODIFIED_NEW
} PartiqlReturning;

typedef enum PartiqlLiteralKind
{
	PARTIQL_PARAMETER,			/* ?, see index */
	PARTIQL_STRING,				/* text, quotes undone */
	PARTIQL_NUMBER,				/* text as written */
	PARTIQL_TRUE,
	PARTIQL_FALSE,
	PARTIQL_NULL,
	PARTIQL_LIST,
	PARTIQL_MAP,				/* members with keys */
	PARTIQL_SET					/* << ... >> */
} PartiqlLiteralKind;

/* texts are slices of memory of their own, not NUL-terminated, in the form of
 * the statement's text */
typedef struct PartiqlText
{
	const char *str;
	int			len;
} PartiqlText;

typedef struct PartiqlLiteral
{
	PartiqlLiteralKind kind;
	int			index;			/* of a parameter, from 0, in order of appearance */
	PartiqlText text;
	int			nmembers;		/* of lists, maps and sets */
	struct PartiqlLiteral **members;
	PartiqlText *keys;			/* of maps */
} PartiqlLiteral;

typedef struct PartiqlOrder
{
	PartiqlText name;
	bool		descending;
} PartiqlOrder;

typedef struct PartiqlStatement
{
	PartiqlKind kind;
	PartiqlText table;
	PartiqlText index;			/* str NULL if none */
	int			npaths;			/* SELECT list; 0 for * */
	ExprPath   *paths;
	ExprNode   *where;			/* NULL if none; EXPR_VALUE slots index values */
	int			norder;
	PartiqlOrder *order;
	int			nactions;		/* UPDATE, in the order written */
	ExprAction *actions;		/* set_add and set_delete are function nodes */
	PartiqlLiteral *tuple;		/* INSERT: a PARTIQL_MAP, or a parameter */
	PartiqlReturning returning;
	int			nvalues;		/* slots of the trees above */
	PartiqlLiteral **values;
	int			nparameters;	/* ? in the whole text */
} PartiqlStatement;

/*
 * ddb_partiql_parse: text to statement, in CurrentMemoryContext.  Raises
 * ValidationException "Statement wasn't well formed, can't be processed: ..."
 * for what the text alone shows.  Names in paths are literal (name_slot -1).
 */
extern PartiqlStatement *ddb_partiql_parse(const char *text, int len);

/* ---- partiql_lex.c ---- */

typedef enum PartiqlTokenKind
{
	PQL_EOF,
	PQL_WORD,					/* identifier or keyword */
	PQL_QUOTED,					/* "identifier", quotes included */
	PQL_STRING,					/* 'text', quotes included */
	PQL_NUMBER,
	PQL_PARAMETER,				/* ? */
	PQL_EQ, PQL_NE, PQL_LT, PQL_LE, PQL_GT, PQL_GE,
	PQL_PLUS, PQL_MINUS, PQL_STAR, PQL_COMMA, PQL_DOT, PQL_COLON, PQL_SEMICOLON,
	PQL_LPAREN, PQL_RPAREN, PQL_LBRACKET, PQL_RBRACKET, PQL_LBRACE, PQL_RBRACE,
	PQL_LSET, PQL_RSET,			/* << and >> */
	PQL_INVALID					/* a character that begins no token, or an open quote */
} PartiqlTokenKind;

typedef struct PartiqlToken
{
	PartiqlTokenKind kind;
	const char *str;			/* inside the statement's text */
	int			len;
	int			pos;			/* byte offset of str in the text */
} PartiqlToken;

typedef struct PartiqlLexer
{
	const char *text;
	int			len;
	int			pos;			/* of the next byte to read */
} PartiqlLexer;

extern void ddb_partiql_lex_init(PartiqlLexer *lexer, const char *text, int len);
extern PartiqlToken ddb_partiql_lex_next(PartiqlLexer *lexer);

/* ---- partiql_words.c ---- */

extern bool ddb_partiql_is_word(const PartiqlToken *token, const char *word);
extern bool ddb_partiql_is_keyword(const PartiqlToken *token);

/* the name that attribute_type has for the type after IS; NULL if it is none */
extern const char *ddb_partiql_type(const PartiqlToken *token);

#endif							/* DDB_PARTIQL_H */
