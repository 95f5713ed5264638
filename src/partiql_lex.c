/*
 * partiql_lex.c
 *	  PartiQL text to tokens.
 *
 * As the lexer of expressions it is a cursor over length-delimited text that
 * copies nothing, allocates nothing and never fails: what begins no token
 * comes out as PQL_INVALID, and the parser meets it as an unexpected token.
 *
 * Which words are keywords depends on where they stand, and that is the
 * parser's business.  Bytes above 0x7F belong to words, so that names may be
 * written in any script.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "partiql.h"

static const struct
{
	char		text[3];
	PartiqlTokenKind kind;
}			punctuation[] = {
	/* two characters before one */
	{"<<", PQL_LSET},
	{">>", PQL_RSET},
	{"<>", PQL_NE},
	{"!=", PQL_NE},
	{"<=", PQL_LE},
	{">=", PQL_GE},
	{"=", PQL_EQ},
	{"<", PQL_LT},
	{">", PQL_GT},
	{"?", PQL_PARAMETER},
	{"+", PQL_PLUS},
	{"-", PQL_MINUS},
	{"*", PQL_STAR},
	{",", PQL_COMMA},
	{".", PQL_DOT},
	{":", PQL_COLON},
	{";", PQL_SEMICOLON},
	{"(", PQL_LPAREN},
	{")", PQL_RPAREN},
	{"[", PQL_LBRACKET},
	{"]", PQL_RBRACKET},
	{"{", PQL_LBRACE},
	{"}", PQL_RBRACE}
};

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
begins_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_' || c == '$' || ((unsigned char) c & 0x80) != 0;
}

static bool
is_word(char c)
{
	return begins_word(c) || is_digit(c);
}

/* the byte at pos, NUL beyond the end */
static char
byte_at(const PartiqlLexer *lexer, int pos)
{
	return pos < lexer->len ? lexer->text[pos] : '\0';
}

/* end of the run of characters of a class that starts at pos */
static int
run_end(const PartiqlLexer *lexer, int pos, bool (*belongs) (char))
{
	while (pos < lexer->len && belongs(lexer->text[pos]))
		pos++;
	return pos;
}

/*
 * End of white space and comments: from -- to the end of the line, and from
 * slash and star to star and slash.  A comment left open is none.
 */
static int
skip_blanks(const PartiqlLexer *lexer, int pos)
{
	for (;;)
	{
		int			end;

		pos = run_end(lexer, pos, is_space);
		if (byte_at(lexer, pos) == '-' && byte_at(lexer, pos + 1) == '-')
		{
			while (pos < lexer->len && lexer->text[pos] != '\n')
				pos++;
			continue;
		}
		if (byte_at(lexer, pos) != '/' || byte_at(lexer, pos + 1) != '*')
			return pos;
		for (end = pos + 2; end < lexer->len; end++)
		{
			if (lexer->text[end] == '*' && byte_at(lexer, end + 1) == '/')
				break;
		}
		if (end >= lexer->len)
			return pos;
		pos = end + 2;
	}
}

/*
 * A number: digits with at most one point among or before them, and an
 * exponent.  One that runs into a word is invalid, word included.
 */
static void
lex_number(const PartiqlLexer *lexer, PartiqlToken *token)
{
	int			pos = run_end(lexer, token->pos, is_digit);

	if (byte_at(lexer, pos) == '.')
		pos = run_end(lexer, pos + 1, is_digit);
	if (byte_at(lexer, pos) == 'e' || byte_at(lexer, pos) == 'E')
	{
		int			exponent = pos + 1;

		if (byte_at(lexer, exponent) == '+' || byte_at(lexer, exponent) == '-')
			exponent++;
		if (is_digit(byte_at(lexer, exponent)))
			pos = run_end(lexer, exponent, is_digit);
	}
	token->kind = PQL_NUMBER;
	if (is_word(byte_at(lexer, pos)) && pos < lexer->len)
	{
		token->kind = PQL_INVALID;
		pos = run_end(lexer, pos, is_word);
	}
	token->len = pos - token->pos;
}

/* text in quotes, which stand doubled inside; invalid if left open */
static void
lex_quoted(const PartiqlLexer *lexer, PartiqlToken *token, char quote)
{
	int			pos = token->pos + 1;

	while (pos < lexer->len &&
		   (lexer->text[pos] != quote || byte_at(lexer, pos + 1) == quote))
		pos += lexer->text[pos] == quote ? 2 : 1;
	token->kind = PQL_INVALID;
	if (pos < lexer->len)
	{
		token->kind = quote == '"' ? PQL_QUOTED : PQL_STRING;
		pos++;
	}
	token->len = Min(pos, lexer->len) - token->pos;
}

static void
lex_punctuation(const PartiqlLexer *lexer, PartiqlToken *token)
{
	char		next = byte_at(lexer, token->pos + 1);
	int			i;

	token->kind = PQL_INVALID;
	token->len = 1;
	for (i = 0; i < lengthof(punctuation); i++)
	{
		const char *text = punctuation[i].text;

		if (text[0] != token->str[0] || (text[1] != '\0' && text[1] != next))
			continue;
		token->kind = punctuation[i].kind;
		token->len = text[1] != '\0' ? 2 : 1;
		return;
	}
}

/*
 * ddb_partiql_lex_init: start at the beginning of text, which must outlive
 * the lexer and its tokens.
 */
void
ddb_partiql_lex_init(PartiqlLexer *lexer, const char *text, int len)
{
	lexer->text = text;
	lexer->len = len;
	lexer->pos = 0;
}

/*
 * ddb_partiql_lex_next: the next token; PQL_EOF (of length 0) at the end, as
 * often as asked.
 *
 * A point that a digit follows begins a number: paths have no components
 * that begin with a digit.
 */
PartiqlToken
ddb_partiql_lex_next(PartiqlLexer *lexer)
{
	PartiqlToken token;
	char		first;

	lexer->pos = skip_blanks(lexer, lexer->pos);
	token.kind = PQL_EOF;
	token.str = lexer->text + lexer->pos;
	token.pos = lexer->pos;
	token.len = 0;
	if (lexer->pos >= lexer->len)
		return token;

	first = token.str[0];
	if (begins_word(first))
	{
		token.kind = PQL_WORD;
		token.len = run_end(lexer, token.pos, is_word) - token.pos;
	}
	else if (is_digit(first) ||
			 (first == '.' && is_digit(byte_at(lexer, token.pos + 1))))
		lex_number(lexer, &token);
	else if (first == '"' || first == '\'')
		lex_quoted(lexer, &token, first);
	else
		lex_punctuation(lexer, &token);

	lexer->pos += token.len;
	return token;
}
