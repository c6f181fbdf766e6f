/* embedded.c: an embedded log on a new folder. */
#include "tests/unit/log/embedded.h"

streamd_status embedded_try(struct embedded_fixture *fixture, streamd_error **error)
{
    struct sx_disk_options on_disk = {.wal = true, .memory_bytes = 16u << 20};
    struct sx_log_options options = {.application = "app", .default_partitions = 4};
    streamd_status status;

    fixture->log = NULL;
    fixture->def = sx_log_find("embedded");
    status = sx_disk_open(fixture->folder, &on_disk, &fixture->disk, error);
    options.disk = fixture->disk;
    return status == STREAMD_OK ? fixture->def->open(&options, &fixture->log, error) : status;
}

void embedded_open(struct embedded_fixture *fixture)
{
    TEST_OK(embedded_try(fixture, &test_error));
    CU_ASSERT_PTR_NOT_NULL_FATAL(fixture->log);
    CU_ASSERT(fixture->log->holds_state);
}

void embedded_make(struct embedded_fixture *fixture)
{
    CU_ASSERT_FATAL(test_folder_make(fixture->folder, sizeof(fixture->folder)));
    embedded_open(fixture);
}

void embedded_close(struct embedded_fixture *fixture)
{
    fixture->def->close(fixture->log);
    sx_disk_close(fixture->disk);
}

void embedded_drop(struct embedded_fixture *fixture)
{
    embedded_close(fixture);
    test_folder_drop(fixture->folder);
}

void embedded_topic(struct embedded_fixture *fixture, const char *name, int32_t partitions)
{
    struct sx_topic_spec spec = {.name = name, .partitions = partitions, .retention_ms = -1};

    TEST_OK(fixture->def->create(fixture->log, &spec, &test_error));
}
