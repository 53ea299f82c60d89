-- A row that nobody sees without the key.
SET SESSION timestamp = 1767323045;
CREATE DATABASE secret CHARACTER SET utf8mb4;
CREATE TABLE secret.items (id INT PRIMARY KEY, name VARCHAR(20));
INSERT INTO secret.items VALUES (1, 'hidden');
