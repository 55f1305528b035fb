"""Go on receiving while a signal handler only sets a flag."""

import signal
import threading

import zmq

N_MESSAGES, N_ALARMS = 500, 10
alarms = 0
may_send = threading.Semaphore(0)


def on_alarm(signum, frame):
    global alarms
    alarms += 1
    may_send.release()


def send(context):
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://jobs")
        for number in range(N_MESSAGES):
            if number < N_ALARMS:  # so that each of these is awaited while an alarm comes
                may_send.acquire(timeout=10)
            push.send(b"%d" % number)


signal.signal(signal.SIGALRM, on_alarm)
with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.bind("inproc://jobs")
    sender = threading.Thread(target=send, args=(context,))
    sender.start()
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    received = [int(pull.recv()) for _ in range(N_MESSAGES)]
    signal.setitimer(signal.ITIMER_REAL, 0)
    sender.join()
print("in order", received == list(range(N_MESSAGES)), "alarms", alarms >= N_ALARMS)
