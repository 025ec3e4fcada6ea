-- DESCRIBE FUNCTION: every form of a function, its arguments and its kind.
DESCRIBE FUNCTION regexp_extract;
DESCRIBE FUNCTION TOPK;
DESCRIBE FUNCTION REPLACE;
DESCRIBE FUNCTION explode;
DESCRIBE FUNCTION lower;
DESCRIBE FUNCTION extended;

-- A source may be called FUNCTION.
CREATE STREAM function (id INT KEY, v INT) WITH (KAFKA_TOPIC='f', VALUE_FORMAT='JSON', PARTITIONS=1);
DESCRIBE FUNCTION;
DESCRIBE FUNCTION EXTENDED;

-- An unknown aggregate is an unknown function, wherever it stands.
CREATE TABLE t AS SELECT id, MEDIAN(v) AS m FROM function GROUP BY id;
CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM function GROUP BY id HAVING VARIANCE(v) > 1;
CREATE STREAM t AS SELECT id, LOWER(v) AS m FROM function;
CREATE STREAM t AS SELECT id, LENGHT(v) AS m FROM function;
