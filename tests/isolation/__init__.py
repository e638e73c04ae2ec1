"""Races in every order that matters, written for PostgreSQL's own isolationtester.

A specification in `specs/` says what each session does and in which orders; the file of the same name in `expected/` is
what must come out: who waits, who goes on with what, who is told to run again. Both are read by people, so a change of
the locking shows as a change of these files.
"""
