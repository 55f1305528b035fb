"""Receive from two sockets in a Poller loop that also has other things to do."""

import zmq

context = zmq.Context.instance()
jobs, urgent = context.socket(zmq.PULL), context.socket(zmq.PULL)
poller = zmq.Poller()
senders = {}
for name, pull in (("jobs", jobs), ("urgent", urgent)):
    pull.bind(f"inproc://{name}")
    poller.register(pull, zmq.POLLIN)
    senders[name] = context.socket(zmq.PUSH)
    senders[name].connect(f"inproc://{name}")

print("idle", poller.poll(0))
for number in range(3):
    senders["jobs"].send_string(f"job {number}")
senders["urgent"].send_json({"stop": True})

received = []
while len(received) < 4:
    events = dict(poller.poll(10_000))
    if jobs in events:
        received.append(jobs.recv_string())
    if urgent in events:
        received.append(urgent.recv_json(zmq.NOBLOCK))
print(sorted(map(str, received)))
poller.unregister(urgent)
print("idle", poller.poll(0), jobs.getsockopt(zmq.EVENTS))
context.destroy()
