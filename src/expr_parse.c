/*
 * expr_parse.c
 *	  Expression text to program: grammar, node constructors, function table.
 *
 * The parser is one operator-precedence machine for conditions and for the
 * right sides of updates.  It keeps two explicit stacks, frames (what is
 * open) and terms (what is complete), and never recurses, so that neither
 * parentheses nor nested calls can exhaust the C stack:
 *
 *		NOT size(a) > :v AND ( ...
 *		frames:  ROOT NOT            terms:  size(a)         at ">"
 *		frames:  ROOT NOT OPERATOR   terms:  size(a) :v      at "AND"
 *		frames:  ROOT AND            terms:  (NOT ...)       at "("
 *
 * It accepts viable prefixes only: a syntax error is raised at the first
 * token with which the text cannot be continued to an expression.
 *
 * Any syntax error wins over every other mistake in the text, wherever that
 * stands, and the others have an order of their own.  So the parser only
 * notes the first mistake of each sort, and raises by order at the end.
 *
 * Nothing here knows names, values, items or the server: bytes in, nodes out.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "error.h"
#include "expr.h"

/* ---- what the machine is made of ---- */

typedef enum Keyword
{
	KEYWORD_NONE,
	KEYWORD_AND,
	KEYWORD_OR,
	KEYWORD_NOT,
	KEYWORD_BETWEEN,
	KEYWORD_IN,
	KEYWORD_SET,
	KEYWORD_REMOVE,
	KEYWORD_ADD,
	KEYWORD_DELETE
} Keyword;

/* mistakes other than syntax errors; the first of each is remembered */
typedef enum FaultKind
{
	FAULT_INDEX,				/* list index out of range */
	FAULT_OPERATORS,			/* too many of them */
	FAULT_PARENTHESES,			/* redundant */
	FAULT_UNKNOWN_FUNCTION,
	FAULT_MISUSED_FUNCTION,
	FAULT_RESERVED,				/* word as attribute name */
	FAULT_SECTION,				/* given twice */
	FAULT_DEPTH					/* of a document path */
} FaultKind;

#define FAULTS (FAULT_DEPTH + 1)

typedef struct Fault
{
	bool		found;
	const char *str;			/* what the message names, NULL if nothing */
	int			len;
	int			number;			/* count in the message */
} Fault;

typedef enum FrameKind
{
	FRAME_ROOT,					/* the whole expression */
	FRAME_GROUP,				/* ( */
	FRAME_LIST,					/* f( or x IN ( */
	FRAME_OPERATOR,				/* x op, or x BETWEEN y AND */
	FRAME_BETWEEN,				/* x BETWEEN */
	FRAME_NOT,
	FRAME_AND,
	FRAME_OR
} FrameKind;

typedef struct Frame
{
	FrameKind	kind;
	bool		operand_only;	/* operators may not stand in here */
	ExprNodeKind op;			/* node it becomes */
	ExprToken	name;			/* of the function */
	int			base;			/* index of its first term */
} Frame;

typedef enum TermKind
{
	TERM_OPERAND,				/* path or value */
	TERM_FUNCTION,				/* an operand or a condition */
	TERM_CLAUSE					/* a condition, a sum */
} TermKind;

typedef struct Term
{
	TermKind	kind;
	bool		wrapped;		/* stands in parentheses of its own */
	ExprNode   *node;
} Term;

typedef enum Progress
{
	PROGRESS_TERM,				/* another term must follow */
	PROGRESS_AGAIN,				/* look at the same place again */
	PROGRESS_DONE				/* the expression ends before the token */
} Progress;

typedef struct Parser
{
	ExprKind	kind;
	ExprProgram *program;
	ExprLexer	lexer;
	ExprToken	token;			/* not consumed yet */
	Keyword		keyword;		/* that the token is in this kind */
	ExprToken	previous;		/* last one consumed */
	bool		has_previous;

	Frame	   *frames;
	int			nframes;
	int			frame_space;
	Term	   *terms;
	int			nterms;
	int			term_space;
	ExprStep   *steps;			/* of the path being read */
	int			nsteps;
	int			step_space;
	int			name_space;		/* of the program's arrays */
	int			value_space;
	int			action_space;
	int			path_space;

	int			noperators;
	Fault		faults[FAULTS];
} Parser;

/* ---- tables ---- */

typedef struct FunctionInfo
{
	const char *name;
	int			noperands;
	bool		is_condition;	/* may stand as a condition */
	bool		is_operand;		/* may stand as an operand */
	bool		is_update;		/* belongs to updates, otherwise to conditions */
	bool		is_partiql;		/* unknown to expressions */
} FunctionInfo;

static const FunctionInfo functions[] = {
	[EXPR_FN_ATTRIBUTE_EXISTS] = {"attribute_exists", 1, .is_condition = true},
	[EXPR_FN_ATTRIBUTE_NOT_EXISTS] = {"attribute_not_exists", 1, .is_condition = true},
	[EXPR_FN_ATTRIBUTE_TYPE] = {"attribute_type", 2, .is_condition = true},
	[EXPR_FN_BEGINS_WITH] = {"begins_with", 2, .is_condition = true},
	[EXPR_FN_CONTAINS] = {"contains", 2, .is_condition = true},
	[EXPR_FN_SIZE] = {"size", 1, .is_operand = true},
	[EXPR_FN_IF_NOT_EXISTS] = {"if_not_exists", 2, .is_operand = true, .is_update = true},
	[EXPR_FN_LIST_APPEND] = {"list_append", 2, .is_operand = true, .is_update = true},
	[EXPR_FN_SET_ADD] = {"set_add", 2, .is_update = true, .is_partiql = true},
	[EXPR_FN_SET_DELETE] = {"set_delete", 2, .is_update = true, .is_partiql = true}
};

/* words with a meaning in the grammar; in other kinds they are names */
static const struct
{
	const char *word;
	Keyword		keyword;
	bool		is_update;		/* of updates, otherwise of conditions */
}			keywords[] = {
	{"AND", KEYWORD_AND, false},
	{"OR", KEYWORD_OR, false},
	{"NOT", KEYWORD_NOT, false},
	{"BETWEEN", KEYWORD_BETWEEN, false},
	{"IN", KEYWORD_IN, false},
	{"SET", KEYWORD_SET, true},
	{"REMOVE", KEYWORD_REMOVE, true},
	{"ADD", KEYWORD_ADD, true},
	{"DELETE", KEYWORD_DELETE, true}
};

static const struct
{
	Keyword		keyword;
	ExprActionKind action;
	const char *name;
}			sections[] = {
	{KEYWORD_SET, EXPR_SET, "SET"},
	{KEYWORD_REMOVE, EXPR_REMOVE, "REMOVE"},
	{KEYWORD_ADD, EXPR_ADD, "ADD"},
	{KEYWORD_DELETE, EXPR_DELETE, "DELETE"}
};

static const struct
{
	ExprTokenKind token;
	ExprNodeKind op;
	bool		is_update;
}			operators[] = {
	{TOK_EQ, EXPR_EQ, false},
	{TOK_NE, EXPR_NE, false},
	{TOK_LT, EXPR_LT, false},
	{TOK_LE, EXPR_LE, false},
	{TOK_GT, EXPR_GT, false},
	{TOK_GE, EXPR_GE, false},
	{TOK_PLUS, EXPR_PLUS, true},
	{TOK_MINUS, EXPR_MINUS, true}
};

/* in which order mistakes are reported */
static const FaultKind condition_faults[FAULTS] = {
	FAULT_INDEX, FAULT_OPERATORS, FAULT_PARENTHESES, FAULT_UNKNOWN_FUNCTION,
	FAULT_MISUSED_FUNCTION, FAULT_RESERVED, FAULT_SECTION, FAULT_DEPTH
};

static const FaultKind update_faults[FAULTS] = {
	FAULT_INDEX, FAULT_OPERATORS, FAULT_PARENTHESES, FAULT_RESERVED,
	FAULT_UNKNOWN_FUNCTION, FAULT_MISUSED_FUNCTION, FAULT_SECTION, FAULT_DEPTH
};

/* ---- constructors ---- */

/*
 * ddb_expr_make_node: an operator or function with room for nargs arguments,
 * in CurrentMemoryContext; all else is zero.
 */
ExprNode *
ddb_expr_make_node(ExprNodeKind kind, int nargs)
{
	ExprNode   *node;

	node = palloc0(MAXALIGN(sizeof(ExprNode)) + nargs * sizeof(ExprNode *));
	node->kind = kind;
	node->nargs = nargs;
	if (nargs > 0)
		node->args = (ExprNode **) ((char *) node + MAXALIGN(sizeof(ExprNode)));
	return node;
}

static ExprPath
copy_path(int nsteps, const ExprStep *steps)
{
	ExprPath	path;

	path.nsteps = nsteps;
	path.steps = palloc(nsteps * sizeof(ExprStep));
	memcpy(path.steps, steps, nsteps * sizeof(ExprStep));
	return path;
}

/*
 * ddb_expr_make_path: a path operand; the steps are copied, the names they
 * point to are not.
 */
ExprNode *
ddb_expr_make_path(int nsteps, const ExprStep *steps)
{
	ExprNode   *node = ddb_expr_make_node(EXPR_PATH, 0);

	node->path = copy_path(nsteps, steps);
	return node;
}

ExprNode *
ddb_expr_make_value(int value_slot)
{
	ExprNode   *node = ddb_expr_make_node(EXPR_VALUE, 0);

	node->value_slot = value_slot;
	return node;
}

const char *
ddb_expr_function_name(ExprFunction function)
{
	return functions[function].name;
}

/* number of operands that a function takes */
int
ddb_expr_function_operands(ExprFunction function)
{
	return functions[function].noperands;
}

/* ---- errors ---- */

/*
 * The message shows the token and its neighbourhood: the text from the token
 * before it to the token after it.
 */
static void pg_attribute_noreturn()
syntax_error(Parser *parser)
{
	const ExprToken *token = &parser->token;
	const char *text = parser->lexer.text;
	ExprToken	next = ddb_expr_lex_next(&parser->lexer);
	int			start = token->pos;
	int			end = token->pos + token->len;

	if (next.kind != TOK_EOF)
		end = next.pos + next.len;
	if (parser->has_previous)
	{
		start = parser->previous.pos;
		if (token->kind == TOK_EOF)
			end = start + parser->previous.len;
	}
	ddb_validation_error("Invalid %sExpression: Syntax error; token: \"%.*s\", near: \"%.*s\"",
						 ddb_expr_kind_name(parser->kind),
						 token->kind == TOK_EOF ? 5 : token->len,
						 token->kind == TOK_EOF ? "<EOF>" : token->str,
						 end - start, text + start);
}

static void
note_fault(Parser *parser, FaultKind kind, const char *str, int len, int number)
{
	Fault	   *fault = &parser->faults[kind];

	if (fault->found)
		return;
	fault->found = true;
	fault->str = str;
	fault->len = len;
	fault->number = number;
}

static void pg_attribute_noreturn()
raise_fault(ExprKind kind, FaultKind fault_kind, const Fault *fault)
{
	const char *prefix = ddb_expr_kind_name(kind);

	switch (fault_kind)
	{
		case FAULT_INDEX:
			ddb_validation_error("Invalid %sExpression: List index is not within the allowable range; index: [%.*s]",
								 prefix, fault->len, fault->str);
		case FAULT_OPERATORS:
			ddb_validation_error("Invalid %sExpression: The expression contains too many operators; operator count: %d",
								 prefix, fault->number);
		case FAULT_PARENTHESES:
			ddb_validation_error("Invalid %sExpression: The expression has redundant parentheses;",
								 prefix);
		case FAULT_UNKNOWN_FUNCTION:
			ddb_validation_error("Invalid %sExpression: Invalid function name; function: %.*s",
								 prefix, fault->len, fault->str);
		case FAULT_MISUSED_FUNCTION:
			ddb_validation_error("Invalid %sExpression: The function is not allowed to be used this way in an expression; function: %.*s",
								 prefix, fault->len, fault->str);
		case FAULT_RESERVED:
			ddb_validation_error("Invalid %sExpression: Attribute name is a reserved keyword; reserved keyword: %.*s",
								 prefix, fault->len, fault->str);
		case FAULT_SECTION:
			ddb_validation_error("Invalid %sExpression: The \"%.*s\" section can only be used once in an update expression;",
								 prefix, fault->len, fault->str);
		case FAULT_DEPTH:
			ddb_validation_error("Invalid %sExpression: The document path has too many nesting levels; nesting levels: %d",
								 prefix, fault->number);
	}
	pg_unreachable();
}

static void
raise_faults(const Parser *parser)
{
	const FaultKind *order;
	int			i;

	order = parser->kind == EXPR_UPDATE ? update_faults : condition_faults;
	for (i = 0; i < FAULTS; i++)
	{
		if (parser->faults[order[i]].found)
			raise_fault(parser->kind, order[i], &parser->faults[order[i]]);
	}
}

/* ---- tokens ---- */

/* is the token this word of upper-case letters, in any letter case? */
static bool
token_is_word(const ExprToken *token, const char *word)
{
	int			i;

	for (i = 0; i < token->len; i++)
	{
		char		c = token->str[i];

		if (c >= 'a' && c <= 'z')
			c += 'A' - 'a';
		if (c != word[i])
			return false;
	}
	return word[token->len] == '\0';
}

static Keyword
token_keyword(const Parser *parser)
{
	bool		is_update = parser->kind == EXPR_UPDATE;
	int			i;

	if (parser->token.kind != TOK_NAME || parser->kind == EXPR_PROJECTION)
		return KEYWORD_NONE;
	for (i = 0; i < lengthof(keywords); i++)
	{
		if (keywords[i].is_update == is_update &&
			token_is_word(&parser->token, keywords[i].word))
			return keywords[i].keyword;
	}
	return KEYWORD_NONE;
}

static void
advance(Parser *parser)
{
	parser->previous = parser->token;
	parser->has_previous = true;
	parser->token = ddb_expr_lex_next(&parser->lexer);
	parser->keyword = token_keyword(parser);
}

static bool
accept(Parser *parser, ExprTokenKind kind)
{
	if (parser->token.kind != kind)
		return false;
	advance(parser);
	return true;
}

static void
expect(Parser *parser, ExprTokenKind kind)
{
	if (!accept(parser, kind))
		syntax_error(parser);
}

/* ---- growing arrays ---- */

/* room for element number count: the array, moved where it was full */
static void *
reserve(void *array, int count, int *space, Size element_size)
{
	if (count < *space)
		return array;
	*space *= 2;
	return repalloc(array, *space * element_size);
}

static Frame *
top_frame(Parser *parser)
{
	return &parser->frames[parser->nframes - 1];
}

static Term *
top_term(Parser *parser)
{
	return &parser->terms[parser->nterms - 1];
}

/* open a frame whose terms begin at base */
static Frame *
push_frame(Parser *parser, FrameKind kind, ExprNodeKind op, int base)
{
	Frame	   *frame;

	parser->frames = reserve(parser->frames, parser->nframes,
							 &parser->frame_space, sizeof(Frame));
	frame = &parser->frames[parser->nframes++];
	memset(frame, 0, sizeof(Frame));
	frame->kind = kind;
	frame->op = op;
	frame->base = base;
	frame->operand_only = kind == FRAME_LIST || kind == FRAME_OPERATOR ||
		kind == FRAME_BETWEEN;
	return frame;
}

static void
push_term(Parser *parser, TermKind kind, ExprNode *node)
{
	Term	   *term;

	parser->terms = reserve(parser->terms, parser->nterms,
							&parser->term_space, sizeof(Term));
	term = &parser->terms[parser->nterms++];
	term->kind = kind;
	term->wrapped = false;
	term->node = node;
}

/* slot of a placeholder, a new one at its first appearance */
static int
placeholder_slot(ExprPlaceholder **slots, int *count, int *space,
				 const ExprToken *token)
{
	int			i;

	for (i = 0; i < *count; i++)
	{
		if ((*slots)[i].len == token->len &&
			memcmp((*slots)[i].str, token->str, token->len) == 0)
			return i;
	}
	*slots = reserve(*slots, *count, space, sizeof(ExprPlaceholder));
	(*slots)[*count].str = token->str;
	(*slots)[*count].len = token->len;
	return (*count)++;
}

/* ---- paths ---- */

static ExprStep *
push_step(Parser *parser)
{
	ExprStep   *step;

	parser->steps = reserve(parser->steps, parser->nsteps,
							&parser->step_space, sizeof(ExprStep));
	step = &parser->steps[parser->nsteps++];
	memset(step, 0, sizeof(ExprStep));
	step->name_slot = -1;
	return step;
}

/* a component from a token that is a literal name or an alias */
static void
add_name_step(Parser *parser, const ExprToken *token)
{
	ExprStep   *step = push_step(parser);

	if (token->kind == TOK_ALIAS)
	{
		step->name_slot = placeholder_slot(&parser->program->names,
										   &parser->program->nnames,
										   &parser->name_space, token);
		return;
	}
	step->name = token->str;
	step->name_len = token->len;
	if (ddb_expr_is_reserved(token->str, token->len))
		note_fault(parser, FAULT_RESERVED, token->str, token->len, 0);
}

static void
add_index_step(Parser *parser, const ExprToken *token)
{
	ExprStep   *step = push_step(parser);
	int64		index = 0;
	int			i;

	for (i = 0; i < token->len && index <= PG_INT32_MAX; i++)
		index = index * 10 + (token->str[i] - '0');
	step->is_index = true;
	if (index > PG_INT32_MAX)
		note_fault(parser, FAULT_INDEX, token->str, token->len, 0);
	else
		step->index = (int) index;
}

/* the token as a path component's name, which no keyword may be */
static ExprToken
take_name(Parser *parser)
{
	ExprToken	token = parser->token;

	if ((token.kind != TOK_NAME && token.kind != TOK_ALIAS) ||
		parser->keyword != KEYWORD_NONE)
		syntax_error(parser);
	advance(parser);
	return token;
}

/* ( "." name | "[" index "]" )* */
static void
parse_steps(Parser *parser)
{
	ExprToken	token;

	for (;;)
	{
		if (accept(parser, TOK_DOT))
		{
			token = take_name(parser);
			add_name_step(parser, &token);
		}
		else if (accept(parser, TOK_LBRACKET))
		{
			token = parser->token;
			expect(parser, TOK_INTEGER);
			expect(parser, TOK_RBRACKET);
			add_index_step(parser, &token);
		}
		else
			break;
	}
	if (parser->nsteps > DDB_EXPR_MAX_DEPTH)
		note_fault(parser, FAULT_DEPTH, NULL, 0, parser->nsteps);
}

/* the rest of a path whose first name has been consumed, into parser->steps */
static void
parse_path_after(Parser *parser, const ExprToken *name)
{
	parser->nsteps = 0;
	add_name_step(parser, name);
	parse_steps(parser);
}

static ExprPath
parse_path(Parser *parser)
{
	ExprToken	name = take_name(parser);

	parse_path_after(parser, &name);
	return copy_path(parser->nsteps, parser->steps);
}

/*
 * In conditions a path in parentheses may go on behind them: (a.b).c is the
 * path a.b.c.  False if there is nothing of the sort here.
 */
static bool
extend_path(Parser *parser)
{
	Term	   *term = top_term(parser);
	const ExprPath *path = &term->node->path;
	int			i;

	if (parser->kind == EXPR_UPDATE || term->node->kind != EXPR_PATH ||
		(parser->token.kind != TOK_DOT && parser->token.kind != TOK_LBRACKET))
		return false;
	parser->nsteps = 0;
	for (i = 0; i < path->nsteps; i++)
		*push_step(parser) = path->steps[i];
	parse_steps(parser);
	term->node = ddb_expr_make_path(parser->nsteps, parser->steps);
	term->wrapped = false;
	return true;
}

/* ---- functions ---- */

static void
note_misuse(Parser *parser, ExprFunction function)
{
	const char *name = functions[function].name;

	note_fault(parser, FAULT_MISUSED_FUNCTION, name, strlen(name), 0);
}

/*
 * list_append is a whole right side or one side of + and -, never an
 * argument.
 */
static void
check_arguments(Parser *parser, const ExprNode *call)
{
	int			i;

	for (i = 0; i < call->nargs; i++)
	{
		if (call->args[i]->kind == EXPR_FUNCTION &&
			call->args[i]->function == EXPR_FN_LIST_APPEND)
			note_misuse(parser, EXPR_FN_LIST_APPEND);
	}
}

/*
 * Give a call its function.  An unknown one keeps an arbitrary function, for
 * the fault ends the program anyway.
 */
static void
resolve_function(Parser *parser, ExprNode *call, const ExprToken *name)
{
	int			i;

	for (i = 0; i < lengthof(functions); i++)
	{
		if (!functions[i].is_partiql &&
			strlen(functions[i].name) == name->len &&
			memcmp(functions[i].name, name->str, name->len) == 0)
			break;
	}
	if (i == lengthof(functions))
	{
		note_fault(parser, FAULT_UNKNOWN_FUNCTION, name->str, name->len, 0);
		return;
	}
	call->function = (ExprFunction) i;
	if (functions[i].is_update != (parser->kind == EXPR_UPDATE))
		note_misuse(parser, call->function);
	check_arguments(parser, call);
}

/* a function that stands as an operand must be one that yields a value */
static void
check_operand(Parser *parser, const ExprNode *node)
{
	if (node->kind == EXPR_FUNCTION && !functions[node->function].is_operand)
		note_misuse(parser, node->function);
}

/* ---- the machine ---- */

/* close the top frame: its terms become the arguments of one new term */
static void
reduce(Parser *parser)
{
	Frame	   *frame = top_frame(parser);
	int			nargs = parser->nterms - frame->base;
	ExprNode   *node = ddb_expr_make_node(frame->op, nargs);
	TermKind	kind = TERM_CLAUSE;
	int			i;

	for (i = 0; i < nargs; i++)
	{
		node->args[i] = parser->terms[frame->base + i].node;
		if (frame->operand_only)
			check_operand(parser, node->args[i]);
	}
	if (frame->op == EXPR_FUNCTION)
	{
		resolve_function(parser, node, &frame->name);
		kind = TERM_FUNCTION;
	}
	parser->nterms = frame->base;
	parser->nframes--;
	push_term(parser, kind, node);
}

/*
 * Read up to and including the next path or value, opening a frame for
 * every NOT, parenthesis and call before it.
 */
static void
begin_term(Parser *parser)
{
	Frame	   *frame;
	ExprToken	name;

	for (;;)
	{
		bool		operand_only = top_frame(parser)->operand_only;

		if (parser->keyword == KEYWORD_NOT && !operand_only)
		{
			push_frame(parser, FRAME_NOT, EXPR_NOT, parser->nterms);
			parser->noperators++;
			advance(parser);
			continue;
		}
		if (accept(parser, TOK_LPAREN))
		{
			frame = push_frame(parser, FRAME_GROUP, EXPR_PATH, parser->nterms);
			frame->operand_only = operand_only;
			continue;
		}
		if (parser->token.kind == TOK_VALUE)
			break;
		name = take_name(parser);
		if (name.kind == TOK_NAME && accept(parser, TOK_LPAREN))
		{
			frame = push_frame(parser, FRAME_LIST, EXPR_FUNCTION, parser->nterms);
			frame->name = name;
			continue;
		}
		parse_path_after(parser, &name);
		push_term(parser, TERM_OPERAND,
				  ddb_expr_make_path(parser->nsteps, parser->steps));
		return;
	}
	push_term(parser, TERM_OPERAND,
			  ddb_expr_make_value(placeholder_slot(&parser->program->values,
												   &parser->program->nvalues,
												   &parser->value_space,
												   &parser->token)));
	advance(parser);
}

/* open the operator that the token is, with the top term at its left */
static bool
open_operator(Parser *parser)
{
	int			base = parser->nterms - 1;
	int			i;

	if (parser->keyword == KEYWORD_BETWEEN)
		push_frame(parser, FRAME_BETWEEN, EXPR_BETWEEN, base);
	else if (parser->keyword == KEYWORD_IN)
		push_frame(parser, FRAME_LIST, EXPR_IN, base);
	else
	{
		for (i = 0; i < lengthof(operators); i++)
		{
			if (operators[i].token == parser->token.kind &&
				operators[i].is_update == (parser->kind == EXPR_UPDATE))
				break;
		}
		if (i == lengthof(operators))
			return false;
		push_frame(parser, FRAME_OPERATOR, operators[i].op, base);
	}
	parser->noperators++;
	advance(parser);
	if (top_frame(parser)->op == EXPR_IN)
		expect(parser, TOK_LPAREN);
	return true;
}

static void
close_group(Parser *parser)
{
	Term	   *term = top_term(parser);

	if (term->wrapped)
		note_fault(parser, FAULT_PARENTHESES, NULL, 0, 0);
	term->wrapped = true;
	parser->nframes--;
	advance(parser);
}

/* the top term must be a condition; a function becomes one here */
static void
make_condition(Parser *parser)
{
	Term	   *term = top_term(parser);

	if (term->kind == TERM_OPERAND)
		syntax_error(parser);
	if (term->kind == TERM_FUNCTION &&
		!functions[term->node->function].is_condition)
		note_misuse(parser, term->node->function);
	term->kind = TERM_CLAUSE;
}

/* open AND or OR behind a condition, after closing what binds tighter */
static Progress
connect_condition(Parser *parser)
{
	FrameKind	top = top_frame(parser)->kind;
	bool		outermost = top == FRAME_ROOT || top == FRAME_GROUP;
	int			base = parser->nterms - 1;

	if (parser->keyword == KEYWORD_AND && (outermost || top == FRAME_OR))
		push_frame(parser, FRAME_AND, EXPR_AND, base);
	else if (parser->keyword == KEYWORD_OR && outermost)
		push_frame(parser, FRAME_OR, EXPR_OR, base);
	else if (top == FRAME_ROOT)
		return PROGRESS_DONE;
	else if (top == FRAME_GROUP)
		syntax_error(parser);
	else
	{
		reduce(parser);
		return PROGRESS_AGAIN;
	}
	parser->noperators++;
	advance(parser);
	return PROGRESS_TERM;
}

/* behind a term in a place where more than an operand may stand */
static Progress
continue_clause(Parser *parser)
{
	Frame	   *top = top_frame(parser);

	if (!top->operand_only && top_term(parser)->kind != TERM_CLAUSE &&
		open_operator(parser))
		return PROGRESS_TERM;
	if (top->kind == FRAME_GROUP)
	{
		if (parser->token.kind == TOK_RPAREN)
		{
			close_group(parser);
			return PROGRESS_AGAIN;
		}
		if (top->operand_only || parser->kind == EXPR_UPDATE)
			syntax_error(parser);
	}
	if (parser->kind == EXPR_UPDATE)
		return PROGRESS_DONE;
	make_condition(parser);
	return connect_condition(parser);
}

static Progress
continue_term(Parser *parser)
{
	Frame	   *top = top_frame(parser);

	if (extend_path(parser))
		return PROGRESS_AGAIN;
	switch (top->kind)
	{
		case FRAME_LIST:
			if (accept(parser, TOK_COMMA))
				return PROGRESS_TERM;
			expect(parser, TOK_RPAREN);
			reduce(parser);
			return PROGRESS_AGAIN;
		case FRAME_BETWEEN:
			if (parser->keyword != KEYWORD_AND)
				syntax_error(parser);
			top->kind = FRAME_OPERATOR;
			advance(parser);
			return PROGRESS_TERM;
		case FRAME_OPERATOR:
			reduce(parser);
			return PROGRESS_AGAIN;
		case FRAME_ROOT:
		case FRAME_GROUP:
		case FRAME_NOT:
		case FRAME_AND:
		case FRAME_OR:
			break;
	}
	return continue_clause(parser);
}

/*
 * A condition, or the right side of an assignment.  It ends before the first
 * token that does not belong to it; whether that may stand there is for the
 * caller to say.
 */
static ExprNode *
parse_expression(Parser *parser)
{
	Progress	progress;

	parser->nframes = 0;
	parser->nterms = 0;
	push_frame(parser, FRAME_ROOT, EXPR_PATH, 0);
	do
	{
		begin_term(parser);
		do
			progress = continue_term(parser);
		while (progress == PROGRESS_AGAIN);
	} while (progress == PROGRESS_TERM);
	return parser->terms[0].node;
}

/* ---- the kinds ---- */

static void
parse_projection(Parser *parser)
{
	ExprProgram *program = parser->program;

	do
	{
		program->paths = reserve(program->paths, program->npaths,
								 &parser->path_space, sizeof(ExprPath));
		program->paths[program->npaths] = parse_path(parser);
		program->npaths++;
	} while (accept(parser, TOK_COMMA));
}

static void
parse_action(Parser *parser, ExprActionKind kind)
{
	ExprProgram *program = parser->program;
	ExprAction *action;

	program->actions = reserve(program->actions, program->nactions,
							   &parser->action_space, sizeof(ExprAction));
	action = &program->actions[program->nactions++];
	action->kind = kind;
	action->path = parse_path(parser);
	action->value = NULL;
	if (kind == EXPR_SET)
	{
		expect(parser, TOK_EQ);
		action->value = parse_expression(parser);
	}
	else if (kind == EXPR_ADD || kind == EXPR_DELETE)
	{
		ExprToken	token = parser->token;

		expect(parser, TOK_VALUE);
		action->value = ddb_expr_make_value(placeholder_slot(&program->values,
															 &program->nvalues,
															 &parser->value_space,
															 &token));
	}
}

/* sections, each at most once, in any order */
static void
parse_update(Parser *parser)
{
	bool		seen[lengthof(sections)] = {false};
	int			i;

	do
	{
		for (i = 0; i < lengthof(sections); i++)
		{
			if (sections[i].keyword == parser->keyword)
				break;
		}
		if (i == lengthof(sections))
			syntax_error(parser);
		if (seen[i])
			note_fault(parser, FAULT_SECTION, sections[i].name,
					   strlen(sections[i].name), 0);
		seen[i] = true;
		advance(parser);
		do
			parse_action(parser, sections[i].action);
		while (accept(parser, TOK_COMMA));
	} while (parser->token.kind != TOK_EOF);
}

static void
check_size(ExprKind kind, int len)
{
	if (len > DDB_EXPR_MAX_SIZE)
		ddb_validation_error("Invalid %sExpression: Expression size has exceeded the maximum allowed size; expression size: %d",
							 ddb_expr_kind_name(kind), len);
	if (len <= 0)
		ddb_validation_error("Invalid %sExpression: The expression can not be empty;",
							 ddb_expr_kind_name(kind));
}

/* start on a copy of text, which names and placeholders point into */
static void
parser_init(Parser *parser, ExprKind kind, const char *text, int len)
{
	ExprProgram *program = palloc0(sizeof(ExprProgram));
	char	   *copy = palloc(len);

	memcpy(copy, text, len);
	memset(parser, 0, sizeof(Parser));
	parser->kind = kind;
	parser->program = program;
	program->kind = kind;

	parser->frame_space = parser->term_space = parser->step_space = 16;
	parser->frames = palloc(parser->frame_space * sizeof(Frame));
	parser->terms = palloc(parser->term_space * sizeof(Term));
	parser->steps = palloc(parser->step_space * sizeof(ExprStep));
	parser->name_space = parser->value_space = 4;
	program->names = palloc(parser->name_space * sizeof(ExprPlaceholder));
	program->values = palloc(parser->value_space * sizeof(ExprPlaceholder));
	parser->action_space = parser->path_space = 4;
	if (kind == EXPR_UPDATE)
		program->actions = palloc(parser->action_space * sizeof(ExprAction));
	if (kind == EXPR_PROJECTION)
		program->paths = palloc(parser->path_space * sizeof(ExprPath));

	ddb_expr_lex_init(&parser->lexer, copy, len);
	advance(parser);
	parser->has_previous = false;
}

static void
parser_finish(Parser *parser)
{
	pfree(parser->frames);
	pfree(parser->terms);
	pfree(parser->steps);
}

/*
 * ddb_expr_parse: text (len bytes, need not end in NUL) to program, all of it
 * in CurrentMemoryContext and independent of text.
 *
 * Raises ValidationException "Invalid <Kind>Expression: ..." for size,
 * emptiness and syntax, in this order, and then for the other mistakes that
 * the text alone shows, in the order of the kind.  Numbers of operands are
 * left to the binder: placeholders without definition are reported first.
 */
ExprProgram *
ddb_expr_parse(ExprKind kind, const char *text, int len)
{
	Parser		parser;

	check_size(kind, len);
	parser_init(&parser, kind, text, len);
	switch (kind)
	{
		case EXPR_CONDITION:
		case EXPR_FILTER:
		case EXPR_KEY_CONDITION:
			parser.program->condition = parse_expression(&parser);
			break;
		case EXPR_PROJECTION:
			parse_projection(&parser);
			break;
		case EXPR_UPDATE:
			parse_update(&parser);
			break;
	}
	if (parser.token.kind != TOK_EOF)
		syntax_error(&parser);
	if (parser.noperators > DDB_EXPR_MAX_OPERATORS)
		note_fault(&parser, FAULT_OPERATORS, NULL, 0, parser.noperators);
	raise_faults(&parser);
	parser_finish(&parser);
	return parser.program;
}
