#include "diffusion/scheduler_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/str.h"

namespace reasonbrain::diffusion {

void SchedulerConfig::describe(OptionVisitor& v) {
  v.field("_class_name", class_name,
          {.help = "DDPMScheduler, DDIMScheduler, PNDMScheduler, EulerDiscreteScheduler, "
                   "EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler or "
                   "FlowMatchEulerDiscreteScheduler"});
  v.choice("prediction_type", prediction_type,
           {"default", "epsilon", "v_prediction", "sample", "flow_prediction"},
           {.help = "What the denoiser predicts; default: flow for flow matching, else epsilon"});
  v.field("num_train_timesteps", num_train_timesteps,
          {.help = "Discrete noise levels of training", .min = 1, .max = 100000});
  v.choice("timestep_spacing", timestep_spacing, {"default", "leading", "trailing", "linspace"},
           {.help = "Where sampling steps lie; default: leading for DDIM, DDPM and "
                    "PNDM, else linspace"});
  v.field("steps_offset", steps_offset,
          {.help = "Added to timesteps with leading spacing", .min = 0});
  v.choice("beta_schedule", beta_schedule, {"linear", "scaled_linear", "squaredcos_cap_v2"},
           {.help = "How the noise grows over timesteps"});
  v.field("beta_start", beta_start, {.help = "First beta", .min = 0, .max = 1});
  v.field("beta_end", beta_end, {.help = "Last beta", .min = 0, .max = 1});
  v.field("trained_betas", trained_betas,
          {.help = "Betas one by one instead of a schedule", .min = 0, .max = 1});
  v.field("rescale_betas_zero_snr", rescale_betas_zero_snr,
          {.help = "Make the last noise level pure noise (Lin et al. 2024)"});
  v.field("set_alpha_to_one", set_alpha_to_one,
          {.help = "DDIM, PNDM: the last step ends without noise instead of at the first level"});
  v.field("clip_sample", clip_sample, {.help = "DDIM, DDPM: clamp the predicted x0"});
  v.field("clip_sample_range", clip_sample_range, {.help = "Bound of the clamp", .min = 0});
  v.field("eta", eta, {.help = "DDIM: share of fresh noise, 1 is DDPM", .min = 0, .max = 1});
  v.field("variance_type", variance_type,
          {.help = "DDPM: fixed_small or fixed_large; empty: fixed_small"});
  v.field("skip_prk_steps", skip_prk_steps, {.help = "PNDM: must be true, as in Stable Diffusion"});
  v.choice("final_sigmas_type", final_sigmas_type, {"zero", "sigma_min"},
           {.help = "Noise level that Euler and DPM-Solver end at"});
  v.field("use_karras_sigmas", use_karras_sigmas,
          {.help = "Euler, DPM-Solver, flow: levels evenly in sigma^(1/7)"});
  v.field("use_exponential_sigmas", use_exponential_sigmas,
          {.help = "Euler, DPM-Solver, flow: levels evenly in log sigma"});
  v.field("use_beta_sigmas", use_beta_sigmas,
          {.help = "Euler, DPM-Solver, flow: levels by the quantiles of Beta(0.6, 0.6)"});
  v.field("sigma_min", sigma_min,
          {.help = "Least level of these three spacings, 0: that of the timesteps", .min = 0});
  v.field("sigma_max", sigma_max,
          {.help = "Their largest level, 0: that of the timesteps", .min = 0});
  v.field(
      "solver_type", solver_type,
      {.help = "DPM-Solver: heun or midpoint (also as logrho, bh1, bh2), for the second order"});
  v.field("solver_order", solver_order, {.help = "DPM-Solver: order", .min = 1, .max = 3});
  v.field("lower_order_final", lower_order_final,
          {.help = "DPM-Solver: first order at the end of fewer than 15 steps"});
  v.field("euler_at_final", euler_at_final, {.help = "DPM-Solver: first order in the last step"});
  v.field("lambda_min_clipped", lambda_min_clipped,
          {.help = "DPM-Solver: least log(alpha / sigma) to start from"});
  v.field("shift", shift, {.help = "Flow: t becomes shift t / (1 + (shift - 1) t)", .min = 0});
  v.field("use_dynamic_shifting", use_dynamic_shifting,
          {.help = "Flow: shift by the length of the sequence"});
  v.field("base_shift", base_shift, {.help = "Flow: mu at base_image_seq_len"});
  v.field("max_shift", max_shift, {.help = "Flow: mu at max_image_seq_len"});
  v.field("base_image_seq_len", base_image_seq_len,
          {.help = "Flow: short sequence", .unit = "tokens", .min = 1});
  v.field("max_image_seq_len", max_image_seq_len,
          {.help = "Flow: long sequence", .unit = "tokens", .min = 1});
  v.field("shift_terminal", shift_terminal,
          {.help = "Flow: stretch the steps so that the last one starts here, 0 for not",
           .min = 0,
           .max = 1});
  v.choice("time_shift_type", time_shift_type, {"exponential", "linear"},
           {.help = "Flow: whether mu or exp(mu) is the shift"});
  v.choice("flow_spacing", flow_spacing, {"uniform", "to_sigma_min"},
           {.help = "Flow: steps start at 1 .. 1/n, or at 1 .. 1/num_train_timesteps"});
  v.field("clip_flow_sample", clip_flow_sample,
          {.help = "Flow: clamp the predicted x0 to clip_sample_range"});
  v.field("thresholding", thresholding, {.help = "DDIM, DDPM, DPM-Solver: must be false"});
  v.field("use_lu_lambdas", use_lu_lambdas, {.help = "DPM-Solver: must be false"});
  v.field("use_flow_sigmas", use_flow_sigmas, {.help = "DPM-Solver: must be false"});
  v.field("invert_sigmas", invert_sigmas, {.help = "Flow: must be false"});
  v.field("stochastic_sampling", stochastic_sampling, {.help = "Flow: must be false"});
  v.field("algorithm_type", algorithm_type,
          {.help = "DPM-Solver: must be dpmsolver++, or deis, the same with "
                   "final_sigmas_type sigma_min only"});
  v.field("interpolation_type", interpolation_type, {.help = "Euler: must be linear"});
  v.field("timestep_type", timestep_type, {.help = "Euler: must be discrete"});
}

SchedulerConfig SchedulerConfig::defaults_of(const std::string& class_name) {
  SchedulerConfig config;
  config.class_name = class_name;
  if (class_name == "PNDMScheduler") config.set_alpha_to_one = false;
  return config;
}

SchedulerConfig SchedulerConfig::defaults_for(const nlohmann::json& json) {
  const auto stated = [&](const char* key) {
    const auto found = json.is_object() ? json.find(key) : json.end();
    return found == json.end() ? nullptr : &*found;
  };
  const nlohmann::json* name = stated("_class_name");
  SchedulerConfig config =
      name != nullptr && name->is_string() ? defaults_of(*name) : SchedulerConfig();
  const std::pair<const char*, bool&> on_by_default[] = {
      {"set_alpha_to_one", config.set_alpha_to_one},
      {"clip_sample", config.clip_sample},
      {"lower_order_final", config.lower_order_final},
  };
  for (const auto& [key, value] : on_by_default) {
    if (const nlohmann::json* given = stated(key); given != nullptr && given->is_null())
      value = false;
  }
  return config;
}

Objective SchedulerConfig::objective() const {
  switch (prediction_type) {
    case PredictionType::kEpsilon:
      return Objective::kEpsilon;
    case PredictionType::kV:
      return Objective::kV;
    case PredictionType::kSample:
      return Objective::kSample;
    case PredictionType::kFlow:
      return Objective::kFlow;
    case PredictionType::kDefault:
      break;
  }
  return is_flow() ? Objective::kFlow : Objective::kEpsilon;
}

TimestepSpacing SchedulerConfig::spacing() const {
  if (timestep_spacing != TimestepSpacing::kDefault) return timestep_spacing;
  for (const char* leading : {"DDIMScheduler", "DDPMScheduler", "PNDMScheduler"}) {
    if (class_name == leading) return TimestepSpacing::kLeading;
  }
  return TimestepSpacing::kLinspace;
}

void SchedulerConfig::validate(ErrorKind kind) const {
  const auto require = [&](bool condition, const std::string& message) {
    if (!condition) throw Error(kind, "scheduler: " + message);
  };
  // A value that the class itself never reads does no harm, as in the reference.
  const auto is_one_of = [&](const std::vector<const char*>& classes) {
    return std::find(classes.begin(), classes.end(), class_name) != classes.end();
  };
  const char* const kEuler = "EulerDiscreteScheduler";
  const char* const kDpmSolver = "DPMSolverMultistepScheduler";
  const char* const kFlowEuler = "FlowMatchEulerDiscreteScheduler";
  struct Unsupported {
    const char* key;
    bool value;
    std::vector<const char*> read_by;
  };
  const Unsupported unsupported[] = {
      {"thresholding", thresholding, {"DDIMScheduler", "DDPMScheduler", kDpmSolver}},
      {"use_lu_lambdas", use_lu_lambdas, {kDpmSolver}},
      {"use_flow_sigmas", use_flow_sigmas, {kDpmSolver}},
      {"invert_sigmas", invert_sigmas, {kFlowEuler}},
      {"stochastic_sampling", stochastic_sampling, {kFlowEuler}},
  };
  for (const auto& [key, value, read_by] : unsupported)
    require(!value || !is_one_of(read_by), str("'", key, "' true is not supported"));
  struct Choice {
    const char* key;
    const std::string& value;
    std::vector<std::string> accepted;
    const char* read_by;
  };
  const Choice choices[] = {
      // The reference takes deis for dpmsolver++ that ends at sigma_min, and the last three solvers
      // for midpoint.
      {"algorithm_type", algorithm_type, {"dpmsolver++", "deis"}, kDpmSolver},
      {"solver_type", solver_type, {"midpoint", "heun", "logrho", "bh1", "bh2"}, kDpmSolver},
      {"variance_type", variance_type, {"fixed_small", "fixed_large"}, "DDPMScheduler"},
      {"variance_type",  // only learned ones make a difference
       variance_type,
       {"fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"},
       kDpmSolver},
      {"interpolation_type", interpolation_type, {"linear"}, kEuler},
      {"timestep_type", timestep_type, {"discrete"}, kEuler},
  };
  for (const auto& [key, value, accepted, read_by] : choices) {
    if (class_name != read_by || (value.empty() && key == std::string_view("variance_type")))
      continue;
    const bool known = std::find(accepted.begin(), accepted.end(), value) != accepted.end();
    require(known,
            str("'", key, "' '", value, "' is not supported; expected ", join(accepted, " or ")));
  }
  require(class_name != kDpmSolver || algorithm_type != "deis" ||
              final_sigmas_type == FinalSigma::kSigmaMin,
          "'algorithm_type' 'deis' needs 'final_sigmas_type' 'sigma_min'");
  require(use_karras_sigmas + use_exponential_sigmas + use_beta_sigmas <= 1,
          "'use_karras_sigmas', 'use_exponential_sigmas' and 'use_beta_sigmas' exclude each other");
  require(class_name != "PNDMScheduler" || skip_prk_steps,
          "PNDMScheduler is supported with 'skip_prk_steps' true only");
  require(class_name != "PNDMScheduler" || !rescale_betas_zero_snr,
          "PNDMScheduler has no 'rescale_betas_zero_snr'; leave it out or choose another class");
  require(class_name != "PNDMScheduler" || objective() != Objective::kSample,
          "PNDMScheduler takes 'prediction_type' epsilon or v_prediction");
  require(
      trained_betas.empty() || static_cast<int64_t>(trained_betas.size()) == num_train_timesteps,
      str("'trained_betas' has ", trained_betas.size(),
          " values, expected num_train_timesteps = ", num_train_timesteps));
  const Objective predicted = objective();
  require(is_flow() == (predicted == Objective::kFlow) || predicted == Objective::kSample,
          str("'prediction_type' does not fit ", class_name,
              ": flow matching takes flow_prediction or sample, the others epsilon, v_prediction "
              "or sample"));
  require(shift > 0, str("'shift' is ", shift, ", expected more than 0"));
  require(shift_terminal < 1, "'shift_terminal' is 1, expected less");
  require(max_image_seq_len != base_image_seq_len,
          "'max_image_seq_len' equals 'base_image_seq_len'");
}

}  // namespace reasonbrain::diffusion
