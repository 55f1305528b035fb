"""Pass unusual arguments, some of which pyzmq refuses."""

import numpy as np
import zmq

context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 1_000
pull.bind("inproc://jobs")
push.connect("inproc://jobs")


def attempt(name, *args, **kwargs):
    try:
        getattr(push, name)(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
    return pull.recv_multipart()


print("datetimes", attempt("send", np.zeros(3, "M8[s]")))
print("object array", attempt("send", np.array([], object)))
print("routing_id", attempt("send", b"x", routing_id=5))
print("group", attempt("send", b"x", group="g"))
print("None", attempt("send", None))
print("text", attempt("send", "x"))
print("keywords", attempt("send", data=b"x", flags=zmq.DONTWAIT, copy=False, track=False))
print("no argument", attempt("send"))
print("too many", attempt("send", b"x", 0, True, False, None, None, None))
print("bool as flag", attempt("send", b"x", False), attempt("send", b"x", copy=0))
print("empty", attempt("send", b""), attempt("send_string", ""), attempt("send_multipart", [b""]))
print("no frames", attempt("send_multipart", []))
print("wrong flag type", attempt("send", b"x", "0"))
print("unknown option", attempt("set", 99_999, 1), attempt("setsockopt", zmq.SNDHWM, "many"))
print("receiving", attempt("recv"), attempt("recv_string"))
print("attributes", hasattr(push, "nonsense"), hasattr(push, "sndhwm"), push.closed)
context.destroy()
