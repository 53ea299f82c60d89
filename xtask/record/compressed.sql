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

-- A transaction that takes many blocks of the compression, and one of the highest level.
SET SESSION binlog_transaction_compression = ON;
CREATE TABLE large (id INT PRIMARY KEY, pad LONGTEXT);
INSERT INTO large WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT i, REPEAT(SHA2(i, 256), 800) FROM n;
SET SESSION binlog_transaction_compression_level_zstd = 22;
UPDATE large SET pad = CONCAT(pad, 'x') WHERE id < 8;
UPDATE large SET pad = id;
SET SESSION binlog_transaction_compression_level_zstd = 3;

-- Statements' texts, tables without transactions, savepoints, XA, DDL between rows: all in compressed transactions.
SET SESSION binlog_rows_query_log_events = ON;
INSERT INTO items VALUES (1000, 'with its statement');
SET SESSION binlog_rows_query_log_events = OFF;
CREATE TABLE isam (id INT PRIMARY KEY) ENGINE = MyISAM;
INSERT INTO isam VALUES (1), (2);
BEGIN;
INSERT INTO items VALUES (1001, 'kept');
SAVEPOINT here;
INSERT INTO items VALUES (1002, 'undone');
ROLLBACK TO SAVEPOINT here;
COMMIT;
XA START 'one';
INSERT INTO items VALUES (1003, 'by xa');
XA END 'one';
XA PREPARE 'one';
XA COMMIT 'one';
XA START 'two';
INSERT INTO items VALUES (1004, 'in one phase');
XA END 'two';
XA COMMIT 'two' ONE PHASE;
CREATE TABLE copied SELECT * FROM items WHERE id > 300;
SET SESSION gtid_next = 'AUTOMATIC:tag_1';
INSERT INTO items VALUES (1005, 'tagged');
SET SESSION gtid_next = 'AUTOMATIC';
SET SESSION binlog_row_value_options = 'PARTIAL_JSON';
CREATE TABLE documents (id INT PRIMARY KEY, j JSON);
INSERT INTO documents VALUES (1, '{"a": 1, "text": "a long text so that a difference is worth it, a long text so that it is worth it"}');
UPDATE documents SET j = JSON_SET(j, '$.a', 2, '$.b', 'new');
