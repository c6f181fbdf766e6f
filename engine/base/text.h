/* text.h: numbers, durations and times as text, and back; UTF-8; nearest names. */
#ifndef SX_TEXT_H
#define SX_TEXT_H

#include "engine/base/base.h"
#include "engine/base/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SX_NUMBER_BYTES 32 /* room that any of the writers below needs */

/* Each writes at `to` without a NUL and returns the bytes written. */
size_t sx_write_int(char *to, int64_t value);
/* The fewest digits that read back the same, always with a point or an exponent: 15.0, 1e+300.
 * Plain from 1e-5 to below 1e21, else with an exponent: 1e-7, 1e+21; -0.0 keeps its sign. `value` is
 * finite. */
size_t sx_write_double(char *to, double value);

/* The whole of `text` must be the number. False: it is not, or does not fit. */
bool sx_read_int(struct sx_slice text, int64_t *value);
bool sx_read_double(struct sx_slice text, double *value); /* finite only */

/* `500ms`, `10s`, `1h30m`, `7d`: units from large to small, each once, no sign. Reading wants the whole
 * text and fails past 2^63 ms. A negative duration is written with `-` before it. */
bool sx_read_duration(struct sx_slice text, int64_t *ms);
void sx_add_duration(struct sx_buffer *to, int64_t ms); /* the shortest such text; 0 is `0s` */

/* ISO-8601: `2026-01-31T10:00:00.123Z`, offset `+02:00` allowed, no zone means UTC, date alone is
 * midnight. Writing gives UTC with `Z`, and milliseconds only when there are any. */
bool sx_read_timestamp(struct sx_slice text, int64_t *ms);
void sx_add_timestamp(struct sx_buffer *to, int64_t ms);
/* Days since 1970 <-> `2026-01-31`; milliseconds of the day <-> `10:00:00[.123]`. */
bool sx_read_date(struct sx_slice text, int64_t *days);
void sx_add_date(struct sx_buffer *to, int64_t days);
bool sx_read_time(struct sx_slice text, int64_t *ms);
void sx_add_time(struct sx_buffer *to, int64_t ms);
/* Proleptic Gregorian calendar, years -9999..9999. */
int64_t sx_days_of(int year, unsigned month, unsigned day);
void sx_civil_of(int64_t days, int *year, unsigned *month, unsigned *day);

bool sx_utf8_valid(struct sx_slice text);      /* no surrogates, no overlong forms */
uint32_t sx_utf8_length(struct sx_slice text); /* characters; `text` is valid */
/* Write a code point as UTF-8 (1 to 4 bytes); 0 for a surrogate or one past 0x10FFFF. */
size_t sx_utf8_write(char *to, uint32_t code);

/* Base64 with padding (RFC 4648). Reading is strict: every byte string has exactly one text. */
void sx_add_base64(struct sx_buffer *to, struct sx_slice bytes);
/* Adds nothing when it fails. */
bool sx_read_base64(struct sx_buffer *to, struct sx_slice text);

/* What Kafka allows as the name of a topic: 1 to 249 letters, digits and `._-`, neither `.` nor `..`. */
bool sx_is_topic_name(const char *name);
#define SX_TOPIC_NAME_RULE "topics are named with letters, digits, `.`, `_` and `-`, at most 249"

/* Damerau-Levenshtein distance, cut off at `limit` + 1; and the name of `names` nearest to `wrong`,
 * NULL when none is near enough to suggest: a third of the letters may be wrong, or any letter's case. */
unsigned sx_distance(const char *a, const char *b, unsigned limit);
const char *sx_nearest(const char *wrong, const char *const *names, size_t count);

#ifdef __cplusplus
}
#endif
#endif
