// number.cc: numbers as text and back. The digits come from the standard library's shortest to_chars
// (Ryu) and its exact from_chars; what is decided here is where the point or the exponent stands.
// printf of doubles was a third of a profile; a price takes a tenth of its time here.
#include "engine/base/text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace
{

// Plain digits where people write them, an exponent elsewhere.
constexpr double PLAIN_MIN = 1e-5, PLAIN_MAX = 1e21;
constexpr double WHOLE_MAX = 9007199254740992.0; // 2^53: below it every integral double is exact

// Most doubles in records have a few decimals: 12.34. If `size` is n / 10^4 rounded, and n has at most
// 15 digits, then those are the digits: distinct decimals of 15 digits are distinct doubles. Returns 0
// if it is not so.
size_t write_few_decimals(char *to, double size)
{
    constexpr double SCALE = 1e4;
    uint64_t scaled, fraction;

    if (size >= 1e11)
        return 0;
    scaled = (uint64_t)(size * SCALE + 0.5);
    if ((double)scaled / SCALE != size)
        return 0;
    char *at = std::to_chars(to, to + SX_NUMBER_BYTES, scaled / 10000).ptr;
    *at++ = '.';
    fraction = scaled % 10000;
    for (uint64_t unit = 1000; fraction > 0 || unit == 1000; unit /= 10) {
        *at++ = (char)('0' + fraction / unit);
        fraction %= unit;
    }
    return (size_t)(at - to);
}

// Shortest digits without a point, and the place of the point counted from their start.
struct digits {
    char text[SX_NUMBER_BYTES];
    int count;
    int point;
};

digits shortest(double size)
{
    digits d;
    char *end = std::to_chars(d.text, d.text + sizeof(d.text), size, std::chars_format::scientific).ptr;
    char *e = (char *)memchr(d.text, 'e', (size_t)(end - d.text));
    int exponent = 0;

    std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
    d.count = (int)(e - d.text);
    if (d.count > 1) {
        memmove(d.text + 1, d.text + 2, (size_t)d.count - 2);
        d.count--;
    }
    d.point = exponent + 1;
    return d;
}

size_t write_plain(char *to, const digits &d)
{
    char *at = to;

    if (d.point <= 0) {
        *at++ = '0';
        *at++ = '.';
        at = (char *)memset(at, '0', (size_t)-d.point) - d.point;
        at = (char *)memcpy(at, d.text, (size_t)d.count) + d.count;
    } else if (d.count <= d.point) {
        at = (char *)memcpy(at, d.text, (size_t)d.count) + d.count;
        at = (char *)memset(at, '0', (size_t)(d.point - d.count)) + (d.point - d.count);
        *at++ = '.';
        *at++ = '0';
    } else {
        at = (char *)memcpy(at, d.text, (size_t)d.point) + d.point;
        *at++ = '.';
        at = (char *)memcpy(at, d.text + d.point, (size_t)(d.count - d.point)) + (d.count - d.point);
    }
    return (size_t)(at - to);
}

// 1e+300, 1.5e-7: as JavaScript and Python write them, but an exponent of one digit stays one digit.
size_t write_exponent(char *to, const digits &d)
{
    int exponent = d.point - 1;
    char *at = to;

    *at++ = d.text[0];
    if (d.count > 1) {
        *at++ = '.';
        at = (char *)memcpy(at, d.text + 1, (size_t)d.count - 1) + (d.count - 1);
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    return (size_t)(std::to_chars(at, at + 4, std::abs(exponent)).ptr - to);
}

// from_chars takes no plus sign, but people write one.
const char *behind_plus(struct sx_slice text)
{
    return text.data + (text.size > 1 && text.data[0] == '+' && text.data[1] != '-');
}

} // namespace

extern "C" size_t sx_write_int(char *to, int64_t value)
{
    return (size_t)(std::to_chars(to, to + SX_NUMBER_BYTES, value).ptr - to);
}

extern "C" size_t sx_write_double(char *to, double value)
{
    double size = std::fabs(value);
    size_t sign = std::signbit(value), n;

    if (sign)
        *to++ = '-';
    if (size < WHOLE_MAX && std::trunc(size) == size) {
        n = sx_write_int(to, (int64_t)size);
        memcpy(to + n, ".0", 2);
        return sign + n + 2;
    }
    if (size < PLAIN_MIN || size >= PLAIN_MAX)
        return sign + write_exponent(to, shortest(size));
    n = write_few_decimals(to, size);
    return sign + (n ? n : write_plain(to, shortest(size)));
}

extern "C" bool sx_read_int(struct sx_slice text, int64_t *value)
{
    const char *begin = behind_plus(text), *end = text.data + text.size;
    auto got = std::from_chars(begin, end, *value);

    return begin != end && got.ec == std::errc() && got.ptr == end;
}

extern "C" bool sx_read_double(struct sx_slice text, double *value)
{
    const char *begin = behind_plus(text), *end = text.data + text.size;
    double read;
    auto got = std::from_chars(begin, end, read);

    if (begin == end || got.ec != std::errc() || got.ptr != end || !std::isfinite(read))
        return false;
    *value = read;
    return true;
}
