/** The scripts that teach a shell to ask `berthctl __complete`. No dependency on a shell's completion package. */

/**
 * bash splits words at ":" and "=", which addresses, MACs and "--pool=x" are full of: the line is split here at blanks
 * instead, and what bash itself took for earlier words is cut off the candidates again.
 */
const BASH = String.raw`# bash completion for berthctl; load it with:  source <(berthctl completion bash)
_berthctl() {
  local line="${'$'}{COMP_LINE:0:COMP_POINT}" words current prefix candidate rest
  read -ra words <<<"$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  current="${'$'}{words[${'$'}{#words[@]}-1]}"
  prefix=""
  if [[ "$current" == *[:=]* && "$COMP_WORDBREAKS" == *[:=]* ]]; then prefix="${'$'}{current%"${'$'}{current##*[:=]}"}"; fi
  COMPREPLY=()
  while IFS=$'\t' read -r candidate rest; do
    [[ -n "$candidate" ]] && COMPREPLY+=("${'$'}{candidate#"$prefix"}")
  done < <("${'$'}{words[0]}" __complete "${'$'}{words[@]:1}" 2>/dev/null)
  if [[ ${'$'}{#COMPREPLY[@]} -eq 1 && "${'$'}{COMPREPLY[0]}" == *: ]]; then compopt -o nospace; fi
}
complete -o default -F _berthctl berthctl
`;

const ZSH = String.raw`#compdef berthctl
# zsh completion for berthctl; load it with:  source <(berthctl completion zsh)
_berthctl() {
  local -a described
  local candidate rest
  while IFS=$'\t' read -r candidate rest; do
    [[ -z "$candidate" ]] && continue
    described+=("${'$'}{candidate//:/\\:}${'$'}{rest:+:$rest}")
  done < <("${'$'}{words[1]}" __complete "${'$'}{(@)words[2,CURRENT]}" 2>/dev/null)
  if (( ${'$'}{#described} )); then _describe berthctl described; else _files; fi
}
if [[ "${'$'}{funcstack[1]}" == "_berthctl" ]]; then _berthctl "$@"; else compdef _berthctl berthctl; fi
`;

const FISH = String.raw`# fish completion for berthctl; load it with:  berthctl completion fish | source
function __berthctl_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c berthctl -f -a '(__berthctl_complete)'
complete -c berthctl -n '__fish_seen_argument -s f -l filename' -F
`;

export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
