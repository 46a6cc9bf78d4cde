#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "core/str.h"
#include "io/json.h"
#include "reasonbrain/error.h"
#include "text/tokenizer.h"

namespace reasonbrain::cli {
namespace {

struct TokenizeArgs {
  std::string folder;
  bool decode = false;
};

std::vector<int64_t> parse_ids(const std::string& line, int64_t number) {
  const std::string origin = str("stdin:", number);
  const nlohmann::json value = io::parse_json(line, origin);
  std::vector<int64_t> ids;
  if (!value.is_array())
    throw data_error(str(origin, ": expected an array of token ids, such as [1, 15043]"));
  for (const nlohmann::json& id : value) {
    if (!id.is_number_integer())
      throw data_error(str(origin, ": ", id.dump(), " is not a token id"));
    ids.push_back(id.get<int64_t>());
  }
  return ids;
}

void tokenize(const TokenizeArgs& args) {
  const auto tokenizer = text::load_tokenizer(args.folder);
  std::string line;
  for (int64_t number = 1; std::getline(std::cin, line); ++number) {
    if (args.decode) {
      std::cout << tokenizer->decode(parse_ids(line, number), /*skip_special=*/true) << '\n';
    } else {
      std::cout << nlohmann::json(tokenizer->encode(line, /*add_special=*/true)).dump() << '\n';
    }
  }
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("tokenize", "Lines of stdin to token ids, one JSON array a line, or back");
  auto args = std::make_shared<TokenizeArgs>();
  command
      ->add_option("--tokenizer", args->folder,
                   "Folder with tokenizer.model, spiece.model, vocab.json and merges.txt, or "
                   "tokenizer.json")
      ->required();
  command->add_flag("--decode", args->decode, "From ids to text, without special and added tokens");
  command->footer(
      "example: echo 'What if it rained?' | reasonbrain tokenize --tokenizer models/mini/llm");
  command->callback([args, &action] { action = [args] { tokenize(*args); }; });
}

}  // namespace reasonbrain::cli
