"""Namespaces of a process's own, and a file system with nothing in it but what a program needs. Knows no limits.

User 0 maps to itself, so that its folders can be mounted, and the program becomes `NOBODY`, whose processes the kernel
counts; any other user maps to itself alone.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from trimtab.sandbox import kernel

FOLDER = "/box"
NOBODY = 65534
# Nothing but shared libraries and programs that come with the system.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")

_OLD = "/.old"
# Where the new root is put together; what is there now is seen again below `_OLD`.
_BASE = "/tmp"


def user_of_program() -> int:
    """The user id that a program runs under when started by this user."""
    return os.getuid() or NOBODY


def enter() -> None:
    """Put this process into namespaces of its own; its next child is the first of a tree of processes of their own.

    Raises:
        OSError: what the kernel does not allow.
    """
    user, group = os.getuid(), os.getgid()
    ready, say_ready = os.pipe()
    supervisor = os.getpid()
    helper = os.fork()
    if helper == 0:  # stays outside: only there may ids be mapped
        done = 1
        try:
            os.close(say_ready)
            if os.read(ready, 1):
                _map_ids(supervisor, user, group)
                done = 0
        finally:
            os._exit(done)
    try:
        kernel.unshare(
            kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
            | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
        )  # fmt: skip
        os.write(say_ready, b"u")
    finally:
        os.close(say_ready)
        os.close(ready)
        status = os.waitpid(helper, 0)[1]
    if status:
        raise PermissionError("uid_map: ids cannot be mapped")


def _map_ids(process: int, user: int, group: int) -> None:
    folder = Path(f"/proc/{process}")
    if user:
        (folder / "setgroups").write_text("deny")
    for name, own in (("uid_map", user), ("gid_map", group if user else 0)):
        with (folder / name).open("w", buffering=1 << 12) as file:  # one write, as the kernel wants
            file.write(f"{own} {own} 1\n" + ("" if user else f"{NOBODY} {NOBODY} 1\n"))


def make_root(readable: Sequence[str], folder_bytes: int) -> None:
    """Change the root to one of the system's programs, `readable` folders, a few devices, /proc, and an empty folder.

    All is read-only but `FOLDER`, which is held in memory and gone with the last process.

    Raises:
        OSError: what the kernel does not allow.
    """
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", _BASE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    Path(_BASE + _OLD).mkdir()
    kernel.change_root(_BASE, _BASE + _OLD)
    for path in dict.fromkeys((*SYSTEM, *readable)):
        _show(path)
    for path in DEVICES:
        _place(Path(path), folder=False)
        kernel.mount(_OLD + path, path, flags=kernel.MS_BIND)
    Path("/dev/shm").symlink_to(FOLDER)
    Path("/proc").mkdir()
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
    Path(FOLDER).mkdir()
    options = f"size={folder_bytes},nr_inodes=4096,mode=700"
    kernel.mount("tmpfs", FOLDER, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, options)
    if os.getuid() == 0:
        os.chown(FOLDER, NOBODY, NOBODY)
    kernel.detach(_OLD)
    Path(_OLD).rmdir()
    kernel.make_read_only("/proc")
    no_writing = kernel.MS_RDONLY | kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("none", "/", flags=kernel.MS_REMOUNT | kernel.MS_BIND | no_writing)


def _show(path: str) -> None:
    """Show a file, folder or link of the old root, if it is there, at its place in the new one, read-only."""
    old = Path(_OLD + path)
    new = Path(path)
    if new.is_symlink() or new.exists() or not (old.is_symlink() or old.exists()):
        return
    if old.is_symlink():
        new.parent.mkdir(parents=True, exist_ok=True)
        new.symlink_to(old.readlink())
        return
    _place(new, folder=old.is_dir())
    kernel.mount(str(old), path, flags=kernel.MS_BIND | kernel.MS_REC)
    kernel.make_read_only(path)


def _place(path: Path, *, folder: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if folder:
        path.mkdir()
    else:
        path.touch()
