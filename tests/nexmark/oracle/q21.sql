SELECT auction, bidder, price, channel, channel_id
FROM (SELECT *, CASE lower(channel) WHEN 'apple' THEN '0' WHEN 'google' THEN '1' WHEN 'facebook' THEN '2'
                                    WHEN 'baidu' THEN '3'
                  ELSE CASE WHEN instr(url, 'channel_id=') THEN substr(url, instr(url, 'channel_id=') + 11) END
                END AS channel_id
      FROM bids)
WHERE channel_id IS NOT NULL
