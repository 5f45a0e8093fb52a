//! A rename of a column, split: the files that stand in a plain folder, for each kind of server.

use crate::servers::Kind;
use std::path::Path;

/// How many files it is.
pub const FILES: usize = 7;

const POSTGRES: [(&str, &str); FILES] = [
    (
        "0001_column.sql",
        "-- halfstep: phase=expand\n\
         ALTER TABLE accounts ADD COLUMN display_name VARCHAR(200);\n\
         CREATE FUNCTION hs_accounts_sync() RETURNS trigger LANGUAGE plpgsql AS $$\n\
         BEGIN\n\
           IF TG_OP = 'INSERT' THEN\n\
             IF NEW.display_name IS NOT NULL THEN NEW.full_name := NEW.display_name; ELSE NEW.display_name := NEW.full_name; END IF;\n\
           ELSIF NEW.display_name IS DISTINCT FROM OLD.display_name THEN NEW.full_name := NEW.display_name;\n\
           ELSIF NEW.full_name IS DISTINCT FROM OLD.full_name THEN NEW.display_name := NEW.full_name;\n\
           END IF;\n\
           RETURN NEW;\n\
         END $$;\n\
         CREATE TRIGGER zz_hs_accounts_sync BEFORE INSERT OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION hs_accounts_sync();\n",
    ),
    (
        "0002_backfill.sql",
        "-- halfstep: phase=expand\n-- halfstep: no-transaction\n\
         -- halfstep: batch table=accounts key=id\n\
         UPDATE accounts SET display_name = full_name WHERE (display_name IS DISTINCT FROM full_name);\n",
    ),
    (
        "0003_index.sql",
        "-- halfstep: phase=expand\n-- halfstep: no-transaction\n\
         CREATE INDEX CONCURRENTLY IF NOT EXISTS accounts_display_name ON accounts (display_name);\n",
    ),
    (
        "0004_not_null.sql",
        "-- halfstep: phase=expand reason=\"the trigger fills it for the old version\"\n-- halfstep: no-transaction\n\
         ALTER TABLE accounts ADD CONSTRAINT hs_nn CHECK (display_name IS NOT NULL) NOT VALID;\n\
         ALTER TABLE accounts VALIDATE CONSTRAINT hs_nn;\n\
         ALTER TABLE accounts ALTER COLUMN display_name SET NOT NULL;\n\
         ALTER TABLE accounts DROP CONSTRAINT hs_nn;\n",
    ),
    (
        "0005_verify.sql",
        "-- halfstep: phase=expand\n-- halfstep: no-transaction\n-- halfstep: verify\n\
         SELECT count(*) FROM accounts WHERE full_name IS DISTINCT FROM display_name;\n",
    ),
    (
        "0006_detach.sql",
        "-- halfstep: phase=contract\n\
         -- halfstep: step=detach\nDROP TRIGGER zz_hs_accounts_sync ON accounts;\n\
         -- halfstep: step=detach\nDROP FUNCTION hs_accounts_sync();\n\
         -- halfstep: step=detach\nALTER TABLE accounts ALTER COLUMN full_name DROP NOT NULL;\n",
    ),
    ("0007_drop.sql", "-- halfstep: phase=contract\n-- halfstep: step=drop\nALTER TABLE accounts DROP COLUMN full_name;\n"),
];

const MARIADB: [(&str, &str); FILES] = [
    (
        "0001_column.sql",
        "-- halfstep: phase=expand\n\
         ALTER TABLE accounts ADD COLUMN display_name VARCHAR(200) NULL;\n\
         DELIMITER //\n\
         CREATE TRIGGER hs_accounts_bi BEFORE INSERT ON accounts FOR EACH ROW\n\
         BEGIN\n\
           IF NEW.display_name IS NOT NULL THEN SET NEW.full_name = NEW.display_name; ELSE SET NEW.display_name = NEW.full_name; END IF;\n\
         END//\n\
         CREATE TRIGGER hs_accounts_bu BEFORE UPDATE ON accounts FOR EACH ROW\n\
         BEGIN\n\
           IF NOT (NEW.display_name <=> OLD.display_name) THEN SET NEW.full_name = NEW.display_name;\n\
           ELSEIF NOT (NEW.full_name <=> OLD.full_name) THEN SET NEW.display_name = NEW.full_name; END IF;\n\
         END//\n\
         DELIMITER ;\n",
    ),
    (
        "0002_backfill.sql",
        "-- halfstep: phase=expand\n\
         -- halfstep: batch table=accounts key=id\n\
         UPDATE accounts SET display_name = full_name WHERE (NOT (display_name <=> full_name));\n",
    ),
    (
        "0003_index.sql",
        "-- halfstep: phase=expand\n\
         ALTER TABLE accounts ADD INDEX accounts_display_name (display_name), ALGORITHM=NOCOPY, LOCK=NONE;\n",
    ),
    (
        "0004_not_null.sql",
        "-- halfstep: phase=expand reason=\"the trigger fills it for the old version\"\n\
         ALTER TABLE accounts MODIFY display_name VARCHAR(200) NOT NULL, ALGORITHM=INPLACE, LOCK=NONE;\n",
    ),
    (
        "0005_verify.sql",
        "-- halfstep: phase=expand\n-- halfstep: verify\n\
         SELECT count(*) FROM accounts WHERE NOT (full_name <=> display_name);\n",
    ),
    (
        "0006_detach.sql",
        "-- halfstep: phase=contract\n\
         -- halfstep: step=detach\nALTER TABLE accounts MODIFY full_name VARCHAR(200) NULL, ALGORITHM=INPLACE, LOCK=NONE;\n\
         -- halfstep: step=detach\nDROP TRIGGER hs_accounts_bi;\n\
         -- halfstep: step=detach\nDROP TRIGGER hs_accounts_bu;\n",
    ),
    ("0007_drop.sql", "-- halfstep: phase=contract\n-- halfstep: step=drop\nALTER TABLE accounts DROP COLUMN full_name;\n"),
];

/// Writes them.
pub fn files(folder: &Path, kind: Kind) {
    let all = match kind {
        Kind::Postgres => POSTGRES,
        Kind::Mariadb => MARIADB,
    };
    for (name, text) in all {
        std::fs::write(folder.join(name), text).expect("a file");
    }
}
