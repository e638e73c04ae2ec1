"""Proofs that the wallet does what it says, all of them on a real PostgreSQL."""
