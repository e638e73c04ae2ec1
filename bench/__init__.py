"""The bench: what the wallet reaches, beside rivals that are measured in the same run. See docs/performance.md."""
