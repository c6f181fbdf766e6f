/* main.c: the tests of engine/log. */
#include "tests/unit/log/embedded.h"

void suite_embedded(void);
void suite_embedded_threads(void);
void suite_contract_kafka(void);
void suite_contract_simulated(void);
void suite_kafka_mock(void);
void suite_kafka_broker(void);
void suite_kafka_group(void);

SX_UNIT_MAIN(embedded_child(); suite_embedded(); suite_embedded_threads(); suite_contract_simulated();
             suite_contract_kafka(); suite_kafka_mock(); suite_kafka_broker(); suite_kafka_group())
