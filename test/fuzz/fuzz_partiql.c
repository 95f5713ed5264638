/*
 * fuzz_partiql.c
 *	  Properties of the PartiQL parser over arbitrary texts.
 *
 * Tokens must cover the text; a refusal must be a validation error; an
 * accepted statement must be well formed, with every slot and parameter used
 * once and in order, and printed again it must parse to the same statement.
 * The parser gets a copy of the exact size that is overwritten afterwards, so
 * reading beyond the end and keeping pointers into the text both show.
 */
#include "postgres_fe.h"

#include "error.h"
#include "fuzz_support.h"
#include "number.h"
#include "partiql.h"

typedef struct Job
{
	const char *text;
	int			len;
	PartiqlStatement *statement;
} Job;

/* ---- tokens ---- */

/* between tokens there are blanks and closed comments only */
static void
check_gap(const char *text, int from, int to)
{
	while (from < to)
	{
		if (text[from] == '-')
		{
			fuzz_check(from + 1 < to && text[from + 1] == '-');
			while (from < to && text[from] != '\n')
				from++;
		}
		else if (text[from] == '/')
		{
			fuzz_check(from + 3 < to && text[from + 1] == '*');
			for (from += 2; from + 1 < to; from++)
			{
				if (text[from] == '*' && text[from + 1] == '/')
					break;
			}
			fuzz_check(from + 1 < to);
			from += 2;
		}
		else
		{
			fuzz_check(strchr(" \t\r\n\v\f", text[from]) != NULL && text[from] != '\0');
			from++;
		}
	}
}

static void
check_tokens(const char *text, int len)
{
	PartiqlLexer lexer;
	PartiqlToken token;
	int			end = 0;

	ddb_partiql_lex_init(&lexer, text, len);
	for (;;)
	{
		token = ddb_partiql_lex_next(&lexer);
		fuzz_check(token.str == text + token.pos);
		fuzz_check(token.pos >= end && token.pos + token.len <= len);
		check_gap(text, end, token.pos);
		if (token.kind == PQL_EOF)
			break;
		fuzz_check(token.len > 0);
		if (token.kind == PQL_STRING || token.kind == PQL_QUOTED)
			fuzz_check(token.len >= 2 && token.str[0] == token.str[token.len - 1]);
		end = token.pos + token.len;
	}
	fuzz_check(token.pos == len && token.len == 0);
	fuzz_check(ddb_partiql_lex_next(&lexer).kind == PQL_EOF);
}

/* ---- well-formed statements ---- */

typedef struct Census
{
	const PartiqlStatement *statement;
	int			noperators;
	int			nvalues;		/* slots met, which come in order */
	int			nparameters;
} Census;

static void
check_path(const ExprPath *path)
{
	int			i;

	fuzz_check(path->nsteps >= 1 && path->nsteps <= DDB_EXPR_MAX_DEPTH);
	fuzz_check(!path->steps[0].is_index);
	for (i = 0; i < path->nsteps; i++)
	{
		const ExprStep *step = &path->steps[i];

		fuzz_check(step->name_slot == -1);
		if (step->is_index)
			fuzz_check(step->index >= 0 && step->name == NULL);
		else
			fuzz_check(step->name_len > 0);
	}
}

static void
check_number(const PartiqlText *text)
{
	DdbNumber	number;

	fuzz_check(text->len > 0);
	fuzz_check(ddb_number_parse(text->str, text->len, &number) != DDB_NUMBER_SYNTAX);
}

static void
check_literal(Census *census, const PartiqlLiteral *literal, int depth)
{
	int			i;

	fuzz_check(literal != NULL);
	fuzz_check(depth <= DDB_PARTIQL_MAX_DEPTH + 1);
	if (literal->kind == PARTIQL_PARAMETER)
		fuzz_check(literal->index == census->nparameters++);
	if (literal->kind == PARTIQL_NUMBER)
		check_number(&literal->text);
	fuzz_check(literal->nmembers == 0 || literal->kind >= PARTIQL_LIST);
	fuzz_check(literal->nmembers > 0 || literal->kind != PARTIQL_SET);
	fuzz_check((literal->keys != NULL) ==
			   (literal->kind == PARTIQL_MAP && literal->nmembers > 0));
	for (i = 0; i < literal->nmembers; i++)
		check_literal(census, literal->members[i], depth + 1);
}

static void
check_node(Census *census, const ExprNode *node)
{
	int			i;

	fuzz_check(node != NULL);
	if (node->kind == EXPR_PATH)
		check_path(&node->path);
	if (node->kind == EXPR_VALUE)
	{
		fuzz_check(node->value_slot == census->nvalues++);
		fuzz_check(node->value_slot < census->statement->nvalues);
		check_literal(census, census->statement->values[node->value_slot], 1);
	}
	fuzz_check((node->nargs == 0) ==
			   (node->kind == EXPR_PATH || node->kind == EXPR_VALUE));
	if (node->kind == EXPR_FUNCTION)
		fuzz_check(node->nargs == ddb_expr_function_operands(node->function));
	if (node->kind == EXPR_IN)
		fuzz_check(node->nargs >= 2 && node->nargs <= DDB_PARTIQL_MAX_IN + 1);
	census->noperators += node->nargs > 0 && node->kind != EXPR_FUNCTION;
	for (i = 0; i < node->nargs; i++)
		check_node(census, node->args[i]);
}

static void
check_statement(const PartiqlStatement *statement)
{
	Census		census = {statement};
	bool		is_update = statement->kind == PARTIQL_UPDATE;
	int			i;

	fuzz_check(statement->table.len > 0);
	fuzz_check((statement->nactions > 0) == is_update);
	fuzz_check((statement->tuple != NULL) == (statement->kind == PARTIQL_INSERT));
	for (i = 0; i < statement->npaths; i++)
		check_path(&statement->paths[i]);
	for (i = 0; i < statement->nactions; i++)
	{
		const ExprAction *action = &statement->actions[i];

		check_path(&action->path);
		fuzz_check((action->value != NULL) == (action->kind == EXPR_SET));
		if (action->value != NULL)
			check_node(&census, action->value);
	}
	if (statement->where != NULL)
		check_node(&census, statement->where);
	if (statement->tuple != NULL)
		check_literal(&census, statement->tuple, 0);
	for (i = 0; i < statement->norder; i++)
		fuzz_check(statement->order[i].name.len > 0);
	fuzz_check(census.nvalues == statement->nvalues);
	fuzz_check(census.nparameters == statement->nparameters);
	fuzz_check(census.noperators <= DDB_EXPR_MAX_OPERATORS);
}

/* ---- printing ---- */

typedef struct Printer
{
	const PartiqlStatement *statement;
	char	   *buf;
	int			size;
	int			capacity;
} Printer;

static void
print_bytes(Printer *printer, const char *str, int len)
{
	if (printer->size + len > printer->capacity)
	{
		printer->capacity = 2 * (printer->capacity + len);
		printer->buf = repalloc(printer->buf, printer->capacity);
	}
	memcpy(printer->buf + printer->size, str, len);
	printer->size += len;
}

static void
print_word(Printer *printer, const char *word)
{
	print_bytes(printer, word, strlen(word));
	print_bytes(printer, " ", 1);
}

static void
print_quoted(Printer *printer, const char *str, int len, const char *quote)
{
	int			i;

	print_bytes(printer, quote, 1);
	for (i = 0; i < len; i++)
	{
		if (str[i] == *quote)
			print_bytes(printer, quote, 1);
		print_bytes(printer, str + i, 1);
	}
	print_bytes(printer, quote, 1);
}

static void
print_name(Printer *printer, const PartiqlText *name)
{
	print_quoted(printer, name->str, name->len, "\"");
}

static void
print_path(Printer *printer, const ExprPath *path)
{
	char		index[32];
	int			i;

	for (i = 0; i < path->nsteps; i++)
	{
		const ExprStep *step = &path->steps[i];

		if (step->is_index)
		{
			snprintf(index, sizeof(index), "[%d]", step->index);
			print_word(printer, index);
			continue;
		}
		if (i > 0)
			print_word(printer, ".");
		print_quoted(printer, step->name, step->name_len, "\"");
	}
	print_word(printer, "");
}

static void
print_literal(Printer *printer, const PartiqlLiteral *literal)
{
	static const char *const openings[] = {
		"?", "'", "", "TRUE", "FALSE", "NULL", "[", "{", "<<"
	};
	static const char *const closings[] = {"]", "}", ">>"};
	int			i;

	if (literal->kind == PARTIQL_STRING)
		print_quoted(printer, literal->text.str, literal->text.len, "'");
	else if (literal->kind == PARTIQL_NUMBER)
		print_bytes(printer, literal->text.str, literal->text.len);
	else
		print_word(printer, openings[literal->kind]);
	for (i = 0; i < literal->nmembers; i++)
	{
		if (i > 0)
			print_word(printer, ",");
		if (literal->kind == PARTIQL_MAP)
		{
			print_quoted(printer, literal->keys[i].str, literal->keys[i].len, "'");
			print_word(printer, ":");
		}
		print_literal(printer, literal->members[i]);
	}
	if (literal->kind >= PARTIQL_LIST)
		print_word(printer, closings[literal->kind - PARTIQL_LIST]);
	print_word(printer, "");
}

static void print_node(Printer *printer, const ExprNode *node);

static void
print_list(Printer *printer, const ExprNode *node, int first)
{
	int			i;

	print_word(printer, "(");
	for (i = first; i < node->nargs; i++)
	{
		if (i > first)
			print_word(printer, ",");
		print_node(printer, node->args[i]);
	}
	print_word(printer, ")");
}

/* a condition as an operand of AND, OR, NOT */
static void
print_part(Printer *printer, const ExprNode *node, int power)
{
	bool		wrap = (node->kind == EXPR_OR && power > 1) ||
		(node->kind == EXPR_AND && power > 2);

	if (wrap)
		print_word(printer, "(");
	print_node(printer, node);
	if (wrap)
		print_word(printer, ")");
}

static const char *
infix(ExprNodeKind kind)
{
	switch (kind)
	{
		case EXPR_EQ:
			return "=";
		case EXPR_NE:
			return "!=";
		case EXPR_LT:
			return "<";
		case EXPR_LE:
			return "<=";
		case EXPR_GT:
			return ">";
		case EXPR_GE:
			return ">=";
		case EXPR_AND:
			return "and";
		case EXPR_OR:
			return "or";
		case EXPR_PLUS:
			return "+";
		case EXPR_MINUS:
			return "-";
		default:
			return NULL;
	}
}

static void
print_node(Printer *printer, const ExprNode *node)
{
	int			power = node->kind == EXPR_OR ? 1 : node->kind == EXPR_AND ? 2 : 3;

	switch (node->kind)
	{
		case EXPR_PATH:
			print_path(printer, &node->path);
			break;
		case EXPR_VALUE:
			print_literal(printer, printer->statement->values[node->value_slot]);
			break;
		case EXPR_FUNCTION:
			print_word(printer, ddb_expr_function_name(node->function));
			print_list(printer, node, 0);
			break;
		case EXPR_BETWEEN:
			print_node(printer, node->args[0]);
			print_word(printer, "BETWEEN");
			print_node(printer, node->args[1]);
			print_word(printer, "AND");
			print_node(printer, node->args[2]);
			break;
		case EXPR_IN:
			print_node(printer, node->args[0]);
			print_word(printer, "IN");
			print_list(printer, node, 1);
			break;
		case EXPR_NOT:
			print_word(printer, "NOT");
			print_part(printer, node->args[0], power);
			break;
		default:
			print_part(printer, node->args[0], power);
			print_word(printer, infix(node->kind));
			print_part(printer, node->args[1], power + 1);
			break;
	}
}

static void
print_actions(Printer *printer)
{
	const PartiqlStatement *statement = printer->statement;
	int			i;

	for (i = 0; i < statement->nactions; i++)
	{
		const ExprAction *action = &statement->actions[i];
		bool		goes_on = i > 0 && action[-1].kind == action->kind;

		print_word(printer, goes_on ? "," : action->kind == EXPR_SET ? "SET" : "REMOVE");
		print_path(printer, &action->path);
		if (action->value == NULL)
			continue;
		print_word(printer, "=");
		print_node(printer, action->value);
	}
}

static void
print_select(Printer *printer)
{
	const PartiqlStatement *statement = printer->statement;
	int			i;

	print_word(printer, statement->npaths == 0 ? "SELECT *" : "SELECT");
	for (i = 0; i < statement->npaths; i++)
	{
		if (i > 0)
			print_word(printer, ",");
		print_path(printer, &statement->paths[i]);
	}
	print_word(printer, "FROM");
	print_name(printer, &statement->table);
	if (statement->index.str != NULL)
	{
		print_word(printer, ".");
		print_name(printer, &statement->index);
	}
}

static void
print_order(Printer *printer)
{
	const PartiqlStatement *statement = printer->statement;
	int			i;

	for (i = 0; i < statement->norder; i++)
	{
		print_word(printer, i == 0 ? "ORDER BY" : ",");
		print_name(printer, &statement->order[i].name);
		print_word(printer, statement->order[i].descending ? "DESC" : "ASC");
	}
}

static void
print_statement(Printer *printer)
{
	static const char *const beginnings[] = {
		"", "INSERT INTO", "UPDATE", "DELETE FROM", "EXISTS ("
	};
	static const char *const returnings[] = {
		"", "RETURNING ALL OLD *", "RETURNING MODIFIED OLD *",
		"RETURNING ALL NEW *", "RETURNING MODIFIED NEW *"
	};
	const PartiqlStatement *statement = printer->statement;

	print_word(printer, beginnings[statement->kind]);
	if (statement->kind == PARTIQL_SELECT || statement->kind == PARTIQL_EXISTS)
		print_select(printer);
	else
		print_name(printer, &statement->table);
	print_actions(printer);
	if (statement->tuple != NULL)
	{
		print_word(printer, "VALUE");
		print_literal(printer, statement->tuple);
	}
	if (statement->where != NULL)
	{
		print_word(printer, "WHERE");
		print_node(printer, statement->where);
	}
	print_order(printer);
	print_word(printer, returnings[statement->returning]);
	if (statement->kind == PARTIQL_EXISTS)
		print_word(printer, ")");
}

/* ---- equality ---- */

static bool
same_text(const char *a, int alen, const char *b, int blen)
{
	return alen == blen && (alen == 0 || memcmp(a, b, alen) == 0);
}

static bool
same_partiql_text(const PartiqlText *a, const PartiqlText *b)
{
	return same_text(a->str, a->len, b->str, b->len);
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
			!same_text(x->name, x->name_len, y->name, y->name_len))
			return false;
	}
	return true;
}

static bool
same_literal(const PartiqlLiteral *a, const PartiqlLiteral *b)
{
	int			i;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->index != b->index ||
		a->nmembers != b->nmembers || !same_partiql_text(&a->text, &b->text))
		return false;
	for (i = 0; i < a->nmembers; i++)
	{
		if (!same_literal(a->members[i], b->members[i]) ||
			(a->keys != NULL && !same_partiql_text(&a->keys[i], &b->keys[i])))
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
same_statement(const PartiqlStatement *a, const PartiqlStatement *b)
{
	int			i;

	if (a->kind != b->kind || a->npaths != b->npaths ||
		a->nactions != b->nactions || a->norder != b->norder ||
		a->nvalues != b->nvalues || a->nparameters != b->nparameters ||
		a->returning != b->returning ||
		!same_partiql_text(&a->table, &b->table) ||
		!same_partiql_text(&a->index, &b->index) ||
		!same_literal(a->tuple, b->tuple))
		return false;
	for (i = 0; i < a->npaths; i++)
	{
		if (!same_path(&a->paths[i], &b->paths[i]))
			return false;
	}
	for (i = 0; i < a->norder; i++)
	{
		if (a->order[i].descending != b->order[i].descending ||
			!same_partiql_text(&a->order[i].name, &b->order[i].name))
			return false;
	}
	for (i = 0; i < a->nvalues; i++)
	{
		if (!same_literal(a->values[i], b->values[i]))
			return false;
	}
	for (i = 0; i < a->nactions; i++)
	{
		if (a->actions[i].kind != b->actions[i].kind ||
			!same_path(&a->actions[i].path, &b->actions[i].path) ||
			!same_node(a->actions[i].value, b->actions[i].value))
			return false;
	}
	return same_node(a->where, b->where);
}

/* ---- one input ---- */

static void
parse_job(void *arg)
{
	Job		   *job = arg;

	job->statement = ddb_partiql_parse(job->text, job->len);
}

static void
check_refusal(void)
{
	fuzz_check(fuzz_error_code == DDB_VALIDATION);
	fuzz_check(strlen(fuzz_error_message) > 0);
}

static void
check_print(const PartiqlStatement *statement)
{
	Printer		printer = {statement, palloc(64), 0, 64};
	Job			job;

	print_statement(&printer);
	if (printer.size > DDB_PARTIQL_MAX_SIZE)
		return;
	job.text = printer.buf;
	job.len = printer.size;
	fuzz_check(fuzz_catch(parse_job, &job));
	fuzz_check(same_statement(statement, job.statement));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Job			job;
	char	   *text = palloc(size);

	memcpy(text, data, size);
	job.text = text;
	job.len = size;

	check_tokens(text, job.len);
	if (fuzz_catch(parse_job, &job))
	{
		memset(text, '?', job.len);
		check_statement(job.statement);
		check_print(job.statement);
	}
	else
		check_refusal();
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

static const char *const names[] = {
	"a", "b", "c", "Pk", "x_1", "_y", "$z", "\xC3\xA9t\xC3\xA9", "\"a\"",
	"\"select\"", "\"with \"\" quote\"", "\"t.i\"", "\"\xE2\x82\xAC\"", "date"
};
static const char *const tables[] = {
	"t", "\"t\"", "\"t\".\"i\"", "t.i", "\"arn:aws:dynamodb:us-east-1:1:table/t\"",
	"t, u", "t AS x", "'t'"
};
static const char *const scalars[] = {
	"?", "?", "?", "'text'", "''", "'it''s'", "'\xE2\x82\xAC'", "1", "-2.5", "1e3",
	".5", "5.", "- 7", "+3", "1E-20", "true", "FALSE", "Null"
};
static const char *const indexes[] = {"0", "1", "007", "2147483647", "2147483648"};
static const char *const comparators[] = {"=", "<>", "!=", "<", "<=", ">", ">="};
static const char *const conditions[] = {
	"attribute_exists", "ATTRIBUTE_NOT_EXISTS", "attribute_type", "begins_with",
	"Contains", "size", "dog"
};
static const char *const types[] = {
	"MISSING", "NULL", "string", "N", "BOOL", "LIST", "TUPLE", "ss", "dog"
};
static const char *const soup[] = {
	"a", "\"a\"", "'s'", "?", "12", "1.5e3", ".5", "=", "<>", "!=", "<", "<=",
	">", ">=", "<<", ">>", "+", "-", "*", "(", ")", "[", "]", "{", "}", ",", ".",
	":", ";", "'", "\"", "--", "/*", "*/", "\n", "!", "`", "\xC3\xA9", "\xE2\x82",
	" ", "SELECT", "FROM", "where", "AND", "or", "NOT", "between", "IN", "is",
	"MISSING", "INSERT", "INTO", "VALUE", "UPDATE", "SET", "Remove", "DELETE",
	"EXISTS", "RETURNING", "ALL", "OLD", "ORDER", "BY", "DESC", "LIMIT", "size",
	"list_append", "set_add", "contains"
};

static void
write_text(Writer *writer, const char *text)
{
	writer->size = fuzz_pick(writer->buf, writer->size, writer->capacity, &text, 1);
}

static void
write_word(Writer *writer, const char *word)
{
	write_text(writer, " ");
	write_text(writer, word);
	write_text(writer, fuzz_random(32) == 0 ? " /* x */ " : " ");
}

static void
write_one_of(Writer *writer, const char *const *words, int count)
{
	write_text(writer, words[fuzz_random(count)]);
}

static void
write_repeated(Writer *writer, const char *word, int count)
{
	while (count-- > 0)
		write_text(writer, word);
}

static void
write_path(Writer *writer)
{
	write_one_of(writer, names, lengthof(names) - (fuzz_random(16) ? 1 : 0));
	while (fuzz_random(3) == 0)
	{
		if (fuzz_random(2))
		{
			write_text(writer, ".");
			write_one_of(writer, names, lengthof(names) - 1);
			continue;
		}
		write_text(writer, "[");
		write_one_of(writer, indexes, lengthof(indexes) - (fuzz_random(8) ? 1 : 0));
		write_text(writer, "]");
	}
}

static void write_literal(Writer *writer, int depth);

static void
write_members(Writer *writer, bool with_keys, int depth)
{
	int			count = fuzz_random(4);
	int			i;

	for (i = 0; i < count; i++)
	{
		if (i > 0)
			write_text(writer, ",");
		if (with_keys)
			write_text(writer, fuzz_random(2) ? "'k':" : "'it''s' : ");
		write_literal(writer, depth - 1);
	}
}

static void
write_literal(Writer *writer, int depth)
{
	switch (depth > 0 ? fuzz_random(8) : 7)
	{
		case 0:
			write_text(writer, "[");
			write_members(writer, false, depth);
			write_text(writer, "]");
			break;
		case 1:
			write_text(writer, "{");
			write_members(writer, true, depth);
			write_text(writer, "}");
			break;
		case 2:
			write_text(writer, fuzz_random(2) ? "<<1, ?>>" : "<<'a','b'>>");
			break;
		default:
			write_one_of(writer, scalars, lengthof(scalars));
			break;
	}
}

static void
write_operand(Writer *writer, int depth)
{
	switch (fuzz_random(8))
	{
		case 0:
			write_text(writer, "size(");
			write_path(writer);
			write_text(writer, ")");
			break;
		case 1:
			write_text(writer, "(");
			if (depth > 0)
				write_operand(writer, depth - 1);
			else
				write_path(writer);
			write_text(writer, ")");
			break;
		case 2:
		case 3:
		case 4:
			write_literal(writer, depth);
			break;
		default:
			write_path(writer);
			break;
	}
}

static void
write_function(Writer *writer)
{
	write_one_of(writer, conditions, lengthof(conditions) - (fuzz_random(8) ? 2 : 0));
	write_text(writer, "(");
	write_path(writer);
	if (fuzz_random(3) != 0)
	{
		write_text(writer, ",");
		write_operand(writer, 1);
	}
	write_text(writer, ")");
}

static void
write_list(Writer *writer)
{
	bool		round = fuzz_random(2);

	write_text(writer, round ? "(" : "[");
	write_operand(writer, 1);
	while (fuzz_random(3) != 0)
	{
		write_text(writer, ",");
		write_operand(writer, 1);
	}
	write_text(writer, round ? ")" : "]");
}

static void
write_predicate(Writer *writer)
{
	int			choice = fuzz_random(6);

	if (choice == 0)
	{
		write_function(writer);
		return;
	}
	if (choice == 1)
	{
		write_path(writer);
		write_word(writer, fuzz_random(2) ? "IS" : "is not");
		write_one_of(writer, types, lengthof(types) - (fuzz_random(8) ? 1 : 0));
		return;
	}
	write_operand(writer, 2);
	if (choice == 2)
	{
		write_word(writer, fuzz_random(2) ? "BETWEEN" : "NOT between");
		write_operand(writer, 1);
		write_word(writer, "and");
		write_operand(writer, 1);
	}
	else if (choice == 3)
	{
		write_word(writer, fuzz_random(2) ? "IN" : "Not In");
		write_list(writer);
	}
	else
	{
		write_one_of(writer, comparators, lengthof(comparators));
		write_operand(writer, 2);
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
			write_word(writer, fuzz_random(2) ? "AND" : "OR");
			write_condition(writer, depth - 1);
			break;
		case 3:
			write_word(writer, "NOT");
			write_condition(writer, depth - 1);
			break;
		case 4:
			write_text(writer, "(");
			write_condition(writer, depth - 1);
			write_text(writer, ")");
			break;
		default:
			write_predicate(writer);
			break;
	}
}

static void
write_term(Writer *writer, int depth)
{
	static const char *const calls[] = {
		"list_append(", "if_not_exists(", "set_add(", "Set_Delete("
	};

	switch (fuzz_random(6))
	{
		case 0:
		case 1:
			write_path(writer);
			break;
		case 2:
			if (depth > 0)
			{
				write_one_of(writer, calls, lengthof(calls));
				write_path(writer);
				write_text(writer, ",");
				write_term(writer, depth - 1);
				write_text(writer, ")");
				break;
			}
			/* FALLTHROUGH */
		default:
			write_literal(writer, depth);
			break;
	}
}

static void
write_actions(Writer *writer)
{
	do
	{
		bool		is_set = fuzz_random(3) != 0;

		write_word(writer, is_set ? "SET" : "Remove");
		do
		{
			write_path(writer);
			if (!is_set)
				continue;
			write_text(writer, "=");
			write_term(writer, 2);
			if (fuzz_random(4) == 0)
			{
				write_text(writer, fuzz_random(2) ? "+" : " - ");
				write_term(writer, 2);
			}
		} while (fuzz_random(4) == 0 && (write_text(writer, ","), true));
	} while (fuzz_random(3) == 0);
}

static void
write_where(Writer *writer)
{
	if (fuzz_random(8) == 0)
		return;
	write_word(writer, "WHERE");
	write_condition(writer, 1 + fuzz_random(5));
}

static void
write_select(Writer *writer)
{
	write_word(writer, "SELECT");
	if (fuzz_random(2))
		write_text(writer, "*");
	else
	{
		write_path(writer);
		while (fuzz_random(3) == 0)
		{
			write_text(writer, ",");
			write_path(writer);
		}
	}
	write_word(writer, "From");
	write_one_of(writer, tables, lengthof(tables) - (fuzz_random(8) ? 3 : 0));
	write_where(writer);
	if (fuzz_random(4) == 0)
	{
		write_word(writer, "ORDER BY");
		write_one_of(writer, names, lengthof(names));
		write_word(writer, fuzz_random(2) ? "DESC" : "");
	}
	if (fuzz_random(16) == 0)
		write_word(writer, "LIMIT 1");
}

static void
write_returning(Writer *writer, bool is_delete)
{
	static const char *const returnings[] = {
		"ALL OLD *", "all new *", "MODIFIED OLD *", "modified new *"
	};

	if (fuzz_random(2))
		return;
	write_word(writer, "RETURNING");
	write_one_of(writer, returnings, is_delete ? 1 : lengthof(returnings));
}

/* what a parser that recurses, or counts badly, would not survive */
static void
write_deep(Writer *writer)
{
	static const char *const openings[] = {
		"(", "NOT ", "size(", "a.", "[", "{'a':", "<<", "a[", "a IN (", "a[0]",
		"a=1 AND ", "a=1 or not ", "[1,", "if_not_exists(a,", "a IN [?,"
	};
	static const char *const beginnings[] = {
		"SELECT * FROM t WHERE ", "INSERT INTO t VALUE ", "UPDATE t SET a=", "SELECT "
	};
	static const char *const closings[] = {")", "]", "}", ">>", " "};
	const char *opening = openings[fuzz_random(lengthof(openings))];
	const char *closing = closings[fuzz_random(lengthof(closings))];
	int			count = 1 + fuzz_random(fuzz_random(2) ? 40 :
										FUZZ_INPUT_MAX / 2 / strlen(opening));

	write_one_of(writer, beginnings, lengthof(beginnings));
	write_repeated(writer, opening, count);
	write_text(writer, fuzz_random(2) ? "a" : "a=1");
	write_repeated(writer, closing, count);
}

static void
write_statement(Writer *writer)
{
	switch (fuzz_random(8))
	{
		case 0:
			write_word(writer, "Insert into");
			write_one_of(writer, tables, 2);
			write_word(writer, "value");
			write_text(writer, "{");
			write_members(writer, true, 4);
			write_text(writer, "}");
			break;
		case 1:
		case 2:
			write_word(writer, "UPDATE");
			write_one_of(writer, tables, 2);
			write_actions(writer);
			write_where(writer);
			write_returning(writer, false);
			break;
		case 3:
			write_word(writer, "DELETE FROM");
			write_one_of(writer, tables, 2);
			write_where(writer);
			write_returning(writer, true);
			break;
		case 4:
			write_word(writer, "EXISTS (");
			write_select(writer);
			write_text(writer, ")");
			break;
		default:
			write_select(writer);
			break;
	}
	if (fuzz_random(8) == 0)
		write_text(writer, ";");
}

size_t
fuzz_generate(uint8_t *buf, size_t capacity)
{
	Writer		writer = {buf, 0, capacity};
	int			i;

	switch (fuzz_random(16))
	{
		case 0:
			write_deep(&writer);
			break;
		case 1:
			for (i = fuzz_random(24); i > 0; i--)
				write_one_of(&writer, soup, lengthof(soup));
			break;
		default:
			write_statement(&writer);
			break;
	}
	return writer.size;
}
