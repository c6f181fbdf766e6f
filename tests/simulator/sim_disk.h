/* sim_disk.h: the simulated disk: engine/disk/disk.h in memory. A crash leaves a consistent cut.
 *
 * It stands in for RocksDB without a WAL: units are applied whole and in order, reads see them at once, and
 * after a crash some first part of those since the last flush is there. That RocksDB does so is what
 * tests/unit/disk and kill -9 show.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "engine/disk/disk.h"

struct sim_process;

struct sx_disk *sim_disk_new(struct sim_process *process);
/* As after a crash: with `keep` of the units that were not flushed, at most as many as there are. */
void sim_disk_crash(struct sx_disk *disk, uint32_t keep);
uint32_t sim_disk_unflushed(const struct sx_disk *disk);
void sim_disk_wipe(struct sx_disk *disk); /* another machine's, new */

#endif
