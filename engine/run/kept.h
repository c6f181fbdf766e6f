/* kept.h: what a disk says of the stores that it holds.
 *
 *   META  state/format             SX_STATE_FORMAT of who wrote it first, 4 bytes big-endian
 *         store/APPLICATION/NAME   the store's number, 4 bytes big-endian: its rows' and positions' prefix
 *         means/APPLICATION/NAME   its signature: what its rows mean, as text
 *
 * One disk may serve several applications: embedded logs are shared that way.
 */
#ifndef SX_KEPT_H
#define SX_KEPT_H

#include "engine/disk/disk.h"

/* Called for each store of the application, by name. */
typedef void (*sx_kept_fn)(const char *name, uint32_t id, void *arg);
streamd_status sx_kept_each(struct sx_disk *disk, const char *application, sx_kept_fn fn, void *arg,
                            streamd_error **error);
/* Delete a store's rows, positions and names. */
void sx_kept_forget(struct sx_unit *unit, const char *application, const char *name, uint32_t id);

#endif
