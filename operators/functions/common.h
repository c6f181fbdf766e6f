/* common.h: what the families of functions share: bounds, building texts, walking UTF-8. */
#ifndef SX_FUNCTIONS_COMMON_H
#define SX_FUNCTIONS_COMMON_H

#include "engine/base/text.h"
#include "engine/expr/function.h"

#include <locale.h>

/* What one call may make: a row error beyond, so that no argument can exhaust the memory. */
#define SX_TEXT_MAX (1u << 20)
#define SX_ELEMENTS_MAX 100000u

#define SX_ROWS_OF(table_family, table_rows)                                      \
    {                                                                             \
        .family = table_family, .rows = table_rows, .count = SX_COUNT(table_rows) \
    }

/* A text that grows in the call's arena; `full` once it would pass SX_TEXT_MAX. */
struct sx_text {
    struct sx_call *call;
    char *data;
    uint32_t size, room;
    bool full;
};

void sx_text_add(struct sx_text *text, const char *data, size_t size);
static inline void sx_text_add_slice(struct sx_text *text, struct sx_slice s)
{
    sx_text_add(text, s.data, s.size);
}
static inline void sx_text_add_byte(struct sx_text *text, char byte) { sx_text_add(text, &byte, 1); }
/* Two of the sixteen digits for each byte. */
void sx_text_add_hex(struct sx_text *text, struct sx_slice bytes, const char *digits);
/* The text as a string; fails the call if it became too long. */
struct sx_value sx_text_value(struct sx_text *text);
struct sx_value sx_text_bytes(struct sx_text *text); /* as bytes */

/* Values that grow in the call's arena. Adding past SX_ELEMENTS_MAX fails the call. */
struct sx_items {
    struct sx_call *call;
    struct sx_value *data;
    uint32_t size, room;
};

void sx_items_add(struct sx_items *items, struct sx_value value);
struct sx_value sx_items_array(const struct sx_items *items);
/* The values are pairs; sorts them, the last of equal keys stays. */
struct sx_value sx_items_map(const struct sx_items *items);

/* A text that is copied to the call's arena. */
struct sx_value sx_string_of(struct sx_call *call, struct sx_slice text);

/* The character at *at, which moves on, not past `end`. Texts are UTF-8; of what is none (a stored row that
 * somebody else wrote) the character is any, and U+FFFD where it is cut off. */
static inline uint32_t sx_utf8_next(const char **at, const char *end)
{
    const unsigned char *c = (const unsigned char *)*at;
    ptrdiff_t left = end - *at;

    if (left > 0 && c[0] < 0x80) {
        *at += 1;
        return c[0];
    }
    if (left < 4 && (left < 2 || left < (c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4))) {
        *at = end;
        return 0xfffd;
    }
    if (c[0] < 0xe0) {
        *at += 2;
        return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
    }
    if (c[0] < 0xf0) {
        *at += 3;
        return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    }
    *at += 4;
    return (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
}

/* Where the character number `skip` (from 0) begins; the end when there are fewer. */
const char *sx_utf8_skip(struct sx_slice text, uint64_t skip);

/* Where the character stands in a set of them, from 0; -1: it does not. */
int64_t sx_utf8_place(struct sx_slice set, uint32_t c);
#define SX_SET_BYTES_MAX 4096u /* of such a set: it is looked through for every character */

/* `what` in `text` at or after `from`; NULL: not there. */
const char *sx_find(struct sx_slice text, const char *from, struct sx_slice what);

/* Case and classes beyond ASCII are libc's, for a locale that the place in the text owns: nothing depends on
 * the process's locale, and nothing is global. `prepare` and `release` of a row that needs them. */
void *sx_locale_prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count);
void sx_locale_release(void *site);
/* The site's locale, or one for this call; 0: the system has no C.UTF-8. Given back by the next. */
locale_t sx_locale_take(const struct sx_call *call);
void sx_locale_give_back(const struct sx_call *call, locale_t locale);

/* Any case, ASCII. */
bool sx_slice_is(struct sx_slice text, const char *word);

/* -1: it is none. */
static inline int sx_hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static inline bool sx_is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

#endif
