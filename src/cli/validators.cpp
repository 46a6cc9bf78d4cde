#include "cli/validators.h"

#include <charconv>

#include "core/str.h"

namespace reasonbrain::cli {

CLI::Validator seed_number() {
  return {[](std::string& text) {
            int64_t value = 0;
            const char* end = text.data() + text.size();
            const auto [stopped, failure] = std::from_chars(text.data(), end, value);
            if (failure == std::errc() && stopped == end && value >= 0) return std::string();
            return str("'", text, "' is no whole number from 0 to ",
                       std::numeric_limits<int64_t>::max());
          },
          "NONNEGATIVE"};
}

CLI::Validator number_between(double min, double max) {
  return {[min, max](std::string& text) {
            double value = 0;
            const bool fits =
                CLI::detail::lexical_cast(text, value) && value >= min && value <= max;
            return fits ? std::string() : str("'", text, "' is no number from ", min, " to ", max);
          },
          str("FLOAT in [", min, " - ", max, "]")};
}

void add_config_files(CLI::App& command, std::vector<std::string>& configs,
                      std::vector<std::string>& overrides) {
  command
      .add_option("--config", configs,
                  "YAML file, or a name in configs/; may be repeated, later ones win")
      ->required()
      ->allow_extra_args(false);
  command.add_option("overrides", overrides, "key=value, such as train.batch_size=16");
}

void add_device(CLI::App& command, std::string& device) {
  command.add_option("--device", device, "auto, cpu, cuda or cuda:INDEX")->capture_default_str();
}

void add_device_and_dtype(CLI::App& command, std::string& device, std::string& dtype) {
  add_device(command, device);
  command.add_option("--dtype", dtype, "Of weights and computation")
      ->check(CLI::IsMember({"auto", "float32", "bfloat16", "float16"}))
      ->capture_default_str();
}

}  // namespace reasonbrain::cli
