"""Packages of Debian that tests need and a bare machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess


class NotHereError(Exception):
    """What a test needs cannot be had on this machine; the message says why."""


def install(commands, packages):
    """Install packages where one of the commands is missing.

    Raises
    ------
    NotHereError
        If this user may not, or apt-get cannot.
    """
    missing = [name for name in commands if not shutil.which(name)]
    if os.geteuid() != 0:
        msg = f"{commands[0]} of one's own needs root"
        raise NotHereError(msg)
    if not missing:
        return
    if not shutil.which("apt-get"):
        msg = f"neither {missing[0]} nor apt-get is here: install {', '.join(packages)}"
        raise NotHereError(msg)
    get = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True}
    if subprocess.run(get, check=False, **quiet).returncode:
        subprocess.run(["apt-get", "update"], check=False, **quiet)
        if subprocess.run(get, check=False, **quiet).returncode:
            msg = f"apt-get cannot install {', '.join(packages)}"
            raise NotHereError(msg)
