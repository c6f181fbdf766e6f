/* duration.c: durations as text, and back. */
#include "engine/base/text.h"

static const struct {
    const char *name;
    int64_t ms;
} units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

bool sx_read_duration(struct sx_slice text, int64_t *ms)
{
    const char *at = text.data, *end = text.data + text.size;
    size_t next = 0; /* units come from large to small, each once */
    int64_t sum = 0;

    if (at == end)
        return false;
    while (at < end) {
        const char *from = at, *name;
        int64_t number;
        size_t unit;

        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == from || !sx_read_int(sx_slice(from, (size_t)(at - from)), &number))
            return false;
        name = at;
        while (at < end && *at >= 'a' && *at <= 'z')
            at++;
        for (unit = next; unit < SX_COUNT(units); unit++)
            if (sx_slice_equal(sx_slice(name, (size_t)(at - name)), sx_slice_of(units[unit].name)))
                break;
        if (unit == SX_COUNT(units) || __builtin_mul_overflow(number, units[unit].ms, &number) ||
            __builtin_add_overflow(sum, number, &sum))
            return false;
        next = unit + 1;
    }
    *ms = sum;
    return true;
}

void sx_add_duration(struct sx_buffer *to, int64_t ms)
{
    if (ms == 0)
        sx_buffer_add_text(to, "0s");
    if (ms < 0)
        sx_buffer_add_byte(to, '-');
    for (size_t u = 0; u < SX_COUNT(units); u++) {
        int64_t number = ms / units[u].ms;

        ms %= units[u].ms;
        if (number)
            sx_buffer_printf(to, "%lld%s", (long long)(number < 0 ? -number : number), units[u].name);
    }
}
