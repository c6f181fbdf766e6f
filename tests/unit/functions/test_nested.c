/* test_nested.c: edge cases of arrays, maps, JSON and URLs. */
#include "tests/unit/functions/words.h"

static void arrays(void)
{
    static const struct expectation all[] = {
        {"array_contains([1, 2], 2.0)", "true"},
        {"array_contains([1, null], 3)", "false"},
        {"array_contains([[1], [2]], [2])", "true"},
        {"array_contains(null, 1)", "null"},
        {"array_remove([1, null, 1, 2], 1)", "[null,2]"},
        {"array_concat(null, [1])", "[1]"},
        {"array_concat([1], null)", "[1]"},
        {"array_concat(null, null)", "null"},
        {"array_concat([], [1])", "[1]"},
        {"array_distinct([1, null, 1, null])", "[1,null]"},
        {"array_distinct([])", "[]"},
        {"array_union([1, null], [null, 2])", "[1,null,2]"},
        {"array_union([1], null)", "null"},
        {"array_except([1, null, 2], [null])", "[1,2]"},
        {"array_except([1, 1], [])", "[1]"},
        {"array_except(null, [1])", "null"},
        {"array_intersect([3, 1, 3, null], [null, 3])", "[3,null]"},
        {"array_max([null])", "null"},
        {"array_max([])", "null"},
        {"array_min([\"b\", null, \"a\"])", "\"a\""},
        {"array_sort([2, null, 3, 1])", "[1,2,3,null]"},
        {"array_sort([2, null, 3, 1], \"DESC\")", "[3,2,1,null]"},
        {"array_sort([1], \"up\")", "!\"asc\" or \"desc\""},
        {"array_join([1, null, 2.5])", "\"1.0,null,2.5\""},
        {"array_join([\"a\", \"b\"], \"\")", "\"ab\""},
        {"array_join([])", "\"\""},
        {"array_join([[1]])", "!cannot cast"},
        {"slice([1, 2, 3], 2, 9)", "[2,3]"},
        {"slice([1, 2, 3], 0, 2)", "[1,2]"},
        {"slice([1, 2, 3], 3, 2)", "[]"},
        {"slice([1, 2, 3], 4, 9)", "[]"},
        {"generate_series(1, 3)", "[1,2,3]"},
        {"generate_series(3, 1)", "[3,2,1]"},
        {"generate_series(2, 2)", "[2]"},
        {"generate_series(1, 6, 2)", "[1,3,5]"},
        {"generate_series(1, 3, 0)", "!the step"},
        {"generate_series(1, 3, -1)", "!the step"},
        {"generate_series(9223372036854775806, 9223372036854775807)",
         "[9223372036854775806,9223372036854775807]"},
        {"generate_series(1, 1000000)", "!more than 100000"},
        {"array_length(generate_series(1, 100000))", "100000"},
        {"array_repeat(1, 1000000)", "!more than 100000"},
    };

    expect_all(all, SX_COUNT(all));
}

static void maps(void)
{
    static const struct expectation all[] = {
        {"map_union(null, map { \"a\": 1 })", "{\"a\":1}"},
        {"map_union(map { \"a\": 1 }, null)", "{\"a\":1}"},
        {"map_union(null, null)", "null"},
        {"map_values(map { \"a\": null })", "[null]"},
        {"as_map([\"a\"], [])", "!1 keys and 0 values"},
    };

    expect_all(all, SX_COUNT(all));
}

static void json(void)
{
    static const struct expectation all[] = {
        {"json_value('{\"a\": {\"b\": [\"x\"]}}', \"$.a.b[0]\")", "\"x\""},
        {"json_value('{\"a\": {\"b\": [1,  2]}}', \"$.a\")", "\"{\\\"b\\\":[1,2]}\""},
        {"json_value('{\"a\": 1.50}', \"$.a\")", "\"1.50\""},
        {"json_value('{\"a\": true}', \"$.a\")", "\"true\""},
        {"json_value('{\"a\": null}', \"$.a\")", "null"},
        {"json_value('{\"a\": 1}', \"$.b\")", "null"},
        {"json_value('{\"a\": 1}', \"$.a.b\")", "null"},
        {"json_value('{\"a\": 1, \"a\": 2}', \"$.a\")", "\"2\""},
        {"json_value('{\"a b\": 1}', \"$['a b']\")", "\"1\""},
        {"json_value('[1, 2]', \"$[5]\")", "null"},
        {"json_value(' [1, 2] ', \"$\")", "\"[1,2]\""},
        {"json_value('{\"a\": ', \"$.a\")", "null"},
        {"json_value('{}', \"a\")", "!not a path"},
        {"json_value('{}', \"$.\")", "!not a path"},
        {"json_value('{}', \"$[x]\")", "!not a path"},
        {"is_json(\"[1]\")", "true"},
        {"is_json(\"[1\")", "false"},
        {"is_json(\"\")", "false"},
        {"is_json(null)", "false"},
        {"json_keys(\"[1]\")", "null"},
        {"json_keys('{}')", "[]"},
        {"json_keys('{\"a\": 1, \"a\": 2}')", "[\"a\"]"},
        {"json_records('{\"a\": \"x\", \"b\": null, \"c\": {\"d\": 1}}')",
         "{\"a\":\"x\",\"b\":\"null\",\"c\":\"{\\\"d\\\":1}\"}"},
        {"json_records(\"x\")", "null"},
        {"json_items('[]')", "[]"},
        {"json_items('[{\"b\": 1, \"a\": 2}, \"x\", 1.0]')",
         "[\"{\\\"b\\\":1,\\\"a\\\":2}\",\"\\\"x\\\"\",\"1.0\"]"},
        {"json_items('{}')", "null"},
        {"json_array_length('{}')", "null"},
        {"json_array_length('[]')", "0"},
        {"json_array_contains('[1, 2]', 2)", "true"},
        {"json_array_contains('[1.0]', 1)", "false"},
        {"json_array_contains('[1]', 1.0)", "false"},
        {"json_array_contains('[1.50]', 1.5)", "true"},
        {"json_array_contains('[\"1\"]', 1)", "false"},
        {"json_array_contains('[true]', true)", "true"},
        {"json_array_contains('[\"a\\\\u0062\"]', \"ab\")", "true"},
        {"json_array_contains('{}', 1)", "null"},
        {"json_concat('{\"a\": 1}', '{\"a\": 5, \"b\": 2}')", "\"{\\\"a\\\":5,\\\"b\\\":2}\""},
        {"json_concat('[1, 2]', '[3]')", "\"[1,2,3]\""},
        {"json_concat('[1]', '{\"a\": 2}', '3')", "\"[1,{\\\"a\\\":2},3]\""},
        {"json_concat('1', '\"x\"')", "\"[1,\\\"x\\\"]\""},
        {"json_concat('[1]', 'x')", "null"},
        {"json_concat('[1]', null)", "null"},
        {"to_json([1, null])", "\"[1,null]\""},
        {"to_json(\"a\")", "\"\\\"a\\\"\""},
        {"to_json(null)", "null"},
    };

    expect_all(all, SX_COUNT(all));
}

static void urls(void)
{
    static const struct expectation all[] = {
        {"url_extract_host(\"https://docs.example.org/a?b=c\")", "\"docs.example.org\""},
        {"url_extract_port(\"https://docs.example.org/a\")", "null"},
        {"url_extract_port(\"https://docs.example.org:8080?x\")", "8080"},
        {"url_extract_host(\"http://[::1]:80/\")", "\"[::1]\""},
        {"url_extract_port(\"http://[::1]:80/\")", "80"},
        {"url_extract_path(\"https://example.org\")", "null"},
        {"url_extract_path(\"https://example.org/\")", "\"/\""},
        {"url_extract_query(\"https://example.org/a\")", "null"},
        {"url_extract_query(\"https://example.org/a?x=%20y#f\")", "\"x=%20y\""},
        {"url_extract_fragment(\"https://example.org/a\")", "null"},
        {"url_extract_protocol(\"www.example.org\")", "null"},
        {"url_extract_protocol(\"mailto:ada\")", "\"mailto\""},
        {"url_extract_host(\"mailto:ada\")", "null"},
        {"url_extract_parameter(\"http://h/?a=1&b=x%20y\", \"b\")", "\"x%20y\""},
        {"url_extract_parameter(\"http://h/?a=1&b\", \"b\")", "\"\""},
        {"url_extract_parameter(\"http://h/?a=1\", \"A\")", "null"},
        {"url_extract_parameter(\"http://h/\", \"a\")", "null"},
        {"url_encode_param(\"?foo $bar\")", "\"%3Ffoo+%24bar\""},
        {"url_encode_param(\"a.b-c*d_e~\")", "\"a.b-c*d_e%7E\""},
        {"url_decode_param(\"%3Ffoo+%24bar\")", "\"?foo $bar\""},
        {"url_decode_param(\"%zz\")", "!two hex digits"},
        {"url_decode_param(\"%2\")", "!two hex digits"},
        {"url_decode_param(\"%ff\")", "!not UTF-8"},
    };

    expect_all(all, SX_COUNT(all));
}

void suite_nested(void)
{
    SX_SUITE("nested");

    SX_TEST(arrays);
    SX_TEST(maps);
    SX_TEST(json);
    SX_TEST(urls);
}
