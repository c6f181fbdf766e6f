package streamd.differential;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.SessionBytesStoreSupplier;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams' session store in memory, with two of our rules: a row meets only sessions that are still open, and
 * sessions that close together leave by start, end and key.
 */
final class OpenSessions implements SessionBytesStoreSupplier {
    private final SessionBytesStoreSupplier plain;
    private final long gapAndGrace;

    OpenSessions(String name, long gapAndGrace) {
        this.plain = Stores.inMemorySessionStore(name, Duration.ofDays(1));
        this.gapAndGrace = gapAndGrace;
    }

    @Override
    public String name() {
        return plain.name();
    }

    @Override
    public long segmentIntervalMs() {
        return plain.segmentIntervalMs();
    }

    @Override
    public long retentionPeriod() {
        return plain.retentionPeriod();
    }

    @Override
    public String metricsScope() {
        return plain.metricsScope();
    }

    @Override
    @SuppressWarnings("unchecked")
    public SessionStore<Bytes, byte[]> get() {
        SessionStore<Bytes, byte[]> store = plain.get();
        long[] time = {-1};
        return (SessionStore<Bytes, byte[]>) java.lang.reflect.Proxy.newProxyInstance(
            OpenSessions.class.getClassLoader(), new Class<?>[] {SessionStore.class}, (proxy, method, arguments) -> {
                int found = arguments == null ? 0 : arguments.length;
                if (method.getName().equals("put")) {
                    time[0] = Math.max(time[0], ((Windowed<?>) arguments[0]).window().end());
                } else if (method.getName().equals("findSessions") && found == 3 && arguments[1] instanceof Long) {
                    arguments[1] = Math.max((Long) arguments[1], time[0] - gapAndGrace);
                }
                Object result;
                try {
                    result = method.invoke(store, arguments);
                } catch (java.lang.reflect.InvocationTargetException e) {
                    throw e.getCause();
                }
                return method.getName().equals("findSessions") && found == 2 ? sorted(result) : result;
            });
    }

    @SuppressWarnings("unchecked")
    private static KeyValueIterator<Windowed<Bytes>, byte[]> sorted(Object iterator) {
        List<KeyValue<Windowed<Bytes>, byte[]>> all = new ArrayList<>();
        try (KeyValueIterator<Windowed<Bytes>, byte[]> from = (KeyValueIterator<Windowed<Bytes>, byte[]>) iterator) {
            from.forEachRemaining(all::add);
        }
        all.sort(Comparator.comparingLong((KeyValue<Windowed<Bytes>, byte[]> s) -> s.key.window().start())
            .thenComparingLong(s -> s.key.window().end()).thenComparing(s -> s.key.key()));
        java.util.Iterator<KeyValue<Windowed<Bytes>, byte[]>> each = all.iterator();
        return new KeyValueIterator<>() {
            @Override
            public void close() {
                // There is nothing to close: the rows are in memory.
            }

            @Override
            public Windowed<Bytes> peekNextKey() {
                throw new UnsupportedOperationException();
            }

            @Override
            public boolean hasNext() {
                return each.hasNext();
            }

            @Override
            public KeyValue<Windowed<Bytes>, byte[]> next() {
                return each.next();
            }
        };
    }
}
