"""One module per resource; each handler maps a request to a function of the schema `wallet`."""
