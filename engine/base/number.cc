// number.cc: numbers as text and back, by the standard library's shortest to_chars (Ryu) and its exact
// from_chars. printf of doubles was a third of a profile; this is a table and a few multiplications.
#include "engine/base/text.h"

#include <charconv>
#include <cmath>

extern "C" size_t sx_write_int(char *to, int64_t value)
{
    return (size_t)(std::to_chars(to, to + SX_NUMBER_BYTES, value).ptr - to);
}

extern "C" size_t sx_write_double(char *to, double value)
{
    double whole = std::trunc(value);
    double size = std::fabs(value);

    if (whole == value && size < 9007199254740992.0 && !(value == 0 && std::signbit(value))) {
        size_t n = sx_write_int(to, (int64_t)value);
        memcpy(to + n, ".0", 2);
        return n + 2;
    }
    // Plain digits where people write them, an exponent elsewhere.
    bool plain = size >= 1e-5 && size < 1e21;
    auto end = std::to_chars(to, to + SX_NUMBER_BYTES, value,
                             plain || value == 0 ? std::chars_format::fixed : std::chars_format::scientific).ptr;
    size_t n = (size_t)(end - to);
    if ((plain || value == 0) && memchr(to, '.', n) == nullptr) {
        memcpy(to + n, ".0", 2);
        n += 2;
    }
    return n;
}

extern "C" bool sx_read_int(struct sx_slice text, int64_t *value)
{
    const char *begin = text.data, *end = text.data + text.size;

    if (text.size > 1 && *begin == '+' && begin[1] != '-')
        begin++;
    if (begin == end)
        return false;
    auto got = std::from_chars(begin, end, *value);
    return got.ec == std::errc() && got.ptr == end;
}

extern "C" bool sx_read_double(struct sx_slice text, double *value)
{
    const char *begin = text.data, *end = text.data + text.size;

    if (text.size > 1 && *begin == '+' && begin[1] != '-')
        begin++;
    if (begin == end)
        return false;
    auto got = std::from_chars(begin, end, *value);
    return got.ec == std::errc() && got.ptr == end && std::isfinite(*value);
}
