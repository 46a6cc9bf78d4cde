// Used by the build only: writes the help texts that main.cpp answers --help from.
#include <exception>
#include <iostream>

#include "cli/help_texts.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: rb_write_help FOLDER\n";
    return 2;
  }
  try {
    reasonbrain::cli::write_help_texts(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << "rb_write_help: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
