SELECT auction, bidder, price, dateTime, dateTime / 10000 * 10000 AS window_start
FROM (SELECT *, max(price) OVER (PARTITION BY dateTime / 10000) AS most FROM bids)
WHERE price = most AND dateTime / 10000 * 10000 + 10000 + 60000 <= (SELECT max(dateTime) FROM bids)
