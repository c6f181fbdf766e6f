/* record_json.h: records as JSON lines, as `pipe`, `produce`, `consume` and HTTP have them.
 *
 *   {"topic": T, "key": K, "value": V, "timestamp": MS, "window": {...}, "headers": {...}}
 */
#ifndef SX_RECORD_JSON_H
#define SX_RECORD_JSON_H

#include "engine/data/format.h"

/* How a topic's keys and values are to be read or shown; a NULL format: raw bytes, as a JSON string (base64
 * with "base64": true when they are no UTF-8). */
struct sx_record_form {
    const struct sx_format_def *key_format, *value_format;
    const void *key_plan, *value_plan;
    bool key_windowed;     /* the key's bytes end in those of its window (engine/format/windowed_key.h) */
    int64_t key_window_ms; /* the windows' size; -1: sessions; 0: it varies */
    bool guess_json;       /* values of no known format are shown as JSON where they are JSON */
};

/* What one line says. Everything lives in the arena or in the line. */
struct sx_record_line {
    bool is_advance;
    int64_t advance_ms;
    struct sx_slice topic;      /* data NULL: not said */
    struct sx_slice key, value; /* JSON text; data NULL: not said */
    bool raw, base64;           /* the strings are the undecoded bytes, or their base64 */
    bool has_timestamp;
    int64_t timestamp;
    int32_t partition; /* -1: not said */
    bool has_window;   /* of a windowed key */
    struct sx_window window;
    const struct sx_header *headers;
    uint32_t header_count;
};

/* Read a line. False: *message (in arena) says what is wrong. */
bool sx_record_line_read(struct sx_slice text, struct sx_record_line *line, struct sx_arena *arena,
                         const char **message);

/* Encode the key and value of a line. */
bool sx_record_line_encode(const struct sx_record_line *line, const struct sx_record_form *form,
                           struct sx_record *record, struct sx_arena *arena, const char **message);

/* Append a record as one line, with its end. `topic` NULL leaves it out; partition and offset are there
 * when >= 0. `window` NULL: that of the key, if it is windowed; an end that varies is left out. */
/* Take the window's part off a key of this form. False: it has none. */
bool sx_record_window(const struct sx_record_form *form, struct sx_slice *key, struct sx_window *window);

void sx_record_line_write(struct sx_buffer *to, const char *topic, int32_t partition,
                          const struct sx_record *record, const struct sx_record_form *form,
                          const struct sx_window *window, struct sx_arena *arena);

#endif
