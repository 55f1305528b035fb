"""Send log records from several threads over one PUSH socket."""

import logging
import threading

import zmq


class PushHandler(logging.Handler):
    def __init__(self, context, endpoint):
        super().__init__()
        self.push = context.socket(zmq.PUSH)
        self.push.connect(endpoint)

    def emit(self, record):
        self.push.send_string(self.format(record))

    def close(self):
        self.push.close()
        super().close()


with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.rcvtimeo = 10_000
    pull.bind("tcp://127.0.0.1:*")
    handler = PushHandler(context, pull.last_endpoint)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    log = logging.getLogger("app")
    log.setLevel(logging.INFO)
    log.addHandler(handler)

    log.info("started")
    threads = [threading.Thread(target=log.warning, args=("thread %d", n)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.debug("not sent")
    print(*sorted(pull.recv_string() for _ in range(5)), sep="\n")

    log.removeHandler(handler)
    handler.close()
