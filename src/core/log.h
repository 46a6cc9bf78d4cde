// Logging. The only file that includes spdlog is log.cpp.
#pragma once

#include <filesystem>
#include <string>

namespace reasonbrain::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// Messages go to stderr and, after add_file(), also to that file. Safe to call from several
// threads. Control characters in them are written as \n or \x1b.
void debug(const std::string& message);
void info(const std::string& message);
void warning(const std::string& message);
void error(const std::string& message);

void set_level(Level level);
void add_file(const std::filesystem::path& path);  // appends
void flush();

}  // namespace reasonbrain::log
