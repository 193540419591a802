-- Makes the two roles and the database bootstrap: once, as a superuser of PostgreSQL 14 or later, by psql with the
-- variables owner_password and service_password.
\set ON_ERROR_STOP on

CREATE ROLE bootstrap_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE bootstrap LOGIN PASSWORD :'service_password';

-- Bounds that the server sets itself, for commands and behind a pooler. A run of refresh_bindings keeps its lock by an
-- open transaction, which it asks something all the time.
ALTER ROLE bootstrap SET lock_timeout = '5s';
ALTER ROLE bootstrap SET statement_timeout = '5min';
ALTER ROLE bootstrap SET idle_in_transaction_session_timeout = '5min';
ALTER ROLE bootstrap_owner SET lock_timeout = '2s';

-- With the locale C alone, a search ignores case for A to Z only.
CREATE DATABASE bootstrap OWNER bootstrap_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';

\connect bootstrap
\ir grants.sql
