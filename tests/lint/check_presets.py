#!/usr/bin/env python3
"""Checks of the paper's presets with the built binary.

    check_presets.py sizes BINARY    every configuration under every overlay builds without memory, FRCE and CME within
                                     3 % of the paper's Tab. A4; its totals are printed both ways, see docs/configuration.md
    check_presets.py scaled BINARY   the presets at small widths train two steps, save, load and edit a picture
"""
import json
import resource
import tempfile
from pathlib import Path

from program import BASES, OVERLAYS, failure, main, run

MAX_KIBIBYTES = 1 << 20
TOLERANCE = 0.03

PLANS = [["reasonbrain-7b"], ["reasonbrain-3b"], ["reasonbrain-flux"],
         ["reasonbrain-flux", "model.denoiser.source_mode=sequence", "model.parts.denoiser.train=full"],
         ["reasonbrain-flux", "model.flux_text.prompt_embeds=true", "model.parts.denoiser.train=frozen"]]

# Widths and pictures of a test; depths, layer types and switches stay the preset's.
SCALED = """
model:
  tokenizers: {llm: tokenizers/mini/llm, text: tokenizers/mini/text, text_2: tokenizers/mini/llm}
  vision: {hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, projection_dim: 32, image_size: 56}
  text: {hidden_size: 32, intermediate_size: 64, num_attention_heads: 2, projection_dim: 32, vocab_size: 918,
         eos_token_id: 917}
  text_2: {vocab_size: 736, d_model: 32, d_kv: 8, d_ff: 64, num_layers: 2, num_heads: 2}
  llm: {vocab_size: 736, hidden_size: 32, intermediate_size: 64, num_attention_heads: 2}
  qformer: {hidden_size: 32, num_attention_heads: 2, intermediate_size: 64, encoder_hidden_size: 32}
  vae: {block_out_channels: [8, 8, 8, 8], norm_num_groups: 4}
  unet: {block_out_channels: [16, 16, 16, 16], cross_attention_dim: [32], attention_head_dim: [2], norm_num_groups: 8,
         sample_size: 8}
  flux: {num_layers: 2, num_single_layers: 2, attention_head_dim: 16, num_attention_heads: 2, joint_attention_dim: 32,
         pooled_projection_dim: 16, axes_dims_rope: [4, 6, 6]}
  reason: {width: 32, num_heads: 2}
  denoiser: {picture_side: 64}
data: {records: w/records.jsonl, validation: {records: w/records.jsonl}}
train: {eval_every: 0, sample_every: 0, warmup_steps: 0, batch_size: 2, stages: [{name: joint, steps: 2}]}
"""
VARIANTS = {"SD2.1-base": ["reasonbrain-7b"], "SD1.5": ["reasonbrain-3b"],
            "SD2.1 with v": ["reasonbrain-7b", "model.scheduler.prediction_type=v_prediction"],
            "SD1.5, Euler ancestral": ["reasonbrain-3b", "model.scheduler._class_name=EulerAncestralDiscreteScheduler"],
            "SD2.1 with adapters": ["reasonbrain-7b", "model.parts.denoiser.train=lora"],
            "FLUX": ["reasonbrain-flux"],
            "FLUX, source as tokens": ["reasonbrain-flux", "model.denoiser.source_mode=sequence"],
            "FLUX with T5, frozen": ["reasonbrain-flux", "model.parts.denoiser.train=frozen",
                                     "model.flux_text.prompt_embeds=true", "model.flux_text.max_sequence_length=24"],
            "FLUX in full, pooled context": ["reasonbrain-flux", "model.parts.denoiser.train=full",
                                             "model.flux_text.pooled_prompt_embeds=context"]}


def sizes(binary):
    problems = []
    for base in BASES:
        for overlay in [None, *OVERLAYS]:
            arguments = ["--config", base, *(["--config", overlay] if overlay else [])]
            result = run(binary, "model", "info", "--json", *arguments)
            what = f"{base.stem} with {overlay.stem if overlay else 'no overlay'}"
            problems += failure(what, result)
            if result.returncode != 0:
                continue
            parameters = json.loads(result.stdout)["parameters"]
            for row in parameters["paper"]:
                if row["name"] in ("FRCE", "CME") and abs(row["ours"] / row["paper"] - 1) > TOLERANCE:
                    problems.append(f"{what}: {row['name']} has {row['ours']} parameters, the paper {row['paper']:.0f}")
            if base.stem.startswith("reasonbrain-") and not overlay and len(parameters["paper"]) != 4:
                problems.append(f"{what}: no comparison with Tab. A4")
            if not 0 < parameters["trainable"] < parameters["total"] and base.stem != "mini":
                problems.append(f"{what}: trains {parameters['trainable']} of {parameters['total']}")
    for base, *overrides in PLANS:
        plan = run(binary, "train", "--dry-run", "--config", base, "--run", "unused", *overrides, cwd=tempfile.gettempdir())
        what = f"dry run of {base} {' '.join(overrides)}"
        problems += failure(what, plan)
        problems += [f"{what} says nothing of {word}" for word in
                     ("weights", "gradients", "optimizer", "activations", "cache") if word not in plan.stdout]
        if "not known" in plan.stdout:
            problems.append(f"{what} does not know the activations: {plan.stderr.strip()[-500:]}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if peak > MAX_KIBIBYTES:
        problems.append(f"a build took {peak >> 10} MiB of memory")
    return problems


def scaled(binary):
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scaled.yaml").write_text(SCALED)
        problems += failure("data", run(binary, "data", "miniworld", "--out", "w", "--split", "val", "--count", 4,
                                        "--seed", 3, "--size", 64, cwd=folder))
        picture = next((folder / "w" / "images").glob("*_src.png"))
        for variant, (preset, *overrides) in VARIANTS.items():
            target = variant.replace(" ", "-")
            train = run(binary, "train", "--config", preset, "--config", "scaled.yaml", "--device", "cpu", "--run", target,
                        *overrides, cwd=folder)
            problems += failure(f"{variant}: training", train)
            if train.returncode != 0:
                continue
            steps = [json.loads(line) for line in (folder / target / "metrics.jsonl").read_text().splitlines()]
            if not steps or steps[-1]["step"] != 2:
                problems.append(f"{variant}: {len(steps)} lines of metrics, the last should be of step 2")
            problems += failure(f"{variant}: export", run(binary, "model", "export", "--model", target, "--out",
                                                          f"{target}-model", cwd=folder))
            pictures = []
            for model in (target, f"{target}-model"):
                edit = run(binary, "edit", "--model", model, "--device", "cpu", "--image", picture, "--instruction",
                           "What if the block melts?", "--steps", 2, "--out", f"{model}.png", "--no-metadata", cwd=folder)
                problems += failure(f"{variant}: editing with {model}", edit)
                if edit.returncode == 0:
                    pictures.append((folder / f"{model}.png").read_bytes())
            if len(pictures) == 2 and pictures[0] != pictures[1]:
                problems.append(f"{variant}: run and exported model edit differently")
    return problems


if __name__ == "__main__":
    main(__doc__, {"sizes": sizes, "scaled": scaled})
