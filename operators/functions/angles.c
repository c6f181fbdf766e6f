/* angles.c: trigonometry, in radians. */
#include "operators/functions/common.h"

#include <math.h>

static double cotangent(double x) { return 1 / tan(x); }

static double to_degrees(double x) { return x * (180 / M_PI); }

static double to_radians(double x) { return x / 180 * M_PI; }

/* Functions of one double; `arg` of the row is a pointer to one. */
struct of_one {
    double (*fn)(double);
};

static struct sx_value one(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    double d = ((const struct of_one *)call->arg)->fn(args[0].d);

    if (isfinite(d))
        return sx_value_double(d);
    return sx_call_fail(call, isnan(d) ? "the argument is out of the domain" : "the result is not finite");
}

static struct sx_value two_argument_arc(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(atan2(args[0].d, args[1].d));
}

static struct sx_value circle(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    return sx_value_double(M_PI);
}

#define ROW(name, text, sample, gives, function)                                                    \
    {                                                                                               \
        .signature = name "(x double) double", .summary = text, .example = sample, .result = gives, \
        .fn = one, .arg = &(struct of_one)                                                          \
        {                                                                                           \
            function                                                                                \
        }                                                                                           \
    }

static const struct sx_function_def rows[] = {
    ROW("sin", "The sine.", "sin(0)", "0.0", sin),
    ROW("cos", "The cosine.", "cos(0)", "1.0", cos),
    ROW("tan", "The tangent.", "tan(0)", "0.0", tan),
    ROW("cot", "The cotangent; of 0 a row error.", "round(cot(0.5), 6)", "1.830488", cotangent),
    ROW("asin", "The arc sine, of -1 to 1.", "asin(0)", "0.0", asin),
    ROW("acos", "The arc cosine, of -1 to 1.", "acos(1)", "0.0", acos),
    ROW("atan", "The arc tangent.", "atan(0)", "0.0", atan),
    ROW("sinh", "The hyperbolic sine.", "sinh(0)", "0.0", sinh),
    ROW("cosh", "The hyperbolic cosine.", "cosh(0)", "1.0", cosh),
    ROW("tanh", "The hyperbolic tangent.", "tanh(0)", "0.0", tanh),
    ROW("degrees", "Radians as degrees.", "degrees(pi())", "180.0", to_degrees),
    ROW("radians", "Degrees as radians.", "round(radians(180), 6)", "3.141593", to_radians),
    {.signature = "atan2(y double, x double) double",
     .summary = "The angle of the point (x, y).",
     .example = "atan2(0, 1)",
     .result = "0.0",
     .fn = two_argument_arc},
    {.signature = "pi() double",
     .summary = "The ratio of a circle's circumference to its diameter.",
     .example = "round(pi(), 6)",
     .result = "3.141593",
     .fn = circle},
};

const struct sx_function_table sx_functions_angles = SX_ROWS_OF("angles", rows);
