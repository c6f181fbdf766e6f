/* test_buffer.c: buffers grow, varints and byte orders have the bytes they promise. */
#include "tests/unit/unit.h"

static void grows(void)
{
    struct sx_buffer buffer = {0};
    bool right = true;

    for (int i = 0; i < 100000; i++)
        sx_buffer_add_byte(&buffer, (char)(i % 127));
    CU_ASSERT_EQUAL(buffer.size, 100000);
    for (int i = 0; i < 100000; i++)
        right &= buffer.data[i] == i % 127;
    CU_ASSERT(right);
    sx_buffer_free(&buffer);
    CU_ASSERT_PTR_NULL(buffer.data);
    CU_ASSERT_EQUAL(buffer.size, 0);
    sx_buffer_add(&buffer, NULL, 0);
    CU_ASSERT_EQUAL(buffer.size, 0);
    /* Room for nothing is a place too: callers add to what they get. */
    CU_ASSERT_PTR_NOT_NULL(sx_buffer_room(&buffer, 0));
    sx_buffer_free(&buffer);
}

static void formats(void)
{
    struct sx_buffer buffer = {0};
    char many[301];

    memset(many, 'm', 300);
    many[300] = '\0';
    sx_buffer_add_text(&buffer, "a");
    sx_buffer_printf(&buffer, "%d", 42);
    sx_buffer_printf(&buffer, "%s|", many);
    CU_ASSERT_EQUAL(buffer.size, 304);
    SX_ASSERT_SLICE(sx_slice(buffer.data, 5), SX_SLICE("a42mm"));
    SX_ASSERT_SLICE(sx_slice(buffer.data + 302, 2), SX_SLICE("m|"));
    sx_buffer_free(&buffer);
}

static void check_varint(uint64_t value, const char *hex)
{
    struct sx_buffer buffer = {0};
    const char *at;
    uint64_t back = 0;

    sx_buffer_add_varint(&buffer, value);
    SX_ASSERT_HEX(sx_buffer_slice(&buffer), hex);
    at = buffer.data;
    CU_ASSERT(sx_read_varint(&at, buffer.data + buffer.size, &back));
    CU_ASSERT_EQUAL(back, value);
    CU_ASSERT_PTR_EQUAL(at, buffer.data + buffer.size);
    for (size_t cut = 0; cut < buffer.size; cut++) {
        at = buffer.data;
        CU_ASSERT_FALSE(sx_read_varint(&at, buffer.data + cut, &back));
    }
    sx_buffer_free(&buffer);
}

static void varints(void)
{
    struct sx_buffer longer = {0};
    const char *at;
    uint64_t value;

    check_varint(0, "00");
    check_varint(127, "7f");
    check_varint(128, "80 01");
    check_varint(300, "ac 02");
    check_varint(UINT32_MAX, "ff ff ff ff 0f");
    check_varint(UINT64_MAX, "ff ff ff ff ff ff ff ff ff 01");
    sx_unit_hex(&longer, "ff ff ff ff ff ff ff ff ff 02");
    at = longer.data;
    CU_ASSERT_FALSE(sx_read_varint(&at, longer.data + longer.size, &value));
    sx_buffer_free(&longer);
}

static void byte_orders(void)
{
    char at[8];

    sx_put_be16(at, 0x0102);
    SX_ASSERT_HEX(sx_slice(at, 2), "01 02");
    CU_ASSERT_EQUAL(sx_get_be16(at), 0x0102);
    sx_put_be32(at, 0x01020304);
    SX_ASSERT_HEX(sx_slice(at, 4), "01 02 03 04");
    CU_ASSERT_EQUAL(sx_get_be32(at), 0x01020304);
    sx_put_be64(at, 0x0102030405060708);
    SX_ASSERT_HEX(sx_slice(at, 8), "01 02 03 04 05 06 07 08");
    CU_ASSERT_EQUAL(sx_get_be64(at), 0x0102030405060708);
    sx_put_le64(at, 0x0102030405060708);
    SX_ASSERT_HEX(sx_slice(at, 8), "08 07 06 05 04 03 02 01");
    sx_put_sorted64(at, -1);
    SX_ASSERT_HEX(sx_slice(at, 8), "7f ff ff ff ff ff ff ff");
    CU_ASSERT_EQUAL(sx_get_sorted64(at), -1);
}

static void the_public_form_takes_the_bytes(void)
{
    struct sx_buffer bytes = {0};
    streamd_buffer *buffer;

    sx_buffer_add_text(&bytes, "abc");
    buffer = sx_public_buffer(&bytes);
    CU_ASSERT_PTR_NULL(bytes.data);
    CU_ASSERT_EQUAL(streamd_buffer_bytes(buffer).size, 3);
    CU_ASSERT_EQUAL(memcmp(streamd_buffer_bytes(buffer).data, "abc", 3), 0);
    streamd_buffer_free(buffer);
    streamd_buffer_free(NULL);
}

void suite_buffer(void)
{
    SX_SUITE("buffer");
    SX_TEST(grows);
    SX_TEST(formats);
    SX_TEST(varints);
    SX_TEST(byte_orders);
    SX_TEST(the_public_form_takes_the_bytes);
}
