"""A filter of system calls (seccomp(2)), in classic BPF. Knows nothing about what else holds a program.

What is refused: sockets of every kind (pairs that join a program's own processes aside), memory that no limit counts
(System V segments, memfd), namespaces and mounts, other processes' memory, and what only administers a machine.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from trimtab.sandbox import kernel

# machine -> (its AUDIT_ARCH number, the column of `_REFUSED`)
_MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_REFUSED = {
    "socket": (41, 198),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
}
_CLONE, _CLONE3 = (56, 220), 435
_NEW_NAMESPACES = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWCGROUP | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
)  # fmt: skip

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERROR, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; little-endian
_X32 = 0x40000000
_FILTER_MODE = 2


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Instruction)))


def is_available() -> bool:
    """Say whether this kernel filters system calls, and there is a filter for this machine."""
    return os.uname().machine in _MACHINES and "\nSeccomp:" in Path("/proc/self/status").read_text()


def install() -> None:
    """Filter the system calls of this process and its children from now on; refused ones end with EPERM.

    Raises:
        OSError: the kernel has no such filters.
    """
    found = list(_instructions(*_MACHINES[os.uname().machine]))
    filters = (_Instruction * len(found))(*found)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_SECCOMP, _FILTER_MODE, _Program(len(found), filters))


def _instructions(architecture: int, column: int) -> Iterator[_Instruction]:
    yield _Instruction(_LOAD, 0, 0, _ARCHITECTURE)
    yield _Instruction(_EQUAL, 1, 0, architecture)
    yield _Instruction(_RETURN, 0, 0, _KILL)
    yield _Instruction(_LOAD, 0, 0, _NUMBER)
    yield from _if(_AT_LEAST, _X32, _KILL)
    # glibc then falls back to clone, whose flags a filter can see.
    yield from _if(_EQUAL, _CLONE3, _ERROR | errno.ENOSYS)
    for numbers in _REFUSED.values():
        yield from _if(_EQUAL, numbers[column], _ERROR | errno.EPERM)
    yield _Instruction(_EQUAL, 0, 3, _CLONE[column])
    yield _Instruction(_LOAD, 0, 0, _FIRST_ARGUMENT)
    yield from _if(_ANY_BIT, _NEW_NAMESPACES, _ERROR | errno.EPERM)
    yield _Instruction(_RETURN, 0, 0, _ALLOW)


def _if(test: int, k: int, action: int) -> Iterator[_Instruction]:
    yield _Instruction(test, 0, 1, k)
    yield _Instruction(_RETURN, 0, 0, action)
