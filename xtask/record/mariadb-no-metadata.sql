-- TABLE_MAP without names, and without signs and character sets.
SET NAMES utf8mb4;
SET SESSION time_zone = '+00:00';
SET SESSION timestamp = 1767323045;
CREATE DATABASE plain CHARACTER SET utf8mb4;
USE plain;
CREATE TABLE people (
  id INT UNSIGNED PRIMARY KEY, name VARCHAR(20), latin VARCHAR(20) CHARACTER SET latin1, big BIGINT UNSIGNED, usmall TINYINT UNSIGNED, price DECIMAL(10,2), born DATE,
  at TIMESTAMP(3) NULL, state ENUM('new','old'), tags SET('a','b'), u UUID, v6 INET6, doc JSON
);
INSERT INTO people VALUES
  (1, 'Zoë', 'Zoë', 18446744073709551615, 255, 12.50, '1999-12-31', '2026-01-02 03:04:05.678', 'new', 'a,b', '123e4567-e89b-12d3-a456-426655440000', '2001:db8::1', '{"a": 1}'),
  (4294967295, '', '', 0, 0, -0.01, NULL, NULL, 'old', '', NULL, NULL, NULL);
UPDATE people SET name = '名前', usmall = 200 WHERE id = 1;
DELETE FROM people WHERE id = 4294967295;
-- As MySQL has it: signs and character sets, and no names.
SET GLOBAL binlog_row_metadata = 'MINIMAL';
FLUSH TABLES;
INSERT INTO people SELECT 2, name, latin, big, usmall, price, born, at, state, tags, u, v6, doc FROM people WHERE id = 1;
