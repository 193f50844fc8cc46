"""What is in sight behind the walls, and what is not."""

import pytest

from benchmark.code import ROOT
from benchmark.isolation.limits import Limits
from benchmark.isolation.pool import sandbox_of
from benchmark.isolation.walls import MODE, SCRATCH, bubblewrap, environment, walls

behind_walls = pytest.mark.skipif(walls().kind != "bubblewrap", reason=f"bubblewrap does not work: {walls().detail}")


def tell(text: str) -> str:
    """Run code where a submission runs, and return what it prints."""
    content = f"import os, socket, pathlib\n{text}\nimport sys; sys.stdout.flush(); os._exit(0)".encode()
    sandbox = sandbox_of("asks.py", "sha", content)
    (sandbox.inbox / "asks.py").write_bytes(content)
    return sandbox.run(
        {"kind": "describe", "file": "asks.py", "class_name": "", "settings": {}}, Limits(seconds=60)
    ).log


@behind_walls
def test_what_is_out_of_sight(tmp_path) -> None:
    (tmp_path / "secret").touch()
    hidden = [ROOT / "leaderboard", ROOT / "output", ROOT / ".git", ROOT / "tests", tmp_path / "secret"]
    asked = {
        "hidden": f"[os.path.exists(p) for p in {[str(path) for path in hidden]}]",
        "processes": "sorted(int(name) for name in os.listdir('/proc') if name.isdigit())[:1]",
        "how many": "len([name for name in os.listdir('/proc') if name.isdigit()])",
        "parent": "os.getppid()",
        "interfaces": "[name for _, name in socket.if_nameindex()]",
    }
    found = tell("print({" + ", ".join(f"{key!r}: ({code})" for key, code in asked.items()) + "})")
    assert f"'hidden': {[False] * 5}" in found
    assert "'processes': [1], 'how many': 2" in found
    assert "'parent': 1" in found
    assert "'interfaces': ['lo']" in found


@behind_walls
def test_what_cannot_be_written() -> None:
    places = [str(ROOT / "benchmark"), "/usr", "/dev", "/", "/tmp", "/exchange/in", "/etc"]  # noqa: S108
    found = tell(f"""
wrote = []
for place in {places}:
    try:
        open(place + '/mark', 'w').close(); wrote.append(place)
    except OSError: pass
open('/exchange/out/mark', 'w').close(); open({SCRATCH[0]!r} + '/mark', 'w').close()
print('wrote', wrote)""")
    assert found == "wrote []"


@behind_walls
def test_process_1_cannot_be_killed_or_read() -> None:
    found = tell("""
import signal, time
os.kill(1, signal.SIGKILL); time.sleep(0.2)
try: open('/proc/1/mem', 'rb'); print('open')
except OSError as error: print(type(error).__name__)""")
    assert found == "PermissionError"


def test_the_environment_holds_what_numbers_depend_on(monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    found = environment("/home")
    assert found["MKL_CBWR"] == "COMPATIBLE"
    assert found["HOME"] == found["TMPDIR"] == "/home"
    assert "AWS_SECRET_ACCESS_KEY" not in found


def test_inner_folders_are_mounted_after_outer_ones(tmp_path) -> None:
    command = bubblewrap(tmp_path, tmp_path)
    places = [command[at + 2] for at, word in enumerate(command) if word == "--ro-bind"]
    for at, place in enumerate(places):
        assert not any(earlier.startswith(f"{place}/") for earlier in places[:at])


def test_another_mode_is_refused(monkeypatch) -> None:
    walls.cache_clear()
    monkeypatch.setenv(MODE, "none")
    with pytest.raises(ValueError, match="must be 'process' or unset, got 'none'"):
        walls()
    monkeypatch.undo()
    walls.cache_clear()


def test_without_bubblewrap_it_says_so(monkeypatch) -> None:
    walls.cache_clear()
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(MODE, raising=False)
    found = walls()
    walls.cache_clear()
    assert found.kind == "process"
    assert "bubblewrap is not installed" in found.detail
