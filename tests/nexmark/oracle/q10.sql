SELECT auction, bidder, price, dateTime, extra,
       strftime('%Y-%m-%d', dateTime / 1000, 'unixepoch') AS day, strftime('%H:%M', dateTime / 1000, 'unixepoch') AS minute
FROM bids
