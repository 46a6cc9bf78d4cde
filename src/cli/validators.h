// Options that several commands share, and checks of values beyond those that CLI11 has.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace reasonbrain::cli {

// A seed: digits only, at most 2^63 - 1. CLI11 alone takes a larger number for the largest there
// is.
CLI::Validator seed_number();

// A number from min to max. CLI11's Range lets NaN pass.
CLI::Validator number_between(double min, double max);

// --config, which is required, and overrides.
void add_config_files(CLI::App& command, std::vector<std::string>& configs,
                      std::vector<std::string>& overrides);

// --device, and with it --dtype, into variables that hold the defaults.
void add_device(CLI::App& command, std::string& device);
void add_device_and_dtype(CLI::App& command, std::string& device, std::string& dtype);

}  // namespace reasonbrain::cli
