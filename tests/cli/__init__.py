"""The command `wallet`, as a real process."""
