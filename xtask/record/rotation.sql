-- Several files: after the same table was written before, in the middle of nothing, and after a restart.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE rotation CHARACTER SET utf8mb4;
CREATE TABLE rotation.items (id INT PRIMARY KEY, name VARCHAR(40));
INSERT INTO rotation.items VALUES (1, 'first file');
FLUSH BINARY LOGS;
INSERT INTO rotation.items VALUES (2, 'second file');
UPDATE rotation.items SET name = 'first file, changed in the second' WHERE id = 1;
FLUSH BINARY LOGS;
FLUSH BINARY LOGS;
-- RESTART
SET SESSION timestamp = 1767323046;
INSERT INTO rotation.items VALUES (3, 'after a restart');
DELETE FROM rotation.items WHERE id = 2;
