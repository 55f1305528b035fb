"""Forward messages with `zmq.proxy`, in a thread that ends with the context."""

import threading

import zmq


def forward(context):
    frontend, backend = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    frontend.bind("inproc://frontend")
    backend.bind("inproc://backend")
    ready.set()
    try:
        zmq.proxy(frontend, backend)
    except zmq.ContextTerminated as error:
        print("the proxy ended:", error)
    finally:
        frontend.close(linger=0)
        backend.close(linger=0)


ready = threading.Event()
context = zmq.Context()
thread = threading.Thread(target=forward, args=(context,))
thread.start()
ready.wait(10)
push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
push.connect("inproc://frontend")
pull.connect("inproc://backend")
pull.rcvtimeo = 10_000
for number in range(10):
    push.send_multipart([b"job", b"%d" % number])
print(*(b" ".join(pull.recv_multipart()).decode() for _ in range(10)), sep="\n")
push.close()
pull.close()
context.term()
thread.join()
