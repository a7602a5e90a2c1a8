"""Apptainer of Debian's unstable suite, with the libraries that it was built with beside it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from debian import NotHereError, install, unpack_unstable

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("patchelf", "mksquashfs", "squashfuse")
PACKAGES = ("patchelf", "squashfs-tools", "squashfuse")
UNSTABLE = ("apptainer", "libc6", "libseccomp2", "libsqlite3-0")
LIBRARIES = "usr/lib/x86_64-linux-gnu"


@dataclass
class OwnApptainer:
    """Runs Apptainer from a folder, also under the name of Singularity, whose commands it knows."""

    folder: Path

    def __post_init__(self):
        install(COMMANDS, PACKAGES)
        root = self.folder / "root"
        unpack_unstable(UNSTABLE, root)
        libraries = root / LIBRARIES
        loader = libraries / "ld-linux-x86-64.so.2"
        for program in (root / "usr/bin/apptainer", libraries / "apptainer/bin/starter"):
            told = ("--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries, program)
            done = subprocess.run(["patchelf", *told], capture_output=True, text=True, check=False)
            if done.returncode:
                raise NotHereError(done.stderr.strip())
        # where it looks once it is not in /usr
        for prefix in (root / "usr", root / "usr/lib"):
            (prefix / "etc").symlink_to(root / "etc")
            (prefix / "var/lib/apptainer/mnt/session").mkdir(parents=True)
        # of the machine that runs the tests, whose root may lack some capability
        settings = root / "etc/apptainer/apptainer.conf"
        full = "root default capabilities = full"
        settings.write_text(settings.read_text().replace(full, full.replace("full", "file")))
        (root / "usr/bin/singularity").symlink_to("apptainer")
        if self.run("apptainer", "--version").returncode:
            msg = "Apptainer of Debian's unstable suite does not start here"
            raise NotHereError(msg)

    @property
    def environment(self):
        """What a command needs besides its place on PATH."""
        return {"APPTAINER_CACHEDIR": str(self.folder / "cache")}

    @property
    def programs(self):
        return self.folder / "root/usr/bin"

    def run(self, command, *args, user=None, timeout=120):
        return subprocess.run(
            [self.programs / command, *args],
            env={**os.environ, **self.environment},
            user=user,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def build(self, tar, image):
        """Make an image file of what podman or docker saved."""
        quick = ("--mksquashfs-args", "-comp lz4")
        done = self.run("apptainer", "build", *quick, image, f"docker-archive:{tar}", timeout=600)
        assert done.returncode == 0, done.stderr
