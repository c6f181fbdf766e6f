SELECT auction, seller, category, expires, bidder, price, made
FROM (SELECT a.id AS auction, a.seller, a.category, a.expires, b.bidder, b.price, b.dateTime AS made,
             row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime) AS rank
      FROM auctions a JOIN bids b ON b.auction = a.id AND b.dateTime BETWEEN a.dateTime AND a.expires)
WHERE rank = 1
