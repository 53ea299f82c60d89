-- A server that is killed afterwards.
SET NAMES utf8mb4;
SET SESSION timestamp = 1767323045;
CREATE DATABASE crashed CHARACTER SET utf8mb4;
CREATE TABLE crashed.items (id INT PRIMARY KEY, name VARCHAR(40));
INSERT INTO crashed.items VALUES (1, 'one'), (2, 'two');
INSERT INTO crashed.items VALUES (3, 'the last that was committed');
