// Golden cases: a component against its Python reference, outputs and gradients.
//
// A case is a folder with the reference's own files (config.json, weights) and io/io.safetensors:
// the arguments by name, `cotangent.OUTPUT`, what the reference computed as `expect.OUTPUT`,
// `expect.grad.ARGUMENT` and `expect.grad.param.KEY`, and the KEYs in the metadata entry
// `grad_params`. With `compare_rows` [B, T], outputs [B, T, ...] are compared where it is nonzero
// only: the rest is unspecified (left padding). Where `noise.NAME` stands beside `expect.NAME`, the
// expectation is the reference's in float64, and the noise how far its own float32 kernels are off,
// relative to the largest value: ours may be off by kNoises times as much.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "core/str.h"
#include "models/component.h"
#include "reasonbrain/safetensors.h"

namespace reasonbrain::models::testing {

constexpr double kTolerance = 1e-5;  // of the largest value
constexpr double kNoises = 4;

// Largest difference relative to the largest value of `expected`.
inline double relative_error(const torch::Tensor& got, const torch::Tensor& expected) {
  const torch::Tensor reference = expected.to(torch::kFloat64);
  const double scale = reference.abs().max().item<double>();
  const double difference = (got.to(torch::kFloat64) - reference).abs().max().item<double>();
  return scale > 0 ? difference / scale : difference;
}

inline void expect_close(const Tensors& results, const std::string& name,
                         const torch::Tensor& expected, double tolerance,
                         const torch::Tensor& rows = {}) {
  const auto found = results.find(name);
  ASSERT_NE(found, results.end()) << "no result " << name;
  ASSERT_EQ(found->second.sizes(), expected.sizes()) << name;
  const bool some = rows.defined() && !starts_with(name, "grad.");
  const double error = some ? relative_error(found->second.index({rows}), expected.index({rows}))
                            : relative_error(found->second, expected);
  EXPECT_TRUE(error <= tolerance) << name << ": relative error " << error;  // false for NaN as well
}

// tests/lint/check_references.py wants this line for every case that it drew.
inline void note_taken(const std::filesystem::path& folder) {
  std::cout << "taken " << folder.string() << '\n';
}

// Runs the case and compares every expected tensor; results that nothing is expected of are an
// error too.
inline void check_case(const std::string& component_name, const std::filesystem::path& folder,
                       double tolerance = kTolerance) {
  SCOPED_TRACE(folder.string());
  note_taken(folder);
  const Component* component = find_component(component_name);
  ASSERT_NE(component, nullptr);
  const io::TensorStore io(folder / "io");
  Tensors inputs, expected;
  std::map<std::string, double> noise;
  torch::Tensor rows;
  const std::string mark = "expect.", noise_mark = "noise.";
  for (const std::string& key : io.keys()) {
    if (starts_with(key, mark)) {
      expected[key.substr(mark.size())] = io.tensor(key);
    } else if (starts_with(key, noise_mark)) {
      noise[key.substr(noise_mark.size())] = io.tensor(key).item<double>();
    } else if (key == "compare_rows") {
      rows = io.tensor(key) != 0;
    } else {
      inputs[key] = io.tensor(key);
    }
  }
  const std::string listed =
      io.metadata().count("grad_params") ? io.metadata().at("grad_params") : "";
  const auto grad_params = listed.empty() ? std::vector<std::string>() : split(listed, ',');
  const Tensors results =
      run_component(*component, folder, inputs, grad_params, torch::kCPU, torch::kFloat32);
  ASSERT_FALSE(expected.empty());
  for (const auto& [name, tensor] : expected) {
    expect_close(results, name, tensor, std::max(tolerance, kNoises * noise[name]), rows);
  }
  for (const auto& result : results) EXPECT_TRUE(expected.contains(result.first)) << result.first;
}

// All cases of a component in the repository, and those below $RB_GOLDEN_DIR when it is set.
inline std::vector<std::filesystem::path> golden_cases(const std::string& component_name) {
  std::vector<std::filesystem::path> roots = {std::filesystem::path(RB_TEST_DATA) / component_name};
  if (const char* extra = std::getenv("RB_GOLDEN_DIR")) {
    roots.push_back(std::filesystem::path(extra) / component_name);
  }
  std::vector<std::filesystem::path> cases;
  for (const auto& root : roots) {
    if (!std::filesystem::exists(root)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(root))
      cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

inline void check_component(const std::string& component_name, double tolerance = kTolerance) {
  const auto cases = golden_cases(component_name);
  ASSERT_FALSE(cases.empty()) << "no golden case of " << component_name;
  for (const auto& folder : cases) {
    EXPECT_NO_THROW(check_case(component_name, folder, tolerance)) << folder;
  }
}

}  // namespace reasonbrain::models::testing
