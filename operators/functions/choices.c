/* choices.c: one of several values. */
#include "operators/functions/common.h"

/* `arg` of the row is set for greatest. */
static struct sx_value extreme(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    struct sx_value best = SX_VALUE_NULL;

    for (uint32_t i = 0; i < count; i++) {
        int order = args[i].kind == SX_NULL || best.kind == SX_NULL ? 0 : sx_value_compare(args[i], best);

        if (args[i].kind != SX_NULL && (best.kind == SX_NULL || (call->arg ? order > 0 : order < 0)))
            best = args[i];
    }
    return best;
}

static struct sx_value nullif(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    if (args[0].kind == SX_NULL || args[1].kind == SX_NULL)
        return args[0];
    return sx_value_equal(args[0], args[1]) ? SX_VALUE_NULL : args[0];
}

static struct sx_value first_there(struct sx_call *call, const struct sx_value *args, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (args[i].kind != SX_NULL)
            return args[i];
    return SX_VALUE_NULL;
}

#define ROW(sig, text, sample, gives, function, argument)                                                  \
    {                                                                                                      \
        .signature = sig, .summary = text, .example = sample, .result = gives, .flags = SX_FUNCTION_NULLS, \
        .fn = function, .arg = (void *)(uintptr_t)(argument)                                               \
    }

static const struct sx_function_def rows[] = {
    ROW("greatest(a T...) T", "The largest of the values that are not null.", "greatest(3, null, 7)", "7",
        extreme, 1),
    ROW("least(a T...) T", "The smallest of the values that are not null.", "least(3, null, 7)", "3", extreme,
        0),
    ROW("nullif(a T, b T) T", "Null if both are equal, else the first.", "nullif(5, 0)", "5", nullif, 0),
    ROW("ifnull(a T, b T) T", "The first, or the second where it is null.", "ifnull(null, 5)", "5",
        first_there, 0),
    ROW("coalesce(a T...) T", "The first of the values that is not null.", "coalesce(null, null, 5)", "5",
        first_there, 0),
};

const struct sx_function_table sx_functions_choices = SX_ROWS_OF("choices", rows);
