/* embedded.h: an embedded log on a new folder, for the tests of it. */
#ifndef SX_TEST_EMBEDDED_H
#define SX_TEST_EMBEDDED_H

#include "tests/unit/log/helpers.h"

struct embedded_fixture {
    char folder[64];
    struct sx_disk *disk;
    struct sx_log *log;
    const struct sx_log_def *def;
};

void embedded_make(struct embedded_fixture *fixture); /* a new folder, and open */
/* What is in fixture->folder, without any assertion. */
streamd_status embedded_try(struct embedded_fixture *fixture, streamd_error **error);
void embedded_open(struct embedded_fixture *fixture);  /* the same; it must work */
void embedded_close(struct embedded_fixture *fixture); /* the log and the disk */
void embedded_drop(struct embedded_fixture *fixture);  /* close, and remove the folder */
void embedded_topic(struct embedded_fixture *fixture, const char *name, int32_t partitions);

/* Called first in main(): in the child of the crash test, commit until killed. */
void embedded_child(void);

#endif
