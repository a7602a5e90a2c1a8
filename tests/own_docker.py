"""A Docker daemon with a socket and storage of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from debian import NotHereError, install

COMMANDS = ("dockerd", "containerd", "docker")
PACKAGES = ("docker.io",)
# of the machine that runs the tests, which may be a container itself; no profile needs them
OPTIONS = (
    *("--iptables=false", "--bridge=none"),
    *("--default-ulimit", "nofile=4096:4096", "--default-ulimit", "nproc=4096:4096"),
)


@dataclass
class OwnDocker:
    """Runs a daemon for as long as it is entered."""

    folder: Path = field(init=False)
    daemon: subprocess.Popen = field(init=False)

    @property
    def environment(self):
        """What a command needs to be told of this daemon rather than another."""
        return {"DOCKER_HOST": f"unix://{self.folder}/docker.sock"}

    def run(self, *command, timeout=120):
        env = {**os.environ, **self.environment}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=timeout, check=False
        )

    def __enter__(self):
        install(COMMANDS, PACKAGES)
        self.folder = Path(mkdtemp(dir="/var/tmp"))
        places = {
            "--host": self.environment["DOCKER_HOST"],
            "--data-root": self.folder / "data",
            "--exec-root": self.folder / "run",
            "--pidfile": self.folder / "docker.pid",
        }
        command = ["dockerd", *OPTIONS]
        for option, value in places.items():
            command += [option, str(value)]
        with (self.folder / "dockerd.log").open("w") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while self.run("docker", "info").returncode:
            if self.daemon.poll() is not None or time.monotonic() > end:
                last = (self.folder / "dockerd.log").read_text().strip().splitlines()[-1:]
                self.__exit__()
                msg = f"no Docker daemon starts here: {last}"
                raise NotHereError(msg)
            time.sleep(0.5)
        return self

    def __exit__(self, *error):
        self.daemon.terminate()
        self.daemon.wait(timeout=60)
        subprocess.run(
            ["umount", self.folder / "run/netns/default"], capture_output=True, check=False
        )
        shutil.rmtree(self.folder)
