/* common.c: see common.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "operators/functions/common.h"

#include <string.h>
#include <strings.h>

void sx_text_add(struct sx_text *text, const char *data, size_t size)
{
    if (text->full || size > SX_TEXT_MAX - text->size) {
        text->full = true;
        return;
    }
    if (text->size + size > text->room) {
        uint32_t room = SX_MAX(2 * text->room, 64);
        char *more;

        while (room < text->size + size)
            room *= 2;
        more = sx_arena_alloc(text->call->arena, room);
        if (text->size)
            memcpy(more, text->data, text->size);
        text->data = more;
        text->room = room;
    }
    if (size)
        memcpy(text->data + text->size, data, size);
    text->size += (uint32_t)size;
}

void sx_text_add_hex(struct sx_text *text, struct sx_slice bytes, const char *digits)
{
    for (uint32_t i = 0; i < bytes.size && !text->full; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];

        sx_text_add_byte(text, digits[byte >> 4]);
        sx_text_add_byte(text, digits[byte & 15]);
    }
}

struct sx_value sx_text_value(struct sx_text *text)
{
    if (text->full)
        return sx_call_fail(text->call, "the result is longer than %u bytes", SX_TEXT_MAX);
    return sx_value_string(sx_slice(text->size ? text->data : "", text->size));
}

struct sx_value sx_text_bytes(struct sx_text *text)
{
    struct sx_value value = sx_text_value(text);

    return value.kind == SX_NULL ? value : sx_value_bytes(sx_value_slice(value));
}

void sx_items_add(struct sx_items *items, struct sx_value value)
{
    if (items->size == 2 * SX_ELEMENTS_MAX) {
        sx_call_fail(items->call, "the result has more than %u elements", SX_ELEMENTS_MAX);
        return;
    }
    if (items->size == items->room) {
        struct sx_value *more;

        items->room = items->room ? 2 * items->room : 8;
        more = sx_arena_alloc(items->call->arena, sizeof(*more) * items->room);
        if (items->size)
            memcpy(more, items->data, sizeof(*more) * items->size);
        items->data = more;
    }
    items->data[items->size++] = value;
}

struct sx_value sx_items_array(const struct sx_items *items)
{
    if (items->call->failed)
        return SX_VALUE_NULL;
    if (items->size > SX_ELEMENTS_MAX)
        return sx_call_fail(items->call, "the result has more than %u elements", SX_ELEMENTS_MAX);
    return (struct sx_value){.items = items->data, .size = items->size, .kind = SX_ARRAY};
}

struct sx_value sx_items_map(const struct sx_items *items)
{
    if (items->call->failed)
        return SX_VALUE_NULL;
    return (struct sx_value){.items = items->data,
                             .size = items->size ? sx_value_sort_map(items->data, items->size / 2) : 0,
                             .kind = SX_MAP};
}

struct sx_value sx_string_of(struct sx_call *call, struct sx_slice text)
{
    return sx_value_string(sx_arena_copy(call->arena, text));
}

const char *sx_utf8_skip(struct sx_slice text, uint64_t skip)
{
    const char *at = text.data, *end = text.data + text.size;

    while (skip-- > 0 && at < end)
        sx_utf8_next(&at, end);
    return at;
}

int64_t sx_utf8_place(struct sx_slice set, uint32_t c)
{
    const char *at = set.data, *end = set.data + set.size;

    for (int64_t i = 0; at < end; i++)
        if (sx_utf8_next(&at, end) == c)
            return i;
    return -1;
}

const char *sx_find(struct sx_slice text, const char *from, struct sx_slice what)
{
    const char *end = text.data + text.size;

    if (what.size == 0)
        return from;
    return from == NULL || from >= end ? NULL : memmem(from, (size_t)(end - from), what.data, what.size);
}

bool sx_slice_is(struct sx_slice text, const char *word)
{
    return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

void *sx_locale_prepare(struct sx_call *call, const struct sx_value *const *constants, uint32_t count)
{
    return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

void sx_locale_release(void *site) { freelocale((locale_t)site); }

locale_t sx_locale_take(const struct sx_call *call)
{
    return call->site ? (locale_t)call->site : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

void sx_locale_give_back(const struct sx_call *call, locale_t locale)
{
    if (call->site == NULL && locale != (locale_t)0)
        freelocale(locale);
}
