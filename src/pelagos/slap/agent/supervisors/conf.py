"""The configuration files of a supervisord, as text: the daemon's and one for each group. Pure."""

from __future__ import annotations

import shlex
from pathlib import Path

from pelagos.slap.agent.supervisors.base import Program

#: Seconds after which a program that is kept has started.
START_SECONDS = 1
#: Seconds from the polite signal to the one that cannot be ignored.
STOP_SECONDS = 10
#: Marks programs that are restarted when they end, as SlapOS names them.
KEPT_SUFFIX = "-on-watch"

_MAIN = """\
[unix_http_server]
file = {socket}
chmod = 0600

[supervisord]
logfile = {logs}/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 2
loglevel = info
pidfile = {etc}/supervisord.pid
childlogdir = {logs}
directory = {etc}
umask = 027
minfds = {files}
strip_ansi = false

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = supervisord.conf.d/*.conf
"""

_PROGRAM = """\
[program:{section}]
process_name = {name}
command = {command}
directory = {folder}
environment = HOME="{folder}",LANG="C.UTF-8",PELAGOS_PARTITION="{group}"{user}
autostart = true
autorestart = {autorestart}
startsecs = {startsecs}
startretries = 3
exitcodes = 0
stopsignal = TERM
stopwaitsecs = {stopwaitsecs}
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = {log_limit}
stdout_logfile_backups = 1
"""


def main_text(*, socket: Path, logs: Path, etc: Path, files: int) -> str:
    """The daemon's file, which lies in `etc`; it may hold so many files open."""
    return _MAIN.format(files=files, socket=_escape(socket), logs=_escape(logs), etc=_escape(etc))


def group_text(group: str, programs: tuple[Program, ...], *, log_limit: int) -> str:
    """The file of one group."""
    sections = ",".join(_section(group, program.name) for program in programs)
    head = f"[group:{group}]\nprograms = {sections}\n\n"
    return head + "\n".join(_program_text(group, program, log_limit) for program in programs)


def _program_text(group: str, program: Program, log_limit: int) -> str:
    return _PROGRAM.format(
        section=_section(group, program.name),
        name=process_name(program),
        command=_escape(shlex.quote(str(program.path))),
        folder=_escape(program.folder),
        group=group,
        user=_user(program.user),
        autorestart="true" if program.is_kept else "false",
        startsecs=START_SECONDS if program.is_kept else 0,
        stopwaitsecs=STOP_SECONDS,
        log=_escape(_escape(program.log)),  # supervisor fills this one in twice
        log_limit=log_limit,
    )


def _user(name: str) -> str:
    """The end of the line `environment`, and the line after it."""
    return f',USER="{name}",LOGNAME="{name}"\nuser = {name}' if name else ""


def process_name(program: Program) -> str:
    """The program's name inside its group."""
    return program.name + (KEPT_SUFFIX if program.is_kept else "")


def _section(group: str, name: str) -> str:
    return f"{group}_{name}"


def _escape(value: object) -> str:
    return str(value).replace("%", "%%")
