"""One run at a time writes into a folder, on disks and in object stores."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import zipfile

import pytest


def test_one_run_at_a_time_writes_into_a_folder(nextflow, script, tmp_path):
    main = script(
        "include { lockFolder } from 'UTILS/locks'\n"
        'workflow { def lock = lockFolder(file(params.to))\n println("held: ${lock != null}") }\n'
    )
    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as taken:
        fcntl.lockf(taken, fcntl.LOCK_EX)
        run = nextflow.run("--to", out, main=main)
    assert run.code == 1
    assert f"Another run is writing into {out}" in run.output
    assert "held: true" in nextflow.run("--to", out, main=main).output

    (out / ".lock").unlink()
    (out / ".lock").mkdir()  # as little to be opened as that of a colleague
    run = nextflow.run("--to", out, main=main)
    assert run.code == 1
    assert f"Nothing can be written into {out}" in run.output
    assert "give another --outdir" in run.output


NO_LOCKS = """\
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int lies_there(int fd) {
    char link[64], path[4096] = "";
    const char *folder = getenv("WITHOUT_LOCKS");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return readlink(link, path, sizeof path - 1) > 0 && !strncmp(path, folder, strlen(folder));
}

static int answer(const char *name, int fd, int cmd, void *what) {
    if ((cmd == F_SETLK || cmd == F_OFD_SETLK) && lies_there(fd)) {
        errno = ENOLCK;
        return -1;
    }
    int (*next)(int, int, ...) = dlsym(RTLD_NEXT, name);
    return next(fd, cmd, what);
}

#define SHADOW(name)                                    \\
    int name(int fd, int cmd, ...) {                    \\
        va_list rest;                                   \\
        va_start(rest, cmd);                            \\
        void *what = va_arg(rest, void *);              \\
        va_end(rest);                                   \\
        return answer(#name, fd, cmd, what);            \\
    }
SHADOW(fcntl)
SHADOW(fcntl64)
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc makes a file system without locks")
def test_a_file_system_without_locks_gets_a_lease(nextflow, script, tmp_path):
    """As Lustre mounted without flock: the system call for locks answers that there are none."""
    (tmp_path / "no_locks.c").write_text(NO_LOCKS)
    library = tmp_path / "no_locks.so"
    command = ("gcc", "-shared", "-fPIC", "-o", library, tmp_path / "no_locks.c", "-ldl")
    subprocess.run(command, check=True)
    main = script(
        "include { lockFolder } from 'UTILS/locks'\n"
        "workflow { def lock = lockFolder(file(params.to))\n"
        "println(file(params.to).resolve('.lease.json').text)\n lock.close() }\n"
    )
    out = tmp_path / "out"
    env = {"LD_PRELOAD": str(library), "WITHOUT_LOCKS": str(out)}
    run = nextflow.run("--to", out, main=main, **env)
    assert run.code == 0, run.output
    assert "is on a file system without locks" in run.output
    assert '"until":' in run.output
    assert not (out / ".lease.json").exists()

    lease = {"session": "other", "run": "happy_darwin", "host": "far", "until": 9999999999999}
    (out / ".lease.json").write_text(json.dumps(lease))
    for more in (env, {}):  # nor may a run for which the same folder has locks
        run = nextflow.run("--to", out, main=main, **more)
        assert run.code == 1
        assert "Another run is writing into" in run.output
    (out / ".lease.json").write_text(json.dumps(lease | {"until": 1000}))
    nextflow.run("--to", out, main=main)
    assert not (out / ".lease.json").exists(), "what ran out says nothing"


LEASE = """\
include { leaseFolder ; lockFolder ; refuseLost } from 'UTILS/locks'

workflow {
    def uri = java.net.URI.create("jar:file://${params.zip}")
    def store = java.nio.file.FileSystems.newFileSystem(uri, [create: 'true'])
    def folder = java.nio.file.Files.createDirectories(store.getPath('/out'))
    def lease = folder.resolve('.lease.json')
    def held = lockFolder(folder)
    def brief = leaseFolder(folder, 900L)
    def first = lease.text
    sleep(1500)
    println("renewed: ${lease.text != first}")
    refuseLost(folder)
    // again where a renewal, read before and written after, was in between
    (1..5).find { _try ->
        lease.text = first.replaceFirst(/"session":"/, '"session":"other')
        sleep(700)
        lease.text.contains('"session":"other')
    }
    println("another's: ${lease.text.contains('"session":"other')}")
    if (params.late) {
        refuseLost(folder)
    }
    java.nio.file.Files.delete(lease)
    sleep(700)
    println("gone: ${!lease.exists()}")
    brief.close()
    if (params.dies) {
        lease.text = first.replaceFirst(/"until":[0-9]+/, '"until":9999999999999')
    }
    else {
        held.close()
    }
    store.close()
}
"""


def test_a_lease_keeps_others_out_of_an_object_store(nextflow, script, tmp_path):
    """A zip stands in for the store: a file system of its own, without locks and links."""
    main, store = script(LEASE), tmp_path / "store.zip"
    options = ("--zip", store)

    def leased(until):
        lease = {"session": "other", "run": "happy_darwin", "host": "far", "until": until}
        with zipfile.ZipFile(store, "w") as content:
            content.writestr("out/.lease.json", json.dumps(lease))

    leased(9999999999999)
    run = nextflow.run(*options, main=main)
    assert run.code == 1
    assert "Another run is writing into" in run.output
    assert "happy_darwin on far, which has it until 2286-11-20" in run.output

    leased(1000)  # of a run that died long ago
    run = nextflow.run(*options, "--dies", main=main)
    assert run.code == 0, run.output
    for what in ("renewed", "another's", "gone"):
        assert f"{what}: true" in run.output, "what is another's, or gone, is not taken back"
    assert "out/.lease.json" in zipfile.ZipFile(store).namelist()

    # the same session again need not wait
    run = nextflow.run(*options, "-resume", main=main, NXF_SYNTAX_PARSER="v2")
    assert run.code == 0, run.output
    assert "out/.lease.json" not in zipfile.ZipFile(store).namelist()

    run = nextflow.run(*options, "--late", main=main)
    assert run.code == 1
    assert "is not this run's any more: it was silent for too long" in run.output
