"""The HTTP contract, over real sockets."""
