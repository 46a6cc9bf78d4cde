#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "core/interrupt.h"
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

// The lines of stdin. Waiting for them ends with a signal, which std::getline would sleep through.
class InputLines {
 public:
  // False at the end; the last line may lack its line feed.
  bool next(std::string& line) {
    line.clear();
    while (true) {
      const size_t end = std::min(chunk_.find('\n', at_), chunk_.size());
      line.append(chunk_, at_, end - at_);
      at_ = end + 1;
      if (end < chunk_.size()) return true;
      if (!read_chunk()) return !line.empty();
    }
  }

 private:
  bool read_chunk() {
    constexpr size_t kChunkBytes = 1 << 16;
    constexpr int kWaitMs = 200;
    pollfd input{STDIN_FILENO, POLLIN, 0};
    std::cout.flush();  // somebody may wait for the answer before the next line
    chunk_.resize(kChunkBytes);
    at_ = 0;
    while (true) {
      throw_if_interrupted();
      if (::poll(&input, 1, kWaitMs) <= 0) continue;
      const ssize_t got = ::read(STDIN_FILENO, chunk_.data(), chunk_.size());
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (got < 0) throw data_error(str("cannot read standard input: ", std::strerror(errno)));
      chunk_.resize(static_cast<size_t>(got));
      return got > 0;
    }
  }

  std::string chunk_;
  size_t at_ = 0;
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
  InputLines input;
  std::string line;
  for (int64_t number = 1; input.next(line); ++number) {
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
