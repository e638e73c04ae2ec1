"""Moving over from an older wallet service: `wallet migrate-from`.

The older service keeps four tables: `asset_types`, `accounts` with a cached balance, `transactions`, `ledger_entries`.
They are read in one snapshot, checked, brought over through the functions, and compared with what came of them.
"""
