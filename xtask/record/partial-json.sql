-- Updates of documents that the server logs as differences.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE partial CHARACTER SET utf8mb4;
USE partial;
CREATE TABLE documents (id INT PRIMARY KEY, j JSON, other JSON, n INT);
INSERT INTO documents VALUES
  (1, '{"name": "Ada", "tags": ["a", "b"], "deep": {"x": {"y": 1}}, "text": "a long text so that a difference is worth it, a long text so that a difference is worth it"}', '[1, 2, 3]', 1),
  (2, '{"a": 1}', NULL, 2), (3, '[]', '{}', 3);
SET SESSION binlog_row_value_options = 'PARTIAL_JSON';
UPDATE documents SET j = JSON_SET(j, '$.name', 'Bob') WHERE id = 1;
UPDATE documents SET j = JSON_REPLACE(j, '$.deep.x.y', 2, '$.tags[1]', 'c') WHERE id = 1;
UPDATE documents SET j = JSON_REMOVE(j, '$.tags[0]') WHERE id = 1;
UPDATE documents SET j = JSON_SET(j, '$.added', JSON_OBJECT('k', JSON_ARRAY(1, 'ü'))), n = 10 WHERE id = 1;
UPDATE documents SET other = JSON_SET(other, '$[1]', 20) WHERE id = 1;
UPDATE documents SET j = '{"whole": "new"}' WHERE id = 2;
UPDATE documents SET n = 30 WHERE id = 3;
UPDATE documents SET j = JSON_SET(j, '$.a', 1) WHERE id IN (1, 2);
UPDATE documents SET j = NULL WHERE id = 2;

-- Values of every kind, put in place of others of another size.
CREATE TABLE kinds (id INT PRIMARY KEY, j JSON);
INSERT INTO kinds SELECT n, '{"bb": 1, "a": [0, [1, 2], {"x": 3}], "": "empty key", "long key of some length": null, "text": "a text that is long enough to be worth a difference, a text that is long enough"}'
  FROM (WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 40) SELECT n FROM s) numbers;
UPDATE kinds SET j = JSON_SET(j, '$.bb', 70000) WHERE id = 1;
UPDATE kinds SET j = JSON_SET(j, '$.bb', -5000000000) WHERE id = 2;
UPDATE kinds SET j = JSON_SET(j, '$.bb', 18446744073709551615) WHERE id = 3;
UPDATE kinds SET j = JSON_SET(j, '$.bb', 1.5e0) WHERE id = 4;
UPDATE kinds SET j = JSON_SET(j, '$.bb', 12345678901234567890.123456789) WHERE id = 5;
UPDATE kinds SET j = JSON_SET(j, '$.bb', CAST('2024-02-29 12:34:56.789' AS DATETIME(3))) WHERE id = 6;
UPDATE kinds SET j = JSON_SET(j, '$.bb', CAST('-838:59:59' AS TIME)) WHERE id = 7;
UPDATE kinds SET j = JSON_SET(j, '$.bb', x'00ff') WHERE id = 8;
UPDATE kinds SET j = JSON_SET(j, '$.bb', TRUE) WHERE id = 9;
UPDATE kinds SET j = JSON_SET(j, '$.bb', NULL) WHERE id = 10;
UPDATE kinds SET j = JSON_SET(j, '$.bb', REPEAT('s', 300)) WHERE id = 11;
UPDATE kinds SET j = JSON_SET(j, '$.bb', JSON_OBJECT('z', 1, 'aa', JSON_ARRAY())) WHERE id = 12;
-- Paths: keys that have to be quoted, the last cell, behind the last, cells of a scalar.
UPDATE kinds SET j = JSON_SET(j, '$."long key of some length"', 1) WHERE id = 13;
UPDATE kinds SET j = JSON_SET(j, '$.""', 1) WHERE id = 14;
UPDATE kinds SET j = JSON_SET(j, '$."new \\"quoted\\" [key].ä"', 1) WHERE id = 15;
UPDATE kinds SET j = JSON_SET(j, '$."new \\"quoted\\" [key].ä"', 2) WHERE id = 15;
UPDATE kinds SET j = JSON_SET(j, '$.a[last]', 9) WHERE id = 16;
UPDATE kinds SET j = JSON_SET(j, '$.a[last-1][last]', 9) WHERE id = 17;
UPDATE kinds SET j = JSON_SET(j, '$.a[100]', 9) WHERE id = 18;
UPDATE kinds SET j = JSON_SET(j, '$.bb[0]', 9) WHERE id = 19;
UPDATE kinds SET j = JSON_SET(j, '$.bb[1]', 9) WHERE id = 20;
UPDATE kinds SET j = JSON_SET(j, '$.a[2].x[0]', 'in place of a scalar', '$.a[1][0]', 'deep') WHERE id = 21;
UPDATE kinds SET j = JSON_SET(j, '$.ä', 'a key of another length', '$.c', 'and between others', '$.A', 'large') WHERE id = 22;
UPDATE kinds SET j = JSON_SET(j, '$.not.there', 1) WHERE id = 23;
-- What is taken out, and what is left.
UPDATE kinds SET j = JSON_REMOVE(j, '$.bb', '$.a[1][0]', '$.""') WHERE id = 24;
UPDATE kinds SET j = JSON_REMOVE(j, '$.a[last]') WHERE id = 25;
UPDATE kinds SET j = JSON_REMOVE(j, '$.a[2]', '$.a[1]', '$.a[0]') WHERE id = 26;
UPDATE kinds SET j = JSON_REMOVE(j, '$.not_there') WHERE id = 27;
UPDATE kinds SET j = JSON_REPLACE(j, '$.bb', 2, '$.not_there', 3) WHERE id = 28;
UPDATE kinds SET j = JSON_SET(JSON_REMOVE(JSON_REPLACE(j, '$.bb', 2), '$.a[0]'), '$.a[0][1]', 'three in one') WHERE id = 29;
-- Many rows in one event, some of which do not change.
UPDATE kinds SET j = JSON_SET(j, '$.bb', IF(id % 2, 1, id)) WHERE id >= 30;
-- Containers that need offsets of four bytes, and then no longer.
UPDATE kinds SET j = JSON_SET(j, '$.a[1]', REPEAT('large', 13200)) WHERE id = 40;
UPDATE kinds SET j = JSON_SET(j, '$.a[0]', 100000) WHERE id = 40;
UPDATE kinds SET j = JSON_SET(j, '$.a[1]', 'small') WHERE id = 40;

-- More than eight documents in a row, of which some change as a whole, some in part and some not at all.
CREATE TABLE wide (j1 JSON, n INT, j2 JSON, id INT PRIMARY KEY, j3 JSON, j4 JSON, j5 JSON, j6 JSON, j7 JSON, j8 JSON, t TEXT, j9 JSON, j10 JSON);
INSERT INTO wide SELECT j, 1, j, id, j, j, j, j, j, j, 'text', j, j FROM kinds WHERE id = 31;
INSERT INTO wide SELECT j, 1, NULL, id, j, j, j, j, j, j, 'text', NULL, j FROM kinds WHERE id = 33;
UPDATE wide SET j1 = JSON_SET(j1, '$.bb', 'one'), j3 = '[]', j9 = JSON_SET(j9, '$.bb', 'nine'), j10 = JSON_REMOVE(j10, '$.a');
UPDATE wide SET j2 = NULL, j4 = JSON_SET(j4, '$.bb', 'four'), n = NULL, id = id + 100 WHERE id = 31;
UPDATE wide SET t = NULL;
SET SESSION binlog_row_image = 'NOBLOB';
UPDATE wide SET n = 5;
