/* test_block.h: `test "..." { ... }` as it was read: steps in order. Literals are kept as JSON text,
 * times and durations in it as milliseconds. */
#ifndef SX_TEST_BLOCK_H
#define SX_TEST_BLOCK_H

#include "engine/base/base.h"

enum sx_step_kind {
    SX_STEP_SEND,    /* SOURCE <- KEY VALUE [@ TIME] [partition N] [headers { ... }] */
    SX_STEP_EXPECT,  /* NAME_OR_TOPIC -> KEY VALUE [@ TIME] [window FROM..TO] [headers { ... }] */
    SX_STEP_NOTHING, /* NAME_OR_TOPIC -> nothing */
    SX_STEP_ADVANCE, /* advance D */
    SX_STEP_DROPPED, /* dropped REASON == N; late == N */
    SX_STEP_ERROR    /* error "text" */
};

/* One literal. */
struct sx_literal {
    const char *json; /* `null` is a tombstone as a value, no key as a key */
    bool raw;         /* raw "...": undecoded bytes, json is their text as a string */
    bool exact;       /* { =... }: no other fields may be there */
};

struct sx_test_header {
    const char *name, *value;
};

struct sx_step {
    enum sx_step_kind kind;
    struct sx_position at, last; /* of its first and of its last word */
    const char *name; /* a source, definition or topic; the reason of `dropped`; the text of `error` */
    bool is_topic;    /* it was written as a string */
    struct sx_literal key, value;
    bool has_time;
    int64_t time_ms; /* also of `advance` */
    int32_t partition;
    const struct sx_test_header *headers;
    uint32_t header_count;
    bool has_headers; /* of an expectation: all that there are, in order */
    bool has_window;
    int64_t window_start, window_end;
    int64_t count; /* dropped, late */
};

struct sx_test {
    const char *name;
    struct sx_position at;
    struct sx_step *steps;
    uint32_t step_count;
    const struct sx_test *next;
};

#endif
