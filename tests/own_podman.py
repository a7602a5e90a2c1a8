"""Podman with settings and storage of its own, and the CPU image on a base of Debian packages."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from debian import NotHereError, install
from sicmir_atlas import __version__

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sicmir-atlas"
COMMANDS = ("podman", "runc", "mmdebstrap")
PACKAGES = (
    *("podman", "runc", "fuse-overlayfs", "slirp4netns", "uidmap", "netavark", "aardvark-dns"),
    *("mmdebstrap", "debian-archive-keyring"),
)
# of the machine that runs the tests, which may be a container itself; no profile needs them
CONTAINERS = """\
[containers]
netns = "host"
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{cache}/podman"
runroot = "{folder}/run"
"""
BASE = "localhost/sicmir-atlas-debian"
IMAGE = f"sicmir-atlas-cpu:{__version__}"
FROM_HERE = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")


@dataclass
class OwnPodman:
    """Runs podman; what was built stays in a cache, and other images are left alone."""

    folder: Path

    def __post_init__(self):
        install(COMMANDS, PACKAGES)
        CACHE.mkdir(parents=True, exist_ok=True)
        (self.folder / "containers.conf").write_text(CONTAINERS)
        storage = STORAGE.format(cache=CACHE, folder=self.folder)
        (self.folder / "storage.conf").write_text(storage)

    @property
    def environment(self):
        """What a command needs to be this podman rather than another."""
        return {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }

    def run(self, *command, timeout=120):
        env = {**os.environ, **self.environment, "ENGINE": "podman"}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def __call__(self, *command, **options):
        """Give what podman says."""
        done = self.run("podman", *command, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def build(self):
        """Build the CPU image as a user would, on the base that was made once."""
        tar = CACHE / "debian-base.tar"
        if not tar.exists():
            made = self.run(ROOT / "tools/debian_base.sh", tar, timeout=900)
            if made.returncode:
                raise NotHereError(made.stderr.strip().splitlines()[-1])
        if self.run("podman", "image", "exists", BASE).returncode:
            self("import", "-q", tar, BASE)
        seen = [f"{path}:{path}:ro" for path in FROM_HERE if Path(path).exists()]
        built = self.run(
            *(ROOT / "tools/build_image.sh", "cpu", "--build-arg", f"BASE={BASE}"),
            *(part for mount in seen for part in ("-v", mount)),
            timeout=1200,
        )
        assert built.returncode == 0, built.stderr
