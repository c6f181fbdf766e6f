-- A session begins with a bid that comes more than ten seconds after the one before.
WITH begun AS (
  SELECT bidder, dateTime,
         dateTime - lag(dateTime, 1, -10001) OVER (PARTITION BY bidder ORDER BY dateTime) > 10000 AS first
  FROM bids
), numbered AS (
  SELECT bidder, dateTime, sum(first) OVER (PARTITION BY bidder ORDER BY dateTime) AS session FROM begun
)
SELECT bidder AS key, min(dateTime) AS window_start, max(dateTime) AS window_end, count(*) AS bids
FROM numbered GROUP BY bidder, session
