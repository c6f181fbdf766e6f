package streamd.bench;

/** Bids and their total price, of one auction in one window. The window is set when it leaves. */
final class Tally {
    long bids;
    long total;
    long windowStart;
    long windowEnd;

    Tally add(final Bid bid) {
        bids += 1;
        total = Math.addExact(total, bid.price);
        return this;
    }

    Tally in(final long start, final long end) {
        windowStart = start;
        windowEnd = end;
        return this;
    }
}
