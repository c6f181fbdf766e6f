/* world.h: one run of one seed: machines, what happens to them, and what came out. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "dsl/compile.h"
#include "tests/simulator/cluster.h"

enum sim_compare {
    SIM_BY_ORDER, /* each partition of each sink holds the same records, those of a key in the same order */
    SIM_BY_LAST   /* the last value of each key is the same */
};

struct sim_topology {
    char *name;
    char *text;
    enum sim_compare compare;
    struct sx_compiled *compiled;
    bool several;     /* sources: which of them is next depends on what is there */
    int64_t waits_ms; /* it goes on for so long after its input has ended */
};

struct sim_options {
    uint64_t seed;
    enum sim_point point;
    bool verbose;
    bool state_first; /* the planted bug */
};

/* What was seen in a run, added up. */
struct sim_tally {
    uint64_t runs, steps, starts, kills, passed; /* passed: how often the kill point was */
};

/* Compile. NULL: *error says why. */
struct sim_topology *sim_topology_new(const char *name, const char *text, streamd_error **error);
void sim_topology_free(struct sim_topology *topology);

/* Run the seed without faults and with them and compare. NULL: no difference; else what is wrong, to be
 * freed. */
char *sim_run(const struct sim_topology *topology, const struct sim_options *options,
              struct sim_tally *tally);

/* input.c: the records of the sources, as the seed has them; the same at each call. */
void sim_input_make(struct sim *sim, const struct sim_topology *topology, uint64_t seed, int32_t partitions);

/* compare.c */

/* What differs between the sinks of two runs; NULL: nothing. */
char *sim_difference(const struct sim_topology *topology, struct sim *expected, struct sim *got);
/* The records of all topics of that role, for who looks for a difference. */
void sim_print(const struct sim_topology *topology, struct sim *sim, enum sx_topic_role role);
/* What the disk has of stores is what their changelogs say up to the position that it has. */
char *sim_disk_check(struct sim *sim, struct sx_disk *disk);

/* embedded.c */

struct sx_log_def sim_embedded_def(void);
/* The records of all topics go into an embedded log on the disk. False: they could not. */
bool sim_embedded_fill(struct sx_disk *disk, const struct sim *from);
/* The sinks of the embedded log, as topics of `to`. */
void sim_embedded_collect(struct sx_disk *disk, struct sim *to, const struct sx_plan *plan);

/* generate.c: a topology drawn from a seed, to be freed. */
char *sim_generate(uint64_t seed);

#endif
