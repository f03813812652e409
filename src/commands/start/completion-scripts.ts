/** What a shell evaluates to complete `datamesh`: each asks the hidden verb `__complete`, so there is one set of rules. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A line of `__complete` is `value TAB summary`; an empty value after `:` means "let the shell complete files". */
const SCRIPTS: Record<Shell, string> = {
  bash: `# datamesh completion for bash: eval "$(datamesh completion bash)"
_datamesh() {
  local IFS=$'\\n' line value word="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  # bash splits words at = and :, so what it calls the word may be the tail of ours.
  local words=("\${COMP_LINE:0:COMP_POINT}")
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    if [[ "$word" == = ]]; then value="\${value#*=}"; elif [[ "\${COMP_WORDS[COMP_CWORD-1]}" == = ]]; then value="\${value#*=}"; fi
    if [[ "$value" == */ ]]; then compopt -o nospace; COMPREPLY+=("$value"); else COMPREPLY+=("$(printf '%q' "$value")"); fi
  done < <(datamesh __complete --line "\${words[0]}" 2>/dev/null)
}
complete -o nosort -F _datamesh datamesh 2>/dev/null || complete -F _datamesh datamesh`,
  zsh: `#compdef datamesh
# datamesh completion for zsh: eval "$(datamesh completion zsh)"
_datamesh() {
  local line value summary
  local -a values summaries folders
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    summary="\${line#*$'\\t'}"
    if [[ "$value" == */ ]]; then folders+=("$value"); else values+=("$value"); summaries+=("$value  $summary"); fi
  done < <(datamesh __complete -- "\${(Q)words[@]:1:CURRENT-1}" 2>/dev/null)
  (( $#values )) && compadd -l -d summaries -a values
  (( $#folders )) && compadd -S '' -a folders
}
compdef _datamesh datamesh`,
  fish: `# datamesh completion for fish: datamesh completion fish | source
function __datamesh_complete
    set -l words (commandline -opc) (commandline -ct)
    datamesh __complete -- $words[2..-1] 2>/dev/null
end
complete -c datamesh -f -a '(__datamesh_complete)'`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
