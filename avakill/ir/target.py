"""The facts of a target: what a policy is compiled for. Inputs, so that compiling works on any machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    """A command name and the absolute paths that running it executes: its binary, ELF and script interpreters."""

    name: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """`links` are symbolic links on the literal prefixes of the policy's patterns, (link, resolved), both absolute.

    `protected` are self-protection's objects: files, and directories that end in `/` (all below them too).
    `entry` are the paths of the launched program with its interpreters, `libraries` what it must read to start.
    `existing` are the literal prefixes of the policy's patterns that exist, None where nobody looked.
    """

    home: str = "/home/agent"
    workspace: str = "/home/agent/project"
    os: str = "linux"
    arch: str = "x86_64"
    kernel: str = ""
    landlock_abi: int = 7
    ignores_case: bool = False
    links: tuple[tuple[str, str], ...] = ()
    programs: tuple[Program, ...] = ()
    protected: tuple[str, ...] = ()
    entry: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    existing: tuple[str, ...] | None = None

    def program(self, name: str) -> Program | None:
        return next((program for program in self.programs if program.name == name), None)
