// How much data a task gets, for what it asks for (conf/base.config).

// Bytes of files and of all that lies in folders, links followed: own files are linked.
def bytesIn(paths) {
    return [paths].flatten().collectMany { path -> filesIn(path.toRealPath()) }.sum(0L) { f -> f.size() }
}

def filesIn(path) {
    def found = []
    if (path.isDirectory()) {
        path.eachFileRecurse { f -> found << f }
    }
    else {
        found << path
    }
    return found.findAll { f -> f.isFile() }
}
