/* kafka_commit.c: commit and abort of a writer.
 *
 * A commit whose answer never came may or may not have happened. It is found out, not guessed: the
 * producer is made anew, which ends the transaction at the broker for good, and the group's offsets
 * are read. Each commit tags its offsets with a name of its own, because offsets alone do not tell
 * when no input moved. */
#include "engine/log/kafka.h"

#include <stdlib.h>

#define STEP_MS 2000 /* of librdkafka's calls, which are repeated */
#define ABORT_MS 5000
#define REBALANCE_MS 20
#define REPORTS_MS 500

enum outcome { COMMITTED, NOT_COMMITTED, UNKNOWN };

static int64_t deadline(const struct sx_kafka *kafka) { return sx_kafka_now_ms() + kafka->transaction_ms; }

/* What was refused fails the transaction, which says only that. Why was logged, or is in the delivery
 * report that was not served yet. */
static streamd_status refused(struct sx_kafka_writer *writer, const rd_kafka_error_t *problem,
                              streamd_error **error)
{
    streamd_status status = sx_kafka_background(writer->kafka, error);

    if (status != STREAMD_OK)
        return status;
    for (int waited = 0; rd_kafka_error_txn_requires_abort(problem) && waited < REPORTS_MS &&
                         writer->failed == RD_KAFKA_RESP_ERR_NO_ERROR;
         waited += 10)
        rd_kafka_poll(writer->producer, 10);
    return sx_kafka_writer_failed(writer, error);
}

/* *outcome is UNKNOWN when the end of the transaction may be under way. */
static streamd_status end_transaction(struct sx_kafka_writer *writer, enum outcome *outcome,
                                      streamd_error **error)
{
    int64_t until = deadline(writer->kafka);
    rd_kafka_error_t *problem;

    *outcome = NOT_COMMITTED;
    /* Flushes first. A call that is repeated goes on where it was. */
    while ((problem = rd_kafka_commit_transaction(writer->producer, STEP_MS)) != NULL) {
        bool again = rd_kafka_error_is_retriable(problem) && sx_kafka_now_ms() < until;
        if (!again) {
            streamd_status status;
            if (!rd_kafka_error_txn_requires_abort(problem) && !rd_kafka_error_is_fatal(problem))
                *outcome = UNKNOWN;
            status = refused(writer, problem, error);
            if (status == STREAMD_OK)
                return sx_kafka_fail_with(error, problem, "Write", "committing writer %u", writer->number);
            rd_kafka_error_destroy(problem);
            return status;
        }
        rd_kafka_error_destroy(problem);
    }
    writer->in_transaction = false;
    *outcome = COMMITTED;
    return STREAMD_OK;
}

static streamd_status send_offsets(struct sx_kafka_writer *writer,
                                   const rd_kafka_topic_partition_list_t *offsets, streamd_error **error)
{
    rd_kafka_consumer_group_metadata_t *membership = sx_kafka_membership(writer->kafka);
    int64_t until = deadline(writer->kafka);
    streamd_status status = STREAMD_OK;
    rd_kafka_error_t *problem;

    while ((problem = rd_kafka_send_offsets_to_transaction(writer->producer, offsets, membership, STEP_MS)) !=
           NULL) {
        rd_kafka_resp_err_t err = rd_kafka_error_code(problem);
        if (rd_kafka_error_is_retriable(problem) && sx_kafka_now_ms() < until) {
            rd_kafka_error_destroy(problem);
            continue;
        }
        /* A group that went on to its next generation while we asked does not mean that another has
         * our work: the same member may still have its slots. `taken` tells if not. */
        if (err == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION) {
            sx_kafka_sleep_ms(REBALANCE_MS);
            if (sx_kafka_has_moved_on(writer->kafka, membership)) {
                rd_kafka_error_destroy(problem);
                status = sx_fail_retriable(error, STREAMD_E_LOG, "group %s was rebalanced during a commit",
                                           writer->kafka->application);
                break;
            }
        }
        status = refused(writer, problem, error);
        if (status == STREAMD_OK)
            status = sx_kafka_fail_with(error, problem, "Read", "committing offsets of group %s",
                                        writer->kafka->application);
        else
            rd_kafka_error_destroy(problem);
        break;
    }
    rd_kafka_consumer_group_metadata_destroy(membership);
    return status;
}

/* Make the producer anew and look whether the offsets with this tag are there. */
static enum outcome find_out(struct sx_kafka_writer *writer, rd_kafka_topic_partition_list_t *offsets,
                             const char *tag)
{
    const rd_kafka_topic_partition_t *first = &offsets->elems[0];
    enum outcome outcome;

    sx_kafka_writer_drop(writer);
    if (sx_kafka_writer_revive(writer, NULL) != STREAMD_OK ||
        sx_kafka_committed_list(writer->kafka, offsets, true, NULL) != STREAMD_OK)
        return UNKNOWN;
    outcome = first->metadata != NULL && first->metadata_size >= strlen(tag) &&
                      memcmp(first->metadata, tag, strlen(tag)) == 0
                  ? COMMITTED
                  : NOT_COMMITTED;
    sx_log(writer->kafka->logger, SX_WARN, "a commit was not answered", "outcome",
           outcome == COMMITTED ? "committed" : "not committed", NULL);
    return outcome;
}

static streamd_status commit_in_transaction(struct sx_kafka_writer *writer,
                                            const struct sx_partition_offset *offsets, uint32_t count,
                                            streamd_error **error)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    streamd_error *problem = NULL;
    streamd_status status = STREAMD_OK;
    enum outcome outcome = NOT_COMMITTED;
    char tag[64];

    if (count == 0 && !writer->in_transaction)
        return STREAMD_OK;
    status = sx_kafka_writer_begin(writer, error);
    if (status != STREAMD_OK)
        return status;
    snprintf(tag, sizeof(tag), "streamd %016llx %llu", (unsigned long long)writer->incarnation,
             (unsigned long long)++writer->commits);
    if (count > 0) {
        list = sx_kafka_offset_list(offsets, count, tag);
        status = send_offsets(writer, list, &problem);
    }
    if (status == STREAMD_OK)
        status = end_transaction(writer, &outcome, &problem);
    if (outcome == UNKNOWN && list != NULL)
        outcome = find_out(writer, list, tag);
    if (list != NULL)
        rd_kafka_topic_partition_list_destroy(list);
    if (outcome == COMMITTED) {
        streamd_error_free(problem);
        return STREAMD_OK;
    }
    if (outcome == UNKNOWN) {
        /* Whoever takes the work up again starts from what is committed, whatever that is. */
        streamd_error_free(problem);
        sx_kafka_writer_drop(writer);
        return sx_fail(error, STREAMD_E_FENCED,
                       "it is not known whether a commit of writer %u "
                       "happened",
                       writer->number);
    }
    if (error != NULL)
        *error = problem;
    else
        streamd_error_free(problem);
    return status;
}

/* Wait until all is delivered. */
static streamd_status flush(struct sx_kafka_writer *writer, rd_kafka_t *producer, streamd_error **error)
{
    rd_kafka_resp_err_t err = rd_kafka_flush(producer, SX_KAFKA_WAIT_MS);
    streamd_status status = sx_kafka_writer_failed(writer, error);
    char reason[256];

    if (status != STREAMD_OK)
        return status;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, err, NULL, "Write", "flushing writer %u", writer->number);
    err = rd_kafka_fatal_error(producer, reason, sizeof(reason));
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sx_kafka_fail(error, err, reason, "Write", "writer %u", writer->number);
    return STREAMD_OK;
}

static rd_kafka_resp_err_t commit_offsets(struct sx_kafka *kafka, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__STATE;
    rd_kafka_t *client = NULL;

    pthread_rwlock_rdlock(&kafka->group_lock);
    if (kafka->group != NULL)
        err = rd_kafka_commit(kafka->group, list, false);
    else if (sx_kafka_read_client(kafka, 0, &client, NULL) == STREAMD_OK)
        err = rd_kafka_commit(client, list, false);
    pthread_rwlock_unlock(&kafka->group_lock);
    return err;
}

static streamd_status commit_after_flush(struct sx_kafka_writer *writer,
                                         const struct sx_partition_offset *offsets, uint32_t count,
                                         streamd_error **error)
{
    int64_t until = deadline(writer->kafka);
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t err;
    streamd_status status = sx_kafka_writer_revive(writer, error);

    if (status == STREAMD_OK)
        status = flush(writer, writer->producer, error);
    if (status != STREAMD_OK || count == 0)
        return status;
    list = sx_kafka_offset_list(offsets, count, NULL);
    /* The group refuses offsets for a moment while its members are told their slots. Those of a
     * generation that is over make librdkafka give up all slots as lost: that is no use to repeat. */
    while ((err = commit_offsets(writer->kafka, list)) != RD_KAFKA_RESP_ERR_NO_ERROR &&
           (sx_kafka_kind(err) == SX_KAFKA_TRANSIENT || sx_kafka_kind(err) == SX_KAFKA_TIMEOUT) &&
           sx_kafka_now_ms() < until)
        sx_kafka_sleep_ms(REBALANCE_MS);
    rd_kafka_topic_partition_list_destroy(list);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        status = sx_kafka_fail(error, err, NULL, "Read", "committing offsets of group %s",
                               writer->kafka->application);
    return status;
}

streamd_status sx_kafka_commit(struct sx_writer *base, const struct sx_partition_offset *offsets,
                               uint32_t count, struct sx_unit *unit,
                               void (*last)(struct sx_unit *unit, void *arg), void *arg,
                               streamd_error **error)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;
    streamd_status status;

    /* Results first: what is committed must have been written, and may be written again. */
    status = writer->results != NULL ? flush(writer, writer->results, error) : STREAMD_OK;
    if (status == STREAMD_OK)
        status = writer->kafka->transactional ? commit_in_transaction(writer, offsets, count, error)
                                              : commit_after_flush(writer, offsets, count, error);
    if (status != STREAMD_OK)
        return status;
    if (last != NULL)
        last(unit, arg);
    /* No sync: what is lost with the machine is replayed from the changelog. */
    return unit != NULL ? sx_unit_write(unit, false, error) : STREAMD_OK;
}

static bool is_broken(rd_kafka_t *producer)
{
    char reason[256];

    return producer == NULL ||
           rd_kafka_fatal_error(producer, reason, sizeof(reason)) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

streamd_status sx_kafka_abort(struct sx_writer *base, streamd_error **error)
{
    struct sx_kafka_writer *writer = (struct sx_kafka_writer *)base;
    rd_kafka_t *plain = writer->kafka->transactional ? writer->results : writer->producer;
    bool broken = is_broken(writer->producer) || (plain != NULL && is_broken(plain));

    if (!broken && writer->in_transaction) {
        rd_kafka_error_t *problem = rd_kafka_abort_transaction(writer->producer, ABORT_MS);
        broken = problem != NULL;
        if (problem != NULL)
            rd_kafka_error_destroy(problem);
        writer->in_transaction = false;
    }
    /* What is under way arrives, and again when it is processed again. */
    if (!broken && plain != NULL)
        broken = rd_kafka_flush(plain, ABORT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR;
    /* Also when an abort is not answered: it might hit the next transaction. */
    if (broken)
        sx_kafka_writer_drop(writer);
    writer->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    return sx_kafka_writer_revive(writer, error);
}
