package streamd.differential;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TopologyTestDriver;

/**
 * Runs cases, a JSON object a line of standard input: {"nodes": [...], "records": [[topic, key, value, timestamp]...]}.
 * For each one line: what came out for each record, [[topic, key, value, timestamp, window]...], or {"error": text}.
 */
public final class Main {
    private Main() {
    }

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Object result;
            try {
                result = run(Coding.JSON.readTree(line), arguments[0]);
            } catch (RuntimeException e) {
                Throwable cause = e;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                result = Map.of("error", e + ": " + cause + " at " + cause.getStackTrace()[0]);
            }
            out.println(Coding.JSON.writeValueAsString(result));
            out.flush();
        }
    }

    private static Properties settings(String folder) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "case");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        settings.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(folder).toString());
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Coding.Key.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Coding.Row.class);
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                     "org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers");
        // Our rule, no emission clock: what is due is sent while the record that makes it due is processed.
        settings.put("__emit.interval.ms.kstreams.windowed.aggregation__", 0L);
        settings.put("__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", 0L);
        return settings;
    }

    @SuppressWarnings("unchecked")
    private static Object run(JsonNode description, String folder) {
        Built built = new Built(description.get("nodes"));
        List<Object> all = new ArrayList<>();
        try (TopologyTestDriver driver = new TopologyTestDriver(built.builder.build(), settings(folder))) {
            Map<String, TestInputTopic<Object, List<Object>>> topics = new HashMap<>();
            for (JsonNode record : description.get("records")) {
                String topic = record.get(0).asText();
                topics.computeIfAbsent(topic, t -> driver.createInputTopic(t, new Coding.Key().serializer(),
                                                                           new Coding.Row().serializer()))
                    .pipeInput(Coding.JSON.convertValue(record.get(1), List.class),
                               Coding.JSON.convertValue(record.get(2), List.class), record.get(3).asLong());
                all.add(new ArrayList<>(built.out));
                built.out.clear();
            }
        }
        return all;
    }
}
