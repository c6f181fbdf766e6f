/* words.h: calls written as in the language, run without its compiler.
 *
 * What is understood: calls of the built-in functions, numbers, texts ("", '', r""), true, false, null,
 * timestamp "", decimal "", arrays, structs { a: 1 } and map { "k": 1 }. Overloads are chosen as the
 * compiler does.
 */
#ifndef TEST_FUNCTIONS_WORDS_H
#define TEST_FUNCTIONS_WORDS_H

#include "engine/data/format.h"
#include "engine/expr/expr.h"
#include "tests/unit/unit.h"

extern const struct sx_function_table *const families[];
extern const size_t family_count;

/* The result as JSON text; `!` and the message when the call fails; `?` and why when the text is wrong.
 * `prepared`: let functions prepare from constants. In the arena. */
const char *evaluate(const char *text, struct sx_arena *arena, bool prepared);

/* What a call should give. `!part`: it fails, and the message has this part. */
struct expectation {
    const char *call, *result;
};
/* Checks them with and without preparation. */
void expect_all(const struct expectation *expectations, size_t count);

void suite_rows(void);
void suite_strings(void);
void suite_numbers(void);
void suite_nested(void);
void suite_times(void);

#endif
