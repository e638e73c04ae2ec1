"""The PostgreSQL the wallet brings along, with the real command as a child process."""
