-- Transactions that are compressed as a whole, beside one that is not.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
SET SESSION cte_max_recursion_depth = 10000;
CREATE DATABASE packed CHARACTER SET utf8mb4;
USE packed;
CREATE TABLE items (id INT PRIMARY KEY, label VARCHAR(200));
INSERT INTO items VALUES (1, 'not compressed');
SET SESSION binlog_transaction_compression = ON;
INSERT INTO items VALUES (2, 'compressed');
BEGIN;
INSERT INTO items WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT i, CONCAT(REPEAT('abc', 50), i) FROM n;
UPDATE items SET label = 'changed' WHERE id % 40 = 0;
DELETE FROM items WHERE id BETWEEN 200 AND 240;
COMMIT;
SET SESSION binlog_transaction_compression = OFF;
DELETE FROM items WHERE id > 380;
