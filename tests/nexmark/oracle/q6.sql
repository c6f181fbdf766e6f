WITH winners AS (
  SELECT * FROM (
    SELECT a.id, a.seller, a.expires, b.price,
           row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.dateTime) AS rank
    FROM auctions a JOIN bids b ON b.auction = a.id AND b.dateTime BETWEEN a.dateTime AND a.expires)
  WHERE rank = 1
)
SELECT seller, avg(price) AS average
FROM (SELECT *, row_number() OVER (PARTITION BY seller ORDER BY expires DESC, id DESC) AS age FROM winners)
WHERE age <= 10
GROUP BY seller
