"""The scripts that shells load, and the form in which each wants candidates."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from mex.app.completion.words import Candidate

BASH = """\
# mex: completion for bash. Load it with: eval "$(mex completion bash)"
_mex() {
    local IFS=$'\\n'
    compopt +o nospace 2>/dev/null
    COMPREPLY=($(mex complete bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [ "${#COMPREPLY[@]}" = 1 ] && [ "${COMPREPLY[0]: -1}" = '=' ]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _mex mex
"""
ZSH = """\
#compdef mex
# mex: completion for zsh. Load it with: eval "$(mex completion zsh)"
_mex() {
    local line word
    local -a whole begun
    for line in "${(@f)$(mex complete zsh "${(@Q)words[1,CURRENT]}" 2>/dev/null)}"; do
        word=${line%%$'\\t'*}
        if [[ -z $word ]]; then continue; fi
        if [[ $word == *= ]]; then begun+=("$word"); else whole+=("$word"); fi
    done
    if (( $#whole + $#begun == 0 )); then _files; return; fi
    compadd -a whole
    compadd -S '' -a begun
}
compdef _mex mex
"""
FISH = """\
# mex: completion for fish. Load it with: mex completion fish | source
function __mex_complete
    set -l found (mex complete fish (commandline -opc) (commandline -ct) 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c mex -f -a '(__mex_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def words_of(shell: str, told: Sequence[str]) -> list[str]:
    """The words of the line until the cursor, as the shell's script tells them."""
    return split(told[1]) if shell == "bash" and len(told) > 1 else list(told)


def lines(shell: str, told: Sequence[str], found: Sequence[Candidate]) -> list[str]:
    """A line for each candidate: the word, with what is said of it for the shells that show it.

    bash puts a candidate in place of what follows the last of its word breaks, of which ``:`` and ``=`` are two.
    """
    if shell != "bash":
        return [f"{c.word}\t{' '.join(c.about.split())}" for c in found]
    last = words_of(shell, told)[-1]
    cut = max((last.rfind(sign) for sign in set(told[0]) & {":", "="}), default=-1) + 1
    return [c.word[cut:] for c in found]


def split(line: str) -> list[str]:
    """The words of a line whose last one may be begun: quotes that are open are closed.

    >>> split("mex attack 'bounded-noise + no"), split("mex show ")
    (['mex', 'attack', 'bounded-noise + no'], ['mex', 'show', ''])
    """
    for closing in ("", "'", '"'):
        try:
            words = shlex.split(line + closing)
        except ValueError:
            continue
        return [*words, ""] if not closing and (not line or line[-1].isspace()) else words
    return line.split(" ")
