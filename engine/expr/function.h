/* function.h: the contract of scalar functions, and of what they are told.
 *
 * A function is one row: a signature, a null rule, a sentence, an example that runs as a test, and
 * a C function from values to a value. Overloads are rows of the same name. `streamd functions`,
 * the reference page, the type checker and its messages read the same row.
 *
 * Signature   name(param type, param type [, param type]) type
 *             `[, p type]` may be left out; `p type...` is one or more of them, last.
 *             A type is one of the language, or a variable T, U (the same type wherever it stands),
 *             or `any`; array<T>, map<T> are as usual. `decimal` is a decimal of any digits; as a result,
 *             of those that the arguments have in common (`decimal(38,s)`: of 38 and their scale).
 *             An int argument goes into a double or decimal parameter, and a decimal one into a double
 *             parameter, when no row takes it as it is. Of rows that fit equally well the first counts.
 * Nulls       A null argument gives null without a call, unless the row has SX_FUNCTION_NULLS.
 * Failing     `return sx_call_fail(call, "...")` makes a row error.
 * Pure        A result depends on the arguments alone; calls on constants are folded at compile time.
 * Threads     A function is called by many threads at once, with different calls.
 */
#ifndef SX_FUNCTION_H
#define SX_FUNCTION_H

#include "engine/data/value.h"

struct sx_call {
    struct sx_arena *arena;             /* results may point into it; lives as long as the batch */
    void *site;                         /* what `prepare` returned for this place in the text, or NULL */
    const struct sx_type *result;       /* the type that the checker found */
    const struct sx_type *const *types; /* of the arguments */
    void *arg;                          /* of the row */
    bool failed;
    char message[192];
};

struct sx_value sx_call_fail(struct sx_call *call, const char *format, ...) SX_PRINTF(2, 3);

typedef struct sx_value (*sx_function_fn)(struct sx_call *call, const struct sx_value *args, uint32_t count);

enum sx_function_flags {
    SX_FUNCTION_NULLS = 1 /* is called with null arguments too */
};

/* What a function does that takes lambdas. It has no `fn`: its lambdas become programs that run over the
 * elements of all rows of a batch (lambda.c). */
enum sx_over {
    SX_OVER_NOTHING,
    SX_OVER_TRANSFORM, /* what the lambda gives for each element; of a map, for each key and value */
    SX_OVER_FILTER,    /* the elements for which it is true */
    SX_OVER_ANY,       /* `or` of what it gives */
    SX_OVER_ALL,       /* `and` of what it gives */
    SX_OVER_REDUCE     /* the first value, then what it gives for the value so far and each element */
};

struct sx_function_def {
    const char *signature;
    const char *summary; /* one sentence, with a full stop */
    const char *example; /* an expression of constants */
    const char *result;  /* what it gives, as JSON */
    uint32_t flags;
    sx_function_fn fn;
    enum sx_over over; /* not NOTHING: it takes lambdas, and of this row the texts alone are set beside it */
    void *arg;
    /* Work that constant arguments allow once (compile a pattern): constants[i] is NULL where the
     * argument is not constant. Runs when a task opens, memory is the task's (call->arena too);
     * `release` undoes it. Both may be NULL. It also runs when a text is compiled, to see whether
     * the constants are right: sx_call_fail there is a compile error. */
    void *(*prepare)(struct sx_call *call, const struct sx_value *const *constants, uint32_t count);
    void (*release)(void *site);
};

/* A family of functions: the table at the end of its file. */
struct sx_function_table {
    const char *family; /* strings, numbers, time, ... : a heading of the reference page */
    const struct sx_function_def *rows;
    uint32_t count;
};

/* ---- Signatures ------------------------------------------------------------------------------ */

struct sx_parameter {
    const char *name;
    const char *type; /* as written; of a lambda: what it gives */
    bool optional;
    bool repeated;
    bool is_lambda;                   /* `name (param type [, param type]) -> type` */
    const struct sx_parameter *takes; /* its parameters */
    uint32_t take_count;
};

struct sx_signature {
    const char *name;
    const struct sx_parameter *parameters;
    uint32_t count;
    const char *result;
};

/* Parse a signature. Errors: STREAMD_E_SYNTAX. */
streamd_status sx_signature_parse(const char *text, struct sx_arena *arena, struct sx_signature *signature,
                                  streamd_error **error);
/* The first word of it that is no type, or a result that does not follow from the parameters; NULL: all is
 * well. For signatures that come from outside; a row with such a word fits nothing. */
const char *sx_signature_unknown(const struct sx_signature *signature);
/* Do these argument types fit? Gives the result's type and the type each argument is to be cast to
 * (`wanted`, as many as arguments). *cost: number of int-to-double casts, for choosing among
 * overloads. SX_NULL fits everything. */
bool sx_signature_match(const struct sx_signature *signature, const struct sx_type *const *types,
                        uint32_t count, struct sx_arena *arena, const struct sx_type **result,
                        const struct sx_type **wanted, uint32_t *cost);

/* The type that values of both can have, in all their parts: null gives way, int to double. NULL: none. */
const struct sx_type *sx_type_unite(struct sx_arena *arena, const struct sx_type *a, const struct sx_type *b);

/* ---- Signatures with lambdas ------------------------------------------------------------------- */

/* The types that the letters of a signature stand for, T, U and so on, found step by step, since what a
 * lambda gives is known only when its parameters are. Begins all zero, with the arena. */
struct sx_letters {
    const struct sx_type *of[26];
    struct sx_arena *arena;
    const struct sx_type *decimal; /* of the parameters `decimal`, in common; NULL: not yet known */
    bool decimal_with_int;
};

/* Give a parameter a value of this type. False: it does not fit. */
bool sx_letters_take(struct sx_letters *letters, const char *pattern, const struct sx_type *type);
/* The type of a pattern; NULL: a letter of it is not yet known. */
const struct sx_type *sx_letters_type(struct sx_letters *letters, const char *pattern);

#endif
