-- Windows that closed: their end and the grace have passed.
WITH starts AS (
  SELECT b.auction, (b.dateTime / 2000 - k.n) * 2000 AS window_start
  FROM bids b JOIN (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) k
), counts AS (
  SELECT auction, window_start, count(*) AS num FROM starts GROUP BY auction, window_start
)
SELECT auction, num, window_start
FROM (SELECT *, max(num) OVER (PARTITION BY window_start) AS most FROM counts)
WHERE num = most AND window_start + 10000 + 60000 <= (SELECT max(dateTime) FROM bids)
