/* pool.h: how much of the memory that many stores share one of them may keep. Any thread, without a lock:
 * what others have is known as of their last commits. */
#ifndef SX_POOL_H
#define SX_POOL_H

#include "engine/graph/store.h"

void sx_pool_enter(struct sx_cache_pool *pool);
/* `counted`: what the store was counted with last. */
void sx_pool_leave(struct sx_cache_pool *pool, size_t counted);
/* Count a store with the bytes it uses now, `*counted` being what it was counted with before. Returns how
 * many it may keep: SIZE_MAX, as long as all together are within the pool or this one has no more than an
 * equal share; else less by what is too much and a quarter, because each time costs a copy of what stays. */
size_t sx_pool_count(struct sx_cache_pool *pool, size_t *counted, size_t used);

#endif
