#include "cli/command.h"

int main(int argc, char** argv) {
  return reasonbrain::cli::run(argc, argv);
}
