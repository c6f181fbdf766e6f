/* sim_group.c: the group of the simulated log: members, generations, cooperative and sticky. */
#include "tests/simulator/cluster.h"

#include <stdlib.h>

#define SESSION_MS 10000

static uint64_t all_slots(const struct sim_group *group)
{
    return group->slot_count >= 64 ? UINT64_MAX : ((uint64_t)1 << group->slot_count) - 1;
}

/* Who stays keeps what it has, up to its share; the rest goes to who has least. */
static void rebalance(struct sim *sim)
{
    struct sim_group *group = &sim->group;
    uint64_t left = all_slots(group);
    int32_t members = 0, share;

    group->generation++;
    for (uint32_t i = 0; i < group->count; i++)
        members += group->members[i]->in_group;
    if (members == 0)
        return;
    share = (group->slot_count + members - 1) / members;
    for (uint32_t i = 0; i < group->count; i++) {
        struct sim_member *member = group->members[i];

        if (!member->in_group)
            continue;
        member->target &= left;
        while (__builtin_popcountll(member->target) > share)
            member->target &= member->target - 1;
        left &= ~member->target;
    }
    while (left) {
        struct sim_member *least = NULL;

        for (uint32_t i = 0; i < group->count; i++)
            if (group->members[i]->in_group &&
                (least == NULL ||
                 __builtin_popcountll(group->members[i]->target) < __builtin_popcountll(least->target)))
                least = group->members[i];
        least->target |= left & -left;
        left &= left - 1;
    }
    sim_say(sim, "the group is in generation %lld", (long long)group->generation);
}

static void expel(struct sim *sim, struct sim_member *member)
{
    member->in_group = false;
    member->target = 0;
    rebalance(sim);
}

void sim_group_tick(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->group.count; i++) {
        struct sim_member *member = sim->group.members[i];

        if (member->in_group && sim->now_ms - member->seen_ms > SESSION_MS) {
            sim_say(sim, "process %u was not heard of and is no member any more", member->process->number);
            expel(sim, member);
        }
    }
}

static void call(void (*fn)(const int32_t *slots, uint32_t count, void *arg), uint64_t bits, void *arg)
{
    int32_t slots[64];
    uint32_t count = 0;

    for (; bits; bits &= bits - 1)
        slots[count++] = __builtin_ctzll(bits);
    if (count)
        fn(slots, count, arg);
}

static void take(struct sim_member *member, uint64_t bits, bool lost)
{
    int32_t slots[64];
    uint32_t count = 0;

    member->owned &= ~bits;
    for (; bits; bits &= bits - 1)
        slots[count++] = __builtin_ctzll(bits);
    if (count)
        member->events.taken(slots, count, lost, member->events.arg);
}

streamd_status sim_join(struct sx_log *base, const char *slots_topic, int32_t slot_count,
                        const struct sx_group_events *events, streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim *sim = log->process->sim;
    struct sim_group *group = &sim->group;
    struct sim_member *member = NULL, *fresh;
    streamd_status status;

    if (sim_dies(log->process, SIM_AT_OPENING) || sim_dies(log->process, SIM_IN_REBALANCE))
        return sim_dead(error);
    status = sim_request(log, "joining the group", error);
    if (status != STREAMD_OK)
        return status;
    if (log->member != NULL)
        return sx_fail(error, STREAMD_E_STATE, "the group was joined already");
    if (sim_topic_find(sim, slots_topic) == NULL || group->count == SIM_MEMBERS)
        return sx_fail_fatal(error, STREAMD_E_LOG, "the group cannot be joined");
    for (uint32_t i = 0; i < group->count && log->process->is_static; i++)
        if (group->members[i]->in_group && group->members[i]->process == log->process)
            member = group->members[i];
    fresh = sx_calloc(1, sizeof(*fresh));
    fresh->process = log->process;
    fresh->in_group = true;
    fresh->events = *events;
    fresh->seen_ms = sim->now_ms;
    group->slot_count = slot_count;
    group->members[group->count++] = fresh;
    if (member != NULL) { /* static: it takes its former place, who was there is fenced */
        fresh->target = member->target;
        member->in_group = false;
        member->target = 0;
        fresh->generation = group->generation;
    } else {
        rebalance(sim);
    }
    log->member = fresh;
    return STREAMD_OK;
}

/* Slots that are to be ours and that no other member holds any more. */
static uint64_t free_for(const struct sim_group *group, const struct sim_member *member)
{
    uint64_t free_slots = member->target & ~member->owned;

    for (uint32_t i = 0; i < group->count; i++)
        if (group->members[i] != member && group->members[i]->in_group)
            free_slots &= ~group->members[i]->owned;
    return free_slots;
}

streamd_status sim_poll(struct sx_log *base, int timeout_ms, streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim_member *member = log->member;
    struct sim *sim = log->process->sim;
    uint64_t bits;

    if (sim_dies(log->process, SIM_ANYWHERE))
        return sim_dead(error);
    if (member == NULL)
        return sx_fail(error, STREAMD_E_STATE, "the group was not joined");
    if (!member->in_group) {
        sim_say(sim, "process %u has lost its slots", log->process->number);
        take(member, member->owned, true);
        if (log->process->dead)
            return sim_dead(error);
        member->in_group = true;
        member->seen_ms = sim->now_ms;
        rebalance(sim);
        return STREAMD_OK;
    }
    member->seen_ms = sim->now_ms;
    member->generation = sim->group.generation;
    bits = member->owned & ~member->target;
    if (bits) {
        if (sim_dies(log->process, SIM_IN_REBALANCE))
            return sim_dead(error);
        sim_say(sim, "process %u gives up slots %llx", log->process->number, (unsigned long long)bits);
        take(member, bits, false);
    }
    bits = log->process->dead ? 0 : free_for(&sim->group, member);
    if (bits) {
        if (sim_dies(log->process, SIM_IN_REBALANCE))
            return sim_dead(error);
        sim_say(sim, "process %u is given slots %llx", log->process->number, (unsigned long long)bits);
        member->owned |= bits;
        call(member->events.given, bits, member->events.arg);
    }
    return STREAMD_OK;
}

streamd_status sim_leave(struct sx_log *base, streamd_error **error)
{
    struct sim_log *log = (struct sim_log *)base;
    struct sim_member *member = log->member;

    if (member == NULL)
        return STREAMD_OK;
    /* The group finds out by itself when a process is dead. */
    if (!log->process->dead)
        take(member, member->owned, !member->in_group);
    log->member = NULL;
    if (log->process->dead)
        return sim_dead(error);
    /* A static member's place is kept, until it is missed. */
    if (member->in_group && !log->process->is_static)
        expel(log->process->sim, member);
    return STREAMD_OK;
}

streamd_status sim_membership(struct sim_log *log, streamd_error **error)
{
    struct sim_member *member = log->member;
    struct sim *sim = log->process->sim;

    /* A writer of a log that did not join is outside of the group. */
    if (member == NULL)
        return sx_fail(error, STREAMD_E_FENCED, "the group was left");
    if (!member->in_group)
        return sx_fail(error, STREAMD_E_FENCED, "process %u is no member any more", log->process->number);
    if (member->generation == sim->group.generation)
        return STREAMD_OK;
    /* The group has gone on; whether this member is told in time is luck. */
    return sim_fault(sim, 300) ? sx_fail(error, STREAMD_E_FENCED, "the generation is over")
                               : sx_fail_retriable(error, STREAMD_E_LOG, "the group was rebalanced");
}
