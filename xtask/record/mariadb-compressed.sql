-- Statements and rows, compressed: log_bin_compress.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE packed CHARACTER SET utf8mb4;
USE packed;
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(300), note TEXT);
INSERT INTO items VALUES (1, REPEAT('one ', 50), NULL), (2, REPEAT('two ', 60), REPEAT('a note ', 1000)), (3, 'three', 'ü€😀');
UPDATE items SET name = REPEAT('zwei ', 50) WHERE id = 2;
UPDATE items SET note = REPEAT(note, 2) WHERE id > 1;
DELETE FROM items WHERE id = 3;
-- One event of more than 65,535 bytes, whose length takes three.
INSERT INTO items SELECT seq, REPEAT('many ', 50), NULL FROM seq_100_to_499;
DELETE FROM items WHERE id BETWEEN 150 AND 499;
BEGIN;
INSERT INTO items VALUES (600, REPEAT('kept ', 20), NULL);
SAVEPOINT a_savepoint_with_a_name_that_is_long_enough_to_be_compressed_by_the_server;
INSERT INTO items VALUES (601, REPEAT('gone ', 20), NULL);
ROLLBACK TO SAVEPOINT a_savepoint_with_a_name_that_is_long_enough_to_be_compressed_by_the_server;
COMMIT;
CREATE TABLE of_select SELECT id, name FROM items WHERE id < 3;
CREATE TABLE isam (id INT PRIMARY KEY, name VARCHAR(100)) ENGINE = MyISAM;
INSERT INTO isam VALUES (1, REPEAT('isam ', 10));
-- Too short to be compressed.
CREATE TABLE tiny (id TINYINT PRIMARY KEY);
INSERT INTO tiny VALUES (1), (2);
