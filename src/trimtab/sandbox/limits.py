"""What a program may use. Knows nothing about how it is held to that."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a program may use.

    Attributes:
        seconds: of wall-clock time, from its start.
        cpu_seconds: of processor time, each process.
        memory: bytes, of all its processes together and of the address space of each.
        file_bytes: size of a file.
        folder_bytes: size of all files (without namespaces, only each file's size is held).
        processes: processes and threads at once, the program itself among them.
        open_files: in a process.
        output_bytes: kept of standard output and of standard error; more is read and thrown away.
    """

    seconds: float = 10.0
    cpu_seconds: int = 10
    memory: int = 1024 * MIB
    file_bytes: int = 16 * MIB
    folder_bytes: int = 64 * MIB
    processes: int = 16
    open_files: int = 64
    output_bytes: int = 64 * 1024
