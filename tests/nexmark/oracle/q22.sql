SELECT auction, bidder, price, channel, part(url, 3) AS dir1, part(url, 4) AS dir2, part(url, 5) AS dir3 FROM bids
