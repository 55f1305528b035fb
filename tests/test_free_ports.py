"""A block of ports belongs to one process; the ports of a notebook come from it."""

import socket

import free_ports
import pytest
from free_ports import BLOCK_SIZE, PortBlock


@pytest.fixture
def block():
    block = PortBlock()
    yield block
    block.close()


def test_two_blocks_have_no_port_in_common(monkeypatch, block):
    """A second block is another one, even where only two blocks exist."""
    (taken,) = {block.take() // BLOCK_SIZE for _ in range(BLOCK_SIZE)}
    both = range(taken * BLOCK_SIZE, (taken + 2) * BLOCK_SIZE)
    monkeypatch.setattr(free_ports, "RANGE", both)
    other = PortBlock()
    assert {other.take() // BLOCK_SIZE for _ in range(BLOCK_SIZE)} == {taken + 1}
    other.close()


def test_a_port_in_use_is_passed_over(block):
    """A port that a socket has bound is not given."""
    with socket.create_server(("127.0.0.1", block.take())) as server:
        assert server.getsockname()[1] not in {block.take() for _ in range(2 * BLOCK_SIZE)}


def test_equal_ports_stay_equal(block):
    """Sources that meet at one port meet at one free port; different ports stay different."""
    sources = "bind tcp://127.0.0.1:5559", "connect tcp://127.0.0.1:5559", "tcp://127.0.0.1:5560"
    bind, connect, other = (it.rpartition(":")[2] for it in block.replace_ports(*sources))
    assert bind == connect != other
    assert bind != "5559"


def test_other_numbers_are_kept(block):
    """Only ports of 127.0.0.1 are replaced, and only numbers."""
    source = "tcp://*:5559 tcp://127.0.0.1:* tcp://192.0.2.1:5559 5559"
    assert block.replace_ports(source) == [source]
