/* What libzmq itself can do: a PUSH in one thread, a PULL in another, without Python.
 *
 *   native ENDPOINT SIZE waits|rate COUNT
 *
 * prints libzmq's version in the first line, then either how many nanoseconds each of COUNT calls
 * of zmq_send took, or how many messages a second went through in a burst of COUNT. As line.py
 * does it: an empty message ends a burst, and is answered with the count.
 *
 * What it needs of libzmq's stable interface is declared here, so that it can be built against the
 * very library that pyzmq brings, which comes without headers.
 */
#define _POSIX_C_SOURCE 199309L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ZMQ_PULL = 7, ZMQ_PUSH = 8, ZMQ_RCVTIMEO = 27, ZMQ_SNDTIMEO = 28, ZMQ_LAST_ENDPOINT = 32 };
void zmq_version(int *major, int *minor, int *patch);
void *zmq_ctx_new(void);
int zmq_ctx_term(void *context);
void *zmq_socket(void *context, int type);
int zmq_close(void *socket);
int zmq_setsockopt(void *socket, int option, const void *value, size_t length);
int zmq_getsockopt(void *socket, int option, void *value, size_t *length);
int zmq_bind(void *socket, const char *endpoint);
int zmq_connect(void *socket, const char *endpoint);
int zmq_send(void *socket, const void *buffer, size_t length, int flags);
int zmq_recv(void *socket, void *buffer, size_t length, int flags);

static size_t size;
static void *push, *pull, *counts_in, *counts_out;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s failed\n", what);
        exit(1);
    }
}

static void *open_socket(void *context, int type)
{
    void *socket = zmq_socket(context, type);
    int limit_ms = 60000; /* no wait is longer */
    check(socket != NULL, "zmq_socket");
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &limit_ms, sizeof limit_ms);
    zmq_setsockopt(socket, ZMQ_SNDTIMEO, &limit_ms, sizeof limit_ms);
    return socket;
}

/* Count messages; tell the count at an empty one. Two of them in a row end the thread. */
static void *consume(void *unused)
{
    char *buffer = malloc(size);
    long counted = 0;
    int received, last = -1;
    while ((received = zmq_recv(pull, buffer, size, 0)) >= 0 && (received || last)) {
        if (received) {
            counted++;
        } else {
            zmq_send(counts_out, &counted, sizeof counted, 0);
            counted = 0;
        }
        last = received;
    }
    free(buffer);
    return unused;
}

static void finish(long expected)
{
    long counted = -1;
    zmq_send(push, "", 0, 0);
    check(zmq_recv(counts_in, &counted, sizeof counted, 0) >= 0, "zmq_recv");
    check(counted == expected, "delivery of all messages");
}

static long long now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long burst_ns(const char *payload, long count)
{
    long long start_ns = now_ns();
    for (long i = 0; i < count; i++)
        check(zmq_send(push, payload, size, 0) >= 0, "zmq_send");
    finish(count);
    return now_ns() - start_ns;
}

int main(int argc, char **argv)
{
    check(argc == 5, "usage: native ENDPOINT SIZE waits|rate COUNT");
    size = strtoul(argv[2], NULL, 10);
    long count = strtol(argv[4], NULL, 10);
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    printf("%d.%d.%d\n", major, minor, patch);

    void *context = zmq_ctx_new();
    push = open_socket(context, ZMQ_PUSH), pull = open_socket(context, ZMQ_PULL);
    counts_out = open_socket(context, ZMQ_PUSH), counts_in = open_socket(context, ZMQ_PULL);
    char endpoint[256];
    size_t length = sizeof endpoint;
    check(zmq_bind(pull, argv[1]) == 0, "zmq_bind");
    check(zmq_getsockopt(pull, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0, "zmq_getsockopt");
    check(zmq_connect(push, endpoint) == 0, "zmq_connect");
    check(zmq_bind(counts_in, "inproc://counts") == 0, "zmq_bind");
    check(zmq_connect(counts_out, "inproc://counts") == 0, "zmq_connect");

    char *payload = calloc(size, 1);
    pthread_t thread;
    check(pthread_create(&thread, NULL, consume, NULL) == 0, "pthread_create");
    burst_ns(payload, 1000); /* warms up, once connected */
    if (strcmp(argv[3], "rate") == 0) {
        printf("%.0f\n", count * 1e9 / burst_ns(payload, count));
    } else {
        struct timespec pace = {0, 1000000};
        for (long i = 0; i < count; i++) {
            nanosleep(&pace, NULL);
            long long start_ns = now_ns();
            zmq_send(push, payload, size, 0);
            printf("%lld\n", now_ns() - start_ns);
            finish(1);
        }
    }
    zmq_send(push, "", 0, 0); /* the second empty one in a row */
    pthread_join(thread, NULL);
    zmq_close(push), zmq_close(pull), zmq_close(counts_in), zmq_close(counts_out);
    zmq_ctx_term(context);
    free(payload);
    return 0;
}
