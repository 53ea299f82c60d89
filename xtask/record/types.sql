-- Every column type that MySQL 9 can put in a row image, with the values at the edges.
SET NAMES utf8mb4;
SET SESSION sql_mode = '';
SET SESSION time_zone = '+00:00';
SET SESSION timestamp = 1767323045.678901;
CREATE DATABASE types CHARACTER SET utf8mb4;
USE types;

CREATE TABLE ints (
  id INT PRIMARY KEY,
  t TINYINT, tu TINYINT UNSIGNED, s SMALLINT, su SMALLINT UNSIGNED, m MEDIUMINT, mu MEDIUMINT UNSIGNED,
  i INT, iu INT UNSIGNED, b BIGINT, bu BIGINT UNSIGNED, z INT(8) ZEROFILL, flag BOOL
);
INSERT INTO ints VALUES
  (1, -128, 0, -32768, 0, -8388608, 0, -2147483648, 0, -9223372036854775808, 0, 0, FALSE),
  (2, 127, 255, 32767, 65535, 8388607, 16777215, 2147483647, 4294967295, 9223372036854775807, 18446744073709551615, 42, TRUE),
  (3, -1, 128, -1, 32768, -1, 8388608, -1, 2147483648, -1, 9223372036854775808, 4294967295, -1),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE decimals (
  id INT PRIMARY KEY,
  d65_30 DECIMAL(65,30), d65_0 DECIMAL(65,0), d10_0 DECIMAL(10,0), d10_2 DECIMAL(10,2), d9_9 DECIMAL(9,9), d18_9 DECIMAL(18,9),
  d30_30 DECIMAL(30,30), d1_0 DECIMAL(1,0), d5_5 DECIMAL(5,5), du DECIMAL(20,4) UNSIGNED, d38_19 DECIMAL(38,19)
);
INSERT INTO decimals VALUES
  (1, 99999999999999999999999999999999999.999999999999999999999999999999, 99999999999999999999999999999999999999999999999999999999999999999, 9999999999, 99999999.99, 0.999999999, 999999999.999999999, 0.999999999999999999999999999999, 9, 0.99999, 9999999999999999.9999, 9999999999999999999.9999999999999999999),
  (2, -99999999999999999999999999999999999.999999999999999999999999999999, -99999999999999999999999999999999999999999999999999999999999999999, -9999999999, -99999999.99, -0.999999999, -999999999.999999999, -0.999999999999999999999999999999, -9, -0.99999, 0, -9999999999999999999.9999999999999999999),
  (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  (4, -0.000000000000000000000000000001, -1, -1, -0.01, -0.000000001, -0.000000001, -0.000000000000000000000000000001, -1, -0.00001, 0.0001, -0.0000000000000000001),
  (5, 1000000000.000000001, 1000000000, 1000000000, 1.10, 0.1, 1.000000001, 0.1, 1, 0.1, 1.5, 1000000000.0000000010),
  (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, d DOUBLE, fu FLOAT UNSIGNED, du DOUBLE UNSIGNED, f7_3 FLOAT(7,3), d10_4 DOUBLE(10,4));
INSERT INTO floats VALUES
  (1, 3.4028234e38, 1.7976931348623157e308, 3.4028234e38, 1.7976931348623157e308, 9999.999, 999999.9999),
  (2, -3.4028234e38, -1.7976931348623157e308, 0, 0, -9999.999, -999999.9999),
  (3, 1.17549435e-38, 2.2250738585072014e-308, 1.4e-45, 4.9e-324, 0.001, 0.0001),
  (4, 0.1, 0.1, 16777216, 9007199254740993, 0.1, 0.1),
  (5, -0e0, -0e0, 0, 0, -0.0, -0.0),
  (6, 1e10, 1e22, 1e16, 1e15, 100, 100),
  (7, 123456.789, 123456789.123456789, 1e-5, 1e-7, 3.14159, 3.14159),
  (8, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE bits (
  id INT PRIMARY KEY,
  b1 BIT(1), b2 BIT(2), b7 BIT(7), b8 BIT(8), b9 BIT(9), b15 BIT(15), b16 BIT(16), b17 BIT(17), b24 BIT(24), b31 BIT(31), b32 BIT(32), b33 BIT(33), b40 BIT(40), b48 BIT(48), b56 BIT(56), b63 BIT(63), b64 BIT(64)
);
INSERT INTO bits VALUES
  (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  (2, 1, 3, 127, 255, 511, 32767, 65535, 131071, 16777215, 2147483647, 4294967295, 8589934591, 1099511627775, 281474976710655, 72057594037927935, 9223372036854775807, 18446744073709551615),
  (3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
  (4, 1, 2, 64, 128, 256, 16384, 32768, 65536, 8388608, 1073741824, 2147483648, 4294967296, 549755813888, 140737488355328, 36028797018963968, 4611686018427387904, 9223372036854775808),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE years (id INT PRIMARY KEY, y YEAR);
INSERT INTO years VALUES (1, 1901), (2, 2155), (3, '0000'), (4, 2026), (5, NULL);

CREATE TABLE dates (id INT PRIMARY KEY, d DATE);
INSERT INTO dates VALUES
  (1, '1000-01-01'), (2, '9999-12-31'), (3, '0000-00-00'), (4, '2024-00-00'), (5, '2024-02-00'), (6, '0000-01-01'), (7, '2024-02-29'),
  (8, '0001-01-01'), (9, '1969-12-31'), (10, NULL);
SET SESSION sql_mode = 'ALLOW_INVALID_DATES';
INSERT INTO dates VALUES (11, '2023-02-31'), (12, '0000-00-31');
SET SESSION sql_mode = '';

CREATE TABLE times (
  id INT PRIMARY KEY,
  t0 TIME(0) NULL, t1 TIME(1) NULL, t2 TIME(2) NULL, t3 TIME(3) NULL, t4 TIME(4) NULL, t5 TIME(5) NULL, t6 TIME(6) NULL
);
SET SESSION sql_mode = 'TIME_TRUNCATE_FRACTIONAL';
INSERT INTO times VALUES
  (1, '00:00:00', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '00:00:00'),
  (2, '838:59:59', '838:59:59', '838:59:59', '838:59:59', '838:59:59', '838:59:59', '838:59:59'),
  (3, '-838:59:59', '-838:59:59', '-838:59:59', '-838:59:59', '-838:59:59', '-838:59:59', '-838:59:59'),
  (4, '-00:00:00.000001', '-00:00:00.000001', '-00:00:00.000001', '-00:00:00.000001', '-00:00:00.000001', '-00:00:00.000001', '-00:00:00.000001'),
  (5, '-00:00:01.1', '-00:00:01.1', '-00:00:01.1', '-00:00:01.1', '-00:00:01.1', '-00:00:01.1', '-00:00:01.1'),
  (6, '23:59:59.999999', '23:59:59.999999', '23:59:59.999999', '23:59:59.999999', '23:59:59.999999', '23:59:59.999999', '23:59:59.999999'),
  (7, '-12:34:56.789012', '-12:34:56.789012', '-12:34:56.789012', '-12:34:56.789012', '-12:34:56.789012', '-12:34:56.789012', '-12:34:56.789012'),
  (8, '00:00:00.5', '00:00:00.5', '00:00:00.5', '00:00:00.5', '00:00:00.5', '00:00:00.5', '00:00:00.5'),
  (9, '-00:00:00.99', '-00:00:00.99', '-00:00:00.99', '-00:00:00.99', '-00:00:00.99', '-00:00:00.99', '-00:00:00.99'),
  (10, '-01:00:00', '-01:00:00', '-01:00:00', '-01:00:00', '-01:00:00', '-01:00:00', '-01:00:00'),
  (11, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SET SESSION sql_mode = '';

CREATE TABLE datetimes (
  id INT PRIMARY KEY,
  t0 DATETIME(0) NULL, t1 DATETIME(1) NULL, t2 DATETIME(2) NULL, t3 DATETIME(3) NULL, t4 DATETIME(4) NULL, t5 DATETIME(5) NULL, t6 DATETIME(6) NULL
);
SET SESSION sql_mode = 'TIME_TRUNCATE_FRACTIONAL';
INSERT INTO datetimes VALUES
  (1, '1000-01-01 00:00:00', '1000-01-01 00:00:00', '1000-01-01 00:00:00', '1000-01-01 00:00:00', '1000-01-01 00:00:00', '1000-01-01 00:00:00', '1000-01-01 00:00:00'),
  (2, '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'),
  (3, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
  (4, '2024-00-00 00:00:00', '2024-00-00 00:00:00', '2024-00-00 00:00:00', '2024-00-00 00:00:00', '2024-00-00 00:00:00', '2024-00-00 00:00:00', '2024-00-00 00:00:00'),
  (5, '2024-02-00 12:00:00', '2024-02-00 12:00:00', '2024-02-00 12:00:00', '2024-02-00 12:00:00', '2024-02-00 12:00:00', '2024-02-00 12:00:00', '2024-02-00 12:00:00'),
  (6, '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012'),
  (7, '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1', '0001-01-01 01:01:01.1'),
  (8, '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9', '1969-12-31 23:59:59.9'),
  (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SET SESSION sql_mode = '';

CREATE TABLE timestamps (
  id INT PRIMARY KEY,
  t0 TIMESTAMP(0) NULL, t1 TIMESTAMP(1) NULL, t2 TIMESTAMP(2) NULL, t3 TIMESTAMP(3) NULL, t4 TIMESTAMP(4) NULL, t5 TIMESTAMP(5) NULL, t6 TIMESTAMP(6) NULL
);
SET SESSION sql_mode = 'TIME_TRUNCATE_FRACTIONAL';
INSERT INTO timestamps VALUES
  (1, '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01'),
  (2, '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999'),
  (3, '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00'),
  (4, '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012'),
  (5, '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001', '2001-09-09 01:46:40.000001'),
  (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SET SESSION sql_mode = '';

CREATE TABLE strings (
  id INT PRIMARY KEY,
  c CHAR(10), c255 CHAR(255), v1 VARCHAR(1), v63 VARCHAR(63), v64 VARCHAR(64), v CHAR(0), v1000 VARCHAR(1000),
  tt TINYTEXT, t TEXT, mt MEDIUMTEXT, lt LONGTEXT,
  latin CHAR(255) CHARACTER SET latin1, u16 CHAR(200) CHARACTER SET utf16, latin_text TEXT CHARACTER SET latin1, bin_collation VARCHAR(20) COLLATE utf8mb4_bin
);
INSERT INTO strings VALUES
  (1, 'abc', 'padded   ', 'x', REPEAT('é', 63), REPEAT('é', 64), '', REPEAT('ab', 500), 'tiny', 'text', 'medium', 'long', 'Größe', '日本😀', 'Größe €', 'CaSe'),
  (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''),
  (3, '日本語😀', REPEAT('😀', 255), '😀', REPEAT('😀', 63), REPEAT('😀', 64), '', REPEAT('😀', 300), REPEAT('x', 255), REPEAT('y', 300), REPEAT('z', 300), REPEAT('w', 300), REPEAT('ß', 255), REPEAT('é', 200), REPEAT('ü', 300), '\\'),
  (4, 'quote"s', 'back\\slash', '"', 'new\nline', 'tab\tcr\r', '', CHAR(0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,127 USING utf8mb4), '/', '</script>', CONVERT(UNHEX('E280A8E280A9') USING utf8mb4), '\b', '''', '', '', ' '),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE binaries (
  id INT PRIMARY KEY,
  b1 BINARY(1), b16 BINARY(16), b255 BINARY(255), v10 VARBINARY(10), v255 VARBINARY(255), v300 VARBINARY(300), b0 BINARY(0),
  tb TINYBLOB, b BLOB, mb MEDIUMBLOB, lb LONGBLOB
);
INSERT INTO binaries VALUES
  (1, x'00', x'0102', x'FF', x'00FF00', x'00', x'DEADBEEF', '', x'00', x'C328', x'80', x'FFFE'),
  (2, '', '', '', '', '', '', '', '', '', '', ''),
  (3, x'FF', UNHEX(REPEAT('FF', 16)), UNHEX(REPEAT('A5', 255)), UNHEX(REPEAT('00', 10)), UNHEX(REPEAT('7F', 255)), UNHEX(REPEAT('80', 300)), '', UNHEX(REPEAT('01', 255)), UNHEX(REPEAT('02', 300)), UNHEX(REPEAT('03', 300)), UNHEX(REPEAT('04', 300))),
  (4, x'20', x'20202000000000000000000000000020', x'0020', x'2000', x'2020', x'0000', '', x'0A', x'0D', x'22', x'5C'),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE charsets (
  id INT PRIMARY KEY,
  `armscii8` VARCHAR(40) CHARACTER SET armscii8,
  `ascii` VARCHAR(40) CHARACTER SET ascii,
  `big5` VARCHAR(40) CHARACTER SET big5,
  `cp1250` VARCHAR(40) CHARACTER SET cp1250,
  `cp1251` VARCHAR(40) CHARACTER SET cp1251,
  `cp1256` VARCHAR(40) CHARACTER SET cp1256,
  `cp1257` VARCHAR(40) CHARACTER SET cp1257,
  `cp850` VARCHAR(40) CHARACTER SET cp850,
  `cp852` VARCHAR(40) CHARACTER SET cp852,
  `cp866` VARCHAR(40) CHARACTER SET cp866,
  `cp932` VARCHAR(40) CHARACTER SET cp932,
  `dec8` VARCHAR(40) CHARACTER SET dec8,
  `eucjpms` VARCHAR(40) CHARACTER SET eucjpms,
  `euckr` VARCHAR(40) CHARACTER SET euckr,
  `gb18030` VARCHAR(40) CHARACTER SET gb18030,
  `gb2312` VARCHAR(40) CHARACTER SET gb2312,
  `gbk` VARCHAR(40) CHARACTER SET gbk,
  `geostd8` VARCHAR(40) CHARACTER SET geostd8,
  `greek` VARCHAR(40) CHARACTER SET greek,
  `hebrew` VARCHAR(40) CHARACTER SET hebrew,
  `hp8` VARCHAR(40) CHARACTER SET hp8,
  `keybcs2` VARCHAR(40) CHARACTER SET keybcs2,
  `koi8r` VARCHAR(40) CHARACTER SET koi8r,
  `koi8u` VARCHAR(40) CHARACTER SET koi8u,
  `latin1` VARCHAR(40) CHARACTER SET latin1,
  `latin2` VARCHAR(40) CHARACTER SET latin2,
  `latin5` VARCHAR(40) CHARACTER SET latin5,
  `latin7` VARCHAR(40) CHARACTER SET latin7,
  `macce` VARCHAR(40) CHARACTER SET macce,
  `macroman` VARCHAR(40) CHARACTER SET macroman,
  `sjis` VARCHAR(40) CHARACTER SET sjis,
  `swe7` VARCHAR(40) CHARACTER SET swe7,
  `tis620` VARCHAR(40) CHARACTER SET tis620,
  `ucs2` VARCHAR(40) CHARACTER SET ucs2,
  `ujis` VARCHAR(40) CHARACTER SET ujis,
  `utf16` VARCHAR(40) CHARACTER SET utf16,
  `utf16le` VARCHAR(40) CHARACTER SET utf16le,
  `utf32` VARCHAR(40) CHARACTER SET utf32,
  `utf8mb3` VARCHAR(40) CHARACTER SET utf8mb3,
  `utf8mb4` VARCHAR(40) CHARACTER SET utf8mb4
);
INSERT INTO charsets VALUES
  (1, 'Բարեւ', 'plain ~', '繁體中文', 'Příšerně', 'Привет', 'مرحبا', 'Ąžuolas', 'Ünïcödé', 'Příliš', 'Привет', '①日本語ｱ', 'Ünïcödé', '①日本語', '한국어', '汉字😀', '汉字', '漢字汉字', 'გამარჯობა', 'Καλημέρα', 'שלום', 'Ünïcödé', 'Žluťoučký', 'Привет', 'Привіт', 'Ünïcödé €', 'Příšerně', 'İstanbul ğ', 'Ąžuolas', 'Příšerně', 'Ünïcödé', '日本語ｱ', 'abc', 'สวัสดี', '日本語 Ω', '日本語', '日本😀', '日本😀', '日本😀', '日本語 Ω', '日本😀 𝄞'),
  (2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', ''),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', 'ab', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t', '~ [\\]^{|} "quoted"\n\t');

CREATE TABLE enums (
  id INT PRIMARY KEY,
  e ENUM('small','medium','large'), one ENUM('only'), utf ENUM('größe','日本','😀','it''s','a"b'), latin ENUM('größe','é') CHARACTER SET latin1,
  g ENUM('漢字','汉字') CHARACTER SET gbk, big ENUM('e1', 'e2', 'e3', 'e4', 'e5', 'e6', 'e7', 'e8', 'e9', 'e10', 'e11', 'e12', 'e13', 'e14', 'e15', 'e16', 'e17', 'e18', 'e19', 'e20', 'e21', 'e22', 'e23', 'e24', 'e25', 'e26', 'e27', 'e28', 'e29', 'e30', 'e31', 'e32', 'e33', 'e34', 'e35', 'e36', 'e37', 'e38', 'e39', 'e40', 'e41', 'e42', 'e43', 'e44', 'e45', 'e46', 'e47', 'e48', 'e49', 'e50', 'e51', 'e52', 'e53', 'e54', 'e55', 'e56', 'e57', 'e58', 'e59', 'e60', 'e61', 'e62', 'e63', 'e64', 'e65', 'e66', 'e67', 'e68', 'e69', 'e70', 'e71', 'e72', 'e73', 'e74', 'e75', 'e76', 'e77', 'e78', 'e79', 'e80', 'e81', 'e82', 'e83', 'e84', 'e85', 'e86', 'e87', 'e88', 'e89', 'e90', 'e91', 'e92', 'e93', 'e94', 'e95', 'e96', 'e97', 'e98', 'e99', 'e100', 'e101', 'e102', 'e103', 'e104', 'e105', 'e106', 'e107', 'e108', 'e109', 'e110', 'e111', 'e112', 'e113', 'e114', 'e115', 'e116', 'e117', 'e118', 'e119', 'e120', 'e121', 'e122', 'e123', 'e124', 'e125', 'e126', 'e127', 'e128', 'e129', 'e130', 'e131', 'e132', 'e133', 'e134', 'e135', 'e136', 'e137', 'e138', 'e139', 'e140', 'e141', 'e142', 'e143', 'e144', 'e145', 'e146', 'e147', 'e148', 'e149', 'e150', 'e151', 'e152', 'e153', 'e154', 'e155', 'e156', 'e157', 'e158', 'e159', 'e160', 'e161', 'e162', 'e163', 'e164', 'e165', 'e166', 'e167', 'e168', 'e169', 'e170', 'e171', 'e172', 'e173', 'e174', 'e175', 'e176', 'e177', 'e178', 'e179', 'e180', 'e181', 'e182', 'e183', 'e184', 'e185', 'e186', 'e187', 'e188', 'e189', 'e190', 'e191', 'e192', 'e193', 'e194', 'e195', 'e196', 'e197', 'e198', 'e199', 'e200', 'e201', 'e202', 'e203', 'e204', 'e205', 'e206', 'e207', 'e208', 'e209', 'e210', 'e211', 'e212', 'e213', 'e214', 'e215', 'e216', 'e217', 'e218', 'e219', 'e220', 'e221', 'e222', 'e223', 'e224', 'e225', 'e226', 'e227', 'e228', 'e229', 'e230', 'e231', 'e232', 'e233', 'e234', 'e235', 'e236', 'e237', 'e238', 'e239', 'e240', 'e241', 'e242', 'e243', 'e244', 'e245', 'e246', 'e247', 'e248', 'e249', 'e250', 'e251', 'e252', 'e253', 'e254', 'e255', 'e256', 'e257', 'e258', 'e259', 'e260', 'e261', 'e262', 'e263', 'e264', 'e265', 'e266', 'e267', 'e268', 'e269', 'e270', 'e271', 'e272', 'e273', 'e274', 'e275', 'e276', 'e277', 'e278', 'e279', 'e280', 'e281', 'e282', 'e283', 'e284', 'e285', 'e286', 'e287', 'e288', 'e289', 'e290', 'e291', 'e292', 'e293', 'e294', 'e295', 'e296', 'e297', 'e298', 'e299', 'e300')
);
INSERT INTO enums VALUES
  (1, 'small', 'only', 'größe', 'größe', '漢字', 'e1'),
  (2, 'large', 'only', '😀', 'é', '汉字', 'e300'),
  (3, 'no such', 'no such', 'no such', 'no such', 'no such', 'no such'),
  (4, 2, 1, 5, 1, 1, 256),
  (5, 'medium', NULL, 'it''s', NULL, NULL, 'e255'),
  (6, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE sets (
  id INT PRIMARY KEY,
  s SET('a','b','c'), one SET('only'), utf SET('größe','日本','it''s'), latin SET('größe','é') CHARACTER SET latin1,
  s9 SET('1','2','3','4','5','6','7','8','9'), s64 SET('s1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 's12', 's13', 's14', 's15', 's16', 's17', 's18', 's19', 's20', 's21', 's22', 's23', 's24', 's25', 's26', 's27', 's28', 's29', 's30', 's31', 's32', 's33', 's34', 's35', 's36', 's37', 's38', 's39', 's40', 's41', 's42', 's43', 's44', 's45', 's46', 's47', 's48', 's49', 's50', 's51', 's52', 's53', 's54', 's55', 's56', 's57', 's58', 's59', 's60', 's61', 's62', 's63', 's64')
);
INSERT INTO sets VALUES
  (1, 'a', 'only', 'größe', 'größe', '1', 's1'),
  (2, 'c,a', '', 'it''s,日本', 'é,größe', '9', 's64'),
  (3, '', '', '', '', '', ''),
  (4, 7, 1, 7, 3, 511, 18446744073709551615),
  (5, 'a,c', NULL, NULL, NULL, '1,9', 's1,s32,s33,s64'),
  (6, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE documents (id INT PRIMARY KEY, j JSON);
INSERT INTO documents VALUES
  (1, 'null'), (2, 'true'), (3, 'false'), (4, '0'), (5, '-1'), (6, '32767'), (7, '-32768'), (8, '32768'), (9, '65535'), (10, '65536'),
  (11, '2147483647'), (12, '-2147483648'), (13, '2147483648'), (14, '4294967295'), (15, '4294967296'), (16, '9223372036854775807'), (17, '-9223372036854775808'),
  (18, '18446744073709551615'), (19, '18446744073709551616'), (20, '0.1'), (21, '-0.0'), (22, '1.0'), (23, '1e100'), (24, '1.7976931348623157e308'), (25, '5e-324'),
  (26, '""'), (27, '"text"'), (28, '"日本😀 \\"quoted\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0001 \\u2028"'), (29, '{}'), (30, '[]'),
  (31, '[1, "two", 3.0, null, true, false, [], {}, [[[]]], {"a": {"b": [1]}}]'),
  (32, '{"b": 1, "a": 2, "aa": 3, "": 4, "日本": 5, "k with space": 6, "quote\\"d": 7}'),
  (33, JSON_OBJECT('d', CAST(123.450 AS DECIMAL(10,3)), 'neg', CAST(-0.5 AS DECIMAL(5,2)), 'big', CAST(99999999999999999999999999999999999.999999999999999999999999999999 AS DECIMAL(65,30)))),
  (34, JSON_OBJECT('date', CAST('2024-02-29' AS DATE), 'time', CAST('-12:34:56.789012' AS TIME(6)), 'time0', CAST('100:00:00' AS TIME), 'datetime', CAST('2024-02-29 12:34:56.789012' AS DATETIME(6)), 'datetime0', CAST('2024-02-29 12:34:56' AS DATETIME))),
  (35, JSON_OBJECT('timestamp', CURRENT_TIMESTAMP(6), 'year', CAST(2024 AS YEAR))),
  (36, JSON_ARRAY(x'00FF', b'1010', CAST('abc' AS BINARY(5)), CAST(1 AS UNSIGNED), 18446744073709551615, 1.5e0)),
  (37, JSON_OBJECT('point', ST_GeomFromText('POINT(1 2)'), 'line', ST_GeomFromText('LINESTRING(0 0, 1.5 -1)'))),
  (38, CONCAT('"', REPEAT('x', 127), '"')), (39, CONCAT('"', REPEAT('x', 128), '"')), (40, CONCAT('"', REPEAT('é', 8200), '"')),
  (41, CONCAT('[', REPEAT('1,', 299), '1]')), (42, CONCAT(REPEAT('[', 99), REPEAT(']', 99))),
  (43, '[0.30000000000000004, 1e22, 123456789012345680000, 1e-7, 0.00001, 100000000000000000000000.0, 3.14]'),
  (44, NULL);
INSERT INTO documents VALUES (45, CONCAT('{"large": [', REPEAT('"0123456789",', 5200), '70000, -70000, 5000000000, {"k": "v"}]}'));

CREATE TABLE geometries (
  id INT PRIMARY KEY,
  g GEOMETRY, p POINT, l LINESTRING, po POLYGON, mp MULTIPOINT, ml MULTILINESTRING, mpo MULTIPOLYGON, gc GEOMETRYCOLLECTION, wgs POINT SRID 4326
);
INSERT INTO geometries VALUES
  (1, ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POINT(-1.5 2.25)'), ST_GeomFromText('LINESTRING(0 0, 1 1, 2 2)'), ST_GeomFromText('POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (2 2, 4 2, 4 4, 2 2))'),
   ST_GeomFromText('MULTIPOINT(0 0, 20 20, 60 60)'), ST_GeomFromText('MULTILINESTRING((10 10, 20 20), (15 15, 30 15))'),
   ST_GeomFromText('MULTIPOLYGON(((0 0, 10 0, 10 10, 0 10, 0 0)), ((5 5, 7 5, 7 7, 5 7, 5 5)))'), ST_GeomFromText('GEOMETRYCOLLECTION(POINT(10 10), POINT(30 30), LINESTRING(15 15, 20 20))'),
   ST_GeomFromText('POINT(52.5 13.4)', 4326)),
  (2, ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))'), ST_GeomFromText('POINT(1e300 -1e-300)'), ST_GeomFromText('LINESTRING(0.1 0.2, 1e15 1e16)'), NULL, ST_GeomFromText('MULTIPOINT(1 1)'), NULL, NULL,
   ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), NULL),
  (3, ST_GeomFromText('GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1)), MULTIPOINT(2 2, 3 3), POLYGON((0 0, 1 0, 1 1, 0 0)))'), ST_GeomFromText('POINT(-0.0 0)'), NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(-90 180)', 4326)),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3), v1 VECTOR(1), v2048 VECTOR);
INSERT INTO vectors VALUES
  (1, STRING_TO_VECTOR('[1,2,3]'), STRING_TO_VECTOR('[0.1]'), STRING_TO_VECTOR('[-1.5, 2.25, 1e10, 1e-10, 3.4028235e38]')),
  (2, STRING_TO_VECTOR('[-0.0,0,1.17549435e-38]'), STRING_TO_VECTOR('[16777217]'), STRING_TO_VECTOR('[0]')),
  (3, STRING_TO_VECTOR('[1,2]'), NULL, NULL),
  (4, NULL, NULL, NULL);

CREATE TABLE `generated` (
  id INT PRIMARY KEY, a INT, b INT,
  total INT GENERATED ALWAYS AS (a + b) STORED, product INT GENERATED ALWAYS AS (a * b) VIRTUAL,
  secret VARCHAR(20) INVISIBLE DEFAULT 'hidden', label VARCHAR(40) GENERATED ALWAYS AS (CONCAT('n', a)) STORED INVISIBLE
);
INSERT INTO `generated` (id, a, b) VALUES (1, 2, 3), (2, -1, NULL), (3, NULL, NULL);
INSERT INTO `generated` (id, a, b, secret) VALUES (4, 7, 6, 'told'), (5, 0, 0, NULL);
UPDATE `generated` SET a = 10 WHERE id = 1;

CREATE TABLE functional_index (id INT PRIMARY KEY, first VARCHAR(20), last VARCHAR(20), n INT, KEY full_name ((CONCAT(first, ' ', last))), KEY doubled ((n * 2)));
INSERT INTO functional_index VALUES (1, 'Ada', 'Lovelace', 21), (2, 'Alan', NULL, NULL);
UPDATE functional_index SET n = 4 WHERE id = 2;

CREATE TABLE no_key (a INT, b VARCHAR(10));
INSERT INTO no_key VALUES (1, 'one'), (1, 'one'), (NULL, NULL);
UPDATE no_key SET b = 'none' WHERE a IS NULL;

CREATE TABLE composite_key (b INT, note VARCHAR(10), a VARCHAR(10), n DECIMAL(5,2), PRIMARY KEY (n, a, b));
INSERT INTO composite_key VALUES (1, 'x', 'one', 1.50), (2, 'y', 'two', -2.25), (3, NULL, '', 0);
UPDATE composite_key SET a = 'zwei', note = NULL WHERE b = 2;
DELETE FROM composite_key WHERE b = 3;

CREATE TABLE prefix_key (name VARCHAR(100), body TEXT, PRIMARY KEY (name(10), body(5)));
INSERT INTO prefix_key VALUES ('a long name indeed', 'a body'), ('ü', '');

CREATE TABLE unique_key (id INT NOT NULL, code CHAR(3) NOT NULL, UNIQUE KEY (code));
INSERT INTO unique_key VALUES (1, 'abc'), (2, 'def');

CREATE TABLE `naïve "täble" 日本` (`id ``of`` it` INT PRIMARY KEY, `sp ace` INT, `"quoted"` INT, `back\slash` INT, `日本` INT);
INSERT INTO `naïve "täble" 日本` VALUES (1, 2, 3, 4, 5);

CREATE TABLE wide (
  id INT PRIMARY KEY,
  c1 TINYINT, c2 TINYINT, c3 TINYINT, c4 TINYINT, c5 TINYINT, c6 TINYINT, c7 TINYINT, c8 TINYINT, c9 TINYINT, c10 TINYINT, c11 TINYINT, c12 TINYINT, c13 TINYINT, c14 TINYINT, c15 TINYINT, c16 TINYINT, c17 TINYINT, c18 TINYINT, c19 TINYINT, c20 TINYINT, c21 TINYINT, c22 TINYINT, c23 TINYINT, c24 TINYINT, c25 TINYINT, c26 TINYINT, c27 TINYINT, c28 TINYINT, c29 TINYINT, c30 TINYINT, c31 TINYINT, c32 TINYINT, c33 TINYINT, c34 TINYINT, c35 TINYINT, c36 TINYINT, c37 TINYINT, c38 TINYINT, c39 TINYINT, c40 TINYINT, c41 TINYINT, c42 TINYINT, c43 TINYINT, c44 TINYINT, c45 TINYINT, c46 TINYINT, c47 TINYINT, c48 TINYINT, c49 TINYINT, c50 TINYINT, c51 TINYINT, c52 TINYINT, c53 TINYINT, c54 TINYINT, c55 TINYINT, c56 TINYINT, c57 TINYINT, c58 TINYINT, c59 TINYINT, c60 TINYINT, c61 TINYINT, c62 TINYINT, c63 TINYINT, c64 TINYINT, c65 TINYINT, c66 TINYINT, c67 TINYINT, c68 TINYINT, c69 TINYINT, c70 TINYINT, c71 TINYINT, c72 TINYINT, c73 TINYINT, c74 TINYINT, c75 TINYINT, c76 TINYINT, c77 TINYINT, c78 TINYINT, c79 TINYINT, c80 TINYINT, c81 TINYINT, c82 TINYINT, c83 TINYINT, c84 TINYINT, c85 TINYINT, c86 TINYINT, c87 TINYINT, c88 TINYINT, c89 TINYINT, c90 TINYINT, c91 TINYINT, c92 TINYINT, c93 TINYINT, c94 TINYINT, c95 TINYINT, c96 TINYINT, c97 TINYINT, c98 TINYINT, c99 TINYINT, c100 TINYINT, c101 TINYINT, c102 TINYINT, c103 TINYINT, c104 TINYINT, c105 TINYINT, c106 TINYINT, c107 TINYINT, c108 TINYINT, c109 TINYINT, c110 TINYINT, c111 TINYINT, c112 TINYINT, c113 TINYINT, c114 TINYINT, c115 TINYINT, c116 TINYINT, c117 TINYINT, c118 TINYINT, c119 TINYINT, c120 TINYINT, c121 TINYINT, c122 TINYINT, c123 TINYINT, c124 TINYINT, c125 TINYINT, c126 TINYINT, c127 TINYINT, c128 TINYINT, c129 TINYINT, c130 TINYINT
);
INSERT INTO wide VALUES
  (1, -65, -64, -63, -62, -61, -60, -59, -58, -57, -56, -55, -54, -53, -52, -51, -50, -49, -48, -47, -46, -45, -44, -43, -42, -41, -40, -39, -38, -37, -36, -35, -34, -33, -32, -31, -30, -29, -28, -27, -26, -25, -24, -23, -22, -21, -20, -19, -18, -17, -16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64),
  (2, NULL, -64, NULL, -62, NULL, -60, NULL, -58, NULL, -56, NULL, -54, NULL, -52, NULL, -50, NULL, -48, NULL, -46, NULL, -44, NULL, -42, NULL, -40, NULL, -38, NULL, -36, NULL, -34, NULL, -32, NULL, -30, NULL, -28, NULL, -26, NULL, -24, NULL, -22, NULL, -20, NULL, -18, NULL, -16, NULL, -14, NULL, -12, NULL, -10, NULL, -8, NULL, -6, NULL, -4, NULL, -2, NULL, 0, NULL, 2, NULL, 4, NULL, 6, NULL, 8, NULL, 10, NULL, 12, NULL, 14, NULL, 16, NULL, 18, NULL, 20, NULL, 22, NULL, 24, NULL, 26, NULL, 28, NULL, 30, NULL, 32, NULL, 34, NULL, 36, NULL, 38, NULL, 40, NULL, 42, NULL, 44, NULL, 46, NULL, 48, NULL, 50, NULL, 52, NULL, 54, NULL, 56, NULL, 58, NULL, 60, NULL, 62, NULL, 64),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE wide SET c1 = NULL, c64 = 64, c130 = NULL WHERE id = 1;

CREATE TABLE changes (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), amount DECIMAL(12,2), at DATETIME(3), state ENUM('new','paid','sent'), tags SET('x','y','z'), doc JSON, data BLOB,
  updated TIMESTAMP(6) NULL DEFAULT NULL
);
INSERT INTO changes (name, amount, at, state, tags, doc, data) VALUES
  ('first', 10.00, '2026-01-01 10:00:00.123', 'new', 'x', '{"n": 1}', x'00'), ('second', NULL, NULL, NULL, NULL, NULL, NULL),
  ('third', -3.50, '2026-01-02 00:00:00', 'sent', 'x,y,z', '[1, 2, 3]', x'FFFE'), ('fourth', 0, '2026-01-03 00:00:00', 'paid', '', '"s"', '');
UPDATE changes SET amount = 12.50, state = 'paid', updated = '2026-01-02 03:04:05.678901' WHERE id = 1;
UPDATE changes SET name = NULL, doc = '{"was": null}', data = x'01' WHERE id = 2;
UPDATE changes SET name = NULL, amount = NULL, at = NULL, state = NULL, tags = NULL, doc = NULL, data = NULL WHERE id = 3;
UPDATE changes SET id = 40 WHERE id = 4;
UPDATE changes SET updated = '2026-01-03 00:00:00';
DELETE FROM changes WHERE id = 40;
BEGIN;
INSERT INTO changes (name) VALUES ('five'), ('six'), ('seven');
UPDATE changes SET tags = 'y' WHERE name IN ('five', 'seven');
DELETE FROM changes WHERE name = 'six';
COMMIT;
