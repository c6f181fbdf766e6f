/* main.c: the tests of engine/log. */
#include "tests/unit/log/embedded.h"

void suite_embedded(void);
void suite_embedded_threads(void);
void suite_contract_kafka(void);
void suite_kafka_mock(void);
void suite_kafka_broker(void);
void suite_kafka_group(void);

/* librdkafka makes its threads with thrd_create(), which this thread sanitizer does not know: every call of
 * theirs that it intercepts would crash. So there only the embedded log is tested. */
static void suites_kafka(void)
{
#ifndef __SANITIZE_THREAD__
    suite_contract_kafka();
    suite_kafka_mock();
    suite_kafka_broker();
    suite_kafka_group();
#endif
}

SX_UNIT_MAIN(embedded_child(); suite_embedded(); suite_embedded_threads(); suites_kafka())
