// Checks of option values beyond those that CLI11 has.
#pragma once

#include <CLI/CLI.hpp>

namespace reasonbrain::cli {

// A seed: digits only, at most 2^63 - 1. CLI11 alone takes a larger number for the largest there
// is.
CLI::Validator seed_number();

}  // namespace reasonbrain::cli
