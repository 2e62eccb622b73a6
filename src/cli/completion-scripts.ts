/** What the shells have to be told: to ask the program itself, and to complete file names where it knows nothing. */
export const completionScripts = {
  bash: `# batchx completion for bash: source <(batchx completion bash)
_batchx() {
  local line cur="\${COMP_WORDS[COMP_CWORD]}"
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # Where the cursor stands behind \`--flag=\`, nothing of the value is there yet.
  if [[ $cur == = ]]; then words+=(''); fi
  COMPREPLY=()
  while IFS= read -r line; do COMPREPLY+=("\${line%%$'\\t'*}"); done < <("$1" --complete "\${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _batchx batchx
`,
  zsh: `#compdef batchx
# batchx completion for zsh: source <(batchx completion zsh)
_batchx() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" --complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then _describe batchx found; else _files; fi
}
if ! whence compdef >/dev/null; then autoload -Uz compinit && compinit; fi
compdef _batchx batchx
`,
} as const;
