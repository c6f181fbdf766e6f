package streamd.bench;

/** The fields of a bid that the works read, and the fields of a result that they write. */
final class Bid {
    long auction;
    long bidder;
    long price;
    long dateTime;
}
