/* distance.c: the known name that an unknown one was meant to be. */
#include "engine/base/text.h"

#include <strings.h>

#define NAME_MAX_BYTES 64 /* a longer name is compared with nothing */

unsigned sx_distance(const char *a, const char *b, unsigned limit)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned rows[3][NAME_MAX_BYTES + 1];

    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES)
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
    size_t size = strlen(wrong);
    unsigned best = SX_MAX((unsigned)size / 3, 1u) + 1; /* a third of the letters may be wrong */
    const char *nearest = NULL;

    /* But not all of them: `y` is no slip for `x`. */
    best = SX_MIN(best, (unsigned)size);
    for (size_t i = 0; i < count; i++) {
        unsigned distance;

        if (strcasecmp(wrong, names[i]) == 0 && (nearest == NULL || best > 1)) {
            best = 1;
            nearest = names[i];
            continue;
        }
        distance = sx_distance(wrong, names[i], best);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
