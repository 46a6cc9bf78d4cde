#include "cli/completion.h"
#include "core/str.h"

namespace reasonbrain::cli {
namespace {

// Within single quotes of a shell.
std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// fish has other rules: backslashes within single quotes.
std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

// A description of _arguments or _describe: colons and brackets have a meaning there.
std::string zsh_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> subcommand_names(const CompletionCommand& command) {
  std::vector<std::string> names;
  for (const auto& [name, help] : command.subcommands) names.push_back(name);
  return names;
}

// The paths that have a parent, as alternatives of a case: 'edit'|'eval'|'eval run'.
std::string path_pattern(const std::vector<CompletionCommand>& commands) {
  std::vector<std::string> paths;
  for (const CompletionCommand& command : commands) {
    if (!command.path.empty()) paths.push_back(shell_quoted(command.path));
  }
  return join(paths, "|");
}

constexpr const char* kHeader = "# Completion of reasonbrain for ";

}  // namespace

std::string bash_completion(const std::vector<CompletionCommand>& commands) {
  std::string values, words;
  for (const CompletionCommand& command : commands) {
    std::vector<std::string> all = subcommand_names(command), files;
    for (const CompletionOption& option : command.options) {
      all.insert(all.end(), option.names.begin(), option.names.end());
      if (!option.takes_value) continue;
      std::vector<std::string> patterns;
      for (const std::string& name : option.names)
        patterns.push_back(shell_quoted(command.path + " " + name));
      if (option.choices.empty()) {
        files.insert(files.end(), patterns.begin(), patterns.end());
      } else {
        values += str("    ", join(patterns, "|"), ") COMPREPLY=($(compgen -W ",
                      shell_quoted(join(option.choices, " ")), " -- \"$cur\")); return ;;\n");
      }
    }
    if (!files.empty()) {
      values +=
          str("    ", join(files, "|"), ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n");
    }
    all.insert(all.end(), command.words.begin(), command.words.end());
    words +=
        str("    ", shell_quoted(command.path), ") words=", shell_quoted(join(all, " ")), " ;;\n");
  }
  return str(kHeader, R"(bash: source <(reasonbrain completion bash)
_reasonbrain() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= next words i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    next="${path:+$path }${COMP_WORDS[i]}"
    case "$next" in
    )",
             path_pattern(commands), R"() path=$next ;;
    *) break ;;
    esac
  done
  case "$path $prev" in
)",
             values, R"(  esac
  case "$path" in
)",
             words, R"(  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ ${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$cur"))
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o filenames -F _reasonbrain reasonbrain
)");
}

std::string zsh_completion(const std::vector<CompletionCommand>& commands) {
  std::string cases;
  for (const CompletionCommand& command : commands) {
    cases += str("  ", shell_quoted(command.path), ")\n");
    if (!command.subcommands.empty()) {
      std::string list;
      for (const auto& [name, help] : command.subcommands)
        list += " " + shell_quoted(zsh_text(name) + ":" + help);
      cases += str("    commands=(", list.substr(1), ")\n");
    }
    cases += "    arguments=(";
    for (const CompletionOption& option : command.options) {
      for (const std::string& name : option.names) {
        std::string text = str("*", name, "[", zsh_text(option.help), "]");
        if (option.takes_value) {
          text += option.choices.empty() ? ":value:_files"
                                         : str(":value:(", join(option.choices, " "), ")");
        }
        cases += "\n      " + shell_quoted(text);
      }
    }
    cases += "\n    )\n";
    if (!command.words.empty()) cases += str("    values=(", join(command.words, " "), ")\n");
    cases += "    ;;\n";
  }
  return str("#compdef reasonbrain\n", kHeader, R"(zsh
_reasonbrain() {
  local path_of_commands= next
  local -a commands arguments values
  local -i i=2
  while (( i < CURRENT )); do
    next="${path_of_commands:+$path_of_commands }${words[i]}"
    case "$next" in
    )",
             path_pattern(commands), R"() path_of_commands=$next ;;
    *) break ;;
    esac
    (( ++i ))
  done
  case "$path_of_commands" in
)",
             cases, R"(  esac
  if (( $#commands && i == CURRENT )) && [[ $words[CURRENT] != -* ]]; then
    _describe command commands
    return
  fi
  words=("$words[1]" "${(@)words[i,-1]}")
  (( CURRENT -= i - 2 ))
  if (( $#values )); then
    arguments+=('*:value:{ compadd -S "" -- $values || _files }')
  else
    arguments+=('*:file:_files')
  fi
  _arguments -S $arguments
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _reasonbrain "$@"; else compdef _reasonbrain reasonbrain; fi
)");
}

std::string fish_completion(const std::vector<CompletionCommand>& commands) {
  std::vector<std::string> paths;
  for (const CompletionCommand& command : commands) {
    if (!command.path.empty()) paths.push_back(fish_quoted(command.path));
  }
  std::string out = str(kHeader, R"(fish
function __reasonbrain_at
    set -l words (commandline -opc)
    set -l path ''
    for word in $words[2..-1]
        set -l next (string trim "$path $word")
        contains -- $next )",
                        join(paths, " "), R"(; or break
        set path $next
    end
    test "$path" = "$argv[1]"
end
)");
  for (const CompletionCommand& command : commands) {
    const std::string begin =
        "complete -c reasonbrain -n \"__reasonbrain_at '" + command.path + "'\"";
    for (const auto& [name, help] : command.subcommands)
      out += str(begin, " -f -a ", name, " -d ", fish_quoted(help), "\n");
    for (const CompletionOption& option : command.options) {
      out += begin;
      for (const std::string& name : option.names) {
        out += starts_with(name, "--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (option.takes_value) {
        out +=
            option.choices.empty() ? " -r -F" : " -x -a " + fish_quoted(join(option.choices, " "));
      }
      out += str(" -d ", fish_quoted(option.help), "\n");
    }
    if (!command.words.empty())
      out += str(begin, " -a ", fish_quoted(join(command.words, " ")), "\n");
  }
  return out;
}

}  // namespace reasonbrain::cli
