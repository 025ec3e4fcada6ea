-- Every type, and expressions over them.
CREATE STREAM things (k INT KEY, flag BOOLEAN, big BIGINT, d DOUBLE, t VARCHAR, ts TIMESTAMP, numbers ARRAY<INT>, m MAP<VARCHAR, DOUBLE>, s STRUCT<a INT, `b` VARCHAR>)
  WITH (KAFKA_TOPIC='things', VALUE_FORMAT='JSON', PARTITIONS=1);
INSERT INTO things VALUES (1, TRUE, 9223372036854775807, 1.5, 'it''s', '2020-02-29T12:00:00', ARRAY[1, 2, 3], MAP('x' := 1E0), STRUCT(a := 7, `b` := 'seven'));
INSERT INTO things (k) VALUES (2);
SELECT * FROM things;
SELECT k, big + 1 AS wraps, numbers[1] AS first, numbers[-1] AS last, m['x'] AS x, s->a AS a, s->`b` AS b FROM things;
SELECT k, CASE WHEN flag THEN 'yes' ELSE 'no' END AS c FROM things WHERE flag IS NOT NULL;
SELECT k, t LIKE 'it%' AS is_it, k IN (1, 3) AS small, k BETWEEN 2 AND 5 AS middle, COALESCE(t, '-') AS text FROM things;
SELECT k, 7 / 2 AS int_division, 7 % 2 AS rest, 7 / 2E0 AS division, CAST(d AS INT) AS whole, CAST(k AS VARCHAR) || '!' AS text FROM things;
SELECT k, 10 / (k - 1) AS fails FROM things;
SELECT k FROM things WHERE 10 / (k - 1) > 5;
SELECT k FROM things WHERE ts >= '2020-01-01' AND ts < '2021-01-01';
SELECT 1.5 AS decimals FROM things;
SELECT nothing FROM things;
SELECT k + t AS wrong FROM things;
