"""Packages of Debian that tests need and a bare machine lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory


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


def unpack_unstable(packages, root):
    """Unpack packages of Debian's unstable suite into a folder, without what they depend on.

    They come from where this machine has its own packages from, and apt's lists stay as they are.

    Raises
    ------
    NotHereError
        If apt-get finds no such suite, or no such package in it.
    """
    keys = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    ask = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    known = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.split()
    mirrors = [address for address in known if address.rstrip("/").endswith("/debian")]
    if not mirrors or not keys.exists():
        msg = "packages of Debian's unstable suite need a Debian with its keys and a mirror"
        raise NotHereError(msg)
    with TemporaryDirectory() as folder:
        for part in ("lists/partial", "cache/archives/partial"):
            (Path(folder) / part).mkdir(parents=True)
        (Path(folder) / "sources.list").write_text(
            f"deb [signed-by={keys}] {mirrors[0]} sid main\n"
        )
        settings = {
            "Dir::Etc::SourceList": f"{folder}/sources.list",
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State": folder,
            "Dir::State::Status": "/dev/null",
            "Dir::Cache": f"{folder}/cache",
            "APT::Sandbox::User": "root",
        }
        options = [f"-o{key}={value}" for key, value in settings.items()]
        for command in (["update"], ["download", *packages]):
            done = subprocess.run(
                ["apt-get", "-q", *options, *command],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                msg = f"apt-get {command[0]} of the unstable suite: {done.stderr.strip()}"
                raise NotHereError(msg)
        root.mkdir(parents=True)
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
