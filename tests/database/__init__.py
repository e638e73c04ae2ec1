"""The ledger as its SQL functions offer it."""
