/*
 * expr_lex.c
 *	  Expression text to tokens.
 *
 * The lexer is a cursor over length-delimited text: it copies nothing,
 * allocates nothing and never fails.  A character that begins no token comes
 * out as TOK_INVALID, so that the parser meets every lexical error as an
 * ordinary unexpected token and reports it with its neighbourhood.
 *
 * Keywords are names here; which names are keywords depends on the kind of
 * expression, and that is the parser's business.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "expr.h"

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(char c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

/*
 * Size of the character at str, so that a message never cuts one in two.
 * Damaged UTF-8 is taken as far as it looks whole.
 */
static int
character_size(const char *str, int avail)
{
	unsigned char lead = (unsigned char) str[0];
	int			expected;
	int			size = 1;

	if (lead < 0xC0)
		return 1;
	expected = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	while (size < expected && size < avail &&
		   ((unsigned char) str[size] & 0xC0) == 0x80)
		size++;
	return size;
}

/* end of the run of characters of a class that starts at pos */
static int
run_end(const ExprLexer *lexer, int pos, bool (*belongs) (char))
{
	while (pos < lexer->len && belongs(lexer->text[pos]))
		pos++;
	return pos;
}

/* tokens of one or two characters that are not words; TOK_INVALID if none */
static ExprTokenKind
punctuation(const char *str, int avail, int *size)
{
	char		next = avail > 1 ? str[1] : '\0';

	*size = 1;
	switch (str[0])
	{
		case '=':
			return TOK_EQ;
		case '<':
			if (next != '=' && next != '>')
				return TOK_LT;
			*size = 2;
			return next == '=' ? TOK_LE : TOK_NE;
		case '>':
			if (next != '=')
				return TOK_GT;
			*size = 2;
			return TOK_GE;
		case '+':
			return TOK_PLUS;
		case '-':
			return TOK_MINUS;
		case '(':
			return TOK_LPAREN;
		case ')':
			return TOK_RPAREN;
		case '[':
			return TOK_LBRACKET;
		case ']':
			return TOK_RBRACKET;
		case ',':
			return TOK_COMMA;
		case '.':
			return TOK_DOT;
		default:
			*size = character_size(str, avail);
			return TOK_INVALID;
	}
}

/*
 * ddb_expr_lex_init: start at the beginning of text, which must outlive the
 * lexer and its tokens.
 */
void
ddb_expr_lex_init(ExprLexer *lexer, const char *text, int len)
{
	lexer->text = text;
	lexer->len = len;
	lexer->pos = 0;
}

/*
 * ddb_expr_lex_next: the next token; TOK_EOF (of length 0) at the end, as
 * often as asked.
 *
 * Literal names begin with a letter; after # and : digits and _ may stand
 * first.  A bare # or : is no token.
 */
ExprToken
ddb_expr_lex_next(ExprLexer *lexer)
{
	ExprToken	token;
	char		first;

	lexer->pos = run_end(lexer, lexer->pos, is_space);
	token.str = lexer->text + lexer->pos;
	token.pos = lexer->pos;
	token.len = 0;
	token.kind = TOK_EOF;
	if (lexer->pos >= lexer->len)
		return token;

	first = token.str[0];
	if (is_letter(first))
		token.kind = TOK_NAME;
	else if (is_digit(first))
		token.kind = TOK_INTEGER;
	else if (first == '#')
		token.kind = TOK_ALIAS;
	else if (first == ':')
		token.kind = TOK_VALUE;

	if (token.kind == TOK_INTEGER)
		token.len = run_end(lexer, token.pos, is_digit) - token.pos;
	else if (token.kind != TOK_EOF)
		token.len = run_end(lexer, token.pos + 1, is_word) - token.pos;

	if (token.kind == TOK_EOF)
		token.kind = punctuation(token.str, lexer->len - lexer->pos, &token.len);
	else if (token.len == 1 && (first == '#' || first == ':'))
		token.kind = TOK_INVALID;

	lexer->pos += token.len;
	return token;
}
