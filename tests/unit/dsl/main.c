/* main.c: the tests of dsl. */
#include "tests/unit/unit.h"

void suite_lexer(void);
void suite_expressions(void);
void suite_types(void);
void suite_stages(void);
void suite_statements(void);
void suite_tests(void);
void suite_limits(void);

SX_UNIT_MAIN(suite_lexer(); suite_expressions(); suite_types(); suite_stages(); suite_statements();
             suite_tests(); suite_limits())
