/* decimal.h: exact decimal numbers. A number is a whole one, its digits, and a scale that its type has:
 * 12.50 of scale 2 is 1250. At most 38 digits, which 128 bits hold.
 *
 * Half up is away from zero at exactly a half, as in SQL and in Java: 2.5 is 3, -2.5 is -3.
 * Functions that return bool are false when the result has more than 38 digits; *out is then anything.
 */
#ifndef SX_DECIMAL_H
#define SX_DECIMAL_H

#include "engine/data/value.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SX_DECIMAL_DIGITS 38u
#define SX_DECIMAL_BYTES 48 /* room that sx_decimal_write() needs */

const struct sx_type *sx_type_decimal(struct sx_arena *arena, uint32_t precision, uint32_t scale);
/* The narrowest type that holds the values of both, or of 38 digits where that is not enough. */
const struct sx_type *sx_decimal_common(struct sx_arena *arena, const struct sx_type *a,
                                        const struct sx_type *b);
/* Does a type hold all values of another one exactly? */
bool sx_decimal_holds(const struct sx_type *type, const struct sx_type *other);
/* What an int is beside a decimal: decimal(19, 0). */
extern const struct sx_type sx_type_int_digits;

__int128 sx_decimal_ten(uint32_t power); /* 10 to the power of 0 to 38 */

static inline bool sx_decimal_fits(__int128 value, uint32_t precision)
{
    const __int128 limit = sx_decimal_ten(precision);

    return value < limit && value > -limit;
}

/* A value, with its digits in the arena. */
struct sx_value sx_value_decimal(struct sx_arena *arena, __int128 digits);

/* Digits of one scale as those of another one, rounded half up. */
bool sx_decimal_rescale(__int128 value, uint32_t from, uint32_t to, __int128 *out);

/* a of scale x, with b of scale y, to a result of scale z. Adding and the remainder want z >= x and
 * z >= y; a product and a quotient are rounded half up. b of a quotient or a remainder is not 0. */
bool sx_decimal_add(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out);
bool sx_decimal_multiply(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out);
bool sx_decimal_divide(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out);
bool sx_decimal_remainder(__int128 a, uint32_t x, __int128 b, uint32_t y, uint32_t z, __int128 *out);
int sx_decimal_compare(__int128 a, uint32_t x, __int128 b, uint32_t y);

double sx_decimal_double(__int128 value, uint32_t scale); /* the nearest one */

/* All digits of the scale, and one before the point at least: -0.50. Returns the bytes, without a NUL. */
size_t sx_decimal_write(char *to, __int128 value, uint32_t scale);

enum sx_decimal_text {
    SX_DECIMAL_OK,
    SX_DECIMAL_NO_NUMBER,
    SX_DECIMAL_RANGE /* it has more digits before the point than the type */
};

/* The whole of a text, `-1.5e3`, as digits of a type, rounded half up to its scale. */
enum sx_decimal_text sx_decimal_read(struct sx_slice text, uint32_t precision, uint32_t scale, __int128 *out);
/* The same, with the digits that are written: 0.50 has the precision 2 and the scale 2. */
enum sx_decimal_text sx_decimal_read_exact(struct sx_slice text, uint32_t *precision, uint32_t *scale,
                                           __int128 *out);

#ifdef __cplusplus
}
#endif
#endif
