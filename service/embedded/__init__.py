"""The PostgreSQL server the wallet starts by itself when no DATABASE_URL is set.

- `binaries`   finds `initdb`, `postgres` and `psql`;
- `folder`     names the files of the data folder, and ends a server that was left running on it;
- `supervisor` is the small process that keeps one server running, and stops it when its starter is gone;
- `server`     prepares the data folder, starts the supervisor and says where the database is:
  `open_database`.

This file imports nothing, so that the supervisor stays small.
"""
