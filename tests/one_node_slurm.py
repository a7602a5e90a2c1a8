"""A real Slurm on this machine, with two stand-in GPUs: its own daemons, folder, ports and key."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from debian import NotHereError

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
COMMANDS = ("slurmctld", "slurmd", "sbatch", "munged")
GPUS = 2
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/ended.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0
SlurmdParameters=config_overrides
ReturnToService=2
PropagateResourceLimits=NONE
KillWait=5
MinJobAge=900
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 {size} Gres=gpu:a100:{gpus} State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=01:00:00 State=UP
PartitionName=gpu Nodes={host} Default=NO MaxTime=01:00:00 State=UP
"""


@dataclass
class OneNodeSlurm:
    """Starts munged, slurmctld and slurmd in the foreground, and ends them again.

    The stand-ins for GPUs are null devices: they prove what is scheduled where, and can neither
    compute nor be fenced off.
    """

    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix="slurm-", dir="/run")))
    daemons: list[subprocess.Popen] = field(default_factory=list)
    cpus: int = 8
    memory_mb: int = 32768

    def __enter__(self):
        try:
            self._configure()
            self._start_munge()
            self._start("slurmctld", "-D", "-c")
            self._start("slurmd", "-D")
            self._wait("an idle node", lambda: self("sinfo", "-h", "-o", "%T").startswith("idle"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if len(self.daemons) == 3:
            self("scancel", *self("squeue", "-h", "-o", "%i").split())
            with suppress(RuntimeError):  # daemons are ended whether or not jobs did
                self._wait("jobs to end", lambda: not self("squeue", "-h"))
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder)

    @property
    def environment(self):
        """What a command needs to find this Slurm rather than another."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def __call__(self, *command):
        """Give what a command of Slurm says."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return done.stdout

    def jobs(self):
        """Every job that was ever submitted: what `scontrol show job` says of it."""
        told = self("scontrol", "--oneliner", "show", "job")
        return [
            dict(part.partition("=")[::2] for part in line.split() if "=" in part)
            for line in told.splitlines()
            if line.startswith("JobId=")
        ]

    def ended(self):
        """Name and state of every job that has ended, in that order."""
        log = self.folder / "ended.txt"
        lines = log.read_text().splitlines() if log.exists() else []
        parts = [dict(part.partition("=")[::2] for part in line.split()) for line in lines]
        return [(part["Name"], part["JobState"]) for part in parts]

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        self.folder.chmod(0o755)
        for name in ("state", "spool", "munge"):
            (self.folder / name).mkdir(mode=0o700)
        with socket.socket() as one, socket.socket() as two:
            for port in (one, two):
                port.bind(("127.0.0.1", 0))
            ports = [port.getsockname()[1] for port in (one, two)]
        try:
            for i in range(GPUS):  # the last digit becomes the index in CUDA_VISIBLE_DEVICES
                gpu = self.folder / f"nvidia{i}"
                os.mknod(gpu, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError as error:
            msg = "this machine lets nobody make a device file"
            raise NotHereError(msg) from error
        size = f"CPUs={self.cpus} RealMemory={self.memory_mb}"
        filled = {"host": host, "folder": self.folder, "ports": ports, "size": size, "gpus": GPUS}
        described = CONFIGURATION.format(**filled)
        (self.folder / "slurm.conf").write_text(described)
        devices = f"{self.folder}/nvidia[0-{GPUS - 1}]"
        (self.folder / "gres.conf").write_text(f"Name=gpu Type=a100 File={devices}\n")

    def _start(self, *command):
        with (self.folder / f"{command[0]}.out").open("w") as out:
            daemon = subprocess.Popen(
                command,
                env={**os.environ, **self.environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.daemons.append(daemon)

    def _start_munge(self):
        place = self.folder / "munge"
        (place / "key").write_bytes(os.urandom(1024))
        (place / "key").chmod(0o400)
        self._start(
            *("munged", "--foreground", f"--socket={self.folder}/munge.socket"),
            *(f"--{name}-file={place}/{name}" for name in ("key", "log", "pid", "seed")),
        )
        self._wait("munged", (self.folder / "munge.socket").exists)

    def _wait(self, what, ready, seconds=30):
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or any(daemon.poll() is not None for daemon in self.daemons):
                logs = [*self.folder.glob("*.out"), *self.folder.glob("*.log")]
                said = "\n".join(log.read_text()[-2000:] for log in logs)
                msg = f"Slurm is stuck, waiting for {what}:\n{said}"
                raise RuntimeError(msg)
            time.sleep(0.1)
