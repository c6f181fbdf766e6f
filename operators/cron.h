/* cron.h: when a schedule fires, as cron writes it: `minute hour day month weekday`, or with a field for
 * seconds before them.
 *
 * A field is `*` or a list of numbers, ranges and steps: `0,30`, `9-17`, `0-59/5`; months and weekdays may be
 * names (`jan`, `mon`), Sunday is 0 or 7. If day and weekday are both restricted either is enough. Also
 * `@hourly @daily @weekly @monthly @yearly`.
 * Where clocks are moved: a time that is skipped comes as much later, one that is there twice counts once;
 * with `*` for the hour real time counts, so that an interval stays one.
 */
#ifndef SX_OPERATORS_CRON_H
#define SX_OPERATORS_CRON_H

#include "engine/graph/topology.h"

/* NULL: it is none, or there is no such zone, or it never fires; *message (in arena) says which. `zone` NULL:
 * UTC. */
const struct sx_schedule *sx_cron_read(const char *text, const char *zone, struct sx_arena *arena,
                                       const char **message);

#endif
