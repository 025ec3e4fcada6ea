/** The SQL of the demonstration. */

export const PROCESSING_LOG_TOPIC = 'millrace_processing_log';

export const tables = `
  CREATE TABLE airports (
    iata VARCHAR PRIMARY KEY, name VARCHAR, city VARCHAR, state VARCHAR, country VARCHAR, latitude DOUBLE, longitude DOUBLE
  ) WITH (kafka_topic = 'airports', partitions = 4, value_format = 'JSON');

  CREATE STREAM flights (
    id BIGINT KEY, ts BIGINT, delay INTEGER, distance INTEGER, origin VARCHAR, destination VARCHAR
  ) WITH (kafka_topic = 'flights', partitions = 4, value_format = 'JSON', timestamp = 'ts');
`;

export interface ContinuousQuery {
  readonly name: string;
  readonly about: string;
  readonly sql: string;
}

export const continuousQueries: readonly ContinuousQuery[] = [
  {
    name: 'LATE_FLIGHTS',
    about: 'filter, project, derived columns',
    sql: `CREATE STREAM late_flights AS
      SELECT id, origin, destination, delay, delay / 60 AS hours_late, CONCAT(origin, '-', destination) AS route
      FROM flights WHERE delay > 60 EMIT CHANGES;`,
  },
  {
    name: 'FLIGHTS_FROM',
    about: 'stream-table join, re-keyed by origin',
    sql: `CREATE STREAM flights_from AS
      SELECT f.origin AS origin, f.id AS id, f.destination AS destination, f.delay AS delay, a.city AS city, a.state AS state
      FROM flights f JOIN airports a ON f.origin = a.iata EMIT CHANGES;`,
  },
  {
    name: 'ORIGIN_DAYS',
    about: 'count, average by origin and day',
    sql: `CREATE TABLE origin_days AS
      SELECT origin, COUNT(*) AS flights, AVG(delay) AS average_delay, SUM(delay) AS total_delay
      FROM flights WINDOW TUMBLING (SIZE 1 DAY, RETENTION 20000 DAYS, GRACE PERIOD 3 DAYS)
      GROUP BY origin EMIT CHANGES;`,
  },
  {
    name: 'ORIGINS',
    about: 'all-time count, average, worst by origin',
    sql: `CREATE TABLE origins AS
      SELECT origin, COUNT(*) AS flights, AVG(delay) AS average_delay, MAX(delay) AS worst_delay, SUM(delay) AS total_delay
      FROM flights GROUP BY origin EMIT CHANGES;`,
  },
];

export const liveQuery = 'SELECT id, route, delay, hours_late FROM late_flights EMIT CHANGES;';

/** Pull queries shown at the end, as a user would type them. */
export const shownQueries: readonly string[] = [
  `SELECT origin, flights, average_delay, worst_delay FROM origins WHERE origin = 'SFO';`,
  `SELECT origin, WINDOWSTART, flights, average_delay FROM origin_days
     WHERE origin = 'SFO' AND WINDOWSTART >= '2020-03-01' AND WINDOWSTART < '2020-03-06';`,
];
