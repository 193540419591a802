-- What the two roles may do in the database that psql is connected to; may be run again, and after a restore.
\set ON_ERROR_STOP on

REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO bootstrap;

-- For the index for search by substring. Whoever owns the database may do so, too; a provider may have to allow it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER SCHEMA public OWNER TO bootstrap_owner;
GRANT USAGE ON SCHEMA public TO bootstrap;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO bootstrap;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO bootstrap;

-- And on what later migrations make.
ALTER DEFAULT PRIVILEGES FOR ROLE bootstrap_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO bootstrap;
ALTER DEFAULT PRIVILEGES FOR ROLE bootstrap_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO bootstrap;
