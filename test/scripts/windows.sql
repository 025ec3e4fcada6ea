-- Tumbling windows: late rows, bounds, and asking by time.
CREATE STREAM clicks (page VARCHAR KEY, ms BIGINT, clicked BIGINT) WITH (KAFKA_TOPIC='clicks', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='clicked');
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE per_minute AS
  SELECT page, COUNT(*) AS n, SUM(ms) AS total, AVG(ms) AS mean, WINDOWSTART AS ws
  FROM clicks WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 1 HOUR, GRACE PERIOD 1 MINUTE) GROUP BY page;
DESCRIBE per_minute;
INSERT INTO clicks VALUES ('/a', 10, 0);
INSERT INTO clicks VALUES ('/a', 30, 59999);
INSERT INTO clicks VALUES ('/b', 5, 60000);
-- Late, within the grace period.
INSERT INTO clicks VALUES ('/a', 20, 30000);
INSERT INTO clicks VALUES ('/a', 7, 200000);
-- Too late: its window is closed.
INSERT INTO clicks VALUES ('/a', 1000, 31000);
SELECT * FROM per_minute;
SELECT n, total FROM per_minute WHERE page = '/a' AND WINDOWSTART = 0;
SELECT page, n FROM per_minute WHERE WINDOWSTART >= 60000 AND WINDOWEND <= 120000;
SELECT page FROM per_minute WHERE page = '/a' AND WINDOWSTART > '1970-01-01T00:02:00';
CREATE STREAM again AS SELECT * FROM per_minute;
CREATE STREAM from_topic (page VARCHAR KEY, n BIGINT) WITH (KAFKA_TOPIC='PER_MINUTE', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 MINUTE');
SELECT * FROM from_topic WHERE n > 2;
