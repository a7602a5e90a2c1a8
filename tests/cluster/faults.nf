// Tasks that fail on purpose, each in its own way, until they are given more.

include { onFailure } from '../../subworkflows/local/utils/failures'

process EXITS {
    tag "${code}"
    errorStrategy { onFailure(task, [id: "exits_${code}"]) }

    input:
    val code

    script:
    """
    [ ${task.attempt} -gt 1 ] || exit ${code}
    """
}

process HUNGRY {
    tag "300 MB"
    errorStrategy { onFailure(task, [id: 'hungry']) }

    script:
    """
    { head -c 300m /dev/zero; sleep 8; } | tail > /dev/null
    """
}

// without a strategy of its own: that of conf/base.config counts
process SLOW {
    tag "${seconds} s"

    input:
    val seconds

    script:
    """
    sleep ${seconds}
    """
}

process ENDLESS {
    tag "${seconds} s"
    errorStrategy { onFailure(task, [id: 'endless']) }

    input:
    val seconds

    script:
    """
    sleep ${seconds}
    """
}

workflow {
    EXITS(channel.of(137, 140))
    HUNGRY()
    SLOW(40)
    ENDLESS(600)
}
