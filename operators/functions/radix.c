/* radix.c: numbers and texts as digits of another base, and the bits of an int. */
#include "operators/functions/common.h"

/* ---- Digits ---------------------------------------------------------------------------------- */

static struct sx_value digits_of(struct sx_call *call, uint64_t x, unsigned base, bool negative)
{
    char digits[65];
    uint32_t at = sizeof(digits);

    do
        digits[--at] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[x % base];
    while ((x /= base) != 0);
    if (negative)
        digits[--at] = '-';
    return sx_string_of(call, sx_slice(digits + at, sizeof(digits) - at));
}

/* `arg` of the row is the base. The digits of a negative int are those of its 64 bits. */
static struct sx_value bits_of(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return digits_of(call, (uint64_t)args[0].i, (unsigned)(uintptr_t)call->arg, false);
}

static bool is_base(struct sx_call *call, int64_t base)
{
    if (base < 2 || base > 36)
        sx_call_fail(call, "a base is 2 to 36, not %lld", (long long)base);
    return !call->failed;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'z' ? c - 'a' + 10
           : c >= 'A' && c <= 'Z' ? c - 'A' + 10
                                  : 36;
}

static struct sx_value convert(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    const bool negative = s.size && s.data[0] == '-';
    uint64_t x = 0;

    if (!is_base(call, args[1].i) || !is_base(call, args[2].i))
        return SX_VALUE_NULL;
    if (s.size == negative)
        return sx_call_fail(call, "there are no digits to convert");
    for (uint32_t i = negative; i < s.size; i++) {
        int digit = digit_of(s.data[i]);

        if (digit >= args[1].i)
            return sx_call_fail(call, "not a digit of base %lld at byte %u", (long long)args[1].i, i + 1);
        if (__builtin_mul_overflow(x, (uint64_t)args[1].i, &x) ||
            __builtin_add_overflow(x, (uint64_t)digit, &x))
            return sx_call_fail(call, "the number is longer than 64 bits");
    }
    return digits_of(call, x, (unsigned)args[2].i, negative && x != 0);
}

static struct sx_value hex(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_text text = {.call = call};

    sx_text_add_hex(&text, sx_value_slice(args[0]), "0123456789ABCDEF");
    return sx_text_value(&text);
}

/* An odd number of digits lacks a zero before them. */
static struct sx_value unhex(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_slice s = sx_value_slice(args[0]);
    char *bytes = sx_arena_alloc(call->arena, s.size / 2 + 1);
    uint32_t size = 0;
    int high = 0;

    for (uint32_t i = 0; i < s.size; i++) {
        int digit = sx_hex_digit(s.data[i]);

        if (digit < 0)
            return SX_VALUE_NULL;
        if ((s.size - i) % 2 == 0)
            high = digit;
        else
            bytes[size++] = (char)(high << 4 | digit);
    }
    return sx_value_bytes(sx_slice(bytes, size));
}

/* ---- Bits ------------------------------------------------------------------------------------ */

static struct sx_value bit_and(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].i & args[1].i);
}

static struct sx_value bit_or(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].i | args[1].i);
}

static struct sx_value bit_xor(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(args[0].i ^ args[1].i);
}

static struct sx_value bit_not(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int(~args[0].i);
}

/* `arg` of the row is set for left. */
static struct sx_value shift(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[1].i < 0 || args[1].i > 63)
        return sx_call_fail(call, "an int is shifted by 0 to 63 bits, not %lld", (long long)args[1].i);
    return sx_value_int(call->arg ? (int64_t)((uint64_t)args[0].i << args[1].i) : args[0].i >> args[1].i);
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }

static const struct sx_function_def rows[] = {
    ROW("bin(x int) string", "The binary digits; of a negative number all 64.", "bin(10)", "\"1010\"",
        bits_of, 2),
    ROW("hex(x int) string", "The hexadecimal digits; of a negative number all 16.", "hex(255)", "\"FF\"",
        bits_of, 16),
    ROW("hex(s string) string", "The bytes of a text as UTF-8, two hexadecimal digits each.", "hex(\"Hi!\")",
        "\"486921\"", hex, 0),
    ROW("hex(b bytes) string", "Bytes, two hexadecimal digits each.", "hex(to_bytes(\"0aff\", \"hex\"))",
        "\"0AFF\"", hex, 0),
    ROW("unhex(s string) bytes", "The bytes that hexadecimal digits stand for; null if there are others.",
        "unhex(\"486921\")", "\"SGkh\"", unhex, 0),
    ROW("conv(s string, from int, to int) string",
        "A whole number in digits of one base in those of another, 2 to 36; a sign stays.",
        "conv(\"ff\", 16, 2)", "\"11111111\"", convert, 0),
    ROW("bitand(a int, b int) int", "The bits that both have.", "bitand(12, 10)", "8", bit_and, 0),
    ROW("bitor(a int, b int) int", "The bits that one of both has.", "bitor(12, 10)", "14", bit_or, 0),
    ROW("bitxor(a int, b int) int", "The bits that only one of both has.", "bitxor(12, 10)", "6", bit_xor, 0),
    ROW("bitnot(a int) int", "The bits that it does not have.", "bitnot(0)", "-1", bit_not, 0),
    ROW("shiftleft(a int, n int) int", "The bits moved up by 0 to 63; what leaves is lost.",
        "shiftleft(1, 10)", "1024", shift, 1),
    ROW("shiftright(a int, n int) int", "The bits moved down by 0 to 63; the sign stays.",
        "shiftright(-8, 1)", "-4", shift, 0),
};

const struct sx_function_table sx_functions_radix = SX_ROWS_OF("radix", rows);
