"""What a process sees from within its namespaces, told by a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

import needs
from trimtab.sandbox import namespaces

WITHIN = """
import json, os, sys
from trimtab.sandbox import kernel, namespaces
def own():
    return {name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns") if "_for_" not in name}
python, readable = os.path.realpath(sys.executable), [os.path.realpath(sys.base_prefix), "/not/there"]
outside = own()
try:
    namespaces.enter()
except OSError as error:
    print(json.dumps({"refused": str(error)}))
    raise SystemExit
if (child := os.fork()):
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
namespaces.make_root(readable, 1 << 20)
def tried(path):
    try:
        open(path, "w").close()
        return "written"
    except OSError as error:
        return error.strerror
print(json.dumps({
    "pid": os.getpid(),
    "shared": [name for name, link in own().items() if link == outside[name]],
    "root": sorted(os.listdir("/")),
    "maps": [line.split() for line in open("/proc/self/uid_map")],
    "box": os.listdir(namespaces.FOLDER),
    "python": os.path.exists(python),
    "missing": os.path.exists("/not/there"),
    "writes": {path: tried(path) for path in ("/x", "/usr/x", "/dev/x", namespaces.FOLDER + "/x")},
    "null": tried("/dev/null"),
    "devices": sorted(os.listdir("/dev")),
    "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line],
}))
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", WITHIN], env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if "refused" in found:
        pytest.skip(f"no namespaces: {found['refused']}. {needs.ALLOW_NAMESPACES}")
    return found


def test_every_namespace_is_its_own(seen: dict[str, Any]) -> None:
    assert seen["pid"] == 1
    assert set(seen["shared"]) <= {"time"}  # which shows nothing
    assert seen["interfaces"] == ["lo"]


def test_users_are_mapped_to_themselves_alone(seen: dict[str, Any]) -> None:
    own = str(os.getuid())
    others = [] if os.getuid() else [[str(namespaces.NOBODY)] * 2 + ["1"]]
    assert seen["maps"] == [[own, own, "1"], *others]
    assert namespaces.user_of_program() == (os.getuid() or namespaces.NOBODY)


def test_the_root_holds_what_a_program_needs(seen: dict[str, Any]) -> None:
    top = "/" + os.path.realpath(sys.base_prefix).split("/")[1]
    allowed = {path.split("/")[1] for path in (*namespaces.SYSTEM, top)} | {"dev", "proc", "box"}
    assert set(seen["root"]) <= allowed
    assert {"usr", "dev", "proc", "box"} <= set(seen["root"])
    assert seen["devices"] == ["full", "null", "random", "shm", "urandom", "zero"]
    assert (seen["box"], seen["python"], seen["missing"]) == ([], True, False)


def test_one_folder_can_be_written(seen: dict[str, Any]) -> None:
    refused = "Read-only file system"
    assert seen["writes"] == {
        "/x": refused, "/usr/x": refused, "/dev/x": refused, "/box/x": "written",
    }  # fmt: skip
    assert seen["null"] == "written"
