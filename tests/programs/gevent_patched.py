"""Share sockets among greenlets after gevent has patched the standard library."""

from gevent import monkey

monkey.patch_all()

import threading  # noqa: E402

import gevent  # noqa: E402
import zmq  # noqa: E402

context = zmq.Context()
pull = context.socket(zmq.PULL)
pull.rcvtimeo = 10_000
pull.bind("inproc://jobs")
push = context.socket(zmq.PUSH)
push.connect("inproc://jobs")


def send(number):
    for part in range(3):
        push.send_string(f"{number}.{part}")
        gevent.sleep(0)


def receive():
    return [pull.recv_string() for _ in range(5)]


gevent.joinall([gevent.spawn(send, number) for number in range(5)], raise_error=True)
receivers = gevent.joinall([gevent.spawn(receive) for _ in range(3)], raise_error=True)
print(sorted(job for receiver in receivers for job in receiver.value))
thread = threading.Thread(target=push.send_string, args=("from a patched thread",))
thread.start()
thread.join()
print(pull.recv_string())
context.destroy()
