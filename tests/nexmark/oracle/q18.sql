SELECT bidder, auction, price, channel, url, dateTime, extra
FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY dateTime DESC) AS rank FROM bids)
WHERE rank = 1
