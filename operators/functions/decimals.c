/* decimals.c: the numbers' functions, over decimals: exact, and of the type that the argument has. */
#include "operators/functions/common.h"

#include "engine/data/decimal.h"

/* A result must fit where the argument stood: 9.9 of decimal(2, 1) has no ceiling. */
static struct sx_value give(struct sx_call *call, __int128 digits)
{
    if (!sx_decimal_fits(digits, call->result->precision))
        return sx_call_fail(call, "decimal overflow: the result does not fit into decimal(%u, %u)",
                            call->result->precision, call->result->scale);
    return sx_value_decimal(call->arena, digits);
}

static struct sx_value absolute(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return *args[0].decimal < 0 ? give(call, -*args[0].decimal) : args[0];
}

static struct sx_value sign(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_int((*args[0].decimal > 0) - (*args[0].decimal < 0));
}

static struct sx_value remainder_of(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return *args[1].decimal == 0 ? sx_call_fail(call, "division by zero")
                                 : give(call, *args[0].decimal % *args[1].decimal);
}

enum way { DOWN, UP, HALF_UP, CUT };

/* With so many digits behind the point, the others 0. Half up is as for doubles: -2.5 becomes -2. */
static struct sx_value cut(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    const enum way way = (enum way)(uintptr_t)call->arg;
    const int64_t scale = call->types[0]->scale, keep = count > 1 ? args[1].i : 0;
    const __int128 x = *args[0].decimal;
    __int128 unit, rest, low;

    if (keep >= scale)
        return args[0];
    if (keep < scale - (int64_t)SX_DECIMAL_DIGITS)
        return give(call, 0);
    unit = sx_decimal_ten((uint32_t)(scale - keep));
    rest = x % unit;
    if (rest == 0)
        return args[0];
    low = x - rest - (rest < 0 ? unit : 0); /* the next one downwards */
    rest += rest < 0 ? unit : 0;
    switch (way) {
    case DOWN:
        return give(call, low);
    case UP:
        return give(call, low + unit);
    case HALF_UP:
        return give(call, rest >= unit - rest ? low + unit : low);
    default:
        return give(call, x < 0 ? low + unit : low);
    }
}

#define ROW(sig, text, sample, gives, function, argument)                                      \
    {                                                                                          \
        .signature = sig, .summary = text, .example = sample, .result = gives, .fn = function, \
        .arg = (void *)(uintptr_t)(argument)                                                   \
    }

static const struct sx_function_def rows[] = {
    ROW("abs(x decimal) decimal", "The number without its sign.", "abs(decimal \"-5.50\")", "5.50", absolute,
        0),
    ROW("sign(x decimal) int", "-1, 0 or 1.", "sign(decimal \"-5.50\")", "-1", sign, 0),
    ROW("floor(x decimal) decimal", "The next whole number downwards.", "floor(decimal \"-1.50\")", "-2.00",
        cut, DOWN),
    ROW("ceil(x decimal) decimal", "The next whole number upwards.", "ceil(decimal \"1.20\")", "2.00", cut,
        UP),
    ROW("mod(x decimal, by decimal) decimal", "The remainder, with the sign of x.",
        "mod(decimal \"7.50\", 2)", "1.50", remainder_of, 0),
    ROW("round(x decimal [, digits int]) decimal",
        "Rounded half up to so many digits, in the same type; negative ones are left of the point.",
        "round(decimal \"1.005\", 2)", "1.010", cut, HALF_UP),
    ROW("trunc(x decimal [, digits int]) decimal",
        "Cut off behind so many digits, in the same type; negative ones are left of the point.",
        "trunc(decimal \"-1.999\", 2)", "-1.990", cut, CUT),
};

const struct sx_function_table sx_functions_decimals = SX_ROWS_OF("numbers", rows);
