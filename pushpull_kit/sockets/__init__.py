"""ZeroMQ: timed PUSH and PULL sockets, the context that makes them, and the worker thread."""
