"""An open internal wallet service: a double-entry ledger in PostgreSQL with a slim HTTP app in front."""
