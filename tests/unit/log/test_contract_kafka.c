/* test_contract_kafka.c: Kafka passes the contract's suite, when TEST_BOOTSTRAP names a broker. */
#include "tests/unit/log/contract.h"

#include <stdlib.h>

static bool broker_open(struct sx_log_options *options)
{
    options->bootstrap = getenv("TEST_BOOTSTRAP");
    options->memory_bytes = 64u << 20;
    return true;
}

static void broker_close(void) {}

void suite_contract_kafka(void);
void suite_contract_kafka(void)
{
    static struct contract_subject subject = {
        .suite = "contract of the Kafka log", .open = broker_open, .close = broker_close};

    if (getenv("TEST_BOOTSTRAP") == NULL)
        return;
    subject.def = sx_log_find("kafka");
    suite_contract(&subject);
}
