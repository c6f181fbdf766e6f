package streamd.differential;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.GlobalKTable;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Predicate;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowStore;

/**
 * A case as a topology of Kafka Streams: each node by the method of the DSL that its stage is carried over from. What
 * differs from the plainest translation is one of our rules and says which.
 */
final class Built {
    static final Duration LONG = Duration.ofDays(1);
    /** All that came out: definition, key, value, timestamp, window. */
    final List<List<Object>> out = new ArrayList<>();
    final StreamsBuilder builder = new StreamsBuilder();
    /** A KStream, KTable or GlobalKTable for each node. */
    private final List<Object> nodes = new ArrayList<>();
    private String name;

    Built(JsonNode description) {
        for (JsonNode node : description) {
            name = "n" + nodes.size();
            nodes.add(node(node));
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Object> keyOf(Object key) {
        return (List<Object>) (key instanceof Windowed ? ((Windowed<?>) key).key() : key);
    }

    @SuppressWarnings("unchecked")
    private KStream<Object, List<Object>> stream(JsonNode node, String field) {
        return (KStream<Object, List<Object>>) nodes.get(node.get(field).asInt());
    }

    @SuppressWarnings("unchecked")
    private KTable<Object, List<Object>> table(JsonNode node, String field) {
        return (KTable<Object, List<Object>>) nodes.get(node.get(field).asInt());
    }

    private boolean isTable(JsonNode node) {
        return nodes.get(node.get("in").asInt()) instanceof KTable;
    }

    private Object node(JsonNode n) {
        switch (n.get("op").asText()) {
            case "stream":
                return builder.<Object, List<Object>>stream(n.get("topic").asText());
            case "table":
                return source(n.get("topic").asText(), n.get("versioned").asBoolean());
            case "global":
                return builder.<Object, List<Object>>globalTable(n.get("topic").asText());
            case "filter":
                Predicate<Object, List<Object>> passes = (k, v) -> Cell.isTrue(n.get("if"), keyOf(k), v);
                return isTable(n) ? table(n, "in").filter(passes) : stream(n, "in").filter(passes);
            case "map":
                return isTable(n)
                    ? table(n, "in").mapValues((k, v) -> v == null ? null : Cell.all(n.get("to"), keyOf(k), v))
                    : stream(n, "in").mapValues((k, v) -> Cell.all(n.get("to"), keyOf(k), v));
            case "key by":
                return stream(n, "in").selectKey((k, v) -> Cell.allOrNull(n.get("to"), keyOf(k), v));
            case "time":
                return stream(n, "in").processValues(() -> new Timed(n.get("plus").asLong()));
            case "flatten":
                return stream(n, "in").flatMapValues(v -> flat(v, n.get("column").asInt()));
            case "merge":
                return stream(n, "left").merge(stream(n, "right"));
            case "repartition":
                // Our rule, null key: it is dropped where it would group or join, and a repartition does neither.
                KStream<Object, List<Object>> in = stream(n, "in");
                return in.filter((k, v) -> k != null).repartition().merge(in.filter((k, v) -> k == null));
            case "split":
                return split(n);
            case "branch":
                return ((List<?>) nodes.get(n.get("in").asInt())).get(n.get("index").asInt());
            case "latest":
                return stream(n, "in").toTable();
            case "changes":
                return sent(n);
            case "aggregate":
                return isTable(n) ? regrouped(n) : aggregated(n);
            case "join streams":
                return streams(n);
            case "join table":
                return streamTable(n);
            case "join global":
                return streamGlobal(n);
            case "join tables":
                return tables(n);
            case "join foreign":
                return foreign(n);
            case "nothing":
                return null;
            case "sink":
                (isTable(n) ? sent(n) : stream(n, "in")).process(() -> new Sink(n.get("topic").asText()));
                return null;
            default:
                throw new IllegalArgumentException("there is no stage " + n);
        }
    }

    private KTable<Object, List<Object>> source(String topic, boolean versioned) {
        return versioned ? builder.table(topic, Materialized.as(Stores.persistentVersionedKeyValueStore(name, LONG)))
                         : builder.table(topic);
    }

    /** Our rule, `table filter` and joins: no tombstone for a row that was never sent. */
    private KStream<Object, List<Object>> sent(JsonNode n) {
        KStream<Object, List<Object>> all = table(n, "in").toStream();
        return n.get("needed").asBoolean() ? all.processValues(Needed::new) : all;
    }

    private static List<List<Object>> flat(List<Object> row, int column) {
        List<List<Object>> rows = new ArrayList<>();
        if (row != null && row.get(column) != null) {
            for (Object element : (List<?>) row.get(column)) {
                List<Object> one = new ArrayList<>(row);
                one.add(element);
                rows.add(one);
            }
        }
        return rows;
    }

    private List<KStream<Object, List<Object>>> split(JsonNode n) {
        Map<Integer, KStream<Object, List<Object>>> branches = new HashMap<>();
        var splitting = stream(n, "in").split();
        for (int i = 0; i < n.get("when").size(); i++) {
            JsonNode when = n.get("when").get(i);
            int index = i;
            splitting = splitting.branch((k, v) -> Cell.isTrue(when, keyOf(k), v),
                                         Branched.withConsumer(s -> branches.put(index, s)));
        }
        splitting.defaultBranch(Branched.withConsumer(s -> branches.put(n.get("when").size(), s)));
        List<KStream<Object, List<Object>>> all = new ArrayList<>();
        for (int i = 0; i <= n.get("when").size(); i++) {
            all.add(branches.get(i));
        }
        return all;
    }

    // --- aggregates ---

    private Object aggregated(JsonNode n) {
        Totals totals = new Totals(n.get("aggregates"));
        JsonNode window = n.get("window");
        // Our rule, null values: an aggregate drops them, also in a window, where they would be counted as null rows.
        KStream<Object, List<Object>> in = stream(n, "in").filter((k, v) -> v != null);
        KGroupedStream<Object, List<Object>> groups;
        if (n.get("by").isNull()) {
            groups = in.mapValues((k, v) -> totals.arguments(keyOf(k), v)).groupByKey();
        } else {
            groups = in.map((k, v) -> {
                Object by = Cell.allOrNull(n.get("by"), keyOf(k), v);
                return new KeyValue<Object, List<Object>>(by, totals.arguments(keyOf(k), v));
            }).groupByKey();
        }
        if (window.isNull()) {
            return groups.aggregate(totals::absent, (k, v, state) -> totals.add(v, state)).mapValues(totals::results);
        }
        EmitStrategy emit = n.get("final").asBoolean() ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate();
        Duration size = Duration.ofMillis(window.get("size").asLong());
        Duration grace = Duration.ofMillis(window.get("grace").asLong());
        Materialized<Object, List<Object>, WindowStore<Bytes, byte[]>> held =
            Materialized.<Object, List<Object>, WindowStore<Bytes, byte[]>>with(null, null).withRetention(LONG);
        switch (window.get("kind").asText()) {
            case "hopping":
                return groups.windowedBy(TimeWindows.ofSizeAndGrace(size, grace)
                    .advanceBy(Duration.ofMillis(window.get("advance").asLong()))).emitStrategy(emit)
                    .aggregate(totals::absent, (k, v, state) -> totals.add(v, state), held).mapValues(totals::results);
            case "sliding":
                return groups.windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(size, grace)).emitStrategy(emit)
                    .aggregate(totals::absent, (k, v, state) -> totals.add(v, state), held).mapValues(totals::results);
            default:
                // Our rules: closed sessions are immutable, and the order of what closes together.
                Materialized<Object, List<Object>, SessionStore<Bytes, byte[]>> open =
                    Materialized.as(new OpenSessions(name, size.toMillis() + grace.toMillis()));
                return groups.windowedBy(SessionWindows.ofInactivityGapAndGrace(size, grace)).emitStrategy(emit)
                    .aggregate(totals::absent, (k, v, state) -> totals.add(v, state),
                               (k, a, b) -> totals.merge(a, b), open)
                    .mapValues(totals::results);
        }
    }

    private Object regrouped(JsonNode n) {
        Totals totals = new Totals(n.get("aggregates"));
        KTable<Object, List<Object>> grouped = table(n, "in")
            .groupBy((k, v) -> new KeyValue<Object, List<Object>>(
                         n.get("by").isNull() ? keyOf(k) : Cell.allOrNull(n.get("by"), keyOf(k), v),
                         totals.arguments(keyOf(k), v)), Grouped.with(new Coding.Key(), new Coding.Row()))
            .aggregate(totals::absent, (k, v, state) -> totals.add(v, state),
                       // Our rule: a group with no row left is deleted.
                       (k, v, state) -> totals.remove(v, state));
        return grouped.mapValues(totals::results);
    }

    // --- joins: the value is the left value, the left key, the value of `on`, the right value, the right key ---

    private static List<Object> joined(List<Object> left, List<Object> right, int leftWidth, int rightWidth) {
        List<Object> row = new ArrayList<>(leftWidth + rightWidth);
        for (int i = 0; i < leftWidth; i++) {
            row.add(left == null ? null : left.get(i));
        }
        for (int i = 0; i < rightWidth; i++) {
            row.add(right == null ? null : right.get(i));
        }
        return row;
    }

    private static ValueJoiner<List<Object>, List<Object>, List<Object>> joiner(JsonNode n) {
        int left = n.get("left width").asInt();
        int right = n.get("right width").asInt();
        return (l, r) -> joined(l, r, left, right);
    }

    /** A row with its key's columns behind its value's. */
    private static List<Object> withKey(Object key, List<Object> value) {
        if (value == null) {
            return null;
        }
        List<Object> row = new ArrayList<>(value);
        if (key != null) {
            row.addAll(keyOf(key));
        }
        return row;
    }

    private static List<Object> withKey(Object key, List<Object> value, int width) {
        List<Object> row = withKey(key, value);
        while (row != null && row.size() < width) {
            row.add(null);
        }
        return row;
    }

    /** Key by the expressions of `on`; null keeps the key. */
    private static KStream<Object, List<Object>> on(KStream<Object, List<Object>> stream, JsonNode by, int width) {
        if (by.isNull()) {
            return stream.mapValues((k, v) -> withKey(k, v, width));
        }
        return stream.map((k, v) -> new KeyValue<>(Cell.allOrNull(by, keyOf(k), v), withKey(k, v, width)));
    }

    private Object streams(JsonNode n) {
        String kind = n.get("kind").asText();
        ValueJoiner<List<Object>, List<Object>, List<Object>> joiner = joiner(n);
        int leftWidth = n.get("left width").asInt();
        int rightWidth = n.get("right width").asInt();
        // Our rule: a row dropped for a null key or value, or sent on at once for its null key, advances no time.
        KStream<Object, List<Object>> left = on(stream(n, "left"), n.get("left by"), leftWidth);
        KStream<Object, List<Object>> right = n.get("self").asBoolean() ? left
            : on(stream(n, "right"), n.get("right by"), rightWidth);
        JoinWindows within = JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO,
                                                                  Duration.ofMillis(n.get("grace").asLong()))
            .before(Duration.ofMillis(n.get("before").asLong())).after(Duration.ofMillis(n.get("after").asLong()));
        Predicate<Object, List<Object>> whole = (k, v) -> k != null && v != null;
        Predicate<Object, List<Object>> alone = (k, v) -> k == null && v != null;
        KStream<Object, List<Object>> l = left.filter(whole);
        KStream<Object, List<Object>> r = n.get("self").asBoolean() ? l : right.filter(whole);
        if (kind.equals("inner")) {
            return l.join(r, joiner, within);
        }
        KStream<Object, List<Object>> all = kind.equals("left") ? l.leftJoin(r, joiner, within)
                                                                : l.outerJoin(r, joiner, within);
        all = all.merge(left.filter(alone).mapValues(v -> joined(v, null, leftWidth, rightWidth)));
        return kind.equals("left") ? all
            : all.merge(right.filter(alone).mapValues(v -> joined(null, v, leftWidth, rightWidth)));
    }

    private Object streamTable(JsonNode n) {
        int left = n.get("left width").asInt();
        int right = n.get("right width").asInt();
        KStream<Object, List<Object>> stream = on(stream(n, "left"), n.get("left by"), left);
        Joined<Object, List<Object>, List<Object>> how = Joined.as(name);
        if (!n.get("grace").isNull()) {
            // Our rule, null key, also with a grace: there Kafka Streams fails.
            KStream<Object, List<Object>> all = stream.filter((k, v) -> v != null);
            stream = all.filter((k, v) -> k != null);
            how = how.withGracePeriod(Duration.ofMillis(n.get("grace").asLong()));
            if (!n.get("kind").asText().equals("inner")) {
                return stream.leftJoin(table(n, "right"), (k, l, r) -> joined(l, withKey(k, r), left, right), how)
                    .merge(all.filter((k, v) -> k == null).mapValues(l -> joined(l, null, left, right)));
            }
        }
        return n.get("kind").asText().equals("inner")
            ? stream.join(table(n, "right"), (k, l, r) -> joined(l, withKey(k, r), left, right), how)
            : stream.leftJoin(table(n, "right"), (k, l, r) -> joined(l, withKey(k, r), left, right), how);
    }

    @SuppressWarnings("unchecked")
    private Object streamGlobal(JsonNode n) {
        int left = n.get("left width").asInt();
        int right = n.get("right width").asInt();
        int keys = n.get("left by").size();
        GlobalKTable<Object, List<Object>> global =
            (GlobalKTable<Object, List<Object>>) nodes.get(n.get("right").asInt());
        // The value of `on` travels behind the row, for the right side's key.
        KStream<Object, List<Object>> stream = stream(n, "left").mapValues((k, v) -> {
            List<Object> row = withKey(k, v, left);
            if (row != null) {
                row.addAll(Cell.all(n.get("left by"), keyOf(k), v));
            }
            return row;
        });
        ValueJoiner<List<Object>, List<Object>, List<Object>> joiner = (l, r) -> joined(
            l, r == null ? null : withKey(new ArrayList<>(l.subList(left, left + keys)), r), left, right);
        org.apache.kafka.streams.kstream.KeyValueMapper<Object, List<Object>, Object> on = (k, v) -> {
            List<Object> key = v == null ? null : new ArrayList<>(v.subList(left, left + keys));
            return key == null || key.contains(null) ? null : key;
        };
        return n.get("kind").asText().equals("inner") ? stream.join(global, on, joiner)
                                                       : stream.leftJoin(global, on, joiner);
    }

    /**
     * Our rule, `table filter`: no tombstone for a row that was never sent, so that what joins it gives no result
     * again. A filter of Kafka Streams' that is asked for old rows leaves it out; a grouping, which nothing reads, asks.
     */
    private KTable<Object, List<Object>> known(JsonNode n, String field, String needed) {
        KTable<Object, List<Object>> all = table(n, field);
        if (!n.get(needed).asBoolean()) {
            return all;
        }
        KTable<Object, List<Object>> rows = all.filter((k, v) -> true);
        rows.groupBy(KeyValue::new, Grouped.with(new Coding.Key(), new Coding.Row())).count();
        return rows;
    }

    private Object tables(JsonNode n) {
        KTable<Object, List<Object>> left = known(n, "left", "needed").mapValues(Built::withKey);
        KTable<Object, List<Object>> right = known(n, "right", "right needed").mapValues(Built::withKey);
        switch (n.get("kind").asText()) {
            case "inner":
                return left.join(right, joiner(n));
            case "left":
                return left.leftJoin(right, joiner(n));
            default:
                return left.outerJoin(right, joiner(n));
        }
    }

    private Object foreign(JsonNode n) {
        int keys = n.get("left by").size();
        int left = n.get("left width").asInt();
        KTable<Object, List<Object>> referring = known(n, "left", "needed").mapValues((k, v) -> {
            List<Object> row = withKey(k, v);
            if (row != null) {
                row.addAll(Cell.all(n.get("left by"), keyOf(k), v));
            }
            return row;
        });
        KTable<Object, List<Object>> referred = known(n, "right", "right needed").mapValues(Built::withKey);
        java.util.function.Function<List<Object>, Object> key = v -> {
            List<Object> cells = new ArrayList<>(v.subList(left, left + keys));
            return cells.contains(null) ? null : cells;
        };
        Materialized<Object, List<Object>, KeyValueStore<Bytes, byte[]>> store =
            Materialized.with(new Coding.Key(), new Coding.Row());
        return n.get("kind").asText().equals("inner") ? referring.join(referred, key, joiner(n), store)
                                                      : referring.leftJoin(referred, key, joiner(n), store);
    }

    // --- processors ---

    private static final class Timed extends ContextualFixedKeyProcessor<Object, List<Object>, List<Object>> {
        private final long plus;

        Timed(long plus) {
            this.plus = plus;
        }

        @Override
        public void process(FixedKeyRecord<Object, List<Object>> record) {
            context().forward(record.withTimestamp(record.timestamp() + plus));
        }
    }

    /** Leaves out a deletion of a row that is not there. */
    private static final class Needed extends ContextualFixedKeyProcessor<Object, List<Object>, List<Object>> {
        private final Set<Object> there = new HashSet<>();

        @Override
        public void process(FixedKeyRecord<Object, List<Object>> record) {
            boolean was = record.value() != null ? !there.add(record.key()) : there.remove(record.key());
            if (was || record.value() != null) {
                context().forward(record);
            }
        }
    }

    private final class Sink extends ContextualProcessor<Object, List<Object>, Void, Void> {
        private final String topic;

        Sink(String topic) {
            this.topic = topic;
        }

        @Override
        public void process(Record<Object, List<Object>> record) {
            List<Object> window = null;
            if (record.key() instanceof Windowed) {
                Windowed<?> windowed = (Windowed<?>) record.key();
                window = List.of(windowed.window().start(), windowed.window().end());
            }
            List<Object> line = new ArrayList<>();
            line.add(topic);
            line.add(keyOf(record.key()));
            line.add(record.value());
            line.add(record.timestamp());
            line.add(window);
            out.add(line);
        }
    }
}
