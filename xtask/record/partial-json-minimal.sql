-- An update of which the binlog has only the difference, and not the document before.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE partial CHARACTER SET utf8mb4;
USE partial;
CREATE TABLE documents (id INT PRIMARY KEY, j JSON, n INT);
INSERT INTO documents VALUES
  (1, '{"name": "Ada", "text": "a long text so that a difference is worth it, a long text so that a difference is worth it"}', 1);
SET SESSION binlog_row_value_options = 'PARTIAL_JSON', SESSION binlog_row_image = 'MINIMAL';
UPDATE documents SET n = 2;
UPDATE documents SET j = JSON_SET(j, '$.name', 'Cy');
