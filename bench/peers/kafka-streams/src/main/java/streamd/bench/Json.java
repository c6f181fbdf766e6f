package streamd.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Serdes by Jackson's streaming reader and writer: no tree and no reflection, only the fields
 * needed. It is what a user who has profiled a topology ends up with.
 */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    private Json() {
    }

    /** Writes the fields of one object. */
    private interface Fields<T> {
        void write(JsonGenerator out, T value) throws IOException;
    }

    /** A bid as the topic has it; reading stops at the last field that the works need. */
    static Deserializer<Bid> bidReader() {
        return (topic, data) -> {
            if (data == null) {
                return null;
            }
            final Bid bid = new Bid();
            try (JsonParser in = FACTORY.createParser(data)) {
                in.nextToken();
                int missing = 4;
                while (missing > 0 && in.nextToken() == JsonToken.FIELD_NAME) {
                    final String name = in.currentName();
                    in.nextToken();
                    switch (name) {
                        case "auction": bid.auction = in.getLongValue(); missing--; break;
                        case "bidder": bid.bidder = in.getLongValue(); missing--; break;
                        case "price": bid.price = in.getLongValue(); missing--; break;
                        case "dateTime": bid.dateTime = in.getLongValue(); missing--; break;
                        default: in.skipChildren();
                    }
                }
            } catch (final IOException e) {
                throw new SerializationException(e);
            }
            return bid;
        };
    }

    /** The three fields that `filter` writes, in its order. */
    static Serde<Bid> filtered() {
        return Serdes.serdeFrom(writer((out, bid) -> {
            out.writeNumberField("auction", bid.auction);
            out.writeNumberField("price", bid.price);
            out.writeNumberField("bidder", bid.bidder);
        }), bidReader());
    }

    /** The three fields that `map` writes, in its order. */
    static Serde<Bid> mapped() {
        return Serdes.serdeFrom(writer((out, bid) -> {
            out.writeNumberField("auction", bid.auction);
            out.writeNumberField("bidder", bid.bidder);
            out.writeNumberField("price", bid.price);
        }), bidReader());
    }

    /** A closed window's row as the sink gets it. */
    static Serializer<Tally> tallyWriter() {
        return writer((out, tally) -> {
            out.writeNumberField("bids", tally.bids);
            out.writeNumberField("total", tally.total);
            out.writeNumberField("window_start", tally.windowStart);
            out.writeNumberField("window_end", tally.windowEnd);
        });
    }

    /** The state's own form: two longs, since a store is not read by people. */
    static Serde<Tally> tallyState() {
        return Serdes.serdeFrom(
            (topic, tally) -> tally == null ? null
                : ByteBuffer.allocate(16).putLong(tally.bids).putLong(tally.total).array(),
            (topic, data) -> {
                if (data == null) {
                    return null;
                }
                final ByteBuffer in = ByteBuffer.wrap(data);
                final Tally tally = new Tally();
                tally.bids = in.getLong();
                tally.total = in.getLong();
                return tally;
            });
    }

    private static <T> Serializer<T> writer(final Fields<T> fields) {
        return (topic, value) -> {
            if (value == null) {
                return null;
            }
            try (ByteArrayBuilder bytes = new ByteArrayBuilder(FACTORY._getBufferRecycler());
                 JsonGenerator out = FACTORY.createGenerator(bytes)) {
                out.writeStartObject();
                fields.write(out, value);
                out.writeEndObject();
                out.close();
                return bytes.toByteArray();
            } catch (final IOException e) {
                throw new SerializationException(e);
            }
        };
    }
}
