/* target.h: what every fuzz target shares: its entry, what it says when something does not hold, and how it
 * takes choices off the front of its input.
 *
 * A target must give the same for the same input, and leave nothing behind.
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include "engine/base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold, whatever the input. */
#define MUST(condition)                                                                      \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, (#condition)); \
            abort();                                                                         \
        }                                                                                    \
    } while (0)

/* What is left of an input. Beyond its end there are zeros. */
struct input {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t input_byte(struct input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

/* A copy in a block of its exact size, so that the address sanitizer sees a byte read too far. The caller
 * frees it. */
static inline char *exact_copy(struct sx_slice bytes)
{
    char *copy = sx_malloc(bytes.size);

    if (bytes.size)
        memcpy(copy, bytes.data, bytes.size);
    return copy;
}

#endif
