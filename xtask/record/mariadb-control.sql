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
CREATE OR REPLACE TABLE copied SELECT * FROM items;
CREATE TEMPORARY TABLE scratch (id INT);
INSERT INTO scratch VALUES (1);
DROP TEMPORARY TABLE scratch;
CREATE TRIGGER after_items AFTER INSERT ON items FOR EACH ROW INSERT INTO articles VALUES (NEW.id, CONCAT('by trigger ', NEW.title));
INSERT INTO items VALUES (6, 'six');
CREATE TABLE parents (id INT PRIMARY KEY);
CREATE TABLE children (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE);
INSERT INTO parents VALUES (1), (2);
INSERT INTO children VALUES (1, 1), (2, 1), (3, 2);
DROP TABLE copied;
-- Told of beforehand, and once more when it is done; and one that fails.
SET SESSION binlog_alter_two_phase = ON;
ALTER TABLE items ADD COLUMN phase INT DEFAULT 2, ALGORITHM = COPY;
INSERT INTO items VALUES (20, 'twenty', 20);
INSERT INTO parents VALUES (21);
SET SESSION binlog_alter_two_phase = OFF;
ALTER TABLE items DROP COLUMN phase;

-- Tables without transactions: their own events end with a COMMIT query.
CREATE TABLE isam (id INT PRIMARY KEY, name VARCHAR(20)) ENGINE = MyISAM;
INSERT INTO isam VALUES (1, 'one'), (2, 'two');
UPDATE isam SET name = 'zwei' WHERE id = 2;
CREATE TABLE aria (id INT PRIMARY KEY) ENGINE = Aria;
INSERT INTO aria VALUES (1);

-- Transactions over several tables, statements and rows; a part is undone.
BEGIN;
INSERT INTO items VALUES (7, 'seven');
INSERT INTO parents VALUES (7), (8);
UPDATE items SET title = 'SEVEN' WHERE id = 7;
DELETE FROM parents WHERE id = 8;
COMMIT;
BEGIN;
INSERT INTO items VALUES (99, 'never');
ROLLBACK;
BEGIN;
INSERT INTO items VALUES (8, 'eight');
SAVEPOINT here;
INSERT INTO items VALUES (9, 'undone');
ROLLBACK TO SAVEPOINT here;
INSERT INTO items VALUES (10, 'ten');
COMMIT;
-- Both kinds of tables: what has no transactions stays.
BEGIN;
INSERT INTO isam VALUES (3, 'stays');
INSERT INTO items VALUES (98, 'rolled back');
ROLLBACK;

-- XA: prepared and committed are two transactions in the binlog, with others between them.
XA START 'one';
INSERT INTO items VALUES (11, 'by xa');
XA END 'one';
XA PREPARE 'one';
XA COMMIT 'one';
XA START 'two', 'branch', 7;
INSERT INTO items VALUES (12, 'rolled back once prepared');
XA END 'two', 'branch', 7;
XA PREPARE 'two', 'branch', 7;
XA ROLLBACK 'two', 'branch', 7;
XA START 'three';
INSERT INTO items VALUES (13, 'in one phase');
XA END 'three';
XA COMMIT 'three' ONE PHASE;

-- Without and with the statement's text.
SET SESSION binlog_annotate_row_events = OFF;
INSERT INTO items VALUES (14, 'without its statement');
SET SESSION binlog_annotate_row_events = ON;
INSERT INTO items VALUES (15, 'with its statement — äöü');

-- Several domains, and several servers in one of them.
SET SESSION gtid_domain_id = 7;
INSERT INTO parents VALUES (31);
SET SESSION server_id = 2;
INSERT INTO parents VALUES (32);
SET SESSION gtid_domain_id = 0;
INSERT INTO parents VALUES (33);
SET SESSION server_id = 1;
INSERT INTO parents VALUES (34);
-- RESTART
USE control;
INSERT INTO parents VALUES (35);
FLUSH BINARY LOGS;
INSERT INTO parents VALUES (36);
SET SESSION server_id = 2;
INSERT INTO parents VALUES (37);
