"""The console: pages for support and finance at `/console/`, which read through the HTTP interface."""
