#!/usr/bin/env python3
"""Writes golden cases of noise schedules and samplers: diffusers' schedulers, step by step.

A case is one safetensors file with the scheduler's options as JSON in its metadata (`config`, `num_steps`,
`image_seq_len`). Model answers are random numbers: a sampler does not care where they come from. `use_beta_sigmas` needs scipy.
"""
import argparse
import inspect
import json
import pathlib
import random

import diffusers
import numpy as np
import torch
from safetensors.torch import save_file

SHAPE = (2, 3, 4)
NOISY = {"DDIMScheduler", "DDPMScheduler", "EulerAncestralDiscreteScheduler"}


def save(path, tensors, **metadata):
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}
    save_file(tensors, str(path), {name: str(value) for name, value in metadata.items()})


def class_options(class_name, options):
    accepted = inspect.signature(getattr(diffusers, class_name).__init__).parameters
    return {name: value for name, value in options.items() if name in accepted}


def training_case(path, options, seed):
    """Noise mixed in and the velocity target of DDPMScheduler."""
    generator = torch.Generator().manual_seed(seed)
    scheduler = diffusers.DDPMScheduler(**class_options("DDPMScheduler", options))
    levels = options.get("num_train_timesteps", 1000)
    t = torch.tensor([0, 1, levels // 3, levels - 2, levels - 1])
    x0, noise = torch.randn(2, len(t), 3, 4, generator=generator)
    save(path,
         {"alphas_cumprod": scheduler.alphas_cumprod, "t": t, "x0": x0, "noise": noise,
          "noisy": scheduler.add_noise(x0, noise, t), "velocity": scheduler.get_velocity(x0, noise, t)},
         kind="training", config=json.dumps({"_class_name": "DDPMScheduler", **options}))


def flow_answer(options, answer, x, sigma):
    """The velocity that the reference's flow step takes, from an answer that may be x0 itself."""
    if options.get("prediction_type") == "sample":
        x0 = answer
    elif options.get("clip_flow_sample"):
        x0 = x - sigma * answer
    else:
        return answer
    if options.get("clip_flow_sample"):
        bound = options.get("clip_sample_range", 1.0)
        x0 = x0.clamp(-bound, bound)
    return (x - x0) / sigma


def sampling_case(path, class_name, options, num_steps, seed, image_seq_len=1024):
    generator = torch.Generator().manual_seed(seed)
    # from_config, as pipelines do: it keeps options that the constructor does not name, such as sigma_min.
    scheduler = getattr(diffusers, class_name).from_config({"_class_name": class_name, **options})
    flow = class_name == "FlowMatchEulerDiscreteScheduler"
    if flow:
        mu = None
        if options.get("use_dynamic_shifting"):
            c = scheduler.config
            slope = (c.max_shift - c.base_shift) / (c.max_image_seq_len - c.base_image_seq_len)
            mu = c.base_shift + slope * (image_seq_len - c.base_image_seq_len)
        if options.get("flow_spacing") == "to_sigma_min":
            scheduler.set_timesteps(num_steps, mu=mu)
        else:
            scheduler.set_timesteps(sigmas=np.linspace(1, 1 / num_steps, num_steps), mu=mu)
    else:
        scheduler.set_timesteps(num_steps)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)

    count = len(scheduler.timesteps)  # PNDM evaluates once more, clipped DPM-Solver schedules less often
    answers = torch.randn(count, *SHAPE, generator=generator)
    fresh = torch.randn(count, *SHAPE, generator=generator)
    initial = torch.randn(SHAPE, generator=generator)
    sigma = torch.as_tensor(float(getattr(scheduler, "init_noise_sigma", 1.0)), dtype=torch.float64)
    x = initial * float(sigma)
    inputs, samples = [], []
    for i, t in enumerate(scheduler.timesteps):
        inputs.append(scheduler.scale_model_input(x, t) if not flow else x)
        answer, extra = answers[i], {}
        if flow:
            answer = flow_answer(options, answer, x, scheduler.sigmas[i])
        if class_name == "DDIMScheduler":
            extra = {"eta": options.get("eta", 0.0), "variance_noise": fresh[i]}
        if class_name in ("EulerAncestralDiscreteScheduler", "DDPMScheduler"):
            module = inspect.getmodule(type(scheduler))
            module.randn_tensor = lambda *_, noise=fresh[i], **__: noise
        x = scheduler.step(answer, t, x, **extra).prev_sample
        samples.append(x)
    tensors = {"initial": initial, "initial_sigma": sigma, "answers": answers, "inputs": torch.stack(inputs),
               "samples": torch.stack(samples), "timesteps": scheduler.timesteps.double()}
    if not tensors["samples"].isfinite().all():
        print(f"{path.name} left out: the reference's float32 coefficients overflow")
        return
    if class_name in NOISY:
        tensors["fresh"] = fresh
    save(path, tensors, kind="sampling", num_steps=num_steps, image_seq_len=image_seq_len,
         config=json.dumps({"_class_name": class_name, **options}))


SD = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1,
      "set_alpha_to_one": False, "clip_sample": False}
FIXED = [
    ("DDIMScheduler", {}, 7),
    ("DDIMScheduler", SD, 10),
    ("DDIMScheduler", {**SD, "eta": 0.7, "prediction_type": "v_prediction"}, 5),
    ("DDIMScheduler", {**SD, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing",
                       "prediction_type": "v_prediction"}, 6),
    ("DDIMScheduler", {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "linspace",
                       "prediction_type": "sample", "clip_sample_range": 1.5}, 4),
    ("FlowMatchEulerDiscreteScheduler", {}, 4),
    ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0, "flow_spacing": "to_sigma_min"}, 6),
    ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0, "use_dynamic_shifting": True}, 5),
    ("FlowMatchEulerDiscreteScheduler", {"prediction_type": "sample", "clip_flow_sample": True}, 4),
    ("FlowMatchEulerDiscreteScheduler", {"shift_terminal": 0.1, "time_shift_type": "linear",
                                         "use_dynamic_shifting": True}, 3),
    ("EulerDiscreteScheduler", {**SD, "timestep_spacing": "leading"}, 6),
    ("EulerDiscreteScheduler", {"prediction_type": "v_prediction", "final_sigmas_type": "sigma_min"}, 5),
    ("EulerAncestralDiscreteScheduler", SD, 6),
    ("EulerAncestralDiscreteScheduler", {"prediction_type": "v_prediction", "timestep_spacing": "trailing",
                                         "rescale_betas_zero_snr": True}, 5),
    ("DPMSolverMultistepScheduler", SD, 8),
    ("DPMSolverMultistepScheduler", {"prediction_type": "v_prediction", "timestep_spacing": "trailing",
                                     "final_sigmas_type": "sigma_min"}, 17),
    ("DPMSolverMultistepScheduler", {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1,
                                     "timestep_spacing": "leading"}, 6),
    ("DDPMScheduler", {**SD, "clip_sample": True, "clip_sample_range": 1.5}, 6),
    ("DDPMScheduler", {"variance_type": "fixed_large", "prediction_type": "v_prediction",
                       "timestep_spacing": "trailing", "clip_sample": False}, 4),
    ("PNDMScheduler", {**SD, "skip_prk_steps": True}, 7),
    ("PNDMScheduler", {"prediction_type": "v_prediction", "skip_prk_steps": True, "timestep_spacing": "linspace"}, 5),
    ("EulerDiscreteScheduler", {**SD, "use_karras_sigmas": True}, 5),
    ("EulerDiscreteScheduler", {"use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 12.0,
                                "timestep_spacing": "trailing"}, 5),
    ("DPMSolverMultistepScheduler", {**SD, "use_karras_sigmas": True, "solver_type": "heun"}, 9),
    ("DPMSolverMultistepScheduler", {**SD, "solver_order": 3, "prediction_type": "v_prediction"}, 17),
    ("DPMSolverMultistepScheduler", {"solver_order": 3, "lambda_min_clipped": -3.0, "timestep_spacing": "trailing",
                                     "final_sigmas_type": "sigma_min", "lower_order_final": False}, 9),
    ("FlowMatchEulerDiscreteScheduler", {"use_karras_sigmas": True, "shift": 2.0}, 5),
    ("FlowMatchEulerDiscreteScheduler", {"use_exponential_sigmas": True, "use_dynamic_shifting": True}, 4),
    ("DPMSolverMultistepScheduler", {**SD, "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 9.0,
                                     "lower_order_final": None}, 7),
    ("FlowMatchEulerDiscreteScheduler", {"use_exponential_sigmas": True, "sigma_min": 0.02, "sigma_max": 0.9}, 4),
    ("DDIMScheduler", {"clip_sample": None, "set_alpha_to_one": None}, 5),
    ("EulerDiscreteScheduler", {**SD, "use_beta_sigmas": True}, 7),
    ("DPMSolverMultistepScheduler", {**SD, "use_beta_sigmas": True, "sigma_min": 0.04}, 8),
    ("FlowMatchEulerDiscreteScheduler", {"use_beta_sigmas": True, "shift": 3.0}, 6),
    ("FlowMatchEulerDiscreteScheduler", {"use_beta_sigmas": True, "sigma_max": 0.8}, 1),
]
TRAINING = [{}, SD, {"beta_schedule": "squaredcos_cap_v2"}, {**SD, "rescale_betas_zero_snr": True},
            {"trained_betas": [0.01, 0.02, 0.05, 0.1, 0.3], "num_train_timesteps": 5}]


def random_options(rng, class_name):
    options = {"num_train_timesteps": rng.choice([100, 500, 1000])}
    rule = rng.choice([None, None, "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"])
    if class_name == "FlowMatchEulerDiscreteScheduler":
        options |= {"shift": round(rng.uniform(0.5, 6), 3), "use_dynamic_shifting": rng.random() < 0.4,
                    "flow_spacing": rng.choice(["uniform", "to_sigma_min"]),
                    "prediction_type": rng.choice(["flow_prediction", "sample"]),
                    "clip_flow_sample": rng.random() < 0.5, "clip_sample_range": round(rng.uniform(0.5, 2), 2),
                    "time_shift_type": rng.choice(["exponential", "linear"])}
        if rng.random() < 0.3:
            options["shift_terminal"] = round(rng.uniform(0.02, 0.3), 3)
        return options | ({rule: True} if rule else {})
    start = rng.uniform(1e-5, 1e-3)
    objectives = ["epsilon", "v_prediction"]
    if class_name not in ("EulerAncestralDiscreteScheduler", "PNDMScheduler"):
        objectives.append("sample")
    options |= {"beta_schedule": rng.choice(["linear", "scaled_linear", "squaredcos_cap_v2"]),
                "beta_start": start, "beta_end": start * rng.uniform(10, 30),
                "timestep_spacing": rng.choice(["leading", "trailing", "linspace"]),
                "prediction_type": rng.choice(objectives), "steps_offset": rng.choice([0, 1]),
                "clip_sample": rng.random() < 0.5, "clip_sample_range": round(rng.uniform(0.5, 2), 2),
                "set_alpha_to_one": rng.random() < 0.5, "eta": rng.choice([0.0, 0.3, 1.0]),
                "variance_type": rng.choice(["fixed_small", "fixed_large"]), "skip_prk_steps": True,
                "final_sigmas_type": rng.choice(["zero", "sigma_min"]), "solver_order": rng.choice([1, 2, 3]),
                "solver_type": rng.choice(["midpoint", "heun"]),
                "lower_order_final": rng.random() < 0.5, "euler_at_final": rng.random() < 0.5}
    if class_name not in ("DDPMScheduler",):
        del options["variance_type"]  # DPM-Solver reads another meaning into it
    if class_name == "DPMSolverMultistepScheduler" and rng.random() < 0.3:
        options["lambda_min_clipped"] = round(rng.uniform(-5.5, -2), 2)
    if rule and class_name in ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler"):
        options[rule] = True
    if options["prediction_type"] == "v_prediction" and class_name != "PNDMScheduler":
        options["rescale_betas_zero_snr"] = rng.random() < 0.5
    return options


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = pathlib.Path(__file__).resolve().parents[2]
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/diffusion/data/schedules")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, default=0, help="random cases instead of the committed ones")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.cases:
        rng = random.Random(args.seed)
        names = sorted({name for name, _, _ in FIXED})
        for i in range(args.cases):
            name = names[i % len(names)]
            if i % 10 == 9:
                training_case(args.out / f"random-{i:03}.safetensors", random_options(rng, "DDPMScheduler"), args.seed + i)
                continue
            sampling_case(args.out / f"random-{i:03}.safetensors", name, random_options(rng, name),
                          rng.randint(1, 24), args.seed + i, rng.randint(64, 5000))
        return
    for i, options in enumerate(TRAINING):
        training_case(args.out / f"training-{i}.safetensors", options, args.seed + i)
    for i, (name, options, steps) in enumerate(FIXED):
        sampling_case(args.out / f"sampling-{i:02}.safetensors", name, options, steps, args.seed + i)


if __name__ == "__main__":
    main()
