/* standby_place.c: which copies are ours; see standby.h. */
#include "engine/run/standby.h"

#include <stdlib.h>

struct load {
    const struct sx_member *member;
    uint32_t slots; /* that it would have */
};

static int by_load(const void *a, const void *b)
{
    const struct load *one = a, *other = b;

    if (one->slots != other->slots)
        return one->slots < other->slots ? -1 : 1;
    return strcmp(one->member->id, other->member->id);
}

static int by_number(const void *a, const void *b)
{
    int32_t one = *(const int32_t *)a, other = *(const int32_t *)b;

    return one < other ? -1 : one > other;
}

/* If `owner` were gone: each of its slots to who has fewest then, and the further copies to the next ones. */
static void place_of(const struct sx_member *owner, struct load *loads, uint32_t others, uint32_t copies,
                     int32_t slot_count, bool *wanted)
{
    int32_t *slots = sx_malloc(sizeof(*slots) * (owner->slot_count + 1));

    memcpy(slots, owner->slots, sizeof(*slots) * owner->slot_count);
    qsort(slots, owner->slot_count, sizeof(*slots), by_number);
    for (uint32_t s = 0; s < owner->slot_count && others > 0; s++) {
        qsort(loads, others, sizeof(*loads), by_load);
        for (uint32_t i = 0; i < SX_MIN(copies, others) && slots[s] < slot_count; i++)
            wanted[slots[s]] |= loads[i].member->self;
        loads[0].slots++;
    }
    free(slots);
}

bool sx_standby_place(const struct sx_member *members, uint32_t count, uint32_t copies, int32_t slot_count,
                      bool *wanted)
{
    struct load *loads = sx_malloc(sizeof(*loads) * (count + 1));
    int32_t owned = 0;

    memset(wanted, 0, sizeof(*wanted) * (size_t)slot_count);
    for (uint32_t m = 0; m < count; m++)
        owned += (int32_t)members[m].slot_count;
    for (uint32_t m = 0; m < count && owned == slot_count; m++) {
        uint32_t others = 0;

        for (uint32_t o = 0; o < count; o++)
            if (o != m)
                loads[others++] = (struct load){&members[o], members[o].slot_count};
        place_of(&members[m], loads, others, copies, slot_count, wanted);
    }
    free(loads);
    return owned == slot_count;
}
