"""The documentation is tested: its examples run, and it names everything there is."""
