"""The public names of `pushpull_kit`, and what importing it loads."""

import subprocess
import sys

import pytest

import pushpull_kit


def test_the_public_names():
    """`__all__` lists exactly these names."""
    assert pushpull_kit.__all__ == [
        "Context",
        "EndpointError",
        "Events",
        "Experiment",
        "Failure",
        "Message",
        "Picture",
        "Predict",
        "PushPullError",
        "ReceiveBuffer",
        "Revealed",
        "Run",
        "SendBuffer",
        "Summary",
        "Timeline",
        "Timings",
        "Worker",
        "WorkerStoppedError",
        "WorkerStuckError",
        "WrongThreadError",
        "draw",
        "fresh_context",
    ]


@pytest.mark.parametrize("name", pushpull_kit.__all__)
def test_a_public_name_has_a_docstring(name):
    """Each public name can be imported and has a docstring."""
    assert getattr(pushpull_kit, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    """Some names are imported on first use; an unknown name still raises AttributeError."""
    with pytest.raises(AttributeError, match="'pushpull_kit' has no attribute 'Timeline2'"):
        pushpull_kit.Timeline2  # noqa: B018


@pytest.fixture(scope="module")
def loaded():
    """The modules that a new interpreter has loaded after `import pushpull_kit`."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, pushpull_kit; print(*sys.modules)"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("library", ["matplotlib", "pandas", "IPython", "ipykernel", "ipywidgets"])
def test_importing_the_package_is_light(loaded, library):
    """`import pushpull_kit` imports none of the large libraries."""
    assert library not in loaded
