/* json.c: see json.h. */
#include "engine/base/json.h"

#include "engine/base/text.h"

/* ---- Reading --------------------------------------------------------------------------------- */

/* Four hex digits; -1: they are not. */
static int read_hex4(const char *at, const char *end)
{
    int code = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = at[i], lower = (char)(c | 0x20);

        if (c >= '0' && c <= '9')
            code = code * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            code = code * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return code;
}

const char *sx_json_read_escape(const char **at, const char *end, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *p = *at + 1, *letter;
    int high, low;

    if (p == end || *p == '\0')
        return "an escape that JSON does not have";
    if (*p != 'u') {
        letter = strchr(letters, *p);
        if (letter == NULL)
            return "an escape that JSON does not have";
        *code = (unsigned char)meanings[letter - letters];
        *at = p + 1;
        return NULL;
    }
    high = read_hex4(p + 1, end);
    if (high < 0)
        return "`\\u` needs four hexadecimal digits";
    *at = p + 5;
    *code = (uint32_t)high;
    if (high < 0xd800 || high > 0xdfff)
        return NULL;
    p = *at;
    low = high < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? read_hex4(p + 2, end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return "half of a surrogate pair";
    *at = p + 6;
    *code = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    return NULL;
}

bool sx_json_unescape_inside(struct sx_slice inside, char *to, uint32_t *size, struct sx_json_error *error)
{
    const char *at = inside.data, *end = at + inside.size;
    char *out = to;

    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at)), *what;
        size_t plain = (size_t)((slash ? slash : end) - at);
        uint32_t code;

        memmove(out, at, plain);
        out += plain;
        at += plain;
        if (slash == NULL)
            break;
        what = sx_json_read_escape(&at, end, &code);
        if (what != NULL) {
            if (error != NULL)
                *error = (struct sx_json_error){(size_t)(slash - inside.data), what};
            return false;
        }
        out += sx_utf8_write(out, code);
    }
    *size = (uint32_t)(out - to);
    return true;
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* Is one of the eight bytes a control character, a quote or a backslash? */
static inline uint64_t needs_escape(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101ull, highs = 0x8080808080808080ull;
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');

    return ((word - ones * 0x20) | (quote - ones) | (slash - ones)) & ~word & highs;
}

/* Bytes from `at` that can stay as they are. */
static uint32_t plain_bytes(const char *at, uint32_t size)
{
    uint32_t i = 0;
    uint64_t word;

    for (; size - i >= 8; i += 8) {
        memcpy(&word, at + i, 8);
        if (needs_escape(word))
            break;
    }
    while (i < size && (unsigned char)at[i] >= 0x20 && at[i] != '"' && at[i] != '\\')
        i++;
    return i;
}

static void write_escape(struct sx_buffer *to, unsigned char c)
{
    static const char letters[0x20] = {['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    static const char hex[] = "0123456789abcdef";

    if (c >= 0x20 || letters[c] != 0) {
        char two[2] = {'\\', c >= 0x20 ? (char)c : letters[c]};

        sx_buffer_add(to, two, 2);
    } else {
        char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        sx_buffer_add(to, six, 6);
    }
}

void sx_json_write_string(struct sx_buffer *to, struct sx_slice text)
{
    uint32_t i = 0;

    sx_buffer_room(to, (size_t)text.size + 2);
    to->data[to->size++] = '"';
    for (;;) {
        uint32_t plain = plain_bytes(text.data + i, text.size - i);

        sx_buffer_add(to, text.data + i, plain);
        i += plain;
        if (i == text.size)
            break;
        write_escape(to, (unsigned char)text.data[i++]);
    }
    sx_buffer_add_byte(to, '"');
}
