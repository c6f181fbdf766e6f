SELECT auction, bidder, thousandths(price * 908) AS price, dateTime, extra FROM bids
