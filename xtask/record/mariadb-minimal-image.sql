-- Row images that leave columns out: MINIMAL, then NOBLOB, and FULL again for comparison.
SET NAMES utf8mb4;
SET SESSION time_zone = '+00:00';
SET SESSION timestamp = 1767323045;
CREATE DATABASE images CHARACTER SET utf8mb4;
USE images;
CREATE TABLE minimal (
  id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20), qty INT DEFAULT 7, note TEXT, c5 DECIMAL(40,35), c6 INT, c7 INT, c8 INT, c9 INT, c10 VARCHAR(5), state ENUM('a','b')
);
CREATE TABLE minimal_composite (a INT, b VARCHAR(10), c INT, d TEXT, PRIMARY KEY (b, a));
CREATE TABLE minimal_unique (a INT NOT NULL, b INT, c TEXT, UNIQUE KEY (a));
CREATE TABLE minimal_no_key (a INT, b TEXT);

SET SESSION binlog_row_image = 'MINIMAL';
INSERT INTO minimal (name) VALUES ('one'), ('two');
INSERT INTO minimal (id, c10) VALUES (9, 'ten');
INSERT INTO minimal VALUES (10, NULL, NULL, NULL, NULL, 6, 7, 8, 9, '10', 'b');
UPDATE minimal SET qty = 8 WHERE id = 1;
UPDATE minimal SET note = 'long', c9 = 9, state = 'a', c5 = -1.5 WHERE id = 2;
UPDATE minimal SET name = NULL WHERE id = 1;
UPDATE minimal SET id = 90 WHERE id = 9;
DELETE FROM minimal WHERE id = 10;
INSERT INTO minimal_composite VALUES (1, 'x', 1, 'd'), (2, 'y', 2, 'e'), (3, 'z', NULL, NULL);
UPDATE minimal_composite SET c = 11 WHERE a = 1;
DELETE FROM minimal_composite WHERE a = 2;
INSERT INTO minimal_unique VALUES (1, 1, 'c'), (2, 2, 'c');
UPDATE minimal_unique SET b = 3 WHERE a = 1;
DELETE FROM minimal_unique WHERE a = 2;
INSERT INTO minimal_no_key VALUES (1, 'b'), (2, 'c');
UPDATE minimal_no_key SET b = 'd' WHERE a = 1;
DELETE FROM minimal_no_key WHERE a = 2;

SET SESSION binlog_row_image = 'NOBLOB';
CREATE TABLE noblob (id INT PRIMARY KEY, name VARCHAR(20), note TEXT, data BLOB, n INT);
INSERT INTO noblob VALUES (1, 'one', 'text', x'00', 1), (2, 'two', NULL, NULL, 2), (3, 'three', 'gone', x'01', 3);
UPDATE noblob SET n = 10 WHERE id = 1;
UPDATE noblob SET note = 'changed' WHERE id = 2;
DELETE FROM noblob WHERE id = 3;

SET SESSION binlog_row_image = 'FULL';
UPDATE minimal SET c8 = 80 WHERE id = 2;
