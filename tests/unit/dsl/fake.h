/* fake.h: a small catalogue whose operators write down what the compiler gives them, a line a stage; and
 * shorthands for compiling with it. */
#ifndef SX_UNIT_DSL_FAKE_H
#define SX_UNIT_DSL_FAKE_H

#include "dsl/compile.h"
#include "tests/unit/unit.h"

extern const struct sx_catalog fake_catalog;

/* What the stages saw since the last compile, a line each. */
const char *fake_seen(void);

/* Compile; NULL when it fails. The messages of errors, else of warnings, are then in fake_said(), as
 * `line:column: message [hint]`, a line each. */
struct sx_compiled *fake_compile(const char *text);
struct sx_compiled *fake_compile_bytes(const char *text, size_t size, struct sx_compile_options options);
const char *fake_said(void);
void fake_say(streamd_error *error);

/* It compiles, and the stages saw that. */
#define SEEN(text, lines) fake_assert(__FILE__, __LINE__, (text), (lines), NULL)
/* It does not, and those are the messages. */
#define SAID(text, messages) fake_assert(__FILE__, __LINE__, (text), NULL, (messages))
void fake_assert(const char *file, int line, const char *text, const char *seen, const char *said);

#define ORDERS                                                                           \
    "stream orders from topic \"orders\" { key string value json { id string not null, " \
    "customer string, amount double, n int, at timestamp, tags array<string>, "          \
    "place { city string, at { x int } }, m map<int> } }\n"
#define CUSTOMERS \
    "table customers from topic \"customers\" { key string as id value json { name string, n int } }\n"

#endif
