-- By day, how many bids, bidders and auctions, also by ranks of prices.
SELECT strftime(date_time, '%Y-%m-%d') AS day,
       count(*) AS total_bids,
       count(*) FILTER (WHERE price < 200) AS rank1_bids,
       count(*) FILTER (WHERE price >= 200 AND price < 500) AS rank2_bids,
       count(*) FILTER (WHERE price >= 500) AS rank3_bids,
       count(DISTINCT bidder) AS total_bidders,
       count(DISTINCT bidder) FILTER (WHERE price < 200) AS rank1_bidders,
       count(DISTINCT bidder) FILTER (WHERE price >= 500) AS rank3_bidders,
       count(DISTINCT auction) AS total_auctions,
       count(DISTINCT auction) FILTER (WHERE price >= 200 AND price < 500) AS rank2_auctions
FROM bid
GROUP BY day
