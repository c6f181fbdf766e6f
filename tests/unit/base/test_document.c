/* test_document.c: documents are valid JSON whatever the texts are. */
#include "engine/base/document.h"
#include "tests/unit/unit.h"

static void written(json_t *document, bool rows, const char *text)
{
    struct sx_buffer got = {0};

    sx_document_write(&got, document, rows);
    sx_buffer_add_byte(&got, '\0');
    CU_ASSERT_STRING_EQUAL(got.data, text);
    sx_buffer_free(&got);
}

static void texts(void)
{
    written(sx_document_text("a\"\n\xc3\xa9"), false, "\"a\\\"\\n\xc3\xa9\"\n");
    written(sx_document_text(NULL), false, "null\n");
    written(sx_document_text("a\xff\xc3"), false, "\"a\xef\xbf\xbd\xef\xbf\xbd\"\n");
}

static void rows(void)
{
    json_t *document = json_object(), *list = json_array();

    sx_document_set(document, "name", sx_document_text("x"));
    sx_document_set(document, "none", json_array());
    sx_document_push(list, json_integer(1));
    sx_document_push(list, json_pack("{s:[i]}", "a", 2));
    sx_document_set(document, "li\"st", list);
    json_incref(document);
    written(document, true, "{\n\"name\":\"x\",\n\"none\":[],\n\"li\\\"st\":[\n  1,\n  {\"a\":[2]}\n]\n}\n");
    written(document, false, "{\"name\":\"x\",\"none\":[],\"li\\\"st\":[1,{\"a\":[2]}]}\n");
}

void suite_document(void)
{
    SX_SUITE("document");
    SX_TEST(texts);
    SX_TEST(rows);
}
