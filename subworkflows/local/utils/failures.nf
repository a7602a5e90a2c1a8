// What happens when a task fails: what may heal is tried again, all else leaves its last words.

// Memory, preemption and lost nodes, of which Google Batch says 50001 to 50005; 75 is "tries spent"
// of a download, or of a GPU's memory; MAX_VALUE is a job that the scheduler killed before it could
// write an exit code. 140 is a job out of time: what twice the time does not end will not end.
def isRetried(task) {
    def heals = task.exitStatus in 130..145 || task.exitStatus in 50001..50005 || task.exitStatus in [75, 104, 175, 176, 177, Integer.MAX_VALUE]
    return heals && task.attempt <= (task.exitStatus == 140 ? 1 : task.maxRetries)
}

// What a job that was killed could not say.
def killedBy(task) {
    def memory = "killed, most often for its memory: it had ${task.memory}"
    return [137: memory, 140: "out of time: it had ${task.time}", (Integer.MAX_VALUE): memory][task.exitStatus]
}

def failureNote(id) {
    return workflow.workDir.resolve("failures/${workflow.runName}/${id}.txt")
}

def lastNote(id) {
    def note = failureNote(id)
    return (note.exists() ? note.text.trim() : '') ?: 'no result'
}

// What a task said last: all of its error, else its last line, without the command's name and the
// path of its work folder.
def lastWords(task) {
    def err = task.workDir?.resolve('.command.err')
    def lines = err?.exists() ? err.readLines().findAll { line -> line.trim() } : []
    def from = lines.findLastIndexOf { line -> line.startsWith('sicmir-atlas: ') }
    if (from < 0 && killedBy(task)) {
        return "${killedBy(task)} (try ${task.attempt})"
    }
    def said = lines.drop(from < 0 ? lines.size() - 1 : from).join('\n')
    def text = said.replaceFirst(/^sicmir-atlas: (error: )?/, '').replace("${task.workDir}/".toString(), '')
    return text ?: "no message (exit ${task.exitStatus}, try ${task.attempt})"
}

// For the steps of one dataset: the others go on, and CONSOLIDATE finds the note.
def onFailure(task, meta) {
    if (isRetried(task)) {
        return 'retry'
    }
    def note = failureNote(meta.id)
    def said = "${task.process.tokenize(':').last()}: ${lastWords(task).readLines()*.trim().join(' ')}"
    try {
        java.nio.file.Files.createDirectories(note.parent)
        note.text = "${said}\n"
    }
    catch (IOException e) {
        log.error("${meta.id}: ${said}. ${note.parent.toUriString()} cannot be written (${e.message}): make room there, and run the same command with -resume.")
    }
    return 'ignore'
}

// For the steps of the whole atlas: nothing can follow, and the step's own words are enough.
def onFatal(task) {
    if (isRetried(task)) {
        return 'retry'
    }
    log.error("${task.process.tokenize(':').last()} failed:\n${lastWords(task)}\n\nIts work folder: ${task.workDir.toUriString()}")
    return 'ignore'
}
