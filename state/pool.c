/* pool.c: see pool.h. */
#include "state/pool.h"

void sx_pool_enter(struct sx_cache_pool *pool)
{
    atomic_fetch_add_explicit(&pool->stores, 1, memory_order_relaxed);
}

void sx_pool_leave(struct sx_cache_pool *pool, size_t counted)
{
    atomic_fetch_sub_explicit(&pool->used, counted, memory_order_relaxed);
    atomic_fetch_sub_explicit(&pool->stores, 1, memory_order_relaxed);
}

size_t sx_pool_count(struct sx_cache_pool *pool, size_t *counted, size_t used)
{
    size_t more = used - *counted; /* less: it wraps, and so does the sum */
    size_t all = atomic_fetch_add_explicit(&pool->used, more, memory_order_relaxed) + more;
    size_t share = pool->bytes / SX_MAX(atomic_load_explicit(&pool->stores, memory_order_relaxed), 1u);
    size_t less;

    *counted = used;
    if (all <= pool->bytes || used <= share)
        return SIZE_MAX;
    less = all - pool->bytes + used / 4;
    return SX_MAX(share / 4 * 3, used - SX_MIN(less, used));
}
