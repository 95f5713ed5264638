/*
 * partiql_parse.c
 *	  PartiQL text to statement: the grammar, and which functions may stand
 *	  where.
 *
 * Recursive descent, a function per rule, over one token of lookahead.  The
 * stack is bounded by a count of open parentheses and brackets; chains of AND
 * and OR are loops.  The first mistake in the text is the one reported.
 *
 * Conditions and right sides are parsed by one set of rules that yield a node
 * of any sort; who takes the node checks that it is a condition or an operand,
 * as the place wants it.  Every literal and every parameter gets a slot of its
 * own, so that no two nodes share a value.
 *
 * Nothing here knows values, tables or the server: bytes in, nodes out.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "error.h"
#include "partiql.h"

#define MAX_NESTING		128		/* open parentheses and calls */

typedef struct Parser
{
	PartiqlStatement *statement;
	PartiqlLexer lexer;
	PartiqlToken token;			/* not consumed yet */
	bool		is_assignment;	/* inside the right side of one */
	int			nesting;
	int			noperators;
	int			value_space;	/* of the statement's arrays */
	int			path_space;
	int			order_space;
	int			action_space;
} Parser;

/* places where a function may stand */
#define IS_CONDITION	0x01
#define IS_OPERAND		0x02	/* of conditions */
#define IS_TERM			0x04	/* of an assignment's right side */
#define IS_ARGUMENT		0x08	/* of another function there */
#define IS_RIGHT_SIDE	0x10	/* only as the whole of it */

static const struct
{
	int			places;
	bool		takes_path;		/* as its first argument */
}			functions[] = {
	[EXPR_FN_ATTRIBUTE_EXISTS] = {IS_CONDITION, true},
	[EXPR_FN_ATTRIBUTE_NOT_EXISTS] = {IS_CONDITION, true},
	[EXPR_FN_ATTRIBUTE_TYPE] = {IS_CONDITION, false},
	[EXPR_FN_BEGINS_WITH] = {IS_CONDITION, false},
	[EXPR_FN_CONTAINS] = {IS_CONDITION, false},
	[EXPR_FN_SIZE] = {IS_OPERAND, false},
	[EXPR_FN_IF_NOT_EXISTS] = {IS_TERM | IS_ARGUMENT, true},
	[EXPR_FN_LIST_APPEND] = {IS_TERM, false},
	[EXPR_FN_SET_ADD] = {IS_RIGHT_SIDE, true},
	[EXPR_FN_SET_DELETE] = {IS_RIGHT_SIDE, true}
};

/* comparators by their tokens, which are numbered without gaps */
static const ExprNodeKind comparators[] = {
	[PQL_EQ - PQL_EQ] = EXPR_EQ,
	[PQL_NE - PQL_EQ] = EXPR_NE,
	[PQL_LT - PQL_EQ] = EXPR_LT,
	[PQL_LE - PQL_EQ] = EXPR_LE,
	[PQL_GT - PQL_EQ] = EXPR_GT,
	[PQL_GE - PQL_EQ] = EXPR_GE
};

/* parts of SQL statements that no statement has here */
static const char *const unsupported_clauses[] = {
	"GROUP", "HAVING", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "LET",
	"FETCH", "FOR"
};

static const char *const joins[] = {
	"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL"
};

/* how what may be returned is written */
static const struct
{
	const char *scope;
	const char *image;
	PartiqlReturning returning;
}			returnings[] = {
	{"ALL", "OLD", PARTIQL_RETURNING_ALL_OLD},
	{"ALL", "NEW", PARTIQL_RETURNING_ALL_NEW},
	{"MODIFIED", "OLD", PARTIQL_RETURNING_MODIFIED_OLD},
	{"MODIFIED", "NEW", PARTIQL_RETURNING_MODIFIED_NEW}
};

/* ---- errors ---- */

#define MALFORMED	"Statement wasn't well formed, can't be processed: "

static void pg_attribute_noreturn()
malformed(const char *detail)
{
	ddb_validation_error(MALFORMED "%s", detail);
}

static void pg_attribute_noreturn()
unsupported_token(const PartiqlToken *token)
{
	ddb_validation_error("Unsupported token in expression: %.*s",
						 token->len, token->str);
}

static void pg_attribute_noreturn()
misused_function(ExprFunction function)
{
	ddb_validation_error(MALFORMED "The function is not allowed to be used this way in an expression; function: %s",
						 ddb_expr_function_name(function));
}

/* ---- words ---- */

static bool
token_is_one_of(const PartiqlToken *token, const char *const *words, int count)
{
	int			i;

	for (i = 0; i < count && !ddb_partiql_is_word(token, words[i]); i++)
		continue;
	return i < count;
}

/* ---- tokens ---- */

static void
advance(Parser *parser)
{
	parser->token = ddb_partiql_lex_next(&parser->lexer);
}

/* the token behind the one not consumed yet */
static PartiqlToken
peek(const Parser *parser)
{
	PartiqlLexer lexer = parser->lexer;

	return ddb_partiql_lex_next(&lexer);
}

static bool
accept(Parser *parser, PartiqlTokenKind kind)
{
	if (parser->token.kind != kind)
		return false;
	advance(parser);
	return true;
}

static bool
accept_word(Parser *parser, const char *word)
{
	if (!ddb_partiql_is_word(&parser->token, word))
		return false;
	advance(parser);
	return true;
}

/* raise for a token that begins nothing that may stand here */
static void pg_attribute_noreturn()
unexpected(const Parser *parser)
{
	const PartiqlToken *token = &parser->token;

	if (token->kind == PQL_EOF)
		malformed("Expected expression");
	if (token->kind == PQL_INVALID)
		malformed("Unexpected token");
	if (ddb_partiql_is_keyword(token))
		malformed("Unexpected keyword");
	if (token->kind >= PQL_EQ && token->kind <= PQL_STAR)
		malformed("Unexpected operator");
	malformed("Unexpected term");
}

/* raise for what stands behind a complete statement or condition */
static void pg_attribute_noreturn()
unexpected_behind(const Parser *parser, const char *detail)
{
	const PartiqlToken *token = &parser->token;

	if (token_is_one_of(token, unsupported_clauses, lengthof(unsupported_clauses)))
		ddb_validation_error("Unsupported clause: %.*s", token->len, token->str);
	if (ddb_partiql_is_word(token, "LIKE") || token->kind == PQL_STAR ||
		token->kind == PQL_PLUS || token->kind == PQL_MINUS)
		unsupported_token(token);
	if (ddb_partiql_is_keyword(token))
		malformed("Unexpected keyword");
	malformed(detail);
}

static void
expect(Parser *parser, PartiqlTokenKind kind, const char *detail)
{
	if (!accept(parser, kind))
		unexpected_behind(parser, detail);
}

static void
expect_word(Parser *parser, const char *word, const char *detail)
{
	if (!accept_word(parser, word))
		malformed(detail);
}

static void
open_nesting(Parser *parser)
{
	if (++parser->nesting > MAX_NESTING)
		malformed("Expression is nested too deeply");
}

/* room for element number count: the array, allocated or moved */
static void *
reserve(void *array, int count, int *space, Size element_size)
{
	if (count < *space)
		return array;
	*space = count == 0 ? 4 : *space * 2;
	if (count == 0)
		return palloc(*space * element_size);
	return repalloc(array, *space * element_size);
}

/* ---- names and paths ---- */

/* what stands between the quotes, with doubled quotes undone */
static PartiqlText
unquote(const PartiqlToken *token)
{
	PartiqlText text = {token->str + 1, token->len - 2};
	char		quote = token->str[0];
	const char *in = text.str;
	const char *end = in + text.len;
	char	   *out;

	if (memchr(in, quote, text.len) == NULL)
		return text;
	out = palloc(text.len);
	text.str = out;
	while (in < end)
	{
		*out++ = *in;
		in += *in == quote ? 2 : 1;
	}
	text.len = out - text.str;
	return text;
}

/* may the token be a name? */
static bool
token_is_name(const PartiqlToken *token)
{
	if (token->kind == PQL_QUOTED)
		return token->len > 2;
	return token->kind == PQL_WORD && !ddb_partiql_is_keyword(token);
}

/* consume the token, which is a name */
static PartiqlText
take_name(Parser *parser)
{
	PartiqlText text = {parser->token.str, parser->token.len};

	if (parser->token.kind == PQL_QUOTED)
		text = unquote(&parser->token);
	advance(parser);
	return text;
}

static void
require_name(const Parser *parser)
{
	if (token_is_name(&parser->token))
		return;
	if (ddb_partiql_is_keyword(&parser->token))
		malformed("Unexpected keyword");
	malformed("Expected identifier for simple path");
}

static void
fill_name_step(Parser *parser, ExprStep *step)
{
	PartiqlText name = take_name(parser);

	memset(step, 0, sizeof(ExprStep));
	step->name_slot = -1;
	step->name = name.str;
	step->name_len = name.len;
}

/* an index and the bracket behind it */
static void
fill_index_step(Parser *parser, ExprStep *step)
{
	PartiqlToken token = parser->token;
	int64		index = 0;
	int			i;

	for (i = 0; i < token.len && index <= PG_INT32_MAX; i++)
	{
		if (token.kind != PQL_NUMBER || token.str[i] < '0' || token.str[i] > '9')
			malformed("Unexpected path component");
		index = index * 10 + (token.str[i] - '0');
	}
	advance(parser);
	if (token.kind != PQL_NUMBER || !accept(parser, PQL_RBRACKET))
		malformed("Unexpected path component");
	if (index > PG_INT32_MAX)
		ddb_validation_error(MALFORMED "List index is not within the allowable range; index: [%.*s]",
							 token.len, token.str);
	memset(step, 0, sizeof(ExprStep));
	step->name_slot = -1;
	step->is_index = true;
	step->index = (int) index;
}

/* name ( "." name | "[" index "]" )*; the token is a name */
static ExprNode *
parse_path(Parser *parser)
{
	ExprStep	steps[DDB_EXPR_MAX_DEPTH + 1];
	int			nsteps = 0;

	fill_name_step(parser, &steps[nsteps++]);
	for (;;)
	{
		ExprStep   *step = &steps[Min(nsteps, DDB_EXPR_MAX_DEPTH)];

		if (accept(parser, PQL_DOT))
		{
			if (!token_is_name(&parser->token))
				malformed("Unexpected path component");
			fill_name_step(parser, step);
		}
		else if (accept(parser, PQL_LBRACKET))
			fill_index_step(parser, step);
		else
			break;
		nsteps++;
	}
	if (parser->token.kind == PQL_NUMBER && parser->token.str[0] == '.')
		malformed("Unexpected path component");
	if (nsteps > DDB_EXPR_MAX_DEPTH)
		ddb_validation_error(MALFORMED "The document path has too many nesting levels; nesting levels: %d",
							 nsteps);
	return ddb_expr_make_path(nsteps, steps);
}

/* a path where nothing else may stand */
static ExprPath
parse_simple_path(Parser *parser)
{
	require_name(parser);
	return parse_path(parser)->path;
}

/* ---- literals ---- */

static PartiqlLiteral *parse_literal(Parser *parser, int depth);

static PartiqlLiteral *
make_literal(PartiqlLiteralKind kind, const char *str, int len)
{
	PartiqlLiteral *literal = palloc0(sizeof(PartiqlLiteral));

	literal->kind = kind;
	literal->text.str = str;
	literal->text.len = len;
	return literal;
}

/* a number with its sign, which may stand apart */
static PartiqlLiteral *
parse_number(Parser *parser)
{
	PartiqlToken sign = parser->token;
	PartiqlToken number;
	char	   *text;

	if (sign.kind != PQL_NUMBER)
		advance(parser);
	number = parser->token;
	if (number.kind != PQL_NUMBER)
		unexpected(parser);
	advance(parser);
	if (sign.kind != PQL_MINUS)
		return make_literal(PARTIQL_NUMBER, number.str, number.len);
	if (sign.pos + 1 == number.pos)
		return make_literal(PARTIQL_NUMBER, sign.str, number.len + 1);
	text = palloc(number.len + 1);
	text[0] = '-';
	memcpy(text + 1, number.str, number.len);
	return make_literal(PARTIQL_NUMBER, text, number.len + 1);
}

/* the key of a map's member and the colon behind it */
static PartiqlText
parse_key(Parser *parser)
{
	PartiqlText key;

	if (parser->token.kind != PQL_STRING)
		malformed("Expected string literal as key of a tuple");
	key = unquote(&parser->token);
	advance(parser);
	if (!accept(parser, PQL_COLON))
		malformed("Expected colon behind the key of a tuple");
	return key;
}

/* members and the closing bracket; the opening one has been consumed */
static PartiqlLiteral *
parse_members(Parser *parser, PartiqlLiteralKind kind, PartiqlTokenKind closing,
			  int depth)
{
	PartiqlLiteral *literal = make_literal(kind, NULL, 0);
	int			space = 0;
	int			key_space = 0;

	if (accept(parser, closing))
		return literal;
	do
	{
		int			count = literal->nmembers;

		if (kind == PARTIQL_MAP)
		{
			literal->keys = reserve(literal->keys, count, &key_space,
									sizeof(PartiqlText));
			literal->keys[count] = parse_key(parser);
		}
		literal->members = reserve(literal->members, count, &space,
								   sizeof(PartiqlLiteral *));
		literal->members[count] = parse_literal(parser, depth + 1);
		literal->nmembers++;
	} while (accept(parser, PQL_COMMA));
	if (!accept(parser, closing))
	{
		if (parser->token.kind == PQL_EOF || parser->token.kind == PQL_INVALID)
			unexpected(parser);
		unexpected_behind(parser, "Unexpected term");
	}
	return literal;
}

/*
 * Sets have members, of one type, which is string or number unless a
 * parameter gives it.
 */
static PartiqlLiteral *
check_set(PartiqlLiteral *set)
{
	PartiqlLiteralKind kind = PARTIQL_PARAMETER;
	int			i;

	if (set->nmembers == 0)
		malformed("Set literals must not be empty");
	for (i = 0; i < set->nmembers; i++)
	{
		PartiqlLiteralKind member = set->members[i]->kind;

		if (member == PARTIQL_PARAMETER)
			continue;
		if ((member != PARTIQL_STRING && member != PARTIQL_NUMBER) ||
			(kind != PARTIQL_PARAMETER && kind != member))
			malformed("Members of a set literal must be strings, or numbers");
		kind = member;
	}
	return set;
}

static bool
begins_literal(const PartiqlToken *token)
{
	switch (token->kind)
	{
		case PQL_PARAMETER:
		case PQL_STRING:
		case PQL_NUMBER:
		case PQL_PLUS:
		case PQL_MINUS:
		case PQL_LBRACKET:
		case PQL_LBRACE:
		case PQL_LSET:
			return true;
		default:
			return ddb_partiql_is_word(token, "TRUE") || ddb_partiql_is_word(token, "FALSE") ||
				ddb_partiql_is_word(token, "NULL");
	}
}

/* a literal of one token */
static PartiqlLiteral *
parse_scalar(Parser *parser)
{
	PartiqlToken token = parser->token;
	PartiqlLiteral *literal = make_literal(PARTIQL_NULL, NULL, 0);

	if (token.kind == PQL_PARAMETER)
	{
		literal->kind = PARTIQL_PARAMETER;
		literal->index = parser->statement->nparameters++;
	}
	else if (token.kind == PQL_STRING)
	{
		literal->kind = PARTIQL_STRING;
		literal->text = unquote(&token);
	}
	else if (ddb_partiql_is_word(&token, "TRUE"))
		literal->kind = PARTIQL_TRUE;
	else if (ddb_partiql_is_word(&token, "FALSE"))
		literal->kind = PARTIQL_FALSE;
	advance(parser);
	return literal;
}

/* a literal or a parameter, inside depth lists and maps */
static PartiqlLiteral *
parse_literal(Parser *parser, int depth)
{
	if (!begins_literal(&parser->token))
	{
		if (token_is_name(&parser->token) || ddb_partiql_is_word(&parser->token, "MISSING"))
			unsupported_token(&parser->token);
		unexpected(parser);
	}
	switch (parser->token.kind)
	{
		case PQL_NUMBER:
		case PQL_PLUS:
		case PQL_MINUS:
			return parse_number(parser);
		case PQL_LBRACKET:
		case PQL_LBRACE:
		case PQL_LSET:
			break;
		default:
			return parse_scalar(parser);
	}
	if (depth > DDB_PARTIQL_MAX_DEPTH)
		malformed("Literal is nested too deeply");
	if (accept(parser, PQL_LBRACKET))
		return parse_members(parser, PARTIQL_LIST, PQL_RBRACKET, depth);
	if (accept(parser, PQL_LBRACE))
		return parse_members(parser, PARTIQL_MAP, PQL_RBRACE, depth);
	advance(parser);
	return check_set(parse_members(parser, PARTIQL_SET, PQL_RSET, depth));
}

/* a node that stands for the literal */
static ExprNode *
make_slot(Parser *parser, PartiqlLiteral *literal)
{
	PartiqlStatement *statement = parser->statement;

	statement->values = reserve(statement->values, statement->nvalues,
								&parser->value_space, sizeof(PartiqlLiteral *));
	statement->values[statement->nvalues] = literal;
	return ddb_expr_make_value(statement->nvalues++);
}

/* ---- what a node may be ---- */

/* the places of a node that is no function */
static int
node_places(const ExprNode *node)
{
	switch (node->kind)
	{
		case EXPR_PATH:
		case EXPR_VALUE:
			return IS_OPERAND | IS_TERM | IS_ARGUMENT | IS_RIGHT_SIDE;
		case EXPR_PLUS:
		case EXPR_MINUS:
			return IS_RIGHT_SIDE;
		default:
			return IS_CONDITION;
	}
}

/* raise unless a node, which begins with the token start, fits the place */
static void
require_place(const ExprNode *node, int place, const PartiqlToken *start)
{
	if (node->kind == EXPR_FUNCTION)
	{
		if ((functions[node->function].places & place) == 0)
			misused_function(node->function);
	}
	else if ((node_places(node) & place) == 0)
		unsupported_token(start);
}

/* ---- expressions ---- */

static ExprNode *parse_condition(Parser *parser);
static ExprNode *parse_sum(Parser *parser);

static ExprNode *
make_binary(Parser *parser, ExprNodeKind kind, ExprNode *left, ExprNode *right)
{
	ExprNode   *node = ddb_expr_make_node(kind, 2);

	node->args[0] = left;
	node->args[1] = right;
	parser->noperators++;
	return node;
}

static ExprNode *
make_not(Parser *parser, ExprNode *argument)
{
	ExprNode   *node = ddb_expr_make_node(EXPR_NOT, 1);

	node->args[0] = argument;
	parser->noperators++;
	return node;
}

/* an operand of a condition's operator, or a term of a right side */
static ExprNode *
parse_operand(Parser *parser)
{
	PartiqlToken start = parser->token;
	ExprNode   *node = parse_sum(parser);

	require_place(node, parser->is_assignment ? IS_TERM : IS_OPERAND, &start);
	return node;
}

/* the function that the token names; raises if it is a name of none */
static ExprFunction
find_function(const Parser *parser)
{
	const PartiqlToken *name = &parser->token;
	int			i;

	for (i = 0; i < lengthof(functions); i++)
	{
		if (ddb_partiql_is_word(name, ddb_expr_function_name((ExprFunction) i)))
			return (ExprFunction) i;
	}
	if (ddb_partiql_is_keyword(name))
		unexpected(parser);
	ddb_validation_error(MALFORMED "No such function: %.*s", name->len, name->str);
}

static ExprNode *
parse_argument(Parser *parser)
{
	PartiqlToken start = parser->token;
	ExprNode   *node = parse_sum(parser);

	require_place(node, parser->is_assignment ? IS_ARGUMENT : IS_OPERAND, &start);
	return node;
}

/* name "(" argument ("," argument)* ")" */
static ExprNode *
parse_call(Parser *parser)
{
	ExprFunction function = find_function(parser);
	int			noperands = ddb_expr_function_operands(function);
	ExprNode   *call = ddb_expr_make_node(EXPR_FUNCTION, noperands);
	int			count = 0;

	call->function = function;
	open_nesting(parser);
	advance(parser);
	advance(parser);
	if (parser->token.kind != PQL_RPAREN)
	{
		do
		{
			ExprNode   *argument = parse_argument(parser);

			if (count < noperands)
				call->args[count] = argument;
			count++;
		} while (accept(parser, PQL_COMMA));
	}
	expect(parser, PQL_RPAREN, "Expected right parenthesis");
	parser->nesting--;
	if (count != noperands)
		ddb_validation_error(MALFORMED "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d",
							 ddb_expr_function_name(function), count);
	if (functions[function].takes_path && call->args[0]->kind != EXPR_PATH)
		ddb_validation_error(MALFORMED "Operator or function requires a document path; operator or function: %s",
							 ddb_expr_function_name(function));
	return call;
}

static ExprNode *
parse_primary(Parser *parser)
{
	ExprNode   *node;

	if (parser->token.kind == PQL_WORD && peek(parser).kind == PQL_LPAREN)
		return parse_call(parser);
	if (token_is_name(&parser->token))
		return parse_path(parser);
	if (begins_literal(&parser->token))
		return make_slot(parser, parse_literal(parser, 1));
	if (ddb_partiql_is_word(&parser->token, "MISSING"))
		unsupported_token(&parser->token);
	if (parser->token.kind != PQL_LPAREN)
		unexpected(parser);
	open_nesting(parser);
	advance(parser);
	node = parser->is_assignment ? parse_sum(parser) : parse_condition(parser);
	expect(parser, PQL_RPAREN, "Expected right parenthesis");
	parser->nesting--;
	return node;
}

/* an operator of SQL, whether it is one here or not */
static bool
token_is_arithmetic(const PartiqlToken *token)
{
	return token->kind == PQL_PLUS || token->kind == PQL_MINUS ||
		token->kind == PQL_STAR ||
		(token->kind == PQL_INVALID && memchr("/%|", token->str[0], 3) != NULL);
}

/* arithmetic is for right sides only, and for two terms only */
static ExprNode *
parse_sum(Parser *parser)
{
	PartiqlToken start = parser->token;
	ExprNode   *node = parse_primary(parser);
	ExprNodeKind kind;
	ExprNode   *right;

	if (!token_is_arithmetic(&parser->token))
		return node;
	if (!parser->is_assignment ||
		(parser->token.kind != PQL_PLUS && parser->token.kind != PQL_MINUS))
		unsupported_token(&parser->token);
	kind = parser->token.kind == PQL_PLUS ? EXPR_PLUS : EXPR_MINUS;
	require_place(node, IS_TERM, &start);
	advance(parser);
	start = parser->token;
	right = parse_primary(parser);
	require_place(right, IS_TERM, &start);
	if (token_is_arithmetic(&parser->token))
		unsupported_token(&parser->token);
	return make_binary(parser, kind, node, right);
}

/* IS [NOT] MISSING | NULL | type, behind its left side */
static ExprNode *
parse_is(Parser *parser, ExprNode *left)
{
	bool		negated;
	const char *type;
	ExprNode   *node;

	negated = accept_word(parser, "NOT");
	parser->noperators++;
	if (accept_word(parser, "MISSING"))
	{
		node = ddb_expr_make_node(EXPR_FUNCTION, 1);
		node->function = negated ? EXPR_FN_ATTRIBUTE_EXISTS : EXPR_FN_ATTRIBUTE_NOT_EXISTS;
		node->args[0] = left;
		return node;
	}
	type = ddb_partiql_type(&parser->token);
	if (type == NULL)
		malformed("Expected type name");
	advance(parser);
	node = ddb_expr_make_node(EXPR_FUNCTION, 2);
	node->function = EXPR_FN_ATTRIBUTE_TYPE;
	node->args[0] = left;
	node->args[1] = make_slot(parser, make_literal(PARTIQL_STRING, type, strlen(type)));
	return negated ? make_not(parser, node) : node;
}

/* IN [value, ...] or IN (value, ...), behind its left side */
static ExprNode *
parse_in(Parser *parser, ExprNode *left)
{
	PartiqlTokenKind closing = PQL_RBRACKET;
	ExprNode   *values[DDB_PARTIQL_MAX_IN];
	ExprNode   *node;
	int			count = 0;

	if (accept(parser, PQL_LPAREN))
		closing = PQL_RPAREN;
	else if (!accept(parser, PQL_LBRACKET))
		unexpected(parser);
	do
	{
		node = parse_operand(parser);
		if (count < DDB_PARTIQL_MAX_IN)
			values[count] = node;
		count++;
	} while (accept(parser, PQL_COMMA));
	expect(parser, closing, closing == PQL_RPAREN ?
		   "Expected right parenthesis" : "Expected right bracket");
	if (count > DDB_PARTIQL_MAX_IN)
		ddb_validation_error(MALFORMED "The IN operator is provided with too many operands; number of operands: %d",
							 count);
	node = ddb_expr_make_node(EXPR_IN, count + 1);
	node->args[0] = left;
	memcpy(&node->args[1], values, count * sizeof(ExprNode *));
	parser->noperators++;
	return node;
}

/* BETWEEN x AND y, behind its left side */
static ExprNode *
parse_between(Parser *parser, ExprNode *left)
{
	ExprNode   *node = ddb_expr_make_node(EXPR_BETWEEN, 3);

	node->args[0] = left;
	node->args[1] = parse_operand(parser);
	expect_word(parser, "AND", "Expected AND after BETWEEN");
	node->args[2] = parse_operand(parser);
	parser->noperators++;
	return node;
}

/* an operand with the operator behind it, if there is one */
static ExprNode *
parse_predicate(Parser *parser)
{
	PartiqlToken start = parser->token;
	ExprNode   *left = parse_sum(parser);
	PartiqlToken operator = parser->token;
	ExprNode   *node;
	bool		negated;

	if (ddb_partiql_is_word(&operator, "IS"))
	{
		if (left->kind != EXPR_PATH)
			unsupported_token(&operator);
		advance(parser);
		return parse_is(parser, left);
	}
	if (operator.kind >= PQL_EQ && operator.kind <= PQL_GE)
	{
		require_place(left, IS_OPERAND, &start);
		advance(parser);
		return make_binary(parser, comparators[operator.kind - PQL_EQ], left,
						   parse_operand(parser));
	}
	negated = accept_word(parser, "NOT");
	if (!ddb_partiql_is_word(&parser->token, "IN") &&
		!ddb_partiql_is_word(&parser->token, "BETWEEN"))
	{
		if (parser->token.kind == PQL_INVALID)
			unexpected(parser);
		if (negated || ddb_partiql_is_word(&parser->token, "LIKE"))
			unexpected_behind(parser, "Unexpected term");
		return left;
	}
	require_place(left, IS_OPERAND, &start);
	if (accept_word(parser, "IN"))
		node = parse_in(parser, left);
	else
	{
		advance(parser);
		node = parse_between(parser, left);
	}
	return negated ? make_not(parser, node) : node;
}

static ExprNode *
parse_negation(Parser *parser)
{
	int			count = 0;
	PartiqlToken start;
	ExprNode   *node;

	while (accept_word(parser, "NOT"))
		count++;
	start = parser->token;
	node = parse_predicate(parser);
	if (count > 0)
		require_place(node, IS_CONDITION, &start);
	if (count > DDB_EXPR_MAX_OPERATORS)
	{
		parser->noperators += count;
		return node;
	}
	while (count-- > 0)
		node = make_not(parser, node);
	return node;
}

/* conditions joined by one word, each parsed by the rule that binds tighter */
static ExprNode *
parse_chain(Parser *parser, const char *word, ExprNodeKind kind,
			ExprNode *(*parse_link) (Parser *parser))
{
	PartiqlToken start = parser->token;
	ExprNode   *node = parse_link(parser);

	while (ddb_partiql_is_word(&parser->token, word))
	{
		ExprNode   *right;

		require_place(node, IS_CONDITION, &start);
		advance(parser);
		start = parser->token;
		right = parse_link(parser);
		require_place(right, IS_CONDITION, &start);
		node = make_binary(parser, kind, node, right);
	}
	return node;
}

static ExprNode *
parse_conjunction(Parser *parser)
{
	return parse_chain(parser, "AND", EXPR_AND, parse_negation);
}

/* a condition, or an operand in parentheses */
static ExprNode *
parse_condition(Parser *parser)
{
	return parse_chain(parser, "OR", EXPR_OR, parse_conjunction);
}

/* ---- clauses ---- */

/* the name of the statement's table */
static PartiqlText
parse_table(Parser *parser)
{
	PartiqlText name;

	require_name(parser);
	name = take_name(parser);
	if (parser->token.kind == PQL_DOT || parser->token.kind == PQL_LBRACKET)
		malformed("Unexpected path component");
	return name;
}

/* table or table.index, and nothing that SQL allows behind them */
static void
parse_source(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;
	const PartiqlToken *token = &parser->token;

	if (!token_is_name(token))
	{
		if (token->kind == PQL_EOF || token->kind == PQL_INVALID ||
			ddb_partiql_is_keyword(token))
			unexpected(parser);
		ddb_validation_error("Unexpected from source");
	}
	statement->table = take_name(parser);
	if (accept(parser, PQL_DOT))
	{
		if (!token_is_name(token))
			malformed("Unexpected path component");
		statement->index = take_name(parser);
	}
	if (token->kind == PQL_DOT || token->kind == PQL_LBRACKET)
		malformed("Unexpected path component");
	if (token->kind == PQL_COMMA || token_is_one_of(token, joins, lengthof(joins)))
		ddb_validation_error("Only select from a single table or index is supported.");
	if (token_is_name(token) || ddb_partiql_is_word(token, "AS") ||
		ddb_partiql_is_word(token, "AT") ||
		token_is_arithmetic(token))
		ddb_validation_error("Unexpected from source");
}

static void
parse_where(Parser *parser)
{
	PartiqlToken start;

	if (!accept_word(parser, "WHERE"))
		return;
	start = parser->token;
	parser->statement->where = parse_condition(parser);
	require_place(parser->statement->where, IS_CONDITION, &start);
}

static void
parse_order(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;

	if (!accept_word(parser, "ORDER"))
		return;
	expect_word(parser, "BY", "Expected BY after ORDER");
	do
	{
		PartiqlOrder *order;

		statement->order = reserve(statement->order, statement->norder,
								   &parser->order_space, sizeof(PartiqlOrder));
		order = &statement->order[statement->norder++];
		require_name(parser);
		order->name = take_name(parser);
		if (parser->token.kind == PQL_DOT || parser->token.kind == PQL_LBRACKET)
			malformed("Unexpected path component");
		order->descending = accept_word(parser, "DESC");
		if (!order->descending)
			accept_word(parser, "ASC");
	} while (accept(parser, PQL_COMMA));
}

static void
parse_select_list(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;

	if (accept(parser, PQL_STAR))
		return;
	if (ddb_partiql_is_word(&parser->token, "FROM"))
		malformed("Cannot have empty SELECT list");
	if (ddb_partiql_is_word(&parser->token, "DISTINCT") ||
		ddb_partiql_is_word(&parser->token, "ALL") ||
		ddb_partiql_is_word(&parser->token, "VALUE"))
		ddb_validation_error("Unsupported clause: %.*s",
							 parser->token.len, parser->token.str);
	do
	{
		if (parser->token.kind == PQL_WORD && peek(parser).kind == PQL_LPAREN)
			ddb_validation_error("Unsupported function in SELECT clause: %.*s",
								 parser->token.len, parser->token.str);
		statement->paths = reserve(statement->paths, statement->npaths,
								   &parser->path_space, sizeof(ExprPath));
		statement->paths[statement->npaths] = parse_simple_path(parser);
		statement->npaths++;
	} while (accept(parser, PQL_COMMA));
}

/* SELECT has been consumed */
static void
parse_select(Parser *parser)
{
	parse_select_list(parser);
	expect_word(parser, "FROM", "Expected FROM after SELECT list");
	parse_source(parser);
	parse_where(parser);
	parse_order(parser);
}

static void
parse_exists(Parser *parser)
{
	if (!accept(parser, PQL_LPAREN))
		malformed("Expected left parenthesis");
	if (!accept_word(parser, "SELECT"))
		unexpected(parser);
	parse_select(parser);
	expect(parser, PQL_RPAREN, "Expected right parenthesis");
}

static void
parse_insert(Parser *parser)
{
	const PartiqlToken *token = &parser->token;
	bool		is_single;

	expect_word(parser, "INTO", "Expected INTO after INSERT");
	parser->statement->table = parse_table(parser);
	is_single = accept_word(parser, "VALUE");
	if (ddb_partiql_is_word(token, "VALUES") || token->kind == PQL_LSET)
		ddb_validation_error("Unsupported operation: Inserting multiple items in a single statement is not supported, use \"INSERT INTO tableName VALUE item\" instead");
	if (!is_single)
		malformed("Expected VALUE after table name");
	if (token->kind != PQL_LBRACE && token->kind != PQL_PARAMETER)
		unexpected(parser);
	parser->statement->tuple = parse_literal(parser, 0);
}

static ExprAction *
push_action(Parser *parser, ExprActionKind kind)
{
	PartiqlStatement *statement = parser->statement;
	ExprAction *action;

	statement->actions = reserve(statement->actions, statement->nactions,
								 &parser->action_space, sizeof(ExprAction));
	action = &statement->actions[statement->nactions++];
	action->kind = kind;
	action->path = parse_simple_path(parser);
	action->value = NULL;
	return action;
}

static void
parse_assignment(Parser *parser)
{
	ExprAction *action = push_action(parser, EXPR_SET);
	PartiqlToken start;

	if (!accept(parser, PQL_EQ))
		malformed("Expected = in SET clause");
	start = parser->token;
	parser->is_assignment = true;
	action->value = parse_sum(parser);
	parser->is_assignment = false;
	require_place(action->value, IS_RIGHT_SIDE | IS_TERM, &start);
}

static void
parse_update(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;

	statement->table = parse_table(parser);
	for (;;)
	{
		if (accept_word(parser, "SET"))
		{
			do
				parse_assignment(parser);
			while (accept(parser, PQL_COMMA));
		}
		else if (accept_word(parser, "REMOVE"))
		{
			do
				push_action(parser, EXPR_REMOVE);
			while (accept(parser, PQL_COMMA));
		}
		else
			break;
	}
	if (statement->nactions == 0)
		malformed("Expected SET or REMOVE after table name");
	parse_where(parser);
}

/* DELETE gives what was there, whole, or nothing */
static void
parse_returning(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;
	PartiqlToken next;
	int			i;

	if (!ddb_partiql_is_word(&parser->token, "RETURNING"))
		return;
	advance(parser);
	next = peek(parser);
	for (i = 0; i < lengthof(returnings); i++)
	{
		if (ddb_partiql_is_word(&parser->token, returnings[i].scope) &&
			ddb_partiql_is_word(&next, returnings[i].image))
			break;
	}
	if (i == lengthof(returnings))
		malformed("Expected ALL OLD, MODIFIED OLD, ALL NEW or MODIFIED NEW after RETURNING");
	statement->returning = returnings[i].returning;
	advance(parser);
	advance(parser);
	if (!accept(parser, PQL_STAR))
		malformed("Expected * in RETURNING clause");
	if (statement->kind == PARTIQL_DELETE &&
		statement->returning != PARTIQL_RETURNING_ALL_OLD)
		malformed("RETURNING clause of DELETE must be ALL OLD *");
}

/* ---- statements ---- */

static void
parse_statement(Parser *parser)
{
	PartiqlStatement *statement = parser->statement;

	if (accept_word(parser, "SELECT"))
	{
		statement->kind = PARTIQL_SELECT;
		parse_select(parser);
	}
	else if (accept_word(parser, "INSERT"))
	{
		statement->kind = PARTIQL_INSERT;
		parse_insert(parser);
	}
	else if (accept_word(parser, "UPDATE"))
	{
		statement->kind = PARTIQL_UPDATE;
		parse_update(parser);
		parse_returning(parser);
	}
	else if (accept_word(parser, "DELETE"))
	{
		statement->kind = PARTIQL_DELETE;
		expect_word(parser, "FROM", "Expected FROM after DELETE");
		statement->table = parse_table(parser);
		parse_where(parser);
		parse_returning(parser);
	}
	else if (accept_word(parser, "EXISTS"))
	{
		statement->kind = PARTIQL_EXISTS;
		parse_exists(parser);
	}
	else
		unexpected(parser);
	accept(parser, PQL_SEMICOLON);
	if (parser->token.kind != PQL_EOF)
		unexpected_behind(parser, "Unexpected token after expression");
}

/*
 * ddb_partiql_parse: text (len bytes, need not end in NUL) to statement, all
 * of it in CurrentMemoryContext and independent of text.
 *
 * Raises ValidationException: "Statement wasn't well formed, can't be
 * processed: ..." for what is no statement, texts of their own for what SQL
 * has and the API has not.  Literals are well formed, but whether numbers are
 * in range, maps without duplicate keys and the members of a set distinct is
 * left to the binder; so is everything that names keys.
 */
PartiqlStatement *
ddb_partiql_parse(const char *text, int len)
{
	Parser		parser;
	char	   *copy;

	if (len > DDB_PARTIQL_MAX_SIZE)
		ddb_validation_error(MALFORMED "Statement size has exceeded the maximum allowed size; statement size: %d",
							 len);
	memset(&parser, 0, sizeof(Parser));
	parser.statement = palloc0(sizeof(PartiqlStatement));
	copy = palloc(Max(len, 1));
	memcpy(copy, text, len);
	ddb_partiql_lex_init(&parser.lexer, copy, len);
	advance(&parser);
	parse_statement(&parser);
	if (parser.noperators > DDB_EXPR_MAX_OPERATORS)
		ddb_validation_error(MALFORMED "The expression contains too many operators; operator count: %d",
							 parser.noperators);
	return parser.statement;
}
