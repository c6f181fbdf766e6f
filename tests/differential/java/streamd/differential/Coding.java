package streamd.differential;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.internals.SessionWindow;
import org.apache.kafka.streams.kstream.internals.TimeWindow;

/**
 * How keys and rows stand in stores and topics. The bytes of keys sort as the keys do: numbers by value, strings by
 * bytes. What leaves together leaves in this order.
 */
final class Coding {
    static final ObjectMapper JSON =
        new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS);

    private Coding() {
    }

    private static String text(List<?> key) {
        StringBuilder text = new StringBuilder();
        for (Object cell : key) {
            if (cell instanceof Long) {
                text.append('i').append(String.format("%016x", (Long) cell ^ Long.MIN_VALUE)).append('\0');
            } else {
                text.append('s').append(cell).append('\0');
            }
        }
        return text.toString();
    }

    private static List<Object> cells(String text) {
        List<Object> key = new ArrayList<>();
        for (String cell : text.split("\0")) {
            String rest = cell.substring(1);
            if (cell.charAt(0) == 'i') {
                key.add(Long.parseUnsignedLong(rest, 16) ^ Long.MIN_VALUE);
            } else {
                key.add(rest);
            }
        }
        return key;
    }

    private static byte[] keyBytes(Object key) {
        if (key == null) {
            return null;
        }
        String text;
        if (key instanceof Windowed) {
            Windowed<?> windowed = (Windowed<?>) key;
            String kind = windowed.window() instanceof SessionWindow ? "S" : "T";
            text = String.format("%s%016x%016x", kind, windowed.window().start(), windowed.window().end())
                + text((List<?>) windowed.key());
        } else {
            text = text((List<?>) key);
        }
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Object keyOf(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        char kind = text.charAt(0);
        if (kind != 'S' && kind != 'T') {
            return cells(text);
        }
        long start = Long.parseLong(text.substring(1, 17), 16);
        long end = Long.parseLong(text.substring(17, 33), 16);
        return new Windowed<>(cells(text.substring(33)), kind == 'S' ? new SessionWindow(start, end)
                                                                     : new TimeWindow(start, end));
    }

    /** A key: a list of cells, with or without a window. */
    public static final class Key implements Serde<Object> {
        @Override
        public Serializer<Object> serializer() {
            return (topic, key) -> keyBytes(key);
        }

        @Override
        public Deserializer<Object> deserializer() {
            return (topic, bytes) -> keyOf(bytes);
        }
    }

    /** A row, as JSON. */
    public static final class Row implements Serde<List<Object>> {
        @Override
        public Serializer<List<Object>> serializer() {
            return (topic, row) -> {
                try {
                    return row == null ? null : JSON.writeValueAsBytes(row);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            };
        }

        @Override
        public Deserializer<List<Object>> deserializer() {
            return (topic, bytes) -> {
                try {
                    return bytes == null ? null : JSON.readValue(bytes, new TypeReference<List<Object>>() { });
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            };
        }
    }
}
