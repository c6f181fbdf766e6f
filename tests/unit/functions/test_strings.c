/* test_strings.c: edge cases of texts, patterns and bytes. */
#include "tests/unit/functions/words.h"

static void parts(void)
{
    static const struct expectation all[] = {
        {"substring(\"stream\", 2)", "\"tream\""},
        {"substring(\"stream\", 0, 2)", "\"st\""},
        {"substring(\"stream\", 1, 2)", "\"st\""},
        {"substring(\"stream\", -2)", "\"am\""},
        {"substring(\"stream\", -20, 3)", "\"str\""},
        {"substring(\"stream\", 7)", "\"\""},
        {"substring(\"stream\", 5, 10)", "\"am\""},
        {"substring(\"stream\", 3, 0)", "\"\""},
        {"substring(\"stream\", 3, -1)", "\"\""},
        {"substring(\"héllo\", 2, 1)", "\"é\""},
        {"substring(\"\", 1)", "\"\""},
        {"substring(null, 1)", "null"},
        {"substring(\"a\", null)", "null"},
        {"length(\"\")", "0"},
        {"length(null)", "null"},
        {"left(\"abc\", -1)", "\"\""},
        {"right(\"abc\", 5)", "\"abc\""},
        {"reverse(\"aé\")", "\"éa\""},
        {"trim(\"\\t a \\n\")", "\"a\""},
        {"trim(\"   \")", "\"\""},
    };

    expect_all(all, SX_COUNT(all));
}

static void cases(void)
{
    static const struct expectation all[] = {
        {"initcap(\"hello wORLD\")", "\"Hello World\""},
        {"initcap(\"some_string\")", "\"Some_string\""},
        {"initcap(\" a  b\")", "\" A  B\""},
        {"upper(\"élan\")", "\"ÉLAN\""},
        {"lower(\"ÀB\")", "\"àb\""},
        {"upper(\"\")", "\"\""},
    };

    expect_all(all, SX_COUNT(all));
}

static void padding(void)
{
    static const struct expectation all[] = {
        {"lpad(\"foo\", 7, \"Bar\")", "\"BarBfoo\""},
        {"rpad(\"foo\", 7, \"Bar\")", "\"fooBarB\""},
        {"lpad(\"foobar\", 3, \"x\")", "\"foo\""},
        {"rpad(\"foo\", 0, \"x\")", "\"\""},
        {"lpad(\"foo\", -1, \"x\")", "null"},
        {"lpad(\"foo\", 2, \"\")", "null"},
        {"rpad(\"é\", 3, \"ö\")", "\"éöö\""},
        {"lpad(\"a\", 2000000, \"x\")", "!longer than"},
        {"lpad(\"a\", 9223372036854775807, \"x\")", "!longer than"},
        {"repeat(\"ab\", 0)", "\"\""},
        {"repeat(\"ab\", -1)", "\"\""},
        {"repeat(\"ab\", 9223372036854775807)", "!longer than"},
        {"repeat(\"\", 9223372036854775807)", "\"\""},
    };

    expect_all(all, SX_COUNT(all));
}

static void searching(void)
{
    static const struct expectation all[] = {
        {"instr(\"CORPORATE FLOOR\", \"OR\")", "2"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", 3)", "5"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", 3, 2)", "14"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", -1)", "14"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", -3)", "5"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", -3, 2)", "2"},
        {"instr(\"CORPORATE FLOOR\", \"OR\", -3, 3)", "0"},
        {"instr(\"CORPORATE FLOOR\", \"MISSING\")", "0"},
        {"instr(\"abc\", \"a\", 10)", "0"},
        {"instr(\"aaa\", \"aa\", 1, 2)", "2"},
        {"instr(\"éaé\", \"é\", 2)", "3"},
        {"instr(\"éaé\", \"é\", -2)", "1"},
        {"replace(\"aaa\", \"aa\", \"b\")", "\"ba\""},
        {"replace(\"abc\", \"\", \"x\")", "\"abc\""},
        {"replace(\"a.b\", \".\", \"\")", "\"ab\""},
        {"contains(\"abc\", \"\")", "true"},
        {"starts_with(\"abc\", \"abcd\")", "false"},
        {"ends_with(\"abc\", \"bc\")", "true"},
    };

    expect_all(all, SX_COUNT(all));
}

static void likeness(void)
{
    static const struct expectation all[] = {
        {"like(\"stream\", \"str%\")", "true"},
        {"like(\"stream\", \"%am\")", "true"},
        {"like(\"stream\", \"s_r%m\")", "true"},
        {"like(\"stream\", \"strea\")", "false"},
        {"like(\"stream\", \"%\")", "true"},
        {"like(\"\", \"%\")", "true"},
        {"like(\"\", \"\")", "true"},
        {"like(\"\", \"_\")", "false"},
        {"like(\"é\", \"_\")", "true"},
        {"like(\"a%b\", \"a!%b\", \"!\")", "true"},
        {"like(\"axb\", \"a!%b\", \"!\")", "false"},
        {"like(\"a!b\", \"a!!b\", \"!\")", "true"},
        {"like(\"abab\", \"%ab%ab\")", "true"},
        {"like(\"aab\", \"%ab\")", "true"},
        {"like(\"a\", \"a!\", \"!\")", "!ends in its escape"},
        {"like(\"a\", \"a\", \"xx\")", "!one character"},
        {"like(\"a.c\", \"a.c\")", "true"},
        {"like(\"abc\", \"a.c\")", "false"},
        {"like(null, \"a\")", "null"},
    };

    expect_all(all, SX_COUNT(all));
}

static void joining(void)
{
    static const struct expectation all[] = {
        {"concat(\"a\", null)", "null"},
        {"concat(\"a\")", "\"a\""},
        {"concat_ws(\",\", null, null)", "\"\""},
        {"concat_ws(null, \"a\", \"b\")", "null"},
        {"concat_ws(\",\", \"\", \"b\")", "\",b\""},
        {"split(\"a-b\", \"\")", "[\"a\",\"-\",\"b\"]"},
        {"split(\"\", \",\")", "[\"\"]"},
        {"split(\",a,\", \",\")", "[\"\",\"a\",\"\"]"},
        {"split_to_map(\"foo=apple;bar=cherry\", \";\", \"=\")", "{\"bar\":\"cherry\",\"foo\":\"apple\"}"},
        {"split_to_map(\"foo=apple;foo=cherry;x\", \";\", \"=\")", "{\"foo\":\"cherry\"}"},
        {"split_to_map(\"a:=1||b:=2\", \"||\", \":=\")", "{\"a\":\"1\",\"b\":\"2\"}"},
        {"split_to_map(\"a=1\", \"\", \"=\")", "null"},
        {"split_to_map(\"a=1\", \";\", \"\")", "null"},
        {"split_to_map(\"\", \";\", \"=\")", "{}"},
        {"elt(0, \"a\", \"b\")", "null"},
        {"elt(3, \"a\", \"b\")", "null"},
        {"elt(null, \"a\")", "null"},
        {"elt(1, null, \"b\")", "null"},
        {"field(\"x\", \"a\", \"b\")", "0"},
        {"field(null, null, \"b\")", "0"},
        {"field(\"b\", null, \"b\")", "2"},
        {"chr(0)", "\"\\u0000\""},
        {"chr(1113102)", "\"\xf4\x8f\xb0\x8e\""},
        {"chr(-1)", "null"},
        {"chr(55296)", "null"},
        {"chr(r\"\\ud83c\\udf0d\")", "\"\xf0\x9f\x8c\x8d\""},
        {"chr(r\"\\ud83c\")", "null"},
        {"chr(\"x\")", "null"},
        {"ascii(\"\")", "0"},
    };

    expect_all(all, SX_COUNT(all));
}

static void patterns(void)
{
    static const struct expectation all[] = {
        {"regexp_extract(\"testing\", \"(t.)+\")", "\"te\""},
        {"regexp_extract(\"abc\", \"x\")", "null"},
        {"regexp_extract(\"abc\", \"(b)\", 2)", "null"},
        {"regexp_extract(\"abc\", \"(x)?b\", 1)", "null"},
        {"regexp_extract(\"abc\", \"b\", -1)", "null"},
        {"regexp_extract_all(\"testing test\", \"test\")", "[\"test\",\"test\"]"},
        {"regexp_extract_all(\"abc\", \"x\")", "[]"},
        {"regexp_extract_all(\"a1b2\", r\"([a-z])(\\d)\", 2)", "[\"1\",\"2\"]"},
        {"regexp_extract_all(\"ab\", \"x*\")", "[\"\",\"\",\"\"]"},
        {"regexp_groups(\"abc\", \"(x)\")", "null"},
        {"regexp_groups(\"abc\", \"b\")", "[]"},
        {"regexp_groups(\"ac\", \"(a)(b)?(c)\")", "[\"a\",null,\"c\"]"},
        {"regexp_replace(\"abc\", \"x\", \"y\")", "\"abc\""},
        {"regexp_replace(\"aab\", \"a\", \"\")", "\"b\""},
        {"regexp_replace(\"ab\", \"\", \"-\")", "\"-a-b-\""},
        {"regexp_replace(\"a1\", r\"(.)(\\d)\", \"$2$1\")", "\"1a\""},
        {"regexp_replace(\"a\", \"a\", r\"\\$1\")", "\"$1\""},
        {"regexp_replace(\"a\", \"a\", \"$1\")", "!no group 1"},
        {"regexp_replace(\"é\", \"é\", \"x\")", "\"x\""},
        {"regexp_split(\"aabcda\", \"(ab|cd)\")", "[\"a\",\"\",\"a\"]"},
        {"regexp_split(\"a-b-c-d\", \"\")", "[\"a\",\"-\",\"b\",\"-\",\"c\",\"-\",\"d\"]"},
        {"regexp_split(\"zxy\", \"z\")", "[\"\",\"xy\"]"},
        {"regexp_split(\"abc\", \"x\")", "[\"abc\"]"},
        {"matches(\"abc\", \"^b\")", "false"},
        {"matches(\"abc\", \"(\")", "!the pattern is wrong"},
        {"matches(\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\", \"(a+)+$\")", "!takes too long"},
        {"matches(null, \"a\")", "null"},
        {"regexp_extract(\"\", \"a*\")", "\"\""},
    };

    expect_all(all, SX_COUNT(all));
}

static void encodings(void)
{
    static const struct expectation all[] = {
        {"to_bytes(\"21\", \"hex\")", "\"IQ==\""},
        {"to_bytes(\"0x21\", \"HEX\")", "\"IQ==\""},
        {"to_bytes(\"X'21'\", \"hex\")", "\"IQ==\""},
        {"to_bytes(\"2\", \"hex\")", "!two digits"},
        {"to_bytes(\"zz\", \"hex\")", "!not a hex digit"},
        {"to_bytes(\"IQ==\", \"base64\")", "\"IQ==\""},
        {"to_bytes(\"I\", \"base64\")", "!not base64"},
        {"to_bytes(\"é\", \"ascii\")", "!not ASCII"},
        {"to_bytes(\"a\", \"latin1\")", "!unknown encoding"},
        {"from_bytes(to_bytes(\"ff0a\", \"hex\"), \"hex\")", "\"FF0A\""},
        {"from_bytes(to_bytes(\"ff\", \"hex\"), \"utf8\")", "!not UTF-8"},
        {"from_bytes(to_bytes(\"é\", \"utf8\"), \"utf8\")", "\"é\""},
        {"from_bytes(to_bytes(\"ab\", \"ascii\"), \"base64\")", "\"YWI=\""},
        {"md5(\"\")", "\"d41d8cd98f00b204e9800998ecf8427e\""},
        {"md5(\"message digest\")", "\"f96b697d7cb7938d525a2f31aaf161d0\""},
        {"md5(\"12345678901234567890123456789012345678901234567890123456789012345678901234567890\")",
         "\"57edf4a22be3c955ac49da2e2107b67a\""},
        {"md5(repeat(\"a\", 55))", "\"ef1772b6dff9a122358552954ad0df65\""},
        {"md5(repeat(\"a\", 56))", "\"3b0c8ac703f828b04c6c197006d17218\""},
        {"md5(repeat(\"a\", 64))", "\"014842d480b571495a4a0363793f7367\""},
    };

    expect_all(all, SX_COUNT(all));
}

/* A stored row that somebody else wrote may hold anything. Nothing is read behind the text's end (the address
 * sanitizer looks), and a character that is cut off is one. */
static void texts_that_are_no_utf8(void)
{
    static const struct expectation all[] = {
        {"ascii(\"\xf0\x9f\")", "65533"},
        {"length(reverse(\"ab\xe2\"))", "3"},
        {"length(lpad(\"\xc3\", 3, \"\xf0\"))", "3"},
        {"upper(\"a\xc3\")", "\"A\xef\xbf\xbd\""},
        {"instr(\"\xe2\xe2\xe2\", \"x\")", "0"},
        {"like(\"a\xf0\", \"a_\")", "true"},
        {"like(\"a\", \"a\xf0\")", "false"},
        {"matches(\"\xc3\", \"a\")", "!not UTF-8"},
        {"matches(\"a\", \"\xc3\")", "!the pattern is wrong"},
        {"regexp_replace(\"a\xe2\", \"a\", \"b\")", "!not UTF-8"},
    };

    expect_all(all, SX_COUNT(all));
}

void suite_strings(void)
{
    SX_SUITE("strings");

    SX_TEST(parts);
    SX_TEST(cases);
    SX_TEST(padding);
    SX_TEST(searching);
    SX_TEST(likeness);
    SX_TEST(joining);
    SX_TEST(patterns);
    SX_TEST(encodings);
    SX_TEST(texts_that_are_no_utf8);
}
