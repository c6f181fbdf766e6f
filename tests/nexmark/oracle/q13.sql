SELECT b.auction, b.bidder, b.price, b.dateTime, s.note FROM bids b JOIN side s ON b.auction % 10000 = s.number
