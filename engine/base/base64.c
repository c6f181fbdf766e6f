/* base64.c: base64 with padding, RFC 4648. */
#include "engine/base/text.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sx_add_base64(struct sx_buffer *to, struct sx_slice bytes)
{
    const unsigned char *s = (const unsigned char *)bytes.data;
    size_t left = bytes.size;
    char *at = sx_buffer_room(to, (left + 2) / 3 * 4);

    for (; left >= 3; s += 3, left -= 3) {
        *at++ = digits[s[0] >> 2];
        *at++ = digits[(s[0] << 4 | s[1] >> 4) & 63];
        *at++ = digits[(s[1] << 2 | s[2] >> 6) & 63];
        *at++ = digits[s[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? s[1] : 0;

        *at++ = digits[s[0] >> 2];
        *at++ = digits[(s[0] << 4 | second >> 4) & 63];
        *at++ = left == 2 ? digits[second << 2 & 63] : '=';
        *at++ = '=';
    }
    to->size = (size_t)(at - to->data);
}

/* 0 to 63, or -1 for what is no digit, the padding too. */
static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool sx_read_base64(struct sx_buffer *to, struct sx_slice text)
{
    size_t before = to->size;
    char *at;

    if (text.size % 4 != 0)
        return false;
    at = sx_buffer_room(to, (size_t)text.size / 4 * 3);
    for (uint32_t i = 0; i < text.size; i += 4) {
        const char *q = text.data + i;
        int pad = i + 4 == text.size && q[3] == '=' ? 1 + (q[2] == '=') : 0;
        int a = digit_of(q[0]), b = digit_of(q[1]);
        int c = pad == 2 ? 0 : digit_of(q[2]), d = pad ? 0 : digit_of(q[3]);

        /* The bits that padding leaves over must be zero, or two texts would mean the same bytes. */
        if (a < 0 || b < 0 || c < 0 || d < 0 || (pad == 2 && (b & 15)) || (pad == 1 && (c & 3))) {
            to->size = before;
            return false;
        }
        *at++ = (char)(a << 2 | b >> 4);
        if (pad < 2)
            *at++ = (char)(b << 4 | c >> 2);
        if (pad < 1)
            *at++ = (char)(c << 6 | d);
    }
    to->size = (size_t)(at - to->data);
    return true;
}
