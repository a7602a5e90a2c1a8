// One run at a time writes into a folder.

// Not from folders.nf: an include in a file that two others include is an error to the v2 parser of 25.04.
def isOnDisk(folder) {
    return folder.fileSystem == java.nio.file.FileSystems.default
}

// On a disk the operating system keeps a lock, and drops it when the run dies. So what is returned
// has to be kept until the end, and closed.
def lockFolder(folder) {
    if (!isOnDisk(folder)) {
        return leaseFolder(folder, 600_000L)
    }
    def opened = openedLock(folder)
    def taken = null
    try {
        taken = opened.channel.tryLock()
    }
    catch (IOException e) {
        log.warn("${folder} is on a file system without locks (${e.message}): .lease.json there keeps other runs out")
        opened.close()
        return leaseFolder(folder, 600_000L)
    }
    if (!taken) {
        error("Another run is writing into ${folder}: wait for it, or give another --outdir")
    }
    // of a run where the same folder had no locks
    def lease = folder.resolve('.lease.json')
    refuseLeased(folder, lease, [session: workflow.sessionId.toString()])
    java.nio.file.Files.deleteIfExists(lease)
    return opened
}

def openedLock(folder) {
    try {
        java.nio.file.Files.createDirectories(folder)
        return new java.io.RandomAccessFile(folder.resolve('.lock').toFile(), 'rw')
    }
    catch (IOException e) {
        error("Nothing can be written into ${folder} (${e.message}): make it writable, or give another --outdir")
    }
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
    def clock = java.util.concurrent.Executors.newSingleThreadScheduledExecutor { work ->
        def thread = new Thread(work, 'lease')
        thread.daemon = true
        thread
    }
    def often = milliseconds.intdiv(3)
    clock.scheduleAtFixedRate({ -> renewLease(place, mine, milliseconds) } as Runnable, often, often, java.util.concurrent.TimeUnit.MILLISECONDS)
    return { ->
        clock.shutdown()
        clock.awaitTermination(60, java.util.concurrent.TimeUnit.SECONDS)
        if (leaseAt(place).session == mine.session) {
            java.nio.file.Files.deleteIfExists(place)
        }
    } as Closeable
}

def leaseAt(place) {
    return place.exists() ? new groovy.json.JsonSlurper().parseText(place.text) : [:]
}

def writeLease(place, mine, milliseconds) {
    def text = groovy.json.JsonOutput.toJson(mine + [until: System.currentTimeMillis() + milliseconds])
    if (!isOnDisk(place)) {
        place.text = text
        return
    }
    def part = place.resolveSibling('.lease.part')
    part.text = text
    java.nio.file.Files.move(part, place, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
}

def refuseLeased(folder, place, mine) {
    def lease = leaseAt(place)
    if (lease && lease.session != mine.session && lease.until > System.currentTimeMillis()) {
        error("Another run is writing into ${folder.toUriString()}: ${lease.run} on ${lease.host}, which has it until ${java.time.Instant.ofEpochMilli(lease.until)} and may renew that: wait for it, or give another --outdir")
    }
}

// What is gone or another's stays so: who was silent for too long may have been overtaken.
def renewLease(place, mine, milliseconds) {
    try {
        if (leaseAt(place).session == mine.session) {
            writeLease(place, mine, milliseconds)
        }
    }
    catch (Exception e) {
        log.warn("${place.toUriString()} cannot be renewed now: ${e.message}")
    }
}

// Before something is published: is the folder still this run's?
def refuseLost(folder) {
    def lease = leaseAt(folder.resolve('.lease.json'))
    if (lease ? lease.session != workflow.sessionId.toString() : !isOnDisk(folder)) {
        error("${folder.toUriString()} is not this run's any more: it was silent for too long${lease ? ", and ${lease.run} on ${lease.host} took it over" : ''}. Run the same command with -resume.")
    }
}
