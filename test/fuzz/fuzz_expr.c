/*
 * fuzz_expr.c
 *	  Properties of the expression parser over arbitrary texts.
 *
 * The first byte of an input selects the kind of expression, the rest is its
 * text.  Tokens must cover the text; a refusal must be a validation error of
 * the kind; an accepted program must be well formed, and printed again in the
 * shortest way it must parse to the same program and not be longer than what
 * was read.  The parser gets a copy of the exact size that is overwritten
 * afterwards, so reading beyond the end and keeping pointers into the text
 * both show.
 */
#include "postgres_fe.h"

#include "error.h"
#include "expr.h"
#include "fuzz_support.h"

#define KINDS	(EXPR_UPDATE + 1)

typedef struct Job
{
	ExprKind	kind;
	const char *text;
	int			len;
	ExprProgram *program;
} Job;

/* ---- tokens ---- */

static void
check_gap(const char *text, int from, int to)
{
	for (; from < to; from++)
		fuzz_check(strchr(" \t\r\n", text[from]) != NULL && text[from] != '\0');
}

static void
check_tokens(const char *text, int len)
{
	ExprLexer	lexer;
	ExprToken	token;
	int			end = 0;

	ddb_expr_lex_init(&lexer, text, len);
	for (;;)
	{
		token = ddb_expr_lex_next(&lexer);
		fuzz_check(token.str == text + token.pos);
		fuzz_check(token.pos >= end && token.pos + token.len <= len);
		check_gap(text, end, token.pos);
		if (token.kind == TOK_EOF)
			break;
		fuzz_check(token.len > 0);
		end = token.pos + token.len;
	}
	fuzz_check(token.pos == len && token.len == 0);
	fuzz_check(ddb_expr_lex_next(&lexer).kind == TOK_EOF);
}

/* ---- well-formed programs ---- */

static void
check_path(const ExprProgram *program, const ExprPath *path)
{
	int			i;

	fuzz_check(path->nsteps >= 1 && path->nsteps <= DDB_EXPR_MAX_DEPTH);
	fuzz_check(!path->steps[0].is_index);
	for (i = 0; i < path->nsteps; i++)
	{
		const ExprStep *step = &path->steps[i];

		if (step->is_index)
			fuzz_check(step->index >= 0);
		else if (step->name_slot >= 0)
			fuzz_check(step->name_slot < program->nnames && step->name == NULL);
		else
			fuzz_check(step->name_len > 0 &&
					   !ddb_expr_is_reserved(step->name, step->name_len));
	}
}

/* returns the number of operators */
static int
check_node(const ExprProgram *program, const ExprNode *node)
{
	int			noperators;
	int			i;

	fuzz_check(node != NULL);
	if (node->kind == EXPR_PATH)
		check_path(program, &node->path);
	if (node->kind == EXPR_VALUE)
		fuzz_check(node->value_slot >= 0 && node->value_slot < program->nvalues);
	fuzz_check((node->nargs == 0) ==
			   (node->kind == EXPR_PATH || node->kind == EXPR_VALUE));
	noperators = node->nargs > 0 && node->kind != EXPR_FUNCTION;
	for (i = 0; i < node->nargs; i++)
		noperators += check_node(program, node->args[i]);
	return noperators;
}

static void
check_placeholders(const ExprPlaceholder *placeholders, int count, char sigil)
{
	int			i;

	for (i = 0; i < count; i++)
		fuzz_check(placeholders[i].len >= 2 && placeholders[i].str[0] == sigil);
}

static void
check_program(const ExprProgram *program, ExprKind kind)
{
	int			noperators = 0;
	int			i;

	fuzz_check(program->kind == kind);
	fuzz_check((program->npaths > 0) == (kind == EXPR_PROJECTION));
	fuzz_check((program->nactions > 0) == (kind == EXPR_UPDATE));
	fuzz_check((program->condition != NULL) ==
			   (kind != EXPR_PROJECTION && kind != EXPR_UPDATE));
	check_placeholders(program->names, program->nnames, '#');
	check_placeholders(program->values, program->nvalues, ':');
	if (program->condition != NULL)
		noperators += check_node(program, program->condition);
	for (i = 0; i < program->npaths; i++)
		check_path(program, &program->paths[i]);
	for (i = 0; i < program->nactions; i++)
	{
		const ExprAction *action = &program->actions[i];

		check_path(program, &action->path);
		fuzz_check((action->value == NULL) == (action->kind == EXPR_REMOVE));
		if (action->value != NULL)
			noperators += check_node(program, action->value);
	}
	fuzz_check(noperators <= DDB_EXPR_MAX_OPERATORS);
}

/* ---- printing ---- */

typedef struct Printer
{
	const ExprProgram *program;
	char	   *buf;
	int			size;
	int			capacity;
} Printer;

static bool
is_word(char c)
{
	return c == '_' || (c >= '0' && c <= '9') ||
		(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* append one token, after a blank only where two would run together */
static void
print_token(Printer *printer, const char *str, int len)
{
	bool		blank = printer->size > 0 && is_word(str[0]) &&
		is_word(printer->buf[printer->size - 1]);

	fuzz_check(printer->size + blank + len <= printer->capacity);
	if (blank)
		printer->buf[printer->size++] = ' ';
	memcpy(printer->buf + printer->size, str, len);
	printer->size += len;
}

static void
print_string(Printer *printer, const char *str)
{
	print_token(printer, str, strlen(str));
}

static void
print_path(Printer *printer, const ExprPath *path)
{
	char		index[32];
	int			i;

	for (i = 0; i < path->nsteps; i++)
	{
		const ExprStep *step = &path->steps[i];
		const ExprPlaceholder *alias;

		if (step->is_index)
		{
			snprintf(index, sizeof(index), "[%d]", step->index);
			print_string(printer, index);
			continue;
		}
		if (i > 0)
			print_string(printer, ".");
		if (step->name_slot < 0)
		{
			print_token(printer, step->name, step->name_len);
			continue;
		}
		alias = &printer->program->names[step->name_slot];
		print_token(printer, alias->str, alias->len);
	}
}

static const char *
infix(ExprNodeKind kind)
{
	switch (kind)
	{
		case EXPR_EQ:
			return "=";
		case EXPR_NE:
			return "<>";
		case EXPR_LT:
			return "<";
		case EXPR_LE:
			return "<=";
		case EXPR_GT:
			return ">";
		case EXPR_GE:
			return ">=";
		case EXPR_AND:
			return "AND";
		case EXPR_OR:
			return "OR";
		case EXPR_PLUS:
			return "+";
		case EXPR_MINUS:
			return "-";
		default:
			return NULL;
	}
}

/* how tightly a node binds */
static int
binding_power(const ExprNode *node)
{
	switch (node->kind)
	{
		case EXPR_OR:
			return 1;
		case EXPR_AND:
			return 2;
		case EXPR_NOT:
			return 3;
		case EXPR_PATH:
		case EXPR_VALUE:
		case EXPR_FUNCTION:
			return 5;
		default:
			return 4;
	}
}

static void print_node(Printer *printer, const ExprNode *node);

/* in parentheses if it binds less tightly than it must here */
static void
print_argument(Printer *printer, const ExprNode *node, int power)
{
	bool		wrap = binding_power(node) < power;

	if (wrap)
		print_string(printer, "(");
	print_node(printer, node);
	if (wrap)
		print_string(printer, ")");
}

static void
print_list(Printer *printer, const ExprNode *node, int first)
{
	int			i;

	print_string(printer, "(");
	for (i = first; i < node->nargs; i++)
	{
		if (i > first)
			print_string(printer, ",");
		print_node(printer, node->args[i]);
	}
	print_string(printer, ")");
}

static void
print_node(Printer *printer, const ExprNode *node)
{
	const ExprPlaceholder *value;

	switch (node->kind)
	{
		case EXPR_PATH:
			print_path(printer, &node->path);
			break;
		case EXPR_VALUE:
			value = &printer->program->values[node->value_slot];
			print_token(printer, value->str, value->len);
			break;
		case EXPR_FUNCTION:
			print_string(printer, ddb_expr_function_name(node->function));
			print_list(printer, node, 0);
			break;
		case EXPR_BETWEEN:
			print_node(printer, node->args[0]);
			print_string(printer, "BETWEEN");
			print_node(printer, node->args[1]);
			print_string(printer, "AND");
			print_node(printer, node->args[2]);
			break;
		case EXPR_IN:
			print_node(printer, node->args[0]);
			print_string(printer, "IN");
			print_list(printer, node, 1);
			break;
		case EXPR_NOT:
			print_string(printer, "NOT");
			print_argument(printer, node->args[0], binding_power(node));
			break;
		default:
			print_argument(printer, node->args[0], binding_power(node));
			print_string(printer, infix(node->kind));
			print_argument(printer, node->args[1], binding_power(node) + 1);
			break;
	}
}

static void
print_action(Printer *printer, const ExprAction *action, bool first)
{
	static const char *const sections[] = {
		[EXPR_SET] = "SET",
		[EXPR_REMOVE] = "REMOVE",
		[EXPR_ADD] = "ADD",
		[EXPR_DELETE] = "DELETE"
	};

	print_string(printer, first ? sections[action->kind] : ",");
	print_path(printer, &action->path);
	if (action->kind == EXPR_SET)
		print_string(printer, "=");
	if (action->value != NULL)
		print_node(printer, action->value);
}

static void
print_program(Printer *printer)
{
	const ExprProgram *program = printer->program;
	int			i;

	if (program->condition != NULL)
		print_node(printer, program->condition);
	for (i = 0; i < program->npaths; i++)
	{
		if (i > 0)
			print_string(printer, ",");
		print_path(printer, &program->paths[i]);
	}
	for (i = 0; i < program->nactions; i++)
		print_action(printer, &program->actions[i],
					 i == 0 || program->actions[i].kind != program->actions[i - 1].kind);
}

/* ---- equal programs ---- */

static bool
same_text(const char *a, int alen, const char *b, int blen)
{
	return alen == blen && (alen == 0 || memcmp(a, b, alen) == 0);
}

static bool
same_path(const ExprPath *a, const ExprPath *b)
{
	int			i;

	if (a->nsteps != b->nsteps)
		return false;
	for (i = 0; i < a->nsteps; i++)
	{
		const ExprStep *x = &a->steps[i];
		const ExprStep *y = &b->steps[i];

		if (x->is_index != y->is_index || x->index != y->index ||
			x->name_slot != y->name_slot ||
			!same_text(x->name, x->name_len, y->name, y->name_len))
			return false;
	}
	return true;
}

static bool
same_node(const ExprNode *a, const ExprNode *b)
{
	int			i;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->nargs != b->nargs ||
		a->value_slot != b->value_slot || a->function != b->function)
		return false;
	for (i = 0; i < a->nargs; i++)
	{
		if (!same_node(a->args[i], b->args[i]))
			return false;
	}
	return a->kind != EXPR_PATH || same_path(&a->path, &b->path);
}

static bool
same_placeholders(const ExprPlaceholder *a, int acount,
				  const ExprPlaceholder *b, int bcount)
{
	int			i;

	for (i = 0; i < acount && acount == bcount; i++)
	{
		if (!same_text(a[i].str, a[i].len, b[i].str, b[i].len))
			return false;
	}
	return acount == bcount;
}

static bool
same_program(const ExprProgram *a, const ExprProgram *b)
{
	int			i;

	if (a->npaths != b->npaths || a->nactions != b->nactions ||
		!same_placeholders(a->names, a->nnames, b->names, b->nnames) ||
		!same_placeholders(a->values, a->nvalues, b->values, b->nvalues))
		return false;
	for (i = 0; i < a->npaths; i++)
	{
		if (!same_path(&a->paths[i], &b->paths[i]))
			return false;
	}
	for (i = 0; i < a->nactions; i++)
	{
		if (a->actions[i].kind != b->actions[i].kind ||
			!same_path(&a->actions[i].path, &b->actions[i].path) ||
			!same_node(a->actions[i].value, b->actions[i].value))
			return false;
	}
	return same_node(a->condition, b->condition);
}

/* ---- one input ---- */

static void
parse_job(void *arg)
{
	Job		   *job = arg;

	job->program = ddb_expr_parse(job->kind, job->text, job->len);
}

static void
check_refusal(ExprKind kind)
{
	char		prefix[64];

	snprintf(prefix, sizeof(prefix), "Invalid %sExpression: ",
			 ddb_expr_kind_name(kind));
	fuzz_check(fuzz_error_code == DDB_VALIDATION);
	fuzz_check(strncmp(fuzz_error_message, prefix, strlen(prefix)) == 0);
	fuzz_check(strlen(fuzz_error_message) > strlen(prefix));
}

static void
check_print(const ExprProgram *program, int len)
{
	Printer		printer = {program, palloc(len), 0, len};
	Job			job = {program->kind};

	print_program(&printer);
	job.text = printer.buf;
	job.len = printer.size;
	fuzz_check(fuzz_catch(parse_job, &job));
	fuzz_check(same_program(program, job.program));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Job			job = {EXPR_CONDITION};
	char	   *text;

	if (size == 0)
		return 0;
	job.kind = (ExprKind) (data[0] % KINDS);
	job.len = size - 1;
	text = palloc(job.len);
	memcpy(text, data + 1, job.len);
	job.text = text;

	check_tokens(text, job.len);
	if (fuzz_catch(parse_job, &job))
	{
		memset(text, '?', job.len);
		check_program(job.program, job.kind);
		check_print(job.program, job.len);
	}
	else
		check_refusal(job.kind);
	fuzz_release();
	return 0;
}

/* ---- generator ---- */

typedef struct Writer
{
	uint8_t    *buf;
	size_t		size;
	size_t		capacity;
} Writer;

static const char *const blanks[] = {" ", " ", " ", "\t", "\n ", "\r\n"};
static const char *const names[] = {
	"a", "b", "c", "Pk", "x_1", "zone", "remove", "and", "#a", "#b", "#1", "#_"
};
static const char *const values[] = {":v", ":w", ":n", ":1", ":_"};
static const char *const indexes[] = {"0", "1", "007", "2147483647", "2147483648"};
static const char *const comparators[] = {"=", "<>", "<", "<=", ">", ">="};
static const char *const conditions[] = {
	"attribute_exists", "attribute_not_exists", "attribute_type",
	"begins_with", "contains", "size", "dog"
};
static const char *const update_functions[] = {
	"if_not_exists", "list_append", "if_not_exists", "size", "dog"
};
static const char *const soup[] = {
	"a", "#a", ":v", "12", "=", "<>", "<", "<=", ">", ">=", "+", "-", "(", ")",
	"[", "]", ",", ".", "#", ":", "_", "!", "\"", "\xC3\xA9", "\xE2\x82", " ",
	"AND", "or", "NOT", "between", "IN", "SET", "Remove", "ADD", "DELETE",
	"size", "list_append", "contains"
};

static void
write_word(Writer *writer, const char *word)
{
	writer->size = fuzz_pick(writer->buf, writer->size, writer->capacity, &word, 1);
	if (fuzz_random(8) == 0)
		writer->size = fuzz_pick(writer->buf, writer->size, writer->capacity,
								 blanks, lengthof(blanks));
}

/* a word that must not run into its neighbours */
static void
write_keyword(Writer *writer, const char *word)
{
	write_word(writer, " ");
	write_word(writer, word);
	write_word(writer, " ");
}

static void
write_one_of(Writer *writer, const char *const *words, int count)
{
	write_word(writer, words[fuzz_random(count)]);
}

static void
write_repeated(Writer *writer, const char *word, int count)
{
	while (count-- > 0)
		writer->size = fuzz_pick(writer->buf, writer->size, writer->capacity, &word, 1);
}

static void
write_path(Writer *writer)
{
	write_one_of(writer, names, lengthof(names) - (fuzz_random(4) ? 1 : 0));
	while (fuzz_random(3) == 0)
	{
		if (fuzz_random(2))
		{
			write_word(writer, ".");
			write_one_of(writer, names, lengthof(names));
			continue;
		}
		write_word(writer, "[");
		write_one_of(writer, indexes, lengthof(indexes));
		write_word(writer, "]");
	}
}

static void write_operand(Writer *writer, bool is_update, int depth);

static void
write_operands(Writer *writer, bool is_update, int count, int depth)
{
	int			i;

	write_word(writer, "(");
	for (i = 0; i < count; i++)
	{
		if (i > 0)
			write_word(writer, ",");
		write_operand(writer, is_update, depth);
	}
	write_word(writer, ")");
}

static void
write_operand(Writer *writer, bool is_update, int depth)
{
	switch (depth > 0 ? fuzz_random(8) : fuzz_random(5))
	{
		case 0:
		case 1:
			write_one_of(writer, values, lengthof(values));
			break;
		case 5:
			write_word(writer, is_update ? "if_not_exists" : "size");
			write_operands(writer, is_update, is_update ? 2 : 1, depth - 1);
			break;
		case 6:
			write_word(writer, "(");
			write_operand(writer, is_update, depth - 1);
			write_word(writer, ")");
			break;
		case 7:
			if (fuzz_random(4) != 0)
			{
				write_path(writer);
				break;
			}
			if (is_update)
				write_one_of(writer, update_functions, lengthof(update_functions));
			else
				write_one_of(writer, conditions, lengthof(conditions));
			write_operands(writer, is_update, 1 + fuzz_random(2), depth - 1);
			break;
		default:
			write_path(writer);
			break;
	}
}

static void
write_clause(Writer *writer, int depth)
{
	int			choice = fuzz_random(4);

	if (choice == 0)
	{
		write_one_of(writer, conditions, lengthof(conditions) - 2);
		write_operands(writer, false, 1 + fuzz_random(2), depth);
		return;
	}
	write_operand(writer, false, depth);
	if (choice == 1)
	{
		write_keyword(writer, "BETWEEN");
		write_operand(writer, false, depth);
		write_keyword(writer, "and");
		write_operand(writer, false, depth);
	}
	else if (choice == 2)
	{
		write_keyword(writer, "in");
		write_operands(writer, false, 1 + fuzz_random(4), depth);
	}
	else
	{
		write_one_of(writer, comparators, lengthof(comparators));
		write_operand(writer, false, depth);
	}
}

static void
write_condition(Writer *writer, int depth)
{
	switch (depth > 0 ? fuzz_random(6) : 0)
	{
		case 1:
		case 2:
			write_condition(writer, depth - 1);
			write_keyword(writer, fuzz_random(2) ? "AND" : "OR");
			write_condition(writer, depth - 1);
			break;
		case 3:
			write_keyword(writer, "NOT");
			write_condition(writer, depth - 1);
			break;
		case 4:
			write_word(writer, "(");
			write_condition(writer, depth - 1);
			write_word(writer, ")");
			break;
		default:
			write_clause(writer, 2);
			break;
	}
}

static void
write_action(Writer *writer, ExprActionKind kind)
{
	write_path(writer);
	if (kind == EXPR_ADD || kind == EXPR_DELETE)
	{
		write_word(writer, " ");
		write_one_of(writer, values, lengthof(values));
	}
	if (kind != EXPR_SET)
		return;
	write_word(writer, "=");
	write_operand(writer, true, 3);
	if (fuzz_random(3) == 0)
	{
		write_word(writer, fuzz_random(2) ? "+" : "-");
		write_operand(writer, true, 3);
	}
}

static void
write_update(Writer *writer)
{
	static const char *const sections[] = {"SET", "remove", "ADD", "Delete"};
	int			first = fuzz_random(lengthof(sections));
	int			count = 1 + fuzz_random(lengthof(sections));
	int			i;

	for (i = first; i < first + count; i++)
	{
		int			section = i % lengthof(sections);

		write_keyword(writer, sections[section]);
		write_action(writer, (ExprActionKind) section);
		while (fuzz_random(3) == 0)
		{
			write_word(writer, ",");
			write_action(writer, (ExprActionKind) section);
		}
	}
}

static void
write_projection(Writer *writer)
{
	write_path(writer);
	while (fuzz_random(3) != 0)
	{
		write_word(writer, ",");
		write_path(writer);
	}
}

/* what a parser that recurses, or counts badly, would not survive */
static void
write_deep(Writer *writer)
{
	static const char *const openings[] = {
		"(", "NOT ", "size(", "f(", "a.", "SET a=(", "if_not_exists(a,", "a[", "a IN ("
	};
	const char *opening = openings[fuzz_random(lengthof(openings))];
	int			count = fuzz_random(FUZZ_INPUT_MAX / 2 / strlen(opening));

	if (fuzz_random(2))
		write_word(writer, "SET a=");
	write_repeated(writer, opening, count);
	write_word(writer, fuzz_random(2) ? "a" : "a=:v");
	write_repeated(writer, ")", count);
	if (fuzz_random(2))
		write_word(writer, "=:v");
}

size_t
fuzz_generate(uint8_t *buf, size_t capacity)
{
	Writer		writer = {buf, 1, capacity};
	int			i;

	buf[0] = fuzz_random(KINDS);
	switch (fuzz_random(16))
	{
		case 0:
			write_deep(&writer);
			break;
		case 1:
		case 2:
			for (i = fuzz_random(24); i > 0; i--)
				write_one_of(&writer, soup, lengthof(soup));
			break;
		default:
			if (buf[0] == EXPR_PROJECTION)
				write_projection(&writer);
			else if (buf[0] == EXPR_UPDATE)
				write_update(&writer);
			else
				write_condition(&writer, 1 + fuzz_random(6));
			break;
	}
	return writer.size;
}
