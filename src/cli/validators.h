// Checks of option values beyond those that CLI11 has.
#pragma once

#include <CLI/CLI.hpp>

namespace reasonbrain::cli {

// A seed: digits only, at most 2^63 - 1. CLI11 alone takes a larger number for the largest there
// is.
CLI::Validator seed_number();

// A number from min to max. CLI11's Range lets NaN pass.
CLI::Validator number_between(double min, double max);

}  // namespace reasonbrain::cli
