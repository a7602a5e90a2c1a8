// What happens when a task fails: what may heal is tried again, all else leaves its last words.

// Memory, preemption and lost nodes; 75 is "tries spent" of a download; MAX_VALUE is a job that
// the scheduler killed before it could write an exit code.
def canHeal(exit) {
    return exit in 130..145 || exit in [75, 104, 175, 176, 177, Integer.MAX_VALUE]
}

def failureNote(id) {
    return file("${workflow.workDir}/failures/${workflow.runName}/${id}.txt")
}

def lastNote(id) {
    def note = failureNote(id)
    return note.exists() ? note.text.trim() : 'no result'
}

// What a task said last: all of its error, else its last line, without the command's name and the
// path of its work folder.
def lastWords(task) {
    def err = task.workDir?.resolve('.command.err')
    def lines = err?.exists() ? err.readLines().findAll { line -> line.trim() } : []
    def from = lines.findLastIndexOf { line -> line.startsWith('sicmir-atlas: ') }
    def said = lines.drop(from < 0 ? lines.size() - 1 : from).join('\n')
    def text = said.replaceFirst(/^sicmir-atlas: (error: )?/, '').replace("${task.workDir}/".toString(), '')
    return text ?: "no message (exit ${task.exitStatus}, try ${task.attempt})"
}

// For the steps of one dataset: the others go on, and CONSOLIDATE finds the note.
def onFailure(task, meta) {
    if (canHeal(task.exitStatus) && task.attempt <= task.maxRetries) {
        return 'retry'
    }
    def note = failureNote(meta.id)
    note.parent.mkdirs()
    note.text = "${task.process.tokenize(':').last()}: ${lastWords(task).readLines()*.trim().join(' ')}\n"
    return 'ignore'
}

// For the steps of the whole atlas: nothing can follow, and the step's own words are enough.
def onFatal(task) {
    if (canHeal(task.exitStatus) && task.attempt <= task.maxRetries) {
        return 'retry'
    }
    log.error("${task.process.tokenize(':').last()} failed:\n${lastWords(task)}\n\nIts work folder: ${task.workDir.toUriString()}")
    return 'ignore'
}
