SELECT auction, rank, bidder, price, channel, url, dateTime, extra
FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, dateTime) AS rank FROM bids)
WHERE rank <= 10
