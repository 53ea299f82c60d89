-- A transaction of 1,500 rows in many events, with a small one before and after it.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
SET SESSION cte_max_recursion_depth = 10000;
CREATE DATABASE large CHARACTER SET utf8mb4;
USE large;
CREATE TABLE items (id INT PRIMARY KEY, label VARCHAR(60), n BIGINT);
CREATE TABLE small (id INT PRIMARY KEY);
INSERT INTO small VALUES (1);
BEGIN;
INSERT INTO items WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT i, CONCAT('item number ', i), i * 1000003 FROM n;
UPDATE items SET label = CONCAT(label, ' changed') WHERE id % 5 = 0;
DELETE FROM items WHERE id % 10 = 3;
INSERT INTO small VALUES (2);
COMMIT;
INSERT INTO small VALUES (3);
