-- A server that writes no checksums.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE bare CHARACTER SET utf8mb4;
USE bare;
CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(40));
INSERT INTO items VALUES (1, 'one'), (2, 'two'), (3, 'drei äöü');
UPDATE items SET name = 'zwei' WHERE id = 2;
DELETE FROM items WHERE id = 1;
FLUSH BINARY LOGS;
INSERT INTO items VALUES (4, 'in the second file');
