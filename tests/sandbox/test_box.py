"""The sandbox itself, against programs that try to get out; each ends soon and stays small even where nothing holds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import needs
from trimtab.sandbox.box import Outcome, run_program
from trimtab.sandbox.limits import MIB, Limits

SMALL = Limits(seconds=20, cpu_seconds=10, memory=300 * MIB, processes=8, output_bytes=4096)
REFUSED = "This machine cannot isolate programs: "


@pytest.fixture(scope="module", autouse=True)
def _namespaces() -> None:
    needs.namespaces()


def run(program: str, tests: str = "", limits: Limits = SMALL) -> Outcome:
    return run_program(program, tests, limits=limits)


def tried(attempts: str) -> str:
    """A program that prints, for every line of `attempts`, what that came to: `done`, or the exception's type."""
    lines = [line for line in attempts.strip().splitlines() if line.strip()]
    return f"""
import ctypes, os, pathlib, resource, signal, socket, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def call(*numbers):
    if libc.syscall(*numbers) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
for line in {lines!r}:
    try:
        exec(line)
        print("done")
    except Exception as error:
        print(type(error).__name__)
"""


def test_programs_that_pass_and_fail() -> None:
    found = run("def double(x):\n    return 2 * x\nprint('你好 👍')", "assert double(3) == 6")
    assert (found.result, found.error, found.line, found.stdout, found.stderr) == ("passed", "", "", "你好 👍\n", "")
    assert found.isolation == ("namespaces", "seccomp", "limits")
    assert 0 < found.seconds < 20
    found = run("def double(x):\n    return x", "assert double(3) == 6, f'one\\n{double(3)} is wrong'")
    assert (found.result, found.error, found.line) == ("failed", "AssertionError", "3 is wrong")
    assert 'File "tests.py", line 1' in found.stderr
    assert "driver" not in found.stderr


@pytest.mark.parametrize(
    ("program", "error", "line"),
    [
        ("def f(:", "SyntaxError", "invalid syntax (program.py, line 1)"),
        ("raise SystemExit(0)", "SystemExit", "0"),
        ("import os; os._exit(0)", "exit 0", "The program left before its tests had ended."),
        ("import os; os.abort()", "SIGABRT", ""),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL", ""),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
        ("input()", "EOFError", "EOF when reading a line"),
        ("class E(Exception):\n    def __str__(self): raise self\nraise E", "E", ""),
        ("raise ValueError('x' * 10_000)", "ValueError", "x" * 500),
        ("open('/home/none')", "FileNotFoundError", "[Errno 2] No such file or directory: '/home/none'"),
    ],
)
def test_how_programs_fail(program: str, error: str, line: str) -> None:
    found = run(program, "print('reached')")
    assert (found.result, found.error, found.line, found.stdout) == ("failed", error, line, "")


def test_a_child_that_ends_well_does_not_speak_for_its_parent() -> None:
    found = run("import os, time\nif os.fork():\n    os.wait()\n    raise ValueError('parent')")
    assert (found.result, found.line) == ("failed", "parent")


def test_time() -> None:
    short = Limits(seconds=1, memory=300 * MIB)
    begun = time.monotonic()
    assert run("while True: pass", limits=short).result == "timed out"
    assert run("import time; time.sleep(60)", limits=short).result == "timed out"
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(60,)).start()"
    assert run(thread, limits=Limits(seconds=20, memory=300 * MIB)).result == "passed"  # nobody waits for its threads
    stubborn = "import signal\nfor s in (2, 15, 24): signal.signal(s, signal.SIG_IGN)\nwhile True: pass"
    found = run(stubborn, limits=Limits(seconds=20, cpu_seconds=1, memory=300 * MIB))
    assert found.result == "timed out"
    assert time.monotonic() - begun < 60


def test_memory() -> None:
    found = run("held = [bytearray(1 << 20) for _ in range(600)]", limits=Limits(seconds=20, memory=100 * MIB))
    assert (found.result, found.error) == ("memory", "MemoryError")
    # Each of four processes stays within what one may have; together they do not.
    several = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        held = bytearray(60 << 20)
        time.sleep(10)
        os._exit(0)
time.sleep(10)
"""
    found = run(several, limits=Limits(seconds=20, memory=150 * MIB))
    assert found.result == "memory"
    assert found.seconds < 8


def test_memory_that_no_limit_counts_cannot_be_had() -> None:
    attempts = """
call(29 if os.uname().machine == "x86_64" else 194, 0, 1 << 20, 0o1600)
os.memfd_create("x")
open("/dev/shm/x", "wb").write(bytes(40 << 20))
"""
    found = run(tried(attempts), limits=Limits(seconds=20, memory=300 * MIB, folder_bytes=8 * MIB, file_bytes=64 * MIB))
    assert found.stdout.split() == ["PermissionError", "PermissionError", "OSError"]


def test_a_fork_bomb_comes_to_nothing() -> None:
    bomb = """
import os, time
for _ in range(100):
    try:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        print("forked", flush=True)
    except BlockingIOError:
        print("refused", flush=True)
        raise
"""
    found = run(bomb)
    assert (found.result, found.error) == ("forbidden", "BlockingIOError")
    assert found.stdout.split() == ["forked"] * (SMALL.processes - 1) + ["refused"]
    # One that goes on by itself: every child forks again, nobody waits.
    found = run("import os, time\nfor _ in range(6):\n    try: os.fork()\n    except OSError: pass\ntime.sleep(2)")
    assert found.result == "passed"


def test_a_flood_of_output_is_cut() -> None:
    found = run("import os\nwhile True: os.write(1, b'x' * 65536); os.write(2, b'y' * 65536)", limits=Limits(
        seconds=1, memory=300 * MIB, output_bytes=1000,
    ))  # fmt: skip
    assert (found.result, found.stdout, found.stderr) == ("timed out", "x" * 1000, "y" * 1000)


def test_files_outside_its_folder_are_neither_seen_nor_written(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("precious")
    tmp_path.chmod(0o777)
    repository = Path(__file__).parents[2]
    places = [tmp_path, Path.home(), Path("/tmp"), Path("/var/tmp"), Path("/dev"), Path("/proc"), Path("/"), repository]
    name = f"left-{uuid.uuid4().hex}"
    writes = "\n".join(f"open({str(place / name)!r}, 'w')" for place in places)
    deletes = f"os.unlink({str(secret)!r})\nos.rename({str(tmp_path)!r}, '/box/x')\nopen({str(secret)!r})"
    packages = "open(os.path.join(os.path.dirname(os.__file__), 'os.py'), 'a')\nopen('/proc/sys/kernel/hostname', 'w')"
    found = run(tried(f"{writes}\n{deletes}\n{packages}"))
    assert "done" not in found.stdout.split()
    assert len(found.stdout.split()) == len(places) + 5
    assert secret.read_text() == "precious"
    assert not [place for place in places if (place / name).exists()]


def test_its_own_folder_is_small_and_gone_afterwards() -> None:
    limits = Limits(seconds=20, memory=300 * MIB, file_bytes=4 * MIB, folder_bytes=8 * MIB)
    program = """
import os, pathlib, tempfile
assert os.getcwd() == os.environ["HOME"] == tempfile.gettempdir() and os.listdir() == []
pathlib.Path("a").write_bytes(bytes(3 << 20))
pathlib.Path("b").write_bytes(bytes(3 << 20))
"""
    assert run(program, limits=limits).result == "passed"
    found = run(program, "pathlib.Path('c').write_bytes(bytes(3 << 20))", limits)
    assert (found.result, found.line) == ("forbidden", "[Errno 28] No space left on device")
    found = run("open('c', 'wb', 0).write(bytes(4 << 20))\nopen('c', 'ab', 0).write(b'x')", "", limits)
    assert (found.result, found.line) == ("forbidden", "[Errno 27] File too large")
    found = run("files = [open('/dev/null') for _ in range(100)]")
    assert (found.result, found.line[:9]) == ("forbidden", "[Errno 24")


def test_no_sockets(tmp_path: Path) -> None:
    abstract = f"\0trimtab-{uuid.uuid4().hex}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix, socket.socket(
        socket.AF_UNIX
    ) as hidden:  # fmt: skip
        unix.bind(str(tmp_path / "s"))
        hidden.bind(abstract)
        for server in (unix, hidden):
            server.listen()
        attempts = f"""
socket.create_connection(("127.0.0.1", {tcp.getsockname()[1]}), 2)
socket.create_connection(("192.0.2.1", 80), 2)
socket.create_server(("127.0.0.1", 0))
socket.socket(socket.AF_UNIX).connect({str(tmp_path / "s")!r})
socket.socket(socket.AF_UNIX).connect({abstract!r})
socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)
socket.getaddrinfo("example.org", 80)
assert open("/proc/net/dev").read().count(":") > 1
socket.socketpair()
"""
        found = run(tried(attempts))
        *refused, devices, pair = found.stdout.split()
        assert refused[:6] == ["PermissionError"] * 6
        assert refused[6] == "gaierror"
        assert (devices, pair) == ("AssertionError", "done")  # a loopback that is down; pairs stay within the program
        for server in (tcp, unix, hidden):
            server.settimeout(0)
            with pytest.raises(BlockingIOError):
                server.accept()


def test_other_processes_are_out_of_reach() -> None:
    mine = os.getpid()
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        attempts = f"""
os.kill({mine}, signal.SIGUSR1)
os.kill(os.getppid(), signal.SIGKILL)
os.kill(1, signal.SIGUSR1)
assert sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) == [1, os.getpid()]
open("/proc/1/mem", "r+b")
open("/proc/1/environ").read()
call(101 if os.uname().machine == "x86_64" else 117, 16, 1, 0, 0)
print("alive")
"""
        found = run(tried(attempts))
    finally:
        signal.signal(signal.SIGUSR1, before)
    words = found.stdout.split()
    assert (found.result, words[0], words[3], words[4:7]) == (
        "passed", "ProcessLookupError", "done", ["PermissionError"] * 3,
    )  # fmt: skip
    assert words[-2:] == ["alive", "done"]
    assert not seen
    assert run("import os; os.kill(-1, 9)").result in {"failed", "passed", "forbidden"}


def test_no_way_to_more_rights() -> None:
    attempts = """
os.setuid(0)
call(272 if os.uname().machine == "x86_64" else 97, 0x10000000)
call(56 if os.uname().machine == "x86_64" else 220, 0x10000000 | 17, 0, 0, 0, 0)
call(435, 0, 0)
call(165 if os.uname().machine == "x86_64" else 40, 0, 0, 0, 0, 0)
call(161 if os.uname().machine == "x86_64" else 51, b"/box")
call(425, 1, 0)
os.mknod("device", 0o600 | 0o60000, os.makedev(8, 0))
resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
subprocess.run(["true"], check=True)
"""
    found = run(tried(attempts))
    words = found.stdout.split()
    refused = {"PermissionError", "OSError", "ValueError"}
    assert set(words[:-1]) <= refused, words
    assert words[-1] == "done"
    status = "fields = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
    held = "assert int(fields['CapEff'], 16) == int(fields['CapPrm'], 16) == 0 and int(fields['NoNewPrivs']) == 1"
    assert run(status, held).result == "passed"


def test_the_environment_and_open_files_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = uuid.uuid4().hex
    monkeypatch.setenv("TRIMTAB_SECRET", secret)
    (tmp_path / "open").write_text(secret)
    with (tmp_path / "open").open() as file:
        os.set_inheritable(file.fileno(), True)
        found = run("""
import glob, os, sys
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try:
        print(open(path).read())
    except OSError:
        pass
print(sorted(set(os.environ) - {"LC_CTYPE"}))
descriptors = [d for d in range(64) if os.path.exists(f"/proc/self/fd/{d}")]
print(descriptors, sys.stdin.read())
""", limits=Limits(seconds=20, memory=300 * MIB))  # fmt: skip
    assert secret not in found.stdout
    assert "['HOME', 'PATH', 'TMPDIR']\n[0, 1, 2, 4] \n" in found.stdout


def processes_with(mark: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if mark.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                pass
    return found


def wait_for(mark: str, *, there: bool) -> None:
    until = time.monotonic() + 30
    while bool(processes_with(mark)) != there:
        assert time.monotonic() < until, f"processes with {mark} there: {not there}"
        time.sleep(0.05)


ORPHAN = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(40)", "{mark}"], start_new_session=True)
    os._exit(0)
os.wait()
time.sleep({seconds})
"""


def test_nothing_outlives_it() -> None:
    mark = uuid.uuid4().hex
    seen: list[list[int]] = []
    watch = threading.Thread(target=lambda: (wait_for(mark, there=True), seen.append(processes_with(mark))))
    watch.start()
    found = run(ORPHAN.format(mark=mark, seconds=3))
    watch.join()
    assert found.result == "passed"
    assert seen
    assert processes_with(mark) == []


def test_nothing_outlives_who_asked_for_it() -> None:
    mark = uuid.uuid4().hex
    program = ORPHAN.format(mark=mark, seconds=30)
    code = f"from trimtab.sandbox.box import run_program; run_program({program!r})"
    asking = subprocess.Popen([sys.executable, "-c", code])
    wait_for(mark, there=True)
    asking.kill()
    asking.wait()
    wait_for(mark, there=False)


def test_several_at_once() -> None:
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda n: run(f"print({n})", f"assert {n} % 2"), range(6)))
    assert [outcome.result for outcome in found] == ["failed", "passed"] * 3
    assert [outcome.stdout for outcome in found] == [f"{n}\n" for n in range(6)]


def test_a_machine_without_namespaces_refuses() -> None:
    code = (
        "from trimtab.sandbox import seccomp\nfrom trimtab.sandbox.box import run_program\n"
        "seccomp.install()\nrun_program('print(1)')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "trimtab.errors.TrimtabError: This machine cannot isolate programs: unshare: Operation not permitted. "
        "The program was not run. Allow user namespaces, to this user or in the container's settings. "
        "On a machine where nothing can be lost, `isolation: limits` runs programs with limits alone."
    )
    assert done.stdout == ""
