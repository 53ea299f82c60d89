//! Statements of every kind that changes a table, each compared with the server.

use wlf_mysql::connection::Endpoint;

use super::following::Following;
use crate::Server;

/// Statements that every server takes. `t` is made anew before each block.
const STATEMENTS: &[&str] = &[
    // Types, with every name that they have.
    "CREATE TABLE ints (a TINYINT, b SMALLINT(5), c MEDIUMINT, d INT(11), e BIGINT, f INTEGER, g INT1, h INT2, i INT3, j INT4, k INT8, l MIDDLEINT, m BOOL, n BOOLEAN)",
    "CREATE TABLE uints (a TINYINT UNSIGNED, b SMALLINT(5) UNSIGNED, c MEDIUMINT UNSIGNED ZEROFILL, d INT ZEROFILL, e BIGINT(20) UNSIGNED NOT NULL, f INT SIGNED)",
    "CREATE TABLE serials (id SERIAL, x INT)",
    "CREATE TABLE serials2 (id BIGINT SERIAL DEFAULT VALUE, x INT)",
    "CREATE TABLE decimals (a DECIMAL, b DECIMAL(5), c DECIMAL(5,2), d DEC(65,30) UNSIGNED, e NUMERIC(3,3), f FIXED(10,0) ZEROFILL, g DECIMAL(0))",
    "CREATE TABLE floats (a FLOAT, b FLOAT(7,4), c FLOAT(24), d FLOAT(25), e DOUBLE, f DOUBLE PRECISION, g REAL, h DOUBLE(10,3) UNSIGNED, i FLOAT4, j FLOAT8, k FLOAT UNSIGNED)",
    "CREATE TABLE times (a DATE, b TIME, c TIME(3), d DATETIME, e DATETIME(6), f TIMESTAMP NULL, g TIMESTAMP(2) NULL DEFAULT CURRENT_TIMESTAMP(2) ON UPDATE CURRENT_TIMESTAMP(2), h YEAR, i YEAR(4), j DATETIME(0) NOT NULL)",
    "CREATE TABLE bits (a BIT, b BIT(8), c BIT(64) NOT NULL DEFAULT b'1')",
    "CREATE TABLE chars (a CHAR, b CHAR(10), c VARCHAR(20), d CHARACTER(3), e CHARACTER VARYING(7), f VARCHARACTER(8), g CHAR VARYING(9), h CHAR(0))",
    "CREATE TABLE nchars (a NCHAR(3), b NATIONAL CHAR(3), c NATIONAL VARCHAR(5), d NVARCHAR(6), e NCHAR VARCHAR(7), f NATIONAL CHARACTER VARYING(8), g NCHAR VARYING(4))",
    "CREATE TABLE texts (a TINYTEXT, b TEXT, c MEDIUMTEXT, d LONGTEXT, e TEXT(10), f TEXT(100), g TEXT(20000), h TEXT(5000000), i LONG, j LONG VARCHAR, k TEXT(0))",
    "CREATE TABLE blobs (a TINYBLOB, b BLOB, c MEDIUMBLOB, d LONGBLOB, e BLOB(10), f BLOB(300), g BLOB(70000), h LONG VARBINARY, i BINARY, j BINARY(5), k VARBINARY(6))",
    "CREATE TABLE choices (a ENUM('a','b'), b SET('x','y','z') NOT NULL, c ENUM('it''s', 'a,b', '(', ')', \"q\"), d ENUM('é', '', ' x  ') , e ENUM('back\\\\slash', 'tab\\t', 'line\\nfeed', '\\%\\_\\x') CHARACTER SET latin1)",
    "CREATE TABLE spatials (a GEOMETRY, b POINT NOT NULL, c LINESTRING, d POLYGON, e MULTIPOINT, f MULTILINESTRING, g MULTIPOLYGON, h GEOMETRYCOLLECTION)",
    "CREATE TABLE js (a JSON, b JSON NOT NULL)",
    // Charsets.
    "CREATE TABLE cs1 (a CHAR(3) CHARACTER SET latin1, b VARCHAR(3) CHARSET utf8mb4 COLLATE utf8mb4_bin, c TEXT COLLATE latin1_bin, d CHAR(4) ASCII, e VARCHAR(4) UNICODE, f VARCHAR(9) BINARY, g CHAR(5) BYTE, h VARCHAR(4) CHARACTER SET binary, i TEXT CHARACTER SET binary, j ENUM('a') CHARACTER SET binary) CHARSET=koi8r",
    "CREATE TABLE cs2 (a VARCHAR(5), b TEXT, c ENUM('a'), d SET('b')) DEFAULT CHARACTER SET = 'gbk'",
    "CREATE TABLE cs3 (a VARCHAR(5)) COLLATE sjis_bin ENGINE=InnoDB",
    "CREATE TABLE cs4 (a VARCHAR(5), b CHAR(5), c TEXT, d ENUM('x')) CHARSET binary",
    "CREATE TABLE cs5 (a VARCHAR(5), t TEXT, tt TINYTEXT, m MEDIUMTEXT, e ENUM('a', 'b'), b BLOB, n INT) CHARACTER SET latin1 COLLATE latin1_general_ci COMMENT='CHARSET utf8'",
    "ALTER TABLE cs5 CONVERT TO CHARACTER SET utf8mb4",
    "ALTER TABLE cs5 CONVERT TO CHARACTER SET latin1 COLLATE latin1_bin",
    "ALTER TABLE cs5 DEFAULT CHARACTER SET cp1251, ADD COLUMN late VARCHAR(3)",
    "ALTER TABLE cs5 CHARSET = ucs2 COLLATE = ucs2_bin",
    "ALTER TABLE cs5 ADD z VARCHAR(2), MODIFY a VARCHAR(6)",
    "ALTER TABLE cs5 CONVERT TO CHARSET DEFAULT",
    "ALTER TABLE cs2 CONVERT TO CHARACTER SET utf8mb4, ADD q VARCHAR(3), MODIFY b TEXT CHARACTER SET latin1",
    "ALTER TABLE cs1 COLLATE utf8mb4_unicode_ci",
    "ALTER TABLE cs1 ADD y VARCHAR(2)",
    // Keys.
    "CREATE TABLE k1 (id INT PRIMARY KEY, b INT UNIQUE KEY, c INT UNIQUE)",
    "CREATE TABLE k2 (id INT KEY, b INT NULL)",
    "CREATE TABLE k3 (a INT, b VARCHAR(10), c INT, PRIMARY KEY (b, a), KEY k (c), UNIQUE u (a, c), INDEX (b(3)), FULLTEXT KEY ft (b))",
    "CREATE TABLE k4 (a INT, CONSTRAINT `primary key name` PRIMARY KEY USING BTREE (a) COMMENT 'x', CONSTRAINT UNIQUE KEY uu (a))",
    "ALTER TABLE k1 DROP PRIMARY KEY",
    "ALTER TABLE k1 ADD PRIMARY KEY (b, id)",
    "ALTER TABLE k1 DROP PRIMARY KEY, ADD CONSTRAINT PRIMARY KEY (c)",
    "DROP INDEX `PRIMARY` ON k1",
    "ALTER TABLE k1 ADD CONSTRAINT pk PRIMARY KEY (id), ADD INDEX x (b), ADD UNIQUE INDEX (c)",
    "ALTER TABLE k1 DROP INDEX `PRIMARY`, DROP KEY x",
    "ALTER TABLE k3 RENAME COLUMN a TO a2, RENAME COLUMN b TO a",
    "ALTER TABLE k3 CHANGE a b VARCHAR(12) NOT NULL",
    "ALTER TABLE k2 ADD COLUMN uid INT UNIQUE AUTO_INCREMENT, DROP PRIMARY KEY",
    "CREATE INDEX later ON k3 (c)",
    "CREATE UNIQUE INDEX later2 USING BTREE ON k3 (a2, c)",
    "DROP INDEX later ON k3",
    "ALTER TABLE k3 ADD FULLTEXT INDEX ft2 (b), DROP INDEX ft, RENAME INDEX later2 TO later3",
    "CREATE TABLE parent (id INT PRIMARY KEY)",
    "CREATE TABLE child (id INT NOT NULL, p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE, PRIMARY KEY (id))",
    "ALTER TABLE child ADD q INT, ADD CONSTRAINT fk2 FOREIGN KEY (q) REFERENCES parent(id) ON DELETE SET NULL",
    "ALTER TABLE child DROP FOREIGN KEY fk2, DROP FOREIGN KEY fk",
    // Columns.
    "CREATE TABLE c1 (a INT, b INT, c INT)",
    "ALTER TABLE c1 ADD d INT",
    "ALTER TABLE c1 ADD COLUMN e VARCHAR(10) NOT NULL DEFAULT 'FIRST' COMMENT 'AFTER b, (x)' AFTER a",
    "ALTER TABLE c1 ADD f INT FIRST",
    "ALTER TABLE c1 ADD (g INT, h VARCHAR(3), UNIQUE KEY gh (g, h))",
    "ALTER TABLE c1 ADD i INT AFTER h, ADD j INT AFTER i, ADD k INT FIRST, DROP b",
    "ALTER TABLE c1 DROP COLUMN c, ADD COLUMN c BIGINT AFTER k",
    "ALTER TABLE c1 MODIFY c BIGINT UNSIGNED NOT NULL",
    "ALTER TABLE c1 MODIFY COLUMN c INT FIRST, MODIFY a BIGINT AFTER c",
    "ALTER TABLE c1 CHANGE COLUMN a aa VARCHAR(7) CHARACTER SET latin1",
    "ALTER TABLE c1 CHANGE aa a INT AFTER dd, CHANGE d dd INT",
    "ALTER TABLE c1 RENAME COLUMN a TO dd2, RENAME COLUMN dd TO a",
    "ALTER TABLE c1 CHANGE g h INT, CHANGE h g VARCHAR(3)",
    "ALTER TABLE c1 MODIFY k INT AFTER j, MODIFY j INT AFTER k, MODIFY i INT FIRST",
    "ALTER TABLE c1 ALTER COLUMN a SET DEFAULT 5, ALTER c DROP DEFAULT",
    "ALTER TABLE c1 ADD n1 INT DEFAULT -1 NOT NULL, ADD n2 DATETIME DEFAULT NOW() ON UPDATE NOW(), ADD n3 VARCHAR(20) DEFAULT 'it''s NOT NULL', ADD n4 DOUBLE DEFAULT 1.5e3 NULL",
    "ALTER TABLE c1 ADD n5 INT NULL, ADD n6 INT NOT NULL AFTER n5, ADD n7 INT AFTER n6",
    "ALTER TABLE c1 ADD gen INT GENERATED ALWAYS AS (a + 1) VIRTUAL, ADD gen2 VARCHAR(10) AS (CONCAT(n3, '),(')) STORED",
    "ALTER TABLE c1 ADD gen3 INT AS (a * 2) STORED FIRST",
    "ALTER TABLE c1 ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='x, ADD y INT' AUTO_INCREMENT = 7",
    "ALTER TABLE c1 FORCE",
    "ALTER TABLE c1 ORDER BY k, j DESC",
    "ALTER TABLE c1 DISABLE KEYS",
    "ALTER TABLE c1 ENABLE KEYS",
    "ALTER TABLE c1 ADD inst INT, ALGORITHM=INPLACE, LOCK=NONE",
    "ALTER TABLE c1 ALGORITHM=INPLACE, LOCK=SHARED, ADD inst2 INT",
    "ALTER TABLE c1 DROP inst, DROP COLUMN inst2",
    "ALTER TABLE `c1` ADD `x` INT",
    "ALTER /* a comment */ TABLE c1 -- to the end\n ADD y2 INT # another\n , ADD y3 INT",
    "/* application: a 'b */ ALTER TABLE c1 DROP y2",
    "ALTER TABLE c1 ADD y4 INT /*!50000 UNSIGNED */ /*!99999 NONSENSE */",
    "/*!40000 ALTER TABLE c1 DISABLE KEYS */",
    "  ALTER\tTABLE\nc1\rADD\ty5\tINT;",
    "alter table c1 add column y6 int unsigned not null default 0 comment 'x'",
    // Names.
    "CREATE TABLE `select` (`from` INT, `a``b` INT, `a.b` INT, `ünï` VARCHAR(3), `スキーマ` INT, `1` INT, 2b INT, `key` INT, $d INT, `a b` INT)",
    "ALTER TABLE `select` ADD COLUMN `order by` INT AFTER `ünï`, DROP `a``b`",
    "CREATE TABLE `a.b``c` (id INT)",
    "ALTER TABLE `a.b``c` RENAME TO `x y`",
    "RENAME TABLE `x y` TO `таблица`",
    "ALTER TABLE `таблица` ADD `колонка` VARCHAR(5) FIRST",
    "CREATE TABLE period (period INT, `vector` INT, first INT, after INT, comment INT, `column` INT, status INT, date DATE, time TIME, text TEXT, year YEAR, charset INT, engine INT)",
    "ALTER TABLE period ADD comment2 INT AFTER first, DROP comment, RENAME COLUMN charset TO `character set`",
    "ALTER TABLE period ADD COLUMN (partition_id INT, checked INT)",
    // New tables out of others.
    "CREATE TABLE like1 LIKE k3",
    "CREATE TABLE like2 (LIKE cs5)",
    "CREATE TABLE IF NOT EXISTS like1 (completely INT)",
    "CREATE TABLE IF NOT EXISTS new1 (id INT)",
    "CREATE TABLE sel1 SELECT 1 AS a, 'x' AS b",
    "CREATE TABLE sel2 (id INT PRIMARY KEY) CHARSET=latin1 AS SELECT 1 AS id, 'x' AS b, NOW(3) AS c",
    "CREATE TABLE sel3 (z INT) SELECT * FROM k3",
    // Names that change.
    "ALTER TABLE like1 RENAME like3",
    "ALTER TABLE like3 RENAME AS like4, ADD renamed INT",
    "ALTER TABLE like4 ADD renamed2 INT, RENAME = like5",
    "RENAME TABLE like5 TO like6, like2 TO like7",
    "RENAME TABLE like6 TO swap, like7 TO like6, swap TO like7",
    "CREATE DATABASE {db}_other CHARACTER SET latin1",
    "RENAME TABLE like6 TO {db}_other.moved",
    "ALTER TABLE {db}_other.moved ADD here VARCHAR(4)",
    "ALTER TABLE {db}_other . moved RENAME TO {db}.back",
    "CREATE TABLE {db}_other.own (a VARCHAR(3))",
    "ALTER DATABASE {db}_other CHARACTER SET = cp1250",
    "CREATE TABLE {db}_other.own2 (a VARCHAR(3), b TEXT)",
    "ALTER SCHEMA {db}_other COLLATE utf8mb4_bin",
    "CREATE TABLE {db}_other.own3 (a VARCHAR(3), b TEXT)",
    "ALTER TABLE {db}_other.own2 CONVERT TO CHARACTER SET DEFAULT",
    "USE {db}_other",
    "CREATE TABLE inside (a CHAR(2))",
    "ALTER DATABASE CHARACTER SET greek",
    "CREATE TABLE inside2 (a CHAR(2))",
    "ALTER TABLE inside ADD b CHAR(2)",
    "ALTER TABLE {db}.back DROP here",
    "USE {db}",
    "DROP TABLE {db}_other.own, {db}_other.own2",
    "DROP TABLE IF EXISTS nothing, {db}_other.own3, `there`",
    "DROP DATABASE {db}_other",
    "CREATE SCHEMA IF NOT EXISTS {db}_other DEFAULT CHARSET utf16",
    "CREATE TABLE {db}_other.own (a VARCHAR(3))",
    "CREATE DATABASE IF NOT EXISTS {db}_other CHARACTER SET latin1",
    "CREATE TABLE {db}_other.own2 (a VARCHAR(3))",
    "DROP SCHEMA {db}_other",
    // What changes no definition.
    "TRUNCATE TABLE c1",
    "TRUNCATE period",
    "CREATE TEMPORARY TABLE k3 (other INT)",
    "ALTER TABLE k3 ADD more INT",
    "DROP TEMPORARY TABLE k3",
    "CREATE VIEW v AS SELECT * FROM k3",
    "CREATE OR REPLACE VIEW v AS SELECT a2 FROM k3",
    "DROP VIEW v",
    "CREATE TRIGGER trg BEFORE INSERT ON k3 FOR EACH ROW SET NEW.c = 1",
    "DROP TRIGGER trg",
    "CREATE PROCEDURE p() BEGIN ALTER TABLE c1 ADD never INT; END",
    "DROP PROCEDURE p",
    "CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1",
    "DROP FUNCTION f",
    "ANALYZE TABLE c1",
    "OPTIMIZE TABLE c1",
    "FLUSH TABLES c1",
    "CREATE USER IF NOT EXISTS schema_nobody@localhost",
    "GRANT SELECT ON {db}.* TO schema_nobody@localhost",
    "DROP USER schema_nobody@localhost",
    // Partitions.
    "CREATE TABLE p1 (id INT, d DATE, PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 4",
    "ALTER TABLE p1 COALESCE PARTITION 2",
    "ALTER TABLE p1 ADD PARTITION PARTITIONS 2",
    "ALTER TABLE p1 ADD extra INT",
    "ALTER TABLE p1 REMOVE PARTITIONING",
    "CREATE TABLE p2 (id INT NOT NULL, y INT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=latin1 /*!50100 PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB, PARTITION p1 VALUES LESS THAN (20) COMMENT = 'a, b', PARTITION p2 VALUES LESS THAN MAXVALUE) */",
    "ALTER TABLE p2 REORGANIZE PARTITION p0, p1 INTO (PARTITION p01 VALUES LESS THAN (20))",
    "ALTER TABLE p2 TRUNCATE PARTITION p01, p2",
    "ALTER TABLE p2 DROP PARTITION p2",
    "ALTER TABLE p2 ADD PARTITION (PARTITION p3 VALUES LESS THAN (30), PARTITION p4 VALUES LESS THAN (40))",
    "ALTER TABLE p2 REBUILD PARTITION ALL",
    "ALTER TABLE p2 ANALYZE PARTITION p3, p4",
    "ALTER TABLE p2 ADD name VARCHAR(10) AFTER id PARTITION BY RANGE (id) (PARTITION q0 VALUES LESS THAN (10), PARTITION q1 VALUES LESS THAN MAXVALUE)",
    "CREATE TABLE p3 LIKE p2",
    "ALTER TABLE p3 REMOVE PARTITIONING",
    "ALTER TABLE p2 EXCHANGE PARTITION q0 WITH TABLE p3",
    "ALTER TABLE p2 ADD COLUMN v2 VARCHAR(4)",
    // Settings that change how a statement reads.
    "SET sql_mode = 'ANSI_QUOTES'",
    "CREATE TABLE \"quoted \"\"ansi\"\"\" (\"a b\" INT, c ENUM('x', 'y''z') DEFAULT 'x')",
    "ALTER TABLE \"quoted \"\"ansi\"\"\" ADD \"first\" VARCHAR(3) AFTER \"a b\", RENAME TO \"ansi\"",
    "SET sql_mode = 'NO_BACKSLASH_ESCAPES'",
    "CREATE TABLE backslashes (a ENUM('\\', 'b\\n') COMMENT '\\', b INT)",
    "SET sql_mode = 'REAL_AS_FLOAT'",
    "CREATE TABLE reals (a REAL, b REAL(5,2), c DOUBLE)",
    "SET sql_mode = ''",
    "CREATE TABLE nonstrict (a VARCHAR(60000), b VARCHAR(16000)) CHARSET=utf8mb4",
    "CREATE TABLE nonstrict2 (a VARBINARY(70000))",
    "SET sql_mode = DEFAULT",
    "SET NAMES latin1",
    "CREATE TABLE latin (a ENUM('x') COMMENT 'x', b VARCHAR(3))",
    "SET NAMES utf8mb4",
    "SET character_set_server = latin2",
    "CREATE DATABASE {db}_server",
    "CREATE TABLE {db}_server.t (a VARCHAR(3))",
    "SET character_set_server = DEFAULT",
    "DROP DATABASE {db}_server",
    // Changes of a table in place by tools: gh-ost, then pt-online-schema-change.
    "CREATE TABLE big (id INT PRIMARY KEY, name VARCHAR(10))",
    "CREATE /* gh-ost */ TABLE `{db}`.`_big_ghc` (id bigint auto_increment, last_update timestamp not null DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, hint varchar(64) charset ascii not null, value varchar(4096) charset ascii not null, primary key(id), unique key hint_uidx(hint)) auto_increment=256",
    "create /* gh-ost */ table `{db}`.`_big_gho` like `{db}`.`big`",
    "alter /* gh-ost */ table `{db}`.`_big_gho` add column extra int unsigned not null after id, modify name varchar(300)",
    "create /* gh-ost */ table `{db}`.`_big_del` (id int auto_increment primary key) engine=InnoDB comment='ghost-cut-over-sentry'",
    "drop /* gh-ost */ table if exists `{db}`.`_big_del`",
    "rename /* gh-ost */ table `{db}`.`big` to `{db}`.`_big_del`, `{db}`.`_big_gho` to `{db}`.`big`",
    "drop /* gh-ost */ table if exists `{db}`.`_big_ghc`",
    "drop /* gh-ost */ table if exists `{db}`.`_big_del`",
    "CREATE TABLE `{db}`.`_big_new` (\n  `id` int NOT NULL,\n  `extra` int unsigned NOT NULL,\n  `name` varchar(300) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "ALTER TABLE `{db}`.`_big_new` drop column extra, add column last char(2) first",
    "RENAME TABLE `{db}`.`big` TO `{db}`.`_big_old`, `{db}`.`_big_new` TO `{db}`.`big`",
    "DROP TABLE IF EXISTS `{db}`.`_big_old`",
];

const MYSQL: &[&str] = &[
    "CREATE TABLE m1 (a INT INVISIBLE, b INT, c VARCHAR(3) /*!80023 INVISIBLE */, d GEOMCOLLECTION, e POINT NOT NULL SRID 4326, f VECTOR(3), g VECTOR)",
    "ALTER TABLE m1 ALTER COLUMN a SET VISIBLE, COMMENT 'x'",
    "ALTER TABLE m1 ALTER COLUMN a SET VISIBLE, ADD h JSON DEFAULT (JSON_ARRAY(1, 2)), ADD i INT DEFAULT (1 + (2 * 3)) NOT NULL",
    "ALTER TABLE m1 ADD KEY fi ((b + 1)), ADD UNIQUE KEY fj ((CAST(h->'$.a' AS CHAR(10))), b DESC)",
    "CREATE TABLE m2 (a INT, KEY ((a * 2)), CHECK (a > 1) NOT ENFORCED, b INT CHECK (b IN (1, 2)) , c INT CONSTRAINT cc CHECK (c <> 5) ENFORCED)",
    "ALTER TABLE m2 DROP CHECK cc, ADD CONSTRAINT c3 CHECK (b < 100)",
    "ALTER TABLE m2 ADD PRIMARY KEY (a), ADD x INT, ALGORITHM=INPLACE",
    "ALTER TABLE m2 DROP CONSTRAINT `PRIMARY`",
    "ALTER TABLE m2 ADD COLUMN inst INT FIRST, ALGORITHM=INSTANT",
    "ALTER TABLE m2 RENAME COLUMN inst TO inst2, ALGORITHM=INSTANT",
    "ALTER TABLE m2 COMMENT 'c', ADD y INT COLUMN_FORMAT FIXED",
    "ALTER TABLE m2 STATS_PERSISTENT=1, ENCRYPTION='N'",
    "SET sql_generate_invisible_primary_key = ON",
    "CREATE TABLE gipk (a INT, b VARCHAR(3))",
    "ALTER TABLE gipk ADD c INT AFTER a",
    "CREATE TABLE gipk2 SELECT 1 AS a",
    "CREATE TABLE gipk3 LIKE gipk",
    "SET sql_generate_invisible_primary_key = OFF",
    "ALTER TABLE gipk DROP PRIMARY KEY, DROP my_row_id",
    "SET default_collation_for_utf8mb4 = utf8mb4_general_ci",
    "CREATE TABLE dc (a VARCHAR(3)) CHARSET utf8mb4",
    "ALTER DATABASE {db} READ ONLY = 1",
    "ALTER DATABASE {db} READ ONLY = 0",
];

const MARIADB: &[&str] = &[
    "CREATE TABLE d1 (a INT, u UUID, i4 INET4, i6 INET6 NOT NULL, j JSON, v VARCHAR(20) COMPRESSED, t TEXT COMPRESSED=zlib)",
    "CREATE OR REPLACE TABLE d1 (a INT, b VARCHAR(5) INVISIBLE, c INT AS (a + 1) PERSISTENT, d INT GENERATED ALWAYS AS (a) VIRTUAL)",
    "ALTER TABLE d1 ADD COLUMN IF NOT EXISTS b INT, ADD COLUMN IF NOT EXISTS (e INT), ADD f INT FIRST",
    "ALTER TABLE IF EXISTS d1 DROP COLUMN IF EXISTS nothing, DROP COLUMN IF EXISTS e, MODIFY COLUMN IF EXISTS nothing INT, CHANGE COLUMN IF EXISTS nothing other INT",
    "ALTER TABLE d1 WAIT 5 ADD g INT",
    "ALTER ONLINE TABLE d1 NOWAIT ADD h INT",
    "ALTER IGNORE TABLE d1 ADD i INT",
    "SET STATEMENT max_statement_time = 100 FOR ALTER TABLE d1 ADD k INT",
    "ALTER TABLE d1 ADD INDEX IF NOT EXISTS x (a), ADD CONSTRAINT IF NOT EXISTS ch CHECK (a > 0), DROP INDEX IF EXISTS y",
    "ALTER TABLE d1 ADD m INT /*M!100100 UNSIGNED */ /*!50701 NOT NULL */ /*!100100 COMMENT 'x' */",
    "ALTER TABLE d1 RENAME INDEX x TO z, ALTER COLUMN f SET DEFAULT (1 + 1)",
    "RENAME TABLE IF EXISTS nothing TO nothing2, d1 WAIT 2 TO d2",
    "CREATE OR REPLACE TABLE d3 LIKE d2",
    "CREATE OR REPLACE TABLE d3 SELECT 1 AS a, CAST('x' AS CHAR(4)) AS b",
    "CREATE TABLE d4 (a INT) PAGE_CHECKSUM=1 TRANSACTIONAL=0 ENGINE=Aria",
    "CREATE TABLE d5 (a VARCHAR(5)) COLLATE utf8mb4_uca1400_ai_ci",
    "CREATE TABLE d6 (a VARCHAR(5) COLLATE uca1400_ai_ci, b VARCHAR(3)) CHARSET utf8mb3",
    "CREATE OR REPLACE DATABASE {db}_or CHARACTER SET latin7 COMMENT 'CHARSET utf8'",
    "CREATE TABLE {db}_or.t (a VARCHAR(3))",
    "DROP DATABASE {db}_or",
    "DROP TABLE IF EXISTS d4 WAIT 5",
    // Not worked out: its rows are rare, and the server is asked.
    "CREATE SEQUENCE s START WITH 5",
    "DROP SEQUENCE s",
    "CREATE TABLE old_text (a TINYTEXT, b TEXT(70000), c VARCHAR(6000)) CHARSET latin1",
    "ALTER TABLE old_text CONVERT TO CHARACTER SET utf8mb4",
];

/// Runs the statements, each once; what the server refuses is no test, and must be few.
async fn follow(following: &mut Following, database: &str, statements: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for sql in statements {
        let sql = sql.replace("{db}", database);
        if !following.run(&sql).await {
            println!("refused by the server: {sql}: {}", following.refusal);
            continue;
        }
        following.catch_up().await;
        for difference in following.differences().await {
            wrong.push(format!("after {sql}\n  {difference}"));
        }
        if wrong.len() > 5 {
            break;
        }
    }
    wrong
}

/// Follows a server over the statements, all but so many of which can be worked out.
async fn compare(endpoint: &Endpoint, also: &[&str], unknown: usize) {
    let database = "schema_statements";
    let mut following = Following::new(endpoint, database).await;
    let mut wrong = follow(&mut following, database, STATEMENTS).await;
    wrong.extend(follow(&mut following, database, also).await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "{} statements, {} not worked out",
        following.taken, following.unknown
    );
    let all = STATEMENTS.len() + also.len();
    assert!(
        following.taken == all,
        "the server took {} of {all}",
        following.taken
    );
    assert_eq!(following.unknown, unknown);
    following.run(&format!("DROP DATABASE {database}")).await;
}

#[tokio::test]
async fn every_kind_of_statement_leaves_the_definitions_that_mysql_has() {
    let server = Server::take().await;
    // A TEXT that is changed and converted at once.
    compare(&server.endpoint, MYSQL, 1).await;
}

#[tokio::test]
async fn every_kind_of_statement_leaves_the_definitions_that_mariadb_10_11_has() {
    let server = Server::mariadb("WLF_TEST_MARIADB_1011").await;
    compare(&server.endpoint, MARIADB, 1).await;
}

#[tokio::test]
async fn every_kind_of_statement_leaves_the_definitions_that_mariadb_11_8_has() {
    let server = Server::mariadb("WLF_TEST_MARIADB_118").await;
    compare(&server.endpoint, MARIADB, 1).await;
}
