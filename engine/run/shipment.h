/* shipment.h: what a slot's stores hold, copied from a member that has it, so that who is new to the slot
 * reads of the changelogs only what came since.
 *
 *   who has it    a snapshot of a store's rows on the disk ──> bytes            shipment.c
 *   in between    the caller's: HTTP (streamd/state_pages.c, streamd/peers.c)
 *   who is new    bytes ──> rows on its disk, and last of all the position      arrival.c
 *                 a thread that asks for each store of a slot                   shipping.c
 *
 * Bytes     head   `SXS1` | signature's hash 4 | position 8 | life: number 8, offset 8, time 8 | size 2 |
 *                  changelog
 *           row    size of the key 4 | of the value 4 | key | value          as on the changelog
 *           end    0xffffffff | count of rows 8                              all numbers big-endian
 * Right     rows are never older than the position, and what came since is read from the changelog, which
 *           also judges the life: state of another topic of that name is not taken for its own
 *           (restore_begin.c).
 * Failures  a copy that breaks off leaves rows without a position, which are wiped before the changelog is
 *           read from its start, as without any copy. So an error costs time only.
 */
#ifndef SX_SHIPMENT_H
#define SX_SHIPMENT_H

#include "engine/run/worker.h"

/* ---- shipment.c: one thread at a time -------------------------------------------------------- */

struct sx_shipment;

/* Errors   E_NOTFOUND: there is no such store with a changelog, or nothing of the slot is here. E_STORE. */
streamd_status sx_shipment_open(struct sx_engine *engine, const char *store, int32_t slot,
                                struct sx_shipment **shipment, streamd_error **error);
int64_t sx_shipment_position(const struct sx_shipment *shipment);
/* Some bytes more, added to `to`; nothing is added at the end. */
streamd_status sx_shipment_read(struct sx_shipment *shipment, struct sx_buffer *to, streamd_error **error);
void sx_shipment_close(struct sx_shipment *shipment);

/* ---- arrival.c: one thread at a time --------------------------------------------------------- */

struct sx_arrival;

struct sx_arrived {
    uint64_t rows, bytes;
};

/* Into a store whose slot is not restored yet: what the disk has of it is forgotten. */
struct sx_arrival *sx_arrival_new(const struct sx_slot *slot, struct sx_slot_store *store);
/* In whatever pieces they come.
 * Errors   E_CORRUPT: these are not the bytes of a shipment, or they are of another store. E_STORE. */
streamd_status sx_arrival_take(struct sx_arrival *arrival, struct sx_slice bytes, streamd_error **error);
/* Nothing more comes.
 * Errors   E_CORRUPT: something is missing. */
streamd_status sx_arrival_end(struct sx_arrival *arrival, struct sx_arrived *arrived, streamd_error **error);
void sx_arrival_free(struct sx_arrival *arrival);

/* ---- shipping.c: the slot's worker ----------------------------------------------------------- */

struct sx_shipping;

/* Ask for the stores of a slot of which the disk has nothing and the changelogs have much. NULL: there are
 * none. */
struct sx_shipping *sx_shipping_new(struct sx_slot *slot);
bool sx_shipping_is_done(const struct sx_shipping *shipping);
/* Breaks off what is not done. NULL: nothing to do. */
void sx_shipping_free(struct sx_shipping *shipping);

#endif
