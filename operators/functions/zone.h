/* zone.h: time zones: the system's (tzdata), by name, and fixed offsets.
 *
 * libc's own zone is a global that setenv and tzset change, so the files are read here: TZif of RFC 8536
 * with the rule in its footer for the years behind its table.
 */
#ifndef SX_FUNCTIONS_ZONE_H
#define SX_FUNCTIONS_ZONE_H

#include "engine/base/arena.h"

struct sx_zone;

/* `Europe/London`, `UTC`, `Z`, `+02:00`, `+0200`, `-05`. NULL: there is no such zone. Reads a file; the
 * caller frees. */
struct sx_zone *sx_zone_open(struct sx_slice name);
void sx_zone_free(struct sx_zone *zone);
/* The zone moved into an arena: read-only from then on, and never freed. */
const struct sx_zone *sx_zone_keep(struct sx_zone *zone, struct sx_arena *arena);

const char *sx_zone_name(const struct sx_zone *zone);
/* Seconds east of UTC at a time (seconds since 1970 UTC), and its abbreviation (may be NULL). */
int64_t sx_zone_offset(const struct sx_zone *zone, int64_t utc, const char **abbreviation);
/* The time at which a clock there shows this. One that is shown twice: the first time; one that is
 * skipped: as if the clock had not been moved yet. */
int64_t sx_zone_to_utc(const struct sx_zone *zone, int64_t local);

#endif
