// Options of noise schedules and samplers, by the names of diffusers' scheduler_config.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "diffusion/objective.h"
#include "reasonbrain/describe.h"

namespace reasonbrain::diffusion {

enum class BetaSchedule { kLinear, kScaledLinear, kSquaredCosine };
enum class TimestepSpacing { kDefault, kLeading, kTrailing, kLinspace };
enum class PredictionType { kDefault, kEpsilon, kV, kSample, kFlow };
enum class FinalSigma { kZero, kSigmaMin };
enum class TimeShift { kExponential, kLinear };
enum class FlowSpacing { kUniform, kToSigmaMin };

// "default" stands for the default of the class that class_name names.
struct SchedulerConfig {
  std::string class_name = "DDIMScheduler";
  PredictionType prediction_type = PredictionType::kDefault;
  int64_t num_train_timesteps = 1000;
  TimestepSpacing timestep_spacing = TimestepSpacing::kDefault;
  int64_t steps_offset = 0;

  // Variance-preserving schedules.
  BetaSchedule beta_schedule = BetaSchedule::kLinear;
  double beta_start = 0.0001;
  double beta_end = 0.02;
  std::vector<double> trained_betas;
  bool rescale_betas_zero_snr = false;

  // DDIM, DDPM and PNDM.
  bool set_alpha_to_one = true;
  bool clip_sample = true;
  double clip_sample_range = 1.0;
  double eta = 0;             // an argument of the reference's step, an option here
  std::string variance_type;  // DDPM; "": fixed_small
  bool skip_prk_steps = false;

  // Euler and DPM-Solver++.
  FinalSigma final_sigmas_type = FinalSigma::kZero;
  bool use_karras_sigmas = false;  // also of flow matching
  bool use_exponential_sigmas = false;
  bool use_beta_sigmas = false;
  double sigma_min = 0;  // bounds of those three; 0: of the timesteps
  double sigma_max = 0;
  std::string solver_type = "midpoint";
  int64_t solver_order = 2;
  bool lower_order_final = true;
  bool euler_at_final = false;
  double lambda_min_clipped = -1e30;  // no bound; finite, so that JSON and YAML can say it

  // Flow matching.
  double shift = 1.0;
  bool use_dynamic_shifting = false;
  double base_shift = 0.5;
  double max_shift = 1.15;
  int64_t base_image_seq_len = 256;
  int64_t max_image_seq_len = 4096;
  double shift_terminal = 0;  // 0: none
  TimeShift time_shift_type = TimeShift::kExponential;
  FlowSpacing flow_spacing = FlowSpacing::kUniform;  // not an option of the reference
  bool clip_flow_sample = false;                     // not an option of the reference

  // Of the reference, accepted only as they stand here by the classes that read them.
  bool thresholding = false;
  bool use_lu_lambdas = false;
  bool use_flow_sigmas = false;
  bool invert_sigmas = false;
  bool stochastic_sampling = false;
  std::string algorithm_type = "dpmsolver++";
  std::string interpolation_type = "linear";
  std::string timestep_type = "discrete";

  void describe(OptionVisitor& v);

  static SchedulerConfig defaults_of(const std::string& class_name);

  // What io::read_json_options reads a scheduler_config.json over: the defaults of the class that
  // it names, with the switches off that it says null for (to the reference None is false).
  static SchedulerConfig defaults_for(const nlohmann::json& json);

  bool is_flow() const { return class_name == "FlowMatchEulerDiscreteScheduler"; }
  Objective objective() const;
  TimestepSpacing spacing() const;  // never kDefault

  // Throws Error(kind) naming a value that is not supported.
  void validate(ErrorKind kind = ErrorKind::kConfig) const;
};

}  // namespace reasonbrain::diffusion
