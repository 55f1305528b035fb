"""A track is written by one thread and drained by another, and loses nothing between them."""

import pytest

from pushpull_kit.recording.events import (
    SAMPLE_BYTES,
    UNKNOWN,
    WHOLE_KEY_BYTES,
    Known,
    Track,
    drain,
    known,
)

LONG = bytes(range(256)) * 16


def changed(payload, at):
    """The payload with one byte changed."""
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


# Keys


@pytest.mark.parametrize("size", [0, 1, WHOLE_KEY_BYTES])
def test_a_short_payload_is_its_own_key(size):
    """Up to `WHOLE_KEY_BYTES` a payload and what is known of it have one key and one length."""
    payload = b"x" * size
    assert hash(known([payload])) == hash(payload)
    assert len(known([payload])) == size


def test_a_short_payload_is_known_by_every_byte():
    """A payload of `WHOLE_KEY_BYTES` that differs anywhere has another key."""
    payload = LONG[:WHOLE_KEY_BYTES]
    keys = {known([changed(payload, at)]).key for at in range(len(payload))}
    assert len(keys | {known([payload]).key}) == len(payload) + 1


@pytest.mark.parametrize(
    "at",
    [0, SAMPLE_BYTES - 1, len(LONG) // 2, len(LONG) // 2 + SAMPLE_BYTES - 1, len(LONG) - 1],
    ids=["first", "end of the first sample", "middle", "end of the middle sample", "last"],
)
def test_a_long_payload_is_known_by_samples(at):
    """A long payload that differs at its start, in its middle or at its end has another key."""
    assert known([changed(LONG, at)]).key != known([LONG]).key


def test_a_long_payload_is_known_by_its_length():
    """Long payloads whose samples agree have different keys if their lengths differ."""
    assert known([b"x" * 1_000]).key != known([b"x" * 1_001]).key


def test_a_long_payload_is_not_read_whole():
    """Long payloads that differ only between the samples share a key, and so are paired in turn."""
    assert known([changed(LONG, SAMPLE_BYTES)]).key == known([LONG]).key


@pytest.mark.parametrize("payload", [b"short", LONG], ids=["short", "long"])
def test_a_view_has_the_key_of_its_bytes(payload):
    """What is sent from a buffer is known again when it is received as bytes."""
    assert known([memoryview(bytearray(payload))]).key == known([payload]).key


def test_frames_are_part_of_the_key():
    """Messages of the same bytes in other frames have other keys."""
    ways = [[b"abcd"], [b"ab", b"cd"], [b"abc", b"d"], [b"", b"abcd"], [b"abcd", b""]]
    assert len({known(frames).key for frames in ways}) == len(ways)


def test_the_size_counts_all_frames():
    """The size of a multipart message is that of its frames together."""
    assert len(known([b"ab", LONG, b""])) == 2 + len(LONG)


# A track's own side


def test_an_event_is_in_step_in_all_lists():
    """One message, begun and ended, is one item in each of a track's lists."""
    track = Track(1)
    track.begin(b"x")
    track.end()
    assert track.payloads == [b"x"]
    assert 0 < track.begins[0] <= track.ends[0]


def test_a_bad_end_is_negative():
    """A refusal or a failure is an instant with a minus sign."""
    track = Track(1)
    track.begin(b"x")
    track.end(ok=False)
    assert 0 < track.begins[0] <= -track.ends[0]


# Draining


def written(payloads=(), begins=(), ends=()):
    track = Track(1)
    track.payloads += payloads
    track.begins += begins
    track.ends += ends
    return track


def lists(track):
    return track.payloads, track.begins, track.ends


def test_what_is_finished_is_taken_off():
    """Finished messages are returned, oldest first, and are on the track no longer."""
    track = written([b"a", b"bcd"], [10, 30], [20, 40])
    raw = drain(track, 5)
    assert raw["begin"].tolist() == [10, 30]
    assert raw["end"].tolist() == [20, 40]
    assert raw["key"].tolist() == [hash(b"a"), hash(b"bcd")]
    assert raw["n_bytes"].tolist() == [1, 3]
    assert raw["track"].tolist() == [5, 5]
    assert lists(track) == ([], [], [])


def test_what_is_unfinished_is_seen_and_left():
    """An unfinished message is returned with no end, and stays on the track."""
    track = written([b"a", b"b"], [10, 30], [20])
    assert drain(track, 0)["end"].tolist() == [20, 0]
    assert lists(track) == ([b"b"], [30], [])


def test_what_was_unfinished_is_taken_when_it_ends():
    """A message that was seen unfinished is returned again, with its end, and taken off."""
    track = written([b"a"], [10])
    drain(track, 0)
    track.ends.append(20)
    raw = drain(track, 0)
    assert (raw["begin"].tolist(), raw["end"].tolist()) == ([10], [20])
    assert lists(track) == ([], [], [])


def test_a_payload_that_is_not_begun_is_not_seen():
    """A payload whose instant is not there yet stays for the next time."""
    track = written([b"a", b"b"], [10], [20])
    assert drain(track, 0)["n_bytes"].tolist() == [1]
    assert lists(track) == ([b"b"], [], [])


def test_an_instant_that_is_about_to_be_noted_is_waited_for():
    """While an owner is noting, the reader looks again until it is done, and takes that too."""

    class Noting(Track):
        looks = 0

        @property
        def noting(self):
            self.looks += 1
            if self.looks == 2:
                self.begins.append(30)
            return self.looks < 3

        @noting.setter
        def noting(self, value):
            """Only the reader is asked here."""

    track = Noting(1)
    track.payloads, track.begins, track.ends = [b"a", b"b"], [10], [20]
    assert drain(track, 0)["begin"].tolist() == [10, 30]


def test_a_reader_does_not_wait_forever(monkeypatch):
    """An owner that never comes to its end is waited for in vain, but not without end."""
    monkeypatch.setattr("pushpull_kit.recording.events.NOTING_TIMEOUT_NS", 1_000)
    track = written([b"a"], [10], [20])
    track.noting = True
    assert drain(track, 0)["begin"].tolist() == [10]


def test_what_began_later_is_left():
    """Only what began up to the instant asked for is taken, finished or not."""
    track = written([b"a", b"b", b"c"], [10, 20, 30], [11, 21])
    assert drain(track, 0, 10)["begin"].tolist() == [10]
    assert drain(track, 0, 29)["begin"].tolist() == [20]
    assert drain(track, 0, 30)["begin"].tolist() == [30]


class Overtaken(list):
    """A list whose reader is overtaken: right after its first copy, the owner goes on."""

    def then(self, go_on):
        self.go_on = go_on
        return self

    def __getitem__(self, key):
        copy = super().__getitem__(key)
        go_on, self.go_on = self.go_on, lambda: None
        go_on()
        return copy


@pytest.mark.parametrize("overtaken", ["ends", "begins", "payloads"])
def test_what_happens_meanwhile_is_taken_next_time(overtaken):
    """Wherever in its reading the reader is overtaken, each message is taken once, and whole."""
    track = written([b"a", b"b"], [10, 30], [20])

    def go_on():
        track.ends.append(40)
        track.payloads.append(b"c")
        track.begins.append(50)
        track.ends.append(60)
        track.payloads.append(b"d")
        track.begins.append(70)

    setattr(track, overtaken, Overtaken(getattr(track, overtaken)).then(go_on))
    first, second = drain(track, 0), drain(track, 0)
    assert first[["key", "begin", "end"]].tolist() == [(hash(b"a"), 10, 20), (hash(b"b"), 30, 0)]
    assert second[["key", "begin", "end"]].tolist() == [
        (hash(b"b"), 30, 40),
        (hash(b"c"), 50, 60),
        (hash(b"d"), 70, 0),
    ]
    assert lists(track) == ([b"d"], [70], [])


def test_an_empty_track_gives_nothing():
    """Draining a track on which nothing happened gives no rows."""
    assert len(drain(Track(1), 0)) == 0


def test_a_refusal_keeps_its_sign():
    """A negative end comes through as it is."""
    assert drain(written([b"a"], [10], [-20]), 0)["end"].tolist() == [-20]


def test_an_interrupted_send_is_told_from_a_refused_one():
    """Of two negative ends the one whose payload says so was interrupted."""
    interrupted = Known(hash(b"a"), 1, interrupted=True)
    raw = drain(written([b"a", interrupted, Known(1, 1)], [1, 2, 3], [-1, -2, -3]), 0)
    assert raw["interrupted"].tolist() == [False, True, False]


def test_a_message_of_unknown_frames_is_told_apart():
    """A multipart message of which frames are missing is marked, whatever its key."""
    raw = drain(written([b"", UNKNOWN], [1, 2], [1]), 0)
    assert raw["unknown"].tolist() == [False, True]
    assert raw["key"][0] == raw["key"][1] == hash(b"")


def test_a_long_payload_that_is_begun_by_hand_is_not_kept():
    """`begin` keeps of a long payload what it is known by, as sockets do."""
    track = Track(1)
    track.begin(b"x" * 10_000)
    assert isinstance(track.payloads[0], Known)
    assert len(track.payloads[0]) == 10_000
