/* main.c: the suites of engine/base. */
#include "tests/unit/unit.h"

void suite_arena(void);
void suite_buffer(void);
void suite_document(void);
void suite_error(void);
void suite_hash(void);
void suite_logger(void);
void suite_map(void);
void suite_memory(void);
void suite_near(void);
void suite_number(void);
void suite_time(void);
void suite_utf8(void);

SX_UNIT_MAIN(suite_arena(); suite_buffer(); suite_document(); suite_error(); suite_hash(); suite_logger();
             suite_map(); suite_memory(); suite_near(); suite_number(); suite_time(); suite_utf8())
