"""The HTTP interface: routes, typed bodies, the envelope and the refusals."""
