/* utf8.c: UTF-8, base64, and names that are near. */
#include "engine/base/text.h"

#include <stdlib.h>

/* ---- UTF-8 ---------------------------------------------------------------------------------------- */

bool sx_utf8_valid(struct sx_slice text)
{
    const unsigned char *s = (const unsigned char *)text.data, *end = s + text.size;

    while (s < end) {
        uint32_t code;
        unsigned more;

        while (end - s >= 8) {
            uint64_t word;
            memcpy(&word, s, 8);
            if (word & 0x8080808080808080ull)
                break;
            s += 8;
        }
        if (s == end)
            break;
        if (*s < 0x80) {
            s++;
            continue;
        }
        if (*s >= 0xc2 && *s <= 0xdf) {
            more = 1;
            code = *s & 0x1f;
        } else if ((*s & 0xf0) == 0xe0) {
            more = 2;
            code = *s & 0x0f;
        } else if (*s >= 0xf0 && *s <= 0xf4) {
            more = 3;
            code = *s & 0x07;
        } else {
            return false;
        }
        if (end - s <= (ptrdiff_t)more)
            return false;
        for (unsigned i = 1; i <= more; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return false;
            code = code << 6 | (s[i] & 0x3f);
        }
        if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) ||
            (more == 3 && (code < 0x10000 || code > 0x10ffff)))
            return false;
        s += more + 1;
    }
    return true;
}

uint32_t sx_utf8_length(struct sx_slice text)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

size_t sx_utf8_write(char *to, uint32_t code)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        to[0] = (char)(0xc0 | code >> 6);
        to[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code >= 0xd800 && code <= 0xdfff)
        return 0;
    if (code < 0x10000) {
        to[0] = (char)(0xe0 | code >> 12);
        to[1] = (char)(0x80 | (code >> 6 & 0x3f));
        to[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    if (code > 0x10ffff)
        return 0;
    to[0] = (char)(0xf0 | code >> 18);
    to[1] = (char)(0x80 | (code >> 12 & 0x3f));
    to[2] = (char)(0x80 | (code >> 6 & 0x3f));
    to[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

/* ---- Base64 ---------------------------------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sx_add_base64(struct sx_buffer *to, struct sx_slice bytes)
{
    const unsigned char *s = (const unsigned char *)bytes.data;

    for (uint32_t i = 0; i < bytes.size; i += 3) {
        uint32_t left = bytes.size - i;
        uint32_t v = (uint32_t)s[i] << 16 | (left > 1 ? (uint32_t)s[i + 1] << 8 : 0) | (left > 2 ? s[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                        left > 2 ? digits[v & 63] : '='};
        sx_buffer_add(to, four, 4);
    }
}

static int digit_of(char c)
{
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

bool sx_read_base64(struct sx_buffer *to, struct sx_slice text)
{
    if (text.size % 4 != 0)
        return false;
    for (uint32_t i = 0; i < text.size; i += 4) {
        const char *q = text.data + i;
        bool last = i + 4 == text.size;
        int pad = last && q[3] == '=' ? 1 + (q[2] == '=') : 0;
        int a = digit_of(q[0]), b = digit_of(q[1]);
        int c = pad == 2 ? 0 : digit_of(q[2]), d = pad ? 0 : digit_of(q[3]);
        char three[3];

        /* The bits that padding leaves over must be zero, or two texts would mean the same bytes. */
        if (a < 0 || b < 0 || c < 0 || d < 0 || (pad == 2 && (b & 15)) || (pad == 1 && (c & 3)))
            return false;
        three[0] = (char)(a << 2 | b >> 4);
        three[1] = (char)(b << 4 | c >> 2);
        three[2] = (char)(c << 6 | d);
        sx_buffer_add(to, three, (size_t)(3 - pad));
    }
    return true;
}

/* ---- Near names ------------------------------------------------------------------------------------- */

unsigned sx_distance(const char *a, const char *b, unsigned limit)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][65];

    if (n > 64 || m > 64)
        return limit + 1;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = rows[i % 3], *up = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];

        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = SX_MIN(up[j], now[j - 1]) + 1;
            best = SX_MIN(best, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = SX_MIN(best, two[j - 2] + 1);
            now[j] = best;
        }
    }
    return SX_MIN(rows[n % 3][m], limit + 1);
}

const char *sx_nearest(const char *wrong, const char *const *names, size_t count)
{
    unsigned limit = SX_MAX((unsigned)strlen(wrong) / 3, 1u), best = limit + 1;
    const char *nearest = NULL;

    for (size_t i = 0; i < count; i++) {
        unsigned distance = sx_distance(wrong, names[i], limit);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
