-- Everything between the rows.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE control CHARACTER SET utf8mb4;
USE control;

-- DDL of all kinds, and tables whose shape changes between two rows.
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(40)) COMMENT 'with a comment';
INSERT INTO items VALUES (1, 'one');
ALTER TABLE items ADD COLUMN qty INT UNSIGNED DEFAULT 3 FIRST, RENAME COLUMN name TO title;
INSERT INTO items VALUES (4, 2, 'two');
ALTER TABLE items DROP COLUMN qty, ADD UNIQUE KEY (title);
INSERT INTO items VALUES (3, 'three');
RENAME TABLE items TO articles;
INSERT INTO articles VALUES (4, 'four');
TRUNCATE TABLE articles;
CREATE TABLE items LIKE articles;
INSERT INTO items VALUES (5, 'five');
CREATE TABLE copied SELECT * FROM items;
CREATE TEMPORARY TABLE scratch (id INT);
INSERT INTO scratch VALUES (1);
DROP TEMPORARY TABLE scratch;
CREATE VIEW titles AS SELECT title FROM items;
CREATE TRIGGER after_items AFTER INSERT ON items FOR EACH ROW INSERT INTO articles VALUES (NEW.id, CONCAT('by trigger ', NEW.title));
INSERT INTO items VALUES (6, 'six');
CREATE TABLE parents (id INT PRIMARY KEY);
CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM parents WHERE id = 1;
DROP TABLE copied;
CREATE USER someone IDENTIFIED BY 'secret';
GRANT SELECT ON control.* TO someone;

-- Tables without transactions: their own events end with a COMMIT query.
CREATE TABLE isam (id INT PRIMARY KEY, name VARCHAR(20)) ENGINE = MyISAM;
INSERT INTO isam VALUES (1, 'one'), (2, 'two');
UPDATE isam SET name = 'zwei' WHERE id = 2;
CREATE TABLE memory (id INT PRIMARY KEY) ENGINE = MEMORY;
INSERT INTO memory VALUES (1);

-- Transactions over several tables, statements and rows.
BEGIN;
INSERT INTO items VALUES (7, 'seven');
INSERT INTO parents VALUES (7), (8);
UPDATE items SET title = 'SEVEN' WHERE id = 7;
DELETE FROM parents WHERE id = 8;
COMMIT;
-- An update of several tables by one statement: two tables in one statement's events.
UPDATE items JOIN parents USING (id) SET items.title = 'joined', parents.id = 70 WHERE items.id = 7;

-- Nothing of this reaches the binlog.
BEGIN;
INSERT INTO items VALUES (99, 'never');
ROLLBACK;

-- A part is undone.
BEGIN;
INSERT INTO items VALUES (8, 'eight');
SAVEPOINT here;
INSERT INTO items VALUES (9, 'undone');
ROLLBACK TO SAVEPOINT here;
INSERT INTO items VALUES (10, 'ten');
RELEASE SAVEPOINT here;
COMMIT;

-- XA: prepared and committed are two transactions in the binlog.
XA START 'one';
INSERT INTO items VALUES (11, 'by xa');
XA END 'one';
XA PREPARE 'one';
XA COMMIT 'one';
XA START 'two', 'branch', 7;
INSERT INTO items VALUES (12, 'rolled back once prepared');
XA END 'two', 'branch', 7;
XA PREPARE 'two', 'branch', 7;
INSERT INTO parents VALUES (12);
XA ROLLBACK 'two', 'branch', 7;
XA START 'three';
INSERT INTO items VALUES (13, 'in one phase');
XA END 'three';
XA COMMIT 'three' ONE PHASE;

-- The statement's text before its rows, an empty transaction, a tagged GTID, rows with checks off.
SET SESSION binlog_rows_query_log_events = ON;
INSERT INTO items VALUES (14, 'with its statement — äöü');
SET SESSION binlog_rows_query_log_events = OFF;
SET SESSION gtid_next = '5ec0d3d0-0000-11f1-8000-0242ac110002:1000';
BEGIN;
COMMIT;
SET SESSION gtid_next = 'AUTOMATIC:tag_1';
INSERT INTO items VALUES (15, 'tagged');
SET SESSION gtid_next = 'AUTOMATIC';
SET SESSION foreign_key_checks = OFF, unique_checks = OFF;
INSERT INTO children VALUES (9, 999);
SET SESSION foreign_key_checks = ON, unique_checks = ON;
CREATE DATABASE gone;
CREATE TABLE gone.t (id INT PRIMARY KEY);
INSERT INTO gone.t VALUES (1);
DROP DATABASE gone;
