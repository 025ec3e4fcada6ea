-- Sessions, hopping windows and final results: made, read back, asked by key and by time.
CREATE STREAM taps (who VARCHAR KEY, what VARCHAR, tapped BIGINT) WITH (KAFKA_TOPIC='taps', VALUE_FORMAT='JSON', PARTITIONS=1, TIMESTAMP='tapped');
SET 'auto.offset.reset' = 'earliest';
CREATE TABLE visits AS
  SELECT who, COUNT(*) AS taps, COLLECT_LIST(what) AS path, EARLIEST_BY_OFFSET(what) AS first
  FROM taps WINDOW SESSION (30 SECONDS, RETENTION 1 DAY, GRACE PERIOD 1 HOUR) GROUP BY who;
CREATE TABLE busy AS
  SELECT who, COUNT(*) AS taps FROM taps WINDOW HOPPING (SIZE 1 MINUTE, ADVANCE BY 30 SECONDS) GROUP BY who HAVING COUNT(*) > 1;
CREATE TABLE per_minute AS
  SELECT who, COUNT(*) AS taps FROM taps WINDOW TUMBLING (SIZE 1 MINUTE, GRACE PERIOD 10 SECONDS) GROUP BY who EMIT FINAL;
CREATE STREAM whole_minutes (who VARCHAR KEY, taps BIGINT)
  WITH (KAFKA_TOPIC='PER_MINUTE', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='1 MINUTE');
EXPLAIN CTAS_PER_MINUTE_3;
DESCRIBE visits;
DESCRIBE busy;
SHOW TABLES;
INSERT INTO taps VALUES ('ann', 'home', 0);
INSERT INTO taps VALUES ('ann', 'cart', 50000);
-- Between the two: they become one session.
INSERT INTO taps VALUES ('ann', 'shoes', 25000);
INSERT INTO taps VALUES ('bob', 'home', 61000);
INSERT INTO taps VALUES ('ann', 'home', 100000);
INSERT INTO taps VALUES ('bob', 'help', 200000);
SELECT * FROM visits;
SELECT who, path, WINDOWEND - WINDOWSTART AS took FROM visits WHERE who = 'ann';
SELECT path FROM visits WHERE who = 'ann' AND WINDOWSTART >= 1;
SELECT path FROM visits WHERE who = 'ann' AND WINDOWEND <= 50000;
SELECT who FROM visits WHERE WINDOWEND > 60000 AND WINDOWEND < '1970-01-01T00:02:00';
SELECT * FROM busy;
SELECT taps FROM busy WHERE who = 'ann' AND WINDOWSTART = 30000;
-- The last minute is not over yet.
SELECT who, WINDOWSTART, taps FROM whole_minutes;
INSERT INTO visits (who, taps) VALUES ('ann', 1);
CREATE TABLE again AS SELECT * FROM visits;
CREATE TABLE bad AS SELECT who, COUNT(*) AS n FROM taps WINDOW HOPPING (SIZE 10 SECONDS, ADVANCE BY 1 MINUTE) GROUP BY who;
CREATE TABLE bad AS SELECT who, COUNT(*) AS n FROM taps GROUP BY who EMIT FINAL;
SET 'ksql.suppress.enabled' = 'false';
CREATE TABLE bad AS SELECT who, COUNT(*) AS n FROM taps WINDOW SESSION (10 SECONDS) GROUP BY who EMIT FINAL;
SET 'millrace.closing' = 'soon';
