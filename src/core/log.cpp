#include "core/log.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <mutex>

#include "reasonbrain/error.h"

namespace reasonbrain::log {
namespace {

constexpr const char* kFilePattern = "%Y-%m-%d %H:%M:%S.%e %l: %v";
constexpr const char* kPlainPattern = "%l: %v";
// Clears the line first: a live progress line may stand there.
constexpr const char* kTerminalPattern = "\r\033[K%^%l:%$ %v";

// The logger is replaced, never changed, when a sink is added: spdlog does not guard its list of
// sinks.
class State {
 public:
  State() {
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
        terminal ? spdlog::color_mode::always : spdlog::color_mode::never);
    sink->set_pattern(terminal ? kTerminalPattern : kPlainPattern);
    sinks_.push_back(std::move(sink));
    rebuild();
  }

  std::shared_ptr<spdlog::logger> logger() {
    const std::lock_guard lock(mutex_);
    return logger_;
  }

  void set_level(spdlog::level::level_enum level) {
    const std::lock_guard lock(mutex_);
    level_ = level;
    rebuild();
  }

  void add(spdlog::sink_ptr sink) {
    const std::lock_guard lock(mutex_);
    sinks_.push_back(std::move(sink));
    rebuild();
  }

 private:
  void rebuild() {
    auto logger = std::make_shared<spdlog::logger>("reasonbrain", sinks_.begin(), sinks_.end());
    logger->set_level(level_);
    logger->flush_on(spdlog::level::warn);
    logger_ = std::move(logger);
  }

  std::mutex mutex_;
  spdlog::level::level_enum level_ = spdlog::level::info;
  std::vector<spdlog::sink_ptr> sinks_;
  std::shared_ptr<spdlog::logger> logger_;
};

State& state() {
  static State state;
  return state;
}

// One line that can be read, whatever names from the command line or a file stand in it: a terminal
// would obey their control characters.
std::string one_line(const std::string& message) {
  constexpr char kHex[] = "0123456789abcdef";
  constexpr size_t kMaxBytes = 2000, kMaxCharacter = 4;
  std::string out;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    const bool inside_character = (byte & 0xc0) == 0x80;
    if (out.size() >= kMaxBytes + (inside_character ? kMaxCharacter : 0)) return out + "...";
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte / 16], kHex[byte % 16]};
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void debug(const std::string& message) {
  state().logger()->debug("{}", one_line(message));
}
void info(const std::string& message) {
  state().logger()->info("{}", one_line(message));
}
void warning(const std::string& message) {
  state().logger()->warn("{}", one_line(message));
}
void error(const std::string& message) {
  state().logger()->error("{}", one_line(message));
}

void set_level(Level level) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  state().set_level(kLevels[static_cast<int>(level)]);
}

void add_file(const std::filesystem::path& path) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string());
    sink->set_pattern(kFilePattern);
    state().add(std::move(sink));
  } catch (const spdlog::spdlog_ex& problem) {
    throw runtime_error("cannot open the log file " + path.string() + ": " + problem.what());
  }
}

void flush() {
  state().logger()->flush();
}

}  // namespace reasonbrain::log
