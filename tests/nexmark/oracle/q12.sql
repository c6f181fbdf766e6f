SELECT bidder AS key, arrived / 10000 * 10000 AS window_start, count(*) AS bids FROM bids GROUP BY 1, 2
