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
SET SESSION binlog_row_image = 'MINIMAL';
UPDATE documents SET j = JSON_SET(j, '$.name', 'Cy') WHERE id = 1;
