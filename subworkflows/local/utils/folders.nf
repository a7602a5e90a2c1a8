// Folders as a whole: what is in them, who may write, and how an atlas is put where users look.

// One SHA-256 over a folder. Over bin/ it is part of every meta, so that a resume after an edit
// of the package reruns its tasks.
def digest(folder) {
    def root = file(folder, glob: false)
    def sha = java.security.MessageDigest.getInstance('SHA-256')
    filesBelow(root)
        .findAll { f -> !f.toString().contains('__pycache__') }
        .each { f ->
            sha.update(root.relativize(f).toString().bytes)
            sha.update(f.bytes)
        }
    return sha.digest().encodeHex().toString().take(12)
}

def filesBelow(folder) {
    def found = []
    folder.eachFileRecurse(groovy.io.FileType.FILES) { f -> found << f }
    return found.sort { f -> f.toString() }
}

// Nextflow sees that a folder was exchanged, but not that a file in it was: FETCH depends on this too.
def insideFolders(files) {
    return files.findAll { f -> f.isDirectory() }
        .collectMany { folder -> filesBelow(folder) }
        .collect { f -> "${f} ${f.size()} ${f.lastModified()}".toString() }
}

// Large files are immutable and named by content; the small ones, manifest and database among them,
// change with every build. On a disk they are links into a folder of the build, so that a whole
// build is exchanged in one step, by the link `current`, and whoever dies leaves a whole atlas.
// An object store has no links: there what leads to the data comes last.
def publishAtlas(source, target) {
    def (large, small) = filesBelow(source)
        .collect { f -> [name: source.relativize(f).toString(), path: f] }
        .split { f -> f.name.contains('/') }
    large.findAll { f -> !target.resolve(f.name).exists() || target.resolve(f.name).size() != f.path.size() }
        .each { f -> publishFile(f.path, target.resolve(f.name)) }
    if (!isLocal(target)) {
        small.sort { f -> ['manifest.json', 'atlas.duckdb'].indexOf(f.name) }.each { f -> publishFile(f.path, target.resolve(f.name)) }
        return
    }
    adoptBuild(target, small.collect { f -> f.name })
    def build = addBuild(target, small)
    small.each { f -> link(target.resolve(f.name), "current/${f.name}") }
    link(target.resolve('current'), build)
    target.eachFile { f -> if (isLink(f) && !f.exists()) { java.nio.file.Files.delete(f) } }
}

// A build is known by its manifest, which lists all but the database with checksums.
def addBuild(target, small) {
    def manifest = small.find { f -> f.name == 'manifest.json' }
    def build = "builds/${java.security.MessageDigest.getInstance('SHA-256').digest(manifest.path.bytes).encodeHex().toString().take(12)}"
    def folder = target.resolve(build)
    if (folder.exists()) {
        small.findAll { f -> !isSameFile(f.path, folder.resolve(f.name)) }.each { f -> publishFile(f.path, folder.resolve(f.name)) }
        return build
    }
    def part = target.resolve("${build}.part")
    part.deleteDir()
    small.each { f -> publishFile(f.path, part.resolve(f.name)) }
    java.nio.file.Files.move(part, folder, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    return build
}

// An atlas of plain files, as former versions published it and as it is copied from elsewhere,
// becomes a build of its own first.
def adoptBuild(target, names) {
    def plain = names.findAll { name -> target.resolve(name).exists() && !isLink(target.resolve(name)) }
    if (plain.contains('manifest.json') && !target.resolve('current').exists()) {
        link(target.resolve('current'), addBuild(target, plain.collect { name -> [name: name, path: target.resolve(name)] }))
    }
}

def isSameFile(one, other) {
    return other.exists() && java.nio.file.Files.mismatch(one, other) == -1L
}

def isLocal(path) {
    return path.fileSystem == java.nio.file.FileSystems.default
}

def isLink(path) {
    return java.nio.file.Files.isSymbolicLink(path)
}

// Makes or exchanges a link in one step.
def link(place, leadsTo) {
    def made = place.resolveSibling(".link-${place.name}")
    java.nio.file.Files.deleteIfExists(made)
    java.nio.file.Files.createSymbolicLink(made, java.nio.file.Path.of(leadsTo))
    java.nio.file.Files.move(made, place, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
}

// Links are followed. An object store shows no half object: there the copy is one step already.
def publishFile(from, to) {
    def local = isLocal(to)
    def part = local ? to.resolveSibling("${to.name}.part") : to
    java.nio.file.Files.createDirectories(to.parent)
    java.nio.file.Files.copy(from, part, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    if (local) {
        java.nio.file.Files.move(part, to, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    }
}

// File by file, a model's card last: it says what the others have to be.
def publishFolder(from, to) {
    filesBelow(from).sort { f -> f.name == 'model.json' }.each { f -> publishFile(f, to.resolve(from.relativize(f).toString())) }
    return to
}

// Of an atlas folder the build that it shows now, which stays as it is; [] where there is none, and
// on object stores, where the whole atlas would be staged to tell what changed.
def currentBuild(atlas) {
    if (!isLocal(atlas) || !atlas.resolve('manifest.json').exists()) {
        return []
    }
    return atlas.resolve('current').exists() ? atlas.resolve('current').toRealPath() : atlas
}

def manifestOf(atlas) {
    return atlas ? atlas.resolve('manifest.json') : []
}

def existingAtlas(folder) {
    if (!folder) {
        return []
    }
    def atlas = file(folder, glob: false)
    if (isLocal(atlas) && atlas.exists() && atlas.toRealPath().parent.name == 'builds') {
        error("${folder} is one build of an atlas, without its large files: --atlas takes the folder of the atlas, ${atlas.toRealPath().parent.parent}")
    }
    if (!atlas.resolve('manifest.json').exists()) {
        error("No atlas in ${folder}: --atlas takes the folder of one that was built, with manifest.json")
    }
    return atlas
}

// One run at a time writes into a folder. The operating system drops the lock when the run dies,
// so what is returned has to be kept until the end, and closed.
def lockFolder(folder) {
    if (!isLocal(folder)) {
        return leaseFolder(folder, 600_000L)
    }
    java.nio.file.Files.createDirectories(folder)
    def opened = new java.io.RandomAccessFile(folder.resolve('.lock').toFile(), 'rw')
    if (!opened.channel.tryLock()) {
        error("Another run is writing into ${folder}: wait for it, or give another --outdir")
    }
    return opened
}

// Object stores know no locks: an object says whose the folder is, and for how long. Its run renews
// it; that of a dead run ends by itself, and the same session, resumed, takes it over at once.
def leaseFolder(folder, milliseconds) {
    def place = folder.resolve('.lease.json')
    def mine = [session: workflow.sessionId.toString(), run: workflow.runName, host: java.net.InetAddress.localHost.hostName]
    refuseLeased(folder, place, mine)
    writeLease(place, mine, milliseconds)
    sleep(2000) // of two that found nothing, the later writer has it
    refuseLeased(folder, place, mine)
    def timer = new java.util.Timer('lease', true)
    timer.schedule({ -> renewLease(place, mine, milliseconds) } as java.util.TimerTask, milliseconds.intdiv(3), milliseconds.intdiv(3))
    return { ->
        timer.cancel()
        if (leaseAt(place).session == mine.session) {
            java.nio.file.Files.deleteIfExists(place)
        }
    } as Closeable
}

def leaseAt(place) {
    return place.exists() ? new groovy.json.JsonSlurper().parseText(place.text) : [:]
}

def writeLease(place, mine, milliseconds) {
    place.text = groovy.json.JsonOutput.toJson(mine + [until: System.currentTimeMillis() + milliseconds])
}

def refuseLeased(folder, place, mine) {
    def lease = leaseAt(place)
    if (lease && lease.session != mine.session && lease.until > System.currentTimeMillis()) {
        error("Another run is writing into ${folder.toUriString()}: ${lease.run} on ${lease.host}, which has it until ${java.time.Instant.ofEpochMilli(lease.until)} and may renew that: wait for it, or give another --outdir")
    }
}

def renewLease(place, mine, milliseconds) {
    try {
        if (leaseAt(place).session in [null, mine.session]) {
            writeLease(place, mine, milliseconds)
        }
        else {
            log.warn("Another run has taken ${place.parent.toUriString()} over: this one was silent for too long")
        }
    }
    catch (Exception e) {
        log.warn("${place.toUriString()} cannot be renewed now: ${e.message}")
    }
}
