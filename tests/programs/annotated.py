"""Subscript `zmq.Context` and `zmq.Socket` at run time, as annotations do."""

import dataclasses
import typing

import zmq

AnyContext = zmq.Context[zmq.Socket[bytes]]


@dataclasses.dataclass
class Service:
    context: zmq.Context[zmq.Socket]
    endpoint: str = "inproc://service"

    def socket(self, kind: int, own: AnyContext | None = None) -> zmq.Socket[bytes]:
        return (own or self.context).socket(kind)


class TypedContext(zmq.Context[zmq.Socket[bytes]]):
    pass


print(sorted(typing.get_type_hints(Service)))
for context in (zmq.Context(), TypedContext(), AnyContext()):
    service = Service(context)
    with service.socket(zmq.PULL) as pull, service.socket(zmq.PUSH, context) as push:
        pull.rcvtimeo = 10_000
        pull.bind(service.endpoint)
        push.connect(service.endpoint)
        push.send_string("typed")
        print(pull.recv_string(), isinstance(context, zmq.Context))
    context.term()
