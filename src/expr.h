/*
 * expr.h
 *	  The expression language: nodes, and what each pass offers the next.
 *
 *		text --lex/parse--> ExprProgram --bind--> ExprBinding --eval/update-->
 *
 * A program depends on the text alone, is immutable and is cached per
 * backend.  It refers to placeholders (#n, :v) by slot.  A binding gives a
 * request's names and values for those slots and has passed every static
 * check, so evaluation cannot meet an unresolved or forbidden operand.
 *
 * This header and expr_lex.c, expr_parse.c build without the server; what
 * needs jsonb is declared in expr_bind.h, expr_eval.h.
 */
#ifndef DDB_EXPR_H
#define DDB_EXPR_H

#define DDB_EXPR_MAX_SIZE		4096	/* bytes */
#define DDB_EXPR_MAX_OPERATORS	300
#define DDB_EXPR_MAX_IN			100		/* values in the list of IN */
#define DDB_EXPR_MAX_DEPTH		32		/* components of a document path */

/* what an expression is for; decides grammar and the prefix of its errors */
typedef enum ExprKind
{
	EXPR_CONDITION,				/* ConditionExpression */
	EXPR_FILTER,				/* FilterExpression */
	EXPR_KEY_CONDITION,			/* KeyConditionExpression */
	EXPR_PROJECTION,			/* ProjectionExpression */
	EXPR_UPDATE					/* UpdateExpression */
} ExprKind;

extern const char *ddb_expr_kind_name(ExprKind kind);	/* "Condition", "Filter", ... */

typedef enum ExprNodeKind
{
	EXPR_PATH,					/* a.b[1] */
	EXPR_VALUE,					/* :v */
	EXPR_FUNCTION,				/* f(x, ...) */
	EXPR_EQ,					/* x = y */
	EXPR_NE,					/* x <> y */
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_BETWEEN,				/* x BETWEEN y AND z: args x, y, z */
	EXPR_IN,					/* x IN (y, ...): args x, y, ... */
	EXPR_AND,					/* args: two */
	EXPR_OR,
	EXPR_NOT,					/* args: one */
	EXPR_PLUS,					/* update right sides only */
	EXPR_MINUS
} ExprNodeKind;

/* rows of the function table in expr_parse.c */
typedef enum ExprFunction
{
	EXPR_FN_ATTRIBUTE_EXISTS,
	EXPR_FN_ATTRIBUTE_NOT_EXISTS,
	EXPR_FN_ATTRIBUTE_TYPE,
	EXPR_FN_BEGINS_WITH,
	EXPR_FN_CONTAINS,
	EXPR_FN_SIZE,
	EXPR_FN_IF_NOT_EXISTS,
	EXPR_FN_LIST_APPEND,
	EXPR_FN_SET_ADD,			/* PartiQL only: set_add(path, set) */
	EXPR_FN_SET_DELETE
} ExprFunction;

/* one component of a document path */
typedef struct ExprStep
{
	bool		is_index;		/* [n], otherwise a name */
	int			index;			/* of [n] */
	int			name_slot;		/* of #n in program->names, -1 for a literal name */
	const char *name;			/* literal name; NULL for an alias */
	int			name_len;		/* in bytes */
} ExprStep;

typedef struct ExprPath
{
	int			nsteps;
	ExprStep   *steps;
} ExprPath;

typedef struct ExprNode
{
	ExprNodeKind kind;
	int			nargs;			/* of operators and functions */
	struct ExprNode **args;
	ExprPath	path;			/* EXPR_PATH */
	int			value_slot;		/* EXPR_VALUE: into program->values */
	ExprFunction function;		/* EXPR_FUNCTION */
} ExprNode;

typedef enum ExprActionKind
{
	EXPR_SET,					/* path = value */
	EXPR_REMOVE,				/* path */
	EXPR_ADD,					/* path :value */
	EXPR_DELETE					/* path :value */
} ExprActionKind;

typedef struct ExprAction
{
	ExprActionKind kind;
	ExprPath	path;			/* target */
	ExprNode   *value;			/* NULL for REMOVE */
} ExprAction;

/* a placeholder as written, # or : included */
typedef struct ExprPlaceholder
{
	const char *str;
	int			len;
} ExprPlaceholder;

typedef struct ExprProgram
{
	ExprKind	kind;
	bool		legacy;			/* made of a legacy parameter, not of text */
	bool		partiql;		/* part of a PartiQL statement */
	ExprNode   *condition;		/* condition, filter, key condition */
	int			nactions;		/* update, in the order written */
	ExprAction *actions;
	int			npaths;			/* projection */
	ExprPath   *paths;
	int			nnames;			/* distinct #names, in order of appearance */
	ExprPlaceholder *names;
	int			nvalues;		/* distinct :values, in order of appearance */
	ExprPlaceholder *values;
} ExprProgram;

/* ---- expr_lex.c ---- */

typedef enum ExprTokenKind
{
	TOK_EOF,
	TOK_NAME,					/* literal name or keyword, as written */
	TOK_ALIAS,					/* #name */
	TOK_VALUE,					/* :name */
	TOK_INTEGER,				/* digits; where they are legal is the parser's business */
	TOK_EQ, TOK_NE, TOK_LT, TOK_LE, TOK_GT, TOK_GE,
	TOK_PLUS, TOK_MINUS, TOK_LPAREN, TOK_RPAREN, TOK_LBRACKET, TOK_RBRACKET,
	TOK_COMMA, TOK_DOT,
	TOK_INVALID					/* a character that begins no token */
} ExprTokenKind;

typedef struct ExprToken
{
	ExprTokenKind kind;
	const char *str;			/* inside the expression's text */
	int			len;
	int			pos;			/* byte offset of str in the text */
} ExprToken;

typedef struct ExprLexer
{
	const char *text;
	int			len;
	int			pos;			/* of the next byte to read */
} ExprLexer;

extern void ddb_expr_lex_init(ExprLexer *lexer, const char *text, int len);
extern ExprToken ddb_expr_lex_next(ExprLexer *lexer);

/* ---- expr_parse.c ---- */

/*
 * ddb_expr_parse: text to program, in CurrentMemoryContext (names and
 * placeholders are copied out of text).  Raises ValidationException
 * "Invalid <Kind>Expression: ..." for what the text alone shows: size, empty,
 * syntax, operator count, redundant parentheses, function names and their
 * use, reserved words, operand counts, sections given twice, IN length, list
 * index range, path depth -- save where an error that needs the binding must
 * win by the order of the checks, which then is left to the binder.
 */
extern ExprProgram *ddb_expr_parse(ExprKind kind, const char *text, int len);

/* constructors: the only places that allocate nodes */
extern ExprNode *ddb_expr_make_node(ExprNodeKind kind, int nargs);
extern ExprNode *ddb_expr_make_path(int nsteps, const ExprStep *steps);
extern ExprNode *ddb_expr_make_value(int value_slot);

/* name of a function, as in the language */
extern const char *ddb_expr_function_name(ExprFunction function);

/* number of operands that a function takes */
extern int	ddb_expr_function_operands(ExprFunction function);

/* is str one of the reserved words, in any letter case? (expr_words.c) */
extern bool ddb_expr_is_reserved(const char *str, int len);

#endif							/* DDB_EXPR_H */
