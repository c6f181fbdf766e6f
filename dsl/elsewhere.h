/* elsewhere.h: hints for those who write as in SQL, Kafka Streams or C. NULL: nothing is known. */
#ifndef SX_ELSEWHERE_H
#define SX_ELSEWHERE_H

const char *sx_stage_elsewhere(const char *word);     /* behind `|` */
const char *sx_statement_elsewhere(const char *word); /* where a statement begins */
const char *sx_sign_elsewhere(char sign);             /* a character that is none here */

#endif
