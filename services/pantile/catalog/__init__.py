"""The catalog in PostgreSQL, the one truth: a module a subject, and the only home of SQL.

Functions take an open connection and leave the transaction to their caller, so that several become one change.
"""
