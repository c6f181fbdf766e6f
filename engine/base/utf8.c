/* utf8.c: UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, nothing past U+10FFFF. */
#include "engine/base/text.h"

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
