/* upgrade.h: what becomes of an application's state and topics when another version of its file runs.
 *
 * Stores and internal topics are found again by name, and names come from definitions; what was kept can be
 * used if its signature is the same (signature.h). No log is asked: partition counts are known only where the
 * file says them. The same comparison is made by a run, against what it finds (engine/run/store_ids.c).
 */
#ifndef SX_UPGRADE_H
#define SX_UPGRADE_H

#include "engine/graph/signature.h"

/* In the order of how bad it is. */
enum sx_fate {
    SX_FATE_KEPT,
    SX_FATE_NEW,
    SX_FATE_DROPPED, /* it is not in the new file, and nothing is lost with it */
    SX_FATE_REBUILT, /* from the topic that it is a copy of */
    SX_FATE_CHANGED, /* a topic: what is under way in it cannot be read by the new version */
    SX_FATE_LOST
};

/* A store or an internal topic. */
struct sx_fate_row {
    const char *definition;
    const char *name;
    const char *topic; /* of a store: what it is restored from; of a topic: its name */
    enum sx_fate fate;
    bool from_source;     /* a store that is a copy of its topic */
    const char **reasons; /* in the words of the file */
    uint32_t reason_count;
};

enum sx_restart {
    SX_RESTART_ROLLING, /* old and new members may run at the same time */
    SX_RESTART_DRAIN,   /* what is under way must be processed by the old version first */
    SX_RESTART_STOP     /* the new version refuses to start while what is lost is there */
};

struct sx_upgrade {
    const char *was, *is; /* the application's name */
    const struct sx_fate_row *stores;
    uint32_t store_count;
    const struct sx_fate_row *topics; /* changelogs and repartitions */
    uint32_t topic_count;
    const struct sx_fate_row *sources; /* topics that begin (NEW) or cease (DROPPED) to be read */
    uint32_t source_count;
    enum sx_restart restart;
    const char **why; /* it is not rolling */
    uint32_t why_count;
    uint32_t lost; /* stores */
};

/* `changed` says of a definition that is in both files whether it is written otherwise. All is in `arena`. */
struct sx_upgrade *sx_upgrade_compare(const struct sx_plan *was, const struct sx_plan *is,
                                      bool (*changed)(const char *definition, void *arg), void *arg,
                                      struct sx_arena *arena);
/* "kept", "rebuilt", ... */
const char *sx_fate_name(enum sx_fate fate);

#endif
