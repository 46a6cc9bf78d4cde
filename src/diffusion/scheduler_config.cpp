#include "diffusion/scheduler_config.h"

#include "core/str.h"

namespace reasonbrain::diffusion {

void SchedulerConfig::describe(OptionVisitor& v) {
  v.field("_class_name", class_name,
          {.help = "DDPMScheduler (training only), DDIMScheduler, FlowMatchEulerDiscreteScheduler, "
                   "EulerDiscreteScheduler, EulerAncestralDiscreteScheduler or "
                   "DPMSolverMultistepScheduler"});
  v.choice("prediction_type", prediction_type,
           {"default", "epsilon", "v_prediction", "sample", "flow_prediction"},
           {.help = "What the denoiser predicts; default: flow for flow matching, else epsilon"});
  v.field("num_train_timesteps", num_train_timesteps,
          {.help = "Discrete noise levels of training", .min = 1, .max = 100000});
  v.choice("timestep_spacing", timestep_spacing, {"default", "leading", "trailing", "linspace"},
           {.help = "Where sampling steps lie; default: leading for DDIM, else linspace"});
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
          {.help = "DDIM: the last step ends without noise instead of at the first level"});
  v.field("clip_sample", clip_sample, {.help = "DDIM: clamp the predicted x0"});
  v.field("clip_sample_range", clip_sample_range, {.help = "Bound of the clamp", .min = 0});
  v.field("eta", eta, {.help = "DDIM: share of fresh noise, 1 is DDPM", .min = 0, .max = 1});
  v.choice("final_sigmas_type", final_sigmas_type, {"zero", "sigma_min"},
           {.help = "Noise level that Euler and DPM-Solver end at"});
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
  v.field("thresholding", thresholding, {.help = "Must be false"});
  v.field("use_karras_sigmas", use_karras_sigmas, {.help = "Must be false"});
  v.field("use_exponential_sigmas", use_exponential_sigmas, {.help = "Must be false"});
  v.field("use_beta_sigmas", use_beta_sigmas, {.help = "Must be false"});
  v.field("use_lu_lambdas", use_lu_lambdas, {.help = "Must be false"});
  v.field("use_flow_sigmas", use_flow_sigmas, {.help = "Must be false"});
  v.field("invert_sigmas", invert_sigmas, {.help = "Must be false"});
  v.field("stochastic_sampling", stochastic_sampling, {.help = "Must be false"});
  v.field("algorithm_type", algorithm_type, {.help = "Must be dpmsolver++"});
  v.field("solver_type", solver_type, {.help = "Must be midpoint"});
  v.field("interpolation_type", interpolation_type, {.help = "Must be linear"});
  v.field("timestep_type", timestep_type, {.help = "Must be discrete"});
  v.field("variance_type", variance_type, {.help = "Must be empty"});
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
  return class_name == "DDIMScheduler" ? TimestepSpacing::kLeading : TimestepSpacing::kLinspace;
}

void SchedulerConfig::validate(ErrorKind kind) const {
  const auto require = [&](bool condition, const std::string& message) {
    if (!condition) throw Error(kind, "scheduler: " + message);
  };
  const std::pair<const char*, bool> unsupported[] = {
      {"thresholding", thresholding},
      {"use_karras_sigmas", use_karras_sigmas},
      {"use_exponential_sigmas", use_exponential_sigmas},
      {"use_beta_sigmas", use_beta_sigmas},
      {"use_lu_lambdas", use_lu_lambdas},
      {"use_flow_sigmas", use_flow_sigmas},
      {"invert_sigmas", invert_sigmas},
      {"stochastic_sampling", stochastic_sampling},
  };
  for (const auto& [key, value] : unsupported)
    require(!value, str("'", key, "' true is not supported"));
  const std::tuple<const char*, const std::string&, const char*> fixed[] = {
      {"algorithm_type", algorithm_type, "dpmsolver++"},
      {"solver_type", solver_type, "midpoint"},
      {"interpolation_type", interpolation_type, "linear"},
      {"timestep_type", timestep_type, "discrete"},
      {"variance_type", variance_type, ""},
  };
  for (const auto& [key, value, expected] : fixed) {
    require(value == expected,
            str("'", key, "' '", value, "' is not supported; expected '", expected, "'"));
  }
  require(solver_order <= 2,
          str("'solver_order' ", solver_order, " is not supported; expected 1 or 2"));
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
