"""Watch a socket's connections with a monitor, then unbind and rebind."""

import zmq
from zmq.utils.monitor import parse_monitor_message, recv_monitor_message

EVENTS = zmq.EVENT_LISTENING | zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED


def next_event(monitor):
    if not monitor.poll(10_000):
        raise TimeoutError("no event came")
    return zmq.Event(recv_monitor_message(monitor)["event"]).name


context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.rcvtimeo = 10_000
monitor = pull.get_monitor_socket(EVENTS)
port = pull.bind_to_random_port("tcp://127.0.0.1")
print(next_event(monitor))
push.connect(f"tcp://127.0.0.1:{port}")
print(next_event(monitor), next_event(monitor))
push.send(b"watched")
print(pull.recv())
push.disconnect(f"tcp://127.0.0.1:{port}")

pull.unbind(pull.last_endpoint)
pull.bind("tcp://127.0.0.1:*")
print(next_event(monitor))
push.connect(pull.last_endpoint)
print(next_event(monitor), next_event(monitor))
pull.disable_monitor()
print(
    "stopped", parse_monitor_message([b"\0\4\0\0\0\0", b""])["event"] == zmq.EVENT_MONITOR_STOPPED
)
push.close()
pull.close()
context.destroy(linger=0)
