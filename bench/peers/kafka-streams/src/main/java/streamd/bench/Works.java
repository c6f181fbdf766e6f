package streamd.bench;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.WindowStore;

/** The works, as bench/topologies has them for streamd. */
final class Works {
    private Works() {
    }

    static Topology build(final String work, final String input, final String output) {
        final StreamsBuilder builder = new StreamsBuilder();
        final Serde<Bid> bids = Serdes.serdeFrom((topic, bid) -> {
            throw new UnsupportedOperationException("bids are only read");
        }, Json.bidReader());
        final Consumed<Long, Bid> consumed = Consumed.with(Serdes.Long(), bids);

        switch (work) {
            case "filter":
                builder.stream(input, consumed)
                    .filter((key, bid) -> bid.auction % 123 == 0)
                    .to(output, Produced.with(Serdes.Long(), Json.filtered()));
                break;
            case "map":
                builder.stream(input, consumed)
                    .to(output, Produced.with(Serdes.Long(), Json.mapped()));
                break;
            case "count":
                final KStream<Long, Bid> timed = builder.stream(input,
                    consumed.withTimestampExtractor((record, previous) ->
                        ((Bid) record.value()).dateTime));
                final Serde<Tally> sink = Serdes.serdeFrom(Json.tallyWriter(),
                    Json.tallyState().deserializer());
                timed.groupByKey(Grouped.with(Serdes.Long(), bids))
                    .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10)))
                    .emitStrategy(EmitStrategy.onWindowClose())
                    .aggregate(Tally::new, (key, bid, tally) -> tally.add(bid),
                        Materialized.<Long, Tally, WindowStore<Bytes, byte[]>>as("tallies")
                            .withKeySerde(Serdes.Long()).withValueSerde(Json.tallyState()))
                    .toStream()
                    .map((key, tally) -> KeyValue.pair(key.key(),
                        tally.in(key.window().start(), key.window().end())))
                    .to(output, Produced.with(Serdes.Long(), sink));
                break;
            default:
                throw new IllegalArgumentException("no work called " + work);
        }
        return builder.build();
    }
}
