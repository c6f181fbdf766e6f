SELECT auction, bidder, thousandths(price * 908) AS price, dateTime, extra,
       CASE WHEN hour BETWEEN 8 AND 18 THEN 'dayTime' WHEN hour <= 6 OR hour >= 20 THEN 'nightTime' ELSE 'otherTime' END
         AS bidTimeType,
       length(extra) - length(replace(extra, 'c', '')) AS c_counts
FROM (SELECT *, dateTime / 3600000 % 24 AS hour FROM bids)
WHERE price * 908 > 1000000000 AND price * 908 < 50000000000
