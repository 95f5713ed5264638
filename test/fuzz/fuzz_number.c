/*
 * fuzz_number.c
 *	  Properties of number.c over arbitrary texts and pairs of texts.
 *
 * An input is one text, or two separated by a newline.  Each text alone is
 * parsed, printed and sized; two numbers are compared, added and subtracted.
 * Sums are checked against an adder of its own kind: signed columns over the
 * canonical texts, which shares no code and no idea with number.c.
 */
#include "postgres_fe.h"

#include "fuzz_support.h"
#include "number.h"

/* the checking adder's columns: powers of ten, far beyond any legal digit */
#define SUM_LOWEST		(-400)
#define SUM_COLUMNS		1000

/* one text with what number.c makes of it */
typedef struct Sample
{
	const char *text;
	int			len;
	bool		ok;
	DdbNumber	number;
	char		print[DDB_NUMBER_TEXT_MAX];
	int			print_len;
	uint8		key[DDB_NUMBER_KEY_MAX];
	int			key_len;
} Sample;

static bool
is_well_formed(const DdbNumber *number)
{
	int			i;

	if (number->ndigits == 0)
		return number->exponent == 0 && !number->negative;
	if (number->ndigits < 0 || number->ndigits > DDB_NUMBER_MAX_DIGITS ||
		number->exponent < DDB_NUMBER_MIN_EXPONENT ||
		number->exponent > DDB_NUMBER_MAX_EXPONENT)
		return false;
	for (i = 0; i < number->ndigits; i++)
	{
		if (number->digits[i] > 9)
			return false;
	}
	return number->digits[0] != 0 && number->digits[number->ndigits - 1] != 0;
}

static bool
same_number(const DdbNumber *a, const DdbNumber *b)
{
	return a->negative == b->negative && a->ndigits == b->ndigits &&
		a->exponent == b->exponent && memcmp(a->digits, b->digits, a->ndigits) == 0;
}

static int
compare_bytes(const uint8 *a, int alen, const uint8 *b, int blen)
{
	int			cmp = memcmp(a, b, Min(alen, blen));

	if (cmp == 0)
		cmp = alen - blen;
	return (cmp > 0) - (cmp < 0);
}

static void
check_refusal(Sample *sample, DdbNumberStatus status)
{
	char	   *message = ddb_number_message(status, sample->text, sample->len);

	fuzz_check(message != NULL && message[0] != '\0');
	fuzz_check(!ddb_number_is_canonical(sample->text, sample->len));
}

static void
check_text(Sample *sample)
{
	DdbNumberStatus status = ddb_number_parse(sample->text, sample->len, &sample->number);
	DdbNumber	again;
	int			size;

	sample->ok = (status == DDB_NUMBER_OK);
	if (!sample->ok)
	{
		check_refusal(sample, status);
		return;
	}
	fuzz_check(is_well_formed(&sample->number));
	fuzz_check(ddb_number_message(status, sample->text, sample->len) == NULL);

	sample->print_len = ddb_number_print(&sample->number, sample->print);
	fuzz_check(sample->print_len == (int) strlen(sample->print));
	fuzz_check(sample->print_len < DDB_NUMBER_TEXT_MAX);
	fuzz_check(ddb_number_is_canonical(sample->print, sample->print_len));
	fuzz_check(ddb_number_is_canonical(sample->text, sample->len) ==
			   (sample->len == sample->print_len &&
				memcmp(sample->text, sample->print, sample->len) == 0));
	fuzz_check(ddb_number_parse(sample->print, sample->print_len, &again) == DDB_NUMBER_OK);
	fuzz_check(same_number(&again, &sample->number));

	size = ddb_number_size(sample->print, sample->print_len);
	fuzz_check(size >= 1 && size <= 22);
	sample->key_len = ddb_number_key_bytes(&sample->number, sample->key);
	fuzz_check(sample->key_len >= 1 && sample->key_len <= DDB_NUMBER_KEY_MAX);
	fuzz_check(sample->key_len == size || sample->key_len == size - 1);
}

/* Add sign times a canonical text into the columns. */
static void
sum_add(int *columns, const char *text, int sign)
{
	const char *p = text;
	const char *point;
	int			power;

	if (*p == '-')
	{
		sign = -sign;
		p++;
	}
	point = strchr(p, '.');
	power = (point != NULL ? point - p : (int) strlen(p)) - 1;
	for (; *p != '\0'; p++)
	{
		if (*p != '.')
			columns[power-- - SUM_LOWEST] += sign * (*p - '0');
	}
}

/* Bring every column to 0 .. 9; returns the carry out of the top. */
static int
sum_carry(int *columns)
{
	int			carry = 0;
	int			i;

	for (i = 0; i < SUM_COLUMNS; i++)
	{
		int			value = columns[i] + carry + 1000;

		columns[i] = value % 10;
		carry = value / 10 - 100;
	}
	return carry;
}

/*
 * Turn columns of any values into the digits of the magnitude: a negative sum
 * shows as a carry out of the top and is negated.  Returns whether it was.
 */
static bool
sum_normalise(int *columns)
{
	int			i;

	if (sum_carry(columns) == 0)
		return false;
	for (i = 0; i < SUM_COLUMNS; i++)
		columns[i] = -columns[i];
	(void) sum_carry(columns);
	return true;
}

/* Write a normalised sum as canonical text, or return why it is not legal. */
static DdbNumberStatus
sum_print(const int *columns, bool negative, char *buf)
{
	int			high = SUM_COLUMNS - 1;
	int			low = 0;
	int			i;

	while (high >= 0 && columns[high] == 0)
		high--;
	while (low < SUM_COLUMNS && columns[low] == 0)
		low++;
	if (high < 0)
	{
		strcpy(buf, "0");
		return DDB_NUMBER_OK;
	}
	if (high + SUM_LOWEST > DDB_NUMBER_MAX_EXPONENT)
		return DDB_NUMBER_OVERFLOW;
	if (high + SUM_LOWEST < DDB_NUMBER_MIN_EXPONENT)
		return DDB_NUMBER_UNDERFLOW;
	if (high - low + 1 > DDB_NUMBER_MAX_DIGITS)
		return DDB_NUMBER_OVERFLOW;

	if (negative)
		*buf++ = '-';
	for (i = Max(high, -SUM_LOWEST); i >= Min(low, -SUM_LOWEST); i--)
	{
		*buf++ = '0' + columns[i];
		if (i == -SUM_LOWEST && low < i)
			*buf++ = '.';
	}
	*buf = '\0';
	return DDB_NUMBER_OK;
}

static DdbNumberStatus
reference_sum(const Sample *a, const Sample *b, int b_sign, char *buf)
{
	int			columns[SUM_COLUMNS] = {0};
	bool		negative;

	sum_add(columns, a->print, 1);
	sum_add(columns, b->print, b_sign);
	negative = sum_normalise(columns);
	return sum_print(columns, negative, buf);
}

/* Check a sum or difference against the other adder. */
static void
check_sum(const Sample *a, const Sample *b, int b_sign,
		  DdbNumberStatus status, const DdbNumber *sum)
{
	char		expected[DDB_NUMBER_TEXT_MAX];
	char		actual[DDB_NUMBER_TEXT_MAX];

	fuzz_check(reference_sum(a, b, b_sign, expected) == status);
	if (status != DDB_NUMBER_OK)
		return;
	fuzz_check(is_well_formed(sum));
	ddb_number_print(sum, actual);
	fuzz_check(strcmp(actual, expected) == 0);
}

static void
check_order(const Sample *a, const Sample *b)
{
	int			cmp = ddb_number_compare(&a->number, &b->number);

	fuzz_check(cmp >= -1 && cmp <= 1);
	fuzz_check(cmp == -ddb_number_compare(&b->number, &a->number));
	fuzz_check((cmp == 0) == same_number(&a->number, &b->number));
	fuzz_check(cmp == ddb_number_compare_text(a->print, a->print_len,
											  b->print, b->print_len));
	fuzz_check(cmp == compare_bytes(a->key, a->key_len, b->key, b->key_len));
}

static void
check_arithmetic(const Sample *a, const Sample *b)
{
	DdbNumber	sum;
	DdbNumber	swapped;
	DdbNumber	back;
	DdbNumberStatus status;

	status = ddb_number_add(&a->number, &b->number, &sum);
	check_sum(a, b, 1, status, &sum);
	fuzz_check(ddb_number_add(&b->number, &a->number, &swapped) == status);
	if (status == DDB_NUMBER_OK)
	{
		fuzz_check(same_number(&sum, &swapped));
		fuzz_check(ddb_number_subtract(&sum, &b->number, &back) == DDB_NUMBER_OK);
		fuzz_check(same_number(&back, &a->number));
	}

	status = ddb_number_subtract(&a->number, &b->number, &sum);
	check_sum(a, b, -1, status, &sum);
	back = a->number;
	fuzz_check(ddb_number_subtract(&back, &b->number, &back) == status);
	fuzz_check(status != DDB_NUMBER_OK || same_number(&back, &sum));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
	Sample		a = {.text = (const char *) data, .len = size};
	Sample		b = {.text = ""};

	if (newline != NULL)
	{
		a.len = newline - data;
		b.text = (const char *) newline + 1;
		b.len = size - a.len - 1;
	}
	check_text(&a);
	check_text(&b);
	if (a.ok)
	{
		check_order(&a, &a);
		check_arithmetic(&a, &a);
	}
	if (a.ok && b.ok)
	{
		check_order(&a, &b);
		check_arithmetic(&a, &b);
	}
	fuzz_release();
	return 0;
}

/* ---- generator ---- */

static const char *const odd_texts[] = {
	"0", "-0", "+0", "0e125", "0e126", "0.0e126", "0e-130", "0e-131", "1e125",
	"9.9e125", "1e126", "1e-130", "1e-131", "9e-131", "NaN", "Infinity", "0x1f",
	"1_000", ".", "-", "+", "e1", "1e", "1e+", "1..2", "1e1e1", "--1", "5.", ".5",
	"1e99999999999999999999", "1e-99999999999999999999", "1E+00000000000005",
	"99999999999999999999999999999999999999",
	"100000000000000000000000000000000000001"
};

static size_t
generate_digits(uint8_t *buf, size_t size, int count)
{
	static const char *const styles[] = {"0123456789", "0", "9", "09", "0000000001"};
	const char *style = styles[fuzz_random(lengthof(styles))];
	uint32		choices = strlen(style);

	while (count-- > 0)
		buf[size++] = style[fuzz_random(choices)];
	return size;
}

/* how many digits: mostly few, sometimes around a limit */
static int
generate_count(void)
{
	switch (fuzz_random(8))
	{
		case 0:
			return 36 + fuzz_random(5);
		case 1:
			return fuzz_random(180);
		default:
			return fuzz_random(12);
	}
}

static int
generate_exponent(void)
{
	switch (fuzz_random(5))
	{
		case 0:
			return 120 + (int) fuzz_random(12);
		case 1:
			return -136 + (int) fuzz_random(12);
		case 2:
			return -180 + (int) fuzz_random(360);
		default:
			return -40 + (int) fuzz_random(80);
	}
}

static size_t
generate_number(uint8_t *buf, size_t size)
{
	static const char *const signs[] = {"", "", "-", "+"};

	size = fuzz_pick(buf, size, FUZZ_INPUT_MAX, signs, lengthof(signs));
	size = generate_digits(buf, size, generate_count());
	if (fuzz_random(2) == 0)
	{
		buf[size++] = '.';
		size = generate_digits(buf, size, generate_count());
	}
	if (fuzz_random(2) == 0)
		size += sprintf((char *) buf + size, "%s%d", fuzz_random(2) ? "e" : "E+",
						generate_exponent());
	return size;
}

static size_t
generate_text(uint8_t *buf, size_t size)
{
	if (fuzz_random(10) == 0)
		return fuzz_pick(buf, size, FUZZ_INPUT_MAX, odd_texts, lengthof(odd_texts));
	return generate_number(buf, size);
}

size_t
fuzz_generate(uint8_t *buf, size_t capacity)
{
	size_t		size = generate_text(buf, 0);

	buf[size++] = '\n';
	return generate_text(buf, size);
}
