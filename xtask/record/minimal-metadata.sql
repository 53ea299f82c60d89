-- A server with its default metadata: types and signedness, but no names of columns and no keys.
SET NAMES utf8mb4;
SET SESSION time_zone = '+00:00';
SET SESSION timestamp = 1767323045;
CREATE DATABASE plain CHARACTER SET utf8mb4;
USE plain;
CREATE TABLE people (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40), latin VARCHAR(10) CHARACTER SET latin1, small TINYINT, usmall TINYINT UNSIGNED, state ENUM('new','old'), tags SET('a','b'),
  born DATE, at DATETIME(3), amount DECIMAL(10,2), doc JSON, spot POINT, raw VARBINARY(10)
);
INSERT INTO people VALUES
  (1, 'Grüße', 'Größe', -1, 255, 'new', 'a,b', '2000-02-29', '2026-01-01 00:00:00.123', 12.50, '{"a": 1}', ST_GeomFromText('POINT(1 2)'), x'00FF'),
  (4294967295, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE people SET name = 'Änderung', usmall = 128 WHERE id = 1;
DELETE FROM people WHERE id = 4294967295;
ALTER TABLE people ADD COLUMN added INT DEFAULT 5 AFTER name;
INSERT INTO people (id, name, added) VALUES (3, 'later', 6);
