-- A stream, some rows, a query over it, and what there is.
CREATE STREAM readings (sensor VARCHAR KEY, celsius DOUBLE, taken BIGINT)
  WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=2, TIMESTAMP='taken');
SET 'auto.offset.reset' = 'earliest';
CREATE STREAM hot AS SELECT sensor, celsius, celsius * 9 / 5 + 32 AS fahrenheit FROM readings WHERE celsius > 25;
CREATE TABLE latest AS
  SELECT sensor, LATEST_BY_OFFSET(celsius) AS celsius, COUNT(*) AS readings, MAX(celsius) AS highest FROM readings GROUP BY sensor;
INSERT INTO readings VALUES ('north', 21.5, 1000);
INSERT INTO readings VALUES ('south', 30, 2000);
INSERT INTO readings (sensor, celsius, taken) VALUES ('south', 26.25, 3000);
INSERT INTO readings (sensor, taken) VALUES ('north', 4000);
SELECT * FROM readings;
SELECT sensor, fahrenheit, ROWTIME FROM hot;
SELECT * FROM latest;
SELECT celsius FROM latest WHERE sensor = 'south';
SHOW STREAMS;
SHOW TABLES;
SHOW TOPICS;
SHOW QUERIES;
DESCRIBE latest;
DROP STREAM readings;
TERMINATE CSAS_HOT_1;
DROP TABLE latest;
DROP STREAM hot;
DROP STREAM readings;
SHOW STREAMS;
