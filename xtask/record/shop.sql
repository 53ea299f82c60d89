-- A day of a small shop. `sessions` is what the quick start's filter leaves out.
SET NAMES utf8mb4;
SET SESSION time_zone = '+00:00';
SET SESSION timestamp = 1767261600.000001;
CREATE DATABASE shop CHARACTER SET utf8mb4;
CREATE DATABASE crm CHARACTER SET utf8mb4;
CREATE TABLE shop.products (
  sku CHAR(8) PRIMARY KEY, name VARCHAR(60) NOT NULL, price DECIMAL(8,2) UNSIGNED NOT NULL, stock INT UNSIGNED NOT NULL, size ENUM('S', 'M', 'L'),
  labels SET('new', 'sale', 'organic') NOT NULL DEFAULT '', attributes JSON, description TEXT
);
CREATE TABLE shop.orders (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED NOT NULL, state ENUM('new', 'paid', 'shipped', 'cancelled') NOT NULL DEFAULT 'new',
  total DECIMAL(10,2) NOT NULL, placed DATETIME(3) NOT NULL, paid TIMESTAMP NULL, note VARCHAR(200)
);
CREATE TABLE shop.lines (`order` INT UNSIGNED, line SMALLINT UNSIGNED, sku CHAR(8) NOT NULL, quantity INT UNSIGNED NOT NULL, price DECIMAL(8,2) NOT NULL, PRIMARY KEY (`order`, line));
CREATE TABLE shop.sessions (token BINARY(8) PRIMARY KEY, customer INT UNSIGNED, seen TIMESTAMP NOT NULL);
CREATE TABLE crm.customers (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120), born DATE, newsletter BOOL NOT NULL DEFAULT FALSE, score FLOAT, created TIMESTAMP(6) NOT NULL
);

BEGIN;
INSERT INTO shop.products VALUES
  ('TEA-0001', 'Grüner Tee', 7.90, 120, 'M', 'organic', '{"origin": "日本", "grams": 100}', 'Sencha aus Shizuoka'),
  ('TEA-0002', 'Thé à la menthe', 5.50, 80, 'S', 'new,organic', '{"origin": "Maroc", "grams": 50, "blend": ["mint", "gunpowder"]}', NULL),
  ('CUP-0001', 'Cup “Blossom” 🌸', 14.00, 25, 'L', '', NULL, 'Porcelain, 250 ml; "handle with care"'),
  ('POT-0001', 'Чайник', 39.95, 6, NULL, 'sale', '{"litres": 1.2, "dishwasher": false}', '');
COMMIT;
SET SESSION timestamp = 1767264310.250000;
BEGIN;
INSERT INTO crm.customers (name, email, born, newsletter, score, created) VALUES
  ('Ada Lovelace', 'ada@example.org', '1815-12-10', TRUE, 9.5, '2026-01-01 10:45:10.250000'),
  ('José Müller', 'jose@example.org', NULL, FALSE, NULL, '2026-01-01 10:45:10.250001'),
  ('李小龍', NULL, '1940-11-27', FALSE, 7.25, '2026-01-01 10:45:10.250002');
INSERT INTO shop.sessions VALUES (x'0102030405060708', 1, '2026-01-01 10:45:10'), (x'A1A2A3A4A5A6A7A8', 2, '2026-01-01 10:45:10');
COMMIT;
SET SESSION timestamp = 1767266400.500000;
BEGIN;
INSERT INTO shop.orders (customer, total, placed, note) VALUES (1, 29.80, '2026-01-01 11:20:00.500', NULL);
INSERT INTO shop.lines VALUES (1, 1, 'TEA-0001', 2, 7.90), (1, 2, 'CUP-0001', 1, 14.00);
UPDATE shop.products SET stock = stock - 2 WHERE sku = 'TEA-0001';
UPDATE shop.products SET stock = stock - 1 WHERE sku = 'CUP-0001';
UPDATE shop.sessions SET seen = '2026-01-01 11:20:00' WHERE customer = 1;
COMMIT;
SET SESSION timestamp = 1767266460.000000;
UPDATE shop.orders SET state = 'paid', paid = '2026-01-01 11:21:00' WHERE id = 1;
SET SESSION timestamp = 1767270000.000000;
BEGIN;
INSERT INTO shop.orders (customer, total, placed, note) VALUES (2, 45.45, '2026-01-01 12:20:00.000', 'Bitte klingeln — 2. Stock'), (3, 5.50, '2026-01-01 12:20:00.001', 'gift 🎁');
INSERT INTO shop.lines VALUES (2, 1, 'POT-0001', 1, 39.95), (2, 2, 'TEA-0002', 1, 5.50), (3, 1, 'TEA-0002', 1, 5.50);
UPDATE shop.products SET stock = stock - 2 WHERE sku = 'TEA-0002';
UPDATE shop.products SET stock = stock - 1 WHERE sku = 'POT-0001';
COMMIT;
SET SESSION timestamp = 1767273600.000000;
UPDATE crm.customers SET email = 'bruce@example.org', newsletter = TRUE WHERE id = 3;
SET SESSION timestamp = 1767274200.000000;
UPDATE shop.products SET price = 12.00, labels = 'sale', attributes = '{"colour": "white"}' WHERE sku = 'CUP-0001';
SET SESSION timestamp = 1767277800.000000;
BEGIN;
UPDATE shop.orders SET state = 'cancelled', note = NULL WHERE id = 3;
DELETE FROM shop.lines WHERE `order` = 3;
UPDATE shop.products SET stock = stock + 1 WHERE sku = 'TEA-0002';
COMMIT;
SET SESSION timestamp = 1767281400.000000;
BEGIN;
UPDATE shop.orders SET state = 'paid', paid = '2026-01-01 15:30:00' WHERE id = 2;
UPDATE shop.orders SET state = 'shipped' WHERE id IN (1, 2);
COMMIT;
SET SESSION timestamp = 1767285000.000000;
DELETE FROM shop.sessions;
SET SESSION timestamp = 1767288600.000000;
DELETE FROM crm.customers WHERE id = 2;
SET SESSION timestamp = 1767292200.000000;
BEGIN;
INSERT INTO crm.customers (id, name, email, created) VALUES (4, 'Ωmega Ltd', 'info@example.gr', '2026-01-01 18:30:00');
INSERT INTO shop.orders (customer, total, placed) VALUES (4, 790.00, '2026-01-01 18:30:00');
INSERT INTO shop.lines VALUES (4, 1, 'TEA-0001', 100, 7.90);
UPDATE shop.products SET stock = 18 WHERE sku = 'TEA-0001';
COMMIT;
