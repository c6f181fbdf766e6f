/* test_stages.c: what the operators are given. */
#include "tests/unit/dsl/fake.h"

static void clauses(void)
{
    SEEN(ORDERS
         "stream late = orders\n"
         "table t = orders | group by id | window tumbling 1m late to topic \"l\" grace 5s | aggregate { "
         "n: count() }\n"
         "t | to topic \"t\" late | to topic \"late\"",
         "t group by id string\nt window 60000 grace 5000 late l\n"
         "t aggregate uses: count() int/0; outputs: n int\n"
         "t to t key string(id) value json(n window_start window_end)\n"
         "late to late key string(key) value json(id customer amount n at tags place m)\n");
    /* The longest phrase counts, and a name in backquotes is no phrase. */
    SEEN(ORDERS "stream late = orders\ntable t = orders | group by id | window tumbling 1m grace 0s late\n"
                "| aggregate { n: count() }\n"
                "t | to topic \"t\"\nlate | to topic \"l\"",
         "t group by id string\nt window 60000 grace 0 late -\n"
         "t aggregate uses: count() int/0; outputs: n int\n"
         "t to t key string(id) value json(n window_start window_end)\n"
         "l to l key string(key) value json(id customer amount n at tags place m)\n");
    SEEN(ORDERS
         "stream late = orders\ntable t = orders | group by id | window tumbling 1m grace 0s | aggregate "
         "{ n: count() } | emit final\n"
         "`late` | to topic \"l\"\nt | to topic \"t\"",
         "t group by id string\nt window 60000 grace 0 late -\n"
         "t aggregate uses: count() int/0; outputs: n int\n"
         "t emit final\nl to l key string(key) value json(id customer amount n at tags place m)\n"
         "t to t key string(id) value json(n window_start window_end)\n");
    SEEN("param size = 10s\nparam topic = \"x\"\nparam n = 3\n" ORDERS
         "stream orders2 = orders | repartition n | repartition\n"
         "orders2 | to topic topic",
         "orders2 repartition 3\norders2 repartition 0\n"
         "x to x key string(key) value json(id customer amount n at tags place m)\n");
    SEEN(ORDERS
         "table a = orders | latest delete when n == 0\ntable b = orders | latest\na | to topic \"a\"\n"
         "b | to topic \"b\"",
         NULL);
}

static void mistakes_in_clauses(void)
{
    SAID(ORDERS
         "table t = orders | group by id | window tumbling 1m grace 0s grace 1s | aggregate { n: count() }",
         "2:62: `grace` is written twice\n");
    SAID(ORDERS "stream a = orders | join orders",
         "2:32: expected `on` in `join`, got the end of the file [What is equal.]\n");
    SAID(ORDERS "table t = orders | group by id | window tumbling 60 grace 0s | aggregate { n: count() }",
         "2:50: expected duration here, and this is int [durations are 500ms 10s 5m 2h 7d 1h30m]\n");
    SAID("param n int = null\nparam t string = null\n" ORDERS
         "stream a = orders | repartition n\norders | to topic t",
         "4:33: this is null, and must not be\n5:19: this is null, and must not be\n");
    /* A param with mistakes makes no second one, and its stage is not bound. */
    SAID("param n int = \"x\"\n" ORDERS "stream a = orders | filter n > 1 | repartition n",
         "1:15: expected int here, and this is string [write `cast(... as int)`]\n");
    SAID(ORDERS "stream a = orders | hidden", "2:21: there is no stage `hidden`\n");
    SAID(ORDERS "stream a = orders | emit finale",
         "2:26: expected the rest of `| emit ...`, got `finale` [there is `emit final`]\n");
    SAID(ORDERS "orders | to topic\norders | to topic \"x\"",
         "3:1: expected a string, got `orders` [write it between quotes]\n");
}

static void projections(void)
{
    SEEN(ORDERS "stream a = orders | map { id, total: amount * 2.0, orders.n, place.city, tags }\n"
                "a | to topic \"a\"",
         "a map id string, total double, n int, city string, tags array<string>\n"
         "a to a key string(key) value json(id total n city tags)\n");
    SEEN(ORDERS "stream a = orders | map { * except (tags, place, m, at), k: key }\na | to topic \"a\"",
         "a map id string, customer string, amount double, n int, k string\n"
         "a to a key string(key) value json(id customer amount n k)\n");
    SEEN(ORDERS "stream a = orders | map { orders.* except (tags, place, m, at) }\na | to topic \"a\"",
         "a map id string, customer string, amount double, n int\n"
         "a to a key string(key) value json(id customer amount n)\n");
    SAID(ORDERS "stream a = orders | map { n + 1, id, id, * except (x) }",
         "2:27: the column needs a name [write `name: expression`]\n"
         "2:38: the column `id` is there twice [name one of them otherwise: `name: expression`]\n"
         "2:42: there is no column `x`\n");
    SAID(ORDERS "stream a = orders | map { id } | map { orders.id }",
         "2:40: the columns here are not those of `orders` [names of streams end at the next `map` or "
         "`aggregate`: use the bare column]\n");
}

static void keys_and_groups(void)
{
    SEEN(ORDERS "stream a = orders | key by n | key by n + 1 | key by id, both: n + 1 | key by @key\n"
                "a | to topic \"a\" { key json }",
         NULL);
    SX_ASSERT_TEXT(fake_seen(), "a key by n int\na key by key int\na key by id string, both int\n"
                                "a key by key { id string, both int }\n"
                                "a to a key json(key) value json(id customer amount n at tags place m)\n");
    SEEN(CUSTOMERS ORDERS
         "table t = orders | group by key | window tumbling 1m grace 0s | aggregate { n: count() }\n"
         "table u = t | group by window.start, key | aggregate { n: count() }\nu | to topic \"u\"\n"
         "table v = customers | group by key | aggregate { n: count() }\nv | to topic \"v\"",
         "t group by key string\nt window 60000 grace 0 late -\n"
         "t aggregate uses: count() int/0; outputs: n int\n"
         "u group by window_start timestamp, key string\nu aggregate uses: count() int/0; outputs: n int\n"
         "u to u key json(window_start key) value json(n)\n"
         "v group by id string\nv aggregate uses: count() int/0; outputs: n int\n"
         "v to v key string(id) value json(n)\n");
    SAID(ORDERS "table a = orders | group by n + 1, n | aggregate { c: count() }",
         "2:29: one of several needs a name [write `name: expression`]\n");
}

static void aggregations(void)
{
    SEEN(ORDERS
         "table t = orders | group by customer | aggregate { n: count(), paid: count(where amount > 1.0), "
         "mean: sum(n) * 1.0 / count(), most: max(id), who: customer + \"!\", "
         "all: fold({ total: 0.0, last: \"\" }, { total: acc.total + amount, last: id } where n > 0) }\n"
         "t | to topic \"t\"",
         "t group by customer string\n"
         "t aggregate uses: count() int/0; count() int/0 where; sum(x int) int/1; count() int/0; max(x "
         "T) T/1; fold/1 where; "
         "outputs: n int, paid int, mean double, most string, who string, all { total double, last "
         "string }\n"
         "t to t key string(customer) value json(n paid mean most who all)\n");
    SAID(ORDERS "table t = orders | group by id | aggregate { count(), a: n, b: sum(id), c: sum(sum(n)), d: "
                "max(n), d: max(n) }",
         "2:46: an aggregate needs a name [write `name: expression`]\n"
         "2:58: `n` is no group column, and stands outside an aggregate [put it into one: `last(n)`]\n"
         "2:64: the aggregate `sum` does not take (string) [it is sum(x int) int, or sum(x double) double]\n"
         "2:80: `sum` stands inside another aggregate\n"
         "2:100: the column `d` is there twice\n");
    SAID(ORDERS
         "table t = orders | group by id | aggregate { a: fold(n, acc), b: fold(0, tags), c: fold({ x: "
         "null }, acc), d: fold(1) }",
         "2:54: there is no param `n` [only constants and params stand here; a text "
         "stands between quotes: `\"n\"`]\n"
         "2:74: the initial value is int, and the expression gives array<string>\n"
         "2:94: the type of `null` is not known [write `cast(null as string)`]\n"
         "2:111: `fold` takes an initial value and an expression over `acc`\n");
}

static void joins(void)
{
    SEEN(ORDERS CUSTOMERS
         "stream a = orders | join customers on customer | map { name, x: customers.n, customer, y: "
         "orders.n }\n"
         "stream b = orders | left join customers as c on c.id == customer | map { c.name, id: c.id }\n"
         "stream c = orders | join customers on upper(customer) == customers.id | map { name }\n"
         "a | to topic \"a\"\nb | to topic \"b\"\nc | to topic \"c\"",
         "a join customers as customers on customer string\na map name string, x int, customer string, y "
         "int\n"
         "b left join customers as c on customer string\nb map name string, id string\n"
         "c join customers as customers on key string\nc map name string\n"
         "a to a key string(key) value json(name x customer y)\nb to b key string(key) value json(name id)\n"
         "c to c key string(key) value json(name)\n");
    SAID("stream s from topic \"s\" { key string value json { id int, who int } }\n"
         "table t from topic \"t\" { key int as who value json { id string } }\n"
         "stream a = s | join t on who | map { id }",
         "3:38: `id` is a column of both sides [write `t.id` for that one, or name them apart in a `map` "
         "before the join]\n");
    SEEN("stream s from topic \"s\" { key string value json { a int, b string } }\n"
         "table t from topic \"t\" { key json { x int, y string } value json { v int } }\n"
         "stream j = s | join t on t.y == b and a == t.x | map { v }\nj | to topic \"j\"",
         "j join t as t on a int, b string\nj map v int\nj to j key string(key) value json(v)\n");
    SAID("stream s from topic \"s\" { key string value json { a int, b string } }\n"
         "table t from topic \"t\" { key json { x int, y string } value json { v int } }\n"
         "stream j = s | join t on a == t.x\nstream k = s | join t on a == t.x and b == t.x\n"
         "stream l = s | join t on a and b == t.y\nstream m = s | join t on b == t.x and b == t.y\n"
         "stream o = s | join t on a == t.v",
         "3:26: the key column `y` of `t` is equal to nothing\n"
         "4:39: `t.x` is equal to two things\n"
         "5:26: each part of `on` must be equal to a key column of `t` [write `a == t.x`, joined by "
         "`and` if there are several]\n"
         "6:26: expected int here, and this is string [write `cast(... as int)`]\n"
         "7:31: `v` is not a key column of `t` [its key is `x`]\n");
    SAID(ORDERS CUSTOMERS "stream a = orders | join customers on customer | map { o: @offset }",
         "3:59: `@offset` belongs to the source record, which ends at an aggregate, a join or a "
         "repartition [map it to a column before that stage]\n");
}

static void splits(void)
{
    SEEN(ORDERS
         "orders | split { when n > 1 -> big else -> rest }\nbig | to topic \"b\"\nrest | to topic \"r\"",
         NULL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_seen(), "split big, rest else\n"));
    SAID(ORDERS "orders | split { when n -> big else -> rest }\nbig | filter nothing",
         "2:23: expected bool here, and this is int\n");
    SAID(ORDERS "stream x = orders | split { when n > 1 -> big }",
         "2:8: `split` declares names itself, so it has none [write `orders | ...` alone]\n");
    SAID(ORDERS "stream big = orders\norders | split { when n > 1 -> big }",
         "3:32: `big` is defined twice [the first one is at line 2]\n");
}

static void sinks(void)
{
    SEEN(ORDERS "orders | map { n } | to topic \"a\" { value int time @timestamp partition by n headers { h: "
                "\"x\", \"a-b\": @topic } }",
         "a map n int\na to a key string(key) value int(n) time partition headers h, a-b\n");
    SEEN(ORDERS "orders | map { n } | key by n | to topic \"a\"",
         "a map n int\na key by n int\na to a key int(n) value json(n)\n");
    SEEN("stream s from topic \"s\" { value json { a int, b string } }\n"
         "s | to topic \"t\" { value csv delimiter \";\" }",
         "t to t key none() value csv(a b)\n");
    SAID(ORDERS "orders | map { n } | to topic \"a\" { value json { n int } }",
         "2:48: a sink writes the columns of its rows [leave the fields out; `| map { ... }` before the "
         "sink chooses them]\n");
    SAID(ORDERS "orders | to topic \"a\" { value int }",
         "2:31: `int` holds one column, and the value has 8 [map to one column before the sink]\n");
    SAID(ORDERS "orders | to topic \"a\" { key windowed }",
         "2:29: the rows have no window for `key windowed`\n");
    SAID(ORDERS "orders | to topic \"a\" { headers { h: n, upper(id) } }",
         "2:38: expected string here, and this is int [write `cast(... as string)`]\n");
}

void suite_stages(void)
{
    SX_SUITE("stages");
    SX_TEST(clauses);
    SX_TEST(mistakes_in_clauses);
    SX_TEST(projections);
    SX_TEST(keys_and_groups);
    SX_TEST(aggregations);
    SX_TEST(joins);
    SX_TEST(splits);
    SX_TEST(sinks);
}
